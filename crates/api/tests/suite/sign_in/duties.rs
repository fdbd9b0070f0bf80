//! What has to be done first: until then a session does that, says who it is, and ends.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::json;
use sf_actions::Permission;
use sf_api::caller::{OWING, is_open};
use sf_control::options::RequireSecondFactor;
use sf_control::sign_in::{GIVEN_PASSWORD_LIFETIME, reset_password};

use super::factors::{pass, set_up};
use crate::authority::{ID, routes};
use crate::world::{Answer, EMAIL, PASSWORD, World};

const OWN: &str = "an orchard under slow rain";

async fn login(world: &World, password: &str) -> Answer {
    let body = json!({ "email": EMAIL, "password": password, "kind": "cli" });
    world.send(Method::POST, "/api/v1/auth/login", None, Some(body)).await
}

async fn given(world: &World) -> String {
    let (_, password) = reset_password(world.control.store(), world.control.rng(), None).await.unwrap();
    password.expose().clone()
}

async fn only_these_answer(world: &World, token: &str, code: &str, open: &[&str]) {
    for (method, route) in routes().into_iter().filter(|(method, route)| !is_open(method, route)) {
        if OWING.iter().any(|(m, p, _)| *m == method && *p == route) && open.contains(&route.as_str()) {
            continue;
        }
        let body = (method != Method::GET).then(|| json!({}));
        let path = route.replace("{id}", ID);
        let answer = world.send(method.clone(), &path, Some(token), body).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, code), "{method} {route}");
    }
}

#[tokio::test]
async fn who_was_given_a_password_changes_it_and_does_nothing_else_before() {
    let world = World::new().await;
    let key = world.post("/api/v1/tokens", json!({ "name": "ci", "days": 30 })).await.expect(201);
    let password = given(&world).await;
    assert_eq!(world.get("/api/v1/apps").await.status, StatusCode::UNAUTHORIZED, "sessions end");
    let session = login(&world, &password).await.expect(200);
    assert_eq!((&session["passwordChangeDue"], &session["permissions"]), (&json!(true), &json!([])));
    let token = session["accessToken"].as_str().unwrap();
    only_these_answer(&world, token, "account.password_change_due", &["/api/v1/auth/me", "/api/v1/auth/password"])
        .await;
    let me = world.send(Method::GET, "/api/v1/auth/me", Some(token), None).await.expect(200);
    assert_eq!((&me["passwordChangeDue"], &me["permissions"]), (&json!(true), &json!([])));
    let socket = world.send(Method::GET, "/api/v1/ws", Some(token), None).await;
    assert_eq!(socket.code(), "account.password_change_due", "nor does it hear anything");
    // A refreshed session owes it, too; a key of theirs, which nobody has seen, does not.
    let body = json!({ "refreshToken": session["refreshToken"] });
    let renewed = world.send(Method::POST, "/api/v1/auth/refresh", None, Some(body)).await.expect(200);
    assert_eq!(renewed["passwordChangeDue"], true);
    world.send(Method::GET, "/api/v1/apps", key["secret"].as_str(), None).await.expect(200);
    // Not by keeping it.
    let change = |new: &str| json!({ "current": password, "new": new });
    let path = "/api/v1/auth/password";
    let same = world.send(Method::POST, path, Some(token), Some(change(&password))).await;
    assert_eq!(same.code(), "password.same");
    world.send(Method::POST, path, Some(token), Some(change(OWN))).await.expect(200);
    world.send(Method::GET, "/api/v1/apps", Some(token), None).await.expect(200);
    assert_eq!(login(&world, OWN).await.expect(200)["passwordChangeDue"], false);
}

#[tokio::test]
async fn who_owes_something_can_sign_out() {
    let world = World::new().await;
    let password = given(&world).await;
    let session = login(&world, &password).await.expect(200);
    let token = session["accessToken"].as_str();
    world.send(Method::POST, "/api/v1/auth/logout", token, Some(json!({}))).await.expect(200);
    assert_eq!(world.send(Method::GET, "/api/v1/auth/me", token, None).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_given_password_runs_out_and_its_session_with_it() {
    let world = World::new().await;
    let password = given(&world).await;
    pass(&world, GIVEN_PASSWORD_LIFETIME - Duration::from_secs(60));
    let session = login(&world, &password).await.expect(200);
    pass(&world, Duration::from_secs(60));
    let late = login(&world, &password).await;
    assert_eq!((late.status, late.code()), (StatusCode::UNAUTHORIZED, "sign_in.run_out"));
    assert_eq!(login(&world, "seven lamps, a blue harbour").await.code(), "sign_in.wrong", "told to nobody else");
    let token = session["accessToken"].as_str();
    let body = json!({ "current": password, "new": OWN });
    let change = world.send(Method::POST, "/api/v1/auth/password", token, Some(body)).await;
    assert_eq!(change.status, StatusCode::UNAUTHORIZED);
    let body = json!({ "refreshToken": session["refreshToken"] });
    let renewed = world.send(Method::POST, "/api/v1/auth/refresh", None, Some(body)).await;
    assert_eq!(renewed.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn who_has_to_have_a_second_factor_sets_it_up_and_does_nothing_else_before() {
    let world = World::new().await;
    let key = world.post("/api/v1/tokens", json!({ "name": "ci", "days": 30 })).await.expect(201);
    let bo = world.member(world.tenant().await, "bo@example.org", &[Permission::AppView]).await;
    let world = world.obliging(RequireSecondFactor::Admins).await;
    // Sessions and keys from before the obligation do not go around it.
    let code = "account.second_factor_due";
    let key = key["secret"].as_str();
    assert_eq!(world.send(Method::GET, "/api/v1/apps", key, None).await.code(), code);
    assert_eq!(world.send(Method::GET, "/api/v1/auth/me", key, None).await.code(), code, "a key sets nothing up");
    let open: Vec<&str> = OWING.iter().map(|(_, path, _)| *path).collect();
    only_these_answer(&world, &world.token, code, &open).await;
    // Nor does a program that is signed in by a code.
    let body = json!({ "client": "serverflow on laptop" });
    let begun = world.send(Method::POST, "/api/v1/auth/device", None, Some(body)).await.expect(200);
    let approve = world.post("/api/v1/auth/device/approve", json!({ "userCode": begun["userCode"] })).await;
    assert_eq!(approve.code(), code);
    let session = login(&world, PASSWORD).await.expect(200);
    assert_eq!((&session["secondFactorDue"], &session["permissions"]), (&json!(true), &json!([])));
    let me = world.get("/api/v1/auth/me").await.expect(200);
    assert_eq!((&me["secondFactorDue"], &me["passwordChangeDue"]), (&json!(true), &json!(false)));
    // Who is no administrator is not obliged.
    world.send(Method::GET, "/api/v1/apps", Some(&bo), None).await.expect(200);
    let app = set_up(&world, &world.token).await;
    world.get("/api/v1/apps").await.expect(200);
    world.send(Method::GET, "/api/v1/apps", key, None).await.expect(200);
    // Turned off again, it is owed again.
    pass(&world, Duration::from_secs(30));
    let off = json!({ "code": app.code(&world) });
    world.call(Method::DELETE, "/api/v1/auth/factors/totp", Some(off)).await.expect(200);
    assert_eq!(world.get("/api/v1/apps").await.code(), code);
    let world = world.obliging(RequireSecondFactor::Everyone).await;
    assert_eq!(world.send(Method::GET, "/api/v1/apps", Some(&bo), None).await.code(), code);
    let world = world.obliging(RequireSecondFactor::Off).await;
    world.get("/api/v1/apps").await.expect(200);
}
