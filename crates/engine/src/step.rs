//! The state table of a run.
//!
//! | state    | input                | next       | effects |
//! |----------|----------------------|------------|---------|
//! | (new)    | Auto, on a node      | Ready      | Dispatch, Publish |
//! | (new)    | Auto, control plane  | Succeeded  | Publish |
//! | (new)    | Ask                  | Waiting    | AskHuman, Arm(Expire), Publish |
//! | (new)    | Auto, a workflow     | Working    | Begin, Publish |
//! | (new)    | Deny                 | Denied     | Publish |
//! | Waiting  | Approved             | Ready      | Arm(Hold): held, goes on after 5 s |
//! | Ready, held | Reopened          | Waiting    | AskHuman, Arm(Expire), Publish |
//! | Waiting  | Rejected             | Rejected   | Publish |
//! | Ready    | Held, its time come  | Ready      | Dispatch |
//! | Ready, control plane | Held, its time come | Succeeded | Publish |
//! | Waiting  | Changed              | Waiting    | AskHuman, Publish: the facts it shows are other ones |
//! | Ready, a workflow | Held, its time come | Working | Begin, Publish |
//! | Working, a workflow | Cancel     | same       | Stop |
//! | Working, a workflow | Finished   | Done       | Publish |
//! | Ready without a command, not held | NodeReady | Ready | Dispatch |
//! | Ready with a command, Sent | Unreached | Ready without a command | Arm(Expire), Publish |
//! | Ready without a command | CannotPlan | Failed   | Publish |
//! | Ready    | Sent                 | Sent       | Publish |
//! | Ready, Sent | Accepted          | Working    | Publish |
//! | Sent..   | StepSeen(Watch)      | Checking   | Publish |
//! | Ready..  | Outcome              | Done       | Publish (GuardMoved: Waiting, AskHuman) |
//! | Sent..   | Lost                 | Failed     | Publish |
//! | Waiting, Ready without a command | Expire | Expired | Publish |
//! | Waiting, Ready without a command | Cancel | Cancelled | Publish |
//! | Ready with a command, Sent.. | Cancel | same   | DispatchCancel |
//! | Ready with a command, Sent.. | NodeSilent, NodeBack | same | stale on, off |
//!
//! A signed command may already be in the machine's journal, so from then on only the machine's word ends a run: an
//! expired one is answered through the void that takes its number. Ended runs ignore everything.

use std::time::Duration;

use sf_actions::{Admission, Place};
use sf_protocol::outcome::{Outcome, Step, Verdict};
use sf_types::{ErrorKind, Fault, Timestamp};

use crate::run::{Done, Run, RunState};

/// How long a person's approval is held back, so that it can be undone.
pub const APPROVAL_HOLD: Duration = Duration::from_secs(5);
/// How long a run waits for a person.
pub const WAIT_FOR_PERSON: Duration = Duration::from_secs(72 * 3600);
/// How long a run waits for its machine to connect.
pub const WAIT_FOR_NODE: Duration = Duration::from_secs(24 * 3600);

/// What can happen to a run.
#[derive(Clone, PartialEq, Debug)]
pub enum Input {
    /// A person agreed.
    Approved,
    /// A person refused, perhaps saying why.
    Rejected(Option<String>),
    /// The time an approval is held back is over.
    Held,
    /// Whoever agreed has taken it back in that time.
    Reopened,
    /// What was shown to people has changed.
    Changed,
    /// Its workflow is over.
    Finished(Done, Option<Box<Fault>>),
    /// Its machine is connected and takes orders.
    NodeReady,
    /// Its command will never reach the machine: the number is filled or means nothing any more.
    Unreached,
    /// The command was written to the connection.
    Sent,
    /// The machine has it in its journal.
    Accepted,
    /// The machine began a step.
    StepSeen(Step),
    /// The machine's signed word.
    Outcome(Box<Outcome>),
    /// It cannot be planned on what is there now.
    CannotPlan(Box<Fault>),
    /// The machine's journal does not know it any more, although it was accepted.
    Lost(Box<Fault>),
    /// Somebody wants it stopped.
    Cancel,
    /// `expires_at` has passed.
    Expire,
    /// The machine's connection is gone.
    NodeSilent,
    /// The machine is connected again.
    NodeBack,
}

