//! A folder whose files are worked on.

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

use crate::entry::Facts;
use crate::{Denied, FileFault, Kind, Quota, Resolve, TreePath};

/// Who gets what is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Owner {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// How a tree is worked on.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Who gets what is made; whoever runs this where `None`.
    pub owner: Option<Owner>,
    /// What may not be touched by hand.
    pub denied: Denied,
    /// What it may hold.
    pub quota: Quota,
    /// How paths are walked; what the kernel can where `None`.
    pub resolve: Option<Resolve>,
}

/// A folder of files, and beside it the staging folder in which everything new is made.
#[derive(Debug)]
pub struct Tree {
    pub(crate) root: OwnedFd,
    pub(crate) staging: OwnedFd,
    pub(crate) resolve: Resolve,
    pub(crate) options: Options,
}

pub(crate) const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Mode of new folders.
pub(crate) const FOLDER_MODE: u32 = 0o755;
/// Mode of new files.
pub(crate) const FILE_MODE: u32 = 0o644;

impl Tree {
    /// Folders that a walk goes down; what is deeper can be listed and deleted, but not copied or packed.
    pub const DEPTH_MAX: usize = 128;

    /// Opens a tree. Both folders have to be there, on one file system; `staging` lies outside of `root`, and nobody else
    /// may enter it (0700). What a process that ended left in it is removed by [`Tree::sweep`].
    ///
    /// # Errors
    /// Where one is not there, a link, or on another file system.
    pub fn open(root: &Path, staging: &Path, options: Options) -> Result<Self, FileFault> {
        let open = |path: &Path| {
            let opened = rustix::fs::openat(CWD, path, FOLDER, Mode::empty());
            opened.map_err(|errno| FileFault::at(path.as_os_str().as_encoded_bytes(), errno))
        };
        Self::of(open(root)?, open(staging)?, options)
    }

    /// As [`Tree::open`], of folders that were opened before: by somebody with the right to, for a worker without.
    ///
    /// # Errors
    /// Where one is no folder, or they are on two file systems.
    pub fn of(root: OwnedFd, staging: OwnedFd, options: Options) -> Result<Self, FileFault> {
        let device = |fd: &OwnedFd, name: &[u8]| {
            let facts = Facts::of(&rustix::fs::fstat(fd).map_err(|errno| FileFault::at(name, errno))?);
            if facts.kind == Kind::Folder { Ok(facts.id.0) } else { Err(FileFault::at(name, Errno::NOTDIR)) }
        };
        if device(&root, b"")? != device(&staging, b"(staging)")? {
            return Err(FileFault::at(b"(staging)", Errno::XDEV));
        }
        let resolve = options.resolve.unwrap_or_else(|| Resolve::of_this_kernel(&root));
        Ok(Self { root, staging, resolve, options })
    }

    /// How paths are walked.
    pub const fn resolve(&self) -> Resolve {
        self.resolve
    }

    /// The meter of its bytes.
    pub const fn quota(&self) -> &Quota {
        &self.options.quota
    }

    /// Refuses a path that is denied, or is in a folder that is.
    pub(crate) fn allow(&self, path: &TreePath) -> Result<(), FileFault> {
        let bytes = path.to_bytes();
        if self.options.denied.denies(&bytes) {
            return Err(FileFault::Denied { path: path.to_string() });
        }
        Ok(())
    }

    /// As [`Tree::allow`], for a path at which something new is to be seen.
    pub(crate) fn allow_new(&self, path: &TreePath) -> Result<(), FileFault> {
        self.allow(path)?;
        match path.names().iter().find(|name| !name.is_plain()) {
            // Folders with strange names that are there already can be worked in.
            Some(name) if path.names().last() == Some(name) => Err(FileFault::BadName { name: name.to_string() }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verbs::tests::Bench;

    #[test]
    fn a_tree_is_two_folders_of_one_file_system() {
        let bench = Bench::new();
        bench.put("file", "");
        std::os::unix::fs::symlink(".", bench.path("link")).unwrap();
        for (root, staging, code) in [
            (bench.path("none"), bench.path(""), "file.not_found"),
            (bench.path("file"), bench.path(""), "file.not_a_folder"),
            (bench.path(""), bench.path("link"), "file.not_a_folder"),
            (bench.path(""), "/proc".into(), "file.other_disk"),
        ] {
            assert_eq!(Tree::open(&root, &staging, Options::default()).unwrap_err().code(), code, "{}", root.display());
        }
        let file = OwnedFd::from(std::fs::File::open(bench.path("file")).unwrap());
        let folder = || OwnedFd::from(std::fs::File::open(bench.path("")).unwrap());
        assert!(Tree::of(folder(), file, Options::default()).is_err());
        let tree =
            Tree::of(folder(), OwnedFd::from(std::fs::File::open(bench.outside("")).unwrap()), Options::default());
        assert_eq!(tree.unwrap().stat(&"file".parse().unwrap()).unwrap().kind, Kind::File);
    }
}
