//! What a command says while it works: steps as events, output in the run's log.

use std::sync::Mutex;
use std::sync::PoisonError;

use sf_protocol::outcome::{Step, StepTime};
use sf_protocol::report::{LogSource, NodeEvent, StepState, Stream};
use sf_runtime::Clock;
use sf_types::{CommandId, RunId, Timestamp};
use tokio::time::Instant;

use crate::outbox::Outbox;
use crate::shim::log::{LogLimits, LogWriter, MAX_LINE_BYTES};
use crate::state::StateDir;

/// How much of a run's output is kept: 8 segments of 512 KiB.
const LOG_KEPT: LogLimits = LogLimits { segment_bytes: 512 * 1024, segments: 8 };

/// The voice of one command.
#[derive(Debug)]
pub struct Progress {
    command: Option<CommandId>,
    outbox: Outbox,
    clock: Clock,
    /// When work began.
    pub started_at: Timestamp,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    log: Option<(LogSource, LogWriter)>,
    step: Option<(Step, Instant)>,
    timings: Vec<StepTime>,
}

impl Progress {
    /// For one command; its output goes to the log of `run`. Without a log (disk full) it goes on without one.
    pub fn new(command: CommandId, run: Option<RunId>, state: &StateDir, outbox: &Outbox, clock: &Clock) -> Self {
        let log = run.and_then(|run| {
            let dir = state.run_log(run);
            let writer = LogWriter::open(&dir, LOG_KEPT);
            let writer = writer.inspect_err(|error| tracing::warn!(%run, %error, "the run's log cannot be written"));
            let source = LogSource::Run { run };
            outbox.log(source, &dir);
            let writer = writer.ok()?;
            outbox.begin_log(source);
            Some((source, writer))
        });
        let inner = Inner { log, step: None, timings: Vec::new() };
        let (outbox, clock) = (outbox.clone(), clock.clone());
        Self { command: Some(command), outbox, started_at: clock.now(), clock, inner: Mutex::new(inner) }
    }

    /// For work that no command asked for.
    pub fn silent(outbox: &Outbox, clock: &Clock) -> Self {
        let inner = Inner { log: None, step: None, timings: Vec::new() };
        let (outbox, clock) = (outbox.clone(), clock.clone());
        Self { command: None, outbox, started_at: clock.now(), clock, inner: Mutex::new(inner) }
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A step begins.
    pub fn begin(&self, step: Step, note: &str) {
        self.inner().step = Some((step, Instant::now()));
        self.say(step, StepState::Started, note);
    }

    /// The step under way ended well.
    pub fn done(&self, note: &str) {
        self.end(StepState::Done, note);
    }

    /// The step under way failed.
    pub fn failed(&self, note: &str) {
        self.end(StepState::Failed, note);
    }

    /// A step was not needed.
    pub fn skipped(&self, step: Step, note: &str) {
        self.say(step, StepState::Skipped, note);
    }

    fn end(&self, state: StepState, note: &str) {
        let Some((step, since)) = self.inner().step.take() else { return };
        self.time(step, u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX));
        self.say(step, state, note);
    }

    /// Install and build ended well and took these times.
    pub fn built(&self, timings: &[StepTime]) {
        self.inner().step = None;
        for time in timings {
            self.time(time.step, time.took_ms);
            self.say(time.step, StepState::Done, &format!("{} ms", time.took_ms));
        }
    }

    fn time(&self, step: Step, took_ms: u64) {
        self.inner().timings.push(StepTime { step, took_ms });
    }

    /// How long each step took so far.
    pub fn timings(&self) -> Vec<StepTime> {
        self.inner().timings.clone()
    }

    fn say(&self, step: Step, state: StepState, note: &str) {
        match self.command {
            Some(command) => self.outbox.event(NodeEvent::Step { command, step, state, note: note.to_owned() }),
            None => tracing::debug!(?step, ?state, note),
        }
        let word = match state {
            StepState::Started => "begins",
            StepState::Done => "done",
            StepState::Skipped => "skipped",
            StepState::Failed => "failed",
        };
        let colon = if note.is_empty() { "" } else { ": " };
        self.line(Stream::Note, &format!("{} {word}{colon}{note}", name(step)));
    }

    /// One line of output.
    pub fn line(&self, stream: Stream, text: &str) {
        let mut inner = self.inner();
        let Some((source, log)) = &mut inner.log else { return };
        let at = self.clock.now();
        for part in text.split(['\n', '\r']).filter(|part| !part.is_empty()) {
            log.push(at, stream, &part[..part.floor_char_boundary(MAX_LINE_BYTES)]);
        }
        log.flush();
        self.outbox.written(*source);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((source, _)) = self.inner().log.take() {
            self.outbox.end_log(source);
        }
    }
}

/// The word people see.
pub const fn name(step: Step) -> &'static str {
    match step {
        Step::Fetch => "fetch",
        Step::Detect => "detect",
        Step::Install => "install",
        Step::Build => "build",
        Step::Start => "start",
        Step::Health => "health check",
        Step::Switch => "switch",
        Step::Drain => "drain",
        Step::StopOld => "stop old release",
        Step::Watch => "watch",
        Step::Return => "return",
        Step::Stop => "stop",
        Step::Remove => "remove",
        Step::Configure => "configure",
        Step::Certificate => "certificate",
        Step::Check => "check",
        Step::Write => "write",
        Step::Signal => "signal",
        Step::Steer => "steer",
        Step::Edit => "edit files",
    }
}
