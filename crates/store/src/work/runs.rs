//! Runs: the durable record of each action.

mod counted;

use std::collections::HashMap;

use sf_actions::tenant::{CreateTenant, InviteOwner, TenantAction};
use sf_actions::user::{Invite, Update, UserAction};
use sf_actions::{Action, ActorKind, Decision, Target};
use sf_engine::workflow::StepKey;
use sf_engine::{Done, Parent, Run, RunState};
use sf_protocol::outcome::{Outcome, Step};
use sf_protocol::{Guard, Signed};
use sf_types::{
    AppId, CommandId, Fault, NodeId, Page, PageRequest, ProjectId, RequestId, RunId, ServerId, TenantId, Timestamp,
    UserId,
};

use crate::many::Many;
use crate::row::{Column, Json, Row, column, row};
use crate::seen::Places;
use crate::sql::{Sql, containing, insert_later, page_of};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError};

pub use counted::{decisions, opened_alone, opened_of, opened_since};

row! {
    struct RunRow in "runs" {
        id: RunId,
        tenant: TenantId = "tenant_id",
        project: Option<ProjectId> = "project_id",
        action_name: String,
        action: Json<Action>,
        actor: Json<ActorKind>,
        user: Option<UserId> = "user_id",
        request: RequestId = "request_id",
        target_kind: String,
        target_id: String,
        node: Option<NodeId> = "node_id",
        app: Option<AppId> = "app_id",
        server: Option<ServerId> = "server_id",
        state: String,
        done: Option<String>,
        stale: bool,
        step: Option<Step>,
        fault: Option<Json<Fault>>,
        outcome: Option<Json<Outcome>>,
        decision: Json<Decision> = "policy",
        guard: Json<Guard>,
        command: Option<CommandId> = "command_id",
        version: u64,
        opened_at: Timestamp,
        updated_at: Timestamp,
        closed_at: Option<Timestamp>,
        expires_at: Timestamp = "deadline_at",
        held_until: Option<Timestamp>,
        parent_run: Option<RunId>,
        parent_step: Option<StepKey>,
        parent_attempt: Option<u32>,
    }
}

/// A run with the node's word on it.
#[derive(Clone, PartialEq, Debug)]
pub struct RunRecord {
    /// The run.
    pub run: Run,
    /// What the node said in the end.
    pub outcome: Option<Outcome>,
}

/// Which runs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RunFilter {
    /// `waiting`, `ready`, `sent`, `working`, `checking`, `done`, a word of [`sf_engine::Done`], or `open` for all
    /// that have not ended.
    pub state: Option<String>,
    /// An action's name.
    pub action: Option<String>,
    /// Of this app.
    pub app: Option<AppId>,
    /// Of this server of the panel.
    pub server: Option<ServerId>,
    /// On this machine.
    pub node: Option<NodeId>,
    /// With this in the action's name or the app's.
    pub q: Option<String>,
}

impl RunRow {
    fn of(run: &Run) -> Self {
        let (state, done) = run.state.words();
        let (target_kind, target_id) = target(run.action.target());
        Self {
            id: run.id,
            tenant: run.tenant,
            project: run.project,
            action_name: run.action.spec().name.to_owned(),
            action: Json(run.action.clone()),
            actor: Json(run.actor),
            user: run.actor.user(),
            request: run.request,
            target_kind: target_kind.to_owned(),
            target_id,
            node: run.node,
            app: run.app,
            server: run.server,
            state: state.to_owned(),
            done: done.map(str::to_owned),
            stale: run.stale,
            step: run.step,
            fault: run.fault.clone().map(Json),
            outcome: None,
            decision: Json(run.decision.clone()),
            guard: Json(run.guard.clone()),
            command: run.command,
            version: run.version,
            opened_at: run.opened_at,
            updated_at: run.updated_at,
            closed_at: run.closed_at,
            expires_at: run.expires_at,
            held_until: run.held_until,
            parent_run: run.parent.as_ref().map(|parent| parent.run),
            parent_step: run.parent.as_ref().map(|parent| parent.step.clone()),
            parent_attempt: run.parent.as_ref().map(|parent| parent.attempt),
        }
    }

