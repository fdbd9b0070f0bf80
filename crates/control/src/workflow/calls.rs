//! What a step does outside of the engine: an action through the one door, a read, another workflow.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sf_actions::run::{RunAction, RunRef};
use sf_actions::workflow::{RunWorkflow, WorkflowAction};
use sf_actions::{Action, Actor};
use sf_engine::workflow::definition::action_of;
use sf_engine::workflow::{Call, Effect, StepKey};
use sf_engine::{Done, Parent, Run};
use sf_store::{Look, Store, StoreError, Tx, executions, outbox, runs, users, workflows};
use sf_types::{ErrorKind, Fault, InstanceId, RequestId, RunId, Scope, TenantId};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Context, Principal};
use crate::control::Control;
use crate::proposal::Proposal;
use crate::transition::After;
use crate::{authority, timers};

/// Makes a call. Nothing where its end comes through the inbox.
///
/// It may be made a second time after a crash: an action is found again by the try of the step that proposed it, a
/// read is read again.
pub(super) async fn perform(
    control: &Control,
    context: &Context,
    step: &StepKey,
    attempt: u32,
    call: &Call,
) -> Option<Result<Value, Fault>> {
    let parent = Parent { run: context.run, step: step.clone(), attempt };
    match call {
        Call::Query { path } => Some(query(control, context, path.clone()).await),
        Call::Action { action, args } => match action_of(action, args) {
            Ok(action) => propose(control, context, parent, action).await,
            Err(why) => Some(Err(Fault::new(ErrorKind::Invalid, "workflow.arguments", why))),
        },
        Call::Workflow { workflow, input } => {
            let reader = control.core().store.read(Scope::Tenant(context.tenant));
            let found = workflows::named(&reader, context.project, workflow).await;
            match found.map_err(Fault::from) {
                Ok(Some(found)) => {
                    let run = RunWorkflow { workflow: found.id, version: None, input: input.clone(), trigger: None };
                    propose(control, context, parent, Action::Workflow(WorkflowAction::Run(run))).await
                }
                Ok(None) => {
                    let message = format!("There is no workflow `{workflow}` in this project.");
                    let fault = Fault::new(ErrorKind::NotFound, "workflow.not_found", message);
                    Some(Err(fault.fix("Save it first, or mend the name.")))
                }
                Err(fault) => Some(Err(fault)),
            }
        }
    }
}

async fn query(control: &Control, context: &Context, path: String) -> Result<Value, Fault> {
    let Some(reads) = control.core().workflows.reads().await else {
        return Err(Fault::new(ErrorKind::Unavailable, "workflow.no_reads", "This control plane serves no API."));
    };
    reads.read(context.principal()?, path).await
}

/// Proposes an action, unless it was proposed before.
async fn propose(control: &Control, context: &Context, parent: Parent, action: Action) -> Option<Result<Value, Fault>> {
    if is_begun(control, context, &parent).await {
        return None;
    }
    let proposed = async {
        let actor = control.actor_of(context.principal()?).await?;
        let request: RequestId = control.core().rng.id(&control.core().clock);
        let proposal = Proposal { parent: Some(parent.clone()), ..Proposal::of(action) };
        control.propose(&actor, request, proposal).await
    };
    match proposed.await {
        // The end of a run is put into the inbox by the transaction that ends it, so that a crash loses nothing of it.
        Ok(_) => None,
        // A repetition was faster, policy left a run that says why not, or the answer was lost.
        Err(_) if is_begun(control, context, &parent).await => None,
        Err(fault) => Some(Err(fault)),
    }
}

