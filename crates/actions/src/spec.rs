//! What is fixed about a kind of action, known without its arguments.

pub mod arguments;

use std::time::Duration;

use crate::permission::Permission;
use crate::target::TargetKind;

/// The static side of an action.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spec {
    /// Stable dotted name: `app.deploy`. Never reused, never renamed.
    pub name: &'static str,
    /// What a person reads: "Deploy an app".
    pub title: &'static str,
    /// One sentence of help.
    pub help: &'static str,
    /// What a principal needs.
    pub permission: Permission,
    /// What it acts on.
    pub target: TargetKind,
    /// Whether something is lost.
    pub effect: Effect,
    /// Base risk, 0 (harmless) to 100.
    pub risk: u8,
    /// How long the work may take once it began.
    pub time_limit: Duration,
    /// The action that takes it back, where one exists.
    pub undo: Option<&'static str>,
    /// Who executes it.
    pub place: Place,
}

/// Whether something is lost.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Effect {
    /// Something changes and could be changed back.
    Change,
    /// Something is gone afterwards. Proposed by an AI it asks, whatever its confidence.
    Destroy,
}

/// Who executes an action.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Place {
    /// The control plane, in the transaction that records it.
    ControlPlane,
    /// An agent, by a signed command.
    Node,
    /// The workflow engine, step by step.
    Engine,
}

/// A minute, for specs.
pub(crate) const fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}
