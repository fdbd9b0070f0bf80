//! Hooks: addresses at which a git host says that something was pushed, so that it is deployed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sf_types::AppId;

use crate::permission::Permission;
use crate::spec::{Effect, Place, Spec, minutes};
use crate::target::TargetKind;
use crate::valid::{self, Refused};

/// Folders and files that one hook names at the most.
pub const MAX_PATHS: usize = 50;
/// Longest of them: 256 bytes.
pub const MAX_PATH_BYTES: usize = 256;

/// Changes to the hook of an app. It acts for whoever has set it last, with the rights they have when something is pushed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", content = "args", deny_unknown_fields)]
pub enum HookAction {
    /// Make it; its address and its secret are in the answer, the secret once.
    #[serde(rename = "hook.create")]
    Create(SetHook),
    /// Change which pushes it takes.
    #[serde(rename = "hook.update")]
    Update(SetHook),
    /// Give it another secret; the one before is taken for a day.
    #[serde(rename = "hook.rotate")]
    Rotate(HookRef),
    /// Delete it with its secrets and what it was sent.
    #[serde(rename = "hook.delete")]
    Delete(HookRef),
}

/// Arguments of `hook.create` and `hook.update`: the hook as it shall be, whole.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetHook {
    /// Of which app.
    #[schemars(schema_with = "crate::spec::arguments::app")]
    pub app: AppId,
    /// Which pushes it takes.
    #[serde(default)]
    pub settings: HookSettings,
}

/// One app, by which its hook is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HookRef {
    /// Of which app.
    #[schemars(schema_with = "crate::spec::arguments::app")]
    pub app: AppId,
}

/// Which pushes start deploys.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HookSettings {
    /// Whether any does.
    #[serde(default = "HookSettings::on")]
    pub enabled: bool,
    /// Those of this branch; of the app's own unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Those that change one of these folders or files; all where empty. From the root of the repository.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
}

impl Default for HookSettings {
    fn default() -> Self {
        Self { enabled: true, branch: None, paths: Vec::new() }
    }
}

impl HookSettings {
    const fn on() -> bool {
        true
    }

    /// Refuses what no push could ever be like.
    ///
    /// # Errors
    /// [`Refused`] names the field.
    pub fn check(&self) -> Result<(), Refused> {
        if let Some(branch) = &self.branch {
            valid::reference(branch).map_err(|_| Refused::new("settings.branch", "this is no valid branch"))?;
        }
        if self.paths.len() > MAX_PATHS {
            return Err(Refused::new("settings.paths", "at most 50 are allowed"));
        }
        for (at, path) in self.paths.iter().enumerate() {
            let odd = |part: &str| part.is_empty() || part == "." || part == "..";
            let bad = path.len() > MAX_PATH_BYTES || path.strip_suffix('/').unwrap_or(path).split('/').any(odd);
            if bad || path.contains('\\') || path.chars().any(sf_types::text::is_deceptive) {
                let reason = "a folder or file from the root of the repository, like `services/shop`: at most 256 bytes, \
                              with no `/` before it and no `.` or `..` in it";
                return Err(Refused::new(format!("settings.paths[{at}]"), reason));
            }
        }
        Ok(())
    }
}

/// In the order of the enum.
pub const SPECS: &[Spec] = &[
    spec(
        "hook.create",
        "Deploy an app by push",
        "Makes the address at which a git host says that something was pushed; its secret is shown once.",
        Effect::Change,
        40,
        Some("hook.delete"),
    ),
    spec(
        "hook.update",
        "Change which pushes deploy an app",
        "The hook acts for whoever changed it last.",
        Effect::Change,
        30,
        Some("hook.update"),
    ),
    spec(
        "hook.rotate",
        "Give a hook another secret",
        "It is shown once; the one before is taken for a day.",
        Effect::Change,
        30,
        None,
    ),
    spec(
        "hook.delete",
        "Deploy an app by push no more",
        "Deletes its hook's address and secrets.",
        Effect::Destroy,
        40,
        None,
    ),
];

const fn spec(
    name: &'static str,
    title: &'static str,
    help: &'static str,
    effect: Effect,
    risk: u8,
    undo: Option<&'static str>,
) -> Spec {
    Spec {
        name,
        title,
        help,
        permission: Permission::AppDeploy,
        target: TargetKind::App,
        effect,
        risk,
        time_limit: minutes(1),
        undo,
        place: Place::ControlPlane,
    }
}

impl HookAction {
    /// What is fixed about it.
    pub const fn spec(&self) -> &'static Spec {
        match self {
            Self::Create(_) => &SPECS[0],
            Self::Update(_) => &SPECS[1],
            Self::Rotate(_) => &SPECS[2],
            Self::Delete(_) => &SPECS[3],
        }
    }

    /// The app.
    pub const fn app(&self) -> AppId {
        match self {
            Self::Create(args) | Self::Update(args) => args.app,
            Self::Rotate(of) | Self::Delete(of) => of.app,
        }
    }

    /// Refuses settings that no push could ever fit.
    ///
    /// # Errors
    /// [`Refused`] names the field.
    pub fn check(&self) -> Result<(), Refused> {
        match self {
            Self::Create(args) | Self::Update(args) => args.settings.check(),
            Self::Rotate(_) | Self::Delete(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_folders_and_files_of_the_repository() {
        let check = |settings: serde_json::Value| {
            let settings: HookSettings = serde_json::from_value(settings).unwrap();
            settings.check().map_err(|refused| refused.field)
        };
        let field = |name: &str| Err(name.to_owned());
        assert_eq!(check(serde_json::json!({})), Ok(()));
        assert_eq!(check(serde_json::json!({ "branch": "release/1", "paths": ["a", "b/", "c/d.rs", ".ci"] })), Ok(()));
        assert_eq!(check(serde_json::json!({ "branch": "--exec" })), field("settings.branch"));
        for bad in ["", "/", "/a", "a//b", "a/../b", "..", "./a", "a\n", "a\\b", "a\u{202e}", &"x".repeat(257)] {
            assert_eq!(check(serde_json::json!({ "paths": ["ok", bad] })), field("settings.paths[1]"), "{bad:?}");
        }
        assert_eq!(check(serde_json::json!({ "paths": vec!["a"; 51] })), field("settings.paths"));
        assert!(serde_json::from_str::<HookSettings>(r#"{"path":"a"}"#).is_err());
    }
}
