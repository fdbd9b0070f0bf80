//! Servers: what each shall be, and how it is by its node's word.

use std::collections::{HashMap, HashSet};

use sf_actions::server::ServerSettings;
use sf_protocol::server::{InstallState, ServerLimits, ServerReport, ServerSpec, ServerState};
use sf_types::{AltId, ByteSize, NodeId, Page, PageRequest, ProjectId, ServerId, Slug, TenantId, Timestamp, UserId};

use crate::row::{Column, Field, Json, column, row, words};
use crate::seen::Places;
use crate::sql::{Sql, containing, insert, page_of};
use crate::tx::{Look, Tx};
use crate::{Result, nodes};

words! {
    /// What a server does, as last heard.
    pub enum State {
        /// It does not run.
        Stopped = "stopped",
        /// It runs and is not ready.
        Starting = "starting",
        /// It is ready.
        Running = "running",
        /// It is being stopped.
        Stopping = "stopping",
        /// It waits for a person.
        Error = "error",
    }
}

words! {
    /// Whether its files are there, as last heard.
    pub enum Install {
        /// Never installed.
        Missing = "missing",
        /// The script runs.
        Installing = "installing",
        /// It ended well.
        Installed = "installed",
        /// It did not.
        Failed = "failed",
    }
}

impl From<ServerState> for State {
    fn from(state: ServerState) -> Self {
        match state {
            ServerState::Stopped => Self::Stopped,
            ServerState::Starting => Self::Starting,
            ServerState::Running => Self::Running,
            ServerState::Stopping => Self::Stopping,
            ServerState::Error => Self::Error,
        }
    }
}

impl From<InstallState> for Install {
    fn from(state: InstallState) -> Self {
        match state {
            InstallState::Missing => Self::Missing,
            InstallState::Installing => Self::Installing,
            InstallState::Installed => Self::Installed,
            InstallState::Failed => Self::Failed,
        }
    }
}

row! {
    /// A server of the panel.
    pub struct Server in "servers" {
        /// Its id.
        id: ServerId,
        /// Whose.
        tenant: TenantId = "tenant_id",
        /// In which project.
        project: ProjectId = "project_id",
        /// On which machine.
        node: NodeId = "node_id",
        /// Who owns it: every right on it, without a grant.
        owner: UserId = "owner_id",
        /// The template it is made from.
        alt: AltId = "alt_id",
        /// Which version of it.
        alt_version: u32,
        /// Its name, unique within the project.
        name: Slug,
        /// How it is run.
        settings: Json<ServerSettings>,
        /// Whether it is kept stopped.
        suspended: bool,
        /// Raised by every lasting change.
        generation: u64,
        /// What it does.
        state: State,
        /// Whether its files are there.
        install: Install,
        /// The node's last word.
        report: Option<Json<ServerReport>>,
        /// As its node has last taken it.
        standing: Option<Json<ServerSpec>>,
        /// Bytes of memory it may use; 0 for no limit. Beside the settings, so that the room on a node is one sum.
        memory: u64,
        /// Bytes of disk it may use; 0 for no limit.
        disk: u64,
        /// When its node last spoke of it.
        heard_at: Option<Timestamp>,
        /// When it was made.
        created_at: Timestamp,
        /// When it last changed.
        updated_at: Timestamp,
    }
}

row! {
    /// What of a server tells whether a rule is about it, and where its lines are.
    pub struct Placed in "servers" {
        /// Its id.
        id: ServerId,
        /// Whose.
        tenant: TenantId = "tenant_id",
        /// In which project.
        project: ProjectId = "project_id",
        /// On which machine.
        node: NodeId = "node_id",
        /// The template it is made from.
        alt: AltId = "alt_id",
        /// Its name.
        name: Slug,
        /// What it does, as last heard.
        state: State,
        /// How much it may use.
        settings: Json<Limited>,
    }
}

/// Of a server's settings, how much it may use.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Limited {
    /// So much.
    #[serde(default)]
    pub limits: ServerLimits,
}

row! {
    /// A server whose row went while its node was silent.
    pub struct Leftover in "server_leftovers" {
        /// The server.
        id: ServerId,
        /// Whose it was.
        tenant: TenantId = "tenant_id",
        /// On which machine.
        node: NodeId = "node_id",
        /// As it was.
        spec: Json<ServerSpec>,
        /// When its row went.
        created_at: Timestamp,
    }
}

const SEEN: Places = Places { project: "project_id", node: Some("node_id"), app: None, server: Some("id") };

