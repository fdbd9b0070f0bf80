//! What happened to a run, in order, for people.

use sf_engine::Run;
use sf_protocol::outcome::Step;
use sf_protocol::report::StepState;
use sf_types::{RunId, TenantId, Timestamp};

use crate::Result;
use crate::many::Many;
use crate::row::{Column, row, words};
use crate::sql::Sql;
use crate::tx::{Look, Tx};

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

/// Adds to the end of a run's timeline, with the write's other late changes. The run is stored, or will be by then.
///
/// # Errors
/// [`crate::StoreError::OutOfScope`].
pub fn append(tx: &mut Tx, run: &Run, moments: &[Moment]) -> Result<()> {
    tx.own("run", run.tenant, run.project)?;
    let rows = moments.iter().map(|moment| {
        vec![
            run.id.value(),
            tx.script.next().value(),
            moment.at.value(),
            moment.kind.value(),
            moment.step.value(),
            moment.state.value(),
            moment.note.as_str().into(),
        ]
    });
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        tx.script.add_rows(Many::timeline("run_steps", APPEND, ") AS m ON m.column1 = r.id", rows));
    }
    Ok(())
}

/// Behind what is there; among themselves in the order in which they were kept.
const APPEND: &str = "INSERT INTO run_steps (run_id, seq, tenant_id, at, kind, step, state, note) \
     SELECT r.id, COALESCE((SELECT max(s.seq) FROM run_steps s WHERE s.run_id = r.id), 0) \
     + row_number() OVER (PARTITION BY m.column1 ORDER BY m.column2), \
     r.tenant_id, m.column3, m.column4, m.column5, m.column6, m.column7 FROM runs r JOIN (VALUES ";

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
