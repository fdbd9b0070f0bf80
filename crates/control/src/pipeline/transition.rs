//! One step of a run: the pure step, its row, its timeline, its audit line and its effects, in one transaction.

use std::sync::Arc;

use sf_actions::ActorKind;
use sf_engine::step::Timer;
use sf_engine::{Effect, Input, Run, RunState};
use sf_protocol::Verdict;
use sf_store::audit::Entry;
use sf_store::events::NewEvent;
use sf_store::timeline::{self, Moment};
use sf_store::{Tx, approvals, apps, outbox, runs};
use sf_types::{CommandId, DeviceCodeId, Fault, NodeId, RunId};

use crate::control::Core;
use crate::dispatch::{self, Delivery};
use crate::{events, moments};

/// What left the transaction: sent after COMMIT.
#[derive(Debug, Default)]
pub(crate) struct After {
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) admitted: Vec<(DeviceCodeId, NodeId)>,
    /// A timer was written: the lane looks when it is due.
    pub(crate) armed: bool,
    /// Nodes whose connection ends with this.
    pub(crate) cut: Vec<(NodeId, Fault)>,
    /// Runs whose node is back: its journal is asked about them.
    pub(crate) questioned: Vec<(RunId, Option<NodeId>, Option<CommandId>)>,
}

/// Applies `input` to a stored run. `None` when it changes nothing.
pub(crate) async fn advance(
    tx: &mut Tx,
    core: &Arc<Core>,
    run: RunId,
    input: Input,
    moment: Moment,
    after: &mut After,
) -> sf_store::Result<Option<Run>> {
    let outcome = match &input {
        Input::Outcome(outcome) => Some(outcome.as_ref().clone()),
        _ => None,
    };
    let before = runs::get(tx, run).await?;
    let now = sf_store::Look::now(tx);
    let Ok((mut next, effects)) = sf_engine::step(before, input, now) else { return Ok(None) };
    if outcome.as_ref().is_some_and(|outcome| outcome.verdict == Verdict::GuardMoved)
        && let Some(app) = next.app
    {
        // People decide anew, on what is there now.
        next.guard.live_release = apps::get(tx, app).await?.live_release;
    }
    let moments: Vec<_> = std::iter::once(moment).chain(moments::closed(&next)).collect();
    timeline::append(tx, run, &moments).await?;
    Box::pin(record(tx, core, &mut next, &effects, after)).await?;
    runs::update(tx, &next, outcome.as_ref()).await?;
    Ok(Some(next))
}

/// Writes down what a step asks for. `run` may gain a command on the way.
pub(crate) async fn record(
    tx: &mut Tx,
    core: &Arc<Core>,
    run: &mut Run,
    effects: &[Effect],
    after: &mut After,
) -> sf_store::Result<()> {
    for effect in effects {
        match effect {
            Effect::Dispatch => dispatch::order(tx, core, run, after).await?,
            Effect::DispatchCancel => dispatch::cancel(tx, core, run, after).await?,
            Effect::AskJournal => after.questioned.push((run.id, run.node, run.command)),
            Effect::AskHuman => ask(tx, run).await?,
            Effect::Arm(timer, at) => {
                let kind = match timer {
                    Timer::Hold => "hold",
                    Timer::Expire => "expire",
                };
                let payload = serde_json::json!({ "run": run.id });
                outbox::push(tx, crate::timers::LANE, kind, payload, *at).await?;
                // Expiries are hours away: the lane finds them by itself.
                after.armed |= *timer == Timer::Hold;
            }
            Effect::Publish => {}
        }
    }
    if run.is_done() {
        approvals::end(tx, run.id, approvals::ApprovalState::Withdrawn).await?;
        tx.audit(closing(run));
    }
    publish(tx, run);
    Ok(())
}

async fn ask(tx: &mut Tx, run: &Run) -> sf_store::Result<()> {
    let approval = crate::admission::approval(tx, run);
    approvals::open(tx, &approval).await?;
    tx.publish(NewEvent {
        tenant: Some(run.tenant),
        project: run.project,
        topics: vec![events::run_topic(run.id), "approvals".to_owned()],
        name: events::APPROVAL_UPDATE.to_owned(),
        data: serde_json::json!({ "runId": run.id, "state": "open" }).to_string().into(),
    });
    Ok(())
}

/// Tells those who follow the run, its app and the list of runs.
pub(crate) fn publish(tx: &mut Tx, run: &Run) {
    let (state, done) = run.state.words();
    let mut topics = vec![events::run_topic(run.id), "runs".to_owned()];
    topics.extend(run.app.map(events::app_topic));
    tx.publish(NewEvent {
        tenant: Some(run.tenant),
        project: run.project,
        topics,
        name: events::RUN_UPDATE.to_owned(),
        data: serde_json::json!({
            "id": run.id, "action": run.action.spec().name, "state": state, "done": done, "stale": run.stale,
            "step": run.step, "fault": run.fault, "appId": run.app, "nodeId": run.node, "version": run.version,
        })
        .to_string()
        .into(),
    });
}

/// The audit line of a proposal.
pub(crate) fn opening(run: &Run) -> Entry {
    entry(run, "proposed")
}

fn closing(run: &Run) -> Entry {
    let (state, done) = run.state.words();
    entry(run, done.unwrap_or(state))
}

fn entry(run: &Run, outcome: &str) -> Entry {
    let (target_kind, target_id) = runs::target(run.action.target());
    let (actor_kind, actor_ref) = actor_words(run.actor);
    Entry {
        tenant: Some(run.tenant),
        project: run.project,
        actor_kind: actor_kind.to_owned(),
        actor_ref,
        action: run.action.spec().name.to_owned(),
        target_kind: target_kind.to_owned(),
        target_id,
        run: Some(run.id),
        request: Some(run.request),
        outcome: outcome.to_owned(),
        fields: fields(run),
        personal: Vec::new(),
    }
}

/// Only allow-listed, structured facts: nothing a person typed.
fn fields(run: &Run) -> Vec<(&'static str, String)> {
    let mut fields = vec![("because", run.decision.because.clone())];
    fields.extend(run.command.map(|command| ("command", command.to_string())));
    fields.extend(run.fault.as_ref().map(|fault| ("fault", fault.code.clone())));
    if run.state == RunState::Waiting {
        fields.push(("waits", "person".to_owned()));
    }
    fields
}

/// An actor as two columns: a kind and a pseudonym.
pub(crate) fn actor_words(actor: ActorKind) -> (&'static str, String) {
    match actor {
        ActorKind::Person { user, .. } => ("person", user.to_string()),
        ActorKind::Token { user, .. } => ("token", user.to_string()),
        ActorKind::Ai { user } => ("ai", user.to_string()),
        ActorKind::System => ("system", String::new()),
    }
}

/// Adds to a run's timeline what changes nothing else, and tells those who follow it.
pub(crate) async fn note(tx: &mut Tx, run: RunId, moment: Moment) -> sf_store::Result<()> {
    timeline::append(tx, run, &[moment]).await?;
    let run = runs::get(tx, run).await?;
    publish(tx, &run);
    Ok(())
}
