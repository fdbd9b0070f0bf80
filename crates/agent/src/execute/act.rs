//! Orders about an app's processes: start, stop, restart, delete, report.

mod schedule;

use sf_protocol::app::{AppState, TrafficMode};
use sf_protocol::command::Command;
use sf_protocol::order::{AppAction, AppVerb};
use sf_protocol::outcome::{Facts, Step};
use sf_protocol::schedule::Whose;
use sf_protocol::{Outcome, Verdict};
use sf_types::{AppId, ErrorKind, Fault, Millis, Port};
use tokio_util::sync::CancellationToken;

use super::app::{AppRecord, traffic, unknown};
use super::deploy::DRAIN_MAX;
use super::launch::{health, pointer};
use super::node::Node;
use super::progress::Progress;
use super::{End, outcome};
use crate::daemon::aside;
use crate::health::probe;
use crate::relay::Pointer;
use crate::release::Release;

/// Requests wait this long in the relay while a process is replaced.
const HOLD_MAX: Millis = Millis::secs(60);
/// Pause between two looks at what is in flight.
const IDLE_LOOK: std::time::Duration = std::time::Duration::from_millis(20);

impl Node {
    /// Carries out an order about an app's processes.
    pub(super) async fn act(&self, command: &Command, action: &AppAction, cancel: &CancellationToken) -> Outcome {
        let progress = Progress::new(command.id, command.authz.run, &self.state, &self.outbox, &self.clock);
        let ended = Box::pin(self.do_act(command, action, &progress, cancel)).await;
        let (stopped_by, verdict) = match ended {
            Ok(stopped_by) => (stopped_by, (Verdict::Succeeded, None)),
            Err(end) => (None, end.verdict()),
        };
        let facts = Facts::App(self.app_facts(action.app, stopped_by));
        outcome(self, command.id, verdict, facts, progress.started_at)
    }

