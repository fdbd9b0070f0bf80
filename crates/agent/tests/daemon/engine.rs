//! A real container engine of a test's own: data, sockets and network apart from whatever the machine runs, ended by its pid.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Time until it answers.
const READY: Duration = Duration::from_secs(30);
/// The image that tests build on.
pub const BASE: &str = "sf-test/base:1";

pub struct Dockerd {
    dir: tempfile::TempDir,
    bridge: String,
    child: Option<std::process::Child>,
    /// Two engines at once would be in each other's way.
    _alone: nix::fcntl::Flock<std::fs::File>,
}

fn program() -> Option<PathBuf> {
    ["/usr/sbin/dockerd", "/usr/bin/dockerd"].into_iter().map(PathBuf::from).find(|path| path.exists())
}

/// Says why there is no engine; in CI that is a failure.
fn skipped(why: &str) {
    assert!(sf_runtime::env::var("CI").is_none(), "no container engine: {why}");
    eprintln!("SKIPPED: no container engine: {why}");
}

fn run(program: &str, args: &[&str]) -> Result<String, String> {
    let done = Command::new(program).args(args).stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if done.status.success() { Ok(text(&done.stdout)) } else { Err(text(&done.stderr)) }
}

impl Dockerd {
    /// An engine that holds [`BASE`]; `None` where none can be had, which is said.
    pub fn start() -> Option<Self> {
        if !nix::unistd::geteuid().is_root() {
            skipped("dockerd wants root");
            return None;
        }
        if program().is_none() {
            skipped("dockerd is not installed: `apt-get install docker.io`");
            return None;
        }
        let lock = std::fs::File::create(std::env::temp_dir().join("sf-test-dockerd.lock")).unwrap();
        let alone = nix::fcntl::Flock::lock(lock, nix::fcntl::FlockArg::LockExclusive).map_err(|(_, error)| error);
        let dir = tempfile::Builder::new().prefix("sfd").tempdir().unwrap();
        let bridge = format!("sfd{}", std::process::id() % 1_000_000);
        let mut engine = Self { dir, bridge, child: None, _alone: alone.unwrap() };
        if let Err(why) = engine.again() {
            skipped(&why);
            return None;
        }
        engine.import();
        Some(engine)
    }

    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("d.sock")
    }

    fn log(&self) -> String {
        let text = std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
        text.lines().rev().take(8).collect::<Vec<_>>().join("\n")
    }

    /// Starts it, again after [`Dockerd::stop`].
    pub fn again(&mut self) -> Result<(), String> {
        let at = |name: &str| self.dir.path().join(name).display().to_string();
        if run("ip", &["link", "show", &self.bridge]).is_err() {
            // Of tests that were killed: nobody else is at it now.
            for left in std::fs::read_dir("/sys/class/net").into_iter().flatten().flatten() {
                if let Some(name) = left.file_name().to_str().filter(|name| name.starts_with("sfd")) {
                    let _ = run("ip", &["link", "del", name]);
                }
            }
            run("ip", &["link", "add", "name", &self.bridge, "type", "bridge"])?;
            run("ip", &["addr", "add", "172.31.213.1/24", "dev", &self.bridge])?;
            run("ip", &["link", "set", &self.bridge, "up"])?;
        }
        let log =
            std::fs::File::options().create(true).append(true).open(at("log")).map_err(|error| error.to_string())?;
        let socket = format!("unix://{}", at("d.sock"));
        let (data, exec, pid) = (at("data"), at("exec"), at("pid"));
        // What leaves no trace on the machine's own network: the ports are led on by its proxy alone.
        let args = ["-H", &socket, "--data-root", &data, "--exec-root", &exec, "--pidfile", &pid, "-b", &self.bridge];
        let apart = ["--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false"];
        let command = Command::new(program().unwrap())
            .args(args)
            .args(apart)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        self.child = Some(command.map_err(|error| error.to_string())?);
        let until = Instant::now() + READY;
        while self.docker(&["info"]).is_err() {
            if Instant::now() >= until || self.child.as_mut().unwrap().try_wait().unwrap().is_some() {
                return Err(format!("dockerd did not come up: {}", self.log()));
            }
            // tidy: sleep because an engine that comes or goes tells nobody
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Ends it as an administrator does.
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let _ = kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM);
        let until = Instant::now() + Duration::from_secs(30);
        while Instant::now() < until {
            if child.try_wait().unwrap().is_some() {
                return;
            }
            // tidy: sleep because an engine that comes or goes tells nobody
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = child.kill();
        let _ = child.wait();
        // Its own helper, which it could not end.
        let helper = std::fs::read_to_string(self.dir.path().join("exec/containerd/containerd.pid"));
        if let Some(pid) = helper.ok().and_then(|text| text.trim().parse().ok()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }

    /// Asks it.
    pub fn docker(&self, args: &[&str]) -> Result<String, String> {
        let host = format!("unix://{}", self.socket().display());
        run("docker", &[&["-H", &host], args].concat())
    }

    /// Lines of an answer, in order.
    pub fn lines(&self, args: &[&str]) -> Vec<String> {
        let mut lines: Vec<String> = self.docker(args).unwrap().lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }

    /// Names of its containers, those that ended too.
    pub fn containers(&self) -> Vec<String> {
        self.lines(&["ps", "-a", "--format", "{{.Names}}"])
    }

    /// Names of its images but the base; one without a name is `<none>:<none>`.
    pub fn images(&self) -> Vec<String> {
        let all = self.lines(&["images", "--format", "{{.Repository}}:{{.Tag}}"]);
        all.into_iter().filter(|name| name != BASE).collect()
    }

    fn import(&self) {
        let root = self.dir.path().join("root");
        for folder in ["bin", "tmp", "etc"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        let busybox = ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| std::path::Path::new(path).exists());
        std::fs::copy(busybox.expect("busybox-static is installed"), root.join("bin/busybox")).unwrap();
        for name in ["sh", "httpd", "sleep", "echo", "id", "cat", "grep", "kill", "mkdir", "touch", "dd", "rm"] {
            std::os::unix::fs::symlink("busybox", root.join("bin").join(name)).unwrap();
        }
        let tar = self.dir.path().join("root.tar").display().to_string();
        run("tar", &["-C", &root.display().to_string(), "-cf", &tar, "."]).unwrap();
        self.docker(&["import", &tar, BASE]).unwrap();
    }
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        if self.child.is_some() {
            // What it leaves running would outlive it.
            for name in self.docker(&["ps", "-aq"]).unwrap_or_default().lines() {
                let _ = self.docker(&["rm", "-f", name]);
            }
        }
        self.stop();
        let _ = run("ip", &["link", "del", &self.bridge]);
        for left in ["data", "exec"] {
            // Layers may still be mounted when it was killed.
            let path = self.dir.path().join(left);
            let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
            let ours = mounts
                .lines()
                .filter_map(|line| line.split(' ').nth(1))
                .filter(|at| PathBuf::from(at).starts_with(&path));
            for at in ours.collect::<Vec<_>>().into_iter().rev() {
                let _ = run("umount", &["-l", at]);
            }
        }
    }
}
