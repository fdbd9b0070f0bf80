//! A file below a release's files, by descriptor: no link on the way, nothing outside, nothing that is no text.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;
use sf_protocol::patch::FILE_BYTES_MAX;
use sf_types::{ByteSize, ContentHash, ErrorKind, Fault, FilePath, FileState};
use sha2::{Digest, Sha256};

use crate::release::tree;

/// A place for a file, and what is there.
#[derive(Debug)]
pub struct Found {
    /// Its folder.
    pub folder: OwnedFd,
    /// Its name there.
    pub name: String,
    /// What is in it; `None` where it is not there.
    pub text: Option<String>,
    /// Owner and rights; `None` where it is not there.
    pub stat: Option<Stat>,
}

impl Found {
    /// Looks at `path` below `tree`.
    ///
    /// # Errors
    /// `patch.link` for a symbolic link anywhere in the path, `patch.outside`, `patch.no_folder`, `patch.not_a_file`,
    /// `patch.too_large`, `patch.binary`, `patch.disk`.
    pub fn open(tree: &Path, path: &FilePath) -> Result<Self, Fault> {
        let (folder, name) = path.as_str().rsplit_once('/').unwrap_or(("", path.as_str()));
        let failed = |error: io::Error| unusable(path, &error);
        let above = tree::open_inside(tree, Path::new(folder)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => no_folder(path, folder),
            _ => failed(error),
        })?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        // Listed and written by a descriptor of its own: the one above only names the folder.
        let readable = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::openat2(&above, ".", readable, Mode::empty(), resolve);
        let folder = folder.map_err(|error| failed(error.into()))?;
        let file = match rustix::fs::openat2(&folder, OsStr::new(name), flags, Mode::empty(), resolve) {
            Err(Errno::NOENT) => return Ok(Self { folder, name: name.to_owned(), text: None, stat: None }),
            other => other.map_err(|error| failed(error.into()))?,
        };
        let stat = rustix::fs::fstat(&file).map_err(|error| failed(error.into()))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(fault("patch.not_a_file", format!("{path} is no file."), "Choose a file of the release."));
        }
        let mut bytes = Vec::new();
        let limit = u64::from(FILE_BYTES_MAX);
        std::fs::File::from(file).take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > limit {
            let size = ByteSize(u64::try_from(stat.st_size).unwrap_or(u64::MAX));
            return Err(too_large(path, size));
        }
        let text = String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
        let binary = || {
            let message = format!("{path} is no text in UTF-8.");
            fault("patch.binary", message, "Change it in the repository, and deploy.")
        };
        Ok(Self { folder, name: name.to_owned(), text: Some(text.ok_or_else(binary)?), stat: Some(stat) })
    }

    /// How it is.
    pub fn state(&self) -> FileState {
        state_of(self.text.as_deref())
    }

    /// Fails unless it is as was agreed on.
    ///
    /// # Errors
    /// `patch.moved`.
    pub fn must_be(&self, path: &FilePath, agreed: FileState) -> Result<(), Fault> {
        let found = self.state();
        if found == agreed {
            return Ok(());
        }
        let message = format!("{path} is other than it was looked at: {} now, {} then.", found.short(), agreed.short());
        Err(fault("patch.moved", message, "Look at the file as it is now, and change that."))
    }
}

/// How a file with this text is.
pub fn state_of(text: Option<&str>) -> FileState {
    text.map_or(FileState::Absent, |text| FileState::Is(ContentHash::from_bytes(Sha256::digest(text).into())))
}

/// More than a patch may touch.
pub fn too_large(path: &FilePath, size: ByteSize) -> Fault {
    let message = format!("{path} has {size}; {} can be patched.", ByteSize(u64::from(FILE_BYTES_MAX)));
    let fault = Fault::new(ErrorKind::TooLarge, "patch.too_large", message);
    fault.fix("Change it in the repository, and deploy.")
}

pub(super) fn fault(code: &str, message: String, fix: &str) -> Fault {
    Fault::new(ErrorKind::Conflict, code, message).fix(fix)
}

fn no_folder(path: &FilePath, folder: &str) -> Fault {
    let message = format!("{path} cannot be: the release has no folder {folder}.");
    fault("patch.no_folder", message, "Choose a folder that is there.")
}

/// What the kernel says of a path.
pub(super) fn unusable(path: &FilePath, error: &io::Error) -> Fault {
    match Errno::from_io_error(error) {
        Some(Errno::LOOP) => {
            let message = format!("{path} is a symbolic link, or one is on the way to it.");
            fault("patch.link", message, "Name the file itself, where it is in the release.")
        }
        Some(Errno::XDEV) => {
            fault("patch.outside", format!("{path} leads out of the release."), "Choose a file of the release.")
        }
        Some(Errno::NOTDIR) => {
            fault("patch.no_folder", format!("A part of {path} is no folder."), "Choose a folder that is there.")
        }
        Some(Errno::ISDIR) => {
            fault("patch.not_a_file", format!("{path} is a folder."), "Choose a file of the release.")
        }
        _ => Fault::new(ErrorKind::Internal, "patch.disk", format!("{path} cannot be used: {error}."))
            .fix("Check the node's disk and the rights of the agent's folder."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn check(tree: &Path, path: &str, code: &str) {
        let found = Found::open(tree, &path.parse().unwrap());
        assert_eq!(found.map(|found| found.text).map_err(|fault| fault.code), Err(code.to_owned()), "{path}");
    }

    #[test]
    fn only_texts_of_the_release_are_opened() {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("tree");
        std::fs::create_dir_all(tree.join("src")).unwrap();
        std::fs::write(tree.join("src/app.js"), "a").unwrap();
        std::fs::write(dir.path().join("secret"), "b").unwrap();
        symlink("../secret", tree.join("out")).unwrap();
        symlink("src", tree.join("inside")).unwrap();
        symlink("/etc", tree.join("etc")).unwrap();
        std::fs::write(tree.join("picture"), [0xff, 0xd8]).unwrap();
        std::fs::write(tree.join("nul"), "a\0b").unwrap();
        std::fs::write(tree.join("large"), vec![b'a'; FILE_BYTES_MAX as usize + 1]).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, tree.join("fifo"), Mode::RUSR | Mode::WUSR).unwrap();
        let found = Found::open(&tree, &"src/app.js".parse().unwrap()).unwrap();
        assert_eq!((found.text.as_deref(), found.name.as_str()), (Some("a"), "app.js"));
        let hash = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
        assert_eq!(found.state().to_string(), hash);
        let new = Found::open(&tree, &"src/new.js".parse().unwrap()).unwrap();
        assert_eq!((new.text.as_ref(), new.state()), (None, FileState::Absent));
        for (path, code) in [
            ("out", "patch.link"),
            ("inside/app.js", "patch.link"),
            ("etc/passwd", "patch.link"),
            ("src", "patch.not_a_file"),
            ("fifo", "patch.not_a_file"),
            ("src/app.js/x", "patch.no_folder"),
            ("lib/x", "patch.no_folder"),
            ("picture", "patch.binary"),
            ("nul", "patch.binary"),
            ("large", "patch.too_large"),
        ] {
            check(&tree, path, code);
        }
        let moved = found.must_be(&"src/app.js".parse().unwrap(), FileState::Absent).unwrap_err();
        assert_eq!(moved.code, "patch.moved");
    }
}
