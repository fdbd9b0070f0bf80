//! What starts workflows besides people: moments of a calendar, and signed requests.

use std::time::Duration;

use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::{Method, Request};
use serde_json::{Value, json};
use sf_actions::Permission;
use sf_engine::workflow::webhook::{Key, MAX_BODY_BYTES, Scheme};
use sf_types::{Scope, Secret};
use sha2::Sha256;

use crate::world::{Answer, World, id};

const HOUR: Duration = Duration::from_secs(3600);
pub const SECRET: &str = "four lanterns";
pub const BODY: &str = r#"{"ref":"main","count":3}"#;

pub async fn keep(world: &World, document: &str) -> String {
    id(&world.post("/api/v1/workflows", json!({ "document": document })).await.expect(201))
}

pub async fn switch(world: &World, workflow: &str, enabled: bool) -> Answer {
    world.post(&format!("/api/v1/workflows/{workflow}/triggers"), json!({ "enabled": enabled })).await
}

pub async fn armed(world: &World, document: &str) -> String {
    let workflow = keep(world, document).await;
    switch(world, &workflow, true).await.expect(200);
    workflow
}

/// The first trigger of a workflow.
async fn trigger(world: &World, workflow: &str) -> Value {
    world.get(&format!("/api/v1/workflows/{workflow}")).await.expect(200)["triggers"][0].clone()
}

/// Inputs of its runs, by moment: ids of one millisecond have no order.
async fn inputs(world: &World, workflow: &str) -> Vec<Value> {
    let path = format!("/api/v1/workflow-executions?workflowId={workflow}&limit=200");
    let mut inputs = Vec::new();
    for run in world.get(&path).await.expect(200).as_array().unwrap().iter().rev() {
        let run = run["runId"].as_str().unwrap();
        inputs.push(world.get(&format!("/api/v1/workflow-executions/{run}")).await.expect(200)["input"].clone());
    }
    inputs.sort_by_key(|input| input["at"].as_i64());
    inputs
}

/// Every hour; nothing of it ends by itself.
fn hourly(missed: &str) -> String {
    format!(
        r#"
workflow: 1
name: hourly
inputs: {{ type: object, properties: {{ at: {{ type: integer }}, missed: {{ type: integer }} }}, required: [at] }}
triggers:
  - id: hour
    cron: {{ at: "0 * * * *", missed: {missed} }}
    input: {{ at: "${{{{ trigger.at }}}}", missed: "${{{{ trigger.missed }}}}" }}
steps: [{{ id: w, wait: {{ event: go }} }}]
"#
    )
}

/// Milliseconds until the next full hour of the world's time.
fn to_the_hour(world: &World) -> Duration {
    let now = u64::try_from(world.clock.now().as_millis()).unwrap();
    Duration::from_millis(3_600_000 - now % 3_600_000)
}

/// Later; who is signed in stays so.
async fn ahead(world: &mut World, by: Duration) {
    world.clock.set(world.clock.now().plus(by));
    world.sign_in().await;
}

#[tokio::test]
async fn a_calendar_starts_it_at_its_moment_and_once() {
    let mut world = World::new().await;
    let workflow = keep(&world, &hourly("once")).await;
    assert_eq!(trigger(&world, &workflow).await["nextAt"], Value::Null, "its triggers are not on");
    switch(&world, &workflow, true).await.expect(200);
    let hour = world.clock.now().plus(to_the_hour(&world));
    let shown = trigger(&world, &workflow).await;
    let by = to_the_hour(&world) - Duration::from_millis(1);
    ahead(&mut world, by).await;
    assert_eq!(world.control.fire_due().await.unwrap(), Some(hour));
    assert_eq!(inputs(&world, &workflow).await, Vec::<Value>::new());
    let by = Duration::from_millis(1);
    ahead(&mut world, by).await;
    // As many look at once as there may be control planes: each reads it as due, one starts it.
    let looks = (0..8).map(|_| world.control.fire_due());
    for next in futures_util::future::join_all(looks).await {
        assert_eq!(next.unwrap(), Some(hour.plus(HOUR)));
    }
    assert_eq!(inputs(&world, &workflow).await, [json!({ "at": hour.as_millis(), "missed": 0 })]);
    let fired = trigger(&world, &workflow).await;
    assert_eq!((&fired["id"], &fired["lastAt"]), (&shown["id"], &shown["nextAt"]));
    // The run is its trigger's, and acts for who switched it on.
    let run = world.get(&format!("/api/v1/workflow-executions?workflowId={workflow}")).await.expect(200)[0].clone();
    assert_eq!(run["triggerId"], fired["id"]);
    let run = world.get(&format!("/api/v1/runs/{}", run["runId"].as_str().unwrap())).await.expect(200);
    assert_eq!((run["actor"]["kind"].as_str(), run["actor"]["name"].as_str()), (Some("trigger"), Some("Ada")));
    switch(&world, &workflow, false).await.expect(200);
    let by = 2 * HOUR;
    ahead(&mut world, by).await;
    assert_eq!(world.control.fire_due().await.unwrap(), None);
    assert_eq!(inputs(&world, &workflow).await.len(), 1);
}

