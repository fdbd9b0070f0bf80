//! Walks over folder trees by descriptor: measuring, giving to a user, sealing, removing.
//!
//! Trees are made by strangers' builds: no step follows a symbolic link, no path is put together, and the number of
//! open descriptors is bounded whatever the depth.

mod carry;
mod mark;

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, ResolveFlags, Stat, Uid};
use rustix::io::Errno;

pub use carry::{Carry, carry};
pub use mark::{Mark, mark};

use crate::confine::Identity;

/// Deepest nesting of folders a walk enters; each level holds one descriptor.
pub const MAX_DEPTH: usize = 256;

/// What a tree takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    /// Bytes on disk.
    pub bytes: u64,
    /// Files, links and folders.
    pub entries: u64,
}

impl Usage {
    fn add(&mut self, stat: &Stat) {
        /// `st_blocks` counts these, whatever the file system's block size; see stat(2).
        const BLOCK_BYTES: u64 = 512;
        self.bytes += u64::try_from(stat.st_blocks).unwrap_or(0) * BLOCK_BYTES;
        self.entries += 1;
    }
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.entries += other.entries;
    }
}

/// Opens a folder without following a link in its last segment.
///
/// # Errors
/// The operating system's reason; `ENOTDIR` or `ELOOP` where it is no folder.
pub fn open_dir(path: &Path) -> io::Result<OwnedFd> {
    Ok(rustix::fs::openat(CWD, path, DIR_FLAGS, Mode::empty())?)
}

/// Opens the folder `path` (relative; empty or `.` for the tree itself) inside `tree`, through real folders only: a link
/// or a step up anywhere in `path` is refused, also one that would lead back inside.
///
/// # Errors
/// The operating system's reason; `ELOOP` for a link, `EXDEV` for a way out.
pub fn open_inside(tree: &Path, path: &Path) -> io::Result<OwnedFd> {
    let inside = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    Ok(rustix::fs::openat2(open_dir(tree)?, inside, flags, Mode::empty(), resolve)?)
}

const DIR_FLAGS: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Bytes and entries of a tree that may be changing meanwhile: what vanishes is not counted.
///
/// # Errors
/// When it is deeper than [`MAX_DEPTH`] or its top cannot be read.
pub fn measure(dir: &Path) -> io::Result<Usage> {
    let mut usage = Usage::default();
    walk(open_dir(dir)?, &mut |_, _, stat| {
        usage.add(stat);
        Ok(())
    })?;
    Ok(usage)
}

/// As [`measure`], of what belongs to one user. A folder that is not there holds nothing.
///
/// # Errors
/// As [`measure`].
pub fn measure_of(dir: &Path, uid: u32) -> io::Result<Usage> {
    let mut usage = Usage::default();
    let top = match open_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(usage),
        other => other?,
    };
    walk(top, &mut |_, _, stat| {
        if stat.st_uid == uid {
            usage.add(stat);
        }
        Ok(())
    })?;
    Ok(usage)
}

