//! A file changed where it is, under a process that goes on: backup, write, signal, watch; back at once if that was wrong.
//!
//! The folder is the live release's own, since the process looks there. What was in the file is kept beside the app until
//! the journal has the end, and the release's manifest says what was changed. Before each deed that a restarted agent must
//! know of, it is written down.

use std::os::fd::AsFd;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sf_protocol::Outcome;
use sf_protocol::app::HealthCheck;
use sf_protocol::command::Command;
use sf_protocol::outcome::{Facts, Step};
use sf_protocol::patch::{Patch, PatchSignal, TakesEffect};
use sf_protocol::report::Stream;
use sf_types::{AppId, CommandId, ErrorKind, Fault, FileState, Millis, Port, ReleaseId, Timestamp};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::super::End;
use super::super::app::disk;
use super::super::deploy::look;
use super::super::launch::health;
use super::super::node::Node;
use super::super::progress::Progress;
use super::super::recover::interrupted;
use super::{Judged, PatchNote};
use crate::daemon::aside;
use crate::health::probe;
use crate::patching::Found;
use crate::patching::replace::{Fresh, replace, sweep};
use crate::release::{Patched, Release};

/// A process that takes its old file back may take this long until it is well.
const WELL_LIMIT: Millis = Millis::secs(20);
/// Requests wait this long in the relay while it does.
const HOLD_MAX: Millis = Millis::secs(20);

/// A file that is being changed where it is: what a restarted agent has to know to end it truthfully.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Touched {
    /// The command.
    pub command: CommandId,
    /// The app.
    pub app: AppId,
    /// The release whose file it is.
    pub release: ReleaseId,
    /// The change.
    pub note: PatchNote,
    /// Until when it is watched; `None` while it is being written.
    pub until: Option<Timestamp>,
    /// When work began.
    pub started_at: Timestamp,
    /// How it ended; from here on only the journal has to be written.
    #[serde(default)]
    pub outcome: Option<Outcome>,
}

/// One change at work.
struct Touching<'a> {
    node: &'a Node,
    progress: &'a Progress,
    release: Release,
    touched: Touched,
    restored_ms: Option<u64>,
}

impl Node {
    /// Changes the file where it is.
    pub(super) async fn patch_in_place(
        &self,
        command: &Command,
        patch: &Patch,
        note: PatchNote,
        judged: &Judged,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Outcome {
        let (release, started_at) = (judged.base.clone(), progress.started_at);
        let touched = Touched {
            command: command.id,
            app: patch.app,
            release: release.manifest.release,
            note,
            until: None,
            started_at,
            outcome: None,
        };
        let mut work = Touching { node: self, progress, release, touched, restored_ms: None };
        let ended = Box::pin(work.run(patch, judged, cancel)).await;
        work.end(command, patch, ended)
    }

    /// Ends one that an agent before this one began.
    pub(super) async fn recover_in_place(&self, command: &Command, patch: &Patch) -> Outcome {
        let progress = Progress::new(command.id, command.authz.run, &self.state, &self.outbox, &self.clock);
        let written = self.apps.touched(patch.app).ok().flatten().filter(|touched| touched.command == command.id);
        let untouched =
            |fault: Fault| self.patch_ended(command, patch, &PatchNote::of(patch), Err(End::Failed(fault)), &progress);
        let Some(touched) = written else {
            return untouched(interrupted("The agent was restarted before the file was changed."));
        };
        if let Some(outcome) = touched.outcome {
            return outcome;
        }
        let release = self.releases(patch.app).and_then(|releases| Ok(releases.get(touched.release)?));
        let Ok(Some(release)) = release else {
            return untouched(interrupted("The release whose file was changed is not there any more."));
        };
        let mut work = Touching { node: self, progress: &progress, release, touched, restored_ms: None };
        let ended = Box::pin(work.recover(patch)).await;
        work.end(command, patch, ended)
    }
}

impl Touching<'_> {
    async fn run(&mut self, patch: &Patch, judged: &Judged, cancel: &CancellationToken) -> Result<(), End> {
        let (node, progress, app) = (self.node, self.progress, patch.app);
        progress.begin(Step::Write, "where it is; what it was is kept");
        let ended = |fault| node.step_failed(progress, fault);
        let process = node.process(self.touched.release);
        if process.is_none() && self.release.manifest.plan.start.is_some() {
            let message = "The app's process does not run at the moment.";
            return Err(ended(Fault::new(ErrorKind::Conflict, "patch.not_running", message).fix("Start it first.")));
        }
        if let Some(old) = &judged.old {
            node.apps.back_up(app, old).map_err(ended)?;
        }
        node.apps.touch(&self.touched).map_err(ended)?;
        fail::fail_point!("patch-before-write");
        if let Err(fault) = self.put(judged.changed.text.clone(), judged.before).await {
            // Whether it was is not known: as it was is right in both cases.
            let end = node.step_failed(progress, fault);
            self.put_back().await?;
            return Err(end);
        }
        fail::fail_point!("patch-written");
        node.apps.change(app, |record| record.spec.generation = patch.generation).map_err(ended)?;
        progress.done("");
        self.touched.until = Some(node.clock.now().plus(patch.watch.duration()));
        node.apps.touch(&self.touched).map_err(ended)?;
        if let TakesEffect::Signal { signal } = patch.effect {
            progress.begin(Step::Signal, name(signal));
            let told = match &process {
                Some(process) => process.signal(number(signal)).await.map(drop).map_err(Fault::from),
                None => Err(no_process()),
            };
            if let Err(fault) = told {
                progress.failed(&fault.message);
                return Err(self.take_back(fault).await);
            }
            progress.done("");
        }
        fail::fail_point!("patch-watching");
        self.watch(patch.watch, cancel).await
    }

