//! What a control plane costs that has nothing to do: not one statement. It sleeps until something is due or told.

use std::time::Duration;

use serde_json::json;
use sf_runtime::Tasks;

use crate::people::sink::Sink;
use crate::world::{World, id};

/// Longer than the lanes that look at times have ever slept between two looks.
const A_WHILE: Duration = Duration::from_secs(7);
/// The audit chain is looked after a minute after its last line, and then not before there is another one.
const MINUTES: Duration = Duration::from_secs(140);

/// Statements of the writer and of readers.
fn asked(world: &World) -> (u64, u64) {
    (world.control.store().statements(), world.control.store().looks())
}

/// Nothing happens: that is what is measured.
async fn passes(time: Duration) {
    tokio::time::sleep(time).await; // tidy: sleep because no event tells that nothing was asked
}

/// Waits until what was begun has come to rest.
async fn at_rest(world: &World) {
    for _ in 0..100 {
        let before = asked(world);
        passes(Duration::from_millis(300)).await;
        if asked(world) == before {
            return;
        }
    }
    panic!("it never comes to rest");
}

/// Everything that waits for something: a moment of a calendar, an event, a machine, an expiry, mail.
async fn full_of_waiting() -> World {
    let tasks = Tasks::new();
    let mut sink = Sink::plain(&tasks).await;
    let world = World::mailing(sink.options()).await;
    world.post("/api/v1/mail/test", json!({ "to": "bo@example.org" })).await.expect(202);
    sink.next().await;
    let document = "workflow: 1\nname: w\ntriggers: [{ id: t, cron: { at: '@daily' } }]\n\
                    steps: [{ id: w, wait: { event: go }, timeout: 100d }]";
    let workflow = id(&world.post("/api/v1/workflows", json!({ "document": document })).await.expect(201));
    world.post(&format!("/api/v1/workflows/{workflow}/triggers"), json!({ "enabled": true })).await.expect(200);
    world.post(&format!("/api/v1/workflows/{workflow}/execute"), json!({})).await.expect(202);
    let node = world.node("away").await;
    let app = world.app("shop", node).await;
    world.run(&app).await;
    world
}

#[tokio::test]
async fn nothing_to_do_asks_the_database_nothing() {
    let world = full_of_waiting().await;
    at_rest(&world).await;
    let before = asked(&world);
    passes(A_WHILE).await;
    assert_eq!(asked(&world), before, "after a while");
    // A process that took all of it up from the database sleeps as well.
    let world = world.started_again(Duration::from_secs(1)).await;
    at_rest(&world).await;
    let before = asked(&world);
    passes(A_WHILE).await;
    assert_eq!(asked(&world), before, "after a start");
}

#[tokio::test]
#[ignore = "waits for minutes: part of the full suite"]
async fn for_minutes_nothing_to_do_asks_the_database_nothing() {
    let world = full_of_waiting().await;
    let lines = world.control.store().audited();
    let after_a_minute = Duration::from_secs(70);
    passes(after_a_minute).await;
    at_rest(&world).await;
    let before = asked(&world);
    passes(MINUTES).await;
    assert_eq!(asked(&world), before);
    // The next line is signed within a minute, as ever.
    world.post("/api/v1/projects", json!({ "name": "more" })).await.expect(201);
    assert!(lines.has_changed().unwrap());
    at_rest(&world).await;
    let before = asked(&world);
    passes(after_a_minute).await;
    assert!(asked(&world) > before, "its chain was looked after");
}
