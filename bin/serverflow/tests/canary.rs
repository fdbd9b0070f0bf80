//! Planted values that must be nowhere: real programs, real git, a real app; then everything they wrote, said and were
//! started with is searched.
#![expect(clippy::unwrap_used, reason = "a test: its helpers may stop it, too")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// Longer than anything here takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A secret of the app.
const SECRET: &str = "canary-secret-3f9a1c7e5d";
/// Its value before.
const OLDER: &str = "canary-older-8b2d4f6a0c";
/// A variable that is no secret but sounds like one: in the settings for those who may see them, and nowhere else.
const SOUNDS: &str = "canary-sounds-1e5c9b3d7f";
/// In places where no secret belongs: a git address, headers, refused bodies, passwords.
const STRAY: &str = "canary-stray-6a0e2d8c4b";

/// Answers a hash of its secret and writes all it knows into its log.
const SERVER: &str = "console.log('secret ' + process.env.PAY_KEY + ' sounds ' + process.env.API_TOKEN);\n\
    console.error(JSON.stringify({ a: process.env.PAY_KEY, b: encodeURIComponent(process.env.API_TOKEN) }));\n\
    const hash = require('node:crypto').createHash('sha256').update(process.env.PAY_KEY || '').digest('hex');\n\
    require('node:http').createServer((q, r) => r.end(hash)).listen(process.env.PORT, process.env.HOST);\n";

/// A control plane and an agent, each a process of its own, in a folder that ends with this.
struct World {
    folder: tempfile::TempDir,
    plane: Child,
    agent: Option<Child>,
    port: u16,
    token: String,
    /// Everything that was answered and shown.
    said: Vec<u8>,
}

fn programs() -> (PathBuf, PathBuf) {
    let plane = PathBuf::from(env!("CARGO_BIN_EXE_serverflow"));
    let agent = plane.with_file_name("serverflow-agent");
    assert!(agent.is_file(), "{} is missing: make test-bins", agent.display());
    (plane, agent)
}

fn free_ports() -> (u16, u16) {
    let (one, other) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    (one.local_addr().unwrap().port(), other.local_addr().unwrap().port())
}

