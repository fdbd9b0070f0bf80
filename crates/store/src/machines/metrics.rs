//! Samples of nodes and apps: taken in once, kept for a while, answered in as many points as asked for.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use sf_protocol::report::{AppSample, NodeSample, SystemLog};
use sf_types::{AppId, NodeId, Scope, Timestamp};

use crate::row::{Column, row};
use crate::sql::{Sql, insert_all};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError, apps, nodes};

pub mod fold;

use fold::{Buckets, Foldable};

/// Points of one answer at the most.
pub const MAX_POINTS: u32 = 2_000;
/// Samples read at a time.
const CHUNK: i64 = 2_000;

row! {
    struct NodeRow in "node_metrics" {
        node: NodeId = "node_id",
        at: Timestamp,
        sample: String,
    }
}

row! {
    struct AppRow in "app_metrics" {
        app: AppId = "app_id",
        at: Timestamp,
        sample: String,
    }
}

/// Takes a node's samples in; those already stored are skipped, and so are apps that are not on this node.
///
/// # Errors
/// [`StoreError::NotFound`] when the node is not inside the scope.
pub async fn append(tx: &mut Tx, node: NodeId, samples: &[SystemLog]) -> Result<()> {
    nodes::get(tx, node).await?;
    let own: Vec<AppId> = apps::of_node(tx, node).await?.into_iter().map(|app| app.id).collect();
    let machine: Vec<_> = samples.iter().map(|log| NodeRow { node, at: log.at, sample: write(&log.node) }).collect();
    let of_apps: Vec<_> = samples
        .iter()
        .flat_map(|log| log.apps.iter().map(|sample| (log.at, sample)))
        .filter(|(_, sample)| own.contains(&sample.app))
        .map(|(at, sample)| AppRow { app: sample.app, at, sample: write(sample) })
        .collect();
    insert_all(tx, &machine, " ON CONFLICT DO NOTHING").await?;
    insert_all(tx, &of_apps, " ON CONFLICT DO NOTHING").await.map(drop)
}

fn write<T: serde::Serialize>(sample: &T) -> String {
    serde_json::to_string(sample).expect("a sample is a struct of numbers and words")
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T> {
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

/// A node's samples, ascending; several that fall into one point are folded ([`fold`]).
///
/// # Errors
/// [`StoreError::NotFound`] when the node is not inside the scope.
pub async fn of_node(at: &impl Look, node: NodeId, range: Range) -> Result<Vec<(Timestamp, NodeSample)>> {
    nodes::get(at, node).await?;
    folded(at, Sql::new("SELECT at, sample FROM node_metrics WHERE TRUE").and("node_id = ?", &node), range).await
}

/// An app's samples, ascending; several that fall into one point are folded ([`fold`]).
///
/// # Errors
/// [`StoreError::NotFound`] when the app is not inside the scope.
pub async fn of_app(at: &impl Look, app: AppId, range: Range) -> Result<Vec<(Timestamp, AppSample)>> {
    apps::get(at, app).await?;
    folded(at, Sql::new("SELECT at, sample FROM app_metrics WHERE TRUE").and("app_id = ?", &app), range).await
}

async fn folded<T>(at: &impl Look, sql: Sql, range: Range) -> Result<Vec<(Timestamp, T)>>
where
    T: Foldable + DeserializeOwned + Send,
{
    let mut buckets = Buckets::new(range.from, range.to, range.points.clamp(1, MAX_POINTS));
    let mut from = range.from;
    loop {
        let chunk = sql.clone().and("at >= ?", &from).and("at < ?", &range.to);
        let rows = chunk.with(" ORDER BY at LIMIT ?", CHUNK).raws(at).await?;
        for row in &rows {
            let time = Timestamp::read(row, 0)?;
            buckets.add(time, parse(&String::read(row, 1)?)?);
            from = Timestamp::from_millis(time.as_millis() + 1);
        }
        if i64::try_from(rows.len()).unwrap_or(i64::MAX) < CHUNK {
            return Ok(buckets.finish());
        }
    }
}

/// Deletes samples older than `before`; answers how many. System only.
///
/// # Errors
/// [`StoreError::OutOfScope`]; when the database fails.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    if tx.scope() != Scope::System {
        return Err(StoreError::OutOfScope("metrics"));
    }
    let nodes = Sql::new("DELETE FROM node_metrics WHERE TRUE").and("at < ?", &before).run(tx).await?;
    let apps = Sql::new("DELETE FROM app_metrics WHERE TRUE").and("at < ?", &before).run(tx).await?;
    Ok(nodes + apps)
}
