//! The process that is killed: a whole control plane with its API, whose time goes on from where it is told.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use sf_api::rate::Rates;
use sf_api::{ApiOptions, Serving};
use sf_runtime::{OnError, Rate, Tasks};
use sf_testkit::Plane;
use sf_types::Timestamp;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;

use super::moment::Time;
use super::world::open;
use crate::process::{arm, say};
use crate::victim::{FOLDER, NOW};

/// The address of its database; a file in its folder without one.
pub const DATABASE: &str = "SF_VICTIM_DATABASE";
/// Where it dies, from its first commit on: `store::commit::after 3`.
pub const DEATH: &str = "SF_VICTIM_DEATH";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by the tests beside it as a process of its own"]
async fn victim() -> Result<()> {
    let (Some(folder), Some(now)) = (sf_runtime::env::var(FOLDER), sf_runtime::env::var(NOW)) else { return Ok(()) };
    let _scenario = fail::FailScenario::setup();
    if let Some(death) = sf_runtime::env::var(DEATH) {
        let (point, commits) = death.split_once(' ').context("a point and commits")?;
        arm(point, commits.parse()?)?;
    }
    let tasks = Tasks::new();
    let time = Time::start(Timestamp::from_millis(now.parse()?), &tasks);
    let database = sf_runtime::env::var(DATABASE);
    let plane = open(Path::new(&folder), &time.clock, database.as_deref()).await?;
    if plane.admin_again().await.is_err() {
        plane.admin().await?;
    }
    let api = TcpListener::bind("127.0.0.1:0").await?;
    say(&format!("ok {} {}", plane.address, api.local_addr()?))?;
    let served =
        sf_api::serve(api, sf_api::router(plane.control.clone(), api_options(&tasks)), plain(), tasks.shutdown());
    tasks.spawn("api", OnError::Stop, served);
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let words: Vec<&str> = line.split(' ').collect();
        match obey(&plane, &words).await {
            Ok(text) => say(&format!("ok {text}"))?,
            Err(error) => say(&format!("no {error:#}"))?,
        }
    }
    tasks.stop(Duration::ZERO).await;
    plane.stop().await;
    Ok(())
}

async fn obey(plane: &Plane, words: &[&str]) -> Result<String> {
    Ok(match words {
        ["invite"] => plane.invite(&plane.admin_again().await?).await?,
        ["root"] => plane.root().to_string(),
        ["arm", point, commits] => {
            arm(point, commits.parse()?)?;
            String::new()
        }
        _ => bail!("not understood"),
    })
}

/// One caller is a whole crowd here.
fn api_options(tasks: &Tasks) -> ApiOptions {
    let wide = Rate::a_second(1_000_000, 1_000_000);
    let rates = Rates { address: wide, principal: wide, sign_in: wide };
    ApiOptions { rates, ..ApiOptions::new(tasks.clone()) }
}

/// Loopback alone.
fn plain() -> Serving {
    Serving::with(None)
}
