//! A PostgreSQL of one's own: made in a temporary folder, reachable from this machine only, gone with its owner.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sea_orm::ConnectionTrait;
use sf_runtime::Clock;
use tempfile::TempDir;

use crate::store::connect_first;
use crate::{Result, StoreError, StoreOptions, migrate};

/// Where Debian keeps each major version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// The unprivileged user the server runs as when the tests run as root: `nobody`.
const NOBODY: u32 = 65_534;
/// Looks at a starting server, with [`LOOK_EVERY`] between them.
const LOOKS: u32 = 300;
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The database every other one is copied from: it has the schema.
const TEMPLATE: &str = "sf_template";

/// Why there is no PostgreSQL.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// Not installed.
    #[error("no PostgreSQL below {DEBIAN}: `apt-get install postgresql` (or set SF_POSTGRES_BIN to its bin folder)")]
    Missing,
    /// A step of making it failed.
    #[error("PostgreSQL: {what}: {why}")]
    Failed {
        /// Which step.
        what: &'static str,
        /// Why.
        why: String,
    },
}

/// A running server. It is stopped when this is dropped, and by the kernel when the thread that started it ends.
#[derive(Debug)]
pub struct Postgres {
    server: Child,
    port: u16,
    made: AtomicU32,
    /// Deleted after the server was stopped.
    _folder: TempDir,
}

impl Postgres {
    /// Makes and starts a server that awaits no disk: what tests write is gone with them.
    ///
    /// # Errors
    /// [`PostgresError`] says what is missing.
    pub async fn start() -> std::result::Result<Self, PostgresError> {
        Self::with(&["fsync=off", "full_page_writes=off", "shared_buffers=32MB"]).await
    }

    /// The same with the server's own settings, under which a commit is on disk: for measuring.
    ///
    /// # Errors
    /// [`PostgresError`] says what is missing.
    pub async fn start_durable() -> std::result::Result<Self, PostgresError> {
        Self::with(&["fsync=on", "synchronous_commit=on"]).await
    }

    async fn with(settings: &[&str]) -> std::result::Result<Self, PostgresError> {
        let bin = binaries().ok_or(PostgresError::Missing)?;
        let folder = tempfile::tempdir().map_err(|why| failed("temporary folder", why))?;
        let data = folder.path().join("data");
        prepare(folder.path(), &data).map_err(|why| failed("temporary folder", why))?;
        let made = as_server(&bin.join("initdb"))
            .args(["-U", "serverflow", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D"])
            .arg(&data)
            .stdin(Stdio::null())
            .output()
            .map_err(|why| failed("initdb", why))?;
        if !made.status.success() {
            return Err(failed("initdb", String::from_utf8_lossy(&made.stderr)));
        }
        let port = free_port().map_err(|why| failed("free port", why))?;
        let server = as_server(&bin.join("postgres"))
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(folder.path())
            .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200"])
            .args(settings.iter().flat_map(|setting| ["-c", setting]))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|why| failed("start", why))?;
        let mut this = Self { server, port, made: AtomicU32::new(0), _folder: folder };
        this.wait().await?;
        this.make_template().await.map_err(|why| failed("template database", why))?;
        Ok(this)
    }

    /// Starts a server, or says loudly that the tests with PostgreSQL are left out.
    ///
    /// # Panics
    /// When there is none although `SF_REQUIRE_POSTGRES=1` demands it, as CI does.
    pub async fn start_or_skip() -> Option<Self> {
        match Self::start().await {
            Ok(server) => Some(server),
            Err(error) => {
                let required = sf_runtime::env::var("SF_REQUIRE_POSTGRES").is_some_and(|value| value == "1");
                assert!(!required, "{error}");
                tracing::error!(%error, "tests with PostgreSQL are SKIPPED");
                #[expect(clippy::print_stderr, reason = "a skipped test has to be seen where no log is set up")]
                {
                    eprintln!("SKIPPED: tests with PostgreSQL: {error}");
                }
                None
            }
        }
    }

    /// Makes a fresh database with the schema; answers its address.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn database(&self) -> Result<String> {
        let name = format!("t{}", self.made.fetch_add(1, Ordering::SeqCst));
        let admin = connect_first(&StoreOptions::new(self.url("postgres"))).await?;
        admin.execute_unprepared(&format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}")).await?;
        admin.close().await?;
        Ok(self.url(&name))
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://serverflow@127.0.0.1:{}/{database}", self.port)
    }

    async fn wait(&mut self) -> std::result::Result<(), PostgresError> {
        let options = StoreOptions::new(self.url("postgres"));
        for _ in 0..LOOKS {
            if let Ok(Some(status)) = self.server.try_wait() {
                return Err(failed("start", status));
            }
            if std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok()
                && let Ok(connection) = connect_first(&options).await
            {
                drop(connection.close().await);
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Err(failed("start", "it did not accept connections in 15 s"))
    }

    async fn make_template(&self) -> Result<()> {
        let admin = connect_first(&StoreOptions::new(self.url("postgres"))).await?;
        admin.execute_unprepared(&format!("CREATE DATABASE {TEMPLATE}")).await?;
        admin.close().await?;
        let template = connect_first(&StoreOptions::new(self.url(TEMPLATE))).await?;
        migrate::migrate(&template, Clock::system().now()).await?;
        template.close().await.map_err(StoreError::from)
    }
}

impl Drop for Postgres {
    /// SIGINT is PostgreSQL's fast shutdown; SIGKILL follows where it is too slow.
    fn drop(&mut self) {
        if let Ok(pid) = i32::try_from(self.server.id()) {
            let asked = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGINT);
            tracing::debug!(?asked, "stopping PostgreSQL");
        }
        for _ in 0..100 {
            if matches!(self.server.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(LOOK_EVERY);
        }
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

/// The newest version there is.
fn binaries() -> Option<PathBuf> {
    if let Some(bin) = sf_runtime::env::var("SF_POSTGRES_BIN") {
        return Some(PathBuf::from(bin)).filter(|bin| bin.join("postgres").exists());
    }
    let versions = std::fs::read_dir(DEBIAN).ok()?.filter_map(std::result::Result::ok);
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin)| bin.join("postgres").exists() && bin.join("initdb").exists())
        .collect();
    found.sort();
    found.pop().map(|(_, bin)| bin)
}

/// PostgreSQL refuses to run as root. `setpriv` changes the user without a shell and asks the kernel to end the
/// server with its parent.
fn as_server(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "INT"]);
    if nix::unistd::geteuid().is_root() {
        command.arg(format!("--reuid={NOBODY}")).arg(format!("--regid={NOBODY}")).arg("--clear-groups");
    }
    command.arg("--").arg(program);
    command
}

fn prepare(folder: &Path, data: &Path) -> std::io::Result<()> {
    std::fs::create_dir(data)?;
    std::fs::set_permissions(data, std::fs::Permissions::from_mode(0o700))?;
    if nix::unistd::geteuid().is_root() {
        chown(folder, Some(NOBODY), Some(NOBODY))?;
        chown(data, Some(NOBODY), Some(NOBODY))?;
    }
    Ok(())
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn failed(what: &'static str, why: impl std::fmt::Display) -> PostgresError {
    PostgresError::Failed { what, why: why.to_string() }
}
