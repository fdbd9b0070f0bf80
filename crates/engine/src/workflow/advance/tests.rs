use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use sf_types::RunId;

use super::*;
use crate::workflow::definition::{Definition, Installed};

/// A run of a workflow under a clock of its own.
struct World {
    execution: Execution,
    journal: Vec<(Timestamp, Fact)>,
    effects: Vec<Effect>,
    now: Timestamp,
}

impl World {
    fn of(steps: &str) -> Self {
        Self::with_input(steps, json!({}))
    }

    fn with_input(steps: &str, input: Value) -> Self {
        let text = format!("workflow: 1\nname: w\ninputs: {{ type: object }}\n{steps}");
        let definition = Definition::parse(&text, Installed::default()).unwrap_or_else(|why| panic!("{why:?}"));
        let now = Timestamp::from_millis(1_000_000);
        let run = RunId::from_parts(now, [7; 10]);
        let execution = Execution::new(Arc::new(definition), run);
        let mut world = Self { execution, journal: Vec::new(), effects: Vec::new(), now };
        world.happens(Event::Begin { input, trigger: Value::Null });
        world
    }

    fn happens(&mut self, event: Event) {
        let advanced = self.execution.advance(event, self.now);
        self.journal.extend(advanced.facts.into_iter().map(|fact| (self.now, fact)));
        self.effects.extend(advanced.effects);
        self.check();
    }

    /// What the journal says is what is in memory.
    fn check(&self) {
        let (definition, run) = (self.execution.definition().clone(), self.execution.run());
        let text = serde_json::to_string(&self.journal).unwrap();
        let facts: Vec<(Timestamp, Fact)> = serde_json::from_str(&text).unwrap();
        let rebuilt = Execution::rebuild(definition, run, facts).unwrap();
        assert!(rebuilt.steps().eq(self.execution.steps()));
        assert_eq!((rebuilt.phase(), rebuilt.wakes_at()), (self.execution.phase(), self.execution.wakes_at()));
        assert_eq!((rebuilt.progress(), rebuilt.active()), (self.execution.progress(), self.execution.active()));
    }

    fn passes(&mut self, span: Duration) {
        self.now = self.now.plus(span);
        self.happens(Event::Tick);
    }

    fn done(&mut self, step: &str, result: Result<Value, Fault>) {
        let step: StepKey = step.parse().unwrap();
        let attempt = self.execution.look(&step).unwrap().attempts;
        self.happens(Event::Done { step, attempt, result });
    }

    fn succeeds(&mut self, step: &str) {
        self.done(step, Ok(json!({ "of": step })));
    }

    fn fails(&mut self, step: &str) {
        self.done(step, Err(Fault::new(ErrorKind::Unavailable, "test.failed", "It failed.")));
    }

    fn decides(&mut self, step: &str, approved: bool) {
        let step: StepKey = step.parse().unwrap();
        let approval = self.execution.look(&step).unwrap().card.unwrap().approval;
        let by = UserId::from_parts(self.now, [1; 10]);
        self.happens(Event::Decided { approval, step, approved, by, comment: None });
    }

    fn state(&self, step: &str) -> &'static str {
        self.execution.look(&step.parse().unwrap()).map_or("nowhere", |step| step.state)
    }

    /// Steps whose calls were asked for, in order.
    fn ran(&self) -> Vec<String> {
        let run = |effect: &Effect| match effect {
            Effect::Run { step, .. } => Some(step.to_string()),
            _ => None,
        };
        self.effects.iter().filter_map(run).collect()
    }

    fn finish(&self) -> &'static str {
        match self.execution.finish() {
            None => "open",
            Some(Finish::Succeeded { .. }) => "succeeded",
            Some(Finish::Failed { .. }) => "failed",
            Some(Finish::Cancelled) => "cancelled",
        }
    }

    fn restarts(&mut self) {
        let (definition, run) = (self.execution.definition().clone(), self.execution.run());
        self.execution = Execution::rebuild(definition, run, self.journal.clone()).unwrap();
        self.happens(Event::Recover);
    }
}

#[test]
fn steps_follow_each_other_and_one_fact_list_ends_one_and_begins_the_next() {
    let mut world = World::of("steps: [{ id: a, query: /a }, { id: b, query: '/b/${{ steps.a.output.of }}' }]");
    assert_eq!(world.ran(), ["a"]);
    let before = world.journal.len();
    world.succeeds("a");
    let facts = &world.journal[before..];
    assert!(matches!(facts, [(_, Fact::Ended { .. }), (_, Fact::Started { .. })]), "{facts:?}");
    let call = world.execution.look(&"b".parse().unwrap()).unwrap().call.unwrap();
    assert_eq!(*call, Call::Query { path: "/b/a".to_owned() });
    world.succeeds("b");
    assert_eq!(world.finish(), "succeeded");
}

