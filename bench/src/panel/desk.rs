//! Where the panel is worked at: REST with a key, and what is made of templates.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::caller::{Caller, data};
use crate::house::House;

/// How long a run may take.
const WITHIN: Duration = Duration::from_secs(120);
/// Between two looks at what tells nobody who does not listen.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// An installation, and a key for it.
#[derive(Debug)]
pub struct Desk {
    pub address: SocketAddr,
    pub key: String,
    /// The machine.
    pub node: String,
    ctrl: String,
}

impl Desk {
    pub async fn open(house: &House) -> Result<Self> {
        let made = house.json(&["keys", "create", "bench"]).await?;
        let key = made["secret"].as_str().context("a key")?.to_owned();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, house.port()));
        let mut desk = Self { address, key, node: String::new(), ctrl: String::new() };
        desk.node = text(&desk.get("/nodes").await?[0]["id"])?;
        desk.ctrl = text(&desk.post("/ctrls", json!({ "name": "Bench" })).await?["id"])?;
        Ok(desk)
    }

    /// What goes with each request.
    pub fn credential(&self) -> String {
        format!("Authorization: Bearer {}\r\n", self.key)
    }

    pub async fn get(&self, path: &str) -> Result<Value> {
        let path = format!("/api/v1{path}");
        data(&Caller::dial(self.address).await?.ask("GET", &path, &self.credential(), "").await?)
    }

    /// A page of a list, and where the next one begins.
    pub async fn page(&self, path: &str) -> Result<(Vec<Value>, Option<String>)> {
        let path = format!("/api/v1{path}");
        let answer = Caller::dial(self.address).await?.ask("GET", &path, &self.credential(), "").await?;
        let rows = data(&answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").context("an answer")?;
        let next = serde_json::from_str::<Value>(body)?["meta"]["page"]["next"].as_str().map(str::to_owned);
        Ok((rows.as_array().cloned().unwrap_or_default(), next))
    }

    pub async fn post(&self, path: &str, body: Value) -> Result<Value> {
        let path = format!("/api/v1{path}");
        let mut caller = Caller::dial(self.address).await?;
        data(&caller.ask("POST", &path, &self.credential(), &body.to_string()).await?)
    }

    /// A template whose process is `argv`; `script` installs it. Answers its id.
    pub async fn alt(&self, slug: &str, argv: &[&str], script: Option<&str>, ready: Option<&str>) -> Result<String> {
        let ready: Vec<Value> = ready.into_iter().map(|text| json!({ "kind": "text", "text": text })).collect();
        let mut document = json!({
            "alt": 1, "name": slug, "slug": slug, "runtime": "process", "variables": [],
            "startups": [{ "label": "Default", "run": { "kind": "argv", "argv": argv } }],
            "ready": { "lines": ready, "within": 60_000 },
            "stop": { "kind": "signal", "signal": "SIGTERM", "grace": 5_000 },
        });
        if let Some(script) = script {
            document["install"] = json!({ "entrypoint": "/bin/sh", "script": script });
        }
        let made = self.post("/alts", json!({ "ctrlId": self.ctrl, "document": document })).await?;
        text(&made["alt"]["id"])
    }

    /// Makes a server and waits until it is installed. Answers its id.
    pub async fn server(&self, name: &str, alt: &str) -> Result<String> {
        let wanted = json!({ "name": name, "altId": alt, "nodeId": self.node, "ports": 0, "settings": {} });
        let server = text(&self.post("/servers", wanted).await?["id"])?;
        self.until("it is installed", &server, |server| server["install"] == "installed").await?;
        Ok(server)
    }

    /// Begins something with its process.
    pub async fn power(&self, server: &str, verb: &str) -> Result<()> {
        self.post(&format!("/servers/{server}/power"), json!({ "verb": verb })).await.map(drop)
    }

    /// Waits until a server is so.
    pub async fn until(&self, what: &str, server: &str, is_so: impl Fn(&Value) -> bool) -> Result<()> {
        let end = Instant::now() + WITHIN;
        loop {
            let now = self.get(&format!("/servers/{server}")).await?;
            if is_so(&now) {
                return Ok(());
            }
            if Instant::now() > end {
                bail!("{what}: not within {WITHIN:?}: {now}");
            }
            // tidy: sleep because this is preparation, and nobody's time is measured
            sleep(LOOK_EVERY).await;
        }
    }
}

/// A text of an answer.
pub fn text(value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).with_context(|| format!("a text, and not {value}"))
}
