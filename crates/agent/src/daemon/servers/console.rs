//! The console of a server: a log that its shim writes while it runs and the agent otherwise; read back by number, and
//! pushed while somebody watches.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sf_protocol::query::Query;
use sf_protocol::report::{LogLine, Stream};
use sf_protocol::server::{ConsoleChunk, ConsoleOutput, ConsoleWanted};
use sf_runtime::redact::{self, Redactor};
use sf_runtime::{Clock, OnError};
use sf_types::{ErrorKind, Fault, Millis, ServerId};
use tokio::time::Instant;

use super::live::Live;
use super::report::hold;
use crate::daemon::aside;
use crate::execute::Node;
use crate::facts::metrics;
use crate::shim::flood::Flood;
use crate::shim::log::{LineSplitter, LogLimits, LogReader, LogWriter, ends, masked};

/// How much of a console is kept: 8 segments of 1 MiB.
pub const CONSOLE_KEPT: LogLimits = LogLimits { segment_bytes: 1024 * 1024, segments: 8 };
/// Bytes of lines in one answer, as JSON.
const ANSWER_BYTES: usize = 36 * 1024;
/// Between two frames of one console.
const PUSH_EVERY: Duration = Duration::from_millis(100);
/// Between two samples of one that is watched.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);
/// Bytes of text that are taken along for one frame.
const PUSH_BYTES: usize = 64 * 1024;
/// Lines taken from the log at once.
const LINES_AT_ONCE: usize = 500;
/// Consoles watched at the same time.
pub const WATCHED_MAX: usize = 100;

/// The agent's own hand on a console, while no shim has it.
pub(super) struct Console {
    log: Option<LogWriter>,
    live: Arc<Live>,
    clock: Clock,
    flood: Flood,
    since: Instant,
    last: VecDeque<String>,
    /// What takes its secrets out, with what it remembers of each stream.
    redactor: Option<Redactor>,
    cleaners: [redact::Stream; 4],
}

/// Last lines told with a failure.
const LAST_LINES: usize = 3;

impl Console {
    /// One line of ours.
    pub(super) fn note(&mut self, text: &str) {
        let text = self.masked(Stream::Note, text);
        self.push(Stream::Note, &text);
    }

    fn masked(&mut self, stream: Stream, text: &str) -> String {
        let cleaner = &mut self.cleaners[stream as usize];
        self.redactor.as_ref().map_or_else(|| text.to_owned(), |redactor| masked(cleaner, redactor, text))
    }

    /// One line of what is run. A flood is counted, and not kept.
    pub(super) fn line(&mut self, stream: Stream, text: &str) {
        let text = &*self.masked(stream, text);
        self.flood.refill(u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX));
        let lost = self.flood.hole_ended();
        if lost > 0 {
            self.note(&format!("{lost} lines were not kept: there were too many of them"));
        }
        if !self.flood.admits(text.len()) {
            if let Some(log) = &mut self.log {
                log.lose();
            }
            return;
        }
        if !text.trim().is_empty() {
            self.last.push_back(text.to_owned());
            if self.last.len() > LAST_LINES {
                self.last.pop_front();
            }
        }
        self.push(stream, text);
    }

    /// The last lines of what was run.
    pub(super) fn last_lines(&self) -> String {
        self.last.iter().map(String::as_str).collect::<Vec<_>>().join(" | ")
    }

    fn push(&mut self, stream: Stream, text: &str) {
        let Some(log) = &mut self.log else { return };
        let (at, mut splitter, mut number) = (self.clock.now(), LineSplitter::default(), 0);
        splitter.feed(text.as_bytes(), |line| number = log.push(at, stream, line));
        splitter.finish(|line| number = log.push(at, stream, line));
        log.flush();
        self.live.wrote(number);
    }
}

impl Node {
    /// Opens a console to write to. While a shim lives it is the shim's alone; without one (disk full) nothing is kept.
    pub(super) fn server_console(&self, server: ServerId) -> Console {
        let log = LogWriter::open(&self.servers.log(server), CONSOLE_KEPT);
        let log = log.inspect_err(|error| tracing::warn!(%server, %error, "a console cannot be written")).ok();
        let (live, clock) = (self.servers.live(server), self.clock.clone());
        let (redactor, cleaners) = (self.server_redactor(server), Default::default());
        let (flood, since, last) = (Flood::default(), Instant::now(), VecDeque::new());
        Console { log, live, clock, flood, since, last, redactor, cleaners }
    }

