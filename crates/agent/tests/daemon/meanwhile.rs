//! What goes on while the agent is busy.

use std::path::Path;

use sf_agent::daemon::local;
use sf_agent::execute::{GONE_LOGS_KEPT, RUN_LOGS_KEPT};
use sf_agent::link::LinkState;
use sf_protocol::Verdict;
use sf_protocol::app::{AppSpec, AppState, EnvVar};
use sf_protocol::command::Guard;
use sf_protocol::frame::Frame;
use sf_protocol::handshake::Closing;
use sf_protocol::order::{AppVerb, Cancel, DesiredApp, DesiredState, Order};
use sf_protocol::outcome::{Facts, Step};
use sf_protocol::query::{Query, Reply};
use sf_protocol::report::{NodeEvent, StepState};
use sf_runtime::{Clock, Rng};
use sf_types::{ErrorKind, Fault, Millis, ReleaseId};

use tokio::net::TcpStream;

use super::plane::LIMIT;
use super::server;
use super::world::{World, get};

#[tokio::test]
async fn questions_are_answered_while_a_release_is_sealed_and_while_an_apps_data_is_removed() {
    let mut world = World::enrolled().await;
    world.commit_server(&server("app", 200, None)).await;
    let sealing = world.start_held("release-seal").await;
    world.plane.connected(0).await;
    let order = world.deploy_order(None, Millis(300));
    let id = world.plane.order(order, Guard::default());
    sealing.reached().await;
    let Reply::Node(_) = world.plane.ask(Query::Node).await else { panic!("facts") };
    sealing.open().await;
    let outcome = world.plane.outcome(id).await;
    world.succeeded(&outcome);

    world.kill().await;
    let connections = world.plane.state(|state| state.connections);
    let removing = world.start_held("release-remove-all").await;
    world.plane.connected(connections).await;
    let order = world.action(AppVerb::Delete);
    let id = world.plane.order(order, Guard::default());
    removing.reached().await;
    let Reply::App(_) = world.plane.ask(Query::App { app: world.app }).await else { panic!("a report") };
    removing.open().await;
    assert_eq!(world.plane.outcome(id).await.verdict, Verdict::Succeeded);
}

