//! Signing a program in by a code: a person sees who asks, the session is fetched once, and guessing is in vain.

use std::time::Duration;

use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};

use super::factors::pass;
use crate::world::{Answer, PASSWORD, World};

const INTERVAL: Duration = Duration::from_secs(5);

async fn begin(world: &World) -> Value {
    let body = json!({ "client": "serverflow on laptop" });
    world.send(Method::POST, "/api/v1/auth/device", None, Some(body)).await.expect(200)
}

async fn poll(world: &World, begun: &Value) -> Answer {
    let body = json!({ "deviceCode": begun["deviceCode"] });
    world.send(Method::POST, "/api/v1/auth/device/token", None, Some(body)).await
}

async fn decide(world: &World, word: &str, code: &str) -> Answer {
    world.post(&format!("/api/v1/auth/device/{word}"), json!({ "userCode": code })).await
}

fn user_code(begun: &Value) -> &str {
    begun["userCode"].as_str().unwrap()
}

#[tokio::test]
async fn a_person_sees_who_asks_approves_and_the_session_is_fetched_once() {
    let world = World::new().await;
    let begun = begin(&world).await;
    assert_eq!(begun["intervalSecs"], 5);
    assert_eq!(begun["verificationUri"], "http://localhost/device");
    assert_eq!(
        begun["verificationUriComplete"],
        format!("http://localhost/device?userCode={}", user_code(&begun)).as_str()
    );
    let waiting = poll(&world, &begun).await;
    assert_eq!((waiting.status.as_u16(), waiting.code()), (400, "device.pending"));
    let typed = user_code(&begun).to_uppercase().replace('-', "");
    let seen = world.get(&format!("/api/v1/auth/device?userCode={typed}")).await.expect(200);
    assert_eq!((seen["client"].as_str(), seen["address"].as_str()), (Some("serverflow on laptop"), Some("0.0.0.0")));
    for (word, part) in [("approve", "in as you"), ("deny", "Refuse `serverflow on laptop`")] {
        let told = decide(&world, &format!("{word}?dryRun=true"), &typed).await.expect(200);
        assert!(told["plan"]["steps"][0].as_str().unwrap().contains(part), "{told}");
    }
    assert_eq!(decide(&world, "approve?dryRun=true", "BCDF-GHJK").await.status.as_u16(), 404);
    world.get(&format!("/api/v1/auth/device?userCode={typed}")).await.expect(200);
    decide(&world, "approve", &typed).await.expect(200);
    assert_eq!(decide(&world, "deny", &typed).await.status.as_u16(), 404, "decided");
    // Fifty questions at once: one of them gets the session.
    pass(&world, INTERVAL);
    let answers = join_all((0..50).map(|_| poll(&world, &begun))).await;
    let mut good = answers.into_iter().filter(|answer| answer.status.is_success());
    let session = good.next().unwrap().expect(200);
    assert!(good.next().is_none());
    assert!(session["refreshToken"].as_str().unwrap().starts_with("sfr_"));
    let access = session["accessToken"].as_str().unwrap();
    let me = world.send(Method::GET, "/api/v1/auth/me", Some(access), None).await.expect(200);
    assert_eq!(me["user"]["email"], crate::world::EMAIL);
    pass(&world, Duration::from_secs(300));
    assert_eq!(poll(&world, &begun).await.code(), "device.expired", "fetched before");
}