    fn record(self) -> Result<RunRecord> {
        let state = RunState::from_words(&self.state, self.done.as_deref())
            .ok_or_else(|| StoreError::malformed("run state", format!("{} {:?}", self.state, self.done)))?;
        let run = Run {
            id: self.id,
            tenant: self.tenant,
            project: self.project,
            action: self.action.0,
            actor: self.actor.0,
            request: self.request,
            node: self.node,
            app: self.app,
            server: self.server,
            state,
            stale: self.stale,
            step: self.step,
            fault: self.fault.map(|fault| fault.0),
            decision: self.decision.0,
            guard: self.guard.0,
            command: self.command,
            version: self.version,
            opened_at: self.opened_at,
            updated_at: self.updated_at,
            closed_at: self.closed_at,
            expires_at: self.expires_at,
            held_until: self.held_until,
            parent: match (self.parent_run, self.parent_step, self.parent_attempt) {
                (Some(run), Some(step), Some(attempt)) => Some(Parent { run, step, attempt }),
                _ => None,
            },
        };
        Ok(RunRecord { run, outcome: self.outcome.map(|outcome| outcome.0) })
    }
}

/// Kind and id of what an action acts on, as stored and audited. The tenant as a whole has no id.
pub fn target(target: Target) -> (&'static str, String) {
    match target {
        Target::Tenant => ("tenant", String::new()),
        Target::Node(id) => ("node", id.to_string()),
        Target::App(id) => ("app", id.to_string()),
        Target::Proxy(id) => ("proxy", id.to_string()),
        Target::Run(id) => ("run", id.to_string()),
        Target::User(id) => ("user", id.to_string()),
        Target::Token(id) => ("token", id.to_string()),
        Target::Role(id) => ("role", id.to_string()),
        Target::Project(id) => ("project", id.to_string()),
        Target::Invitation(id) => ("invitation", id.to_string()),
        Target::Secret(id) => ("secret", id.to_string()),
        Target::Workflow(id) => ("workflow", id.to_string()),
        Target::Team(id) => ("tenant", id.to_string()),
        Target::Ctrl(id) => ("ctrl", id.to_string()),
        Target::Alt(id) => ("alt", id.to_string()),
        Target::AlertRule(id) => ("alert_rule", id.to_string()),
        Target::Server(id) => ("server", id.to_string()),
    }
}

/// Takes name and address of a person out of the runs and approvals that were about them; answers out of how many
/// runs. What was done, when and by whom stays.
///
/// # Errors
/// When the database fails.
pub async fn erase_person(tx: &mut Tx, user: UserId, email: &str) -> Result<u64> {
    let about = Sql::new("SELECT id, action FROM runs WHERE ((action_name = 'user.update'")
        .with(" AND target_id = ?)", user.to_string())
        .with(" OR (action_name = 'user.invite' AND action -> 'args' ->> 'email' = ?))", email);
    let mut rows = about.tenant_scoped(tx.scope()).raws(tx).await?;
    // Whoever made their team asked them to join from another one.
    let asked = Sql::new("SELECT id, action FROM runs WHERE action_name IN ('tenant.create', 'tenant.invite')");
    rows.extend(asked.with(" AND action -> 'args' ->> 'owner' = ?", email).raws(tx).await?);
    for row in &rows {
        let (id, Json(action)) = (RunId::read(row, 0)?, Json::<Action>::read(row, 1)?);
        let action = Json(erased(action)).value();
        Sql::new("UPDATE runs SET action = ").with("? WHERE TRUE", action).and("id = ?", &id).run(tx).await?;
        let nothing = Json(serde_json::json!({})).value();
        let diff = Sql::new("UPDATE approvals SET diff = ").with("? WHERE TRUE", nothing);
        diff.and("subject_id = ?", &id).run(tx).await?;
    }
    Ok(rows.len() as u64)
}

