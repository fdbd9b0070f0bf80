//! Standing orders on a real node: real commands, by hand and by the clock, with the agent killed in the middle.

use std::path::PathBuf;

use sf_protocol::Verdict;
use sf_protocol::app::EnvVar;
use sf_protocol::command::Guard;
use sf_protocol::order::{AppVerb, Order};
use sf_protocol::report::{NodeEvent, StatusUpdate};
use sf_protocol::schedule::{
    CatchUp, Overlap, RunReason, ScheduleOrder, ScheduleReport, ScheduleRunState, ScheduleSettings, ScheduleSpec, Whose,
};
use sf_runtime::{Clock, Rng};
use sf_types::{Millis, ScheduleId, ScheduleRunId};

use super::world::World;

const SERVER: &str = "require('node:http').createServer((q, r) => r.end(process.env.MODE))\n\
    .listen(process.env.PORT, process.env.HOST);\n";
/// Adds a line to `begun` in the app's own folder, then does what it is told.
const JOB: &str = r#"
const fs = require('node:fs');
const mark = (name) => fs.appendFileSync(`${process.env.HOME}/${name}`, '.');
mark('begun');
console.log(`mode ${process.env.MODE} schedule ${process.env.SERVERFLOW_SCHEDULE} in ${fs.existsSync('server.js')}`);
console.error(`my key is ${process.env.API_TOKEN}`);
const what = process.argv[2];
if (what === 'fail') process.exit(3);
if (what === 'hang') {
  require('node:child_process').spawn('sh', ['-c', 'sleep 600; touch survived'], { detached: true, stdio: 'ignore' });
  setInterval(() => {}, 1000);
}
"#;

struct Bench {
    world: World,
    schedule: ScheduleId,
    generation: u64,
}

impl Bench {
    async fn new() -> Self {
        let mut world = World::enrolled().await;
        world.commit(&[("job.js", JOB)]).await;
        world.commit_server(SERVER).await;
        world.start(None).await;
        world.plane.connected(0).await;
        let mut order = world.deploy_order(None, Millis(0));
        if let Order::Deploy(deploy) = &mut order {
            let var = |name: &str, value: &str| EnvVar { name: name.to_owned(), value: value.to_owned() };
            deploy.app.env = vec![var("MODE", "blue"), var("API_TOKEN", "canary-77aa88bb99")];
        }
        let outcome = world.plane.run(order).await;
        world.succeeded(&outcome);
        Self { world, schedule: Rng::system().id(&Clock::system()), generation: 0 }
    }

    fn settings(what: &str) -> ScheduleSettings {
        ScheduleSettings {
            cron: "* * * * *".to_owned(),
            timezone: "Europe/Berlin".to_owned(),
            command: ["node", "job.js", what].map(str::to_owned).to_vec(),
            steps: Vec::new(),
            only_when_online: false,
            time_limit: Millis::secs(60),
            overlap: Overlap::Skip,
            missed: CatchUp::Skip,
            enabled: false,
        }
    }

    fn spec(&mut self, settings: ScheduleSettings) -> ScheduleSpec {
        self.generation += 1;
        let (schedule, whose, generation) = (self.schedule, Whose::App(self.world.app), self.generation);
        ScheduleSpec { schedule, whose, name: "tidy".parse().unwrap(), generation, settings }
    }

    async fn set(&mut self, settings: ScheduleSettings) {
        let spec = self.spec(settings);
        let outcome = self.world.plane.run(Order::Schedule(Box::new(ScheduleOrder::Set { spec }))).await;
        assert_eq!(outcome.verdict, Verdict::Succeeded, "{:?}", outcome.fault);
    }

    fn run_now(&self) -> Order {
        Order::Schedule(Box::new(ScheduleOrder::Run { whose: Whose::App(self.world.app), schedule: self.schedule }))
    }

    async fn refused(&self, order: Order, code: &str) {
        let outcome = self.world.plane.run(order).await;
        assert_eq!((outcome.verdict, outcome.fault.map(|fault| fault.code)), (Verdict::Failed, Some(code.to_owned())));
    }

