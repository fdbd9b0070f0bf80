//! When a schedule is due: a cron line, a time zone, and what to do about moments that were missed.
//!
//! Floor 1 and pure. Workflows in the control plane and apps on their nodes run by the same lines. This crate must never know
//! what is started. Start reading at [`Schedule::due`].
//!
//! Moments are computed from the wall clock of the zone, day by day. Where that clock jumps:
//!
//! | schedule | the time does not exist that day | the time exists twice |
//! |---|---|---|
//! | named times: `0 2 * * *`, `30 1-3 * * *`, `0 */2 * * *` | once, at the first moment after the gap | once, the first |
//! | by interval: `*/15 * * * *`, `0 * * * *`, `* 2 * * *` | goes on with the clock; nothing is caught up | both: goes on in real time |
//!
//! By interval is a line whose minutes are written with `*`, or that runs in all 24 hours. `0 */2` names its hours, in
//! difference to Vixie cron: its 02:00 would be left out in spring and run twice in autumn.
//! Day of month and day of week together mean either of them; `+` before the day of week means both.

mod error;
mod moment;
mod pattern;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};
use sf_types::{Fault, Timestamp};

pub use error::{Field, ScheduleError};
use pattern::Pattern;

/// Longest cron line: 256 characters.
pub const MAX_CRON_CHARS: usize = 256;
/// Longest name of a time zone: 64 characters. The longest there is has 32.
pub const MAX_ZONE_CHARS: usize = 64;
/// A run that is late by no more than this is not missed: 60 s.
pub const GRACE: Duration = Duration::from_secs(60);
/// The most runs that `missed: all` starts at once: 100, the newest.
pub const MAX_CATCH_UP: usize = 100;
/// Missed runs are counted no further than this: 10,000, a week of minutes.
pub const MAX_COUNTED: usize = 10_000;
/// How far a moment is looked for, forwards and backwards: 41 years. A 29 February on a given weekday comes after 40
/// years at the latest (over a year like 2100), and nothing is rarer.
pub const SEARCH_YEARS: i16 = 41;

/// What to do about runs whose time passed while nobody looked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// None of those older than [`GRACE`] is started.
    #[default]
    Skip,
    /// One is started, for the newest.
    Once,
    /// Each is started, oldest first, [`MAX_CATCH_UP`] at most.
    All,
}

impl Missed {
    const fn text(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Once => "once",
            Self::All => "all",
        }
    }
}

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl FromStr for Missed {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let found = [Self::Skip, Self::Once, Self::All].into_iter().find(|missed| missed.text() == text);
        found.ok_or_else(|| ScheduleError::Missed { text: error::shown(text) })
    }
}

/// A cron line in a time zone. As text `{cron, timezone, missed}`; the zone is UTC and missed runs are skipped unless
/// the text says otherwise.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Text", into = "Text")]
pub struct Schedule {
    cron: String,
    pattern: Pattern,
    zone_name: String,
    zone: TimeZone,
    missed: Missed,
}

/// What to start now, and when to look again.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Due {
    /// The moments to start a run for, oldest first, [`MAX_CATCH_UP`] at most.
    pub fire: Vec<Timestamp>,
    /// How many moments passed without a run, counted up to [`MAX_COUNTED`].
    pub missed: u64,
    /// The first moment after both `last` and `now`.
    pub next: Option<Timestamp>,
}

impl Schedule {
    /// Reads a schedule from the texts of a definition.
    ///
    /// # Errors
    /// [`ScheduleError`]: a field that is not understood, a line that never runs, an unknown zone.
    pub fn parse(cron: &str, timezone: &str, missed: Missed) -> Result<Self, ScheduleError> {
        let pattern = Pattern::parse(cron)?;
        let (zone_name, zone) = zone(timezone)?;
        Ok(Self { cron: cron.trim().to_owned(), pattern, zone_name, zone, missed })
    }

    /// The cron line as it was written.
    pub fn cron(&self) -> &str {
        &self.cron
    }

    /// The zone's name in the IANA database: `Europe/Berlin`.
    pub fn zone(&self) -> &str {
        &self.zone_name
    }

    /// What is done about missed runs.
    pub const fn missed(&self) -> Missed {
        self.missed
    }

