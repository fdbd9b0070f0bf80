//! A release in the making, until it has its name.

use std::path::{Path, PathBuf};

use sf_protocol::build::BuildPlan;
use sf_protocol::query::Revision;
use sf_types::{AppId, ReleaseId, Timestamp};

use super::tree::{self, Carry};
use super::{Manifest, Patched, Release, Result, SUBJECT_CHARS, VERSION, failed};
use crate::confine::Identity;
use crate::making::hot::Record;

/// A release in the making. Dropped unpublished, it is removed.
#[derive(Debug)]
pub struct Staging {
    app: AppId,
    release: ReleaseId,
    dir: PathBuf,
    done: bool,
}

/// What was made, to be published.
#[derive(Clone, Debug)]
pub struct Made {
    /// The commit.
    pub revision: Revision,
    /// How it was built and is started.
    pub plan: BuildPlan,
    /// What it was made from, where that is known.
    pub record: Option<Record>,
    /// What is taken from an earlier release unchanged.
    pub carried: Option<Carried>,
}

/// A sealed folder of an earlier release that becomes part of this one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Carried {
    /// The folder.
    pub from: PathBuf,
    /// Its place among the files, relative; empty: it is all of them, in place of what is there.
    pub to: PathBuf,
    /// Names at its top that are left out.
    pub leave: Vec<&'static str>,
}

impl Staging {
    pub(super) const fn new(app: AppId, release: ReleaseId, dir: PathBuf) -> Self {
        Self { app, release, dir, done: false }
    }

    /// Where its files go.
    pub fn tree(&self) -> PathBuf {
        self.dir.join("tree")
    }

    /// Its own folder, beside [`Staging::tree`] room for what a build needs and nobody keeps.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Seals the files (read-only; owned by root and readable by `reader`'s group where the agent is root), makes
    /// them durable and gives the release its name.
    ///
    /// # Errors
    /// The disk's reason; nothing then exists under the release's name.
    pub fn publish(
        self,
        made: Made,
        made_at: Timestamp,
        (maker, reader): (Option<Identity>, Option<Identity>),
    ) -> Result<Release> {
        fail::fail_point!("release-seal");
        self.seal(made.carried.as_ref(), maker, reader)?;
        if let Some(record) = &made.record {
            record.write(&self.dir).map_err(failed("writing", &self.dir))?;
        }
        self.name(made.revision, made.plan, made_at, Vec::new())
    }

    /// As [`Staging::publish`], of files that are sealed already: those of `base` with one changed.
    ///
    /// # Errors
    /// As [`Staging::publish`].
    pub fn publish_patched(self, base: &Manifest, patched: Patched) -> Result<Release> {
        let (mut revision, made_at) = (base.revision.clone(), patched.at);
        revision.subject = format!("patch of {}", patched.path).chars().take(SUBJECT_CHARS).collect();
        let patches = base.patches.iter().cloned().chain([patched]).collect();
        self.name(revision, base.plan.clone(), made_at, patches)
    }

    /// Makes it durable and gives it its name.
    fn name(
        mut self,
        revision: Revision,
        plan: BuildPlan,
        made_at: Timestamp,
        patches: Vec<Patched>,
    ) -> Result<Release> {
        let files = self.tree();
        let usage = tree::measure(&files).map_err(failed("measuring", &files))?;
        let manifest = Manifest {
            version: VERSION,
            app: self.app,
            release: self.release,
            revision,
            plan,
            made_at,
            size_bytes: usage.bytes,
            entries: usage.entries,
            patches,
        };
        let path = self.dir.join("release.json");
        let bytes = serde_json::to_vec_pretty(&manifest);
        let bytes = bytes.map_err(|error| failed("writing", &path)(std::io::Error::other(error)))?;
        tree::write_atomically(&path, &bytes, 0o600).map_err(failed("writing", &path))?;
        let top = tree::open_dir(&self.dir).map_err(failed("opening", &self.dir))?;
        rustix::fs::syncfs(&top).map_err(|error| failed("syncing", &self.dir)(error.into()))?;
        let releases = self.dir.parent().unwrap_or(&self.dir);
        let dir = releases.join(self.release.to_string());
        std::fs::rename(&self.dir, &dir).map_err(failed("naming", &dir))?;
        self.done = true;
        tree::sync_dir(releases).map_err(failed("syncing", releases))?;
        Ok(Release { manifest, dir })
    }

    /// Seals what was made here, and what is carried over: as further names of sealed files where they are root's, as
    /// sealed copies where an app's process could make them writable.
    fn seal(&self, carried: Option<&Carried>, maker: Option<Identity>, reader: Option<Identity>) -> Result<()> {
        let files = self.tree();
        let whole = carried.is_some_and(|carried| carried.to.as_os_str().is_empty());
        if whole {
            tree::remove(&files).map_err(failed("removing", &files))?;
        }
        let bring = |how: Carry| match carried {
            Some(Carried { from, to, leave }) => {
                let place = if whole { files.clone() } else { files.join(to) };
                tree::carry((from, &place), how, leave, &|| false).map_err(failed("carrying over", from)).map(drop)
            }
            None => Ok(()),
        };
        match reader {
            Some(reader) => {
                if !whole {
                    tree::seal(&files, maker, Some(reader)).map_err(failed("sealing", &files))?;
                }
                bring(Carry::Link(reader))
            }
            None => {
                bring(Carry::Copy)?;
                tree::seal(&files, maker, None).map_err(failed("sealing", &files))
            }
        }
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.done
            && let Err(error) = tree::remove(&self.dir)
        {
            tracing::warn!(%error, dir = %self.dir.display(), "a staging folder could not be removed; swept at next start");
        }
    }
}
