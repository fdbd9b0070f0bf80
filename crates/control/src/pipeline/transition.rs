//! One step of a run: the pure step, its row, its timeline, its audit line and its effects, in one transaction.

use std::sync::Arc;

use sf_actions::{Action, ActorKind, Admission, Decision, Place};
use sf_engine::step::Timer;
use sf_engine::{Done, Effect, Input, Run, RunState};
use sf_protocol::{Guard, Verdict};
use sf_store::approvals::ApprovalState;
use sf_store::audit::Entry;
use sf_store::events::NewEvent;
use sf_store::timeline::{self, Moment};
use sf_store::{Look, Tx, approvals, outbox, runs};
use sf_types::{CommandId, DeviceCodeId, Fault, NodeId, RunId, ServerId, Timestamp};

use crate::approval::cards::{self, Asking};
use crate::approval::learn;
use crate::control::Core;
use crate::dispatch::{self, Delivery, Ordered, SignedOrder};
use crate::notify::notice;
use crate::pipeline::secrets;
use crate::proposal::Made;
use crate::{events, moments, perform, previews, workflow};

/// What left the transaction: sent after COMMIT.
#[derive(Default)]
pub(crate) struct After {
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) admitted: Vec<(DeviceCodeId, NodeId)>,
    /// Timers were written: when the first of them is due.
    pub(crate) armed: Option<Timestamp>,
    /// A letter was written: the lane of mail looks.
    pub(crate) posted: bool,
    /// People are to be told of something: the lane of notices looks.
    pub(crate) noticed: bool,
    /// Nodes whose connection ends with this.
    pub(crate) cut: Vec<(NodeId, Fault)>,
    /// Runs whose node is back: its journal is asked about them.
    pub(crate) questioned: Vec<(RunId, Option<NodeId>, Option<CommandId>)>,
    /// What the driver of workflows has to hear of.
    pub(crate) workflows: Vec<crate::workflow::Message>,
    /// Triggers of workflows are other ones now.
    pub(crate) triggers: bool,
    /// Rules of routing are other ones now.
    pub(crate) rules: bool,
    /// Nodes that know more than this control plane does: it was restored. They are asked before anything is ordered.
    pub(crate) learning: Vec<NodeId>,
}

impl After {
    /// The lane of timers is told that something is due then.
    pub(crate) fn arm(&mut self, at: Timestamp) {
        self.armed = Some(self.armed.map_or(at, |first| first.min(at)));
    }
}

/// Opens a run: its first state from policy's answer, its order where one can leave now, its row, timeline, audit line
/// and effects. What the control plane does itself is done within, and its answer given.
pub(crate) async fn open(tx: &mut Tx, core: &Arc<Core>, run: Run, after: &mut After) -> sf_store::Result<(Run, Made)> {
    let (mut run, mut effects) = sf_engine::open(run, tx.now());
    let asking = cards::ask(tx, core, &mut run, &mut effects).await?;
    let mut moments = moments::opened(&run).to_vec();
    let order = signed(tx, core, &mut run, &effects, &mut moments).await?;
    moments.extend(moments::closed(&run));
    runs::insert(tx, &run)?;
    timeline::append(tx, &run, &moments)?;
    tx.audit(entry(&run, "proposed"));
    let mut made = Made::Nothing;
    if run.action.spec().place == Place::ControlPlane && run.is_done() && run.fault.is_none() {
        made = Box::pin(perform::perform(tx, core, &run, after)).await?;
    }
    Box::pin(record(tx, core, &run, &effects, (order, asking), after)).await?;
    tell_made(tx, &run, &made, after).await?;
    learn::taken_back(tx, core, &run).await?;
    Ok((run, made))
}

/// Opens a run of what follows from another one, as the same principal and by the same decision: what somebody was let do
/// includes it.
pub(crate) async fn follow(
    tx: &mut Tx,
    core: &Arc<Core>,
    of: &Run,
    action: Action,
    (node, server): (NodeId, ServerId),
    after: &mut After,
) -> sf_store::Result<RunId> {
    let (id, now) = (tx.new_id(), tx.now());
    let run = Run {
        id,
        action,
        node: Some(node),
        app: None,
        server: Some(server),
        state: RunState::Waiting,
        stale: false,
        step: None,
        fault: None,
        decision: Decision { admission: Admission::Auto, ..of.decision.clone() },
        guard: Guard::default(),
        command: None,
        version: 0,
        opened_at: now,
        updated_at: now,
        closed_at: None,
        expires_at: now,
        held_until: None,
        parent: None,
        ..of.clone()
    };
    Box::pin(open(tx, core, run, after)).await?;
    Ok(id)
}

