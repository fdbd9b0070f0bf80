//! How a process tree is brought to its end: ever harder signals at ever nearer deadlines. Pure but for the signals.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::spec::StopRule;
use crate::process::tree;

/// Time between two looks at processes that were killed: new ones may have been forked meanwhile.
const KILL_AGAIN: Duration = Duration::from_millis(50);

/// What follows the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// Nothing: it was told to stop.
    Stop,
    /// It is started again at once.
    Restart,
    /// It ended by itself; only what it left behind is killed.
    Crash,
}

/// A process tree on its way out.
#[derive(Clone, Debug)]
pub struct Ending {
    /// What follows.
    pub why: Why,
    /// The hardest signal so far.
    pub signal: Signal,
    /// When the first was sent.
    pub began: Instant,
    /// Processes that only KILL could end.
    pub killed: u32,
    deadline: Instant,
    rule: StopRule,
}

impl Ending {
    /// Begins; the caller sends [`Ending::signal`] at once. A crash begins with KILL for what is left.
    pub fn begin(why: Why, rule: StopRule, now: Instant) -> Self {
        let first = Signal::try_from(rule.signal).unwrap_or(Signal::SIGTERM);
        let signal = if why == Why::Crash { Signal::SIGKILL } else { first };
        let wait = if signal == Signal::SIGKILL { KILL_AGAIN } else { rule.grace.duration() };
        Self { why, signal, began: now, killed: 0, deadline: now + wait, rule }
    }

    /// When the next harder signal is due.
    pub const fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether a signal is due; moves on to it.
    pub fn is_due(&mut self, now: Instant) -> bool {
        if now < self.deadline {
            return false;
        }
        let gentle = self.signal != Signal::SIGTERM && self.signal != Signal::SIGKILL;
        self.signal = if gentle { Signal::SIGTERM } else { Signal::SIGKILL };
        self.deadline = now + if gentle { self.rule.term_grace.duration() } else { KILL_AGAIN };
        true
    }

    /// Sends the present signal to the process group of `leader` and to everything else that descends from us.
    pub fn send(&mut self, shim: i32, leader: Option<i32>) {
        if let Some(leader) = leader {
            // The group may be gone already.
            let _ = killpg(Pid::from_raw(leader), self.signal);
            if self.signal != Signal::SIGKILL {
                let _ = killpg(Pid::from_raw(leader), Signal::SIGCONT);
            }
        }
        let left = tree::descendants(shim);
        if self.signal == Signal::SIGKILL {
            self.killed = self.killed.max(u32::try_from(left.len()).unwrap_or(u32::MAX));
        }
        for stat in left {
            // Members of the group have got it; only KILL is worth sending twice.
            let in_group = leader.is_some_and(|leader| stat.session == leader);
            if !in_group || self.signal == Signal::SIGKILL || leader.is_none() {
                let _ = kill(Pid::from_raw(stat.pid), self.signal);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_types::Millis;

    fn check(why: Why, signal: Signal, expected: &[(u64, Signal)]) {
        let rule = StopRule { signal: signal as i32, grace: Millis(100), term_grace: Millis(30) };
        let start = Instant::now();
        let mut ending = Ending::begin(why, rule, start);
        let mut got = vec![(0, ending.signal)];
        for ms in 0..=expected.last().unwrap().0 {
            if ending.is_due(start + Duration::from_millis(ms)) {
                got.push((ms, ending.signal));
            }
        }
        assert_eq!(got, expected);
    }

    #[test]
    fn signals_get_harder_in_order() {
        use Signal::{SIGINT, SIGKILL, SIGTERM};
        check(Why::Stop, SIGTERM, &[(0, SIGTERM), (100, SIGKILL), (150, SIGKILL)]);
        check(Why::Restart, SIGINT, &[(0, SIGINT), (100, SIGTERM), (130, SIGKILL)]);
        check(Why::Stop, SIGKILL, &[(0, SIGKILL), (50, SIGKILL)]);
        check(Why::Crash, SIGTERM, &[(0, SIGKILL), (50, SIGKILL)]);
    }
}
