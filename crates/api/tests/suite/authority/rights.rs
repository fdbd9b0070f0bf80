//! Roles, grants, keys with limits, projects: who may do what, where, and what they are told when they may not.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use sf_actions::Permission;
use sf_types::UserId;

use crate::world::{Answer, World, id};

/// Somebody signed in: token and id.
struct Person {
    token: String,
    user: UserId,
}

impl World {
    async fn person(&self, email: &str) -> Person {
        let token = self.member(self.tenant().await, email, &[]).await;
        let me = self.send(Method::GET, "/api/v1/auth/me", Some(&token), None).await.expect(200);
        Person { token, user: id(&me["user"]).parse().unwrap() }
    }

    async fn give(&self, to: &Person, role: &str, object: Value) {
        let path = format!("/api/v1/users/{}/grants", to.user);
        self.post(&path, json!({ "role": role, "object": object })).await.expect(201);
    }

    async fn as_one(&self, who: &Person, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.send(method, path, Some(&who.token), body).await
    }

    async fn status(&self, who: &Person, method: Method, path: &str) -> u16 {
        self.as_one(who, method, path, None).await.status.as_u16()
    }
}

fn at(kind: &str, id: impl ToString) -> Value {
    json!({ "kind": kind, "id": id.to_string() })
}

#[tokio::test]
async fn a_role_at_an_object_holds_there_and_nowhere_else() {
    let world = World::new().await;
    let node = world.node("box").await;
    let (shop, blog) = (world.app("shop", node).await, world.app("blog", node).await);
    let run = world.run(&shop).await;
    let bo = world.person("bo@example.org").await;
    for path in ["apps", "nodes", "runs", "approvals", "projects"] {
        assert_eq!(world.status(&bo, Method::GET, &format!("/api/v1/{path}")).await, 403, "{path}");
    }
    world.give(&bo, "operator", at("app", &shop)).await;
    let listed = world.as_one(&bo, Method::GET, "/api/v1/apps", None).await.expect(200);
    assert_eq!((listed.as_array().unwrap().len(), listed[0]["id"].as_str()), (1, Some(shop.as_str())));
    let runs = world.as_one(&bo, Method::GET, "/api/v1/runs", None).await.expect(200);
    assert!(runs.as_array().unwrap().iter().any(|one| one["id"] == run.as_str()));
    for (method, path, expected) in [
        (Method::GET, format!("apps/{shop}"), 200),
        (Method::GET, format!("apps/{shop}/logs"), 200),
        (Method::GET, format!("runs/{run}"), 200),
        (Method::POST, format!("apps/{shop}/deploy"), 202),
        // Operators change no settings and delete nothing: they see it, so they are told what is missing.
        (Method::DELETE, format!("apps/{shop}"), 403),
        // The other app and the machine are not there.
        (Method::GET, format!("apps/{blog}"), 404),
        (Method::POST, format!("apps/{blog}/deploy"), 404),
        (Method::DELETE, format!("apps/{blog}"), 404),
        (Method::GET, format!("nodes/{node}"), 404),
        (Method::GET, "activity".to_owned(), 403),
    ] {
        assert_eq!(world.status(&bo, method.clone(), &format!("/api/v1/{path}")).await, expected, "{method} {path}");
    }
    let nodes = world.as_one(&bo, Method::GET, "/api/v1/nodes", None).await.expect(200);
    assert_eq!(nodes, json!([]), "a machine is not inside its apps");
    let other_run = world.run(&blog).await;
    assert_eq!(world.status(&bo, Method::GET, &format!("/api/v1/runs/{other_run}")).await, 404);
    assert_eq!(world.status(&bo, Method::GET, &format!("/api/v1/runs/{other_run}/timeline")).await, 404);
}

