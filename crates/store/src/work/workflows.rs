//! Workflows: their versions, and what starts them.

use serde_json::Value;
use sf_types::{Fault, Page, PageRequest, ProjectId, Scope, Slug, TenantId, Timestamp, TriggerId, UserId, WorkflowId};

use crate::row::{Json, row};
use crate::seen::Places;
use crate::sql::{Sql, containing, insert, insert_all, page_of};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError};

/// Workflows of a project at the most.
pub const MAX_PER_PROJECT: u64 = 1_000;

row! {
    /// A workflow.
    pub struct Workflow in "workflows" {
        /// Its id.
        id: WorkflowId,
        /// Whose.
        tenant: TenantId = "tenant_id",
        /// In which project.
        project: ProjectId = "project_id",
        /// Its name, unique within the project.
        name: Slug,
        /// What it is for.
        description: Option<String>,
        /// Its newest version, from 1.
        version: u32,
        /// That version's hash.
        hash: String,
        /// Whether its triggers start it.
        enabled: bool,
        /// For whom its triggers act.
        owner: UserId = "owner_id",
        /// When it was made.
        created_at: Timestamp,
        /// When it last changed.
        updated_at: Timestamp,
    }
}

row! {
    /// A version of a workflow; never changed.
    pub struct Version in "workflow_versions" {
        /// Of which.
        workflow: WorkflowId = "workflow_id",
        /// From 1.
        version: u32,
        /// Whose.
        tenant: TenantId = "tenant_id",
        /// SHA-256 of the document in its plain form, in hex.
        hash: String,
        /// The document as it was written.
        document: String,
        /// By whom.
        created_by: Option<UserId>,
        /// When.
        created_at: Timestamp,
    }
}

row! {
    /// What starts a workflow.
    pub struct Trigger in "workflow_triggers" {
        /// Its id; part of a webhook's address.
        id: TriggerId,
        /// Whose.
        tenant: TenantId = "tenant_id",
        /// In which project.
        project: ProjectId = "project_id",
        /// Of which workflow.
        workflow: WorkflowId = "workflow_id",
        /// Its id within the document.
        name: String,
        /// `cron` or `webhook`.
        kind: String,
        /// When it fires next, where a calendar says so.
        next_at: Option<Timestamp>,
        /// When it fired last.
        last_at: Option<Timestamp>,
        /// Moments that passed without it, in all.
        missed: u64,
        /// Why it could not start the workflow last.
        last_fault: Option<Json<Fault>>,
        /// When it came to be.
        created_at: Timestamp,
    }
}

/// How a workflow is seen: with its project.
const SEEN: Places = Places::in_project("project_id");

/// Keeps a new workflow.
///
/// # Errors
/// [`StoreError::Taken`] when the name is; [`StoreError::OutOfScope`].
pub async fn create(tx: &mut Tx, workflow: &Workflow) -> Result<()> {
    tx.own("workflow", workflow.tenant, Some(workflow.project))?;
    insert(tx, workflow).await
}

/// Keeps a version.
///
/// # Errors
/// [`StoreError::Taken`] when there is one of this number.
pub async fn add_version(tx: &mut Tx, version: &Version) -> Result<()> {
    insert(tx, version).await
}

/// Makes `version` the newest.
///
/// # Errors
/// [`StoreError::Stale`] when `before` is not the newest any more; [`StoreError::Taken`] when the name is.
pub async fn set_version(tx: &mut Tx, workflow: &Workflow, before: u32) -> Result<()> {
    let changed = Sql::new("UPDATE workflows SET version = ")
        .with("?", i64::from(workflow.version))
        .with(", name = ?", workflow.name.to_string())
        .with(", description = ?", workflow.description.clone())
        .with(", hash = ?", workflow.hash.clone())
        .with(", updated_at = ? WHERE TRUE", tx.now.as_millis())
        .and("id = ?", &workflow.id)
        .and("version = ?", &before)
        .scoped(tx.scope())
        .run(tx)
        .await?;
    if changed == 1 { Ok(()) } else { Err(StoreError::Stale("workflow")) }
}