/// Gives a tree and its top to `to`. A file with several names has to be theirs already: another's is a hard link to a
/// file outside, put there to be given away too, and the call fails.
///
/// # Errors
/// The operating system's reason, or `PermissionDenied` for a foreign hard link.
pub fn give(dir: &Path, to: Identity) -> io::Result<()> {
    let top = open_dir(dir)?;
    let (uid, gid) = (Uid::from_raw(to.uid), Gid::from_raw(to.gid));
    rustix::fs::fchown(&top, Some(uid), Some(gid))?;
    walk(top, &mut |parent, name, stat| {
        refuse_foreign(name, stat, to.uid)?;
        Ok(rustix::fs::chownat(parent, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?)
    })
}

/// Bytes that sealing copies at the most, to part files of a release from names of theirs elsewhere.
pub const PARTED_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;

/// Takes every write and set-id bit away; with `reader`, root owns the tree and the reader's group may read it.
///
/// A file with several names becomes a copy of its own: package managers link files from their store, and whoever has
/// the other name could change the release. It has to belong to the `maker` (to us where there is none).
///
/// # Errors
/// As [`give`]; also when more than [`PARTED_BYTES_MAX`] would be copied.
pub fn seal(dir: &Path, maker: Option<Identity>, reader: Option<Identity>) -> io::Result<()> {
    let us = rustix::process::geteuid().as_raw();
    let maker = maker.map_or(us, |maker| maker.uid);
    let mut parted = 0;
    // All of it before the first folder is closed, which would be closed to us as well.
    walk(open_dir(dir)?, &mut |parent, name, stat| {
        refuse_foreign(name, stat, maker)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile || stat.st_nlink == 1 {
            return Ok(());
        }
        parted += u64::try_from(stat.st_size).unwrap_or(0);
        if parted > PARTED_BYTES_MAX {
            let what = format!("files with several names take more than {}", sf_types::ByteSize(PARTED_BYTES_MAX));
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
        }
        part(parent, name, stat)
    })?;
    let top = open_dir(dir)?;
    let own = |fd: BorrowedFd<'_>| match reader {
        Some(reader) => {
            rustix::fs::chownat(fd, c"", Some(Uid::ROOT), Some(Gid::from_raw(reader.gid)), AtFlags::EMPTY_PATH)
        }
        None => Ok(()),
    };
    own(top.as_fd())?;
    rustix::fs::fchmod(&top, Mode::from_raw_mode(0o550))?;
    walk(top, &mut |parent, name, stat| {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(parent, name, flags, Mode::empty())?;
        own(fd.as_fd())?;
        let mode = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Symlink => return Ok(()),
            FileType::Directory => 0o550,
            _ if stat.st_mode & 0o111 != 0 => 0o550,
            _ => 0o440,
        };
        // A path descriptor cannot be given to fchmod; its entry in /proc names exactly this file.
        Ok(rustix::fs::chmod(format!("/proc/self/fd/{}", fd.as_raw_fd()), Mode::from_raw_mode(mode))?)
    })
}

/// Puts a copy of a file in its place: what else had its name keeps the file. Its folder is opened to us for that.
fn part(parent: BorrowedFd<'_>, name: &CStr, stat: &Stat) -> io::Result<()> {
    const COPY: &CStr = c".serverflow-parted";
    let read = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut from = std::fs::File::from(rustix::fs::openat(parent, name, read, Mode::empty())?);
    let opened = rustix::fs::fstat(&from)?;
    if (opened.st_dev, opened.st_ino) != (stat.st_dev, stat.st_ino) {
        return Err(io::Error::other(format!("{} changed while it was sealed", name.to_string_lossy())));
    }
    rustix::fs::fchmod(parent, Mode::RWXU)?;
    match rustix::fs::unlinkat(parent, COPY, AtFlags::empty()) {
        Err(Errno::NOENT) => {}
        other => other?,
    }
    let write = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut to = std::fs::File::from(rustix::fs::openat(parent, COPY, write, Mode::RUSR | Mode::WUSR)?);
    io::copy(&mut from, &mut to)?;
    rustix::fs::fchmod(&to, Mode::from_raw_mode(stat.st_mode & 0o777))?;
    Ok(rustix::fs::renameat(parent, COPY, parent, name)?)
}

fn refuse_foreign(name: &CStr, stat: &Stat, owner: u32) -> io::Result<()> {
    let shared = FileType::from_raw_mode(stat.st_mode) != FileType::Directory && stat.st_nlink > 1;
    if shared && stat.st_uid != owner {
        let what = format!("{} is a hard link to a file of another user", name.to_string_lossy());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, what));
    }
    Ok(())
}

/// Is shown an entry; answers whether what is in it is to be shown, too.
type Visit<'a> = &'a mut dyn FnMut(BorrowedFd<'_>, &CStr, &Stat) -> io::Result<bool>;

/// Visits every entry below `top` (a folder before what is in it), given its parent folder, its name and its own
/// state. What vanishes between listing and looking is skipped.
fn walk(top: OwnedFd, visit: &mut dyn FnMut(BorrowedFd<'_>, &CStr, &Stat) -> io::Result<()>) -> io::Result<()> {
    walk_some(top, &mut |parent, name, stat| visit(parent, name, stat).map(|()| true))
}

/// As [`walk`], into the folders that the visitor wants to see from inside.
fn walk_some(top: OwnedFd, visit: Visit<'_>) -> io::Result<()> {
    let mut open = vec![Dir::new(top)?];
    while let Some(dir) = open.last_mut() {
        let Some(entry) = dir.read() else {
            open.pop();
            continue;
        };
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let parent = dir.fd()?;
        let stat = match rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => continue,
            other => other?,
        };
        let enter = visit(parent, name, &stat)?;
        if !enter || FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
            continue;
        }
        let child = match rustix::fs::openat(parent, name, DIR_FLAGS, Mode::empty()) {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => continue,
            other => other?,
        };
        if open.len() >= MAX_DEPTH {
            return Err(io::Error::other(format!("folders are nested deeper than {MAX_DEPTH} levels")));
        }
        open.push(Dir::new(child)?);
    }
    Ok(())
}

