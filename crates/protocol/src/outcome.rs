//! What came of a command: signed by the node, kept in its journal, stored with the run.

use serde::{Deserialize, Serialize};
use sf_types::{CommandId, Fault, NodeId, Port, ReleaseId, Timestamp};

use crate::app::AppState;
use crate::build::{Builder, PathTaken};
use crate::patch::PatchFacts;
use crate::report::ServiceState;
use crate::server::{FileFacts, ServerReport};
use crate::site::SiteReport;
use crate::wire;

/// The node's word on one command. Signed by `K_node`; written to the journal before it is sent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Outcome {
    /// The command.
    pub command: CommandId,
    /// The node that speaks.
    pub node: NodeId,
    /// How it ended.
    pub verdict: Verdict,
    /// Why, unless it succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// What is true now.
    pub facts: Facts,
    /// When work began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
}

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// Done and verified.
    Succeeded,
    /// Not done; what was true before is true now.
    Failed,
    /// Done, found bad, and undone: the previous state serves.
    RolledBack,
    /// Refused by the node: signature, sequence, expiry, local policy.
    Refused,
    /// The guard no longer held; nothing was done.
    GuardMoved,
    /// Stopped on request; what was true before is true now.
    Cancelled,
    /// A void took its number.
    Voided,
}

/// What is true after a command, by kind.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum Facts {
    /// Nothing to tell.
    #[serde(deserialize_with = "crate::wire::no_fields")]
    None,
    /// After DEPLOY.
    Deploy(DeployFacts),
    /// After APP_ACTION.
    App(AppFacts),
    /// After PROVISION_DOMAIN: how the site is now; `None` when it is not there.
    Site {
        /// Its state.
        site: Option<SiteReport>,
    },
    /// After PATCH.
    Patch(Box<PatchFacts>),
    /// After SERVICE_ACTION.
    Service {
        /// How it is now.
        state: ServiceState,
    },
    /// After SERVER_ACTION: how the server is now; `None` when it is not there.
    Server {
        /// Its state.
        server: Option<Box<ServerReport>>,
    },
    /// After FILE_ACTION that was done.
    File(Box<FileFacts>),
}

/// What is true after a deploy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeployFacts {
    /// The release that was to go live.
    pub release: ReleaseId,
    /// Its commit, once fetched.
    pub commit: Option<String>,
    /// First line of the commit message, at most 200 characters.
    pub subject: Option<String>,
    /// Its builder, once detected.
    pub builder: Option<Builder>,
    /// The release that serves now.
    pub live_release: Option<ReleaseId>,
    /// The app's stable port.
    pub port: Option<Port>,
    /// Releases on the node's disk, newest first.
    pub kept: Vec<ReleaseId>,
    /// Time each step took.
    pub timings: Vec<StepTime>,
    /// Generation the node holds.
    #[serde(with = "wire::u64_string")]
    pub generation: u64,
    /// The app's state.
    pub state: AppState,
    /// What was left out of the making, once it was decided. Version [`crate::handshake::BUILDERS_SINCE`] and above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathTaken>,
}

impl DeployFacts {
    /// The facts as a peer of `version` reads them.
    #[must_use]
    pub fn spoken(mut self, version: u16) -> Self {
        self.path = self.path.filter(|_| version >= crate::handshake::BUILDERS_SINCE);
        self.builder = self.builder.map(|builder| builder.spoken(version));
        self
    }
}

/// What is true of an app.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AppFacts {
    /// Its state.
    pub state: AppState,
    /// The release that is live.
    pub live_release: Option<ReleaseId>,
    /// Generation the node holds.
    #[serde(with = "wire::u64_string")]
    pub generation: u64,
    /// Its stable port.
    pub port: Option<Port>,
    /// How the last process was stopped, where one was: `SIGTERM after 0.4 s`.
    pub stopped_by: Option<String>,
}

/// Steps of a command, in the order they happen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    /// Get the revision.
    Fetch,
    /// Find out how to build it.
    Detect,
    /// Fetch dependencies.
    Install,
    /// Build.
    Build,
    /// Start the new release on its own port.
    Start,
    /// Wait until it is healthy.
    Health,
    /// Point the stable port at it.
    Switch,
    /// Let the old release finish what it holds.
    Drain,
    /// Stop the old release.
    StopOld,
    /// Live; watched for a crash.
    Watch,
    /// Going back to the old release.
    Return,
    /// Stop processes (APP_ACTION).
    Stop,
    /// Remove files (APP_ACTION, DELETE_PROXY).
    Remove,
    /// Have nginx serve a domain (PROVISION_DOMAIN, DELETE_PROXY).
    Configure,
    /// Get its certificate.
    Certificate,
    /// Judge a change of a file: its hash, its syntax, its difference (PATCH).
    Check,
    /// Write the file (PATCH).
    Write,
    /// Tell the process of it (PATCH).
    Signal,
    /// Start, stop, restart or reload a service (SERVICE_ACTION).
    Steer,
    /// Set what a server's files must say before it starts (SERVER_ACTION).
    Edit,
}

/// How long a step took.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StepTime {
    /// The step.
    pub step: Step,
    /// Milliseconds.
    pub took_ms: u64,
}

/// Signed by `K_node` when a command is in the journal, before any effect.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Accepted {
    /// The command.
    pub command: CommandId,
    /// Its number.
    #[serde(with = "wire::u64_string")]
    pub sequence: u64,
    /// When it was written down.
    pub accepted_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::HotPath;
    use crate::handshake::BUILDERS_SINCE;
    use sf_types::TypedId;

    #[test]
    fn an_older_peer_is_told_what_it_knows() {
        let facts = DeployFacts {
            release: ReleaseId::from_parts(Timestamp::from_millis(1), [1; 10]),
            commit: None,
            subject: None,
            builder: Some(Builder::Go),
            live_release: None,
            port: None,
            kept: Vec::new(),
            timings: Vec::new(),
            generation: 1,
            state: AppState::Running,
            path: Some(PathTaken { path: HotPath::SkipInstall, because: "package-lock.json is unchanged".to_owned() }),
        };
        let text = |facts: &DeployFacts| String::from_utf8(wire::write(facts)).unwrap();
        assert_eq!(facts.clone().spoken(BUILDERS_SINCE), facts);
        assert!(text(&facts).contains(r#""path":{"path":"skipInstall","because":"package-lock.json is unchanged"}"#));
        let older = facts.spoken(BUILDERS_SINCE - 1);
        assert_eq!(older.builder, Some(Builder::Commands));
        assert!(!text(&older).contains("path"));
        assert_eq!(wire::parse::<DeployFacts>(text(&older).as_bytes()).unwrap(), older);
    }
}
