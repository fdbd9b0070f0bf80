//! What a call of a reading tool takes for an AI host, at the pace that is promised, and what the door takes in memory.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use serde_json::json;
use sf_actions::access::{AccessAction, CreateToken, SpeaksFor};
use sf_actions::{Action, Actor};
use sf_control::{Made, Proposed};
use sf_mcp::tools::{Options, Tools};
use sf_mcp::wire::{self, WireOptions};
use sf_runtime::Tasks;
use sf_testkit::Plane;
use tokio::time::Instant;

use crate::agents::resident_kb;
use crate::caller::{Caller, listen, listen_beside};
use crate::line::{Line, Times};

/// Calls a second.
const RATE: u32 = 200;
/// How long it is measured.
const SECONDS: u32 = 10;
/// Connections that they come by.
const CALLERS: usize = 16;
/// Calls before anything is measured.
const WARM: usize = 200;
/// Apps that are read about.
const APPS: usize = 20;
/// Within this 99 of 100 are answered, milliseconds.
const PROMISED: f64 = 20.0;
/// More than this the door does not take, megabytes.
const GROWTH: f64 = 10.0;

/// One tool, called at an even pace, whether the calls before have been answered or not.
pub async fn calls() -> Result<()> {
    let (plane, tasks) = (Plane::real_time(false).await?, Tasks::new());
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    for nth in 0..APPS {
        plane.app(&admin, node.id(), &format!("app-{nth}")).await?;
    }
    let key = key(&plane, &admin).await?;
    // What answering takes at all is not the door's: the same reads by REST come first, as often and as many at a time.
    let rest = listen(&plane.control, &tasks).await?;
    paced(async || Ok(Reader { caller: Caller::dial(rest).await?, credential: credential(&key) })).await?;
    let before = resident_kb()?;
    let address = listen_beside(&plane.control, &tasks, |address| {
        let public_url = format!("http://{address}");
        let tools = Tools::new(plane.control.clone(), Options { public_url: public_url.clone() });
        wire::router(plane.control.clone(), tools, WireOptions::new(tasks.clone(), public_url))
    })
    .await?;
    let mut first = Host::dial(address, &key).await?;
    for _ in 0..WARM {
        first.call().await?;
    }
    let times = paced(async || Host::dial(address, &key).await).await?;
    let growth = (resident_kb()? - before) / 1000.0;
    Line::new("mcp", "call_p50", times.at(500), "ms").print()?;
    Line::new("mcp", "call_p99", times.at(990), "ms").floor(PROMISED).note(format!("{RATE} calls/s")).print()?;
    let note = "beyond what the same reads by REST take";
    Line::new("mcp", "resident_growth", growth, "MB").floor(GROWTH).note(note).print()?;
    tasks.stop(Duration::from_secs(5)).await;
    plane.stop().await;
    Ok(())
}

/// Somebody who asks again and again.
trait Asks {
    async fn call(&mut self) -> Result<()>;
}

/// From the moment each call was due to its answer.
async fn paced<A: Asks>(dial: impl AsyncFn() -> Result<A>) -> Result<Times> {
    let (start, total) = (Instant::now(), (RATE * SECONDS) as usize);
    let caller = async |nth: usize| -> Result<Vec<Duration>> {
        let mut host = dial().await?;
        let mut times = Vec::new();
        for call in (nth..total).step_by(CALLERS) {
            let due = start + Duration::from_secs(1) * u32::try_from(call)? / RATE;
            // tidy: sleep because the pace is what is promised
            tokio::time::sleep_until(due).await;
            host.call().await?;
            times.push(due.elapsed());
        }
        Ok(times)
    };
    let all = futures_util::future::try_join_all((0..CALLERS).map(caller)).await?;
    Ok(Times::new(all.into_iter().flatten().collect()))
}

/// A key by which an AI speaks.
async fn key(plane: &Plane, admin: &Actor) -> Result<String> {
    let Ok(name) = "a host".parse() else { bail!("a name") };
    let create = CreateToken { name, days: 1, scopes: None, addresses: None, project: None, speaks_for: SpeaksFor::Ai };
    match plane.propose(admin, Action::Access(AccessAction::CreateToken(create))).await? {
        Proposed::Done(_, Made::Token { text, .. }) => Ok(text),
        other => bail!("expected a key, got {other:?}"),
    }
}

fn credential(key: &str) -> String {
    format!("Authorization: Bearer {key}\r\n")
}

/// What the tool reads, by REST.
struct Reader {
    caller: Caller,
    credential: String,
}

impl Asks for Reader {
    async fn call(&mut self) -> Result<()> {
        for path in ["/api/v1/apps", "/api/v1/nodes", "/api/v1/runs"] {
            let answer = self.caller.ask("GET", path, &self.credential, "").await?;
            ensure!(answer.starts_with("HTTP/1.1 200"), "it answered {answer}");
        }
        Ok(())
    }
}

/// A host of today.
struct Host {
    caller: Caller,
    headers: String,
    body: String,
}

impl Host {
    async fn dial(address: SocketAddr, key: &str) -> Result<Self> {
        let version = "2026-07-28";
        let headers = format!(
            "Authorization: Bearer {key}\r\nAccept: application/json, text/event-stream\r\n\
             MCP-Protocol-Version: {version}\r\nMcp-Method: tools/call\r\nMcp-Name: overview\r\n"
        );
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": version,
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let params = json!({ "name": "overview", "arguments": {}, "_meta": meta });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
        Ok(Self { caller: Caller::dial(address).await?, headers, body })
    }
}

impl Asks for Host {
    async fn call(&mut self) -> Result<()> {
        let answer = self.caller.ask("POST", wire::PATH, &self.headers, &self.body).await?;
        let is_good = answer.starts_with("HTTP/1.1 200") && !answer.contains("\"isError\":true");
        ensure!(is_good, "it answered {answer}");
        Ok(())
    }
}
