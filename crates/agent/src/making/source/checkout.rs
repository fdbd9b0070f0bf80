//! The files of a revision: listed and judged as a whole first, then written by us.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use sf_protocol::query::Revision;
use sf_types::ByteSize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt};
use tokio_util::sync::CancellationToken;

use super::git::Git;
use super::{FetchLimits, SourceError};
use crate::release::tree;

/// Longest path of a file, in bytes.
pub const PATH_BYTES: usize = 4096;

/// Longest target of a symbolic link, in bytes.
pub const LINK_BYTES: u64 = 1024;

/// Bytes of all paths of a revision: they are held in memory while it is written.
pub const PATHS_BYTES: usize = 16 * 1024 * 1024;

/// A revision's files, written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkout {
    /// Which revision.
    pub revision: Revision,
    /// Its git tree: names all files with their contents and modes.
    pub tree: String,
    /// Files that differ from the earlier commit asked about, where that is still known.
    pub changed: Option<Vec<String>>,
    /// Where.
    pub dir: PathBuf,
    /// Files and links.
    pub files: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// What a person should know: submodules and LFS files are not fetched.
    pub warnings: Vec<String>,
}

/// What a revision holds, judged.
#[derive(Debug, Default)]
pub(super) struct Listing {
    entries: Vec<Entry>,
    bytes: u64,
    /// Entries of any kind, also those that are not kept.
    lines: u64,
    path_bytes: usize,
    submodules: u64,
    has_gitmodules: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct Entry {
    kind: Kind,
    object: String,
    size: u64,
    path: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    File,
    Program,
    Link,
}

impl Git {
    /// Lists a revision without touching a file, and stops at the first thing that is over a limit or refused.
    pub(super) async fn list(&self, commit: &str, cancel: &CancellationToken) -> Result<Listing, SourceError> {
        let args = ["ls-tree", "-r", "-z", "--long", "--full-tree", "--end-of-options", commit];
        let mut running = self.spawn(&args)?;
        drop(running.stdin());
        let (out, err) = (running.stdout(), running.stderr());
        let read = async {
            let mut listing = Listing::default();
            let Some(out) = out else { return Ok(listing) };
            // A line longer than this is refused by its path's length anyway.
            let mut out = tokio::io::BufReader::new(out);
            let mut line = Vec::new();
            loop {
                line.clear();
                let limit = (PATH_BYTES + 200) as u64;
                let read = (&mut out).take(limit).read_until(0, &mut line).await;
                match read {
                    Ok(0) | Err(_) => return Ok(listing),
                    Ok(_) if line.pop() != Some(0) => {
                        return Err(SourceError::TooLarge {
                            what: format!("a path is longer than {PATH_BYTES} bytes"),
                        });
                    }
                    Ok(_) => listing.add(&line, &self.options.limits)?,
                }
            }
        };
        let said = async {
            let mut said = Vec::new();
            if let Some(err) = err {
                let _ = err.take(4096).read_to_end(&mut said).await;
            }
            said
        };
        let (listing, said) = tokio::select! {
            both = async { tokio::join!(read, said) } => both,
            () = cancel.cancelled() => return Err(SourceError::Cancelled),
            () = tokio::time::sleep(self.options.limits.time) => {
                return Err(SourceError::Time { seconds: self.options.limits.time.as_secs() });
            }
        };
        let listing = listing?;
        let done = running.watch(cancel).await?;
        self.stopped(&done).await?;
        if !done.status.success() {
            let said: Vec<_> = String::from_utf8_lossy(&said).lines().map(str::to_owned).collect();
            return Err(self.failure("list", &done, &said));
        }
        Ok(listing)
    }

