//! When a freeze holds, as people write it: moments of RFC 3339, days by their names, times of the wall clock.

use serde::{Deserialize, Serialize};
use sf_types::Timestamp;

use super::minute_of;
use crate::valid::Refused;

/// Minutes of a day.
const DAY: u16 = 24 * 60;
/// The longest time of one week's rule, minutes.
const WEEK: u32 = 7 * 24 * 60;
/// Names of the days, from Monday; the first three letters are enough.
const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// When a freeze holds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum When {
    /// Until it is taken away.
    Now,
    /// From one moment to another.
    Between {
        /// Its first moment.
        from: Moment,
        /// Its end.
        until: Moment,
    },
    /// Each week.
    Weekly(Week),
}

/// A moment: RFC 3339, or milliseconds since 1970, as rules were kept before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "WrittenMoment", into = "WrittenMoment")]
pub struct Moment(pub Timestamp);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum WrittenMoment {
    Millis(i64),
    Text(String),
}

impl TryFrom<WrittenMoment> for Moment {
    type Error = String;

    fn try_from(written: WrittenMoment) -> Result<Self, String> {
        let text = match written {
            WrittenMoment::Millis(millis) => return Ok(Self(Timestamp::from_millis(millis))),
            WrittenMoment::Text(text) => text,
        };
        let shown: String = text.chars().take(40).collect();
        let parsed = text.parse::<jiff::Timestamp>();
        let parsed =
            parsed.map_err(|_| format!("`{shown}` is no moment: write it with its zone, 2026-12-24T18:00:00+01:00"))?;
        Ok(Self(Timestamp::from_millis(parsed.as_millisecond())))
    }
}

impl From<Moment> for WrittenMoment {
    /// What has no four-digit year has no RFC 3339 text.
    fn from(moment: Moment) -> Self {
        const YEAR_ZERO: i64 = -62_167_219_200_000;
        const YEAR_10000: i64 = 253_402_300_800_000;
        let millis = moment.0.as_millis();
        match (YEAR_ZERO..YEAR_10000).contains(&millis) {
            true => Self::Text(moment.0.to_string()),
            false => Self::Millis(millis),
        }
    }
}

/// A time of each week.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "WrittenWeek")]
pub struct Week {
    /// Days on which it begins: 1 is Monday, 7 is Sunday.
    pub days: Vec<u8>,
    /// When it begins, `HH:MM` on the wall clock.
    pub from: String,
    /// How long it holds, minutes, up to a week.
    pub minutes: u32,
    /// The zone of that clock: `Europe/Berlin`.
    pub timezone: String,
}

/// The same as people write it: days by name or number, its length or the time at which it ends.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenWeek {
    days: Vec<WrittenDay>,
    from: String,
    #[serde(default)]
    until: Option<String>,
    #[serde(default)]
    minutes: Option<u32>,
    timezone: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenDay {
    Number(u8),
    Name(String),
}

impl WrittenDay {
    fn number(self) -> Result<u8, String> {
        match self {
            Self::Number(number) => Ok(number),
            Self::Name(name) => {
                let lower = name.trim().to_lowercase();
                let found = DAYS.iter().position(|day| *day == lower || day[..3] == *lower);
                let shown: String = name.chars().take(20).collect();
                let at =
                    found.ok_or_else(|| format!("`{shown}` is no day: write mon, tue, wed, thu, fri, sat or sun"))?;
                Ok(u8::try_from(at + 1).unwrap_or(u8::MAX))
            }
        }
    }
}

impl TryFrom<WrittenWeek> for Week {
    type Error = String;

    fn try_from(written: WrittenWeek) -> Result<Self, String> {
        let WrittenWeek { days, from, until, minutes, timezone } = written;
        let mut days = days.into_iter().map(WrittenDay::number).collect::<Result<Vec<u8>, _>>()?;
        days.sort_unstable();
        days.dedup();
        let minutes = match (minutes, until) {
            (Some(minutes), None) => minutes,
            (None, Some(until)) => minutes_until(&from, &until)?,
            _ => return Err("a weekly freeze has either `until`, a time such as 08:00, or `minutes`".to_owned()),
        };
        Ok(Self { days, from, minutes, timezone })
    }
}

/// From one time of the wall clock to the next such other time: of the same day, or the day after.
fn minutes_until(from: &str, until: &str) -> Result<u32, String> {
    let minute = |text: &str| {
        let shown: String = text.chars().take(20).collect();
        minute_of(text).ok_or_else(|| format!("`{shown}` is no time: write it as 18:00"))
    };
    let (from, until) = (minute(from)?, minute(until)?);
    let later = if until > from { until - from } else { until + DAY - from };
    Ok(u32::from(later))
}

