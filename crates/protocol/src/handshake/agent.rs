//! The agent's side.

use sf_types::{ConnectionId, Millis, Name, NodeId, Timestamp};

use super::binding::{Binding, BindingKind, Channel};
use super::error::{HandshakeError, expect_signed};
use super::message::{
    Authorized, Challenge, Connect, Digest, Enrolment, Nonce, Response, Versions, opening_digest, transcript,
};
use crate::delegation::{Delegation, DelegationError};
use crate::dsse::Signed;
use crate::frame::Frame;
use crate::key::{KeyId, PublicKey, SecretKey};
use crate::kind::Kind;
use crate::report::Stored;
use crate::wire;

/// What an agent knows before it dials: from its state on disk.
#[derive(Clone, Debug)]
pub struct AgentHello {
    /// This node.
    pub node: NodeId,
    /// Its public key.
    pub key: PublicKey,
    /// Fingerprint of the only root it trusts.
    pub root: KeyId,
    /// How its connections are bound.
    pub binding: BindingKind,
    /// What it speaks: [`super::VERSIONS`].
    pub versions: Versions,
    /// Its own version.
    pub agent_version: Name,
    /// The epoch its journal is in.
    pub epoch: u64,
    /// The highest sequence accepted in that epoch.
    pub high_water: u64,
    /// The join counter it holds.
    pub counter: u64,
}

impl AgentHello {
    /// The CONNECT to send on a connection that was just opened.
    ///
    /// # Errors
    /// [`HandshakeError::NoExporter`] where the pinned binding cannot be had.
    pub fn connect(self, channel: &Channel, nonce: Nonce) -> Result<(String, AwaitingChallenge), HandshakeError> {
        self.open(channel, nonce, None)
    }

    /// The same of a second connection, for the bytes that a ticket stands for. Once its RESPONSE is sent, bytes are
    /// moved: of what comes after [`AwaitingChallenge::challenge`], only the text is wanted.
    ///
    /// # Errors
    /// As [`AgentHello::connect`].
    pub fn connect_for(
        self,
        ticket: Nonce,
        channel: &Channel,
        nonce: Nonce,
    ) -> Result<(String, AwaitingChallenge), HandshakeError> {
        self.open(channel, nonce, Some(ticket))
    }

    fn open(
        self,
        channel: &Channel,
        nonce: Nonce,
        transfer: Option<Nonce>,
    ) -> Result<(String, AwaitingChallenge), HandshakeError> {
        let binding = channel.bind(self.binding)?;
        let text = Frame::Connect(Connect {
            pub_key: self.key,
            versions: self.versions,
            nonce,
            agent_version: self.agent_version.clone(),
            epoch: self.epoch,
            high_water: self.high_water,
            host_name: channel.host().to_owned(),
            transfer,
        })
        .write()?;
        let opened = Opened::new(&text, channel, binding, self.versions, self.root, self.epoch);
        Ok((text, AwaitingChallenge { hello: self, opened }))
    }
}

/// CONNECT is sent.
#[derive(Debug)]
pub struct AwaitingChallenge {
    hello: AgentHello,
    opened: Opened,
}

impl AwaitingChallenge {
    /// Checks the control plane's CHALLENGE; only then there is a RESPONSE to send. `key` is `K_node`.
    ///
    /// # Errors
    /// [`HandshakeError`], naming the cause. Close the connection: nothing has been told.
    pub fn challenge(
        self,
        text: &str,
        key: &SecretKey,
        now: Timestamp,
    ) -> Result<(String, AwaitingAuthorized), HandshakeError> {
        let challenged = self.opened.challenge(text, now)?;
        let (text, transcript) = challenged.respond(self.hello.counter, None, key)?;
        Ok((text, AwaitingAuthorized { hello: self.hello, challenged, transcript }))
    }
}

/// RESPONSE is sent.
#[derive(Debug)]
pub struct AwaitingAuthorized {
    hello: AgentHello,
    challenged: Challenged,
    transcript: Digest,
}

impl AwaitingAuthorized {
    /// Checks AUTHORIZED. Write [`Open::counter`] to disk, synced, before the first frame: that frame confirms it.
    ///
    /// # Errors
    /// [`HandshakeError`], naming the cause.
    pub fn authorized(self, text: &str) -> Result<Open, HandshakeError> {
        let Self { hello, challenged, transcript } = self;
        let authorized: Authorized = challenged.open(text, Kind::Authorized)?;
        if authorized.transcript != transcript {
            return Err(HandshakeError::OtherConversation(Kind::Authorized));
        }
        if authorized.node != hello.node {
            return Err(HandshakeError::OtherNode { ours: hello.node, found: authorized.node });
        }
        challenged.same_epoch(authorized.epoch)?;
        if authorized.counter <= hello.counter {
            return Err(HandshakeError::Counter { held: hello.counter, offered: authorized.counter });
        }
        Ok(Open {
            connection: authorized.connection,
            counter: authorized.counter,
            resume: authorized.resume,
            server_time: authorized.time,
            heartbeat: authorized.heartbeat,
            version: challenged.challenge.version,
            delegation: challenged.delegation,
            delegation_signed: challenged.challenge.delegation,
            root: challenged.challenge.root,
        })
    }
}

/// An open connection, as the agent sees it.
#[derive(Clone, Debug)]
pub struct Open {
    /// This connection.
    pub connection: ConnectionId,
    /// The new join counter.
    pub counter: u64,
    /// What the control plane has stored already.
    pub resume: Stored,
    /// Its clock when it said so.
    pub server_time: Timestamp,
    /// Silence longer than twice this means the connection is dead.
    pub heartbeat: Millis,
    /// The protocol version of this connection.
    pub version: u16,
    /// The key that signs commands here, its classes and its epoch; verified.
    pub delegation: Delegation,
    /// The same as the root signed it, for the journal.
    pub delegation_signed: Signed,
    /// The root key, of the pinned fingerprint.
    pub root: PublicKey,
}

