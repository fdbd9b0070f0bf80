//! Machines with our agent.

use sf_protocol::report::NodeFacts;
use sf_protocol::{KeyId, PublicKey};
use sf_types::{ConnectionId, NodeId, Page, PageRequest, ProjectId, TenantId, Timestamp};

use crate::row::{Column, Field, Json, column, row, words};
use crate::seen::Places;
use crate::sql::{Sql, containing, insert, page_of};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError};

words! {
    /// How a node is.
    pub enum NodeStatus {
        /// Connected.
        Online = "online",
        /// Not connected.
        Offline = "offline",
        /// Cut off until a person looks.
        Locked = "locked",
        /// Deleted.
        Removed = "removed",
    }
}

row! {
    /// A machine.
    pub struct Node in "nodes" {
        /// Its id.
        id: NodeId,
        /// Whose.
        tenant: TenantId = "tenant_id",
        /// Narrower, where it belongs to one project.
        project: Option<ProjectId> = "project_id",
        /// Its name, unique within the tenant.
        name: String,
        /// Its key.
        public_key: PublicKey,
        /// The name of its key.
        key_id: KeyId,
        /// How it is.
        status: NodeStatus,
        /// What it is.
        facts: Option<Json<NodeFacts>>,
        /// Version of its agent.
        agent_version: String,
        /// Sequence numbers count within this.
        epoch: u64,
        /// The next number to sign with.
        next_sequence: u64,
        /// Its events are stored up to this number.
        events_seen: u64,
        /// Join counter the node has proved to hold.
        join_confirmed: u64,
        /// Join counter given to it and not proved yet.
        join_pending: Option<u64>,
        /// Channel binding pinned at enrolment: `exporter` or `host:<name>`.
        binding: String,
        /// When it last said anything.
        last_seen_at: Option<Timestamp>,
        /// Since when it is connected.
        connected_at: Option<Timestamp>,
        /// Through which connection.
        connection: Option<ConnectionId> = "connection_id",
        /// Why it is locked.
        locked_reason: Option<String>,
        /// When it was enrolled.
        created_at: Timestamp,
        /// When it was deleted.
        removed_at: Option<Timestamp>,
        /// Since when its disk is full.
        disk_full_at: Option<Timestamp>,
    }
}

row! {
    /// A key a node has or had.
    pub struct NodeKey in "node_keys" {
        /// The name of the key.
        key_id: KeyId,
        /// Whose.
        node: NodeId = "node_id",
        /// Whose node.
        tenant: TenantId = "tenant_id",
        /// The key.
        public_key: PublicKey,
        /// Since when.
        created_at: Timestamp,
        /// Until when.
        retired_at: Option<Timestamp>,
    }
}

/// What is known of a node at its enrolment.
#[derive(Clone, PartialEq, Debug)]
pub struct NewNode {
    /// Whose.
    pub tenant: TenantId,
    /// The name wanted; a number is added where it is taken.
    pub name: String,
    /// Its key.
    pub public_key: PublicKey,
    /// What it is.
    pub facts: NodeFacts,
    /// Sequence numbers begin in this epoch.
    pub epoch: u64,
    /// The join counter it is given.
    pub join_counter: u64,
    /// Channel binding: `exporter` or `host:<name>`.
    pub binding: String,
}

/// Which nodes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NodeFilter {
    /// In this state.
    pub status: Option<NodeStatus>,
    /// With this in the name.
    pub q: Option<String>,
}

/// Names tried for one node before giving up.
const MAX_NAMES: u32 = 1000;

/// Adds a node, offline.
///
/// # Errors
/// [`StoreError::Taken`] when a node has this key.
pub async fn create(tx: &mut Tx, new: NewNode) -> Result<Node> {
    tx.own("node", new.tenant, None)?;
    let node = Node {
        id: tx.new_id(),
        tenant: new.tenant,
        project: None,
        name: free_name(tx, new.tenant, &new.name).await?,
        public_key: new.public_key,
        key_id: new.public_key.id(),
        status: NodeStatus::Offline,
        agent_version: new.facts.agent_version.clone(),
        facts: Some(Json(new.facts)),
        epoch: new.epoch,
        next_sequence: 1,
        events_seen: 0,
        join_confirmed: new.join_counter,
        join_pending: None,
        binding: new.binding,
        last_seen_at: None,
        connected_at: None,
        connection: None,
        locked_reason: None,
        created_at: tx.now,
        removed_at: None,
        disk_full_at: None,
    };
    insert(tx, &node).await?;
    let key = NodeKey {
        key_id: node.key_id,
        node: node.id,
        tenant: node.tenant,
        public_key: node.public_key,
        created_at: tx.now,
        retired_at: None,
    };
    insert(tx, &key).await?;
    Ok(node)
}