fn erased(action: Action) -> Action {
    const NOBODY: &str = "erased@erased.invalid";
    match action {
        Action::Tenant(TenantAction::Create(create)) => {
            let owner = NOBODY.parse().expect("a plain address");
            Action::Tenant(TenantAction::Create(CreateTenant { owner, ..create }))
        }
        Action::Tenant(TenantAction::Invite(invite)) => {
            let owner = NOBODY.parse().expect("a plain address");
            Action::Tenant(TenantAction::Invite(InviteOwner { owner, ..invite }))
        }
        Action::User(UserAction::Invite(invite)) => {
            let email = NOBODY.parse().expect("a plain address");
            Action::User(UserAction::Invite(Invite { email, ..invite }))
        }
        Action::User(UserAction::Update(update)) => {
            let name = "(erased)".parse().expect("a plain name");
            Action::User(UserAction::Update(Update { name, ..update }))
        }
        other => other,
    }
}

/// Keeps a new run, with the write's other late changes. One with an id that is taken fails the write.
///
/// # Errors
/// [`StoreError::OutOfScope`].
pub fn insert(tx: &mut Tx, run: &Run) -> Result<()> {
    tx.own("run", run.tenant, run.project)?;
    insert_later(tx, &[RunRow::of(run)]);
    Ok(())
}

/// Keeps the next state of a run that was read in this very write, with the write's other late changes. `run.version`
/// is the one after the stored one; `outcome` is kept where given. If somebody was faster after all, the write runs
/// again on what is there then.
pub fn keep(tx: &mut Tx, run: &Run, outcome: Option<&Outcome>) {
    tx.script.add_rows(updating(tx, run, outcome));
}

/// Keeps a run's next state. `run.version` is the one after the stored one; `outcome` is kept where given.
///
/// # Errors
/// [`StoreError::Stale`] when the stored run has another version, has ended, or is not inside the scope.
pub async fn update(tx: &mut Tx, run: &Run, outcome: Option<&Outcome>) -> Result<()> {
    let mut changed = 0;
    for (sql, _) in updating(tx, run, outcome).statements() {
        changed += sql.run(tx).await?;
    }
    if changed == 1 { Ok(()) } else { Err(StoreError::Stale("run")) }
}

fn updating(tx: &Tx, run: &Run, outcome: Option<&Outcome>) -> Many {
    const HEAD: &str = "UPDATE runs SET state = v.column3, done = v.column4, stale = v.column5, step = v.column6, \
        fault = v.column7, outcome = COALESCE(v.column8, runs.outcome), guard = v.column9, command_id = v.column10, \
        version = v.column11, updated_at = v.column12, closed_at = v.column13, held_until = v.column14, \
        deadline_at = v.column15 FROM (VALUES ";
    let (state, done) = run.state.words();
    let outcome: Option<Json<Outcome>> = outcome.cloned().map(Json);
    let mut values = vec![
        run.id.value(),
        run.version.saturating_sub(1).value(),
        state.into(),
        done.map(str::to_owned).into(),
        run.stale.into(),
        run.step.value(),
        run.fault.clone().map(Json).value(),
        outcome.value(),
        Json(run.guard.clone()).value(),
        run.command.value(),
        run.version.value(),
        run.updated_at.value(),
        run.closed_at.value(),
        run.held_until.value(),
        run.expires_at.value(),
    ];
    let (tail, within) = match (tx.scope().tenant(), tx.scope().project()) {
        (None, _) => (OPEN, Vec::new()),
        (Some(tenant), None) => (OPEN_OF_TENANT, vec![tenant.value()]),
        (Some(tenant), Some(project)) => (OPEN_OF_PROJECT, vec![tenant.value(), project.value()]),
    };
    values.extend(within);
    Many::change("runs", HEAD, tail, values)
}

/// A run as it was read, not ended; inside the scope.
const OPEN: &str = ") AS v WHERE runs.closed_at IS NULL AND runs.id = v.column1 AND runs.version = v.column2";
const OPEN_OF_TENANT: &str = ") AS v WHERE runs.closed_at IS NULL AND runs.id = v.column1 \
    AND runs.version = v.column2 AND runs.tenant_id = v.column16";
const OPEN_OF_PROJECT: &str = ") AS v WHERE runs.closed_at IS NULL AND runs.id = v.column1 \
    AND runs.version = v.column2 AND runs.tenant_id = v.column16 AND runs.project_id = v.column17";

/// A run inside the scope.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(at: &impl Look, id: RunId) -> Result<Run> {
    Ok(record(at, id).await?.run)
}

