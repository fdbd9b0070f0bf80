//! A patch: one file of the live release changes. Looked at, judged, then either a new release that is the live one with the
//! file changed (a deploy from there on: [`super::deploy`]), or the file where it is ([`in_place`]), for a process that is
//! told by a signal or reads it anew.

mod answer;
mod in_place;

use std::os::fd::AsFd;

use serde::{Deserialize, Serialize};
use sf_protocol::app::{AppSpec, AppState};
use sf_protocol::command::Command;
use sf_protocol::outcome::{DeployFacts, Facts, Step};
use sf_protocol::patch::{Patch, PatchFacts, Syntax, SyntaxVerdict, TakesEffect};
use sf_protocol::{Outcome, Verdict};
use sf_types::{ByteSize, ErrorKind, Fault, FilePath, FileState, ReleaseId, Timestamp};
use tokio_util::sync::CancellationToken;

use super::app::{Phase, UnderWay, disk};
use super::deploy::{Deploying, Making, Origin};
use super::node::Node;
use super::progress::Progress;
use super::{End, outcome};
use crate::daemon::aside;
use crate::patching::replace::{Fresh, replace};
use crate::patching::{self, Changed, Found};
use crate::release::{Manifest, Patched, Release, linked};

pub use in_place::Touched;

/// Free bytes asked for before a release is repeated: its folders and one file.
const COPY_NEED: ByteSize = ByteSize::mib(16);

/// What is known of a change; kept beside the app while it is under way.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchNote {
    /// The file.
    pub path: FilePath,
    /// How it was.
    pub before: FileState,
    /// How it is to be, once that was worked out.
    pub after: Option<FileState>,
    /// Lines added.
    pub added: u32,
    /// Lines taken away.
    pub removed: u32,
    /// What the syntax check says.
    pub syntax: Option<Syntax>,
}

impl PatchNote {
    fn of(patch: &Patch) -> Self {
        let (path, before) = (patch.file.path.clone(), patch.file.before);
        Self { path, before, after: None, added: 0, removed: 0, syntax: None }
    }

    pub(super) fn facts(&self, deploy: DeployFacts) -> PatchFacts {
        let Self { path, before, after, added, removed, syntax } = self.clone();
        PatchFacts { deploy, path, before, after, added, removed, syntax, restored_ms: None }
    }
}

/// A change that may be made.
#[derive(Debug)]
pub struct Judged {
    command: sf_types::CommandId,
    path: FilePath,
    before: FileState,
    old: Option<String>,
    changed: Changed,
    base: Release,
}

impl Judged {
    fn patched(&self, at: Timestamp) -> Patched {
        let (command, path, before) = (self.command, self.path.clone(), self.before);
        Patched { command, path, before, after: self.changed.after, at }
    }
}

impl Node {
    /// Carries out a patch.
    pub(super) async fn patch(&self, command: &Command, patch: &Patch, cancel: &CancellationToken) -> Outcome {
        let progress = Progress::new(command.id, command.authz.run, &self.state, &self.outbox, &self.clock);
        let mut note = PatchNote::of(patch);
        let judged = match Box::pin(self.judge(command, patch, &mut note, &progress)).await {
            Ok(judged) if cancel.is_cancelled() => {
                drop(judged);
                return self.patch_ended(command, patch, &note, Err(End::Cancelled), &progress);
            }
            Ok(judged) => judged,
            Err(end) => return self.patch_ended(command, patch, &note, Err(end), &progress),
        };
        if patch.effect != TakesEffect::Restart {
            return Box::pin(self.patch_in_place(command, patch, note, &judged, &progress, cancel)).await;
        }
        let way = match self.patch_way(command, patch, note.clone(), progress.started_at) {
            Ok(way) => way,
            Err(fault) => return self.patch_ended(command, patch, &note, Err(fault.into()), &progress),
        };
        let making = Making { origin: Origin::Patched(&judged), time_limit: patch.time_limit };
        let release = None;
        let work = Deploying { node: self, progress: &progress, way, watch: patch.watch, release, restored_ms: None };
        work.carry(command, making, cancel).await
    }

