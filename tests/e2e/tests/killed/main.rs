//! A control plane as a process of its own, killed with SIGKILL at each durable boundary of what it is asked to do, and
//! started again over the same folder. Whatever line it died on: every run ends, ends as the node says, and the node
//! did it once.
//!
//! The boundaries are counted: a deed is repeated with the kill at the first commit, the second, and so on until it
//! gets through alive. `SF_FULL=1` sweeps every deed at every point; otherwise a few.

mod process;
mod victim;
mod workflows;
mod world;

use anyhow::{Context, Result, ensure};
use sf_testkit::Script;
use sf_types::AppId;

use crate::world::World;

/// Where a batch of writes can be cut off.
const POINTS: [&str; 3] = ["store::commit::before", "store::commit::after", "store::reply::before"];
/// Commits of one deed at the most; more means that it does not end.
const MAX_COMMITS: u32 = 40;

/// Does `deed` with a kill at the first, second, ... commit of `points`, until it survives.
async fn sweep<F>(points: &[&str], script: Script, deed: F) -> Result<()>
where
    F: AsyncFn(&mut World, AppId) -> Result<()>,
{
    let mut world = World::new(script).await?;
    let app = world.app;
    for point in points {
        for commits in 0.. {
            ensure!(commits < MAX_COMMITS, "{point} never survives");
            world.arm(point, commits).await?;
            // Cut off in the middle, it cannot say how it went.
            drop(deed(&mut world, app).await);
            let survived = world.settled().await.with_context(|| format!("killed at {point}, commit {commits}"))?;
            if survived {
                break;
            }
        }
    }
    world.stop().await
}

/// All of them where time does not matter.
fn some_of(points: &'static [&'static str]) -> &'static [&'static str] {
    if sf_runtime::env::var("SF_FULL").is_some() { &POINTS } else { points }
}

#[tokio::test]
async fn a_deploy_is_done_once_whenever_the_control_plane_dies() -> Result<()> {
    sweep(some_of(&POINTS[..2]), Script::Succeed, async |world, app| {
        let run = world.ask(&format!("deploy {app}")).await?;
        world.ask(&format!("ended {run}")).await.map(drop)
    })
    .await
}

#[tokio::test]
async fn an_approved_run_is_done_once_whenever_the_control_plane_dies() -> Result<()> {
    sweep(some_of(&POINTS[1..2]), Script::Succeed, async |world, app| {
        let run = match world.waiting().await? {
            Some(run) => run.to_string(),
            None => world.ask(&format!("propose {app}")).await?,
        };
        world.ask(&format!("approve {run}")).await?;
        world.pass(5_000).await?;
        world.ask(&format!("ended {run}")).await.map(drop)
    })
    .await
}

#[tokio::test]
async fn a_run_is_cancelled_once_whenever_the_control_plane_dies() -> Result<()> {
    sweep(some_of(&POINTS[1..2]), Script::UntilStopped, async |world, app| {
        let run = match world.open().await? {
            Some(run) => run.to_string(),
            None => world.ask(&format!("deploy {app}")).await?,
        };
        world.ask(&format!("working {run}")).await?;
        world.ask(&format!("cancel {run}")).await?;
        world.ask(&format!("ended {run}")).await.map(drop)
    })
    .await
}
