//! How often each of many may do something: a bucket for each, refilled steadily.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sf_types::Timestamp;

/// A burst, and what comes back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    /// At once.
    pub burst: u32,
    /// A minute, lasting; 0 counts as 1.
    pub per_minute: u32,
}

impl Rate {
    /// One that is told by the second.
    pub const fn a_second(burst: u32, lasting: u32) -> Self {
        Self { burst, per_minute: lasting.saturating_mul(60) }
    }

    /// How long an empty bucket takes to be full, in whole seconds.
    pub const fn window(self) -> Duration {
        self.time_for(whole(self.burst))
    }

    /// What comes back in a millisecond.
    const fn each_milli(self) -> u64 {
        if self.per_minute == 0 { 1 } else { self.per_minute as u64 }
    }

    /// In whole seconds, so that nobody comes too early.
    const fn time_for(self, parts: u64) -> Duration {
        Duration::from_secs(parts.div_ceil(self.each_milli()).div_ceil(1000))
    }
}

/// What somebody has left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Left {
    /// At once, now.
    pub at_once: u64,
    /// Until the whole burst is there again, in whole seconds.
    pub full_in: Duration,
}

/// The buckets. Bounded: whoever has a full one is as good as new and is forgotten first.
#[derive(Debug)]
pub struct Buckets<K> {
    most: usize,
    buckets: Mutex<HashMap<K, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// [`ONE`]ths still free.
    free: u64,
    at: Timestamp,
    full_at: Timestamp,
}

/// Parts of one: so many that what a minute brings is a whole number of them each millisecond.
const ONE: u64 = 60_000;

const fn whole(count: u32) -> u64 {
    count as u64 * ONE
}

impl<K: Eq + Hash> Buckets<K> {
    /// Nobody has come yet; `most` are remembered.
    pub fn new(most: usize) -> Self {
        Self { most, buckets: Mutex::default() }
    }

    /// Counts one; answers what is left.
    ///
    /// # Errors
    /// How long to wait when the bucket is empty: whole seconds, at least one.
    pub fn take(&self, of: K, rate: Rate, now: Timestamp) -> Result<Left, Duration> {
        let full = whole(rate.burst);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= self.most && !buckets.contains_key(&of) {
            make_room(&mut buckets, self.most, now);
        }
        let bucket = buckets.entry(of).or_insert(Bucket { free: full, at: now, full_at: now });
        let passed = u64::try_from(now.since(bucket.at).as_millis()).unwrap_or(u64::MAX);
        bucket.free = bucket.free.saturating_add(passed.saturating_mul(rate.each_milli())).min(full);
        bucket.at = bucket.at.max(now);
        let is_free = bucket.free >= ONE;
        bucket.free -= if is_free { ONE } else { 0 };
        let full_in = rate.time_for(full - bucket.free);
        bucket.full_at = bucket.at.plus(full_in);
        if !is_free {
            return Err(rate.time_for(ONE - bucket.free).max(Duration::from_secs(1)));
        }
        Ok(Left { at_once: bucket.free / ONE, full_in })
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether nobody is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Forgets who has a full bucket; where that is nobody, the half that was quiet longest.
fn make_room<K: Eq + Hash>(buckets: &mut HashMap<K, Bucket>, most: usize, now: Timestamp) {
    buckets.retain(|_, bucket| bucket.full_at > now);
    if buckets.len() < most {
        return;
    }
    let mut times: Vec<_> = buckets.values().map(|bucket| bucket.at).collect();
    let middle = times.len() / 2;
    let median = *times.select_nth_unstable(middle).1;
    let mut spare = most / 2;
    buckets.retain(|_, bucket| {
        let goes = bucket.at <= median && spare > 0;
        spare -= usize::from(goes);
        !goes
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_burst_passes_then_the_steady_rate_applies_to_each() {
        let buckets = Buckets::new(10);
        let (seconds, minutes) = (Rate::a_second(2, 1), Rate { burst: 1, per_minute: 6 });
        for (millis, who, rate, expected) in [
            (0, "ada", seconds, Ok(())),
            (0, "ada", seconds, Ok(())),
            (0, "ada", seconds, Err(1)),
            (0, "bo", seconds, Ok(())),
            (999, "ada", seconds, Err(1)),
            (1_000, "ada", seconds, Ok(())),
            // Of a clock that goes back nothing is got.
            (500, "ada", seconds, Err(1)),
            (60_000, "ada", seconds, Ok(())),
            (60_000, "ada", seconds, Ok(())),
            (60_000, "ada", seconds, Err(1)),
            (0, "cy", minutes, Ok(())),
            (0, "cy", minutes, Err(10)),
            (1, "cy", minutes, Err(10)),
            (9_001, "cy", minutes, Err(1)),
            (10_000, "cy", minutes, Ok(())),
            (0, "dee", Rate { burst: 0, per_minute: 0 }, Err(60)),
        ] {
            let took = buckets.take(who, rate, at(millis)).map(drop).map_err(|wait| wait.as_secs());
            assert_eq!(took, expected, "{millis} {who}");
        }
    }

    #[test]
    fn what_is_left_is_told() {
        let (buckets, rate) = (Buckets::new(10), Rate::a_second(4, 2));
        assert_eq!(rate.window(), Duration::from_secs(2));
        for (millis, at_once, full_in) in [(0, 3, 1), (0, 2, 1), (0, 1, 2), (500, 1, 2), (60_000, 3, 1)] {
            let left = buckets.take("ada", rate, at(millis)).unwrap();
            assert_eq!((left.at_once, left.full_in.as_secs()), (at_once, full_in), "{millis}");
        }
    }

    #[test]
    fn a_flood_does_not_grow_the_memory_and_full_buckets_go_first() {
        let (buckets, rate) = (Buckets::new(100), Rate::a_second(2, 1));
        for n in 0..99 {
            buckets.take(n, rate, at(0)).unwrap();
        }
        // Empty for a while longer than the others.
        for _ in 0..2 {
            buckets.take(99, rate, at(0)).unwrap();
        }
        buckets.take(100, rate, at(1_000)).unwrap();
        assert_eq!(buckets.len(), 2, "those that are full again are forgotten");
        assert!(buckets.take(99, rate, at(1_000)).is_ok() && buckets.take(99, rate, at(1_000)).is_err());
        for n in 0..10_000 {
            buckets.take(1_000 + n, rate, at(1_000)).unwrap();
            assert!(buckets.len() <= 100);
        }
    }

    #[test]
    fn of_many_that_are_not_full_the_quietest_go() {
        let (buckets, rate) = (Buckets::new(4), Rate { burst: 1, per_minute: 1 });
        for n in 0..5 {
            buckets.take(n, rate, at(n)).unwrap();
        }
        assert_eq!(buckets.len(), 3);
        assert!(buckets.take(3, rate, at(9)).is_err() && buckets.take(4, rate, at(9)).is_err(), "the last are known");
    }
}
