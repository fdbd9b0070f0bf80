//! Signed orders: their exact bytes, and how far each has come. The table is the queue of each node.

use std::sync::LazyLock;

use sf_engine::Run;
use sf_protocol::{KeyId, Kind, Signed};
use sf_types::{CommandId, NodeId, RunId, TenantId, Timestamp};
use uuid::Uuid;

use crate::Result;
use crate::row::{Column, Json, column, row, words};
use crate::runs;
use crate::sql::{Sql, insert_later};
use crate::tx::{Look, Tx};

words! {
    /// How far a command has come.
    pub enum CommandState {
        /// Signed, not sent.
        Ready = "ready",
        /// Written to a connection.
        Sent = "sent",
        /// In the node's journal.
        Acked = "acked",
        /// The node said how it ended.
        Done = "done",
        /// Its number is filled by another command; it will never be obeyed.
        Void = "void",
    }
}

row! {
    /// A signed order.
    pub struct StoredCommand in "commands" {
        /// Its id.
        id: CommandId,
        /// Whose.
        tenant: TenantId = "tenant_id",
        /// The run it carries out; a snapshot of what should be true belongs to none.
        run: Option<RunId> = "run_id",
        /// The node that may obey.
        node: NodeId = "node_id",
        /// Its number counts within this.
        epoch: u64,
        /// Its number.
        sequence: u64,
        /// What it is on the wire.
        kind: Kind,
        /// The exact bytes under the signature.
        payload: Vec<u8>,
        /// The signature.
        signature: [u8; 64],
        /// The key that signed it.
        key_id: KeyId,
        /// The delegation of that key ([`crate::delegations`]).
        delegation: Uuid = "delegation_id",
        /// How far it has come.
        state: CommandState,
        /// Not obeyed before.
        not_before: Timestamp,
        /// Not obeyed after.
        expires_at: Timestamp,
        /// When it was signed.
        created_at: Timestamp,
        /// When it was first written to a connection.
        sent_at: Option<Timestamp>,
        /// When the ACK was stored.
        acked_at: Option<Timestamp>,
        /// When the result was stored.
        done_at: Option<Timestamp>,
        /// The node's signed ACK.
        accepted: Option<Json<Signed>>,
        /// The node's signed outcome.
        result: Option<Json<Signed>>,
    }
}

impl UnderWay {
    /// Whether it waits for the node's promise still.
    pub fn is_unpromised(&self) -> bool {
        matches!(self.state, CommandState::Ready | CommandState::Sent)
    }

    /// The run whose own order this is. A void or a cancel says nothing about the run it belongs to.
    pub fn own_run(self) -> Option<Run> {
        self.run.filter(|run| run.command == Some(self.id))
    }
}

impl StoredCommand {
    /// As it goes over the wire.
    pub fn signed(&self) -> Signed {
        Signed { key_id: self.key_id, payload: self.payload.clone(), signature: self.signature }
    }
}

/// Keeps a signed command, in the transaction that took its number and with the write's other late changes. A number
/// that is taken fails the write.
///
/// # Errors
/// [`crate::StoreError::OutOfScope`].
pub fn insert(tx: &mut Tx, command: &StoredCommand) -> Result<()> {
    tx.own("command", command.tenant, tx.scope.project())?;
    insert_later(tx, std::slice::from_ref(command));
    Ok(())
}

/// A command inside the scope.
///
/// # Errors
/// [`crate::StoreError::NotFound`].
pub async fn get(at: &impl Look, id: CommandId) -> Result<StoredCommand> {
    within(at, Sql::select::<StoredCommand>().and("id = ?", &id)).get(at, "command").await
}

/// The commands of a run, oldest first. The order itself is the last that is neither VOID nor CANCEL.
///
/// # Errors
/// When the database fails.
pub async fn of_run(at: &impl Look, run: RunId) -> Result<Vec<StoredCommand>> {
    within(at, Sql::select::<StoredCommand>().and("run_id = ?", &run)).push(" ORDER BY id").all(at).await
}

/// What a node's journal lacks, in the order of its numbers, from number `from` on: what it has not accepted yet, and
/// what it had accepted when its journal was longer.
///
/// # Errors
/// When the database fails.
pub async fn backlog(at: &impl Look, node: NodeId, epoch: u64, from: u64, limit: u32) -> Result<Vec<StoredCommand>> {
    let sql = Sql::select::<StoredCommand>()
        .and("node_id = ?", &node)
        .and("epoch = ?", &epoch)
        .and("sequence >= ?", &from)
        .push(" AND state <> 'void'");
    within(at, sql).with(" ORDER BY sequence LIMIT ?", i64::from(limit)).all(at).await
}

/// Commands of older epochs that the node never accepted: their numbers mean nothing any more and they have to be
/// signed anew.
///
/// # Errors
/// When the database fails.
pub async fn of_older_epochs(at: &impl Look, node: NodeId, epoch: u64) -> Result<Vec<StoredCommand>> {
    let sql = Sql::select::<StoredCommand>()
        .and("node_id = ?", &node)
        .and("epoch < ?", &epoch)
        .push(" AND state IN ('ready', 'sent')");
    within(at, sql).push(" ORDER BY epoch, sequence").all(at).await
}

/// A command as a node's word finds it, with its run.
#[derive(Clone, PartialEq, Debug)]
pub struct UnderWay {
    /// The command.
    pub id: CommandId,
    /// What it is.
    pub kind: Kind,
    /// How far it has come.
    pub state: CommandState,
    /// The exact bytes under the signature of an order that [describes its object](Kind::describes_its_object).
    pub order: Option<Vec<u8>>,
    /// The run it belongs to.
    pub run: Option<Run>,
}

