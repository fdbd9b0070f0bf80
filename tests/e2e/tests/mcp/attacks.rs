//! Who is not let in, and what is no message.

use anyhow::Result;
use http::StatusCode;
use serde_json::json;
use sf_testkit::people::PASSWORD;

use super::host::{Host, LEGACY, MODERN};
use super::world::World;

#[tokio::test]
async fn nobody_comes_in_without_a_credential_for_this_very_door() -> Result<()> {
    let world = World::start().await?;
    let nobody = Host { path: "/api/v1/auth/login".to_owned(), ..Host::new(world.address, String::new()) };
    let body = json!({ "email": "admin@example.org", "password": PASSWORD }).to_string();
    let session = nobody.send("POST", &[], &body).await?.message()?["data"]["accessToken"].clone();
    let session = session.as_str().unwrap_or_default().to_owned();
    assert!(!session.is_empty(), "a person's session");
    for (token, expected) in [
        ("", "scope=\"read deploy operate\""),
        ("sf_nonsense", "error=\"invalid_token\""),
        (session.as_str(), "error=\"invalid_token\""),
        ("eyJhbGciOiJub25lIn0.e30.", "error=\"invalid_token\""),
    ] {
        let host = Host::new(world.address, token.to_owned());
        for reply in [host.call("look", json!({})).await?, host.initialize().await?, host.send("GET", &[], "").await?] {
            assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{token}: {reply:?}");
            let challenge = reply.header("www-authenticate");
            let metadata = format!("http://{}/.well-known/oauth-protected-resource/mcp/v1", world.address);
            assert!(challenge.starts_with(&format!("Bearer resource_metadata=\"{metadata}\"")), "{challenge}");
            assert!(challenge.contains(expected), "{token}: {challenge}");
        }
    }
    let host = world.host().await?;
    let by_query = Host::new(world.address, String::new());
    assert_eq!(by_query.send("POST", &[("cookie", &format!("sf_refresh={}", host.token))], "{}").await?.status, 401);
    world.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_page_of_another_site_and_a_name_of_its_own_are_refused() -> Result<()> {
    let world = World::start().await?;
    let host = world.host().await?;
    let own = format!("http://{}", world.address);
    let body = host.modern_body("tools/list", json!({})).to_string();
    for (headers, expected) in [
        (vec![("origin", own.as_str())], 200),
        (vec![], 200),
        (vec![("origin", "https://evil.example.org")], 403),
        (vec![("origin", "null")], 403),
        (vec![("origin", "garbage")], 403),
        (vec![("host", "evil.example.org")], 421),
        (vec![("host", "evil.example.org"), ("origin", "http://evil.example.org")], 421),
    ] {
        let mut all = vec![("mcp-protocol-version", MODERN), ("mcp-method", "tools/list")];
        all.extend(headers.iter().copied());
        let reply = host.send("POST", &all, &body).await?;
        assert_eq!(reply.status.as_u16(), expected, "{headers:?}: {reply:?}");
    }
    world.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_is_no_message_is_told_so_in_the_protocols_words() -> Result<()> {
    let world = World::start().await?;
    let host = world.host().await?;
    let long = format!("{{\"x\":\"{}\"}}", "x".repeat(2 * 1024 * 1024));
    let deep = "[".repeat(100_000);
    for (body, status, code) in [
        ("", 400, -32700),
        ("{", 400, -32700),
        (deep.as_str(), 400, -32700),
        ("[]", 400, -32600),
        ("3", 400, -32600),
        ("{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":7}", 400, -32600),
        ("{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"tools/list\"}", 400, -32600),
        (long.as_str(), 413, -32600),
    ] {
        let reply = host.send("POST", &[("mcp-protocol-version", MODERN)], body).await?;
        let start: String = body.chars().take(40).collect();
        assert_eq!((reply.status.as_u16(), reply.code()?), (status, code), "{start}: {reply:?}");
    }
    for (version, method, header, status, code) in [
        (MODERN, "made/up", "made/up", 404, -32601),
        (MODERN, "tools/list", "tools/call", 400, -32020),
        ("2031-01-01", "tools/list", "tools/list", 400, -32022),
        (LEGACY, "tools/list", "tools/list", 400, -32020),
    ] {
        let body = host.modern_body(method, json!({})).to_string().replace(MODERN, version);
        let sent = if version == LEGACY { MODERN } else { version };
        let reply = host.send("POST", &[("mcp-protocol-version", sent), ("mcp-method", header)], &body).await?;
        assert_eq!((reply.status.as_u16(), reply.code()?), (status, code), "{version} {method}: {reply:?}");
    }
    world.stop().await;
    Ok(())
}

#[tokio::test]
async fn who_leaves_ends_nothing_that_was_begun() -> Result<()> {
    let world = World::start().await?;
    let host = world.host().await?;
    let session = host.open().await?;
    let params = json!({ "name": "slow", "arguments": {} });
    let modern = host.modern_body("tools/call", params.clone()).to_string();
    let legacy = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
    let todays = [("mcp-protocol-version", MODERN), ("mcp-method", "tools/call"), ("mcp-name", "slow")];
    let yesterdays = [("mcp-session-id", session.as_str()), ("mcp-protocol-version", LEGACY)];
    for (body, headers) in [(modern, &todays[..]), (legacy, &yesterdays[..])] {
        let begun = world.tools.begun.clone();
        host.leave(&body, headers, async move { begun.acquire().await.expect("open").forget() }).await?;
        world.tools.gate.add_permits(1);
        tokio::time::timeout(sf_testkit::plane::WAIT, world.tools.ended.acquire()).await??.forget();
    }
    world.stop().await;
    Ok(())
}