#[tokio::test]
async fn nobody_hands_on_what_they_do_not_have() {
    let world = World::new().await;
    let (admin, bo) = (world.person("admin@example.org").await, world.person("bo@example.org").await);
    world.give(&admin, "admin", json!({ "kind": "tenant" })).await;
    let grants = format!("/api/v1/users/{}/grants", bo.user);
    let give = |body: Value| world.as_one(&admin, Method::POST, &grants, Some(body));
    let owner = give(json!({ "role": "owner", "object": { "kind": "tenant" } })).await;
    assert_eq!((owner.status, owner.code()), (StatusCode::FORBIDDEN, "grant.beyond"));
    assert!(owner.body["error"]["message"].as_str().unwrap().contains("billing:manage"), "{}", owner.body);
    let one = give(json!({ "permissions": ["billing:manage"], "object": { "kind": "tenant" } })).await;
    assert_eq!(one.code(), "grant.beyond");
    give(json!({ "role": "developer", "object": { "kind": "tenant" } })).await.expect(201);
    // A role of one's own making is no way around it, neither new nor changed later.
    let body = json!({ "name": "all", "permissions": ["billing:manage"] });
    assert_eq!(world.as_one(&admin, Method::POST, "/api/v1/roles", Some(body)).await.code(), "grant.beyond");
    let body = json!({ "name": "crew", "permissions": ["app:view"] });
    let crew = id(&world.as_one(&admin, Method::POST, "/api/v1/roles", Some(body)).await.expect(201));
    let body = json!({ "permissions": ["app:view", "tenant:manage"] });
    let path = format!("/api/v1/roles/{crew}");
    assert_eq!(world.as_one(&admin, Method::PATCH, &path, Some(body)).await.code(), "grant.beyond");
    // Nor does an administrator take the owner's role away, or anybody without the right give themselves one.
    let me = world.get("/api/v1/auth/me").await.expect(200);
    let owners = format!("/api/v1/users/{}/grants/{}", id(&me["user"]), id(&me["grants"][0]));
    assert_eq!(world.as_one(&admin, Method::DELETE, &owners, None).await.code(), "grant.beyond");
    let own =
        world.as_one(&bo, Method::POST, &grants, Some(json!({ "role": "viewer", "object": { "kind": "tenant" } })));
    assert_eq!(own.await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_team_keeps_an_owner() {
    let world = World::new().await;
    let me = world.get("/api/v1/auth/me").await.expect(200);
    let mine = format!("/api/v1/users/{}/grants/{}", id(&me["user"]), id(&me["grants"][0]));
    let refused = world.call(Method::DELETE, &mine, None).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "role.last_owner"));
    let second = world.person("second@example.org").await;
    world.give(&second, "owner", json!({ "kind": "tenant" })).await;
    // Both at once: one of them stays.
    let theirs = world.as_one(&second, Method::GET, "/api/v1/auth/me", None).await.expect(200);
    let theirs = format!("/api/v1/users/{}/grants/{}", second.user, id(&theirs["grants"][0]));
    let (one, other) =
        tokio::join!(world.call(Method::DELETE, &theirs, None), world.as_one(&second, Method::DELETE, &mine, None));
    let statuses = [one.status.as_u16(), other.status.as_u16()];
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
}

