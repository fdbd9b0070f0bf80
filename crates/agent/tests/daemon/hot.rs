//! The hot path against always doing everything: the same release, whatever was edited in between. With the machine's
//! own npm, and a registry on loopback.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sf_protocol::app::EnvVar;
use sf_protocol::build::{Builder, HotPath};
use sf_protocol::handshake::{BUILDERS_SINCE, Versions};
use sf_protocol::order::{GitSource, Order};
use sf_protocol::outcome::DeployFacts;
use sf_protocol::query::{Query, Reply};
use sf_runtime::{Clock, OnError, Rng, Tasks};
use sf_types::{AppId, Millis};
use sha2::{Digest, Sha512};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::world::{World, get};

/// Versions of the one package that the app needs.
const VERSIONS: [&str; 2] = ["1.0.0", "1.1.0"];

/// Edits made in any case, and the path that each takes; `SF_FULL` makes many more, by chance.
const EDITS: [(u64, HotPath); 8] = [
    (FILE, HotPath::SkipInstall),
    (LOCKFILE, HotPath::Full),
    (START, HotPath::SkipBuild),
    // What a build has written into is not taken over a second time.
    (WRITES_INSIDE, HotPath::SkipInstall),
    (FILE, HotPath::Full),
    (VARIABLE, HotPath::RestartOnly),
    // What installing reads is not known by the lockfile alone.
    (PREPARE, HotPath::Full),
    (FILE, HotPath::Full),
];

const FILE: u64 = 0;
const LOCKFILE: u64 = 1;
const MANIFEST: u64 = 2;
const START: u64 = 3;
const VARIABLE: u64 = 4;
const PREPARE: u64 = 5;
const WRITES_INSIDE: u64 = 6;
/// The same commit again.
const NOTHING: u64 = 7;

/// What an app is at one moment of its history.
#[derive(Clone, Default)]
pub struct Source {
    version: usize,
    pub text: u64,
    /// Runs while installing and depends on a file.
    has_prepare: bool,
    /// The build also writes into node_modules.
    writes_inside: bool,
    described: u64,
    /// In the app's settings.
    start: u64,
    env: u64,
}

/// A registry of two versions: address and integrity of each.
pub struct Registry {
    port: u16,
    integrity: [String; 2],
    _tasks: Tasks,
}

impl Registry {
    /// Each version has so many files besides its own.
    pub async fn start(dir: &Path, files: usize) -> Self {
        let mut packages = Vec::new();
        for version in VERSIONS {
            let package = dir.join(version).join("package");
            std::fs::create_dir_all(&package).unwrap();
            let manifest = format!("{{\"name\": \"tool\", \"version\": \"{version}\"}}");
            std::fs::write(package.join("package.json"), manifest).unwrap();
            std::fs::write(package.join("index.js"), format!("module.exports = '{version}'")).unwrap();
            for nth in 0..files {
                let folder = package.join(format!("lib/{}", nth % 100));
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(folder.join(format!("{nth}.js")), format!("// {nth}\n").repeat(250)).unwrap();
            }
            let made = std::process::Command::new("tar")
                .args(["-czf", "package.tgz", "package"])
                .current_dir(dir.join(version))
                .status();
            assert!(made.unwrap().success());
            packages.push(std::fs::read(dir.join(version).join("package.tgz")).unwrap());
        }
        let integrity = [0, 1].map(|at| format!("sha512-{}", STANDARD.encode(Sha512::digest(&packages[at]))));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serve = async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = [0; 4096];
                let read = stream.read(&mut head).await.unwrap_or(0);
                let asked = String::from_utf8_lossy(&head[..read]);
                let body = &packages[usize::from(asked.contains(VERSIONS[1]))];
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                let _ = stream.write_all(head.as_bytes()).await;
                let _ = stream.write_all(body).await;
            }
            Ok::<(), Infallible>(())
        };
        let tasks = Tasks::new();
        tasks.spawn("registry", OnError::Log, serve);
        Self { port, integrity, _tasks: tasks }
    }
}

