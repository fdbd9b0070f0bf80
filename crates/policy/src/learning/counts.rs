//! Weighted numbers of runs.

/// Runs that went well and badly. Fractions: old runs and weak signs count less than one.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Counts {
    /// Went well.
    pub good: f64,
    /// Went badly.
    pub bad: f64,
}

impl Counts {
    /// Nothing seen.
    pub const NONE: Self = Self { good: 0.0, bad: 0.0 };

    /// `weight` runs of which the share `mean` went well.
    pub fn of(mean: f64, weight: f64) -> Self {
        Self { good: weight * mean, bad: weight * (1.0 - mean) }
    }

    /// How many.
    pub fn all(self) -> f64 {
        self.good + self.bad
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self { good: self.good + other.good, bad: self.bad + other.bad }
    }

    /// What is left without `other`, which is a part of it; rounding never makes less than nothing.
    pub(super) fn minus(self, other: Self) -> Self {
        Self { good: (self.good - other.good).max(0.0), bad: (self.bad - other.bad).max(0.0) }
    }

    pub(super) fn times(self, factor: f64) -> Self {
        Self { good: self.good * factor, bad: self.bad * factor }
    }

    /// The same share, but of `most` runs where there are more.
    pub(super) fn at_most(self, most: f64) -> Self {
        if self.all() > most { self.times(most / self.all()) } else { self }
    }

    /// Adds one run of this weight.
    pub(super) fn add(&mut self, good: bool, weight: f64) {
        if good {
            self.good += weight;
        } else {
            self.bad += weight;
        }
    }
}
