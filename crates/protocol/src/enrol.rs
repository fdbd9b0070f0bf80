//! How a machine becomes a node: with a one-time token, or with a code that a person approves.
//!
//! ```text
//! agent                                          control plane
//! EnrolHello --- REGISTER ---------------------> EnrolServer
//! AwaitingProof <---------------- CHALLENGE ---- Registering        the same proof as for a known node
//!            --- RESPONSE ---------------------> AwaitingFacts      facts, and the proof of the token if there is one
//! AwaitingRegistered <----- PENDING (no token) - Candidate
//!                    <------------- REGISTERED - Candidate
//! ```
//!
//! The root's fingerprint is in the install line in both cases. The agent tells neither facts nor proof before the
//! control plane has proven itself, and never sends the token at all.

mod agent;
mod code;
mod error;
mod server;
mod token;

use serde::{Deserialize, Serialize};
use sf_types::{EnrolTokenId, Millis, Name, NodeId, Timestamp};

use crate::handshake::{BindingKind, Digest, Nonce, Versions};
use crate::key::PublicKey;
use crate::wire;

pub use agent::{AwaitingProof, AwaitingRegistered, EnrolHello, Enrolled, Progress};
pub use code::{BadCode, UserCode};
pub use error::EnrolError;
pub use server::{AwaitingFacts, Candidate, EnrolServer, NewNode, Registering};
pub use token::{BadToken, EnrolToken, TokenRecord, TokenVerifier};

/// REGISTER: the first word of a new node. Plain; its exact text is under every later signature.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Register {
    /// The key the machine made for itself.
    pub public_key: PublicKey,
    /// Fresh for this connection.
    pub nonce: Nonce,
    /// What the agent speaks.
    pub versions: Versions,
    /// The host the agent dialled: lower case, no port.
    pub host_name: String,
    /// Which token the agent holds: its public half. `None` asks for the device flow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<EnrolTokenId>,
}

/// PENDING: a person has to approve. The connection stays open and waits for REGISTERED.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pending {
    /// What the agent shows and the person types.
    pub code: UserCode,
    /// Not good after.
    pub expires_at: Timestamp,
    /// After a lost connection, register again with the same key, but not sooner than this.
    pub retry_after: Millis,
    /// Key words of the key being enrolled, as the approver sees them. The agent compares them with its own.
    pub words: String,
}

/// REGISTERED: the node exists. Signed by `K_cp`. The agent writes it down and connects anew.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Registered {
    /// Digest of the exact REGISTER, CHALLENGE and RESPONSE texts, host and channel.
    pub transcript: Digest,
    /// The new node.
    pub node: NodeId,
    /// Its first join counter.
    #[serde(with = "wire::u64_string")]
    pub counter: u64,
    /// Sequence numbers count within this.
    #[serde(with = "wire::u64_string")]
    pub epoch: u64,
    /// How its connections are bound from now on.
    pub binding: BindingKind,
    /// Whose it is, for people.
    pub tenant_name: Name,
    /// What it is called, for people.
    pub node_name: Name,
    /// The control plane's clock.
    pub time: Timestamp,
}
