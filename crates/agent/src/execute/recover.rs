//! Ending what a predecessor promised: by looking at what is there, never by doing it again blindly.

use std::sync::Arc;
use std::time::Duration;

use sf_protocol::app::AppState;
use sf_protocol::command::Command;
use sf_protocol::order::{AppVerb, Deploy, DeploySource, Order};
use sf_protocol::outcome::{Facts, Step};
use sf_protocol::{Outcome, Verdict};
use sf_types::{ErrorKind, Fault, Millis, Timestamp};
use tokio_util::sync::CancellationToken;

use super::app::{Phase, UnderWay};
use super::deploy::Deploying;
use super::node::Node;
use super::progress::Progress;
use super::{End, outcome};

impl Node {
    /// The truthful end of a command that was accepted at `at` by an agent that is no more.
    pub(super) async fn reconcile(self: &Arc<Self>, command: &Command, at: Timestamp) -> Outcome {
        let cancel = CancellationToken::new();
        match &command.order {
            Order::Deploy(deploy) => Box::pin(self.recover_deploy(command, deploy, at)).await,
            Order::AppAction(action) if action.verb == AppVerb::Restart && self.restarted_since(action.app, at) => {
                outcome(self, command.id, (Verdict::Succeeded, None), Facts::App(self.app_facts(action.app, None)), at)
            }
            // The others say what shall be, and leave alone what is so already.
            Order::AppAction(action) => self.act(command, action, &cancel).await,
            Order::ProvisionDomain(wanted) => self.provision(command, wanted, &cancel).await,
            Order::DeleteProxy(gone) => self.unprovision(command, gone).await,
            Order::Patch(patch) => Box::pin(self.recover_patch(command, patch, at)).await,
            Order::ServiceAction(wanted) => self.recover_steering(command, wanted, at).await,
            Order::Schedule(order) => self.schedule(command, order).await,
            Order::DesiredState(desired) => self.converge_to(command, desired).await,
            Order::ServerAction(action) => Box::pin(self.reconcile_server(command, action, at)).await,
            Order::FileAction(action) => self.reconcile_files(command, action, at),
            Order::Void(_) => outcome(self, command.id, (Verdict::Voided, None), Facts::None, at),
            Order::Cancel(_) | Order::Query(_) => {
                let fault = interrupted("What it was to cancel was ended by the restart itself.");
                outcome(self, command.id, (Verdict::Failed, Some(fault)), Facts::None, at)
            }
        }
    }

    fn restarted_since(&self, app: sf_types::AppId, at: Timestamp) -> bool {
        let process = self.live(app).and_then(|live| self.process(live));
        process.is_some_and(|process| process.status().started_at >= at)
    }

    async fn recover_deploy(&self, command: &Command, deploy: &Deploy, at: Timestamp) -> Outcome {
        let (app, live) = (deploy.app.app, self.live(deploy.app.app));
        let nothing_yet = UnderWay {
            command: command.id,
            run: command.authz.run,
            spec: deploy.app.clone(),
            release: deploy.release,
            kept: deploy.from == DeploySource::Kept,
            old: live.filter(|live| *live != deploy.release),
            was: self.apps.get(app).map_or(AppState::Stopped, |record| record.wanted),
            own: None,
            phase: Phase::Starting,
            started_at: at,
            outcome: None,
            patch: None,
        };
        self.recover_release(nothing_yet, deploy.watch).await
    }

    /// Ends the making of a release: as far as it was written down, `nothing_yet` where nothing was.
    pub(super) async fn recover_release(&self, nothing_yet: UnderWay, watch: Millis) -> Outcome {
        let (app, command) = (nothing_yet.spec.app, nothing_yet.command);
        let progress = Progress::new(command, nothing_yet.run, &self.state, &self.outbox, &self.clock);
        let written = self.apps.under_way(app).ok().flatten().filter(|way| way.command == command);
        if let Some(outcome) = written.as_ref().and_then(|way| way.outcome.clone()) {
            return outcome;
        }
        let way = written.unwrap_or(nothing_yet);
        let release = self.releases(app).ok().and_then(|releases| releases.get(way.release).ok().flatten());
        let mut work = Deploying { node: self, progress: &progress, way, watch, release, restored_ms: None };
        let ended = work.recover().await;
        work.end(ended)
    }
}

impl Deploying<'_> {
    async fn recover(&mut self) -> Result<(), End> {
        let (node, app) = (self.node, self.way.spec.app);
        let live_is_new = node.live(app) == Some(self.way.release);
        let process = node.process(self.way.release);
        match self.way.phase {
            // It was to stay.
            Phase::Settling => self.stays().await,
            // Kept for good a moment before the agent ended.
            Phase::Watching { .. } if live_is_new => self.stays().await,
            Phase::Watching { until } => {
                let left = until.since(node.clock.now());
                let serves = self.serves(process.is_some());
                if serves {
                    self.progress.line(sf_protocol::report::Stream::Note, "The agent was restarted; watching goes on.");
                    // At least one look, since nobody looked meanwhile.
                    let left = left.max(Duration::from_secs(1)).min(self.watch.duration().max(Duration::from_secs(1)));
                    let left = Millis(u64::try_from(left.as_millis()).unwrap_or(u64::MAX));
                    return self.watch(process.as_ref(), left, &CancellationToken::new()).await;
                }
                let words = "The new release ended while the agent was away.";
                Err(self.take_back(interrupted(words)).await)
            }
            // Whether the switch took effect is not known, and nobody has seen the new release serve: back.
            Phase::Switching => Err(self.take_back(interrupted("The agent was restarted during the switch.")).await),
            Phase::Starting => {
                self.progress.begin(Step::Return, "the agent was restarted before the switch");
                self.progress.done("the previous release was never touched");
                self.clean().await;
                // After a reboot the old one has to be started; else this finds it as it is.
                self.point_back().await?;
                Err(End::Failed(interrupted("The agent was restarted before the new release was live.")))
            }
        }
    }

    async fn stays(&mut self) -> Result<(), End> {
        let (node, app) = (self.node, self.way.spec.app);
        self.settle(node.process(self.way.release).as_ref()).await?;
        let record = node.apps.get(app).ok_or_else(|| super::app::unknown(app))?;
        Box::pin(node.ensure_running(&record, &node.silent_progress(), None)).await
    }

    fn serves(&self, process_lives: bool) -> bool {
        let is_static = self.release.as_ref().is_some_and(|release| release.manifest.plan.start.is_none());
        process_lives || is_static
    }
}

pub(crate) fn interrupted(message: &str) -> Fault {
    Fault::new(ErrorKind::Unavailable, "agent.restarted", message).fix("Run it again if it is still wanted.")
}
