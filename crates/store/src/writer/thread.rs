//! Where the writer runs. SQLite holds the one who calls it up for as long as the disk takes: its writer has a thread
//! of its own. PostgreSQL's is a task as any other.

use sf_runtime::{OnError, Tasks};
use tokio::sync::{mpsc, oneshot};

use super::{Queued, Writer};
use crate::{Result, StoreError};

/// Starts the writer as a task of `tasks`: it ends when that task is dropped.
pub(crate) fn start(writer: Writer, queue: mpsc::Receiver<Queued>, tasks: &Tasks) -> Result<()> {
    let shutdown = tasks.shutdown();
    if !writer.blocks() {
        tasks.spawn("store writer", OnError::Stop, async move {
            writer.serve(queue, shutdown).await;
            Ok::<(), StoreError>(())
        });
        return Ok(());
    }
    let (ended, end) = oneshot::channel();
    let (dropped, drop_asked) = oneshot::channel::<()>();
    let runtime = tokio::runtime::Handle::current();
    let thread = std::thread::Builder::new().name("store writer".to_owned()).spawn(move || {
        runtime.block_on(async move {
            tokio::select! {
                biased;
                _ = drop_asked => {}
                () = writer.serve(queue, shutdown) => {}
            }
        });
        ended.send(()).unwrap_or_default();
    });
    let thread = thread.map_err(|error| StoreError::Open(format!("no thread for the writer: {error}")))?;
    let held = Held { thread: Some(thread), dropped: Some(dropped) };
    tasks.spawn("store writer", OnError::Stop, async move {
        let _held = held;
        end.await.map_err(|_| StoreError::Panicked)
    });
    Ok(())
}

/// The writer's thread. Once this is gone nobody writes any more, as with a task that was dropped.
struct Held {
    thread: Option<std::thread::JoinHandle<()>>,
    dropped: Option<oneshot::Sender<()>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.dropped.take());
        if let Some(thread) = self.thread.take() {
            // It ends behind the batch that it is at. A panic in it was told by the end that never came.
            drop(thread.join());
        }
    }
}
