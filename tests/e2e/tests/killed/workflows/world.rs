//! The control plane over its many lives, and what outlives it: its folder, its machines, time.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::future::join_all;
use sf_runtime::{Clock, Rng, Tasks};
use sf_store::StoreOptions;
use sf_store::testing::TEST_START;
use sf_testkit::{Dial, Plane, Script, SimNode};
use tempfile::TempDir;
use tokio::sync::watch;

use super::ledger::Ledger;
use super::moment::Time;
use super::rest::Life;
use super::victim::{DATABASE, DEATH};
use crate::POINTS;
use crate::process::Process;
use crate::victim::{FOLDER, NOW};

/// Between two lives: longer than a key without an answer is held for a process that may still be alive.
const DEAD_FOR: Duration = Duration::from_secs(61);
/// A life ends this long after the first step that ends in it, at the latest: one in which nothing goes on would only
/// leave more to be taken up.
const LONGEST_LIFE_MS: u64 = 700;
/// Time in which its machines reach it.
const REACHED: Duration = Duration::from_secs(5);
/// Where no step ends, it is not waited for longer, on the slowest machine.
const NOTHING_ENDS: Duration = Duration::from_secs(5);
/// How often it is looked whether one did.
const LOOK: Duration = Duration::from_millis(5);
/// Commits after which it dies at the latest, while it starts and later.
const COMMITS: (u64, u64) = (12, 60);
/// A test starts no more lives in a row that do not come to serve.
const STILLBORN: usize = 10;

pub struct World {
    time: Time,
    tasks: Tasks,
    folder: TempDir,
    database: Option<String>,
    process: Option<Process>,
    dial: Option<Dial>,
    pub nodes: Vec<(SimNode, Script)>,
    pub lives: watch::Sender<Life>,
    /// Times it was killed.
    pub kills: usize,
}

