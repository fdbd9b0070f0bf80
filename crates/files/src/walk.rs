//! A walk over a tree that changes meanwhile: by descriptors, following nothing, with bounded depth and memory.

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, Mode, RawDir};
use rustix::io::Errno;

use crate::entry::Facts;
use crate::tree::FOLDER;
use crate::{Cancel, FileFault, Kind, Tree};

/// What a walk has come to.
pub(crate) enum Visit<'a> {
    Entry(Met<'a>),
    /// All of the folder entered last has been seen.
    Leave,
}

/// An entry on the way.
#[derive(Clone, Copy)]
pub(crate) struct Met<'a> {
    pub parent: BorrowedFd<'a>,
    pub name: &'a CStr,
    /// Its path from the root of the tree.
    pub path: &'a [u8],
    pub facts: &'a Facts,
    /// Whether it lies too deep to be entered.
    pub deep: bool,
}

/// Whether what is in a folder is wanted, too.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Enter,
    Pass,
}

pub(crate) struct Walk {
    open: Vec<(Dir, usize)>,
    path: Vec<u8>,
    /// Folders that could not be opened or lie too deep.
    pub missed: u64,
}

impl Walk {
    /// A walk below `top`, whose own path is `path`.
    pub fn new(top: OwnedFd, path: &[u8]) -> Result<Self, FileFault> {
        let dir = Dir::new(top).map_err(|errno| FileFault::at(path, errno))?;
        Ok(Self { open: vec![(dir, path.len())], path: path.to_vec(), missed: 0 })
    }

    /// Visits one entry, or leaves a folder; whether there is more. What vanishes between listing and looking is passed.
    pub fn step(&mut self, visit: &mut dyn FnMut(Visit<'_>) -> Result<Then, FileFault>) -> Result<bool, FileFault> {
        let depth = self.open.len();
        let Some((dir, above)) = self.open.last_mut() else { return Ok(false) };
        self.path.truncate(*above);
        let Some(entry) = dir.read() else {
            self.open.pop();
            if !self.open.is_empty() {
                visit(Visit::Leave)?;
            }
            return Ok(!self.open.is_empty());
        };
        let entry = entry.map_err(|errno| FileFault::at(&self.path, errno))?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            return Ok(true);
        }
        if !self.path.is_empty() {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(name.to_bytes());
        let parent = dir.fd().map_err(|errno| FileFault::at(&self.path, errno))?;
        let facts = match rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(true),
            other => Facts::of(&other.map_err(|errno| FileFault::at(&self.path, errno))?),
        };
        let deep = depth >= Tree::DEPTH_MAX;
        let met = Met { parent, name, path: &self.path, facts: &facts, deep };
        if visit(Visit::Entry(met))? == Then::Pass || facts.kind != Kind::Folder {
            return Ok(true);
        }
        let inner =
            if deep { Err(Errno::NAMETOOLONG) } else { rustix::fs::openat(parent, name, FOLDER, Mode::empty()) };
        match inner.and_then(Dir::new) {
            Ok(inner) => self.open.push((inner, self.path.len())),
            Err(errno) => {
                if !matches!(errno, Errno::NOENT | Errno::NOTDIR | Errno::LOOP) {
                    self.missed += 1;
                }
                visit(Visit::Leave)?;
            }
        }
        Ok(true)
    }

    /// Walks to the end.
    pub fn all(
        &mut self,
        cancel: &Cancel,
        visit: &mut dyn FnMut(Visit<'_>) -> Result<Then, FileFault>,
    ) -> Result<(), FileFault> {
        while self.step(visit)? {
            cancel.check()?;
        }
        Ok(())
    }
}

/// Shows every name of one folder, through one buffer, however many there are, until told to end.
pub(crate) fn names(
    dir: &OwnedFd,
    path: &[u8],
    cancel: &Cancel,
    mut each: impl FnMut(&[u8]) -> Result<ControlFlow<()>, FileFault>,
) -> Result<(), FileFault> {
    /// Names between two looks at the time.
    const UNASKED: u32 = 1024;
    // Whoever read it before left it at its end.
    rustix::fs::seek(dir, rustix::fs::SeekFrom::Start(0)).map_err(|errno| FileFault::at(path, errno))?;
    let mut buffer = [MaybeUninit::uninit(); 32 * 1024];
    let mut entries = RawDir::new(dir.as_fd(), &mut buffer);
    let mut seen = 0_u32;
    while let Some(entry) = entries.next() {
        let entry = entry.map_err(|errno| FileFault::at(path, errno))?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." && each(name)?.is_break() {
            break;
        }
        seen = seen.wrapping_add(1);
        if seen.is_multiple_of(UNASKED) {
            cancel.check()?;
        }
    }
    Ok(())
}

impl Tree {
    /// Refuses a folder that has something denied in it; `path` is its own.
    pub(crate) fn allow_below(
        &self,
        top: OwnedFd,
        path: &[u8],
        as_path: &[u8],
        cancel: &Cancel,
    ) -> Result<(), FileFault> {
        if self.options.denied.is_empty() {
            return Ok(());
        }
        let mut walk = Walk::new(top, path)?;
        walk.all(cancel, &mut |visit| {
            let Visit::Entry(met) = visit else { return Ok(Then::Pass) };
            let moved = [as_path, &met.path[path.len()..]].concat();
            if self.options.denied.denies(met.path) || self.options.denied.denies(&moved) {
                return Err(FileFault::Denied { path: crate::path::escaped(met.path) });
            }
            Ok(Then::Enter)
        })?;
        if walk.missed > 0 {
            return Err(FileFault::Depth { path: crate::path::escaped(path), limit: Self::DEPTH_MAX });
        }
        Ok(())
    }
}