/// Removes a tree of any depth, its top included; what is not there is removed already.
///
/// Every folder found is first moved up beside the others, so that three descriptors are enough for any depth and no
/// path grows. Links are removed, never followed.
///
/// # Errors
/// The operating system's reason; the rest of the tree is then still there under its name or `name.removing`.
pub fn remove(dir: &Path) -> io::Result<()> {
    let (Some(parent), Some(name)) = (dir.parent(), dir.file_name()) else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the root folder is not removed"));
    };
    let parent = match rustix::fs::openat(CWD, parent, DIR_FLAGS - OFlags::NOFOLLOW, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(()),
        other => other?,
    };
    match rustix::fs::statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(()),
        Err(other) => return Err(other.into()),
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) != FileType::Directory => {
            return Ok(rustix::fs::unlinkat(&parent, name, AtFlags::empty())?);
        }
        Ok(_) => {}
    }
    let top = rustix::fs::openat(&parent, name, DIR_FLAGS, Mode::empty())?;
    rustix::fs::fchmod(&top, Mode::RWXU)?;
    let mut moved = 0_u64;
    empty(&top, &top, &mut moved)?;
    // The top now holds nothing but folders moved up from below, which may hold further ones.
    while let Some(folder) = first_entry(&top)? {
        let child = rustix::fs::openat(&top, folder.as_c_str(), DIR_FLAGS, Mode::empty())?;
        rustix::fs::fchmod(&child, Mode::RWXU)?;
        empty(&child, &top, &mut moved)?;
        rustix::fs::unlinkat(&top, folder.as_c_str(), AtFlags::REMOVEDIR)?;
    }
    Ok(rustix::fs::unlinkat(&parent, name, AtFlags::REMOVEDIR)?)
}

/// Unlinks the files of `dir` and moves its folders into `top` under names of our own.
fn empty(dir: &OwnedFd, top: &OwnedFd, moved: &mut u64) -> io::Result<()> {
    let in_top = dir.as_raw_fd() == top.as_raw_fd();
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let stat = rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
            rustix::fs::unlinkat(dir, name, AtFlags::empty())?;
            continue;
        }
        if in_top {
            continue;
        }
        if stat.st_mode & 0o700 != 0o700 {
            // Moving a folder rewrites its `..`, which needs the right to write it.
            let child = rustix::fs::openat(dir, name, DIR_FLAGS, Mode::empty())?;
            rustix::fs::fchmod(&child, Mode::RWXU)?;
        }
        loop {
            *moved += 1;
            let target = format!(".removing-{moved}");
            match rustix::fs::renameat_with(dir, name, top, target, rustix::fs::RenameFlags::NOREPLACE) {
                Err(Errno::EXIST) => {}
                other => break other?,
            }
        }
    }
    Ok(())
}

fn first_entry(dir: &OwnedFd) -> io::Result<Option<std::ffi::CString>> {
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        if entry.file_name() != c"." && entry.file_name() != c".." {
            return Ok(Some(entry.file_name().to_owned()));
        }
    }
    Ok(None)
}

/// Writes `bytes` to `path` so that after a power cut either the old or the new content is there.
///
/// # Errors
/// The operating system's reason; the old content is then still there.
pub fn write_atomically(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let parent = path.parent().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no folder to write in"))?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let staged = parent.join(name);
    let mut file = std::fs::File::options().create(true).truncate(true).write(true).mode(mode).open(&staged)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&staged, path)?;
    sync_dir(parent)
}

/// Makes the names in a folder durable.
///
/// # Errors
/// The operating system's reason.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    std::fs::File::open(dir)?.sync_all()
}
