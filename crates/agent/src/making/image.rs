//! Images of apps in containers: built by the node's engine, named after the release they belong to, gone with it.
//!
//! Everything that a build of ours makes carries a label from its second instruction on, so that what is left of one that
//! was killed is found by asking the engine, and not by what the build has printed.

mod choice;
mod context;
mod ignore;
mod leftovers;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sf_containers::build::{BuildFailed, Recipe};
use sf_containers::{About, Engine, EngineError};
use sf_protocol::build::{BuildPlan, ContainerPlan};
use sf_protocol::outcome::Step;
use sf_protocol::report::Stream;
use sf_types::{AppId, ByteSize, ErrorKind, Fault, NodeId, ReleaseId};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use choice::Choice;
use context::{Context, ContextError, Sent};
use ignore::Ignore;
pub use leftovers::{is_left, sweep, tidy};

use crate::build::run::ENTRIES_MAX;
use crate::build::{BuildError, dockerfile};
use crate::daemon::aside;
use crate::policy::BuildLimits;
use crate::release::{RESERVE_BYTES, Release, tree};

/// Labels of what is ours.
pub mod label {
    /// The node: of images and containers.
    pub const NODE: &str = "serverflow.node";
    /// The app: of images and containers.
    pub const APP: &str = "serverflow.app";
    /// The release: of images and containers.
    pub const RELEASE: &str = "serverflow.release";
    /// Of everything a build makes on the way: `<node>.<app>`.
    pub const BUILD: &str = "serverflow.build";
}

/// What names of images begin with.
const OURS: &str = "serverflow";
/// File in a release's folder that says which image it runs.
const FILE: &str = "image.json";
/// File in an app's folder that says that the engine may hold images of it.
const MARKER: &str = "has-images";
/// Pieces of a context on their way.
const PIECES: usize = 4;
/// Share of the processor of a build, of 1024: a tenth of an app's where both want it.
const CPU_SHARES: u32 = 102;
/// Between two looks at what a build has written.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// What the engine says of a step that was killed, for want of memory as good as always.
const KILLED: &str = "returned a non-zero code: 137";
/// Last lines told with a failure.
const LAST_LINES: usize = 3;

/// Which image a release runs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImageRecord {
    /// Its digest: a name may be moved, this not.
    pub id: String,
    /// The user that it names; empty where it names none.
    pub user: String,
    /// The lowest TCP port that it exposes.
    pub port: Option<u16>,
    /// What runs in place of what the image says, where the app's settings say so.
    pub argv: Option<Vec<String>>,
}

impl ImageRecord {
    /// Of a release; `None` where it runs none.
    ///
    /// # Errors
    /// `release.damaged`.
    pub fn of(release: &Release) -> Result<Option<Self>, Fault> {
        if release.manifest.plan.container.is_none() {
            return Ok(None);
        }
        let path = release.folder().join(FILE);
        let read = std::fs::read(&path).and_then(|bytes| serde_json::from_slice(&bytes).map_err(Into::into));
        read.map(Some).map_err(|error| {
            let message = format!("{} is damaged: {error}.", path.display());
            Fault::new(ErrorKind::Internal, "release.damaged", message).fix("Deploy the app again.")
        })
    }
}

/// The name of an app's images on this node, without a tag.
pub fn repository(node: NodeId, app: AppId) -> String {
    format!("{OURS}/{node}/{app}")
}

/// The name of a release's container.
pub fn container_name(release: ReleaseId) -> String {
    format!("{OURS}-{release}")
}

/// Where an image is built, and as what.
#[derive(Clone, Debug)]
pub struct Bench {
    /// The engine.
    pub engine: Engine,
    /// What it is.
    pub about: About,
    /// This node.
    pub node: NodeId,
    /// The app.
    pub app: AppId,
    /// The release.
    pub release: ReleaseId,
    /// The app's folder.
    pub home: PathBuf,
    /// The release's files.
    pub tree: PathBuf,
    /// The folder of the release in the making.
    pub folder: PathBuf,
    /// The budget.
    pub limits: BuildLimits,
    /// Whether its steps reach the network.
    pub network: bool,
}

/// Whether the engine may hold images of the app whose folder this is.
pub fn has_any(folder: &Path) -> bool {
    folder.join(MARKER).exists()
}

/// Notes, before the first is made, that it may; durable when it returns.
fn note_any(folder: &Path) -> std::io::Result<()> {
    if has_any(folder) {
        return Ok(());
    }
    tree::write_atomically(&folder.join(MARKER), b"", 0o600)
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// As of any build.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The engine did not do its part.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<ImageError> for Fault {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Build(error) => error.into(),
            ImageError::Engine(error) => fault(&error),
        }
    }
}

