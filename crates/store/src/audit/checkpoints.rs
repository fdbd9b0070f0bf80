//! Signed heads of chains, and which nodes have seen them.

use sf_protocol::dsse::Signed;
use sf_types::{InstanceId, NodeId, TenantId, Timestamp};

use super::chain::Content;
use super::walk::{self, Restored};
use super::{Head, Line, system_only};
use crate::Result;
use crate::row::{Column, Json, column, row};
use crate::session::Cells;
use crate::sql::{Sql, insert};
use crate::tx::{Look, Tx};

row! {
    /// A signed statement of how long a chain was and how it ended.
    pub struct Checkpoint in "audit_checkpoints" {
        /// Whose chain.
        instance: InstanceId = "instance_id",
        /// Lines.
        size: u64,
        /// Hash of the last of them.
        hash: [u8; 32],
        /// When.
        at: Timestamp,
        /// The statement with its signature.
        signed: Json<Signed>,
    }
}

row! {
    /// The newest head that a node said it has seen.
    pub struct Witnessed in "audit_witnesses" {
        /// Whose chain.
        instance: InstanceId = "instance_id",
        /// The node.
        node: NodeId = "node_id",
        /// Whose node.
        tenant: TenantId = "tenant_id",
        /// Lines.
        size: u64,
        /// Hash of the last of them.
        hash: [u8; 32],
        /// When the statement was made.
        at: Timestamp,
        /// The epoch it was made in.
        epoch: u64,
        /// The statement, signed by a control plane.
        signed: Json<Signed>,
    }
}

/// Keeps a signed checkpoint.
///
/// # Errors
/// [`crate::StoreError::OutOfScope`] for anybody but the system; [`crate::StoreError::Taken`] when there is one of this
/// size.
pub async fn add_checkpoint(tx: &mut Tx, checkpoint: &Checkpoint) -> Result<()> {
    system_only(tx.scope())?;
    insert(tx, checkpoint).await
}

/// Checkpoints of one chain, newest first.
///
/// # Errors
/// [`crate::StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn checkpoints(at: &impl Look, instance: InstanceId, limit: u32) -> Result<Vec<Checkpoint>> {
    system_only(at.scope())?;
    Sql::select::<Checkpoint>()
        .and("instance_id = ?", &instance)
        .with(" ORDER BY size DESC LIMIT ?", i64::from(limit))
        .all(at)
        .await
}

/// Checkpoints of one chain from line `from` on, oldest first.
///
/// # Errors
/// [`crate::StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn checkpoints_from(at: &impl Look, instance: InstanceId, from: u64, limit: u32) -> Result<Vec<Checkpoint>> {
    system_only(at.scope())?;
    Sql::select::<Checkpoint>()
        .and("instance_id = ?", &instance)
        .and("size >= ?", &from)
        .with(" ORDER BY size LIMIT ?", i64::from(limit))
        .all(at)
        .await
}

/// The newest checkpoint that was made not after `time`, or the oldest that was made not before it.
///
/// # Errors
/// [`crate::StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn checkpoint_at(
    at: &impl Look,
    instance: InstanceId,
    time: Timestamp,
    before: bool,
) -> Result<Option<Checkpoint>> {
    system_only(at.scope())?;
    let (condition, order) = if before { ("at <= ?", "DESC") } else { ("at >= ?", "ASC") };
    let sql = Sql::select::<Checkpoint>().and("instance_id = ?", &instance).and(condition, &time);
    sql.push(&format!(" ORDER BY size {order} LIMIT 1")).find(at).await
}

/// How each chain of the database ends.
///
/// # Errors
/// [`crate::StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn heads(at: &impl Look) -> Result<Vec<(InstanceId, Head)>> {
    system_only(at.scope())?;
    let rows = Sql::new("SELECT instance_id, seq, hash FROM audit_heads ORDER BY instance_id").raws(at).await?;
    let read = |row: &Cells| {
        let mut place = 0;
        let instance = column(row, &mut place)?;
        Ok((instance, Head { seq: column(row, &mut place)?, hash: column(row, &mut place)? }))
    };
    rows.iter().map(read).collect()
}

/// Removes checkpoints older than `before` that another one follows within `span_ms`; never the one its chain begins
/// behind. Answers how many.
///
/// # Errors
/// [`crate::StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn thin_checkpoints(tx: &mut Tx, before: Timestamp, span_ms: i64) -> Result<u64> {
    system_only(tx.scope())?;
    Sql::new("DELETE FROM audit_checkpoints WHERE TRUE")
        .and("at < ?", &before)
        .with(
            " AND (SELECT later.at FROM audit_checkpoints later WHERE later.instance_id = \
             audit_checkpoints.instance_id AND later.size > audit_checkpoints.size ORDER BY later.size LIMIT 1) / ?",
            span_ms,
        )
        .with(" = audit_checkpoints.at / ?", span_ms)
        .push(
            " AND size <> (SELECT coalesce(min(l.seq), 0) - 1 FROM activity_logs l WHERE l.instance_id = \
             audit_checkpoints.instance_id)",
        )
        .run(tx)
        .await
}

/// Notes the newest head that a node holds.
///
/// # Errors
/// When the database fails; when there is no such node.
pub async fn witnessed(tx: &mut Tx, witnessed: &Witnessed) -> Result<()> {
    tx.own("witness", witnessed.tenant, None)?;
    let tail = " ON CONFLICT (instance_id, node_id) DO UPDATE SET size = excluded.size, hash = excluded.hash, \
                at = excluded.at, epoch = excluded.epoch, signed = excluded.signed";
    crate::sql::insert_all(tx, std::slice::from_ref(witnessed), tail).await.map(drop)
}

/// What the nodes inside the scope hold of one chain, the longest first.
///
/// # Errors
/// When the database fails.
pub async fn witnesses(at: &impl Look, instance: InstanceId, limit: u32) -> Result<Vec<Witnessed>> {
    let sql = Sql::select::<Witnessed>().and("instance_id = ?", &instance).tenant_scoped(at.scope());
    sql.with(" ORDER BY size DESC, node_id LIMIT ?", i64::from(limit)).all(at).await
}

/// The restores that a chain tells of, the oldest first.
///
/// # Errors
/// [`crate::StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn restores(at: &impl Look, instance: InstanceId) -> Result<Vec<Restored>> {
    system_only(at.scope())?;
    let [backup, other] = walk::RESTORES;
    let sql =
        Sql::select::<Line>().push(" AND tenant_id IS NULL").with(" AND action IN (?", backup).with(", ?)", other);
    let lines: Vec<Line> = sql.and("instance_id = ?", &instance).push(" ORDER BY seq").all(at).await?;
    Ok(lines.iter().filter_map(|line| Restored::of(&Content::of(line))).collect())
}

/// The number of the first line that a chain still has.
///
/// # Errors
/// [`crate::StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn first_line(at: &impl Look, instance: InstanceId) -> Result<Option<u64>> {
    system_only(at.scope())?;
    let sql = Sql::new("SELECT min(seq) FROM activity_logs WHERE TRUE").and("instance_id = ?", &instance);
    let Some(row) = sql.raw(at).await? else { return Ok(None) };
    <Option<u64> as Column>::read(&row, 0)
}
