//! The context of a build: the app's folder as a tar archive, written by descriptors that follow no link.

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::Path;

use bytes::Bytes;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use tokio::sync::mpsc::Sender;

use super::ignore::Ignore;
use crate::release::tree::{self, MAX_DEPTH};

/// Bytes of one piece.
const PIECE_BYTES: usize = 64 * 1024;
/// Everything in an archive is a multiple of this.
const BLOCK: usize = 512;
/// Bytes a name may have in a head of its own; a longer one has an entry before it (GNU tar).
const NAME_BYTES: usize = 100;

/// What is sent, and how much at the most.
#[derive(Clone, Debug)]
pub struct Context {
    /// Files given in place of those of the tree: the Dockerfile.
    pub given: Vec<(String, Vec<u8>)>,
    /// What is left out.
    pub ignore: Ignore,
    /// Bytes.
    pub bytes_max: u64,
    /// Files, links and folders.
    pub entries_max: u64,
}

/// Why a context could not be sent.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// It is too large.
    #[error("{0}")]
    TooLarge(String),
    /// The disk refused.
    #[error(transparent)]
    Disk(#[from] io::Error),
    /// Nobody takes it any more.
    #[error("the engine takes no more of it")]
    Gone,
}

/// How much was sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sent {
    /// Bytes of files.
    pub bytes: u64,
    /// Files, links and folders.
    pub entries: u64,
}

struct Writer<'a> {
    context: &'a Context,
    pieces: &'a Sender<io::Result<Bytes>>,
    buffer: Vec<u8>,
    sent: Sent,
}

/// Writes the folder `path` of `tree` to `pieces`. Blocks: call it aside.
///
/// # Errors
/// [`ContextError`]; the archive is then cut, which the engine refuses.
pub fn send(
    tree: &Path,
    path: &Path,
    context: &Context,
    pieces: &Sender<io::Result<Bytes>>,
) -> Result<Sent, ContextError> {
    let mut writer = Writer { context, pieces, buffer: Vec::with_capacity(PIECE_BYTES), sent: Sent::default() };
    let written = writer.all(tree, path);
    if let Err(error) = &written {
        // A body that breaks off is no context; what the engine then says is not the reason.
        let _ = pieces.blocking_send(Err(io::Error::other(error.to_string())));
    }
    written.map(|()| writer.sent)
}

