//! Shims and their supervisor with real processes.

#![expect(clippy::unwrap_used, reason = "the steps of a test may fail loudly, outside its own function too")]

#[path = "process/flood.rs"]
mod flood;
#[path = "process/input.rs"]
mod input;
#[path = "process/restart.rs"]
mod restart;

use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sf_agent::confine::{Confinement, Identity};
use sf_agent::process::{Options, Process, ProcessError, Supervisor};
use sf_agent::shim::log::LogReader;
use sf_agent::shim::{How, ShimSpec, Status};
use sf_protocol::SecretKey;
use sf_protocol::app::{AppState, RestartRule};
use sf_protocol::report::{LogLine, Stream};
use sf_runtime::{Clock, Rng, Tasks};
use sf_types::Millis;

/// Nothing here takes long; a test that waits this long has failed.
const LIMIT: Duration = Duration::from_secs(60);

struct World {
    dir: tempfile::TempDir,
    supervisor: Supervisor,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let supervisor = Self::supervisor(&dir);
        Self { dir, supervisor }
    }

    fn supervisor(dir: &tempfile::TempDir) -> Supervisor {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_sf-agent-modes"));
        let (clock, tasks) = (Clock::system(), Tasks::new());
        Supervisor::new(Options {
            dir: dir.path().join("run"),
            below: None,
            program,
            key: SecretKey::from_seed(&[7; 32]),
            clock,
            tasks,
        })
    }

    /// A daemon that was killed and started again knows nothing.
    fn after_restart(&self) -> Supervisor {
        Self::supervisor(&self.dir)
    }

    fn spec(&self, argv: &[&str]) -> ShimSpec {
        let (clock, rng) = (Clock::system(), Rng::system());
        let release = rng.id(&clock);
        let argv = argv.iter().map(|arg| (*arg).to_owned()).collect();
        let log = self.dir.path().join(format!("log-{release}"));
        let mut spec = ShimSpec::new(rng.id(&clock), release, argv, self.dir.path().to_owned(), log);
        spec.env = vec![("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into())];
        spec.restart = RestartRule::NEVER;
        spec
    }

    fn script(&self, script: &str) -> ShimSpec {
        self.spec(&["sh", "-c", script])
    }
}

/// Ends what a failed test leaves behind.
impl Drop for World {
    fn drop(&mut self) {
        for process in self.supervisor.list() {
            let status = process.status();
            if status.shim.is_alive() {
                let _ = kill(Pid::from_raw(status.shim.pid), Signal::SIGTERM);
            }
        }
    }
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, work).await.expect("it hangs")
}

/// Reads the log until a line holds `part`.
async fn line(process: &Process, part: &str) -> LogLine {
    first_line(process, &[part]).await
}

/// Reads the log until a line holds one of these.
async fn first_line(process: &Process, parts: &[&str]) -> LogLine {
    let mut follower = process.follow(1);
    let mut seen = Vec::new();
    within(async {
        while let Some(batch) = follower.next().await.unwrap() {
            if let Some(line) = batch.lines.iter().find(|line| parts.iter().any(|part| line.text.contains(part))) {
                return line.clone();
            }
            seen.extend(batch.lines.into_iter().map(|line| line.text));
        }
        panic!("no line with {parts:?} in {seen:?}: {:?}", process.status());
    })
    .await
}

async fn all_lines(process: &Process) -> Vec<LogLine> {
    let (mut follower, mut lines) = (process.follow(1), Vec::new());
    within(async {
        while let Some(batch) = follower.next().await.unwrap() {
            lines.extend(batch.lines);
        }
    })
    .await;
    lines
}

async fn until(process: &Process, wanted: impl FnMut(&Status) -> bool) -> Status {
    let mut watch = process.watch();
    within(watch.wait_for(wanted)).await.unwrap().clone()
}

