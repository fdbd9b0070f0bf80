//! Clients of Pterodactyl: their reads, and attacks on their socket.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sf_protocol::Frame;
use sf_protocol::handshake::ServerOpen;
use sf_protocol::report::{LogLine, NodeEvent, Stream};
use sf_protocol::server::{ConsoleOutput, InstallState, ServerReport, ServerState};
use sf_types::NodeId;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::people::notifications::alerts::Machine;
use crate::sockets::serve;
use crate::world::{Panel, World};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

struct App(WebSocketStream<MaybeTlsStream<TcpStream>>);

async fn open(address: SocketAddr, server: &str, origin: Option<&str>) -> Result<App, u16> {
    let mut request = format!("ws://{address}/api/servers/{server}/ws").into_client_request().unwrap();
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", origin.parse().unwrap());
    }
    match connect_async(request).await {
        Ok((stream, _)) => Ok(App(stream)),
        Err(Error::Http(response)) => Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

impl App {
    async fn say(&mut self, text: impl Into<String>) {
        // One that is being closed hears nothing.
        drop(self.0.send(Message::Text(text.into().into())).await);
    }

    async fn send(&mut self, event: &str, arg: &str) {
        self.say(json!({ "event": event, "args": [arg] }).to_string()).await;
    }

    /// The next frame as event and first argument; `Err` is the close code, 0 for none.
    async fn next(&mut self) -> Result<(String, String), u16> {
        loop {
            match tokio::time::timeout(PATIENCE, self.0.next()).await.expect("an answer in time") {
                Some(Ok(Message::Text(text))) => {
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    let args = frame["args"].as_array().unwrap();
                    assert!(args.iter().all(Value::is_string), "{frame}");
                    let first = args.first().and_then(Value::as_str).unwrap_or_default();
                    return Ok((frame["event"].as_str().unwrap().to_owned(), first.to_owned()));
                }
                Some(Ok(Message::Close(frame))) => return Err(frame.map_or(0, |frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(0),
            }
        }
    }

    /// Goes on until it hears this event.
    async fn hears(&mut self, event: &str) -> String {
        loop {
            let (heard, arg) = self.next().await.unwrap_or_else(|code| panic!("closed with {code} before {event}"));
            if heard == event {
                return arg;
            }
        }
    }

    async fn closes(&mut self) -> u16 {
        loop {
            if let Err(code) = self.next().await {
                return code;
            }
        }
    }
}

struct Bench {
    world: World,
    node: NodeId,
    panel: Panel,
    address: SocketAddr,
}

impl Bench {
    async fn new() -> Self {
        let world = World::new().await;
        let node = world.node("box").await;
        let panel = world.panel(node).await;
        let address = serve(&world).await;
        Self { world, node, panel, address }
    }

    async fn token(&self) -> String {
        self.world.get(&self.path("/websocket")).await.body["data"]["token"].as_str().unwrap().to_owned()
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/client/servers/{}{rest}", self.panel.server)
    }

    async fn open(&self) -> App {
        open(self.address, &self.panel.server, None).await.unwrap()
    }

    async fn known(&self) -> App {
        let mut app = self.open().await;
        app.send("auth", &self.token().await).await;
        app.hears("auth success").await;
        app
    }
}

#[tokio::test]
async fn what_such_an_app_asks_first_is_answered_in_its_words() {
    let bench = Bench::new().await;
    let list = bench.world.get("/api/client").await.body;
    assert_eq!((&list["object"], &list["meta"]["pagination"]["total"]), (&json!("list"), &json!(1)));
    let attributes = &list["data"][0]["attributes"];
    assert_eq!((&attributes["identifier"], &attributes["name"]), (&json!(bench.panel.server), &json!("tiny")));
    assert_eq!(attributes["relationships"]["allocations"]["data"].as_array().unwrap().len(), 2);
    assert_eq!(bench.world.get("/api/client?filter[name]=none&per_page=2&x=y").await.body["data"], json!([]));
    assert_eq!(bench.world.get("/api/client?page=2").await.body["data"], json!([]));
    let one = bench.world.get(&bench.path("")).await.body;
    assert_eq!(one["meta"]["is_server_owner"], true);
    assert!(one["meta"]["user_permissions"].as_array().unwrap().contains(&json!("control.console")));
    let resources = bench.world.get(&bench.path("/resources")).await.body;
    assert_eq!(resources["attributes"]["current_state"], "offline");
    let socket = bench.world.get(&bench.path("/websocket")).await.body["data"]["socket"].clone();
    assert_eq!(socket, format!("ws://localhost/api/servers/{}/ws", bench.panel.server));
    let post = |rest: &'static str, body: Value| async { bench.world.post(&bench.path(rest), body).await };
    assert_eq!(post("/command", json!({ "command": "say x" })).await.status, StatusCode::SERVICE_UNAVAILABLE);
    let bad = post("/power", json!({ "signal": "reboot" })).await;
    assert_eq!((bad.status, &bad.body["errors"][0]["status"]), (StatusCode::BAD_REQUEST, &json!("400")));
    let none = bench.world.get("/api/client/servers/0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b").await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    assert_eq!(bench.world.get("/api/client/servers/0193a1b2").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn turned_off_nothing_of_it_is_there() {
    let world = World::with(|options| options.pterodactyl_clients = false).await;
    let panel = world.panel(world.node("box").await).await;
    let address = serve(&world).await;
    for path in ["", "/account", &format!("/servers/{}", panel.server), &format!("/servers/{}/websocket", panel.server)]
    {
        assert_eq!(world.get(&format!("/api/client{path}")).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(open(address, &panel.server, None).await.err(), Some(404));
}

#[tokio::test]
async fn a_token_is_for_one_console_and_nothing_else() {
    let bench = Bench::new().await;
    let (world, token) = (&bench.world, bench.token().await);
    for path in ["/api/v1/servers", "/api/client", "/api/v1/auth/me"] {
        let answer = world.send(Method::GET, path, Some(&token), None).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    let bearer = ("authorization", format!("Bearer {token}"));
    assert_eq!(crate::sockets::open(bench.address, &[bearer]).await.err(), Some(401));
    // Neither another server's, nor a token of the API, nor one that somebody has changed, nor a key itself.
    let mut other = open(bench.address, "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b", None).await.unwrap();
    other.send("auth", &token).await;
    assert!(other.hears("jwt error").await.contains("another endpoint"));
    let key = world.post("/api/v1/tokens", json!({ "name": "phone", "days": 1 })).await.expect(201);
    let cut = &token[..token.len() - 3];
    for bad in [world.token.as_str(), cut, "", key["secret"].as_str().unwrap()] {
        let mut app = bench.open().await;
        app.send("auth", bad).await;
        app.hears("jwt error").await;
    }
    // Somebody who may not see the console gets none.
    let tenant = world.tenant().await;
    let looks = world.member(tenant, "looks@example.org", &[sf_actions::Permission::ServerView]).await;
    let answer = world.send(Method::GET, &bench.path("/websocket"), Some(&looks), None).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_token_that_has_ended_shows_nothing_and_is_renewed_or_closes() {
    let bench = Bench::new().await;
    let mut app = bench.known().await;
    let old = bench.token().await;
    bench.world.clock.set(bench.world.clock.now().plus(Duration::from_secs(9 * 60 + 30)));
    app.hears("token expiring").await;
    bench.world.clock.set(bench.world.clock.now().plus(Duration::from_secs(60)));
    app.hears("token expired").await;
    app.send("set state", "kill").await;
    assert_eq!(app.hears("jwt error").await, "the token has expired");
    let mut late = bench.open().await;
    late.send("auth", &old).await;
    assert!(late.hears("jwt error").await.contains("expired"));
    app.send("auth", &bench.token().await).await;
    app.hears("auth success").await;
    bench.world.clock.set(bench.world.clock.now().plus(Duration::from_secs(11 * 60)));
    app.hears("token expired").await;
    assert_eq!(app.closes().await, 1008, "nobody said again who it is");
}

#[tokio::test]
async fn a_socket_ends_with_its_session_and_its_token_with_it() {
    let bench = Bench::new().await;
    let mut app = bench.known().await;
    let token = bench.token().await;
    let out = bench.world.send(Method::POST, "/api/v1/auth/logout", Some(&bench.world.token), None).await;
    assert_eq!(out.status, StatusCode::OK);
    let ended = tokio::time::timeout(Duration::from_secs(5), app.closes()).await.expect("within 5 s");
    assert_eq!(ended, 4401);
    let mut again = bench.open().await;
    again.send("auth", &token).await;
    again.hears("jwt error").await;
}

#[tokio::test]
async fn nothing_is_heard_before_it_says_who_it_is() {
    let bench = Bench::new().await;
    let runs = || async { bench.world.get("/api/v1/runs").await.expect(200).as_array().unwrap().len() };
    let before = runs().await;
    for text in [
        r#"{"event":"set state","args":["kill"]}"#,
        r#"{"event":"send logs","args":[]}"#,
        r#"{"event":"auth","args":[7]}"#,
        "nonsense",
    ] {
        let mut app = bench.open().await;
        app.say(text).await;
        assert_eq!(app.closes().await, 1008, "{text}");
    }
    // More than it may say at once ends it, whatever it is.
    let mut app = bench.open().await;
    app.say(json!({ "event": "auth", "args": ["x".repeat(64 * 1024)] }).to_string()).await;
    assert_ne!(app.closes().await, 1000);
    // Ten of a network may be undecided, and one that decides makes room.
    let mut undecided = Vec::new();
    let refused = loop {
        match open(bench.address, &bench.panel.server, None).await {
            Ok(app) => undecided.push(app),
            Err(status) => break status,
        }
    };
    // One from before may just be on its way out.
    assert!(refused == 429 && (9..=10).contains(&undecided.len()), "{refused} after {}", undecided.len());
    undecided[0].send("auth", &bench.token().await).await;
    undecided[0].hears("auth success").await;
    let room = async { while open(bench.address, &bench.panel.server, None).await.is_err() {} };
    tokio::time::timeout(PATIENCE, room).await.unwrap();
    // And none of them for long.
    assert_eq!(undecided[1].closes().await, 1008);
    assert_eq!(runs().await, before);
    let foreign = open(bench.address, &bench.panel.server, Some("https://evil.example.org")).await;
    assert_eq!(foreign.err(), Some(403));
}

#[tokio::test]
async fn what_is_asked_too_often_is_left_out_and_a_flood_ends() {
    let bench = Bench::new().await;
    let mut app = bench.known().await;
    for bad in [r#"{"event":"set state","args":[{"state":"kill"}]}"#, r#"{"event":"send command","args":"x"}"#] {
        app.say(bad).await;
        assert!(app.hears("daemon error").await.contains("refused"), "{bad}");
    }
    app.send("set state", "reboot").await;
    app.hears("daemon error").await;
    for _ in 0..3 {
        app.send("send logs", "").await;
    }
    assert_eq!(app.hears("throttled").await, "send logs");
    let mut flood = bench.known().await;
    for _ in 0..300 {
        flood.send("send stats", "").await;
    }
    assert_eq!(flood.closes().await, 1008);
}

#[tokio::test]
async fn an_installation_and_a_flood_are_told_as_wings_tells_them() {
    let bench = Bench::new().await;
    let (world, server) = (&bench.world, bench.panel.server.parse().unwrap());
    let mut machine = Machine::of(world, bench.node).await;
    let is = |install| NodeEvent::Server {
        report: ServerReport {
            server,
            generation: 1,
            state: ServerState::Stopped,
            install,
            since: world.clock.now(),
            reason: String::new(),
            restarts: 0,
            stopped_by: None,
            enforced: Vec::new(),
            disk_bytes: 0,
        },
    };
    let says = async |open: &ServerOpen, sequence, text: &str, skipped| {
        let line = LogLine { sequence, at: world.clock.now(), stream: Stream::Out, text: text.to_owned() };
        let output = ConsoleOutput { server, lines: vec![line], skipped, sample: None };
        world.control.receive(open, Frame::ConsoleOutput(output)).await.unwrap();
    };
    let mut app = bench.known().await;
    assert_eq!(app.hears("status").await, "offline");
    machine.tells(is(InstallState::Installing)).await;
    assert_eq!(app.hears("install started").await, "");
    says(&machine.open, 1, "unpacking", 0).await;
    assert_eq!(app.hears("install output").await, "unpacking");
    machine.tells(is(InstallState::Installed)).await;
    assert_eq!(app.hears("install completed").await, "");
    // What its machine left out is counted; what it says twice is told once.
    says(&machine.open, 900, "the newest", 898).await;
    assert!(app.hears("daemon message").await.starts_with("898 lines were left out"));
    assert_eq!(app.hears("console output").await, "the newest");
    says(&machine.open, 900, "the newest", 0).await;
    says(&machine.open, 901, "and on", 0).await;
    assert_eq!(app.hears("console output").await, "and on");
}

#[tokio::test]
async fn a_token_gives_no_more_than_its_holder_has_then() {
    let bench = Bench::new().await;
    let (world, server) = (&bench.world, &bench.panel.server);
    let tenant = world.tenant().await;
    let watcher = [sf_actions::Permission::ServerView, sf_actions::Permission::ConsoleView];
    let token = world.member(tenant, "watch@example.org", Box::leak(Box::new(watcher))).await;
    let given = world.send(Method::GET, &bench.path("/websocket"), Some(&token), None).await;
    let mut app = open(bench.address, server, None).await.unwrap();
    app.send("auth", given.body["data"]["token"].as_str().unwrap()).await;
    app.hears("auth success").await;
    assert_eq!(app.hears("status").await, "offline");
    let mut stats: Value = serde_json::from_str(&app.hears("stats").await).unwrap();
    assert_eq!((stats["state"].take(), stats["memory_bytes"].take()), (json!("offline"), json!(0)));
    app.send("set state", "start").await;
    assert!(app.hears("daemon error").await.contains("control.start"));
    // What may be done waits for its machine as by any other way.
    let mut own = bench.known().await;
    let scope = sf_types::Scope::Tenant(tenant);
    let mut told = world.control.bus().subscribe(scope, [sf_bus::Topic::Tenant(tenant)]).unwrap();
    own.send("set state", "start").await;
    let opened = async {
        while let Some(delivery) = told.next().await {
            if matches!(&delivery, sf_bus::Delivery::Event(event) if event.name.as_ref() == "run.update") {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, opened).await.unwrap();
    let runs = world.get("/api/v1/runs").await.expect(200);
    assert!(runs.as_array().unwrap().iter().any(|run| run["action"] == "server.start"), "{runs}");
}
