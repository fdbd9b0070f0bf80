//! A release whose files become an image of the node's container engine; and what of images goes when releases go.

use std::time::{Duration, Instant};

use sf_containers::{About, Engine, EngineError};
use sf_protocol::build::ContainerPlan;
use sf_protocol::outcome::{Step, StepTime};
use sf_runtime::Shutdown;
use sf_types::{AppId, Fault};
use tokio_util::sync::CancellationToken;

use super::super::End;
use super::super::node::Node;
use super::super::progress::Progress;
use super::Work;
use crate::build::Built;
use crate::image::{self, Bench};
use crate::making::hot::Installed;
use crate::policy::Policy;

/// Between two tries to remove what an engine that was away still holds.
const SWEEP_AGAIN: Duration = Duration::from_secs(30);

impl Node {
    /// The node's container engine, which answers.
    ///
    /// # Errors
    /// `build.no_engine`, `engine.away`.
    pub(in crate::execute) async fn engine(&self, policy: &Policy) -> Result<(Engine, About), Fault> {
        let engine = policy.containers.engine()?;
        let about = engine.about().await.map_err(|error| image::fault(&error))?;
        Ok((engine, about))
    }

    pub(super) async fn build_image(
        &self,
        work: Work<'_>,
        how: &ContainerPlan,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Built, End> {
        let Work { wanted, policy, staging, plan, .. } = work;
        progress.skipped(Step::Install, "the Dockerfile says what is installed");
        let _room = tokio::select! {
            room = self.builds.acquire() => room.ok(),
            () = cancel.cancelled() => return Err(End::Cancelled),
        };
        progress.begin(Step::Build, &how.dockerfile);
        let (engine, about) = self.engine(policy).await.map_err(|fault| self.step_failed(progress, fault))?;
        let bench = Bench {
            engine,
            about,
            node: self.id,
            app: wanted.spec.app,
            release: wanted.release,
            home: self.state.app(wanted.spec.app),
            tree: staging.tree(),
            folder: staging.dir().to_owned(),
            limits: policy.build,
            network: policy.containers.build_network,
        };
        let since = Instant::now();
        let mut sink = |stream, text: String| progress.line(stream, &text);
        let built = image::build(&bench, (plan, how), &mut sink, cancel).await;
        let plan = built.map_err(|error| self.step_failed_or(progress, cancel, error.into()))?;
        let took_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let timings = vec![StepTime { step: Step::Build, took_ms }];
        progress.built(&timings);
        let installed = Installed::Not { why: "it was installed in an image".to_owned() };
        Ok(Built { plan, timings, enforced: Vec::new(), installed })
    }

    /// Whether the engine may hold images of an app.
    pub(in crate::execute) fn has_images(&self, app: AppId) -> bool {
        image::has_any(&self.state.app(app))
    }

    /// Removes the images of releases that are gone. What cannot be removed now is tried again later.
    pub(in crate::execute) async fn tidy_images(&self, app: AppId) {
        if self.has_images(app) {
            self.remove_images(app).await;
        }
    }

    /// As [`Node::tidy_images`], of an app that may have no folder any more.
    pub(in crate::execute) async fn remove_images(&self, app: AppId) {
        let Some(engine) = self.policy().ok().and_then(|policy| policy.containers.engine().ok()) else { return };
        let kept = self.apps.get(app).map(|_| self.kept(app)).unwrap_or_default();
        let kept = if self.state.app(app).exists() { kept } else { Vec::new() };
        let done = image::tidy(&engine, self.id, app, |release| kept.contains(&release)).await;
        if let Err(error) = done {
            tracing::warn!(%app, %error, "images could not be removed; it is tried again");
            self.owed.notify_one();
        }
    }

    /// Sees to it that the engine holds nothing of ours that belongs to nothing: once at the start, since a predecessor may
    /// have been killed anywhere, and again when something could not be removed.
    pub async fn keep_engine_clean(&self, shutdown: Shutdown) {
        let mut owed = false;
        loop {
            let swept = tokio::select! {
                () = shutdown.requested() => return,
                swept = self.sweep_engine() => swept,
            };
            match swept {
                Ok(done) => owed = !done,
                Err(error) => {
                    tracing::debug!(%error, "the container engine could not be swept");
                    owed |= self.apps.list().iter().any(|record| self.has_images(record.spec.app));
                    owed |= self.servers.has_contained();
                }
            }
            tokio::select! {
                () = shutdown.requested() => return,
                () = tokio::time::sleep(SWEEP_AGAIN), if owed => {}
                () = self.owed.notified() => owed = true,
            }
        }
    }

    /// Answers whether it was done: not while something is being made.
    async fn sweep_engine(&self) -> Result<bool, EngineError> {
        let Some(engine) = self.policy().ok().and_then(|policy| policy.containers.engine().ok()) else {
            return Ok(true);
        };
        let Ok(_nothing_is_made) = self.making.try_write() else { return Ok(false) };
        let exists = |app, release| {
            let releases = self.state.app(app).exists().then(|| self.releases(app).ok()).flatten();
            releases.is_some_and(|releases| !matches!(releases.get(release), Ok(None)))
        };
        self.sweep_server_containers(&engine).await?;
        image::sweep(&engine, self.id, exists, |release| self.supervisor.holds(release)).await.map(|()| true)
    }
}
