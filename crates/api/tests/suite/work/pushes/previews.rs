//! Previews of branches: which pushes make one, for whom, what it is given, and when it is over.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use sf_actions::Permission;
use sf_types::Timestamp;

use super::{Hook, commit, deliver, github};
use crate::world::{Answer, PASSWORD, World, id};

const DAY: Duration = Duration::from_secs(86_400);

fn pushed(branch: &str, before: char, after: char) -> Value {
    json!({
        "ref": format!("refs/heads/{branch}"), "before": commit(before), "after": commit(after),
        "created": before == '0', "repository": { "default_branch": "main" },
        "commits": [{ "added": [], "removed": [], "modified": ["api/main.rs"] }],
    })
}

fn request(action: &str, branch: &str, (head, base): (u64, u64)) -> Value {
    let end = |branch: &str, repo: u64| json!({ "ref": branch, "sha": commit('c'), "repo": { "id": repo } });
    json!({ "action": action, "pull_request": { "head": end(branch, head), "base": end("main", base) } })
}

fn settings(more: &Value) -> Value {
    let mut settings = json!({ "base": "preview.example.org", "branches": "feature/*" });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "settings": settings })
}

/// An app with a hook and previews of `feature/*`.
async fn app(world: &World, more: Value) -> Hook {
    let hook = Hook::new(world, json!({})).await;
    let path = format!("/api/v1/apps/{}/previews", hook.app);
    world.call(Method::PUT, &path, Some(settings(&more))).await.expect(200);
    hook
}

async fn previews(world: &World, app: &str) -> Vec<Value> {
    let shown = world.get(&format!("/api/v1/apps/{app}/previews")).await.expect(200);
    shown["previews"].as_array().unwrap().clone()
}

/// The lane has looked at everything that is due.
async fn looked(world: &World) {
    for _ in 0..3 {
        world.control.perform_due().await.unwrap();
    }
}

async fn of(world: &World, hook: &Hook, branch: &str) -> Value {
    previews(world, &hook.app).await.into_iter().find(|preview| preview["branch"] == branch).unwrap()
}

