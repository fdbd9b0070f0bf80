//! Ctrls: categories of templates.

use sf_types::{CtrlId, Name, Page, PageRequest, TenantId, Timestamp};

use crate::row::{Column, row};
use crate::sql::{Sql, containing, insert, page_of};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError};

row! {
    /// A category of templates.
    pub struct Ctrl in "ctrls" {
        /// Its id.
        id: CtrlId,
        /// Whose.
        tenant: TenantId = "tenant_id",
        /// Its name, unique within the team.
        name: Name,
        /// For people; may be empty.
        description: String,
        /// When it was made.
        created_at: Timestamp,
        /// When it last changed.
        updated_at: Timestamp,
    }
}

/// Adds one.
///
/// # Errors
/// [`StoreError::Taken`] when the team has one of this name.
pub async fn create(tx: &mut Tx, tenant: TenantId, name: &Name, description: &str) -> Result<Ctrl> {
    tx.own("ctrl", tenant, None)?;
    let ctrl = Ctrl {
        id: tx.new_id(),
        tenant,
        name: name.clone(),
        description: description.to_owned(),
        created_at: tx.now,
        updated_at: tx.now,
    };
    insert(tx, &ctrl).await?;
    Ok(ctrl)
}

/// One inside the scope.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(at: &impl Look, id: CtrlId) -> Result<Ctrl> {
    Sql::select::<Ctrl>().and("id = ?", &id).tenant_scoped(at.scope()).get(at, "ctrl").await
}

/// By its name.
///
/// # Errors
/// When the database fails.
pub async fn by_name(at: &impl Look, name: &str) -> Result<Option<Ctrl>> {
    Sql::select::<Ctrl>().with(" AND name = ?", name).tenant_scoped(at.scope()).find(at).await
}

/// All inside the scope, newest first.
///
/// # Errors
/// A bad cursor; when the database fails.
pub async fn page(at: &impl Look, q: Option<&str>, page: &PageRequest) -> Result<Page<Ctrl>> {
    let mut sql = Sql::select::<Ctrl>().tenant_scoped(at.scope());
    if let Some(q) = q {
        sql = sql.with(" AND lower(name) LIKE ? ESCAPE '\\'", containing(q));
    }
    Ok(page_of(sql.page(page)?.all(at).await?, page, |ctrl: &Ctrl| ctrl.id.uuid()))
}

/// Another name and description.
///
/// # Errors
/// [`StoreError::NotFound`], [`StoreError::Taken`].
pub async fn update(tx: &mut Tx, id: CtrlId, name: &Name, description: &str) -> Result<()> {
    let set = Sql::new("UPDATE ctrls SET name = ").with("?", name.value()).with(", description = ?", description);
    let set = set.with(", updated_at = ?", tx.now.as_millis()).push(" WHERE TRUE").and("id = ?", &id);
    set.tenant_scoped(tx.scope()).run_one(tx, "ctrl").await
}

/// Deletes one that has no Alts.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn delete(tx: &mut Tx, id: CtrlId) -> Result<()> {
    let sql = Sql::new("DELETE FROM ctrls WHERE TRUE").and("id = ?", &id).tenant_scoped(tx.scope());
    if sql.run(tx).await? == 1 { Ok(()) } else { Err(StoreError::NotFound("ctrl")) }
}