impl Source {
    pub fn files(&self, registry: &Registry) -> Vec<(&'static str, String)> {
        let (version, integrity) = (VERSIONS[self.version], &registry.integrity[self.version]);
        let resolved = format!("http://127.0.0.1:{}/tool-{version}.tgz", registry.port);
        let prepare = if self.has_prepare { ", \"prepare\": \"node prepare.js\"" } else { "" };
        let inside = "fs.appendFileSync('node_modules/tool/log', text);";
        vec![
            (
                "package.json",
                format!(
                    "{{\"name\": \"app\", \"version\": \"1.0.0\", \"description\": \"{}\", \"dependencies\": \
                     {{\"tool\": \"{version}\"}}, \"scripts\": {{\"build\": \"node build.js\"{prepare}}}}}",
                    self.described
                ),
            ),
            (
                "package-lock.json",
                format!(
                    "{{\"name\": \"app\", \"version\": \"1.0.0\", \"lockfileVersion\": 3, \"requires\": true, \
                     \"packages\": {{\"\": {{\"name\": \"app\", \"version\": \"1.0.0\", \"dependencies\": {{\"tool\": \
                     \"{version}\"}}}}, \"node_modules/tool\": {{\"version\": \"{version}\", \"resolved\": \
                     \"{resolved}\", \"integrity\": \"{integrity}\"}}}}}}"
                ),
            ),
            ("text", self.text.to_string()),
            ("prepare.js", "const fs = require('fs'); fs.writeFileSync('prepared', fs.readFileSync('text'));".to_owned()),
            (
                "build.js",
                format!(
                    "const fs = require('fs'); const text = fs.readFileSync('text'); {} fs.writeFileSync('built', \
                     `${{require('tool')}} ${{text}} ${{fs.existsSync('prepared')}}`);",
                    if self.writes_inside { inside } else { "" }
                ),
            ),
            (
                "server.js",
                "const said = require('fs').readFileSync('built') + ' ' + process.argv[2] + ' ' + process.env.SAID; \
                 require('http').createServer((_, answer) => answer.end(said)).listen(process.env.PORT, process.env.HOST);"
                    .to_owned(),
            ),
        ]
    }

    fn edit(&mut self, edit: u64, random: &Rng) {
        let other = || random.below(1_000_000);
        match edit {
            FILE => self.text = other(),
            LOCKFILE => self.version = 1 - self.version,
            MANIFEST => self.described = other(),
            START => self.start = other(),
            VARIABLE => self.env = other(),
            PREPARE => self.has_prepare = !self.has_prepare,
            WRITES_INSIDE => self.writes_inside = !self.writes_inside,
            _ => {}
        }
    }
}

/// Every file of a release: mode and content, or the target of a link.
fn tree(world: &World, app: AppId, facts: &DeployFacts) -> BTreeMap<String, (u32, Vec<u8>)> {
    let top = world.state().app(app).join("releases").join(facts.release.to_string()).join("tree");
    let mut found = BTreeMap::new();
    let mut open = vec![top.clone()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            let (path, metadata) = (entry.path(), entry.path().symlink_metadata().unwrap());
            let content = if metadata.is_dir() {
                open.push(path.clone());
                Vec::new()
            } else if metadata.is_symlink() {
                std::fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else {
                std::fs::read(&path).unwrap()
            };
            let name = path.strip_prefix(&top).unwrap().display().to_string();
            found.insert(name, (metadata.permissions().mode() & 0o7777, content));
        }
    }
    found
}

pub async fn deployed(world: &mut World, source: &Source, (app, full): (AppId, bool)) -> (DeployFacts, String, u128) {
    let Order::Deploy(mut deploy) = world.deploy_order(None, Millis(0)) else { unreachable!() };
    deploy.app.app = app;
    deploy.full = full;
    deploy.app.build.start = Some(vec!["node".into(), "server.js".into(), source.start.to_string()]);
    deploy.app.env = vec![EnvVar { name: "SAID".to_owned(), value: source.env.to_string() }];
    let since = Instant::now();
    let outcome = world.plane.run(Order::Deploy(deploy)).await;
    let took = since.elapsed().as_millis();
    let facts = world.succeeded(&outcome);
    let (status, answer) = get(facts.port.unwrap().get(), "/").await;
    assert_eq!(status, 200);
    (facts, answer, took)
}

