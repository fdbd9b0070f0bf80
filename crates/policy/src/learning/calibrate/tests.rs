//! The table of docs/reference/confidence.md, and the laws that hold for every record.

use std::time::Duration;

use proptest::prelude::*;

use super::super::key::Key;
use super::super::sample::{Sample, Source};
use super::super::state::HALF_LIFE;
use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const DEPLOY: u8 = 35;
/// What people are told.
const PAGE: &str = include_str!("../../../../../docs/reference/confidence.md");

fn add(levels: &mut Levels, report: Option<u8>, source: Source, count: usize) {
    for _ in 0..count {
        levels.add(&Sample { report, source, at: NOW }, NOW);
    }
}

fn score(report: u8, levels: &Levels) -> u8 {
    calibrate(Some(report), DEPLOY, levels, NOW).score
}

/// Good runs with a report of 95 that an action of this risk needs until people are only told, and until not even that.
fn needed(risk: u8) -> (usize, usize) {
    let mut levels = Levels::default();
    let mut scores = Vec::new();
    while scores.last().is_none_or(|score| *score < 90) {
        add(&mut levels, Some(95), Source::Approved, 1);
        scores.push(calibrate(Some(95), risk, &levels, NOW).score);
    }
    (scores.iter().position(|score| *score >= 70).unwrap() + 1, scores.len())
}

#[test]
fn opening_takes_evidence() {
    for (risk, cold, notify, auto) in [
        (0, 56, 4, 23),
        (10, 56, 4, 23),
        (20, 51, 5, 27),
        (25, 46, 6, 31),
        (35, 37, 8, 38),
        (50, 25, 12, 48),
        (60, 17, 14, 55),
        (80, 6, 18, 68),
        (90, 1, 20, 75),
        (100, 0, 22, 81),
    ] {
        let nothing = calibrate(Some(100), risk, &Levels::default(), NOW);
        assert_eq!((nothing.score, nothing.method, nothing.level), (cold, Method::Prior, None), "risk {risk}");
        assert_eq!(needed(risk), (notify, auto), "risk {risk}");
        let (begins, ends) = (format!("| {risk} |"), format!("| {cold} | {notify} | {auto} |"));
        assert!(PAGE.lines().any(|line| line.starts_with(&begins) && line.ends_with(&ends)), "{begins} {ends}");
    }
}

#[test]
fn the_example_of_the_page() {
    let mut levels = Levels::default();
    for source in [(Source::Approved, 1), (Source::Rejected, 2), (Source::Approved, 38)] {
        add(&mut levels, Some(95), source.0, source.1);
    }
    let made = calibrate(Some(95), DEPLOY, &levels, NOW);
    assert_eq!((made.estimate_permille, made.low_permille, made.score), (918, 851, 85));
    let sentence = super::super::told(Some(95), &made);
    assert!(PAGE.contains(&format!("> confidence 85 of 100 ({sentence}): it runs and people are told")), "{sentence}");
}

#[test]
fn a_record_with_failures_needs_longer() {
    for (bad_of, opens_after) in [(50, Some(52)), (20, Some(103)), (10, None)] {
        let mut levels = Levels::default();
        let opened = (1..=600).find(|run| {
            let source = if run % bad_of == bad_of / 2 { Source::Rejected } else { Source::Approved };
            add(&mut levels, Some(95), source, 1);
            score(95, &levels) >= 90
        });
        assert_eq!(opened, opens_after, "one bad of {bad_of}");
    }
}

#[test]
fn a_worsening_record_closes_at_once() {
    let mut levels = Levels::default();
    add(&mut levels, Some(95), Source::Approved, 200);
    let mut scores = vec![score(95, &levels)];
    for _ in 0..4 {
        add(&mut levels, Some(95), Source::Rejected, 1);
        scores.push(score(95, &levels));
    }
    assert_eq!(scores, [97, 86, 75, 66, 58], "one bad run: people are told; three: people decide");
    let held = calibrate(Some(95), DEPLOY, &levels, NOW);
    assert_eq!((held.held_by, held.evidence, held.good), (Some(Held::LastRuns), 204, 200));
    assert!(calibrate(Some(95), DEPLOY, &levels, NOW.plus(HALF_LIFE)).score <= 58, "waiting does not open it again");
    let again = (1..100).find(|_| {
        add(&mut levels, Some(95), Source::Approved, 1);
        score(95, &levels) >= 90
    });
    assert_eq!(again, Some(9), "good runs do");
}

