//! Runs themselves: stop one, decide a waiting one.

use serde::{Deserialize, Serialize};
use sf_types::RunId;

use crate::permission::Permission;
use crate::spec::{Effect, Place, Spec, minutes};
use crate::target::TargetKind;

/// Changes to runs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "action", content = "args", deny_unknown_fields)]
pub enum RunAction {
    /// Stop it; what was true before stays true.
    #[serde(rename = "run.cancel")]
    Cancel(RunRef),
    /// Let a waiting run go ahead.
    #[serde(rename = "run.approve")]
    Approve(Decide),
    /// Refuse a waiting run.
    #[serde(rename = "run.reject")]
    Reject(Decide),
    /// Take a decision back while it is held.
    #[serde(rename = "run.reopen")]
    Reopen(Reopen),
    /// Say of an automatic run whether it was right.
    #[serde(rename = "run.review")]
    Review(Review),
}

/// One run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunRef {
    /// Which.
    pub run: RunId,
}

/// A person's decision.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Decide {
    /// Which.
    pub run: RunId,
    /// Hash of what was shown: a decision about something else is refused.
    pub hash: String,
    /// Why, for the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// A decision that is taken back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reopen {
    /// Of which run.
    pub run: RunId,
    /// Hash of what was decided.
    pub hash: String,
}

/// A look back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Review {
    /// At which run.
    pub run: RunId,
    /// Whether it was right that it ran by itself.
    pub good: bool,
    /// Why, for the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// In the order of the enum.
pub const SPECS: &[Spec] = &[
    spec(
        "run.cancel",
        "Cancel a run",
        "Stops it; what was true before stays true. A workflow's run is stopped by who may start the workflow.",
        Permission::AppDeploy,
        15,
    ),
    spec("run.approve", "Approve a run", "Lets a waiting run go ahead.", Permission::ApprovalDecide, 30),
    spec("run.reject", "Reject a run", "Refuses a waiting run.", Permission::ApprovalDecide, 5),
    spec(
        "run.reopen",
        "Take a decision back",
        "Within 5 s of an approval, before anything has happened: the run waits for a decision again.",
        Permission::ApprovalDecide,
        5,
    ),
    spec(
        "run.review",
        "Look back at an automatic run",
        "Says whether it was right; what is learnt from it opens or closes the gate for the next ones.",
        Permission::ApprovalDecide,
        15,
    ),
];

const fn spec(name: &'static str, title: &'static str, help: &'static str, permission: Permission, risk: u8) -> Spec {
    Spec {
        name,
        title,
        help,
        permission,
        target: TargetKind::Run,
        effect: Effect::Change,
        risk,
        time_limit: minutes(1),
        undo: None,
        place: Place::ControlPlane,
    }
}

impl RunAction {
    /// What is fixed about it.
    pub const fn spec(&self) -> &'static Spec {
        match self {
            Self::Cancel(_) => &SPECS[0],
            Self::Approve(_) => &SPECS[1],
            Self::Reject(_) => &SPECS[2],
            Self::Reopen(_) => &SPECS[3],
            Self::Review(_) => &SPECS[4],
        }
    }

    /// What it needs for a run of this action: who may start a workflow may stop it.
    pub const fn needs(&self, of: &Spec) -> Permission {
        match (self, of.place) {
            (Self::Cancel(_), Place::Engine) => of.permission,
            _ => self.spec().permission,
        }
    }

    /// The run.
    pub const fn run(&self) -> RunId {
        match self {
            Self::Cancel(args) => args.run,
            Self::Approve(args) | Self::Reject(args) => args.run,
            Self::Reopen(args) => args.run,
            Self::Review(args) => args.run,
        }
    }
}
