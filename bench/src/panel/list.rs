//! A list of very many servers, as the dashboard asks for it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sf_runtime::Tasks;
use sf_testkit::Plane;
use sf_testkit::people::PASSWORD;

use super::desk::text;
use crate::caller::{Caller, data, listen, sign_in};
use crate::line::{Line, Times};

/// Servers.
const SERVERS: usize = 10_000;
/// Connections that make them.
const AT_ONCE: usize = 16;
/// Readings of each.
const READS: usize = 200;
/// Within this a list opens.
const PROMISED_MS: f64 = 50.0;

/// A page, a search and a filter over all of them.
pub async fn measure() -> Result<()> {
    let (plane, tasks) = (Plane::real_time(false).await?, Tasks::new());
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?.id();
    let address = listen(&plane.control, &tasks).await?;
    let token = sign_in(address, "admin@example.org", PASSWORD).await?;
    let credential = format!("Authorization: Bearer {token}\r\n");
    let maker = Maker { address, credential, node: node.to_string(), alt: String::new() };
    let ctrl = text(&maker.post("/ctrls", json!({ "name": "Bench" })).await?["id"])?;
    let made = maker.post("/alts", json!({ "ctrlId": ctrl, "document": document() })).await?;
    let maker = Maker { alt: text(&made["alt"]["id"])?, ..maker };
    let shares = (0..AT_ONCE).map(|share| maker.fill(share));
    futures_util::future::try_join_all(shares).await?;
    let mut caller = Caller::dial(address).await?;
    Line::new("panel", "servers", SERVERS as f64, "servers").print()?;
    let looks = [
        ("list_p99", "/servers?limit=50", 50),
        ("list_of_200_p99", "/servers?limit=200", 200),
        ("list_search_p99", "/servers?q=er-099&limit=50", 50),
        ("list_stopped_p99", "/servers?state=stopped&limit=50", 50),
        ("overview_p99", "/monitoring/overview", 0),
    ];
    for (name, path, rows) in looks {
        let mut times = Vec::with_capacity(READS);
        for _ in 0..READS {
            let began = Instant::now();
            let answer = caller.ask("GET", &format!("/api/v1{path}"), &maker.credential, "").await?;
            times.push(began.elapsed());
            let found = data(&answer)?;
            ensure!(rows == 0 || found.as_array().is_some_and(|found| found.len() == rows), "{path} is not whole");
        }
        Line::new("panel", name, Times::new(times).at(990), "ms").floor(PROMISED_MS).print()?;
    }
    tasks.stop(Duration::from_secs(5)).await;
    plane.stop().await;
    Ok(())
}

struct Maker {
    address: SocketAddr,
    credential: String,
    node: String,
    alt: String,
}

impl Maker {
    async fn post(&self, path: &str, body: Value) -> Result<Value> {
        self.ask(&mut Caller::dial(self.address).await?, path, &body).await
    }

    async fn ask(&self, caller: &mut Caller, path: &str, body: &Value) -> Result<Value> {
        data(&caller.ask("POST", &format!("/api/v1{path}"), &self.credential, &body.to_string()).await?)
            .with_context(|| format!("POST {path}"))
    }

    async fn fill(&self, share: usize) -> Result<()> {
        let mut caller = Caller::dial(self.address).await?;
        for n in (share..SERVERS).step_by(AT_ONCE) {
            let wanted = json!({ "name": format!("server-{n:05}"), "altId": self.alt, "nodeId": self.node, "ports": 0, "install": false });
            self.ask(&mut caller, "/servers", &wanted).await?;
        }
        Ok(())
    }
}

fn document() -> Value {
    json!({
        "alt": 1, "name": "Keeper", "slug": "keeper", "runtime": "process", "variables": [],
        "startups": [{ "label": "Default", "run": { "kind": "argv", "argv": ["/usr/bin/sleep", "1000000"] } }],
        "ready": { "lines": [], "within": 60_000 },
        "stop": { "kind": "signal", "signal": "SIGTERM", "grace": 5_000 },
    })
}
