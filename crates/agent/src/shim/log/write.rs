//! The one writer of a log.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sf_protocol::report::Stream;
use sf_types::Timestamp;

use super::{LogHead, LogLimits, parse, segment_path, segments, tag};

/// Lines gathered before they are written, in bytes.
const BUFFER_BYTES: usize = 32 * 1024;
/// Bytes read from the end of the newest segment to find its last number: more than one longest line.
const TAIL_BYTES: u64 = 2 * super::MAX_LINE_BYTES as u64;

/// Appends lines. What it gathered is written by [`LogWriter::flush`] and when its buffer is full.
#[derive(Debug)]
pub struct LogWriter {
    dir: PathBuf,
    limits: LogLimits,
    firsts: VecDeque<u64>,
    file: Option<File>,
    written: u64,
    buffer: Vec<u8>,
    buffered: u64,
    next: u64,
    lost: u64,
    mark: Mark,
}

/// Numbers given to lines that were lost are in no segment. So that they are not given again after a crash, a file
/// holds a number that none of them has reached. It has its full size from the beginning, so that a full disk has
/// room for it.
#[derive(Debug)]
struct Mark {
    file: Option<File>,
    reserved: Option<u64>,
}

/// Name of the mark's file.
const MARK: &str = "mark";
/// Numbers reserved at once. A crash in the middle of a loss makes up to so many look lost.
const RESERVED_AT_ONCE: u64 = 4096;

impl LogWriter {
    /// Opens the log in `dir`, making the folder where needed, and goes on after its last line. A line that was cut
    /// short by a crash is removed.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn open(dir: &Path, limits: LogLimits) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let firsts: VecDeque<u64> = segments(dir)?.into();
        let mut writer = Self {
            dir: dir.to_owned(),
            limits: limits.sane(),
            firsts,
            file: None,
            written: 0,
            buffer: Vec::new(),
            buffered: 0,
            next: 1,
            lost: 0,
            mark: Mark { file: None, reserved: None },
        };
        if let Some(first) = writer.firsts.back().copied() {
            let mut file = OpenOptions::new().read(true).write(true).open(segment_path(dir, first))?;
            let (end, last) = whole_end(&mut file)?;
            file.set_len(end)?;
            file.seek(SeekFrom::Start(end))?;
            writer.next = last.map_or(first, |last| last + 1);
            writer.written = end;
            writer.file = Some(file);
        }
        let marked = writer.mark.open(dir)?;
        writer.go_on_after(marked.saturating_sub(1));
        Ok(writer)
    }

    /// The next line gets a number above `last` even where fewer lines are on the disk.
    pub fn go_on_after(&mut self, last: u64) {
        if last >= self.next {
            self.flush();
            self.next = last.saturating_add(1);
        }
    }

    /// Adds one line (from a [`super::LineSplitter`]: short enough, no newline) and answers its number.
    pub fn push(&mut self, at: Timestamp, stream: Stream, text: &str) -> u64 {
        let sequence = self.next;
        let record = self.buffer.len();
        // Writing to a vector cannot fail.
        let _ = write!(self.buffer, "{sequence} {} {} {text}", at.as_millis(), char::from(tag(stream)));
        debug_assert!(!self.buffer[record..].contains(&b'\n'));
        self.buffer.push(b'\n');
        self.next += 1;
        self.buffered += 1;
        if self.buffer.len() >= BUFFER_BYTES {
            self.flush();
        }
        sequence
    }

    /// Counts a line that is not kept. It takes a number all the same.
    pub fn lose(&mut self) {
        self.flush();
        self.next += 1;
        self.lost += 1;
        self.mark.reserve(self.next);
    }

    /// Writes what was gathered. Where the disk refuses (full), those lines are lost and counted: the app that
    /// writes them goes on.
    pub fn flush(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        let kept = self.append();
        if kept < self.buffered {
            self.lost += self.buffered - kept;
            self.mark.reserve(self.next);
            if let Some(file) = &mut self.file {
                // Half a line must not stay; if even that fails, readers skip it, since it does not parse.
                let _ = file.set_len(self.written).and_then(|()| file.seek(SeekFrom::Start(self.written)));
            }
        } else {
            self.mark.release(0);
        }
        self.buffer.clear();
        self.buffered = 0;
    }

    /// Where the log begins and ends.
    pub fn head(&self) -> LogHead {
        let last = self.next - 1;
        let first = self.firsts.front().copied().unwrap_or(self.next);
        LogHead { first, last, lost: self.lost }
    }

    /// Writes what was gathered, as far as the disk takes it; answers how many lines.
    fn append(&mut self) -> u64 {
        let length = self.buffer.len() as u64;
        let full = self.file.is_none() || self.written + length > self.limits.segment_bytes;
        if full && self.rotate().is_err() {
            return 0;
        }
        let Some(file) = &mut self.file else { return 0 };
        let (bytes, lines) = write_lines(file, &self.buffer);
        self.written += bytes;
        lines
    }

    /// Begins a new segment. The oldest goes first, so that the limit holds at every moment.
    fn rotate(&mut self) -> io::Result<()> {
        while self.firsts.len() >= usize::from(self.limits.segments) {
            let Some(oldest) = self.firsts.front().copied() else { break };
            match fs::remove_file(segment_path(&self.dir, oldest)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => self.firsts.pop_front(),
            };
        }
        let first = self.next - self.buffered;
        let path = segment_path(&self.dir, first);
        self.file = Some(OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)?);
        self.written = 0;
        if self.firsts.back() != Some(&first) {
            self.firsts.push_back(first);
        }
        Ok(())
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        self.flush();
        self.mark.release(self.next);
    }
}

