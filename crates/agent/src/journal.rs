//! What the node promised and what came of it: "accepted" is on disk before any effect, the outcome before it is sent.
//!
//! One thread owns the file; everything that waits for the disk at the same moment shares one fsync. The index in
//! memory holds one small entry per command, outcomes are read back from the file.

mod file;
mod index;
pub mod verify;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use sf_protocol::{Kind, Signed};
use sf_types::{CommandId, Timestamp};
use tokio::sync::oneshot;

use index::Index;
pub use index::Known;
use writer::{Job, Work, Writer};

/// Outcomes kept at the least, delivered or not.
pub const KEPT_OUTCOMES: usize = 256;
/// The file is rewritten when it is larger than this, in bytes, and more than half of it is no longer needed.
pub const COMPACT_ABOVE_BYTES: u64 = 4 * 1024 * 1024;

/// One line of the journal.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "camelCase", deny_unknown_fields)]
pub enum Record {
    /// Numbers below are taken; written first in every file.
    Start {
        /// Epoch the numbers count in.
        #[serde(with = "sf_protocol::wire::u64_string")]
        epoch: u64,
        /// Highest number accepted.
        #[serde(with = "sf_protocol::wire::u64_string")]
        high_water: u64,
    },
    /// Something of this journal was lost; holds until a higher epoch starts.
    Damaged,
    /// The promise, with the exact signed bytes.
    Accepted(Accepted),
    /// The node's signed word on it.
    Outcome {
        /// The command.
        command: CommandId,
        /// Its outcome as it is sent.
        signed: Signed,
    },
    /// The control plane has the outcome.
    Delivered {
        /// The command.
        command: CommandId,
    },
}

/// A promise to carry out a command.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Accepted {
    /// The command.
    pub command: CommandId,
    /// Its kind.
    pub kind: Kind,
    /// Epoch of its number.
    #[serde(with = "sf_protocol::wire::u64_string")]
    pub epoch: u64,
    /// Its number.
    #[serde(with = "sf_protocol::wire::u64_string")]
    pub sequence: u64,
    /// When it was accepted.
    pub at: Timestamp,
    /// The exact signed bytes.
    pub signed: Signed,
}

/// What was found when the journal was opened.
#[derive(Debug, Default)]
pub struct Recovered {
    /// Promises without an outcome, in the order of their numbers: to be reconciled by looking at the state.
    pub unfinished: Vec<Accepted>,
    /// Outcomes that the control plane has not confirmed.
    pub undelivered: Vec<CommandId>,
    /// A torn last record was cut off: bytes removed.
    pub cut_bytes: u64,
    /// The file was damaged in the middle and set aside; only a higher epoch opens the node for changes again.
    pub damaged: Option<PathBuf>,
}

/// Why the journal cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// The disk said no. Nothing was promised.
    #[error("the journal cannot be written: {0}")]
    Disk(String),
    /// The journal was damaged; what the node promised is not known completely.
    #[error("the journal was damaged and set aside: a higher epoch is needed before this node obeys again")]
    Damaged,
    /// The agent is stopping.
    #[error("the agent is stopping")]
    Stopping,
}

/// The node's journal. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Journal {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    index: Mutex<Index>,
    writer: Writer,
    path: PathBuf,
}

impl Journal {
    /// Opens the journal in `folder`, repairing a torn end and setting a damaged file aside.
    ///
    /// # Errors
    /// [`JournalError::Disk`].
    pub fn open(folder: &Path) -> Result<(Self, Recovered), JournalError> {
        let path = folder.join("journal");
        let read = file::read(&path).map_err(disk)?;
        let mut index = Index::default();
        for (record, place) in &read.records {
            index.apply(record, *place);
        }
        let mut recovered = Recovered { cut_bytes: read.cut_bytes, ..Recovered::default() };
        if read.damaged {
            recovered.damaged = Some(file::set_aside(&path).map_err(disk)?);
        } else {
            recovered.unfinished = unfinished(&read.records, &index);
            recovered.undelivered = index.undelivered();
        }
        let keep = if read.damaged { rebuilt(&read.records, &index) } else { Vec::new() };
        let good_bytes = if read.damaged { 0 } else { read.good_bytes };
        let writer = Writer::start(&path, good_bytes, keep, index.start()).map_err(disk)?;
        if read.damaged {
            // Places moved with the rewrite: read them again from the fresh file.
            let again = file::read(&path).map_err(disk)?;
            index = Index::default();
            again.records.iter().for_each(|(record, place)| index.apply(record, *place));
            recovered.undelivered = index.undelivered();
        }
        Ok((Self { shared: Arc::new(Shared { index: Mutex::new(index), writer, path }) }, recovered))
    }

