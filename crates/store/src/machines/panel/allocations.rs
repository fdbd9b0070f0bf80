//! Ports of nodes. One that is a server's own is no other's: taking one is a single conditional update.

use std::collections::HashMap;
use std::net::IpAddr;

use sf_types::{AllocationId, NodeId, Page, PageRequest, ServerId, TenantId, Timestamp};

use crate::row::row;
use crate::sql::{Sql, containing, insert_all, page_of};
use crate::tx::{Look, Tx};
use crate::{Result, nodes};

row! {
    /// A port of a node.
    pub struct Allocation in "allocations" {
        /// Its id.
        id: AllocationId,
        /// Whose.
        tenant: TenantId = "tenant_id",
        /// On which machine.
        node: NodeId = "node_id",
        /// Address it is bound to there.
        ip: String,
        /// The port, for TCP and UDP.
        port: u32,
        /// What people connect to in place of the address.
        alias: Option<String>,
        /// For people.
        note: Option<String>,
        /// Whose own it is.
        server: Option<ServerId> = "server_id",
        /// Whether it is that server's first one.
        is_default: bool,
        /// When it was added.
        created_at: Timestamp,
    }
}

/// Which.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AllocationFilter {
    /// On this machine.
    pub node: Option<NodeId>,
    /// Of this server.
    pub server: Option<ServerId>,
    /// Taken, or free.
    pub taken: Option<bool>,
    /// With this in address, alias or port.
    pub q: Option<String>,
}

/// Adds ports to a node; those it has already are left as they are. Answers how many are new.
///
/// # Errors
/// [`crate::StoreError::NotFound`] when the node is not inside the scope.
pub async fn add(tx: &mut Tx, node: NodeId, ip: IpAddr, ports: &[u16], alias: Option<&str>) -> Result<u64> {
    let on = nodes::get(tx, node).await?;
    tx.own("allocation", on.tenant, None)?;
    let rows: Vec<Allocation> = ports
        .iter()
        .map(|port| Allocation {
            id: tx.new_id(),
            tenant: on.tenant,
            node,
            ip: ip.to_string(),
            port: u32::from(*port),
            alias: alias.map(str::to_owned),
            note: None,
            server: None,
            is_default: false,
            created_at: tx.now,
        })
        .collect();
    insert_all(tx, &rows, " ON CONFLICT (node_id, ip, port) DO NOTHING").await
}

/// One inside the scope.
///
/// # Errors
/// [`crate::StoreError::NotFound`].
pub async fn get(at: &impl Look, id: AllocationId) -> Result<Allocation> {
    Sql::select::<Allocation>().and("id = ?", &id).tenant_scoped(at.scope()).get(at, "allocation").await
}

/// All inside the scope, newest first.
///
/// # Errors
/// A bad cursor; when the database fails.
pub async fn page(at: &impl Look, filter: &AllocationFilter, page: &PageRequest) -> Result<Page<Allocation>> {
    let mut sql = Sql::select::<Allocation>().tenant_scoped(at.scope()).and_some("node_id = ?", filter.node.as_ref());
    sql = sql.and_some("server_id = ?", filter.server.as_ref());
    sql = match filter.taken {
        Some(true) => sql.push(" AND server_id IS NOT NULL"),
        Some(false) => sql.push(" AND server_id IS NULL"),
        None => sql,
    };
    if let Some(q) = &filter.q {
        let like = containing(q);
        sql = sql
            .with(" AND (ip LIKE ? ESCAPE '\\'", like.clone())
            .with(" OR lower(alias) LIKE ? ESCAPE '\\'", like.clone());
        sql = sql.with(" OR CAST(port AS TEXT) LIKE ? ESCAPE '\\')", like);
    }
    Ok(page_of(sql.page(page)?.all(at).await?, page, |one: &Allocation| one.id.uuid()))
}

/// A server's ports, the first one first.
///
/// # Errors
/// When the database fails.
pub async fn of_server(at: &impl Look, server: ServerId) -> Result<Vec<Allocation>> {
    let sql = Sql::select::<Allocation>().and("server_id = ?", &server).tenant_scoped(at.scope());
    sql.push(" ORDER BY is_default DESC, port, id").all(at).await
}

/// The ports of these servers, each one's first one first.
///
/// # Errors
/// When the database fails.
pub async fn of_servers(at: &impl Look, servers: &[ServerId]) -> Result<HashMap<ServerId, Vec<Allocation>>> {
    let Some((first, more)) = servers.split_first() else { return Ok(HashMap::new()) };
    let sql = Sql::select::<Allocation>().tenant_scoped(at.scope()).with(" AND server_id IN (?", first.uuid());
    let sql = more.iter().fold(sql, |sql, id| sql.with(", ?", id.uuid())).push(")");
    let rows: Vec<Allocation> = sql.push(" ORDER BY is_default DESC, port, id").all(at).await?;
    let mut found: HashMap<ServerId, Vec<Allocation>> = HashMap::new();
    for (server, row) in rows.into_iter().filter_map(|row| Some((row.server?, row))) {
        found.entry(server).or_default().push(row);
    }
    Ok(found)
}

