//! Consoles over the socket: who looks is recorded.

use super::*;

#[tokio::test]
async fn who_opens_a_console_is_in_the_audit_once_and_who_may_not_is_told_nothing() {
    let world = World::new().await;
    let address = serve(&world).await;
    let panel = world.panel(world.node("box").await).await;
    let tenant = world.tenant().await;
    let topic = json!({ "topics": [format!("console:{}", panel.server)] });
    let looks =
        async || world.get("/api/v1/activity?action=console.read").await.expect(200).as_array().unwrap().clone();

    // Without the right: no console, and no line that says it was read.
    let other = world.member(tenant, "bea@example.org", &[]).await;
    let mut socket = open(address, &[("authorization", format!("Bearer {other}"))]).await.unwrap();
    let (_, refused) = socket.subscribe(topic.clone()).await;
    assert!(refused.get("error").is_some(), "{refused}");
    // Its machine is not connected: nothing was read.
    let read = world.get(&format!("/api/v1/servers/{}/console", panel.server)).await;
    assert_eq!((read.code(), looks().await.len()), ("node.offline", 0));

    for _ in 0..3 {
        let mut socket = connect(&world, address).await;
        let (_, answer) = socket.subscribe(topic.clone()).await;
        assert!(answer.get("subscribed").is_some(), "{answer}");
        // Renewed on the same socket.
        let (_, answer) = socket.subscribe(topic.clone()).await;
        assert!(answer.get("subscribed").is_some(), "{answer}");
    }
    let lines = looks().await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!((&lines[0]["targetKind"], &lines[0]["targetId"]), (&json!("server"), &json!(panel.server)));

    // Whoever goes on is recorded again after a while.
    world.pass(Duration::from_secs(11 * 60)).await;
    let mut socket = connect(&world, address).await;
    socket.subscribe(topic).await;
    assert_eq!(looks().await.len(), 2);
}
