//! What is in a folder.

use rustix::fs::{FileType, Stat};
use serde::{Deserialize, Serialize};

use crate::Name;

/// What something is. Only files and folders are ever opened.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link; never followed.
    Link,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A device of characters or blocks.
    Device,
}

/// One entry of a folder, or what a path leads to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its name; `None` for the root.
    pub name: Option<Name>,
    /// What it is.
    pub kind: Kind,
    /// Bytes of its content.
    pub bytes: u64,
    /// Its rwx bits: 0o644.
    pub mode: u32,
    /// When its content changed last, milliseconds since 1970.
    pub modified_ms: i64,
    /// Names it has.
    pub links: u64,
    /// Whether it may not be touched by hand.
    pub denied: bool,
}

/// What stat(2) says, in types that are the same everywhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Facts {
    pub kind: Kind,
    pub mode: u32,
    pub links: u64,
    pub uid: u32,
    pub gid: u32,
    pub bytes: u64,
    /// Bytes on disk.
    pub disk: u64,
    pub modified: (i64, i64),
    /// Device and inode: which file it is.
    pub id: (u64, u64),
}

impl Facts {
    #[expect(clippy::unnecessary_cast, reason = "the fields of stat differ by machine")]
    pub fn of(stat: &Stat) -> Self {
        /// `st_blocks` counts these, whatever the file system's block size; see stat(2).
        const BLOCK_BYTES: u64 = 512;
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Folder,
            FileType::Symlink => Kind::Link,
            FileType::Fifo => Kind::Fifo,
            FileType::Socket => Kind::Socket,
            _ => Kind::Device,
        };
        Self {
            kind,
            mode: stat.st_mode as u32 & 0o777,
            links: stat.st_nlink as u64,
            uid: stat.st_uid,
            gid: stat.st_gid,
            bytes: u64::try_from(stat.st_size).unwrap_or(0),
            disk: u64::try_from(stat.st_blocks).unwrap_or(0) * BLOCK_BYTES,
            modified: (stat.st_mtime as i64, stat.st_mtime_nsec as i64),
            id: (stat.st_dev as u64, stat.st_ino as u64),
        }
    }

    pub fn entry(&self, name: Option<Name>, denied: bool) -> Entry {
        Entry {
            name,
            kind: self.kind,
            bytes: self.bytes,
            mode: self.mode,
            modified_ms: self.modified_ms(),
            links: self.links,
            denied,
        }
    }

    pub const fn modified_ms(&self) -> i64 {
        self.modified.0.saturating_mul(1000).saturating_add(self.modified.1 / 1_000_000)
    }

    /// What deleting this one name gives back.
    pub fn freed(&self) -> u64 {
        if self.kind != Kind::Folder && self.links > 1 { 0 } else { self.disk.max(crate::quota::BLOCK) }
    }
}
