//! What waits to be told: events, outcomes, log lines, metrics. Bounded on disk, kept while nobody is connected,
//! delivered once (numbers let the control plane take in a repeated delivery once).
//!
//! Events and samples lie in numbered logs of their own, in the same format as the logs of apps; outcomes lie in the
//! journal. What is sent and what is stored over there is kept by [`Delivery`], one for each connection.

mod console;
mod cursors;
mod delivery;
mod text;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sf_protocol::frame::Frame;
use sf_protocol::handshake::VERSIONS;
use sf_protocol::report::{DetectedPorts, LogSource, NodeEvent, StatusUpdate, Stream, SystemLog};
use sf_runtime::redact::Redactor;
use sf_runtime::{Clock, OnError, Tasks};
use sf_types::{AppId, CommandId, ServerId};
use tokio::sync::Notify;

pub use console::CONSOLE_FRAME_BYTES;
pub use delivery::{Delivery, IN_FLIGHT_BYTES_MAX};
pub(crate) use text::sized;

use crate::journal::Journal;
use crate::process::{Process, tree};
use crate::shim::log::{LogLimits, LogWriter};

/// Events kept on disk: 8 segments of 1 MiB, some 30,000 of them.
pub const EVENTS_KEPT: LogLimits = LogLimits { segment_bytes: 1024 * 1024, segments: 8 };
/// Samples kept on disk: 4 segments of 1 MiB, a few days of a small node.
pub const SAMPLES_KEPT: LogLimits = LogLimits { segment_bytes: 1024 * 1024, segments: 4 };
/// Frames that wait to be said at once and are not kept (acknowledgements, answers); beyond, the oldest is dropped:
/// the control plane asks again.
pub const SAY_MAX: usize = 256;
/// Apps in one sample; a node with more sends several.
pub const APPS_PER_SAMPLE: usize = 64;
/// The same of panel servers.
pub const SERVERS_PER_SAMPLE: usize = 32;
/// Numbers left out after a reboot: events and samples that a power cut took may have been sent under them.
const SKIPPED_AFTER_BOOT: u64 = 1000;
/// File that holds the boot in which the events were last written.
const BOOT: &str = "boot";

/// What waits to be told. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Outbox(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    clock: Clock,
    journal: Journal,
    shared: Mutex<Shared>,
    wake: Notify,
    /// Version of the protocol that the control plane was last heard to speak.
    spoken: AtomicU16,
}

#[derive(Debug)]
struct Shared {
    events: LogWriter,
    samples: LogWriter,
    /// Logs known, and their folders.
    logs: BTreeMap<LogSource, PathBuf>,
    /// Logs that are being written.
    live: BTreeSet<LogSource>,
    /// Logs with lines that the delivery has not looked at.
    dirty: BTreeSet<LogSource>,
    say: VecDeque<Frame>,
    /// Outcomes to be sent (again).
    results: VecDeque<CommandId>,
    /// What each app listens on.
    ports: BTreeMap<AppId, DetectedPorts>,
    ports_dirty: BTreeSet<AppId>,
    secrets: BTreeMap<AppId, Vec<String>>,
    redactor: Arc<Redactor>,
    /// What watched servers said and nobody has taken yet.
    consoles: console::Consoles,
}

