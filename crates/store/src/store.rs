//! Opening the database, and the handle through which everything goes.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, SqlxPostgresConnector, SqlxSqliteConnector, Statement};
use sf_runtime::{Clock, Rng, Tasks};
use sf_types::{InstanceId, Scope, Sight};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use tokio::sync::mpsc;

use crate::events::StoredEvent;
use crate::script::SharedCounters;
use crate::session::Writable;
use crate::session::server::Line;
use crate::tx::{Reader, Tx};
use crate::writer::{self, Checkpoints, Health, Queued, Tail, Writer};
use crate::{Result, StoreError, Work, meta, migrate};

/// Writes waiting for the writer at the most; beyond it callers wait for a place.
pub const MAX_QUEUED_WRITES: usize = 4096;
/// Connections for reading, unless told otherwise.
pub const DEFAULT_READERS: u32 = 4;
/// Prepared statements kept per connection.
const CACHED_STATEMENTS: usize = 256;
/// Bytes of the write-ahead log that stay on disk after a checkpoint: 64 MiB.
const MAX_IDLE_WAL_BYTES: i64 = 67_108_864;
/// Pages of the write-ahead log at which a COMMIT moves it itself, should the task beside the writer not keep up: as
/// many as stay on disk.
const MAX_WAL_PAGES: i64 = MAX_IDLE_WAL_BYTES / 4096;
/// How long SQLite waits for a lock another process holds (a command-line tool beside the server).
const BUSY: Duration = Duration::from_secs(5);
/// How long a reader waits for a connection, and the writer for an answer to its first word.
pub(crate) const ACQUIRE: Duration = Duration::from_secs(10);
/// The oldest SQLite whose WAL is free of the checkpoint race fixed in 3.51.3.
/// Source: <https://sqlite.org/releaselog/3_51_3.html>.
const OLDEST_SQLITE: (u32, u32, u32) = (3, 51, 3);

/// Where the database is.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// `sqlite://path`, `file:path` or `postgres://...` (`DATABASE_URL`).
    pub url: String,
    /// A replica to read from, PostgreSQL only (`DATABASE_READ_URL`).
    pub read_url: Option<String>,
    /// Connections for reading.
    pub readers: u32,
    /// Which control plane this is, where several share a database; else the one written in it.
    pub instance: Option<InstanceId>,
}

impl StoreOptions {
    /// One database with the defaults.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), read_url: None, readers: DEFAULT_READERS, instance: None }
    }

    /// The database file; `None` for a server.
    pub fn sqlite_path(&self) -> Option<&str> {
        let path =
            ["sqlite://", "sqlite:", "file://", "file:"].into_iter().find_map(|kind| self.url.strip_prefix(kind))?;
        Some(path.split('?').next().unwrap_or(path)).filter(|path| !path.is_empty())
    }
}

/// Who hears of events after COMMIT, in order. Must not block.
pub(crate) type Sink = Box<dyn Fn(&[StoredEvent]) + Send + Sync>;

/// The handle. Clones share everything.
#[derive(Clone)]
pub struct Store {
    queue: mpsc::Sender<Queued>,
    readers: DatabaseConnection,
    sinks: Arc<RwLock<Vec<Sink>>>,
    instance: InstanceId,
    clock: Clock,
    pub(crate) counters: SharedCounters,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("instance", &self.instance).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database, brings its schema up to date and starts the writer as a task of `tasks`. The writer ends
    /// when all handles are gone, or, once `tasks` is asked to stop, when no write has come for half a second.
    ///
    /// # Errors
    /// [`StoreError::Open`] and [`StoreError::Schema`] say what is wrong with the database.
    pub async fn open(options: &StoreOptions, clock: Clock, rng: Rng, tasks: &Tasks) -> Result<Self> {
        let first = connect_first(options).await?;
        check_version(&first).await?;
        migrate::migrate(&first, clock.now()).await?;
        let instance = match options.instance {
            Some(instance) => instance,
            None => meta::instance(&first, || rng.id(&clock)).await?,
        };
        drop(first.close().await);
        let write = connect_writer(options).await?;
        let readers = connect_readers(options).await?;
        let (queue, receiver) = mpsc::channel(MAX_QUEUED_WRITES);
        let (sinks, counters) = (Arc::new(RwLock::new(Vec::new())), SharedCounters::default());
        let writer = Writer {
            database: write,
            options: options.clone(),
            instance,
            clock: clock.clone(),
            rng,
            sinks: sinks.clone(),
            health: Health::Good,
            counters: counters.clone(),
            checkpoints: Checkpoints::start(readers.clone(), tasks),
            tail: Tail::default(),
        };
        writer::start(writer, receiver, tasks)?;
        Ok(Self { queue, readers, sinks, instance, clock, counters })
    }

