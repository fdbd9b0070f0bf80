//! How a process tree is brought to its end: ever harder signals at ever nearer deadlines. Pure but for the signals.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::spec::StopRule;
use crate::process::tree;

/// Time before the second look at processes that were killed, since new ones may have been forked meanwhile; doubles.
const KILL_AGAIN: Duration = Duration::from_millis(50);
/// Doublings of that time: a process that waits in the kernel costs a look every 3.2 s.
const DOUBLINGS_MAX: u32 = 6;
/// Time after the first KILL when whoever waits is told that something cannot be killed.
pub const STUCK_AFTER: Duration = Duration::from_secs(5);

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
    /// It was asked by a line on its standard input, and no signal was sent yet.
    pub by_line: bool,
    /// When the first was sent.
    pub began: Instant,
    /// Processes that only KILL could end.
    pub killed: u32,
    deadline: Instant,
    rule: StopRule,
    /// When the first KILL was sent, and how many followed.
    kills: Option<(Instant, u32)>,
    /// Who got the present signal: pid and start time.
    reached: HashSet<(i32, u64)>,
}

impl Ending {
    /// Begins; the caller sends [`Ending::signal`] at once. A crash begins with KILL for what is left.
    pub fn begin(why: Why, rule: StopRule, now: Instant) -> Self {
        let first = Signal::try_from(rule.signal).unwrap_or(Signal::SIGTERM);
        let signal = if why == Why::Crash { Signal::SIGKILL } else { first };
        let mut ending = Self {
            why,
            signal,
            by_line: false,
            began: now,
            killed: 0,
            deadline: now,
            rule,
            kills: None,
            reached: HashSet::new(),
        };
        ending.deadline = now + if signal == Signal::SIGKILL { ending.next_kill(now) } else { rule.grace.duration() };
        ending
    }

    /// Begins with a line that was written to it: TERM follows after the rule's grace.
    pub fn begin_by_line(why: Why, rule: StopRule, now: Instant) -> Self {
        let rule = StopRule { signal: Signal::SIGTERM as i32, ..rule };
        Self { by_line: true, ..Self::begin(why, rule, now) }
    }

    /// Nobody waits any longer; the caller sends the signal at once.
    pub fn kill(&mut self, now: Instant) {
        (self.by_line, self.signal) = (false, Signal::SIGKILL);
        self.deadline = now + self.next_kill(now);
        self.reached.clear();
    }

    /// The time until the next KILL, as one is sent now.
    fn next_kill(&mut self, now: Instant) -> Duration {
        let (_, again) = self.kills.insert(self.kills.map_or((now, 0), |(first, again)| (first, again + 1)));
        KILL_AGAIN * (1 << (*again).min(DOUBLINGS_MAX))
    }

    /// Somebody who is less patient asks too.
    pub fn hurry(&mut self, grace: Duration, now: Instant) {
        if self.signal != Signal::SIGKILL {
            self.deadline = self.deadline.min(now + grace);
        }
    }

    /// Whether something survives KILL, which is so only while it waits in the kernel.
    pub fn is_stuck(&self, now: Instant) -> bool {
        self.kills.is_some_and(|(first, _)| now >= first + STUCK_AFTER)
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
        let gentle = self.by_line || self.signal != Signal::SIGTERM && self.signal != Signal::SIGKILL;
        self.by_line = false;
        self.signal = if gentle { Signal::SIGTERM } else { Signal::SIGKILL };
        self.deadline = now + if gentle { self.rule.term_grace.duration() } else { self.next_kill(now) };
        self.reached.clear();
        true
    }

    /// Sends the present signal to the process group of `leader` and to everything else that descends from us.
    pub fn send(&mut self, shim: i32, leader: Option<i32>) {
        if self.by_line {
            return;
        }
        if let Some(leader) = leader {
            // The group may be gone already.
            let _ = killpg(Pid::from_raw(leader), self.signal);
            if self.signal != Signal::SIGKILL {
                let _ = killpg(Pid::from_raw(leader), Signal::SIGCONT);
            }
        }
        let left = tree::descendants(shim);
        // Members of the group have got it.
        let in_group = |stat: &&tree::Stat| leader.is_some_and(|leader| stat.group == leader);
        self.reached.extend(left.iter().filter(in_group).map(|stat| (stat.pid, stat.start)));
        if self.signal == Signal::SIGKILL {
            self.killed = self.killed.max(u32::try_from(left.len()).unwrap_or(u32::MAX));
        }
        self.send_to(&left);
    }

    /// Sends the present signal to what came into being while it was sent. Call it when the leader is gone.
    pub fn send_missed(&mut self, shim: i32) {
        if self.by_line {
            return;
        }
        self.send_to(&tree::descendants(shim));
    }

    /// Nobody gets the same signal twice, but for KILL: a second one often means "at once, without cleaning up".
    fn send_to(&mut self, left: &[tree::Stat]) {
        for stat in left {
            if self.reached.insert((stat.pid, stat.start)) || self.signal == Signal::SIGKILL {
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
        check(Why::Stop, SIGKILL, &[(0, SIGKILL), (50, SIGKILL), (150, SIGKILL), (350, SIGKILL), (750, SIGKILL)]);
        check(Why::Crash, SIGTERM, &[(0, SIGKILL), (50, SIGKILL)]);
    }

    #[test]
    fn a_line_comes_before_every_signal_and_a_kill_waits_for_nothing() {
        let (start, ms) = (Instant::now(), Duration::from_millis);
        let rule = StopRule { signal: Signal::SIGINT as i32, grace: Millis(100), term_grace: Millis(30) };
        let mut ending = Ending::begin_by_line(Why::Stop, rule, start);
        assert!(ending.by_line && !ending.is_due(start + ms(99)));
        assert!(ending.is_due(start + ms(100)) && !ending.by_line && ending.signal == Signal::SIGTERM);
        assert!(ending.is_due(start + ms(130)) && ending.signal == Signal::SIGKILL);
        let mut ending = Ending::begin_by_line(Why::Stop, rule, start);
        ending.kill(start + ms(10));
        assert!(!ending.by_line && ending.signal == Signal::SIGKILL && ending.is_due(start + ms(60)));
    }

    #[test]
    fn the_least_patient_decides_and_what_cannot_be_killed_is_noticed() {
        let (start, ms) = (Instant::now(), Duration::from_millis);
        let mut ending = Ending::begin(Why::Stop, StopRule::default(), start);
        ending.hurry(ms(100), start + ms(10));
        ending.hurry(ms(60_000), start + ms(20));
        assert!(!ending.is_due(start + ms(109)) && ending.is_due(start + ms(110)));
        assert_eq!(ending.signal, Signal::SIGKILL);
        assert!(!ending.is_stuck(start + ms(5_109)) && ending.is_stuck(start + ms(5_110)));
    }
}
