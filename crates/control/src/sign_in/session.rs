//! Sessions: how they begin, go on and end.

use sf_identity::access::{Audience, Grant, LIFETIME};
use sf_identity::refresh;
use sf_identity::refresh::{ABSOLUTE, Family, IDLE, RACE, Rotate};
use sf_store::sessions::{self, Rotation, Session};
use sf_store::{Look, StoreError, grants, users};
use sf_types::{Fault, Scope, Secret, SessionId};

use super::bearer::signed_out;
use super::line::signing;
use super::{Origin, SignedIn};
use crate::control::Control;

impl Control {
    /// Exchanges a refresh token for the next one. A spent token ends the whole session: somebody has a copy.
    ///
    /// # Errors
    /// Unknown, expired, revoked or spent.
    pub async fn refresh(&self, text: &str, origin: Origin) -> Result<SignedIn, Fault> {
        let core = self.core().clone();
        let (id, _) = refresh::read(text).map_err(sf_identity::bearer::BearerRefusal::fault)?;
        let (text, inner) = (text.to_owned(), core.clone());
        let rotated = core
            .store
            .write(Scope::System, move |tx| {
                Box::pin(async move {
                    let Ok((_, presented)) = refresh::read(&text) else { return Ok(Err(signed_out())) };
                    let row = match sessions::get(tx, id).await {
                        Ok(row) => Some(row),
                        Err(StoreError::NotFound(_)) => None,
                        Err(error) => return Err(error),
                    };
                    let family = row.as_ref().map(family_of);
                    match inner.people.refresh.rotate(family.as_ref(), &presented, tx.now()) {
                        Rotate::Rotated { token, family } => {
                            let to = Rotation {
                                from_generation: family.generation - 1,
                                current_hash: family.current,
                                previous_hash: family.previous.unwrap_or_default(),
                                previous_valid_until: tx.now().plus(RACE),
                                idle_expires_at: tx.now().plus(IDLE),
                            };
                            sessions::rotate(tx, id, &to).await?;
                            Ok(Ok(token))
                        }
                        Rotate::Grace { token } => Ok(Ok(token)),
                        Rotate::Reuse => {
                            sessions::revoke(tx, id, "a spent refresh token was used").await?;
                            let user = row.map(|row| (row.tenant, row.user));
                            tx.audit(signing(user, "", &origin, "session.reuse", "revoked"));
                            Ok(Err(signed_out()))
                        }
                        Rotate::Refused(refusal) => Ok(Err(refusal.fault())),
                    }
                })
            })
            .await??;
        let reader = core.store.read(Scope::System);
        let session = sessions::get(&reader, id).await?;
        let user = users::get(&reader, session.user).await?;
        self.signed_in(user, id, rotated).await
    }

    /// Ends a session. Live sockets and access tokens of it end within seconds.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub async fn sign_out(&self, session: SessionId) -> Result<(), Fault> {
        let core = self.core();
        core.store
            .write(Scope::System, move |tx| {
                Box::pin(async move { sessions::revoke(tx, session, "signed out").await.map(drop) })
            })
            .await?;
        Ok(())
    }

    pub(crate) async fn open_session(&self, user: users::User, origin: Origin) -> Result<SignedIn, Fault> {
        let core = self.core();
        let id: SessionId = core.rng.id(&core.clock);
        let (token, family) = core.people.refresh.start(id, self.now(), &core.rng);
        let row = session_row(&user, &family, &origin);
        let person = user.clone();
        core.store
            .write(Scope::System, move |tx| {
                Box::pin(async move {
                    sessions::create(tx, &row).await?;
                    users::signed_in(tx, person.id).await?;
                    tx.audit(signing(
                        Some((person.tenant, person.id)),
                        &person.email,
                        &origin,
                        "session.open",
                        "succeeded",
                    ));
                    Ok(())
                })
            })
            .await?;
        self.signed_in(user, id, token).await
    }

    pub(super) async fn signed_in(
        &self,
        user: users::User,
        session: SessionId,
        refresh: Secret<String>,
    ) -> Result<SignedIn, Fault> {
        let core = self.core();
        let grant = Grant { audience: Audience::Api, user: user.id, session, tenant: user.tenant };
        let access = core.access.issue(grant, self.now(), &core.rng)?;
        let rights = grants::rights_of(&core.store.read(Scope::System), user.id).await?;
        let permissions = rights.in_tenant().iter().collect();
        let access_expires_at = self.now().plus(LIFETIME);
        Ok(SignedIn { user, permissions, access, access_expires_at, refresh, session })
    }
}

fn session_row(user: &users::User, family: &Family, origin: &Origin) -> Session {
    Session {
        id: family.session,
        tenant: user.tenant,
        user: user.id,
        kind: origin.kind,
        generation: family.generation,
        current_hash: family.current,
        previous_hash: None,
        previous_valid_until: None,
        created_at: family.created_at,
        last_used_at: family.created_at,
        idle_expires_at: family.created_at.plus(IDLE),
        expires_at: family.created_at.plus(ABSOLUTE),
        revoked_at: None,
        revoke_reason: None,
        user_agent_family: origin.user_agent.clone(),
        ip: Some(origin.address.to_string()),
    }
}

fn family_of(row: &Session) -> Family {
    Family {
        session: row.id,
        generation: row.generation,
        current: row.current_hash,
        previous: row.previous_hash,
        created_at: row.created_at,
        rotated_at: row.last_used_at,
        revoked_at: row.revoked_at,
    }
}
