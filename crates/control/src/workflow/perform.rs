//! Changes to workflows, inside the transaction that records them.

use std::collections::HashMap;
use std::sync::Arc;

use sf_actions::workflow::{CreateWorkflow, MoveRun, SendEvent, UpdateWorkflow, WorkflowAction};
use sf_engine::Run;
use sf_engine::workflow::{Definition, Event, document};
use sf_store::approvals::{Approval, Verdict};
use sf_store::workflows::{self, Trigger, Version, Workflow};
use sf_store::{Look, StoreError, Tx, executions, tenants};
use sf_types::{ErrorKind, Fault, RunId, Timestamp, UserId, WorkflowId};

use super::{commit, moving, told};
use crate::approval::decide::not_a_person;
use crate::control::Core;
use crate::events;
use crate::perform::{name_taken, person, unlimited};
use crate::proposal::Made;
use crate::transition::After;

/// Bytes of the data of an event that is sent to a run: 64 KiB.
pub const MAX_EVENT_BYTES: usize = 64 * 1024;

/// Carries out a change to a workflow.
pub(crate) async fn perform(
    tx: &mut Tx,
    core: &Arc<Core>,
    run: &Run,
    action: &WorkflowAction,
    after: &mut After,
) -> sf_store::Result<Made> {
    let id = match action {
        WorkflowAction::Create(args) => create(tx, run, args, after).await?,
        WorkflowAction::Update(args) => update(tx, run, args, after).await?,
        WorkflowAction::Enable(args) => {
            let owner = person(run)?;
            if args.enabled {
                // They act with all of their owner's rights, whatever the key that switched them on was limited to.
                unlimited(tx, run).await?;
            }
            workflows::enable(tx, args.workflow, args.enabled, owner).await?;
            let workflow = workflows::get(tx, args.workflow).await?;
            let version = workflows::version(tx, workflow.id, workflow.version).await?;
            triggers(tx, &workflow, &told::parse(&version.document)?, after).await?;
            args.workflow
        }
        WorkflowAction::Delete(args) => {
            let open = executions::open_of(tx, args.workflow).await?;
            if open > 0 {
                let message = format!("{open} runs of it are under way.");
                let fault = Fault::new(ErrorKind::Conflict, "workflow.runs", message);
                return Err(fault.fix("Cancel them or wait until they have ended.").into());
            }
            executions::forget_journals(tx, args.workflow).await?;
            workflows::delete(tx, args.workflow).await?;
            after.triggers = true;
            args.workflow
        }
        WorkflowAction::Move(args) => return move_run(tx, core, args, after).await,
        WorkflowAction::Send(args) => return send(tx, args, after).await,
        WorkflowAction::Run(_) | WorkflowAction::Fork(_) => return Ok(Made::Nothing),
    };
    tx.publish(events::workflow_changed(run.tenant, run.project, id));
    Ok(Made::Workflow(id))
}

async fn create(tx: &mut Tx, run: &Run, args: &CreateWorkflow, after: &mut After) -> sf_store::Result<WorkflowId> {
    let definition = told::parse(&args.document)?;
    let project = match args.project {
        Some(project) => tenants::project(tx, project).await?.id,
        None => tenants::default_project(tx).await?.id,
    };
    if workflows::count_of_project(tx, project).await? >= workflows::MAX_PER_PROJECT {
        let message = format!("The project has {} workflows, and more are not allowed.", workflows::MAX_PER_PROJECT);
        return Err(Fault::new(ErrorKind::TooLarge, "workflow.too_many", message).fix("Delete some.").into());
    }
    let workflow = Workflow {
        id: tx.new_id(),
        tenant: run.tenant,
        project,
        name: definition.name.clone(),
        description: definition.description.clone(),
        version: 1,
        hash: definition.hash.clone(),
        // Who makes it may not be who it shall act for: switching its triggers on is an act of its own.
        enabled: false,
        owner: run.actor.user().ok_or_else(|| not_a_person("Do it as a person."))?,
        created_at: tx.now(),
        updated_at: tx.now(),
    };
    workflows::create(tx, &workflow).await.map_err(|error| name_taken(error, workflow.name.as_str()))?;
    keep(tx, run, &workflow, &args.document).await?;
    triggers(tx, &workflow, &definition, after).await?;
    Ok(workflow.id)
}

async fn update(tx: &mut Tx, run: &Run, args: &UpdateWorkflow, after: &mut After) -> sf_store::Result<WorkflowId> {
    let definition = told::parse(&args.document)?;
    let before = workflows::get(tx, args.workflow).await?;
    if args.from.is_some_and(|from| from != before.version) {
        let message = format!("Somebody else has saved version {} since you read it.", before.version);
        let fault = Fault::new(ErrorKind::Conflict, "workflow.changed", message);
        return Err(fault.fix("Read it again, and make your change on top of theirs.").into());
    }
    if definition.hash == before.hash {
        return Ok(before.id);
    }
    let workflow = Workflow {
        name: definition.name.clone(),
        description: definition.description.clone(),
        version: before.version + 1,
        hash: definition.hash.clone(),
        enabled: before.enabled && is_owner(tx, run, &before).await,
        ..before.clone()
    };
    workflows::set_version(tx, &workflow, before.version)
        .await
        .map_err(|error| name_taken(error, workflow.name.as_str()))?;
    if workflow.enabled != before.enabled {
        workflows::enable(tx, workflow.id, workflow.enabled, workflow.owner).await?;
    }
    keep(tx, run, &workflow, &args.document).await?;
    triggers(tx, &workflow, &definition, after).await?;
    Ok(workflow.id)
}

