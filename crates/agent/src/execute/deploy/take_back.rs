//! The way back: the old release serves again, and nothing of the new one stays.

use sf_protocol::app::{AppState, TrafficMode};
use sf_protocol::outcome::Step;
use sf_types::Fault;
use tokio::time::Instant;

use super::super::End;
use super::super::app::{self, traffic};
use super::super::launch::pointer;
use super::Deploying;
use crate::daemon::aside;
use crate::relay::Pointer;
use crate::release::Live;

impl Deploying<'_> {
    /// Switched, and found bad: the old release serves again.
    pub(in crate::execute) async fn take_back(&mut self, fault: Fault) -> End {
        let progress = self.progress;
        progress.begin(Step::Return, "");
        let began = Instant::now();
        if let Err(End::Failed(worse)) = self.point_back().await {
            progress.failed(&worse.message);
            let message = format!("{} Going back failed too: {}", fault.message, worse.message);
            self.clean().await;
            return End::Failed(Fault { message, ..fault });
        }
        fail::fail_point!("deploy-taken-back");
        let took = began.elapsed().as_millis();
        self.restored_ms = self.way.old.and(u64::try_from(took).ok());
        let end = match self.way.old {
            Some(_) => {
                progress.done(&format!("the previous release serves again after {took} ms"));
                End::RolledBack(fault)
            }
            None => {
                progress.done("there is no previous release; nothing is served");
                End::Failed(fault)
            }
        };
        self.clean().await;
        end
    }

    /// What served before serves again. The old process usually still runs; one that ended meanwhile is started.
    pub(in crate::execute) async fn point_back(&self) -> Result<(), End> {
        let (node, app) = (self.node, self.app());
        let releases = node.releases(app)?;
        let old = match self.way.old {
            Some(old) => releases.get(old).map_err(Fault::from)?,
            None => None,
        };
        // Half a settling may have moved the pointer on disk already: after a restart it would count.
        let now = releases.live().map_err(Fault::from)?;
        if now.live == Some(self.way.release) && self.way.old != now.live {
            let previous = now.previous.filter(|previous| Some(*previous) != self.way.old);
            releases.set_live(Live { live: self.way.old, previous }).map_err(Fault::from)?;
        }
        let record = node.apps.get(app).ok_or_else(|| app::unknown(app))?;
        let Some(old) = old.filter(|_| self.way.was == AppState::Running) else {
            if record.stable.is_some() {
                node.relays.switch(app, Pointer::NOTHING).await.map_err(Fault::from)?;
            }
            return Ok(());
        };
        let needs_process = old.manifest.plan.start.is_some();
        let own = if needs_process && node.process(old.manifest.release).is_none() {
            let running = node.start(&record.spec, &old, record.spec.restart.clone()).await?;
            let own = running.own;
            node.apps.change(app, |record| record.own = own)?;
            own
        } else {
            record.own
        };
        if traffic(&record.spec, &old.manifest.plan).mode != TrafficMode::None {
            node.stable_port(&record.spec, &old).await?;
            node.relays.switch(app, pointer(&old, own)).await.map_err(Fault::from)?;
        }
        Ok(())
    }

    /// Nothing of the new release stays, unless it was on disk before.
    pub(in crate::execute) async fn clean(&self) {
        let (node, app, release) = (self.node, self.app(), self.way.release);
        if self.way.old == Some(release) || node.live(app) == Some(release) {
            return;
        }
        if let Err(fault) = node.stop(release).await {
            tracing::warn!(%app, %release, %fault, "the new release could not be stopped");
        }
        if self.way.kept {
            return;
        }
        let removed = match node.releases(app) {
            Ok(releases) => aside::long(move || releases.remove(release)).await.map_err(Fault::from),
            Err(fault) => Err(fault),
        };
        if let Err(fault) = removed {
            tracing::warn!(%app, %release, %fault, "the new release could not be removed");
        }
        node.tidy_images(app).await;
    }
}
