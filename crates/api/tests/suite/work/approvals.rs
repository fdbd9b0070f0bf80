//! What waits for a person, decided over the API.

use std::time::Duration;

use serde_json::{Value, json};
use sf_actions::deploy::{Deploy, DeployAction};
use sf_actions::{Action, Actor, ActorKind};
use sf_control::{Proposal, Proposed};
use sf_identity::Audience;
use sf_types::{RunId, Scope, TokenId};

use crate::world::World;

/// An AI that is not sure proposes a deploy: a person is asked.
pub async fn unsure(world: &World, app: &str) -> String {
    let person = world.control.authenticate(Audience::Api, &world.token, None).await.unwrap();
    let actor = Actor {
        kind: ActorKind::Ai { user: person.user().unwrap(), token: TokenId::from_uuid(person.user().unwrap().uuid()) },
        ..person
    };
    let deploy = Deploy { app: app.parse().unwrap(), reference: None, commit: None, full: false };
    let action = Action::Deploy(DeployAction::Deploy(deploy));
    let proposal = Proposal { confidence: Some(40.0), ..Proposal::of(action) };
    let request = world.control.rng().id(world.control.clock());
    match world.control.propose(&actor, request, proposal).await.unwrap() {
        Proposed::Open(run) => run.id.to_string(),
        other => panic!("it should wait: {other:?}"),
    }
}

#[tokio::test]
async fn a_card_says_what_is_asked_and_a_decision_is_bound_to_it() {
    let world = World::new().await;
    let app = world.app("shop", world.node("n").await).await;
    let (refused, agreed) = (unsure(&world, &app).await, unsure(&world, &app).await);
    let cards = world.get("/api/v1/approvals").await.expect(200);
    let card = |run: &str| -> Value {
        cards.as_array().unwrap().iter().find(|card| card["runId"] == run).unwrap_or_else(|| panic!("{cards}")).clone()
    };
    assert_eq!(card(&refused)["action"], "app.deploy");
    assert!(!card(&refused)["because"].as_str().unwrap().is_empty());
    let decide = async |run: &str, verb: &str, hash: &Value| {
        world.post(&format!("/api/v1/runs/{run}/{verb}"), json!({ "hash": hash, "comment": "no" })).await
    };
    let other = decide(&refused, "reject", &card(&agreed)["hash"]).await;
    assert_eq!(other.status.as_u16(), 409, "{}", other.body);
    let rejected = decide(&refused, "reject", &card(&refused)["hash"]).await.expect(200);
    assert_eq!((rejected["done"].as_str(), rejected["actor"]["kind"].as_str()), (Some("rejected"), Some("ai")));
    let again = decide(&refused, "approve", &card(&refused)["hash"]).await;
    assert_eq!(again.status.as_u16(), 409, "{}", again.body);
    let approved = decide(&agreed, "approve", &card(&agreed)["hash"]).await.expect(200);
    assert!(approved["done"].is_null(), "{approved}");
    assert_eq!(world.get("/api/v1/approvals").await.expect(200), json!([]));
    let decided = world.get("/api/v1/approvals?state=decided").await.expect(200);
    let words: Vec<_> = decided.as_array().unwrap().iter().map(|card| card["decision"].as_str().unwrap()).collect();
    assert!(words.contains(&"approved") && words.contains(&"rejected"), "{words:?}");
    assert_eq!(world.get("/api/v1/approvals?state=maybe").await.code(), "query.state");
}

/// The lane of timers was told when this is due: nobody looks at times any more.
#[tokio::test]
async fn what_was_agreed_to_goes_on_by_itself_once_it_was_held_back() {
    let world = World::new().await;
    let app = world.app("shop", world.node("n").await).await;
    let run = unsure(&world, &app).await;
    let hash = world.get("/api/v1/approvals").await.expect(200)[0]["hash"].clone();
    world.post(&format!("/api/v1/runs/{run}/approve"), json!({ "hash": hash })).await.expect(200);
    let id: RunId = run.parse().unwrap();
    let reader = world.control.store().read(Scope::System);
    let held = async || sf_store::runs::get(&reader, id).await.unwrap().held_until;
    let until = held().await.expect("it is held back");
    let mut events = world.control.bus().subscribe(Scope::System, [sf_bus::Topic::Run(id)]).unwrap();
    world.clock.set(until);
    let let_go = async {
        while held().await.is_some() {
            events.next().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), let_go).await.expect("it is let go");
}

/// Nobody looks for a card that is not theirs to decide.
#[tokio::test]
async fn the_badge_counts_what_the_stack_shows() {
    let world = World::new().await;
    let app = world.app("shop", world.node("n").await).await;
    unsure(&world, &app).await;
    let rules = json!({ "freezes": [{ "name": "release week", "when": { "kind": "now" } }] });
    let change = json!({ "from": 0, "rules": rules });
    world.call(http::Method::PUT, "/api/v1/routing-rules", Some(change)).await.expect(200);
    world.post(&format!("/api/v1/apps/{app}/deploy"), json!({})).await.expect(202);
    let (cards, open) =
        (world.get("/api/v1/inbox").await.expect(200), world.get("/api/v1/approvals").await.expect(200));
    assert_eq!((cards.as_array().unwrap().len(), open.as_array().unwrap().len()), (1, 2), "{cards}");
    assert_eq!(world.get("/api/v1/inbox/count").await.expect(200)["approvals"], 1);
}
