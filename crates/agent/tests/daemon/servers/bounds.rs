//! What a hostile server can do to the node and to others: nothing.

use sf_types::ByteSize;

use super::*;

#[tokio::test]
async fn a_fork_bomb_is_bounded_and_killed() {
    let mut bench = Bench::installed().await;
    if !nix::unistd::geteuid().is_root() {
        eprintln!("SKIPPED: processes of one server alone are bounded by control groups, which want root");
        return;
    }
    // The machine has other work, too.
    bench.spec.limits.cpu_percent = Some(50);
    bench.succeeds(ServerVerb::Start).await;
    bench.says("bomb").await;
    bench
        .world
        .plane
        .until("it forks", |state| {
            let samples = state.consoles.iter().filter_map(|output| output.sample);
            samples.rev().find(|sample| sample.processes > 30)
        })
        .await;
    assert!(bench.left().len() <= 70, "{}", bench.left().len());
    // The node goes on, and another server of it, too.
    let mut other = spec();
    std::mem::swap(&mut other, &mut bench.spec);
    bench.succeeds(ServerVerb::Install { script: Some(script()), wipe: false }).await;
    assert_eq!(bench.succeeds(ServerVerb::Start).await.state, ServerState::Running);
    std::mem::swap(&mut other, &mut bench.spec);
    let killed = bench.succeeds(ServerVerb::Kill).await;
    assert_eq!((killed.state, bench.left()), (ServerState::Stopped, vec![]));
}

#[tokio::test]
async fn a_server_that_takes_more_memory_than_it_may_ends_and_comes_back_alone() {
    let mut bench = Bench::installed().await;
    let (memory, swap) = (Some(ByteSize::mib(64)), Some(ByteSize(0)));
    bench.spec.limits = ServerLimits { memory, swap, ..bench.spec.limits };
    bench.spec.restart.first_delay = Millis(50);
    let started = bench.succeeds(ServerVerb::Start).await;
    assert!(started.enforced.iter().any(|word| word.contains("64.0 MiB of memory")), "{:?}", started.enforced);
    let mut other = spec();
    std::mem::swap(&mut other, &mut bench.spec);
    bench.succeeds(ServerVerb::Install { script: Some(script()), wipe: false }).await;
    bench.succeeds(ServerVerb::Start).await;
    let beside = bench.pid();
    std::mem::swap(&mut other, &mut bench.spec);
    bench.says("hog").await;
    // By the kernel, or by its own hand where it gets no more.
    bench.until(|report| report.reason.contains("SIGKILL") || report.reason.contains("exited with code")).await;
    bench.until(|report| report.state == ServerState::Running && report.restarts == 1).await;
    std::mem::swap(&mut other, &mut bench.spec);
    assert_eq!((bench.report().await.state, bench.pid()), (ServerState::Running, beside));
}

#[tokio::test]
async fn a_server_sees_its_own_files_alone() {
    let mut bench = Bench::installed().await;
    let secret = bench.world.state().join("agent-key");
    assert!(secret.exists());
    let outside = bench.world.dir.path().join("outside");
    std::fs::write(&outside, "a secret of the node").unwrap();
    let look = format!(
        "cat {} {} /etc/shadow; echo x > {}; echo own > own && echo wrote; echo listening; exec sleep 600",
        secret.display(),
        outside.display(),
        outside.display()
    );
    std::fs::write(bench.files().join("look.sh"), look).unwrap();
    bench.spec.startup = Startup::Argv { argv: ["sh", "look.sh"].map(str::to_owned).to_vec() };
    let report = bench.succeeds(ServerVerb::Start).await;
    bench.line("wrote", 1).await;
    let lines = bench.page(Some(0), 1000, None).await.lines;
    assert!(!lines.iter().any(|line| line.text.contains("secret of the node") || line.text.contains("PRIVATE")));
    assert_eq!(std::fs::read_to_string(&outside).unwrap(), "a secret of the node");
    assert!(report.enforced.iter().any(|word| word.contains("Landlock")), "{:?}", report.enforced);
    assert!(report.enforced.iter().any(|word| word.contains("system calls")), "{:?}", report.enforced);
}

