//! Lines of the audit chain.

use std::collections::BTreeMap;

use serde::Serialize;
use sf_store::audit::Activity;
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
            hash: line.entry_hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}
