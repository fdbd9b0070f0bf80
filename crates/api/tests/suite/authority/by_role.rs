//! Every route by every built-in role, against what the route needs: written down once for each route, and a route that
//! is not written down fails the test.

mod fields;
mod needs;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use sf_actions::role::built_in;
use sf_actions::{Permission, PermissionSet};

use self::needs::Needs::{Open, Right};
use self::needs::needs;
use crate::authority::routes;
use crate::world::{World, id};

/// Things of the administrator's team, one of each kind.
struct Things {
    node: String,
    app: String,
    run: String,
    user: String,
    grant: String,
    role: String,
    invitation: String,
    project: String,
    secret: String,
    domain: String,
    team: String,
    workflow: String,
    execution: String,
    channel: String,
    ctrl: String,
    alt: String,
    server: String,
    rule: String,
    /// A port of the server, its second one.
    port: String,
}

impl Things {
    async fn make(world: &World) -> Self {
        sf_control::tenancy::switch(world.control.store(), true).await.unwrap();
        let node = world.node("box").await;
        let app = world.app("shop", node).await;
        let tenant = world.tenant().await;
        let nobody = world.member(tenant, "nobody@example.org", &[]).await;
        let me = world.send(Method::GET, "/api/v1/auth/me", Some(&nobody), None).await.expect(200);
        let user = id(&me["user"]);
        let grants = format!("/api/v1/users/{user}/grants");
        world.post(&grants, json!({ "permissions": ["tool:view"], "object": { "kind": "tenant" } })).await.expect(201);
        let given = world.get(&grants).await.expect(200);
        let made = |path: &'static str, body: Value| async move { world.post(path, body).await.expect(201) };
        let document = "workflow: 1\nname: w\nsteps: [{ id: w, wait: { event: go } }]";
        let workflow = id(&made("/api/v1/workflows", json!({ "document": document })).await);
        let begun = world.post(&format!("/api/v1/workflows/{workflow}/execute"), json!({})).await.expect(202);
        world.post(&format!("/api/v1/apps/{app}/hook"), json!({})).await.expect(201);
        world.schedule(&app).await;
        let panel = world.panel(node).await;
        let rule = id(&made("/api/v1/monitoring/rules", crate::world::rule("full")).await);
        Self {
            rule,
            ctrl: panel.ctrl,
            alt: panel.alt,
            server: panel.server,
            port: panel.second_port,
            workflow,
            execution: id(&begun["run"]),
            node: node.to_string(),
            run: world.run(&app).await,
            domain: world.domain(&app, "ours.example.org").await,
            app,
            grant: id(&given[0]),
            user,
            role: id(&made("/api/v1/roles", json!({ "name": "crew", "permissions": ["tool:view"] })).await),
            project: id(&made("/api/v1/projects", json!({ "name": "empty" })).await),
            team: id(&made("/api/v1/tenants", json!({ "name": "t", "owner": "t@example.org" })).await["tenant"]),
            secret: id(&made("/api/v1/secrets", json!({ "name": "KEY", "value": "v" })).await),
            channel: id(&made(
                "/api/v1/notification-channels",
                json!({ "name": "ops", "target": { "kind": "mail", "to": "ops@example.org" } }),
            )
            .await["channel"]),
            invitation: id(
                &made("/api/v1/invitations", json!({ "email": "x@example.org", "role": "viewer" })).await["invitation"],
            ),
        }
    }

    fn path(&self, path: &str) -> String {
        let id = match path.split('/').nth(3).unwrap_or_default() {
            "nodes" => &self.node,
            "apps" => &self.app,
            "runs" => &self.run,
            "users" => &self.user,
            "roles" => &self.role,
            "invitations" => &self.invitation,
            "projects" => &self.project,
            "secrets" => &self.secret,
            "proxies" => &self.domain,
            "tenants" => &self.team,
            "workflows" => &self.workflow,
            "workflow-executions" => &self.execution,
            "notification-channels" => &self.channel,
            "ctrls" => &self.ctrl,
            "alts" => &self.alt,
            "servers" => &self.server,
            "monitoring" => &self.rule,
            // One's own alone; the table of other people's is in `authority`.
            _ => "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b",
        };
        path.replace("{id}", id)
            .replace("{grant}", &self.grant)
            .replace("{key}", "w")
            .replace("{allocation}", &self.port)
            .replace("{upload}", "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b")
            .replace("{name}", "tidy")
    }

