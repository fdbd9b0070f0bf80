//! Uploads in pieces that can be gone on with, after a lost connection or a restart.

use std::fmt;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::str::FromStr;

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use sf_types::{ContentHash, FileState};

use super::change::Replace;
use super::read::hash_of;
use super::write::Written;
use crate::entry::Facts;
use crate::quota::BLOCK;
use crate::resolve::facts_in;
use crate::stage::NewFile;
use crate::{BadPath, Cancel, FileFault, Kind, Tree, TreePath};

/// What the pieces of one upload have in common: 1 to 64 of `a-z 0-9 -`, made by the caller (a UUID).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UploadId(String);

impl FromStr for UploadId {
    type Err = BadPath;

    fn from_str(text: &str) -> Result<Self, BadPath> {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let good = (1..=64).contains(&text.len()) && text.bytes().all(allowed);
        if good { Ok(Self(text.to_owned())) } else { Err(BadPath::Name) }
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an upload shall come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Promised {
    /// Bytes in all.
    pub bytes: u64,
    /// What is in it, where that was said.
    pub hash: Option<ContentHash>,
    /// How its place is before, where that was said.
    pub before: Option<FileState>,
    /// Its rwx bits; as any new file's, or those of the file that it replaces, where `None`.
    pub mode: Option<u32>,
}

/// What is there of an upload.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// Which.
    pub id: UploadId,
    /// Bytes there.
    pub bytes: u64,
    /// When the last ones came, milliseconds since 1970.
    pub modified_ms: i64,
}

impl Part {
    /// What it takes of a quota.
    pub const fn taken(&self) -> u64 {
        self.bytes.next_multiple_of(BLOCK)
    }
}

impl UploadId {
    /// The part file's name in the staging folder.
    pub(crate) const PART: &'static str = "upload-";

    fn part(&self) -> String {
        format!("{}{}", Self::PART, self.0)
    }
}

impl Tree {
    /// Begins an upload of `bytes` to `path`, or finds it begun; answers how many bytes are there.
    ///
    /// # Errors
    /// [`FileFault`], where it could not be finished: the place is denied or taken, or the quota does not have so much left.
    pub fn upload_begin(&self, id: &UploadId, path: &TreePath, bytes: u64, replace: Replace) -> Result<u64, FileFault> {
        self.may_upload(path, replace)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.staging, id.part(), flags, Mode::RUSR | Mode::WUSR);
        let file = file.map_err(|errno| FileFault::of(path, errno))?;
        let have = Facts::of(&rustix::fs::fstat(&file).map_err(|errno| FileFault::of(path, errno))?).bytes;
        // Asked only: it is taken piece by piece.
        if let Err(full) = self.options.quota.hold().take(bytes.saturating_sub(have)) {
            // A begun one is left: room may be made for it.
            if have == 0 {
                let _ = rustix::fs::unlinkat(&self.staging, id.part(), AtFlags::empty());
            }
            return Err(full);
        }
        Ok(have)
    }

    /// Adds bytes that begin at `offset`; answers how many are there then.
    ///
    /// # Errors
    /// [`FileFault::Offset`] where others are there: go on from those. [`FileFault::Full`] adds nothing.
    pub fn upload_append(&self, id: &UploadId, offset: u64, bytes: &[u8]) -> Result<u64, FileFault> {
        let (mut file, have) = self.part(id)?;
        if have != offset {
            return Err(FileFault::Offset { have, sent: offset });
        }
        let mut hold = self.options.quota.hold();
        let end = offset + bytes.len() as u64;
        hold.take(end.next_multiple_of(BLOCK) - offset.next_multiple_of(BLOCK))?;
        let written = file.seek(SeekFrom::Start(offset)).and_then(|_| file.write_all(bytes));
        if let Err(error) = written {
            // Half a piece is none.
            let _ = file.set_len(offset);
            return Err(FileFault::io(b"(upload)", error));
        }
        hold.keep();
        Ok(end)
    }

    /// Shows what was uploaded at its place, once it has that size and content.
    ///
    /// # Errors
    /// [`FileFault::Digest`] where it is something else, [`FileFault::Changed`] where its place is: it is still there, to be
    /// given up or gone on with.
    pub fn upload_finish(
        &self,
        id: &UploadId,
        path: &TreePath,
        promised: Promised,
        replace: Replace,
        cancel: &Cancel,
    ) -> Result<Written, FileFault> {
        let Promised { bytes, hash, before, mode } = promised;
        self.may_upload(path, replace)?;
        let (file, have) = self.part(id)?;
        if have != bytes {
            return Err(FileFault::Digest { what: format!("{have} bytes are there, {bytes} were announced") });
        }
        // The part stays locked until it is shown, so that what was hashed is what is shown.
        let part = NewFile::of_part(self, id.part(), file, mode);
        let content = part.file.try_clone().map_err(|error| FileFault::io(b"(upload)", error))?;
        let found = hash_of(content, b"(upload)", cancel)?;
        if let Some(hash) = hash.filter(|hash| *hash != found) {
            let what = format!("its hash is {}, {} was announced", found.short(), hash.short());
            return Err(FileFault::Digest { what });
        }
        let (dir, name) = self.place(path, "replaced")?;
        let expected = before.or((replace == Replace::Never).then_some(FileState::Absent));
        let replaced = self.show(part, (&dir, name), &path.to_bytes(), expected, cancel)?;
        Ok(Written { bytes, hash: found, replaced })
    }

