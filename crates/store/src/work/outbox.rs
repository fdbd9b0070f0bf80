//! What has to be done later or elsewhere: timers, probes, notifications. Written with the change that asks for it,
//! performed afterwards at least once. The control plane's own: everything but [`push`] needs the system's scope.

use std::time::Duration;

use serde_json::Value;
use sf_types::{Scope, TenantId, Timestamp};
use uuid::Uuid;

use crate::row::{Column, Field, Json, row};
use crate::sql::{Sql, insert_all, insert_later};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError};

/// Characters of an error that are kept.
pub const MAX_ERROR_CHARS: usize = 500;

row! {
    /// Something to do.
    pub struct Task in "outbox" {
        /// Its id.
        id: Uuid,
        /// For whom; `None` for the installation.
        tenant: Option<TenantId> = "tenant_id",
        /// Who performs it; each lane is served on its own.
        lane: String,
        /// What to do.
        kind: String,
        /// With what.
        payload: Json<Value>,
        /// Not before.
        due_at: Timestamp,
        /// Somebody is at it until then.
        leased_until: Option<Timestamp>,
        /// Times somebody began.
        attempts: u32,
        /// Why it failed last.
        last_error: Option<String>,
        /// When it was asked for.
        created_at: Timestamp,
    }
}

/// Asks for something, with the change that makes it necessary and the write's other late ones; answers its id.
pub fn push(tx: &mut Tx, lane: &str, kind: &str, payload: Value, due_at: Timestamp) -> Uuid {
    let task = Task {
        id: tx.new_uuid(),
        tenant: tx.scope().tenant(),
        lane: lane.to_owned(),
        kind: kind.to_owned(),
        payload: Json(payload),
        due_at,
        leased_until: None,
        attempts: 0,
        last_error: None,
        created_at: tx.now,
    };
    insert_later(tx, std::slice::from_ref(&task));
    task.id
}

/// Asks for something under an id of the caller's; asked for twice, it is there once.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn push_once(
    tx: &mut Tx,
    id: Uuid,
    (lane, kind): (&str, &str),
    payload: Value,
    due_at: Timestamp,
) -> Result<()> {
    system_only(tx.scope())?;
    let (lane, kind, created_at) = (lane.to_owned(), kind.to_owned(), tx.now);
    let payload = Json(payload);
    let (tenant, leased_until, attempts, last_error) = (None, None, 0, None);
    let task = Task { id, tenant, lane, kind, payload, due_at, leased_until, attempts, last_error, created_at };
    insert_all(tx, std::slice::from_ref(&task), " ON CONFLICT DO NOTHING").await.map(drop)
}

/// Takes up to `limit` tasks of a lane that are due and that nobody is at, the longest due first. Whoever claims has
/// `lease` to finish; after that somebody else may begin.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn claim(tx: &mut Tx, lane: &str, limit: u32, lease: Duration) -> Result<Vec<Task>> {
    system_only(tx.scope())?;
    let now = tx.now;
    let mut tasks: Vec<Task> = Sql::new("UPDATE outbox SET attempts = attempts + 1")
        .with(", leased_until = ?", now.plus(lease).as_millis())
        .with(" WHERE id IN (SELECT id FROM outbox WHERE lane = ?", lane)
        .and("due_at <= ?", &now)
        .with(" AND (leased_until IS NULL OR leased_until < ?)", now.as_millis())
        .with(" ORDER BY due_at, id LIMIT ?", i64::from(limit))
        .push(tx.conn().dialect().claim())
        .push(&format!(") RETURNING {}", <Task as crate::row::Row>::COLUMNS.join(", ")))
        .all(tx)
        .await?;
    tasks.sort_by_key(|task| (task.due_at, task.id));
    Ok(tasks)
}

/// All tasks of a kind in a lane, due or not, the oldest first.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn of_kind(at: &impl Look, lane: &str, kind: &str) -> Result<Vec<Task>> {
    system_only(at.scope())?;
    let sql = Sql::select::<Task>().with(" AND lane = ?", lane).with(" AND kind = ?", kind);
    sql.push(" ORDER BY created_at, id").all(at).await
}

/// It is done: forgets it. Answers whether it was still there.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn done(tx: &mut Tx, id: Uuid) -> Result<bool> {
    system_only(tx.scope())?;
    Ok(Sql::new("DELETE FROM outbox WHERE TRUE").and("id = ?", &id).run(tx).await? > 0)
}