    fn body(&self, method: &Method, path: &str) -> Option<Value> {
        let settings = json!({ "repository": "https://git.example.org/a" });
        let body = match (method.as_str(), path.strip_prefix("/api/v1").unwrap_or(path)) {
            ("GET" | "DELETE", _) => return None,
            ("POST", "/tokens") => json!({ "name": "t", "days": 1 }),
            ("PATCH", "/nodes/{id}" | "/users/{id}" | "/projects/{id}" | "/roles/{id}" | "/tenants/{id}")
            | ("POST", "/projects") => {
                json!({ "name": "other" })
            }
            ("POST", "/nodes/{id}/services") => json!({ "service": "nginx", "verb": "reload" }),
            ("POST", "/nodes/{id}/inspect") => json!({ "repository": "https://git.example.org/a" }),
            ("POST", "/apps") => json!({ "name": "other", "nodeId": self.node, "settings": settings }),
            ("PATCH", "/apps/{id}") => json!({ "settings": settings }),
            ("POST", "/runs/{id}/approve" | "/runs/{id}/reject" | "/runs/{id}/reopen") => json!({ "hash": "0" }),
            ("POST", "/runs/{id}/review") => json!({ "good": true }),
            ("POST", "/runs/{id}/edit") => json!({ "hash": "0", "args": { "app": self.app } }),
            ("PUT", "/routing-rules") | ("POST", "/routing-rules/try") => json!({ "from": 0, "rules": {} }),
            ("POST", "/inbox/batch") => json!({ "verdict": "reject", "cards": [] }),
            ("POST", "/deputies") => json!({ "to": self.user, "endsAt": "2026-12-01T00:00:00Z" }),
            ("POST", "/device-codes/approve") => json!({ "code": "BCDF-GHJK" }),
            ("POST", "/device-codes/deny") => json!({ "id": "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b" }),
            ("POST", "/invitations") => json!({ "email": "y@example.org", "role": "viewer" }),
            ("POST", "/users/{id}/grants") => json!({ "permissions": ["tool:view"], "object": { "kind": "tenant" } }),
            ("POST", "/roles") => json!({ "name": "other", "permissions": ["tool:view"] }),
            ("POST", "/tenants") => json!({ "name": "new", "owner": "new@example.org" }),
            ("POST", "/tenants/{id}/invite") => json!({ "owner": "own@example.org" }),
            ("POST", "/notification-channels") => {
                json!({ "name": "other", "target": { "kind": "mail", "to": "a@example.org" } })
            }
            ("POST", "/mail/test") => json!({ "to": "a@example.org" }),
            ("POST", "/secrets") => json!({ "name": "OTHER", "value": "v" }),
            ("PATCH", "/secrets/{id}") => json!({ "value": "w" }),
            ("POST", "/apps/{id}/patches" | "/apps/{id}/patches/preview") => {
                json!({ "path": "a.js", "before": "absent", "text": "a" })
            }
            ("POST", "/apps/{id}/previews") => json!({ "branch": "feature/x" }),
            ("POST", "/apps/{id}/preview/extend") => json!({ "days": 3 }),
            ("POST", "/proxies") => json!({ "appId": self.app, "domain": "other.example.org" }),
            ("PUT", "/proxies/{id}") => json!({ "settings": {} }),
            ("PUT", "/apps/{id}/schedules/{name}") => {
                json!({ "settings": { "cron": "@daily", "command": ["true"] } })
            }
            ("PUT", "/servers/{id}/schedules/{name}") => {
                json!({ "settings": { "cron": "@daily", "steps": [{ "power": "stop" }] } })
            }
            ("POST", "/workflows" | "/workflows/lint") | ("PUT", "/workflows/{id}") => {
                json!({ "document": "workflow: 1\nname: other\nsteps: [{ id: a, query: /apps }]" })
            }
            ("POST", "/alts/read" | "/alts/lint") => json!({ "text": "{}" }),
            ("POST", "/monitoring/rules") | ("PUT", "/monitoring/rules/{id}") => crate::world::rule("other"),
            ("POST", "/ctrls") | ("PUT", "/ctrls/{id}") => json!({ "name": "other" }),
            ("POST", "/alts") => json!({ "ctrlId": self.ctrl, "document": crate::world::template("other") }),
            ("PUT", "/alts/{id}") => json!({ "document": crate::world::template("other") }),
            ("POST", "/servers") => json!({ "name": "other", "altId": self.alt, "nodeId": self.node, "ports": 0 }),
            ("POST", "/servers/{id}/power") => json!({ "verb": "stop" }),
            ("POST", "/api/client/servers/{id}/power") => json!({ "signal": "stop" }),
            ("POST", "/api/client/servers/{id}/command") => json!({ "command": "say hello" }),
            ("POST", "/servers/{id}/command") => json!({ "line": "say hello" }),
            ("POST", "/servers/{id}/files/write") => json!({ "path": "a.txt", "text": "a", "before": "absent" }),
            ("POST", "/servers/{id}/files/folder") => json!({ "path": "a" }),
            ("POST", "/servers/{id}/files/rename" | "/servers/{id}/files/copy") => json!({ "from": "a", "to": "b" }),
            ("POST", "/servers/{id}/files/delete") => json!({ "paths": ["a"] }),
            ("POST", "/servers/{id}/files/mode") => json!({ "path": "a", "mode": "644" }),
            ("POST", "/servers/{id}/files/compress") => json!({ "names": ["a"], "into": "a.zip" }),
            ("POST", "/servers/{id}/files/extract" | "/servers/{id}/files/download-link") => json!({ "path": "a.zip" }),
            ("POST", "/servers/{id}/uploads") => json!({ "path": "a.zip", "bytes": 1 }),
            ("POST", "/nodes/{id}/allocations") => json!({ "ports": "26000" }),
            ("POST", "/workflows/{id}/triggers") => json!({ "enabled": true }),
            ("POST", "/workflow-executions/{id}/events") => json!({ "event": "go" }),
            ("POST", "/workflow-executions/{id}/move") => json!({ "version": 1 }),
            _ => json!({}),
        };
        Some(body)
    }
}

