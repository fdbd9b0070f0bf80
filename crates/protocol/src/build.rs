//! How a repository becomes something that runs.

use serde::{Deserialize, Serialize};

use crate::app::{HealthCheck, TrafficMode};

/// Which builder makes a release.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Builder {
    /// `package.json`.
    Node,
    /// `requirements.txt`, `pyproject.toml`, `main.py`, `app.py`.
    Python,
    /// Only files to serve.
    Static,
    /// Commands given by the app or its `serverflow.app.toml`.
    Commands,
}

impl Builder {
    /// The word people see.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Python => "python",
            Self::Static => "static",
            Self::Commands => "commands",
        }
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
}
