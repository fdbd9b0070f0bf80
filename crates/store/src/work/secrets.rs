//! Secrets: names, versions and sealed values. Nothing here can open one.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sf_actions::Environment;
use sf_actions::app::Settings;
use sf_actions::server::ServerSettings;
use sf_types::{
    AppId, Page, PageRequest, ProjectId, RunId, SecretId, SecretName, ServerId, Slug, TenantId, Timestamp, UserId,
};

use crate::row::{Column, Field, Json, column, row};
use crate::seen::Places;
use crate::session::Cells;
use crate::sql::{Sql, containing, insert, page_of};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError};

/// Secrets of a project at the most.
pub const MAX_PER_PROJECT: u64 = 500;
/// Versions kept of a secret; older ones are deleted.
pub const VERSIONS_KEPT: u32 = 10;

row! {
    /// A secret, without its value.
    pub struct SecretRow in "secrets" {
        /// Its id.
        id: SecretId,
        /// Whose.
        tenant: TenantId = "tenant_id",
        /// In which project.
        project: ProjectId = "project_id",
        /// Its name, unique within the project.
        name: SecretName,
        /// What it is for.
        description: String,
        /// Its newest version, from 1.
        version: u32,
        /// When it was made.
        created_at: Timestamp,
        /// By whom; `None` for ServerFlow itself.
        created_by: Option<UserId>,
        /// When it last changed.
        updated_at: Timestamp,
        /// By whom.
        updated_by: Option<UserId>,
        /// When it was deleted.
        deleted_at: Option<Timestamp>,
        /// Whose processes may be given it.
        environment: Environment,
    }
}

row! {
    struct VersionRow in "secret_versions" {
        secret: SecretId = "secret_id",
        version: u32,
        tenant: TenantId = "tenant_id",
        project: ProjectId = "project_id",
        sealed: Vec<u8>,
        created_at: Timestamp,
        created_by: Option<UserId>,
    }
}

row! {
    struct WaitingRow in "secrets_waiting" {
        run: RunId = "run_id",
        tenant: TenantId = "tenant_id",
        sealed: Vec<u8>,
        created_at: Timestamp,
    }
}

/// Which secrets.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SecretFilter {
    /// In this project.
    pub project: Option<ProjectId>,
    /// With this in the name.
    pub q: Option<String>,
}

/// What uses a secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UsedBy {
    /// An app, in its environment.
    App(AppId),
    /// A panel server, for a variable.
    Server(ServerId),
}

/// An app or server that uses a secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    /// Which.
    pub by: UsedBy,
    /// Its name.
    pub name: Slug,
    /// Its project.
    pub project: ProjectId,
    /// The names of what it uses.
    pub secrets: Vec<SecretName>,
}

/// What is known of a new secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewSecret {
    /// Its id.
    pub id: SecretId,
    /// Whose.
    pub tenant: TenantId,
    /// In which project.
    pub project: ProjectId,
    /// Its name.
    pub name: SecretName,
    /// What it is for.
    pub description: String,
    /// By whom.
    pub by: Option<UserId>,
    /// Whose processes may be given it.
    pub environment: Environment,
}

/// Adds a secret with its first version.
///
/// # Errors
/// [`StoreError::Taken`] when the project has a secret of this name.
pub async fn create(tx: &mut Tx, new: NewSecret, sealed: Vec<u8>) -> Result<SecretRow> {
    tx.own("secret", new.tenant, Some(new.project))?;
    let row = SecretRow {
        id: new.id,
        tenant: new.tenant,
        project: new.project,
        name: new.name,
        description: new.description,
        version: 1,
        created_at: tx.now,
        created_by: new.by,
        updated_at: tx.now,
        updated_by: new.by,
        deleted_at: None,
        environment: new.environment,
    };
    insert(tx, &row).await?;
    keep(tx, &row, sealed).await?;
    Ok(row)
}

/// Adds a version to a secret as it was read in this transaction; the oldest ones beyond [`VERSIONS_KEPT`] go.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn add_version(tx: &mut Tx, secret: &SecretRow, by: Option<UserId>, sealed: Vec<u8>) -> Result<u32> {
    let row = SecretRow { version: secret.version + 1, updated_by: by, ..secret.clone() };
    let set = Sql::new("UPDATE secrets SET version = ").with("?", row.version.value());
    changed(tx, set, row.id, by).and("version = ?", &secret.version).run_one(tx, "secret").await?;
    keep(tx, &row, sealed).await?;
    let oldest = row.version.saturating_sub(VERSIONS_KEPT);
    Sql::new("DELETE FROM secret_versions WHERE TRUE")
        .and("secret_id = ?", &row.id)
        .and("version <= ?", &oldest)
        .scoped(tx.scope())
        .run(tx)
        .await?;
    Ok(row.version)
}

