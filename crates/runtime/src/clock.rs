//! The only place that reads the wall clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::UNIX_EPOCH;

use sf_types::Timestamp;

/// Tells the time: the machine's, or a test's.
#[derive(Clone, Debug, Default)]
pub struct Clock(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until [`Clock::set`] moves it. Clones move together.
    pub fn manual(at: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(at.as_millis()))))
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
            Source::System => match std::time::SystemTime::now().duration_since(UNIX_EPOCH) {
                Ok(since) => Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
                Err(before) => {
                    Timestamp::from_millis(-i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX))
                }
            },
            Source::Manual(millis) => Timestamp::from_millis(millis.load(Ordering::SeqCst)),
        }
    }

    /// Moves a manual clock; a system clock cannot be moved and ignores it.
    pub fn set(&self, at: Timestamp) {
        if let Source::Manual(millis) = &self.0 {
            millis.store(at.as_millis(), Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_of_a_manual_clock_move_together() {
        let clock = Clock::manual(Timestamp::from_millis(5));
        let other = clock.clone();
        clock.set(Timestamp::from_millis(9));
        assert_eq!(other.now(), Timestamp::from_millis(9));
    }
}
