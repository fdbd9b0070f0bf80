//! What is promised, on the held-out decisions: each judged by what was known before it, and by nothing else.

use std::sync::LazyLock;

use sf_actions::admission::{Admission, SelfReport};
use sf_actions::rules::{Pattern, Rules};
use sf_policy::learning::{Curves, Forecast};
use sf_policy::rules::{Past, Routing, replay};
use sf_policy::{admit, learning::Curve};

use crate::history::{EARLIER, HELD_OUT, NEVER_AUTO, committed};
use crate::process::{AGENTS, Kind, SEED, history};
use crate::walk::{Judged, Known, walk};

/// Expected calibration error that is promised, and what reports must have at least to be a test of it.
const PROMISED_ERROR: f64 = 0.05;
const REPORTED_ERROR: f64 = 0.2;

static TOLD: LazyLock<Vec<Judged>> = LazyLock::new(|| walk(&committed(), Known::Everything));
static ROUTED: LazyLock<Vec<Judged>> = LazyLock::new(|| walk(&committed(), Known::AsRouted));

fn curves(judged: &[Judged]) -> Curves {
    let forecast = |it: &Judged| Forecast {
        report: it.line.report,
        estimate_permille: it.decision.inputs.calibration.unwrap().estimate_permille,
        good: it.line.good,
    };
    Curves::of(&judged.iter().map(forecast).collect::<Vec<_>>())
}

/// Decisions answered so, and how many of them went badly.
fn answered(judged: &[Judged], admission: Admission) -> (usize, usize) {
    let such = judged.iter().filter(|it| it.decision.admission == admission);
    such.fold((0, 0), |(all, bad), it| (all + 1, bad + usize::from(!it.line.good)))
}

fn told(name: &str, curve: &Curve) {
    let Curve { count, brier, reliability, resolution, uncertainty, error, error_by_rank, .. } = curve;
    println!("{name}: {count} forecasts, error {error:.4} (by rank {error_by_rank:.4}), Brier {brier:.4}");
    println!("    = reliability {reliability:.4} - resolution {resolution:.4} + uncertainty {uncertainty:.4}");
    for bin in &curve.bins {
        println!("    {:.3} {:.3} [{:.3}, {:.3}] {}", bin.predicted, bin.observed, bin.low, bin.high, bin.count);
    }
}

/// `cargo nextest run -p sf-policy --test suite figures --no-capture` prints what docs/reference/confidence.md says.
fn check(judged: &[Judged]) {
    assert_eq!(judged.len(), HELD_OUT);
    let Curves { reported, calibrated } = curves(judged);
    told("reported", &reported);
    told("calibrated", &calibrated);
    assert!(reported.error >= REPORTED_ERROR, "{}", reported.error);
    assert!(calibrated.error <= PROMISED_ERROR && calibrated.error_by_rank <= PROMISED_ERROR, "{}", calibrated.error);
    assert!(calibrated.brier < reported.brier - 0.05, "{} {}", calibrated.brier, reported.brier);
    for admission in [Admission::Auto, Admission::AutoNotify, Admission::Ask] {
        let (all, bad) = answered(judged, admission);
        println!("{admission:?}: {all}, of which {bad} went badly");
    }
    // The thresholds mean what they say: at least 90 and 70 of a hundred go well.
    for (admission, most) in [(Admission::Auto, 0.10), (Admission::AutoNotify, 0.30)] {
        let (all, bad) = answered(judged, admission);
        assert!(bad as f64 <= most * all as f64, "{admission:?}: {bad} of {all}");
    }
    let false_auto = judged.iter().filter(|it| {
        NEVER_AUTO.contains(&it.decision.inputs.action.as_str()) && it.decision.admission != Admission::Ask
    });
    assert_eq!(false_auto.count(), 0, "the never-auto list is above every score");
}

#[test]
fn calibrated_error_when_everything_is_told() {
    check(&TOLD[EARLIER..]);
    assert!(answered(&TOLD[EARLIER..], Admission::Auto).0 >= 300, "gates do open");
}

#[test]
fn calibrated_error_when_only_what_was_seen_is_told() {
    check(&ROUTED[EARLIER..]);
    assert!(answered(&ROUTED[EARLIER..], Admission::Auto).0 >= 100, "gates do open");
}

