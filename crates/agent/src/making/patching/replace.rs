//! Putting a text in place of a file: whoever reads it finds the old one or the new one, also after a power cut.

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, Gid, Mode, OFlags, Stat, Uid};
use rustix::io::Errno;

use crate::confine::Identity;

/// The new file until it has its name. Left by a crash, it is swept by the next change in its folder.
const STAGED: &str = ".serverflow-patch";

/// Who owns a file that was not there before, and who reads it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fresh {
    /// Group of the app's own user, where the agent is root.
    pub reader: Option<Identity>,
}

/// Has `text` stand under `name` in `folder`, or nothing where `None`. Owner and rights are those of `like`, the file that
/// was there; the folder, which a release keeps closed, is opened for the moment.
///
/// # Errors
/// The operating system's reason; the old file is then still there.
pub fn replace(
    folder: BorrowedFd<'_>,
    name: &str,
    text: Option<&str>,
    like: Option<&Stat>,
    fresh: Fresh,
) -> io::Result<()> {
    let closed = rustix::fs::fstat(folder)?.st_mode & 0o7777;
    rustix::fs::fchmod(folder, Mode::from_raw_mode(closed | 0o700))?;
    let replaced = written(folder, name, text, like, fresh);
    let closed = rustix::fs::fchmod(folder, Mode::from_raw_mode(closed)).map_err(io::Error::from);
    replaced?;
    closed?;
    Ok(rustix::fs::fsync(folder)?)
}

/// Removes what a crash left in `folder` of a change.
///
/// # Errors
/// The operating system's reason.
pub fn sweep(folder: BorrowedFd<'_>) -> io::Result<()> {
    if rustix::fs::statat(folder, STAGED, AtFlags::SYMLINK_NOFOLLOW).is_err() {
        return Ok(());
    }
    let closed = rustix::fs::fstat(folder)?.st_mode & 0o7777;
    rustix::fs::fchmod(folder, Mode::from_raw_mode(closed | 0o700))?;
    let swept = rustix::fs::unlinkat(folder, STAGED, AtFlags::empty());
    rustix::fs::fchmod(folder, Mode::from_raw_mode(closed))?;
    Ok(swept?)
}

fn written(
    folder: BorrowedFd<'_>,
    name: &str,
    text: Option<&str>,
    like: Option<&Stat>,
    fresh: Fresh,
) -> io::Result<()> {
    match rustix::fs::unlinkat(folder, STAGED, AtFlags::empty()) {
        Err(Errno::NOENT) => {}
        other => other?,
    }
    let Some(text) = text else {
        return match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
            Err(Errno::NOENT) => Ok(()),
            other => Ok(other?),
        };
    };
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let staged = rustix::fs::openat(folder, STAGED, flags, Mode::RUSR | Mode::WUSR)?;
    let mut file = std::fs::File::from(staged);
    file.write_all(text.as_bytes())?;
    let (owner, group, mode) = match (like, fresh.reader) {
        (Some(like), _) => (Some(Uid::from_raw(like.st_uid)), Some(Gid::from_raw(like.st_gid)), like.st_mode & 0o777),
        (None, Some(reader)) => (Some(Uid::ROOT), Some(Gid::from_raw(reader.gid)), 0o440),
        (None, None) => (None, None, 0o440),
    };
    rustix::fs::fchown(file.as_fd(), owner, group)?;
    rustix::fs::fchmod(file.as_fd(), Mode::from_raw_mode(mode))?;
    file.sync_all()?;
    fail::fail_point!("patch-staged");
    Ok(rustix::fs::renameat(folder, STAGED, folder, name)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::tree;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    #[test]
    fn a_reader_finds_the_old_file_or_the_new_one_and_never_half() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a");
        let texts = ["a".repeat(300_000), "b".repeat(200_000)];
        std::fs::write(&file, &texts[0]).unwrap();
        let done = std::sync::atomic::AtomicBool::new(false);
        let folder = tree::open_dir(dir.path()).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for text in texts.iter().cycle().take(60) {
                    replace(folder.as_fd(), "a", Some(text), None, Fresh { reader: None }).unwrap();
                }
                done.store(true, std::sync::atomic::Ordering::Relaxed);
            });
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                let seen = std::fs::read_to_string(&file).unwrap();
                assert!(texts.contains(&seen), "{} bytes", seen.len());
            }
        });
    }

    #[test]
    fn a_file_is_replaced_with_its_rights_and_another_name_of_it_keeps_the_old_one() {
        let dir = tempfile::tempdir().unwrap();
        let (file, other) = (dir.path().join("a"), dir.path().join("other"));
        std::fs::write(&file, "old").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o550)).unwrap();
        std::fs::hard_link(&file, &other).unwrap();
        std::fs::write(dir.path().join(STAGED), "left by a crash").unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o550)).unwrap();
        let folder = tree::open_dir(dir.path()).unwrap();
        let stat = rustix::fs::statat(&folder, "a", AtFlags::SYMLINK_NOFOLLOW).unwrap();
        let fresh = Fresh { reader: None };
        replace(folder.as_fd(), "a", Some("new"), Some(&stat), fresh).unwrap();
        replace(folder.as_fd(), "b", Some("fresh"), None, fresh).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "old");
        let mode = |name: &str| std::fs::metadata(dir.path().join(name)).unwrap().mode() & 0o777;
        assert_eq!((mode("a"), mode("b"), mode(".")), (0o550, 0o440, 0o550));
        replace(folder.as_fd(), "b", None, None, fresh).unwrap();
        replace(folder.as_fd(), "b", None, None, fresh).unwrap();
        let mut names: Vec<_> =
            std::fs::read_dir(dir.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
        names.sort();
        assert_eq!(names, ["a", "other"]);
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o750)).unwrap();
    }
}
