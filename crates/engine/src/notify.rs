//! Whether somebody is told of something, and when: at once, with others later, or never. Pure.
//!
//! Source of the words: what people are told of are [`Kind`]s; [`Preferences`] are one person's; [`Preferences::route`]
//! decides.

mod hours;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sf_types::Timestamp;

pub use hours::{BadHours, Quiet, TimeOfDay};
use hours::{Wall, zone};

/// Longest name of a time zone: 64 characters.
pub const MAX_ZONE_CHARS: usize = crate::workflow::schedule::MAX_ZONE_CHARS;

/// What somebody is told of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Something waits for a decision.
    Approval,
    /// It has waited for long and is pressing.
    Escalated,
    /// A run failed or was taken back.
    Failed,
    /// Something is wrong with a machine or an app.
    Alert,
    /// An automatic run was chosen to be looked at afterwards.
    Review,
    /// A run went by itself, and people are to be told.
    Automatic,
}

impl Kind {
    /// All of them, the most pressing first.
    pub const ALL: [Self; 6] =
        [Self::Escalated, Self::Approval, Self::Alert, Self::Failed, Self::Review, Self::Automatic];

    /// The word in the database, the API and in messages.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Approval => "approval",
            Self::Escalated => "escalated",
            Self::Failed => "failed",
            Self::Alert => "alert",
            Self::Review => "review",
            Self::Automatic => "automatic",
        }
    }

    /// Whether it is told in quiet hours, too.
    pub const fn breaks_through(self) -> bool {
        matches!(self, Self::Escalated)
    }

    /// Whether a device may wake its owner for it.
    pub const fn is_pressing(self) -> bool {
        matches!(self, Self::Escalated | Self::Approval | Self::Alert)
    }

    /// When people are told of it who have not said otherwise.
    pub const fn usually(self) -> When {
        match self {
            Self::Approval | Self::Escalated | Self::Failed | Self::Alert => When::Now,
            Self::Review | Self::Automatic => When::Daily,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|kind| kind.word() == word);
        found.ok_or_else(|| format!("`{word}` is nothing people are told of"))
    }
}

/// When somebody wants to be told.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum When {
    /// At once.
    Now,
    /// Together with others, at the full hour.
    Hourly,
    /// Together with others, once a day.
    Daily,
    /// Not at all.
    Never,
}

/// What one person wants to be told of, and when.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Preferences {
    /// IANA name of the zone their times are in.
    pub zone: String,
    /// When they are told of what; [`Kind::usually`] where it says nothing.
    pub kinds: BTreeMap<Kind, When>,
    /// When the daily message goes.
    pub daily_at: TimeOfDay,
    /// When they are left alone, but for what [`Kind::breaks_through`].
    pub quiet: Option<Quiet>,
}

impl Default for Preferences {
    fn default() -> Self {
        Self { zone: "UTC".to_owned(), kinds: BTreeMap::new(), daily_at: TimeOfDay::EIGHT, quiet: None }
    }
}

/// What becomes of one notice for one person.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Route {
    /// It goes at once.
    Now,
    /// It goes then, with what else goes then.
    At(Timestamp),
    /// It goes nowhere.
    Never,
}

impl Preferences {
    /// Refuses a zone nobody knows, and quiet hours that never end.
    ///
    /// # Errors
    /// [`BadHours`].
    pub fn check(&self) -> Result<(), BadHours> {
        zone(&self.zone)?;
        self.quiet.map_or(Ok(()), Quiet::check)
    }

    /// When this person is told of this kind.
    pub fn when(&self, kind: Kind) -> When {
        self.kinds.get(&kind).copied().unwrap_or(kind.usually())
    }

