//! The staging folder: what is made there, and how it gets from there to its place.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, RenameFlags, Uid};
use rustix::io::Errno;

use crate::entry::Facts;
use crate::path::Name;
use crate::quota::Hold;
use crate::tree::{FOLDER, Owner};
use crate::{Cancel, FileFault, Tree};

/// What a name in the staging folder begins with that is removed when nobody uses it any more.
pub(crate) const LOOSE: &[&str] = &["new-", "tree-", "trash-"];

/// Makes names differ that one process gives at once; two processes are told apart by their ids and by EEXIST.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A name in the staging folder that is free, by trying.
fn fresh<T>(label: &str, mut make: impl FnMut(&str) -> Result<T, Errno>) -> Result<(String, T), FileFault> {
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{label}{}-{number}", std::process::id());
        match make(&name) {
            Err(Errno::EXIST) => {}
            Ok(made) => return Ok((name, made)),
            Err(errno) => return Err(FileFault::at(b"(staging)", errno)),
        }
    }
}

/// A file that is being made. It is gone when this is dropped before it was put in its place.
#[derive(Debug)]
pub(crate) struct NewFile<'t> {
    tree: &'t Tree,
    name: String,
    pub file: File,
    pub hold: Hold,
    /// Its rwx bits, where they are not for the place that it is shown at to say.
    mode: Option<u32>,
    /// It is not removed when this is dropped.
    stays: bool,
}

/// A tree that is being made, likewise.
#[derive(Debug)]
pub(crate) struct NewTree<'t> {
    tree: &'t Tree,
    name: String,
    pub top: OwnedFd,
    pub hold: Hold,
    placed: bool,
}

impl Tree {
    pub(crate) fn new_file(&self) -> Result<NewFile<'_>, FileFault> {
        let mut hold = self.options.quota.hold();
        hold.entry()?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let (name, fd) = fresh("new-", |name| rustix::fs::openat(&self.staging, name, flags, mode))?;
        Ok(NewFile { tree: self, name, file: File::from(fd), hold, mode: None, stays: false })
    }

    pub(crate) fn new_tree(&self) -> Result<NewTree<'_>, FileFault> {
        let mut hold = self.options.quota.hold();
        hold.entry()?;
        let (name, ()) = fresh("tree-", |name| rustix::fs::mkdirat(&self.staging, name, Mode::RWXU))?;
        let top = rustix::fs::openat(&self.staging, name.as_str(), FOLDER, Mode::empty());
        let top = top.map_err(|errno| FileFault::at(b"(staging)", errno))?;
        Ok(NewTree { tree: self, name, top, hold, placed: false })
    }

    /// Moves something into the staging folder, out of everybody's reach, under a name that says it is to be removed.
    pub(crate) fn take_away(&self, dir: &OwnedFd, name: &[u8], path: &[u8]) -> Result<String, FileFault> {
        let moved =
            fresh("trash-", |trash| rustix::fs::renameat_with(dir, name, &self.staging, trash, RenameFlags::NOREPLACE));
        match moved {
            Ok((trash, ())) => Ok(trash),
            Err(FileFault::NotFound { .. }) => Err(FileFault::at(path, Errno::NOENT)),
            Err(FileFault::OtherDisk { .. }) => Err(FileFault::at(path, Errno::XDEV)),
            Err(FileFault::Permission { .. }) => Err(FileFault::at(path, Errno::ACCESS)),
            Err(other) => Err(other),
        }
    }

    /// Gives what is new to its owner, with its mode; the set-id bits are never among it.
    pub(crate) fn dress(&self, fd: &impl std::os::fd::AsFd, owner: Option<Owner>, mode: u32) -> Result<(), Errno> {
        if let Some(owner) = owner.or(self.options.owner) {
            let now = Facts::of(&rustix::fs::fstat(fd)?);
            if (now.uid, now.gid) != (owner.uid, owner.gid) {
                match rustix::fs::fchown(fd, Some(Uid::from_raw(owner.uid)), Some(Gid::from_raw(owner.gid))) {
                    // Who is not root gives nothing away, and the file of another's group becomes one of ours.
                    Err(Errno::PERM) if !rustix::process::geteuid().is_root() => {}
                    other => other?,
                }
            }
        }
        rustix::fs::fchmod(fd, Mode::from_raw_mode(mode & 0o777))
    }

    /// Whose a file is that replaces another: its owner's, unless that is root and the tree has an owner.
    pub(crate) fn heir(&self, old: &Facts) -> Option<Owner> {
        match self.options.owner {
            Some(owner) if old.uid == 0 => Some(owner),
            _ => Some(Owner { uid: old.uid, gid: old.gid }),
        }
    }
}

