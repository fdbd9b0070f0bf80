//! Runs: what was asked, what happened, and the proof of it.

pub mod cause;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sf_actions::{ActorKind, Decision};
use sf_engine::Run;
use sf_protocol::{Guard, Outcome, Signed};
use sf_store::timeline::Moment;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{FaultView, Time, word};

/// The durable record of one action.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Run)]
pub struct RunView {
    /// Its id.
    pub id: Uuid,
    /// The action's name: `app.deploy`.
    pub action: String,
    /// Its arguments.
    pub args: serde_json::Value,
    /// For people: "Deploy an app".
    pub title: String,
    /// `waiting`, `ready`, `sent`, `working`, `checking` or `done`.
    pub state: String,
    /// How it ended: `succeeded`, `failed`, `rolledBack`, `denied`, `rejected`, `expired` or `cancelled`.
    pub done: Option<String>,
    /// Its machine is silent: what is true there is not known at the moment.
    pub stale: bool,
    /// The last step reported.
    pub step: Option<String>,
    /// Why it ended other than well.
    pub fault: Option<FaultView>,
    /// Who asked.
    pub actor: ActorView,
    /// Through which request.
    pub request_id: Uuid,
    /// Which machine works on it.
    pub node_id: Option<Uuid>,
    /// Which app it changes.
    pub app_id: Option<Uuid>,
    /// The server of the panel it is about.
    pub server_id: Option<Uuid>,
    /// What the workflow is called that it is about.
    pub workflow_name: Option<String>,
    /// The workflow's run whose step has proposed it.
    pub parent_run_id: Option<Uuid>,
    /// Which step that was.
    pub parent_step: Option<String>,
    /// What policy answered, with everything it looked at.
    #[schema(value_type = Object)]
    pub policy: Decision,
    /// Facts the decision depends on.
    #[schema(value_type = Object)]
    pub guard: Guard,
    /// When it was proposed.
    pub opened_at: Time,
    /// When it last changed.
    pub updated_at: Time,
    /// When it ended.
    pub closed_at: Option<Time>,
    /// When it expires, while it waits.
    pub expires_at: Time,
    /// A decision is held until then, and can be taken back.
    pub held_until: Option<Time>,
    /// The node's word on it.
    pub outcome: Option<OutcomeView>,
}

/// Who asked.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Actor)]
pub struct ActorView {
    /// `person`, `token`, `ai`, `workflow`, `trigger` or `system`.
    pub kind: String,
    /// The person behind it.
    pub user_id: Option<Uuid>,
    /// What they are called.
    pub name: Option<String>,
    /// The AI agent that acts for them, by its token; also where a workflow does what an agent started.
    pub agent_id: Option<Uuid>,
    /// What it is called.
    pub agent_name: Option<String>,
}

/// A node's word on one command.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Outcome)]
pub struct OutcomeView {
    /// How it ended.
    pub verdict: String,
    /// Why, unless it succeeded.
    pub fault: Option<FaultView>,
    /// What is true now.
    #[schema(value_type = Object)]
    pub facts: sf_protocol::outcome::Facts,
    /// When work began.
    pub started_at: Time,
    /// When it ended.
    pub finished_at: Time,
}

/// A run that waits for a person or a machine.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RunOpened {
    /// The run; follow it by `run:<id>`.
    pub run: RunView,
}

/// Something that happened to a run.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Moment)]
pub struct MomentView {
    /// When.
    pub at: Time,
    /// `proposed`, `policy`, `approval`, `signed`, `sent`, `accepted`, `step`, `outcome` or `closed`.
    pub kind: String,
    /// Which step.
    pub step: Option<String>,
    /// What became of the step: `started`, `done`, `skipped` or `failed`.
    pub state: Option<String>,
    /// For people, one line.
    pub note: String,
}

