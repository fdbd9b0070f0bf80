//! AI hosts: how a person lets one in, what it gets, and all the ways around it.

mod attacks;
mod calls;
mod documents;
mod ends;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sf_actions::{AccessScope, ActorKind, Permission};
use sf_control::sign_in::McpCaller;
use sf_types::Fault;
use sha2::{Digest, Sha256};

use crate::world::{Answer, PUBLIC_URL, World, answer, request};

pub const REDIRECT: &str = "http://127.0.0.1/callback";
const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters-0";

/// A program that has registered, and what it asks for.
pub struct Host {
    pub wish: Value,
}

pub fn resource() -> String {
    format!("{PUBLIC_URL}/mcp/v1")
}

impl Host {
    pub async fn register(world: &World) -> Self {
        let body = json!({ "client_name": "Claude", "redirect_uris": [REDIRECT, "https://app.example.com/cb"] });
        let made = world.send(Method::POST, "/oauth/register", None, Some(body)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        assert_eq!(made.body["token_endpoint_auth_method"], "none");
        Self::of(made.body["client_id"].as_str().unwrap())
    }

    pub fn of(client: &str) -> Self {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        let wish = json!({
            "responseType": "code", "clientId": client, "redirectUri": "http://127.0.0.1:50123/callback",
            "codeChallenge": challenge, "codeChallengeMethod": "S256", "scope": "read deploy", "state": "a b&c",
            "resource": resource(),
        });
        Self { wish }
    }

    /// The same, but for one thing.
    pub fn but(&self, name: &str, value: &str) -> Self {
        let mut wish = self.wish.clone();
        wish[name] = value.into();
        Self { wish }
    }

    fn text(&self, name: &str) -> &str {
        self.wish[name].as_str().unwrap()
    }

    pub async fn look(&self, world: &World, token: &str) -> Answer {
        let query: Vec<String> = self
            .wish
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| format!("{name}={}", escaped(value.as_str().unwrap())))
            .collect();
        world.send(Method::GET, &format!("/api/v1/auth/consent?{}", query.join("&")), Some(token), None).await
    }

    pub async fn decide(&self, world: &World, token: &str, body: Value) -> Answer {
        let csrf = csrf_of(world, token).await;
        let headers = [("origin", "http://localhost"), ("x-serverflow-csrf", csrf.as_str())];
        world.raw(request(Method::POST, "/api/v1/auth/consent", Some(token), Some(body), &headers)).await
    }

    /// A person says yes; the code.
    pub async fn allowed(&self, world: &World, token: &str, scopes: &[&str]) -> String {
        let body = json!({ "asked": self.wish, "allow": true, "scopes": scopes });
        let to = self.decide(world, token, body).await.expect(200)["redirectTo"].as_str().unwrap().to_owned();
        assert!(to.starts_with(&format!("{}?code=sfc_", self.text("redirectUri"))), "{to}");
        assert!(to.contains("&state=a%20b%26c&iss=https%3A%2F%2Fpanel.example.org"), "{to}");
        let (_, rest) = to.split_once("code=").unwrap();
        rest.split('&').next().unwrap().to_owned()
    }

    /// What the token endpoint is asked with.
    pub fn redemption<'a>(&'a self, code: &'a str) -> Vec<(&'a str, &'a str)> {
        vec![
            ("grant_type", "authorization_code"),
            ("client_id", self.text("clientId")),
            ("code", code),
            ("redirect_uri", self.text("redirectUri")),
            ("code_verifier", VERIFIER),
            ("resource", self.text("resource")),
        ]
    }

    pub async fn redeem(&self, world: &World, code: &str) -> Answer {
        form(world, "/oauth/token", &self.redemption(code)).await
    }

    pub async fn refresh(&self, world: &World, refresh: &str) -> Answer {
        let pairs = [
            ("grant_type", "refresh_token"),
            ("client_id", self.text("clientId")),
            ("refresh_token", refresh),
            ("resource", self.text("resource")),
        ];
        form(world, "/oauth/token", &pairs).await
    }

    /// The whole way to tokens.
    pub async fn tokens(&self, world: &World, token: &str, scopes: &[&str]) -> Tokens {
        let code = self.allowed(world, token, scopes).await;
        Tokens::of(self.redeem(world, &code).await)
    }
}

#[derive(Clone, Debug)]
pub struct Tokens {
    pub access: String,
    pub refresh: String,
    pub scope: String,
}

impl Tokens {
    pub fn of(answer: Answer) -> Self {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert_eq!(answer.headers["cache-control"], "no-store");
        let text = |name: &str| answer.body[name].as_str().unwrap().to_owned();
        assert_eq!((text("token_type").as_str(), answer.body["expires_in"].as_u64()), ("Bearer", Some(900)));
        Self { access: text("access_token"), refresh: text("refresh_token"), scope: text("scope") }
    }
}

pub fn escaped(text: &str) -> String {
    sf_identity::client::with_query("", &[("", text)])[2..].to_owned()
}

pub async fn csrf_of(world: &World, token: &str) -> String {
    let actor = world.control.authenticate(sf_identity::Audience::Api, token, None).await.unwrap();
    let ActorKind::Person { session, .. } = actor.kind else { return String::new() };
    world.control.csrf_token(session)
}

pub async fn form(world: &World, path: &str, pairs: &[(&str, &str)]) -> Answer {
    let body: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    let request = http::Request::builder()
        .method(Method::POST)
        .uri(path)
        .header("host", "localhost")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(axum::body::Body::from(body.join("&")))
        .unwrap();
    answer(world.router.clone(), request).await
}

