//! Alerts: a card of the inbox while something is wrong, and told once when that begins.

use std::time::Duration;

use serde_json::{Value, json};
use sf_protocol::app::AppState;
use sf_protocol::handshake::{Connect, Nonce, ServerOpen, Versions};
use sf_protocol::report::{NodeEvent, NodeSample, StatusUpdate, SystemLog};
use sf_protocol::{Frame, SecretKey};
use sf_runtime::Tasks;
use sf_store::nodes::{self, Connected};
use sf_store::{Scope, apps};
use sf_types::{AppId, ConnectionId, NodeId};

use super::own;
use super::receiver::{Post, Receiver};
use crate::world::{PUBLIC_URL, World};

/// A machine is connected, as far as the database knows.
async fn connects(world: &World, node: NodeId) -> ConnectionId {
    let connection = world.control.rng().id(world.control.clock());
    let to = Connected { connection, join_confirmed: 1, join_pending: 2, agent_version: "0.2.0".into(), epoch: 1 };
    let write = world
        .control
        .store()
        .write(Scope::System, move |tx| Box::pin(async move { nodes::connect(tx, node, &to).await }));
    write.await.unwrap();
    connection
}

pub async fn alerts(world: &World) -> Vec<Value> {
    let cards = world.get("/api/v1/inbox?kind=alert").await.expect(200).as_array().unwrap().clone();
    let counted = world.get("/api/v1/inbox/count").await.expect(200);
    assert_eq!(counted["alerts"], cards.len(), "the badge says the same");
    cards
}

/// The title of a message, which leads to the card.
pub fn told(post: &Post, card: &str) -> String {
    let body = post.json();
    assert_eq!(body["type"], "notification.alert", "{body}");
    assert_eq!(body["data"]["url"], format!("{PUBLIC_URL}/inbox/{card}"));
    body["data"]["title"].as_str().unwrap().to_owned()
}

pub async fn passes(world: &World, seconds: u64) {
    world.clock.set(world.clock.now().plus(Duration::from_secs(seconds)));
    world.control.deliver_notices().await.unwrap();
}

/// A world whose administrator is told by a real receiver, and a machine that was connected when its process died.
async fn left_alone(tasks: &Tasks) -> (World, Receiver, NodeId) {
    let receiver = Receiver::start(tasks).await;
    let world = World::new().await;
    own(&world, &world.token, json!({ "kind": "webhook", "url": receiver.url("/hook") })).await;
    let node = world.node("n").await;
    connects(&world, node).await;
    // Longer than a silence may be: nobody was there to hear anything.
    (world.started_again(Duration::from_secs(3600)).await, receiver, node)
}

#[tokio::test]
async fn a_silence_is_told_once_and_is_over_when_the_machine_is_back() {
    let tasks = Tasks::new();
    let (world, mut receiver, node) = left_alone(&tasks).await;
    passes(&world, 0).await;
    assert_eq!((alerts(&world).await.len(), receiver.unread()), (0, 0), "it may still come back");
    passes(&world, 299).await;
    assert_eq!((alerts(&world).await.len(), receiver.unread()), (0, 0));
    passes(&world, 2).await;
    assert_eq!(told(&receiver.next().await, &node.to_string()), "Alert: A node is silent · n");
    let cards = alerts(&world).await;
    assert_eq!((cards[0]["action"].as_str(), cards[0]["about"].as_str()), (Some("node.silent"), Some("n")));
    assert!(cards[0]["because"].as_str().unwrap().contains("more than 5 min"), "{}", cards[0]);
    let path = format!("/api/v1/inbox/{node}");
    assert_eq!(world.get(&path).await.expect(200)["card"]["kind"], "alert");
    passes(&world, 120).await;
    assert_eq!(receiver.unread(), 0, "it is told once");

    connects(&world, node).await;
    assert_eq!(alerts(&world).await, Vec::<Value>::new());
    assert_eq!(world.get(&path).await.code(), "card.not_found", "a machine that is well is no card");
    tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_machine_that_is_back_in_time_and_silent_again_is_one_silence() {
    let tasks = Tasks::new();
    let (world, mut receiver, node) = left_alone(&tasks).await;
    passes(&world, 200).await;
    connects(&world, node).await;
    // Its process dies with the connection: this silence begins anew.
    let world = world.started_again(Duration::ZERO).await;
    passes(&world, 200).await;
    assert_eq!((alerts(&world).await.len(), receiver.unread()), (0, 0), "400 s in all, none of them 300 s long");
    passes(&world, 101).await;
    told(&receiver.next().await, &node.to_string());
    passes(&world, 600).await;
    assert_eq!(receiver.unread(), 0);
    tasks.stop(Duration::ZERO).await;
}

/// The machine's side of a connection.
pub struct Machine<'a> {
    pub world: &'a World,
    pub open: ServerOpen,
    sequence: u64,
}

impl<'a> Machine<'a> {
    pub async fn of(world: &'a World, node: NodeId) -> Self {
        let connection = connects(world, node).await;
        let connect = Connect {
            pub_key: SecretKey::from_seed(&[1; 32]).public(),
            versions: Versions { min: 1, max: 1 },
            nonce: Nonce::from_bytes([0; 32]),
            agent_version: "0.2.0".parse().unwrap(),
            epoch: 1,
            high_water: 0,
            host_name: "localhost".to_owned(),
            transfer: None,
        };
        Self { world, open: ServerOpen { node, connection, counter: 2, version: 1, connect }, sequence: 0 }
    }

