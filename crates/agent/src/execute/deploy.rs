//! A deploy: the old release serves until the new one has proven itself, and again as soon as it has not.
//!
//! make -> start beside the old one -> health -> switch -> drain -> watch -> stop the old one. The old process is kept
//! running through the watch, so that the return is one move of a pointer. Before each deed that a restarted agent
//! must know of, the phase is written down (see [`UnderWay`]).

mod facts;
pub(super) mod look;
mod take_back;

use std::time::Duration;

use sf_protocol::app::{AppState, RestartRule, SecretVar, TrafficMode};
use sf_protocol::command::Command;
use sf_protocol::order::{Deploy, DeploySource, GitSource};
use sf_protocol::outcome::{DeployFacts, Facts, Step};
use sf_protocol::patch::PatchFacts;
use sf_protocol::{Guard, Outcome, Verdict};
use sf_types::{AppId, ErrorKind, Fault, Millis, Port, ReleaseId};
use tokio_util::sync::CancellationToken;

use super::app::{AppRecord, Phase, UnderWay, traffic};
use super::launch::{Running, health};
use super::make::Wanted;
use super::node::Node;
use super::patch::Judged;
use super::progress::Progress;
use super::{End, outcome};
use crate::daemon::aside;
use crate::health::probe;
use crate::process::Process;
use crate::release::Release;

pub(super) use look::{look, with_last_lines};

/// Requests in flight on the old release get this long.
pub const DRAIN_MAX: Millis = Millis::secs(30);

/// One deploy at work.
#[derive(Debug)]
pub struct Deploying<'a> {
    pub(super) node: &'a Node,
    pub(super) progress: &'a Progress,
    pub(super) way: UnderWay,
    pub(super) watch: Millis,
    pub(super) release: Option<Release>,
    /// How long it took until the old release served again, where it had to.
    pub(super) restored_ms: Option<u64>,
}

/// Where the files of a release come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Origin<'a> {
    /// A repository.
    Git {
        /// Where.
        source: &'a GitSource,
        /// What it is opened with by ssh, in place of the node's own key.
        key: Option<&'a SecretVar>,
        /// Whether nothing may be left out.
        full: bool,
    },
    /// The disk.
    Kept,
    /// The live release, with one file changed.
    Patched(&'a Judged),
}

/// What a release has to be made of, and by when it has to be well.
#[derive(Clone, Copy, Debug)]
pub(super) struct Making<'a> {
    pub(super) origin: Origin<'a>,
    pub(super) time_limit: Millis,
}

impl Node {
    /// Carries out a deploy.
    pub(super) async fn deploy(&self, command: &Command, deploy: &Deploy, cancel: &CancellationToken) -> Outcome {
        let progress = Progress::new(command.id, command.authz.run, &self.state, &self.outbox, &self.clock);
        let app = deploy.app.app;
        let way = UnderWay {
            command: command.id,
            run: command.authz.run,
            spec: deploy.app.clone(),
            release: deploy.release,
            kept: deploy.from == DeploySource::Kept,
            old: self.live(app),
            was: self.apps.get(app).map_or(AppState::Stopped, |record| record.wanted),
            own: None,
            phase: Phase::Starting,
            started_at: progress.started_at,
            outcome: None,
            patch: None,
        };
        let origin = match &deploy.from {
            DeploySource::Git(source) => Origin::Git { source, key: deploy.key.as_ref(), full: deploy.full },
            DeploySource::Kept => Origin::Kept,
        };
        let making = Making { origin, time_limit: deploy.time_limit };
        let work =
            Deploying { node: self, progress: &progress, way, watch: deploy.watch, release: None, restored_ms: None };
        work.carry(command, making, cancel).await
    }

