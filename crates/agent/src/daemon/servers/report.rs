//! How a server is, in one place for outcomes, answers, events and samples.

use std::collections::HashMap;
use std::sync::Arc;

use sf_protocol::app::AppState;
use sf_protocol::report::NodeEvent;
use sf_protocol::server::{ServerReport, ServerSpec, ServerState};
use sf_runtime::Shutdown;
use sf_types::{AppId, ReleaseId, ServerId};
use tokio::sync::broadcast;

use super::live::Doing;
use super::record::End;
use crate::daemon::aside;
use crate::execute::Node;
use crate::facts::metrics::{self, ServerReading};
use crate::process::{Process, tree};
use crate::shim::state::{Status, seconds};

/// What a shim calls the server it holds: shims know holds by an app and a release. A server has both ids, and its shims a
/// supervisor of their own, so that none can be taken for an app's.
pub const fn hold(server: ServerId) -> (AppId, ReleaseId) {
    (ServerSpec::sealed_for(server), ReleaseId::from_uuid(server.uuid()))
}

/// The server that a shim holds.
pub const fn held(status: &Status) -> ServerId {
    ServerId::from_uuid(status.release.uuid())
}

/// A server whose process says this of itself.
const fn state_of(state: AppState) -> ServerState {
    match state {
        AppState::Running => ServerState::Running,
        AppState::Stopping => ServerState::Stopping,
        // It comes back by itself.
        AppState::Starting | AppState::Crashed => ServerState::Starting,
        AppState::Stopped | AppState::Empty => ServerState::Stopped,
        AppState::Failed => ServerState::Error,
    }
}

/// How the last process came to its end, for people.
fn stopped_by(record: &super::ServerRecord, status: &Status) -> Option<String> {
    let stopped = status.stopped?;
    Some(match &record.spec.stop {
        sf_protocol::server::Stop::Command { line, .. } if stopped.by_line => {
            format!("command {line} after {}", seconds(stopped.took))
        }
        _ => stopped.to_string(),
    })
}

impl Node {
    /// The process of a server, if one lives.
    pub fn server_process(&self, server: ServerId) -> Option<Process> {
        self.held.get(hold(server).1).filter(|process| !process.status().ended)
    }

    /// How a server is; `None` where there is none.
    pub fn server_report(&self, server: ServerId) -> Option<ServerReport> {
        let record = self.servers.get(server)?;
        let live = self.servers.live(server);
        let mut report = ServerReport {
            server,
            generation: record.spec.generation,
            state: ServerState::Stopped,
            install: record.install,
            since: self.clock.now(),
            reason: String::new(),
            restarts: 0,
            stopped_by: record.stopped_by,
            enforced: record.enforced,
            disk_bytes: live.disk(),
        };
        match (live.doing(), self.server_process(server), record.end) {
            (Some(Doing { state, reason, since }), _, _) => {
                (report.state, report.reason, report.since) = (state, reason, since);
            }
            (None, Some(process), _) => {
                let status = process.status();
                (report.state, report.reason) = (state_of(status.state), status.reason);
                (report.since, report.restarts) = (status.since, status.restarts);
            }
            (None, None, Some(End { state, at, reason, restarts })) => {
                (report.state, report.since, report.reason, report.restarts) = (state, at, reason, restarts);
            }
            (None, None, None) => {}
        }
        Some(report)
    }

    /// Tells how a server is, if that is news.
    pub fn tell_server(&self, server: ServerId) {
        let Some(report) = self.server_report(server) else { return };
        // What its files take is told by samples.
        let is_known = self.servers.last_told(server).is_some_and(|told| {
            let (disk_bytes, since) =
                (told.disk_bytes, if told.state == report.state { told.since } else { report.since });
            told == ServerReport { disk_bytes, since, ..report.clone() }
        });
        if !is_known {
            self.servers.tell(&report);
            self.outbox.event(NodeEvent::Server { report });
        }
    }