impl Outbox {
    /// Opens what waits in `dir`.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn open(dir: &Path, clock: Clock, journal: Journal) -> io::Result<Self> {
        let mut events = LogWriter::open(&dir.join("events"), EVENTS_KEPT)?;
        let boot = tree::boot();
        let last_boot = std::fs::read_to_string(dir.join(BOOT)).unwrap_or_default();
        let mut samples = LogWriter::open(&dir.join("samples"), SAMPLES_KEPT)?;
        for log in [&mut events, &mut samples].into_iter().filter(|log| log.head().last > 0 && last_boot.trim() != boot)
        {
            (0..SKIPPED_AFTER_BOOT).for_each(|_| log.lose());
        }
        std::fs::write(dir.join(BOOT), &boot)?;
        let shared = Shared {
            events,
            samples,
            logs: BTreeMap::new(),
            live: BTreeSet::new(),
            dirty: BTreeSet::new(),
            say: VecDeque::new(),
            results: VecDeque::new(),
            ports: BTreeMap::new(),
            ports_dirty: BTreeSet::new(),
            secrets: BTreeMap::new(),
            redactor: Arc::new(Redactor::new([])),
            consoles: console::Consoles::default(),
        };
        let (shared, wake, spoken) = (Mutex::new(shared), Notify::new(), AtomicU16::new(VERSIONS.min));
        Ok(Self(Arc::new(Inner { dir: dir.to_owned(), clock, journal, shared, wake, spoken })))
    }

    /// The control plane speaks this version.
    pub fn speak(&self, version: u16) {
        self.0.spoken.store(version, Ordering::Relaxed);
    }

    /// The version that the control plane was last heard to speak; the oldest until then.
    pub fn spoken(&self) -> u16 {
        self.0.spoken.load(Ordering::Relaxed)
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.0.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Text as it may leave the node.
    pub fn redacted(&self, text: &str) -> String {
        self.redactor().redact(text).into_owned()
    }

    /// What cleans texts that leave the node.
    pub fn redactor(&self) -> Arc<Redactor> {
        Arc::clone(&self.shared().redactor)
    }

    /// Waits until there may be something new to deliver.
    pub async fn woken(&self) {
        self.0.wake.notified().await;
    }

    /// Something happened. Kept until the control plane has it. Where the disk refuses it is sent if somebody is
    /// connected, and lost otherwise.
    pub fn event(&self, event: NodeEvent) {
        let mut shared = self.shared();
        let event = text::cleaned(event, &shared.redactor);
        let at = self.0.clock.now();
        let written = serde_json::to_string(&event).unwrap_or_default();
        let lost = shared.events.head().lost;
        let sequence = shared.events.push(at, Stream::Note, &written);
        shared.events.flush();
        if shared.events.head().lost > lost {
            tracing::warn!(event = %written, "an event could not be written down");
            say(&mut shared, Frame::StatusUpdate(StatusUpdate { sequence, at, event }));
        }
        drop(shared);
        self.0.wake.notify_one();
    }

    /// The agent itself has something to say.
    pub fn notice(&self, code: &str, message: impl Into<String>) {
        let message = message.into();
        tracing::warn!(code, "{message}");
        self.event(NodeEvent::Notice { code: code.to_owned(), message });
    }

    /// A message was refused; somebody may be trying something.
    pub fn refused(&self, kind: &str, reason: String) {
        tracing::warn!(kind, %reason, "refused");
        self.event(NodeEvent::Refused { kind: kind.to_owned(), reason });
    }

    /// Something made room: look again whether there is more to deliver.
    pub fn nudge(&self) {
        self.0.wake.notify_one();
    }

    /// Says a frame now; forgotten when the connection ends.
    pub fn say(&self, frame: Frame) {
        say(&mut self.shared(), frame);
        self.0.wake.notify_one();
    }

    /// An outcome is in the journal, or was asked for again.
    pub fn result(&self, command: CommandId) {
        self.shared().results.push_back(command);
        self.0.wake.notify_one();
    }

    /// Keeps a sample of the node and its apps.
    pub fn sample(&self, sample: &SystemLog) {
        let mut shared = self.shared();
        for part in parts(sample) {
            let written = serde_json::to_string(&part).unwrap_or_default();
            shared.samples.push(part.at, Stream::Note, &written);
        }
        shared.samples.flush();
        drop(shared);
        self.0.wake.notify_one();
    }

    /// Says a sample now, without keeping it: somebody watches.
    pub fn live_sample(&self, sample: &SystemLog) {
        for part in parts(sample) {
            self.say(Frame::SystemLog(part));
        }
    }

    /// What an app listens on now; told when it changed and at each new connection.
    pub fn ports(&self, ports: DetectedPorts) {
        let mut shared = self.shared();
        let app = ports.app;
        if shared.ports.get(&app) != Some(&ports) {
            shared.ports.insert(app, ports);
            shared.ports_dirty.insert(app);
            drop(shared);
            self.0.wake.notify_one();
        }
    }

    /// A log exists in `dir`; its lines are delivered from where the control plane has them.
    pub fn log(&self, source: LogSource, dir: &Path) {
        let mut shared = self.shared();
        shared.logs.insert(source, dir.to_owned());
        shared.dirty.insert(source);
        drop(shared);
        self.0.wake.notify_one();
    }

    /// A known log has new lines.
    pub fn written(&self, source: LogSource) {
        if self.shared().dirty.insert(source) {
            self.0.wake.notify_one();
        }
    }

    /// A known log is being written from now on.
    pub fn begin_log(&self, source: LogSource) {
        self.shared().live.insert(source);
    }

    /// Nothing more is written to a log; what is there is delivered.
    pub fn end_log(&self, source: LogSource) {
        self.shared().live.remove(&source);
        self.written(source);
    }

    /// Logs that are being written.
    pub fn live_logs(&self) -> BTreeSet<LogSource> {
        self.shared().live.clone()
    }

    /// A log is no more.
    pub fn forget_log(&self, source: LogSource) {
        let mut shared = self.shared();
        shared.logs.remove(&source);
        shared.dirty.remove(&source);
        shared.live.remove(&source);
    }

    /// Delivers the log of a process while it runs.
    pub fn follow(&self, source: LogSource, process: &Process, tasks: &Tasks) {
        self.log(source, process.log_dir());
        self.begin_log(source);
        let (outbox, process, shutdown) = (self.clone(), process.clone(), tasks.shutdown());
        tasks.spawn("outbox.follow", OnError::Log, async move {
            let mut written = process.written();
            tokio::select! {
                () = shutdown.requested() => {}
                _ = process.ended() => {}
                () = async { while written.changed().await.is_ok() { outbox.written(source); } } => {}
            }
            outbox.end_log(source);
            Ok::<(), Infallible>(())
        });
    }

    /// Values that must not leave the node in any log or event: those of an app's variables that look secret.
    pub fn secrets(&self, app: AppId, values: Vec<String>) {
        let mut shared = self.shared();
        shared.secrets.insert(app, values);
        let known = Redactor::new(shared.secrets.values().flatten().map(String::as_str));
        shared.redactor = Arc::new(known);
    }

    /// Forgets everything of an app that is no more.
    pub fn forget(&self, app: AppId) {
        let mut shared = self.shared();
        let of_app = |source: &LogSource| matches!(source, LogSource::App { app: of, .. } if *of == app);
        shared.logs.retain(|source, _| !of_app(source));
        shared.dirty.retain(|source| !of_app(source));
        shared.live.retain(|source| !of_app(source));
        shared.ports.remove(&app);
        shared.ports_dirty.remove(&app);
        drop(shared);
        self.secrets(app, Vec::new());
    }

    /// Says what a watched server said, as soon as the connection takes it; what comes meanwhile is put together.
    pub fn console(&self, output: sf_protocol::server::ConsoleOutput) {
        self.shared().consoles.add(output);
        self.0.wake.notify_one();
    }

    /// A server is no more.
    pub fn forget_console(&self, server: ServerId) {
        self.shared().consoles.forget(server);
    }

    /// Number of the newest event.
    pub fn last_event(&self) -> u64 {
        self.shared().events.head().last
    }
}

fn say(shared: &mut Shared, frame: Frame) {
    if shared.say.len() >= SAY_MAX {
        shared.say.pop_front();
    }
    shared.say.push_back(frame);
}

/// A sample in parts that fit a line and a frame; the time identifies each.
fn parts(sample: &SystemLog) -> Vec<SystemLog> {
    let (mut apps, mut servers) = (sample.apps.chunks(APPS_PER_SAMPLE), sample.servers.chunks(SERVERS_PER_SAMPLE));
    let part = |index: usize| {
        let (apps, servers) = (apps.next(), servers.next());
        let at = sample.at.plus(std::time::Duration::from_millis(index as u64));
        let owned = (apps.unwrap_or_default().to_vec(), servers.unwrap_or_default().to_vec());
        let held = sample.held.clone().filter(|_| index == 0);
        let part = SystemLog { at, node: sample.node, apps: owned.0, servers: owned.1, held };
        // The machine itself is in the first one, whatever runs on it.
        (index == 0 || apps.is_some() || servers.is_some()).then_some(part)
    };
    (0..).map_while(part).collect()
}

#[cfg(test)]
mod tests;
