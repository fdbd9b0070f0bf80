//! Processes as the daemon sees them: start, adopt, stop, follow. The shims do the holding (see [`crate::shim`]).
//!
//! Start reading at [`Supervisor`].

mod adopt;
mod client;
pub mod detach;
mod error;
pub mod folder;
mod follow;
mod launch;
pub mod ports;
pub mod tree;
mod watch;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sf_protocol::SecretKey;
use sf_protocol::app::RestartRule;
use sf_runtime::{Clock, Tasks};
use sf_types::{AppId, Millis, ReleaseId};
use tokio::sync::broadcast;

pub use adopt::Adopted;
pub(crate) use client::{Connection, request};
pub use error::ProcessError;
pub use follow::Follower;
pub(crate) use launch::launch;
pub use tree::{Identity, Usage};

use crate::shim::attend::{self, Contained};
use crate::shim::state::{Request, Status};
use crate::shim::{Message, ShimSpec, values};
use folder::{RunFolder, SPEC};
use launch::LaunchFailure;

/// Changes kept for a subscriber that is slow; beyond, it is told how many it missed.
const CHANGES_KEPT: usize = 256;
/// Longest wait for an answer that needs no work.
const ANSWER_LIMIT: Millis = Millis::secs(5);
/// Added to the stop rule's own times when waiting for a stop.
const STOP_MARGIN: Millis = Millis::secs(10);

/// What a supervisor needs.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder of the run folders, one per release that runs.
    pub dir: PathBuf,
    /// The run folder's name in the folder of each, where that holds more than it.
    pub below: Option<&'static str>,
    /// The program that has the mode `shim`: usually this one.
    pub program: PathBuf,
    /// The node's key, which opens secrets.
    pub key: SecretKey,
    /// The time.
    pub clock: Clock,
    /// Owner of the watching tasks.
    pub tasks: Tasks,
}

/// Starts, finds again and stops app processes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Supervisor(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: Options,
    processes: Mutex<HashMap<ReleaseId, Process>>,
    changes: broadcast::Sender<Status>,
}

/// One app process with its shim. Cheap to clone; dropping it stops nothing.
#[derive(Clone, Debug)]
pub struct Process(Arc<watch::Watched>);

impl Supervisor {
    /// A supervisor that knows no process yet; see [`Supervisor::adopt_all`].
    pub fn new(options: Options) -> Self {
        let changes = broadcast::Sender::new(CHANGES_KEPT);
        Self(Arc::new(Inner { options, processes: Mutex::default(), changes }))
    }

    /// The run folder of a release.
    fn folder(&self, release: ReleaseId) -> RunFolder {
        self.run_folder(self.0.options.dir.join(release.to_string()))
    }

    /// The run folder in the folder of one.
    fn run_folder(&self, of: PathBuf) -> RunFolder {
        RunFolder::at(self.0.options.below.map_or_else(|| of.clone(), |name| of.join(name)))
    }

    fn processes(&self) -> MutexGuard<'_, HashMap<ReleaseId, Process>> {
        self.0.processes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a process. When this returns, the program was executed; whether it is well is for a health check.
    ///
    /// # Errors
    /// [`ProcessError::AlreadyRuns`] where its shim lives, [`ProcessError::Program`] where it cannot be executed.
    pub async fn start(&self, spec: &ShimSpec) -> Result<Process, ProcessError> {
        let folder = self.folder(spec.release);
        let at = |source| ProcessError::Folder { path: folder.path().to_owned(), source };
        if let Some(defect) = spec.defect() {
            return Err(ProcessError::Spec { reason: defect });
        }
        folder.create().map_err(at)?;
        if folder.is_held().map_err(at)? {
            return Err(ProcessError::AlreadyRuns { release: spec.release });
        }
        folder.write(SPEC, spec, true).map_err(at)?;
        self.launch(&folder, spec).await
    }

