//! Install, then build, each in a confined child under budget and low priority.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use sf_protocol::app::Limits;
use sf_protocol::build::{BuildPlan, Builder};
use sf_protocol::outcome::{Step, StepTime};
use sf_protocol::report::Stream;
use sf_types::ByteSize;
use tokio_util::sync::CancellationToken;

mod caches;
mod watch;

use super::{BuildError, python, words};
use crate::confine::cgroup::{Cgroups, Group};
use crate::confine::job::{DiskLimit, Done, Job, Stop};
use crate::confine::{Confinement, Identity, Rlimits, SHARED_MEMORY, TcpRule};
use crate::daemon::aside;
use crate::making::hot::Installed;
use crate::policy::BuildLimits;
use crate::release::tree;
use watch::Watch;

/// Files, links and folders a build may make.
pub const ENTRIES_MAX: u64 = 1_000_000;

/// Last lines of a failed command that are told with the failure.
const LAST_LINES: usize = 5;

/// What a build's home, with the caches of package managers and compilers, may hold before a build; beyond, it is emptied.
pub const CACHES_MAX: ByteSize = ByteSize::mib(2048);

/// The part of the disk limit that a build's home may hold before a build (one in so many); beyond, it is emptied.
const HOME_SHARE: u64 = 2;

/// CPU priority of builds: apps come first.
const NICE: i8 = 10;

/// Where programs are looked up, besides the folders of interpreters installed elsewhere.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Interpreters and package managers that may be installed outside the system's folders.
const TOOLS: [&str; 11] = ["node", "npm", "yarn", "pnpm", "python3", "uv", "poetry", "cargo", "go", "php", "composer"];

/// Where a build happens, and as whom.
#[derive(Clone, Debug)]
pub struct Site {
    /// The release's files, already there; given to `user`.
    pub tree: PathBuf,
    /// The build's home, kept between builds of the same app so that package caches stay; made where it is not there.
    pub home: PathBuf,
    /// A user of its own, where the agent is root.
    pub user: Option<Identity>,
    /// What control groups the machine has.
    pub cgroups: Cgroups,
    /// Name of the build's own group: `build-<app id>`.
    pub group: String,
    /// The budget.
    pub limits: BuildLimits,
    /// The folder among the app's that install fills, where nothing else does.
    pub fills: Option<String>,
    /// Whether it is filled already: nothing is installed.
    pub is_filled: bool,
}

/// A build that succeeded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Built {
    /// The plan, its start command settled.
    pub plan: BuildPlan,
    /// How long each step took.
    pub timings: Vec<StepTime>,
    /// What of the budget was enforced, in words.
    pub enforced: Vec<String>,
    /// Whether a later release can take over what was installed.
    pub installed: Installed,
}

/// Runs a plan's install and build commands in `site`. Each line they write goes to `sink` as it comes, ours as
/// [`Stream::Note`]. Nothing of it is alive when this returns.
///
/// # Errors
/// [`BuildError`]; one that names the limit where one was reached.
pub async fn run(
    plan: &BuildPlan,
    site: &Site,
    sink: &mut (dyn FnMut(Stream, String) + Send),
    cancel: &CancellationToken,
) -> Result<Built, BuildError> {
    let installed = Installed::Not { why: "nothing was installed".to_owned() };
    let mut built = Built { plan: plan.clone(), timings: Vec::new(), enforced: Vec::new(), installed };
    let dir = site.tree.join(&plan.root);
    let steps = steps(plan, site, &dir);
    if steps.is_empty() {
        check_folders(plan, &site.tree)?;
        if !site.is_filled {
            sink(Stream::Note, format!("Nothing to install or build: {}.", plan.because));
        }
        return Ok(built);
    }
    let ready = site.clone();
    let emptied = aside::long(move || prepare(&ready)).await?;
    if let Some(words) = emptied {
        sink(Stream::Note, words);
    }
    let mut watch = Watch::begin(site, &plan.root).await;
    let group = group(site, sink);
    let confinement = confinement(site, &group);
    built.enforced = confinement.enforces().into_iter().chain(group.enforced().iter().cloned()).collect();
    sink(Stream::Note, format!("The build is limited: {}.", built.enforced.join("; ")));
    let deadline = Instant::now() + site.limits.time();
    let mut result = Ok(());
    for (step, argv) in steps {
        if step == Step::Build {
            watch.installed().await;
        }
        sink(Stream::Note, format!("$ {}", words::show(&argv)));
        let since = Instant::now();
        let attempt = Attempt { site, dir: &dir, confinement: &confinement, group: &group, deadline };
        // The step before may have put a link in its place.
        result = match check_folder(&site.tree, &plan.root, "root") {
            Ok(()) => attempt.step(step, &argv, sink, cancel).await,
            Err(error) => Err(error),
        };
        let took_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        match built.timings.last_mut().filter(|last| last.step == step) {
            Some(last) => last.took_ms += took_ms,
            None => built.timings.push(StepTime { step, took_ms }),
        }
        if result.is_err() {
            break;
        }
    }
    let (emptied, user) = (group.clone(), site.user);
    let end = move || {
        emptied.kill();
        forget_shared_memory(user);
    };
    aside::short(end).await;
    if let Err(error) = group.remove() {
        tracing::warn!(%error, group = site.group, "the build's control group could not be removed");
    }
    result?;
    built.installed = watch.end().await;
    check_folders(&built.plan, &site.tree)?;
    settle_start(&mut built.plan, &site.tree);
    Ok(built)
}

