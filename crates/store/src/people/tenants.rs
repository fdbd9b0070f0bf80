//! Tenants and their projects.

use sf_types::{Page, PageRequest, ProjectId, Scope, TenantId, Timestamp};

use crate::row::row;
use crate::seen::Places;
use crate::sql::{Sql, containing, insert, page_of};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError};

row! {
    /// A team.
    pub struct Tenant in "tenants" {
        /// Its id.
        id: TenantId,
        /// Its name.
        name: String,
        /// When it was made.
        created_at: Timestamp,
        /// Since when its people and keys are shut out.
        suspended_at: Option<Timestamp>,
        /// Why; for those who operate the installation.
        suspend_reason: Option<String>,
    }
}

row! {
    /// A part of a tenant that owns apps.
    pub struct Project in "projects" {
        /// Its id.
        id: ProjectId,
        /// Whose.
        tenant: TenantId = "tenant_id",
        /// Its name, unique within the tenant.
        name: String,
        /// When it was made.
        created_at: Timestamp,
        /// When it was last renamed.
        updated_at: Option<Timestamp>,
        /// When it was deleted; what is recorded of it still names it.
        deleted_at: Option<Timestamp>,
    }
}

/// Projects of one team at the most.
pub const MAX_PROJECTS: u64 = 500;
/// Name of the project every tenant begins with.
pub const DEFAULT_PROJECT: &str = "default";

/// The oldest tenant and its default project, made where missing: what a single-tenant installation works in.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn ensure_default(tx: &mut Tx, name: &str) -> Result<(Tenant, Project)> {
    system_only(tx.scope())?;
    let oldest: Option<Tenant> = Sql::select::<Tenant>().push(" ORDER BY created_at, id LIMIT 1").find(tx).await?;
    let Some(tenant) = oldest else { return create(tx, name).await };
    let project = living().and("tenant_id = ?", &tenant.id);
    let project = project.push(" ORDER BY created_at, id LIMIT 1").get(tx, "project").await?;
    Ok((tenant, project))
}

/// Makes a tenant with its default project.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn create(tx: &mut Tx, name: &str) -> Result<(Tenant, Project)> {
    system_only(tx.scope())?;
    let id = tx.new_id();
    let name = name.to_owned();
    let tenant = Tenant { id, name, created_at: tx.now, suspended_at: None, suspend_reason: None };
    let project = Project {
        id: tx.new_id(),
        tenant: tenant.id,
        name: DEFAULT_PROJECT.to_owned(),
        created_at: tx.now,
        updated_at: None,
        deleted_at: None,
    };
    insert(tx, &tenant).await?;
    insert(tx, &project).await?;
    Ok((tenant, project))
}

/// A tenant inside the scope.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(at: &impl Look, id: TenantId) -> Result<Tenant> {
    let sql = Sql::select::<Tenant>().and("id = ?", &id).and_some("id = ?", at.scope().tenant().as_ref());
    sql.get(at, "tenant").await
}

/// All tenants inside the scope, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn all(at: &impl Look) -> Result<Vec<Tenant>> {
    let sql = Sql::select::<Tenant>().and_some("id = ?", at.scope().tenant().as_ref());
    sql.push(" ORDER BY created_at, id").all(at).await
}

/// The first team: the installation's own, whose people operate it.
///
/// # Errors
/// [`StoreError::NotFound`] before the first start; when the database fails.
pub async fn home(at: &impl Look) -> Result<Tenant> {
    system_only(at.scope())?;
    Sql::select::<Tenant>().push(" ORDER BY created_at, id LIMIT 1").get(at, "tenant").await
}

/// Teams, newest first; `q` is looked for in the name.
///
/// # Errors
/// A bad cursor; when the database fails.
pub async fn page(at: &impl Look, q: Option<&str>, page: &PageRequest) -> Result<Page<Tenant>> {
    let mut sql = Sql::select::<Tenant>().and_some("id = ?", at.scope().tenant().as_ref());
    if let Some(q) = q {
        sql = sql.with(" AND lower(name) LIKE ? ESCAPE '\\'", containing(q));
    }
    Ok(page_of(sql.page(page)?.all(at).await?, page, |tenant: &Tenant| tenant.id.uuid()))
}

/// Shuts the people and keys of a team out, saying why, or (`None`) lets them in again. System only.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::OutOfScope`].
pub async fn set_suspended(tx: &mut Tx, id: TenantId, reason: Option<&str>) -> Result<()> {
    system_only(tx.scope())?;
    let at: Option<i64> = reason.map(|_| tx.now.as_millis());
    let sql = Sql::new("UPDATE tenants SET suspended_at = ").with("?", at);
    let sql = sql.with(", suspend_reason = ? WHERE TRUE", reason.map(str::to_owned)).and("id = ?", &id);
    sql.run_one(tx, "tenant").await
}