/// Switches its triggers.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn enable(tx: &mut Tx, id: WorkflowId, enabled: bool, owner: UserId) -> Result<()> {
    Sql::new("UPDATE workflows SET enabled = ")
        .with("?", enabled)
        .with(", owner_id = ?", owner.uuid())
        .with(", updated_at = ? WHERE TRUE", tx.now.as_millis())
        .and("id = ?", &id)
        .scoped(tx.scope())
        .run_one(tx, "workflow")
        .await
}

/// Deletes a workflow with its versions and triggers.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn delete(tx: &mut Tx, id: WorkflowId) -> Result<()> {
    get(tx, id).await?;
    for table in ["workflow_triggers", "workflow_versions"] {
        Sql::new(&format!("DELETE FROM {table} WHERE TRUE")).and("workflow_id = ?", &id).run(tx).await?;
    }
    Sql::new("DELETE FROM workflows WHERE TRUE").and("id = ?", &id).scoped(tx.scope()).run_one(tx, "workflow").await
}

/// A workflow inside the scope.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(at: &impl Look, id: WorkflowId) -> Result<Workflow> {
    Sql::select::<Workflow>().and("id = ?", &id).scoped(at.scope()).seen(at, &SEEN).get(at, "workflow").await
}

/// A workflow of a project by its name.
///
/// # Errors
/// When the database fails.
pub async fn named(at: &impl Look, project: ProjectId, name: &Slug) -> Result<Option<Workflow>> {
    let sql = Sql::select::<Workflow>().and("project_id = ?", &project).and("name = ?", name);
    sql.scoped(at.scope()).seen(at, &SEEN).find(at).await
}

/// How many a project has.
///
/// # Errors
/// When the database fails.
pub async fn count_of_project(at: &impl Look, project: ProjectId) -> Result<u64> {
    let sql = Sql::new("SELECT count(*) FROM workflows WHERE TRUE").and("project_id = ?", &project);
    Ok(sql.scoped(at.scope()).scalar(at).await?.unwrap_or(0))
}

/// Workflows inside the scope, newest first, with this in the name.
///
/// # Errors
/// A bad cursor; when the database fails.
pub async fn page(
    at: &impl Look,
    project: Option<ProjectId>,
    q: Option<&str>,
    page: &PageRequest,
) -> Result<Page<Workflow>> {
    let mut sql = Sql::select::<Workflow>().scoped(at.scope()).seen(at, &SEEN);
    sql = sql.and_some("project_id = ?", project.as_ref());
    if let Some(q) = q {
        sql = sql.with(" AND name LIKE ? ESCAPE '\\'", containing(q));
    }
    Ok(page_of(sql.page(page)?.all(at).await?, page, |workflow: &Workflow| workflow.id.uuid()))
}

/// One version of a workflow.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn version(at: &impl Look, id: WorkflowId, version: u32) -> Result<Version> {
    let sql = Sql::select::<Version>().and("workflow_id = ?", &id).and("version = ?", &version);
    sql.tenant_scoped(at.scope()).get(at, "version").await
}

/// Versions of a workflow, newest first.
///
/// # Errors
/// When the database fails.
pub async fn versions(at: &impl Look, id: WorkflowId, before: Option<u32>, limit: u32) -> Result<Vec<Version>> {
    let sql = Sql::select::<Version>().and("workflow_id = ?", &id).and_some("version < ?", before.as_ref());
    sql.tenant_scoped(at.scope()).with(" ORDER BY version DESC LIMIT ?", i64::from(limit)).all(at).await
}

