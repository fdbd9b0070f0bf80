//! Cards before people: put there with the terms that hold at their place, made anew when what they show changes,
//! pressing after a while.

use std::sync::Arc;
use std::time::Duration;

use sf_actions::admission::Proposer;
use sf_actions::rules::Terms;
use sf_engine::notify::Kind;
use sf_engine::step::Timer;
use sf_engine::{Effect, Input, Run, RunState};
use sf_protocol::Guard;
use sf_store::approvals::{self, Approval, ApprovalState};
use sf_store::events::NewEvent;
use sf_store::secrets::SecretRow;
use sf_store::{Json, Look, Tx, apps, outbox, runs};
use sf_types::{AppId, ApprovalId, ProjectId, RunId, TenantId, Timestamp};
use sha2::{Digest, Sha256};

use super::routing;
use crate::control::Core;
use crate::notify::notice;
use crate::transition::{self, After};
use crate::{delivery, events, moments, timers};

/// The timer of a card that becomes pressing.
pub(crate) const ESCALATE: &str = "escalate";
/// Rules about steps of workflows that ask are found under this name.
pub(crate) const STEP_ACTION: &str = "workflow.run";

/// What a run asks of people: fixed before its row is written, since it says until when it waits.
pub(crate) struct Asking {
    terms: Terms,
    escalates: Option<Duration>,
}

/// Looks up who decides about a run that is about to wait, and lets it wait as long as the rules say.
pub(crate) async fn ask(
    tx: &Tx,
    core: &Core,
    run: &mut Run,
    effects: &mut [Effect],
) -> sf_store::Result<Option<Asking>> {
    if !effects.contains(&Effect::AskHuman) {
        return Ok(None);
    }
    let routing = routing::at(core, tx, run.tenant, run.project).await?;
    let (mut terms, expires, escalates) = routing.terms(run.action.spec().name);
    // What a person asks for is held back only where somebody else has to look.
    terms.four_eyes |= run.decision.inputs.proposer == Proposer::Person;
    if let Some(expires) = expires {
        run.expires_at = run.expires_at.min(tx.now().plus(expires));
        for effect in effects {
            if let Effect::Arm(Timer::Expire, at) = effect {
                *at = run.expires_at;
            }
        }
    }
    Ok(Some(Asking { terms, escalates }))
}

/// Puts the card of a waiting run before people; one that is there is of other facts, and is taken back.
pub(crate) async fn open(tx: &mut Tx, run: &Run, asking: Asking, after: &mut After) -> sf_store::Result<()> {
    approvals::end(tx, run.id, ApprovalState::Withdrawn).await?;
    let approval = card(tx, run, asking.terms);
    approvals::open(tx, &approval).await?;
    notice::asked(tx, run, approval.id, Kind::Approval, after);
    if let Some(escalates) = asking.escalates {
        arm_escalation(tx, approval.id, tx.now().plus(escalates), after);
    }
    publish(tx, (run.tenant, run.project, run.id), Some(approval.id), "open");
    Ok(())
}

fn arm_escalation(tx: &mut Tx, approval: ApprovalId, at: Timestamp, after: &mut After) {
    outbox::push(tx, timers::LANE, ESCALATE, serde_json::json!({ "approval": approval }), at);
    after.arm(at);
}

/// A card's time without a decision has been long: it is pressing now, if it still waits.
pub(crate) async fn escalate(tx: &mut Tx, id: ApprovalId, after: &mut After) -> sf_store::Result<()> {
    let approval = match approvals::get(tx, id).await {
        Err(sf_store::StoreError::NotFound(_)) => return Ok(()),
        approval => approval?,
    };
    let Some(run) = approval.run.filter(|_| approval.state == ApprovalState::Open) else { return Ok(()) };
    approvals::escalate(tx, id);
    let asking = runs::get(tx, run).await?;
    notice::asked(tx, &asking, id, Kind::Escalated, after);
    publish(tx, (approval.tenant, approval.project, run), Some(id), "escalated");
    Ok(())
}