/// One request that changes nothing.
async fn ask(world: &World, things: &Things, token: Option<&str>, method: &Method, path: &str) -> StatusCode {
    let dry = if *method == Method::GET
        || path.ends_with("/inspect")
        || path.ends_with("/preview")
        || path.ends_with("/activity/verify")
        || path.ends_with("/lint")
        || path.ends_with("/alts/read")
    {
        ""
    } else {
        "?dryRun=true"
    };
    let query = match path {
        _ if path.ends_with("/auth/access") => "?permission=app:view",
        _ if path.ends_with("/files/content") => "?path=a.js",
        _ if *method == Method::PATCH && path.ends_with("/uploads/{upload}") => "?offset=0",
        _ => dry,
    };
    let at = format!("{}{query}", things.path(path));
    world.send(method.clone(), &at, token, things.body(method, path)).await.status
}

#[tokio::test]
async fn every_route_by_every_role() {
    let world = World::new().await;
    let things = Things::make(&world).await;
    let tenant = world.tenant().await;
    let mut people = vec![("nobody", PermissionSet::NONE, world.member(tenant, "none@example.org", &[]).await)];
    for role in built_in::ALL {
        let email = format!("{}@example.org", role.name);
        let token = world.member(tenant, &email, &[]).await;
        let me = world.send(Method::GET, "/api/v1/auth/me", Some(&token), None).await.expect(200);
        let grants = format!("/api/v1/users/{}/grants", id(&me["user"]));
        world.post(&grants, json!({ "role": role.name, "object": { "kind": "tenant" } })).await.expect(201);
        people.push((role.name, role.permissions, token));
    }
    let mut asked = 0;
    for (method, path) in routes() {
        let Some(needs) = needs(&method, &path) else { panic!("{method} {path} is not in the table") };
        let Right(right) = needs else { continue };
        for (name, permissions, token) in &people {
            // It is given at servers alone, and nobody gives what they do not have.
            let of_apps = path.starts_with("/api/v1/apps");
            if *name == built_in::SERVER_OWNER && (right == Permission::AdminRoles || of_apps) {
                continue;
            }
            let status = ask(&world, &things, Some(token), &method, &path).await;
            let refused = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND);
            // A code nobody shows, a lock, a token, an order and a chain that are not there: they are not there for anybody.
            let absent = [
                "/device-codes/approve",
                "/device-codes/deny",
                "/tokens/{id}",
                "/grants/{id}",
                "/command",
                "/unlock",
                "/servers/{id}/schedules/{name}/runs",
            ];
            let absent = absent.iter().any(|end| path.ends_with(end)) && status == StatusCode::NOT_FOUND;
            assert_eq!(
                !refused || absent,
                permissions.has(right) || absent,
                "{method} {path} needs `{right}` and answers {status} to {name}"
            );
            asked += 1;
        }
    }
    assert!(asked > 300, "the table has {asked} rows");
}

