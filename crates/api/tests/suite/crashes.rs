//! A process that dies in the middle of a keyed write: the repetition does it once, whichever line it died on.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::world::{World, id, request};

/// Longer than a key without an answer is held for a process that may still be alive.
const LATER: Duration = Duration::from_secs(61);

/// Sends a keyed write to a control plane whose store dies at `point` after `before` commits more, starts it again,
/// and sends the same once more.
async fn repeated(
    world: World,
    (point, before): (&str, u32),
    path: &str,
    body: &Value,
) -> (World, crate::world::Answer) {
    let keyed = |world: &World| {
        request(Method::POST, path, Some(&world.token), Some(body.clone()), &[("idempotency-key", "once")])
    };
    let scenario = fail::FailScenario::setup();
    let plan = if before == 0 { "panic".to_owned() } else { format!("{before}*off->panic") };
    fail::cfg(point, &plan).unwrap();
    let cut_off = world.raw(keyed(&world)).await;
    assert!(cut_off.status.is_server_error(), "{point} {before}: {}", cut_off.body);
    scenario.teardown();
    let world = world.started_again(LATER).await;
    let answer = world.raw(keyed(&world)).await;
    (world, answer)
}

/// The key is begun with the first commit, the run opened with the second, the answer kept with the third.
const DEATHS: [(&str, u32); 6] = [
    ("store::commit::before", 0),
    ("store::commit::after", 0),
    ("store::commit::before", 1),
    ("store::commit::after", 1),
    ("store::commit::before", 2),
    ("store::commit::after", 2),
];

#[tokio::test]
async fn an_order_is_given_once() {
    for death in DEATHS {
        let world = World::new().await;
        let app = world.app("shop", world.node("n").await).await;
        let (world, answer) = repeated(world, death, &format!("/api/v1/apps/{app}/deploy"), &json!({})).await;
        let run = id(&answer.expect(202)["run"]);
        let runs = world.get("/api/v1/runs?action=app.deploy").await.expect(200);
        assert_eq!(runs.as_array().unwrap().len(), 1, "{death:?}");
        assert_eq!(id(&runs[0]), run, "{death:?}");
    }
}

#[tokio::test]
async fn a_change_of_the_control_plane_is_made_once_and_shown() {
    for death in DEATHS {
        let world = World::new().await;
        let node = world.node("n").await;
        let body = json!({ "name": "shop", "nodeId": node, "settings": { "repository": "https://git.example.org/a" } });
        let (world, answer) = repeated(world, death, "/api/v1/apps", &body).await;
        let app = id(&answer.expect(201));
        let apps = world.get("/api/v1/apps").await.expect(200);
        assert_eq!(apps.as_array().unwrap().iter().map(id).collect::<Vec<_>>(), [app], "{death:?}");
    }
}

#[tokio::test]
async fn a_secret_that_was_made_is_not_made_again() {
    let world = World::new().await;
    let body = json!({ "name": "ci", "days": 1 });
    let (world, answer) = repeated(world, ("store::commit::after", 1), "/api/v1/tokens", &body).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (409, "idempotency.once"), "{}", answer.body);
    assert_eq!(world.get("/api/v1/tokens").await.expect(200).as_array().unwrap().len(), 1);
}