    /// Promises a command: on disk when this returns.
    ///
    /// # Errors
    /// [`JournalError`]; nothing was promised then.
    pub async fn accept(&self, accepted: Accepted) -> Result<(), JournalError> {
        if self.index().damaged {
            return Err(JournalError::Damaged);
        }
        fail::fail_point!("agent-before-accept");
        self.write(Record::Accepted(accepted)).await?;
        fail::fail_point!("agent-after-accept");
        Ok(())
    }

    /// Records an outcome: on disk when this returns.
    ///
    /// # Errors
    /// [`JournalError`]; the outcome must not be sent then.
    pub async fn finish(&self, command: CommandId, signed: Signed) -> Result<(), JournalError> {
        fail::fail_point!("agent-before-outcome");
        self.write(Record::Outcome { command, signed }).await?;
        fail::fail_point!("agent-after-outcome");
        Ok(())
    }

    /// The control plane has these outcomes. Not waited for: a repeated delivery does no harm.
    pub fn delivered(&self, commands: &[CommandId]) {
        for command in commands {
            let record = Record::Delivered { command: *command };
            self.shared.writer.push(Work::Append(Box::new(Job::new(record, Arc::clone(&self.shared), None))));
        }
        if self.index().wants_compaction() {
            self.shared.writer.push(Work::Compact(Arc::clone(&self.shared)));
        }
    }

    /// Numbers count in a new, higher epoch from here on. This also opens a node whose journal was damaged.
    ///
    /// # Errors
    /// [`JournalError::Disk`].
    pub async fn raise_epoch(&self, epoch: u64) -> Result<(), JournalError> {
        self.write(Record::Start { epoch, high_water: 0 }).await
    }

    /// Epoch and highest number accepted in it.
    pub fn position(&self) -> (u64, u64) {
        let index = self.index();
        (index.epoch, index.high_water)
    }

    /// What is known of a command.
    pub fn known(&self, command: CommandId) -> Option<Known> {
        self.index().known(command)
    }

    /// The signed outcome of a command, read back from the file.
    ///
    /// # Errors
    /// [`JournalError::Disk`] when the file cannot be read.
    pub fn outcome(&self, command: CommandId) -> Result<Option<Signed>, JournalError> {
        let Some(place) = self.index().outcome_place(command) else { return Ok(None) };
        match file::read_at(&self.shared.path, place).map_err(disk)? {
            Record::Outcome { signed, .. } => Ok(Some(signed)),
            _ => Ok(None),
        }
    }

    /// The exact signed bytes of a command, read back from the file.
    ///
    /// # Errors
    /// [`JournalError::Disk`] when the file cannot be read.
    pub fn command(&self, command: CommandId) -> Result<Option<Accepted>, JournalError> {
        let Some(place) = self.index().accepted_place(command) else { return Ok(None) };
        match file::read_at(&self.shared.path, place).map_err(disk)? {
            Record::Accepted(accepted) => Ok(Some(accepted)),
            _ => Ok(None),
        }
    }

    /// Outcomes not confirmed yet, oldest first.
    pub fn undelivered(&self) -> Vec<CommandId> {
        self.index().undelivered()
    }

    async fn write(&self, record: Record) -> Result<(), JournalError> {
        let (done, wait) = oneshot::channel();
        self.shared.writer.push(Work::Append(Box::new(Job::new(record, Arc::clone(&self.shared), Some(done)))));
        wait.await.map_err(|_| JournalError::Stopping)?
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.shared.index()
    }
}

impl Shared {
    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is used as a map_err function")]
fn disk(error: std::io::Error) -> JournalError {
    JournalError::Disk(error.to_string())
}

fn unfinished(records: &[(Record, file::Place)], index: &Index) -> Vec<Accepted> {
    let mut open: Vec<_> = records
        .iter()
        .filter_map(|(record, _)| match record {
            Record::Accepted(accepted) if index.is_unfinished(accepted.command) => Some(accepted.clone()),
            _ => None,
        })
        .collect();
    open.sort_by_key(|accepted| (accepted.epoch, accepted.sequence));
    open
}

/// What of a damaged file is worth keeping: promises and outcomes, behind a fresh start.
fn rebuilt(records: &[(Record, file::Place)], index: &Index) -> Vec<Record> {
    let start = Record::Start { epoch: index.epoch, high_water: index.high_water };
    let kept = records.iter().map(|(record, _)| record).filter(|record| !matches!(record, Record::Start { .. }));
    std::iter::once(start).chain(kept.cloned()).chain([Record::Damaged]).collect()
}

#[cfg(test)]
mod tests;
