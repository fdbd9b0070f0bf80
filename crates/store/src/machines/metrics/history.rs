//! The rows of the history: samples folded into steps of 5 minutes and of an hour.
//!
//! A sample is folded once: the transaction that adds it to its rows marks it. What is not folded yet is added while
//! reading, so that an answer is the same before and after. A sample that comes late is one that is not folded yet.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sf_protocol::app::AppState;
use sf_types::{AppId, NodeId, Scope, Timestamp};
use uuid::Uuid;

use super::fold::{AppFold, Flow, Fold, Gauge, MAX_SAMPLES, NodeFold};
use crate::row::{Column, Row, row};
use crate::sql::{Sql, insert_all};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError};

/// The finer step of the history, seconds.
pub const FINE_SECS: i64 = 300;
/// The coarser one, seconds.
pub const COARSE_SECS: i64 = 3_600;
/// Samples kept of one machine or app, whatever their age: more than one each second of a day.
pub const MAX_SAMPLES_KEPT: i64 = 100_000;
/// What claims to be from further in the future is a wrong clock, and goes with the old.
pub const MAX_AHEAD: Duration = Duration::from_secs(86_400);

row! {
    pub(crate) struct NodeHistory in "node_history" {
        node: NodeId = "node_id",
        step: i64 = "step_secs",
        at: Timestamp,
        last_at: Timestamp,
        samples: u64,
        cpu_sum: u64,
        cpu_low: u64,
        cpu_high: u64,
        load_sum: u64,
        load_low: u64,
        load_high: u64,
        memory_sum: u64,
        memory_low: u64,
        memory_high: u64,
        disk_sum: u64,
        disk_low: u64,
        disk_high: u64,
        agent_sum: u64,
        agent_low: u64,
        agent_high: u64,
        received_sum: u64,
        received_high: u64,
        sent_sum: u64,
        sent_high: u64,
        memory_total_last: u64,
        disk_total_last: u64,
        uptime_last: u64,
    }
}

row! {
    pub(crate) struct AppHistory in "app_history" {
        app: AppId = "app_id",
        step: i64 = "step_secs",
        at: Timestamp,
        last_at: Timestamp,
        samples: u64,
        cpu_sum: u64,
        cpu_low: u64,
        cpu_high: u64,
        memory_sum: u64,
        memory_low: u64,
        memory_high: u64,
        processes_sum: u64,
        processes_low: u64,
        processes_high: u64,
        requests_sum: u64,
        requests_high: u64,
        restarts_high: u64,
        restarts_last: u64,
        state: String = "state_last",
    }
}

/// Samples with a history.
pub(crate) trait Kept: Fold {
    /// Where its samples are.
    const SAMPLES: &'static str;
    /// A row of its history.
    type Row: Row + Send + Sync;
    /// Of a machine or app, of a step that begins at `at`.
    fn row(self, id: Uuid, step: i64, at: i64) -> Self::Row;
    /// What a row holds.
    fn read(row: &Self::Row) -> Result<Self>;

    /// The column that says of which machine or app.
    fn id() -> &'static str {
        Self::Row::COLUMNS[0]
    }
}

impl Kept for NodeFold {
    const SAMPLES: &'static str = "node_metrics";
    type Row = NodeHistory;

    fn row(self, id: Uuid, step: i64, at: i64) -> NodeHistory {
        let Self { last_at, samples, cpu, load, memory, disk, agent, received, sent, last } = self;
        NodeHistory {
            node: NodeId::from_uuid(id),
            step,
            at: Timestamp::from_millis(at),
            last_at,
            samples,
            cpu_sum: cpu.sum,
            cpu_low: cpu.low,
            cpu_high: cpu.high,
            load_sum: load.sum,
            load_low: load.low,
            load_high: load.high,
            memory_sum: memory.sum,
            memory_low: memory.low,
            memory_high: memory.high,
            disk_sum: disk.sum,
            disk_low: disk.low,
            disk_high: disk.high,
            agent_sum: agent.sum,
            agent_low: agent.low,
            agent_high: agent.high,
            received_sum: received.sum,
            received_high: received.high,
            sent_sum: sent.sum,
            sent_high: sent.high,
            memory_total_last: last[0],
            disk_total_last: last[1],
            uptime_last: last[2],
        }
    }

