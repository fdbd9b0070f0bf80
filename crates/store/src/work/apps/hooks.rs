//! Deploys by push: one hook an app, and what it was sent last. Nothing here can open a secret.

use sf_actions::hook::HookSettings;
use sf_engine::push::Sender;
use sf_types::{AppId, Page, PageRequest, ProjectId, RunId, TenantId, Timestamp, TriggerId, UserId};
use uuid::Uuid;

use crate::apps::App;
use crate::row::{Column, Field, Json, row, words};
use crate::sql::{Sql, insert, page_of};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError};

/// Deliveries kept of a hook; older ones are deleted.
pub const DELIVERIES_KEPT: usize = 100;

row! {
    /// The hook of an app.
    pub struct Hook in "deploy_hooks" {
        /// Its id, which is in its address; what it proposes is this trigger's.
        id: TriggerId,
        /// Whose.
        tenant: TenantId = "tenant_id",
        /// In which project.
        project: ProjectId = "project_id",
        /// The app it deploys.
        app: AppId = "app_id",
        /// For whom it acts.
        owner: UserId = "owner_id",
        /// Which pushes it takes.
        settings: Json<HookSettings>,
        /// Its secret.
        sealed: Vec<u8>,
        /// The one before.
        sealed_before: Option<Vec<u8>>,
        /// When its secret was made in place of another one.
        rotated_at: Option<Timestamp>,
        /// When a request was last refused that its sender could not prove to be its own.
        refused_at: Option<Timestamp>,
        /// Why.
        refused_why: Option<String>,
        /// When it was made.
        created_at: Timestamp,
        /// When it was last set.
        updated_at: Timestamp,
    }
}

words! {
    /// What was made of a delivery.
    pub enum Outcome {
        /// Its sender tried whether anybody is there.
        Ping = "ping",
        /// Nothing; the reason says why.
        Ignored = "ignored",
        /// A deploy was proposed.
        Deploy = "deploy",
        /// The commit serves, or is being deployed, already.
        Known = "known",
        /// A preview was made, brought up to date or is being deleted.
        Preview = "preview",
        /// It was refused: by policy, or for want of a right.
        Refused = "refused",
    }
}

impl Field for Sender {
    type Raw = String;

    fn from_raw(raw: String) -> std::result::Result<Self, String> {
        serde_json::from_value(serde_json::Value::String(raw)).map_err(|why| why.to_string())
    }

    fn to_raw(&self) -> String {
        self.word().to_owned()
    }
}

row! {
    /// A genuine request, and what was made of it.
    pub struct Delivery in "hook_deliveries" {
        /// Its id here.
        id: Uuid,
        /// Whose.
        tenant: TenantId = "tenant_id",
        /// In which project.
        project: ProjectId = "project_id",
        /// To which hook.
        hook: TriggerId = "hook_id",
        /// What makes a repetition of it the same one.
        delivery: String,
        /// Who says to have sent it.
        sender: Sender,
        /// What its sender calls it.
        event: String,
        /// Of which branch.
        branch: Option<String>,
        /// What the branch was.
        before: Option<String>,
        /// What the branch is.
        commit: Option<String> = "commit_hash",
        /// Whether it counts among what is known of the branch: what was not taken up leaves a gap.
        heard: bool,
        /// What was made of it.
        outcome: Outcome,
        /// Why.
        reason: String,
        /// The run that it opened, or that was there already.
        run: Option<RunId> = "run_id",
        /// When it came last.
        at: Timestamp,
    }
}

/// The hook of an app inside the scope.
///
/// # Errors
/// When the database fails.
pub async fn of_app(at: &impl Look, app: AppId) -> Result<Option<Hook>> {
    Sql::select::<Hook>().and("app_id = ?", &app).scoped(at.scope()).find(at).await
}

/// One hook; of any team, since its own signature says who may use it.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(at: &impl Look, id: TriggerId) -> Result<Hook> {
    Sql::select::<Hook>().and("id = ?", &id).scoped(at.scope()).get(at, "hook").await
}

/// Makes the hook of an app.
///
/// # Errors
/// [`StoreError::Taken`] when it has one.
pub async fn create(
    tx: &mut Tx,
    id: TriggerId,
    app: &App,
    owner: UserId,
    settings: &HookSettings,
    sealed: Vec<u8>,
) -> Result<Hook> {
    tx.own("hook", app.tenant, Some(app.project))?;
    let hook = Hook {
        id,
        tenant: app.tenant,
        project: app.project,
        app: app.id,
        owner,
        settings: Json(settings.clone()),
        sealed,
        sealed_before: None,
        rotated_at: None,
        refused_at: None,
        refused_why: None,
        created_at: tx.now,
        updated_at: tx.now,
    };
    insert(tx, &hook).await?;
    Ok(hook)
}

