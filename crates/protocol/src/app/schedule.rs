//! Standing orders: what a node does by the clock, with or without a control plane. For an app it is a command, for a panel
//! server a chain of steps. Version [`crate::handshake::SCHEDULES_SINCE`] and above; of servers
//! [`crate::handshake::SERVERS_SINCE`] and above.

mod chain;

pub use chain::{ChainStep, StepDoes, StepPower};

use serde::{Deserialize, Serialize};
use sf_types::{AppId, Millis, ScheduleId, ScheduleRunId, ServerId, Slug, Timestamp};

use crate::wire;

/// Whose a schedule is. Written as `"app": id` or `"server": id` beside the other fields.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Whose {
    /// A command is run as this app, in its live release.
    App(AppId),
    /// A chain of steps is done to this server.
    Server(ServerId),
}

/// The lasting state of one schedule on its node. A command that changes it raises `generation`; the node keeps the
/// highest it has seen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScheduleSpec {
    /// The schedule.
    pub schedule: ScheduleId,
    /// Whose it is.
    #[serde(flatten)]
    pub whose: Whose,
    /// Its name, unique within the app or server.
    pub name: Slug,
    /// Raised by every change; never lowered.
    #[serde(with = "wire::u64_string")]
    pub generation: u64,
    /// When, what and how.
    pub settings: ScheduleSettings,
}

/// When a schedule runs, what, and within which bounds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScheduleSettings {
    /// Five fields of cron, or a short form such as `@daily`; what it means is in `sf_schedule`.
    pub cron: String,
    /// Name of a time zone in the IANA database.
    #[serde(default = "ScheduleSettings::default_timezone")]
    pub timezone: String,
    /// Of an app: program and arguments; never a line for a shell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Of a server: what is done, one after another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<ChainStep>,
    /// Of a server: times at which it does not run are left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_when_online: bool,
    /// Time that one run gets, the delays of its steps not counted; then all that its command started is killed, and no
    /// further step is begun.
    #[serde(default = "ScheduleSettings::default_time_limit")]
    pub time_limit: Millis,
    /// What happens when it is due while its last run is under way.
    #[serde(default)]
    pub overlap: Overlap,
    /// What happens to times that passed while the node was off.
    #[serde(default)]
    pub missed: CatchUp,
    /// Whether it runs by the clock; by hand it runs all the same.
    #[serde(default = "yes")]
    pub enabled: bool,
}

impl ScheduleSettings {
    /// Time a run gets unless told otherwise: 10 min.
    pub const DEFAULT_TIME_LIMIT: Millis = Millis::secs(600);
    /// Time that may be asked for: from 1 s to 24 h.
    pub const MAX_TIME_LIMIT: Millis = Millis::secs(24 * 3600);
    /// The shortest time limit: 1 s.
    pub const MIN_TIME_LIMIT: Millis = Millis::secs(1);
    /// Words of a command at the most.
    pub const MAX_ARGS: usize = 64;
    /// Bytes of a command's words together at the most: 8 KiB.
    pub const MAX_ARG_BYTES: usize = 8 * 1024;
    /// Steps of a chain at the most.
    pub const MAX_STEPS: usize = 20;

    fn default_timezone() -> String {
        "UTC".to_owned()
    }

    const fn default_time_limit() -> Millis {
        Self::DEFAULT_TIME_LIMIT
    }
}

const fn yes() -> bool {
    true
}

/// What happens when a schedule is due while its last run is under way. There are never two runs of one at once.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Overlap {
    /// That time is left out.
    #[default]
    Skip,
    /// One run waits for the end of the one under way; further times are left out.
    Queue,
}

/// What happens to times that passed while the node was off.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CatchUp {
    /// They are left out, and told.
    #[default]
    Skip,
    /// One run is started for all of them.
    Once,
}

/// SCHEDULE: what to do with a schedule.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "camelCase", deny_unknown_fields)]
pub enum ScheduleOrder {
    /// It shall be so.
    Set {
        /// The schedule as it shall be.
        spec: ScheduleSpec,
    },
    /// It shall be no more; a run under way is stopped.
    Delete {
        /// Whose it is.
        #[serde(flatten)]
        whose: Whose,
        /// Which.
        schedule: ScheduleId,
    },
    /// It shall run once now.
    Run {
        /// Whose it is.
        #[serde(flatten)]
        whose: Whose,
        /// Which.
        schedule: ScheduleId,
    },
}

impl ScheduleOrder {
    /// Whose schedule it is about.
    pub const fn whose(&self) -> Whose {
        match self {
            Self::Set { spec } => spec.whose,
            Self::Delete { whose, .. } | Self::Run { whose, .. } => *whose,
        }
    }

    /// The schedule it is about.
    pub const fn schedule(&self) -> ScheduleId {
        match self {
            Self::Set { spec } => spec.schedule,
            Self::Delete { schedule, .. } | Self::Run { schedule, .. } => *schedule,
        }
    }
}