pub async fn caller(world: &World, bearer: &str) -> Result<McpCaller, Fault> {
    world.control.mcp_caller(&resource(), bearer, None).await
}

#[tokio::test]
async fn a_host_finds_out_where_to_ask() {
    let world = World::new().await;
    let get = async |path: &str| {
        let answer = world.send(Method::GET, path, None, None).await;
        assert_eq!(
            (answer.status, &answer.headers["access-control-allow-origin"]),
            (StatusCode::OK, &"*".parse().unwrap())
        );
        answer.body
    };
    let path = get("/.well-known/oauth-protected-resource/mcp/v1").await;
    assert_eq!(path, get("/.well-known/oauth-protected-resource").await);
    assert_eq!(path["resource"], resource());
    assert_eq!(path["authorization_servers"], json!([PUBLIC_URL]));
    let server = get("/.well-known/oauth-authorization-server").await;
    assert_eq!(server["issuer"], PUBLIC_URL);
    assert_eq!(server["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(server["token_endpoint_auth_methods_supported"], json!(["none"]));
    for is in ["client_id_metadata_document_supported", "authorization_response_iss_parameter_supported"] {
        assert_eq!(server[is], true, "{is}");
    }
    for all in [&path, &server] {
        assert!(!all.to_string().contains("offline_access"));
    }
    // It leads to our own page, with what was asked for and nothing looked at.
    let sent = world
        .send(Method::GET, "/oauth/authorize?client_id=x&redirect_uri=https%3A%2F%2Fevil.example", None, None)
        .await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    assert_eq!(sent.headers["location"], "/connect/authorize?client_id=x&redirect_uri=https%3A%2F%2Fevil.example");
}

#[tokio::test]
async fn a_person_lets_a_host_in_and_it_is_an_agent_of_theirs() {
    let world = World::new().await;
    let host = Host::register(&world).await;
    let seen = host.look(&world, &world.token).await.expect(200);
    assert_eq!(
        (&seen["name"], &seen["host"], &seen["redirectHost"]),
        (&json!("Claude"), &Value::Null, &json!("127.0.0.1:50123"))
    );
    let names: Vec<&str> = seen["scopes"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!((names, &seen["refused"]), (vec!["read", "deploy"], &Value::Null));
    let tokens = host.tokens(&world, &world.token, &["read"]).await;
    assert_eq!(tokens.scope, "read");
    let called = caller(&world, &tokens.access).await.unwrap();
    assert!(matches!(called.actor.kind, ActorKind::Ai { .. }));
    assert_eq!(
        (called.scopes.as_slice(), called.client.as_str()),
        (&[AccessScope::Read][..], "Claude (127.0.0.1:50123)")
    );
    assert!(called.actor.may(Permission::AppView) && !called.actor.may(Permission::AppDeploy));
    // It goes on with its refresh token; what it had before is good until it ends.
    let next = Tokens::of(host.refresh(&world, &tokens.refresh).await);
    assert_ne!((&next.access, &next.refresh), (&tokens.access, &tokens.refresh));
    assert!(caller(&world, &next.access).await.is_ok());
    // It is no key, and opens no other door.
    assert_eq!(world.get("/api/v1/tokens").await.expect(200), json!([]));
    assert_eq!(
        world.send(Method::GET, "/api/v1/auth/me", Some(&tokens.access), None).await.status,
        StatusCode::UNAUTHORIZED
    );
    let listed = world.get("/api/v1/mcp/grants").await.expect(200);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!((&listed[0]["scopes"], &listed[0]["userName"]), (&json!(["read"]), &json!("Ada")));
    for secret in [&tokens.access, &tokens.refresh, &next.refresh] {
        assert!(!listed.to_string().contains(secret.as_str()));
    }
    // Asked for more: another grant, with what the person says.
    let wider = host.tokens(&world, &world.token, &["read", "deploy"]).await;
    assert_eq!(wider.scope, "read deploy");
    assert!(caller(&world, &wider.access).await.unwrap().actor.may(Permission::AppDeploy));
}

#[tokio::test]
async fn a_key_is_an_agent_at_this_door_whomever_it_speaks_for_elsewhere() {
    let world = World::new().await;
    for (speaks_for, scopes, expected) in [
        ("person", json!(["app:view", "file:read"]), vec![AccessScope::Read, AccessScope::Files]),
        ("ai", Value::Null, AccessScope::ALL.to_vec()),
    ] {
        let body = json!({ "name": "k", "days": 1, "speaksFor": speaks_for, "scopes": scopes });
        let key = world.post("/api/v1/tokens", body).await.expect(201)["secret"].as_str().unwrap().to_owned();
        let called = caller(&world, &key).await.unwrap();
        assert!(matches!(called.actor.kind, ActorKind::Ai { .. }), "{speaks_for}");
        assert_eq!((called.scopes, called.client.as_str()), (expected, "k"), "{speaks_for}");
    }
    let access = world.control.authenticate(sf_identity::Audience::Api, &world.token, None).await.unwrap();
    let for_mcp = world.control.access_for(&access, sf_identity::Audience::Mcp).unwrap().unwrap();
    for not in [world.token.as_str(), for_mcp.expose(), "", "sf_", "eyJhbGciOiJub25lIn0.e30."] {
        assert_eq!(caller(&world, not).await.unwrap_err().kind, sf_types::ErrorKind::Unauthenticated, "{not}");
    }
}
