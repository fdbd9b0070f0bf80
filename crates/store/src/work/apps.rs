//! What is deployed from git.

pub mod deploy_keys;
pub mod hooks;
pub mod previews;

use std::collections::HashMap;

use sf_actions::Environment;
use sf_actions::app::Settings;
use sf_engine::plan;
use sf_protocol::app::{AppSpec, AppState};
use sf_types::{AppId, NodeId, Page, PageRequest, Port, ProjectId, ReleaseId, Slug, TenantId, Timestamp};

use crate::row::{Column, Field, Json, column, row, words};
use crate::seen::Places;
use crate::sql::{Sql, containing, insert, page_of};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError, nodes, releases};

words! {
    /// What an app shall do.
    pub enum Desired {
        /// Run.
        Running = "running",
        /// Not run.
        Stopped = "stopped",
    }
}

row! {
    /// Something deployed from git.
    pub struct App in "apps" {
        /// Its id.
        id: AppId,
        /// Whose.
        tenant: TenantId = "tenant_id",
        /// In which project.
        project: ProjectId = "project_id",
        /// On which machine.
        node: NodeId = "node_id",
        /// Its name, unique within the project.
        name: Slug,
        /// How it is made and run.
        settings: Json<Settings>,
        /// Raised by every lasting change.
        generation: u64,
        /// What it shall do.
        desired: Desired,
        /// What it does, as last heard.
        state: AppState,
        /// What serves.
        live_release: Option<ReleaseId>,
        /// Where it is reached.
        stable_port: Option<Port>,
        /// What its processes listen on.
        detected_ports: Json<Vec<Port>>,
        /// Why it is in this state.
        state_reason: Option<String>,
        /// Restarts of the live release.
        restarts: u32,
        /// When it was made.
        created_at: Timestamp,
        /// When it last changed.
        updated_at: Timestamp,
        /// When it was deleted.
        deleted_at: Option<Timestamp>,
        /// The app of whose branch it is a preview.
        preview_of: Option<AppId>,
    }
}

impl App {
    /// What of its environment its processes get.
    pub const fn environment(&self) -> Environment {
        if self.preview_of.is_some() { Environment::Preview } else { Environment::Production }
    }
}

/// A new app.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewApp {
    /// Its id.
    pub id: AppId,
    /// In which project.
    pub project: ProjectId,
    /// On which machine.
    pub node: NodeId,
    /// Its name.
    pub name: Slug,
    /// How it is made and run.
    pub settings: Settings,
    /// The app of whose branch it is a preview.
    pub preview_of: Option<AppId>,
}

/// Columns by which an app is seen.
const SEEN: Places = Places { project: "project_id", node: Some("node_id"), app: Some("id"), server: None };

/// Which apps.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AppFilter {
    /// On this machine.
    pub node: Option<NodeId>,
    /// In this project.
    pub project: Option<ProjectId>,
    /// With this in the name.
    pub q: Option<String>,
    /// Previews alone, or none of them.
    pub previews: Option<bool>,
}

/// What changed of an app on its node; `None` leaves a value as it is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AppChange {
    /// What it does.
    pub state: Option<AppState>,
    /// Why; set together with the state.
    pub reason: Option<String>,
    /// What serves: `Some(None)` for nothing.
    pub live_release: Option<Option<ReleaseId>>,
    /// Where it is reached: `Some(None)` for nowhere.
    pub stable_port: Option<Option<Port>>,
    /// What its processes listen on.
    pub detected_ports: Option<Vec<Port>>,
    /// Restarts of the live release.
    pub restarts: Option<u32>,
    /// Generation the node holds; a higher one than ours is taken over, ours is never lowered. What was applied under
    /// one that we never gave is not known then.
    pub generation: Option<u64>,
    /// What it shall do, by the node's own word.
    pub desired: Option<Desired>,
    /// The app as the node has taken it.
    pub applied: Option<AppSpec>,
}

/// What an app is by its node's last word, for bringing a node that fell behind back in step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Applied {
    /// The app as the node took it.
    pub spec: AppSpec,
    /// Its generation now.
    pub generation: u64,
    /// What it shall do.
    pub desired: Desired,
    /// What serves.
    pub live: ReleaseId,
}