/// A signed order with all that is needed to check it: nothing here has to be believed.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SignedCommand)]
pub struct CommandView {
    /// The command.
    pub command_id: Uuid,
    /// What the signature covers besides the payload.
    pub label: String,
    /// The exact bytes under the signature, base64.
    pub payload: String,
    /// Ed25519, base64.
    pub signature: String,
    /// Name of the control plane's key.
    pub key_id: String,
    /// The control plane's key, base64.
    pub public_key: String,
    /// The root's word on that key.
    pub delegation: SignedView,
    /// The root key, base64; null where the root is kept offline.
    pub root_public_key: Option<String>,
    /// What agents pin.
    pub root_fingerprint: String,
    /// The node's signed receipt.
    pub ack: Option<SignedView>,
    /// The node's signed result.
    pub result: Option<SignedView>,
    /// The node's key, base64.
    pub node_public_key: String,
}

/// Signed bytes.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Signed)]
pub struct SignedView {
    /// The exact bytes, base64.
    pub payload: String,
    /// Ed25519, base64.
    pub signature: String,
    /// Name of the key.
    pub key_id: String,
}

/// Base64 of bytes.
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

impl From<&Signed> for SignedView {
    fn from(signed: &Signed) -> Self {
        Self {
            payload: base64(&signed.payload),
            signature: base64(&signed.signature),
            key_id: signed.key_id.to_string(),
        }
    }
}

impl RunView {
    /// A run with its outcome and who asked for it.
    pub fn of(run: Run, outcome: Option<Outcome>, actor: ActorView) -> Self {
        let (state, done) = run.state.words();
        let spec = run.action.spec();
        let written = run.action.shown();
        Self {
            id: run.id.uuid(),
            action: spec.name.to_owned(),
            args: written.get("args").cloned().unwrap_or_default(),
            title: spec.title.to_owned(),
            state: state.to_owned(),
            done: done.map(str::to_owned),
            stale: run.stale,
            step: run.step.map(|step| word(&step)),
            fault: run.fault.map(FaultView::from),
            actor,
            request_id: run.request.uuid(),
            node_id: run.node.map(|node| node.uuid()),
            app_id: run.app.map(|app| app.uuid()),
            server_id: run.server.map(|server| server.uuid()),
            workflow_name: None,
            parent_run_id: run.parent.as_ref().map(|parent| parent.run.uuid()),
            parent_step: run.parent.map(|parent| parent.step.to_string()),
            policy: run.decision,
            guard: run.guard,
            opened_at: Time(run.opened_at),
            updated_at: Time(run.updated_at),
            closed_at: run.closed_at.map(Time),
            expires_at: Time(run.expires_at),
            held_until: run.held_until.map(Time),
            outcome: outcome.map(OutcomeView::from),
        }
    }
}

impl ActorView {
    pub(crate) fn of(actor: ActorKind, name: Option<String>) -> Self {
        let (kind, user) = match actor {
            ActorKind::Person { user, .. } => ("person", Some(user)),
            ActorKind::Token { user, .. } => ("token", Some(user)),
            ActorKind::Ai { user, .. } => ("ai", Some(user)),
            ActorKind::Workflow { user, .. } => ("workflow", Some(user)),
            ActorKind::Trigger { user, .. } => ("trigger", Some(user)),
            ActorKind::System => ("system", None),
        };
        let agent_id = actor.agent().map(|agent| agent.uuid());
        Self { kind: kind.to_owned(), user_id: user.map(|user| user.uuid()), name, agent_id, agent_name: None }
    }
}

impl From<Outcome> for OutcomeView {
    fn from(outcome: Outcome) -> Self {
        Self {
            verdict: word(&outcome.verdict),
            fault: outcome.fault.map(FaultView::from),
            facts: outcome.facts,
            started_at: Time(outcome.started_at),
            finished_at: Time(outcome.finished_at),
        }
    }
}

impl From<Moment> for MomentView {
    fn from(moment: Moment) -> Self {
        Self {
            at: Time(moment.at),
            kind: moment.kind.word().to_owned(),
            step: moment.step.map(|step| word(&step)),
            state: moment.state.map(|state| word(&state)),
            note: moment.note,
        }
    }
}
