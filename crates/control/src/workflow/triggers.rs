//! What starts workflows besides people: here the moments of a calendar; signed requests are in [`super::hooks`].
//!
//! One lane sleeps until the next moment, is woken when triggers change, and asks the database nothing in between. A
//! trigger's next moment moves in the transaction that opens the run for the one before, and only from where it stood:
//! whatever ends a process, and however many control planes look, there is one run for each moment.

use std::sync::Arc;

use serde_json::{Value, json};
use sf_actions::workflow::{Fired, RunWorkflow, WorkflowAction};
use sf_actions::{Action, Actor, ActorKind};
use sf_engine::workflow::Definition;
use sf_engine::workflow::advance::of_trigger;
use sf_engine::workflow::definition::Trigger as Defined;
use sf_engine::workflow::schedule::{Due, Schedule};
use sf_runtime::OnError;
use sf_store::workflows::{self, Firing, Trigger, Workflow};
use sf_store::{StoreError, users};
use sf_types::{ErrorKind, Fault, RequestId, Scope, TenantId, Timestamp, TriggerId, UserId};

use crate::control::Control;
use crate::proposal::{Proposal, Proposed};
use crate::{authority, events};

/// Triggers that are read at a time.
const BATCH: u32 = 64;

/// A trigger with what it starts.
pub(super) struct Armed {
    pub(super) trigger: Trigger,
    pub(super) workflow: Workflow,
    definition: Arc<Definition>,
    nth: usize,
}

impl Armed {
    fn defined(&self) -> &Defined {
        &self.definition.triggers[self.nth]
    }

    pub(super) fn signed(&self) -> Option<&sf_engine::workflow::document::Webhook> {
        self.defined().kind.webhook.as_ref()
    }

    fn schedule(&self) -> Result<Schedule, Fault> {
        let cron = self.defined().kind.cron.as_ref().ok_or_else(|| changed(&self.trigger))?;
        cron.schedule().map_err(|why| why.fault())
    }
}

impl Control {
    /// Starts the lane.
    pub(crate) fn start_triggers(&self) {
        let control = self.clone();
        self.core().tasks.spawn("triggers", OnError::Stop, async move {
            let shutdown = control.core().tasks.shutdown();
            while !shutdown.is_requested() {
                let next = control.fire_due().await.unwrap_or_else(|fault| {
                    tracing::warn!(%fault, "due triggers could not be looked at; tried again");
                    Some(control.now())
                });
                tokio::select! {
                    () = shutdown.requested() => {}
                    () = control.core().workflows.triggers_changed.notified() => {}
                    () = control.due(next) => {}
                }
            }
            Ok::<(), Fault>(())
        });
    }

