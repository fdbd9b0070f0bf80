//! Who presents a credential.

use sf_actions::{Actor, ActorKind};
use sf_identity::access::{Audience, Grant};
use sf_identity::token;
use sf_store::{StoreError, permissions, sessions, tokens, users};
use sf_types::{ErrorKind, Fault, Scope, Secret, UserId};

use crate::control::Control;

impl Control {
    /// Who presents this bearer text: an access token for `audience`, or a long-lived token.
    ///
    /// # Errors
    /// Unknown, expired, revoked, of another kind, or its person is gone.
    pub async fn authenticate(&self, audience: Audience, bearer: &str) -> Result<Actor, Fault> {
        let core = self.core();
        let reader = core.store.read(Scope::System);
        if bearer.starts_with("sf_") {
            let (id, presented) = token::read(bearer).map_err(sf_identity::bearer::BearerRefusal::fault)?;
            let row = match tokens::get(&reader, id).await {
                Ok(row) => Some(row),
                Err(StoreError::NotFound(_)) => None,
                Err(error) => return Err(error.into()),
            };
            let stored = row.as_ref().map(|row| token::Stored {
                hash: row.hash,
                expires_at: Some(row.expires_at),
                revoked_at: row.revoked_at,
            });
            token::check(&presented, stored.as_ref(), self.now()).map_err(sf_identity::bearer::BearerRefusal::fault)?;
            let row = row.ok_or_else(signed_out)?;
            return self.actor(row.user, ActorKind::Token { user: row.user, token: id }).await;
        }
        let claims = core.access.verify(audience, bearer, self.now()).map_err(|refusal| {
            Fault::new(ErrorKind::Unauthenticated, "access.refused", format!("{refusal}.")).fix("Sign in again.")
        })?;
        let session = sessions::get(&reader, claims.sid).await.map_err(or_signed_out)?;
        if session.revoked_at.is_some() || session.user != claims.sub {
            return Err(signed_out());
        }
        self.actor(claims.sub, ActorKind::Person { user: claims.sub, session: claims.sid }).await
    }

    async fn actor(&self, user: UserId, kind: ActorKind) -> Result<Actor, Fault> {
        let reader = self.core().store.read(Scope::System);
        let row = users::get(&reader, user).await.map_err(or_signed_out)?;
        if row.disabled_at.is_some() {
            return Err(signed_out());
        }
        let permissions = permissions::of_user(&reader, user).await?;
        Ok(Actor { kind, tenant: row.tenant, permissions })
    }

    /// A short-lived token for another endpoint (the event socket).
    ///
    /// # Errors
    /// When no key can sign it.
    pub fn access_for(&self, actor: &Actor, audience: Audience) -> Result<Option<Secret<String>>, Fault> {
        let ActorKind::Person { user, session } = actor.kind else { return Ok(None) };
        let grant = Grant { audience, user, session, tenant: actor.tenant };
        Ok(Some(self.core().access.issue(grant, self.now(), &self.core().rng)?))
    }
}

/// Only what is not there signs somebody out; a database that cannot answer does not.
fn or_signed_out(error: StoreError) -> Fault {
    match error {
        StoreError::NotFound(_) => signed_out(),
        other => other.into(),
    }
}

pub(super) fn signed_out() -> Fault {
    Fault::new(ErrorKind::Unauthenticated, "session.over", "This session is over.").fix("Sign in again.")
}
