//! The agent of this clone: enrolled over the real protocol, running in a session of its own.

use std::fs::{self, File};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use reqwest::Method;
use serde_json::{Value, json};
use sf_runtime::child::Child;

use super::place::Place;
use crate::client::Client;
use crate::failure::{Exit, Failure};
use crate::process::{Identity, lock_holder, working_below};
use crate::value;

/// Time enrolling gets.
const ENROL_WITHIN: Duration = Duration::from_secs(30);
/// Time telling it to connect gets.
const REDIAL_WITHIN: Duration = Duration::from_secs(5);
/// Time the agent gets to be online: the longest it waits between two tries to connect (60 s), and a little more.
const ONLINE_WITHIN: Duration = Duration::from_secs(75);
/// Between two looks at whether it is.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Time an agent gets to end.
const END_WITHIN: Duration = Duration::from_secs(10);
/// Last bytes of the agent's log that are shown when it fails.
const LOG_TAIL_BYTES: usize = 1500;

/// The agent's program: the named one, else beside ours, else where `make` builds it.
///
/// # Errors
/// It is nowhere.
pub fn program(named: Option<&Path>, clone: &Path) -> Result<PathBuf, Failure> {
    let beside = std::env::current_exe().ok().and_then(|own| Some(own.parent()?.join("serverflow-agent")));
    let candidates = match named {
        Some(named) => vec![named.to_owned()],
        None => beside.into_iter().chain([clone.join("target/agent/serverflow-agent")]).collect(),
    };
    let found = candidates.iter().find(|path| path.is_file()).cloned();
    found.ok_or_else(|| {
        let looked: Vec<_> = candidates.iter().map(|path| path.display().to_string()).collect();
        Failure::new(
            Exit::Failed,
            "up.agent_missing",
            format!("The agent's program is not at {}.", looked.join(" or ")),
        )
        .fix("Build it with `make build`, or name it with --agent.")
    })
}

/// The agent that runs for this clone: whoever holds its folder's lock, however it was started; else one that is starting
/// and has not come that far.
pub fn running(place: &Place) -> Option<Identity> {
    let folder = place.agent();
    let starting = || {
        working_below(&folder).into_iter().find(|process| process.arguments().get(1).is_some_and(|mode| mode == "run"))
    };
    lock_holder(&folder.join("daemon").join("lock")).or_else(starting)
}

/// Has the running agent connect now; by itself it may wait a minute for its next try. One that cannot be told, as an
/// older one, is waited for.
pub async fn redial(place: &Place) {
    let child = Child::new(place.agent_program()).arg("redial").arg("--state").arg(place.agent());
    if let Err(error) = child.finish(REDIAL_WITHIN).await {
        tracing::debug!(%error, "the agent could not be told to connect");
    }
}

/// Enrols the node unless it is enrolled; answers its id. A moved port is written down for an agent that is not
/// running, and one that runs is started anew by the caller.
///
/// # Errors
/// The control plane's and the agent's own words.
pub async fn enrol(place: &Place, client: &Client, agents: &str) -> Result<String, Failure> {
    let registration = place.agent().join("registration.json");
    if let Some(known) = read(&registration) {
        return Ok(value::text(&known, "/node"));
    }
    let invitation = client.write(Method::POST, "/enrol-tokens", Some(&json!({}))).await?;
    let child = Child::new(place.agent_program())
        .args(["enrol", "--url", &format!("wss://{agents}")])
        .env("SERVERFLOW_ENROL_TOKEN", value::text(&invitation, "/token"))
        .args(["--root", &value::text(&invitation, "/rootFingerprint")])
        .arg("--state")
        .arg(place.agent());
    let failed = |reason: String| {
        Failure::new(Exit::Failed, "up.enrol", format!("The agent could not be enrolled: {reason}"))
            .fix("Read the reason, then run `make run` again; what is done already is kept.")
    };
    let done = child.finish(ENROL_WITHIN).await.map_err(|error| failed(error.to_string()))?;
    if !done.status.success() {
        let said = [done.stderr, done.stdout].concat();
        return Err(failed(String::from_utf8_lossy(&said).trim().to_owned()));
    }
    let known = read(&registration).ok_or_else(|| failed("it left no registration.".to_owned()))?;
    Ok(value::text(&known, "/node"))
}

/// The port of the control plane moved: whom the agent dials is written anew. The agent must not be running. Its
/// trust is in the root key and the pinned certificate, neither of which has a port in it.
///
/// # Errors
/// The file system's.
pub fn move_to(place: &Place, agents: &str) -> Result<(), Failure> {
    let path = place.agent().join("registration.json");
    let url = format!("wss://{agents}");
    let Some(mut known) = read(&path) else { return Ok(()) };
    if value::text(&known, "/url").trim_end_matches('/') == url {
        return Ok(());
    }
    known["url"] = url.into();
    crate::credentials::write_private(&path, known.to_string().as_bytes())
}

