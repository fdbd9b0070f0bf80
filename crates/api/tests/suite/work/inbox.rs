//! A card by the id of its run, its plan, and how it keeps up with what it shows.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use sf_actions::project::{ProjectAction, RenameProject};
use sf_actions::{Action, Actor, ActorKind};
use sf_control::{Proposal, Proposed};
use sf_identity::Audience;
use sf_types::TokenId;

use super::approvals::unsure;
use crate::world::{World, id};

async fn card_of(world: &World, run: &str) -> Value {
    let cards = world.get("/api/v1/approvals").await.expect(200);
    let found = cards.as_array().unwrap().iter().find(|card| card["runId"] == *run);
    found.unwrap_or_else(|| panic!("{run} in {cards}")).clone()
}

async fn details(world: &World, id: &str) -> Value {
    world.get(&format!("/api/v1/inbox/{id}")).await.expect(200)
}

/// An AI proposes to rename the project, and is not sure.
async fn renames(world: &World, name: &str) -> String {
    let person = world.control.authenticate(Audience::Api, &world.token, None).await.unwrap();
    let user = person.user().unwrap();
    let actor = Actor { kind: ActorKind::Ai { user, token: TokenId::from_uuid(user.uuid()) }, ..person };
    let project = id(&world.get("/api/v1/projects").await.expect(200)[0]);
    let rename = RenameProject { project: project.parse().unwrap(), name: name.parse().unwrap() };
    let proposal = Proposal { confidence: Some(10.0), ..Proposal::of(Action::Project(ProjectAction::Rename(rename))) };
    let request = world.control.rng().id(world.control.clock());
    match world.control.propose(&actor, request, proposal).await.unwrap() {
        Proposed::Open(run) => run.id.to_string(),
        other => panic!("it should wait: {other:?}"),
    }
}

#[tokio::test]
async fn a_run_is_found_as_the_card_it_is() {
    let world = World::new().await;
    let app = world.app("shop", world.node("n").await).await;
    let run = unsure(&world, &app).await;
    let card = card_of(&world, &run).await;
    let found = details(&world, &run).await;
    assert_eq!((&found["card"]["kind"], &found["card"]["id"]), (&json!("approval"), &card["id"]));
    assert_eq!(found, details(&world, &id(&card)).await, "by either id it is the same");
    // What is put aside by the run's id is the card.
    let until = world.clock.now().plus(Duration::from_secs(60)).to_string();
    let aside = format!("/api/v1/inbox/{run}/aside");
    world.call(Method::PUT, &aside, Some(json!({ "until": until }))).await.expect(200);
    assert_eq!(world.get("/api/v1/inbox").await.expect(200), json!([]));
    assert_eq!(details(&world, &run).await["aside"], true);
    world.call(Method::DELETE, &aside, None).await.expect(200);
    assert_eq!(world.get("/api/v1/inbox").await.expect(200)[0]["id"], card["id"]);

    let body = json!({ "hash": card["hash"], "comment": "not today" });
    world.post(&format!("/api/v1/runs/{run}/reject"), body).await.expect(200);
    let decided = details(&world, &run).await;
    assert_eq!((&decided["card"]["kind"], &decided["approval"]["decision"]), (&json!("approval"), &json!("rejected")));
    assert_eq!(decided["plan"], Value::Null, "nothing would happen any more");

    // A run that nobody is asked about is no card, and says what it is.
    let plain = world.run(&app).await;
    let none = world.get(&format!("/api/v1/inbox/{plain}")).await;
    assert_eq!((none.status.as_u16(), none.code()), (404, "card.not_found"));
    let said = none.body["error"].to_string();
    assert!(said.contains("it is ready") && said.contains(&format!("serverflow runs show {plain}")), "{said}");
}

#[tokio::test]
async fn a_run_that_fails_is_a_card_of_what_failed() {
    let world = World::new().await;
    let run = renames(&world, "taken").await;
    assert_eq!(details(&world, &run).await["card"]["kind"], "approval");
    let hash = card_of(&world, &run).await["hash"].clone();
    world.post(&format!("/api/v1/runs/{run}/approve"), json!({ "hash": hash })).await.expect(200);
    assert_eq!(details(&world, &run).await["approval"]["decision"], "approved", "it is held");
    world.post("/api/v1/projects", json!({ "name": "taken" })).await.expect(201);
    world.hold_is_over().await;
    let failed = details(&world, &run).await;
    assert_eq!((&failed["card"]["kind"], &failed["card"]["id"]), (&json!("failed"), &json!(run)));
}

#[tokio::test]
async fn a_card_has_the_lines_of_its_dry_run() {
    let world = World::new().await;
    let app = world.app("shop", world.node("n").await).await;
    let dry = world.post(&format!("/api/v1/apps/{app}/deploy?dryRun=true"), json!({})).await.expect(200);
    let run = unsure(&world, &app).await;
    let plan = details(&world, &run).await["plan"].clone();
    assert!(plan["steps"].as_array().unwrap().len() > 2, "{plan}");
    assert_eq!((&plan["steps"], &plan["losses"]), (&dry["plan"]["steps"], &dry["plan"]["losses"]));
    assert!(plan["waitsFor"].as_str().unwrap().contains("not connected"), "{plan}");
    // Of what the control plane does itself, too.
    let run = renames(&world, "other").await;
    let project = id(&world.get("/api/v1/projects").await.expect(200)[0]);
    let path = format!("/api/v1/projects/{project}?dryRun=true");
    let dry = world.call(Method::PATCH, &path, Some(json!({ "name": "other" }))).await.expect(200);
    let plan = details(&world, &run).await["plan"].clone();
    assert_eq!((&plan["steps"], &plan["waitsFor"]), (&dry["plan"]["steps"], &Value::Null));
    assert!(plan["steps"][0].as_str().unwrap().contains("`other`"), "{plan}");
}

