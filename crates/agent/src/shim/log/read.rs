//! Readers of a log, in any process.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use sf_protocol::report::LogLine;

use super::{parse, segment_path, segments};

/// Bytes read at once: several of the longest lines.
const CHUNK_BYTES: usize = 64 * 1024;

/// Lines read at once.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Batch {
    /// Lines, ascending; empty at the end of what is written.
    pub lines: Vec<LogLine>,
    /// Lines missed before the first of these or between them: deleted by the limit, or never kept.
    pub dropped: u64,
}

/// Numbers of the oldest and the newest line on disk; `(1, 0)` where there is none.
///
/// # Errors
/// What the operating system says. A log that does not exist yet has no lines.
pub fn ends(dir: &Path) -> io::Result<(u64, u64)> {
    let firsts = segments(dir)?;
    let (Some(oldest), Some(newest)) = (firsts.first(), firsts.last()) else { return Ok((1, 0)) };
    match super::write::last_number(&segment_path(dir, *newest)) {
        Ok(last) => Ok((*oldest, last.unwrap_or(newest.saturating_sub(1)))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((*oldest, newest.saturating_sub(1))),
        Err(error) => Err(error),
    }
}

/// Reads a log from one number on; goes on where it stopped when called again.
#[derive(Debug)]
pub struct LogReader {
    dir: PathBuf,
    next: u64,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    first: u64,
    file: File,
    offset: u64,
}

impl LogReader {
    /// A reader of the log in `dir` whose first line is number `from` or the oldest kept after it.
    pub fn from(dir: &Path, from: u64) -> Self {
        Self { dir: dir.to_owned(), next: from.max(1), open: None }
    }

    /// The number it waits for.
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// Reads up to about `max` lines that are there now; never waits.
    ///
    /// # Errors
    /// What the operating system says. A log that does not exist yet has no lines.
    pub fn read(&mut self, max: usize) -> io::Result<Batch> {
        let mut batch = Batch::default();
        while batch.lines.len() < max {
            if self.open.is_none() && !self.open_segment(None)? {
                break;
            }
            if self.read_chunk(&mut batch)? {
                continue;
            }
            let Some(done) = self.open.as_ref().map(|open| open.first) else { break };
            // The writer fills a segment before it begins the next, so once there is a next one, one more look is
            // enough to have seen all of this one.
            if !segments(&self.dir)?.iter().any(|first| *first > done) {
                break;
            }
            if !self.read_chunk(&mut batch)? && !self.open_segment(Some(done))? {
                break;
            }
        }
        Ok(batch)
    }

    /// Opens the segment that holds the next line, or the first one after `after`; `false` when there is none.
    fn open_segment(&mut self, after: Option<u64>) -> io::Result<bool> {
        loop {
            let firsts = segments(&self.dir)?;
            let wanted = match after {
                Some(after) => firsts.iter().find(|first| **first > after),
                None => firsts.iter().rev().find(|first| **first <= self.next).or(firsts.first()),
            };
            let Some(first) = wanted.copied() else { return Ok(false) };
            match File::open(segment_path(&self.dir, first)) {
                Ok(file) => {
                    self.open = Some(Open { first, file, offset: 0 });
                    return Ok(true);
                }
                // Deleted by the limit since the look: the next look shows a later one.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes the whole lines of one chunk; `false` when there is none.
    fn read_chunk(&mut self, batch: &mut Batch) -> io::Result<bool> {
        let Some(open) = &mut self.open else { return Ok(false) };
        let mut chunk = vec![0; CHUNK_BYTES];
        let read = open.file.read_at(&mut chunk, open.offset)?;
        let Some(end) = chunk[..read].iter().rposition(|byte| *byte == b'\n') else { return Ok(false) };
        open.offset += end as u64 + 1;
        for line in chunk[..end].split(|byte| *byte == b'\n').filter_map(parse) {
            if line.sequence >= self.next {
                batch.dropped += line.sequence - self.next;
                self.next = line.sequence + 1;
                batch.lines.push(line);
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{LogLimits, LogWriter};
    use super::*;
    use sf_protocol::report::Stream;
    use sf_types::Timestamp;

    #[test]
    fn a_reader_follows_across_segments_and_counts_what_it_missed() {
        let dir = tempfile::tempdir().unwrap();
        let mut reader = LogReader::from(dir.path(), 1);
        assert_eq!(reader.read(10).unwrap(), Batch::default());
        let limits = LogLimits { segment_bytes: 0, segments: 0 }.sane();
        let mut log = LogWriter::open(dir.path(), limits).unwrap();
        let (mut seen, mut missed) = (0, 0);
        for round in 1..=200_u64 {
            for _ in 0..50 {
                log.push(Timestamp::EPOCH, Stream::Out, &"y".repeat(100));
            }
            log.flush();
            // A reader that keeps up misses nothing; one that pauses is told exactly what it missed.
            if round < 100 || round == 200 {
                let batch = reader.read(usize::MAX).unwrap();
                assert!(round == 200 || batch.dropped == 0);
                seen += batch.lines.len() as u64;
                missed += batch.dropped;
            }
        }
        assert_eq!(seen + missed, 10_000);
        assert!(missed > 0);
    }

    #[test]
    fn the_ends_of_a_log_are_told() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(ends(&dir.path().join("none")).unwrap(), (1, 0));
        let mut log = LogWriter::open(dir.path(), LogLimits { segment_bytes: 0, segments: 0 }.sane()).unwrap();
        for _ in 0..5_000 {
            log.push(Timestamp::EPOCH, Stream::Out, &"y".repeat(100));
        }
        log.flush();
        let (oldest, newest) = ends(dir.path()).unwrap();
        assert!(oldest > 1 && newest == 5_000, "{oldest} {newest}");
        assert_eq!(LogReader::from(dir.path(), 1).read(1).unwrap().lines[0].sequence, oldest);
    }

    #[test]
    fn a_line_half_written_is_not_read_yet() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(segment_path(dir.path(), 1), "1 0 o whole\n2 0 o ha").unwrap();
        let mut reader = LogReader::from(dir.path(), 1);
        assert_eq!(reader.read(10).unwrap().lines.len(), 1);
        std::fs::write(segment_path(dir.path(), 1), "1 0 o whole\n2 0 o half\n").unwrap();
        assert_eq!(reader.read(10).unwrap().lines[0].text, "half");
    }
}
