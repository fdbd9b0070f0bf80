//! Writing a file whole: the old one or the new one is there at every moment, also after a power cut.

use std::io::Read;
use std::os::fd::OwnedFd;

use rustix::fs::RenameFlags;
use sf_types::{ContentHash, FileState};
use sha2::{Digest, Sha256};

use super::read::hash_of;
use crate::entry::Facts;
use crate::path::Name;
use crate::resolve::{facts_in, file_in, refuse_all_but_files};
use crate::stage::NewFile;
use crate::tree::FILE_MODE;
use crate::{Cancel, FileFault, Tree, TreePath};

/// What was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Written {
    /// Its bytes.
    pub bytes: u64,
    /// What is in it.
    pub hash: ContentHash,
    /// Whether there was a file before.
    pub replaced: bool,
}

impl Tree {
    /// Puts `content` at `path`, in the place of the file that is there. A file that is replaced keeps its owner and mode;
    /// where it had further names (hard links) they keep the old content. With `expected`, only where the file is still
    /// that.
    ///
    /// # Errors
    /// [`FileFault`]; the old file is then still there.
    pub fn write(
        &self,
        path: &TreePath,
        content: &mut dyn Read,
        expected: Option<FileState>,
        cancel: &Cancel,
    ) -> Result<Written, FileFault> {
        self.allow_new_or_old(path)?;
        let (dir, name) = self.place(path, "replaced")?;
        let bytes = path.to_bytes();
        // Refused before anything is taken in; what counts is looked at again when it is shown.
        let old = facts_in(&dir, name.as_bytes(), &bytes)?;
        self.may_replace(name, old.as_ref(), expected, &bytes)?;
        let mut new = self.new_file()?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 64 * 1024];
        let mut written = 0;
        loop {
            let read = match content.read(&mut buffer) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                other => other.map_err(|error| FileFault::io(&bytes, error))?,
            };
            if read == 0 {
                break;
            }
            hasher.update(&buffer[..read]);
            new.put(&buffer[..read], cancel)?;
            written += read as u64;
        }
        let replaced = self.show(new, (&dir, name), &bytes, expected, cancel)?;
        Ok(Written { bytes: written, hash: ContentHash::from_bytes(hasher.finalize().into()), replaced })
    }

    /// What is strange but there may be written to; something new has a plain name.
    pub(crate) fn allow_new_or_old(&self, path: &TreePath) -> Result<(), FileFault> {
        match self.allow_new(path) {
            Err(FileFault::BadName { .. }) if self.facts(path).is_ok() => Ok(()),
            other => other,
        }
    }

    /// Shows a new file at its place, in the place of an old one; whether there was one.
    pub(crate) fn show(
        &self,
        mut new: NewFile<'_>,
        (dir, name): (&OwnedFd, &Name),
        path: &[u8],
        expected: Option<FileState>,
        cancel: &Cancel,
    ) -> Result<bool, FileFault> {
        let old = facts_in(dir, name.as_bytes(), path)?;
        self.may_replace(name, old.as_ref(), expected, path)?;
        let Some(old) = old else {
            new.seal(None, FILE_MODE)?;
            // What came to be meanwhile is not what was to be replaced.
            return match new.place(dir, name, RenameFlags::NOREPLACE, path) {
                Err(FileFault::Exists { path }) => Err(FileFault::Changed { path }),
                other => other.map(|()| false),
            };
        };
        new.seal(self.heir(&old), old.mode)?;
        if let Some(FileState::Is(hash)) = expected {
            let (file, seen) = file_in(std::os::fd::AsFd::as_fd(dir), name.as_bytes(), path)?;
            if hash_of(file, path, cancel)? != hash {
                return Err(changed(path));
            }
            new.exchange(dir, name, path)?;
            // Now nobody can swap it any more: was it that file whose content was looked at?
            let taken = new.facts()?;
            if (taken.id, taken.bytes, taken.modified) != (seen.id, seen.bytes, seen.modified) {
                if new.exchange(dir, name, path).is_err() {
                    // Ours is gone by now; what was taken goes back to its name all the same.
                    new.place(dir, name, RenameFlags::NOREPLACE, path)?;
                }
                return Err(changed(path));
            }
            new.keep();
        } else {
            new.place(dir, name, RenameFlags::empty(), path)?;
        }
        self.options.quota.give(old.freed());
        Ok(true)
    }

    fn may_replace(
        &self,
        name: &Name,
        old: Option<&Facts>,
        expected: Option<FileState>,
        path: &[u8],
    ) -> Result<(), FileFault> {
        match (old, expected) {
            (None, Some(FileState::Is(_))) | (Some(_), Some(FileState::Absent)) => Err(changed(path)),
            (None, _) if !name.is_plain() => Err(FileFault::BadName { name: name.to_string() }),
            (None, _) => Ok(()),
            (Some(old), _) => refuse_all_but_files(old.kind, path),
        }
    }
}

