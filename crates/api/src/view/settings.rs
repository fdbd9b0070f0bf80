//! Shapes of settings for the API description. The values themselves are read and checked by the vocabulary
//! (`sf_actions::app::Settings`); a test keeps both the same.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How an app is made and run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// Address of its git repository: https, ssh, git@host:path, or file below a folder the node's policy lists.
    pub repository: String,
    /// Branch or tag deployed by default; the repository's own default where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// How traffic reaches it; HTTP on a port the node chooses where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic: Option<Traffic>,
    /// Overrides of what the repository says about building and starting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<BuildSettings>,
    /// Environment variables, in order; later ones win.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<Vec<EnvVar>>,
    /// When a release counts as healthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<HealthCheck>,
    /// What happens when its process ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<RestartRule>,
    /// What it may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// Old releases kept besides the live one, 1 to 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_releases: Option<u8>,
    /// How long its log lines are kept; as the installation keeps them where absent. Holds at once, without a deploy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logs: Option<LogsKept>,
}

/// How long an app's log lines are kept: until either is reached, the oldest goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogsKept {
    /// Days, 1 to 400.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// MiB of all its logs together, 1 to 4096.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mebibytes: Option<u32>,
}

/// How traffic reaches an app.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Traffic {
    /// What the relay in front of it speaks.
    pub mode: TrafficMode,
    /// The stable port wanted; the node chooses a free one where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Whether other machines can reach it.
    #[serde(default)]
    pub public: bool,
}

/// What the relay in front of an app speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum TrafficMode {
    /// HTTP/1.1.
    Http,
    /// Any TCP protocol.
    Tcp,
    /// Nothing listens.
    None,
}

/// What settings override of what the repository says. Commands are lists of words, never shell text.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BuildSettings {
    /// Use this builder instead of detecting one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub builder: Option<Builder>,
    /// Folder inside the repository that is the app.
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
    /// Whether a deploy leaves out what is proven to come out as before; it does where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hot_path: Option<bool>,
    /// Values of a Dockerfile's `ARG`s, never secrets: they are part of the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args: Option<Vec<BuildArg>>,
}

/// The value of one `ARG` of a Dockerfile.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BuildArg {
    /// Letters, digits and `_`.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Which builder makes a release.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Builder {
    /// `package.json`.
    Node,
    /// `requirements.txt`, `pyproject.toml`, `main.py`, `app.py`.
    Python,
    /// `Cargo.toml`.
    Rust,
    /// `go.mod`.
    Go,
    /// `composer.json`, `index.php`.
    Php,
    /// Only files to serve.
    Static,
    /// Commands given by the app or its `Procfile`.
    Commands,
    /// `Dockerfile`, by the node's container engine.
    Dockerfile,
}

/// One environment variable: with a value that everybody sees who sees the settings, or with a secret's.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnvVar {
    /// Letters, digits and `_`; never `PORT`, `PATH`, `HOME` or `LD_*`.
    pub name: String,
    /// Its value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// In place of a value: the name of a secret of the app's project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Whose processes get it: `production` (where absent), `preview` or `all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
}

/// What an app runs for: people, or somebody who looks at a branch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// The app itself.
    Production,
    /// Its previews.
    Preview,
    /// Both.
    All,
}

/// When a new release counts as healthy.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HealthCheck {
    /// What is looked at.
    pub probe: Probe,
    /// Milliseconds a release has to become healthy; 60,000 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<u64>,
    /// Milliseconds one try may take; 5,000 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each_try: Option<u64>,
}

/// What a health check looks at.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Probe {
    /// A GET answers 200 to 399.
    Http {
        /// Absolute path: `/healthz`.
        path: String,
    },
    /// The port accepts a connection.
    Tcp,
    /// A log line matches.
    LogLine {
        /// Regular expression.
        pattern: String,
    },
    /// The process is still alive after a while.
    Alive {
        /// Milliseconds.
        #[serde(rename = "for")]
        time: u64,
    },
}