/// One run of a schedule as its node tells it: when it begins, and once more when it has ended. Reports of one run have one
/// id; what has ended never changes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScheduleReport {
    /// The run.
    pub run: ScheduleRunId,
    /// Of which schedule.
    pub schedule: ScheduleId,
    /// Whose that is.
    #[serde(flatten)]
    pub whose: Whose,
    /// What started it.
    pub why: RunReason,
    /// The time it was due; of a run by hand the time it was asked for.
    pub due: Timestamp,
    /// When its command was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// How it is.
    pub state: ScheduleRunState,
    /// What its command ended with, where it ended by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// In words: "ended with code 1", "3 times were left out while the node was off".
    #[serde(default)]
    pub note: String,
    /// Its last lines, [`ScheduleReport::MAX_LINES`] at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub last_lines: Vec<String>,
}

impl ScheduleReport {
    /// Last lines of output in a report at the most.
    pub const MAX_LINES: usize = 20;
    /// Bytes of those lines together at the most: as JSON they have to fit one line of the node's own log.
    pub const MAX_LINES_BYTES: usize = 2000;
}

/// What started a run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RunReason {
    /// The clock.
    Clock,
    /// Somebody asked for it.
    Hand,
}

/// How a run of a schedule is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ScheduleRunState {
    /// Under way.
    Running,
    /// Its command ended with code 0, or its chain with the last step.
    Succeeded,
    /// It could not be started, or ended otherwise.
    Failed,
    /// Its time was over; everything it had started was killed.
    TimedOut,
    /// The agent or the machine ended while it was under way. It is not run again.
    Interrupted,
    /// Left out: the last one was under way, or its server was suspended or did not run.
    Skipped,
    /// Left out since the node was off.
    Missed,
    /// Stopped, since its schedule, app or server was removed.
    Stopped,
}

impl ScheduleRunState {
    /// Whether it has ended.
    pub const fn is_over(self) -> bool {
        !matches!(self, Self::Running)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_has_a_safe_value() {
        let settings: ScheduleSettings = wire::parse(br#"{"cron":"0 3 * * *","command":["./backup"]}"#).unwrap();
        assert_eq!((settings.timezone.as_str(), settings.enabled), ("UTC", true));
        assert_eq!((settings.overlap, settings.missed), (Overlap::Skip, CatchUp::Skip));
        assert_eq!(settings.time_limit, ScheduleSettings::DEFAULT_TIME_LIMIT);
        assert!(wire::parse::<ScheduleSettings>(br#"{"cron":"0 3 * * *","command":"./backup"}"#).is_err());
        assert!(wire::parse::<ScheduleSettings>(br#"{"cron":"* * * * *","command":["x"],"shell":true}"#).is_err());
    }

    #[test]
    fn it_is_one_app_or_server_and_nothing_else_is_written_there() {
        let id = "01890000-0000-7000-8000-00000000000a";
        let order = |of: &str| {
            let text = format!(r#"{{"change":"run",{of}"schedule":"{id}"}}"#);
            wire::parse::<ScheduleOrder>(text.as_bytes()).map(|order| (order.whose(), wire::write(&order)))
        };
        let app = format!(r#""app":"{id}","#);
        let server = format!(r#""server":"{id}","#);
        let (whose, written) = order(&app).unwrap();
        assert_eq!(whose, Whose::App(id.parse().unwrap()));
        assert_eq!(String::from_utf8(written).unwrap(), format!(r#"{{"change":"run",{app}"schedule":"{id}"}}"#));
        assert_eq!(order(&server).unwrap().0, Whose::Server(id.parse().unwrap()));
        for bad in ["", &format!("{app}{server}"), &format!("{app}{app}"), &format!(r#"{server}"node":"{id}","#)] {
            assert!(order(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_step_says_one_thing() {
        let parse = |text: &str| wire::parse::<ChainStep>(text.as_bytes());
        let step = parse(r#"{"command":"save-all"}"#).unwrap();
        assert_eq!((step.delay, step.continue_on_failure), (Millis(0), false));
        assert_eq!(step.does, StepDoes::Command("save-all".to_owned()));
        let step = parse(r#"{"delay":900000,"continueOnFailure":true,"power":"restart"}"#).unwrap();
        assert_eq!(step.does, StepDoes::Power(StepPower::Restart));
        assert_eq!(parse(&String::from_utf8(wire::write(&step)).unwrap()), Ok(step));
        for bad in [
            "{}",
            r#"{"line":"save-all"}"#,
            r#"{"power":"reboot"}"#,
            r#"{"power":"stop","command":"x"}"#,
            r#"{"command":["x"]}"#,
            r#"{"command":"x","command":"y"}"#,
            r#"{"command":"x","shell":true}"#,
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
