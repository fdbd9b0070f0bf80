//! Files of servers as they are shown.

use serde::Serialize;
use sf_protocol::server::{FileContent, FileEntry, FileMatches, FilePiece, FilesUsage, FolderPage, Upload};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::view::run::RunView;
use crate::view::{Time, word};

/// One entry of a folder.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ServerFile)]
pub struct EntryView {
    /// Its name, what is no plain text written as `\xHH`; empty for the server's folder itself.
    pub name: String,
    /// `file`, `folder`, `link`, `fifo`, `socket` or `device`; only files and folders are opened.
    pub kind: String,
    /// Bytes of its content.
    pub bytes: u64,
    /// Who may read, write and run it, in octal digits: `644`.
    pub mode: String,
    /// When its content changed last.
    pub modified_at: Time,
    /// Names it has.
    pub links: u64,
    /// Whether it may not be touched by hand: the server's template says so.
    pub denied: bool,
}

/// A page of a folder.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ServerFolder)]
pub struct FolderView {
    /// By the bytes of their names. May be fewer than were asked for: an answer has to fit a frame.
    pub entries: Vec<EntryView>,
    /// What the next page comes `after`; null on the last one.
    pub next: Option<String>,
    /// Entries of the whole folder.
    pub total: u64,
}

/// A piece of a file.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ServerFilePiece)]
pub struct PieceView {
    /// Its bytes, where they are text.
    pub text: Option<String>,
    /// Its bytes, where they are not.
    pub base64: Option<String>,
    /// First byte of the next piece; null at the end.
    pub next: Option<u64>,
    /// How the file is.
    pub file: EntryView,
    /// SHA-256 of all of it, which goes into a change as `before`; null above 4 MiB.
    pub hash: Option<String>,
}

/// One answer of a search.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ServerFileMatch)]
pub struct MatchView {
    /// Where.
    pub path: String,
    /// What it is, as in lists.
    pub kind: String,
    /// Line it is in, from 1; 0 for a name.
    pub line: u64,
    /// That line or its part around what was found; empty for a name.
    pub excerpt: String,
}

/// What a search found.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ServerFileMatches)]
pub struct MatchesView {
    /// As they were met.
    pub matches: Vec<MatchView>,
    /// Why there may be more: `answers`, `time` or `entries`; null where everything was looked at.
    pub stopped: Option<String>,
    /// Files that were not looked into: binary, too large, denied, or not to be opened.
    pub skipped: u64,
}

/// What a server's files take.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ServerFilesUsage)]
pub struct UsageView {
    /// Bytes on disk.
    pub bytes: u64,
    /// Files, links, folders and the rest.
    pub entries: u64,
    /// Whether nothing was left out.
    pub exact: bool,
    /// Bytes it may take; null without a limit.
    pub limit: Option<u64>,
}

/// An upload that is neither finished nor given up.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ServerUpload)]
pub struct UploadView {
    /// Its id: that of the run that began it.
    pub id: Uuid,
    /// Where it shall be.
    pub path: String,
    /// Bytes in all.
    pub bytes: u64,
    /// Bytes there: the next ones begin here.
    pub offset: u64,
    /// Whether it may take the place of a file.
    pub overwrite: bool,
    /// In octal digits, where it was said.
    pub mode: Option<String>,
    /// When it was begun.
    pub begun_at: Time,
    /// When it is given up unless more of it comes.
    pub expires_at: Time,
}

/// An upload that was begun, or will be.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ServerUploadBegun)]
pub struct UploadBegun {
    /// The run that begins it; its id is the upload's.
    pub run: RunView,
    /// Null while that run waits for a person or a machine.
    pub upload: Option<UploadView>,
}

/// A link that is followed once.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ServerDownloadLink)]
pub struct LinkView {
    /// On this control plane: `/api/v1/downloads/...`. Whoever has it can follow it.
    pub url: String,
    /// Until when.
    pub expires_at: Time,
}

impl From<Upload> for UploadView {
    fn from(upload: Upload) -> Self {
        Self {
            id: upload.upload.uuid(),
            path: upload.path,
            bytes: upload.bytes,
            offset: upload.have,
            overwrite: upload.replace,
            mode: upload.mode.map(|mode| format!("{mode:03o}")),
            begun_at: Time(upload.begun_at),
            expires_at: Time(upload.expires_at),
        }
    }
}

impl From<FileEntry> for EntryView {
    fn from(entry: FileEntry) -> Self {
        Self {
            name: entry.name,
            kind: word(&entry.kind),
            bytes: entry.bytes,
            mode: format!("{:03o}", entry.mode),
            modified_at: Time(entry.modified),
            links: entry.links,
            denied: entry.denied,
        }
    }
}

impl From<FolderPage> for FolderView {
    fn from(page: FolderPage) -> Self {
        Self { entries: page.entries.into_iter().map(EntryView::from).collect(), next: page.next, total: page.total }
    }
}

impl From<FilePiece> for PieceView {
    fn from(piece: FilePiece) -> Self {
        let (text, base64) = match piece.content {
            FileContent::Text(text) => (Some(text), None),
            FileContent::Base64(text) => (None, Some(text)),
        };
        let hash = piece.hash.map(|hash| hash.to_string());
        Self { text, base64, next: piece.next, file: piece.entry.into(), hash }
    }
}

impl From<FileMatches> for MatchesView {
    fn from(found: FileMatches) -> Self {
        let matches = found.matches.into_iter().map(|one| MatchView {
            path: one.path,
            kind: word(&one.kind),
            line: one.line,
            excerpt: one.excerpt,
        });
        Self { matches: matches.collect(), stopped: found.stopped.as_ref().map(word), skipped: found.skipped }
    }
}

impl From<FilesUsage> for UsageView {
    fn from(usage: FilesUsage) -> Self {
        let FilesUsage { bytes, entries, exact, limit } = usage;
        Self { bytes, entries, exact, limit }
    }
}
