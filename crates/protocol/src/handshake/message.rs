//! The four messages that open a connection, and what they are made of.

use std::fmt;

use serde::{Deserialize, Serialize};
use sf_types::{ConnectionId, Fault, Millis, Name, NodeId, Timestamp};
use sha2::{Digest as _, Sha256};

use super::binding::BindingProof;
use crate::dsse::Signed;
use crate::key::PublicKey;
use crate::report::{NodeFacts, Stored};
use crate::wire;

/// Versions of the protocol this crate speaks. It always speaks the one before the newest as well, once there is one.
///
/// 2: orders may hold sealed secrets ([`crate::sealed`]), and both sides know WITNESS. An order without secrets is the
/// same in both. 3: domains ([`crate::site`]); what is about none is the same. 4: more builders and the hot path
/// ([`crate::build`]), patches ([`crate::patch`]); deploys may bring a key for their repository. 5: the builder
/// `dockerfile` and its arguments ([`crate::build`]); services of the machine; schedules ([`crate::schedule`]).
pub const VERSIONS: Versions = Versions { min: 1, max: 6 };
/// The first version in which orders hold sealed secrets.
pub const SECRETS_SINCE: u16 = 2;
/// The first version that knows domains.
pub const SITES_SINCE: u16 = 3;
/// The first version that knows the builders `rust`, `go` and `php`, and the hot path.
pub const BUILDERS_SINCE: u16 = 4;
/// The first version that knows patches.
pub const PATCH_SINCE: u16 = 4;
/// The first version in which a deploy may bring a key for its repository.
pub const DEPLOY_KEYS_SINCE: u16 = 4;
/// The first version that knows services of the machine.
pub const SERVICES_SINCE: u16 = 5;
/// The first version that knows the builder `dockerfile`.
pub const CONTAINERS_SINCE: u16 = 5;
/// The first version that knows schedules.
pub const SCHEDULES_SINCE: u16 = 5;
/// The version in which a node can keep panel servers.
pub const SERVERS_SINCE: u16 = 6;
/// The version from which on both sides send WITNESS.
pub const WITNESS_SINCE: u16 = 2;

/// A range of protocol versions, both ends included.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Versions {
    /// The oldest spoken.
    pub min: u16,
    /// The newest spoken.
    pub max: u16,
}

impl Versions {
    /// The highest version both speak; `None` where there is none (a reversed range speaks nothing).
    pub fn common(self, other: Self) -> Option<u16> {
        let highest = self.max.min(other.max);
        (highest >= self.min && highest >= other.min).then_some(highest)
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.min == self.max { write!(f, "{}", self.max) } else { write!(f, "{} to {}", self.min, self.max) }
    }
}

macro_rules! bytes_32 {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(#[serde(with = "wire::base64_bytes")] [u8; 32]);

        impl $name {
            /// From its bytes.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// Its bytes.
            pub const fn bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), wire::encode_base64(&self.0))
            }
        }
    )*};
}

bytes_32! {
    /// A SHA-256 over something both sides have.
    Digest;
    /// 256 random bits, used once.
    Nonce;
}

