//! Lines of logs.

use serde::Serialize;
use sf_control::queries::logs::{Found, Hit, LogsKept};
use sf_protocol::report::{LogLine, LogSource};
use sf_store::logs::Place;
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

/// A line that was looked for.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LogHit)]
pub struct HitView {
    /// The line.
    pub line: LineView,
    /// The number of the release that wrote it; null for builds.
    pub release_number: Option<u64>,
    /// The run whose build said it; null for releases.
    pub run_id: Option<Uuid>,
    /// What was found in it, each once; escape sequences do not count.
    pub marks: Vec<String>,
    /// The lines before it in its log.
    pub before: Vec<LineView>,
    /// The lines after it.
    pub after: Vec<LineView>,
}

/// What was found.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LogsFound)]
pub struct FoundView {
    /// Newest first.
    pub hits: Vec<HitView>,
    /// Where the next request goes on; null when all was looked at.
    pub next: Option<String>,
    /// The time was over here: what is older was not looked at yet. Null where the answer is full, or all was looked at.
    pub searched_until: Option<Time>,
    /// Lines that were looked at for this answer.
    pub lines_looked_at: u64,
}

/// How long an app's log lines are kept, and what there is.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LogsKeptNow)]
pub struct LogsKeptView {
    /// Days at the most.
    pub days: u64,
    /// Bytes at the most.
    pub most_bytes: u64,
    /// Bytes that there are.
    pub bytes: u64,
    /// When the oldest line was written; null where there is none.
    pub oldest_at: Option<Time>,
}

/// A place in logs, as `after` takes it.
pub(crate) fn told(place: &Place) -> String {
    format!("{}.{}.{}", place.at.as_millis(), place.source, place.sequence)
}

impl From<Hit> for HitView {
    fn from(hit: Hit) -> Self {
        let (release, run) = match hit.source {
            LogSource::App { release, .. } => (Some(release.uuid()), None),
            LogSource::Run { run } => (None, Some(run.uuid())),
        };
        let sequence = hit.line.sequence;
        let (before, after): (Vec<_>, Vec<_>) = hit.around.into_iter().partition(|line| line.sequence < sequence);
        let views = |lines: Vec<LogLine>| lines.into_iter().map(|line| LineView::of(line, release)).collect();
        Self {
            line: LineView::of(hit.line, release),
            release_number: hit.release_number,
            run_id: run,
            marks: hit.marks,
            before: views(before),
            after: views(after),
        }
    }
}

impl From<Found> for FoundView {
    fn from(found: Found) -> Self {
        Self {
            hits: found.hits.into_iter().map(HitView::from).collect(),
            next: found.next.as_ref().map(told),
            searched_until: found.until.map(Time),
            lines_looked_at: found.looked_at,
        }
    }
}

impl From<LogsKept> for LogsKeptView {
    fn from(kept: LogsKept) -> Self {
        Self {
            days: kept.for_time.as_secs() / 86_400,
            most_bytes: kept.most_bytes,
            bytes: kept.bytes,
            oldest_at: kept.oldest_at.map(Time),
        }
    }
}
