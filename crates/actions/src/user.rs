//! People of a team: how they come, what they are called, how they are stopped and how they leave.

use serde::{Deserialize, Serialize};
use sf_types::{AppId, Email, InvitationId, Name, NodeId, ProjectId, ServerId, UserId};

use crate::permission::Permission;
use crate::spec::{Effect, Place, Spec, minutes};
use crate::target::{Target, TargetKind};
use crate::valid::Refused;

/// Characters of a role's name or id at the most.
pub const MAX_ROLE_CHARS: usize = 64;

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
    /// The role they get: the name of a built-in one, or the id of an own one.
    pub role: String,
    /// Where they get it.
    #[serde(default)]
    pub object: RoleObject,
}

/// Where a role is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "camelCase", deny_unknown_fields)]
pub enum RoleObject {
    /// In the whole team.
    #[default]
    Tenant,
    /// In one project.
    Project(ProjectId),
    /// On one machine.
    Node(NodeId),
    /// On one app.
    App(AppId),
    /// On one server of the panel.
    Server(ServerId),
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

    /// Refuses what names no role.
    ///
    /// # Errors
    /// [`Refused`] names the field.
    pub fn check(&self) -> Result<(), Refused> {
        let Self::Invite(invite) = self else { return Ok(()) };
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if invite.role.is_empty() || invite.role.len() > MAX_ROLE_CHARS || !invite.role.chars().all(is_word) {
            return Err(Refused::new("role", "it is the name of a built-in role, or the id of one of your own"));
        }
        Ok(())
    }
}

impl RoleObject {
    /// Kind and id as stored; the team as a whole has no id.
    pub fn words(self) -> (&'static str, String) {
        match self {
            Self::Tenant => ("tenant", String::new()),
            Self::Project(id) => ("project", id.to_string()),
            Self::Node(id) => ("node", id.to_string()),
            Self::App(id) => ("app", id.to_string()),
            Self::Server(id) => ("server", id.to_string()),
        }
    }

    /// Reads [`Self::words`] back.
    pub fn from_words(kind: &str, id: &str) -> Option<Self> {
        Some(match kind {
            "tenant" if id.is_empty() => Self::Tenant,
            "project" => Self::Project(id.parse().ok()?),
            "node" => Self::Node(id.parse().ok()?),
            "app" => Self::App(id.parse().ok()?),
            "server" => Self::Server(id.parse().ok()?),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_read_back_and_roles_are_words() {
        let id = "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b";
        for kind in ["project", "node", "app", "server"] {
            let object = RoleObject::from_words(kind, id).unwrap();
            assert_eq!(object.words(), (kind, id.to_owned()));
            let json = serde_json::to_value(object).unwrap();
            assert_eq!(json, serde_json::json!({ "kind": kind, "id": id }));
            assert_eq!(serde_json::from_value::<RoleObject>(json).unwrap(), object);
        }
        assert_eq!(serde_json::to_value(RoleObject::Tenant).unwrap(), serde_json::json!({ "kind": "tenant" }));
        for (kind, id) in [("tenant", id), ("", ""), ("app", ""), ("app", "*"), ("apps", id)] {
            assert_eq!(RoleObject::from_words(kind, id), None, "{kind} {id}");
        }
        for (role, good) in [("owner", true), (id, true), ("", false), ("*", false), ("Owner", false), ("a b", false)] {
            let invite =
                Invite { email: "a@example.org".parse().unwrap(), role: role.to_owned(), object: RoleObject::Tenant };
            assert_eq!(UserAction::Invite(invite).check().is_ok(), good, "{role}");
        }
    }
}