impl World {
    fn start() -> Self {
        // Apps run as users of their own when this is root, so every folder above must let them through.
        let folder = tempfile::Builder::new().prefix("serverflow-canary").tempdir_in("/var/tmp").unwrap();
        let mode = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o711);
        std::fs::set_permissions(folder.path(), mode).unwrap();
        let (port, agents) = free_ports();
        let config = format!(
            "[api]\nlisten = \"127.0.0.1:{port}\"\n[agents]\nlisten = \"127.0.0.1:{agents}\"\n\
             [data]\nfolder = {:?}\n[log]\nfilter = \"trace\"\nformat = \"json\"\n",
            folder.path().join("control").display().to_string()
        );
        std::fs::write(folder.path().join("serverflow.toml"), config).unwrap();
        let log = std::fs::File::create(folder.path().join("control.log")).unwrap();
        let mut command = Command::new(programs().0);
        command.args(["--json", "--config"]).arg(folder.path().join("serverflow.toml")).arg("server");
        command.env("HOME", folder.path()).current_dir(folder.path()).stdout(Stdio::piped()).stderr(log);
        let mut plane = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(plane.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let begun: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no start: {line}"));
        let mut world = Self { folder, plane, agent: None, port, token: String::new(), said: Vec::new() };
        let password = "four lanterns drift westward";
        let body = json!({ "code": begun["setupCode"], "email": "a@example.org", "name": "Ada", "password": password });
        let made = world.send("POST", "/setup", Some(&body), &[]);
        world.token = made["data"]["accessToken"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
        world.enrol(&format!("wss://127.0.0.1:{agents}"));
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn enrol(&mut self, url: &str) {
        let invited = self.send("POST", "/enrol-tokens", Some(&json!({})), &[]);
        let state = self.path("agent");
        std::fs::create_dir(&state).unwrap();
        let mode = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o711);
        std::fs::set_permissions(&state, mode).unwrap();
        let policy = format!("allow_file_below = [{:?}]\n", self.path("").display().to_string());
        std::fs::write(state.join("policy.toml"), policy).unwrap();
        let first = 211_000 + std::process::id() * 16 % 50_000;
        std::fs::write(state.join("users.json"), format!("{{\"next\": {first}, \"byName\": {{}}}}")).unwrap();
        let log = std::fs::File::create(self.path("agent.log")).unwrap();
        let agent = |mode: &str| {
            let mut command = Command::new(programs().1);
            command.arg("--state").arg(&state).arg(mode).env("SERVERFLOW_AGENT_LOG", "trace");
            command.stdout(log.try_clone().unwrap()).stderr(log.try_clone().unwrap());
            command
        };
        let text = |field: &str| invited["data"][field].as_str().unwrap_or_else(|| panic!("{invited}")).to_owned();
        let mut enrol = agent("enrol");
        enrol.args(["--url", url, "--root", &text("rootFingerprint")]).env("SERVERFLOW_ENROL_TOKEN", text("token"));
        assert!(enrol.status().unwrap().success(), "{}", std::fs::read_to_string(self.path("agent.log")).unwrap());
        self.agent = Some(agent("run").spawn().unwrap());
        self.until("/nodes", |nodes| nodes[0]["status"] == "online");
    }

    /// One request; its answer is kept and read as JSON where it is any.
    fn send(&mut self, method: &str, path: &str, body: Option<&Value>, headers: &[(&str, &str)]) -> Value {
        let mut request = format!("{method} /api/v1{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "Authorization") && !self.token.is_empty() {
            request.push_str(&format!("Authorization: Bearer {}\r\n", self.token));
        }
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        request.push_str(&format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        self.said.extend_from_slice(&answer);
        let text = String::from_utf8_lossy(&answer).into_owned();
        let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let start = body.find('{').unwrap_or(body.len());
        serde_json::from_str(&body[start..body.rfind('}').map_or(start, |end| end + 1)]).unwrap_or(Value::Null)
    }

    fn done(&mut self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.send(method, path, Some(body), &[]);
        assert_eq!(answer["success"], true, "{method} {path}: {answer}\n{}", self.logs());
        answer["data"].clone()
    }

    fn refused(&mut self, path: &str, body: &Value) {
        let key = format!("key-{}", self.said.len());
        let answer = self.send("POST", path, Some(body), &[("Idempotency-Key", key.as_str())]);
        assert_eq!(answer["success"], false, "{path}: {answer}");
    }

    fn until(&mut self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let data = self.send("GET", path, None, &[])["data"].clone();
            if wanted(&data) {
                return data;
            }
            assert!(begun.elapsed() < PATIENCE, "{path}: {data}\n{}", self.logs());
        }
    }

    fn ended(&mut self, opened: &Value) {
        let id = opened["run"]["id"].as_str().unwrap().to_owned();
        let run = self.until(&format!("/runs/{id}"), |run| run["state"] == "done");
        assert_eq!(run["done"], "succeeded", "{run}");
    }

    fn logs(&self) -> String {
        let text = std::fs::read_to_string(self.path("agent.log")).unwrap_or_default();
        text.lines().rev().take(20).collect::<Vec<_>>().join("\n")
    }

    /// The program as a person runs it, with a value on its standard input.
    fn cli(&mut self, args: &[&str], input: &str) {
        let mut command = Command::new(programs().0);
        command.args(args).env("HOME", self.folder.path()).env("SERVERFLOW_TOKEN", &self.token);
        command.env("SERVERFLOW_URL", format!("http://127.0.0.1:{}", self.port));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let done = child.wait_with_output().unwrap();
        assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
        self.said.extend(done.stdout);
        self.said.extend(done.stderr);
    }

    fn repository(&self) -> PathBuf {
        let folder = self.path("repository");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("server.js"), SERVER).unwrap();
        std::fs::write(folder.join("package.json"), "{\"name\": \"shop\", \"version\": \"1.0.0\"}").unwrap();
        let settings = "builder = \"node\"\nstart = [\"node\", \"server.js\"]\n";
        std::fs::write(folder.join("serverflow.app.toml"), settings).unwrap();
        let who = ["-c", "user.name=Test", "-c", "user.email=test@example.org"];
        for args in [&["init", "-q", "-b", "main"][..], &["add", "."], &["commit", "-q", "-m", "first"]] {
            let mut git = Command::new("git");
            assert!(git.arg("-C").arg(&folder).args(who).args(args).status().unwrap().success());
        }
        folder
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let mark = self.folder.path().display().to_string();
        for child in self.agent.iter_mut().chain([&mut self.plane]) {
            drop(child.kill());
            drop(child.wait());
        }
        // Shims and relays outlive the agent by design; their command lines name the folder.
        for (pid, line, _) in processes(&mark) {
            if line.contains(&mark) {
                let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
            }
        }
    }
}

