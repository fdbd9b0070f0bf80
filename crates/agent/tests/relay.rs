//! Relays with real apps behind them and real clients before them.

#![expect(clippy::unwrap_used, reason = "the steps of a test may fail loudly, outside its own function too")]

#[path = "relay/gone.rs"]
mod gone;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader as StdReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sf_agent::confine::{Confinement, Identity, TcpRule};
use sf_agent::relay::{Options, Pointer, RelayError, RelaySpec, RelayStatus, Relays, SPEC_VERSION, Target};
use sf_protocol::app::TrafficMode;
use sf_runtime::{Clock, Rng, Tasks};
use sf_types::{AppId, Millis};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

const LIMIT: Duration = Duration::from_secs(60);
const PROGRAM: &str = env!("CARGO_BIN_EXE_sf-agent-modes");

struct World {
    dir: tempfile::TempDir,
    relays: Relays,
    tasks: Tasks,
    app: AppId,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        // The relay's user has to reach the site, as it has to reach releases.
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
        std::fs::create_dir(dir.path().join("site")).unwrap();
        let tasks = Tasks::new();
        let relays = Self::relays(&dir, &tasks);
        Self { dir, relays, tasks, app: Rng::system().id(&Clock::system()) }
    }

    fn relays(dir: &tempfile::TempDir, tasks: &Tasks) -> Relays {
        let (program, tasks) = (PathBuf::from(PROGRAM), tasks.clone());
        Relays::new(Options { dir: dir.path().join("relay"), program, tasks })
    }

    fn spec(&self, mode: TrafficMode, port: u16) -> RelaySpec {
        let (version, address) = (SPEC_VERSION, "127.0.0.1".parse().unwrap());
        RelaySpec { version, app: self.app, address, port, mode, confinement: self.confinement() }
    }

    /// As the agent confines them: in reach of one folder, and as another user where this runs as root.
    fn confinement(&self) -> Confinement {
        let user = nix::unistd::geteuid().is_root().then_some(Identity { uid: 269_920, gid: 269_921 });
        Confinement {
            read_only: vec![self.site()],
            tcp_bind: TcpRule::Ports(Vec::new()),
            user,
            rlimits: Default::default(),
            ..Confinement::strict()
        }
    }

    fn site(&self) -> PathBuf {
        self.dir.path().join("site")
    }

    async fn start(&self, mode: TrafficMode) -> RelayStatus {
        within(self.relays.ensure(&self.spec(mode, 0))).await.unwrap()
    }

    async fn point(&self, target: Target) {
        within(self.relays.switch(self.app, Pointer { release: None, target })).await.unwrap();
    }
}

/// Ends what a failed test leaves behind.
impl Drop for World {
    fn drop(&mut self) {
        let state = self.dir.path().join(format!("relay/{}/state.json", self.app));
        let Ok(bytes) = std::fs::read(state) else { return };
        let status: RelayStatus = serde_json::from_slice(&bytes).unwrap();
        if status.relay.is_alive() {
            let _ = kill(Pid::from_raw(status.relay.pid), Signal::SIGKILL);
        }
    }
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, work).await.expect("it hangs")
}

/// A running app, killed at the end.
struct App {
    child: Child,
    port: u16,
}

impl App {
    fn start(name: &str) -> Self {
        Self::start_on(name, 0)
    }

