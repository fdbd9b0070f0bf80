//! Carrying a folder of one release over into another: as further names of the same files where nobody can write them, as
//! copies everywhere else.

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, Stat, Timespec, Timestamps, Uid};
use rustix::io::Errno;

use super::{DIR_FLAGS, MAX_DEPTH};
use crate::confine::Identity;

/// How files get there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Carry {
    /// Sealed files get further names: only where they belong to root, so that no process of an app can write them.
    /// Folders are made anew, for the group of this reader.
    Link(Identity),
    /// Copies of our own, which a build may change; blocks are shared where the file system can.
    Copy,
}

/// Carries the folder `from` to `to`, which is not there yet. Names in `leave` at its top are left out. Answers `false`
/// when `stop` said so in between; what was made by then is still there.
///
/// # Errors
/// The operating system's reason, or a tree that is nested too deep.
pub fn carry(
    (from, to): (&Path, &Path),
    how: Carry,
    leave: &[&str],
    stop: &(dyn Fn() -> bool + Sync),
) -> io::Result<bool> {
    let top = super::open_dir(from)?;
    rustix::fs::mkdirat(CWD, to, Mode::RWXU)?;
    let made = super::open_dir(to)?;
    let work = Work { how, leave, stop };
    let whole = work.folder(&top, &made, 0)?;
    work.close(&made)?;
    Ok(whole)
}

struct Work<'a> {
    how: Carry,
    leave: &'a [&'a str],
    stop: &'a (dyn Fn() -> bool + Sync),
}