/// Whether the enrolled agent dials `agents`.
pub fn dials(place: &Place, agents: &str) -> bool {
    let known = read(&place.agent().join("registration.json"));
    known.is_none_or(|known| value::text(&known, "/url").trim_end_matches('/') == format!("wss://{agents}"))
}

/// Puts the program and the node's policy in place. The agent must not be running.
///
/// # Errors
/// The file system's.
pub fn prepare(place: &Place, program: &Path) -> Result<(), Failure> {
    let target = place.agent_program();
    let folder = target.parent().unwrap_or(&place.state);
    let install = || {
        fs::DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
        let beside = target.with_extension("new");
        fs::copy(program, &beside)?;
        fs::set_permissions(&beside, fs::Permissions::from_mode(0o755))?;
        fs::rename(&beside, &target)
    };
    install().map_err(|error| Failure::file(&target, &error))?;
    let mode = if nix::unistd::geteuid().is_root() { 0o711 } else { 0o700 };
    let made = fs::DirBuilder::new().recursive(true).mode(mode).create(place.agent());
    made.map_err(|error| Failure::file(&place.agent(), &error))?;
    let policy = place.agent().join("policy.toml");
    if policy.exists() {
        return Ok(());
    }
    let listed = toml::Value::Array(vec![place.repositories().to_string_lossy().into_owned().into()]);
    let text = format!(
        "# This node's own word: what is denied here stays denied, whoever signed it.\n\
         # Folders whose repositories may be deployed with file://\n\
         allow_file_below = {listed}\n"
    );
    crate::credentials::write_private(&policy, text.as_bytes())
}

/// Starts the agent in a session of its own: Ctrl-C and a closed terminal leave it alone.
///
/// # Errors
/// It cannot be started.
pub fn start(place: &Place) -> Result<Identity, Failure> {
    let failed = |reason: String| {
        Failure::new(Exit::Failed, "up.agent", format!("The agent could not be started: {reason}."))
            .fix(format!("See {}.", place.agent_log().display()))
    };
    let log = File::options().create(true).append(true).open(place.agent_log());
    let log = log.map_err(|error| Failure::file(&place.agent_log(), &error))?;
    let errors = log.try_clone().map_err(|error| failed(error.to_string()))?;
    let mut command = Command::new(place.agent_program());
    command.arg("run").arg("--state").arg(place.agent()).env_clear().current_dir(&place.state);
    for name in ["PATH", "HOME", "LANG"] {
        if let Some(text) = sf_runtime::env::var(name) {
            command.env(name, text);
        }
    }
    command.stdin(Stdio::null()).stdout(log).stderr(errors);
    use std::os::unix::process::CommandExt;
    // SAFETY: setsid is a system call that allocates nothing and touches no lock.
    unsafe {
        command.pre_exec(|| nix::unistd::setsid().map(drop).map_err(std::io::Error::from));
    }
    let child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let pid = i32::try_from(child.id()).map_err(|_| failed("its pid is out of range".to_owned()))?;
    Identity::of(pid).ok_or_else(|| failed(format!("it ended at once: {}", log_tail(place))))
}

/// Waits until the control plane sees the node online.
///
/// # Errors
/// It ended, or it took too long; with the end of its log.
pub async fn online(place: &Place, client: &Client, node: &str, agent: Identity) -> Result<(), Failure> {
    let failed = |what: &str| {
        Failure::new(Exit::Failed, "up.agent_offline", format!("The agent {what}. It said last:\n{}", log_tail(place)))
            .fix(format!("See {} and run `make run` again.", place.agent_log().display()))
    };
    let wait = async {
        loop {
            let found = client.get(&format!("/nodes/{node}"), &[]).await?.data;
            if value::word(&found, "/status") == "online" {
                return Ok(());
            }
            if !agent.is_alive() {
                return Err(failed("ended"));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(ONLINE_WITHIN, wait).await.unwrap_or_else(|_| Err(failed("is not online after 75 s")))
}

/// Ends the agent; its apps run on.
pub async fn end(agent: Identity) {
    agent.signal(Signal::SIGTERM);
    if !agent.gone_within(END_WITHIN).await {
        agent.signal(Signal::SIGKILL);
        agent.gone_within(END_WITHIN).await;
    }
}

fn read(path: &Path) -> Option<Value> {
    serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
}

fn log_tail(place: &Place) -> String {
    let text = fs::read(place.agent_log()).unwrap_or_default();
    let from = text.len().saturating_sub(LOG_TAIL_BYTES);
    String::from_utf8_lossy(&text[from..]).trim().to_owned()
}
