//! Schedules: what nodes do for apps and servers by the clock, and how the last runs of each went, by their nodes' word.

use sf_protocol::schedule::{ScheduleReport, ScheduleRunState, ScheduleSettings, ScheduleSpec, Whose};
use sf_types::{
    AppId, NodeId, Page, PageRequest, ProjectId, ScheduleId, ScheduleRunId, ServerId, Slug, TenantId, Timestamp,
};
use uuid::Uuid;

use crate::Result;
use crate::apps::App;
use crate::row::{Column, Field, Json, row, words};
use crate::seen::Places;
use crate::servers::Server;
use crate::sql::{Sql, insert, page_of};
use crate::tx::{Look, Tx};

/// Schedules of an app or a server at the most.
pub const MAX_OF_ONE: u64 = 50;
/// Runs kept of a schedule; older ones are deleted.
pub const RUNS_KEPT: usize = 50;

words! {
    /// How a schedule is.
    pub enum ScheduleState {
        /// Its node has not said a word of it yet.
        Pending = "pending",
        /// Its node has it as it shall be.
        Standing = "standing",
        /// Its node did not take it; the reason says why.
        Failed = "failed",
    }
}

row! {
    /// What a node does for an app or a server by the clock.
    pub struct Schedule in "schedules" {
        /// Its id.
        id: ScheduleId,
        /// Whose.
        tenant: TenantId = "tenant_id",
        /// In which project.
        project: ProjectId = "project_id",
        /// On which machine.
        node: NodeId = "node_id",
        /// The app whose command it runs; `None` where it is a server's.
        app: Option<AppId> = "app_id",
        /// The server that its steps are done to; `None` where it is an app's.
        server: Option<ServerId> = "server_id",
        /// Its name.
        name: Slug,
        /// How it shall be.
        settings: Json<ScheduleSettings>,
        /// Raised by every order that sets it.
        generation: u64,
        /// How it is.
        state: ScheduleState,
        /// Why the last order failed, where it did.
        reason: Option<String>,
        /// As its node has last taken it.
        standing: Option<Json<ScheduleSpec>>,
        /// Since when its runs go wrong; `None` once one has succeeded again.
        troubled_at: Option<Timestamp>,
        /// When it was made.
        created_at: Timestamp,
        /// When it last changed.
        updated_at: Timestamp,
    }
}

row! {
    /// One run of a schedule.
    pub struct ScheduleRun in "schedule_runs" {
        /// Its id, which its node gave.
        id: ScheduleRunId,
        /// Whose.
        tenant: TenantId = "tenant_id",
        /// In which project.
        project: ProjectId = "project_id",
        /// Of which schedule.
        schedule: ScheduleId = "schedule_id",
        /// How it is, in a word.
        state: String,
        /// What its node said last.
        report: Json<ScheduleReport>,
        /// When it was due.
        due_at: Timestamp,
    }
}

const SEEN: Places =
    Places { project: "project_id", node: Some("node_id"), app: Some("app_id"), server: Some("server_id") };

/// An app or a server that has schedules, as far as they need it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Home {
    /// Which it is.
    pub whose: Whose,
    /// Its name.
    pub name: String,
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// In which project.
    pub project: ProjectId,
    /// On which machine.
    pub node: NodeId,
}

impl From<&App> for Home {
    fn from(app: &App) -> Self {
        let name = app.name.to_string();
        Self { whose: Whose::App(app.id), name, tenant: app.tenant, project: app.project, node: app.node }
    }
}

impl From<&Server> for Home {
    fn from(server: &Server) -> Self {
        let (whose, name) = (Whose::Server(server.id), server.name.to_string());
        Self { whose, name, tenant: server.tenant, project: server.project, node: server.node }
    }
}

impl Schedule {
    /// Whose it is; `None` for a row that no version of ours writes.
    pub fn whose(&self) -> Option<Whose> {
        self.app.map(Whose::App).or_else(|| self.server.map(Whose::Server))
    }
}

/// Narrows to the schedules of one app or server.
fn of_one(sql: Sql, whose: Whose) -> Sql {
    match whose {
        Whose::App(app) => sql.and("app_id = ?", &app),
        Whose::Server(server) => sql.and("server_id = ?", &server),
    }
}

/// A schedule inside the scope.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(at: &impl Look, id: ScheduleId) -> Result<Schedule> {
    Sql::select::<Schedule>().and("id = ?", &id).scoped(at.scope()).seen(at, &SEEN).get(at, "schedule").await
}