#[tokio::test]
async fn output_is_tagged_numbered_and_complete() {
    let world = World::new();
    let process = world.supervisor.start(&world.script("echo one; echo two >&2; printf three; exit 3")).await.unwrap();
    let status = within(process.ended()).await;
    assert_eq!((status.state, status.last_exit().unwrap().how), (AppState::Failed, How::Code(3)));
    assert!(status.reason.starts_with("exited with code 3 after"), "{}", status.reason);
    let lines = all_lines(&process).await;
    let mut said: Vec<(&str, Stream)> = lines.iter().map(|line| (line.text.as_str(), line.stream)).collect();
    let note = said.pop().unwrap();
    assert!(note.0.contains("code 3") && note.1 == Stream::Note);
    said.sort_unstable_by_key(|said| said.0);
    assert_eq!(said, [("one", Stream::Out), ("three", Stream::Out), ("two", Stream::Err)]);
    let numbers: Vec<u64> = lines.iter().map(|line| line.sequence).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
}

#[tokio::test]
async fn the_child_gets_a_clean_world() {
    let world = World::new();
    let script = "ls -l /proc/self/fd | grep -c -v total; cat; echo end of input; env | sort | tr '\\n' ' '; echo; umask;\
                  cat /proc/self/oom_score_adj";
    let process = world.supervisor.start(&world.script(script)).await.unwrap();
    within(process.ended()).await;
    let lines = all_lines(&process).await;
    // `ls` itself holds the folder open: 0, 1, 2 and that one.
    assert_eq!(lines[0].text, "4", "{lines:?}");
    assert_eq!(lines[1].text, "end of input");
    assert!(lines[2].text.contains("SERVERFLOW_PROCESS=") && !lines[2].text.contains("CARGO"), "{lines:?}");
    assert_eq!((lines[3].text.as_str(), lines[4].text.as_str()), ("0022", "0"));
}