/// What has to be done about it. Recorded with the row, performed afterwards.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Plan and sign its command, send it when the machine is connected.
    Dispatch,
    /// Let its workflow begin.
    Begin,
    /// Stop its workflow.
    Stop,
    /// Put a card before the people who may decide.
    AskHuman,
    /// Come back with this input then.
    Arm(Timer, Timestamp),
    /// Order the machine to stop working on it.
    DispatchCancel,
    /// Ask the machine's journal how it stands.
    AskJournal,
    /// Tell those who follow it.
    Publish,
}

/// What comes back later.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Timer {
    /// [`Input::Held`].
    Hold,
    /// [`Input::Expire`].
    Expire,
}

/// The input changes nothing in this state: late, repeated, or meant for another.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("nothing to do in state {0}")]
pub struct Ignored(pub RunState);

/// Gives a new run its first state from policy's answer. The caller fills everything but state and times.
pub fn open(mut run: Run, now: Timestamp) -> (Run, Vec<Effect>) {
    run.opened_at = now;
    run.updated_at = now;
    run.version = 1;
    let effects = match (run.decision.admission, run.action.spec().place) {
        (Admission::Deny, _) => {
            run.fault = Some(
                Fault::new(ErrorKind::Forbidden, "run.denied", format!("Policy refused it: {}.", run.decision.because))
                    .fix("Ask a person with the right to propose it."),
            );
            done(&mut run, Done::Denied, now)
        }
        (Admission::Ask, _) => wait(&mut run, now),
        (Admission::Auto | Admission::AutoNotify, Place::ControlPlane) => done(&mut run, Done::Succeeded, now),
        (Admission::Auto | Admission::AutoNotify, Place::Node) => ready(&mut run, now, Effect::Dispatch),
        (Admission::Auto | Admission::AutoNotify, Place::Engine) => {
            run.state = RunState::Working;
            vec![Effect::Begin, Effect::Publish]
        }
    };
    (run, effects)
}

/// What `input` does to `run` at `now`.
///
/// # Errors
/// [`Ignored`] when it does nothing; the caller writes nothing then.
pub fn step(mut run: Run, input: Input, now: Timestamp) -> Result<(Run, Vec<Effect>), Ignored> {
    use RunState::{Checking, Done as Ended, Ready, Sent, Waiting, Working};
    let before = run.state;
    let effects = match (before, input) {
        (Ended(_), _) => return Err(Ignored(before)),
        (Waiting, Input::Approved) => approved(&mut run, now),
        (Waiting, Input::Rejected(comment)) => {
            let why =
                comment.map_or_else(|| "A person rejected it.".into(), |why| format!("A person rejected it: {why}"));
            run.fault = Some(Fault::new(ErrorKind::Forbidden, "run.rejected", why));
            done(&mut run, Done::Rejected, now)
        }
        (Ready, Input::Reopened) if run.command.is_none() && run.is_held(now) => wait(&mut run, now),
        (Waiting, Input::Changed) => vec![Effect::AskHuman, Effect::Publish],
        (Ready, Input::Held) if run.action.spec().place == Place::ControlPlane && !run.is_held(now) => {
            run.held_until = None;
            done(&mut run, Done::Succeeded, now)
        }
        (Ready, Input::Held) if run.action.spec().place == Place::Engine && !run.is_held(now) => {
            run.held_until = None;
            run.state = Working;
            vec![Effect::Begin, Effect::Publish]
        }
        (Working, Input::Finished(end, fault)) if run.action.spec().place == Place::Engine => {
            run.fault = fault.map(|fault| *fault);
            done(&mut run, end, now)
        }
        (Working, Input::Cancel) if run.action.spec().place == Place::Engine => vec![Effect::Stop],
        (Ready, Input::Held | Input::NodeReady) if run.command.is_none() && !run.is_held(now) => {
            run.held_until = None;
            vec![Effect::Dispatch]
        }
        (Ready | Sent, Input::Unreached) if run.command.is_some() => {
            run.command = None;
            run.stale = false;
            run.state = Ready;
            vec![Effect::Arm(Timer::Expire, run.expires_at), Effect::Publish]
        }
        (Ready, Input::CannotPlan(fault)) if run.command.is_none() => {
            run.fault = Some(*fault);
            done(&mut run, Done::Failed, now)
        }
        (Sent | Working | Checking, Input::Lost(fault)) => {
            run.fault = Some(*fault);
            done(&mut run, Done::Failed, now)
        }
        (Ready, Input::Sent) => {
            // Written is not heard: a silent machine stays silent.
            run.state = Sent;
            vec![Effect::Publish]
        }
        (Ready | Sent, Input::Accepted) => to(&mut run, Working),
        (Ready | Sent | Working, Input::StepSeen(Step::Watch)) => seen(&mut run, Step::Watch, Checking),
        (Ready | Sent | Working, Input::StepSeen(step)) if run.step != Some(step) => seen(&mut run, step, Working),
        (Checking, Input::StepSeen(step)) if run.step != Some(step) => seen(&mut run, step, Checking),
        (Ready | Sent | Working | Checking, Input::Outcome(outcome)) => ended(&mut run, *outcome, now),
        (Waiting | Ready, Input::Expire) if now >= run.expires_at && run.command.is_none() => expired(&mut run, now),
        (Waiting | Ready, Input::Cancel) if run.command.is_none() => {
            run.fault = Some(Fault::new(ErrorKind::Conflict, "run.cancelled", "It was cancelled before it began."));
            done(&mut run, Done::Cancelled, now)
        }
        (Ready | Sent | Working | Checking, Input::Cancel) => vec![Effect::DispatchCancel],
        (Ready | Sent | Working | Checking, Input::NodeSilent) if !run.stale && may_be_there(&run) => {
            run.stale = true;
            vec![Effect::Publish]
        }
        (Ready | Sent | Working | Checking, Input::NodeBack) if run.stale => {
            run.stale = false;
            vec![Effect::AskJournal, Effect::Publish]
        }
        _ => return Err(Ignored(before)),
    };
    run.version += 1;
    run.updated_at = now;
    Ok((run, effects))
}

