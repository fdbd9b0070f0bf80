//! How servers are doing, as it is shown.

use serde::{Deserialize, Serialize};
use sf_actions::alert::{Comparison, Metric, RuleScope, RuleSettings, Threshold};
use sf_control::queries::panel::monitoring::{Doing, Overview};
use sf_store::alert_rules::AlertRule;
use sf_store::alerts::Alert;
use sf_store::metrics::Course;
use sf_store::metrics::server::ServerFold;
use sf_store::servers::State;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::view::Time;
use crate::view::metrics::SpreadView;

/// What of a server's course is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Series {
    /// CPU use.
    Cpu,
    /// Memory.
    Memory,
    /// Files.
    Disk,
    /// Network.
    Network,
    /// Processes.
    Processes,
}

impl Series {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Cpu, Self::Memory, Self::Disk, Self::Network, Self::Processes];
}

/// A server at one moment, or over a while: means with the lowest and the highest, counts added, its state at last. What was not asked
/// for is left out.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ServerSample)]
pub struct ServerSampleView {
    /// When the last sample of it was taken.
    pub at: Time,
    /// `stopped`, `starting`, `running`, `stopping` or `error`.
    pub state: String,
    /// Samples that were folded into it.
    pub samples: u64,
    /// In how many of them it ran.
    pub up: u64,
    /// Seconds that a point stands for; 0 where it is less than one.
    pub step_secs: u64,
    /// CPU use, thousandths of one core.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_permille: Option<MeanView>,
    /// Memory of its processes, bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<MeanView>,
    /// Bytes of its files, as last counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<MeanView>,
    /// Processes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processes: Option<MeanView>,
    /// Bytes received, where it has a network of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received: Option<FlowView>,
    /// Bytes sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent: Option<FlowView>,
}

/// What goes up and down.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = MeanOf)]
pub struct MeanView {
    /// On the mean.
    pub mean: u64,
    /// What that hides.
    #[serde(flatten)]
    pub spread: SpreadView,
}

/// What is counted.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = FlowOf)]
pub struct FlowView {
    /// All of it.
    pub sum: u64,
    /// The most in a second between two samples.
    pub most: u64,
}

/// A server's course, as far as it was asked for.
pub fn of_server(course: &Course<ServerFold>, wanted: &[Series]) -> Vec<ServerSampleView> {
    let step_secs = u64::try_from(course.step_ms / 1_000).unwrap_or(0);
    let point = |fold: &ServerFold| {
        let of = |series, gauge: sf_store::metrics::fold::Gauge| {
            wanted.contains(&series).then(|| MeanView { mean: gauge.mean(fold.samples), spread: gauge.into() })
        };
        let flow = |flow: sf_store::metrics::fold::Flow| {
            let is_wanted = fold.has_network && wanted.contains(&Series::Network);
            is_wanted.then_some(FlowView { sum: flow.sum, most: flow.high })
        };
        ServerSampleView {
            at: Time(fold.last_at),
            state: fold.state.word().to_owned(),
            samples: fold.samples,
            up: fold.up,
            step_secs,
            cpu_permille: of(Series::Cpu, fold.cpu),
            memory: of(Series::Memory, fold.memory),
            disk: of(Series::Disk, fold.disk),
            processes: of(Series::Processes, fold.processes),
            received: flow(fold.received),
            sent: flow(fold.sent),
        }
    };
    course.points.iter().map(point).collect()
}

/// How a server is doing now.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ServerDoing)]
pub struct DoingView {
    /// Which server.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// The machine it lives on.
    pub node_id: Uuid,
    /// What it does, as last heard.
    pub state: String,
    /// What it uses of what it is listed for: thousandths of a core, bytes, or bytes in a second; null where nothing is known.
    pub value: Option<u64>,
    /// How much of that it may use; null where there is no limit.
    pub limit: Option<u64>,
    /// Since when its machine says nothing; null while it is connected.
    pub unknown_since: Option<Time>,
}

impl DoingView {
    fn of(metric: Option<Metric>, one: &Doing) -> Self {
        let used = metric.and_then(|metric| one.of(metric));
        Self {
            id: one.server.id.uuid(),
            name: one.server.name.to_string(),
            node_id: one.server.node.uuid(),
            state: one.server.state.word().to_owned(),
            value: used.map(|(value, _)| value),
            limit: used.and_then(|(_, limit)| limit),
            unknown_since: one.unknown_since.map(Time),
        }
    }
}

