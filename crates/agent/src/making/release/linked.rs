//! A second tree with the same files: folders are made, files get a further name, links are repeated. A release made so
//! costs names, not bytes, and none of its files can be changed through the other, since files are only ever replaced.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Gid, Mode, OFlags, Stat, Uid};
use rustix::io::Errno;

use super::tree;

/// A folder that is being repeated.
struct Level {
    from: Dir,
    to: OwnedFd,
    stat: Stat,
}

/// Repeats the sealed tree `from` in the empty folder `to`, owners and rights included.
///
/// # Errors
/// The operating system's reason; what was made is then still there.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let (top, made) = (tree::open_dir(from)?, tree::open_dir(to)?);
    let stat = rustix::fs::fstat(&top)?;
    rustix::fs::fchmod(&made, Mode::RWXU)?;
    let mut open = vec![Level { from: Dir::new(top)?, to: made, stat }];
    while let Some(level) = open.last_mut() {
        let Some(entry) = level.from.read() else {
            // Closed only now: it has to be written until everything is in it.
            let Some(Level { to, stat, .. }) = open.pop() else { break };
            rustix::fs::fchown(&to, Some(Uid::from_raw(stat.st_uid)), Some(Gid::from_raw(stat.st_gid)))?;
            rustix::fs::fchmod(&to, Mode::from_raw_mode(stat.st_mode & 0o777))?;
            continue;
        };
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let parent = level.from.fd()?;
        let stat = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {
                rustix::fs::mkdirat(&level.to, name, Mode::RWXU)?;
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let child = rustix::fs::openat(parent, name, flags, Mode::empty())?;
                let made = rustix::fs::openat(&level.to, name, flags, Mode::empty())?;
                if open.len() >= tree::MAX_DEPTH {
                    return Err(io::Error::other(format!("folders are nested deeper than {} levels", tree::MAX_DEPTH)));
                }
                open.push(Level { from: Dir::new(child)?, to: made, stat });
            }
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(parent, name, Vec::new())?;
                rustix::fs::symlinkat(target, &level.to, name)?;
            }
            FileType::RegularFile => {
                match rustix::fs::linkat(parent, name, &level.to, name, AtFlags::empty()) {
                    // As many names as the file system gives one file, or a kernel that forbids further ones.
                    Err(Errno::MLINK | Errno::PERM | Errno::XDEV | Errno::OPNOTSUPP) => {
                        duplicate(parent, level.to.as_fd(), name, &stat)?;
                    }
                    other => other?,
                }
            }
            // A build may have left a socket or a pipe: nothing a release serves from.
            _ => {}
        }
    }
    Ok(())
}

fn duplicate(from: BorrowedFd<'_>, to: BorrowedFd<'_>, name: &std::ffi::CStr, stat: &Stat) -> io::Result<()> {
    let read = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut source = std::fs::File::from(rustix::fs::openat(from, name, read, Mode::empty())?);
    let write = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut made = std::fs::File::from(rustix::fs::openat(to, name, write, Mode::RUSR | Mode::WUSR)?);
    io::copy(&mut source, &mut made)?;
    rustix::fs::fchown(&made, Some(Uid::from_raw(stat.st_uid)), Some(Gid::from_raw(stat.st_gid)))?;
    Ok(rustix::fs::fchmod(&made, Mode::from_raw_mode(stat.st_mode & 0o777))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    #[test]
    fn a_sealed_tree_is_repeated_and_either_can_be_removed() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (dir.path().join("one"), dir.path().join("two"));
        std::fs::create_dir_all(one.join("src/empty")).unwrap();
        std::fs::create_dir(&two).unwrap();
        std::fs::write(one.join("src/app.js"), "a").unwrap();
        std::fs::write(one.join("run.sh"), "b").unwrap();
        std::fs::set_permissions(one.join("run.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
        symlink("src/app.js", one.join("link")).unwrap();
        tree::seal(&one, None, None).unwrap();
        copy(&one, &two).unwrap();
        let meta = |path: &Path, name: &str| std::fs::symlink_metadata(path.join(name)).unwrap();
        for name in ["src", "src/empty", "src/app.js", "run.sh", "."] {
            assert_eq!(meta(&one, name).mode(), meta(&two, name).mode(), "{name}");
        }
        assert_eq!(meta(&one, "src/app.js").ino(), meta(&two, "src/app.js").ino());
        assert_eq!(std::fs::read_link(two.join("link")).unwrap(), Path::new("src/app.js"));
        tree::remove(&one).unwrap();
        assert_eq!(std::fs::read_to_string(two.join("src/app.js")).unwrap(), "a");
        tree::remove(&two).unwrap();
    }
}
