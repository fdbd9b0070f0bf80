//! The only source of randomness: the operating system's, or a seeded one for simulations.

use std::sync::{Arc, Mutex, PoisonError};

use sf_types::TypedId;

use crate::clock::Clock;

/// Random bytes. The seeded variant (SplitMix64) is for tests and simulations only, never for keys.
#[derive(Clone, Debug, Default)]
pub struct Rng(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    System,
    Seeded(Arc<Mutex<u64>>),
}

impl Rng {
    /// The operating system's generator.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A reproducible sequence. Clones share it.
    pub fn seeded(seed: u64) -> Self {
        Self(Source::Seeded(Arc::new(Mutex::new(seed))))
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        match &self.0 {
            Source::System => getrandom::fill(&mut out).expect("the kernel's generator cannot fail once it is seeded"),
            Source::Seeded(state) => {
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                for chunk in out.chunks_mut(8) {
                    chunk.copy_from_slice(&split_mix(&mut state).to_le_bytes()[..chunk.len()]);
                }
            }
        }
        out
    }

    /// A random number.
    pub fn u64(&self) -> u64 {
        u64::from_le_bytes(self.bytes())
    }

    /// A number in `0..bound`; 0 for an empty range. The modulo bias is below 2^-32 for the bounds used here
    /// (milliseconds, sample rates).
    pub fn below(&self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.u64() % bound }
    }

    /// A new id, stamped with the clock's time.
    pub fn id<I: TypedId>(&self, clock: &Clock) -> I {
        I::from_parts(clock.now(), self.bytes())
    }
}

/// Source: G. Steele et al., "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        assert_eq!(Rng::seeded(7).bytes::<20>(), Rng::seeded(7).bytes::<20>());
        assert_ne!(Rng::system().bytes::<16>(), Rng::system().bytes::<16>());
    }
}
