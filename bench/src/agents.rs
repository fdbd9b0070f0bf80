//! The control plane's side of the swarm: its nodes, its memory, its storm.

use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use sf_actions::Actor;
use sf_store::nodes::NewNode;
use sf_store::runs::RunFilter;
use sf_store::{Scope, nodes};
use sf_testkit::Plane;
use sf_testkit::node::machine;
use sf_types::{NodeId, PageRequest};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::line::{Line, Times};
use crate::swarm::{Plan, binding, key};

/// Nodes made in one transaction.
const BATCH: usize = 500;
/// How long everybody may take to be back.
const BACK_WITHIN_SECS: f64 = 60.0;
/// How often the list of runs is read during the storm.
const READ_EVERY: Duration = Duration::from_millis(5);

/// The second process.
#[derive(Debug)]
pub struct Agents {
    process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    nodes: Vec<NodeId>,
    _folder: TempDir,
}

impl Agents {
    /// Makes `count` nodes and starts the process that plays them; nobody is connected yet.
    pub async fn start(plane: &Plane, count: usize) -> Result<Self> {
        let tls = plane.dial().tls.is_some();
        let epoch = plane.control.certified().delegation.epoch;
        let mut ids = Vec::with_capacity(count);
        for first in (0..count).step_by(BATCH) {
            ids.extend(make(plane, first..count.min(first + BATCH), epoch, tls).await?);
        }
        let folder = tempfile::tempdir()?;
        let mut process = Command::new(std::env::current_exe()?)
            .arg("agents")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let input = process.stdin.take().context("it was piped")?;
        let output = BufReader::new(process.stdout.take().context("it was piped")?).lines();
        let journal = folder.path().join("journal");
        let plan = Plan { address: plane.address, tls, root: plane.root(), epoch, journal, nodes: ids.clone() };
        let mut this = Self { process, input, output, nodes: ids, _folder: folder };
        this.tell(&serde_json::to_string(&plan)?).await?;
        Ok(this)
    }

    /// The nodes.
    pub fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    /// Tells it something and waits until it is done.
    pub async fn order(&mut self, word: &str) -> Result<()> {
        self.tell(word).await?;
        let answer = self.output.next_line().await?;
        ensure!(answer.as_deref() == Some(word), "the agents' process answered {answer:?} to {word}");
        Ok(())
    }

    /// Ends the process.
    pub async fn stop(mut self) -> Result<()> {
        self.tell("quit").await?;
        self.process.wait().await?;
        Ok(())
    }

    async fn tell(&mut self, line: &str) -> Result<()> {
        self.input.write_all(format!("{line}\n").as_bytes()).await?;
        Ok(self.input.flush().await?)
    }
}

async fn make(plane: &Plane, range: std::ops::Range<usize>, epoch: u64, tls: bool) -> Result<Vec<NodeId>> {
    let tenant = plane.tenant;
    let made = plane.control.store().write(Scope::System, move |tx| {
        Box::pin(async move {
            let mut ids = Vec::with_capacity(range.len());
            for n in range {
                let (name, public_key) = (format!("sim-{n}"), key(n).public());
                let binding = binding(tls).word().to_owned();
                let new = NewNode { tenant, name, public_key, facts: machine(), epoch, join_counter: 1, binding };
                ids.push(nodes::create(tx, new).await?.id);
            }
            Ok(ids)
        })
    });
    Ok(made.await?)
}

/// Connects everybody; answers what one connection costs here, in KB.
pub async fn connect(plane: &Plane, swarm: &mut Agents, count: usize) -> Result<f64> {
    let before = resident_kb()?;
    let began = Instant::now();
    swarm.order("connect").await?;
    let took = began.elapsed();
    ensure!(plane.control.connected() == count, "{} of {count} are connected", plane.control.connected());
    let handshakes = count as f64 / took.as_secs_f64();
    let metric = if plane.dial().tls.is_some() { "handshakes_tls" } else { "handshakes" };
    Line::new("agents", metric, handshakes, "1/s").print()?;
    Ok((resident_kb()? - before) / count as f64)
}

/// Everybody is cut and comes back at once, while somebody reads.
pub async fn storm(plane: &Plane, admin: &Actor, swarm: &mut Agents, count: usize) -> Result<()> {
    let began = Instant::now();
    let back = async {
        swarm.order("storm").await?;
        anyhow::Ok(began.elapsed())
    };
    tokio::pin!(back);
    let mut times = Vec::new();
    let took = loop {
        let read = async {
            let began = Instant::now();
            plane.control.runs(admin, &RunFilter::default(), &PageRequest::default()).await?;
            let took = began.elapsed();
            tokio::time::sleep(READ_EVERY).await;
            anyhow::Ok(took)
        };
        tokio::select! {
            took = &mut back => break took?,
            read = read => times.push(read?),
        }
    };
    ensure!(plane.control.connected() == count, "{} of {count} are back", plane.control.connected());
    Line::new("storm", "all_back", took.as_secs_f64(), "s").floor(BACK_WITHIN_SECS).print()?;
    let times = Times::new(times);
    Line::new("storm", "read_p99", times.at(990), "ms").floor(1000.0).print()
}

/// Resident memory of this process.
pub fn resident_kb() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}

/// Writes a line to standard output.
pub fn say(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
