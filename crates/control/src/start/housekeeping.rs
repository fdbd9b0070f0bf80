//! What is kept only for a while is removed hourly, in small bites so that no write waits long.

use std::time::Duration;

use sf_runtime::OnError;
use sf_store::{
    cli_logins, deputies, devices, enrol, events, idempotency, inbox, invitations, learning, lockout, logs, metrics,
    resets, sessions, tickets,
};
use sf_types::{Fault, Scope, Timestamp};

use crate::control::Control;

/// How often the house is kept.
const EVERY: Duration = Duration::from_secs(3600);
/// Events kept for watchers that were away: 7 days.
pub const EVENTS_KEPT: Duration = Duration::from_secs(7 * 86_400);
/// Samples kept: 30 days.
pub const METRICS_KEPT: Duration = Duration::from_secs(30 * 86_400);
/// Ended sessions, used codes and tokens kept for a look: 30 days.
pub const CREDENTIALS_KEPT: Duration = Duration::from_secs(30 * 86_400);
/// Cards that somebody has put away stay away for so long: 60 days, longer than any card is shown.
pub const ASIDE_KEPT: Duration = Duration::from_secs(60 * 86_400);
/// What AI agents' confidence was learnt from is kept for a look: 400 days. What was learnt stays.
pub const SAMPLES_KEPT: Duration = Duration::from_secs(400 * 86_400);
/// Log lines removed in one bite.
const LOG_BITE: u32 = 5_000;

impl Control {
    pub(crate) fn start_housekeeping(&self) {
        let control = self.clone();
        self.core().tasks.spawn("housekeeping", OnError::Log, async move {
            let shutdown = control.core().tasks.shutdown();
            while !shutdown.is_requested() {
                if let Err(fault) = control.keep_house(control.now()).await {
                    tracing::warn!(%fault, "old rows could not be removed; tried again in an hour");
                }
                tokio::select! {
                    () = shutdown.requested() => {}
                    () = tokio::time::sleep(EVERY) => {}
                }
            }
            Ok::<(), Fault>(())
        });
    }

    async fn keep_house(&self, now: Timestamp) -> Result<(), Fault> {
        let store = &self.core().store;
        store
            .write(Scope::System, move |tx| {
                Box::pin(async move {
                    let credentials = now.minus(CREDENTIALS_KEPT);
                    sessions::prune(tx, credentials).await?;
                    devices::prune(tx, credentials).await?;
                    enrol::prune(tx, credentials).await?;
                    invitations::prune(tx, credentials).await?;
                    resets::prune(tx, credentials).await?;
                    tickets::prune(tx, credentials).await?;
                    cli_logins::prune(tx, credentials).await?;
                    lockout::prune(tx, credentials).await?;
                    deputies::prune(tx, credentials).await?;
                    inbox::prune(tx, now.minus(ASIDE_KEPT)).await?;
                    learning::prune(tx, now.minus(SAMPLES_KEPT)).await?;
                    idempotency::prune(tx).await?;
                    events::prune(tx, now.minus(EVENTS_KEPT)).await?;
                    metrics::prune(tx, now.minus(METRICS_KEPT)).await.map(drop)
                })
            })
            .await?;
        let logs = now.minus(self.core().options.retention.logs());
        let bite = move || {
            store.write(Scope::System, move |tx| Box::pin(async move { logs::prune(tx, logs, LOG_BITE).await }))
        };
        while bite().await? > 0 {}
        self.keep_audit_short(now).await
    }
}
