//! Why a webhook's request, secret or header is refused. None of these holds a secret or a signature.

use std::time::Duration;

use sf_types::{ErrorKind, Fault};

use super::key::{MAX_HEADER_NAME, MAX_SECRET_BYTES};
use super::{MAX_BODY_BYTES, MAX_HEADER_BYTES, MAX_SECRETS, MAX_SIGNATURES};

/// Why a request is not taken for genuine.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// A header is not there, or there twice.
    #[error("the header {header} is missing, or there more than once")]
    Missing {
        /// Its name.
        header: String,
    },
    /// A header cannot be read.
    #[error("the header {header} cannot be read: {why}")]
    Malformed {
        /// Its name.
        header: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A header is longer than [`MAX_HEADER_BYTES`].
    #[error("the header {header} is longer than {MAX_HEADER_BYTES} bytes")]
    HeaderTooLong {
        /// Its name.
        header: String,
    },
    /// More than [`MAX_SIGNATURES`].
    #[error("the request has more than {MAX_SIGNATURES} signatures")]
    TooManySignatures,
    /// Larger than [`MAX_BODY_BYTES`].
    #[error("the body is larger than {MAX_BODY_BYTES} bytes")]
    BodyTooLarge,
    /// Signed too long ago.
    #[error("the request was signed {} s ago", by.as_secs())]
    TooOld {
        /// How long ago.
        by: Duration,
    },
    /// Signed at a time to come.
    #[error("the request was signed {} s in the future", by.as_secs())]
    InFuture {
        /// How far.
        by: Duration,
    },
    /// Another secret, another body, or a forgery.
    #[error("no secret of this webhook fits the request")]
    NoSecretMatches,
}

impl Refusal {
    /// As edges show it.
    pub fn fault(&self) -> Fault {
        let (kind, code, fix) = match self {
            Self::BodyTooLarge => {
                (ErrorKind::TooLarge, "too_large", "Send a reference to the data instead of the data.")
            }
            Self::Missing { .. } | Self::Malformed { .. } => {
                (ErrorKind::Unauthenticated, "unsigned", "Compare the sender's scheme and headers with the trigger's.")
            }
            Self::HeaderTooLong { .. } | Self::TooManySignatures => {
                (ErrorKind::Unauthenticated, "unsigned", "Send fewer signatures.")
            }
            Self::TooOld { .. } | Self::InFuture { .. } => {
                (ErrorKind::Unauthenticated, "stale", "Set both clocks by NTP; 5 minutes are tolerated.")
            }
            Self::NoSecretMatches => (
                ErrorKind::Unauthenticated,
                "unsigned",
                "Give the sender this webhook's secret, and let it sign the body.",
            ),
        };
        Fault::new(kind, format!("webhook.{code}"), format!("{self}.")).fix(fix)
    }
}

/// Why a secret is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyRefused {
    /// There is none: nothing could be verified.
    #[error("the webhook has no secret")]
    None,
    /// Nothing but white space, or no bytes.
    #[error("the webhook's secret is empty")]
    Empty,
    /// More than [`MAX_SECRETS`].
    #[error("the webhook has {found} secrets, {MAX_SECRETS} is the most")]
    TooMany {
        /// How many.
        found: usize,
    },
    /// Longer than [`MAX_SECRET_BYTES`].
    #[error("the webhook's secret is longer than {MAX_SECRET_BYTES} bytes")]
    TooLong,
    /// Not what Standard Webhooks says.
    #[error("the webhook's secret is not \"whsec_\" followed by base64, as the scheme standard needs it")]
    NotStandard,
}

impl KeyRefused {
    /// As edges show it.
    pub fn fault(&self) -> Fault {
        let fix = match self {
            Self::None | Self::Empty => "Give the webhook a secret of at least 24 random bytes.",
            Self::TooMany { .. } => "Remove the secrets that no sender uses any more.",
            Self::TooLong => "Use a secret of 24 to 64 random bytes.",
            Self::NotStandard => "Copy the secret with its \"whsec_\" as the sender shows it, or use another scheme.",
        };
        Fault::new(ErrorKind::Invalid, "webhook.secret_invalid", format!("{self}.")).fix(fix)
    }
}

/// Why a header's name is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the name of a header has 1 to {MAX_HEADER_NAME} letters, digits, hyphens and underscores")]
pub struct HeaderRefused;
