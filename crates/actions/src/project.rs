//! Projects: what owns apps, servers, workflows and secrets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sf_types::{Name, ProjectId};

use crate::permission::Permission;
use crate::spec::{Effect, Place, Spec, minutes};
use crate::target::{Target, TargetKind};

/// Changes to projects.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", content = "args", deny_unknown_fields)]
pub enum ProjectAction {
    /// Make one.
    #[serde(rename = "project.create")]
    Create(CreateProject),
    /// Give it another name.
    #[serde(rename = "project.rename")]
    Rename(RenameProject),
    /// Delete an empty one.
    #[serde(rename = "project.delete")]
    Delete(ProjectRef),
}

/// Arguments of `project.create`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateProject {
    /// What it is called, unique within the team.
    #[schemars(schema_with = "crate::spec::arguments::text")]
    pub name: Name,
}

/// Arguments of `project.rename`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RenameProject {
    /// Which project.
    #[schemars(schema_with = "crate::spec::arguments::project")]
    pub project: ProjectId,
    /// Its new name.
    #[schemars(schema_with = "crate::spec::arguments::text")]
    pub name: Name,
}

/// One project.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProjectRef {
    /// Which project.
    #[schemars(schema_with = "crate::spec::arguments::project")]
    pub project: ProjectId,
}

impl ProjectAction {
    /// What is fixed about it.
    pub const fn spec(&self) -> &'static Spec {
        match self {
            Self::Create(_) => &SPECS[0],
            Self::Rename(_) => &SPECS[1],
            Self::Delete(_) => &SPECS[2],
        }
    }

    /// What it acts on.
    pub const fn target(&self) -> Target {
        match self {
            Self::Create(_) => Target::Tenant,
            Self::Rename(args) => Target::Project(args.project),
            Self::Delete(args) => Target::Project(args.project),
        }
    }
}

/// In the order of the enum.
pub const SPECS: &[Spec] = &[
    Spec {
        name: "project.create",
        title: "Create a project",
        help: "Holds apps, servers, workflows and secrets that belong together.",
        permission: Permission::ProjectCreate,
        target: TargetKind::Tenant,
        effect: Effect::Change,
        risk: 10,
        time_limit: minutes(1),
        undo: Some("project.delete"),
        place: Place::ControlPlane,
    },
    Spec {
        name: "project.rename",
        title: "Rename a project",
        help: "Gives a project another name.",
        permission: Permission::ProjectUpdate,
        target: TargetKind::Project,
        effect: Effect::Change,
        risk: 5,
        time_limit: minutes(1),
        undo: Some("project.rename"),
        place: Place::ControlPlane,
    },
    Spec {
        name: "project.delete",
        title: "Delete a project",
        help: "Only an empty one; its secrets and its grants go with it.",
        permission: Permission::ProjectDelete,
        target: TargetKind::Project,
        effect: Effect::Destroy,
        risk: 40,
        time_limit: minutes(1),
        undo: None,
        place: Place::ControlPlane,
    },
];