/// Adds an app: never deployed, not running.
///
/// # Errors
/// [`StoreError::Taken`] when the project has an app of this name; [`StoreError::NotFound`] when the node is not
/// inside the scope.
pub async fn create(
    tx: &mut Tx,
    id: AppId,
    project: ProjectId,
    node: NodeId,
    name: &Slug,
    settings: &Settings,
) -> Result<App> {
    let new = NewApp { id, project, node, name: name.clone(), settings: settings.clone(), preview_of: None };
    add(tx, new).await
}

/// The same, also for the preview of a branch.
///
/// # Errors
/// As [`create`].
pub async fn add(tx: &mut Tx, new: NewApp) -> Result<App> {
    let NewApp { id, project, node, name, settings, preview_of } = new;
    let on = nodes::get(tx, node).await?;
    tx.own("app", on.tenant, Some(project))?;
    let app = App {
        id,
        tenant: on.tenant,
        project,
        node,
        name,
        settings: Json(settings),
        generation: 1,
        desired: Desired::Running,
        state: AppState::Empty,
        live_release: None,
        stable_port: None,
        detected_ports: Json(Vec::new()),
        state_reason: None,
        restarts: 0,
        created_at: tx.now,
        updated_at: tx.now,
        deleted_at: None,
        preview_of,
    };
    insert(tx, &app).await?;
    Ok(app)
}

/// An app inside the scope that is not deleted.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(at: &impl Look, id: AppId) -> Result<App> {
    living().and("id = ?", &id).scoped(at.scope()).seen(at, &SEEN).get(at, "app").await
}

/// An app by name; of several projects' the oldest.
///
/// # Errors
/// When the database fails.
pub async fn by_name(at: &impl Look, name: &str) -> Result<Option<App>> {
    living().with(" AND name = ?", name).scoped(at.scope()).seen(at, &SEEN).push(" ORDER BY id LIMIT 1").find(at).await
}

/// Apps inside the scope that are not deleted, newest first.
///
/// # Errors
/// A bad cursor; when the database fails.
pub async fn page(at: &impl Look, filter: &AppFilter, page: &PageRequest) -> Result<Page<App>> {
    let mut sql = living().scoped(at.scope()).seen(at, &SEEN);
    sql = sql.and_some("node_id = ?", filter.node.as_ref()).and_some("project_id = ?", filter.project.as_ref());
    if let Some(q) = &filter.q {
        sql = sql.with(" AND name LIKE ? ESCAPE '\\'", containing(q));
    }
    sql = match filter.previews {
        Some(true) => sql.push(" AND preview_of IS NOT NULL"),
        Some(false) => sql.push(" AND preview_of IS NULL"),
        None => sql,
    };
    Ok(page_of(sql.page(page)?.all(at).await?, page, |app: &App| app.id.uuid()))
}

/// Whether a project has an app of this name.
///
/// # Errors
/// When the database fails.
pub async fn is_named(at: &impl Look, project: ProjectId, name: &Slug) -> Result<bool> {
    let sql = Sql::new("SELECT count(*) FROM apps WHERE deleted_at IS NULL").and("project_id = ?", &project);
    Ok(sql.and("name = ?", name).scoped(at.scope()).scalar::<u64>(at).await?.unwrap_or(0) > 0)
}

/// How many apps a project has.
///
/// # Errors
/// When the database fails.
pub async fn count_of_project(at: &impl Look, project: ProjectId) -> Result<u64> {
    let sql = Sql::new("SELECT count(*) FROM apps WHERE deleted_at IS NULL").and("project_id = ?", &project);
    Ok(sql.scoped(at.scope()).scalar(at).await?.unwrap_or(0))
}

/// All apps of a node that are not deleted, oldest first: its desired state.
///
/// # Errors
/// When the database fails.
pub async fn of_node(at: &impl Look, node: NodeId) -> Result<Vec<App>> {
    living().and("node_id = ?", &node).scoped(at.scope()).seen(at, &SEEN).push(" ORDER BY id").all(at).await
}

