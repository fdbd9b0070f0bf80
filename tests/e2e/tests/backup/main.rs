//! A running control plane is backed up and restored by the program itself, and its node goes on with it.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sf_control::options::{Options, StartError};
use sf_control::restore::GUARD_FILE;
use sf_control::{Control, keys};
use sf_engine::{Done, RunState};
use sf_runtime::{Clock, Rng, Tasks};
use sf_store::nodes::NodeStatus;
use sf_store::testing::Postgres;
use sf_store::{Store, StoreOptions};
use sf_testkit::{Database, Plane, Script};
use tempfile::TempDir;
use tokio::process::Command;

/// How often a kill is tried until it comes in the middle.
const KILLS: usize = 20;

/// A folder for backups and their passphrase.
struct Shelf(TempDir);

impl Shelf {
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        write_private(&folder.path().join("passphrase"), "correct horse battery staple")?;
        write_private(&folder.path().join("other"), "quite another passphrase")?;
        Ok(Self(folder))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, store: Option<&StoreOptions>, args: &[&str], data: Option<&Path>) -> Result<Command> {
        self.command_with("passphrase", store, args, data)
    }

    fn command_with(
        &self,
        passphrase: &str,
        store: Option<&StoreOptions>,
        args: &[&str],
        data: Option<&Path>,
    ) -> Result<Command> {
        let own = std::env::current_exe()?;
        let program = own.ancestors().nth(2).context("a target folder")?.join("serverflow");
        ensure!(program.is_file(), "{} is missing: make test-bins", program.display());
        let mut command = Command::new(program);
        command.current_dir(self.0.path()).env_clear().env("HOME", self.0.path()).stdin(Stdio::null());
        if let Some(store) = store.filter(|store| store.url.starts_with("postgres")) {
            command.env("DATABASE_URL", &store.url);
        }
        command.args(["--json", "backup"]).args(args).arg("--passphrase-file").arg(self.file(passphrase));
        if let Some(data) = data {
            command.arg("--data").arg(data);
        }
        command.kill_on_drop(true);
        Ok(command)
    }

    async fn create(&self, plane: &Plane) -> Result<String> {
        let out = self.file("plane.backup").display().to_string();
        let store = plane.database();
        said(self.command(Some(store), &["create", "--out", &out], Some(plane.folder()))?.output().await?)?;
        Ok(out)
    }
}

fn write_private(path: &Path, text: &str) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, text)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(())
}

fn said(output: Output) -> Result<serde_json::Value> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{text} {}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_str(&text)?)
}

fn refused(output: Output) -> Result<String> {
    let said: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    ensure!(!output.status.success(), "{said}");
    Ok(said["error"]["code"].as_str().context("a code")?.to_owned())
}

/// The heart of it: what the node did after the backup is not done again, and it goes on.
async fn its_node_goes_on(database: Database<'_>) -> Result<()> {
    let shelf = Shelf::new()?;
    let plane = Plane::real_time_on(database).await?;
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    let session = node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    plane.ended(plane.deploy(&admin, app).await?).await?;
    session.cut().await;
    plane.until_node(node.id(), NodeStatus::Offline).await?;
    let waiting = plane.deploy(&admin, app).await?;
    let backup = shelf.create(&plane).await?;

    // What the backup does not know: the run that waited is carried out, and another one.
    let session = node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    plane.ended(waiting).await?;
    plane.ended(plane.deploy(&admin, app).await?).await?;
    session.cut().await;
    let orders = node.began().len();
    ensure!(orders == 3, "{orders}");
    let live = node.live(app);
    let lines = plane.audited().await?.len();

    let in_the_way = shelf.command(Some(plane.database()), &["restore", &backup], Some(plane.folder()))?;
    let code = refused(run(in_the_way).await?)?;
    ensure!(code == "restore.in_use" || code == "restore.not_empty", "{code}");
    let plane = plane
        .replaced(async |folder, store| {
            // A server's connections are gone a moment after their pool.
            loop {
                let restore = shelf.command(Some(store), &["restore", &backup, "--force"], Some(folder))?;
                let output = run(restore).await?;
                if output.status.success() {
                    let said = said(output)?;
                    ensure!(said["epoch"] == 2, "{said}");
                    return Ok(());
                }
                ensure!(refused(output.clone())? == "restore.in_use", "{output:?}");
            }
        })
        .await?;
    let admin = plane.admin_again().await?;
    let restored = plane.audited().await?;
    ensure!(restored.len() < lines, "{} lines, and there were {lines}", restored.len());
    ensure!(restored.iter().any(|line| line.action == "instance.restore"), "it says so");
    let fresh = plane.deploy(&admin, app).await?;
    node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    ensure!(plane.ended(fresh).await?.state == RunState::Done(Done::Succeeded));
    let ended = plane.ended(waiting).await?;
    ensure!(ended.state == RunState::Done(Done::Failed), "{ended:?}");
    ensure!(node.began().len() == orders + 1, "nothing is done twice");
    ensure!(node.refused().is_empty(), "{:?}", node.refused());
    ensure!(node.live(app) != live, "the new order went live");
    plane.audited().await?;
    plane.stop().await;
    Ok(())
}

async fn run(mut command: Command) -> Result<Output> {
    Ok(tokio::time::timeout(Duration::from_secs(120), command.output()).await.context("it takes too long")??)
}

