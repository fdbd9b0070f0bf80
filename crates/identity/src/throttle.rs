//! Slows down whoever guesses passwords and codes: by account, and by the network they come from.
//!
//! Pure: a counter goes in, a decision and a counter come out; the store keeps it where all control planes see it. An
//! attempt is counted before the password is checked and taken back when it was right, so that a hundred parallel
//! guesses are a hundred guesses.
//!
//! Anybody can make attempts on an account. So an account has two counters: one for networks it was signed in from
//! before, one for all others. Strangers lock out strangers, and the owner at home is let in. Both together take at
//! most [`MOST_FAILURES`] failures in a row. Source: NIST SP 800-63B-4 section 3.2.2.

use std::time::Duration;

use sf_types::Timestamp;

/// Failures in a row that an account takes at the most, over both of its counters.
pub const MOST_FAILURES: u32 = 100;

/// Attempts after which locking begins, and how long it may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Attempts without a lock.
    pub free: u32,
    /// Longest lock. Locks are 1, 2, 4, .. seconds up to this.
    pub longest: Duration,
    /// Attempts after which no further one is taken before all is forgotten.
    pub most: Option<u32>,
    /// Without a further attempt all is forgotten after this.
    pub forget: Duration,
}

/// For one account from networks it was never signed in from.
pub const STRANGERS: Limits = Limits {
    free: 10,
    longest: Duration::from_secs(15 * 60),
    most: Some(MOST_FAILURES / 2),
    forget: Duration::from_secs(30 * 86_400),
};
/// For one account from networks it was signed in from.
pub const KNOWN: Limits = Limits { longest: Duration::from_secs(60), ..STRANGERS };
/// For one network (IPv6: one /64), whatever the account.
pub const NETWORK: Limits =
    Limits { free: 20, longest: Duration::from_secs(15 * 60), most: None, forget: Duration::from_secs(86_400) };
/// For one person who types codes that other programs show.
pub const CODES: Limits =
    Limits { free: 5, longest: Duration::from_secs(15 * 60), most: None, forget: Duration::from_secs(86_400) };

/// What was counted so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter {
    /// Attempts since the last success.
    pub attempts: u32,
    /// When the last one was counted.
    pub last: Timestamp,
    /// No attempt is taken before.
    pub locked_until: Timestamp,
}

impl Limits {
    /// Counts an attempt, before anything is checked. While it is locked it is not counted, and nothing may be looked
    /// at.
    ///
    /// # Errors
    /// When the next attempt is taken.
    pub fn count(self, counter: Counter, now: Timestamp) -> (Counter, Result<(), Timestamp>) {
        let counter = self.remembered(counter, now);
        if now < counter.locked_until {
            return (counter, Err(counter.locked_until));
        }
        (self.add(counter, now), Ok(()))
    }

    /// Counts an attempt though it may be locked: of somebody who has proven something else before.
    #[must_use]
    pub fn add(self, counter: Counter, now: Timestamp) -> Counter {
        let before = self.remembered(counter, now);
        let attempts = before.attempts.saturating_add(1);
        let locked_until = before.locked_until.max(now.plus(self.lock(attempts)));
        Counter { attempts, last: now, locked_until }
    }

    /// Whether no attempt of any kind is taken any more.
    pub fn is_used_up(self, counter: Counter, now: Timestamp) -> bool {
        let counter = self.remembered(counter, now);
        self.most.is_some_and(|most| counter.attempts >= most)
    }

    /// Gives one attempt back, and no more: a good account must not buy guesses at others.
    #[must_use]
    pub fn take_back(self, counter: Counter, now: Timestamp) -> Counter {
        let counter = self.remembered(counter, now);
        Counter { attempts: counter.attempts.saturating_sub(1), locked_until: Timestamp::EPOCH, ..counter }
    }

