//! The commands of the guides work, in their order: those of docs/guides/first-deploy.md against a running `serverflow up`,
//! those of docs/guides/workflows.md and docs/guides/approvals.md against a control plane without a machine, those of
//! docs/guides/domains.md with an nginx, of docs/guides/webhooks.md with a repository, of docs/guides/zero-downtime.md and
//! docs/guides/patch.md, of docs/guides/previews.md with both, of docs/guides/schedules.md, the latter seven with what they print; the
//! documents of examples/workflows are fine.
#![expect(clippy::unwrap_used, reason = "a test: its helpers may stop it, too")]

#[path = "guide/transfer.rs"]
mod transfer;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

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

const PASSWORD: &str = "four lanterns drift westward";

/// A control plane alone, with somebody signed in; it ends with this.
struct Plane {
    folder: tempfile::TempDir,
    port: u16,
    child: Child,
}

impl Plane {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = two_free_ports();
        let mut command = program(folder.path(), port);
        command.args(["--json", "server", "--data"]).arg(folder.path().join("data")).current_dir(folder.path());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let plane = Self { folder, port, child };
        let begun: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no start: {line}"));
        plane.sign_in(begun["setupCode"].as_str().unwrap());
        plane
    }

    fn sign_in(&self, code: &str) {
        self.post("setup", &json!({ "code": code, "email": "a@example.org", "name": "Ada", "password": PASSWORD }));
        self.log_in("a@example.org", program(self.folder.path(), self.port));
    }

    /// A second person, whose home is in the folder of Ada's: she has asked them to join, and they have.
    fn invite(&self, email: &str, name: &str, home: &Path) {
        let mut invite = program(self.folder.path(), self.port);
        let invited = invite.args(["--json", "users", "invite", email, "--role", "owner"]).output().unwrap();
        let invited: Value = serde_json::from_slice(&invited.stdout).unwrap();
        let token = invited["link"].as_str().unwrap().split_once('#').unwrap().1;
        self.post("auth/accept", &json!({ "token": token, "name": name, "password": PASSWORD }));
        std::fs::create_dir_all(home).unwrap();
        let mut login = program(self.folder.path(), self.port);
        login.env("HOME", home);
        self.log_in(email, login);
    }

    fn post(&self, path: &str, body: &Value) {
        let body = body.to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let head = format!("POST /api/v1/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close");
        let length = body.len();
        let request = format!("{head}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
    }

    fn log_in(&self, email: &str, mut login: Command) {
        login.args(["login", email, "--password-stdin", "--server"]);
        login.arg(format!("http://127.0.0.1:{}", self.port)).stdin(Stdio::piped());
        let mut login = login.spawn().unwrap();
        login.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
        assert!(login.wait().unwrap().success());
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn the_commands_of_the_guide_to_workflows_work() {
    let page = std::fs::read_to_string(root().join("docs/guides/workflows.md")).unwrap();
    let plane = Plane::start();
    let script = plane.folder.path().join("guide.sh");
    std::fs::write(&script, commands(&page)).unwrap();
    // tidy: shell because the page is written for a shell
    let mut shell = surroundings(Command::new("bash"), plane.folder.path(), plane.port);
    // Its documents are written where nobody else looks.
    let done = shell.arg("-x").arg(&script).current_dir(plane.folder.path()).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "the guide's commands failed:\n{out}\n{err}");
    assert!(out.contains("\"made\": \"games\"") && out.contains("\"made\": \"more-games\""), "{out}");
    assert!(out.contains("\"by\": \"hand\""), "{out}");
}

/// The fenced blocks of a page: their kind and their lines.
fn blocks(page: &str) -> Vec<(&str, Vec<&str>)> {
    let mut blocks: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        match (line.strip_prefix("```"), inside) {
            (Some(kind), false) => blocks.push((kind, Vec::new())),
            (None, true) => blocks.last_mut().unwrap().1.push(line),
            (Some(_), true) | (None, false) => {}
        }
        inside ^= line.starts_with("```");
    }
    blocks
}

/// Whether lines are those of the page, where `…` on a line of its own is any lines, and within one anything. How columns
/// are set apart does not matter.
fn is_shown(page: &[&str], lines: &[&str]) -> bool {
    match (page.split_first(), lines.split_first()) {
        (None, None) => true,
        (Some((&"…", rest)), more) => is_shown(rest, lines) || more.is_some_and(|(_, lines)| is_shown(page, lines)),
        (Some((shown, page)), Some((line, lines))) => is_like(shown, line) && is_shown(page, lines),
        _ => false,
    }
}

