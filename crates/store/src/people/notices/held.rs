//! Notices that wait to go with others: for a digest, for the end of quiet hours, for a channel that cannot keep up. The
//! control plane's own: everything needs the system's scope.

use serde_json::Value;
use sf_types::{NotificationChannelId, Scope, TenantId, Timestamp, UserId};
use uuid::Uuid;

use crate::row::{Column, Json, row};
use crate::sql::{Sql, insert_all};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError};

/// Notices that wait for one channel; later ones are dropped, and the message says that there are more.
pub const MAX_HELD: u64 = 500;

row! {
    /// A notice that waits.
    pub struct Held in "notices_held" {
        /// Made of notice and channel, so that it waits once.
        id: Uuid,
        /// Whose tenant.
        tenant: TenantId = "tenant_id",
        /// For whom; `None` for a team's channel.
        user: Option<UserId> = "user_id",
        /// For which channel.
        channel: NotificationChannelId = "channel_id",
        /// What.
        notice: Json<Value>,
        /// Until when.
        due_at: Timestamp,
        /// Since when.
        created_at: Timestamp,
    }
}

/// Keeps a notice until it is due; kept twice, it is there once. Answers whether there was room.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn keep(tx: &mut Tx, held: &Held) -> Result<bool> {
    system_only(tx.scope())?;
    let count = Sql::new("SELECT count(*) FROM notices_held WHERE TRUE").and("channel_id = ?", &held.channel);
    if count.scalar::<u64>(tx).await?.unwrap_or(0) >= MAX_HELD {
        return Ok(false);
    }
    insert_all(tx, std::slice::from_ref(held), " ON CONFLICT DO NOTHING").await?;
    Ok(true)
}

/// What is due for a channel, oldest first.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn due(at: &impl Look, channel: NotificationChannelId) -> Result<Vec<Held>> {
    system_only(at.scope())?;
    let sql = Sql::select::<Held>().and("channel_id = ?", &channel).and("due_at <= ?", &at.now());
    sql.push(" ORDER BY id").all(at).await
}

/// They went: forgets them.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn forget(tx: &mut Tx, ids: &[Uuid]) -> Result<()> {
    system_only(tx.scope())?;
    for id in ids {
        Sql::new("DELETE FROM notices_held WHERE TRUE").with(" AND id = ?", id.value()).later(tx, None);
    }
    Ok(())
}

fn system_only(scope: Scope) -> Result<()> {
    if scope == Scope::System { Ok(()) } else { Err(StoreError::OutOfScope("held notice")) }
}
