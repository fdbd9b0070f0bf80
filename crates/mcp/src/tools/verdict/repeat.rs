//! The same call again: is it a retry, whose answer was lost, or is the same wanted once more? Pure.

use std::time::Duration;

use sf_engine::{Done, RunState};

/// A call that comes within so long of its run's end is a retry: longer than any host waits for an answer before it tries again.
pub const RETRY_WINDOW: Duration = Duration::from_secs(120);
/// What a person refused is not asked for again within so long.
pub const REFUSED_WINDOW: Duration = Duration::from_secs(600);

/// Whether a call is answered with the run that the same call opened before. `has_key` says that the caller gave a key of its
/// own, `ended` how long ago the run ended.
pub fn is_retry(state: RunState, has_key: bool, ended: Duration) -> bool {
    match state {
        // While it waits for a person or a machine, one is enough.
        RunState::Waiting | RunState::Ready | RunState::Sent | RunState::Working | RunState::Checking => true,
        RunState::Done(_) if has_key => true,
        RunState::Done(Done::Rejected) => ended < REFUSED_WINDOW,
        RunState::Done(
            Done::Succeeded | Done::Failed | Done::RolledBack | Done::Denied | Done::Expired | Done::Cancelled,
        ) => ended < RETRY_WINDOW,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(state: RunState, has_key: bool, seconds: u64, expected: bool) {
        assert_eq!(is_retry(state, has_key, Duration::from_secs(seconds)), expected, "{state:?} {has_key} {seconds}");
    }

    #[test]
    fn retries_and_repetitions_as_a_table() {
        for open in [RunState::Waiting, RunState::Ready, RunState::Sent, RunState::Working, RunState::Checking] {
            check(open, false, 0, true);
            check(open, true, 0, true);
        }
        for done in Done::ALL {
            check(RunState::Done(done), false, 0, true);
            check(RunState::Done(done), false, 119, true);
            check(RunState::Done(done), true, 80_000, true);
            check(RunState::Done(done), false, 120, done == Done::Rejected);
            check(RunState::Done(done), false, 600, false);
        }
    }
}