/// What is run, in order.
fn steps(plan: &BuildPlan, site: &Site, dir: &Path) -> Vec<(Step, Vec<String>)> {
    let mut steps: Vec<(Step, Vec<String>)> = Vec::new();
    if let Some(install) = plan.install.as_ref().filter(|_| !site.is_filled) {
        if plan.builder == Builder::Python && python::needs_venv(install) && !dir.join(python::VENV).exists() {
            let venv = ["python3", "-m", "venv", python::VENV].map(str::to_owned).to_vec();
            steps.push((Step::Install, venv));
        }
        steps.push((Step::Install, install.clone()));
    }
    steps.extend(plan.build.clone().map(|build| (Step::Build, build)));
    steps
}

/// Settles how the app is started, with the files in `tree` that installing has made.
pub fn settle_start(plan: &mut BuildPlan, tree: &Path) {
    let dir = tree.join(&plan.root);
    if let Some(start) = plan.start.as_mut().filter(|_| plan.builder == Builder::Python) {
        python::relocate(&dir, start);
    }
}

/// What is run in and what is published are real folders of the release once its commands have run: what serves them
/// has more rights than the build, so a link put in their place would show the world any folder of the machine.
///
/// # Errors
/// [`BuildError::Setting`], naming the folder.
pub fn check_folders(plan: &BuildPlan, tree: &Path) -> Result<(), BuildError> {
    check_folder(tree, &plan.root, "root")?;
    match &plan.publish {
        Some(publish) if plan.start.is_none() => {
            check_folder(tree, &Path::new(&plan.root).join(publish).to_string_lossy(), "publish")
        }
        _ => Ok(()),
    }
}

fn check_folder(tree: &Path, path: &str, what: &str) -> Result<(), BuildError> {
    tree::open_inside(tree, Path::new(path)).map(drop).map_err(|error| BuildError::Setting {
        what: format!("the {what} folder `{}`", path.escape_debug()),
        why: format!("it is no folder of the release after its commands, links are not followed ({error})"),
        fix: format!("Let the build make a real folder there, or correct `{what}`."),
    })
}

/// Empties the build's own folder for temporary files, and gives the build what it works on. Answers what a person should
/// know.
fn prepare(site: &Site) -> Result<Option<String>, BuildError> {
    let failed = |what: &str, path: &Path| {
        let what = format!("{what} {}", path.display());
        move |source| BuildError::Disk { what, source }
    };
    let (home, temp) = (&site.home, site.home.join("tmp"));
    tree::remove(&temp).map_err(failed("emptying", &temp))?;
    let made = || std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&temp);
    made().map_err(failed("making", &temp))?;
    // Caches that leave no room for the build are of no use, nor are those that cannot be what the build itself made.
    let most = caches_max(&site.limits);
    let emptied = match tree::measure(home) {
        Ok(usage) if usage.bytes <= most.bytes() => None,
        Ok(usage) => {
            Some(format!("The app's caches took {}, {most} are kept: they are emptied.", ByteSize(usage.bytes)))
        }
        Err(error) => Some(format!("The app's caches could not be measured ({error}): they are emptied.")),
    };
    let foreign = || site.user.is_some_and(|user| tree::give(home, user).is_err());
    let emptied =
        emptied.or_else(|| foreign().then(|| "The app's caches held files of others: they are emptied.".to_owned()));
    if emptied.is_some() {
        tree::remove(home).map_err(failed("emptying", home))?;
        made().map_err(failed("making", &temp))?;
    }
    caches::make(home).map_err(failed("making", home))?;
    if let Some(user) = site.user {
        for dir in [&site.tree, home] {
            tree::give(dir, user).map_err(failed("giving away", dir))?;
        }
    }
    forget_shared_memory(site.user);
    Ok(emptied)
}

