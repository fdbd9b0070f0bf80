//! The state table, row by row, and its two laws for every sequence of inputs.

use proptest::prelude::*;
use sf_actions::admission::{Decision, Inputs, Proposer, SelfReport};
use sf_actions::deploy::{Deploy, DeployAction};
use sf_actions::node::{NodeAction, NodeRef};
use sf_actions::workflow::{RunWorkflow, WorkflowAction};
use sf_actions::{Action, ActorKind};
use sf_protocol::outcome::Facts;
use sf_types::{AppId, CommandId, NodeId, RequestId, RunId, TenantId, TypedId};

use super::*;

const T0: Timestamp = Timestamp::from_millis(1_000_000);

fn id<I: TypedId>(n: u8) -> I {
    I::from_parts(T0, [n; 10])
}

fn new_run(admission: Admission, place: Place) -> Run {
    let action = match place {
        Place::Node => {
            Action::Deploy(DeployAction::Deploy(Deploy { app: id(1), reference: None, commit: None, full: false }))
        }
        Place::ControlPlane => Action::Node(NodeAction::Remove(NodeRef { node: id(2) })),
        Place::Engine => Action::Workflow(WorkflowAction::Run(RunWorkflow {
            workflow: id(3),
            version: None,
            input: serde_json::Value::Null,
            trigger: None,
        })),
    };
    let inputs = Inputs {
        action: action.spec().name.into(),
        risk: 0,
        destroys: false,
        proposer: Proposer::Person,
        report: SelfReport::None,
        calibration: None,
        record: None,
        auto_at: 90,
        notify_at: 70,
        never_auto: false,
        opens_gates: false,
        tainted: false,
        undoable: true,
        waived: false,
        frozen: false,
        frozen_by: None,
        passes_freeze: false,
        over_budget: None,
        quota_left: 1,
        draw_permille: 0,
        sample_permille: 0,
        undo: false,
    };
    Run {
        id: id::<RunId>(3),
        tenant: id::<TenantId>(4),
        project: None,
        action,
        actor: ActorKind::System,
        request: id::<RequestId>(5),
        node: Some(id::<NodeId>(2)),
        app: Some(id::<AppId>(1)),
        server: None,
        state: RunState::Waiting,
        stale: false,
        step: None,
        fault: None,
        decision: Decision { admission, because: "test".into(), confidence: None, sampled: false, inputs },
        guard: sf_protocol::Guard::default(),
        command: None,
        version: 0,
        opened_at: T0,
        updated_at: T0,
        closed_at: None,
        expires_at: T0,
        held_until: None,
        parent: None,
    }
}

fn opened(admission: Admission, place: Place) -> (Run, Vec<Effect>) {
    open(new_run(admission, place), T0)
}

fn outcome(verdict: Verdict) -> Input {
    Input::Outcome(Box::new(Outcome {
        command: id::<CommandId>(6),
        node: id(2),
        verdict,
        fault: None,
        facts: Facts::None,
        started_at: T0,
        finished_at: T0,
    }))
}

#[test]
fn policy_gives_the_first_state() {
    for (admission, place, state, effect) in [
        (Admission::Auto, Place::Node, RunState::Ready, Effect::Dispatch),
        (Admission::AutoNotify, Place::Node, RunState::Ready, Effect::Dispatch),
        (Admission::Ask, Place::Node, RunState::Waiting, Effect::AskHuman),
        (Admission::Deny, Place::Node, RunState::Done(Done::Denied), Effect::Publish),
        (Admission::Auto, Place::ControlPlane, RunState::Done(Done::Succeeded), Effect::Publish),
        (Admission::Ask, Place::ControlPlane, RunState::Waiting, Effect::AskHuman),
        (Admission::Auto, Place::Engine, RunState::Working, Effect::Begin),
        (Admission::Ask, Place::Engine, RunState::Waiting, Effect::AskHuman),
    ] {
        let (run, effects) = opened(admission, place);
        assert_eq!((run.state, effects.first()), (state, Some(&effect)), "{admission:?} {place:?}");
    }
}