#[tokio::test]
async fn why_somebody_may_and_who_could_let_them() {
    let world = World::new().await;
    let node = world.node("box").await;
    let app = world.app("shop", node).await;
    let bo = world.person("bo@example.org").await;
    world.give(&bo, "viewer", at("app", &app)).await;
    let path = format!("/api/v1/users/{}/access?object=app:{app}", bo.user);
    let seen = world.get(&path).await.expect(200);
    let row = |name: &str| {
        let rows = seen["permissions"].as_array().unwrap();
        rows.iter().find(|row| row["permission"] == name).unwrap().clone()
    };
    assert_eq!(row("app:view")["allowed"], true);
    assert_eq!(row("app:view")["from"][0]["role"], "Viewer");
    assert_eq!(row("app:view")["from"][0]["object"]["name"], "shop");
    assert_eq!(row("app:deploy")["allowed"], false);
    assert_eq!(seen["permissions"].as_array().unwrap().len(), Permission::ALL.len());
    let question = format!("/api/v1/auth/access?permission=app:deploy&object=app:{app}");
    let told = world.as_one(&bo, Method::GET, &question, None).await.expect(200);
    assert_eq!((told["allowed"].as_bool(), told["grantableBy"][0]["name"].as_str()), (Some(false), Some("Ada")));
    // Nothing is told of what is not there for them, and nonsense selects nothing.
    let question = format!("/api/v1/auth/access?permission=node:view&object=node:{node}");
    assert_eq!(world.as_one(&bo, Method::GET, &question, None).await.status, StatusCode::NOT_FOUND);
    for bad in ["permission=*", "permission=app:view&object=*", "permission=app:view&object=app:0", "permission="] {
        let answer = world.get(&format!("/api/v1/auth/access?{bad}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bad}");
    }
}

#[tokio::test]
async fn a_key_with_limits_stays_within_them() {
    let world = World::new().await;
    let node = world.node("box").await;
    let (inside, outside) = (world.app("inside", node).await, world.app("outside", node).await);
    let project = id(&world.post("/api/v1/projects", json!({ "name": "second" })).await.expect(201));
    let settings = json!({ "repository": "https://git.example.org/a" });
    let body = json!({ "name": "third", "nodeId": node, "projectId": project, "settings": settings });
    let third = id(&world.post("/api/v1/apps", body).await.expect(201));
    let key = |body: Value| async { world.post("/api/v1/tokens", body).await.expect(201) };
    let reading = key(json!({ "name": "r", "days": 1, "scopes": ["app:view"] })).await;
    let projected = key(json!({ "name": "p", "days": 1, "project": project })).await;
    let elsewhere = key(json!({ "name": "a", "days": 1, "addresses": ["192.0.2.0/24"] })).await;
    assert_eq!(reading["token"]["scopes"], json!(["app:view"]));
    let ask = |key: &Value, method: Method, path: String, body: Option<Value>| {
        let secret = key["secret"].as_str().unwrap().to_owned();
        let world = &world;
        async move { world.send(method, &format!("/api/v1/{path}"), Some(&secret), body).await.status.as_u16() }
    };
    for (key, method, path, expected) in [
        (&reading, Method::GET, format!("apps/{inside}"), 200),
        (&reading, Method::POST, format!("apps/{inside}/deploy"), 403),
        (&reading, Method::GET, "nodes".to_owned(), 403),
        (&projected, Method::GET, format!("apps/{third}"), 200),
        (&projected, Method::POST, format!("apps/{third}/deploy"), 202),
        (&projected, Method::GET, format!("apps/{outside}"), 404),
        (&projected, Method::GET, format!("nodes/{node}"), 404),
        // Requests of these tests have no address at all.
        (&elsewhere, Method::GET, "apps".to_owned(), 401),
    ] {
        assert_eq!(ask(key, method.clone(), path.clone(), None).await, expected, "{method} {path}");
    }
    // No key makes a wider one.
    let body = Some(json!({ "name": "wide", "days": 1 }));
    for key in [&reading, &projected] {
        assert_eq!(ask(key, Method::POST, "tokens".to_owned(), body.clone()).await, 403);
    }
    for bad in [
        json!({ "name": "x", "days": 1, "scopes": [] }),
        json!({ "name": "x", "days": 1, "scopes": ["*"] }),
        json!({ "name": "x", "days": 1, "addresses": ["192.0.2.1/24"] }),
        json!({ "name": "x", "days": 1, "addresses": [] }),
        json!({ "name": "x", "days": 0 }),
        json!({ "name": "x", "days": 1, "tenantId": project }),
        json!({ "name": "x", "days": 1, "permissions": ["app:view"] }),
    ] {
        assert_eq!(world.post("/api/v1/tokens", bad.clone()).await.status, StatusCode::BAD_REQUEST, "{bad}");
    }
}

#[tokio::test]
async fn projects_come_change_and_go() {
    let world = World::new().await;
    let node = world.node("box").await;
    // Which one was first is told by its time.
    world.clock.set(crate::world::start().plus(std::time::Duration::from_secs(1)));
    let made = world.post("/api/v1/projects", json!({ "name": "games" })).await.expect(201);
    let path = format!("/api/v1/projects/{}", id(&made));
    assert_eq!(world.post("/api/v1/projects", json!({ "name": "games" })).await.code(), "name.taken");
    world.call(Method::PATCH, &path, Some(json!({ "name": "play" }))).await.expect(200);
    let settings = json!({ "repository": "https://git.example.org/a" });
    let body = json!({ "name": "shop", "nodeId": node, "projectId": id(&made), "settings": settings });
    world.post("/api/v1/apps", body).await.expect(201);
    assert_eq!(world.call(Method::DELETE, &path, None).await.code(), "project.has_apps");
    let listed = world.get("/api/v1/projects").await.expect(200);
    let named = |name: &str| listed.as_array().unwrap().iter().find(|one| one["name"] == name).unwrap();
    assert_eq!(named("play")["apps"], 1);
    let first = format!("/api/v1/projects/{}", id(named("default")));
    assert_eq!(world.call(Method::DELETE, &first, None).await.code(), "project.first");
    let empty = id(&world.post("/api/v1/projects", json!({ "name": "empty" })).await.expect(201));
    let bo = world.person("bo@example.org").await;
    world.give(&bo, "viewer", at("project", &empty)).await;
    let kept = json!({ "name": "KEY", "value": "v", "project": empty });
    world.post("/api/v1/secrets", kept).await.expect(201);
    assert_eq!(world.get("/api/v1/secrets").await.expect(200).as_array().unwrap().len(), 1);
    world.call(Method::DELETE, &format!("/api/v1/projects/{empty}"), None).await.expect(200);
    assert_eq!(world.get("/api/v1/secrets").await.expect(200), json!([]), "its secrets went with it");
    let given = world.get(&format!("/api/v1/users/{}/grants", bo.user)).await.expect(200);
    assert_eq!(given, json!([]), "what was given in it went with it");
    // The name is free again.
    world.post("/api/v1/projects", json!({ "name": "empty" })).await.expect(201);
}

#[tokio::test]
async fn several_teams_are_turned_on_without_losing_anything_and_live_apart() {
    use sf_control::tenancy::{create_team, switch};
    let world = &World::new().await;
    let app = world.app("shop", world.node("box").await).await;
    let store = world.control.store();
    let (name, email, called) = ("Second".parse().unwrap(), "two@example.org".parse().unwrap(), "Two".parse().unwrap());
    let make = || create_team(store, world.control.rng(), None, &name, (&email, &called));
    assert_eq!(make().await.unwrap_err().code, "team.single");
    switch(store, true).await.unwrap();
    let (team, password) = make().await.unwrap();
    assert_eq!(make().await.unwrap_err().code, "user.exists");
    assert_eq!(switch(store, false).await.unwrap_err().code, "team.several");
    // The first team has what it had; the second has nothing, and its owner everything within it.
    world.get(&format!("/api/v1/apps/{app}")).await.expect(200);
    let body = json!({ "email": "two@example.org", "password": password.expose() });
    let theirs = world.send(Method::POST, "/api/v1/auth/login", None, Some(body)).await.expect(200);
    let token = theirs["accessToken"].as_str().unwrap();
    let body = json!({ "current": password.expose(), "new": "an orchard under slow rain" });
    world.send(Method::POST, "/api/v1/auth/password", Some(token), Some(body)).await.expect(200);
    let ask = |path: String| async move { world.send(Method::GET, &path, Some(token), None).await };
    let me = ask("/api/v1/auth/me".to_owned()).await.expect(200);
    assert_eq!((id(&me["tenant"]), me["grants"][0]["role"].as_str()), (team.id.to_string(), Some("owner")));
    for list in ["apps", "nodes", "runs", "secrets"] {
        assert_eq!(ask(format!("/api/v1/{list}")).await.expect(200), json!([]), "{list}");
    }
    assert_eq!(ask(format!("/api/v1/apps/{app}")).await.status, StatusCode::NOT_FOUND);
}

/// Who may start a workflow may stop its runs; who works with apps may not, and the other way round.
#[tokio::test]
async fn a_run_is_stopped_by_who_may_start_what_it_is_of() {
    let world = World::new().await;
    let (tenant, node) = (world.tenant().await, world.node("n").await);
    let document = "workflow: 1\nname: w\nsteps: [{ id: w, wait: { event: go } }]";
    let workflow = id(&world.post("/api/v1/workflows", json!({ "document": document })).await.expect(201));
    let begin =
        async || id(&world.post(&format!("/api/v1/workflows/{workflow}/execute"), json!({})).await.expect(202)["run"]);
    let app = world.app("shop", node).await;
    let of_app = world.run(&app).await;
    const RUNS_WORKFLOWS: &[Permission] = &[Permission::WorkflowView, Permission::WorkflowRun];
    const SEES_WORKFLOWS: &[Permission] = &[Permission::WorkflowView, Permission::AppDeploy, Permission::AppOperate];
    const DEPLOYS: &[Permission] = &[Permission::AppView, Permission::AppDeploy, Permission::AppOperate];
    let runner = world.member(tenant, "bo@example.org", RUNS_WORKFLOWS).await;
    let viewer = world.member(tenant, "cy@example.org", SEES_WORKFLOWS).await;
    let deployer = world.member(tenant, "di@example.org", DEPLOYS).await;
    let of_workflow = begin().await;
    let stop = async |who: &str, run: &str| {
        let path = format!("/api/v1/runs/{run}/cancel");
        world.send(Method::POST, &path, Some(who), Some(json!({}))).await
    };
    let refused = stop(&viewer, &of_workflow).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::FORBIDDEN, "permission.missing"));
    assert!(refused.body.to_string().contains("`workflow:run`"), "{}", refused.body);
    assert_eq!(stop(&deployer, &of_workflow).await.status, StatusCode::NOT_FOUND, "workflows are none of theirs");
    assert_eq!(stop(&runner, &of_app).await.status, StatusCode::NOT_FOUND);
    // Events are sent, too, by who sees workflows and no apps.
    let other = begin().await;
    let events = format!("/api/v1/workflow-executions/{other}/events");
    let sent = json!({ "event": "go" });
    world.send(Method::POST, &events, Some(&runner), Some(sent.clone())).await.expect(200);
    assert_eq!(world.send(Method::POST, &events, Some(&viewer), Some(sent)).await.status, StatusCode::FORBIDDEN);
    stop(&runner, &of_workflow).await.expect(200);
    stop(&deployer, &of_app).await.expect(200);
    // A key that may only run workflows stops them, and nothing else.
    let scopes = json!({ "name": "k", "days": 1, "scopes": ["workflow:view", "workflow:run"] });
    let key = world.post("/api/v1/tokens", scopes).await.expect(201)["secret"].as_str().unwrap().to_owned();
    let again = world.run(&app).await;
    assert_eq!(stop(&key, &again).await.status, StatusCode::NOT_FOUND);
    stop(&key, &begin().await).await.expect(200);
}
