//! One thing learnt about one run.

use serde::{Deserialize, Serialize};
use sf_types::Timestamp;

/// One thing learnt about one run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sample {
    /// What the AI had reported for that run, 0-100; `None` where it said nothing. More than 100 counts as 100.
    pub report: Option<u8>,
    /// Who says so.
    pub source: Source,
    /// When it was learnt.
    pub at: Timestamp,
}

/// Where a sample comes from. One run gives at most one sample of each source.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// A person let it run.
    Approved,
    /// A person refused it.
    Rejected,
    /// A person looked at an automatic run afterwards and agreed.
    ReviewedGood,
    /// A person looked at an automatic run afterwards and did not agree.
    ReviewedBad,
    /// It was taken back, by a person or by ServerFlow.
    RolledBack,
    /// It failed; that may not be the AI's fault.
    Failed,
    /// It ran by itself, people were told, and nobody took it back within the time for that.
    ToldAndKept,
    /// It ran by itself, and nobody took it back within the time for that. Nobody looked either.
    Kept,
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 8] = [
        Self::Approved,
        Self::Rejected,
        Self::ReviewedGood,
        Self::ReviewedBad,
        Self::RolledBack,
        Self::Failed,
        Self::ToldAndKept,
        Self::Kept,
    ];

    /// Whether it speaks for the AI.
    pub const fn is_good(self) -> bool {
        matches!(self, Self::Approved | Self::ReviewedGood | Self::ToldAndKept | Self::Kept)
    }

    /// As how many runs it counts. What a person or a rollback says counts fully; silence is weak evidence, and a gate
    /// that is open makes much of it.
    pub const fn weight(self) -> f64 {
        match self {
            Self::Approved | Self::Rejected | Self::ReviewedGood | Self::ReviewedBad | Self::RolledBack => 1.0,
            Self::Failed | Self::ToldAndKept => 0.5,
            Self::Kept => 0.25,
        }
    }
}
