//! What a host gets wrong is told to the host, and does not fill our own log.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, ensure};
use serde_json::json;
use sf_mcp::wire::LIBRARY;
use sf_runtime::telemetry::quieter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::world::World;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Everything of a host's own making, in both eras.
async fn mistaken(world: &World) -> Result<()> {
    let host = world.host().await?;
    let session = host.open().await?;
    let unknown = json!({ "name": "no_such_tool", "arguments": {} });
    ensure!(host.modern("tools/call", unknown.clone()).await?.code()? == -32602);
    ensure!(host.legacy(&session, "tools/call", unknown).await?.code()? == -32602);
    ensure!(host.modern("resources/read", json!({ "uri": "serverflow://no" })).await?.code()? == -32602);
    ensure!(host.modern("prompts/get", json!({ "name": "no" })).await?.code()? == -32602);
    ensure!(host.modern("made/up", json!({})).await?.code()? == -32601);
    Ok(())
}

#[tokio::test]
async fn a_name_that_is_no_tool_leaves_no_line_in_our_log() -> Result<()> {
    // The first is what there would be: without it nobody would notice when there is nothing to silence any more.
    for (filter, is_loud) in [("info".to_owned(), true), (quieter("info", LIBRARY), false)] {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(&filter)).with_writer(log.clone());
        let guard = tracing::subscriber::set_default(subscriber.finish());
        let world = World::ours().await?;
        mistaken(&world).await?;
        world.stop().await;
        drop(guard);
        let said = log.text();
        ensure!(said.contains("no_such_tool") == is_loud && said.contains("rmcp") == is_loud, "{filter}: {said}");
        ensure!(is_loud || !said.contains("WARN"), "{filter}: {said}");
    }
    Ok(())
}