/// What a build's home with its caches may hold before a build.
fn caches_max(limits: &BuildLimits) -> ByteSize {
    ByteSize(CACHES_MAX.bytes().min(limits.disk().bytes() / HOME_SHARE))
}

/// Removes what a build's own user has in shared memory, where a user of its own tells it from others.
fn forget_shared_memory(user: Option<Identity>) {
    use std::os::unix::fs::MetadataExt;
    let Some(user) = user else { return };
    for entry in std::fs::read_dir(SHARED_MEMORY).into_iter().flatten().flatten() {
        if entry.metadata().is_ok_and(|metadata| metadata.uid() == user.uid)
            && let Err(error) = tree::remove(&entry.path())
        {
            tracing::warn!(%error, "shared memory of a build could not be removed");
        }
    }
}

fn group(site: &Site, sink: &mut (dyn FnMut(Stream, String) + Send)) -> Group {
    let limits = Limits {
        memory: Some(site.limits.memory()),
        cpu_percent: site.limits.cpu_percent,
        pids: Some(site.limits.processes),
    };
    let made = site.cgroups.create(&site.group, &limits);
    let made = made.map(|mut group| {
        group.humble();
        group
    });
    made.unwrap_or_else(|error| {
        sink(Stream::Note, format!("No control group could be made ({error}); limits hold for each process alone."));
        Group::default()
    })
}

fn confinement(site: &Site, group: &Group) -> Confinement {
    let mut confinement = Confinement {
        read_write: vec![site.tree.clone(), site.home.clone()],
        tcp_bind: TcpRule::Any,
        tcp_connect: TcpRule::Any,
        user: site.user,
        nice: Some(NICE),
        // Without a user of its own nobody could tell its files there from those of apps.
        no_shared_memory: site.user.is_none(),
        idle_io: true,
        cgroups: group.dirs().to_vec(),
        ..Confinement::strict()
    };
    confinement.read_only.extend(tools().into_iter().map(|(prefix, _)| prefix));
    confinement.rlimits = Rlimits {
        // A user of its own counts only its own processes; the agent's user has others.
        processes: site.user.map(|_| u64::from(site.limits.processes)),
        data_bytes: group.dirs().is_empty().then(|| site.limits.memory().bytes()),
        file_bytes: Some(site.limits.disk().bytes()),
        cpu_seconds: Some(site.limits.seconds.saturating_mul(2).max(1)),
        ..confinement.rlimits
    };
    confinement
}

/// Interpreters installed outside the system's folders: their prefix (`/opt/node`) and their folder (`/opt/node/bin`).
fn tools() -> Vec<(PathBuf, PathBuf)> {
    let path = sf_runtime::env::var("PATH").unwrap_or_default();
    let mut found = Vec::new();
    for tool in TOOLS {
        if PATH.split(':').any(|dir| Path::new(dir).join(tool).is_file()) {
            continue;
        }
        let dirs = path.split(':').map(Path::new).filter(|dir| dir.is_absolute());
        let Some(dir) = dirs.into_iter().find(|dir| dir.join(tool).is_file()) else { continue };
        let of_system = |path: &Path| crate::confine::SYSTEM_READ.iter().any(|system| path.starts_with(system));
        let Ok(real) = dir.join(tool).canonicalize() else { continue };
        // `<prefix>/bin/node` and `<prefix>/lib/node_modules/npm/bin/npm-cli.js` have the same prefix.
        let prefix = real.ancestors().find(|above| above.join("bin").is_dir() && above.join("lib").is_dir());
        if let Some(prefix) = prefix.filter(|prefix| prefix.components().count() > 2 && !of_system(prefix)) {
            found.push((prefix.to_owned(), dir.to_owned()));
        }
    }
    found.dedup();
    found
}

/// The path programs are looked up in, for builds and for apps.
pub fn search_path() -> String {
    let mut path = PATH.to_owned();
    for (_, dir) in tools() {
        let dir = dir.display().to_string();
        if !path.split(':').any(|listed| listed == dir) {
            path = format!("{path}:{dir}");
        }
    }
    path
}

/// Folders that interpreters outside the system's folders need readable, for an app's own confinement.
pub fn tool_folders() -> Vec<PathBuf> {
    tools().into_iter().map(|(prefix, _)| prefix).collect()
}

