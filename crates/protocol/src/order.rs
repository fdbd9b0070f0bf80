//! What a command can order: a closed list, one type of arguments each.

use serde::{Deserialize, Serialize};
use sf_types::{AppId, CommandId, Millis, ProxyId, ReleaseId, Slug};

use crate::app::{AppSpec, AppState, SecretVar};
use crate::command::Class;
use crate::kind::Kind;
use crate::patch::Patch;
use crate::query::Query;
use crate::schedule::{ScheduleOrder, ScheduleSpec};
use crate::server::{FileAction, ServerAction, ServerSpec};
use crate::site::SiteSpec;

/// What to do. The outer frame type, the signed label and this tag must agree.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", content = "args", rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields)]
pub enum Order {
    /// Put a release live.
    Deploy(Box<Deploy>),
    /// Start, stop, restart, delete.
    AppAction(Box<AppAction>),
    /// Serve a domain. Version [`crate::handshake::SITES_SINCE`] and above.
    ProvisionDomain(Box<ProvisionDomain>),
    /// Serve a domain no more. Version [`crate::handshake::SITES_SINCE`] and above.
    DeleteProxy(DeleteProxy),
    /// Change one file. Version [`crate::handshake::PATCH_SINCE`] and above.
    Patch(Box<Patch>),
    /// Steer a service of the machine. Version [`crate::handshake::SERVICES_SINCE`] and above.
    ServiceAction(ServiceAction),
    /// Have a command run by the clock, or no more, or now. Version [`crate::handshake::SCHEDULES_SINCE`] and above.
    Schedule(Box<ScheduleOrder>),
    /// Make, steer or remove a panel server. Version [`crate::handshake::SERVERS_SINCE`] and above.
    ServerAction(Box<ServerAction>),
    /// Change files of a panel server. Version [`crate::handshake::SERVERS_SINCE`] and above.
    FileAction(Box<FileAction>),
    /// Look.
    Query(Query),
    /// Stop working on an earlier command.
    Cancel(Cancel),
    /// Fill a number.
    Void(Void),
    /// What should be true.
    DesiredState(DesiredState),
}

impl Order {
    /// The frame type that carries it.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Deploy(_) => Kind::Deploy,
            Self::AppAction(_) => Kind::AppAction,
            Self::ProvisionDomain(_) => Kind::ProvisionDomain,
            Self::DeleteProxy(_) => Kind::DeleteProxy,
            Self::Patch(_) => Kind::Patch,
            Self::ServiceAction(_) => Kind::ServiceAction,
            Self::Schedule(_) => Kind::Schedule,
            Self::ServerAction(_) => Kind::ServerAction,
            Self::FileAction(_) => Kind::FileAction,
            Self::Query(_) => Kind::Query,
            Self::Cancel(_) => Kind::Cancel,
            Self::Void(_) => Kind::Void,
            Self::DesiredState(_) => Kind::DesiredState,
        }
    }

    /// The class it needs; a command of another class is refused.
    pub const fn class(&self) -> Class {
        match self {
            Self::Query(_) => Class::Read,
            Self::ServiceAction(_) => Class::Danger,
            Self::Deploy(_)
            | Self::AppAction(_)
            | Self::ProvisionDomain(_)
            | Self::DeleteProxy(_)
            | Self::Patch(_)
            | Self::Schedule(_)
            | Self::ServerAction(_)
            | Self::FileAction(_)
            | Self::Cancel(_)
            | Self::Void(_)
            | Self::DesiredState(_) => Class::Operate,
        }
    }
}

/// The name that an app's deploy key is sealed under; of no variable, for which the space is no letter.
pub const DEPLOY_KEY: &str = "deploy key";

