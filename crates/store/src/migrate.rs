//! The schema, in numbered steps. A step that was applied is never changed: its checksum is kept with it.

use sea_orm::{ConnectionTrait, DatabaseConnection, Statement, TransactionTrait};
use sf_types::Timestamp;
use sha2::{Digest, Sha256};

use crate::dialect::Dialect;
use crate::{Result, StoreError};

/// All steps, oldest first. The texts hold words for the types ([`Dialect::types`]), so one text serves both.
const STEPS: &[(i64, &str, &str)] = &[
    (1, "first schema", include_str!("migrate/m0001.sql")),
    (2, "held runs, commands without a run", include_str!("migrate/m0002.sql")),
    (3, "roles, rights at objects", include_str!("migrate/m0003.sql")),
    (4, "invitations, new passwords", include_str!("migrate/m0004.sql")),
    (5, "second factors, shared lockout, sign-in by code", include_str!("migrate/m0005.sql")),
    (6, "secrets", include_str!("migrate/m0006.sql")),
];

const LEDGER: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (version {int} PRIMARY KEY, name {text} NOT NULL, \
                      checksum {text} NOT NULL, applied_at {int} NOT NULL){strict}";

/// Brings the schema to this program's version under a lock.
///
/// # Errors
/// [`StoreError::Schema`] when the database is newer than this program or an applied step was another text.
pub(crate) async fn migrate(database: &DatabaseConnection, now: Timestamp) -> Result<()> {
    let dialect = Dialect::of(database.get_database_backend());
    let options = sea_orm::TransactionOptions {
        sqlite_transaction_mode: Some(sea_orm::SqliteTransactionMode::Immediate),
        ..Default::default()
    };
    let tx = database.begin_with_options(options).await?;
    if let Some(lock) = dialect.lock_schema() {
        tx.execute_unprepared(lock).await?;
    }
    tx.execute_unprepared(&dialect.types(LEDGER)).await?;
    let applied = tx
        .query_all_raw(Statement::from_string(
            dialect.backend(),
            "SELECT version, checksum FROM schema_migrations ORDER BY version",
        ))
        .await?;
    for row in &applied {
        let (version, checksum): (i64, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        match STEPS.iter().find(|step| step.0 == version) {
            None => return Err(StoreError::Schema(format!("it has step {version}, which this program does not know"))),
            Some(step) if checksum_of(step.2) != checksum => {
                return Err(StoreError::Schema(format!("step {version} was applied with another text")));
            }
            Some(_) => {}
        }
    }
    for (version, name, text) in STEPS.iter().skip(applied.len()) {
        tx.execute_unprepared(&dialect.types(text)).await?;
        let values: [sea_orm::Value; 4] =
            [(*version).into(), (*name).into(), checksum_of(text).into(), now.as_millis().into()];
        let insert = "INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)";
        tx.execute_raw(Statement::from_sql_and_values(dialect.backend(), insert, values)).await?;
    }
    tx.commit().await?;
    Ok(())
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
}
