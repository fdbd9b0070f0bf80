//! Sessions of the older protocol: whose they are, how many, how big.

use anyhow::{Context, Result};
use http::StatusCode;
use serde_json::json;

use super::world::World;

/// Resident memory of one idle session at the most. Source: the promise of docs/adr/0067.
const SESSION_BYTES: usize = 64 * 1024;
/// How many are opened to see it.
const MANY: usize = 1_000;

#[tokio::test]
async fn a_session_is_nobody_elses() -> Result<()> {
    let world = World::start().await?;
    let (host, other) = (world.host().await?, world.host().await?);
    let session = host.open().await?;
    let guessed = uuid::Uuid::from_u128(7).to_string();
    let headers = [("mcp-session-id", session.as_str())];
    for (reply, whose) in [
        (other.legacy(&session, "tools/list", json!({})).await?, "another principal's"),
        (other.send("GET", &headers, "").await?, "another principal's stream"),
        (other.send("DELETE", &headers, "").await?, "another principal's end"),
        (host.legacy(&guessed, "tools/list", json!({})).await?, "nobody's"),
    ] {
        assert_eq!((reply.status, reply.code()?), (StatusCode::NOT_FOUND, -32001), "{whose}");
    }
    // A request of today cannot reach one either, whatever it names.
    let mut sneaky = super::host::modern_headers("tools/list", &json!(null));
    sneaky.push(("mcp-session-id", &session));
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {} }).to_string();
    assert_eq!(other.send("POST", &sneaky, &body).await?.status, StatusCode::BAD_REQUEST);
    assert_eq!(host.legacy(&session, "tools/list", json!({})).await?.status, StatusCode::OK, "it is still there");
    world.stop().await;
    Ok(())
}

#[tokio::test]
async fn one_more_ends_the_one_that_was_idle_longest_and_nobody_elses() -> Result<()> {
    let world = World::with(|options| (options.sessions_per_principal, options.max_sessions) = (2, 3)).await?;
    let (host, other) = (world.host().await?, world.host().await?);
    let theirs = other.open().await?;
    let mut own = Vec::new();
    for n in 0..3 {
        world.plane.clock.set(world.plane.clock.now().plus(std::time::Duration::from_secs(n)));
        own.push(host.open().await?);
    }
    let status = async |host: &super::host::Host, session: &str| {
        anyhow::Ok(host.legacy(session, "ping", json!({})).await?.status)
    };
    assert_eq!(status(&host, &own[0]).await?, StatusCode::NOT_FOUND);
    assert_eq!(status(&host, &own[1]).await?, StatusCode::OK);
    assert_eq!(status(&host, &own[2]).await?, StatusCode::OK);
    assert_eq!(status(&other, &theirs).await?, StatusCode::OK);
    let full = world.host().await?.initialize().await?;
    assert_eq!(full.status, StatusCode::SERVICE_UNAVAILABLE, "{full:?}");
    assert!(!full.header("retry-after").is_empty());
    world.stop().await;
    Ok(())
}

#[tokio::test]
async fn an_idle_session_ends_by_itself() -> Result<()> {
    let world = World::with(|options| options.session_idle = std::time::Duration::from_secs(2)).await?;
    let host = world.host().await?;
    let session = host.open().await?;
    let stream = [("mcp-session-id", session.as_str())];
    // Its stream ends with it.
    tokio::time::timeout(sf_testkit::plane::WAIT, host.send("GET", &stream, "")).await??;
    let gone = async {
        while host.legacy(&session, "ping", json!({})).await?.status != StatusCode::NOT_FOUND {
            tokio::task::yield_now().await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(sf_testkit::plane::WAIT, gone).await??;
    world.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_thousand_of_them_fit() -> Result<()> {
    let world = World::with(|options| {
        options.sessions_per_principal = MANY + 10;
        options.rates.all.burst = 10_000;
    })
    .await?;
    let host = world.host().await?;
    for _ in 0..10 {
        host.open().await?;
    }
    let before = resident()?;
    for _ in 0..MANY {
        host.open().await?;
    }
    let each = resident()?.saturating_sub(before) / MANY;
    assert!(each <= SESSION_BYTES, "a session takes {each} bytes");
    world.stop().await;
    Ok(())
}

/// Bytes of this process in memory.
fn resident() -> Result<usize> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    let kib: usize = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024)
}
