//! The daemon's local socket: how the agent is, for `serverflow-agent status`. Only the owner of the folder may ask.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sf_protocol::app::AppState;
use sf_protocol::server::ServerState;
use sf_runtime::{OnError, Tasks};
use sf_types::{AppId, Millis, ReleaseId, ServerId};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Notify, watch};

use super::servers::ServerRecord;
use crate::execute::Node;
use crate::link::LinkState;
use crate::process::folder::Held;
use crate::process::request;
use crate::state::StateDir;

/// Longest question, in bytes.
const QUESTION_BYTES: u64 = 4096;
/// An asker gets this long.
const ASKER_LIMIT: Duration = Duration::from_secs(5);

/// A question: one JSON object on a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "camelCase", deny_unknown_fields)]
pub enum Question {
    /// How is everything?
    Status,
    /// Dial the control plane now, if there is no connection; then how is everything?
    Redial,
}

/// How the agent is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentStatus {
    /// Its version.
    pub version: String,
    /// Its pid.
    pub pid: u32,
    /// Its resident memory, bytes.
    pub rss_bytes: u64,
    /// How the connection is.
    pub link: LinkState,
    /// Epoch of the journal.
    pub epoch: u64,
    /// Highest number accepted in it.
    pub high_water: u64,
    /// Outcomes that the control plane has not confirmed.
    pub undelivered: usize,
    /// Whose word the policy file is, and what it opens; or why it is refused.
    pub policy: String,
    /// What confinement this machine enforces.
    pub enforces: Vec<String>,
    /// The apps.
    pub apps: Vec<AppLine>,
    /// The panel servers by name, at most [`SERVERS_SHOWN`] of them.
    #[serde(default)]
    pub servers: Vec<ServerLine>,
    /// How many panel servers there are.
    #[serde(default)]
    pub servers_in_all: usize,
}

/// Panel servers in one answer, so that it stays short.
pub const SERVERS_SHOWN: usize = 200;

/// One panel server.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerLine {
    /// The server.
    pub server: ServerId,
    /// Its name.
    pub name: String,
    /// What it is doing.
    pub state: ServerState,
    /// Why.
    pub reason: String,
    /// Its process.
    pub pid: Option<i32>,
}

/// One app.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppLine {
    /// The app.
    pub app: AppId,
    /// Its name.
    pub name: String,
    /// What it is doing.
    pub state: AppState,
    /// Why, where a process says so.
    pub reason: String,
    /// The live release.
    pub live_release: Option<ReleaseId>,
    /// Its stable port.
    pub port: Option<u16>,
    /// Its process.
    pub pid: Option<i32>,
    /// Restarts after a crash.
    pub restarts: u32,
}

/// Asks the daemon of a folder; `None` when none runs.
///
/// # Errors
/// What the operating system says.
pub async fn ask(state: &StateDir) -> io::Result<Option<AgentStatus>> {
    put(state, Question::Status).await
}

/// Has the daemon of a folder dial its control plane now rather than at the next try; `None` when none runs.
///
/// # Errors
/// What the operating system says; a daemon of an earlier version does not answer.
pub async fn redial(state: &StateDir) -> io::Result<Option<AgentStatus>> {
    put(state, Question::Redial).await
}

async fn put(state: &StateDir, question: Question) -> io::Result<Option<AgentStatus>> {
    if !state.daemon().is_held()? {
        return Ok(None);
    }
    let limit = Millis(u64::try_from(ASKER_LIMIT.as_millis()).unwrap_or(u64::MAX));
    request(&state.daemon(), &question, limit).await
}

/// Whom questions are about.
#[derive(Debug)]
pub(super) struct Asked {
    pub node: Arc<Node>,
    pub link: watch::Receiver<LinkState>,
    pub redial: Arc<Notify>,
}