/// The projects inside the scope, oldest first; `q` is looked for in the name.
///
/// # Errors
/// When the database fails.
pub async fn projects(at: &impl Look, q: Option<&str>) -> Result<Vec<Project>> {
    let mut sql = living();
    if let Some(q) = q {
        sql = sql.with(" AND lower(name) LIKE ? ESCAPE '\\'", containing(q));
    }
    let sql = sql.and_some("tenant_id = ?", at.scope().tenant().as_ref()).seen(at, &SEEN);
    sql.and_some("id = ?", at.scope().project().as_ref()).push(" ORDER BY created_at, id").all(at).await
}

/// The project a tenant began with: where apps go unless told otherwise.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn default_project(at: &impl Look) -> Result<Project> {
    projects(at, None).await?.into_iter().next().ok_or(StoreError::NotFound("project"))
}

/// A project inside the scope.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn project(at: &impl Look, id: ProjectId) -> Result<Project> {
    let sql = living().and("id = ?", &id).and_some("tenant_id = ?", at.scope().tenant().as_ref()).seen(at, &SEEN);
    sql.and_some("id = ?", at.scope().project().as_ref()).get(at, "project").await
}

/// Adds a project to a team.
///
/// # Errors
/// [`StoreError::Taken`] when the team has one of this name; a fault when it has [`MAX_PROJECTS`].
pub async fn add_project(tx: &mut Tx, tenant: TenantId, name: &str) -> Result<Project> {
    tx.own("project", tenant, None)?;
    let count = Sql::new("SELECT count(*) FROM projects WHERE deleted_at IS NULL").and("tenant_id = ?", &tenant);
    if count.scalar::<u64>(tx).await?.unwrap_or(0) >= MAX_PROJECTS {
        let message = format!("A team has {MAX_PROJECTS} projects at the most.");
        let fault = sf_types::Fault::new(sf_types::ErrorKind::TooLarge, "project.too_many", message);
        return Err(fault.fix("Delete one that is empty.").into());
    }
    let project = Project {
        id: tx.new_id(),
        tenant,
        name: name.to_owned(),
        created_at: tx.now,
        updated_at: None,
        deleted_at: None,
    };
    insert(tx, &project).await?;
    Ok(project)
}

/// Gives a project another name.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::Taken`].
pub async fn rename_project(tx: &mut Tx, id: ProjectId, name: &str) -> Result<()> {
    let sql = Sql::new("UPDATE projects SET name = ").with("?", name);
    let sql = sql.with(", updated_at = ? WHERE deleted_at IS NULL", tx.now.as_millis()).and("id = ?", &id);
    sql.tenant_scoped(tx.scope()).run_one(tx, "project").await
}

/// Deletes a project that owns nothing any more. Its row stays for what is recorded of it (deleted apps, runs, lines);
/// its name is free again.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn delete_project(tx: &mut Tx, id: ProjectId) -> Result<()> {
    let sql = Sql::new("UPDATE projects SET deleted_at = ").with("?", tx.now.as_millis());
    let sql = sql.with(", name = ? WHERE deleted_at IS NULL", format!("deleted {id}")).and("id = ?", &id);
    sql.tenant_scoped(tx.scope()).run_one(tx, "project").await
}

/// Holds a team's row until COMMIT: decisions that count its people are made one after the other, also by several
/// control planes.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn lock(tx: &mut Tx, id: TenantId) -> Result<()> {
    let sql = Sql::new("UPDATE tenants SET name = name WHERE TRUE").and("id = ?", &id);
    sql.and_some("id = ?", tx.scope().tenant().as_ref()).run_one(tx, "tenant").await
}

/// Gives a team another name.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn rename(tx: &mut Tx, id: TenantId, name: &str) -> Result<()> {
    let sql = Sql::new("UPDATE tenants SET name = ").with("? WHERE TRUE", name).and("id = ?", &id);
    sql.and_some("id = ?", tx.scope().tenant().as_ref()).run_one(tx, "tenant").await
}

/// How a project is seen: by itself.
const SEEN: Places = Places::in_project("id");

fn living() -> Sql {
    Sql::select::<Project>().push(" AND deleted_at IS NULL")
}

fn system_only(scope: Scope) -> Result<()> {
    if scope == Scope::System { Ok(()) } else { Err(StoreError::OutOfScope("tenant")) }
}
