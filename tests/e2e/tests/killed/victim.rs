//! The process that is killed: a whole control plane that does what it is told.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use sf_actions::run::{Decide, RunAction, RunRef};
use sf_actions::{Action, Actor};
use sf_engine::RunState;
use sf_runtime::Clock;
use sf_store::approvals::ApprovalState;
use sf_store::runs::RunFilter;
use sf_testkit::Plane;
use sf_testkit::people::deploy;
use sf_types::{PageRequest, RunId, Timestamp};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::process::{arm, say};

/// Where it lives; a test without it has nothing to do.
pub const FOLDER: &str = "SF_VICTIM_FOLDER";
/// Its time when it starts, in milliseconds since the epoch.
pub const NOW: &str = "SF_VICTIM_NOW";
/// Most runs that one sweep leaves behind.
const ALL_RUNS: PageRequest = PageRequest { limit: Some(200), after: None };

#[tokio::test]
#[ignore = "started by the tests beside it as a process of its own"]
async fn victim() -> Result<()> {
    let (Some(folder), Some(now)) = (sf_runtime::env::var(FOLDER), sf_runtime::env::var(NOW)) else { return Ok(()) };
    let _scenario = fail::FailScenario::setup();
    let clock = Clock::manual(Timestamp::from_millis(now.parse()?));
    let plane = Plane::in_folder(Path::new(&folder), clock).await?;
    let admin = match plane.admin_again().await {
        Ok(admin) => admin,
        Err(_) => plane.admin().await?,
    };
    say(&format!("ok {} {}", plane.address, plane.root()))?;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let words: Vec<&str> = line.split(' ').collect();
        match obey(&plane, &admin, &words).await {
            Ok(text) => say(&format!("ok {text}"))?,
            Err(error) => say(&format!("no {error:#}"))?,
        }
    }
    plane.stop().await;
    Ok(())
}

async fn obey(plane: &Plane, admin: &Actor, words: &[&str]) -> Result<String> {
    let run_of = |word: &str| word.parse::<RunId>().ok().context("a run id");
    Ok(match words {
        ["invite"] => plane.invite(admin).await?,
        ["app", node] => plane.app(admin, node.parse().ok().context("a node id")?, "shop").await?.to_string(),
        ["deploy", app] => plane.deploy(admin, app.parse().ok().context("an app id")?).await?.to_string(),
        // An AI asks for what a person has to agree to.
        ["propose", app] => {
            let app = app.parse().ok().context("an app id")?;
            let ai = Plane::ai_of(admin);
            let proposal = sf_control::Proposal { confidence: Some(10.0), ..sf_control::Proposal::of(deploy(app)) };
            match plane.control.propose(&ai, plane.request(), proposal).await? {
                sf_control::Proposed::Open(run) => run.id.to_string(),
                other => bail!("{other:?}"),
            }
        }
        ["approve", run] => {
            let run = run_of(run)?;
            let open = plane.control.approvals(admin, Some(ApprovalState::Open), &ALL_RUNS).await?;
            if let Some(card) = open.items.into_iter().find(|card| card.run == Some(run)) {
                let approve = RunAction::Approve(Decide { run, hash: card.hash, comment: None });
                plane.propose(admin, Action::Run(approve)).await?;
            }
            String::new()
        }
        ["cancel", run] => {
            plane.propose(admin, Action::Run(RunAction::Cancel(RunRef { run: run_of(run)? }))).await?;
            String::new()
        }
        ["working", run] => {
            plane.until(run_of(run)?, |run| run.is_done() || run.state == RunState::Working && !run.stale).await?;
            String::new()
        }
        ["ended", run] => plane.ended(run_of(run)?).await?.state.to_string(),
        ["pass", millis] => {
            plane.pass(Duration::from_millis(millis.parse()?)).await?;
            String::new()
        }
        ["arm", point, commits] => {
            arm(point, commits.parse()?)?;
            String::new()
        }
        ["disarm"] => {
            fail::list().iter().for_each(|(point, _)| fail::remove(point));
            String::new()
        }
        ["runs"] => {
            let page = plane.control.runs(admin, &RunFilter::default(), &ALL_RUNS).await?;
            let of_node = page.items.iter().filter(|record| record.run.node.is_some() && record.run.app.is_some());
            let line = |run: &sf_engine::Run| format!("{}={}", run.id, run.state);
            of_node.map(|record| line(&record.run)).collect::<Vec<_>>().join(" ")
        }
        ["audited"] => audited(plane, admin).await?,
        _ => bail!("not understood"),
    })
}

/// The chain holds, and every run that ended has one line for its proposal and one for its end.
async fn audited(plane: &Plane, admin: &Actor) -> Result<String> {
    let lines = plane.audited().await?;
    let page = plane.control.runs(admin, &RunFilter::default(), &ALL_RUNS).await?;
    for run in page.items.iter().map(|record| &record.run).filter(|run| run.is_done()) {
        let outcomes = lines.iter().filter(|line| line.run == Some(run.id)).map(|line| &*line.outcome);
        let outcomes: Vec<_> = outcomes.collect();
        if outcomes.len() != 2 || outcomes[0] != "proposed" {
            bail!("run {} has the audit lines {outcomes:?}", run.id);
        }
    }
    Ok(String::new())
}
