//! Somebody is asked to one thing, with exactly what was chosen.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use sf_actions::Permission;
use sf_types::Scope;

use super::{accept, secret};
use crate::world::{World, id};

fn invitation(email: &str, permissions: &[&str], server: &str) -> Value {
    json!({ "email": email, "permissions": permissions, "object": { "kind": "server", "id": server } })
}

#[tokio::test]
async fn who_joins_has_exactly_the_permissions_that_were_chosen_where_they_were() {
    let world = World::new().await;
    let panel = world.panel(world.node("box").await).await;
    let body = invitation("bo@example.org", &["server:view", "console:view"], &panel.server);
    let plan = world.post("/api/v1/invitations?dryRun=true", body.clone()).await.expect(200);
    assert!(plan["plan"]["steps"][0].as_str().unwrap().ends_with("with `server:view`, `console:view`."), "{plan}");
    let made = world.post("/api/v1/invitations", body).await.expect(201);
    assert_eq!(made["invitation"]["role"], "");
    assert_eq!(made["invitation"]["permissions"], json!(["server:view", "console:view"]));
    let bo = accept(&world, &secret(&made)).await.expect(200);
    let token = bo["accessToken"].as_str().unwrap();
    let me = world.send(Method::GET, "/api/v1/auth/me", Some(token), None).await.expect(200);
    assert_eq!(me["permissions"], json!([]), "nothing in the team as a whole");
    let path = format!("/api/v1/servers/{}", panel.server);
    world.send(Method::GET, &path, Some(token), None).await.expect(200);
    let power = json!({ "verb": "start" });
    let refused = world.send(Method::POST, &format!("{path}/power?dryRun=true"), Some(token), Some(power)).await;
    assert_eq!(refused.code(), "permission.missing");
    let people = world.get(&format!("{path}/users")).await.expect(200);
    let bo = people.as_array().unwrap().iter().find(|one| one["email"] == "bo@example.org").unwrap();
    let given: Vec<_> = bo["grants"].as_array().unwrap().iter().map(|grant| grant["permissions"].clone()).collect();
    assert_eq!(given, [json!(["server:view"]), json!(["console:view"])]);
}

#[tokio::test]
async fn an_invitation_gives_a_role_or_permissions_and_never_both_or_neither() {
    let world = World::new().await;
    let panel = world.panel(world.node("box").await).await;
    let object = json!({ "kind": "server", "id": panel.server });
    for (more, status) in [
        (json!({}), 400),
        (json!({ "permissions": [] }), 400),
        (json!({ "role": "viewer", "permissions": ["server:view"] }), 400),
        (json!({ "permissions": ["server:everything"] }), 400),
        (json!({ "permissions": "server:view" }), 400),
        (json!({ "permissions": ["server:view server:stop"] }), 400),
    ] {
        let mut body = json!({ "email": "bo@example.org", "object": object });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = world.post("/api/v1/invitations", body.clone()).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.body);
    }
    assert_eq!(world.get("/api/v1/invitations").await.expect(200), json!([]));
}

#[tokio::test]
async fn nobody_invites_with_more_than_they_have_when_it_is_made_and_when_it_is_used() {
    let world = World::new().await;
    let panel = world.panel(world.node("box").await).await;
    let tenant = world.tenant().await;
    let rights: &'static [Permission] = &[Permission::UserCreate, Permission::ServerView, Permission::ConsoleView];
    let bea = world.member(tenant, "bea@example.org", rights).await;
    let ask = async |permissions: &[&str]| {
        let body = invitation("cy@example.org", permissions, &panel.server);
        world.send(Method::POST, "/api/v1/invitations", Some(&bea), Some(body)).await
    };
    let beyond = ask(&["server:view", "server:stop"]).await;
    assert_eq!((beyond.status, beyond.code()), (StatusCode::FORBIDDEN, "grant.beyond"));
    let made = ask(&["server:view", "console:view"]).await.expect(201);
    let me = world.send(Method::GET, "/api/v1/auth/me", Some(&bea), None).await.expect(200);
    let user: sf_types::UserId = id(&me["user"]).parse().unwrap();
    let take = world.control.store().write(Scope::System, move |tx| {
        Box::pin(async move { sf_store::permissions::withdraw(tx, user, &[Permission::ConsoleView]).await })
    });
    take.await.unwrap();
    let answer = accept(&world, &secret(&made)).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::NOT_FOUND, "invitation.over"));
}
