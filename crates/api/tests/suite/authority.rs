//! Authority as a table, made from the router's own description: a new route cannot be forgotten.

mod by_role;
mod refused;
mod rights;

use std::sync::LazyLock;
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use sf_actions::{ActorKind, Permission};
use sf_api::caller::is_open;
use sf_identity::Audience;

use crate::world::{World, id, start};

/// The API's own description, read once: it has a megabyte.
pub fn described() -> &'static Value {
    static DOCUMENT: LazyLock<Value> =
        LazyLock::new(|| serde_json::from_str(&sf_api::openapi::json()).expect("our own description"));
    &DOCUMENT
}

/// Every route of the description, with its method.
pub fn routes() -> Vec<(Method, String)> {
    let mut routes = Vec::new();
    for (path, item) in described()["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            if let Ok(method) = Method::from_bytes(method.to_uppercase().as_bytes())
                && [Method::GET, Method::POST, Method::PATCH, Method::DELETE, Method::PUT].contains(&method)
            {
                routes.push((method, path.clone()));
            }
        }
    }
    routes
}

/// A body that is read without complaint, so that what refuses is the right and not the form.
fn body(method: &Method, path: &str) -> Option<Value> {
    let settings = json!({ "repository": "https://git.example.org/a" });
    Some(match (method.as_str(), path) {
        ("GET" | "DELETE", _) => return None,
        ("PATCH", "/api/v1/nodes/{id}") => json!({ "name": "other" }),
        ("POST", "/api/v1/nodes/{id}/inspect") => json!({ "repository": "https://git.example.org/a" }),
        ("POST", "/api/v1/nodes/{id}/services") => json!({ "service": "nginx", "verb": "stop" }),
        ("PATCH", "/api/v1/users/{id}" | "/api/v1/projects/{id}" | "/api/v1/roles/{id}") => json!({ "name": "other" }),
        ("PATCH", "/api/v1/tenants/{id}") => json!({ "name": "other" }),
        ("POST", "/api/v1/tenants/{id}/invite") => json!({ "owner": "other@example.org" }),
        ("POST", "/api/v1/users/{id}/grants") => json!({ "role": "viewer", "object": { "kind": "tenant" } }),
        ("PATCH", "/api/v1/apps/{id}") => json!({ "settings": settings }),
        ("POST", "/api/v1/apps/{id}/patches" | "/api/v1/apps/{id}/patches/preview") => {
            json!({ "path": "a.js", "before": "absent", "text": "a" })
        }
        ("PATCH", "/api/v1/secrets/{id}") => json!({ "value": "other" }),
        ("PUT", "/api/v1/apps/{id}/previews") => json!({}),
        ("POST", "/api/v1/apps/{id}/previews") => json!({ "branch": "feature/x" }),
        ("POST", "/api/v1/apps/{id}/preview/extend") => json!({ "days": 3 }),
        ("PUT", "/api/v1/proxies/{id}") => json!({ "settings": {} }),
        ("PUT", "/api/v1/apps/{id}/schedules/{name}") => {
            json!({ "settings": { "cron": "@daily", "command": ["true"] } })
        }
        ("PUT", "/api/v1/servers/{id}/schedules/{name}") => {
            json!({ "settings": { "cron": "@daily", "steps": [{ "power": "stop" }] } })
        }
        ("PUT", "/api/v1/workflows/{id}") => {
            json!({ "document": "workflow: 1\nname: other\nsteps: [{ id: a, query: /apps }]" })
        }
        ("PUT", "/api/v1/monitoring/rules/{id}") => crate::world::rule("other"),
        ("PUT", "/api/v1/ctrls/{id}") => json!({ "name": "other" }),
        ("PUT", "/api/v1/alts/{id}") => json!({ "document": crate::world::template("other") }),
        ("POST", "/api/v1/servers/{id}/power") => json!({ "verb": "stop" }),
        ("POST", "/api/client/servers/{id}/power") => json!({ "signal": "stop" }),
        ("POST", "/api/client/servers/{id}/command") => json!({ "command": "say hello" }),
        ("POST", "/api/v1/servers/{id}/command") => json!({ "line": "say hello" }),
        ("POST", "/api/v1/servers/{id}/files/write") => json!({ "path": "a.txt", "text": "a" }),
        ("POST", "/api/v1/servers/{id}/files/folder") => json!({ "path": "a" }),
        ("POST", "/api/v1/servers/{id}/files/rename" | "/api/v1/servers/{id}/files/copy") => {
            json!({ "from": "a", "to": "b" })
        }
        ("POST", "/api/v1/servers/{id}/files/delete") => json!({ "paths": ["a"] }),
        ("POST", "/api/v1/servers/{id}/files/mode") => json!({ "path": "a", "mode": "644" }),
        ("POST", "/api/v1/servers/{id}/files/compress") => json!({ "names": ["a"], "into": "a.zip" }),
        ("POST", "/api/v1/servers/{id}/files/extract") => json!({ "path": "a.zip" }),
        ("POST", "/api/v1/servers/{id}/files/download-link") => json!({ "path": "a.zip" }),
        ("POST", "/api/v1/servers/{id}/uploads") => json!({ "path": "a.zip", "bytes": 1 }),
        ("POST", "/api/v1/nodes/{id}/allocations") => json!({ "ports": "26000" }),
        ("POST", "/api/v1/workflows/{id}/triggers") => json!({ "enabled": false }),
        ("POST", "/api/v1/workflow-executions/{id}/events") => json!({ "event": "go" }),
        ("POST", "/api/v1/workflow-executions/{id}/move") => json!({ "version": 1 }),
        ("POST", "/api/v1/runs/{id}/approve" | "/api/v1/runs/{id}/reject" | "/api/v1/runs/{id}/reopen") => {
            json!({ "hash": "0" })
        }
        ("POST", "/api/v1/runs/{id}/review") => json!({ "good": true }),
        ("POST", "/api/v1/runs/{id}/edit") => json!({ "hash": "0", "args": {} }),
        _ => return None,
    })
}

