//! Executions of workflows: where they stand, their journals, and what has come in for them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use sf_engine::Done;
use sf_types::{
    Fault, InstanceId, Page, PageRequest, ProjectId, RunId, Scope, TenantId, Timestamp, TriggerId, WorkflowId,
};
use uuid::Uuid;

use crate::many::Many;
use crate::row::{Column, Json, row, words};
use crate::seen::Places;
use crate::sql::{Sql, bad_cursor, insert_all, insert_later, page_of};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError};

words! {
    /// Where an execution stands.
    pub enum ExecutionState {
        /// Others of its key run; it waits for its turn.
        Queued = "queued",
        /// Something of it runs.
        Running = "running",
        /// It waits: for a moment, a person, an event.
        Waiting = "waiting",
        /// Over.
        Done = "done",
    }
}

row! {
    /// An execution, by its run.
    pub struct ExecutionRow in "workflow_executions" {
        /// Its run.
        run: RunId = "run_id",
        /// Whose.
        tenant: TenantId = "tenant_id",
        /// In which project.
        project: ProjectId = "project_id",
        /// Of which workflow.
        workflow: WorkflowId = "workflow_id",
        /// By which version.
        version: u32,
        /// Where it stands.
        state: ExecutionState,
        /// Which control plane works on it.
        engine: Option<InstanceId> = "engine_id",
        /// When it goes on by itself.
        wake_at: Option<Timestamp>,
        /// Those with the same key count together.
        key: Option<String> = "concurrency_key",
        /// The run it was forked from.
        forked_from: Option<RunId>,
        /// At which step.
        forked_step: Option<String>,
        /// What started it, where it was no person.
        trigger: Option<TriggerId> = "trigger_id",
        /// Steps that have ended.
        steps_ended: u64,
        /// Steps there are so far.
        steps_known: u64,
        /// Why the first step that failed did.
        first_fault: Option<Json<Fault>>,
        /// It was put aside since its control planes ended again and again.
        poison: bool,
        /// When it began.
        opened_at: Timestamp,
        /// When it last changed.
        updated_at: Timestamp,
        /// When it ended.
        closed_at: Option<Timestamp>,
    }
}

row! {
    /// What happened at one moment of an execution.
    pub struct Entry in "workflow_journal" {
        /// Its run.
        run: RunId = "run_id",
        /// From 1, without gaps.
        seq: u64,
        /// When.
        at: Timestamp,
        /// JSON list of facts.
        facts: String,
    }
}

row! {
    /// A value too large for the journal.
    pub struct Blob in "workflow_blobs" {
        /// Its run.
        run: RunId = "run_id",
        /// SHA-256 of the value.
        hash: Vec<u8>,
        /// JSON.
        value: String,
    }
}

row! {
    /// What has come in for an execution, until its control plane has taken it in.
    pub struct Incoming in "workflow_inbox" {
        /// Its id.
        id: Uuid,
        /// For which run.
        run: RunId = "run_id",
        /// What.
        event: Json<Value>,
        /// When.
        created_at: Timestamp,
        /// Its place among those of its run: they are taken in in this order.
        seq: u64,
    }
}

/// How an execution is seen: with its project.
const SEEN: Places = Places::in_project("project_id");

/// Which executions.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ExecutionFilter {
    /// Of this workflow.
    pub workflow: Option<WorkflowId>,
    /// In this state.
    pub state: Option<ExecutionState>,
    /// Whose run ended so.
    pub done: Option<Done>,
    /// Forks of this run.
    pub forked_from: Option<RunId>,
    /// Only those that were put aside.
    pub poison: bool,
}

/// Keeps a new execution, with the write's other late changes.
///
/// # Errors
/// [`StoreError::OutOfScope`].
pub fn create(tx: &mut Tx, execution: &ExecutionRow) -> Result<()> {
    tx.own("execution", execution.tenant, Some(execution.project))?;
    insert_later(tx, std::slice::from_ref(execution));
    Ok(())
}

