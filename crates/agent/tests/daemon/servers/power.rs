//! Orders about a server: from its installation to nothing left.

use sf_protocol::order::{Cancel, DesiredState};
use sf_protocol::report::StatusUpdate;
use sf_protocol::server::{EditValue, FileEdit, Parser, SetKey};

use super::super::authority::free_port;
use super::*;

#[tokio::test]
async fn a_server_is_installed_started_spoken_to_stopped_and_deleted() {
    let mut bench = Bench::new().await;
    bench.fails(ServerVerb::Start, "server.unknown").await;
    let made = bench.succeeds(ServerVerb::Configure).await;
    assert_eq!((made.install, made.generation), (InstallState::Missing, bench.spec.generation));
    bench.fails(ServerVerb::Start, "server.not_installed").await;
    bench.watch().await;
    let installed = bench.succeeds(ServerVerb::Install { script: Some(script()), wipe: false }).await;
    assert!(at_rest(&installed) && installed.disk_bytes > 0, "{installed:?}");
    bench.line("setting up", 1).await;
    bench.line("Installed after", 1).await;
    bench.fails(Bench::command("too early"), "server.not_running").await;

    let started = bench.succeeds(ServerVerb::Start).await;
    assert_eq!(started.state, ServerState::Running);
    assert!(started.reason.starts_with("ready after"), "{started:?}");
    bench.line("with a word of the day", 1).await;
    bench.says("hello there").await;
    bench.line("said hello there", 1).await;
    bench.fails(Bench::command("two\nlines"), "server.command").await;
    bench.fails(Bench::command(&"x".repeat(1025)), "server.command").await;
    // Again is fine, and starts nothing.
    let pid = bench.pid();
    bench.succeeds(ServerVerb::Start).await;
    assert_eq!(bench.pid(), pid);
    let status = sf_agent::daemon::local::ask(&bench.world.state()).await.unwrap().unwrap();
    let [line] = &status.servers[..] else { panic!("one server: {status:?}") };
    assert_eq!((&*line.name, line.state, line.pid), ("craft", ServerState::Running, Some(pid)));
    let restarted = bench.succeeds(ServerVerb::Restart).await;
    assert!(restarted.state == ServerState::Running && bench.pid() != pid);

    let stopped = bench.succeeds(ServerVerb::Stop).await;
    bench.line("saving", 2).await;
    assert!(at_rest(&stopped), "{stopped:?}");
    assert!(stopped.stopped_by.as_ref().unwrap().starts_with("command stop after"), "{stopped:?}");
    assert_eq!(bench.succeeds(ServerVerb::Stop).await.stopped_by, stopped.stopped_by);
    let asked = bench.report().await;
    assert_eq!((asked.state, asked.stopped_by), (ServerState::Stopped, stopped.stopped_by));

    // Its files stay with an installation that does not wipe them.
    std::fs::write(bench.files().join("kept"), "").unwrap();
    bench.succeeds(ServerVerb::Install { script: None, wipe: false }).await;
    assert!(bench.files().join("kept").exists());
    bench.succeeds(ServerVerb::Install { script: Some(script()), wipe: true }).await;
    assert!(!bench.files().join("kept").exists() && bench.files().join("server.sh").exists());

    bench.succeeds(ServerVerb::Start).await;
    let deleted = bench.run(ServerVerb::Delete).await;
    assert_eq!((deleted.verdict, deleted.facts), (Verdict::Succeeded, Facts::Server { server: None }));
    assert_eq!((bench.folder().exists(), bench.left()), (false, vec![]));
    let users = std::fs::read_to_string(bench.world.state().join("users.json")).unwrap();
    assert!(!users.contains(&bench.spec.server.to_string()), "{users}");
    bench.fails(ServerVerb::Stop, "server.unknown").await;
    assert_eq!(bench.run(ServerVerb::Delete).await.verdict, Verdict::Succeeded, "what is gone can be deleted");
}

