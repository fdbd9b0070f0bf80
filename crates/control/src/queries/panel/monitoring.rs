//! How servers are doing: one over time, all of them now, and what rules say of them.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use sf_actions::alert::{Metric, RuleSettings};
use sf_actions::{Actor, Permission};
use sf_store::alert_rules::AlertRule;
use sf_store::alerts::{Alert, AlertFilter};
use sf_store::metrics::server::{Latest, ServerFold};
use sf_store::metrics::{Course, Range};
use sf_store::servers::{Placed, State};
use sf_store::{alert_rules, alerts, metrics, nodes, servers};
use sf_types::{AlertId, AlertRuleId, Fault, NodeId, Page, PageRequest, ServerId, Timestamp};

use crate::control::Control;

/// A server is near its limit from here on, percent.
pub const NEAR_PERCENT: u64 = 90;
/// Servers told of each kind: the busiest, those near a limit, those that nothing is known of.
pub const LISTED: usize = 10;
/// What is older than this says nothing of now: four samples of 30 s.
const FRESH: Duration = Duration::from_secs(120);

/// How one server is doing.
#[derive(Clone, Debug)]
pub struct Doing {
    /// The server.
    pub server: Placed,
    /// Its newest sample, where there is one that says something of now.
    pub latest: Option<Latest>,
    /// Since when its machine says nothing; `None` while it is connected.
    pub unknown_since: Option<Timestamp>,
}

impl Doing {
    /// What it uses now of what a rule could compare, and how much of it it may use.
    pub fn of(&self, metric: Metric) -> Option<(u64, Option<u64>)> {
        let latest = self.latest?;
        let reading = sf_engine::alert::Reading::of(latest.at, &latest.sample, latest.before());
        let whole = RuleSettings {
            metric,
            comparison: sf_actions::alert::Comparison::Above,
            threshold: sf_actions::alert::Threshold::Percent(100),
            for_secs: 0,
            margin_percent: 0,
            cooldown_secs: 0,
            enabled: true,
        };
        let limit = match metric {
            Metric::Network => None,
            _ => sf_engine::alert::line(&whole, &self.server.settings.0.limits),
        };
        reading.value(metric).map(|value| (value, limit))
    }

    /// Whether it is near a limit of its own.
    pub fn is_near(&self, metric: Metric) -> bool {
        let percent =
            |(value, limit): (u64, u64)| u128::from(value) * 100 >= u128::from(limit) * u128::from(NEAR_PERCENT);
        self.of(metric).and_then(|(value, limit)| Some((value, limit?))).is_some_and(percent)
    }
}

/// All servers that somebody sees, now.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    /// How many are in which state, by the last word of those whose machine is connected.
    pub states: HashMap<State, u64>,
    /// How many.
    pub servers: u64,
    /// How many their machine says nothing of.
    pub unknown: u64,
    /// What all of them use: thousandths of a core, bytes, bytes, bytes in a second.
    pub used: [u64; 4],
    /// How many alerts are so now.
    pub alerts: u64,
    /// Those that use the most CPU, memory, disk and network.
    pub busiest: Vec<(Metric, Vec<Doing>)>,
    /// Those near a limit of theirs, and which.
    pub near: Vec<(Metric, Doing)>,
    /// How many there are near one.
    pub near_count: u64,
    /// Those that nothing is known of, longest first.
    pub silent: Vec<Doing>,
}

