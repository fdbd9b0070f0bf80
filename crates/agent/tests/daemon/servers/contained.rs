//! Servers in containers, with a real engine.

use sf_protocol::server::Allocation;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::super::authority::free_port;
use super::super::engine::{BASE, Dockerd};
use super::*;

/// As images for panels are made: an entry point whose shell gets the startup.
const PANEL: &str = "sf-test/panel:1";

/// Reads its console, serves its port, and says who it is.
const PROGRAM: &str = r#"echo "I am uid=$(id -u) nnp=$(grep NoNewPrivs /proc/self/status | grep -o '[0-9]*$') caps=$(grep CapEff /proc/self/status | grep -o '[0-9a-f]*$') in $PWD of $HOME word=$WORD"
touch /x 2>/dev/null || echo "the root cannot be written"
touch /tmp/x && echo "tmp can"
[ -t 0 ] && echo "a terminal"
httpd -p "$SERVER_PORT" -h "$HOME/www"
echo "listening on $SERVER_PORT"
while read -r line; do
  case "$line" in
    stop) echo "saving"; exit 0 ;;
    crash) exit 9 ;;
    *) echo "said $line" ;;
  esac
done
"#;

fn panel_image(engine: &Dockerd) {
    engine.docker(&["create", "--name", "made", BASE, "sh"]).unwrap();
    let entry = r#"ENTRYPOINT ["sh", "-c", "eval \"$STARTUP\""]"#;
    engine.docker(&["commit", "--change", entry, "made", PANEL]).unwrap();
    engine.docker(&["rm", "made"]).unwrap();
}

/// A node that uses this engine, and a server in a container of it.
async fn bench(engine: &Dockerd) -> Bench {
    panel_image(engine);
    let mut world = World::enrolled().await;
    let policy = format!("[containers]\nengine = \"unix://{}\"\n", engine.socket().display());
    std::fs::write(world.state().join("policy.toml"), policy).unwrap();
    world.start(None).await;
    world.plane.connected(0).await;
    let mut bench = Bench { world, spec: spec() };
    let port = free_port();
    bench.spec.runtime = ServerRuntime::Docker { image: PANEL.to_owned() };
    bench.spec.startup = Startup::Shell { line: "sh program ${WORD}".to_owned() };
    bench.spec.allocations = vec![Allocation { ip: [127, 0, 0, 1].into(), port }];
    let var = |name: &str, value: String| EnvVar { name: name.to_owned(), value };
    bench.spec.env = vec![var("WORD", "a b".to_owned()), var("SERVER_PORT", port.to_string())];
    bench.spec.stop = Stop::Command { line: "stop".to_owned(), grace: Millis::secs(20) };
    bench.succeeds(ServerVerb::Configure).await;
    bench.watch().await;
    bench
}

fn installs() -> ServerVerb {
    let script = format!(
        "#!/bin/ash\r\necho \"installing as $(id -u) in $(pwd)\"\r\nmkdir -p /mnt/server/www\r\n\
         echo hello > /mnt/server/www/index.html\r\ncat > /mnt/server/program <<'END'\n{PROGRAM}END\n"
    );
    let script = InstallScript { image: Some(BASE.to_owned()), entrypoint: "sh".to_owned(), script };
    ServerVerb::Install { script: Some(script), wipe: false }
}

async fn page(port: u16) -> String {
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    let mut text = String::new();
    drop(tokio::time::timeout(LIMIT, stream.read_to_string(&mut text)).await.unwrap());
    text
}

