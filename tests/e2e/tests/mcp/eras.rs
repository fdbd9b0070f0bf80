//! Both eras at one address, and what a call comes to in each.

use anyhow::Result;
use http::StatusCode;
use serde_json::{Value, json};
use sf_actions::Permission;

use super::world::World;

#[tokio::test]
async fn a_host_of_today_says_everything_in_each_request() -> Result<()> {
    let world = World::start().await?;
    let host = world.host().await?;
    let found = host.modern("server/discover", json!({})).await?;
    assert_eq!(found.status, StatusCode::OK, "{found:?}");
    let found = found.result()?;
    assert_eq!(found["supportedVersions"].as_array().map(Vec::len), Some(5));
    assert!(found["capabilities"]["extensions"]["io.modelcontextprotocol/tasks"].is_object(), "{found}");
    assert_eq!(found["instructions"], "Tools of a test.");

    let listed = host.modern("tools/list", json!({})).await?.result()?;
    assert_eq!((listed["cacheScope"].as_str(), listed["ttlMs"].as_u64()), (Some("private"), Some(60_000)));
    let names: Vec<_> = listed["tools"].as_array().into_iter().flatten().map(|tool| &tool["name"]).collect();
    assert_eq!(names, ["look", "slow", "delete", "restricted", "refused"]);
    assert_eq!(
        listed["tools"][0]["annotations"],
        json!({
            "readOnlyHint": true, "destructiveHint": false, "idempotentHint": true, "openWorldHint": false,
        })
    );
    assert_eq!(listed["tools"][2]["annotations"]["destructiveHint"], true);

    let done = host.call("look", json!({})).await?;
    assert_eq!(done.header("content-type"), "application/json");
    let done = done.result()?;
    assert_eq!(done["structuredContent"]["status"], "well");
    assert_eq!(done["structuredContent"]["client"], "a host");
    assert_eq!(
        serde_json::from_str::<Value>(done["content"][0]["text"].as_str().unwrap_or_default())?,
        done["structuredContent"]
    );
    let refused = host.call("refused", json!({})).await?.result()?;
    assert_eq!(
        (&refused["isError"], &refused["structuredContent"]["error"]["retry_safe"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(host.call("none", json!({})).await?.code()?, -32602);

    let read = host.modern("resources/read", json!({ "uri": "serverflow://overview" })).await?.result()?;
    assert_eq!(
        (read["contents"][0]["text"].as_str(), read["cacheScope"].as_str()),
        (Some("All is well."), Some("private"))
    );
    assert_eq!(host.modern("resources/read", json!({ "uri": "serverflow://no" })).await?.code()?, -32602);
    let prompt =
        host.modern("prompts/get", json!({ "name": "diagnose", "arguments": { "server": "a" } })).await?.result()?;
    assert_eq!(prompt["messages"][0]["content"]["text"], "What is wrong with a?");
    assert_eq!(host.modern("prompts/get", json!({ "name": "diagnose" })).await?.code()?, -32602);
    let of =
        json!({ "ref": { "type": "ref/prompt", "name": "diagnose" }, "argument": { "name": "server", "value": "al" } });
    assert_eq!(host.modern("completion/complete", of).await?.result()?["completion"]["values"], json!(["alpha"]));
    world.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_host_of_yesterday_has_a_session() -> Result<()> {
    let world = World::start().await?;
    let host = world.host().await?;
    let opened = host.initialize().await?.result()?;
    assert_eq!(
        (opened["protocolVersion"].as_str(), &opened["serverInfo"]["name"]),
        (Some("2025-11-25"), &json!("serverflow"))
    );
    let session = host.open().await?;
    let listed = host.legacy(&session, "tools/list", json!({})).await?;
    assert_eq!(listed.header("x-accel-buffering"), "no");
    assert_eq!(listed.result()?["tools"].as_array().map(Vec::len), Some(5));
    let done = host.legacy(&session, "tools/call", json!({ "name": "look", "arguments": {} })).await?;
    assert_eq!(done.result()?["structuredContent"]["status"], "well");
    assert_eq!(host.legacy(&session, "tools/call", json!({ "name": "none" })).await?.code()?, -32602);
    let gone = host.send("DELETE", &[("mcp-session-id", &session)], "").await?;
    assert!(gone.status.is_success(), "{gone:?}");
    let after = host.legacy(&session, "tools/list", json!({})).await?;
    assert_eq!((after.status, after.code()?), (StatusCode::NOT_FOUND, -32001));
    world.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_a_caller_lacks_is_a_challenge_for_all_of_it_in_both_eras() -> Result<()> {
    let world = World::start().await?;
    let host = world.host_with(&[Permission::AppView]).await?;
    let names = host.modern("tools/list", json!({})).await?.result()?;
    let names: Vec<_> = names["tools"].as_array().into_iter().flatten().map(|tool| tool["name"].clone()).collect();
    assert_eq!(names, ["look", "restricted", "refused"]);
    let session = host.open().await?;
    let legacy = host.legacy(&session, "tools/call", json!({ "name": "restricted", "arguments": {} })).await?;
    for reply in [host.call("restricted", json!({})).await?, legacy] {
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{reply:?}");
        let challenge = reply.header("www-authenticate");
        assert!(challenge.contains("error=\"insufficient_scope\", scope=\"deploy files\""), "{challenge}");
        assert!(challenge.contains("/.well-known/oauth-protected-resource/mcp/v1\""), "{challenge}");
        assert_eq!(reply.message()?["id"], 1);
    }
    world.stop().await;
    Ok(())
}
