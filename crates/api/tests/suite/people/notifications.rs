//! People are told: by real receivers, over the API. Every attack stands here before its defence.

pub mod alerts;
mod patience;
mod push;
mod receiver;
mod servers;
mod times;

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use sf_actions::Permission;
use sf_engine::workflow::webhook::{Scheme, Verifier};
use sf_runtime::Tasks;
use sf_types::Secret;

use crate::people::sink::Sink;
use crate::work::approvals::unsure;
use crate::world::{EMAIL, PUBLIC_URL, World, id};
use receiver::Receiver;

/// Makes a channel of one's own.
pub async fn own(world: &World, token: &str, target: Value) -> Value {
    let body = json!({ "name": "mine", "target": target });
    world.send(Method::POST, "/api/v1/me/notification-channels", Some(token), Some(body)).await.expect(201)
}

/// The channel as it is.
pub async fn channel(world: &World, made: &Value) -> Value {
    let all = world.get("/api/v1/me/notification-channels").await.expect(200);
    let found = all.as_array().unwrap().iter().find(|row| row["id"] == made["channel"]["id"]);
    found.unwrap_or_else(|| panic!("{made} in {all}")).clone()
}

/// An app, and a run of it that waits for a person: the ids of app and card.
pub async fn card(world: &World) -> (String, String) {
    let app = world.app("shop", world.node("n").await).await;
    let run = unsure(world, &app).await;
    let cards = world.get("/api/v1/approvals").await.expect(200);
    let found = cards.as_array().unwrap().iter().find(|card| card["runId"] == *run).unwrap().clone();
    (app, id(&found))
}

