//! The side that outlives the kills: the process that is started again, and its node.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sf_protocol::order::Order;
use sf_runtime::{Clock, Rng, Tasks};
use sf_store::testing::TEST_START;
use sf_testkit::{Dial, Script, SimNode};
use sf_types::{AppId, RunId};
use tempfile::TempDir;

use crate::process::Process;
use crate::victim::{FOLDER, NOW};

/// Longer than the window in which runs are counted for the quota.
const QUOTA_WINDOW_MS: u64 = 61_000;

pub struct World {
    process: Process,
    dial: Dial,
    node: SimNode,
    script: Script,
    clock: Clock,
    tasks: Tasks,
    folder: TempDir,
    pub app: AppId,
}

/// What it says when it is up.
struct Hello {
    dial: Dial,
    root: String,
}

async fn start(folder: &TempDir, clock: &Clock) -> Result<(Process, Hello)> {
    let folder = folder.path().to_str().context("a path of ASCII")?;
    let now = clock.now().as_millis().to_string();
    let mut process = Process::start("victim::victim", &[(FOLDER, folder), (NOW, &now)])?;
    let hello = process.answer().await?;
    let (address, root) = hello.split_once(' ').context("address and root")?;
    let hello = Hello { dial: Dial::tls(address.parse()?), root: root.to_owned() };
    Ok((process, hello))
}

impl World {
    pub async fn new(script: Script) -> Result<Self> {
        let (folder, clock, tasks) = (tempfile::tempdir()?, Clock::manual(TEST_START), Tasks::new());
        let (mut process, Hello { dial, root }) = start(&folder, &clock).await?;
        let (token, root) = (process.ask("invite").await?, root.parse().ok().context("a fingerprint")?);
        let node = SimNode::enrol(&dial, &token, root, clock.clone(), Rng::system()).await?;
        let app = process.ask(&format!("app {}", node.id())).await?.parse().ok().context("an app id")?;
        let world = Self { process, dial, node, script, clock, tasks, folder, app };
        world.connect().await?;
        Ok(world)
    }

    async fn connect(&self) -> Result<()> {
        self.node.serve(&self.tasks, &self.dial, self.script).await?;
        Ok(())
    }

    pub async fn ask(&mut self, line: &str) -> Result<String> {
        self.process.ask(line).await
    }

    pub async fn arm(&mut self, point: &str, commits: u32) -> Result<()> {
        self.ask(&format!("arm {point} {commits}")).await.map(drop)
    }

    /// Moves both clocks.
    pub async fn pass(&mut self, millis: u64) -> Result<()> {
        self.clock.set(self.clock.now().plus(Duration::from_millis(millis)));
        self.ask(&format!("pass {millis}")).await.map(drop)
    }

    /// All orders that were asked for, with their states.
    async fn runs(&mut self) -> Result<Vec<(RunId, String)>> {
        let list = self.ask("runs").await?;
        let parse = |pair: &str| {
            let (run, state) = pair.split_once('=').context("a run and its state")?;
            anyhow::Ok((run.parse().ok().context("a run id")?, state.to_owned()))
        };
        list.split_whitespace().map(parse).collect()
    }

    async fn in_state(&mut self, wanted: impl Fn(&str) -> bool) -> Result<Option<RunId>> {
        Ok(self.runs().await?.into_iter().find(|(_, state)| wanted(state)).map(|(run, _)| run))
    }

    /// A run that waits for a person.
    pub async fn waiting(&mut self) -> Result<Option<RunId>> {
        self.in_state(|state| state == "waiting").await
    }

    /// A run that has not ended.
    pub async fn open(&mut self) -> Result<Option<RunId>> {
        self.in_state(|state| ["ready", "sent", "working", "checking"].contains(&state)).await
    }

    /// Starts the process again if it was killed, brings all to its end as its people would, and checks that everything
    /// was done once and is told truthfully. Answers whether the process had survived.
    pub async fn settled(&mut self) -> Result<bool> {
        let survived = self.ask("disarm").await.is_ok();
        if !survived {
            self.process.killed().await?;
            let (process, hello) = start(&self.folder, &self.clock).await?;
            (self.process, self.dial) = (process, hello.dial);
            self.connect().await?;
        }
        while let Some(run) = self.waiting().await? {
            self.ask(&format!("approve {run}")).await?;
        }
        self.pass(5_000).await?;
        while let Some(run) = self.open().await? {
            if self.script == Script::UntilStopped {
                self.ask(&format!("working {run}")).await?;
                // It may have ended by the first request to stop.
                drop(self.ask(&format!("cancel {run}")).await);
            }
            self.ask(&format!("ended {run}")).await?;
        }
        self.check().await?;
        self.pass(QUOTA_WINDOW_MS).await?;
        Ok(survived)
    }

    async fn check(&mut self) -> Result<()> {
        let told = if self.script == Script::UntilStopped { "cancelled" } else { "succeeded" };
        let (runs, mut began) = (self.runs().await?, self.node.began());
        began.retain(|command| !matches!(command.order, Order::Cancel(_) | Order::Void(_)));
        ensure!(self.node.refused().is_empty(), "the node refused: {:?}", self.node.refused());
        for (run, state) in &runs {
            let times = began.iter().filter(|command| command.authz.run == Some(*run)).count();
            ensure!((times, state.as_str()) == (1, told), "run {run} was done {times} times and is {state}");
        }
        ensure!(began.len() == runs.len(), "{} orders were done for {} runs", began.len(), runs.len());
        self.ask("audited").await.map(drop)
    }

    pub async fn stop(mut self) -> Result<()> {
        let runs = self.runs().await?.len();
        ensure!(runs > 0, "nothing was ever asked for");
        self.tasks.stop(Duration::ZERO).await;
        self.process.end().await
    }
}
