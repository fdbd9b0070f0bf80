//! The daemon as a process of its own, with a scripted control plane over real TLS and real git repositories.

#![expect(clippy::unwrap_used, reason = "the steps of a test may fail loudly, outside its own function too")]

#[path = "daemon/authority.rs"]
mod authority;
#[path = "daemon/containers.rs"]
mod containers;
#[path = "daemon/engine.rs"]
mod engine;
#[path = "daemon/hot.rs"]
mod hot;
#[path = "daemon/meanwhile.rs"]
mod meanwhile;
#[path = "daemon/measured.rs"]
mod measured;
#[path = "daemon/patch.rs"]
mod patch;
#[path = "daemon/plane.rs"]
mod plane;
#[path = "daemon/schedules.rs"]
mod schedules;
#[path = "daemon/secrets.rs"]
mod secrets;
#[path = "daemon/servers/bench.rs"]
mod servers;
#[path = "daemon/services.rs"]
mod services;
#[path = "daemon/sites.rs"]
mod sites;
#[path = "daemon/turns.rs"]
mod turns;
#[path = "daemon/witness.rs"]
mod witness;
#[path = "daemon/world.rs"]
mod world;

use std::path::Path;

use plane::LIMIT;
use sf_agent::daemon::local;
use sf_agent::link::enrol::InstallLine;
use sf_agent::state::Registration;
use sf_protocol::Verdict;
use sf_protocol::app::{AppSpec, AppState};
use sf_protocol::command::Guard;
use sf_protocol::order::{AppVerb, Cancel, GitSource, Order, Void};
use sf_protocol::outcome::{DeployFacts, Facts, Step};
use sf_protocol::query::{Query, Reply};
use sf_protocol::report::NodeEvent;
use sf_runtime::child::Child;
use sf_runtime::{Clock, Rng};
use sf_types::Millis;
use tokio::net::TcpStream;
use world::{World, get};

/// A server that answers `name`; `health` is the status of its check, `life` ends it after so many ms.
fn server(name: &str, health: u16, life: Option<u32>) -> String {
    let end = life.map_or_else(String::new, |ms| format!("setTimeout(() => process.exit(7), {ms});"));
    format!(
        "console.log('hello from {name}');\n\
         require('node:http').createServer((q, r) => {{\n\
           r.statusCode = q.url === '/healthz' ? {health} : 200; r.end('{name}');\n\
         }}).listen(process.env.PORT, process.env.HOST);\n{end}\n"
    )
}

fn step_times(facts: &DeployFacts) -> Vec<Step> {
    facts.timings.iter().map(|time| time.step).collect()
}

#[tokio::test]
async fn a_wrong_fingerprint_is_refused_before_anything_is_told_and_a_token_works_once() {
    let world = World::new().await;
    let token = world.plane.token();
    let other = sf_protocol::SecretKey::from_seed(&[3; 32]).public().id();
    let error = world.enrol(&world.line(other, Some(token.clone()))).await.unwrap_err();
    assert_eq!(error.fault().code, "handshake.wrong_root");
    assert_eq!(world.plane.state(|state| state.first_words.clone()), [sf_protocol::Kind::Register]);
    let line = world.line(world.plane.fingerprint(), Some(token));
    let registration = world.enrol(&line).await.unwrap();
    assert_eq!((registration.node_name.as_str(), registration.tls_pin.map(|pin| pin.len())), ("test node", Some(64)));
    let again = InstallLine { again: true, ..line.clone() };
    assert_eq!(world.enrol(&line).await.unwrap_err().fault().code, "state.enrolled");
    assert_eq!(world.enrol(&again).await.unwrap_err().fault().code, "enrol.token_unknown");
    // Nobody there, and no such name.
    let nobody = InstallLine { url: "wss://127.0.0.1:1".parse().unwrap(), ..again.clone() };
    assert_eq!(world.enrol(&nobody).await.unwrap_err().fault().code, "link.tcp");
    let nowhere = InstallLine { url: "wss://nowhere.invalid".parse().unwrap(), ..again };
    assert_eq!(world.enrol(&nowhere).await.unwrap_err().fault().code, "link.dns");
}