impl Digest {
    /// SHA-256 over a label and parts, each preceded by its length (64 bits, big-endian), so that no two lists of
    /// parts hash alike.
    pub(crate) fn of(label: &str, parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in std::iter::once(label.as_bytes()).chain(parts.iter().copied()) {
            let length = u64::try_from(part.len()).expect("a length in memory fits 64 bits");
            hash.update(length.to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }
}

/// The name of the exact text of a CONNECT or REGISTER.
pub(crate) fn opening_digest(text: &str) -> Digest {
    Digest::of("serverflow opening v1", &[text.as_bytes()])
}

/// The name of a conversation up to here: its exact texts in order, the host dialled and the channel.
pub(crate) fn transcript(opening: &Digest, texts: &[&str], host: &str, binding: &BindingProof) -> Digest {
    let mut parts: Vec<&[u8]> = vec![&opening.0, host.as_bytes(), binding.kind.word().as_bytes(), &binding.digest.0];
    parts.extend(texts.iter().map(|text| text.as_bytes()));
    Digest::of("serverflow transcript v1", &parts)
}

/// CONNECT: the first word of a known node. Plain; its exact text is under every later signature.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Connect {
    /// The node's key: names the node.
    pub pub_key: PublicKey,
    /// What the agent speaks.
    pub versions: Versions,
    /// Fresh for this connection.
    pub nonce: Nonce,
    /// The agent's own version: `0.1.0`.
    pub agent_version: Name,
    /// The epoch the agent's journal is in.
    #[serde(with = "wire::u64_string")]
    pub epoch: u64,
    /// The highest sequence it accepted in that epoch.
    #[serde(with = "wire::u64_string")]
    pub high_water: u64,
    /// The host the agent dialled: lower case, no port.
    pub host_name: String,
    /// The ticket of a second connection, which moves bytes ([`crate::server::Transfer`]) and takes no orders: it is no
    /// join, and AUTHORIZED never comes on it. Version [`SERVERS_SINCE`] and above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<Nonce>,
}

/// CHALLENGE: the control plane proves itself. Signed by `K_cp`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Challenge {
    /// Fresh for this connection.
    pub nonce: Nonce,
    /// The version chosen: the highest common one.
    pub version: u16,
    /// What the control plane speaks, so that the agent can check the choice.
    pub versions: Versions,
    /// Digest of the exact opening text (CONNECT or REGISTER) as it arrived.
    pub opening: Digest,
    /// The host the agent said it dialled, and which the control plane knows as its own.
    pub host_name: String,
    /// The channel as the control plane sees it.
    pub binding: BindingProof,
    /// `K_root`'s word on `K_cp`.
    pub delegation: Signed,
    /// `K_root`; the agent knows its fingerprint.
    pub root: PublicKey,
    /// The control plane's clock.
    pub time: Timestamp,
}

/// RESPONSE: the node proves itself. Signed by `K_node`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Response {
    /// Digest of the exact opening and CHALLENGE texts, host and channel.
    pub transcript: Digest,
    /// The host dialled.
    pub host_name: String,
    /// The channel as the agent sees it.
    pub binding: BindingProof,
    /// The join counter the agent holds; 0 while it enrols.
    #[serde(with = "wire::u64_string")]
    pub counter: u64,
    /// After REGISTER only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrolment: Option<Enrolment>,
}

/// What a new node tells once it knows whom it is talking to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Enrolment {
    /// What the machine is.
    pub facts: NodeFacts,
    /// Proof of the one-time token, where there is one; never the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Digest>,
}

/// AUTHORIZED: the connection is open. Signed by `K_cp`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Authorized {
    /// Digest of the exact CONNECT, CHALLENGE and RESPONSE texts, host and channel.
    pub transcript: Digest,
    /// The node.
    pub node: NodeId,
    /// This connection.
    pub connection: ConnectionId,
    /// The new join counter: written to disk before the first frame, which confirms it.
    #[serde(with = "wire::u64_string")]
    pub counter: u64,
    /// Sequence numbers count within this.
    #[serde(with = "wire::u64_string")]
    pub epoch: u64,
    /// What is stored already; the backlog goes on after it.
    pub resume: Stored,
    /// The control plane's clock.
    pub time: Timestamp,
    /// Silence longer than twice this means the connection is dead.
    pub heartbeat: Millis,
}

/// CLOSING: the connection ends, and why. Plain: before a CHALLENGE was verified it is hearsay.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Closing {
    /// Why.
    pub fault: Fault,
    /// Wait at least this long before dialling again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Millis>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_common_version_is_chosen() {
        let check = |ours: (u16, u16), theirs: (u16, u16), expected| {
            let (a, b) = (Versions { min: ours.0, max: ours.1 }, Versions { min: theirs.0, max: theirs.1 });
            assert_eq!((a.common(b), b.common(a)), (expected, expected), "{a} with {b}");
        };
        check((1, 1), (1, 1), Some(1));
        check((1, 2), (1, 1), Some(1));
        check((1, 2), (2, 3), Some(2));
        check((1, 9), (1, 9), Some(9));
        check((1, 2), (3, 4), None);
        check((2, 1), (1, 2), None);
    }

    #[test]
    fn digests_cannot_be_shifted_between_parts() {
        assert_ne!(Digest::of("l", &[b"ab", b"c"]), Digest::of("l", &[b"a", b"bc"]));
        assert_ne!(Digest::of("l", &[b"a"]), Digest::of("la", &[]));
        assert_ne!(Digest::of("l", &[b"a", b""]), Digest::of("l", &[b"a"]));
    }
}
