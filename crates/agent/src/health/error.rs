//! Why a release is not well.

use sf_types::{ErrorKind, Fault, Millis};

/// Why a health check did not succeed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HealthError {
    /// The check makes no sense.
    #[error("the health check cannot be used: {reason}")]
    Check {
        /// Why.
        reason: String,
    },
    /// The release is not well.
    #[error("{why}{}", tail(why, *tries, *within))]
    Unwell {
        /// Late or ended.
        why: Why,
        /// Tries made.
        tries: u32,
        /// From the call to the end.
        took: Millis,
        /// The time it had.
        within: Millis,
    },
}

/// How a check failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Why {
    /// The time was up.
    Late {
        /// The last thing seen: "GET /healthz answered 500".
        reason: String,
    },
    /// The process ended meanwhile.
    Ended {
        /// How: "the process exited with code 1 after 0.2 s".
        reason: String,
    },
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Late { reason } | Self::Ended { reason } => f.write_str(reason),
        }
    }
}

fn tail(why: &Why, tries: u32, within: Millis) -> String {
    match (why, tries) {
        (Why::Ended { .. }, _) => " before it was healthy".to_owned(),
        (Why::Late { .. }, 0) => format!(" (in {} s)", within.0 / 1000),
        (Why::Late { .. }, _) => format!(" ({tries} tries in {} s)", within.0 / 1000),
    }
}

impl From<HealthError> for Fault {
    fn from(error: HealthError) -> Self {
        let (kind, code, fix) = match &error {
            HealthError::Check { .. } => (ErrorKind::Invalid, "health.check", "Correct the app's health check."),
            HealthError::Unwell { why: Why::Ended { .. }, .. } => {
                (ErrorKind::Conflict, "health.ended", "Read the release's last log lines.")
            }
            HealthError::Unwell { .. } => {
                (ErrorKind::Timeout, "health.late", "Read the release's log, or give it more time or another check.")
            }
        };
        Self::new(kind, code, error.to_string()).fix(fix)
    }
}