/// The kinds of orders whose bytes are read with them, as SQL has them.
static DESCRIBING: LazyLock<String> = LazyLock::new(|| {
    let kinds = Kind::ALL.iter().filter(|kind| kind.describes_its_object());
    kinds.map(|kind| format!("'{}'", kind.wire())).collect::<Vec<_>>().join(", ")
});

/// A command with its run, in one look. Where a node speaks of it, another node's command is nobody's.
///
/// # Errors
/// When the database fails.
pub async fn under_way(at: &impl Look, node: Option<NodeId>, id: CommandId) -> Result<Option<UnderWay>> {
    let text = format!(
        "SELECT c.kind, c.state, CASE WHEN c.kind IN ({}) THEN c.payload END, c.run_id, {} FROM commands c \
         LEFT JOIN runs r ON r.id = c.run_id WHERE TRUE",
        &*DESCRIBING,
        runs::joined_columns()
    );
    let sql = Sql::new(&text).and("c.id = ?", &id).and_some("c.node_id = ?", node.as_ref());
    let sql = sql.and_some("c.tenant_id = ?", at.scope().tenant().as_ref());
    let Some(row) = sql.and_some("r.project_id = ?", at.scope().project().as_ref()).raw(at).await? else {
        return Ok(None);
    };
    let mut place = 0;
    let (kind, state) = (column(&row, &mut place)?, column(&row, &mut place)?);
    let order = column(&row, &mut place)?;
    let run: Option<RunId> = column(&row, &mut place)?;
    let run = run.map(|_| runs::joined(&row, &mut place)).transpose()?;
    Ok(Some(UnderWay { id, kind, state, order, run }))
}

/// It was written to a connection at `at`, with the write's other late changes.
pub fn sent(tx: &mut Tx, id: CommandId, at: Timestamp) {
    let set = Sql::new("UPDATE commands SET state = 'sent', sent_at = ").with("?", at.as_millis());
    within(tx, set.push(" WHERE state = 'ready'").and("id = ?", &id)).later(tx, Some(1));
}

/// The node has it in its journal, with its signed ACK where that came, and with the write's other late changes;
/// `sent_at` is kept where it is not noted yet.
pub fn acked(tx: &mut Tx, id: CommandId, accepted: Option<&Signed>, sent_at: Option<Timestamp>) {
    let set = Sql::new("UPDATE commands SET state = 'acked', acked_at = ")
        .with("?", tx.now.as_millis())
        .with(", accepted = ?", accepted.cloned().map(Json).value())
        .with(", sent_at = COALESCE(sent_at, ?)", sent_at.value());
    within(tx, set.push(" WHERE state IN ('ready', 'sent')").and("id = ?", &id)).later(tx, Some(1));
}

/// The node said how it ended, with the signed word where it came by itself and not as an answer to a question, and
/// with the write's other late changes; `sent_at` as in [`acked`].
pub fn done(tx: &mut Tx, id: CommandId, result: Option<&Signed>, sent_at: Option<Timestamp>) {
    let set = Sql::new("UPDATE commands SET state = 'done', done_at = ")
        .with("?", tx.now.as_millis())
        .with(", result = ?", result.cloned().map(Json).value())
        .with(", sent_at = COALESCE(sent_at, ?)", sent_at.value());
    within(tx, set.push(" WHERE state <> 'done'").and("id = ?", &id)).later(tx, Some(1));
}

/// It will never be obeyed: a VOID takes its number. Answers the epoch and number set free, for the command that is
/// inserted next; `None` when the node accepted it in the meantime.
///
/// # Errors
/// When the database fails.
pub async fn mark_void(tx: &mut Tx, id: CommandId) -> Result<Option<(u64, u64)>> {
    let sql = Sql::new("UPDATE commands SET state = 'void' WHERE state IN ('ready', 'sent')").and("id = ?", &id);
    let row = within(tx, sql).push(" RETURNING epoch, sequence").raw(tx).await?;
    row.map(|row| Ok((u64::read(&row, 0)?, u64::read(&row, 1)?))).transpose()
}

/// The node's journal lost it although it had accepted it: a VOID takes its number. What the node said of it stays.
/// Answers whether it was accepted.
///
/// # Errors
/// When the database fails.
pub async fn mark_lost(tx: &mut Tx, id: CommandId) -> Result<bool> {
    let sql = Sql::new("UPDATE commands SET state = 'void' WHERE state IN ('acked', 'done')").and("id = ?", &id);
    Ok(within(tx, sql).run(tx).await? > 0)
}

/// Commands have no project of their own: they are where their runs are.
fn within(at: &impl Look, sql: Sql) -> Sql {
    let sql = sql.and_some("tenant_id = ?", at.scope().tenant().as_ref());
    match at.scope().project() {
        Some(project) => sql.with(" AND run_id IN (SELECT id FROM runs WHERE project_id = ?)", project.uuid()),
        None => sql,
    }
}

/// The highest number ever signed for a node in an epoch; 0 for none.
///
/// # Errors
/// When the database fails.
pub async fn highest(at: &impl Look, node: NodeId, epoch: u64) -> Result<u64> {
    let sql = Sql::new("SELECT max(sequence) FROM commands WHERE state <> 'void'").and("node_id = ?", &node);
    let found: Option<Option<u64>> = within(at, sql.and("epoch = ?", &epoch)).scalar(at).await?;
    Ok(found.flatten().unwrap_or(0))
}
