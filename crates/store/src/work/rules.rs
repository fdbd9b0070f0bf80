//! Rules of routing, of a team or of one project.

use serde_json::Value;
use sf_types::{ProjectId, TenantId, Timestamp, UserId};
use uuid::Uuid;

use crate::row::{Column, Json, row};
use crate::sql::{Sql, insert};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError};

row! {
    /// The rules of one place.
    pub struct RulesRow in "routing_rules" {
        /// Its id.
        id: Uuid,
        /// Whose.
        tenant: TenantId = "tenant_id",
        /// The project; `None` for the whole team.
        project: Option<ProjectId> = "project_id",
        /// What they say.
        rules: Json<Value>,
        /// From 1; each change makes the next.
        version: u64,
        /// Who changed them last.
        updated_by: Option<UserId>,
        /// When.
        updated_at: Timestamp,
    }
}

/// The rules of a team, first its own and then those of its projects.
///
/// # Errors
/// When the database fails.
pub async fn all(at: &impl Look, tenant: TenantId) -> Result<Vec<RulesRow>> {
    let sql =
        Sql::select::<RulesRow>().and("tenant_id = ?", &tenant).and_some("tenant_id = ?", at.scope().tenant().as_ref());
    let mut rows: Vec<RulesRow> = sql.push(" ORDER BY id").all(at).await?;
    rows.sort_by_key(|row| row.project.is_some());
    Ok(rows)
}

/// Keeps the rules of a place over those of version `from`; 0 where there were none. Answers the new version.
///
/// # Errors
/// [`StoreError::Stale`] where somebody else has changed them meanwhile; [`StoreError::OutOfScope`].
pub async fn keep(
    tx: &mut Tx,
    tenant: TenantId,
    project: Option<ProjectId>,
    rules: Value,
    from: u64,
    by: Option<UserId>,
) -> Result<u64> {
    tx.own("routing rules", tenant, project)?;
    let version = from + 1;
    if from == 0 {
        let (id, updated_at) = (tx.new_uuid(), tx.now);
        let row = RulesRow { id, tenant, project, rules: Json(rules), version, updated_by: by, updated_at };
        return match insert(tx, &row).await {
            Err(StoreError::Taken(_)) => Err(StoreError::Stale("routing rules")),
            done => done.map(|()| version),
        };
    }
    let sql = Sql::new("UPDATE routing_rules SET rules = ")
        .with("?", Json(rules).value())
        .with(", version = ?", i64::try_from(version).unwrap_or(i64::MAX))
        .with(", updated_by = ?", by.value())
        .with(", updated_at = ? WHERE TRUE", tx.now.as_millis())
        .and("tenant_id = ?", &tenant)
        .and("version = ?", &from);
    let sql = match project {
        Some(project) => sql.and("project_id = ?", &project),
        None => sql.push(" AND project_id IS NULL"),
    };
    if sql.run(tx).await? == 1 { Ok(version) } else { Err(StoreError::Stale("routing rules")) }
}
