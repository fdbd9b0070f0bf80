//! Archives in and out: tar, tar.gz and zip. Nothing that an archive says is trusted: names, sizes, modes and counts are
//! only wishes, and what is written is written by our own verbs, within budgets on what was really written.
//!
//! Tar and zip are read by our own readers (docs/adr/0059): in bounded memory whatever an extension header or a central
//! directory claims, and with a reason of its own for each thing that is refused.

mod compress;
mod extract;
mod pack;
mod tar;
mod unpack;
mod zip;

use serde::{Deserialize, Serialize};
use sf_types::ByteSize;

/// A format that can be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ArchiveFormat {
    /// A tar archive in gzip.
    TarGz,
    /// A zip archive.
    Zip,
}

/// How much an archive may become.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ArchiveLimits {
    /// Bytes written; the quota counts beside it.
    pub bytes: u64,
    /// Files and folders.
    pub entries: u64,
    /// Names of a path.
    pub depth: usize,
    /// Bytes written for each byte read, once [`ArchiveLimits::RATIO_FROM`] were written.
    pub ratio: u64,
}

impl ArchiveLimits {
    /// From here on the ratio counts: small files of zeros are no bomb.
    pub const RATIO_FROM: u64 = 64 * 1024 * 1024;
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        Self { bytes: 64 * 1024 * 1024 * 1024, entries: 1_000_000, depth: 64, ratio: 200 }
    }
}

/// What happens where an entry of an archive is there already.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Existing {
    /// Nothing is unpacked.
    #[default]
    Refuse,
    /// A file takes the place of a file; folders are joined.
    Replace,
}

/// What was unpacked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Extracted {
    /// Files and folders.
    pub entries: u64,
    /// Bytes of files.
    pub bytes: u64,
}

/// What was packed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Compressed {
    /// Files and folders.
    pub entries: u64,
    /// Bytes of files.
    pub bytes: u64,
    /// Bytes of the archive.
    pub archive_bytes: u64,
    /// Links, fifos, sockets and devices that were left out.
    pub skipped: u64,
}

/// Why an archive, or one entry of it, is not taken. Nothing of it is unpacked then.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ArchiveFault {
    /// None of the formats.
    #[error("it is no tar, tar.gz or zip archive{0}")]
    Format(&'static str),
    /// It ends too early, or is not what its format says.
    #[error("the archive is damaged: {0}")]
    Broken(String),
    /// A name that begins at the root.
    #[error("its name is absolute")]
    Absolute,
    /// A name with `..` (zip slip).
    #[error("its name leads out of the folder")]
    Outside,
    /// A name that nothing new may have.
    #[error("its name has a control or deceptive character, a backslash, or is too long")]
    Name,
    /// A symbolic or hard link.
    #[error("it is a link")]
    Link,
    /// A device, fifo or the like.
    #[error("it is a device, fifo or of a kind that is not known")]
    Special,
    /// A file with holes, whose size is a claim.
    #[error("it is a sparse file")]
    Sparse,
    /// Two entries of one name.
    #[error("it is in the archive twice, or once as a file and once as a folder")]
    Duplicate,
    /// A set-id bit.
    #[error("it has a setuid or setgid bit")]
    Mode,
    /// Other bytes than announced.
    #[error("its size is not the one that the archive says")]
    Size,
    /// Encrypted.
    #[error("it is encrypted")]
    Encrypted,
    /// Packed in a way that is not known.
    #[error("it is packed by method {0}, and only stored and deflated entries can be read")]
    Method(u16),
    /// Nested too deep.
    #[error("it is nested deeper than {0} folders")]
    Depth(usize),
    /// Too many entries.
    #[error("the archive has more than {0} entries")]
    Entries(u64),
    /// It became too large.
    #[error("the archive's files have more than {}", ByteSize(*.0))]
    Bytes(u64),
    /// It became too large for what it is.
    #[error("the archive became more than {0} times its size, as a bomb does")]
    Ratio(u64),
}

impl ArchiveFault {
    /// Stable.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Format(_) => "archive.format",
            Self::Broken(_) => "archive.broken",
            Self::Absolute => "archive.absolute",
            Self::Outside => "archive.outside",
            Self::Name => "archive.name",
            Self::Link => "archive.link",
            Self::Special => "archive.special",
            Self::Sparse => "archive.sparse",
            Self::Duplicate => "archive.duplicate",
            Self::Mode => "archive.mode",
            Self::Size => "archive.size",
            Self::Encrypted => "archive.encrypted",
            Self::Method(_) => "archive.method",
            Self::Depth(_) => "archive.depth",
            Self::Entries(_) => "archive.entries",
            Self::Bytes(_) => "archive.bytes",
            Self::Ratio(_) => "archive.ratio",
        }
    }

    pub(crate) fn fix(&self) -> &'static str {
        match self {
            Self::Broken(_) | Self::Size => "Upload it again, or pack it anew.",
            Self::Entries(_) | Self::Bytes(_) | Self::Ratio(_) => "Unpack it elsewhere and upload what is needed.",
            Self::Method(_) | Self::Format(_) => "Pack it as .tar.gz or as an ordinary .zip.",
            Self::Encrypted => "Pack it without a password.",
            _ => "Pack it anew without this entry.",
        }
    }
}