#[tokio::test]
async fn each_kind_of_receiver_is_told_in_its_form_and_led_to_the_card() {
    let tasks = Tasks::new();
    let mut receiver = Receiver::start(&tasks).await;
    let world = World::new().await;
    for target in [
        json!({ "kind": "slack", "url": receiver.url("/slack/hunter2") }),
        json!({ "kind": "discord", "url": receiver.url("/discord/hunter2") }),
        json!({ "kind": "ntfy", "url": receiver.url("/"), "topic": "ops", "token": "tk_hunter2" }),
    ] {
        own(&world, &world.token, target).await;
    }
    let webhook = own(&world, &world.token, json!({ "kind": "webhook", "url": receiver.url("/hook") })).await;
    let secret = webhook["secret"].as_str().unwrap().to_owned();
    let (_, card) = card(&world).await;
    world.control.deliver_notices().await.unwrap();
    let link = format!("{PUBLIC_URL}/inbox/{card}");
    for _ in 0..4 {
        let post = receiver.next().await;
        let (body, text) = (post.json(), String::from_utf8(post.body.clone()).unwrap());
        assert!(text.contains("Deploy an app · shop"), "{text}");
        match post.path.as_str() {
            "/slack/hunter2" => {
                let told = format!("<{link}|Open in ServerFlow>");
                assert_eq!(body["blocks"].as_array().unwrap().last().unwrap()["text"]["text"], *told);
            }
            "/discord/hunter2" => assert_eq!(body["embeds"][0]["url"], *link),
            "/" => {
                assert_eq!(
                    (&body["click"], &body["topic"], post.header("authorization")),
                    (&json!(link), &json!("ops"), "Bearer tk_hunter2")
                );
            }
            "/hook" => {
                let verifier = Verifier::new(Scheme::Standard, &[Secret::new(secret.clone())]).unwrap();
                let header = |name: &str| post.headers.get(name).and_then(|value| value.to_str().ok());
                verifier.verify(header, &post.body, world.control.now()).unwrap();
                assert_eq!((&body["type"], &body["data"]["url"]), (&json!("notification.approval"), &json!(link)));
            }
            other => panic!("{other}"),
        }
        // Nothing in it decides: neither a token nor the card's hash.
        let hash = world.get("/api/v1/approvals").await.expect(200)[0]["hash"].as_str().unwrap().to_owned();
        assert!(!text.contains(&hash) && !text.contains("sfa_") && !text.contains(&world.token), "{text}");
    }
    // Programs that look at every link in a letter change nothing.
    let before = world.get("/api/v1/approvals").await.expect(200);
    for method in [Method::GET, Method::HEAD] {
        world.send(method, &format!("/inbox/{card}"), None, None).await;
    }
    assert_eq!(world.get("/api/v1/approvals").await.expect(200), before);
    let shown = world.get("/api/v1/me/notification-channels").await.expect(200);
    assert!(
        shown.as_array().unwrap().iter().all(|row| row["lastSentAt"].is_string() && row["lastError"].is_null()),
        "{shown}"
    );
    assert!(!shown.to_string().contains("hunter2") && !shown.to_string().contains(&secret), "{shown}");
    tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn letters_go_to_ones_own_address_and_to_no_other() {
    let tasks = Tasks::new();
    let mut sink = Sink::plain(&tasks).await;
    let world = World::mailing(sink.options()).await;
    let elsewhere = json!({ "name": "m", "target": { "kind": "mail", "to": "eve@example.org" } });
    let refused = world.post("/api/v1/me/notification-channels", elsewhere).await;
    assert_eq!(refused.code(), "notification.address");
    own(&world, &world.token, json!({ "kind": "mail" })).await;
    let team = json!({ "name": "ops", "target": { "kind": "mail", "to": "ops@example.org" }, "kinds": ["approval"] });
    world.post("/api/v1/notification-channels", team).await.expect(201);
    let (_, card) = card(&world).await;
    let mut to = Vec::new();
    for _ in 0..2 {
        let letter = sink.next().await;
        assert_eq!(letter.header("Subject"), "To decide: Deploy an app · shop");
        assert!(letter.text().contains(&format!("{PUBLIC_URL}/inbox/{card}")), "{}", letter.text());
        to.extend(letter.to);
    }
    to.sort();
    assert_eq!(to, [EMAIL, "ops@example.org"]);
    tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn only_who_may_decide_is_asked_and_who_is_shut_out_is_told_nothing() {
    const DECIDER: &[Permission] = &[Permission::ApprovalView, Permission::ApprovalDecide, Permission::AppView];
    let tasks = Tasks::new();
    let mut receiver = Receiver::start(&tasks).await;
    let world = World::new().await;
    let tenant = world.tenant().await;
    let stranger = world.stranger().await;
    let eve = json!({ "email": "eve@example.org", "password": crate::world::PASSWORD });
    let eve = world.send(Method::POST, "/api/v1/auth/login", None, Some(eve)).await.expect(200);
    let decider = world.member(tenant, "bo@example.org", DECIDER).await;
    let viewer = world.member(tenant, "cy@example.org", &[Permission::ApprovalView, Permission::AppView]).await;
    let gone = world.member(tenant, "di@example.org", DECIDER).await;
    for (token, path) in [
        (decider.as_str(), "/decider"),
        (&viewer, "/viewer"),
        (&gone, "/gone"),
        (eve["accessToken"].as_str().unwrap(), "/stranger"),
    ] {
        own(&world, token, json!({ "kind": "slack", "url": receiver.url(path) })).await;
    }
    let me = world.send(Method::GET, "/api/v1/auth/me", Some(&gone), None).await.expect(200);
    world.post(&format!("/api/v1/users/{}/suspend", id(&me["user"])), json!({})).await.expect(200);
    card(&world).await;
    world.control.deliver_notices().await.unwrap();
    assert_eq!(receiver.next().await.path, "/decider");
    assert_eq!(receiver.unread(), 0, "nobody else may decide ({})", stranger.app);
    tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn addresses_that_lead_inside_are_refused_when_they_are_typed() {
    let world = World::new().await;
    for (target, expected) in [
        (json!({ "kind": "slack", "url": "http://169.254.169.254/latest/meta-data" }), "address.refused"),
        (json!({ "kind": "slack", "url": "https://[::1]/x" }), "address.refused"),
        (json!({ "kind": "discord", "url": "https://10.0.0.1/x" }), "address.refused"),
        (json!({ "kind": "webhook", "url": "file:///etc/passwd" }), "address.refused"),
        (json!({ "kind": "webhook", "url": "https://user:pw@example.org/" }), "address.refused"),
        (json!({ "kind": "ntfy", "url": "https://0x7f.1.1/", "topic": "a" }), "address.refused"),
        (json!({ "kind": "ntfy", "url": "https://ntfy.sh", "topic": "../admin" }), "notification.destination"),
        (json!({ "kind": "slack" }), "body.field"),
        (json!({ "kind": "pager", "url": "https://a.example.org" }), "body.field"),
    ] {
        let body = json!({ "name": "x", "target": target });
        let answer = world.post("/api/v1/me/notification-channels", body).await;
        // 0x7f.1.1 is 127.1.0.1, which this world allows.
        let allowed = target["url"] == "https://0x7f.1.1/";
        if allowed {
            answer.expect(201);
        } else {
            assert_eq!((answer.status.as_u16(), answer.code()), (400, expected), "{target}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn channels_are_planned_changed_tested_and_deleted_by_a_session_alone() {
    let tasks = Tasks::new();
    let mut receiver = Receiver::start(&tasks).await;
    let world = World::new().await;
    let body = json!({ "name": "hook", "target": { "kind": "webhook", "url": receiver.url("/a") } });
    let planned = world.post("/api/v1/me/notification-channels?dryRun=true", body.clone()).await.expect(200);
    assert!(planned["plan"]["steps"][0].as_str().unwrap().contains("webhook"), "{planned}");
    assert_eq!(world.get("/api/v1/me/notification-channels").await.expect(200), json!([]));
    // A long-lived token neither sees nor changes what leaves by a person's channels.
    let token = world.post("/api/v1/tokens", json!({ "name": "t", "days": 1 })).await.expect(201)["secret"].clone();
    let token = token.as_str().unwrap();
    for (method, path) in [
        (Method::GET, "/api/v1/me/notification-channels"),
        (Method::POST, "/api/v1/me/notification-channels"),
        (Method::POST, "/api/v1/notification-channels"),
        (Method::GET, "/api/v1/me/push-subscriptions"),
        (Method::PUT, "/api/v1/me/notifications"),
    ] {
        let body = (method == Method::POST).then(|| body.clone());
        let answer = world.send(method.clone(), path, Some(token), body).await;
        assert_eq!(answer.code(), "session.needed", "{method} {path}");
    }
    let made = world.post("/api/v1/me/notification-channels", body.clone()).await.expect(201);
    let path = format!("/api/v1/me/notification-channels/{}", id(&made["channel"]));
    world.post(&format!("{path}/test?dryRun=true"), json!({})).await.expect(200);
    world.post(&format!("{path}/test"), json!({})).await.expect(202);
    let post = receiver.next().await;
    assert_eq!(post.json()["type"], "notification.test");
    world.control.deliver_notices().await.unwrap();
    // Another address is another secret; the same kind it stays.
    let other = json!({ "target": { "kind": "webhook", "url": receiver.url("/b") }, "kinds": ["failed"] });
    let changed = world.call(Method::PATCH, &path, Some(other)).await.expect(200);
    assert!(changed["secret"].is_string() && changed["secret"] != made["secret"], "{changed}");
    assert_eq!(changed["channel"]["kinds"], json!(["failed"]));
    let kind = json!({ "target": { "kind": "slack", "url": receiver.url("/b") } });
    assert_eq!(world.call(Method::PATCH, &path, Some(kind)).await.code(), "notification.kind");
    world.call(Method::PATCH, &path, Some(json!({ "enabled": false }))).await.expect(200);
    assert_eq!(world.post(&format!("{path}/test"), json!({})).await.code(), "notification.off");
    // The team's are no one's own, and one's own are not the team's.
    let as_team = format!("/api/v1/notification-channels/{}", id(&made["channel"]));
    assert_eq!(world.call(Method::DELETE, &as_team, None).await.status.as_u16(), 404);
    world.call(Method::DELETE, &format!("{path}?dryRun=true"), None).await.expect(200);
    world.call(Method::DELETE, &path, None).await.expect(200);
    assert_eq!(world.call(Method::DELETE, &path, None).await.status.as_u16(), 404);
    // Each act is in the activity, none with an address.
    let lines = world.get("/api/v1/activity?limit=200").await.expect(200);
    for action in ["add", "test", "change", "remove"] {
        assert!(lines.to_string().contains(&format!("notification_channel.{action}")), "{action}: {lines}");
    }
    assert!(!lines.to_string().contains("127.0.0.1:"), "{lines}");
    tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn an_address_is_nowhere_in_the_clear_and_its_secret_is_shown_once() {
    let world = World::new().await;
    let url = "https://hooks.slack.com/services/T0/B0/notOnAnyDisk";
    own(&world, &world.token, json!({ "kind": "slack", "url": url })).await;
    let body = json!({ "name": "w", "target": { "kind": "webhook", "url": "https://a.example.org/notOnAnyDisk" } });
    let keyed = |world: &World| {
        let path = "/api/v1/me/notification-channels";
        crate::world::request(Method::POST, path, Some(&world.token), Some(body.clone()), &[("idempotency-key", "k")])
    };
    let made = world.raw(keyed(&world)).await.expect(201);
    let secret = made["secret"].as_str().unwrap();
    let again = world.raw(keyed(&world)).await;
    assert!(!again.body.to_string().contains(secret) && !again.status.is_success(), "{}", again.body);
    card(&world).await;
    for text in ["notOnAnyDisk", secret] {
        let files = std::fs::read_dir(world.folder.path()).unwrap().filter_map(Result::ok);
        let found = files.filter(|file| {
            let bytes = std::fs::read(file.path()).unwrap_or_default();
            bytes.windows(text.len()).any(|window| window == text.as_bytes())
        });
        assert_eq!(found.count(), 0, "{text}");
    }
}
