//! What many executions have come to, in one transaction.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sf_engine::workflow::{Effect, Execution, Finish, Phase};
use sf_engine::{Done, Input, Run};
use sf_store::approvals::{self, Approval, ApprovalState};
use sf_store::events::NewEvent;
use sf_store::executions::{self, Blob, Entry, ExecutionState, Standing};
use sf_store::{Json, Look, StoreError, Tx, runs};
use sf_types::{ApprovalId, Fault, RunId, Scope, Timestamp};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::begin::next_of_key;
use super::calls::Stop;
use super::{Context, Message};
use crate::approval::cards;
use crate::control::Core;
use crate::transition::{self, After};
use crate::{events, moments};

/// How long an engine that says nothing keeps its executions.
pub(super) const LEASE: Duration = Duration::from_secs(30);

/// What one execution has come to.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    pub(super) context: Context,
    pub(super) entry: Option<Entry>,
    pub(super) blobs: Vec<Blob>,
    pub(super) cards: Vec<Card>,
    /// Calls that are over for it: what they began is stopped.
    pub(super) stops: Vec<Stop>,
    /// Where it stands, if that is to be kept.
    pub(super) standing: Option<Standing>,
    pub(super) finish: Option<Finish>,
    /// What of its inbox was taken in.
    pub(super) taken_in: Vec<Uuid>,
    /// Those who follow it are told.
    pub(super) told: Option<NewEvent>,
}

impl Turn {
    /// One in which nothing has come of it.
    pub(super) fn of(context: Context) -> Self {
        Self {
            context,
            entry: None,
            blobs: Vec::new(),
            cards: Vec::new(),
            stops: Vec::new(),
            standing: None,
            finish: None,
            taken_in: Vec::new(),
            told: None,
        }
    }

    const fn run(&self) -> RunId {
        self.context.run
    }
}

/// What becomes of a card.
#[derive(Clone, Debug)]
pub(super) enum Card {
    Ask(Box<Approval>),
    Withdraw { approval: ApprovalId, expired: bool },
    Escalate(ApprovalId),
}

/// Records turns; answers what follows after COMMIT.
pub(super) async fn commit(core: &Arc<Core>, fence: u64, turns: Arc<Vec<Turn>>) -> sf_store::Result<After> {
    let (store, core) = (core.store.clone(), core.clone());
    store
        .write(Scope::System, move |tx| {
            Box::pin(async move {
                let mut after = After::default();
                executions::renew(tx, core.store.instance(), fence, LEASE).await?;
                let entries: Vec<Entry> = turns.iter().filter_map(|turn| turn.entry.clone()).collect();
                executions::append(tx, &entries).await?;
                let taken_in: Vec<Uuid> = turns.iter().flat_map(|turn| &turn.taken_in).copied().collect();
                executions::taken_in(tx, &taken_in).await?;
                // All at once, and before anything of these turns is kept for later.
                let over: Vec<RunId> = turns.iter().filter(|turn| turn.finish.is_some()).map(Turn::run).collect();
                let mut runs = runs::of_ids(tx, &over).await?;
                for turn in turns.iter() {
                    one(tx, &core, turn, &mut runs, &mut after).await?;
                }
                Ok(after)
            })
        })
        .await
}

/// `runs` are those of turns that end theirs.
async fn one(
    tx: &mut Tx,
    core: &Arc<Core>,
    turn: &Turn,
    runs: &mut HashMap<RunId, Run>,
    after: &mut After,
) -> sf_store::Result<()> {
    let run = turn.run();
    if !turn.blobs.is_empty() {
        executions::keep_blobs(tx, &turn.blobs).await?;
    }
    for card in &turn.cards {
        keep(tx, core, &turn.context, card).await?;
        super::notices::of_card(tx, &turn.context, card, after);
    }
    for stop in &turn.stops {
        stop.keep(tx, after).await?;
    }
    if let Some(standing) = &turn.standing {
        executions::stands(tx, run, core.store.instance(), standing);
    }
    if let Some(finish) = &turn.finish {
        executions::forget_incoming(tx, run);
        if turn.standing.as_ref().is_some_and(|standing| standing.poison) {
            // What cannot be read any more cannot say which cards it put before people.
            approvals::withdraw_steps(tx, run);
        }
        let run = runs.remove(&run).ok_or(StoreError::NotFound("run"))?;
        close(tx, core, (&turn.context, run), finish, after).await?;
    }
    if let Some(told) = &turn.told {
        tx.publish(told.clone());
    }
    Ok(())
}

/// Ends the run of an execution that is over, tells the step that waits for it, and lets the next of its key begin.
async fn close(
    tx: &mut Tx,
    core: &Arc<Core>,
    (context, run): (&Context, Run),
    finish: &Finish,
    after: &mut After,
) -> sf_store::Result<()> {
    let (end, fault) = match finish {
        Finish::Succeeded { .. } => (Done::Succeeded, None),
        Finish::Failed { fault } => (Done::Failed, Some(Box::new(fault.clone()))),
        Finish::Cancelled => (Done::Cancelled, None),
    };
    let moment = moments::note(tx.now(), "the workflow is over");
    let ended = Box::pin(transition::advance(tx, core, run, Input::Finished(end, fault), [moment], after)).await?;
    if let (Some(run), Finish::Succeeded { output }) = (&ended, finish) {
        transition::tell_parent(tx, run, Ok(output.clone()), after).await?;
    }
    if !context.keyed {
        return Ok(());
    }
    let row = executions::get(tx, context.run).await?;
    next_of_key(tx, core, &row, after).await
}

