//! What policy answers to a proposal, and everything it looked at: stored with the run, so that a decision can be
//! replayed and explained.

mod calibration;

pub use calibration::{Calibration, Held, Level, Method};

use serde::{Deserialize, Serialize};

/// Whether an authorised action runs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Admission {
    /// It runs.
    Auto,
    /// It runs, and people are told.
    AutoNotify,
    /// It waits for a person.
    Ask,
    /// It does not run.
    Deny,
}

/// Policy's answer to one proposal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Decision {
    /// The answer.
    pub admission: Admission,
    /// Why, for people: "you may deploy, and people's own actions run at once".
    pub because: String,
    /// Confidence that was compared with the thresholds, 0-100; `None` where it played no part.
    pub confidence: Option<u8>,
    /// Whether this automatic run is also put before a person afterwards.
    pub sampled: bool,
    /// Everything that was looked at.
    pub inputs: Inputs,
}

/// For how long what an AI agent has read makes it ask, in minutes.
pub const TAINT_MINUTES: u32 = 30;

/// Everything an admission looks at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inputs {
    /// The action's name.
    pub action: String,
    /// Its base risk, 0-100.
    pub risk: u8,
    /// Whether something is lost.
    pub destroys: bool,
    /// Who proposes.
    pub proposer: Proposer,
    /// How sure the proposer says it is.
    pub report: SelfReport,
    /// What that is worth. `None` for people and ServerFlow itself; of an AI it counts as knowing nothing.
    #[serde(default)]
    pub calibration: Option<Calibration>,
    /// Of decisions from before calibration: how such runs had gone. No rule looks at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Record>,
    /// At or above: automatic. 0-100.
    pub auto_at: u8,
    /// At or above: automatic, and people are told. 0-100.
    pub notify_at: u8,
    /// Whether the action is on the list that never runs by itself.
    pub never_auto: bool,
    /// Whether it changes who may do what, or what runs by itself: then it never does.
    #[serde(default)]
    pub opens_gates: bool,
    /// Whether its proposer was given words that others wrote (logs, files, names) within [`TAINT_MINUTES`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tainted: bool,
    /// Whether an action takes it back. Of decisions from before taint it is not known, and no rule looks at it then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undoable: bool,
    /// Whether `destroy` was waived for exactly this scope.
    pub waived: bool,
    /// Whether changes are frozen now, and this one with them.
    pub frozen: bool,
    /// What the freeze is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen_by: Option<String>,
    /// The budget that this proposer has used up: "5 runs of app.deploy in 60 min".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_budget: Option<String>,
    /// Whether the action goes ahead while changes are frozen.
    #[serde(default)]
    pub passes_freeze: bool,
    /// Runs this proposer may still open in its window.
    pub quota_left: u32,
    /// A number drawn from 0-999 to choose samples for review.
    pub draw_permille: u16,
    /// Runs sampled, of a thousand.
    pub sample_permille: u16,
    /// Whether it takes back something the control plane did.
    pub undo: bool,
}

/// What kind of principal proposes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Proposer {
    /// A person, directly or by a token.
    Person,
    /// An AI agent.
    Ai,
    /// ServerFlow itself.
    System,
}

/// How sure a proposer says it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SelfReport {
    /// It said nothing.
    None,
    /// 0-100.
    Score(u8),
    /// It said something that is no score: NaN, out of range, text.
    Malformed,
}

/// How earlier runs went.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Record {
    /// Approved, or run and not taken back.
    pub good: u32,
    /// Rejected or rolled back.
    pub bad: u32,
}
