//! What waits for a person's decision, and what was decided.

use serde_json::Value;
use sf_actions::rules::Terms;
use sf_engine::workflow::StepKey;
use sf_types::{ApprovalId, Page, PageRequest, ProjectId, RunId, TenantId, Timestamp, UserId};
use uuid::Uuid;

use crate::row::{Json, row, words};
use crate::seen::Places;
use crate::sql::{Sql, insert, page_of};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError};

words! {
    /// Where an approval stands.
    pub enum ApprovalState {
        /// Waits for a person.
        Open = "open",
        /// It waits for long and is pressing.
        Escalated = "escalated",
        /// A person decided.
        Decided = "decided",
        /// Nobody decided in time.
        Expired = "expired",
        /// What it was about is gone or has changed.
        Withdrawn = "withdrawn",
    }
}

words! {
    /// What a person said.
    pub enum Verdict {
        /// Go ahead.
        Approved = "approved",
        /// No.
        Rejected = "rejected",
    }
}

row! {
    /// A card before people.
    pub struct Approval in "approvals" {
        /// Its id.
        id: ApprovalId,
        /// Whose.
        tenant: TenantId = "tenant_id",
        /// In which project.
        project: Option<ProjectId> = "project_id",
        /// What it is about: [`RUN`] or [`STEP`].
        subject_kind: String,
        /// Which run; for a step, the approval's own id.
        subject: Uuid = "subject_id",
        /// Hash of actor, action, arguments and guard: what a decision is bound to.
        hash: String,
        /// The facts shown.
        guard: Json<Value>,
        /// What would change.
        diff: Json<Value>,
        /// Where it stands.
        state: ApprovalState,
        /// What was decided.
        decision: Option<Verdict>,
        /// By whom.
        decided_by: Option<UserId>,
        /// Why.
        comment: Option<String>,
        /// When it was put there.
        opened_at: Timestamp,
        /// Until when it can be decided.
        expires_at: Timestamp,
        /// When it was decided or ended.
        decided_at: Option<Timestamp>,
        /// The run, or the workflow's run that the step belongs to.
        run: Option<RunId> = "run_id",
        /// The step.
        step: Option<StepKey>,
        /// When it became pressing.
        escalated_at: Option<Timestamp>,
        /// Who may decide, and how many have to; one of all who may where there are none.
        terms: Option<Json<Terms>>,
        /// A decision about a step is held until then, so that it can be taken back.
        held_until: Option<Timestamp>,
    }
}

/// What an approval about a run says in `subject_kind`.
pub const RUN: &str = "run";
/// What one about a step of a workflow's run says there.
pub const STEP: &str = "step";

/// Puts a card before people.
///
/// # Errors
/// [`StoreError::Taken`] when the run has an open one; [`StoreError::OutOfScope`].
pub async fn open(tx: &mut Tx, approval: &Approval) -> Result<()> {
    tx.own("approval", approval.tenant, approval.project)?;
    insert(tx, approval).await
}

/// How an approval is seen: with the run it is about.
pub(crate) const SEEN: Places = Places {
    project: "project_id",
    node: Some("(SELECT r.node_id FROM runs r WHERE r.id = run_id)"),
    app: Some("(SELECT r.app_id FROM runs r WHERE r.id = run_id)"),
    server: Some("(SELECT r.server_id FROM runs r WHERE r.id = run_id)"),
};

/// An approval inside the scope.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(at: &impl Look, id: ApprovalId) -> Result<Approval> {
    Sql::select::<Approval>().and("id = ?", &id).scoped(at.scope()).seen(at, &SEEN).get(at, "approval").await
}

/// The open approval of a run.
///
/// # Errors
/// When the database fails.
pub async fn open_of_run(at: &impl Look, run: RunId) -> Result<Option<Approval>> {
    let sql = Sql::select::<Approval>().push(" AND state IN ('open', 'escalated')").and("subject_id = ?", &run);
    sql.scoped(at.scope()).seen(at, &SEEN).find(at).await
}

/// All approvals of a run, newest first.
///
/// # Errors
/// When the database fails.
pub async fn of_run(at: &impl Look, run: RunId) -> Result<Vec<Approval>> {
    let about = "id IN (SELECT a.id FROM approvals a WHERE a.run_id = ?)";
    let sql = Sql::select::<Approval>().and(about, &run).scoped(at.scope()).seen(at, &SEEN);
    sql.push(" ORDER BY id DESC").all(at).await
}

/// Approvals inside the scope, newest first.
///
/// # Errors
/// A bad cursor; when the database fails.
pub async fn page(at: &impl Look, state: Option<ApprovalState>, page: &PageRequest) -> Result<Page<Approval>> {
    let sql = Sql::select::<Approval>().scoped(at.scope()).seen(at, &SEEN);
    let sql = match state {
        // What is pressing is open, too.
        Some(ApprovalState::Open) => sql.push(" AND state IN ('open', 'escalated')"),
        state => sql.and_some("state = ?", state.as_ref()),
    };
    Ok(page_of(sql.page(page)?.all(at).await?, page, |approval: &Approval| approval.id.uuid()))
}

/// Decides an open approval. It counts once, in time, and only for exactly what was shown.
///
/// # Errors
/// [`StoreError::Stale`] when it is not open any more, has expired, or `hash` is of something else.
pub async fn decide(
    tx: &mut Tx,
    id: ApprovalId,
    hash: &str,
    verdict: Verdict,
    by: UserId,
    comment: Option<&str>,
) -> Result<()> {
    let changed = Sql::new("UPDATE approvals SET state = 'decided'")
        .with(", decision = ?", verdict.word())
        .with(", decided_by = ?", by.uuid())
        .with(", comment = ?", comment.map(str::to_owned))
        .with(", decided_at = ? WHERE state IN ('open', 'escalated')", tx.now.as_millis())
        .and("id = ?", &id)
        .with(" AND hash = ?", hash)
        .and("expires_at > ?", &tx.now)
        .scoped(tx.scope())
        .run(tx)
        .await?;
    if changed == 1 { Ok(()) } else { Err(StoreError::Stale("approval")) }
}