/// Columns by which a run is seen.
pub(crate) const SEEN: Places =
    Places { project: "project_id", node: Some("node_id"), app: Some("app_id"), server: Some("server_id") };

/// A run inside the scope with the node's word on it.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn record(at: &impl Look, id: RunId) -> Result<RunRecord> {
    let row: RunRow =
        Sql::select::<RunRow>().and("id = ?", &id).scoped(at.scope()).seen(at, &SEEN).get(at, "run").await?;
    row.record()
}

/// These runs, as far as they are inside the scope.
///
/// # Errors
/// When the database fails.
pub async fn of_ids(at: &impl Look, ids: &[RunId]) -> Result<HashMap<RunId, Run>> {
    let Some((first, more)) = ids.split_first() else { return Ok(HashMap::new()) };
    let sql = Sql::select::<RunRow>().with(" AND id IN (?", first.uuid());
    // Filled up with the first one, so that the texts stay few and prepared.
    let filled = more.iter().chain(std::iter::repeat(first)).take(ids.len().next_power_of_two() - 1);
    let sql = filled.fold(sql, |sql, id| sql.with(", ?", id.uuid())).push(")");
    Ok(runs(sql, at).await?.into_iter().map(|run| (run.id, run)).collect())
}

/// Runs inside the scope, newest first.
///
/// # Errors
/// A bad cursor; when the database fails.
pub async fn page(at: &impl Look, filter: &RunFilter, page: &PageRequest) -> Result<Page<RunRecord>> {
    let mut sql = Sql::select::<RunRow>()
        .scoped(at.scope())
        .seen(at, &SEEN)
        .and_some("action_name = ?", filter.action.as_ref())
        .and_some("app_id = ?", filter.app.as_ref())
        .and_some("server_id = ?", filter.server.as_ref())
        .and_some("node_id = ?", filter.node.as_ref());
    match filter.state.as_deref() {
        None => {}
        Some("open") => sql = sql.push(" AND closed_at IS NULL"),
        Some(word) => sql = sql.with(" AND (state = ?", word).with(" OR done = ?)", word),
    }
    if let Some(q) = &filter.q {
        let pattern = containing(q);
        sql = sql.with(" AND (action_name LIKE ? ESCAPE '\\'", pattern.clone());
        sql = sql.with(" OR app_id IN (SELECT a.id FROM apps a WHERE a.name LIKE ? ESCAPE '\\'))", pattern);
    }
    let rows: Vec<RunRow> = sql.page(page)?.all(at).await?;
    let rows = page_of(rows, page, |row| row.id.uuid());
    let items = rows.items.into_iter().map(RunRow::record).collect::<Result<Vec<_>>>()?;
    Ok(Page { items, next: rows.next })
}

/// All columns of runs; conditions follow.
pub(crate) fn selected() -> Sql {
    Sql::select::<RunRow>()
}

/// A page of what [`selected`] began.
pub(crate) async fn page_of_runs(at: &impl Look, sql: Sql, page: &PageRequest) -> Result<Page<Run>> {
    let rows: Vec<RunRow> = sql.page(page)?.all(at).await?;
    let rows = page_of(rows, page, |row| row.id.uuid());
    let items = rows.items.into_iter().map(|row| Ok(row.record()?.run)).collect::<Result<Vec<_>>>()?;
    Ok(Page { items, next: rows.next })
}

/// Columns of a run, for a statement that joins them under the name `r`.
pub(crate) fn joined_columns() -> String {
    RunRow::COLUMNS.iter().map(|column| format!("r.{column}")).collect::<Vec<_>>().join(", ")
}

/// Reads [`joined_columns`] from column `at` on.
pub(crate) fn joined(row: &crate::session::Cells, at: &mut usize) -> Result<Run> {
    Ok(RunRow::read_from(row, at)?.record()?.run)
}

async fn runs(sql: Sql, at: &impl Look) -> Result<Vec<Run>> {
    let rows: Vec<RunRow> = sql.scoped(at.scope()).push(" ORDER BY id").all(at).await?;
    rows.into_iter().map(|row| Ok(row.record()?.run)).collect()
}

