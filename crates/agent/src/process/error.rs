//! What can go wrong with processes.

use std::io;
use std::path::PathBuf;

use sf_types::{ErrorKind, Fault, ReleaseId};

use super::detach;
use super::launch::LaunchFailure;

/// Why a process could not be started, stopped or asked.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The specification makes no sense.
    #[error("the process cannot be started: {reason}")]
    Spec {
        /// Why.
        reason: String,
    },
    /// A secret of it was sealed for something else.
    #[error("this node cannot open the secret in the variable {name}")]
    Secret {
        /// The variable.
        name: String,
    },
    /// Its shim lives.
    #[error("release {release} already runs")]
    AlreadyRuns {
        /// The release.
        release: ReleaseId,
    },
    /// Nothing is known of it.
    #[error("no process of release {release} is known")]
    Unknown {
        /// The release.
        release: ReleaseId,
    },
    /// The program could not be executed.
    #[error("{reason}")]
    Program {
        /// Why.
        reason: String,
    },
    /// The shim could not be started.
    #[error("the process holder could not be started: {reason}")]
    Launch {
        /// Why.
        reason: String,
    },
    /// Its run folder cannot be used.
    #[error("the run folder {} cannot be used: {source}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// It has ended.
    #[error("the process of release {release} has ended")]
    Gone {
        /// The release.
        release: ReleaseId,
    },
    /// The shim refuses the request as things are.
    #[error("the process of release {release} refuses: {reason}")]
    Refused {
        /// The release.
        release: ReleaseId,
        /// Why.
        reason: String,
    },
    /// The shim lives but does not answer.
    #[error("the holder of release {release} does not answer: {source}")]
    Silent {
        /// The release.
        release: ReleaseId,
        /// What happened.
        source: io::Error,
    },
}

impl ProcessError {
    pub(super) fn from_launch(failure: LaunchFailure, release: ReleaseId) -> Self {
        let reason = failure.reason;
        match failure.code {
            detach::EXIT_HELD => Self::AlreadyRuns { release },
            detach::EXIT_PROGRAM => Self::Program { reason },
            detach::EXIT_SPEC => Self::Spec { reason },
            _ => Self::Launch { reason },
        }
    }
}

impl From<ProcessError> for Fault {
    fn from(error: ProcessError) -> Self {
        let (kind, code, fix) = match &error {
            ProcessError::Spec { .. } => (ErrorKind::Invalid, "process.spec", "Set a start command for the app."),
            ProcessError::Secret { .. } => {
                (ErrorKind::Conflict, "process.secret", "Deploy the app again: its secrets are sealed anew.")
            }
            ProcessError::AlreadyRuns { .. } => {
                (ErrorKind::Conflict, "process.already_runs", "Stop it first, or restart it.")
            }
            ProcessError::Unknown { .. } | ProcessError::Gone { .. } => {
                (ErrorKind::Conflict, "process.not_running", "Start it first.")
            }
            ProcessError::Program { .. } => (ErrorKind::Invalid, "process.program", "Correct the start command."),
            ProcessError::Refused { .. } => (ErrorKind::Conflict, "process.refused", "Try again in a moment."),
            ProcessError::Folder { .. } => {
                (ErrorKind::Internal, "process.folder", "Check the disk and the rights of the agent's state folder.")
            }
            ProcessError::Launch { .. } => {
                (ErrorKind::Internal, "process.launch", "Run `serverflow-agent status` to see what is missing.")
            }
            ProcessError::Silent { .. } => {
                (ErrorKind::Unavailable, "process.silent", "Try again; the machine may be overloaded.")
            }
        };
        Self::new(kind, code, error.to_string()).fix(fix)
    }
}
