//! Unpacking: into the staging folder first, all of it, then to where it belongs.

use std::cell::Cell;
use std::fs::File;
use std::io::{BufReader, Read};
use std::ops::ControlFlow;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::rc::Rc;

use flate2::read::MultiGzDecoder;
use rustix::fs::{AtFlags, Mode, RenameFlags};
use rustix::io::Errno;

use super::unpack::{Counted, Unpack};
use super::{ArchiveFault, ArchiveLimits, Existing, Extracted, tar, zip};
use crate::resolve::facts_in;
use crate::tree::FOLDER;
use crate::walk::names;
use crate::{Cancel, FileFault, Kind, Tree, TreePath};

enum Format {
    Tar,
    TarGz,
    Zip,
}

impl Tree {
    /// Unpacks an archive of the tree into a folder of it. The format is told by the bytes, not by the name.
    ///
    /// # Errors
    /// [`FileFault`]: nothing was unpacked. Only where somebody changes the folder while the entries move to their places
    /// can it be that some are there.
    pub fn extract(
        &self,
        archive: &TreePath,
        to: &TreePath,
        existing: Existing,
        limits: ArchiveLimits,
        cancel: &Cancel,
    ) -> Result<Extracted, FileFault> {
        self.allow(to)?;
        let file = self.open_file(archive)?.file;
        // Before anything is unpacked.
        let target = self.folder(to.names())?;
        let format = format(&file, &archive.to_bytes())?;
        let mut unpack = Unpack {
            tree: self,
            to: to.clone(),
            staged: self.new_tree()?,
            limits,
            cancel,
            done: Extracted::default(),
            consumed: Rc::new(Cell::new(0)),
        };
        let path = archive.to_bytes();
        let counted = Counted { inner: &file, count: Rc::clone(&unpack.consumed) };
        match format {
            Format::Zip => zip::unpack(&file, &path, &mut unpack)?,
            Format::Tar => tar::unpack(BufReader::with_capacity(64 * 1024, counted), &path, &mut unpack)?,
            Format::TarGz => tar::unpack(MultiGzDecoder::new(BufReader::new(counted)), &path, &mut unpack)?,
        }
        let moving = Moving { tree: self, existing, cancel };
        let (bytes, done) = (to.to_bytes(), unpack.done);
        moving.look(&unpack.staged.top, &target, &bytes)?;
        moving.all(&unpack.staged.top, &target, &bytes)?;
        unpack.staged.keep();
        Ok(done)
    }
}

fn format(file: &File, path: &[u8]) -> Result<Format, FileFault> {
    let mut head = [0; 512];
    let mut filled = 0;
    while filled < head.len() {
        match file.read_at(&mut head[filled..], filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(FileFault::io(path, error)),
        }
    }
    let head = &head[..filled];
    let hint = match head {
        [0x1f, 0x8b, ..] => return Ok(Format::TarGz),
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => return Ok(Format::Zip),
        _ if tar::is_head(head) => return Ok(Format::Tar),
        [b'B', b'Z', b'h', ..] => " but bzip2",
        [0xfd, b'7', b'z', b'X', b'Z', ..] => " but xz",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => " but zstd",
        [b'7', b'z', 0xbc, 0xaf, ..] => " but 7z",
        [b'R', b'a', b'r', b'!', ..] => " but rar",
        _ => "",
    };
    Err(FileFault::archive(path, ArchiveFault::Format(hint)))
}

/// What was unpacked, on its way to its places.
struct Moving<'t> {
    tree: &'t Tree,
    existing: Existing,
    cancel: &'t Cancel,
}

impl Moving<'_> {
    /// Looks over a staged folder and its target side by side for what is in the way.
    fn look(&self, from: &OwnedFd, to: &OwnedFd, path: &[u8]) -> Result<(), FileFault> {
        names(from, path, self.cancel, |name| {
            self.one(from, to, name, &below(path, name), false)?;
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Moves everything of a staged folder to its target, a few names at a time: what was moved is not there any more.
    fn all(&self, from: &OwnedFd, to: &OwnedFd, path: &[u8]) -> Result<(), FileFault> {
        const AT_ONCE: usize = 1024;
        loop {
            let mut some = Vec::new();
            names(from, path, self.cancel, |name| {
                some.push(name.to_vec());
                Ok(if some.len() < AT_ONCE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
            })?;
            if some.is_empty() {
                return rustix::fs::fsync(to).map_err(|errno| FileFault::at(path, errno));
            }
            for name in some {
                self.cancel.check()?;
                self.one(from, to, &name, &below(path, &name), true)?;
            }
        }
    }

    fn one(&self, from: &OwnedFd, to: &OwnedFd, name: &[u8], whole: &[u8], moves: bool) -> Result<(), FileFault> {
        let fault = |errno| FileFault::at(whole, errno);
        let Some(new) = facts_in(from, name, whole)? else { return Ok(()) };
        let old = facts_in(to, name, whole)?;
        let flags = match &old {
            None => RenameFlags::NOREPLACE,
            Some(old) if old.kind == Kind::Folder && new.kind == Kind::Folder => {
                let inner = rustix::fs::openat(from, name, FOLDER, Mode::empty()).map_err(fault)?;
                let to = rustix::fs::openat(to, name, FOLDER, Mode::empty()).map_err(fault)?;
                if !moves {
                    return self.look(&inner, &to, whole);
                }
                self.all(&inner, &to, whole)?;
                // Its folder was there already.
                self.tree.options.quota.give(crate::quota::BLOCK);
                return rustix::fs::unlinkat(from, name, AtFlags::REMOVEDIR).map_err(fault);
            }
            Some(_) if self.existing == Existing::Refuse => return Err(fault(Errno::EXIST)),
            Some(old) if new.kind == Kind::Folder => {
                return Err(fault(if old.kind == Kind::Link { Errno::LOOP } else { Errno::NOTDIR }));
            }
            Some(old) => {
                crate::resolve::refuse_all_but_files(old.kind, whole)?;
                RenameFlags::empty()
            }
        };
        if moves {
            rustix::fs::renameat_with(from.as_fd(), name, to, name, flags).map_err(fault)?;
            if let Some(old) = old {
                self.tree.options.quota.give(old.freed());
            }
        }
        Ok(())
    }
}

fn below(path: &[u8], name: &[u8]) -> Vec<u8> {
    if path.is_empty() { name.to_vec() } else { [path, b"/", name].concat() }
}

/// Reads exactly so many bytes; whether there was anything at all.
pub(super) fn read_block(from: &mut impl Read, block: &mut [u8]) -> std::io::Result<bool> {
    let mut filled = 0;
    while filled < block.len() {
        match from.read(&mut block[filled..]) {
            Ok(0) if filled == 0 => return Ok(false),
            Ok(0) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}
