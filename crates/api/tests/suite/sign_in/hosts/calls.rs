//! What hosts called, as REST tells it: to who may look into what their team did, and to nobody else.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use sf_actions::{Actor, Permission};
use sf_control::audit::calls::{Called, LIMITED_WINDOW, Limited};
use sf_store::mcp_calls::CallDecision;
use sf_store::tenants;
use sf_types::{RequestId, Scope, TypedId};

use super::{Host, caller};
use crate::world::{World, id, start};

/// A call that its host was answered.
async fn called(world: &World, actor: &Actor, tool: &str) {
    let called = Called {
        request: RequestId::from_parts(world.control.now(), [1; 10]),
        client: "Claude 1.0".to_owned(),
        tool: tool.to_owned(),
        digest: [0xab; 32],
        decision: CallDecision::Held,
        code: None,
        run: None,
        approval: None,
        untrusted: false,
        acts: true,
        took: Duration::from_micros(1_500),
    };
    world.control.note_call(actor, called).await.unwrap();
    world.pass(Duration::from_millis(1)).await;
}

/// So many calls that a limit refused, now.
async fn limited(world: &World, actor: &Actor, times: u64) {
    let (client, tool, at) = ("Claude 1.0".to_owned(), "deploy".to_owned(), world.control.now());
    world.control.note_limited(actor, Limited { client, tool, times, at }).await.unwrap();
}

async fn listed(world: &World, token: &str, query: &str) -> Value {
    world.send(Method::GET, &format!("/api/v1/mcp/calls{query}"), Some(token), None).await.expect(200)
}

fn column<'a>(list: &'a Value, name: &str) -> Vec<&'a Value> {
    list.as_array().unwrap().iter().map(|row| &row[name]).collect()
}

#[tokio::test]
async fn calls_are_told_to_their_own_team_and_to_nobody_else() {
    let world = World::new().await;
    let host = Host::register(&world).await;
    let ours = caller(&world, &host.tokens(&world, &world.token, &["read"]).await.access).await.unwrap().actor;
    let created = world.control.store().write(Scope::System, |tx| Box::pin(tenants::create(tx, "other")));
    let tenant = created.await.unwrap().0.id;
    let eve = world.member(tenant, "eve@example.org", Permission::ALL).await;
    let body = json!({ "name": "theirs", "days": 1, "speaksFor": "ai" });
    let key = world.send(Method::POST, "/api/v1/tokens", Some(&eve), Some(body)).await.expect(201);
    let theirs = caller(&world, key["secret"].as_str().unwrap()).await.unwrap().actor;
    called(&world, &ours, "deploy").await;
    called(&world, &theirs, "stop").await;
    called(&world, &ours, "rollback").await;

    let list = listed(&world, &world.token, "").await;
    assert_eq!(column(&list, "tool"), ["rollback", "deploy"]);
    let one = &list[0];
    assert_eq!(
        (&one["userName"], &one["tokenName"], &one["client"]),
        (&json!("Ada"), &json!("Claude (127.0.0.1:50123)"), &json!("Claude 1.0"))
    );
    assert_eq!(
        (&one["digest"], &one["decision"], &one["times"], &one["durationUs"]),
        (&json!("ab".repeat(32)), &json!("held"), &json!(1), &json!(1_500))
    );
    assert_eq!(column(&listed(&world, &eve, "").await, "tool"), ["stop"]);
    // However it is asked for, also with what only the other team could know.
    let (token, row) = (one["tokenId"].as_str().unwrap(), id(one));
    for query in ["?q=deploy", "?tool=rollback", "?client=Claude&tool=deploy", &format!("?token={token}")] {
        assert_eq!(listed(&world, &eve, query).await, json!([]), "{query}");
        assert_ne!(listed(&world, &world.token, query).await, json!([]), "{query}");
    }
    assert_eq!(column(&listed(&world, &eve, &format!("?after={row}")).await, "tool"), ["stop"]);
    // In the team itself it takes the right, and a host has none of it by its own token.
    let bo = world.member(world.tenant().await, "bo@example.org", &[Permission::AppView]).await;
    let refused = world.send(Method::GET, "/api/v1/mcp/calls", Some(&bo), None).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::FORBIDDEN, "permission.missing"));
}

#[tokio::test]
async fn what_a_limit_refused_is_one_row_for_each_window_however_much_it_was() {
    let mut world = World::new().await;
    let host = Host::register(&world).await;
    let ours = caller(&world, &host.tokens(&world, &world.token, &["read"]).await.access).await.unwrap().actor;
    for times in [1, 40, 2] {
        limited(&world, &ours, times).await;
        world.pass(Duration::from_secs(1)).await;
    }
    let list = listed(&world, &world.token, "?decision=limited").await;
    assert_eq!(column(&list, "tool"), ["deploy"]);
    assert_eq!(column(&list, "times"), [43]);
    assert_eq!((&list[0]["digest"], &list[0]["code"]), (&Value::Null, &json!("rate.limited")));
    assert_eq!(list[0]["at"], start().plus(Duration::from_secs(2)).to_string(), "the last of them");
    world.pass(LIMITED_WINDOW).await;
    world.sign_in().await;
    limited(&world, &ours, 5).await;
    assert_eq!(column(&listed(&world, &world.token, "?decision=limited").await, "times"), [5, 43]);
}