/// Whether a try of a step has proposed its run. It is asked until the database answers: a step that was told to have
/// failed, while what it began goes on, would be worse than one that waits.
async fn is_begun(control: &Control, context: &Context, parent: &Parent) -> bool {
    let reader = control.core().store.read(Scope::Tenant(context.tenant));
    loop {
        match runs::of_parent(&reader, parent).await {
            Ok(found) => return found.is_some(),
            Err(error) => {
                tracing::warn!(run = %parent.run, step = %parent.step, %error, "what a step began could not be looked up; tried again");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

/// What the end of a run means for the step that proposed it.
pub(crate) fn result_of(run: &Run, done: Done, outcome: Option<Value>) -> Result<Value, Fault> {
    if done == Done::Succeeded {
        return Ok(json!({ "run": run.id, "outcome": outcome }));
    }
    let word = match done {
        Done::RolledBack => "was taken back: what was there before serves again",
        Done::Denied => "was refused by policy",
        Done::Rejected => "was rejected by a person",
        Done::Expired => "expired",
        Done::Cancelled => "was cancelled",
        Done::Succeeded | Done::Failed => "failed",
    };
    let kind = match done {
        Done::Denied | Done::Rejected => ErrorKind::Forbidden,
        Done::Expired => ErrorKind::Timeout,
        _ => ErrorKind::Conflict,
    };
    let why = run.fault.as_ref().map_or(String::new(), |fault| format!(": {}", fault.message));
    let code = run.fault.as_ref().map_or_else(|| "workflow.action_failed".to_owned(), |fault| fault.code.clone());
    let fix = run.fault.as_ref().map(|fault| fault.fix.clone()).unwrap_or_default();
    let message = format!("`{}` {word}{why}", run.action.spec().name);
    Err(Fault::new(run.fault.as_ref().map_or(kind, |fault| fault.kind), code, message).fix(fix))
}

/// What says that a call is to be stopped, in the outbox: kept with the facts that ask for it until it is done, so that
/// nothing goes on for a step that is over, whenever a process ends.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Stop {
    tenant: TenantId,
    pub(super) run: RunId,
    pub(super) step: StepKey,
    pub(super) attempt: u32,
}

/// Which control plane works on the execution of a stop.
#[derive(PartialEq)]
enum Whose {
    Ours,
    Theirs,
    /// The execution is over.
    Nobodys,
}

/// Its kind in the lane of timers.
pub(crate) const STOP: &str = "stop";
/// After a failure of the database: how long until the same is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// When the lane looks after a stop that the driver has not done.
const LATER: Duration = Duration::from_secs(30);
/// When the lane looks again after one that is another control plane's.
const THEIRS: Duration = Duration::from_secs(5);

impl Stop {
    pub(super) const fn of(context: &Context, step: StepKey, attempt: u32) -> Self {
        Self { tenant: context.tenant, run: context.run, step, attempt }
    }

    /// Reads leave nothing behind that would have to be stopped.
    pub(super) fn for_effect(context: &Context, effect: &Effect) -> Option<Self> {
        match effect {
            Effect::Stop { call: Call::Query { .. }, .. } => None,
            Effect::Stop { step, attempt, .. } => Some(Self::of(context, step.clone(), *attempt)),
            _ => None,
        }
    }

    /// The same for the same try of the same step.
    fn id(&self) -> Uuid {
        let digest = Sha256::digest(format!("{} {} {}", self.run, self.step, self.attempt));
        uuid::Builder::from_random_bytes(std::array::from_fn(|at| digest[at])).into_uuid()
    }

    #[cfg(test)]
    pub(super) fn of_parts(tenant: TenantId, (run, step, attempt): (RunId, StepKey, u32)) -> Self {
        Self { tenant, run, step, attempt }
    }

    #[cfg(test)]
    pub(super) fn of_try(&self) -> (RunId, StepKey, u32) {
        (self.run, self.step.clone(), self.attempt)
    }

    fn read(task: &outbox::Task) -> sf_store::Result<Self> {
        serde_json::from_value(task.payload.0.clone()).map_err(|why| StoreError::malformed("a stop", why.to_string()))
    }

    async fn whose(&self, store: &Store) -> sf_store::Result<Whose> {
        match executions::get(&store.read(Scope::System), self.run).await {
            Err(StoreError::NotFound(_)) => Ok(Whose::Nobodys),
            Err(error) => Err(error),
            Ok(row) if row.closed_at.is_some() => Ok(Whose::Nobodys),
            Ok(row) if row.engine == Some(store.instance()) => Ok(Whose::Ours),
            Ok(_) => Ok(Whose::Theirs),
        }
    }

    /// Keeps it.
    pub(super) async fn keep(&self, tx: &mut Tx, after: &mut After) -> sf_store::Result<()> {
        let payload = serde_json::to_value(self).expect("ids, a text and a number");
        let due = tx.now().plus(LATER);
        after.arm(due);
        outbox::push_once(tx, self.id(), (timers::LANE, STOP), payload, due).await
    }
}

/// Looks after a stop that was kept and has not been done. Who works on the execution knows whether the call is still on
/// its way; once it is over, nothing is proposed for it any more ([`in_time`]), and anybody may look.
pub(crate) async fn look_after(control: &Control, task: &outbox::Task) -> Result<(), Fault> {
    let (core, stop) = (control.core(), Stop::read(task)?);
    match stop.whose(&core.store).await? {
        Whose::Nobodys => self::stop(control, stop).await,
        Whose::Ours => {
            core.workflows.send(super::Message::Unwanted(stop));
            Ok(())
        }
        Whose::Theirs => {
            let (id, again) = (stop.id(), control.now().plus(THEIRS));
            let why = "another control plane works on its workflow";
            core.store
                .write(Scope::System, move |tx| Box::pin(async move { outbox::fail(tx, id, why, again).await }))
                .await?;
            Ok(())
        }
    }
}

/// Refuses to open the run of a step whose execution is over or has gone to another control plane: nobody would wait
/// for it, and nobody would stop it.
///
/// # Errors
/// A [`Fault`] then.
pub(crate) async fn in_time(tx: &mut Tx, parent: &Parent, engine: InstanceId) -> Result<(), Fault> {
    if executions::is_own(tx, parent.run, engine).await? {
        return Ok(());
    }
    Err(too_late())
}

/// The code of a call that was not made, since its execution is over or somebody else's: it is no answer to the step.
pub(super) const TOO_LATE: &str = "workflow.too_late";

pub(super) fn too_late() -> Fault {
    Fault::new(ErrorKind::Conflict, TOO_LATE, "The workflow is over, or another control plane works on it.")
}

/// Stops that were kept, as far as they are this control plane's to do.
pub(super) async fn kept(store: &Store) -> sf_store::Result<Vec<Stop>> {
    let mut kept = Vec::new();
    for task in outbox::of_kind(&store.read(Scope::System), timers::LANE, STOP).await? {
        let stop = Stop::read(&task)?;
        if stop.whose(store).await? != Whose::Theirs {
            kept.push(stop);
        }
    }
    Ok(kept)
}

/// Stops the run that a try of a step has proposed, if it did. No call of that try may be under way.
pub(crate) async fn stop(control: &Control, stop: Stop) -> Result<(), Fault> {
    let core = control.core();
    let (id, Stop { tenant, run, step, attempt }) = (stop.id(), stop);
    let reader = core.store.read(Scope::Tenant(tenant));
    let parent = Parent { run, step: step.clone(), attempt };
    match runs::of_parent(&reader, &parent).await? {
        Some(child) => {
            let request: RequestId = core.rng.id(&core.clock);
            let cancel = Action::Run(RunAction::Cancel(RunRef { run: child.run.id }));
            match control.propose(&Actor::system(tenant), request, Proposal::of(cancel)).await {
                // It ended meanwhile.
                Err(fault) if fault.kind != ErrorKind::Conflict => return Err(fault),
                _ => {}
            }
        }
        // It was never proposed, and will not be: it is not made any more.
        None => core.workflows.send(super::Message::Stopped { run, step, attempt }),
    }
    core.store.write(Scope::System, move |tx| Box::pin(async move { outbox::done(tx, id).await })).await?;
    Ok(())
}

/// A call that was stopped.
pub(super) fn stopped() -> Fault {
    Fault::new(ErrorKind::Conflict, "workflow.stopped", "It was stopped with its workflow.")
}

fn gone() -> Fault {
    let message = "Who started this workflow is suspended or gone, and it acts with their rights.";
    Fault::new(ErrorKind::Forbidden, "workflow.nobody", message).fix("Run it again as somebody else.")
}

impl Control {
    /// Who a workflow acts for, with the rights they have now.
    ///
    /// # Errors
    /// A [`Fault`] when that person is suspended or gone.
    pub async fn actor_of(&self, who: Principal) -> Result<Actor, Fault> {
        let reader = self.core().store.read(Scope::Tenant(who.tenant));
        let user = who.kind.user().ok_or_else(gone)?;
        if users::get(&reader, user).await.map_err(|_| gone())?.disabled_at.is_some() {
            return Err(gone());
        }
        let rights = authority::rights_of(&reader, who.kind).await?;
        Ok(Actor { kind: who.kind, tenant: who.tenant, rights })
    }
}