/// An execution inside the scope.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(at: &impl Look, run: RunId) -> Result<ExecutionRow> {
    Sql::select::<ExecutionRow>().and("run_id = ?", &run).scoped(at.scope()).seen(at, &SEEN).get(at, "run").await
}

/// Executions inside the scope, newest first.
///
/// # Errors
/// A bad cursor; when the database fails.
pub async fn page(at: &impl Look, filter: &ExecutionFilter, page: &PageRequest) -> Result<Page<ExecutionRow>> {
    let mut sql = Sql::select::<ExecutionRow>()
        .scoped(at.scope())
        .seen(at, &SEEN)
        .and_some("workflow_id = ?", filter.workflow.as_ref())
        .and_some("state = ?", filter.state.as_ref())
        .and_some("forked_from = ?", filter.forked_from.as_ref());
    if filter.poison {
        sql = sql.push(" AND poison");
    }
    if let Some(done) = filter.done {
        let ended = " AND EXISTS (SELECT 1 FROM runs r WHERE r.id = workflow_executions.run_id AND r.done = ?)";
        sql = sql.with(ended, done.word());
    }
    Ok(page_of(sql.page_by(page, "run_id")?.all(at).await?, page, |row: &ExecutionRow| row.run.uuid()))
}

/// The tree of forks that an execution stands in, oldest first: what it was forked from and back to the first, then
/// forks of its own, then the others, `limit` at the most.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn family(at: &impl Look, run: RunId, limit: usize) -> Result<Vec<ExecutionRow>> {
    let own = get(at, run).await?;
    let mut above = own.forked_from;
    let mut found = BTreeMap::from([(run, own)]);
    let mut first = run;
    // Half of the room is for what came of it.
    while let Some(from) = above.filter(|_| found.len() < limit / 2) {
        let Some(row) = Sql::select::<ExecutionRow>()
            .and("run_id = ?", &from)
            .scoped(at.scope())
            .seen(at, &SEEN)
            .find::<ExecutionRow>(at)
            .await?
        else {
            break;
        };
        (first, above) = (from, row.forked_from);
        found.insert(from, row);
    }
    for top in [run, first] {
        let mut level = vec![top];
        while let (Some((one, more)), room @ 1..) = (level.split_first(), limit.saturating_sub(found.len())) {
            let sql = Sql::select::<ExecutionRow>().scoped(at.scope()).seen(at, &SEEN);
            let sql = sql.with(" AND forked_from IN (?", one.value());
            let sql = more.iter().fold(sql, |sql, one| sql.with(", ?", one.value())).push(") ORDER BY run_id");
            // Some of them may be known by now.
            let rows = i64::try_from(room + found.len()).unwrap_or(i64::MAX);
            let rows: Vec<ExecutionRow> = sql.with(" LIMIT ?", rows).all(at).await?;
            level = rows.iter().map(|row| row.run).collect();
            for row in rows {
                if found.len() < limit {
                    found.entry(row.run).or_insert(row);
                }
            }
        }
    }
    Ok(found.into_values().collect())
}

/// Executions of a workflow that have not ended.
///
/// # Errors
/// When the database fails.
pub async fn open_of(at: &impl Look, workflow: WorkflowId) -> Result<u64> {
    let sql = Sql::new("SELECT count(*) FROM workflow_executions WHERE closed_at IS NULL");
    Ok(sql.and("workflow_id = ?", &workflow).scoped(at.scope()).scalar(at).await?.unwrap_or(0))
}

/// Executions that count together and have not ended: oldest first.
///
/// # Errors
/// When the database fails.
pub async fn of_key(at: &impl Look, workflow: WorkflowId, key: &str, limit: u32) -> Result<Vec<ExecutionRow>> {
    let sql = Sql::select::<ExecutionRow>().push(" AND closed_at IS NULL").and("workflow_id = ?", &workflow);
    let sql = sql.with(" AND concurrency_key = ?", key);
    sql.scoped(at.scope()).with(" ORDER BY run_id LIMIT ?", i64::from(limit)).all(at).await
}

