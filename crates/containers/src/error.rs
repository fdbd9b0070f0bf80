//! Why an engine did not do what was asked.

use std::path::PathBuf;

/// See above. The texts are whole clauses without their full stop.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Nobody answers at the socket.
    #[error("the container engine at {} does not answer: {source}", socket.display())]
    Away {
        /// Where.
        socket: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The engine says no.
    #[error("the container engine refuses {what}: {message}")]
    Refused {
        /// What was asked, as a noun: "the container x".
        what: String,
        /// HTTP status.
        status: u16,
        /// Its words.
        message: String,
    },
    /// The connection broke, or the answer is none.
    #[error("the container engine broke off {what}: {reason}")]
    Broken {
        /// As of [`EngineError::Refused`].
        what: String,
        /// Why.
        reason: String,
    },
    /// No answer in time.
    #[error("the container engine did not answer about {what} within {seconds} s")]
    Slow {
        /// As of [`EngineError::Refused`].
        what: String,
        /// The limit.
        seconds: u64,
    },
}

impl EngineError {
    /// Whether nobody is there to answer.
    pub const fn is_away(&self) -> bool {
        matches!(self, Self::Away { .. })
    }

    /// Whether the thing asked about is not there.
    pub const fn is_missing(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }
}
