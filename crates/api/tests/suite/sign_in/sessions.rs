//! One's own sessions: listed in pages, ended elsewhere, and honest races of two tabs.

use std::time::Duration;

use futures_util::future::join_all;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::factors::pass;
use super::login;
use crate::world::{Answer, World};

async fn refresh(world: &World, token: &str) -> Answer {
    let body = json!({ "refreshToken": token });
    world.send(Method::POST, "/api/v1/auth/refresh", None, Some(body)).await
}

fn token(session: &Value) -> String {
    session["refreshToken"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn signing_out_everywhere_leaves_the_session_that_asks() {
    let world = World::new().await;
    let others = [login(&world, Some("cli")).await.expect(200), login(&world, Some("cli")).await.expect(200)];
    let plan = world.call(Method::DELETE, "/api/v1/sessions?dryRun=true", None).await.expect(200);
    assert!(plan.to_string().contains("sign in again"), "{plan}");
    let ended = world.call(Method::DELETE, "/api/v1/sessions", None).await.expect(200);
    assert_eq!(ended, json!({ "ended": 2 }));
    world.get("/api/v1/auth/me").await.expect(200);
    for other in &others {
        let access = other["accessToken"].as_str().unwrap();
        assert_eq!(world.send(Method::GET, "/api/v1/auth/me", Some(access), None).await.status.as_u16(), 401);
        assert_eq!(refresh(&world, &token(other)).await.status.as_u16(), 401);
    }
    let told = world.get("/api/v1/activity?action=session.end_others").await.expect(200);
    assert_eq!(told.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn sessions_come_in_pages_newest_first() {
    let world = World::new().await;
    for _ in 0..4 {
        pass(&world, Duration::from_secs(1));
        login(&world, Some("cli")).await.expect(200);
    }
    let mut after = String::new();
    let mut kinds = Vec::new();
    for _ in 0..3 {
        let page = world.get(&format!("/api/v1/sessions?limit=2{after}")).await;
        let next = page.body["meta"]["page"]["next"].as_str().map(|next| format!("&after={next}"));
        kinds.extend(page.data().as_array().unwrap().iter().map(|row| (row["kind"].clone(), row["current"].clone())));
        after = next.unwrap_or_default();
    }
    let (last, before) = kinds.split_last().unwrap();
    assert_eq!(before.len(), 4);
    assert!(before.iter().all(|row| *row == (json!("cli"), json!(false))), "{kinds:?}");
    assert_eq!(*last, (json!("browser"), json!(true)));
}

#[tokio::test]
async fn tabs_that_refresh_at_once_get_the_same_token_and_stay_signed_in() {
    let world = World::new().await;
    let first = token(&login(&world, Some("cli")).await.expect(200));
    let tabs = join_all((0..50).map(|_| refresh(&world, &first))).await;
    let tokens: Vec<String> = tabs.into_iter().map(|tab| token(&tab.expect(200))).collect();
    assert!(tokens.iter().all(|one| *one == tokens[0]), "they would end each other's session");
    // A tab whose answer was lost asks once more within the grace.
    pass(&world, Duration::from_secs(9));
    assert_eq!(token(&refresh(&world, &first).await.expect(200)), tokens[0]);
    let next = token(&refresh(&world, &tokens[0]).await.expect(200));
    pass(&world, Duration::from_secs(11));
    // After the grace it is a copy in other hands: the family ends, and the newest token with it.
    assert_eq!(refresh(&world, &tokens[0]).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refresh(&world, &next).await.status, StatusCode::UNAUTHORIZED);
    let told = world.get("/api/v1/activity?action=session.reuse").await.expect(200);
    assert_eq!(told[0]["outcome"], "revoked", "{told}");
    world.get("/api/v1/auth/me").await.expect(200);
}

#[tokio::test]
async fn a_spent_token_two_generations_old_is_a_copy_even_within_the_grace() {
    let world = World::new().await;
    let first = token(&login(&world, Some("cli")).await.expect(200));
    let second = token(&refresh(&world, &first).await.expect(200));
    let third = token(&refresh(&world, &second).await.expect(200));
    assert_eq!(refresh(&world, &first).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refresh(&world, &third).await.status, StatusCode::UNAUTHORIZED);
}
