//! The end of a batch: what its writes said is numbered, chained and stored in the same transaction.

use sf_types::InstanceId;

use crate::Result;
use crate::audit::{self, Head};
use crate::events::{self, StoredEvent};
use crate::row::Column;
use crate::sql::{Sql, settle};
use crate::tx::{Said, Tx};

/// Stores events and audit lines; answers the events with their numbers.
pub(crate) async fn flush(tx: &Tx, instance: InstanceId, said: Said) -> Result<Vec<StoredEvent>> {
    if said.audit.is_empty() && said.events.is_empty() {
        return Ok(Vec::new());
    }
    // What cannot be recorded does not happen: nothing of this batch is stored.
    fail::fail_point!("store::audit::write", |_| Err(crate::StoreError::DiskFull));
    let heads = Heads::read(tx, instance).await?;
    audit::store(tx, instance, heads.audit, said.audit);
    let events = match tx.dialect().lock_numbers().filter(|_| !said.events.is_empty()) {
        // Last, so that other control planes wait for nothing but the COMMIT.
        Some(lock) => {
            settle(tx).await?;
            Sql::new(lock).raw(tx).await?;
            events::store(tx, events::head(tx).await?, said.events)
        }
        None => events::store(tx, heads.events, said.events),
    };
    settle(tx).await?;
    Ok(events)
}

/// Where the numbers go on.
struct Heads {
    audit: Head,
    events: u64,
}

impl Heads {
    async fn read(tx: &Tx, instance: InstanceId) -> Result<Self> {
        let sql = Sql::new("SELECT (SELECT max(seq) FROM events), h.seq, h.hash FROM (SELECT 1) AS one ")
            .with("LEFT JOIN audit_heads h ON h.instance_id = ?", instance.uuid());
        let Some(row) = sql.raw(tx).await? else { return Ok(Self { audit: Head::default(), events: 0 }) };
        let events: Option<u64> = Column::read(&row, 0)?;
        let seq: Option<u64> = Column::read(&row, 1)?;
        let audit = match seq {
            Some(seq) => Head { seq, hash: Column::read(&row, 2)? },
            None => Head::default(),
        };
        Ok(Self { audit, events: events.unwrap_or(0) })
    }
}
