//! The beginning of an execution, in the transaction that opens its run: when that is committed, its first steps are
//! recorded as begun.

use std::sync::Arc;

use serde_json::Value;
use sf_actions::Action;
use sf_actions::workflow::{ForkRun, RunWorkflow, WorkflowAction};
use sf_engine::Run;
use sf_engine::workflow::document::OnLimit;
use sf_engine::workflow::fork::fork;
use sf_engine::workflow::{Definition, Effect, Event, Execution, Fact};
use sf_store::executions::{self, ExecutionRow, ExecutionState};
use sf_store::workflows::Workflow;
use sf_store::{Look, StoreError, Tx, workflows};
use sf_types::{ErrorKind, Fault, RunId, Timestamp, TriggerId, WorkflowId};

use super::{Context, Message, commit, journal};
use crate::control::Core;
use crate::transition::After;

/// Workflows that run each other, one within the other, at the most.
pub const MAX_DEPTH: usize = 8;
/// Executions of one key that wait for their turn at the most.
pub const MAX_QUEUED: u32 = 1_000;

/// An execution that was recorded with its first facts.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(super) context: Context,
    pub(super) execution: Execution,
    pub(super) version: u32,
    /// The number of its last entry.
    pub(super) seq: u64,
    pub(super) effects: Vec<Effect>,
}

/// What a run asks to begin with.
struct Wanted {
    workflow: WorkflowId,
    version: u32,
    input: Value,
    trigger: Value,
    trigger_id: Option<TriggerId>,
    forked: Option<(RunId, Option<String>, Vec<Fact>)>,
}

/// Begins the execution of a run that has just become `Working`.
pub(crate) async fn begin(tx: &mut Tx, core: &Arc<Core>, run: &Run, after: &mut After) -> sf_store::Result<()> {
    let (wanted, workflow) = wanted(tx, core, run).await?;
    let definition = core.workflows.definition(tx, wanted.workflow, wanted.version).await?;
    if let Err(problems) = definition.check_input(&wanted.input) {
        return Err(
            super::told::refused("workflow.input", "The input is not as the workflow wants it", &problems).into()
        );
    }
    not_too_deep(tx, run).await?;
    let key = key(&definition, &wanted.input)?;
    let context = Context {
        run: run.id,
        tenant: run.tenant,
        project: workflow.project,
        workflow: workflow.id,
        actor: run.actor,
        keyed: key.is_some(),
    };
    let has_turn = match &key {
        Some(key) => turn(tx, &definition, &context, key, after).await?,
        None => true,
    };
    let mut row = ExecutionRow {
        run: run.id,
        tenant: run.tenant,
        project: workflow.project,
        workflow: workflow.id,
        version: wanted.version,
        state: ExecutionState::Queued,
        engine: Some(core.store.instance()),
        wake_at: None,
        key,
        forked_from: wanted.forked.as_ref().map(|(from, ..)| *from),
        forked_step: wanted.forked.as_ref().and_then(|(_, step, _)| step.clone()),
        trigger: wanted.trigger_id,
        steps_ended: 0,
        steps_known: 0,
        first_fault: None,
        poison: false,
        opened_at: tx.now(),
        updated_at: tx.now(),
        closed_at: None,
    };
    let began = Fact::Began { input: wanted.input, trigger: wanted.trigger, deadline: definition.deadline(tx.now()) };
    let mut facts = vec![began];
    facts.extend(wanted.forked.into_iter().flat_map(|(.., kept)| kept));
    if has_turn {
        let begun = first(tx, core, context, definition, wanted.version, facts).await?;
        super::notices::of_first(tx, &begun, after);
        (row.state, row.wake_at) = commit::state(&begun.execution);
        let (ended, known) = begun.execution.progress();
        (row.steps_ended, row.steps_known) = (ended as u64, known as u64);
        executions::create(tx, &row)?;
        after.workflows.push(Message::Begun(Box::new(begun)));
    } else {
        // What it begins with is kept; the rest follows when its turn comes.
        let (entry, blobs) = journal::entry(run.id, 1, tx.now(), &facts);
        executions::create(tx, &row)?;
        executions::append_later(tx, &[entry]);
        executions::keep_blobs(tx, &blobs).await?;
    }
    Ok(())
}

