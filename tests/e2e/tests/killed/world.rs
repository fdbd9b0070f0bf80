//! The side that outlives the kills: the process that is started again, and its node.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use sf_protocol::order::Order;
use sf_runtime::{Clock, Rng, Tasks};
use sf_store::testing::TEST_START;
use sf_testkit::plane::WAIT;
use sf_testkit::{Dial, Script, SimNode};
use sf_types::{AppId, RunId};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::victim::{FOLDER, MARK, NOW};

/// Longer than the window in which runs are counted for the quota.
const QUOTA_WINDOW_MS: u64 = 61_000;

pub struct World {
    process: Process,
    node: SimNode,
    script: Script,
    clock: Clock,
    tasks: Tasks,
    folder: TempDir,
    pub app: AppId,
}

struct Process {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    dial: Dial,
    root: String,
}

impl Process {
    async fn start(folder: &TempDir, clock: &Clock) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--exact", "victim::victim", "--ignored", "--nocapture"])
            .env(FOLDER, folder.path())
            .env(NOW, clock.now().as_millis().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let input = child.stdin.take().context("it was piped")?;
        let mut output = BufReader::new(child.stdout.take().context("it was piped")?).lines();
        let hello = answer(&mut output).await?;
        let (address, root) = hello.split_once(' ').context("address and root")?;
        Ok(Self { child, input, output, dial: Dial::tls(address.parse()?), root: root.to_owned() })
    }

    async fn ask(&mut self, line: &str) -> Result<String> {
        self.input.write_all(format!("{line}\n").as_bytes()).await?;
        self.input.flush().await?;
        answer(&mut self.output).await.with_context(|| format!("`{line}`"))
    }
}

async fn answer(output: &mut Lines<BufReader<ChildStdout>>) -> Result<String> {
    let read = async {
        while let Some(line) = output.next_line().await? {
            // The harness's own words may stand before it.
            let Some((_, said)) = line.split_once(MARK) else { continue };
            return match said.split_once(' ') {
                Some(("ok", text)) => Ok(text.to_owned()),
                Some((_, why)) => bail!("{why}"),
                None => Ok(String::new()),
            };
        }
        bail!("it died")
    };
    tokio::time::timeout(WAIT, read).await.context("no answer in time")?
}

impl World {
    pub async fn new(script: Script) -> Result<Self> {
        let (folder, clock, tasks) = (tempfile::tempdir()?, Clock::manual(TEST_START), Tasks::new());
        let mut process = Process::start(&folder, &clock).await?;
        let (token, root) = (process.ask("invite").await?, process.root.parse().ok().context("a fingerprint")?);
        let node = SimNode::enrol(&process.dial, &token, root, clock.clone(), Rng::system()).await?;
        let app = process.ask(&format!("app {}", node.id())).await?.parse().ok().context("an app id")?;
        let world = Self { process, node, script, clock, tasks, folder, app };
        world.connect().await?;
        Ok(world)
    }

    async fn connect(&self) -> Result<()> {
        self.node.serve(&self.tasks, &self.process.dial, self.script).await?;
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
            self.process.child.wait().await?;
            self.process = Process::start(&self.folder, &self.clock).await?;
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
        drop(self.process.input);
        self.process.child.wait().await?;
        Ok(())
    }
}
