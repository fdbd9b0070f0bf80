//! The end of a batch: what its writes said is numbered, chained and stored in the same transaction.

use sf_types::InstanceId;

use super::tail::Ends;
use crate::audit::{self, Head};
use crate::events::{self, StoredEvent};
use crate::row::Column;
use crate::sql::{Sql, settle};
use crate::tx::{Said, Tx};
use crate::{Result, StoreError};

/// Stores events and audit lines; answers the events with their numbers, and where numbers go on, if that is known then. `known`
/// is where they go on if nobody else has given any.
///
/// # Errors
/// [`StoreError::Contended`] when somebody else has.
pub(crate) async fn flush(
    tx: &Tx,
    instance: InstanceId,
    said: Said,
    known: Option<Ends>,
) -> Result<(Vec<StoredEvent>, Option<Ends>)> {
    if said.audit.is_empty() && said.events.is_empty() {
        return Ok((Vec::new(), known));
    }
    // What cannot be recorded does not happen: nothing of this batch is stored.
    fail::fail_point!("store::audit::write", |_| Err(StoreError::DiskFull));
    let ends = match known {
        Some(ends) => ends,
        None => read(tx, instance).await?,
    };
    let audit = audit::store(tx, instance, ends.audit, said.audit);
    let head = match tx.dialect().lock_numbers().filter(|_| known.is_none() && !said.events.is_empty()) {
        // Last, so that other control planes wait for nothing but the COMMIT.
        Some(lock) => {
            settle(tx).await.map_err(given)?;
            Sql::new(lock).raw(tx).await?;
            events::head(tx).await?
        }
        None => ends.events,
    };
    let events = events::store(tx, head, said.events);
    settle(tx).await.map_err(given)?;
    let events_end = events.last().map_or(head, |event| event.seq);
    Ok((events, Some(Ends { audit, events: events_end })))
}

/// The keys of all that is stored here are numbers: one that is taken was given by somebody else.
fn given(error: StoreError) -> StoreError {
    if matches!(error, StoreError::Taken(_)) { StoreError::Contended } else { error }
}

/// Where numbers go on.
async fn read(tx: &Tx, instance: InstanceId) -> Result<Ends> {
    let sql = Sql::new("SELECT (SELECT max(seq) FROM events), h.seq, h.hash FROM (SELECT 1) AS one ")
        .with("LEFT JOIN audit_heads h ON h.instance_id = ?", instance.uuid());
    let Some(row) = sql.raw(tx).await? else { return Ok(Ends::default()) };
    let events: Option<u64> = Column::read(&row, 0)?;
    let seq: Option<u64> = Column::read(&row, 1)?;
    let audit = match seq {
        Some(seq) => Head { seq, hash: Column::read(&row, 2)? },
        None => Head::default(),
    };
    Ok(Ends { audit, events: events.unwrap_or(0) })
}