/// What an engine's word means to whoever gave the order.
pub fn fault(error: &EngineError) -> Fault {
    let (kind, code, fix) = match error {
        EngineError::Away { .. } => {
            (ErrorKind::Unavailable, "engine.away", "Start the container engine on the node: `systemctl start docker`.")
        }
        EngineError::Refused { .. } => {
            (ErrorKind::Conflict, "engine.refused", "Its words say why; the engine's own log on the node says more.")
        }
        EngineError::Broken { .. } | EngineError::Slow { .. } => (
            ErrorKind::Unavailable,
            "engine.broken",
            "See on the node whether the container engine is well, and try again.",
        ),
    };
    let text = error.to_string();
    let mut message = text[..1].to_uppercase();
    message.push_str(&text[1..]);
    message.push('.');
    Fault::new(kind, code, message).fix(fix)
}

/// Builds the image of a release and writes down which it is. Answers the plan, its start settled. Nothing of a failed
/// build stays with the engine.
///
/// # Errors
/// [`ImageError`].
pub async fn build(
    bench: &Bench,
    (plan, how): (&BuildPlan, &ContainerPlan),
    sink: &mut (dyn FnMut(Stream, String) + Send),
    cancel: &CancellationToken,
) -> Result<BuildPlan, ImageError> {
    let deadline = Instant::now() + bench.limits.time();
    let noted = note_any(&bench.home);
    noted.map_err(|source| BuildError::Disk { what: format!("writing in {}", bench.home.display()), source })?;
    let words = limit_words(bench);
    sink(Stream::Note, format!("{} {} builds {}; {words}.", bench.about.name, bench.about.version, how.dockerfile));
    let built = build_within(bench, (plan, how), sink, cancel, deadline).await;
    let settled = match built {
        Ok(()) => settle(bench, plan).await,
        Err(error) => Err(error),
    };
    // Of a good build the results of its other stages are left, which the next one may need.
    let keep = settled.as_ref().ok().map(|_| bench.release);
    if let Err(error) = leftovers::after_build(&bench.engine, bench.node, bench.app, keep).await {
        tracing::warn!(%error, app = %bench.app, "what a build left could not be removed");
    }
    settled
}

fn limit_words(bench: &Bench) -> String {
    let limits = &bench.limits;
    let network = if bench.network { "" } else { ", no network" };
    let (memory, disk, seconds) = (limits.memory(), limits.disk(), limits.seconds);
    format!("each step has {memory} of memory, all of them {disk} of disk and {seconds} s{network}")
}

async fn build_within(
    bench: &Bench,
    (plan, how): (&BuildPlan, &ContainerPlan),
    sink: &mut (dyn FnMut(Stream, String) + Send),
    cancel: &CancellationToken,
    deadline: Instant,
) -> Result<(), ImageError> {
    let limit =
        |limit, words: String| BuildError::Limit { step: Step::Build, command: how.dockerfile.clone(), limit, words };
    let (pieces, taken) = mpsc::channel(PIECES);
    let context = context(bench, plan, how).await?;
    let (files, root) = (bench.tree.clone(), PathBuf::from(&plan.root));
    let sending = aside::long(move || context::send(&files, &root, &context, &pieces));
    let mut last: Vec<String> = Vec::new();
    let mut say = |line: String| {
        if last.len() >= LAST_LINES {
            last.remove(0);
        }
        last.push(line.clone());
        sink(Stream::Out, line);
    };
    let recipe = recipe(bench, how);
    let work = async { tokio::join!(sending, bench.engine.build(&recipe, taken, &mut say)) };
    let (sent, built): (Result<Sent, ContextError>, Result<(), BuildFailed>) = tokio::select! {
        done = work => done,
        () = cancel.cancelled() => return Err(BuildError::Cancelled.into()),
        () = tokio::time::sleep_until(deadline.into()) => {
            return Err(limit("time", format!("{} s", bench.limits.seconds)).into());
        }
        words = too_much_written(bench) => return Err(limit("disk", words).into()),
    };
    match sent {
        // Whatever the engine then said, this is why.
        Err(ContextError::TooLarge(words)) => return Err(limit("disk", words).into()),
        Err(ContextError::Disk(source)) => {
            return Err(BuildError::Disk { what: "reading the build's context".to_owned(), source }.into());
        }
        Err(ContextError::Gone) | Ok(_) => {}
    }
    match built {
        Ok(()) => Ok(()),
        Err(BuildFailed::Engine(error)) => Err(error.into()),
        Err(BuildFailed::Step(said)) if said.contains(KILLED) => {
            Err(limit("memory", format!("{} for a step ({said})", bench.limits.memory())).into())
        }
        Err(BuildFailed::Step(said)) => {
            let command = how.dockerfile.clone();
            let last = last.join(" / ");
            Err(BuildError::Failed { step: Step::Build, command, ending: format!("failed: {said}"), last }.into())
        }
    }
}