/// The newest decided approval of a run with this hash.
///
/// # Errors
/// When the database fails.
pub async fn decided_of_run(at: &impl Look, run: RunId, hash: &str) -> Result<Option<Approval>> {
    let sql = Sql::select::<Approval>().push(" AND state = 'decided'").and("run_id = ?", &run);
    sql.with(" AND hash = ?", hash).scoped(at.scope()).push(" ORDER BY id DESC").find(at).await
}

/// Holds a decision about a step until then.
///
/// # Errors
/// When the database fails.
pub async fn hold(tx: &mut Tx, id: ApprovalId, until: Timestamp) -> Result<()> {
    let sql = Sql::new("UPDATE approvals SET held_until = ").with("? WHERE TRUE", until.as_millis());
    sql.and("id = ?", &id).scoped(tx.scope()).run_one(tx, "approval").await
}

/// Puts a card about a step, whose decision is held, before people again.
///
/// # Errors
/// [`StoreError::Stale`] where it is not held any more.
pub async fn reopen(tx: &mut Tx, id: ApprovalId) -> Result<()> {
    let changed =
        Sql::new("UPDATE approvals SET state = CASE WHEN escalated_at IS NULL THEN 'open' ELSE 'escalated' END, ")
            .push("decision = NULL, decided_by = NULL, comment = NULL, decided_at = NULL, held_until = NULL")
            .push(" WHERE state = 'decided' AND held_until IS NOT NULL")
            .and("id = ?", &id)
            .and("held_until > ?", &tx.now)
            .scoped(tx.scope())
            .run(tx)
            .await?;
    if changed == 1 { Ok(()) } else { Err(StoreError::Stale("approval")) }
}

/// Withdraws a card whose decision was taken back: its run waits with another one, and nobody has decided this one.
///
/// # Errors
/// [`StoreError::Stale`] where nothing is decided about it.
pub async fn undecide(tx: &mut Tx, id: ApprovalId) -> Result<()> {
    let sql = Sql::new("UPDATE approvals SET state = 'withdrawn', decision = NULL, decided_by = NULL, comment = NULL");
    let changed =
        sql.push(", decided_at = NULL WHERE state = 'decided'").and("id = ?", &id).scoped(tx.scope()).run(tx).await?;
    if changed == 1 { Ok(()) } else { Err(StoreError::Stale("approval")) }
}

/// A held decision about a step counts from now on; answers whether it was still held.
///
/// # Errors
/// When the database fails.
pub async fn release(tx: &mut Tx, id: ApprovalId) -> Result<bool> {
    let sql = Sql::new("UPDATE approvals SET held_until = NULL WHERE state = 'decided' AND held_until IS NOT NULL");
    Ok(sql.and("id = ?", &id).scoped(tx.scope()).run(tx).await? == 1)
}

/// Keeps a card from being decided by anybody else until this transaction ends: voices are counted one after another.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn lock(tx: &mut Tx, id: ApprovalId) -> Result<()> {
    let sql = Sql::new("UPDATE approvals SET hash = hash WHERE TRUE").and("id = ?", &id);
    sql.scoped(tx.scope()).run_one(tx, "approval").await
}

/// Ends the open approval of a run without a decision; answers whether there was one.
///
/// # Errors
/// When the database fails.
pub async fn end(tx: &mut Tx, run: RunId, state: ApprovalState) -> Result<bool> {
    let changed = Sql::new("UPDATE approvals SET state = ")
        .with("?", state.word())
        .with(", decided_at = ? WHERE state IN ('open', 'escalated')", tx.now.as_millis())
        .and("subject_id = ?", &run)
        .scoped(tx.scope())
        .run(tx)
        .await?;
    Ok(changed > 0)
}

/// Cards of steps of a workflow's run that wait for a decision.
///
/// # Errors
/// When the database fails.
pub async fn open_steps(at: &impl Look, run: RunId) -> Result<Vec<Approval>> {
    let sql = Sql::select::<Approval>().push(" AND state IN ('open', 'escalated') AND subject_kind = 'step'");
    sql.and("run_id = ?", &run).scoped(at.scope()).seen(at, &SEEN).push(" ORDER BY id").all(at).await
}

/// Ends a card of a step without a decision, with the write's other late changes.
pub fn end_step(tx: &mut Tx, id: ApprovalId, state: ApprovalState) {
    Sql::new("UPDATE approvals SET state = ")
        .with("?", state.word())
        .with(", decided_at = ? WHERE state IN ('open', 'escalated')", tx.now.as_millis())
        .and("id = ?", &id)
        .later(tx, None);
}

/// Takes all cards of a workflow's run back that are still before people, with the write's other late changes.
pub fn withdraw_steps(tx: &mut Tx, run: RunId) {
    Sql::new("UPDATE approvals SET state = 'withdrawn'")
        .with(", decided_at = ? WHERE state IN ('open', 'escalated')", tx.now.as_millis())
        .push(" AND subject_kind = 'step'")
        .and("run_id = ?", &run)
        .later(tx, None);
}

/// Marks a card as pressing, with the write's other late changes.
pub fn escalate(tx: &mut Tx, id: ApprovalId) {
    Sql::new("UPDATE approvals SET state = 'escalated'")
        .with(", escalated_at = ? WHERE state = 'open'", tx.now.as_millis())
        .and("id = ?", &id)
        .later(tx, None);
}