#[tokio::test]
async fn a_server_lives_in_a_container_and_leaves_nothing() {
    let Some(engine) = Dockerd::start() else { return };
    let mut bench = bench(&engine).await;
    let port = bench.spec.allocations[0].port;
    let installed = bench.succeeds(installs()).await;
    assert!(at_rest(&installed), "{installed:?}");
    bench.line("installing as 0 in /mnt/server", 1).await;
    let files = std::fs::metadata(bench.files()).unwrap();
    let owner = std::os::unix::fs::MetadataExt::uid(&files);
    let made = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(bench.files().join("program")).unwrap());
    assert!(owner > 0 && made == owner, "what root made is the server's: {owner} {made}");
    assert_eq!(engine.containers(), Vec::<String>::new());

    let started = bench.succeeds(ServerVerb::Start).await;
    assert_eq!(started.state, ServerState::Running, "{started:?}");
    // tidy: machine-path because it is a folder of the image
    let home = "/home/container";
    let who = format!("I am uid={owner} nnp=1 caps=0000000000000000 in {home} of {home} word=a b");
    for said in [&*who, "the root cannot be written", "tmp can", "a terminal"] {
        bench.line(said, 1).await;
    }
    assert!(page(port).await.contains("hello"));
    bench.says("hello there").await;
    bench.line("said hello there", 1).await;
    assert!(started.enforced.iter().any(|word| word.contains("no capabilities")), "{started:?}");
    let name = format!("serverflow-{}", bench.spec.server);
    let published = engine.docker(&["inspect", "-f", "{{json .HostConfig.PortBindings}}", &name]).unwrap();
    assert!(published.contains(&format!("{port}/tcp")) && published.contains(&format!("{port}/udp")), "{published}");
    // A network of its own is told apart.
    let sampled = |state: &mut super::super::plane::State| {
        state.consoles.iter().rev().find_map(|output| output.sample.filter(|sample| sample.net_received.is_some()))
    };
    assert!(bench.world.plane.until("a network", sampled).await.memory > 0);

    // The agent is killed, then its holder: the container is the same and is spoken to.
    let id = |engine: &Dockerd| engine.docker(&["inspect", "-f", "{{.Id}} {{.State.StartedAt}}", &name]).unwrap();
    let began = id(&engine);
    bench.world.kill().await;
    bench.again().await;
    assert_eq!((id(&engine), bench.report().await.state), (began.clone(), ServerState::Running));
    let state = std::fs::read_to_string(bench.folder().join("run/state.json")).unwrap();
    let state: serde_json::Value = serde_json::from_str(&state).unwrap();
    let shim = i32::try_from(state["shim"]["pid"].as_i64().unwrap()).unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(shim), nix::sys::signal::Signal::SIGKILL).unwrap();
    bench.line("took over its running container", 1).await;
    bench.until(|report| report.state == ServerState::Running && report.restarts == 1).await;
    bench.says("again").await;
    bench.line("said again", 1).await;
    assert_eq!(id(&engine), began);

    // It crashes and comes back, is stopped by its command, and by a kill.
    bench.says("crash").await;
    bench.until(|report| report.reason.contains("exited with code 9")).await;
    bench.until(|report| report.state == ServerState::Running && report.restarts == 2).await;
    let stopped = bench.succeeds(ServerVerb::Stop).await;
    assert!(stopped.stopped_by.unwrap().starts_with("command stop"), "{:?}", stopped.reason);
    assert_eq!(engine.containers(), Vec::<String>::new());
    bench.succeeds(ServerVerb::Start).await;
    let killed = bench.succeeds(ServerVerb::Kill).await;
    assert!(killed.stopped_by.unwrap().starts_with("SIGKILL"));
    assert_eq!(engine.containers(), Vec::<String>::new());

    bench.succeeds(ServerVerb::Start).await;
    assert_eq!(bench.run(ServerVerb::Delete).await.verdict, Verdict::Succeeded);
    assert_eq!((engine.containers(), bench.folder().exists()), (vec![], false));
}

#[tokio::test]
async fn what_an_agent_that_was_killed_left_with_its_engine_is_removed_and_what_it_lacks_is_named() {
    let Some(engine) = Dockerd::start() else { return };
    let mut bench = bench(&engine).await;
    let hangs = InstallScript {
        image: Some(BASE.to_owned()),
        entrypoint: "sh".to_owned(),
        script: "echo begun; sleep 600".to_owned(),
    };
    let install = bench.send(ServerVerb::Install { script: Some(hangs), wipe: false });
    bench.line("begun", 1).await;
    assert_eq!(engine.containers(), [format!("serverflow-{}-install", bench.spec.server)]);
    bench.world.kill().await;
    bench.again().await;
    assert_eq!(bench.world.plane.outcome(install).await.fault.unwrap().code, "agent.restarted");
    let gone = async {
        while !engine.containers().is_empty() {
            // tidy: sleep because a process of another program tells of nothing, it is asked
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(LIMIT, gone).await.unwrap();

    // A program that ends badly, an image that cannot be had, no engine at all.
    let bad = InstallScript { image: Some(BASE.to_owned()), entrypoint: "sh".to_owned(), script: "exit 4".to_owned() };
    let why = bench.fails(ServerVerb::Install { script: Some(bad), wipe: false }, "server.install_failed").await;
    assert!(why.contains("code 4"), "{why}");
    bench.succeeds(installs()).await;
    bench.spec.runtime = ServerRuntime::Docker { image: "127.0.0.1:1/sf-test/none:1".to_owned() };
    let why = bench.fails(ServerVerb::Start, "engine.refused").await;
    assert!(why.contains("sf-test/none"), "{why}");
    bench.line("is fetched", 1).await;
    assert_eq!(bench.report().await.state, ServerState::Error);
    std::fs::write(bench.world.state().join("policy.toml"), "[containers]\nengine = \"off\"\n").unwrap();
    let why = bench.fails(ServerVerb::Start, "server.no_engine").await;
    assert!(why.contains("no container engine"), "{why}");
}
