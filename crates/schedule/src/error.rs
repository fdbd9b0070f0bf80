//! Why a schedule is refused: the field, the reason, the remedy.

use std::fmt;

use sf_types::{ErrorKind, Fault};

use super::MAX_CRON_CHARS;

/// Texts of the author are repeated in errors up to this length: 40 characters.
const SHOWN_CHARS: usize = 40;

/// A field of a cron line, in its order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Field {
    /// 0-59.
    Minute,
    /// 0-23.
    Hour,
    /// 1-31.
    DayOfMonth,
    /// 1-12 or JAN-DEC.
    Month,
    /// 0-7 or SUN-SAT; 0 and 7 are Sunday.
    DayOfWeek,
}

impl Field {
    /// As they stand in a line.
    pub const ALL: [Self; 5] = [Self::Minute, Self::Hour, Self::DayOfMonth, Self::Month, Self::DayOfWeek];

    const fn name(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::DayOfMonth => "day of month",
            Self::Month => "month",
            Self::DayOfWeek => "day of week",
        }
    }

    const fn takes(self) -> &'static str {
        match self {
            Self::Minute => "0 to 59, such as 0, 15,45, 0-30 or */15",
            Self::Hour => "0 to 23, such as 2, 8-18 or */6",
            Self::DayOfMonth => "1 to 31, L for the last day, 15W for the weekday nearest to the 15th",
            Self::Month => "1 to 12 or JAN to DEC, such as 1-3 or */2",
            Self::DayOfWeek => {
                "0 to 7 (Sunday is 0 and 7) or SUN to SAT, MON#1 for the first Monday, FRI#L for the last Friday"
            }
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a schedule is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ScheduleError {
    /// Longer than [`MAX_CRON_CHARS`].
    #[error("the cron line is longer than {MAX_CRON_CHARS} characters")]
    TooLong,
    /// Not five fields.
    #[error("the cron line has {found} fields, it needs five: minute, hour, day of month, month, day of week")]
    Fields {
        /// How many there are.
        found: usize,
    },
    /// Six or seven fields: other programs read the first one as seconds.
    #[error("the cron line has {found} fields, so its first one would be seconds; the shortest interval is one minute")]
    Seconds {
        /// How many there are.
        found: usize,
    },
    /// `@reboot` and the like.
    #[error("the short form {name} is not known")]
    Nickname {
        /// As written, shortened.
        name: String,
    },
    /// A field that is not understood.
    #[error("the {field} {text} is not understood: {why}")]
    Field {
        /// Which one.
        field: Field,
        /// As written, shortened.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// Dates that do not exist, such as 30 February.
    #[error("the schedule never runs: no year has a day that is {day} in month {month} (day of week {weekday})")]
    Never {
        /// Day of month as written, shortened.
        day: String,
        /// Month as written, shortened.
        month: String,
        /// Day of week as written, shortened.
        weekday: String,
    },
    /// Not in the database of time zones.
    #[error("the time zone {name} is not known")]
    Zone {
        /// As written, shortened.
        name: String,
    },
    /// Not a way to treat missed runs.
    #[error("{text} is no way to treat missed runs")]
    Missed {
        /// As written, shortened.
        text: String,
    },
}

impl ScheduleError {
    /// The field of the definition that has to be changed.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Zone { .. } => "timezone",
            Self::Missed { .. } => "missed",
            _ => "cron",
        }
    }

    /// What to do about it.
    pub fn fix(&self) -> String {
        match self {
            Self::TooLong => "Use ranges and steps, or several schedules.".into(),
            Self::Fields { .. } => "Write it like \"0 2 * * *\" (every day at 02:00) or @daily.".into(),
            Self::Seconds { .. } => "Leave out the seconds: \"*/5 * * * *\" is every five minutes.".into(),
            Self::Nickname { .. } => {
                "Use @hourly, @daily, @weekly, @monthly or @yearly, or five fields such as \"0 2 * * *\".".into()
            }
            Self::Field { field, .. } => format!("The {field} takes {}.", field.takes()),
            Self::Never { .. } => "Choose a day that the month has; L is its last day.".into(),
            Self::Zone { .. } => "Use a name of the IANA database, such as Europe/Berlin or UTC.".into(),
            Self::Missed { .. } => "Use skip, once or all.".into(),
        }
    }

    /// As edges show it.
    pub fn fault(&self) -> Fault {
        let code = format!("schedule.{}_invalid", self.field());
        Fault::new(ErrorKind::Invalid, code, format!("{self}.")).fix(self.fix())
    }
}

/// A text of the author for an error: quoted, escaped, shortened.
pub(super) fn shown(text: &str) -> String {
    let short: String = text.chars().take(SHOWN_CHARS).collect();
    let more = if short.len() < text.len() { "..." } else { "" };
    format!("{short:?}{more}")
}
