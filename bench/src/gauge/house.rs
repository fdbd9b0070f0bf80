//! A whole installation of the released programs in a folder of its own: control plane, agent, an app, and an nginx before it where
//! that is wanted.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use sf_runtime::{OnError, Tasks};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// The app that everything is about.
pub const APP: &str = "hello-node";
/// Where it is served.
pub const DOMAIN: &str = "shop.example.test";
/// Steps that nobody waits for any more once they begin.
const AFTER_HEALTH: [&str; 5] = ["switch", "drain", "watch", "stopOld", "return"];

/// The installation. Everything of it ends with [`House::stop`], or when it is dropped.
#[derive(Debug)]
pub struct House {
    pub folder: tempfile::TempDir,
    /// Port of its nginx.
    pub proxy: u16,
    program: PathBuf,
    port: u16,
    tasks: Tasks,
    up: Child,
}

/// How a deploy ended.
#[derive(Debug)]
pub struct Ended {
    pub succeeded: bool,
    /// Why not.
    pub why: String,
    /// Step and milliseconds.
    timings: Vec<(String, u64)>,
}

impl Ended {
    /// Everything up to the passed health check.
    pub fn until_healthy(&self) -> Option<Duration> {
        let before = self.timings.iter().filter(|(step, _)| !AFTER_HEALTH.contains(&step.as_str()));
        (!self.timings.is_empty()).then(|| Duration::from_millis(before.map(|(_, took)| took).sum()))
    }

    /// From the moment a release was seen to be bad until the earlier one served.
    pub fn return_took(&self) -> Option<Duration> {
        let step = self.timings.iter().find(|(step, _)| step == "return");
        step.map(|(_, took)| Duration::from_millis(*took))
    }
}

impl House {
    pub async fn start(program: &Path, agent: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("serverflow-bench").tempdir_in("/var/tmp")?;
        // Apps have users of their own where this is root.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711))?;
        let (port, proxy) = (neighbours()?, neighbours()?);
        let mut up = Command::new(program);
        up.args(["up", "--port", &port.to_string(), "--agent"]).arg(agent);
        surroundings(&mut up, folder.path(), port);
        let mut up = up.stdout(Stdio::piped()).kill_on_drop(true).spawn().context("serverflow up")?;
        let mut lines = BufReader::new(up.stdout.take().context("its output")?).lines();
        let house = Self { folder, proxy, program: program.to_owned(), port, tasks: Tasks::new(), up };
        while !lines.next_line().await?.context("`up` ended early")?.starts_with(&format!("{APP} (running)")) {}
        // Whatever it says later is read, so that it never waits for us.
        house.tasks.spawn("what `up` says", OnError::Log, async move {
            while lines.next_line().await?.is_some() {}
            Ok::<(), std::io::Error>(())
        });
        Ok(house)
    }

    /// Puts an nginx of its own before the app.
    pub async fn with_nginx(self) -> Result<Self> {
        self.own_nginx()?;
        self.json(&["domains", "add", DOMAIN, APP, "--https", "off"]).await?;
        Ok(self)
    }

    /// Port of its API.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its state folder.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The control plane's process.
    pub fn plane(&self) -> Result<i32> {
        Ok(i32::try_from(self.up.id().context("the control plane has ended")?)?)
    }

    /// The agent's process.
    pub fn agent(&self) -> Result<i32> {
        let program = self.agent_program();
        let is_it = |pid: &i32| {
            let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let mut arguments = arguments.split(|byte| *byte == 0);
            arguments.next() == Some(program.as_os_str().as_encoded_bytes()) && arguments.next() == Some(b"run")
        };
        let all = std::fs::read_dir("/proc")?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        all.into_iter().find(is_it).context("no agent runs")
    }

    fn agent_program(&self) -> PathBuf {
        self.state().join("bin/serverflow-agent")
    }