#[test]
fn a_deploy_goes_its_way() {
    let (mut run, _) = opened(Admission::Auto, Place::Node);
    for (input, state) in [
        (Input::Sent, RunState::Sent),
        (Input::Accepted, RunState::Working),
        (Input::StepSeen(Step::Build), RunState::Working),
        (Input::StepSeen(Step::Watch), RunState::Checking),
        (outcome(Verdict::RolledBack), RunState::Done(Done::RolledBack)),
    ] {
        (run, _) = step(run, input, T0).unwrap();
        assert_eq!(run.state, state);
    }
    assert_eq!(run.closed_at, Some(T0));
}

#[test]
fn an_approval_is_held_back_before_it_is_dispatched() {
    let (run, _) = opened(Admission::Ask, Place::Node);
    let (run, effects) = step(run, Input::Approved, T0).unwrap();
    assert_eq!(run.state, RunState::Ready);
    assert_eq!(effects[0], Effect::Arm(Timer::Hold, T0.plus(APPROVAL_HOLD)));
    assert!(!effects.contains(&Effect::Dispatch));
    let (cancelled, _) = step(run.clone(), Input::Cancel, T0).unwrap();
    assert_eq!(cancelled.state, RunState::Done(Done::Cancelled));
    for (input, at, goes) in [
        (Input::Held, 4_999, false),
        (Input::NodeReady, 4_999, false),
        (Input::Held, 5_000, true),
        (Input::NodeReady, 5_000, true),
    ] {
        let stepped = step(run.clone(), input.clone(), T0.plus(Duration::from_millis(at)));
        assert_eq!(stepped.is_ok(), goes, "{input:?} after {at} ms");
        if let Ok((run, effects)) = stepped {
            assert_eq!((run.held_until, effects), (None, vec![Effect::Dispatch]));
        }
    }
}

#[test]
fn a_command_that_never_arrives_makes_the_run_ready_for_another() {
    let (mut run, _) = opened(Admission::Auto, Place::Node);
    assert!(step(run.clone(), Input::Unreached, T0).is_err(), "there is none yet");
    run.command = Some(id(6));
    let (sent, _) = step(run, Input::Sent, T0).unwrap();
    let (fresh, effects) = step(sent.clone(), Input::Unreached, T0).unwrap();
    assert_eq!((fresh.state, fresh.command), (RunState::Ready, None));
    assert!(effects.contains(&Effect::Arm(Timer::Expire, fresh.expires_at)), "it may still expire");
    let (working, _) = step(sent, Input::Accepted, T0).unwrap();
    assert!(step(working, Input::Unreached, T0).is_err(), "the machine has it");
}

#[test]
fn a_moved_guard_goes_back_to_people() {
    let (run, _) = opened(Admission::Auto, Place::Node);
    let (run, effects) = step(run, outcome(Verdict::GuardMoved), T0).unwrap();
    assert_eq!((run.state, run.command, effects[0].clone()), (RunState::Waiting, None, Effect::AskHuman));
}

#[test]
fn only_the_machine_ends_a_run_whose_command_was_signed() {
    let (mut run, _) = opened(Admission::Auto, Place::Node);
    run.command = Some(id(6));
    let (still, effects) = step(run.clone(), Input::Cancel, T0).unwrap();
    assert_eq!((still.state, effects), (RunState::Ready, vec![Effect::DispatchCancel]));
    assert!(step(run.clone(), Input::Expire, run.expires_at).is_err());
    let (voided, _) = step(run, outcome(Verdict::Voided), T0).unwrap();
    assert_eq!(voided.state, RunState::Done(Done::Expired));
}

#[test]
fn expiry_waits_for_its_time_and_never_takes_work_in_progress() {
    let (run, _) = opened(Admission::Auto, Place::Node);
    assert!(step(run.clone(), Input::Expire, T0).is_err());
    let late = run.expires_at;
    assert_eq!(step(run.clone(), Input::Expire, late).unwrap().0.state, RunState::Done(Done::Expired));
    let (working, _) = step(run, Input::Accepted, T0).unwrap();
    assert!(step(working, Input::Expire, late).is_err());
}