/// The run that a try of a step of a workflow's run has proposed.
///
/// # Errors
/// When the database fails.
pub async fn of_parent(at: &impl Look, parent: &Parent) -> Result<Option<RunRecord>> {
    let sql = Sql::select::<RunRow>().and("parent_run = ?", &parent.run).and("parent_step = ?", &parent.step);
    let sql = sql.and("parent_attempt = ?", &parent.attempt).scoped(at.scope());
    sql.find::<RunRow>(at).await?.map(RunRow::record).transpose()
}

/// What the node said in the end, with a run that may have been kept in this very write.
///
/// # Errors
/// When the database fails.
pub async fn outcome(at: &impl Look, id: RunId) -> Result<Option<Outcome>> {
    let found: Option<Option<Json<Outcome>>> =
        Sql::new("SELECT outcome FROM runs WHERE TRUE").and("id = ?", &id).scoped(at.scope()).scalar(at).await?;
    Ok(found.flatten().map(|outcome| outcome.0))
}

/// How those of these runs ended that have.
///
/// # Errors
/// When the database fails.
pub async fn ends(at: &impl Look, ids: &[RunId]) -> Result<HashMap<RunId, Done>> {
    let Some((first, more)) = ids.split_first() else { return Ok(HashMap::new()) };
    let sql = Sql::new("SELECT id, done FROM runs WHERE done IS NOT NULL").scoped(at.scope());
    let sql = sql.with(" AND id IN (?", first.value());
    let sql = more.iter().fold(sql, |sql, id| sql.with(", ?", id.value()));
    let mut ends = HashMap::new();
    for row in sql.push(")").raws(at).await? {
        let mut column_at = 0;
        let id = column(&row, &mut column_at)?;
        let word: String = column(&row, &mut column_at)?;
        let Some(RunState::Done(done)) = RunState::from_words("done", Some(&word)) else {
            return Err(StoreError::malformed("run state", word));
        };
        ends.insert(id, done);
    }
    Ok(ends)
}

/// Runs that the steps of a workflow's run have proposed, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn children(at: &impl Look, parent: RunId) -> Result<Vec<Run>> {
    runs(Sql::select::<RunRow>().and("parent_run = ?", &parent), at).await
}

/// Runs that a node has not ended, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn open_for_node(at: &impl Look, node: NodeId) -> Result<Vec<Run>> {
    runs(Sql::select::<RunRow>().push(" AND closed_at IS NULL").and("node_id = ?", &node), at).await
}

/// Runs of an app that have not ended, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn open_for_app(at: &impl Look, app: AppId) -> Result<Vec<Run>> {
    runs(Sql::select::<RunRow>().push(" AND closed_at IS NULL").and("app_id = ?", &app), at).await
}

/// The apps of a project about which a run waits for a person.
///
/// # Errors
/// When the database fails.
pub async fn waiting_apps(at: &impl Look, project: ProjectId) -> Result<Vec<AppId>> {
    let waiting = Sql::new("SELECT DISTINCT app_id FROM runs WHERE closed_at IS NULL AND state = 'waiting'");
    let sql = waiting.push(" AND app_id IS NOT NULL").and("project_id = ?", &project).scoped(at.scope());
    sql.raws(at).await?.iter().map(|row| column(row, &mut 0)).collect()
}

/// Runs in this state, oldest first: what a start has to look after.
///
/// # Errors
/// When the database fails.
pub async fn in_state(at: &impl Look, state: RunState) -> Result<Vec<Run>> {
    let (state, done) = state.words();
    let sql = Sql::select::<RunRow>().with(" AND state = ?", state);
    let sql = match done {
        Some(done) => sql.with(" AND done = ?", done),
        None => sql.push(" AND closed_at IS NULL"),
    };
    runs(sql, at).await
}

/// What a run's command looked like on the wire: the exact bytes, kept with the command.
///
/// # Errors
/// [`StoreError::NotFound`] when the run has no command inside the scope.
pub async fn signed_command(at: &impl Look, id: RunId) -> Result<(crate::commands::StoredCommand, Signed)> {
    let command = crate::commands::of_run(at, id).await?.pop().ok_or(StoreError::NotFound("command"))?;
    let signed = command.signed();
    Ok((command, signed))
}