    /// Gives an upload up; one that is not there is given up already.
    ///
    /// # Errors
    /// [`FileFault`]
    pub fn upload_abort(&self, id: &UploadId) -> Result<(), FileFault> {
        let Ok((_, have)) = self.part(id) else { return Ok(()) };
        match rustix::fs::unlinkat(&self.staging, id.part(), AtFlags::empty()) {
            Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(FileFault::at(b"(upload)", errno)),
            Ok(()) => {
                self.options.quota.give(have.next_multiple_of(BLOCK));
                Ok(())
            }
        }
    }

    /// How far one upload is; `None` where nothing is there of it.
    ///
    /// # Errors
    /// [`FileFault`]
    pub fn upload(&self, id: &UploadId) -> Result<Option<Part>, FileFault> {
        let facts = facts_in(&self.staging, id.part().as_bytes(), b"(upload)")?;
        let part = |facts: Facts| Part { id: id.clone(), bytes: facts.bytes, modified_ms: facts.modified_ms() };
        Ok(facts.filter(|facts| facts.kind == Kind::File).map(part))
    }

    /// All uploads of which something is there.
    ///
    /// # Errors
    /// [`FileFault`]
    pub fn uploads(&self) -> Result<Vec<Part>, FileFault> {
        let fault = |errno| FileFault::at(b"(staging)", errno);
        let mut parts = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.staging).map_err(fault)? {
            let entry = entry.map_err(fault)?;
            let name = entry.file_name().to_str().ok().and_then(|name| name.strip_prefix(UploadId::PART));
            if let Some(id) = name.and_then(|id| id.parse().ok()) {
                parts.extend(self.upload(&id)?);
            }
        }
        Ok(parts)
    }

    fn may_upload(&self, path: &TreePath, replace: Replace) -> Result<(), FileFault> {
        self.allow_new_or_old(path)?;
        let (dir, name) = self.place(path, "replaced")?;
        let bytes = path.to_bytes();
        match facts_in(&dir, name.as_bytes(), &bytes)? {
            Some(_) if replace == Replace::Never => Err(FileFault::Exists { path: path.to_string() }),
            Some(facts) => crate::resolve::refuse_all_but_files(facts.kind, &bytes),
            None => Ok(()),
        }
    }

    /// The part file, locked for as long as it is open, and its bytes.
    fn part(&self, id: &UploadId) -> Result<(File, u64), FileFault> {
        let fault = |errno| FileFault::at(b"(upload)", errno);
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.staging, id.part(), flags, Mode::empty()) {
            Err(Errno::NOENT) => return Err(FileFault::NoUpload),
            other => other.map_err(fault)?,
        };
        rustix::fs::flock(&file, FlockOperation::LockExclusive).map_err(fault)?;
        let facts = Facts::of(&rustix::fs::fstat(&file).map_err(fault)?);
        // Who held the lock may have shown it, and then it is no part any more.
        let now = facts_in(&self.staging, id.part().as_bytes(), b"(upload)")?;
        let still = facts.kind == Kind::File && now.is_some_and(|now| now.id == facts.id);
        if still { Ok((File::from(file), facts.bytes)) } else { Err(FileFault::NoUpload) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verbs::tests::Bench;

    fn hash(text: &str) -> ContentHash {
        use sha2::Digest;
        ContentHash::from_bytes(sha2::Sha256::digest(text).into())
    }

    #[test]
    fn an_upload_is_gone_on_with_and_shown_whole() {
        let bench = Bench::new();
        let (id, path, cancel) = ("0198-a".parse().unwrap(), "a".parse().unwrap(), Cancel::new());
        assert_eq!(bench.tree().upload_append(&id, 0, b"x").unwrap_err().code(), "file.no_upload");
        assert_eq!(bench.tree().upload_begin(&id, &path, 6, Replace::Never).unwrap(), 0);
        assert_eq!(bench.tree().upload_append(&id, 0, b"abc").unwrap(), 3);
        // The answer was lost, and the piece comes again.
        let fault = bench.tree().upload_append(&id, 0, b"abc").unwrap_err();
        assert!(matches!(fault, FileFault::Offset { have: 3, sent: 0 }), "{fault}");
        assert!(!bench.path("a").exists());
        // Another process goes on.
        let tree = bench.again();
        assert_eq!(tree.upload_begin(&id, &path, 6, Replace::Never).unwrap(), 3);
        let finish = |bytes, text| {
            let promised = Promised { bytes, hash: Some(hash(text)), before: None, mode: None };
            tree.upload_finish(&id, &path, promised, Replace::Never, &cancel)
        };
        assert_eq!(tree.uploads().unwrap().iter().map(|part| (&part.id, part.bytes)).collect::<Vec<_>>(), [(&id, 3)]);
        assert_eq!(finish(6, "abcdef").unwrap_err().code(), "file.digest");
        tree.upload_append(&id, 3, b"def").unwrap();
        assert_eq!(finish(6, "abcxyz").unwrap_err().code(), "file.digest");
        assert!(!finish(6, "abcdef").unwrap().replaced);
        assert_eq!((bench.text("a").as_str(), bench.mode("a")), ("abcdef", 0o644));
        bench.is_clean();
    }

    #[test]
    fn an_upload_replaces_only_where_it_may() {
        let bench = Bench::new();
        let (id, path, cancel) = ("1".parse().unwrap(), "a".parse().unwrap(), Cancel::new());
        bench.tree().upload_begin(&id, &path, 1, Replace::Never).unwrap();
        bench.tree().upload_append(&id, 0, b"n").unwrap();
        bench.put("a", "old");
        let tree = bench.tree();
        let promised = Promised { bytes: 1, hash: None, before: None, mode: Some(0o600) };
        let finish = |replace| tree.upload_finish(&id, &path, promised, replace, &cancel);
        assert_eq!(finish(Replace::Never).unwrap_err().code(), "file.exists");
        assert!(finish(Replace::Files).unwrap().replaced);
        assert_eq!((bench.text("a").as_str(), bench.mode("a")), ("n", 0o600));
        assert_eq!(tree.upload_begin(&id, &path, 1, Replace::Never).unwrap_err().code(), "file.exists");
        tree.upload_abort(&id).unwrap();
        bench.is_clean();
    }

    #[test]
    fn an_upload_takes_the_place_of_what_was_seen_and_of_nothing_else() {
        let bench = Bench::new();
        let (id, path, cancel) = ("1".parse().unwrap(), "a".parse().unwrap(), Cancel::new());
        bench.put("a", "seen");
        bench.tree().upload_begin(&id, &path, 1, Replace::Files).unwrap();
        bench.tree().upload_append(&id, 0, b"n").unwrap();
        let finish = |before| {
            let promised = Promised { bytes: 1, hash: None, before: Some(before), mode: None };
            bench.tree().upload_finish(&id, &path, promised, Replace::Files, &cancel)
        };
        // Somebody else was faster.
        bench.put("a", "theirs");
        assert_eq!(finish(FileState::Is(hash("seen"))).unwrap_err().code(), "file.changed");
        assert_eq!(finish(FileState::Absent).unwrap_err().code(), "file.changed");
        assert_eq!(bench.text("a"), "theirs");
        // It is still there, and goes where the person has looked again.
        assert!(finish(FileState::Is(hash("theirs"))).unwrap().replaced);
        assert_eq!(bench.text("a"), "n");
        bench.is_clean();
    }

    #[test]
    fn two_at_once_are_one_after_the_other() {
        let bench = Bench::new();
        let (id, path, cancel) = ("1".parse().unwrap(), "a".parse().unwrap(), Cancel::new());
        bench.tree().upload_begin(&id, &path, 400, Replace::Never).unwrap();
        std::thread::scope(|scope| {
            for text in ["a", "b", "c", "d"] {
                let (tree, id) = (bench.again(), &id);
                scope.spawn(move || {
                    let (mut have, mut added) = (0, 0);
                    while added < 100 {
                        match tree.upload_append(id, have, text.as_bytes()) {
                            Ok(now) => (have, added) = (now, added + 1),
                            Err(FileFault::Offset { have: now, .. }) => have = now,
                            Err(other) => panic!("{other}"),
                        }
                    }
                });
            }
        });
        let promised = Promised { bytes: 400, hash: None, before: None, mode: None };
        bench.tree().upload_finish(&id, &path, promised, Replace::Never, &cancel).unwrap();
        let text = bench.text("a");
        assert!(["a", "b", "c", "d"].iter().all(|letter| text.matches(letter).count() == 100), "{text}");
    }

    #[test]
    fn a_piece_that_does_not_fit_is_not_taken() {
        let bench = Bench::with(|options| options.quota = crate::Quota::new(Some(3 * BLOCK), 0));
        let (id, path) = ("1".parse().unwrap(), "a".parse().unwrap());
        let begun = bench.tree().upload_begin(&id, &path, 4 * BLOCK, Replace::Never);
        assert_eq!(begun.unwrap_err().code(), "file.quota");
        bench.is_clean();
        bench.tree().upload_begin(&id, &path, 3 * BLOCK, Replace::Never).unwrap();
        let piece = vec![1; usize::try_from(2 * BLOCK).unwrap()];
        bench.tree().upload_append(&id, 0, &piece).unwrap();
        assert_eq!(bench.tree().upload_append(&id, 2 * BLOCK, &piece).unwrap_err().code(), "file.quota");
        assert_eq!(bench.tree().upload_begin(&id, &path, 3 * BLOCK, Replace::Never).unwrap(), 2 * BLOCK);
        bench.tree().upload_abort(&id).unwrap();
        bench.tree().upload_abort(&id).unwrap();
        assert_eq!(bench.tree().quota().used(), 0);
        for bad in ["", "../x", "A", &"a".repeat(65)] {
            assert!(bad.parse::<UploadId>().is_err());
        }
    }
}
