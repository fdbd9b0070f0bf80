//! Following a log: what is on disk, then what comes.

use tokio::sync::watch;

use super::Process;
use crate::shim::log::{Batch, LogReader};
use crate::shim::state::Status;

/// Lines handed out at once.
const LINES_AT_ONCE: usize = 500;

/// A reader that waits for more.
#[derive(Debug)]
pub struct Follower {
    reader: LogReader,
    written: watch::Receiver<u64>,
    status: watch::Receiver<Status>,
}

impl Follower {
    pub(super) fn new(process: &Process, from: u64) -> Self {
        Self {
            reader: LogReader::from(&process.0.log_dir, from),
            written: process.0.log.subscribe(),
            status: process.watch(),
        }
    }

    /// The next lines, at least one and at most about 500; `None` when the process has ended and all was read.
    ///
    /// # Errors
    /// What the operating system says about the log's files.
    pub async fn next(&mut self) -> std::io::Result<Option<Batch>> {
        loop {
            // In this order, so that nothing written between the look and the wait is missed.
            self.written.mark_unchanged();
            let ended = self.status.borrow_and_update().ended;
            let batch = self.reader.read(LINES_AT_ONCE)?;
            if !batch.lines.is_empty() {
                return Ok(Some(batch));
            }
            if ended {
                return Ok(None);
            }
            tokio::select! {
                written = self.written.changed() => if written.is_err() { return Ok(None) },
                status = self.status.changed() => if status.is_err() { return Ok(None) },
            }
        }
    }

    /// The number of the next line.
    pub const fn position(&self) -> u64 {
        self.reader.next()
    }
}
