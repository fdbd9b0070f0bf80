//! The end of a batch: what its writes said is numbered, chained and stored in the same transaction.

use sf_types::InstanceId;

use crate::Result;
use crate::audit;
use crate::events::{self, StoredEvent};
use crate::sql::Sql;
use crate::tx::{Look, Said, Tx};

/// Stores events and audit lines; answers the events with their numbers.
pub(crate) async fn flush(tx: &Tx, instance: InstanceId, said: Said) -> Result<Vec<StoredEvent>> {
    audit::store(tx, instance, said.audit).await?;
    if said.events.is_empty() {
        return Ok(Vec::new());
    }
    // Last, so that other control planes wait for nothing but the COMMIT.
    if let Some(lock) = tx.conn().dialect().lock_numbers() {
        Sql::new(lock).raw(tx).await?;
    }
    events::store(tx, said.events).await
}
