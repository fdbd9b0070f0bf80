//! Those who use a control plane that dies again and again: who starts runs, decides, sends events, stops, and looks.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use sf_runtime::Rng;
use sf_types::RunId;
use tokio::sync::watch;

use super::ledger::Ledger;
use super::rest::{Asked, Rest};
use super::shape::{Shape, input};

/// Who start runs at the same time.
const STARTERS: usize = 12;
/// Runs that are open at a time: what has to be taken up in each life must leave it time to go on.
const MAX_OPEN: usize = 40;
/// Runs that are started in one life of the control plane at the most.
pub const STARTS_A_LIFE: usize = 8;
/// Who decides and who watches come back this often.
const EVERY: Duration = Duration::from_millis(25);
/// Who has an event to send, or a run to stop, waits up to this long.
const LATER_MS: u64 = 400;
/// Most rows of a page.
const PAGE: usize = 200;

pub struct Crowd {
    pub rest: Rest,
    pub ledger: Ledger,
    pub seed: u64,
    /// Runs they start.
    pub runs: usize,
    /// Workflows by shape, in the order of [`Shape::ALL`].
    pub workflows: Vec<String>,
    pub apps: Vec<String>,
    /// The app whose deploys fail.
    pub bad: String,
    /// Becomes true when every run has ended.
    pub finished: watch::Sender<bool>,
}

impl Crowd {
    /// Until every run has ended.
    pub async fn work(&self) -> Result<()> {
        let next = AtomicUsize::new(0);
        let starters = try_join_all((0..STARTERS).map(|_| self.start_runs(&next)));
        futures_util::try_join!(starters, self.decide(), self.watch())?;
        Ok(())
    }

    async fn start_runs(&self, next: &AtomicUsize) -> Result<()> {
        loop {
            let n = next.fetch_add(1, Ordering::SeqCst);
            if n >= self.runs {
                return Ok(());
            }
            self.rest.reach(n / STARTS_A_LIFE).await?;
            while self.open().len() >= MAX_OPEN {
                self.pause(EVERY).await;
            }
            let run = self.start(n).await?;
            let chance = Rng::seeded(self.seed.wrapping_add(n as u64));
            if chance.below(4) == 0 {
                self.start(n).await?;
            }
            self.pause(Duration::from_millis(chance.below(LATER_MS))).await;
            match Shape::of(n) {
                Shape::Told => self.send(n, run).await?,
                Shape::Stopped => self.stop(run).await?,
                _ => {}
            }
        }
    }

    /// Starts the `n`th run, for the first time or not: it is the same.
    pub async fn start(&self, n: usize) -> Result<RunId> {
        let workflow = &self.workflows[n % self.workflows.len()];
        let body = json!({ "input": input(n, &self.apps, &self.bad) });
        let start = Asked::post(format!("/workflows/{workflow}/execute"), body).keyed(format!("start-{n}"));
        let opened = self.rest.ask(&start).await?.data().with_context(|| format!("start {n}"))?;
        let run = opened["run"]["id"].as_str().and_then(|id| id.parse().ok()).context("a run's id")?;
        self.ledger.started(n, run)?;
        Ok(run)
    }

    async fn send(&self, n: usize, run: RunId) -> Result<()> {
        let data = json!({ "n": n });
        let event = json!({ "event": "go", "data": data });
        let send = Asked::post(format!("/workflow-executions/{run}/events"), event).keyed(format!("event-{n}"));
        self.rest.ask(&send).await?.data().with_context(|| format!("event of {run}"))?;
        self.ledger.told().sent.insert(run, data);
        Ok(())
    }

    /// Stops a run that would never end.
    async fn stop(&self, run: RunId) -> Result<()> {
        let stop = Asked::post(format!("/runs/{run}/cancel"), json!({}));
        let answer = self.rest.ask(&stop).await?;
        // Who was cut off may have been heard.
        if answer.status != 409 {
            answer.data().with_context(|| format!("stop of {run}"))?;
        }
        self.ledger.told().stopped.insert(run);
        Ok(())
    }

    /// Decides about every card; about the same one always in the same way.
    async fn decide(&self) -> Result<()> {
        while !self.pause(EVERY).await {
            let open = self.rest.get(format!("/approvals?limit={PAGE}")).await?;
            for card in open.as_array().context("a list")? {
                self.answer(card).await?;
            }
        }
        Ok(())
    }

    async fn answer(&self, card: &Value) -> Result<()> {
        let text = |name: &str| card[name].as_str().with_context(|| format!("a card's {name}"));
        let (id, run, hash) = (text("id")?, text("runId")?, text("hash")?);
        let sum = hash.bytes().fold(self.seed, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let approved = Rng::seeded(sum).below(3) > 0;
        let word = if approved { "approve" } else { "reject" };
        let decision = Asked::post(format!("/runs/{run}/{word}"), json!({ "hash": hash }));
        let answer = self.rest.ask(&decision).await?;
        if answer.status == 409 {
            return Ok(());
        }
        answer.data().with_context(|| format!("decision about {run}"))?;
        self.ledger.told().decided.insert(id.to_owned(), approved);
        Ok(())
    }

    /// Looks at every run that was started, again and again, until all have ended.
    async fn watch(&self) -> Result<()> {
        while !self.pause(EVERY).await {
            let open = self.open();
            if open.is_empty() && self.ledger.told().started.len() == self.runs {
                self.finished.send_replace(true);
            }
            for run in open {
                self.look(run).await?;
            }
        }
        Ok(())
    }

    /// Runs that were started and not seen as ended.
    fn open(&self) -> Vec<RunId> {
        let told = self.ledger.told();
        told.started.values().filter(|run| !told.over.contains(*run)).copied().collect()
    }

    /// Looks at a run as people do.
    pub async fn look(&self, run: RunId) -> Result<bool> {
        let look = self.rest.get(format!("/workflow-executions/{run}")).await?;
        self.ledger.seen(run, &look)
    }

    /// All starts once more, with their keys: nothing new comes of it.
    pub async fn start_all_again(&self) -> Result<()> {
        for n in 0..self.runs {
            let run = self.start(n).await?;
            ensure!(self.look(run).await?, "{run} was over");
        }
        Ok(())
    }

    /// Whether all have ended meanwhile.
    async fn pause(&self, span: Duration) -> bool {
        let mut finished = self.finished.subscribe();
        let ended = tokio::time::timeout(span, finished.wait_for(|finished| *finished)).await;
        ended.is_ok()
    }
}