fn is_like(shown: &str, line: &str) -> bool {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (line, shown) = (words(line), words(shown));
    let mut parts = shown.split('…').map(str::trim).peekable();
    let Some(first) = parts.next() else { return line.is_empty() };
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    while let Some(part) = parts.next() {
        let found = if parts.peek().is_none() && !part.is_empty() { rest.rfind(part) } else { rest.find(part) };
        let Some(at) = found else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.is_empty() || shown.ends_with('…')
}

#[test]
fn a_page_shows_what_is_printed() {
    for (shown, line, expected) in [
        ("a  b", "a      b", true),
        ("a … c", "a b b c", true),
        ("a … c", "a b c d", false),
        ("… c", "c c", true),
        ("a …", "a anything", true),
        ("a", "a b", false),
        ("b …", "a b", false),
    ] {
        assert_eq!(is_like(shown, line), expected, "{shown} / {line}");
    }
    assert!(is_shown(&["a", "…", "d"], &["a", "b", "c", "d"]) && is_shown(&["a", "…"], &["a"]));
    assert!(!is_shown(&["a", "…", "d"], &["a", "b"]) && !is_shown(&["a"], &["a", "b"]));
}

/// Runs the `sh` blocks of a page in one shell at `place`, and compares what each prints with the `text` blocks after it.
/// Answers how many were compared.
fn follow(page: &str, folder: &Path, port: u16, place: &Path) -> usize {
    const MARK: &str = "@@@ block ends";
    let blocks = blocks(page);
    let mut text = String::from("set -eu\n");
    for (_, lines) in blocks.iter().filter(|(kind, _)| *kind == "sh") {
        text.push_str(&format!("{}\necho '{MARK}'\n", lines.join("\n")));
    }
    let script = folder.join("guide.sh");
    std::fs::write(&script, text).unwrap();
    // tidy: shell because the page is written for a shell
    let mut shell = surroundings(Command::new("bash"), folder, port);
    let done = shell.arg("-x").arg(&script).current_dir(place).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "the guide's commands failed:\n{out}\n{err}");
    let mark = format!("{MARK}\n");
    let mut printed = out.split(mark.as_str());
    let (mut said, mut compared) = ("", 0);
    for (kind, lines) in &blocks {
        match *kind {
            "sh" => said = printed.next().unwrap(),
            "text" => {
                let said: Vec<_> = said.lines().collect();
                assert!(is_shown(lines, &said), "the page:\n{}\nprinted:\n{}", lines.join("\n"), said.join("\n"));
                compared += 1;
            }
            _ => {}
        }
    }
    compared
}

#[test]
fn the_guide_to_approvals_works_and_shows_what_is_printed() {
    let page = std::fs::read_to_string(root().join("docs/guides/approvals.md")).unwrap();
    let plane = Plane::start();
    plane.invite("bo@example.org", "Bo", &plane.folder.path().join("home/bo"));
    let compared = follow(&page, plane.folder.path(), plane.port, plane.folder.path());
    assert!(compared >= 8, "only {compared} answers were compared");
}

#[test]
fn the_guide_to_domains_works_and_shows_what_is_printed() {
    let agent = Path::new(env!("CARGO_BIN_EXE_serverflow")).with_file_name("serverflow-agent");
    assert!(agent.is_file(), "{} is missing: make test-bins", agent.display());
    let page = std::fs::read_to_string(root().join("docs/guides/domains.md")).unwrap();
    // Those of the page may be taken on this machine.
    let http = two_free_ports();
    let page = page.replace("8080", &http.to_string()).replace("8443", &(http + 1).to_string());
    let mut up = Up::start(&agent);
    let nginx = up.folder.path().join("state/agent/proxy/own/nginx.pid");
    up.wait_until_deployed();
    let compared = follow(&page, up.folder.path(), up.port, &root());
    assert!(compared >= 5, "only {compared} answers were compared");
    let pid = std::fs::read_to_string(nginx).expect("it was the agent's own nginx that answered");
    drop(up);
    // One that has ended may still have its number for a moment, and no words.
    let words = std::fs::read(Path::new("/proc").join(pid.trim()).join("cmdline")).unwrap_or_default();
    assert!(words.is_empty(), "what was started has ended");
}

#[test]
fn the_guide_to_ai_hosts_works_and_shows_what_is_printed() {
    let agent = Path::new(env!("CARGO_BIN_EXE_serverflow")).with_file_name("serverflow-agent");
    assert!(agent.is_file(), "{} is missing: make test-bins", agent.display());
    let page = std::fs::read_to_string(root().join("docs/guides/claude.md")).unwrap();
    let mut up = Up::start(&agent);
    up.wait_until_deployed();
    let compared = follow(&page, up.folder.path(), up.port, &root());
    assert!(compared >= 5, "only {compared} answers were compared");
}

#[test]
fn the_guide_to_zero_downtime_works_and_shows_what_is_printed() {
    let agent = Path::new(env!("CARGO_BIN_EXE_serverflow")).with_file_name("serverflow-agent");
    let page = std::fs::read_to_string(root().join("docs/guides/zero-downtime.md")).unwrap();
    let mut up = Up::start(&agent);
    up.wait_until_deployed();
    let compared = follow(&page, up.folder.path(), up.port, up.folder.path());
    assert!(compared >= 2, "only {compared} answers were compared");
}

#[test]
fn the_guide_to_patches_works_and_shows_what_is_printed() {
    let agent = Path::new(env!("CARGO_BIN_EXE_serverflow")).with_file_name("serverflow-agent");
    assert!(agent.is_file(), "{} is missing: make test-bins", agent.display());
    let page = std::fs::read_to_string(root().join("docs/guides/patch.md")).unwrap();
    let mut up = Up::start(&agent);
    up.wait_until_deployed();
    // Its copies are written where nobody else looks.
    let page = page.replace("/tmp/", &format!("{}/", up.folder.path().display()));
    let compared = follow(&page, up.folder.path(), up.port, &root());
    assert!(compared >= 6, "only {compared} answers were compared");
}

