//! A node in a folder of its own: its daemon, its control plane, its repository.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};

use super::plane::{LIMIT, Plane};
use nix::sys::signal::Signal;
use sf_agent::daemon::local;
use sf_agent::link::LinkError;
use sf_agent::link::enrol::{Enroller, InstallLine};
use sf_agent::policy::Loaded;
use sf_agent::state::{Registration, StateDir};
use sf_protocol::app::{AppSpec, Traffic, TrafficMode};
use sf_protocol::handshake::BindingKind;
use sf_protocol::order::{AppAction, AppVerb, Deploy, DeploySource, GitSource, Order};
use sf_protocol::outcome::{DeployFacts, Facts};
use sf_protocol::{Outcome, Verdict};
use sf_runtime::child::Child;
use sf_runtime::{Clock, Rng};
use sf_types::{AppId, Millis, ReleaseId};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A node, its control plane and a repository, all in one folder.
pub struct World {
    pub dir: tempfile::TempDir,
    pub plane: Plane,
    pub daemon: Option<tokio::process::Child>,
    pub app: AppId,
    generation: u64,
}

impl World {
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        // Apps and git have users of their own where this runs as root.
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let plane = Plane::start().await;
        let app = Rng::system().id(&Clock::system());
        // Whoever has a number kills what is left of it: nodes side by side need numbers of their own, also those of one test.
        static NTH: AtomicU32 = AtomicU32::new(0);
        let own = std::process::id() * 32 + NTH.fetch_add(1, Ordering::Relaxed) % 2 * 16;
        let (first, state) = (211_000 + own % 50_000, dir.path().join("state"));
        StateDir::open(&state).unwrap();
        std::fs::write(state.join("users.json"), format!("{{\"next\": {first}, \"byName\": {{}}}}")).unwrap();
        Self { dir, plane, daemon: None, app, generation: 0 }
    }

    pub async fn enrolled() -> Self {
        let world = World::new().await;
        let policy = format!("allow_file_below = [\"{}\"]\n", world.repository().display());
        let state = world.state();
        std::fs::write(state.join("policy.toml"), policy).unwrap();
        let token = world.plane.token();
        let line = world.line(world.plane.fingerprint(), Some(token));
        world.enrol(&line).await.unwrap();
        world
    }

    pub async fn running() -> Self {
        let mut world = World::enrolled().await;
        world.start(None).await;
        world.plane.connected(0).await;
        world
    }

    pub fn state(&self) -> StateDir {
        StateDir::open(&self.dir.path().join("state")).unwrap()
    }

    pub fn repository(&self) -> PathBuf {
        self.dir.path().join("repository")
    }

    pub fn line(&self, root: sf_protocol::KeyId, token: Option<sf_protocol::enrol::EnrolToken>) -> InstallLine {
        InstallLine {
            url: self.plane.url().parse().unwrap(),
            root,
            token,
            binding: BindingKind::Exporter,
            again: false,
        }
    }

    pub async fn enrol(&self, line: &InstallLine) -> Result<Registration, LinkError> {
        let state = self.state();
        let facts = sf_agent::facts::gather(&Loaded::default()).await;
        let enroller = Enroller { state: &state, facts, clock: Clock::system(), rng: Rng::system() };
        let plane = self.plane.clone();
        let words = state.node_key_or(&[9; 32]).unwrap().public().id().words();
        enroller
            .enrol(line, |pending| {
                assert_eq!(pending.words, words);
                plane.state(|state| state.approved = true);
            })
            .await
    }

    pub async fn start(&mut self, kill_at: Option<&str>) {
        self.start_with(kill_at.map(|point| ("KILL_AT", PathBuf::from(point)))).await;
    }

    /// A daemon that waits at `point`: see [`Gate`].
    pub async fn start_held(&mut self, point: &str) -> Gate {
        let gate = Gate(self.dir.path().join(format!("gate-{point}")));
        std::fs::create_dir(&gate.0).unwrap();
        for name in ["reached", "go"] {
            nix::unistd::mkfifo(&gate.0.join(name), nix::sys::stat::Mode::S_IRWXU).unwrap();
        }
        self.start_with([("HOLD_AT", point.into()), ("HOLD_GATE", gate.0.clone())]).await;
        gate
    }

    async fn start_with(&mut self, env: impl IntoIterator<Item = (&'static str, PathBuf)>) {
        let log = std::fs::File::options().create(true).append(true).open(self.dir.path().join("agent.log")).unwrap();
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_sf-agent-modes"));
        let mut child = command
            .arg("run")
            .arg(self.dir.path().join("state"))
            .envs(env)
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
        assert_eq!(line, "started\n", "{}", self.log());
        self.daemon = Some(child);
    }

    /// Waits until a log of a release on disk holds `text` this often.
    pub async fn log_line(&self, text: &str, times: usize) -> bool {
        let logs = self.state().app(self.app).join("logs");
        let count = || logged(&logs).matches(text).count();
        let wait = async {
            while count() < times {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LIMIT, wait).await.is_ok()
    }

    /// Whether any log of a release on disk holds `text` now.
    pub fn said(&self, text: &str) -> bool {
        logged(&self.state().app(self.app).join("logs")).contains(text)
    }

    /// As `kill -9`.
    pub async fn kill(&mut self) {
        let mut daemon = self.daemon.take().unwrap();
        daemon.kill().await.unwrap();
    }

    /// Waits until the daemon has ended at its failpoint.
    pub async fn killed(&mut self, point: &str) {
        let ended = self.daemon.as_mut().unwrap().wait();
        let ended = tokio::time::timeout(LIMIT, ended).await.unwrap_or_else(|_| panic!("{point} was not reached"));
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&ended.unwrap()), Some(9), "{point}: {}", self.log());
        self.daemon = None;
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("agent.log")).unwrap_or_default()
    }

    pub async fn git(&self, args: &[&str]) -> String {
        let done = Child::new("git").args(["-C"]).arg(self.repository()).args(args).finish(LIMIT).await.unwrap();
        assert!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    /// Commits these files and answers the commit.
    pub async fn commit(&self, files: &[(&str, &str)]) -> String {
        let repository = self.repository();
        if !repository.exists() {
            std::fs::create_dir_all(&repository).unwrap();
            self.git(&["init", "-q", "-b", "main"]).await;
        }
        for (name, text) in files {
            std::fs::write(repository.join(name), text).unwrap();
        }
        self.git(&["add", "."]).await;
        let who = ["-c", "user.name=Test", "-c", "user.email=test@example.org"];
        self.git(&[&who[..], &["commit", "-q", "-m", "a change", "--allow-empty"]].concat()).await;
        self.git(&["rev-parse", "HEAD"]).await
    }

    pub async fn commit_server(&self, server: &str) -> String {
        let settings =
            "builder = \"node\"\nstart = [\"node\", \"server.js\"]\n[health]\npath = \"/healthz\"\nwithin = \"15s\"\n";
        let package = "{\"name\": \"hello\", \"version\": \"1.0.0\"}";
        self.commit(&[("server.js", server), ("serverflow.app.toml", settings), ("package.json", package)]).await
    }

    pub fn spec(&mut self) -> AppSpec {
        self.generation += 1;
        AppSpec {
            app: self.app,
            slug: "hello".parse().unwrap(),
            generation: self.generation,
            traffic: Traffic { mode: TrafficMode::Http, port: None, public: false },
            build: Default::default(),
            env: Vec::new(),
            secrets: Vec::new(),
            health: None,
            restart: Default::default(),
            limits: Default::default(),
            keep_releases: 3,
        }
    }

    pub fn deploy_order(&mut self, from: Option<ReleaseId>, watch: Millis) -> Order {
        let source =
            GitSource { url: format!("file://{}", self.repository().display()), reference: None, commit: None };
        let clock = Clock::system();
        Order::Deploy(Box::new(Deploy {
            app: self.spec(),
            release: from.unwrap_or_else(|| Rng::system().id(&clock)),
            from: if from.is_some() { DeploySource::Kept } else { DeploySource::Git(source) },
            time_limit: Millis::secs(80),
            watch,
            full: false,
            key: None,
        }))
    }

    pub async fn deploy(&mut self) -> Outcome {
        let order = self.deploy_order(None, Millis::secs(1));
        self.plane.run(order).await
    }

    pub fn action(&mut self, verb: AppVerb) -> Order {
        self.generation += 1;
        Order::AppAction(Box::new(AppAction { app: self.app, verb, generation: self.generation, secrets: Vec::new() }))
    }

    pub async fn pid(&self) -> i32 {
        let status = local::ask(&self.state()).await.unwrap().unwrap();
        status.apps[0].pid.unwrap_or_else(|| panic!("no process: {status:#?}"))
    }

    pub fn succeeded(&self, outcome: &Outcome) -> DeployFacts {
        assert_eq!(outcome.verdict, Verdict::Succeeded, "{:?}\n{}", outcome.fault, self.log());
        let Facts::Deploy(facts) = &outcome.facts else { panic!("facts of a deploy") };
        facts.clone()
    }
}

