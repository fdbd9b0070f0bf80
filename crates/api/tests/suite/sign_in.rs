//! Signing in, going on, and signing out, as a browser and as a program.

mod device;
mod duties;
pub mod factors;
pub mod hosts;
mod lockout;
mod sessions;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use sf_api::rate::Rates;
use sf_runtime::Rate;

use crate::world::{Answer, EMAIL, PASSWORD, World, request};

fn cookie(answer: &Answer) -> String {
    answer.headers["set-cookie"].to_str().unwrap().to_owned()
}

fn value(cookie: &str) -> &str {
    cookie.split(';').next().unwrap()
}

/// The token that a browser's own pages can read.
fn csrf(answer: &Answer) -> String {
    let set = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    let found = set.filter_map(|text| text.trim_start_matches("__Host-").strip_prefix("sf_csrf=")).next().unwrap();
    found.split(';').next().unwrap().to_owned()
}

async fn login(world: &World, kind: Option<&str>) -> Answer {
    let mut body = json!({ "email": EMAIL, "password": PASSWORD });
    if let Some(kind) = kind {
        body["kind"] = kind.into();
    }
    world.send(Method::POST, "/api/v1/auth/login", None, Some(body)).await
}

#[tokio::test]
async fn a_browser_keeps_its_refresh_token_where_scripts_cannot_read_it() {
    let world = World::with(|options| options.https = true).await;
    let signed_in = login(&world, None).await;
    let set = cookie(&signed_in);
    let parts: Vec<&str> = set.split("; ").collect();
    assert!(parts[0].starts_with("__Host-sf_refresh=sfr_"), "{set}");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Secure"] {
        assert!(parts.contains(&part), "{part} is missing in {set}");
    }
    assert!(!set.contains("Domain"), "{set}");
    for other in signed_in.headers.get_all("set-cookie") {
        let other = other.to_str().unwrap();
        assert!(other.starts_with("__Host-") && other.contains("Path=/;") || other.ends_with("Path=/"), "{other}");
    }
    assert!(signed_in.body["data"].get("refreshToken").is_none());
    let refresh = |headers: &[(&str, &str)]| request(Method::POST, "/api/v1/auth/refresh", None, None, headers);
    let sent = ("cookie", value(&set));
    let client = ("x-serverflow-client", "web");
    let own = ("origin", "https://localhost");
    for refused in [vec![sent], vec![sent, client], vec![sent, own], vec![sent, client, ("origin", "https://evil.org")]]
    {
        let answer = world.raw(refresh(&refused)).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "csrf.refused"), "{refused:?}");
    }
    // From our own page, but without what only our own page can read.
    let csrf = csrf(&signed_in);
    let both = format!("{}; __Host-sf_csrf={csrf}", value(&set));
    // Names that could be set without HTTPS count for nothing under it.
    let plain = both.replace("__Host-", "");
    let answer = world.raw(refresh(&[("cookie", &plain), client, own, ("x-serverflow-csrf", &csrf)])).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::UNAUTHORIZED, "session.missing"));
    let (both, token, wrong) =
        (("cookie", both.as_str()), ("x-serverflow-csrf", csrf.as_str()), ("x-serverflow-csrf", "x"));
    for refused in [vec![sent, client, own], vec![sent, client, own, token], vec![both, client, own, wrong]] {
        let answer = world.raw(refresh(&refused)).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "csrf.token"), "{refused:?}");
    }
    let renewed = world.raw(refresh(&[both, client, own, token])).await;
    assert_eq!(renewed.status, StatusCode::OK, "{}", renewed.body);
    assert_ne!(value(&cookie(&renewed)), value(&set));
    let nothing = world.raw(refresh(&[client, own])).await;
    assert_eq!((nothing.status, nothing.code()), (StatusCode::UNAUTHORIZED, "session.missing"));
}

