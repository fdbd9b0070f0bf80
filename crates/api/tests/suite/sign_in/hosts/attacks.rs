//! What is tried with codes, tokens, pages and addresses of others.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::json;
use sf_actions::Permission;

use super::{Host, Tokens, caller, csrf_of, form};
use crate::world::{Answer, World, request};

/// Who comes at the same moment.
const RACERS: usize = 50;

fn refused(answer: &Answer, word: &str) {
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.body);
    assert_eq!(answer.body["error"], word, "{}", answer.body);
}

#[tokio::test]
async fn a_code_is_good_once_for_who_asked_and_whoever_is_second_ends_it_all() {
    let world = World::new().await;
    let host = Host::register(&world).await;
    let code = host.allowed(&world, &world.token, &["read"]).await;
    let tokens = Tokens::of(host.redeem(&world, &code).await);
    assert!(caller(&world, &tokens.access).await.is_ok());
    refused(&host.redeem(&world, &code).await, "invalid_grant");
    assert!(caller(&world, &tokens.access).await.is_err(), "the thief or the owner: nobody has it now");
    refused(&host.refresh(&world, &tokens.refresh).await, "invalid_grant");
}

#[tokio::test]
async fn a_code_is_worth_nothing_to_anybody_else() {
    let world = World::new().await;
    let host = Host::register(&world).await;
    let other = Host::register(&world).await;
    let others = other.wish["clientId"].as_str().unwrap().to_owned();
    for (name, value, word) in [
        ("code_verifier", "another-verifier-of-at-least-forty-three-chars".to_owned(), "invalid_grant"),
        // The challenge itself, as with the method `plain`.
        ("code_verifier", host.wish["codeChallenge"].as_str().unwrap().to_owned(), "invalid_grant"),
        ("redirect_uri", "http://127.0.0.1:50124/callback".to_owned(), "invalid_grant"),
        ("redirect_uri", "https://app.example.com/cb".to_owned(), "invalid_grant"),
        ("client_id", others, "invalid_grant"),
        ("resource", "https://other.example.org/mcp/v1".to_owned(), "invalid_target"),
    ] {
        let code = host.allowed(&world, &world.token, &["read"]).await;
        let mut pairs = host.redemption(&code);
        pairs.iter_mut().find(|pair| pair.0 == name).unwrap().1 = &value;
        refused(&form(&world, "/oauth/token", &pairs).await, word);
        // It is spent, and what it stood for is over.
        refused(&host.redeem(&world, &code).await, "invalid_grant");
    }
    for name in ["grant_type", "client_id", "code", "redirect_uri", "code_verifier", "resource"] {
        let code = host.allowed(&world, &world.token, &["read"]).await;
        let pairs: Vec<_> = host.redemption(&code).into_iter().filter(|pair| pair.0 != name).collect();
        refused(&form(&world, "/oauth/token", &pairs).await, "invalid_request");
        let mut twice = host.redemption(&code);
        twice.push((name, "x"));
        refused(&form(&world, "/oauth/token", &twice).await, "invalid_request");
        // Nothing was presented yet: it is still good.
        Tokens::of(host.redeem(&world, &code).await);
    }
    assert_eq!(world.get("/api/v1/mcp/grants").await.expect(200).as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn a_code_and_what_came_of_it_end_in_their_time() {
    let mut world = World::new().await;
    let host = Host::register(&world).await;
    let code = host.allowed(&world, &world.token, &["read"]).await;
    world.pass(Duration::from_secs(60)).await;
    refused(&host.redeem(&world, &code).await, "invalid_grant");
    let tokens = host.tokens(&world, &world.token, &["read"]).await;
    world.pass(Duration::from_secs(15 * 60 + 5)).await;
    assert_eq!(caller(&world, &tokens.access).await.unwrap_err().code, "access.expired");
    let next = Tokens::of(host.refresh(&world, &tokens.refresh).await);
    assert!(caller(&world, &next.access).await.is_ok());
    world.pass(Duration::from_secs(14 * 86_400)).await;
    refused(&host.refresh(&world, &next.refresh).await, "invalid_grant");
    world.sign_in().await;
    assert_eq!(world.get("/api/v1/mcp/grants").await.expect(200), json!([]));
}

#[tokio::test]
async fn of_fifty_who_bring_one_code_one_gets_something_and_not_for_long() {
    let world = World::new().await;
    let host = Host::register(&world).await;
    let code = host.allowed(&world, &world.token, &["read"]).await;
    let all = futures_util::future::join_all((0..RACERS).map(|_| host.redeem(&world, &code))).await;
    let good: Vec<_> = all.into_iter().filter(|answer| answer.status == StatusCode::OK).collect();
    assert_eq!(good.len(), 1);
    let tokens = Tokens::of(good.into_iter().next().unwrap());
    assert!(caller(&world, &tokens.access).await.is_err());
}

#[tokio::test]
async fn fifty_who_race_with_one_refresh_token_get_the_same_next_one_and_a_late_one_ends_it() {
    let world = World::new().await;
    let host = Host::register(&world).await;
    let tokens = host.tokens(&world, &world.token, &["read"]).await;
    let all = futures_util::future::join_all((0..RACERS).map(|_| host.refresh(&world, &tokens.refresh))).await;
    let mut next: Vec<_> = all.into_iter().map(|answer| Tokens::of(answer).refresh).collect();
    next.dedup();
    assert_eq!(next.len(), 1);
    let last = Tokens::of(host.refresh(&world, &next[0]).await);
    assert!(caller(&world, &last.access).await.is_ok());
    // Spent twice over: somebody has a copy.
    refused(&host.refresh(&world, &tokens.refresh).await, "invalid_grant");
    assert!(caller(&world, &last.access).await.is_err());
    refused(&host.refresh(&world, &last.refresh).await, "invalid_grant");
    // Of another program: the same.
    let (mine, other) = (host.tokens(&world, &world.token, &["read"]).await, Host::register(&world).await);
    refused(&other.refresh(&world, &mine.refresh).await, "invalid_grant");
    assert!(caller(&world, &mine.access).await.is_err());
}

#[tokio::test]
async fn what_asks_for_the_wrong_thing_is_shown_and_goes_nowhere_by_itself() {
    let world = World::new().await;
    let host = Host::register(&world).await;
    for (name, value, word) in [
        ("responseType", "token", "unsupported_response_type"),
        ("codeChallengeMethod", "plain", "invalid_request"),
        ("codeChallengeMethod", "", "invalid_request"),
        ("codeChallenge", "", "invalid_request"),
        ("codeChallenge", "short", "invalid_request"),
        ("resource", "", "invalid_target"),
        ("resource", "https://panel.example.org", "invalid_target"),
        ("resource", "https://other.example.org/mcp/v1", "invalid_target"),
    ] {
        let wrong = host.but(name, value);
        let seen = wrong.look(&world, &world.token).await.expect(200);
        let back = seen["refused"]["backTo"].as_str().unwrap();
        assert!(back.starts_with(&format!("http://127.0.0.1:50123/callback?error={word}&")), "{name}: {back}");
        assert!(back.contains("&iss=https%3A%2F%2Fpanel.example.org"), "{back}");
        let body = json!({ "asked": wrong.wish, "allow": true, "scopes": ["read"] });
        assert_eq!(wrong.decide(&world, &world.token, body).await.code(), format!("oauth.{word}"), "{name}");
    }
    for (name, value, code) in [
        ("redirectUri", "https://app.example.com/cb/", "oauth.redirect_uri"),
        ("redirectUri", "https://app.example.com/c", "oauth.redirect_uri"),
        ("redirectUri", "https://app.example.com/cb#x", "oauth.redirect_uri"),
        ("redirectUri", "https://APP.example.com/cb", "oauth.redirect_uri"),
        ("redirectUri", "https://app.example.com@evil.example/cb", "oauth.redirect_uri"),
        ("redirectUri", "https://evil.example/cb", "oauth.redirect_uri"),
        ("redirectUri", "javascript:alert(1)", "oauth.redirect_uri"),
        ("redirectUri", "", "oauth.redirect_uri"),
        ("clientId", "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b", "oauth.invalid_client"),
        ("clientId", "", "oauth.invalid_client_metadata"),
        ("clientId", "http://127.0.0.1/client.json", "oauth.invalid_client_metadata"),
    ] {
        let wrong = host.but(name, value);
        let seen = wrong.look(&world, &world.token).await;
        assert_eq!((seen.status, seen.code()), (StatusCode::BAD_REQUEST, code), "{name} {value}");
        assert!(!seen.body.to_string().contains("backTo"), "there is nowhere to go back to");
        let body = json!({ "asked": wrong.wish, "allow": false });
        assert_eq!(wrong.decide(&world, &world.token, body).await.code(), code, "{name} {value}");
    }
    assert_eq!(world.get("/api/v1/mcp/grants").await.expect(200), json!([]));
}

#[tokio::test]
async fn only_a_click_on_our_own_page_lets_anybody_in() {
    let world = World::new().await;
    let host = Host::register(&world).await;
    let yes = json!({ "asked": host.wish, "allow": true, "scopes": ["read"] });
    let csrf = csrf_of(&world, &world.token).await;
    let mut other = World::new().await;
    other.sign_in().await;
    let another = csrf_of(&other, &other.token).await;
    for (headers, code) in [
        (&[][..], "csrf.origin"),
        (&[("x-serverflow-csrf", csrf.as_str())], "csrf.origin"),
        (&[("origin", "https://evil.example"), ("x-serverflow-csrf", &csrf)], "csrf.origin"),
        (&[("origin", "null"), ("x-serverflow-csrf", &csrf)], "csrf.origin"),
        (&[("origin", "http://localhost.evil.example"), ("x-serverflow-csrf", &csrf)], "csrf.origin"),
        (
            &[("origin", "http://localhost"), ("sec-fetch-site", "cross-site"), ("x-serverflow-csrf", &csrf)],
            "csrf.origin",
        ),
        (&[("origin", "http://localhost")], "csrf.token"),
        (&[("origin", "http://localhost"), ("x-serverflow-csrf", "")], "csrf.token"),
        (&[("origin", "http://localhost"), ("x-serverflow-csrf", &another)], "csrf.token"),
    ] {
        let path = "/api/v1/auth/consent";
        let sent = world.raw(request(Method::POST, path, Some(&world.token), Some(yes.clone()), headers)).await;
        assert_eq!((sent.status, sent.code()), (StatusCode::FORBIDDEN, code), "{headers:?}");
    }
    // No key, whomever it speaks for, nor a host that is in already.
    for speaks_for in ["person", "ai"] {
        let key = json!({ "name": "k", "days": 1, "speaksFor": speaks_for });
        let key = world.post("/api/v1/tokens", key).await.expect(201)["secret"].as_str().unwrap().to_owned();
        assert_eq!(host.decide(&world, &key, yes.clone()).await.code(), "session.needed", "{speaks_for}");
        assert_eq!(host.look(&world, &key).await.code(), "session.needed", "{speaks_for}");
    }
    assert_eq!(world.get("/api/v1/mcp/grants").await.expect(200), json!([]));
    // No is an answer, too.
    let no = host.decide(&world, &world.token, json!({ "asked": host.wish, "allow": false })).await.expect(200);
    let to = no["redirectTo"].as_str().unwrap();
    assert!(to.starts_with("http://127.0.0.1:50123/callback?error=access_denied&"), "{to}");
}

#[tokio::test]
async fn nobody_grants_what_they_do_not_have_or_were_not_asked_for() {
    let world = World::new().await;
    let viewer = world.member(world.tenant().await, "cy@example.org", &[Permission::AppView]).await;
    let host = Host::register(&world).await.but("scope", "read deploy admin");
    let seen = host.look(&world, &viewer).await.expect(200);
    let shown: Vec<_> = seen["scopes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].as_str().unwrap(), one["available"] == true, one["chosen"] == true))
        .collect();
    assert_eq!(shown, [("read", true, true), ("deploy", false, false), ("admin", false, false)]);
    for scopes in [&["deploy"][..], &["read", "admin"], &["files"], &[], &["root"]] {
        let body = json!({ "asked": host.wish, "allow": true, "scopes": scopes });
        assert_eq!(host.decide(&world, &viewer, body).await.code(), "oauth.scopes", "{scopes:?}");
    }
    let called = caller(&world, &host.tokens(&world, &viewer, &["read"]).await.access).await.unwrap();
    assert!(called.actor.may(Permission::AppView) && !called.actor.may(Permission::NodeView));
}

#[tokio::test]
async fn who_registers_by_the_thousand_is_stopped_and_forgotten() {
    let world = World::with(|options| options.trusted_proxies = vec!["0.0.0.0".parse().unwrap()]).await;
    let register = async |from: &str| {
        let body = json!({ "client_name": "x", "redirect_uris": ["http://localhost/cb"] });
        let request = request(Method::POST, "/oauth/register", None, Some(body), &[("x-forwarded-for", from)]);
        world.raw(request).await.status.as_u16()
    };
    for nth in 0..sf_store::clients::MAX_PER_NETWORK {
        assert_eq!(register("192.0.2.1").await, 201, "{nth}");
    }
    assert_eq!(register("192.0.2.1").await, 429);
    assert_eq!(register("192.0.2.2").await, 201, "others are not kept out by one");
    world.pass(Duration::from_secs(86_400)).await;
    assert_eq!(register("192.0.2.1").await, 201, "those that nobody let in are forgotten");
    for bad in
        [json!({}), json!([]), json!({ "redirect_uris": ["javascript:alert(1)"] }), json!({ "redirect_uris": [] })]
    {
        let answer = world.send(Method::POST, "/oauth/register", None, Some(bad.clone())).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bad}");
        assert!(answer.body["error"].as_str().unwrap().starts_with("invalid_"), "{}", answer.body);
    }
    let long = json!({ "redirect_uris": ["http://localhost/cb"], "x": "x".repeat(20_000) });
    assert_eq!(
        world.send(Method::POST, "/oauth/register", None, Some(long)).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
}