#[tokio::test]
async fn the_device_flow_waits_for_a_person_over_lost_connections_and_the_example_is_deployed() {
    let mut world = World::new().await;
    std::fs::write(
        world.state().join("policy.toml"),
        format!("allow_file_below = [\"{}\"]\n", world.repository().display()),
    )
    .unwrap();
    let registration = world.enrol(&world.line(world.plane.fingerprint(), None)).await.unwrap();
    assert_eq!(world.plane.state(|state| state.node.map(|(node, _)| node)), Some(registration.node));
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/hello-node");
    let read = |name: &str| std::fs::read_to_string(example.join(name)).unwrap();
    let names = ["server.js", "package.json", "serverflow.app.toml"];
    let texts = names.map(read);
    let commit = world.commit(&[(names[0], &texts[0]), (names[1], &texts[1]), (names[2], &texts[2])]).await;
    world.start(None).await;
    world.plane.connected(0).await;
    let outcome = world.deploy().await;
    let facts = world.succeeded(&outcome);
    let (status, page) = get(facts.port.unwrap().get(), "/").await;
    assert_eq!(status, 200);
    assert!(page.contains(&facts.release.to_string()) && page.contains(&commit), "{page}");
}

#[tokio::test]
async fn an_app_is_deployed_comes_back_from_bad_releases_and_outlives_the_agent() {
    let mut world = World::enrolled().await;
    let first_commit = world.commit_server(&server("one", 200, None)).await;
    world.start(None).await;
    world.plane.connected(0).await;

    // It goes live.
    let outcome = world.deploy().await;
    let one = world.succeeded(&outcome);
    let port = one.port.unwrap().get();
    assert_eq!((one.commit.as_deref(), one.state), (Some(first_commit.as_str()), AppState::Running));
    assert_eq!(step_times(&one), [Step::Fetch, Step::Detect, Step::Start, Step::Health, Step::Switch, Step::Watch]);
    assert_eq!(get(port, "/").await, (200, "one".to_owned()));
    world.plane.until("its log", |state| state.lines.values().any(|text| text == "hello from one").then_some(())).await;

    // A second release that fails its check never goes live.
    world.commit_server(&server("two", 500, None)).await;
    let order = world.deploy_order(None, Millis::secs(1));
    let Order::Deploy(mut deploy) = order else { unreachable!() };
    deploy.time_limit = Millis::secs(4);
    let failed = world.plane.run(Order::Deploy(deploy)).await;
    assert_eq!(failed.verdict, Verdict::Failed, "{failed:?}");
    assert_eq!(get(port, "/").await, (200, "one".to_owned()));
    let pid = world.pid().await;

    // A third crashes while it is watched: the first one returns, its process never stopped.
    world.commit_server(&server("three", 200, Some(1500))).await;
    let order = world.deploy_order(None, Millis::secs(10));
    let back = world.plane.run(order).await;
    assert_eq!(back.verdict, Verdict::RolledBack, "{back:?}\n{}", world.log());
    assert!(back.fault.unwrap().message.contains("exited with code 7"));
    assert_eq!(get(port, "/").await, (200, "one".to_owned()));
    assert_eq!(world.pid().await, pid);

    // The agent is killed: the app serves on, and is found again.
    world.kill().await;
    assert_eq!(get(port, "/").await, (200, "one".to_owned()));
    let connections = world.plane.state(|state| state.connections);
    world.start(None).await;
    assert_eq!(world.pid().await, pid);
    world.plane.connected(connections).await;

    // A good release takes over, and the first one is returned to.
    world.commit_server(&server("four", 200, None)).await;
    let four = world.deploy().await;
    let four = world.succeeded(&four);
    assert_eq!(get(port, "/").await.1, "four");
    assert_eq!(four.kept, [four.release, one.release]);
    let order = world.deploy_order(Some(one.release), Millis::secs(1));
    let rolled = world.plane.run(order).await;
    assert_eq!(world.succeeded(&rolled).live_release, Some(one.release));
    assert_eq!(get(port, "/").await.1, "one");

    // Reads.
    let Reply::App(report) = world.plane.ask(Query::App { app: world.app }).await else { panic!("a report") };
    assert_eq!((report.facts.live_release, report.processes.len()), (Some(one.release), 1));
    assert_eq!(report.processes[0].ports.len(), 1);
    let Reply::Node(_) = world.plane.ask(Query::Node).await else { panic!("facts") };
    let source = GitSource { url: format!("file://{}", world.repository().display()), reference: None, commit: None };
    let inspected = world.plane.ask(Query::Inspect { source, build: Default::default() }).await;
    let Reply::Inspected(inspection) = inspected else { panic!("{inspected:?}") };
    assert_eq!(inspection.references, ["main"]);

    // Delete: nothing is left.
    let order = world.action(AppVerb::Delete);
    let deleted = world.plane.run(order).await;
    assert_eq!(deleted.verdict, Verdict::Succeeded, "{deleted:?}");
    // Its port may be another node's by now.
    assert!(!world.state().join("relay").join(world.app.to_string()).exists());
    assert!(!world.state().app(world.app).exists());
}

