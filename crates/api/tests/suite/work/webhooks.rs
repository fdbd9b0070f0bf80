//! Webhooks: the secrets they listen by, and what strangers learn from how long they take.

use http::Method;
use serde_json::json;

use super::triggers::{BODY, SECRET, address, armed, borrowed, deliver, github, hook, keep, secret, switch};
use crate::world::World;

#[tokio::test]
async fn a_secret_that_a_webhook_listens_by_is_not_deleted() {
    let world = World::new().await;
    let path = format!("/api/v1/secrets/{}", secret(&world, SECRET).await);
    let workflow = armed(&world, &hook("scheme: github")).await;
    for path in [format!("{path}?dryRun=true"), path.clone()] {
        let refused = world.call(Method::DELETE, &path, None).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (409, "secret.in_use"));
        let told = refused.body["error"]["message"].as_str().unwrap().to_owned();
        assert!(told.contains("the workflow `hook`"), "{told}");
    }
    let run = deliver(&world, &address(&world, &workflow).await, &borrowed(&github(SECRET, "d")), BODY).await;
    run.expect(202);
    // Another secret's webhook, one that is off, and a version that names it no more keep nothing.
    let other = hook("scheme: github").replace("secret: hook-key", "secret: another");
    world
        .call(Method::PUT, &format!("/api/v1/workflows/{workflow}"), Some(json!({ "document": other })))
        .await
        .expect(200);
    let off = keep(&world, &hook("scheme: github").replace("name: hook", "name: off")).await;
    switch(&world, &off, true).await.expect(200);
    assert_eq!(world.call(Method::DELETE, &path, None).await.code(), "secret.in_use");
    switch(&world, &off, false).await.expect(200);
    world.call(Method::DELETE, &path, None).await.expect(200);
}

/// Who asks at an address learns nothing from how long it takes: the database is asked as much, and the whole request is
/// gone over by a key (which a test of the engine shows), wherever it goes.
#[tokio::test]
async fn an_address_that_is_none_costs_what_a_webhook_costs_that_refuses() {
    let world = World::new().await;
    secret(&world, SECRET).await;
    let known = address(&world, &armed(&world, &hook("scheme: github")).await).await;
    let off = address(&world, &keep(&world, &hook("scheme: github").replace("name: hook", "name: off")).await).await;
    let lost = hook("scheme: github").replace("name: hook", "name: lost").replace("hook-key", "gone");
    let lost = address(&world, &armed(&world, &lost).await).await;
    let nowhere = "/api/v1/hooks/0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b".to_owned();
    let wrong = github("five lanterns", "d");
    let cost = async |path: &str, headers: &[(&str, &str)]| {
        let mut least = u64::MAX;
        // The lanes look beside it at times, and a definition is read once.
        for _ in 0..5 {
            let before = world.control.store().looks();
            assert_eq!(deliver(&world, path, headers, BODY).await.code(), "hook.not_found");
            least = least.min(world.control.store().looks() - before);
        }
        least
    };
    let refused = cost(&known, &borrowed(&wrong)).await;
    assert!(refused > 0);
    for path in [&known, &off, &lost, &nowhere] {
        assert_eq!(cost(path, &borrowed(&wrong)).await, refused, "{path}");
        assert_eq!(cost(path, &[]).await, refused, "{path}, unsigned");
    }
}
