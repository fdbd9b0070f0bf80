//! Long-lived tokens of the CLI and of programs.

pub mod clients;
pub mod granted;

use sf_actions::access::SpeaksFor;
use sf_types::{ProjectId, TenantId, Timestamp, TokenId, UserId};

use crate::row::{Json, row};
use crate::sql::{Sql, containing, insert};
use crate::tx::{Look, Tx};
use crate::{Result, users};

row! {
    /// A token; its text is nowhere.
    pub struct Token in "api_tokens" {
        /// Its id, a part of its text.
        id: TokenId,
        /// Whose tenant.
        tenant: TenantId = "tenant_id",
        /// Whose rights it has.
        user: UserId = "user_id",
        /// What it is for.
        name: String,
        /// SHA-256 of its secret part.
        hash: [u8; 32],
        /// Permissions it is limited to; all of the person's where `None`.
        scopes: Option<Json<Vec<String>>>,
        /// Addresses it may be used from; all where `None`.
        address_list: Option<Json<Vec<String>>>,
        /// When it was made.
        created_at: Timestamp,
        /// When it ends.
        expires_at: Timestamp,
        /// When it was last used, to the minute.
        last_used_at: Option<Timestamp>,
        /// When it was made useless.
        revoked_at: Option<Timestamp>,
        /// The project it is limited to.
        project: Option<ProjectId> = "project_id",
        /// Address it was last used from.
        last_used_from: Option<String>,
        /// Who speaks by it.
        speaks_for: SpeaksFor,
    }
}

/// Keeps a new token.
///
/// # Errors
/// [`crate::StoreError::NotFound`] when the person is not inside the scope.
pub async fn create(tx: &mut Tx, token: &Token) -> Result<()> {
    tx.own("token", token.tenant, None)?;
    users::must_own(tx, token.tenant, token.user).await?;
    insert(tx, token).await
}

/// A token inside the scope. Authentication looks under the system's scope: it does not know the tenant yet.
///
/// # Errors
/// [`crate::StoreError::NotFound`].
pub async fn get(at: &impl Look, id: TokenId) -> Result<Token> {
    Sql::select::<Token>().and("id = ?", &id).tenant_scoped(at.scope()).get(at, "token").await
}

/// The keys of a person that are not revoked, newest first, and no grants: those have a list of their own. `q` is looked for
/// in the name.
///
/// # Errors
/// When the database fails.
pub async fn of_user(at: &impl Look, user: UserId, q: Option<&str>) -> Result<Vec<Token>> {
    let mut sql = Sql::select::<Token>()
        .and("user_id = ?", &user)
        .push(" AND revoked_at IS NULL AND NOT EXISTS (SELECT 1 FROM mcp_grants g WHERE g.id = api_tokens.id)");
    if let Some(q) = q {
        sql = sql.with(" AND lower(name) LIKE ? ESCAPE '\\'", containing(q));
    }
    sql.tenant_scoped(at.scope()).push(" ORDER BY id DESC").all(at).await
}

/// Tokens by their ids, in no order; what is not inside the scope is left out.
///
/// # Errors
/// When the database fails.
pub async fn many(at: &impl Look, ids: &[TokenId]) -> Result<Vec<Token>> {
    let Some((first, more)) = ids.split_first() else { return Ok(Vec::new()) };
    let sql = Sql::select::<Token>().with(" AND id IN (?", first.uuid());
    let sql = more.iter().fold(sql, |sql, id| sql.with(", ?", id.uuid())).push(")");
    sql.tenant_scoped(at.scope()).all(at).await
}

/// Moves the end of a token that is not revoked.
///
/// # Errors
/// [`crate::StoreError::NotFound`] when there is none, or it was revoked.
pub async fn extend(tx: &mut Tx, id: TokenId, until: Timestamp) -> Result<()> {
    let sql = Sql::new("UPDATE api_tokens SET expires_at = ").with("? WHERE revoked_at IS NULL", until.as_millis());
    sql.and("id = ?", &id).tenant_scoped(tx.scope()).run_one(tx, "token").await
}

/// Makes a token useless.
///
/// # Errors
/// [`crate::StoreError::NotFound`] when there is none, or it was revoked before.
pub async fn revoke(tx: &mut Tx, id: TokenId) -> Result<()> {
    Sql::new("UPDATE api_tokens SET revoked_at = ")
        .with("? WHERE revoked_at IS NULL", tx.now.as_millis())
        .and("id = ?", &id)
        .tenant_scoped(tx.scope())
        .run_one(tx, "token")
        .await
}

/// Makes all tokens of a person useless; answers how many.
///
/// # Errors
/// When the database fails.
pub async fn revoke_all(tx: &mut Tx, user: UserId) -> Result<u64> {
    Sql::new("UPDATE api_tokens SET revoked_at = ")
        .with("? WHERE revoked_at IS NULL", tx.now.as_millis())
        .and("user_id = ?", &user)
        .tenant_scoped(tx.scope())
        .run(tx)
        .await
}

/// Notes a use. Call it at most once a minute and token.
///
/// # Errors
/// When the database fails.
pub async fn used(tx: &mut Tx, id: TokenId, from: Option<&str>) -> Result<()> {
    let sql = Sql::new("UPDATE api_tokens SET last_used_at = ").with("?", tx.now.as_millis());
    let sql = sql.with(", last_used_from = ? WHERE TRUE", from.map(str::to_owned));
    sql.and("id = ?", &id).tenant_scoped(tx.scope()).run(tx).await.map(drop)
}