/// The schedules of an app or a server, by name.
///
/// # Errors
/// When the database fails.
pub async fn of(at: &impl Look, whose: Whose) -> Result<Vec<Schedule>> {
    let sql = of_one(Sql::select::<Schedule>(), whose).scoped(at.scope()).seen(at, &SEEN);
    sql.push(" ORDER BY name").all(at).await
}

/// The schedule of an app or a server by its name.
///
/// # Errors
/// When the database fails.
pub async fn named(at: &impl Look, whose: Whose, name: &Slug) -> Result<Option<Schedule>> {
    let sql = of_one(Sql::select::<Schedule>(), whose).and("name = ?", name);
    sql.scoped(at.scope()).seen(at, &SEEN).find(at).await
}

/// What a node's schedules are by its own last word.
///
/// # Errors
/// When the database fails.
pub async fn standing(at: &impl Look, node: NodeId) -> Result<Vec<ScheduleSpec>> {
    let sql = Sql::select::<Schedule>().and("node_id = ?", &node).push(" AND standing IS NOT NULL").scoped(at.scope());
    let rows: Vec<Schedule> = sql.push(" ORDER BY id").all(at).await?;
    Ok(rows.into_iter().filter_map(|row| row.standing).map(|Json(spec)| spec).collect())
}

/// Schedules whose runs go wrong, newest trouble first, at most so many.
///
/// # Errors
/// When the database fails.
pub async fn troubled(at: &impl Look, limit: u32) -> Result<Vec<Schedule>> {
    let sql = Sql::select::<Schedule>().push(" AND troubled_at IS NOT NULL").scoped(at.scope()).seen(at, &SEEN);
    sql.with(" ORDER BY troubled_at DESC LIMIT ?", i64::from(limit)).all(at).await
}

/// How many schedules an app or a server has.
///
/// # Errors
/// When the database fails.
pub async fn count_of(at: &impl Look, whose: Whose) -> Result<u64> {
    let sql = of_one(Sql::new("SELECT count(*) FROM schedules WHERE TRUE"), whose);
    Ok(sql.scoped(at.scope()).scalar(at).await?.unwrap_or(0))
}

/// Runs of a schedule, newest first.
///
/// # Errors
/// A bad cursor; when the database fails.
pub async fn runs(at: &impl Look, schedule: ScheduleId, page: &PageRequest) -> Result<Page<ScheduleRun>> {
    let sql = Sql::select::<ScheduleRun>().and("schedule_id = ?", &schedule).scoped(at.scope());
    Ok(page_of(sql.page(page)?.all(at).await?, page, |run: &ScheduleRun| run.id.uuid()))
}

/// The newest run of a schedule.
///
/// # Errors
/// When the database fails.
pub async fn last_run(at: &impl Look, schedule: ScheduleId) -> Result<Option<ScheduleRun>> {
    let sql = Sql::select::<ScheduleRun>().and("schedule_id = ?", &schedule).scoped(at.scope());
    sql.push(" ORDER BY id DESC LIMIT 1").find(at).await
}

/// The newest run of a schedule that went wrong.
///
/// # Errors
/// When the database fails.
pub async fn last_trouble(at: &impl Look, schedule: ScheduleId) -> Result<Option<ScheduleRun>> {
    let sql = Sql::select::<ScheduleRun>().and("schedule_id = ?", &schedule).scoped(at.scope());
    let sql = sql.push(" AND state IN ('failed', 'timedOut', 'interrupted', 'missed') ORDER BY id DESC LIMIT 1");
    sql.find(at).await
}

/// Writes down how a schedule shall be, for an order that is signed in this transaction: it is made where it is not there, and
/// its generation is raised.
///
/// # Errors
/// When the database fails.
pub async fn order(tx: &mut Tx, home: &Home, name: &Slug, settings: &ScheduleSettings) -> Result<Schedule> {
    if let Some(known) = named(tx, home.whose, name).await? {
        let set = Sql::new("UPDATE schedules SET generation = generation + 1")
            .with(", updated_at = ?", tx.now.as_millis())
            .with(", settings = ?", Json(settings.clone()).to_raw());
        set.push(" WHERE TRUE").and("id = ?", &known.id).scoped(tx.scope()).run_one(tx, "schedule").await?;
        let generation = known.generation + 1;
        return Ok(Schedule { generation, settings: Json(settings.clone()), updated_at: tx.now, ..known });
    }
    tx.own("schedule", home.tenant, Some(home.project))?;
    let (app, server) = match home.whose {
        Whose::App(app) => (Some(app), None),
        Whose::Server(server) => (None, Some(server)),
    };
    let schedule = Schedule {
        id: tx.new_id(),
        tenant: home.tenant,
        project: home.project,
        node: home.node,
        app,
        server,
        name: name.clone(),
        settings: Json(settings.clone()),
        generation: 1,
        state: ScheduleState::Pending,
        reason: None,
        standing: None,
        troubled_at: None,
        created_at: tx.now,
        updated_at: tx.now,
    };
    insert(tx, &schedule).await?;
    Ok(schedule)
}