/// A new server.
#[derive(Clone, PartialEq, Debug)]
pub struct NewServer {
    /// Its id.
    pub id: ServerId,
    /// In which project.
    pub project: ProjectId,
    /// On which machine.
    pub node: NodeId,
    /// Who owns it.
    pub owner: UserId,
    /// Template and version.
    pub alt: (AltId, u32),
    /// Its name.
    pub name: Slug,
    /// How it is run.
    pub settings: ServerSettings,
}

/// Which servers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ServerFilter {
    /// On this machine.
    pub node: Option<NodeId>,
    /// In this project.
    pub project: Option<ProjectId>,
    /// From this template.
    pub alt: Option<AltId>,
    /// Of this person.
    pub owner: Option<UserId>,
    /// In this state.
    pub state: Option<State>,
    /// With this in the name.
    pub q: Option<String>,
}

/// Adds a server: nothing of it is on its node yet.
///
/// # Errors
/// [`crate::StoreError::Taken`] when the project has a server of this name; [`crate::StoreError::NotFound`] when the node is not
/// inside the scope.
pub async fn create(tx: &mut Tx, new: NewServer) -> Result<Server> {
    let NewServer { id, project, node, owner, alt: (alt, alt_version), name, settings } = new;
    let on = nodes::get(tx, node).await?;
    tx.own("server", on.tenant, Some(project))?;
    let server = Server {
        id,
        tenant: on.tenant,
        project,
        node,
        owner,
        alt,
        alt_version,
        name,
        suspended: false,
        generation: 1,
        state: State::Stopped,
        install: Install::Missing,
        report: None,
        standing: None,
        memory: bytes(settings.limits.memory),
        disk: bytes(settings.limits.disk),
        settings: Json(settings),
        heard_at: None,
        created_at: tx.now,
        updated_at: tx.now,
    };
    insert(tx, &server).await?;
    Ok(server)
}

fn bytes(size: Option<ByteSize>) -> u64 {
    size.map_or(0, ByteSize::bytes)
}

/// A server inside the scope.
///
/// # Errors
/// [`crate::StoreError::NotFound`].
pub async fn get(at: &impl Look, id: ServerId) -> Result<Server> {
    Sql::select::<Server>().and("id = ?", &id).scoped(at.scope()).seen(at, &SEEN).get(at, "server").await
}

/// By name; of several projects' the oldest.
///
/// # Errors
/// When the database fails.
pub async fn by_name(at: &impl Look, name: &str) -> Result<Option<Server>> {
    let sql = Sql::select::<Server>().with(" AND name = ?", name).scoped(at.scope()).seen(at, &SEEN);
    sql.push(" ORDER BY id LIMIT 1").find(at).await
}

/// Servers inside the scope, newest first.
///
/// # Errors
/// A bad cursor; when the database fails.
pub async fn page(at: &impl Look, filter: &ServerFilter, page: &PageRequest) -> Result<Page<Server>> {
    let mut sql = Sql::select::<Server>().scoped(at.scope()).seen(at, &SEEN);
    sql = sql.and_some("node_id = ?", filter.node.as_ref()).and_some("project_id = ?", filter.project.as_ref());
    sql = sql.and_some("alt_id = ?", filter.alt.as_ref()).and_some("owner_id = ?", filter.owner.as_ref());
    sql = sql.and_some("state = ?", filter.state.as_ref());
    if let Some(q) = &filter.q {
        sql = sql.with(" AND name LIKE ? ESCAPE '\\'", containing(q));
    }
    Ok(page_of(sql.page(page)?.all(at).await?, page, |server: &Server| server.id.uuid()))
}

/// All servers of a node, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn of_node(at: &impl Look, node: NodeId) -> Result<Vec<Server>> {
    Sql::select::<Server>().and("node_id = ?", &node).scoped(at.scope()).push(" ORDER BY id").all(at).await
}

/// Where all servers of a node are, and what they may use.
///
/// # Errors
/// When the database fails.
pub async fn placed_on(at: &impl Look, node: NodeId) -> Result<Vec<Placed>> {
    Sql::select::<Placed>().and("node_id = ?", &node).scoped(at.scope()).push(" ORDER BY id").all(at).await
}

/// Where all servers are that a reader sees, and what they may use.
///
/// # Errors
/// When the database fails.
pub async fn placed(at: &impl Look) -> Result<Vec<Placed>> {
    inside(Sql::select::<Placed>(), at).push(" ORDER BY id").all(at).await
}

