//! How a repository becomes something that runs.

use serde::{Deserialize, Serialize};

use sf_types::Port;

use crate::app::{EnvVar, HealthCheck, TrafficMode};
use crate::handshake::{BUILDERS_SINCE, CONTAINERS_SINCE, VERSIONS};

/// Which builder makes a release.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Builder {
    /// `package.json`.
    Node,
    /// `requirements.txt`, `pyproject.toml`, `main.py`, `app.py`.
    Python,
    /// `Cargo.toml`. Version [`BUILDERS_SINCE`] and above.
    Rust,
    /// `go.mod`. Version [`BUILDERS_SINCE`] and above.
    Go,
    /// `composer.json`, `index.php`. Version [`BUILDERS_SINCE`] and above.
    Php,
    /// Only files to serve.
    Static,
    /// Commands given by the app, its `serverflow.app.toml` or its `Procfile`.
    Commands,
    /// `Dockerfile`, by the node's container engine. Version [`CONTAINERS_SINCE`] and above.
    Dockerfile,
}

impl Builder {
    /// The word people see.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Python => "python",
            Self::Rust => "rust",
            Self::Go => "go",
            Self::Php => "php",
            Self::Static => "static",
            Self::Commands => "commands",
            Self::Dockerfile => "dockerfile",
        }
    }

    /// The first version of the protocol that knows it.
    pub const fn since(self) -> u16 {
        match self {
            Self::Node | Self::Python | Self::Static | Self::Commands => VERSIONS.min,
            Self::Rust | Self::Go | Self::Php => BUILDERS_SINCE,
            Self::Dockerfile => CONTAINERS_SINCE,
        }
    }

    /// The word for it in `version`: an older peer takes a builder it does not know for commands, which it is told.
    pub const fn spoken(self, version: u16) -> Self {
        if self.since() <= version { self } else { Self::Commands }
    }
}

/// What an app's settings override of what the repository says. Commands are argument vectors, never shell text.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BuildSettings {
    /// Use this builder instead of detecting one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub builder: Option<Builder>,
    /// Folder inside the repository that is the app; relative, no `..`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// Runs first, to fetch dependencies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub install: Option<Vec<String>>,
    /// Runs second, to build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<Vec<String>>,
    /// Starts the app; it listens on `$PORT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Vec<String>>,
    /// Folder to serve, for the static builder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publish: Option<String>,
    /// Whether a deploy leaves out what is proven to come out as before; it does where `None`. Version
    /// [`BUILDERS_SINCE`] and above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hot_path: Option<bool>,
    /// Values of a Dockerfile's `ARG`s: part of its image for whoever has that, so never secrets. Version
    /// [`CONTAINERS_SINCE`] and above.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<EnvVar>,
}

/// What a deploy did of fetching, installing, building and starting.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HotPath {
    /// Everything.
    Full,
    /// The dependencies are those of an earlier release.
    SkipInstall,
    /// The files are those of an earlier release, built; what starts or serves them is new.
    SkipBuild,
    /// Nothing is installed or built: a fresh process, of new files where some have changed.
    RestartOnly,
    /// Nothing is installed, built or started: other files are served.
    StaticSwap,
}

impl HotPath {
    /// The words people see.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Full => "everything",
            Self::SkipInstall => "install skipped",
            Self::SkipBuild => "install and build skipped",
            Self::RestartOnly => "restart only",
            Self::StaticSwap => "files swapped only",
        }
    }
}

/// Which path a deploy took, and why.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PathTaken {
    /// Which.
    pub path: HotPath,
    /// Why, one sentence without its full stop: "package-lock.json is unchanged since commit 4f2a9c01de".
    pub because: String,
}

/// How this revision will be built and started: the repository, its `serverflow.app.toml` and the app's settings
/// taken together. Shown before anything runs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BuildPlan {
    /// The builder.
    pub builder: Builder,
    /// Why this builder, one sentence: "package.json is in the repository".
    pub because: String,
    /// Folder inside the repository that is the app; empty for its top.
    pub root: String,
    /// First command, where there is one.
    pub install: Option<Vec<String>>,
    /// Second command, where there is one.
    pub build: Option<Vec<String>>,
    /// What starts the app; `None` for static sites, which the agent serves itself.
    pub start: Option<Vec<String>>,
    /// Folder to serve, for static sites.
    pub publish: Option<String>,
    /// Health check named by the repository.
    pub health: Option<HealthCheck>,
    /// What the app speaks, where the repository says so.
    pub traffic: Option<TrafficMode>,
    /// What a person should know: a missing lockfile, an ignored key.
    pub warnings: Vec<String>,
    /// How it is built and run in a container, where it is. Version [`CONTAINERS_SINCE`] and above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<ContainerPlan>,
}

/// What is particular to an app in a container.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContainerPlan {
    /// The file that says how its image is built, from the app's folder.
    pub dockerfile: String,
    /// Values of its `ARG`s.
    pub args: Vec<EnvVar>,
    /// The port that the app listens on inside; what the image exposes where `None`.
    pub port: Option<Port>,
    /// Whether it cannot write its root file system.
    pub read_only: bool,
}

impl BuildPlan {
    /// The plan in words that `version` knows.
    #[must_use]
    pub fn spoken(mut self, version: u16) -> Self {
        self.builder = self.builder.spoken(version);
        self.container = self.container.filter(|_| version >= CONTAINERS_SINCE);
        self
    }
}