/// Whether the machine may have the order: signed, or further.
fn may_be_there(run: &Run) -> bool {
    run.state != RunState::Ready || run.command.is_some()
}

fn to(run: &mut Run, state: RunState) -> Vec<Effect> {
    run.state = state;
    run.stale = false;
    vec![Effect::Publish]
}

fn seen(run: &mut Run, step: Step, state: RunState) -> Vec<Effect> {
    run.step = Some(step);
    to(run, state)
}

fn wait(run: &mut Run, now: Timestamp) -> Vec<Effect> {
    run.expires_at = now.plus(WAIT_FOR_PERSON);
    run.command = None;
    run.held_until = None;
    run.state = RunState::Waiting;
    vec![Effect::AskHuman, Effect::Arm(Timer::Expire, run.expires_at), Effect::Publish]
}

fn ready(run: &mut Run, now: Timestamp, first: Effect) -> Vec<Effect> {
    run.expires_at = now.plus(WAIT_FOR_NODE);
    run.state = RunState::Ready;
    vec![first, Effect::Arm(Timer::Expire, run.expires_at), Effect::Publish]
}

/// Whatever it is, it is held back first, so that it can be taken back.
fn approved(run: &mut Run, now: Timestamp) -> Vec<Effect> {
    let until = now.plus(APPROVAL_HOLD);
    run.held_until = Some(until);
    ready(run, now, Effect::Arm(Timer::Hold, until))
}

fn expired(run: &mut Run, now: Timestamp) -> Vec<Effect> {
    let (message, fix) = match run.state {
        RunState::Waiting => ("Nobody decided in time.", "Propose it again and tell somebody who may approve it."),
        _ => ("Its machine did not connect in time.", "Look at the node: is the agent running? Then propose it again."),
    };
    run.fault = Some(Fault::new(ErrorKind::Timeout, "run.expired", message).fix(fix));
    done(run, Done::Expired, now)
}

/// A moved guard sends the run back to people: what they would have agreed to is no longer what would happen. A run
/// that was automatic is simply decided anew with the new facts shown.
fn ended(run: &mut Run, outcome: Outcome, now: Timestamp) -> Vec<Effect> {
    run.fault = outcome.fault;
    let end = match outcome.verdict {
        Verdict::Succeeded => Done::Succeeded,
        Verdict::RolledBack => Done::RolledBack,
        Verdict::Failed | Verdict::Refused => Done::Failed,
        Verdict::Cancelled => Done::Cancelled,
        Verdict::Voided => Done::Expired,
        Verdict::GuardMoved => return wait(run, now),
    };
    done(run, end, now)
}

fn done(run: &mut Run, end: Done, now: Timestamp) -> Vec<Effect> {
    run.state = RunState::Done(end);
    run.stale = false;
    run.closed_at = Some(now);
    vec![Effect::Publish]
}

#[cfg(test)]
mod tests;