/// What planning has to know: the app as it is, its generation as it will be after a change, and its releases.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn facts(at: &impl Look, id: AppId) -> Result<plan::AppFacts> {
    let app = get(at, id).await?;
    Ok(facts_with(app, releases::kept(at, id).await?))
}

/// The same of an app that was read already.
pub fn facts_with(app: App, kept: Vec<ReleaseId>) -> plan::AppFacts {
    plan::AppFacts {
        environment: app.environment(),
        app: app.id,
        slug: app.name,
        settings: app.settings.0,
        generation: app.generation + 1,
        live: app.live_release,
        kept,
        site: None,
        schedule: None,
    }
}

/// Raises the generation for an order that is signed in this transaction; answers the app as it is then.
///
/// # Errors
/// When the database fails; `None` when the app is not inside the scope.
pub async fn next_generation(tx: &mut Tx, id: AppId) -> Result<Option<App>> {
    let set = Sql::new("UPDATE apps SET generation = generation + 1").with(", updated_at = ?", tx.now.as_millis());
    let sql = set.push(" WHERE deleted_at IS NULL").and("id = ?", &id).scoped(tx.scope());
    sql.push(&format!(" RETURNING {}", <App as crate::row::Row>::COLUMNS.join(", "))).find(tx).await
}

/// What a node's apps are by its own last word: those that have a live release, have not crashed for good and have no
/// order under way, which would say more than this.
///
/// # Errors
/// When the database fails.
pub async fn applied(at: &impl Look, node: NodeId) -> Result<Vec<Applied>> {
    let rows = Sql::new("SELECT applied, generation, desired, live_release FROM apps WHERE deleted_at IS NULL")
        .and("node_id = ?", &node)
        .push(" AND applied IS NOT NULL AND live_release IS NOT NULL AND state <> 'failed' AND NOT EXISTS (SELECT 1 ")
        .push("FROM runs r WHERE r.app_id = apps.id AND r.closed_at IS NULL AND r.command_id IS NOT NULL)")
        .scoped(at.scope())
        .push(" ORDER BY id")
        .raws(at)
        .await?;
    let read = |row: &crate::session::Cells| {
        let mut place = 0;
        let Json(spec) = column(row, &mut place)?;
        let (generation, desired) = (column(row, &mut place)?, column(row, &mut place)?);
        Ok(Applied { spec, generation, desired, live: column(row, &mut place)? })
    };
    rows.iter().map(read).collect()
}

/// What these apps are called, as far as they are inside the scope.
///
/// # Errors
/// When the database fails.
pub async fn names(at: &impl Look, ids: &[AppId]) -> Result<HashMap<AppId, Slug>> {
    let Some((first, more)) = ids.split_first() else { return Ok(HashMap::new()) };
    let sql = Sql::new("SELECT id, name FROM apps WHERE deleted_at IS NULL").scoped(at.scope());
    let sql = sql.with(" AND id IN (?", first.uuid());
    let sql = more.iter().fold(sql, |sql, id| sql.with(", ?", id.uuid())).push(")");
    let read = |row| {
        let mut place = 0;
        Ok((column(row, &mut place)?, column(row, &mut place)?))
    };
    sql.raws(at).await?.iter().map(read).collect()
}

/// The previews of these apps: which, and of which of them.
///
/// # Errors
/// When the database fails.
pub async fn previews_of(at: &impl Look, apps: &[AppId]) -> Result<Vec<(AppId, AppId)>> {
    let Some((first, more)) = apps.split_first() else { return Ok(Vec::new()) };
    let sql = Sql::new("SELECT id, preview_of FROM apps WHERE deleted_at IS NULL").scoped(at.scope());
    let sql = sql.with(" AND preview_of IN (?", first.uuid());
    let sql = more.iter().fold(sql, |sql, id| sql.with(", ?", id.uuid())).push(")");
    let read = |row| {
        let mut place = 0;
        Ok((column(row, &mut place)?, column(row, &mut place)?))
    };
    sql.raws(at).await?.iter().map(read).collect()
}

/// Apps that have served and are not started any more: they ended by themselves too often. Newest first, up to `limit`.
///
/// # Errors
/// When the database fails.
pub async fn down(at: &impl Look, limit: u32) -> Result<Vec<App>> {
    let sql = Sql::select::<App>().push(" AND deleted_at IS NULL AND state = 'failed' AND live_release IS NOT NULL");
    sql.scoped(at.scope()).seen(at, &SEEN).with(" ORDER BY id DESC LIMIT ?", i64::from(limit)).all(at).await
}