/// The next of a key whose turn has come, in the transaction that ended the one before.
pub(super) async fn next_of_key(
    tx: &mut Tx,
    core: &Arc<Core>,
    ended: &ExecutionRow,
    after: &mut After,
) -> sf_store::Result<()> {
    let Some(key) = &ended.key else { return Ok(()) };
    let definition = core.workflows.definition(tx, ended.workflow, ended.version).await?;
    let limit = definition.concurrency.as_ref().map_or(u64::MAX, |concurrency| u64::from(concurrency.limit));
    let (running, next) = executions::turn_of_key(tx, ended.workflow, key).await?;
    let Some(run) = next.filter(|_| running < limit) else { return Ok(()) };
    // The driver takes it up like one that it finds after a start.
    let row = executions::get(tx, run).await?;
    let standing = executions::Standing {
        state: ExecutionState::Running,
        wake_at: None,
        version: row.version,
        steps: (0, 0),
        first_fault: None,
        poison: false,
    };
    executions::stands(tx, run, core.store.instance(), &standing);
    after.workflows.push(Message::Recover(run));
    Ok(())
}

/// Records the first facts.
async fn first(
    tx: &mut Tx,
    core: &Arc<Core>,
    context: Context,
    definition: Arc<Definition>,
    version: u32,
    facts: Vec<Fact>,
) -> sf_store::Result<Begun> {
    let (begun, facts) =
        opened(context, definition, version, facts, tx.now()).map_err(|why| StoreError::malformed("a fork", why))?;
    let (entry, blobs) = journal::entry(context.run, begun.seq, tx.now(), &facts);
    executions::append_later(tx, &[entry]);
    executions::keep_blobs(tx, &blobs).await?;
    for effect in &begun.effects {
        commit::record(tx, core, &context, &begun.execution, effect).await?;
    }
    Ok(begun)
}

/// An execution with the facts of its first entry: those it is given, and what follows of them.
pub(super) fn opened(
    context: Context,
    definition: Arc<Definition>,
    version: u32,
    mut facts: Vec<Fact>,
    now: Timestamp,
) -> Result<(Begun, Vec<Fact>), String> {
    let mut execution = Execution::new(definition, context.run);
    for fact in &facts {
        execution.take_in(fact, now)?;
    }
    let advanced = execution.advance(Event::Tick, now);
    facts.extend(advanced.facts);
    Ok((Begun { context, execution, version, seq: 1, effects: advanced.effects }, facts))
}

async fn wanted(tx: &mut Tx, core: &Arc<Core>, run: &Run) -> sf_store::Result<(Wanted, Workflow)> {
    match &run.action {
        Action::Workflow(WorkflowAction::Run(wanted)) => of_run(tx, wanted).await,
        Action::Workflow(WorkflowAction::Fork(wanted)) => of_fork(tx, core, wanted).await,
        _ => Err(StoreError::malformed("a run", "its action is not the engine's")),
    }
}

async fn of_run(tx: &mut Tx, wanted: &RunWorkflow) -> sf_store::Result<(Wanted, Workflow)> {
    let workflow = workflows::get(tx, wanted.workflow).await?;
    let (trigger, trigger_id) = match &wanted.trigger {
        Some(fired) => (fired.data.clone(), Some(fired.trigger)),
        None => (Value::Null, None),
    };
    let wanted = Wanted {
        workflow: workflow.id,
        version: wanted.version.unwrap_or(workflow.version),
        input: if wanted.input.is_null() { Value::Object(Default::default()) } else { wanted.input.clone() },
        trigger,
        trigger_id,
        forked: None,
    };
    Ok((wanted, workflow))
}