#[tokio::test]
async fn a_stop_says_what_it_took_and_a_kill_waits_for_nothing() {
    let mut bench = Bench::installed().await;
    bench.spec.stop = Stop::Signal { signal: "SIGINT".to_owned(), grace: Millis::secs(20) };
    bench.succeeds(ServerVerb::Start).await;
    let stopped = bench.succeeds(ServerVerb::Stop).await;
    assert!(stopped.stopped_by.unwrap().starts_with("SIGINT after"));

    // It hears neither its command nor TERM.
    bench.mode("stubborn");
    bench.spec.stop = Stop::Command { line: "stop".to_owned(), grace: Millis(300) };
    bench.succeeds(ServerVerb::Start).await;
    let stopped = bench.succeeds(ServerVerb::Stop).await.stopped_by.unwrap();
    let seconds: f32 = stopped.strip_prefix("SIGKILL after ").unwrap().trim_end_matches(" s").parse().unwrap();
    assert!((5.2..30.0).contains(&seconds), "command, TERM after 0.3 s, KILL after 5 more: {stopped}");

    // A kill ends what waits for a stop, and what waits behind it has its turn.
    bench.spec.stop = Stop::Command { line: "stop".to_owned(), grace: Millis::secs(600) };
    bench.succeeds(ServerVerb::Start).await;
    let stop = bench.send(ServerVerb::Stop);
    bench.until(is(ServerState::Stopping)).await;
    let start = bench.send(ServerVerb::Start);
    let killed = bench.succeeds(ServerVerb::Kill).await;
    let outcome = bench.world.plane.outcome(stop).await;
    assert_eq!(outcome.verdict, Verdict::Succeeded);
    assert!(told(&outcome).stopped_by.unwrap().starts_with("SIGKILL after"), "{killed:?}");
    let outcome = bench.world.plane.outcome(start).await;
    assert_eq!((outcome.verdict, told(&outcome).state), (Verdict::Succeeded, ServerState::Running));

    // And what waits until it is ready.
    bench.succeeds(ServerVerb::Kill).await;
    bench.mode("late");
    let start = bench.send(ServerVerb::Start);
    bench.until(|report| report.reason.contains("not ready yet")).await;
    bench.succeeds(ServerVerb::Kill).await;
    let outcome = bench.world.plane.outcome(start).await;
    assert_eq!(outcome.fault.as_ref().unwrap().code, "server.killed");
    assert_eq!((told(&outcome).state, bench.left()), (ServerState::Stopped, vec![]));

    // A deletion has its turn, and ends what waits before it.
    let start = bench.send(ServerVerb::Start);
    bench.until(|report| report.reason.contains("not ready yet")).await;
    assert_eq!(bench.run(ServerVerb::Delete).await.verdict, Verdict::Succeeded);
    assert_eq!(bench.world.plane.outcome(start).await.fault.unwrap().code, "server.killed");
    assert_eq!((bench.folder().exists(), bench.left()), (false, vec![]));
}

#[tokio::test]
async fn a_start_that_waits_is_answered_at_the_console_cancelled_or_left_to_go_on() {
    let mut bench = Bench::in_mode("late").await;
    let start = bench.send(ServerVerb::Start);
    bench.line("with a word", 1).await;
    // A command need not wait for the order that waits for it.
    bench.says("ready").await;
    let outcome = bench.world.plane.outcome(start).await;
    assert_eq!((outcome.verdict, told(&outcome).state), (Verdict::Succeeded, ServerState::Running));
    bench.succeeds(ServerVerb::Stop).await;

    let start = bench.send(ServerVerb::Start);
    bench.line("with a word", 2).await;
    bench.world.plane.run(Order::Cancel(Cancel { command: start })).await;
    let outcome = bench.world.plane.outcome(start).await;
    assert_eq!((outcome.verdict, told(&outcome).state), (Verdict::Cancelled, ServerState::Stopped));
    assert_eq!(bench.left(), Vec::<String>::new());

    bench.spec.ready.within = Millis(200);
    let late = bench.succeeds(ServerVerb::Start).await;
    assert_eq!(late.state, ServerState::Starting);
    bench.says("ready").await;
    bench.until(is(ServerState::Running)).await;
}

#[tokio::test]
async fn crashes_are_told_and_end_in_an_error_that_waits_for_a_person() {
    let mut bench = Bench::installed().await;
    bench.spec.restart.max_crashes = 2;
    bench.spec.restart.first_delay = Millis(50);
    bench.succeeds(ServerVerb::Start).await;
    let first = bench.pid();
    bench.says("crash").await;
    let back = bench.until(|report| report.state == ServerState::Running && report.restarts == 1).await;
    assert!(back.reason.contains("ready after") && bench.pid() != first, "{back:?}");
    bench.until(|report| report.reason.contains("exited with code 7")).await;
    bench.says("crash").await;
    bench.until(|report| report.state == ServerState::Running && report.restarts == 2).await;
    bench.says("crash").await;
    let error = bench.until(is(ServerState::Error)).await;
    assert!(error.reason.contains("given up after 3 crashes"), "{error:?}");
    bench.fails(Bench::command("x"), "server.not_running").await;
    // Between two crashes, whoever starts it need not wait.
    bench.succeeds(ServerVerb::Start).await;
    bench.spec.restart =
        RestartRule { first_delay: Millis::secs(600), max_delay: Millis::secs(600), ..RestartRule::default() };
    bench.succeeds(ServerVerb::Configure).await;
    bench.says("crash").await;
    bench.until(|report| report.reason.contains("starting again in 600")).await;
    assert_eq!(bench.succeeds(ServerVerb::Start).await.state, ServerState::Running);
    bench.succeeds(ServerVerb::Stop).await;
    // One that ends before it is ready says so, with why.
    bench.mode("crash");
    bench.spec.restart = RestartRule::NEVER;
    let why = bench.fails(ServerVerb::Start, "server.ended").await;
    assert!(why.contains("exited with code 7"), "{why}");
    assert_eq!(bench.report().await.state, ServerState::Error);
    // An error outlives the agent, and nothing is tried again.
    bench.world.kill().await;
    bench.again().await;
    assert_eq!((bench.report().await.state, bench.left()), (ServerState::Error, vec![]));
    bench.mode("");
    assert_eq!(bench.succeeds(ServerVerb::Start).await.state, ServerState::Running);
}