#[tokio::test]
async fn processes_are_stopped_started_and_restarted_without_losing_a_request() {
    let mut world = World::enrolled().await;
    world.commit_server(&server("app", 200, None)).await;
    world.start(None).await;
    world.plane.connected(0).await;
    let outcome = world.deploy().await;
    let port = world.succeeded(&outcome).port.unwrap().get();

    // Restart under load.
    let before = world.pid().await;
    let order = world.action(AppVerb::Restart);
    let id = world.plane.order(order, Guard::default());
    let mut answers = 0;
    while world.plane.state(|state| !state.outcomes.contains_key(&id)) {
        assert_eq!(get(port, "/").await, (200, "app".to_owned()));
        answers += 1;
    }
    let restarted = world.plane.outcome(id).await;
    assert_eq!(restarted.verdict, Verdict::Succeeded, "{restarted:?}");
    assert!(answers > 0 && world.pid().await != before);

    let order = world.action(AppVerb::Stop);
    let stopped = world.plane.run(order).await;
    let Facts::App(facts) = stopped.facts else { panic!("facts of an app") };
    assert_eq!(facts.state, AppState::Stopped);
    assert!(facts.stopped_by.unwrap().starts_with("SIGTERM"));
    assert_eq!(get(port, "/").await.0, 503);
    // A stopped app stays stopped over a restart of the agent.
    world.kill().await;
    world.start(None).await;
    assert_eq!(get(port, "/").await.0, 503);
    let order = world.action(AppVerb::Start);
    assert_eq!(world.plane.run(order).await.verdict, Verdict::Succeeded);
    assert_eq!(get(port, "/").await, (200, "app".to_owned()));

    // It crashes: started again by itself, and told.
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(world.pid().await), nix::sys::signal::Signal::SIGKILL).unwrap();
    let app = world.app;
    let told = |event: &sf_protocol::report::StatusUpdate| {
        matches!(&event.event, NodeEvent::App { app: of, state: AppState::Crashed, reason, .. }
            if *of == app && reason.contains("SIGKILL"))
    };
    world.plane.until("the crash", |state| state.events.iter().any(told).then_some(())).await;
}

#[tokio::test]
async fn orders_are_obeyed_once_in_order_and_refused_by_policy_or_when_they_are_not_good() {
    let mut world = World::running().await;
    // A void, then the same frame again: the stored outcome, once more.
    let void = || Order::Void(Void { replaces: Rng::system().id(&Clock::system()) });
    let id = world.plane.order(void(), Guard::default());
    let outcome = world.plane.outcome(id).await;
    assert_eq!(outcome.verdict, Verdict::Voided);
    world.plane.send(world.plane.frame_of(id));
    world.plane.until("a second delivery", |state| (state.deliveries.get(&id) == Some(&2)).then_some(())).await;
    // Denied by the owner of the node: the number is consumed, the next one works.
    let policy = std::fs::read_to_string(world.state().join("policy.toml")).unwrap();
    std::fs::write(world.state().join("policy.toml"), format!("{policy}[deny]\nkinds = [\"APP_ACTION\"]\n")).unwrap();
    let order = world.action(AppVerb::Stop);
    let denied = world.plane.run(order).await;
    assert_eq!((denied.verdict, denied.fault.unwrap().code.as_str()), (Verdict::Refused, "policy.denied"));
    // Nothing to cancel; a repository that does not exist; one outside the listed folders.
    let cancel = Order::Cancel(Cancel { command: id });
    assert_eq!(world.plane.run(cancel).await.verdict, Verdict::Failed);
    let order = world.deploy_order(None, Millis::secs(1));
    let missing = world.plane.run(order).await;
    assert_eq!(missing.verdict, Verdict::Failed, "{missing:?}");
    // A flipped byte is refused and told.
    let sf_protocol::frame::Frame::Void(mut signed) = world.plane.frame_of(id) else { panic!("a void") };
    signed.payload[20] ^= 1;
    world.plane.send(sf_protocol::frame::Frame::Void(signed));
    let refused = |event: &sf_protocol::report::StatusUpdate| matches!(&event.event, NodeEvent::Refused { kind, .. } if kind == "VOID");
    world.plane.until("a refusal", |state| state.events.iter().any(refused).then_some(())).await;
    // The connection is cut: it comes back, and goes on where it was.
    let connections = world.plane.state(|state| state.connections);
    world.plane.cut();
    let id = world.plane.order(void(), Guard::default());
    assert_eq!(world.plane.outcome(id).await.verdict, Verdict::Voided);
    assert!(world.plane.state(|state| state.connections) > connections);
}

