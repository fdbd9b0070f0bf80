//! Whether a server has crossed the line of an alert rule for long enough: from its samples to raised or cleared.
//!
//! Nothing is remembered between two judgements: what has to be so for ten minutes is read off the samples of the last ten
//! minutes. A start of the control plane, a late sample and a changed rule therefore need no care of their own.

use std::time::Duration;

use sf_actions::alert::{Comparison, MAX_VALUE, Metric, RuleSettings, Threshold};
use sf_protocol::server::{ServerLimits, ServerSample};
use sf_types::Timestamp;

/// A longer silence between two samples tells nothing of what was in between: four samples of 30 s.
pub const MAX_GAP: Duration = Duration::from_secs(120);
/// A sample further from now than this is history: it is kept, and nobody is told of it any more.
pub const MAX_AGE: Duration = Duration::from_secs(300);

/// What a sample says that rules compare.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reading {
    /// When it was taken.
    pub at: Timestamp,
    /// Whether the server ran.
    pub up: bool,
    /// Thousandths of one core.
    pub cpu: u64,
    /// Bytes.
    pub memory: u64,
    /// Bytes of its files.
    pub disk: u64,
    /// Processes.
    pub processes: u64,
    /// Bytes received and sent in a second; `None` where it is not known.
    pub network: Option<u64>,
}

impl Reading {
    /// Of a sample; `before` is when the one before it was taken.
    pub fn of(at: Timestamp, sample: &ServerSample, before: Option<Timestamp>) -> Self {
        let since = before.map(|before| at.since(before)).filter(|since| !since.is_zero() && *since <= MAX_GAP);
        let bytes = sample.net_received.zip(sample.net_sent).map(|(received, sent)| received.saturating_add(sent));
        let network = bytes.zip(since).map(|(bytes, since)| {
            u64::try_from(u128::from(bytes) * 1_000 / since.as_millis().max(1)).unwrap_or(u64::MAX)
        });
        Self {
            at,
            up: sample.uptime_ms > 0,
            cpu: sample.cpu_permille.into(),
            memory: sample.memory,
            disk: sample.disk,
            processes: sample.processes.into(),
            network,
        }
    }

    /// What a rule compares; `None` where there is nothing to be compared.
    pub fn value(&self, metric: Metric) -> Option<u64> {
        let value = match metric {
            Metric::Disk => Some(self.disk),
            _ if !self.up => None,
            Metric::Cpu => Some(self.cpu),
            Metric::Memory => Some(self.memory),
            Metric::Processes => Some(self.processes),
            Metric::Network => self.network,
        };
        value.map(|value| value.min(MAX_VALUE))
    }
}

/// Where a rule's line lies for a server: in the unit of its metric. `None` where the server has no limit to have a percentage of.
pub fn line(settings: &RuleSettings, limits: &ServerLimits) -> Option<u64> {
    let percent = match settings.threshold {
        Threshold::Value(value) => return Some(value.clamp(1, MAX_VALUE)),
        Threshold::Percent(percent) => u128::from(percent),
    };
    let limit = match settings.metric {
        // Percent of one core to thousandths of one.
        Metric::Cpu => limits.cpu_percent.map(|percent| u64::from(percent) * 10),
        Metric::Memory => limits.memory.map(|size| size.bytes()),
        Metric::Disk => limits.disk.map(|size| size.bytes()),
        Metric::Processes => limits.pids.map(u64::from),
        Metric::Network => None,
    }?;
    let line = u64::try_from(u128::from(limit) * percent / 100).unwrap_or(MAX_VALUE);
    Some(line.clamp(1, MAX_VALUE))
}

/// Whether a value is on the wrong side.
pub const fn is_across(comparison: Comparison, line: u64, value: u64) -> bool {
    match comparison {
        Comparison::Above => value >= line,
        Comparison::Below => value < line,
    }
}

/// Whether a value is on the right side again, by the rule's margin.
fn is_back(settings: &RuleSettings, line: u64, value: u64) -> bool {
    let (line, value, margin) = (u128::from(line), u128::from(value), u128::from(settings.margin_percent));
    match settings.comparison {
        Comparison::Above => value * 100 < line * 100_u128.saturating_sub(margin),
        Comparison::Below => value * 100 >= line * (100 + margin),
    }
}

/// What follows from a sample.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Nothing is wrong, or not for long enough.
    Quiet,
    /// Something is wrong, and was not before.
    Raise {
        /// Since when.
        since: Timestamp,
        /// Where the line is.
        line: u64,
        /// What it is now.
        value: u64,
    },
    /// It still is.
    Stay {
        /// What it is now.
        value: u64,
    },
    /// It is not any more.
    Clear(Cleared),
}