/// Applies `input` to a run as it is stored: the one way in which a run changes and ends. `None` when it changes
/// nothing.
pub(crate) async fn advance(
    tx: &mut Tx,
    core: &Arc<Core>,
    before: Run,
    input: Input,
    said: impl IntoIterator<Item = Moment>,
    after: &mut After,
) -> sf_store::Result<Option<Run>> {
    let outcome = match &input {
        Input::Outcome(outcome) => Some(outcome.as_ref().clone()),
        _ => None,
    };
    let (asked, held) = (before.state == RunState::Waiting, before.state == RunState::Ready);
    let Ok((mut next, mut effects)) = sf_engine::step(before, input, tx.now()) else { return Ok(None) };
    if outcome.as_ref().is_some_and(|outcome| outcome.verdict == Verdict::GuardMoved)
        && let Some(app) = next.app
    {
        // People decide anew, on what is there now.
        next.guard = cards::guard_of(tx, &next, app).await?;
    }
    let asking = cards::ask(tx, core, &mut next, &mut effects).await?;
    let mut moments: Vec<_> = said.into_iter().collect();
    let order = signed(tx, core, &mut next, &effects, &mut moments).await?;
    moments.extend(moments::closed(&next));
    runs::keep(tx, &next, outcome.as_ref());
    timeline::append(tx, &next, &moments)?;
    if asked && next.is_done() {
        let expired = next.state == RunState::Done(Done::Expired);
        let state = if expired { ApprovalState::Expired } else { ApprovalState::Withdrawn };
        approvals::end(tx, next.id, state).await?;
    }
    // What the control plane does itself was held back; its time has come.
    let carried_out = held && next.is_done() && next.fault.is_none() && next.action.spec().place == Place::ControlPlane;
    let made = match carried_out {
        true => Some(Box::pin(perform::perform(tx, core, &next, after)).await?),
        false => None,
    };
    Box::pin(record(tx, core, &next, &effects, (order, asking), after)).await?;
    if let Some(made) = made {
        tell_made(tx, &next, &made, after).await?;
    }
    Ok(Some(next))
}

/// Signs the order a step asks for, before the row that names its command is written. What cannot be planned ends the
/// run with this very change.
async fn signed(
    tx: &mut Tx,
    core: &Arc<Core>,
    run: &mut Run,
    effects: &[Effect],
    moments: &mut Vec<Moment>,
) -> sf_store::Result<Option<SignedOrder>> {
    if !effects.contains(&Effect::Dispatch) {
        return Ok(None);
    }
    match dispatch::order(tx, core, run).await? {
        Ordered::NotNow => Ok(None),
        Ordered::Signed(order) => {
            run.command = Some(order.id());
            moments.push(order.moment());
            Ok(Some(*order))
        }
        Ordered::Impossible(fault) => {
            if let Ok((ended, _)) = sf_engine::step(run.clone(), Input::CannotPlan(Box::new(fault)), tx.now()) {
                *run = Run { version: run.version, ..ended };
            }
            Ok(None)
        }
    }
}

/// Writes down what a step asks for, beside the row.
async fn record(
    tx: &mut Tx,
    core: &Arc<Core>,
    run: &Run,
    effects: &[Effect],
    (order, mut asking): (Option<SignedOrder>, Option<Asking>),
    after: &mut After,
) -> sf_store::Result<()> {
    if let Some(order) = order {
        order.keep(tx, after).await?;
    }
    for effect in effects {
        match effect {
            Effect::DispatchCancel => dispatch::cancel(tx, core, run, after).await?,
            Effect::Begin => Box::pin(workflow::begin::begin(tx, core, run, after)).await?,
            Effect::Stop => workflow::perform::cancel(tx, core, run.id, after).await?,
            Effect::AskJournal => after.questioned.push((run.id, run.node, run.command)),
            Effect::AskHuman => {
                if let Some(asking) = asking.take() {
                    cards::open(tx, run, asking, after).await?;
                }
            }
            Effect::Arm(timer, at) => arm(tx, run, *timer, *at, after),
            Effect::Dispatch | Effect::Publish => {}
        }
    }
    if run.is_done() {
        secrets::forget(tx, run).await?;
        let (state, done) = run.state.words();
        tx.audit(entry(run, done.unwrap_or(state)));
        learn::ended(tx, core, run).await?;
        previews::ended(tx, run, after).await?;
        notice::closed(tx, run, after);
        if let RunState::Done(end) = run.state {
            tell_step(tx, run, end, after).await?;
        }
    }
    publish(tx, run);
    Ok(())
}

