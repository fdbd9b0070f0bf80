//! What people are told of: raised in the transaction that makes it true.

use sf_actions::admission::Admission;
use sf_actions::{Permission, Place, Standing};
use sf_engine::notify::Kind;
use sf_engine::{Done, Run, RunState};
use sf_runtime::redact::Redactor;
use sf_store::{Look, Tx, outbox};
use sf_types::{AlertId, AppId, ApprovalId, NodeId, ProjectId, ScheduleId, ServerId, TenantId, Timestamp};

use super::{LANE, NOTICE};
use crate::approval::alerts::Trouble;
use crate::transition::After;

/// Something people are to be told. It names no secret and no argument, only what may be read in a chat.
#[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Notice {
    pub(crate) tenant: TenantId,
    pub(crate) kind: Kind,
    /// The card it is about, where it is about one: it is told only while that is open.
    pub(crate) approval: Option<ApprovalId>,
    /// What is wrong, where something is: it is told only while it is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) alert: Option<Trouble>,
    /// Which silence of its machine it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) silent_since: Option<Timestamp>,
    /// The schedule that goes wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) schedule: Option<ScheduleId>,
    /// The alert of the server that crossed a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) crossed: Option<AlertId>,
    /// What, one line; that of its card where empty.
    pub(crate) title: String,
    /// Why.
    pub(crate) text: String,
    /// The page that shows it.
    pub(crate) path: String,
    /// Where it stands.
    pub(crate) project: Option<ProjectId>,
    pub(crate) node: Option<NodeId>,
    pub(crate) app: Option<AppId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) server: Option<ServerId>,
    /// What somebody must be allowed there to be told.
    pub(crate) right: Permission,
    pub(crate) at: Timestamp,
}

impl Notice {
    pub(super) const fn standing(&self) -> Standing {
        Standing { project: self.project, node: self.node, app: self.app, server: self.server }
    }
}

/// Has people told of something, if this write is stored.
pub(crate) fn raise(tx: &mut Tx, notice: &Notice, after: &mut After) {
    let now = tx.now();
    raise_at(tx, notice, now, after);
}

/// The same, not before `then`.
pub(crate) fn raise_at(tx: &mut Tx, notice: &Notice, then: Timestamp, after: &mut After) {
    let redactor = Redactor::default();
    let shown = |text: &str| redactor.redact(text).into_owned();
    let notice = Notice { title: shown(&notice.title), text: shown(&notice.text), ..notice.clone() };
    let payload = serde_json::to_value(&notice).expect("texts, ids and times");
    outbox::push(tx, LANE, NOTICE, payload, then);
    after.noticed = true;
}

/// A run waits for a person (`Kind::Approval`), or has for long (`Kind::Escalated`).
pub(crate) fn asked(tx: &mut Tx, run: &Run, approval: ApprovalId, kind: Kind, after: &mut After) {
    let text = run.decision.because.clone();
    let notice = Notice { approval: Some(approval), ..of_run(run, kind, text, tx.now()) };
    raise(tx, &Notice { path: inbox(approval), right: Permission::ApprovalDecide, ..notice }, after);
}

/// A step of a workflow put a card before people, or its card has become pressing.
pub(crate) fn carded(
    tx: &mut Tx,
    (tenant, project): (TenantId, ProjectId),
    approval: ApprovalId,
    kind: Kind,
    after: &mut After,
) {
    let notice = Notice {
        tenant,
        kind,
        approval: Some(approval),
        alert: None,
        silent_since: None,
        schedule: None,
        crossed: None,
        title: String::new(),
        text: String::new(),
        path: inbox(approval),
        project: Some(project),
        node: None,
        app: None,
        server: None,
        right: Permission::ApprovalDecide,
        at: tx.now(),
    };
    raise(tx, &notice, after);
}

/// A run has ended: people are told of what failed, what went by itself, and what is to be looked at. What a workflow's
/// step began is told by the workflow's own end.
pub(crate) fn closed(tx: &mut Tx, run: &Run, after: &mut After) {
    let RunState::Done(done) = run.state else { return };
    let (kind, text) = match done {
        Done::Failed | Done::RolledBack if run.parent.is_none() => (Kind::Failed, why(run, done)),
        Done::Succeeded if run.decision.sampled => (Kind::Review, run.decision.because.clone()),
        Done::Succeeded if run.decision.admission == Admission::AutoNotify => {
            (Kind::Automatic, run.decision.because.clone())
        }
        _ => return,
    };
    raise(tx, &of_run(run, kind, text, tx.now()), after);
}

fn why(run: &Run, done: Done) -> String {
    let fault = run.fault.as_ref().map(ToString::to_string);
    match (done, fault) {
        (Done::RolledBack, fault) => {
            format!("It was taken back: what was there before is live. {}", fault.unwrap_or_default())
        }
        (_, fault) => fault.unwrap_or_default(),
    }
}

fn of_run(run: &Run, kind: Kind, text: String, at: Timestamp) -> Notice {
    let spec = run.action.spec();
    let right = match (spec.place, run.server) {
        (Place::Engine, _) => Permission::WorkflowView,
        (_, Some(_)) => Permission::ServerView,
        _ => Permission::AppView,
    };
    Notice {
        tenant: run.tenant,
        kind,
        approval: None,
        alert: None,
        silent_since: None,
        schedule: None,
        crossed: None,
        title: spec.title.to_owned(),
        text,
        path: format!("/runs/{}", run.id),
        project: run.project,
        node: run.node,
        app: run.app,
        server: run.server,
        right,
        at,
    }
}

fn inbox(approval: ApprovalId) -> String {
    format!("/inbox/{approval}")
}