    async fn do_act(
        &self,
        command: &Command,
        action: &AppAction,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Option<String>, End> {
        let app = action.app;
        self.check_guard(app, &command.guard, &action.secrets)?;
        if cancel.is_cancelled() {
            return Err(End::Cancelled);
        }
        if action.verb == AppVerb::Delete {
            return Ok(self.delete(app, progress).await?);
        }
        let record = self.apps.get(app).ok_or_else(|| unknown(app))?;
        if action.verb == AppVerb::Status {
            return Ok(None);
        }
        if action.generation < record.spec.generation {
            let message = format!("Generation {} is older than {}.", action.generation, record.spec.generation);
            return Err(Fault::new(ErrorKind::Conflict, "app.older_generation", message).into());
        }
        let wanted = if action.verb == AppVerb::Stop { AppState::Stopped } else { AppState::Running };
        let record = self.apps.change(app, |record| {
            record.spec.generation = action.generation;
            record.spec.renew(action.secrets.clone());
            record.wanted = wanted;
        })?;
        match action.verb {
            AppVerb::Stop => Ok(self.halt(&record, progress).await?),
            AppVerb::Restart => self.restart(&record, progress, cancel).await,
            AppVerb::Start | AppVerb::Delete | AppVerb::Status => {
                self.ensure_running(&record, progress, Some(cancel)).await?;
                Ok(None)
            }
        }
    }

    pub(crate) fn live_release(&self, app: AppId) -> Result<Release, Fault> {
        let never = || {
            let message = "This app has no release on this node.";
            Fault::new(ErrorKind::Conflict, "app.never_deployed", message).fix("Deploy it first.")
        };
        let releases = self.releases(app)?;
        let live = releases.live()?.live.ok_or_else(never)?;
        releases.get(live)?.ok_or_else(never)
    }

    /// The live release runs, is well, and its stable port points at it. One that runs is left alone.
    pub(super) async fn ensure_running(
        &self,
        record: &AppRecord,
        progress: &Progress,
        cancel: Option<&CancellationToken>,
    ) -> Result<(), End> {
        let app = record.spec.app;
        let release = self.live_release(app)?;
        let stable = self.stable_port(&record.spec, &release).await?;
        if stable.is_some() && stable != record.stable {
            self.apps.change(app, |record| record.stable = stable)?;
        }
        progress.begin(Step::Start, "");
        let running = match self.process(release.manifest.release) {
            Some(process) => {
                progress.done("it runs already");
                (Some(process), record.own)
            }
            None => {
                let started = self.start(&record.spec, &release, record.spec.restart.clone()).await;
                let started = started.map_err(|fault| self.step_failed(progress, fault))?;
                let own = started.own;
                self.apps.change(app, |record| record.own = own)?;
                progress.done("");
                (started.process, own)
            }
        };
        if let (Some(process), Some(cancel)) = (&running.0, cancel) {
            progress.begin(Step::Health, "");
            let check = health(&record.spec, &release);
            let port = running.1.and_then(|port| Port::try_from(port).ok());
            let found = tokio::select! {
                found = probe(&check, port, process) => found.map_err(Fault::from),
                () = cancel.cancelled() => return Err(End::Cancelled),
            };
            let well = found.map_err(|fault| self.step_failed(progress, fault));
            // Well or not, it is what the owner wants to run: its restart rule goes on.
            self.point(record, &release, running.1).await?;
            progress.done(&well?.seen);
        } else {
            self.point(record, &release, running.1).await?;
        }
        Ok(())
    }

    async fn point(&self, record: &AppRecord, release: &Release, own: Option<u16>) -> Result<(), Fault> {
        if traffic(&record.spec, &release.manifest.plan).mode != TrafficMode::None {
            self.relays.switch(record.spec.app, pointer(release, own)).await?;
        }
        Ok(())
    }

    /// New requests get the "stopped" page, open ones are finished, the process ends.
    pub(super) async fn halt(&self, record: &AppRecord, progress: &Progress) -> Result<Option<String>, Fault> {
        let app = record.spec.app;
        progress.begin(Step::Stop, "");
        if record.stable.is_some() && self.relays.switch(app, Pointer::NOTHING).await.is_ok() {
            drop(self.relays.drain(app, DRAIN_MAX).await);
        }
        let Some(live) = self.live(app) else { return Ok(None) };
        let stopped = self.stop(live).await.inspect_err(|fault| progress.failed(&fault.message))?;
        progress.done(stopped.as_deref().unwrap_or("it had ended"));
        Ok(stopped)
    }

    /// A fresh process of the live release. Requests wait in the relay meanwhile, so none is lost; they wait there and
    /// not beside a second process because a release has one log with one writer.
    pub(super) async fn restart(
        &self,
        record: &AppRecord,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Option<String>, End> {
        let app = record.spec.app;
        let release = self.live_release(app)?;
        let held = record.stable.is_some() && self.relays.hold(app, HOLD_MAX).await.is_ok();
        if held {
            self.until_idle(app).await;
        }
        progress.begin(Step::Stop, if held { "requests wait meanwhile" } else { "" });
        let stopped = self.stop(release.manifest.release).await;
        let stopped = stopped.map_err(|fault| self.step_failed(progress, fault));
        if let Ok(how) = &stopped {
            progress.done(how.as_deref().unwrap_or("it had ended"));
        }
        let started = match &stopped {
            Ok(_) => self.ensure_running(record, progress, Some(cancel)).await,
            Err(_) => Ok(()),
        };
        if held {
            drop(self.relays.resume(app).await);
        }
        let stopped = stopped?;
        started.map(|()| stopped)
    }

    /// What is in flight is finished by the process that holds it, while new requests wait.
    async fn until_idle(&self, app: AppId) {
        let idle = async {
            while let Ok(status) = self.relays.status(app).await {
                if status.in_flight == 0 && status.draining.is_empty() {
                    return;
                }
                tokio::time::sleep(IDLE_LOOK).await;
            }
        };
        drop(tokio::time::timeout(DRAIN_MAX.duration(), idle).await);
    }

    /// Everything of the app goes: processes, port, releases, logs, caches, numbers.
    async fn delete(&self, app: AppId, progress: &Progress) -> Result<Option<String>, Fault> {
        let releases = self.releases(app)?;
        let record = self.apps.get(app);
        if let Some(record) = &record {
            self.apps.put(AppRecord { wanted: AppState::Stopped, ..record.clone() })?;
        }
        let stopped = match &record {
            Some(record) => self.halt(record, progress).await?,
            None => None,
        };
        self.forget_schedules(Whose::App(app)).await?;
        for release in releases.list() {
            self.stop(release.manifest.release).await?;
        }
        self.forget_sites(app).await;
        progress.begin(Step::Remove, "");
        let gone = async {
            self.relays.remove(app, Millis::secs(1)).await?;
            let key = app.to_string();
            self.sources.forget(&key).await.map_err(|error| super::app::disk(&self.state.join("cache"), &error))?;
            let had_images = self.has_images(app);
            aside::long(move || releases.remove_all()).await?;
            if had_images {
                self.remove_images(app).await;
            }
            Ok::<(), Fault>(())
        };
        gone.await.inspect_err(|fault| progress.failed(&fault.message))?;
        self.apps.forget(app);
        self.outbox.forget(app);
        for name in ["app", "build", "relay"].map(|whose| format!("{whose}-{app}")) {
            if let Err(error) = self.users.give_back(&name) {
                tracing::warn!(%name, %error, "a user number could not be given back");
            }
        }
        progress.done("releases, logs, port and data are gone");
        Ok(stopped)
    }
}
