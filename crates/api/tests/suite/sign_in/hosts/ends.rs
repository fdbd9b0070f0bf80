//! How what was granted ends: at once, wherever it is asked for next.

use http::{Method, StatusCode};
use serde_json::json;
use sf_actions::Permission;

use super::{Host, caller, form};
use crate::world::{World, id};

#[tokio::test]
async fn what_is_revoked_is_refused_from_the_next_request_on() {
    let world = World::new().await;
    let host = Host::register(&world).await;
    for how in ["page", "refresh token", "access token"] {
        let tokens = host.tokens(&world, &world.token, &["read"]).await;
        let listed = world.get("/api/v1/mcp/grants").await.expect(200);
        let path = format!("/api/v1/mcp/grants/{}", id(&listed[0]));
        match how {
            "page" => {
                world.call(Method::DELETE, &format!("{path}?dryRun=true"), None).await.expect(200);
                assert!(caller(&world, &tokens.access).await.is_ok(), "a plan ends nothing");
                world.call(Method::DELETE, &path, None).await.expect(200);
            }
            "refresh token" => {
                assert_eq!(form(&world, "/oauth/revoke", &[("token", &tokens.refresh)]).await.status, StatusCode::OK);
            }
            _ => assert_eq!(form(&world, "/oauth/revoke", &[("token", &tokens.access)]).await.status, StatusCode::OK),
        }
        assert!(caller(&world, &tokens.access).await.is_err(), "{how}");
        assert_eq!(host.refresh(&world, &tokens.refresh).await.status, StatusCode::BAD_REQUEST, "{how}");
        assert_eq!(world.get("/api/v1/mcp/grants").await.expect(200), json!([]), "{how}");
    }
    // What is no token is none already, and ends nothing of anybody's.
    let tokens = host.tokens(&world, &world.token, &["read"]).await;
    for not in ["x", "sfh_x", &world.token, &tokens.refresh.replacen("sfh_", "sfr_", 1)] {
        assert_eq!(form(&world, "/oauth/revoke", &[("token", not)]).await.status, StatusCode::OK, "{not}");
    }
    assert!(caller(&world, &tokens.access).await.is_ok());
}

#[tokio::test]
async fn a_person_who_is_suspended_or_loses_a_right_takes_their_hosts_along() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let bo = world
        .member(tenant, "bo@example.org", &[Permission::AppView, Permission::NodeView, Permission::TokenManage])
        .await;
    let host = Host::register(&world).await;
    let tokens = host.tokens(&world, &bo, &["read"]).await;
    assert!(caller(&world, &tokens.access).await.unwrap().actor.may(Permission::NodeView));
    let me = world.send(Method::GET, "/api/v1/auth/me", Some(&bo), None).await.expect(200);
    let user: sf_types::UserId = id(&me["user"]).parse().unwrap();
    let store = world.control.store();
    let withdrawn = store.write(sf_types::Scope::System, move |tx| {
        Box::pin(async move { sf_store::permissions::withdraw(tx, user, &[Permission::NodeView]).await })
    });
    withdrawn.await.unwrap();
    let now = caller(&world, &tokens.access).await.unwrap();
    assert!(now.actor.may(Permission::AppView) && !now.actor.may(Permission::NodeView));
    world.post(&format!("/api/v1/users/{user}/suspend"), json!({})).await.expect(200);
    assert!(caller(&world, &tokens.access).await.is_err());
    assert_eq!(host.refresh(&world, &tokens.refresh).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn who_may_change_people_sees_and_ends_what_they_granted_and_nobody_else_does() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let bo = world.member(tenant, "bo@example.org", &[Permission::AppView, Permission::TokenManage]).await;
    let cy = world.member(tenant, "cy@example.org", &[Permission::AppView, Permission::TokenManage]).await;
    let host = Host::register(&world).await;
    let tokens = host.tokens(&world, &bo, &["read"]).await;
    let list = async |token: &str, query: &str| {
        world.send(Method::GET, &format!("/api/v1/mcp/grants{query}"), Some(token), None).await
    };
    let theirs = list(&bo, "").await.expect(200);
    let path = format!("/api/v1/mcp/grants/{}", id(&theirs[0]));
    assert_eq!(list(&cy, "").await.expect(200), json!([]));
    assert_eq!(list(&cy, "?all=true").await.code(), "permission.missing");
    assert_eq!(world.send(Method::DELETE, &path, Some(&cy), None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(list(&world.token, "").await.expect(200), json!([]));
    let all = list(&world.token, "?all=true").await.expect(200);
    assert_eq!((all.as_array().unwrap().len(), &all[0]["userName"]), (1, &json!("Somebody")));
    // A key of a person is no grant: that one is theirs alone.
    let made = json!({ "name": "k", "days": 1 });
    let key = world.send(Method::POST, "/api/v1/tokens", Some(&bo), Some(made)).await.expect(201);
    let key = format!("/api/v1/mcp/grants/{}", id(&key["token"]));
    assert_eq!(world.call(Method::DELETE, &key, None).await.status, StatusCode::NOT_FOUND);
    assert!(caller(&world, &tokens.access).await.is_ok());
    world.call(Method::DELETE, &path, None).await.expect(200);
    assert!(caller(&world, &tokens.access).await.is_err());
}