#[test]
fn a_diamond_joins_once() {
    let steps = "steps: [{ id: a, query: /a }, { id: b, query: /b }, { id: c, query: /c, needs: [a] }, \
                 { id: d, query: /d, needs: [b, c] }]";
    let mut world = World::of(steps);
    world.succeeds("a");
    assert_eq!(world.ran(), ["a", "b", "c"]);
    world.succeeds("b");
    world.succeeds("b");
    assert_eq!(world.state("d"), "pending");
    world.succeeds("c");
    assert_eq!(world.ran(), ["a", "b", "c", "d"]);
}

#[test]
fn a_failed_step_is_tried_again_later_and_then_fails_the_whole() {
    let mut world = World::of("steps: [{ id: a, query: /a, retry: { attempts: 3, delay: 10s, jitter: 0 } }]");
    world.fails("a");
    assert_eq!((world.state("a"), world.ran().len()), ("retrying", 1));
    world.passes(Duration::from_secs(9));
    assert_eq!(world.ran().len(), 1);
    world.passes(Duration::from_secs(1));
    assert_eq!((world.state("a"), world.ran().len()), ("running", 2));
    // The end of the first try comes late.
    world.happens(Event::Done { step: "a".parse().unwrap(), attempt: 1, result: Ok(Value::Null) });
    assert_eq!(world.state("a"), "running");
    world.fails("a");
    world.passes(Duration::from_secs(20));
    world.fails("a");
    assert_eq!((world.finish(), world.ran().len()), ("failed", 3));
}

#[test]
fn what_was_refused_is_not_tried_again() {
    let mut world = World::of("steps: [{ id: a, query: /a, retry: { attempts: 3 } }]");
    world.done("a", Err(Fault::new(ErrorKind::Forbidden, "x.no", "No.")));
    assert_eq!((world.finish(), world.ran().len()), ("failed", 1));
}

#[test]
fn a_catch_mends_a_failure_and_sees_why() {
    let mut world = World::of(
        "steps: [{ id: a, query: /a, catch: [{ id: mend, query: '/m/${{ error.code }}' }] }, { id: b, query: /b }]",
    );
    world.fails("a");
    assert_eq!(world.ran(), ["a", "mend"]);
    let call = world.execution.look(&"mend".parse().unwrap()).unwrap().call.unwrap();
    assert_eq!(*call, Call::Query { path: "/m/test.failed".to_owned() });
    world.succeeds("mend");
    assert_eq!((world.state("a"), world.ran().last().unwrap().as_str()), ("succeeded", "b"));
}

#[test]
fn on_failure_comes_last_and_the_whole_has_failed() {
    let mut world = World::of("steps: [{ id: a, query: /a }]\nonFailure: [{ id: tell, query: /t }]");
    world.fails("a");
    assert_eq!((world.finish(), world.ran().last().unwrap().as_str()), ("open", "tell"));
    world.succeeds("tell");
    assert_eq!(world.finish(), "failed");
}

#[test]
fn a_restart_among_the_last_steps_ends_nothing() {
    let mut world = World::of("steps: [{ id: a, query: /a }]\nonFailure: [{ id: tell, query: /t }]");
    world.fails("a");
    world.restarts();
    assert_eq!((world.finish(), world.state("tell")), ("open", "running"));
    world.succeeds("tell");
    assert_eq!(world.finish(), "failed");
}

#[test]
fn a_step_that_takes_too_long_is_stopped() {
    let mut world = World::of("steps: [{ id: a, query: /a, timeout: 5s }]");
    world.passes(Duration::from_secs(5));
    assert!(world.effects.iter().any(|effect| matches!(effect, Effect::Stop { .. })));
    assert_eq!(world.finish(), "failed");
}

