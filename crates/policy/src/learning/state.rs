//! What is kept of the runs of one level: a small row, whatever their number.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sf_types::Timestamp;

use super::counts::Counts;
use super::sample::Sample;

/// After this time a run counts half.
pub const HALF_LIFE: Duration = Duration::from_secs(90 * 24 * 3600);

/// Bins of reported scores, five points each (the last has six), and one for runs without a report.
pub const BINS: usize = 21;
const BIN_POINTS: usize = 5;
pub(super) const SILENT: usize = BINS - 1;

/// What is left of the window of last runs when one more comes in: it holds about seven.
pub const RECENT_KEPT: f64 = 0.85;
/// Windows of last runs: reports below 70, below 90, from 90, and none.
pub(super) const WINDOWS: usize = 4;
pub(super) const SURE: usize = 2;
pub(super) const NO_REPORT: usize = 3;

/// Most bytes of a row as JSON, for the store's column.
pub const MAX_STATE_BYTES: usize = 2_048;

/// Written in front of every row; a row of another version is refused.
const VERSION: u32 = 1;
/// Numbers are stored as millionths of a run: exact in JSON, whoever reads it.
const MILLIONTHS: f64 = 1e6;

/// What is kept of one level's runs.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct LevelState {
    /// The moment up to which everything has been weighed down.
    at: Timestamp,
    bins: [Counts; BINS],
    recent: [Counts; WINDOWS],
    seen_good: u64,
    seen_bad: u64,
}

impl LevelState {
    /// Takes one sample in. Samples may come in any order; one that claims to be from the future is from now.
    pub fn add(&mut self, sample: &Sample, now: Timestamp) {
        let (good, weight, when) = (sample.source.is_good(), sample.source.weight(), sample.at.min(now));
        if self.is_empty() || when > self.at {
            let aged = if self.is_empty() { 1.0 } else { fading(when.since(self.at)) };
            for bin in &mut self.bins {
                *bin = bin.times(aged);
            }
            self.at = when;
        }
        self.bins[bin(sample.report)].add(good, weight * fading(self.at.since(when)));
        // By number and not by time: otherwise waiting would open what the last runs closed.
        let recent = &mut self.recent[window(sample.report)];
        let kept = RECENT_KEPT.powf(weight);
        *recent = recent.times(kept);
        // Weak signs take their part of the window, so that none of them can push a strong one out for nothing.
        recent.add(good, (1.0 - kept) / (1.0 - RECENT_KEPT));
        let seen = if good { &mut self.seen_good } else { &mut self.seen_bad };
        *seen = seen.saturating_add(1);
    }

    /// Samples ever taken in, good and bad, whatever their weight.
    pub const fn seen(&self) -> (u64, u64) {
        (self.seen_good, self.seen_bad)
    }

    /// Whether nothing was ever taken in.
    pub const fn is_empty(&self) -> bool {
        self.seen_good == 0 && self.seen_bad == 0
    }

    /// The newest moment it knows of.
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// The bins as they count at `now`. A clock that went back makes nothing count more.
    pub fn bins(&self, now: Timestamp) -> [Counts; BINS] {
        let aged = fading(now.since(self.at));
        self.bins.map(|bin| bin.times(aged))
    }

    pub(super) const fn recent(&self) -> &[Counts; WINDOWS] {
        &self.recent
    }
}

/// The bin of a report.
pub(super) fn bin(report: Option<u8>) -> usize {
    report.map_or(SILENT, |score| (usize::from(score) / BIN_POINTS).min(SILENT - 1))
}

/// The window of a report.
pub(super) const fn window(report: Option<u8>) -> usize {
    match report {
        None => NO_REPORT,
        Some(..70) => 0,
        Some(70..90) => 1,
        Some(_) => SURE,
    }
}

fn fading(age: Duration) -> f64 {
    (-age.as_secs_f64() / HALF_LIFE.as_secs_f64()).exp2()
}

/// Why a row is not read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StateError {
    /// Another program wrote it.
    #[error("this record of confidence has version {0}, known is {VERSION}: update ServerFlow")]
    Version(u32),
    /// It was altered or damaged.
    #[error(
        "this record of confidence names bin {0}, there are {BINS}: it is damaged; delete it, and it is learnt anew"
    )]
    Bin(usize),
}

/// A row as JSON: only the bins that hold something.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Stored {
    version: u32,
    at: Timestamp,
    seen: (u64, u64),
    bins: Vec<(usize, u64, u64)>,
    recent: [(u64, u64); WINDOWS],
}

impl From<LevelState> for Stored {
    fn from(state: LevelState) -> Self {
        let bins = state.bins.iter().enumerate().map(|(index, bin)| (index, units(bin.good), units(bin.bad)));
        Self {
            version: VERSION,
            at: state.at,
            seen: state.seen(),
            bins: bins.filter(|(_, good, bad)| *good > 0 || *bad > 0).collect(),
            recent: state.recent.map(|recent| (units(recent.good), units(recent.bad))),
        }
    }
}

impl TryFrom<Stored> for LevelState {
    type Error = StateError;

    fn try_from(stored: Stored) -> Result<Self, StateError> {
        if stored.version != VERSION {
            return Err(StateError::Version(stored.version));
        }
        let mut bins = [Counts::NONE; BINS];
        for (index, good, bad) in stored.bins {
            *bins.get_mut(index).ok_or(StateError::Bin(index))? = counts(good, bad);
        }
        let recent = stored.recent.map(|(good, bad)| counts(good, bad));
        let (seen_good, seen_bad) = stored.seen;
        Ok(Self { at: stored.at, bins, recent, seen_good, seen_bad })
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "never negative, and casts saturate")]
fn units(runs: f64) -> u64 {
    (runs * MILLIONTHS).round() as u64
}

#[expect(clippy::cast_precision_loss, reason = "9e15 millionths are exact, and no level holds as many")]
fn counts(good: u64, bad: u64) -> Counts {
    Counts { good: good as f64 / MILLIONTHS, bad: bad as f64 / MILLIONTHS }
}

#[cfg(test)]
mod tests;
