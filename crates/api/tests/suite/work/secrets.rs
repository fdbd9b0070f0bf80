//! Secrets over the API: values go in and never come out.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use sf_actions::Permission;
use sf_control::options::Routing;
use sf_store::{Scope, secrets};
use sf_types::RunId;

use crate::world::{Answer, World, id, request};

const VALUE: &str = "canary-7c1e5d0b9a";
const SECRETS: &str = "/api/v1/secrets";

async fn make(world: &World, name: &str) -> String {
    id(&world.post(SECRETS, json!({ "name": name, "value": VALUE })).await.expect(201))
}

fn naming(secret: &str) -> Value {
    json!({ "repository": "https://git.example.org/a", "env": [{ "name": "API_KEY", "secret": secret }] })
}

fn silent(answer: &Answer) {
    assert!(!answer.body.to_string().contains(VALUE), "{}", answer.body);
}

#[tokio::test]
async fn a_secret_is_made_changed_listed_and_deleted_and_its_value_is_in_no_answer() {
    let world = World::new().await;
    let body = json!({ "name": "stripe-key", "value": VALUE, "description": "for the shop" });
    let planned = world.post(&format!("{SECRETS}?dryRun=true"), body.clone()).await;
    silent(&planned);
    assert!(planned.body["data"]["plan"]["steps"][0].as_str().unwrap().contains("`stripe-key` is made"));
    assert_eq!(world.get(SECRETS).await.expect(200), json!([]));
    let made = world.post(SECRETS, body.clone()).await;
    silent(&made);
    let made = made.expect(201);
    assert_eq!((made["version"].as_u64(), made["updatedBy"].as_str()), (Some(1), Some("Ada")));
    assert_eq!(world.post(SECRETS, body).await.code(), "name.taken");
    let path = format!("{SECRETS}/{}", id(&made));
    let change = async |body| world.call(Method::PATCH, &path, Some(body)).await;
    for version in 2..=12 {
        let changed = change(json!({ "value": format!("{VALUE}-{version}") })).await;
        silent(&changed);
        assert_eq!(changed.expect(200)["version"], version);
    }
    let described = change(json!({ "description": "for all shops" })).await.expect(200);
    assert_eq!((described["version"].as_u64(), described["description"].as_str()), (Some(12), Some("for all shops")));
    // The last ten versions are kept.
    let reader = world.control.store().read(Scope::System);
    let secret = id(&made).parse().unwrap();
    for (version, kept) in [(1, false), (2, false), (3, true), (12, true)] {
        assert_eq!(secrets::sealed(&reader, secret, version).await.is_ok(), kept, "{version}");
    }
    let found = world.get(&format!("{SECRETS}?q=STRIPE")).await;
    silent(&found);
    assert_eq!(found.expect(200).as_array().unwrap().len(), 1);
    assert_eq!(world.get(&format!("{SECRETS}?q=other")).await.expect(200), json!([]));
    world.call(Method::DELETE, &path, None).await.expect(200);
    assert!(secrets::sealed(&reader, secret, 12).await.is_err());
    assert_eq!(world.get(SECRETS).await.expect(200), json!([]));
    make(&world, "stripe-key").await;
    for list in ["/api/v1/runs", "/api/v1/activity"] {
        silent(&world.get(list).await);
    }
}

#[tokio::test]
async fn what_is_no_secret_is_refused_without_telling_it() {
    let world = World::new().await;
    let known = make(&world, "known").await;
    let long = VALUE.repeat(600);
    for (body, code) in [
        (json!({ "name": "a", "value": "" }), "value.refused"),
        (json!({ "name": "a", "value": long }), "value.refused"),
        (json!({ "name": "a", "value": format!("{VALUE}\0") }), "value.refused"),
        (json!({ "name": "a" }), "body.field"),
        (json!({ "name": "a", "value": [VALUE] }), "body.field"),
        (json!({ "name": "a b", "value": VALUE }), "body.field"),
        (json!({ "name": "a", "value": VALUE, "version": 7 }), "body.field"),
        (json!({ "name": "a", "value": VALUE, "project": VALUE }), "body.field"),
        (json!({ "name": "a", "value": VALUE, "project": known }), "project.not_found"),
    ] {
        let refused = world.post(SECRETS, body).await;
        silent(&refused);
        assert_eq!(refused.code(), code, "{}", refused.body);
    }
    let nothing = world.call(Method::PATCH, &format!("{SECRETS}/{known}"), Some(json!({}))).await;
    assert_eq!(nothing.code(), "value.refused");
}

#[tokio::test]
async fn an_app_names_secrets_that_are_there_and_none_of_them_is_deleted() {
    let world = World::new().await;
    let node = world.node("n").await;
    let app = |name: &str| json!({ "name": name, "nodeId": node, "settings": naming("stripe-key") });
    let refused = world.post("/api/v1/apps", app("shop")).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "secret.missing"));
    let secret = make(&world, "stripe-key").await;
    let shop = world.post("/api/v1/apps", app("shop")).await.expect(201);
    assert_eq!(shop["settings"]["env"], json!([{ "name": "API_KEY", "secret": "stripe-key" }]));
    assert_eq!(shop["secretsPending"], json!([]));
    let used = world.get(SECRETS).await.expect(200);
    assert_eq!(used[0]["usedBy"], json!([{ "kind": "app", "id": id(&shop), "name": "shop" }]));
    let path = format!("{SECRETS}/{secret}");
    let in_use = world.call(Method::DELETE, &path, None).await;
    assert_eq!(in_use.code(), "secret.in_use");
    assert!(in_use.body.to_string().contains("`shop`"), "{}", in_use.body);
    let planned = world.post(&format!("/api/v1/apps/{}/deploy?dryRun=true", id(&shop)), json!({})).await.expect(200);
    let steps = planned["plan"]["steps"].to_string();
    assert!(steps.contains("secret `stripe-key` version 1"), "{steps}");
    assert_eq!(planned["plan"]["guard"]["secrets"][0]["version"], 1);
    let other = json!({ "settings": { "repository": "https://git.example.org/a" } });
    world.call(Method::PATCH, &format!("/api/v1/apps/{}", id(&shop)), Some(other)).await.expect(200);
    world.call(Method::DELETE, &path, None).await.expect(200);
}