/// Whether it was changed by who its triggers act for. What somebody else wrote must not run with their rights before
/// they have agreed by switching it on.
async fn is_owner(tx: &Tx, run: &Run, workflow: &Workflow) -> bool {
    person(run).is_ok_and(|user| user == workflow.owner) && unlimited(tx, run).await.is_ok()
}

async fn keep(tx: &mut Tx, run: &Run, workflow: &Workflow, document: &str) -> sf_store::Result<()> {
    let version = Version {
        workflow: workflow.id,
        version: workflow.version,
        tenant: workflow.tenant,
        hash: workflow.hash.clone(),
        document: document.to_owned(),
        created_by: crate::dispatch::authz(run).user,
        created_at: tx.now(),
    };
    workflows::add_version(tx, &version).await
}

/// The rows of a definition's triggers. Those that were there keep their id, which is part of a webhook's address.
async fn triggers(
    tx: &mut Tx,
    workflow: &Workflow,
    definition: &Definition,
    after: &mut After,
) -> sf_store::Result<()> {
    let before = workflows::triggers(tx, workflow.id).await?;
    let before: HashMap<&str, &Trigger> = before.iter().map(|trigger| (trigger.name.as_str(), trigger)).collect();
    let mut wanted = Vec::with_capacity(definition.triggers.len());
    for trigger in &definition.triggers {
        let known = before.get(trigger.id.as_str());
        wanted.push(Trigger {
            id: known.map_or_else(|| tx.new_id(), |known| known.id),
            tenant: workflow.tenant,
            project: workflow.project,
            workflow: workflow.id,
            name: trigger.id.clone(),
            kind: if trigger.kind.cron.is_some() { "cron" } else { "webhook" }.to_owned(),
            next_at: next(&trigger.kind, tx.now()).filter(|_| workflow.enabled),
            last_at: known.and_then(|known| known.last_at),
            missed: known.map_or(0, |known| known.missed),
            last_fault: None,
            created_at: known.map_or(tx.now(), |known| known.created_at),
        });
    }
    after.triggers = true;
    workflows::set_triggers(tx, workflow.id, &wanted).await
}

/// When a trigger of a calendar fires next.
pub(super) fn next(trigger: &document::Trigger, now: Timestamp) -> Option<Timestamp> {
    // Checked when its definition was.
    trigger.cron.as_ref()?.schedule().ok()?.next(now)
}

async fn send(tx: &mut Tx, args: &SendEvent, after: &mut After) -> sf_store::Result<Made> {
    if !document::is_step_id(&args.event) || args.data.to_string().len() > MAX_EVENT_BYTES {
        let message = "The event's name is refused, or it brings more than 64 KiB.";
        let fault = Fault::new(ErrorKind::Invalid, "workflow.event", message);
        return Err(fault.fix("Use `a-z`, `0-9` and `_`, and send less.").into());
    }
    open(tx, args.run).await?;
    let event = Event::Sent { name: args.event.clone(), data: args.data.clone() };
    put_in(tx, args.run, event, after).await?;
    Ok(Made::Run(args.run))
}

async fn move_run(tx: &mut Tx, core: &Arc<Core>, args: &MoveRun, after: &mut After) -> sf_store::Result<Made> {
    open(tx, args.run).await?;
    moving::look(tx, core, args).await?.check(args.run)?;
    put_in(tx, args.run, Event::Move { version: args.version }, after).await?;
    Ok(Made::Run(args.run))
}

/// An execution that has not ended.
async fn open(tx: &mut Tx, run: RunId) -> sf_store::Result<executions::ExecutionRow> {
    let row = executions::get(tx, run).await?;
    if row.closed_at.is_some() {
        let fault = Fault::new(ErrorKind::Conflict, "workflow.over", "The run is over.");
        return Err(fault.fix("Fork it to do some of it again.").into());
    }
    Ok(row)
}

/// A person's decision about a step.
pub(crate) async fn decided(
    tx: &mut Tx,
    card: &Approval,
    verdict: Verdict,
    by: UserId,
    comment: Option<&str>,
    after: &mut After,
) -> sf_store::Result<()> {
    let (Some(run), Some(step)) = (card.run, card.step.clone()) else {
        return Err(StoreError::malformed("an approval", "it names no step"));
    };
    let event = Event::Decided {
        approval: card.id,
        step,
        approved: verdict == Verdict::Approved,
        by,
        comment: comment.map(str::to_owned),
    };
    put_in(tx, run, event, after).await
}

/// Stops an execution.
pub(crate) async fn cancel(tx: &mut Tx, core: &Arc<Core>, run: RunId, after: &mut After) -> sf_store::Result<()> {
    let row = executions::get(tx, run).await?;
    if row.state == executions::ExecutionState::Queued {
        // Nothing of it has begun: the driver takes it up only to end it.
        let standing = executions::Standing {
            state: executions::ExecutionState::Running,
            wake_at: None,
            version: row.version,
            steps: (0, 0),
            first_fault: None,
            poison: false,
        };
        executions::stands(tx, run, core.store.instance(), &standing);
    }
    put_in(tx, run, Event::Cancel, after).await
}

/// Puts an event in, in this transaction, and tells the driver once it is committed.
pub(crate) async fn put_in(tx: &mut Tx, run: RunId, event: Event, after: &mut After) -> sf_store::Result<()> {
    let value = serde_json::to_value(&event).expect("events are texts, numbers, lists and maps of texts");
    let id = executions::put_in(tx, run, value).await?;
    commit::put_in(after, run, event, id);
    Ok(())
}
