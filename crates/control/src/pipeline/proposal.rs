//! What an edge hands in and gets back: a proposal, and what became of it.

use serde::Serialize;
use sf_actions::{Action, Decision};
use sf_engine::Run;
use sf_protocol::Guard;
use sf_store::workflows::{Firing, Trigger};
use sf_types::{ErrorKind, Fault, Secret, Timestamp};

/// An action plus how sure the proposer is and how it wants to be treated.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// What.
    pub action: Action,
    /// Confidence as reported, 0-100; anything else asks.
    pub confidence: Option<f64>,
    /// Only say what would happen.
    pub dry_run: bool,
    /// The key under which its edge has begun the request: it is carried out once, whatever ends the process.
    pub key: Option<String>,
    /// The step of a workflow that proposes it.
    pub parent: Option<sf_engine::Parent>,
    /// The trigger that proposes it, as it stood, and what becomes of it: recorded with the run or not at all.
    pub firing: Option<Box<(Trigger, Firing)>>,
    /// What waits and is edited: it is refused with this one's opening. Its card is named by the hash that was shown.
    pub replaces: Option<(sf_types::RunId, String)>,
    /// The push that proposes it: kept with the run or not at all.
    pub pushing: Option<Box<crate::hooks::Pushing>>,
    /// The value of a secret, beside the action that gives it. It is sealed before anything is recorded.
    pub value: Option<Secret<String>>,
}

impl Proposal {
    /// A proposal without a self-report, to be carried out.
    pub const fn of(action: Action) -> Self {
        Self {
            action,
            confidence: None,
            dry_run: false,
            key: None,
            parent: None,
            firing: None,
            replaces: None,
            pushing: None,
            value: None,
        }
    }
}

/// What became of a proposal.
#[derive(Clone, Debug)]
pub enum Proposed {
    /// Dry run: nothing was recorded.
    Plan(Box<Plan>),
    /// Carried out in the control plane; the result is whole.
    Done(Box<Run>, Made),
    /// Waits for a person or a machine.
    Open(Box<Run>),
}

/// What would happen.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The action.
    pub action: Action,
    /// What policy would answer, and why.
    pub decision: Decision,
    /// What it would depend on.
    pub guard: Guard,
    /// What would happen, one line each.
    pub steps: Vec<String>,
    /// What would be lost; empty for changes that can be changed back.
    pub losses: Vec<String>,
    /// Why it would wait, where it would: the node is not connected.
    pub waits_for: Option<String>,
}

/// The lines of a plan by themselves: what would happen to what waits already.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lines {
    /// What would happen, one line each.
    pub steps: Vec<String>,
    /// What would be lost.
    pub losses: Vec<String>,
    /// What it would wait for besides people.
    pub waits_for: Option<String>,
}

/// What an action of the control plane made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    /// Nothing that needs telling.
    Nothing,
    /// A node came to be or changed.
    Node(sf_types::NodeId),
    /// An app came to be or changed.
    App(sf_types::AppId),
    /// A secret came to be or changed.
    Secret(sf_types::SecretId),
    /// The hook of an app came to be, or has another secret.
    Hook {
        /// Of which app.
        app: sf_types::AppId,
        /// Its secret: shown once.
        secret: String,
    },
    /// An enrolment token: shown once.
    Invitation(Invitation),
    /// A token: shown once.
    Token {
        /// Which.
        id: sf_types::TokenId,
        /// Its text.
        text: String,
        /// Until when.
        expires_at: Timestamp,
    },
    /// A person was asked to join.
    Invited {
        /// The invitation.
        id: sf_types::InvitationId,
        /// What opens it: shown once.
        link: String,
        /// Whether it is on its way by mail, too.
        mailed: bool,
    },
    /// A person changed.
    User(sf_types::UserId),
    /// Another run changed.
    Run(sf_types::RunId),
    /// A role came to be or changed.
    Role(sf_types::RoleId),
    /// A team came to be or changed.
    Team {
        /// Which.
        id: sf_types::TenantId,
        /// What its owner joins by, where somebody was asked: shown once.
        link: Option<String>,
        /// Whether it is on its way by mail, too.
        mailed: bool,
    },
    /// A project came to be, changed or went.
    Project(sf_types::ProjectId),
    /// A workflow came to be, changed or went.
    Workflow(sf_types::WorkflowId),
    /// Rules of a project, or of the team, changed.
    Policy(Option<sf_types::ProjectId>),
    /// A category of templates came to be or changed.
    Ctrl(sf_types::CtrlId),
    /// A template came to be or changed.
    Alt(sf_types::AltId),
    /// An alert rule came to be or changed.
    AlertRule(sf_types::AlertRuleId),
    /// A server of the panel came to be or changed.
    Server(sf_types::ServerId),
}

/// What an action made, as the step of a workflow sees it: ids, and never what is shown once.
pub(crate) fn told(made: &Made) -> serde_json::Value {
    use serde_json::json;
    match made {
        Made::Nothing | Made::Invitation(_) => serde_json::Value::Null,
        Made::Node(id) => json!({ "node": id }),
        Made::App(id) | Made::Hook { app: id, .. } => json!({ "app": id }),
        Made::Secret(id) => json!({ "secret": id }),
        Made::Token { id, .. } => json!({ "token": id }),
        Made::Invited { id, .. } => json!({ "invitation": id }),
        Made::User(id) => json!({ "user": id }),
        Made::Run(id) => json!({ "run": id }),
        Made::Role(id) => json!({ "role": id }),
        Made::Project(id) => json!({ "project": id }),
        Made::Workflow(id) => json!({ "workflow": id }),
        Made::Policy(project) => json!({ "project": project }),
        Made::Ctrl(id) => json!({ "ctrl": id }),
        Made::Alt(id) => json!({ "alt": id }),
        Made::AlertRule(id) => json!({ "rule": id }),
        Made::Server(id) => json!({ "server": id }),
        Made::Team { id, .. } => json!({ "team": id }),
    }
}

/// An enrolment token and all that its one line needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// The token's text.
    pub token: String,
    /// Until when.
    pub expires_at: Timestamp,
    /// The root's fingerprint.
    pub root: sf_protocol::KeyId,
}

/// A refusal of a value, as a fault.
pub fn refused(refused: &sf_actions::Refused) -> Fault {
    Fault::new(ErrorKind::Invalid, "value.refused", refused.to_string())
}