/// It failed: somebody tries again at `retry_at`.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn fail(tx: &mut Tx, id: Uuid, error: &str, retry_at: Timestamp) -> Result<()> {
    system_only(tx.scope())?;
    let error: String = error.chars().take(MAX_ERROR_CHARS).collect();
    Sql::new("UPDATE outbox SET leased_until = NULL")
        .with(", last_error = ?", error)
        .with(", due_at = ? WHERE TRUE", retry_at.to_raw())
        .and("id = ?", &id)
        .run(tx)
        .await
        .map(drop)
}

/// How long to wait before the next try: 1 s, 2 s, 4 s, ... up to 10 min.
pub fn backoff(attempts: u32) -> Duration {
    const LONGEST: Duration = Duration::from_secs(600);
    let doubled = 1_u64.checked_shl(attempts.saturating_sub(1)).unwrap_or(u64::MAX);
    Duration::from_secs(doubled).min(LONGEST)
}

/// When the next task of a lane can be claimed, where there is one: so that its worker sleeps until then.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn next_due(at: &impl Look, lane: &str) -> Result<Option<Timestamp>> {
    system_only(at.scope())?;
    let when = "CASE WHEN leased_until IS NULL OR leased_until < due_at THEN due_at ELSE leased_until + 1 END";
    let sql = Sql::new(&format!("SELECT min({when}) FROM outbox")).with(" WHERE lane = ?", lane);
    Ok(sql.scalar::<Option<Timestamp>>(at).await?.flatten())
}

/// Lanes of a family (`notify/…`) with something that can be claimed, the longest due first.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn due_lanes(at: &impl Look, family: &str, limit: u32) -> Result<Vec<String>> {
    system_only(at.scope())?;
    let rows = Sql::new("SELECT lane FROM outbox")
        .with(" WHERE lane LIKE ?", format!("{family}/%"))
        .and("due_at <= ?", &at.now())
        .with(" AND (leased_until IS NULL OR leased_until < ?)", at.now().as_millis())
        .with(" GROUP BY lane ORDER BY min(due_at), lane LIMIT ?", i64::from(limit))
        .raws(at)
        .await?;
    rows.iter().map(|row| String::read(row, 0)).collect()
}

/// When the next task of a family of lanes can be claimed, where there is one.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn next_due_of(at: &impl Look, family: &str) -> Result<Option<Timestamp>> {
    system_only(at.scope())?;
    let when = "CASE WHEN leased_until IS NULL OR leased_until < due_at THEN due_at ELSE leased_until + 1 END";
    let sql = Sql::new(&format!("SELECT min({when}) FROM outbox")).with(" WHERE lane LIKE ?", format!("{family}/%"));
    Ok(sql.scalar::<Option<Timestamp>>(at).await?.flatten())
}

/// How many tasks of a lane wait, and why the one that began last has failed.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn waiting(at: &impl Look, lane: &str) -> Result<(u64, Option<String>)> {
    system_only(at.scope())?;
    let count = Sql::new("SELECT count(*) FROM outbox").with(" WHERE lane = ?", lane).scalar(at).await?.unwrap_or(0);
    let last = Sql::new("SELECT last_error FROM outbox").with(" WHERE lane = ? AND last_error IS NOT NULL", lane);
    Ok((count, last.push(" ORDER BY due_at DESC LIMIT 1").scalar(at).await?))
}

/// How many tasks of this kind a tenant has waiting in a lane.
///
/// # Errors
/// When the database fails.
pub async fn waiting_of(at: &impl Look, lane: &str, kind: &str) -> Result<u64> {
    let sql = Sql::new("SELECT count(*) FROM outbox").with(" WHERE lane = ?", lane).with(" AND kind = ?", kind);
    Ok(sql.tenant_scoped(at.scope()).scalar(at).await?.unwrap_or(0))
}

/// Leases that a dead process of this installation left behind end now: call it at start where only one runs.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn release_all(tx: &mut Tx) -> Result<u64> {
    system_only(tx.scope())?;
    Sql::new("UPDATE outbox SET leased_until = NULL WHERE leased_until IS NOT NULL").run(tx).await
}

fn system_only(scope: Scope) -> Result<()> {
    if scope == Scope::System { Ok(()) } else { Err(StoreError::OutOfScope("outbox")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_get_rarer_up_to_ten_minutes() {
        for (attempts, seconds) in [(0, 1), (1, 1), (2, 2), (5, 16), (10, 512), (11, 600), (u32::MAX, 600)] {
            assert_eq!(backoff(attempts).as_secs(), seconds, "{attempts}");
        }
    }
}
