//! From a path to a descriptor, beneath the root and through real folders only.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::entry::Facts;
use crate::path::{Name, join};
use crate::{FileFault, Kind, Tree, TreePath};

/// How a path is walked. Both ways refuse and find the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resolve {
    /// By the kernel in one step: `openat2` with `RESOLVE_BENEATH`, `NO_SYMLINKS` and `NO_MAGICLINKS` (Linux 5.6).
    Kernel,
    /// Name by name, each opened in the descriptor of the one before and never through a link.
    Steps,
}

const BENEATH: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);
/// The kernel gives up with EAGAIN where names are moved while it walks; that many times it is asked again.
const ASKED_AGAIN: usize = 16;

impl Resolve {
    /// What the running kernel, and what filters its calls, allow.
    pub(crate) fn of_this_kernel(root: &OwnedFd) -> Self {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match rustix::fs::openat2(root, c".", flags, Mode::empty(), BENEATH) {
            Ok(_) => Self::Kernel,
            Err(_) => Self::Steps,
        }
    }

    pub(crate) fn open(self, root: BorrowedFd<'_>, names: &[Name], flags: OFlags) -> Result<OwnedFd, Errno> {
        let flags = flags | OFlags::CLOEXEC;
        if names.is_empty() {
            return rustix::fs::openat(root, c".", flags, Mode::empty());
        }
        match self {
            Self::Kernel => by_kernel(root, &join(names), flags),
            Self::Steps => by_steps(root, names, flags),
        }
    }
}

fn by_kernel(root: BorrowedFd<'_>, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    for _ in 0..ASKED_AGAIN {
        match rustix::fs::openat2(root, path, flags, Mode::empty(), BENEATH) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            // A way out is a link, too.
            Err(Errno::XDEV) => return Err(Errno::LOOP),
            other => return other,
        }
    }
    Err(Errno::BUSY)
}

fn by_steps(root: BorrowedFd<'_>, names: &[Name], flags: OFlags) -> Result<OwnedFd, Errno> {
    let mut above: Option<OwnedFd> = None;
    for (at, name) in names.iter().enumerate() {
        let dir = above.as_ref().map_or(root, AsFd::as_fd);
        let last = at + 1 == names.len();
        let step = if last { flags } else { OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC };
        let opened = rustix::fs::openat(dir, name.as_bytes(), step | OFlags::NOFOLLOW, Mode::empty());
        let opened = match opened {
            // What is no folder may be no folder because it is a link.
            Err(Errno::NOTDIR) => Err(link_or(dir, name, Errno::NOTDIR)),
            other => other,
        }?;
        // A descriptor that is only a place is given for a link as well.
        if step.contains(OFlags::PATH) && Facts::of(&rustix::fs::fstat(&opened)?).kind == Kind::Link {
            return Err(Errno::LOOP);
        }
        above = Some(opened);
    }
    above.ok_or(Errno::INVAL)
}

fn link_or(dir: BorrowedFd<'_>, name: &Name, errno: Errno) -> Errno {
    match rustix::fs::statat(dir, name.as_bytes(), AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) if Facts::of(&stat).kind == Kind::Link => Errno::LOOP,
        _ => errno,
    }
}

impl Tree {
    /// The folder at `names`, readable, so that it can be listed and synced.
    pub(crate) fn folder(&self, names: &[Name]) -> Result<OwnedFd, FileFault> {
        let opened = self.resolve.open(self.root.as_fd(), names, OFlags::RDONLY | OFlags::DIRECTORY);
        opened.map_err(|errno| FileFault::at(&join(names), errno))
    }

    /// The folder that holds `path`, and its name there.
    pub(crate) fn place<'p>(&self, path: &'p TreePath, verb: &'static str) -> Result<(OwnedFd, &'p Name), FileFault> {
        let (above, name) = path.split().ok_or(FileFault::Root { verb })?;
        Ok((self.folder(above)?, name))
    }

    /// What is at a path, a link itself included.
    pub(crate) fn facts(&self, path: &TreePath) -> Result<Facts, FileFault> {
        let stat = match path.split() {
            None => rustix::fs::fstat(&self.root),
            Some((above, name)) => rustix::fs::statat(self.folder(above)?, name.as_bytes(), AtFlags::SYMLINK_NOFOLLOW),
        };
        stat.map(|stat| Facts::of(&stat)).map_err(|errno| FileFault::of(path, errno))
    }

    /// A file, opened to be read.
    pub(crate) fn file(&self, path: &TreePath) -> Result<(File, Facts), FileFault> {
        let place = self.resolve.open(self.root.as_fd(), path.names(), OFlags::PATH);
        read_at(&place.map_err(|errno| FileFault::of(path, errno))?, &path.to_bytes())
    }
}

/// What `name` in `dir` is; `None` where nothing is there.
pub(crate) fn facts_in(dir: &OwnedFd, name: &[u8], path: &[u8]) -> Result<Option<Facts>, FileFault> {
    match rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(Facts::of(&stat))),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(FileFault::at(path, errno)),
    }
}

/// A file in a folder, opened to be read.
pub(crate) fn file_in(dir: BorrowedFd<'_>, name: &[u8], path: &[u8]) -> Result<(File, Facts), FileFault> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let place = rustix::fs::openat(dir, name, flags, Mode::empty()).map_err(|errno| FileFault::at(path, errno))?;
    read_at(&place, path)
}

/// From a place to a file that can be read. What it is has been seen by then, so that no fifo or device is ever opened.
fn read_at(place: &OwnedFd, path: &[u8]) -> Result<(File, Facts), FileFault> {
    let fault = |errno| FileFault::at(path, errno);
    let facts = Facts::of(&rustix::fs::fstat(place).map_err(fault)?);
    refuse_all_but_files(facts.kind, path)?;
    // A descriptor's entry in /proc names exactly this file, wherever its names went meanwhile.
    let entry = format!("/proc/self/fd/{}", place.as_raw_fd());
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = rustix::fs::open(entry, flags, Mode::empty()).map_err(fault)?;
    Ok((File::from(file), facts))
}

pub(crate) fn refuse_all_but_files(kind: Kind, path: &[u8]) -> Result<(), FileFault> {
    match kind {
        Kind::File => Ok(()),
        Kind::Folder => Err(FileFault::at(path, Errno::ISDIR)),
        Kind::Link => Err(FileFault::at(path, Errno::LOOP)),
        kind => Err(FileFault::Special { path: crate::path::escaped(path), kind }),
    }
}