/// What the old run did before the step stays done.
async fn of_fork(tx: &mut Tx, core: &Arc<Core>, wanted: &ForkRun) -> sf_store::Result<(Wanted, Workflow)> {
    let old = executions::get(tx, wanted.run).await?;
    let version = wanted.version.unwrap_or(old.version);
    let definition = core.workflows.definition(tx, old.workflow, version).await?;
    let facts: Vec<Fact> = journal::facts(tx, old.run).await?.into_iter().flat_map(|(.., facts)| facts).collect();
    let began = facts.iter().find_map(|fact| match fact {
        Fact::Began { input, trigger, .. } => Some((input.clone(), trigger.clone())),
        _ => None,
    });
    let (input, trigger) = began.ok_or_else(|| StoreError::malformed("a workflow's journal", "it never began"))?;
    let kept = match &wanted.step {
        Some(step) => fork(&definition, facts, step).map_err(|fault| StoreError::from(*fault))?,
        None => Vec::new(),
    };
    let wanted = Wanted {
        workflow: old.workflow,
        version,
        input: wanted.input.clone().unwrap_or(input),
        trigger,
        trigger_id: None,
        forked: Some((old.run, wanted.step.clone(), kept)),
    };
    Ok((wanted, workflows::get(tx, old.workflow).await?))
}

/// Refuses workflows that run each other without end.
async fn not_too_deep(tx: &mut Tx, run: &Run) -> sf_store::Result<()> {
    let (mut depth, mut parent) = (0, run.parent.as_ref().map(|parent| parent.run));
    while let Some(above) = parent {
        depth += 1;
        if depth > MAX_DEPTH {
            let message = format!("Workflows run each other more than {MAX_DEPTH} deep.");
            let fault = Fault::new(ErrorKind::Conflict, "workflow.too_deep", message);
            return Err(fault.fix("Look whether one of them runs itself.").into());
        }
        parent = sf_store::runs::get(tx, above).await?.parent.map(|parent| parent.run);
    }
    Ok(())
}

fn key(definition: &Definition, input: &Value) -> Result<Option<String>, Fault> {
    let Some(concurrency) = &definition.concurrency else { return Ok(None) };
    let Some(key) = &concurrency.key else { return Ok(Some(String::new())) };
    let value = sf_engine::workflow::advance::of_inputs(key, input).map_err(|error| {
        Fault::new(ErrorKind::Invalid, "workflow.key", format!("The concurrency key failed: {}", error.message))
            .fix(error.fix)
    })?;
    Ok(Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
}

/// Whether there is room for one more of its key.
async fn turn(
    tx: &mut Tx,
    definition: &Definition,
    context: &Context,
    key: &str,
    after: &mut After,
) -> sf_store::Result<bool> {
    let Some(concurrency) = &definition.concurrency else { return Ok(true) };
    let open = executions::of_key(tx, context.workflow, key, MAX_QUEUED).await?;
    let running = open.iter().filter(|row| row.state != ExecutionState::Queued).count();
    if running < concurrency.limit as usize {
        return Ok(true);
    }
    let full = open.len() >= MAX_QUEUED as usize;
    if full || concurrency.on_limit == OnLimit::Refuse {
        let message = format!("{running} runs of this workflow and key are under way, and no more are let in.");
        let fault = Fault::new(ErrorKind::Conflict, "workflow.limit", message);
        return Err(fault.fix("Wait until one has ended, or change its `concurrency`.").into());
    }
    if concurrency.on_limit == OnLimit::Replace
        && let Some(oldest) = open.iter().find(|row| row.state != ExecutionState::Queued)
    {
        let id = executions::put_in(tx, oldest.run, serde_json::json!({ "event": "cancel" })).await?;
        after.workflows.push(Message::Happened { run: oldest.run, event: Event::Cancel, id: Some(id) });
    }
    Ok(false)
}
