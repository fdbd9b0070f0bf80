//! Files of a panel server, by hand: one change a command, looks by QUERY. Version
//! [`crate::handshake::SERVERS_SINCE`] and above.
//!
//! Paths are below the server's folder, `/` between names, without one at either end; the folder itself is empty. Names are
//! bytes: what is no harmless UTF-8 is written `\xHH`, a backslash `\\` (`files::Name`).

use serde::{Deserialize, Serialize};
use sf_types::{ContentHash, ErrorKind, Fault, FileState, Millis, RunId, ServerId, Timestamp};

use crate::wire;

/// FILE_ACTION: change files of a server. Its limits and what is denied are those that its node knows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileAction {
    /// Whose files.
    pub server: ServerId,
    /// What to do.
    pub verb: FileVerb,
    /// Time for everything.
    pub time_limit: Millis,
}

/// What can be done to files.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "camelCase", deny_unknown_fields)]
pub enum FileVerb {
    /// Put this at a path, whole, in the place of the file that is there.
    Write {
        /// Where.
        path: String,
        /// What shall be in it.
        content: FileContent,
        /// How it is before; found otherwise, nothing is done. Whatever is there where `None`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<FileState>,
    },
    /// Make a folder.
    Folder {
        /// Where.
        path: String,
        /// Whether those above it are made, too; it may be there already then.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        parents: bool,
    },
    /// Give a file or folder another name or place, where nothing is.
    Rename {
        /// Which.
        from: String,
        /// Its new path.
        to: String,
    },
    /// Copy a file or tree to where nothing is.
    Copy {
        /// Which.
        from: String,
        /// The path of the copy.
        to: String,
    },
    /// Delete files and trees.
    Delete {
        /// At most [`FileVerb::PATHS_MAX`].
        paths: Vec<String>,
    },
    /// Set the rwx bits of a file or folder.
    Mode {
        /// Which.
        path: String,
        /// 0o644; nothing beyond 0o777.
        mode: u32,
    },
    /// Pack entries of a folder into an archive where nothing is.
    Compress {
        /// Where they are.
        folder: String,
        /// Names in it, at most [`FileVerb::PATHS_MAX`].
        names: Vec<String>,
        /// The archive; `.zip`, `.tar.gz` or `.tgz`.
        into: String,
    },
    /// Unpack an archive: all of it or nothing.
    Extract {
        /// The archive.
        path: String,
        /// A folder that is there.
        into: String,
        /// Whether files take the place of files.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        replace: bool,
    },
    /// Begin an upload. Its name is the run of this order; its bytes come by second connections ([`super::Transfer`]), and
    /// nothing is seen before [`FileVerb::Finish`].
    Upload {
        /// Where it shall be.
        path: String,
        /// Bytes in all.
        #[serde(with = "wire::u64_string")]
        bytes: u64,
        /// Whether it may take the place of a file.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        replace: bool,
        /// Its rwx bits; as any new file's, or those of the file that it replaces, where `None`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mode: Option<u32>,
    },
    /// Show an upload at its place.
    Finish {
        /// Which.
        upload: RunId,
        /// What is in it. Found otherwise, nothing is shown.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hash: Option<ContentHash>,
        /// How its place is before. Found otherwise, nothing is shown; as it was said when it was begun where `None`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<FileState>,
    },
    /// Give an upload up.
    Abort {
        /// Which.
        upload: RunId,
    },
}

impl FileVerb {
    /// Uploads of one server that are neither finished nor given up.
    pub const UPLOADS_MAX: usize = 32;
    /// Paths of one command at the most.
    pub const PATHS_MAX: usize = 100;
    /// Bytes of one path as text.
    pub const PATH_BYTES: usize = 4096;
    /// Bytes of all paths of one command as JSON writes them.
    pub const PATHS_JSON_BYTES: usize = 32 * 1024;
}

