//! A server's console: read back by sequence, and followed while somebody watches.

use serde::{Deserialize, Serialize};
use sf_types::{Millis, ServerId};

use super::ServerSample;
use crate::report::LogLine;
use crate::wire;

/// Which lines are asked for, and for how long the ones after them are sent without asking.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConsoleWanted {
    /// Whose.
    pub server: ServerId,
    /// Lines after this one; the latest where `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// Lines at the most.
    pub lines: u16,
    /// CONSOLE_OUTPUT is sent for this long, at most [`crate::query::Query::MAX_WATCH`]; asked again before it ends.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub time: Option<Millis>,
}

/// Lines of a console that are kept on the node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConsoleChunk {
    /// Lines, ascending.
    pub lines: Vec<LogLine>,
    /// Number of the oldest line that is still kept.
    #[serde(with = "wire::u64_string")]
    pub oldest: u64,
    /// Number of the newest line.
    #[serde(with = "wire::u64_string")]
    pub newest: u64,
}

/// CONSOLE_OUTPUT: what a watched server said since the last one. Not kept for who was away: lines that did not fit are
/// counted, and can be read back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConsoleOutput {
    /// Whose.
    pub server: ServerId,
    /// Lines, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LogLine>,
    /// Lines left out before these.
    #[serde(default, skip_serializing_if = "is_none")]
    pub skipped: u64,
    /// How it is, once a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<ServerSample>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's shape")]
const fn is_none(count: &u64) -> bool {
    *count == 0
}
