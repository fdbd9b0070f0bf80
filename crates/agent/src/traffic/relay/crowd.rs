//! How many clients are connected, and giving memory back when a crowd has left: the allocator would keep it for good.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A crowd is worth the work when so many have left.
const CROWD: usize = 64;

/// Counts connected clients.
#[derive(Debug, Default)]
pub struct Crowd {
    present: AtomicUsize,
    /// The most since memory was last given back.
    peak: AtomicUsize,
}

/// One connected client.
#[derive(Debug)]
pub struct Guest(Arc<Crowd>);

impl Crowd {
    /// One more client.
    pub fn join(self: &Arc<Self>) -> Guest {
        let present = self.present.fetch_add(1, Ordering::Relaxed) + 1;
        self.peak.fetch_max(present, Ordering::Relaxed);
        Guest(self.clone())
    }

    /// One less; answers whether memory should be given back.
    fn leave(&self) -> bool {
        let present = self.present.fetch_sub(1, Ordering::Relaxed) - 1;
        let peak = self.peak.load(Ordering::Relaxed);
        let dispersed = peak - present >= CROWD && present <= peak / 4;
        if dispersed {
            self.peak.store(present, Ordering::Relaxed);
        }
        dispersed
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        if self.0.leave() {
            give_back();
        }
    }
}

/// Gives free memory back to the operating system; takes about a millisecond per 10 MB.
fn give_back() {
    // SAFETY: it takes no pointer and may be called at any time (malloc_trim(3)).
    #[cfg(target_env = "gnu")]
    unsafe {
        nix::libc::malloc_trim(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_back_when_a_crowd_has_left_and_seldom() {
        let check = |clients: usize, expected: usize| {
            let crowd = Arc::new(Crowd::default());
            // The test decides about each one's leaving.
            (0..clients).for_each(|_| std::mem::forget(crowd.join()));
            assert_eq!((0..clients).filter(|_| crowd.leave()).count(), expected, "{clients}");
        };
        check(63, 0);
        check(64, 1);
        check(100, 1);
        check(1024, 3);
    }
}
