//! Deploys by push: who may start one, which push does, and what people see of it.

mod deploy_keys;
mod previews;

use std::time::Duration;

use axum::body::Body;
use hmac::{Hmac, KeyInit, Mac};
use http::{Method, Request};
use serde_json::{Value, json};
use sf_actions::Permission;
use sf_engine::push::MAX_AGE;
use sf_engine::workflow::webhook::{Key, MAX_BODY_BYTES, Scheme, TOLERANCE};
use sf_store::hooks::DELIVERIES_KEPT;
use sf_types::{Secret, Timestamp};
use sha2::Sha256;

use crate::world::{Answer, World, id};

const OTHER: &str = "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
type Headers = Vec<(&'static str, String)>;

/// An app with a hook.
struct Hook {
    app: String,
    path: String,
    secret: String,
}

impl Hook {
    async fn of(world: &World, app: &str, settings: Value) -> Self {
        let made = world.post(&format!("/api/v1/apps/{app}/hook"), json!({ "settings": settings })).await.expect(201);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self { app: app.to_owned(), path: text(&made["hook"]["path"]), secret: text(&made["secret"]) }
    }

    async fn new(world: &World, settings: Value) -> Self {
        let node = world.node("box").await;
        let app = world.app("shop", node).await;
        Self::of(world, &app, settings).await
    }

    async fn shown(&self, world: &World) -> Value {
        world.get(&format!("/api/v1/apps/{}/hook", self.app)).await.expect(200)["hook"].clone()
    }

    /// What it was sent, the latest first.
    async fn deliveries(&self, world: &World) -> Vec<Value> {
        let path = format!("/api/v1/apps/{}/hook/deliveries?limit=200", self.app);
        world.get(&path).await.expect(200).as_array().unwrap().clone()
    }

    async fn runs(&self, world: &World) -> usize {
        world
            .get(&format!("/api/v1/runs?appId={}&action=app.deploy", self.app))
            .await
            .expect(200)
            .as_array()
            .unwrap()
            .len()
    }

    /// A push by GitHub's scheme, a millisecond later: deliveries of one millisecond have no order.
    async fn push(&self, world: &World, body: &Value) -> Answer {
        world.clock.set(world.clock.now().plus(Duration::from_millis(1)));
        let body = body.to_string();
        deliver(world, &self.path, &github(&self.secret, &body, "push"), &body).await
    }
}

async fn deliver(world: &World, path: &str, headers: &Headers, body: &str) -> Answer {
    let mut request = Request::builder().method(Method::POST).uri(path).header("host", "localhost");
    // As a browser of some other site would send it: its signature alone says who may.
    request = request.header("origin", "https://elsewhere.example.org").header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    world.raw(request.body(Body::from(body.to_owned())).unwrap()).await
}

fn hex(secret: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn github(secret: &str, body: &str, event: &str) -> Headers {
    let delivery = format!("{:.12}", hex("delivery", body));
    vec![
        ("x-github-event", event.to_owned()),
        ("x-github-delivery", delivery),
        ("x-hub-signature-256", format!("sha256={}", hex(secret, body))),
    ]
}

fn standard(secret: &str, id: &str, at: Timestamp, body: &str) -> Headers {
    let key = Key::parse(&Scheme::Standard, &Secret::new(secret.to_owned())).unwrap();
    vec![
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", at.as_secs().to_string()),
        ("webhook-signature", key.sign(id, at, body.as_bytes()).unwrap()),
    ]
}

fn commit(digit: char) -> String {
    digit.to_string().repeat(40)
}

fn push(before: char, after: char) -> Value {
    json!({
        "ref": "refs/heads/main", "before": commit(before), "after": commit(after), "forced": false, "created": false,
        "repository": { "default_branch": "main" },
        "commits": [{ "added": [], "removed": [], "modified": ["api/main.rs"] }],
    })
}

/// All that a stranger could tell hooks apart by.
fn told(answer: &Answer) -> (u16, Value) {
    (answer.status.as_u16(), answer.body["error"].clone())
}

#[tokio::test]
async fn each_sender_deploys_what_was_pushed_for_whoever_set_the_hook() {
    let world = World::new().await;
    let hook = Hook::new(&world, json!({})).await;
    let shown = hook.shown(&world).await;
    assert_eq!((&shown["owner"], &shown["ownerActive"], &shown["branch"]), (&json!("Ada"), &json!(true), &Value::Null));
    assert!(!shown.to_string().contains("whsec"), "{shown}");
    let gitlab = push('2', '3').to_string();
    let generic = json!({ "branch": "main", "commit": commit('4'), "defaultBranch": "main" }).to_string();
    let signed = push('4', '5').to_string();
    let gitea = push('1', '2').to_string();
    let with = |mut headers: Headers, more: &[(&'static str, &str)]| {
        headers.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        headers
    };
    let now = world.clock.now();
    let cases: [(&str, Headers, String); 5] = [
        ("github", github(&hook.secret, &push('0', '1').to_string(), "push"), push('0', '1').to_string()),
        (
            "gitea",
            with(
                github(OTHER, &gitea, "push"),
                &[("x-gitea-event", "push"), ("x-gitea-signature", &hex(&hook.secret, &gitea))],
            ),
            gitea.clone(),
        ),
        ("gitlab", vec![("x-gitlab-event", "Push Hook".into()), ("x-gitlab-token", hook.secret.clone())], gitlab),
        ("generic", standard(&hook.secret, "g1", now, &generic), generic.clone()),
        (
            "gitlab",
            with(standard(&hook.secret, "g2", now, &signed), &[("x-gitlab-event", "Push Hook")]),
            signed.clone(),
        ),
    ];
    for (nth, (sender, headers, body)) in cases.iter().enumerate() {
        world.clock.set(world.clock.now().plus(Duration::from_millis(1)));
        let heard = deliver(&world, &hook.path, headers, body).await.expect(202);
        assert_eq!(heard["outcome"], "deploy", "{sender} {heard}");
        let run = world.get(&format!("/api/v1/runs/{}", heard["runId"].as_str().unwrap())).await.expect(200);
        assert_eq!(run["action"], "app.deploy");
        let wanted = commit(char::from_digit(u32::try_from(nth).unwrap() + 1, 10).unwrap());
        assert_eq!((&run["args"]["commit"], &run["args"]["reference"]), (&json!(wanted), &json!("main")), "{run}");
        assert_eq!((run["actor"]["kind"].as_str(), run["actor"]["name"].as_str()), (Some("trigger"), Some("Ada")));
        let kept = &hook.deliveries(&world).await[0];
        assert_eq!(
            (&kept["sender"], &kept["runId"], &kept["commit"]),
            (&json!(sender), &heard["runId"], &json!(wanted))
        );
        assert_eq!((&kept["runState"], &kept["branch"]), (&run["state"], &json!("main")));
        // The same again is the same run, and no other delivery.
        let again = deliver(&world, &hook.path, headers, body).await.expect(202);
        assert_eq!(again["runId"], heard["runId"], "{sender}");
        assert_eq!((hook.deliveries(&world).await.len(), hook.runs(&world).await), (nth + 1, nth + 1), "{sender}");
    }
}

#[tokio::test]
async fn a_request_that_is_not_its_senders_is_answered_like_one_to_nowhere() {
    let world = World::new().await;
    let hook = Hook::new(&world, json!({})).await;
    let node = world.node("other").await;
    let other = Hook::of(&world, &world.app("other", node).await, json!({})).await;
    let (body, now) = (push('0', '1').to_string(), world.clock.now());
    let generic = json!({ "branch": "main", "commit": commit('1') }).to_string();
    let of_app = format!("/api/v1/hooks/apps/{}", hook.app);
    let nowhere = "/api/v1/hooks/apps/0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b";
    let none = deliver(&world, nowhere, &github(&hook.secret, &body, "push"), &body).await;
    assert_eq!((none.status.as_u16(), none.code()), (404, "hook.not_found"));
    let past = |by: Duration| now.minus(by + Duration::from_secs(1));
    let without = |mut headers: Headers, name: &str| {
        headers.retain(|(other, _)| *other != name);
        headers
    };
    let token = |value: &str| vec![("x-gitlab-event", "Push Hook".to_owned()), ("x-gitlab-token", value.to_owned())];
    let mut twice = github(&hook.secret, &body, "push");
    twice.push(("x-hub-signature-256", format!("sha256={}", hex(OTHER, &body))));
    let cases: Vec<(&str, &str, Headers, &str)> = vec![
        ("another secret", &hook.path, github(OTHER, &body, "push"), &body),
        ("another app's secret", &hook.path, github(&other.secret, &body, "push"), &body),
        ("another app's address", &other.path, github(&hook.secret, &body, "push"), &body),
        ("another body", &hook.path, github(&hook.secret, "{}", "push"), &body),
        ("no signature", &hook.path, without(github(&hook.secret, &body, "push"), "x-hub-signature-256"), &body),
        ("no id", &hook.path, without(github(&hook.secret, &body, "push"), "x-github-delivery"), &body),
        ("two signatures", &hook.path, twice, &body),
        ("nothing", &hook.path, vec![], &body),
        ("another token", &hook.path, token(OTHER), &body),
        ("no token", &hook.path, token(""), &body),
        ("too old", &hook.path, standard(&hook.secret, "a", past(TOLERANCE), &generic), &generic),
        ("in the future", &hook.path, standard(&hook.secret, "a", now.plus(TOLERANCE * 2), &generic), &generic),
        ("another's signature", &hook.path, standard(OTHER, "a", now, &generic), &generic),
        ("no hook's id", "/api/v1/hooks/apps/none", github(&hook.secret, &body, "push"), &body),
        ("an app's id", &of_app, github(&hook.secret, &body, "push"), &body),
    ];
    for (what, path, headers, body) in cases {
        assert_eq!(told(&deliver(&world, path, &headers, body).await), told(&none), "{what}");
    }
    let huge = "x".repeat(MAX_BODY_BYTES + 1);
    let refused = deliver(&world, &hook.path, &github(&hook.secret, &huge, "push"), &huge).await;
    assert_eq!(refused.status.as_u16(), 413);
    assert_eq!((hook.deliveries(&world).await.len(), hook.runs(&world).await), (0, 0));
    // What is genuine and replayed later is refused where its time is signed.
    let headers = standard(&hook.secret, "b", now, &generic);
    world.clock.set(now.plus(TOLERANCE + Duration::from_secs(1)));
    assert_eq!(told(&deliver(&world, &hook.path, &headers, &generic).await), told(&none));
    // People see that somebody tried, and why it was not taken.
    for _ in 0..100 {
        if !hook.shown(&world).await["refusedWhy"].is_null() {
            break;
        }
        tokio::task::yield_now().await;
        world.control.store().write(sf_types::Scope::System, |_| Box::pin(async { Ok(()) })).await.unwrap();
    }
    let why = hook.shown(&world).await["refusedWhy"].as_str().unwrap().to_owned();
    assert!(!why.contains("whsec") && !why.is_empty(), "{why}");
}

/// Who asks at an address learns nothing from how long it takes: the database is asked as much, wherever it goes.
#[tokio::test]
async fn an_address_that_is_none_costs_what_a_hook_costs_that_refuses() {
    let world = World::new().await;
    let hook = Hook::new(&world, json!({})).await;
    let body = push('0', '1').to_string();
    let cost = async |path: &str| {
        let mut least = u64::MAX;
        for _ in 0..5 {
            let before = world.control.store().looks();
            let answer = deliver(&world, path, &github(OTHER, &body, "push"), &body).await;
            assert_eq!(answer.code(), "hook.not_found");
            least = least.min(world.control.store().looks() - before);
        }
        least
    };
    let refused = cost(&hook.path).await;
    assert!(refused > 0);
    assert_eq!(cost("/api/v1/hooks/apps/0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b").await, refused);
}

#[tokio::test]
async fn a_commit_is_deployed_once_whoever_tells_of_it() {
    let world = World::new().await;
    let hook = Hook::new(&world, json!({})).await;
    let body = push('0', '1').to_string();
    let first = deliver(&world, &hook.path, &github(&hook.secret, &body, "push"), &body).await.expect(202);
    // GitHub does not sign the id: another one makes no other push of it.
    let mut renamed = github(&hook.secret, &body, "push");
    renamed[1].1 = "another".to_owned();
    let again = deliver(&world, &hook.path, &renamed, &body).await.expect(202);
    assert_eq!((&again["runId"], &again["outcome"]), (&first["runId"], &json!("deploy")));
    assert_eq!(hook.deliveries(&world).await.len(), 1);
    // Another system tells of the same commit.
    let mut other = push('0', '1');
    other["pusher"] = json!("somebody else");
    let known = hook.push(&world, &other).await.expect(202);
    assert_eq!((&known["runId"], &known["outcome"]), (&first["runId"], &json!("known")));
    // As many at once as there are.
    let body = push('1', '2').to_string();
    let headers = github(&hook.secret, &body, "push");
    let all = (0..8).map(|_| deliver(&world, &hook.path, &headers, &body));
    let all = futures_util::future::join_all(all).await;
    let runs: Vec<_> = all.into_iter().map(|answer| answer.expect(202)["runId"].clone()).collect();
    assert!(runs.iter().all(|run| *run == runs[0] && run.is_string()), "{runs:?}");
    assert_eq!((hook.runs(&world).await, hook.deliveries(&world).await.len()), (2, 3));
    // One that comes late puts nothing back.
    let late = hook.push(&world, &push('9', '1')).await.expect(202);
    assert_eq!(late["outcome"], "ignored", "{late}");
    assert_eq!(hook.runs(&world).await, 2);
}

#[tokio::test]
async fn what_starts_nothing_says_why() {
    let world = World::new().await;
    let hook = Hook::new(&world, json!({ "branch": "main", "paths": ["web/"] })).await;
    let with = |change: fn(&mut Value)| {
        let mut body = push('0', '1');
        change(&mut body);
        body
    };
    let old = world.clock.now().minus(MAX_AGE + Duration::from_secs(60)).as_secs();
    let cases: [(&str, Value, &str); 4] = [
        ("branch", with(|body| body["ref"] = json!("refs/heads/next")), "of the branch `next`"),
        ("tag", with(|body| body["ref"] = json!("refs/tags/v1")), "Only pushes of branches"),
        ("deleted", with(|body| body["after"] = json!("0".repeat(40))), "was deleted"),
        (
            "old",
            json!({ "ref": "refs/heads/main", "after": commit('3'), "repository": { "pushed_at": old } }),
            "3 days",
        ),
    ];
    for (what, body, why) in cases {
        let heard = hook.push(&world, &body).await.expect(202);
        assert_eq!((&heard["outcome"], &heard["runId"]), (&json!("ignored"), &Value::Null), "{what}");
        assert!(heard["reason"].as_str().unwrap().contains(why), "{what}: {heard}");
        assert_eq!(hook.deliveries(&world).await[0]["reason"], heard["reason"]);
    }
    let ping = deliver(&world, &hook.path, &github(&hook.secret, "{}", "ping"), "{}").await.expect(200);
    assert_eq!(ping["outcome"], "ping");
    let odd = deliver(&world, &hook.path, &github(&hook.secret, "payload=x", "push"), "payload=x").await;
    assert_eq!((odd.status.as_u16(), odd.code()), (400, "hook.body"));
    assert!(hook.deliveries(&world).await.iter().any(|one| one["outcome"] == "refused"));
    assert_eq!(hook.runs(&world).await, 0);
    // Nothing is known of what was: it is deployed. What follows it is left out where it is certain.
    assert_eq!(hook.push(&world, &push('0', '1')).await.expect(202)["outcome"], "deploy");
    let out = hook.push(&world, &push('1', '2')).await.expect(202);
    assert_eq!((&out["outcome"], &out["reason"]), (&json!("ignored"), &json!("Nothing in `web/` has changed.")));
    let missed = hook.push(&world, &push('7', '8')).await.expect(202);
    assert_eq!(missed["outcome"], "deploy", "{missed}");
    // Switched off, it says so to its sender; switched on, what was missed counts.
    let set = |enabled: bool| json!({ "settings": { "enabled": enabled, "branch": "main", "paths": ["web"] } });
    let path = format!("/api/v1/apps/{}/hook", hook.app);
    world.call(Method::PUT, &path, Some(set(false))).await.expect(200);
    let off = hook.push(&world, &push('8', '9')).await.expect(202);
    assert_eq!(off["reason"], "The hook is switched off.");
    world.call(Method::PUT, &path, Some(set(true))).await.expect(200);
    assert_eq!(hook.push(&world, &push('9', 'a')).await.expect(202)["outcome"], "deploy");
    // What was ignored may be sent again, once it would not be.
    assert_eq!(hook.push(&world, &push('8', '9')).await.expect(202)["outcome"], "ignored");
}

#[tokio::test]
async fn a_new_secret_leaves_a_day_to_give_it_to_the_sender() {
    let mut world = World::new().await;
    let hook = Hook::new(&world, json!({})).await;
    let path = format!("/api/v1/apps/{}/hook", hook.app);
    let plan = world.post(&format!("{path}/rotate?dryRun=true"), json!({})).await.expect(200);
    assert!(plan["plan"]["steps"].to_string().contains("24 h"), "{plan}");
    let secret = world.post(&format!("{path}/rotate"), json!({})).await.expect(201)["secret"].clone();
    let fresh = Hook { secret: secret.as_str().unwrap().to_owned(), app: hook.app.clone(), path: hook.path.clone() };
    assert_ne!(fresh.secret, hook.secret);
    hook.push(&world, &push('0', '1')).await.expect(202);
    fresh.push(&world, &push('1', '2')).await.expect(202);
    world.clock.set(world.clock.now().plus(Duration::from_secs(24 * 3600 + 1)));
    world.sign_in().await;
    assert_eq!(hook.push(&world, &push('2', '3')).await.code(), "hook.not_found");
    fresh.push(&world, &push('2', '3')).await.expect(202);
    // One that is deleted is gone with its address and what it was sent.
    world.call(Method::DELETE, &path, None).await.expect(200);
    assert_eq!(fresh.push(&world, &push('3', '4')).await.code(), "hook.not_found");
    assert_eq!(fresh.shown(&world).await, Value::Null);
    let another = Hook::of(&world, &hook.app, json!({})).await;
    assert_ne!(another.path, hook.path);
    assert_eq!(another.deliveries(&world).await.len(), 0);
    assert_eq!(fresh.push(&world, &push('3', '4')).await.code(), "hook.not_found");
}

const RIGHTS: &[Permission] = &[Permission::AppView, Permission::AppDeploy];

#[tokio::test]
async fn it_acts_with_the_rights_of_whoever_set_it_last() {
    let world = World::new().await;
    let hook = Hook::new(&world, json!({})).await;
    let path = format!("/api/v1/apps/{}/hook", hook.app);
    let eve = world.member(world.tenant().await, "eve@example.org", RIGHTS).await;
    world.send(Method::PUT, &path, Some(&eve), Some(json!({ "settings": { "branch": "main" } }))).await.expect(200);
    assert_eq!(hook.shown(&world).await["owner"], "Somebody");
    hook.push(&world, &push('0', '1')).await.expect(202);
    let users = world.get("/api/v1/users?limit=50").await.expect(200);
    let eve = id(users.as_array().unwrap().iter().find(|user| user["email"] == "eve@example.org").unwrap());
    world.post(&format!("/api/v1/users/{eve}/suspend"), json!({})).await.expect(200);
    let body = push('1', '2');
    let refused = hook.push(&world, &body).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (403, "hook.nobody"));
    let shown = hook.deliveries(&world).await[0].clone();
    assert_eq!((&shown["outcome"], &shown["runId"]), (&json!("refused"), &Value::Null));
    assert!(shown["reason"].as_str().unwrap().contains("suspended"), "{shown}");
    assert_eq!(hook.shown(&world).await["ownerActive"], false);
    // Back, but without the right.
    world.post(&format!("/api/v1/users/{eve}/reinstate"), json!({})).await.expect(200);
    let grants = format!("/api/v1/users/{eve}/grants");
    for grant in world.get(&grants).await.expect(200).as_array().unwrap() {
        world.call(Method::DELETE, &format!("{grants}/{}", id(grant)), None).await.expect(200);
    }
    let refused = hook.push(&world, &body).await;
    assert!(["permission.missing", "app.not_found"].contains(&refused.code()), "{}", refused.body);
    assert_eq!(hook.deliveries(&world).await.len(), 2, "the same delivery");
    assert_eq!(hook.runs(&world).await, 1);
    // Somebody else makes it theirs, and the same delivery goes through.
    world.call(Method::PUT, &path, Some(json!({ "settings": { "branch": "main" } }))).await.expect(200);
    assert_eq!(hook.push(&world, &body).await.expect(202)["outcome"], "deploy");
    // A key that may only do this lets nothing act with all that its person may; an AI agent does not even ask.
    let key = json!({ "name": "k", "days": 1, "scopes": ["app:view", "app:deploy"] });
    let key = world.post("/api/v1/tokens", key).await.expect(201)["secret"].as_str().unwrap().to_owned();
    let ai = json!({ "name": "ai", "days": 1, "speaksFor": "ai" });
    let ai = world.post("/api/v1/tokens", ai).await.expect(201)["secret"].as_str().unwrap().to_owned();
    for (method, path) in [(Method::PUT, path.clone()), (Method::POST, format!("{path}/rotate"))] {
        let body = Some(json!({}));
        assert_eq!(world.send(method.clone(), &path, Some(&key), body.clone()).await.code(), "token.limited", "{path}");
        assert_eq!(world.send(method, &path, Some(&ai), body).await.code(), "actor.not_a_person", "{path}");
    }
    // In a team that is suspended, nothing is deployed.
    let tenant = world.tenant().await;
    let suspend = world.control.store().write(sf_types::Scope::System, move |tx| {
        Box::pin(async move { sf_store::tenants::set_suspended(tx, tenant, Some("unpaid")).await })
    });
    suspend.await.unwrap();
    assert_eq!(hook.push(&world, &push('2', '3')).await.code(), "hook.nobody");
}

#[tokio::test]
async fn a_push_that_policy_holds_waits_where_people_see_it() {
    let world = World::new().await;
    let hook = Hook::new(&world, json!({})).await;
    let freeze = json!({ "name": "holidays", "when": { "kind": "now" } });
    let rules = json!({ "from": 0, "rules": { "freezes": [freeze] } });
    world.call(Method::PUT, "/api/v1/routing-rules", Some(rules)).await.expect(200);
    let heard = hook.push(&world, &push('0', '1')).await.expect(202);
    let shown = hook.deliveries(&world).await[0].clone();
    assert_eq!((&shown["outcome"], &shown["runState"]), (&json!("deploy"), &json!("waiting")), "{shown}");
    assert_eq!(shown["runId"], heard["runId"]);
    let waiting = world.get("/api/v1/runs?state=waiting").await.expect(200);
    assert_eq!(waiting[0]["id"], heard["runId"]);
}

#[tokio::test]
async fn the_last_deliveries_are_kept_and_no_more() {
    let world = World::new().await;
    let hook = Hook::new(&world, json!({ "branch": "release" })).await;
    for nth in 0..DELIVERIES_KEPT + 3 {
        let mut body = push('0', '1');
        body["nth"] = nth.into();
        hook.push(&world, &body).await.expect(202);
    }
    let kept = hook.deliveries(&world).await;
    assert_eq!(kept.len(), DELIVERIES_KEPT);
    let page = format!("/api/v1/apps/{}/hook/deliveries?limit=10", hook.app);
    let page = world.get(&page).await;
    assert_eq!(page.data().as_array().unwrap().len(), 10);
    assert!(page.body["meta"]["page"]["next"].is_string());
}

#[tokio::test]
async fn a_hook_is_made_once_and_its_secret_is_shown_once() {
    let world = World::new().await;
    let node = world.node("box").await;
    let app = world.app("shop", node).await;
    let path = format!("/api/v1/apps/{app}/hook");
    assert_eq!(world.get(&path).await.expect(200)["hook"], Value::Null);
    assert_eq!(world.call(Method::PUT, &path, Some(json!({}))).await.code(), "hook.none");
    let plan =
        world.post(&format!("{path}?dryRun=true"), json!({ "settings": { "paths": ["api"] } })).await.expect(200);
    assert!(plan["plan"]["steps"].to_string().contains("change something in api"), "{plan}");
    assert_eq!(world.get(&path).await.expect(200)["hook"], Value::Null);
    let keyed = |body: &Value| {
        let request = crate::world::request(
            Method::POST,
            &path,
            Some(&world.token),
            Some(body.clone()),
            &[("idempotency-key", "k1")],
        );
        world.raw(request)
    };
    let body = json!({});
    let made = keyed(&body).await.expect(201);
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
    let again = keyed(&body).await;
    assert_eq!((again.status.as_u16(), again.code()), (409, "idempotency.once"), "{}", again.body);
    assert_eq!(world.post(&path, json!({})).await.code(), "hook.exists");
    for (bad, field) in [
        (json!({ "settings": { "branch": "--x" } }), "settings.branch"),
        (json!({ "settings": { "paths": ["../x"] } }), "settings.paths[0]"),
    ] {
        let refused = world.call(Method::PUT, &path, Some(bad)).await;
        assert_eq!(refused.status.as_u16(), 400);
        assert!(refused.body["error"].to_string().contains(field), "{}", refused.body);
    }
    // Nothing of it is in what is kept of runs.
    let runs = world.get("/api/v1/runs?limit=50").await.expect(200).to_string();
    assert!(runs.contains("hook.create") && !runs.contains("whsec_"), "{runs}");
}
