//! Samples of nodes, apps and servers: taken in once, folded into a history, answered in as many points as asked for.

use std::collections::{HashMap, HashSet};

use serde::de::DeserializeOwned;
use sf_protocol::report::{AppSample, NodeSample, SystemLog};
use sf_types::{AppId, NodeId, ServerId, Timestamp};
use uuid::Uuid;

use crate::row::{Column, row};
use crate::sql::{Sql, insert_all};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError, apps, nodes, servers};

pub mod fold;
pub mod history;
pub mod server;
pub mod tier;

use fold::{AppFold, Buckets, NodeFold};
use history::{Horizon, Kept};
use server::{ServerFold, ServerRow};
use tier::{KeptFor, way};

/// Points of one answer at the most.
pub const MAX_POINTS: u32 = 2_000;
/// Samples read at a time.
const CHUNK: i64 = 2_000;

row! {
    struct NodeRow in "node_metrics" {
        node: NodeId = "node_id",
        at: Timestamp,
        sample: String,
        came_at: Timestamp,
    }
}

row! {
    struct AppRow in "app_metrics" {
        app: AppId = "app_id",
        at: Timestamp,
        sample: String,
        came_at: Timestamp,
    }
}

/// Takes a node's samples in; those already stored are skipped, and so are apps and servers that
/// are not on this node.
///
/// # Errors
/// [`StoreError::NotFound`] when the node is not inside the scope.
pub async fn append(tx: &mut Tx, node: NodeId, samples: &[SystemLog]) -> Result<()> {
    nodes::get(tx, node).await?;
    let own: Vec<AppId> = apps::of_node(tx, node).await?.into_iter().map(|app| app.id).collect();
    let panel = match samples.iter().any(|log| !log.servers.is_empty()) {
        true => servers::ids_of_node(tx, node).await?,
        false => HashSet::new(),
    };
    let came_at = tx.now;
    let machine: Vec<_> =
        samples.iter().map(|log| NodeRow { node, at: log.at, sample: write(&log.node), came_at }).collect();
    let of_apps: Vec<_> = samples
        .iter()
        .flat_map(|log| log.apps.iter().map(|sample| (log.at, sample)))
        .filter(|(_, sample)| own.contains(&sample.app))
        .map(|(at, sample)| AppRow { app: sample.app, at, sample: write(sample), came_at })
        .collect();
    insert_all(tx, &machine, " ON CONFLICT DO NOTHING").await?;
    let of_servers: Vec<_> = samples
        .iter()
        .flat_map(|log| log.servers.iter().map(|sample| (log.at, sample)))
        .filter(|(_, sample)| panel.contains(&sample.server))
        .map(|(at, sample)| ServerRow { server: sample.server, at, sample: write(sample), came_at })
        .collect();
    insert_all(tx, &of_apps, " ON CONFLICT DO NOTHING").await?;
    insert_all(tx, &of_servers, " ON CONFLICT DO NOTHING").await.map(drop)
}

fn write<T: serde::Serialize>(sample: &T) -> String {
    serde_json::to_string(sample).expect("a sample is a struct of numbers and words")
}

pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|why| StoreError::malformed("sample", why))
}

/// The newest sample of a node.
///
/// # Errors
/// [`StoreError::NotFound`] when the node is not inside the scope.
pub async fn latest_of_node(at: &impl Look, node: NodeId) -> Result<Option<(Timestamp, NodeSample)>> {
    nodes::get(at, node).await?;
    let sql = Sql::select::<NodeRow>().and("node_id = ?", &node).push(" ORDER BY at DESC LIMIT 1");
    let row: Option<NodeRow> = sql.find(at).await?;
    row.map(|row| Ok((row.at, parse(&row.sample)?))).transpose()
}

/// The newest sample of each of these nodes that is inside the scope and ever sent one.
///
/// # Errors
/// When the database fails.
pub async fn latest_of_nodes(at: &impl Look, ids: &[NodeId]) -> Result<HashMap<NodeId, (Timestamp, NodeSample)>> {
    let Some((first, others)) = ids.split_first() else { return Ok(HashMap::new()) };
    let newest = " AND at = (SELECT MAX(at) FROM node_metrics other WHERE other.node_id = node_metrics.node_id)";
    let inside = " AND node_id IN (SELECT id FROM nodes WHERE TRUE";
    let mut sql = Sql::select::<NodeRow>().push(newest).push(inside).tenant_scoped(at.scope());
    sql = sql.with(" AND id IN (?", first.uuid());
    for id in others {
        sql = sql.with(", ?", id.uuid());
    }
    let rows: Vec<NodeRow> = sql.push("))").all(at).await?;
    rows.into_iter().map(|row| Ok((row.node, (row.at, parse(&row.sample)?)))).collect()
}

/// The newest sample of an app.
///
/// # Errors
/// [`StoreError::NotFound`] when the app is not inside the scope.
pub async fn latest_of_app(at: &impl Look, app: AppId) -> Result<Option<(Timestamp, AppSample)>> {
    apps::get(at, app).await?;
    let sql = Sql::select::<AppRow>().and("app_id = ?", &app).push(" ORDER BY at DESC LIMIT 1");
    let row: Option<AppRow> = sql.find(at).await?;
    row.map(|row| Ok((row.at, parse(&row.sample)?))).transpose()
}