impl<'t> NewFile<'t> {
    /// What was uploaded and is counted already; it stays where it is unless it is put in its place.
    pub fn of_part(tree: &'t Tree, name: String, file: File, mode: Option<u32>) -> Self {
        Self { tree, name, file, hold: tree.options.quota.hold(), mode, stays: true }
    }

    /// Writes on, its bytes taken from the quota first.
    pub fn put(&mut self, bytes: &[u8], cancel: &Cancel) -> Result<(), FileFault> {
        cancel.check()?;
        self.hold.take(bytes.len() as u64)?;
        self.file.write_all(bytes).map_err(|error| FileFault::io(b"(staging)", error))
    }

    /// Its owner, its mode, and everything on disk.
    pub fn seal(&mut self, owner: Option<Owner>, mode: u32) -> Result<(), FileFault> {
        let dressed = self.tree.dress(&self.file, owner, self.mode.unwrap_or(mode));
        dressed.map_err(|errno| FileFault::at(b"(staging)", errno))?;
        self.file.sync_all().map_err(|error| FileFault::io(b"(staging)", error))
    }

    /// Shows it at its place.
    pub fn place(mut self, dir: &OwnedFd, name: &Name, flags: RenameFlags, path: &[u8]) -> Result<(), FileFault> {
        show(self.tree, &self.name, dir, name, flags, path)?;
        self.stays = true;
        std::mem::replace(&mut self.hold, self.tree.options.quota.hold()).keep();
        Ok(())
    }

    /// Shows it in the place of what is there, which is then the staged file of this name: to be looked at, and to be put
    /// back by the same call.
    pub fn exchange(&mut self, dir: &OwnedFd, name: &Name, path: &[u8]) -> Result<(), FileFault> {
        show(self.tree, &self.name, dir, name, RenameFlags::EXCHANGE, path)
    }

    /// What has its name in the staging folder now.
    pub fn facts(&self) -> Result<Facts, FileFault> {
        let stat = rustix::fs::statat(&self.tree.staging, self.name.as_str(), AtFlags::SYMLINK_NOFOLLOW);
        stat.map(|stat| Facts::of(&stat)).map_err(|errno| FileFault::at(b"(staging)", errno))
    }

    /// It stays where it was exchanged to; what was there is removed.
    pub fn keep(mut self) {
        // Under its name in the staging folder is what was there now, and no part of an upload any more.
        self.stays = false;
        std::mem::replace(&mut self.hold, self.tree.options.quota.hold()).keep();
    }
}

impl NewTree<'_> {
    /// Shows it at its place, where nothing may be.
    pub fn place(mut self, dir: &OwnedFd, name: &Name, path: &[u8]) -> Result<(), FileFault> {
        show(self.tree, &self.name, dir, name, RenameFlags::NOREPLACE, path)?;
        self.placed = true;
        std::mem::replace(&mut self.hold, self.tree.options.quota.hold()).keep();
        Ok(())
    }

    /// What is in it was moved to its places by others; the rest is removed.
    pub fn keep(mut self) {
        let quota = &self.tree.options.quota;
        std::mem::replace(&mut self.hold, quota.hold()).keep();
        // Its own folder is not shown.
        quota.give(crate::quota::BLOCK);
    }
}

fn show(
    tree: &Tree,
    staged: &str,
    dir: &OwnedFd,
    name: &Name,
    flags: RenameFlags,
    path: &[u8],
) -> Result<(), FileFault> {
    let fault = |errno| FileFault::at(path, errno);
    rustix::fs::renameat_with(&tree.staging, staged, dir, name.as_bytes(), flags).map_err(fault)?;
    rustix::fs::fsync(dir).map_err(fault)
}

impl Drop for NewFile<'_> {
    fn drop(&mut self) {
        if !self.stays {
            let _ = remove_staged(self.tree, &self.name);
        }
    }
}

impl Drop for NewTree<'_> {
    fn drop(&mut self) {
        if !self.placed {
            let _ = remove_staged(self.tree, &self.name);
        }
    }
}

/// Removes one staged thing, whatever it is by now.
fn remove_staged(tree: &Tree, name: &str) -> Result<(), FileFault> {
    let fault = |errno| FileFault::at(b"(staging)", errno);
    let stat = rustix::fs::statat(&tree.staging, name, AtFlags::SYMLINK_NOFOLLOW).map_err(fault)?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        return tree.empty_trash(name, &Cancel::new()).map(|_| ());
    }
    rustix::fs::unlinkat(&tree.staging, name, AtFlags::empty()).map_err(fault)
}