/// What an AI agent of the owner changes without anybody being asked where every threshold is 0 and everything is waived.
/// Whatever else there is waits for a person or is refused.
const BY_ITSELF: &[(&str, &str)] = &[
    ("PATCH", "/apps/{id}"),
    ("POST", "/apps"),
    ("DELETE", "/apps/{id}"),
    ("POST", "/apps/{id}/patches"),
    ("POST", "/apps/{id}/deploy"),
    ("DELETE", "/apps/{id}/hook"),
    ("POST", "/apps/{id}/previews"),
    ("POST", "/apps/{id}/preview/extend"),
    ("POST", "/apps/{id}/rollback"),
    ("POST", "/apps/{id}/start"),
    ("POST", "/apps/{id}/stop"),
    ("POST", "/apps/{id}/restart"),
    ("PATCH", "/nodes/{id}"),
    ("POST", "/ctrls"),
    ("POST", "/monitoring/rules"),
    ("PUT", "/monitoring/rules/{id}"),
    ("DELETE", "/monitoring/rules/{id}"),
    ("POST", "/nodes/{id}/allocations"),
    ("POST", "/servers"),
    ("PATCH", "/servers/{id}"),
    ("POST", "/servers/{id}/allocations"),
    ("POST", "/servers/{id}/allocations/{allocation}/default"),
    ("POST", "/servers/{id}/command"),
    ("POST", "/servers/{id}/files/compress"),
    ("POST", "/servers/{id}/files/copy"),
    ("POST", "/servers/{id}/files/extract"),
    ("POST", "/servers/{id}/files/folder"),
    ("POST", "/servers/{id}/files/mode"),
    ("POST", "/servers/{id}/files/rename"),
    ("POST", "/servers/{id}/files/write"),
    ("POST", "/servers/{id}/uploads"),
    ("POST", "/servers/{id}/uploads/{upload}/finish"),
    ("DELETE", "/servers/{id}/uploads/{upload}"),
    ("POST", "/servers/{id}/install"),
    ("POST", "/servers/{id}/power"),
    ("POST", "/api/client/servers/{id}/power"),
    ("POST", "/servers/{id}/suspend"),
    ("POST", "/servers/{id}/unsuspend"),
    ("POST", "/nodes/{id}/unlock"),
    ("POST", "/nodes/{id}/services"),
    ("DELETE", "/nodes/{id}"),
    ("POST", "/projects"),
    ("PATCH", "/projects/{id}"),
    ("DELETE", "/projects/{id}"),
    ("POST", "/proxies"),
    ("PUT", "/proxies/{id}"),
    ("DELETE", "/proxies/{id}"),
    ("POST", "/secrets"),
    ("PATCH", "/secrets/{id}"),
    ("DELETE", "/secrets/{id}"),
    ("POST", "/runs/{id}/cancel"),
    ("POST", "/users/{id}/suspend"),
    ("POST", "/users/{id}/sign-out"),
    ("DELETE", "/workflows/{id}"),
    ("POST", "/workflows/{id}/execute"),
    ("POST", "/workflow-executions/{id}/events"),
    ("POST", "/workflow-executions/{id}/fork"),
    // These change nothing.
    ("POST", "/servers/{id}/files/download-link"),
    ("POST", "/nodes/{id}/watch"),
    ("POST", "/nodes/{id}/inspect"),
    ("POST", "/apps/{id}/patches/preview"),
    ("POST", "/routing-rules/try"),
    ("POST", "/workflows/lint"),
    ("POST", "/alts/lint"),
    ("POST", "/alts/read"),
    ("POST", "/activity/verify"),
];