#[test]
fn the_guide_to_deploys_by_push_works_and_shows_what_is_printed() {
    let agent = Path::new(env!("CARGO_BIN_EXE_serverflow")).with_file_name("serverflow-agent");
    assert!(agent.is_file(), "{} is missing: make test-bins", agent.display());
    let page = std::fs::read_to_string(root().join("docs/guides/webhooks.md")).unwrap();
    let mut up = Up::start(&agent);
    up.wait_until_deployed();
    let compared = follow(&page, up.folder.path(), up.port, &root());
    assert!(compared >= 5, "only {compared} answers were compared");
}

#[test]
fn the_guide_to_previews_works_and_shows_what_is_printed() {
    let agent = Path::new(env!("CARGO_BIN_EXE_serverflow")).with_file_name("serverflow-agent");
    assert!(agent.is_file(), "{} is missing: make test-bins", agent.display());
    let page = std::fs::read_to_string(root().join("docs/guides/previews.md")).unwrap();
    // Those of the page may be taken on this machine.
    let http = two_free_ports();
    let page = page.replace("8080", &http.to_string()).replace("8443", &(http + 1).to_string());
    let mut up = Up::start(&agent);
    up.wait_until_deployed();
    let compared = follow(&page, up.folder.path(), up.port, &root());
    assert!(compared >= 6, "only {compared} answers were compared");
}

#[test]
fn the_guide_to_schedules_works_and_shows_what_is_printed() {
    let agent = Path::new(env!("CARGO_BIN_EXE_serverflow")).with_file_name("serverflow-agent");
    assert!(agent.is_file(), "{} is missing: make test-bins", agent.display());
    let page = std::fs::read_to_string(root().join("docs/guides/schedules.md")).unwrap();
    let mut up = Up::start(&agent);
    up.wait_until_deployed();
    let compared = follow(&page, up.folder.path(), up.port, &root());
    assert!(compared >= 5, "only {compared} answers were compared");
}

#[test]
fn the_guide_to_logs_and_metrics_works_and_shows_what_is_printed() {
    let agent = Path::new(env!("CARGO_BIN_EXE_serverflow")).with_file_name("serverflow-agent");
    assert!(agent.is_file(), "{} is missing: make test-bins", agent.display());
    let page = std::fs::read_to_string(root().join("docs/guides/logs-and-metrics.md")).unwrap();
    let mut up = Up::start(&agent);
    up.wait_until_deployed();
    let compared = follow(&page, up.folder.path(), up.port, &root());
    assert!(compared >= 4, "only {compared} answers were compared");
}

#[test]
fn the_guide_to_servers_works_and_shows_what_is_printed() {
    let agent = Path::new(env!("CARGO_BIN_EXE_serverflow")).with_file_name("serverflow-agent");
    assert!(agent.is_file(), "{} is missing: make test-bins", agent.display());
    let mut page = std::fs::read_to_string(root().join("docs/guides/servers.md")).unwrap();
    // Those of the page may be taken on this machine.
    let ports = two_free_ports();
    page = page.replace("25565-25570", &format!("{ports}-{}", ports + 1)).replace("25565", &ports.to_string());
    if !Path::new("/usr/sbin/ngircd").exists() {
        assert!(std::env::var_os("CI").is_none(), "ngircd is not installed: make test-deps");
        page.truncate(page.find("## A real one").unwrap());
    }
    let mut up = Up::start(&agent);
    up.wait_until_deployed();
    let compared = follow(&page, up.folder.path(), up.port, &root());
    assert!(compared >= 7, "only {compared} answers were compared");
}

#[test]
fn the_guide_to_monitoring_works_and_shows_what_is_printed() {
    let agent = Path::new(env!("CARGO_BIN_EXE_serverflow")).with_file_name("serverflow-agent");
    assert!(agent.is_file(), "{} is missing: make test-bins", agent.display());
    let page = std::fs::read_to_string(root().join("docs/guides/monitoring.md")).unwrap();
    let mut up = Up::start(&agent);
    up.wait_until_deployed();
    let compared = follow(&page, up.folder.path(), up.port, &root());
    assert!(compared >= 6, "only {compared} answers were compared");
}

#[test]
fn the_example_workflows_are_fine() {
    let folder = tempfile::tempdir().unwrap();
    let mut examples: Vec<_> = std::fs::read_dir(root().join("examples/workflows")).unwrap().flatten().collect();
    examples.sort_by_key(std::fs::DirEntry::file_name);
    assert!(examples.len() >= 3);
    for example in examples {
        let done = program(folder.path(), 1).args(["workflow", "lint"]).arg(example.path()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
        let name = example.path().file_stem().unwrap().to_string_lossy().into_owned();
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(said.contains(&format!("{name} is fine")), "its name is its file's: {said}");
    }
}