/// Told to be sure, it turns out bad at one action after the other: each of them has a spotless record still.
#[test]
fn an_agent_that_goes_bad_everywhere_is_held_everywhere() {
    let mut levels = Levels::default();
    add(&mut levels, Some(95), Source::Approved, 100);
    let mut scores = Vec::new();
    for _ in 0..8 {
        for state in [&mut levels.agent, &mut levels.all] {
            state.add(&Sample { report: Some(95), source: Source::RolledBack, at: NOW }, NOW);
        }
        scores.push(score(95, &levels));
    }
    assert_eq!(scores, [95, 89, 83, 77, 72, 67, 63, 59]);
    assert_eq!(calibrate(Some(95), DEPLOY, &levels, NOW).held_by, Some(Held::AgentsLastRuns));
}

#[test]
fn what_is_unsure_and_goes_badly_does_not_hold_what_is_sure() {
    let mut levels = Levels::default();
    add(&mut levels, Some(95), Source::Approved, 100);
    add(&mut levels, Some(40), Source::Rejected, 30);
    assert!(score(95, &levels) >= 90 && score(40, &levels) < 15, "{} {}", score(95, &levels), score(40, &levels));
}

#[test]
fn what_is_sure_and_goes_badly_speaks_against_what_is_unsure() {
    let mut levels = Levels::default();
    add(&mut levels, Some(75), Source::Approved, 100);
    let before = score(75, &levels);
    add(&mut levels, Some(95), Source::Rejected, 10);
    assert!(before >= 90 && score(75, &levels) < 70, "{before}, then {}", score(75, &levels));
}

#[test]
fn good_runs_with_high_reports_say_nothing_about_low_ones() {
    let mut levels = Levels::default();
    add(&mut levels, Some(95), Source::Approved, 300);
    assert_eq!(score(30, &levels), score(30, &Levels::default()));
    assert!(score(90, &levels) < 70 && score(100, &levels) >= 90);
}

#[test]
fn an_underrated_report_is_worth_what_it_turned_out_to_be() {
    let mut levels = Levels::default();
    add(&mut levels, Some(60), Source::Approved, 100);
    assert!(score(60, &levels) >= 90 && score(95, &levels) >= score(60, &levels) && score(50, &levels) < 70);
}

#[test]
fn silence_is_a_record_of_its_own_and_no_way_around() {
    let mut levels = Levels::default();
    add(&mut levels, None, Source::Approved, 60);
    let silent = |levels: &Levels| calibrate(None, DEPLOY, levels, NOW).score;
    assert!(silent(&levels) >= 90 && score(100, &levels) < 70);
    add(&mut levels, Some(95), Source::Rejected, 3);
    assert!(silent(&levels) < 70, "{}", silent(&levels));
}

#[test]
fn others_records_inform_but_do_not_open() {
    let mut world = Levels::default();
    for state in [&mut world.action, &mut world.all] {
        for _ in 0..500 {
            state.add(&Sample { report: Some(95), source: Source::Approved, at: NOW }, NOW);
        }
    }
    let calibration = calibrate(Some(95), DEPLOY, &world, NOW);
    assert!(calibration.estimate_permille > 980 && calibration.score == 56, "{calibration:?}");
    assert_eq!((calibration.level, calibration.method), (Some(Level::Action), Method::Prior));
    let alone = needed(DEPLOY).1;
    let opened = (1..alone).find(|_| {
        add(&mut world, Some(95), Source::Approved, 1);
        score(95, &world) >= 90
    });
    assert_eq!(opened, Some(23), "of its own, instead of {alone}");
}

#[test]
fn weak_signs_open_slowly_and_rows_are_found_by_their_key() {
    let mut levels = Levels::default();
    add(&mut levels, Some(95), Source::Kept, 100);
    assert!(score(95, &levels) < 90);
    add(&mut levels, Some(95), Source::Kept, 60);
    assert!(score(95, &levels) >= 90);
    let key = Key { action: "app.deploy", agent: "a", tool: None };
    let mut read = Levels::default();
    for row in key.rows() {
        *read.at_mut(row.level) = levels.clone().at_mut(row.level).clone();
    }
    assert_eq!(read, levels);
}

#[test]
fn absurd_numbers_give_scores() {
    let mut levels = Levels::default();
    add(&mut levels, Some(255), Source::Approved, 3);
    for (report, risk) in [(Some(255), 255), (Some(0), 0), (None, 255)] {
        for now in [i64::MIN, 0, i64::MAX] {
            let made = calibrate(report, risk, &levels, Timestamp::from_millis(now));
            assert!(made.score <= 100 && made.high_permille <= 1000, "{made:?}");
        }
    }
}

