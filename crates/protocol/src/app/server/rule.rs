//! When a server is ready, and how it is stopped.

use serde::{Deserialize, Serialize};
use sf_types::Millis;

/// When a server counts as running.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ready {
    /// Any of these in a line of its output; at once where there is none.
    pub lines: Vec<Match>,
    /// Whether escape sequences are taken out of a line before it is looked at.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub strip_ansi: bool,
    /// How long a start waits for it; the server goes on starting after that.
    pub within: Millis,
}

/// What is looked for in a line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum Match {
    /// This text.
    Text {
        /// Not empty.
        text: String,
    },
    /// A match of this regular expression (linear-time dialect).
    Regex {
        /// At most 512 characters.
        pattern: String,
    },
}

/// How a server is stopped. After `grace` it gets TERM (unless that was the signal), 5 s later KILL; which one it took is
/// reported.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum Stop {
    /// By a line on its standard input.
    Command {
        /// `stop`, `quit`, `end`.
        line: String,
        /// Time it has to end by itself.
        grace: Millis,
    },
    /// By a signal.
    Signal {
        /// `SIGINT`, `SIGTERM`, `SIGQUIT`, `SIGHUP`, `SIGUSR1`, `SIGUSR2` or `SIGKILL`.
        signal: String,
        /// Time it has to end by itself.
        grace: Millis,
    },
}
