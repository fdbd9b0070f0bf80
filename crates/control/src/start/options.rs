//! What a control plane is told when it starts.

use std::path::PathBuf;
use std::time::Duration;

use crate::audit::retention::Retention;
use sf_identity::IdentityError;
use sf_identity::master::MasterSource;
use sf_identity::password::Cost;
use sf_store::{StoreError, StoreOptions};
use sf_types::Fault;

use crate::mail::MailOptions;

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder of the keys, 0700.
    pub data: PathBuf,
    /// The database.
    pub store: StoreOptions,
    /// Where the master key comes from.
    pub master: MasterSource,
    /// What a password hash costs.
    pub password_cost: Cost,
    /// Which actions run by themselves.
    pub routing: Routing,
    /// The mail server; without one, links are shown instead of sent.
    pub mail: Option<MailOptions>,
    /// Whether several teams may be here; what was written down by `tenancy::switch` where `None`.
    pub multi_tenant: Option<bool>,
    /// Where people open the dashboard; links in letters begin with it.
    pub public_url: String,
    /// How long what is kept.
    pub retention: Retention,
    /// What people have to show.
    pub identity: Identity,
    /// Where requests to addresses that people typed may go.
    pub egress: sf_egress::Options,
    /// When something is wrong for so long that people are told.
    pub alerts: Alerts,
    /// What machines may promise to servers of the panel.
    pub panel: Panel,
}

/// `[panel]`: what machines may promise to servers of the panel.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Panel {
    /// Percent of a machine's memory that its servers may be promised beyond what it has: most do not use all of theirs.
    pub memory_overcommit_percent: u32,
    /// The same of its disk.
    pub disk_overcommit_percent: u32,
}

/// `[alerts]`: when something is wrong for so long that people are told.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Alerts {
    /// Seconds for which a machine says nothing before it is a card of the inbox, and told.
    pub silent_after_secs: u64,
}

impl Alerts {
    /// How long a machine may be silent.
    pub const fn silent_after(&self) -> Duration {
        Duration::from_secs(self.silent_after_secs)
    }
}

impl Default for Alerts {
    fn default() -> Self {
        Self { silent_after_secs: 300 }
    }
}

/// `[identity]`: what people have to show when they sign in.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Identity {
    /// Who has to have a second factor: `off`, `admins` (who may change people, roles, or the installation's settings)
    /// or `everyone`. Who has none can set one up after the password, and do nothing else; their API keys are refused.
    pub require_second_factor: RequireSecondFactor,
}

/// Who has to have a second factor.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RequireSecondFactor {
    /// Nobody.
    #[default]
    Off,
    /// Who may change people, roles, or the installation's settings.
    Admins,
    /// All people.
    Everyone,
}

/// Which actions run by themselves, which ask.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Routing {
    /// Confidence from which an AI's action runs at once, 0-100.
    pub auto_at: u8,
    /// Confidence from which it runs and people are told, 0-100.
    pub notify_at: u8,
    /// Names of actions that never run without a person.
    pub never_auto: Vec<String>,
    /// Changes are frozen.
    pub frozen: bool,
    /// Automatic runs of AIs that are reviewed afterwards, of a thousand.
    pub sample_permille: u16,
    /// Runs one principal may open within a minute.
    pub runs_a_minute: u64,
}

/// Where the dashboard is unless told otherwise.
pub const LOCAL_URL: &str = "http://127.0.0.1:7400";
/// Runs one principal may open within a minute unless told otherwise.
pub const RUNS_A_MINUTE: u64 = 30_000;

impl Default for Routing {
    fn default() -> Self {
        Self {
            auto_at: 90,
            notify_at: 70,
            never_auto: Vec::new(),
            frozen: false,
            sample_permille: 30,
            runs_a_minute: RUNS_A_MINUTE,
        }
    }
}

impl Options {
    /// The defaults for a data folder: SQLite and a master key file in it.
    pub fn in_folder(data: PathBuf) -> Self {
        let database = data.join("serverflow.db");
        Self {
            store: StoreOptions::new(format!("sqlite://{}", database.display())),
            master: MasterSource::File(data.join("master.key")),
            password_cost: Cost::default(),
            routing: Routing::default(),
            mail: None,
            multi_tenant: None,
            public_url: LOCAL_URL.to_owned(),
            retention: Retention::default(),
            identity: Identity::default(),
            egress: sf_egress::Options::default(),
            alerts: Alerts::default(),
            panel: Panel::default(),
            data,
        }
    }
}

/// Why a control plane did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database.
    #[error("the database: {0}")]
    Store(#[from] StoreError),
    /// Keys, passwords.
    #[error("the keys: {0}")]
    Identity(#[from] IdentityError),
    /// The mail server's settings.
    #[error("the mail server: {0}")]
    Mail(String),
    /// The settings of requests that go out.
    #[error("requests to other services: {0}")]
    Egress(#[from] sf_egress::BadOptions),
    /// A backup was put only half into the data folder.
    #[error("a backup was put only half into {data}: run `serverflow backup restore` again")]
    Restoring {
        /// The data folder.
        data: PathBuf,
    },
    /// A restored database whose epoch has not been raised.
    #[error(
        "the database was restored from a backup, and its epoch was not raised, so that nodes could be given orders \
         twice: put root.key into the data folder and run `serverflow admin raise-epoch`"
    )]
    Restored,
    /// The file that says which audit chain is this data folder's.
    #[error("{file} cannot be used: {why}")]
    Instance {
        /// The file.
        file: PathBuf,
        /// Why.
        why: String,
    },
    /// The keys in the database belong to another master key.
    #[error(
        "{0}: control planes that share a database share its master key: give this one the `master.key` (or `[keys]`) of \
         the first"
    )]
    OtherMaster(IdentityError),
    /// Something was asked for that does not fit what is stored.
    #[error("{0}")]
    Refused(Fault),
    /// A stored key or certificate is damaged.
    #[error("the stored {what} is damaged: restore the database and the data folder from the same backup")]
    Damaged {
        /// Which.
        what: &'static str,
    },
}
