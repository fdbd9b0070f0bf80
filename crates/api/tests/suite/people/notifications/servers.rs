//! Alert rules about servers: a card while a line is crossed, told once, over when it is back; attacks first.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use sf_actions::Permission;
use sf_protocol::Frame;
use sf_protocol::report::{NodeSample, SystemLog};
use sf_protocol::server::{ServerSample, ServerState};
use sf_runtime::Tasks;
use sf_types::{NodeId, ServerId};

use super::alerts::{Machine, alerts, passes, told};
use super::own;
use super::receiver::Receiver;
use crate::world::{World, id, rule};

const MIB: u64 = 1 << 20;

/// A machine with one server that may use 100 MiB.
struct Watched<'a> {
    machine: Machine<'a>,
    server: ServerId,
}

async fn watched(world: &World) -> (NodeId, ServerId) {
    let node = world.node("n").await;
    let panel = world.panel(node).await;
    let server: ServerId = panel.server.parse().unwrap();
    let settings = json!({ "allocationLimit": 4, "limits": { "memory": 100 * MIB } });
    world
        .call(Method::PATCH, &format!("/api/v1/servers/{server}"), Some(json!({ "settings": settings })))
        .await
        .expect(200);
    (node, server)
}

impl Watched<'_> {
    /// 30 s later its machine tells of it.
    async fn tells(&self, memory: u64, up: bool) {
        self.tells_at(self.machine.world.clock.now().plus(Duration::from_secs(30)), memory, up).await;
    }

    async fn tells_at(&self, at: sf_types::Timestamp, memory: u64, up: bool) {
        let world = self.machine.world;
        world.clock.set(world.clock.now().plus(Duration::from_secs(30)));
        let sample = ServerSample {
            server: self.server,
            state: if up { ServerState::Running } else { ServerState::Stopped },
            cpu_permille: 100,
            memory: if up { memory * MIB } else { 0 },
            processes: u32::from(up),
            disk: 5,
            net_received: None,
            net_sent: None,
            uptime_ms: if up { 1_000 } else { 0 },
        };
        let (node, apps) = (NodeSample::default(), Vec::new());
        let log = SystemLog { at, node, apps, servers: vec![sample], held: None };
        world.control.receive(&self.machine.open, Frame::SystemLog(log)).await.unwrap();
        world.control.deliver_notices().await.unwrap();
    }
}

async fn list(world: &World, state: &str) -> Vec<Value> {
    world.get(&format!("/api/v1/monitoring/alerts?state={state}")).await.expect(200).as_array().unwrap().clone()
}