/// Servers that use the most of something.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Busiest)]
pub struct BusiestView {
    /// Of what.
    pub metric: MetricWord,
    /// The most first, up to 10.
    pub servers: Vec<DoingView>,
}

/// A server near a limit of its own.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = NearLimit)]
pub struct NearView {
    /// Near the limit of what.
    pub metric: MetricWord,
    /// Which server.
    pub server: DoingView,
}

/// All servers that you may watch, now.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MonitoringOverview)]
pub struct OverviewView {
    /// How many there are.
    pub servers: u64,
    /// How many run and are ready, as far as it is known.
    pub running: u64,
    /// How many are being started or stopped.
    pub turning: u64,
    /// How many are stopped.
    pub stopped: u64,
    /// How many wait for a person.
    pub error: u64,
    /// How many their machine says nothing of.
    pub unknown: u64,
    /// CPU use of all, thousandths of one core.
    pub cpu_permille: u64,
    /// Memory of all, bytes.
    pub memory: u64,
    /// Files of all, bytes.
    pub disk: u64,
    /// Network of those that have one of their own, bytes in a second.
    pub network: u64,
    /// How many alerts there are now.
    pub alerts: u64,
    /// Those that use the most.
    pub busiest: Vec<BusiestView>,
    /// Those that use 90 % of a limit or more, the nearest first, up to 10.
    pub near: Vec<NearView>,
    /// How many of those there are.
    pub near_count: u64,
    /// Those that nothing is known of, longest first, up to 10.
    pub silent: Vec<DoingView>,
}

impl From<Overview> for OverviewView {
    fn from(all: Overview) -> Self {
        let count = |state| all.states.get(&state).copied().unwrap_or(0);
        let of = |metric, one: &Doing| DoingView::of(Some(metric), one);
        let [cpu_permille, memory, disk, network] = all.used;
        let busiest = all.busiest.iter().map(|(metric, servers)| BusiestView {
            metric: (*metric).into(),
            servers: servers.iter().map(|one| of(*metric, one)).collect(),
        });
        let near = all.near.iter().map(|(metric, one)| NearView { metric: (*metric).into(), server: of(*metric, one) });
        Self {
            servers: all.servers,
            running: count(State::Running),
            turning: count(State::Starting) + count(State::Stopping),
            stopped: count(State::Stopped),
            error: count(State::Error),
            unknown: all.unknown,
            cpu_permille,
            memory,
            disk,
            network,
            alerts: all.alerts,
            busiest: busiest.collect(),
            near: near.collect(),
            near_count: all.near_count,
            silent: all.silent.iter().map(|one| DoingView::of(None, one)).collect(),
        }
    }
}

/// What of a server a rule compares: `cpu` in thousandths of one core, `memory` and `disk` in bytes, `network` in bytes a second
/// (received and sent), `processes`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Metric)]
pub enum MetricWord {
    /// Thousandths of one core.
    Cpu,
    /// Bytes.
    Memory,
    /// Bytes.
    Disk,
    /// Bytes a second.
    Network,
    /// Processes.
    Processes,
}

impl From<Metric> for MetricWord {
    fn from(metric: Metric) -> Self {
        match metric {
            Metric::Cpu => Self::Cpu,
            Metric::Memory => Self::Memory,
            Metric::Disk => Self::Disk,
            Metric::Network => Self::Network,
            Metric::Processes => Self::Processes,
        }
    }
}

/// Where a rule's line lies: one of the two.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AlertThreshold)]
pub struct ThresholdView {
    /// At a value, in the unit of the metric.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<u64>,
    /// At so many percent of the server's own limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<u32>,
}

/// What a rule says. A value is on the wrong side `above` at the threshold, `below` below it; for `forSecs` without a gap, it is an alert.
/// It ends once the value is `marginPercent` better than the threshold; one that is back within `cooldownSecs` is the same alert.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AlertSettings)]
pub struct RuleSettingsView {
    /// What is compared.
    pub metric: MetricWord,
    /// `above` or `below`.
    pub comparison: ComparisonWord,
    /// With what.
    pub threshold: ThresholdView,
    /// For how long it has to be so, seconds; 300 where left out, 3,600 at the most.
    #[schema(required = false)]
    pub for_secs: u32,
    /// By how many percent it has to be better again; 10 where left out, 50 at the most.
    #[schema(required = false)]
    pub margin_percent: u8,
    /// How soon one that is back is the same, seconds; 900 where left out, 86,400 at the most.
    #[schema(required = false)]
    pub cooldown_secs: u32,
    /// Whether it is judged at all; it is where left out.
    #[schema(required = false)]
    pub enabled: bool,
}

