//! Panel servers on a real node: a small real program in a folder of its own, spoken to over its console.

#[path = "adopted.rs"]
mod adopted;
#[path = "bounds.rs"]
mod bounds;
#[path = "chains.rs"]
mod chains;
#[path = "console.rs"]
mod console;
#[path = "contained.rs"]
mod contained;
#[path = "files.rs"]
mod files;
#[path = "irc.rs"]
mod irc;
#[path = "many.rs"]
mod many;
#[path = "power.rs"]
mod power;
#[path = "second.rs"]
mod second;
#[path = "secrets.rs"]
mod secrets;
#[path = "transfers.rs"]
mod transfers;

use std::path::PathBuf;

use sf_protocol::app::{EnvVar, RestartRule};
use sf_protocol::command::Guard;
use sf_protocol::order::Order;
use sf_protocol::outcome::Facts;
use sf_protocol::query::{Query, Reply};
use sf_protocol::report::NodeEvent;
use sf_protocol::server::{
    ConsoleChunk, ConsoleWanted, InstallScript, InstallState, Match, Ready, ServerAction, ServerLimits, ServerReport,
    ServerRuntime, ServerSpec, ServerState, ServerVerb, Startup, Stop,
};
use sf_protocol::{Outcome, Verdict};
use sf_runtime::{Clock, Rng};
use sf_types::{CommandId, Millis};

use super::plane::LIMIT;
use super::world::World;

/// Says who it is, is ready when `MODE` says so, and does what its console is told.
const SERVER: &str = r#"echo "I am $(id -u) in $(pwd) with $MOTD"
case "$MODE" in
  stubborn) trap '' INT TERM HUP ;;
  crash) echo "crashing"; exit 7 ;;
  late) ;;
esac
[ "$MODE" = late ] || echo "listening now"
while read -r line; do
  case "$line" in
    stop) [ "$MODE" = stubborn ] || { echo "saving"; exit 0; } ;;
    ready) echo "listening now" ;;
    crash) exit 7 ;;
    bomb) perl -e 'fork while 1' & ;;
    hog) exec perl -e 'my $all = "x" x (400 << 20); print length $all; sleep 600' ;;
    flood) yes "a line of a flood that says nothing at all, again and again" | head -n 400000; sleep 2; echo "flooded" ;;
    "write "*) echo "${line#write }" > note ;;
    *) echo "said $line" ;;
  esac
done
"#;

pub struct Bench {
    pub world: World,
    pub spec: ServerSpec,
}

pub fn spec() -> ServerSpec {
    ServerSpec {
        server: Rng::system().id(&Clock::system()),
        slug: "craft".parse().unwrap(),
        generation: 1,
        runtime: ServerRuntime::Process,
        startup: Startup::Argv { argv: ["sh", "server.sh"].map(str::to_owned).to_vec() },
        env: vec![EnvVar { name: "MOTD".to_owned(), value: "a word of the day".to_owned() }],
        secrets: Vec::new(),
        edits: Vec::new(),
        ready: Ready {
            lines: vec![Match::Text { text: "listening".to_owned() }],
            strip_ansi: false,
            within: Millis::secs(20),
        },
        stop: Stop::Command { line: "stop".to_owned(), grace: Millis::secs(20) },
        restart: RestartRule::default(),
        limits: ServerLimits { pids: Some(64), ..ServerLimits::default() },
        allocations: Vec::new(),
        denied: Vec::new(),
        suspended: false,
    }
}

/// Puts the server's program where it belongs.
pub fn script() -> InstallScript {
    InstallScript {
        image: None,
        entrypoint: "ash".to_owned(),
        script: format!("set -e\r\necho setting up\r\ncat > server.sh <<'END'\n{SERVER}END\n"),
    }
}

impl Bench {
    /// A node with a server that is installed.
    pub async fn new() -> Self {
        let bench = Self { world: World::running().await, spec: spec() };
        bench.watch().await;
        bench
    }

    pub async fn installed() -> Self {
        let mut bench = Self { world: World::running().await, spec: spec() };
        bench.succeeds(ServerVerb::Install { script: Some(script()), wipe: false }).await;
        bench.watch().await;
        bench
    }

    /// One whose `MODE` is this.
    pub async fn in_mode(mode: &str) -> Self {
        let mut bench = Self { world: World::running().await, spec: spec() };
        bench.mode(mode);
        bench.succeeds(ServerVerb::Install { script: Some(script()), wipe: false }).await;
        bench.watch().await;
        bench
    }

    pub fn mode(&mut self, mode: &str) {
        self.spec.env.retain(|var| var.name != "MODE");
        self.spec.env.push(EnvVar { name: "MODE".to_owned(), value: mode.to_owned() });
    }

    pub fn order(&mut self, verb: ServerVerb) -> Order {
        self.spec.generation += 1;
        Order::ServerAction(Box::new(ServerAction { spec: self.spec.clone(), verb, time_limit: Millis::secs(60) }))
    }

