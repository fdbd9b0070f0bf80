//! Copying files and trees: made whole in the staging folder, then shown at once.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::quota::Hold;
use crate::resolve::{facts_in, file_in};
use crate::tree::{FILE_MODE, FOLDER, FOLDER_MODE};
use crate::walk::{Met, Then, Visit, Walk};
use crate::{Cancel, FileFault, Kind, Tree, TreePath};

/// What was copied.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Copied {
    /// Files, links and folders.
    pub entries: u64,
    /// Bytes of files.
    pub bytes: u64,
    /// Fifos, sockets and devices that were left out.
    pub skipped: u64,
}

impl Tree {
    /// Copies a file or a tree to where nothing is. Links become links of the same text; hard links become files of
    /// their own; set-id bits are lost.
    ///
    /// # Errors
    /// [`FileFault`]; nothing of the copy is seen then.
    pub fn copy(&self, from: &TreePath, to: &TreePath, cancel: &Cancel) -> Result<Copied, FileFault> {
        self.allow(from)?;
        self.allow_new(to)?;
        let (to_dir, to_name) = self.place(to, "replaced")?;
        let to_bytes = to.to_bytes();
        if facts_in(&to_dir, to_name.as_bytes(), &to_bytes)?.is_some() {
            return Err(FileFault::Exists { path: to.to_string() });
        }
        if from.is_root() {
            return Err(FileFault::Root { verb: "copied" });
        }
        if self.facts(from)?.kind == Kind::Folder {
            return self.copy_tree(from, (&to_dir, to_name), to, cancel);
        }
        let (file, facts) = self.file(from)?;
        let mut new = self.new_file()?;
        let bytes = pour(file, &new.file, &mut new.hold, &from.to_bytes(), cancel)?;
        new.seal(None, facts.mode)?;
        new.place(&to_dir, to_name, RenameFlags::NOREPLACE, &to_bytes)?;
        Ok(Copied { entries: 1, bytes, skipped: 0 })
    }

    fn copy_tree(
        &self,
        from: &TreePath,
        (to_dir, to_name): (&OwnedFd, &crate::Name),
        to: &TreePath,
        cancel: &Cancel,
    ) -> Result<Copied, FileFault> {
        let from_bytes = from.to_bytes();
        let top = self.folder(from.names())?;
        self.allow_below(self.folder(from.names())?, &from_bytes, &to.to_bytes(), cancel)?;
        let mut new = self.new_tree()?;
        let mut copied = Copied { entries: 1, ..Copied::default() };
        let mut open: Vec<OwnedFd> = Vec::new();
        let mut walk = Walk::new(top, &from_bytes)?;
        let new_top = new.top.as_fd();
        let hold = &mut new.hold;
        walk.all(cancel, &mut |visit| match visit {
            Visit::Leave => {
                open.pop();
                Ok(Then::Pass)
            }
            Visit::Entry(met) => {
                // Also what came to be after they were looked for.
                if self.options.denied.denies(met.path) {
                    return Err(FileFault::Denied { path: crate::path::escaped(met.path) });
                }
                let parent = open.last().map_or(new_top, AsFd::as_fd);
                let folder = self.copy_entry(&met, parent, hold, &mut copied, cancel)?;
                let then = if folder.is_some() { Then::Enter } else { Then::Pass };
                open.extend(folder);
                Ok(then)
            }
        })?;
        self.dress(&new.top, None, FOLDER_MODE).map_err(|errno| FileFault::of(to, errno))?;
        new.place(to_dir, to_name, &to.to_bytes())?;
        Ok(copied)
    }

    /// Copies one entry into `parent`; answers the new folder where it is one.
    fn copy_entry(
        &self,
        met: &Met<'_>,
        parent: BorrowedFd<'_>,
        hold: &mut Hold,
        copied: &mut Copied,
        cancel: &Cancel,
    ) -> Result<Option<OwnedFd>, FileFault> {
        let fault = |errno| FileFault::at(met.path, errno);
        match met.facts.kind {
            Kind::Folder if met.deep => {
                return Err(FileFault::Depth { path: crate::path::escaped(met.path), limit: Self::DEPTH_MAX });
            }
            Kind::Folder => {
                hold.entry()?;
                copied.entries += 1;
                return self.make_in(parent, met.name.to_bytes(), met.facts.mode | 0o700).map(Some).map_err(fault);
            }
            Kind::File => {
                let (file, facts) = match file_in(met.parent, met.name.to_bytes(), met.path) {
                    // It was a file a moment ago; what is gone or has become something else is not copied.
                    Err(FileFault::NotFound { .. } | FileFault::Link { .. } | FileFault::Special { .. }) => {
                        return Ok(None);
                    }
                    other => other?,
                };
                hold.entry()?;
                let new = new_in(parent, met.name.to_bytes()).map_err(fault)?;
                copied.bytes += pour(file, &new, hold, met.path, cancel)?;
                self.dress(&new, None, facts.mode).map_err(fault)?;
            }
            Kind::Link => {
                let target = match rustix::fs::readlinkat(met.parent, met.name, Vec::new()) {
                    Err(Errno::INVAL | Errno::NOENT) => return Ok(None),
                    other => other.map_err(fault)?,
                };
                hold.entry()?;
                rustix::fs::symlinkat(target.as_c_str(), parent, met.name).map_err(fault)?;
                if let Some(owner) = self.options.owner {
                    let (uid, gid) = (rustix::fs::Uid::from_raw(owner.uid), rustix::fs::Gid::from_raw(owner.gid));
                    let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
                    rustix::fs::chownat(parent, met.name, Some(uid), Some(gid), flags).map_err(fault)?;
                }
            }
            _ => {
                copied.skipped += 1;
                return Ok(None);
            }
        }
        copied.entries += 1;
        Ok(None)
    }