    fn read(row: &NodeHistory) -> Result<Self> {
        let gauge = |sum, low, high| Gauge { sum, low, high };
        Ok(Self {
            last_at: row.last_at,
            samples: row.samples,
            cpu: gauge(row.cpu_sum, row.cpu_low, row.cpu_high),
            load: gauge(row.load_sum, row.load_low, row.load_high),
            memory: gauge(row.memory_sum, row.memory_low, row.memory_high),
            disk: gauge(row.disk_sum, row.disk_low, row.disk_high),
            agent: gauge(row.agent_sum, row.agent_low, row.agent_high),
            received: Flow { sum: row.received_sum, high: row.received_high },
            sent: Flow { sum: row.sent_sum, high: row.sent_high },
            last: [row.memory_total_last, row.disk_total_last, row.uptime_last],
        })
    }
}

impl Kept for AppFold {
    const SAMPLES: &'static str = "app_metrics";
    type Row = AppHistory;

    fn row(self, id: Uuid, step: i64, at: i64) -> AppHistory {
        let Self { last_at, samples, cpu, memory, processes, requests, restarts_high, restarts, state } = self;
        AppHistory {
            app: AppId::from_uuid(id),
            step,
            at: Timestamp::from_millis(at),
            last_at,
            samples,
            cpu_sum: cpu.sum,
            cpu_low: cpu.low,
            cpu_high: cpu.high,
            memory_sum: memory.sum,
            memory_low: memory.low,
            memory_high: memory.high,
            processes_sum: processes.sum,
            processes_low: processes.low,
            processes_high: processes.high,
            requests_sum: requests.sum,
            requests_high: requests.high,
            restarts_high,
            restarts_last: restarts,
            state: crate::row::Field::to_raw(&state),
        }
    }

    fn read(row: &AppHistory) -> Result<Self> {
        let gauge = |sum, low, high| Gauge { sum, low, high };
        let state: AppState = crate::row::Field::from_raw(row.state.clone())
            .map_err(|why| StoreError::malformed("state of an app", why))?;
        Ok(Self {
            last_at: row.last_at,
            samples: row.samples,
            cpu: gauge(row.cpu_sum, row.cpu_low, row.cpu_high),
            memory: gauge(row.memory_sum, row.memory_low, row.memory_high),
            processes: gauge(row.processes_sum, row.processes_low, row.processes_high),
            requests: Flow { sum: row.requests_sum, high: row.requests_high },
            restarts_high: row.restarts_high,
            restarts: row.restarts_last,
            state,
        })
    }
}

/// Folds up to `limit` samples that are not yet; answers how many.
pub(crate) async fn fold<K: Kept>(tx: &mut Tx, limit: u32) -> Result<u64> {
    let (samples, id) = (K::SAMPLES, K::id());
    let claimed = Sql::new(&format!(
        "UPDATE {samples} SET folded = TRUE WHERE NOT folded AND ({id}, at) IN \
         (SELECT {id}, at FROM {samples} WHERE NOT folded ORDER BY {id}, at"
    ))
    .with(" LIMIT ?", i64::from(limit))
    .push(tx.conn().dialect().claim())
    .push(&format!(") RETURNING {id}, at, sample, {}", before(samples, id)))
    .raws(tx)
    .await?;
    let mut rows: BTreeMap<(Uuid, i64, i64), K> = BTreeMap::new();
    for cells in &claimed {
        let subject = Uuid::read(cells, 0)?;
        let Some((at, fold)) = one::<K>(cells, 1)? else { continue };
        for step in [FINE_SECS, COARSE_SECS] {
            let begins = at.as_millis().div_euclid(step * 1_000) * step * 1_000;
            let row = rows.entry((subject, step, begins));
            row.and_modify(|so_far| *so_far = so_far.join(fold)).or_insert(fold);
        }
    }
    // In one order everywhere, so that two control planes cannot wait for each other.
    let rows: Vec<_> = rows.into_iter().map(|((id, step, at), fold)| fold.row(id, step, at)).collect();
    insert_all(tx, &rows, &joining::<K::Row>()).await?;
    Ok(claimed.len() as u64)
}