#[tokio::test]
async fn whatever_is_edited_the_hot_path_makes_the_same_release_as_doing_everything() {
    if !Path::new("/usr/bin/npm").exists() {
        return eprintln!("SKIPPED: npm is not installed for all users");
    }
    let is_full = sf_runtime::env::var("SF_FULL").is_some();
    let (by_chance, seed) = if is_full { (60, Rng::system().u64()) } else { (0, 5) };
    let (random, mut world) = (Rng::seeded(seed), World::running().await);
    let packages = tempfile::tempdir().unwrap();
    let registry = Registry::start(packages.path(), 0).await;
    let (hot, full) = (world.app, Rng::system().id(&Clock::system()));
    let (mut source, mut before) = (Source::default(), None::<Source>);
    let mut sums = [0, 0];
    let planned = EDITS.map(|(edit, path)| (edit, Some(path)));
    let chance = (0..by_chance).map(|_| (random.below(NOTHING + 1), None));
    let edits = std::iter::once((NOTHING, Some(HotPath::Full))).chain(planned).chain(chance.collect::<Vec<_>>());
    for (nth, (edit, path)) in edits.enumerate() {
        source.edit(edit, &random);
        let files = source.files(&registry);
        let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        world.commit(&files).await;
        let (hot_facts, hot_answer, hot_took) = deployed(&mut world, &source, (hot, false)).await;
        let (full_facts, full_answer, full_took) = deployed(&mut world, &source, (full, true)).await;
        let taken = hot_facts.path.clone().expect("a path");
        let said = format!("seed {seed}, edit {nth}, {edit}: {taken:?}");
        eprintln!("{said} in {hot_took} ms; everything in {full_took} ms");
        assert_eq!(path.unwrap_or(taken.path), taken.path, "{said}");
        assert_eq!(full_facts.path.as_ref().unwrap().path, HotPath::Full, "{said}");
        assert_eq!(hot_answer, full_answer, "{said}");
        let (one, other) = (tree(&world, hot, &hot_facts), tree(&world, full, &full_facts));
        assert!(one == other, "{said}: {:?}", one.iter().find(|(name, file)| other.get(*name) != Some(file)));
        if let Some(before) = &before {
            let reads = (before.version, before.described, before.has_prepare);
            if reads != (source.version, source.described, source.has_prepare) {
                assert_eq!(taken.path, HotPath::Full, "{said}");
            }
        }
        if taken.path != HotPath::Full {
            sums[0] += hot_took;
            sums[1] += full_took;
        }
        before = Some(source.clone());
    }
    eprintln!("on the hot path {} ms, doing everything {} ms", sums[0], sums[1]);
}

#[tokio::test]
async fn an_older_control_plane_is_told_only_what_it_knows() {
    let mut world = World::enrolled().await;
    let old = Versions { min: 1, max: BUILDERS_SINCE - 1 };
    world.plane.state(|state| state.versions = Some(old));
    let server = "require('http').createServer((_, a) => a.end()).listen(process.env.PORT, process.env.HOST);";
    let file = "builder = \"php\"\nstart = [\"node\", \"server.js\"]\n";
    world.commit(&[("server.js", server), ("serverflow.app.toml", file)]).await;
    world.start(None).await;
    world.plane.connected(0).await;
    let look = async |world: &World| {
        let source =
            GitSource { url: format!("file://{}", world.repository().display()), reference: None, commit: None };
        let Reply::Inspected(found) = world.plane.ask(Query::Inspect { source, build: Default::default() }).await
        else {
            panic!("an inspection")
        };
        found.plan.builder
    };
    let outcome = world.deploy().await;
    let told = world.succeeded(&outcome);
    assert_eq!((told.builder, told.path, look(&world).await), (Some(Builder::Commands), None, Builder::Commands));

    world.plane.state(|state| state.versions = None);
    let connections = world.plane.state(|state| state.connections);
    world.plane.cut();
    world.plane.connected(connections).await;
    let outcome = world.deploy().await;
    let told = world.succeeded(&outcome);
    let path = told.path.map(|taken| taken.path);
    assert_eq!(
        (told.builder, path, look(&world).await),
        (Some(Builder::Php), Some(HotPath::RestartOnly), Builder::Php)
    );
}