    /// The first moment strictly after `after`, so that a clock set back starts nothing twice. Nothing before 1970;
    /// `None` at the end of the calendar (year 9999).
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let after = after.as_millis().max(-1);
        let mut date = self.date_of(after)?.yesterday().ok()?;
        let last = date.saturating_add(jiff::Span::new().years(SEARCH_YEARS));
        while date <= last {
            if !self.pattern.has_month(date) {
                date = date.last_of_month().tomorrow().ok()?;
                continue;
            }
            let tomorrow = date.tomorrow();
            let first = |date: Date| self.moments(date).into_iter().find(|moment| *moment > after);
            if let Some(found) = first(date) {
                // Where a clock is set back over midnight, the next day begins before this one has ended.
                let other = tomorrow.ok().and_then(first).unwrap_or(found);
                return Some(Timestamp::from_millis(found.min(other)));
            }
            date = tomorrow.ok()?;
        }
        None
    }

    /// What to start at `now`, when everything up to and including `last` is settled. Store `max(last, now)` as the
    /// new `last`: with the clock set back nothing is due until it has caught up.
    pub fn due(&self, last: Timestamp, now: Timestamp) -> Due {
        let mut fire = self.between(last, now);
        let count = fire.len();
        let started = match self.missed {
            Missed::Skip => fire.iter().filter(|moment| now.since(**moment) <= GRACE).count(),
            Missed::Once => count.min(1),
            Missed::All => count.min(MAX_CATCH_UP),
        };
        let fire = fire.split_off(count - started);
        let missed = u64::try_from(count - started).unwrap_or(u64::MAX);
        Due { fire, missed, next: self.next(last.max(now)) }
    }

    /// The newest moments in `(last, now]`, oldest first, [`MAX_COUNTED`] at most. Goes backwards from `now`, so that
    /// the work does not grow with the time nobody looked.
    fn between(&self, last: Timestamp, now: Timestamp) -> Vec<Timestamp> {
        let (last, now) = (last.as_millis().max(-1), now.as_millis().min(jiff::Timestamp::MAX.as_millisecond()));
        let (Some(oldest), Some(newest)) = (self.date_of(last), self.date_of(now)) else { return Vec::new() };
        if now <= last {
            return Vec::new();
        }
        let mut found: Vec<i64> = Vec::new();
        // A day beyond both ends: clocks that are set back over midnight mix two days.
        let mut date = newest.saturating_add(jiff::Span::new().days(1));
        let oldest = oldest.max(newest.saturating_sub(jiff::Span::new().years(SEARCH_YEARS)));
        let oldest = oldest.saturating_sub(jiff::Span::new().days(1));
        while date >= oldest && found.len() < MAX_COUNTED {
            let earlier = if self.pattern.has_month(date) {
                found.extend(self.moments(date).into_iter().filter(|moment| (last + 1..=now).contains(moment)));
                date.yesterday()
            } else {
                date.first_of_month().yesterday()
            };
            let Ok(earlier) = earlier else { break };
            date = earlier;
        }
        found.sort_unstable();
        found.drain(..found.len().saturating_sub(MAX_COUNTED));
        found.into_iter().map(Timestamp::from_millis).collect()
    }

    fn moments(&self, date: Date) -> Vec<i64> {
        if self.pattern.is_on(date) { moment::of_day(&self.pattern, &self.zone, date) } else { Vec::new() }
    }

    /// The date on the zone's wall clock; none outside the calendar.
    fn date_of(&self, millis: i64) -> Option<Date> {
        let timestamp = jiff::Timestamp::from_millisecond(millis).ok()?;
        Some(self.zone.to_datetime(timestamp).date())
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        (&self.cron, &self.zone_name, self.missed) == (&other.cron, &other.zone_name, other.missed)
    }
}

impl Eq for Schedule {}

/// Only from the database inside the program: what a machine has installed must not move anybody's schedule.
fn zone(name: &str) -> Result<(String, TimeZone), ScheduleError> {
    let unknown = || ScheduleError::Zone { name: error::shown(name) };
    if name.chars().count() > MAX_ZONE_CHARS {
        return Err(unknown());
    }
    let zone = TimeZoneDatabase::bundled().get(name).map_err(|_| unknown())?;
    let canonical = zone.iana_name().filter(|_| !zone.is_unknown()).ok_or_else(unknown)?.to_owned();
    Ok((canonical, zone))
}

/// A schedule as it stands in a definition.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Text {
    cron: String,
    #[serde(default = "utc")]
    timezone: String,
    #[serde(default)]
    missed: Missed,
}

fn utc() -> String {
    "UTC".to_owned()
}

impl TryFrom<Text> for Schedule {
    type Error = Fault;

    fn try_from(text: Text) -> Result<Self, Fault> {
        Self::parse(&text.cron, &text.timezone, text.missed).map_err(|error| error.fault())
    }
}

impl From<Schedule> for Text {
    fn from(schedule: Schedule) -> Self {
        Self { cron: schedule.cron, timezone: schedule.zone_name, missed: schedule.missed }
    }
}

#[cfg(test)]
mod tests;
