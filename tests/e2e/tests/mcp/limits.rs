//! How often, and what is counted.

use std::time::Duration;

use anyhow::Result;
use http::StatusCode;
use serde_json::json;
use sf_mcp::wire::{Rate, Rates};

use super::host::Host;
use super::world::World;

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
