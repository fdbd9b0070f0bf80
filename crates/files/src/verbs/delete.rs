//! Deleting: gone from sight at once by one rename, then removed in the staging folder, where nobody makes more of it.

use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, Mode, RenameFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::entry::Facts;
use crate::resolve::facts_in;
use crate::stage::LOOSE;
use crate::tree::FOLDER;
use crate::{Cancel, FileFault, Kind, Tree, TreePath, UploadId};

/// What was removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Removed {
    /// Files, links and folders.
    pub entries: u64,
    /// Bytes given back.
    pub bytes: u64,
    /// Nobody sees it any more, and its bytes are not all given back yet: [`Tree::sweep`] goes on.
    pub goes_on: bool,
}

impl Removed {
    fn count(&mut self, facts: &Facts) {
        self.entries += 1;
        self.bytes += facts.freed();
    }
}

impl Tree {
    /// Deletes a file, link or tree of any depth. Where it is cancelled after the tree was taken out of sight, the rest
    /// is left to [`Tree::sweep`].
    ///
    /// # Errors
    /// [`FileFault`]; everything is still there then.
    pub fn delete(&self, path: &TreePath, cancel: &Cancel) -> Result<Removed, FileFault> {
        self.allow(path)?;
        let (dir, name) = self.place(path, "deleted")?;
        let bytes = path.to_bytes();
        let missing = || FileFault::NotFound { path: path.to_string() };
        let facts = facts_in(&dir, name.as_bytes(), &bytes)?.ok_or_else(missing)?;
        if facts.kind == Kind::Folder {
            let top = rustix::fs::openat(&dir, name.as_bytes(), FOLDER, Mode::empty());
            let top = top.map_err(|errno| FileFault::of(path, errno))?;
            self.allow_below(top, &bytes, &bytes, cancel)?;
        }
        cancel.check()?;
        self.remove_in(&dir, name.as_bytes(), &bytes, cancel)
    }

    /// Deletes everything in the tree, denied or not: for who installs it anew.
    ///
    /// # Errors
    /// [`FileFault`]
    pub fn clear(&self, cancel: &Cancel) -> Result<Removed, FileFault> {
        let mut all = Removed::default();
        while let Some(name) = first_entry(&self.root).map_err(|errno| FileFault::at(b"", errno))? {
            cancel.check()?;
            let one = match self.remove_in(&self.root, name.to_bytes(), name.to_bytes(), cancel) {
                Err(FileFault::NotFound { .. }) => continue,
                other => other?,
            };
            all.entries += one.entries;
            all.bytes += one.bytes;
            all.goes_on |= one.goes_on;
        }
        Ok(all)
    }

    /// Removes what ended verbs left in the staging folder: for the start of a process, when no verb is at work. With
    /// `uploads`, unfinished uploads too. It can be cancelled and gone on with.
    ///
    /// # Errors
    /// [`FileFault`]
    pub fn sweep(&self, uploads: bool, cancel: &Cancel) -> Result<Removed, FileFault> {
        let fault = |errno| FileFault::at(b"(staging)", errno);
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.staging).map_err(fault)? {
            let name = entry.map_err(fault)?.file_name().to_owned();
            let ours = name.to_str().is_ok_and(|name| {
                LOOSE.iter().any(|loose| name.starts_with(loose)) || uploads && name.starts_with(UploadId::PART)
            });
            if ours {
                names.push(name);
            }
        }
        let mut all = Removed::default();
        for name in names {
            let one = self.empty_trash(&name.to_string_lossy(), cancel)?;
            all.entries += one.entries;
            all.bytes += one.bytes;
            all.goes_on |= one.goes_on;
        }
        self.options.quota.give(all.bytes);
        Ok(all)
    }

    /// Takes something out of sight and removes it.
    fn remove_in(&self, dir: &OwnedFd, name: &[u8], path: &[u8], cancel: &Cancel) -> Result<Removed, FileFault> {
        let trash = match self.take_away(dir, name, path) {
            // A folder of somebody else's has to be writable for its `..` to be changed.
            Err(FileFault::Permission { .. }) => {
                let opened = rustix::fs::openat(dir, name, FOLDER, Mode::empty());
                let opened = opened.map_err(|errno| FileFault::at(path, errno))?;
                rustix::fs::fchmod(&opened, Mode::RWXU).map_err(|errno| FileFault::at(path, errno))?;
                self.take_away(dir, name, path)?
            }
            other => other?,
        };
        rustix::fs::fsync(dir).map_err(|errno| FileFault::at(path, errno))?;
        let removed = self.empty_trash(&trash, cancel)?;
        self.options.quota.give(removed.bytes);
        Ok(removed)
    }

    /// Removes one name of the staging folder, a tree of any depth. Every folder found is first moved up beside the
    /// others, so that three descriptors are enough and no path grows. What still writes into it through a descriptor of
    /// its own is met again and again, until the limit of time.
    pub(crate) fn empty_trash(&self, name: &str, cancel: &Cancel) -> Result<Removed, FileFault> {
        let fault = |errno| FileFault::at(b"(staging)", errno);
        let mut removed = Removed::default();
        let Some(facts) = facts_in(&self.staging, name.as_bytes(), b"(staging)")? else { return Ok(removed) };
        removed.count(&facts);
        if facts.kind != Kind::Folder {
            rustix::fs::unlinkat(&self.staging, name, AtFlags::empty()).map_err(fault)?;
            return Ok(removed);
        }
        let top = rustix::fs::openat(&self.staging, name, FOLDER, Mode::empty()).map_err(fault)?;
        rustix::fs::fchmod(&top, Mode::RWXU).map_err(fault)?;
        let mut emptying = Emptying { top, moved: 0, removed };
        loop {
            match emptying.all(cancel).and_then(|()| cancel.check()) {
                Ok(()) => {}
                Err(FileFault::Cancelled | FileFault::TimeUp) => {
                    emptying.removed.goes_on = true;
                    return Ok(emptying.removed);
                }
                Err(other) => return Err(other),
            }
            match rustix::fs::unlinkat(&self.staging, name, AtFlags::REMOVEDIR) {
                Err(Errno::NOTEMPTY) => {}
                Err(errno) => return Err(fault(errno)),
                Ok(()) => return Ok(emptying.removed),
            }
        }
    }
}