    /// Notes that the process of a server has come to its end. Again of the same end it changes nothing.
    pub(super) fn server_ended(&self, status: &Status) {
        let server = held(status);
        // What the agent itself has stopped waits for a person, who is to know why.
        let (state, reason) = match self.servers.live(server).stopped_for() {
            Some(reason) => (ServerState::Error, reason),
            None => (state_of(status.state), status.reason.clone()),
        };
        let noted = self.servers.change(server, |record| {
            let by = stopped_by(record, status);
            record.end = Some(End { state, at: status.since, reason, restarts: status.restarts });
            record.stopped_by = by.or(record.stopped_by.take());
        });
        if let Err(fault) = noted {
            tracing::warn!(%server, %fault, "the end of a server could not be written down");
        }
    }

    /// Tells what servers do by themselves, until the agent stops.
    pub(crate) async fn watch_servers(self: Arc<Self>, shutdown: Shutdown) {
        let mut changes = self.held.subscribe();
        loop {
            let change = tokio::select! {
                () = shutdown.requested() => return,
                change = changes.recv() => change,
            };
            match change {
                Ok(status) => self.server_changed(&status),
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    self.held.list().iter().for_each(|process| self.server_changed(&process.status()));
                }
                Err(broadcast::error::RecvError::Closed) => return,
            }
        }
    }

    fn server_changed(&self, status: &Status) {
        let server = held(status);
        // A successor may be there already when the news of the end comes.
        let is_last = self.held.get(status.release).is_none_or(|process| process.status().ended);
        if status.ended && is_last && self.servers.get(server).is_some() {
            self.server_ended(status);
        }
        self.tell_server(server);
    }

    /// What each server uses now.
    pub(crate) async fn server_readings(self: &Arc<Self>) -> Vec<ServerReading> {
        let (node, ids) = (self.clone(), self.servers.ids());
        if ids.is_empty() {
            return Vec::new();
        }
        aside::short(move || {
            // Of the processes that run, from one look at the machine.
            let usage: HashMap<ReleaseId, tree::Usage> =
                node.held.usage().into_iter().map(|(_, release, used)| (release, used)).collect();
            let used = |server| usage.get(&hold(server).1).copied().unwrap_or_default();
            ids.into_iter().filter_map(|server| node.server_reading(server, used(server))).collect()
        })
        .await
    }

    /// What one server uses now.
    pub(super) async fn server_reading_now(self: &Arc<Self>, server: ServerId) -> Option<ServerReading> {
        let node = self.clone();
        aside::short(move || {
            let used = node.server_process(server).map(|process| process.usage());
            node.server_reading(server, used.unwrap_or_default())
        })
        .await
    }

    fn server_reading(&self, server: ServerId, used: tree::Usage) -> Option<ServerReading> {
        let state = self.server_report(server)?.state;
        let disk = self.servers.live(server).disk();
        let mut reading = ServerReading {
            server,
            state,
            cpu_ms: used.cpu_ms,
            memory: used.rss_bytes,
            processes: used.processes,
            disk,
            net: None,
            uptime_ms: 0,
        };
        let Some(process) = self.server_process(server) else { return Some(reading) };
        let status = process.status();
        let inside = process.inside();
        let main = if process.is_contained() { inside.as_ref() } else { status.child.as_ref() };
        if let Some(main) = main {
            // Its control group knows of those that have ended, too.
            let group = crate::confine::cgroup::reading(main.pid);
            reading.cpu_ms = group.cpu_ms.unwrap_or(reading.cpu_ms);
            reading.memory = group.memory.unwrap_or(reading.memory);
            reading.uptime_ms = u64::try_from(self.clock.now().since(status.started_at).as_millis()).unwrap_or(0);
        }
        // A network of its own; a process shares the machine's.
        reading.net = inside.filter(|_| process.is_contained()).and_then(|inside| metrics::net_of(inside.pid));
        Some(reading)
    }
}
