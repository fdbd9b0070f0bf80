//! Why a run failed.

use serde::Serialize;
use sf_engine::explain::{Cause, Log, Quoted};
use utoipa::ToSchema;

/// A likely cause of a failure.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Cause)]
pub struct CauseView {
    /// Stable: `port.in_use`, `module.missing`, `memory`; `app.error` where no rule knows it.
    pub code: String,
    /// What happened, one sentence.
    pub what: String,
    /// What to do, one sentence each.
    pub fixes: Vec<String>,
    /// What shows it, in the order of the log.
    pub lines: Vec<QuotedView>,
}

/// A line that shows a cause.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QuotedLine)]
pub struct QuotedView {
    /// `build`: the run's own log; `app`: that of its release.
    pub log: String,
    /// Its number there.
    pub sequence: u64,
    /// The line, at most 400 characters of it.
    pub text: String,
}

impl From<Cause> for CauseView {
    fn from(cause: Cause) -> Self {
        let lines = cause.lines.into_iter().map(QuotedView::from).collect();
        Self { code: cause.code.to_owned(), what: cause.what, fixes: cause.fixes, lines }
    }
}

impl From<Quoted> for QuotedView {
    fn from(line: Quoted) -> Self {
        let log = match line.log {
            Log::Build => "build",
            Log::App => "app",
        };
        Self { log: log.to_owned(), sequence: line.sequence, text: line.text }
    }
}