#[tokio::test]
async fn without_a_good_credential_only_the_open_routes_answer() {
    let world = World::new().await;
    let me = world.control.authenticate(Audience::Api, &world.token, None).await.unwrap();
    let other_audience = world.control.access_for(&me, Audience::Mcp).unwrap().unwrap().expose().clone();
    let made = world.post("/api/v1/tokens", json!({ "name": "t", "days": 1 })).await.expect(201);
    let revoked = made["secret"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/tokens/{}", id(&made["token"]));
    world.call(Method::DELETE, &path, None).await.expect(200);
    let credentials =
        [None, Some("garbage"), Some("a.b.c"), Some("sf_"), Some(other_audience.as_str()), Some(revoked.as_str())];
    let mut asked = 0;
    for (method, path) in routes() {
        for credential in credentials {
            let answer = world.send(method.clone(), &path.replace("{id}", ID), credential, None).await;
            let refused = answer.status == StatusCode::UNAUTHORIZED;
            if is_open(&method, &path) {
                // Open routes judge by themselves; those that hold nothing answer.
                let harmless = ["/api/v1/health", "/api/v1/openapi.json"].contains(&path.as_str());
                assert!(!harmless || answer.status == StatusCode::OK, "{method} {path}: {}", answer.body);
            } else {
                assert!(refused, "{method} {path} answers {} to {credential:?}", answer.status);
                assert_eq!(answer.body["success"], false);
            }
            asked += 1;
        }
    }
    assert!(asked > 200, "the table has {asked} rows");
}

pub const ID: &str = "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b";

#[tokio::test]
async fn an_expired_session_and_an_ended_one_open_nothing() {
    let world = World::new().await;
    world.get("/api/v1/auth/me").await.expect(200);
    world.clock.set(start().plus(Duration::from_secs(16 * 60)));
    for (method, path) in routes().into_iter().filter(|(method, path)| !is_open(method, path)) {
        let answer = world.send(method.clone(), &path.replace("{id}", ID), Some(&world.token), None).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
    }
    let ended = World::new().await;
    ended.post("/api/v1/auth/logout", json!({})).await.expect(200);
    assert_eq!(ended.get("/api/v1/auth/me").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_belongs_to_another_tenant_does_not_exist() {
    let world = World::new().await;
    let theirs = world.stranger().await;
    let their_domain = world.domain(&theirs.app, "theirs.example.org").await;
    let mut asked = 0;
    // A webhook is nobody's by a session: its own signature says who may.
    let routes = routes().into_iter().filter(|(method, path)| path.contains("{id}") && !is_open(method, path));
    for (method, path) in routes {
        let id = match path.split('/').nth(3).unwrap() {
            "nodes" => &theirs.node,
            "apps" => &theirs.app,
            "runs" => &theirs.run,
            "tokens" | "mcp" => &theirs.token,
            "sessions" => &theirs.session,
            "users" => &theirs.user,
            "invitations" => &theirs.invitation,
            "secrets" => &theirs.secret,
            "proxies" => &their_domain,
            "workflows" => &theirs.workflow,
            "workflow-executions" => &theirs.execution,
            "projects" => &theirs.project,
            "roles" => &theirs.role,
            // A card is found by its run, too.
            "inbox" => &theirs.run,
            "deputies" => &theirs.grant,
            "tenants" => &theirs.tenant,
            "notification-channels" => &theirs.team_channel,
            "me" => &theirs.channel,
            "ctrls" => &theirs.ctrl,
            "alts" => &theirs.alt,
            "servers" => &theirs.server,
            "monitoring" => &theirs.rule,
            other => panic!("whose `{other}` are to be tried?"),
        };
        let answer = world
            .call(
                method.clone(),
                &(path
                    .replace("{id}", id)
                    .replace("{grant}", &theirs.grant)
                    .replace("{allocation}", &theirs.port)
                    .replace("{key}", "w")
                    .replace("{name}", "tidy")
                    .replace("/files/content", "/files/content?path=a.js")
                    + if method == Method::PATCH && path.ends_with("/uploads/{upload}") { "?offset=0" } else { "" }),
                body(&method, &path),
            )
            .await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}: {}", answer.body);
        let text = answer.body["error"]["message"].to_string();
        assert!(!text.contains("theirs"), "{method} {path} tells a name: {text}");
        asked += 1;
    }
    assert!(asked > 20, "the table has {asked} rows");
    for list in [
        "nodes",
        "ctrls",
        "alts",
        "servers",
        "monitoring/overview",
        "monitoring/rules",
        "monitoring/alerts",
        "apps",
        "runs",
        "activity",
        "users",
        "invitations",
        "secrets",
        "proxies",
        "workflows",
        "workflow-executions",
    ] {
        let rows = world.get(&format!("/api/v1/{list}")).await.expect(200);
        assert!(!rows.to_string().contains("theirs"), "{list} shows another tenant's: {rows}");
    }
}

#[tokio::test]
async fn a_person_without_rights_is_told_which_one_is_missing() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let (node, nobody) = (world.node("n").await, world.member(tenant, "bo@example.org", &[]).await);
    let viewer = world.member(tenant, "cy@example.org", &[Permission::AppView, Permission::NodeView]).await;
    let app = world.app("shop", node).await;
    for list in [
        "nodes",
        "apps",
        "runs",
        "approvals",
        "activity",
        "activity/state",
        "activity/export",
        "device-codes",
        "users",
        "invitations",
        "mail",
        "secrets",
        "projects",
        "monitoring/overview",
        "monitoring/rules",
        "monitoring/alerts",
        "notification-channels",
    ] {
        let answer = world.send(Method::GET, &format!("/api/v1/{list}"), Some(&nobody), None).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "permission.missing"), "{list}");
    }
    let deploy = format!("/api/v1/apps/{app}/deploy");
    // Who may not even see it is not told that it is there.
    assert_eq!(world.send(Method::POST, &deploy, Some(&nobody), None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.send(Method::POST, &deploy, Some(&viewer), None).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_token_acts_for_its_person() {
    let world = World::new().await;
    let made = world.post("/api/v1/tokens", json!({ "name": "ci", "days": 30 })).await.expect(201);
    let secret = made["secret"].as_str().unwrap();
    let me = world.send(Method::GET, "/api/v1/auth/me", Some(secret), None).await.expect(200);
    assert_eq!((me["via"].as_str(), me["user"]["email"].as_str()), (Some("token"), Some(crate::world::EMAIL)));
    let actor = world.control.authenticate(Audience::Api, secret, None).await.unwrap();
    assert!(matches!(actor.kind, ActorKind::Token { .. }));
    let listed = world.get("/api/v1/tokens").await.expect(200);
    assert!(!listed.to_string().contains(secret));
}

#[tokio::test]
async fn metrics_have_a_token_of_their_own() {
    let world = World::new().await;
    for (token, status) in [(None, 401), (Some(world.token.as_str()), 401), (Some("metrics-secret"), 200)] {
        let answer = world.send(Method::GET, "/metrics", token, None).await;
        assert_eq!(answer.status.as_u16(), status, "{token:?}");
    }
    let text = world.send(Method::GET, "/metrics", Some("metrics-secret"), None).await.body;
    assert!(text.as_str().unwrap().contains("http_requests_total"), "{text}");
}
