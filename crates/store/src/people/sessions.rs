//! Signed-in browsers and CLIs: families of refresh tokens.

use std::net::IpAddr;

use sf_types::{Page, PageRequest, SessionId, TenantId, Timestamp, UserId};

use crate::row::{Column, row, words};
use crate::sql::{Sql, insert, page_of};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError, users};

/// Sessions that are looked at for addresses somebody is known from.
pub const MAX_ADDRESSES: i64 = 100;

words! {
    /// Where a session lives.
    pub enum SessionKind {
        /// A browser: the refresh token is in a cookie.
        Browser = "browser",
        /// The CLI: the refresh token is in its file.
        Cli = "cli",
    }
}

row! {
    /// One family of refresh tokens: each use of the newest makes the next.
    pub struct Session in "sessions" {
        /// Its id.
        id: SessionId,
        /// Whose tenant.
        tenant: TenantId = "tenant_id",
        /// Who.
        user: UserId = "user_id",
        /// Where it lives.
        kind: SessionKind,
        /// Raised by every rotation.
        generation: u64,
        /// SHA-256 of the newest token.
        current_hash: [u8; 32],
        /// SHA-256 of the one before, for honest races.
        previous_hash: Option<[u8; 32]>,
        /// Until when that is an honest race and not theft.
        previous_valid_until: Option<Timestamp>,
        /// When it began.
        created_at: Timestamp,
        /// When a token was last made.
        last_used_at: Timestamp,
        /// When it ends unless used.
        idle_expires_at: Timestamp,
        /// When it ends in any case.
        expires_at: Timestamp,
        /// When it was ended.
        revoked_at: Option<Timestamp>,
        /// Why.
        revoke_reason: Option<String>,
        /// "Firefox on Linux".
        user_agent_family: Option<String>,
        /// Address it began from.
        ip: Option<String>,
    }
}

/// What a rotation writes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rotation {
    /// The generation it was decided on.
    pub from_generation: u64,
    /// SHA-256 of the new token.
    pub current_hash: [u8; 32],
    /// SHA-256 of the one it replaces.
    pub previous_hash: [u8; 32],
    /// Until when the old one counts as an honest race.
    pub previous_valid_until: Timestamp,
    /// When it ends unless used.
    pub idle_expires_at: Timestamp,
}

/// Begins a session.
///
/// # Errors
/// [`StoreError::NotFound`] when the person is not inside the scope.
pub async fn create(tx: &mut Tx, session: &Session) -> Result<()> {
    tx.own("session", session.tenant, None)?;
    users::must_own(tx, session.tenant, session.user).await?;
    insert(tx, session).await
}

/// A session inside the scope. Refreshing looks under the system's scope: it does not know the tenant yet.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(at: &impl Look, id: SessionId) -> Result<Session> {
    Sql::select::<Session>().and("id = ?", &id).tenant_scoped(at.scope()).get(at, "session").await
}

/// Makes the next token current, if the generation is still the one the decision was made on.
///
/// # Errors
/// [`StoreError::Stale`] when another refresh was faster or the session was revoked.
pub async fn rotate(tx: &mut Tx, id: SessionId, to: &Rotation) -> Result<()> {
    let changed = Sql::new("UPDATE sessions SET generation = generation + 1")
        .with(", current_hash = ?", to.current_hash.value())
        .with(", previous_hash = ?", to.previous_hash.value())
        .with(", previous_valid_until = ?", to.previous_valid_until.as_millis())
        .with(", idle_expires_at = ?", to.idle_expires_at.as_millis())
        .with(", last_used_at = ? WHERE revoked_at IS NULL", tx.now.as_millis())
        .and("id = ?", &id)
        .and("generation = ?", &to.from_generation)
        .tenant_scoped(tx.scope())
        .run(tx)
        .await?;
    if changed == 1 { Ok(()) } else { Err(StoreError::Stale("session")) }
}

/// Ends a session; answers whether it was alive.
///
/// # Errors
/// When the database fails.
pub async fn revoke(tx: &mut Tx, id: SessionId, reason: &str) -> Result<bool> {
    let sql = revoking(tx, reason).and("id = ?", &id);
    Ok(sql.tenant_scoped(tx.scope()).run(tx).await? > 0)
}

/// Ends all sessions of a person but `except`; answers how many.
///
/// # Errors
/// When the database fails.
pub async fn revoke_all(tx: &mut Tx, user: UserId, except: Option<SessionId>, reason: &str) -> Result<u64> {
    let sql = revoking(tx, reason).and("user_id = ?", &user).and_some("id <> ?", except.as_ref());
    sql.tenant_scoped(tx.scope()).run(tx).await
}

fn revoking(tx: &Tx, reason: &str) -> Sql {
    Sql::new("UPDATE sessions SET revoked_at = ")
        .with("?", tx.now.as_millis())
        .with(", revoke_reason = ? WHERE revoked_at IS NULL", reason)
}

/// The living sessions of a person, newest first.
///
/// # Errors
/// When the database fails.
pub async fn of_user(at: &impl Look, user: UserId) -> Result<Vec<Session>> {
    let now = at.now();
    Sql::select::<Session>()
        .and("user_id = ?", &user)
        .push(" AND revoked_at IS NULL")
        .and("expires_at > ?", &now)
        .and("idle_expires_at > ?", &now)
        .tenant_scoped(at.scope())
        .push(" ORDER BY id DESC")
        .all(at)
        .await
}

/// The living sessions of a person, newest first, in pages.
///
/// # Errors
/// A bad cursor; when the database fails.
pub async fn page_of_user(at: &impl Look, user: UserId, page: &PageRequest) -> Result<Page<Session>> {
    let now = at.now();
    let sql = Sql::select::<Session>()
        .and("user_id = ?", &user)
        .push(" AND revoked_at IS NULL")
        .and("expires_at > ?", &now)
        .and("idle_expires_at > ?", &now)
        .tenant_scoped(at.scope());
    Ok(page_of(sql.page(page)?.all(at).await?, page, |session: &Session| session.id.uuid()))
}

/// Addresses that a person's last [`MAX_ADDRESSES`] sessions began from, ended ones too.
///
/// # Errors
/// When the database fails.
pub async fn addresses(at: &impl Look, user: UserId) -> Result<Vec<IpAddr>> {
    let sql = Sql::new("SELECT ip FROM sessions WHERE ip IS NOT NULL").and("user_id = ?", &user);
    let rows = sql.tenant_scoped(at.scope()).with(" ORDER BY id DESC LIMIT ?", MAX_ADDRESSES).raws(at).await?;
    let texts = rows.iter().map(|row| String::read(row, 0)).collect::<Result<Vec<_>>>()?;
    Ok(texts.iter().filter_map(|text| text.parse().ok()).collect())
}

/// Deletes sessions that ended before `before`; answers how many. System only.
///
/// # Errors
/// When the database fails.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    Sql::new("DELETE FROM sessions WHERE (expires_at < ")
        .with("?", before.as_millis())
        .with(" OR revoked_at < ?)", before.as_millis())
        .tenant_scoped(tx.scope())
        .run(tx)
        .await
}