    async fn ran_by_hand(&self) -> ScheduleReport {
        let before = self.reports().len();
        let outcome = self.world.plane.run(self.run_now()).await;
        assert_eq!(outcome.verdict, Verdict::Succeeded, "{:?}", outcome.fault);
        self.over(before).await
    }

    fn reports(&self) -> Vec<ScheduleReport> {
        self.world.plane.state(|state| state.events.iter().filter_map(report).collect())
    }

    /// The first run told as over after so many reports.
    async fn over(&self, before: usize) -> ScheduleReport {
        let find = |events: &[StatusUpdate]| {
            let all: Vec<_> = events.iter().filter_map(report).collect();
            // What had ended is told again by a fresh agent.
            let known = |run| all.iter().take(before).any(|report| report.run == run && report.state.is_over());
            all.iter().skip(before).find(|report| report.state.is_over() && !known(report.run)).cloned()
        };
        self.world.plane.until("the end of a run", |state| find(&state.events)).await
    }

    async fn running(&self, before: usize) -> ScheduleRunId {
        let find = |events: &[StatusUpdate]| {
            events.iter().filter_map(report).skip(before).find(|report| !report.state.is_over())
        };
        self.world.plane.until("a run", |state| find(&state.events)).await.run
    }

    /// How often the command was begun.
    fn begun(&self) -> usize {
        let marks = self.world.state().app(self.world.app).join("data").join("begun");
        std::fs::read_to_string(marks).unwrap_or_default().len()
    }

    /// Processes of this world whose command line holds `word`.
    fn left_of(&self, word: &str) -> Vec<String> {
        let mark = self.world.dir.path().display().to_string();
        let read = |path: PathBuf| String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned();
        let all = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
        let ours = all.filter(|process| read(process.join("environ")).contains(&mark));
        ours.map(|process| read(process.join("cmdline"))).filter(|line| line.contains(word)).collect()
    }

    fn file(&self) -> PathBuf {
        self.world.state().app(self.world.app).join("schedules").join(format!("{}.json", self.schedule))
    }

    /// As if the node had last looked so long ago. The agent is down.
    fn rewind(&self, by: Millis) {
        let mut record: serde_json::Value = serde_json::from_slice(&std::fs::read(self.file()).unwrap()).unwrap();
        let then = Clock::system().now().minus(by.duration());
        record["settled"] = then.as_millis().into();
        std::fs::write(self.file(), serde_json::to_vec(&record).unwrap()).unwrap();
    }

    async fn back(&mut self, point: Option<&str>) {
        let connections = self.world.plane.state(|state| state.connections);
        self.world.start(point).await;
        if point.is_none() {
            self.world.plane.connected(connections).await;
        }
    }
}

fn report(update: &StatusUpdate) -> Option<ScheduleReport> {
    match &update.event {
        NodeEvent::Schedule { report } => Some(report.clone()),
        _ => None,
    }
}

#[tokio::test]
async fn by_hand_a_command_runs_as_the_app_and_its_end_is_told() {
    let mut bench = Bench::new().await;
    bench.set(Bench::settings("well")).await;
    let well = bench.ran_by_hand().await;
    assert_eq!((well.state, well.exit_code, well.why), (ScheduleRunState::Succeeded, Some(0), RunReason::Hand));
    assert!(well.started_at >= Some(well.due) && well.ended_at >= well.started_at);
    assert_eq!(well.last_lines[0], "mode blue schedule tidy in true");
    let said = well.last_lines.join("\n");
    assert!(said.contains("my key is") && !said.contains("canary"), "{said}");

    bench.set(Bench::settings("fail")).await;
    let failed = bench.ran_by_hand().await;
    assert_eq!((failed.state, failed.exit_code), (ScheduleRunState::Failed, Some(3)));
    assert_eq!(failed.note, "ended with code 3");

    let mut nothing = Bench::settings("well");
    nothing.command = vec!["no-such-program".to_owned()];
    bench.set(nothing).await;
    let unstarted = bench.ran_by_hand().await;
    assert_eq!((unstarted.state, unstarted.exit_code), (ScheduleRunState::Failed, None));
    assert!(unstarted.note.contains("no-such-program"), "{}", unstarted.note);
    assert_eq!(bench.begun(), 2);

    // What cannot be is refused, and what was stays.
    let mut bad = Bench::settings("well");
    bad.cron = "61 * * * *".to_owned();
    let spec = bench.spec(bad);
    bench.refused(Order::Schedule(Box::new(ScheduleOrder::Set { spec })), "schedule.cron_invalid").await;
    let mut older = bench.spec(Bench::settings("well"));
    older.generation = 1;
    bench.refused(Order::Schedule(Box::new(ScheduleOrder::Set { spec: older })), "schedule.older_generation").await;
    let unknown =
        ScheduleOrder::Run { whose: Whose::App(bench.world.app), schedule: Rng::system().id(&Clock::system()) };
    bench.refused(Order::Schedule(Box::new(unknown)), "schedule.unknown").await;
}

