//! `wrk`, paced: each connection waits a little between two requests, so that the load is the same however fast the answers
//! come.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;
use tokio::process::{Child, Command};

/// Connections that ask.
const CONNECTIONS: u32 = 16;
/// What each waits between two requests, milliseconds: 16 connections, some 1,500 requests a second.
const PAUSE: u32 = 10;
/// An upper bound for what asks until it is told to end.
const LONGEST: Duration = Duration::from_secs(3600);

/// Where to ask.
#[derive(Debug)]
pub struct Load {
    url: String,
    host: String,
    script: PathBuf,
}

/// What came of it.
#[derive(Clone, Debug, Deserialize)]
pub struct Answers {
    pub requests: u64,
    /// Milliseconds that 99 of 100 answers stayed within.
    pub p99: f64,
    pub failed: u64,
    connect: u64,
    read: u64,
    write: u64,
    status: u64,
    timeout: u64,
}

impl Answers {
    /// For people.
    pub fn what_failed(&self) -> String {
        let Self { connect, read, write, status, timeout, .. } = self;
        format!("connect {connect}, read {read}, write {write}, status {status}, timeout {timeout}")
    }
}

impl Load {
    /// At `port`, for `host`; `folder` is for its script.
    pub fn at(port: u16, host: &str, folder: &Path) -> Result<Self> {
        let script = folder.join("load.lua");
        let text = format!(
            "function delay() return {PAUSE} end\n\
             function done(summary, latency, requests)\n\
               local e = summary.errors\n\
               local failed = e.connect + e.read + e.write + e.status + e.timeout\n\
               io.write(string.format('{{\"requests\":%d,\"p99\":%.3f,\"failed\":%d,\"connect\":%d,\"read\":%d,\"write\":%d,\"status\":%d,\"timeout\":%d}}\\n',\n\
                 summary.requests, latency:percentile(99) / 1000, failed, e.connect, e.read, e.write, e.status, e.timeout))\n\
             end\n"
        );
        std::fs::write(&script, text)?;
        Ok(Self { url: format!("http://127.0.0.1:{port}/"), host: format!("Host: {host}"), script })
    }

    fn start(&self, time: Duration) -> Result<Asking> {
        let child = Command::new("wrk")
            .args(["-t", "1", "-c", &CONNECTIONS.to_string(), "-d", &format!("{}s", time.as_secs())])
            .args(["--timeout", "10s", "-s"])
            .arg(&self.script)
            .args(["-H", &self.host, &self.url])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        Ok(Asking(child.context("wrk (Debian package `wrk`)")?))
    }

    /// Asks for so long.
    pub async fn ask(&self, time: Duration) -> Result<Answers> {
        self.start(time)?.answers().await
    }

    /// Asks until it is told to end.
    pub fn begin(&self) -> Result<Asking> {
        self.start(LONGEST)
    }
}

/// A `wrk` at work.
#[derive(Debug)]
pub struct Asking(Child);

impl Asking {
    async fn answers(self) -> Result<Answers> {
        let done = self.0.wait_with_output().await?;
        let text = String::from_utf8_lossy(&done.stdout);
        ensure!(done.status.success(), "wrk failed: {text}");
        let line = text.lines().rfind(|line| line.starts_with('{')).context("wrk says what came of it")?;
        Ok(serde_json::from_str(line)?)
    }

    /// Ends it.
    pub async fn end(self) -> Result<Answers> {
        let pid = self.0.id().context("it still asks")?;
        kill(Pid::from_raw(pid.cast_signed()), Signal::SIGINT)?;
        self.answers().await
    }
}

/// The one in the middle, by its slowest hundredth.
pub fn median(mut seen: Vec<Answers>) -> Answers {
    seen.sort_by(|a, b| a.p99.total_cmp(&b.p99));
    seen.swap_remove(seen.len() / 2)
}
