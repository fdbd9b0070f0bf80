//! What is not kept for ever: details about persons go after their time, lines only up to a signed checkpoint, so that
//! the rest goes on verifying.

use sf_types::{InstanceId, Scope, Timestamp};

use super::fields::{PERSONAL, Retention};
use super::system_only;
use crate::sql::Sql;
use crate::tx::{Look, Tx};
use crate::{Result, StoreError};

/// Erases what is kept about a person. The chain goes on verifying. Answers how many values are gone.
///
/// # Errors
/// [`StoreError::OutOfScope`] in a project's scope; when the database fails.
pub async fn erase_person(tx: &mut Tx, subject: &str) -> Result<u64> {
    let mut sql = Sql::new("DELETE FROM activity_personal").with(" WHERE subject_id = ?", subject);
    match tx.scope() {
        Scope::System => {}
        Scope::Project(..) => return Err(StoreError::OutOfScope("person")),
        Scope::Tenant(tenant) => {
            sql = sql.with(
                " AND EXISTS (SELECT 1 FROM activity_logs l WHERE l.instance_id = activity_personal.instance_id \
                 AND l.seq = activity_personal.seq AND l.tenant_id = ?)",
                tenant.uuid(),
            );
        }
    }
    sql.run(tx).await
}

/// Erases what is kept of attempts to sign in with this mail address that belong to no known person. Answers how many
/// values are gone.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn erase_attempts(tx: &mut Tx, email: &str) -> Result<u64> {
    system_only(tx.scope())?;
    Sql::new(
        "DELETE FROM activity_personal WHERE subject_id = 'unknown' AND (instance_id, seq) IN (SELECT instance_id, seq",
    )
    .with(" FROM activity_personal WHERE subject_id = 'unknown' AND field = 'email' AND value = ?)", email)
    .run(tx)
    .await
}

/// Erases details about persons of one kind that were written before `before`, `bite` of them at the most. Answers how
/// many are gone.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn erase_old(
    tx: &mut Tx,
    instance: InstanceId,
    kind: Retention,
    before: Timestamp,
    bite: u32,
) -> Result<u64> {
    system_only(tx.scope())?;
    let mut erased = 0;
    for (field, _) in PERSONAL.iter().filter(|(_, retention)| *retention == kind) {
        // Numbers and times rise together, so the oldest values come first by their key.
        erased += Sql::new("DELETE FROM activity_personal WHERE TRUE")
            .and("instance_id = ?", &instance)
            .with(" AND field = ?", *field)
            .and(
                "seq IN (SELECT p.seq FROM activity_personal p JOIN activity_logs l ON l.instance_id = p.instance_id \
                 AND l.seq = p.seq WHERE p.instance_id = ?",
                &instance,
            )
            .with(" AND p.field = ?", *field)
            .and("l.at < ?", &before)
            .with(" ORDER BY p.seq LIMIT ?)", i64::from(bite))
            .run(tx)
            .await?;
    }
    Ok(erased)
}

/// Removes the lines of a chain up to `size`, `bite` of them at the most, oldest first. Answers how many are gone.
///
/// # Errors
/// [`StoreError::NotFound`] where no checkpoint of that size vouches for them; [`StoreError::OutOfScope`] for anybody but
/// the system.
pub async fn prune(tx: &mut Tx, instance: InstanceId, size: u64, bite: u32) -> Result<u64> {
    system_only(tx.scope())?;
    let vouched = Sql::new("SELECT size FROM audit_checkpoints WHERE TRUE").and("instance_id = ?", &instance);
    if vouched.and("size = ?", &size).scalar::<u64>(tx).await?.is_none() {
        return Err(StoreError::NotFound("checkpoint"));
    }
    let first = super::first_line(tx, instance).await?.unwrap_or(size + 1);
    let last = size.min(first.saturating_add(u64::from(bite)).saturating_sub(1));
    if first > last {
        return Ok(0);
    }
    for table in ["activity_personal", "activity_logs"] {
        let sql = Sql::new(&format!("DELETE FROM {table} WHERE TRUE")).and("instance_id = ?", &instance);
        sql.and("seq <= ?", &last).run(tx).await?;
    }
    Ok(last + 1 - first)
}
