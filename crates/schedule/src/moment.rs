//! The moments of one date on a zone's wall clock, in milliseconds since the epoch.

use jiff::civil::Date;
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::pattern::Pattern;

const MILLIS_PER_MINUTE: i64 = 60_000;
/// A clock that is not changed for this long after midnight shows every time of the day once: 24 h of the day, and as
/// long again because a later change may set the clock back into it (Sao Paulo did so at midnight).
const STEADY_MILLIS: i64 = 50 * 60 * MILLIS_PER_MINUTE;

/// Sorted, each once. What the pattern names on `date`, which it is on.
pub(super) fn of_day(pattern: &Pattern, zone: &TimeZone, date: Date) -> Vec<i64> {
    let times = pattern.hours.iter().flat_map(|hour| pattern.minutes.iter().map(move |minute| (*hour, *minute)));
    if let Some(midnight) = steady_midnight(zone, date) {
        return times
            .map(|(hour, minute)| midnight + (i64::from(hour) * 60 + i64::from(minute)) * MILLIS_PER_MINUTE)
            .collect();
    }
    let mut moments: Vec<i64> = Vec::new();
    for (hour, minute) in times {
        moments.extend(at(pattern, zone, date, hour, minute).into_iter().flatten());
    }
    moments.sort_unstable();
    moments.dedup();
    moments
}

/// When the date begins, if the zone's clock is not changed around it.
fn steady_midnight(zone: &TimeZone, date: Date) -> Option<i64> {
    let midnight = zone.to_ambiguous_timestamp(date.at(0, 0, 0, 0)).unambiguous().ok()?;
    let start = midnight.as_millisecond();
    let change = zone.following(midnight).next().map(|change| change.timestamp().as_millisecond());
    // Near the end of the calendar a time may not be a moment any more.
    let end = start.checked_add(STEADY_MILLIS).filter(|end| *end < jiff::Timestamp::MAX.as_millisecond())?;
    change.is_none_or(|change| change >= end).then_some(start)
}

/// None, one or two moments for one time of the wall clock.
fn at(pattern: &Pattern, zone: &TimeZone, date: Date, hour: i8, minute: i8) -> [Option<i64>; 2] {
    let time = date.at(hour, minute, 0, 0);
    let millis = |offset: jiff::tz::Offset| offset.to_timestamp(time).ok().map(|moment| moment.as_millisecond());
    match zone.to_ambiguous_timestamp(time).offset() {
        AmbiguousOffset::Unambiguous { offset } => [millis(offset), None],
        AmbiguousOffset::Gap { .. } if pattern.by_interval => [None, None],
        AmbiguousOffset::Gap { after, .. } => {
            // Read with the later offset, a time in the gap lies shortly before the change.
            let before = after.to_timestamp(time).ok();
            let change = before.and_then(|before| zone.following(before).next());
            [change.map(|change| change.timestamp().as_millisecond()), None]
        }
        AmbiguousOffset::Fold { before, after } => {
            [millis(before), pattern.by_interval.then(|| millis(after)).flatten()]
        }
    }
}
