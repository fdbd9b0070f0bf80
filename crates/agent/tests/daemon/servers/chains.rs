//! What the clock does to a server: real chains on a real node, with the agent killed in the middle and nobody connected.

use std::path::PathBuf;

use sf_protocol::Verdict;
use sf_protocol::order::Order;
use sf_protocol::report::NodeEvent;
use sf_protocol::schedule::{
    CatchUp, ChainStep, Overlap, RunReason, ScheduleOrder, ScheduleReport, ScheduleRunState, ScheduleSettings,
    ScheduleSpec, StepDoes, StepPower, Whose,
};
use sf_protocol::server::{ServerState, ServerVerb};
use sf_runtime::{Clock, Rng};
use sf_types::{Millis, ScheduleId};

use super::{Bench, is};
use crate::plane::LIMIT;

struct Chain {
    bench: Bench,
    schedule: ScheduleId,
    generation: u64,
    settings: ScheduleSettings,
}

fn says(line: &str) -> ChainStep {
    ChainStep { delay: Millis(0), continue_on_failure: false, does: StepDoes::Command(line.to_owned()) }
}

fn power(power: StepPower) -> ChainStep {
    ChainStep { delay: Millis(0), continue_on_failure: false, does: StepDoes::Power(power) }
}

fn after(seconds: u64, step: ChainStep) -> ChainStep {
    ChainStep { delay: Millis::secs(seconds), ..step }
}

fn go_on(step: ChainStep) -> ChainStep {
    ChainStep { continue_on_failure: true, ..step }
}

impl Chain {
    async fn of(bench: Bench, steps: Vec<ChainStep>) -> Self {
        let settings = ScheduleSettings {
            cron: "* * * * *".to_owned(),
            timezone: "UTC".to_owned(),
            command: Vec::new(),
            steps,
            only_when_online: false,
            time_limit: Millis::secs(60),
            overlap: Overlap::Skip,
            missed: CatchUp::Skip,
            enabled: false,
        };
        let mut chain = Self { bench, schedule: Rng::system().id(&Clock::system()), generation: 0, settings };
        chain.set().await;
        chain
    }

    fn whose(&self) -> Whose {
        Whose::Server(self.bench.spec.server)
    }

    async fn order(&self, order: ScheduleOrder) -> Result<(), String> {
        let outcome = self.bench.world.plane.run(Order::Schedule(Box::new(order))).await;
        match outcome.verdict {
            Verdict::Succeeded => Ok(()),
            _ => Err(outcome.fault.unwrap().code.to_string()),
        }
    }

    async fn set(&mut self) {
        self.generation += 1;
        let (schedule, whose, generation) = (self.schedule, self.whose(), self.generation);
        let settings = self.settings.clone();
        let spec = ScheduleSpec { schedule, whose, name: "nightly".parse().unwrap(), generation, settings };
        self.order(ScheduleOrder::Set { spec }).await.unwrap();
    }

    async fn steps(&mut self, steps: Vec<ChainStep>) {
        self.settings.steps = steps;
        self.set().await;
    }

    async fn asks(&self) -> Result<(), String> {
        self.order(ScheduleOrder::Run { whose: self.whose(), schedule: self.schedule }).await
    }

    fn reports(&self) -> Vec<ScheduleReport> {
        self.bench.world.plane.state(|state| state.events.iter().filter_map(|update| report(&update.event)).collect())
    }

    /// The first one told after so many that is over, or is not.
    async fn told(&self, before: usize, over: bool) -> ScheduleReport {
        let find = |state: &mut crate::plane::State| {
            let all: Vec<_> = state.events.iter().filter_map(|update| report(&update.event)).collect();
            // What had ended is told again by a fresh agent.
            let known = |run| all.iter().take(before).any(|report| report.run == run && report.state.is_over());
            all.iter().skip(before).find(|report| report.state.is_over() == over && !known(report.run)).cloned()
        };
        self.bench.world.plane.until("a run", find).await
    }

    async fn runs(&self) -> ScheduleReport {
        let before = self.reports().len();
        self.asks().await.unwrap();
        self.told(before, true).await
    }

    fn file(&self) -> PathBuf {
        self.bench.folder().join("schedules").join(format!("{}.json", self.schedule))
    }

