//! The event log: what happened, numbered without gaps, so that a reader who was away can catch up.

use std::sync::Arc;

use sf_types::{ProjectId, Scope, TenantId, Timestamp};

use crate::Result;
use crate::row::row;
use crate::sql::{Sql, insert_later};
use crate::tx::{Look, Tx};

/// Rows looked through for one answer at the most, when few of them match the topics asked for.
pub const MAX_SCANNED: u64 = 20_000;
/// Rows read at a time.
const CHUNK: i64 = 500;

/// Something that happened, as [`Tx::publish`] takes it.
#[derive(Clone, PartialEq, Debug)]
pub struct NewEvent {
    /// Whose; `None` only for the control plane itself.
    pub tenant: Option<TenantId>,
    /// Narrower, where it belongs to one project.
    pub project: Option<ProjectId>,
    /// Everything it concerns, the closest first: `run:<id>`, `app:<id>`. Without spaces.
    pub topics: Vec<String>,
    /// Dotted name: `run.update`.
    pub name: String,
    /// JSON.
    pub data: Arc<str>,
}

/// The same with its number and time.
#[derive(Clone, PartialEq, Debug)]
pub struct StoredEvent {
    /// Rises by one with every event of the installation.
    pub seq: u64,
    /// When it was stored.
    pub at: Timestamp,
    /// What happened.
    pub event: NewEvent,
}

/// Which events.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EventFilter {
    /// Those that concern one of these; all where empty.
    pub topics: Vec<String>,
}

row! {
    struct EventRow in "events" {
        seq: u64,
        tenant: Option<TenantId> = "tenant_id",
        project: Option<ProjectId> = "project_id",
        topics: String,
        name: String,
        data: String,
        at: Timestamp,
    }
}

impl From<EventRow> for StoredEvent {
    fn from(row: EventRow) -> Self {
        let event = NewEvent {
            tenant: row.tenant,
            project: row.project,
            topics: row.topics.split_whitespace().map(str::to_owned).collect(),
            name: row.name,
            data: row.data.into(),
        };
        Self { seq: row.seq, at: row.at, event }
    }
}

/// Numbers events after `head` and stores them. The caller holds the lock under which numbers are given.
pub(crate) fn store(tx: &Tx, head: u64, events: Vec<NewEvent>) -> Vec<StoredEvent> {
    let stored: Vec<_> =
        (head + 1..).zip(events).map(|(seq, event)| StoredEvent { seq, at: tx.now(), event }).collect();
    let rows: Vec<_> = stored
        .iter()
        .map(|StoredEvent { seq, at, event }| EventRow {
            seq: *seq,
            tenant: event.tenant,
            project: event.project,
            topics: event.topics.join(" "),
            name: event.name.clone(),
            data: event.data.to_string(),
            at: *at,
        })
        .collect();
    insert_later(tx, &rows);
    stored
}

/// The number of the newest event; 0 before the first.
///
/// # Errors
/// When the database fails.
pub async fn head(at: &impl Look) -> Result<u64> {
    Ok(Sql::new("SELECT max(seq) FROM events").scalar::<Option<u64>>(at).await?.flatten().unwrap_or(0))
}

/// The oldest number that is still there; 0 when there is none.
///
/// # Errors
/// When the database fails.
pub async fn oldest(at: &impl Look) -> Result<u64> {
    Ok(Sql::new("SELECT min(seq) FROM events").scalar::<Option<u64>>(at).await?.flatten().unwrap_or(0))
}

/// Events after number `after` inside the scope, ascending, at most `limit`. The second part is the number up to
/// which everything was looked at: continue there.
///
/// # Errors
/// When the database fails.
pub async fn after(at: &impl Look, after: u64, filter: &EventFilter, limit: usize) -> Result<(Vec<StoredEvent>, u64)> {
    let mut found = Vec::new();
    let mut seen = after;
    let mut scanned = 0;
    while found.len() < limit && scanned < MAX_SCANNED {
        let chunk: Vec<EventRow> = Sql::select::<EventRow>()
            .and("seq > ?", &seen)
            .scoped(at.scope())
            .with(" ORDER BY seq LIMIT ?", CHUNK)
            .all(at)
            .await?;
        let last = chunk.len() < usize::try_from(CHUNK).unwrap_or(usize::MAX);
        scanned += chunk.len() as u64;
        for row in chunk {
            if found.len() == limit {
                return Ok((found, seen));
            }
            seen = row.seq;
            let wanted = filter.topics.is_empty()
                || row.topics.split_whitespace().any(|topic| filter.topics.iter().any(|asked| asked == topic));
            if wanted {
                found.push(row.into());
            }
        }
        if last {
            break;
        }
    }
    Ok((found, seen))
}

/// Deletes events older than `before`, but never the newest: its number is the head. Answers how many.
///
/// # Errors
/// When the database fails. Only the system may prune.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    if tx.scope() != Scope::System {
        return Err(crate::StoreError::OutOfScope("events"));
    }
    Sql::new("DELETE FROM events WHERE seq < (SELECT max(seq) FROM events)").and("at < ?", &before).run(tx).await
}