#[tokio::test]
async fn a_program_gets_its_refresh_token_in_the_answer_and_a_spent_one_ends_the_session() {
    let world = World::new().await;
    let signed_in = login(&world, Some("cli")).await.expect(200);
    let first = signed_in["refreshToken"].as_str().unwrap().to_owned();
    let refresh = async |token: &str| {
        let body = json!({ "refreshToken": token });
        world.send(Method::POST, "/api/v1/auth/refresh", None, Some(body)).await
    };
    let second = refresh(&first).await.expect(200);
    world.clock.set(world.control.now().plus(std::time::Duration::from_secs(60)));
    assert_eq!(refresh(&first).await.status, StatusCode::UNAUTHORIZED);
    let token = second["refreshToken"].as_str().unwrap();
    assert_eq!(refresh(token).await.status, StatusCode::UNAUTHORIZED, "the whole session is over");
    let access = second["accessToken"].as_str().unwrap();
    let me = world.send(Method::GET, "/api/v1/auth/me", Some(access), None).await;
    assert_eq!(me.status, StatusCode::UNAUTHORIZED, "and so is its access token");
}

#[tokio::test]
async fn signing_out_ends_the_session_of_a_cookie_too() {
    let world = World::new().await;
    let signed_in = login(&world, None).await;
    let csrf = csrf(&signed_in);
    let set = cookie(&signed_in);
    assert!(
        set.starts_with("sf_refresh=sfr_") && set.contains("Path=/api/v1/auth"),
        "plain HTTP takes no prefix: {set}"
    );
    let both = format!("{}; sf_csrf={csrf}", value(&set));
    let headers = [
        ("cookie", both.as_str()),
        ("x-serverflow-client", "web"),
        ("origin", "http://localhost"),
        ("x-serverflow-csrf", csrf.as_str()),
    ];
    // Nor is the other name looked at.
    let prefixed = both.replace("sf_", "__Host-sf_");
    let others = [("cookie", prefixed.as_str()), headers[1], headers[2], headers[3]];
    let other = world.raw(request(Method::POST, "/api/v1/auth/refresh", None, None, &others)).await;
    assert_eq!(other.code(), "session.missing");
    let out = world.raw(request(Method::POST, "/api/v1/auth/logout", None, None, &headers)).await;
    assert_eq!(out.status, StatusCode::OK, "{}", out.body);
    assert!(cookie(&out).contains("Max-Age=0"), "{}", cookie(&out));
    let again = world.raw(request(Method::POST, "/api/v1/auth/refresh", None, None, &headers)).await;
    assert_eq!(again.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_answer_the_same() {
    let world = World::new().await;
    let mut answers = Vec::new();
    for (email, password) in [(EMAIL, "five lanterns drift westward"), ("nobody@example.org", PASSWORD)] {
        let body = json!({ "email": email, "password": password });
        let answer = world.send(Method::POST, "/api/v1/auth/login", None, Some(body)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        answers.push(answer.body["error"].clone());
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn guessing_is_slowed_down_by_address() {
    let world = World::with(|options| {
        let wide = Rate::a_second(1000, 1000);
        options.rates = Rates { sign_in: Rate::a_second(3, 1), address: wide, principal: wide };
    })
    .await;
    // The first was spent by the world's own sign-in.
    let statuses: Vec<u16> = [login(&world, None).await, login(&world, None).await, login(&world, None).await]
        .iter()
        .map(|answer| answer.status.as_u16())
        .collect();
    assert_eq!(statuses, [200, 200, 429]);
    let limited = login(&world, None).await;
    assert_eq!((limited.code(), limited.headers["retry-after"].as_bytes()), ("rate.limited", &b"1"[..]));
    assert_eq!(world.get("/api/v1/auth/me").await.status, StatusCode::OK, "who is signed in goes on");
}

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let world = World::new().await;
    let other = login(&world, Some("cli")).await.expect(200);
    let listed = world.get("/api/v1/sessions").await.expect(200);
    let rows = listed.as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows.iter().filter(|row| row["current"] == Value::Bool(true)).count(), 1);
    let theirs = rows.iter().find(|row| row["kind"] == "cli").unwrap();
    world.call(Method::DELETE, &format!("/api/v1/sessions/{}", theirs["id"].as_str().unwrap()), None).await.expect(200);
    let access = other["accessToken"].as_str().unwrap();
    assert_eq!(world.send(Method::GET, "/api/v1/apps", Some(access), None).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(world.get("/api/v1/setup").await.expect(200), json!({ "needed": false }));
    let body = json!({ "code": "AAAAA-AAAAA", "email": "x@example.org", "name": "X", "password": PASSWORD });
    assert!(world.send(Method::POST, "/api/v1/setup", None, Some(body)).await.status.is_client_error());
}
