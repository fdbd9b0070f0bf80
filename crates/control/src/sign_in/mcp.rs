//! Who calls at the door for AI hosts (`/mcp/v1`): always an AI, whatever it came with; and how people let hosts in.
//!
//! Start reading at [`Control::consider`] (what a host asks for), then `exchange` (how it gets its tokens), `program` (who it
//! says it is), `list` (whom people have let in).

mod consent;
mod exchange;
mod list;
pub mod program;

use std::net::IpAddr;

use sf_actions::{AccessScope, Actor, ActorKind, Rights};
use sf_identity::token;
use sf_store::granted::{self, Granted};
use sf_store::tokens;
use sf_types::{Fault, Scope};

pub use self::consent::{CODE_LIFETIME, Consent, Considered, MAX_STATE_BYTES, Offered, Wish};
pub use self::exchange::{HostTokens, Redemption};
pub use self::list::Connection;
pub(crate) use self::program::Programs;
pub use self::program::{Program, Registered};
use super::bearer::{or_signed_out, signed_out};
use crate::control::Control;

/// Who calls a tool.
#[derive(Clone, Debug)]
pub struct McpCaller {
    /// An AI's actor: its rights are its person's, within what its credential was made for.
    pub actor: Actor,
    /// What it was granted, the smallest first. For an API key, the scopes it has any right of.
    pub scopes: Vec<AccessScope>,
    /// What its person or itself calls it; never trusted.
    pub client: String,
}

impl Control {
    /// Who presents this bearer text at `resource`, the address of our MCP endpoint as hosts know it, from `address`.
    ///
    /// An API key is good here, too: whomever it speaks for elsewhere, here an AI speaks by it. A session of a person is
    /// not: its tokens are for other endpoints.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthenticated`] for all that is unknown, expired, revoked, made for another endpoint or not used from
    /// there; [`ErrorKind::Forbidden`] where its person has to do something first; when the store cannot be read.
    pub async fn mcp_caller(&self, resource: &str, bearer: &str, address: Option<IpAddr>) -> Result<McpCaller, Fault> {
        if !bearer.starts_with("sf_") {
            return self.host_caller(resource, bearer, address).await;
        }
        let row = self.good_key(bearer).await?;
        let actor = self.as_ai(&row, address).await?;
        Ok(McpCaller { scopes: touched(&actor.rights), actor, client: row.name })
    }

    /// The same, by an access token that a grant of a person stands behind. All that can end is looked up: what was revoked a
    /// moment ago is refused now.
    async fn host_caller(&self, resource: &str, bearer: &str, address: Option<IpAddr>) -> Result<McpCaller, Fault> {
        let claims = self
            .core()
            .access
            .verify_host(resource, bearer, self.now())
            .map_err(|refusal| refusal.fault().fix("Ask for a token for this endpoint, or use an API key."))?;
        let row = self.key_row(claims.gid).await?.ok_or_else(signed_out)?;
        if row.revoked_at.is_some() || row.expires_at <= self.now() || row.user != claims.sub {
            return Err(signed_out());
        }
        let reader = self.core().store.read(Scope::System);
        let grant = granted::get(&reader, row.id).await.map_err(or_signed_out)?;
        Ok(McpCaller { actor: self.as_ai(&row, address).await?, scopes: scopes_of(&grant), client: row.name })
    }

    /// The AI that speaks by this row, which is good now.
    async fn as_ai(&self, row: &tokens::Token, address: Option<IpAddr>) -> Result<Actor, Fault> {
        match self.of_key_as(row, address, ActorKind::Ai { user: row.user, token: row.id }).await? {
            (actor, None) => Ok(actor),
            (_, Some(duty)) => Err(duty.fault()),
        }
    }

    /// The row of a key that is good now.
    pub(super) async fn good_key(&self, text: &str) -> Result<tokens::Token, Fault> {
        let (id, presented) = token::read(text).map_err(sf_identity::bearer::BearerRefusal::fault)?;
        let row = self.key_row(id).await?;
        let stored = row.as_ref().map(|row| token::Stored {
            hash: row.hash,
            expires_at: Some(row.expires_at),
            revoked_at: row.revoked_at,
        });
        token::check(&presented, stored.as_ref(), self.now()).map_err(sf_identity::bearer::BearerRefusal::fault)?;
        row.ok_or_else(signed_out)
    }
}

/// What was granted; a name this program does not know grants nothing.
fn scopes_of(grant: &Granted) -> Vec<AccessScope> {
    grant.scopes.0.iter().filter_map(|name| name.parse().ok()).collect()
}

/// The scopes that somebody has any right of, wherever it is: what it is worth showing them.
fn touched(rights: &Rights) -> Vec<AccessScope> {
    let held: Vec<AccessScope> = rights.anywhere().iter().map(AccessScope::of).collect();
    AccessScope::ALL.into_iter().filter(|scope| held.contains(scope)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_actions::{Object, Permission, PermissionSet};

    #[test]
    fn a_key_has_the_scopes_that_it_has_a_right_of() {
        let check = |rights: &[Permission], expected: &[AccessScope]| {
            let rights = Rights::of([(Object::Tenant, PermissionSet::of(rights))]);
            assert_eq!(touched(&rights), expected);
        };
        check(&[], &[]);
        check(&[Permission::AppView], &[AccessScope::Read]);
        check(&[Permission::AppDeploy, Permission::AppView], &[AccessScope::Read, AccessScope::Deploy]);
        check(Permission::ALL, &AccessScope::ALL);
        assert_eq!(touched(&Rights::nothing()), []);
        let limited = Rights::everywhere(PermissionSet::ALL);
        let limits = Rights::of([(Object::Tenant, PermissionSet::of(&[Permission::FileRead]))]);
        assert_eq!(touched(&limited.and(limits)), [AccessScope::Files]);
    }
}