/// A first deploy, with the agent killed at `point`: the order ends once, and what it says is so.
async fn check_killed(point: &str, succeeds: bool) {
    let mut world = World::enrolled().await;
    world.commit_server(&server("app", 200, None)).await;
    world.start(Some(point)).await;
    world.plane.connected(0).await;
    let order = world.deploy_order(None, Millis(300));
    let id = world.plane.order(order, Guard::default());
    world.killed(point).await;
    world.start(None).await;
    let outcome = world.plane.outcome(id).await;
    let live = outcome.verdict == Verdict::Succeeded;
    assert_eq!(live, succeeds, "{point}: {outcome:?}\n{}", world.log());
    let Facts::Deploy(facts) = &outcome.facts else { panic!("facts of a deploy") };
    assert_eq!(facts.live_release.is_some(), live, "{point}");
    if live {
        assert_eq!(get(facts.port.unwrap().get(), "/").await, (200, "app".to_owned()), "{point}");
    }
}

#[tokio::test]
async fn an_agent_killed_around_its_journal_ends_each_order_once_and_truthfully() {
    check_killed("agent-before-accept", true).await;
    check_killed("agent-after-accept", false).await;
    check_killed("agent-before-outcome", true).await;
    check_killed("agent-after-outcome", true).await;
    check_killed("agent-after-send", true).await;
}

/// A second deploy, with the agent killed at `point`: something serves all the time, and it is what the outcome says.
async fn check_killed_between(point: &str, crashes: bool, verdict: Verdict) {
    let mut world = World::enrolled().await;
    world.commit_server(&server("one", 200, None)).await;
    world.start(None).await;
    world.plane.connected(0).await;
    let outcome = world.deploy().await;
    let one = world.succeeded(&outcome);
    let port = one.port.unwrap().get();
    world.kill().await;
    let connections = world.plane.state(|state| state.connections);
    world.start(Some(point)).await;
    world.plane.connected(connections).await;
    world.commit_server(&server("two", 200, crashes.then_some(700))).await;
    let order = world.deploy_order(None, Millis(if crashes { 5_000 } else { 300 }));
    let id = world.plane.order(order, Guard::default());
    world.killed(point).await;
    // Nobody watches now; what serves is one of the two, and never nothing unless the new one crashed just now.
    if !crashes {
        assert_eq!(get(port, "/").await.0, 200, "{point}");
    }
    world.start(None).await;
    let outcome = world.plane.outcome(id).await;
    assert_eq!(outcome.verdict, verdict, "{point}: {outcome:?}\n{}", world.log());
    let Facts::Deploy(facts) = &outcome.facts else { panic!("facts of a deploy") };
    let two_serves = verdict == Verdict::Succeeded;
    assert_eq!(facts.live_release == Some(one.release), !two_serves, "{point}: {facts:?}");
    let expected = if two_serves { "two" } else { "one" };
    assert_eq!(get(port, "/").await, (200, expected.to_owned()), "{point}");
    // One process, and only the releases that it says are kept.
    let Reply::App(report) = world.plane.ask(Query::App { app: world.app }).await else { panic!("a report") };
    assert_eq!((report.processes.len(), report.facts.live_release), (1, facts.live_release), "{point}");
    assert_eq!(report.kept.len(), if two_serves { 2 } else { 1 }, "{point}");
    assert_eq!(std::fs::read_dir(world.state().join("run")).unwrap().count(), 1, "{point}");
}

