//! How often one principal may call one tool: a bucket each, refilled steadily, and one for all it does.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sf_actions::{Actor, ActorKind};
use sf_types::{Timestamp, TokenId, UserId};

/// Buckets remembered at the most. Who has not called for a while is as good as new and is forgotten first.
pub const MAX_BUCKETS: usize = 20_000;

/// Who is counted, and whose sessions are whose: a person's one credential.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Principal {
    /// For whom it acts.
    pub user: UserId,
    /// By which key or grant.
    pub token: TokenId,
}

impl Principal {
    /// Of an AI; nobody else calls here.
    pub fn of(actor: &Actor) -> Option<Self> {
        match actor.kind {
            ActorKind::Ai { user, token } => Some(Self { user, token }),
            _ => None,
        }
    }
}

/// A burst, and what comes back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    /// Calls at once.
    pub burst: u32,
    /// Calls a minute, lasting.
    pub per_minute: u32,
}

/// The limits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rates {
    /// Of a tool that only reads.
    pub reading: Rate,
    /// Of a tool that changes something.
    pub acting: Rate,
    /// Of a tool whose changes may lose something.
    pub destroying: Rate,
    /// Of all requests of one principal together.
    pub all: Rate,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            reading: Rate { burst: 600, per_minute: 18_000 },
            acting: Rate { burst: 30, per_minute: 60 },
            destroying: Rate { burst: 10, per_minute: 20 },
            all: Rate { burst: 1_200, per_minute: 36_000 },
        }
    }
}

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Counted {
    /// Whatever it is.
    Request,
    /// Calls of this tool, which is one of the list.
    Tool(&'static str, Weight),
}

/// How much a tool can do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Weight {
    /// Reads.
    Reading,
    /// Changes.
    Acting,
    /// Loses.
    Destroying,
}

/// The counters of this process.
#[derive(Debug)]
pub struct Limiter {
    rates: Rates,
    buckets: Mutex<HashMap<(Principal, Counted), Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// 60,000ths of a call still free: so that a millisecond gives a whole number of them.
    free: u64,
    at: Timestamp,
}

/// Of a bucket, what one call takes.
const CALL: u64 = 60_000;

impl Limiter {
    /// Nobody has called yet.
    pub fn new(rates: Rates) -> Self {
        Self { rates, buckets: Mutex::default() }
    }

    /// Counts one.
    ///
    /// # Errors
    /// How long to wait, in whole seconds, when the bucket is empty.
    pub fn take(&self, who: Principal, what: Counted, now: Timestamp) -> Result<(), Duration> {
        let rate = match what {
            Counted::Request => self.rates.all,
            Counted::Tool(_, Weight::Reading) => self.rates.reading,
            Counted::Tool(_, Weight::Acting) => self.rates.acting,
            Counted::Tool(_, Weight::Destroying) => self.rates.destroying,
        };
        let full = u64::from(rate.burst) * CALL;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_BUCKETS && !buckets.contains_key(&(who, what)) {
            forget(&mut buckets, now);
        }
        let bucket = buckets.entry((who, what)).or_insert(Bucket { free: full, at: now });
        let passed = u64::try_from(now.since(bucket.at).as_millis()).unwrap_or(u64::MAX);
        bucket.free = bucket.free.saturating_add(passed.saturating_mul(rate.per_minute.into())).min(full);
        bucket.at = bucket.at.max(now);
        if bucket.free < CALL {
            let wait_ms = (CALL - bucket.free).div_ceil(u64::from(rate.per_minute.max(1)));
            return Err(Duration::from_secs(wait_ms.div_ceil(1000).max(1)));
        }
        bucket.free -= CALL;
        Ok(())
    }
}

/// Makes room: who has been quiet for a minute goes, and if nobody was, everybody begins anew.
fn forget(buckets: &mut HashMap<(Principal, Counted), Bucket>, now: Timestamp) {
    let quiet = now.minus(Duration::from_secs(60));
    buckets.retain(|_, bucket| bucket.at > quiet);
    if buckets.len() >= MAX_BUCKETS {
        buckets.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(n: u128) -> Principal {
        let id = |n: u128| uuid_of(n);
        Principal { user: UserId::from_uuid(id(n)), token: TokenId::from_uuid(id(n)) }
    }

    fn uuid_of(n: u128) -> uuid::Uuid {
        uuid::Uuid::from_u128(n)
    }

    #[test]
    fn each_tool_of_each_principal_has_a_bucket() {
        let rate = |burst, per_minute| Rate { burst, per_minute };
        let rates = Rates { reading: rate(2, 60), acting: rate(1, 6), destroying: rate(1, 1), all: rate(9, 9) };
        let limiter = Limiter::new(rates);
        let (find, stop) = (Counted::Tool("find", Weight::Reading), Counted::Tool("stop", Weight::Acting));
        for (millis, who, what, expected) in [
            (0, who(1), find, Ok(())),
            (0, who(1), find, Ok(())),
            (0, who(1), find, Err(1)),
            (0, who(2), find, Ok(())),
            (0, who(1), stop, Ok(())),
            (0, who(1), stop, Err(10)),
            (1_000, who(1), find, Ok(())),
            (9_999, who(1), stop, Err(1)),
            (10_000, who(1), stop, Ok(())),
            (5_000, who(1), stop, Err(10)),
        ] {
            let took = limiter.take(who, what, Timestamp::from_millis(millis)).map_err(|wait| wait.as_secs());
            assert_eq!(took, expected, "{millis} {what:?}");
        }
    }

    #[test]
    fn a_flood_of_keys_does_not_grow_the_memory() {
        let limiter = Limiter::new(Rates::default());
        for n in 0..u128::try_from(MAX_BUCKETS + 5_000).unwrap() {
            limiter.take(who(n), Counted::Request, Timestamp::from_millis(0)).unwrap();
        }
        assert!(limiter.buckets.lock().unwrap().len() <= MAX_BUCKETS);
    }
}
