//! What a step does outside of the engine: an action through the one door, a read, another workflow.

use serde_json::{Value, json};
use sf_actions::run::{RunAction, RunRef};
use sf_actions::workflow::{RunWorkflow, WorkflowAction};
use sf_actions::{Action, Actor};
use sf_engine::workflow::definition::action_of;
use sf_engine::workflow::{Call, StepKey};
use sf_engine::{Done, Parent, Run};
use sf_store::{runs, users, workflows};
use sf_types::{ErrorKind, Fault, RequestId, Scope};

use super::{Context, Principal};
use crate::authority;
use crate::control::Control;
use crate::proposal::Proposal;

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

async fn propose(control: &Control, context: &Context, parent: Parent, action: Action) -> Option<Result<Value, Fault>> {
    let again = parent.clone();
    let proposed = async {
        let reader = control.core().store.read(Scope::Tenant(context.tenant));
        if runs::of_parent(&reader, &parent).await?.is_some() {
            return Ok(());
        }
        let actor = control.actor_of(context.principal()?).await?;
        let request: RequestId = control.core().rng.id(&control.core().clock);
        let proposal = Proposal { parent: Some(parent), ..Proposal::of(action) };
        match control.propose(&actor, request, proposal).await {
            Ok(_) => Ok(()),
            // A repetition was faster, or policy left a run that says why not.
            Err(fault) => runs::of_parent(&reader, &again).await?.map(drop).ok_or(fault),
        }
    };
    // The end of a run is put into the inbox by the transaction that ends it, so that a crash loses nothing of it.
    proposed.await.err().map(|fault: Fault| Err(fault))
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

/// Stops the run that a try of a step has proposed.
pub(super) async fn stop(control: &Control, context: &Context, step: &StepKey, attempt: u32) -> Result<(), Fault> {
    let parent = Parent { run: context.run, step: step.clone(), attempt };
    let reader = control.core().store.read(Scope::Tenant(context.tenant));
    let Some(child) = runs::of_parent(&reader, &parent).await? else {
        // It was not proposed yet, and will be found to be over when it is.
        let back = super::Message::Back { run: context.run, step: parent.step, attempt, result: Some(Err(stopped())) };
        control.core().workflows.send(back);
        return Ok(());
    };
    let actor = Actor::system(context.tenant);
    let request: RequestId = control.core().rng.id(&control.core().clock);
    let cancel = Action::Run(RunAction::Cancel(RunRef { run: child.run.id }));
    match control.propose(&actor, request, Proposal::of(cancel)).await {
        // It ended meanwhile.
        Err(fault) if fault.kind == ErrorKind::Conflict => Ok(()),
        other => other.map(drop),
    }
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
