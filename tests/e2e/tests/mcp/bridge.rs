//! `serverflow mcp`: what a host that starts a program hears through it.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sf_testkit::plane::WAIT;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::host::{LEGACY, MODERN};
use super::world::World;

/// Beside the folder this test is in.
fn program() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let built = own.ancestors().nth(2).context("a target folder")?.join("serverflow");
    ensure!(built.is_file(), "{} is missing: make test-bins", built.display());
    Ok(built)
}

struct Bridge {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    _home: tempfile::TempDir,
}

impl Bridge {
    fn start(world: &World, token: &str) -> Result<Self> {
        let home = tempfile::tempdir()?;
        let mut command = Command::new(program()?);
        command.arg("mcp").env_clear().env("HOME", home.path()).current_dir(home.path());
        command.env("SERVERFLOW_URL", format!("http://{}", world.address));
        if !token.is_empty() {
            command.env("SERVERFLOW_TOKEN", token);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let input = child.stdin.take().context("an input")?;
        let output = BufReader::new(child.stdout.take().context("an output")?).lines();
        Ok(Self { child, input, output, _home: home })
    }

    async fn say(&mut self, message: Value) -> Result<()> {
        Ok(self.input.write_all(format!("{message}\n").as_bytes()).await?)
    }

    async fn hear(&mut self) -> Result<Value> {
        let line = tokio::time::timeout(WAIT, self.output.next_line()).await??.context("a line")?;
        Ok(serde_json::from_str(&line)?)
    }

    async fn ask(&mut self, message: Value) -> Result<Value> {
        self.say(message).await?;
        self.hear().await
    }

    /// Its input ends, and so does it; answers what it wrote for people.
    async fn end(mut self) -> Result<String> {
        drop(self.input);
        let status = tokio::time::timeout(WAIT, self.child.wait()).await??;
        let mut said = String::new();
        self.child.stderr.take().context("an error output")?.read_to_string(&mut said).await?;
        ensure!(status.success(), "{status}: {said}");
        Ok(said)
    }
}

fn request(id: u32, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

fn modern(id: u32, method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    request(id, method, params)
}

fn opening() -> Value {
    let client = json!({ "name": "a host", "version": "1" });
    request(1, "initialize", json!({ "protocolVersion": LEGACY, "capabilities": {}, "clientInfo": client }))
}

#[tokio::test]
async fn a_host_speaks_through_it_in_both_eras() -> Result<()> {
    let world = World::start().await?;
    let mut bridge = Bridge::start(&world, &world.key(None).await?)?;
    let found = bridge.ask(modern(1, "server/discover", json!({}))).await?;
    assert_eq!(found["result"]["supportedVersions"].as_array().map(Vec::len), Some(5), "{found}");
    let called = bridge.ask(modern(2, "tools/call", json!({ "name": "look", "arguments": {} }))).await?;
    assert_eq!((&called["id"], &called["result"]["structuredContent"]["status"]), (&json!(2), &json!("well")));
    assert!(bridge.end().await?.is_empty());

    let mut bridge = Bridge::start(&world, &world.key(None).await?)?;
    assert_eq!(bridge.ask(opening()).await?["result"]["protocolVersion"], LEGACY);
    bridge.say(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await?;
    let called = bridge.ask(request(2, "tools/call", json!({ "name": "look", "arguments": {} }))).await?;
    assert_eq!(called["result"]["structuredContent"]["status"], "well", "{called}");
    assert_eq!(bridge.ask(json!([])).await?["error"]["code"], -32700);
    assert!(bridge.end().await?.is_empty());
    world.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_session_that_is_over_is_opened_anew_without_the_hosts_doing() -> Result<()> {
    let world = World::with(|options| options.sessions_per_principal = 1).await?;
    let key = world.key(None).await?;
    let mut bridge = Bridge::start(&world, &key)?;
    bridge.ask(opening()).await?;
    bridge.say(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await?;
    bridge.ask(request(9, "ping", json!({}))).await?;
    // Another session of the same key ends this one.
    super::host::Host::new(world.address, key).open().await?;
    let called = bridge.ask(request(2, "tools/call", json!({ "name": "look", "arguments": {} }))).await?;
    assert_eq!(called["result"]["structuredContent"]["status"], "well", "{called}");
    bridge.end().await?;
    world.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_is_told_to_the_host_and_to_whoever_reads_along() -> Result<()> {
    let world = World::start().await?;
    let mut bridge = Bridge::start(&world, "sf_nonsense")?;
    let refused = bridge.ask(modern(7, "tools/list", json!({}))).await?;
    assert_eq!((&refused["id"], refused["error"]["code"].as_i64()), (&json!(7), Some(-32000)), "{refused}");
    let said = bridge.end().await?;
    assert!(said.contains("401") && said.contains("serverflow login"), "{said}");
    let nobody = Bridge::start(&world, "")?.child.wait_with_output().await?;
    let said = String::from_utf8_lossy(&nobody.stderr);
    assert!(!nobody.status.success() && said.contains("serverflow login"), "{said}");
    world.stop().await;
    Ok(())
}
