//! Uploads: begun, finished and given up by orders; what has come of them is in the staging folder. Their bytes come by
//! [`super::transfer`].

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sf_files::{Cancel, FileFault, Options, Part, Promised, Quota, Replace, Tree, UploadId};
use sf_protocol::server::{FileFacts, FileVerb, Upload};
use sf_runtime::{OnError, Shutdown};
use sf_types::{ContentHash, ErrorKind, Fault, FileState, RunId, ServerId, Timestamp};

use super::{Place, verb};
use crate::daemon::aside;
use crate::daemon::servers::live::Moved;
use crate::daemon::servers::record::{BegunUpload, ServerRecord, Servers};
use crate::execute::Node;

/// An upload of which nothing came for this long is given up.
pub const UPLOAD_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// How often it is looked for such.
const LOOK_EVERY: Duration = Duration::from_secs(60 * 60);

/// What the verbs of uploads work with.
pub(super) struct Uploads {
    pub node: Arc<Node>,
    pub server: ServerId,
    /// The run of the order under way: names what it begins.
    pub run: Option<RunId>,
}

/// Its name in the staging folder.
pub(super) fn name(upload: RunId) -> UploadId {
    upload.to_string().parse().expect("a UUID is digits, letters and dashes")
}

/// What was said of it when it was begun.
///
/// # Errors
/// `file.no_upload`.
pub(super) fn begun(record: &ServerRecord, upload: RunId) -> Result<BegunUpload, FileFault> {
    record.uploads.iter().find(|one| one.upload == upload).cloned().ok_or(FileFault::NoUpload)
}

/// What unfinished uploads take of the server's room. Nothing where it cannot be looked at.
pub(in crate::daemon::servers) fn uploaded(staging: &Path) -> u64 {
    // Both folders of a tree may be one where only this one is looked into.
    let parts = Tree::open(staging, staging, Options::default()).and_then(|tree| tree.uploads());
    parts.map_or(0, |parts| parts.iter().map(Part::taken).sum())
}

impl Uploads {
    fn servers(&self) -> &Servers {
        &self.node.servers
    }

    fn forget(&self, upload: RunId) -> Result<(), Fault> {
        let known = |record: &mut ServerRecord| record.uploads.retain(|one| one.upload != upload);
        self.servers().change(self.server, known).map(drop)
    }

    pub fn begin(&self, tree: &Tree, wanted: BegunUpload) -> Result<FileFacts, Fault> {
        let others = self.servers().known_one(self.server)?.uploads;
        let others = others.iter().filter(|one| one.upload != wanted.upload).count();
        if others >= FileVerb::UPLOADS_MAX {
            let message = format!("{others} uploads to this server are neither finished nor given up.");
            let fault = Fault::new(ErrorKind::RateLimited, "file.uploads", message);
            return Err(fault.fix("Finish them or give them up."));
        }
        let (at, upload) = (verb::path(&wanted.path)?, wanted.upload);
        tree.upload_begin(&name(upload), &at, wanted.bytes, replace(wanted.replace))?;
        let kept = self.servers().change(self.server, |record| {
            record.uploads.retain(|one| one.upload != upload);
            record.uploads.push(wanted);
        });
        kept?;
        Ok(FileFacts { path: at.to_string(), bytes: 0, entries: 0, hash: None })
    }

    pub fn finish(
        &self,
        tree: &Tree,
        upload: RunId,
        (hash, before): (Option<ContentHash>, Option<FileState>),
        cancel: &Cancel,
    ) -> Result<FileFacts, Fault> {
        let one = begun(&self.servers().known_one(self.server)?, upload)?;
        self.servers().live(self.server).transfer_end(Moved::Upload(upload));
        let at = verb::path(&one.path)?;
        let promised = Promised { bytes: one.bytes, hash, before, mode: one.mode };
        let written = tree.upload_finish(&name(upload), &at, promised, replace(one.replace), cancel)?;
        self.forget(upload)?;
        Ok(FileFacts { path: at.to_string(), bytes: written.bytes, entries: 1, hash: Some(written.hash) })
    }

    pub fn abort(&self, tree: &Tree, upload: RunId) -> Result<FileFacts, Fault> {
        let known = begun(&self.servers().known_one(self.server)?, upload);
        self.servers().live(self.server).transfer_end(Moved::Upload(upload));
        tree.upload_abort(&name(upload))?;
        self.forget(upload)?;
        let path = known.map(|one| one.path).unwrap_or_default();
        Ok(FileFacts { path, bytes: 0, entries: 0, hash: None })
    }
}

const fn replace(may: bool) -> Replace {
    if may { Replace::Files } else { Replace::Never }
}

/// All uploads of a server, as they are.
pub(super) fn list(tree: &Tree, record: &ServerRecord) -> Result<Vec<Upload>, Fault> {
    let state = |one: &BegunUpload| {
        let part = tree.upload(&name(one.upload))?;
        Ok::<_, FileFault>(part.map(|part| Upload {
            upload: one.upload,
            path: one.path.clone(),
            bytes: one.bytes,
            have: part.bytes,
            replace: one.replace,
            mode: one.mode,
            begun_at: one.begun_at,
            expires_at: Timestamp::from_millis(part.modified_ms).plus(UPLOAD_KEPT),
        }))
    };
    let all = record.uploads.iter().map(state).collect::<Result<Vec<_>, _>>()?;
    Ok(all.into_iter().flatten().collect())
}

impl Node {
    /// Gives up uploads of which nothing comes any more, at the start and from time to time.
    pub(crate) async fn expire_uploads(self: Arc<Self>, shutdown: Shutdown) {
        let mut look = tokio::time::interval(LOOK_EVERY);
        loop {
            tokio::select! {
                () = shutdown.requested() => return,
                _ = look.tick() => {}
            }
            for server in self.servers.ids() {
                let node = self.clone();
                self.tasks.spawn("server.uploads", OnError::Log, async move {
                    node.expire_uploads_of(server).await;
                    Ok::<(), Infallible>(())
                });
            }
        }
    }

    async fn expire_uploads_of(self: &Arc<Self>, server: ServerId) {
        if !self.servers.staging(server).exists() {
            return;
        }
        let live = self.servers.live(server);
        let (node, turn) = (self.clone(), live.files().clone().lock_owned().await);
        let expired = aside::long(move || {
            let _turn = turn;
            node.expire_in_turn(server)
        });
        if let Err(fault) = expired.await {
            tracing::warn!(%server, %fault, "old uploads could not be removed");
        }
    }

    fn expire_in_turn(&self, server: ServerId) -> Result<(), Fault> {
        let Some(record) = self.servers.get(server) else { return Ok(()) };
        let quota: Quota = self.servers.live(server).quota(record.spec.limits.disk.map(sf_types::ByteSize::bytes));
        let tree = Place::of(&self.servers, &record.spec, None, quota).open()?;
        let oldest = self.clock.now().minus(UPLOAD_KEPT).as_millis();
        let (old, kept): (Vec<Part>, Vec<Part>) = tree.uploads()?.into_iter().partition(|part| {
            part.modified_ms < oldest || !record.uploads.iter().any(|one| name(one.upload) == part.id)
        });
        for part in old {
            tree.upload_abort(&part.id)?;
        }
        let is_there = |one: &BegunUpload| kept.iter().any(|part| part.id == name(one.upload));
        self.servers.change(server, |record| record.uploads.retain(is_there)).map(drop)
    }
}
