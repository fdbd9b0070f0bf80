//! Reads that a node must answer. Signed and bounded in time, without sequence, journal or run.

use serde::{Deserialize, Serialize};
use sf_types::{AppId, CommandId, Fault, FilePath, Millis, NodeId, ReleaseId, ServerId, Timestamp};

use crate::app::AppState;
use crate::build::{BuildPlan, BuildSettings};
use crate::order::GitSource;
use crate::outcome::{AppFacts, Outcome};
use crate::patch::{FileChunk, FileListing, FilesWanted, Preview, Proposed};
use crate::report::{NodeFacts, ServiceReport};
use crate::server::{
    ConsoleChunk, ConsoleWanted, FilesSeen, ServerFilesWanted, ServerReport, TransferBegun, TransferWanted,
};
use crate::wire;

/// What is asked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "query", rename_all = "camelCase", deny_unknown_fields)]
pub enum Query {
    /// What is in this repository, and how would it be built?
    Inspect {
        /// Where.
        source: GitSource,
        /// Overrides to plan with.
        #[serde(default)]
        build: BuildSettings,
    },
    /// Which commit is this reference now?
    Resolve {
        /// Where.
        source: GitSource,
    },
    /// How is this app?
    App {
        /// Which.
        app: AppId,
    },
    /// How is the node?
    #[serde(deserialize_with = "crate::wire::no_fields")]
    Node,
    /// What does the journal say of this command?
    Journal {
        /// Which.
        command: CommandId,
    },
    /// Send metrics every second for this long.
    Watch {
        /// At most [`Query::MAX_WATCH`].
        #[serde(rename = "for")]
        time: Millis,
    },
    /// Which files has its live release? Version [`crate::handshake::PATCH_SINCE`] and above, like the next two.
    Files(FilesWanted),
    /// What is in this file?
    File {
        /// Whose.
        app: AppId,
        /// Which.
        path: FilePath,
        /// From this byte on.
        from: u32,
    },
    /// What would this change do?
    Preview(Box<Proposed>),
    /// Which services of the machine may be steered, and how are they? Version [`crate::handshake::SERVICES_SINCE`] and above.
    #[serde(deserialize_with = "crate::wire::no_fields")]
    Services,
    /// How is this panel server? Version [`crate::handshake::SERVERS_SINCE`] and above, like the next two.
    Server {
        /// Which.
        server: ServerId,
    },
    /// What did its console say, and what will it?
    Console(ConsoleWanted),
    /// What of its files is there?
    ServerFiles(Box<ServerFilesWanted>),
    /// Dial a second connection for bytes of its files.
    Transfer(Box<TransferWanted>),
}

impl Query {
    /// Longest watch a single query may ask for: 2 min.
    pub const MAX_WATCH: Millis = Millis::secs(120);
}

/// The node's answer, signed by `K_node`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Answer {
    /// The query's command id.
    pub command: CommandId,
    /// The node that speaks.
    pub node: NodeId,
    /// When.
    pub at: Timestamp,
    /// What it found, or why not.
    pub reply: Reply,
}

/// What a node found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "reply", content = "value", rename_all = "camelCase", deny_unknown_fields)]
pub enum Reply {
    /// To [`Query::Inspect`].
    Inspected(Box<Inspection>),
    /// To [`Query::Resolve`].
    Resolved(Revision),
    /// To [`Query::App`].
    App(Box<AppReport>),
    /// To [`Query::Node`].
    Node(Box<NodeFacts>),
    /// To [`Query::Journal`]: the signed outcome where there is one.
    Journal(Box<JournalEntry>),
    /// To [`Query::Watch`].
    Watching,
    /// To [`Query::Files`].
    Files(Box<FileListing>),
    /// To [`Query::File`].
    File(Box<FileChunk>),
    /// To [`Query::Preview`].
    Preview(Box<Preview>),
    /// To [`Query::Services`].
    Services(Vec<ServiceReport>),
    /// To [`Query::Server`].
    Server(Box<ServerReport>),
    /// To [`Query::Console`].
    Console(Box<ConsoleChunk>),
    /// To [`Query::ServerFiles`].
    ServerFiles(Box<FilesSeen>),
    /// To [`Query::Transfer`].
    Transfer(TransferBegun),
    /// It could not be answered.
    Fault(Fault),
}

/// A commit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Revision {
    /// 40 or 64 lower-case hex digits.
    pub commit: String,
    /// The branch or tag it was found at.
    pub reference: String,
    /// First line of the message, at most 200 characters; empty where only the reference was looked up.
    pub subject: String,
}

/// What is in a repository.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inspection {
    /// The revision looked at.
    pub revision: Revision,
    /// How it would be built.
    pub plan: BuildPlan,
    /// Branches and tags, at most 200.
    pub references: Vec<String>,
    /// Bytes of the checkout.
    pub size_bytes: u64,
    /// Files of the checkout.
    pub files: u64,
}

/// How an app is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AppReport {
    /// State, live release, port, generation.
    pub facts: AppFacts,
    /// Releases on disk, newest first.
    pub kept: Vec<ReleaseId>,
    /// Processes of the live release.
    pub processes: Vec<ProcessReport>,
}

/// One process tree.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProcessReport {
    /// Release it runs.
    pub release: ReleaseId,
    /// Process id of the child.
    pub pid: u32,
    /// Its state.
    pub state: AppState,
    /// When it was started.
    pub since: Timestamp,
    /// Starts after a crash since the release went live.
    pub restarts: u32,
    /// Resident memory of the tree, bytes.
    pub rss_bytes: u64,
    /// CPU time used by the tree, milliseconds.
    pub cpu_ms: u64,
    /// Listening TCP ports of the tree.
    pub ports: Vec<u16>,
    /// What of its limits is enforced, in words.
    pub enforced: Vec<String>,
}

/// What the journal says of a command.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JournalEntry {
    /// Whether it was ever accepted.
    pub accepted: bool,
    /// How it ended, where it did.
    pub outcome: Option<Outcome>,
    /// Highest number accepted in the epoch.
    #[serde(with = "wire::u64_string")]
    pub high_water: u64,
}