/// The terms of a card about a step of a workflow.
pub(crate) async fn of_step(tx: &Tx, core: &Core, tenant: TenantId, project: ProjectId) -> sf_store::Result<Terms> {
    Ok(routing::at(core, tx, tenant, Some(project)).await?.terms(STEP_ACTION).0)
}

/// Tells those who look at cards.
pub(crate) fn publish(
    tx: &mut Tx,
    (tenant, project, run): (TenantId, Option<ProjectId>, RunId),
    id: Option<ApprovalId>,
    state: &str,
) {
    tx.publish(NewEvent {
        tenant: Some(tenant),
        project,
        topics: vec![events::run_topic(run), "approvals".to_owned()],
        name: events::APPROVAL_UPDATE.to_owned(),
        data: serde_json::json!({ "id": id, "runId": run, "state": state }).to_string().into(),
    });
}

/// What stands behind cards has changed for an app: those that show it are put before people anew, with what is there
/// now. Nobody can agree to what is not true any more.
pub(crate) async fn refresh(tx: &mut Tx, core: &Arc<Core>, app: AppId, after: &mut After) -> sf_store::Result<()> {
    for run in runs::open_for_app(tx, app).await? {
        if run.state != RunState::Waiting {
            continue;
        }
        let fresh = guard_of(tx, &run, app).await?;
        if fresh != run.guard {
            let said = moments::note(tx.now(), "what it was shown with has changed: it is decided anew");
            let run = Run { guard: fresh, ..run };
            Box::pin(transition::advance(tx, core, run, Input::Changed, [said], after)).await?;
        }
    }
    Ok(())
}

/// The same for all apps that use a secret, or whose processes still hold it.
pub(crate) async fn refresh_users(
    tx: &mut Tx,
    core: &Arc<Core>,
    secret: &SecretRow,
    after: &mut After,
) -> sf_store::Result<()> {
    for app in runs::waiting_apps(tx, secret.project).await? {
        let Ok(row) = apps::get(tx, app).await else { continue };
        let named = row.settings.0.all_secrets().contains(&&secret.name);
        let held = apps::applied_of(tx, app).await?;
        if named || held.is_some_and(|spec| spec.secrets.iter().any(|var| var.secret == secret.id)) {
            refresh(tx, core, app, after).await?;
        }
    }
    Ok(())
}

/// What a person would agree to now.
pub(crate) async fn guard_of(tx: &Tx, run: &Run, app: AppId) -> sf_store::Result<Guard> {
    let row = match apps::get(tx, app).await {
        Err(sf_store::StoreError::NotFound(_)) => return Ok(run.guard.clone()),
        row => row?,
    };
    let mut guard = run.guard.clone();
    guard.live_release = row.live_release;
    if let Ok(secrets) = delivery::foreseen(tx, &run.action, &row).await? {
        guard.secrets = delivery::guarded(&secrets);
    }
    Ok(guard)
}

/// The card for a waiting run: bound by its hash to exactly what is shown.
fn card(tx: &Tx, run: &Run, terms: Terms) -> Approval {
    let diff = serde_json::json!({ "action": run.action.shown(), "guard": run.guard, "because": run.decision.because });
    Approval {
        id: tx.new_id(),
        tenant: run.tenant,
        project: run.project,
        subject_kind: approvals::RUN.to_owned(),
        subject: run.id.uuid(),
        hash: hash(run),
        guard: Json(serde_json::json!(run.guard)),
        diff: Json(diff),
        state: ApprovalState::Open,
        decision: None,
        decided_by: None,
        comment: None,
        opened_at: tx.now(),
        expires_at: run.expires_at,
        decided_at: None,
        run: Some(run.id),
        step: None,
        escalated_at: None,
        terms: Some(Json(terms)),
        held_until: None,
    }
}

/// Hash of actor, action, arguments, guard and round: a decision about anything else is refused.
fn hash(run: &Run) -> String {
    let shown = serde_json::json!([run.id, run.version, run.actor, run.action, run.guard]);
    let digest = Sha256::digest(shown.to_string().as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
