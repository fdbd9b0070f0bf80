//! Deploy keys: what is shown of them, and what is not.

use http::Method;
use serde_json::{Value, json};

use crate::world::World;

#[tokio::test]
async fn a_deploy_key_shows_its_public_half_and_nothing_else() {
    let world = World::new().await;
    let node = world.node("box").await;
    let path = |app: &str| format!("/api/v1/apps/{app}/deploy-key");
    let app = world.app("shop", node).await;
    assert_eq!(world.get(&path(&app)).await.expect(200)["key"], Value::Null);
    assert_eq!(world.post(&path(&app), json!({})).await.code(), "deploykey.not_ssh");
    let settings = json!({ "settings": { "repository": "git@git.example.org:team/shop" } });
    world.call(Method::PATCH, &format!("/api/v1/apps/{app}"), Some(settings)).await.expect(200);
    let plan = world.post(&format!("{}?dryRun=true", path(&app)), json!({})).await.expect(200);
    assert!(plan["plan"]["steps"].to_string().contains("public half is for the git host"), "{plan}");
    assert_eq!(world.get(&path(&app)).await.expect(200)["key"], Value::Null);
    let made = world.post(&path(&app), json!({})).await.expect(201)["key"].clone();
    let public = made["publicKey"].as_str().unwrap();
    assert!(public.starts_with("ssh-ed25519 AAAA") && public.ends_with(" serverflow shop"), "{public}");
    assert!(made["fingerprint"].as_str().unwrap().starts_with("SHA256:"));
    assert_eq!(world.get(&path(&app)).await.expect(200)["key"], made);
    assert_eq!(world.post(&path(&app), json!({})).await.code(), "deploykey.exists");
    let plan = world.call(Method::DELETE, &format!("{}?dryRun=true", path(&app)), None).await.expect(200);
    assert!(!plan["plan"]["losses"].as_array().unwrap().is_empty());
    world.call(Method::DELETE, &path(&app), None).await.expect(200);
    assert_eq!(world.call(Method::DELETE, &path(&app), None).await.code(), "deploykey.none");
    let again = world.post(&path(&app), json!({})).await.expect(201)["key"].clone();
    assert_ne!(again["publicKey"], made["publicKey"]);
    let runs = world.get("/api/v1/runs?limit=50").await.expect(200).to_string();
    assert!(runs.contains("deploykey.create") && !runs.contains("PRIVATE KEY"), "{runs}");
}
