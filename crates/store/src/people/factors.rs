//! Second factors of people, and the recovery codes for when one is lost.

use sf_types::{FactorId, TenantId, Timestamp, UserId};
use uuid::Uuid;

use crate::row::{Column, row, words};
use crate::sql::{Sql, insert, insert_all};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError, users};

words! {
    /// What kind of second factor.
    pub enum FactorKind {
        /// Codes of an authenticator app (RFC 6238).
        Totp = "totp",
    }
}

row! {
    /// A second factor. It counts only once it is confirmed.
    pub struct Factor in "factors" {
        /// Its id; its secret is sealed for it.
        id: FactorId,
        /// Whose tenant.
        tenant: TenantId = "tenant_id",
        /// Whose.
        user: UserId = "user_id",
        /// What kind.
        kind: FactorKind,
        /// What it is called.
        label: String,
        /// Its secret, sealed.
        secret: Vec<u8>,
        /// The last time step of which a code was taken; codes of it and of earlier ones are spent.
        last_step: u64,
        /// When its set-up began.
        created_at: Timestamp,
        /// When a code of it proved that it works.
        confirmed_at: Option<Timestamp>,
    }
}

row! {
    struct RecoveryCode in "recovery_codes" {
        id: Uuid,
        tenant: TenantId = "tenant_id",
        user: UserId = "user_id",
        hash: [u8; 32],
        created_at: Timestamp,
        used_at: Option<Timestamp>,
    }
}

/// Begins a set-up in place of one that was never confirmed.
///
/// # Errors
/// [`StoreError::Taken`] when there is a confirmed one of this kind; [`StoreError::NotFound`] when the person is not
/// inside the scope.
pub async fn begin(tx: &mut Tx, factor: &Factor) -> Result<()> {
    tx.own("factor", factor.tenant, None)?;
    users::must_own(tx, factor.tenant, factor.user).await?;
    Sql::new("DELETE FROM factors WHERE confirmed_at IS NULL")
        .and("user_id = ?", &factor.user)
        .and("kind = ?", &factor.kind)
        .tenant_scoped(tx.scope())
        .run(tx)
        .await?;
    if of_kind(tx, factor.user, factor.kind).await?.is_some() {
        return Err(StoreError::Taken("factor".to_owned()));
    }
    insert(tx, factor).await
}

/// A person's factor of one kind, confirmed or not.
///
/// # Errors
/// When the database fails.
pub async fn of_kind(at: &impl Look, user: UserId, kind: FactorKind) -> Result<Option<Factor>> {
    let sql = Sql::select::<Factor>().and("user_id = ?", &user).and("kind = ?", &kind);
    sql.tenant_scoped(at.scope()).find(at).await
}

/// Whether a person has a confirmed factor: a password alone lets them in no more.
///
/// # Errors
/// When the database fails.
pub async fn is_needed(at: &impl Look, user: UserId) -> Result<bool> {
    let sql = Sql::new("SELECT count(*) FROM factors WHERE confirmed_at IS NOT NULL").and("user_id = ?", &user);
    Ok(sql.tenant_scoped(at.scope()).scalar::<u64>(at).await?.unwrap_or(0) > 0)
}

/// Confirms a factor with the step of its first code; answers whether it waited for that.
///
/// # Errors
/// When the database fails.
pub async fn confirm(tx: &mut Tx, id: FactorId, step: u64) -> Result<bool> {
    let sql = Sql::new("UPDATE factors SET confirmed_at = ")
        .with("?", tx.now.as_millis())
        .with(", last_step = ? WHERE confirmed_at IS NULL", step.value())
        .and("id = ?", &id);
    Ok(sql.tenant_scoped(tx.scope()).run(tx).await? == 1)
}

/// Spends a code's time step; `false` when it, or a later one, was spent before.
///
/// # Errors
/// When the database fails.
pub async fn spend_step(tx: &mut Tx, id: FactorId, step: u64) -> Result<bool> {
    let sql = Sql::new("UPDATE factors SET last_step = ")
        .with("? WHERE confirmed_at IS NOT NULL", step.value())
        .and("id = ?", &id)
        .and("last_step < ?", &step);
    Ok(sql.tenant_scoped(tx.scope()).run(tx).await? == 1)
}

/// Gives a person new recovery codes in place of all earlier ones.
///
/// # Errors
/// [`StoreError::NotFound`] when the person is not inside the scope.
pub async fn set_codes(tx: &mut Tx, user: UserId, hashes: &[[u8; 32]]) -> Result<()> {
    let tenant = users::get(tx, user).await?.tenant;
    delete_codes(tx, user).await?;
    let row = |hash: &[u8; 32]| RecoveryCode {
        id: tx.new_uuid(),
        tenant,
        user,
        hash: *hash,
        created_at: tx.now,
        used_at: None,
    };
    let rows: Vec<_> = hashes.iter().map(row).collect();
    insert_all(tx, &rows, "").await.map(drop)
}

/// Spends a recovery code; `false` when the person has none like it, or it was spent before.
///
/// # Errors
/// When the database fails.
pub async fn spend_code(tx: &mut Tx, user: UserId, hash: &[u8; 32]) -> Result<bool> {
    let sql = Sql::new("UPDATE recovery_codes SET used_at = ")
        .with("? WHERE used_at IS NULL", tx.now.as_millis())
        .and("user_id = ?", &user)
        .and("hash = ?", hash);
    Ok(sql.tenant_scoped(tx.scope()).run(tx).await? == 1)
}

/// How many recovery codes a person has left.
///
/// # Errors
/// When the database fails.
pub async fn codes_left(at: &impl Look, user: UserId) -> Result<u64> {
    let sql = Sql::new("SELECT count(*) FROM recovery_codes WHERE used_at IS NULL").and("user_id = ?", &user);
    Ok(sql.tenant_scoped(at.scope()).scalar(at).await?.unwrap_or(0))
}

/// Takes all factors, recovery codes, open tickets and codes of CLIs of a person inside the scope away; answers how
/// many factors that were.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn remove_all(tx: &mut Tx, user: UserId) -> Result<u64> {
    users::get(tx, user).await?;
    delete_codes(tx, user).await?;
    forget_begun(tx, user).await?;
    let sql = Sql::new("DELETE FROM factors WHERE TRUE").and("user_id = ?", &user);
    sql.tenant_scoped(tx.scope()).run(tx).await
}

/// Ends sign-ins of a person that have begun and are not through: open tickets, and CLIs they approved that have not
/// fetched their session.
///
/// # Errors
/// When the database fails.
pub async fn forget_begun(tx: &mut Tx, user: UserId) -> Result<()> {
    for text in ["DELETE FROM cli_logins WHERE TRUE", "DELETE FROM login_tickets WHERE TRUE"] {
        Sql::new(text).and("user_id = ?", &user).tenant_scoped(tx.scope()).run(tx).await?;
    }
    Ok(())
}

async fn delete_codes(tx: &mut Tx, user: UserId) -> Result<()> {
    let sql = Sql::new("DELETE FROM recovery_codes WHERE TRUE").and("user_id = ?", &user);
    sql.tenant_scoped(tx.scope()).run(tx).await.map(drop)
}