#[tokio::test]
async fn a_command_that_hangs_is_ended_with_all_it_started_and_never_runs_beside_itself() {
    let mut bench = Bench::new().await;
    let mut hang = Bench::settings("hang");
    // Long enough for a busy machine to be asked meanwhile.
    hang.time_limit = Millis::secs(4);
    bench.set(hang.clone()).await;
    let before = bench.reports().len();
    let begun = bench.world.plane.order(bench.run_now(), Guard::default());
    bench.running(before).await;
    bench.refused(bench.run_now(), "schedule.under_way").await;
    assert_eq!(bench.world.plane.outcome(begun).await.verdict, Verdict::Succeeded);
    let over = bench.over(before).await;
    assert_eq!((over.state, over.exit_code), (ScheduleRunState::TimedOut, None));
    assert!(over.note.contains("longer than 4 s"), "{}", over.note);
    // Also its grandchild in a session of its own is gone; the app, of the same user, serves on.
    assert_eq!(bench.left_of("survived"), Vec::<String>::new());
    let pid = bench.world.pid().await;
    assert!(std::path::Path::new(&format!("/proc/{pid}")).exists());

    // Where one may wait, it follows; a third is refused.
    (hang.overlap, hang.time_limit) = (Overlap::Queue, Millis::secs(4));
    bench.set(hang).await;
    let before = bench.reports().len();
    for _ in 0..2 {
        assert_eq!(bench.world.plane.run(bench.run_now()).await.verdict, Verdict::Succeeded);
    }
    bench.refused(bench.run_now(), "schedule.under_way").await;
    let both = |state: &mut super::plane::State| {
        let over = state.events.iter().filter_map(report).skip(before).filter(|report| report.state.is_over());
        let over: Vec<_> = over.map(|report| (report.state, report.note)).collect();
        (over.len() == 2).then_some(over)
    };
    let both = bench.world.plane.until("both runs", both).await;
    assert!(both.iter().all(|(state, _)| *state == ScheduleRunState::TimedOut), "{both:?}");

    // A schedule that is removed takes its run with it.
    let mut long = Bench::settings("hang");
    long.time_limit = Millis::secs(600);
    bench.set(long).await;
    let before = bench.reports().len();
    assert_eq!(bench.world.plane.run(bench.run_now()).await.verdict, Verdict::Succeeded);
    bench.running(before).await;
    let gone = ScheduleOrder::Delete { whose: Whose::App(bench.world.app), schedule: bench.schedule };
    assert_eq!(bench.world.plane.run(Order::Schedule(Box::new(gone))).await.verdict, Verdict::Succeeded);
    assert_eq!(bench.over(before).await.state, ScheduleRunState::Stopped);
    assert!(!bench.file().exists());
    bench.refused(bench.run_now(), "schedule.unknown").await;
}

