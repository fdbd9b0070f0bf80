//! What a schedule does to a server: steps, one after another.

use serde::{Deserialize, Serialize};
use sf_types::Millis;

/// One step of a chain.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChainStep {
    /// What is waited before it, from the end of the step before: [`ChainStep::MAX_DELAY`] at the most.
    #[serde(default, skip_serializing_if = "is_none")]
    pub delay: Millis,
    /// Whether the chain goes on where it fails.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub continue_on_failure: bool,
    /// What is done.
    #[serde(flatten)]
    pub does: StepDoes,
}

impl ChainStep {
    /// What may be waited before a step: 900 s.
    pub const MAX_DELAY: Millis = Millis::secs(900);
}

/// What a step does. Written as `"command": line` or `"power": verb` beside the other fields.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StepDoes {
    /// A line of at most [`crate::server::ServerVerb::COMMAND_BYTES`] is written to the server's standard input.
    Command(String),
    /// The server is started, stopped or killed.
    Power(StepPower),
}

/// What of its power a step changes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StepPower {
    /// Start it and wait until it is ready.
    Start,
    /// Stop it by its rule.
    Stop,
    /// Both.
    Restart,
    /// End it at once.
    Kill,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's shape")]
fn is_none(delay: &Millis) -> bool {
    delay.0 == 0
}
