//! What an operator permits beyond the public internet.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sf_types::Network;

/// `[egress]`: requests to addresses that people typed (notifications).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Address ranges that may be reached although they are not public, also without TLS: `["10.0.7.0/24"]`. Whoever may
    /// set up a notification can make requests to everything in them.
    pub allowed_networks: Vec<Network>,
    /// A further certificate authority that vouches for servers, PEM.
    pub ca: Option<PathBuf>,
}

/// The options make no sense.
#[derive(Debug, thiserror::Error)]
pub enum BadOptions {
    /// The file of a certificate authority.
    #[error("egress.ca, {file}: {why}")]
    Ca {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// TLS itself.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}
