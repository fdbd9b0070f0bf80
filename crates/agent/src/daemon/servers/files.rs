//! FILE_ACTION: one change of a server's files, made aside. Everything below the server's folder may be changed by its own
//! processes meanwhile; what that can and cannot do is `sf_files`' matter. Looks are in [`look`], the verbs in [`verb`], what
//! is begun and finished later in [`upload`], bytes by second connections in [`transfer`].

mod look;
mod transfer;
mod upload;
mod verb;

pub use transfer::{PACKED_AT_ONCE, TRANSFERS_OF_A_SERVER};
pub use upload::UPLOAD_KEPT;
pub(super) use upload::uploaded;

use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;

use sf_files::{Cancel, Denied, FileFault, Options, Owner, Quota, Tree};
use sf_protocol::command::Command;
use sf_protocol::outcome::{Facts, Step};
use sf_protocol::server::{FileAction, FileFacts, FileVerb, ServerSpec};
use sf_protocol::{Outcome, Verdict};
use sf_runtime::{OnError, Shutdown};
use sf_types::{ErrorKind, Fault, RunId, ServerId, Timestamp};
use tokio_util::sync::CancellationToken;

use super::record::Servers;
use crate::confine::Identity;
use crate::daemon::aside;
use crate::execute::{End, Node, Progress, interrupted, outcome};
use upload::Uploads;

/// Where a server's files are, and how they are worked on.
struct Place {
    root: PathBuf,
    staging: PathBuf,
    options: Options,
}

impl Place {
    fn of(servers: &Servers, spec: &ServerSpec, user: Option<Identity>, quota: Quota) -> Self {
        let owner = user.map(|user| Owner { uid: user.uid, gid: user.gid });
        let options = Options { owner, denied: Denied::parse(&spec.denied), quota, resolve: None };
        Self { root: servers.files(spec.server), staging: servers.staging(spec.server), options }
    }

    /// Opens both folders. Blocks: do it aside.
    fn open(self) -> Result<Tree, Fault> {
        if std::fs::symlink_metadata(&self.root).is_err() {
            let message = "The server has no files yet: it was never installed.";
            return Err(Fault::new(ErrorKind::Conflict, "server.not_installed", message).fix("Install it first."));
        }
        // Nobody but the agent enters it.
        match std::fs::DirBuilder::new().mode(0o700).create(&self.staging) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(crate::execute::app::disk(&self.staging, &error));
            }
            _ => {}
        }
        Ok(Tree::open(&self.root, &self.staging, self.options)?)
    }
}

impl Node {
    /// Carries out an order about files.
    pub(crate) async fn change_files(
        self: &Arc<Self>,
        command: &Command,
        action: &FileAction,
        cancel: &CancellationToken,
    ) -> Outcome {
        let progress = Progress::new(command.id, command.authz.run, &self.state, &self.outbox, &self.clock);
        let step = if matches!(action.verb, FileVerb::Delete { .. }) { Step::Remove } else { Step::Write };
        progress.begin(step, "");
        let (verdict, facts) = match self.do_change_files(command.authz.run, action, cancel).await {
            Ok(done) => {
                progress.done(&words(&done));
                // Not done twice, should the agent end before its journal has it.
                if let Err(fault) = self.servers.change(action.server, |record| record.filed = Some(command.id)) {
                    tracing::warn!(server = %action.server, %fault, "what was done to files could not be written down");
                }
                ((Verdict::Succeeded, None), Facts::File(Box::new(done)))
            }
            Err(end) => {
                let (verdict, fault) = end.verdict();
                progress.failed(fault.as_ref().map_or("", |fault| &fault.message));
                ((verdict, fault), Facts::None)
            }
        };
        outcome(self, command.id, verdict, facts, progress.started_at)
    }

