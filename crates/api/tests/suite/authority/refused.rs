//! What is refused to somebody who is signed in leaves a trace, and no more of them than anybody would read.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use sf_actions::Permission;

use super::ID;
use crate::world::World;

async fn refused(world: &World) -> Vec<Value> {
    let told = world.get("/api/v1/activity?outcome=refused&limit=100").await.expect(200);
    told.as_array().unwrap().clone()
}

#[tokio::test]
async fn refused_and_hidden_writes_leave_lines_and_a_flood_of_them_one() {
    let world = World::new().await;
    let app = world.app("shop", world.node("box").await).await;
    let bo = world.member(world.tenant().await, "bo@example.org", &[Permission::AppView]).await;
    let eve = world.member(world.tenant().await, "eve@example.org", &[Permission::AppView]).await;
    let deploy = async |token: &str, app: &str| {
        let path = format!("/api/v1/apps/{app}/deploy");
        world.send(Method::POST, &path, Some(token), Some(json!({}))).await.status
    };
    // Reads leave nothing, hidden or refused.
    for path in [format!("/api/v1/apps/{ID}"), "/api/v1/users".to_owned()] {
        assert!(world.send(Method::GET, &path, Some(&eve), None).await.status.is_client_error());
    }
    assert_eq!(refused(&world).await, Vec::<Value>::new());
    assert_eq!(deploy(&eve, ID).await, StatusCode::NOT_FOUND);
    for _ in 0..25 {
        assert_eq!(deploy(&bo, &app).await, StatusCode::FORBIDDEN);
    }
    let told = refused(&world).await;
    assert_eq!(told.len(), 11, "ten of one, one of the other: {told:?}");
    assert!(told.iter().all(|line| line["action"] == "app.deploy"), "{told:?}");
    assert!(told[..10].iter().all(|line| line["targetId"] == app.as_str()), "{told:?}");
    assert_eq!(told[10]["targetId"], ID);
    world.control.sum_up_refusals().await;
    assert_eq!(refused(&world).await.len(), 11, "the minute is not over");
    world.clock.set(world.control.now().plus(Duration::from_secs(60)));
    world.control.sum_up_refusals().await;
    let told = refused(&world).await;
    assert_eq!((told.len(), told[0]["action"].as_str()), (12, Some("access.refused")), "{:?}", told[0]);
    assert!(told[0].to_string().contains("15"), "{}", told[0]);
    assert_eq!(deploy(&bo, &app).await, StatusCode::FORBIDDEN);
    assert_eq!(refused(&world).await.len(), 13);
}