async fn free_name(tx: &Tx, tenant: TenantId, wanted: &str) -> Result<String> {
    for n in 1..=MAX_NAMES {
        let name = if n == 1 { wanted.to_owned() } else { format!("{wanted}-{n}") };
        let taken = Sql::new("SELECT 1 FROM nodes WHERE removed_at IS NULL").and("tenant_id = ?", &tenant);
        if taken.and("name = ?", &name).raw(tx).await?.is_none() {
            return Ok(name);
        }
    }
    Err(StoreError::Taken(wanted.to_owned()))
}

/// Columns by which a node is seen; what lives on it shows nothing of it.
const SEEN: Places = Places { project: "project_id", node: Some("id"), app: None, server: None };

/// A node inside the scope that is not deleted.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(at: &impl Look, id: NodeId) -> Result<Node> {
    let sql = Sql::select::<Node>().push(" AND removed_at IS NULL").and("id = ?", &id);
    sql.scoped(at.scope()).seen(at, &SEEN).get(at, "node").await
}

/// A node by the name of its key: how a connection begins, under the system's scope.
///
/// # Errors
/// When the database fails.
pub async fn by_key(at: &impl Look, key: &KeyId) -> Result<Option<Node>> {
    let sql = Sql::select::<Node>().push(" AND removed_at IS NULL").and("key_id = ?", key);
    sql.scoped(at.scope()).find(at).await
}

/// A node by its name.
///
/// # Errors
/// When the database fails.
pub async fn by_name(at: &impl Look, name: &str) -> Result<Option<Node>> {
    let sql = Sql::select::<Node>().push(" AND removed_at IS NULL").with(" AND name = ?", name);
    sql.scoped(at.scope()).seen(at, &SEEN).find(at).await
}

/// Nodes inside the scope that are not deleted, newest first.
///
/// # Errors
/// A bad cursor; when the database fails.
pub async fn page(at: &impl Look, filter: &NodeFilter, page: &PageRequest) -> Result<Page<Node>> {
    let mut sql = Sql::select::<Node>().push(" AND removed_at IS NULL").scoped(at.scope()).seen(at, &SEEN);
    sql = sql.and_some("status = ?", filter.status.as_ref());
    if let Some(q) = &filter.q {
        sql = sql.with(" AND lower(name) LIKE ? ESCAPE '\\'", containing(q));
    }
    Ok(page_of(sql.page(page)?.all(at).await?, page, |node: &Node| node.id.uuid()))
}

/// Nodes that a person should look at: locked, silent since before `silent_since`, or with a full disk; up to `limit`.
///
/// # Errors
/// When the database fails.
pub async fn troubled(at: &impl Look, silent_since: Timestamp, limit: u32) -> Result<Vec<Node>> {
    let sql = Sql::select::<Node>().push(" AND removed_at IS NULL").scoped(at.scope()).seen(at, &SEEN);
    let sql = sql.push(" AND (status = 'locked' OR (status = 'offline'").and("last_seen_at < ?", &silent_since);
    let sql = sql.push(") OR disk_full_at IS NOT NULL)");
    sql.with(" ORDER BY id DESC LIMIT ?", i64::from(limit)).all(at).await
}

/// How many nodes inside the scope have this status.
///
/// # Errors
/// When the database fails.
pub async fn count(at: &impl Look, status: NodeStatus) -> Result<u64> {
    let sql = Sql::new("SELECT count(*) FROM nodes WHERE TRUE").and("status = ?", &status).scoped(at.scope());
    Ok(sql.scalar(at).await?.unwrap_or(0))
}

/// How many nodes there are inside the scope, connected or not.
///
/// # Errors
/// When the database fails.
pub async fn count_all(at: &impl Look) -> Result<u64> {
    let sql = Sql::new("SELECT count(*) FROM nodes WHERE removed_at IS NULL").scoped(at.scope());
    Ok(sql.scalar(at).await?.unwrap_or(0))
}