    /// Kills the agent and starts the next one.
    pub fn restart_agent(&self) -> Result<()> {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(self.agent()?), nix::sys::signal::Signal::SIGKILL)?;
        let log = std::fs::File::create(self.folder.path().join("agent.log"))?;
        let mut next = std::process::Command::new(self.agent_program());
        next.args(["run", "--state"]).arg(self.state().join("agent"));
        // It outlives this program's interest in it, and ends with `reset`.
        next.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().map(drop).context("the agent")
    }

    fn own_nginx(&self) -> Result<()> {
        let policy = self.folder.path().join("state/agent/policy.toml");
        let text = std::fs::read_to_string(&policy)?;
        let (http, https) = (self.proxy, self.proxy + 1);
        Ok(std::fs::write(policy, format!("{text}\n[proxy]\nnginx = \"own\"\nhttp = {http}\nhttps = {https}\n"))?)
    }

    /// What the command line prints, as JSON.
    pub async fn json(&self, args: &[&str]) -> Result<Value> {
        let mut command = Command::new(&self.program);
        command.arg("--json").args(args);
        surroundings(&mut command, self.folder.path(), self.port);
        let done = command.output().await?;
        let text = String::from_utf8_lossy(&done.stdout);
        // One document, or one a line: then the last says how it ended.
        let last = text.lines().rfind(|line| line.starts_with('{')).unwrap_or_default();
        match serde_json::from_str(&text).or_else(|_| serde_json::from_str(last)) {
            Ok(value) => Ok(value),
            Err(_) => bail!("serverflow {}: {text}{}", args.join(" "), String::from_utf8_lossy(&done.stderr)),
        }
    }

    /// Deploys a branch and waits for its end.
    pub async fn deploy(&self, app: &str, branch: &str) -> Result<Ended> {
        let said = self.json(&["deploy", app, "--ref", branch]).await?;
        let run = &said["run"];
        let timings = run["outcome"]["facts"]["timings"].as_array().map_or(&[][..], Vec::as_slice);
        let timing = |one: &Value| Some((one["step"].as_str()?.to_owned(), one["tookMs"].as_u64()?));
        Ok(Ended {
            succeeded: run["done"] == "succeeded",
            why: run["fault"]["message"].as_str().unwrap_or_default().to_owned(),
            timings: timings.iter().filter_map(timing).collect(),
        })
    }

    /// Another app from the example's repository.
    pub async fn create(&self, name: &str) -> Result<()> {
        let source = format!("file://{}", self.repository().display());
        self.json(&["apps", "create", name, &source]).await.map(drop)
    }

    fn repository(&self) -> PathBuf {
        self.folder.path().join("state/repositories").join(APP)
    }

    /// Commits files on a branch of its own. Answers the folder of the repository, with that branch in it.
    pub async fn commit(&self, branch: &str, files: &[(&str, &str)]) -> Result<PathBuf> {
        let repository = self.repository();
        git(&repository, &["checkout", "--quiet", "-b", branch]).await?;
        for (name, text) in files {
            std::fs::write(repository.join(name), text)?;
        }
        git(&repository, &["add", "--all"]).await?;
        git(&repository, &["commit", "--quiet", "--no-gpg-sign", "--message", branch]).await?;
        Ok(repository)
    }
}

impl Drop for House {
    fn drop(&mut self) {
        // Agent, apps and nginx outlive whoever started them.
        let mut reset = std::process::Command::new(&self.program);
        reset.args(["reset", "--yes"]).env("SERVERFLOW_STATE", self.folder.path().join("state"));
        reset.env("HOME", self.folder.path().join("home")).stdout(Stdio::null());
        if let Err(error) = reset.status() {
            eprintln!("what was started could not be ended: {error}");
        }
    }
}

fn surroundings(command: &mut Command, folder: &Path, port: u16) {
    let agents = format!("127.0.0.1:{}", port + 1);
    command
        .env("HOME", folder.join("home"))
        .env_remove("XDG_CONFIG_HOME")
        .env("SERVERFLOW_STATE", folder.join("state"));
    command.env("SERVERFLOW_API__LISTEN", format!("127.0.0.1:{port}")).env("SERVERFLOW_AGENTS__LISTEN", agents);
}

async fn git(folder: &Path, args: &[&str]) -> Result<()> {
    let mut git = Command::new("git");
    git.args(["-c", "user.name=Bench", "-c", "user.email=bench@serverflow.invalid", "-C"]).arg(folder).args(args);
    ensure!(git.status().await?.success(), "git {args:?}");
    Ok(())
}

/// Memory that a process keeps resident, in MB.
pub fn resident_mb(pid: i32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
}

/// A port whose neighbour is free, too.
fn neighbours() -> Result<u16> {
    let at = |port: u16| std::net::TcpListener::bind(("127.0.0.1", port));
    for _ in 0..10_000 {
        let first = at(0)?;
        let port = first.local_addr()?.port();
        if port < u16::MAX && at(port + 1).is_ok() {
            return Ok(port);
        }
    }
    bail!("no two neighbouring ports are free")
}
