//! Rows into an empty database, in one transaction: all of it or nothing.

use sea_orm::sea_query::Nullable;
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, Statement, Value};
use sf_types::{ErrorKind, Fault, Timestamp};
use uuid::Uuid;

use super::catalog::{self, Kind, Table, quoted};
use super::{Cell, LEDGER, RESTORED, Step};
use crate::dialect::Dialect;
use crate::store::connect_first;
use crate::{Result, StoreError, StoreOptions, migrate};

/// Rows of one INSERT at the most.
const MAX_ROWS: usize = 64;
/// Values of one INSERT at the most; PostgreSQL allows 65,535, SQLite 32,766.
const MAX_VALUES: usize = 8192;
/// Bytes of text of one INSERT at the most, so that memory stays bounded: 1 MiB.
const MAX_BYTES: usize = 1 << 20;

/// A restore on its way. Dropped before [`Loading::finish`], it leaves the database as it was.
#[derive(Debug)]
pub struct Loading {
    tx: DatabaseTransaction,
    pool: DatabaseConnection,
    tables: Vec<Table>,
    open: Option<Open>,
}

/// The table that rows are put into, and rows that wait.
#[derive(Debug)]
struct Open {
    insert: String,
    name: String,
    columns: Vec<String>,
    kinds: Vec<Kind>,
    values: Vec<Value>,
    bytes: usize,
}

impl Loading {
    /// Begins to fill a database with what has the schema of `steps`. Where rows are in it already, their tables are
    /// moved into the schema `aside` (PostgreSQL), or it is refused.
    ///
    /// # Errors
    /// [`StoreError::Schema`] for a backup of a newer version; `restore.not_empty`, `restore.in_use`.
    pub async fn begin(options: &StoreOptions, steps: &[Step], aside: Option<&str>, now: Timestamp) -> Result<Self> {
        for step in steps {
            migrate::check(step.version, &step.checksum)?;
        }
        let version = steps.last().map_or(0, |step| step.version);
        let pool = connect_first(options).await?;
        let tx = migrate::begin(&pool).await?;
        clear(&tx, aside).await?;
        migrate::apply(&tx, now, version).await?;
        // Rows that the steps themselves made come from the backup, as all others do.
        let tables = catalog::tables(&tx).await?;
        for table in tables.iter().rev() {
            tx.execute_unprepared(&format!("DELETE FROM {}", quoted(&table.name))).await?;
        }
        Ok(Self { tx, pool, tables, open: None })
    }

    /// The rows that follow are of this table.
    ///
    /// # Errors
    /// [`StoreError::Schema`] when there is no such table or column.
    pub async fn table(&mut self, name: &str, columns: &[String]) -> Result<()> {
        self.flush().await?;
        let unknown = |what: &str| StoreError::Schema(format!("there is no {what} in it"));
        let table = self.tables.iter().find(|table| table.name == name).ok_or_else(|| unknown(name))?;
        let mut kinds = Vec::with_capacity(columns.len());
        for column in columns {
            let at = table.columns.iter().position(|known| known == column);
            kinds.push(table.kinds[at.ok_or_else(|| unknown(&format!("{name}.{column}")))?]);
        }
        let insert = format!("INSERT INTO {} ({}) VALUES ", quoted(name), Table::list(columns));
        let (name, columns) = (name.to_owned(), columns.to_vec());
        self.open = Some(Open { insert, name, columns, kinds, values: Vec::new(), bytes: 0 });
        Ok(())
    }

