//! Releases: put one live, go back to one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sf_types::{AppId, ReleaseId};

use crate::permission::Permission;
use crate::spec::{Effect, Place, Spec, minutes};
use crate::target::TargetKind;
use crate::valid::{self, Refused};

/// Changes of the live release.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", content = "args", deny_unknown_fields)]
pub enum DeployAction {
    /// Build a revision and put it live.
    #[serde(rename = "app.deploy")]
    Deploy(Deploy),
    /// Put a kept release live again.
    #[serde(rename = "app.rollback")]
    Rollback(Rollback),
}

/// Arguments of `app.deploy`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Deploy {
    /// Which app.
    #[schemars(schema_with = "crate::spec::arguments::app")]
    pub app: AppId,
    /// Branch or tag; the app's own unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Exact commit; the tip of the reference unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Install and build also what is proven to come out as before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub full: bool,
}

/// Arguments of `app.rollback`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rollback {
    /// Which app.
    #[schemars(schema_with = "crate::spec::arguments::app")]
    pub app: AppId,
    /// The release to return to; the one before the live one unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::arguments::release")]
    pub release: Option<ReleaseId>,
}

/// In the order of the enum.
pub const SPECS: &[Spec] = &[
    Spec {
        name: "app.deploy",
        title: "Deploy an app",
        help: "Builds a revision beside the live release, checks it, switches, and returns by itself if it breaks.",
        permission: Permission::AppDeploy,
        target: TargetKind::App,
        effect: Effect::Change,
        risk: 35,
        time_limit: minutes(30),
        undo: Some("app.rollback"),
        place: Place::Node,
    },
    Spec {
        name: "app.rollback",
        title: "Roll an app back",
        help: "Puts a release live again that is still on the node; nothing is built.",
        permission: Permission::AppDeploy,
        target: TargetKind::App,
        effect: Effect::Change,
        risk: 25,
        time_limit: minutes(10),
        undo: Some("app.rollback"),
        place: Place::Node,
    },
];

impl DeployAction {
    /// What is fixed about it.
    pub const fn spec(&self) -> &'static Spec {
        match self {
            Self::Deploy(_) => &SPECS[0],
            Self::Rollback(_) => &SPECS[1],
        }
    }

    /// The app.
    pub const fn app(&self) -> AppId {
        match self {
            Self::Deploy(args) => args.app,
            Self::Rollback(args) => args.app,
        }
    }
}

impl Deploy {
    /// Refuses what git could misunderstand.
    ///
    /// # Errors
    /// [`Refused`] names the field.
    pub fn check(&self) -> Result<(), Refused> {
        self.reference.as_deref().map_or(Ok(()), valid::reference)?;
        self.commit.as_deref().map_or(Ok(()), valid::commit)
    }
}
