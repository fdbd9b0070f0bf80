//! Databases for the tests of this and other crates: temporary SQLite files, and a private PostgreSQL.

use sea_orm::ConnectionTrait;
use sf_runtime::{Clock, Rng, Tasks};
use sf_types::{Scope, Timestamp};
use tempfile::TempDir;

use crate::{Reader, Result, Store, StoreOptions};

mod postgres;

pub use postgres::{Postgres, PostgresError};

/// When tests begin unless they say otherwise: 2026-01-01T00:00:00Z.
pub const TEST_START: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// A store on a database of its own, with a clock that stands still and seeded randomness.
#[derive(Debug)]
pub struct TestStore {
    /// The store.
    pub store: Store,
    /// Its clock; move it with [`Clock::set`].
    pub clock: Clock,
    /// Its options, for opening it again.
    pub options: StoreOptions,
    /// Owner of the writer.
    pub tasks: Tasks,
    /// The folder of the database file; deleted when dropped.
    folder: Option<TempDir>,
}

impl TestStore {
    /// A fresh SQLite file.
    ///
    /// # Errors
    /// When it cannot be opened.
    ///
    /// # Panics
    /// When no temporary folder can be made.
    pub async fn sqlite() -> Result<Self> {
        let folder = tempfile::tempdir().expect("a test needs a temporary folder");
        let options = StoreOptions::new(format!("sqlite://{}/test.db", folder.path().display()));
        let mut this = Self::at(options).await?;
        this.folder = Some(folder);
        Ok(this)
    }

    /// A fresh database of a private PostgreSQL.
    ///
    /// # Errors
    /// When it cannot be made or opened.
    pub async fn postgres(server: &Postgres) -> Result<Self> {
        Self::at(StoreOptions::new(server.database().await?)).await
    }

    /// Opens a database that a test prepared.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn at(options: StoreOptions) -> Result<Self> {
        let clock = Clock::manual(TEST_START);
        let tasks = Tasks::new();
        let store = Store::open(&options, clock.clone(), Rng::seeded(7), &tasks).await?;
        Ok(Self { store, clock, options, tasks, folder: None })
    }

    /// The folder of a SQLite store.
    pub fn folder(&self) -> Option<&std::path::Path> {
        self.folder.as_ref().map(TempDir::path)
    }
}

/// The statements that the writer has run since the last call; the first call begins to keep them.
pub fn statements(store: &Store) -> Vec<String> {
    store.counters.watch()
}

/// Tries to write through a reader's connection: it must be refused by the database itself.
///
/// # Errors
/// The refusal.
pub async fn write_through_reader(reader: &Reader) -> Result<()> {
    let sql = "INSERT INTO meta (key, value) VALUES ('reader', 'x')";
    reader.database.execute_unprepared(sql).await.map(drop).map_err(Into::into)
}

/// Whether it is PostgreSQL, for tests that write SQL of their own.
pub fn is_postgres(store: &Store) -> bool {
    store.read(Scope::System).database.get_database_backend() == sea_orm::DbBackend::Postgres
}

/// Changes what no call changes: a test plays the intruder, or the newer version.
///
/// # Panics
/// When the database refuses.
pub async fn forge(store: &Store, sql: &'static str) {
    let forged = store.write(Scope::System, move |tx| Box::pin(async move { tx.session.script(sql).await }));
    forged.await.expect("a test may damage its own database");
}
