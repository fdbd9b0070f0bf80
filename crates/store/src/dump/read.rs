//! One moment of a database, while others go on writing.

use futures_util::TryStreamExt;
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, QueryResult, Statement, StreamTrait};
use sea_orm::{TransactionTrait, TryGetable};
use uuid::Uuid;

use super::catalog::{self, Kind, Table, quoted};
use super::{Cell, LEDGER, Step};
use crate::dialect::Dialect;
use crate::store::connect_snapshot;
use crate::{Result, StoreError, StoreOptions, migrate};

/// A read transaction. SQLite keeps its log until it ends, PostgreSQL the rows that were replaced meanwhile.
#[derive(Debug)]
pub struct Snapshot {
    tx: DatabaseTransaction,
    pool: DatabaseConnection,
    tables: Vec<Table>,
    steps: Vec<Step>,
    instance: String,
}

impl Snapshot {
    /// Begins to look; nothing of the database is changed or made.
    ///
    /// # Errors
    /// There is no such database, or it is of a newer version.
    pub async fn take(options: &StoreOptions) -> Result<Self> {
        let pool = connect_snapshot(options).await?;
        let dialect = Dialect::of(pool.get_database_backend());
        let (isolation, access) = dialect.snapshot();
        let tx = pool.begin_with_config(isolation, access).await?;
        let tables = catalog::tables(&tx).await?;
        if !tables.iter().any(|table| table.name == LEDGER) {
            return Err(StoreError::Schema("it is empty: no control plane has used it".to_owned()));
        }
        let steps = migrate::applied(&tx).await?;
        let steps: Vec<_> =
            steps.into_iter().map(|(version, name, checksum)| Step { version, name, checksum }).collect();
        for step in &steps {
            migrate::check(step.version, &step.checksum)?;
        }
        let select = Statement::from_string(dialect.backend(), "SELECT value FROM meta WHERE key = 'instance'");
        let row = tx.query_one_raw(select).await?.ok_or(StoreError::NotFound("instance"))?;
        let instance = row.try_get_by_index(0)?;
        Ok(Self { tx, pool, tables, steps, instance })
    }

    /// All tables, each after those it refers to.
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// The schema's steps.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Which control plane's.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// Which database: `sqlite` or `postgres`.
    pub fn database(&self) -> &'static str {
        match Dialect::of(self.pool.get_database_backend()) {
            Dialect::Sqlite => "sqlite",
            Dialect::Postgres => "postgres",
        }
    }

    /// Gives every row of a table to `each`, in the order of the primary key, one at a time.
    ///
    /// # Errors
    /// The database's, or what `each` answers.
    pub async fn rows<E: From<StoreError>>(
        &self,
        table: &Table,
        mut each: impl FnMut(Vec<Cell>) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let mut text = format!("SELECT {} FROM {}", Table::list(&table.columns), quoted(&table.name));
        if !table.key.is_empty() {
            text.push_str(" ORDER BY ");
            text.push_str(&Table::list(&table.key));
        }
        let statement = Statement::from_string(self.pool.get_database_backend(), text);
        let failed = |error: sea_orm::DbErr| E::from(StoreError::from(error));
        let mut rows = self.tx.stream_raw(statement).await.map_err(failed)?;
        while let Some(row) = rows.try_next().await.map_err(failed)? {
            let cells = table.kinds.iter().enumerate().map(|(at, kind)| cell(&row, at, *kind));
            each(cells.collect::<Result<Vec<_>>>().map_err(E::from)?)?;
        }
        Ok(())
    }

    /// Ends the look.
    ///
    /// # Errors
    /// The database's.
    pub async fn end(self) -> Result<()> {
        self.tx.rollback().await?;
        self.pool.close().await?;
        Ok(())
    }
}

fn cell(row: &QueryResult, at: usize, kind: Kind) -> Result<Cell> {
    fn get<T: TryGetable>(row: &QueryResult, at: usize, cell: impl FnOnce(T) -> Cell) -> Result<Cell> {
        Ok(row.try_get_by_index::<Option<T>>(at)?.map_or(Cell::Null, cell))
    }
    match kind {
        Kind::Id => get(row, at, |id: Uuid| Cell::Bytes(id.as_bytes().to_vec())),
        Kind::Text => get(row, at, Cell::Text),
        Kind::Int => get(row, at, Cell::Int),
        Kind::Bool => get(row, at, |truth: bool| Cell::Int(i64::from(truth))),
        Kind::Json => get(row, at, |json: serde_json::Value| Cell::Text(json.to_string())),
        Kind::Bytes => get(row, at, Cell::Bytes),
    }
}
