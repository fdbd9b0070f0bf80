//! Search over all logs of an app: releases and builds as one row of lines, newest first, a bounded while at a time.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use sf_actions::{Actor, Permission};
use sf_protocol::report::{LogLine, LogSource};
use sf_store::logs::{self, LogCursor, MAX_LINES_PER_CHUNK, Place, Window};
use sf_store::{Reader, apps, releases};
use sf_types::{AppId, Fault, ReleaseId, RunId, Timestamp};
use tokio::time::Instant;
use uuid::Uuid;

use crate::control::Control;

pub mod pattern;

use pattern::Pattern;

/// How long one request looks; then it says how far it came, and the next goes on there.
pub const SEARCH_TIME: Duration = Duration::from_millis(400);
/// Hits of one answer at the most.
pub const MAX_HITS: u16 = 200;
/// Lines shown on each side of a hit at the most.
pub const MAX_CONTEXT: u8 = 10;
/// Lines read of a log at first; each time twice as many.
const FIRST_CHUNK: u32 = 100;
/// Between two looks at the clock.
const BYTES_BETWEEN_LOOKS: usize = 256 * 1024;

/// What is looked for, and where.
#[derive(Clone, Debug)]
pub struct Search {
    /// What.
    pub pattern: Pattern,
    /// When, and on which stream.
    pub window: Window,
    /// Only in this release.
    pub release: Option<ReleaseId>,
    /// Only in what this run's build said.
    pub run: Option<RunId>,
    /// Go on after this place.
    pub after: Option<Place>,
    /// Hits wanted.
    pub limit: u16,
    /// Lines wanted on each side of a hit.
    pub context: u8,
}

/// A line that was looked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hit {
    /// The line.
    pub line: LogLine,
    /// The log it is from.
    pub source: LogSource,
    /// The number of its release.
    pub release_number: Option<u64>,
    /// What was found in it.
    pub marks: Vec<String>,
    /// The lines around it, itself not included, ascending.
    pub around: Vec<LogLine>,
}

/// What was found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Found {
    /// Newest first.
    pub hits: Vec<Hit>,
    /// Where the next request goes on; `None` when all was looked at.
    pub next: Option<Place>,
    /// The time was over here: what is older was not looked at yet.
    pub until: Option<Timestamp>,
    /// Lines that were looked at.
    pub looked_at: u64,
}

/// How long an app's lines are kept, and what there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogsKept {
    /// At the most.
    pub for_time: Duration,
    /// Bytes at the most.
    pub most_bytes: u64,
    /// Bytes that there are.
    pub bytes: u64,
    /// When the oldest line was written.
    pub oldest_at: Option<Timestamp>,
}

impl Control {
    /// Looks for lines in all logs of an app.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn search_logs(&self, actor: &Actor, app: AppId, search: &Search) -> Result<Found, Fault> {
        let reader = self.view(actor, Permission::AppView)?;
        apps::get(&reader, app).await?;
        let mut lines = Lines::new(&reader, app, search).await?;
        let until = Instant::now() + SEARCH_TIME;
        let (mut found, mut bytes) = (Found::default(), 0);
        let limit = usize::from(search.limit.clamp(1, MAX_HITS));
        while let Some((place, source, line)) = lines.next().await? {
            found.looked_at += 1;
            bytes += line.text.len() + 1;
            if let Some(marks) = search.pattern.find(&line.text) {
                found.hits.push(Hit { line, source, release_number: None, marks, around: Vec::new() });
            }
            if found.hits.len() == limit {
                found.next = Some(place);
                break;
            }
            if lines.has_read || bytes > BYTES_BETWEEN_LOOKS {
                (lines.has_read, bytes) = (false, 0);
                if Instant::now() >= until {
                    (found.next, found.until) = (Some(place), Some(place.at));
                    break;
                }
            }
        }
        name_and_surround(&reader, &mut found.hits, search.context.min(MAX_CONTEXT)).await?;
        Ok(found)
    }

    /// How long an app's lines are kept, and since when there are any.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn logs_kept(&self, actor: &Actor, app: AppId) -> Result<LogsKept, Fault> {
        let reader = self.view(actor, Permission::AppView)?;
        let own = apps::get(&reader, app).await?.settings.0.logs;
        let (for_time, most_bytes) = self.core().options.retention.logs(own);
        let (bytes, oldest_at) = (logs::bytes_of_app(&reader, app).await?, logs::oldest_of_app(&reader, app).await?);
        Ok(LogsKept { for_time, most_bytes, bytes, oldest_at })
    }
}