/// Bytes of a file: as text where they are, so that they can be read on the way; else in base64.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FileContent {
    /// UTF-8.
    Text(String),
    /// Anything.
    Base64(String),
}

impl FileContent {
    /// Bytes of a file in one command or answer.
    pub const BYTES_MAX: usize = 32 * 1024;
    /// The same as JSON writes them: about 27 KiB of what is no text.
    pub const JSON_BYTES_MAX: usize = 36 * 1024;

    /// Its bytes.
    ///
    /// # Errors
    /// `file.base64`.
    pub fn bytes(&self) -> Result<Vec<u8>, Fault> {
        match self {
            Self::Text(text) => Ok(text.as_bytes().to_vec()),
            Self::Base64(text) => wire::decode_base64(text).map_err(|error| {
                let message = format!("What shall be in the file cannot be read: {error}.");
                Fault::new(ErrorKind::Invalid, "file.base64", message).fix("Send it in standard base64, padded.")
            }),
        }
    }

    /// The longest beginning of `bytes` that fits one answer, and how many of them it holds. No character is cut in two.
    pub fn of(bytes: &[u8]) -> (Self, usize) {
        let bytes = &bytes[..bytes.len().min(Self::BYTES_MAX)];
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => Some(text),
            // Only its last character is not all there.
            Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => {
                std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()
            }
            Err(_) => None,
        };
        if let Some(text) = text.filter(|text| !text.contains('\0') && wire::write(text).len() <= Self::JSON_BYTES_MAX)
        {
            return (Self::Text(text.to_owned()), text.len());
        }
        // Four letters for three bytes, and the quotes.
        let most = (Self::JSON_BYTES_MAX - 2) / 4 * 3;
        let held = &bytes[..bytes.len().min(most)];
        (Self::Base64(wire::encode_base64(held)), held.len())
    }
}

/// QUERY of a server's files.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerFilesWanted {
    /// Whose.
    pub server: ServerId,
    /// What is looked at.
    pub look: FileLook,
}

/// What of a server's files is looked at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "look", rename_all = "camelCase", deny_unknown_fields)]
pub enum FileLook {
    /// A page of a folder.
    List {
        /// Which.
        path: String,
        /// Names after this one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
        /// Entries at the most; fewer where they would not fit.
        rows: u16,
    },
    /// What is at a path.
    Stat {
        /// Which.
        path: String,
    },
    /// A piece of a file.
    Read {
        /// Which.
        path: String,
        /// From this byte on.
        #[serde(with = "wire::u64_string")]
        from: u64,
    },
    /// Entries whose name fits.
    Names {
        /// Below this folder.
        path: String,
        /// With `*`, `?` and `[a-z]`; without any of them, a part of a name.
        pattern: String,
        /// Answers at the most.
        most: u16,
    },
    /// Lines in which a text is.
    Text {
        /// Below this folder.
        path: String,
        /// The text, within one line.
        text: String,
        /// Whether it is a regular expression.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        regex: bool,
        /// Only in files of this name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        names: Option<String>,
        /// Answers at the most.
        most: u16,
    },
    /// What all of it takes.
    #[serde(deserialize_with = "crate::wire::no_fields")]
    Usage,
    /// Uploads that are neither finished nor given up.
    #[serde(deserialize_with = "crate::wire::no_fields")]
    Uploads,
}

/// What was seen of a server's files.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "seen", content = "value", rename_all = "camelCase", deny_unknown_fields)]
pub enum FilesSeen {
    /// To [`FileLook::List`].
    Listing(FolderPage),
    /// To [`FileLook::Stat`].
    Entry(FileEntry),
    /// To [`FileLook::Read`].
    Piece(FilePiece),
    /// To [`FileLook::Names`] and [`FileLook::Text`].
    Matches(FileMatches),
    /// To [`FileLook::Usage`].
    Usage(FilesUsage),
    /// To [`FileLook::Uploads`], as many as fit one answer.
    Uploads(Vec<super::Upload>),
}

