//! Eggs over REST: every sample is read, kept, compared by its hash, and written again; large ones, too.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::{World, id, request};

/// The samples: name of the file and text.
fn samples() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../template/tests/eggs");
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end != "md"))
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(path).unwrap()))
        .collect();
    found.sort();
    found
}

#[tokio::test]
async fn every_sample_becomes_a_template_or_the_next_version_of_one() {
    let world = World::new().await;
    let ctrl = id(&world.post("/api/v1/ctrls", json!({ "name": "Games" })).await.expect(201));
    let samples = samples();
    assert_eq!(samples.len(), 15);
    for (file, text) in samples {
        let egg = world.post("/api/v1/alts/read", json!({ "text": text })).await.expect(200);
        assert_eq!((&egg["ok"], &egg["defects"]), (&json!(true), &json!([])), "{file}");
        let (name, document) = (egg["document"]["name"].clone(), egg["document"].clone());
        let known = world.get(&format!("/api/v1/alts?ctrlId={ctrl}&limit=200")).await.expect(200);
        let there = known.as_array().unwrap().iter().find(|alt| alt["name"] == name);
        let (method, path, body) = match there {
            Some(alt) => {
                let path = format!("/api/v1/alts/{}", id(alt));
                (Method::PUT, path, json!({ "document": document, "from": alt["version"] }))
            }
            None => {
                let body = json!({ "ctrlId": ctrl, "document": document, "source": egg["format"] });
                (Method::POST, "/api/v1/alts".to_owned(), body)
            }
        };
        let plan = world.call(method.clone(), &format!("{path}?dryRun=true"), Some(body.clone())).await.expect(200);
        assert!(plan["plan"]["steps"][0].as_str().unwrap().contains(name.as_str().unwrap()), "{file}: {plan}");
        let kept = world.call(method, &path, Some(body)).await;
        assert!(kept.status.is_success(), "{file}: {}", kept.body);
        let kept = &kept.body["data"];
        assert_eq!(kept["alt"]["hash"], egg["hash"], "{file}");
        let written = world.get(&format!("/api/v1/alts/{}/egg", id(&kept["alt"]))).await.expect(200);
        let again = world.post("/api/v1/alts/read", json!({ "text": written["text"] })).await.expect(200);
        assert_eq!(again["hash"], egg["hash"], "{file}");
    }
    let alts = world.get(&format!("/api/v1/alts?ctrlId={ctrl}&limit=200")).await.expect(200);
    let second = alts.as_array().unwrap().iter().filter(|alt| alt["version"] == 2).count();
    assert_eq!((alts.as_array().unwrap().len(), second), (13, 2));
}

#[tokio::test]
async fn an_egg_with_a_picture_is_taken_whole_and_no_other_body_is_so_large() {
    let world = World::new().await;
    let ctrl = id(&world.post("/api/v1/ctrls", json!({ "name": "Games" })).await.expect(201));
    let mut egg: Value =
        serde_json::from_str(include_str!("../../../../../template/tests/eggs/plcn-v3-python-generic.json")).unwrap();
    egg["image"] = json!(format!("data:image/png;base64,{}", "A".repeat(400 * 1024)));
    let read = world.post("/api/v1/alts/read", json!({ "text": egg.to_string() })).await.expect(200);
    assert!(read["document"]["icon"].as_str().unwrap().len() > 400 * 1024);
    let body = json!({ "ctrlId": ctrl, "document": read["document"] });
    let keyed = async |body: &Value| {
        let headers = [("idempotency-key", "once")];
        world.raw(request(Method::POST, "/api/v1/alts", Some(&world.token), Some(body.clone()), &headers)).await
    };
    let kept = keyed(&body).await.expect(201);
    assert_eq!(kept["alt"]["hash"], read["hash"]);
    // The answer is too large to be kept: the repetition is told that it was done, and nothing is done twice.
    assert_eq!(keyed(&body).await.code(), "idempotency.large");
    let lint = json!({ "text": read["document"].to_string() });
    assert_eq!(world.post("/api/v1/alts/lint", lint).await.expect(200)["ok"], true);
    let large = json!({ "name": "x".repeat(300 * 1024) });
    let refused = world.post("/api/v1/ctrls", large).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::PAYLOAD_TOO_LARGE, "body.too_large"));
    let huge = json!({ "text": "x".repeat(7 * 1024 * 1024) });
    assert_eq!(world.post("/api/v1/alts/read", huge).await.code(), "body.too_large");
}