/// Writes down whether its node took a schedule. One that is gone meanwhile is no fault.
///
/// # Errors
/// When the database fails.
pub async fn heard(tx: &mut Tx, spec: &ScheduleSpec, refused: Option<&str>) -> Result<()> {
    let state = if refused.is_some() { ScheduleState::Failed } else { ScheduleState::Standing };
    let mut set = Sql::new("UPDATE schedules SET state = ").with("?", state.word());
    set = set.with(", reason = ?", refused.map(str::to_owned)).with(", updated_at = ?", tx.now.as_millis());
    if refused.is_none() {
        set = set.with(", standing = ?", Json(spec.clone()).to_raw());
    }
    set.push(" WHERE TRUE").and("id = ?", &spec.schedule).scoped(tx.scope()).run(tx).await.map(drop)
}

/// Whether a report says something new: a run that has ended never changes. Keeps it; the oldest beyond [`RUNS_KEPT`] go.
///
/// # Errors
/// When the database fails.
pub async fn keep(tx: &mut Tx, schedule: &Schedule, report: &ScheduleReport) -> Result<bool> {
    let of = Sql::select::<ScheduleRun>().and("id = ?", &report.run);
    let known: Option<ScheduleRun> = of.scoped(tx.scope()).find(tx).await?;
    let state = word(report.state);
    match known {
        Some(known) if known.schedule != schedule.id || known.report.0.state.is_over() => return Ok(false),
        Some(_) => {
            let set = Sql::new("UPDATE schedule_runs SET state = ").with("?", state);
            let set = set.with(", report = ?", Json(report.clone()).to_raw()).push(" WHERE TRUE");
            set.and("id = ?", &report.run).scoped(tx.scope()).run_one(tx, "run of a schedule").await?;
        }
        None => {
            let run = ScheduleRun {
                id: report.run,
                tenant: schedule.tenant,
                project: schedule.project,
                schedule: schedule.id,
                state,
                report: Json(report.clone()),
                due_at: report.due,
            };
            insert(tx, &run).await?;
        }
    }
    let kept = Sql::new("SELECT id FROM schedule_runs WHERE TRUE").and("schedule_id = ?", &schedule.id);
    let kept = kept.with(" ORDER BY id DESC LIMIT 1 OFFSET ?", i64::try_from(RUNS_KEPT).unwrap_or(i64::MAX));
    if let Some(oldest) = kept.scalar::<Uuid>(tx).await? {
        let old = Sql::new("DELETE FROM schedule_runs WHERE TRUE").and("schedule_id = ?", &schedule.id);
        old.and("id <= ?", &oldest).scoped(tx.scope()).run(tx).await?;
    }
    Ok(true)
}

/// Its runs go wrong from now on, or well again.
///
/// # Errors
/// When the database fails.
pub async fn set_troubled(tx: &mut Tx, id: ScheduleId, since: Option<Timestamp>) -> Result<()> {
    let set = Sql::new("UPDATE schedules SET troubled_at = ").with("?", since.value()).push(" WHERE TRUE");
    set.and("id = ?", &id).scoped(tx.scope()).run_one(tx, "schedule").await
}

/// Deletes a schedule with its runs: its node has it no more.
///
/// # Errors
/// When the database fails.
pub async fn delete(tx: &mut Tx, id: ScheduleId) -> Result<()> {
    let runs = Sql::new("DELETE FROM schedule_runs WHERE TRUE").and("schedule_id = ?", &id);
    runs.scoped(tx.scope()).run(tx).await?;
    Sql::new("DELETE FROM schedules WHERE TRUE").and("id = ?", &id).scoped(tx.scope()).run(tx).await.map(drop)
}

/// Deletes the schedules of an app or a server that is no more.
///
/// # Errors
/// When the database fails.
pub async fn delete_of(tx: &mut Tx, whose: Whose) -> Result<()> {
    for schedule in of(tx, whose).await? {
        delete(tx, schedule.id).await?;
    }
    Ok(())
}

fn word(state: ScheduleRunState) -> String {
    match serde_json::to_value(state) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