    /// Puts in one row.
    ///
    /// # Errors
    /// [`StoreError::Malformed`] when a value does not fit its column; the database's.
    pub async fn row(&mut self, cells: Vec<Cell>) -> Result<()> {
        let Some(open) = &mut self.open else {
            return Err(StoreError::malformed("backup", "a row comes before its table"));
        };
        if cells.len() != open.kinds.len() {
            return Err(StoreError::malformed(&open.name, format!("{} values in a row", cells.len())));
        }
        for ((cell, kind), column) in cells.into_iter().zip(&open.kinds).zip(&open.columns) {
            open.bytes += match &cell {
                Cell::Text(text) => text.len(),
                Cell::Bytes(bytes) => bytes.len(),
                Cell::Null | Cell::Int(_) => 0,
            };
            let value = value(cell, *kind);
            open.values.push(value.map_err(|why| StoreError::malformed(&format!("{}.{column}", open.name), why))?);
        }
        let width = open.kinds.len().max(1);
        if open.values.len() >= (MAX_VALUES / width).clamp(1, MAX_ROWS) * width || open.bytes >= MAX_BYTES {
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        let Some(open) = &mut self.open else { return Ok(()) };
        if open.values.is_empty() {
            return Ok(());
        }
        let mut text = open.insert.clone();
        for at in 0..open.values.len() {
            text.push_str(if at > 0 && at % open.kinds.len() == 0 {
                "), ("
            } else if at > 0 {
                ", "
            } else {
                "("
            });
            text.push_str(&format!("${}", at + 1));
        }
        text.push(')');
        let values = std::mem::take(&mut open.values);
        open.bytes = 0;
        let statement = Statement::from_sql_and_values(self.tx.get_database_backend(), text, values);
        self.tx.execute_raw(statement).await?;
        Ok(())
    }

    /// Brings the schema up to date, marks the database as restored (see [`RESTORED`]) and commits.
    ///
    /// # Errors
    /// The database's; nothing is stored then.
    pub async fn finish(mut self, backup_made: Timestamp, now: Timestamp) -> Result<()> {
        self.flush().await?;
        migrate::apply(&self.tx, now, i64::MAX).await?;
        let mark =
            "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        let values = [RESTORED.into(), backup_made.as_millis().to_string().into()];
        self.tx.execute_raw(Statement::from_sql_and_values(self.tx.get_database_backend(), mark, values)).await?;
        self.tx.commit().await?;
        self.pool.close().await?;
        Ok(())
    }
}

/// Makes place: empty tables go, full ones move aside where that was asked for.
async fn clear(tx: &DatabaseTransaction, aside: Option<&str>) -> Result<()> {
    let dialect = Dialect::of(tx.get_database_backend());
    let count = async |text: String| -> Result<i64> {
        let row = tx.query_one_raw(Statement::from_string(dialect.backend(), text)).await?;
        Ok(row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(0))
    };
    if let Some(neighbours) = dialect.neighbours()
        && count(neighbours.to_owned()).await? > 0
    {
        let message = "A control plane is connected to this database.";
        let fault = Fault::new(ErrorKind::Conflict, "restore.in_use", message);
        return Err(fault.fix("Stop it, then restore.").into());
    }
    let tables = catalog::tables(tx).await?;
    let mut full = false;
    for table in tables.iter().filter(|table| table.name != LEDGER) {
        full =
            full || count(format!("SELECT count(*) FROM (SELECT 1 FROM {} LIMIT 1) x", quoted(&table.name))).await? > 0;
    }
    if full && let (Some(aside), true) = (aside, dialect.has_schemas()) {
        tx.execute_unprepared(&format!("CREATE SCHEMA {}", quoted(aside))).await?;
        for table in &tables {
            tx.execute_unprepared(&format!("ALTER TABLE {} SET SCHEMA {}", quoted(&table.name), quoted(aside))).await?;
        }
        return Ok(());
    }
    if full {
        let fault =
            Fault::new(ErrorKind::Conflict, "restore.not_empty", "There is something in this database already.");
        return Err(fault.fix("Name an empty one, or move the old one aside with --force.").into());
    }
    for table in tables.iter().rev() {
        tx.execute_unprepared(&format!("DROP TABLE {}", quoted(&table.name))).await?;
    }
    Ok(())
}

fn value(cell: Cell, kind: Kind) -> std::result::Result<Value, String> {
    Ok(match (kind, cell) {
        (Kind::Id, Cell::Null) => Uuid::null(),
        (Kind::Text, Cell::Null) => String::null(),
        (Kind::Int, Cell::Null) => i64::null(),
        (Kind::Bool, Cell::Null) => bool::null(),
        (Kind::Json, Cell::Null) => serde_json::Value::null(),
        (Kind::Bytes, Cell::Null) => Vec::<u8>::null(),
        (Kind::Id, Cell::Bytes(bytes)) => Uuid::from_slice(&bytes).map_err(|error| error.to_string())?.into(),
        (Kind::Text, Cell::Text(text)) => text.into(),
        (Kind::Int, Cell::Int(number)) => number.into(),
        (Kind::Bool, Cell::Int(number @ (0 | 1))) => (number == 1).into(),
        (Kind::Json, Cell::Text(text)) => {
            serde_json::from_str::<serde_json::Value>(&text).map_err(|error| error.to_string())?.into()
        }
        (Kind::Bytes, Cell::Bytes(bytes)) => bytes.into(),
        (kind, _) => return Err(format!("a value that is no {kind:?}")),
    })
}
