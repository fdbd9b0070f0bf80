//! The control plane's side.

use sf_types::{EnrolTokenId, Millis, Name, NodeId, Timestamp};

use super::code::UserCode;
use super::error::EnrolError;
use super::token::TokenRecord;
use super::{Pending, Register, Registered};
use crate::dsse::Signed;
use crate::frame::Frame;
use crate::handshake::{Asked, Asker, BindingKind, Challenging, Digest, Endpoint, HandshakeError, Identity, Nonce};
use crate::key::{PublicKey, SecretKey};
use crate::kind::Kind;
use crate::report::NodeFacts;

/// Waits for a REGISTER.
#[derive(Debug)]
pub struct EnrolServer {
    /// The connection.
    pub endpoint: Endpoint,
    /// How this installation binds connections.
    pub binding: BindingKind,
}

impl EnrolServer {
    /// Reads REGISTER. Nothing in it is proven yet.
    ///
    /// # Errors
    /// [`EnrolError::Handshake`]: no version in common, a host that is not ours, another frame.
    pub fn register(self, text: &str) -> Result<Registering, EnrolError> {
        match Frame::parse(text).map_err(HandshakeError::from)? {
            Frame::Register(register) => {
                let asker = Asker { key: register.public_key, versions: register.versions, host: &register.host_name };
                let asked = Asked::new(text, &self.endpoint, asker)?;
                Ok(Registering { register, server: self, asked })
            }
            other => Err(HandshakeError::Unexpected { expected: Kind::Register, found: other.kind() }.into()),
        }
    }
}

/// REGISTER was read.
#[derive(Debug)]
pub struct Registering {
    register: Register,
    server: EnrolServer,
    asked: Asked,
}

impl Registering {
    /// The CHALLENGE. It does not depend on whether the token exists, so that it tells nothing of it.
    ///
    /// # Errors
    /// [`HandshakeError::NoExporter`].
    pub fn challenge(
        self,
        identity: Identity<'_>,
        nonce: Nonce,
        now: Timestamp,
    ) -> Result<(String, AwaitingFacts), EnrolError> {
        let Self { register, server, asked } = self;
        let (text, challenging) = asked.challenge(&server.endpoint, server.binding, identity, nonce, now)?;
        Ok((text, AwaitingFacts { register, binding: server.binding, challenging }))
    }
}

/// CHALLENGE is sent.
#[derive(Debug)]
pub struct AwaitingFacts {
    register: Register,
    binding: BindingKind,
    challenging: Challenging,
}

impl AwaitingFacts {
    /// The token to look up before [`AwaitingFacts::response`]; `None` for the device flow.
    pub const fn token(&self) -> Option<EnrolTokenId> {
        self.register.token
    }

    /// Checks RESPONSE: the machine holds its key, and the token where it named one. `token` is what the store has
    /// under [`AwaitingFacts::token`].
    ///
    /// # Errors
    /// [`EnrolError`], naming the cause.
    pub fn response(self, text: &str, token: Option<&TokenRecord>, now: Timestamp) -> Result<Candidate, EnrolError> {
        let (response, after) = self.challenging.response(text)?;
        let enrolment = response.enrolment.ok_or(HandshakeError::Enrolment)?;
        match (self.register.token, enrolment.proof) {
            (None, None) => {}
            (Some(id), Some(proof)) => {
                let record = token.filter(|record| record.id == id).ok_or(EnrolError::UnknownToken(id))?;
                record.check(&proof, &self.challenging.transcript(), now)?;
            }
            (None, Some(_)) | (Some(_), None) => return Err(EnrolError::TokenMissing),
        }
        Ok(Candidate {
            key: self.register.public_key,
            token: self.register.token,
            facts: enrolment.facts,
            binding: self.binding,
            transcript: after,
        })
    }
}

/// A machine that has proven its key, and its token where [`Candidate::token`] is one. Without a token a person has
/// to approve before [`Candidate::registered`].
#[derive(Debug)]
pub struct Candidate {
    key: PublicKey,
    token: Option<EnrolTokenId>,
    facts: NodeFacts,
    binding: BindingKind,
    transcript: Digest,
}

/// A node that the store has just made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewNode {
    /// The node.
    pub node: NodeId,
    /// Its first join counter.
    pub counter: u64,
    /// The epoch of the delegation.
    pub epoch: u64,
    /// Whose it is.
    pub tenant_name: Name,
    /// What it is called.
    pub node_name: Name,
}

impl Candidate {
    /// Its key.
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The proven token, to be consumed in the transaction that makes the node.
    pub const fn token(&self) -> Option<EnrolTokenId> {
        self.token
    }

    /// What the machine says it is; signed by its key.
    pub const fn facts(&self) -> &NodeFacts {
        &self.facts
    }

    /// How its connections are bound, to be stored with the node.
    pub const fn binding(&self) -> BindingKind {
        self.binding
    }

    /// The PENDING to send where a person has to approve.
    ///
    /// # Errors
    /// [`EnrolError::NotPending`] for one with a token.
    pub fn pending(&self, code: UserCode, expires_at: Timestamp, retry_after: Millis) -> Result<String, EnrolError> {
        if self.token.is_some() {
            return Err(EnrolError::NotPending);
        }
        let pending = Pending { code, expires_at, retry_after, words: self.key.id().words() };
        Ok(Frame::Pending(pending).write().map_err(HandshakeError::from)?)
    }

    /// The REGISTERED to send once the store has the node.
    ///
    /// # Errors
    /// [`HandshakeError::Frame`], for names that do not fit, which does not happen with [`Name`].
    pub fn registered(self, key: &SecretKey, new: NewNode, now: Timestamp) -> Result<String, EnrolError> {
        let registered = Registered {
            transcript: self.transcript,
            node: new.node,
            counter: new.counter,
            epoch: new.epoch,
            binding: self.binding,
            tenant_name: new.tenant_name,
            node_name: new.node_name,
            time: now,
        };
        let signed = Signed::seal(Kind::Registered, &registered, key);
        Ok(Frame::Registered(signed).write().map_err(HandshakeError::from)?)
    }
}
