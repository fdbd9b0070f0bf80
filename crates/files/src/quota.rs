//! How many bytes a tree may hold. Counted in blocks of [`BLOCK`], so that a million empty files are not free.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::FileFault;

/// What one entry takes at the least, and what sizes are rounded up to.
pub(crate) const BLOCK: u64 = 4096;

/// A meter shared by everything that writes to one tree. Clones are one and the same.
#[derive(Clone, Debug)]
pub struct Quota(Arc<Meter>);

#[derive(Debug)]
struct Meter {
    /// [`NO_LIMIT`] where there is none.
    limit: AtomicU64,
    used: AtomicU64,
}

const NO_LIMIT: u64 = u64::MAX;

impl Default for Quota {
    fn default() -> Self {
        Self::unlimited()
    }
}

impl Quota {
    /// Without a limit; what is used is counted.
    pub fn unlimited() -> Self {
        Self::new(None, 0)
    }

    /// `limit` bytes, of which `used` are taken already ([`crate::Tree::count`] knows).
    pub fn new(limit: Option<u64>, used: u64) -> Self {
        let limit = AtomicU64::new(limit.unwrap_or(NO_LIMIT));
        Self(Arc::new(Meter { limit, used: AtomicU64::new(used) }))
    }

    /// Another limit, also for verbs that are at work.
    pub fn set_limit(&self, limit: Option<u64>) {
        self.0.limit.store(limit.unwrap_or(NO_LIMIT), Ordering::Relaxed);
    }

    fn limit(&self) -> u64 {
        self.0.limit.load(Ordering::Relaxed)
    }

    /// Bytes taken, those of verbs that are still at work included.
    pub fn used(&self) -> u64 {
        self.0.used.load(Ordering::Relaxed)
    }

    /// What was counted on disk; servers write files of their own, too.
    pub fn set_used(&self, used: u64) {
        self.0.used.store(used, Ordering::Relaxed);
    }

    /// Bytes that can still be taken.
    pub fn left(&self) -> u64 {
        match self.limit() {
            NO_LIMIT => NO_LIMIT,
            limit => limit.saturating_sub(self.used()),
        }
    }

    pub(crate) fn give(&self, bytes: u64) {
        let less = |used: u64| Some(used.saturating_sub(bytes));
        let _ = self.0.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// Begins to take bytes that are given back unless they are kept.
    pub fn hold(&self) -> Hold {
        Hold { quota: self.clone(), taken: 0, rest: 0 }
    }
}

/// Bytes taken by one verb: given back when this is dropped, unless it was kept.
#[derive(Debug)]
pub struct Hold {
    quota: Quota,
    taken: u64,
    /// Bytes of the last block taken that are not used yet.
    rest: u64,
}

impl Hold {
    /// Begins a new entry: it takes a block of its own.
    ///
    /// # Errors
    /// [`FileFault::Full`]
    pub fn entry(&mut self) -> Result<(), FileFault> {
        self.rest = 0;
        self.take(1)?;
        self.rest = BLOCK;
        Ok(())
    }

    /// Takes bytes of the current entry, by blocks.
    ///
    /// # Errors
    /// [`FileFault::Full`]; nothing was taken then.
    pub fn take(&mut self, bytes: u64) -> Result<(), FileFault> {
        let Some(more) = bytes.checked_sub(self.rest).filter(|more| *more > 0) else {
            self.rest -= bytes;
            return Ok(());
        };
        let (meter, limit) = (&self.quota.0, self.quota.limit());
        let full = || FileFault::Full { limit };
        let blocks = more.checked_next_multiple_of(BLOCK).ok_or_else(full)?;
        let add = |used: u64| used.checked_add(blocks).filter(|used| *used <= limit);
        meter.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).map_err(|_| full())?;
        self.taken += blocks;
        self.rest = blocks - more;
        Ok(())
    }

    /// They stay taken.
    pub fn keep(mut self) {
        self.taken = 0;
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.quota.give(self.taken);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_kept_is_given_back() {
        let quota = Quota::new(Some(10 * BLOCK), BLOCK);
        let mut hold = quota.hold();
        hold.entry().unwrap();
        hold.take(BLOCK).unwrap();
        assert_eq!(quota.used(), 2 * BLOCK);
        hold.take(1).unwrap();
        assert_eq!(quota.used(), 3 * BLOCK);
        assert!(matches!(hold.take(8 * BLOCK), Err(FileFault::Full { .. })));
        drop(hold);
        assert_eq!(quota.used(), BLOCK);
        let mut hold = quota.hold();
        hold.entry().unwrap();
        hold.entry().unwrap();
        hold.keep();
        assert_eq!((quota.used(), quota.left()), (3 * BLOCK, 7 * BLOCK));
    }

    #[test]
    fn many_at_once_never_take_more_than_there_is() {
        let quota = Quota::new(Some(100 * BLOCK), 0);
        let taken = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let mut hold = quota.hold();
                        if hold.entry().is_ok() {
                            hold.keep();
                            taken.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!((taken.into_inner(), quota.left()), (100, 0));
    }
}
