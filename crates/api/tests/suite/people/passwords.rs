//! Passwords changed and chosen anew.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use sf_actions::Permission;
use sf_runtime::Tasks;

use super::sink::Sink;
use super::{NEW_PASSWORD, login};
use crate::world::{Answer, EMAIL, PASSWORD, PUBLIC_URL, World, id, request, start};

async fn forgot(world: &World, email: &str) -> Answer {
    let body = json!({ "email": email });
    // Whatever a caller says the host is: links begin with what was configured.
    let headers = [("x-forwarded-host", "evil.example.org"), ("forwarded", "host=evil.example.org")];
    world.raw(request(Method::POST, "/api/v1/auth/forgot", None, Some(body), &headers)).await
}

async fn reset(world: &World, token: &str, password: &str) -> Answer {
    let body = json!({ "token": token, "password": password });
    world.send(Method::POST, "/api/v1/auth/reset", None, Some(body)).await
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it_and_ends_all_other_sessions() {
    let world = World::new().await;
    let other = login(&world, EMAIL, PASSWORD).await.expect(200);
    let other = other["accessToken"].as_str().unwrap();
    let made = world.post("/api/v1/tokens", json!({ "name": "ci", "days": 30 })).await.expect(201);
    let change = |current: &str, new: &str| json!({ "current": current, "new": new });
    for (current, new, status, code) in [
        ("wrong wrong wrong wrong", NEW_PASSWORD, 403, "password.wrong"),
        (PASSWORD, "short", 400, "password.too_short"),
        (PASSWORD, "passwordpassword", 400, "password.common"),
        (PASSWORD, PASSWORD, 400, "password.same"),
    ] {
        let answer = world.post("/api/v1/auth/password", change(current, new)).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{new}");
    }
    let by_token = made["secret"].as_str().unwrap();
    let path = "/api/v1/auth/password";
    let answer = world.send(Method::POST, path, Some(by_token), Some(change(PASSWORD, NEW_PASSWORD))).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "session.needed"));
    world.post("/api/v1/auth/password", change(PASSWORD, NEW_PASSWORD)).await.expect(200);
    world.get("/api/v1/apps").await.expect(200);
    assert_eq!(world.send(Method::GET, "/api/v1/apps", Some(other), None).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(login(&world, EMAIL, PASSWORD).await.status, StatusCode::UNAUTHORIZED);
    login(&world, EMAIL, NEW_PASSWORD).await.expect(200);
    let told = world.get("/api/v1/activity?action=password").await.expect(200);
    let outcomes: Vec<_> = told.as_array().unwrap().iter().map(|line| line["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["succeeded", "refused"]);
    assert!(!told.to_string().contains(PASSWORD) && !told.to_string().contains(NEW_PASSWORD));
}

#[tokio::test]
async fn guesses_at_the_current_password_are_slowed_down_like_sign_ins() {
    let world = World::new().await;
    for _ in 0..20 {
        let body = json!({ "current": "wrong wrong wrong wrong", "new": NEW_PASSWORD });
        assert_eq!(world.post("/api/v1/auth/password", body).await.status.as_u16(), 403);
    }
    // No time has passed: not even the right one is looked at.
    let body = json!({ "current": PASSWORD, "new": NEW_PASSWORD });
    assert_eq!(world.post("/api/v1/auth/password", body).await.code(), "auth.throttled");
}

#[tokio::test]
async fn a_lost_password_is_chosen_anew_by_mail_once_within_half_an_hour() {
    let tasks = Tasks::new();
    let mut sink = Sink::plain(&tasks).await;
    let world = World::mailing(sink.options()).await;
    let answers = [forgot(&world, "nobody@example.org").await, forgot(&world, " ADA@example.org").await];
    for answer in &answers {
        assert_eq!((answer.status, answer.data()), (StatusCode::ACCEPTED, &json!({})));
    }
    let letter = sink.next().await;
    assert_eq!((letter.to.as_slice(), sink.unread()), (&[EMAIL.to_owned()][..], 0), "an unknown address gets nothing");
    assert!(letter.text().contains(&format!("{PUBLIC_URL}/reset#sfp_")), "{}", letter.text());
    let token = letter.secret();
    assert_eq!(reset(&world, &token, "short").await.code(), "password.too_short");
    reset(&world, &token, NEW_PASSWORD).await.expect(200);
    assert_eq!(world.get("/api/v1/apps").await.status, StatusCode::UNAUTHORIZED, "all sessions end");
    let again = reset(&world, &token, PASSWORD).await;
    assert_eq!((again.status, again.code()), (StatusCode::NOT_FOUND, "reset.over"));
    login(&world, EMAIL, NEW_PASSWORD).await.expect(200);
    assert_eq!(sink.next().await.header("Subject"), "Your password was changed");
    forgot(&world, EMAIL).await;
    let late = sink.next().await.secret();
    world.clock.set(start().plus(Duration::from_secs(30 * 60)));
    assert_eq!(reset(&world, &late, PASSWORD).await.code(), "reset.over");
    // A link of another kind is none.
    assert_eq!(reset(&world, &token.replacen("sfp_", "sfi_", 1), PASSWORD).await.code(), "reset.mistyped");
    tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn one_mailbox_gets_few_links_and_the_last_change_ends_the_others() {
    let tasks = Tasks::new();
    let mut sink = Sink::plain(&tasks).await;
    let world = World::mailing(sink.options()).await;
    let mut links = Vec::new();
    for _ in 0..3 {
        forgot(&world, EMAIL).await.expect(202);
        links.push(sink.next().await.secret());
    }
    forgot(&world, EMAIL).await.expect(202);
    let bo = world.member(world.tenant().await, "bo@example.org", &[Permission::UserView]).await;
    forgot(&world, "bo@example.org").await.expect(202);
    let next = sink.next().await;
    assert_eq!(next.to, ["bo@example.org"], "the fourth within the hour is not written");
    reset(&world, &links[1], NEW_PASSWORD).await.expect(200);
    for link in [&links[0], &links[2]] {
        assert_eq!(reset(&world, link, PASSWORD).await.code(), "reset.over");
    }
    let me = world.send(Method::GET, "/api/v1/auth/me", Some(&bo), None).await.expect(200);
    let ada = login(&world, EMAIL, NEW_PASSWORD).await.expect(200);
    let path = format!("/api/v1/users/{}/suspend", id(&me["user"]));
    world.send(Method::POST, &path, ada["accessToken"].as_str(), None).await.expect(200);
    assert_eq!(
        reset(&world, &next.secret(), NEW_PASSWORD).await.code(),
        "reset.over",
        "suspended people choose nothing"
    );
    tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn of_racing_uses_of_a_link_one_counts() {
    let tasks = Tasks::new();
    let mut sink = Sink::plain(&tasks).await;
    let world = World::mailing(sink.options()).await;
    forgot(&world, EMAIL).await.expect(202);
    let token = sink.next().await.secret();
    let answers = futures_util::future::join_all((0..50).map(|_| reset(&world, &token, NEW_PASSWORD))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == StatusCode::OK).count(), 1);
    tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn without_a_mail_server_nothing_is_promised_and_nothing_breaks() {
    let world = World::new().await;
    assert_eq!(forgot(&world, EMAIL).await.status, StatusCode::ACCEPTED);
    let state = world.get("/api/v1/mail").await.expect(200);
    let nothing: Value = json!({ "configured": false, "from": null, "host": null, "waiting": 0, "lastError": null });
    assert_eq!(state, nothing);
    let answer = world.post("/api/v1/mail/test", json!({ "to": EMAIL })).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::CONFLICT, "mail.not_configured"));
}

#[tokio::test]
async fn people_change_their_own_name_and_language() {
    let world = World::new().await;
    let changed =
        world.call(Method::PATCH, "/api/v1/auth/me", Some(json!({ "name": "Ada L.", "locale": "de-AT" }))).await;
    assert_eq!(changed.expect(200)["name"], "Ada L.");
    for (body, code) in [
        (json!({ "locale": "../etc" }), "account.locale"),
        (json!({ "name": "a\nb" }), "body.field"),
        (json!({ "email": "eve@example.org" }), "body.field"),
    ] {
        assert_eq!(world.call(Method::PATCH, "/api/v1/auth/me", Some(body)).await.code(), code);
    }
    assert_eq!(world.get("/api/v1/auth/me").await.expect(200)["user"]["name"], "Ada L.");
}