    /// What becomes of a notice of this kind now.
    ///
    /// # Errors
    /// [`BadHours`] where the zone is not known (any more).
    pub fn route(&self, kind: Kind, now: Timestamp) -> Result<Route, BadHours> {
        let wall = Wall::new(&self.zone)?;
        let then = match self.when(kind) {
            When::Never => return Ok(Route::Never),
            When::Now => now,
            When::Hourly => wall.next_hour(now),
            When::Daily => wall.next(self.daily_at, now),
        };
        let then = match self.quiet {
            Some(quiet) if !kind.breaks_through() => wall.after(quiet, then),
            _ => then,
        };
        Ok(if then > now { Route::At(then) } else { Route::Now })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    fn time(text: &str) -> TimeOfDay {
        text.parse().unwrap()
    }

    fn vienna(quiet: Option<(&str, &str)>) -> Preferences {
        Preferences {
            zone: "Europe/Vienna".into(),
            kinds: [(Kind::Failed, When::Hourly), (Kind::Alert, When::Never)].into(),
            daily_at: time("08:00"),
            quiet: quiet.map(|(from, to)| Quiet { from: time(from), to: time(to) }),
        }
    }

    #[test]
    fn each_kind_goes_when_its_person_says() {
        let check = |preferences: &Preferences, kind, now: &str, expected: Option<&str>| {
            let route = preferences.route(kind, at(now)).unwrap();
            let expected = match expected {
                None => Route::Now,
                Some("never") => Route::Never,
                Some(then) => Route::At(at(then)),
            };
            assert_eq!(route, expected, "{kind} {now}");
        };
        let open = vienna(None);
        check(&open, Kind::Approval, "2026-11-27T03:00:00Z", None);
        check(&open, Kind::Failed, "2026-11-27T03:10:00Z", Some("2026-11-27T04:00:00Z"));
        check(&open, Kind::Failed, "2026-11-27T04:00:00Z", Some("2026-11-27T05:00:00Z"));
        check(&open, Kind::Alert, "2026-11-27T03:10:00Z", Some("never"));
        check(&open, Kind::Automatic, "2026-11-27T06:59:00Z", Some("2026-11-27T07:00:00Z"));
        check(&open, Kind::Automatic, "2026-11-27T07:00:00Z", Some("2026-11-28T07:00:00Z"));
        // Over midnight.
        let night = vienna(Some(("22:00", "07:00")));
        check(&night, Kind::Approval, "2026-11-27T20:59:59Z", None);
        check(&night, Kind::Approval, "2026-11-27T21:00:00Z", Some("2026-11-28T06:00:00Z"));
        check(&night, Kind::Approval, "2026-11-28T05:59:59Z", Some("2026-11-28T06:00:00Z"));
        check(&night, Kind::Approval, "2026-11-28T06:00:00Z", None);
        check(&night, Kind::Escalated, "2026-11-27T23:00:00Z", None);
        check(&night, Kind::Failed, "2026-11-27T20:30:00Z", Some("2026-11-28T06:00:00Z"));
        // Within a day.
        let noon = vienna(Some(("12:00", "13:00")));
        check(&noon, Kind::Approval, "2026-11-27T11:30:00Z", Some("2026-11-27T12:00:00Z"));
        check(&noon, Kind::Approval, "2026-11-27T10:59:00Z", None);
        // A digest that falls into quiet hours goes at their end.
        let late = vienna(Some(("07:30", "09:15")));
        check(&late, Kind::Automatic, "2026-11-27T01:00:00Z", Some("2026-11-27T08:15:00Z"));
    }

    #[test]
    fn clock_changes_lose_and_repeat_nothing() {
        let night = vienna(Some(("22:00", "02:30")));
        // 02:30 does not exist on 29 March 2026: quiet ends when the clock has jumped.
        let route = night.route(Kind::Approval, at("2026-03-28T22:00:00Z")).unwrap();
        assert_eq!(route, Route::At(at("2026-03-29T01:30:00Z")));
        // It exists twice on 25 October: the first counts.
        let route = night.route(Kind::Approval, at("2026-10-24T22:00:00Z")).unwrap();
        assert_eq!(route, Route::At(at("2026-10-25T00:30:00Z")));
        // Half-hour zones.
        let india = Preferences { zone: "Asia/Kolkata".into(), ..vienna(None) };
        let route = india.route(Kind::Failed, at("2026-11-27T03:10:00Z")).unwrap();
        assert_eq!(route, Route::At(at("2026-11-27T03:30:00Z")));
    }

    #[test]
    fn whatever_the_hours_a_notice_goes_within_two_days_and_outside_of_them() {
        use proptest::prelude::*;
        let zones = ["UTC", "Europe/Vienna", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu", "America/Nuuk"];
        proptest!(|(zone in 0..zones.len(), from in 0_u16..1440, to in 0_u16..1440, daily in 0_u16..1440,
                    now in 1_700_000_000_000_i64..1_900_000_000_000, kind in 0..Kind::ALL.len(), when in 0..3_usize)| {
            prop_assume!(from != to);
            let kind = Kind::ALL[kind];
            let minutes = |minutes: u16| TimeOfDay::from_minutes(minutes).unwrap();
            let preferences = Preferences {
                zone: zones[zone].into(),
                kinds: [(kind, [When::Now, When::Hourly, When::Daily][when])].into(),
                daily_at: minutes(daily),
                quiet: Some(Quiet { from: minutes(from), to: minutes(to) }),
            };
            let now = Timestamp::from_millis(now);
            let then = match preferences.route(kind, now).unwrap() {
                Route::Now => now,
                Route::At(then) => then,
                Route::Never => return Err(TestCaseError::fail("it is never told")),
            };
            prop_assert!(then.since(now) <= std::time::Duration::from_secs(3 * 86_400), "{then:?}");
            // Asked again when it goes, nothing holds it back any more.
            let at_once = Preferences { kinds: [(kind, When::Now)].into(), ..preferences };
            prop_assert_eq!(at_once.route(kind, then).unwrap(), Route::Now);
        });
    }

    #[test]
    fn hours_that_make_no_sense_are_refused() {
        assert!(vienna(None).check().is_ok());
        assert!(vienna(Some(("07:00", "07:00"))).check().is_err());
        for zone in ["", "Mars/Olympus", "../etc/passwd", &"a".repeat(100)] {
            assert!(Preferences { zone: zone.into(), ..Preferences::default() }.check().is_err(), "{zone}");
        }
        for text in ["", "24:00", "8:00", "08:60", "08-00", "+8:00", "08:00:00"] {
            assert!(text.parse::<TimeOfDay>().is_err(), "{text}");
        }
        assert_eq!(time("23:59").to_string(), "23:59");
    }
}