impl When {
    /// Refuses a time that never is.
    ///
    /// # Errors
    /// [`Refused`] with the field.
    pub(super) fn check(&self) -> Result<(), Refused> {
        let refuse = super::refuse;
        match self {
            Self::Now => Ok(()),
            Self::Between { from, until } => refuse(from >= until, "freezes.until", "after `from`"),
            Self::Weekly(Week { days, from, minutes, .. }) => {
                let bad = days.is_empty() || days.len() > 7 || days.iter().any(|day| !(1..=7).contains(day));
                refuse(bad, "freezes.days", "1 (Monday) to 7 (Sunday), or mon to sun, at least one")?;
                refuse(minute_of(from).is_none(), "freezes.from", "a time such as 18:00")?;
                refuse(!(1..=WEEK).contains(minutes), "freezes.minutes", "1 minute to a week")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(written: Value) -> Result<When, String> {
        serde_json::from_value(written).map_err(|why| why.to_string())
    }

    #[test]
    fn moments_are_written_as_people_write_them_and_read_as_they_were_kept() {
        let kept =
            json!({ "kind": "between", "from": "2026-12-24T17:00:00.000Z", "until": "2027-01-02T07:00:00.000Z" });
        for written in [
            json!({ "kind": "between", "from": "2026-12-24T18:00:00+01:00", "until": "2027-01-02T07:00:00Z" }),
            json!({ "kind": "between", "from": 1_798_131_600_000_i64, "until": 1_798_873_200_000_i64 }),
            kept.clone(),
        ] {
            let when = read(written.clone()).unwrap_or_else(|why| panic!("{written}: {why}"));
            assert_eq!(serde_json::to_value(&when).unwrap(), kept, "{written}");
            assert!(when.check().is_ok());
        }
        for bad in
            [json!("2026-12-24"), json!("2026-12-24T18:00:00"), json!("tomorrow"), json!(""), json!(1.5), json!(null)]
        {
            let written = json!({ "kind": "between", "from": bad, "until": 1 });
            assert!(read(written).is_err(), "{bad}");
        }
        let never = read(json!({ "kind": "between", "from": 2, "until": 1 })).unwrap();
        assert!(never.check().is_err());
    }

    #[test]
    fn a_moment_beyond_all_years_stays_what_it_was() {
        for millis in [i64::MAX, i64::MIN, 253_402_300_800_000, -62_167_219_200_001] {
            let written = json!({ "kind": "between", "from": 0, "until": millis });
            let when = read(written).unwrap();
            assert_eq!(read(serde_json::to_value(&when).unwrap()).unwrap(), when, "{millis}");
        }
    }

    #[test]
    fn weeks_are_days_and_times_of_the_wall_clock() {
        let kept = |days: &[u8], from: &str, minutes: u32| json!({ "kind": "weekly", "days": days, "from": from, "minutes": minutes, "timezone": "Europe/Berlin" });
        let check = |more: Value, expected: Option<Value>| {
            let mut written = json!({ "kind": "weekly", "timezone": "Europe/Berlin" });
            written.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let when = read(written.clone());
            let shown = when.as_ref().ok().map(|when| serde_json::to_value(when).unwrap());
            assert_eq!(shown, expected, "{written} {when:?}");
        };
        let working = json!({ "days": ["mon", "Tuesday", "wed", "thu", "FRI"], "from": "09:00", "until": "17:30" });
        check(working, Some(kept(&[1, 2, 3, 4, 5], "09:00", 510)));
        check(
            json!({ "days": ["fri", 6, "sat"], "from": "22:00", "until": "06:00" }),
            Some(kept(&[5, 6], "22:00", 480)),
        );
        check(json!({ "days": [7], "from": "00:00", "until": "00:00" }), Some(kept(&[7], "00:00", 1440)));
        check(json!({ "days": [5], "from": "18:00", "minutes": 3720 }), Some(kept(&[5], "18:00", 3720)));
        for bad in [
            json!({ "days": ["someday"], "from": "09:00", "until": "17:00" }),
            json!({ "days": [1], "from": "09:00", "until": "17:00", "minutes": 5 }),
            json!({ "days": [1], "from": "09:00" }),
            json!({ "days": [1], "from": "9", "until": "17:00" }),
            json!({ "days": [1], "from": "09:00", "until": "24:00" }),
            json!({ "days": [1], "from": "09:00", "until": "17:00", "zone": "UTC" }),
        ] {
            check(bad, None);
        }
        for nothing in [
            json!({ "days": [], "from": "09:00", "minutes": 5 }),
            json!({ "days": [8], "from": "09:00", "minutes": 5 }),
        ] {
            let mut written = json!({ "kind": "weekly", "timezone": "UTC" });
            written.as_object_mut().unwrap().extend(nothing.as_object().unwrap().clone());
            assert!(read(written).unwrap().check().is_err(), "{nothing}");
        }
    }

    #[test]
    fn what_is_refused_says_how_it_is_written() {
        for (written, told) in [
            (json!({ "kind": "between", "from": "2026-12-24T18:00", "until": 1 }), "2026-12-24T18:00:00+01:00"),
            (json!({ "kind": "weekly", "days": ["x"], "from": "09:00", "minutes": 5, "timezone": "UTC" }), "mon, tue"),
            (json!({ "kind": "weekly", "days": [1], "from": "09:00", "timezone": "UTC" }), "either `until`"),
        ] {
            let why = read(written.clone()).unwrap_err();
            assert!(why.contains(told), "{written}: {why}");
        }
    }
}
