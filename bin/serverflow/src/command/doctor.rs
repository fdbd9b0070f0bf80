//! `doctor`: ports, clock, disk, rights, versions; each with what to do.

use std::path::Path;

use nix::sys::statvfs::statvfs;
use serde_json::{Value, json};
use sf_runtime::Clock;
use sf_types::ByteSize;

use crate::clone::Place;
use crate::config::Config;
use crate::context::Context;
use crate::credentials::Credentials;
use crate::failure::{Done, Exit, Failure};
use crate::process::port_owner;
use crate::screen::{Screen, Tone};
use crate::value;

/// Free disk below which it is time to act.
const LOW_DISK: ByteSize = ByteSize::mib(1024);
/// Clock difference that is forgiven, in milliseconds. Agents refuse at 60 s.
const SKEW_MS: i64 = 5_000;
/// Open files below which many agents cannot be served.
const FEW_FILES: u64 = 4096;

/// One thing looked at.
struct Check {
    name: &'static str,
    found: Result<String, Failure>,
}

/// Runs every check; exits with 1 when one fails.
///
/// # Errors
/// None: what fails is a finding.
pub async fn run(context: &Context) -> Done {
    let mut checks = vec![version(), config(context), ports(context), disk(), files(), credentials(context)];
    for tool in ["git", "node"] {
        checks.push(self::tool(tool).await);
    }
    checks.extend(server(context).await);
    let document: Vec<_> = checks.iter().map(Check::as_json).collect();
    context.screen.answer(&json!({ "checks": document }), |_| {
        checks.iter().map(|check| check.as_text(&context.screen)).collect::<Vec<_>>().join("\n")
    });
    Ok(if checks.iter().all(|check| check.found.is_ok()) { Exit::Succeeded } else { Exit::Failed })
}

impl Check {
    fn as_json(&self) -> Value {
        match &self.found {
            Ok(detail) => json!({ "name": self.name, "ok": true, "detail": detail }),
            Err(failure) => json!({ "name": self.name, "ok": false, "detail": failure.message, "fix": failure.fix }),
        }
    }

    fn as_text(&self, screen: &Screen) -> String {
        match &self.found {
            Ok(detail) => format!("{} {:<12} {detail}", screen.paint(Tone::Good, "✓"), self.name),
            Err(failure) => format!(
                "{} {:<12} {}\n  {:<12} {} {}",
                screen.paint(Tone::Bad, "✗"),
                self.name,
                failure.message,
                "",
                screen.paint(Tone::Strong, "do:"),
                failure.fix
            ),
        }
    }
}

fn failed(message: String, fix: impl Into<String>) -> Failure {
    Failure::new(Exit::Failed, "doctor", message).fix(fix)
}

fn version() -> Check {
    Check { name: "version", found: Ok(format!("serverflow {}", env!("CARGO_PKG_VERSION"))) }
}

fn config(context: &Context) -> Check {
    let found = Config::load(context.config_file().as_deref());
    Check { name: "config", found: found.map(|_| "accepted".to_owned()) }
}

/// A port that somebody other than ServerFlow holds is in the way.
fn ports(context: &Context) -> Check {
    let config = Config::load(context.config_file().as_deref()).unwrap_or_default();
    let ports = [config.api.listen.port(), config.agents.listen.port()];
    let mut said = Vec::new();
    for port in ports {
        match port_owner(port) {
            None => said.push(format!("{port} is free")),
            Some(owner) if owner.program.contains("serverflow") => {
                said.push(format!("{port} is ours (pid {})", owner.pid))
            }
            Some(owner) => {
                let message = format!("Port {port} is taken by process {} ({}).", owner.pid, owner.program);
                let fix = format!("Stop it, or use another: make run PORT={}", port.saturating_add(10));
                return Check { name: "ports", found: Err(failed(message, fix)) };
            }
        }
    }
    Check { name: "ports", found: Ok(said.join(", ")) }
}

fn disk() -> Check {
    let place = Place::here(None).map_or_else(|_| "/".into(), |place| place.state);
    let at = place.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    let found = match statvfs(at) {
        Ok(stat) => {
            let free = ByteSize(stat.blocks_available().saturating_mul(stat.fragment_size()));
            if free >= LOW_DISK {
                Ok(format!("{free} free at {}", at.display()))
            } else {
                let message = format!("Only {free} are free at {}.", at.display());
                Err(failed(message, "Make room: releases and logs need some, and a full disk refuses deploys."))
            }
        }
        Err(error) => Err(failed(format!("{} cannot be looked at: {error}.", at.display()), "Check its rights.")),
    };
    Check { name: "disk", found }
}

