//! The commands of docs/guides/first-deploy.md work, in their order, against a running `serverflow up`.
#![expect(clippy::unwrap_used, reason = "a test: its helpers may stop it, too")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A whole clone's worth of processes in a folder of its own; all of it ends with this.
struct Up {
    folder: tempfile::TempDir,
    port: u16,
    child: Child,
}

impl Up {
    fn start(agent: &Path) -> Self {
        // Apps run as users of their own when this is root, so every folder above must let them through.
        let folder = tempfile::Builder::new().prefix("serverflow-guide").tempdir_in("/var/tmp").unwrap();
        let mode = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o711);
        std::fs::set_permissions(folder.path(), mode).unwrap();
        let port = two_free_ports();
        let mut command = program(folder.path(), port);
        command.args(["up", "--port", &port.to_string(), "--agent"]).arg(agent);
        let child = command.stdout(Stdio::piped()).spawn().unwrap();
        Self { folder, port, child }
    }

    /// Reads what `up` prints until it names the app's address, which it does last.
    fn wait_until_deployed(&mut self) {
        let lines = BufReader::new(self.child.stdout.take().unwrap()).lines();
        let mut said = Vec::new();
        for line in lines.map_while(Result::ok) {
            let last = line.starts_with("hello-node (running): http://");
            said.push(line);
            if last {
                return;
            }
        }
        panic!("up ended early:\n{}", said.join("\n"));
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        drop(program(self.folder.path(), self.port).args(["reset", "--yes"]).status());
        drop(self.child.wait());
    }
}

/// `serverflow` in the repository's root with a state folder and a home of its own.
fn program(folder: &Path, port: u16) -> Command {
    surroundings(Command::new(env!("CARGO_BIN_EXE_serverflow")), folder, port)
}

fn surroundings(mut command: Command, folder: &Path, port: u16) -> Command {
    let own = Path::new(env!("CARGO_BIN_EXE_serverflow")).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::env::join_paths([own.to_owned()].into_iter().chain(std::env::split_paths(&path))).unwrap();
    command.current_dir(root()).env("PATH", paths).env("HOME", folder.join("home")).env_remove("XDG_CONFIG_HOME");
    command.env("SERVERFLOW_STATE", folder.join("state")).env("SERVERFLOW_API__LISTEN", format!("127.0.0.1:{port}"));
    command.env("SERVERFLOW_AGENTS__LISTEN", format!("127.0.0.1:{}", port + 1));
    command
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A port whose neighbour is free, too. Somebody may take them in between; `up` would name them.
fn two_free_ports() -> u16 {
    let at = |port: u16| std::net::TcpListener::bind(("127.0.0.1", port));
    for _ in 0..100 {
        let first = at(0).unwrap();
        let port = first.local_addr().unwrap().port();
        if port < u16::MAX && at(port + 1).is_ok() {
            return port;
        }
    }
    panic!("no two neighbouring ports are free");
}

/// The fenced `sh` blocks of a page, joined.
fn commands(page: &str) -> String {
    let mut inside = false;
    let mut script = String::from("set -eu\n");
    for line in page.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            _ if inside => script.push_str(&format!("{line}\n")),
            _ => {}
        }
    }
    script
}

#[test]
fn the_commands_of_the_guide_work() {
    let agent = Path::new(env!("CARGO_BIN_EXE_serverflow")).with_file_name("serverflow-agent");
    assert!(agent.is_file(), "{} is missing: make test-bins", agent.display());
    let page = std::fs::read_to_string(root().join("docs/guides/first-deploy.md")).unwrap();
    let mut up = Up::start(&agent);
    up.wait_until_deployed();
    let script = up.folder.path().join("guide.sh");
    std::fs::write(&script, commands(&page)).unwrap();
    // tidy: shell because the page is written for a shell
    let mut shell = surroundings(Command::new("bash"), up.folder.path(), up.port);
    let done = shell.arg("-x").arg(&script).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "the guide's commands failed:\n{out}\n{err}");
}