/// Changes what a secret is for.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn describe(tx: &mut Tx, id: SecretId, by: Option<UserId>, description: &str) -> Result<()> {
    let set = Sql::new("UPDATE secrets SET description = ").with("?", description);
    changed(tx, set, id, by).run_one(tx, "secret").await
}

/// Says whose processes may be given a secret.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn mark(tx: &mut Tx, id: SecretId, by: Option<UserId>, environment: Environment) -> Result<()> {
    let set = Sql::new("UPDATE secrets SET environment = ").with("?", environment.to_raw());
    changed(tx, set, id, by).run_one(tx, "secret").await
}

fn changed(tx: &Tx, set: Sql, id: SecretId, by: Option<UserId>) -> Sql {
    let set = set.with(", updated_at = ?", tx.now.as_millis()).with(", updated_by = ?", by.value());
    set.push(" WHERE deleted_at IS NULL").and("id = ?", &id).scoped(tx.scope())
}

async fn keep(tx: &Tx, secret: &SecretRow, sealed: Vec<u8>) -> Result<()> {
    let SecretRow { id, tenant, project, version, updated_by, .. } = *secret;
    let row = VersionRow { secret: id, version, tenant, project, sealed, created_at: tx.now, created_by: updated_by };
    insert(tx, &row).await
}

/// Deletes a secret and every value it had; its name may be given again.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn delete(tx: &mut Tx, id: SecretId, by: Option<UserId>) -> Result<()> {
    let set = Sql::new("UPDATE secrets SET deleted_at = ").with("?", tx.now.as_millis());
    changed(tx, set, id, by).run_one(tx, "secret").await?;
    let values = Sql::new("DELETE FROM secret_versions WHERE TRUE").and("secret_id = ?", &id);
    values.scoped(tx.scope()).run(tx).await.map(drop)
}

/// Deletes all of a project's secrets, with every value they had: the project goes.
///
/// # Errors
/// When the database fails.
pub async fn delete_of_project(tx: &mut Tx, project: ProjectId, by: Option<UserId>) -> Result<()> {
    let now = tx.now.as_millis();
    let set = Sql::new("UPDATE secrets SET deleted_at = ").with("?", now).with(", updated_at = ?", now);
    let set = set.with(", updated_by = ?", by.value()).push(" WHERE deleted_at IS NULL");
    set.and("project_id = ?", &project).scoped(tx.scope()).run(tx).await?;
    let values = Sql::new("DELETE FROM secret_versions WHERE TRUE").and("project_id = ?", &project);
    values.scoped(tx.scope()).run(tx).await.map(drop)
}

/// A secret inside the scope that is not deleted.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(at: &impl Look, id: SecretId) -> Result<SecretRow> {
    living().and("id = ?", &id).scoped(at.scope()).seen(at, &SEEN).get(at, "secret").await
}

/// The same where it may be gone.
///
/// # Errors
/// When the database fails.
pub async fn find(at: &impl Look, id: SecretId) -> Result<Option<SecretRow>> {
    living().and("id = ?", &id).scoped(at.scope()).find(at).await
}

/// A project's secret by its name.
///
/// # Errors
/// When the database fails.
pub async fn by_name(at: &impl Look, project: ProjectId, name: &SecretName) -> Result<Option<SecretRow>> {
    living().and("project_id = ?", &project).and("name = ?", name).scoped(at.scope()).find(at).await
}

/// Secrets inside the scope that are not deleted, newest first.
///
/// # Errors
/// A bad cursor; when the database fails.
pub async fn page(at: &impl Look, filter: &SecretFilter, page: &PageRequest) -> Result<Page<SecretRow>> {
    let mut sql = living().scoped(at.scope()).seen(at, &SEEN).and_some("project_id = ?", filter.project.as_ref());
    if let Some(q) = &filter.q {
        sql = sql.with(" AND LOWER(name) LIKE ? ESCAPE '\\'", containing(q));
    }
    Ok(page_of(sql.page(page)?.all(at).await?, page, |row: &SecretRow| row.id.uuid()))
}

/// How many secrets a project has.
///
/// # Errors
/// When the database fails.
pub async fn count(at: &impl Look, project: ProjectId) -> Result<u64> {
    let sql = Sql::new("SELECT COUNT(*) FROM secrets WHERE deleted_at IS NULL").and("project_id = ?", &project);
    Ok(sql.scoped(at.scope()).scalar(at).await?.unwrap_or(0))
}