    /// Which control plane this is: owner of one audit chain.
    pub const fn instance(&self) -> InstanceId {
        self.instance
    }

    /// Statements that the writer has run: what a change costs.
    pub fn statements(&self) -> u64 {
        self.counters.now()
    }

    /// Transactions that the writer has committed, each with one fsync: what a change waits for.
    pub fn commits(&self) -> u64 {
        self.counters.commits()
    }

    /// Statements that readers have run: what looking costs.
    pub fn looks(&self) -> u64 {
        self.counters.looks()
    }

    /// Audit lines that this store has committed since it was opened: wakes whoever follows the chain.
    pub fn audited(&self) -> tokio::sync::watch::Receiver<u64> {
        self.counters.watch_audited()
    }

    /// Adds somebody who hears of events after COMMIT, in the order of their numbers. `sink` must not block.
    pub fn on_commit(&self, sink: impl Fn(&[StoredEvent]) + Send + Sync + 'static) {
        self.sinks.write().unwrap_or_else(PoisonError::into_inner).push(Box::new(sink));
    }

    /// Runs `work` in the writer's next batch and answers after COMMIT. `work` may await nothing but the database.
    /// An error or panic in it takes back what it did, and nothing else. **It may run more than once** (when a write
    /// beside it fails, or after a conflict with another control plane), so it touches nothing but `tx`; what it
    /// captures is cloned for each run, and only the last run's answer is given.
    ///
    /// ```ignore
    /// store.write(scope, move |tx| Box::pin(async move { nodes::rename(tx, node, &name).await })).await?;
    /// ```
    ///
    /// # Errors
    /// What `work` answers, or why it could not be stored.
    pub async fn write<T, F>(&self, scope: Scope, work: F) -> Result<T>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, T> + Clone + Send + 'static,
        T: Send + 'static,
    {
        let (job, answer) = writer::awaited(work);
        self.queue.send(Queued { scope, job, awaited: true }).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Queues `work` behind the writes before it and does not wait for COMMIT: it rides in the next batch. Its errors
    /// are logged; those that only say that somebody was faster ([`StoreError::Stale`]) are not.
    pub async fn write_unawaited<F>(&self, scope: Scope, work: F)
    where
        F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, ()> + Clone + Send + 'static,
    {
        if self.queue.send(Queued { scope, job: writer::unawaited(work), awaited: false }).await.is_err() {
            tracing::warn!("a write came after the store was closed");
        }
    }

    /// A view bound to `scope`.
    pub fn read(&self, scope: Scope) -> Reader {
        let (database, counters) = (self.readers.clone(), self.counters.clone());
        Reader { database, scope, sight: Sight::all(), now: self.clock.now(), counters }
    }

    /// Whether the database can be read: for health checks.
    ///
    /// # Errors
    /// Why not.
    pub async fn ping(&self) -> Result<()> {
        crate::sql::Sql::new("SELECT 1").raw(&self.read(Scope::System)).await.map(drop)
    }

    /// Whether the database can be written: a small write of its own.
    ///
    /// # Errors
    /// Why not.
    pub async fn probe(&self) -> Result<()> {
        let now = self.clock.now().as_millis().to_string();
        self.write(Scope::System, move |tx| Box::pin(async move { meta::set(tx, "probe", &now).await })).await
    }
}

/// A connection that changes nothing, to a database that must be there.
pub(crate) async fn connect_snapshot(options: &StoreOptions) -> Result<DatabaseConnection> {
    let Some(path) = options.sqlite_path() else { return postgres(&options.url, 1).await };
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .test_before_acquire(false)
        .connect_with(sqlite(path).create_if_missing(false).pragma("query_only", "ON"))
        .await
        .map_err(|error| StoreError::Open(format!("{path}: {error}")))?;
    Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
}

/// The connection that brings the schema up to date.
pub(crate) async fn connect_first(options: &StoreOptions) -> Result<DatabaseConnection> {
    if let Some(path) = options.sqlite_path() {
        prepare_file(path).map_err(|error| StoreError::Open(format!("{path}: {error}")))?;
        let pool = SqlitePoolOptions::new()
            .min_connections(1)
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_with(sqlite(path))
            .await
            .map_err(|error| StoreError::Open(format!("{path}: {error}")))?;
        return Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool));
    }
    postgres(&options.url, 1).await
}

