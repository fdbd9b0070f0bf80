//! Clock changes and calendars as tables, refusals, and the laws against an oracle that walks minute by minute.

use std::collections::HashSet;

use jiff::civil::DateTime;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;

/// A moment from RFC 3339.
fn at(text: &str) -> Timestamp {
    Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

fn schedule(cron: &str, zone: &str, missed: Missed) -> Schedule {
    Schedule::parse(cron, zone, missed).unwrap_or_else(|error| panic!("{cron} in {zone}: {error}"))
}

/// The moments after `after`, as many as are expected.
fn check(cron: &str, zone: &str, after: &str, expected: &[&str]) {
    let schedule = schedule(cron, zone, Missed::All);
    let moments = std::iter::successors(Some(at(after)), |moment| schedule.next(*moment));
    let found: Vec<String> = moments.skip(1).take(expected.len()).map(|moment| moment.to_string()).collect();
    let expected: Vec<String> = expected.iter().map(|text| at(text).to_string()).collect();
    assert_eq!(found, expected, "{cron} in {zone} after {after}");
    // What is due, found from the other end, is the same.
    let last = at(expected.last().unwrap());
    let due = schedule.due(at(after), last).fire;
    assert_eq!(due.iter().map(ToString::to_string).collect::<Vec<_>>(), expected, "due: {cron} in {zone}");
}

#[test]
fn a_time_that_does_not_exist_runs_once_after_the_gap() {
    let berlin = "Europe/Berlin";
    check(
        "30 2 * * *",
        berlin,
        "2026-03-28T00:00:00Z",
        &["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"],
    );
    // Several times in one gap, and the moment after it, are one run.
    check(
        "0,30 2,3 * * *",
        berlin,
        "2026-03-28T12:00:00Z",
        &["2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:00:00Z"],
    );
    check(
        "0 */2 * * *",
        berlin,
        "2026-03-28T22:30:00Z",
        &["2026-03-28T23:00:00Z", "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"],
    );
    check("30 2 * * *", "America/New_York", "2026-03-07T12:00:00Z", &["2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"]);
    check(
        "10 2 * * *",
        "Australia/Lord_Howe",
        "2026-10-03T00:00:00Z",
        &["2026-10-03T15:30:00Z", "2026-10-04T15:10:00Z"],
    );
    check("30 2 * * *", "Africa/Casablanca", "2026-03-21T12:00:00Z", &["2026-03-22T02:00:00Z", "2026-03-23T01:30:00Z"]);
    // A day without midnight, and one that a country left out.
    check("0 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00:00Z", &["2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"]);
    check("0 2 * * *", "Pacific/Apia", "2011-12-29T13:00:00Z", &["2011-12-30T10:00:00Z", "2011-12-30T12:00:00Z"]);
}

#[test]
fn a_time_that_exists_twice_runs_once_the_first() {
    check("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
    // Asked between the two.
    check("30 2 * * *", "Europe/Berlin", "2026-10-25T01:10:00Z", &["2026-10-26T01:30:00Z"]);
    check(
        "0 */2 * * *",
        "Europe/Berlin",
        "2026-10-24T21:30:00Z",
        &["2026-10-24T22:00:00Z", "2026-10-25T00:00:00Z", "2026-10-25T03:00:00Z"],
    );
    check("30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", &["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"]);
    check(
        "45 1 * * *",
        "Australia/Lord_Howe",
        "2026-04-04T00:00:00Z",
        &["2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"],
    );
    check("30 2 * * *", "Africa/Casablanca", "2026-02-14T12:00:00Z", &["2026-02-15T01:30:00Z", "2026-02-16T02:30:00Z"]);
    check(
        "30 23 * * *",
        "America/Sao_Paulo",
        "2018-02-17T12:00:00Z",
        &["2018-02-18T01:30:00Z", "2018-02-19T02:30:00Z"],
    );
}

#[test]
fn intervals_go_on_in_real_time() {
    for day in ["2026-03-29", "2026-10-25"] {
        let moments = ["00:45", "01:00", "01:15", "01:30"].map(|time| format!("{day}T{time}:00Z"));
        check("*/15 * * * *", "Europe/Berlin", &format!("{day}T00:40:00Z"), &moments.each_ref().map(String::as_str));
        let moments = ["00:00", "01:00", "02:00"].map(|time| format!("{day}T{time}:00Z"));
        let before = format!("{day}T00:00:00Z");
        check("0 * * * *", "Europe/Berlin", &before, &[moments[1].as_str(), moments[2].as_str()]);
    }
    // Minutes of one hour: it does not exist, it exists twice.
    check("*/30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", &["2026-03-30T00:00:00Z", "2026-03-30T00:30:00Z"]);
    check(
        "*/30 2 * * *",
        "Europe/Berlin",
        "2026-10-24T12:00:00Z",
        &["2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z"],
    );
    check(
        "*/30 * * * *",
        "America/New_York",
        "2026-11-01T05:20:00Z",
        &["2026-11-01T05:30:00Z", "2026-11-01T06:00:00Z", "2026-11-01T06:30:00Z", "2026-11-01T07:00:00Z"],
    );
    let howe = "Australia/Lord_Howe";
    check(
        "*/30 * * * *",
        howe,
        "2026-04-04T14:20:00Z",
        &["2026-04-04T14:30:00Z", "2026-04-04T15:00:00Z", "2026-04-04T15:30:00Z"],
    );
    check("*/30 * * * *", howe, "2026-10-03T15:10:00Z", &["2026-10-03T15:30:00Z", "2026-10-03T16:00:00Z"]);
    // The full hour of the wall clock: half an hour late after half an hour was left out.
    check("0 * * * *", howe, "2026-10-03T14:20:00Z", &["2026-10-03T14:30:00Z", "2026-10-03T16:00:00Z"]);
    // Set back over midnight, a minute into the next day.
    check(
        "*/30 * * * *",
        "America/Goose_Bay",
        "2010-11-07T02:10:00Z",
        &["2010-11-07T02:30:00Z", "2010-11-07T03:00:00Z", "2010-11-07T03:30:00Z", "2010-11-07T04:00:00Z"],
    );
    check(
        "*/30 23 * * *",
        "America/Sao_Paulo",
        "2018-02-17T12:00:00Z",
        &["2018-02-18T01:00:00Z", "2018-02-18T01:30:00Z", "2018-02-18T02:00:00Z", "2018-02-18T02:30:00Z"],
    );
}

#[test]
fn the_calendar() {
    check("0 6 * * *", "Asia/Kathmandu", "2026-01-01T00:00:00Z", &["2026-01-01T00:15:00Z", "2026-01-02T00:15:00Z"]);
    for (cron, after, expected) in [
        ("0 2 * * *", "2026-06-01T02:00:00Z", ["2026-06-02T02:00:00Z", "2026-06-03T02:00:00Z"]),
        ("0 0 29 2 *", "2026-01-01T00:00:00Z", ["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]),
        ("0 0 29 2 *", "2096-03-01T00:00:00Z", ["2104-02-29T00:00:00Z", "2108-02-29T00:00:00Z"]),
        ("0 0 31 * *", "2026-04-01T00:00:00Z", ["2026-05-31T00:00:00Z", "2026-07-31T00:00:00Z"]),
        ("0 0 L * *", "2026-02-01T00:00:00Z", ["2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z"]),
        ("0 0 15W * *", "2026-08-01T00:00:00Z", ["2026-08-14T00:00:00Z", "2026-09-15T00:00:00Z"]),
        ("0 0 * * MON#1", "2026-06-01T12:00:00Z", ["2026-07-06T00:00:00Z", "2026-08-03T00:00:00Z"]),
        ("0 0 * * fri#L", "2026-06-01T00:00:00Z", ["2026-06-26T00:00:00Z", "2026-07-31T00:00:00Z"]),
        ("0 0 1 * MON", "2026-06-01T12:00:00Z", ["2026-06-08T00:00:00Z", "2026-06-15T00:00:00Z"]),
        ("0 0 13 * +FRI", "2026-01-01T00:00:00Z", ["2026-02-13T00:00:00Z", "2026-03-13T00:00:00Z"]),
        ("0 9 * jan,JUL mon-FRI", "2026-01-30T10:00:00Z", ["2026-07-01T09:00:00Z", "2026-07-02T09:00:00Z"]),
        ("0 0 * * 7", "2026-06-01T00:00:00Z", ["2026-06-07T00:00:00Z", "2026-06-14T00:00:00Z"]),
        ("10-30/10 5 * * *", "2026-06-01T05:10:00Z", ["2026-06-01T05:20:00Z", "2026-06-01T05:30:00Z"]),
        ("@hourly", "2026-06-01T23:10:00Z", ["2026-06-02T00:00:00Z", "2026-06-02T01:00:00Z"]),
        ("@daily", "2026-06-01T00:00:00Z", ["2026-06-02T00:00:00Z", "2026-06-03T00:00:00Z"]),
        ("@Weekly", "2026-06-01T00:00:00Z", ["2026-06-07T00:00:00Z", "2026-06-14T00:00:00Z"]),
        ("@monthly", "2026-06-01T00:00:00Z", ["2026-07-01T00:00:00Z", "2026-08-01T00:00:00Z"]),
        ("@yearly", "2026-06-01T00:00:00Z", ["2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z"]),
        ("0 0 1 1 *", "4999-06-01T00:00:00Z", ["5000-01-01T00:00:00Z", "5001-01-01T00:00:00Z"]),
        ("0 0 1 1 *", "1900-06-01T00:00:00Z", ["1970-01-01T00:00:00Z", "1971-01-01T00:00:00Z"]),
    ] {
        check(cron, "UTC", after, &expected);
    }
    let yearly = schedule("@yearly", "UTC", Missed::Skip);
    assert_eq!(yearly.next(at("9998-06-01T00:00:00Z")), Some(at("9999-01-01T00:00:00Z")));
    assert_eq!(yearly.next(at("9999-01-01T00:00:00Z")), None);
    assert_eq!(yearly.next(Timestamp::from_millis(i64::MAX)), None);
}

#[test]
fn the_rarest_days_are_found() {
    for weekday in WEEKDAYS_FROM_SUNDAY {
        let schedule = schedule(&format!("0 0 29 2 +{weekday}"), "UTC", Missed::Skip);
        let mut moment = at("2000-01-01T00:00:00Z");
        while moment < at("2400-01-01T00:00:00Z") {
            moment = schedule.next(moment).unwrap_or_else(|| panic!("nothing on {weekday} after {moment}"));
        }
    }
}

const WEEKDAYS_FROM_SUNDAY: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

#[test]
fn refusals_name_the_field_and_the_remedy() {
    let long = "1,".repeat(200) + "1 * * * *";
    for (cron, zone, field, message, fix) in [
        ("", "UTC", "cron", "has 0 fields", "every day"),
        ("* * * *", "UTC", "cron", "has 4 fields", "every day"),
        ("0 0 2 * * *", "UTC", "cron", "shortest interval is one minute", "Leave out the seconds"),
        ("0 0 2 * * * 2027", "UTC", "cron", "shortest interval is one minute", "Leave out the seconds"),
        ("1 2 3 4 5 6 7 8", "UTC", "cron", "has 8 fields", "every day"),
        (long.as_str(), "UTC", "cron", "longer than 256 characters", "several"),
        ("@reboot", "UTC", "cron", "short form \"@reboot\"", "@hourly"),
        ("60 * * * *", "UTC", "cron", "the minute \"60\"", "0 to 59"),
        ("* 24 * * *", "UTC", "cron", "the hour \"24\"", "0 to 23"),
        ("* * 0 * *", "UTC", "cron", "the day of month \"0\"", "1 to 31"),
        ("* * * 13 *", "UTC", "cron", "the month \"13\"", "JAN to DEC"),
        ("* * * * 8", "UTC", "cron", "the day of week \"8\"", "SUN to SAT"),
        ("*/0 * * * *", "UTC", "cron", "the minute \"*/0\"", "0 to 59"),
        ("5/10 * * * *", "UTC", "cron", "the minute \"5/10\"", "0 to 59"),
        ("1,,2 * * * *", "UTC", "cron", "an empty place", "0 to 59"),
        (", * * * *", "UTC", "cron", "an empty place", "0 to 59"),
        // The crate alone would read these as November, as Sunday and Monday, as 12 o'clock.
        ("* * * 1JAN *", "UTC", "cron", "not a name", "JAN to DEC"),
        ("* * * * SUNMON", "UTC", "cron", "not a name", "SUN to SAT"),
        ("* JANFEB * * *", "UTC", "cron", "not a name", "0 to 23"),
        ("0 0 30 2 *", "UTC", "cron", "never runs", "L is its last day"),
        ("0 0 31 4,6 *", "UTC", "cron", "never runs", "L is its last day"),
        ("0 2 * * *", "Europe/Atlantis", "timezone", "\"Europe/Atlantis\" is not known", "Europe/Berlin"),
        ("0 2 * * *", "", "timezone", "is not known", "Europe/Berlin"),
        ("0 2 * * *", "+02:00", "timezone", "is not known", "Europe/Berlin"),
        ("0 2 * * *", "Etc/Unknown", "timezone", "is not known", "Europe/Berlin"),
        ("0 2 * * *", "../../etc/passwd", "timezone", "is not known", "Europe/Berlin"),
    ] {
        let error = Schedule::parse(cron, zone, Missed::Skip).expect_err(cron);
        let fault = error.fault();
        assert_eq!(error.field(), field, "{cron}: {fault}");
        assert!(fault.message.contains(message), "{cron}: {fault}");
        assert!(fault.fix.contains(fix), "{cron}: {fault}");
        assert_eq!(fault.code, format!("schedule.{field}_invalid"));
    }
    assert_eq!("never".parse::<Missed>().expect_err("no policy").field(), "missed");
}

#[test]
fn stands_as_text_in_a_definition() {
    let text = r#"{"cron":"0 2 * * *","timezone":"Europe/Berlin","missed":"once"}"#;
    let read: Schedule = serde_json::from_str(text).unwrap();
    assert_eq!((read.cron(), read.zone(), read.missed()), ("0 2 * * *", "Europe/Berlin", Missed::Once));
    assert_eq!(serde_json::to_string(&read).unwrap(), text);
    let short: Schedule = serde_json::from_str(r#"{"cron":" @daily "}"#).unwrap();
    assert_eq!(short, schedule("@daily", "utc", "skip".parse().unwrap()));
    for (text, why) in [
        (r#"{"cron":"0 2 * * *","tz":"UTC"}"#, "unknown field"),
        (r#"{"cron":"0 2 * * *","missed":"always"}"#, "unknown variant"),
        (r#"{"cron":"0 25 * * *"}"#, "The hour takes 0 to 23"),
    ] {
        let error = serde_json::from_str::<Schedule>(text).expect_err(text).to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn missed_runs() {
    let (last, now) = (at("2026-06-01T00:00:00Z"), at("2026-06-01T03:00:40Z"));
    let hours = |hours: &[u8]| hours.iter().map(|hour| at(&format!("2026-06-01T{hour:02}:00:00Z"))).collect::<Vec<_>>();
    let next = Some(at("2026-06-01T04:00:00Z"));
    for (missed, fire, count) in
        [(Missed::Skip, hours(&[3]), 2), (Missed::Once, hours(&[3]), 2), (Missed::All, hours(&[1, 2, 3]), 0)]
    {
        let schedule = schedule("0 * * * *", "UTC", missed);
        assert_eq!(schedule.due(last, now), Due { fire, missed: count, next }, "{missed}");
        // Nothing twice: settled, and with the clock set back by two hours.
        assert_eq!(schedule.due(now, now), Due { next, ..Due::default() });
        assert_eq!(schedule.due(now, at("2026-06-01T01:00:00Z")), Due { next, ..Due::default() });
    }
    // The grace ends after exactly a minute.
    let hourly = schedule("0 * * * *", "UTC", Missed::Skip);
    for (now, fired) in [("2026-06-01T01:01:00Z", 1), ("2026-06-01T01:01:00.001Z", 0)] {
        let due = hourly.due(last, at(now));
        assert_eq!((due.fire.len(), due.missed), (fired, 1 - fired as u64), "{now}");
    }
}

#[test]
fn a_clock_that_jumps_by_years_costs_little() {
    let (last, now) = (at("2026-06-01T00:00:00Z"), at("2036-06-01T00:00:30Z"));
    for (cron, missed, fired, counted) in [
        ("* * * * *", Missed::All, MAX_CATCH_UP, (MAX_COUNTED - MAX_CATCH_UP) as u64),
        ("* * * * *", Missed::Once, 1, (MAX_COUNTED - 1) as u64),
        ("* * * * *", Missed::Skip, 1, (MAX_COUNTED - 1) as u64),
        ("0 0 1 1 *", Missed::All, 10, 0),
        ("0 0 1 1 *", Missed::Skip, 0, 10),
        ("0 0 * * *", Missed::All, MAX_CATCH_UP, 3653 - MAX_CATCH_UP as u64),
    ] {
        let schedule = schedule(cron, "UTC", missed);
        let due = schedule.due(last, now);
        assert_eq!((due.fire.len(), due.missed), (fired, counted), "{cron} {missed}");
        assert!(due.fire.is_sorted() && due.fire.iter().all(|moment| *moment <= now));
        // The newest are kept.
        assert!(due.fire.last().is_none_or(|newest| schedule.next(*newest) == due.next), "{cron} {missed}");
    }
    let ends = [i64::MIN, -1, 0, i64::MAX].map(Timestamp::from_millis);
    let all = schedule("* * * * *", "Africa/Casablanca", Missed::All);
    for (last, now) in ends.into_iter().flat_map(|last| ends.map(|now| (last, now))) {
        assert!(all.due(last, now).fire.len() <= MAX_CATCH_UP);
    }
}

/// Zones with a day shortly before a change of their clocks, and one without.
const CHANGES: [(&str, &str); 14] = [
    ("Europe/Berlin", "2026-03-28T06:00:00Z"),
    ("Europe/Berlin", "2026-10-24T06:00:00Z"),
    ("America/New_York", "2026-03-07T12:00:00Z"),
    ("America/New_York", "2026-10-31T12:00:00Z"),
    ("Australia/Lord_Howe", "2026-04-04T00:00:00Z"),
    ("Australia/Lord_Howe", "2026-10-03T00:00:00Z"),
    ("Asia/Kathmandu", "2026-03-28T00:00:00Z"),
    ("Africa/Casablanca", "2026-02-14T12:00:00Z"),
    ("Africa/Casablanca", "2026-03-21T12:00:00Z"),
    ("America/Sao_Paulo", "2018-02-17T12:00:00Z"),
    ("America/Sao_Paulo", "2018-11-03T12:00:00Z"),
    ("America/Goose_Bay", "2010-11-06T12:00:00Z"),
    ("Pacific/Apia", "2011-12-29T00:00:00Z"),
    ("UTC", "2026-03-28T00:00:00Z"),
];
const ORACLE_MINUTES: i64 = 2 * 24 * 60;

/// A field as text and as the values that the oracle knows.
fn field(min: i8, max: i8) -> impl Strategy<Value = (String, Vec<i8>)> {
    let all: Vec<i8> = (min..=max).collect();
    let step = (1..=max).prop_map(move |step| (format!("*/{step}"), (min..=max).step_by(step as usize).collect()));
    let list = subsequence(all.clone(), 1..=6)
        .prop_map(|values: Vec<i8>| (values.iter().map(ToString::to_string).collect::<Vec<_>>().join(","), values));
    prop_oneof![2 => Just(("*".to_owned(), all)), 2 => step, 4 => list]
}

/// Walks the minutes and remembers which times of the wall clock it has seen.
fn oracle(zone: &TimeZone, start: i64, is_interval: bool, fits: impl Fn(DateTime) -> bool) -> Vec<i64> {
    let wall = |minute: i64| zone.to_datetime(jiff::Timestamp::from_second(start + minute * 60).unwrap());
    let later = |time: DateTime| time.checked_add(jiff::Span::new().minutes(1)).unwrap();
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    // A day before the start, so that it is known which times are there for the second time.
    for minute in -1440..=ORACLE_MINUTES {
        let time = wall(minute);
        let is_first = seen.insert(time);
        let mut fires = fits(time) && (is_interval || is_first);
        let mut skipped = later(wall(minute - 1));
        while !is_interval && skipped < time {
            fires |= fits(skipped);
            skipped = later(skipped);
        }
        if fires && minute > 0 {
            found.push((start + minute * 60) * 1000);
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn agrees_with_a_walk_minute_by_minute(
        (zone, start) in select(&CHANGES[..]),
        shift in 0_i64..600,
        minutes in field(0, 59), hours in field(0, 23), days in field(1, 31), weekdays in field(0, 6),
    ) {
        let cron = format!("{} {} {} * {}", minutes.0, hours.0, days.0, weekdays.0);
        let Ok(schedule) = Schedule::parse(&cron, zone, Missed::All) else {
            return Err(TestCaseError::fail(cron));
        };
        let is_interval = minutes.0.starts_with('*') || hours.1.len() == 24;
        let fits = |time: DateTime| {
            let day = days.1.contains(&time.day());
            let weekday = weekdays.1.contains(&time.weekday().to_sunday_zero_offset());
            let both = days.0 == "*" || weekdays.0 == "*";
            minutes.1.contains(&time.minute()) && hours.1.contains(&time.hour())
                && if both { day && weekday } else { day || weekday }
        };
        let start = at(start).as_secs() + shift * 60;
        let expected = oracle(&schedule.zone, start, is_interval, fits);
        let first = Timestamp::from_millis(start * 1000);
        let last = Timestamp::from_millis((start + ORACLE_MINUTES * 60) * 1000);
        let found: Vec<i64> = schedule.between(first, last).into_iter().map(Timestamp::as_millis).collect();
        prop_assert_eq!(&found, &expected, "between: {}", &cron);
        let chain = std::iter::successors(schedule.next(first), |moment| schedule.next(*moment));
        let chain: Vec<i64> = chain.take_while(|moment| *moment <= last).take(600).map(Timestamp::as_millis).collect();
        prop_assert_eq!(&chain[..], &expected[..expected.len().min(600)], "next: {}", &cron);
    }

    #[test]
    fn what_is_due_does_not_depend_on_how_often_one_looks(
        (zone, start) in select(&CHANGES[..]),
        cron in select(&["0 * * * *", "30 2 * * *", "*/20 1-3 * * *", "15,45 */2 * * *", "@daily"][..]),
        cuts in proptest::collection::vec(0_i64..3 * 86_400_000, 3),
    ) {
        let mut cuts = cuts;
        cuts.sort_unstable();
        let [a, b, c] = [0, 1, 2].map(|n| Timestamp::from_millis(at(start).as_millis() + cuts[n]));
        for missed in [Missed::All, Missed::Once, Missed::Skip] {
            let schedule = schedule(cron, zone, missed);
            let (whole, first, second) = (schedule.due(a, c), schedule.due(a, b), schedule.due(b, c));
            let total = |due: &Due| due.fire.len() as u64 + due.missed;
            prop_assert_eq!(total(&whole), total(&first) + total(&second));
            prop_assert_eq!(whole.next, second.next);
            prop_assert!(first.next.is_none_or(|next| next > b));
            if missed == Missed::All {
                prop_assert_eq!(whole.fire, [first.fire, second.fire].concat());
            }
        }
    }

    #[test]
    fn never_panics_and_never_goes_back(
        any in ".{0,40}",
        alike in "[0-9*/,\\-LW#?+@ A-Z]{0,24}",
        cron in select(&["* * * * *", "0 2 * * *", "0 0 29 2 *", "0 0 L * *", "*/7 */5 */3 * +FRI#L"][..]),
        (zone, _) in select(&CHANGES[..]),
        millis in prop_oneof![any::<i64>(), -1_000_000_000_000_i64..300_000_000_000_000],
        later in any::<i64>(),
    ) {
        for text in [&any, &alike] {
            drop(Schedule::parse(text, &any, Missed::Skip));
            drop(Schedule::parse(text, "UTC", Missed::Skip).map(|schedule| schedule.next(Timestamp::from_millis(millis))));
        }
        let (last, now) = (Timestamp::from_millis(millis), Timestamp::from_millis(later));
        let schedule = schedule(cron, zone, Missed::All);
        prop_assert!(schedule.next(last).is_none_or(|next| next > last));
        let due = schedule.due(last, now);
        prop_assert!(due.fire.len() <= MAX_CATCH_UP && due.missed <= MAX_COUNTED as u64);
        prop_assert!(due.fire.is_sorted() && due.fire.iter().all(|moment| *moment > last && *moment <= now));
        prop_assert!(due.next.is_none_or(|next| next > last && next > now));
    }
}
