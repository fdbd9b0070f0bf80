//! How often one caller may ask: a bucket per principal and per address, refilled steadily.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use sf_runtime::places::network;
use sf_types::{SessionId, Timestamp, TokenId};

/// Callers remembered at the most. A caller that has not asked for a while is as good as new and is forgotten first.
pub const MAX_CALLERS: usize = 20_000;

/// What one caller may do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    /// Requests at once.
    pub burst: u32,
    /// Requests a second, lasting.
    pub per_second: u32,
}

/// What a caller has left after a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Left {
    /// Under which rate it counted.
    pub rate: Rate,
    /// Requests it may make at once now.
    pub requests: u64,
    /// Seconds until it has its whole burst again.
    pub full_in: u64,
}

/// The limits of the edge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rates {
    /// One address without credential.
    pub address: Rate,
    /// One principal.
    pub principal: Rate,
    /// One address at sign-in and set-up, besides the throttle per account.
    pub sign_in: Rate,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            address: Rate { burst: 200, per_second: 50 },
            principal: Rate { burst: 4_000, per_second: 2_000 },
            sign_in: Rate { burst: 20, per_second: 1 },
        }
    }
}

/// Who is counted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Caller {
    /// A machine somewhere. IPv6 addresses count by their /64: one customer has a whole one.
    Address(IpAddr),
    /// The same, at sign-in.
    SignIn(IpAddr),
    /// A browser or CLI session.
    Session(SessionId),
    /// A token.
    Token(TokenId),
}

impl Caller {
    /// An address as it counts.
    pub fn address(ip: IpAddr) -> Self {
        Self::Address(network(ip))
    }

    /// An address as it counts at sign-in.
    pub fn sign_in(ip: IpAddr) -> Self {
        Self::SignIn(network(ip))
    }

    /// The name of the limit it counts under.
    pub const fn policy(self) -> &'static str {
        match self {
            Self::Address(_) => "address",
            Self::SignIn(_) => "sign-in",
            Self::Session(_) | Self::Token(_) => "principal",
        }
    }
}

/// The counters of this process.
#[derive(Debug)]
pub struct Limiter {
    rates: Rates,
    buckets: Mutex<HashMap<Caller, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// Thousandths of a request still free.
    free: u64,
    at: Timestamp,
}

impl Limiter {
    /// Nobody has asked yet.
    pub fn new(rates: Rates) -> Self {
        Self { rates, buckets: Mutex::default() }
    }

    /// Counts one request; answers what is left.
    ///
    /// # Errors
    /// Seconds to wait when the bucket is empty.
    pub fn take(&self, caller: Caller, now: Timestamp) -> Result<Left, u64> {
        let rate = match caller {
            Caller::Address(_) => self.rates.address,
            Caller::SignIn(_) => self.rates.sign_in,
            Caller::Session(_) | Caller::Token(_) => self.rates.principal,
        };
        let full = u64::from(rate.burst) * 1000;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_CALLERS && !buckets.contains_key(&caller) {
            forget(&mut buckets, now);
        }
        let bucket = buckets.entry(caller).or_insert(Bucket { free: full, at: now });
        let passed = u64::try_from(now.since(bucket.at).as_millis()).unwrap_or(u64::MAX);
        bucket.free = bucket.free.saturating_add(passed.saturating_mul(rate.per_second.into())).min(full);
        bucket.at = bucket.at.max(now);
        if bucket.free < 1000 {
            let missing = 1000 - bucket.free;
            return Err(missing.div_ceil(u64::from(rate.per_second.max(1)) * 1000).max(1));
        }
        bucket.free -= 1000;
        let each_second = u64::from(rate.per_second.max(1)) * 1000;
        Ok(Left { rate, requests: bucket.free / 1000, full_in: (full - bucket.free).div_ceil(each_second) })
    }
}

/// Makes room: who has been quiet for a minute goes, and if nobody was, the oldest half.
fn forget(buckets: &mut HashMap<Caller, Bucket>, now: Timestamp) {
    let quiet = now.minus(std::time::Duration::from_secs(60));
    buckets.retain(|_, bucket| bucket.at > quiet);
    if buckets.len() >= MAX_CALLERS {
        let mut times: Vec<_> = buckets.values().map(|bucket| bucket.at).collect();
        let middle = times.len() / 2;
        let (_, median, _) = times.select_nth_unstable(middle);
        let median = *median;
        let mut spare = MAX_CALLERS / 2;
        buckets.retain(|_, bucket| {
            let goes = bucket.at <= median && spare > 0;
            spare -= usize::from(goes);
            !goes
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(burst: u32, per_second: u32) -> Limiter {
        let rate = Rate { burst, per_second };
        Limiter::new(Rates { address: rate, principal: rate, sign_in: rate })
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_burst_passes_then_the_steady_rate_applies() {
        let limiter = limiter(2, 1);
        let caller = Caller::address([10, 0, 0, 1].into());
        let other = Caller::address([10, 0, 0, 2].into());
        for (millis, who, expected) in [
            (0, caller, Ok(())),
            (0, caller, Ok(())),
            (0, caller, Err(1)),
            (0, other, Ok(())),
            (999, caller, Err(1)),
            (1_000, caller, Ok(())),
            (500, caller, Err(1)),
            (60_000, caller, Ok(())),
            (60_000, caller, Ok(())),
            (60_000, caller, Err(1)),
        ] {
            assert_eq!(limiter.take(who, at(millis)).map(drop), expected, "{millis} {who:?}");
        }
    }

    #[test]
    fn a_caller_is_told_what_is_left() {
        let (limiter, caller) = (limiter(4, 2), Caller::address([10, 0, 0, 1].into()));
        for (millis, requests, full_in) in [(0, 3, 1), (0, 2, 1), (0, 1, 2), (500, 1, 2), (60_000, 3, 1)] {
            let left = limiter.take(caller, at(millis)).unwrap();
            assert_eq!((left.requests, left.full_in), (requests, full_in), "{millis}");
        }
    }

    #[test]
    fn a_flood_of_addresses_does_not_grow_the_memory() {
        let limiter = limiter(1, 1);
        for n in 0..u32::try_from(MAX_CALLERS + 5_000).unwrap() {
            limiter.take(Caller::address(std::net::Ipv4Addr::from(n).into()), at(0)).unwrap();
        }
        assert!(limiter.buckets.lock().unwrap().len() <= MAX_CALLERS);
    }
}
