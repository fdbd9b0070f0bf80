//! A result, and the times it comes from.

use std::io::Write;
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

/// One result.
#[derive(Debug, Serialize)]
pub struct Line {
    bench: &'static str,
    metric: &'static str,
    value: f64,
    unit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    floor: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl Line {
    /// A result without a promise.
    pub const fn new(bench: &'static str, metric: &'static str, value: f64, unit: &'static str) -> Self {
        Self { bench, metric, value, unit, floor: None, peer: None, note: None }
    }

    /// What is promised: a lower bound for rates and counts, an upper bound for times and sizes.
    pub const fn floor(mut self, floor: f64) -> Self {
        self.floor = Some(floor);
        self
    }

    /// What a bare program did in the same run.
    pub const fn peer(mut self, peer: f64) -> Self {
        self.peer = Some(peer);
        self
    }

    /// What has to be known about it.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// Writes it to standard output, with three decimals.
    pub fn print(mut self) -> Result<()> {
        for value in [Some(&mut self.value), self.floor.as_mut(), self.peer.as_mut()].into_iter().flatten() {
            *value = (*value * 1000.0).round() / 1000.0;
        }
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", serde_json::to_string(&self)?)?;
        Ok(out.flush()?)
    }
}

/// Measured times, sorted.
#[derive(Debug)]
pub struct Times(Vec<Duration>);

impl Times {
    /// Of at least one measurement.
    pub fn new(mut times: Vec<Duration>) -> Self {
        times.sort();
        Self(times)
    }

    /// The time that `permille` of all stay within, in milliseconds.
    pub fn at(&self, permille: usize) -> f64 {
        let index = (self.0.len() * permille / 1000).min(self.0.len().saturating_sub(1));
        self.0.get(index).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }
}
