//! The control plane's side.

use sf_types::{ConnectionId, Millis, NodeId, Timestamp};

use super::binding::{Binding, BindingKind, Channel, canonical_host};
use super::error::{HandshakeError, expect_signed};
use super::message::{Authorized, Challenge, Connect, Digest, Nonce, Response, Versions, opening_digest, transcript};
use crate::dsse::Signed;
use crate::frame::Frame;
use crate::key::{PublicKey, SecretKey};
use crate::kind::Kind;
use crate::report::Stored;

/// What the control plane knows of a connection that an agent has just opened.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Every host name or address agents may dial it by; none means that no agent gets in.
    pub names: Vec<String>,
    /// Exported keying material, where TLS ends in this process.
    pub exporter: Option<[u8; 32]>,
    /// What it speaks: [`super::VERSIONS`].
    pub versions: Versions,
}

/// The keys a control plane proves itself with.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    /// `K_cp`.
    pub key: &'a SecretKey,
    /// The root's word on it.
    pub delegation: &'a Signed,
    /// The root's public key.
    pub root: &'a PublicKey,
}

/// What the store says of the node that has a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NodeRecord {
    /// The node.
    pub node: NodeId,
    /// How its connections are bound, pinned at enrolment.
    pub binding: BindingKind,
    /// Whether it waits for a person.
    pub locked: bool,
}

/// Waits for a CONNECT.
#[derive(Debug)]
pub struct ServerHello(Endpoint);

impl ServerHello {
    /// For one connection.
    pub const fn new(endpoint: Endpoint) -> Self {
        Self(endpoint)
    }

    /// Reads CONNECT. Nothing in it is proven yet.
    ///
    /// # Errors
    /// [`HandshakeError`]: no version in common, a host that is not ours, another frame.
    pub fn connect(self, text: &str) -> Result<AwaitingNode, HandshakeError> {
        match Frame::parse(text)? {
            Frame::Connect(connect) => {
                let asker = Asker { key: connect.pub_key, versions: connect.versions, host: &connect.host_name };
                let asked = Asked::new(text, &self.0, asker)?;
                Ok(AwaitingNode { connect, endpoint: self.0, asked })
            }
            other => Err(HandshakeError::Unexpected { expected: Kind::Connect, found: other.kind() }),
        }
    }
}

/// CONNECT was read; the store is asked whose key it names.
#[derive(Debug)]
pub struct AwaitingNode {
    connect: Connect,
    endpoint: Endpoint,
    asked: Asked,
}

impl AwaitingNode {
    /// What the agent said; unproven.
    pub const fn connect(&self) -> &Connect {
        &self.connect
    }

    /// The CHALLENGE for the node that has this key; `None` where the store knows none.
    ///
    /// # Errors
    /// [`HandshakeError::UnknownKey`], [`HandshakeError::Locked`], [`HandshakeError::NoExporter`].
    pub fn challenge(
        self,
        record: Option<NodeRecord>,
        identity: Identity<'_>,
        nonce: Nonce,
        now: Timestamp,
    ) -> Result<(String, AwaitingResponse), HandshakeError> {
        let record = record.ok_or_else(|| HandshakeError::UnknownKey(self.connect.pub_key.id()))?;
        if record.locked {
            return Err(HandshakeError::Locked(record.node));
        }
        let (text, challenging) = self.asked.challenge(&self.endpoint, record.binding, identity, nonce, now)?;
        Ok((text, AwaitingResponse { node: record.node, connect: self.connect, challenging }))
    }
}

/// CHALLENGE is sent.
#[derive(Debug)]
pub struct AwaitingResponse {
    node: NodeId,
    connect: Connect,
    challenging: Challenging,
}

impl AwaitingResponse {
    /// Checks RESPONSE: after this the node is who it says, on this connection.
    ///
    /// # Errors
    /// [`HandshakeError`], naming the cause.
    pub fn response(self, text: &str) -> Result<Proven, HandshakeError> {
        let (response, after) = self.challenging.response(text)?;
        if response.enrolment.is_some() {
            return Err(HandshakeError::Enrolment);
        }
        Ok(Proven {
            node: self.node,
            connect: self.connect,
            presented: response.counter,
            transcript: after,
            version: self.challenging.version,
        })
    }
}

/// The node has proven itself. Its join counter is still to be judged: call [`super::join`] with what the store holds
/// *now*, inside the transaction that writes the answer, since two connections may have come this far at once.
#[derive(Debug)]
pub struct Proven {
    node: NodeId,
    connect: Connect,
    presented: u64,
    transcript: Digest,
    version: u16,
}

/// What AUTHORIZED tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Welcome {
    /// This connection.
    pub connection: ConnectionId,
    /// `pending` of [`super::Join::Accept`].
    pub counter: u64,
    /// The epoch of the delegation.
    pub epoch: u64,
    /// What is stored already.
    pub resume: Stored,
    /// How often either side is heard at least.
    pub heartbeat: Millis,
}

impl Proven {
    /// The node.
    pub const fn node(&self) -> NodeId {
        self.node
    }

    /// What the agent said of itself; covered by its signature.
    pub const fn connect(&self) -> &Connect {
        &self.connect
    }