#[tokio::test]
async fn a_taken_port_is_named_and_others_cannot_be_listened_on() {
    let mut bench = Bench::installed().await;
    let (own, other) = (free_port(), free_port());
    let taken = std::net::TcpListener::bind(("127.0.0.1", own)).unwrap();
    bench.spec.allocations = vec![sf_protocol::server::Allocation { ip: [127, 0, 0, 1].into(), port: own }];
    let why = bench.fails(ServerVerb::Start, "server.port_taken").await;
    assert!(why.contains(&own.to_string()) && why.contains(&std::process::id().to_string()), "{why}");
    let report = bench.report().await;
    assert!(report.state == ServerState::Error && report.reason.contains("is taken by"), "{report:?}");
    drop(taken);
    bench.succeeds(ServerVerb::Start).await;
    bench.succeeds(ServerVerb::Stop).await;

    let listen = |port: u16| Startup::Argv {
        argv: ["busybox", "nc", "-l", "-p", &port.to_string()].map(str::to_owned).to_vec(),
    };
    bench.spec.restart = RestartRule::NEVER;
    bench.spec.ready.lines = Vec::new();
    bench.spec.startup = listen(own);
    bench.succeeds(ServerVerb::Start).await;
    let connected = async {
        while tokio::net::TcpStream::connect(("127.0.0.1", own)).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, connected).await.unwrap();
    bench.succeeds(ServerVerb::Kill).await;
    if sf_agent::confine::landlock::kernel_abi() < 4 {
        eprintln!("SKIPPED: this kernel cannot say which ports may be listened on");
        return;
    }
    bench.spec.startup = listen(other);
    drop(bench.run(ServerVerb::Start).await);
    bench.line("Permission denied", 1).await;
    bench.until(is(ServerState::Error)).await;
}

#[tokio::test]
async fn a_port_stolen_while_it_is_stopped_is_named_and_its_thief_and_files_are_left_alone() {
    let mut bench = Bench::installed().await;
    let own = free_port();
    bench.spec.allocations = vec![sf_protocol::server::Allocation { ip: [127, 0, 0, 1].into(), port: own }];
    bench.succeeds(ServerVerb::Start).await;
    bench.says("write years of work").await;
    bench.succeeds(ServerVerb::Stop).await;
    let thief = std::net::UdpSocket::bind(("127.0.0.1", own)).unwrap();
    let why = bench.fails(ServerVerb::Start, "server.port_taken").await;
    assert!(why.contains("UDP") && why.contains(&own.to_string()), "{why}");
    assert_eq!(bench.left(), Vec::<String>::new());
    // What somebody else has is told at each connection; a server's own port is not, since nobody else is given that.
    let other = (10_000..).find_map(|port| std::net::TcpListener::bind(("127.0.0.1", port)).ok()).unwrap();
    let others = other.local_addr().unwrap().port();
    bench.world.kill().await;
    bench.again().await;
    let told = |state: &mut super::super::plane::State| state.held.clone().filter(|held| held.contains(&others));
    let held = bench.world.plane.until("what others have", told).await;
    assert!(!held.contains(&own), "{held:?}");
    assert_eq!(thief.send_to(b"still here", ("127.0.0.1", own)).unwrap(), 10);
    drop(thief);
    bench.succeeds(ServerVerb::Start).await;
    assert_eq!(std::fs::read_to_string(bench.files().join("note")).unwrap(), "years of work\n");
}

