//! CLIs that wait for a person to sign them in by a code (in the spirit of RFC 8628). They belong to nobody until
//! somebody approves, so most calls are the system's.

use sf_types::{CliLoginId, ErrorKind, Fault, Scope, TenantId, Timestamp, UserId};

use crate::row::{Column, row, words};
use crate::sql::{Sql, insert};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError, users};

/// CLIs that wait at a time at the most.
pub const MAX_PENDING: u64 = 1_000;
/// The same of one network.
pub const MAX_PENDING_PER_NETWORK: u64 = 10;

words! {
    /// Where a sign-in by code stands.
    pub enum CliLoginState {
        /// Waits for a person.
        Pending = "pending",
        /// A person agreed; its session can be fetched once.
        Approved = "approved",
        /// A person refused.
        Denied = "denied",
        /// Its session was fetched.
        Used = "used",
    }
}

row! {
    /// A CLI that waits.
    pub struct CliLogin in "cli_logins" {
        /// Its id, a part of the device code's text.
        id: CliLoginId,
        /// Of who approved.
        tenant: Option<TenantId> = "tenant_id",
        /// Who approved.
        user: Option<UserId> = "user_id",
        /// SHA-256 of the device code's secret part.
        device_hash: [u8; 32],
        /// Keyed hash of the code the person types.
        user_hash: [u8; 32],
        /// What it says it is.
        client: String,
        /// The network it comes from.
        address: String,
        /// Where it stands.
        state: CliLoginState,
        /// Seconds it has to wait between two questions.
        interval_secs: u32,
        /// When it last asked.
        polled_at: Option<Timestamp>,
        /// When it began.
        created_at: Timestamp,
        /// Useless from then on.
        expires_at: Timestamp,
    }
}

/// Keeps a new one.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; a fault when too many wait.
pub async fn create(tx: &mut Tx, login: &CliLogin) -> Result<()> {
    system_only(tx.scope())?;
    let waiting = |limit: u64, address: Option<&String>| {
        let sql = Sql::new("SELECT count(*) FROM cli_logins WHERE state = 'pending'").and("expires_at > ?", &tx.now);
        (sql.and_some("address = ?", address), limit)
    };
    for (sql, limit) in [waiting(MAX_PENDING, None), waiting(MAX_PENDING_PER_NETWORK, Some(&login.address))] {
        if sql.scalar::<u64>(tx).await?.unwrap_or(0) >= limit {
            let fault =
                Fault::new(ErrorKind::RateLimited, "device.too_many", "Too many programs wait to be signed in.");
            return Err(fault.fix("Approve or deny the waiting ones, or wait ten minutes.").into());
        }
    }
    insert(tx, login).await
}

/// One of them, for the CLI that asks.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; [`StoreError::NotFound`].
pub async fn get(at: &impl Look, id: CliLoginId) -> Result<CliLogin> {
    system_only(at.scope())?;
    Sql::select::<CliLogin>().and("id = ?", &id).get(at, "CLI sign-in").await
}

/// The one that waits with this code; it belongs to nobody yet, so that anybody who is signed in may look.
///
/// # Errors
/// When the database fails.
pub async fn by_code(at: &impl Look, user_hash: &[u8; 32]) -> Result<Option<CliLogin>> {
    let sql = Sql::select::<CliLogin>()
        .push(" AND state = 'pending'")
        .and("user_hash = ?", user_hash)
        .and("expires_at > ?", &at.now());
    let sql = if at.scope().project().is_some() { sql.push(" AND FALSE") } else { sql };
    sql.find(at).await
}

/// Keeps when a CLI asked and how long it waits from now on.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn polled(tx: &mut Tx, id: CliLoginId, interval_secs: u32) -> Result<()> {
    system_only(tx.scope())?;
    Sql::new("UPDATE cli_logins SET polled_at = ")
        .with("?", tx.now.as_millis())
        .with(", interval_secs = ? WHERE TRUE", interval_secs.value())
        .and("id = ?", &id)
        .run(tx)
        .await
        .map(drop)
}

/// A person of the scope decides: approves (`true`) or refuses.
///
/// # Errors
/// [`StoreError::Stale`] when somebody decided before or it has expired; [`StoreError::NotFound`] when the person is
/// not inside the scope.
pub async fn decide(tx: &mut Tx, id: CliLoginId, user: UserId, approved: bool) -> Result<()> {
    let user = users::get(tx, user).await?;
    let state = if approved { CliLoginState::Approved } else { CliLoginState::Denied };
    let sql = Sql::new("UPDATE cli_logins SET state = ")
        .with("?", state.value())
        .with(", tenant_id = ?", user.tenant.value())
        .with(", user_id = ? WHERE state = 'pending'", user.id.value())
        .and("id = ?", &id)
        .and("expires_at > ?", &tx.now);
    if sql.run(tx).await? == 1 { Ok(()) } else { Err(StoreError::Stale("CLI sign-in")) }
}

/// Fetches what was approved: once. `false` when it is not approved, was fetched, or has expired.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn spend(tx: &mut Tx, id: CliLoginId) -> Result<bool> {
    system_only(tx.scope())?;
    let sql = Sql::new("UPDATE cli_logins SET state = 'used' WHERE state = 'approved'").and("id = ?", &id);
    Ok(sql.and("expires_at > ?", &tx.now).run(tx).await? == 1)
}

/// Deletes what expired before `before`; answers how many.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    system_only(tx.scope())?;
    Sql::new("DELETE FROM cli_logins WHERE TRUE").and("expires_at < ?", &before).run(tx).await
}

fn system_only(scope: Scope) -> Result<()> {
    if scope == Scope::System { Ok(()) } else { Err(StoreError::OutOfScope("CLI sign-in")) }
}
