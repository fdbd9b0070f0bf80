//! Watching apps while the agent runs: crashes, restarts, ports; and the samples of the node.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use sf_protocol::app::AppState;
use sf_protocol::handshake::SERVERS_SINCE;
use sf_protocol::report::{DetectedPorts, NodeEvent, SystemLog};
use sf_runtime::Shutdown;
use sf_types::{AppId, Port, ReleaseId};
use tokio::sync::{broadcast, watch};
use tokio::time::Instant;

use super::node::Node;
use crate::daemon::aside;
use crate::facts::metrics::{self, AppReading, Sampler};
use crate::link::LinkState;
use crate::process::{Process, Usage, ports};
use crate::shim::state::Status;

/// Looks at the ports of a process this long after it was started: by then most listen.
const PORTS_AFTER: Duration = Duration::from_secs(1);
/// Between two looks at the ports of all processes.
const PORTS_EVERY: Duration = Duration::from_secs(30);
/// The lowest port that a server of the panel can be given.
const LOWEST_GIVEN: u16 = 1_024;

/// Watches apps. One per agent.
#[derive(Debug)]
pub struct Observer {
    node: Arc<Node>,
    told: HashMap<ReleaseId, (AppState, u32)>,
}

impl Observer {
    /// For this node.
    pub fn new(node: Arc<Node>) -> Self {
        Self { node, told: HashMap::new() }
    }

    /// Tells what processes do by themselves, until the agent stops.
    pub async fn watch_apps(mut self, shutdown: Shutdown) {
        let mut changes = self.node.supervisor.subscribe();
        let mut look = tokio::time::interval(PORTS_EVERY);
        let mut soon: Option<Instant> = None;
        loop {
            let due = soon.unwrap_or_else(|| Instant::now() + PORTS_EVERY);
            tokio::select! {
                () = shutdown.requested() => return,
                change = changes.recv() => match change {
                    Ok(status) => {
                        if status.state == AppState::Running {
                            soon = Some(Instant::now() + PORTS_AFTER);
                        }
                        self.changed(&status);
                    }
                    Err(broadcast::error::RecvError::Lagged(_)) => {
                        let all: Vec<Status> = self.node.supervisor.list().iter().map(|one| one.status()).collect();
                        all.iter().for_each(|status| self.changed(status));
                    }
                    Err(broadcast::error::RecvError::Closed) => return,
                },
                () = tokio::time::sleep_until(due) => {
                    soon = None;
                    self.node.tell_ports().await;
                }
                _ = look.tick() => self.node.tell_ports().await,
            }
        }
    }

    fn changed(&mut self, status: &Status) {
        // A release on trial is the deploy's business, one that is stopped the order's.
        let live = self.node.live(status.app) == Some(status.release);
        let now = (status.state, status.restarts);
        let before = self.told.insert(status.release, now);
        if status.ended {
            self.told.remove(&status.release);
        }
        if !live || before == Some(now) {
            return;
        }
        match status.state {
            AppState::Crashed | AppState::Failed => self.node.tell_exits(status),
            AppState::Running if before.is_some_and(|(_, restarts)| restarts < status.restarts) => {
                self.node.tell_exits(status);
                self.node.outbox.event(NodeEvent::App {
                    app: status.app,
                    release: Some(status.release),
                    state: AppState::Running,
                    restarts: status.restarts,
                    reason: "started again after a crash".to_owned(),
                });
            }
            _ => {}
        }
    }

    /// Samples the node every 30 s, every second while somebody watches, and once for each new connection.
    pub async fn sample(self, mut link: watch::Receiver<LinkState>, shutdown: Shutdown) {
        let node = self.node;
        let mut sampler = Sampler::new(node.state.path());
        let mut watched = node.watched_until.subscribe();
        let mut next = Instant::now();
        let mut connected = false;
        loop {
            let live = watched.borrow_and_update().is_some_and(|until| Instant::now() < until);
            let wake = if live { next.min(Instant::now() + metrics::EVERY_WATCHED.duration()) } else { next };
            tokio::select! {
                () = shutdown.requested() => return,
                () = tokio::time::sleep_until(wake) => {}
                _ = watched.changed() => {}
                changed = link.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let now = matches!(*link.borrow_and_update(), LinkState::Connected { .. });
                    if now && !std::mem::replace(&mut connected, now) {
                        // The first frame of a connection confirms it; there is always this one.
                        let mut sample = sampler.take(node.clock.now(), &node.readings().await, &node.server_readings().await);
                        sample.held = node.held_ports().await;
                        node.outbox.live_sample(&sample);
                    }
                    connected = now;
                    continue;
                }
            }
            let mut sample = sampler.take(node.clock.now(), &node.readings().await, &node.server_readings().await);
            if Instant::now() >= next {
                sample.held = node.held_ports().await;
                node.outbox.sample(&sample);
                next = Instant::now() + metrics::EVERY.duration();
            } else {
                node.outbox.live_sample(&sample);
            }
        }
    }
}

impl Node {
    async fn readings(&self) -> Vec<AppReading> {
        let supervisor = self.supervisor.clone();
        let usage: HashMap<(AppId, ReleaseId), Usage> = aside::short(move || {
            supervisor.usage().into_iter().map(|(app, release, usage)| ((app, release), usage)).collect()
        })
        .await;
        let mut readings = Vec::new();
        for record in self.apps.list() {
            let app = record.spec.app;
            let Some(live) = self.live(app) else { continue };
            let requests = match record.stable {
                Some(_) => self.relays.status(app).await.map_or(0, |status| status.requests),
                None => 0,
            };
            readings.push(AppReading {
                app,
                state: self.state_of(app),
                usage: usage.get(&(app, live)).copied().unwrap_or_default(),
                requests,
                restarts: self.supervisor.get(live).map_or(0, |process| process.status().restarts),
            });
        }
        readings
    }

    /// Ports that no server should be given: something has them that is no server. A server's own are not among them, since
    /// whether it runs says nothing of whose they are.
    async fn held_ports(&self) -> Option<Vec<u16>> {
        if self.outbox.spoken() < SERVERS_SINCE {
            return None;
        }
        let given: HashSet<u16> =
            self.servers.list().iter().flat_map(|record| record.spec.allocations.iter().map(|one| one.port)).collect();
        // A busy machine has a hundred thousand sockets to read through.
        let held = aside::short(ports::held).await;
        let others = held.into_iter().filter(|port| *port >= LOWEST_GIVEN && !given.contains(port));
        Some(others.take(SystemLog::MAX_HELD).collect())
    }

    async fn tell_ports(&self) {
        let is_live = |process: &Process| {
            let status = process.status();
            !status.ended && self.live(status.app) == Some(status.release)
        };
        let processes: Vec<_> = self.supervisor.list().into_iter().filter(is_live).collect();
        if processes.is_empty() {
            return;
        }
        // A busy machine has a hundred thousand sockets to read through.
        let found = aside::short(move || Process::ports_of(&processes)).await;
        for (app, release, ports) in found {
            let stable = self.apps.get(app).and_then(|record| record.stable);
            self.outbox.ports(DetectedPorts {
                app,
                release,
                ports: ports.into_iter().filter_map(|port| Port::try_from(port).ok()).collect(),
                stable: stable.and_then(|port| Port::try_from(port).ok()),
            });
        }
    }
}
