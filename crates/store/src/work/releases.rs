//! Releases of apps: immutable on the node, numbered here.

use sf_protocol::build::Builder;
use sf_protocol::outcome::{DeployFacts, StepTime};
use sf_types::{AppId, Page, PageRequest, ProjectId, ReleaseId, RunId, TenantId, Timestamp};

use crate::row::{Column, Field, Json, row, words};
use crate::seen::Places;
use crate::sql::{Sql, insert, page_of};
use crate::tx::{Look, Tx};
use crate::{Result, apps};

words! {
    /// What became of a release.
    pub enum ReleaseState {
        /// Being made.
        Building = "building",
        /// Serves.
        Live = "live",
        /// On the node's disk; can be returned to.
        Kept = "kept",
        /// Never went live, or was taken back.
        Failed = "failed",
        /// Not on the node's disk any more.
        Gone = "gone",
    }
}

row! {
    /// One release.
    pub struct Release in "releases" {
        /// Its id.
        id: ReleaseId,
        /// Whose.
        tenant: TenantId = "tenant_id",
        /// In which project.
        project: ProjectId = "project_id",
        /// Of which app.
        app: AppId = "app_id",
        /// From 1, per app.
        number: u64,
        /// The run that made it.
        run: Option<RunId> = "run_id",
        /// Its commit, once known.
        commit: Option<String> = "commit_hash",
        /// First line of the commit message.
        subject: Option<String>,
        /// The branch or tag asked for.
        reference: Option<String>,
        /// How it was built.
        builder: Option<Builder>,
        /// What became of it.
        state: ReleaseState,
        /// When its run was signed.
        created_at: Timestamp,
        /// When it last went live.
        live_at: Option<Timestamp>,
        /// Time each step took.
        timings: Json<Vec<StepTime>>,
    }
}

/// Adds the release a run is going to make, with the app's next number.
///
/// # Errors
/// [`crate::StoreError::NotFound`] when the app is not inside the scope.
pub async fn create(
    tx: &mut Tx,
    id: ReleaseId,
    app: AppId,
    run: RunId,
    commit: Option<String>,
    reference: Option<String>,
) -> Result<Release> {
    let app = apps::get(tx, app).await?;
    let last = Sql::new("SELECT max(number) FROM releases WHERE TRUE").and("app_id = ?", &app.id);
    let number = last.scalar::<Option<u64>>(tx).await?.flatten().unwrap_or(0) + 1;
    let release = Release {
        id,
        tenant: app.tenant,
        project: app.project,
        app: app.id,
        number,
        run: Some(run),
        commit,
        subject: None,
        reference,
        builder: None,
        state: ReleaseState::Building,
        created_at: tx.now,
        live_at: None,
        timings: Json(Vec::new()),
    };
    insert(tx, &release).await?;
    Ok(release)
}

/// How a release is seen: with its app.
const SEEN: Places = Places {
    project: "project_id",
    node: Some("(SELECT a.node_id FROM apps a WHERE a.id = app_id)"),
    app: Some("app_id"),
    server: None,
};

/// A release inside the scope.
///
/// # Errors
/// [`crate::StoreError::NotFound`].
pub async fn get(at: &impl Look, id: ReleaseId) -> Result<Release> {
    Sql::select::<Release>().and("id = ?", &id).scoped(at.scope()).seen(at, &SEEN).get(at, "release").await
}

/// Releases of an app, newest first.
///
/// # Errors
/// A bad cursor; when the database fails.
pub async fn page(at: &impl Look, app: AppId, page: &PageRequest) -> Result<Page<Release>> {
    let sql = Sql::select::<Release>().and("app_id = ?", &app).scoped(at.scope());
    Ok(page_of(sql.page(page)?.all(at).await?, page, |release: &Release| release.id.uuid()))
}

/// Releases that can be returned to, the latest first; the live one is not among them.
///
/// # Errors
/// When the database fails.
pub async fn kept(at: &impl Look, app: AppId) -> Result<Vec<ReleaseId>> {
    let sql = Sql::new("SELECT id FROM releases WHERE state = 'kept'").and("app_id = ?", &app).scoped(at.scope());
    let rows = sql.push(" ORDER BY live_at DESC, number DESC").raws(at).await?;
    rows.iter().map(|row| ReleaseId::read(row, 0)).collect()
}

/// Says what became of a release.
///
/// # Errors
/// [`crate::StoreError::NotFound`].
pub async fn set_state(tx: &mut Tx, id: ReleaseId, state: ReleaseState) -> Result<()> {
    let mut set = Sql::new("UPDATE releases SET state = ").with("?", state.word());
    if state == ReleaseState::Live {
        set = set.with(", live_at = ?", tx.now.as_millis());
    }
    set.push(" WHERE TRUE").and("id = ?", &id).scoped(tx.scope()).run_one(tx, "release").await
}

/// Writes down what is true after a deploy: the release's own facts, and which releases are live, kept and gone.
///
/// # Errors
/// [`crate::StoreError::NotFound`] when the release is not one of this app inside the scope.
pub async fn apply(tx: &mut Tx, app: AppId, facts: &DeployFacts) -> Result<()> {
    let mut set = Sql::new("UPDATE releases SET commit_hash = COALESCE(")
        .with("?, commit_hash)", facts.commit.value())
        .with(", subject = COALESCE(?, subject)", facts.subject.value())
        .with(", builder = COALESCE(?, builder)", facts.builder.value());
    if !facts.timings.is_empty() {
        set = set.with(", timings = ?", Json(facts.timings.clone()).to_raw());
    }
    let own = set.push(" WHERE TRUE").and("id = ?", &facts.release).and("app_id = ?", &app);
    own.scoped(tx.scope()).run_one(tx, "release").await?;
    settle(tx, app, facts.live_release, &facts.kept, Some(facts.release)).await
}

/// Writes down which releases are live, kept and gone, whatever was last done.
///
/// # Errors
/// When the database fails.
pub async fn settle_all(tx: &mut Tx, app: AppId, live: Option<ReleaseId>, kept: &[ReleaseId]) -> Result<()> {
    settle(tx, app, live, kept, None).await
}

/// One statement for every release of an app: live, kept, failed or gone, as the node says.
async fn settle(
    tx: &Tx,
    app: AppId,
    live: Option<ReleaseId>,
    kept: &[ReleaseId],
    made: Option<ReleaseId>,
) -> Result<()> {
    let live = live.map(|id| id.uuid());
    let listed = |mut sql: Sql, before: &str| {
        sql = sql.push(before);
        for (n, id) in kept.iter().enumerate() {
            sql = sql.with(if n == 0 { "?" } else { ", ?" }, id.uuid());
        }
        if kept.is_empty() { sql.push("NULL)") } else { sql.push(")") }
    };
    let sql = Sql::new("UPDATE releases SET live_at = CASE WHEN state <> 'live' AND id = ")
        .with("?", live)
        .with(" THEN ? ELSE live_at END", tx.now.as_millis())
        .with(", state = CASE WHEN id = ? THEN 'live'", live);
    let sql = listed(sql, " WHEN live_at IS NOT NULL AND id IN (")
        .push(" THEN 'kept' WHEN state IN ('live', 'kept') THEN 'gone'")
        .with(" WHEN state = 'building' AND id = ? THEN 'failed' ELSE state END WHERE TRUE", made.map(|id| id.uuid()))
        .and("app_id = ?", &app)
        .scoped(tx.scope());
    sql.run(tx).await.map(drop)
}
