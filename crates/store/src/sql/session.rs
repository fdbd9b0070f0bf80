//! The writer's connection. SQLite is called in the writer's own thread: a statement costs no way to another one and
//! back, which is more than most statements take. PostgreSQL is spoken to on a connection of the writer's own: a pool asks
//! whether it is good before it lends it and after it has it back, which is two ways there and back for each batch.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::types::ToSqlOutput;
use rusqlite::{CachedStatement, Connection};
use sea_orm::{QueryResult, Value};

use crate::dialect::Dialect;
use crate::sql::Sql;
use crate::{Result, StoreError};

pub(crate) mod server;

/// A connection between two transactions.
#[derive(Clone, Debug)]
pub(crate) enum Writable {
    /// SQLite.
    File(Arc<Mutex<Connection>>),
    /// PostgreSQL.
    Server(Arc<server::Line>),
}

/// The same within one transaction, which is taken back unless it is committed.
#[derive(Debug)]
pub(crate) enum Session {
    /// SQLite.
    File(Arc<Mutex<Connection>>),
    /// PostgreSQL.
    Server(Arc<server::Line>),
}

/// One row of an answer.
#[derive(Debug)]
pub(crate) enum Cells {
    /// Read here.
    File(Vec<rusqlite::types::Value>),
    /// Read by SeaORM: PostgreSQL, and SQLite's readers.
    Server(QueryResult),
}

impl Writable {
    pub(crate) fn file(connection: Connection) -> Self {
        Self::File(Arc::new(Mutex::new(connection)))
    }

    /// Begins a transaction that holds the lock for writing.
    pub(crate) async fn begin(&self) -> Result<Session> {
        Ok(match self {
            Self::File(file) => {
                let connection = lock(file);
                if !connection.is_autocommit() {
                    connection.execute_batch("ROLLBACK")?;
                }
                connection.execute_batch("BEGIN IMMEDIATE")?;
                Session::File(file.clone())
            }
            Self::Server(line) => {
                line.begin().await?;
                Session::Server(line.clone())
            }
        })
    }

    /// Rows changed since the connection was made; none where the database looks after its log itself.
    pub(crate) fn changes(&self) -> u64 {
        match self {
            Self::File(file) => lock(file).total_changes(),
            Self::Server(_) => 0,
        }
    }

    pub(crate) async fn close(self) {
        if let Self::Server(line) = self
            && let Some(line) = Arc::into_inner(line)
        {
            line.close().await;
        }
    }
}

impl Session {
    pub(crate) const fn dialect(&self) -> Dialect {
        match self {
            Self::File(_) => Dialect::Sqlite,
            Self::Server(_) => Dialect::Postgres,
        }
    }

    /// Runs a change; answers how many rows it met.
    pub(crate) async fn change(&self, sql: Sql) -> Result<u64> {
        match self {
            Self::File(file) => {
                let connection = lock(file);
                let mut statement = connection.prepare_cached(&sql.text)?;
                bind(&mut statement, &sql.values)?;
                let mut rows = statement.raw_query();
                while rows.next()?.is_some() {}
                Ok(connection.changes())
            }
            Self::Server(line) => line.change(&sql).await,
        }
    }

    /// The first row.
    pub(crate) async fn first(&self, sql: Sql) -> Result<Option<Cells>> {
        match self {
            Self::File(file) => Ok(read(&lock(file), &sql, 1)?.pop()),
            Self::Server(line) => line.first(&sql).await,
        }
    }

    /// All rows.
    pub(crate) async fn all(&self, sql: Sql) -> Result<Vec<Cells>> {
        match self {
            Self::File(file) => read(&lock(file), &sql, usize::MAX),
            Self::Server(line) => line.all(&sql).await,
        }
    }

    /// Runs statements without values.
    pub(crate) async fn script(&self, text: &str) -> Result<()> {
        match self {
            Self::File(file) => Ok(lock(file).execute_batch(text)?),
            Self::Server(line) => line.script(text).await,
        }
    }

    pub(crate) async fn commit(self) -> Result<()> {
        match self {
            Self::File(file) => Ok(lock(&file).execute_batch("COMMIT")?),
            Self::Server(line) => line.end("COMMIT").await,
        }
    }

    pub(crate) async fn rollback(self) -> Result<()> {
        match self {
            Self::File(file) => Ok(lock(&file).execute_batch("ROLLBACK")?),
            Self::Server(line) => line.end("ROLLBACK").await,
        }
    }
}

/// Nobody else holds it: it is locked because futures that hold a transaction move between threads.
fn lock(file: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    file.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read(connection: &Connection, sql: &Sql, most: usize) -> Result<Vec<Cells>> {
    let mut statement = connection.prepare_cached(&sql.text)?;
    bind(&mut statement, &sql.values)?;
    let width = statement.column_count();
    let mut rows = statement.raw_query();
    let mut all = Vec::new();
    while all.len() < most
        && let Some(row) = rows.next()?
    {
        all.push(Cells::File((0..width).map(|at| row.get(at)).collect::<rusqlite::Result<_>>()?));
    }
    Ok(all)
}

/// Places are numbered by SQLite in the order in which they first stand, which is how [`Sql`] numbers values. To ask
/// for each one's name would cost more than all the rest.
fn bind(statement: &mut CachedStatement<'_>, values: &[Value]) -> Result<()> {
    if statement.parameter_count() != values.len() {
        return Err(StoreError::malformed("a statement", "it has another number of places than of values"));
    }
    for (at, value) in values.iter().enumerate() {
        let place = at + 1;
        debug_assert_eq!(statement.parameter_name(place), Some(format!("${place}").as_str()), "in order");
        statement.raw_bind_parameter(place, cell(value)?)?;
    }
    Ok(())
}

/// A value as SQLite holds it: ids as their sixteen bytes, JSON as text.
fn cell(value: &Value) -> Result<ToSqlOutput<'_>> {
    use rusqlite::types::{Value as Owned, ValueRef};
    Ok(match value {
        Value::Bool(Some(yes)) => ToSqlOutput::Owned(Owned::Integer(i64::from(*yes))),
        Value::BigInt(Some(number)) => ToSqlOutput::Owned(Owned::Integer(*number)),
        Value::Int(Some(number)) => ToSqlOutput::Owned(Owned::Integer(i64::from(*number))),
        Value::String(Some(text)) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        Value::Bytes(Some(bytes)) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        Value::Uuid(Some(id)) => ToSqlOutput::Borrowed(ValueRef::Blob(id.as_bytes())),
        Value::Json(Some(json)) => ToSqlOutput::Owned(Owned::Text(json.to_string())),
        Value::Bool(None)
        | Value::BigInt(None)
        | Value::Int(None)
        | Value::String(None)
        | Value::Bytes(None)
        | Value::Uuid(None)
        | Value::Json(None) => ToSqlOutput::Borrowed(ValueRef::Null),
        other => return Err(StoreError::malformed("a bound value", format!("{other:?} has no place in SQLite"))),
    })
}
