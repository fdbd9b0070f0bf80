//! Links by which people who lost their password choose another one. A link is good once; its text is nowhere.

use sf_types::{ResetId, TenantId, Timestamp, UserId};

use crate::row::row;
use crate::sql::{Sql, insert};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError, users};

row! {
    /// A link.
    pub struct Reset in "password_resets" {
        /// Its id, a part of the link.
        id: ResetId,
        /// Whose tenant.
        tenant: TenantId = "tenant_id",
        /// Whose password.
        user: UserId = "user_id",
        /// SHA-256 of its secret part.
        hash: [u8; 32],
        /// When it was asked for.
        created_at: Timestamp,
        /// Until when it is good.
        expires_at: Timestamp,
        /// When it was used, or became useless because another one was.
        used_at: Option<Timestamp>,
    }
}

/// Keeps a link.
///
/// # Errors
/// [`StoreError::NotFound`] when the person is not inside the scope.
pub async fn create(tx: &mut Tx, reset: &Reset) -> Result<()> {
    tx.own("password reset", reset.tenant, None)?;
    users::must_own(tx, reset.tenant, reset.user).await?;
    insert(tx, reset).await
}

/// A link inside the scope. Its use looks under the system's scope: it does not know the tenant yet.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(at: &impl Look, id: ResetId) -> Result<Reset> {
    Sql::select::<Reset>().and("id = ?", &id).tenant_scoped(at.scope()).get(at, "password reset").await
}

/// How many a person asked for since `since`.
///
/// # Errors
/// When the database fails.
pub async fn count_since(at: &impl Look, user: UserId, since: Timestamp) -> Result<u64> {
    let sql = Sql::new("SELECT count(*) FROM password_resets WHERE TRUE").and("user_id = ?", &user);
    Ok(sql.and("created_at >= ?", &since).tenant_scoped(at.scope()).scalar(at).await?.unwrap_or(0))
}

/// Uses a link up.
///
/// # Errors
/// [`StoreError::Stale`] when it was used before.
pub async fn spend(tx: &mut Tx, id: ResetId) -> Result<()> {
    let sql = Sql::new("UPDATE password_resets SET used_at = ").with("? WHERE used_at IS NULL", tx.now.as_millis());
    let spent = sql.and("id = ?", &id).tenant_scoped(tx.scope()).run(tx).await?;
    if spent == 1 { Ok(()) } else { Err(StoreError::Stale("password reset")) }
}

/// Makes all links of a person useless: their password was changed.
///
/// # Errors
/// When the database fails.
pub async fn spend_all(tx: &mut Tx, user: UserId) -> Result<u64> {
    let sql = Sql::new("UPDATE password_resets SET used_at = ").with("? WHERE used_at IS NULL", tx.now.as_millis());
    sql.and("user_id = ?", &user).tenant_scoped(tx.scope()).run(tx).await
}

/// Deletes links that ended before `before`; answers how many. System only.
///
/// # Errors
/// When the database fails.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    Sql::new("DELETE FROM password_resets WHERE TRUE")
        .and("expires_at < ?", &before)
        .tenant_scoped(tx.scope())
        .run(tx)
        .await
}