    /// Reads a console back, and has it pushed for a while where that is asked for.
    ///
    /// # Errors
    /// `server.unknown`, `query.busy`, `server.console`.
    pub(crate) async fn console(self: &Arc<Self>, wanted: &ConsoleWanted) -> Result<ConsoleChunk, Fault> {
        let (server, after, lines) = (wanted.server, wanted.after, usize::from(wanted.lines));
        self.servers.known_one(server)?;
        let dir = self.servers.log(server);
        let read = aside::short(move || page(&dir, after, lines)).await;
        let chunk = read.map_err(|error| {
            let message = format!("The console cannot be read: {error}.");
            Fault::new(ErrorKind::Internal, "server.console", message).fix("Check the node's disk.")
        })?;
        if let Some(time) = wanted.time {
            let from = chunk.lines.last().map_or(chunk.newest, |line| line.sequence);
            self.watch_console(server, time, from)?;
        }
        Ok(chunk)
    }

    /// Pushes what comes after `from`. One task a server, however many watch.
    fn watch_console(self: &Arc<Self>, server: ServerId, time: Millis, from: u64) -> Result<(), Fault> {
        let until = Instant::now() + Millis(time.0.min(Query::MAX_WATCH.0)).duration();
        let live = self.servers.live(server);
        if live.watched().is_none() && Arc::strong_count(&self.servers.watching) > WATCHED_MAX {
            let message = format!("{WATCHED_MAX} consoles of this node are watched already.");
            return Err(Fault::new(ErrorKind::RateLimited, "query.busy", message).fix("Try again in a moment."));
        }
        if live.watch(until) {
            let (node, place) = (self.clone(), self.servers.watching.clone());
            self.tasks.spawn("server.console", OnError::Log, async move {
                let _place = place;
                node.push_console(server, from).await;
                Ok::<(), Infallible>(())
            });
        }
        Ok(())
    }

    async fn push_console(self: &Arc<Self>, server: ServerId, from: u64) {
        let (live, shutdown) = (self.servers.live(server), self.tasks.shutdown());
        let mut reader = LogReader::from(&self.servers.log(server), from + 1);
        let mut samples = metrics::Servers::default();
        let (mut next_sample, mut noted) = (Instant::now(), live.written());
        while let Some(until) = live.watched() {
            let process = self.held.get(hold(server).1);
            let (mut written, next) = (process.map(|process| process.written()), reader.next());
            let shim = async {
                match &mut written {
                    Some(written) => drop(written.wait_for(|last| *last >= next).await),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = shutdown.requested() => return,
                _ = noted.changed() => {}
                () = shim => {}
                () = tokio::time::sleep_until(next_sample.min(until)) => {}
            }
            let (taken, lines, skipped) = match aside::short(move || newest(reader)).await {
                (taken, Ok((lines, skipped))) => (taken, lines, skipped),
                (taken, Err(error)) => {
                    tracing::debug!(%server, %error, "a console that is watched cannot be read");
                    (taken, Vec::new(), 0)
                }
            };
            reader = taken;
            let mut sample = None;
            if Instant::now() >= next_sample {
                next_sample = Instant::now() + SAMPLE_EVERY;
                let reading = self.server_reading_now(server).await;
                sample = reading.map(|reading| samples.sample(self.clock.now(), &reading));
            }
            if !lines.is_empty() || skipped > 0 || sample.is_some() {
                self.outbox.console(ConsoleOutput { server, lines, skipped, sample });
            }
            tokio::time::sleep(PUSH_EVERY).await;
        }
    }
}

/// The lines after `after`, the oldest of them first; the newest of all where it is `None`. As many as fit.
fn page(dir: &Path, after: Option<u64>, lines: usize) -> io::Result<ConsoleChunk> {
    let (oldest, newest) = ends(dir)?;
    let from = after.map_or_else(|| newest.saturating_sub(lines as u64), |after| after.min(newest)) + 1;
    let mut reader = LogReader::from(dir, from.max(oldest));
    let (mut kept, mut bytes) = (VecDeque::new(), 0);
    'reading: while kept.len() < lines {
        let batch = reader.read(lines.min(LINES_AT_ONCE))?;
        if batch.lines.is_empty() {
            break;
        }
        for line in batch.lines {
            let (line, size) = crate::outbox::sized(line);
            if after.is_some() && (kept.len() >= lines || !kept.is_empty() && bytes + size > ANSWER_BYTES) {
                break 'reading;
            }
            bytes += size;
            kept.push_back((line, size));
            while after.is_none() && (kept.len() > lines || kept.len() > 1 && bytes > ANSWER_BYTES) {
                bytes -= kept.pop_front().map_or(0, |(_, size)| size);
            }
        }
    }
    let lines: Vec<LogLine> = kept.into_iter().map(|(line, _)| line).collect();
    let newest = lines.last().map_or(newest, |line| line.sequence.max(newest));
    Ok(ConsoleChunk { lines, oldest, newest })
}