    fn remembered(self, counter: Counter, now: Timestamp) -> Counter {
        if now >= counter.last.plus(self.forget) {
            Counter { attempts: 0, last: now, locked_until: Timestamp::EPOCH }
        } else {
            counter
        }
    }

    fn lock(self, attempts: u32) -> Duration {
        if self.most.is_some_and(|most| attempts >= most) {
            return self.forget;
        }
        match attempts.checked_sub(self.free) {
            None => Duration::ZERO,
            Some(over) => Duration::from_secs(1_u64.checked_shl(over).unwrap_or(u64::MAX)).min(self.longest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_000_000);
    const FRESH: Counter = Counter { attempts: 0, last: START, locked_until: Timestamp::EPOCH };

    fn at(seconds: u64) -> Timestamp {
        START.plus(Duration::from_secs(seconds))
    }

    /// Guesses as often as it is let, for so many seconds: how many guesses that are, and the locks between them.
    fn guess(limits: Limits, seconds: u64) -> (u32, Vec<u64>) {
        let (mut counter, mut now, mut taken, mut locks) = (FRESH, 0, 0, Vec::new());
        while now <= seconds {
            let (next, answer) = limits.count(counter, at(now));
            counter = next;
            match answer {
                Ok(()) => taken += 1,
                Err(until) => {
                    let lock = until.since(at(now)).as_secs();
                    locks.push(lock);
                    now += lock;
                }
            }
        }
        (taken, locks)
    }

    #[test]
    fn locks_double_up_to_the_longest_and_then_nothing_is_taken_for_a_month() {
        let (taken, locks) = guess(STRANGERS, 29 * 86_400);
        assert_eq!(taken, MOST_FAILURES / 2);
        assert_eq!(locks[..11], [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900]);
        assert_eq!(locks.last(), Some(&(30 * 86_400)));
        let (_, locks) = guess(KNOWN, 29 * 86_400);
        assert_eq!(locks[..8], [1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn an_account_takes_a_hundred_failures_in_a_row_and_forgets_them_in_a_month() {
        let all: u32 = [STRANGERS, KNOWN].iter().map(|limits| guess(*limits, 29 * 86_400).0).sum();
        assert!(all <= MOST_FAILURES, "{all}");
        assert_eq!(guess(STRANGERS, 59 * 86_400).0, MOST_FAILURES);
    }

    #[test]
    fn a_locked_attempt_is_not_counted_and_all_is_forgotten_in_time() {
        let (mut counter, mut taken) = (FRESH, 0);
        for _ in 0..100 {
            let (next, answer) = NETWORK.count(counter, START);
            counter = next;
            taken += u32::from(answer.is_ok());
        }
        assert_eq!((taken, counter.attempts), (20, 20));
        let (counter, answer) = NETWORK.count(counter, at(86_400));
        assert_eq!((answer, counter.attempts), (Ok(()), 1));
    }

    #[test]
    fn success_gives_back_one_attempt_and_no_more() {
        let (mut counter, mut own, mut others) = (FRESH, 0, 0);
        for nth in 0..1_000 {
            let (next, answer) = NETWORK.count(counter, START);
            counter = next;
            if answer.is_err() {
                break;
            }
            if nth % 3 == 0 {
                counter = NETWORK.take_back(counter, START);
                own += 1;
            } else {
                others += 1;
            }
        }
        assert_eq!(others, 20, "with {own} good ones in between");
    }

    #[test]
    fn codes_of_somebody_who_knew_the_password_count_though_it_is_locked_and_end_too() {
        let mut counter = FRESH;
        for nth in 1..=MOST_FAILURES / 2 {
            assert!(!STRANGERS.is_used_up(counter, START), "{nth}");
            counter = STRANGERS.add(counter, START);
        }
        assert!(STRANGERS.is_used_up(counter, START));
        assert!(STRANGERS.is_used_up(counter, at(29 * 86_400)));
        assert!(!STRANGERS.is_used_up(counter, at(30 * 86_400)));
    }
}
