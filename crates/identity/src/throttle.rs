//! Slows down whoever guesses passwords, by account and by address.
//!
//! An attempt is counted before the password is checked and taken back when it was right, so that a hundred parallel
//! guesses are a hundred guesses. Anybody can make attempts on an account, so its own lock stays short (a minute);
//! the long one hits the address they come from.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use sf_types::Timestamp;

use crate::error::IdentityError;

/// Attempts after which locking begins, and how long it may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Attempts without a lock.
    pub free: u32,
    /// Longest lock. Locks are 1, 2, 4, .. seconds up to this.
    pub longest: Duration,
    /// Without a further attempt all is forgotten after this.
    pub forget: Duration,
    /// Accounts or addresses remembered; the least suspicious is forgotten first.
    pub remembered: usize,
}

/// For one account: 5 free attempts, at most one a minute afterwards.
pub const ACCOUNT: Limits =
    Limits { free: 5, longest: Duration::from_secs(60), forget: Duration::from_secs(24 * 3600), remembered: 10_000 };
/// For one address (IPv6: one /64): 20 free attempts, locks up to 15 minutes.
pub const ADDRESS: Limits = Limits {
    free: 20,
    longest: Duration::from_secs(15 * 60),
    forget: Duration::from_secs(24 * 3600),
    remembered: 10_000,
};

/// The throttle of sign-in. Not shared between processes: each control plane counts for itself.
#[derive(Debug)]
pub struct SignInThrottle {
    accounts: Counters<String>,
    addresses: Counters<IpAddr>,
}

#[derive(Debug)]
struct Counters<K> {
    limits: Limits,
    entries: HashMap<K, Counter>,
}

#[derive(Debug, Clone, Copy)]
struct Counter {
    attempts: u32,
    last: Timestamp,
    locked_until: Timestamp,
}

impl Default for SignInThrottle {
    fn default() -> Self {
        Self::new(ACCOUNT, ADDRESS)
    }
}

impl SignInThrottle {
    /// A throttle with its own limits.
    pub fn new(account: Limits, address: Limits) -> Self {
        Self { accounts: Counters::new(account), addresses: Counters::new(address) }
    }

    /// Counts an attempt, before anything is checked. The account is the name as typed, whether it exists or not.
    ///
    /// # Errors
    /// [`IdentityError::Throttled`]; such an attempt is not counted and the password must not be looked at.
    pub fn attempt(&mut self, account: &str, address: IpAddr, now: Timestamp) -> Result<(), IdentityError> {
        let (account, address) = (account_key(account), address_key(address));
        let until = self.accounts.locked_until(&account).max(self.addresses.locked_until(&address));
        if now < until {
            return Err(IdentityError::Throttled { until });
        }
        self.accounts.count(account, now);
        self.addresses.count(address, now);
        Ok(())
    }

    /// The attempt was right: the account starts afresh, the address gets this one attempt back. (It keeps its other
    /// failures: one good account must not buy guesses at others.)
    pub fn succeeded(&mut self, account: &str, address: IpAddr) {
        self.accounts.entries.remove(&account_key(account));
        self.addresses.take_back(&address_key(address));
    }
}

impl<K: Eq + Hash + Clone> Counters<K> {
    fn new(limits: Limits) -> Self {
        Self { limits, entries: HashMap::new() }
    }

    fn locked_until(&self, key: &K) -> Timestamp {
        self.entries.get(key).map_or(Timestamp::EPOCH, |counter| counter.locked_until)
    }

    fn count(&mut self, key: K, now: Timestamp) {
        if !self.entries.contains_key(&key) && self.entries.len() >= self.limits.remembered {
            self.make_room(now);
        }
        let fresh = Counter { attempts: 0, last: now, locked_until: Timestamp::EPOCH };
        let counter = self.entries.entry(key).or_insert(fresh);
        if now >= counter.last.plus(self.limits.forget) {
            *counter = fresh;
        }
        counter.attempts = counter.attempts.saturating_add(1);
        counter.last = now;
        counter.locked_until = now.plus(self.limits.lock(counter.attempts));
    }

    fn take_back(&mut self, key: &K) {
        if let Entry::Occupied(mut entry) = self.entries.entry(key.clone()) {
            let counter = entry.get_mut();
            counter.attempts = counter.attempts.saturating_sub(1);
            counter.locked_until = Timestamp::EPOCH;
            if counter.attempts == 0 {
                entry.remove();
            }
        }
    }

    /// Forgets what is old; if nothing is, the entry with the fewest attempts: names made up by the thousand push
    /// out each other, not the account that is under attack.
    fn make_room(&mut self, now: Timestamp) {
        let forget = self.limits.forget;
        self.entries.retain(|_, counter| now < counter.last.plus(forget));
        if self.entries.len() >= self.limits.remembered {
            let least = self.entries.iter().min_by_key(|(_, counter)| (counter.attempts, counter.last));
            if let Some(key) = least.map(|(key, _)| key.clone()) {
                self.entries.remove(&key);
            }
        }
    }
}

