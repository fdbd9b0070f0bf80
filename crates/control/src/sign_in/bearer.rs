//! Who presents a credential.

use std::net::IpAddr;
use std::time::Duration;

use sf_actions::access::SpeaksFor;
use sf_actions::{Actor, ActorKind, Rights};
use sf_identity::access::{Audience, Grant};
use sf_identity::csrf::{self, CsrfKey, CsrfRefusal};
use sf_identity::refresh;
use sf_store::{StoreError, sessions, tokens, users};
use sf_types::{ErrorKind, Fault, Scope, Secret, SessionId, TokenId, UserId};

use super::duty::{self, Duty};
use crate::approval::deputies;
use crate::authority;
use crate::control::Control;

/// The last use of a key is noted once in this time: 60 s.
const NOTED_EVERY: Duration = Duration::from_secs(60);

impl Control {
    /// Who presents this bearer text: an access token for `audience`, or an API key, from `address`.
    ///
    /// # Errors
    /// Unknown, expired, revoked, of another kind, from an address it may not be used from, or its person is gone;
    /// something has to be done first ([`Duty`]).
    pub async fn authenticate(
        &self,
        audience: Audience,
        bearer: &str,
        address: Option<IpAddr>,
    ) -> Result<Actor, Fault> {
        match self.authenticate_owing(audience, bearer, address).await? {
            (actor, None) => Ok(actor),
            (_, Some(duty)) => Err(duty.fault()),
        }
    }

    /// The same for the few acts that are open to who has to do something first, and what that is. Such an actor has
    /// no right at all.
    ///
    /// # Errors
    /// As [`Control::authenticate`], but for a duty.
    pub async fn authenticate_owing(
        &self,
        audience: Audience,
        bearer: &str,
        address: Option<IpAddr>,
    ) -> Result<(Actor, Option<Duty>), Fault> {
        let core = self.core();
        if bearer.starts_with("sf_") {
            let row = self.good_key(bearer).await?;
            return self.of_key(&row, address).await;
        }
        let claims = core.access.verify(audience, bearer, self.now()).map_err(|refusal| {
            Fault::new(ErrorKind::Unauthenticated, "access.refused", format!("{refusal}.")).fix("Sign in again.")
        })?;
        self.of_session(claims.sub, claims.sid).await
    }

    pub(super) async fn key_row(&self, id: TokenId) -> Result<Option<tokens::Token>, Fault> {
        match tokens::get(&self.core().store.read(Scope::System), id).await {
            Ok(row) => Ok(Some(row)),
            Err(StoreError::NotFound(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whoever a key speaks for, where it may be used from `address`.
    pub(super) async fn of_key(
        &self,
        row: &tokens::Token,
        address: Option<IpAddr>,
    ) -> Result<(Actor, Option<Duty>), Fault> {
        let kind = match row.speaks_for {
            SpeaksFor::Person => ActorKind::Token { user: row.user, token: row.id },
            SpeaksFor::Ai => ActorKind::Ai { user: row.user, token: row.id },
        };
        self.of_key_as(row, address, kind).await
    }

    /// The same, as an actor of this kind.
    pub(super) async fn of_key_as(
        &self,
        row: &tokens::Token,
        address: Option<IpAddr>,
        kind: ActorKind,
    ) -> Result<(Actor, Option<Duty>), Fault> {
        if !authority::is_from(row, address) {
            let fault = Fault::new(ErrorKind::Unauthenticated, "token.address", "This key is not used from here.");
            return Err(fault.fix("Use it from an address it was made for, or make another one."));
        }
        self.note_use(row, address).await;
        self.actor(row.user, kind).await
    }

    /// The person of a session that is not over.
    pub(super) async fn of_session(&self, user: UserId, id: SessionId) -> Result<(Actor, Option<Duty>), Fault> {
        let reader = self.core().store.read(Scope::System);
        let session = sessions::get(&reader, id).await.map_err(or_signed_out)?;
        if session.revoked_at.is_some() || session.user != user {
            return Err(signed_out());
        }
        self.actor(user, ActorKind::Person { user, session: id }).await
    }

    /// Notes when and from where a key was used, at most once in [`NOTED_EVERY`]; nobody waits for it.
    async fn note_use(&self, key: &tokens::Token, address: Option<IpAddr>) {
        if key.last_used_at.is_some_and(|last| self.now() < last.plus(NOTED_EVERY)) {
            return;
        }
        let (id, from) = (key.id, address.map(|address| address.to_canonical().to_string()));
        let note = self.core().store.write_unawaited(Scope::System, move |tx| {
            Box::pin(async move { tokens::used(tx, id, from.as_deref()).await })
        });
        note.await;
    }

    async fn actor(&self, user: UserId, kind: ActorKind) -> Result<(Actor, Option<Duty>), Fault> {
        let reader = self.core().store.read(Scope::System);
        let row = users::admitted(&reader, user).await?.ok_or_else(signed_out)?;
        let rights = authority::rights_of(&reader, kind).await.map_err(or_signed_out)?;
        // A key without limits may do what its person may, also as a deputy; one with limits, what it was made for. An
        // AI agent stands in for nobody: a deputy's rights are to decide, and to see what is decided about.
        let as_deputy = match kind {
            ActorKind::Person { .. } => true,
            ActorKind::Token { token, .. } => {
                authority::limits_of(&tokens::get(&reader, token).await.map_err(or_signed_out)?).is_none()
            }
            _ => false,
        };
        let rights = match as_deputy {
            true => deputies::rights(&reader, user, rights, self.now()).await.map_err(or_signed_out)?,
            false => rights,
        };
        let policy = &self.core().options.identity;
        let owes = match kind {
            ActorKind::Person { .. } if duty::has_run_out(&row, self.now()) => return Err(signed_out()),
            ActorKind::Person { .. } => duty::of(&reader, policy, &row).await?,
            _ => duty::of_key(&reader, policy, &row).await?,
        };
        let rights = if owes.is_some() { Rights::nothing() } else { rights };
        Ok((Actor { kind, tenant: row.tenant, rights }, owes))
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

impl Control {
    /// What our own pages show to prove that they are ours: for a cookie that they can read.
    pub fn csrf_token(&self, session: SessionId) -> String {
        CsrfKey::new(&self.core().keys.master).token(session)
    }

    /// Whether a request that a refresh cookie speaks for comes from a page that knows its session's token. What is no
    /// refresh token passes: there is nothing to protect.
    ///
    /// # Errors
    /// [`CsrfRefusal`].
    pub fn check_csrf(&self, refresh: &str, request: &csrf::Request<'_>) -> Result<(), CsrfRefusal> {
        let Ok((session, _)) = refresh::read(refresh) else { return Ok(()) };
        CsrfKey::new(&self.core().keys.master).check(request, session)
    }
}

/// Only what is not there signs somebody out; a database that cannot answer does not.
pub(super) fn or_signed_out(error: StoreError) -> Fault {
    match error {
        StoreError::NotFound(_) => signed_out(),
        other => other.into(),
    }
}

pub(super) fn signed_out() -> Fault {
    Fault::new(ErrorKind::Unauthenticated, "session.over", "This session is over.").fix("Sign in again.")
}