/// The ids of all servers of a node.
///
/// # Errors
/// When the database fails.
pub async fn ids_of_node(at: &impl Look, node: NodeId) -> Result<HashSet<ServerId>> {
    let sql = Sql::new("SELECT id FROM servers WHERE TRUE").and("node_id = ?", &node).scoped(at.scope());
    sql.raws(at).await?.iter().map(|row| column(row, &mut 0)).collect()
}

/// Narrows a statement about servers to those that a reader sees.
pub(crate) fn inside(sql: Sql, at: &impl Look) -> Sql {
    sql.scoped(at.scope()).seen(at, &SEEN)
}

/// How many servers an Alt has, or one version of it.
///
/// # Errors
/// When the database fails.
pub async fn count_of_alt(at: &impl Look, alt: AltId) -> Result<u64> {
    let sql = Sql::new("SELECT count(*) FROM servers WHERE TRUE").and("alt_id = ?", &alt);
    Ok(sql.tenant_scoped(at.scope()).scalar(at).await?.unwrap_or(0))
}

/// How many servers a node, a project or a person has.
///
/// # Errors
/// When the database fails.
pub async fn count(at: &impl Look, filter: &ServerFilter) -> Result<u64> {
    let sql = Sql::new("SELECT count(*) FROM servers WHERE TRUE").and_some("node_id = ?", filter.node.as_ref());
    let sql = sql.and_some("project_id = ?", filter.project.as_ref()).and_some("owner_id = ?", filter.owner.as_ref());
    Ok(sql.scoped(at.scope()).scalar(at).await?.unwrap_or(0))
}

/// What the servers of each node may use together, in bytes of memory and of disk, and how many they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Taken {
    /// Memory.
    pub memory: u64,
    /// Disk.
    pub disk: u64,
    /// Servers.
    pub servers: u64,
}

/// What is taken on each node that has servers. Looks at all of a node's servers, whoever sees them.
///
/// # Errors
/// When the database fails.
pub async fn taken(at: &impl Look) -> Result<HashMap<NodeId, Taken>> {
    let sql =
        "SELECT node_id, CAST(sum(memory) AS BIGINT), CAST(sum(disk) AS BIGINT), count(*) FROM servers WHERE TRUE";
    let rows = Sql::new(sql).tenant_scoped(at.scope()).push(" GROUP BY node_id").raws(at).await?;
    let read = |row: &crate::session::Cells| {
        let mut place = 0;
        let node = column(row, &mut place)?;
        let (memory, disk) = (column(row, &mut place)?, column(row, &mut place)?);
        Ok((node, Taken { memory, disk, servers: column(row, &mut place)? }))
    };
    rows.iter().map(read).collect()
}

/// How it shall be from here on; takes effect with the next order.
///
/// # Errors
/// [`crate::StoreError::NotFound`], [`crate::StoreError::Taken`].
pub async fn update(tx: &mut Tx, id: ServerId, change: &Changed) -> Result<()> {
    let settings = &change.settings;
    let set = Sql::new("UPDATE servers SET settings = ").with("?", Json(settings.clone()).to_raw());
    let set = set.with(", memory = ?", bytes(settings.limits.memory).to_raw());
    let set = set.with(", disk = ?", bytes(settings.limits.disk).to_raw());
    let set = set.with(", name = ?", change.name.value()).with(", owner_id = ?", change.owner.value());
    let set = set.with(", alt_version = ?", change.alt_version.to_raw()).with(", suspended = ?", change.suspended);
    let set = set.with(", updated_at = ?", tx.now.as_millis()).push(" WHERE TRUE").and("id = ?", &id);
    set.scoped(tx.scope()).run_one(tx, "server").await
}

/// Something about it that is kept elsewhere has changed, such as its ports: whoever changes it next has to know.
///
/// # Errors
/// [`crate::StoreError::NotFound`].
pub async fn touch(tx: &mut Tx, id: ServerId) -> Result<()> {
    let set = Sql::new("UPDATE servers SET generation = generation + 1").with(", updated_at = ?", tx.now.as_millis());
    set.push(" WHERE TRUE").and("id = ?", &id).scoped(tx.scope()).run_one(tx, "server").await
}

/// What of a server may change.
#[derive(Clone, PartialEq, Debug)]
pub struct Changed {
    /// Its name.
    pub name: Slug,
    /// Who owns it.
    pub owner: UserId,
    /// Which version of its template.
    pub alt_version: u32,
    /// How it is run.
    pub settings: ServerSettings,
    /// Whether it is kept stopped.
    pub suspended: bool,
}