/// Put a release live: fetch, build, start beside the old one, check, switch, drain, watch.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Deploy {
    /// The app as it shall be.
    pub app: AppSpec,
    /// The release this makes, or the kept one it returns to.
    pub release: ReleaseId,
    /// Where the release comes from.
    pub from: DeploySource,
    /// Time for everything up to the health check.
    pub time_limit: Millis,
    /// How long the new release is watched after the switch.
    pub watch: Millis,
    /// Whether everything is done, also what is proven to come out as before. Version
    /// [`crate::handshake::BUILDERS_SINCE`] and above; older agents always do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub full: bool,
    /// What the repository is opened with by ssh, in place of the node's own key: an OpenSSH private key under the name
    /// [`DEPLOY_KEY`]. Version [`crate::handshake::DEPLOY_KEYS_SINCE`] and above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<SecretVar>,
}

/// Where a release comes from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum DeploySource {
    /// A revision of a git repository.
    Git(GitSource),
    /// A release still on the node's disk: nothing is fetched or built.
    #[serde(deserialize_with = "crate::wire::no_fields")]
    Kept,
}

/// A revision of a git repository.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GitSource {
    /// `https://`, `ssh://`, `git@host:path`, or `file://` below a folder that the node's policy lists.
    pub url: String,
    /// Branch or tag; the repository's default branch where `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Exact commit; the tip of `reference` where `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// Change what an app's processes do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AppAction {
    /// The app.
    pub app: AppId,
    /// What to do.
    pub verb: AppVerb,
    /// The app's new generation.
    #[serde(with = "crate::wire::u64_string")]
    pub generation: u64,
    /// What a process that is started gets in place of the secrets it had: newer versions of the same. Version 2 and
    /// above.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretVar>,
}

/// What can be done to an app's processes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AppVerb {
    /// Start the live release.
    Start,
    /// Stop it gracefully and keep it stopped.
    Stop,
    /// A fresh process of the live release, without a gap where the traffic mode allows it.
    Restart,
    /// Stop it and delete its releases, logs, relay and folder.
    Delete,
    /// Report the state; changes nothing.
    Status,
}

/// Serve a domain as `site` says: configuration, reload, certificate.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProvisionDomain {
    /// The site as it shall be.
    pub site: SiteSpec,
    /// Time for everything, the certificate included.
    pub time_limit: Millis,
}

/// Serve a domain no more; its certificate is deleted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeleteProxy {
    /// Which.
    pub proxy: ProxyId,
    /// The app it leads to.
    pub app: AppId,
}

/// Steer a service of the machine: one that the node's owner lists, or the nginx that serves its domains.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceAction {
    /// Which, by its name in the node's policy file; `nginx` where that file says nothing else.
    pub service: Slug,
    /// What to do.
    pub verb: ServiceVerb,
    /// Time for everything.
    pub time_limit: Millis,
}

/// What can be done to a service.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ServiceVerb {
    /// Start it.
    Start,
    /// Stop it.
    Stop,
    /// Stop it and start it.
    Restart,
    /// Have it read its configuration anew, without an end of what it does.
    Reload,
}

impl ServiceVerb {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Start, Self::Stop, Self::Restart, Self::Reload];

    /// The word, as it is written.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Reload => "reload",
        }
    }
}

/// Stop working on an earlier command.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cancel {
    /// That command.
    pub command: CommandId,
}

/// Fills a sequence number whose command expired or was cancelled before it was sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Void {
    /// The command that will never come.
    pub replaces: CommandId,
}

/// A snapshot of what should be true, for resync. Can never lower a generation.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DesiredState {
    /// The apps that should be on this node; one not listed is left alone (deletion is its own command).
    pub apps: Vec<DesiredApp>,
    /// The domains that should be served; one not listed is left alone. Version [`crate::handshake::SITES_SINCE`] and above.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sites: Vec<SiteSpec>,
    /// The schedules that should be; one not listed is left alone. Version [`crate::handshake::SCHEDULES_SINCE`] and above.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schedules: Vec<ScheduleSpec>,
    /// The panel servers that should be; one not listed is left alone. Version [`crate::handshake::SERVERS_SINCE`] and above.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<ServerSpec>,
}

/// What should be true of one app.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DesiredApp {
    /// The app as it shall be.
    pub spec: AppSpec,
    /// The release that shall be live.
    pub release: Option<ReleaseId>,
    /// [`AppState::Running`] or [`AppState::Stopped`].
    pub state: AppState,
}
