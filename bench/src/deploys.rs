//! Deploys that nobody shall notice: the programs as they are released, a real nginx, and `wrk` asking all the time.
//!
//! One `wrk` asks from the first deploy to the last and counts what failed. Another asks for [`WINDOW`] at a time: while nothing
//! happens, while a release is switched, while a build takes all it can get.

mod greed;
mod load;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use self::load::{Answers, Load};
use crate::house::{self, Ended, House};
use crate::line::{Line, Times};

/// Deploys in a row, unless `BENCH_DEPLOYS` says otherwise.
const DEPLOYS: usize = 50;
/// Of so many one fails.
const FAILING: usize = 5;
/// What they fail by: a check that is never passed, a crash after five seconds.
const BROKEN: [&str; 2] = ["broken-health", "crash-after-start"];
/// How long one window is looked at: a switch with what comes before and after.
const WINDOW: Duration = Duration::from_secs(2);
/// Windows in which nothing happens.
const STEADY: usize = 10;
/// How much slower the slowest hundredth may be than while nothing happens.
const TIMES_STEADY: f64 = 2.0;
/// Deploys of different apps at the same time.
const AT_ONCE: usize = 100;

/// Measures with these programs.
pub async fn measure(program: &Path, agent: &Path) -> Result<()> {
    let house = House::start(program, agent).await?.with_nginx().await?;
    let load = Load::at(house.proxy, house::DOMAIN, house.folder.path())?;
    let steady = windows(&load, STEADY).await?;
    Line::new("deploy", "p99_steady", steady.p99, "ms").print()?;
    in_a_row(&house, &load).await?;
    greed::measure(&house, &load, &steady).await?;
    side_by_side(&house).await
}

/// The median of windows in which nothing happens.
async fn windows(load: &Load, count: usize) -> Result<Answers> {
    let mut seen = Vec::with_capacity(count);
    for _ in 0..count {
        seen.push(load.ask(WINDOW).await?);
    }
    Ok(load::median(seen))
}

async fn in_a_row(house: &House, load: &Load) -> Result<()> {
    let count = sf_runtime::env::var("BENCH_DEPLOYS").map_or(Ok(DEPLOYS), |text| text.parse())?;
    let always = load.begin()?;
    // With whom asks all the time: what differs between these windows and those of a switch is the switch.
    let steady = windows(load, STEADY).await?;
    Line::new("deploy", "p99_steady_of_both", steady.p99, "ms").print()?;
    let (mut overheads, mut switches, mut returns) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..count {
        let broken = (n % FAILING == FAILING - 1).then(|| BROKEN[n / FAILING % BROKEN.len()]);
        let (window, ended) = tokio::join!(load.ask(WINDOW), house.deploy(house::APP, broken.unwrap_or("main")));
        let ended = ended?;
        match broken {
            None => {
                ensure!(ended.succeeded, "a deploy failed: {}", ended.why);
                overheads.push(ended.until_healthy().context("a step Health")?);
            }
            Some(branch) => {
                ensure!(!ended.succeeded, "the branch {branch} went live");
                returns.extend(ended.return_took());
            }
        }
        switches.push(window?);
    }
    let all = always.end().await?;
    Line::new("deploy", "deploys", count as f64, "deploys").note("one in five fails").print()?;
    Line::new("deploy", "requests", all.requests as f64, "requests").print()?;
    Line::new("deploy", "failed_requests", all.failed as f64, "requests").floor(0.0).note(all.what_failed()).print()?;
    let switch = load::median(switches);
    let (p99, promise) = (switch.p99, steady.p99 * TIMES_STEADY);
    Line::new("deploy", "p99_during_a_switch", p99, "ms").floor(promise).print()?;
    let overheads = Times::new(overheads);
    Line::new("deploy", "until_healthy_p50", overheads.at(500), "ms").floor(500.0).print()?;
    Line::new("deploy", "until_healthy_p99", overheads.at(990), "ms").print()?;
    if !returns.is_empty() {
        let returns = Times::new(returns);
        Line::new("deploy", "return_p99", returns.at(990), "ms")
            .floor(1000.0)
            .note("from seen to served again")
            .print()?;
    }
    Ok(())
}

/// As many apps, each deployed for the first time, all at once.
async fn side_by_side(house: &House) -> Result<()> {
    let names: Vec<String> = (0..AT_ONCE).map(|n| format!("crowd-{n}")).collect();
    for name in &names {
        house.create(name).await?;
    }
    let began = Instant::now();
    let ended = futures_util::future::try_join_all(names.iter().map(|name| house.deploy(name, "main"))).await?;
    let took = began.elapsed().as_secs_f64();
    let bad: Vec<&Ended> = ended.iter().filter(|ended| !ended.succeeded).collect();
    ensure!(bad.is_empty(), "{} of {AT_ONCE} failed, the first: {}", bad.len(), bad[0].why);
    let note = "ten seconds of it are the watch of each";
    Line::new("deploy", "hundred_at_once", took, "s").note(note).print()
}
