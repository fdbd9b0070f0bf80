//! Making true what should be: at the start of the agent, and when the control plane says what it believes.

use sf_protocol::app::{AppSpec, AppState};
use sf_protocol::command::Command;
use sf_protocol::order::{DesiredApp, DesiredState};
use sf_protocol::outcome::Facts;
use sf_protocol::report::LogSource;
use sf_protocol::site::SiteSpec;
use sf_protocol::{Outcome, Verdict};
use sf_types::{AppId, ErrorKind, Fault, ReleaseId, SecretId};
use tokio_util::sync::CancellationToken;

use super::app::{AppRecord, traffic};
use super::launch::pointer;
use super::node::Node;
use super::progress::Progress;
use super::{End, outcome};
use crate::daemon::aside;
use crate::process::Adopted;
use crate::shim::state::Status;

/// What a starting agent found.
#[derive(Debug, Default)]
pub struct Start {
    /// Processes that live on.
    pub living: usize,
    /// Those that ended, with how: crashes while the agent was away among them.
    pub ended: Vec<Status>,
    /// Processes killed together with their holders: by a reboot, for one.
    pub lost: Vec<Status>,
}

impl Node {
    /// Finds processes and relays again. Nothing is started twice.
    pub async fn adopt(&self) -> Start {
        let (adopted, relays) = tokio::join!(self.supervisor.adopt_all(), self.relays.adopt());
        for (app, relay) in relays {
            if let Err(error) = relay {
                self.outbox.notice("relay.lost", format!("The relay of app {app} could not be started: {error}."));
            }
        }
        let Adopted { living, ended, lost, damaged } = adopted.unwrap_or_else(|error| {
            self.outbox.notice("process.folder", error.to_string());
            Adopted::default()
        });
        for (folder, why) in damaged {
            tracing::warn!(folder = %folder.path().display(), %why, "a run folder cannot be used");
        }
        for record in self.apps.list() {
            self.outbox.secrets(record.spec.app, self.secrets(&record.spec));
        }
        self.know_logs().await;
        for process in &living {
            let status = process.status();
            let source = LogSource::App { app: status.app, release: status.release };
            self.outbox.follow(source, process, &self.tasks);
        }
        Start { living: living.len(), ended, lost }
    }

    /// Apps that should run do, those that should not do not, with or without a control plane. `busy` apps have a
    /// promise to be ended first, which sees to them.
    pub async fn converge(&self, start: &Start, busy: &[AppId]) {
        let apps = self.apps.list().into_iter().filter(|record| !busy.contains(&record.spec.app));
        let work = apps.map(|record| async move {
            if let Err(fault) = self.converge_one(&record, start).await {
                let message = format!("{} is not as it should be: {fault}", record.spec.slug);
                self.outbox.notice("app.converge", message);
            }
        });
        futures_util::future::join_all(work).await;
        self.sweep(busy).await;
    }

    async fn converge_one(&self, record: &AppRecord, start: &Start) -> Result<(), Fault> {
        let app = record.spec.app;
        let Some(live) = self.live(app) else { return Ok(()) };
        if record.wanted != AppState::Running {
            if self.process(live).is_some() {
                self.stop(live).await?;
            }
            return Ok(());
        }
        let given_up = |status: &&Status| status.release == live && status.state == AppState::Failed;
        let lost = start.lost.iter().any(|status| status.release == live);
        if let Some(status) = start.ended.iter().find(given_up).filter(|_| !lost) {
            tracing::info!(%app, reason = status.reason, "it crashed too often and waits for a person");
            return Ok(());
        }
        if self.process(live).is_none() {
            let progress = self.silent_progress();
            return match Box::pin(self.ensure_running(record, &progress, None)).await {
                Ok(()) => Ok(()),
                Err(End::Failed(fault) | End::RolledBack(fault) | End::GuardMoved(fault)) => Err(fault),
                Err(End::Cancelled) => Ok(()),
            };
        }
        // It runs: does its stable port lead there?
        let release = self.live_release(app)?;
        if traffic(&record.spec, &release.manifest.plan).mode != sf_protocol::app::TrafficMode::None {
            self.stable_port(&record.spec, &release).await?;
            self.relays.switch(app, pointer(&release, record.own)).await?;
        }
        Ok(())
    }

    /// Processes that belong to no live release, and what crashed deploys left on disk.
    async fn sweep(&self, busy: &[AppId]) {
        for process in self.supervisor.list() {
            let status = process.status();
            let stray = !busy.contains(&status.app) && self.live(status.app) != Some(status.release);
            if stray && !status.ended {
                tracing::warn!(app = %status.app, release = %status.release, "a process of no live release is stopped");
                if let Err(fault) = self.stop(status.release).await {
                    tracing::warn!(%fault, "it could not be stopped");
                }
            }
        }
        for record in self.apps.list().into_iter().filter(|record| !busy.contains(&record.spec.app)) {
            if let Ok(releases) = self.releases(record.spec.app)
                && let Err(error) = aside::long(move || releases.sweep()).await
            {
                tracing::warn!(%error, "leftovers could not be removed");
            }
        }
        let inspected = self.state.join("inspect");
        drop(aside::long(move || crate::release::tree::remove(&inspected)).await);
    }

