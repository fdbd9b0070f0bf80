//! Who proposes.

use serde::{Deserialize, Serialize};
use sf_types::{Scope, SessionId, TenantId, TokenId, UserId};

use crate::permission::{Permission, PermissionSet};
use crate::rights::{Rights, Standing};

/// An authenticated principal with its rights in one tenant. Built by the edge from a credential, never from a
/// request body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Actor {
    /// What kind of principal.
    pub kind: ActorKind,
    /// The tenant it acts in.
    pub tenant: TenantId,
    /// What it may do there, and where.
    pub rights: Rights,
}

/// What kind of principal.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum ActorKind {
    /// A person in a browser or CLI session.
    Person {
        /// Who.
        user: UserId,
        /// Through which session.
        session: SessionId,
    },
    /// A person through a long-lived token.
    Token {
        /// Whose.
        user: UserId,
        /// Which.
        token: TokenId,
    },
    /// An AI agent that acts for a person.
    Ai {
        /// For whom.
        user: UserId,
    },
    /// ServerFlow itself: schedules, reconcilers, undo.
    System,
}

impl Actor {
    /// Whether it has the right in the whole tenant.
    pub fn may(&self, permission: Permission) -> bool {
        self.rights.in_tenant().has(permission)
    }

    /// Whether it has the right for what stands there.
    pub fn may_at(&self, permission: Permission, standing: &Standing) -> bool {
        self.rights.at(standing).has(permission)
    }

    /// The scope its requests are bound to.
    pub const fn scope(&self) -> Scope {
        Scope::Tenant(self.tenant)
    }

    /// The person behind it, where there is one.
    pub const fn user(&self) -> Option<UserId> {
        match self.kind {
            ActorKind::Person { user, .. } | ActorKind::Token { user, .. } | ActorKind::Ai { user } => Some(user),
            ActorKind::System => None,
        }
    }

    /// ServerFlow itself, with every right in one tenant.
    pub fn system(tenant: TenantId) -> Self {
        Self { kind: ActorKind::System, tenant, rights: Rights::everywhere(PermissionSet::ALL) }
    }
}