/// An effect that is part of the transaction.
pub(super) async fn record(
    tx: &mut Tx,
    core: &Core,
    context: &Context,
    execution: &Execution,
    effect: &Effect,
) -> sf_store::Result<()> {
    match card(context, execution, effect, tx.now()) {
        Some(card) => keep(tx, core, context, &card).await,
        None => Ok(()),
    }
}

/// What an effect does to a card, where it is about one.
pub(super) fn card(context: &Context, execution: &Execution, effect: &Effect, now: Timestamp) -> Option<Card> {
    match effect {
        Effect::Ask { step, approval } => {
            let look = execution.look(step)?;
            let asked = look.card?;
            let guard = serde_json::json!({
                "workflow": context.workflow, "hash": execution.definition().hash, "step": step, "show": asked.show,
            });
            let shown = serde_json::json!([context.run, step, approval, asked.message, guard]);
            let hash = Sha256::digest(shown.to_string().as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
            Some(Card::Ask(Box::new(Approval {
                id: *approval,
                tenant: context.tenant,
                project: Some(context.project),
                subject_kind: approvals::STEP.to_owned(),
                subject: approval.uuid(),
                hash,
                guard: Json(guard),
                diff: Json(serde_json::json!({ "message": asked.message, "show": asked.show })),
                state: ApprovalState::Open,
                decision: None,
                decided_by: None,
                comment: None,
                opened_at: now,
                expires_at: asked.expires,
                decided_at: None,
                run: Some(context.run),
                step: Some(step.clone()),
                escalated_at: None,
                terms: None,
                held_until: None,
            })))
        }
        Effect::Withdraw { approval, expired } => Some(Card::Withdraw { approval: *approval, expired: *expired }),
        Effect::Escalate { approval } => Some(Card::Escalate(*approval)),
        _ => None,
    }
}

async fn keep(tx: &mut Tx, core: &Core, context: &Context, card: &Card) -> sf_store::Result<()> {
    let (id, state) = match card {
        Card::Ask(approval) => {
            let terms = cards::of_step(tx, core, context.tenant, context.project).await?;
            approvals::open(tx, &Approval { terms: Some(Json(terms)), ..approval.as_ref().clone() }).await?;
            (approval.id, "open")
        }
        Card::Withdraw { approval, expired } => {
            let state = if *expired { ApprovalState::Expired } else { ApprovalState::Withdrawn };
            approvals::end_step(tx, *approval, state);
            (*approval, state.word())
        }
        Card::Escalate(approval) => {
            approvals::escalate(tx, *approval);
            (*approval, "escalated")
        }
    };
    cards::publish(tx, (context.tenant, Some(context.project), context.run), Some(id), state);
    Ok(())
}

/// Where an execution stands, and when it goes on by itself.
pub(super) fn state(execution: &Execution) -> (ExecutionState, Option<Timestamp>) {
    match execution.phase() {
        Phase::Finished(_) => (ExecutionState::Done, None),
        _ if execution.is_busy() => (ExecutionState::Running, execution.wakes_at()),
        _ => (ExecutionState::Waiting, execution.wakes_at()),
    }
}

/// The row of an execution as it stands now.
pub(super) fn standing(execution: &Execution, version: u32) -> Standing {
    let (state, wake_at) = state(execution);
    let (ended, known) = execution.progress();
    let fault = match execution.phase() {
        Phase::Finished(Finish::Failed { fault }) | Phase::Failing(fault) => Some(fault.clone()),
        _ => None,
    };
    let poison = fault.as_ref().is_some_and(|fault: &Fault| fault.code == "workflow.poison");
    Standing { state, wake_at, version, steps: (ended as u64, known as u64), first_fault: fault, poison }
}

/// What those who follow an execution are told.
pub(super) fn progress(context: &Context, execution: &Execution, last: Option<&str>) -> NewEvent {
    let (ended, known) = execution.progress();
    let (state, _) = state(execution);
    NewEvent {
        tenant: Some(context.tenant),
        project: Some(context.project),
        topics: vec![events::run_topic(context.run), "workflows".to_owned()],
        name: events::WORKFLOW_PROGRESS.to_owned(),
        data: serde_json::json!({
            "runId": context.run, "workflowId": context.workflow, "state": state.word(),
            "stepsEnded": ended, "stepsKnown": known, "step": last,
        })
        .to_string()
        .into(),
    }
}

/// Tells the driver what a transaction has put into an inbox.
pub(crate) fn put_in(after: &mut After, run: RunId, event: sf_engine::workflow::Event, id: Uuid) {
    after.workflows.push(Message::Happened { run, event, id: Some(id) });
}
