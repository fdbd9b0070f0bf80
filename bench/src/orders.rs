//! Orders: how long one takes from proposal to event, and how many there are in a second.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, stream};
use sf_actions::process::{ProcessAction, ProcessVerb};
use sf_actions::{Action, Actor};
use sf_bus::Topic;
use sf_bus::subscription::Delivery;
use sf_control::{Proposal, Proposed};
use sf_store::Scope;
use sf_testkit::Plane;
use sf_types::{AppId, NodeId};

use crate::line::{Line, Times};
use crate::rows;

/// Apps that orders go to, each on a node of its own.
const APPS: usize = 256;
/// Orders a second in the open loop.
const RATE: u32 = 50;
/// How long the open loop lasts.
const OPEN_LOOP: Duration = Duration::from_secs(20);
/// Orders in flight when counting.
pub const IN_FLIGHT: usize = 64;
/// How long orders are counted.
pub const COUNTING: Duration = Duration::from_secs(10);

/// Makes apps on the first nodes and deploys each once.
pub async fn apps(plane: &Plane, admin: &Actor, nodes: &[NodeId]) -> Result<Vec<AppId>> {
    let mut apps = Vec::new();
    for (n, node) in nodes.iter().take(APPS).enumerate() {
        apps.push(plane.app(admin, *node, &format!("app-{n}")).await?);
    }
    let deploy = |app: AppId| async move { plane.ended(plane.deploy(admin, app).await?).await };
    let runs: Vec<_> = stream::iter(apps.iter().copied().map(deploy)).buffer_unordered(IN_FLIGHT).collect().await;
    for run in runs {
        let run = run?;
        ensure!(run.fault.is_none(), "a first deploy failed: {:?}", run.fault);
    }
    Ok(apps)
}

/// One order: proposed, signed, sent, promised, carried out, recorded, told.
async fn order(plane: &Plane, admin: &Actor, app: AppId) -> Result<Duration> {
    let mut events = plane.control.bus().subscribe(Scope::Tenant(admin.tenant), [Topic::App(app)])?;
    let began = Instant::now();
    let restart = Action::Process(ProcessAction { app, verb: ProcessVerb::Restart });
    let proposed = plane.control.propose(admin, plane.request(), Proposal::of(restart)).await?;
    let Proposed::Open(run) = proposed else { anyhow::bail!("an order to a node is open at first") };
    let wanted = format!("\"id\":\"{}\"", run.id);
    loop {
        match events.next().await.context("the bus is open")? {
            Delivery::Event(event) if event.data.contains(&wanted) && event.data.contains("\"state\":\"done\"") => {
                ensure!(event.data.contains("\"done\":\"succeeded\""), "it did not succeed: {}", event.data);
                return Ok(began.elapsed());
            }
            Delivery::Event(_) => {}
            Delivery::Lagged(lagged) => anyhow::bail!("events were missed: {lagged:?}"),
        }
    }
}

/// Open loop: orders begin at their times, however long earlier ones take.
pub async fn round_trip(plane: &Plane, admin: &Actor, apps: &[AppId], fsync: &Times) -> Result<()> {
    let total = OPEN_LOOP.as_secs() as u32 * RATE;
    let began = Instant::now();
    let orders = (0..total).map(|n| async move {
        tokio::time::sleep_until((began + OPEN_LOOP * n / total).into()).await;
        order(plane, admin, apps[n as usize % apps.len()]).await
    });
    let times = stream::iter(orders).buffer_unordered(total as usize).collect::<Vec<_>>().await;
    let times = Times::new(times.into_iter().collect::<Result<_>>()?);
    Line::new("order", "round_trip_p50", times.at(500), "ms").peer(0.7).print()?;
    let promise = 4.0 * fsync.at(990) + 2.0;
    Line::new("order", "round_trip_p99", times.at(990), "ms").floor(promise).peer(2.9).print()?;
    Line::new("order", "measured", times.len() as f64, "orders").print()
}

/// Closed loop: always [`IN_FLIGHT`] orders, against a bare writer that commits the same rows.
pub async fn throughput(plane: &Plane, admin: &Actor, apps: &[AppId]) -> Result<()> {
    let (began, cpu, statements) = (Instant::now(), processor_time()?, plane.control.store().statements());
    let worker = |n: usize| async move {
        let mut done = 0_u64;
        for app in apps.iter().cycle().skip(n).step_by(IN_FLIGHT) {
            if began.elapsed() >= COUNTING {
                break;
            }
            order(plane, admin, *app).await?;
            done += 1;
        }
        anyhow::Ok(done)
    };
    let done: Vec<Result<u64>> = stream::iter((0..IN_FLIGHT).map(worker)).buffer_unordered(IN_FLIGHT).collect().await;
    let took = began.elapsed().as_secs_f64();
    let done: u64 = done.into_iter().sum::<Result<u64>>()?;
    let each = |total: f64| total / done as f64;
    Line::new("order", "processor_each", each((processor_time()? - cpu).as_secs_f64() * 1e6), "us").print()?;
    let statements = plane.control.store().statements() - statements;
    Line::new("order", "statements_each", each(statements as f64), "statements").print()?;
    let bare = rows::throughput(plane, admin, apps).await?;
    let rate = done as f64 / took;
    Line::new("order", "throughput", rate, "1/s").floor(bare / 2.0).peer(bare).print()?;
    Line::new("order", "of_bare_writer", 100.0 * rate / bare, "%").floor(50.0).print()
}

/// Time that this process has had on a processor, in the kernel and out of it.
fn processor_time() -> Result<Duration> {
    use nix::sys::resource::{UsageWho, getrusage};
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let of = |time: nix::sys::time::TimeVal| Duration::from_micros((time.tv_sec() * 1_000_000 + time.tv_usec()) as u64);
    Ok(of(usage.user_time()) + of(usage.system_time()))
}
