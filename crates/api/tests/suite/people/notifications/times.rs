//! When people are told: at once, with others, never, and not at night.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use sf_runtime::Tasks;
use sf_types::Timestamp;

use super::own;
use super::receiver::Receiver;
use crate::work::approvals::unsure;
use crate::world::World;

/// Goes to a moment of 2026-11-21 or later, and tells what is due.
async fn at(world: &World, text: &str) {
    let moment = time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).unwrap();
    world.clock.set(Timestamp::from_millis(moment.unix_timestamp() * 1000));
    world.control.deliver_notices().await.unwrap();
}

async fn told_when(world: &World, preferences: Value) -> Value {
    world.call(Method::PUT, "/api/v1/me/notifications", Some(preferences)).await.expect(200)
}

#[tokio::test]
async fn a_digest_holds_what_came_and_is_still_open() {
    let tasks = Tasks::new();
    let mut receiver = Receiver::start(&tasks).await;
    let world = World::new().await;
    own(&world, &world.token, json!({ "kind": "webhook", "url": receiver.url("/hook") })).await;
    let kept = told_when(&world, json!({ "zone": "Europe/Vienna", "kinds": { "approval": "hourly" } })).await;
    assert_eq!((&kept["kinds"]["approval"], &kept["kinds"]["failed"]), (&json!("hourly"), &json!("now")));
    // The test's time begins at 06:27:41.
    let app = world.app("shop", world.node("n").await).await;
    let decided = unsure(&world, &app).await;
    for _ in 0..2 {
        unsure(&world, &app).await;
    }
    world.control.deliver_notices().await.unwrap();
    let cards = world.get("/api/v1/approvals").await.expect(200);
    let hash = cards.as_array().unwrap().iter().find(|card| card["runId"] == *decided).unwrap()["hash"].clone();
    world.post(&format!("/api/v1/runs/{decided}/reject"), json!({ "hash": hash })).await.expect(200);
    at(&world, "2026-11-21T06:59:59Z").await;
    assert_eq!(receiver.unread(), 0);
    at(&world, "2026-11-21T07:00:00Z").await;
    let body = receiver.next().await.json();
    assert_eq!(body["type"], "notification.digest");
    assert_eq!(body["data"]["title"], "2 notices: 2 to decide");
    assert_eq!(body["data"]["notices"].as_array().unwrap().len(), 2);
    at(&world, "2026-11-21T09:00:00Z").await;
    assert_eq!(receiver.unread(), 0, "once");
    tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn at_night_only_what_is_pressing_comes_and_the_rest_in_the_morning() {
    let tasks = Tasks::new();
    let mut receiver = Receiver::start(&tasks).await;
    let mut world = World::new().await;
    own(&world, &world.token, json!({ "kind": "webhook", "url": receiver.url("/hook") })).await;
    told_when(&world, json!({ "zone": "Europe/Vienna", "quiet": { "from": "22:00", "to": "07:00" } })).await;
    let app = world.app("shop", world.node("n").await).await;
    let document =
        "workflow: 1\nname: ask\nsteps: [{ id: a, approval: { message: Shall we go on?, escalateAfter: 30m } }]";
    let made = world.post("/api/v1/workflows", json!({ "document": document })).await;
    let workflow = crate::world::id(&made.expect(201));
    let document = "workflow: 1\nname: nudge\nsteps: [{ id: a, query: /apps }]";
    let made = world.post("/api/v1/workflows", json!({ "document": document })).await;
    let nudge = crate::world::id(&made.expect(201));
    // 23:30 in Vienna.
    at(&world, "2026-11-21T22:30:00Z").await;
    world.sign_in().await;
    unsure(&world, &app).await;
    world.post(&format!("/api/v1/workflows/{workflow}/execute"), json!({})).await.expect(202);
    world.control.deliver_notices().await.unwrap();
    assert_eq!(receiver.unread(), 0, "they sleep");
    world.clock.set(world.clock.now().plus(Duration::from_secs(31 * 60)));
    world.sign_in().await;
    // A clock that is set forward wakes nobody: something else does.
    world.post(&format!("/api/v1/workflows/{nudge}/execute"), json!({})).await.expect(202);
    // By the lane itself: the driver tells it.
    let pressing = receiver.next().await.json();
    assert_eq!(pressing["type"], "notification.escalated");
    assert_eq!(pressing["data"]["title"], "Pressing: Shall we go on? · default");
    assert_eq!(receiver.unread(), 0);
    at(&world, "2026-11-22T05:59:59Z").await;
    assert_eq!(receiver.unread(), 0);
    at(&world, "2026-11-22T06:00:00Z").await;
    let morning = receiver.next().await.json();
    assert_eq!(morning["data"]["title"], "2 notices: 2 to decide", "{morning}");
    tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn nobody_is_told_what_they_do_not_want_to_hear() {
    let tasks = Tasks::new();
    let mut receiver = Receiver::start(&tasks).await;
    let world = World::new().await;
    let app = world.app("shop", world.node("n").await).await;
    let project = world.get(&format!("/api/v1/apps/{app}")).await.expect(200)["projectId"].clone();
    let other = world.post("/api/v1/projects", json!({ "name": "other" })).await.expect(201)["id"].clone();
    for (path, kinds, projects) in [
        ("/all", None, None),
        ("/failed", Some(json!(["failed"])), None),
        ("/here", None, Some(json!([project]))),
        ("/there", None, Some(json!([other]))),
    ] {
        let target = json!({ "kind": "slack", "url": receiver.url(path) });
        let body = json!({ "name": "c", "target": target, "kinds": kinds, "projects": projects });
        world.post("/api/v1/me/notification-channels", body).await.expect(201);
    }
    unsure(&world, &app).await;
    world.control.deliver_notices().await.unwrap();
    let mut paths = vec![receiver.next().await.path, receiver.next().await.path];
    paths.sort();
    assert_eq!((paths.as_slice(), receiver.unread()), (&["/all".to_owned(), "/here".to_owned()][..], 0));
    told_when(&world, json!({ "kinds": { "approval": "never" } })).await;
    unsure(&world, &app).await;
    world.control.deliver_notices().await.unwrap();
    assert_eq!(receiver.unread(), 0);
    for bad in [
        json!({ "zone": "Mars/Olympus" }),
        json!({ "quiet": { "from": "07:00", "to": "07:00" } }),
        json!({ "dailyAt": "24:00" }),
        json!({ "kinds": { "gossip": "now" } }),
        json!({ "kinds": { "approval": "sometimes" } }),
    ] {
        let answer = world.call(Method::PUT, "/api/v1/me/notifications", Some(bad.clone())).await;
        assert_eq!(answer.status.as_u16(), 400, "{bad}: {}", answer.body);
    }
    tasks.stop(Duration::ZERO).await;
}
