//! People of a team: how they come, what they are called, how they are stopped and how they leave.

use serde::{Deserialize, Serialize};
use sf_types::{Email, InvitationId, Name, UserId};

use crate::object::ObjectRef;
use crate::permission::Permission;
use crate::role::RoleRef;
use crate::spec::{Effect, Place, Spec, minutes};
use crate::target::{Target, TargetKind};
use crate::valid::Refused;

/// Changes to people.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "action", content = "args", deny_unknown_fields)]
pub enum UserAction {
    /// Ask somebody to join; the link is shown once.
    #[serde(rename = "user.invite")]
    Invite(Invite),
    /// Take an invitation back.
    #[serde(rename = "user.uninvite")]
    Uninvite(InvitationRef),
    /// Give a person another name.
    #[serde(rename = "user.update")]
    Update(Update),
    /// Let a person in no more, and end what they have open.
    #[serde(rename = "user.suspend")]
    Suspend(UserRef),
    /// Let a suspended person in again.
    #[serde(rename = "user.reinstate")]
    Reinstate(UserRef),
    /// End all sessions of a person.
    #[serde(rename = "user.sign_out")]
    SignOut(UserRef),
    /// Delete a person and what is kept about them.
    #[serde(rename = "user.remove")]
    Remove(UserRef),
}

/// Arguments of `user.invite`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Invite {
    /// Who: the invitation is good for this address alone.
    pub email: Email,
    /// The role they get; or else `permissions`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<RoleRef>,
    /// Single permissions they get.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<Permission>,
    /// Where they get it.
    #[serde(default)]
    pub object: ObjectRef,
}

/// One invitation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InvitationRef {
    /// Which.
    pub invitation: InvitationId,
}

/// Arguments of `user.update`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Update {
    /// Who.
    pub user: UserId,
    /// What they are called from now on.
    pub name: Name,
}

/// One person.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserRef {
    /// Who.
    pub user: UserId,
}

/// In the order of the enum.
pub const SPECS: &[Spec] = &[
    Spec {
        target: TargetKind::Tenant,
        ..spec("user.invite", "Invite a person", "Makes a link, good once within 7 days.", Permission::UserCreate, 50)
    },
    Spec {
        target: TargetKind::Invitation,
        ..spec("user.uninvite", "Take an invitation back", "Its link opens nothing.", Permission::UserCreate, 5)
    },
    Spec {
        undo: Some("user.update"),
        ..spec("user.update", "Rename a person", "Gives a person another name.", Permission::UserUpdate, 5)
    },
    Spec {
        undo: Some("user.reinstate"),
        ..spec(
            "user.suspend",
            "Suspend a person",
            "Ends their sessions and tokens at once and lets them in no more.",
            Permission::UserUpdate,
            60,
        )
    },
    Spec {
        undo: Some("user.suspend"),
        ..spec("user.reinstate", "Reinstate a person", "They may sign in again.", Permission::UserUpdate, 50)
    },
    spec("user.sign_out", "Sign a person out", "Ends all their sessions; tokens stay.", Permission::UserUpdate, 20),
    Spec {
        effect: Effect::Destroy,
        ..spec(
            "user.remove",
            "Remove a person",
            "Deletes their account, sessions, tokens and roles, and what is kept about them.",
            Permission::UserDelete,
            80,
        )
    },
];

const fn spec(name: &'static str, title: &'static str, help: &'static str, permission: Permission, risk: u8) -> Spec {
    Spec {
        name,
        title,
        help,
        permission,
        target: TargetKind::User,
        effect: Effect::Change,
        risk,
        time_limit: minutes(1),
        undo: None,
        place: Place::ControlPlane,
    }
}

impl UserAction {
    /// What is fixed about it.
    pub const fn spec(&self) -> &'static Spec {
        match self {
            Self::Invite(_) => &SPECS[0],
            Self::Uninvite(_) => &SPECS[1],
            Self::Update(_) => &SPECS[2],
            Self::Suspend(_) => &SPECS[3],
            Self::Reinstate(_) => &SPECS[4],
            Self::SignOut(_) => &SPECS[5],
            Self::Remove(_) => &SPECS[6],
        }
    }

    /// Refuses what makes no sense.
    ///
    /// # Errors
    /// [`Refused`] names the field.
    pub fn check(&self) -> Result<(), Refused> {
        let Self::Invite(args) = self else { return Ok(()) };
        match (args.role, args.permissions.is_empty()) {
            (Some(_), true) | (None, false) => Ok(()),
            _ => Err(Refused::new("role", "a role or a list of permissions is expected, one of the two")),
        }
    }

    /// What it acts on.
    pub const fn target(&self) -> Target {
        match self {
            Self::Invite(_) => Target::Tenant,
            Self::Uninvite(args) => Target::Invitation(args.invitation),
            Self::Update(args) => Target::User(args.user),
            Self::Suspend(args) | Self::Reinstate(args) | Self::SignOut(args) | Self::Remove(args) => {
                Target::User(args.user)
            }
        }
    }
}
