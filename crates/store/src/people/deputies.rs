//! Who decides for whom while they are away.

use sf_types::{DeputyId, TenantId, Timestamp, UserId};

use crate::row::row;
use crate::sql::{Sql, insert};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError};

/// Deputies one person has named at a time at the most.
pub const MAX_DEPUTIES: u64 = 20;

row! {
    /// A person who may decide for another for a while.
    pub struct Deputy in "deputies" {
        /// Its id.
        id: DeputyId,
        /// Whose team.
        tenant: TenantId = "tenant_id",
        /// Who is away.
        from: UserId = "from_user",
        /// Who decides instead.
        to: UserId = "to_user",
        /// From when.
        starts_at: Timestamp,
        /// Until when.
        ends_at: Timestamp,
        /// When it was named.
        created_at: Timestamp,
    }
}

/// Names a deputy.
///
/// # Errors
/// A fault where the person has [`MAX_DEPUTIES`]; [`StoreError::OutOfScope`].
pub async fn name(tx: &mut Tx, deputy: &Deputy) -> Result<()> {
    tx.own("deputy", deputy.tenant, None)?;
    let count = Sql::new("SELECT count(*) FROM deputies WHERE TRUE").and("from_user = ?", &deputy.from);
    if count.and("ends_at > ?", &tx.now).scalar::<u64>(tx).await?.unwrap_or(0) >= MAX_DEPUTIES {
        let message = format!("Nobody has more than {MAX_DEPUTIES} deputies at a time.");
        let fault = sf_types::Fault::new(sf_types::ErrorKind::TooLarge, "deputy.too_many", message);
        return Err(fault.fix("Take one back that is not needed.").into());
    }
    insert(tx, deputy).await
}

/// Deputies that a person has named or is, whose time is not over: the next to end first.
///
/// # Errors
/// When the database fails.
pub async fn of_person(at: &impl Look, user: UserId, now: Timestamp) -> Result<Vec<Deputy>> {
    let sql = Sql::select::<Deputy>().and("ends_at > ?", &now).with(" AND (from_user = ?", user.uuid());
    sql.with(" OR to_user = ?)", user.uuid()).tenant_scoped(at.scope()).push(" ORDER BY ends_at, id").all(at).await
}

/// For whom a person decides now.
///
/// # Errors
/// When the database fails.
pub async fn decides_for(at: &impl Look, user: UserId, now: Timestamp) -> Result<Vec<UserId>> {
    let sql = Sql::new("SELECT DISTINCT d.from_user FROM deputies d JOIN users u ON u.id = d.from_user")
        .push(" WHERE u.disabled_at IS NULL")
        .and("d.to_user = ?", &user)
        .and("d.starts_at <= ?", &now)
        .and("d.ends_at > ?", &now);
    let sql = sql.and_some("d.tenant_id = ?", at.scope().tenant().as_ref()).push(" ORDER BY d.from_user");
    sql.raws(at).await?.iter().map(|row| crate::row::Column::read(row, 0)).collect()
}

/// A deputy inside the scope.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(at: &impl Look, id: DeputyId) -> Result<Deputy> {
    Sql::select::<Deputy>().and("id = ?", &id).tenant_scoped(at.scope()).get(at, "deputy").await
}

/// Takes a deputy back; answers whether there was one.
///
/// # Errors
/// When the database fails.
pub async fn take_back(tx: &mut Tx, id: DeputyId) -> Result<bool> {
    Ok(Sql::new("DELETE FROM deputies WHERE TRUE").and("id = ?", &id).tenant_scoped(tx.scope()).run(tx).await? > 0)
}

/// Deletes those whose time was over before `before`.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    if tx.scope != crate::Scope::System {
        return Err(StoreError::OutOfScope("deputies"));
    }
    Sql::new("DELETE FROM deputies WHERE TRUE").and("ends_at < ?", &before).run(tx).await
}
