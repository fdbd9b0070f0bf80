//! Single permissions of people, beside their roles; `grants` reads both together.

use sf_actions::{Permission, PermissionSet};
use sf_types::{TenantId, Timestamp, UserId};

use crate::row::{Column, row};
use crate::sql::{Sql, insert_all};
use crate::tx::{Look, Tx};
use crate::{Result, users};

row! {
    struct Known in "permissions" {
        name: Permission,
    }
}

row! {
    /// One permission of one person at one object.
    struct Grant in "user_permissions" {
        id: uuid::Uuid,
        tenant: TenantId = "tenant_id",
        user: UserId = "user_id",
        object_kind: String,
        object_id: String,
        permission: Permission,
        granted_by: Option<UserId>,
        created_at: Option<Timestamp>,
    }
}

/// Kind and id where a right holds in the whole tenant.
const EVERYWHERE: &str = "";

/// Gives a person inside the scope rights in their whole tenant; those they have stay.
///
/// # Errors
/// [`crate::StoreError::NotFound`] when the person is not inside the scope.
pub async fn grant(tx: &mut Tx, user: UserId, rights: &[Permission]) -> Result<()> {
    grant_at(tx, user, rights, EVERYWHERE, EVERYWHERE, None).await
}

/// The same at one object.
pub(crate) async fn grant_at(
    tx: &mut Tx,
    user: UserId,
    rights: &[Permission],
    object_kind: &str,
    object_id: &str,
    by: Option<UserId>,
) -> Result<()> {
    let user = users::get(tx, user).await?;
    let known: Vec<_> = rights.iter().map(|name| Known { name: *name }).collect();
    insert_all(tx, &known, " ON CONFLICT DO NOTHING").await?;
    let grants: Vec<_> = rights
        .iter()
        .map(|permission| Grant {
            id: tx.new_uuid(),
            tenant: user.tenant,
            user: user.id,
            object_kind: object_kind.to_owned(),
            object_id: object_id.to_owned(),
            permission: *permission,
            granted_by: by,
            created_at: Some(tx.now),
        })
        .collect();
    insert_all(tx, &grants, " ON CONFLICT DO NOTHING").await.map(drop)
}

/// Takes rights away that hold in the whole tenant.
///
/// # Errors
/// When the database fails.
pub async fn withdraw(tx: &mut Tx, user: UserId, rights: &[Permission]) -> Result<()> {
    for right in rights {
        Sql::new("DELETE FROM user_permissions WHERE TRUE")
            .and("user_id = ?", &user)
            .with(" AND object_kind = ?", EVERYWHERE)
            .with(" AND permission = ?", right.value())
            .tenant_scoped(tx.scope())
            .run(tx)
            .await?;
    }
    Ok(())
}

/// The single permissions a person has in their whole tenant, sorted; rights by role are not among them.
///
/// # Errors
/// When the database fails.
pub async fn of_user(at: &impl Look, user: UserId) -> Result<Vec<Permission>> {
    let rows = Sql::new("SELECT permission FROM user_permissions WHERE TRUE")
        .and("user_id = ?", &user)
        .with(" AND object_kind = ?", EVERYWHERE)
        .tenant_scoped(at.scope())
        .raws(at)
        .await?;
    let names = rows.iter().map(|row| String::read(row, 0)).collect::<Result<Vec<_>>>()?;
    Ok(known(&names).iter().collect())
}

/// The permissions of these names; those that this program does not know are left out.
pub(crate) fn known(names: &[String]) -> PermissionSet {
    names.iter().filter_map(|name| name.parse::<Permission>().ok()).collect()
}
