//! SQLite's write-ahead log is moved into the database's file beside the writer. Left to SQLite, every hundredth COMMIT
//! or so would do it, and whoever waits for that one would wait for the whole move.

use sea_orm::{ConnectionTrait, DatabaseConnection};
use sf_runtime::{OnError, Tasks};
use tokio::sync::watch;

use crate::StoreError;

/// Changed rows after which the log is moved.
const CHANGES: u64 = 2_000;

/// Counts what is written, and calls for a move when it is time.
pub(crate) struct Checkpoints {
    due: watch::Sender<()>,
    moved_at: u64,
}

impl Checkpoints {
    /// Starts the mover as a task of `tasks`; it ends with what is answered. The move needs a connection of its own,
    /// takes no lock that a writer or reader waits for, and leaves what somebody still reads.
    pub(crate) fn start(connection: DatabaseConnection, tasks: &Tasks) -> Self {
        let (due, mut called) = watch::channel(());
        tasks.spawn("write-ahead log", OnError::Log, async move {
            while called.changed().await.is_ok() {
                if let Err(error) = connection.execute_unprepared("PRAGMA wal_checkpoint(PASSIVE)").await {
                    // Nothing is lost: the log is read as well as the file, and the next move is tried soon.
                    tracing::warn!(%error, "the write-ahead log could not be moved into the database's file");
                }
            }
            Ok::<(), StoreError>(())
        });
        Self { due, moved_at: 0 }
    }

    /// The writer has changed this many rows in all. A connection made anew counts from zero.
    pub(crate) fn changed(&mut self, rows: u64) {
        if rows < self.moved_at || rows - self.moved_at >= CHANGES {
            self.moved_at = rows;
            self.due.send_replace(());
        }
    }
}