#[tokio::test]
async fn a_deploy_is_cancelled_at_any_step_and_leaves_nothing() {
    let mut world = World::enrolled().await;
    // Never healthy, so that it waits in its check.
    world.commit_server(&server("slow", 503, None)).await;
    world.start(None).await;
    world.plane.connected(0).await;
    // Logs of runs and of releases that failed before: far more than are kept.
    let (runs, releases) = (world.state().runs(), world.state().app(world.app).join("logs"));
    for n in 0..=255 {
        let run: sf_types::RunId = sf_types::TypedId::from_parts(sf_types::Timestamp::EPOCH, [n; 10]);
        let release: ReleaseId = sf_types::TypedId::from_parts(sf_types::Timestamp::EPOCH, [n; 10]);
        std::fs::create_dir_all(runs.join(run.to_string())).unwrap();
        std::fs::create_dir_all(releases.join(release.to_string())).unwrap();
    }
    let order = world.deploy_order(None, Millis::secs(1));
    let id = world.plane.order(order, Guard::default());
    let began = |event: &sf_protocol::report::StatusUpdate| {
        matches!(event.event, NodeEvent::Step { step: Step::Health, state: StepState::Started, .. })
    };
    world.plane.until("the check", |state| state.events.iter().any(began).then_some(())).await;
    assert_eq!(world.plane.run(Order::Cancel(Cancel { command: id })).await.verdict, Verdict::Succeeded);
    let cancelled = world.plane.outcome(id).await;
    assert_eq!(cancelled.verdict, Verdict::Cancelled, "{cancelled:?}");
    let Facts::Deploy(facts) = cancelled.facts else { panic!("facts of a deploy") };
    assert_eq!((facts.kept, facts.live_release, facts.state), (vec![], None, AppState::Empty));
    let status = local::ask(&world.state()).await.unwrap().unwrap();
    assert_eq!(status.apps[0].pid, None);
    // Only so many logs stay, this run's and this release's among them; they go after the outcome was told.
    let count = |dir: &Path| std::fs::read_dir(dir).unwrap().count();
    let pruned = async {
        while count(&runs) > RUN_LOGS_KEPT || count(&releases) > GONE_LOGS_KEPT {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, pruned).await.unwrap();
    assert!(releases.join(facts.release.to_string()).exists());
    assert!(runs.read_dir().unwrap().flatten().any(|log| log.path().read_dir().unwrap().count() > 0));
}

#[tokio::test]
async fn an_agent_that_waits_to_dial_again_dials_at_once_when_asked_on_its_machine() {
    let world = World::running().await;
    let asked = Millis::secs(600);
    let fault = Fault::new(ErrorKind::Unavailable, "plane.moves", "Come back later.");
    world.plane.send(Frame::Closing(Closing { fault, retry_after: Some(asked) }));
    let waits = async {
        while !matches!(local::ask(&world.state()).await.unwrap().unwrap().link, LinkState::Waiting { .. }) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, waits).await.unwrap();
    let connections = world.plane.state(|state| state.connections);
    local::redial(&world.state()).await.unwrap().unwrap();
    // Waits less than it would have by far.
    const { assert!(LIMIT.as_secs() < 600) };
    world.plane.connected(connections).await;
}

#[tokio::test]
async fn a_snapshot_changes_what_is_newer_and_nothing_else() {
    let mut world = World::enrolled().await;
    let server = "require('node:http').createServer((q, r) => r.end(`${process.env.COLOR}`)).listen(process.env.PORT);";
    world.commit_server(server).await;
    world.start(None).await;
    world.plane.connected(0).await;
    let outcome = world.deploy().await;
    let facts = world.succeeded(&outcome);
    let port = facts.port.unwrap().get();
    let held = sf_agent::execute::app::Apps::open(&world.state().apps()).0.get(world.app).unwrap().spec;
    let app = |spec: AppSpec, state| DesiredApp { spec, release: Some(facts.release), state };
    let snapshot = |apps| Order::DesiredState(DesiredState { apps, ..DesiredState::default() });
    let colored = |generation, color: &str| {
        let variable = EnvVar { name: "COLOR".to_owned(), value: color.to_owned() };
        AppSpec { generation, env: vec![variable], ..held.clone() }
    };
    // Held already, or older, or of an app that this node does not have.
    let pid = world.pid().await;
    let stranger = AppSpec { app: Rng::system().id(&Clock::system()), ..held.clone() };
    let nothing = DesiredApp { spec: stranger, release: None, state: AppState::Running };
    for spec in [colored(held.generation, "red"), colored(held.generation - 1, "red")] {
        let order = snapshot(vec![app(spec, AppState::Stopped), nothing.clone()]);
        assert_eq!(world.plane.run(order).await.verdict, Verdict::Succeeded);
        assert_eq!((world.pid().await, get(port, "/").await.1.as_str()), (pid, "undefined"));
    }
    // Newer: a fresh process gets the new environment.
    let order = snapshot(vec![app(colored(held.generation + 1, "green"), AppState::Running)]);
    assert_eq!(world.plane.run(order).await.verdict, Verdict::Succeeded);
    assert_eq!(get(port, "/").await, (200, "green".to_owned()));
    assert_ne!(world.pid().await, pid);
    // Newer, and of a release that is not live here: told, and nothing is changed.
    let wrong =
        DesiredApp { release: Some(Rng::system().id(&Clock::system())), ..app(colored(99, "blue"), AppState::Running) };
    let failed = world.plane.run(snapshot(vec![wrong, nothing])).await;
    assert_eq!((failed.verdict, failed.fault.unwrap().code.as_str()), (Verdict::Failed, "desired_state.partly"));
    // Over a restart of the agent it stays what it became.
    world.reboot().await;
    world.start(None).await;
    let answers = async {
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() || get(port, "/").await.1 != "green" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, answers).await.unwrap();
}
