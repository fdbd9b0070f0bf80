//! Why a verb could not be done: a stable code, what and why, and what to do.

use std::io;

use rustix::io::Errno;
use sf_types::{ByteSize, ErrorKind, Fault};

use crate::archive::ArchiveFault;
use crate::path::{BadPath, escaped};
use crate::{Kind, TreePath};

/// Why a verb could not be done. Paths are escaped, so that they can be shown.
#[derive(Debug, thiserror::Error)]
pub enum FileFault {
    /// Nothing is there.
    #[error("{path} is not there")]
    NotFound {
        /// What was asked for.
        path: String,
    },
    /// Something is there already.
    #[error("{path} is there already")]
    Exists {
        /// Where.
        path: String,
    },
    /// A symbolic link is on the way, or is what was asked for.
    #[error("{path} is or goes through a symbolic link, and links are not followed")]
    Link {
        /// The path.
        path: String,
    },
    /// It is no folder.
    #[error("{path} is not a folder, or goes through something that is not")]
    NotAFolder {
        /// The path.
        path: String,
    },
    /// It is a folder.
    #[error("{path} is a folder")]
    IsAFolder {
        /// The path.
        path: String,
    },
    /// A folder with something in it is in the way.
    #[error("the folder {path} is not empty")]
    NotEmpty {
        /// The path.
        path: String,
    },
    /// A fifo, socket or device.
    #[error("{path} is no file but a {kind:?}, and such are never opened")]
    Special {
        /// The path.
        path: String,
        /// What it is.
        kind: Kind,
    },
    /// The template says that nobody touches it by hand.
    #[error("{path} may not be touched by hand: the server's template denies it")]
    Denied {
        /// The path, or what was found below it.
        path: String,
    },
    /// It is not what was seen before.
    #[error("{path} was changed meanwhile")]
    Changed {
        /// The path.
        path: String,
    },
    /// It has further names, which would be changed as well.
    #[error("{path} is a hard link: the file has further names, which would be changed as well")]
    HardLink {
        /// The path.
        path: String,
    },
    /// A name that nothing new may have.
    #[error("{name} cannot be the name of something new: it has control characters, a backslash, or deceives a reader")]
    BadName {
        /// The name.
        name: String,
    },
    /// Not a path.
    #[error("that is no path: {0}")]
    BadPath(#[from] BadPath),
    /// The root itself was named.
    #[error("the server's folder itself cannot be {verb}")]
    Root {
        /// `renamed`, `deleted`, `replaced`.
        verb: &'static str,
    },
    /// A folder shall go into itself.
    #[error("{path} cannot be put into itself")]
    Inside {
        /// The path.
        path: String,
    },
    /// The quota is used up.
    #[error("the server's files would take more than {}", ByteSize(*limit))]
    Full {
        /// Bytes.
        limit: u64,
    },
    /// The disk is full.
    #[error("the node's disk is full")]
    DiskFull,
    /// More than a verb takes.
    #[error("{what} has more than {}", ByteSize(*limit))]
    TooLarge {
        /// What it is.
        what: String,
        /// Bytes.
        limit: u64,
    },
    /// Nested too deep.
    #[error("{path} is nested deeper than {limit} folders")]
    Depth {
        /// The path.
        path: String,
        /// Folders.
        limit: usize,
    },
    /// It is mounted from elsewhere.
    #[error("{path} is on another file system than the server's folder")]
    OtherDisk {
        /// The path.
        path: String,
    },
    /// Bytes of an upload do not follow those that are there.
    #[error("the upload has {have} bytes, and what was sent begins at {sent}")]
    Offset {
        /// Bytes there.
        have: u64,
        /// Where the piece begins.
        sent: u64,
    },
    /// What was uploaded is not what was announced.
    #[error("what was uploaded is not what was announced: {what}")]
    Digest {
        /// Sizes or hashes.
        what: String,
    },
    /// There is no such upload.
    #[error("there is no such upload; it was finished, given up, or never begun")]
    NoUpload,
    /// A pattern that cannot be searched for.
    #[error("the pattern cannot be searched for: {why}")]
    Pattern {
        /// Why.
        why: String,
    },
    /// An archive that is not taken.
    #[error("{entry}: {fault}")]
    Archive {
        /// The entry, or the archive's own path.
        entry: String,
        /// Why.
        fault: ArchiveFault,
    },
    /// Somebody ended it.
    #[error("it was cancelled")]
    Cancelled,
    /// It took too long.
    #[error("it took longer than its time limit")]
    TimeUp,
    /// The node may not.
    #[error("the node has no right to {path}")]
    Permission {
        /// The path.
        path: String,
    },
    /// Everything else the operating system says.
    #[error("{path}: {source}")]
    Disk {
        /// The path.
        path: String,
        /// Its reason.
        source: io::Error,
    },
}

impl FileFault {
    /// What an errno means for a path.
    pub(crate) fn at(path: &[u8], errno: Errno) -> Self {
        let path = shown(path);
        match errno {
            Errno::NOENT => Self::NotFound { path },
            Errno::EXIST => Self::Exists { path },
            Errno::LOOP => Self::Link { path },
            Errno::NOTDIR => Self::NotAFolder { path },
            Errno::ISDIR => Self::IsAFolder { path },
            Errno::NOTEMPTY => Self::NotEmpty { path },
            Errno::XDEV => Self::OtherDisk { path },
            Errno::NAMETOOLONG => Self::BadPath(BadPath::TooLong),
            Errno::NOSPC | Errno::DQUOT => Self::DiskFull,
            Errno::ACCESS | Errno::PERM => Self::Permission { path },
            errno => Self::Disk { path, source: errno.into() },
        }
    }

