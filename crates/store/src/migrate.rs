//! The schema, in numbered steps. A step that was applied is never changed: its checksum is kept with it.

use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, Statement, TransactionTrait};
use sf_types::Timestamp;
use sha2::{Digest, Sha256};

use crate::dialect::Dialect;
use crate::{Result, StoreError};

/// Number, name, text.
type Step = (i64, &'static str, &'static str);

/// All steps, oldest first. The texts hold words for the types ([`Dialect::types`]), so one text serves both.
const STEPS: &[Step] = &[
    (1, "first schema", include_str!("migrate/m0001.sql")),
    (2, "held runs, commands without a run", include_str!("migrate/m0002.sql")),
    (3, "roles, rights at objects", include_str!("migrate/m0003.sql")),
    (4, "invitations, new passwords", include_str!("migrate/m0004.sql")),
    (5, "second factors, shared lockout, sign-in by code", include_str!("migrate/m0005.sql")),
    (6, "secrets", include_str!("migrate/m0006.sql")),
    (7, "witnesses of the audit chain", include_str!("migrate/m0007.sql")),
    (8, "passwords that somebody else has seen", include_str!("migrate/m0008.sql")),
    (9, "suspended teams", include_str!("migrate/m0009.sql")),
    (10, "workflows", include_str!("migrate/m0010.sql")),
    (11, "order of what comes in", include_str!("migrate/m0011.sql")),
    (12, "people in the loop", include_str!("migrate/m0012.sql")),
    (13, "notifications", include_str!("migrate/m0013.sql")),
    (14, "tokens of AI agents", include_str!("migrate/m0014.sql")),
    (15, "alerts", include_str!("migrate/m0015.sql")),
    (16, "domains", include_str!("migrate/m0016.sql")),
    (17, "deploys by push", include_str!("migrate/m0017.sql")),
    (18, "schedules", include_str!("migrate/m0018.sql")),
    (19, "history of metrics, search in logs", include_str!("migrate/m0019.sql")),
    (20, "previews", include_str!("migrate/m0020.sql")),
    (21, "panel", include_str!("migrate/m0021.sql")),
    (23, "monitoring", include_str!("migrate/m0023.sql")),
    (24, "schedules of servers", include_str!("migrate/m0024.sql")),
    (26, "grants of AI hosts", include_str!("migrate/m0026.sql")),
    (27, "calls of tools by AI hosts", include_str!("migrate/m0027.sql")),
    (28, "invitations with single permissions", include_str!("migrate/m0028.sql")),
    (29, "calls of AI hosts that stand for many", include_str!("migrate/m0029.sql")),
];

const LEDGER: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (version {int} PRIMARY KEY, name {text} NOT NULL, \
                      checksum {text} NOT NULL, applied_at {int} NOT NULL){strict}";

/// Brings the schema to this program's version under a lock.
///
/// # Errors
/// [`StoreError::Schema`] when the database is newer than this program or an applied step was another text.
pub(crate) async fn migrate(database: &DatabaseConnection, now: Timestamp) -> Result<()> {
    let tx = begin(database).await?;
    apply(&tx, now, i64::MAX).await?;
    tx.commit().await?;
    Ok(())
}

/// A transaction that holds the schema's lock.
pub(crate) async fn begin(database: &DatabaseConnection) -> Result<DatabaseTransaction> {
    let options = sea_orm::TransactionOptions {
        sqlite_transaction_mode: Some(sea_orm::SqliteTransactionMode::Immediate),
        ..Default::default()
    };
    let tx = database.begin_with_options(options).await?;
    if let Some(lock) = Dialect::of(tx.get_database_backend()).lock_schema() {
        tx.execute_unprepared(lock).await?;
    }
    Ok(tx)
}

/// Applies what is missing of the steps up to `version`.
///
/// # Errors
/// As [`migrate`].
pub(crate) async fn apply(tx: &DatabaseTransaction, now: Timestamp, version: i64) -> Result<()> {
    let dialect = Dialect::of(tx.get_database_backend());
    tx.execute_unprepared(&dialect.types(LEDGER)).await?;
    let applied = applied(tx).await?;
    for (known, _, checksum) in &applied {
        check(*known, checksum)?;
    }
    let is_missing = |step: &&Step| !applied.iter().any(|(known, ..)| *known == step.0);
    for step in STEPS.iter().filter(is_missing).take_while(|step| step.0 <= version) {
        take(tx, now, step).await?;
    }
    Ok(())
}

async fn take(tx: &DatabaseTransaction, now: Timestamp, (version, name, text): &Step) -> Result<()> {
    let dialect = Dialect::of(tx.get_database_backend());
    tx.execute_unprepared(&dialect.types(text)).await?;
    let values: [sea_orm::Value; 4] =
        [(*version).into(), (*name).into(), checksum_of(text).into(), now.as_millis().into()];
    let insert = "INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)";
    tx.execute_raw(Statement::from_sql_and_values(dialect.backend(), insert, values)).await?;
    Ok(())
}

/// The steps written in the database, oldest first: number, name, checksum.
pub(crate) async fn applied(tx: &DatabaseTransaction) -> Result<Vec<(i64, String, String)>> {
    let select = "SELECT version, name, checksum FROM schema_migrations ORDER BY version";
    let rows = tx.query_all_raw(Statement::from_string(tx.get_database_backend(), select)).await?;
    let read = |row: &sea_orm::QueryResult| -> Result<_> {
        Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?))
    };
    rows.iter().map(read).collect()
}

/// Whether this program knows an applied step, and with the same text.
///
/// # Errors
/// [`StoreError::Schema`].
pub(crate) fn check(version: i64, checksum: &str) -> Result<()> {
    match STEPS.iter().find(|step| step.0 == version) {
        None => Err(StoreError::Schema(format!("it has step {version}, which this program does not know"))),
        Some(step) if checksum_of(step.2) != checksum => {
            Err(StoreError::Schema(format!("step {version} was applied with another text")))
        }
        Some(_) => Ok(()),
    }
}

fn checksum_of(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applied_steps_never_change() {
        let sums: Vec<_> = STEPS.iter().map(|step| checksum_of(step.2)).collect();
        let expected: Vec<&str> = include_str!("migrate/checksums.txt").lines().collect();
        assert_eq!(sums, expected, "a released step is frozen: add a new one instead");
    }

    #[tokio::test]
    async fn a_step_that_came_later_than_its_successor_is_taken_too() {
        let (database, now) = (sea_orm::Database::connect("sqlite::memory:").await.unwrap(), Timestamp::from_millis(1));
        // What the last one builds on is there, and the one before it is not.
        let (early, last) = (STEPS[STEPS.len() - 3].0, STEPS.last().unwrap());
        let tx = begin(&database).await.unwrap();
        apply(&tx, now, early).await.unwrap();
        take(&tx, now, last).await.unwrap();
        apply(&tx, now, i64::MAX).await.unwrap();
        let found: Vec<_> = applied(&tx).await.unwrap().into_iter().map(|(version, ..)| version).collect();
        assert_eq!(found, STEPS.iter().map(|step| step.0).collect::<Vec<_>>());
    }
}