/// Raises the generation for an order that is signed in this transaction; answers the server as it is then.
///
/// # Errors
/// When the database fails; `None` when it is not inside the scope.
pub async fn next_generation(tx: &mut Tx, id: ServerId) -> Result<Option<Server>> {
    let set = Sql::new("UPDATE servers SET generation = generation + 1").with(", updated_at = ?", tx.now.as_millis());
    let sql = set.push(" WHERE TRUE").and("id = ?", &id).scoped(tx.scope());
    sql.push(&format!(" RETURNING {}", <Server as crate::row::Row>::COLUMNS.join(", "))).find(tx).await
}

/// Writes down its node's word. One that is gone meanwhile is no fault. Answers whether something changed.
///
/// # Errors
/// When the database fails.
pub async fn heard(tx: &mut Tx, report: &ServerReport, standing: Option<&ServerSpec>) -> Result<()> {
    let set = Sql::new("UPDATE servers SET state = ").with("?", State::from(report.state).word());
    let set = set.with(", install = ?", Install::from(report.install).word());
    let set = set.with(", report = ?", Json(report.clone()).to_raw()).with(", heard_at = ?", tx.now.as_millis());
    let set = set.with(", generation = CASE WHEN generation < ?", report.generation.to_raw());
    let mut set = set.with(" THEN ? ELSE generation END", report.generation.to_raw());
    if let Some(spec) = standing {
        set = set.with(", standing = ?", Json(spec.clone()).to_raw());
    }
    set.push(" WHERE TRUE").and("id = ?", &report.server).scoped(tx.scope()).run(tx).await.map(drop)
}

/// What a node's servers are by its own last word.
///
/// # Errors
/// When the database fails.
pub async fn standing(at: &impl Look, node: NodeId) -> Result<Vec<ServerSpec>> {
    let sql = Sql::select::<Server>().and("node_id = ?", &node).push(" AND standing IS NOT NULL").scoped(at.scope());
    let rows: Vec<Server> = sql.push(" ORDER BY id").all(at).await?;
    Ok(rows.into_iter().filter_map(|row| row.standing).map(|Json(spec)| spec).collect())
}

/// What these servers are called, as far as they are inside the scope.
///
/// # Errors
/// When the database fails.
pub async fn names(at: &impl Look, ids: &[ServerId]) -> Result<HashMap<ServerId, Slug>> {
    let Some((first, more)) = ids.split_first() else { return Ok(HashMap::new()) };
    let sql =
        Sql::new("SELECT id, name FROM servers WHERE TRUE").scoped(at.scope()).with(" AND id IN (?", first.uuid());
    let sql = more.iter().fold(sql, |sql, id| sql.with(", ?", id.uuid())).push(")");
    let read = |row| {
        let mut place = 0;
        Ok((column(row, &mut place)?, column(row, &mut place)?))
    };
    sql.raws(at).await?.iter().map(read).collect()
}

/// Deletes a server's row and frees its ports: its node has it no more, or is told to when it is back.
///
/// # Errors
/// When the database fails.
pub async fn delete(tx: &mut Tx, id: ServerId) -> Result<()> {
    super::allocations::free_all(tx, id).await?;
    Sql::new("DELETE FROM servers WHERE TRUE").and("id = ?", &id).scoped(tx.scope()).run(tx).await.map(drop)
}

/// Notes what a silent node has to delete when it is back.
///
/// # Errors
/// When the database fails.
pub async fn leave(tx: &mut Tx, server: &Server, spec: ServerSpec) -> Result<()> {
    let left =
        Leftover { id: server.id, tenant: server.tenant, node: server.node, spec: Json(spec), created_at: tx.now };
    insert(tx, &left).await
}

/// What a node still has to delete.
///
/// # Errors
/// When the database fails.
pub async fn leftovers(at: &impl Look, node: NodeId) -> Result<Vec<Leftover>> {
    Sql::select::<Leftover>().and("node_id = ?", &node).tenant_scoped(at.scope()).push(" ORDER BY id").all(at).await
}

/// It has.
///
/// # Errors
/// When the database fails.
pub async fn left_no_more(tx: &mut Tx, id: ServerId) -> Result<()> {
    let sql = Sql::new("DELETE FROM server_leftovers WHERE TRUE").and("id = ?", &id);
    sql.tenant_scoped(tx.scope()).run(tx).await.map(drop)
}

/// Of a node that is removed: nobody will tell it any more.
///
/// # Errors
/// When the database fails.
pub async fn forget_leftovers(tx: &mut Tx, node: NodeId) -> Result<()> {
    let sql = Sql::new("DELETE FROM server_leftovers WHERE TRUE").and("node_id = ?", &node);
    sql.tenant_scoped(tx.scope()).run(tx).await.map(drop)
}