    /// Carries out a snapshot of what should be true. It changes only apps of which it has a newer generation than this
    /// node has seen, so it can never lower one; it makes no app and removes none.
    pub(super) async fn converge_to(&self, command: &Command, desired: &DesiredState) -> Outcome {
        let started_at = self.clock.now();
        let mut faults = Vec::new();
        for site in &desired.sites {
            if let Err(fault) = self.converge_site(site).await {
                faults.push(format!("{}: {fault}", site.domain));
            }
        }
        for spec in &desired.schedules {
            if let Err(fault) = self.converge_schedule(spec) {
                faults.push(format!("{}: {fault}", spec.name));
            }
        }
        for spec in &desired.servers {
            if let Err(fault) = Box::pin(self.converge_to_server(spec)).await {
                faults.push(format!("{}: {fault}", spec.slug));
            }
        }
        for one in &desired.apps {
            if let Err(end) = Box::pin(self.converge_app(one)).await {
                let (_, fault) = end.verdict();
                faults.extend(fault.map(|fault| format!("{}: {fault}", one.spec.slug)));
            }
        }
        let fault = (!faults.is_empty()).then(|| {
            Fault::new(ErrorKind::Conflict, "desired_state.partly", faults.join(" "))
                .fix("Deploy the apps named; the others are as they should be.")
        });
        let verdict = if fault.is_some() { Verdict::Failed } else { Verdict::Succeeded };
        outcome(self, command.id, (verdict, fault), Facts::None, started_at)
    }

    /// A site of which a newer generation is wanted than is served.
    async fn converge_site(&self, site: &SiteSpec) -> Result<(), Fault> {
        let served = self.proxy.report(site.proxy);
        if served.is_some_and(|served| served.generation >= site.generation) {
            return Ok(());
        }
        self.proxy.put(&self.policy()?.proxy, site.clone(), self.app_ports()).await?;
        self.proxy.look_again();
        Ok(())
    }

    async fn converge_app(&self, desired: &DesiredApp) -> Result<(), End> {
        let app = desired.spec.app;
        let known = self.apps.get(app);
        // One of the same generation is held already, and kept true without anybody's word: what has crashed too often
        // still waits for a person then.
        if known.as_ref().is_some_and(|record| record.spec.generation >= desired.spec.generation) {
            return Ok(());
        }
        let live = self.live(app);
        if desired.release.is_some() && desired.release != live {
            let words = |release: Option<ReleaseId>| release.map_or("none".to_owned(), |release| release.to_string());
            let message = format!("Release {} should be live, and {} is.", words(desired.release), words(live));
            return Err(Fault::new(ErrorKind::Conflict, "desired_state.release", message).into());
        }
        let Some(known) = known else { return Ok(()) };
        let wanted = if desired.state == AppState::Stopped { AppState::Stopped } else { AppState::Running };
        // What a process is given when it starts needs a fresh one.
        let outdated = known.spec.env != desired.spec.env
            || known.spec.limits != desired.spec.limits
            || versions(&known.spec) != versions(&desired.spec);
        let record = AppRecord { spec: desired.spec.clone(), wanted, ..known };
        self.apps.put(record.clone())?;
        let Some(live) = live else { return Ok(()) };
        let progress = self.silent_progress();
        match (wanted, self.process(live)) {
            (AppState::Stopped, _) => self.halt(&record, &progress).await.map(drop)?,
            (_, Some(_)) if outdated => self.restart(&record, &progress, &CancellationToken::new()).await.map(drop)?,
            (_, Some(process)) => {
                if let Err(error) = process.set_restart_rule(record.spec.restart.clone()).await {
                    tracing::warn!(%app, %error, "the restart rule could not be set");
                }
                // Its port and its protocol may be others.
                self.ensure_running(&record, &progress, None).await?;
            }
            (_, None) => self.ensure_running(&record, &progress, None).await?,
        }
        Ok(())
    }

    /// For work that no command asked for: its steps are in the agent's own log only.
    pub(crate) fn silent_progress(&self) -> Progress {
        Progress::silent(&self.outbox, &self.clock)
    }

    /// Everything about apps that changed while the agent was away.
    pub fn tell_of(&self, start: &Start) {
        for status in start.ended.iter().chain(&start.lost) {
            self.tell_exits(status);
        }
        for process in self.supervisor.list() {
            self.tell_exits(&process.status());
        }
    }

    /// Ends of processes that were not told of yet.
    pub(super) fn tell_exits(&self, status: &Status) {
        let Some(record) = self.apps.get(status.app) else { return };
        let live = self.live(status.app);
        if live != Some(status.release) {
            return;
        }
        let fresh: Vec<_> = status.exits.iter().filter(|exit| exit.at > record.seen && !exit.asked).collect();
        let Some(last) = fresh.last().map(|exit| exit.at) else { return };
        for exit in &fresh {
            let is_last = exit.at == last;
            let state = if is_last { status.state } else { AppState::Crashed };
            let reason = if is_last && !status.reason.is_empty() && status.state != AppState::Running {
                status.reason.clone()
            } else {
                format!("{exit}; started again")
            };
            self.outbox.event(sf_protocol::report::NodeEvent::App {
                app: status.app,
                release: live,
                state,
                restarts: status.restarts,
                reason: format!("{reason} ({})", exit.at),
            });
        }
        self.apps.saw(status.app, last);
    }
}

/// Which secrets in which versions a process has: sealed anew, an equal value looks different.
fn versions(spec: &AppSpec) -> Vec<(&str, SecretId, u32)> {
    spec.secrets.iter().map(|var| (var.name.as_str(), var.secret, var.version)).collect()
}