#[tokio::test]
async fn an_installation_is_held_to_its_time_and_disk_and_can_be_killed() {
    let mut bench = Bench::new().await;
    bench.spec.limits.disk = Some(ByteSize::mib(8));
    let with = |text: &str| ServerVerb::Install {
        script: Some(InstallScript { script: text.to_owned(), ..script() }),
        wipe: false,
    };
    let why = bench.fails(with("head -c 64m /dev/zero > large; sleep 600"), "server.install_disk").await;
    assert!(why.contains("allowed"), "{why}");
    // What it left is too much to start with.
    bench.spec.limits.disk = Some(ByteSize::mib(1));
    bench.succeeds(ServerVerb::Install { script: None, wipe: false }).await;
    bench.fails(ServerVerb::Start, "server.disk_full").await;
    bench.spec.limits.disk = None;
    let order = bench.order(with("echo begun; sleep 600"));
    let Order::ServerAction(mut action) = order else { unreachable!() };
    action.time_limit = Millis::secs(2);
    let slow = bench.world.plane.run(Order::ServerAction(action)).await;
    assert_eq!(slow.fault.unwrap().code, "server.install_slow");
    bench.watch().await;
    let install = bench.send(with("echo begun anew; sleep 600"));
    bench.line("begun anew", 1).await;
    bench.succeeds(ServerVerb::Kill).await;
    assert_eq!(bench.world.plane.outcome(install).await.fault.unwrap().code, "server.killed");
    assert_eq!(bench.report().await.install, InstallState::Failed);
}

/// No kernel keeps a folder to a size: who writes too much is told, and stopped when its time is over.
#[tokio::test]
async fn a_server_that_writes_more_than_it_may_is_told_and_stopped() {
    let mut world = World::enrolled().await;
    let policy = world.state().join("policy.toml");
    let text = std::fs::read_to_string(&policy).unwrap_or_default();
    std::fs::write(&policy, format!("{text}\n[servers]\ncount_secs = 1\ndisk_grace_secs = 3\n")).unwrap();
    world.start(None).await;
    world.plane.connected(0).await;
    let mut bench = Bench { world, spec: spec() };
    bench.spec.limits.disk = Some(ByteSize::mib(8));
    bench.succeeds(ServerVerb::Install { script: Some(script()), wipe: false }).await;
    bench.watch().await;
    bench.succeeds(ServerVerb::Start).await;
    let large = bench.files().join("world.dat");
    // Gone in time: it goes on.
    std::fs::write(&large, vec![7; 9 << 20]).unwrap();
    bench.line("It is stopped in 3 s unless they become fewer", 1).await;
    std::fs::remove_file(&large).unwrap();
    bench.line("it goes on", 1).await;
    assert_eq!(bench.report().await.state, ServerState::Running);
    // Still there: it is stopped by its own rule, says why, and does not start as it is.
    std::fs::write(&large, vec![7; 9 << 20]).unwrap();
    let stopped = bench.until(|report| report.state == ServerState::Error).await;
    assert!(stopped.reason.contains("its files take 9.") && stopped.reason.contains("8.0 MiB"), "{}", stopped.reason);
    assert!(stopped.stopped_by.is_some_and(|how| how.starts_with("command stop")), "it could save");
    bench.line("saving", 1).await;
    let notices = bench.world.plane.state(|state| {
        let of = |event: &sf_protocol::report::StatusUpdate| matches!(&event.event, NodeEvent::Notice { code, .. } if code == "server.disk_full");
        state.events.iter().filter(|event| of(event)).count()
    });
    assert_eq!(notices, 3, "told when it began, twice, and when it was stopped");
    bench.fails(ServerVerb::Start, "server.disk_full").await;
    std::fs::remove_file(&large).unwrap();
    let mut spec = bench.spec.clone();
    spec.limits.disk = Some(ByteSize::mib(9));
    bench.spec = spec;
    let counted = |report: &ServerReport| report.disk_bytes < 1 << 20;
    while !counted(&bench.report().await) {}
    bench.succeeds(ServerVerb::Start).await;
}
