//! Tenants and their projects.

use sf_types::{ProjectId, Scope, TenantId, Timestamp};

use crate::row::row;
use crate::sql::{Sql, insert};
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
    }
}

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
    let project = Sql::select::<Project>().and("tenant_id = ?", &tenant.id);
    let project = project.push(" ORDER BY created_at, id LIMIT 1").get(tx, "project").await?;
    Ok((tenant, project))
}

/// Makes a tenant with its default project.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn create(tx: &mut Tx, name: &str) -> Result<(Tenant, Project)> {
    system_only(tx.scope())?;
    let tenant = Tenant { id: tx.new_id(), name: name.to_owned(), created_at: tx.now };
    let project = Project { id: tx.new_id(), tenant: tenant.id, name: DEFAULT_PROJECT.to_owned(), created_at: tx.now };
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

/// The projects inside the scope, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn projects(at: &impl Look) -> Result<Vec<Project>> {
    let sql = Sql::select::<Project>().and_some("tenant_id = ?", at.scope().tenant().as_ref());
    sql.and_some("id = ?", at.scope().project().as_ref()).push(" ORDER BY created_at, id").all(at).await
}

/// The project a tenant began with: where apps go unless told otherwise.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn default_project(at: &impl Look) -> Result<Project> {
    projects(at).await?.into_iter().next().ok_or(StoreError::NotFound("project"))
}

/// Lets nobody else decide about the tenant's people until this write ends: who counts them first and changes them
/// afterwards must not be overtaken, by another control plane either.
///
/// # Errors
/// [`StoreError::NotFound`]; when the database fails.
pub async fn hold(tx: &mut Tx, id: TenantId) -> Result<()> {
    let sql = Sql::new("UPDATE tenants SET name = name WHERE TRUE").and("id = ?", &id);
    sql.and_some("id = ?", tx.scope().tenant().as_ref()).run_one(tx, "tenant").await
}

fn system_only(scope: Scope) -> Result<()> {
    if scope == Scope::System { Ok(()) } else { Err(StoreError::OutOfScope("tenant")) }
}
