//! What must not come back to life with a restored database.

use crate::sql::Sql;
use crate::tx::{Look, Tx};
use crate::{Result, Scope, StoreError};

/// Every table whose rows expire, and what a restore does with those that are alive: `None` leaves them alone. A text
/// takes the time now wherever it says `?`. A test holds this list against the schema.
const EXPIRING: &[(&str, Option<&str>)] = &[
    ("sessions", Some("UPDATE sessions SET revoked_at = ?, revoke_reason = 'restored' WHERE revoked_at IS NULL")),
    // It may have been used after the backup, and would make a second node.
    ("enrol_tokens", Some("UPDATE enrol_tokens SET expires_at = ? WHERE used_at IS NULL AND expires_at > ?")),
    (
        "device_codes",
        Some("UPDATE device_codes SET expires_at = ? WHERE state IN ('pending', 'approved') AND expires_at > ?"),
    ),
    // One-time secrets of people: used or taken back after the backup, for all that is known.
    ("invitations", Some("UPDATE invitations SET expires_at = ? WHERE expires_at > ?")),
    ("password_resets", Some("UPDATE password_resets SET expires_at = ? WHERE expires_at > ?")),
    ("cli_logins", Some("UPDATE cli_logins SET expires_at = ? WHERE expires_at > ?")),
    ("login_tickets", Some("UPDATE login_tickets SET expires_at = ? WHERE expires_at > ?")),
    // Programs keep theirs; the guide says to look through the list for those that were revoked after the backup.
    ("api_tokens", None),
    // Of what somebody granted, the refresh tokens spent since would be good again: they go, and are granted anew.
    (
        "mcp_grants",
        Some("UPDATE api_tokens SET revoked_at = ? WHERE revoked_at IS NULL AND id IN (SELECT id FROM mcp_grants)"),
    ),
    // A name and addresses, which opens nothing.
    ("mcp_clients", None),
    // Answers to requests that were made before the backup: still true.
    ("idempotency_keys", None),
    // What expires is an app: it is deleted when its time comes, as it would have been.
    ("previews", None),
    // Orders: the raised epoch and the nodes' journals decide.
    ("commands", None),
    // Of the runs they belong to: those that a node may have carried out end when it is back.
    ("approvals", None),
];

/// How many rows were ended, by table.
pub type Ended = Vec<(&'static str, u64)>;

/// Ends sessions and open one-time tokens: whether they were used or revoked after the backup cannot be known. System
/// only.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody else; when the database fails.
pub async fn end_what_was_open(tx: &mut Tx) -> Result<Ended> {
    if tx.scope() != Scope::System {
        return Err(StoreError::OutOfScope("restored database"));
    }
    let mut ended = Vec::new();
    for (table, text) in EXPIRING.iter().filter_map(|(table, text)| Some((*table, (*text)?))) {
        let (mut sql, mut parts) = (Sql::default(), text.split('?').peekable());
        while let Some(part) = parts.next() {
            sql = match parts.peek() {
                Some(_) => sql.with(&format!("{part}?"), tx.now.as_millis()),
                None => sql.push(part),
            };
        }
        ended.push((table, sql.run(tx).await?));
    }
    Ok(ended)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dump::Snapshot;
    use crate::testing::TestStore;

    #[tokio::test]
    async fn every_table_whose_rows_expire_is_decided_about() {
        let db = TestStore::sqlite().await.unwrap();
        let snapshot = Snapshot::take(&db.options).await.unwrap();
        let expires = |table: &&crate::dump::Table| table.columns.iter().any(|column| column.ends_with("expires_at"));
        let mut found: Vec<_> = snapshot.tables().iter().filter(expires).map(|table| table.name.as_str()).collect();
        let mut decided: Vec<_> = EXPIRING.iter().map(|(table, _)| *table).collect();
        found.sort_unstable();
        decided.sort_unstable();
        assert_eq!(found, decided, "say in EXPIRING what a restore does with each");
    }
}