/// Replaces the triggers of a workflow. Those that go by the same name keep their id, and when they fired.
///
/// # Errors
/// When the database fails.
pub async fn set_triggers(tx: &mut Tx, id: WorkflowId, wanted: &[Trigger]) -> Result<()> {
    Sql::new("DELETE FROM workflow_triggers WHERE TRUE").and("workflow_id = ?", &id).run(tx).await?;
    insert_all(tx, wanted, "").await.map(drop)
}

/// Triggers of a workflow.
///
/// # Errors
/// When the database fails.
pub async fn triggers(at: &impl Look, id: WorkflowId) -> Result<Vec<Trigger>> {
    let sql = Sql::select::<Trigger>().and("workflow_id = ?", &id).tenant_scoped(at.scope());
    sql.push(" ORDER BY name").all(at).await
}

/// Workflows of a project whose webhooks are switched on, by name.
///
/// # Errors
/// When the database fails.
pub async fn listening(at: &impl Look, project: ProjectId) -> Result<Vec<Workflow>> {
    let hooks =
        " AND EXISTS (SELECT 1 FROM workflow_triggers t WHERE t.workflow_id = workflows.id AND t.kind = 'webhook')";
    let sql = Sql::select::<Workflow>().and("project_id = ?", &project).push(" AND enabled").push(hooks);
    sql.scoped(at.scope()).push(" ORDER BY name").all(at).await
}

/// One trigger; of any team, since its own signature says who may use it.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn trigger(at: &impl Look, id: TriggerId) -> Result<Trigger> {
    Sql::select::<Trigger>().and("id = ?", &id).tenant_scoped(at.scope()).get(at, "trigger").await
}

/// Triggers of workflows that are switched on, due by `now`, the longest due first.
///
/// # Errors
/// When the database fails.
pub async fn due(at: &impl Look, now: Timestamp, limit: u32) -> Result<Vec<Trigger>> {
    debug_assert_eq!(at.scope(), Scope::System, "triggers of all teams");
    let sql = Sql::select::<Trigger>().and("next_at <= ?", &now);
    sql.with(" ORDER BY next_at LIMIT ?", i64::from(limit)).all(at).await
}

/// When the next trigger is due.
///
/// # Errors
/// When the database fails.
pub async fn next_due(at: &impl Look) -> Result<Option<Timestamp>> {
    Sql::new("SELECT min(next_at) FROM workflow_triggers").scalar(at).await.map(Option::flatten)
}

/// What became of a trigger's moment.
#[derive(Clone, Debug, Default)]
pub struct Firing {
    /// It fired then.
    pub at: Option<Timestamp>,
    /// When it fires next.
    pub next: Option<Timestamp>,
    /// Moments that passed without it.
    pub missed: u64,
    /// Why it could not start the workflow.
    pub fault: Option<Fault>,
}

/// Keeps what became of a trigger's moment, unless somebody else has dealt with it: then [`StoreError::Stale`].
///
/// # Errors
/// As said; when the database fails.
pub async fn fired(tx: &mut Tx, trigger: &Trigger, firing: &Firing) -> Result<()> {
    let next: Value = firing.next.map_or(Value::Null, |next| next.as_millis().into());
    let mut sql = Sql::new("UPDATE workflow_triggers SET next_at = ").with("?", next.as_i64());
    if let Some(at) = firing.at {
        sql = sql.with(", last_at = ?", at.as_millis());
    }
    let fault = firing.fault.clone().map(Json);
    let sql = sql
        .with(", missed = missed + ?", i64::try_from(firing.missed).unwrap_or(i64::MAX))
        .with(", last_fault = ? WHERE TRUE", crate::row::Column::value(&fault))
        .and("id = ?", &trigger.id);
    let changed = match trigger.next_at {
        Some(before) => sql.and("next_at = ?", &before).run(tx).await?,
        None => sql.push(" AND next_at IS NULL").run(tx).await?,
    };
    if changed == 1 { Ok(()) } else { Err(StoreError::Stale("trigger")) }
}