#[tokio::test]
async fn an_agent_killed_before_the_new_release_was_seen_to_serve_returns_to_the_old_one() {
    check_killed_between("deploy-before-start", false, Verdict::Failed).await;
    check_killed_between("deploy-after-start", false, Verdict::Failed).await;
    check_killed_between("deploy-before-switch", false, Verdict::RolledBack).await;
    check_killed_between("deploy-after-switch", false, Verdict::RolledBack).await;
    check_killed_between("deploy-taken-back", true, Verdict::RolledBack).await;
}

#[tokio::test]
async fn an_agent_killed_later_goes_on_where_it_was() {
    check_killed_between("deploy-watching", false, Verdict::Succeeded).await;
    check_killed_between("deploy-before-live", false, Verdict::Succeeded).await;
    check_killed_between("deploy-half-live", false, Verdict::Succeeded).await;
    check_killed_between("deploy-live", false, Verdict::Succeeded).await;
    check_killed_between("deploy-old-stopped", false, Verdict::Succeeded).await;
}

#[tokio::test]
async fn a_damaged_journal_is_set_aside_and_a_higher_epoch_opens_the_node_again() {
    let mut world = World::running().await;
    let void = || Order::Void(Void { replaces: Rng::system().id(&Clock::system()) });
    for _ in 0..3 {
        let id = world.plane.order(void(), Guard::default());
        world.plane.outcome(id).await;
    }
    world.kill().await;
    let path = world.state().join("journal");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    std::fs::write(&path, bytes).unwrap();
    let connections = world.plane.state(|state| state.connections);
    world.start(None).await;
    world.plane.connected(connections).await;
    let told = |event: &sf_protocol::report::StatusUpdate| matches!(&event.event, NodeEvent::Notice { code, .. } if code == "journal.damaged");
    world.plane.until("a notice", |state| state.events.iter().any(told).then_some(())).await;
    let id = world.plane.order(void(), Guard::default());
    let refused = |event: &sf_protocol::report::StatusUpdate| matches!(&event.event, NodeEvent::Refused { kind, .. } if kind == "VOID");
    world.plane.until("a refusal", |state| state.events.iter().any(refused).then_some(())).await;
    assert!(world.plane.state(|state| !state.outcomes.contains_key(&id)));
    world.plane.raise_epoch(2);
    world.plane.cut();
    let id = world.plane.order(void(), Guard::default());
    assert_eq!(world.plane.outcome(id).await.verdict, Verdict::Voided);
}

#[tokio::test]
async fn static_sites_are_served_without_a_process_and_two_agents_do_not_share_a_folder() {
    let mut world = World::enrolled().await;
    world.commit(&[("index.html", "<h1>one</h1>")]).await;
    world.start(None).await;
    world.plane.connected(0).await;
    let outcome = world.deploy().await;
    let facts = world.succeeded(&outcome);
    let port = facts.port.unwrap().get();
    assert_eq!(get(port, "/").await, (200, "<h1>one</h1>".to_owned()));
    world.commit(&[("index.html", "<h1>two</h1>")]).await;
    let outcome = world.deploy().await;
    world.succeeded(&outcome);
    assert_eq!(get(port, "/").await, (200, "<h1>two</h1>".to_owned()));
    let second = Child::new(env!("CARGO_BIN_EXE_sf-agent-modes")).arg("run").arg(world.state().path());
    let done = second.finish(LIMIT).await.unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(said.contains(&format!("pid {}", world.daemon.as_ref().unwrap().id().unwrap())), "{said}");
    // Nor is a node enrolled anew while its daemon runs; afterwards it is, with its apps, and numbers begin anew.
    let line = InstallLine { again: true, ..world.line(world.plane.fingerprint(), Some(world.plane.token())) };
    assert_eq!(world.enrol(&line).await.unwrap_err().fault().code, "state.held");
    world.kill().await;
    world.enrol(&line).await.unwrap();
    world.plane.state(|state| state.events.clear());
    world.plane.raise_epoch(1);
    let connections = world.plane.state(|state| state.connections);
    world.start(None).await;
    world.plane.connected(connections).await;
    assert_eq!(get(port, "/").await, (200, "<h1>two</h1>".to_owned()));
    let order = world.action(AppVerb::Status);
    assert_eq!(world.plane.run(order).await.verdict, Verdict::Succeeded);
}