    async fn do_change_files(
        self: &Arc<Self>,
        run: Option<RunId>,
        action: &FileAction,
        cancel: &CancellationToken,
    ) -> Result<FileFacts, End> {
        if cancel.is_cancelled() {
            return Err(End::Cancelled);
        }
        let record = self.servers.known_one(action.server)?;
        let (server, live) = (action.server, self.servers.live(action.server));
        let _turn = live.files().lock().await;
        if live.disk() == 0 {
            self.count_disk(server).await;
        }
        let limit = record.spec.limits.disk.map(sf_types::ByteSize::bytes);
        let place = Place::of(&self.servers, &record.spec, self.server_user(server)?, live.quota(limit));
        let uploads = Uploads { node: self.clone(), server, run };
        let (verb, stop) = (action.verb.clone(), Cancel::within(action.time_limit.duration()));
        let halt = live.files_begin();
        let stopping = stop.clone();
        let work = aside::long(move || verb::carry_out(&place.open()?, &verb, &uploads, &stopping));
        let mut work = std::pin::pin!(work);
        let done = tokio::select! {
            done = &mut work => done,
            () = cancel.cancelled() => { stop.cancel(); work.await }
            () = halt.cancelled() => { stop.cancel(); work.await }
        };
        match done {
            Ok(done) => {
                if done.goes_on {
                    self.sweep_later(server);
                }
                Ok(done.facts)
            }
            Err(fault) if fault.code == FileFault::Cancelled.code() => Err(End::Cancelled),
            Err(fault) => Err(fault.into()),
        }
    }

    /// The truthful end of an order that was accepted at `at` by an agent that is no more.
    pub(crate) fn reconcile_files(&self, command: &Command, action: &FileAction, at: Timestamp) -> Outcome {
        let is_done = self.servers.get(action.server).is_some_and(|record| {
            let begun = |upload: RunId| record.uploads.iter().any(|one| one.upload == upload);
            record.filed == Some(command.id)
                || match &action.verb {
                    FileVerb::Upload { .. } => command.authz.run.is_some_and(begun),
                    FileVerb::Abort { upload } => !begun(*upload),
                    _ => false,
                }
        });
        let verdict = if is_done {
            (Verdict::Succeeded, None)
        } else {
            let message =
                "The agent was restarted meanwhile; whether the files were changed is not known. None is half done.";
            (Verdict::Failed, Some(interrupted(message)))
        };
        outcome(self, command.id, verdict, Facts::None, at)
    }

    /// Removes what ended verbs of earlier agents left, one server after another.
    pub(crate) async fn sweep_files(self: Arc<Self>, shutdown: Shutdown) {
        for server in self.servers.ids() {
            tokio::select! {
                () = shutdown.requested() => return,
                () = self.sweep_server_files(server) => {}
            }
        }
    }

    fn sweep_later(self: &Arc<Self>, server: ServerId) {
        let node = self.clone();
        self.tasks.spawn("server.sweep", OnError::Log, async move {
            node.sweep_server_files(server).await;
            Ok::<(), std::convert::Infallible>(())
        });
    }

    /// Between two verbs: none is at work.
    async fn sweep_server_files(&self, server: ServerId) {
        let (root, staging) = (self.servers.files(server), self.servers.staging(server));
        let live = self.servers.live(server);
        let turn = live.files().clone().lock_owned().await;
        let swept = aside::long(move || {
            // It goes on to its end also when the agent does not wait for it.
            let _turn = turn;
            let is_clean = std::fs::read_dir(&staging).map_or(true, |mut names| names.next().is_none());
            if is_clean {
                return Ok(());
            }
            Tree::open(&root, &staging, Options::default())?.sweep(false, &Cancel::new()).map(drop)
        });
        if let Err(fault) = swept.await {
            tracing::warn!(%server, %fault, "what was left of changes of files could not be removed");
        }
    }
}

/// For people.
fn words(done: &FileFacts) -> String {
    let what = match done.entries {
        1 => "1 entry".to_owned(),
        entries => format!("{entries} entries"),
    };
    format!("{what}, {}", sf_types::ByteSize(done.bytes))
}
