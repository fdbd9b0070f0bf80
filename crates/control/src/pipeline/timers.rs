//! What comes back later: holds, expiries. Rows of the outbox with a due time, performed by one lane that sleeps until
//! the next is due and is woken by new ones; after a start it simply goes on.

use std::time::Duration;

use sf_engine::Input;
use sf_runtime::OnError;
use sf_store::{Look, outbox};
use sf_types::{Fault, Scope, Timestamp};

use crate::control::Control;
use crate::moments;
use crate::transition::{self, After};

/// The lane's name in the outbox.
pub(crate) const LANE: &str = "timers";
/// Timers performed in one transaction at the most.
const BATCH: u32 = 64;
/// Longer than any batch takes.
const LEASE: Duration = Duration::from_secs(30);
/// The lane looks at least this often, in case a due time was written by another control plane.
const IDLE: Duration = Duration::from_secs(5);
/// While something is held back for a person's second thoughts the lane looks this often.
const PRECISION: Duration = Duration::from_millis(500);

impl Control {
    /// Starts the lane.
    pub(crate) fn start_timers(&self) {
        let control = self.clone();
        self.core().tasks.spawn("timers", OnError::Stop, async move {
            let shutdown = control.core().tasks.shutdown();
            while !shutdown.is_requested() {
                let wait = match control.perform_due().await {
                    Ok(Some(next)) => next.since(control.now()).clamp(PRECISION, IDLE),
                    Ok(None) => IDLE,
                    Err(error) => {
                        tracing::warn!(%error, "timers could not be performed; tried again");
                        IDLE
                    }
                };
                tokio::select! {
                    () = shutdown.requested() => {}
                    () = tokio::time::sleep(wait) => {}
                    () = control.core().timer_armed.notified() => {}
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
        let core = self.core().clone();
        let store = core.store.clone();
        let (after, next) = store
            .write(Scope::System, move |tx| {
                Box::pin(async move {
                    let mut after = After::default();
                    for task in outbox::claim(tx, LANE, BATCH, LEASE).await? {
                        let (input, text) = match task.kind.as_str() {
                            "hold" => (Input::Held, "the time for second thoughts is over"),
                            _ => (Input::Expire, "its time is over"),
                        };
                        if let Some(run) = task.payload.0["run"].as_str().and_then(|run| run.parse().ok()) {
                            let moment = moments::note(tx.now(), text);
                            transition::advance(tx, &core, run, input, moment, &mut after).await?;
                        }
                        outbox::done(tx, task.id).await?;
                    }
                    let next = outbox::next_due(tx, LANE).await?;
                    Ok((after, next))
                })
            })
            .await?;
        self.deliver(after);
        Ok(next)
    }
}
