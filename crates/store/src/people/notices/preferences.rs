//! What each person wants to be told, and when.

use sf_engine::notify::Preferences;
use sf_types::{TenantId, Timestamp, UserId};

use crate::row::{Json, row};
use crate::sql::{Sql, insert};
use crate::tx::{Look, Tx};
use crate::{Result, users};

row! {
    struct PreferencesRow in "notification_preferences" {
        user: UserId = "user_id",
        tenant: TenantId = "tenant_id",
        preferences: Json<Preferences>,
        updated_at: Timestamp,
    }
}

/// A person's preferences; the usual ones where they have said nothing.
///
/// # Errors
/// When the database fails.
pub async fn get(at: &impl Look, user: UserId) -> Result<Preferences> {
    let sql = Sql::select::<PreferencesRow>().and("user_id = ?", &user).tenant_scoped(at.scope());
    Ok(sql.find::<PreferencesRow>(at).await?.map(|row| row.preferences.0).unwrap_or_default())
}

/// Keeps a person's preferences.
///
/// # Errors
/// [`crate::StoreError::NotFound`] for a person outside of the scope.
pub async fn set(tx: &mut Tx, user: UserId, preferences: &Preferences) -> Result<()> {
    let tenant = users::get(tx, user).await?.tenant;
    let before = Sql::new("DELETE FROM notification_preferences WHERE TRUE").and("user_id = ?", &user);
    before.tenant_scoped(tx.scope()).run(tx).await?;
    insert(tx, &PreferencesRow { user, tenant, preferences: Json(preferences.clone()), updated_at: tx.now }).await
}