    /// Starts what is due and answers when the next moment is. The lane calls it; a test that moves the clock may, too.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn fire_due(&self) -> Result<Option<Timestamp>, Fault> {
        let reader = self.core().store.read(Scope::System);
        loop {
            let due = workflows::due(&reader, self.now(), BATCH).await?;
            let (full, mut moved) = (due.len() == BATCH as usize, false);
            for trigger in due {
                // One that fails must not hold up the others.
                match self.fire(&trigger).await {
                    Ok(()) => moved = true,
                    Err(fault) => tracing::warn!(id = %trigger.id, %fault, "a trigger could not fire; tried again"),
                }
            }
            if !(full && moved) {
                return Ok(workflows::next_due(&reader).await?);
            }
        }
    }

    /// Deals with the moments of one trigger that have come.
    async fn fire(&self, trigger: &Trigger) -> Result<(), Fault> {
        let (Some(moment), now) = (trigger.next_at, self.now()) else { return Ok(()) };
        let found = match self.armed(trigger.clone()).await {
            Ok(armed) => armed.schedule().map(|schedule| (armed, schedule)),
            Err(fault) => Err(fault),
        };
        let (mut armed, schedule) = match found {
            Ok(found) if found.0.workflow.enabled => found,
            Ok(_) => return self.note(trigger, Firing::default()).await.map(drop),
            Err(fault) if passes(&fault) => return Err(fault),
            // Nothing says when it would fire next; a new version of the workflow does.
            Err(fault) => return self.note(trigger, refused(Firing::default(), fault)).await.map(drop),
        };
        let Due { fire, missed, next } = schedule.due(Timestamp::from_millis(moment.as_millis() - 1), now);
        if fire.is_empty() {
            return self.note(trigger, Firing { next, missed, ..Firing::default() }).await.map(drop);
        }
        for (nth, at) in fire.iter().enumerate() {
            let missed = if nth == 0 { missed } else { 0 };
            let firing = Firing { at: Some(now), next: fire.get(nth + 1).copied().or(next), missed, fault: None };
            let data = json!({ "id": armed.trigger.name, "kind": "cron", "at": at.as_millis(), "missed": missed });
            let started = match self.owner_of(&armed).await {
                Ok(actor) => self.start_by(&armed, &actor, data, None, firing.clone()).await,
                Err(fault) => Err(fault),
            };
            match started {
                Ok(_) => {}
                Err(fault) if passes(&fault) => return Err(fault),
                Err(fault) => {
                    if !self.note(&armed.trigger, refused(firing.clone(), fault)).await? {
                        // Another control plane was faster, and goes on with the rest.
                        return Ok(());
                    }
                }
            }
            armed.trigger.next_at = firing.next;
        }
        Ok(())
    }

    /// A trigger with its workflow as it stands.
    pub(super) async fn armed(&self, trigger: Trigger) -> Result<Armed, Fault> {
        let reader = self.core().store.read(Scope::Tenant(trigger.tenant));
        let workflow = workflows::get(&reader, trigger.workflow).await?;
        let definition = self.core().workflows.definition(&reader, workflow.id, workflow.version).await?;
        let nth = definition.triggers.iter().position(|defined| defined.id == trigger.name);
        let nth = nth.ok_or_else(|| changed(&trigger))?;
        Ok(Armed { trigger, workflow, definition, nth })
    }

    /// Who a trigger acts for, with the rights they have now.
    pub(super) async fn owner_of(&self, armed: &Armed) -> Result<Actor, Fault> {
        let (tenant, user) = (armed.workflow.tenant, armed.workflow.owner);
        self.acting_for(tenant, user, armed.trigger.id).await?.ok_or_else(nobody)
    }

    /// Somebody as a trigger acts for them; `None` where they or their team are suspended, or they are gone.
    pub(crate) async fn acting_for(
        &self,
        tenant: TenantId,
        user: UserId,
        trigger: TriggerId,
    ) -> Result<Option<Actor>, Fault> {
        let reader = self.core().store.read(Scope::Tenant(tenant));
        if users::admitted(&reader, user).await?.is_none() {
            return Ok(None);
        }
        let kind = ActorKind::Trigger { user, trigger };
        Ok(Some(Actor { kind, tenant, rights: authority::rights_of(&reader, kind).await? }))
    }

    /// Proposes to run its workflow; what becomes of the trigger is recorded with the run.
    pub(super) async fn start_by(
        &self,
        armed: &Armed,
        actor: &Actor,
        data: Value,
        key: Option<String>,
        firing: Firing,
    ) -> Result<Proposed, Fault> {
        let input = of_trigger(&armed.defined().input, &data).map_err(|error| {
            let message = format!("The trigger's `input` failed: {}", error.message);
            Fault::new(ErrorKind::Invalid, "trigger.input", message).fix(error.fix)
        })?;
        let run = RunWorkflow {
            workflow: armed.workflow.id,
            version: Some(armed.workflow.version),
            input,
            trigger: Some(Fired { trigger: armed.trigger.id, data }),
        };
        let request: RequestId = self.core().rng.id(&self.core().clock);
        let firing = Some(Box::new((armed.trigger.clone(), firing)));
        let proposal = Proposal { key, firing, ..Proposal::of(Action::Workflow(WorkflowAction::Run(run))) };
        self.propose(actor, request, proposal).await
    }

    /// Keeps what became of a trigger where no run was opened; whether nobody else has dealt with it meanwhile.
    pub(super) async fn note(&self, trigger: &Trigger, firing: Firing) -> Result<bool, Fault> {
        let trigger = trigger.clone();
        let noted = self.core().store.write(Scope::System, move |tx| {
            Box::pin(async move {
                workflows::fired(tx, &trigger, &firing).await?;
                tx.publish(events::workflow_changed(trigger.tenant, Some(trigger.project), trigger.workflow));
                Ok(())
            })
        });
        match noted.await {
            Err(StoreError::Stale(_)) => Ok(false),
            noted => Ok(noted.map(|()| true)?),
        }
    }
}

/// What says nothing about the trigger: the same succeeds once the database is back.
pub(crate) const fn passes(fault: &Fault) -> bool {
    matches!(fault.kind, ErrorKind::Unavailable | ErrorKind::Timeout)
}

/// It did not fire: why is kept, and it goes on to its next moment.
pub(super) fn refused(firing: Firing, fault: Fault) -> Firing {
    Firing { at: None, fault: Some(fault), ..firing }
}

fn changed(trigger: &Trigger) -> Fault {
    let message = format!("The workflow has no trigger `{}` of this kind any more.", trigger.name);
    Fault::new(ErrorKind::Conflict, "trigger.changed", message).fix("Save the workflow again.")
}

fn nobody() -> Fault {
    let message = "Who switched this workflow's triggers on is suspended or gone, and they act with their rights.";
    Fault::new(ErrorKind::Forbidden, "trigger.nobody", message).fix("Switch its triggers on as somebody else.")
}