    /// The protocol version of this connection.
    pub const fn version(&self) -> u16 {
        self.version
    }

    /// The join counter it presented.
    pub const fn presented(&self) -> u64 {
        self.presented
    }

    /// The AUTHORIZED to send.
    ///
    /// # Errors
    /// [`HandshakeError::Frame`] where the resume point does not fit into a frame: name fewer logs.
    pub fn authorize(
        self,
        key: &SecretKey,
        welcome: Welcome,
        now: Timestamp,
    ) -> Result<(String, ServerOpen), HandshakeError> {
        let authorized = Authorized {
            transcript: self.transcript,
            node: self.node,
            connection: welcome.connection,
            counter: welcome.counter,
            epoch: welcome.epoch,
            resume: welcome.resume,
            time: now,
            heartbeat: welcome.heartbeat,
        };
        let text = Frame::Authorized(Signed::seal(Kind::Authorized, &authorized, key)).write()?;
        let open = ServerOpen {
            node: self.node,
            connection: welcome.connection,
            counter: welcome.counter,
            version: self.version,
            connect: self.connect,
        };
        Ok((text, open))
    }
}

/// An open connection, as the control plane sees it.
#[derive(Clone, Debug)]
pub struct ServerOpen {
    /// The node.
    pub node: NodeId,
    /// This connection.
    pub connection: ConnectionId,
    /// The join counter that the first frame confirms.
    pub counter: u64,
    /// The protocol version of this connection.
    pub version: u16,
    /// What the agent said of itself; covered by its signature.
    pub connect: Connect,
}

/// The fields CONNECT and REGISTER share.
pub(crate) struct Asker<'a> {
    pub(crate) key: PublicKey,
    pub(crate) versions: Versions,
    pub(crate) host: &'a str,
}

/// An opening frame that may be answered with a CHALLENGE.
#[derive(Debug)]
pub(crate) struct Asked {
    key: PublicKey,
    digest: Digest,
    host: String,
    version: u16,
}

/// A CHALLENGE that waits for its RESPONSE.
#[derive(Debug)]
pub(crate) struct Challenging {
    key: PublicKey,
    opening: Digest,
    text: String,
    host: String,
    binding: Binding,
    pub(crate) version: u16,
}

impl Asked {
    pub(crate) fn new(text: &str, endpoint: &Endpoint, asker: Asker<'_>) -> Result<Self, HandshakeError> {
        let version = endpoint
            .versions
            .common(asker.versions)
            .ok_or(HandshakeError::Version { ours: endpoint.versions, theirs: asker.versions })?;
        // Exact, not canonicalised: agents write the canonical form, and the text is signed as it stands.
        if !endpoint.names.iter().any(|name| canonical_host(name) == asker.host) {
            let dialled = asker.host.escape_debug().take(100).collect();
            return Err(HandshakeError::ForeignHost { dialled, names: endpoint.names.clone() });
        }
        Ok(Self { key: asker.key, digest: opening_digest(text), host: asker.host.to_owned(), version })
    }

    pub(crate) fn challenge(
        self,
        endpoint: &Endpoint,
        kind: BindingKind,
        identity: Identity<'_>,
        nonce: Nonce,
        now: Timestamp,
    ) -> Result<(String, Challenging), HandshakeError> {
        let binding = Channel::new(&self.host, endpoint.exporter).bind(kind)?;
        let challenge = Challenge {
            nonce,
            version: self.version,
            versions: endpoint.versions,
            opening: self.digest,
            host_name: self.host.clone(),
            binding: binding.proof(),
            delegation: identity.delegation.clone(),
            root: *identity.root,
            time: now,
        };
        let text = Frame::Challenge(Signed::seal(Kind::Challenge, &challenge, identity.key)).write()?;
        let challenging = Challenging {
            key: self.key,
            opening: self.digest,
            text: text.clone(),
            host: self.host,
            binding,
            version: self.version,
        };
        Ok((text, challenging))
    }
}

impl Challenging {
    /// Digest of everything up to the CHALLENGE: what a token proof covers.
    pub(crate) fn transcript(&self) -> Digest {
        transcript(&self.opening, &[&self.text], &self.host, &self.binding.proof())
    }

    /// The proven RESPONSE, and the digest that the answer to it has to carry.
    pub(crate) fn response(&self, text: &str) -> Result<(Response, Digest), HandshakeError> {
        let signed = expect_signed(text, Kind::Response)?;
        let response: Response = signed
            .open(Kind::Response, &self.key)
            .map_err(|error| HandshakeError::Verify { kind: Kind::Response, error })?;
        // Host and channel come before the transcript, which covers them too, so that the cause has its name.
        if response.host_name != self.host {
            return Err(HandshakeError::Host { dialled: response.host_name, found: self.host.clone() });
        }
        self.binding.check(&response.binding)?;
        if response.transcript != self.transcript() {
            return Err(HandshakeError::OtherConversation(Kind::Response));
        }
        let after = transcript(&self.opening, &[&self.text, text], &self.host, &self.binding.proof());
        Ok((response, after))
    }
}
