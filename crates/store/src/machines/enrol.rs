//! One-time tokens with which nodes are enrolled.

use sf_types::{EnrolTokenId, NodeId, TenantId, Timestamp, UserId};

use crate::row::row;
use crate::sql::{Sql, insert};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError};

row! {
    /// A token; its text is nowhere.
    pub struct EnrolToken in "enrol_tokens" {
        /// Its id, a part of its text.
        id: EnrolTokenId,
        /// Whose node it makes.
        tenant: TenantId = "tenant_id",
        /// SHA-256 of its secret part: the key of the proof.
        verifier: [u8; 32],
        /// The node's name, where one was chosen.
        name: Option<String>,
        /// Who made it.
        created_by: Option<UserId>,
        /// When.
        created_at: Timestamp,
        /// Useless from then on.
        expires_at: Timestamp,
        /// When it was used.
        used_at: Option<Timestamp>,
        /// Which node it made.
        node: Option<NodeId> = "node_id",
    }
}

/// Keeps a new token.
///
/// # Errors
/// When the database fails.
pub async fn create(tx: &mut Tx, token: &EnrolToken) -> Result<()> {
    tx.own("enrolment token", token.tenant, None)?;
    insert(tx, token).await
}

/// A token, used or not. The agents' endpoint looks under the system's scope.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(at: &impl Look, id: EnrolTokenId) -> Result<EnrolToken> {
    Sql::select::<EnrolToken>().and("id = ?", &id).tenant_scoped(at.scope()).get(at, "enrolment token").await
}

/// Uses a token up, in the transaction that creates the node: of racing uses exactly one succeeds.
///
/// # Errors
/// [`StoreError::Stale`] when it was used or has expired.
pub async fn consume(tx: &mut Tx, id: EnrolTokenId) -> Result<EnrolToken> {
    let changed = Sql::new("UPDATE enrol_tokens SET used_at = ")
        .with("? WHERE used_at IS NULL", tx.now.as_millis())
        .and("id = ?", &id)
        .and("expires_at > ?", &tx.now)
        .tenant_scoped(tx.scope())
        .run(tx)
        .await?;
    if changed == 0 {
        return Err(StoreError::Stale("enrolment token"));
    }
    get(tx, id).await
}

/// Notes which node a token made.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn made(tx: &mut Tx, id: EnrolTokenId, node: NodeId) -> Result<()> {
    Sql::new("UPDATE enrol_tokens SET node_id = ")
        .with("? WHERE TRUE", node.uuid())
        .and("id = ?", &id)
        .tenant_scoped(tx.scope())
        .run_one(tx, "enrolment token")
        .await
}

/// Deletes tokens that expired before `before`; answers how many.
///
/// # Errors
/// When the database fails.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    let sql = Sql::new("DELETE FROM enrol_tokens WHERE TRUE").and("expires_at < ?", &before);
    sql.tenant_scoped(tx.scope()).run(tx).await
}
