//! What runs by itself, and who decides about the rest.

use serde::{Deserialize, Serialize};
use sf_types::ProjectId;

use crate::permission::Permission;
use crate::rules::Rules;
use crate::spec::{Effect, Place, Spec, minutes};
use crate::target::{Target, TargetKind};

/// Changes to the rules of routing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "action", content = "args", deny_unknown_fields)]
pub enum PolicyAction {
    /// Replace the rules of a place.
    #[serde(rename = "policy.update")]
    Update(Box<UpdatePolicy>),
}

/// Arguments of `policy.update`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdatePolicy {
    /// The project; the whole team without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectId>,
    /// The version that is replaced; 0 where there are no rules yet. Another one is there: refused.
    pub from: u64,
    /// What holds from now on.
    pub rules: Rules,
}

/// In the order of the enum.
pub const SPECS: &[Spec] = &[Spec {
    name: "policy.update",
    title: "Change what runs by itself",
    help: "Thresholds, lists, freezes, budgets, and who decides about what waits. An AI's proposal always asks.",
    permission: Permission::AdminSettings,
    target: TargetKind::Project,
    effect: Effect::Change,
    risk: 70,
    time_limit: minutes(1),
    undo: Some("policy.update"),
    place: Place::ControlPlane,
}];

impl PolicyAction {
    /// What is fixed about it.
    pub const fn spec(&self) -> &'static Spec {
        &SPECS[0]
    }

    /// What it acts on.
    pub const fn target(&self) -> Target {
        let Self::Update(args) = self;
        match args.project {
            Some(project) => Target::Project(project),
            None => Target::Tenant,
        }
    }
}
