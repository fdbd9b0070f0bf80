//! What comes back later: holds, expiries. Rows of the outbox with a due time, performed by one lane that sleeps until
//! the next is due and is told of new ones; after a start it simply goes on.

use std::time::Duration;

use sf_engine::Input;
use sf_runtime::OnError;
use sf_store::{Look, outbox, runs};
use sf_types::{ErrorKind, Fault, RunId, Scope, Timestamp};

use crate::approval::{cards, decide};
use crate::control::Control;
use crate::transition::{self, After};
use crate::workflow::calls;
use crate::{moments, previews};

/// The lane's name in the outbox.
pub(crate) const LANE: &str = "timers";
/// Timers performed in one transaction at the most.
const BATCH: u32 = 64;
/// Longer than any batch takes.
const LEASE: Duration = Duration::from_secs(30);

impl Control {
    /// Starts the lane.
    pub(crate) fn start_timers(&self) {
        let control = self.clone();
        self.core().tasks.spawn("timers", OnError::Stop, async move {
            let (shutdown, alarm) = (control.core().tasks.shutdown(), &control.core().timers);
            while !shutdown.is_requested() {
                // What is armed during the look stays, whether or not the look has seen it.
                alarm.clear();
                let next = control.perform_due().await.unwrap_or_else(|fault| {
                    tracing::warn!(%fault, "timers could not be performed; tried again");
                    Some(control.now())
                });
                next.into_iter().for_each(|next| alarm.set(next));
                tokio::select! {
                    () = shutdown.requested() => {}
                    () = control.rung(alarm) => {}
                }
            }
            Ok::<(), Fault>(())
        });
    }

    /// Performs what is due and answers when the next one is. The lane calls it; a test that moves the clock may, too.
    ///
    /// # Errors
    /// When the store cannot record it; it is due again then.
    pub async fn perform_due(&self) -> Result<Option<Timestamp>, Fault> {
        let store = self.core().store.clone();
        loop {
            let due = store
                .write(Scope::System, move |tx| Box::pin(async move { outbox::claim(tx, LANE, BATCH, LEASE).await }))
                .await?;
            let full = due.len() == BATCH as usize;
            self.perform_timers(due).await?;
            if !full {
                return Ok(outbox::next_due(&store.read(Scope::System), LANE).await?);
            }
        }
    }

    async fn perform_timers(&self, due: Vec<outbox::Task>) -> Result<(), Fault> {
        let store = &self.core().store;
        for task in due {
            let (id, attempts) = (task.id, task.attempts);
            // One that fails must not hold up the others.
            if let Err(fault) = self.perform_timer(task).await {
                tracing::warn!(%id, %fault, "a timer could not be performed; tried again later");
                let (again, why) = (self.now().plus(outbox::backoff(attempts)), fault.to_string());
                store
                    .write(Scope::System, move |tx| Box::pin(async move { outbox::fail(tx, id, &why, again).await }))
                    .await?;
            }
        }
        Ok(())
    }

    async fn perform_timer(&self, task: outbox::Task) -> Result<(), Fault> {
        if task.kind == calls::STOP {
            return calls::look_after(self, &task).await;
        }
        if task.kind == previews::LOOK {
            return previews::tend(self, &task).await;
        }
        let run = task.payload.0["run"].as_str().and_then(|run| run.parse().ok());
        match (self.perform_in_time(task).await, run) {
            // What an approval let go ahead cannot be done: its run says why.
            (Err(fault), Some(run)) if fault.kind != ErrorKind::Unavailable && fault.kind != ErrorKind::Internal => {
                self.cannot(run, fault).await
            }
            (done, _) => done,
        }
    }

    async fn cannot(&self, run: RunId, fault: Fault) -> Result<(), Fault> {
        let core = self.core().clone();
        let after = core
            .store
            .clone()
            .write(Scope::System, move |tx| {
                Box::pin(async move {
                    let mut after = After::default();
                    let said = moments::note(tx.now(), "it could not be carried out");
                    let input = Input::CannotPlan(Box::new(fault.clone()));
                    let run = runs::get(tx, run).await?;
                    // Where it changes nothing, the timer is tried again.
                    match transition::advance(tx, &core, run, input, [said], &mut after).await? {
                        Some(_) => Ok(after),
                        None => Err(fault.into()),
                    }
                })
            })
            .await?;
        self.deliver(after);
        Ok(())
    }

    async fn perform_in_time(&self, task: outbox::Task) -> Result<(), Fault> {
        let core = self.core().clone();
        let after = core
            .store
            .clone()
            .write(Scope::System, move |tx| {
                Box::pin(async move {
                    let mut after = After::default();
                    let card = task.payload.0["approval"].as_str().and_then(|id| id.parse().ok());
                    match (task.kind.as_str(), card) {
                        (cards::ESCALATE, Some(card)) => cards::escalate(tx, card, &mut after).await?,
                        (decide::DECIDED, Some(card)) => decide::release(tx, card, &mut after).await?,
                        _ => {}
                    }
                    let (input, text) = match task.kind.as_str() {
                        "hold" => (Input::Held, "the time for second thoughts is over"),
                        _ => (Input::Expire, "its time is over"),
                    };
                    if let Some(run) = task.payload.0["run"].as_str().and_then(|run| run.parse().ok()) {
                        let (run, moment) = (runs::get(tx, run).await?, moments::note(tx.now(), text));
                        transition::advance(tx, &core, run, input, [moment], &mut after).await?;
                    }
                    outbox::done(tx, task.id).await?;
                    Ok(after)
                })
            })
            .await?;
        self.deliver(after);
        Ok(())
    }
}
