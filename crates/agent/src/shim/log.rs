//! A log on disk: numbered lines in segments, kept within a limit by deleting the oldest segment.
//!
//! Used for the output of apps and of builds. One writer, any number of readers in other processes. A line of a
//! segment is `SEQUENCE MILLISECONDS STREAM TEXT\n`; a segment is named after its first sequence number. Sequence
//! numbers start at 1 and never repeat, across restarts of the writer too; a line that could not be kept (disk full,
//! flood) still takes its number, so that a reader can count what it missed.

mod read;
mod split;
mod write;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sf_protocol::report::{LogLine, Stream};
use sf_types::Timestamp;

pub use read::{Batch, LogReader, ends};
// As the protocol has them: longer lines are split, and a piece says that it goes on.
pub use sf_protocol::report::{GOES_ON, MAX_LINE_BYTES, piece_of_longer};
use sf_runtime::redact::{self, Redactor};
pub use split::LineSplitter;
pub use write::LogWriter;

/// How much of a log is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogLimits {
    /// Bytes of one segment, at least [`LogLimits::MIN_SEGMENT_BYTES`].
    pub segment_bytes: u64,
    /// Segments kept, at least 2.
    pub segments: u16,
}

impl LogLimits {
    /// A segment holds at least two of the longest lines.
    pub const MIN_SEGMENT_BYTES: u64 = 64 * 1024;

    /// The limits, corrected to what works.
    #[must_use]
    pub fn sane(self) -> Self {
        Self { segment_bytes: self.segment_bytes.max(Self::MIN_SEGMENT_BYTES), segments: self.segments.max(2) }
    }
}

impl Default for LogLimits {
    /// 8 segments of 1 MiB.
    fn default() -> Self {
        Self { segment_bytes: 1024 * 1024, segments: 8 }
    }
}

/// Where a log begins and ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogHead {
    /// Number of the oldest line kept; `last + 1` when there is none.
    pub first: u64,
    /// Number of the newest line; 0 before the first.
    pub last: u64,
    /// Lines that were never kept, because of a flood or a full disk.
    pub lost: u64,
}

/// A line without secrets. `cleaner` remembers between the lines of one stream: a long one comes in pieces.
pub fn masked(cleaner: &mut redact::Stream, redactor: &Redactor, line: &str) -> String {
    match piece_of_longer(line) {
        Some(piece) => cleaner.line(redactor, piece, true) + GOES_ON,
        None => cleaner.line(redactor, line, false),
    }
}

const SUFFIX: &str = ".log";

fn segment_path(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first:020}{SUFFIX}"))
}

/// First sequence numbers of the segments in `dir`, ascending; none when the folder is not there.
fn segments(dir: &Path) -> io::Result<Vec<u64>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut firsts: Vec<u64> =
        entries.flatten().filter_map(|entry| entry.file_name().to_str()?.strip_suffix(SUFFIX)?.parse().ok()).collect();
    firsts.sort_unstable();
    Ok(firsts)
}

const fn tag(stream: Stream) -> u8 {
    match stream {
        Stream::Out => b'o',
        Stream::Err => b'e',
        Stream::Tty => b't',
        Stream::Note => b'n',
    }
}

/// Parses one line of a segment, without its newline.
fn parse(line: &[u8]) -> Option<LogLine> {
    let line = std::str::from_utf8(line).ok()?;
    let mut parts = line.splitn(4, ' ');
    let sequence = parts.next()?.parse().ok()?;
    let at = Timestamp::from_millis(parts.next()?.parse().ok()?);
    let stream = match parts.next()? {
        "o" => Stream::Out,
        "e" => Stream::Err,
        "t" => Stream::Tty,
        "n" => Stream::Note,
        _ => return None,
    };
    Some(LogLine { sequence, at, stream, text: parts.next()?.to_owned() })
}
