//! The root key's words on the online keys: kept as long as commands signed under them.

use sf_protocol::{KeyId, Signed};
use sf_types::Timestamp;
use uuid::Uuid;

use crate::Result;
use crate::row::{Json, row};
use crate::sql::{Sql, insert};
use crate::tx::{Look, Tx};

row! {
    /// A delegation. It belongs to the installation, and nothing in it is secret.
    pub struct StoredDelegation in "delegations" {
        /// Its id.
        id: Uuid,
        /// The online key.
        key_id: KeyId,
        /// The root's signed word.
        signed: Json<Signed>,
        /// Numbers count within this.
        epoch: u64,
        /// Valid from.
        not_before: Timestamp,
        /// Valid until.
        not_after: Timestamp,
        /// When it was made.
        created_at: Timestamp,
    }
}

/// Keeps a delegation; answers its id.
///
/// # Errors
/// When the database fails.
pub async fn create(
    tx: &mut Tx,
    signed: &Signed,
    key_id: KeyId,
    epoch: u64,
    not_before: Timestamp,
    not_after: Timestamp,
) -> Result<Uuid> {
    let id = tx.new_uuid();
    let created_at = tx.now;
    let row = StoredDelegation { id, key_id, signed: Json(signed.clone()), epoch, not_before, not_after, created_at };
    insert(tx, &row).await?;
    Ok(id)
}

/// One delegation.
///
/// # Errors
/// [`crate::StoreError::NotFound`].
pub async fn get(at: &impl Look, id: Uuid) -> Result<StoredDelegation> {
    Sql::select::<StoredDelegation>().and("id = ?", &id).get(at, "delegation").await
}

/// The newest delegation of a key.
///
/// # Errors
/// When the database fails.
pub async fn newest(at: &impl Look, key: &KeyId) -> Result<Option<StoredDelegation>> {
    let sql = Sql::select::<StoredDelegation>().and("key_id = ?", key);
    sql.push(" ORDER BY epoch DESC, not_after DESC, id DESC LIMIT 1").find(at).await
}

/// When an epoch began; `None` when nothing was certified in it.
///
/// # Errors
/// When the database fails.
pub async fn epoch_began(at: &impl Look, epoch: u64) -> Result<Option<Timestamp>> {
    let sql = Sql::new("SELECT min(created_at) FROM delegations WHERE TRUE").and("epoch = ?", &epoch);
    Ok(sql.scalar::<Option<Timestamp>>(at).await?.flatten())
}