#[test]
fn a_map_does_so_many_items_at_a_time_and_keeps_their_order() {
    let steps = "steps: [{ id: m, map: { over: inputs.list, limit: 2, output: '${{ steps.x.output.of }}', \
                 steps: [{ id: x, query: '/x/${{ item }}' }] } }]\noutput: '${{ steps.m.output }}'";
    let mut world = World::with_input(steps, json!({ "list": [10, 20, 30] }));
    assert_eq!(world.ran(), ["x@0", "x@1"]);
    world.succeeds("x@1");
    assert_eq!(world.ran(), ["x@0", "x@1", "x@2"]);
    world.succeeds("x@2");
    world.succeeds("x@0");
    let Some(Finish::Succeeded { output }) = world.execution.finish() else { panic!("{}", world.finish()) };
    assert_eq!(*output, json!(["x@0", "x@1", "x@2"]));
    let mut empty = World::with_input(steps, json!({ "list": [] }));
    empty.happens(Event::Tick);
    assert_eq!(empty.finish(), "succeeded");
}

#[test]
fn a_branch_takes_the_first_case_that_holds() {
    let steps = "steps: [{ id: b, branch: [{ if: inputs.n > 5, steps: [{ id: big, query: /b }] }, \
                 { if: inputs.n > 1, steps: [{ id: small, query: /s }] }] }, { id: after, query: /a }]";
    let mut world = World::with_input(steps, json!({ "n": 3 }));
    assert_eq!(world.ran(), ["small"]);
    world.succeeds("small");
    assert_eq!((world.state("b"), world.state("big")), ("succeeded", "nowhere"));
    assert_eq!(World::with_input(steps, json!({ "n": 0 })).ran(), ["after"]);
}

// --- people -------------------------------------------------------------------------------------------------------

const ASKED: &str = "steps: [{ id: a, query: /a }, { id: ask, approval: { message: 'Go?', expires: 1h, \
                     escalateAfter: 10m } }, { id: b, query: /b }]";

#[test]
fn a_decision_ends_the_step_once_and_for_exactly_the_card_that_was_shown() {
    let mut world = World::of(ASKED);
    world.succeeds("a");
    let (step, by) = ("ask".parse::<StepKey>().unwrap(), UserId::from_parts(world.now, [1; 10]));
    let other = ApprovalId::from_parts(world.now, [9; 10]);
    world.happens(Event::Decided { approval: other, step, approved: true, by, comment: None });
    assert_eq!(world.state("ask"), "asked");
    world.decides("ask", true);
    assert_eq!(world.ran(), ["a", "b"]);
    world.succeeds("b");
    assert_eq!(world.finish(), "succeeded");
}

/// langgraph #7361, #4796, langgraphjs #1298: what comes before a question is never done again by the answer.
#[test]
fn what_came_before_a_question_is_not_done_again_by_the_answer_or_a_restart() {
    let steps = "steps: [{ id: m, map: { over: '[1, 2]', steps: [{ id: a, query: /a }, { id: ask, \
                 approval: { message: 'One?' } }, { id: again, approval: { message: 'Two?' } }, { id: z, query: /z }] } }]";
    let mut world = World::of(steps);
    world.succeeds("a@0");
    world.succeeds("a@1");
    world.restarts();
    world.decides("ask@0", true);
    world.restarts();
    // A second question in the same item waits as the first did.
    assert_eq!((world.state("again@0"), world.state("ask@1")), ("asked", "asked"));
    world.decides("again@0", true);
    assert_eq!(world.ran(), ["a@0", "a@1", "z@0"]);
}

/// windmill #2639: an approval within parallel branches was passed by.
#[test]
fn an_approval_beside_other_steps_is_not_passed_by() {
    let steps = "steps: [{ id: m, map: { over: '[1, 2]', steps: [{ id: ask, approval: { message: 'Go?' } }, \
                 { id: x, query: /x }] } }, { id: after, query: /after }]";
    let mut world = World::of(steps);
    world.decides("ask@0", true);
    world.succeeds("x@0");
    assert_eq!((world.state("ask@1"), world.state("x@1"), world.state("after")), ("asked", "pending", "pending"));
}

/// windmill #9821: a skipped approval parked the flow.
#[test]
fn a_skipped_approval_parks_nothing() {
    let world = World::of("steps: [{ id: ask, if: 'false', approval: { message: 'Go?' } }, { id: b, query: /b }]");
    assert_eq!((world.state("ask"), world.ran()), ("skipped", vec!["b".to_owned()]));
    assert!(world.execution.wakes_at().is_some(), "the whole has a time limit");
}

/// windmill #10552: a rejection was taken for the death of a worker, and tried again.
#[test]
fn a_rejection_is_an_answer() {
    let mut world = World::of(ASKED);
    world.succeeds("a");
    world.decides("ask", false);
    assert_eq!((world.state("ask"), world.finish()), ("failed", "failed"));
    let fault = world.execution.look(&"ask".parse().unwrap()).unwrap().fault.unwrap();
    assert_eq!(fault.code, "workflow.rejected");
}