/// How many of a key run, and the oldest that waits for its turn.
///
/// # Errors
/// When the database fails.
pub async fn turn_of_key(at: &impl Look, workflow: WorkflowId, key: &str) -> Result<(u64, Option<RunId>)> {
    let of = |text: &str| {
        let sql = Sql::new(text).and("workflow_id = ?", &workflow).with(" AND concurrency_key = ?", key);
        sql.push(" AND closed_at IS NULL").scoped(at.scope())
    };
    let running = of("SELECT count(*) FROM workflow_executions WHERE state <> 'queued'").scalar(at).await?;
    let next = of("SELECT run_id FROM workflow_executions WHERE state = 'queued'");
    Ok((running.unwrap_or(0), next.push(" ORDER BY run_id LIMIT 1").scalar(at).await?))
}

/// What changed about an execution besides its journal.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Where it stands.
    pub state: ExecutionState,
    /// When it goes on by itself.
    pub wake_at: Option<Timestamp>,
    /// By which version.
    pub version: u32,
    /// Steps that have ended, and steps there are so far.
    pub steps: (u64, u64),
    /// Why the first step that failed did.
    pub first_fault: Option<Fault>,
    /// It was put aside.
    pub poison: bool,
}

/// Keeps where an execution stands, with the write's other late changes.
pub fn stands(tx: &mut Tx, run: RunId, engine: InstanceId, standing: &Standing) {
    const HEAD: &str = "UPDATE workflow_executions SET state = v.column2, engine_id = v.column3, \
        wake_at = v.column4, version = v.column5, steps_ended = v.column6, steps_known = v.column7, \
        first_fault = v.column8, poison = v.column9, closed_at = v.column10, updated_at = v.column11 FROM (VALUES ";
    const TAIL: &str = ") AS v WHERE workflow_executions.closed_at IS NULL AND workflow_executions.run_id = v.column1";
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let closed = (standing.state == ExecutionState::Done).then_some(tx.now);
    let values = vec![
        run.value(),
        standing.state.word().into(),
        engine.value(),
        standing.wake_at.value(),
        i64::from(standing.version).into(),
        number(standing.steps.0).into(),
        number(standing.steps.1).into(),
        standing.first_fault.clone().map(Json).value(),
        standing.poison.into(),
        closed.value(),
        tx.now.value(),
    ];
    tx.script.add_rows(Many::change("workflow_executions", HEAD, TAIL, values));
}

/// Adds to journals. An entry whose number is taken fails the write: somebody else goes on with that execution.
///
/// # Errors
/// [`StoreError::Taken`]; when the database fails.
pub async fn append(tx: &mut Tx, entries: &[Entry]) -> Result<()> {
    insert_all(tx, entries, "").await.map(drop)
}

/// Adds to journals with the write's other late changes.
pub fn append_later(tx: &mut Tx, entries: &[Entry]) {
    insert_later(tx, entries);
}

/// Keeps values that are too large for a journal; those that are there stay.
///
/// # Errors
/// When the database fails.
pub async fn keep_blobs(tx: &mut Tx, blobs: &[Blob]) -> Result<()> {
    insert_all(tx, blobs, " ON CONFLICT DO NOTHING").await.map(drop)
}

/// The whole journal of an execution.
///
/// # Errors
/// When the database fails.
pub async fn journal(at: &impl Look, run: RunId) -> Result<Vec<Entry>> {
    Sql::select::<Entry>().and("run_id = ?", &run).push(" ORDER BY seq").all(at).await
}