#[tokio::test]
async fn what_was_missed_is_made_up_for_as_its_policy_says() {
    let mut world = World::new().await;
    let mut kept = Vec::new();
    for missed in ["skip", "once", "all"] {
        let document = hourly(missed).replace("name: hourly", &format!("name: {missed}"));
        kept.push(armed(&world, &document).await);
    }
    let first = world.clock.now().plus(to_the_hour(&world)).as_millis();
    let late = to_the_hour(&world) + 3 * HOUR + Duration::from_secs(1800);
    world = world.started_again(late).await;
    // The lane is at it, too; who comes second to a moment leaves the rest to the first.
    while world.control.fire_due().await.unwrap().is_some_and(|next| next <= world.clock.now()) {}
    let at = |hour: i64, missed: u64| json!({ "at": first + hour * 3_600_000, "missed": missed });
    assert_eq!(inputs(&world, &kept[0]).await, Vec::<Value>::new());
    assert_eq!(inputs(&world, &kept[1]).await, [at(3, 3)]);
    assert_eq!(inputs(&world, &kept[2]).await, [at(0, 0), at(1, 0), at(2, 0), at(3, 0)]);
    for (workflow, missed) in kept.iter().zip([4, 3, 0]) {
        assert_eq!(trigger(&world, workflow).await["missed"], missed);
    }
    // And once is once, also for who starts again.
    let world = world.started_again(Duration::from_secs(60)).await;
    world.control.fire_due().await.unwrap();
    assert_eq!(inputs(&world, &kept[1]).await.len(), 1);
    assert_eq!(inputs(&world, &kept[2]).await.len(), 4);
}

