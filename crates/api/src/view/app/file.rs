//! Files of a release, and what a change of one would do.

use serde::Serialize;
use sf_protocol::patch::{FileChunk, FileEntry, FileListing, Preview, Syntax, SyntaxFinding};
use sf_types::FilePath;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::view::word;

/// Files of the live release, in the order of their paths.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FileList)]
pub struct FileListView {
    /// The live release.
    pub release_id: Uuid,
    /// The files.
    pub files: Vec<FileEntryView>,
    /// Ask for what comes after this path; null where nothing does.
    pub next: Option<String>,
}

/// One file.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FileEntry)]
pub struct FileEntryView {
    /// Where it is, below the files of the release.
    pub path: String,
    /// Bytes.
    pub size: u64,
}

/// A file as it is.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FileContent)]
pub struct FileContentView {
    /// The live release.
    pub release_id: Uuid,
    /// Where it is.
    pub path: String,
    /// SHA-256 of it, in hex: what a change names as `before`.
    pub hash: String,
    /// Bytes.
    pub size: u32,
    /// What is in it.
    pub text: String,
}

/// What a change would do.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PatchPreview)]
pub struct PreviewView {
    /// The live release.
    pub release_id: Uuid,
    /// SHA-256 of the file as it is, in hex; `absent` where there is none.
    pub before: String,
    /// The same of what it would be.
    pub after: String,
    /// Bytes it has.
    pub size_before: u32,
    /// Bytes it would have.
    pub size_after: u32,
    /// Lines that would be added.
    pub added: u32,
    /// Lines that would be taken away.
    pub removed: u32,
    /// The difference, in the unified form.
    pub diff: String,
    /// Whether some of it is left out: it is long.
    pub diff_cut: bool,
    /// Whether it would be well formed.
    pub syntax: SyntaxView,
}

/// What a syntax check says.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Syntax)]
pub struct SyntaxView {
    /// `sound`, `broken` or `unchecked`.
    pub verdict: String,
    /// The language, where it is one that is known.
    pub language: Option<String>,
    /// Where it breaks the grammar.
    pub findings: Vec<SyntaxFindingView>,
    /// Why it was not checked.
    pub reason: Option<String>,
}

/// One place where a grammar is broken.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SyntaxFinding)]
pub struct SyntaxFindingView {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What is wrong.
    pub message: String,
}

impl From<FileListing> for FileListView {
    fn from(listing: FileListing) -> Self {
        let last = listing.files.last().map(|file| file.path.to_string());
        Self {
            release_id: listing.release.uuid(),
            next: last.filter(|_| listing.more),
            files: listing.files.into_iter().map(FileEntryView::from).collect(),
        }
    }
}

impl From<FileEntry> for FileEntryView {
    fn from(file: FileEntry) -> Self {
        Self { path: file.path.to_string(), size: file.size }
    }
}

impl FileContentView {
    /// A file with where it is.
    pub fn of(path: &FilePath, file: FileChunk) -> Self {
        Self {
            release_id: file.release.uuid(),
            path: path.to_string(),
            hash: file.state.to_string(),
            size: file.size,
            text: file.text,
        }
    }
}

impl From<Preview> for PreviewView {
    fn from(preview: Preview) -> Self {
        Self {
            release_id: preview.release.uuid(),
            before: preview.before.to_string(),
            after: preview.after.to_string(),
            size_before: preview.size_before,
            size_after: preview.size_after,
            added: preview.added,
            removed: preview.removed,
            diff: preview.diff,
            diff_cut: preview.diff_cut,
            syntax: preview.syntax.into(),
        }
    }
}

impl From<Syntax> for SyntaxView {
    fn from(syntax: Syntax) -> Self {
        let finding =
            |found: SyntaxFinding| SyntaxFindingView { line: found.line, column: found.column, message: found.message };
        Self {
            verdict: word(&syntax.verdict),
            language: syntax.language,
            findings: syntax.findings.into_iter().map(finding).collect(),
            reason: syntax.reason,
        }
    }
}