struct Attempt<'a> {
    site: &'a Site,
    dir: &'a Path,
    confinement: &'a Confinement,
    group: &'a Group,
    deadline: Instant,
}

impl Attempt<'_> {
    async fn step(
        &self,
        step: Step,
        argv: &[String],
        sink: &mut (dyn FnMut(Stream, String) + Send),
        cancel: &CancellationToken,
    ) -> Result<(), BuildError> {
        let kills_before = self.group.memory_kills();
        let job = Job {
            argv: argv.iter().map(OsString::from).collect(),
            cwd: self.dir.to_owned(),
            env: environment(self.site, step),
            confinement: self.confinement.clone(),
            group: Some(self.group.clone()),
            time_limit: self.deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)),
            spares_user: false,
            disk: Some(DiskLimit {
                dirs: vec![self.site.tree.clone(), self.site.home.clone()],
                shared_memory_of: self.site.user.map(|user| user.uid),
                bytes: self.site.limits.disk(),
                entries: ENTRIES_MAX,
            }),
        };
        let mut last = VecDeque::new();
        let mut keep = |stream, line: String| {
            if !line.trim().is_empty() {
                last.push_back(line.clone());
                if last.len() > LAST_LINES {
                    last.pop_front();
                }
            }
            sink(stream, line);
        };
        let done = job.run(&mut keep, cancel).await.map_err(|source| BuildError::Confine { step, source })?;
        let last = last.into_iter().collect::<Vec<_>>().join(" / ");
        self.judge(step, words::show(argv), &done, done.memory_kills.saturating_sub(kills_before), last)
    }

    fn judge(&self, step: Step, command: String, done: &Done, kills: u64, last: String) -> Result<(), BuildError> {
        let limits = &self.site.limits;
        let limit = |limit, words| Err(BuildError::Limit { step, command: command.clone(), limit, words });
        match &done.stop {
            Some(Stop::Cancelled) => return Err(BuildError::Cancelled),
            Some(Stop::Time) => return limit("time", format!("{} s for install and build together", limits.seconds)),
            Some(Stop::Disk(words)) => return limit("disk", words.clone()),
            None if done.status.success() => return Ok(()),
            None => {}
        }
        let signal = std::os::unix::process::ExitStatusExt::signal(&done.status);
        let ended_by = |wanted: Signal| signal == Some(wanted as i32);
        let said = |parts: &[&str]| parts.iter().any(|part| last.contains(part));
        if kills > 0 {
            return limit("memory", format!("{} for all its processes", limits.memory()));
        }
        if ended_by(Signal::SIGXFSZ) || said(&["EFBIG", "File too large"]) {
            return limit("disk", format!("a single file of {}", limits.disk()));
        }
        if ended_by(Signal::SIGXCPU) {
            return limit("CPU time", format!("{} s", limits.seconds.saturating_mul(2)));
        }
        if said(&["ENOMEM", "MemoryError", "Cannot allocate memory", "heap out of memory", "bad_alloc"]) {
            return limit("memory", format!("{} ({last})", ByteSize::mib(limits.memory_mb)));
        }
        if said(&["EAGAIN", "Resource temporarily unavailable", "Cannot fork", "can't start new thread"]) {
            return limit("processes", format!("{} ({last})", limits.processes));
        }
        Err(BuildError::Failed { step, command, ending: done.ending(), last })
    }
}

/// The whole environment of a build: nothing of the agent's, no key, no app variable.
fn environment(site: &Site, step: Step) -> Vec<(OsString, OsString)> {
    let mut env: Vec<(OsString, OsString)> = vec![
        ("PATH".into(), search_path().into()),
        ("HOME".into(), site.home.clone().into()),
        ("TMPDIR".into(), site.home.join("tmp").into()),
        ("LANG".into(), "C.UTF-8".into()),
        ("CI".into(), "1".into()),
        ("NO_COLOR".into(), "1".into()),
        ("npm_config_update_notifier".into(), "false".into()),
        ("PIP_DISABLE_PIP_VERSION_CHECK".into(), "1".into()),
        ("PYTHONDONTWRITEBYTECODE".into(), "1".into()),
        // Files linked from a store would have to be parted from it when the release is sealed.
        ("npm_config_package_import_method".into(), "copy".into()),
        ("UV_LINK_MODE".into(), "copy".into()),
    ];
    env.extend(caches::environment(&site.home));
    if step == Step::Build {
        // Not while installing: package managers would leave out what the build needs.
        env.push(("NODE_ENV".into(), "production".into()));
    }
    env
}