fn changed(path: &[u8]) -> FileFault {
    FileFault::Changed { path: crate::path::escaped(path) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verbs::tests::Bench;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    fn write(bench: &Bench, path: &str, text: &str, expected: Option<FileState>) -> Result<Written, FileFault> {
        bench.tree().write(&path.parse().unwrap(), &mut text.as_bytes(), expected, &Cancel::new())
    }

    #[test]
    fn a_file_is_made_or_replaced_whole() {
        let bench = Bench::new();
        let first = write(&bench, "a", "one", None).unwrap();
        assert_eq!((first.bytes, first.replaced), (3, false));
        assert_eq!(bench.mode("a"), 0o644);
        std::fs::set_permissions(bench.path("a"), std::fs::Permissions::from_mode(0o750)).unwrap();
        let second = write(&bench, "a", "second", Some(FileState::Is(first.hash))).unwrap();
        assert!(second.replaced);
        assert_eq!((bench.text("a").as_str(), bench.mode("a")), ("second", 0o750));
        assert_eq!(write(&bench, "a", "x", Some(FileState::Is(first.hash))).unwrap_err().code(), "file.changed");
        assert_eq!(write(&bench, "a", "x", Some(FileState::Absent)).unwrap_err().code(), "file.changed");
        assert_eq!(write(&bench, "b", "x", Some(FileState::Is(first.hash))).unwrap_err().code(), "file.changed");
        write(&bench, "b", "x", Some(FileState::Absent)).unwrap();
        assert_eq!(bench.text("a"), "second");
        bench.is_clean();
    }

    #[test]
    fn further_names_keep_what_they_had() {
        let bench = Bench::new();
        bench.put("a", "old");
        std::fs::hard_link(bench.path("a"), bench.path("b")).unwrap();
        write(&bench, "a", "new", None).unwrap();
        assert_eq!((bench.text("a").as_str(), bench.text("b").as_str()), ("new", "old"));
    }

    #[test]
    fn what_is_no_file_is_not_replaced() {
        let bench = Bench::with(|options| options.denied = crate::Denied::parse(&["/conf/*.lock"]));
        bench.put("d/x", "x");
        bench.fifo("fifo");
        std::fs::write(bench.outside("sentinel"), "untouched").unwrap();
        std::os::unix::fs::symlink(bench.outside("sentinel"), bench.path("link")).unwrap();
        std::os::unix::fs::symlink(bench.outside(""), bench.path("out")).unwrap();
        for (path, code) in [
            ("d", "file.is_a_folder"),
            ("fifo", "file.special"),
            ("link", "file.link"),
            ("out/sentinel", "file.link"),
            ("d/x/y", "file.not_a_folder"),
            ("nowhere/x", "file.not_found"),
            ("conf/a.lock", "file.denied"),
            (r"a\x0ab", "file.name"),
            ("", "file.root"),
        ] {
            assert_eq!(write(&bench, path, "evil", None).unwrap_err().code(), code, "{path}");
        }
        assert_eq!(std::fs::read_to_string(bench.outside("sentinel")).unwrap(), "untouched");
        bench.is_clean();
    }

    #[test]
    fn a_quota_that_fills_leaves_the_old_file() {
        let bench = Bench::with(|options| options.quota = crate::Quota::new(Some(64 * 1024), 0));
        write(&bench, "a", "old", None).unwrap();
        let used = bench.tree().quota().used();
        assert_eq!(write(&bench, "a", &"x".repeat(100_000), None).unwrap_err().code(), "file.quota");
        assert_eq!((bench.text("a").as_str(), bench.tree().quota().used()), ("old", used));
        for _ in 0..100 {
            write(&bench, "a", &"y".repeat(20_000), None).unwrap();
        }
        bench.is_clean();
    }

    #[test]
    fn a_file_is_its_owners() {
        if !rustix::process::geteuid().is_root() {
            eprintln!("NOT TESTED: giving files away needs root");
            return;
        }
        let bench = Bench::with(|options| options.owner = Some(crate::Owner { uid: 4242, gid: 4343 }));
        write(&bench, "a", "x", None).unwrap();
        let meta = std::fs::metadata(bench.path("a")).unwrap();
        assert_eq!((meta.uid(), meta.gid()), (4242, 4343));
        // Another user's file stays theirs, root's is not made anew as root's.
        for (uid, then) in [(999, 999), (0, 4242)] {
            bench.put("b", "x");
            std::os::unix::fs::chown(bench.path("b"), Some(uid), Some(uid)).unwrap();
            write(&bench, "b", "y", None).unwrap();
            assert_eq!(std::fs::metadata(bench.path("b")).unwrap().uid(), then);
        }
    }
}
