//! Idempotency keys of proposals: the run and its key are bound in one transaction, so that a process that dies
//! between COMMIT and the answer leaves nothing that a repetition would do again.

use serde::{Deserialize, Serialize};
use sf_actions::Actor;
use sf_engine::{Done, Run, RunState};
use sf_store::{Reader, StoreError, Tx, idempotency, runs};
use sf_types::{
    AlertRuleId, AltId, AppId, CtrlId, ErrorKind, Fault, NodeId, ProjectId, RoleId, RunId, SecretId, ServerId,
    TenantId, UserId, WorkflowId,
};

use crate::control::Control;
use crate::proposal::{Made, Proposed};

/// Code of the fault when another run carries the keyed request out.
pub(crate) const CLAIMED: &str = "idempotency.running";

/// A key as its proposer began it.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    principal: String,
    text: String,
}

impl Key {
    pub(crate) fn of(actor: &Actor, text: String) -> Self {
        Self { principal: principal(actor), text }
    }
}

/// Whose keys they are: two people's equal keys are two keys, whichever of their credentials they use. An AI agent's are
/// its own, so that it is never given the answer to what its person asked for.
pub fn principal(actor: &Actor) -> String {
    if let Some(agent) = actor.kind.agent() {
        return agent.to_string();
    }
    actor.user().map_or_else(|| "system".to_owned(), |user| user.to_string())
}

/// What tells one request from another: method, path with query and body. A body may hold a secret, and this is stored.
pub fn request_hash(control: &Control, parts: &[&[u8]]) -> [u8; 32] {
    control.core().keys.master.fingerprint("idempotency", parts)
}

/// The key under which the edge for AI hosts seals what a host has to bring back: the same on every control plane over
/// this database.
pub fn seal_key(control: &Control) -> [u8; 32] {
    control.core().keys.master.fingerprint("mcp sealed state", &[])
}

/// Takes `name` for this caller, once: whether nobody had. For a day, on every control plane over this database.
///
/// # Errors
/// An actor of no tenant; when the database fails.
pub async fn once(control: &Control, actor: &Actor, name: &str) -> Result<bool, Fault> {
    let (principal, key) = (principal(actor), format!("once:{name}"));
    let hash = request_hash(control, &[key.as_bytes()]);
    let taken = control.store().write(actor.scope(), move |tx| {
        Box::pin(async move {
            let begun = idempotency::begin(tx, &principal, &key, &hash).await?;
            if begun == idempotency::Begin::New {
                idempotency::finish(tx, &principal, &key, serde_json::Value::Bool(true)).await?;
            }
            Ok(begun == idempotency::Begin::New)
        })
    });
    Ok(taken.await?)
}

/// The same request is being carried out, and nothing of it can be shown yet.
pub fn running() -> Fault {
    let fault = Fault::new(ErrorKind::Conflict, CLAIMED, "The same request is being carried out right now.");
    fault.fix("Wait a moment and ask again with the same key.")
}

/// What a request made was a secret, and secrets are shown once.
pub fn shown_once() -> Fault {
    let message = "This was done, and its secret was shown once.";
    let fault = Fault::new(ErrorKind::Conflict, "idempotency.once", message);
    fault.fix("Revoke what was made and make another with a new key.")
}

/// What stands with a key until its answer is kept. Stored: names stay as they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "made", content = "id", rename_all = "camelCase")]
enum Claim {
    /// It waits for a person or a machine.
    Open,
    /// It is done, and there is nothing to tell.
    Nothing,
    /// It is done, and told a secret.
    Once,
    Node(NodeId),
    App(AppId),
    Secret(SecretId),
    Run(RunId),
    Role(RoleId),
    User(UserId),
    Project(ProjectId),
    Workflow(WorkflowId),
    Policy(Option<ProjectId>),
    Team(TenantId),
    Ctrl(CtrlId),
    Alt(AltId),
    AlertRule(AlertRuleId),
    Server(ServerId),
}

impl Claim {
    fn of(run: &Run, made: &Made) -> Self {
        match made {
            _ if !run.is_done() || run.fault.is_some() => Self::Open,
            Made::Nothing => Self::Nothing,
            Made::Node(node) => Self::Node(*node),
            Made::App(app) => Self::App(*app),
            Made::Secret(secret) => Self::Secret(*secret),
            Made::Run(run) => Self::Run(*run),
            Made::Role(role) => Self::Role(*role),
            Made::User(user) => Self::User(*user),
            Made::Project(project) => Self::Project(*project),
            Made::Workflow(workflow) => Self::Workflow(*workflow),
            Made::Policy(project) => Self::Policy(*project),
            Made::Ctrl(ctrl) => Self::Ctrl(*ctrl),
            Made::Alt(alt) => Self::Alt(*alt),
            Made::AlertRule(rule) => Self::AlertRule(*rule),
            Made::Server(server) => Self::Server(*server),
            Made::Team { id, link: None, .. } => Self::Team(*id),
            Made::Invitation(_) | Made::Token { .. } | Made::Hook { .. } => Self::Once,
            Made::Invited { .. } | Made::Team { .. } => Self::Once,
        }
    }
}

/// Binds the key to the run that was opened for it. A denial is no outcome worth keeping: it may be tried again.
pub(crate) async fn claim(tx: &mut Tx, key: Option<&Key>, run: &Run, made: &Made) -> sf_store::Result<()> {
    let Some(key) = key.filter(|_| run.state != RunState::Done(Done::Denied)) else { return Ok(()) };
    let claim = serde_json::to_value(Claim::of(run, made)).expect("a word and an id");
    match idempotency::claim(tx, &key.principal, &key.text, run.id, claim).await {
        Err(StoreError::Stale(_)) => Err(running().into()),
        claimed => claimed,
    }
}

/// What an earlier request with this key has done.
pub(crate) async fn carried_out(reader: &Reader, key: Option<&Key>) -> Result<Option<Proposed>, Fault> {
    let Some(key) = key else { return Ok(None) };
    let Some((run, claim)) = idempotency::claimed(reader, &key.principal, &key.text).await? else { return Ok(None) };
    let run = Box::new(runs::get(reader, run).await?);
    // What a newer version wrote: the run says enough.
    let claim = serde_json::from_value(claim).unwrap_or(Claim::Open);
    Ok(Some(match claim {
        Claim::Open => Proposed::Open(run),
        Claim::Once => return Err(shown_once()),
        Claim::Nothing => Proposed::Done(run, Made::Nothing),
        Claim::Node(node) => Proposed::Done(run, Made::Node(node)),
        Claim::App(app) => Proposed::Done(run, Made::App(app)),
        Claim::Secret(secret) => Proposed::Done(run, Made::Secret(secret)),
        Claim::Run(changed) => Proposed::Done(run, Made::Run(changed)),
        Claim::Role(role) => Proposed::Done(run, Made::Role(role)),
        Claim::User(user) => Proposed::Done(run, Made::User(user)),
        Claim::Project(project) => Proposed::Done(run, Made::Project(project)),
        Claim::Workflow(workflow) => Proposed::Done(run, Made::Workflow(workflow)),
        Claim::Policy(project) => Proposed::Done(run, Made::Policy(project)),
        Claim::Ctrl(ctrl) => Proposed::Done(run, Made::Ctrl(ctrl)),
        Claim::Alt(alt) => Proposed::Done(run, Made::Alt(alt)),
        Claim::AlertRule(rule) => Proposed::Done(run, Made::AlertRule(rule)),
        Claim::Server(server) => Proposed::Done(run, Made::Server(server)),
        Claim::Team(id) => Proposed::Done(run, Made::Team { id, link: None, mailed: false }),
    }))
}