    /// Writes a listed revision into the empty folder `dest`.
    pub(super) async fn write(
        &self,
        listing: Listing,
        revision: Revision,
        dest: &Path,
        cancel: &CancellationToken,
    ) -> Result<Checkout, SourceError> {
        let disk = |source| SourceError::Disk { what: format!("writing to {}", dest.display()), source };
        let mut running = self.spawn(&["cat-file", "--batch", "--buffer"])?;
        let (stdin, stdout) = (running.stdin(), running.stdout());
        let (Some(stdin), Some(stdout)) = (stdin, stdout) else {
            return Err(disk(io::Error::other("git was started without pipes")));
        };
        let stdin = File::from(stdin.into_owned_fd().map_err(disk)?);
        let stdout = BufReader::with_capacity(64 * 1024, File::from(stdout.into_owned_fd().map_err(disk)?));
        let top = tree::open_dir(dest).map_err(disk)?;
        let mut warnings = listing.warnings();
        let Listing { entries, bytes, .. } = listing;
        let names: Vec<String> = entries.iter().map(|entry| entry.object.clone()).collect();
        let ask = tokio::task::spawn_blocking(move || ask(stdin, &names));
        let files = entries.len() as u64;
        let write = tokio::task::spawn_blocking(move || Writer::new(top).write_all(&entries, stdout));
        let (done, written) = tokio::join!(running.watch(cancel), write);
        let _ = ask.await;
        self.stopped(&done?).await?;
        let lfs = match written {
            Ok(Ok(lfs)) => lfs,
            Ok(Err(Refusal::Disk(error))) => return Err(disk(error)),
            Ok(Err(Refusal::Refused(what))) => return Err(SourceError::Refused { what }),
            Err(panicked) => return Err(disk(io::Error::other(panicked))),
        };
        if lfs > 0 {
            warnings.push(format!("{lfs} files are in Git LFS: only their pointers are there"));
        }
        let (tree, changed) = (String::new(), None);
        Ok(Checkout { revision, tree, changed, dir: dest.to_owned(), files, bytes, warnings })
    }
}

impl Listing {
    /// Takes one line of `ls-tree --long`: `<mode> SP <type> SP <object> SP+ <size> TAB <path>`.
    fn add(&mut self, line: &[u8], limits: &FetchLimits) -> Result<(), SourceError> {
        let refused = |what: String| Err(SourceError::Refused { what });
        // Before anything else: an entry of any kind costs memory, and a submodule costs its repository nothing.
        self.lines += 1;
        if self.lines > limits.entries {
            return Err(SourceError::TooLarge { what: format!("it has more than {} files", limits.entries) });
        }
        let Ok(line) = std::str::from_utf8(line) else { return refused("a file name that is not UTF-8".to_owned()) };
        let Some((head, path)) = line.split_once('\t') else { return refused("an entry that is no entry".to_owned()) };
        let mut words = head.split_ascii_whitespace();
        let (Some(mode), Some(_), Some(object), Some(size)) = (words.next(), words.next(), words.next(), words.next())
        else {
            return refused("an entry that is no entry".to_owned());
        };
        let depth = path.split('/').count() - 1;
        if depth > limits.depth {
            let what = format!("folders are nested {depth} deep, {} allowed", limits.depth);
            return Err(SourceError::TooLarge { what });
        }
        check_path(path)?;
        self.path_bytes += path.len();
        if self.path_bytes > PATHS_BYTES {
            let what = format!("the names of its files take more than {}", ByteSize(PATHS_BYTES as u64));
            return Err(SourceError::TooLarge { what });
        }
        let kind = match mode {
            "160000" => {
                self.submodules += 1;
                return Ok(());
            }
            "120000" => Kind::Link,
            "100755" => Kind::Program,
            _ if mode.starts_with("100") => Kind::File,
            other => return refused(format!("an entry of the unknown mode {other}")),
        };
        // Files over the limit are not even fetched where the host can leave them out; their size is then unknown.
        let size =
            size.parse::<u64>().ok().filter(|size| *size <= limits.file.bytes()).ok_or_else(|| {
                SourceError::TooLarge { what: format!("the file {path} is larger than {}", limits.file) }
            })?;
        if kind == Kind::Link && size > LINK_BYTES {
            return refused(format!("the link {path} with a target of {size} bytes"));
        }
        self.bytes += size;
        if self.bytes > limits.tree.bytes() {
            return Err(SourceError::TooLarge { what: format!("its files take more than {}", limits.tree) });
        }
        self.has_gitmodules |= path == ".gitmodules";
        self.entries.push(Entry { kind, object: object.to_owned(), size, path: path.to_owned() });
        Ok(())
    }