/// Why something is not wrong any more.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Cleared {
    /// It is on the right side again.
    Back,
    /// The server was stopped.
    Stopped,
    /// The server has no limit any more.
    NoLimit,
}

/// Judges the newest of these samples of one server, ascending; those before it tell for how long it has been so. `is_open`:
/// the rule has raised an alert about this server that has not ended.
pub fn judge(settings: &RuleSettings, limits: &ServerLimits, readings: &[Reading], is_open: bool) -> Verdict {
    judged(settings, limits, readings, is_open, MAX_GAP)
}

fn judged(
    settings: &RuleSettings,
    limits: &ServerLimits,
    readings: &[Reading],
    is_open: bool,
    gap: Duration,
) -> Verdict {
    let Some(last) = readings.last() else { return Verdict::Quiet };
    let Some(line) = line(settings, limits) else { return gone(is_open, Cleared::NoLimit) };
    let Some(value) = last.value(settings.metric) else {
        // A network that cannot be told just now says nothing either way.
        return if last.up && is_open { Verdict::Quiet } else { gone(is_open, Cleared::Stopped) };
    };
    if is_open {
        return if is_back(settings, line, value) { Verdict::Clear(Cleared::Back) } else { Verdict::Stay { value } };
    }
    let Some(since) = since(settings, line, readings, gap) else { return Verdict::Quiet };
    // A mean of a step was so for as long.
    let step = gap.saturating_sub(MAX_GAP);
    match last.at.since(since) + step >= Duration::from_secs(settings.for_secs.into()) {
        true => Verdict::Raise { since, line, value },
        false => Verdict::Quiet,
    }
}

/// Whether the newest sample alone could raise something: what is asked of each sample, before any other is read.
pub fn could_raise(settings: &RuleSettings, limits: &ServerLimits, last: &Reading) -> bool {
    let across = |line| last.value(settings.metric).is_some_and(|value| is_across(settings.comparison, line, value));
    line(settings, limits).is_some_and(across)
}

/// How far back samples are needed to judge one.
pub fn reach(settings: &RuleSettings) -> Duration {
    Duration::from_secs(settings.for_secs.into()) + MAX_GAP
}

const fn gone(is_open: bool, why: Cleared) -> Verdict {
    if is_open { Verdict::Clear(why) } else { Verdict::Quiet }
}

/// Since when the newest samples have been on the wrong side without a gap; `None` where the newest is not.
fn since(settings: &RuleSettings, line: u64, readings: &[Reading], gap: Duration) -> Option<Timestamp> {
    let mut since = None::<Timestamp>;
    for reading in readings.iter().rev() {
        let is_near = since.is_none_or(|after| reading.at <= after && after.since(reading.at) <= gap);
        let across = reading.value(settings.metric).is_some_and(|value| is_across(settings.comparison, line, value));
        if !is_near || !across {
            break;
        }
        since = Some(reading.at);
    }
    since
}

/// One time that a rule would have been crossed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Episode {
    /// When it would have been told.
    pub raised_at: Timestamp,
    /// When it would have ended; `None` where it would not have yet.
    pub cleared_at: Option<Timestamp>,
}

/// What a rule would have raised over these samples, ascending, those within its cooldown as one. They may be means of `step`
/// each, with zero for samples as they came.
pub fn replay(settings: &RuleSettings, limits: &ServerLimits, readings: &[Reading], step: Duration) -> Vec<Episode> {
    let gap = step + MAX_GAP;
    let (mut told, mut first): (Vec<Episode>, usize) = (Vec::new(), 0);
    for (at, reading) in readings.iter().enumerate() {
        while readings[first].at.plus(reach(settings) + step) < reading.at {
            first += 1;
        }
        let is_open = told.last().is_some_and(|last| last.cleared_at.is_none());
        match judged(settings, limits, &readings[first..=at], is_open, gap) {
            Verdict::Raise { .. } => {
                match told.last_mut().filter(|last| is_same(settings, last.cleared_at, reading.at)) {
                    Some(last) => last.cleared_at = None,
                    None => told.push(Episode { raised_at: reading.at, cleared_at: None }),
                }
            }
            Verdict::Clear(_) => {
                if let Some(last) = told.last_mut() {
                    last.cleared_at = Some(reading.at);
                }
            }
            Verdict::Quiet | Verdict::Stay { .. } => {}
        }
    }
    told
}

/// Whether what is raised now is an alert that has just ended, and nobody is told again.
pub fn is_same(settings: &RuleSettings, cleared_at: Option<Timestamp>, now: Timestamp) -> bool {
    let cooldown = Duration::from_secs(settings.cooldown_secs.into());
    cleared_at.is_some_and(|cleared| now <= cleared.plus(cooldown))
}

#[cfg(test)]
mod tests;
