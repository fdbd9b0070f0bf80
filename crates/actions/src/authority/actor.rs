//! Who proposes.

use serde::{Deserialize, Serialize};
use sf_types::{RunId, Scope, SessionId, TenantId, TokenId, TriggerId, UserId};

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
    /// A workflow that acts for who started it or switched its triggers on.
    Workflow {
        /// For whom.
        user: UserId,
        /// Which run of it.
        run: RunId,
        /// It was started by an AI agent: what it proposes is that agent's doing.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        ai: bool,
    },
    /// A calendar or a signed request that starts a workflow, for the person who switched its triggers on.
    Trigger {
        /// For whom.
        user: UserId,
        /// Which.
        trigger: TriggerId,
    },
    /// ServerFlow itself: reconcilers, undo.
    System,
}

impl ActorKind {
    /// The person behind it, where there is one.
    pub const fn user(self) -> Option<UserId> {
        match self {
            Self::Person { user, .. }
            | Self::Token { user, .. }
            | Self::Workflow { user, .. }
            | Self::Trigger { user, .. }
            | Self::Ai { user } => Some(user),
            Self::System => None,
        }
    }

    /// Whether an AI agent is behind it.
    pub const fn is_ai(self) -> bool {
        matches!(self, Self::Ai { .. } | Self::Workflow { ai: true, .. })
    }
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
        self.kind.user()
    }

    /// ServerFlow itself, with every right in one tenant.
    pub fn system(tenant: TenantId) -> Self {
        Self { kind: ActorKind::System, tenant, rights: Rights::everywhere(PermissionSet::ALL) }
    }
}
