//! What a shim says of itself: in its state file, and on its socket.

use std::fmt;

use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};
use sf_protocol::app::{AppState, RestartRule};
use sf_types::{AppId, Millis, ReleaseId, Timestamp};

use super::log::LogHead;
use crate::process::tree::Identity;

/// Ends remembered.
pub const EXITS_KEPT: usize = 16;

/// How a process is. A daemon reads it from shims that may be older or newer than itself, so unknown fields are
/// passed over and new ones need a default.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The app.
    pub app: AppId,
    /// The release.
    pub release: ReleaseId,
    /// The shim itself.
    pub shim: Identity,
    /// The app's process; `None` while none runs.
    pub child: Option<Identity>,
    /// What it is doing.
    pub state: AppState,
    /// Since when.
    pub since: Timestamp,
    /// When the process was last started.
    pub started_at: Timestamp,
    /// Number of the last log line before that start.
    pub started_line: u64,
    /// Starts after a crash.
    pub restarts: u32,
    /// Why it is in this state: "exited with code 1 after 3.2 s; starting again in 0.5 s".
    pub reason: String,
    /// The latest ends of its processes, oldest first, at most [`EXITS_KEPT`].
    pub exits: Vec<Exit>,
    /// How it was stopped on request, the last time it was.
    pub stopped: Option<Stopped>,
    /// The shim has nothing more to do and ends (or has ended).
    pub ended: bool,
    /// Its log.
    pub log: LogHead,
    /// What of its limits is enforced, in words.
    pub enforced: Vec<String>,
}

/// One end of a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Exit {
    /// When.
    pub at: Timestamp,
    /// How long it had run.
    pub ran: Millis,
    /// How it ended.
    pub how: How,
    /// Whether it was told to.
    pub asked: bool,
    /// Processes that it left behind and that were killed.
    pub left: u32,
}

/// How a process ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum How {
    /// With this exit code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// It could not even be started.
    NotStarted,
    /// Its shim was killed, so nobody knows.
    Unseen,
}

/// How a process was stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stopped {
    /// The signal that was needed in the end.
    pub signal: i32,
    /// Its own stop command was enough, and no signal was needed.
    #[serde(default)]
    pub by_line: bool,
    /// Time from the first signal to the end of the last process.
    pub took: Millis,
    /// Processes that only KILL ended.
    pub killed: u32,
}

/// A request on the control socket: one JSON object a line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "camelCase", deny_unknown_fields)]
pub enum Request {
    /// How is it? Answered with [`Message::Status`].
    Status,
    /// Stop it, with this grace instead of the rule's; answered when it has ended.
    Stop {
        /// Time before the next harder signal.
        #[serde(default)]
        grace: Option<Millis>,
    },
    /// Stop it and start it again; answered when it is started.
    Restart,
    /// End it by KILL, also while it is being stopped; answered when it has ended.
    Kill,
    /// Write this line to its standard input.
    Input {
        /// Without a line break.
        line: String,
    },
    /// Write a line of ours to its log.
    Note {
        /// Without a line break.
        text: String,
    },
    /// Send this signal to the process group.
    Signal {
        /// Its number.
        signal: i32,
    },
    /// Use this rule from now on.
    SetRestartRule {
        /// The rule.
        rule: RestartRule,
    },
    /// Answered with [`Message::Status`], again at each change, and with [`Message::Log`] when lines were written.
    /// The lines themselves are read from the segments, so that a slow reader costs the shim no memory.
    Subscribe,
}

/// What a shim says on its control socket: one JSON object a line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "message", content = "value", rename_all = "camelCase")]
pub enum Message {
    /// How it is.
    Status(Box<Status>),
    /// The log goes up to this line now.
    Log(u64),
    /// The request makes no sense now; why.
    Refused(String),
}

impl Status {
    /// Remembers one end.
    pub fn remember(&mut self, exit: Exit) {
        if self.exits.len() >= EXITS_KEPT {
            self.exits.remove(0);
        }
        self.exits.push(exit);
    }

    /// The latest end.
    pub fn last_exit(&self) -> Option<&Exit> {
        self.exits.last()
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.how {
            How::Code(code) => write!(f, "exited with code {code} after {}", seconds(self.ran))?,
            How::Signal(signal) => write!(f, "was ended by {} after {}", signal_name(signal), seconds(self.ran))?,
            How::NotStarted => f.write_str("could not be started")?,
            How::Unseen => f.write_str("ended unseen: its shim was killed")?,
        }
        match self.left {
            0 => Ok(()),
            left => write!(f, ", leaving {left} processes that were killed"),
        }
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = if self.by_line { "its stop command".to_owned() } else { signal_name(self.signal) };
        write!(f, "{by} after {}", seconds(self.took))
    }
}

/// `SIGTERM`, or the number where it has no name.
pub fn signal_name(signal: i32) -> String {
    Signal::try_from(signal).map_or_else(|_| format!("signal {signal}"), |signal| signal.as_str().to_owned())
}

/// `3.2 s`.
pub fn seconds(time: Millis) -> String {
    format!("{}.{} s", time.0 / 1000, time.0 % 1000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_read_well() {
        let exit = |how, left| Exit { at: Timestamp::EPOCH, ran: Millis(3_250), how, asked: false, left }.to_string();
        assert_eq!(exit(How::Code(1), 0), "exited with code 1 after 3.2 s");
        assert_eq!(exit(How::Signal(11), 0), "was ended by SIGSEGV after 3.2 s");
        assert_eq!(exit(How::Code(0), 2), "exited with code 0 after 3.2 s, leaving 2 processes that were killed");
        let stopped = Stopped { signal: 15, by_line: false, took: Millis(400), killed: 0 };
        assert_eq!(stopped.to_string(), "SIGTERM after 0.4 s");
        assert_eq!(Stopped { by_line: true, ..stopped }.to_string(), "its stop command after 0.4 s");
    }
}
