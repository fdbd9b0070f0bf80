//! Secrets on a node: sealed on its disk, open in the app's own environment and nowhere else.

use std::path::Path;

use sf_protocol::app::SecretVar;
use sf_protocol::command::{Guard, GuardedSecret};
use sf_protocol::order::{AppVerb, Order};
use sf_protocol::sealed::{Place, Sealed};
use sf_protocol::{SecretKey, Verdict};
use sf_types::{Millis, Secret, SecretId, Timestamp, TypedId};

use super::plane::LIMIT;
use super::world::{World, get};

const VALUE: &str = "canary-4f1b2c7d8e9a";
const NEWER: &str = "canary-5d8e6f1a2b3c";

/// Answers a hash of its variable, and writes the variable itself into its log.
const SERVER: &str = "console.log('the key is ' + process.env.API_KEY);\n\
    const hash = require('node:crypto').createHash('sha256').update(String(process.env.API_KEY)).digest('hex');\n\
    require('node:http').createServer((q, r) => r.end(hash)).listen(process.env.PORT, process.env.HOST);\n";

fn hash(value: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(value.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn secret() -> SecretId {
    SecretId::from_parts(Timestamp::from_millis(1), [5; 10])
}

impl World {
    fn sealed(&self, value: &str, version: u32, key: &SecretKey) -> SecretVar {
        let (name, secret) = ("API_KEY".to_owned(), secret());
        let place = Place { app: self.app, name: &name, secret, version };
        let once = Secret::new([u8::try_from(version).unwrap(); 32]);
        let sealed = Sealed::seal(&key.public(), &place, value.as_bytes(), &once);
        SecretVar { name, secret, version, sealed }
    }

    fn deploy_with(&mut self, var: SecretVar) -> Order {
        let mut order = self.deploy_order(None, Millis(300));
        if let Order::Deploy(deploy) = &mut order {
            deploy.app.secrets = vec![var];
        }
        order
    }

    /// Files in the world's folder and command lines of its processes that hold `text`.
    fn places_of(&self, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        search(self.dir.path(), text.as_bytes(), &mut found);
        let mark = self.dir.path().display().to_string();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Ok(line) = std::fs::read(entry.path().join("cmdline")) else { continue };
            let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
            let (line, environment) = (String::from_utf8_lossy(&line), String::from_utf8_lossy(&environment));
            let ours = line.contains(&mark) || environment.contains(&mark);
            if ours && line.contains(text) {
                found.push(format!("command line of {}", entry.path().display()));
            }
            // The app itself has it; its shim, relay and daemon do not.
            if ours && environment.contains(text) && !line.contains("server.js") {
                found.push(format!("environment of {line}"));
            }
        }
        found
    }
}

fn search(folder: &Path, text: &[u8], found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            search(&entry.path(), text, found);
        } else if kind.is_file() {
            let bytes = std::fs::read(entry.path()).unwrap_or_default();
            if bytes.windows(text.len()).any(|window| window == text) {
                found.push(entry.path().display().to_string());
            }
        }
    }
}

#[tokio::test]
async fn a_secret_is_in_its_apps_environment_and_nowhere_else() {
    let mut world = World::enrolled().await;
    world.commit_server(SERVER).await;
    world.start(None).await;
    world.plane.connected(0).await;
    let key = world.state().node_key().unwrap();

    let var = world.sealed(VALUE, 1, &key);
    let order = world.deploy_with(var);
    let outcome = world.plane.run(order).await;
    let port = world.succeeded(&outcome).port.unwrap().get();
    assert_eq!(get(port, "/").await, (200, hash(VALUE)));
    let told =
        world.plane.until("its log", |state| state.lines.values().find(|text| text.contains("the key is")).cloned());
    assert_eq!(told.await, "the key is [redacted]");
    assert!(world.log_line("the key is [redacted]", 1).await, "on the node's own disk, too");
    assert_eq!(world.places_of(VALUE), Vec::<String>::new());

    // A restart with a newer version gives that one, and the old one is forgotten.
    let mut order = world.action(AppVerb::Restart);
    if let Order::AppAction(action) = &mut order {
        action.secrets = vec![world.sealed(NEWER, 2, &key)];
    }
    assert_eq!(world.plane.run(order).await.verdict, Verdict::Succeeded, "{}", world.log());
    assert_eq!(get(port, "/").await, (200, hash(NEWER)));

    // Its holder is killed: the next one is given it again. So it is after a reboot.
    let pid = world.pid().await;
    let shim = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let shim: i32 = shim.rsplit(')').next().unwrap().split_whitespace().nth(1).unwrap().parse().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(shim), nix::sys::signal::Signal::SIGKILL).unwrap();
    serves(port, &hash(NEWER), pid, &world).await;
    world.reboot().await;
    world.start(None).await;
    serves(port, &hash(NEWER), pid, &world).await;
    for value in [VALUE, NEWER] {
        assert_eq!(world.places_of(value), Vec::<String>::new());
    }
}

/// Waits until another process than `pid` answers `expected`.
async fn serves(port: u16, expected: &str, pid: i32, world: &World) {
    let answers = async {
        loop {
            let up = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok();
            if up && get(port, "/").await.1 == expected && world.pid().await != pid {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, answers).await.unwrap_or_else(|_| panic!("{}", world.log()));
}

#[tokio::test]
async fn what_was_sealed_for_another_node_or_agreed_to_in_another_version_is_not_started() {
    let mut world = World::enrolled().await;
    world.commit_server(SERVER).await;
    world.start(None).await;
    world.plane.connected(0).await;
    let (key, other) = (world.state().node_key().unwrap(), SecretKey::from_seed(&[8; 32]));

    let var = world.sealed(VALUE, 1, &other);
    let order = world.deploy_with(var);
    let failed = world.plane.run(order).await;
    assert_eq!((failed.verdict, failed.fault.unwrap().code.as_str()), (Verdict::Failed, "process.secret"));

    let var = world.sealed(VALUE, 2, &key);
    let order = world.deploy_with(var);
    let agreed = GuardedSecret { secret: secret(), name: "api-key".parse().unwrap(), version: 1 };
    let id = world.plane.order(order, Guard { secrets: vec![agreed], ..Guard::default() });
    let moved = world.plane.outcome(id).await;
    assert_eq!(moved.verdict, Verdict::GuardMoved);
    assert!(moved.fault.unwrap().message.contains("version 1 of secret api-key; it is 2"));
    assert_eq!(world.places_of(VALUE), Vec::<String>::new());
}
