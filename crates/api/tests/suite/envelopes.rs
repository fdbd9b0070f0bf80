//! Every answer has the same shape, failures most of all.

use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};
use sf_control::options::Routing;

use crate::world::{Answer, World, id, request};

fn check_shape(answer: &Answer) {
    let body = &answer.body;
    let keys: Vec<_> = body.as_object().unwrap_or_else(|| panic!("an envelope: {body}")).keys().collect();
    assert_eq!(keys, ["data", "error", "meta", "success"]);
    let failed = !answer.status.is_success();
    assert_eq!(body["success"], !failed);
    assert_eq!(body["error"].is_object(), failed, "{body}");
    let request = body["meta"]["requestId"].as_str().unwrap();
    assert_eq!(answer.headers["x-request-id"], request);
    assert!(body["meta"]["timestamp"].as_str().unwrap().ends_with('Z'));
    if failed {
        assert!(answer.code().contains('.'), "{body}");
        assert!(!body["error"]["message"].as_str().unwrap().is_empty());
        assert!(body["error"]["details"].is_object());
    }
    for header in ["content-security-policy", "x-content-type-options", "x-frame-options", "referrer-policy"] {
        assert!(answer.headers.contains_key(header), "{header} is missing");
    }
    assert_eq!(answer.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn failures_of_every_kind_are_envelopes() {
    let world = World::new().await;
    let typed = |content_type: &'static str, body: &str| {
        Request::post("/api/v1/tokens")
            .header("host", "localhost")
            .header("authorization", format!("Bearer {}", world.token))
            .header("content-type", content_type)
            .body(Body::from(body.to_owned()))
            .unwrap()
    };
    let get = |path: &str| request(Method::GET, path, Some(&world.token), None, &[]);
    let large = format!("{{\"name\":\"{}\"}}", "x".repeat(300 * 1024));
    let foreign = Request::get("/api/v1/health").header("host", "evil.example.org").body(Body::empty()).unwrap();
    let nameless = Request::get("/api/v1/health").body(Body::empty()).unwrap();
    let cases: Vec<(Request<Body>, u16, &str, Option<&str>)> = vec![
        (get("/api/v1/nothing"), 404, "route.not_found", None),
        (get("/nothing.here"), 404, "route.not_found", None),
        (request(Method::PUT, "/api/v1/apps", Some(&world.token), None, &[]), 405, "route.method", None),
        (get("/api/v1/auth/login"), 405, "route.method", None),
        (typed("text/plain", "{}"), 415, "body.media_type", None),
        (typed("application/json", "{"), 400, "body.json", None),
        (typed("application/json", "{\"name\":\"x\"}"), 400, "body.field", Some("days")),
        (typed("application/json", "{\"name\":\"x\",\"days\":1,\"y\":2}"), 400, "body.field", Some("y")),
        (typed("application/json", "{\"name\":\"x\",\"days\":-1}"), 400, "body.field", Some("days")),
        (typed("application/json", "{\"name\":\"x\",\"days\":999}"), 400, "value.refused", None),
        (typed("application/json", &large), 413, "body.too_large", None),
        (get("/api/v1/apps?limt=1"), 400, "query.refused", Some("limt")),
        (get("/api/v1/apps?limit=x"), 400, "query.refused", None),
        (get("/api/v1/apps?after=nonsense"), 400, "", None),
        (get("/api/v1/nodes?status=asleep"), 400, "query.status", Some("status")),
        (get("/api/v1/apps/nonsense"), 404, "app.not_found", None),
        (get("/api/v1/runs/0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"), 404, "run.not_found", None),
        (get("/api/v1/ws"), 400, "events.upgrade", None),
        (foreign, 421, "host.unknown", None),
        (nameless, 421, "host.unknown", None),
        (request(Method::GET, "/api/v1/auth/me", None, None, &[]), 401, "auth.missing", None),
    ];
    for (request, status, code, field) in cases {
        let shown = format!("{} {}", request.method(), request.uri());
        let answer = world.raw(request).await;
        assert_eq!(answer.status.as_u16(), status, "{shown}: {}", answer.body);
        if !code.is_empty() {
            assert_eq!(answer.code(), code, "{shown}: {}", answer.body);
        }
        if let Some(field) = field {
            assert_eq!(answer.body["error"]["details"]["field"], field, "{shown}: {}", answer.body);
        }
        check_shape(&answer);
    }
}

#[tokio::test]
async fn successes_are_envelopes_and_name_their_request() {
    let world = World::new().await;
    for path in ["/api/v1/health", "/api/v1/auth/me", "/api/v1/apps", "/api/v1/actions", "/api/v1/setup"] {
        let answer = world.get(path).await;
        assert_eq!(answer.status.as_u16(), 200, "{path}: {}", answer.body);
        check_shape(&answer);
    }
    let own = "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b";
    let named = [("x-request-id", own)];
    let answer = world.raw(request(Method::GET, "/api/v1/apps", Some(&world.token), None, &named)).await;
    assert_eq!(answer.body["meta"]["requestId"], own);
    let broken = [("x-request-id", "not a uuid")];
    let answer = world.raw(request(Method::GET, "/api/v1/apps", Some(&world.token), None, &broken)).await;
    check_shape(&answer);
}

#[tokio::test]
async fn a_dry_run_answers_a_plan_and_records_nothing() {
    let world = World::new().await;
    let node = world.node("n").await;
    let body = json!({ "name": "shop", "nodeId": node, "settings": { "repository": "https://git.example.org/a" } });
    let planned = world.post("/api/v1/apps?dryRun=true", body).await.expect(200);
    assert_eq!(planned["plan"]["action"]["action"], "app.create");
    assert_eq!(world.get("/api/v1/apps").await.expect(200), Value::Array(Vec::new()));
    let app = world.app("shop", node).await;
    let planned = world.post(&format!("/api/v1/apps/{app}/deploy?dryRun=true"), json!({})).await.expect(200);
    assert!(planned["plan"]["waitsFor"].as_str().unwrap().contains("not connected"), "{planned}");
    let deleted = world.call(Method::DELETE, &format!("/api/v1/apps/{app}?dryRun=true"), None).await.expect(200);
    assert!(!deleted["plan"]["losses"].as_array().unwrap().is_empty(), "{deleted}");
    let runs = world.get("/api/v1/runs?state=open").await.expect(200);
    assert_eq!(runs, Value::Array(Vec::new()));
}

#[tokio::test]
async fn a_plan_refuses_what_the_change_would_refuse() {
    let world = World::new().await;
    let node = world.node("web-1").await;
    let app = world.app("shop", node).await;
    let body = json!({ "name": "shop", "nodeId": node, "settings": { "repository": "https://git.example.org/a" } });
    assert_eq!(world.post("/api/v1/apps?dryRun=true", body).await.code(), "name.taken");
    let remove = format!("/api/v1/nodes/{node}?dryRun=true");
    assert_eq!(world.call(Method::DELETE, &remove, None).await.code(), "node.has_apps");
    let wrong = world.post("/api/v1/device-codes/approve?dryRun=true", json!({ "code": "BCDF-GHJK" })).await;
    assert_eq!(wrong.status.as_u16(), 404, "{}", wrong.body);
    let rename = world.call(Method::PATCH, &remove, Some(json!({ "name": "web-2" }))).await.expect(200);
    assert_eq!(rename["plan"]["steps"], json!(["`web-1` is called `web-2` from now on."]));
    assert_eq!(world.get(&format!("/api/v1/nodes/{node}")).await.expect(200)["name"], "web-1", "only rehearsed");
    assert_eq!(world.get(&format!("/api/v1/apps/{app}")).await.expect(200)["name"], "shop");
}

#[tokio::test]
async fn writes_without_an_action_are_planned_too() {
    let world = World::new().await;
    let node = world.node("n").await;
    let session = id(&world.get("/api/v1/sessions").await.expect(200)[0]);
    let end = format!("/api/v1/sessions/{session}?dryRun=true");
    let planned = world.call(Method::DELETE, &end, None).await.expect(200);
    assert_eq!(planned["plan"]["steps"].as_array().unwrap().len(), 1, "{planned}");
    world.get("/api/v1/auth/me").await.expect(200);
    let watch = world.post(&format!("/api/v1/nodes/{node}/watch?dryRun=true"), json!({})).await.expect(200);
    assert_eq!(watch["plan"]["losses"], json!([]));
    let nobody = world.post("/api/v1/device-codes/deny?dryRun=true", json!({ "id": node })).await;
    assert_eq!(nobody.status.as_u16(), 404, "{}", nobody.body);
    let theirs = world.stranger().await;
    let other = world.call(Method::DELETE, &format!("/api/v1/sessions/{}?dryRun=true", theirs.session), None).await;
    assert_eq!(other.status.as_u16(), 404, "a plan tells nothing of others");
}

#[tokio::test]
async fn who_has_used_up_the_quota_is_told_when_to_come_back() {
    let world = World::routed(Routing { runs_a_minute: 2, ..Routing::default() }).await;
    let make = || world.post("/api/v1/enrol-tokens", json!({}));
    make().await.expect(201);
    make().await.expect(201);
    for _ in 0..3 {
        let refused = make().await;
        assert_eq!((refused.status.as_u16(), refused.code()), (429, "run.quota"), "{}", refused.body);
        assert_eq!(refused.headers["retry-after"], "60");
        check_shape(&refused);
    }
    world.clock.set(world.clock.now().plus(std::time::Duration::from_secs(61)));
    make().await.expect(201);
}

#[tokio::test]
async fn an_app_is_made_changed_and_shown() {
    let world = World::new().await;
    let node = world.node("n").await;
    let app = world.app("shop", node).await;
    let settings = json!({ "repository": "https://git.example.org/b", "keepReleases": 3 });
    let changed =
        world.call(Method::PATCH, &format!("/api/v1/apps/{app}"), Some(json!({ "settings": settings }))).await;
    let changed = changed.expect(200);
    assert_eq!(changed["settings"]["keepReleases"], 3);
    assert_eq!(changed["state"], "empty");
    assert!(changed["createdAt"].as_str().unwrap().starts_with("2026-"));
    let late = json!({ "settings": settings, "from": changed["settingsTag"] });
    world.call(Method::PATCH, &format!("/api/v1/apps/{app}"), Some(late.clone())).await.expect(200);
    let theirs = json!({ "settings": { "repository": "https://git.example.org/c" } });
    world.call(Method::PATCH, &format!("/api/v1/apps/{app}"), Some(theirs)).await.expect(200);
    let lost = world.call(Method::PATCH, &format!("/api/v1/apps/{app}"), Some(late)).await;
    assert_eq!((lost.status.as_u16(), lost.code()), (409, "app.changed"), "nobody's change is overwritten unseen");
    let again = world.post("/api/v1/apps", json!({ "name": "shop", "nodeId": node, "settings": settings })).await;
    assert_eq!(again.status.as_u16(), 409, "{}", again.body);
    let run = world.run(&app).await;
    let shown = world.get(&format!("/api/v1/runs/{run}")).await.expect(200);
    assert_eq!((shown["action"].as_str(), shown["actor"]["name"].as_str()), (Some("app.deploy"), Some("Ada")));
    assert_eq!(shown["args"]["app"], app);
    let timeline = world.get(&format!("/api/v1/runs/{run}/timeline")).await.expect(200);
    assert_eq!(timeline[0]["kind"], "proposed");
    let unsigned = world.get(&format!("/api/v1/runs/{run}/command")).await;
    assert_eq!((unsigned.status.as_u16(), unsigned.code()), (404, "run.not_signed"));
    let logs = world.get(&format!("/api/v1/apps/{app}/logs")).await.expect(200);
    assert_eq!(logs["lines"], json!([]));
    assert_eq!(world.get(&format!("/api/v1/runs/{run}/log")).await.expect(200)["lines"], json!([]));
    world.post(&format!("/api/v1/runs/{run}/cancel"), json!({})).await.expect(200);
    assert_eq!(world.get(&format!("/api/v1/runs/{run}")).await.expect(200)["done"], "cancelled");
    let status = world.get(&format!("/api/v1/apps/{app}/status")).await;
    assert_eq!((status.status.as_u16(), status.code()), (503, "node.offline"));
}

#[tokio::test]
async fn machines_are_invited_renamed_and_forgotten() {
    let world = World::new().await;
    let invited = world.post("/api/v1/enrol-tokens", json!({ "name": "web 1" })).await.expect(201);
    let command = invited["command"].as_str().unwrap();
    assert!(command.starts_with("serverflow-agent enrol --url wss://127.0.0.1:7401 --token "), "{command}");
    assert!(command.contains(invited["rootFingerprint"].as_str().unwrap()));
    let node = world.node("n").await;
    let path = format!("/api/v1/nodes/{node}");
    let renamed = world.call(Method::PATCH, &path, Some(json!({ "name": "web 2" }))).await.expect(200);
    assert_eq!((renamed["name"].as_str(), renamed["status"].as_str()), (Some("web 2"), Some("offline")));
    let found = world.get("/api/v1/nodes?q=WEB&status=offline").await.expect(200);
    assert_eq!(id(&found[0]), node.to_string());
    assert_eq!(world.get(&format!("{path}/metrics?points=10")).await.expect(200), json!([]));
    assert_eq!(world.get(&format!("{path}/metrics?from=2&to=1")).await.code(), "query.span");
    world.call(Method::DELETE, &path, None).await.expect(200);
    assert_eq!(world.get(&path).await.status.as_u16(), 404);
    assert_eq!(world.get("/api/v1/device-codes").await.expect(200), json!([]));
    let denied = world.post("/api/v1/device-codes/deny", json!({ "id": node })).await;
    assert_eq!(denied.status.as_u16(), 409, "{}", denied.body);
}

#[tokio::test]
async fn a_listed_page_of_another_origin_may_call_and_no_other() {
    let world = World::with(|options| options.cors_origins = vec!["https://panel.example.org".into()]).await;
    let preflight = |origin: &'static str| {
        let headers = [("origin", origin), ("access-control-request-method", "POST")];
        request(Method::OPTIONS, "/api/v1/apps", None, None, &headers)
    };
    let listed = world.raw(preflight("https://panel.example.org")).await;
    assert_eq!(listed.status.as_u16(), 204);
    assert_eq!(listed.headers["access-control-allow-origin"], "https://panel.example.org");
    assert!(!listed.headers.contains_key("access-control-allow-credentials"));
    let other = world.raw(preflight("https://evil.example.org")).await;
    assert!(!other.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn the_vocabulary_is_shown_whole() {
    let world = World::new().await;
    let shown = world.get("/api/v1/actions").await.expect(200);
    let names: Vec<_> = shown.as_array().unwrap().iter().map(|spec| spec["name"].as_str().unwrap()).collect();
    assert_eq!(names, crate::world::actions());
}
