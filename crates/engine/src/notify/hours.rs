//! Times of day, and the moments they mean in a zone.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::civil::{Date, Time};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{ToSpan, ZonedDateTime};
use serde::{Deserialize, Serialize};
use sf_types::Timestamp;

const MINUTES_A_DAY: u16 = 24 * 60;

/// Times that make no sense.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadHours {
    /// No such zone.
    #[error("`{0}` is no time zone: write it as Europe/Vienna")]
    Zone(String),
    /// No time of day.
    #[error("`{0}` is no time of day: write it as 08:30")]
    Time(String),
    /// Begin and end are the same.
    #[error("quiet hours begin and end at {0}: nothing would ever be told")]
    Endless(TimeOfDay),
}

/// Hours and minutes, as on a wall clock: `08:30`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    /// 08:00.
    pub const EIGHT: Self = Self(8 * 60);

    /// From minutes after midnight.
    ///
    /// # Errors
    /// [`BadHours::Time`] for a day's length or more.
    pub fn from_minutes(minutes: u16) -> Result<Self, BadHours> {
        if minutes < MINUTES_A_DAY { Ok(Self(minutes)) } else { Err(BadHours::Time(minutes.to_string())) }
    }

    fn civil(self) -> Time {
        let number = |value: u16| i8::try_from(value).expect("below 60");
        Time::constant(number(self.0 / 60), number(self.0 % 60), 0, 0)
    }
}

impl FromStr for TimeOfDay {
    type Err = BadHours;

    fn from_str(text: &str) -> Result<Self, BadHours> {
        let bad = || BadHours::Time(text.chars().take(20).collect());
        let (hours, minutes) = text.split_once(':').ok_or_else(bad)?;
        let number = |part: &str, below: u16| -> Result<u16, BadHours> {
            let is_written = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            let number: Option<u16> = if is_written { part.parse().ok() } else { None };
            number.filter(|number| *number < below).ok_or_else(bad)
        };
        Ok(Self(number(hours, 24)? * 60 + number(minutes, 60)?))
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = BadHours;

    fn try_from(text: String) -> Result<Self, BadHours> {
        text.parse()
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// Hours in which somebody is left alone; over midnight where `to` is before `from`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Quiet {
    /// They begin.
    pub from: TimeOfDay,
    /// They end.
    pub to: TimeOfDay,
}

impl Quiet {
    pub(super) fn check(self) -> Result<(), BadHours> {
        if self.from == self.to { Err(BadHours::Endless(self.from)) } else { Ok(()) }
    }

    fn holds(self, time: Time) -> bool {
        let (from, to) = (self.from.civil(), self.to.civil());
        if from < to { from <= time && time < to } else { from <= time || time < to }
    }
}

pub(super) fn zone(name: &str) -> Result<TimeZone, BadHours> {
    let unknown = || BadHours::Zone(name.chars().take(super::MAX_ZONE_CHARS).collect());
    if name.len() > super::MAX_ZONE_CHARS {
        return Err(unknown());
    }
    TimeZoneDatabase::bundled().get(name).map_err(|_| unknown())
}

/// The wall clock of a zone.
pub(super) struct Wall(TimeZone);

impl Wall {
    pub(super) fn new(name: &str) -> Result<Self, BadHours> {
        zone(name).map(Self)
    }

    fn read(&self, at: Timestamp) -> ZonedDateTime {
        let at = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or(jiff::Timestamp::MAX);
        at.to_zoned_datetime(self.0.clone())
    }

    /// The moment that a date's time means: after a gap where it does not exist, the first where it exists twice.
    fn moment(&self, date: Date, time: Time) -> Option<Timestamp> {
        let zoned = date.to_datetime(time).to_zoned_datetime(self.0.clone()).ok()?;
        Some(Timestamp::from_millis(zoned.timestamp().as_millisecond()))
    }

    /// The next full hour on the clock.
    pub(super) fn next_hour(&self, now: Timestamp) -> Timestamp {
        let clock = self.read(now);
        let past = u64::try_from(clock.minute()).unwrap_or(0) * 60 + u64::try_from(clock.second()).unwrap_or(0);
        let whole = Timestamp::from_millis(now.as_millis() - now.as_millis().rem_euclid(1000));
        whole.plus(Duration::from_secs(3600 - past))
    }

    /// The next time the clock shows this.
    pub(super) fn next(&self, time: TimeOfDay, now: Timestamp) -> Timestamp {
        let mut date = self.read(now).date();
        // A clock that is set back shows a time again: two days on it is past in any case.
        for _ in 0..=2 {
            if let Some(moment) = self.moment(date, time.civil()).filter(|moment| *moment > now) {
                return moment;
            }
            date = date.saturating_add(1.day());
        }
        now.plus(Duration::from_secs(86_400))
    }

    /// `at`, or the end of the quiet hours it falls into.
    pub(super) fn after(&self, quiet: Quiet, at: Timestamp) -> Timestamp {
        let mut then = at;
        // The end of quiet hours may lie in a gap, or be shown twice.
        for _ in 0..3 {
            if !quiet.holds(self.read(then).time()) {
                break;
            }
            then = self.next(quiet.to, then);
        }
        then
    }
}
