//! Previews: for which branches an app has any, and what each shall be.

use sf_actions::preview::PreviewSettings;
use sf_protocol::site::CertificateFrom;
use sf_types::{AppId, DomainName, ProjectId, TenantId, Timestamp, TriggerId, UserId};

use crate::apps::App;
use crate::row::{Column, Field, Json, row};
use crate::sql::{Sql, insert};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError};

row! {
    /// For which branches an app has previews, and where.
    pub struct Wanted in "preview_settings" {
        /// Of which app.
        app: AppId = "app_id",
        /// Whose.
        tenant: TenantId = "tenant_id",
        /// In which project.
        project: ProjectId = "project_id",
        /// Who set it last: previews are served for them.
        owner: UserId = "owner_id",
        /// The domain below which they are reached.
        base: DomainName,
        /// All of it.
        settings: Json<PreviewSettings>,
        /// When it was set last.
        updated_at: Timestamp,
    }
}

row! {
    /// The preview of a branch: an app of its own, and what shall become of it.
    pub struct Preview in "previews" {
        /// The app that it is.
        app: AppId = "app_id",
        /// Whose.
        tenant: TenantId = "tenant_id",
        /// In which project.
        project: ProjectId = "project_id",
        /// The app whose branch it is of.
        parent: AppId = "parent_id",
        /// Its branch.
        branch: String,
        /// Where it is reached.
        domain: DomainName,
        /// Where its certificate comes from.
        certificate: CertificateFrom,
        /// The commit it shall be; the tip of the branch where `None`.
        commit: Option<String> = "commit_hash",
        /// For whom it is deployed.
        user: UserId = "user_id",
        /// By which trigger: the hook's, or its own where somebody asked for it.
        trigger: TriggerId = "trigger_id",
        /// For whom its domain is served.
        site_owner: UserId = "site_owner_id",
        /// When its branch was pushed last.
        pushed_at: Timestamp,
        /// The push that its deploy was proposed for.
        deployed_at: Option<Timestamp>,
        /// When its domain was last proposed.
        site_at: Option<Timestamp>,
        /// When it is over.
        expires_at: Timestamp,
        /// Why it is being deleted.
        ends_why: Option<String>,
        /// When its deletion was last proposed.
        ended_at: Option<Timestamp>,
        /// Why something could not be proposed.
        problem: Option<String>,
        /// When it was made.
        created_at: Timestamp,
    }
}

/// What an app has previews of, where it has any.
///
/// # Errors
/// When the database fails.
pub async fn wanted(at: &impl Look, app: AppId) -> Result<Option<Wanted>> {
    Sql::select::<Wanted>().and("app_id = ?", &app).scoped(at.scope()).find(at).await
}

/// Sets what an app has previews of.
///
/// # Errors
/// When the database fails.
pub async fn want(tx: &mut Tx, app: &App, owner: UserId, settings: &PreviewSettings) -> Result<()> {
    tx.own("previews", app.tenant, Some(app.project))?;
    unwant(tx, app.id).await?;
    let (tenant, project, updated_at) = (app.tenant, app.project, tx.now);
    let (base, settings) = (settings.base.clone(), Json(settings.clone()));
    insert(tx, &Wanted { app: app.id, tenant, project, owner, base, settings, updated_at }).await
}

/// There are no previews of an app from now on.
///
/// # Errors
/// When the database fails.
pub async fn unwant(tx: &mut Tx, app: AppId) -> Result<()> {
    let gone = Sql::new("DELETE FROM preview_settings WHERE TRUE").and("app_id = ?", &app);
    gone.scoped(tx.scope()).run(tx).await.map(drop)
}