    fn start_on(name: &str, port: u16) -> Self {
        let mut child =
            Command::new(PROGRAM).args(["http", name, &port.to_string()]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        StdReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().rsplit(' ').next().unwrap().parse().unwrap();
        Self { child, port }
    }

    fn target(&self) -> Target {
        Target::Port { port: self.port }
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client that keeps its connection.
struct Client(BufReader<TcpStream>);

impl Client {
    async fn connect(port: u16) -> Self {
        Self(BufReader::new(TcpStream::connect(("127.0.0.1", port)).await.unwrap()))
    }

    async fn send(&mut self, request: &str) -> std::io::Result<()> {
        self.0.get_mut().write_all(request.as_bytes()).await
    }

    async fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        match self.0.read_line(&mut line).await? {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim_end().to_owned()),
        }
    }

    /// Status, head in lower case.
    async fn head(&mut self) -> std::io::Result<(u16, String)> {
        let status = self.line().await?.split(' ').nth(1).unwrap().parse().unwrap();
        let mut head = String::new();
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                return Ok((status, head));
            }
            head.push_str(&line.to_ascii_lowercase());
            head.push('\n');
        }
    }

    async fn fetch(&mut self, request: &str) -> std::io::Result<(u16, String, String)> {
        self.send(request).await?;
        let (status, head) = self.head().await?;
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await?;
        Ok((status, head, String::from_utf8(body).unwrap()))
    }

    async fn get(&mut self, path: &str) -> (u16, String, String) {
        within(self.fetch(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"))).await.unwrap()
    }
}

/// Every deploy makes sure of its relay: none may leave a connection behind, of which a relay serves few.
#[tokio::test]
async fn a_relay_is_made_sure_of_as_often_as_one_likes() {
    let world = World::new();
    let first = world.start(TrafficMode::Http).await;
    for nth in 0..100 {
        let again = within(world.relays.ensure(&world.spec(TrafficMode::Http, first.port))).await;
        assert_eq!(again.unwrap_or_else(|error| panic!("{nth}: {error}")).relay, first.relay);
    }
    // It is still watched: killed, it comes back.
    kill(Pid::from_raw(first.relay.pid), Signal::SIGKILL).unwrap();
    let back = async {
        loop {
            match world.relays.status(world.app).await {
                Ok(status) if status.relay != first.relay => break status,
                _ => tokio::task::yield_now().await,
            }
        }
    };
    assert_eq!(within(back).await.port, first.port);
}

#[tokio::test]
async fn who_was_refused_a_port_gets_another_one_at_once() {
    let world = World::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    for nth in 0..100 {
        let refused = world.relays.ensure(&world.spec(TrafficMode::Http, taken.local_addr().unwrap().port())).await;
        assert!(matches!(refused, Err(RelayError::PortTaken { .. })), "{nth}: {refused:?}");
        let given = world.relays.ensure(&world.spec(TrafficMode::Http, 0)).await;
        assert!(given.is_ok(), "{nth}: {given:?}");
        world.relays.stop(world.app, Millis(0)).await.unwrap();
    }
}

/// Fifty deploys as they happen: a new app starts, the relay switches, the old one is drained and killed. Four
/// clients ask all the time over kept connections.
#[tokio::test]
async fn fifty_switches_under_load_lose_nothing() {
    const SWITCHES: usize = 50;
    let world = World::new();
    let port = world.start(TrafficMode::Http).await.port;
    let mut app = App::start("r0");
    world.point(app.target()).await;
    let (done, answered, seen) = (Cell::new(false), Cell::new(0_u64), RefCell::new(BTreeSet::new()));
    let load = |body: &'static str| {
        let (done, answered, seen) = (&done, &answered, &seen);
        async move {
            let mut client = Client::connect(port).await;
            let post = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            let get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_owned();
            while !done.get() {
                let request = if body.is_empty() { &get } else { &post };
                let (status, _, text) = client.fetch(request).await.expect("no connection error");
                let (name, length) = text.split_once(':').unwrap();
                assert_eq!((status, length), (200, body.len().to_string().as_str()));
                seen.borrow_mut().insert(name.to_owned());
                answered.set(answered.get() + 1);
            }
        }
    };
    // More answers than there are clients, so that some were asked for after the last switch.
    let some_load = async || {
        let before = answered.get();
        while answered.get() < before + 8 {
            tokio::task::yield_now().await;
        }
    };
    let switches = async {
        for round in 1..=SWITCHES {
            some_load().await;
            let next = App::start(&format!("r{round}"));
            world.point(next.target()).await;
            let drained = world.relays.drain(world.app, Millis::secs(20)).await.unwrap();
            assert_eq!(drained.in_flight, 0);
            drop(std::mem::replace(&mut app, next));
        }
        some_load().await;
        done.set(true);
    };
    within(async { tokio::join!(load(""), load(""), load("four"), load("a longer body"), switches) }).await;
    assert_eq!(seen.borrow().len(), SWITCHES + 1);
    let status = world.relays.status(world.app).await.unwrap();
    assert_eq!((status.requests, status.errors.len(), status.in_flight), (answered.get(), 0, 0));
    within(world.relays.stop(world.app, Millis::secs(5))).await.unwrap();
}