    /// Starts a process again by the specification in its run folder: after a reboot, or when shim and daemon were
    /// both killed.
    ///
    /// # Errors
    /// As [`Supervisor::start`]; [`ProcessError::Unknown`] without a specification.
    pub async fn revive(&self, release: ReleaseId) -> Result<Process, ProcessError> {
        let folder = self.folder(release);
        let at = |source| ProcessError::Folder { path: folder.path().to_owned(), source };
        let spec: ShimSpec = folder.read(SPEC).map_err(at)?.ok_or(ProcessError::Unknown { release })?;
        self.launch(&folder, &spec).await
    }

    async fn launch(&self, folder: &RunFolder, spec: &ShimSpec) -> Result<Process, ProcessError> {
        self.hold(folder, spec).await?.map_err(|failure| ProcessError::from_launch(failure, spec.release))?;
        self.attach(folder.clone()).await
    }

    /// Starts a shim and gives it the values that are only sealed in its specification.
    async fn hold(&self, folder: &RunFolder, spec: &ShimSpec) -> Result<Result<(), LaunchFailure>, ProcessError> {
        let values =
            values::open(spec.app, &spec.secrets, &self.0.options.key).map_err(|name| ProcessError::Secret { name })?;
        Ok(launch(&self.0.options.program, "shim", folder, values::written(&values)).await)
    }

    /// The program that has the modes.
    pub fn program(&self) -> &Path {
        &self.0.options.program
    }

    /// Where the specification of a release's process is.
    pub fn spec_of(&self, release: ReleaseId) -> PathBuf {
        self.folder(release).spec()
    }

    /// The container that the process of a release stands for, where it does; also of one that has ended.
    pub fn container(&self, release: ReleaseId) -> Option<Contained> {
        self.folder(release).read::<ShimSpec>(SPEC).ok().flatten()?.container
    }

    /// Whether a shim lives for a release.
    pub fn holds(&self, release: ReleaseId) -> bool {
        self.folder(release).is_held().unwrap_or(true)
    }

    /// The process of a release whose shim lives, also one that could not be spoken to when everything was found again.
    ///
    /// # Errors
    /// [`ProcessError::Gone`] without a living shim, [`ProcessError::Silent`] where it does not answer.
    pub async fn find(&self, release: ReleaseId) -> Result<Process, ProcessError> {
        if let Some(known) = self.get(release).filter(|process| !process.status().ended) {
            return Ok(known);
        }
        if !self.holds(release) {
            return Err(ProcessError::Gone { release });
        }
        self.attach(self.folder(release)).await
    }

    /// A process known to this supervisor.
    pub fn get(&self, release: ReleaseId) -> Option<Process> {
        self.processes().get(&release).cloned()
    }

    /// All processes known, in no order.
    pub fn list(&self) -> Vec<Process> {
        self.processes().values().cloned().collect()
    }

    /// Every change of every process: starts, crashes, restarts, ends. Receivers that lag are told so.
    pub fn subscribe(&self) -> broadcast::Receiver<Status> {
        self.0.changes.subscribe()
    }

    /// What each process tree uses, from one look at the machine.
    pub fn usage(&self) -> Vec<(AppId, ReleaseId, Usage)> {
        let all = tree::all();
        self.list()
            .iter()
            .map(|process| (process, process.status()))
            .filter(|(_, status)| !status.ended)
            .map(|(process, status)| {
                let mut tree = tree::descendants_among(status.shim.pid, &all);
                if let Some(inside) = process.inside() {
                    tree = tree::with_descendants(inside.pid, &all);
                }
                (status.app, status.release, tree::usage(&tree))
            })
            .collect()
    }