/// So many were opened: the lane looks by itself, too, and may be at it.
async fn opened(world: &World, app: &Value, action: &str, count: usize) -> Vec<Value> {
    for _ in 0..500 {
        let runs = runs(world, app, action).await;
        if runs.len() >= count {
            assert_eq!(runs.len(), count, "{runs:?}");
            return runs;
        }
        looked(world).await;
        // tidy: sleep because the lane that opens them tells nobody when it has found nothing to do
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("there are no {count} of {action}")
}

async fn runs(world: &World, app: &Value, action: &str) -> Vec<Value> {
    let path = format!("/api/v1/runs?appId={}&action={action}", app["appId"].as_str().unwrap());
    world.get(&path).await.expect(200).as_array().unwrap().clone()
}

async fn asked(world: &World, hook: &Hook, body: &Value) -> Answer {
    world.clock.set(world.clock.now().plus(Duration::from_millis(1)));
    let body = body.to_string();
    deliver(world, &hook.path, &github(&hook.secret, &body, "pull_request"), &body).await
}

#[tokio::test]
async fn a_push_of_a_matching_branch_makes_an_app_of_its_own_and_deploys_it_for_the_hooks_owner() {
    let world = World::new().await;
    let hook = app(&world, json!({})).await;
    let heard = hook.push(&world, &pushed("fix/x", '0', 'a')).await.expect(202);
    assert_eq!(heard["outcome"], "ignored");
    assert!(heard["reason"].as_str().unwrap().contains("not like `feature/*`"), "{heard}");
    let heard = hook.push(&world, &pushed("feature/x", '0', 'b')).await.expect(202);
    assert_eq!(heard["outcome"], "preview", "{heard}");
    looked(&world).await;
    let all = previews(&world, &hook.app).await;
    let [preview] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(
        (&preview["name"], &preview["domain"], &preview["branch"], &preview["commit"]),
        (
            &json!("feature-x-shop"),
            &json!("feature-x-shop.preview.example.org"),
            &json!("feature/x"),
            &json!(commit('b'))
        )
    );
    assert_eq!((&preview["isServed"], &preview["problem"]), (&json!(false), &Value::Null));
    let run = &opened(&world, preview, "app.deploy", 1).await[0];
    assert_eq!((&run["args"]["commit"], &run["args"]["reference"]), (&json!(commit('b')), &json!("feature/x")));
    assert_eq!((run["actor"]["kind"].as_str(), run["actor"]["name"].as_str()), (Some("trigger"), Some("Ada")));
    assert_eq!(hook.runs(&world).await, 0, "the app itself is left alone");
    // Marked, and left out where somebody asks for apps alone.
    let of = |query: &str| {
        let path = format!("/api/v1/apps{query}");
        let world = &world;
        async move {
            let apps = world.get(&path).await.expect(200);
            let mark = |app: &Value| (app["name"].as_str().unwrap().to_owned(), app["previewOf"].is_string());
            apps.as_array().unwrap().iter().map(mark).collect::<Vec<_>>()
        }
    };
    let (ordinary, own) = (("shop".to_owned(), false), ("feature-x-shop".to_owned(), true));
    assert_eq!(of("?previews=false").await, std::slice::from_ref(&ordinary));
    assert_eq!(of("?previews=true").await, std::slice::from_ref(&own));
    assert_eq!(of("").await, [own, ordinary]);
    // The same delivery again, and the same commit by another one: nothing new.
    let again = hook.push(&world, &pushed("feature/x", '0', 'b')).await.expect(202);
    assert_eq!(again["runId"], heard["runId"]);
    let mut other = pushed("feature/x", '0', 'b');
    other["sender"] = json!("again");
    assert_eq!(hook.push(&world, &other).await.expect(202)["outcome"], "known");
    looked(&world).await;
    assert_eq!(runs(&world, preview, "app.deploy").await.len(), 1);
    // A later push brings the same one up to date.
    assert_eq!(hook.push(&world, &pushed("feature/x", 'b', 'c')).await.expect(202)["outcome"], "preview");
    looked(&world).await;
    let after = previews(&world, &hook.app).await;
    assert_eq!((after.len(), &after[0]["appId"]), (1, &preview["appId"]));
    opened(&world, preview, "app.deploy", 2).await;
}

#[tokio::test]
async fn a_preview_is_given_nothing_of_production() {
    let world = World::new().await;
    for (name, environment) in [("LIVE", "production"), ("TEST", "preview"), ("BOTH", "all")] {
        let body = json!({ "name": name, "value": "v", "environment": environment });
        let made = world.post("/api/v1/secrets", body).await.expect(201);
        assert_eq!(made["environment"], environment);
    }
    let plain = world.post("/api/v1/secrets", json!({ "name": "PLAIN", "value": "v" })).await.expect(201);
    assert_eq!(plain["environment"], "production", "what is not marked is production's");
    let hook = app(&world, json!({})).await;
    let path = format!("/api/v1/apps/{}", hook.app);
    let set = |env: Value| {
        let settings = json!({ "settings": { "repository": "https://git.example.org/a", "env": env } });
        world.call(Method::PATCH, &path, Some(settings))
    };
    let refused = set(json!([{ "name": "KEY", "secret": "LIVE", "environment": "preview" }])).await;
    assert_eq!(refused.code(), "secret.other_environment", "{}", refused.body);
    assert_eq!(set(json!([{ "name": "KEY", "secret": "TEST" }])).await.code(), "secret.other_environment");
    assert_eq!(
        set(json!([{ "name": "KEY", "secret": "TEST", "environment": "all" }])).await.code(),
        "secret.other_environment"
    );
    set(json!([
        { "name": "URL", "value": "live" },
        { "name": "URL", "value": "test", "environment": "preview" },
        { "name": "PAY", "secret": "LIVE" },
        { "name": "KEY", "secret": "TEST", "environment": "preview" },
        { "name": "MODE", "secret": "BOTH", "environment": "all" },
    ]))
    .await
    .expect(200);
    hook.push(&world, &pushed("feature/x", '0', 'b')).await.expect(202);
    let preview = previews(&world, &hook.app).await[0].clone();
    let app = world.get(&format!("/api/v1/apps/{}", preview["appId"].as_str().unwrap())).await.expect(200);
    let names: Vec<_> = app["settings"]["env"].as_array().unwrap().iter().map(|var| var["name"].clone()).collect();
    assert_eq!(names, [json!("URL"), json!("KEY"), json!("MODE")]);
    assert!(!app.to_string().contains("LIVE") && !app.to_string().contains("\"live\""), "{app}");
    // A secret that is for previews no more stops the next deploy, and says why.
    let test = world.get("/api/v1/secrets?q=TEST").await.expect(200)[0].clone();
    let marked = json!({ "environment": "production" });
    world.call(Method::PATCH, &format!("/api/v1/secrets/{}", id(&test)), Some(marked)).await.expect(200);
    let deploy = world.post(&format!("/api/v1/apps/{}/deploy", preview["appId"].as_str().unwrap()), json!({})).await;
    assert_eq!(deploy.code(), "secret.other_environment", "{}", deploy.body);
}

#[tokio::test]
async fn what_is_over_is_deleted_by_serverflow_itself() {
    let mut world = World::new().await;
    let hook = app(&world, json!({ "days": 7 })).await;
    for branch in ["feature/a", "feature/b", "feature/c"] {
        hook.push(&world, &pushed(branch, '0', 'b')).await.expect(202);
    }
    let begun = world.clock.now();
    looked(&world).await;
    // Its branch is deleted: at once.
    let mut gone = pushed("feature/a", 'b', '0');
    gone["deleted"] = json!(true);
    let heard = hook.push(&world, &gone).await.expect(202);
    assert_eq!(heard["outcome"], "preview");
    assert!(heard["reason"].as_str().unwrap().contains("was deleted"), "{heard}");
    looked(&world).await;
    let ended = of(&world, &hook, "feature/a").await;
    let run = &opened(&world, &ended, "app.delete", 1).await[0];
    assert_eq!((run["actor"]["kind"].as_str(), &run["action"]), (Some("system"), &json!("app.delete")));
    let ended = of(&world, &hook, "feature/a").await;
    assert!(ended["endsWhy"].as_str().unwrap().contains("was deleted"), "{ended}");
    assert_eq!(hook.push(&world, &pushed("feature/a", '0', 'd')).await.code(), "preview.going");
    // One is kept longer, the other expires.
    let longer =
        format!("/api/v1/apps/{}/preview/extend", of(&world, &hook, "feature/b").await["appId"].as_str().unwrap());
    assert_eq!(world.post(&longer, json!({ "days": 91 })).await.status, 400);
    world.post(&longer, json!({ "days": 20 })).await.expect(200);
    for (seconds, branch, expected) in [(-1, "feature/c", 0), (2, "feature/b", 0), (2, "feature/c", 1)] {
        let millis = begun.plus(DAY * 7).as_millis() + seconds * 1000;
        world.clock.set(Timestamp::from_millis(millis));
        world.sign_in().await;
        looked(&world).await;
        let preview = of(&world, &hook, branch).await;
        assert_eq!(opened(&world, &preview, "app.delete", expected).await.len(), expected, "{branch} {seconds}");
    }
    // The plan to delete the app names what goes with it.
    let plan = world.call(Method::DELETE, &format!("/api/v1/apps/{}?dryRun=true", hook.app), None).await.expect(200);
    assert!(plan["plan"]["losses"].to_string().contains("the preview of `feature/b` at feature-b-shop"), "{plan}");
}

#[tokio::test]
async fn a_request_is_previewed_only_where_it_is_asked_for_and_never_a_forks() {
    let world = World::new().await;
    let hook = app(&world, json!({})).await;
    let own = (1, 1);
    let heard = asked(&world, &hook, &request("opened", "fix/y", own)).await.expect(202);
    assert!(heard["reason"].as_str().unwrap().contains("make no previews"), "{heard}");
    let path = format!("/api/v1/apps/{}/previews", hook.app);
    world.call(Method::PUT, &path, Some(settings(&json!({ "requests": true })))).await.expect(200);
    let heard = asked(&world, &hook, &request("opened", "fix/z", (2, 1))).await.expect(202);
    assert_eq!(heard["outcome"], "ignored");
    assert!(heard["reason"].as_str().unwrap().contains("another repository"), "{heard}");
    assert!(previews(&world, &hook.app).await.is_empty());
    let heard = asked(&world, &hook, &request("opened", "fix/z", own)).await.expect(202);
    assert_eq!(heard["outcome"], "preview");
    let closed = asked(&world, &hook, &request("closed", "fix/z", own)).await.expect(202);
    assert!(closed["reason"].as_str().unwrap().contains("merged or closed"), "{closed}");
    assert!(previews(&world, &hook.app).await[0]["endsWhy"].is_string());
}

#[tokio::test]
async fn limits_and_names_are_told_to_the_sender() {
    let world = World::new().await;
    let hook = app(&world, json!({ "atOnce": 2, "branches": "**" })).await;
    hook.push(&world, &pushed("feature/x", '0', 'a')).await.expect(202);
    // Looks the same as a host name, and is another branch.
    hook.push(&world, &pushed("feature-x", '0', 'b')).await.expect(202);
    let all = previews(&world, &hook.app).await;
    assert_eq!(all.len(), 2);
    assert_ne!(all[0]["domain"], all[1]["domain"]);
    let refused = hook.push(&world, &pushed("third", '0', 'c')).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (409, "preview.too_many"));
    let kept = &hook.deliveries(&world).await[0];
    assert_eq!(kept["outcome"], "refused");
    assert!(kept["reason"].as_str().unwrap().contains("2 previews already"), "{kept}");
    for branch in ["größe/übung", &"x".repeat(250), "x\u{202e}y", "a;b{c}\"d"] {
        let path = format!("/api/v1/apps/{}/previews", hook.app);
        let many = settings(&json!({ "atOnce": 20, "branches": "**" }));
        world.call(Method::PUT, &path, Some(many)).await.expect(200);
        let answer = hook.push(&world, &pushed(branch, '0', 'd')).await;
        assert_eq!(answer.status.as_u16(), 202, "{branch} {}", answer.body);
    }
    for preview in previews(&world, &hook.app).await {
        let host = preview["domain"].as_str().unwrap().strip_suffix(".preview.example.org").unwrap();
        assert!(host.len() <= 40 && host.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-')), "{host}");
    }
}

#[tokio::test]
async fn whoever_sets_previews_may_make_apps_and_serve_domains_and_nobody_uses_anothers_base() {
    let world = World::new().await;
    let hook = app(&world, json!({})).await;
    let (tenant, path) = (world.tenant().await, format!("/api/v1/apps/{}/previews", hook.app));
    let lacking: &'static [Permission] = &[Permission::AppView, Permission::AppUpdate, Permission::AppCreate];
    let token = world.member(tenant, "some@example.org", lacking).await;
    let refused = world.send(Method::PUT, &path, Some(&token), Some(settings(&json!({})))).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (403, "permission.missing"));
    world.send(Method::PUT, &path, Some(&token), Some(json!({}))).await.expect(200);
    world.call(Method::PUT, &path, Some(settings(&json!({})))).await.expect(200);
    let theirs = world.stranger().await;
    let at_theirs = format!("/api/v1/apps/{}/previews", theirs.app);
    let body = json!({ "email": "eve@example.org", "password": PASSWORD });
    let eve = world.send(Method::POST, "/api/v1/auth/login", None, Some(body)).await.expect(200);
    let taken = world.send(Method::PUT, &at_theirs, eve["accessToken"].as_str(), Some(settings(&json!({})))).await;
    assert_eq!(taken.code(), "preview.base_taken", "{}", taken.body);
    assert!(!taken.body.to_string().contains("shop"), "{}", taken.body);
    // By hand; and it can lead to nothing but its own domain.
    let made = world.post(&path, json!({ "branch": "any/branch" })).await.expect(202)["preview"].clone();
    let other = json!({ "appId": made["appId"], "domain": "shop.example.org" });
    assert_eq!(world.post("/api/v1/proxies", other).await.code(), "proxy.preview");
    let stolen = json!({ "appId": hook.app, "domain": made["domain"] });
    assert_eq!(world.post("/api/v1/proxies", stolen).await.code(), "proxy.domain_taken");
    let nested = format!("/api/v1/apps/{}/previews", made["appId"].as_str().unwrap());
    assert_eq!(world.call(Method::PUT, &nested, Some(settings(&json!({})))).await.code(), "preview.nested");
    assert_eq!(world.post(&nested, json!({ "branch": "x" })).await.code(), "preview.nested");
    let hook_of_it = format!("/api/v1/apps/{}/hook", made["appId"].as_str().unwrap());
    assert_eq!(world.post(&hook_of_it, json!({})).await.code(), "hook.preview");
    // Switched off: no new ones, and what is there stays.
    world.call(Method::PUT, &path, Some(json!({}))).await.expect(200);
    assert_eq!(world.post(&path, json!({ "branch": "other" })).await.code(), "preview.off");
    assert_eq!(previews(&world, &hook.app).await.len(), 1);
}
