//! Second factors of other people.

use serde::{Deserialize, Serialize};
use sf_types::UserId;

use crate::permission::Permission;
use crate::spec::{Effect, Place, Spec, minutes};
use crate::target::{Target, TargetKind};

/// Changes to somebody else's second factors.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "action", content = "args", deny_unknown_fields)]
pub enum FactorAction {
    /// Take them away, for who has lost their phone and their paper.
    #[serde(rename = "user.reset_factors")]
    Reset(PersonRef),
}

/// One person.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PersonRef {
    /// Who.
    pub user: UserId,
}

/// In the order of the enum.
pub const SPECS: &[Spec] = &[Spec {
    name: "user.reset_factors",
    title: "Reset a person's second factors",
    help: "For who has lost phone and recovery codes: their password alone lets them in until they set up a new one.",
    permission: Permission::UserUpdate,
    target: TargetKind::User,
    effect: Effect::Destroy,
    risk: 60,
    time_limit: minutes(1),
    undo: None,
    place: Place::ControlPlane,
}];

impl FactorAction {
    /// What is fixed about it.
    pub const fn spec(&self) -> &'static Spec {
        match self {
            Self::Reset(_) => &SPECS[0],
        }
    }

    /// What it acts on.
    pub const fn target(&self) -> Target {
        match self {
            Self::Reset(args) => Target::User(args.user),
        }
    }
}