/// What happens when an app's process ends by itself.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestartRule {
    /// First delay, milliseconds; doubles up to `maxDelay`.
    pub first_delay: u64,
    /// Longest delay, milliseconds.
    pub max_delay: u64,
    /// Crashes within `window` after which it is given up; 0 never restarts.
    pub max_crashes: u16,
    /// What counts as "in a row", milliseconds.
    pub window: u64,
}

/// What an app may use.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// Memory, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// CPU in percent of one core.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_percent: Option<u32>,
    /// Processes and threads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pids: Option<u32>,
}

/// How a revision will be built and started.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BuildPlan {
    /// The builder.
    pub builder: Builder,
    /// Why this builder.
    pub because: String,
    /// Folder inside the repository that is the app.
    pub root: String,
    /// First command.
    pub install: Option<Vec<String>>,
    /// Second command.
    pub build: Option<Vec<String>>,
    /// What starts the app.
    pub start: Option<Vec<String>>,
    /// Folder to serve, for static sites.
    pub publish: Option<String>,
    /// Health check named by the repository.
    pub health: Option<HealthCheck>,
    /// What the app speaks, where the repository says so.
    pub traffic: Option<TrafficMode>,
    /// What a person should know.
    pub warnings: Vec<String>,
    /// How it is built and run in a container, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<ContainerPlan>,
}

/// What is particular to an app in a container.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContainerPlan {
    /// The file that says how its image is built, from the app's folder.
    pub dockerfile: String,
    /// Values of its `ARG`s.
    pub args: Vec<BuildArg>,
    /// The port that the app listens on inside; what the image exposes where absent.
    pub port: Option<u16>,
    /// Whether it cannot write its root file system.
    pub read_only: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_actions::app::Settings as Real;
    use sf_protocol::app::{HealthCheck as RealCheck, Probe as RealProbe};

    fn check(real: &Real) {
        let written = serde_json::to_value(real).unwrap();
        let described: Settings = serde_json::from_value(written.clone()).unwrap();
        assert_eq!(serde_json::to_value(&described).unwrap(), written);
        let back: Real = serde_json::from_value(serde_json::to_value(described).unwrap()).unwrap();
        assert_eq!(&back, real);
    }

    #[test]
    fn what_is_described_is_what_is_read() {
        let mut real = Real::of("https://git.example.org/a");
        check(&real);
        let probes = [
            RealProbe::Http { path: "/healthz".into() },
            RealProbe::Tcp,
            RealProbe::LogLine { pattern: "up".into() },
            RealProbe::Alive { time: sf_types::Millis(5) },
        ];
        for probe in probes {
            real.health = Some(RealCheck::new(probe));
            check(&real);
        }
        real.reference = Some("main".into());
        real.env = vec![
            sf_actions::Variable::value("A", "b"),
            sf_actions::Variable::secret("C", "stripe-key".parse().unwrap()),
            sf_actions::Variable { environment: sf_actions::Environment::All, ..sf_actions::Variable::value("D", "e") },
        ];
        real.limits.memory = Some(sf_types::ByteSize(1));
        real.build.start = Some(vec!["node".into(), "server.js".into()]);
        real.build.hot_path = Some(false);
        real.build.args = vec![sf_protocol::app::EnvVar { name: "VERSION".into(), value: "1".into() }];
        use sf_protocol::build::Builder as B;
        for builder in [B::Node, B::Python, B::Rust, B::Go, B::Php, B::Static, B::Commands, B::Dockerfile] {
            real.build.builder = Some(builder);
            check(&real);
        }
    }

    #[test]
    fn the_least_that_is_described_is_enough() {
        let least = serde_json::json!({ "repository": "https://git.example.org/a" });
        let described: Settings = serde_json::from_value(least.clone()).unwrap();
        assert_eq!(serde_json::to_value(described).unwrap(), least);
        assert_eq!(serde_json::from_value::<Real>(least).unwrap(), Real::of("https://git.example.org/a"));
    }
}
