//! Receivers that fail, are slow, or mean no good; and a control plane that dies.

use std::time::Duration;

use http::Method;
use serde_json::json;
use sf_control::notify::{GIVE_UP_AFTER, LEASE, MAX_WAITING};
use sf_runtime::Tasks;

use super::receiver::{Receiver, Says};
use super::{card, channel, own};
use crate::work::approvals::unsure;
use crate::world::{World, id};

async fn pass(world: &World, by: Duration) {
    world.clock.set(world.clock.now().plus(by));
    world.control.deliver_notices().await.unwrap();
}

#[tokio::test]
async fn a_message_is_tried_again_under_the_same_id_and_its_channel_says_why() {
    let tasks = Tasks::new();
    let mut receiver = Receiver::start(&tasks).await;
    let world = World::new().await;
    let made = own(&world, &world.token, json!({ "kind": "webhook", "url": receiver.url("/hook") })).await;
    receiver.says([Says::Status(500), Says::Wait(30)]);
    card(&world).await;
    world.control.deliver_notices().await.unwrap();
    let first = receiver.next().await;
    let row = channel(&world, &made).await;
    assert_eq!((row["lastError"].as_str(), &row["lastSentAt"]), (Some("it answered 500"), &json!(null)));
    // Not before its time.
    world.control.deliver_notices().await.unwrap();
    assert_eq!(receiver.unread(), 0);
    pass(&world, Duration::from_secs(2)).await;
    let second = receiver.next().await;
    assert!(channel(&world, &made).await["lastError"].as_str().unwrap().contains("429"));
    // It asked to be left alone for longer than we would have waited.
    pass(&world, Duration::from_secs(20)).await;
    assert_eq!(receiver.unread(), 0);
    pass(&world, Duration::from_secs(11)).await;
    let third = receiver.next().await;
    assert_eq!((first.header("webhook-id"), &first.body), (second.header("webhook-id"), &second.body));
    assert_eq!(second.header("webhook-id"), third.header("webhook-id"));
    assert_ne!(first.header("webhook-timestamp"), third.header("webhook-timestamp"));
    let row = channel(&world, &made).await;
    assert!(row["lastError"].is_null() && row["lastSentAt"].is_string(), "{row}");
    pass(&world, Duration::from_secs(600)).await;
    assert_eq!(receiver.unread(), 0, "once");
    tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn what_is_never_taken_is_given_up_after_a_day() {
    let tasks = Tasks::new();
    let mut receiver = Receiver::start(&tasks).await;
    let mut world = World::new().await;
    let made = own(&world, &world.token, json!({ "kind": "slack", "url": receiver.url("/x") })).await;
    receiver.says((0..400).map(|_| Says::Status(503)));
    // Open for longer than it is tried.
    world.post("/api/v1/workflows", json!({ "document": "workflow: 1\nname: w\nsteps: [{ id: a, query: /apps/0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b }]" })).await.expect(201);
    let workflows = world.get("/api/v1/workflows").await.expect(200);
    world.post(&format!("/api/v1/workflows/{}/execute", id(&workflows[0])), json!({})).await.expect(202);
    let text = String::from_utf8(receiver.next().await.body).unwrap();
    assert!(text.contains("Failed: ") && text.contains("/runs/"), "{text}");
    world.control.deliver_notices().await.unwrap();
    let mut tries = 1;
    let begun = world.clock.now();
    while world.clock.now().since(begun) <= GIVE_UP_AFTER + Duration::from_secs(700) {
        pass(&world, Duration::from_secs(601)).await;
    }
    while receiver.unread() > 0 {
        receiver.next().await;
        tries += 1;
    }
    assert!((20..200).contains(&tries), "{tries}");
    world.sign_in().await;
    let why = channel(&world, &made).await["lastError"].as_str().unwrap().to_owned();
    assert!(why.starts_with("given up after 24 h") && why.ends_with("it answered 503"), "{why}");
    pass(&world, Duration::from_secs(3600)).await;
    assert_eq!(receiver.unread(), 0);
    tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn redirects_are_not_followed_and_long_answers_not_read() {
    let tasks = Tasks::new();
    let mut receiver = Receiver::start(&tasks).await;
    let world = World::new().await;
    let made = own(&world, &world.token, json!({ "kind": "slack", "url": receiver.url("/x") })).await;
    let path = format!("/api/v1/me/notification-channels/{}/test", id(&made["channel"]));
    for (says, expected) in [
        (Says::Redirect("http://169.254.169.254/latest/meta-data"), Some("redirect")),
        (Says::Status(404), Some("404")),
        (Says::Much, None),
    ] {
        receiver.says([says]);
        world.post(&path, json!({})).await.expect(202);
        receiver.next().await;
        world.control.deliver_notices().await.unwrap();
        let row = channel(&world, &made).await;
        match expected {
            Some(part) => assert!(row["lastError"].as_str().unwrap().contains(part), "{row}"),
            None => assert!(row["lastError"].is_null(), "{row}"),
        }
        assert_eq!(receiver.unread(), 0, "it is not tried again");
    }
    tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn one_that_says_nothing_holds_nobody_up() {
    let tasks = Tasks::new();
    let (mut slow, mut quick) = (Receiver::start(&tasks).await, Receiver::start(&tasks).await);
    let world = World::new().await;
    for _ in 0..3 {
        own(&world, &world.token, json!({ "kind": "slack", "url": slow.url("/slow") })).await;
    }
    own(&world, &world.token, json!({ "kind": "slack", "url": quick.url("/quick") })).await;
    slow.says((0..9).map(|_| Says::Nothing));
    let (app, _) = card(&world).await;
    // By the lanes themselves, while three of them wait for an answer.
    for _ in 0..3 {
        slow.next().await;
    }
    quick.next().await;
    unsure(&world, &app).await;
    quick.next().await;
    assert_eq!(slow.unread(), 0, "each of them has one message at a time");
    world.tasks.stop(Duration::ZERO).await;
    tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_control_plane_that_dies_after_it_sent_sends_the_same_again() {
    let tasks = Tasks::new();
    let mut receiver = Receiver::start(&tasks).await;
    let world = World::new().await;
    own(&world, &world.token, json!({ "kind": "webhook", "url": receiver.url("/hook") })).await;
    receiver.says([Says::Nothing]);
    card(&world).await;
    // It is there, and the answer that it was taken never comes: the process is killed in between.
    let first = receiver.next().await;
    let world = world.started_again(LEASE + Duration::from_secs(1)).await;
    world.control.deliver_notices().await.unwrap();
    let second = receiver.next().await;
    assert_eq!((first.header("webhook-id"), &first.body), (second.header("webhook-id"), &second.body));
    pass(&world, LEASE * 3).await;
    assert_eq!(receiver.unread(), 0, "once it is noted, it is over");
    tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn what_a_slow_channel_cannot_take_is_collected() {
    let tasks = Tasks::new();
    let mut receiver = Receiver::start(&tasks).await;
    let world = World::new().await;
    let made = own(&world, &world.token, json!({ "kind": "webhook", "url": receiver.url("/hook") })).await;
    receiver.says([Says::Status(503)]);
    let (app, _) = card(&world).await;
    world.control.deliver_notices().await.unwrap();
    receiver.next().await;
    // More than a channel is let fall behind by, while it is tried again only later.
    receiver.says((0..MAX_WAITING).map(|_| Says::Status(503)));
    for _ in 0..MAX_WAITING + 4 {
        unsure(&world, &app).await;
    }
    world.control.deliver_notices().await.unwrap();
    while receiver.unread() > 0 {
        receiver.next().await;
    }
    pass(&world, Duration::from_secs(301)).await;
    let (mut single, mut collected) = (0, 0);
    while receiver.unread() > 0 {
        let body = receiver.next().await.json();
        match body["type"].as_str() {
            Some("notification.digest") => collected += body["data"]["notices"].as_array().unwrap().len(),
            _ => single += 1,
        }
    }
    assert_eq!(
        u64::try_from(single + collected).unwrap(),
        MAX_WAITING + 5,
        "{single} and {collected}: nothing is lost"
    );
    assert!(collected >= 4, "{collected}");
    assert!(channel(&world, &made).await["lastError"].is_null());
    world.call(Method::GET, "/api/v1/health", None).await;
    tasks.stop(Duration::ZERO).await;
}