/// A part of the journal of an execution inside the scope, oldest first. A cursor is the number of an entry.
///
/// # Errors
/// [`StoreError::NotFound`]; a bad cursor; when the database fails.
pub async fn journal_page(at: &impl Look, run: RunId, page: &PageRequest) -> Result<Page<Entry>> {
    get(at, run).await?;
    let after = match &page.after {
        Some(after) => after.0.parse::<u32>().map_err(|_| bad_cursor())?.into(),
        None => 0_i64,
    };
    let rows = i64::try_from(page.rows() + 1).unwrap_or(i64::MAX);
    let sql = Sql::select::<Entry>().and("run_id = ?", &run).with(" AND seq > ?", after);
    let entries = sql.with(" ORDER BY seq LIMIT ?", rows).all(at).await?;
    Ok(Page::from_overfetch(entries, page.rows(), |entry: &Entry| entry.seq.to_string()))
}

/// One large value of an execution.
///
/// # Errors
/// When the database fails.
pub async fn blob(at: &impl Look, run: RunId, hash: &[u8]) -> Result<Option<Blob>> {
    Sql::select::<Blob>().and("run_id = ?", &run).and("hash = ?", &hash.to_vec()).find(at).await
}

/// All large values of an execution.
///
/// # Errors
/// When the database fails.
pub async fn blobs(at: &impl Look, run: RunId) -> Result<Vec<Blob>> {
    Sql::select::<Blob>().and("run_id = ?", &run).all(at).await
}

/// Puts something in for an execution, behind what is there; answers its id. Two control planes that do so at the same
/// moment may give the same place: neither was first. What is over takes nothing in.
///
/// # Errors
/// When the database fails.
pub async fn put_in(tx: &mut Tx, run: RunId, event: Value) -> Result<Uuid> {
    let id = tx.new_uuid();
    Sql::new("INSERT INTO workflow_inbox (id, run_id, event, created_at, seq) SELECT ")
        .with("?", id)
        .with(", ?", run.uuid())
        .with(", ?", Json(event).value())
        .with(", ?", tx.now.as_millis())
        .with(", (SELECT coalesce(max(i.seq), 0) + 1 FROM workflow_inbox i WHERE i.run_id = ?)", run.uuid())
        .push(" WHERE EXISTS (SELECT 1 FROM workflow_executions e WHERE e.closed_at IS NULL")
        .with(" AND e.run_id = ?)", run.uuid())
        .run(tx)
        .await?;
    Ok(id)
}

/// What has come in for the executions of one control plane, for each of them in the order in which it was put in.
///
/// # Errors
/// When the database fails.
pub async fn incoming(at: &impl Look, engine: InstanceId) -> Result<Vec<Incoming>> {
    let own = "run_id IN (SELECT e.run_id FROM workflow_executions e WHERE e.engine_id = ?)";
    Sql::select::<Incoming>().and(own, &engine).push(" ORDER BY run_id, seq, id").all(at).await
}

/// It was taken in, by this transaction and by no other.
///
/// # Errors
/// [`StoreError::Stale`] where one of them was taken in before: its answer was lost, and it is not to happen again.
pub async fn taken_in(tx: &mut Tx, ids: &[Uuid]) -> Result<()> {
    let rows = ids.iter().map(|id| vec![id.value()]).collect();
    for (sql, taken) in
        Many::delete("workflow_inbox", "DELETE FROM workflow_inbox WHERE id IN (VALUES ", rows).statements()
    {
        if taken != Some(sql.run(tx).await?) {
            return Err(StoreError::Stale("inbox"));
        }
    }
    Ok(())
}

/// Forgets what has come in for an execution that is over, with the write's other late changes.
pub fn forget_incoming(tx: &mut Tx, run: RunId) {
    let rows = vec![vec![run.value()]];
    let gone = Many::delete("workflow_inbox", "DELETE FROM workflow_inbox WHERE run_id IN (VALUES ", rows);
    tx.script.add_rows(gone.uncounted());
}

/// Executions that this control plane had when it ended, those that wait for their turn included.
///
/// # Errors
/// When the database fails.
pub async fn of_engine(at: &impl Look, engine: InstanceId) -> Result<Vec<ExecutionRow>> {
    let sql = Sql::select::<ExecutionRow>().push(" AND closed_at IS NULL").and("engine_id = ?", &engine);
    sql.push(" ORDER BY run_id").all(at).await
}

