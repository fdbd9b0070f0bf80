//! A tree, its staging folder, and what lies outside and may never be read or changed.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use sf_files::{Options, Tree};

pub const SECRET: &str = "SECRET: what lies outside of the tree";
pub const INSIDE: &str = "inside";

pub struct Bench {
    dir: tempfile::TempDir,
    options: Options,
}

impl Bench {
    pub fn new(options: Options) -> Self {
        // In memory where that can be had: thousands of rounds wait for no disk.
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        for name in ["root", "staging", "outside/sub"] {
            std::fs::create_dir_all(dir.path().join(name)).unwrap();
        }
        for name in ["outside/f", "outside/sub/g"] {
            std::fs::write(dir.path().join(name), SECRET).unwrap();
        }
        Self { dir, options }
    }

    pub fn tree(&self) -> Tree {
        Tree::open(&self.root(), &self.dir.path().join("staging"), self.options.clone()).unwrap()
    }

    pub fn root(&self) -> PathBuf {
        self.dir.path().join("root")
    }

    pub fn outside(&self) -> PathBuf {
        self.dir.path().join("outside")
    }

    pub fn put(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// Everything outside is as it was, and nothing of it is inside.
    pub fn is_untouched(&self) {
        let mut names = Vec::new();
        walk(&self.outside(), &mut |path| names.push(path.strip_prefix(self.outside()).unwrap().to_owned()));
        names.sort();
        assert_eq!(names, [Path::new("f"), Path::new("sub"), Path::new("sub/g")]);
        for name in ["f", "sub/g"] {
            assert_eq!(std::fs::read_to_string(self.outside().join(name)).unwrap(), SECRET);
            assert_eq!(mode(&self.outside().join(name)), 0o644);
        }
        walk(&self.root(), &mut |path| {
            if path.symlink_metadata().unwrap().is_file() {
                let bytes = std::fs::read(path).unwrap();
                assert!(!contains(&bytes, SECRET), "{} holds what is outside", path.display());
            }
        });
    }

    /// Nothing that was being made is left.
    pub fn is_clean(&self) {
        let left: Vec<_> = std::fs::read_dir(self.dir.path().join("staging")).unwrap().flatten().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

pub fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Everything below a folder, links not followed.
pub fn walk(dir: &Path, visit: &mut dyn FnMut(&Path)) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        visit(&entry.path());
        if entry.file_type().unwrap().is_dir() {
            walk(&entry.path(), visit);
        }
    }
}

/// Swaps two names as fast as it goes while `verb` runs.
pub fn while_swapped(pairs: &[(PathBuf, PathBuf)], verb: impl FnOnce()) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for (one, other) in pairs {
            let done = &done;
            scope.spawn(move || {
                use rustix::fs::{CWD, RenameFlags, renameat_with};
                while !done.load(Ordering::Relaxed) {
                    // Either may be gone for a moment, where a verb has moved it.
                    let _ = renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE);
                }
            });
        }
        let _end = End(&done);
        verb();
    });
}

/// Ends other threads when a test does, also where it fails.
pub struct End<'a>(pub &'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
