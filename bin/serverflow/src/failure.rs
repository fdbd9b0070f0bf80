//! What went wrong, and the exit code scripts see.

use std::process::ExitCode;

use sf_types::Fault;

/// Exit codes, by outcome. They are a promise to scripts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// It was done.
    Succeeded = 0,
    /// It was not done.
    Failed = 1,
    /// The command line or a value is refused.
    Usage = 2,
    /// It was done, found bad, and undone.
    RolledBack = 3,
    /// A person or a rule said no.
    Refused = 4,
    /// Nobody decided in time, or it was cancelled.
    Ended = 5,
    /// The control plane or the node cannot be reached.
    Unreachable = 6,
    /// Ctrl-C, as shells report it.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A failure as people and programs see it: what happened and why, and what to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// For the shell.
    pub exit: Exit,
    /// Stable and dotted.
    pub code: String,
    /// What happened and why.
    pub message: String,
    /// What to do; may be empty.
    pub fix: String,
    /// Correlation id, where a request was made.
    pub request: Option<String>,
}

impl Failure {
    /// A failure without a remedy yet.
    pub fn new(exit: Exit, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { exit, code: code.into(), message: message.into(), fix: String::new(), request: None }
    }

    /// A value on the command line was refused.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "cli.usage", message)
    }

    /// A file or folder could not be used.
    pub fn file(path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::new(Exit::Failed, "cli.file", format!("{} cannot be used: {error}.", path.display()))
            .fix("Check its rights and that the disk is not full.")
    }

    /// Adds what to do.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = fix.into();
        self
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::new(Exit::Failed, fault.code, fault.message).fix(fault.fix)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.message)?;
        if self.fix.is_empty() { Ok(()) } else { write!(f, " {}", self.fix) }
    }
}

impl std::error::Error for Failure {}

/// What every command answers.
pub type Done = Result<Exit, Failure>;