#[test]
fn a_question_becomes_pressing_and_runs_out_and_silence_approves_nothing() {
    let mut world = World::of(ASKED);
    world.succeeds("a");
    world.passes(Duration::from_secs(600));
    assert!(world.effects.iter().any(|effect| matches!(effect, Effect::Escalate { .. })));
    world.passes(Duration::from_secs(3_000));
    assert!(world.effects.iter().any(|effect| matches!(effect, Effect::Withdraw { expired: true, .. })));
    assert_eq!((world.state("b"), world.finish()), ("pending", "failed"));
}

// --- stopping, waiting, starting again ----------------------------------------------------------------------------

#[test]
fn a_cancelled_workflow_ends_when_what_runs_has_stopped() {
    let steps = "steps: [{ id: a, query: /a, needs: [] }, { id: w, wait: { for: 1h }, needs: [] }, \
                 { id: ask, approval: { message: 'Go?' }, needs: [] }, { id: b, query: /b, needs: [a] }]";
    let mut world = World::of(steps);
    world.happens(Event::Cancel);
    assert_eq!((world.state("w"), world.state("ask"), world.finish()), ("cancelled", "cancelled", "open"));
    assert!(world.effects.iter().any(|effect| matches!(effect, Effect::Withdraw { expired: false, .. })));
    world.restarts();
    world.succeeds("a");
    assert_eq!((world.state("a"), world.state("b"), world.finish()), ("cancelled", "pending", "cancelled"));
}

#[test]
fn an_event_that_comes_early_is_not_lost() {
    let mut world = World::of("steps: [{ id: a, query: /a }, { id: w, wait: { event: go } }, { id: b, query: /b }]");
    world.happens(Event::Sent { name: "go".into(), data: json!({ "x": 1 }) });
    world.happens(Event::Sent { name: "other".into(), data: Value::Null });
    world.succeeds("a");
    assert_eq!((world.state("w"), world.ran().last().unwrap().as_str()), ("succeeded", "b"));
}

#[test]
fn a_wait_passes_with_time_also_over_a_restart() {
    let mut world = World::of("steps: [{ id: w, wait: { for: 1h } }, { id: b, query: /b }]");
    world.restarts();
    world.passes(Duration::from_secs(3_599));
    assert_eq!(world.state("w"), "waiting");
    world.passes(Duration::from_secs(1));
    assert_eq!(world.ran(), ["b"]);
}

#[test]
fn the_whole_takes_no_longer_than_it_may() {
    let mut world = World::of("timeout: 1m\nsteps: [{ id: a, query: /a }]");
    world.passes(Duration::from_secs(60));
    assert_eq!(world.finish(), "open");
    world.fails("a");
    assert_eq!(world.finish(), "failed");
}

/// inngest #4060: a poison item that fails before it is counted goes round for ever.
#[test]
fn an_execution_that_ends_its_control_plane_again_and_again_is_put_aside() {
    let mut world = World::of("steps: [{ id: a, query: /a }]");
    for _ in 0..MAX_RECOVERIES {
        world.restarts();
        assert_eq!(world.finish(), "open");
    }
    world.restarts();
    let Some(Finish::Failed { fault }) = world.execution.finish() else { panic!("it goes on") };
    assert_eq!(fault.code, "workflow.poison");
}

/// What takes weeks sees many restarts that have nothing to do with it.
#[test]
fn restarts_far_from_each_other_put_nothing_aside() {
    let mut world = World::of("steps: [{ id: a, query: /a, timeout: 30d }]");
    for _ in 0..3 * MAX_RECOVERIES {
        world.restarts();
        world.now = world.now.plus(Duration::from_secs(61));
    }
    world.succeeds("a");
    assert_eq!(world.finish(), "succeeded");
}

/// What it has before people and under way goes with it.
#[test]
fn what_is_put_aside_leaves_nothing_behind() {
    let mut world =
        World::of("steps: [{ id: a, query: /a }, { id: ask, needs: [], approval: { message: 'Go?', expires: 1d } }]");
    let before = world.effects.len();
    for _ in 0..=MAX_RECOVERIES {
        world.restarts();
    }
    assert_eq!((world.finish(), world.state("a"), world.state("ask")), ("failed", "cancelled", "cancelled"));
    let after = &world.effects[before..];
    assert!(after.iter().any(|effect| matches!(effect, Effect::Withdraw { expired: false, .. })), "{after:?}");
    assert!(after.iter().any(|effect| matches!(effect, Effect::Stop { .. })), "{after:?}");
}

