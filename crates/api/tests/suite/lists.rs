//! Pages are stable while rows come in between.

use serde_json::Value;

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
    let one = world.get(&format!("/api/v1/activity?target={app}&limit=1")).await;
    assert_eq!(one.data().as_array().unwrap().len(), 1, "{}", one.body);
    assert_eq!(world.get("/api/v1/activity?from=yesterday").await.code(), "query.time");
}
