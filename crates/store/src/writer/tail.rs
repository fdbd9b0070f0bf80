//! Where events and audit lines go on, as the last batch left it.
//!
//! A server with one control plane is asked once. What is kept is never trusted: a number that somebody else has given
//! meanwhile is the key of a row, and the batch that gives it again fails and asks. Numbers stay without gaps and become
//! visible in order, as none is given before the one below it is committed.

use std::time::Duration;

use tokio::time::Instant;

use crate::audit::Head;

/// How long numbers are taken for known. Rows are kept for longer than that, so that the key of a number that was given stands.
const KNOWN_FOR: Duration = Duration::from_secs(60);
/// How long the lock is taken for each batch once another control plane has given a number.
const SHARED_FOR: Duration = Duration::from_secs(60);

/// The last numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Ends {
    pub(crate) audit: Head,
    pub(crate) events: u64,
}

/// What is known of them.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    known: Option<(Ends, Instant)>,
    rival_at: Option<Instant>,
}

impl Tail {
    /// For one batch; it is kept again once that is committed.
    pub(crate) fn take(&mut self) -> Option<Ends> {
        let (ends, at) = self.known.take()?;
        (at.elapsed() < KNOWN_FOR).then_some(ends)
    }

    /// A batch is committed.
    pub(crate) fn keep(&mut self, ends: Ends) {
        if !self.has_rivals() {
            self.known = Some((ends, Instant::now()));
        }
    }

    /// A number was somebody else's already.
    pub(crate) fn met_a_rival(&mut self) {
        self.rival_at = Some(Instant::now());
    }

    /// Whether somebody else has given numbers lately.
    pub(crate) fn has_rivals(&self) -> bool {
        self.rival_at.is_some_and(|at| at.elapsed() < SHARED_FOR)
    }
}
