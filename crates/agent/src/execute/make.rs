//! From a repository to a release on disk: fetch, detect, install, build.

use sf_protocol::app::{AppSpec, SecretVar};
use sf_protocol::build::BuildPlan;
use sf_protocol::order::GitSource;
use sf_protocol::outcome::Step;
use sf_protocol::query::Revision;
use sf_protocol::report::Stream;
use sf_types::{ByteSize, ErrorKind, Fault, ReleaseId};
use tokio_util::sync::CancellationToken;

use super::End;
use super::node::Node;
use super::progress::Progress;
use crate::build::{self, Site};
use crate::daemon::aside;
use crate::policy::Policy;
use crate::release::{Release, Staging};
use crate::source::{Checkout, checkout};

/// Free bytes asked for before a fetch: a small repository with its dependencies.
const FIRST_NEED: ByteSize = ByteSize::mib(64);

/// What is to be made.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The app.
    pub spec: &'a AppSpec,
    /// The release to make.
    pub release: ReleaseId,
    /// Where it comes from.
    pub source: &'a GitSource,
    /// What an ssh repository is opened with in place of the node's own key.
    pub key: Option<&'a SecretVar>,
    /// The commit that was agreed on.
    pub commit: Option<&'a str>,
}

impl Node {
    /// Makes a release. Nothing of a failed try stays on disk, and nothing of it is alive.
    pub(super) async fn make(
        &self,
        wanted: Wanted<'_>,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Release, End> {
        let Wanted { spec, release, .. } = wanted;
        let policy = self.policy()?;
        let releases = self.releases(spec.app)?;
        let staging = aside::long(move || releases.stage(release, FIRST_NEED)).await.map_err(Fault::from)?;
        let (revision, plan) = match self.fill(wanted, &policy, &staging, progress, cancel).await {
            Ok(filled) => filled,
            Err(end) => {
                // Removes what was made.
                aside::long(move || drop(staging)).await;
                return Err(end);
            }
        };
        let user = |name: String| {
            self.users.of(&name).map_err(|error| super::app::disk(&self.state.join("users.json"), &error))
        };
        let (maker, reader) = (user(format!("build-{}", spec.app))?, user(format!("app-{}", spec.app))?);
        let made_at = self.clock.now();
        let published = aside::long(move || staging.publish((revision, plan), made_at, (maker, reader))).await;
        Ok(published.map_err(Fault::from)?)
    }

    /// Fetches, detects, builds.
    async fn fill(
        &self,
        wanted: Wanted<'_>,
        policy: &Policy,
        staging: &Staging,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<(Revision, BuildPlan), End> {
        let spec = wanted.spec;
        let checkout = self.fetch(wanted, policy, &staging.tree(), progress, cancel).await?;
        crate::release::check_space(&self.state.apps(), checkout::likely_need(checkout.bytes)).map_err(Fault::from)?;
        progress.begin(Step::Detect, "");
        let plan =
            build::detect(&staging.tree(), &spec.build).map_err(|error| self.step_failed(progress, error.into()))?;
        progress.done(&format!("{}: {}", plan.builder.name(), plan.because));
        for warning in checkout.warnings.iter().chain(&plan.warnings) {
            progress.line(Stream::Note, &format!("Note: {warning}."));
        }
        let built = self.build(wanted, policy, &staging.tree(), &plan, progress, cancel).await?;
        Ok((checkout.revision, built.plan))
    }

    async fn fetch(
        &self,
        wanted: Wanted<'_>,
        policy: &Policy,
        dest: &std::path::Path,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Checkout, End> {
        let reference = wanted.source.commit.as_deref().or(wanted.source.reference.as_deref());
        progress.begin(Step::Fetch, reference.unwrap_or("the default branch"));
        let key = wanted.spec.app.to_string();
        let given = wanted.key.map(|given| given.open(wanted.spec.app, &self.key)).transpose();
        let sources = self.sources.opening_with(given.map_err(|_| self.step_failed(progress, unopenable()))?);
        let fetched = sources.fetch(&key, wanted.source, policy, dest, cancel).await;
        let checkout = fetched.map_err(|error| self.step_failed_or(progress, cancel, error.into()))?;
        let commit = &checkout.revision.commit;
        if let Some(agreed) = wanted.commit.filter(|agreed| agreed != commit) {
            let message = format!("The commit agreed on is {agreed}, and {commit} was found.");
            let fault = Fault::new(ErrorKind::Conflict, "deploy.commit_moved", message).fix("Look at the new commit.");
            progress.failed(&fault.message);
            return Err(End::GuardMoved(fault));
        }
        let short = commit.get(..10).unwrap_or(commit);
        let subject = &checkout.revision.subject;
        progress.done(&format!("{short} {subject} ({} files, {})", checkout.files, ByteSize(checkout.bytes)));
        Ok(checkout)
    }

    async fn build(
        &self,
        wanted: Wanted<'_>,
        policy: &Policy,
        tree: &std::path::Path,
        plan: &sf_protocol::build::BuildPlan,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<build::Built, End> {
        for (step, command) in [(Step::Install, &plan.install), (Step::Build, &plan.build)] {
            if command.is_none() {
                progress.skipped(step, "nothing to do");
            }
        }
        let first = match (&plan.install, &plan.build) {
            (Some(_), _) => Some(Step::Install),
            (None, Some(_)) => Some(Step::Build),
            (None, None) => None,
        };
        let _room = match first {
            Some(_) => tokio::select! {
                room = self.builds.acquire() => room.ok(),
                () = cancel.cancelled() => return Err(End::Cancelled),
            },
            None => None,
        };
        let app = wanted.spec.app;
        let user = self.users.of(&format!("build-{app}"));
        let site = Site {
            tree: tree.to_owned(),
            home: self.state.app(app).join("build-home"),
            user: user.map_err(|error| super::app::disk(&self.state.join("users.json"), &error))?,
            cgroups: self.cgroups.clone(),
            group: format!("build-{app}"),
            limits: policy.build,
        };
        if let Some(first) = first {
            let both = plan.install.is_some() && plan.build.is_some();
            progress.begin(first, if both { "install, then build" } else { "" });
        }
        let mut sink = |stream, text: String| progress.line(stream, &text);
        let built = build::run(plan, &site, &mut sink, cancel).await;
        let built = built.map_err(|error| self.step_failed_or(progress, cancel, error.into()))?;
        progress.built(&built.timings);
        Ok(built)
    }

    /// The step under way failed.
    pub(super) fn step_failed(&self, progress: &Progress, fault: Fault) -> End {
        progress.failed(&fault.message);
        End::Failed(fault)
    }

    /// The step under way failed, or was cut short on request.
    pub(super) fn step_failed_or(&self, progress: &Progress, cancel: &CancellationToken, fault: Fault) -> End {
        if cancel.is_cancelled() {
            progress.failed("cancelled");
            return End::Cancelled;
        }
        self.step_failed(progress, fault)
    }
}

fn unopenable() -> Fault {
    let message = "The app's deploy key cannot be opened: it was sealed to another key of this node.";
    Fault::new(ErrorKind::Conflict, "deploykey.unopenable", message).fix("Deploy again.")
}
