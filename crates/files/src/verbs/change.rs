//! Folders, names and modes.

use std::os::fd::AsRawFd;

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::entry::Facts;
use crate::resolve::facts_in;
use crate::tree::{FOLDER, FOLDER_MODE};
use crate::{Cancel, FileFault, Kind, Tree, TreePath};

/// What happens where something is there already.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Replace {
    /// It stays, and the verb fails.
    #[default]
    Never,
    /// A file takes the place of a file; folders are never replaced.
    Files,
}

impl Tree {
    /// Makes a folder; with `parents` also those above it, and then it may be there already.
    ///
    /// # Errors
    /// [`FileFault`]
    pub fn make_folder(&self, path: &TreePath, parents: bool) -> Result<(), FileFault> {
        if !parents {
            return self.make_one(path);
        }
        let mut above = TreePath::root();
        for name in path.names() {
            above = above.join(name.clone())?;
            match self.folder(above.names()) {
                Ok(_) => self.allow(&above)?,
                Err(FileFault::NotFound { .. }) => match self.make_one(&above) {
                    // Somebody else makes the same.
                    Err(FileFault::Exists { .. }) => {}
                    other => other?,
                },
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }

    fn make_one(&self, path: &TreePath) -> Result<(), FileFault> {
        self.allow_new(path)?;
        let (dir, name) = self.place(path, "made")?;
        let new = self.new_tree()?;
        self.dress(&new.top, None, FOLDER_MODE).map_err(|errno| FileFault::of(path, errno))?;
        new.place(&dir, name, &path.to_bytes())
    }

    /// Gives a file or folder another name or place. What has denied paths in it stays where it is, and nothing becomes a
    /// denied path.
    ///
    /// # Errors
    /// [`FileFault`]
    pub fn rename(&self, from: &TreePath, to: &TreePath, replace: Replace, cancel: &Cancel) -> Result<(), FileFault> {
        self.allow(from)?;
        self.allow_new_or_old(to)?;
        let (from_dir, from_name) = self.place(from, "renamed")?;
        if to.is_within(from) {
            return if to == from { Ok(()) } else { Err(FileFault::Inside { path: from.to_string() }) };
        }
        let (to_dir, to_name) = self.place(to, "replaced")?;
        let (from_bytes, to_bytes) = (from.to_bytes(), to.to_bytes());
        let missing = || FileFault::NotFound { path: from.to_string() };
        let facts = facts_in(&from_dir, from_name.as_bytes(), &from_bytes)?.ok_or_else(missing)?;
        if facts.kind == Kind::Folder && !self.options.denied.is_empty() {
            let top = rustix::fs::openat(&from_dir, from_name.as_bytes(), FOLDER, Mode::empty());
            let top = top.map_err(|errno| FileFault::of(from, errno))?;
            self.allow_below(top, &from_bytes, &to_bytes, cancel)?;
        }
        let old = facts_in(&to_dir, to_name.as_bytes(), &to_bytes)?;
        let flags = match (&old, replace) {
            (Some(old), Replace::Files) if facts.kind == Kind::Folder || old.kind == Kind::Folder => {
                let fault = if old.kind == Kind::Folder { Errno::ISDIR } else { Errno::NOTDIR };
                return Err(FileFault::of(to, fault));
            }
            (Some(_), Replace::Files) => RenameFlags::empty(),
            _ => RenameFlags::NOREPLACE,
        };
        let renamed = rustix::fs::renameat_with(&from_dir, from_name.as_bytes(), &to_dir, to_name.as_bytes(), flags);
        renamed.map_err(|errno| match errno {
            Errno::INVAL => FileFault::Inside { path: from.to_string() },
            Errno::NOENT => missing(),
            errno => FileFault::of(to, errno),
        })?;
        if let Some(old) = old {
            self.options.quota.give(old.freed());
        }
        for dir in [&from_dir, &to_dir] {
            rustix::fs::fsync(dir).map_err(|errno| FileFault::of(to, errno))?;
        }
        Ok(())
    }

    /// Sets the rwx bits of a file or folder. Set-id and sticky bits are not to be had. A file with further names is
    /// refused: a mode cannot be parted from them.
    ///
    /// # Errors
    /// [`FileFault`]
    pub fn chmod(&self, path: &TreePath, mode: u32) -> Result<(), FileFault> {
        if path.is_root() {
            return Err(FileFault::Root { verb: "given another mode" });
        }
        if mode & !0o777 != 0 {
            return Err(FileFault::Pattern { why: format!("{mode:o} is no mode: only the bits of 777 can be set") });
        }
        self.allow(path)?;
        let fault = |errno| FileFault::of(path, errno);
        let place =
            self.resolve.open(std::os::fd::AsFd::as_fd(&self.root), path.names(), OFlags::PATH).map_err(fault)?;
        let facts = Facts::of(&rustix::fs::fstat(&place).map_err(fault)?);
        match facts.kind {
            Kind::File if facts.links > 1 => return Err(FileFault::HardLink { path: path.to_string() }),
            Kind::File | Kind::Folder => {}
            kind => crate::resolve::refuse_all_but_files(kind, &path.to_bytes())?,
        }
        // A path descriptor cannot be given to fchmod; its entry in /proc names exactly this file.
        let entry = format!("/proc/self/fd/{}", place.as_raw_fd());
        rustix::fs::chmodat(rustix::fs::CWD, entry, Mode::from_raw_mode(mode), AtFlags::empty()).map_err(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verbs::tests::Bench;

    fn rename(bench: &Bench, from: &str, to: &str, replace: Replace) -> &'static str {
        let renamed = bench.tree().rename(&from.parse().unwrap(), &to.parse().unwrap(), replace, &Cancel::new());
        renamed.map_or_else(|fault| fault.code(), |()| "done")
    }

    #[test]
    fn folders_are_made_once() {
        let bench = Bench::new();
        let make = |path: &str, parents| {
            bench.tree().make_folder(&path.parse().unwrap(), parents).map_or_else(|fault| fault.code(), |()| "done")
        };
        std::os::unix::fs::symlink(bench.outside(""), bench.path("out")).unwrap();
        for (path, parents, code) in [
            ("a", false, "done"),
            ("a", false, "file.exists"),
            ("b/c", false, "file.not_found"),
            ("b/c/d", true, "done"),
            ("b/c/d", true, "done"),
            ("out/x", true, "file.link"),
            (r"a/x\x1b", false, "file.name"),
            ("", false, "file.root"),
        ] {
            assert_eq!(make(path, parents), code, "{path}");
        }
        assert_eq!(bench.mode("b/c"), 0o755);
        assert!(!bench.outside("x").exists());
        bench.is_clean();
    }

    #[test]
    fn names_change_within_the_tree() {
        let bench = Bench::with(|options| options.denied = crate::Denied::parse(&["*.key", "/conf/fixed"]));
        for path in ["a", "b", "d/x", "e/y", "secret/deep/a.key", "z/fixed"] {
            bench.put(path, path);
        }
        std::fs::write(bench.raw(b"evil\nname\xff"), "x").unwrap();
        std::os::unix::fs::symlink(bench.outside(""), bench.path("out")).unwrap();
        for (from, to, replace, code) in [
            ("a", "b", Replace::Never, "file.exists"),
            ("a", "b", Replace::Files, "done"),
            ("a", "c", Replace::Never, "file.not_found"),
            ("b", "d", Replace::Files, "file.is_a_folder"),
            ("d", "b", Replace::Files, "file.not_a_folder"),
            ("d", "d/x/y", Replace::Never, "file.inside"),
            ("d", "e/d", Replace::Never, "done"),
            ("b", "out/b", Replace::Never, "file.link"),
            ("out", "in", Replace::Never, "done"),
            (r"evil\x0aname\xff", "good", Replace::Never, "done"),
            ("good", r"evil\x0aname", Replace::Never, "file.name"),
            ("secret", "s", Replace::Never, "file.denied"),
            ("b", "b.key", Replace::Never, "file.denied"),
            ("z", "conf", Replace::Never, "file.denied"),
            ("", "x", Replace::Never, "file.root"),
            ("b", "", Replace::Files, "file.root"),
        ] {
            assert_eq!(rename(&bench, from, to, replace), code, "{from} -> {to}");
        }
        assert_eq!((bench.text("b").as_str(), bench.text("e/d/x").as_str()), ("a", "d/x"));
        assert_eq!(std::fs::read_link(bench.path("in")).unwrap(), bench.outside(""));
    }

    #[test]
    fn modes_are_plain_and_of_one_file() {
        let bench = Bench::new();
        bench.put("a", "x");
        bench.put("b", "x");
        std::fs::hard_link(bench.path("b"), bench.path("c")).unwrap();
        std::fs::write(bench.outside("s"), "x").unwrap();
        std::os::unix::fs::symlink(bench.outside("s"), bench.path("l")).unwrap();
        bench.fifo("f");
        for (path, mode, code) in [
            ("a", 0o700, "done"),
            ("a", 0o4755, "file.pattern"),
            ("a", 0o1755, "file.pattern"),
            ("b", 0o777, "file.hard_link"),
            ("l", 0o777, "file.link"),
            ("f", 0o777, "file.special"),
            ("", 0o777, "file.root"),
        ] {
            let done = bench.tree().chmod(&path.parse().unwrap(), mode);
            assert_eq!(done.map_or_else(|fault| fault.code(), |()| "done"), code, "{path} {mode:o}");
        }
        assert_eq!(bench.mode("a"), 0o700);
    }
}