#[tokio::test]
async fn what_may_not_be_is_refused() {
    let mut bench = Bench::installed().await;
    bench.succeeds(ServerVerb::Start).await;
    // Suspended while it runs: stopped, and not started whoever asks.
    bench.spec.suspended = true;
    assert_eq!(bench.succeeds(ServerVerb::Configure).await.state, ServerState::Stopped);
    bench.fails(ServerVerb::Start, "server.suspended").await;
    bench.spec.suspended = false;
    // Shell code, and a program that is not there.
    let startup = bench.spec.startup.clone();
    bench.spec.startup = Startup::Shell { line: "java -jar {{JAR}}".to_owned() };
    bench.fails(ServerVerb::Start, "server.shell_needs_container").await;
    bench.spec.startup = Startup::Argv { argv: vec!["no-such-program".to_owned()] };
    let why = bench.fails(ServerVerb::Start, "server.program").await;
    assert!(why.contains("no-such-program"), "{why}");
    bench.spec.startup = startup;
    // A way to stop that is none, and a file that cannot be: what should be its folder is a file.
    let stop = std::mem::replace(&mut bench.spec.stop, Stop::Signal { signal: "^C".to_owned(), grace: Millis(1) });
    bench.fails(ServerVerb::Start, "server.spec").await;
    bench.spec.stop = stop;
    let set = vec![SetKey { key: "motd".to_owned(), only_if: None, value: EditValue::Text("x".to_owned()) }];
    bench.spec.edits =
        vec![FileEdit { path: "server.sh/server.properties".parse().unwrap(), parser: Parser::Properties, set }];
    let why = bench.fails(ServerVerb::Start, "server.edit").await;
    assert!(why.starts_with("server.sh/server.properties"), "{why}");
    bench.spec.edits.clear();
    // An installation that fails.
    let bad = InstallScript { script: "echo what is wrong; exit 3".to_owned(), ..script() };
    let why = bench.fails(ServerVerb::Install { script: Some(bad), wipe: false }, "server.install_failed").await;
    assert!(why.contains("ended with code 3") && why.contains("what is wrong"), "{why}");
    bench.fails(ServerVerb::Start, "server.not_installed").await;
    bench.succeeds(ServerVerb::Install { script: Some(script()), wipe: false }).await;
    // An older word.
    bench.spec.generation = 1;
    bench.fails(ServerVerb::Start, "server.older_generation").await;
    bench.spec.generation = 100;
    // The node's owner says no.
    let policy = bench.world.state().join("policy.toml");
    std::fs::write(&policy, "[servers]\nenabled = false\n").unwrap();
    let outcome = bench.run(ServerVerb::Start).await;
    assert_eq!((outcome.verdict, &*outcome.fault.unwrap().code), (Verdict::Refused, "policy.denied"));
    assert_eq!(bench.run(ServerVerb::Delete).await.verdict, Verdict::Succeeded, "what is there can be ended");
}

#[tokio::test]
async fn a_snapshot_of_what_should_be_lowers_nothing_and_makes_nothing() {
    let mut bench = Bench::installed().await;
    bench.succeeds(ServerVerb::Start).await;
    let generation = bench.spec.generation;
    let other = spec();
    let older = ServerSpec { generation: 1, suspended: true, ..bench.spec.clone() };
    let desired = |servers| Order::DesiredState(DesiredState { servers, ..DesiredState::default() });
    assert_eq!(bench.world.plane.run(desired(vec![older, other.clone()])).await.verdict, Verdict::Succeeded);
    let report = bench.report().await;
    assert_eq!((report.generation, report.state), (generation, ServerState::Running));
    let asked = bench.world.plane.ask(Query::Server { server: other.server }).await;
    assert!(matches!(asked, Reply::Fault(fault) if fault.code == "server.unknown"));
    let newer = ServerSpec { generation: generation + 5, suspended: true, ..bench.spec.clone() };
    assert_eq!(bench.world.plane.run(desired(vec![newer])).await.verdict, Verdict::Succeeded);
    let report = bench.report().await;
    assert_eq!((report.generation, report.state), (generation + 5, ServerState::Stopped));
}

/// Every change is told once, in order, and what was told is not told again by the next agent.
#[tokio::test]
async fn changes_are_told_once() {
    let mut bench = Bench::installed().await;
    bench.succeeds(ServerVerb::Start).await;
    bench.succeeds(ServerVerb::Stop).await;
    let states = |events: &[StatusUpdate]| -> Vec<ServerState> {
        let one = |event: &StatusUpdate| match &event.event {
            NodeEvent::Server { report } => Some(report.state),
            _ => None,
        };
        let mut states: Vec<ServerState> = events.iter().filter_map(one).collect();
        states.dedup();
        states
    };
    let before = bench.world.plane.state(|state| state.events.clone());
    let expected = [ServerState::Stopped, ServerState::Starting, ServerState::Running, ServerState::Stopping];
    assert_eq!(states(&before), [&expected[..], &[ServerState::Stopped]].concat());
    let newest = before.last().map_or(0, |event| event.sequence);
    bench.world.kill().await;
    bench.again().await;
    bench.succeeds(ServerVerb::Configure).await;
    let after = bench.world.plane.state(|state| state.events.clone());
    let fresh: Vec<_> = after.iter().filter(|event| event.sequence > newest).collect();
    // The new generation alone.
    let told = fresh.iter().filter(|event| matches!(event.event, NodeEvent::Server { .. })).count();
    assert_eq!(told, 1, "{fresh:#?}");
}
