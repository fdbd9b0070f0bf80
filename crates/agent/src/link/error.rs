//! Why there is no connection: each cause has its name.

use std::io;

use sf_protocol::enrol::EnrolError;
use sf_protocol::frame::FrameError;
use sf_protocol::handshake::HandshakeError;
use sf_types::{ErrorKind, Fault, Millis};

use super::address::BadUrl;
use crate::journal::JournalError;
use crate::state::StateError;

/// Why a connection did not open or ended.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The address makes no sense.
    #[error(transparent)]
    Url(#[from] BadUrl),
    /// The name has no address.
    #[error("the name {host} could not be resolved: {source}")]
    Dns {
        /// The name.
        host: String,
        /// The resolver's reason.
        source: io::Error,
    },
    /// Nobody answers there.
    #[error("{address} could not be reached: {source}")]
    Tcp {
        /// Host and port.
        address: String,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The certificate is another than the pinned one.
    #[error("the control plane shows the certificate {found}, and this node expects {pinned}")]
    Pin {
        /// Expected.
        pinned: String,
        /// Shown.
        found: String,
    },
    /// TLS failed.
    #[error("TLS with {address} failed: {reason}")]
    Tls {
        /// Host and port.
        address: String,
        /// Why.
        reason: String,
    },
    /// Something that speaks HTTP answered, but not with a WebSocket.
    #[error("{address} answered HTTP {status} instead of opening a WebSocket")]
    Http {
        /// Host and port.
        address: String,
        /// The status.
        status: u16,
        /// `Retry-After`.
        retry_after: Option<Millis>,
    },
    /// What answered is no WebSocket.
    #[error("{address} does not speak WebSocket: {reason}")]
    WebSocket {
        /// Host and port.
        address: String,
        /// Why.
        reason: String,
    },
    /// A step took too long.
    #[error("{step} took longer than {} s", limit.0 / 1000)]
    Timeout {
        /// Which.
        step: &'static str,
        /// The limit.
        limit: Millis,
    },
    /// The handshake failed.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// The enrolment failed.
    #[error(transparent)]
    Enrol(#[from] EnrolError),
    /// The control plane closed the connection and said why.
    #[error("the control plane closed the connection: {fault}")]
    Closed {
        /// Its words.
        fault: Fault,
        /// How long to stay away.
        retry_after: Option<Millis>,
    },
    /// The connection was lost.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// Nothing was heard for too long.
    #[error("nothing was heard from the control plane for {} s", after.0 / 1000)]
    Silent {
        /// How long.
        after: Millis,
    },
    /// It sent what is no frame.
    #[error("the control plane sent what this agent does not understand: {0}")]
    Frame(#[from] FrameError),
    /// The state folder failed.
    #[error(transparent)]
    State(#[from] StateError),
    /// The journal failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl LinkError {
    /// How long the control plane wants to be left alone.
    pub const fn retry_after(&self) -> Option<Millis> {
        match self {
            Self::Closed { retry_after, .. } | Self::Http { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// What people and programs see.
    pub fn fault(&self) -> Fault {
        let (kind, code, fix) = match self {
            Self::Handshake(error) => return error.fault(),
            Self::Enrol(error) => return error.fault(),
            Self::Closed { fault, .. } => return fault.clone(),
            Self::State(error) => return error.fault(),
            Self::Url(_) => (ErrorKind::Invalid, "link.url", "Copy the address from the install line."),
            Self::Dns { .. } => (ErrorKind::Unavailable, "link.dns", "Check the name and this machine's name servers."),
            Self::Tcp { .. } => {
                (ErrorKind::Unavailable, "link.tcp", "Check that the control plane runs and no firewall is between.")
            }
            Self::Pin { .. } => (
                ErrorKind::Unauthenticated,
                "link.certificate",
                "If its certificate was renewed, enrol this node again; else someone else answers at this address.",
            ),
            Self::Tls { .. } => (
                ErrorKind::Unavailable,
                "link.tls",
                "Check the port (agents have one of their own, usually 7401) and what is between here and there.",
            ),
            Self::Http { .. } | Self::WebSocket { .. } => (
                ErrorKind::Unavailable,
                "link.websocket",
                "Check the port: agents have one of their own, usually 7401.",
            ),
            Self::Timeout { .. } | Self::Silent { .. } | Self::Lost(_) => {
                (ErrorKind::Unavailable, "link.lost", "It is tried again by itself.")
            }
            Self::Frame(_) => (ErrorKind::Invalid, "link.frame", "Update the older side."),
            Self::Journal(_) => (ErrorKind::Internal, "link.journal", "Check the disk and the agent's state folder."),
        };
        Fault::new(kind, code, format!("{self}.")).fix(fix)
    }
}
