//! The time between a right password and the second factor's code.

use sf_types::{TenantId, TicketId, Timestamp, UserId};

use crate::row::{row, words};
use crate::sql::{Sql, insert};
use crate::tx::{Look, Tx};
use crate::{Result, users};

/// Codes that are tried with one ticket at the most.
pub const MAX_ATTEMPTS: u32 = 5;

words! {
    /// Which of the two networks somebody comes through.
    pub enum AddressFamily {
        /// IPv4.
        V4 = "v4",
        /// IPv6.
        V6 = "v6",
    }
}

row! {
    /// A ticket; its text is nowhere.
    pub struct Ticket in "login_tickets" {
        /// Its id, a part of its text.
        id: TicketId,
        /// Whose tenant.
        tenant: TenantId = "tenant_id",
        /// Whose password was right.
        user: UserId = "user_id",
        /// SHA-256 of its secret part.
        hash: [u8; 32],
        /// Through which network.
        family: AddressFamily = "address_family",
        /// Codes tried.
        attempts: u32,
        /// When the password was right.
        created_at: Timestamp,
        /// Useless from then on.
        expires_at: Timestamp,
        /// When its code was right.
        used_at: Option<Timestamp>,
    }
}

/// Keeps a new ticket.
///
/// # Errors
/// [`crate::StoreError::NotFound`] when the person is not inside the scope.
pub async fn create(tx: &mut Tx, ticket: &Ticket) -> Result<()> {
    tx.own("sign-in ticket", ticket.tenant, None)?;
    users::must_own(tx, ticket.tenant, ticket.user).await?;
    insert(tx, ticket).await
}

/// A ticket inside the scope. Sign-in looks under the system's: it does not know the tenant yet.
///
/// # Errors
/// [`crate::StoreError::NotFound`].
pub async fn get(at: &impl Look, id: TicketId) -> Result<Ticket> {
    Sql::select::<Ticket>().and("id = ?", &id).tenant_scoped(at.scope()).get(at, "sign-in ticket").await
}

/// Counts one try with it; `false` when it is used, expired or tried too often. Before anything is looked at, so that
/// parallel tries are as many tries.
///
/// # Errors
/// When the database fails.
pub async fn attempt(tx: &mut Tx, id: TicketId) -> Result<bool> {
    let sql = Sql::new("UPDATE login_tickets SET attempts = attempts + 1 WHERE used_at IS NULL")
        .and("id = ?", &id)
        .and("expires_at > ?", &tx.now)
        .and("attempts < ?", &MAX_ATTEMPTS);
    Ok(sql.tenant_scoped(tx.scope()).run(tx).await? == 1)
}

/// Uses it up; `false` when it was before.
///
/// # Errors
/// When the database fails.
pub async fn spend(tx: &mut Tx, id: TicketId) -> Result<bool> {
    let sql = Sql::new("UPDATE login_tickets SET used_at = ").with("? WHERE used_at IS NULL", tx.now.as_millis());
    Ok(sql.and("id = ?", &id).tenant_scoped(tx.scope()).run(tx).await? == 1)
}

/// Deletes what expired before `before`; answers how many. System only.
///
/// # Errors
/// When the database fails.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    let sql = Sql::new("DELETE FROM login_tickets WHERE TRUE").and("expires_at < ?", &before);
    sql.tenant_scoped(tx.scope()).run(tx).await
}