    pub fn send(&mut self, verb: ServerVerb) -> CommandId {
        let order = self.order(verb);
        self.world.plane.order(order, Guard::default())
    }

    pub async fn run(&mut self, verb: ServerVerb) -> Outcome {
        let order = self.order(verb);
        self.world.plane.run(order).await
    }

    pub async fn succeeds(&mut self, verb: ServerVerb) -> ServerReport {
        let outcome = self.run(verb).await;
        let words = (outcome.fault.as_ref(), self.said());
        assert_eq!(outcome.verdict, Verdict::Succeeded, "{words:?}\n{}", self.world.log());
        told(&outcome)
    }

    /// Fails with this code; answers the message.
    pub async fn fails(&mut self, verb: ServerVerb, code: &str) -> String {
        let outcome = self.run(verb).await;
        let fault = outcome.fault.unwrap_or_else(|| panic!("it did not fail with {code}"));
        assert_eq!(fault.code, code, "{fault:?}");
        fault.message
    }

    pub fn command(line: &str) -> ServerVerb {
        ServerVerb::Command { line: line.to_owned() }
    }

    pub async fn says(&mut self, line: &str) {
        self.succeeds(Self::command(line)).await;
    }

    pub async fn report(&self) -> ServerReport {
        match self.world.plane.ask(Query::Server { server: self.spec.server }).await {
            Reply::Server(report) => *report,
            other => panic!("{other:?}"),
        }
    }

    pub async fn page(&self, after: Option<u64>, lines: u16, time: Option<Millis>) -> ConsoleChunk {
        let wanted = ConsoleWanted { server: self.spec.server, after, lines, time };
        match self.world.plane.ask(Query::Console(wanted)).await {
            Reply::Console(chunk) => *chunk,
            other => panic!("{other:?}"),
        }
    }

    /// Has everything pushed that comes from now on, with a little of what was before.
    pub async fn watch(&self) {
        let wanted = ConsoleWanted { server: self.spec.server, after: None, lines: 1, time: Some(Millis::secs(120)) };
        drop(self.world.plane.ask(Query::Console(wanted)).await);
    }

    /// Waits until so many pushed lines hold `text`.
    pub async fn line(&self, text: &str, times: usize) {
        let server = self.spec.server;
        let come = self.world.plane.until(text, |state| {
            let mine = state.consoles.iter().filter(|output| output.server == server);
            let lines = mine.flat_map(|output| &output.lines);
            (lines.filter(|line| line.text.contains(text)).count() >= times).then_some(())
        });
        let come = tokio::time::timeout(LIMIT / 2, come).await;
        assert!(come.is_ok(), "no {text:?}: {}\n{}", self.said(), self.world.log());
    }

    /// Waits until the node tells that it is so.
    pub async fn until(&self, what: impl Fn(&ServerReport) -> bool) -> ServerReport {
        let server = self.spec.server;
        let find = |event: &sf_protocol::report::StatusUpdate| match &event.event {
            NodeEvent::Server { report } if report.server == server && what(report) => Some(report.clone()),
            _ => None,
        };
        self.world.plane.until("a state", |state| state.events.iter().rev().find_map(find)).await
    }

    pub fn folder(&self) -> PathBuf {
        self.world.state().join("servers").join(self.spec.server.to_string())
    }

    /// The whole console, for a test that fails.
    fn said(&self) -> String {
        let files = std::fs::read_dir(self.folder().join("log")).into_iter().flatten().flatten();
        files.map(|file| std::fs::read_to_string(file.path()).unwrap_or_default()).collect()
    }

    pub fn files(&self) -> PathBuf {
        self.folder().join("files")
    }

    /// The pid of its process, as its shim has it.
    pub fn pid(&self) -> i32 {
        let text = std::fs::read_to_string(self.folder().join("run/state.json")).unwrap();
        let state: serde_json::Value = serde_json::from_str(&text).unwrap();
        state["child"]["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()).unwrap_or(0)
    }

    /// Command lines of what runs with this server's mark in its environment.
    pub fn left(&self) -> Vec<String> {
        let mark = self.folder().display().to_string();
        let read = |path: PathBuf| String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned();
        let all = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
        all.filter(|process| read(process.join("environ")).contains(&mark))
            .map(|process| read(process.join("cmdline")))
            .collect()
    }

    pub async fn again(&mut self) {
        let connections = self.world.plane.state(|state| state.connections);
        self.world.start(None).await;
        self.world.plane.connected(connections).await;
        self.watch().await;
    }
}

pub fn told(outcome: &Outcome) -> ServerReport {
    match &outcome.facts {
        Facts::Server { server: Some(report) } => (**report).clone(),
        other => panic!("facts of a server: {other:?}"),
    }
}

pub fn is(state: ServerState) -> impl Fn(&ServerReport) -> bool {
    move |report| report.state == state
}

/// Installed, and nothing runs.
pub fn at_rest(report: &ServerReport) -> bool {
    (report.state, report.install) == (ServerState::Stopped, InstallState::Installed)
}
