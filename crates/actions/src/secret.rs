//! Secrets: their existence, names and versions. A value is never an argument: it travels beside the action, sealed,
//! and stands in no run, plan, log or audit line.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sf_types::{ProjectId, SecretId, SecretName};

use crate::permission::Permission;
use crate::spec::{Effect, Place, Spec, minutes};
use crate::target::{Target, TargetKind};
use crate::valid::Refused;
use crate::variable::Environment;

/// Bytes of a value at the most: 8 KiB.
pub const MAX_VALUE_BYTES: usize = sf_protocol::sealed::MAX_VALUE_BYTES;
/// Characters of a description at the most.
pub const MAX_DESCRIPTION_CHARS: usize = 500;

/// Changes to secrets.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", content = "args", deny_unknown_fields)]
pub enum SecretAction {
    /// Make one; its value travels beside this.
    #[serde(rename = "secret.create")]
    Create(CreateSecret),
    /// Give it a new value, or another description.
    #[serde(rename = "secret.update")]
    Update(UpdateSecret),
    /// Delete it with all its versions; refused while an app uses it.
    #[serde(rename = "secret.delete")]
    Delete(SecretRef),
}

/// Arguments of `secret.create`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateSecret {
    /// The project that owns it; the tenant's first unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::arguments::project")]
    pub project: Option<ProjectId>,
    /// Name, unique within the project.
    #[schemars(schema_with = "crate::spec::arguments::text")]
    pub name: SecretName,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Whose processes may be given it: production's unless given.
    #[serde(default, skip_serializing_if = "Environment::is_production")]
    pub environment: Environment,
}

/// Arguments of `secret.update`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateSecret {
    /// Which secret.
    #[schemars(schema_with = "crate::spec::arguments::secret")]
    pub secret: SecretId,
    /// Whether a new value travels beside this.
    #[serde(default)]
    pub new_value: bool,
    /// What it is for from now on; as before unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whose processes may be given it from now on; as before unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
}

/// One secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretRef {
    /// Which secret.
    #[schemars(schema_with = "crate::spec::arguments::secret")]
    pub secret: SecretId,
}

/// In the order of the enum.
pub const SPECS: &[Spec] = &[
    spec(
        "secret.create",
        "Create a secret",
        "Its value can be used by apps and never be read again.",
        TargetKind::Tenant,
        Effect::Change,
        20,
    ),
    spec(
        "secret.update",
        "Change a secret",
        "A new value is a new version; apps get it when they are next deployed or restarted.",
        TargetKind::Secret,
        Effect::Change,
        40,
    ),
    spec(
        "secret.delete",
        "Delete a secret",
        "With all its versions; refused while an app uses it.",
        TargetKind::Secret,
        Effect::Destroy,
        50,
    ),
];

const fn spec(
    name: &'static str,
    title: &'static str,
    help: &'static str,
    target: TargetKind,
    effect: Effect,
    risk: u8,
) -> Spec {
    Spec {
        name,
        title,
        help,
        permission: Permission::SecretManage,
        target,
        effect,
        risk,
        time_limit: minutes(1),
        undo: None,
        place: Place::ControlPlane,
    }
}

impl SecretAction {
    /// What is fixed about it.
    pub const fn spec(&self) -> &'static Spec {
        match self {
            Self::Create(_) => &SPECS[0],
            Self::Update(_) => &SPECS[1],
            Self::Delete(_) => &SPECS[2],
        }
    }

    /// What it acts on.
    pub const fn target(&self) -> Target {
        match self {
            Self::Create(_) => Target::Tenant,
            Self::Update(args) => Target::Secret(args.secret),
            Self::Delete(args) => Target::Secret(args.secret),
        }
    }

    /// Whether a value has to travel beside it.
    pub const fn takes_value(&self) -> bool {
        match self {
            Self::Create(_) => true,
            Self::Update(args) => args.new_value,
            Self::Delete(_) => false,
        }
    }

    /// Refuses descriptions that could not be shown.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn check(&self) -> Result<(), Refused> {
        let description = match self {
            Self::Create(args) => Some(&args.description),
            Self::Update(args) if !args.new_value && args.description.is_none() && args.environment.is_none() => {
                return Err(Refused::new("value", "give a new value, a new description, an environment, or several"));
            }
            Self::Update(args) => args.description.as_ref(),
            Self::Delete(_) => None,
        };
        let bad = |c: char| c != '\n' && sf_types::text::is_deceptive(c);
        if description.is_some_and(|text| text.chars().count() > MAX_DESCRIPTION_CHARS || text.chars().any(bad)) {
            return Err(Refused::new("description", "at most 500 characters without control characters are allowed"));
        }
        Ok(())
    }
}

/// Checks a value without ever telling it.
///
/// # Errors
/// [`Refused`] says what is wrong, not with what.
pub fn check_value(value: &str) -> Result<(), Refused> {
    if value.is_empty() || value.len() > MAX_VALUE_BYTES {
        return Err(Refused::new("value", "between 1 byte and 8 KiB are allowed"));
    }
    if value.contains('\0') {
        return Err(Refused::new("value", "a NUL byte cannot be in an environment"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_value_is_not_told() {
        for (value, ok) in [("x", true), ("two\nlines", true), ("", false), ("canary\0", false)] {
            let checked = check_value(value);
            assert_eq!(checked.is_ok(), ok, "{value:?}");
            assert!(!checked.is_err_and(|refused| refused.to_string().contains("canary")));
        }
        assert!(check_value(&"x".repeat(MAX_VALUE_BYTES)).is_ok());
        assert!(check_value(&"x".repeat(MAX_VALUE_BYTES + 1)).is_err());
    }

    #[test]
    fn an_action_has_no_room_for_a_value() {
        for text in [
            r#"{"action":"secret.create","args":{"name":"A","value":"x"}}"#,
            r#"{"action":"secret.update","args":{"secret":"0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b","value":"x"}}"#,
        ] {
            assert!(serde_json::from_str::<crate::Action>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_change_changes_something() {
        let secret = "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b".parse().unwrap();
        let change = |new_value, description: Option<&str>| {
            let description = description.map(str::to_owned);
            SecretAction::Update(UpdateSecret { secret, new_value, description, environment: None }).check()
        };
        assert!(change(true, None).is_ok() && change(false, Some("")).is_ok());
        assert!(change(false, None).is_err() && change(true, Some("a\u{202e}b")).is_err());
    }
}