#[tokio::test]
async fn a_streaming_answer_spans_a_switch() {
    let world = World::new();
    let port = world.start(TrafficMode::Http).await.port;
    let (old, new) = (App::start("old"), App::start("new"));
    world.point(old.target()).await;
    let gate = world.dir.path().join("gate");
    nix::unistd::mkfifo(&gate, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let mut client = Client::connect(port).await;
    client.send(&format!("GET /slow?{} HTTP/1.1\r\nHost: x\r\n\r\n", gate.display())).await.unwrap();
    assert_eq!(within(client.head()).await.unwrap().0, 200);
    let mut chunks = Vec::new();
    for round in 0..3 {
        within(client.line()).await.unwrap();
        chunks.push(within(client.line()).await.unwrap());
        if round == 0 {
            world.point(new.target()).await;
            assert_eq!(Client::connect(port).await.get("/").await.2, "new:0");
            let drained = world.relays.drain(world.app, Millis(30)).await.unwrap();
            assert_eq!(drained.in_flight, 1);
        }
        if round < 2 {
            let gate = gate.clone();
            tokio::task::spawn_blocking(move || std::fs::write(gate, "go")).await.unwrap().unwrap();
        }
    }
    assert_eq!(chunks, ["old0", "old1", "old2"]);
    let drained = world.relays.drain(world.app, Millis::secs(20)).await.unwrap();
    assert_eq!(drained.in_flight, 0);
    // The same client connection now reaches the new release.
    within(client.line()).await.unwrap();
    within(client.line()).await.unwrap();
    assert_eq!(client.get("/").await.2, "new:0");
    within(world.relays.stop(world.app, Millis::secs(5))).await.unwrap();
}

#[tokio::test]
async fn an_upgraded_connection_passes_through_and_is_counted() {
    let world = World::new();
    let port = world.start(TrafficMode::Http).await.port;
    let app = App::start("a");
    world.point(app.target()).await;
    let mut client = Client::connect(port).await;
    client.send("GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n").await.unwrap();
    let (status, head) = within(client.head()).await.unwrap();
    assert_eq!(status, 101);
    assert!(head.contains("upgrade: echo"), "{head}");
    client.send("there and back\n").await.unwrap();
    assert_eq!(within(client.line()).await.unwrap(), "there and back");
    world.point(Target::Nothing).await;
    assert_eq!(world.relays.drain(world.app, Millis(10)).await.unwrap().in_flight, 1);
    drop(client);
    assert_eq!(world.relays.drain(world.app, Millis::secs(20)).await.unwrap().in_flight, 0);
    within(world.relays.stop(world.app, Millis::secs(5))).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_answered_is_said_plainly() {
    let world = World::new();
    let port = world.start(TrafficMode::Http).await.port;
    let mut client = Client::connect(port).await;
    let (status, head, text) = client.get("/").await;
    assert_eq!((status, text.as_str()), (503, "This app is stopped.\n"));
    assert!(head.contains("retry-after: "), "{head}");
    let site = world.site();
    std::fs::write(site.join("index.html"), "<h1>hi</h1>").unwrap();
    world.point(Target::Folder { path: site }).await;
    assert_eq!(client.get("/").await.2, "<h1>hi</h1>");
    let app = App::start("a");
    world.point(app.target()).await;
    assert_eq!(client.get("/broken").await.0, 500);
    let forged = "GET /forwarded HTTP/1.1\r\nHost: shop\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n";
    let (_, _, seen) = within(client.fetch(forged)).await.unwrap();
    let seen = seen.to_ascii_lowercase();
    assert_eq!(seen, "x-forwarded-for: 127.0.0.1;x-forwarded-proto: http;x-forwarded-host: shop;");
    let huge = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "y".repeat(100_000));
    assert_eq!(within(Client::connect(port).await.fetch(&huge)).await.unwrap().0, 431);
    let too_long = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n";
    assert_eq!(within(Client::connect(port).await.fetch(too_long)).await.unwrap().0, 413);
    within(world.relays.stop(world.app, Millis::secs(5))).await.unwrap();
}

#[tokio::test]
async fn a_relay_that_is_taken_over_has_nothing_but_its_sockets_and_its_site() {
    let world = World::new();
    let status = world.start(TrafficMode::Http).await;
    let text = std::fs::read_to_string(format!("/proc/{}/status", status.relay.pid)).unwrap();
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!((field("NoNewPrivs:"), field("Seccomp:")), (vec!["1".to_owned()], vec!["2".to_owned()]));
    if nix::unistd::geteuid().is_root() {
        assert_eq!((field("Uid:"), field("Gid:")), (vec!["269920".to_owned(); 4], vec!["269921".to_owned(); 4]));
        assert_eq!((field("CapEff:"), field("CapBnd:"), field("Groups:")), {
            let none = vec!["0".repeat(16)];
            (none.clone(), none, vec![])
        });
    }
    let secret = world.dir.path().join("secret");
    std::fs::create_dir(&secret).unwrap();
    std::fs::write(secret.join("index.html"), "secret").unwrap();
    let mut client = Client::connect(status.port).await;
    if sf_agent::confine::landlock::kernel_abi() > 0 {
        world.point(Target::Folder { path: secret }).await;
        assert_ne!(client.get("/").await.0, 200);
    }
    std::fs::write(world.site().join("index.html"), "site").unwrap();
    world.point(Target::Folder { path: world.site() }).await;
    assert_eq!(client.get("/").await.2, "site");
    within(world.relays.stop(world.app, Millis(0))).await.unwrap();
}

#[tokio::test]
async fn requests_wait_for_an_app_that_is_restarting_and_for_a_hold() {
    let world = World::new();
    let port = world.start(TrafficMode::Http).await.port;
    let app = App::start("before");
    let own = app.port;
    world.point(app.target()).await;
    drop(app);
    let mut client = Client::connect(port).await;
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let _after = App::start_on("after", own);
    assert_eq!(within(client.head()).await.unwrap().0, 200);
    world.relays.hold(world.app, Millis::secs(30)).await.unwrap();
    let mut waiting = Client::connect(port).await;
    waiting.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    within(async { while world.relays.status(world.app).await.unwrap().waiting == 0 {} }).await;
    let other = App::start("other");
    world.point(other.target()).await;
    assert_eq!(within(waiting.head()).await.unwrap().0, 200);
    within(world.relays.stop(world.app, Millis::secs(5))).await.unwrap();
}

#[tokio::test]
async fn a_killed_relay_comes_back_on_its_port_with_its_pointer() {
    let world = World::new();
    let before = world.start(TrafficMode::Http).await;
    let app = App::start("a");
    world.point(app.target()).await;
    // The daemon ends, and a new one finds it as it is.
    world.tasks.stop(Duration::ZERO).await;
    let tasks = Tasks::new();
    let daemon = World::relays(&world.dir, &tasks);
    let adopted = within(daemon.adopt()).await;
    assert_eq!(adopted[0].1.as_ref().unwrap().relay, before.relay);
    kill(Pid::from_raw(before.relay.pid), Signal::SIGKILL).unwrap();
    let after = within(async {
        loop {
            match daemon.status(world.app).await {
                Ok(status) if status.relay != before.relay => return status,
                _ => tokio::task::yield_now().await,
            }
        }
    })
    .await;
    assert_eq!((after.port, after.pointer.target), (before.port, app.target()));
    assert_eq!(Client::connect(after.port).await.get("/").await.2, "a:0");
    within(daemon.stop(world.app, Millis(0))).await.unwrap();
}

#[tokio::test]
async fn a_proxy_on_this_machine_is_believed_once_asked_for_and_after_a_restart() {
    let world = World::new();
    let status = world.start(TrafficMode::Http).await;
    let app = App::start("a");
    world.point(app.target()).await;
    let mut client = Client::connect(status.port).await;
    let request =
        "GET /forwarded HTTP/1.1\r\nHost: shop\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\n\r\n";
    let believed = async |client: &mut Client| within(client.fetch(request)).await.unwrap().2.contains("6.6.6.6");
    assert!(!status.trusts_proxy && !believed(&mut client).await);
    // The same connection, so nothing was restarted.
    assert!(within(world.relays.trust_proxy(world.app, true)).await.unwrap().trusts_proxy);
    assert!(believed(&mut client).await);
    within(world.relays.stop(world.app, Millis(0))).await.unwrap();
    let status = world.start(TrafficMode::Http).await;
    assert!(status.trusts_proxy && believed(&mut Client::connect(status.port).await).await);
    within(world.relays.stop(world.app, Millis::secs(5))).await.unwrap();
}

#[tokio::test]
async fn a_taken_port_names_its_owner() {
    let world = World::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = within(world.relays.ensure(&world.spec(TrafficMode::Http, port))).await.unwrap_err().to_string();
    assert!(error.contains(&format!("port {port} is taken by")), "{error}");
    assert!(error.contains(&format!("(pid {})", std::process::id())), "{error}");
}

#[tokio::test]
async fn any_protocol_passes_byte_by_byte() {
    let world = World::new();
    let port = world.start(TrafficMode::Tcp).await.port;
    let echo = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    world.point(Target::Port { port: echo.local_addr().unwrap().port() }).await;
    let mut client = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let (mut app, _) = within(echo.accept()).await.unwrap();
    client.write_all(b"\0\xffping").await.unwrap();
    let mut bytes = [0; 6];
    within(app.read_exact(&mut bytes)).await.unwrap();
    assert_eq!(&bytes, b"\0\xffping");
    assert_eq!(world.relays.status(world.app).await.unwrap().in_flight, 1);
    app.write_all(b"pong").await.unwrap();
    drop(app);
    let mut answer = Vec::new();
    within(client.read_to_end(&mut answer)).await.unwrap();
    assert_eq!(answer, b"pong");
    drop(client);
    within(world.relays.stop(world.app, Millis::secs(5))).await.unwrap();
}
