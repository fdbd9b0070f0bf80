//! Finding every process again after a restart of the daemon.

use futures_util::StreamExt;

use super::folder::{RunFolder, STATE};
use super::{Process, ProcessError, Supervisor};
use crate::shim::state::Status;

/// Shims spoken to at the same time.
const AT_ONCE: usize = 64;

/// What was found.
#[derive(Debug, Default)]
pub struct Adopted {
    /// Their shims live: watched from now on.
    pub living: Vec<Process>,
    /// They ended properly (stopped, or crashed too often) while nobody looked.
    pub ended: Vec<Status>,
    /// Shim and process were killed (a reboot, for one): [`Supervisor::revive`] those that should run.
    pub lost: Vec<Status>,
    /// Folders that could not be understood, and why.
    pub damaged: Vec<(RunFolder, String)>,
}

enum Found {
    Living(Process),
    Ended(Status),
    Lost(Status),
    Damaged(RunFolder, String),
}

impl Supervisor {
    /// Looks into every run folder. A shim that holds its lock is connected to and never started a second time.
    ///
    /// # Errors
    /// [`ProcessError::Folder`] when the folder of run folders cannot be read; a missing one is empty.
    pub async fn adopt_all(&self) -> Result<Adopted, ProcessError> {
        let dir = &self.0.options.dir;
        let entries = match std::fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Adopted::default()),
            Err(source) => return Err(ProcessError::Folder { path: dir.clone(), source }),
        };
        let folders: Vec<RunFolder> = entries
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .map(|entry| self.run_folder(entry.path()))
            .filter(|folder| self.0.options.below.is_none() || folder.path().is_dir())
            .collect();
        let mut found = futures_util::stream::iter(folders).map(|folder| self.adopt(folder)).buffer_unordered(AT_ONCE);
        let mut adopted = Adopted::default();
        while let Some(found) = found.next().await {
            match found {
                Found::Living(process) => adopted.living.push(process),
                Found::Ended(status) => adopted.ended.push(status),
                Found::Lost(status) => adopted.lost.push(status),
                Found::Damaged(folder, reason) => adopted.damaged.push((folder, reason)),
            }
        }
        Ok(adopted)
    }

    async fn adopt(&self, folder: RunFolder) -> Found {
        match folder.is_held() {
            Ok(true) => match self.attach(folder.clone()).await {
                Ok(process) if process.status().ended => Found::Ended(process.status()),
                Ok(process) => Found::Living(process),
                Err(error) => Found::Damaged(folder, error.to_string()),
            },
            Ok(false) => match folder.read::<Status>(STATE) {
                Ok(Some(status)) if status.ended => Found::Ended(status),
                // What a killed shim left behind holds the port of the next one.
                Ok(Some(status)) => {
                    let reason = "its holder was killed while the agent was away".to_owned();
                    Found::Lost(self.bury(&status, &folder, reason).await)
                }
                Ok(None) => Found::Damaged(folder, "it was never started".to_owned()),
                Err(error) => Found::Damaged(folder, error.to_string()),
            },
            Err(error) => Found::Damaged(folder, error.to_string()),
        }
    }
}
