//! Delivering over one connection: what is next, how much is on its way, what has arrived.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::path::Path;
use std::time::Duration;

use sf_protocol::frame::Frame;
use sf_protocol::report::{LogLine, LogSource, LogStream, NodeEvent, StatusUpdate, Stored, SystemLog};
use sf_runtime::redact::Redactor;
use sf_types::{CommandId, Timestamp};
use tokio::time::Instant;

use super::cursors::Cursors;
use super::{Outbox, text};
use crate::shim::log::LogReader;

/// Bytes on their way and not confirmed, at the most; more wait on disk.
pub const IN_FLIGHT_BYTES_MAX: usize = 256 * 1024;
/// Bytes of log lines in one frame.
const LINES_BYTES_MAX: usize = 48 * 1024;
/// Samples whose confirmation is waited for; of those beyond, a confirmation counts no more and they are sent again with
/// the next connection.
const SAMPLES_SENT_MAX: usize = 1024;
/// Lines before the first to deliver that are looked at again, for what has begun in them.
const LOOKED_BACK: u64 = 256;
/// What is not confirmed after this long no longer holds up the rest; it is sent again with the next connection.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(30);

/// What one connection has been told.
#[derive(Debug)]
pub struct Delivery {
    outbox: Outbox,
    cursors: Cursors,
    changed: bool,
    on_the_way: VecDeque<OnTheWay>,
    bytes: usize,
    results: VecDeque<CommandId>,
    results_sent: HashSet<CommandId>,
    events: Numbered,
    samples: Numbered,
    /// Samples in the order in which they were sent: their time, by which they are confirmed, and their number where
    /// they are kept.
    samples_sent: VecDeque<(Timestamp, Option<u64>)>,
    logs: BTreeMap<LogSource, LogState>,
    turn: VecDeque<LogSource>,
    /// The last frame was of a console.
    console_last: bool,
}

#[derive(Debug)]
struct Numbered {
    reader: LogReader,
    read: VecDeque<LogLine>,
}

#[derive(Debug)]
struct LogState {
    /// Open only while the log is being written or read.
    reader: Option<LogReader>,
    next: u64,
    read: VecDeque<(LogLine, usize)>,
    dropped: u64,
    cleaner: text::Cleaner,
}

