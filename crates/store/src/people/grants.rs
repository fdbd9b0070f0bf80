//! Roles given to people.

use sf_actions::Permission;
use sf_actions::user::RoleObject;
use sf_types::{ErrorKind, Fault, TenantId, UserId};

use crate::row::Column;
use crate::sql::Sql;
use crate::tx::{Look, Tx};
use crate::{Result, permissions, users};

/// Gives a person inside the scope a role at an object.
///
/// # Errors
/// There is no such role or person.
pub async fn give(
    tx: &mut Tx,
    tenant: TenantId,
    user: UserId,
    role: &str,
    object: RoleObject,
    _by: Option<UserId>,
) -> Result<()> {
    users::must_own(tx, tenant, user).await?;
    let rights = rights_of(role)?;
    if object == RoleObject::Tenant { permissions::grant(tx, user, &rights).await } else { Ok(()) }
}

/// Refuses a role that does not exist.
///
/// # Errors
/// The refusal.
pub fn rights_of(role: &str) -> Result<Vec<Permission>> {
    match role {
        "owner" | "admin" => Ok(Permission::ALL.to_vec()),
        "operator" | "developer" | "viewer" | "support" => {
            Ok(Permission::ALL.iter().copied().filter(|right| right.name().ends_with(":view")).collect())
        }
        _ => Err(Fault::new(ErrorKind::NotFound, "role.not_found", format!("There is no role `{role}`.")).into()),
    }
}

/// People of a tenant who may do everything there and are not suspended.
///
/// # Errors
/// When the database fails.
pub async fn owners(at: &impl Look, tenant: TenantId) -> Result<Vec<UserId>> {
    let all = i64::try_from(Permission::ALL.len()).unwrap_or(i64::MAX);
    let rows = Sql::new("SELECT user_id FROM user_permissions p WHERE object_kind = ''")
        .and("tenant_id = ?", &tenant)
        .push(" AND EXISTS (SELECT 1 FROM users u WHERE u.id = p.user_id AND u.disabled_at IS NULL)")
        .with(" GROUP BY user_id HAVING count(*) >= ?", all)
        .raws(at)
        .await?;
    rows.iter().map(|row| UserId::read(row, 0)).collect()
}
