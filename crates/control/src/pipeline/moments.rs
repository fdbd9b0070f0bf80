//! What is written into a run's timeline.

use sf_engine::{Run, RunState};
use sf_protocol::Verdict;
use sf_protocol::outcome::Step;
use sf_protocol::report::StepState;
use sf_store::timeline::{Moment, MomentKind};
use sf_types::Timestamp;

/// Something that happened, in a sentence.
pub(crate) fn moment(kind: MomentKind, at: Timestamp, note: impl Into<String>) -> Moment {
    Moment { at, kind, step: None, state: None, note: note.into() }
}

/// Something worth knowing.
pub(crate) fn note(at: Timestamp, text: &str) -> Moment {
    moment(MomentKind::Note, at, text)
}

/// It was asked for, and policy answered.
pub(crate) fn opened(run: &Run) -> [Moment; 2] {
    [
        moment(MomentKind::Proposed, run.opened_at, run.action.spec().title),
        moment(MomentKind::Policy, run.opened_at, run.decision.because.clone()),
    ]
}

/// Its command was written to the node's connection.
pub(crate) fn sent(at: Timestamp) -> Moment {
    moment(MomentKind::Sent, at, "written to the node's connection")
}

/// A step on the node.
pub(crate) fn step(at: Timestamp, step: Step, state: StepState, note: String) -> Moment {
    Moment { at, kind: MomentKind::Step, step: Some(step), state: Some(state), note }
}

/// The node said how it ended.
pub(crate) fn outcome(at: Timestamp, verdict: Verdict) -> Moment {
    let text = match verdict {
        Verdict::Succeeded => "the node says: succeeded",
        Verdict::Failed => "the node says: failed, nothing changed",
        Verdict::RolledBack => "the node says: broke, and the previous release is live again",
        Verdict::Refused => "the node refused it",
        Verdict::GuardMoved => "the node found other facts than were agreed to",
        Verdict::Cancelled => "the node says: stopped, nothing changed",
        Verdict::Voided => "the command expired before the node had it",
    };
    moment(MomentKind::Outcome, at, text)
}

/// It ended.
pub(crate) fn closed(run: &Run) -> Option<Moment> {
    let RunState::Done(done) = run.state else { return None };
    let why = run.fault.as_ref().map_or_else(String::new, |fault| format!(": {fault}"));
    Some(moment(MomentKind::Closed, run.updated_at, format!("{}{why}", done.word())))
}