#[tokio::test]
async fn a_card_is_another_one_as_soon_as_its_secret_is() {
    let world = World::new().await;
    let secret = |name: &str| json!({ "name": name, "value": "canary-7c1e5d0b9a" });
    let key = id(&world.post("/api/v1/secrets", secret("key")).await.expect(201));
    world.post("/api/v1/secrets", secret("more")).await.expect(201);
    let settings = |names: &[&str]| {
        let env: Vec<_> = names.iter().map(|name| json!({ "name": name.to_uppercase(), "secret": name })).collect();
        json!({ "repository": "https://git.example.org/a", "env": env })
    };
    let node = world.node("n").await;
    let app = json!({ "name": "shop", "nodeId": node, "settings": settings(&["key"]) });
    let app = id(&world.post("/api/v1/apps", app).await.expect(201));
    let other = world.app("other", node).await;
    let (run, untouched) = (unsure(&world, &app).await, unsure(&world, &other).await);
    let (before, same) = (card_of(&world, &run).await, card_of(&world, &untouched).await);
    let versions = |card: &Value| -> Vec<Value> {
        card["diff"]["guard"]["secrets"].as_array().unwrap().iter().map(|one| one["version"].clone()).collect()
    };
    assert_eq!(versions(&before), [1]);

    let path = format!("/api/v1/secrets/{key}");
    world.call(Method::PATCH, &path, Some(json!({ "description": "for the shop" }))).await.expect(200);
    assert_eq!(card_of(&world, &run).await, before, "a description is nothing that anybody agrees to");
    world.call(Method::PATCH, &path, Some(json!({ "value": "canary-7c1e5d0b9b" }))).await.expect(200);
    let now = card_of(&world, &run).await;
    assert_eq!(versions(&now), [2]);
    assert_ne!((&now["id"], &now["hash"]), (&before["id"], &before["hash"]));
    assert_eq!(card_of(&world, &untouched).await, same, "others' cards stay");
    let old = world.post(&format!("/api/v1/runs/{run}/approve"), json!({ "hash": before["hash"] })).await;
    assert_eq!((old.status.as_u16(), old.code()), (409, "approval.moved"));

    // Settings that name another secret make another card, too.
    let change = json!({ "settings": settings(&["key", "more"]) });
    world.call(Method::PATCH, &format!("/api/v1/apps/{app}"), Some(change)).await.expect(200);
    assert_eq!(versions(&card_of(&world, &run).await), [2, 1]);
}

#[tokio::test]
async fn freezes_are_written_as_people_write_them() {
    let world = World::new().await;
    let app = world.app("shop", world.node("n").await).await;
    let freeze = |name: &str, when: Value| json!({ "name": name, "when": when });
    let set = async |from: u64, when: Value| {
        let body = json!({ "from": from, "rules": { "freezes": [freeze("quiet", when)] } });
        world.call(Method::PUT, "/api/v1/routing-rules", Some(body)).await
    };
    let written =
        json!({ "kind": "between", "from": "2026-11-20T07:00:00+01:00", "until": "2026-11-22T07:00:00+01:00" });
    let kept = set(0, written).await.expect(200);
    let when = &kept["rules"]["freezes"][0]["when"];
    assert_eq!(
        (&when["from"], &when["until"]),
        (&json!("2026-11-20T06:00:00.000Z"), &json!("2026-11-22T06:00:00.000Z"))
    );
    let held = world.post(&format!("/api/v1/apps/{app}/deploy"), json!({})).await.expect(202);
    assert_eq!(held["run"]["state"], "waiting", "it is the 21st");

    let week = json!({ "kind": "weekly", "days": ["mon", "tue"], "from": "09:00", "until": "17:00", "timezone": "Europe/Berlin" });
    let kept = set(1, week).await.expect(200);
    let when = &kept["rules"]["freezes"][0]["when"];
    assert_eq!((&when["days"], &when["minutes"]), (&json!([1, 2]), &json!(480)));
    for (bad, told) in [
        (json!({ "kind": "between", "from": "2026-11-20", "until": 1 }), "is no moment"),
        (
            json!({ "kind": "weekly", "days": ["someday"], "from": "09:00", "until": "17:00", "timezone": "UTC" }),
            "is no day",
        ),
    ] {
        let refused = set(2, bad).await;
        assert_eq!(refused.status.as_u16(), 400);
        assert!(refused.body["error"].to_string().contains(told), "{}", refused.body);
    }
    // What was kept before is milliseconds.
    let old = set(2, json!({ "kind": "between", "from": 1_795_000_000_000_i64, "until": 1_795_000_000_001_i64 })).await;
    assert_eq!(old.expect(200)["rules"]["freezes"][0]["when"]["until"], "2026-11-18T11:06:40.001Z");
}
