//! Measures the promises of the control plane and prints one JSON line a result:
//! `{"bench","metric","value","unit","floor"?,"peer"?,"note"?}`. `floor` is what is promised, computed from this machine's own
//! disk and loopback in the same run; `peer` is what a bare program does.
//!
//! Simulated agents live in a second process, started from this very binary as `sf-bench agents`. `sf-bench orders`
//! measures orders alone, `sf-bench sign-in` what a flood of sign-ins costs everybody else, `sf-bench audit` the
//! verification of the audit chain, `sf-bench authority` deciding about a request, `sf-bench policy` admitting an AI's
//! proposal, `sf-bench inbox` opening an inbox of 10,000 cards, `sf-bench mcp` a call of an AI host's reading
//! tool at the promised pace, `sf-bench memory` what a plain connection takes, `sf-bench deploy` what users of an app notice of its deploys, with the
//! released programs, nginx and wrk, `sf-bench panel` what the panel promises, with the released programs, `sf-bench workflow` workflows whose steps do nothing: within
//! the process on SQLite, over HTTP, and on PostgreSQL, each in a process of its own (`sf-bench workflow sqlite`, `http`,
//! `postgres`).

mod agents;
mod audit;
mod deciding;
mod deploys;
mod gauge;
mod inbox;
mod mcp;
mod orders;
mod panel;
mod sign_in;
mod swarm;
mod workflows;

use anyhow::{Context, Result, ensure};
use sf_testkit::Plane;

use crate::agents::Agents;
use crate::gauge::{caller, floors, house, line, rows};
use crate::line::Line;

/// Agents that connect unless `BENCH_AGENTS` says otherwise; 15,000 is the promise, 2,000 fits a coffee break.
const AGENTS: usize = 2_000;
/// Agents where only orders are measured: one for each app.
const FEW: usize = 256;

fn main() -> Result<()> {
    raise_open_files()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match std::env::args().nth(1).as_deref() {
        Some("agents") => runtime.block_on(swarm::run()),
        Some("tls") => runtime.block_on(secured()),
        Some("sign-in") => runtime.block_on(sign_in::flood()),
        Some("audit") => audit::verify_rate(),
        Some("authority") => deciding::authority::decisions(),
        Some("policy") => deciding::policy::admissions(),
        Some("inbox") => runtime.block_on(inbox::opens()),
        Some("mcp") => runtime.block_on(mcp::calls()),
        Some("workflow") => runtime.block_on(workflows::measure(std::env::args().nth(2).as_deref())),
        Some("deploy") => runtime.block_on(deploys::measure(&argument(2)?, &argument(3)?)),
        Some("panel") => {
            let part = std::env::args().nth(4);
            runtime.block_on(panel::measure(&argument(2)?, &argument(3)?, part.as_deref()))
        }
        Some("memory") => runtime.block_on(memory()),
        Some("orders") => runtime.block_on(orders_only()),
        _ => runtime.block_on(measure()),
    }
}

fn argument(n: usize) -> Result<std::path::PathBuf> {
    std::env::args_os()
        .nth(n)
        .map(Into::into)
        .context("this part wants the programs `serverflow` and `serverflow-agent`")
}

async fn measure() -> Result<()> {
    let fsync = floors::disk().await?;
    floors::loopback().await?;
    // First, while this process has held nothing else: what it keeps afterwards would count as the control plane's.
    plain(count()?, &fsync).await?;
    sign_in::flood().await?;
    deciding::authority::decisions()?;
    deciding::policy::admissions()?;
    inbox::opens().await?;
    audit::verify_rate()?;
    // In a process of its own: memory that the first part gave back would hide what these connections take.
    let done = tokio::process::Command::new(std::env::current_exe()?).arg("tls").status().await?;
    ensure!(done.success(), "the part with TLS failed: {done}");
    Ok(())
}

fn count() -> Result<usize> {
    let wanted = sf_runtime::env::var("BENCH_AGENTS");
    wanted.map_or(Ok(AGENTS), |text| text.parse()).context("BENCH_AGENTS is no number")
}

/// Everything but TLS: memory of a connection, orders, the storm.
async fn plain(count: usize, fsync: &line::Times) -> Result<()> {
    let plane = Plane::real_time(false).await?;
    Line::new("control", "resident_idle", agents::resident_kb()? / 1024.0, "MB").floor(40.0).print()?;
    let admin = plane.admin().await?;
    let mut swarm = Agents::start(&plane, count).await?;
    let memory = agents::connect(&plane, &mut swarm, count).await?;
    Line::new("agents", "connected", plane.control.connected() as f64, "agents").floor(count as f64).print()?;
    Line::new("agents", "memory_each", memory, "KB").floor(12.0).print()?;
    let apps = orders::apps(&plane, &admin, swarm.nodes()).await?;
    orders::round_trip(&plane, &admin, &apps, fsync).await?;
    orders::throughput(&plane, &admin, &apps).await?;
    agents::storm(&plane, &admin, &mut swarm, count).await?;
    swarm.stop().await?;
    plane.stop().await;
    Ok(())
}

/// Memory of plain connections alone.
async fn memory() -> Result<()> {
    let count = count()?;
    let plane = Plane::real_time(false).await?;
    plane.admin().await?;
    let mut swarm = Agents::start(&plane, count).await?;
    let memory = agents::connect(&plane, &mut swarm, count).await?;
    Line::new("agents", "memory_each", memory, "KB").floor(12.0).print()?;
    swarm.stop().await?;
    plane.stop().await;
    Ok(())
}

/// Orders alone, with few agents: for whoever makes them faster.
async fn orders_only() -> Result<()> {
    let fsync = floors::disk().await?;
    let plane = Plane::real_time(false).await?;
    let admin = plane.admin().await?;
    let mut swarm = Agents::start(&plane, FEW).await?;
    agents::connect(&plane, &mut swarm, FEW).await?;
    let apps = orders::apps(&plane, &admin, swarm.nodes()).await?;
    // Before the count, whose rows use up what one principal may open in a minute.
    orders::round_trip(&plane, &admin, &apps, &fsync).await?;
    orders::throughput(&plane, &admin, &apps).await?;
    swarm.stop().await?;
    plane.stop().await;
    Ok(())
}

/// Memory of a connection with TLS 1.3.
async fn secured() -> Result<()> {
    let count = count()?;
    let plane = Plane::real_time(true).await?;
    let mut swarm = Agents::start(&plane, count).await?;
    let memory = agents::connect(&plane, &mut swarm, count).await?;
    Line::new("agents", "memory_each_tls", memory, "KB").floor(32.0).print()?;
    swarm.stop().await?;
    plane.stop().await;
    Ok(())
}

/// As many open files as the machine allows: each agent is one here and one in the second process.
fn raise_open_files() -> Result<()> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?)
}