#[tokio::test]
async fn a_terminal_is_a_terminal() {
    let world = World::new();
    let mut spec = world.script("test -t 0 && test -t 1 && test -t 2 && echo yes; exit 0");
    spec.terminal = true;
    let process = world.supervisor.start(&spec).await.unwrap();
    let line = line(&process, "yes").await;
    assert_eq!((line.stream, line.text.as_str()), (Stream::Tty, "yes"));
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named_at_once() {
    let world = World::new();
    for (argv, part) in [(&["no-such-program"][..], "`no-such-program` was not found"), (&[], "no start command")] {
        let error = within(world.supervisor.start(&world.spec(argv))).await.unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
    let mut spec = world.spec(&["true"]);
    spec.cwd = "/no/such/folder".into();
    let error = within(world.supervisor.start(&spec)).await.unwrap_err();
    assert!(error.to_string().contains("/no/such/folder"), "{error}");
}

#[tokio::test]
async fn stopping_says_which_signal_was_needed() {
    let world = World::new();
    for (script, signal, expected) in [
        ("trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done", Signal::SIGTERM, Signal::SIGTERM),
        ("trap 'exit 0' INT; echo ready; while :; do sleep 0.01; done", Signal::SIGINT, Signal::SIGINT),
        ("trap '' TERM; echo ready; while :; do sleep 0.01; done", Signal::SIGTERM, Signal::SIGKILL),
        ("trap '' INT; echo ready; while :; do sleep 0.01; done", Signal::SIGINT, Signal::SIGTERM),
    ] {
        let mut spec = world.script(script);
        spec.stop.signal = signal as i32;
        let process = world.supervisor.start(&spec).await.unwrap();
        line(&process, "ready").await;
        let patient = Millis(if signal == expected { 30_000 } else { 100 });
        let status = within(process.stop(Some(patient))).await.unwrap();
        assert_eq!(status.stopped.unwrap().signal, expected as i32, "{script}");
        assert_eq!(status.state, AppState::Stopped);
        assert!(status.last_exit().unwrap().asked);
        // Again is fine.
        within(process.stop(None)).await.unwrap();
    }
}

#[tokio::test]
async fn a_stop_ends_the_whole_tree_even_what_left_the_group() {
    let world = World::new();
    let script = "setsid sh -c 'trap \"\" TERM HUP; echo hidden $$; while :; do sleep 0.01; done' & sleep 1000";
    let process = world.supervisor.start(&world.script(script)).await.unwrap();
    let hidden: i32 = line(&process, "hidden").await.text.split(' ').nth(1).unwrap().parse().unwrap();
    assert!(process.usage().processes >= 2);
    let status = within(process.stop(Some(Millis(50)))).await.unwrap();
    assert!(status.stopped.unwrap().killed >= 1);
    assert!(kill(Pid::from_raw(hidden), None).is_err());
}

#[tokio::test]
async fn an_app_that_goes_to_the_background_is_still_known() {
    let world = World::new();
    let script = "sh -c 'echo here $$; exec sleep 1000' & exit 0";
    let process = world.supervisor.start(&world.script(script)).await.unwrap();
    let pid: i32 = line(&process, "here").await.text.split(' ').nth(1).unwrap().parse().unwrap();
    let status = until(&process, |status| status.child.as_ref().is_some_and(|child| child.pid == pid)).await;
    assert_eq!(status.state, AppState::Running);
    let status = within(process.stop(None)).await.unwrap();
    assert_eq!(status.state, AppState::Stopped);
    assert!(kill(Pid::from_raw(pid), None).is_err());
}

#[tokio::test]
async fn crashes_restart_until_the_guard_gives_up() {
    let world = World::new();
    let mut spec = world.script("echo again; exit 7");
    spec.restart =
        RestartRule { first_delay: Millis(5), max_delay: Millis(20), max_crashes: 3, window: Millis::secs(600) };
    let process = world.supervisor.start(&spec).await.unwrap();
    let status = within(process.ended()).await;
    assert_eq!((status.state, status.restarts, status.exits.len()), (AppState::Failed, 3, 4));
    assert!(status.reason.contains("given up after 4 crashes within 600 s"), "{}", status.reason);
    let again = all_lines(&process).await.iter().filter(|line| line.text == "again").count();
    assert_eq!(again, 4);
}

#[tokio::test]
async fn a_process_in_a_group_of_its_own_gets_the_stop_signal_too() {
    let world = World::new();
    let worker = "trap 'echo cleaned up; exit 0' TERM; echo ready; while :; do sleep 0.01; done";
    let script = format!("set -m; bash -c \"{worker}\" & trap 'exit 0' TERM; while :; do sleep 0.01; done");
    let process = world.supervisor.start(&world.spec(&["bash", "-c", &script])).await.unwrap();
    line(&process, "ready").await;
    let status = within(process.stop(Some(Millis::secs(30)))).await.unwrap();
    assert_eq!((status.stopped.unwrap().signal, status.stopped.unwrap().killed), (Signal::SIGTERM as i32, 0));
    line(&process, "cleaned up").await;
}

#[tokio::test]
async fn the_least_patient_stop_decides() {
    let world = World::new();
    let script = "trap '' TERM; echo ready; while :; do sleep 0.01; done";
    let process = world.supervisor.start(&world.script(script)).await.unwrap();
    line(&process, "ready").await;
    let patient = process.stop(Some(Millis::secs(3_000)));
    let impatient = async {
        until(&process, |status| status.state == AppState::Stopping).await;
        process.stop(Some(Millis(10))).await
    };
    let (patient, impatient) = within(async { tokio::join!(patient, impatient) }).await;
    assert_eq!(patient.unwrap().stopped.unwrap().signal, Signal::SIGKILL as i32);
    assert_eq!(impatient.unwrap().state, AppState::Stopped);
}

#[tokio::test]
async fn what_went_to_the_background_ends_with_its_own_exit_code() {
    let world = World::new();
    let script = "(echo here; while ! test -e go; do sleep 0.01; done; exit 9) & exit 0";
    let process = world.supervisor.start(&world.script(script)).await.unwrap();
    until(&process, |status| status.reason == "went to the background").await;
    std::fs::write(world.dir.path().join("go"), "").unwrap();
    let status = within(process.ended()).await;
    assert_eq!((status.state, status.last_exit().unwrap().how), (AppState::Failed, How::Code(9)));
}

#[tokio::test]
#[ignore = "waits 5 s: part of the full suite"]
async fn a_server_that_ends_well_later_is_over_whatever_it_leaves_behind() {
    let world = World::new();
    let process = world.supervisor.start(&world.script("sleep 1000 & sleep 6; exit 0")).await.unwrap();
    let status = within(process.ended()).await;
    let exit = status.last_exit().unwrap();
    assert_eq!((status.state, exit.how, exit.left), (AppState::Failed, How::Code(0), 1));
}

#[tokio::test]
async fn while_waiting_to_start_again_it_obeys() {
    let world = World::new();
    let patient =
        RestartRule { first_delay: Millis::secs(3_000), max_delay: Millis::secs(3_000), ..Default::default() };
    let waiting = async |script: &str| {
        let mut spec = world.script(script);
        spec.restart = patient.clone();
        let process = world.supervisor.start(&spec).await.unwrap();
        until(&process, |status| status.state == AppState::Crashed).await;
        process
    };
    // Nothing ran, so no signal was needed.
    let stopped = within(waiting("exit 1").await.stop(None)).await.unwrap();
    assert_eq!((stopped.state, stopped.stopped), (AppState::Stopped, None));
    // A rule without restarts calls off the one that is due.
    let process = waiting("exit 1").await;
    within(process.set_restart_rule(RestartRule::NEVER)).await.unwrap();
    assert_eq!(within(process.ended()).await.state, AppState::Failed);
    // A restart that fails is one more crash, no end.
    let program = world.dir.path().join("program");
    std::fs::write(&program, "#!/bin/sh\nsleep 1000\n").unwrap();
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut spec = world.spec(&[program.to_str().unwrap()]);
    spec.restart = patient.clone();
    let process = world.supervisor.start(&spec).await.unwrap();
    std::fs::remove_file(&program).unwrap();
    let status = within(process.restart()).await.unwrap();
    assert_eq!((status.state, status.last_exit().unwrap().how), (AppState::Crashed, How::NotStarted));
    within(process.stop(None)).await.unwrap();
}

#[tokio::test]
async fn a_shim_that_is_killed_again_and_again_is_given_up() {
    let world = World::new();
    let mut spec = world.script("echo up; sleep 1000");
    spec.restart =
        RestartRule { first_delay: Millis(1), max_delay: Millis(1), max_crashes: 2, window: Millis::secs(600) };
    let process = world.supervisor.start(&spec).await.unwrap();
    for restarts in 0..=2 {
        let ready = |status: &Status| status.restarts == restarts && status.state == AppState::Running;
        let status = until(&process, ready).await;
        kill(Pid::from_raw(status.shim.pid), Signal::SIGKILL).unwrap();
    }
    let status = within(process.ended()).await;
    assert_eq!(status.state, AppState::Failed);
    assert!(status.reason.contains("given up after 3 crashes"), "{}", status.reason);
    assert_eq!(within(world.after_restart().adopt_all()).await.unwrap().ended.len(), 1);
}

#[tokio::test]
async fn a_stop_between_two_shims_is_obeyed() {
    let world = World::new();
    let mut spec = world.script("echo up; sleep 1000");
    spec.restart = RestartRule { first_delay: Millis::secs(30), ..RestartRule::default() };
    let process = world.supervisor.start(&spec).await.unwrap();
    kill(Pid::from_raw(process.status().shim.pid), Signal::SIGKILL).unwrap();
    until(&process, |status| status.state == AppState::Crashed).await;
    let status = within(process.stop(None)).await.unwrap();
    assert_eq!((status.state, status.ended), (AppState::Stopped, true));
}

#[tokio::test]
async fn a_stop_that_cannot_be_written_down_is_a_stop() {
    let world = World::new();
    let mut spec = world.script("echo up; sleep 1000");
    spec.restart = RestartRule { first_delay: Millis(1), ..RestartRule::default() };
    let process = world.supervisor.start(&spec).await.unwrap();
    // In the way of the state file, as a full disk would be.
    let in_the_way = world.dir.path().join(format!("run/{}/state.json.new", spec.release));
    std::fs::create_dir(&in_the_way).unwrap();
    let status = within(process.stop(None)).await.unwrap();
    assert_eq!((status.state, status.ended), (AppState::Stopped, true));
    let adopted = within(world.after_restart().adopt_all()).await.unwrap();
    assert_eq!(adopted.ended.first().map(|status| status.state), Some(AppState::Stopped), "{adopted:?}");
    std::fs::remove_dir(&in_the_way).unwrap();
    within(process.stop(None)).await.unwrap();
}

#[tokio::test]
async fn a_killed_shim_takes_nothing_along_that_another_holds() {
    let (one, other) = (World::new(), World::new());
    let spec = one.script("setsid sh -c 'echo hidden $$; exec sleep 1000' & sleep 1000");
    let process = one.supervisor.start(&spec).await.unwrap();
    let same = other.supervisor.start(&ShimSpec { log_dir: other.dir.path().join("log"), ..spec }).await.unwrap();
    for process in [&process, &same] {
        line(process, "hidden").await;
    }
    kill(Pid::from_raw(process.status().shim.pid), Signal::SIGKILL).unwrap();
    within(process.ended()).await;
    assert_eq!(same.usage().processes, 3);
    within(same.stop(None)).await.unwrap();
}

#[tokio::test]
async fn a_new_restart_rule_holds_and_is_written_down() {
    let world = World::new();
    let mut spec = world.script("echo up; sleep 1000");
    spec.restart = RestartRule::NEVER;
    let process = world.supervisor.start(&spec).await.unwrap();
    let rule = RestartRule { first_delay: Millis(1), ..RestartRule::default() };
    within(process.set_restart_rule(rule)).await.unwrap();
    within(process.signal(Signal::SIGKILL as i32)).await.unwrap();
    let status = until(&process, |status| status.restarts == 1 && status.state == AppState::Running).await;
    assert_eq!(status.last_exit().unwrap().how, How::Signal(9));
    let before = status.child.unwrap();
    let after = within(process.restart()).await.unwrap().child.unwrap();
    assert_ne!(before, after);
    within(process.stop(None)).await.unwrap();
}

#[tokio::test]
async fn ports_of_the_tree_are_found() {
    let world = World::new();
    let program = env!("CARGO_BIN_EXE_sf-agent-modes");
    let process = world.supervisor.start(&world.spec(&[program, "http", "a"])).await.unwrap();
    let port: u16 = line(&process, "listening").await.text.split(' ').nth(1).unwrap().parse().unwrap();
    assert_eq!(process.ports(), [port]);
    within(process.stop(None)).await.unwrap();
}

#[tokio::test]
async fn a_confined_app_has_its_own_user_and_still_dies_with_its_shim() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("SKIPPED: another user needs root");
        return;
    }
    let world = World::new();
    let mut spec = world.script("id -u; cat /etc/shadow; ulimit -c; echo ready; exec sleep 1000");
    spec.cwd = "/usr".into();
    spec.confinement = Confinement { user: Some(Identity { uid: 254_321, gid: 254_321 }), ..Confinement::strict() };
    let process = world.supervisor.start(&spec).await.unwrap();
    line(&process, "ready").await;
    let lines = LogReader::from(process.log_dir(), 1).read(100).unwrap().lines;
    let out: Vec<&str> =
        lines.iter().filter(|line| line.stream == Stream::Out).map(|line| line.text.as_str()).collect();
    assert_eq!(out, ["254321", "0", "ready"]);
    assert!(lines.iter().any(|line| line.stream == Stream::Err && line.text.contains("denied")), "{lines:?}");
    let status = process.status();
    assert!(status.enforced.iter().any(|words| words.contains("254321")), "{:?}", status.enforced);
    kill(Pid::from_raw(status.shim.pid), Signal::SIGKILL).unwrap();
    within(process.ended()).await;
    assert!(!status.child.unwrap().is_alive());
}
