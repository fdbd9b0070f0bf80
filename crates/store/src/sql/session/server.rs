//! A connection to PostgreSQL that is nobody else's.

use sea_orm::{DbErr, QueryResult, RuntimeErr, Value};
use sqlx::postgres::{PgArguments, PgConnectOptions, PgRow};
use sqlx::{Arguments, AssertSqlSafe, Connection, PgConnection};
use tokio::sync::Mutex;

use super::Cells;
use crate::sql::Sql;
use crate::{Result, StoreError};

/// The connection. One transaction at a time is open on it.
#[derive(Debug)]
pub(crate) struct Line(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    connection: PgConnection,
    /// A transaction was begun and neither ended.
    open: bool,
}

impl Line {
    pub(crate) async fn connect(options: &PgConnectOptions) -> Result<Self> {
        let connection = PgConnection::connect_with(options).await.map_err(failed)?;
        Ok(Self(Mutex::new(Inner { connection, open: false })))
    }

    /// Begins a transaction, in the place of one that was left open.
    pub(super) async fn begin(&self) -> Result<()> {
        let mut inner = self.0.lock().await;
        if inner.open {
            inner.plain("ROLLBACK").await?;
        }
        inner.plain("BEGIN").await?;
        inner.open = true;
        Ok(())
    }

    /// Ends the transaction by `verb`. Where that fails it stays open, and nobody can know what the server has of it.
    pub(super) async fn end(&self, verb: &'static str) -> Result<()> {
        let mut inner = self.0.lock().await;
        inner.plain(verb).await?;
        inner.open = false;
        Ok(())
    }

    pub(super) async fn script(&self, text: &str) -> Result<()> {
        self.0.lock().await.plain(text).await
    }

    pub(super) async fn change(&self, sql: &Sql) -> Result<u64> {
        let query = sqlx::query_with(AssertSqlSafe(sql.text.as_str()), arguments(&sql.values)?);
        let done = query.execute(&mut self.0.lock().await.connection).await.map_err(failed)?;
        Ok(done.rows_affected())
    }

    pub(super) async fn first(&self, sql: &Sql) -> Result<Option<Cells>> {
        let query = sqlx::query_with(AssertSqlSafe(sql.text.as_str()), arguments(&sql.values)?);
        Ok(query.fetch_optional(&mut self.0.lock().await.connection).await.map_err(failed)?.map(cells))
    }

    pub(super) async fn all(&self, sql: &Sql) -> Result<Vec<Cells>> {
        let query = sqlx::query_with(AssertSqlSafe(sql.text.as_str()), arguments(&sql.values)?);
        let rows = query.fetch_all(&mut self.0.lock().await.connection).await.map_err(failed)?;
        Ok(rows.into_iter().map(cells).collect())
    }

    /// Says goodbye; a server that does not listen any more sees it soon enough.
    pub(super) async fn close(self) {
        drop(self.0.into_inner().connection.close().await);
    }
}

impl Inner {
    async fn plain(&mut self, text: &str) -> Result<()> {
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut self.connection).await.map(drop).map_err(failed)
    }
}

fn cells(row: PgRow) -> Cells {
    Cells::Server(QueryResult::from(row))
}

fn failed(error: sqlx::Error) -> StoreError {
    DbErr::Exec(RuntimeErr::SqlxError(error.into())).into()
}

/// The kinds of [`super::cell`], as PostgreSQL takes them.
fn arguments(values: &[Value]) -> Result<PgArguments> {
    let mut arguments = PgArguments::default();
    for value in values {
        let added = match value {
            Value::Bool(yes) => arguments.add(yes),
            Value::BigInt(number) => arguments.add(number),
            Value::Int(number) => arguments.add(number),
            Value::String(text) => arguments.add(text.as_deref()),
            Value::Bytes(bytes) => arguments.add(bytes.as_deref()),
            Value::Uuid(id) => arguments.add(id),
            Value::Json(json) => arguments.add(json.as_deref()),
            other => {
                return Err(StoreError::malformed("a bound value", format!("{other:?} has no place in PostgreSQL")));
            }
        };
        added.map_err(|error| StoreError::malformed("a bound value", error))?;
    }
    Ok(arguments)
}
