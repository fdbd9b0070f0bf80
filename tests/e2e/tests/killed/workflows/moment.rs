//! Time that passes as it does for everybody, and can be set forward: a process that was dead for a minute must not
//! cost the test one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sf_runtime::{Clock, OnError, Tasks};
use sf_types::Timestamp;

/// How exactly it passes.
const PRECISION: Duration = Duration::from_millis(2);

/// A clock that goes.
pub struct Time {
    pub clock: Clock,
    began: Timestamp,
    since: Instant,
    ahead_ms: Arc<AtomicU64>,
}

impl Time {
    pub fn start(now: Timestamp, tasks: &Tasks) -> Self {
        let time = Self { clock: Clock::manual(now), began: now, since: Instant::now(), ahead_ms: Arc::default() };
        let going = Self { clock: time.clock.clone(), ahead_ms: time.ahead_ms.clone(), ..time };
        let shutdown = tasks.shutdown();
        tasks.spawn("time", OnError::Stop, async move {
            let mut tick = tokio::time::interval(PRECISION);
            while !shutdown.is_requested() {
                tick.tick().await;
                going.tell();
            }
            anyhow::Ok(())
        });
        time
    }

    /// Sets it forward.
    pub fn leap(&self, by: Duration) {
        self.ahead_ms.fetch_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
        self.tell();
    }

    fn tell(&self) {
        let ahead = Duration::from_millis(self.ahead_ms.load(Ordering::SeqCst));
        self.clock.set(self.began.plus(self.since.elapsed() + ahead));
    }
}