/// Pid, command line and environment of every process that has to do with `mark`.
fn processes(mark: &str) -> Vec<(i32, String, String)> {
    let text = |path: PathBuf| String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).replace('\0', " ");
    let of = |entry: std::fs::DirEntry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let (line, environment) = (text(entry.path().join("cmdline")), text(entry.path().join("environ")));
        (line.contains(mark) || environment.contains(mark)).then_some((pid, line, environment))
    };
    std::fs::read_dir("/proc").unwrap().flatten().filter_map(of).collect()
}

/// How a value may look: as it is, and inside base64 at each of the three places it can begin at.
fn forms(value: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![value.as_bytes().to_vec()];
    for before in 0..3_usize {
        let text = STANDARD.encode([vec![b' '; before], value.as_bytes().to_vec()].concat());
        // Without the characters that depend on what stands before and after.
        let (start, end) = ((before * 8).div_ceil(6), (before + value.len()) * 8 / 6);
        forms.push(text.as_bytes()[start..end].to_vec());
    }
    forms.push(value.bytes().map(|byte| format!("{byte:02x}")).collect::<String>().into_bytes());
    forms
}

fn holds(bytes: &[u8], value: &str) -> bool {
    forms(value).iter().any(|form| bytes.windows(form.len()).any(|window| window == form))
}

fn files(folder: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            files(&entry.path(), found);
        } else if kind.is_file() {
            found.push((entry.path(), std::fs::read(entry.path()).unwrap_or_default()));
        }
    }
}

/// What is heard on the event socket, from the first event on, until a log line of the app has come.
fn hear(world: &mut World, app: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let heard = runtime.block_on(async {
        let address = format!("ws://127.0.0.1:{}/api/v1/ws", world.port);
        let mut request = address.into_client_request().unwrap();
        request.headers_mut().insert("authorization", format!("Bearer {}", world.token).parse().unwrap());
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        let topics = ["runs", "apps", "nodes", "approvals", "system", &format!("app:{app}")];
        let all = json!({ "subscribe": { "topics": topics, "after": "0" } });
        let lines = json!({ "subscribe": { "topics": [format!("logs:app:{app}")], "afterLine": "0" } });
        for message in [all, lines] {
            socket.send(Message::Text(message.to_string().into())).await.unwrap();
        }
        let mut heard = Vec::new();
        while !String::from_utf8_lossy(&heard).contains("secret [redacted]") {
            let next = tokio::time::timeout(PATIENCE, socket.next()).await.expect("a log line").unwrap().unwrap();
            heard.extend_from_slice(&next.into_data());
        }
        heard
    });
    world.said.extend(heard);
}

/// Every route that reads, asked about everything there is.
fn read_everything(world: &mut World) -> usize {
    let document = world.send("GET", "/openapi.json", None, &[]);
    let mut asked = 0;
    let paths: Vec<String> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(path, item)| item.get("get").is_some() && path.starts_with("/api/v1/") && !path.ends_with("/ws"))
        .map(|(path, _)| path.trim_start_matches("/api/v1").to_owned())
        .collect();
    for path in paths {
        let Some((collection, rest)) = path.split_once("/{id}") else {
            world.send("GET", &path, None, &[]);
            asked += 1;
            continue;
        };
        let all = world.send("GET", collection, None, &[])["data"].clone();
        for item in all.as_array().cloned().unwrap_or_default() {
            world.send("GET", &format!("{collection}/{}{rest}", item["id"].as_str().unwrap()), None, &[]);
            asked += 1;
        }
    }
    asked
}

