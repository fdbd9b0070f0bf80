//! A cron line: the minutes and hours it names, and the dates it means.

use croner::parser::{CronParser, Seconds, Year};
use croner::{Cron, Weekday};
use jiff::civil::Date;

use super::MAX_CRON_CHARS;
use super::error::{Field, ScheduleError, shown};

/// Every kind of year (its length and the weekday it begins with) is among these, so that a line without a day in
/// them never has one.
const KINDS_OF_YEARS: std::ops::Range<i16> = 2000..2028;

const NICKNAMES: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];
const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// A cron line that was understood.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    cron: Cron,
    pub minutes: Vec<i8>,
    pub hours: Vec<i8>,
    /// Whether it goes on in real time where the wall clock jumps.
    pub by_interval: bool,
}

impl Pattern {
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        if text.chars().count() > MAX_CRON_CHARS {
            return Err(ScheduleError::TooLong);
        }
        let fields: Vec<&str> = spelled_out(text.trim())?.split_ascii_whitespace().collect();
        let fields: [&str; 5] = fields.try_into().map_err(|fields: Vec<&str>| match fields.len() {
            found @ (6 | 7) => ScheduleError::Seconds { found },
            found => ScheduleError::Fields { found },
        })?;
        for (field, text) in Field::ALL.into_iter().zip(fields) {
            check_field(field, text)?;
        }
        let cron = read(&fields.join(" ")).map_err(|why| ScheduleError::Field {
            field: Field::Minute,
            text: shown(fields[0]),
            why,
        })?;
        let values = |values: Vec<u16>| values.into_iter().filter_map(|value| i8::try_from(value).ok()).collect();
        let (minutes, hours): (Vec<i8>, Vec<i8>) =
            (values(cron.pattern.minutes.values()), values(cron.pattern.hours.values()));
        let by_interval = fields[0].starts_with('*') || hours.len() == 24;
        let pattern = Self { cron, minutes, hours, by_interval };
        if pattern.ever_runs() {
            return Ok(pattern);
        }
        Err(ScheduleError::Never { day: shown(fields[2]), month: shown(fields[3]), weekday: shown(fields[4]) })
    }

    /// Whether the line means this date's month.
    pub fn has_month(&self, date: Date) -> bool {
        self.cron.pattern.month_match(u32::from(date.month().unsigned_abs())).unwrap_or(false)
    }

    /// Whether the line means this date.
    pub fn is_on(&self, date: Date) -> bool {
        let month = u32::from(date.month().unsigned_abs());
        let day = u32::from(date.day().unsigned_abs());
        let from_sunday = u32::from(date.weekday().to_sunday_zero_offset().unsigned_abs());
        let weekday = Weekday::from_days_from_sunday(from_sunday);
        self.has_month(date)
            && self.cron.pattern.day_match(i32::from(date.year()), month, day, weekday).unwrap_or(false)
    }

    fn ever_runs(&self) -> bool {
        let months = KINDS_OF_YEARS.flat_map(|year| (1..=12).map(move |month| Date::constant(year, month, 1)));
        !self.minutes.is_empty()
            && !self.hours.is_empty()
            && months.filter(|first| self.has_month(*first)).any(|first| {
                let days = std::iter::successors(Some(first), |date| date.tomorrow().ok());
                days.take_while(|date| date.month() == first.month()).any(|date| self.is_on(date))
            })
    }
}

/// Five fields for a short form.
fn spelled_out(text: &str) -> Result<&str, ScheduleError> {
    if !text.starts_with('@') {
        return Ok(text);
    }
    let known = NICKNAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    known.map(|(_, line)| *line).ok_or_else(|| ScheduleError::Nickname { name: shown(text) })
}

/// Reads one field among stars, so that an error names the field it is in.
fn check_field(field: Field, text: &str) -> Result<(), ScheduleError> {
    let refused = |why: &str| ScheduleError::Field { field, text: shown(text), why: why.to_owned() };
    if text.split(',').any(str::is_empty) {
        return Err(refused("a list has an empty place"));
    }
    if !is_spelled_right(field, text) {
        return Err(refused("a word in it is not a name"));
    }
    let line = Field::ALL.map(|other| if other == field { text } else { "*" }).join(" ");
    read(&line).map(drop).map_err(|why| refused(&why))
}

/// Whether each word is whole. The crate replaces names wherever they stand, so that it would take `1JAN` for 11.
fn is_spelled_right(field: Field, text: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.to_ascii_uppercase().split([',', '-', '/', '#', '+']).all(|part| {
        let is_plain = !part.bytes().any(|byte| byte.is_ascii_alphabetic());
        is_plain
            || match field {
                Field::Minute | Field::Hour => false,
                Field::DayOfMonth => part == "L" || part == "LW" || part.strip_suffix('W').is_some_and(is_number),
                Field::Month => MONTHS.contains(&part),
                Field::DayOfWeek => {
                    let day = part.strip_suffix('L').unwrap_or(part);
                    part == "L" || is_number(day) || WEEKDAYS.contains(&day)
                }
            }
    })
}

fn read(line: &str) -> Result<Cron, String> {
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    parser.parse(line).map_err(|error| {
        let why = error.to_string();
        let why = why.split_once(": ").map_or(why.as_str(), |(_, why)| why);
        let mut why = why.trim_end_matches('.').to_owned();
        if let Some(first) = why.get_mut(..1) {
            first.make_ascii_lowercase();
        }
        why
    })
}
