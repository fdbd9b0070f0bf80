//! How long a transfer that stands still is tried again.

use std::time::Duration;

use tokio::time::Instant;

/// Longer than an agent may wait by itself before it connects again (60 s), or a control plane needs to start anew.
const LONGEST: Duration = Duration::from_secs(180);
/// Between two tries.
const AGAIN: Duration = Duration::from_secs(2);

/// Since when a transfer stands still.
#[derive(Debug)]
pub(super) struct Patience(Instant);

impl Patience {
    pub(super) fn new() -> Self {
        Self(Instant::now())
    }

    /// Something came: that is no standstill.
    pub(super) fn moved(&mut self) {
        self.0 = Instant::now();
    }

    pub(super) fn is_over(&self) -> bool {
        self.0.elapsed() > LONGEST
    }

    /// The pause before the next try.
    pub(super) async fn pause() {
        tokio::time::sleep(AGAIN).await;
    }
}