impl Work<'_> {
    fn folder(&self, from: &OwnedFd, to: &OwnedFd, depth: usize) -> io::Result<bool> {
        if depth >= MAX_DEPTH {
            return Err(io::Error::other(format!("folders are nested deeper than {MAX_DEPTH} levels")));
        }
        for entry in Dir::read_from(from)? {
            if (self.stop)() {
                return Ok(false);
            }
            let entry = entry?;
            let name = entry.file_name();
            let left_out = depth == 0 && self.leave.iter().any(|left| left.as_bytes() == name.to_bytes());
            if name == c"." || name == c".." || left_out {
                continue;
            }
            let stat = rustix::fs::statat(from, name, AtFlags::SYMLINK_NOFOLLOW)?;
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory => {
                    let inner = rustix::fs::openat(from, name, DIR_FLAGS, Mode::empty())?;
                    rustix::fs::mkdirat(to, name, Mode::RWXU)?;
                    let made = rustix::fs::openat(to, name, DIR_FLAGS, Mode::empty())?;
                    let whole = self.folder(&inner, &made, depth + 1)?;
                    self.close(&made)?;
                    if !whole {
                        return Ok(false);
                    }
                }
                FileType::Symlink => {
                    let target = rustix::fs::readlinkat(from, name, Vec::new())?;
                    rustix::fs::symlinkat(target.as_c_str(), to, name)?;
                }
                FileType::RegularFile => self.file(from.as_fd(), to.as_fd(), name, &stat)?,
                // A socket or a pipe that a build left behind is of no use to another release.
                _ => {}
            }
        }
        Ok(true)
    }

    fn file(&self, from: BorrowedFd<'_>, to: BorrowedFd<'_>, name: &CStr, stat: &Stat) -> io::Result<()> {
        // What belongs to somebody else, or is another reader's, would stay so.
        if matches!(self.how, Carry::Link(reader) if stat.st_uid == 0 && stat.st_gid == reader.gid) {
            match rustix::fs::linkat(from, name, to, name, AtFlags::empty()) {
                // As many names as a file can have: this release gets a copy.
                Err(Errno::MLINK) => {}
                other => return Ok(other?),
            }
        }
        let read = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let mut source = File::from(rustix::fs::openat(from, name, read, Mode::empty())?);
        let write = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut made = File::from(rustix::fs::openat(to, name, write, Mode::RUSR | Mode::WUSR)?);
        if rustix::fs::ioctl_ficlone(&made, &source).is_err() {
            io::copy(&mut source, &mut made)?;
        }
        // Compiled Python is valid for a source file of this very time.
        let time = Timespec { tv_sec: stat.st_mtime, tv_nsec: i64::try_from(stat.st_mtime_nsec).unwrap_or(0) };
        rustix::fs::futimens(&made, &Timestamps { last_access: time, last_modification: time })?;
        let programs = stat.st_mode & 0o111 != 0;
        let mode = match (self.how, programs) {
            (Carry::Copy, true) => 0o755,
            (Carry::Copy, false) => 0o644,
            (Carry::Link(_), true) => 0o550,
            (Carry::Link(_), false) => 0o440,
        };
        self.own(&made)?;
        Ok(rustix::fs::fchmod(&made, Mode::from_raw_mode(mode))?)
    }

    /// A folder is finished.
    fn close(&self, made: &OwnedFd) -> io::Result<()> {
        self.own(made)?;
        let mode = if matches!(self.how, Carry::Link(_)) { 0o550 } else { 0o755 };
        Ok(rustix::fs::fchmod(made, Mode::from_raw_mode(mode))?)
    }

    fn own(&self, made: impl AsFd) -> io::Result<()> {
        match self.how {
            Carry::Link(reader) => Ok(rustix::fs::fchown(made, Some(Uid::ROOT), Some(Gid::from_raw(reader.gid)))?),
            Carry::Copy => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    fn ground() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let from = dir.path().join("from");
        fs::create_dir_all(from.join("a/b")).unwrap();
        fs::create_dir(from.join(".cache")).unwrap();
        fs::write(from.join("a/b/file"), "text").unwrap();
        fs::write(from.join("a/run"), "#!/bin/sh").unwrap();
        fs::set_permissions(from.join("a/run"), fs::Permissions::from_mode(0o550)).unwrap();
        fs::set_permissions(from.join("a/b/file"), fs::Permissions::from_mode(0o440)).unwrap();
        symlink("b/file", from.join("a/link")).unwrap();
        dir
    }

    #[test]
    fn a_copy_can_be_changed_and_the_original_stays() {
        let dir = ground();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        assert!(carry((&from, &to), Carry::Copy, &[".cache"], &|| false).unwrap());
        assert!(!to.join(".cache").exists());
        assert_eq!(fs::read_link(to.join("a/link")).unwrap(), Path::new("b/file"));
        let (old, new) = (fs::metadata(from.join("a/b/file")).unwrap(), fs::metadata(to.join("a/b/file")).unwrap());
        assert_eq!((new.mode() & 0o7777, new.mtime_nsec()), (0o644, old.mtime_nsec()));
        assert_eq!(fs::metadata(to.join("a/run")).unwrap().mode() & 0o7777, 0o755);
        fs::write(to.join("a/b/file"), "changed").unwrap();
        assert_eq!(fs::read_to_string(from.join("a/b/file")).unwrap(), "text");
    }

    #[test]
    fn links_share_what_nobody_can_write() {
        if !nix::unistd::geteuid().is_root() {
            return eprintln!("SKIPPED: only root can give files to a group");
        }
        let dir = ground();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        let reader = Identity { uid: 269_990, gid: 269_990 };
        std::os::unix::fs::chown(from.join("a/b/file"), Some(0), Some(reader.gid)).unwrap();
        assert!(carry((&from, &to), Carry::Link(reader), &[], &|| false).unwrap());
        let (file, folder) = (fs::metadata(to.join("a/b/file")).unwrap(), fs::metadata(to.join("a/b")).unwrap());
        assert_eq!(file.ino(), fs::metadata(from.join("a/b/file")).unwrap().ino());
        let (other, old) = (fs::metadata(to.join("a/run")).unwrap(), fs::metadata(from.join("a/run")).unwrap());
        assert_ne!(other.ino(), old.ino(), "another reader's file is copied");
        assert_eq!((other.gid(), other.mode() & 0o7777), (reader.gid, 0o550));
        assert_eq!((folder.uid(), folder.gid(), folder.mode() & 0o7777), (0, reader.gid, 0o550));
    }

    #[test]
    fn it_stops_when_told() {
        let dir = ground();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        assert!(!carry((&from, &to), Carry::Copy, &[], &|| true).unwrap());
    }
}
