//! Orders for one app that come while another is being carried out.

use sf_protocol::app::AppState;
use sf_protocol::order::{AppVerb, Cancel, Order};
use sf_protocol::outcome::{Facts, Step};
use sf_protocol::report::{NodeEvent, StatusUpdate, StepState};
use sf_protocol::{Guard, Outcome, Verdict};
use sf_runtime::{OnError, Tasks};
use sf_types::{CommandId, Millis};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::authority::free_port;
use super::plane::LIMIT;
use super::world::{World, get};

/// A server that is well once somebody answers at `gate`.
fn gated(name: &str, gate: u16) -> String {
    format!(
        "const http = require('node:http');\n\
         http.createServer((q, r) => {{\n\
           if (q.url !== '/healthz') return r.end('{name}');\n\
           const asked = http.get('http://127.0.0.1:{gate}', () => r.end());\n\
           asked.on('error', () => {{ r.statusCode = 503; r.end(); }});\n\
         }}).listen(process.env.PORT, process.env.HOST);\n"
    )
}

/// Lets every server behind the gate be well.
fn open(gate: u16) -> Tasks {
    let tasks = Tasks::new();
    let shutdown = tasks.shutdown();
    tasks.spawn("gate", OnError::Log, async move {
        let listener = TcpListener::bind(("127.0.0.1", gate)).await?;
        loop {
            let (mut stream, _) = tokio::select! {
                accepted = listener.accept() => accepted?,
                () = shutdown.requested() => return Ok::<(), std::io::Error>(()),
            };
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await?;
        }
    });
    tasks
}

fn deploy(world: &mut World) -> CommandId {
    let order = world.deploy_order(None, Millis(0));
    world.plane.order(order, Guard::default())
}

fn code(outcome: &Outcome) -> (Verdict, &str) {
    (outcome.verdict, outcome.fault.as_ref().map_or("", |fault| &fault.code))
}

#[tokio::test]
async fn another_agent_that_starts_on_the_machine_ends_no_build_of_this_one() {
    let mut world = World::running().await;
    let gate = free_port();
    let waits = format!(
        "(function ask() {{ require('net').connect({gate}, '127.0.0.1').on('connect', () => process.exit())\n\
           .on('error', () => setTimeout(ask, 20)) }})()"
    );
    let manifest = r#"{"name": "shop", "scripts": {"build": "node wait.js", "start": "node server.js"}}"#;
    let server = super::server("built", 200, None);
    world.commit(&[("package.json", manifest), ("wait.js", &waits), ("server.js", &server)]).await;
    let build = deploy(&mut world);
    begun(&world, build, Step::Build).await;
    let other = World::running().await;
    let _open = open(gate);
    let built = world.plane.outcome(build).await;
    assert_eq!(code(&built), (Verdict::Succeeded, ""), "{}", world.log());
    drop(other);
}

#[tokio::test]
async fn of_deploys_that_wait_the_newest_is_carried_out_and_the_others_say_so_at_once() {
    let mut world = World::running().await;
    let gate = free_port();
    world.commit_server(&gated("one", gate)).await;
    let under_way = deploy(&mut world);
    begun(&world, under_way, Step::Health).await;
    world.commit_server(&gated("two", gate)).await;
    let two = deploy(&mut world);
    world.commit_server(&gated("three", gate)).await;
    let three = deploy(&mut world);
    // The first one still waits to be well, and goes on.
    let superseded = world.plane.outcome(two).await;
    assert_eq!(code(&superseded), (Verdict::Cancelled, "deploy.superseded"));
    assert!(world.plane.state(|state| !state.outcomes.contains_key(&under_way)));
    world
        .plane
        .until("why it waits", |state| state.lines.values().any(|text| text.contains("earlier order")).then_some(()))
        .await;

    // What waits is cancelled at once, too, and those behind keep their turn.
    let restart = world.action(AppVerb::Restart);
    let restart = world.plane.order(restart, Guard::default());
    let stop = world.action(AppVerb::Stop);
    let stop = world.plane.order(stop, Guard::default());
    let cancelled = world.plane.run(Order::Cancel(Cancel { command: restart })).await;
    assert_eq!(cancelled.verdict, Verdict::Succeeded);
    assert_eq!(code(&world.plane.outcome(restart).await), (Verdict::Cancelled, "command.cancelled"));
    assert!(world.plane.state(|state| [under_way, three, stop].iter().all(|id| !state.outcomes.contains_key(id))));

    let opened = open(gate);
    let first = world.plane.outcome(under_way).await;
    let first = world.succeeded(&first);
    let last = world.plane.outcome(three).await;
    let last = world.succeeded(&last);
    assert!(last.live_release == Some(last.release) && last.release != first.release);
    let stopped = world.plane.outcome(stop).await;
    assert_eq!(stopped.verdict, Verdict::Succeeded, "{:?}", stopped.fault);
    let start = world.action(AppVerb::Start);
    assert_eq!(world.plane.run(start).await.verdict, Verdict::Succeeded);
    assert_eq!(get(last.port.unwrap().get(), "/").await.1, "three");
    assert_eq!(last.state, AppState::Running);
    opened.stop(LIMIT).await;
}

#[tokio::test]
async fn a_deploy_is_cancelled_at_every_step_and_what_served_serves_on() {
    let mut world = World::running().await;
    let gate = free_port();
    world.commit_server(&super::server("one", 200, None)).await;
    let outcome = world.deploy().await;
    let port = world.succeeded(&outcome).port.unwrap().get();

    // While it installs, becomes well, and is watched.
    let settings = "builder = \"node\"\ninstall = [\"node\", \"-e\", \"setTimeout(() => {}, 60000)\"]\nstart = [\"node\", \"server.js\"]\n";
    world.commit(&[("serverflow.app.toml", settings)]).await;
    let slow = deploy(&mut world);
    cancelled_at(&world, slow, Step::Install).await;
    assert_eq!(get(port, "/").await.1, "one");

    world.commit_server(&gated("two", gate)).await;
    let unwell = deploy(&mut world);
    cancelled_at(&world, unwell, Step::Health).await;
    assert_eq!(get(port, "/").await.1, "one");

    world.commit_server(&super::server("three", 200, None)).await;
    let order = world.deploy_order(None, Millis::secs(60));
    let watched = world.plane.order(order, Guard::default());
    cancelled_at(&world, watched, Step::Watch).await;
    assert_eq!(get(port, "/").await.1, "one");
}

async fn begun(world: &World, command: CommandId, at: Step) {
    let is_it = |update: &StatusUpdate| {
        matches!(&update.event, NodeEvent::Step { command: of, step, state: StepState::Started, .. }
            if *of == command && *step == at)
    };
    world.plane.until("that step", |state| state.events.iter().any(is_it).then_some(())).await;
}

/// Cancels it once that step has begun, and sees that nothing of it stays.
async fn cancelled_at(world: &World, command: CommandId, at: Step) {
    begun(world, command, at).await;
    let asked = tokio::time::timeout(LIMIT, world.plane.run(Order::Cancel(Cancel { command }))).await.unwrap();
    assert_eq!(asked.verdict, Verdict::Succeeded);
    let outcome = world.plane.outcome(command).await;
    assert_eq!(outcome.verdict, Verdict::Cancelled, "{at:?}: {:?}", outcome.fault);
    let Facts::Deploy(facts) = &outcome.facts else { panic!("facts of a deploy") };
    assert!(facts.live_release.is_some() && facts.live_release != Some(facts.release), "{at:?}");
}