/// Whether an execution has not ended and is this control plane's. Both stay so until the transaction ends.
///
/// # Errors
/// When the database fails.
pub async fn is_own(tx: &mut Tx, run: RunId, engine: InstanceId) -> Result<bool> {
    let sql = Sql::new("SELECT run_id FROM workflow_executions WHERE closed_at IS NULL").and("run_id = ?", &run);
    let sql = sql.and("engine_id = ?", &engine).push(tx.conn().dialect().share());
    Ok(sql.scalar::<RunId>(tx).await?.is_some())
}

/// Begins as this control plane's engine, or begins anew: whatever went by an older fence writes nothing any more.
///
/// # Errors
/// When the database fails.
pub async fn register(tx: &mut Tx, engine: InstanceId, lease: Duration) -> Result<u64> {
    system_only(tx)?;
    let until = tx.now.plus(lease).as_millis();
    let sql = Sql::new("INSERT INTO workflow_engines (instance_id, fence, leased_until) VALUES (")
        .with("?", engine.uuid())
        .with(", 1, ?)", until)
        .push(" ON CONFLICT (instance_id) DO UPDATE SET fence = workflow_engines.fence + 1, ")
        .push("leased_until = excluded.leased_until RETURNING fence");
    Ok(sql.scalar(tx).await?.unwrap_or(1))
}

/// Goes on as this control plane's engine.
///
/// # Errors
/// [`StoreError::Stale`] when another one has taken its executions over.
pub async fn renew(tx: &mut Tx, engine: InstanceId, fence: u64, lease: Duration) -> Result<()> {
    let until = tx.now.plus(lease).as_millis();
    let sql = Sql::new("UPDATE workflow_engines SET leased_until = ").with("? WHERE TRUE", until);
    let changed = sql.and("instance_id = ?", &engine).and("fence = ?", &fence).run(tx).await?;
    if changed == 1 { Ok(()) } else { Err(StoreError::Stale("engine")) }
}

/// Takes over the executions of control planes whose lease is over; answers how many.
///
/// # Errors
/// When the database fails.
pub async fn take_over(tx: &mut Tx, engine: InstanceId) -> Result<u64> {
    system_only(tx)?;
    // The fence rises, so that one that only was slow writes nothing any more and begins anew.
    let gone = Sql::new("UPDATE workflow_engines SET fence = fence + 1 WHERE TRUE")
        .and("leased_until < ?", &tx.now)
        .and("instance_id <> ?", &engine)
        .push(" AND EXISTS (SELECT 1 FROM workflow_executions e WHERE e.closed_at IS NULL")
        .push(" AND e.engine_id = workflow_engines.instance_id) RETURNING instance_id")
        .raws(tx)
        .await?;
    let mut taken = 0;
    for row in &gone {
        let other: InstanceId = Column::read(row, 0)?;
        let sql =
            Sql::new("UPDATE workflow_executions SET engine_id = ").with("? WHERE closed_at IS NULL", engine.uuid());
        taken += sql.and("engine_id = ?", &other).run(tx).await?;
    }
    Ok(taken)
}

/// Deletes the journals of executions of a workflow that have ended; answers how many runs it was.
///
/// # Errors
/// When the database fails.
pub async fn forget_journals(tx: &mut Tx, workflow: WorkflowId) -> Result<u64> {
    for table in ["workflow_journal", "workflow_blobs", "workflow_inbox"] {
        let within = format!("DELETE FROM {table} WHERE run_id IN (SELECT run_id FROM workflow_executions WHERE TRUE");
        Sql::new(&within).and("workflow_id = ?", &workflow).push(")").run(tx).await?;
    }
    Sql::new("DELETE FROM workflow_executions WHERE TRUE").and("workflow_id = ?", &workflow).run(tx).await
}

fn system_only(tx: &Tx) -> Result<()> {
    if tx.scope == Scope::System { Ok(()) } else { Err(StoreError::OutOfScope("engine")) }
}
