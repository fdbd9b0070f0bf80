//! Why a machine did not become a node.

use sf_types::{EnrolTokenId, ErrorKind, Fault, Timestamp};

use crate::frame::Frame;
use crate::handshake::{Closing, HandshakeError};

/// Why an enrolment stopped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnrolError {
    /// One side did not prove itself, or the connection is not what it should be.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// No such token.
    #[error("there is no enrolment token {0}")]
    UnknownToken(EnrolTokenId),
    /// The proof was not made with this token for this conversation.
    #[error("the enrolment token's proof does not hold: the token was mistyped, or belongs to another control plane")]
    Proof,
    /// REGISTER named a token, RESPONSE did not prove it; or the other way round.
    #[error("REGISTER and RESPONSE disagree on whether there is a token")]
    TokenMissing,
    /// A node was made with it already.
    #[error("this enrolment token was used already: each makes one node")]
    Used,
    /// Its time is over.
    #[error("this enrolment token expired at {at}, and it is {now}")]
    Expired {
        /// Not good after.
        at: Timestamp,
        /// The control plane's clock.
        now: Timestamp,
    },
    /// The key that PENDING speaks of is another.
    #[error("the control plane shows the approver the key words `{found}`, and this machine's are `{ours}`")]
    Words {
        /// Of this machine's key.
        ours: String,
        /// In PENDING, escaped and cut to 100 characters.
        found: String,
    },
    /// A token enrolment never waits for a person, and nobody waits twice.
    #[error("the control plane sent PENDING where REGISTERED was due")]
    NotPending,
}

impl EnrolError {
    /// Stable code: `enrol.token_expired`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Handshake(error) => error.code(),
            Self::UnknownToken(_) => "enrol.token_unknown",
            Self::Proof => "enrol.token_proof",
            Self::TokenMissing => "enrol.token_missing",
            Self::Used => "enrol.token_used",
            Self::Expired { .. } => "enrol.token_expired",
            Self::Words { .. } => "enrol.words",
            Self::NotPending => "enrol.not_pending",
        }
    }

    /// What people and programs see.
    pub fn fault(&self) -> Fault {
        let (kind, fix) = match self {
            Self::Handshake(error) => return error.fault(),
            Self::UnknownToken(_) | Self::Proof | Self::Used | Self::Expired { .. } => {
                (ErrorKind::Unauthenticated, "Make a new install line and run it within 15 minutes.")
            }
            Self::Words { .. } => (ErrorKind::Unauthenticated, "Do not approve this code; look who answers there."),
            Self::TokenMissing | Self::NotPending => (ErrorKind::Invalid, ""),
        };
        Fault::new(kind, self.code(), self.to_string()).fix(fix)
    }

    /// The frame that tells the other side.
    pub fn closing(&self) -> Frame {
        Frame::Closing(Closing { fault: self.fault(), retry_after: None })
    }
}