/// What the control plane did for a step of a workflow, with what it made.
pub(crate) async fn tell_made(tx: &mut Tx, run: &Run, made: &Made, after: &mut After) -> sf_store::Result<()> {
    let done = run.state == RunState::Done(Done::Succeeded) && run.action.spec().place == Place::ControlPlane;
    if !done {
        return Ok(());
    }
    let result = serde_json::json!({ "run": run.id, "made": crate::proposal::told(made) });
    tell_parent(tx, run, Ok(result), after).await
}

/// A run that a step of a workflow has proposed is over: the step is told. What ended well in the control plane tells
/// by itself, a workflow with its output, a change with what it made.
async fn tell_step(tx: &mut Tx, run: &Run, end: Done, after: &mut After) -> sf_store::Result<()> {
    if run.parent.is_none() {
        return Ok(());
    }
    let place = run.action.spec().place;
    if end == Done::Succeeded && matches!(place, Place::Engine | Place::ControlPlane) {
        return Ok(());
    }
    let outcome = match place {
        Place::Node => runs::outcome(tx, run.id).await?.map(|outcome| serde_json::json!(outcome)),
        _ => None,
    };
    tell_parent(tx, run, workflow::result_of(run, end, outcome), after).await
}

/// Puts the end of a run in for the step that has proposed it.
pub(crate) async fn tell_parent(
    tx: &mut Tx,
    run: &Run,
    result: Result<serde_json::Value, Fault>,
    after: &mut After,
) -> sf_store::Result<()> {
    let Some(parent) = &run.parent else { return Ok(()) };
    let event = sf_engine::workflow::Event::Done { step: parent.step.clone(), attempt: parent.attempt, result };
    workflow::perform::put_in(tx, parent.run, event, after).await
}

fn arm(tx: &mut Tx, run: &Run, timer: Timer, at: Timestamp, after: &mut After) {
    let kind = match timer {
        Timer::Hold => "hold",
        // Only the node's word ends a run whose order was signed; if the order never arrives, this is armed again.
        Timer::Expire if run.command.is_some() || run.is_done() => return,
        Timer::Expire => "expire",
    };
    outbox::push(tx, crate::timers::LANE, kind, serde_json::json!({ "run": run.id }), at);
    after.arm(at);
}

/// Tells those who follow the run, its app and the list of runs.
pub(crate) fn publish(tx: &mut Tx, run: &Run) {
    let (state, done) = run.state.words();
    let mut topics = vec![events::run_topic(run.id), "runs".to_owned()];
    topics.extend(run.app.map(events::app_topic));
    topics.extend(run.server.map(events::server_topic));
    tx.publish(NewEvent {
        tenant: Some(run.tenant),
        project: run.project,
        topics,
        name: events::RUN_UPDATE.to_owned(),
        data: serde_json::json!({
            "id": run.id, "action": run.action.spec().name, "state": state, "done": done, "stale": run.stale,
            "step": run.step, "fault": run.fault, "appId": run.app, "serverId": run.server, "nodeId": run.node, "version": run.version,
        })
        .to_string()
        .into(),
    });
}

/// The audit line of a run: proposed, or ended.
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
    fields.extend(run.actor.token().map(|token| ("token", token.to_string())));
    fields.extend(run.command.map(|command| ("command", command.to_string())));
    if let Action::Patch(patch) = &run.action {
        // What was there and how much comes; never what it says.
        let patch = patch.apply();
        fields.push(("before", patch.before.to_string()));
        fields.extend(patch.text.as_ref().map(|text| ("bytes", text.len().to_string())));
    }
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
        ActorKind::Ai { user, .. } => ("ai", user.to_string()),
        ActorKind::Workflow { run, .. } => ("workflow", run.to_string()),
        ActorKind::Trigger { trigger, .. } => ("trigger", trigger.to_string()),
        ActorKind::System => ("system", String::new()),
    }
}

/// Adds to a run's timeline what changes nothing else, and tells those who follow it.
pub(crate) fn note(tx: &mut Tx, run: &Run, moment: Moment) -> sf_store::Result<()> {
    timeline::append(tx, run, &[moment])?;
    publish(tx, run);
    Ok(())
}
