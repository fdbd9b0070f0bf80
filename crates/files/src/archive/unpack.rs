//! Where the entries of an archive are written to: a staged tree, within the limits.

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::{ArchiveFault, ArchiveLimits, Extracted};
use crate::path::Name;
use crate::stage::NewTree;
use crate::tree::{FILE_MODE, FOLDER_MODE};
use crate::verbs::new_in;
use crate::{Cancel, FileFault, Resolve, Tree, TreePath};

pub(super) struct Unpack<'t> {
    pub tree: &'t Tree,
    pub to: TreePath,
    pub staged: NewTree<'t>,
    pub limits: ArchiveLimits,
    pub cancel: &'t Cancel,
    pub done: Extracted,
    /// Bytes of the archive that were read.
    pub consumed: Rc<Cell<u64>>,
}

/// A reader that tells how much was taken from it.
pub(super) struct Counted<R> {
    pub inner: R,
    pub count: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.set(self.count.get() + read as u64);
        Ok(read)
    }
}

impl Unpack<'_> {
    /// The path an entry asks for, if that is one; `None` for the top itself.
    pub fn path(&self, name: &[u8]) -> Result<Option<TreePath>, FileFault> {
        let refuse = |fault| Err(FileFault::archive(name, fault));
        let drive = matches!(name, [letter, b':', ..] if letter.is_ascii_alphabetic());
        if name.first() == Some(&b'/') || drive {
            return refuse(ArchiveFault::Absolute);
        }
        let mut path = TreePath::root();
        for part in name.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b".")) {
            if part == b".." {
                return refuse(ArchiveFault::Outside);
            }
            let Some(part) = Name::from_bytes(part).ok().filter(Name::is_plain) else {
                return refuse(ArchiveFault::Name);
            };
            let Ok(longer) = path.join(part) else { return refuse(ArchiveFault::Name) };
            path = longer;
        }
        if path.names().len() > self.limits.depth.min(Tree::DEPTH_MAX) {
            return refuse(ArchiveFault::Depth(self.limits.depth));
        }
        if path.is_root() {
            return Ok(None);
        }
        let at = [self.to.names(), path.names()].concat();
        let at = crate::path::join(&at);
        if self.tree.options.denied.denies(&at) {
            return Err(FileFault::Denied { path: crate::path::escaped(&at) });
        }
        Ok(Some(path))
    }

    /// Makes a folder, and those above it.
    pub fn folder(&mut self, path: &TreePath) -> Result<OwnedFd, FileFault> {
        let open =
            |names: &[Name]| Resolve::Steps.open(self.staged.top.as_fd(), names, OFlags::RDONLY | OFlags::DIRECTORY);
        // As far as it is there.
        let names = path.names();
        let mut there = names.len();
        let mut dir = loop {
            match open(&names[..there]) {
                Ok(dir) => break dir,
                Err(Errno::NOENT) if there > 0 => there -= 1,
                Err(Errno::NOTDIR) => return Err(FileFault::archive(&path.to_bytes(), ArchiveFault::Duplicate)),
                Err(errno) => return Err(FileFault::of(path, errno)),
            }
        };
        for name in &names[there..] {
            self.count(path)?;
            dir = self
                .tree
                .make_in(dir.as_fd(), name.as_bytes(), FOLDER_MODE)
                .map_err(|errno| FileFault::of(path, errno))?;
        }
        Ok(dir)
    }

    /// Writes a file of `size` bytes, no more and no less.
    pub fn file(&mut self, path: &TreePath, runs: bool, size: u64, content: &mut dyn Read) -> Result<(), FileFault> {
        let bytes = path.to_bytes();
        let Some((above, name)) = path.split() else { return Err(FileFault::archive(&bytes, ArchiveFault::Name)) };
        let above = TreePath::from_bytes(&crate::path::join(above))?;
        let dir = self.folder(&above)?;
        self.count(path)?;
        let mut file = new_in(dir.as_fd(), name.as_bytes()).map_err(|errno| match errno {
            Errno::EXIST => FileFault::archive(&bytes, ArchiveFault::Duplicate),
            errno => FileFault::at(&bytes, errno),
        })?;
        let mut buffer = vec![0; 64 * 1024];
        let mut written = 0;
        loop {
            self.cancel.check()?;
            let read = match content.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other.map_err(|error| broken(&bytes, &error))?,
            };
            if read == 0 {
                break;
            }
            written += read as u64;
            if written > size {
                return Err(FileFault::archive(&bytes, ArchiveFault::Size));
            }
            self.spend(read as u64, &bytes)?;
            self.staged.hold.take(read as u64)?;
            file.write_all(&buffer[..read]).map_err(|error| FileFault::io(&bytes, error))?;
        }
        if written != size {
            return Err(FileFault::archive(&bytes, ArchiveFault::Size));
        }
        let mode = if runs { FOLDER_MODE } else { FILE_MODE };
        self.tree.dress(&file, None, mode).map_err(|errno| FileFault::at(&bytes, errno))
    }

    fn count(&mut self, path: &TreePath) -> Result<(), FileFault> {
        self.done.entries += 1;
        if self.done.entries > self.limits.entries {
            return Err(FileFault::archive(&path.to_bytes(), ArchiveFault::Entries(self.limits.entries)));
        }
        self.staged.hold.entry()
    }

    fn spend(&mut self, bytes: u64, path: &[u8]) -> Result<(), FileFault> {
        self.done.bytes += bytes;
        let (done, limits) = (self.done.bytes, self.limits);
        if done > limits.bytes {
            return Err(FileFault::archive(path, ArchiveFault::Bytes(limits.bytes)));
        }
        let fair = self.consumed.get().saturating_mul(limits.ratio);
        if done > ArchiveLimits::RATIO_FROM && done > fair {
            return Err(FileFault::archive(path, ArchiveFault::Ratio(limits.ratio)));
        }
        Ok(())
    }
}

/// What a reader of an archive says of it.
pub(super) fn broken(entry: &[u8], error: &io::Error) -> FileFault {
    let why = match error.kind() {
        io::ErrorKind::UnexpectedEof => "it ends too early".to_owned(),
        _ => error.to_string(),
    };
    FileFault::archive(entry, ArchiveFault::Broken(why))
}

/// The mode bits that are refused, wherever an archive has them.
pub(super) fn refuse_set_id(name: &[u8], mode: u32) -> Result<(), FileFault> {
    if mode & 0o6000 == 0 { Ok(()) } else { Err(FileFault::archive(name, ArchiveFault::Mode)) }
}
