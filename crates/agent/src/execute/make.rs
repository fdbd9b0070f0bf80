//! From a repository to a release on disk: fetch, detect, install, build.

mod image;

use std::path::{Path, PathBuf};

use sf_protocol::app::{AppSpec, SecretVar};
use sf_protocol::build::{BuildPlan, PathTaken};
use sf_protocol::order::GitSource;
use sf_protocol::outcome::Step;
use sf_protocol::report::Stream;
use sf_types::{ByteSize, ErrorKind, Fault, ReleaseId};
use tokio_util::sync::CancellationToken;

use super::End;
use super::node::Node;
use super::progress::Progress;
use crate::build::{self, Site};
use crate::daemon::aside;
use crate::making::hot::{self, Decision, Inputs, Install, Installed, Take};
use crate::policy::Policy;
use crate::release::tree::{self, Carry};
use crate::release::{Carried, Made, Release, ReleaseError, Releases, Staging};
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
    /// Whether nothing may be left out.
    pub full: bool,
}

/// The release that a new one is compared with: the live one, else the newest.
#[derive(Debug)]
struct Earlier {
    record: hot::Record,
    tree: PathBuf,
    size: ByteSize,
}

impl Earlier {
    fn of(releases: &Releases) -> Option<Self> {
        let live = releases.live().ok()?.live;
        let live = live.and_then(|live| releases.get(live).ok().flatten());
        let release = live.or_else(|| releases.list().into_iter().next())?;
        let record = hot::Record::read(release.folder())?;
        // What was patched is no longer what was made.
        let is_its_own = record.release == release.manifest.release && release.manifest.patches.is_empty();
        let size = ByteSize(release.manifest.size_bytes);
        is_its_own.then(|| Self { record, tree: release.tree(), size })
    }
}

/// What was found out and decided about one making.
#[derive(Clone, Copy, Debug)]
struct Work<'a> {
    wanted: Wanted<'a>,
    policy: &'a Policy,
    staging: &'a Staging,
    earlier: Option<&'a Earlier>,
    plan: &'a BuildPlan,
    inputs: &'a Inputs,
    decision: &'a Decision,
}

