//! A repeated write is done once.

use http::{Method, StatusCode};
use serde_json::json;

use crate::world::{World, answer, id, request};

#[tokio::test]
async fn a_repetition_gets_the_first_answer() {
    let world = World::new().await;
    let app = world.app("shop", world.node("n").await).await;
    let path = format!("/api/v1/apps/{app}/deploy");
    let deploy = |key: &'static str, reference: &str| {
        let body = json!({ "reference": reference });
        request(Method::POST, &path, Some(&world.token), Some(body), &[("idempotency-key", key)])
    };
    let first = world.raw(deploy("k1", "main")).await;
    assert!(!first.headers.contains_key("idempotent-replayed"));
    let second = world.raw(deploy("k1", "main")).await;
    assert_eq!((second.status, &second.body["data"]), (StatusCode::ACCEPTED, &first.body["data"]));
    assert_eq!(second.headers["idempotent-replayed"], "true");
    let other = world.raw(deploy("k1", "next")).await;
    assert_eq!((other.status, other.code()), (StatusCode::CONFLICT, "idempotency.conflict"));
    let fresh = world.raw(deploy("k2", "next")).await;
    assert_ne!(id(&fresh.body["data"]["run"]), id(&first.body["data"]["run"]));
    let bad = world.raw(deploy("a b", "next")).await;
    assert_eq!((bad.status, bad.code()), (StatusCode::BAD_REQUEST, "idempotency.key"));
}

#[tokio::test]
async fn of_racing_repetitions_one_is_done() {
    let world = World::new().await;
    let app = world.app("shop", world.node("n").await).await;
    let path = format!("/api/v1/apps/{app}/deploy");
    let calls = (0..20).map(|_| {
        let request = request(Method::POST, &path, Some(&world.token), None, &[("idempotency-key", "race")]);
        answer(world.router.clone(), request)
    });
    let answers = futures_util::future::join_all(calls).await;
    for answer in &answers {
        let fine = answer.status == StatusCode::ACCEPTED || answer.code() == "idempotency.running";
        assert!(fine, "{} {}", answer.status, answer.body);
    }
    assert!(answers.iter().any(|answer| answer.status == StatusCode::ACCEPTED));
    let runs = world.get("/api/v1/runs?action=app.deploy").await.expect(200);
    assert_eq!(runs.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_secret_is_never_kept_for_a_repetition() {
    let world = World::new().await;
    let make = || {
        let body = json!({ "name": "ci", "days": 1 });
        request(Method::POST, "/api/v1/tokens", Some(&world.token), Some(body), &[("idempotency-key", "t")])
    };
    assert_eq!(world.raw(make()).await.status, StatusCode::CREATED);
    let again = world.raw(make()).await;
    assert_eq!((again.status, again.code()), (StatusCode::CONFLICT, "idempotency.once"));
    assert_eq!(world.get("/api/v1/tokens").await.expect(200).as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_refusal_is_repeated_too_and_keys_of_two_people_are_two_keys() {
    let world = World::new().await;
    let other = world.member(world.tenant().await, "bo@example.org", sf_actions::Permission::ALL).await;
    let make = |token: &str, name: &str| {
        let body = json!({ "name": name, "days": 999 });
        request(Method::POST, "/api/v1/tokens", Some(token), Some(body), &[("idempotency-key", "k")])
    };
    assert_eq!(world.raw(make(&world.token, "x")).await.status, StatusCode::BAD_REQUEST);
    let again = world.raw(make(&world.token, "x")).await;
    assert_eq!(
        (again.status, again.headers["idempotent-replayed"].as_bytes()),
        (StatusCode::BAD_REQUEST, &b"true"[..])
    );
    let theirs = world.raw(make(&other, "y")).await;
    assert_eq!(theirs.code(), "value.refused");
}
