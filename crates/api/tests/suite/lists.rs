//! Pages are stable while rows come in between.

use serde_json::{Value, json};

use crate::world::World;

#[tokio::test]
async fn pages_hold_each_row_once_whatever_comes_in_between() {
    let world = World::new().await;
    let node = world.node("n").await;
    for n in 0..5 {
        // Ids sort by the millisecond in which they are made.
        world.clock.set(world.control.now().plus(std::time::Duration::from_millis(1)));
        world.app(&format!("app-{n}"), node).await;
    }
    let (mut names, mut path) = (Vec::new(), "/api/v1/apps?limit=2".to_owned());
    loop {
        let page = world.get(&path).await;
        assert_eq!(page.status.as_u16(), 200, "{}", page.body);
        let rows = page.data().as_array().unwrap();
        assert!(rows.len() <= 2);
        names.extend(rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()));
        world.app(&format!("late-{}", names.len()), node).await;
        match &page.body["meta"]["page"]["next"] {
            Value::String(next) => path = format!("/api/v1/apps?limit=2&after={next}"),
            next => {
                assert!(next.is_null());
                break;
            }
        }
    }
    assert_eq!(names, ["app-4", "app-3", "app-2", "app-1", "app-0"]);
    let found = world.get("/api/v1/apps?q=late").await;
    assert_eq!(found.data().as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn what_was_done_is_in_the_audit_chain() {
    let world = World::new().await;
    let node = world.node("n").await;
    let app = world.app("shop", node).await;
    world.run(&app).await;
    let lines = world.get("/api/v1/activity?action=app").await.expect(200);
    let actions: Vec<_> = lines.as_array().unwrap().iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert!(actions.contains(&"app.deploy") && actions.contains(&"app.create"), "{actions:?}");
    let deploy = lines.as_array().unwrap().iter().find(|line| line["action"] == "app.deploy").unwrap();
    assert_eq!((&deploy["targetName"], deploy["actorName"].is_string()), (&Value::from("shop"), true), "{deploy}");
    let one = world.get(&format!("/api/v1/activity?target={app}&limit=1")).await;
    assert_eq!(one.data().as_array().unwrap().len(), 1, "{}", one.body);
    assert_eq!(world.get("/api/v1/activity?from=yesterday").await.code(), "query.time");
}

#[tokio::test]
async fn a_machines_keys_are_shown_to_those_who_may_see_it() {
    let world = World::new().await;
    let node = world.node("n").await;
    let shown = world.get(&format!("/api/v1/nodes/{node}")).await.expect(200);
    let keys = world.get(&format!("/api/v1/nodes/{node}/keys")).await.expect(200);
    let key = &keys.as_array().unwrap()[0];
    assert_eq!((&key["keyId"], &key["keyWords"]), (&shown["keyId"], &shown["keyWords"]));
    assert!(key["createdAt"].is_string() && key["retiredAt"].is_null(), "{key}");
    let unknown = world.get("/api/v1/nodes/0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b/keys").await;
    assert_eq!(unknown.status.as_u16(), 404);
}

#[tokio::test]
async fn the_chain_is_checked_on_and_on_and_holds() {
    let world = World::new().await;
    for number in 0..3 {
        // Each look goes on behind the one before, with no signed head between them.
        let state = world.get("/api/v1/activity/state").await.expect(200);
        let chain = &state["instances"][0];
        assert!(chain["firstBad"].is_null(), "{chain}");
        assert_eq!(chain["checkedUpTo"], chain["size"], "{chain}");
        world.post("/api/v1/tokens", json!({ "name": format!("t{number}"), "days": 1 })).await.expect(201);
    }
    let state = world.post("/api/v1/activity/verify", json!({})).await.expect(200);
    assert!(state["instances"][0]["firstBad"].is_null(), "{state}");
}

#[tokio::test]
async fn invitations_projects_and_keys_are_searched() {
    let world = World::new().await;
    for name in ["blue", "Green 100%"] {
        let email = format!("{}@example.org", name.chars().next().unwrap());
        world.post("/api/v1/invitations", json!({ "email": email, "role": "viewer" })).await.expect(201);
        world.post("/api/v1/projects", json!({ "name": name })).await.expect(201);
        world.post("/api/v1/tokens", json!({ "name": name, "days": 1 })).await.expect(201);
    }
    for (path, field, expected) in [
        ("invitations?q=B@EX", "email", vec!["b@example.org"]),
        ("invitations?q=nobody", "email", vec![]),
        ("projects?q=GREEN", "name", vec!["Green 100%"]),
        ("projects?q=0%25", "name", vec!["Green 100%"]),
        ("projects?q=_", "name", vec![]),
        ("tokens?q=lu", "name", vec!["blue"]),
        ("tokens?q=_", "name", vec![]),
    ] {
        let found = world.get(&format!("/api/v1/{path}")).await.expect(200);
        let found: Vec<_> = found.as_array().unwrap().iter().map(|one| one[field].as_str().unwrap()).collect();
        assert_eq!(found, expected, "{path}");
    }
}