/// When the sample before was taken.
fn before(samples: &str, id: &str) -> String {
    format!(
        "(SELECT p.at FROM {samples} p WHERE p.{id} = {samples}.{id} AND p.at < {samples}.at ORDER BY p.at DESC LIMIT 1)"
    )
}

/// A sample from the columns at, sample, time of the one before. One that another version wrote and this one cannot
/// read is left out: it must not stop all others.
fn one<K: Kept>(cells: &crate::session::Cells, column: usize) -> Result<Option<(Timestamp, K)>> {
    let at = Timestamp::read(cells, column)?;
    let sample = String::read(cells, column + 1)?;
    let before: Option<Timestamp> = Column::read(cells, column + 2)?;
    let since = before.map(|before| at.as_millis().saturating_sub(before.as_millis()));
    Ok(serde_json::from_str(&sample).ok().map(|sample| (at, K::of(at, sample, since))))
}

/// What happens to a row that is there: each column by the last word of its name.
fn joining<R: Row>() -> String {
    let table = R::TABLE;
    let (key, values) = R::COLUMNS.split_at(3);
    let set: Vec<_> = values
        .iter()
        .map(|name| {
            let (mine, new) = (format!("{table}.{name}"), format!("excluded.{name}"));
            let chosen = |which: String| format!("{name} = CASE WHEN {which} THEN {new} ELSE {mine} END");
            match name.rsplit('_').next() {
                Some("sum" | "samples") => format!("{name} = {mine} + {new}"),
                Some("low") => chosen(format!("{new} < {mine}")),
                Some("high") => chosen(format!("{new} > {mine}")),
                _ => chosen(format!("excluded.last_at > {table}.last_at")),
            }
        })
        .collect();
    format!(
        " ON CONFLICT ({}) DO UPDATE SET {} WHERE {table}.samples + excluded.samples <= {MAX_SAMPLES}",
        key.join(", "),
        set.join(", ")
    )
}

/// What there is of a machine or app, ascending: rows of a step that begin in `[from, to)`, and what is not folded yet.
/// One statement, so that nothing is folded in between.
pub(crate) async fn read<K: Kept>(
    at: &impl Look,
    id: Uuid,
    step: i64,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<(Timestamp, K)>> {
    let (samples, key, columns) = (K::SAMPLES, K::id(), K::Row::COLUMNS);
    let filled: Vec<_> = columns
        .iter()
        .map(|name| match *name {
            name if name == key => name,
            "at" | "last_at" => "at",
            "state_last" => "''",
            _ => "0",
        })
        .collect();
    let rows = Sql::new(&format!(
        "SELECT at, '' AS sample, CAST(NULL AS BIGINT) AS before, {} FROM {} WHERE TRUE",
        columns.join(", "),
        K::Row::TABLE
    ))
    .and(&format!("{key} = ?"), &id)
    .and("step_secs = ?", &step)
    .and("at >= ?", &from)
    .and("at < ?", &to)
    .push(&format!(
        " UNION ALL SELECT at, sample, {}, {} FROM {samples} WHERE NOT folded",
        before(samples, key),
        filled.join(", ")
    ))
    .and(&format!("{key} = ?"), &id)
    .and("at >= ?", &from)
    .and("at < ?", &to)
    .push(" ORDER BY 1")
    .raws(at)
    .await?;
    let mut found = Vec::with_capacity(rows.len());
    for cells in &rows {
        if String::read(cells, 1)?.is_empty() {
            let row = K::Row::read_from(cells, &mut 3)?;
            found.push((Timestamp::read(cells, 0)?, K::read(&row)?));
        } else {
            found.extend(one(cells, 0)?);
        }
    }
    Ok(found)
}

/// Before when which rows go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Horizon {
    /// Samples, by when they came and when they were taken; never one that is not folded.
    pub samples: Timestamp,
    /// Rows of 5 minutes.
    pub fine: Timestamp,
    /// Rows of an hour.
    pub coarse: Timestamp,
}

