//! Apps in containers, with a real engine: from a Dockerfile to requests answered, and to nothing left.

use std::time::Duration;

use sf_agent::daemon::local;
use sf_protocol::Verdict;
use sf_protocol::app::{AppState, EnvVar};
use sf_protocol::build::Builder;
use sf_protocol::command::Guard;
use sf_protocol::order::{AppVerb, Cancel, GitSource, Order};
use sf_protocol::query::{Query, Reply};
use sf_runtime::{Clock, Rng, Tasks};
use sf_types::{ByteSize, Millis, ReleaseId};

use super::engine::{BASE, Dockerd};
use super::plane::LIMIT;
use super::world::{World, get};

/// A shell as the first process has to pass TERM on by itself.
const SERVE: &str = "#!/bin/sh\n\
    echo \"I am uid=$(id -u) nnp=$(grep NoNewPrivs /proc/self/status | grep -o '[0-9]*$') \
     caps=$(grep CapEff /proc/self/status | grep -o '[0-9a-f]*$') word=$WORD\"\n\
    (touch /www/x || echo 'the root cannot be written') 2>&1\n\
    trap 'kill $!; echo bye; exit 0' TERM\n\
    httpd -f -p \"$PORT\" -h /www & wait\n";

fn dockerfile(more: &str) -> String {
    format!(
        "FROM {BASE} AS made\nRUN mkdir /out && echo made > /out/made\nFROM {BASE}\n\
         COPY --from=made /out/made /www/made\nCOPY serve /bin/serve\nCOPY index.html /www/\n{more}\n\
         EXPOSE 3000\nENTRYPOINT [\"sh\", \"/bin/serve\"]\n"
    )
}

const HEALTHY: &str = "RUN echo ok > /www/healthz";
const SETTINGS: &str =
    "builder = \"dockerfile\"\n[health]\npath = \"/healthz\"\nwithin = \"20s\"\n[container]\nread_only = true\n";

async fn commit(world: &World, name: &str, more: &str) {
    commit_with(world, name, more, SETTINGS).await;
}

async fn commit_with(world: &World, name: &str, more: &str, settings: &str) {
    let file = dockerfile(more);
    let files = [("Dockerfile", &*file), ("serve", SERVE), ("index.html", name), ("serverflow.app.toml", settings)];
    world.commit(&files).await;
}

/// A node that uses this engine.
async fn running(engine: &Dockerd) -> World {
    let mut world = World::enrolled().await;
    let policy = format!(
        "allow_file_below = [\"{}\"]\n[containers]\nengine = \"unix://{}\"\nbuild_network = false\n[build]\ndisk_mb = 64\nmemory_mb = 256\n",
        world.repository().display(),
        engine.socket().display()
    );
    std::fs::write(world.state().join("policy.toml"), policy).unwrap();
    world.start(None).await;
    world.plane.connected(0).await;
    world
}

/// Time between two requests. Each is a connection of its own to the container: thousands of them would meet again in the
/// same ports before those are free, where the kernel takes an answer for one of the connection before (PAWS).
const ASK_EVERY: Duration = Duration::from_millis(20);

/// Asks again and again until it is stopped; how often, and what went wrong.
async fn ask_on(port: u16, stop: tokio_util::sync::CancellationToken) -> (usize, Vec<String>) {
    let (mut asked, mut wrong) = (0, Vec::new());
    let mut turn = tokio::time::interval(ASK_EVERY);
    while !stop.is_cancelled() {
        turn.tick().await;
        asked += 1;
        let (status, body) = get(port, "/").await;
        if status != 200 {
            wrong.push(format!("{status} {body}"));
        }
    }
    (asked, wrong)
}