    fn record(&self) -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(self.file()).unwrap()).unwrap()
    }

    /// From now on due once an hour, at the minute that begins when the agent is back; the agent is down then.
    async fn due_when_it_is_back(&mut self) {
        let minute = Clock::system().now().as_millis().div_euclid(60_000) % 60;
        (self.settings.enabled, self.settings.cron) = (true, format!("{minute} * * * *"));
        self.set().await;
        self.bench.world.kill().await;
        let mut record = self.record();
        let then = Clock::system().now().minus(Millis::secs(61).duration());
        record["settled"] = then.as_millis().into();
        std::fs::write(self.file(), serde_json::to_vec(&record).unwrap()).unwrap();
    }
}

fn report(event: &NodeEvent) -> Option<ScheduleReport> {
    match event {
        NodeEvent::Schedule { report } => Some(report.clone()),
        _ => None,
    }
}

#[tokio::test]
async fn steps_are_done_in_their_order_and_a_failure_ends_them_or_is_passed_over() {
    let mut bench = Bench::installed().await;
    bench.succeeds(ServerVerb::Start).await;
    let pid = bench.pid();
    let all = vec![says("write first"), power(StepPower::Stop), power(StepPower::Start), says("hello there")];
    let mut chain = Chain::of(bench, all).await;
    let well = chain.runs().await;
    assert_eq!((well.state, well.why, well.note.as_str()), (ScheduleRunState::Succeeded, RunReason::Hand, ""));
    assert_eq!(well.whose, chain.whose());
    let did: Vec<_> = well.last_lines.iter().map(|line| line.split(": ").next().unwrap()).collect();
    let expected =
        [r#"step 1 of 4, "write first""#, "step 2 of 4, stop", "step 3 of 4, start", r#"step 4 of 4, "hello there""#];
    assert_eq!(did, expected);
    // It was stopped by its rule and is another process; both lines came to the console.
    chain.bench.line("saving", 1).await;
    chain.bench.line("said hello there", 1).await;
    assert_eq!(std::fs::read_to_string(chain.bench.files().join("note")).unwrap().trim(), "first");
    assert_ne!(chain.bench.pid(), pid);
    assert_eq!(chain.bench.report().await.state, ServerState::Running);

    // A command to a server that does not run fails, and nothing after it is begun.
    chain.steps(vec![power(StepPower::Kill), says("nobody"), power(StepPower::Start)]).await;
    let failed = chain.runs().await;
    assert_eq!(failed.state, ScheduleRunState::Failed);
    assert!(failed.note.starts_with("step 2 of 3 failed: "), "{}", failed.note);
    assert_eq!((failed.last_lines.len(), chain.bench.report().await.state), (2, ServerState::Stopped));

    chain.steps(vec![go_on(says("nobody")), power(StepPower::Start), says("again")]).await;
    let went_on = chain.runs().await;
    assert_eq!((went_on.state, went_on.note.as_str()), (ScheduleRunState::Succeeded, "went on though step 1 failed"));
    chain.bench.line("said again", 1).await;
}

#[tokio::test]
async fn a_chain_that_waits_holds_up_nobody_and_goes_with_its_schedule_or_its_server() {
    let mut chain = Chain::of(Bench::installed().await, vec![after(900, power(StepPower::Start))]).await;
    let before = chain.reports().len();
    chain.asks().await.unwrap();
    chain.told(before, false).await;
    assert_eq!(chain.asks().await, Err("schedule.under_way".to_owned()), "never beside itself");
    chain.bench.succeeds(ServerVerb::Start).await;
    chain.bench.succeeds(ServerVerb::Stop).await;
    let gone = ScheduleOrder::Delete { whose: chain.whose(), schedule: chain.schedule };
    chain.order(gone).await.unwrap();
    let ended = chain.told(before, true).await;
    assert_eq!(ended.state, ScheduleRunState::Stopped);
    assert!(ended.note.contains("at step 1 of 1") && !chain.file().exists(), "{}", ended.note);

    // A start that gets no answer takes no longer than it may, and goes on by itself; a kill by hand waits for nothing.
    chain.bench.mode("late");
    chain.bench.succeeds(ServerVerb::Configure).await;
    chain.settings.time_limit = Millis::secs(1);
    chain.schedule = Rng::system().id(&Clock::system());
    chain.steps(vec![power(StepPower::Start)]).await;
    let slow = chain.runs().await;
    assert_eq!(slow.state, ScheduleRunState::TimedOut);
    assert!(slow.note.contains("longer than 1 s") && slow.note.contains("step 1 of 1"), "{}", slow.note);
    chain.bench.says("ready").await;
    chain.bench.until(is(ServerState::Running)).await;

    // With the server go its schedules and what one of them is doing.
    chain.settings.time_limit = Millis::secs(60);
    chain.steps(vec![power(StepPower::Stop), power(StepPower::Start)]).await;
    let before = chain.reports().len();
    chain.asks().await.unwrap();
    chain.bench.until(|report| report.reason.contains("not ready yet")).await;
    chain.told(before, false).await;
    assert_eq!(chain.bench.run(ServerVerb::Delete).await.verdict, Verdict::Succeeded);
    assert_eq!((chain.bench.folder().exists(), chain.bench.left()), (false, vec![]));
    assert_eq!(chain.asks().await, Err("schedule.unknown".to_owned()));
}

#[tokio::test]
async fn times_of_a_server_that_is_suspended_or_does_not_run_are_left_out_and_told() {
    let mut chain = Chain::of(Bench::installed().await, vec![power(StepPower::Start)]).await;
    chain.settings.only_when_online = true;
    chain.set().await;
    assert_eq!(chain.asks().await, Err("schedule.offline".to_owned()));
    let before = chain.reports().len();
    chain.due_when_it_is_back().await;
    chain.bench.again().await;
    let skipped = chain.told(before, true).await;
    assert_eq!(skipped.state, ScheduleRunState::Skipped);
    assert!(skipped.note.contains("does not run"), "{}", skipped.note);

    (chain.settings.only_when_online, chain.settings.enabled) = (false, false);
    chain.set().await;
    chain.bench.spec.suspended = true;
    chain.bench.succeeds(ServerVerb::Stop).await;
    assert_eq!(chain.asks().await, Err("schedule.suspended".to_owned()));
    let before = chain.reports().len();
    chain.due_when_it_is_back().await;
    chain.bench.again().await;
    let skipped = chain.told(before, true).await;
    assert_eq!(skipped.state, ScheduleRunState::Skipped);
    assert!(skipped.note.contains("suspended"), "{}", skipped.note);
    assert_eq!(chain.bench.report().await.state, ServerState::Stopped);
}

#[tokio::test]
async fn a_killed_agent_tells_how_far_a_chain_was_and_does_no_step_twice() {
    let mut bench = Bench::installed().await;
    bench.succeeds(ServerVerb::Start).await;
    let mut chain = Chain::of(bench, vec![says("write x"), after(900, says("write y"))]).await;
    let before = chain.reports().len();
    chain.due_when_it_is_back().await;
    chain.bench.again().await;
    let run = chain.told(before, false).await;
    assert_eq!(run.why, RunReason::Clock);
    let note = chain.bench.files().join("note");
    let written = |_: &mut crate::plane::State| note.exists().then_some(());
    chain.bench.world.plane.until("the first step", written).await;
    std::fs::remove_file(&note).unwrap();
    chain.bench.world.kill().await;
    chain.bench.again().await;
    let over = chain.told(before, true).await;
    assert_eq!((over.run, over.state), (run.run, ScheduleRunState::Interrupted));
    assert!(over.note.contains("after step 1 of 2") && over.note.contains("not run again"), "{}", over.note);
    // The server was left alone, and neither step was done after it.
    assert_eq!((chain.bench.report().await.state, note.exists()), (ServerState::Running, false));
    assert_eq!(chain.record()["underWay"], serde_json::Value::Null);
}

#[tokio::test]
async fn the_clock_goes_on_while_nobody_is_connected() {
    let mut bench = Bench::installed().await;
    bench.succeeds(ServerVerb::Start).await;
    let mut chain = Chain::of(bench, vec![says("write alone")]).await;
    let before = chain.reports().len();
    chain.due_when_it_is_back().await;
    chain.bench.world.plane.cut();
    chain.bench.world.plane.state(|state| state.away = true);
    let connections = chain.bench.world.plane.state(|state| state.connections);
    chain.bench.world.start(None).await;
    let note = chain.bench.files().join("note");
    let written = async {
        while !note.exists() {
            // tidy: sleep because nobody is connected who would be told
            tokio::time::sleep(Millis(20).duration()).await;
        }
    };
    tokio::time::timeout(LIMIT, written).await.unwrap();
    assert_eq!((chain.reports().len(), std::fs::read_to_string(&note).unwrap().trim()), (before, "alone"));
    // Told when somebody listens again.
    chain.bench.world.plane.state(|state| state.away = false);
    chain.bench.world.plane.connected(connections).await;
    assert_eq!(chain.told(before, true).await.state, ScheduleRunState::Succeeded);
}
