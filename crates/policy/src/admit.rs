//! Does an authorised action run at once, run and tell, or wait for a person?

use sf_actions::admission::{Admission, Decision, Inputs, Proposer, SelfReport};
use sf_types::Timestamp;

use crate::learning::{Levels, calibrate, told};
use crate::taint;

/// Decides from the inputs alone; the same inputs always give the same decision.
pub fn admit(inputs: Inputs) -> Decision {
    let (admission, because, confidence) = rule(&inputs);
    let automatic = matches!(admission, Admission::Auto | Admission::AutoNotify);
    let sampled = automatic && inputs.proposer == Proposer::Ai && inputs.draw_permille < inputs.sample_permille;
    Decision { admission, because, confidence, sampled, inputs }
}

/// The rules in their order; the first that applies decides.
fn rule(inputs: &Inputs) -> (Admission, String, Option<u8>) {
    let answer = |admission, because: &str| (admission, because.to_owned(), None);
    if inputs.undo && inputs.proposer == Proposer::System {
        return answer(Admission::Auto, "ServerFlow takes back what it did itself");
    }
    if inputs.quota_left == 0 {
        return answer(Admission::Deny, "this proposer has opened all the runs it may open for now");
    }
    if inputs.frozen {
        let name = inputs.frozen_by.as_ref().map_or_else(String::new, |name| format!(" (“{name}”)"));
        return match inputs.proposer {
            Proposer::Person => {
                answer(Admission::Ask, &format!("changes are frozen now{name}: a second person has to agree"))
            }
            Proposer::Ai | Proposer::System => answer(Admission::Deny, &format!("changes are frozen now{name}")),
        };
    }
    if let (Some(budget), Proposer::Person | Proposer::Ai) = (&inputs.over_budget, inputs.proposer) {
        return answer(Admission::Ask, &format!("the budget of this proposer is used up ({budget}): a person decides"));
    }
    match inputs.proposer {
        Proposer::Person => return answer(Admission::Auto, "a person with the right to do this asked for it"),
        Proposer::System => return answer(Admission::Auto, "ServerFlow keeps what people asked for true"),
        Proposer::Ai => {}
    }
    if inputs.opens_gates {
        return answer(Admission::Ask, "who may do what, and what runs by itself, is never changed by an AI alone");
    }
    if inputs.never_auto {
        return answer(Admission::Ask, "this action never runs without a person");
    }
    if inputs.tainted && taint::lasts(inputs.destroys, inputs.risk, inputs.undoable) {
        return answer(Admission::Ask, taint::WHY);
    }
    if inputs.destroys && !inputs.waived {
        return answer(Admission::Ask, "something would be lost, and an AI asks before that");
    }
    let report = match inputs.report {
        SelfReport::Malformed => return answer(Admission::Ask, "the reported confidence is no number from 0 to 100"),
        SelfReport::Score(score) => Some(score),
        SelfReport::None => None,
    };
    // Whoever forgets to calibrate has an AI of which nothing is known, not one that is believed.
    let nothing_known = || calibrate(report, inputs.risk, &Levels::default(), Timestamp::EPOCH);
    let calibration = inputs.calibration.unwrap_or_else(nothing_known);
    let score = calibration.score;
    let (admission, what) = if score >= inputs.auto_at {
        (Admission::Auto, "it runs at once")
    } else if score >= inputs.notify_at {
        (Admission::AutoNotify, "it runs and people are told")
    } else {
        (Admission::Ask, "a person decides")
    };
    (admission, format!("confidence {score} of 100 ({}): {what}", told(report, &calibration)), Some(score))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::deploy_of_ai;
    use proptest::prelude::*;
    use sf_actions::admission::{Calibration, Method, Record};

    /// An AI whose calibrated score is this, whatever it reports.
    fn worth(score: u8) -> Calibration {
        Calibration {
            score,
            estimate_permille: 970,
            low_permille: u16::from(score) * 10,
            high_permille: 1000,
            method: Method::Isotonic,
            level: Some(sf_actions::admission::Level::Own),
            evidence: 41,
            good: 31,
            held_by: None,
        }
    }

    fn usual() -> Inputs {
        deploy_of_ai(worth(95))
    }

    fn check(change: fn(&mut Inputs), expected: Admission) {
        let mut inputs = usual();
        change(&mut inputs);
        let decision = admit(inputs.clone());
        assert_eq!(decision.admission, expected, "{inputs:?}: {}", decision.because);
        assert_eq!(admit(decision.inputs.clone()), decision, "a replay decides the same");
        let stored: Decision = serde_json::from_str(&serde_json::to_string(&decision).unwrap()).unwrap();
        assert_eq!(admit(stored.inputs.clone()), stored, "from the database too");
    }

    #[test]
    fn admission_as_a_table() {
        check(|_| {}, Admission::Auto);
        check(|i| i.calibration = Some(worth(90)), Admission::Auto);
        check(|i| i.calibration = Some(worth(89)), Admission::AutoNotify);
        check(|i| i.calibration = Some(worth(70)), Admission::AutoNotify);
        check(|i| i.calibration = Some(worth(69)), Admission::Ask);
        check(|i| i.opens_gates = true, Admission::Ask);
        check(|i| (i.opens_gates, i.waived, i.auto_at) = (true, true, 0), Admission::Ask);
        check(|i| i.over_budget = Some("5 runs in 60 min".into()), Admission::Ask);
        check(|i| (i.over_budget, i.proposer) = (Some("x".into()), Proposer::Person), Admission::Ask);
        check(|i| (i.over_budget, i.proposer) = (Some("x".into()), Proposer::System), Admission::Auto);
        check(|i| i.report = SelfReport::Malformed, Admission::Ask);
        check(|i| i.report = SelfReport::None, Admission::Auto);
        check(|i| i.destroys = true, Admission::Ask);
        check(|i| (i.destroys, i.waived) = (true, true), Admission::Auto);
        check(|i| i.never_auto = true, Admission::Ask);
        check(|i| (i.never_auto, i.waived, i.destroys) = (true, true, true), Admission::Ask);
        check(|i| (i.tainted, i.undoable) = (true, true), Admission::Auto);
        check(|i| (i.tainted, i.undoable, i.risk) = (true, true, taint::RISK), Admission::Ask);
        check(|i| (i.tainted, i.undoable, i.auto_at, i.risk) = (true, true, 0, taint::RISK), Admission::Ask);
        check(|i| (i.tainted, i.undoable) = (true, false), Admission::Ask);
        check(|i| (i.tainted, i.destroys, i.waived, i.undoable) = (true, true, true, true), Admission::Ask);
        check(|i| (i.proposer, i.tainted, i.destroys) = (Proposer::Person, true, true), Admission::Auto);
        check(|i| (i.tainted, i.destroys, i.frozen) = (true, true, true), Admission::Deny);
        check(|i| i.frozen = true, Admission::Deny);
        check(|i| i.quota_left = 0, Admission::Deny);
        check(|i| i.proposer = Proposer::Person, Admission::Auto);
        check(|i| (i.proposer, i.destroys) = (Proposer::Person, true), Admission::Auto);
        check(|i| (i.proposer, i.frozen) = (Proposer::Person, true), Admission::Ask);
        check(|i| (i.proposer, i.quota_left) = (Proposer::Person, 0), Admission::Deny);
        check(|i| i.proposer = Proposer::System, Admission::Auto);
        check(|i| (i.proposer, i.undo, i.frozen) = (Proposer::System, true, true), Admission::Auto);
        check(|i| (i.proposer, i.undo) = (Proposer::Ai, true), Admission::Auto);
    }

    #[test]
    fn an_ai_cannot_claim_to_be_an_undo() {
        check(|i| (i.undo, i.destroys) = (true, true), Admission::Ask);
    }

    #[test]
    fn a_report_alone_opens_nothing() {
        check(|i| i.calibration = None, Admission::Ask);
        check(|i| (i.calibration, i.report) = (None, SelfReport::Score(100)), Admission::Ask);
        check(|i| (i.calibration, i.report, i.risk) = (None, SelfReport::Score(100), 0), Admission::Ask);
        check(|i| (i.calibration, i.report, i.risk) = (None, SelfReport::None, 0), Admission::Ask);
        check(|i| (i.calibration, i.report) = (Some(worth(74)), SelfReport::Score(100)), Admission::AutoNotify);
    }

    #[test]
    fn a_card_says_that_somebody_elses_words_were_read() {
        let decision = admit(Inputs { tainted: true, destroys: true, waived: true, ..usual() });
        assert_eq!((decision.admission, decision.because.as_str()), (Admission::Ask, taint::WHY));
    }

    #[test]
    fn people_read_why() {
        let decision = admit(Inputs { calibration: Some(worth(74)), ..usual() });
        let expected = "confidence 74 of 100 (it reported 95; of 41 such runs of it 31 went well): \
                        it runs and people are told";
        assert_eq!(decision.because, expected);
    }

    fn any_inputs() -> impl Strategy<Value = Inputs> {
        let proposer = proptest::sample::select(vec![Proposer::Person, Proposer::Ai, Proposer::System]);
        let report =
            prop_oneof![Just(SelfReport::None), Just(SelfReport::Malformed), any::<u8>().prop_map(SelfReport::Score),];
        let calibration = proptest::option::of((0_u8..=100).prop_map(worth));
        let flags = proptest::array::uniform8(any::<bool>());
        let numbers = (0_u8..=101, 0_u8..=101, any::<u8>(), 0_u32..3, 0_u16..1000);
        (proposer, report, calibration, flags, numbers).prop_map(|(proposer, report, calibration, flags, numbers)| {
            let [destroys, never_auto, waived, frozen, passes_freeze, undo, tainted, undoable] = flags;
            let (auto_at, notify_at, risk, quota_left, draw_permille) = numbers;
            Inputs {
                risk,
                destroys,
                proposer,
                report,
                calibration,
                auto_at,
                notify_at,
                never_auto,
                waived,
                frozen,
                passes_freeze,
                quota_left,
                draw_permille,
                undo,
                tainted,
                undoable,
                ..usual()
            }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        /// Whatever an AI says and whatever its record: some things it never does by itself.
        #[test]
        fn an_ai_never_gets_around(inputs in any_inputs()) {
            let decision = admit(inputs.clone());
            prop_assert_eq!(&admit(decision.inputs.clone()), &decision);
            let automatic = matches!(decision.admission, Admission::Auto | Admission::AutoNotify);
            let held = inputs.never_auto
                || inputs.tainted && taint::lasts(inputs.destroys, inputs.risk, inputs.undoable)
                || inputs.destroys && !inputs.waived
                || inputs.frozen
                || inputs.quota_left == 0
                || inputs.report == SelfReport::Malformed;
            if inputs.proposer == Proposer::Ai {
                prop_assert!(!(automatic && held), "{:?}", decision);
                let score = decision.confidence;
                prop_assert_eq!(automatic, score.is_some_and(|it| it >= inputs.auto_at.min(inputs.notify_at)));
                let worth = inputs.calibration.map(|it| it.score);
                prop_assert!(score.is_none() || worth.is_none() || score == worth, "never more than it is worth");
            }
            prop_assert!(!decision.because.is_empty());
        }
    }

    /// As it stands in databases from before calibration.
    #[test]
    fn older_decisions_are_read_and_kept() {
        let old = r#"{"admission":"auto","because":"confidence 95 of 100: it runs at once","confidence":95,"sampled":false,
            "inputs":{"action":"app.deploy","risk":35,"destroys":false,"proposer":"ai","report":{"score":95},
            "record":{"good":3,"bad":1},"autoAt":90,"notifyAt":70,"neverAuto":false,"waived":false,"frozen":false,
            "quotaLeft":10,"drawPermille":999,"samplePermille":30,"undo":false}}"#;
        let decision: Decision = serde_json::from_str(old).unwrap();
        assert_eq!(decision.inputs.record, Some(Record { good: 3, bad: 1 }));
        assert_eq!((decision.inputs.calibration, decision.inputs.passes_freeze), (None, false));
        let again: Decision = serde_json::from_str(&serde_json::to_string(&decision).unwrap()).unwrap();
        assert_eq!(again, decision);
        assert_eq!(admit(decision.inputs).admission, Admission::Ask, "what nobody measured asks today");
    }
}