    /// What a person should know about what is left out.
    fn warnings(&self) -> Vec<String> {
        match (self.submodules, self.has_gitmodules) {
            (0, false) => Vec::new(),
            (0, true) => vec!["submodules (.gitmodules) are not fetched".to_owned()],
            (1, _) => vec!["1 submodule is not fetched".to_owned()],
            (count, _) => vec![format!("{count} submodules are not fetched")],
        }
    }
}

fn check_path(path: &str) -> Result<(), SourceError> {
    /// Longest name of a file or folder, in bytes; the limit of Linux' file systems.
    const NAME_BYTES: usize = 255;
    if path.len() > PATH_BYTES {
        return Err(SourceError::TooLarge { what: format!("a path is longer than {PATH_BYTES} bytes") });
    }
    if let Some(c) = path.chars().find(|c| c.is_control()) {
        let what = format!("a file name with {c:?} in it: {}", path.escape_debug());
        return Err(SourceError::Refused { what });
    }
    let bad =
        |name: &str| matches!(name, "" | "." | "..") || name.eq_ignore_ascii_case(".git") || name.len() > NAME_BYTES;
    match path.split('/').find(|name| bad(name)) {
        Some(name) => Err(SourceError::Refused { what: format!("a file or folder called `{name}`") }),
        None => Ok(()),
    }
}

/// Whether a link at `path` stays inside the tree whatever other links do: steps up only at its beginning (from the
/// real folder it lies in), and no more of them than there are folders above it.
fn link_stays_inside(path: &str, target: &str) -> bool {
    if target.is_empty() || target.starts_with('/') || target.chars().any(char::is_control) {
        return false;
    }
    let mut above = path.split('/').count() - 1;
    let mut down = false;
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." if down || above == 0 => return false,
            ".." => above -= 1,
            _ => down = true,
        }
    }
    true
}

fn ask(stdin: File, objects: &[String]) -> io::Result<()> {
    let mut stdin = io::BufWriter::new(stdin);
    for object in objects {
        writeln!(stdin, "{object}")?;
    }
    stdin.flush()
}

enum Refusal {
    Disk(io::Error),
    Refused(String),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

/// Writes entries in the order of the listing; folders are opened once, by descriptor, never through a link.
struct Writer {
    top: OwnedFd,
    open: Vec<(String, OwnedFd)>,
    lfs: u64,
}

impl Writer {
    const fn new(top: OwnedFd) -> Self {
        Self { top, open: Vec::new(), lfs: 0 }
    }

    fn write_all(mut self, entries: &[Entry], mut objects: impl BufRead) -> Result<u64, Refusal> {
        for entry in entries {
            let mut head = String::new();
            objects.by_ref().take(200).read_line(&mut head)?;
            if head.trim_end() != format!("{} blob {}", entry.object, entry.size) {
                return Err(io::Error::other(format!("git did not give {}: {}", entry.path, head.trim_end())).into());
            }
            self.write(entry, &mut objects)?;
            let mut newline = [0];
            objects.read_exact(&mut newline)?;
        }
        Ok(self.lfs)
    }

