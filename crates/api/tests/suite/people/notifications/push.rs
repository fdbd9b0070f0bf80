//! Browsers: a push service that knows the sender, and a browser that reads what only it can.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::{Value, json};
use sf_connectors::push::{encrypt, vapid};
use sf_runtime::Tasks;

use super::card;
use super::receiver::{Receiver, Says};
use crate::world::{PUBLIC_URL, World, id};

/// A browser's keys. Source: RFC 8291, appendix A.
const PRIVATE: &str = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";
const PUBLIC: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

fn subscription(endpoint: &str, name: &str) -> Value {
    json!({ "name": name, "endpoint": endpoint, "keys": { "p256dh": PUBLIC, "auth": AUTH } })
}

#[tokio::test]
async fn a_browser_reads_what_is_pushed_and_its_service_knows_who_sends() {
    let tasks = Tasks::new();
    let mut service = Receiver::start(&tasks).await;
    let world = World::new().await;
    let path = "/api/v1/me/push-subscriptions";
    let key = world.get(path).await.expect(200)["publicKey"].as_str().unwrap().to_owned();
    let made = world.post(path, subscription(&service.url("/push/abc"), "phone")).await.expect(201);
    assert_eq!(made["channel"]["kind"], "push");
    // The same browser once more is the same one.
    let again = world.post(path, subscription(&service.url("/push/abc"), "my phone")).await.expect(201);
    let listed = world.get(path).await.expect(200);
    assert_eq!(
        (listed["subscriptions"].as_array().unwrap().len(), &listed["subscriptions"][0]["name"]),
        (1, &json!("my phone"))
    );
    service.says([Says::Status(201)]);
    let (_, card) = card(&world).await;
    world.control.deliver_notices().await.unwrap();
    let post = service.next().await;
    assert_eq!(
        (post.path.as_str(), post.header("content-encoding"), post.header("urgency")),
        ("/push/abc", "aes128gcm", "high")
    );
    assert_eq!(post.header("ttl"), "86400");
    let origin = service.url("");
    assert!(vapid::verify(post.header("authorization"), &key, &origin, world.control.now()));
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let plain = encrypt::decrypt(&post.body, bytes(PRIVATE).try_into().unwrap(), &bytes(AUTH)).expect("it is for it");
    let told: Value = serde_json::from_slice(&plain).unwrap();
    assert_eq!(told["title"], "To decide: Deploy an app · shop");
    assert_eq!((&told["url"], &told["pressing"]), (&json!(format!("{PUBLIC_URL}/inbox/{card}")), &json!(true)));
    assert!(!String::from_utf8_lossy(&post.body).contains("shop"), "its service reads nothing");
    // After a restart the key is the same: browsers have subscribed with it.
    let world = world.started_again(Duration::ZERO).await;
    assert_eq!(world.get(path).await.expect(200)["publicKey"], *key);
    // A browser that has ended its subscription is forgotten.
    service.says([Says::Status(410)]);
    let test = format!("/api/v1/me/notification-channels/{}/test", id(&again["channel"]));
    world.post(&test, json!({})).await.expect(202);
    service.next().await;
    world.control.deliver_notices().await.unwrap();
    assert_eq!(world.get(path).await.expect(200)["subscriptions"], json!([]));
    tasks.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_subscription_is_its_owners_and_leads_nowhere_inside() {
    let world = World::new().await;
    let path = "/api/v1/me/push-subscriptions";
    for (body, code) in [
        (subscription("https://169.254.169.254/x", "a"), "address.refused"),
        (subscription("http://push.example.org@10.0.0.1/x", "a"), "address.refused"),
        (
            json!({ "name": "a", "endpoint": "https://push.example.org/x", "keys": { "p256dh": "AA", "auth": AUTH } }),
            "notification.destination",
        ),
        (
            json!({ "name": "a", "endpoint": "https://push.example.org/x", "keys": { "p256dh": PUBLIC, "auth": "AA" } }),
            "notification.destination",
        ),
    ] {
        let answer = world.post(path, body.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, code), "{body}: {}", answer.body);
    }
    let made = world.post(path, subscription("https://push.example.org/x", "a")).await.expect(201);
    let bo = world.member(world.tenant().await, "bo@example.org", &[]).await;
    let one = format!("{path}/{}", id(&made["channel"]));
    assert_eq!(world.send(Method::DELETE, &one, Some(&bo), None).await.status.as_u16(), 404);
    world.call(Method::DELETE, &one, None).await.expect(200);
}
