//! What happened to a run, in order, for people.

use sf_protocol::outcome::Step;
use sf_protocol::report::StepState;
use sf_types::{RunId, TenantId, Timestamp};

use crate::row::{row, words};
use crate::sql::{Sql, insert_all};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError};

words! {
    /// What kind of thing happened.
    pub enum MomentKind {
        /// It was asked for.
        Proposed = "proposed",
        /// Policy answered.
        Policy = "policy",
        /// A person was asked, or answered.
        Approval = "approval",
        /// Its command was signed.
        Signed = "signed",
        /// Its command was sent.
        Sent = "sent",
        /// The node wrote it into its journal.
        Accepted = "accepted",
        /// The node began, ended or failed a step.
        Step = "step",
        /// The node said how it ended.
        Outcome = "outcome",
        /// It ended.
        Closed = "closed",
        /// Something worth knowing that changed nothing else.
        Note = "note",
    }
}

/// Something that happened to a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Moment {
    /// When; on the node for what happened there.
    pub at: Timestamp,
    /// What kind of thing.
    pub kind: MomentKind,
    /// Which step.
    pub step: Option<Step>,
    /// What became of the step.
    pub state: Option<StepState>,
    /// For people, one line.
    pub note: String,
}

row! {
    struct MomentRow in "run_steps" {
        run: RunId = "run_id",
        seq: u64,
        tenant: TenantId = "tenant_id",
        at: Timestamp,
        kind: MomentKind,
        step: Option<Step>,
        state: Option<StepState>,
        note: String,
    }
}

/// Adds to the end of a run's timeline.
///
/// # Errors
/// [`StoreError::NotFound`] when the run is not inside the scope.
pub async fn append(tx: &mut Tx, run: RunId, moments: &[Moment]) -> Result<()> {
    let last = Sql::new("SELECT tenant_id, (SELECT COALESCE(max(s.seq), 0) FROM run_steps s WHERE s.run_id = runs.id)")
        .push(" FROM runs WHERE TRUE")
        .and("id = ?", &run)
        .scoped(tx.scope());
    let row = last.raw(tx).await?.ok_or(StoreError::NotFound("run"))?;
    let mut place = 0;
    let tenant: TenantId = crate::row::column(&row, &mut place)?;
    let last: u64 = crate::row::column(&row, &mut place)?;
    let rows: Vec<_> = (last + 1..)
        .zip(moments.iter().cloned())
        .map(|(seq, Moment { at, kind, step, state, note })| MomentRow {
            run,
            seq,
            tenant,
            at,
            kind,
            step,
            state,
            note,
        })
        .collect();
    insert_all(tx, &rows, "").await.map(drop)
}

/// A run's timeline in order.
///
/// # Errors
/// When the database fails.
pub async fn of_run(at: &impl Look, run: RunId) -> Result<Vec<Moment>> {
    let mut sql = Sql::select::<MomentRow>().and("run_id = ?", &run);
    if let Some(tenant) = at.scope().tenant() {
        sql = sql.and("tenant_id = ?", &tenant);
    }
    if let Some(project) = at.scope().project() {
        sql = sql.with(" AND run_id IN (SELECT id FROM runs WHERE project_id = ?)", project.uuid());
    }
    let rows: Vec<MomentRow> = sql.push(" ORDER BY seq").all(at).await?;
    let moment =
        |row: MomentRow| Moment { at: row.at, kind: row.kind, step: row.step, state: row.state, note: row.note };
    Ok(rows.into_iter().map(moment).collect())
}