async fn name_and_surround(reader: &Reader, hits: &mut [Hit], context: u8) -> Result<(), Fault> {
    let mut numbers: HashMap<ReleaseId, u64> = HashMap::new();
    for hit in hits {
        if let LogSource::App { release, .. } = hit.source {
            if let Entry::Vacant(unknown) = numbers.entry(release) {
                unknown.insert(releases::get(reader, release).await?.number);
            }
            hit.release_number = numbers.get(&release).copied();
        }
        if context > 0 {
            hit.around = logs::around(reader, hit.source, hit.line.sequence, context.into()).await?;
            hit.around.retain(|line| line.sequence != hit.line.sequence);
        }
    }
    Ok(())
}

/// All lines of an app's logs as one row, newest first.
struct Lines<'a> {
    reader: &'a Reader,
    search: &'a Search,
    /// Those whose newest line may still be the next, that one last.
    unread: Vec<LogCursor>,
    open: Vec<Open>,
    /// Whether the database was asked since this was last looked at.
    has_read: bool,
}

struct Open {
    id: Uuid,
    source: LogSource,
    lines: VecDeque<LogLine>,
    chunk: u32,
    /// Nothing is left in the database.
    is_read: bool,
}

impl Open {
    fn head(&self) -> Option<Place> {
        self.lines.front().map(|line| place(self.id, line))
    }
}

const fn place(source: Uuid, line: &LogLine) -> Place {
    Place { at: line.at, source, sequence: line.sequence }
}

impl<'a> Lines<'a> {
    async fn new(reader: &'a Reader, app: AppId, search: &'a Search) -> Result<Self, Fault> {
        let asked = |log: &LogCursor| match (log.log(), search.release, search.run) {
            (None, _, _) => false,
            (_, None, None) => true,
            (Some(LogSource::App { release, .. }), wanted, _) => wanted == Some(release),
            (Some(LogSource::Run { run }), _, wanted) => wanted == Some(run),
        };
        let mut unread = logs::logs_of_app(reader, app).await?;
        unread.retain(|log| asked(log) && search.window.from.is_none_or(|from| log.newest_at >= from));
        unread.reverse();
        Ok(Self { reader, search, unread, open: Vec::new(), has_read: true })
    }

    async fn next(&mut self) -> Result<Option<(Place, LogSource, LogLine)>, Fault> {
        loop {
            let best = self.open.iter().enumerate().filter_map(|(at, log)| Some((log.head()?, at))).max();
            // One that is not open yet may hold a newer line only if its newest is.
            let newer = self.unread.pop_if(|log| best.is_none_or(|(head, _)| log.newest_at >= head.at));
            if let Some(log) = newer {
                if let Some(source) = log.log() {
                    let lines = VecDeque::new();
                    self.open.push(Open { id: log.source, source, lines, chunk: FIRST_CHUNK, is_read: false });
                    self.fill(self.open.len() - 1, self.search.after).await?;
                }
                continue;
            }
            let Some((head, at)) = best else { return Ok(None) };
            let (source, line) = match self.open.get_mut(at) {
                Some(log) => (log.source, log.lines.pop_front()),
                None => return Ok(None),
            };
            self.fill(at, Some(head)).await?;
            return Ok(line.map(|line| (head, source, line)));
        }
    }

    /// Reads on where all that was read is used; one that has nothing left is closed.
    async fn fill(&mut self, at: usize, after: Option<Place>) -> Result<(), Fault> {
        let Some(log) = self.open.get_mut(at).filter(|log| log.lines.is_empty()) else { return Ok(()) };
        if !log.is_read {
            let lines = logs::before(self.reader, log.source, self.search.window, after, log.chunk).await?;
            self.has_read = true;
            log.is_read = lines.len() < usize::try_from(log.chunk).unwrap_or(usize::MAX);
            log.chunk = (log.chunk * 2).min(MAX_LINES_PER_CHUNK);
            log.lines = lines.into();
        }
        if log.lines.is_empty() {
            self.open.swap_remove(at);
        }
        Ok(())
    }
}
