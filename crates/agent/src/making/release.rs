//! Releases of an app on the node's disk: immutable folders, one of them live.
//!
//! ```text
//! apps/<app id>/
//!   live.json                      which release is live, and which was before
//!   releases/<release id>/
//!     release.json                 [`Manifest`]
//!     build.json                   what it was made from: [`crate::making::hot::Record`]
//!     tree/                        the files; read-only
//!   releases/staging-<release id>/ in the making; swept at the agent's start
//! ```

pub mod linked;
mod staging;
pub mod tree;

use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sf_protocol::build::BuildPlan;
use sf_protocol::query::Revision;
use sf_types::{AppId, ByteSize, CommandId, ErrorKind, Fault, FilePath, FileState, ReleaseId, Timestamp};

pub use staging::{Carried, Made, Staging};

/// Free space kept on the disk in any case, in bytes: the journal and the logs need it.
pub const RESERVE_BYTES: u64 = 256 * 1024 * 1024;

const STAGING: &str = "staging-";
/// Characters of a revision's subject.
const SUBJECT_CHARS: usize = 200;
const VERSION: u32 = 1;

/// What a release is. Written once, into its folder.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// Version of this file: 1.
    pub version: u32,
    /// The app.
    pub app: AppId,
    /// The release.
    pub release: ReleaseId,
    /// The commit it was made from.
    pub revision: Revision,
    /// How it was built and is started.
    pub plan: BuildPlan,
    /// When it was made.
    pub made_at: Timestamp,
    /// Bytes on disk.
    pub size_bytes: u64,
    /// Files, links and folders.
    pub entries: u64,
    /// What was changed in it by patches, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<Patched>,
}

/// A file of a release that is no longer what the build made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Patched {
    /// By which command.
    pub command: CommandId,
    /// Which file.
    pub path: FilePath,
    /// How it was.
    pub before: FileState,
    /// How it is since.
    pub after: FileState,
    /// Since when.
    pub at: Timestamp,
}

/// A release on disk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Release {
    /// What it is.
    pub manifest: Manifest,
    dir: PathBuf,
}

impl Release {
    /// Its folder, with what is known of it beside its files.
    pub fn folder(&self) -> &Path {
        &self.dir
    }

    /// Its files.
    pub fn tree(&self) -> PathBuf {
        self.dir.join("tree")
    }

    /// The folder its process runs in: [`BuildPlan::root`] inside the files.
    pub fn root(&self) -> PathBuf {
        self.tree().join(&self.manifest.plan.root)
    }
}

/// Which release is live.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Live {
    /// The one that serves.
    pub live: Option<ReleaseId>,
    /// The one that served before.
    pub previous: Option<ReleaseId>,
}

/// Why a release could not be made, found or removed.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// The disk does not hold it.
    #[error("the disk at {} needs about {need}, and {free} is free", path.display())]
    NoSpace {
        /// Where.
        path: PathBuf,
        /// What is needed, the reserve included.
        need: ByteSize,
        /// What is free.
        free: ByteSize,
    },
    /// A file of ours is damaged.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file system refused.
    #[error("{doing} {} failed: {source}", path.display())]
    Disk {
        /// What was being done.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
}

impl From<ReleaseError> for Fault {
    fn from(error: ReleaseError) -> Self {
        let (kind, code, fix) = match &error {
            ReleaseError::NoSpace { .. } => (
                ErrorKind::Conflict,
                "release.no_space",
                "Free some space, or keep fewer releases of this node's apps.",
            ),
            ReleaseError::Damaged { .. } => (
                ErrorKind::Internal,
                "release.damaged",
                "Deploy the app again; the release that serves is not touched.",
            ),
            ReleaseError::Disk { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                (ErrorKind::Conflict, "release.no_space", "Free some space on the node's disk and try again.")
            }
            ReleaseError::Disk { .. } => {
                (ErrorKind::Internal, "release.disk", "Check the disk and the rights of the agent's folder.")
            }
        };
        Self::new(kind, code, error.to_string()).fix(fix)
    }
}