fn plant(world: &mut World) -> (String, u16) {
    world.cli(&["secrets", "set", "pay-key"], &format!("{OLDER}\n"));
    let (node, repository) = (world.send("GET", "/nodes", None, &[])["data"][0]["id"].clone(), world.repository());
    let env = json!([{ "name": "PAY_KEY", "secret": "pay-key" }, { "name": "API_TOKEN", "value": SOUNDS }]);
    let settings = json!({ "repository": format!("file://{}", repository.display()), "env": env });
    let app = world.done("POST", "/apps", &json!({ "name": "shop", "nodeId": node, "settings": settings }));
    let app = app["id"].as_str().unwrap().to_owned();
    let opened = world.done("POST", &format!("/apps/{app}/deploy"), &json!({}));
    world.ended(&opened);
    world.cli(&["secrets", "set", "pay-key"], SECRET);
    world.cli(&["restart", "shop"], "");
    let shown = world.done("GET", &format!("/apps/{app}"), &Value::Null);

    // Where none belongs.
    for url in [format!("https://user:{STRAY}@git.example.org/a"), format!("ssh://user:{STRAY}@git.example.org/a")] {
        world.refused("/apps", &json!({ "name": "x", "nodeId": node, "settings": { "repository": url } }));
    }
    for body in [
        json!({ "name": "x", "value": [STRAY] }),
        json!({ "name": STRAY.repeat(9), "value": STRAY }),
        json!({ "name": "x", "value": STRAY.repeat(999) }),
        json!({ "name": "x", "value": STRAY, "project": STRAY }),
        json!({ "name": "pay-key", "value": STRAY }),
    ] {
        world.refused("/secrets", &body);
    }
    world.refused("/tokens", &json!({ "name": "x", "days": STRAY }));
    world.refused(&format!("/apps/{app}/deploy"), &json!({ "commit": STRAY }));
    world.refused("/auth/login", &json!({ "email": "a@example.org", "password": STRAY }));
    for header in [
        ("Authorization", format!("Bearer {STRAY}")),
        ("Cookie", format!("sf={STRAY}")),
        ("X-Api-Key", STRAY.to_owned()),
    ] {
        for path in ["/apps", "/nowhere", "/auth/me"] {
            world.send("GET", path, None, &[(header.0, header.1.as_str())]);
        }
    }
    (app, u16::try_from(shown["port"].as_u64().unwrap()).unwrap())
}

#[test]
fn planted_values_are_nowhere() {
    let mut world = World::start();
    let (app, port) = plant(&mut world);
    // The app itself has it: this test would pass of itself otherwise.
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    let hash: String = {
        use sha2::{Digest, Sha256};
        Sha256::digest(SECRET.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    assert!(page.contains(&hash), "{page}");
    world.until(&format!("/apps/{app}/logs"), |log| log["lines"].to_string().contains("secret [redacted]"));
    hear(&mut world, &app);
    // The settings show a plain variable to those who may see them; everything before must not.
    let before = std::mem::take(&mut world.said);
    let asked = read_everything(&mut world);
    assert!(asked > 40, "{asked} answers");
    let after = std::mem::take(&mut world.said);

    let mark = world.folder.path().display().to_string();
    let (mut found, mut all) = (BTreeSet::new(), Vec::new());
    files(world.folder.path(), &mut all);
    assert!(all.iter().any(|(path, bytes)| path.ends_with("control.log") && bytes.len() > 10_000), "logs are written");
    // The search sees what is there: a plain variable is in the settings, in the database and in what shows them.
    assert!(
        holds(&after, SOUNDS)
            && all.iter().any(|(path, bytes)| path.starts_with(world.path("control")) && holds(bytes, SOUNDS))
    );
    for value in [SECRET, OLDER, STRAY] {
        for (path, bytes) in &all {
            if holds(bytes, value) {
                found.insert(format!("{value} in {}", path.display()));
            }
        }
        for (what, said) in [("an answer", &before), ("a later answer", &after)] {
            if holds(said, value) {
                found.insert(format!("{value} in {what}"));
            }
        }
        for (_, line, environment) in processes(&mark) {
            if holds(line.as_bytes(), value) || (holds(environment.as_bytes(), value) && !line.contains("server.js")) {
                found.insert(format!("{value} with {line}"));
            }
        }
    }
    // What only sounds secret is kept out of every log, on the way and where they lie.
    for (path, bytes) in &all {
        let is_log = path.ends_with("control.log") || path.ends_with("agent.log");
        if is_log && holds(bytes, SOUNDS) {
            found.insert(format!("{SOUNDS} in {}", path.display()));
        }
    }
    for path in [format!("/apps/{app}/logs"), "/activity".to_owned(), "/runs?action=app.restart".to_owned()] {
        world.send("GET", &path, None, &[]);
    }
    if holds(&world.said, SOUNDS) {
        found.insert(format!("{SOUNDS} in a log or the activity"));
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_search_finds_what_it_looks_for() {
    for before in 0..7 {
        let text = format!("{}{SECRET} and more", "x".repeat(before));
        assert!(holds(text.as_bytes(), SECRET));
        assert!(holds(STANDARD.encode(&text).as_bytes(), SECRET), "{before}");
    }
    assert!(!holds(b"canary-secret-3f9a1c7e5", SECRET));
}
