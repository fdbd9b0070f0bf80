//! Files of servers over REST: who may do what with them, and what is refused before a machine hears of it.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::{World, id, request};

fn files(server: &str) -> String {
    format!("/api/v1/servers/{server}/files")
}

#[tokio::test]
async fn each_right_to_files_is_a_right_of_its_own() {
    let world = World::new().await;
    let panel = world.panel(world.node("box").await).await;
    let base = files(&panel.server);
    let tenant = world.tenant().await;
    let changes = [
        ("write", json!({ "path": "a", "text": "a" }), "file:write"),
        ("folder", json!({ "path": "a" }), "file:write"),
        ("rename", json!({ "from": "a", "to": "b" }), "file:write"),
        ("copy", json!({ "from": "a", "to": "b" }), "file:write"),
        ("mode", json!({ "path": "a", "mode": "600" }), "file:write"),
        ("delete", json!({ "paths": ["a"] }), "file:delete"),
        ("compress", json!({ "names": ["a"], "into": "a.zip" }), "file:archive"),
        ("extract", json!({ "path": "a.zip" }), "file:archive"),
    ];
    for right in ["file:read", "file:write", "file:delete", "file:archive"] {
        let email = format!("{}@example.org", right.replace(':', "-"));
        let member = world.member(tenant, &email, &[]).await;
        let them = world.send(Method::GET, "/api/v1/auth/me", Some(&member), None).await.expect(200);
        let object = json!({ "kind": "server", "id": panel.server });
        let given = json!({ "permissions": ["server:view", right], "object": object });
        world.post(&format!("/api/v1/users/{}/grants", id(&them["user"])), given).await.expect(201);
        for (what, body, needs) in &changes {
            let path = format!("{base}/{what}?dryRun=true");
            let answer = world.send(Method::POST, &path, Some(&member), Some(body.clone())).await;
            assert_eq!(answer.status == StatusCode::OK, right == *needs, "{right} {what}: {}", answer.body);
        }
        for look in ["", "/stat", "/content?path=a", "/search?text=x", "/usage"] {
            let answer = world.send(Method::GET, &format!("{base}{look}"), Some(&member), None).await;
            // Its machine is not connected: who may look is told that, the others nothing.
            let expected = if right == "file:read" { "node.offline" } else { "permission.missing" };
            assert_eq!(answer.code(), expected, "{right} {look}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn a_change_of_files_says_what_it_would_do_and_shows_no_content() {
    let world = World::new().await;
    let panel = world.panel(world.node("box").await).await;
    let base = files(&panel.server);
    let plan = |what: &'static str, body: Value| {
        let (world, path) = (&world, format!("{base}/{what}?dryRun=true"));
        async move { world.post(&path, body).await.expect(200)["plan"].clone() }
    };
    let written = plan("write", json!({ "path": "a.txt", "text": "topsecret", "before": "absent" })).await;
    let steps = written["steps"].to_string();
    assert!(steps.contains("a.txt") && !steps.contains("topsecret"), "{steps}");
    assert_eq!(written["losses"], json!([]));
    let replaced = plan("write", json!({ "path": "a.txt", "text": "x" })).await;
    assert!(replaced["losses"].to_string().contains("a.txt"), "{replaced}");
    let deleted = plan("delete", json!({ "paths": ["world", "logs/two\\x0alines"] })).await;
    assert_eq!(deleted["losses"].as_array().unwrap().len(), 2, "{deleted}");

    // Its generation stays: nothing of what its machine shall run has changed.
    let server = format!("/api/v1/servers/{}", panel.server);
    let before = world.get(&server).await.expect(200)["generation"].clone();
    let write = json!({ "path": "a.txt", "text": "topsecret" });
    let opened = world.post(&format!("{base}/write"), write).await.expect(202);
    let run = world.get(&format!("/api/v1/runs/{}", id(&opened["run"]))).await.expect(200);
    assert_eq!(run["action"], "file.write");
    assert!(!run.to_string().contains("topsecret"), "{run}");
    assert_eq!(world.get(&server).await.expect(200)["generation"], before);
    let listed = world.get(&format!("/api/v1/runs?serverId={}", panel.server)).await.expect(200);
    assert!(listed.to_string().contains("file.write") && !listed.to_string().contains("topsecret"), "{listed}");
}

#[tokio::test]
async fn what_no_machine_could_do_is_refused_at_its_field() {
    let world = World::new().await;
    let panel = world.panel(world.node("box").await).await;
    let base = files(&panel.server);
    for (what, body) in [
        ("write", json!({ "path": "a" })),
        ("write", json!({ "path": "../a", "text": "" })),
        ("write", json!({ "path": "a\nb", "text": "" })),
        ("write", json!({ "path": "a", "text": "x".repeat(33 * 1024) })),
        ("write", json!({ "path": "a", "base64": "%" })),
        ("folder", json!({ "path": "/" })),
        ("rename", json!({ "from": "a", "to": "" })),
        ("delete", json!({ "paths": [] })),
        ("delete", json!({ "paths": vec!["a"; 101] })),
        ("mode", json!({ "path": "a", "mode": "4755" })),
        ("compress", json!({ "names": ["a/b"], "into": "a.zip" })),
        ("compress", json!({ "names": ["a"], "into": "a.rar" })),
        ("extract", json!({ "path": "" })),
    ] {
        let refused = world.post(&format!("{base}/{what}"), body.clone()).await;
        assert_eq!(refused.code(), "value.refused", "{what}: {}", refused.body);
    }
}

#[tokio::test]
async fn an_upload_says_what_it_would_do_and_asks_for_its_right_before_its_body() {
    let world = World::new().await;
    let panel = world.panel(world.node("box").await).await;
    let base = format!("/api/v1/servers/{}/uploads", panel.server);
    let body = json!({ "path": "mods/a.jar", "bytes": 3_000_000, "overwrite": true });
    let plan = world.post(&format!("{base}?dryRun=true"), body.clone()).await.expect(200)["plan"].clone();
    assert!(plan["steps"].to_string().contains("mods/a.jar"), "{plan}");
    assert!(plan["losses"].to_string().contains("mods/a.jar"), "{plan}");
    // Its machine is away: the run waits for it, and with it the upload.
    let opened = world.post(&base, body).await.expect(202);
    assert_eq!((&opened["upload"], &opened["run"]["action"]), (&Value::Null, &json!("file.upload")));
    let upload = format!("{base}/{}", id(&opened["run"]));
    for refused in [
        json!({ "path": "../a", "bytes": 1 }),
        json!({ "path": "a", "bytes": -1 }),
        json!({ "path": "a", "bytes": 1, "mode": "7777" }),
        json!({ "path": "a" }),
    ] {
        assert_eq!(world.post(&base, refused.clone()).await.status, StatusCode::BAD_REQUEST, "{refused}");
    }
    let tenant = world.tenant().await;
    let member = world.member(tenant, "reads@example.org", &[]).await;
    let them = world.send(Method::GET, "/api/v1/auth/me", Some(&member), None).await.expect(200);
    let object = json!({ "kind": "server", "id": panel.server });
    let given = json!({ "permissions": ["server:view", "file:read"], "object": object });
    world.post(&format!("/api/v1/users/{}/grants", id(&them["user"])), given).await.expect(201);
    let piece = format!("{upload}?offset=0");
    for (token, code) in [(Some(&member), "permission.missing"), (None, "node.offline")] {
        let token = token.map_or(world.token.as_str(), |token| token.as_str());
        let length = [("content-length", "2")];
        let sent = world.raw(request(Method::PATCH, &piece, Some(token), Some(json!({})), &length)).await;
        assert_eq!(sent.code(), code, "{}", sent.body);
        let seen = world.send(Method::GET, &upload, Some(token), None).await;
        assert_eq!(seen.code(), code, "{}", seen.body);
    }
    let empty = world.send(Method::PATCH, &piece, Some(&world.token), None).await;
    assert_eq!(empty.code(), "body.length", "{}", empty.body);
}

#[tokio::test]
async fn a_link_is_followed_once_within_its_minute_by_whoever_has_it() {
    let world = World::new().await;
    let panel = world.panel(world.node("box").await).await;
    let link = || async {
        let body = json!({ "path": "/a.txt" });
        let made = world.post(&format!("{}/download-link", files(&panel.server)), body).await.expect(201);
        made["url"].as_str().unwrap().to_owned()
    };
    let follow = |url: String| {
        let world = &world;
        async move { world.send(Method::GET, &url, None, None).await.code().to_owned() }
    };
    // It leads to the machine, which is away; a second time it leads nowhere.
    let url = link().await;
    assert!(url.starts_with("/api/v1/downloads/") && url.len() > 60, "{url}");
    // A chat that looks at what a link is has no credential for that, and does not use it up.
    assert_eq!(world.send(Method::HEAD, &url, None, None).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(follow(url.clone()).await, "node.offline");
    assert_eq!(follow(url).await, "download.not_found");
    let late = link().await;
    world.clock.set(world.clock.now().plus(std::time::Duration::from_secs(61)));
    assert_eq!(follow(late).await, "download.not_found");
    for none in ["x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        let answer = world.send(Method::GET, &format!("/api/v1/downloads/{none}"), None, None).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{none}");
    }
}
