//! What people granted to AI hosts. A grant is a row of [`tokens`](super) whose text nobody has, and a row here with what
//! OAuth has to know of it: under one id.

use sf_types::{Page, PageRequest, TenantId, Timestamp, TokenId, UserId};

use super::Token;
use crate::row::{Column, Json, row};
use crate::sql::{Sql, insert, page_of};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError, users};

/// Hosts that one person may have let in at a time.
pub const MAX_LIVING: u64 = 50;

/// Still good: not revoked, not run out.
const LIVING: &str = " AND EXISTS (SELECT 1 FROM api_tokens t WHERE t.id = mcp_grants.id AND t.revoked_at IS NULL AND ";

row! {
    /// A grant.
    pub struct Granted in "mcp_grants" {
        /// Its id: that of its token.
        id: TokenId,
        /// Whose tenant.
        tenant: TenantId = "tenant_id",
        /// Who granted it.
        user: UserId = "user_id",
        /// The program: an https address of its own, or the id it registered under.
        client: String,
        /// What the program calls itself.
        client_name: String,
        /// Where it was answered.
        redirect: String,
        /// The endpoint it is for.
        resource: String,
        /// What was granted, by name.
        scopes: Json<Vec<String>>,
        /// SHA-256 of its code's secret part.
        code_hash: [u8; 32],
        /// What the code's verifier has to answer.
        challenge: String,
        /// Until when the code is good.
        code_expires_at: Timestamp,
        /// When the code was presented, rightly or not.
        redeemed_at: Option<Timestamp>,
        /// How often its refresh token was rotated.
        generation: u64,
        /// SHA-256 of the newest refresh token.
        current_hash: Option<[u8; 32]>,
        /// SHA-256 of the one before, for honest races.
        previous_hash: Option<[u8; 32]>,
        /// When the newest was made.
        rotated_at: Option<Timestamp>,
        /// When it was granted.
        created_at: Timestamp,
    }
}

/// Keeps a new grant and its token.
///
/// # Errors
/// [`StoreError::NotFound`] when the person is not inside the scope.
pub async fn create(tx: &mut Tx, token: &Token, grant: &Granted) -> Result<()> {
    super::create(tx, token).await?;
    tx.own("grant", grant.tenant, None)?;
    users::must_own(tx, grant.tenant, grant.user).await?;
    insert(tx, grant).await
}

/// A grant inside the scope.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(at: &impl Look, id: TokenId) -> Result<Granted> {
    Sql::select::<Granted>().and("id = ?", &id).tenant_scoped(at.scope()).get(at, "grant").await
}

/// How many living grants a person has.
///
/// # Errors
/// When the database fails.
pub async fn count(at: &impl Look, user: UserId) -> Result<u64> {
    let sql = Sql::new("SELECT count(*) FROM mcp_grants WHERE TRUE").and("user_id = ?", &user);
    let sql = sql.with(&format!("{LIVING}t.expires_at > ?)"), at.now().as_millis());
    Ok(sql.tenant_scoped(at.scope()).scalar(at).await?.unwrap_or(0))
}

/// Living grants, newest first: of one person, or of the whole scope.
///
/// # Errors
/// A bad cursor; when the database fails.
pub async fn page(at: &impl Look, user: Option<UserId>, page: &PageRequest) -> Result<Page<Granted>> {
    let sql = Sql::select::<Granted>().and_some("user_id = ?", user.as_ref()).push(" AND redeemed_at IS NOT NULL");
    let sql = sql.with(&format!("{LIVING}t.expires_at > ?)"), at.now().as_millis()).tenant_scoped(at.scope());
    Ok(page_of(sql.page(page)?.all(at).await?, page, |grant: &Granted| grant.id.uuid()))
}

/// Spends a code; `false` when it was spent before. Whoever is second learns that from here, however close behind.
///
/// # Errors
/// When the database fails.
pub async fn spend(tx: &mut Tx, id: TokenId) -> Result<bool> {
    let sql = Sql::new("UPDATE mcp_grants SET redeemed_at = ").with("? WHERE redeemed_at IS NULL", tx.now.as_millis());
    Ok(sql.and("id = ?", &id).tenant_scoped(tx.scope()).run(tx).await? == 1)
}

/// Begins the family of its refresh tokens.
///
/// # Errors
/// When the database fails.
pub async fn begin(tx: &mut Tx, id: TokenId, hash: [u8; 32]) -> Result<()> {
    Sql::new("UPDATE mcp_grants SET current_hash = ")
        .with("?", hash.value())
        .with(", rotated_at = ? WHERE current_hash IS NULL", tx.now.as_millis())
        .and("id = ?", &id)
        .tenant_scoped(tx.scope())
        .run_one(tx, "grant")
        .await
}

/// Makes the next refresh token current, if the generation is still the one that the decision was made on.
///
/// # Errors
/// [`StoreError::Stale`] when another rotation was faster.
pub async fn rotate(tx: &mut Tx, id: TokenId, from: u64, current: [u8; 32], previous: [u8; 32]) -> Result<()> {
    let changed = Sql::new("UPDATE mcp_grants SET generation = generation + 1")
        .with(", current_hash = ?", current.value())
        .with(", previous_hash = ?", previous.value())
        .with(", rotated_at = ? WHERE TRUE", tx.now.as_millis())
        .and("id = ?", &id)
        .and("generation = ?", &from)
        .tenant_scoped(tx.scope())
        .run(tx)
        .await?;
    if changed == 1 { Ok(()) } else { Err(StoreError::Stale("grant")) }
}
