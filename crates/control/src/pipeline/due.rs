//! How a lane sleeps that does what is due: until the next moment, and it asks the database nothing in between.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sf_types::Timestamp;
use tokio::sync::Notify;

use crate::control::Control;

/// How often a lane looks where another control plane may have written something, or died with it in its hands.
pub(crate) const SWEEP: Duration = Duration::from_secs(10);
/// What was due and could not be dealt with: how long until the same is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// A clock that is set forward wakes nobody, so no sleep is longer than this while a moment is to come.
const LONGEST: Duration = Duration::from_secs(60);

/// The moment for which somebody sleeps; whoever knows of an earlier one wakes them.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    earliest: Mutex<Option<Timestamp>>,
    moved: Notify,
}

impl Alarm {
    /// Something is due then.
    pub(crate) fn set(&self, at: Timestamp) {
        let mut earliest = self.earliest.lock().unwrap_or_else(PoisonError::into_inner);
        if earliest.is_none_or(|earliest| at < earliest) {
            *earliest = Some(at);
            self.moved.notify_one();
        }
    }

    /// Forgets it, before a look that answers what is next.
    pub(crate) fn clear(&self) {
        *self.earliest.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn get(&self) -> Option<Timestamp> {
        *self.earliest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Control {
    /// Whether other control planes may write into this database.
    pub(crate) fn is_shared(&self) -> bool {
        self.core().options.store.sqlite_path().is_none()
    }

    /// Comes back when it is time to look; without a moment, and alone on its database, never.
    pub(crate) async fn due(&self, next: Option<Timestamp>) {
        tokio::select! {
            () = self.reached(next) => {}
            () = tokio::time::sleep(SWEEP), if self.is_shared() => {}
        }
    }

    /// The same for what others set: who sets an earlier moment moves the sleep, and no more.
    pub(crate) async fn rung(&self, alarm: &Alarm) {
        let moved = async {
            loop {
                tokio::select! {
                    () = self.reached(alarm.get()) => return,
                    () = alarm.moved.notified() => {}
                }
            }
        };
        tokio::select! {
            () = moved => {}
            () = tokio::time::sleep(SWEEP), if self.is_shared() => {}
        }
    }

    async fn reached(&self, next: Option<Timestamp>) {
        let Some(next) = next else { return std::future::pending().await };
        if next <= self.now() {
            return tokio::time::sleep(AGAIN).await;
        }
        while next > self.now() {
            tokio::time::sleep(next.since(self.now()).min(LONGEST)).await;
        }
    }
}