#[tokio::test]
async fn who_may_not_see_secrets_names_none_and_who_may_see_them_changes_none() {
    let world = World::new().await;
    let (tenant, node) = (world.tenant().await, world.node("n").await);
    let secret = make(&world, "stripe-key").await;
    let builder = world.member(
        tenant,
        "bo@example.org",
        &[Permission::AppView, Permission::AppCreate, Permission::AppUpdate, Permission::NodeView],
    );
    let builder = builder.await;
    let app = json!({ "name": "shop", "nodeId": node, "settings": naming("stripe-key") });
    let refused = world.send(Method::POST, "/api/v1/apps", Some(&builder), Some(app.clone())).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::FORBIDDEN, "permission.missing"));
    // What somebody else has put there stays through their changes.
    let shop = world.post("/api/v1/apps", app).await.expect(201);
    let mut settings = shop["settings"].clone();
    settings["keepReleases"] = 3.into();
    let path = format!("/api/v1/apps/{}", id(&shop));
    world.send(Method::PATCH, &path, Some(&builder), Some(json!({ "settings": settings }))).await.expect(200);
    let viewer = world.member(tenant, "cy@example.org", &[Permission::SecretView]).await;
    world.send(Method::GET, SECRETS, Some(&viewer), None).await.expect(200);
    let path = format!("{SECRETS}/{secret}");
    for (method, path, body) in [
        (Method::POST, SECRETS, Some(json!({ "name": "x", "value": "x" }))),
        (Method::PATCH, path.as_str(), Some(json!({ "value": "x" }))),
        (Method::DELETE, path.as_str(), None),
    ] {
        let answer = world.send(method, path, Some(&viewer), body).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.body);
    }
}

#[tokio::test]
async fn a_repeated_request_is_done_once_and_its_hash_is_no_way_to_guess_a_value() {
    let world = World::new().await;
    let send = |value: &str| {
        let body = json!({ "name": "pin", "value": value });
        request(Method::POST, SECRETS, Some(&world.token), Some(body), &[("idempotency-key", "k")])
    };
    let first = world.raw(send("1234")).await.expect(201);
    let again = world.raw(send("1234")).await;
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(again.expect(201), first);
    assert_eq!(world.raw(send("9999")).await.code(), "idempotency.conflict");
}

/// Whether a value waits for this run. What it finds is gone afterwards.
async fn waits(world: &World, run: &str) -> bool {
    let run: RunId = run.parse().unwrap();
    let take = world.control.store().write(Scope::System, move |tx| Box::pin(secrets::take(tx, run)));
    take.await.unwrap().is_some()
}

#[tokio::test]
async fn a_value_waits_for_a_person_and_is_gone_when_it_is_refused() {
    let world = World::routed(Routing { frozen: true, ..Routing::default() }).await;
    let second = world.member(world.tenant().await, "bo@example.org", Permission::ALL).await;
    let decide = async |run: &str, verb: &str| {
        let cards = world.get("/api/v1/approvals").await.expect(200);
        assert!(!cards.to_string().contains(VALUE));
        let card = cards.as_array().unwrap().iter().find(|card| card["runId"] == run).unwrap().clone();
        let body = json!({ "hash": card["hash"] });
        world.send(Method::POST, &format!("/api/v1/runs/{run}/{verb}"), Some(&second), Some(body)).await.expect(200)
    };
    let propose = async |name: &str| {
        let opened = world.post(SECRETS, json!({ "name": name, "value": VALUE })).await;
        silent(&opened);
        id(&opened.expect(202)["run"])
    };
    let agreed = propose("agreed").await;
    assert_eq!(world.get(SECRETS).await.expect(200), json!([]));
    decide(&agreed, "approve").await;
    assert_eq!(world.get(SECRETS).await.expect(200), json!([]), "it is held, and can be taken back");
    world.hold_is_over().await;
    let kept = world.get(SECRETS).await.expect(200);
    assert_eq!((kept[0]["name"].as_str(), kept[0]["version"].as_u64()), (Some("agreed"), Some(1)));
    assert!(!waits(&world, &agreed).await, "it is a version now");
    let (refused, cancelled, open) = (propose("refused").await, propose("cancelled").await, propose("open").await);
    decide(&refused, "reject").await;
    world.post(&format!("/api/v1/runs/{cancelled}/cancel"), json!({})).await.expect(200);
    assert!(!waits(&world, &refused).await && !waits(&world, &cancelled).await);
    assert!(waits(&world, &open).await);
    assert_eq!(world.get(SECRETS).await.expect(200).as_array().unwrap().len(), 1);
}