impl Limits {
    fn lock(&self, attempts: u32) -> Duration {
        match attempts.checked_sub(self.free) {
            None => Duration::ZERO,
            Some(over) => Duration::from_secs(1_u64.checked_shl(over).unwrap_or(u64::MAX)).min(self.longest),
        }
    }
}

fn account_key(name: &str) -> String {
    /// Longer names are cut: they exist nowhere and must not fill the memory.
    const LONGEST: usize = 254;
    name.trim().chars().take(LONGEST).flat_map(char::to_lowercase).collect()
}

/// A customer of IPv6 has at least a /64 to choose addresses from.
fn address_key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_000_000);

    fn at(seconds: u64) -> Timestamp {
        START.plus(Duration::from_secs(seconds))
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// Seconds until the next attempt is taken; 0 where this one is.
    fn wait(throttle: &mut SignInThrottle, account: &str, from: &str, seconds: u64) -> u64 {
        match throttle.attempt(account, address(from), at(seconds)) {
            Ok(()) => 0,
            Err(IdentityError::Throttled { until }) => until.since(at(seconds)).as_secs(),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn locks_of_an_account_double_up_to_a_minute() {
        let mut throttle = SignInThrottle::default();
        let mut now = 0;
        let mut locks = Vec::new();
        for nth in 0..14 {
            let from = format!("10.0.0.{nth}");
            assert_eq!(wait(&mut throttle, "Anna", &from, now), 0);
            let lock = wait(&mut throttle, " anna ", &from, now);
            locks.push(lock);
            now += lock;
        }
        assert_eq!(locks, [0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60]);
    }

    #[test]
    fn an_address_is_locked_over_all_its_accounts_and_a_v6_network_is_one_address() {
        let mut throttle = SignInThrottle::default();
        for n in 0..20 {
            assert_eq!(wait(&mut throttle, &format!("user{n}"), &format!("2001:db8::{n:x}"), 0), 0);
        }
        assert_eq!(wait(&mut throttle, "another", "2001:db8::ffff:1", 0), 1);
        assert_eq!(wait(&mut throttle, "another", "2001:db8:0:1::1", 0), 0);
        for n in 0..20 {
            assert_eq!(wait(&mut throttle, &format!("name{n}"), ["1.2.3.4", "::ffff:1.2.3.4"][n % 2], 0), 0);
        }
        assert_eq!(wait(&mut throttle, "another", "1.2.3.4", 0), 1);
    }

    #[test]
    fn success_frees_the_account_but_buys_an_address_no_guesses() {
        let mut throttle = SignInThrottle::default();
        for n in 0..60 {
            let own = n % 3 == 0;
            let account = if own { "mine".to_owned() } else { format!("victim{n}") };
            if wait(&mut throttle, &account, "1.2.3.4", 0) > 0 {
                assert!(n >= 28, "{n}");
                return;
            }
            if own {
                throttle.succeeded("mine", address("1.2.3.4"));
            }
        }
        panic!("never locked");
    }

    #[test]
    fn parallel_guesses_are_counted_before_they_are_checked_and_all_is_forgotten_in_a_day() {
        let mut throttle = SignInThrottle::default();
        let taken = (0..100).filter(|_| wait(&mut throttle, "anna", "1.2.3.4", 0) == 0).count();
        assert_eq!(taken, 5);
        for _ in 0..4 {
            assert_eq!(wait(&mut throttle, "anna", "1.2.3.4", 86_400 + 1), 0);
        }
    }

    #[test]
    fn made_up_names_do_not_push_out_an_account_under_attack() {
        let small = Limits { remembered: 100, ..ACCOUNT };
        let mut throttle = SignInThrottle::new(small, Limits { remembered: 100, ..ADDRESS });
        let mut now = 0;
        for _ in 0..10 {
            let lock = wait(&mut throttle, "anna", "1.1.1.1", now);
            if lock > 0 {
                now += lock;
                assert_eq!(wait(&mut throttle, "anna", "1.1.1.1", now), 0);
            }
        }
        for n in 0..10_000_u32 {
            let from = std::net::Ipv4Addr::from(0x0a00_0000 + n).to_string();
            assert_eq!(wait(&mut throttle, &format!("made-up-{n}"), &from, now), 0);
        }
        assert!(throttle.accounts.entries.len() <= 100 && throttle.addresses.entries.len() <= 100);
        assert!(wait(&mut throttle, "anna", "2.2.2.2", now) > 0);
    }
}
