//! Alts: templates of servers, and their versions. A server is pinned to a version, so versions in use stay.

use sf_types::{AltId, CtrlId, Name, Page, PageRequest, TenantId, Timestamp, UserId};
use uuid::Uuid;

use crate::row::{Column, Field, Json, row};
use crate::sql::{Sql, containing, insert, page_of};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError};

/// Versions kept of an Alt that no server uses; older ones are deleted.
pub const VERSIONS_KEPT: u64 = 50;

row! {
    /// A template of servers.
    pub struct Alt in "alts" {
        /// Its id.
        id: AltId,
        /// Whose.
        tenant: TenantId = "tenant_id",
        /// In which category.
        ctrl: CtrlId = "ctrl_id",
        /// Its name, unique within the category.
        name: Name,
        /// Its newest version.
        version: u32,
        /// Digest of that version's document.
        hash: String,
        /// The format it was imported from, where it was.
        source: Option<String>,
        /// When it was made.
        created_at: Timestamp,
        /// When it last changed.
        updated_at: Timestamp,
    }
}

row! {
    /// What an Alt says.
    pub struct Version in "alt_versions" {
        /// Its id.
        id: Uuid,
        /// Whose.
        tenant: TenantId = "tenant_id",
        /// Of which Alt.
        alt: AltId = "alt_id",
        /// Its number, from 1.
        version: u32,
        /// The template, in `sf_template`'s words.
        document: Json<serde_json::Value>,
        /// Digest of the document.
        hash: String,
        /// Who wrote it.
        created_by: Option<UserId>,
        /// When.
        created_at: Timestamp,
    }
}

/// What a new version is made of.
#[derive(Clone, PartialEq, Debug)]
pub struct Written {
    /// Its name.
    pub name: Name,
    /// The template.
    pub document: serde_json::Value,
    /// Its digest.
    pub hash: String,
    /// Who writes it.
    pub by: Option<UserId>,
}

/// Adds an Alt with its first version.
///
/// # Errors
/// [`StoreError::Taken`] when the category has one of this name; [`StoreError::NotFound`] when it is not in scope.
pub async fn create(tx: &mut Tx, ctrl: CtrlId, written: Written, source: Option<String>) -> Result<Alt> {
    let tenant = super::ctrls::get(tx, ctrl).await?.tenant;
    tx.own("alt", tenant, None)?;
    let alt = Alt {
        id: tx.new_id(),
        tenant,
        ctrl,
        name: written.name.clone(),
        version: 1,
        hash: written.hash.clone(),
        source,
        created_at: tx.now,
        updated_at: tx.now,
    };
    insert(tx, &alt).await?;
    keep(tx, &alt, written).await?;
    Ok(alt)
}

/// Adds a version; the same document again changes nothing.
///
/// # Errors
/// [`StoreError::NotFound`], [`StoreError::Taken`].
pub async fn update(tx: &mut Tx, id: AltId, written: Written) -> Result<Alt> {
    let alt = get(tx, id).await?;
    if alt.hash == written.hash && alt.name == written.name {
        return Ok(alt);
    }
    let alt = Alt {
        name: written.name.clone(),
        version: alt.version + 1,
        hash: written.hash.clone(),
        updated_at: tx.now,
        ..alt
    };
    let set =
        Sql::new("UPDATE alts SET name = ").with("?", alt.name.value()).with(", version = ?", alt.version.to_raw());
    let set =
        set.with(", hash = ?", alt.hash.as_str()).with(", updated_at = ?", tx.now.as_millis()).push(" WHERE TRUE");
    set.and("id = ?", &id).tenant_scoped(tx.scope()).run_one(tx, "alt").await?;
    keep(tx, &alt, written).await?;
    let old = Sql::new("DELETE FROM alt_versions WHERE TRUE").and("alt_id = ?", &id).tenant_scoped(tx.scope());
    let oldest = i64::from(alt.version) - i64::try_from(VERSIONS_KEPT).unwrap_or(i64::MAX);
    let old = old.with(" AND version <= ?", oldest);
    let old = old.push(" AND NOT EXISTS (SELECT 1 FROM servers s WHERE s.alt_id = alt_versions.alt_id ");
    old.push("AND s.alt_version = alt_versions.version)").run(tx).await?;
    Ok(alt)
}

async fn keep(tx: &mut Tx, alt: &Alt, written: Written) -> Result<()> {
    let version = Version {
        id: tx.new_uuid(),
        tenant: alt.tenant,
        alt: alt.id,
        version: alt.version,
        document: Json(written.document),
        hash: written.hash,
        created_by: written.by,
        created_at: tx.now,
    };
    insert(tx, &version).await
}

/// One inside the scope.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(at: &impl Look, id: AltId) -> Result<Alt> {
    Sql::select::<Alt>().and("id = ?", &id).tenant_scoped(at.scope()).get(at, "alt").await
}

/// Which Alts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AltFilter {
    /// In this category.
    pub ctrl: Option<CtrlId>,
    /// With this in the name.
    pub q: Option<String>,
}

/// All inside the scope, newest first.
///
/// # Errors
/// A bad cursor; when the database fails.
pub async fn page(at: &impl Look, filter: &AltFilter, page: &PageRequest) -> Result<Page<Alt>> {
    let mut sql = Sql::select::<Alt>().tenant_scoped(at.scope()).and_some("ctrl_id = ?", filter.ctrl.as_ref());
    if let Some(q) = &filter.q {
        sql = sql.with(" AND lower(name) LIKE ? ESCAPE '\\'", containing(q));
    }
    Ok(page_of(sql.page(page)?.all(at).await?, page, |alt: &Alt| alt.id.uuid()))
}

/// How many Alts a category has.
///
/// # Errors
/// When the database fails.
pub async fn count_of_ctrl(at: &impl Look, ctrl: CtrlId) -> Result<u64> {
    let sql = Sql::new("SELECT count(*) FROM alts WHERE TRUE").and("ctrl_id = ?", &ctrl);
    Ok(sql.tenant_scoped(at.scope()).scalar(at).await?.unwrap_or(0))
}

/// One version of an Alt.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn version(at: &impl Look, alt: AltId, version: u32) -> Result<Version> {
    let sql = Sql::select::<Version>().and("alt_id = ?", &alt).and("version = ?", &version);
    sql.tenant_scoped(at.scope()).get(at, "version of an alt").await
}

/// Its versions, newest first.
///
/// # Errors
/// A bad cursor; when the database fails.
pub async fn versions(at: &impl Look, alt: AltId, page: &PageRequest) -> Result<Page<Version>> {
    let sql = Sql::select::<Version>().and("alt_id = ?", &alt).tenant_scoped(at.scope());
    Ok(page_of(sql.page(page)?.all(at).await?, page, |version: &Version| version.id))
}

/// Deletes an Alt that no server uses, with its versions.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn delete(tx: &mut Tx, id: AltId) -> Result<()> {
    let versions = Sql::new("DELETE FROM alt_versions WHERE TRUE").and("alt_id = ?", &id);
    versions.tenant_scoped(tx.scope()).run(tx).await?;
    let sql = Sql::new("DELETE FROM alts WHERE TRUE").and("id = ?", &id).tenant_scoped(tx.scope());
    if sql.run(tx).await? == 1 { Ok(()) } else { Err(StoreError::NotFound("alt")) }
}
