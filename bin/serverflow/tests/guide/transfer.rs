//! Files of 300 MB through a whole system: in constant memory of both programs, and across a kill of either of them.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::{Up, program, surroundings};

/// Bytes of the file.
const BYTES: u64 = 300 << 20;
/// What either program may grow by while it is moved.
const GROWTH: u64 = 64 << 20;
/// Nothing here takes longer.
const LIMIT: Duration = Duration::from_secs(240);

struct System {
    up: Up,
    agent: PathBuf,
    /// Those that were started in the place of one that was killed; they end with the clone.
    agents: Vec<Child>,
}

impl System {
    fn start() -> Self {
        let agent = Path::new(env!("CARGO_BIN_EXE_serverflow")).with_file_name("serverflow-agent");
        assert!(agent.is_file(), "{} is missing: make test-bins", agent.display());
        let mut up = Up::start(&agent);
        up.wait_until_deployed();
        let system = Self { up, agent, agents: Vec::new() };
        system.run(&["ctrls", "create", "Examples"]);
        system.run(&["alts", "create", "--ctrl", "Examples", "examples/servers/echo.json"]);
        system.run(&["servers", "create", "tiny", "--alt", "Echo", "--ports", "0"]);
        until("it is installed", || said(&system.run(&["servers", "list"])).contains(" installed"));
        system
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = program(self.up.folder.path(), self.up.port);
        command.args(args);
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        let done = self.command(args).output().unwrap();
        assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
        done
    }

    fn state(&self) -> PathBuf {
        self.up.folder.path().join("state")
    }

    /// The process that holds the agent's folder.
    fn agent_pid(&self) -> i32 {
        let mark = self.state().join("agent").display().to_string();
        let found = std::fs::read_dir("/proc").unwrap().flatten().find_map(|entry| {
            let pid = entry.file_name().to_str()?.parse::<i32>().ok()?;
            let line = std::fs::read(entry.path().join("cmdline")).ok()?;
            let words: Vec<_> = line.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
            (words.get(1)? == "run" && words.iter().any(|word| *word == mark)).then_some(pid)
        });
        found.expect("an agent")
    }

    fn control_pid(&self) -> i32 {
        i32::try_from(self.up.child.id()).unwrap()
    }

    /// As `kill -9`; another one is started in its place at once.
    fn kill_agent(&mut self) {
        kill(self.agent_pid());
        let log = File::options().create(true).append(true).open(self.up.folder.path().join("agent.log")).unwrap();
        let mut command = surroundings(Command::new(&self.agent), self.up.folder.path(), self.up.port);
        command.args(["run", "--state"]).arg(self.state().join("agent"));
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.agents.push(command.spawn().unwrap());
    }

    fn kill_control(&mut self) {
        kill(self.control_pid());
        drop(self.up.child.wait());
        let mut command = program(self.up.folder.path(), self.up.port);
        command.args(["up", "--port", &self.up.port.to_string(), "--agent"]).arg(&self.agent);
        self.up.child = command.stdout(Stdio::piped()).spawn().unwrap();
        self.up.wait_until_deployed();
    }

    /// Bytes that have come of the upload under way.
    fn came(&self) -> u64 {
        let servers = std::fs::read_dir(self.state().join("agent/servers")).into_iter().flatten().flatten();
        let parts = servers.flat_map(|server| std::fs::read_dir(server.path().join("staging")).into_iter().flatten());
        parts.flatten().filter_map(|part| Some(part.metadata().ok()?.len())).max().unwrap_or(0)
    }
}

fn kill(pid: i32) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).unwrap();
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < LIMIT, "waited for: {what}");
        // tidy: sleep because it is seen on disk and in /proc, which tell nobody
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn ends_well(mut child: Child, system: &System) {
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    let log = || std::fs::read_to_string(system.up.folder.path().join("agent.log")).unwrap_or_default();
    assert!(child.wait().unwrap().success(), "{said}\n{}", log());
}

/// Kilobytes of a field of `/proc/<pid>/status`, in bytes.
fn memory(pid: i32, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// The peak begins anew: what starting has taken is not asked for (proc(5), `clear_refs`).
fn watch(pid: i32) -> u64 {
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
    memory(pid, "VmRSS")
}

fn same(a: &Path, b: &Path) -> bool {
    Command::new("cmp").arg("-s").arg(a).arg(b).status().unwrap().success()
}

#[test]
fn a_large_file_goes_both_ways_in_constant_memory_and_across_kills() {
    let mut system = System::start();
    let folder = system.up.folder.path().to_owned();
    let (local, back) = (folder.join("large.bin"), folder.join("back.bin"));
    let mut from = File::open("/dev/urandom").unwrap().take(BYTES);
    let mut to = File::create(&local).unwrap();
    std::io::copy(&mut from, &mut to).unwrap();
    to.flush().unwrap();
    let (file, copy) = (local.display().to_string(), back.display().to_string());

    // Untouched, and measured.
    system.run(&["files", "upload", "tiny", &file, "warm.bin"]);
    let (control, agent) = (system.control_pid(), system.agent_pid());
    let before = (watch(control), watch(agent));
    system.run(&["files", "upload", "tiny", &file, "first.bin"]);
    system.run(&["files", "download", "tiny", "first.bin", &copy]);
    let grown = (memory(control, "VmHWM") - before.0, memory(agent, "VmHWM").saturating_sub(before.1));
    assert!(same(&local, &back));
    assert!(grown.0 < GROWTH && grown.1 < GROWTH, "control plane {} and agent {} bytes more", grown.0, grown.1);

    // Both ends are killed on the way; the program that sends goes on by itself.
    let mut upload = system.command(&["files", "upload", "tiny", &file, "second.bin"]);
    let upload = upload.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    until("a part of it has come", || system.came() > BYTES / 8);
    system.kill_agent();
    let had = system.came();
    until("it goes on", || system.came() > had + BYTES / 8);
    system.kill_control();
    ends_well(upload, &system);

    std::fs::remove_file(&back).unwrap();
    let part = folder.join("back.bin.part");
    let mut download = system.command(&["files", "download", "tiny", "second.bin", &copy]);
    let download = download.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    until("a part of it has come", || part.metadata().is_ok_and(|facts| facts.len() > BYTES / 8));
    system.kill_agent();
    ends_well(download, &system);
    assert!(same(&local, &back) && !part.exists());
}
