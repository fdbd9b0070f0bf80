//! Standard input that stays open, stops by a line, and the line that says ready.

use super::*;

/// Echoes its input, ends by `stop`, and says when it is ready.
const LISTENS: &str =
    "echo open; while read -r line; do case \"$line\" in stop) echo bye; exit 0;; *) echo \"got $line\";; esac; done";

fn ready(text: &str) -> Option<sf_protocol::server::Ready> {
    let lines = vec![sf_protocol::server::Match::Text { text: text.to_owned() }];
    Some(sf_protocol::server::Ready { lines, strip_ansi: true, within: Millis::secs(30) })
}

#[tokio::test]
async fn input_stays_open_and_a_stop_is_a_line_on_pipes_and_on_a_terminal() {
    let world = World::new();
    for terminal in [false, true] {
        let mut spec = world.script(LISTENS);
        (spec.input, spec.terminal, spec.stop_line) = (true, terminal, Some("stop".to_owned()));
        let process = world.supervisor.start(&spec).await.unwrap();
        line(&process, "open").await;
        within(process.input("one")).await.unwrap();
        within(process.input("ünïcode")).await.unwrap();
        line(&process, "got one").await;
        line(&process, "got ünïcode").await;
        let refused = within(process.input("two\nlines")).await.unwrap_err();
        assert!(refused.to_string().contains("control character"), "{refused}");
        let stopped = within(process.stop(None)).await.unwrap().stopped.unwrap();
        assert!(stopped.by_line && stopped.to_string().starts_with("its stop command"), "{stopped:?}");
        line(&process, "bye").await;
        assert!(matches!(within(process.input("late")).await, Err(ProcessError::Gone { .. })));
    }
    // Without one it reads nothing.
    let process = world.supervisor.start(&world.script("read -r line; echo \"read $?\"; sleep 1000")).await.unwrap();
    line(&process, "read 1").await;
    assert!(within(process.input("x")).await.unwrap_err().to_string().contains("standard input"));
    within(process.stop(None)).await.unwrap();
}

#[tokio::test]
async fn a_process_that_does_not_read_holds_up_nobody() {
    let world = World::new();
    for terminal in [false, true] {
        let mut spec = world.script("echo up; exec sleep 1000");
        (spec.input, spec.terminal) = (true, terminal);
        let process = world.supervisor.start(&spec).await.unwrap();
        line(&process, "up").await;
        let long = "x".repeat(1000);
        let refused = loop {
            if let Err(error) = within(process.input(&long)).await {
                break error.to_string();
            }
        };
        assert!(refused.contains("does not read its input"), "{refused}");
        assert_eq!(within(process.refresh()).await.unwrap().state, AppState::Running);
        let stopped = within(process.stop(None)).await.unwrap().stopped.unwrap();
        assert_eq!(stopped.signal, Signal::SIGTERM as i32);
    }
}

#[tokio::test]
async fn a_stop_command_that_is_not_heard_is_followed_by_signals_and_a_kill_by_nothing() {
    let world = World::new();
    let mut spec = world.script("trap '' TERM; echo up; while :; do read -r line || sleep 0.1; done");
    (spec.input, spec.stop_line) = (true, Some("stop".to_owned()));
    (spec.stop.grace, spec.stop.term_grace) = (Millis(100), Millis(100));
    let process = world.supervisor.start(&spec).await.unwrap();
    line(&process, "up").await;
    let stopped = within(process.stop(None)).await.unwrap().stopped.unwrap();
    assert!(!stopped.by_line && stopped.signal == Signal::SIGKILL as i32, "{stopped:?}");
    assert!(stopped.took >= Millis(200), "{stopped:?}");

    spec.stop.grace = Millis::secs(1000);
    let process = world.supervisor.start(&spec).await.unwrap();
    line(&process, "up").await;
    let (patient, other) = (process.clone(), process.clone());
    let waiting = async { within(patient.stop(Some(Millis::secs(1000)))).await.unwrap() };
    let killing = async {
        until(&other, |status| status.state == AppState::Stopping).await;
        within(other.kill()).await.unwrap()
    };
    let (waited, killed) = tokio::join!(waiting, killing);
    assert_eq!((waited.state, killed.state), (AppState::Stopped, AppState::Stopped));
    assert_eq!(killed.stopped.unwrap().signal, Signal::SIGKILL as i32);
}

#[tokio::test]
async fn a_line_says_that_it_is_ready_also_to_the_next_daemon() {
    let world = World::new();
    let mut spec = world.script(&format!("echo begun; read -r line; printf '\\033[32mall\\033[0m set\\n'; {LISTENS}"));
    (spec.input, spec.ready) = (true, ready("all set"));
    let process = world.supervisor.start(&spec).await.unwrap();
    line(&process, "begun").await;
    assert_eq!(process.status().state, AppState::Starting);
    let next = world.after_restart();
    let adopted = within(next.adopt_all()).await.unwrap();
    assert_eq!(adopted.living[0].status().state, AppState::Starting);
    within(adopted.living[0].input("go on")).await.unwrap();
    let running = until(&adopted.living[0], |status| status.state == AppState::Running).await;
    assert!(running.reason.starts_with("ready after"), "{running:?}");
    within(adopted.living[0].stop(None)).await.unwrap();
}