#[tokio::test]
async fn a_restored_plane_goes_on_with_its_node() -> Result<()> {
    Box::pin(its_node_goes_on(Database::Sqlite)).await
}

#[tokio::test]
async fn a_restored_plane_goes_on_with_its_node_on_postgresql() -> Result<()> {
    let Some(server) = Postgres::start_or_skip().await else { return Ok(()) };
    Box::pin(its_node_goes_on(Database::Postgres(&server))).await
}

async fn start(data: &Path) -> Result<(), StartError> {
    let tasks = Tasks::new();
    let started = Control::start(Options::in_folder(data.to_owned()), Clock::system(), Rng::system(), &tasks).await;
    tasks.stop(Duration::from_secs(5)).await;
    started.map(drop)
}

#[tokio::test]
async fn what_is_damaged_or_locked_is_refused_and_nothing_is_touched() -> Result<()> {
    let shelf = Shelf::new()?;
    let plane = Plane::real_time_on(Database::Sqlite).await?;
    // An invitation, so that there is a line of audit.
    plane.invite(&plane.admin().await?).await?;
    let backup = shelf.create(&plane).await?;
    plane.stop().await;
    let whole = std::fs::read(&backup)?;
    let verified = said(run(shelf.command(None, &["verify", &backup], None)?).await?)?;
    ensure!(verified["bytes"] == whole.len() && verified["manifest"]["audit"][0][1].as_u64() > Some(0), "{verified}");
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&backup)?) & 0o777;
    ensure!(mode == 0o600, "{mode:o}");
    let again = shelf.command(None, &["create", "--out", &backup], Some(shelf.0.path()))?;
    ensure!(refused(run(again).await?)? == "cli.usage");

    let data = shelf.file("data");
    let mut flipped = whole.clone();
    let middle = whole.len() / 2;
    flipped[middle] ^= 1;
    let cut = &whole[..whole.len() - 1];
    for (bytes, passphrase, expected) in [
        (whole.as_slice(), "other", "backup.key"),
        (flipped.as_slice(), "passphrase", "backup.damaged"),
        (cut, "passphrase", "backup.damaged"),
        (b"no backup".as_slice(), "passphrase", "backup.damaged"),
    ] {
        let bad = shelf.file("bad").display().to_string();
        std::fs::write(&bad, bytes)?;
        for args in [&["verify", bad.as_str()], &["restore", bad.as_str()]] {
            let data = (args[0] == "restore").then_some(data.as_path());
            let code = refused(run(shelf.command_with(passphrase, None, args, data)?).await?)?;
            ensure!(code == expected, "{args:?}: {code}");
        }
        ensure!(!data.exists(), "a backup that does not hold leaves no trace");
    }
    Ok(())
}

#[tokio::test]
async fn a_restore_that_was_killed_leaves_nothing_that_starts() -> Result<()> {
    let shelf = Shelf::new()?;
    let plane = Plane::real_time_on(Database::Sqlite).await?;
    plane.admin().await?;
    let backup = shelf.create(&plane).await?;
    plane.stop().await;
    let mut caught = 0;
    for attempt in 0..KILLS {
        let data = shelf.file(&format!("data{attempt}"));
        let mut restore = shelf.command(None, &["restore", &backup], Some(&data))?;
        let mut child = restore.stdout(Stdio::null()).spawn()?;
        while !data.join(GUARD_FILE).exists() && child.try_wait()?.is_none() {
            tokio::task::yield_now().await;
        }
        child.kill().await?;
        if !data.join(GUARD_FILE).exists() {
            continue;
        }
        caught += 1;
        ensure!(matches!(start(&data).await, Err(StartError::Restoring { .. })));
        said(run(shelf.command(None, &["restore", &backup], Some(&data))?).await?)?;
        start(&data).await?;
        if caught == 3 {
            break;
        }
    }
    ensure!(caught > 0, "no kill came in the middle");
    Ok(())
}

#[tokio::test]
async fn without_the_root_key_it_waits_for_it() -> Result<()> {
    let shelf = Shelf::new()?;
    let plane = Plane::real_time_on(Database::Sqlite).await?;
    plane.admin().await?;
    let offline = shelf.file("root.key");
    std::fs::rename(plane.folder().join("root.key"), &offline)?;
    let backup = shelf.create(&plane).await?;
    plane.stop().await;
    let data = shelf.file("data");
    let restored = run(shelf.command(None, &["restore", &backup], Some(&data))?).await?;
    ensure!(refused(restored)? == "restore.epoch");
    ensure!(matches!(start(&data).await, Err(StartError::Restored)), "it must not serve");
    std::fs::copy(&offline, data.join("root.key"))?;
    let (options, tasks) = (Options::in_folder(data.clone()), Tasks::new());
    let store = Store::open(&options.store, Clock::system(), Rng::system(), &tasks).await?;
    ensure!(keys::raise_epoch(&options, &store, &Clock::system(), &Rng::system()).await? == 2);
    drop(store);
    tasks.stop(Duration::from_secs(5)).await;
    start(&data).await?;
    // With the key at hand it is one command.
    let data = shelf.file("other-data");
    let key = offline.display().to_string();
    said(run(shelf.command(None, &["restore", &backup, "--root-key", &key], Some(&data))?).await?)?;
    start(&data).await?;
    Ok(())
}