    /// Looked at: a process that ends or fails its check gets its old file back.
    async fn watch(&mut self, time: Millis, cancel: &CancellationToken) -> Result<(), End> {
        let progress = self.progress;
        let Some(process) = self.node.process(self.touched.release).filter(|_| time.0 > 0) else {
            progress.skipped(Step::Watch, "nothing that could crash");
            return self.stays();
        };
        progress.begin(Step::Watch, &format!("changed, watching {} s", time.0.div_ceil(1000)));
        let (check, own) = self.check();
        let seen = tokio::select! {
            fault = look(check, own, &process) => Err(fault),
            () = tokio::time::sleep(time.duration()) => Ok(()),
            () = cancel.cancelled() => {
                progress.failed("cancelled");
                let message = "It was cancelled while it was watched.";
                let fault = Fault::new(ErrorKind::Conflict, "patch.cancelled", message);
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
        self.stays()
    }

    fn check(&self) -> (Option<HealthCheck>, Option<u16>) {
        let record = self.node.apps.get(self.touched.app);
        let check = record.as_ref().map(|record| health(&record.spec, &self.release));
        (check, record.and_then(|record| record.own))
    }

    fn stays(&self) -> Result<(), End> {
        let Touched { command, app, note, .. } = &self.touched;
        let after = note.after.unwrap_or(FileState::Absent);
        let at = self.node.clock.now();
        let patched = Patched { command: *command, path: note.path.clone(), before: note.before, after, at };
        let noted = self.node.releases(*app).and_then(|releases| Ok(releases.note_patch(&self.release, patched)?));
        // The file is as it shall be, and well: a missing note is no reason to take it back.
        noted.unwrap_or_else(|fault| tracing::warn!(%app, %fault, "a patch could not be noted in its release"));
        Ok(())
    }

    /// Found bad: the old file is there again, and a fresh process reads it.
    async fn take_back(&mut self, fault: Fault) -> End {
        let (node, progress) = (self.node, self.progress);
        progress.begin(Step::Return, "");
        let began = Instant::now();
        let back = async {
            self.put_back().await?;
            self.fresh_process().await
        };
        if let Err(worse) = back.await {
            progress.failed(&worse.message);
            let message = format!("{} Going back failed too: {}", fault.message, worse.message);
            return End::Failed(Fault { message, ..fault });
        }
        fail::fail_point!("patch-taken-back");
        let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.restored_ms = Some(took);
        drop(node.relays.resume(self.touched.app).await);
        progress.done(&format!("the file is as it was, and the app serves again after {took} ms"));
        End::RolledBack(fault)
    }

    /// Requests wait while the process is replaced by one that reads the old file.
    async fn fresh_process(&self) -> Result<(), Fault> {
        let (node, app) = (self.node, self.touched.app);
        let record = node.apps.get(app).ok_or_else(|| super::super::app::unknown(app))?;
        let held = record.stable.is_some() && node.relays.hold(app, HOLD_MAX).await.is_ok();
        let started = async {
            // Whatever it does with a signal to end, it has no time for it.
            if let Some(process) = node.process(self.touched.release) {
                process.stop(Some(Millis(0))).await?;
            }
            node.stop(self.touched.release).await?;
            let silent = node.silent_progress();
            match node.ensure_running(&record, &silent, None).await {
                Ok(()) => self.well().await,
                Err(End::Failed(fault) | End::RolledBack(fault) | End::GuardMoved(fault)) => Err(fault),
                Err(End::Cancelled) => Err(no_process()),
            }
        };
        let started = started.await;
        if held {
            drop(node.relays.resume(app).await);
        }
        started
    }

    async fn well(&self) -> Result<(), Fault> {
        let Some(process) = self.node.process(self.touched.release) else { return Ok(()) };
        let (Some(check), own) = self.check() else { return Ok(()) };
        let check = HealthCheck { within: WELL_LIMIT, ..check };
        let port = own.and_then(|port| Port::try_from(port).ok());
        Ok(probe(&check, port, &process).await.map(drop)?)
    }

    /// The file is as it was before, if it is as this change made it.
    async fn put_back(&self) -> Result<(), Fault> {
        let Touched { app, note, .. } = &self.touched;
        let text = match note.before {
            FileState::Absent => None,
            FileState::Is(_) => Some(self.node.apps.backed_up(*app)?),
        };
        let Some(after) = note.after else { return Ok(()) };
        let (tree, path) = (self.release.tree(), note.path.clone());
        let found = aside::short(move || Found::open(&tree, &path)).await?;
        sweep(found.folder.as_fd()).map_err(|error| disk(&self.release.tree(), &error))?;
        if found.state() == note.before {
            return Ok(());
        }
        found.must_be(&note.path, after)?;
        self.put(text, after).await
    }

    async fn put(&self, text: Option<String>, over: FileState) -> Result<(), Fault> {
        let (tree, path) = (self.release.tree(), self.touched.note.path.clone());
        let reader = self.node.reader(self.touched.app)?;
        aside::short(move || {
            let found = Found::open(&tree, &path)?;
            found.must_be(&path, over)?;
            let like = found.stat.as_ref();
            replace(found.folder.as_fd(), &found.name, text.as_deref(), like, Fresh { reader })
                .map_err(|error| disk(&tree.join(path.as_str()), &error))
        })
        .await
    }

    async fn recover(&mut self, patch: &Patch) -> Result<(), End> {
        let node = self.node;
        let Some(until) = self.touched.until else {
            self.progress.begin(Step::Return, "the agent was restarted while the file was written");
            let back = self.put_back().await;
            back.map_err(|fault| node.step_failed(self.progress, fault))?;
            self.progress.done("the file is as it was");
            self.running().await?;
            return Err(End::Failed(interrupted(
                "The agent was restarted while the file was written; it is as it was.",
            )));
        };
        let process = node.process(self.touched.release);
        let since = self.touched.started_at;
        let undisturbed = process.as_ref().is_some_and(|process| process.status().started_at < since);
        if !undisturbed && self.release.manifest.plan.start.is_some() {
            let words = "The process ended while the agent was away, and the change was still watched.";
            return Err(self.take_back(interrupted(words)).await);
        }
        // It may never have been told; twice does not harm.
        if let (TakesEffect::Signal { signal }, Some(process)) = (patch.effect, &process) {
            drop(process.signal(number(signal)).await);
        }
        self.progress.line(Stream::Note, "The agent was restarted; watching goes on.");
        let left = until.since(node.clock.now()).max(Duration::from_secs(1)).min(patch.watch.duration());
        let left = Millis(u64::try_from(left.as_millis()).unwrap_or(u64::MAX));
        self.watch(left, &CancellationToken::new()).await
    }

    async fn running(&self) -> Result<(), End> {
        let record = self.node.apps.get(self.touched.app);
        let record = record.ok_or_else(|| super::super::app::unknown(self.touched.app))?;
        self.node.ensure_running(&record, &self.node.silent_progress(), None).await
    }

    /// The node's word on it, also kept beside the app until the journal has it.
    fn end(&mut self, command: &Command, patch: &Patch, ended: Result<(), End>) -> Outcome {
        let mut outcome = self.node.patch_ended(command, patch, &self.touched.note, ended, self.progress);
        if let Facts::Patch(facts) = &mut outcome.facts {
            facts.restored_ms = self.restored_ms;
        }
        self.touched.outcome = Some(outcome.clone());
        if let Err(fault) = self.node.apps.touch(&self.touched) {
            tracing::warn!(%fault, "how the patch ended could not be kept beside the app");
        }
        outcome
    }
}

fn no_process() -> Fault {
    let message = "There is no process that could be told.";
    Fault::new(ErrorKind::Conflict, "patch.not_running", message).fix("Start the app, or patch it without a signal.")
}

const fn name(signal: PatchSignal) -> &'static str {
    match signal {
        PatchSignal::Hup => "SIGHUP",
        PatchSignal::Usr1 => "SIGUSR1",
        PatchSignal::Usr2 => "SIGUSR2",
    }
}

const fn number(signal: PatchSignal) -> i32 {
    use nix::libc;
    match signal {
        PatchSignal::Hup => libc::SIGHUP,
        PatchSignal::Usr1 => libc::SIGUSR1,
        PatchSignal::Usr2 => libc::SIGUSR2,
    }
}
