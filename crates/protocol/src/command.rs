//! The signed, narrow order to one node.

use serde::{Deserialize, Serialize};
use sf_types::{CommandId, NodeId, ReleaseId, RequestId, RunId, SecretId, SecretName, TenantId, Timestamp, UserId};

use crate::key::KeyId;
use crate::order::Order;
use crate::wire;

/// One order. Its exact bytes are signed by `K_cp`; the agent verifies before it parses.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Command {
    /// Idempotency key: an agent that has seen it answers with the stored outcome.
    pub id: CommandId,
    /// The only node that may obey.
    pub node: NodeId,
    /// The key of that node when this was signed.
    pub node_key: KeyId,
    /// Sequence numbers count within an epoch.
    #[serde(with = "wire::u64_string")]
    pub epoch: u64,
    /// Next number of this node, from 1; 0 for class `read`, which has none.
    #[serde(with = "wire::u64_string")]
    pub sequence: u64,
    /// When it was signed.
    pub issued_at: Timestamp,
    /// Not obeyed before.
    pub not_before: Timestamp,
    /// Not obeyed after.
    pub expires_at: Timestamp,
    /// How much it may do.
    pub class: Class,
    /// What to do.
    pub order: Order,
    /// What was true when a person or policy agreed; rechecked by the agent.
    #[serde(default, skip_serializing_if = "Guard::is_empty")]
    pub guard: Guard,
    /// Who wanted it, for the node's own record.
    pub authz: Authz,
}

/// How much a command may do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Class {
    /// Looks, changes nothing. No sequence, no journal.
    Read,
    /// Everything on one's own apps and servers, their deletion included.
    Operate,
    /// Node-wide changes. Off unless the node's own policy file turns it on.
    Danger,
}

/// Resolved facts a command depends on. An agent that finds them changed refuses, and the run goes back to people.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Guard {
    /// The commit that will be deployed: 40 or 64 lower-case hex digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The release that is live now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_release: Option<ReleaseId>,
    /// The app's generation before this change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// The secrets whose values go along. Version 2 and above.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<GuardedSecret>,
}

/// A version of a secret, as a person or policy agreed to it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GuardedSecret {
    /// Which.
    pub secret: SecretId,
    /// Its name, for people.
    pub name: SecretName,
    /// Which version.
    pub version: u32,
}

impl Guard {
    /// Whether nothing is guarded.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Who wanted a command and through which request; recorded in the node's journal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Authz {
    /// Whose node.
    pub tenant: TenantId,
    /// The person, where one asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// Correlation id.
    pub request: RequestId,
    /// The run, for everything but reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
}