#[tokio::test]
async fn after_a_reboot_without_a_control_plane_apps_run_and_what_happened_is_told_later() {
    let mut world = World::enrolled().await;
    world.commit_server(&server("app", 200, None)).await;
    world.start(None).await;
    world.plane.connected(0).await;
    let outcome = world.deploy().await;
    let port = world.succeeded(&outcome).port.unwrap().get();
    world.reboot().await;
    // The kernel closes what killed processes held a moment later.
    while TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
        tokio::task::yield_now().await;
    }
    // Nobody answers at the control plane's address.
    let state = world.state();
    let registration = state.registration().unwrap();
    state.write_registration(&Registration { url: "wss://127.0.0.1:1".to_owned(), ..registration.clone() }).unwrap();
    world.start(None).await;
    let first = world.log_line("hello from app", 2).await;
    assert!(first, "{}", world.log());
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await;
    while stream.is_err() || get(port, "/").await.0 != 200 {
        stream = TcpStream::connect(("127.0.0.1", port)).await;
    }
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(world.pid().await), nix::sys::signal::Signal::SIGKILL).unwrap();
    assert!(world.log_line("hello from app", 3).await);
    // It is there again: what happened meanwhile is told, each line once.
    world.kill().await;
    state.write_registration(&Registration { counter: state.registration().unwrap().counter, ..registration }).unwrap();
    world.start(None).await;
    let app = world.app;
    let crashed = |event: &sf_protocol::report::StatusUpdate| matches!(&event.event, NodeEvent::App { app: of, reason, .. } if *of == app && reason.contains("SIGKILL"));
    world.plane.until("the crash", |state| state.events.iter().any(crashed).then_some(())).await;
    let hello = |state: &mut plane::State| state.lines.values().filter(|text| *text == "hello from app").count();
    world.plane.until("the log", |state| (hello(state) >= 3).then_some(())).await;
    assert_eq!(world.plane.state(hello), 3);
}

#[tokio::test]
async fn workers_have_no_port_and_what_should_be_true_is_made_true() {
    let mut world = World::enrolled().await;
    let settings = "start = [\"node\", \"worker.js\"]\ntraffic = \"none\"\n[health]\nlog = \"ready\"\n";
    let worker = "console.log('ready'); setInterval(() => {}, 1000);";
    world.commit(&[("worker.js", worker), ("serverflow.app.toml", settings)]).await;
    world.start(None).await;
    world.plane.connected(0).await;
    let outcome = world.deploy().await;
    let facts = world.succeeded(&outcome);
    assert_eq!((facts.port, facts.state), (None, AppState::Running));
    let pid = world.pid().await;
    let desired = |spec: AppSpec, state| {
        let one = sf_protocol::order::DesiredApp { spec, release: Some(facts.release), state };
        Order::DesiredState(sf_protocol::order::DesiredState { apps: vec![one], ..Default::default() })
    };
    // An older generation changes nothing.
    let old = AppSpec { generation: 0, ..world.spec() };
    assert_eq!(world.plane.run(desired(old, AppState::Stopped)).await.verdict, Verdict::Succeeded);
    assert_eq!(world.pid().await, pid);
    let spec = world.spec();
    assert_eq!(world.plane.run(desired(spec, AppState::Stopped)).await.verdict, Verdict::Succeeded);
    let status = local::ask(&world.state()).await.unwrap().unwrap();
    assert_eq!((status.apps[0].state, status.apps[0].pid), (AppState::Stopped, None));
    let spec = world.spec();
    assert_eq!(world.plane.run(desired(spec, AppState::Running)).await.verdict, Verdict::Succeeded);
    assert_ne!(world.pid().await, pid);
    // Watching: samples come every second.
    let before = world.plane.state(|state| state.samples);
    assert_eq!(world.plane.ask(Query::Watch { time: Millis::secs(5) }).await, Reply::Watching);
    world.plane.until("samples", |state| (state.samples >= before + 3).then_some(())).await;
    assert!(world.plane.state(|state| state.acks.len()) >= 4);
}
