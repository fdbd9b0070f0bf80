//! Many samples to one: gauges keep their mean, lowest and highest, counts since the last sample are added and keep their
//! fastest, states are the last. Joining is exact in any order, so that a late sample counts like one in time.

use serde::de::DeserializeOwned;
use sf_protocol::app::AppState;
use sf_protocol::report::{AppSample, NodeSample};
use sf_types::Timestamp;

/// The highest value that is believed: sums of [`MAX_SAMPLES`] of them stay within 63 bits. 512 TiB where it is bytes.
pub const MAX_VALUE: u64 = 1 << 49;
/// Samples that one row of the history takes in; an hour of one each second has 3,600.
pub const MAX_SAMPLES: u64 = 10_000;
/// A count over a longer silence has no rate, milliseconds.
const MAX_GAP_MS: i64 = 120_000;

/// Something that goes up and down.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Gauge {
    /// Of all samples.
    pub sum: u64,
    /// The lowest.
    pub low: u64,
    /// The highest.
    pub high: u64,
}

impl Gauge {
    pub(crate) fn of(value: impl Into<u64>) -> Self {
        let value = value.into().min(MAX_VALUE);
        Self { sum: value, low: value, high: value }
    }

    pub(crate) fn join(self, other: Self) -> Self {
        let (low, high) = (self.low.min(other.low), self.high.max(other.high));
        Self { sum: self.sum.saturating_add(other.sum), low, high }
    }

    /// Of so many samples.
    pub fn mean(self, samples: u64) -> u64 {
        self.sum / samples.max(1)
    }
}

/// Something counted since the sample before.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flow {
    /// All of it.
    pub sum: u64,
    /// The most in a second between two samples.
    pub high: u64,
}

impl Flow {
    pub(crate) fn of(count: u64, since: Option<i64>) -> Self {
        let sum = count.min(MAX_VALUE);
        let near = since.filter(|ms| (1..=MAX_GAP_MS).contains(ms)).and_then(|ms| u64::try_from(ms).ok());
        Self { sum, high: near.map_or(0, |ms| (sum * 1_000 / ms).min(MAX_VALUE)) }
    }

    pub(crate) fn join(self, other: Self) -> Self {
        Self { sum: self.sum.saturating_add(other.sum), high: self.high.max(other.high) }
    }
}

/// Samples that can become one.
pub(crate) trait Fold: Copy {
    /// What it is made of.
    type Sample: DeserializeOwned;
    /// Of one sample; `since` is how long ago the one before was, milliseconds.
    fn of(at: Timestamp, sample: Self::Sample, since: Option<i64>) -> Self;
    /// Both.
    fn join(self, other: Self) -> Self;
}

/// Samples of a machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NodeFold {
    /// When the last was taken.
    pub last_at: Timestamp,
    /// How many.
    pub samples: u64,
    /// CPU use, thousandths of all cores.
    pub cpu: Gauge,
    /// Load, thousandths.
    pub load: Gauge,
    /// Memory in use, bytes.
    pub memory: Gauge,
    /// Disk in use, bytes.
    pub disk: Gauge,
    /// Memory of the agent itself, bytes.
    pub agent: Gauge,
    /// Bytes received.
    pub received: Flow,
    /// Bytes sent.
    pub sent: Flow,
    /// Memory of the machine, size of its disk, seconds since boot.
    pub last: [u64; 3],
}

impl Fold for NodeFold {
    type Sample = NodeSample;

    fn of(at: Timestamp, sample: NodeSample, since: Option<i64>) -> Self {
        Self {
            last_at: at,
            samples: 1,
            cpu: Gauge::of(sample.cpu_permille),
            load: Gauge::of(sample.load_permille),
            memory: Gauge::of(sample.memory_used),
            disk: Gauge::of(sample.disk_used),
            agent: Gauge::of(sample.agent_rss),
            received: Flow::of(sample.net_received, since),
            sent: Flow::of(sample.net_sent, since),
            last: [sample.memory_total, sample.disk_total, sample.uptime_secs].map(|value| value.min(MAX_VALUE)),
        }
    }

    fn join(self, other: Self) -> Self {
        let last = if other.last_at > self.last_at { other } else { self };
        Self {
            samples: self.samples + other.samples,
            cpu: self.cpu.join(other.cpu),
            load: self.load.join(other.load),
            memory: self.memory.join(other.memory),
            disk: self.disk.join(other.disk),
            agent: self.agent.join(other.agent),
            received: self.received.join(other.received),
            sent: self.sent.join(other.sent),
            ..last
        }
    }
}

impl NodeFold {
    /// As one sample: means, sums, and what was so at last.
    pub fn sample(&self) -> NodeSample {
        let [memory_total, disk_total, uptime_secs] = self.last;
        NodeSample {
            cpu_permille: narrow(self.cpu.mean(self.samples)),
            load_permille: narrow(self.load.mean(self.samples)),
            memory_used: self.memory.mean(self.samples),
            memory_total,
            disk_used: self.disk.mean(self.samples),
            disk_total,
            net_received: self.received.sum,
            net_sent: self.sent.sum,
            uptime_secs,
            agent_rss: self.agent.mean(self.samples),
        }
    }
}

/// Samples of an app.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AppFold {
    /// When the last was taken.
    pub last_at: Timestamp,
    /// How many.
    pub samples: u64,
    /// CPU use, thousandths of one core.
    pub cpu: Gauge,
    /// Memory of its processes, bytes.
    pub memory: Gauge,
    /// Processes.
    pub processes: Gauge,
    /// Requests answered.
    pub requests: Flow,
    /// The most restarts of a release.
    pub restarts_high: u64,
    /// Restarts of the live release at last.
    pub restarts: u64,
    /// Its state at last.
    pub state: AppState,
}

