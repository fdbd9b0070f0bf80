//! Where simulated nodes promise: in memory, or in one synced file that many of them share.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;

use sf_runtime::{OnError, Tasks};
use tokio::sync::oneshot;

/// Promises waiting for one fsync at the most.
const MAX_BATCH: usize = 1024;

/// A journal of promises. Clones share the file.
#[derive(Clone, Debug, Default)]
pub struct Journal(Option<Arc<mpsc::Sender<Append>>>);

type Append = (Vec<u8>, oneshot::Sender<()>);

impl Journal {
    /// Nothing is written: for tests that do not measure.
    pub const fn in_memory() -> Self {
        Self(None)
    }

    /// One file; all promises that wait share one fsync.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn shared(path: &Path, tasks: &Tasks) -> std::io::Result<Self> {
        let mut file = std::fs::File::create(path)?;
        let (sender, waiting) = mpsc::channel::<Append>();
        tasks.spawn("simulated journal", OnError::Stop, async move {
            let written = tokio::task::spawn_blocking(move || write(&mut file, &waiting)).await;
            written.unwrap_or_else(|panic| Err(std::io::Error::other(panic)))
        });
        Ok(Self(Some(Arc::new(sender))))
    }

    /// Returns once the bytes are on disk.
    pub async fn append(&self, bytes: &[u8]) {
        let Some(sender) = &self.0 else { return };
        let (done, written) = oneshot::channel();
        if sender.send((bytes.to_vec(), done)).is_ok() {
            drop(written.await);
        }
    }
}

/// Ends when every journal handle is gone.
fn write(file: &mut std::fs::File, waiting: &mpsc::Receiver<Append>) -> std::io::Result<()> {
    while let Ok(first) = waiting.recv() {
        let batch: Vec<_> = std::iter::once(first).chain(waiting.try_iter().take(MAX_BATCH)).collect();
        for (bytes, _) in &batch {
            file.write_all(bytes)?;
        }
        file.sync_data()?;
        for (_, done) in batch {
            let _nobody_waits = done.send(());
        }
    }
    Ok(())
}
