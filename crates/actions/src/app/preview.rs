//! Previews: apps of their own for branches of an app, each with its own address, until they expire.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sf_protocol::site::CertificateFrom;
use sf_types::{AppId, DomainName};

use crate::permission::Permission;
use crate::spec::{Effect, Place, Spec, minutes};
use crate::target::TargetKind;
use crate::valid::{self, Refused};

/// Longest pattern of branches: 256 bytes.
pub const MAX_PATTERN_BYTES: usize = 256;
/// Days a preview stays after its last push at the most.
pub const MAX_DAYS: u8 = 90;
/// Days a preview stays after its last push unless told otherwise.
pub const DEFAULT_DAYS: u8 = 7;
/// Previews of one app at once at the most.
pub const MAX_AT_ONCE: u8 = 20;
/// Previews of one app at once unless told otherwise.
pub const DEFAULT_AT_ONCE: u8 = 5;
/// Longest base domain: a preview's own part of up to 40 characters and a dot come before it.
pub const MAX_BASE: usize = DomainName::MAX - 41;

/// Changes to the previews of an app. A preview is deleted as every app is: by `app.delete`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", content = "args", deny_unknown_fields)]
pub enum PreviewAction {
    /// Set for which branches there are any, and where.
    #[serde(rename = "preview.configure")]
    Configure(Configure),
    /// Make the preview of a branch, or bring it up to date.
    #[serde(rename = "preview.deploy")]
    Deploy(DeployPreview),
    /// Have one stay longer.
    #[serde(rename = "preview.extend")]
    Extend(Extend),
}

/// Arguments of `preview.configure`: the settings as they shall be, whole.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Configure {
    /// Of which app.
    #[schemars(schema_with = "crate::spec::arguments::app")]
    pub app: AppId,
    /// For which branches, and where; absent for no previews from now on. Those there are stay until they expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<PreviewSettings>,
}

/// Arguments of `preview.deploy`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeployPreview {
    /// Of which app.
    #[schemars(schema_with = "crate::spec::arguments::app")]
    pub app: AppId,
    /// Of which branch.
    pub branch: String,
    /// Exact commit; the tip of the branch unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// Arguments of `preview.extend`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Extend {
    /// Which preview.
    #[schemars(schema_with = "crate::spec::arguments::app")]
    pub app: AppId,
    /// For how many days from now: 1 to 90.
    pub days: u8,
}

/// For which branches an app has previews, and where they are reached.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PreviewSettings {
    /// The domain below which each gets a name of its own: `preview.example.org`.
    #[schemars(schema_with = "crate::spec::arguments::text")]
    pub base: DomainName,
    /// Branches that are previewed when they are pushed: `feature/*`, `**` for all. `*` stops at `/`, `**` does not.
    #[serde(default = "PreviewSettings::all_branches")]
    pub branches: String,
    /// Whether branches of pull requests are previewed, too. Only those of the same repository: what a fork sends never
    /// runs here.
    #[serde(default)]
    pub requests: bool,
    /// Days one stays after its last push.
    #[serde(default = "PreviewSettings::default_days")]
    pub days: u8,
    /// How many there may be at once.
    #[serde(default = "PreviewSettings::default_at_once")]
    pub at_once: u8,
    /// Where their certificates come from.
    #[serde(default = "PreviewSettings::default_certificate")]
    #[schemars(schema_with = "crate::spec::arguments::text")]
    pub certificate: CertificateFrom,
}

impl PreviewSettings {
    /// Previews of all branches below `base`, with every default.
    pub fn below(base: DomainName) -> Self {
        Self {
            base,
            branches: Self::all_branches(),
            requests: false,
            days: DEFAULT_DAYS,
            at_once: DEFAULT_AT_ONCE,
            certificate: Self::default_certificate(),
        }
    }

    fn all_branches() -> String {
        "**".to_owned()
    }

    const fn default_days() -> u8 {
        DEFAULT_DAYS
    }

    const fn default_at_once() -> u8 {
        DEFAULT_AT_ONCE
    }

    const fn default_certificate() -> CertificateFrom {
        CertificateFrom::Acme
    }

    /// Refuses what no branch could be like, and what would never end.
    ///
    /// # Errors
    /// [`Refused`] names the field.
    pub fn check(&self) -> Result<(), Refused> {
        if self.base.as_str().len() > MAX_BASE {
            return Err(Refused::new("settings.base", "at most 212 characters leave room for the names below it"));
        }
        let pattern = &self.branches;
        if pattern.is_empty() || pattern.len() > MAX_PATTERN_BYTES || pattern.chars().any(sf_types::text::is_deceptive)
        {
            return Err(Refused::new("settings.branches", "a pattern such as `feature/*`: 1 to 256 bytes"));
        }
        days(self.days, "settings.days")?;
        if self.at_once == 0 || self.at_once > MAX_AT_ONCE {
            return Err(Refused::new("settings.atOnce", "between 1 and 20 are allowed"));
        }
        Ok(())
    }
}

