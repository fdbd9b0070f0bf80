//! Health checks against real processes.

#![expect(clippy::unwrap_used, reason = "the steps of a test may fail loudly, outside its own function too")]

use std::path::PathBuf;
use std::time::Duration;

use sf_agent::health::{self, HealthError, Healthy, Why};
use sf_agent::process::{Options, Process, Supervisor};
use sf_agent::shim::ShimSpec;
use sf_protocol::SecretKey;
use sf_protocol::app::{HealthCheck, Probe, RestartRule};
use sf_runtime::{Clock, Rng, Tasks};
use sf_types::{Millis, Port};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sf-agent-modes");

struct World {
    dir: tempfile::TempDir,
    supervisor: Supervisor,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (program, clock, tasks) = (PathBuf::from(PROGRAM), Clock::system(), Tasks::new());
        let supervisor = Supervisor::new(Options {
            below: None,
            dir: dir.path().join("run"),
            program,
            key: SecretKey::from_seed(&[7; 32]),
            clock,
            tasks,
        });
        Self { dir, supervisor }
    }

    async fn start(&self, argv: &[&str]) -> Process {
        let (clock, rng) = (Clock::system(), Rng::system());
        let argv = argv.iter().map(|arg| (*arg).to_owned()).collect();
        let release = rng.id(&clock);
        let log = self.dir.path().join(format!("log-{release}"));
        let mut spec = ShimSpec::new(rng.id(&clock), release, argv, self.dir.path().to_owned(), log);
        spec.env = vec![("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into())];
        spec.restart = RestartRule::NEVER;
        self.supervisor.start(&spec).await.unwrap()
    }
}

/// A port that was free a moment ago.
fn free_port() -> Port {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    Port::try_from(listener.local_addr().unwrap().port()).unwrap()
}

async fn probe(probe: Probe, within: u64, port: Option<Port>, process: &Process) -> Result<Healthy, HealthError> {
    let check = HealthCheck { probe, within: Millis(within), each_try: Millis(5_000) };
    tokio::time::timeout(Duration::from_secs(60), health::probe(&check, port, process)).await.expect("it hangs")
}

fn http(path: &str) -> Probe {
    Probe::Http { path: path.into() }
}

#[tokio::test]
async fn a_server_is_well_as_soon_as_it_answers() {
    let world = World::new();
    let port = free_port();
    let app = world.start(&[PROGRAM, "http", "a", &port.to_string()]).await;
    let healthy = probe(http("/healthz"), 30_000, Some(port), &app).await.unwrap();
    assert_eq!(healthy.seen, "GET /healthz answered 200");
    let healthy = probe(Probe::Tcp, 30_000, Some(port), &app).await.unwrap();
    assert_eq!(healthy.tries, 1);
    let healthy = probe(Probe::LogLine { pattern: r"listening \d+".into() }, 30_000, None, &app).await.unwrap();
    assert!(healthy.seen.contains("listening"), "{}", healthy.seen);
    let healthy = probe(Probe::Alive { time: Millis(20) }, 30_000, None, &app).await.unwrap();
    assert!(healthy.took.0 >= 20);
    let error = probe(http("/broken"), 100, Some(port), &app).await.unwrap_err().to_string();
    assert!(error.starts_with("GET /broken answered 500 (") && error.contains(" tries in 0 s)"), "{error}");
    app.stop(None).await.unwrap();
}

#[tokio::test]
async fn what_is_missing_is_said() {
    let world = World::new();
    let port = free_port();
    let app = world.start(&["sleep", "1000"]).await;
    for (check, port, part) in [
        (http("/"), Some(port), format!("nothing listens on 127.0.0.1:{port} yet (")),
        (Probe::Tcp, Some(port), format!("nothing listens on 127.0.0.1:{port} yet (")),
        (Probe::LogLine { pattern: "ready".into() }, None, "no log line matched `ready`".into()),
        (Probe::LogLine { pattern: "(".into() }, None, "pattern cannot be used".into()),
        (Probe::Tcp, None, "this app has none".into()),
        (http("healthz"), Some(port), "is no path such as /healthz".into()),
    ] {
        let error = probe(check, 50, port, &app).await.unwrap_err().to_string();
        assert!(error.contains(&part), "{error}");
    }
    app.stop(Some(Millis(0))).await.unwrap();
}

#[tokio::test]
async fn a_process_that_ends_is_not_waited_for() {
    let world = World::new();
    for check in
        [http("/"), Probe::Tcp, Probe::LogLine { pattern: "never".into() }, Probe::Alive { time: Millis(50_000) }]
    {
        let app = world.start(&["sh", "-c", "exit 3"]).await;
        let error = probe(check, 50_000, Some(free_port()), &app).await.unwrap_err();
        assert!(matches!(error, HealthError::Unwell { why: Why::Ended { .. }, .. }), "{error:?}");
        assert!(error.to_string().contains("exited with code 3"), "{error}");
    }
}