#[tokio::test]
async fn who_asks_too_often_waits_longer_and_a_refusal_is_told() {
    let world = World::new().await;
    let begun = begin(&world).await;
    assert_eq!(poll(&world, &begun).await.code(), "device.pending");
    assert_eq!(poll(&world, &begun).await.code(), "device.slow_down");
    pass(&world, INTERVAL);
    assert_eq!(poll(&world, &begun).await.code(), "device.slow_down", "ten seconds by now");
    pass(&world, INTERVAL * 3);
    assert_eq!(poll(&world, &begun).await.code(), "device.pending");
    decide(&world, "deny", user_code(&begun)).await.expect(200);
    pass(&world, INTERVAL * 3);
    assert_eq!(poll(&world, &begun).await.code(), "device.denied");
    let begun = begin(&world).await;
    pass(&world, Duration::from_secs(10 * 60));
    assert_eq!(poll(&world, &begun).await.code(), "device.expired");
    assert_eq!(decide(&world, "approve", user_code(&begun)).await.status.as_u16(), 404, "too late");
}

#[tokio::test]
async fn an_approval_survives_a_restart_and_a_suspended_person_gives_no_session() {
    let world = World::new().await;
    let (one, two) = (begin(&world).await, begin(&world).await);
    let tenant = world.tenant().await;
    let bo = world.member(tenant, "bo@example.org", &[]).await;
    decide(&world, "approve", user_code(&one)).await.expect(200);
    let body = json!({ "userCode": two["userCode"] });
    world.send(Method::POST, "/api/v1/auth/device/approve", Some(&bo), Some(body)).await.expect(200);
    let suspend = world.control.store().write(sf_store::Scope::System, |tx| {
        Box::pin(async move {
            let user = sf_store::users::by_email(tx, "bo@example.org").await?.unwrap();
            sf_store::users::set_disabled(tx, user.id, true).await
        })
    });
    suspend.await.unwrap();
    let world = world.started_again(Duration::from_secs(1)).await;
    poll(&world, &one).await.expect(200);
    assert_eq!(poll(&world, &two).await.code(), "device.denied");
}

#[tokio::test]
async fn an_approval_ends_with_the_password_of_who_gave_it() {
    let world = World::new().await;
    let begun = begin(&world).await;
    decide(&world, "approve", user_code(&begun)).await.expect(200);
    let body = json!({ "current": PASSWORD, "new": "an orchard under slow rain" });
    world.post("/api/v1/auth/password", body).await.expect(200);
    assert_eq!(poll(&world, &begun).await.code(), "device.expired");
}

#[tokio::test]
async fn five_wrong_codes_and_a_person_has_to_wait() {
    let world = World::new().await;
    let begun = begin(&world).await;
    for _ in 0..5 {
        assert_eq!(decide(&world, "approve", "aaaaa-aaaaa").await.code(), "device.not_found");
    }
    for nth in 0..3 {
        let right = match nth {
            0 => decide(&world, "approve", user_code(&begun)).await,
            1 => decide(&world, "deny", user_code(&begun)).await,
            _ => world.get(&format!("/api/v1/auth/device?userCode={}", user_code(&begun))).await,
        };
        assert_eq!((right.status.as_u16(), right.code()), (429, "device.throttled"), "{nth}");
    }
    // Somebody else is not held up.
    let tenant = world.tenant().await;
    let bo = world.member(tenant, "bo@example.org", &[]).await;
    let path = format!("/api/v1/auth/device?userCode={}", user_code(&begun));
    world.send(Method::GET, &path, Some(&bo), None).await.expect(200);
    pass(&world, Duration::from_secs(1));
    decide(&world, "approve", user_code(&begun)).await.expect(200);
}

#[tokio::test]
async fn one_address_cannot_fill_the_list() {
    let world = World::new().await;
    for _ in 0..10 {
        begin(&world).await;
    }
    let body = json!({ "client": "serverflow on laptop" });
    let more = world.send(Method::POST, "/api/v1/auth/device", None, Some(body)).await;
    assert_eq!((more.status.as_u16(), more.code()), (429, "device.too_many"));
    for client in ["", " ", "a\u{202e}b", &"x".repeat(101)] {
        let body = json!({ "client": client });
        let answer = world.send(Method::POST, "/api/v1/auth/device", None, Some(body)).await;
        assert_eq!(answer.status.as_u16(), 400, "{client}");
    }
}
