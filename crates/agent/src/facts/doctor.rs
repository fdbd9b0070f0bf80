//! What may keep a node from working, and what to do about each.

use std::path::Path;

use serde::Serialize;
use sf_protocol::report::NodeFacts;
use sf_runtime::Clock;
use sf_types::{ByteSize, Fault};

use super::metrics;
use crate::link::{ControlUrl, LinkError, Socket, Trust};
use crate::policy::Policy;
use crate::process;
use crate::release::RESERVE_BYTES;
use crate::state::{Registration, StateDir};

/// A result.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Finding {
    /// As it should be.
    Good,
    /// It works, but something is missing.
    Weak,
    /// It does not work.
    Bad,
}

/// One thing that was looked at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// What.
    pub what: &'static str,
    /// How it is.
    pub finding: Finding,
    /// In words.
    pub says: String,
    /// What to do; empty where nothing is to be done.
    pub fix: String,
}

fn good(what: &'static str, says: impl Into<String>) -> Check {
    Check { what, finding: Finding::Good, says: says.into(), fix: String::new() }
}

fn weak(what: &'static str, says: impl Into<String>, fix: impl Into<String>) -> Check {
    Check { what, finding: Finding::Weak, says: says.into(), fix: fix.into() }
}

fn bad(what: &'static str, fault: &Fault) -> Check {
    Check { what, finding: Finding::Bad, says: fault.message.clone(), fix: fault.fix.clone() }
}

/// Looks at everything. Changes nothing, and may be run beside a daemon.
pub async fn examine(path: &Path, clock: &Clock) -> Vec<Check> {
    let mut checks = Vec::new();
    let state = match StateDir::open(path) {
        Ok(state) => {
            checks.push(good("state folder", state.path().display().to_string()));
            state
        }
        Err(error) => return vec![bad("state folder", &error.into())],
    };
    checks.push(disk(&state));
    let registration = state.registration();
    checks.push(match &registration {
        Ok(known) => good("enrolment", format!("{} of {}, at {}", known.node_name, known.tenant_name, known.url)),
        Err(error) => Check {
            what: "enrolment",
            finding: Finding::Bad,
            says: error.to_string(),
            fix: "Run `serverflow-agent enrol` with the install line of the control plane.".to_owned(),
        },
    });
    checks.push(match state.node_key() {
        Ok(key) => good("node key", key.public().id().to_string()),
        Err(error) => bad("node key", &error.into()),
    });
    let loaded = Policy::load(&state.join("policy.toml"));
    let known = super::gather(loaded.as_ref().unwrap_or(&crate::policy::Loaded::default())).await;
    checks.push(match &loaded {
        Ok(_) => good("policy", known.policy.clone()),
        Err(fault) => bad("policy", fault),
    });
    checks.push(daemon(&state).await);
    checks.extend(machine(&known));
    if let Ok(registration) = registration {
        checks.push(control_plane(&registration).await);
    }
    checks.push(good("clock", clock.now().to_string()));
    checks
}

fn disk(state: &StateDir) -> Check {
    let (used, total) = metrics::disk(state.path());
    let free = total.saturating_sub(used);
    let says = format!("{} free of {}", ByteSize(free), ByteSize(total));
    if free < 2 * RESERVE_BYTES {
        weak("disk", says, "Free some space, or keep fewer releases.")
    } else {
        good("disk", says)
    }
}

async fn daemon(state: &StateDir) -> Check {
    match crate::daemon::local::ask(state).await {
        Ok(Some(status)) => {
            good("daemon", format!("runs as pid {}, {} of memory", status.pid, ByteSize(status.rss_bytes)))
        }
        Ok(None) => weak("daemon", "it does not run; apps go on without it", "Start it: serverflow-agent run"),
        Err(error) => weak("daemon", format!("it does not answer: {error}"), "Look into its log, then start it again."),
    }
}

fn machine(known: &NodeFacts) -> Vec<Check> {
    let mut checks = Vec::new();
    checks.push(if process::tree::is_visible() {
        good("processes", "/proc is there")
    } else {
        let fault = Fault::new(sf_types::ErrorKind::Internal, "node.proc", "/proc is not mounted.");
        bad("processes", &fault.fix("Mount it: mount -t proc proc /proc"))
    });
    let has = |tool: &str| known.tools.iter().find(|found| found.split(' ').next() == Some(tool));
    checks.push(match has("git") {
        Some(git) => good("git", git.clone()),
        None => weak("git", "it is missing: nothing can be deployed", "apt-get install git"),
    });
    for (tool, package, what) in [("node", "nodejs npm", "Node"), ("python3", "python3-venv", "Python")] {
        checks.push(match has(tool) {
            Some(found) => good(tool, found.clone()),
            None => {
                weak(tool, format!("it is missing: {what} apps cannot be built"), format!("apt-get install {package}"))
            }
        });
    }
    checks.push(if known.root {
        good("users", "it runs as root: each app has a user of its own")
    } else {
        weak("users", "it does not run as root: apps share its user", "Run it as root to give each app its own user.")
    });
    checks.push(good("confinement", known.enforces.join("; ")));
    checks
}

/// Dials as the daemon does, up to the WebSocket; the handshake is the daemon's own.
async fn control_plane(registration: &Registration) -> Check {
    let trust = registration.tls_pin.clone().map_or(Trust::Public, Trust::Pinned);
    let dialled = match registration.url.parse::<ControlUrl>() {
        Ok(url) => Box::pin(Socket::dial(&url, trust)).await.map(drop),
        Err(error) => Err(LinkError::from(error)),
    };
    match dialled {
        Ok(()) => good("control plane", format!("{} answers", registration.url)),
        Err(error) => bad("control plane", &error.fault()),
    }
}
