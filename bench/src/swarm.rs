//! The second process: thousands of simulated agents that share one fsynced journal.
//!
//! Told by lines on standard input: first a [`Plan`] as JSON, then `connect`, `storm` or `quit`. Each but the last is
//! answered with a line once it is done.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use sf_protocol::handshake::BindingKind;
use sf_protocol::{KeyId, SecretKey};
use sf_runtime::{Clock, Rng, Tasks};
use sf_testkit::node::Identity;
use sf_testkit::{Dial, Journal, Script, Session, SimNode};
use sf_types::NodeId;
use tokio::io::{AsyncBufReadExt, BufReader};

/// Handshakes at one time when everybody connects for the first time.
const CONNECTING: usize = 64;
/// In a storm everybody comes back within this, as agents with full jitter do after a short outage.
const JITTER_MS: u64 = 1_000;
/// Tries of one agent; between two of them it waits somewhat.
const TRIES: u32 = 50;

/// Who connects where.
#[derive(Debug, Serialize, Deserialize)]
pub struct Plan {
    /// The agents' endpoint.
    pub address: SocketAddr,
    /// Whether through TLS.
    pub tls: bool,
    /// The root they trust.
    pub root: KeyId,
    /// The epoch their journals begin in.
    pub epoch: u64,
    /// The journal they share.
    pub journal: PathBuf,
    /// Them; the n-th has the n-th key.
    pub nodes: Vec<NodeId>,
}

/// The key of the n-th agent.
pub fn key(n: usize) -> SecretKey {
    let mut seed = [0x5f; 32];
    seed[..8].copy_from_slice(&n.to_le_bytes());
    SecretKey::from_seed(&seed)
}

/// How agents of a plan bind their connections.
pub const fn binding(tls: bool) -> BindingKind {
    if tls { BindingKind::Exporter } else { BindingKind::Host }
}

/// Runs until told to quit.
pub async fn run() -> Result<()> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let plan: Plan = serde_json::from_str(&lines.next_line().await?.context("a plan")?)?;
    let tasks = Tasks::new();
    let journal = Journal::shared(&plan.journal, &tasks)?;
    let dial = if plan.tls { Dial::tls(plan.address) } else { Dial::plain(plan.address) };
    let node = |(n, id): (usize, &NodeId)| {
        let (key, binding) = (key(n), binding(plan.tls));
        let identity = Identity { id: *id, key, root: plan.root, binding, counter: 1, epoch: plan.epoch };
        SimNode::new(identity, Clock::system(), Rng::system(), journal.clone())
    };
    let nodes: Vec<SimNode> = plan.nodes.iter().enumerate().map(node).collect();
    let mut sessions: Vec<Session> = Vec::new();
    while let Some(line) = lines.next_line().await? {
        match line.as_str() {
            "connect" => sessions = connect(&nodes, &dial, &tasks, CONNECTING, 0).await?,
            "storm" => {
                stream::iter(sessions.drain(..)).for_each_concurrent(None, Session::cut).await;
                sessions = connect(&nodes, &dial, &tasks, nodes.len().max(1), JITTER_MS).await?;
            }
            "quit" => break,
            other => bail!("not understood: {other}"),
        }
        crate::agents::say(&line)?;
    }
    tasks.stop(Duration::ZERO).await;
    Ok(())
}

async fn connect(nodes: &[SimNode], dial: &Dial, tasks: &Tasks, at_once: usize, jitter: u64) -> Result<Vec<Session>> {
    let rng = Rng::system();
    let one = |node: &SimNode| {
        let (node, wait) = (node.clone(), Duration::from_millis(rng.below(jitter + 1)));
        let rng = &rng;
        async move {
            tokio::time::sleep(wait).await;
            for _ in 0..TRIES {
                match node.serve(tasks, dial, Script::Quick).await {
                    Ok(session) => return Ok(session),
                    Err(error) if error.code().is_empty() => {
                        tokio::time::sleep(Duration::from_millis(rng.below(1_000))).await;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            bail!("an agent could not connect")
        }
    };
    stream::iter(nodes.iter().map(one)).buffer_unordered(at_once).collect::<Vec<_>>().await.into_iter().collect()
}