    /// A new folder in a staged one, already its owner's.
    pub(crate) fn make_in(&self, parent: BorrowedFd<'_>, name: &[u8], mode: u32) -> Result<OwnedFd, Errno> {
        rustix::fs::mkdirat(parent, name, Mode::RWXU)?;
        let folder = rustix::fs::openat(parent, name, FOLDER, Mode::empty())?;
        self.dress(&folder, None, mode)?;
        Ok(folder)
    }
}

/// A new file in a staged folder.
pub(crate) fn new_in(parent: BorrowedFd<'_>, name: &[u8]) -> Result<File, Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags, Mode::from_raw_mode(FILE_MODE)).map(File::from)
}

/// From one file into another, its bytes taken first; how many they were.
pub(crate) fn pour(
    mut from: impl Read,
    mut to: impl std::io::Write,
    hold: &mut Hold,
    path: &[u8],
    cancel: &Cancel,
) -> Result<u64, FileFault> {
    let mut buffer = vec![0; 128 * 1024];
    let mut poured = 0;
    loop {
        cancel.check()?;
        let read = match from.read(&mut buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            other => other.map_err(|error| FileFault::io(path, error))?,
        };
        if read == 0 {
            return Ok(poured);
        }
        hold.take(read as u64)?;
        to.write_all(&buffer[..read]).map_err(|error| FileFault::io(path, error))?;
        poured += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verbs::tests::Bench;

    #[test]
    fn a_tree_is_copied_whole_or_not_at_all() {
        let bench = Bench::with(|options| options.quota = crate::Quota::new(Some(1024 * 1024), 0));
        bench.put("a/x", "1");
        bench.put("a/b/y", "22");
        std::fs::hard_link(bench.path("a/x"), bench.path("a/b/z")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", bench.path("a/link")).unwrap();
        bench.fifo("a/fifo");
        let copy =
            |from: &str, to: &str| bench.tree().copy(&from.parse().unwrap(), &to.parse().unwrap(), &Cancel::new());
        assert_eq!(copy("a", "c").unwrap(), Copied { entries: 6, bytes: 4, skipped: 1 });
        assert_eq!(bench.text("c/b/y"), "22");
        assert_eq!(std::fs::read_link(bench.path("c/link")).unwrap().to_str(), Some("/etc/passwd"));
        assert_eq!(copy("a/x", "c/x2").unwrap().bytes, 1);
        // Into itself: what is copied is not copied again.
        copy("a", "a/copy").unwrap();
        for (from, to, code) in [
            ("a", "c", "file.exists"),
            ("a/link", "l", "file.link"),
            ("a/fifo", "f", "file.special"),
            ("", "r", "file.root"),
            ("a", "a/link/x", "file.link"),
        ] {
            assert_eq!(copy(from, to).unwrap_err().code(), code, "{from} {to}");
        }
        let used = bench.tree().quota().used();
        bench.put("big/1", "x".repeat(600_000));
        bench.put("big/2", "x".repeat(600_000));
        assert_eq!(copy("big", "big2").unwrap_err().code(), "file.quota");
        assert!(!bench.path("big2").exists());
        assert_eq!(bench.tree().quota().used(), used);
        bench.is_clean();
    }

    #[test]
    fn what_is_denied_is_not_copied_with_its_folder() {
        let bench = Bench::with(|options| options.denied = crate::Denied::parse(&["*.key"]));
        bench.put("a/b/x.key", "1");
        let copied = bench.tree().copy(&"a".parse().unwrap(), &"c".parse().unwrap(), &Cancel::new());
        assert_eq!(copied.unwrap_err().code(), "file.denied");
    }
}
