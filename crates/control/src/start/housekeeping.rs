//! What is kept only for a while is removed hourly, in small bites so that no write waits long.

use std::time::Duration;

use sf_actions::app::LogsKept;
use sf_protocol::report::LogSource;
use sf_runtime::OnError;
use sf_store::logs::{Cut, LogCursor};
use sf_store::metrics::Subjects;
use sf_store::metrics::history::Horizon;
use sf_store::{
    alerts, apps, cli_logins, clients, deputies, devices, enrol, events, idempotency, inbox, invitations, learning,
    lockout, logs, mcp_calls, metrics, resets, sessions, tickets,
};
use sf_types::{Fault, Scope, Timestamp};

use crate::control::Control;
use crate::node::receive::found;

/// How often the house is kept.
const EVERY: Duration = Duration::from_secs(3600);
/// How often metrics are folded and logs kept within their days and bytes.
const EVERY_SHORT: Duration = Duration::from_secs(300);
/// Events kept for watchers that were away: 7 days.
pub const EVENTS_KEPT: Duration = Duration::from_secs(7 * 86_400);
/// Ended sessions, used codes and tokens kept for a look: 30 days.
pub const CREDENTIALS_KEPT: Duration = Duration::from_secs(30 * 86_400);
/// Cards that somebody has put away stay away for so long: 60 days, longer than any card is shown.
pub const ASIDE_KEPT: Duration = Duration::from_secs(60 * 86_400);
/// What AI agents' confidence was learnt from is kept for a look: 400 days. What was learnt stays.
pub const SAMPLES_KEPT: Duration = Duration::from_secs(400 * 86_400);
/// Log lines removed in one bite: a few milliseconds of the writer.
const LOG_BITE: u32 = 1_000;
/// Samples folded into the history in one bite: a few milliseconds of the writer.
const FOLD_BITE: u32 = 250;
/// Samples, and rows of each step, of one machine or app removed in one bite.
const METRICS_BITE: u32 = 1_000;

impl Control {
    pub(crate) fn start_housekeeping(&self) {
        let control = self.clone();
        self.core().tasks.spawn("housekeeping", OnError::Log, async move {
            let shutdown = control.core().tasks.shutdown();
            let mut whole = tokio::time::Instant::now();
            while !shutdown.is_requested() {
                let now = control.now();
                let kept = if whole <= tokio::time::Instant::now() {
                    whole = tokio::time::Instant::now() + EVERY;
                    control.keep_house(now).await
                } else {
                    control.keep_observed(now).await
                };
                if let Err(fault) = kept {
                    tracing::warn!(%fault, "old rows could not be removed; tried again later");
                }
                tokio::select! {
                    () = shutdown.requested() => {}
                    () = tokio::time::sleep(EVERY_SHORT) => {}
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
                    clients::prune(tx, now).await?;
                    lockout::prune(tx, credentials).await?;
                    deputies::prune(tx, credentials).await?;
                    inbox::prune(tx, now.minus(ASIDE_KEPT)).await?;
                    learning::prune(tx, now.minus(SAMPLES_KEPT)).await?;
                    idempotency::prune(tx).await?;
                    events::prune(tx, now.minus(EVENTS_KEPT)).await.map(drop)
                })
            })
            .await?;
        let bite = || store.write(Scope::System, move |tx| Box::pin(alerts::prune(tx, now.minus(alerts::KEPT))));
        while bite().await? > 0 {}
        let bite = || store.write(Scope::System, move |tx| Box::pin(mcp_calls::prune(tx, now.minus(mcp_calls::KEPT))));
        while bite().await? > 0 {}
        self.keep_observed(now).await?;
        self.keep_audit_short(now).await
    }

    /// What machines and apps send all the time is looked after more often than the rest: metrics are folded into their
    /// history, and logs kept within their days and bytes.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn keep_observed(&self, now: Timestamp) -> Result<(), Fault> {
        self.keep_logs_short(now).await?;
        self.keep_history(now).await
    }

    /// Lines older than their app keeps them go, and the oldest of an app that has too many bytes of them.
    async fn keep_logs_short(&self, now: Timestamp) -> Result<(), Fault> {
        let reader = self.core().store.read(Scope::System);
        for (app, mut bytes) in logs::kept(&reader).await? {
            let own = match app {
                Some(app) => found(apps::get(&reader, app).await)?.map(|app| app.settings.0.logs).unwrap_or_default(),
                None => LogsKept::default(),
            };
            let (kept_for, most) = self.core().options.retention.logs(own);
            let before = now.minus(kept_for);
            for log in logs::older(&reader, app, before).await?.iter().filter_map(LogCursor::log) {
                bytes = bytes.saturating_sub(self.cut(log, |_| Cut::Before(before)).await?);
            }
            let Some(app) = app.filter(|_| bytes > most) else { continue };
            let mut over = bytes - most;
            for log in logs::oldest_first(&reader, app).await?.iter().filter_map(LogCursor::log) {
                if over == 0 {
                    break;
                }
                over = over.saturating_sub(self.cut(log, |freed| Cut::Bytes(over.saturating_sub(freed))).await?);
            }
        }
        Ok(())
    }

    /// Cuts a log bite by bite until nothing more goes; answers how many bytes are free.
    async fn cut(&self, log: LogSource, what: impl Fn(u64) -> Cut) -> Result<u64, Fault> {
        let (store, mut freed) = (&self.core().store, 0);
        loop {
            let cut = what(freed);
            let bite = store.write(Scope::System, move |tx| Box::pin(logs::cut(tx, log, cut, LOG_BITE))).await?;
            if bite == 0 {
                return Ok(freed);
            }
            freed += bite;
        }
    }

    /// Samples become history before they go.
    async fn keep_history(&self, now: Timestamp) -> Result<(), Fault> {
        let store = &self.core().store;
        let kept = self.core().options.retention.metrics();
        let (samples, fine) = (now.minus(kept.samples), now.minus(kept.fine));
        let before = Horizon { samples, fine, coarse: now.minus(kept.coarse) };
        for of in Subjects::ALL {
            let bite = || store.write(Scope::System, move |tx| Box::pin(metrics::fold(tx, of, FOLD_BITE)));
            while bite().await? > 0 {}
            for id in metrics::overdue(&store.read(Scope::System), of, before).await? {
                let bite =
                    || store.write(Scope::System, move |tx| Box::pin(metrics::prune(tx, of, id, before, METRICS_BITE)));
                while bite().await? > 0 {}
            }
        }
        Ok(())
    }
}
