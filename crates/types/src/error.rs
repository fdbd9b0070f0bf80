//! The few kinds of failure an edge has to tell apart, and the sentence it shows.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What went wrong, coarsely enough for one table per edge (HTTP status, CLI exit code).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The request is malformed or a value is refused. 400.
    Invalid,
    /// No or no valid credential. 401.
    Unauthenticated,
    /// The principal may see the object but not do this. 403.
    Forbidden,
    /// No such object, or it is hidden from this principal. 404.
    NotFound,
    /// The object is in a state that does not allow this now. 409.
    Conflict,
    /// Too large, too many. 413.
    TooLarge,
    /// A limit per principal or address is used up. 429.
    RateLimited,
    /// The node is not connected or a part is starting. 503.
    Unavailable,
    /// It took longer than its limit. 504.
    Timeout,
    /// Our defect. 500.
    Internal,
}

/// A failure as people and programs see it: a stable code, what happened and why, and what to do about it.
///
/// Every crate's error enum maps itself to a `Fault` at its boundary; edges render nothing else.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// Coarse kind.
    pub kind: ErrorKind,
    /// Stable, dotted, machine-readable: `app.name_taken`.
    pub code: String,
    /// What happened and why, one or two sentences.
    pub message: String,
    /// What to do, one sentence; may be empty where nothing can be done.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub fix: String,
    /// Everything that is wrong with a request, where several things are; the message tells the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

/// One of the things that are wrong with a request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Finding {
    /// The field: `settings.variables.MOTD`.
    pub field: String,
    /// What is wrong with it, and why.
    pub message: String,
    /// What to do, as of [`Fault::fix`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub fix: String,
}

impl Fault {
    /// A fault without a remedy yet; add one with [`Fault::fix`].
    pub fn new(kind: ErrorKind, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, code: code.into(), message: message.into(), fix: String::new(), findings: Vec::new() }
    }

    /// Adds what the reader can do about it.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = fix.into();
        self
    }

    /// Adds all that is wrong.
    #[must_use]
    pub fn findings(mut self, findings: Vec<Finding>) -> Self {
        self.findings = findings;
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if !self.fix.is_empty() {
            write!(f, " {}", self.fix)?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}
