//! The event socket over a real connection.

mod console;

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sf_actions::Permission;
use sf_bus::{Event, Topic};
use sf_protocol::report::{LogLine, LogSource, LogStream, Stream};
use sf_store::logs::LogOwner;
use sf_types::{AppId, RunId, Timestamp};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::world::World;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

pub async fn serve(world: &World) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = sf_api::serve(listener, world.router.clone(), sf_api::Serving::with(None), world.tasks.shutdown());
    world.tasks.spawn("api", sf_runtime::OnError::Stop, served);
    address
}

pub async fn open(address: std::net::SocketAddr, headers: &[(&str, String)]) -> Result<Socket, u16> {
    let mut request = format!("ws://{address}/api/v1/ws").into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    match connect_async(request).await {
        Ok((stream, _)) => Ok(Socket(stream)),
        Err(Error::Http(response)) => Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

async fn connect(world: &World, address: std::net::SocketAddr) -> Socket {
    open(address, &[("authorization", format!("Bearer {}", world.token))]).await.unwrap()
}

impl Socket {
    async fn say(&mut self, message: Value) {
        self.0.send(Message::Text(message.to_string().into())).await.unwrap();
    }

    /// The next message that is not about the connection itself; `Err` is the close code.
    async fn next(&mut self) -> Result<Value, u16> {
        loop {
            match tokio::time::timeout(PATIENCE, self.0.next()).await.expect("an answer in time") {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => return Err(frame.map_or(0, |frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(0),
            }
        }
    }

    /// What comes until the subscription is answered, and that answer.
    async fn subscribe(&mut self, wanted: Value) -> (Vec<Value>, Value) {
        self.say(json!({ "subscribe": wanted })).await;
        let mut before = Vec::new();
        loop {
            let message = self.next().await.unwrap();
            if message.get("subscribed").is_some() || message.get("error").is_some() {
                return (before, message);
            }
            before.push(message);
        }
    }
}

fn seqs(messages: &[Value]) -> Vec<u64> {
    messages.iter().map(|message| message["seq"].as_str().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn a_reader_who_was_away_misses_nothing_and_hears_nothing_twice() {
    let world = World::new().await;
    let address = serve(&world).await;
    let app = world.app("shop", world.node("n").await).await;
    let mut socket = connect(&world, address).await;
    let topics = json!(["runs", format!("app:{app}"), "apps"]);
    let (before, answer) = socket.subscribe(json!({ "topics": topics })).await;
    assert!(before.is_empty(), "{before:?}");
    let start: u64 = answer["subscribed"]["seq"].as_str().unwrap().parse().unwrap();
    let run = world.run(&app).await;
    let first = socket.next().await.unwrap();
    assert_eq!((first["event"].as_str(), first["data"]["id"].as_str()), (Some("run.update"), Some(run.as_str())));
    let last = seqs(std::slice::from_ref(&first))[0];
    assert!(last > start);
    drop(socket);
    for _ in 0..10 {
        world.run(&app).await;
    }
    let mut socket = connect(&world, address).await;
    let (missed, answer) = socket.subscribe(json!({ "topics": topics, "after": last.to_string() })).await;
    assert_eq!(answer["subscribed"]["topics"], topics);
    world.run(&app).await;
    let mut heard = seqs(&missed);
    heard.push(seqs(&[socket.next().await.unwrap()])[0]);
    let reader = world.control.store().read(sf_types::Scope::System);
    let (stored, _) = sf_store::events::after(&reader, last, &Default::default(), 1000).await.unwrap();
    assert_eq!(heard, stored.iter().map(|event| event.seq).collect::<Vec<_>>());
    // From the beginning, with a topic that was followed before: again in order, again once each.
    let (all, _) = socket.subscribe(json!({ "topics": ["runs"], "after": "0" })).await;
    let filter = sf_store::events::EventFilter { topics: vec!["runs".to_owned()] };
    let (stored, _) = sf_store::events::after(&reader, 0, &filter, 1000).await.unwrap();
    assert_eq!(seqs(&all), stored.iter().map(|event| event.seq).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_may_not_be_followed_is_refused_as_a_whole() {
    let world = World::new().await;
    let address = serve(&world).await;
    let theirs = world.stranger().await;
    let mut socket = connect(&world, address).await;
    for (topics, code) in [
        (json!(["runs", format!("app:{}", theirs.app)]), "app.not_found"),
        (json!([format!("run:{}", theirs.run)]), "run.not_found"),
        (json!([format!("logs:run:{}", theirs.run)]), "run.not_found"),
        (json!([format!("node:{}", theirs.node)]), "node.not_found"),
        (json!(["tenant"]), "events.topic"),
        (json!([]), "events.topics"),
    ] {
        let (_, answer) = socket.subscribe(json!({ "topics": topics })).await;
        assert_eq!(answer["error"]["code"], code, "{topics}");
    }
    let (_, answer) = socket.subscribe(json!({ "topics": ["runs"], "after": "x" })).await;
    assert_eq!(answer["error"]["code"], "events.after");
    socket.say(json!({ "nonsense": 1 })).await;
    assert_eq!(socket.next().await.unwrap()["error"]["code"], "events.message");
    socket.say(json!({ "ping": 7 })).await;
    assert_eq!(socket.next().await.unwrap(), json!({ "pong": 7 }));
    let nobody = world.member(world.tenant().await, "bo@example.org", &[]).await;
    let mut socket = open(address, &[("authorization", format!("Bearer {nobody}"))]).await.unwrap();
    let (_, answer) = socket.subscribe(json!({ "topics": ["approvals"] })).await;
    assert_eq!(answer["error"]["code"], "permission.missing");
}

#[tokio::test]
async fn a_browser_brings_its_token_in_a_protocol_and_comes_from_our_own_page() {
    let world = World::with(|options| options.sockets_per_principal = 2).await;
    let address = serve(&world).await;
    let protocol = ("sec-websocket-protocol", format!("serverflow.v1, serverflow.bearer.{}", world.token));
    let own = ("origin", format!("http://{address}"));
    let first = open(address, &[protocol.clone(), own.clone()]).await.unwrap();
    let foreign = ("origin", "https://evil.example.org".to_owned());
    assert_eq!(open(address, &[protocol.clone(), foreign]).await.err(), Some(403));
    assert_eq!(open(address, std::slice::from_ref(&own)).await.err(), Some(401));
    let garbage = ("authorization", "Bearer garbage".to_owned());
    assert_eq!(open(address, &[garbage]).await.err(), Some(401));
    let _second = connect(&world, address).await;
    assert_eq!(open(address, &[protocol.clone(), own.clone()]).await.err(), Some(429));
    drop(first);
}

#[tokio::test]
async fn a_slow_reader_is_told_of_its_gap_and_nobody_waits_for_it() {
    let world = World::new().await;
    let address = serve(&world).await;
    let (tenant, app) = (world.tenant().await, world.app("shop", world.node("n").await).await);
    let id: AppId = app.parse().unwrap();
    let mut slow = connect(&world, address).await;
    slow.subscribe(json!({ "topics": [format!("app:{app}")] })).await;
    let mut quick = connect(&world, address).await;
    quick.subscribe(json!({ "topics": [format!("app:{app}")] })).await;
    let data: std::sync::Arc<str> = json!({ "id": id, "padding": "x".repeat(32 * 1024) }).to_string().into();
    let event = |seq| Event {
        seq,
        tenant: Some(tenant),
        project: None,
        topics: vec![Topic::App(id)],
        name: "app.status.update".into(),
        at: Timestamp::from_millis(0),
        data: data.clone(),
    };
    // More than all buffers on the way hold. The quick one reads each before the next; the slow one reads nothing.
    let mut heard = 0;
    for seq in 1_000..2_500 {
        world.control.bus().publish(event(seq));
        assert_eq!(quick.next().await.unwrap()["seq"], seq.to_string());
        heard += 1;
    }
    assert_eq!(heard, 1_500);
    let mut gap = None;
    let mut told = Vec::new();
    while gap.is_none() {
        let message = slow.next().await.unwrap();
        match message["event"].as_str() {
            Some("lagged") => gap = Some(message),
            _ => told.push(message),
        }
    }
    let told = seqs(&told);
    assert!(told.is_sorted() && told.len() < 1_500);
    let from: u64 = gap.unwrap()["from"].as_str().unwrap().parse().unwrap();
    assert_eq!(from, told.last().unwrap() + 1, "the gap begins where the reader was");
}

#[tokio::test]
async fn a_socket_ends_soon_after_its_session() {
    let world = World::new().await;
    let address = serve(&world).await;
    let mut socket = connect(&world, address).await;
    socket.subscribe(json!({ "topics": ["runs"] })).await;
    let out = world.send(Method::POST, "/api/v1/auth/logout", Some(&world.token), None).await;
    assert_eq!(out.status, StatusCode::OK);
    let ended = tokio::time::timeout(Duration::from_secs(5), socket.next()).await.expect("within 5 s");
    assert_eq!(ended, Err(4401));
}

#[tokio::test]
async fn health_is_told_at_once_and_a_stop_says_goodbye() {
    let world = World::new().await;
    let address = serve(&world).await;
    let mut socket = connect(&world, address).await;
    let (before, _) = socket.subscribe(json!({ "topics": ["system"] })).await;
    let health = match before.into_iter().next() {
        Some(health) => health,
        None => socket.next().await.unwrap(),
    };
    assert_eq!(
        (health["event"].as_str(), health["data"]["status"].as_str()),
        (Some("system.health.status"), Some("healthy"))
    );
    world.tasks.shutdown().request();
    assert_eq!(socket.next().await, Err(1001));
}

#[tokio::test]
async fn lines_are_caught_up_with_and_each_is_told_once() {
    let world = World::new().await;
    let address = serve(&world).await;
    let app = world.app("shop", world.node("n").await).await;
    let run: RunId = world.run(&app).await.parse().unwrap();
    let tenant = world.tenant().await;
    let batch = |numbers: std::ops::RangeInclusive<u64>| LogStream {
        source: LogSource::Run { run },
        lines: numbers.map(line).collect(),
        dropped: 0,
    };
    let owner = LogOwner { tenant, project: None, app: None };
    let stored = batch(1..=2_500);
    let append = world.control.store().write(sf_types::Scope::System, move |tx| {
        Box::pin(async move { sf_store::logs::append(tx, owner, &stored).await.map(drop) })
    });
    append.await.unwrap();
    let mut socket = connect(&world, address).await;
    let topic = format!("logs:run:{run}");
    let (told, _) = socket.subscribe(json!({ "topics": [topic], "afterLine": "2" })).await;
    let numbers = |messages: &[Value]| -> Vec<u64> {
        let lines = messages.iter().flat_map(|message| message["data"]["lines"].as_array().unwrap().clone());
        lines.map(|line| line["sequence"].as_u64().unwrap()).collect()
    };
    assert_eq!(numbers(&told), (3..=2_500).collect::<Vec<_>>());
    world.control.bus().publish(Event {
        seq: 0,
        tenant: Some(tenant),
        project: None,
        topics: vec![Topic::Run(run)],
        name: "log.line".into(),
        at: Timestamp::from_millis(0),
        data: serde_json::to_string(&batch(2_499..=2_502)).unwrap().into(),
    });
    let live = socket.next().await.unwrap();
    assert_eq!((live["event"].as_str(), live["topic"].as_str()), (Some("log.line"), Some(topic.as_str())));
    assert_eq!(numbers(&[live]), [2_501, 2_502]);
    let page = world.get(&format!("/api/v1/runs/{run}/log?after=2495")).await.expect(200);
    assert_eq!(page["lines"].as_array().unwrap().len(), 5);
    assert_eq!(page["lines"][0]["text"], "line 2496");
}

fn line(sequence: u64) -> LogLine {
    let text = format!("line {sequence}");
    LogLine { sequence, at: Timestamp::from_millis(0), stream: Stream::Out, text }
}

/// Every read fails until the answer is dropped.
fn without_database() -> fail::FailScenario<'static> {
    let scenario = fail::FailScenario::setup();
    fail::cfg("store::read", "return").unwrap();
    scenario
}

#[tokio::test]
async fn a_database_that_is_away_for_a_moment_ends_no_socket_and_hides_nothing() {
    let world = World::new().await;
    let address = serve(&world).await;
    let app = world.app("shop", world.node("n").await).await;
    let mut live = connect(&world, address).await;
    live.subscribe(json!({ "topics": ["runs"] })).await;
    let mut resumed = connect(&world, address).await;
    let mut fresh = connect(&world, address).await;
    let run = world.run(&app).await;
    assert_eq!(live.next().await.unwrap()["data"]["id"], run);
    let away = without_database();
    resumed.say(json!({ "subscribe": { "topics": [format!("run:{run}")], "after": "0" } })).await;
    fresh.say(json!({ "subscribe": { "topics": ["runs"] } })).await;
    // Two beats: all of them ask about their tokens meanwhile.
    for socket in [&mut live, &mut resumed, &mut fresh] {
        let nothing = tokio::time::timeout(sf_api::ws::end::BEAT, socket.next()).await;
        assert!(nothing.is_err(), "{nothing:?}");
    }
    away.teardown();
    // What had been missed is told before the answer, in order, though it was asked for long ago.
    let told = resumed.next().await.unwrap();
    assert_eq!((told["event"].as_str(), told["data"]["id"].as_str()), (Some("run.update"), Some(run.as_str())));
    assert!(resumed.next().await.unwrap().get("subscribed").is_some());
    // Who wanted only what is new reads anew what happened since it asked.
    assert!(fresh.next().await.unwrap().get("subscribed").is_some());
    assert_eq!(fresh.next().await.unwrap()["event"], "lagged");
    let second = world.run(&app).await;
    for socket in [&mut live, &mut fresh] {
        assert_eq!(socket.next().await.unwrap()["data"]["id"], second);
    }
}

#[tokio::test]
async fn a_socket_ends_at_once_when_its_person_is_suspended() {
    let world = World::new().await;
    let address = serve(&world).await;
    let token = world.member(world.tenant().await, "bo@example.org", Permission::ALL).await;
    let mut theirs = open(address, &[("authorization", format!("Bearer {token}"))]).await.unwrap();
    let mut mine = connect(&world, address).await;
    theirs.subscribe(json!({ "topics": ["runs"] })).await;
    mine.subscribe(json!({ "topics": ["users"] })).await;
    let me = world.send(Method::GET, "/api/v1/auth/me", Some(&token), None).await.expect(200);
    let suspend = format!("/api/v1/users/{}/suspend", me["user"]["id"].as_str().unwrap());
    world.post(&suspend, json!({})).await.expect(200);
    // The next beat would be up to 4 s away.
    let ended = tokio::time::timeout(Duration::from_secs(3), theirs.next()).await.expect("at once");
    assert_eq!(ended, Err(4401));
    let heard = mine.next().await.unwrap();
    assert_eq!((heard["event"].as_str(), &heard["data"]["id"]), (Some("user.update"), &me["user"]["id"]));
}

/// A live socket of somebody, and how long it takes until it ends by itself.
pub async fn until_cut(world: &World, token: &str, cut: impl AsyncFnOnce()) -> (u16, Duration) {
    let address = serve(world).await;
    let mut socket = open(address, &[("authorization", format!("Bearer {token}"))]).await.unwrap();
    socket.subscribe(json!({ "topics": ["runs"] })).await;
    cut().await;
    let began = std::time::Instant::now();
    let code = loop {
        match socket.next().await {
            Ok(_) => {}
            Err(code) => break code,
        }
    };
    (code, began.elapsed())
}

/// What the promise allows; what this process does itself is heard of at once.
const CUT_WITHIN: Duration = Duration::from_secs(5);
const AT_ONCE: Duration = Duration::from_secs(2);

#[tokio::test]
async fn signing_out_cuts_a_live_socket_at_once() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let bo = world.member(tenant, "bo@example.org", sf_actions::Permission::ALL).await;
    let out = async || {
        world.send(Method::POST, "/api/v1/auth/logout", Some(&bo), Some(json!({}))).await.expect(200);
    };
    let (code, took) = until_cut(&world, &bo, out).await;
    assert_eq!(code, 4401);
    assert!(took < AT_ONCE, "{took:?}");
}

#[tokio::test]
async fn signing_out_everywhere_else_cuts_their_sockets_and_not_ones_own() {
    let world = World::new().await;
    let address = serve(&world).await;
    let body = json!({ "email": crate::world::EMAIL, "password": crate::world::PASSWORD });
    let other = world.send(Method::POST, "/api/v1/auth/login", None, Some(body)).await.expect(200);
    let mut own = connect(&world, address).await;
    own.subscribe(json!({ "topics": ["runs"] })).await;
    let out = async || {
        world.call(Method::DELETE, "/api/v1/sessions", None).await.expect(200);
    };
    let (code, took) = until_cut(&world, other["accessToken"].as_str().unwrap(), out).await;
    assert_eq!(code, 4401);
    assert!(took < AT_ONCE, "{took:?}");
    own.say(json!({ "ping": 1 })).await;
    assert_eq!(own.next().await.unwrap(), json!({ "pong": 1 }));
}

#[tokio::test]
async fn suspension_and_lost_rights_reach_a_live_socket_within_five_seconds() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let address = serve(&world).await;
    let bo = world.member(tenant, "bo@example.org", sf_actions::Permission::ALL).await;
    let mut socket = open(address, &[("authorization", format!("Bearer {bo}"))]).await.unwrap();
    socket.subscribe(json!({ "topics": ["runs"] })).await;
    let change = |suspend: bool| {
        let store = world.control.store();
        store.write(sf_types::Scope::System, move |tx| {
            Box::pin(async move {
                let user = sf_store::users::by_email(tx, "bo@example.org").await?.unwrap().id;
                if suspend {
                    return sf_store::users::set_disabled(tx, user, true).await;
                }
                sf_store::permissions::withdraw(tx, user, sf_actions::Permission::ALL).await
            })
        })
    };
    // Straight in the database, as another control plane would: the beat finds it.
    change(false).await.unwrap();
    let began = std::time::Instant::now();
    assert_eq!(socket.next().await.unwrap()["error"]["code"], "permission.missing");
    assert_eq!(socket.next().await.unwrap()["unsubscribed"]["topics"], json!(["runs"]));
    assert!(began.elapsed() < CUT_WITHIN, "{:?}", began.elapsed());
    change(true).await.unwrap();
    let began = std::time::Instant::now();
    assert_eq!(socket.next().await.unwrap_err(), 4401);
    assert!(began.elapsed() < CUT_WITHIN, "{:?}", began.elapsed());
}

#[tokio::test]
async fn every_topic_tells_of_what_its_reader_may_see_and_of_nothing_else() {
    let world = World::new().await;
    let address = serve(&world).await;
    let node = world.node("box").await;
    let (mine, other) = (world.app("mine", node).await, world.app("other", node).await);
    let (my_run, other_run) = (world.run(&mine).await, world.run(&other).await);
    let token = world.member(world.tenant().await, "bo@example.org", &[]).await;
    let me = world.send(Method::GET, "/api/v1/auth/me", Some(&token), None).await.expect(200);
    let grants = format!("/api/v1/users/{}/grants", me["user"]["id"].as_str().unwrap());
    let header = [("authorization", format!("Bearer {token}"))];
    let lists = ["runs", "apps", "nodes", "approvals", "users", "projects", "workflows"];
    let mut socket = open(address, &header).await.unwrap();
    for list in lists {
        let (_, answer) = socket.subscribe(json!({ "topics": [list] })).await;
        assert_eq!(answer["error"]["code"], "permission.missing", "{list} without any right");
    }
    world.post(&grants, json!({ "role": "viewer", "object": { "kind": "app", "id": mine } })).await.expect(201);
    drop(socket);
    let mut socket = open(address, &header).await.unwrap();
    for (topic, expected) in [
        (format!("app:{mine}"), true),
        (format!("logs:app:{mine}"), true),
        (format!("run:{my_run}"), true),
        (format!("logs:run:{my_run}"), true),
        (format!("app:{other}"), false),
        (format!("logs:app:{other}"), false),
        (format!("run:{other_run}"), false),
        (format!("logs:run:{other_run}"), false),
        (format!("node:{node}"), false),
        ("users".to_owned(), false),
        ("apps".to_owned(), true),
        ("runs".to_owned(), true),
    ] {
        let (_, answer) = socket.subscribe(json!({ "topics": [topic] })).await;
        assert_eq!(answer.get("subscribed").is_some(), expected, "{topic}: {answer}");
    }
    // A list tells of the one app: what happens to the other is not heard, neither now nor when resuming.
    let settings = json!({ "repository": "https://git.example.org/b" });
    for app in [&other, &mine] {
        world
            .call(Method::PATCH, &format!("/api/v1/apps/{app}"), Some(json!({ "settings": settings })))
            .await
            .expect(200);
    }
    let heard = socket.next().await.unwrap();
    assert_eq!(
        (heard["event"].as_str(), heard["data"]["id"].as_str()),
        (Some("app.status.update"), Some(mine.as_str()))
    );
    let mut again = open(address, &header).await.unwrap();
    let (before, _) = again.subscribe(json!({ "topics": ["apps"], "after": "0" })).await;
    assert!(!before.is_empty() && before.iter().all(|event| event["data"]["id"] == mine.as_str()), "{before:?}");
}