    pub(crate) fn of(path: &TreePath, errno: Errno) -> Self {
        Self::at(&path.to_bytes(), errno)
    }

    pub(crate) fn io(path: &[u8], error: io::Error) -> Self {
        match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(errno) => Self::at(path, errno),
            None => Self::Disk { path: shown(path), source: error },
        }
    }

    pub(crate) fn archive(entry: &[u8], fault: ArchiveFault) -> Self {
        Self::Archive { entry: shown(entry), fault }
    }

    /// Stable: `file.not_found`, `archive.outside`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "file.not_found",
            Self::Exists { .. } => "file.exists",
            Self::Link { .. } => "file.link",
            Self::NotAFolder { .. } => "file.not_a_folder",
            Self::IsAFolder { .. } => "file.is_a_folder",
            Self::NotEmpty { .. } => "file.not_empty",
            Self::Special { .. } => "file.special",
            Self::Denied { .. } => "file.denied",
            Self::Changed { .. } => "file.changed",
            Self::HardLink { .. } => "file.hard_link",
            Self::BadName { .. } => "file.name",
            Self::BadPath(_) => "file.path",
            Self::Root { .. } => "file.root",
            Self::Inside { .. } => "file.inside",
            Self::Full { .. } => "file.quota",
            Self::DiskFull => "file.disk_full",
            Self::TooLarge { .. } => "file.too_large",
            Self::Depth { .. } => "file.depth",
            Self::OtherDisk { .. } => "file.other_disk",
            Self::Offset { .. } => "file.offset",
            Self::Digest { .. } => "file.digest",
            Self::NoUpload => "file.no_upload",
            Self::Pattern { .. } => "file.pattern",
            Self::Archive { fault, .. } => fault.code(),
            Self::Cancelled => "file.cancelled",
            Self::TimeUp => "file.time_up",
            Self::Permission { .. } => "file.permission",
            Self::Disk { .. } => "file.disk",
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound { .. } | Self::NoUpload => ErrorKind::NotFound,
            Self::Denied { .. } => ErrorKind::Forbidden,
            Self::Exists { .. } | Self::NotEmpty { .. } | Self::Changed { .. } => ErrorKind::Conflict,
            Self::Offset { .. } | Self::Cancelled | Self::HardLink { .. } => ErrorKind::Conflict,
            Self::Full { .. } | Self::TooLarge { .. } | Self::DiskFull => ErrorKind::TooLarge,
            Self::TimeUp => ErrorKind::Timeout,
            Self::Permission { .. } | Self::Disk { .. } | Self::OtherDisk { .. } => ErrorKind::Unavailable,
            _ => ErrorKind::Invalid,
        }
    }

    fn fix(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "List the folder again; it may have been renamed or deleted.",
            Self::Exists { .. } => "Choose another name, or ask for what is there to be replaced.",
            Self::Link { .. } => "Name the file that the link points to, where it is inside the server's folder.",
            Self::NotAFolder { .. } | Self::IsAFolder { .. } | Self::Special { .. } => {
                "Choose a path of the right kind."
            }
            Self::NotEmpty { .. } => "Delete what is in it first, or choose another name.",
            Self::Denied { .. } => "Leave it alone, or have the template changed by who administers it.",
            Self::Changed { .. } => "Read it again and make the change anew.",
            Self::HardLink { .. } => "Copy it and change the copy.",
            Self::BadName { .. } | Self::BadPath(_) => "Choose a plain name.",
            Self::Root { .. } => "Name something in it.",
            Self::Inside { .. } => "Choose a folder outside of it.",
            Self::Full { .. } => "Delete something, or have the server's disk limit raised.",
            Self::DiskFull => "Free space on the node.",
            Self::TooLarge { .. } => "Download it instead.",
            Self::Depth { .. } => "Move the inner folders further up.",
            Self::OtherDisk { .. } => "Work on it on the node itself.",
            Self::Offset { .. } => "Go on from the bytes that are there.",
            Self::Digest { .. } => "Upload it again.",
            Self::NoUpload => "Begin the upload anew.",
            Self::Pattern { .. } => "Simplify the pattern.",
            Self::Archive { fault, .. } => fault.fix(),
            Self::Cancelled => "",
            Self::TimeUp => "Try a smaller part of it.",
            Self::Permission { .. } => "Check who owns the folder on the node.",
            Self::Disk { .. } => "Check the node's disk and its log.",
        }
    }
}

/// The root is shown as `/`.
fn shown(path: &[u8]) -> String {
    if path.is_empty() { "/".to_owned() } else { escaped(path) }
}

impl From<FileFault> for Fault {
    fn from(fault: FileFault) -> Self {
        Self::new(fault.kind(), fault.code(), format!("{fault}.")).fix(fault.fix())
    }
}
