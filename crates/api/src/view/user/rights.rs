//! Roles, what people were given, and why they may do something.

use serde::Serialize;
use sf_actions::role::RoleRef;
use sf_actions::{ObjectRef, Permission, PermissionSet};
use sf_control::rights::{AccessAt, Answer, NamedGrant, RoleInUse};
use sf_store::grants::Given;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::view::Time;

/// An object that rights are given at.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Object)]
pub struct ObjectView {
    /// `tenant`, `project`, `node`, `app` or `server`.
    pub kind: String,
    /// Its id; null for the team.
    pub id: Option<String>,
    /// Its name; null for the team and for what is gone.
    pub name: Option<String>,
}

/// A role.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Role)]
pub struct RoleView {
    /// Name of a built-in one, id of the team's own.
    pub id: String,
    /// What a person reads.
    pub title: String,
    /// For whom it is.
    pub description: String,
    /// Whether it is part of the program and cannot be changed.
    pub built_in: bool,
    /// What it allows.
    pub permissions: Vec<String>,
    /// How many people have it.
    pub people: u64,
}

/// One thing that somebody was given at one object.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Grant)]
pub struct GrantView {
    /// Its id.
    pub id: Uuid,
    /// The role: a built-in name or an id; null for a single permission.
    pub role: Option<String>,
    /// What a person reads for it.
    pub role_title: Option<String>,
    /// What it allows now.
    pub permissions: Vec<String>,
    /// Where.
    pub object: ObjectView,
    /// Who gave it; null for the first administrator.
    pub granted_by: Option<Uuid>,
    /// When; null where it is not known.
    pub created_at: Option<Time>,
}

/// What somebody may do at an object: every permission, and where it comes from.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Access)]
pub struct AccessView {
    /// Where.
    pub object: ObjectView,
    /// Every permission there is.
    pub permissions: Vec<AccessRow>,
}

/// One permission of somebody at an object.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessRow {
    /// `app:deploy`.
    pub permission: String,
    /// Whether they have it there.
    pub allowed: bool,
    /// What gives it to them.
    pub from: Vec<AccessSource>,
}

/// What gives somebody a permission.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessSource {
    /// Which grant.
    pub grant_id: Uuid,
    /// The role in it; null for a single permission.
    pub role: Option<String>,
    /// Where that was given.
    pub object: ObjectView,
}

/// Whether one may do something.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AccessAnswer)]
pub struct AnswerView {
    /// Whether one may.
    pub allowed: bool,
    /// In words.
    pub because: String,
    /// People who could give it.
    pub grantable_by: Vec<GiverView>,
}

/// Somebody who could give a permission.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GiverView {
    /// Who.
    pub id: Uuid,
    /// Their name.
    pub name: String,
}

fn names(permissions: PermissionSet) -> Vec<String> {
    permissions.iter().map(|permission| permission.name().to_owned()).collect()
}

impl ObjectView {
    /// As it is stored, without a name.
    pub(crate) fn stored(kind: &str, id: &str) -> Self {
        Self { kind: kind.to_owned(), id: Some(id.to_owned()).filter(|id| !id.is_empty()), name: None }
    }

    fn of(object: ObjectRef, name: Option<String>) -> Self {
        Self { kind: object.kind().to_owned(), id: Some(object.id()).filter(|id| !id.is_empty()), name }
    }
}

impl From<RoleInUse> for RoleView {
    fn from(role: RoleInUse) -> Self {
        match role {
            RoleInUse::BuiltIn(role, people) => Self {
                id: role.name.to_owned(),
                title: role.title.to_owned(),
                description: role.help.to_owned(),
                built_in: true,
                permissions: names(role.permissions),
                people,
            },
            RoleInUse::Own(role, people) => Self {
                id: role.id.to_string(),
                permissions: names(role.permissions()),
                title: role.name,
                description: role.description,
                built_in: false,
                people,
            },
        }
    }
}

impl GrantView {
    /// A grant with the names in it.
    pub fn of(named: NamedGrant) -> Self {
        let NamedGrant { grant, object, role: role_title } = named;
        let role = match grant.given {
            Given::Role(role @ (RoleRef::BuiltIn(_) | RoleRef::Own(_))) => Some(role.to_string()),
            Given::Permission(_) => None,
        };
        Self {
            id: grant.id.uuid(),
            role,
            role_title,
            permissions: names(grant.permissions),
            object: ObjectView::of(grant.object, object),
            granted_by: grant.granted_by.map(|user| user.uuid()),
            created_at: Some(grant.created_at).filter(|at| *at != sf_types::Timestamp::EPOCH).map(Time),
        }
    }
}

impl From<AccessAt> for AccessView {
    fn from(access: AccessAt) -> Self {
        let row = |permission: Permission| {
            let giving = access.reaching.iter().filter(|named| named.grant.permissions.has(permission));
            let from: Vec<_> = giving.cloned().map(GrantView::of).collect();
            AccessRow {
                permission: permission.name().to_owned(),
                allowed: !from.is_empty(),
                from: from
                    .into_iter()
                    .map(|grant| AccessSource { grant_id: grant.id, role: grant.role_title, object: grant.object })
                    .collect(),
            }
        };
        let permissions = Permission::ALL.iter().copied().map(row).collect();
        Self { object: ObjectView::of(access.object, access.name.clone()), permissions }
    }
}

impl AnswerView {
    /// The answer about one permission.
    pub fn of(permission: Permission, answer: Answer) -> Self {
        let because = match (answer.allowed, answer.givers.is_empty()) {
            (true, _) => format!("You have `{permission}` there."),
            (false, false) => format!("You do not have `{permission}` there; these people could give it to you."),
            (false, true) => format!("You do not have `{permission}` there, and nobody here could give it to you."),
        };
        let giver = |person: sf_store::users::User| GiverView { id: person.id.uuid(), name: person.name };
        Self { allowed: answer.allowed, because, grantable_by: answer.givers.into_iter().map(giver).collect() }
    }
}