impl World {
    /// As a reboot: everything ends at once.
    pub async fn reboot(&mut self) {
        self.kill().await;
        self.kill_holders();
    }

    /// Shims and relays outlive the daemon by design; they are known by the folder their command line names.
    pub fn kill_holders(&self) {
        let mark = self.dir.path().display().to_string();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
            let ours = std::fs::read(entry.path().join("cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).contains(&mark));
            if ours {
                // An nginx ends its workers only when it is asked.
                let is_nginx = std::fs::read_to_string(entry.path().join("comm")).is_ok_and(|name| name == "nginx\n");
                let signal = if is_nginx { Signal::SIGTERM } else { Signal::SIGKILL };
                let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal);
            }
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // The daemon first: it would start what is killed again.
        if let Some(daemon) = &mut self.daemon {
            let _ = daemon.start_kill();
            while matches!(daemon.try_wait(), Ok(None)) {
                std::thread::yield_now();
            }
        }
        self.kill_holders();
    }
}

/// Where a daemon waits at a failpoint.
pub struct Gate(PathBuf);

impl Gate {
    /// Waits until the daemon is there.
    pub async fn reached(&self) {
        let read = tokio::fs::read(self.0.join("reached"));
        assert_eq!(tokio::time::timeout(LIMIT, read).await.unwrap().unwrap(), b"reached");
    }

    /// Lets it go on.
    pub async fn open(self) {
        tokio::time::timeout(LIMIT, tokio::fs::write(self.0.join("go"), "go")).await.unwrap().unwrap();
    }
}

/// All logs of an app's releases.
fn logged(logs: &std::path::Path) -> String {
    let folders = std::fs::read_dir(logs).into_iter().flatten().flatten();
    let files = folders.flat_map(|folder| std::fs::read_dir(folder.path()).into_iter().flatten().flatten());
    files.map(|file| std::fs::read_to_string(file.path()).unwrap_or_default()).collect()
}

/// Status and body of a GET.
pub async fn get(port: u16, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    let whole = tokio::time::timeout(LIMIT, stream.read_to_string(&mut text)).await;
    whole.unwrap_or_else(|_| panic!("no end of the answer to {path} at {port}: {text:?}")).unwrap();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, text.split_once("\r\n\r\n").map_or_else(String::new, |(_, body)| body.to_owned()))
}
