//! What `up` needs besides our own programs.

use std::time::Duration;

use sf_runtime::child::Child;

use crate::failure::{Exit, Failure};

/// Program, and the Debian package that has it.
const TOOLS: [(&str, &str); 2] = [("git", "git"), ("node", "nodejs")];
/// Time a tool gets to say its version.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Looks for every tool.
///
/// # Errors
/// Names all that are missing and the command that installs them.
pub async fn check() -> Result<(), Failure> {
    let mut missing = Vec::new();
    for (program, package) in TOOLS {
        if version(program).await.is_none() {
            missing.push((program, package));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = missing.iter().map(|(program, _)| *program).collect();
    let packages: Vec<_> = missing.iter().map(|(_, package)| *package).collect();
    let sudo = if nix::unistd::geteuid().is_root() { "" } else { "sudo " };
    Err(Failure::new(Exit::Failed, "up.tools", format!("Missing here: {}.", names.join(", ")))
        .fix(format!("Install: {sudo}apt-get install -y {}", packages.join(" "))))
}

/// What a tool says of its version.
pub async fn version(program: &str) -> Option<String> {
    let done = Child::new(program).arg("--version").finish(ANSWER_WITHIN).await.ok()?;
    let text = String::from_utf8_lossy(&done.stdout).lines().next().unwrap_or_default().trim().to_owned();
    done.status.success().then_some(text)
}