/// All nodes inside the scope, oldest first: where a new server could go.
///
/// # Errors
/// When the database fails.
pub async fn all(at: &impl Look) -> Result<Vec<Node>> {
    let sql = Sql::select::<Node>().push(" AND removed_at IS NULL").scoped(at.scope()).seen(at, &SEEN);
    sql.push(" ORDER BY id").all(at).await
}

/// A statement that changes one node inside the scope that is not deleted: `UPDATE nodes SET <set>`, then the rest.
fn changing(tx: &Tx, id: NodeId, set: Sql) -> Sql {
    set.push(" WHERE removed_at IS NULL").and("id = ?", &id).scoped(tx.scope())
}

/// Renames it.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::Taken`].
pub async fn rename(tx: &mut Tx, id: NodeId, name: &str) -> Result<()> {
    changing(tx, id, Sql::new("UPDATE nodes SET name = ").with("?", name)).run_one(tx, "node").await
}

/// Cuts it off until a person looks.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn lock(tx: &mut Tx, id: NodeId, reason: &str) -> Result<()> {
    let set =
        Sql::new("UPDATE nodes SET status = 'locked', connection_id = NULL, connected_at = NULL, locked_reason = ");
    changing(tx, id, set.with("?", reason)).run_one(tx, "node").await
}

/// Lets it connect again.
///
/// # Errors
/// [`StoreError::NotFound`] when it is not locked.
pub async fn unlock(tx: &mut Tx, id: NodeId) -> Result<()> {
    let set = Sql::new("UPDATE nodes SET status = 'offline', locked_reason = NULL");
    changing(tx, id, set).push(" AND status = 'locked'").run_one(tx, "node").await
}

/// Deletes it: its key is refused from now on.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::Tied`] while apps live on it.
pub async fn remove(tx: &mut Tx, id: NodeId) -> Result<()> {
    let living = Sql::new("SELECT name FROM apps WHERE deleted_at IS NULL").and("node_id = ?", &id);
    if let Some(app) = living.scalar::<String>(tx).await? {
        return Err(StoreError::Tied(format!("app {app} lives on it")));
    }
    let set = Sql::new("UPDATE nodes SET status = 'removed', connection_id = NULL, removed_at = ");
    changing(tx, id, set.with("?", tx.now.as_millis())).run_one(tx, "node").await?;
    Sql::new("UPDATE node_keys SET retired_at = ")
        .with("? WHERE retired_at IS NULL", tx.now.as_millis())
        .and("node_id = ?", &id)
        .run(tx)
        .await
        .map(drop)
}

/// What a connection writes when it is authorised.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Connected {
    /// The connection.
    pub connection: ConnectionId,
    /// Join counter the node proved to hold.
    pub join_confirmed: u64,
    /// Join counter it is given now.
    pub join_pending: u64,
    /// Version of its agent.
    pub agent_version: String,
    /// The epoch from now on; a higher one begins its numbers at 1 again.
    pub epoch: u64,
}

/// Notes an authorised connection; an older one of the same node is replaced.
///
/// # Errors
/// [`StoreError::NotFound`] when it is locked or deleted.
pub async fn connect(tx: &mut Tx, id: NodeId, to: &Connected) -> Result<()> {
    let now = tx.now.as_millis();
    let set = Sql::new("UPDATE nodes SET status = 'online'")
        .with(", connection_id = ?", to.connection.uuid())
        .with(", join_confirmed = ?", to.join_confirmed.value())
        .with(", join_pending = ?", to.join_pending.value())
        .with(", agent_version = ?", to.agent_version.as_str())
        .with(", next_sequence = CASE WHEN epoch < ? THEN 1 ELSE next_sequence END", to.epoch.value())
        .with(", epoch = CASE WHEN epoch < ?", to.epoch.value())
        .with(" THEN ? ELSE epoch END", to.epoch.value())
        .with(", connected_at = ?", now)
        .with(", last_seen_at = ?", now);
    changing(tx, id, set).push(" AND status <> 'locked'").run_one(tx, "node").await
}