/// Whether a base is another team's: its own domain, or what its previews are below. Looks beyond the scope; only that it is
/// taken is told.
///
/// # Errors
/// When the database fails.
pub async fn is_anothers(at: &impl Look, tenant: TenantId, base: &DomainName) -> Result<bool> {
    let sites = Sql::new("SELECT count(*) FROM proxy_names WHERE TRUE").and("name = ?", base);
    let sites: u64 = sites.and("tenant_id <> ?", &tenant).scalar(at).await?.unwrap_or(0);
    let bases = Sql::new("SELECT count(*) FROM preview_settings WHERE TRUE").and("base = ?", base);
    let bases: u64 = bases.and("tenant_id <> ?", &tenant).scalar(at).await?.unwrap_or(0);
    Ok(sites + bases > 0)
}

/// Whether a name is some preview's, over all teams.
///
/// # Errors
/// When the database fails.
pub async fn is_named(at: &impl Look, domain: &DomainName) -> Result<bool> {
    let found = Sql::new("SELECT count(*) FROM previews WHERE TRUE").and("domain = ?", domain);
    Ok(found.scalar::<u64>(at).await?.unwrap_or(0) > 0)
}

/// The preview that an app is; `None` for an ordinary one.
///
/// # Errors
/// When the database fails.
pub async fn find(at: &impl Look, app: AppId) -> Result<Option<Preview>> {
    Sql::select::<Preview>().and("app_id = ?", &app).scoped(at.scope()).find(at).await
}

/// The preview that an app is.
///
/// # Errors
/// [`StoreError::NotFound`] for an ordinary one.
pub async fn get(at: &impl Look, app: AppId) -> Result<Preview> {
    find(at, app).await?.ok_or(StoreError::NotFound("preview"))
}

/// The preview of a branch.
///
/// # Errors
/// When the database fails.
pub async fn of_branch(at: &impl Look, parent: AppId, branch: &str) -> Result<Option<Preview>> {
    let sql = Sql::select::<Preview>().and("parent_id = ?", &parent).with(" AND branch = ?", branch);
    sql.scoped(at.scope()).find(at).await
}

/// All previews of an app, the one that was pushed last first.
///
/// # Errors
/// When the database fails.
pub async fn of_app(at: &impl Look, parent: AppId) -> Result<Vec<Preview>> {
    let sql = Sql::select::<Preview>().and("parent_id = ?", &parent).scoped(at.scope());
    sql.push(" ORDER BY pushed_at DESC, app_id DESC").all(at).await
}

/// Keeps a new preview.
///
/// # Errors
/// [`StoreError::Taken`] when the branch has one, or its name is another's.
pub async fn create(tx: &mut Tx, preview: &Preview) -> Result<()> {
    tx.own("preview", preview.tenant, Some(preview.project))?;
    insert(tx, preview).await
}

/// Writes down what shall become of a preview, and what was done for it. Its app, branch and name stay.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn set(tx: &mut Tx, preview: &Preview) -> Result<()> {
    let set = Sql::new("UPDATE previews SET commit_hash = ").with("?", preview.commit.value());
    let set = set.with(", user_id = ?", preview.user.value()).with(", trigger_id = ?", preview.trigger.value());
    let set = set.with(", site_owner_id = ?", preview.site_owner.value());
    let set = set.with(", certificate = ?", preview.certificate.to_raw());
    let set =
        set.with(", pushed_at = ?", preview.pushed_at.value()).with(", deployed_at = ?", preview.deployed_at.value());
    let set = set.with(", site_at = ?", preview.site_at.value()).with(", expires_at = ?", preview.expires_at.value());
    let set = set.with(", ends_why = ?", preview.ends_why.value()).with(", ended_at = ?", preview.ended_at.value());
    let set = set.with(", problem = ?", preview.problem.value()).push(" WHERE TRUE");
    set.and("app_id = ?", &preview.app).scoped(tx.scope()).run_one(tx, "preview").await
}

/// Forgets the preview that an app was.
///
/// # Errors
/// When the database fails.
pub async fn delete(tx: &mut Tx, app: AppId) -> Result<()> {
    let gone = Sql::new("DELETE FROM previews WHERE TRUE").and("app_id = ?", &app);
    gone.scoped(tx.scope()).run(tx).await.map(drop)
}
