//! How long to wait before dialling again: exponential with full jitter, so that ten thousand agents do not come back
//! at the same moment.

use std::time::Duration;

use sf_runtime::Rng;
use sf_types::Millis;

/// The first wait is somewhere below this.
pub const FIRST: Duration = Duration::from_secs(1);
/// No wait is longer, unless the control plane asks for it.
pub const LONGEST: Duration = Duration::from_secs(60);
/// No wait is shorter.
pub const SHORTEST: Duration = Duration::from_millis(100);
/// The control plane may ask for this much at the most.
pub const ASKED_MAX: Duration = Duration::from_secs(15 * 60);
/// A connection that held this long makes the next failure a first one.
pub const GOOD_AFTER: Duration = Duration::from_secs(30);

/// Counts failures.
#[derive(Debug, Default)]
pub struct Backoff(u32);

impl Backoff {
    /// The wait after one more failure; at least what the control plane asked for.
    pub fn next(&mut self, rng: &Rng, asked: Option<Millis>) -> Duration {
        let ceiling = FIRST.saturating_mul(1 << self.0.min(10)).min(LONGEST);
        self.0 = self.0.saturating_add(1);
        let millis = u64::try_from(ceiling.as_millis()).unwrap_or(u64::MAX);
        let drawn = Duration::from_millis(rng.below(millis + 1)).max(SHORTEST);
        let asked = asked.map_or(Duration::ZERO, Millis::duration).min(ASKED_MAX);
        // Jitter on top of what was asked: else everybody comes back when it is over.
        if asked > drawn { asked + drawn / 4 } else { drawn }
    }

    /// The connection was good.
    pub const fn reset(&mut self) {
        self.0 = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_cap_spread_out_and_honour_what_was_asked() {
        let rng = Rng::seeded(1);
        let mut backoff = Backoff::default();
        let waits: Vec<Duration> = (0..200).map(|_| backoff.next(&rng, None)).collect();
        assert!(waits[0] <= FIRST && waits.iter().all(|wait| (SHORTEST..=LONGEST).contains(wait)));
        let late = &waits[10..];
        let mean = late.iter().sum::<Duration>() / u32::try_from(late.len()).unwrap();
        assert!((20..40).contains(&mean.as_secs()), "{mean:?}");
        assert!(backoff.next(&rng, Some(Millis::secs(120))) >= Duration::from_secs(120));
        assert!(backoff.next(&rng, Some(Millis(u64::MAX))) <= ASKED_MAX + LONGEST);
        backoff.reset();
        assert!(backoff.next(&rng, None) <= FIRST);
    }
}
