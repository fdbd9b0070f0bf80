//! Panel servers, as far as their node has to know: what is resolved from a template (an Alt) and its variables. A node
//! never sees a template. Version [`crate::handshake::SERVERS_SINCE`] and above.

mod console;
mod edit;
mod file;
mod rule;
mod transfer;

pub use console::{ConsoleChunk, ConsoleOutput, ConsoleWanted};
pub use edit::{EditValue, FileEdit, Parser, SecretMark, SetKey};
pub use file::{
    EntryKind, FileAction, FileContent, FileEntry, FileFacts, FileLook, FileMatch, FileMatches, FilePiece, FileVerb,
    FilesSeen, FilesUsage, FolderPage, SearchStop, ServerFilesWanted,
};
pub use rule::{Match, Ready, Stop};
pub use transfer::{PIECE_BYTES, Transfer, TransferBegun, TransferEnd, TransferWanted, Upload};

use serde::{Deserialize, Serialize};
use sf_types::{AppId, ByteSize, Millis, ServerId, Slug, Timestamp};

use crate::app::{EnvVar, RestartRule, SecretVar};
use crate::wire;

/// The lasting state of one server on its node. Whatever changes it raises `generation`; the node keeps the highest it
/// has seen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerSpec {
    /// The server.
    pub server: ServerId,
    /// Its name on the node's disk and in messages.
    pub slug: Slug,
    /// Raised by every change; never lowered.
    #[serde(with = "wire::u64_string")]
    pub generation: u64,
    /// What it runs in.
    pub runtime: ServerRuntime,
    /// What is started.
    pub startup: Startup,
    /// Its variables, in order; later ones win. `HOME`, `PATH` and the like are the node's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<EnvVar>,
    /// Variables that are secrets, sealed to this node for [`ServerSpec::sealed_for`]; no name is also in `env`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretVar>,
    /// What is set in its files before each start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<FileEdit>,
    /// When it counts as running.
    pub ready: Ready,
    /// How it is stopped.
    pub stop: Stop,
    /// What happens when it ends by itself.
    #[serde(default)]
    pub restart: RestartRule,
    /// What it may use.
    #[serde(default)]
    pub limits: ServerLimits,
    /// Where it listens, the first one by default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allocations: Vec<Allocation>,
    /// Patterns of paths (as in `.gitignore`) that nobody may touch by hand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denied: Vec<String>,
    /// Whether it is kept stopped, whoever asks.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspended: bool,
}

impl ServerSpec {
    /// What a server's values are sealed for: its own id, where an app's has that of the app. It is also the name its shim
    /// holds it by, which opens them.
    pub const fn sealed_for(server: ServerId) -> AppId {
        AppId::from_uuid(server.uuid())
    }
}

/// What a server runs in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum ServerRuntime {
    /// A process of its own unprivileged user.
    #[serde(deserialize_with = "crate::wire::no_fields")]
    Process,
    /// A container of the node's engine.
    Docker {
        /// Its image: `ghcr.io/pterodactyl/yolks:java_21`.
        image: String,
    },
}

/// What is started.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum Startup {
    /// Program and arguments, variables already put in; never a line for a shell.
    Argv {
        /// At least the program.
        argv: Vec<String>,
    },
    /// Code for the shell of the image's own entry point, given to it as `STARTUP`. In containers only.
    Shell {
        /// With `{{NAME}}` where a variable goes.
        line: String,
    },
}

/// What a server may use. `None` is no limit of our own.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerLimits {
    /// Memory of the whole process tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<ByteSize>,
    /// Swap beside it; none where it says 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swap: Option<ByteSize>,
    /// CPU in percent of one core.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_percent: Option<u32>,
    /// Bytes of its files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<ByteSize>,
    /// Processes and threads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pids: Option<u32>,
}

/// A port that is a server's own.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Allocation {
    /// Address of the node that it listens on.
    pub ip: std::net::IpAddr,
    /// TCP and UDP port.
    pub port: u16,
}

/// SERVER_ACTION: make, steer or remove a server. It brings the whole server along, so that the node never has to ask.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerAction {
    /// The server as it shall be.
    pub spec: ServerSpec,
    /// What to do.
    pub verb: ServerVerb,
    /// Time for everything.
    pub time_limit: Millis,
}