/// A run somewhere: how near to the proposal, what was reported, how it went, how many days ago.
#[derive(Clone, Copy, Debug)]
struct Somewhere {
    level: Level,
    sample: Sample,
}

fn put(levels: &mut Levels, somewhere: &Somewhere) {
    // A run of another tool is in every record but the own one, and so on outwards.
    let rows: &[Level] = match somewhere.level {
        Level::Own => &[Level::Own, Level::Pair, Level::Action, Level::Agent, Level::All],
        Level::Pair => &[Level::Pair, Level::Action, Level::Agent, Level::All],
        Level::Action => &[Level::Action, Level::All],
        Level::Agent => &[Level::Agent, Level::All],
        Level::All => &[Level::All],
    };
    for level in rows {
        levels.at_mut(*level).add(&somewhere.sample, NOW);
    }
}

fn level() -> impl Strategy<Value = Level> {
    proptest::sample::select(vec![Level::Own, Level::Own, Level::Pair, Level::Action, Level::Agent, Level::All])
}

fn report() -> impl Strategy<Value = Option<u8>> {
    prop_oneof![1 => Just(None), 3 => (0_u8..=100).prop_map(Some), 4 => (85_u8..=100).prop_map(Some)]
}

fn somewhere(sources: Vec<Source>) -> impl Strategy<Value = Somewhere> {
    (level(), report(), proptest::sample::select(sources), 0_u64..200).prop_map(|(level, report, source, days)| {
        let at = NOW.minus(Duration::from_secs(days * 24 * 3600));
        Somewhere { level, sample: Sample { report, source, at } }
    })
}

/// Mostly good ones, or the gates that matter would never be open.
fn record() -> impl Strategy<Value = Levels> {
    let good: Vec<Source> = Source::ALL.into_iter().filter(|source| source.is_good()).collect();
    let mixed = [good.repeat(6), Source::ALL.to_vec()].concat();
    proptest::collection::vec((somewhere(mixed), 1_usize..20), 0..25).prop_map(|runs| {
        let mut levels = Levels::default();
        runs.iter().for_each(|(run, times)| (0..*times).for_each(|_| put(&mut levels, run)));
        levels
    })
}

/// Sums of binary fractions may differ in their last bits: one in a thousand is not a difference.
const ROUNDING: u16 = 1;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_higher_report_is_never_worth_less(levels in record(), risk in 0_u8..=100) {
        let all: Vec<_> = (0..=100).map(|report| calibrate(Some(report), risk, &levels, NOW)).collect();
        for pair in all.windows(2) {
            prop_assert!(pair[0].score <= pair[1].score, "{:?}", pair);
            prop_assert!(pair[0].estimate_permille <= pair[1].estimate_permille + ROUNDING, "{:?}", pair);
        }
        for it in all {
            prop_assert!(it.low_permille <= it.estimate_permille && it.estimate_permille <= it.high_permille, "{:?}", it);
            prop_assert!(u16::from(it.score) * 10 <= it.low_permille + 5, "{:?}", it);
        }
    }

    #[test]
    fn a_bad_run_never_raises_and_a_good_one_never_lowers(
        levels in record(), risk in 0_u8..=100, report in report(), run in somewhere(Source::ALL.to_vec()),
    ) {
        let before = calibrate(report, risk, &levels, NOW).low_permille;
        let mut with = levels;
        put(&mut with, &run);
        let after = calibrate(report, risk, &with, NOW).low_permille;
        if run.sample.source.is_good() {
            prop_assert!(after + ROUNDING >= before, "{} then {}", before, after);
        } else {
            prop_assert!(after <= before + ROUNDING, "{} then {}", before, after);
        }
    }

    /// Without a record of its own, and by waiting, nothing that asked runs by itself.
    #[test]
    fn neither_others_nor_time_open(levels in record(), risk in 0_u8..=100, report in report(), days in 0_u64..2000) {
        let others = Levels { own: LevelState::default(), ..levels.clone() };
        prop_assert!(calibrate(report, risk, &others, NOW).score <= 56);
        let later = NOW.plus(Duration::from_secs(days * 24 * 3600));
        let (now, then) = (calibrate(report, risk, &levels, NOW), calibrate(report, risk, &levels, later));
        prop_assert!(then.score <= now.score.max(56) + 1, "{:?} then {:?}", now, then);
    }
}