    async fn disk(&self, used: u64) {
        let node = NodeSample { disk_used: used, disk_total: 100, ..NodeSample::default() };
        self.world.clock.set(self.world.clock.now().plus(Duration::from_secs(10)));
        let at = self.world.clock.now();
        let log = SystemLog { at, node, apps: Vec::new(), servers: Vec::new(), held: None };
        self.world.control.receive(&self.open, Frame::SystemLog(log)).await.unwrap();
        self.world.control.deliver_notices().await.unwrap();
    }

    async fn app(&mut self, app: AppId, state: AppState, reason: &str) {
        self.tells(NodeEvent::App { app, release: None, state, restarts: 5, reason: reason.to_owned() }).await;
        self.world.control.deliver_notices().await.unwrap();
    }

    /// Something has happened on it.
    pub async fn tells(&mut self, event: NodeEvent) {
        self.sequence += 1;
        let update = StatusUpdate { sequence: self.sequence, at: self.world.clock.now(), event };
        self.world.control.receive(&self.open, Frame::StatusUpdate(update)).await.unwrap();
    }
}

#[tokio::test]
async fn a_full_disk_is_told_once_until_there_is_room_again() {
    let tasks = Tasks::new();
    let mut receiver = Receiver::start(&tasks).await;
    let world = World::new().await;
    own(&world, &world.token, json!({ "kind": "webhook", "url": receiver.url("/hook") })).await;
    let node = world.node("n").await;
    let machine = Machine::of(&world, node).await;
    machine.disk(94).await;
    assert_eq!((alerts(&world).await.len(), receiver.unread()), (0, 0));
    machine.disk(95).await;
    assert_eq!(told(&receiver.next().await, &node.to_string()), "Alert: The disk of a node is full · n");
    for used in [100, 94, 96, 90] {
        machine.disk(used).await;
    }
    assert_eq!(receiver.unread(), 0, "about full is full, and told once");
    let cards = alerts(&world).await;
    assert_eq!((cards.len(), cards[0]["action"].as_str()), (1, Some("node.diskFull")));

    // Put away for good it stays away, until it is another one.
    world
        .call(http::Method::PUT, &format!("/api/v1/inbox/{node}/aside"), Some(json!({ "until": null })))
        .await
        .expect(200);
    machine.disk(99).await;
    assert_eq!(alerts(&world).await.len(), 0);
    machine.disk(50).await;
    assert_eq!(world.get(&format!("/api/v1/inbox/{node}")).await.code(), "card.not_found");
    machine.disk(97).await;
    told(&receiver.next().await, &node.to_string());
    assert_eq!(alerts(&world).await.len(), 1);
    tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn an_app_that_has_served_and_is_given_up_is_told_once_until_it_runs() {
    let tasks = Tasks::new();
    let mut receiver = Receiver::start(&tasks).await;
    let world = World::new().await;
    own(&world, &world.token, json!({ "kind": "webhook", "url": receiver.url("/hook") })).await;
    let node = world.node("n").await;
    let app: AppId = world.app("shop", node).await.parse().unwrap();
    let mut machine = Machine::of(&world, node).await;
    machine.app(app, AppState::Failed, "exited with code 1").await;
    assert_eq!(
        (alerts(&world).await.len(), receiver.unread()),
        (0, 0),
        "what never served is no news: its deploy failed"
    );
    machine.app(app, AppState::Running, "").await;
    let live = world.control.rng().id(world.control.clock());
    let change = apps::AppChange { live_release: Some(Some(live)), ..Default::default() };
    let write = world
        .control
        .store()
        .write(Scope::System, move |tx| Box::pin(async move { apps::change(tx, app, &change).await }));
    write.await.unwrap();

    machine.app(app, AppState::Crashed, "exited with code 1; starting again in 1 s").await;
    assert_eq!((alerts(&world).await.len(), receiver.unread()), (0, 0), "it is being started again");
    for reason in ["exited with code 1; given up after 5 crashes within 60 s", "exited with code 1"] {
        machine.app(app, AppState::Failed, reason).await;
    }
    let post = receiver.next().await;
    assert_eq!(told(&post, &app.to_string()), "Alert: An app is down · shop");
    assert!(post.json().to_string().contains("given up after 5 crashes"), "{}", post.json());
    assert_eq!(receiver.unread(), 0, "it is told once");
    let cards = alerts(&world).await;
    assert_eq!((cards[0]["action"].as_str(), cards[0]["appId"].as_str()), (Some("app.down"), Some(&*app.to_string())));
    let details = world.get(&format!("/api/v1/inbox/{app}")).await.expect(200);
    assert_eq!(details["card"]["about"], "shop");
    machine.app(app, AppState::Running, "started").await;
    assert_eq!(alerts(&world).await.len(), 0);
    tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn what_is_over_before_it_is_told_is_not_told() {
    let tasks = Tasks::new();
    let receiver = Receiver::start(&tasks).await;
    let world = World::new().await;
    own(&world, &world.token, json!({ "kind": "webhook", "url": receiver.url("/hook") })).await;
    let hourly = json!({ "zone": "UTC", "kinds": { "alert": "hourly" } });
    world.call(http::Method::PUT, "/api/v1/me/notifications", Some(hourly)).await.expect(200);
    let node = world.node("n").await;
    let machine = Machine::of(&world, node).await;
    machine.disk(99).await;
    machine.disk(10).await;
    passes(&world, 3600).await;
    assert_eq!(receiver.unread(), 0);
    tasks.stop(Duration::ZERO).await;
}