/// The app as its node has last taken it.
///
/// # Errors
/// When the database fails.
pub async fn applied_of(at: &impl Look, id: AppId) -> Result<Option<AppSpec>> {
    let sql = Sql::new("SELECT applied FROM apps WHERE deleted_at IS NULL").and("id = ?", &id).scoped(at.scope());
    let applied: Option<Option<Json<AppSpec>>> = sql.raw(at).await?.map(|row| column(&row, &mut 0)).transpose()?;
    Ok(applied.flatten().map(|Json(spec)| spec))
}

/// Replaces the settings and raises the generation; answers the new one.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn update_settings(tx: &mut Tx, id: AppId, settings: &Settings) -> Result<u64> {
    let set = Sql::new("UPDATE apps SET settings = ").with("?", Json(settings.clone()).to_raw());
    raise(tx, id, set).await
}

/// Says what the app shall do and raises the generation; answers the new one.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn set_desired(tx: &mut Tx, id: AppId, desired: Desired) -> Result<u64> {
    raise(tx, id, Sql::new("UPDATE apps SET desired = ").with("?", desired.word())).await
}

async fn raise(tx: &Tx, id: AppId, set: Sql) -> Result<u64> {
    let sql = set.push(", generation = generation + 1").with(", updated_at = ?", tx.now.as_millis());
    let sql = sql.push(" WHERE deleted_at IS NULL").and("id = ?", &id).scoped(tx.scope());
    sql.push(" RETURNING generation").scalar(tx).await?.ok_or(StoreError::NotFound("app"))
}

/// Writes down what changed on the node.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn change(tx: &mut Tx, id: AppId, change: &AppChange) -> Result<()> {
    changing(tx, id, change).run_one(tx, "app").await
}

/// The same with the write's other late changes, for what a node says: the app may be gone meanwhile.
pub fn heard(tx: &mut Tx, id: AppId, change: &AppChange) {
    changing(tx, id, change).later(tx, None);
}

fn changing(tx: &Tx, id: AppId, change: &AppChange) -> Sql {
    let mut set = Sql::new("UPDATE apps SET updated_at = ").with("?", tx.now.as_millis());
    if let Some(state) = change.state {
        set = set.with(", state = ?", state.to_raw()).with(", state_reason = ?", change.reason.value());
    }
    if let Some(live) = change.live_release {
        set = set.with(", live_release = ?", live.value());
    }
    if let Some(port) = change.stable_port {
        set = set.with(", stable_port = ?", port.value());
    }
    if let Some(ports) = &change.detected_ports {
        set = set.with(", detected_ports = ?", Json(ports.clone()).to_raw());
    }
    if let Some(restarts) = change.restarts {
        set = set.with(", restarts = ?", restarts.value());
    }
    if let Some(generation) = change.generation {
        set = set.with(", generation = CASE WHEN generation < ?", generation.value());
        set = set.with(" THEN ? ELSE generation END", generation.value());
        if change.applied.is_none() {
            set = set.with(", applied = CASE WHEN generation < ? THEN NULL ELSE applied END", generation.value());
        }
    }
    if let Some(desired) = change.desired {
        set = set.with(", desired = ?", desired.word());
    }
    if let Some(applied) = &change.applied {
        set = set.with(", applied = ?", Json(applied.clone()).to_raw());
    }
    set.push(" WHERE deleted_at IS NULL").and("id = ?", &id).scoped(tx.scope())
}

/// Deletes the app's row: its node has removed it. Its history stays.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn delete(tx: &mut Tx, id: AppId) -> Result<()> {
    Sql::new("UPDATE apps SET live_release = NULL, deleted_at = ")
        .with("? WHERE deleted_at IS NULL", tx.now.as_millis())
        .and("id = ?", &id)
        .scoped(tx.scope())
        .run_one(tx, "app")
        .await
}

fn living() -> Sql {
    Sql::select::<App>().push(" AND deleted_at IS NULL")
}
