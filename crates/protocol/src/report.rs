//! What an agent reports by itself. Not signed one by one: the connection they arrive on is bound to the node's key.

use serde::{Deserialize, Serialize};
use sf_types::{AppId, CommandId, Port, ReleaseId, RunId, Slug, Timestamp};

use crate::app::AppState;
use crate::order::ServiceVerb;
use crate::outcome::Step;
use crate::schedule::ScheduleReport;
use crate::server::{ServerReport, ServerSample};
use crate::site::SiteReport;
use crate::wire;

/// STATUS_UPDATE: one thing that happened. `sequence` counts per node and never repeats, so that a backlog is
/// taken in once.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StatusUpdate {
    /// Number of this event on this node, from 1.
    #[serde(with = "wire::u64_string")]
    pub sequence: u64,
    /// When it happened on the node.
    pub at: Timestamp,
    /// What happened.
    pub event: NodeEvent,
}

/// What can happen on a node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "camelCase", deny_unknown_fields)]
pub enum NodeEvent {
    /// A step of a command began, ended or failed.
    Step {
        /// The command.
        command: CommandId,
        /// The step.
        step: Step,
        /// What became of it.
        state: StepState,
        /// For people, one line: "npm ci (lockfile unchanged)".
        note: String,
    },
    /// An app changed by itself: a crash, a restart, a give-up.
    App {
        /// The app.
        app: AppId,
        /// Its live release.
        release: Option<ReleaseId>,
        /// What it is now.
        state: AppState,
        /// Restarts of the live release.
        restarts: u32,
        /// Why: "exited with code 1 after 3.2 s; starting again in 0.5 s".
        reason: String,
    },
    /// A site or its certificate changed by itself: renewed, or its renewal failed. Version
    /// [`crate::handshake::SITES_SINCE`] and above.
    Site {
        /// How it is now.
        site: SiteReport,
    },
    /// A run of a schedule began or ended. Version [`crate::handshake::SCHEDULES_SINCE`] and above.
    Schedule {
        /// How it is.
        report: ScheduleReport,
    },
    /// A panel server changed: by an order or by itself. Version [`crate::handshake::SERVERS_SINCE`] and above.
    Server {
        /// How it is now.
        report: ServerReport,
    },
    /// A message was refused; somebody may be trying something.
    Refused {
        /// The outer type of the frame.
        kind: String,
        /// Why.
        reason: String,
    },
    /// The agent itself has something to say: a damaged journal, a full disk, a clock that jumped.
    Notice {
        /// Stable code: `journal.truncated`.
        code: String,
        /// For people.
        message: String,
    },
}

/// Where a step stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StepState {
    /// It began.
    Started,
    /// It ended well.
    Done,
    /// It was not needed; the note says why.
    Skipped,
    /// It failed; the note says why.
    Failed,
}

/// LOG_STREAM: lines of one log. Sequence numbers are the log's own and survive the agent, so that a backlog is
/// taken in once.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogStream {
    /// Which log.
    pub source: LogSource,
    /// Lines, ascending.
    pub lines: Vec<LogLine>,
    /// Lines lost before the first of these, because a limit was reached.
    pub dropped: u64,
}

/// Which log.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(tag = "log", rename_all = "camelCase", deny_unknown_fields)]
pub enum LogSource {
    /// Output of an app's processes, one log for all restarts of one release.
    App {
        /// The app.
        app: AppId,
        /// The release.
        release: ReleaseId,
    },
    /// What fetching and building said.
    Run {
        /// The run.
        run: RunId,
    },
}

/// One line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogLine {
    /// Number in its log, from 1.
    #[serde(with = "wire::u64_string")]
    pub sequence: u64,
    /// When it was read.
    pub at: Timestamp,
    /// Where it was written.
    pub stream: Stream,
    /// The text without its newline, at most 16 KiB of UTF-8 (other bytes are replaced).
    pub text: String,
}

/// Bytes of a log line at the most; a longer one comes in pieces.
pub const MAX_LINE_BYTES: usize = 16 * 1024;
/// At the end of a piece of a longer line whose rest follows as the next line.
pub const GOES_ON: &str = "…";

/// The piece without its mark, where a line is a piece of a longer one as it was cut. A shorter line that happens to end
/// with the mark is none.
pub fn piece_of_longer(text: &str) -> Option<&str> {
    // A cut keeps characters whole, so a piece may lack a few bytes.
    piece(text, 8)
}

/// The same of a line that was redacted since: a piece then lacks what moved into the next one.
pub fn redacted_piece(text: &str) -> Option<&str> {
    piece(text, 1024)
}