/// The sealed value of one version.
///
/// # Errors
/// [`StoreError::NotFound`] when it is not kept any more.
pub async fn sealed(at: &impl Look, id: SecretId, version: u32) -> Result<Vec<u8>> {
    let sql = Sql::new("SELECT sealed FROM secret_versions WHERE TRUE").and("secret_id = ?", &id);
    let found = sql.and("version = ?", &version).scoped(at.scope()).scalar(at).await?;
    found.ok_or(StoreError::NotFound("secret version"))
}

/// A version of a secret as it is kept.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its number.
    pub version: u32,
    /// Its value, sealed.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub made_at: Timestamp,
}

/// A version and the one before it, as far as they are kept, the newer one first.
///
/// # Errors
/// When the database fails.
pub async fn last_two(at: &impl Look, id: SecretId, newest: u32) -> Result<Vec<Kept>> {
    let sql = Sql::new("SELECT version, sealed, created_at FROM secret_versions WHERE TRUE").and("secret_id = ?", &id);
    let sql = sql.and("version <= ?", &newest).and("version >= ?", &newest.saturating_sub(1));
    let rows = sql.scoped(at.scope()).push(" ORDER BY version DESC").raws(at).await?;
    let read = |row: &Cells| {
        let mut place = 0;
        let (version, sealed) = (column(row, &mut place)?, column(row, &mut place)?);
        Ok(Kept { version, sealed, made_at: column(row, &mut place)? })
    };
    rows.iter().map(read).collect()
}

/// The apps and servers whose settings name a secret, of one project or of all inside the scope.
///
/// # Errors
/// When the database fails.
pub async fn users(at: &impl Look, project: Option<ProjectId>) -> Result<Vec<User>> {
    let of_app = |settings: Settings| settings.all_secrets().into_iter().cloned().collect();
    let of_server = |settings: ServerSettings| settings.secrets.into_values().collect();
    // Most name none: they are not even read.
    const APPS: &str = "FROM apps WHERE deleted_at IS NULL AND CAST(settings AS TEXT) LIKE '%\"secret\"%'";
    const SERVERS: &str = "FROM servers WHERE CAST(settings AS TEXT) LIKE '%\"secrets\"%'";
    let mut users = naming(at, APPS, project, UsedBy::App, of_app).await?;
    users.extend(naming(at, SERVERS, project, UsedBy::Server, of_server).await?);
    Ok(users)
}

/// Rows whose settings name secrets, by name.
async fn naming<I: Field, T: Serialize + DeserializeOwned>(
    at: &impl Look,
    from: &'static str,
    project: Option<ProjectId>,
    by: fn(I) -> UsedBy,
    secrets_of: impl Fn(T) -> Vec<SecretName>,
) -> Result<Vec<User>> {
    let rows = Sql::new("SELECT id, name, project_id, settings ")
        .push(from)
        .and_some("project_id = ?", project.as_ref())
        .scoped(at.scope())
        .push(" ORDER BY name")
        .raws(at)
        .await?;
    let read = |row: &Cells| {
        let mut place = 0;
        let (id, name) = (column(row, &mut place)?, column(row, &mut place)?);
        let project = column(row, &mut place)?;
        let Json(settings): Json<T> = column(row, &mut place)?;
        Ok(User { by: by(id), name, project, secrets: secrets_of(settings) })
    };
    rows.iter().map(read).collect()
}

/// Keeps a sealed value until its run is carried out or ends.
///
/// # Errors
/// When the database fails.
pub async fn wait(tx: &mut Tx, tenant: TenantId, run: RunId, sealed: Vec<u8>) -> Result<()> {
    tx.own("waiting secret", tenant, None)?;
    insert(tx, &WaitingRow { run, tenant, sealed, created_at: tx.now }).await
}

/// Takes the value that waited for a run.
///
/// # Errors
/// When the database fails.
pub async fn take(tx: &mut Tx, run: RunId) -> Result<Option<Vec<u8>>> {
    let sql = Sql::new("DELETE FROM secrets_waiting WHERE TRUE").and("run_id = ?", &run).tenant_scoped(tx.scope());
    sql.push(" RETURNING sealed").scalar(tx).await
}

// How a secret is seen: with its project.
const SEEN: Places = Places::in_project("project_id");

fn living() -> Sql {
    Sql::select::<SecretRow>().push(" AND deleted_at IS NULL")
}
