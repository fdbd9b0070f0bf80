//! Lines of logs.

use serde::Serialize;
use sf_protocol::report::LogLine;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Time, word};

/// Lines of one log, ascending.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = LogLines)]
pub struct LogView {
    /// The lines.
    pub lines: Vec<LineView>,
    /// Lines that were lost on the way, because a limit was reached.
    pub dropped: u64,
}

/// One line.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LogLine)]
pub struct LineView {
    /// Number in its log, from 1.
    pub sequence: u64,
    /// When it was written.
    pub at: Time,
    /// `out`, `err`, `tty` or `note`.
    pub stream: String,
    /// The text without its newline.
    pub text: String,
    /// The release that wrote it; null for builds.
    pub release_id: Option<Uuid>,
}

impl LineView {
    /// A line of a release, or of a run's build.
    pub fn of(line: LogLine, release: Option<Uuid>) -> Self {
        Self {
            sequence: line.sequence,
            at: Time(line.at),
            stream: word(&line.stream),
            text: line.text,
            release_id: release,
        }
    }
}