/// The constants were chosen while looking at one history; these they have never seen.
#[test]
fn other_histories_give_the_same() {
    for seed in 1..=3 {
        assert_ne!(seed, SEED);
        check(&walk(&history(seed, EARLIER + HELD_OUT), Known::Everything)[EARLIER..]);
    }
}

/// An agent turns bad within the held-out part. What it reports does not change.
#[test]
fn an_agent_that_turns_bad_is_stopped() {
    for (agent, (kind, _)) in AGENTS.iter().enumerate() {
        let Kind::Turning(turns) = kind else { continue };
        for judged in [&*TOLD, &*ROUTED] {
            let after: Vec<_> = judged.iter().enumerate().filter(|(_, it)| it.line.agent == agent).collect();
            let before = after.iter().filter(|(number, _)| number < turns);
            let ran = |it: &Judged| matches!(it.decision.admission, Admission::Auto | Admission::AutoNotify);
            assert!(before.filter(|(_, it)| ran(it)).count() > 100, "agent {agent} was trusted");
            let after: Vec<_> = after.iter().filter(|(number, _)| number >= turns).map(|(_, it)| it).collect();
            let bad = |admission| {
                let such = after.iter().filter(|it| it.decision.admission == admission);
                such.filter(|it| !it.line.good).count()
            };
            let last = after.iter().rposition(|it| ran(it)).unwrap_or(0);
            let (auto, notify) = (bad(Admission::Auto), bad(Admission::AutoNotify));
            println!("agent {agent}: {auto} + {notify} bad ones ran of {} runs, the last was its {last}.", after.len());
            // A day may pass until it is known how a run went, and four runs in that day.
            assert!(auto <= 2 && notify <= 10, "agent {agent}: {auto} and {notify} bad ones ran by themselves");
        }
    }
}

#[test]
fn the_page_says_these_figures() {
    let page = include_str!("../../../../docs/reference/confidence.md");
    let (told, routed) = (&TOLD[EARLIER..], &ROUTED[EARLIER..]);
    let (one, other) = (curves(told), curves(routed));
    let row = |name: &str, of: fn(&Curve) -> f64| {
        format!("| {name} | {:.3} | {:.3} | {:.3} |", of(&one.reported), of(&one.calibrated), of(&other.calibrated))
    };
    let counts = |name: &str, admission| {
        let [(all, bad), (others, other_bad)] = [answered(told, admission), answered(routed, admission)];
        format!("| {name}, of them bad | | {all}, {bad} | {others}, {other_bad} |")
    };
    for line in [
        row("calibration error", |curve| curve.error),
        row("calibration error by rank", |curve| curve.error_by_rank),
        row("Brier score", |curve| curve.brier),
        counts("ran by themselves", Admission::Auto),
        counts("ran and people were told", Admission::AutoNotify),
        counts("asked", Admission::Ask),
    ] {
        assert!(page.contains(&line), "docs/reference/confidence.md should say: {line}");
    }
}

#[test]
fn every_decision_is_made_again_from_what_is_stored() {
    for judged in ROUTED.iter().step_by(7) {
        let text = serde_json::to_string(&judged.decision).unwrap();
        let stored: sf_actions::admission::Decision = serde_json::from_str(&text).unwrap();
        assert_eq!(admit(stored.inputs.clone()), judged.decision);
    }
}

/// A dry run over the last 1,000.
#[test]
fn a_dry_run_over_the_history() {
    let last = &ROUTED[ROUTED.len() - 1000..];
    let past = || last.iter().map(|it| Past { decision: &it.decision, at: it.at });
    let never_auto = || NEVER_AUTO.map(|name| Pattern(name.to_owned())).to_vec();
    let policy = |rules: Rules| Routing::base(&Rules { never_auto: never_auto(), ..rules });
    let same = replay(past(), &policy(Rules::default()));
    assert_eq!((same.decisions, same.same, same.changes.len()), (1000, 1000, 0));
    let strict = replay(past(), &policy(Rules { notify_at: Some(90), ..Rules::default() }));
    let told = answered(last, Admission::AutoNotify).0;
    assert!(told > 0 && strict.stricter == told as u64 && strict.looser == 0, "{strict:?}");
    let loose = replay(past(), &Routing::base(&Rules { auto_at: Some(0), notify_at: Some(0), ..Rules::default() }));
    assert_eq!(loose.looser, 1000 - answered(last, Admission::Auto).0 as u64);
    assert!(last.iter().all(|it| it.decision.inputs.report != SelfReport::Malformed));
}
