//! What an app is, as far as its node has to know.

pub mod patch;
pub mod schedule;
pub mod server;
pub mod site;

use serde::{Deserialize, Serialize};
use sf_types::{AppId, ByteSize, Millis, Port, Secret, SecretId, Slug};

use crate::build::BuildSettings;
use crate::key::SecretKey;
use crate::sealed::{Place, Sealed, Unopenable};
use crate::wire;

/// The lasting state of one app on its node. A command that changes it raises `generation`; the node keeps the
/// highest it has seen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AppSpec {
    /// The app.
    pub app: AppId,
    /// Its name on the node's disk and in messages.
    pub slug: Slug,
    /// Raised by every change; never lowered.
    #[serde(with = "wire::u64_string")]
    pub generation: u64,
    /// How traffic reaches it.
    pub traffic: Traffic,
    /// Overrides of what the repository says about building and starting.
    #[serde(default)]
    pub build: BuildSettings,
    /// Environment variables, in order; later ones win.
    #[serde(default)]
    pub env: Vec<EnvVar>,
    /// Environment variables that are secrets, sealed to this node. Version 2 and above; no name is also in `env`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretVar>,
    /// When a new release counts as healthy. `None`: what the repository says, else what suits the traffic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<HealthCheck>,
    /// What to do when its process ends by itself.
    #[serde(default)]
    pub restart: RestartRule,
    /// What it may use.
    #[serde(default)]
    pub limits: Limits,
    /// Old releases kept for rolling back, besides the live one.
    pub keep_releases: u8,
}

impl AppSpec {
    /// Takes newer versions of secrets it has; what it has under no such name is left out.
    pub fn renew(&mut self, newer: Vec<SecretVar>) {
        for var in newer {
            let had = self.secrets.iter_mut().find(|had| had.name == var.name && had.secret == var.secret);
            if let Some(had) = had {
                *had = var;
            }
        }
    }
}

/// How traffic reaches an app.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Traffic {
    /// What the relay speaks.
    pub mode: TrafficMode,
    /// The stable port wanted; the node chooses a free one where `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// Whether the stable port is reachable from other machines (all addresses) or from this one only.
    #[serde(default)]
    pub public: bool,
}

/// What the relay in front of an app speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TrafficMode {
    /// HTTP/1.1: drained request by request.
    Http,
    /// Any TCP protocol: drained connection by connection.
    Tcp,
    /// Nothing listens: a worker.
    None,
}

/// One environment variable whose value is no secret.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnvVar {
    /// `[A-Za-z_][A-Za-z0-9_]*`, at most 128 characters; never `PORT`, `PATH`, `HOME` or `LD_*`.
    pub name: String,
    /// At most 8 KiB, no NUL.
    pub value: String,
}

/// One environment variable whose value only its node can open, when it starts the app.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretVar {
    /// As of [`EnvVar`].
    pub name: String,
    /// The secret.
    pub secret: SecretId,
    /// Its version.
    pub version: u32,
    /// Its value.
    pub sealed: Sealed,
}

impl SecretVar {
    /// What its value is sealed for.
    pub const fn place(&self, app: AppId) -> Place<'_> {
        Place { app, name: self.name.as_str(), secret: self.secret, version: self.version }
    }

    /// The value.
    ///
    /// # Errors
    /// [`Unopenable`] when it was sealed for another node, app, name or version.
    pub fn open(&self, app: AppId, node: &SecretKey) -> Result<Secret<String>, Unopenable> {
        let mut value = self.sealed.open(node, &self.place(app))?;
        let text = String::from_utf8(std::mem::take(value.expose_mut()));
        text.map(Secret::new).map_err(|_| Unopenable)
    }
}

/// When a new release counts as healthy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HealthCheck {
    /// What is looked at.
    pub probe: Probe,
    /// How long a release has to become healthy.
    #[serde(default = "HealthCheck::default_within")]
    pub within: Millis,
    /// How long one try may take.
    #[serde(default = "HealthCheck::default_try")]
    pub each_try: Millis,
}

impl HealthCheck {
    /// Time a release gets unless told otherwise: 60 s.
    pub const DEFAULT_WITHIN: Millis = Millis::secs(60);
    /// Time one try gets unless told otherwise: 5 s.
    pub const DEFAULT_TRY: Millis = Millis::secs(5);
    /// Time a release may ask for at the most: 30 min.
    pub const MAX_WITHIN: Millis = Millis::secs(30 * 60);

    const fn default_within() -> Millis {
        Self::DEFAULT_WITHIN
    }

    const fn default_try() -> Millis {
        Self::DEFAULT_TRY
    }

    /// A check with the default times.
    pub const fn new(probe: Probe) -> Self {
        Self { probe, within: Self::DEFAULT_WITHIN, each_try: Self::DEFAULT_TRY }
    }
}

/// What a health check looks at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum Probe {
    /// A GET on the release's own port answers 200-399; redirects are not followed.
    Http {
        /// Absolute path with optional query: `/healthz`.
        path: String,
    },
    /// The release's own port accepts a connection.
    #[serde(deserialize_with = "crate::wire::no_fields")]
    Tcp,
    /// A log line contains a match of this regular expression.
    LogLine {
        /// Regex (linear-time dialect), at most 512 characters.
        pattern: String,
    },
    /// The process is still alive after this long.
    Alive {
        /// How long.
        #[serde(rename = "for")]
        time: Millis,
    },
}

/// What happens when an app's process ends by itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestartRule {
    /// First delay; doubles up to `max_delay`, falls back after a quiet `window`.
    pub first_delay: Millis,
    /// Longest delay.
    pub max_delay: Millis,
    /// Crashes within `window` after which it is given up; 0 never restarts.
    pub max_crashes: u16,
    /// What counts as "in a row".
    pub window: Millis,
}

impl Default for RestartRule {
    fn default() -> Self {
        Self { first_delay: Millis(250), max_delay: Millis::secs(30), max_crashes: 10, window: Millis::secs(600) }
    }
}

impl RestartRule {
    /// Never restarts: for a release that is still on trial.
    pub const NEVER: Self = Self { first_delay: Millis(0), max_delay: Millis(0), max_crashes: 0, window: Millis(0) };
}

/// What an app or build may use. `None` is no limit of our own.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// Memory of the whole process tree (cgroup), or of each process where no cgroup can be made (rlimit).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<ByteSize>,
    /// CPU in percent of one core.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_percent: Option<u32>,
    /// Processes and threads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pids: Option<u32>,
}

/// What an app is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AppState {
    /// Made, never deployed.
    Empty,
    /// A process is being started.
    Starting,
    /// Serving.
    Running,
    /// Being stopped.
    Stopping,
    /// Stopped on purpose.
    Stopped,
    /// Ended by itself and will be started again.
    Crashed,
    /// Ended by itself too often; waits for a person.
    Failed,
}