impl Mark {
    /// Opens or makes it; answers the number that it holds.
    fn open(&mut self, dir: &Path) -> io::Result<u64> {
        let mut options = OpenOptions::new();
        let mut file = options.create(true).truncate(false).read(true).write(true).mode(0o600).open(dir.join(MARK))?;
        let mut text = String::new();
        // What is no number was cut short when it was made.
        let held = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
        self.file = Some(file);
        if held.is_none() {
            self.put(0);
        }
        Ok(held.unwrap_or(0))
    }

    /// Numbers below `next` are taken.
    fn reserve(&mut self, next: u64) {
        if self.reserved.is_none_or(|reserved| next > reserved) {
            let reserved = next.saturating_add(RESERVED_AT_ONCE);
            self.reserved = Some(reserved);
            self.put(reserved);
        }
    }

    /// From now on the segments tell, or exactly `next` was reached.
    fn release(&mut self, next: u64) {
        if self.reserved.take().is_some() {
            self.put(next);
        }
    }

    fn put(&mut self, number: u64) {
        if let Some(file) = &self.file {
            // Where even this fails, the worst is a number that is given twice.
            let _ = file.write_all_at(format!("{number:020}").as_bytes(), 0);
        }
    }
}

/// Writes whole lines as far as the disk takes them; answers the bytes and lines that stand.
fn write_lines(file: &mut impl Write, lines: &[u8]) -> (u64, u64) {
    let mut done = 0;
    while done < lines.len() {
        match file.write(&lines[done..]) {
            Ok(written @ 1..) => done += written,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            _ => break,
        }
    }
    let end = lines[..done].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    (end as u64, lines[..end].iter().filter(|byte| **byte == b'\n').count() as u64)
}

/// Number of the last whole line of a segment.
pub(super) fn last_number(path: &Path) -> io::Result<Option<u64>> {
    whole_end(&mut File::open(path)?).map(|(_, last)| last)
}

/// Where the last whole line of a segment ends, and its number.
fn whole_end(file: &mut File) -> io::Result<(u64, Option<u64>)> {
    let length = file.metadata()?.len();
    let from = length.saturating_sub(TAIL_BYTES);
    file.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let Some(end) = tail.iter().rposition(|byte| *byte == b'\n') else { return Ok((0, None)) };
    let last = tail[..end].split(|byte| *byte == b'\n').rev().find_map(parse);
    Ok((from + end as u64 + 1, last.map(|line| line.sequence)))
}

#[cfg(test)]
mod tests {
    use super::super::LogReader;
    use super::*;

    const SMALL: LogLimits = LogLimits { segment_bytes: LogLimits::MIN_SEGMENT_BYTES, segments: 3 };

