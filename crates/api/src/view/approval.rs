//! What waits for a person.

pub mod inbox;
pub mod routing;

use serde::Serialize;
use sf_store::approvals::Approval;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Time;

/// A card before people.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Approval)]
pub struct ApprovalView {
    /// Its id.
    pub id: Uuid,
    /// The run it is about.
    pub run_id: Uuid,
    /// The step of that run, where it is about one.
    pub step: Option<String>,
    /// What a decision is bound to: send it back with the decision.
    pub hash: String,
    /// The action's name.
    pub action: String,
    /// What would change.
    #[schema(value_type = Object)]
    pub diff: serde_json::Value,
    /// Why a person is asked.
    pub because: String,
    /// `open`, `escalated`, `decided`, `expired` or `withdrawn`.
    pub state: String,
    /// `approved` or `rejected`.
    pub decision: Option<String>,
    /// What the decider wrote.
    pub comment: Option<String>,
    /// When it was put there.
    pub opened_at: Time,
    /// Until when it can be decided.
    pub expires_at: Time,
    /// Who may decide, and how many have to agree: `{quorum, approvers, escalateTo, fourEyes}`; one of all who may
    /// where it is null.
    #[schema(value_type = Option<Object>)]
    pub terms: Option<sf_actions::rules::Terms>,
}

impl From<Approval> for ApprovalView {
    fn from(approval: Approval) -> Self {
        let diff = approval.diff.0;
        let text =
            |pointer: &str| diff.pointer(pointer).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
        let about_step = approval.step.is_some();
        Self {
            id: approval.id.uuid(),
            run_id: approval.run.map_or(approval.subject, |run| run.uuid()),
            step: approval.step.map(|step| step.to_string()),
            hash: approval.hash,
            action: if about_step { "workflow.run".to_owned() } else { text("/action/action") },
            because: if about_step { text("/message") } else { text("/because") },
            state: approval.state.word().to_owned(),
            decision: approval.decision.map(|decision| decision.word().to_owned()),
            comment: approval.comment,
            opened_at: Time(approval.opened_at),
            expires_at: Time(approval.expires_at),
            terms: approval.terms.map(|terms| terms.0),
            diff,
        }
    }
}