impl Writer<'_> {
    fn all(&mut self, tree: &Path, path: &Path) -> Result<(), ContextError> {
        let top = tree::open_inside(tree, path)?;
        // Only a place so far: to be read it is opened once more, by itself.
        let top = rustix::fs::openat(top, c".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
        self.folder(&top.map_err(io::Error::from)?, "", 0)?;
        for (name, bytes) in &self.context.given {
            let size = bytes.len() as u64;
            self.count(name, size)?;
            self.head(name, b'0', 0o644, size, "")?;
            self.put(bytes)?;
            self.fill()?;
        }
        self.put(&[0; 2 * BLOCK])?;
        self.flush()
    }

    fn folder(&mut self, dir: &OwnedFd, above: &str, depth: usize) -> Result<(), ContextError> {
        if depth > MAX_DEPTH {
            return Err(ContextError::TooLarge(format!("its folders are nested deeper than {MAX_DEPTH}")));
        }
        let mut names = Vec::new();
        for entry in Dir::read_from(dir).map_err(io::Error::from)? {
            let entry = entry.map_err(io::Error::from)?;
            let name = entry.file_name().to_owned();
            if name.as_c_str() != c"." && name.as_c_str() != c".." {
                names.push(name);
            }
        }
        // Always in the same order, so that the same files are the same context.
        names.sort();
        for name in names {
            // Also where nothing is sent for long, because all of it is left out.
            if self.pieces.is_closed() {
                return Err(ContextError::Gone);
            }
            // A name that is no text cannot be named by any rule or instruction.
            let Ok(text) = name.to_str() else { continue };
            let path = if above.is_empty() { text.to_owned() } else { format!("{above}/{text}") };
            let excluded = self.context.ignore.excludes(&path);
            let given = self.context.given.iter().any(|(given, _)| *given == path);
            let stat = rustix::fs::statat(dir, name.as_c_str(), AtFlags::SYMLINK_NOFOLLOW).map_err(io::Error::from)?;
            let kind = FileType::from_raw_mode(stat.st_mode);
            let looked_into = kind == FileType::Directory && self.context.ignore.looks_into_excluded();
            if given || excluded && !looked_into {
                continue;
            }
            self.entry(dir, &name, (&path, excluded), (kind, &stat), depth)?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        dir: &OwnedFd,
        name: &CStr,
        (path, excluded): (&str, bool),
        (kind, stat): (FileType, &Stat),
        depth: usize,
    ) -> Result<(), ContextError> {
        let runs = if stat.st_mode & 0o100 == 0 { 0o644 } else { 0o755 };
        match kind {
            FileType::Directory => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let inner = rustix::fs::openat(dir, name, flags, Mode::empty()).map_err(io::Error::from)?;
                if !excluded {
                    self.count(path, 0)?;
                    self.head(&format!("{path}/"), b'5', 0o755, 0, "")?;
                }
                self.folder(&inner, path, depth + 1)
            }
            FileType::RegularFile => {
                let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
                let file = File::from(rustix::fs::openat(dir, name, flags, Mode::empty()).map_err(io::Error::from)?);
                let size = file.metadata()?.len();
                self.count(path, size)?;
                self.head(path, b'0', runs, size, "")?;
                self.file(file, size)
            }
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(dir, name, Vec::new()).map_err(io::Error::from)?;
                let Ok(target) = target.to_str() else { return Ok(()) };
                self.count(path, 0)?;
                // As it is: it is followed, if at all, inside the image.
                self.head(path, b'2', 0o777, 0, target)
            }
            _ => Ok(()),
        }
    }

    fn count(&mut self, path: &str, bytes: u64) -> Result<(), ContextError> {
        self.sent.bytes = self.sent.bytes.saturating_add(bytes);
        self.sent.entries += 1;
        let (most, entries) = (self.context.bytes_max, self.context.entries_max);
        if self.sent.bytes > most || self.sent.entries > entries {
            let most = sf_types::ByteSize(most);
            return Err(ContextError::TooLarge(format!(
                "the context has more than {most} or {entries} files ({path})"
            )));
        }
        Ok(())
    }

    fn file(&mut self, file: File, size: u64) -> Result<(), ContextError> {
        let mut left = file.take(size);
        let mut chunk = [0; 16 * 1024];
        let mut read_bytes = 0_u64;
        loop {
            let read = left.read(&mut chunk)?;
            if read == 0 {
                break;
            }
            read_bytes += read as u64;
            self.put(&chunk[..read])?;
        }
        if read_bytes != size {
            return Err(io::Error::other("a file became shorter while it was read").into());
        }
        self.fill_after(size)
    }

    fn head(&mut self, name: &str, kind: u8, mode: u32, size: u64, link: &str) -> Result<(), ContextError> {
        for (long, kind) in [(name, b'L'), (link, b'K')] {
            if long.len() > NAME_BYTES {
                self.block("././@LongLink", kind, 0o644, long.len() as u64 + 1, "")?;
                self.put(long.as_bytes())?;
                self.put(&[0])?;
                self.fill()?;
            }
        }
        self.block(name, kind, mode, size, link)
    }

    /// One head (GNU tar): owned by root, of no time, so that the same files are the same bytes.
    fn block(&mut self, name: &str, kind: u8, mode: u32, size: u64, link: &str) -> Result<(), ContextError> {
        let mut block = [0_u8; BLOCK];
        let mut set = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
        let cut = |text: &str| text.as_bytes()[..text.len().min(NAME_BYTES)].to_vec();
        set(0, &cut(name));
        set(100, format!("{mode:07o}\0").as_bytes());
        set(108, b"0000000\0");
        set(116, b"0000000\0");
        if size < 1 << 33 {
            set(124, format!("{size:011o}\0").as_bytes());
        } else {
            set(124, &[0x80, 0, 0, 0]);
            set(128, &size.to_be_bytes());
        }
        set(136, b"00000000000\0");
        set(148, b"        ");
        set(156, &[kind]);
        set(157, &cut(link));
        set(257, b"ustar  \0");
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.put(&block)
    }

    fn put(&mut self, mut bytes: &[u8]) -> Result<(), ContextError> {
        while !bytes.is_empty() {
            let now = bytes.len().min(PIECE_BYTES - self.buffer.len());
            self.buffer.extend_from_slice(&bytes[..now]);
            bytes = &bytes[now..];
            if self.buffer.len() == PIECE_BYTES {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Up to the next block: pieces are whole blocks, so what is in the buffer says where it ends.
    fn fill(&mut self) -> Result<(), ContextError> {
        self.fill_after(self.buffer.len() as u64)
    }

    fn fill_after(&mut self, size: u64) -> Result<(), ContextError> {
        let over = usize::try_from(size % BLOCK as u64).unwrap_or(0);
        if over == 0 { Ok(()) } else { self.put(&[0; BLOCK][over..]) }
    }

    fn flush(&mut self) -> Result<(), ContextError> {
        let piece = Bytes::from(std::mem::replace(&mut self.buffer, Vec::with_capacity(PIECE_BYTES)));
        self.pieces.blocking_send(Ok(piece)).map_err(|_| ContextError::Gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn sent(dir: &Path, context: &Context) -> (Result<Sent, ContextError>, Vec<u8>) {
        let (pieces, mut taken) = tokio::sync::mpsc::channel(1024);
        let sent = send(dir, Path::new(""), context, &pieces);
        let mut all = Vec::new();
        while let Ok(Ok(piece)) = taken.try_recv() {
            all.extend(piece);
        }
        (sent, all)
    }

    fn listed(archive: &[u8], dir: &Path) -> Vec<String> {
        let path = dir.join("x.tar");
        std::fs::write(&path, archive).unwrap();
        let out = std::process::Command::new("tar").arg("-tvf").arg(&path).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let text = String::from_utf8(out.stdout).unwrap();
        let name = |line: &str| line.splitn(6, char::is_whitespace).last().unwrap_or_default().trim().to_owned();
        text.lines()
            .map(|line| {
                format!(
                    "{} {}",
                    &line[..10],
                    name(line).split(' ').skip_while(|w| w.contains(':')).collect::<Vec<_>>().join(" ")
                )
            })
            .collect()
    }

    #[test]
    fn a_folder_is_an_archive_that_tar_reads() {
        let (dir, aside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let long = "d".repeat(90);
        std::fs::create_dir_all(dir.path().join(&long)).unwrap();
        std::fs::create_dir_all(dir.path().join("node_modules/a")).unwrap();
        std::fs::write(dir.path().join(&long).join("f".repeat(90)), vec![7; 70_000]).unwrap();
        std::fs::write(dir.path().join("Dockerfile"), "FROM evil").unwrap();
        std::fs::write(dir.path().join("node_modules/a/x"), "x").unwrap();
        std::fs::write(dir.path().join("a"), "hello").unwrap();
        symlink("/etc/passwd", dir.path().join("out")).unwrap();
        symlink("/etc", dir.path().join("away")).unwrap();
        let context = Context {
            given: vec![("Dockerfile".to_owned(), b"FROM a\n".to_vec())],
            ignore: Ignore::parse("node_modules"),
            bytes_max: 1 << 20,
            entries_max: 100,
        };
        let (sent, archive) = sent(dir.path(), &context);
        assert_eq!(sent.unwrap(), Sent { bytes: 70_000 + 5 + 7, entries: 6 });
        assert_eq!(archive.len() % BLOCK, 0);
        let listed = listed(&archive, aside.path());
        let all = listed.join("\n");
        assert!(all.contains("out -> /etc/passwd") && all.contains("away -> /etc"), "{all}");
        assert!(all.contains(&format!("{long}/{}", "f".repeat(90))), "{all}");
        assert!(!all.contains("node_modules") && listed.len() == 6, "{all}");
        let out =
            std::process::Command::new("tar").arg("-xOf").arg(aside.path().join("x.tar")).arg("Dockerfile").output();
        assert_eq!(out.unwrap().stdout, b"FROM a\n");
    }

    #[test]
    fn what_is_too_large_is_refused_in_words() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a"), vec![0; 5000]).unwrap();
        let context =
            |bytes_max, entries_max| Context { given: vec![], ignore: Ignore::default(), bytes_max, entries_max };
        for context in [context(4999, 9), context(5000, 0)] {
            let said = sent(dir.path(), &context).0.unwrap_err().to_string();
            assert!(said.contains("the context has more than"), "{said}");
        }
        assert!(sent(dir.path(), &context(5000, 1)).0.is_ok());
    }

    #[test]
    fn a_rule_that_brings_back_is_heeded() {
        let (dir, aside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::create_dir_all(dir.path().join("src")).unwrap();
        for name in ["src/a", "src/b", "c"] {
            std::fs::write(dir.path().join(name), "x").unwrap();
        }
        let context = Context { given: vec![], ignore: Ignore::parse("*\n!src/a"), bytes_max: 100, entries_max: 9 };
        let all = listed(&sent(dir.path(), &context).1, aside.path()).join("\n");
        assert!(all.contains("src/a") && !all.contains("src/b") && !all.contains(" c"), "{all}");
    }
}