/// How much has changed, as the end of a sentence.
fn changes(checkout: &Checkout) -> String {
    match checkout.changed.as_deref() {
        None => String::new(),
        Some([]) => "; no file has changed".to_owned(),
        Some([only]) => format!("; only {only} has changed"),
        Some(several) => format!("; {} files have changed", several.len()),
    }
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
        let _making = self.making.read().await;
        let policy = self.policy()?;
        let releases = self.releases(spec.app)?;
        let (staging, earlier) = aside::long(move || {
            let staging = releases.stage(release, FIRST_NEED)?;
            Ok::<_, ReleaseError>((staging, Earlier::of(&releases)))
        })
        .await
        .map_err(Fault::from)?;
        let made = match self.fill(wanted, &policy, (&staging, earlier.as_ref()), progress, cancel).await {
            Ok(made) => made,
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
        let published = aside::long(move || staging.publish(made, made_at, (maker, reader))).await;
        Ok(published.map_err(Fault::from)?)
    }

    /// Fetches, detects, decides what can be left out, builds.
    async fn fill(
        &self,
        wanted: Wanted<'_>,
        policy: &Policy,
        (staging, earlier): (&Staging, Option<&Earlier>),
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Made, End> {
        let spec = wanted.spec;
        let since = earlier.map(|earlier| earlier.record.inputs.commit.as_str());
        let checkout = self.fetch(wanted, policy, (&staging.tree(), since), progress, cancel).await?;
        crate::release::check_space(&self.state.apps(), checkout::likely_need(checkout.bytes)).map_err(Fault::from)?;
        progress.begin(Step::Detect, "");
        let found = build::detect(&staging.tree(), &spec.build)
            .and_then(|plan| Ok((plan, build::hot_path(&staging.tree(), &spec.build)?)));
        let (plan, is_on) = found.map_err(|error| self.step_failed(progress, error.into()))?;
        if plan.container.is_some() {
            self.engine(policy).await.map_err(|fault| self.step_failed(progress, fault))?;
        }
        progress.done(&format!("{}: {}", plan.builder.name(), plan.because));
        for warning in checkout.warnings.iter().chain(&plan.warnings) {
            progress.line(Stream::Note, &format!("Note: {warning}."));
        }
        let (tree, commit, looked) = (staging.tree(), checkout.revision.commit.clone(), plan.clone());
        let of_commit = checkout.tree.clone();
        let inputs =
            aside::long(move || hot::inputs(&tree, (&commit, &of_commit), &looked, &build::run::search_path())).await;
        let decision = match (wanted.full, is_on) {
            _ if plan.container.is_some() => hot::full("the container engine's own cache decides what is built again"),
            (true, _) => hot::full("everything was asked for"),
            (false, false) => hot::full("the hot path is turned off for this app"),
            (false, true) => hot::decide(earlier.map(|earlier| &earlier.record), &inputs),
        };
        let PathTaken { path, because } = &decision.taken;
        progress.line(Stream::Note, &format!("Path: {}; {because}{}.", path.words(), changes(&checkout)));
        let work = Work { wanted, policy, staging, earlier, plan: &plan, inputs: &inputs, decision: &decision };
        let (plan, installed, carried) = self.carry_out(work, progress, cancel).await?;
        let record = hot::Record::new(wanted.release, inputs, installed, decision.taken);
        Ok(Made { revision: checkout.revision, plan, record: Some(record), carried })
    }

    /// Does what was decided. Answers the plan with its start settled, whether a later release can take over what was
    /// installed, and what is taken over when the release is sealed.
    async fn carry_out(
        &self,
        work: Work<'_>,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<(BuildPlan, Installed, Option<Carried>), End> {
        let Work { plan, earlier, decision, .. } = work;
        let (because, mut plan) = (&decision.taken.because, plan.clone());
        match (&decision.take, earlier) {
            (Take::Everything, Some(earlier)) => {
                for step in [Step::Install, Step::Build] {
                    progress.skipped(step, because);
                }
                build::check_folders(&plan, &earlier.tree).map_err(|error| self.step_failed(progress, error.into()))?;
                build::settle_start(&mut plan, &earlier.tree);
                let carried = Carried { from: earlier.tree.clone(), to: PathBuf::new(), leave: Vec::new() };
                Ok((plan, earlier.record.installed.clone(), Some(carried)))
            }
            (Take::Folder(name), Some(earlier)) => {
                let inside = Path::new(&plan.root).join(name);
                let from = earlier.tree.join(&inside);
                let carried = Carried { from, to: inside, leave: hot::CACHES.to_vec() };
                progress.skipped(Step::Install, because);
                let carried = if plan.build.is_some() {
                    crate::release::check_space(&self.state.apps(), earlier.size).map_err(Fault::from)?;
                    self.copy(carried, work.staging.tree(), cancel).await?;
                    None
                } else {
                    Some(carried)
                };
                let built = self.build(work, (Some(name.clone()), true), progress, cancel).await?;
                match carried {
                    Some(carried) => {
                        build::settle_start(&mut plan, &earlier.tree);
                        Ok((plan, earlier.record.installed.clone(), Some(carried)))
                    }
                    None => Ok((built.plan, built.installed, None)),
                }
            }
            _ => {
                let fills = match &work.inputs.install {
                    Install::Files { folder, .. } => Some(folder.clone()),
                    _ => None,
                };
                let built = self.build(work, (fills, false), progress, cancel).await?;
                Ok((built.plan, built.installed, None))
            }
        }
    }

    /// A folder of an earlier release for a build, which may write into it.
    async fn copy(&self, carried: Carried, tree: PathBuf, cancel: &CancellationToken) -> Result<(), End> {
        let (stop, from) = (cancel.clone(), carried.from.clone());
        let place = tree.join(&carried.to);
        let copy = move || tree::carry((&carried.from, &place), Carry::Copy, &carried.leave, &|| stop.is_cancelled());
        match aside::long(copy).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(End::Cancelled),
            Err(error) => Err(super::app::disk(&from, &error).into()),
        }
    }

    async fn fetch(
        &self,
        wanted: Wanted<'_>,
        policy: &Policy,
        dest: (&Path, Option<&str>),
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
        work: Work<'_>,
        (fills, is_filled): (Option<String>, bool),
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<build::Built, End> {
        let Work { wanted, policy, staging, plan, .. } = work;
        if let Some(how) = &plan.container {
            return self.build_image(work, how, progress, cancel).await;
        }
        for (step, command) in [(Step::Install, &plan.install), (Step::Build, &plan.build)] {
            if command.is_none() {
                progress.skipped(step, "nothing to do");
            }
        }
        let installs = plan.install.is_some() && !is_filled;
        let first = match (installs, &plan.build) {
            (true, _) => Some(Step::Install),
            (false, Some(_)) => Some(Step::Build),
            (false, None) => None,
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
            tree: staging.tree(),
            home: self.state.app(app).join("build-home"),
            user: user.map_err(|error| super::app::disk(&self.state.join("users.json"), &error))?,
            cgroups: self.cgroups.clone(),
            group: format!("{}{app}", self.own_builds()),
            limits: policy.build,
            fills,
            is_filled,
        };
        if let Some(first) = first {
            let both = installs && plan.build.is_some();
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
