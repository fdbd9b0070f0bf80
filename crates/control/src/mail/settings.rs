//! The mail server, as configured.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sf_types::Secret;

/// A mail server that takes letters for others (submission).
#[derive(Clone, Debug)]
pub struct MailOptions {
    /// Its name: `smtp.example.org`.
    pub host: String,
    /// Its port; the usual one of `security` otherwise.
    pub port: Option<u16>,
    /// How the connection is protected.
    pub security: Security,
    /// Who signs in there; nobody where absent.
    pub user: Option<String>,
    /// With which password.
    pub password: Option<Secret<String>>,
    /// The sender: `ServerFlow <serverflow@example.org>`.
    pub from: String,
    /// A further certificate authority that vouches for the server, PEM.
    pub ca: Option<PathBuf>,
    /// Time the server gets to take one letter; [`super::SEND_TIMEOUT`] at the most, so that a batch stays within its lease.
    pub send_within: Duration,
}

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// Begins in the clear and goes on only under TLS. Port 587.
    #[default]
    Starttls,
    /// TLS from the first byte. Port 465.
    Tls,
    /// In the clear: for a server on this machine only. Port 25.
    None,
}

impl Security {
    /// The port servers usually have for it.
    pub const fn port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

/// Whether a host name means this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_this_machine() {
        for (host, expected) in [
            ("localhost", true),
            ("127.0.0.1", true),
            ("127.3.2.1", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("localhost.example.org", false),
            ("127.0.0.1.example.org", false),
            ("10.0.0.1", false),
            ("", false),
        ] {
            assert_eq!(is_loopback(host), expected, "{host}");
        }
    }
}