/// How a life ends.
#[derive(Debug)]
enum Death {
    /// By its own hand, while it starts.
    Starting(&'static str, u64),
    /// By its own hand, while it serves.
    Serving(&'static str, u64),
    /// From outside.
    Outside,
}

impl Death {
    fn draw(chance: &Rng) -> Self {
        let point = POINTS[usize::try_from(chance.below(POINTS.len() as u64)).unwrap_or(0)];
        match chance.below(10) {
            0 | 1 => Self::Starting(point, chance.below(COMMITS.0)),
            2..6 => Self::Serving(point, chance.below(COMMITS.1)),
            _ => Self::Outside,
        }
    }
}

impl World {
    /// Its first life.
    pub async fn begin(database: Option<String>) -> Result<Self> {
        let tasks = Tasks::new();
        let mut world = Self {
            time: Time::start(TEST_START, &tasks),
            tasks,
            folder: tempfile::tempdir()?,
            database,
            process: None,
            dial: None,
            nodes: Vec::new(),
            lives: watch::channel(Life::default()).0,
            kills: 0,
        };
        ensure!(world.live(None).await?, "it did not come to serve");
        Ok(world)
    }

    /// A machine that does as this script says.
    pub async fn node(&mut self, script: Script) -> Result<SimNode> {
        let process = self.process.as_mut().context("it lives")?;
        let (token, dial) = (process.ask("invite").await?, self.dial.as_ref().context("it lives")?);
        let root = process.ask("root").await?.parse().ok().context("a fingerprint")?;
        let node = SimNode::enrol(dial, &token, root, self.time.clock.clone(), Rng::system()).await?;
        node.serve(&self.tasks, dial, script).await?;
        self.nodes.push((node.clone(), script));
        Ok(node)
    }

    /// Kills it and starts it again, at moments that follow from `seed`, until all is finished.
    pub async fn lives_and_deaths(
        &mut self,
        seed: u64,
        ledger: &Ledger,
        mut finished: watch::Receiver<bool>,
    ) -> Result<()> {
        let mut stillborn = 0;
        while !*finished.borrow_and_update() {
            let number = self.lives.borrow().number as u64;
            let chance = Rng::seeded(seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let death = Death::draw(&chance);
            let starting = match death {
                Death::Starting(point, commits) => Some((point, commits)),
                _ => None,
            };
            // The first one of all serves already.
            if self.process.is_none() && !self.live(starting).await? {
                stillborn += 1;
                ensure!(stillborn < STILLBORN, "it did not come to serve {stillborn} times in a row");
                continue;
            }
            stillborn = 0;
            let process = self.process.as_mut().context("it lives")?;
            if let Death::Serving(point, commits) = death {
                // It may be dead already.
                drop(process.ask(&format!("arm {point} {commits}")).await);
            }
            let gone_on = going_on(ledger, finished.clone());
            tokio::select! {
                killed = process.killed() => killed.with_context(|| format!("{death:?}"))?,
                _ = tokio::time::timeout(NOTHING_ENDS, gone_on) => {}
            }
            let life = Duration::from_millis(chance.below(LONGEST_LIFE_MS));
            if let Ok(killed) = tokio::time::timeout(life, process.killed()).await {
                killed.with_context(|| format!("{death:?}"))?;
            }
            self.kill().await?;
        }
        Ok(())
    }

    /// One more life; answers whether it came to serve.
    pub async fn live(&mut self, death: Option<(&str, u64)>) -> Result<bool> {
        self.time.leap(DEAD_FOR);
        let folder = self.folder.path().to_str().context("a path of ASCII")?.to_owned();
        let now = self.time.clock.now().as_millis().to_string();
        let death = death.map(|(point, commits)| format!("{point} {commits}"));
        let mut environment = vec![(FOLDER, &*folder), (NOW, &*now)];
        environment.extend(self.database.as_deref().map(|database| (DATABASE, database)));
        environment.extend(death.as_deref().map(|death| (DEATH, death)));
        let mut process = Process::start("workflows::victim::victim", &environment)?;
        let hello = match process.answer().await {
            Ok(hello) => hello,
            Err(_) if death.is_some() => {
                process.killed().await?;
                self.dead();
                return Ok(false);
            }
            Err(error) => return Err(error.context("it did not start")),
        };
        let (agents, api) = hello.split_once(' ').context("two addresses")?;
        let dial = Dial::tls(agents.parse()?);
        let api = Some(api.parse()?);
        self.lives.send_modify(|life| life.api = api);
        // It may be dead already, and its port somebody else's, who says nothing.
        let served = join_all(self.nodes.iter().map(|(node, script)| node.serve(&self.tasks, &dial, *script)));
        drop(tokio::time::timeout(REACHED, served).await);
        (self.process, self.dial) = (Some(process), Some(dial));
        Ok(true)
    }

    /// Ends this life now.
    pub async fn kill(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            self.lives.send_modify(|life| life.api = None);
            process.kill().await?;
            self.dead();
        }
        Ok(())
    }

    fn dead(&mut self) {
        self.kills += 1;
        self.lives.send_modify(|life| *life = Life { number: life.number + 1, api: None });
    }

    /// The same control plane within this process: what it has on its disk, and nothing else.
    pub async fn opened(&self) -> Result<Plane> {
        open(self.folder.path(), &self.time.clock, self.database.as_deref()).await
    }

    /// Its machines are gone, and time stands still.
    pub async fn stop(&self) {
        self.tasks.stop(Duration::ZERO).await;
    }
}

/// Until one more step was seen as ended, or all is finished.
async fn going_on(ledger: &Ledger, mut finished: watch::Receiver<bool>) {
    let before = ledger.told().ended.len();
    let mut look = tokio::time::interval(LOOK);
    let ended = async {
        while ledger.told().ended.len() == before {
            look.tick().await;
        }
    };
    tokio::select! {
        () = ended => {}
        _ = finished.wait_for(|finished| *finished) => {}
    }
}

/// A control plane over a folder and a database: its own file where none is given.
pub async fn open(folder: &Path, clock: &Clock, database: Option<&str>) -> Result<Plane> {
    Plane::in_folder_with(folder, clock.clone(), |options| {
        if let Some(database) = database {
            options.store = StoreOptions::new(database.to_owned());
        }
    })
    .await
}