    /// Forgets an ended process and removes its run folder (its log is elsewhere and stays).
    ///
    /// # Errors
    /// [`ProcessError::AlreadyRuns`] while its shim lives.
    pub fn remove(&self, release: ReleaseId) -> Result<(), ProcessError> {
        let folder = self.folder(release);
        let at = |source| ProcessError::Folder { path: folder.path().to_owned(), source };
        if folder.is_held().map_err(at)? {
            return Err(ProcessError::AlreadyRuns { release });
        }
        self.processes().remove(&release);
        match std::fs::remove_dir_all(folder.path()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(at(error)),
            _ => Ok(()),
        }
    }
}

impl Process {
    /// How it is, as last heard.
    pub fn status(&self) -> Status {
        self.0.status.borrow().clone()
    }

    /// The status, and a way to wait for the next one.
    pub fn watch(&self) -> tokio::sync::watch::Receiver<Status> {
        self.0.status.subscribe()
    }

    /// Folder of its log.
    pub fn log_dir(&self) -> &Path {
        &self.0.log_dir
    }

    /// Stops it: its signal, after `grace` (the rule's where `None`) TERM, then KILL. Answers how it ended; stopping
    /// what has ended is fine.
    ///
    /// # Errors
    /// [`ProcessError::Silent`] when the shim does not answer.
    pub async fn stop(&self, grace: Option<Millis>) -> Result<Status, ProcessError> {
        self.0.give_up();
        let rule = self.0.stop_rule();
        let limit = Millis(grace.unwrap_or(rule.grace).0 + rule.term_grace.0 + STOP_MARGIN.0);
        match self.ask(&Request::Stop { grace }, limit).await {
            Ok(status) if status.ended => {}
            // It ended by itself at this very moment, or had ended: its state file tells.
            Ok(_) | Err(ProcessError::Gone { .. }) => {}
            Err(error) => return Err(error),
        }
        Ok(self.ended().await)
    }

    /// Ends it by KILL, whatever is under way. Answers how it ended; ending what has ended is fine.
    ///
    /// # Errors
    /// As [`Process::stop`]; [`ProcessError::Refused`] where something of it waits in the kernel.
    pub async fn kill(&self) -> Result<Status, ProcessError> {
        self.0.give_up();
        match self.ask(&Request::Kill, STOP_MARGIN).await {
            Ok(_) | Err(ProcessError::Gone { .. }) => Ok(self.ended().await),
            Err(error) => Err(error),
        }
    }

    /// Writes a line to its standard input, now or as soon as it reads.
    ///
    /// # Errors
    /// [`ProcessError::Refused`] where it has no input or does not read, [`ProcessError::Gone`] when it has ended.
    pub async fn input(&self, line: &str) -> Result<Status, ProcessError> {
        self.ask(&Request::Input { line: line.to_owned() }, ANSWER_LIMIT).await
    }

    /// Writes a line of ours to its log.
    ///
    /// # Errors
    /// [`ProcessError::Refused`] by a shim of an older agent, [`ProcessError::Gone`] when it has ended.
    pub async fn note(&self, text: &str) -> Result<Status, ProcessError> {
        self.ask(&Request::Note { text: text.to_owned() }, ANSWER_LIMIT).await
    }

    /// Stops it and starts it again.
    ///
    /// # Errors
    /// [`ProcessError::Gone`] when it has ended, [`ProcessError::Silent`] when the shim does not answer.
    pub async fn restart(&self) -> Result<Status, ProcessError> {
        let rule = self.0.stop_rule();
        self.ask(&Request::Restart, Millis(rule.grace.0 + rule.term_grace.0 + STOP_MARGIN.0)).await
    }

    /// Sends a signal to its process group.
    ///
    /// # Errors
    /// [`ProcessError::Refused`] when no process runs or the signal does not exist.
    pub async fn signal(&self, signal: i32) -> Result<Status, ProcessError> {
        self.ask(&Request::Signal { signal }, ANSWER_LIMIT).await
    }

    /// Uses another restart rule from now on, across restarts of the shim too.
    ///
    /// # Errors
    /// [`ProcessError::Gone`] when it has ended.
    pub async fn set_restart_rule(&self, rule: RestartRule) -> Result<Status, ProcessError> {
        self.ask(&Request::SetRestartRule { rule }, ANSWER_LIMIT).await
    }

