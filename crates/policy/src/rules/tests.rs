use sf_actions::admission::{Admission, Calibration, Decision, Inputs, Level, Method, Proposer, SelfReport};

use super::*;
use crate::admit;

const NOON: Timestamp = Timestamp::from_millis(1_000_000);

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn decided(action: &str, score: u8, destroys: bool) -> Decision {
    let calibration = Calibration {
        score,
        estimate_permille: 950,
        low_permille: u16::from(score) * 10,
        high_permille: 990,
        method: Method::Beta,
        level: Some(Level::Own),
        evidence: 50,
        good: 49,
        held_by: None,
    };
    admit(Policy::default().apply(
        &Inputs {
            action: action.into(),
            risk: 35,
            destroys,
            proposer: Proposer::Ai,
            report: SelfReport::Score(99),
            calibration: Some(calibration),
            record: None,
            auto_at: 0,
            notify_at: 0,
            never_auto: false,
            waived: false,
            frozen: false,
            passes_freeze: action.starts_with("run."),
            quota_left: 1,
            draw_permille: 999,
            sample_permille: 0,
            undo: false,
        },
        NOON,
    ))
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn freeze(from: i64, until: i64) -> Freeze {
    Freeze { from: at(from), until: at(until), reason: "Christmas".into() }
}

#[test]
fn the_narrower_scope_sets_numbers_and_adds_to_lists() {
    let team = Rules {
        auto_at: Some(95),
        never_auto: names(&["app.delete"]),
        waived: names(&["project.delete"]),
        freezes: vec![freeze(0, 10)],
        ..Rules::default()
    };
    let project = Rules { notify_at: Some(80), never_auto: names(&["app.stop"]), ..Rules::default() };
    let policy = Policy::of([&team, &project]);
    assert_eq!((policy.auto_at, policy.notify_at, policy.sample_permille), (95, 80, SAMPLE_PERMILLE));
    assert_eq!(policy.never_auto, names(&["app.delete", "app.stop"]));
    assert_eq!(policy.waived, names(&[]), "a waiver holds for exactly its scope");
    assert_eq!(Policy::of([&team]).waived, names(&["project.delete"]));
    assert!(policy.freeze(at(9)).is_some() && policy.freeze(at(10)).is_none());
}

#[test]
fn freezes_begin_and_end() {
    let policy = Policy::of([&Rules { freezes: vec![freeze(5, 10), freeze(20, 30)], ..Rules::default() }]);
    for (moment, holds) in [(4, false), (5, true), (9, true), (10, false), (20, true), (30, false)] {
        assert_eq!(policy.freeze(at(moment)).is_some(), holds, "{moment}");
    }
    assert_eq!(policy.freeze(at(5)).flatten().map(|freeze| freeze.reason.as_str()), Some("Christmas"));
    let frozen = Policy::of([&Rules { frozen: true, ..Rules::default() }, &Rules::default()]);
    assert_eq!(frozen.freeze(NOON), Some(None));
}

#[test]
fn senseless_rules_are_refused() {
    let check = |rules: Rules, expected: Result<(), RulesError>| assert_eq!(rules.check(), expected);
    let many: BTreeSet<String> = (0..=MAX_NAMES).map(|name| name.to_string()).collect();
    check(Rules::default(), Ok(()));
    check(Rules { auto_at: Some(NEVER), notify_at: Some(NEVER), ..Rules::default() }, Ok(()));
    check(Rules { notify_at: Some(102), ..Rules::default() }, Err(RulesError::Threshold(102)));
    check(Rules { sample_permille: Some(1001), ..Rules::default() }, Err(RulesError::Sample(1001)));
    check(Rules { waived: many, ..Rules::default() }, Err(RulesError::Names(MAX_NAMES + 1)));
    let freezes = vec![freeze(1, 2); MAX_FREEZES + 1];
    check(Rules { freezes, ..Rules::default() }, Err(RulesError::Freezes(MAX_FREEZES + 1)));
    let empty = RulesError::Empty { from: at(2), until: at(2) };
    check(Rules { freezes: vec![freeze(1, 2), freeze(2, 2)], ..Rules::default() }, Err(empty));
    let turned = Policy::of([&Rules { auto_at: Some(60), ..Rules::default() }]);
    assert_eq!(turned.check(), Err(RulesError::Order { notify_at: NOTIFY_AT, auto_at: 60 }));
    assert_eq!(Policy::default().check(), Ok(()));
}

#[test]
fn rules_are_read_from_a_row_and_strictly() {
    let rules: Rules = serde_json::from_str(r#"{"autoAt":95,"freezes":[{"from":1,"until":2}]}"#).unwrap();
    assert_eq!((rules.auto_at, rules.freezes.len()), (Some(95), 1));
    assert_eq!(serde_json::from_str::<Rules>(&serde_json::to_string(&rules).unwrap()).unwrap(), rules);
    assert!(serde_json::from_str::<Rules>(r#"{"auto":95}"#).is_err());
}

/// A dry run: what a change of policy would have done to decisions that were made.
#[test]
fn a_dry_run_counts_what_would_have_been_different() {
    let decisions = [
        decided("app.deploy", 96, false),
        decided("app.deploy", 92, false),
        decided("app.deploy", 92, false),
        decided("app.restart", 75, false),
        decided("app.delete", 96, true),
        decided("run.cancel", 96, false),
    ];
    let was: Vec<Admission> = decisions.iter().map(|decision| decision.admission).collect();
    use Admission::{Ask, Auto, AutoNotify, Deny};
    assert_eq!(was, [Auto, Auto, Auto, AutoNotify, Ask, Auto]);
    let check = |rules: Rules, counts: (u64, u64, u64), changes: &[(Admission, Admission, u64)]| {
        let past = decisions.iter().map(|decision| Past { decision, at: NOON });
        let difference = replay(past, &Policy::of([&rules]));
        let Difference { decisions: all, same, stricter, looser, changes: found } = difference;
        assert_eq!((same, stricter, looser), counts, "{rules:?}");
        assert_eq!(all, same + stricter + looser);
        assert_eq!(found.iter().map(|it| (it.from, it.to, it.count)).collect::<Vec<_>>(), changes, "{rules:?}");
    };
    check(Rules::default(), (6, 0, 0), &[]);
    check(Rules { auto_at: Some(95), ..Rules::default() }, (4, 2, 0), &[(Auto, AutoNotify, 2)]);
    check(Rules { auto_at: Some(75), ..Rules::default() }, (5, 0, 1), &[(AutoNotify, Auto, 1)]);
    check(Rules { never_auto: names(&["app.deploy"]), ..Rules::default() }, (3, 3, 0), &[(Auto, Ask, 3)]);
    check(Rules { waived: names(&["app.delete"]), ..Rules::default() }, (5, 0, 1), &[(Ask, Auto, 1)]);
    let frozen = Rules { freezes: vec![freeze(0, 2_000_000)], ..Rules::default() };
    // What gets people out of a freeze goes on.
    check(frozen, (1, 5, 0), &[(Auto, Deny, 3), (AutoNotify, Deny, 1), (Ask, Deny, 1)]);
    check(Rules { freezes: vec![freeze(0, 10)], ..Rules::default() }, (6, 0, 0), &[]);
}