type Newest = io::Result<(Vec<LogLine>, u64)>;

/// All that is new, cut to the newest; with how many were left out before it.
fn newest(mut reader: LogReader) -> (LogReader, Newest) {
    let (mut kept, mut bytes, mut skipped) = (VecDeque::<LogLine>::new(), 0, 0);
    loop {
        let batch = match reader.read(LINES_AT_ONCE) {
            Ok(batch) => batch,
            Err(error) => return (reader, Err(error)),
        };
        if batch.dropped > 0 {
            skipped += batch.dropped + kept.len() as u64;
            (kept, bytes) = (VecDeque::new(), 0);
        }
        if batch.lines.is_empty() {
            return (reader, Ok((kept.into(), skipped)));
        }
        for line in batch.lines {
            bytes += line.text.len();
            kept.push_back(line);
            while bytes > PUSH_BYTES && kept.len() > 1 {
                bytes -= kept.pop_front().map_or(0, |line| line.text.len());
                skipped += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_types::Timestamp;

    fn log(lines: u64, text: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let mut log = LogWriter::open(dir.path(), CONSOLE_KEPT).unwrap();
        for _ in 0..lines {
            log.push(Timestamp::EPOCH, Stream::Tty, text);
        }
        log.flush();
        dir
    }

    fn numbers(chunk: &ConsoleChunk) -> Vec<u64> {
        chunk.lines.iter().map(|line| line.sequence).collect()
    }

    #[test]
    fn a_console_is_paged_both_ways() {
        let dir = log(1000, "a line");
        for (after, lines, expected) in [
            (None, 3, vec![998, 999, 1000]),
            (Some(0), 2, vec![1, 2]),
            (Some(997), 2, vec![998, 999]),
            (Some(999), 50, vec![1000]),
            (Some(1000), 50, vec![]),
            (Some(5000), 50, vec![]),
            (Some(0), 0, vec![]),
        ] {
            let chunk = page(dir.path(), after, lines).unwrap();
            assert_eq!((numbers(&chunk), chunk.oldest, chunk.newest), (expected, 1, 1000), "{after:?} {lines}");
        }
        let none = page(&dir.path().join("none"), None, 5).unwrap();
        assert_eq!((none.lines.len(), none.oldest, none.newest), (0, 1, 0));
    }

    #[test]
    fn a_page_fits_a_frame_and_goes_on_where_it_ended() {
        let dir = log(200, &"\u{1b}[31m colours".repeat(40));
        let latest = page(dir.path(), None, 200).unwrap();
        assert!(latest.lines.len() < 200 && latest.lines.last().unwrap().sequence == 200);
        assert!(serde_json::to_string(&latest).unwrap().len() < ANSWER_BYTES + 256);
        let (mut after, mut seen) = (0, Vec::new());
        loop {
            let chunk = page(dir.path(), Some(after), 100).unwrap();
            let Some(last) = chunk.lines.last() else { break };
            after = last.sequence;
            seen.extend(numbers(&chunk));
        }
        assert_eq!(seen, (1..=200).collect::<Vec<_>>());
    }

    #[test]
    fn of_a_flood_the_newest_are_kept_and_the_rest_counted() {
        let dir = log(20_000, &"x".repeat(100));
        let (reader, taken) = newest(LogReader::from(dir.path(), 1));
        let (lines, skipped) = taken.unwrap();
        assert_eq!((lines.len() as u64 + skipped, lines.last().unwrap().sequence), (20_000, 20_000));
        assert!(lines.iter().map(|line| line.text.len()).sum::<usize>() <= PUSH_BYTES);
        let (_, taken) = newest(reader);
        assert_eq!(taken.unwrap(), (Vec::new(), 0));
    }
}