/// Sets which pushes it takes, for whom it acts, and its secrets.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn set(tx: &mut Tx, hook: &Hook) -> Result<()> {
    let set = Sql::new("UPDATE deploy_hooks SET owner_id = ").with("?", hook.owner.value());
    let set = set.with(", settings = ?", hook.settings.to_raw()).with(", sealed = ?", hook.sealed.value());
    let set = set.with(", sealed_before = ?", hook.sealed_before.value());
    let set = set.with(", rotated_at = ?", hook.rotated_at.value()).with(", updated_at = ?", tx.now.as_millis());
    set.push(" WHERE TRUE").and("id = ?", &hook.id).scoped(tx.scope()).run_one(tx, "hook").await
}

/// Nobody else opens a run for this hook until the transaction ends.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn hold(tx: &mut Tx, id: TriggerId) -> Result<()> {
    let same = Sql::new("UPDATE deploy_hooks SET app_id = app_id WHERE TRUE").and("id = ?", &id);
    same.scoped(tx.scope()).run_one(tx, "hook").await
}

/// Keeps why a request was refused whose sender could not prove it to be its own: the last one alone.
///
/// # Errors
/// When the database fails.
pub async fn refused(tx: &mut Tx, id: TriggerId, why: &str) -> Result<()> {
    let set = Sql::new("UPDATE deploy_hooks SET refused_at = ").with("?", tx.now.as_millis());
    let set = set.with(", refused_why = ?", why).push(" WHERE TRUE");
    set.and("id = ?", &id).scoped(tx.scope()).run(tx).await.map(drop)
}

/// Deletes the hook of an app, where it has one, with what it was sent.
///
/// # Errors
/// When the database fails.
pub async fn delete_of_app(tx: &mut Tx, app: AppId) -> Result<bool> {
    let Some(hook) = of_app(tx, app).await? else { return Ok(false) };
    let sent = Sql::new("DELETE FROM hook_deliveries WHERE TRUE").and("hook_id = ?", &hook.id);
    sent.scoped(tx.scope()).run(tx).await?;
    let gone = Sql::new("DELETE FROM deploy_hooks WHERE TRUE").and("id = ?", &hook.id);
    gone.scoped(tx.scope()).run(tx).await?;
    Ok(true)
}

/// A delivery that came before.
///
/// # Errors
/// When the database fails.
pub async fn delivery(at: &impl Look, hook: TriggerId, delivery: &str) -> Result<Option<Delivery>> {
    let sql = Sql::select::<Delivery>().and("hook_id = ?", &hook).with(" AND delivery = ?", delivery);
    sql.scoped(at.scope()).find(at).await
}

/// Deliveries of a hook, newest first.
///
/// # Errors
/// A bad cursor; when the database fails.
pub async fn deliveries(at: &impl Look, hook: TriggerId, page: &PageRequest) -> Result<Page<Delivery>> {
    let sql = Sql::select::<Delivery>().and("hook_id = ?", &hook).scoped(at.scope());
    Ok(page_of(sql.page(page)?.all(at).await?, page, |delivery: &Delivery| delivery.id))
}

/// What is known of a branch, newest first: what it was, and what it became.
///
/// # Errors
/// When the database fails.
pub async fn pushes(at: &impl Look, hook: TriggerId, branch: &str) -> Result<Vec<(Option<String>, String)>> {
    let sql = Sql::select::<Delivery>().and("hook_id = ?", &hook).with(" AND heard AND branch = ?", branch);
    let told: Vec<Delivery> = sql.scoped(at.scope()).push(" ORDER BY id DESC").all(at).await?;
    Ok(told.into_iter().filter_map(|delivery| Some((delivery.before, delivery.commit?))).collect())
}

/// Keeps what was made of a delivery, in place of what was made of it before; the oldest ones beyond [`DELIVERIES_KEPT`] go. One
/// that a run was opened for stays as it is.
///
/// # Errors
/// [`StoreError::Stale`] when a run was opened for it meanwhile; when the database fails.
pub async fn keep(tx: &mut Tx, delivery: &Delivery) -> Result<()> {
    tx.own("delivery", delivery.tenant, Some(delivery.project))?;
    if let Some(before) = self::delivery(tx, delivery.hook, &delivery.delivery).await? {
        if before.run.is_some() && before.outcome != Outcome::Refused {
            return Err(StoreError::Stale("delivery"));
        }
        Sql::new("DELETE FROM hook_deliveries WHERE TRUE").and("id = ?", &before.id).run(tx).await?;
    }
    insert(tx, delivery).await?;
    let kept = Sql::new("SELECT id FROM hook_deliveries WHERE TRUE").and("hook_id = ?", &delivery.hook);
    let kept = kept.with(" ORDER BY id DESC LIMIT 1 OFFSET ?", i64::try_from(DELIVERIES_KEPT).unwrap_or(i64::MAX));
    if let Some(oldest) = kept.scalar::<Uuid>(tx).await? {
        let old = Sql::new("DELETE FROM hook_deliveries WHERE TRUE").and("hook_id = ?", &delivery.hook);
        old.and("id <= ?", &oldest).run(tx).await?;
    }
    Ok(())
}