/// Answers until the agent stops.
pub(super) fn serve(asked: Asked, held: &Held, tasks: &Tasks) -> io::Result<()> {
    let listener = UnixListener::from_std(asked.node.state.daemon().listen(held)?)?;
    let shutdown = tasks.shutdown();
    tasks.spawn("local", OnError::Log, async move {
        loop {
            let stream = tokio::select! {
                () = shutdown.requested() => return Ok::<(), Infallible>(()),
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        tracing::debug!(%error, "a local connection could not be accepted");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        continue;
                    }
                },
            };
            // One at a time: the answer is quick, and an asker who is slow is cut.
            drop(tokio::time::timeout(ASKER_LIMIT, answer(&asked, stream)).await);
        }
    });
    Ok(())
}

async fn answer(asked: &Asked, stream: UnixStream) -> io::Result<()> {
    let mut reader = BufReader::with_capacity(1024, stream);
    let mut line = Vec::new();
    (&mut reader).take(QUESTION_BYTES).read_until(b'\n', &mut line).await?;
    match serde_json::from_slice(&line).map_err(io::Error::other)? {
        Question::Status => {}
        // One that is being dialled may fail in this very moment: the next wait is cut short then.
        Question::Redial if matches!(*asked.link.borrow(), LinkState::Connected { .. }) => {}
        Question::Redial => asked.redial.notify_one(),
    }
    let mut text = serde_json::to_vec(&status(&asked.node, &asked.link)).map_err(io::Error::other)?;
    text.push(b'\n');
    reader.get_mut().write_all(&text).await
}

fn status(node: &Node, link: &watch::Receiver<LinkState>) -> AgentStatus {
    let (epoch, high_water) = node.journal.position();
    let facts = node.facts.borrow().clone();
    let policy = match node.loaded_policy() {
        Ok(_) => facts.as_ref().map_or_else(String::new, |facts| facts.policy.clone()),
        Err(fault) => fault.to_string(),
    };
    let mut apps: Vec<_> = node.apps.list().iter().map(|record| app_line(node, record)).collect();
    apps.sort_by(|a, b| a.name.cmp(&b.name));
    let mut servers = node.servers.list();
    let servers_in_all = servers.len();
    servers.sort_by(|a, b| a.spec.slug.as_str().cmp(b.spec.slug.as_str()));
    servers.truncate(SERVERS_SHOWN);
    let pid = std::process::id();
    AgentStatus {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid,
        rss_bytes: i32::try_from(pid).ok().and_then(|pid| crate::process::tree::rss(pid).ok()).unwrap_or(0),
        link: link.borrow().clone(),
        epoch,
        high_water,
        undelivered: node.journal.undelivered().len(),
        policy,
        enforces: facts.map_or_else(Vec::new, |facts| facts.enforces.clone()),
        apps,
        servers: servers.iter().filter_map(|record| server_line(node, record)).collect(),
        servers_in_all,
    }
}

fn server_line(node: &Node, record: &ServerRecord) -> Option<ServerLine> {
    let server = record.spec.server;
    let report = node.server_report(server)?;
    let status = node.server_process(server).map(|process| process.status());
    Some(ServerLine {
        server,
        name: record.spec.slug.to_string(),
        state: report.state,
        reason: report.reason,
        pid: status.and_then(|status| status.child).map(|child| child.pid),
    })
}

fn app_line(node: &Node, record: &crate::execute::app::AppRecord) -> AppLine {
    let app = record.spec.app;
    let live = node.live(app);
    let process = live.and_then(|live| node.supervisor.get(live)).map(|process| process.status());
    AppLine {
        app,
        name: record.spec.slug.to_string(),
        state: node.state_of(app),
        reason: process.as_ref().map_or_else(String::new, |status| status.reason.clone()),
        live_release: live,
        port: record.stable,
        pid: process.as_ref().and_then(|status| status.child.as_ref().map(|child| child.pid)),
        restarts: process.map_or(0, |status| status.restarts),
    }
}
