//! A build that takes all it can get, beside an app that serves: within the limits that builds have, and, to compare, as a bare
//! program without any.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use super::load::{Answers, Load, median};
use super::{TIMES_STEADY, WINDOW};
use crate::house::House;
use crate::line::Line;

/// Windows looked at.
const WINDOWS: usize = 6;
/// Eight that compute, and one that fills memory until it may have no more: after half a minute, where that is 2 GiB.
const GREEDY: &str = "
const { Worker } = require('node:worker_threads');
for (let n = 0; n < 8; n += 1) new Worker('for (;;) {}', { eval: true });
const held = [];
setInterval(() => { if (held.length < 40) held.push(Buffer.alloc(64 * 1024 * 1024, 1)); }, 1000);
setTimeout(() => process.exit(1), 60000);
";
const SETTINGS: &str = "builder = \"node\"\nbuild = [\"node\", \"greedy.js\"]\nstart = [\"node\", \"server.js\"]\n";

pub async fn measure(house: &House, load: &Load, steady: &Answers) -> Result<()> {
    let source = house.commit("greedy", &[("greedy.js", GREEDY), ("serverflow.app.toml", SETTINGS)]).await?;
    let mut bare = Command::new("node");
    let mut bare = bare.arg(source.join("greedy.js")).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    bare = bare.current_dir(&source);
    let mut bare = bare.spawn().context("node")?;
    let without = windows(load).await?;
    bare.kill().await?;
    house.create("greedy").await?;
    let build = house.deploy("greedy", "greedy");
    tokio::pin!(build);
    let within = tokio::select! {
        within = windows(load) => within?,
        ended = &mut build => anyhow::bail!("the build ended before it was looked at: {}", ended?.why),
    };
    let ended = build.await?;
    ensure!(!ended.succeeded, "a build that takes everything went live");
    let promise = steady.p99 * TIMES_STEADY;
    let line = Line::new("deploy", "p99_beside_a_greedy_build", within.p99, "ms").floor(promise).peer(without.p99);
    line.note(ended.why).print()?;
    Line::new("deploy", "failed_beside_a_greedy_build", within.failed as f64, "requests").floor(0.0).print()
}

async fn windows(load: &Load) -> Result<Answers> {
    // Until all of it computes.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut seen = Vec::with_capacity(WINDOWS);
    for _ in 0..WINDOWS {
        seen.push(load.ask(WINDOW).await?);
    }
    let failed = seen.iter().map(|answers| answers.failed).sum();
    let mut answers = median(seen);
    answers.failed = failed;
    Ok(answers)
}