impl Control {
    /// The course of a server.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn server_metrics(
        &self,
        actor: &Actor,
        server: ServerId,
        range: Range,
    ) -> Result<Course<ServerFold>, Fault> {
        self.server_for(actor, server, Permission::MonitoringView).await?;
        let reader = self.view(actor, Permission::MonitoringView)?;
        Ok(metrics::of_server(&reader, server, range, self.core().options.retention.metrics()).await?)
    }

    /// How all servers are doing that somebody may watch.
    ///
    /// # Errors
    /// No right, or the store cannot be read.
    pub async fn monitoring(&self, actor: &Actor) -> Result<Overview, Fault> {
        let reader = self.view(actor, Permission::MonitoringView)?;
        let all = self.doing(&reader).await?;
        let mut overview = Overview { servers: all.len() as u64, ..Overview::default() };
        overview.alerts = alerts::count_by_rule(&reader).await?.values().sum();
        for one in &all {
            match one.unknown_since {
                Some(_) => overview.unknown += 1,
                None => *overview.states.entry(one.server.state).or_default() += 1,
            }
            for (at, metric) in SHOWN.into_iter().enumerate() {
                let used = one.of(metric).map_or(0, |(value, _)| value);
                overview.used[at] = overview.used[at].saturating_add(used);
            }
        }
        overview.busiest = SHOWN.into_iter().map(|metric| (metric, busiest(&all, metric))).collect();
        (overview.near, overview.near_count) = near(&all);
        let mut silent: Vec<&Doing> = all.iter().filter(|one| one.unknown_since.is_some()).collect();
        silent.sort_by_key(|one| (one.unknown_since, one.server.id));
        overview.silent = silent.into_iter().take(LISTED).cloned().collect();
        Ok(overview)
    }

    async fn doing(&self, reader: &sf_store::Reader) -> Result<Vec<Doing>, Fault> {
        let placed = servers::placed(reader).await?;
        let mut latest = metrics::server::latest(reader).await?;
        let now = self.now();
        let away = self.silent_nodes(&placed).await?;
        let of = |server: Placed| {
            let unknown_since = away.get(&server.node).copied();
            let latest = latest.remove(&server.id);
            let latest = latest.filter(|one| unknown_since.is_none() && now.since(one.at) <= FRESH);
            Doing { server, latest, unknown_since }
        };
        Ok(placed.into_iter().map(of).collect())
    }

    /// Since when the machines of these servers say nothing, those that do not.
    async fn silent_nodes(&self, placed: &[Placed]) -> Result<HashMap<NodeId, Timestamp>, Fault> {
        let links = &self.core().links;
        let asked: HashSet<NodeId> =
            placed.iter().map(|one| one.node).filter(|node| !links.is_connected(*node)).collect();
        let system = self.core().store.read(sf_store::Scope::System);
        let mut away = HashMap::new();
        for node in asked {
            let row = nodes::get(&system, node).await?;
            away.insert(node, row.last_seen_at.unwrap_or(row.created_at));
        }
        Ok(away)
    }

    /// Alert rules that stand where somebody may watch, each with how many alerts of it are so now.
    ///
    /// # Errors
    /// No right, or the store cannot be read.
    pub async fn alert_rules(&self, actor: &Actor, page: &PageRequest) -> Result<Page<(AlertRule, u64)>, Fault> {
        let reader = self.view(actor, Permission::MonitoringView)?;
        let open = alerts::count_by_rule(&reader).await?;
        let with = |rule: AlertRule| {
            let count = open.get(&rule.id).copied().unwrap_or(0);
            (rule, count)
        };
        let Page { items, next } = alert_rules::page(&reader, page).await?;
        Ok(Page { items: items.into_iter().map(with).collect(), next })
    }

    /// One of them.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn alert_rule(&self, actor: &Actor, rule: AlertRuleId) -> Result<(AlertRule, u64), Fault> {
        let reader = self.view(actor, Permission::MonitoringView)?;
        let row = alert_rules::get(&reader, rule).await?;
        let open = alerts::count_by_rule(&reader).await?.get(&rule).copied().unwrap_or(0);
        Ok((row, open))
    }

    /// What rules have raised, newest first.
    ///
    /// # Errors
    /// No right, or the store cannot be read.
    pub async fn server_alerts(
        &self,
        actor: &Actor,
        filter: &AlertFilter,
        page: &PageRequest,
    ) -> Result<Page<Alert>, Fault> {
        Ok(alerts::page(&self.view(actor, Permission::MonitoringView)?, filter, page).await?)
    }

    /// One of them.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn server_alert(&self, actor: &Actor, alert: AlertId) -> Result<Alert, Fault> {
        Ok(alerts::get(&self.view(actor, Permission::MonitoringView)?, alert).await?)
    }
}

/// What is added up and compared over all servers.
pub const SHOWN: [Metric; 4] = [Metric::Cpu, Metric::Memory, Metric::Disk, Metric::Network];

fn busiest(all: &[Doing], metric: Metric) -> Vec<Doing> {
    let used = |one: &&Doing| one.of(metric).map_or(0, |(value, _)| value);
    let mut found: Vec<&Doing> = all.iter().filter(|one| used(one) > 0).collect();
    found.sort_by_key(|one| (Reverse(used(one)), one.server.id));
    found.into_iter().take(LISTED).cloned().collect()
}

/// Those nearest to their limits, and how many there are.
fn near(all: &[Doing]) -> (Vec<(Metric, Doing)>, u64) {
    let share = |metric: Metric, one: &Doing| match one.of(metric) {
        Some((value, Some(limit))) => u128::from(value) * 1_000 / u128::from(limit.max(1)),
        _ => 0,
    };
    let mut found: Vec<(Metric, &Doing)> = all
        .iter()
        .flat_map(|one| [Metric::Cpu, Metric::Memory, Metric::Disk].map(|metric| (metric, one)))
        .filter(|(metric, one)| one.is_near(*metric))
        .collect();
    found.sort_by_key(|(metric, one)| (Reverse(share(*metric, one)), one.server.id));
    let count = found.len() as u64;
    (found.into_iter().take(LISTED).map(|(metric, one)| (metric, one.clone())).collect(), count)
}
