//! PATCH: one file of an app's live release changes, is watched, and comes back by itself if that was wrong.
//!
//! A change says what the file is before it, so that nothing is written over what nobody looked at, and only what of it
//! becomes other: a large file with a small change fits into one order.

use serde::{Deserialize, Serialize};
use sf_types::{AppId, FilePath, FileState, Millis, ReleaseId};

use crate::outcome::DeployFacts;
use crate::wire;

/// Bytes of a file that can be patched or read: 512 KiB.
pub const FILE_BYTES_MAX: u32 = 512 * 1024;
/// Bytes of a change's text as JSON writes it: what fits into one order beside its address.
pub const TEXT_JSON_BYTES_MAX: usize = 28 * 1024;
/// Bytes of a piece of a file in one answer, as JSON writes it.
pub const CHUNK_JSON_BYTES_MAX: usize = 36 * 1024;
/// Bytes of a difference in one answer, as JSON writes it; the rest is left out.
pub const DIFF_JSON_BYTES_MAX: usize = 24 * 1024;
/// Files in one answer.
pub const FILES_MAX: usize = 100;
/// Findings of a syntax check that are told.
pub const FINDINGS_MAX: usize = 20;

/// Change one file of the live release.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Patch {
    /// The app.
    pub app: AppId,
    /// The app's new generation.
    #[serde(with = "wire::u64_string")]
    pub generation: u64,
    /// The release that a restart makes; the live one stays the live one otherwise.
    pub release: ReleaseId,
    /// What changes.
    pub file: FileChange,
    /// How it takes effect.
    pub effect: TakesEffect,
    /// Whether a file that breaks the grammar of its language is written all the same.
    #[serde(default)]
    pub accept_broken: bool,
    /// Time for everything up to the health check.
    pub time_limit: Millis,
    /// How long the app is watched afterwards.
    pub watch: Millis,
}

/// One file as it shall be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileChange {
    /// Which, below the files of the release.
    pub path: FilePath,
    /// How it is before the change; found otherwise, nothing is done.
    pub before: FileState,
    /// What becomes of it.
    pub edit: Edit,
}

/// What becomes of a file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum Edit {
    /// A part of it, or all of it, becomes another text.
    Write {
        /// First byte that is replaced.
        from: u32,
        /// First byte that is not; the end of the file where `None`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<u32>,
        /// What stands there instead.
        text: String,
    },
    /// It goes.
    #[serde(deserialize_with = "crate::wire::no_fields")]
    Delete,
}

/// How a change takes effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum TakesEffect {
    /// A new release with the change starts beside the live one and takes its place.
    #[serde(deserialize_with = "crate::wire::no_fields")]
    Restart,
    /// The file is changed where it is, and the process is told by a signal.
    Signal {
        /// Which.
        signal: PatchSignal,
    },
    /// The file is changed where it is; whoever reads it anew sees it.
    #[serde(deserialize_with = "crate::wire::no_fields")]
    Nothing,
}

/// Signals that programs read their files anew on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PatchSignal {
    /// SIGHUP.
    Hup,
    /// SIGUSR1.
    Usr1,
    /// SIGUSR2.
    Usr2,
}

/// What is true after a patch.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchFacts {
    /// The app and its releases.
    pub deploy: DeployFacts,
    /// The file.
    pub path: FilePath,
    /// How it was; as it was found where that was not what was agreed on.
    pub before: FileState,
    /// How it is to be; `None` while nobody made it.
    pub after: Option<FileState>,
    /// Lines that were added.
    pub added: u32,
    /// Lines that were taken away.
    pub removed: u32,
    /// What the syntax check says.
    pub syntax: Option<Syntax>,
    /// Milliseconds from the moment the trouble was seen until the file was as before and the app served with it.
    pub restored_ms: Option<u64>,
}

/// What a syntax check says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Syntax {
    /// In a word.
    pub verdict: SyntaxVerdict,
    /// The language, where it is one that is known.
    pub language: Option<String>,
    /// Where it breaks the grammar, at most [`FINDINGS_MAX`].
    pub findings: Vec<SyntaxFinding>,
    /// Why it was not checked.
    pub reason: Option<String>,
}

/// What a syntax check says, in a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SyntaxVerdict {
    /// Well formed.
    Sound,
    /// Not.
    Broken,
    /// Nobody knows.
    Unchecked,
}

/// One place where a grammar is broken.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SyntaxFinding {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What is wrong.
    pub message: String,
}

/// A change to be judged, and nothing to be done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Proposed {
    /// Whose.
    pub app: AppId,
    /// Which file.
    pub path: FilePath,
    /// How it has to be; as it is where `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<FileState>,
    /// What would become of it.
    pub edit: Edit,
}

/// What a change would do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Preview {
    /// The live release.
    pub release: ReleaseId,
    /// How the file is.
    pub before: FileState,
    /// How it would be.
    pub after: FileState,
    /// Bytes it has.
    pub size_before: u32,
    /// Bytes it would have.
    pub size_after: u32,
    /// Lines that would be added.
    pub added: u32,
    /// Lines that would be taken away.
    pub removed: u32,
    /// The difference, in the unified form, with three lines around.
    pub diff: String,
    /// Whether some of it is left out.
    pub diff_cut: bool,
    /// What the syntax check says.
    pub syntax: Syntax,
}

/// Which files are asked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FilesWanted {
    /// Whose.
    pub app: AppId,
    /// Only paths with this in them, in whatever case; at most 200 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    /// Only paths after this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<FilePath>,
    /// Also below folders of installed dependencies (`node_modules`, `.venv`).
    #[serde(default)]
    pub dependencies: bool,
}

/// Files of a release, in the order of their paths.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileListing {
    /// The live release.
    pub release: ReleaseId,
    /// The files, at most [`FILES_MAX`].
    pub files: Vec<FileEntry>,
    /// Whether there are more after the last.
    pub more: bool,
}

/// One file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileEntry {
    /// Which.
    pub path: FilePath,
    /// Bytes.
    pub size: u64,
}

/// A piece of a file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileChunk {
    /// The live release.
    pub release: ReleaseId,
    /// How the whole file is.
    pub state: FileState,
    /// Bytes of the whole file.
    pub size: u32,
    /// The piece.
    pub text: String,
    /// The byte after it; `None` at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u32>,
}
