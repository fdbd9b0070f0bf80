//! `serverflow-agent status`, `redial`, `verify` and `doctor`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sf_agent::daemon::local::{self, AgentStatus};
use sf_agent::facts::doctor::{self, Finding};
use sf_agent::journal::verify;
use sf_agent::link::LinkState;
use sf_agent::state::{Registration, StateDir, witnesses};
use sf_protocol::witness::Head;
use sf_runtime::Clock;
use sf_types::{ByteSize, CommandId, Fault};

/// Exit code of `status` when no daemon runs (LSB: program is not running).
const NOT_RUNNING: u8 = 3;

/// What to verify.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// A command of this node's journal.
    #[arg(long, required_unless_present = "file", conflicts_with = "file")]
    command: Option<CommandId>,
    /// A file as the control plane exports it: `GET /api/v1/runs/{id}/command`.
    #[arg(long)]
    file: Option<PathBuf>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub fn status(path: &Path, json: bool) -> Result<ExitCode, Fault> {
    let state = StateDir::open(path)?;
    let registration = state.registration()?;
    let asked = crate::runtime()?.block_on(local::ask(&state));
    let status = asked.map_err(|error| crate::internal("the daemon does not answer", &error))?;
    let witnessed = witnesses::latest(&state, registration.root)?;
    let code = if status.is_some() { ExitCode::SUCCESS } else { ExitCode::from(NOT_RUNNING) };
    if json {
        println!(
            "{}",
            serde_json::json!({
                "registration": registration, "running": status.is_some(), "status": status,
                "witnessed": witnessed.iter().map(witnessed_json).collect::<Vec<_>>(),
            })
        );
        return Ok(code);
    }
    print_node(&registration);
    for head in &witnessed {
        println!("witnessed  line {} of the audit chain {}, signed at {}", head.size, head.instance, head.at);
    }
    match status {
        Some(status) => print_status(&status),
        None => println!("daemon     does not run; apps go on without it. Start it: serverflow-agent run"),
    }
    Ok(code)
}

fn witnessed_json(head: &Head) -> serde_json::Value {
    let hash: String = head.hash.iter().map(|byte| format!("{byte:02x}")).collect();
    serde_json::json!({"instance": head.instance, "size": head.size, "hash": hash, "at": head.at, "epoch": head.epoch})
}

pub fn redial(path: &Path) -> Result<ExitCode, Fault> {
    let state = StateDir::open(path)?;
    let asked = crate::runtime()?.block_on(local::redial(&state));
    let status = asked.map_err(|error| crate::internal("the daemon does not answer", &error))?;
    let Some(status) = status else {
        println!("daemon     does not run. Start it: serverflow-agent run");
        return Ok(ExitCode::from(NOT_RUNNING));
    };
    match status.link {
        LinkState::Connected { since } => println!("link       connected since {since}"),
        LinkState::Connecting | LinkState::Waiting { .. } => println!("link       dialling"),
    }
    Ok(ExitCode::SUCCESS)
}

fn print_node(registration: &Registration) {
    println!("node       {} of {} ({})", registration.node_name, registration.tenant_name, registration.node);
    println!("control    {}, root {}", registration.url, registration.root);
}

fn print_status(status: &AgentStatus) {
    println!("daemon     {} as pid {}, {} of memory", status.version, status.pid, ByteSize(status.rss_bytes));
    match &status.link {
        LinkState::Connecting => println!("link       connecting"),
        LinkState::Connected { since } => println!("link       connected since {since}"),
        LinkState::Waiting { fault, until } => println!("link       {fault} (again at {until})"),
    }
    println!(
        "journal    epoch {}, number {}, {} outcomes to deliver",
        status.epoch, status.high_water, status.undelivered
    );
    println!("policy     {}", status.policy);
    println!("enforces   {}", status.enforces.join("; "));
    for app in &status.apps {
        let port = app.port.map_or_else(String::new, |port| format!(" on port {port}"));
        let pid = app.pid.map_or_else(String::new, |pid| format!(", pid {pid}"));
        let reason = if app.reason.is_empty() { String::new() } else { format!(" ({})", app.reason) };
        println!("app        {}: {:?}{port}{pid}{reason}", app.name, app.state);
    }
    for server in &status.servers {
        let pid = server.pid.map_or_else(String::new, |pid| format!(", pid {pid}"));
        let reason = if server.reason.is_empty() { String::new() } else { format!(" ({})", server.reason) };
        println!("server     {}: {:?}{pid}{reason}", server.name, server.state);
    }
    let more = status.servers_in_all.saturating_sub(status.servers.len());
    if more > 0 {
        println!("server     and {more} more");
    }
}

pub fn verify(path: &Path, args: &VerifyArgs) -> Result<ExitCode, Fault> {
    let verified = match (&args.file, args.command) {
        (Some(file), _) => {
            let text = std::fs::read_to_string(file)
                .map_err(|error| crate::internal(&format!("{} cannot be read", file.display()), &error))?;
            let pinned = StateDir::open(path).ok().and_then(|state| state.root_key().ok());
            verify::exported(&text, pinned.as_ref())?
        }
        (None, Some(command)) => verify::journal(&StateDir::open(path)?, command)?,
        (None, None) => unreachable!("the arguments demand one of them"),
    };
    if args.json {
        println!("{}", serde_json::json!(verified));
        return Ok(ExitCode::SUCCESS);
    }
    println!("good: {} {} was signed at {}", verified.kind, verified.command, verified.issued_at);
    println!("  number {} of epoch {}", verified.sequence, verified.epoch);
    println!("  by key {}", verified.key);
    println!("  certified by root {}", verified.root);
    match verified.pinned {
        Some(true) => println!("  which is the root this node trusts"),
        Some(false) => println!("  WHICH IS NOT the root this node trusts"),
        None => println!("  compare that fingerprint with the one of your install line"),
    }
    if let Some(outcome) = &verified.outcome {
        println!("  the node signed its outcome: {:?} at {}", outcome.verdict, outcome.finished_at);
    }
    Ok(if verified.pinned == Some(false) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

pub fn doctor(path: &Path, json: bool) -> Result<ExitCode, Fault> {
    let checks = crate::runtime()?.block_on(doctor::examine(path, &Clock::system()));
    let sick = checks.iter().any(|check| check.finding == Finding::Bad);
    if json {
        println!("{}", serde_json::json!(checks));
    } else {
        for check in &checks {
            let mark = match check.finding {
                Finding::Good => "ok  ",
                Finding::Weak => "weak",
                Finding::Bad => "BAD ",
            };
            println!("{mark}  {:<14} {}", check.what, check.says);
            if !check.fix.is_empty() {
                println!("      {:<14} {}", "", check.fix);
            }
        }
    }
    Ok(if sick { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