impl Fold for AppFold {
    type Sample = AppSample;

    fn of(at: Timestamp, sample: AppSample, since: Option<i64>) -> Self {
        Self {
            last_at: at,
            samples: 1,
            cpu: Gauge::of(sample.cpu_permille),
            memory: Gauge::of(sample.memory),
            processes: Gauge::of(sample.processes),
            requests: Flow::of(sample.requests, since),
            restarts_high: sample.restarts.into(),
            restarts: sample.restarts.into(),
            state: sample.state,
        }
    }

    fn join(self, other: Self) -> Self {
        let last = if other.last_at > self.last_at { other } else { self };
        Self {
            samples: self.samples + other.samples,
            cpu: self.cpu.join(other.cpu),
            memory: self.memory.join(other.memory),
            processes: self.processes.join(other.processes),
            requests: self.requests.join(other.requests),
            restarts_high: self.restarts_high.max(other.restarts_high),
            ..last
        }
    }
}

impl AppFold {
    /// As one sample: means, sums, and what was so at last.
    pub fn sample(&self, app: sf_types::AppId) -> AppSample {
        AppSample {
            app,
            state: self.state,
            cpu_permille: narrow(self.cpu.mean(self.samples)),
            memory: self.memory.mean(self.samples),
            processes: narrow(self.processes.mean(self.samples)),
            requests: self.requests.sum,
            restarts: narrow(self.restarts),
        }
    }
}

fn narrow(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// Points of equal length over a range; empty ones are left out.
pub(crate) struct Buckets<T> {
    from: i64,
    width: i64,
    done: Vec<T>,
    open: Option<(i64, T)>,
}

impl<T: Fold> Buckets<T> {
    pub(crate) const fn new(from: Timestamp, width_ms: i64) -> Self {
        Self { from: from.as_millis(), width: width_ms, done: Vec::new(), open: None }
    }

    /// What is of `at`, in ascending order.
    pub(crate) fn add(&mut self, at: Timestamp, fold: T) {
        let bucket = at.as_millis().saturating_sub(self.from).div_euclid(self.width);
        self.open = Some(match self.open.take() {
            Some((open, so_far)) if open == bucket => (bucket, so_far.join(fold)),
            Some((_, before)) => {
                self.done.push(before);
                (bucket, fold)
            }
            None => (bucket, fold),
        });
    }

    pub(crate) fn finish(mut self) -> Vec<T> {
        self.done.extend(self.open.map(|(_, last)| last));
        self.done
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn node(at: i64, cpu: u32, received: u64, since: Option<i64>) -> NodeFold {
        let sample = NodeSample { cpu_permille: cpu, net_received: received, ..Default::default() };
        NodeFold::of(Timestamp::from_millis(at), sample, since)
    }

    #[test]
    fn gauges_keep_mean_lowest_and_highest_and_counts_are_added() {
        let mut buckets = Buckets::new(Timestamp::from_millis(0), 50);
        for (at, cpu, received) in [(0, 100, 1), (20, 200, 2), (49, 300, 4), (50, 900, 8), (99, 700, 16)] {
            buckets.add(Timestamp::from_millis(at), node(at, cpu, received, Some(20)));
        }
        let told = |fold: NodeFold| {
            let sample = fold.sample();
            let (low, high) = (fold.cpu.low, fold.cpu.high);
            (fold.last_at.as_millis(), sample.cpu_permille, low, high, sample.net_received, fold.received.high)
        };
        let points: Vec<_> = buckets.finish().into_iter().map(told).collect();
        assert_eq!(points, [(49, 200, 100, 300, 7, 200), (99, 800, 700, 900, 24, 800)]);
    }

    #[test]
    fn a_rate_needs_a_sample_not_long_before() {
        for (since, rate) in [(Some(1_000), 500), (Some(30_000), 16), (Some(0), 0), (Some(-5), 0), (None, 0)] {
            assert_eq!(Flow::of(500, since).high, rate, "{since:?}");
        }
        assert_eq!(Flow::of(500, Some(MAX_GAP_MS + 1)).high, 0);
        assert_eq!(Flow::of(u64::MAX, Some(1)), Flow { sum: MAX_VALUE, high: MAX_VALUE });
    }

    #[test]
    fn the_sums_of_a_full_row_fit() {
        assert!(MAX_VALUE.checked_mul(MAX_SAMPLES).is_some_and(|sum| i64::try_from(sum).is_ok()));
    }

    proptest! {
        #[test]
        fn the_order_of_joining_says_nothing(mut samples in prop::collection::vec((any::<u32>(), any::<u64>()), 2..20), cut in 1_usize..19) {
            let folds: Vec<_> = samples.drain(..).enumerate()
                .map(|(at, (cpu, received))| node(i64::try_from(at).unwrap() * 1_000, cpu, received, Some(1_000)))
                .collect();
            let all = |folds: &[NodeFold]| folds.iter().copied().reduce(Fold::join);
            let (first, second) = folds.split_at(cut.min(folds.len() - 1));
            let (first, second) = (all(first).unwrap(), all(second).unwrap());
            prop_assert_eq!(first.join(second), second.join(first));
            prop_assert_eq!(all(&folds), Some(second.join(first)));
        }
    }
}
