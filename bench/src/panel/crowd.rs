//! A thousand servers on one node, and an agent that is killed.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::desk::{Desk, text};
use crate::house::{House, resident_mb};
use crate::line::Line;

/// Servers.
const SERVERS: usize = 1_000;
/// Orders under way at a time.
const AT_ONCE: usize = 8;
/// How long all of them may take to start.
const WITHIN: Duration = Duration::from_secs(900);
/// Within this all are found again, seconds.
const PROMISED_S: f64 = 5.0;
/// Between two looks at a node that is away.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Between two looks at all of them.
const COUNT_EVERY: Duration = Duration::from_millis(500);

pub async fn measure(house: &House, desk: &Desk) -> Result<()> {
    let alt = desk.alt("crowd", &["/usr/bin/sleep", "1000000"], None, None).await?;
    let make = async |n: usize| -> Result<String> {
        let wanted =
            json!({ "name": format!("crowd-{n}"), "altId": alt, "nodeId": desk.node, "ports": 0, "settings": {} });
        text(&desk.post("/servers", wanted).await?["id"])
    };
    let made: Vec<String> = stream::iter((0..SERVERS).map(make)).buffer_unordered(AT_ONCE).try_collect().await?;
    all(desk, &alt, "installed", |server| server["install"] == "installed").await?;
    let start = async |server: &String| desk.power(server, "start").await;
    stream::iter(made.iter().map(start)).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
    all(desk, &alt, "running", |server| server["state"] == "running").await?;
    let before = resident_mb(house.agent()?)?;
    let began = Instant::now();
    house.restart_agent()?;
    while desk.get(&format!("/servers/{}/status", made[SERVERS - 1])).await.is_err() {
        ensure!(began.elapsed() < WITHIN, "the agent does not come back");
        // tidy: sleep because what is measured is when a node answers that does not
        sleep(LOOK_EVERY).await;
    }
    let first = began.elapsed();
    let look = async |server: &String| desk.get(&format!("/servers/{server}/status")).await;
    let seen: Vec<Value> = stream::iter(made.iter().map(look)).buffer_unordered(AT_ONCE).try_collect().await?;
    let took = began.elapsed();
    let kept = seen.iter().filter(|one| one["state"] == "running" && one["restarts"] == 0).count();
    ensure!(kept == SERVERS, "{kept} of {SERVERS} were kept");
    let note = "from the kill until it answers for the last of 1,000 running servers, its connection included";
    Line::new("panel", "readopted_after", first.as_secs_f64(), "s").floor(PROMISED_S).note(note).print()?;
    let note = "until each was asked for";
    Line::new("panel", "readopted_and_asked", took.as_secs_f64(), "s").note(note).print()?;
    let after = resident_mb(house.agent()?)?;
    Line::new("panel", "crowd_agent_resident", after, "MB").note(format!("{before:.1} MB before the kill")).print()
}

/// Waits until all servers of a template are so.
async fn all(desk: &Desk, alt: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Result<()> {
    let began = Instant::now();
    loop {
        let mut so = 0;
        // By pages, as anybody would.
        let mut after = String::new();
        loop {
            let (servers, next) = desk.page(&format!("/servers?altId={alt}&limit=200{after}")).await?;
            so += servers.iter().filter(|server| is_so(server)).count();
            let Some(next) = next else { break };
            after = format!("&after={next}");
        }
        if so == SERVERS {
            return Ok(());
        }
        if began.elapsed() > WITHIN {
            bail!("{so} of {SERVERS} are {what} after {WITHIN:?}");
        }
        // tidy: sleep because this is preparation, and nobody's time is measured
        sleep(COUNT_EVERY).await;
    }
}
