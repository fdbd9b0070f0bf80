//! Samples of panel servers: their rows, their history, and the newest of each.

use std::collections::HashMap;

use sf_protocol::server::ServerSample;
use sf_types::{NodeId, ServerId, Timestamp};
use uuid::Uuid;

use super::fold::{Flow, Fold, Gauge};
use super::history::Kept;
use super::parse;
use crate::row::{Column, row};
use crate::servers::{self, State};
use crate::sql::Sql;
use crate::tx::Look;
use crate::{Result, StoreError};

row! {
    pub(crate) struct ServerRow in "server_metrics" {
        server: ServerId = "server_id",
        at: Timestamp,
        sample: String,
        came_at: Timestamp,
    }
}

row! {
    pub(crate) struct ServerHistory in "server_history" {
        server: ServerId = "server_id",
        step: i64 = "step_secs",
        at: Timestamp,
        last_at: Timestamp,
        samples: u64,
        up_sum: u64,
        cpu_sum: u64,
        cpu_low: u64,
        cpu_high: u64,
        memory_sum: u64,
        memory_low: u64,
        memory_high: u64,
        processes_sum: u64,
        processes_low: u64,
        processes_high: u64,
        disk_sum: u64,
        disk_low: u64,
        disk_high: u64,
        received_sum: u64,
        received_high: u64,
        sent_sum: u64,
        sent_high: u64,
        network_high: u64,
        uptime_last: u64,
        state: String = "state_last",
    }
}

/// Samples of a panel server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ServerFold {
    /// When the last was taken.
    pub last_at: Timestamp,
    /// How many.
    pub samples: u64,
    /// In how many of them it ran.
    pub up: u64,
    /// CPU use, thousandths of one core.
    pub cpu: Gauge,
    /// Memory of its processes, bytes.
    pub memory: Gauge,
    /// Processes.
    pub processes: Gauge,
    /// Bytes of its files.
    pub disk: Gauge,
    /// Bytes received, where it has a network of its own.
    pub received: Flow,
    /// Bytes sent.
    pub sent: Flow,
    /// Whether its network could be told from its machine's in any of them.
    pub has_network: bool,
    /// Milliseconds since it was started, at last.
    pub uptime: u64,
    /// Its state at last.
    pub state: State,
}

impl Fold for ServerFold {
    type Sample = ServerSample;

    fn of(at: Timestamp, sample: ServerSample, since: Option<i64>) -> Self {
        Self {
            last_at: at,
            samples: 1,
            up: u64::from(sample.uptime_ms > 0),
            cpu: Gauge::of(sample.cpu_permille),
            memory: Gauge::of(sample.memory),
            processes: Gauge::of(sample.processes),
            disk: Gauge::of(sample.disk),
            received: Flow::of(sample.net_received.unwrap_or(0), since),
            sent: Flow::of(sample.net_sent.unwrap_or(0), since),
            has_network: sample.net_received.is_some(),
            uptime: sample.uptime_ms.min(super::fold::MAX_VALUE),
            state: sample.state.into(),
        }
    }

    fn join(self, other: Self) -> Self {
        let last = if other.last_at > self.last_at { other } else { self };
        Self {
            samples: self.samples + other.samples,
            up: self.up + other.up,
            cpu: self.cpu.join(other.cpu),
            memory: self.memory.join(other.memory),
            processes: self.processes.join(other.processes),
            disk: self.disk.join(other.disk),
            received: self.received.join(other.received),
            sent: self.sent.join(other.sent),
            has_network: self.has_network || other.has_network,
            ..last
        }
    }
}

impl Kept for ServerFold {
    const SAMPLES: &'static str = "server_metrics";
    type Row = ServerHistory;

    fn row(self, id: Uuid, step: i64, at: i64) -> ServerHistory {
        let Self { last_at, samples, up, cpu, memory, processes, disk, received, sent, has_network, uptime, state } =
            self;
        ServerHistory {
            server: ServerId::from_uuid(id),
            step,
            at: Timestamp::from_millis(at),
            last_at,
            samples,
            up_sum: up,
            cpu_sum: cpu.sum,
            cpu_low: cpu.low,
            cpu_high: cpu.high,
            memory_sum: memory.sum,
            memory_low: memory.low,
            memory_high: memory.high,
            processes_sum: processes.sum,
            processes_low: processes.low,
            processes_high: processes.high,
            disk_sum: disk.sum,
            disk_low: disk.low,
            disk_high: disk.high,
            received_sum: received.sum,
            received_high: received.high,
            sent_sum: sent.sum,
            sent_high: sent.high,
            network_high: u64::from(has_network),
            uptime_last: uptime,
            state: state.word().to_owned(),
        }
    }