impl LogState {
    /// Begins with line `from`; what has begun before it is known.
    fn from(dir: &Path, from: u64, redactor: &Redactor) -> Self {
        let mut cleaner = text::Cleaner::default();
        let mut before = LogReader::from(dir, from.saturating_sub(LOOKED_BACK).max(1));
        while before.next() < from {
            let Ok(batch) = before.read(1) else { break };
            let Some(last) = batch.lines.last().map(|line| line.sequence) else { break };
            for mut line in batch.lines.into_iter().filter(|line| line.sequence < from) {
                cleaner.clean(&mut line, redactor);
            }
            if last >= from {
                break;
            }
        }
        Self { reader: None, next: from, read: VecDeque::new(), dropped: 0, cleaner }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum What {
    Result(CommandId),
    Event(u64),
    Sample(u64),
    Lines(LogSource, u64),
}

#[derive(Debug)]
struct OnTheWay {
    what: What,
    bytes: usize,
    since: Instant,
}

impl Numbered {
    fn next(&mut self) -> Option<LogLine> {
        if self.read.is_empty() {
            self.read = self.reader.read(1).map(|batch| batch.lines.into()).unwrap_or_default();
        }
        self.read.pop_front()
    }
}

impl Delivery {
    /// Goes on from what the control plane has.
    pub fn new(outbox: &Outbox, resume: &Stored) -> Self {
        let dir = &outbox.0.dir;
        let mut cursors = Cursors::read(dir);
        cursors.advance(resume);
        outbox.0.journal.delivered(&resume.results);
        let mut shared = outbox.shared();
        // Events were numbered beyond what is on this disk: it lost some. Their numbers must not come again.
        let lost = resume.events.saturating_sub(shared.events.head().last);
        (0..lost.min(1_000_000)).for_each(|_| shared.events.lose());
        cursors.samples = cursors.samples.min(shared.samples.head().last);
        shared.say.clear();
        shared.consoles.clear();
        shared.results.clear();
        shared.dirty.clear();
        shared.ports_dirty = shared.ports.keys().copied().collect();
        let turn = shared.logs.keys().copied().collect();
        drop(shared);
        let confirmed: HashSet<_> = resume.results.iter().copied().collect();
        let waiting = outbox.0.journal.undelivered();
        let numbered =
            |name: &str, from| Numbered { reader: LogReader::from(&dir.join(name), from), read: VecDeque::new() };
        Self {
            events: numbered("events", cursors.events + 1),
            samples: numbered("samples", cursors.samples + 1),
            samples_sent: VecDeque::new(),
            outbox: outbox.clone(),
            changed: true,
            cursors,
            on_the_way: VecDeque::new(),
            bytes: 0,
            results: waiting.into_iter().filter(|command| !confirmed.contains(command)).collect(),
            results_sent: HashSet::new(),
            logs: BTreeMap::new(),
            turn,
            console_last: false,
        }
    }

    /// The next frame to send now; `None` when nothing waits or enough is on its way.
    pub fn take(&mut self) -> Option<Frame> {
        self.take_news();
        let said = self.outbox.shared().say.pop_front();
        if let Some(frame) = said {
            if let Frame::SystemLog(sample) = &frame {
                self.sample_sent(sample.at, None);
            }
            return Some(frame);
        }
        self.expire();
        let is_full = self.bytes >= IN_FLIGHT_BYTES_MAX;
        let first = if is_full { None } else { self.result().or_else(|| self.event()).or_else(|| self.ports()) };
        let next = match first {
            Some(first) => Some(first),
            // Consoles and logs take turns: neither is to wait for the end of the other's flood.
            None if self.console_last => self.rest(is_full).or_else(|| self.console()),
            None => self.console().or_else(|| self.rest(is_full)),
        };
        let (frame, what) = next?;
        self.console_last = matches!(frame, Frame::ConsoleOutput(_));
        if let Some((what, bytes)) = what {
            self.on_the_way.push_back(OnTheWay { what, bytes, since: Instant::now() });
            self.bytes += bytes;
        }
        Some(frame)
    }

    /// The control plane has these.
    pub fn stored(&mut self, stored: &Stored) {
        let fresh: Vec<_> =
            stored.results.iter().filter(|command| self.results_sent.remove(*command)).copied().collect();
        self.outbox.0.journal.delivered(&fresh);
        self.cursors.advance(stored);
        if let Some(at) = stored.metrics {
            self.sample_stored(at);
        }
        self.changed = true;
        let cursors = &self.cursors;
        let arrived = |what: &What| match what {
            What::Result(command) => stored.results.contains(command),
            What::Event(number) => *number <= cursors.events,
            What::Sample(number) => *number <= cursors.samples,
            What::Lines(source, last) => cursors.logs.get(source).is_some_and(|up_to| last <= up_to),
        };
        self.on_the_way.retain(|one| !arrived(&one.what));
        self.count();
    }

    /// Writes down how far the control plane has things, if that changed.
    pub fn save(&mut self) {
        if std::mem::take(&mut self.changed) {
            let known = &self.outbox.shared().logs;
            self.cursors.logs.retain(|source, _| known.contains_key(source));
            self.logs.retain(|source, _| known.contains_key(source));
            if let Err(error) = self.cursors.write(&self.outbox.0.dir) {
                tracing::debug!(%error, "delivery cursors could not be written; some things will be sent twice");
            }
        }
    }

    fn take_news(&mut self) {
        let mut shared = self.outbox.shared();
        let (results, dirty) = (std::mem::take(&mut shared.results), std::mem::take(&mut shared.dirty));
        drop(shared);
        self.results.extend(results);
        self.turn.extend(dirty.into_iter().filter(|source| !self.turn.contains(source)).collect::<Vec<_>>());
    }

    fn expire(&mut self) {
        while self.on_the_way.front().is_some_and(|oldest| oldest.since.elapsed() > CONFIRMED_WITHIN) {
            self.on_the_way.pop_front();
            self.count();
        }
    }

    fn count(&mut self) {
        self.bytes = self.on_the_way.iter().map(|one| one.bytes).sum();
    }

    fn result(&mut self) -> Option<Sent> {
        while let Some(command) = self.results.pop_front() {
            match self.outbox.0.journal.outcome(command) {
                Ok(Some(signed)) => {
                    self.results_sent.insert(command);
                    let bytes = signed.payload.len();
                    return Some((Frame::Result(signed), Some((What::Result(command), bytes))));
                }
                Ok(None) => {}
                Err(error) => tracing::error!(%command, %error, "an outcome cannot be read back"),
            }
        }
        None
    }

    fn event(&mut self) -> Option<Sent> {
        loop {
            let line = self.events.next()?;
            // A line that is none of ours can only be damage; its number stays unused.
            if let Ok(event) = serde_json::from_str::<NodeEvent>(&line.text) {
                let frame = Frame::StatusUpdate(StatusUpdate { sequence: line.sequence, at: line.at, event });
                return Some((frame, Some((What::Event(line.sequence), line.text.len()))));
            }
        }
    }

    fn ports(&mut self) -> Option<Sent> {
        let mut shared = self.outbox.shared();
        let app = shared.ports_dirty.pop_first()?;
        let ports = shared.ports.get(&app)?.clone();
        Some((Frame::DetectedPorts(ports), None))
    }

    fn rest(&mut self, is_full: bool) -> Option<Sent> {
        if is_full { None } else { self.sample().or_else(|| self.lines()) }
    }

    /// Behind what has to arrive, and never waited for: one frame a turn.
    fn console(&self) -> Option<Sent> {
        self.outbox.shared().consoles.take().map(|output| (Frame::ConsoleOutput(output), None))
    }

    fn sample(&mut self) -> Option<Sent> {
        loop {
            let line = self.samples.next()?;
            if let Ok(sample) = serde_json::from_str::<SystemLog>(&line.text) {
                self.sample_sent(sample.at, Some(line.sequence));
                return Some((Frame::SystemLog(sample), Some((What::Sample(line.sequence), line.text.len()))));
            }
        }
    }

    fn sample_sent(&mut self, at: Timestamp, number: Option<u64>) {
        if self.samples_sent.len() >= SAMPLES_SENT_MAX {
            self.samples_sent.pop_front();
        }
        self.samples_sent.push_back((at, number));
    }

    /// The sample of `at` is stored, and what was sent before it: a connection keeps the order.
    fn sample_stored(&mut self, at: Timestamp) {
        if let Some(place) = self.samples_sent.iter().position(|(sent, _)| *sent == at) {
            let newest = self.samples_sent.drain(..=place).filter_map(|(_, number)| number).max();
            self.cursors.samples = self.cursors.samples.max(newest.unwrap_or(0));
        }
    }

    /// Lines of the log whose turn it is; each gets one frame a turn, so that a flood starves nobody.
    fn lines(&mut self) -> Option<Sent> {
        while let Some(source) = self.turn.pop_front() {
            let (dir, live, redactor) = {
                let shared = self.outbox.shared();
                let Some(dir) = shared.logs.get(&source).cloned() else { continue };
                (dir, shared.live.contains(&source), shared.redactor.clone())
            };
            let from = self.cursors.logs.get(&source).copied().unwrap_or(0) + 1;
            let state = self.logs.entry(source).or_insert_with(|| LogState::from(&dir, from, &redactor));
            if state.read.is_empty() {
                let next = state.next;
                let reader = state.reader.get_or_insert_with(|| LogReader::from(&dir, next));
                match reader.read(1) {
                    Ok(batch) => {
                        state.next = reader.next();
                        state.dropped += batch.dropped;
                        let cleaner = &mut state.cleaner;
                        let clean = |mut line: LogLine| {
                            cleaner.clean(&mut line, &redactor);
                            text::sized(line)
                        };
                        state.read = batch.lines.into_iter().map(clean).collect();
                    }
                    Err(error) => tracing::warn!(?source, %error, "a log cannot be read"),
                }
            }
            if state.read.is_empty() {
                if !live {
                    state.reader = None;
                }
                continue;
            }
            let (mut lines, mut bytes) = (Vec::new(), 0);
            while let Some((line, size)) = state.read.pop_front() {
                if !lines.is_empty() && bytes + size > LINES_BYTES_MAX {
                    state.read.push_front((line, size));
                    break;
                }
                bytes += size;
                lines.push(line);
            }
            let last = lines.last().map_or(0, |line| line.sequence);
            let dropped = std::mem::take(&mut state.dropped);
            self.turn.push_back(source);
            return Some((
                Frame::LogStream(LogStream { source, lines, dropped }),
                Some((What::Lines(source, last), bytes)),
            ));
        }
        None
    }
}

type Sent = (Frame, Option<(What, usize)>);