    /// Refuses an order whose guarded facts have changed.
    pub(super) fn check_guard(&self, app: AppId, guard: &Guard, given: &[SecretVar]) -> Result<(), End> {
        let moved = |message: String| {
            let fault = Fault::new(ErrorKind::Conflict, "guard.moved", message).fix("Look at what is there now.");
            Err(End::GuardMoved(fault))
        };
        let live = self.live(app);
        if guard.live_release.is_some() && guard.live_release != live {
            let words = |release: Option<ReleaseId>| release.map_or("none".to_owned(), |release| release.to_string());
            return moved(format!("Agreed on with release {} live; it is {}.", words(guard.live_release), words(live)));
        }
        for agreed in &guard.secrets {
            if let Some(var) = given.iter().find(|var| var.secret == agreed.secret && var.version != agreed.version) {
                let (name, version) = (&agreed.name, agreed.version);
                return moved(format!("Agreed on with version {version} of secret {name}; it is {}.", var.version));
            }
        }
        let generation = self.apps.get(app).map_or(0, |record| record.spec.generation);
        match guard.generation {
            Some(agreed) if agreed != generation => {
                moved(format!("Agreed on with generation {agreed}; it is {generation}."))
            }
            _ => Ok(()),
        }
    }
}

impl Deploying<'_> {
    pub(super) fn app(&self) -> AppId {
        self.way.spec.app
    }

    /// Carries it out when there is room for it.
    pub(super) async fn carry(mut self, command: &Command, making: Making<'_>, cancel: &CancellationToken) -> Outcome {
        let room = tokio::select! {
            room = self.node.deploys.acquire() => room.ok(),
            () = cancel.cancelled() => None,
        };
        let ended = match room {
            Some(_room) => Box::pin(self.run(command, making, cancel)).await,
            None => Err(End::Cancelled),
        };
        self.end(ended)
    }

    async fn run(&mut self, command: &Command, making: Making<'_>, cancel: &CancellationToken) -> Result<(), End> {
        let node = self.node;
        node.check_guard(self.app(), &command.guard, &self.way.spec.secrets)?;
        if let Some(record) = node.apps.get(self.app())
            && record.spec.generation > self.way.spec.generation
        {
            let message = format!("Generation {} is older than {}.", self.way.spec.generation, record.spec.generation);
            return Err(Fault::new(ErrorKind::Conflict, "deploy.older_generation", message).into());
        }
        // Everything up to the health check has to be done by then.
        let (stop, limit) = (cancel.child_token(), making.time_limit.duration());
        let prepared = {
            let work = self.prepare(making.origin, command.guard.commit.as_deref(), &stop);
            tokio::pin!(work);
            tokio::select! {
                done = &mut work => done,
                () = tokio::time::sleep(limit) => {
                    stop.cancel();
                    match work.await {
                        Err(End::Cancelled) if !cancel.is_cancelled() => Err(End::Failed(out_of_time(limit))),
                        other => other,
                    }
                }
            }
        };
        let running = match prepared {
            Ok(running) => running,
            Err(end) => {
                self.clean().await;
                return Err(end);
            }
        };
        self.switch(&running, cancel).await?;
        self.watch(running.process.as_ref(), self.watch, cancel).await
    }

    /// Everything that nobody notices: make, start, health.
    async fn prepare(
        &mut self,
        origin: Origin<'_>,
        commit: Option<&str>,
        cancel: &CancellationToken,
    ) -> Result<Running, End> {
        let (node, progress, spec) = (self.node, self.progress, self.way.spec.clone());
        let release = match origin {
            Origin::Git { source, key, full } => {
                let wanted = Wanted { spec: &spec, release: self.way.release, source, key, commit, full };
                node.make(wanted, progress, cancel).await?
            }
            Origin::Kept => self.kept(self.way.release)?,
            Origin::Patched(judged) => node.make_patched(judged, self.way.release, progress).await?,
        };
        self.release = Some(release.clone());
        if cancel.is_cancelled() {
            return Err(End::Cancelled);
        }
        progress.begin(Step::Start, "");
        let ended = |fault| node.step_failed(progress, fault);
        let stable = node.stable_port(&spec, &release).await.map_err(ended)?;
        self.remember(stable).map_err(ended)?;
        node.apps.advance(&self.way).map_err(ended)?;
        fail::fail_point!("deploy-before-start");
        let running = node.start(&spec, &release, RestartRule::NEVER).await.map_err(ended)?;
        self.way.own = running.own;
        fail::fail_point!("deploy-after-start");
        let beside = if self.way.old.is_some() { "beside the old release" } else { "the first release" };
        progress.done(&match (&running.process, running.own) {
            (None, _) => "static files: the relay serves them itself".to_owned(),
            (Some(_), Some(port)) => format!("{beside}, on port {port}"),
            (Some(_), None) => beside.to_owned(),
        });
        self.health(&release, &running, cancel).await?;
        Ok(running)
    }

    fn kept(&self, release: ReleaseId) -> Result<Release, End> {
        for step in [Step::Fetch, Step::Detect, Step::Install, Step::Build] {
            self.progress.skipped(step, "the release is on disk");
        }
        if self.way.old == Some(release) {
            let message = "This release is live already.";
            return Err(Fault::new(ErrorKind::Conflict, "deploy.already_live", message)
                .fix("Restart it instead.")
                .into());
        }
        let found = self.node.releases(self.app())?.get(release).map_err(Fault::from)?;
        found.ok_or_else(|| {
            let message = format!("Release {release} is not on this node's disk any more.");
            Fault::new(ErrorKind::Conflict, "deploy.not_kept", message).fix("Deploy its commit again.").into()
        })
    }

    /// A first deploy makes the app known; a later one notes its port.
    fn remember(&self, stable: Option<u16>) -> Result<(), Fault> {
        let record = self.node.apps.get(self.app()).unwrap_or_else(|| AppRecord {
            spec: self.way.spec.clone(),
            wanted: AppState::Stopped,
            stable,
            own: None,
            seen: self.node.clock.now(),
        });
        self.node.apps.put(AppRecord { stable: stable.or(record.stable), ..record })
    }

    async fn health(&self, release: &Release, running: &Running, cancel: &CancellationToken) -> Result<(), End> {
        let Some(process) = &running.process else {
            self.progress.skipped(Step::Health, "static files need none");
            return Ok(());
        };
        let check = health(&self.way.spec, release);
        self.progress.begin(Step::Health, "");
        let port = running.own.and_then(|port| Port::try_from(port).ok());
        tokio::select! {
            found = probe(&check, port, process) => match found {
                Ok(well) => {
                    self.progress.done(&format!("{} after {} ms", well.seen, well.took.0));
                    Ok(())
                }
                Err(error) => Err(self.node.step_failed(self.progress, with_last_lines(error.into(), process))),
            },
            () = cancel.cancelled() => {
                self.progress.failed("cancelled");
                Err(End::Cancelled)
            }
        }
    }

    /// Points the stable port at the new release and lets the old one finish what it holds. Who cancels it meanwhile waits for
    /// nobody: the watch takes it back.
    async fn switch(&mut self, running: &Running, cancel: &CancellationToken) -> Result<(), End> {
        let (node, progress, app) = (self.node, self.progress, self.app());
        if self.mode() == TrafficMode::None {
            progress.skipped(Step::Switch, "a worker has no port");
            return self.phase(self.watching()).map_err(End::Failed);
        }
        progress.begin(Step::Switch, "");
        node.as_good_as_others(&self.way.spec, self.way.release);
        let phase = self.phase(Phase::Switching);
        fail::fail_point!("deploy-before-switch");
        let switched = match phase {
            Ok(()) => node.relays.switch(app, running.pointer.clone()).await.map_err(Fault::from),
            Err(fault) => Err(fault),
        };
        fail::fail_point!("deploy-after-switch");
        if let Err(fault) = switched {
            progress.failed(&fault.message);
            // Whether it took effect is not known: pointing back is right in both cases.
            self.point_back().await?;
            self.clean().await;
            return Err(End::Failed(fault));
        }
        let stable = node.apps.get(app).and_then(|record| record.stable).unwrap_or(0);
        progress.done(&format!("port {stable} serves the new release"));
        if let Err(fault) = self.phase(self.watching()) {
            return Err(self.take_back(fault).await);
        }
        fail::fail_point!("deploy-watching");
        if self.way.old.is_none() {
            return Ok(());
        }
        progress.begin(Step::Drain, "");
        // A slow request on the old release must not hide that the new one has ended.
        let gone = async {
            match &running.process {
                Some(process) => drop(process.ended().await),
                None => std::future::pending().await,
            }
        };
        let drained = tokio::select! {
            drained = node.relays.drain(app, DRAIN_MAX) => Some(drained),
            () = gone => None,
            () = cancel.cancelled() => None,
        };
        match drained {
            Some(Ok(drained)) if drained.in_flight == 0 => progress.done(&format!("after {} ms", drained.took.0)),
            Some(Ok(drained)) => {
                progress.done(&format!("{} requests were still open after {} s", drained.in_flight, DRAIN_MAX.0 / 1000))
            }
            Some(Err(error)) => progress.failed(&error.to_string()),
            None if cancel.is_cancelled() => progress.failed("cancelled"),
            None => progress.failed("the new release ended"),
        }
        Ok(())
    }

    /// Live, and looked at: a release that ends or fails its check twice in a row is taken back.
    pub(super) async fn watch(
        &mut self,
        process: Option<&Process>,
        time: Millis,
        cancel: &CancellationToken,
    ) -> Result<(), End> {
        let progress = self.progress;
        match process {
            Some(process) if time.0 > 0 => {
                progress.begin(Step::Watch, &format!("live, watching {} s", time.0.div_ceil(1000)));
                let seen = tokio::select! {
                    fault = self.look(process) => Err(fault),
                    () = tokio::time::sleep(time.duration()) => Ok(()),
                    () = cancel.cancelled() => {
                        progress.failed("cancelled");
                        let fault = Fault::new(ErrorKind::Conflict, "deploy.cancelled", "It was cancelled while it was watched.");
                        return match self.take_back(fault).await {
                            End::RolledBack(_) => Err(End::Cancelled),
                            other => Err(other),
                        };
                    }
                };
                if let Err(fault) = seen {
                    progress.failed(&fault.message);
                    return Err(self.take_back(fault).await);
                }
                progress.done("still well");
            }
            _ => progress.skipped(Step::Watch, "nothing that could crash"),
        }
        self.settle(process).await
    }

    async fn look(&self, process: &Process) -> Fault {
        let check = self.release.as_ref().map(|release| health(&self.way.spec, release));
        look(check, self.way.own, process).await
    }

    /// It stays: the pointer on disk, its restart rule, the end of the old one.
    pub(super) async fn settle(&mut self, process: Option<&Process>) -> Result<(), End> {
        let (node, progress, app) = (self.node, self.progress, self.app());
        let releases = node.releases(app)?;
        fail::fail_point!("deploy-before-live");
        // From here on its shim starts it again. One that ended in the last moment is taken back while the old one runs.
        if let Some(process) = process
            && let Err(error) = process.set_restart_rule(self.way.spec.restart.clone()).await
        {
            return Err(self.take_back(error.into()).await);
        }
        let written = releases.go_live(self.way.release).map_err(Fault::from).and_then(|_| {
            fail::fail_point!("deploy-half-live");
            let (spec, own) = (self.way.spec.clone(), self.way.own);
            let worker = self.mode() == TrafficMode::None;
            node.apps.change(app, |record| {
                let stable = record.stable.filter(|_| !worker);
                *record = AppRecord { spec, own, wanted: AppState::Running, stable, seen: record.seen };
            })
        });
        if let Err(fault) = written {
            return Err(self.take_back(fault).await);
        }
        fail::fail_point!("deploy-live");
        self.phase(Phase::Settling).unwrap_or_else(|fault| tracing::warn!(%fault, "the phase could not be written"));
        if self.mode() == TrafficMode::None {
            drop(node.relays.remove(app, DRAIN_MAX).await);
        }
        match self.way.old.filter(|old| *old != self.way.release) {
            Some(old) => {
                progress.begin(Step::StopOld, "");
                match node.stop(old).await {
                    Ok(stopped) => progress.done(&stopped.unwrap_or_else(|| "it had ended".to_owned())),
                    // The new one serves: this is no failure of the deploy.
                    Err(fault) => progress.failed(&fault.message),
                }
            }
            None => progress.skipped(Step::StopOld, "there was none"),
        }
        fail::fail_point!("deploy-old-stopped");
        self.prune().await;
        Ok(())
    }

    async fn prune(&self) {
        let (node, app, release) = (self.node, self.app(), self.way.release);
        let keep = self.way.spec.keep_releases;
        let pruned = match node.releases(app) {
            Ok(releases) => aside::long(move || releases.prune(keep, &[release])).await.map_err(Fault::from),
            Err(fault) => Err(fault),
        };
        match pruned {
            Ok(removed) => {
                node.tidy_images(app).await;
                for release in removed {
                    drop(node.supervisor.remove(release));
                    node.remove_log(app, release).await;
                }
            }
            Err(fault) => tracing::warn!(%app, %fault, "old releases could not be removed"),
        }
    }

    fn mode(&self) -> TrafficMode {
        let plan = self.release.as_ref().map(|release| &release.manifest.plan);
        plan.map_or(self.way.spec.traffic.mode, |plan| traffic(&self.way.spec, plan).mode)
    }

    fn phase(&mut self, phase: Phase) -> Result<(), Fault> {
        self.way.phase = phase;
        self.node.apps.advance(&self.way)
    }

    fn watching(&self) -> Phase {
        Phase::Watching { until: self.node.clock.now().plus(self.watch.duration()) }
    }

    /// The node's word on it, also kept beside the app until the journal has it: a restarted agent repeats it.
    pub(super) fn end(&mut self, ended: Result<(), End>) -> Outcome {
        let outcome = self.outcome(ended);
        self.way.outcome = Some(outcome.clone());
        if self.node.apps.get(self.app()).is_some()
            && let Err(fault) = self.node.apps.advance(&self.way)
        {
            tracing::warn!(%fault, "how the deploy ended could not be kept beside the app");
        }
        outcome
    }

    fn outcome(&self, ended: Result<(), End>) -> Outcome {
        let node = self.node;
        let manifest = self.release.as_ref().map(|release| &release.manifest);
        let path = self.release.as_ref().filter(|_| !self.way.kept).and_then(crate::making::hot::path_of);
        let deploy = DeployFacts { path, ..node.deploy_facts(self.app(), self.way.release, manifest, self.progress) };
        let deploy = deploy.spoken(node.outbox.spoken());
        let facts = match &self.way.patch {
            Some(note) => Facts::Patch(Box::new(PatchFacts { restored_ms: self.restored_ms, ..note.facts(deploy) })),
            None => Facts::Deploy(deploy),
        };
        let (verdict, fault) = match ended {
            Ok(()) => (Verdict::Succeeded, None),
            Err(end) => end.verdict(),
        };
        outcome(node, self.way.command, (verdict, fault), facts, self.way.started_at)
    }
}

fn out_of_time(limit: Duration) -> Fault {
    let message = format!("It was not ready within its {} s.", limit.as_secs());
    Fault::new(ErrorKind::Timeout, "deploy.time", message).fix("Make the build quicker, or give the deploy more time.")
}