#[test]
fn a_silent_machine_makes_a_run_stale_and_its_return_asks_the_journal() {
    let (run, _) = opened(Admission::Auto, Place::Node);
    let (run, _) = step(run, Input::Accepted, T0).unwrap();
    let (run, _) = step(run, Input::NodeSilent, T0).unwrap();
    assert!(run.stale && run.state == RunState::Working);
    let (run, effects) = step(run, Input::NodeBack, T0).unwrap();
    assert!(!run.stale && effects.contains(&Effect::AskJournal));
}

#[test]
fn a_lost_journal_ends_a_run_and_says_so() {
    let (run, _) = opened(Admission::Auto, Place::Node);
    let lost = || Input::Lost(Box::new(Fault::new(ErrorKind::Internal, "node.journal_lost", "lost")));
    assert!(step(run.clone(), lost(), T0).is_err(), "what was never sent cannot be lost");
    let (run, _) = step(run, Input::Accepted, T0).unwrap();
    let (run, _) = step(run, lost(), T0).unwrap();
    assert_eq!((run.state, run.fault.unwrap().code.as_str()), (RunState::Done(Done::Failed), "node.journal_lost"));
}

fn any_input() -> impl Strategy<Value = Input> {
    prop_oneof![
        Just(Input::Approved),
        Just(Input::Rejected(None)),
        Just(Input::Held),
        Just(Input::NodeReady),
        Just(Input::Unreached),
        Just(Input::Sent),
        Just(Input::Accepted),
        Just(Input::StepSeen(Step::Build)),
        Just(Input::StepSeen(Step::Watch)),
        Just(outcome(Verdict::Succeeded)),
        Just(outcome(Verdict::Failed)),
        Just(outcome(Verdict::GuardMoved)),
        Just(outcome(Verdict::Voided)),
        Just(Input::Cancel),
        Just(Input::Expire),
        Just(Input::NodeSilent),
        Just(Input::NodeBack),
    ]
}

proptest! {
    #[test]
    fn ended_runs_never_change_and_versions_only_rise(
        ask in any::<bool>(), inputs in prop::collection::vec((any_input(), 0_u64..400_000), 0..40)
    ) {
        let admission = if ask { Admission::Ask } else { Admission::Auto };
        let (mut run, _) = opened(admission, Place::Node);
        let mut now = T0;
        for (input, secs) in inputs {
            now = now.plus(Duration::from_secs(secs));
            let before = run.clone();
            match step(run.clone(), input, now) {
                Ok((after, _)) => {
                    prop_assert!(!before.is_done());
                    prop_assert_eq!(after.version, before.version + 1);
                    prop_assert_eq!(after.is_done(), after.closed_at.is_some());
                    run = after;
                }
                Err(_) => prop_assert_eq!(&run, &before),
            }
        }
    }
}

#[test]
fn a_workflow_that_was_approved_begins_when_the_time_for_second_thoughts_is_over() {
    let (run, _) = opened(Admission::Ask, Place::Engine);
    let (run, effects) = step(run, Input::Approved, T0).unwrap();
    assert!(run.state == RunState::Ready && !effects.contains(&Effect::Begin), "{effects:?}");
    assert!(step(run.clone(), Input::Held, T0).is_err());
    let (run, effects) = step(run, Input::Held, T0.plus(APPROVAL_HOLD)).unwrap();
    assert_eq!((run.state, effects.first()), (RunState::Working, Some(&Effect::Begin)));
    let (stopped, effects) = step(run.clone(), Input::Cancel, T0).unwrap();
    assert_eq!((stopped.state, effects), (RunState::Working, vec![Effect::Stop]));
    let (ended, _) = step(run, Input::Finished(Done::Cancelled, None), T0).unwrap();
    assert_eq!(ended.state, RunState::Done(Done::Cancelled));
    assert!(step(ended, Input::Finished(Done::Succeeded, None), T0).is_err());
}
