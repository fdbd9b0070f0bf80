//! Samples of apps over time. Those of machines are in [`super::node`].

use serde::Serialize;
use sf_store::metrics::Course;
use sf_store::metrics::fold::{AppFold, Gauge, NodeFold};
use sf_types::AppId;
use utoipa::ToSchema;

use super::node::NodeSampleView;
use super::{Time, word};

/// The lowest and the highest of what a mean hides.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = Spread)]
pub struct SpreadView {
    /// The lowest.
    pub low: u64,
    /// The highest.
    pub high: u64,
}

impl From<Gauge> for SpreadView {
    fn from(Gauge { low, high, .. }: Gauge) -> Self {
        Self { low, high }
    }
}

/// What happened within one point of a machine's course.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NodePoint)]
pub struct NodePointView {
    /// Samples that were folded into it.
    pub samples: u64,
    /// Seconds that a point stands for; 0 where it is less than one.
    pub step_secs: u64,
    /// CPU use, thousandths of all cores together.
    pub cpu_permille: SpreadView,
    /// One-minute load average, thousandths.
    pub load_permille: SpreadView,
    /// Memory in use, bytes.
    pub memory_used: SpreadView,
    /// Disk in use, bytes.
    pub disk_used: SpreadView,
    /// The most bytes received in a second between two samples.
    pub net_received_most: u64,
    /// The most bytes sent in a second between two samples.
    pub net_sent_most: u64,
}

/// What happened within one point of an app's course.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AppPoint)]
pub struct AppPointView {
    /// Samples that were folded into it.
    pub samples: u64,
    /// Seconds that a point stands for; 0 where it is less than one.
    pub step_secs: u64,
    /// CPU use, thousandths of one core.
    pub cpu_permille: SpreadView,
    /// Memory of its processes, bytes.
    pub memory: SpreadView,
    /// Processes.
    pub processes: SpreadView,
    /// The most requests answered in a second between two samples.
    pub requests_most: u64,
    /// The most restarts of a release.
    pub restarts_most: u64,
}

fn secs(step_ms: i64) -> u64 {
    u64::try_from(step_ms / 1_000).unwrap_or(0)
}

/// A machine's course.
pub fn of_node(course: &Course<NodeFold>) -> Vec<NodeSampleView> {
    let point = |fold: &NodeFold| {
        let within = NodePointView {
            samples: fold.samples,
            step_secs: secs(course.step_ms),
            cpu_permille: fold.cpu.into(),
            load_permille: fold.load.into(),
            memory_used: fold.memory.into(),
            disk_used: fold.disk.into(),
            net_received_most: fold.received.high,
            net_sent_most: fold.sent.high,
        };
        NodeSampleView { within: Some(within), ..NodeSampleView::of(fold.last_at, fold.sample()) }
    };
    course.points.iter().map(point).collect()
}

/// An app's course.
pub fn of_app(app: AppId, course: &Course<AppFold>) -> Vec<AppSampleView> {
    let point = |fold: &AppFold| {
        let sample = fold.sample(app);
        AppSampleView {
            at: Time(fold.last_at),
            state: word(&sample.state),
            cpu_permille: sample.cpu_permille,
            memory: sample.memory,
            processes: sample.processes,
            requests: sample.requests,
            restarts: sample.restarts,
            within: AppPointView {
                samples: fold.samples,
                step_secs: secs(course.step_ms),
                cpu_permille: fold.cpu.into(),
                memory: fold.memory.into(),
                processes: fold.processes.into(),
                requests_most: fold.requests.high,
                restarts_most: fold.restarts_high,
            },
        }
    };
    course.points.iter().map(point).collect()
}

/// An app at one moment, or on the mean of a while: counts are added, states are the last.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AppSample)]
pub struct AppSampleView {
    /// When.
    pub at: Time,
    /// Its state.
    pub state: String,
    /// CPU use, thousandths of one core.
    pub cpu_permille: u32,
    /// Memory of its processes, bytes.
    pub memory: u64,
    /// Processes.
    pub processes: u32,
    /// Requests answered since the last sample.
    pub requests: u64,
    /// Restarts of the live release.
    pub restarts: u32,
    /// What the while holds.
    pub within: AppPointView,
}