#[test]
fn a_restart_does_the_same_try_again_under_the_same_key() {
    let mut world = World::of("steps: [{ id: a, query: /a }, { id: b, query: /b }]");
    world.succeeds("a");
    world.restarts();
    let runs: Vec<_> = world
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Run { step, attempt, .. } => Some((step.to_string(), *attempt)),
            _ => None,
        })
        .collect();
    assert_eq!(runs, [("a".into(), 1), ("b".into(), 1), ("b".into(), 1)]);
}

#[test]
fn a_fork_keeps_what_does_not_follow_from_its_step() {
    let steps = "steps: [{ id: a, query: /a }, { id: b, query: /b }, { id: c, query: /c, needs: [a] }, \
                 { id: d, query: /d, needs: [b, c] }]";
    let mut world = World::of(steps);
    ["a", "b", "c", "d"].into_iter().for_each(|step| world.succeeds(step));
    let facts: Vec<Fact> = world.journal.iter().map(|(_, fact)| fact.clone()).collect();
    let kept = crate::workflow::fork::fork(world.execution.definition(), facts.clone(), "b").unwrap();
    let kept: Vec<_> = kept
        .iter()
        .map(|fact| match fact {
            Fact::Ended { step, .. } => step.to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(kept, ["a", "c"]);
    assert!(crate::workflow::fork::fork(world.execution.definition(), facts, "x").is_err());
}

// --- everything at once -------------------------------------------------------------------------------------------

const EVERYTHING: &str = "timeout: 2h\nsteps: [{ id: a, query: /a, retry: { attempts: 3, delay: 1s } }, \
    { id: m, map: { over: inputs.list, limit: 3, steps: [{ id: x, query: /x, catch: [{ id: y, query: /y }] }, \
    { id: ask, if: index == 0, approval: { message: 'Go?', expires: 10m } }, { id: z, query: /z, allowFailure: true }] } }, \
    { id: b, needs: [a], branch: [{ if: inputs.n > 2, steps: [{ id: w, wait: { for: 5m } }] }, { steps: [{ id: e, \
    wait: { event: go }, timeout: 20m }] }] }, { id: last, query: /l, needs: [m, b] }]\nonFailure: [{ id: f, query: /f }]";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever happens in whatever order, with restarts at any moment: the journal rebuilds the same state (checked
    /// at each event), no try is begun twice but by a restart, and every execution ends.
    #[test]
    fn every_execution_ends_whatever_happens(
        items in 0_usize..6,
        n in 0_i64..5,
        choices in prop::collection::vec((0_u8..9, any::<prop::sample::Index>()), 0..80),
    ) {
        let input = json!({ "list": (0..items).collect::<Vec<_>>(), "n": n });
        let mut world = World::with_input(EVERYTHING, input);
        for (what, which) in choices {
            let active: Vec<StepKey> = world.execution.steps()
                .filter(|step| matches!(step.state, "running" | "asked") && !matches!(step.kind, "map" | "branch"))
                .map(|step| step.key).collect();
            let step = (!active.is_empty()).then(|| which.get(&active).to_string());
            match (what, step) {
                (0..=3, Some(step)) if world.state(&step) == "running" => world.succeeds(&step),
                (4, Some(step)) if world.state(&step) == "running" => world.fails(&step),
                (0..=4, Some(step)) if world.state(&step) == "asked" => world.decides(&step, what != 4),
                (5, _) => world.passes(Duration::from_secs(90)),
                (6, _) => world.restarts(),
                (7, _) => world.happens(Event::Sent { name: "go".into(), data: Value::Null }),
                (8, _) if which.index(20) == 0 => world.happens(Event::Cancel),
                _ => {}
            }
        }
        for _ in 0..2_000 {
            if world.execution.finish().is_some() {
                break;
            }
            let running = world.execution.steps()
                .find(|step| step.state == "running" && !matches!(step.kind, "map" | "branch"));
            match running {
                Some(step) => world.succeeds(&step.key.to_string()),
                None => world.passes(Duration::from_secs(60)),
            }
        }
        prop_assert!(world.execution.finish().is_some(), "{:?}", world.execution.phase());
        prop_assert_eq!(world.execution.active(), 0);
        let finishes = world.effects.iter().filter(|effect| matches!(effect, Effect::Finish(_))).count();
        prop_assert_eq!(finishes, 1);
    }
}
