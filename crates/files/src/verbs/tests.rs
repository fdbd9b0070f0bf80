//! A tree to try the verbs on: its root, its staging folder, and a place outside.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::{Options, Tree};

pub struct Bench {
    dir: tempfile::TempDir,
    options: Options,
    tree: Tree,
}

impl Bench {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Options)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["root", "staging", "outside"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        let mut options = Options::default();
        change(&mut options);
        let tree = Tree::open(&dir.path().join("root"), &dir.path().join("staging"), options.clone()).unwrap();
        Self { dir, options, tree }
    }

    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The same, opened once more, as after a restart.
    pub fn again(&self) -> Tree {
        Tree::open(&self.path(""), &self.dir.path().join("staging"), self.options.clone()).unwrap()
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.raw(path.as_bytes())
    }

    pub fn raw(&self, path: &[u8]) -> PathBuf {
        self.dir.path().join("root").join(OsStr::from_bytes(path))
    }

    pub fn outside(&self, path: &str) -> PathBuf {
        self.dir.path().join("outside").join(path)
    }

    pub fn put(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap()
    }

    pub fn mode(&self, path: &str) -> u32 {
        std::fs::metadata(self.path(path)).unwrap().permissions().mode() & 0o7777
    }

    pub fn fifo(&self, path: &str) {
        let mode = rustix::fs::Mode::from_raw_mode(0o644);
        rustix::fs::mknodat(rustix::fs::CWD, self.path(path), rustix::fs::FileType::Fifo, mode, 0).unwrap();
    }

    /// Nothing that was being made is left.
    pub fn is_clean(&self) {
        let left: Vec<_> = std::fs::read_dir(self.dir.path().join("staging")).unwrap().flatten().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}