    /// Looks at the file, works out what becomes of it, and has it read by its grammar. Nothing is changed.
    async fn judge(
        &self,
        command: &Command,
        patch: &Patch,
        note: &mut PatchNote,
        progress: &Progress,
    ) -> Result<Judged, End> {
        self.check_guard(patch.app, &command.guard, &[])?;
        let record = self.apps.get(patch.app).ok_or_else(|| super::app::unknown(patch.app))?;
        if record.spec.generation > patch.generation {
            let message = format!("Generation {} is older than {}.", patch.generation, record.spec.generation);
            return Err(Fault::new(ErrorKind::Conflict, "patch.older_generation", message).into());
        }
        if record.wanted != AppState::Running {
            let message = "The app is stopped, so nobody would see whether the change is a good one.";
            return Err(Fault::new(ErrorKind::Conflict, "patch.stopped", message).fix("Start it first.").into());
        }
        progress.begin(Step::Check, note.path.as_str());
        let base = self.live_release(patch.app).map_err(|fault| self.step_failed(progress, fault))?;
        if base.manifest.plan.container.is_some() {
            let message = "The app runs in a container, whose files are those of its image.";
            let fault = Fault::new(ErrorKind::Conflict, "patch.container", message);
            return Err(self.step_failed(progress, fault.fix("Change the file in the repository, and deploy.")));
        }
        let (tree, file) = (base.tree(), patch.file.clone());
        let found = aside::short(move || Found::open(&tree, &file.path)).await;
        let found = found.map_err(|fault| self.step_failed(progress, fault))?;
        if let Err(fault) = found.must_be(&note.path, note.before) {
            note.before = found.state();
            return Err(self.step_failed(progress, fault));
        }
        let (path, old, edit) = (note.path.clone(), found.text, patch.file.edit.clone());
        let worked_out = aside::short(move || {
            let changed = patching::apply(&path, old.as_deref(), &edit);
            (old, changed)
        });
        let (old, changed) = worked_out.await;
        let changed = changed.map_err(|fault| self.step_failed(progress, fault))?;
        (note.after, note.added, note.removed) = (Some(changed.after), changed.added, changed.removed);
        let words = format!("{} lines added, {} taken away", changed.added, changed.removed);
        if let Some(text) = &changed.text {
            let syntax = self.checker.check(&note.path, text).await;
            let said = said(&syntax);
            let broken = syntax.verdict == SyntaxVerdict::Broken;
            note.syntax = Some(syntax);
            if broken && !patch.accept_broken {
                return Err(self.step_failed(progress, broken_fault(&note.path, &said)));
            }
            progress.done(&format!("{said}; {words}"));
        } else {
            progress.done(&words);
        }
        let (path, before) = (note.path.clone(), note.before);
        Ok(Judged { command: command.id, path, before, old, changed, base })
    }

    /// The live release once more, with the file changed.
    pub(super) async fn make_patched(
        &self,
        judged: &Judged,
        release: ReleaseId,
        progress: &Progress,
    ) -> Result<Release, End> {
        for step in [Step::Fetch, Step::Detect, Step::Install, Step::Build] {
            progress.skipped(step, "made from the live release");
        }
        progress.begin(Step::Write, "");
        let app = judged.base.manifest.app;
        let ended = |fault| self.step_failed(progress, fault);
        let (releases, reader) = (self.releases(app).map_err(ended)?, self.reader(app).map_err(ended)?);
        let (base, path, text) = (judged.base.clone(), judged.path.clone(), judged.changed.text.clone());
        let (before, patched) = (judged.before, judged.patched(self.clock.now()));
        let made = aside::long(move || {
            let staging = releases.stage(release, COPY_NEED)?;
            let (from, to) = (base.tree(), staging.tree());
            linked::copy(&from, &to).map_err(|error| disk(&to, &error))?;
            let found = Found::open(&to, &path)?;
            // It was looked at a moment ago, and releases do not change; all the same, nothing else is written over.
            found.must_be(&path, before)?;
            let like = found.stat.as_ref();
            replace(found.folder.as_fd(), &found.name, text.as_deref(), like, Fresh { reader })
                .map_err(|error| disk(&to, &error))?;
            fail::fail_point!("patch-copied");
            Ok::<_, Fault>(staging.publish_patched(&base.manifest, patched)?)
        });
        let made = made.await.map_err(ended)?;
        progress.done(&format!("a new release, {} with this change", judged.base.manifest.release));
        Ok(made)
    }

