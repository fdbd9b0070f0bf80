//! Deploy keys: what an app's node opens the app's own repository with, and nothing else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sf_types::AppId;

use crate::permission::Permission;
use crate::spec::{Effect, Place, Spec, minutes};
use crate::target::TargetKind;

/// Changes to the deploy key of an app.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", content = "args", deny_unknown_fields)]
pub enum KeyAction {
    /// Make one; its public half goes to the git host.
    #[serde(rename = "deploykey.create")]
    Create(KeyRef),
    /// Delete it; the node's own key is used again.
    #[serde(rename = "deploykey.delete")]
    Delete(KeyRef),
}

/// One app, by which its deploy key is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyRef {
    /// Of which app.
    #[schemars(schema_with = "crate::spec::arguments::app")]
    pub app: AppId,
}

/// In the order of the enum.
pub const SPECS: &[Spec] = &[
    Spec {
        name: "deploykey.create",
        title: "Make a deploy key",
        help: "Its public half is given to the git host; the private one is sealed, and only the app's node can open it.",
        permission: Permission::AppUpdate,
        target: TargetKind::App,
        effect: Effect::Change,
        risk: 20,
        time_limit: minutes(1),
        undo: Some("deploykey.delete"),
        place: Place::ControlPlane,
    },
    Spec {
        name: "deploykey.delete",
        title: "Delete a deploy key",
        help: "The node's own key opens the repository from the next deploy on, where it can.",
        permission: Permission::AppUpdate,
        target: TargetKind::App,
        effect: Effect::Destroy,
        risk: 40,
        time_limit: minutes(1),
        undo: None,
        place: Place::ControlPlane,
    },
];

impl KeyAction {
    /// What is fixed about it.
    pub const fn spec(&self) -> &'static Spec {
        match self {
            Self::Create(_) => &SPECS[0],
            Self::Delete(_) => &SPECS[1],
        }
    }

    /// The app.
    pub const fn app(&self) -> AppId {
        match self {
            Self::Create(of) | Self::Delete(of) => of.app,
        }
    }
}
