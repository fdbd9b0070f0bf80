//! How sure it really is: what a report is worth, measured on how such runs went.

use serde::{Deserialize, Serialize};

/// What calibration made of a report. Whole numbers only, so that a stored decision replays to the same bit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Calibration {
    /// What is compared with the thresholds, 0-100: the careful end, rounded down.
    pub score: u8,
    /// Best estimate of the share of such runs that go well, in thousandths.
    pub estimate_permille: u16,
    /// Nine times in ten the true share is above this, in thousandths.
    pub low_permille: u16,
    /// Nine times in ten the true share is below this, in thousandths.
    pub high_permille: u16,
    /// What it mainly rests on.
    pub method: Method,
    /// The narrowest level that has evidence; `None` where there is none at all.
    pub level: Option<Level>,
    /// Runs at that level with a like report; older ones count less. Rounded.
    pub evidence: u32,
    /// How many of them went well. Rounded.
    pub good: u32,
    /// What holds the score down beyond the long record.
    pub held_by: Option<Held>,
}

/// What a calibration mainly rests on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Method {
    /// The action's risk, and others' records: there is no record of its own.
    Prior,
    /// The prior and a record of its own, weighed together.
    Beta,
    /// Its own record by reported score, since there is enough of it.
    Isotonic,
}

/// How near a record is to the action at hand, nearest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// This action, this AI agent, this tool.
    Own,
    /// This action and this AI agent, whatever the tool.
    Pair,
    /// This action, whoever proposes it.
    Action,
    /// This AI agent, whatever it does.
    Agent,
    /// Everything in the team.
    All,
}

/// What holds a score down although the long record is better.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Held {
    /// This agent's last runs of this action.
    LastRuns,
    /// This agent's last runs of whatever action.
    AgentsLastRuns,
}
