//! What ties a handshake to the very connection it runs on.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::error::HandshakeError;
use super::message::Digest;

/// How a node's connections are bound. Chosen at enrolment, kept by both sides, never changed by a handshake.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BindingKind {
    /// To the TLS connection itself (RFC 9266 `tls-exporter`, label `EXPORTER-Channel-Binding`): nobody may open it
    /// on the way.
    Exporter,
    /// To the host name only, where something of the owner's in front of the control plane ends TLS.
    Host,
}

impl BindingKind {
    /// The word people type.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Exporter => "exporter",
            Self::Host => "host",
        }
    }
}

impl fmt::Display for BindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What this connection is bound to.
#[derive(Clone, PartialEq, Eq)]
pub enum Binding {
    /// Exported keying material of the TLS connection.
    Exporter([u8; 32]),
    /// The host dialled.
    Host(String),
}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.proof(), f)
    }
}

impl Binding {
    /// Its kind.
    pub const fn kind(&self) -> BindingKind {
        match self {
            Self::Exporter(_) => BindingKind::Exporter,
            Self::Host(_) => BindingKind::Host,
        }
    }

    /// What is told of it: the kind and a digest, so that exported keying material is never on the wire.
    pub fn proof(&self) -> BindingProof {
        let digest = match self {
            Self::Exporter(material) => Digest::of("serverflow binding exporter v1", &[material]),
            Self::Host(host) => Digest::of("serverflow binding host v1", &[host.as_bytes()]),
        };
        BindingProof { kind: self.kind(), digest }
    }

    /// Compares what the other side told with what this side sees.
    pub(crate) fn check(&self, found: &BindingProof) -> Result<(), HandshakeError> {
        if found.kind != self.kind() {
            return Err(HandshakeError::BindingKind { pinned: self.kind(), offered: found.kind });
        }
        if *found != self.proof() {
            return Err(HandshakeError::Binding);
        }
        Ok(())
    }
}

/// What is told of a binding.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BindingProof {
    /// How the connection is bound.
    pub kind: BindingKind,
    /// Digest of what it is bound to.
    pub digest: Digest,
}

/// What one side knows of the connection below it.
#[derive(Clone, PartialEq, Eq)]
pub struct Channel {
    host: String,
    exporter: Option<[u8; 32]>,
}

impl Channel {
    /// The host that was dialled (no port) and, where TLS ends in this process, its exported keying material.
    pub fn new(host: &str, exporter: Option<[u8; 32]>) -> Self {
        Self { host: canonical_host(host), exporter }
    }

    /// The host, lower case, without the root's dot.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The binding of the pinned kind.
    ///
    /// # Errors
    /// [`HandshakeError::NoExporter`] where TLS does not end here; never falls back to the host.
    pub fn bind(&self, kind: BindingKind) -> Result<Binding, HandshakeError> {
        match kind {
            BindingKind::Exporter => self.exporter.map(Binding::Exporter).ok_or(HandshakeError::NoExporter),
            BindingKind::Host => Ok(Binding::Host(self.host.clone())),
        }
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exporter = if self.exporter.is_some() { "Some([secret])" } else { "None" };
        write!(f, "Channel {{ host: {:?}, exporter: {exporter} }}", self.host)
    }
}

/// Host names compare without case and without the root's dot (RFC 4343, RFC 1034 section 3.1).
pub(crate) fn canonical_host(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}