struct Emptying {
    top: OwnedFd,
    moved: u64,
    removed: Removed,
}

impl Emptying {
    fn all(&mut self, cancel: &Cancel) -> Result<(), FileFault> {
        let fault = |errno| FileFault::at(b"(staging)", errno);
        let top = self.top.try_clone().map_err(|error| FileFault::io(b"(staging)", error))?;
        self.empty(&top, cancel)?;
        // The top now holds nothing but folders moved up from below, which may hold further ones.
        while let Some(name) = first_entry(&self.top).map_err(fault)? {
            cancel.check()?;
            let child = match rustix::fs::openat(&self.top, name.as_c_str(), FOLDER, Mode::empty()) {
                Err(Errno::NOTDIR | Errno::LOOP) => {
                    self.unlink(&top, &name)?;
                    continue;
                }
                other => other.map_err(fault)?,
            };
            rustix::fs::fchmod(&child, Mode::RWXU).map_err(fault)?;
            self.empty(&child, cancel)?;
            match rustix::fs::unlinkat(&self.top, name.as_c_str(), AtFlags::REMOVEDIR) {
                // Something was put into it through a descriptor from before: once more.
                Err(Errno::NOTEMPTY | Errno::NOENT) => {}
                other => {
                    other.map_err(fault)?;
                    self.removed.entries += 1;
                    self.removed.bytes += crate::quota::BLOCK;
                }
            }
        }
        Ok(())
    }

    /// Unlinks the files of `dir` and moves its folders to the top.
    fn empty(&mut self, dir: &OwnedFd, cancel: &Cancel) -> Result<(), FileFault> {
        let fault = |errno| FileFault::at(b"(staging)", errno);
        let in_top = same(dir, &self.top).map_err(fault)?;
        for entry in Dir::read_from(dir).map_err(fault)? {
            cancel.check()?;
            let entry = entry.map_err(fault)?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let Some(facts) = facts_in(dir, name.to_bytes(), b"(staging)")? else { continue };
            if facts.kind != Kind::Folder {
                self.unlink(dir, name)?;
            } else if !in_top {
                self.move_up(dir, name, facts).map_err(fault)?;
            }
        }
        Ok(())
    }

    fn unlink(&mut self, dir: &OwnedFd, name: &CStr) -> Result<(), FileFault> {
        let Some(facts) = facts_in(dir, name.to_bytes(), b"(staging)")? else { return Ok(()) };
        match rustix::fs::unlinkat(dir, name, AtFlags::empty()) {
            Err(Errno::NOENT | Errno::ISDIR) => Ok(()),
            Err(errno) => Err(FileFault::at(b"(staging)", errno)),
            Ok(()) => {
                self.removed.count(&facts);
                Ok(())
            }
        }
    }

