//! What a relay keeps for its successor: where requests go, and whether a proxy is believed.
//!
//! It lies in a folder of its own, which alone belongs to the relay's user; a relay that was taken over through a request
//! changes nothing that the agent, as root, starts its successor by.

use std::fs::{DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use rustix::fs::{AtFlags, Gid, Mode, OFlags, Uid, openat, renameat, unlinkat};
use rustix::io::Errno;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::confine::Identity;
use crate::process::folder::RunFolder;
use crate::release::tree;

/// The folder, in the run folder.
const KEPT: &str = "kept";
/// Largest file read, in bytes.
const FILE_BYTES: u64 = 64 * 1024;

/// The folder, open: its path may lead through folders that the relay's user cannot enter.
#[derive(Debug)]
pub struct Kept {
    dir: OwnedFd,
    before: RunFolder,
}

impl Kept {
    /// Opens the folder below `run`, making it where it is not there, and gives it to `user`. Answers also its path.
    pub fn open(run: &RunFolder, user: Option<Identity>) -> io::Result<(Self, PathBuf)> {
        let path = run.path().join(KEPT);
        match DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let dir = tree::open_dir(&path)?;
        if let Some(user) = user {
            rustix::fs::fchown(&dir, Some(Uid::from_raw(user.uid)), Some(Gid::from_raw(user.gid)))?;
        }
        Ok((Self { dir, before: run.clone() }, path))
    }

    /// Reads one file; `None` when it is not there.
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> io::Result<Option<T>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(&self.dir, name, flags, Mode::empty()) {
            // Where earlier relays kept it.
            Err(Errno::NOENT) => return self.before.read(name),
            other => File::from(other?),
        };
        let mut bytes = Vec::new();
        file.take(FILE_BYTES).read_to_end(&mut bytes)?;
        serde_json::from_slice(&bytes).map(Some).map_err(io::Error::other)
    }

    /// Replaces one file at once; durable when it returns.
    pub fn write(&self, name: &str, value: &impl Serialize) -> io::Result<()> {
        let fresh = format!("{name}.new");
        match unlinkat(&self.dir, &fresh, AtFlags::empty()) {
            Err(Errno::NOENT) => {}
            other => other?,
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(openat(&self.dir, &fresh, flags, Mode::RUSR | Mode::WUSR)?);
        file.write_all(&serde_json::to_vec(value).map_err(io::Error::other)?)?;
        file.sync_all()?;
        renameat(&self.dir, &fresh, &self.dir, name)?;
        Ok(rustix::fs::fsync(&self.dir)?)
    }
}