/// Which samples.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Range {
    /// Not before.
    pub from: Timestamp,
    /// Before.
    pub to: Timestamp,
    /// Points wanted at the most.
    pub points: u32,
}

/// What was asked for.
#[derive(Clone, PartialEq, Debug)]
pub struct Course<T> {
    /// Length of a point; samples within it are folded.
    pub step_ms: i64,
    /// The points that are not empty, ascending.
    pub points: Vec<T>,
}

/// The course of a node.
///
/// # Errors
/// [`StoreError::NotFound`] when the node is not inside the scope.
pub async fn of_node(at: &impl Look, node: NodeId, range: Range, kept: KeptFor) -> Result<Course<NodeFold>> {
    nodes::get(at, node).await?;
    course(at, node.uuid(), range, kept).await
}

/// The course of an app.
///
/// # Errors
/// [`StoreError::NotFound`] when the app is not inside the scope.
pub async fn of_app(at: &impl Look, app: AppId, range: Range, kept: KeptFor) -> Result<Course<AppFold>> {
    apps::get(at, app).await?;
    course(at, app.uuid(), range, kept).await
}

/// The course of a server.
///
/// # Errors
/// [`StoreError::NotFound`] when the server is not inside the scope.
pub async fn of_server(at: &impl Look, server: ServerId, range: Range, kept: KeptFor) -> Result<Course<ServerFold>> {
    servers::get(at, server).await?;
    course(at, server.uuid(), range, kept).await
}

async fn course<K: Kept>(at: &impl Look, id: Uuid, range: Range, kept: KeptFor) -> Result<Course<K>> {
    let way = way(range, at.now(), kept);
    let mut buckets = Buckets::new(way.from, way.step_ms);
    if let Some(secs) = way.rows_secs {
        for (time, fold) in history::read::<K>(at, id, secs, way.from, range.to).await? {
            buckets.add(time, fold);
        }
        return Ok(Course { step_ms: way.step_ms, points: buckets.finish() });
    }
    let sql =
        Sql::new(&format!("SELECT at, sample FROM {} WHERE TRUE", K::SAMPLES)).and(&format!("{} = ?", K::id()), &id);
    let (mut from, mut before) = (range.from, None);
    loop {
        let chunk = sql.clone().and("at >= ?", &from).and("at < ?", &range.to);
        let rows = chunk.with(" ORDER BY at LIMIT ?", CHUNK).raws(at).await?;
        for row in &rows {
            let time = Timestamp::read(row, 0)?;
            let since = before.map(|before: i64| time.as_millis() - before);
            buckets.add(time, K::of(time, parse(&String::read(row, 1)?)?, since));
            before = Some(time.as_millis());
            from = Timestamp::from_millis(time.as_millis() + 1);
        }
        if i64::try_from(rows.len()).unwrap_or(i64::MAX) < CHUNK {
            return Ok(Course { step_ms: way.step_ms, points: buckets.finish() });
        }
    }
}

/// Of whom samples are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Subjects {
    /// Machines.
    Nodes,
    /// Apps.
    Apps,
    /// Servers of the panel.
    Servers,
}

impl Subjects {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Nodes, Self::Apps, Self::Servers];
}

/// Folds up to `limit` samples into the history; answers how many there were. System only.
///
/// # Errors
/// [`StoreError::OutOfScope`]; when the database fails.
pub async fn fold(tx: &mut Tx, of: Subjects, limit: u32) -> Result<u64> {
    history::system_only(tx)?;
    match of {
        Subjects::Nodes => history::fold::<NodeFold>(tx, limit).await,
        Subjects::Apps => history::fold::<AppFold>(tx, limit).await,
        Subjects::Servers => history::fold::<ServerFold>(tx, limit).await,
    }
}

/// Machines, apps or servers of which something is older than it may be.
///
/// # Errors
/// When the database fails.
pub async fn overdue(at: &impl Look, of: Subjects, before: Horizon) -> Result<Vec<Uuid>> {
    async fn of_kind<K: Kept>(at: &impl Look, before: Horizon) -> Result<Vec<Uuid>> {
        let mut found = Vec::new();
        for id in history::subjects::<K>(at).await? {
            if history::is_old::<K>(at, id, before).await? {
                found.push(id);
            }
        }
        Ok(found)
    }
    match of {
        Subjects::Nodes => of_kind::<NodeFold>(at, before).await,
        Subjects::Apps => of_kind::<AppFold>(at, before).await,
        Subjects::Servers => of_kind::<ServerFold>(at, before).await,
    }
}

/// Deletes up to `limit` samples and as many rows of each step of one of them; answers how many. Samples that are
/// not folded stay. System only.
///
/// # Errors
/// [`StoreError::OutOfScope`]; when the database fails.
pub async fn prune(tx: &mut Tx, of: Subjects, id: Uuid, before: Horizon, limit: u32) -> Result<u64> {
    history::system_only(tx)?;
    match of {
        Subjects::Nodes => history::prune::<NodeFold>(tx, id, before, limit).await,
        Subjects::Apps => history::prune::<AppFold>(tx, id, before, limit).await,
        Subjects::Servers => history::prune::<ServerFold>(tx, id, before, limit).await,
    }
}