async fn context(bench: &Bench, plan: &BuildPlan, how: &ContainerPlan) -> Result<Context, BuildError> {
    let (dir, name) = (bench.tree.join(&plan.root), how.dockerfile.clone());
    let mark = leftovers::mark(bench.node, bench.app);
    let (bytes_max, entries_max) = (bench.limits.disk().bytes(), ENTRIES_MAX);
    aside::short(move || {
        let text = dockerfile::read(&dir, &name)?;
        // Docker looks for one beside the Dockerfile first.
        let beside = format!("{name}.dockerignore");
        let found = [beside.as_str(), ".dockerignore"].into_iter().find(|name| dir.join(name).is_file());
        let ignore = found.map(|name| dockerfile::read(&dir, name)).transpose()?;
        Ok(Context {
            given: vec![(name, dockerfile::marked(&text, (label::BUILD, &mark)).into_bytes())],
            ignore: ignore.as_deref().map(Ignore::parse).unwrap_or_default(),
            bytes_max,
            entries_max,
        })
    })
    .await
}

fn recipe(bench: &Bench, how: &ContainerPlan) -> Recipe {
    Recipe {
        dockerfile: how.dockerfile.clone(),
        tag: format!("{}:{}", repository(bench.node, bench.app), bench.release),
        labels: labels(bench.node, bench.app, bench.release),
        args: how.args.iter().map(|arg| (arg.name.clone(), arg.value.clone())).collect(),
        memory: bench.limits.memory().bytes(),
        cpu_percent: bench.limits.cpu_percent,
        cpu_shares: CPU_SHARES,
        network: bench.network,
    }
}

/// Whose something is.
pub fn labels(node: NodeId, app: AppId, release: ReleaseId) -> BTreeMap<String, String> {
    let pairs = [(label::NODE, node.to_string()), (label::APP, app.to_string()), (label::RELEASE, release.to_string())];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Ends when the steps of a build have written more than they may, or the engine's disk is as good as full; says which.
async fn too_much_written(bench: &Bench) -> String {
    let mark = format!("{}={}", label::BUILD, leftovers::mark(bench.node, bench.app));
    let most = bench.limits.disk();
    let mut written: HashMap<String, u64> = HashMap::new();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let free = free(&bench.about.root_dir);
        if free.is_some_and(|free| free < RESERVE_BYTES) {
            return format!("less than {} is left where the engine keeps images", ByteSize(RESERVE_BYTES));
        }
        // An engine that does not answer now is noticed by the build itself.
        let Ok(steps) = bench.engine.containers(&[("label", &mark)], true).await else { continue };
        for step in steps.iter().filter(|one| is_left(&one.labels)) {
            let known = written.entry(step.id.clone()).or_default();
            *known = step.written.max(*known);
        }
        if written.values().sum::<u64>() > most.bytes() {
            return format!("{most} for all its steps");
        }
    }
}

fn free(path: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(path).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Looks at what was made, and writes it down.
async fn settle(bench: &Bench, plan: &BuildPlan) -> Result<BuildPlan, ImageError> {
    let name = format!("{}:{}", repository(bench.node, bench.app), bench.release);
    let missing = || EngineError::Broken { what: "the build".to_owned(), reason: "it left no image".to_owned() };
    let image = bench.engine.image(&name).await?.ok_or_else(missing)?;
    let mut plan = plan.clone();
    let record = ImageRecord {
        id: image.id,
        user: image.user.clone(),
        port: image.ports.first().copied(),
        argv: plan.start.clone(),
    };
    if plan.start.is_none() {
        if image.argv.is_empty() {
            let looked = "its image has neither ENTRYPOINT nor CMD";
            return Err(BuildError::NoStart { builder: plan.builder.name(), looked }.into());
        }
        plan.start = Some(image.argv);
    }
    let path = bench.folder.join(FILE);
    let bytes = serde_json::to_vec_pretty(&record).map_err(std::io::Error::other);
    let written = bytes.and_then(|bytes| tree::write_atomically(&path, &bytes, 0o600));
    let disk = |source| BuildError::Disk { what: format!("writing {}", path.display()), source };
    written.map_err(disk)?;
    Ok(plan)
}