fn days(days: u8, field: &str) -> Result<(), Refused> {
    if days == 0 || days > MAX_DAYS { Err(Refused::new(field, "between 1 and 90 days are allowed")) } else { Ok(()) }
}

/// In the order of the enum.
pub const SPECS: &[Spec] = &[
    spec(
        "preview.configure",
        "Set an app's previews",
        "For which branches there are previews, and below which domain. They are served for whoever set this last.",
        Permission::AppUpdate,
        40,
        Some("preview.configure"),
    ),
    spec(
        "preview.deploy",
        "Preview a branch",
        "Makes an app of its own for a branch, with its own address, or brings it up to date; it is deleted when it expires.",
        Permission::AppDeploy,
        35,
        None,
    ),
    spec(
        "preview.extend",
        "Keep a preview longer",
        "It is deleted so many days from now.",
        Permission::AppDeploy,
        5,
        Some("preview.extend"),
    ),
];

const fn spec(
    name: &'static str,
    title: &'static str,
    help: &'static str,
    permission: Permission,
    risk: u8,
    undo: Option<&'static str>,
) -> Spec {
    Spec {
        name,
        title,
        help,
        permission,
        target: TargetKind::App,
        effect: Effect::Change,
        risk,
        time_limit: minutes(1),
        undo,
        place: Place::ControlPlane,
    }
}

impl PreviewAction {
    /// What is fixed about it.
    pub const fn spec(&self) -> &'static Spec {
        match self {
            Self::Configure(_) => &SPECS[0],
            Self::Deploy(_) => &SPECS[1],
            Self::Extend(_) => &SPECS[2],
        }
    }

    /// The app: the preview itself where one is kept longer, else whose previews it is about.
    pub const fn app(&self) -> AppId {
        match self {
            Self::Configure(args) => args.app,
            Self::Deploy(args) => args.app,
            Self::Extend(args) => args.app,
        }
    }

    /// Refuses what no node could carry out.
    ///
    /// # Errors
    /// [`Refused`] names the field.
    pub fn check(&self) -> Result<(), Refused> {
        match self {
            Self::Configure(args) => args.settings.as_ref().map_or(Ok(()), PreviewSettings::check),
            Self::Deploy(args) => {
                valid::reference(&args.branch).map_err(|_| Refused::new("branch", "this is no valid branch"))?;
                args.commit.as_deref().map_or(Ok(()), valid::commit)
            }
            Self::Extend(args) => days(args.days, "days"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn settings_have_limits_and_defaults() {
        let check = |change: Value| {
            let mut settings = json!({ "base": "preview.example.org" });
            settings.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let settings = serde_json::from_value::<PreviewSettings>(settings).map_err(|_| "unread".to_owned())?;
            settings.check().map_err(|refused| refused.field)
        };
        let field = |name: &str| Err(name.to_owned());
        assert_eq!(check(json!({})), Ok(()));
        assert_eq!(check(json!({ "branches": "feature/*", "days": 90, "atOnce": 20, "certificate": "none" })), Ok(()));
        assert_eq!(check(json!({ "branches": "" })), field("settings.branches"));
        assert_eq!(check(json!({ "branches": "a\u{202e}" })), field("settings.branches"));
        assert_eq!(check(json!({ "branches": "x".repeat(257) })), field("settings.branches"));
        assert_eq!(check(json!({ "days": 0 })), field("settings.days"));
        assert_eq!(check(json!({ "days": 91 })), field("settings.days"));
        assert_eq!(check(json!({ "atOnce": 0 })), field("settings.atOnce"));
        assert_eq!(check(json!({ "atOnce": 21 })), field("settings.atOnce"));
        for bad in ["*.example.org", "localhost", "a b.example", "192.0.2.1", "x.org\"; }"] {
            assert_eq!(check(json!({ "base": bad })), field("unread"), "{bad}");
        }
        let long = ["a".repeat(60), "b".repeat(60), "c".repeat(60), "d".repeat(60)].join(".");
        assert_eq!(check(json!({ "base": long })), field("settings.base"));
        let read: PreviewSettings = serde_json::from_value(json!({ "base": "preview.example.org" })).unwrap();
        assert_eq!(read, PreviewSettings::below("preview.example.org".parse().unwrap()));
        assert!(!read.requests);
    }
}