#[tokio::test]
async fn a_line_that_is_crossed_is_told_once_and_over_when_it_is_back() {
    let tasks = Tasks::new();
    let mut receiver = Receiver::start(&tasks).await;
    let world = World::new().await;
    own(&world, &world.token, json!({ "kind": "webhook", "url": receiver.url("/hook") })).await;
    let (node, server) = watched(&world).await;
    // All of it within the life of the token that asks.
    let mut wanted = rule("full");
    wanted["settings"]["cooldownSecs"] = json!(200);
    let made = world.post("/api/v1/monitoring/rules", wanted).await.expect(201);
    let at = Watched { machine: Machine::of(&world, node).await, server };
    for memory in [95, 95] {
        at.tells(memory, true).await;
    }
    assert_eq!((list(&world, "open").await.len(), receiver.unread()), (0, 0), "not for a minute yet");
    at.tells(96, true).await;
    let open = list(&world, "open").await;
    assert_eq!((open[0]["value"].as_u64(), open[0]["line"].as_u64()), (Some(96 * MIB), Some(90 * MIB)));
    assert_eq!(
        told(&receiver.next().await, &id(&open[0])),
        "Alert: A server has crossed the line of an alert rule · tiny"
    );
    let cards = alerts(&world).await;
    assert_eq!(
        (cards[0]["action"].as_str(), cards[0]["serverId"].as_str()),
        (Some("server.crossed"), Some(&*server.to_string()))
    );
    let because = cards[0]["because"].as_str().unwrap();
    assert!(
        because.contains("memory was at 96.0 MiB, at or above 90.0 MiB (90 % of its limit), for 1 min"),
        "{because}"
    );
    assert_eq!(world.get("/api/v1/monitoring/rules").await.expect(200)[0]["open"], 1);

    // Within the margin it is not over, and not told again; the worst is kept.
    for memory in [99, 85, 89, 95] {
        at.tells(memory, true).await;
    }
    let open = list(&world, "open").await;
    assert_eq!((open.len(), open[0]["peak"].as_u64(), receiver.unread()), (1, Some(99 * MIB), 0));
    at.tells(50, true).await;
    assert_eq!(alerts(&world).await, Vec::<Value>::new());
    let ended = list(&world, "ended").await;
    assert_eq!((ended.len(), ended[0]["clearedBy"].as_str()), (1, Some("back")));
    // Back within the cooldown: the same alert, and nobody is told.
    for memory in [95, 95, 95] {
        at.tells(memory, true).await;
    }
    let open = list(&world, "open").await;
    assert_eq!((open.len(), id(&open[0]), receiver.unread()), (1, id(&ended[0]), 0));
    // A stopped server has no trouble with its memory.
    at.tells(0, false).await;
    assert_eq!(list(&world, "ended").await[0]["clearedBy"], "stopped");

    passes(&world, 250).await;
    for _ in 0..3 {
        at.tells(97, true).await;
    }
    told(&receiver.next().await, &id(&list(&world, "open").await[0]));
    // A rule that goes takes what it has raised along; what it raised stays to be seen.
    world.call(Method::DELETE, &format!("/api/v1/monitoring/rules/{}", id(&made)), None).await.expect(200);
    assert_eq!((alerts(&world).await.len(), list(&world, "ended").await.len()), (0, 2));
    assert_eq!(list(&world, "ended").await[0]["clearedBy"], "rule");
    tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn samples_that_come_late_or_from_a_wrong_clock_raise_and_end_nothing() {
    let world = World::new().await;
    let (node, server) = watched(&world).await;
    world.post("/api/v1/monitoring/rules", rule("full")).await.expect(201);
    let at = Watched { machine: Machine::of(&world, node).await, server };
    let now = world.clock.now();
    // A day's backlog, all of it over the line, and what a clock that is an hour ahead says.
    for n in 0..5 {
        at.tells_at(now.minus(Duration::from_secs(86_400 - n * 30)), 99, true).await;
        at.tells_at(now.plus(Duration::from_secs(3_600 + n * 30)), 99, true).await;
    }
    assert_eq!(list(&world, "open").await.len(), 0);
    for _ in 0..3 {
        at.tells(99, true).await;
    }
    assert_eq!(list(&world, "open").await.len(), 1);
    // Nor does the past end what is so now.
    at.tells_at(now.minus(Duration::from_secs(3_600)), 1, true).await;
    assert_eq!(list(&world, "open").await.len(), 1);
    // They are in the course all the same.
    let from = now.minus(Duration::from_secs(90_000)).as_millis();
    let course =
        world.get(&format!("/api/v1/servers/{server}/metrics?from={from}&points=2000&series=memory")).await.expect(200);
    let points = course.as_array().unwrap();
    assert!(points.iter().map(|point| point["samples"].as_u64().unwrap()).sum::<u64>() >= 9, "{course}");
    assert!(points.iter().all(|point| point.get("cpuPermille").is_none() && point["memory"]["high"].is_u64()));
}

#[tokio::test]
async fn whoever_may_watch_one_server_sees_and_sets_no_more_than_that() {
    let world = World::new().await;
    let (node, server) = watched(&world).await;
    world.post("/api/v1/monitoring/rules", rule("team")).await.expect(201);
    let at = Watched { machine: Machine::of(&world, node).await, server };
    for _ in 0..3 {
        at.tells(99, true).await;
    }
    let tenant = world.tenant().await;
    let friend = world.member(tenant, "friend@example.org", &[]).await;
    let stranger = world.member(tenant, "stranger@example.org", &[]).await;
    let me = world.send(Method::GET, "/api/v1/auth/me", Some(&friend), None).await.expect(200);
    let rights: Vec<_> = [Permission::ServerView, Permission::MonitoringView, Permission::MonitoringAlerts]
        .map(Permission::name)
        .to_vec();
    let give = json!({ "permissions": rights, "object": { "kind": "server", "id": server } });
    world.post(&format!("/api/v1/users/{}/grants", id(&me["user"])), give).await.expect(201);
    let ask = async |token: &str, method: Method, path: &str, body: Option<Value>| {
        world.send(method, &format!("/api/v1/monitoring/{path}"), Some(token), body).await
    };
    // The team's rule is the team's, what it raised about this server is told to both.
    assert_eq!(ask(&friend, Method::GET, "rules", None).await.expect(200), json!([]));
    assert_eq!(ask(&friend, Method::GET, "alerts", None).await.expect(200).as_array().unwrap().len(), 1);
    assert_eq!(ask(&friend, Method::GET, "overview", None).await.expect(200)["servers"], 1);
    assert_eq!(ask(&stranger, Method::GET, "alerts", None).await.status, StatusCode::FORBIDDEN);

    let wanted = |name: &str, scope: Value| {
        let mut body = rule(name);
        body["scope"] = scope;
        Some(body)
    };
    let everywhere = ask(&friend, Method::POST, "rules", wanted("mine", json!({ "kind": "team" }))).await;
    assert_eq!((everywhere.status, everywhere.code()), (StatusCode::FORBIDDEN, "permission.missing"));
    for scope in [json!({ "kind": "node", "id": node }), json!({ "kind": "server", "id": crate::authority::ID })] {
        let refused = ask(&friend, Method::POST, "rules", wanted("mine", scope.clone())).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{scope}");
    }
    let here = json!({ "kind": "server", "id": server });
    let made = ask(&friend, Method::POST, "rules", wanted("mine", here.clone())).await.expect(201);
    assert_eq!(made["scope"], here);
    let taken = ask(&friend, Method::POST, "rules", wanted("mine", here.clone())).await;
    assert_eq!((taken.status, taken.code()), (StatusCode::CONFLICT, "name.taken"));
    let theirs = id(&world.get("/api/v1/monitoring/rules").await.expect(200)[1]);
    for method in [Method::PUT, Method::DELETE] {
        let body = (method == Method::PUT).then(|| rule("other"));
        let refused = ask(&friend, method.clone(), &format!("rules/{theirs}"), body).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{method}");
    }
    // What goes takes its rules along.
    world.call(Method::DELETE, &format!("/api/v1/monitoring/rules/{}", id(&made)), None).await.expect(200);
}

#[tokio::test]
async fn values_that_mean_nothing_are_refused_and_a_plan_says_what_would_have_been() {
    let world = World::new().await;
    let (node, server) = watched(&world).await;
    let with = |field: &str, value: Value| {
        let mut body = rule("full");
        body["settings"][field] = value;
        body
    };
    for (body, code) in [
        (with("threshold", json!({ "value": 0 })), "value.refused"),
        (with("threshold", json!({ "value": u64::MAX })), "value.refused"),
        (with("threshold", json!({ "percent": 5_000 })), "value.refused"),
        (with("forSecs", json!(86_400)), "value.refused"),
        (with("marginPercent", json!(90)), "value.refused"),
        (with("threshold", json!({ "percent": "NaN" })), "body.invalid"),
        (with("threshold", json!({ "value": 1.5 })), "body.invalid"),
        (with("threshold", json!({ "value": -1 })), "body.invalid"),
        (with("threshold", json!({})), "body.invalid"),
        (with("metric", json!("temperature")), "body.invalid"),
        (with("every", json!(1)), "body.invalid"),
    ] {
        let answer = world.post("/api/v1/monitoring/rules", body.clone()).await;
        assert!(answer.status.is_client_error(), "{body}");
        assert!(answer.code() == code || code == "body.invalid", "{body}: {}", answer.code());
    }
    assert_eq!(world.get("/api/v1/monitoring/rules").await.expect(200), json!([]));
    let at = Watched { machine: Machine::of(&world, node).await, server };
    for memory in [50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99] {
        at.tells(memory, true).await;
    }
    let planned = world.post("/api/v1/monitoring/rules?dryRun=true", rule("full")).await.expect(200);
    let steps = planned["plan"]["steps"].to_string();
    assert!(steps.contains("all servers of the team") && steps.contains("it would have raised one alert"), "{steps}");
    assert_eq!(world.get("/api/v1/monitoring/rules").await.expect(200), json!([]), "a plan makes nothing");
    let overview = world.get("/api/v1/monitoring/overview").await.expect(200);
    // Its machine is no connection here: nothing is known of now.
    assert_eq!((overview["servers"].as_u64(), overview["unknown"].as_u64()), (Some(1), Some(1)));
    assert_eq!(overview["silent"][0]["name"], "tiny");
    let bad = world.get(&format!("/api/v1/servers/{server}/metrics?series=cpu,heat")).await;
    assert_eq!((bad.status, bad.code()), (StatusCode::BAD_REQUEST, "query.series"));
}