/// What something is. Only files and folders are ever opened.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EntryKind {
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
    /// A device.
    Device,
}

/// One entry of a folder.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileEntry {
    /// Its name; empty for the server's folder itself.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
    /// Bytes of its content.
    pub bytes: u64,
    /// Its rwx bits: 0o644.
    pub mode: u32,
    /// When its content changed last.
    pub modified: Timestamp,
    /// Names it has.
    pub links: u64,
    /// Whether it may not be touched by hand.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub denied: bool,
}

/// A page of a folder.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FolderPage {
    /// By the bytes of their names.
    pub entries: Vec<FileEntry>,
    /// What the next page comes after; `None` on the last one.
    pub next: Option<String>,
    /// Entries of the whole folder.
    pub total: u64,
}

/// A piece of a file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FilePiece {
    /// From the byte that was asked for on.
    pub content: FileContent,
    /// First byte of the next piece; `None` at the end.
    pub next: Option<u64>,
    /// How the file is.
    pub entry: FileEntry,
    /// What is in all of it; `None` where it is larger than [`FilePiece::HASHED_MAX`].
    pub hash: Option<ContentHash>,
}

impl FilePiece {
    /// Bytes of a file whose content is told from another by its hash: 4 MiB.
    pub const HASHED_MAX: u64 = 4 * 1024 * 1024;
}

/// One answer of a search.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileMatch {
    /// Where.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    /// Line it is in, from 1; 0 for a name.
    pub line: u64,
    /// That line or its part around what was found; empty for a name.
    pub excerpt: String,
}

/// What a search found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileMatches {
    /// As they were met.
    pub matches: Vec<FileMatch>,
    /// Why there may be more.
    pub stopped: Option<SearchStop>,
    /// Files that were not looked into: binary, too large, denied, or not to be opened.
    pub skipped: u64,
}

/// Why a search ended before everything was looked at.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SearchStop {
    /// There are more answers than were asked for, or than fit one answer.
    Answers,
    /// The time was up.
    Time,
    /// There are too many entries.
    Entries,
}

/// What a server's files take.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FilesUsage {
    /// Bytes on disk.
    pub bytes: u64,
    /// Files, links, folders and the rest.
    pub entries: u64,
    /// Whether nothing was left out.
    pub exact: bool,
    /// Bytes it may take.
    pub limit: Option<u64>,
}

/// What a change of files came to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileFacts {
    /// What is there now, or what was deleted: the first of several.
    pub path: String,
    /// Bytes written, copied, packed, unpacked or given back.
    pub bytes: u64,
    /// Files, links and folders of it.
    pub entries: u64,
    /// What is in the file that was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<ContentHash>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: (bool, usize)) {
        let (content, held) = FileContent::of(bytes);
        assert_eq!((matches!(content, FileContent::Text(_)), held), expected);
        assert_eq!(content.bytes().unwrap(), &bytes[..held]);
        let (FileContent::Text(written) | FileContent::Base64(written)) = &content;
        assert!(wire::write(written).len() <= FileContent::JSON_BYTES_MAX);
    }

    #[test]
    fn what_fits_an_answer_is_text_where_it_can_be() {
        check(b"", (true, 0));
        check("grüezi".as_bytes(), (true, 7));
        check(b"a\0b", (false, 3));
        check(b"a\xffb", (false, 3));
        // A character at the end of a piece belongs to the next one.
        check("aü".as_bytes().split_last().unwrap().1, (true, 1));
        check("ü".as_bytes().split_last().unwrap().1, (false, 1));
        check(&[b'a'; 40_000], (true, FileContent::BYTES_MAX));
        // Each of these is six letters in JSON.
        check(&[1; 40_000], (false, 27_645));
        check(&[0xff; 40_000], (false, 27_645));
    }

    #[test]
    fn what_is_no_base64_is_a_fault() {
        assert_eq!(FileContent::Base64("a=b".to_owned()).bytes().unwrap_err().code, "file.base64");
    }
}