#[tokio::test]
async fn what_is_refused_says_why_and_its_next_moment_comes() {
    let mut world = World::new().await;
    let document = hourly("once").replace(r#"at: "${{ trigger.at }}""#, r#"at: "no number""#);
    let workflow = armed(&world, &document).await;
    let by = to_the_hour(&world);
    ahead(&mut world, by).await;
    let next = world.control.fire_due().await.unwrap();
    assert_eq!(next, Some(world.clock.now().plus(HOUR)));
    let shown = trigger(&world, &workflow).await;
    assert_eq!((shown["lastFault"]["code"].as_str(), &shown["lastAt"]), (Some("workflow.input"), &Value::Null));
    assert_eq!(inputs(&world, &workflow).await.len(), 0);
}

const RIGHTS: &[Permission] =
    &[Permission::WorkflowView, Permission::WorkflowRun, Permission::WorkflowUpdate, Permission::ProjectView];

#[tokio::test]
async fn it_acts_with_the_rights_its_owner_has_then() {
    let mut world = World::new().await;
    let workflow = keep(&world, &hourly("once")).await;
    let member = world.member(world.tenant().await, "eve@example.org", RIGHTS).await;
    let path = format!("/api/v1/workflows/{workflow}/triggers");
    world.send(Method::POST, &path, Some(&member), Some(json!({ "enabled": true }))).await.expect(200);
    let by = to_the_hour(&world);
    ahead(&mut world, by).await;
    world.control.fire_due().await.unwrap();
    assert_eq!(inputs(&world, &workflow).await.len(), 1);
    let users = world.get("/api/v1/users?limit=50").await.expect(200);
    let users = users.as_array().unwrap();
    let eve = id(users.iter().find(|user| user["email"] == "eve@example.org").unwrap());
    world.post(&format!("/api/v1/users/{eve}/suspend"), json!({})).await.expect(200);
    let by = HOUR;
    ahead(&mut world, by).await;
    world.control.fire_due().await.unwrap();
    assert_eq!(inputs(&world, &workflow).await.len(), 1);
    assert_eq!(trigger(&world, &workflow).await["lastFault"]["code"], "trigger.nobody");
    // Back, but without the right.
    world.post(&format!("/api/v1/users/{eve}/reinstate"), json!({})).await.expect(200);
    let grants = format!("/api/v1/users/{eve}/grants");
    for grant in world.get(&grants).await.expect(200).as_array().unwrap() {
        world.call(Method::DELETE, &format!("{grants}/{}", id(grant)), None).await.expect(200);
    }
    let by = HOUR;
    ahead(&mut world, by).await;
    world.control.fire_due().await.unwrap();
    assert_eq!(inputs(&world, &workflow).await.len(), 1);
    let fault = trigger(&world, &workflow).await["lastFault"]["code"].clone();
    assert!(["permission.missing", "workflow.not_found"].contains(&fault.as_str().unwrap()), "{fault}");
}

/// Who may change a workflow must not thereby act as who switched it on.
#[tokio::test]
async fn what_somebody_else_wrote_is_switched_off() {
    let world = World::new().await;
    let workflow = armed(&world, &hourly("once")).await;
    let path = format!("/api/v1/workflows/{workflow}");
    let own = hourly("all");
    let kept = world.call(Method::PUT, &path, Some(json!({ "document": own }))).await.expect(200);
    assert_eq!(kept["enabled"], true);
    let member = world.member(world.tenant().await, "eve@example.org", RIGHTS).await;
    let theirs = json!({ "document": hourly("skip") });
    let kept = world.send(Method::PUT, &path, Some(&member), Some(theirs)).await.expect(200);
    assert_eq!((&kept["enabled"], &kept["triggers"][0]["nextAt"]), (&json!(false), &Value::Null));
    // A key that may only do this lets nothing act with all that its person may.
    let scopes = json!({ "name": "k", "days": 1, "scopes": ["workflow:view", "workflow:update"] });
    let key = world.post("/api/v1/tokens", scopes).await.expect(201)["secret"].as_str().unwrap().to_owned();
    let on = Some(json!({ "enabled": true }));
    assert_eq!(world.send(Method::POST, &format!("{path}/triggers"), Some(&key), on).await.code(), "token.limited");
}

pub fn hook(scheme: &str) -> String {
    format!(
        r#"
workflow: 1
name: hook
inputs: {{ type: object, properties: {{ ref: {{ type: string }}, event: {{}} }}, required: [ref] }}
triggers:
  - id: push
    webhook: {{ {scheme}, secret: hook-key }}
    input: {{ ref: "${{{{ trigger.body.ref }}}}", event: "${{{{ trigger.headers }}}}" }}
steps: [{{ id: w, wait: {{ event: go }} }}]
"#
    )
}

pub async fn secret(world: &World, value: &str) -> String {
    id(&world.post("/api/v1/secrets", json!({ "name": "hook-key", "value": value })).await.expect(201))
}

pub async fn address(world: &World, workflow: &str) -> String {
    trigger(world, workflow).await["path"].as_str().unwrap().to_owned()
}

pub async fn deliver(world: &World, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = Request::builder().method(Method::POST).uri(path).header("host", "localhost");
    // As a browser of some other site would send it: its signature alone says who may.
    request = request.header("origin", "https://elsewhere.example.org").header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    world.raw(request.body(Body::from(body.to_owned())).unwrap()).await
}

fn hex(secret: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn github(secret: &str, delivery: &str) -> Vec<(&'static str, String)> {
    let signature = format!("sha256={}", hex(secret, BODY));
    vec![
        ("x-hub-signature-256", signature),
        ("x-github-delivery", delivery.to_owned()),
        ("x-github-event", "push".into()),
    ]
}

pub fn borrowed<'a>(headers: &'a [(&'a str, String)]) -> Vec<(&'a str, &'a str)> {
    headers.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// Everything of an answer that a stranger could tell webhooks apart by.
fn told(answer: &Answer) -> (u16, Value) {
    (answer.status.as_u16(), answer.body["error"].clone())
}

#[tokio::test]
async fn each_scheme_takes_its_sender_and_nobody_else() {
    let world = World::new().await;
    let standard = format!("whsec_{}", STANDARD.encode([7; 32]));
    secret(&world, &standard).await;
    let none = deliver(&world, "/api/v1/hooks/0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b", &[], BODY).await;
    assert_eq!((none.status.as_u16(), none.code()), (404, "hook.not_found"));
    assert_eq!(told(&deliver(&world, "/api/v1/hooks/none", &[], BODY).await), told(&none));
    let now = world.clock.now();
    let key = Key::parse(&Scheme::Standard, &Secret::new(standard.clone())).unwrap();
    let signed = vec![
        ("webhook-id", "d1".to_owned()),
        ("webhook-timestamp", now.as_secs().to_string()),
        ("webhook-signature", key.sign("d1", now, BODY.as_bytes()).unwrap()),
    ];
    let cases = [
        ("scheme: standard", "webhook-signature", signed),
        ("scheme: github", "x-hub-signature-256", github(&standard, "d2")),
        ("scheme: hmac-sha256, header: X-Sig", "x-sig", vec![("x-sig", hex(&standard, BODY))]),
        ("scheme: token, header: X-Gitlab-Token", "x-gitlab-token", vec![("x-gitlab-token", standard.clone())]),
    ];
    for (nth, (scheme, carries, good)) in cases.into_iter().enumerate() {
        let workflow = keep(&world, &hook(scheme).replace("name: hook", &format!("name: hook{nth}"))).await;
        let path = address(&world, &workflow).await;
        let off = deliver(&world, &path, &borrowed(&good), BODY).await;
        assert_eq!(told(&off), told(&none), "{scheme}: it is switched off");
        switch(&world, &workflow, true).await.expect(200);
        for (name, value) in &good {
            let mut flipped = good.clone();
            let of = flipped.iter_mut().find(|(other, _)| other == name).unwrap();
            of.1 = value.chars().rev().collect();
            // GitHub signs neither the id nor the event; what is signed or signs cannot be another.
            if *name == carries || scheme.ends_with("standard") {
                let answer = deliver(&world, &path, &borrowed(&flipped), BODY).await;
                assert_eq!(told(&answer), told(&none), "{scheme} {name}");
            }
            let without: Vec<_> = good.iter().filter(|(other, _)| other != name).cloned().collect();
            if *name != "x-github-event" {
                assert_eq!(told(&deliver(&world, &path, &borrowed(&without), BODY).await), told(&none), "{scheme}");
            }
        }
        if !scheme.contains("token") {
            let other = BODY.replace("main", "evil");
            assert_eq!(told(&deliver(&world, &path, &borrowed(&good), &other).await), told(&none), "{scheme}");
        }
        assert_eq!(inputs(&world, &workflow).await.len(), 0, "{scheme}");
        let run = deliver(&world, &path, &borrowed(&good), BODY).await.expect(202)["runId"].clone();
        let started = inputs(&world, &workflow).await;
        assert_eq!((started.len(), &started[0]["ref"]), (1, &json!("main")), "{scheme}");
        let seen = started[0].to_string();
        assert!(
            seen.contains("content-type")
                && !seen.contains(&standard)
                && !seen.contains(&good.iter().find(|(name, _)| *name == carries).unwrap().1),
            "{seen}"
        );
        // The same delivery answers the same run; what has no id is another one.
        let again = deliver(&world, &path, &borrowed(&good), BODY).await.expect(202)["runId"].clone();
        assert_eq!(again == run, nth < 2, "{scheme}");
        assert_ne!(trigger(&world, &workflow).await["lastAt"], Value::Null);
        let get = world.call(Method::GET, &format!("/api/v1/runs/{}", run.as_str().unwrap()), None).await.expect(200);
        assert_eq!(get["actor"]["kind"], "trigger");
        // A body with the same headers that is too large is not read.
        let large = deliver(&world, &path, &borrowed(&good), &" ".repeat(MAX_BODY_BYTES + 1)).await;
        assert_eq!((large.status.as_u16(), large.code()), (413, "body.too_large"));
    }
}

/// A request that was signed too long ago is as good as none.
#[tokio::test]
async fn an_old_request_is_not_replayed() {
    let mut world = World::new().await;
    let standard = format!("whsec_{}", STANDARD.encode([9; 32]));
    secret(&world, &standard).await;
    let workflow = armed(&world, &hook("scheme: standard")).await;
    let (path, now) = (address(&world, &workflow).await, world.clock.now());
    let key = Key::parse(&Scheme::Standard, &Secret::new(standard)).unwrap();
    let (at, signature) = (now.as_secs().to_string(), key.sign("d", now, BODY.as_bytes()).unwrap());
    let headers = [("webhook-id", "d"), ("webhook-timestamp", at.as_str()), ("webhook-signature", signature.as_str())];
    let by = Duration::from_secs(301);
    ahead(&mut world, by).await;
    assert_eq!(deliver(&world, &path, &headers, BODY).await.code(), "hook.not_found");
    assert_eq!(inputs(&world, &workflow).await.len(), 0);
}

#[tokio::test]
async fn a_secret_is_rotated_without_a_gap() {
    let mut world = World::new().await;
    let secret = secret(&world, SECRET).await;
    let workflow = armed(&world, &hook("scheme: github")).await;
    let path = address(&world, &workflow).await;
    let change = json!({ "value": "five lanterns" });
    world.call(Method::PATCH, &format!("/api/v1/secrets/{secret}"), Some(change)).await.expect(200);
    deliver(&world, &path, &borrowed(&github(SECRET, "a")), BODY).await.expect(202);
    deliver(&world, &path, &borrowed(&github("five lanterns", "b")), BODY).await.expect(202);
    // What was given up is good for a day, and no longer.
    let by = 24 * HOUR + Duration::from_secs(1);
    ahead(&mut world, by).await;
    assert_eq!(deliver(&world, &path, &borrowed(&github(SECRET, "c")), BODY).await.code(), "hook.not_found");
    deliver(&world, &path, &borrowed(&github("five lanterns", "d")), BODY).await.expect(202);
    assert_eq!(inputs(&world, &workflow).await.len(), 3);
    // Without its secret it answers as if it were not there, and says why to who may see it.
    switch(&world, &workflow, false).await.expect(200);
    world.call(Method::DELETE, &format!("/api/v1/secrets/{secret}"), None).await.expect(200);
    switch(&world, &workflow, true).await.expect(200);
    let answer = deliver(&world, &path, &borrowed(&github("five lanterns", "e")), BODY).await;
    assert_eq!(answer.code(), "hook.not_found");
    assert_eq!(trigger(&world, &workflow).await["lastFault"]["code"], "secret.missing");
}

#[tokio::test]
async fn equal_deliveries_that_race_start_one_run() {
    let world = World::new().await;
    secret(&world, SECRET).await;
    let workflow = armed(&world, &hook("scheme: github")).await;
    let path = address(&world, &workflow).await;
    let headers = github(SECRET, "one");
    let headers = borrowed(&headers);
    let answers = futures_util::future::join_all((0..50).map(|_| deliver(&world, &path, &headers, BODY))).await;
    let runs: std::collections::HashSet<String> =
        answers.into_iter().map(|answer| answer.expect(202)["runId"].as_str().unwrap().to_owned()).collect();
    assert_eq!((runs.len(), inputs(&world, &workflow).await.len()), (1, 1));
    // Also for who has ended in between.
    let world = world.started_again(Duration::from_secs(60)).await;
    let again = deliver(&world, &path, &headers, BODY).await.expect(202)["runId"].as_str().unwrap().to_owned();
    assert!(runs.contains(&again));
}

#[tokio::test]
async fn the_sender_is_told_why_nothing_was_started_and_may_send_again() {
    let world = World::new().await;
    secret(&world, SECRET).await;
    let document = hook("scheme: github").replace("ref: { type: string }", "ref: { type: integer }");
    let workflow = armed(&world, &document).await;
    let path = address(&world, &workflow).await;
    let headers = github(SECRET, "one");
    let headers = borrowed(&headers);
    assert_eq!(deliver(&world, &path, &headers, BODY).await.code(), "workflow.input");
    assert_eq!(trigger(&world, &workflow).await["lastFault"]["code"], "workflow.input");
    let mended = json!({ "document": hook("scheme: github") });
    world.call(Method::PUT, &format!("/api/v1/workflows/{workflow}"), Some(mended)).await.expect(200);
    deliver(&world, &path, &headers, BODY).await.expect(202);
    assert_eq!(trigger(&world, &workflow).await["lastFault"], Value::Null);
}

/// Only triggers say what started a workflow: a step that forges it is refused.
#[tokio::test]
async fn nobody_says_that_a_trigger_has_fired() {
    let world = World::new().await;
    let workflow = armed(&world, &hourly("once")).await;
    let of = trigger(&world, &workflow).await["id"].as_str().unwrap().to_owned();
    let forging = format!(
        r#"
workflow: 1
name: forging
steps:
  - id: run
    action: workflow.run
    with: {{ workflow: {workflow}, input: {{ at: 1 }}, trigger: {{ trigger: {of}, data: {{ kind: cron }} }} }}
"#
    );
    let forging = keep(&world, &forging).await;
    let begun = world.post(&format!("/api/v1/workflows/{forging}/execute"), json!({})).await.expect(202);
    let run = id(&begun["run"]);
    let mut events = world.control.bus().subscribe(Scope::System, [sf_bus::Topic::Run(run.parse().unwrap())]).unwrap();
    let seen = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            let seen = world.get(&format!("/api/v1/workflow-executions/{run}")).await.expect(200);
            if seen["state"] == "done" {
                return seen;
            }
            // Told of each change; a change between looking and listening is told of, too.
            drop(tokio::time::timeout(Duration::from_millis(300), events.next()).await);
        }
    });
    assert_eq!(seen.await.unwrap()["fault"]["code"], "value.refused");
    assert_eq!(inputs(&world, &workflow).await.len(), 0);
}
