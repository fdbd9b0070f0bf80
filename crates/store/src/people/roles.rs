//! Roles of a team's own. The program's are in code (`sf_actions::role::built_in`).

use sf_actions::{Permission, PermissionSet};
use sf_types::{RoleId, Scope, TenantId, Timestamp};

use crate::row::{Json, row};
use crate::session::Cells;
use crate::sql::{Sql, insert};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError, permissions};

/// Own roles of one team at the most.
pub const MAX_ROLES: u64 = 200;

row! {
    /// A role of a team's own.
    pub struct Role in "roles" {
        /// Its id.
        id: RoleId,
        /// Whose.
        tenant: TenantId = "tenant_id",
        /// Its name, unique within the team.
        name: String,
        /// For whom it is.
        description: String,
        /// What it allows, by name.
        permissions: Json<Vec<String>>,
        /// When it was made.
        created_at: Timestamp,
        /// When it last changed.
        updated_at: Timestamp,
    }
}

impl Role {
    /// What it allows; names this program does not know allow nothing.
    pub fn permissions(&self) -> PermissionSet {
        permissions::known(&self.permissions.0)
    }
}

/// What of a role is changed; `None` stays.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RoleChange {
    /// Its name.
    pub name: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// What it allows.
    pub permissions: Option<Vec<Permission>>,
}

/// Adds a role to a team.
///
/// # Errors
/// [`StoreError::Taken`] when the team has one of this name; a fault when it has [`MAX_ROLES`].
pub async fn create(
    tx: &mut Tx,
    tenant: TenantId,
    name: &str,
    description: &str,
    permissions: &[Permission],
) -> Result<Role> {
    tx.own("role", tenant, None)?;
    let count = Sql::new("SELECT count(*) FROM roles WHERE TRUE").and("tenant_id = ?", &tenant);
    if count.scalar::<u64>(tx).await?.unwrap_or(0) >= MAX_ROLES {
        let message = format!("A team has {MAX_ROLES} roles of its own at the most.");
        let fault = sf_types::Fault::new(sf_types::ErrorKind::TooLarge, "role.too_many", message);
        return Err(fault.fix("Delete one that nobody has.").into());
    }
    let role = Role {
        id: tx.new_id(),
        tenant,
        name: name.to_owned(),
        description: description.to_owned(),
        permissions: names(permissions),
        created_at: tx.now,
        updated_at: tx.now,
    };
    insert(tx, &role).await?;
    Ok(role)
}

/// A role inside the scope.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(at: &impl Look, id: RoleId) -> Result<Role> {
    Sql::select::<Role>().and("id = ?", &id).tenant_scoped(at.scope()).get(at, "role").await
}

/// The roles of a team's own, by name; at most [`MAX_ROLES`].
///
/// # Errors
/// When the database fails.
pub async fn all(at: &impl Look) -> Result<Vec<Role>> {
    Sql::select::<Role>().tenant_scoped(at.scope()).push(" ORDER BY name").all(at).await
}

/// Changes a role, for everybody who has it.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::Taken`].
pub async fn change(tx: &mut Tx, id: RoleId, change: &RoleChange) -> Result<()> {
    let mut sql = Sql::new("UPDATE roles SET updated_at = ").with("?", tx.now.as_millis());
    if let Some(name) = &change.name {
        sql = sql.with(", name = ?", name.as_str());
    }
    if let Some(description) = &change.description {
        sql = sql.with(", description = ?", description.as_str());
    }
    if let Some(permissions) = &change.permissions {
        sql = sql.with(", permissions = ?", crate::row::Column::value(&names(permissions)));
    }
    sql.push(" WHERE TRUE").and("id = ?", &id).tenant_scoped(tx.scope()).run_one(tx, "role").await
}

/// Deletes a role that nobody has.
///
/// # Errors
/// [`StoreError::NotFound`]; a fault where somebody has it.
pub async fn delete(tx: &mut Tx, id: RoleId) -> Result<()> {
    get(tx, id).await?;
    let had = Sql::new("SELECT count(*) FROM user_roles WHERE TRUE").and("role_id = ?", &id);
    let had: u64 = had.scalar(tx).await?.unwrap_or(0);
    if had > 0 {
        let message = format!("The role is given {had} times.");
        let fault = sf_types::Fault::new(sf_types::ErrorKind::Conflict, "role.in_use", message);
        return Err(fault.fix("Withdraw it from everybody first.").into());
    }
    Sql::new("DELETE FROM roles WHERE TRUE").and("id = ?", &id).tenant_scoped(tx.scope()).run_one(tx, "role").await
}

/// How many people have each role: built-in ones by name, own ones by id.
///
/// # Errors
/// [`StoreError::OutOfScope`] without a tenant; when the database fails.
pub async fn people(at: &impl Look) -> Result<Vec<(String, Option<RoleId>, u64)>> {
    if at.scope() == Scope::System {
        return Err(StoreError::OutOfScope("role"));
    }
    let rows = Sql::new("SELECT built_in, role_id, count(DISTINCT user_id) FROM user_roles WHERE TRUE")
        .tenant_scoped(at.scope())
        .push(" GROUP BY built_in, role_id")
        .raws(at)
        .await?;
    let read = |row: &Cells| {
        let mut place = 0;
        Ok((
            crate::row::column(row, &mut place)?,
            crate::row::column(row, &mut place)?,
            crate::row::column(row, &mut place)?,
        ))
    };
    rows.iter().map(read).collect()
}

fn names(permissions: &[Permission]) -> Json<Vec<String>> {
    Json(permissions.iter().map(|permission| permission.name().to_owned()).collect())
}
