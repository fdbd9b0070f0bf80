//! Roles and what is given to people: who may do what, where.

pub mod built_in;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sf_types::{GrantId, Name, RoleId, UserId};

pub use built_in::BuiltIn;

use crate::object::ObjectRef;
use crate::permission::Permission;
use crate::spec::{Effect, Place, Spec, minutes};
use crate::target::{Target, TargetKind};
use crate::valid::Refused;

/// Changes to roles and to who has them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "action", content = "args", deny_unknown_fields)]
pub enum RoleAction {
    /// Make a role of the team's own.
    #[serde(rename = "role.create")]
    Create(CreateRole),
    /// Change a role of the team's own, for everybody who has it.
    #[serde(rename = "role.update")]
    Update(UpdateRole),
    /// Delete a role that nobody has.
    #[serde(rename = "role.delete")]
    Delete(RoleOnly),
    /// Give somebody a role, or single permissions, at an object.
    #[serde(rename = "role.grant")]
    Grant(Grant),
    /// Take one of these back.
    #[serde(rename = "role.withdraw")]
    Withdraw(Withdraw),
}

/// Arguments of `role.create`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateRole {
    /// What it is called, unique within the team.
    pub name: Name,
    /// For whom it is.
    #[serde(default)]
    pub description: String,
    /// What it allows.
    pub permissions: Vec<Permission>,
}

/// Arguments of `role.update`; what is left out stays.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateRole {
    /// Which.
    pub role: RoleId,
    /// Its new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// Its new description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it allows from now on, whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Vec<Permission>>,
}

/// One role of the team's own.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleOnly {
    /// Which.
    pub role: RoleId,
}

/// Arguments of `role.grant`: a role or permissions, one of the two.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Grant {
    /// To whom.
    pub user: UserId,
    /// The role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<RoleRef>,
    /// Single permissions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<Permission>,
    /// Where it holds.
    pub object: ObjectRef,
}

/// Arguments of `role.withdraw`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Withdraw {
    /// From whom.
    pub user: UserId,
    /// What.
    pub grant: GrantId,
}

/// A role by name: one of the program's, or the id of one of the team's own.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum RoleRef {
    /// Part of the program.
    BuiltIn(&'static BuiltIn),
    /// The team's own.
    Own(RoleId),
}

impl FromStr for RoleRef {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        if let Some(role) = built_in::find(text) {
            return Ok(Self::BuiltIn(role));
        }
        text.parse().map(Self::Own).map_err(|_| {
            let names: Vec<_> = built_in::ALL.iter().map(|role| role.name).collect();
            Refused::new("role", format!("{} or the id of an own role is expected", names.join(", ")))
        })
    }
}

impl TryFrom<String> for RoleRef {
    type Error = Refused;

    fn try_from(text: String) -> Result<Self, Refused> {
        text.parse()
    }
}

impl From<RoleRef> for String {
    fn from(role: RoleRef) -> Self {
        role.to_string()
    }
}

impl fmt::Display for RoleRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn(role) => f.write_str(role.name),
            Self::Own(id) => id.fmt(f),
        }
    }
}

/// Characters of a role's description at the most.
pub const MAX_DESCRIPTION: usize = 300;

impl RoleAction {
    /// What is fixed about it.
    pub const fn spec(&self) -> &'static Spec {
        match self {
            Self::Create(_) => &SPECS[0],
            Self::Update(_) => &SPECS[1],
            Self::Delete(_) => &SPECS[2],
            Self::Grant(_) => &SPECS[3],
            Self::Withdraw(_) => &SPECS[4],
        }
    }

    /// What it acts on.
    pub const fn target(&self) -> Target {
        match self {
            Self::Create(_) => Target::Tenant,
            Self::Update(args) => Target::Role(args.role),
            Self::Delete(args) => Target::Role(args.role),
            Self::Grant(args) => Target::User(args.user),
            Self::Withdraw(args) => Target::User(args.user),
        }
    }

    /// Refuses what makes no sense.
    ///
    /// # Errors
    /// [`Refused`] names the field.
    pub fn check(&self) -> Result<(), Refused> {
        match self {
            Self::Create(args) => described(&args.description).and_then(|()| some(&args.permissions)),
            Self::Update(args) => {
                args.description.as_deref().map_or(Ok(()), described)?;
                args.permissions.as_deref().map_or(Ok(()), some)
            }
            Self::Grant(args) => match (args.role, args.permissions.is_empty()) {
                (Some(_), true) | (None, false) => Ok(()),
                _ => Err(Refused::new("role", "a role or a list of permissions is expected, one of the two")),
            },
            Self::Delete(_) | Self::Withdraw(_) => Ok(()),
        }
    }
}

fn described(text: &str) -> Result<(), Refused> {
    if text.chars().count() > MAX_DESCRIPTION || text.chars().any(char::is_control) {
        return Err(Refused::new("description", format!("one line of up to {MAX_DESCRIPTION} characters is allowed")));
    }
    Ok(())
}

fn some(permissions: &[Permission]) -> Result<(), Refused> {
    if permissions.is_empty() {
        return Err(Refused::new("permissions", "a role allows something: name at least one"));
    }
    Ok(())
}

/// In the order of the enum.
pub const SPECS: &[Spec] = &[
    spec("role.create", "Create a role", "A set of permissions of the team's own.", TargetKind::Tenant, 40),
    spec("role.update", "Change a role", "Holds at once for everybody who has it.", TargetKind::Role, 60),
    Spec {
        effect: Effect::Destroy,
        ..spec("role.delete", "Delete a role", "Only where nobody has it any more.", TargetKind::Role, 30)
    },
    Spec {
        undo: Some("role.withdraw"),
        ..spec(
            "role.grant",
            "Grant a role",
            "At the team, a project, a machine, an app or a server.",
            TargetKind::User,
            60,
        )
    },
    Spec {
        undo: Some("role.grant"),
        ..spec("role.withdraw", "Withdraw a role", "Ends what it allowed within seconds.", TargetKind::User, 40)
    },
];

const fn spec(name: &'static str, title: &'static str, help: &'static str, target: TargetKind, risk: u8) -> Spec {
    Spec {
        name,
        title,
        help,
        permission: Permission::AdminRoles,
        target,
        effect: Effect::Change,
        risk,
        time_limit: minutes(1),
        undo: None,
        place: Place::ControlPlane,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_roles_and_ids_are_roles() {
        let id = "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b";
        for good in ["owner", "viewer", id] {
            assert_eq!(good.parse::<RoleRef>().unwrap().to_string(), good);
        }
        for bad in ["", "*", "null", "0", "Owner", "owner ", "root", "00000000"] {
            assert!(bad.parse::<RoleRef>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_grant_is_of_a_role_or_of_permissions() {
        let check = |args: &str, good: bool| {
            let text = format!(
                r#"{{"action":"role.grant","args":{{"user":"0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b","object":{{"kind":"tenant"}}{args}}}}}"#
            );
            let read: Result<RoleAction, _> = serde_json::from_str(&text);
            assert_eq!(read.is_ok_and(|action| action.check().is_ok()), good, "{args}");
        };
        check(r#","role":"viewer""#, true);
        check(r#","permissions":["app:view"]"#, true);
        check("", false);
        check(r#","permissions":[]"#, false);
        check(r#","role":"viewer","permissions":["app:view"]"#, false);
        check(r#","role":"*""#, false);
        check(r#","role":null"#, false);
        check(r#","permissions":["*"]"#, false);
        check(r#","permissions":["app:*"]"#, false);
        check(r#","role":"viewer","grantedBy":"me""#, false);
    }
}
