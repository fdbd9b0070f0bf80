//! Lines of the audit chain.

use std::collections::BTreeMap;

use serde::Serialize;
use sf_control::audit::ChainState;
use sf_store::audit::{Activity, chain};
use sf_store::mcp_calls::{McpCall, NO_DIGEST};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Time;

/// One line of the audit chain.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Activity)]
pub struct ActivityView {
    /// Whose chain.
    pub instance_id: Uuid,
    /// Its number in the chain.
    pub seq: u64,
    /// When.
    pub at: Time,
    /// `person`, `token`, `ai`, `system` or `node`.
    pub actor_kind: String,
    /// Who, by pseudonym.
    pub actor_ref: String,
    /// What they are called, where that is still known. Not part of the line.
    pub actor_name: Option<String>,
    /// What: `app.deploy`.
    pub action: String,
    /// Done to what.
    pub target_kind: String,
    /// Its id.
    pub target_id: String,
    /// What it is called, where it still exists. Not part of the line.
    pub target_name: Option<String>,
    /// In which run.
    pub run_id: Option<Uuid>,
    /// Through which request.
    pub request_id: Option<Uuid>,
    /// How it went.
    pub outcome: String,
    /// Structured details.
    pub fields: BTreeMap<String, String>,
    /// Details about persons that are still known.
    pub personal: BTreeMap<String, String>,
    /// Hash of the line, hexadecimal.
    pub hash: String,
}

impl ActivityView {
    /// A line, and what those in it are called today.
    pub fn of(activity: Activity, actor_name: Option<String>, target_name: Option<String>) -> Self {
        let line = activity.line;
        Self {
            instance_id: line.instance.uuid(),
            seq: line.seq,
            at: Time(line.at),
            actor_kind: line.actor_kind,
            actor_ref: line.actor_ref,
            actor_name,
            action: line.action,
            target_kind: line.target_kind,
            target_id: line.target_id,
            target_name,
            run_id: line.run.map(|run| run.uuid()),
            request_id: line.request.map(|request| request.uuid()),
            outcome: line.outcome,
            fields: serde_json::from_str(&line.fields).unwrap_or_default(),
            personal: activity.personal.into_iter().collect(),
            hash: chain::hex(&line.entry_hash),
        }
    }
}

/// A call of a tool by an AI host.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = McpCall)]
pub struct McpCallView {
    /// Its id.
    pub id: Uuid,
    /// For whom.
    pub user_id: Uuid,
    /// What they are called, where that is still known.
    pub user_name: Option<String>,
    /// By which credential.
    pub token_id: Uuid,
    /// What that is called, where it still exists.
    pub token_name: Option<String>,
    /// What the host calls itself: its own word.
    pub client: String,
    /// Which tool; the method of the protocol where a rate limit refused another request.
    pub tool: String,
    /// SHA-256 of the canonical arguments, hexadecimal; null where this stands for many calls.
    pub digest: Option<String>,
    /// `allowed`, `held`, `denied`, `refused`, `failed` or `limited`.
    pub decision: String,
    /// The code of what was refused.
    pub code: Option<String>,
    /// The run it opened.
    pub run_id: Option<Uuid>,
    /// The card it waited for.
    pub approval_id: Option<Uuid>,
    /// Whether the answer held words that others wrote: for 30 minutes what does lasting harm asks then.
    pub untrusted: bool,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// When it was answered; the last of them where this stands for many.
    pub at: Time,
    /// Calls that this stands for: one, but for those that a rate limit refused, which are counted by credential, tool and ten
    /// minutes.
    pub times: u64,
}

impl McpCallView {
    /// A call, and what those in it are called today.
    pub fn of(call: McpCall, token_name: Option<String>, user_name: Option<String>) -> Self {
        Self {
            id: call.id,
            user_id: call.user.uuid(),
            user_name,
            token_id: call.token.uuid(),
            token_name,
            client: call.client,
            tool: call.tool,
            digest: (call.digest != NO_DIGEST).then(|| chain::hex(&call.digest)),
            decision: call.decision.word().to_owned(),
            code: call.code,
            run_id: call.run.map(|run| run.uuid()),
            approval_id: call.approval.map(|approval| approval.uuid()),
            untrusted: call.untrusted,
            duration_us: call.duration_us,
            at: Time(call.at),
            times: call.times,
        }
    }
}

/// How the audit chains are.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditChains)]
pub struct ChainsView {
    /// One chain for each control plane that has ever shared the database.
    pub instances: Vec<ChainView>,
}

/// How one chain is.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditChain)]
pub struct ChainView {
    /// Whose.
    pub instance: Uuid,
    /// Lines.
    pub size: u64,
    /// Hash of the last line, hexadecimal.
    pub head: String,
    /// Verified up to this line.
    pub checked_up_to: u64,
    /// When.
    pub checked_at: Option<Time>,
    /// The first line that does not hold; null as long as all of them do.
    pub first_bad: Option<BadLineView>,
    /// The newest signed head.
    pub checkpoint: Option<CheckpointView>,
    /// Nodes that have seen a signed head and would notice another history.
    pub witnesses: Vec<WitnessView>,
}

/// A line that does not hold.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditBadLine)]
pub struct BadLineView {
    /// Its number, or the number that should be there.
    pub seq: u64,
    /// `edited`, `deleted`, `reordered`, `inserted`, `truncated`, `forked` or `malformed`.
    pub damage: String,
    /// In words.
    pub why: String,
}

/// A signed head.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditCheckpoint)]
pub struct CheckpointView {
    /// Lines it covers.
    pub size: u64,
    /// When it was signed.
    pub at: Time,
    /// Name of the key.
    pub key_id: String,
}

/// A node that has seen a head.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditWitness)]
pub struct WitnessView {
    /// The node.
    pub node: Uuid,
    /// What it is called; null where it is gone.
    pub node_name: Option<String>,
    /// Lines it has seen.
    pub size: u64,
    /// When that head was signed.
    pub at: Time,
}

impl From<Vec<ChainState>> for ChainsView {
    fn from(states: Vec<ChainState>) -> Self {
        let instances = states.into_iter().map(|state| ChainView {
            instance: state.instance.uuid(),
            size: state.head.seq,
            head: chain::hex(&state.head.hash),
            checked_up_to: state.checked_up_to,
            checked_at: state.checked_at.map(Time),
            first_bad: state.bad.map(|bad| BadLineView {
                seq: bad.seq,
                damage: bad.damage.word().to_owned(),
                why: bad.why,
            }),
            checkpoint: state.checkpoint.map(|(size, at, key)| CheckpointView {
                size,
                at: Time(at),
                key_id: key.to_string(),
            }),
            witnesses: state
                .witnesses
                .into_iter()
                .map(|seen| WitnessView {
                    node: seen.node.uuid(),
                    node_name: seen.name,
                    size: seen.size,
                    at: Time(seen.at),
                })
                .collect(),
        });
        Self { instances: instances.collect() }
    }
}