async fn until(what: &str, mut is: impl FnMut() -> bool) {
    let wait = async {
        while !is() {
            // tidy: sleep because a process of another program tells of nothing, it is asked
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    assert!(tokio::time::timeout(LIMIT, wait).await.is_ok(), "{what}");
}

async fn state(world: &World) -> AppState {
    local::ask(&world.state()).await.unwrap().unwrap().apps[0].state
}

#[tokio::test]
async fn a_dockerfile_serves_is_replaced_and_leaves_nothing() {
    let Some(engine) = Dockerd::start() else { return };
    let mut world = running(&engine).await;
    commit(&world, "one", HEALTHY).await;
    let mut order = world.deploy_order(None, Millis::secs(1));
    if let Order::Deploy(deploy) = &mut order {
        deploy.app.env.push(EnvVar { name: "WORD".to_owned(), value: "given".to_owned() });
        deploy.app.limits.memory = Some(ByteSize::mib(64));
        deploy.app.keep_releases = 1;
    }
    let first = world.plane.run(order).await;
    let first = world.succeeded(&first);
    assert_eq!(first.builder, Some(Builder::Dockerfile));
    let port = first.port.unwrap().get();
    assert_eq!((get(port, "/").await, get(port, "/made").await), ((200, "one".into()), (200, "made\n".into())));
    // Its own number, no rights, its variables, its root as it was built; and on loopback alone.
    assert!(world.log_line("nnp=1 caps=0000000000000000 word=given", 1).await);
    assert!(world.log_line("the root cannot be written", 1).await && !world.said("uid=0 "));
    let name = format!("serverflow-{}", first.release);
    assert_eq!(engine.containers(), std::slice::from_ref(&name));
    let held =
        engine.docker(&["inspect", "-f", "{{json .HostConfig}} {{json .NetworkSettings.Ports}}", &name]).unwrap();
    for part in [
        "\"HostIp\":\"127.0.0.1\"",
        "\"Memory\":67108864",
        "\"Privileged\":false",
        "\"PidsLimit\":512",
        "no-new-privileges",
        "\"3000/tcp\"",
    ] {
        assert!(held.contains(part), "{part}: {held}");
    }
    let report = world.plane.ask(Query::App { app: world.app }).await;
    let Reply::App(report) = report else { panic!("{report:?}") };
    let process = &report.processes[0];
    assert!(process.rss_bytes > 0 && process.ports.len() == 1, "{process:?}");
    assert!(process.enforced.iter().any(|words| words.contains("a container of its own")), "{process:?}");

    // Replaced under requests.
    let (tasks, stop) = (Tasks::new(), tokio_util::sync::CancellationToken::new());
    let (tell, told) = tokio::sync::oneshot::channel();
    let asking = stop.clone();
    tasks.spawn("asking", sf_runtime::OnError::Log, async move {
        let _ = tell.send(ask_on(port, asking).await);
        Ok::<(), std::convert::Infallible>(())
    });
    commit(&world, "two", HEALTHY).await;
    let mut order = world.deploy_order(None, Millis::secs(1));
    keep(&mut order, 1);
    let second = world.plane.run(order).await;
    let second = world.succeeded(&second);
    stop.cancel();
    let (asked, wrong) = told.await.unwrap();
    assert!(asked > 20 && wrong.is_empty(), "{asked} asked: {wrong:?}");
    assert_eq!(get(port, "/").await.1, "two");
    assert_eq!(engine.containers(), [format!("serverflow-{}", second.release)], "the old one is gone");
    assert!(world.log_line("bye", 1).await, "it was told to end, and did");

    // A build that fails, one that is out of bounds, and a release that is not well: the old one serves, nothing is left.
    let images = engine.images();
    for (more, code) in [
        ("RUN echo no-way && exit 3", "build.failed"),
        ("RUN dd if=/dev/zero of=/www/big bs=1M count=200 && sleep 30", "build.limit"),
        ("RUN echo sick", "health"),
        ("NONSENSE", "build.failed"),
    ] {
        commit_with(&world, "bad", more, &SETTINGS.replace("20s", "5s")).await;
        let mut order = world.deploy_order(None, Millis::secs(1));
        keep(&mut order, 1);
        let failed = world.plane.run(order).await;
        let fault = failed.fault.unwrap_or_else(|| panic!("{more} went well"));
        assert!(fault.code.starts_with(code), "{more}: {fault:?}\n{}", world.log());
        assert_eq!(get(port, "/").await.1, "two", "{more}");
        assert_eq!(engine.images(), images, "{more}");
        assert_eq!(engine.containers().len(), 1, "{more}");
    }

    // Back to the first; then as many are kept as the app keeps.
    let mut order = world.deploy_order(Some(first.release), Millis::secs(1));
    keep(&mut order, 1);
    let back = world.plane.run(order).await;
    world.succeeded(&back);
    assert_eq!(get(port, "/").await.1, "one");
    for name in ["three", "four"] {
        commit(&world, name, HEALTHY).await;
        let mut order = world.deploy_order(None, Millis::secs(1));
        keep(&mut order, 1);
        let outcome = world.plane.run(order).await;
        world.succeeded(&outcome);
    }
    let whole: Vec<String> = engine.images().into_iter().filter(|name| !name.contains("-stage")).collect();
    assert_eq!(whole.len(), 2, "{whole:?}");
    assert!(engine.images().iter().all(|name| !name.contains("<none>")), "{:?}", engine.images());

    let order = world.action(AppVerb::Delete);
    assert_eq!(world.plane.run(order).await.verdict, Verdict::Succeeded);
    assert_eq!((engine.containers(), engine.images()), (vec![], vec![]));
}

fn keep(order: &mut Order, releases: u8) {
    if let Order::Deploy(deploy) = order {
        deploy.app.keep_releases = releases;
    }
}

#[tokio::test]
async fn agent_and_engine_may_come_and_go() {
    let Some(mut engine) = Dockerd::start() else { return };
    let mut world = running(&engine).await;
    commit(&world, "one", HEALTHY).await;
    let first = world.deploy().await;
    let first = world.succeeded(&first);
    let (port, name) = (first.port.unwrap().get(), format!("serverflow-{}", first.release));
    let id = |engine: &Dockerd| engine.docker(&["inspect", "-f", "{{.Id}} {{.State.StartedAt}}", &name]).unwrap();
    let began = id(&engine);

    // The agent is killed and comes back: the container is the same.
    world.kill().await;
    assert_eq!(get(port, "/").await.1, "one");
    world.start(None).await;
    world.plane.connected(1).await;
    assert_eq!((id(&engine), get(port, "/").await.1), (began.clone(), "one".into()));
    // Its holder is killed: the next one takes the container over, and requests go on.
    let held = std::fs::read_to_string(world.state().join("run").join(first.release.to_string()).join("state.json"));
    let held: serde_json::Value = serde_json::from_str(&held.unwrap()).unwrap();
    let holder = i32::try_from(held["shim"]["pid"].as_i64().unwrap()).unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(holder), nix::sys::signal::Signal::SIGKILL).unwrap();
    assert!(world.log_line("took over its running container", 1).await);
    assert_eq!((id(&engine), get(port, "/").await.1), (began, "one".into()));

    // Cancelled in the middle of a build: nothing of it is left.
    let images = engine.images();
    commit(&world, "two", "RUN echo begun && sleep 60").await;
    let order = world.deploy_order(None, Millis::secs(1));
    let sent = world.plane.order(order, Guard::default());
    until("the step runs", || engine.docker(&["ps", "-q"]).unwrap().lines().count() == 2).await;
    world.plane.run(Order::Cancel(Cancel { command: sent })).await;
    assert_eq!(world.plane.outcome(sent).await.verdict, Verdict::Cancelled);
    assert_eq!((engine.images(), engine.containers().len()), (images.clone(), 1));

    // Killed in the middle of a build: the next agent leaves nothing of it.
    let order = world.deploy_order(None, Millis::secs(1));
    let sent = world.plane.order(order, Guard::default());
    until("the step runs", || engine.docker(&["ps", "-q"]).unwrap().lines().count() == 2).await;
    // And a predecessor may have been killed between two of its deeds.
    let (stray, node) =
        (Rng::system().id::<ReleaseId>(&Clock::system()), world.plane.state(|state| state.node.as_ref().unwrap().0));
    let labels = [format!("serverflow.node={node}"), format!("serverflow.release={stray}")];
    engine.docker(&["tag", BASE, &format!("serverflow/{node}/{}:{stray}", world.app)]).unwrap();
    let name = format!("serverflow-{stray}");
    let run = ["run", "-d", "--network", "none", "--label", &labels[0], "--label", &labels[1], "--name"];
    for name in [&*name, "by-hand"] {
        engine.docker(&[&run[..], &[name, BASE, "sleep", "600"]].concat()).unwrap();
    }
    world.kill().await;
    world.start(None).await;
    world.plane.connected(2).await;
    let outcome = world.plane.outcome(sent).await;
    assert_eq!(outcome.fault.unwrap().code, "agent.restarted");
    until("nothing of it is left", || engine.images() == images && engine.containers().len() == 2).await;
    assert!(engine.containers().contains(&"by-hand".to_owned()), "what others run of our images is theirs");
    engine.docker(&["rm", "-f", "by-hand"]).unwrap();

    // The engine is stopped: what needs it says so, and the app is not well; both are when it is back.
    engine.stop();
    assert!(world.log_line("the container engine", 1).await, "{}", world.log());
    until_state(&world, AppState::Crashed).await;
    let refused = world.deploy().await.fault.unwrap();
    assert_eq!(refused.code, "engine.away", "{refused:?}");
    assert!(refused.fix.contains("systemctl start docker"));
    engine.again().unwrap();
    until_state(&world, AppState::Running).await;
    let back = async {
        while get(port, "/").await.1 != "one" {
            // tidy: sleep because a process of another program tells of nothing, it is asked
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(LIMIT, back).await.unwrap();

    // One that ends by itself, again and again.
    world
        .commit(&[("Dockerfile", &format!("FROM {BASE}\nCMD [\"sh\", \"-c\", \"echo ends; sleep 2; exit 9\"]\n"))])
        .await;
    world
        .commit(&[(
            "serverflow.app.toml",
            "builder = \"dockerfile\"\ntraffic = \"none\"\n[health]\nalive = \"500ms\"\n",
        )])
        .await;
    let mut order = world.deploy_order(None, Millis(0));
    if let Order::Deploy(deploy) = &mut order {
        deploy.app.restart.max_crashes = 1;
        deploy.app.restart.first_delay = Millis(100);
    }
    let crashing = world.plane.run(order).await;
    world.succeeded(&crashing);
    until_state(&world, AppState::Failed).await;
    assert!(world.log_line("exited with code 9", 2).await, "{}", world.log());
    until("a container that ended is removed", || engine.containers().is_empty()).await;

    let order = world.action(AppVerb::Delete);
    assert_eq!(world.plane.run(order).await.verdict, Verdict::Succeeded);
    assert_eq!((engine.containers(), engine.images()), (vec![], vec![]));
}

async fn until_state(world: &World, wanted: AppState) {
    let wait = async {
        while state(world).await != wanted {
            // tidy: sleep because a process of another program tells of nothing, it is asked
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    assert!(tokio::time::timeout(LIMIT, wait).await.is_ok(), "{wanted:?}: {}", world.log());
}

/// Without an engine it is refused when it is planned, with what to do.
#[tokio::test]
async fn without_an_engine_a_dockerfile_is_refused() {
    let mut world = World::enrolled().await;
    let policy = format!("allow_file_below = [\"{}\"]\n[containers]\nengine = \"off\"\n", world.repository().display());
    std::fs::write(world.state().join("policy.toml"), policy).unwrap();
    world.start(None).await;
    world.plane.connected(0).await;
    world.commit(&[("Dockerfile", "FROM scratch\n")]).await;
    let source = GitSource { url: format!("file://{}", world.repository().display()), reference: None, commit: None };
    let planned = world.plane.ask(Query::Inspect { source, build: Default::default() }).await;
    let Reply::Fault(fault) = planned else { panic!("{planned:?}") };
    assert_eq!(fault.code, "build.no_engine", "{fault:?}");
    let failed = world.deploy().await;
    let fault = failed.fault.unwrap();
    assert_eq!((failed.verdict, &*fault.code), (Verdict::Failed, "build.no_engine"));
    assert!(fault.fix.contains("policy.toml"), "{fault:?}");
}
