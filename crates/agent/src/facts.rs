//! What this node is: read once at the start, told at enrolment and when asked.

pub mod doctor;
pub mod metrics;

use std::fs;
use std::path::Path;
use std::time::Duration;

use sf_protocol::report::NodeFacts;
use sf_runtime::child::Child;

use crate::confine::Confinement;
use crate::confine::cgroup::Cgroups;
use crate::policy::{Loaded, Owner};

/// Programs whose version people want to see.
const TOOLS: [&str; 6] = ["git", "node", "npm", "python3", "nginx", "docker"];
/// Longest wait for a program to tell its version.
const VERSION_LIMIT: Duration = Duration::from_secs(3);
/// Longest fact, in characters.
const FACT_CHARS: usize = 200;

/// Gathers the facts. Programs are asked side by side; one that does not answer in time is left out.
pub async fn gather(policy: &Loaded) -> NodeFacts {
    let tools = futures_util::future::join_all(TOOLS.iter().map(|tool| version(tool))).await;
    let engine = engine(&policy.policy.containers).await;
    let uname = nix::sys::utsname::uname().ok();
    let name = |name: &std::ffi::OsStr| cut(&name.to_string_lossy());
    NodeFacts {
        host: uname.as_ref().map_or_else(|| "unknown".to_owned(), |uname| name(uname.nodename())),
        os: os_name(&fs::read_to_string("/etc/os-release").unwrap_or_default()),
        kernel: uname.as_ref().map_or_else(String::new, |uname| name(uname.release())),
        arch: std::env::consts::ARCH.to_owned(),
        cpus: cpus(),
        memory: metrics::memory_total(),
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        root: nix::unistd::geteuid().is_root(),
        enforces: enforces(),
        policy: policy_words(policy),
        tools: tools.into_iter().flatten().chain(engine).collect(),
    }
}

/// Logical processors.
pub fn cpus() -> u32 {
    std::thread::available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(u32::MAX))
}

/// What confinement this machine enforces, in words.
pub fn enforces() -> Vec<String> {
    let mut words = Confinement::strict().enforces();
    // Said of a confinement without a user and a group; what apps get is said below.
    words.retain(|word| !word.starts_with("no control group") && !word.starts_with("no user of its own"));
    words.push(match nix::unistd::geteuid().is_root() {
        true => "a user of its own for each app".to_owned(),
        false => "apps share the agent's user (it does not run as root)".to_owned(),
    });
    words.extend(Cgroups::detect().enforces());
    words
}

fn policy_words(loaded: &Loaded) -> String {
    let danger = if loaded.policy.danger { "read, operate and danger" } else { "read and operate" };
    match loaded.owner {
        None => format!("no policy file: {danger}"),
        Some(Owner::Root) => format!("owned by root: {danger}"),
        Some(Owner::Agent) => format!("owned by the agent's user, who can lift it: {danger}"),
    }
}

/// `PRETTY_NAME` of os-release(5).
fn os_name(text: &str) -> String {
    let name = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    cut(name.unwrap_or("Linux").trim_matches(['"', '\'']))
}

/// `git 2.47.3`.
async fn version(tool: &str) -> Option<String> {
    if !on_path(tool) {
        return None;
    }
    let done = Child::new(tool).arg("--version").current_dir("/").finish(VERSION_LIMIT).await.ok()?;
    let text = if done.stdout.is_empty() { done.stderr } else { done.stdout };
    let text = String::from_utf8_lossy(&text);
    let word =
        text.split_whitespace().find(|word| word.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit()));
    let version = word?.trim_start_matches('v').trim_end_matches(',');
    Some(cut(&format!("{tool} {version}")))
}

/// `container engine: Docker 20.10.24, rootless`.
async fn engine(choice: &crate::image::Choice) -> Option<String> {
    let engine = choice.engine().ok()?;
    let about = match tokio::time::timeout(VERSION_LIMIT, engine.about()).await {
        Ok(Ok(about)) => about,
        Ok(Err(_)) | Err(_) => {
            return Some(cut(&format!("container engine at {}: no answer", engine.socket().display())));
        }
    };
    let rootless = if about.rootless { ", rootless" } else { "" };
    Some(cut(&format!("container engine: {} {}{rootless}", about.name, about.version)))
}

fn on_path(tool: &str) -> bool {
    let path = sf_runtime::env::var("PATH").unwrap_or_default();
    path.split(':').any(|dir| Path::new(dir).join(tool).is_file())
}

fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(FACT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_node_knows_itself() {
        let facts = gather(&Loaded::default()).await;
        assert!(facts.cpus > 0 && facts.memory > 0 && !facts.host.is_empty(), "{facts:?}");
        assert!(facts.tools.iter().any(|tool| tool.starts_with("git 2")), "{:?}", facts.tools);
        assert_eq!(facts.policy, "no policy file: read and operate");
    }

    #[test]
    fn the_system_is_named_as_it_names_itself() {
        assert_eq!(os_name("ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n"), "Debian GNU/Linux 12");
        assert_eq!(os_name(""), "Linux");
    }
}
