//! Samples of apps over time. Those of machines are in [`super::node`].

use serde::Serialize;
use sf_protocol::report::AppSample;
use sf_types::Timestamp;
use utoipa::ToSchema;

use super::{Time, word};

/// An app at one moment.
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
}

impl AppSampleView {
    /// One sample and its time.
    pub fn of(at: Timestamp, sample: AppSample) -> Self {
        Self {
            at: Time(at),
            state: word(&sample.state),
            cpu_permille: sample.cpu_permille,
            memory: sample.memory,
            processes: sample.processes,
            requests: sample.requests,
            restarts: sample.restarts,
        }
    }
}