    /// Asks the shim itself.
    ///
    /// # Errors
    /// [`ProcessError::Gone`] when it has ended.
    pub async fn refresh(&self) -> Result<Status, ProcessError> {
        self.ask(&Request::Status, ANSWER_LIMIT).await
    }

    async fn ask(&self, question: &Request, limit: Millis) -> Result<Status, ProcessError> {
        let release = self.0.release;
        match request::<_, Message>(&self.0.folder, question, limit).await {
            Ok(Some(Message::Status(status))) => {
                self.0.learn((*status).clone());
                Ok(*status)
            }
            Ok(Some(Message::Refused(reason))) => Err(ProcessError::Refused { release, reason }),
            Ok(Some(Message::Log(_)) | None) => Err(ProcessError::Gone { release }),
            Err(source) if client::is_gone(&source) => Err(ProcessError::Gone { release }),
            Err(source) => Err(ProcessError::Silent { release, source }),
        }
    }

    /// Waits until it has ended for good: stopped, or crashed too often. Restarts in between do not count. Its shim is
    /// gone then too, unless a full disk keeps it.
    pub async fn ended(&self) -> Status {
        let mut status = self.watch();
        // The sender lives in `self`, so waiting cannot fail.
        let ended = status.wait_for(|status| status.ended).await.map(|status| status.clone());
        // The shim says so just before it is gone; who hears it may want to remove or start it in the next moment.
        let until = tokio::time::Instant::now() + watch::GONE;
        while self.0.folder.is_held().unwrap_or(false) && tokio::time::Instant::now() < until {
            tokio::time::sleep(watch::LOOK_AGAIN).await;
        }
        ended.unwrap_or_else(|_| self.status())
    }

    /// Its log from line `from` on: what is on disk, then what comes.
    pub fn follow(&self, from: u64) -> Follower {
        Follower::new(self, from)
    }

    /// The number of the newest line of its log, and a way to wait for the next one.
    pub fn written(&self) -> tokio::sync::watch::Receiver<u64> {
        self.0.log.subscribe()
    }

    /// Whether it stands for a container.
    pub fn is_contained(&self) -> bool {
        self.0.contained.is_some()
    }

    /// The container's first process, where it has one that this machine sees.
    pub fn inside(&self) -> Option<Identity> {
        self.0.contained.as_ref().and_then(|_| attend::inside(&self.0.folder))
    }

    /// TCP ports that its processes listen on, ascending. Reads the machine's whole table of sockets: do it aside.
    pub fn ports(&self) -> Vec<u16> {
        self.published().unwrap_or_else(|| ports::listening(&ports::sockets(), &self.pids()))
    }

    /// Of a container: it has a network of its own, and one port of this machine leads there.
    fn published(&self) -> Option<Vec<u16>> {
        self.0.contained.as_ref().map(|contained| contained.spec.published.iter().map(|(own, _)| *own).collect())
    }

    /// The ports of many, from one look at the machine's sockets. Do it aside, too.
    pub fn ports_of(processes: &[Self]) -> Vec<(AppId, ReleaseId, Vec<u16>)> {
        let sockets = ports::sockets();
        let one = |process: &Self| {
            let status = process.status();
            let ports = process.published().unwrap_or_else(|| ports::listening(&sockets, &process.pids()));
            (status.app, status.release, ports)
        };
        processes.iter().map(one).collect()
    }

    fn pids(&self) -> Vec<i32> {
        tree::descendants(self.status().shim.pid).iter().map(|stat| stat.pid).collect()
    }

    /// What its process tree uses.
    pub fn usage(&self) -> Usage {
        match self.inside() {
            Some(inside) => tree::usage(&tree::with_descendants(inside.pid, &tree::all())),
            None => tree::usage(&tree::descendants(self.status().shim.pid)),
        }
    }
}
