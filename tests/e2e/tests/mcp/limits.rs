//! How often, and what is counted.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use http::StatusCode;
use serde_json::json;
use sf_mcp::wire::{Rates, WRITTEN_EVERY};
use sf_runtime::Rate;
use sf_store::mcp_calls::{CallDecision, CallFilter};
use sf_types::PageRequest;

use super::host::Host;
use super::world::{METRICS, World};

const NARROW: Rates = Rates {
    reading: Rate { burst: 2, per_minute: 6 },
    acting: Rate { burst: 1, per_minute: 1 },
    destroying: Rate { burst: 1, per_minute: 1 },
    all: Rate { burst: 8, per_minute: 60 },
};

#[tokio::test]
async fn a_tool_called_too_often_says_when_and_so_does_the_door() -> Result<()> {
    let world = World::with(|options| options.rates = NARROW).await?;
    let (host, other) = (world.host().await?, world.host().await?);
    for _ in 0..2 {
        assert_ne!(host.call("look", json!({})).await?.result()?["isError"], true);
    }
    let limited = host.call("look", json!({})).await?.result()?;
    assert_eq!(limited["isError"], true);
    assert_eq!(limited["structuredContent"]["error"]["code"], "rate.limited");
    assert_eq!(limited["structuredContent"]["retry_after_seconds"], 10);
    assert_ne!(host.call("refused", json!({})).await?.result()?["structuredContent"]["error"]["code"], "rate.limited");
    assert_ne!(other.call("look", json!({})).await?.result()?["isError"], true, "somebody else's count is another");
    world.plane.clock.set(world.plane.clock.now().plus(Duration::from_secs(10)));
    assert_ne!(host.call("look", json!({})).await?.result()?["isError"], true);

    for _ in 0..8 {
        host.modern("prompts/list", json!({})).await?;
    }
    let limited = host.modern("prompts/list", json!({})).await?;
    assert_eq!((limited.status, limited.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "1"));
    assert_eq!(limited.code()?, -32000);
    world.stop().await;
    Ok(())
}

/// What was refused, as the log of calls has it: tool and how often.
async fn refused(world: &World) -> Result<Vec<(String, u64)>> {
    let filter = CallFilter { decision: Some(CallDecision::Limited), ..CallFilter::default() };
    let found = world.plane.control.mcp_calls(&world.admin, &filter, &PageRequest::default()).await?.items;
    ensure!(
        found.iter().all(|call| call.code.as_deref() == Some("rate.limited") && call.client == "a host"),
        "{found:?}"
    );
    let mut told: Vec<_> = found.into_iter().map(|call| (call.tool, call.times)).collect();
    told.sort();
    Ok(told)
}

#[tokio::test]
async fn what_a_limit_refuses_is_in_the_log_as_one_row_for_each_tool_and_credential() -> Result<()> {
    let world = World::with(|options| options.rates = NARROW).await?;
    let (host, other) = (world.host().await?, world.host().await?);
    for _ in 0..3 {
        other.call("refused", json!({})).await?;
    }
    let first = async {
        while refused(&world).await?.is_empty() {
            tokio::task::yield_now().await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(WRITTEN_EVERY, first).await.context("the first is written at once")??;
    for _ in 0..6 {
        host.call("look", json!({})).await?;
    }
    for _ in 0..6 {
        host.modern("prompts/list", json!({})).await?;
    }
    let door = host.call("look", json!({})).await?;
    assert_eq!(door.status, StatusCode::TOO_MANY_REQUESTS, "{door:?}");
    let unlisted = host.call("rm -rf", json!({})).await?;
    assert_eq!(unlisted.status, StatusCode::TOO_MANY_REQUESTS, "{unlisted:?}");
    // What was not written yet is written before the end.
    world.tasks.stop(Duration::from_secs(5)).await;
    let told = refused(&world).await?;
    let told: Vec<_> = told.iter().map(|(tool, times)| (tool.as_str(), *times)).collect();
    assert_eq!(told, [("?", 1), ("look", 5), ("prompts/list", 4), ("refused", 1)]);
    world.stop().await;
    Ok(())
}

#[tokio::test]
async fn requests_are_numbers_by_method_and_tool_and_nobody_makes_up_another() -> Result<()> {
    let world = World::with(|options| options.rates = NARROW).await?;
    let host = world.host().await?;
    for _ in 0..3 {
        host.call("look", json!({})).await?;
    }
    host.call("made_up", json!({})).await?;
    host.modern("made/up", json!({})).await?;
    host.open().await?;
    for _ in 0..3 {
        host.modern("prompts/list", json!({})).await?;
    }
    Host::new(world.address, String::new()).call("look", json!({})).await?;
    let reader = Host { path: "/metrics".to_owned(), ..Host::new(world.address, METRICS.to_owned()) };
    let told = reader.send("GET", &[], "").await?.text;
    for (labels, least) in [
        // One that is told to wait by the tool's own limit was answered all the same.
        (r#"method="tools/call",tool="look",status="200""#, 3),
        (r#"method="tools/call",tool="other",status="200""#, 1),
        (r#"method="other",tool="",status="404""#, 1),
        (r#"method="initialize",tool="",status="200""#, 1),
        (r#"method="prompts/list",tool="",status="429""#, 2),
        (r#"method="unknown",tool="",status="401""#, 1),
    ] {
        let start = format!("mcp_requests_total{{{labels}}} ");
        let count = told.lines().find_map(|line| line.strip_prefix(&start)?.parse::<u64>().ok());
        ensure!(count.is_some_and(|count| count >= least), "{labels}: {count:?} in {told}");
    }
    ensure!(told.contains("mcp_request_duration_seconds_count{method=\"tools/call\",tool=\"look\"} "), "{told}");
    ensure!(told.lines().any(|line| line.starts_with("mcp_sessions ")), "{told}");
    ensure!(!told.contains("made"), "{told}");
    world.stop().await;
    Ok(())
}

#[tokio::test]
async fn guessing_keys_is_limited_by_address() -> Result<()> {
    let world = World::start().await?;
    let narrow = super::world::listen_narrowly(&world.plane.control, &world.tasks, world.tools.clone()).await?;
    let mut statuses = Vec::new();
    for n in 0..4 {
        let host = Host::new(narrow, format!("sf_guess{n}"));
        statuses.push(host.call("look", json!({})).await?.status.as_u16());
    }
    assert_eq!(statuses, [401, 401, 429, 429]);
    let good = Host::new(narrow, world.key(None).await?);
    assert_eq!(good.call("look", json!({})).await?.status, StatusCode::OK, "a good key is not shut out");
    world.stop().await;
    Ok(())
}