/// What can be done to a server.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "camelCase", deny_unknown_fields)]
pub enum ServerVerb {
    /// Make its folder and run its install script; a running server is stopped first.
    Install {
        /// What is run; the folder alone is made where `None`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        script: Option<InstallScript>,
        /// Whether its files are deleted before.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        wipe: bool,
    },
    /// Take over the new spec; what runs goes on as it was started.
    #[serde(deserialize_with = "crate::wire::no_fields")]
    Configure,
    /// Start it and wait until it is ready.
    #[serde(deserialize_with = "crate::wire::no_fields")]
    Start,
    /// Stop it by its rule.
    #[serde(deserialize_with = "crate::wire::no_fields")]
    Stop,
    /// Stop it, where it runs, and start it.
    #[serde(deserialize_with = "crate::wire::no_fields")]
    Restart,
    /// End it at once by KILL, also while it is being stopped.
    #[serde(deserialize_with = "crate::wire::no_fields")]
    Kill,
    /// Write a line to its standard input.
    Command {
        /// At most [`ServerVerb::COMMAND_BYTES`], without line breaks.
        line: String,
    },
    /// Kill it and delete everything of it.
    #[serde(deserialize_with = "crate::wire::no_fields")]
    Delete,
}

impl ServerVerb {
    /// Bytes of a console command at the most.
    pub const COMMAND_BYTES: usize = 1024;
}

/// What sets a server up, in a confined step of its own with the server's files at `/mnt/server`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InstallScript {
    /// The image it runs in; `None` for a process of the server's own user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// What reads the script: `bash`, `ash`, `/bin/sh`.
    pub entrypoint: String,
    /// The script, at most [`InstallScript::MAX_BYTES`].
    pub script: String,
}

impl InstallScript {
    /// Bytes of a script at the most: what fits a frame beside the rest.
    pub const MAX_BYTES: usize = 32 * 1024;
}

/// What a server is doing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ServerState {
    /// It does not run.
    Stopped,
    /// Its process runs and is not ready.
    Starting,
    /// It is ready.
    Running,
    /// It is being stopped.
    Stopping,
    /// It ended by itself too often, or could not be started; waits for a person.
    Error,
}

/// Whether a server's files are there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum InstallState {
    /// Never installed.
    Missing,
    /// The script runs.
    Installing,
    /// It ended well.
    Installed,
    /// It did not.
    Failed,
}

/// How a server is: in outcomes, answers and STATUS_UPDATE.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerReport {
    /// The server.
    pub server: ServerId,
    /// Generation the node holds.
    #[serde(with = "wire::u64_string")]
    pub generation: u64,
    /// What it is doing.
    pub state: ServerState,
    /// Whether its files are there.
    pub install: InstallState,
    /// Since when.
    pub since: Timestamp,
    /// Why: "exited with code 1 after 3.2 s; starting again in 0.5 s".
    pub reason: String,
    /// Starts after a crash.
    pub restarts: u32,
    /// How it was stopped the last time it was: `command stop after 1.4 s`, `SIGINT after 0.2 s`, `SIGKILL after 30.0 s`.
    pub stopped_by: Option<String>,
    /// What of its limits is enforced, in words.
    pub enforced: Vec<String>,
    /// Bytes of its files, as last counted.
    pub disk_bytes: u64,
}

/// One server at one moment: of SYSTEM_LOG, and of CONSOLE_OUTPUT while it is watched.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerSample {
    /// The server.
    pub server: ServerId,
    /// Its state.
    pub state: ServerState,
    /// CPU use since the last sample, thousandths of one core.
    pub cpu_permille: u32,
    /// Resident memory of its processes, bytes.
    pub memory: u64,
    /// Processes.
    pub processes: u32,
    /// Bytes of its files, as last counted.
    pub disk: u64,
    /// Bytes received since the last sample; `None` where they cannot be told from the machine's.
    pub net_received: Option<u64>,
    /// Bytes sent since the last sample.
    pub net_sent: Option<u64>,
    /// Milliseconds since it was started; 0 while it does not run.
    pub uptime_ms: u64,
}
