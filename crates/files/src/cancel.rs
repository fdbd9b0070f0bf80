//! Ending a verb before its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::FileFault;

/// Asked between small steps by every verb: whether it shall go on. Clones are one and the same.
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    stopped: Arc<AtomicBool>,
    until: Option<Instant>,
}

impl Cancel {
    /// Without a limit of time.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one, counted from now.
    pub fn within(time: Duration) -> Self {
        Self { stopped: Arc::default(), until: Instant::now().checked_add(time) }
    }

    /// Ends every verb that was given this.
    pub fn cancel(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// # Errors
    /// [`FileFault::Cancelled`] or [`FileFault::TimeUp`].
    pub fn check(&self) -> Result<(), FileFault> {
        if self.stopped.load(Ordering::Relaxed) {
            return Err(FileFault::Cancelled);
        }
        match self.until {
            Some(until) if Instant::now() >= until => Err(FileFault::TimeUp),
            _ => Ok(()),
        }
    }
}
