//! People asked to join a team. A link opens an invitation once; its text is nowhere.

use sf_types::{InvitationId, Page, PageRequest, TenantId, Timestamp, UserId};

use crate::row::row;
use crate::sql::{Sql, containing, insert, page_of};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError, users};

row! {
    /// An invitation.
    pub struct Invitation in "invitations" {
        /// Its id, a part of its link.
        id: InvitationId,
        /// Into which team.
        tenant: TenantId = "tenant_id",
        /// Who, normalised: good for this address alone.
        email: String,
        /// The role they get: a built-in name or the id of an own one; empty where they get single permissions.
        role: String,
        /// Where they get it: `tenant`, `project`, `node`, `app`, `server`.
        object_kind: String,
        /// Its id; empty for the team as a whole.
        object_id: String,
        /// SHA-256 of the link's secret part.
        hash: [u8; 32],
        /// Who invited; a pseudonym.
        invited_by: Option<UserId>,
        /// When.
        created_at: Timestamp,
        /// Until when it is good.
        expires_at: Timestamp,
        /// When somebody joined by it.
        used_at: Option<Timestamp>,
        /// When it was taken back or replaced.
        withdrawn_at: Option<Timestamp>,
        /// Who joined by it.
        user: Option<UserId> = "user_id",
        /// Whether who operates the installation made it, for a team without an owner.
        from_operator: Option<bool>,
        /// Single permissions they get in place of a role, by name, with spaces between them.
        permissions: Option<String>,
    }
}

const OPEN: &str = " AND used_at IS NULL AND withdrawn_at IS NULL";

/// Keeps an invitation, in the place of the open one to the same address.
///
/// # Errors
/// [`StoreError::OutOfScope`]; when the database fails.
pub async fn create(tx: &mut Tx, invitation: &Invitation) -> Result<()> {
    tx.own("invitation", invitation.tenant, None)?;
    Sql::new("UPDATE invitations SET withdrawn_at = ")
        .with("? WHERE TRUE", tx.now.as_millis())
        .push(OPEN)
        .and("tenant_id = ?", &invitation.tenant)
        .and("email = ?", &invitation.email)
        .run(tx)
        .await?;
    insert(tx, invitation).await
}

/// An invitation inside the scope. Joining looks under the system's scope: it does not know the tenant yet.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(at: &impl Look, id: InvitationId) -> Result<Invitation> {
    Sql::select::<Invitation>().and("id = ?", &id).tenant_scoped(at.scope()).get(at, "invitation").await
}

/// Invitations inside the scope that nobody used or took back, newest first; those that have expired, too. `q` is looked
/// for in the address.
///
/// # Errors
/// A bad cursor; when the database fails.
pub async fn page(at: &impl Look, q: Option<&str>, page: &PageRequest) -> Result<Page<Invitation>> {
    let mut sql = Sql::select::<Invitation>().push(OPEN).tenant_scoped(at.scope());
    if let Some(q) = q {
        sql = sql.with(" AND email LIKE ? ESCAPE '\\'", containing(q));
    }
    Ok(page_of(sql.page(page)?.all(at).await?, page, |invitation: &Invitation| invitation.id.uuid()))
}

/// How many inside the scope nobody used or took back.
///
/// # Errors
/// When the database fails.
pub async fn count_open(at: &impl Look) -> Result<u64> {
    let sql = Sql::new("SELECT count(*) FROM invitations WHERE TRUE").push(OPEN).tenant_scoped(at.scope());
    Ok(sql.scalar(at).await?.unwrap_or(0))
}

/// How many were made for an address since `since`, whatever became of them.
///
/// # Errors
/// When the database fails.
pub async fn count_since(at: &impl Look, email: &str, since: Timestamp) -> Result<u64> {
    let sql = Sql::new("SELECT count(*) FROM invitations").with(" WHERE email = ?", email);
    Ok(sql.and("created_at >= ?", &since).tenant_scoped(at.scope()).scalar(at).await?.unwrap_or(0))
}

/// Takes an open invitation back.
///
/// # Errors
/// [`StoreError::NotFound`] when there is none, or it was used or taken back before.
pub async fn withdraw(tx: &mut Tx, id: InvitationId) -> Result<()> {
    let sql = Sql::new("UPDATE invitations SET withdrawn_at = ").with("? WHERE TRUE", tx.now.as_millis());
    sql.push(OPEN).and("id = ?", &id).tenant_scoped(tx.scope()).run_one(tx, "invitation").await
}

/// Uses an open invitation up.
///
/// # Errors
/// [`StoreError::Stale`] when somebody was faster, or it was taken back.
pub async fn spend(tx: &mut Tx, id: InvitationId, user: UserId) -> Result<()> {
    let user = users::get(tx, user).await?;
    let sql = Sql::new("UPDATE invitations SET used_at = ").with("?", tx.now.as_millis());
    let sql = sql.with(", user_id = ? WHERE TRUE", user.id.uuid()).push(OPEN).and("id = ?", &id);
    let spent = sql.and("tenant_id = ?", &user.tenant).tenant_scoped(tx.scope()).run(tx).await?;
    if spent == 1 { Ok(()) } else { Err(StoreError::Stale("invitation")) }
}

/// Deletes invitations that ended before `before`; answers how many. System only.
///
/// # Errors
/// When the database fails.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    Sql::new("DELETE FROM invitations WHERE TRUE")
        .and("expires_at < ?", &before)
        .tenant_scoped(tx.scope())
        .run(tx)
        .await
}

/// Takes back all open invitations that somebody made; answers how many.
///
/// # Errors
/// When the database fails.
pub async fn withdraw_of(tx: &mut Tx, inviter: UserId) -> Result<u64> {
    let sql = Sql::new("UPDATE invitations SET withdrawn_at = ").with("? WHERE TRUE", tx.now.as_millis());
    sql.push(OPEN).and("invited_by = ?", &inviter).tenant_scoped(tx.scope()).run(tx).await
}