#[tokio::test]
async fn an_ai_agent_of_the_owner_opens_no_gate_by_any_route() {
    let world = World::new().await;
    let things = Things::make(&world).await;
    let rules = json!({ "from": 0, "rules": { "autoAt": 0, "notifyAt": 0, "waived": ["*"] } });
    world.call(Method::PUT, "/api/v1/routing-rules", Some(rules)).await.expect(200);
    let made = world.post("/api/v1/tokens", json!({ "name": "ai", "days": 1, "speaksFor": "ai" })).await.expect(201);
    let secret = made["secret"].as_str().unwrap();
    let (mut did, mut asked, mut routes) = (Vec::new(), 0, routes());
    // What is deleted is missing for those that come after it.
    routes.sort_by_key(|(method, _)| *method == Method::DELETE);
    for (method, path) in routes {
        if method == Method::GET || matches!(needs(&method, &path), Some(Open) | None) {
            continue;
        }
        let answer = world.send(method.clone(), &things.path(&path), Some(secret), things.body(&method, &path)).await;
        let short = path.strip_prefix("/api/v1").unwrap_or(&path).to_owned();
        let waits = answer.status == StatusCode::ACCEPTED && answer.data()["run"]["state"] == "waiting";
        if answer.status.is_success() && !waits {
            did.push((method.to_string(), short));
        }
        asked += 1;
    }
    let beyond: Vec<_> =
        did.iter().filter(|(method, path)| !BY_ITSELF.contains(&(method.as_str(), path.as_str()))).collect();
    assert!(beyond.is_empty(), "an AI did by itself: {beyond:#?}");
    assert!(asked > 70 && did.len() > 15, "{asked} asked, {} done", did.len());
}

#[tokio::test]
async fn who_was_let_go_opens_nothing() {
    let world = World::new().await;
    let things = Things::make(&world).await;
    let tenant = world.tenant().await;
    let suspended = world.member(tenant, "gone@example.org", Permission::ALL).await;
    let me = world.send(Method::GET, "/api/v1/auth/me", Some(&suspended), None).await.expect(200);
    let key = world.send(Method::POST, "/api/v1/tokens", Some(&suspended), Some(json!({ "name": "k", "days": 1 })));
    let key = key.await.expect(201)["secret"].as_str().unwrap().to_owned();
    world.post(&format!("/api/v1/users/{}/suspend", id(&me["user"])), json!({})).await.expect(200);
    let mut asked = 0;
    for (method, path) in routes() {
        if matches!(needs(&method, &path), Some(Open) | None) {
            continue;
        }
        for (who, token) in [("nobody", None), ("suspended", Some(&suspended)), ("their key", Some(&key))] {
            let status = ask(&world, &things, token.map(String::as_str), &method, &path).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {path} answers {who}");
            asked += 1;
        }
    }
    assert!(asked > 150, "the table has {asked} rows");
}
