//! How actions that AI agents proposed went, and what was learnt from it.

use serde_json::Value;
use sf_policy::learning::Source;
use sf_types::{Page, PageRequest, ProjectId, RunId, TenantId, Timestamp, TokenId};
use uuid::Uuid;

use crate::Result;
use crate::row::{Column, Json, column, row};
use crate::sql::{Sql, insert_all, page_of};
use crate::tx::{Look, Tx};

row! {
    /// One proposal of an agent and whether it was right.
    pub struct SampleRow in "learning_samples" {
        /// Its id.
        id: Uuid,
        /// Whose.
        tenant: TenantId = "tenant_id",
        /// In which project.
        project: Option<ProjectId> = "project_id",
        /// Of which run.
        run: RunId = "run_id",
        /// What says so.
        source: Source,
        /// The action's name.
        action: String,
        /// The agent, by its token.
        agent: TokenId = "agent_id",
        /// With which tool.
        tool: Option<String>,
        /// How sure it said it was, 0-100.
        score: Option<u8>,
        /// What was made of it then, 0-100.
        confidence: Option<u8>,
        /// Its best estimate then, in thousandths.
        estimate: Option<u16>,
        /// Whether it was right.
        good: bool,
        /// When.
        at: Timestamp,
    }
}

/// Keeps a sample; one run has one of each source. Answers whether it is new.
///
/// # Errors
/// [`crate::StoreError::OutOfScope`]; when the database fails.
pub async fn keep(tx: &mut Tx, sample: &SampleRow) -> Result<bool> {
    tx.own("sample", sample.tenant, sample.project)?;
    Ok(insert_all(tx, std::slice::from_ref(sample), " ON CONFLICT DO NOTHING").await? > 0)
}

/// Which samples.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SampleFilter {
    /// Of this action.
    pub action: Option<String>,
    /// Of this agent.
    pub agent: Option<TokenId>,
}

/// Samples inside the scope, newest first.
///
/// # Errors
/// A bad cursor; when the database fails.
pub async fn page(at: &impl Look, filter: &SampleFilter, page: &PageRequest) -> Result<Page<SampleRow>> {
    let sql = Sql::select::<SampleRow>()
        .scoped(at.scope())
        .and_some("action = ?", filter.action.as_ref())
        .and_some("agent_id = ?", filter.agent.as_ref());
    Ok(page_of(sql.page(page)?.all(at).await?, page, |sample: &SampleRow| sample.id))
}

/// The newest samples of a team, up to `limit`.
///
/// # Errors
/// When the database fails.
pub async fn newest(at: &impl Look, filter: &SampleFilter, limit: u32) -> Result<Vec<SampleRow>> {
    let sql = Sql::select::<SampleRow>()
        .scoped(at.scope())
        .and_some("action = ?", filter.action.as_ref())
        .and_some("agent_id = ?", filter.agent.as_ref());
    sql.with(" ORDER BY id DESC LIMIT ?", i64::from(limit)).all(at).await
}

/// Actions and agents of which there are samples, with how many were right and how many there are.
///
/// # Errors
/// When the database fails.
pub async fn groups(at: &impl Look, limit: u32) -> Result<Vec<(String, TokenId, u64, u64)>> {
    let sql = Sql::new(
        "SELECT action, agent_id, count(CASE WHEN good THEN 1 END), count(*) FROM learning_samples WHERE TRUE",
    );
    let sql = sql.scoped(at.scope()).push(" GROUP BY action, agent_id ORDER BY 4 DESC, 1, 2");
    let rows = sql.with(" LIMIT ?", i64::from(limit)).raws(at).await?;
    let read = |row| {
        let mut place = 0;
        Ok((column(row, &mut place)?, column(row, &mut place)?, column(row, &mut place)?, column(row, &mut place)?))
    };
    rows.iter().map(read).collect()
}

/// What was learnt at these levels of a team, by level; none where nothing was.
///
/// # Errors
/// When the database fails.
pub async fn states(at: &impl Look, tenant: TenantId, levels: &[String]) -> Result<Vec<(String, Value)>> {
    let Some((first, more)) = levels.split_first() else { return Ok(Vec::new()) };
    let sql = Sql::new("SELECT level, state FROM learning_states WHERE TRUE").and("tenant_id = ?", &tenant);
    let sql = sql.and_some("tenant_id = ?", at.scope().tenant().as_ref()).with(" AND level IN (?", first.as_str());
    let sql = more.iter().fold(sql, |sql, level| sql.with(", ?", level.as_str())).push(")");
    let read = |row| {
        let mut place = 0;
        let (level, state): (String, Json<Value>) = (column(row, &mut place)?, column(row, &mut place)?);
        Ok((level, state.0))
    };
    sql.raws(at).await?.iter().map(read).collect()
}

/// Keeps what was learnt at a level, with the write's other late changes.
///
/// # Errors
/// [`crate::StoreError::OutOfScope`].
pub fn learn(tx: &mut Tx, tenant: TenantId, level: &str, state: Value) -> Result<()> {
    tx.own("what was learnt", tenant, None)?;
    Sql::new("INSERT INTO learning_states (tenant_id, level, state, updated_at) VALUES (")
        .with("?", tenant.uuid())
        .with(", ?", level)
        .with(", ?", Json(state).value())
        .with(", ?)", tx.now.as_millis())
        .push(" ON CONFLICT (tenant_id, level) DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at")
        .later(tx, None);
    Ok(())
}

/// Deletes samples older than `before`; what was learnt from them stays.
///
/// # Errors
/// When the database fails.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    Sql::new("DELETE FROM learning_samples WHERE TRUE").and("at < ?", &before).run(tx).await
}