/// The only connection that writes.
pub(crate) async fn connect_writer(options: &StoreOptions) -> Result<Writable> {
    let Some(path) = options.sqlite_path() else {
        let server = server(&options.url)?;
        let line = tokio::time::timeout(ACQUIRE, Line::connect(&server))
            .await
            .map_err(|_| StoreError::Away("it did not answer".into()))??;
        return Ok(Writable::Server(Arc::new(line)));
    };
    let opened = || -> rusqlite::Result<rusqlite::Connection> {
        let file = rusqlite::Connection::open(path)?;
        file.busy_timeout(BUSY)?;
        file.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
        file.pragma_update(None, "journal_mode", "WAL")?;
        file.pragma_update(None, "synchronous", "FULL")?;
        file.pragma_update(None, "foreign_keys", true)?;
        file.pragma_update(None, "journal_size_limit", MAX_IDLE_WAL_BYTES)?;
        file.pragma_update(None, "wal_autocheckpoint", MAX_WAL_PAGES)?;
        Ok(file)
    };
    opened().map(Writable::file).map_err(|error| StoreError::Open(format!("{path}: {error}")))
}

async fn connect_readers(options: &StoreOptions) -> Result<DatabaseConnection> {
    let Some(path) = options.sqlite_path() else {
        return postgres(options.read_url.as_deref().unwrap_or(&options.url), options.readers.max(1)).await;
    };
    let pool = SqlitePoolOptions::new()
        .max_connections(options.readers.max(1))
        .acquire_timeout(ACQUIRE)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(sqlite(path).pragma("query_only", "ON"))
        .await
        .map_err(|error| StoreError::Open(format!("{path}: {error}")))?;
    Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
}

fn sqlite(path: &str) -> SqliteConnectOptions {
    use sqlx::ConnectOptions;
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .statement_cache_capacity(CACHED_STATEMENTS)
        .pragma("journal_size_limit", MAX_IDLE_WAL_BYTES.to_string())
        .disable_statement_logging()
}

/// How a server is reached.
fn server(url: &str) -> Result<PgConnectOptions> {
    use sqlx::ConnectOptions;
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        let shown: String = url.split("://").next().unwrap_or("").chars().take(20).collect();
        return Err(StoreError::Open(format!(
            "`{shown}` is no database this program knows: use sqlite://path, file:path or postgres://"
        )));
    }
    let options: PgConnectOptions = url.parse().map_err(|error| StoreError::Open(format!("PostgreSQL: {error}")))?;
    Ok(options.application_name("serverflow").statement_cache_capacity(CACHED_STATEMENTS).disable_statement_logging())
}

async fn postgres(url: &str, connections: u32) -> Result<DatabaseConnection> {
    let options = server(url)?;
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE)
        .connect_with(options)
        .await
        .map_err(|error| StoreError::Open(format!("PostgreSQL: {error}")))?;
    Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
}

/// Makes the folder and an empty file that only its owner can read; SQLite gives the same rights to its WAL.
fn prepare_file(path: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    if let Some(folder) = std::path::Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

async fn check_version(database: &DatabaseConnection) -> Result<()> {
    if database.get_database_backend() != sea_orm::DbBackend::Sqlite {
        return Ok(());
    }
    let statement = Statement::from_string(sea_orm::DbBackend::Sqlite, "SELECT sqlite_version()");
    let row = database.query_one_raw(statement).await?;
    let text: String = row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or_default();
    let mut parts = text.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    let found = (next(), next(), next());
    if found >= OLDEST_SQLITE {
        return Ok(());
    }
    Err(StoreError::Open(format!("SQLite {text} is too old, 3.51.3 or newer is needed: build with the bundled one")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_files_as_the_seeds_write_them() {
        for (url, path) in [
            ("file:./data/auth.db", Some("./data/auth.db")),
            ("file:///var/lib/sf/a.db", Some("/var/lib/sf/a.db")),
            ("sqlite:///var/lib/sf/a.db?mode=rwc", Some("/var/lib/sf/a.db")),
            ("sqlite://data/a.db", Some("data/a.db")),
            ("sqlite:a.db", Some("a.db")),
            ("sqlite://", None),
            ("postgres://localhost/a", None),
        ] {
            assert_eq!(StoreOptions::new(url).sqlite_path(), path, "{url}");
        }
    }

    #[tokio::test]
    async fn only_the_owner_can_read_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/folder/a.db");
        let options = StoreOptions::new(format!("file:{}", path.display()));
        let store = Store::open(&options, Clock::system(), Rng::system(), &Tasks::new()).await.unwrap();
        store.probe().await.unwrap();
        for file in std::fs::read_dir(path.parent().unwrap()).unwrap() {
            let file = file.unwrap();
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", file.path());
        }
    }
}