#[tokio::test]
async fn the_clock_starts_it_and_a_killed_agent_never_runs_a_time_twice() {
    let mut bench = Bench::new().await;
    let mut settings = Bench::settings("hang");
    (settings.enabled, settings.time_limit) = (true, Millis::secs(600));
    // Once an hour, so that no further time comes while this test runs: the minute that has just begun.
    let minute = |at: sf_types::Timestamp| at.as_millis().div_euclid(60_000) % 60;
    settings.cron = format!("{} * * * *", minute(Clock::system().now()));
    bench.set(settings.clone()).await;

    // Killed before its command was started: told, and not run.
    bench.world.kill().await;
    bench.rewind(Millis::secs(61));
    bench.back(Some("agent-schedule-begun")).await;
    bench.world.killed("agent-schedule-begun").await;
    bench.back(None).await;
    let first = bench.over(0).await;
    assert_eq!((first.state, bench.begun()), (ScheduleRunState::Interrupted, 0), "{first:?}");
    assert!(first.note.contains("not run again"), "{}", first.note);

    // Killed while it runs: its processes end with the agent, and it is not run again.
    settings.cron = format!("{} * * * *", minute(Clock::system().now()));
    bench.set(settings).await;
    bench.world.kill().await;
    bench.rewind(Millis::secs(61));
    let before = bench.reports().len();
    bench.back(None).await;
    let run = bench.running(before).await;
    bench.world.plane.until("a begun command", |_| (bench.begun() == 1).then_some(())).await;
    bench.world.kill().await;
    bench.back(None).await;
    let over = bench.over(before).await;
    assert_eq!((over.run, over.state, over.why), (run, ScheduleRunState::Interrupted, RunReason::Clock));
    assert_eq!(bench.begun(), 1);
    // Of what was told, no number came twice.
    let mut numbers: Vec<u64> =
        bench.world.plane.state(|state| state.events.iter().map(|update| update.sequence).collect());
    numbers.sort_unstable();
    let all = numbers.len();
    numbers.dedup();
    assert_eq!(numbers.len(), all);
}

#[tokio::test]
async fn times_of_a_node_that_was_off_are_told_or_made_up_for_and_a_stopped_app_rests() {
    let mut bench = Bench::new().await;
    let mut settings = Bench::settings("well");
    (settings.enabled, settings.cron) = (true, "0 * * * *".to_owned());
    let now = Clock::system().now().as_millis();
    // Not within a minute of the hour, for times that are late by less are run.
    if (now / 60_000) % 60 == 0 {
        settings.cron = "30 * * * *".to_owned();
    }
    bench.set(settings.clone()).await;
    let before = bench.reports().len();
    bench.world.kill().await;
    bench.rewind(Millis::secs(3 * 3600));
    bench.back(None).await;
    let missed = bench.over(before).await;
    assert_eq!(missed.state, ScheduleRunState::Missed);
    assert!(missed.note.contains("3 times while the node was off"), "{}", missed.note);
    assert_eq!(bench.begun(), 0);

    settings.missed = CatchUp::Once;
    bench.set(settings.clone()).await;
    let before = bench.reports().len();
    bench.world.kill().await;
    bench.rewind(Millis::secs(3 * 3600));
    bench.back(None).await;
    let made_up = bench.over(before).await;
    assert_eq!((made_up.state, made_up.why), (ScheduleRunState::Succeeded, RunReason::Clock));
    assert!(made_up.note.contains("2 times"), "{}", made_up.note);
    assert_eq!(bench.begun(), 1);

    let stop = bench.world.action(AppVerb::Stop);
    assert_eq!(bench.world.plane.run(stop).await.verdict, Verdict::Succeeded);
    let before = bench.reports().len();
    bench.world.kill().await;
    bench.rewind(Millis::secs(3 * 3600));
    bench.back(None).await;
    // What the last one ended with is told again; nothing else is.
    let first = |state: &mut super::plane::State| state.events.iter().filter_map(report).nth(before);
    let again = bench.world.plane.until("a report", first).await;
    assert_eq!((again.run, bench.begun()), (made_up.run, 1));
    // By hand it runs all the same, and goes with its app.
    assert_eq!(bench.ran_by_hand().await.state, ScheduleRunState::Succeeded);
    let delete = bench.world.action(AppVerb::Delete);
    assert_eq!(bench.world.plane.run(delete).await.verdict, Verdict::Succeeded);
    assert!(!bench.file().exists());
    bench.refused(bench.run_now(), "schedule.unknown").await;
}