type Result<T, E = ReleaseError> = std::result::Result<T, E>;

fn failed<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> ReleaseError + 'a {
    move |source| ReleaseError::Disk { doing, path: path.to_owned(), source }
}

/// The releases of one app.
#[derive(Clone, Debug)]
pub struct Releases {
    app: AppId,
    dir: PathBuf,
}

impl Releases {
    /// The releases of `app` below `apps`, making the folders where they are not there.
    ///
    /// # Errors
    /// When the folders cannot be made.
    pub fn open(apps: &Path, app: AppId) -> Result<Self> {
        let dir = apps.join(app.to_string());
        let releases = dir.join("releases");
        // Others may walk through but not look around: an app's own user has to reach its release.
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o711).create(&releases);
        made.map_err(failed("making", &releases))?;
        Ok(Self { app, dir })
    }

    /// The app's own folder, `apps/<app id>`.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn releases(&self) -> PathBuf {
        self.dir.join("releases")
    }

    /// Starts a release: an empty staging folder, after checking that about `need` bytes fit on the disk. What an
    /// earlier try of the same release left is removed.
    ///
    /// # Errors
    /// [`ReleaseError::NoSpace`], or the disk's reason.
    pub fn stage(&self, release: ReleaseId, need: ByteSize) -> Result<Staging> {
        check_space(&self.releases(), need)?;
        let dir = self.releases().join(format!("{STAGING}{release}"));
        tree::remove(&dir).map_err(failed("removing", &dir))?;
        for made in [&dir, &dir.join("tree")] {
            std::fs::DirBuilder::new().mode(0o711).create(made).map_err(failed("making", made))?;
        }
        Ok(Staging::new(self.app, release, dir))
    }

    /// Releases on disk, newest first. One whose manifest is damaged is left out.
    pub fn list(&self) -> Vec<Release> {
        let Ok(entries) = std::fs::read_dir(self.releases()) else { return Vec::new() };
        let ids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let mut releases: Vec<_> = ids.filter_map(|id| self.get(id).ok().flatten()).collect();
        releases.sort_by_key(|release| std::cmp::Reverse(release.manifest.release));
        releases
    }

    /// One release; `None` when it is not on disk.
    ///
    /// # Errors
    /// [`ReleaseError::Damaged`] when its manifest cannot be read.
    pub fn get(&self, release: ReleaseId) -> Result<Option<Release>> {
        let dir = self.releases().join(release.to_string());
        let path = dir.join("release.json");
        let bytes = match std::fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(failed("reading", &path))?,
        };
        match serde_json::from_slice::<Manifest>(&bytes) {
            Ok(manifest) if manifest.version == VERSION && manifest.release == release => {
                Ok(Some(Release { manifest, dir }))
            }
            Ok(_) => Err(ReleaseError::Damaged { path, reason: "it describes another release".to_owned() }),
            Err(error) => Err(ReleaseError::Damaged { path, reason: error.to_string() }),
        }
    }

    /// Which release is live; nothing for an app never deployed.
    ///
    /// # Errors
    /// [`ReleaseError::Damaged`] when the pointer cannot be read.
    pub fn live(&self) -> Result<Live> {
        let path = self.dir.join("live.json");
        match std::fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Live::default()),
            Err(error) => Err(failed("reading", &path)(error)),
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| ReleaseError::Damaged { path, reason: error.to_string() }),
        }
    }

    /// Notes in a release that a file of it was changed where it is; durable when it returns.
    ///
    /// # Errors
    /// [`ReleaseError::Damaged`], or the disk's reason; the earlier note is then still there.
    pub fn note_patch(&self, release: &Release, patched: Patched) -> Result<()> {
        let mut manifest = release.manifest.clone();
        if !manifest.patches.contains(&patched) {
            manifest.patches.push(patched);
        }
        let path = release.dir.join("release.json");
        let bytes = serde_json::to_vec_pretty(&manifest);
        let bytes = bytes.map_err(|error| failed("writing", &path)(io::Error::other(error)))?;
        tree::write_atomically(&path, &bytes, 0o600).map_err(failed("writing", &path))
    }

    /// Points at another release; durable when it returns.
    ///
    /// # Errors
    /// The disk's reason; the old pointer then still holds.
    pub fn set_live(&self, live: Live) -> Result<()> {
        let path = self.dir.join("live.json");
        let bytes = serde_json::to_vec(&live).map_err(|error| failed("writing", &path)(io::Error::other(error)))?;
        tree::write_atomically(&path, &bytes, 0o600).map_err(failed("writing", &path))
    }

    /// Makes `release` the live one and what was live the previous one.
    ///
    /// # Errors
    /// As [`Releases::set_live`].
    pub fn go_live(&self, release: ReleaseId) -> Result<Live> {
        let now = self.live()?;
        let next = match now.live {
            Some(live) if live == release => now,
            other => Live { live: Some(release), previous: other.or(now.previous) },
        };
        self.set_live(next)?;
        Ok(next)
    }

    /// Removes the oldest releases beyond `keep` (besides the live one); never the live, the previous or those of
    /// `spare`. Answers what was removed.
    ///
    /// # Errors
    /// The disk's reason; what was removed before stays removed.
    pub fn prune(&self, keep: u8, spare: &[ReleaseId]) -> Result<Vec<ReleaseId>> {
        let pointer = self.live()?;
        let mut removed = Vec::new();
        let mut kept = 0_u8;
        for release in self.list() {
            let id = release.manifest.release;
            if pointer.live == Some(id) || spare.contains(&id) {
                continue;
            }
            if kept < keep {
                kept += 1;
                continue;
            }
            if pointer.previous != Some(id) {
                self.remove(id)?;
                removed.push(id);
            }
        }
        Ok(removed)
    }

    /// Removes one release, and what of it was in the making. The name goes first, so that a crash leaves no half release
    /// under its own name.
    ///
    /// # Errors
    /// The disk's reason.
    pub fn remove(&self, release: ReleaseId) -> Result<()> {
        let dir = self.releases().join(release.to_string());
        let gone = self.releases().join(format!("{STAGING}removed-{release}"));
        match std::fs::rename(&dir, &gone) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => other.map_err(failed("removing", &dir))?,
        }
        for left in [gone, self.releases().join(format!("{STAGING}{release}"))] {
            tree::remove(&left).map_err(failed("removing", &left))?;
        }
        Ok(())
    }

    /// Removes what crashed deploys left behind. Call it when no deploy of this app is under way.
    ///
    /// # Errors
    /// The disk's reason.
    pub fn sweep(&self) -> Result<()> {
        let releases = self.releases();
        for entry in std::fs::read_dir(&releases).map_err(failed("reading", &releases))?.flatten() {
            if entry.file_name().to_string_lossy().starts_with(STAGING) {
                tree::remove(&entry.path()).map_err(failed("removing", &entry.path()))?;
            }
        }
        Ok(())
    }

    /// Removes the app's folder with everything in it.
    ///
    /// # Errors
    /// The disk's reason; call it again to go on.
    pub fn remove_all(self) -> Result<()> {
        fail::fail_point!("release-remove-all");
        tree::remove(&self.dir).map_err(failed("removing", &self.dir))
    }
}

/// Fails when `need` bytes and [`RESERVE_BYTES`] do not fit on the disk of `path`.
///
/// # Errors
/// [`ReleaseError::NoSpace`], or the disk's reason.
pub fn check_space(path: &Path, need: ByteSize) -> Result<()> {
    let stat = rustix::fs::statvfs(path).map_err(|error| failed("measuring", path)(error.into()))?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let need = need.bytes().saturating_add(RESERVE_BYTES);
    if free < need {
        return Err(ReleaseError::NoSpace { path: path.to_owned(), need: ByteSize(need), free: ByteSize(free) });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