    fn write(&mut self, entry: &Entry, objects: &mut impl BufRead) -> Result<(), Refusal> {
        let (folders, name) = entry.path.rsplit_once('/').unwrap_or(("", &entry.path));
        self.enter(folders)?;
        let folder = self.open.last().map_or(self.top.as_fd(), |(_, fd)| fd.as_fd());
        let mut contents = objects.take(entry.size);
        let mode = match entry.kind {
            Kind::Link => {
                let mut target = String::new();
                let read = contents.read_to_string(&mut target);
                if read.is_err() || !link_stays_inside(&entry.path, &target) {
                    let what = format!("the link {} that leaves the repository", entry.path);
                    return Err(Refusal::Refused(what));
                }
                return Ok(rustix::fs::symlinkat(target, folder, name).map_err(io::Error::from)?);
            }
            Kind::Program => 0o755,
            Kind::File => 0o644,
        };
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(folder, name, flags, Mode::from_raw_mode(mode)).map_err(io::Error::from)?;
        let mut file = File::from(file);
        let head = contents.fill_buf()?;
        if head.starts_with(b"version https://git-lfs.github.com/spec/") {
            self.lfs += 1;
        }
        let copied = io::copy(&mut contents, &mut file)?;
        if copied != entry.size {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        Ok(())
    }

    /// Makes `folders` the last of the open ones.
    fn enter(&mut self, folders: &str) -> io::Result<()> {
        let wanted: Vec<&str> = folders.split('/').filter(|name| !name.is_empty()).collect();
        let same = self.open.iter().zip(&wanted).take_while(|((name, _), wanted)| name == *wanted).count();
        self.open.truncate(same);
        for name in &wanted[same..] {
            let parent = self.open.last().map_or(self.top.as_fd(), |(_, fd)| fd.as_fd());
            match rustix::fs::mkdirat(parent, *name, Mode::from_raw_mode(0o755)) {
                Err(rustix::io::Errno::EXIST) => {}
                other => other?,
            }
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let fd = rustix::fs::openat(parent, *name, flags, Mode::empty())?;
            self.open.push(((*name).to_owned(), fd));
        }
        Ok(())
    }
}

/// Bytes that a checkout and its build may need on the disk, for the check before a release is staged.
pub fn likely_need(checkout_bytes: u64) -> ByteSize {
    /// Dependencies are usually much larger than the code.
    const DEPENDENCIES_BYTES: u64 = 256 * 1024 * 1024;
    ByteSize(checkout_bytes.saturating_mul(2).saturating_add(DEPENDENCIES_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_may_not_leave_the_tree_not_even_through_other_links() {
        for (path, target, expected) in [
            ("a", "b", true),
            ("a/b", "../c", true),
            ("a/b/c", "../../d/e", true),
            ("a", "..", false),
            ("a/b", "../..", false),
            ("a", "/etc/passwd", false),
            ("a", "", false),
            ("a", "x/..", false),
            ("p/e", "q/r/../../..", false),
            ("a", "b\u{0}c", false),
            ("a", "./b//c", true),
        ] {
            assert_eq!(link_stays_inside(path, target), expected, "{path} -> {target}");
        }
    }

    #[test]
    fn submodules_and_long_names_are_counted_like_files() {
        let limits = FetchLimits::default();
        let fill = |line: &dyn Fn(u64) -> String| {
            let mut listing = Listing::default();
            let refused = (0..=limits.entries).find_map(|n| listing.add(line(n).as_bytes(), &limits).err());
            (refused.expect("a limit is reached").to_string(), listing)
        };
        let (said, listing) = fill(&|n| format!("160000 commit aa -\tm{n}"));
        assert!(said.contains("more than 200000 files"), "{said}");
        assert_eq!(listing.warnings(), ["200000 submodules are not fetched"]);
        let long = format!("{}/x", "d".repeat(250));
        let (said, listing) = fill(&|n| format!("160000 commit aa -\t{long}{n}"));
        assert!(said.contains("names") && listing.lines < limits.entries, "{said}");
    }

    #[test]
    fn listings_are_judged_line_by_line() {
        let limits =
            FetchLimits { tree: ByteSize(100), file: ByteSize(60), entries: 3, depth: 2, ..FetchLimits::default() };
        let check = |lines: &[&str]| -> Result<u64, String> {
            let mut listing = Listing::default();
            for line in lines {
                listing.add(line.as_bytes(), &limits).map_err(|error| error.to_string())?;
            }
            Ok(listing.bytes)
        };
        assert_eq!(check(&["100644 blob aa      50\ta/b/c", "100755 blob aa 10\td"]), Ok(60));
        for (lines, words) in [
            (&["100644 blob aa 1\ta/b/c/d"][..], "3 deep"),
            (&["100644 blob aa 61\tbig"], "larger than 60 B"),
            (&["100644 blob aa BAD\tbig"], "larger than 60 B"),
            (&["100644 blob aa 60\ta", "100644 blob aa 60\tb"], "more than 100 B"),
            (
                &["100644 blob aa 1\ta", "100644 blob aa 1\tb", "100644 blob aa 1\tc", "100644 blob aa 1\td"],
                "more than 3",
            ),
            (&["100644 blob aa 1\ta\u{1b}[2J"], "file name"),
            (&["100644 blob aa 1\t.GIT/config"], ".GIT"),
            (&["100644 blob aa 1\ta/../b"], "`..`"),
            (&["100644 blob aa 1\t/etc/passwd"], "``"),
            (&["120000 blob aa 2000\tlink"], "larger than 60 B"),
            (&["777777 blob aa 1\tx"], "mode"),
            (&["nonsense"], "no entry"),
        ] {
            let said = check(lines).expect_err(words);
            assert!(said.contains(words), "{said} / {words}");
        }
    }
}
