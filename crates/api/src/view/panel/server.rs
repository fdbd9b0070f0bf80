//! Servers of the panel as they are shown.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sf_control::queries::panel::shown_place;
use sf_control::queries::rights::NamedGrant;
use sf_protocol::server::{ConsoleChunk, ServerReport};
use sf_store::allocations::Allocation;
use sf_store::servers::Server;
use sf_store::users::User;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::view::log::LineView;
use crate::view::rights::GrantView;
use crate::view::{Time, word};

/// A server of the panel.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Server)]
pub struct ServerView {
    /// Its id.
    pub id: Uuid,
    /// Its name, unique within its project.
    pub name: String,
    /// The machine it lives on.
    pub node_id: Uuid,
    /// The project that owns it.
    pub project_id: Uuid,
    /// Whose it is.
    pub owner_id: Uuid,
    /// The template it is made from.
    pub alt_id: Uuid,
    /// Which version of it.
    pub alt_version: u32,
    /// How it is run.
    #[schema(value_type = ServerSettings)]
    pub settings: sf_actions::server::ServerSettings,
    /// Whether it is kept stopped.
    pub suspended: bool,
    /// Raised by every lasting change; goes into a change as `from`.
    pub generation: u64,
    /// What it does, as last heard: `stopped`, `starting`, `running`, `stopping` or `error`.
    pub state: String,
    /// Whether its files are there, as last heard: `missing`, `installing`, `installed` or `failed`.
    pub install: String,
    /// Since when its machine says nothing, so that the rest is not known to hold any more; null while it is connected.
    pub unknown_since: Option<Time>,
    /// The machine's last word; null where it has said nothing.
    pub report: Option<ServerReportView>,
    /// When that was.
    pub heard_at: Option<Time>,
    /// Its ports, the first one first.
    pub allocations: Vec<AllocationView>,
    /// When it was made.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

/// How a server is, in its machine's words.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ServerReport)]
pub struct ServerReportView {
    /// What it does: `stopped`, `starting`, `running`, `stopping` or `error`.
    pub state: String,
    /// Whether its files are there: `missing`, `installing`, `installed` or `failed`.
    pub install: String,
    /// Since when.
    pub since: Time,
    /// Why.
    pub reason: String,
    /// Starts after a crash.
    pub restarts: u32,
    /// How it was stopped the last time it was.
    pub stopped_by: Option<String>,
    /// What of its limits is enforced, in words.
    pub enforced: Vec<String>,
    /// Bytes of its files, as last counted.
    pub disk_bytes: u64,
    /// Generation the machine holds: it runs with older settings where it is lower than the server's.
    pub generation: u64,
}

/// Somebody who was given rights at a server.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ServerPerson)]
pub struct ServerPersonView {
    /// Their id.
    pub id: Uuid,
    /// What they are called.
    pub name: String,
    /// Their address.
    pub email: String,
    /// What they were given at this server itself.
    pub grants: Vec<GrantView>,
}

impl From<(User, Vec<NamedGrant>)> for ServerPersonView {
    fn from((user, grants): (User, Vec<NamedGrant>)) -> Self {
        let grants = grants.into_iter().map(GrantView::of).collect();
        Self { id: user.id.uuid(), name: user.name, email: user.email, grants }
    }
}

/// A port of a machine.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Allocation)]
pub struct AllocationView {
    /// Its id.
    pub id: Uuid,
    /// The machine.
    pub node_id: Uuid,
    /// Address it is bound to there.
    pub ip: String,
    /// The port, for TCP and UDP.
    pub port: u32,
    /// What people connect to in place of the address.
    pub alias: Option<String>,
    /// Where people connect to: `play.example.org:25565`.
    pub place: String,
    /// Whose own it is.
    pub server_id: Option<Uuid>,
    /// Whether it is that server's first one.
    pub is_default: bool,
}

/// How a server is run; what is left out is as its template says.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerSettings {
    /// For people.
    #[serde(default)]
    pub description: String,
    /// The label of one of its template's images.
    #[serde(default)]
    pub image: Option<String>,
    /// The label of one of its template's ways to start.
    #[serde(default)]
    pub startup: Option<String>,
    /// Values of its template's variables.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Names of its project's secrets that are the values of variables, by the variables' names.
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
    /// What it may use.
    #[serde(default)]
    pub limits: ServerLimits,
    /// Ports that its people may have in all.
    #[serde(default)]
    pub allocation_limit: u16,
    /// What happens when it ends by itself.
    #[serde(default)]
    #[schema(value_type = crate::view::settings::RestartRule)]
    pub restart: serde_json::Value,
}

/// What a server may use; nothing is no limit.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerLimits {
    /// Bytes of memory of the whole process tree.
    #[serde(default)]
    pub memory: Option<u64>,
    /// Bytes of swap beside it; none where 0.
    #[serde(default)]
    pub swap: Option<u64>,
    /// CPU in percent of one core.
    #[serde(default)]
    pub cpu_percent: Option<u32>,
    /// Bytes of its files.
    #[serde(default)]
    pub disk: Option<u64>,
    /// Processes and threads.
    #[serde(default)]
    pub pids: Option<u32>,
}

/// Lines of a console.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ConsoleLines)]
pub struct ConsoleView {
    /// Lines, ascending.
    pub lines: Vec<LineView>,
    /// Number of the oldest line that is still kept.
    pub oldest: u64,
    /// Number of the newest line.
    pub newest: u64,
}

impl ServerView {
    /// A server. `unknown_since` is when its machine was last heard of, where it is not connected.
    pub fn of(server: Server, ports: Vec<Allocation>, unknown_since: Option<sf_types::Timestamp>) -> Self {
        Self {
            id: server.id.uuid(),
            name: server.name.to_string(),
            node_id: server.node.uuid(),
            project_id: server.project.uuid(),
            owner_id: server.owner.uuid(),
            alt_id: server.alt.uuid(),
            alt_version: server.alt_version,
            settings: server.settings.0,
            suspended: server.suspended,
            generation: server.generation,
            state: server.state.word().to_owned(),
            install: server.install.word().to_owned(),
            unknown_since: unknown_since.map(Time),
            report: server.report.map(|report| report.0.into()),
            heard_at: server.heard_at.map(Time),
            allocations: ports.into_iter().map(AllocationView::from).collect(),
            created_at: Time(server.created_at),
            updated_at: Time(server.updated_at),
        }
    }
}

impl From<ServerReport> for ServerReportView {
    fn from(report: ServerReport) -> Self {
        Self {
            state: word(&report.state),
            install: word(&report.install),
            since: Time(report.since),
            reason: report.reason,
            restarts: report.restarts,
            stopped_by: report.stopped_by,
            enforced: report.enforced,
            disk_bytes: report.disk_bytes,
            generation: report.generation,
        }
    }
}

impl From<Allocation> for AllocationView {
    fn from(one: Allocation) -> Self {
        Self {
            id: one.id.uuid(),
            node_id: one.node.uuid(),
            place: shown_place(&one),
            ip: one.ip,
            port: one.port,
            alias: one.alias,
            server_id: one.server.map(|server| server.uuid()),
            is_default: one.is_default,
        }
    }
}

impl From<ConsoleChunk> for ConsoleView {
    fn from(chunk: ConsoleChunk) -> Self {
        Self {
            lines: chunk.lines.into_iter().map(|line| LineView::of(line, None)).collect(),
            oldest: chunk.oldest,
            newest: chunk.newest,
        }
    }
}