    fn texts(dir: &Path) -> Vec<(u64, String)> {
        let mut reader = LogReader::from(dir, 1);
        let mut all = Vec::new();
        loop {
            let batch = reader.read(1000).unwrap();
            if batch.lines.is_empty() {
                return all;
            }
            all.extend(batch.lines.into_iter().map(|line| (line.sequence, line.text)));
        }
    }

    #[test]
    fn numbers_go_on_after_a_crash_in_the_middle_of_a_line() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = LogWriter::open(dir.path(), SMALL).unwrap();
        log.push(Timestamp::EPOCH, Stream::Out, "one");
        log.push(Timestamp::EPOCH, Stream::Err, "two  with  spaces ");
        log.flush();
        let segment = segment_path(dir.path(), 1);
        OpenOptions::new().append(true).open(&segment).unwrap().write_all(b"3 0 o cut sho").unwrap();
        let mut log = LogWriter::open(dir.path(), SMALL).unwrap();
        assert_eq!(log.push(Timestamp::EPOCH, Stream::Out, "three"), 3);
        log.flush();
        let expected = [(1, "one".into()), (2, "two  with  spaces ".into()), (3, "three".into())];
        assert_eq!(texts(dir.path()), expected);
    }

    #[test]
    fn a_flood_keeps_to_the_limit_and_the_newest_lines() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = LogWriter::open(dir.path(), SMALL).unwrap();
        let text = "x".repeat(1000);
        for _ in 0..5000 {
            log.push(Timestamp::EPOCH, Stream::Out, &text);
            assert!(log.buffer.len() < BUFFER_BYTES + 2000);
        }
        log.flush();
        let size: u64 = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
        assert!(size <= SMALL.segment_bytes * u64::from(SMALL.segments), "{size}");
        let kept = texts(dir.path());
        assert_eq!(kept.first().unwrap().0, log.head().first);
        assert_eq!(kept.last().unwrap().0, 5000);
    }

    #[test]
    fn lines_the_disk_refuses_are_counted_and_their_numbers_skipped() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = LogWriter::open(dir.path(), SMALL).unwrap();
        log.push(Timestamp::EPOCH, Stream::Out, "kept");
        log.flush();
        // A device that is always full stands in for a full disk (full(4)).
        log.file = Some(OpenOptions::new().write(true).open("/dev/full").unwrap());
        log.push(Timestamp::EPOCH, Stream::Out, "lost");
        log.push(Timestamp::EPOCH, Stream::Out, "lost too");
        log.flush();
        assert_eq!(log.head().lost, 2);
        log.file = None;
        log.push(Timestamp::EPOCH, Stream::Out, "after");
        log.flush();
        assert_eq!(texts(dir.path()), [(1, "kept".into()), (4, "after".into())]);
        let batch = LogReader::from(dir.path(), 2).read(10).unwrap();
        assert_eq!((batch.dropped, batch.lines[0].sequence), (2, 4));
    }

    #[test]
    fn numbers_of_lost_lines_are_not_given_again() {
        let dir = tempfile::tempdir().unwrap();
        let lose_two = |end: fn(LogWriter)| {
            let mut log = LogWriter::open(dir.path(), SMALL).unwrap();
            let first = log.push(Timestamp::EPOCH, Stream::Out, "kept");
            log.lose();
            log.lose();
            end(log);
            first
        };
        assert_eq!(lose_two(drop), 1);
        // A clean end leaves no gap, a crash one of bounded size.
        assert_eq!(lose_two(std::mem::forget), 4);
        let after_crash = lose_two(drop);
        assert!((7..7 + RESERVED_AT_ONCE).contains(&after_crash), "{after_crash}");
        let mut log = LogWriter::open(dir.path(), SMALL).unwrap();
        assert_eq!(log.push(Timestamp::EPOCH, Stream::Out, "next"), after_crash + 3);
        log.go_on_after(9_000);
        assert_eq!(log.push(Timestamp::EPOCH, Stream::Out, "told"), 9_001);
    }

    #[test]
    fn whole_lines_that_the_disk_took_stay() {
        let check = |room: usize, expected| {
            let mut disk = vec![0; room];
            assert_eq!(write_lines(&mut disk.as_mut_slice(), b"one\ntwo\nthree\n"), expected);
        };
        check(14, (14, 3));
        check(13, (8, 2));
        check(8, (8, 2));
        check(3, (0, 0));
        check(0, (0, 0));
    }
}
