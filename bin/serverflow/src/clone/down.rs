//! `down`: ends everything that `up` started.

use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;

use super::agent;
use super::place::{Place, Record};
use crate::context::Context;
use crate::failure::{Done, Exit, Failure};
use crate::process::{Identity, working_below};
use crate::screen::Tone;

/// Time apps get to end gracefully: the longest grace of a stop rule and a little more.
const APPS_WITHIN: Duration = Duration::from_secs(20);
/// Time the control plane gets.
const SERVER_WITHIN: Duration = Duration::from_secs(15);
/// Time a killed process gets to disappear.
const KILLED_WITHIN: Duration = Duration::from_secs(5);

/// Arguments of `down`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The state folder, where it is not this clone's own.
    #[arg(long, value_name = "DIR", env = "SERVERFLOW_STATE")]
    state: Option<PathBuf>,
}

/// What was ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Ended {
    /// Whether a control plane ran.
    pub server: bool,
    /// Whether an agent ran.
    pub agent: bool,
    /// Apps' shims and relays, and an nginx that the agent started.
    pub holders: usize,
    /// Those that had to be killed.
    pub killed: usize,
}

/// Ends control plane, agent, apps and relays of this clone.
///
/// # Errors
/// A damaged record; a process that even SIGKILL does not end.
pub async fn run(context: &Context, args: Args) -> Done {
    let ended = end_all(&Place::here(args.state.as_deref())?).await?;
    let document = json!({
        "server": ended.server, "agent": ended.agent, "holders": ended.holders, "killed": ended.killed,
    });
    context.screen.answer(&document, |_| {
        if ended == Ended::default() {
            return "Nothing of this clone was running.".to_owned();
        }
        let mark = context.screen.paint(Tone::Good, "✓");
        let was = |ran: bool| if ran { "stopped" } else { "was not running" };
        format!(
            "{mark} agent {}, {} app processes and relays stopped ({} by force), control plane {}.\n\
             `make run` starts everything again with its data.",
            was(ended.agent),
            ended.holders,
            ended.killed,
            was(ended.server)
        )
    });
    Ok(Exit::Succeeded)
}

/// Ends everything of a place. The agent goes first, so that it starts nothing again; the control plane last, so
/// that it hears of the rest.
///
/// # Errors
/// As [`run`].
pub async fn end_all(place: &Place) -> Result<Ended, Failure> {
    let record = place.record()?.unwrap_or_default();
    let mut ended = Ended::default();
    if let Some(found) = agent::running(place).or_else(|| alive(record.agent)) {
        agent::end(found).await;
        ended.agent = true;
    }
    let mut holders = working_below(&place.agent());
    holders.extend(own_nginx(&place.agent()));
    holders.iter().for_each(|holder| holder.signal(Signal::SIGTERM));
    ended.holders = holders.len();
    ended.killed = finish(&holders, APPS_WITHIN).await?;
    let own = Identity::own();
    if let Some(server) = alive(record.server).filter(|server| Some(*server) != own) {
        server.signal(Signal::SIGTERM);
        ended.killed += finish(&[server], SERVER_WITHIN).await?;
        ended.server = true;
    }
    if record != Record::default() {
        place.write_record(&Record { server: None, agent: None, ..record })?;
    }
    Ok(ended)
}

/// The nginx that an agent started. It rewrites its command line, so that it is known by the file with its pid.
fn own_nginx(agent: &Path) -> Option<Identity> {
    let pid = std::fs::read_to_string(agent.join("proxy/own/nginx.pid")).ok()?;
    let found = Identity::of(pid.trim().parse().ok()?)?;
    found.arguments().first().is_some_and(|title| title.starts_with("nginx: master")).then_some(found)
}

fn alive(process: Option<Identity>) -> Option<Identity> {
    process.filter(Identity::is_alive)
}

/// Waits for processes to end and kills those that do not; answers how many.
async fn finish(processes: &[Identity], limit: Duration) -> Result<usize, Failure> {
    let gone = async {
        for process in processes {
            process.gone_within(limit).await;
        }
    };
    drop(tokio::time::timeout(limit, gone).await);
    let mut killed = 0;
    for process in processes.iter().filter(|process| process.is_alive()) {
        killed += 1;
        process.signal(Signal::SIGKILL);
        if !process.gone_within(KILLED_WITHIN).await {
            return Err(stuck(process));
        }
    }
    Ok(killed)
}

fn stuck(process: &Identity) -> Failure {
    let program = process.arguments().first().map_or(String::new(), |program| {
        Path::new(program).file_name().map_or(String::new(), |name| format!(" ({})", name.to_string_lossy()))
    });
    Failure::new(Exit::Failed, "down.stuck", format!("Process {}{program} does not end, even by SIGKILL.", process.pid))
        .fix("It waits for a disk or belongs to another user: look at it with `ps`, or run this as its user.")
}