/// Free ports of a node, lowest first. Behind all others come those that would be in the way of somebody: `held` by
/// something else there, or another server's already at an address that covers this one or is covered by it.
///
/// # Errors
/// When the database fails.
pub async fn free(at: &impl Look, node: NodeId, held: &[u16], limit: u32) -> Result<Vec<Allocation>> {
    const EVERYWHERE: &str = "ip IN ('0.0.0.0', '::')";
    let sql = Sql::select::<Allocation>().and("node_id = ?", &node).push(" AND server_id IS NULL");
    let taken = "port IN (SELECT port FROM allocations WHERE server_id IS NOT NULL AND node_id = ?";
    let sql =
        sql.tenant_scoped(at.scope()).with(&format!(" ORDER BY CASE WHEN {taken} AND {EVERYWHERE})"), node.uuid());
    let mut sql = sql.with(&format!(" OR {EVERYWHERE} AND {taken})"), node.uuid());
    if let Some((first, more)) = held.split_first() {
        sql = sql.with(" OR port IN (?", i64::from(*first));
        sql = more.iter().fold(sql, |sql, port| sql.with(", ?", i64::from(*port))).push(")");
    }
    sql.with(" THEN 1 ELSE 0 END, port, ip, id LIMIT ?", i64::from(limit)).all(at).await
}

/// How many free ports a node has.
///
/// # Errors
/// When the database fails.
pub async fn count_free(at: &impl Look, node: NodeId) -> Result<u64> {
    let sql = Sql::new("SELECT count(*) FROM allocations WHERE server_id IS NULL").and("node_id = ?", &node);
    Ok(sql.tenant_scoped(at.scope()).scalar(at).await?.unwrap_or(0))
}

/// Gives a free port to a server. Whether it was free.
///
/// # Errors
/// When the database fails.
pub async fn take(tx: &mut Tx, id: AllocationId, server: ServerId, is_default: bool) -> Result<bool> {
    let set = Sql::new("UPDATE allocations SET server_id = ").with("?", server.uuid());
    let set = set.with(", is_default = ?", is_default).push(" WHERE server_id IS NULL").and("id = ?", &id);
    Ok(set.tenant_scoped(tx.scope()).run(tx).await? == 1)
}

/// Takes a port from its server.
///
/// # Errors
/// When the database fails.
pub async fn give_back(tx: &mut Tx, id: AllocationId) -> Result<()> {
    let set = Sql::new("UPDATE allocations SET server_id = NULL, note = NULL, is_default = ").with("?", false);
    set.push(" WHERE TRUE").and("id = ?", &id).tenant_scoped(tx.scope()).run_one(tx, "allocation").await
}

/// Takes all of a server's ports from it.
///
/// # Errors
/// When the database fails.
pub async fn free_all(tx: &mut Tx, server: ServerId) -> Result<()> {
    let set = Sql::new("UPDATE allocations SET server_id = NULL, note = NULL, is_default = ").with("?", false);
    set.push(" WHERE TRUE").and("server_id = ?", &server).tenant_scoped(tx.scope()).run(tx).await.map(drop)
}

/// Which of a server's ports is its first one.
///
/// # Errors
/// [`crate::StoreError::NotFound`] when it is not that server's.
pub async fn set_default(tx: &mut Tx, server: ServerId, id: AllocationId) -> Result<()> {
    let none = Sql::new("UPDATE allocations SET is_default = ").with("?", false).push(" WHERE TRUE");
    none.and("server_id = ?", &server).tenant_scoped(tx.scope()).run(tx).await?;
    let one = Sql::new("UPDATE allocations SET is_default = ").with("?", true).push(" WHERE TRUE");
    one.and("server_id = ?", &server).and("id = ?", &id).tenant_scoped(tx.scope()).run_one(tx, "allocation").await
}

/// Another alias and note.
///
/// # Errors
/// [`crate::StoreError::NotFound`].
pub async fn describe(tx: &mut Tx, id: AllocationId, alias: Option<&str>, note: Option<&str>) -> Result<()> {
    let set = Sql::new("UPDATE allocations SET alias = ").with("?", alias.map(str::to_owned));
    let set = set.with(", note = ?", note.map(str::to_owned)).push(" WHERE TRUE").and("id = ?", &id);
    set.tenant_scoped(tx.scope()).run_one(tx, "allocation").await
}

/// Deletes a free port. Whether it was free.
///
/// # Errors
/// When the database fails.
pub async fn delete(tx: &mut Tx, id: AllocationId) -> Result<bool> {
    let sql = Sql::new("DELETE FROM allocations WHERE server_id IS NULL").and("id = ?", &id);
    Ok(sql.tenant_scoped(tx.scope()).run(tx).await? == 1)
}

/// Deletes the ports of a node that is removed.
///
/// # Errors
/// When the database fails.
pub async fn delete_of_node(tx: &mut Tx, node: NodeId) -> Result<()> {
    let sql = Sql::new("DELETE FROM allocations WHERE server_id IS NULL").and("node_id = ?", &node);
    sql.tenant_scoped(tx.scope()).run(tx).await.map(drop)
}