/// The node has shown that it holds the pending join counter.
///
/// # Errors
/// When the database fails.
pub async fn confirm_join(tx: &mut Tx, id: NodeId, connection: ConnectionId) -> Result<()> {
    let set = Sql::new("UPDATE nodes SET join_confirmed = join_pending, join_pending = NULL");
    let sql = changing(tx, id, set).push(" AND join_pending IS NOT NULL");
    sql.and("connection_id = ?", &connection).run(tx).await.map(drop)
}

/// Notes the end of a connection; a newer one of the same node stays. Answers whether it was the current one.
///
/// # Errors
/// When the database fails.
pub async fn disconnect(tx: &mut Tx, id: NodeId, connection: ConnectionId) -> Result<bool> {
    let set =
        Sql::new("UPDATE nodes SET status = 'offline', connection_id = NULL, connected_at = NULL, last_seen_at = ");
    let sql = changing(tx, id, set.with("?", tx.now.as_millis()));
    Ok(sql.and("connection_id = ?", &connection).run(tx).await? > 0)
}

/// Notes that no node is connected: the control plane just started. Answers those that seemed to be; from this moment on
/// they are waited for.
///
/// # Errors
/// When the database fails.
pub async fn disconnect_all(tx: &mut Tx) -> Result<Vec<Node>> {
    let seemed = Sql::select::<Node>().push(" AND status = 'online'").scoped(tx.scope()).all(tx).await?;
    let set =
        Sql::new("UPDATE nodes SET status = 'offline', connection_id = NULL, connected_at = NULL, last_seen_at = ");
    let sql = set.with("?", tx.now.as_millis()).push(" WHERE status = 'online'");
    sql.scoped(tx.scope()).run(tx).await?;
    Ok(seemed)
}

/// Notes that its disk is full from now on, or is not any more.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn set_disk_full(tx: &mut Tx, id: NodeId, is_full: bool) -> Result<()> {
    let since = is_full.then_some(tx.now);
    changing(tx, id, Sql::new("UPDATE nodes SET disk_full_at = ").with("?", since.value())).run_one(tx, "node").await
}

/// Notes a sign of life.
///
/// # Errors
/// When the database fails.
pub async fn seen(tx: &mut Tx, id: NodeId) -> Result<()> {
    let set = Sql::new("UPDATE nodes SET last_seen_at = ").with("?", tx.now.as_millis());
    changing(tx, id, set).run(tx).await.map(drop)
}

/// Keeps what the node says of itself.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn set_facts(tx: &mut Tx, id: NodeId, facts: &NodeFacts) -> Result<()> {
    let set = Sql::new("UPDATE nodes SET facts = ")
        .with("?", Json(facts.clone()).to_raw())
        .with(", agent_version = ?", facts.agent_version.as_str());
    changing(tx, id, set).run_one(tx, "node").await
}

/// A number taken for one command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reserved {
    /// Within this epoch.
    pub epoch: u64,
    /// The number.
    pub sequence: u64,
    /// The node's key, which the command names.
    pub node_key: KeyId,
}

/// Takes the node's next sequence number, in the transaction that signs with it.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn reserve_sequence(tx: &mut Tx, id: NodeId) -> Result<Reserved> {
    let sql = changing(tx, id, Sql::new("UPDATE nodes SET next_sequence = next_sequence + 1"));
    let sql = sql.push(" RETURNING epoch, next_sequence - 1, key_id");
    let row = sql.raw(tx).await?.ok_or(StoreError::NotFound("node"))?;
    let mut at = 0;
    let (epoch, sequence) = (column(&row, &mut at)?, column(&row, &mut at)?);
    Ok(Reserved { epoch, sequence, node_key: column(&row, &mut at)? })
}

/// Notes that the node's events are stored up to `seq`. Answers `false` when they were already: a repetition.
///
/// # Errors
/// When the database fails.
pub async fn advance_events(tx: &mut Tx, id: NodeId, seq: u64) -> Result<bool> {
    let set = Sql::new("UPDATE nodes SET events_seen = ").with("?", seq.value());
    Ok(changing(tx, id, set).and("events_seen < ?", &seq).run(tx).await? > 0)
}

/// The keys a node has or had, newest first.
///
/// # Errors
/// When the database fails.
pub async fn keys(at: &impl Look, id: NodeId) -> Result<Vec<NodeKey>> {
    let sql = Sql::select::<NodeKey>().and("node_id = ?", &id).tenant_scoped(at.scope());
    sql.push(" ORDER BY created_at DESC").all(at).await
}
