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
    /// An AI agent that acts for a person, by a token of its own.
    Ai {
        /// For whom.
        user: UserId,
        /// Its token. What it proposed and how that went is known by it, so that one agent's record is not another's.
        token: TokenId,
    },
    /// A workflow that acts for who started it or switched its triggers on.
    Workflow {
        /// For whom.
        user: UserId,
        /// Which run of it.
        run: RunId,
        /// The token of the AI agent that started it: what it proposes is that agent's doing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ai: Option<TokenId>,
    },
    /// A calendar or a signed request that starts a workflow, for the person who switched its triggers on; or one that starts
    /// a deploy, for the person who set the app's hook.
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
            | Self::Ai { user, .. } => Some(user),
            Self::System => None,
        }
    }

    /// The person who asks in their own name, in a session or by a token; none where something acts for one.
    pub const fn person(self) -> Option<UserId> {
        match self {
            Self::Person { user, .. } | Self::Token { user, .. } => Some(user),
            Self::Ai { .. } | Self::Workflow { .. } | Self::Trigger { .. } | Self::System => None,
        }
    }

    /// The AI agent behind it, by its token.
    pub const fn agent(self) -> Option<TokenId> {
        match self {
            Self::Ai { token, .. } => Some(token),
            Self::Workflow { ai, .. } => ai,
            Self::Person { .. } | Self::Token { .. } | Self::Trigger { .. } | Self::System => None,
        }
    }

    /// The token that this request came with.
    pub const fn token(self) -> Option<TokenId> {
        match self {
            Self::Token { token, .. } | Self::Ai { token, .. } => Some(token),
            Self::Person { .. } | Self::Workflow { .. } | Self::Trigger { .. } | Self::System => None,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b";

    /// Runs keep who asked for them: what was written reads the same for ever.
    #[test]
    fn who_asked_is_read_as_it_was_written() {
        let check = |text: String, person: bool, agent: bool, token: bool| {
            let kind: ActorKind = serde_json::from_str(&text).unwrap();
            assert_eq!(serde_json::to_string(&kind).unwrap(), text);
            let told = (kind.person().is_some(), kind.agent().is_some(), kind.token().is_some());
            assert_eq!(told, (person, agent, token), "{text}");
        };
        check(format!(r#"{{"kind":"person","user":"{ID}","session":"{ID}"}}"#), true, false, false);
        check(format!(r#"{{"kind":"token","user":"{ID}","token":"{ID}"}}"#), true, false, true);
        check(format!(r#"{{"kind":"ai","user":"{ID}","token":"{ID}"}}"#), false, true, true);
        check(format!(r#"{{"kind":"workflow","user":"{ID}","run":"{ID}"}}"#), false, false, false);
        check(format!(r#"{{"kind":"workflow","user":"{ID}","run":"{ID}","ai":"{ID}"}}"#), false, true, false);
        check(format!(r#"{{"kind":"trigger","user":"{ID}","trigger":"{ID}"}}"#), false, false, false);
        check(r#"{"kind":"system"}"#.to_owned(), false, false, false);
        let nameless = serde_json::from_str::<ActorKind>(&format!(r#"{{"kind":"ai","user":"{ID}"}}"#));
        assert!(nameless.is_err(), "an AI without a token of its own is nobody");
    }
}
