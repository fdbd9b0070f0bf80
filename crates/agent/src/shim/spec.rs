//! What a shim has to hold: plain data, written by the daemon into the run folder before it starts the shim.

use std::path::PathBuf;

use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};
use sf_protocol::app::{RestartRule, SecretVar};
use sf_protocol::server::Ready;
use sf_types::{AppId, Millis, ReleaseId};

use super::attend::Contained;
use super::log::LogLimits;
use super::ready::ReadyRule;
use crate::confine::Confinement;

/// Version of [`ShimSpec`] that this program writes and reads.
pub const SPEC_VERSION: u16 = 1;

/// One app process and how to look after it. Its file is readable by its owner alone.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShimSpec {
    /// [`SPEC_VERSION`].
    pub version: u16,
    /// The app.
    pub app: AppId,
    /// The release it runs.
    pub release: ReleaseId,
    /// Program (looked up in the `PATH` of `env`) and arguments.
    pub argv: Vec<String>,
    /// Where it runs.
    pub cwd: PathBuf,
    /// Its whole environment.
    pub env: Vec<(String, String)>,
    /// Variables of its environment whose values are given on the launcher's standard input: here they are sealed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretVar>,
    /// Folder of its log.
    pub log_dir: PathBuf,
    /// How much of the log is kept.
    #[serde(default)]
    pub log: LogLimits,
    /// How it is stopped.
    #[serde(default)]
    pub stop: StopRule,
    /// What happens when it ends by itself.
    #[serde(default)]
    pub restart: RestartRule,
    /// A pseudo-terminal instead of two pipes.
    #[serde(default)]
    pub terminal: bool,
    /// Standard input that stays open, for lines that come later. Without it the process reads nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub input: bool,
    /// The line on its standard input that it is stopped by, in place of the first signal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_line: Option<String>,
    /// When it counts as running; as soon as it is started where `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<Ready>,
    /// What it may touch and use, user and cgroups included.
    #[serde(default)]
    pub confinement: Confinement,
    /// The container that its process stands for, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Contained>,
}

/// How a process is stopped: `signal`, after `grace` TERM (unless that was the signal), after `term_grace` KILL.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StopRule {
    /// Number of the first signal.
    pub signal: i32,
    /// Time it has to end by itself.
    pub grace: Millis,
    /// Time it has after TERM, where the first signal was another.
    pub term_grace: Millis,
}

impl Default for StopRule {
    /// TERM, then KILL after 10 s.
    fn default() -> Self {
        Self { signal: Signal::SIGTERM as i32, grace: Millis::secs(10), term_grace: Millis::secs(5) }
    }
}

impl ShimSpec {
    /// A spec with the usual rules for `argv` in `cwd`; change the fields that differ.
    pub fn new(app: AppId, release: ReleaseId, argv: Vec<String>, cwd: PathBuf, log_dir: PathBuf) -> Self {
        Self {
            version: SPEC_VERSION,
            app,
            release,
            argv,
            cwd,
            env: Vec::new(),
            secrets: Vec::new(),
            log_dir,
            log: LogLimits::default(),
            stop: StopRule::default(),
            restart: RestartRule::default(),
            terminal: false,
            input: false,
            stop_line: None,
            ready: None,
            confinement: Confinement::default(),
            container: None,
        }
    }

    /// What is in force of its limits, in words.
    pub fn enforces(&self) -> Vec<String> {
        self.container.as_ref().map_or_else(|| self.confinement.enforces(), |contained| contained.enforced.clone())
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let plain = self.env.iter().map(|(name, _)| name.as_str());
        plain.chain(self.secrets.iter().map(|var| var.name.as_str()))
    }

    /// What is wrong with it; `None` when it can be started.
    pub fn defect(&self) -> Option<String> {
        let texts = || self.argv.iter().chain(self.env.iter().flat_map(|(name, value)| [name, value]));
        if self.version != SPEC_VERSION {
            Some(format!("its version is {}, this program reads {SPEC_VERSION}", self.version))
        } else if self.argv.first().is_none_or(String::is_empty) {
            Some("it has no start command".to_owned())
        } else if texts().any(|text| text.contains('\0')) {
            Some("an argument or variable holds a NUL".to_owned())
        } else if self.names().any(|name| name.is_empty() || name.contains(['=', '\0'])) {
            Some("a variable has no name or one with `=`".to_owned())
        } else if Signal::try_from(self.stop.signal).is_err() {
            Some(format!("{} is no signal to stop with", self.stop.signal))
        } else if self.stop_line.as_ref().is_some_and(|line| line.contains(char::is_control)) {
            Some("the line it is stopped by holds a control character".to_owned())
        } else {
            self.ready.as_ref().and_then(|ready| ReadyRule::of(ready).err())
        }
    }
}
