//! Small facts about the installation itself, sealed keys among them: the system's alone.

use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use sf_types::{InstanceId, Scope};

use crate::dialect::Dialect;
use crate::sql::Sql;
use crate::tx::{Look, Tx};
use crate::{Result, StoreError};

/// The value kept under `key`.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn get(at: &impl Look, key: &str) -> Result<Option<String>> {
    system_only(at.scope())?;
    Sql::new("SELECT value FROM meta").with(" WHERE key = ?", key).scalar(at).await
}

/// Keeps `value` under `key`.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn set(tx: &mut Tx, key: &str, value: &str) -> Result<()> {
    system_only(tx.scope())?;
    Sql::new("INSERT INTO meta (key, value) VALUES (")
        .with("?", key)
        .with(", ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", value)
        .run(tx)
        .await
        .map(drop)
}

/// Forgets `key`; answers whether it was there.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn remove(tx: &mut Tx, key: &str) -> Result<bool> {
    system_only(tx.scope())?;
    Ok(Sql::new("DELETE FROM meta").with(" WHERE key = ?", key).run(tx).await? > 0)
}

/// The instance written in the database, made at the first start.
pub(crate) async fn instance(database: &DatabaseConnection, make: impl FnOnce() -> InstanceId) -> Result<InstanceId> {
    let backend = Dialect::of(database.get_database_backend()).backend();
    let insert = "INSERT INTO meta (key, value) VALUES ('instance', $1) ON CONFLICT (key) DO NOTHING";
    let values = [make().to_string().into()];
    database.execute_raw(Statement::from_sql_and_values(backend, insert, values)).await?;
    let select = Statement::from_string(backend, "SELECT value FROM meta WHERE key = 'instance'");
    let row = database.query_one_raw(select).await?.ok_or(StoreError::NotFound("instance"))?;
    let text: String = row.try_get_by_index(0)?;
    text.parse().map_err(|error| StoreError::malformed("instance", error))
}

/// A small write that shows whether the connection can be trusted again.
pub(crate) async fn probe(tx: &mut Tx) -> Result<()> {
    tx.set_scope(Scope::System);
    let now = tx.now().as_millis().to_string();
    set(tx, "probe", &now).await
}

fn system_only(scope: Scope) -> Result<()> {
    if scope == Scope::System { Ok(()) } else { Err(StoreError::OutOfScope("fact of the installation")) }
}
