//! The agent is killed in the middle of everything, and the next one finds it all.

use super::*;

#[tokio::test]
async fn a_server_outlives_its_agent_in_every_state() {
    let mut bench = Bench::in_mode("late").await;
    // Starting: it becomes ready while nobody looks, and after somebody looks again.
    let start = bench.send(ServerVerb::Start);
    bench.line("with a word", 1).await;
    let pid = bench.pid();
    bench.world.kill().await;
    bench.again().await;
    assert_eq!(bench.pid(), pid, "nothing is started twice");
    assert_eq!(bench.report().await.state, ServerState::Starting);
    bench.says("ready").await;
    bench.until(is(ServerState::Running)).await;
    // The order of before ends as what is so.
    assert_eq!(bench.world.plane.outcome(start).await.verdict, Verdict::Succeeded);

    // Running: console and input go on.
    bench.world.kill().await;
    bench.again().await;
    assert_eq!((bench.pid(), bench.report().await.state), (pid, ServerState::Running));
    bench.says("still there").await;
    bench.line("said still there", 1).await;

    // It crashes while nobody looks, and comes back.
    bench.world.kill().await;
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).unwrap();
    bench.again().await;
    let back = bench.until(|report| report.restarts == 1).await;
    assert!(matches!(back.state, ServerState::Starting), "{back:?}");
    bench.says("ready").await;
    bench.until(|report| report.state == ServerState::Running && report.restarts == 1).await;

    // Stopped: it stays so.
    bench.succeeds(ServerVerb::Stop).await;
    bench.world.kill().await;
    bench.again().await;
    let report = bench.report().await;
    assert!(at_rest(&report) && report.stopped_by.unwrap().starts_with("command stop"));
}

#[tokio::test]
async fn a_stop_under_way_is_ended_by_the_next_agent() {
    let mut bench = Bench::in_mode("stubborn").await;
    bench.spec.stop = Stop::Command { line: "stop".to_owned(), grace: Millis::secs(600) };
    bench.succeeds(ServerVerb::Start).await;
    let stop = bench.send(ServerVerb::Stop);
    bench.until(is(ServerState::Stopping)).await;
    bench.world.kill().await;
    bench.world.start(None).await;
    bench.world.plane.connected(1).await;
    // It was told to, and still is.
    assert_eq!(bench.report().await.state, ServerState::Stopping);
    bench.succeeds(ServerVerb::Kill).await;
    let outcome = bench.world.plane.outcome(stop).await;
    assert_eq!((outcome.verdict, told(&outcome).state), (Verdict::Succeeded, ServerState::Stopped));
}

#[tokio::test]
async fn an_installation_that_is_cut_off_has_failed_and_leaves_nothing() {
    let mut bench = Bench::new().await;
    let hangs = InstallScript { script: "echo begun; sleep 600; echo never".to_owned(), ..script() };
    bench.succeeds(ServerVerb::Configure).await;
    bench.watch().await;
    let install = bench.send(ServerVerb::Install { script: Some(hangs), wipe: false });
    bench.line("begun", 1).await;
    bench.world.kill().await;
    bench.again().await;
    let outcome = bench.world.plane.outcome(install).await;
    assert_eq!(outcome.fault.as_ref().unwrap().code, "agent.restarted");
    assert_eq!(told(&outcome).install, InstallState::Failed);
    let sleeps = || {
        let user = std::fs::metadata(bench.files()).map(|files| std::os::unix::fs::MetadataExt::uid(&files)).unwrap();
        sf_agent::user::processes(user)
    };
    if nix::unistd::geteuid().is_root() {
        let gone = async {
            while !sleeps().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LIMIT, gone).await.unwrap();
    }
    // And it is done anew.
    bench.succeeds(ServerVerb::Install { script: Some(script()), wipe: true }).await;
    assert_eq!(bench.succeeds(ServerVerb::Start).await.state, ServerState::Running);
}

#[tokio::test]
async fn an_agent_that_dies_around_the_start_starts_it_once() {
    let mut bench = Bench::installed().await;
    bench.world.kill().await;
    bench.world.start(Some("agent-server-start")).await;
    bench.world.plane.connected(1).await;
    let start = bench.send(ServerVerb::Start);
    bench.world.killed("agent-server-start").await;
    bench.again().await;
    let outcome = bench.world.plane.outcome(start).await;
    assert_eq!((outcome.verdict, told(&outcome).state), (Verdict::Succeeded, ServerState::Running));
    let run: Vec<_> = bench.left().into_iter().filter(|line| line.contains("server.sh")).collect();
    assert_eq!(run.len(), 1, "{run:?}");

    // Done, and the agent dies before its journal has it: it is not done again.
    let pid = bench.pid();
    bench.world.kill().await;
    bench.world.start(Some("agent-after-send")).await;
    bench.world.plane.connected(1).await;
    let restart = bench.send(ServerVerb::Restart);
    bench.world.killed("agent-after-send").await;
    let after = bench.pid();
    assert_ne!(after, pid);
    bench.again().await;
    assert_eq!(bench.world.plane.outcome(restart).await.verdict, Verdict::Succeeded);
    assert_eq!(bench.pid(), after);
}

#[tokio::test]
async fn after_a_reboot_what_should_run_runs() {
    let mut bench = Bench::installed().await;
    bench.succeeds(ServerVerb::Start).await;
    bench.world.reboot().await;
    bench.again().await;
    bench.until(|report| report.state == ServerState::Running && report.reason.contains("ready")).await;
    bench.says("back").await;
    bench.line("said back", 1).await;
    bench.succeeds(ServerVerb::Stop).await;
    bench.world.reboot().await;
    bench.again().await;
    assert!(at_rest(&bench.report().await));
}