/// Machines or apps of which there is anything.
pub(crate) async fn subjects<K: Kept>(at: &impl Look) -> Result<Vec<Uuid>> {
    let mut found = BTreeSet::new();
    for table in [K::SAMPLES, K::Row::TABLE] {
        let id = K::id();
        // From one to the next, by the key, instead of through all rows.
        let hop = format!(
            "WITH RECURSIVE each_one(id) AS (SELECT (SELECT {id} FROM {table} ORDER BY {id} LIMIT 1) UNION ALL \
             SELECT (SELECT {id} FROM {table} WHERE {id} > each_one.id ORDER BY {id} LIMIT 1) FROM each_one \
             WHERE each_one.id IS NOT NULL) SELECT id FROM each_one WHERE id IS NOT NULL"
        );
        for cells in Sql::new(&hop).raws(at).await? {
            found.insert(Uuid::read(&cells, 0)?);
        }
    }
    Ok(found.into_iter().collect())
}

/// The rows of one machine or app that are to go: for each table its condition.
async fn old<K: Kept>(at: &impl Look, id: Uuid, before: Horizon) -> Result<[Sql; 3]> {
    let key = format!("{} = ?", K::id());
    let ahead = at.now().plus(MAX_AHEAD);
    let newest = Sql::new(&format!("SELECT at FROM {} WHERE TRUE", K::SAMPLES)).and(&key, &id);
    let cut: Option<Timestamp> =
        newest.push(" ORDER BY at DESC").with(" LIMIT 1 OFFSET ?", MAX_SAMPLES_KEPT).scalar(at).await?;
    let samples = Sql::new(&format!("SELECT {}, at FROM {} WHERE folded", K::id(), K::SAMPLES)).and(&key, &id);
    let samples = samples
        .with(" AND (at <= ?", cut.map_or(i64::MIN, Timestamp::as_millis))
        .with(" OR at > ?", ahead.as_millis())
        .with(" OR (came_at < ?", before.samples.as_millis())
        .with(" AND at < ?))", before.samples.as_millis());
    let rows = |step: i64, before: Timestamp| {
        Sql::new(&format!("SELECT {}, step_secs, at FROM {} WHERE TRUE", K::id(), K::Row::TABLE))
            .and(&key, &id)
            .and("step_secs = ?", &step)
            .with(" AND (at < ?", before.as_millis())
            .with(" OR at > ?)", ahead.as_millis())
    };
    Ok([samples, rows(FINE_SECS, before.fine), rows(COARSE_SECS, before.coarse)])
}

/// Whether anything of one machine or app is to go.
pub(crate) async fn is_old<K: Kept>(at: &impl Look, id: Uuid, before: Horizon) -> Result<bool> {
    for chosen in old::<K>(at, id, before).await? {
        if chosen.push(" LIMIT 1").raw(at).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Deletes up to `limit` rows of each table; answers how many.
pub(crate) async fn prune<K: Kept>(tx: &mut Tx, id: Uuid, before: Horizon, limit: u32) -> Result<u64> {
    let mut gone = 0;
    let [samples, fine, coarse] = old::<K>(tx, id, before).await?;
    let history = K::Row::TABLE;
    for (chosen, table, key) in
        [(samples, K::SAMPLES, "at"), (fine, history, "step_secs, at"), (coarse, history, "step_secs, at")]
    {
        let head = format!("DELETE FROM {table} WHERE ({}, {key}) IN (", K::id());
        gone += chosen.before(&head).with(" LIMIT ?)", i64::from(limit)).run(tx).await?;
    }
    Ok(gone)
}

/// Refuses anybody but the system.
pub(crate) fn system_only(tx: &Tx) -> Result<()> {
    if tx.scope() == Scope::System { Ok(()) } else { Err(StoreError::OutOfScope("metrics")) }
}