/// What an agent remembers of its opening frame, CONNECT or REGISTER.
#[derive(Debug)]
pub(crate) struct Opened {
    digest: Digest,
    host: String,
    binding: Binding,
    versions: Versions,
    root: KeyId,
    epoch: u64,
}

/// What an agent holds of a CHALLENGE it believes.
#[derive(Debug)]
pub(crate) struct Challenged {
    opened: Opened,
    text: String,
    pub(crate) challenge: Challenge,
    pub(crate) delegation: Delegation,
}

impl Opened {
    pub(crate) fn new(
        text: &str,
        channel: &Channel,
        binding: Binding,
        versions: Versions,
        root: KeyId,
        epoch: u64,
    ) -> Self {
        Self { digest: opening_digest(text), host: channel.host().to_owned(), binding, versions, root, epoch }
    }

    /// Whether this is the pinned control plane, on this very connection, now.
    pub(crate) fn challenge(self, text: &str, now: Timestamp) -> Result<Challenged, HandshakeError> {
        let signed = expect_signed(text, Kind::Challenge)?;
        let refused = |error| HandshakeError::Verify { kind: Kind::Challenge, error };
        // The key that signed this is certified inside it, so two fields are read before the signature is checked:
        // the root, which must have the pinned fingerprint, and the delegation, which that root must have signed.
        // Nothing else of the unverified reading is used, except to tell a wrong clock from an old certificate.
        let unverified: Challenge = wire::parse(&signed.payload).map_err(|error| refused(error.into()))?;
        let found = unverified.root.id();
        if found != self.root {
            return Err(HandshakeError::WrongRoot { pinned: self.root, found });
        }
        let delegation = Delegation::open(&unverified.delegation, &unverified.root, now)
            .map_err(|error| wrong_clock_or(error, &signed, &unverified, now))?;
        let challenge: Challenge = signed.open(Kind::Challenge, &delegation.key).map_err(refused)?;
        if apart(now, challenge.time) {
            return Err(HandshakeError::Clock { ours: now, theirs: challenge.time });
        }
        if challenge.opening != self.digest {
            return Err(HandshakeError::OtherConversation(Kind::Challenge));
        }
        if challenge.host_name != self.host {
            return Err(HandshakeError::Host { dialled: self.host, found: challenge.host_name });
        }
        self.binding.check(&challenge.binding)?;
        let highest = self.versions.common(challenge.versions);
        let highest = highest.ok_or(HandshakeError::Version { ours: self.versions, theirs: challenge.versions })?;
        if challenge.version != highest {
            return Err(HandshakeError::Downgrade { chosen: challenge.version, highest });
        }
        if delegation.epoch < self.epoch {
            return Err(HandshakeError::LowerEpoch { offered: delegation.epoch, seen: self.epoch });
        }
        Ok(Challenged { opened: self, text: text.to_owned(), challenge, delegation })
    }
}

impl Challenged {
    /// Digest of everything so far.
    pub(crate) fn transcript(&self) -> Digest {
        transcript(&self.opened.digest, &[&self.text], &self.opened.host, &self.opened.binding.proof())
    }

    /// The RESPONSE, and the digest that the answer to it has to carry.
    pub(crate) fn respond(
        &self,
        counter: u64,
        enrolment: Option<Enrolment>,
        key: &SecretKey,
    ) -> Result<(String, Digest), HandshakeError> {
        let proof = self.opened.binding.proof();
        let response = Response {
            transcript: self.transcript(),
            host_name: self.opened.host.clone(),
            binding: proof,
            counter,
            enrolment,
        };
        let text = Frame::Response(Signed::seal(Kind::Response, &response, key)).write()?;
        let after = transcript(&self.opened.digest, &[&self.text, &text], &self.opened.host, &proof);
        Ok((text, after))
    }

    /// Opens a later message of the key that proved itself.
    pub(crate) fn open<T: serde::de::DeserializeOwned>(&self, text: &str, kind: Kind) -> Result<T, HandshakeError> {
        let signed = expect_signed(text, kind)?;
        signed.open(kind, &self.delegation.key).map_err(|error| HandshakeError::Verify { kind, error })
    }

    /// Refuses an epoch that the root did not certify.
    pub(crate) fn same_epoch(&self, found: u64) -> Result<(), HandshakeError> {
        let certified = self.delegation.epoch;
        if found == certified { Ok(()) } else { Err(HandshakeError::OtherEpoch { found, certified }) }
    }
}

/// A certificate outside its time, though the key it names says with a good signature that it is another time: then
/// it is more useful to speak of the clocks. Only the sentence depends on this; either way nothing goes on.
fn wrong_clock_or(error: DelegationError, signed: &Signed, unverified: &Challenge, now: Timestamp) -> HandshakeError {
    let certified = matches!(error, DelegationError::Time { .. })
        .then(|| unverified.delegation.open::<Delegation>(Kind::Delegation, &unverified.root).ok())
        .flatten();
    if let Some(delegation) = certified
        && let Ok(challenge) = signed.open::<Challenge>(Kind::Challenge, &delegation.key)
        && apart(now, challenge.time)
        && delegation.valid_at(challenge.time)
    {
        return HandshakeError::Clock { ours: now, theirs: challenge.time };
    }
    error.into()
}

fn apart(a: Timestamp, b: Timestamp) -> bool {
    a.since(b) > Delegation::SKEW || b.since(a) > Delegation::SKEW
}