    fn move_up(&mut self, dir: &OwnedFd, name: &CStr, facts: Facts) -> Result<(), Errno> {
        if facts.mode & 0o700 != 0o700 {
            // Moving a folder rewrites its `..`, which needs the right to write it.
            let child = rustix::fs::openat(dir, name, FOLDER, Mode::empty())?;
            rustix::fs::fchmod(&child, Mode::RWXU)?;
        }
        loop {
            self.moved += 1;
            let target = format!(".removing-{}", self.moved);
            match rustix::fs::renameat_with(dir, name, &self.top, target, RenameFlags::NOREPLACE) {
                Err(Errno::EXIST) => {}
                Err(Errno::NOENT) => return Ok(()),
                other => return other,
            }
        }
    }
}

fn same(one: &OwnedFd, other: &OwnedFd) -> Result<bool, Errno> {
    if one.as_raw_fd() == other.as_raw_fd() {
        return Ok(true);
    }
    Ok(Facts::of(&rustix::fs::fstat(one)?).id == Facts::of(&rustix::fs::fstat(other)?).id)
}

fn first_entry(dir: &OwnedFd) -> Result<Option<CString>, Errno> {
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        if entry.file_name() != c"." && entry.file_name() != c".." {
            return Ok(Some(entry.file_name().to_owned()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verbs::tests::Bench;

    #[test]
    fn a_tree_of_any_shape_goes() {
        let bench = Bench::new();
        bench.put("d/a/b/c/x", "1");
        bench.put("d/y", "2");
        std::os::unix::fs::symlink(bench.outside(""), bench.path("d/out")).unwrap();
        std::fs::write(bench.outside("sentinel"), "here").unwrap();
        bench.fifo("d/a/fifo");
        std::fs::write(bench.raw(b"d/\xff\n\x1b"), "x").unwrap();
        // Deeper than a walk goes.
        let mut deep = bench.raw(b"d/deep");
        for _ in 0..150 {
            std::fs::create_dir(&deep).unwrap();
            deep.push("n".repeat(20));
        }
        let removed = bench.tree().delete(&"d".parse().unwrap(), &Cancel::new()).unwrap();
        assert_eq!((removed.entries, removed.goes_on), (9 + 150, false));
        assert!(!bench.path("d").exists() && bench.outside("sentinel").exists());
        bench.is_clean();
    }

    #[test]
    fn names_of_any_bytes_go() {
        let bench = Bench::new();
        for name in [b"a\nb".as_slice(), b"\xff\xfe", b"\x1b[31m", "\u{202e}gpj".as_bytes(), br"\x41", b" "] {
            std::fs::write(bench.raw(name), "x").unwrap();
        }
        let listing = bench.tree().list(&TreePath::root(), &crate::Page::default(), &Cancel::new()).unwrap();
        assert_eq!(listing.entries.len(), 6);
        for entry in listing.entries {
            // As it travels: by its text.
            let path: TreePath = entry.name.unwrap().to_string().parse().unwrap();
            bench.tree().delete(&path, &Cancel::new()).unwrap();
        }
        assert_eq!(std::fs::read_dir(bench.path("")).unwrap().count(), 0);
    }

    #[test]
    fn what_is_cancelled_is_swept() {
        let bench = Bench::with(|options| options.quota = crate::Quota::new(None, 1 << 30));
        for number in 0..50 {
            bench.put(&format!("d/{number}/x"), "x");
        }
        let tree = bench.tree();
        let dir = tree.folder(&[]).unwrap();
        let trash = tree.take_away(&dir, b"d", b"d").unwrap();
        let cancel = Cancel::new();
        cancel.cancel();
        assert!(tree.empty_trash(&trash, &cancel).unwrap().goes_on);
        assert!(tree.sweep(false, &cancel).unwrap().goes_on);
        let rest = tree.sweep(false, &Cancel::new()).unwrap();
        assert!(rest.entries >= 100 && !rest.goes_on, "{rest:?}");
        bench.is_clean();
    }

    #[test]
    fn what_may_not_go_stays() {
        let bench = Bench::with(|options| options.denied = crate::Denied::parse(&["*.key"]));
        bench.put("a/b/x.key", "1");
        for (path, code) in
            [("a", "file.denied"), ("a/b/x.key", "file.denied"), ("", "file.root"), ("n", "file.not_found")]
        {
            assert_eq!(bench.tree().delete(&path.parse().unwrap(), &Cancel::new()).unwrap_err().code(), code, "{path}");
        }
        assert_eq!(bench.text("a/b/x.key"), "1");
        bench.tree().clear(&Cancel::new()).unwrap();
        assert_eq!(std::fs::read_dir(bench.path("")).unwrap().count(), 0);
        bench.is_clean();
    }
}
