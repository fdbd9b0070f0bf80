//! Apps.

pub mod deploy_key;
pub mod domain;
pub mod file;
pub mod hook;
pub mod preview;
pub mod project;
pub mod schedule;

use serde::Serialize;
use sf_protocol::query::{AppReport, Inspection, ProcessReport};
use sf_store::apps::App;
use sf_store::releases::Release;
use sf_types::SecretName;
use utoipa::ToSchema;
use uuid::Uuid;

use super::release::ReleaseView;
use super::{Time, settings, word};

/// Something deployed from git.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = App)]
pub struct AppView {
    /// Its id.
    pub id: Uuid,
    /// Its name, unique within its project.
    pub name: String,
    /// The machine it lives on.
    pub node_id: Uuid,
    /// The project that owns it.
    pub project_id: Uuid,
    /// The app of whose branch it is a preview; null for an ordinary one.
    pub preview_of: Option<Uuid>,
    /// How it is made and run.
    #[schema(value_type = settings::Settings)]
    pub settings: sf_actions::app::Settings,
    /// Tells this state of the settings from others; goes into a change as `from`.
    pub settings_tag: String,
    /// What it does, as last heard: `empty`, `starting`, `running`, `stopping`, `stopped`, `crashed` or `failed`.
    pub state: String,
    /// What it shall do: `running` or `stopped`.
    pub desired: String,
    /// Raised by every lasting change.
    pub generation: u64,
    /// What serves.
    pub live_release: Option<ReleaseView>,
    /// Its stable port.
    pub port: Option<u16>,
    /// Where it is reached, once something serves.
    pub url: Option<String>,
    /// Names of the secrets that its processes do not have yet in their newest version: the next deploy or restart
    /// gives them.
    pub secrets_pending: Vec<String>,
    /// Restarts of the live release.
    pub restarts: u32,
    /// Why it is in this state.
    pub state_reason: Option<String>,
    /// What its processes listen on.
    pub detected_ports: Vec<u16>,
    /// When it was made.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

/// How an app is, as its node says right now.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AppStatus)]
pub struct AppStatusView {
    /// What it does.
    pub state: String,
    /// What serves.
    pub live_release_id: Option<Uuid>,
    /// Generation the node holds.
    pub generation: u64,
    /// Its stable port.
    pub port: Option<u16>,
    /// Releases on the node's disk, newest first.
    pub kept: Vec<Uuid>,
    /// Processes of the live release.
    pub processes: Vec<ProcessView>,
}

/// One process tree.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AppProcess)]
pub struct ProcessView {
    /// Release it runs.
    pub release_id: Uuid,
    /// Process id.
    pub pid: u32,
    /// Its state.
    pub state: String,
    /// When it was started.
    pub since: Time,
    /// Starts after a crash since the release went live.
    pub restarts: u32,
    /// Memory of the tree, bytes.
    pub rss_bytes: u64,
    /// CPU time of the tree, milliseconds.
    pub cpu_ms: u64,
    /// Listening TCP ports of the tree.
    pub ports: Vec<u16>,
    /// What of its limits is enforced, in words.
    pub enforced: Vec<String>,
}

/// What is in a repository, and how it would be built.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Inspection)]
pub struct InspectionView {
    /// The revision looked at.
    pub revision: RevisionView,
    /// How it would be built.
    #[schema(value_type = settings::BuildPlan)]
    pub plan: sf_protocol::build::BuildPlan,
    /// Branches and tags.
    pub references: Vec<String>,
    /// Bytes of the checkout.
    pub size_bytes: u64,
    /// Files of the checkout.
    pub files: u64,
}

/// A commit.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Revision)]
pub struct RevisionView {
    /// In full.
    pub commit: String,
    /// The branch or tag it was found at.
    pub reference: String,
    /// First line of the message.
    pub subject: String,
}

impl AppView {
    /// An app with what serves. `host` is the address at which its node is reached.
    pub fn of(app: App, live: Option<Release>, host: Option<&str>, pending: Vec<SecretName>) -> Self {
        let port = app.stable_port.map(sf_types::Port::get);
        let settings = app.settings.0;
        let shown = if settings.traffic.public { host.unwrap_or("127.0.0.1") } else { "127.0.0.1" };
        let url = match settings.traffic.mode {
            sf_protocol::app::TrafficMode::Http => port.map(|port| format!("http://{shown}:{port}")),
            sf_protocol::app::TrafficMode::Tcp => port.map(|port| format!("tcp://{shown}:{port}")),
            sf_protocol::app::TrafficMode::None => None,
        };
        Self {
            id: app.id.uuid(),
            name: app.name.into(),
            node_id: app.node.uuid(),
            project_id: app.project.uuid(),
            preview_of: app.preview_of.map(|of| of.uuid()),
            state: word(&app.state),
            desired: app.desired.word().to_owned(),
            generation: app.generation,
            live_release: live.map(ReleaseView::from),
            url: url.filter(|_| app.live_release.is_some()),
            port,
            settings_tag: sf_control::settings_tag(&settings),
            settings,
            secrets_pending: pending.into_iter().map(String::from).collect(),
            restarts: app.restarts,
            state_reason: app.state_reason,
            detected_ports: app.detected_ports.0.iter().map(|port| port.get()).collect(),
            created_at: Time(app.created_at),
            updated_at: Time(app.updated_at),
        }
    }
}

impl From<AppReport> for AppStatusView {
    fn from(report: AppReport) -> Self {
        Self {
            state: word(&report.facts.state),
            live_release_id: report.facts.live_release.map(|release| release.uuid()),
            generation: report.facts.generation,
            port: report.facts.port.map(sf_types::Port::get),
            kept: report.kept.into_iter().map(|release| release.uuid()).collect(),
            processes: report.processes.into_iter().map(ProcessView::from).collect(),
        }
    }
}

impl From<ProcessReport> for ProcessView {
    fn from(process: ProcessReport) -> Self {
        Self {
            release_id: process.release.uuid(),
            pid: process.pid,
            state: word(&process.state),
            since: Time(process.since),
            restarts: process.restarts,
            rss_bytes: process.rss_bytes,
            cpu_ms: process.cpu_ms,
            ports: process.ports,
            enforced: process.enforced,
        }
    }
}

impl From<Inspection> for InspectionView {
    fn from(inspection: Inspection) -> Self {
        let Inspection { revision, plan, references, size_bytes, files } = inspection;
        let revision =
            RevisionView { commit: revision.commit, reference: revision.reference, subject: revision.subject };
        Self { revision, plan, references, size_bytes, files }
    }
}
