//! Many samples to one point: gauges are averaged, counts since the last sample are added, states are the last.

use sf_protocol::report::{AppSample, NodeSample};
use sf_types::Timestamp;

/// A sample that several of can be folded into one.
pub(crate) trait Foldable: Copy {
    /// `so_far` holds `count` samples; adds this later one.
    fn fold(self, so_far: Self, count: u64) -> Self;
}

/// Running average of whole numbers.
fn average(so_far: u64, next: u64, count: u64) -> u64 {
    let sum = u128::from(so_far) * u128::from(count) + u128::from(next);
    u64::try_from(sum / (u128::from(count) + 1)).unwrap_or(u64::MAX)
}

fn average_32(so_far: u32, next: u32, count: u64) -> u32 {
    u32::try_from(average(so_far.into(), next.into(), count)).unwrap_or(u32::MAX)
}

impl Foldable for NodeSample {
    fn fold(self, so_far: Self, count: u64) -> Self {
        Self {
            cpu_permille: average_32(so_far.cpu_permille, self.cpu_permille, count),
            load_permille: average_32(so_far.load_permille, self.load_permille, count),
            memory_used: average(so_far.memory_used, self.memory_used, count),
            net_received: so_far.net_received.saturating_add(self.net_received),
            net_sent: so_far.net_sent.saturating_add(self.net_sent),
            agent_rss: average(so_far.agent_rss, self.agent_rss, count),
            ..self
        }
    }
}

impl Foldable for AppSample {
    fn fold(self, so_far: Self, count: u64) -> Self {
        Self {
            cpu_permille: average_32(so_far.cpu_permille, self.cpu_permille, count),
            memory: average(so_far.memory, self.memory, count),
            requests: so_far.requests.saturating_add(self.requests),
            ..self
        }
    }
}

/// Points of equal length over a range; empty ones are left out.
pub(crate) struct Buckets<T> {
    from: i64,
    width: i64,
    done: Vec<(Timestamp, T)>,
    open: Option<(i64, Timestamp, T, u64)>,
}

impl<T: Foldable> Buckets<T> {
    pub(crate) fn new(from: Timestamp, to: Timestamp, points: u32) -> Self {
        let length = to.as_millis().saturating_sub(from.as_millis()).max(1);
        let points = i64::from(points.max(1));
        let width = (length.saturating_add(points - 1) / points).max(1);
        Self { from: from.as_millis(), width, done: Vec::new(), open: None }
    }

    /// Samples come in ascending order.
    pub(crate) fn add(&mut self, at: Timestamp, sample: T) {
        let bucket = at.as_millis().saturating_sub(self.from) / self.width;
        self.open = Some(match self.open.take() {
            Some((open, _, so_far, count)) if open == bucket => (bucket, at, sample.fold(so_far, count), count + 1),
            Some((_, last, sample_before, _)) => {
                self.done.push((last, sample_before));
                (bucket, at, sample, 1)
            }
            None => (bucket, at, sample, 1),
        });
    }

    pub(crate) fn finish(mut self) -> Vec<(Timestamp, T)> {
        if let Some((_, at, sample, _)) = self.open.take() {
            self.done.push((at, sample));
        }
        self.done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gauges_are_averaged_and_counts_added() {
        let mut buckets = Buckets::new(Timestamp::from_millis(0), Timestamp::from_millis(100), 2);
        for (at, cpu, received) in [(0, 100, 1), (20, 200, 2), (49, 300, 4), (50, 900, 8), (99, 700, 16)] {
            let sample =
                NodeSample { cpu_permille: cpu, net_received: received, uptime_secs: at, ..Default::default() };
            buckets.add(Timestamp::from_millis(i64::try_from(at).unwrap()), sample);
        }
        let points: Vec<_> = buckets
            .finish()
            .into_iter()
            .map(|(at, s)| (at.as_millis(), s.cpu_permille, s.net_received, s.uptime_secs))
            .collect();
        assert_eq!(points, [(49, 200, 7, 49), (99, 800, 24, 99)]);
    }
}