fn piece(text: &str, lacking: usize) -> Option<&str> {
    text.strip_suffix(GOES_ON).filter(|_| text.len() + lacking >= MAX_LINE_BYTES)
}

/// Where a line was written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
    /// A terminal, which has but one.
    Tty,
    /// Said by ServerFlow itself.
    Note,
}

/// DETECTED_PORTS: what an app listens on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DetectedPorts {
    /// The app.
    pub app: AppId,
    /// The release.
    pub release: ReleaseId,
    /// TCP ports its processes listen on, ascending.
    pub ports: Vec<Port>,
    /// Its stable port.
    pub stable: Option<Port>,
}

/// SYSTEM_LOG: one sample of the node and its apps.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SystemLog {
    /// When it was taken; identifies it.
    pub at: Timestamp,
    /// The machine.
    pub node: NodeSample,
    /// The apps.
    pub apps: Vec<AppSample>,
    /// The panel servers. Version [`crate::handshake::SERVERS_SINCE`] and above.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<ServerSample>,
    /// TCP and UDP ports that something on the machine has and no panel server of it was given, ascending, at the most
    /// [`SystemLog::MAX_HELD`]; `None` where nobody has looked. Version [`crate::handshake::SERVERS_SINCE`] and above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Vec<u16>>,
}

impl SystemLog {
    /// Ports in [`SystemLog::held`] at the most: the lowest ones, since those are given first.
    pub const MAX_HELD: usize = 256;
}

/// The machine at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeSample {
    /// CPU use since the last sample, thousandths of all cores together.
    pub cpu_permille: u32,
    /// One-minute load average, thousandths.
    pub load_permille: u32,
    /// Memory in use, bytes.
    pub memory_used: u64,
    /// Memory of the machine, bytes.
    pub memory_total: u64,
    /// Disk in use where the agent keeps its state, bytes.
    pub disk_used: u64,
    /// Size of that disk, bytes.
    pub disk_total: u64,
    /// Bytes received since the last sample.
    pub net_received: u64,
    /// Bytes sent since the last sample.
    pub net_sent: u64,
    /// Seconds since boot.
    pub uptime_secs: u64,
    /// Resident memory of the agent itself, bytes.
    pub agent_rss: u64,
}

/// One app at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AppSample {
    /// The app.
    pub app: AppId,
    /// Its state.
    pub state: AppState,
    /// CPU use since the last sample, thousandths of one core.
    pub cpu_permille: u32,
    /// Resident memory of its processes, bytes.
    pub memory: u64,
    /// Processes.
    pub processes: u32,
    /// Requests its relay answered since the last sample.
    pub requests: u64,
    /// Restarts of the live release.
    pub restarts: u32,
}

/// What a node is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeFacts {
    /// Host name.
    pub host: String,
    /// `Debian GNU/Linux 12`.
    pub os: String,
    /// Kernel release.
    pub kernel: String,
    /// `x86_64`.
    pub arch: String,
    /// Logical processors.
    pub cpus: u32,
    /// Memory, bytes.
    pub memory: u64,
    /// Agent version.
    pub agent_version: String,
    /// Whether it runs as root.
    pub root: bool,
    /// What confinement this machine enforces, in words: "landlock 6, seccomp, cgroup v1 memory cpu pids".
    pub enforces: Vec<String>,
    /// Who owns the node's policy file, and which classes it opens.
    pub policy: String,
    /// Tools found: `git 2.47.3`, `node 20.20.2`.
    pub tools: Vec<String>,
}

/// A service of the machine that may be steered from afar.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceReport {
    /// Its name.
    pub name: Slug,
    /// What steers it, in words: `systemd unit postgresql.service`.
    pub by: String,
    /// How it is.
    pub state: ServiceState,
    /// What can be done to it.
    pub verbs: Vec<ServiceVerb>,
}

/// How a service is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ServiceState {
    /// It runs.
    Running,
    /// It does not.
    Stopped,
    /// The node's owner names no way to see it, or it gave no answer.
    Unknown,
}

/// STORED: the control plane has these; the agent may forget them.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Stored {
    /// Outcomes stored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<CommandId>,
    /// Events stored up to this number; 0 for none.
    #[serde(default, with = "wire::u64_string")]
    pub events: u64,
    /// Log lines stored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<LogStored>,
    /// Samples stored up to this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Timestamp>,
}

/// How far one log is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogStored {
    /// Which log.
    pub source: LogSource,
    /// Up to and including this line.
    #[serde(with = "wire::u64_string")]
    pub up_to: u64,
}
