//! The agent's side.

use sf_types::{EnrolTokenId, Name, NodeId, Timestamp};

use super::error::EnrolError;
use super::token::EnrolToken;
use super::{Pending, Register, Registered};
use crate::frame::Frame;
use crate::handshake::{BindingKind, Challenged, Channel, Digest, Enrolment, HandshakeError, Nonce, Opened, Versions};
use crate::key::{KeyId, PublicKey, SecretKey};
use crate::kind::Kind;
use crate::report::NodeFacts;

/// What an agent knows before it enrols: its own fresh key and the install line.
#[derive(Clone, Debug)]
pub struct EnrolHello {
    /// The key it has just made.
    pub key: PublicKey,
    /// Fingerprint of the root, from the install line.
    pub root: KeyId,
    /// How its connections shall be bound, from the install line.
    pub binding: BindingKind,
    /// What it speaks: [`crate::handshake::VERSIONS`].
    pub versions: Versions,
    /// The token, from the install line; `None` for the device flow.
    pub token: Option<EnrolToken>,
}

impl EnrolHello {
    /// The REGISTER to send. It holds the token's public half only.
    ///
    /// # Errors
    /// [`HandshakeError::NoExporter`] where the binding cannot be had.
    pub fn register(self, channel: &Channel, nonce: Nonce) -> Result<(String, AwaitingProof), EnrolError> {
        let binding = channel.bind(self.binding)?;
        let register = Register {
            public_key: self.key,
            nonce,
            versions: self.versions,
            host_name: channel.host().to_owned(),
            token: self.token.as_ref().map(EnrolToken::id),
        };
        let text = Frame::Register(register).write().map_err(HandshakeError::from)?;
        let opened = Opened::new(&text, channel, binding, self.versions, self.root, 0);
        Ok((text, AwaitingProof { key: self.key, token: self.token, binding: self.binding, opened }))
    }
}

/// REGISTER is sent; the control plane has to prove itself.
#[derive(Debug)]
pub struct AwaitingProof {
    key: PublicKey,
    token: Option<EnrolToken>,
    binding: BindingKind,
    opened: Opened,
}

impl AwaitingProof {
    /// Checks CHALLENGE; only then there is a RESPONSE, with facts and the proof of the token.
    ///
    /// # Errors
    /// [`EnrolError::Handshake`], naming the cause. Nothing has been told.
    pub fn challenge(
        self,
        text: &str,
        key: &SecretKey,
        facts: NodeFacts,
        now: Timestamp,
    ) -> Result<(String, AwaitingRegistered), EnrolError> {
        let challenged = self.opened.challenge(text, now)?;
        let proof = self.token.as_ref().map(|token| token.proof(&challenged.transcript()));
        let (text, transcript) = challenged.respond(0, Some(Enrolment { facts, proof }), key)?;
        let token = self.token.as_ref().map(EnrolToken::id);
        Ok((
            text,
            AwaitingRegistered { key: self.key, token, binding: self.binding, challenged, transcript, waiting: false },
        ))
    }
}

/// RESPONSE is sent.
#[derive(Debug)]
pub struct AwaitingRegistered {
    key: PublicKey,
    token: Option<EnrolTokenId>,
    binding: BindingKind,
    challenged: Challenged,
    transcript: Digest,
    waiting: bool,
}

/// What came of a RESPONSE.
#[derive(Debug)]
pub enum Progress {
    /// Show the code and the key words, keep the connection, call [`AwaitingRegistered::receive`] again.
    Wait(Pending, Box<AwaitingRegistered>),
    /// The node exists.
    Done(Box<Enrolled>),
}

/// A new node's state, to be written to disk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Enrolled {
    /// The node.
    pub node: NodeId,
    /// Its join counter.
    pub counter: u64,
    /// The epoch its journal begins in.
    pub epoch: u64,
    /// How its connections are bound.
    pub binding: BindingKind,
    /// The root key to pin.
    pub root: PublicKey,
    /// Whose it is.
    pub tenant_name: Name,
    /// What it is called.
    pub node_name: Name,
}

impl AwaitingRegistered {
    /// Reads PENDING or REGISTERED.
    ///
    /// # Errors
    /// [`EnrolError`], naming the cause; CLOSING carries the control plane's own words.
    pub fn receive(mut self, text: &str) -> Result<Progress, EnrolError> {
        if let Ok(Frame::Pending(pending)) = Frame::parse(text) {
            if self.token.is_some() || self.waiting {
                return Err(EnrolError::NotPending);
            }
            let ours = self.key.id().words();
            if pending.words != ours {
                return Err(EnrolError::Words { ours, found: pending.words.escape_debug().take(100).collect() });
            }
            self.waiting = true;
            return Ok(Progress::Wait(pending, Box::new(self)));
        }
        let registered: Registered = self.challenged.open(text, Kind::Registered)?;
        if registered.transcript != self.transcript {
            return Err(HandshakeError::OtherConversation(Kind::Registered).into());
        }
        self.challenged.same_epoch(registered.epoch)?;
        if registered.binding != self.binding {
            return Err(HandshakeError::BindingKind { pinned: self.binding, offered: registered.binding }.into());
        }
        Ok(Progress::Done(Box::new(Enrolled {
            node: registered.node,
            counter: registered.counter,
            epoch: registered.epoch,
            binding: self.binding,
            root: self.challenged.challenge.root,
            tenant_name: registered.tenant_name,
            node_name: registered.node_name,
        })))
    }
}