/// On which side something is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AlertComparison)]
pub enum ComparisonWord {
    /// At the threshold, or above.
    Above,
    /// Below it.
    Below,
}

impl From<RuleSettings> for RuleSettingsView {
    fn from(settings: RuleSettings) -> Self {
        let threshold = match settings.threshold {
            Threshold::Value(value) => ThresholdView { value: Some(value), percent: None },
            Threshold::Percent(percent) => ThresholdView { value: None, percent: Some(percent) },
        };
        Self {
            metric: settings.metric.into(),
            comparison: match settings.comparison {
                Comparison::Above => ComparisonWord::Above,
                Comparison::Below => ComparisonWord::Below,
            },
            threshold,
            for_secs: settings.for_secs,
            margin_percent: settings.margin_percent,
            cooldown_secs: settings.cooldown_secs,
            enabled: settings.enabled,
        }
    }
}

/// Of which servers a rule is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[schema(as = AlertScope)]
pub struct ScopeView {
    /// `team`, `project`, `node`, `alt` or `server`.
    pub kind: ScopeWord,
    /// Which; left out for the team.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
}

/// Kinds of scopes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AlertScopeKind)]
pub enum ScopeWord {
    /// All servers of the team.
    Team,
    /// All of a project.
    Project,
    /// All of a machine.
    Node,
    /// All made from a template.
    Alt,
    /// One.
    Server,
}

impl From<RuleScope> for ScopeView {
    fn from(scope: RuleScope) -> Self {
        let (kind, id) = match scope {
            RuleScope::Team => (ScopeWord::Team, None),
            RuleScope::Project(id) => (ScopeWord::Project, Some(id.uuid())),
            RuleScope::Node(id) => (ScopeWord::Node, Some(id.uuid())),
            RuleScope::Alt(id) => (ScopeWord::Alt, Some(id.uuid())),
            RuleScope::Server(id) => (ScopeWord::Server, Some(id.uuid())),
        };
        Self { kind, id }
    }
}

/// An alert rule.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AlertRule)]
pub struct RuleView {
    /// Its id.
    pub id: Uuid,
    /// Its name, unique within the team.
    pub name: String,
    /// Of which servers.
    pub scope: ScopeView,
    /// What it says.
    pub settings: RuleSettingsView,
    /// How many alerts of it there are now that you may see.
    pub open: u64,
    /// When it was made.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

impl From<(AlertRule, u64)> for RuleView {
    fn from((rule, open): (AlertRule, u64)) -> Self {
        Self {
            id: rule.id.uuid(),
            scope: rule.scope().into(),
            name: rule.name.to_string(),
            settings: rule.settings.0.into(),
            open,
            created_at: Time(rule.created_at),
            updated_at: Time(rule.updated_at),
        }
    }
}

/// One time that a rule was crossed.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ServerAlert)]
pub struct AlertView {
    /// Its id.
    pub id: Uuid,
    /// The server.
    pub server_id: Uuid,
    /// What it was called then.
    pub server_name: String,
    /// The machine it was on.
    pub node_id: Uuid,
    /// The rule.
    pub rule_id: Uuid,
    /// What it was called then.
    pub rule_name: String,
    /// What it said then.
    pub settings: RuleSettingsView,
    /// Where its line was, in the unit of the metric.
    pub line: u64,
    /// What it was when this was raised.
    pub value: u64,
    /// The worst since.
    pub peak: u64,
    /// Since when it had been so.
    pub since: Time,
    /// When this was raised.
    pub raised_at: Time,
    /// When it ended; null while it is so.
    pub cleared_at: Option<Time>,
    /// Why: `back`, `stopped`, `noLimit`, `rule` (changed or deleted) or `server` (deleted).
    pub cleared_by: Option<String>,
}

impl From<Alert> for AlertView {
    fn from(alert: Alert) -> Self {
        Self {
            id: alert.id.uuid(),
            server_id: alert.server.uuid(),
            server_name: alert.server_name.to_string(),
            node_id: alert.node.uuid(),
            rule_id: alert.rule.uuid(),
            rule_name: alert.rule_name.to_string(),
            settings: alert.settings.0.into(),
            line: alert.line,
            value: alert.value,
            peak: alert.peak,
            since: Time(alert.since),
            raised_at: Time(alert.raised_at),
            cleared_at: alert.cleared_at.map(Time),
            cleared_by: alert.cleared_by.map(|by| by.word().to_owned()),
        }
    }
}