    fn read(row: &ServerHistory) -> Result<Self> {
        let gauge = |sum, low, high| Gauge { sum, low, high };
        let unknown = || StoreError::malformed("state of a server", format!("`{}` is no known word", row.state));
        Ok(Self {
            last_at: row.last_at,
            samples: row.samples,
            up: row.up_sum,
            cpu: gauge(row.cpu_sum, row.cpu_low, row.cpu_high),
            memory: gauge(row.memory_sum, row.memory_low, row.memory_high),
            processes: gauge(row.processes_sum, row.processes_low, row.processes_high),
            disk: gauge(row.disk_sum, row.disk_low, row.disk_high),
            received: Flow { sum: row.received_sum, high: row.received_high },
            sent: Flow { sum: row.sent_sum, high: row.sent_high },
            has_network: row.network_high > 0,
            uptime: row.uptime_last,
            state: State::from_word(&row.state).ok_or_else(unknown)?,
        })
    }
}

/// The samples of a server from `from` up to and including `to`, ascending.
///
/// # Errors
/// When the database fails, or a sample cannot be read.
pub async fn between(
    at: &impl Look,
    server: ServerId,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<(Timestamp, ServerSample)>> {
    let sql = Sql::select::<ServerRow>().and("server_id = ?", &server).and("at >= ?", &from).and("at <= ?", &to);
    let rows: Vec<ServerRow> = sql.push(" ORDER BY at").all(at).await?;
    rows.into_iter().map(|row| Ok((row.at, parse(&row.sample)?))).collect()
}

/// When the sample before `at` was taken, of each server of a machine that has one.
///
/// # Errors
/// When the database fails.
pub async fn before(at: &impl Look, node: NodeId, moment: Timestamp) -> Result<HashMap<ServerId, Timestamp>> {
    let last =
        "(SELECT m.at FROM server_metrics m WHERE m.server_id = servers.id AND m.at < ? ORDER BY m.at DESC LIMIT 1)";
    let sql = Sql::new("SELECT id, ").with(last, moment.as_millis()).push(" FROM servers WHERE TRUE");
    let rows = sql.and("node_id = ?", &node).scoped(at.scope()).raws(at).await?;
    let mut found = HashMap::new();
    for cells in &rows {
        if let Some(time) = Column::read(cells, 1)? {
            found.insert(ServerId::from_uuid(Uuid::read(cells, 0)?), time);
        }
    }
    Ok(found)
}

/// The newest sample of each server that is inside the scope and ever had one, with how long the one before it was ago.
///
/// # Errors
/// When the database fails, or a sample cannot be read.
pub async fn latest(at: &impl Look) -> Result<HashMap<ServerId, Latest>> {
    // From the servers on: each is one look into the key of its samples.
    let newest = "(SELECT m.at FROM server_metrics m WHERE m.server_id = servers.id ORDER BY m.at DESC LIMIT 1)";
    let before =
        "(SELECT p.at FROM server_metrics p WHERE p.server_id = s.id AND p.at < s.at ORDER BY p.at DESC LIMIT 1)";
    let sql = Sql::new(&format!(
        "SELECT s.id, s.at, o.sample, {before} FROM (SELECT id, {newest} AS at FROM servers WHERE TRUE"
    ));
    let sql = servers::inside(sql, at);
    let rows = sql.push(") s JOIN server_metrics o ON o.server_id = s.id AND o.at = s.at").raws(at).await?;
    let read = |cells| {
        let (server, time) = (ServerId::from_uuid(Uuid::read(cells, 0)?), Timestamp::read(cells, 1)?);
        let sample = parse(&String::read(cells, 2)?)?;
        let before: Option<Timestamp> = Column::read(cells, 3)?;
        Ok((server, Latest { at: time, sample, since_ms: before.map(|before| time.as_millis() - before.as_millis()) }))
    };
    rows.iter().map(read).collect()
}

/// The newest sample of a server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Latest {
    /// When it was taken.
    pub at: Timestamp,
    /// What it says.
    pub sample: ServerSample,
    /// Milliseconds since the one before; `None` where there is none.
    pub since_ms: Option<i64>,
}

impl Latest {
    /// When the sample before was taken.
    pub fn before(&self) -> Option<Timestamp> {
        self.since_ms.map(|since| Timestamp::from_millis(self.at.as_millis().saturating_sub(since)))
    }
}