    /// Who reads the files of an app's releases.
    fn reader(&self, app: sf_types::AppId) -> Result<Option<crate::confine::Identity>, Fault> {
        self.users.of(&format!("app-{app}")).map_err(|error| disk(&self.state.join("users.json"), &error))
    }

    fn patch_way(
        &self,
        command: &Command,
        patch: &Patch,
        note: PatchNote,
        started_at: Timestamp,
    ) -> Result<UnderWay, Fault> {
        let record = self.apps.get(patch.app).ok_or_else(|| super::app::unknown(patch.app))?;
        Ok(UnderWay {
            command: command.id,
            run: command.authz.run,
            spec: AppSpec { generation: patch.generation, ..record.spec },
            release: patch.release,
            kept: false,
            old: self.live(patch.app).filter(|live| *live != patch.release),
            was: record.wanted,
            own: None,
            phase: Phase::Starting,
            started_at,
            outcome: None,
            patch: Some(note),
        })
    }

    /// The word on a patch that touched nothing, or whose file is where it was.
    fn patch_ended(
        &self,
        command: &Command,
        patch: &Patch,
        note: &PatchNote,
        ended: Result<(), End>,
        progress: &Progress,
    ) -> Outcome {
        // With a restart it is the new release that came to nothing.
        let live = self.live_release(patch.app).ok().filter(|_| patch.effect != TakesEffect::Restart);
        let release = live.as_ref().map_or(patch.release, |live| live.manifest.release);
        let manifest: Option<&Manifest> = live.as_ref().map(|live| &live.manifest);
        let facts = note.facts(self.deploy_facts(patch.app, release, manifest, progress));
        let verdict = match ended {
            Ok(()) => (Verdict::Succeeded, None),
            Err(end) => end.verdict(),
        };
        outcome(self, command.id, verdict, Facts::Patch(Box::new(facts)), progress.started_at)
    }

    /// The truthful end of a patch that was accepted by an agent that is no more.
    pub(super) async fn recover_patch(&self, command: &Command, patch: &Patch, at: Timestamp) -> Outcome {
        if patch.effect != TakesEffect::Restart {
            return self.recover_in_place(command, patch).await;
        }
        match self.patch_way(command, patch, PatchNote::of(patch), at) {
            Ok(nothing_yet) => self.recover_release(nothing_yet, patch.watch).await,
            Err(fault) => {
                let progress = self.silent_progress();
                self.patch_ended(command, patch, &PatchNote::of(patch), Err(fault.into()), &progress)
            }
        }
    }
}

/// A syntax check in words.
fn said(syntax: &Syntax) -> String {
    let language = syntax.language.as_deref().unwrap_or("an unknown language");
    match (syntax.verdict, syntax.findings.first()) {
        (SyntaxVerdict::Sound, _) => format!("{language}, well formed"),
        (SyntaxVerdict::Broken, Some(first)) => {
            format!("{language}, broken in line {}, column {}: {}", first.line, first.column, first.message)
        }
        (SyntaxVerdict::Broken, None) => format!("{language}, broken"),
        (SyntaxVerdict::Unchecked, _) => {
            format!("syntax not checked: {}", syntax.reason.as_deref().unwrap_or("nobody knows why"))
        }
    }
}

fn broken_fault(path: &FilePath, said: &str) -> Fault {
    let message = format!("{path} would not be well formed: {said}.");
    let fault = Fault::new(ErrorKind::Invalid, "patch.syntax", message);
    fault.fix("Correct it, or say expressly that it shall be written as it is (`acceptBroken`).")
}
