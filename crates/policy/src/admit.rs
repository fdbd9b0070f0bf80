//! Does an authorised action run at once, run and tell, or wait for a person?

use sf_actions::admission::{Admission, Decision, Inputs, Proposer, SelfReport};

use crate::confidence;

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
        return match inputs.proposer {
            Proposer::Person => answer(Admission::Ask, "changes are frozen now: a second person has to agree"),
            Proposer::Ai | Proposer::System => answer(Admission::Deny, "changes are frozen now"),
        };
    }
    match inputs.proposer {
        Proposer::Person => return answer(Admission::Auto, "a person with the right to do this asked for it"),
        Proposer::System => return answer(Admission::Auto, "ServerFlow keeps what people asked for true"),
        Proposer::Ai => {}
    }
    if inputs.never_auto {
        return answer(Admission::Ask, "this action never runs without a person");
    }
    if inputs.destroys && !inputs.waived {
        return answer(Admission::Ask, "something would be lost, and an AI asks before that");
    }
    let score = match inputs.report {
        SelfReport::Malformed => return answer(Admission::Ask, "the reported confidence is no number from 0 to 100"),
        SelfReport::Score(score) => score,
        SelfReport::None => confidence::prior(inputs.risk, inputs.record),
    };
    let (admission, what) = if score >= inputs.auto_at {
        (Admission::Auto, "it runs at once")
    } else if score >= inputs.notify_at {
        (Admission::AutoNotify, "it runs and people are told")
    } else {
        (Admission::Ask, "a person decides")
    };
    (admission, format!("confidence {score} of 100: {what}"), Some(score))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_actions::admission::Record;

    fn check(change: fn(&mut Inputs), expected: Admission) {
        let mut inputs = Inputs {
            action: "app.deploy".into(),
            risk: 35,
            destroys: false,
            proposer: Proposer::Ai,
            report: SelfReport::Score(95),
            record: Record::default(),
            auto_at: 90,
            notify_at: 70,
            never_auto: false,
            waived: false,
            frozen: false,
            quota_left: 10,
            draw_permille: 999,
            sample_permille: 30,
            undo: false,
        };
        change(&mut inputs);
        let decision = admit(inputs.clone());
        assert_eq!(decision.admission, expected, "{inputs:?}: {}", decision.because);
        assert_eq!(admit(decision.inputs.clone()), decision, "a replay decides the same");
    }

    #[test]
    fn admission_as_a_table() {
        check(|_| {}, Admission::Auto);
        check(|i| i.report = SelfReport::Score(90), Admission::Auto);
        check(|i| i.report = SelfReport::Score(89), Admission::AutoNotify);
        check(|i| i.report = SelfReport::Score(70), Admission::AutoNotify);
        check(|i| i.report = SelfReport::Score(69), Admission::Ask);
        check(|i| i.report = SelfReport::Malformed, Admission::Ask);
        check(|i| i.report = SelfReport::None, Admission::Ask);
        check(|i| i.destroys = true, Admission::Ask);
        check(|i| (i.destroys, i.waived) = (true, true), Admission::Auto);
        check(|i| i.never_auto = true, Admission::Ask);
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
}