fn files() -> Check {
    use nix::sys::resource::{Resource, getrlimit};
    let found = match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((soft, _)) if soft < FEW_FILES => Err(failed(
            format!("A process may open only {soft} files; each agent needs one."),
            format!("Raise it: ulimit -n {FEW_FILES} (systemd: LimitNOFILE=65536)."),
        )),
        Ok((soft, _)) => Ok(format!("{soft} files may be open")),
        Err(error) => Err(failed(format!("The limit on open files is unknown: {error}."), "Check `ulimit -n`.")),
    };
    Check { name: "open files", found }
}

fn credentials(context: &Context) -> Check {
    let found = Credentials::load().and_then(|stored| {
        let server = context.server()?;
        match stored.token(&server) {
            Some(_) => Ok(format!("signed in to {server}")),
            None => {
                Err(failed(format!("Nobody is signed in to {server}."), format!("serverflow login --server {server}")))
            }
        }
    });
    Check { name: "sign-in", found }
}

async fn tool(program: &'static str) -> Check {
    let found = crate::clone::up::tool_version(program).await;
    let found = found.ok_or_else(|| {
        failed(
            format!("{program} is not installed here."),
            format!("apt-get install -y {}", if program == "node" { "nodejs" } else { program }),
        )
    });
    Check { name: program, found }
}

/// What the control plane says of itself, and whether its clock and version agree with ours.
async fn server(context: &Context) -> Vec<Check> {
    let reached = async {
        let client = context.anonymous()?;
        let clock = Clock::system();
        let before = clock.now().as_millis();
        let answer = client.get_timed("/health").await?;
        Ok::<_, Failure>((answer, before, clock.now().as_millis()))
    };
    let (answer, before, after) = match reached.await {
        Ok(reached) => reached,
        Err(failure) => return vec![Check { name: "server", found: Err(failure) }],
    };
    let (health, told) = answer;
    let status = value::text(&health, "/status");
    let summary = format!("{status}, version {}", value::text(&health, "/version"));
    let mut checks = vec![Check {
        name: "server",
        found: if status == "healthy" {
            Ok(summary)
        } else {
            Err(failed(format!("It is {summary}."), "See its checks below."))
        },
    }];
    for part in health.get("checks").map_or(&[][..], value::items) {
        if value::text(part, "/status") != "healthy" {
            let message = format!("{}: {}", value::text(part, "/name"), value::text(part, "/detail"));
            checks.push(Check { name: "server part", found: Err(failed(message, "See the control plane's log.")) });
        }
    }
    checks.push(Check { name: "clock", found: clock(told.as_deref(), before, after) });
    let theirs = value::text(&health, "/version");
    let ours = env!("CARGO_PKG_VERSION");
    if theirs != ours && theirs != value::NOTHING {
        let message = format!("The control plane is version {theirs}, this is {ours}.");
        checks.push(Check { name: "versions", found: Err(failed(message, "Use the serverflow of that version.")) });
    }
    checks
}

fn clock(told: Option<&str>, before: i64, after: i64) -> Result<String, Failure> {
    let middle = sf_types::Timestamp::from_millis(before.midpoint(after)).to_string();
    let Some(told) = told else { return Ok(format!("{middle} here")) };
    let forward = crate::run::millis_between(&middle, told).unwrap_or(0);
    // The difference of two times of day, whichever is earlier.
    let apart = forward.min(86_400_000 - forward);
    if apart <= SKEW_MS {
        return Ok(format!("{apart} ms from the control plane's"));
    }
    let message = format!("This machine says {middle}, the control plane {told}.");
    Err(failed(message, "Set the clock: timedatectl set-ntp true"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_may_differ_a_little_across_midnight_too() {
        let at = |told: &str| clock(Some(told), 0, 0).is_ok();
        assert!(at("1970-01-01T00:00:03.000Z"));
        assert!(at("1969-12-31T23:59:57.000Z"));
        assert!(!at("1970-01-01T00:01:00.000Z"));
    }
}
