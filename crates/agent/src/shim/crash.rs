//! Whether a process that ended by itself is started again. Pure.

use std::collections::VecDeque;

use sf_protocol::app::RestartRule;
use sf_types::{Millis, Timestamp};

use super::state::{EXITS_KEPT, Exit};

/// What follows a crash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// Start it again after this delay.
    Again(Millis),
    /// The rule never starts again.
    Never,
    /// Too many crashes within the window.
    GiveUp {
        /// How many.
        crashes: usize,
    },
}

/// Remembers recent crashes.
#[derive(Clone, Debug, Default)]
pub struct CrashGuard {
    recent: VecDeque<Timestamp>,
}

impl CrashGuard {
    /// What follows when the shim itself was killed? Its end is the last of `exits`. Only as many crashes count as
    /// exits are remembered, so that a shim that is killed again and again is given up under every rule.
    pub fn after_kill(rule: &RestartRule, exits: &[Exit]) -> Next {
        let Some((last, before)) = exits.split_last() else { return Next::Never };
        let max_crashes = rule.max_crashes.min(EXITS_KEPT as u16 - 1);
        Self::after_exits(before).crashed(&RestartRule { max_crashes, ..rule.clone() }, last.at)
    }

    /// Remembers the crashes among `exits` since the last end on request.
    pub fn after_exits(exits: &[Exit]) -> Self {
        let since = exits.iter().rposition(|exit| exit.asked).map_or(0, |asked| asked + 1);
        Self { recent: exits[since..].iter().map(|exit| exit.at).collect() }
    }

    /// The process ended by itself at `now`: what follows?
    pub fn crashed(&mut self, rule: &RestartRule, now: Timestamp) -> Next {
        if rule.max_crashes == 0 {
            return Next::Never;
        }
        // A clock that was set back makes old crashes look recent, never the other way round.
        while self.recent.front().is_some_and(|at| now.since(*at) >= rule.window.duration()) {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
        if self.recent.len() > usize::from(rule.max_crashes) {
            return Next::GiveUp { crashes: self.recent.len() };
        }
        let doublings = u32::try_from(self.recent.len() - 1).unwrap_or(u32::MAX).min(40);
        let delay = rule.first_delay.0.saturating_mul(1 << doublings);
        Next::Again(Millis(delay.min(rule.max_delay.0)))
    }

    /// A person or a deploy started it on purpose: what was before does not count.
    pub fn forget(&mut self) {
        self.recent.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: &RestartRule, crashes_at_ms: &[i64], expected: &[Next]) {
        let mut guard = CrashGuard::default();
        let got: Vec<Next> = crashes_at_ms.iter().map(|at| guard.crashed(rule, Timestamp::from_millis(*at))).collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn delays_double_to_the_cap_fall_back_after_quiet_and_end_in_giving_up() {
        use Next::{Again, GiveUp, Never};
        let rule =
            RestartRule { first_delay: Millis(100), max_delay: Millis(300), max_crashes: 4, window: Millis(1000) };
        let (a, b, c) = (Again(Millis(100)), Again(Millis(200)), Again(Millis(300)));
        check(&rule, &[0, 1, 2, 3, 4], &[a, b, c, c, GiveUp { crashes: 5 }]);
        check(&rule, &[0, 500, 2000], &[a, b, a]);
        check(&rule, &[0, 999, 1000], &[a, b, b]);
        check(&RestartRule::NEVER, &[0], &[Never]);
        check(&RestartRule { max_crashes: 1, ..rule.clone() }, &[0, 1], &[a, GiveUp { crashes: 2 }]);
        // The clock goes back: counted as recent.
        check(&rule, &[5000, 10], &[a, b]);
    }
}
