//! Sessions: how they begin, go on and end.

use sf_actions::{Actor, ActorKind};
use sf_identity::access::{Audience, Grant, LIFETIME};
use sf_identity::bearer::Presented;
use sf_identity::refresh::{self, ABSOLUTE, Family, IDLE, RACE, Rotate};
use sf_store::audit::Entry;
use sf_store::sessions::{self, Rotation, Session};
use sf_store::{Look, StoreError, Tx, grants, users};
use sf_types::{Fault, RequestId, Scope, Secret, SessionId};

use super::bearer::signed_out;
use super::factor::signed_in_person;
use super::line::{refused, signing};
use super::{Origin, SignedIn, duty, line, lockout, wrong};
use crate::control::{Control, Core};
use crate::events;
use crate::mail::{self, letter};

/// Times a refresh is decided anew when another control plane was faster.
const MAX_RACES: u32 = 3;

impl Control {
    /// Exchanges a refresh token for the next one. A spent token ends the whole session: somebody has a copy.
    ///
    /// # Errors
    /// Unknown, expired, revoked or spent.
    pub async fn refresh(&self, text: &str, origin: Origin) -> Result<SignedIn, Fault> {
        let core = self.core().clone();
        let (id, presented) = refresh::read(text).map_err(sf_identity::bearer::BearerRefusal::fault)?;
        let mut tries = 1;
        let rotated = loop {
            let (inner, presented, origin) = (core.clone(), presented.clone(), origin.clone());
            let turned = core.store.write(Scope::System, move |tx| {
                Box::pin(async move { turn(tx, &inner, id, &presented, &origin).await })
            });
            match turned.await {
                // Another control plane was faster with the same token: what it gave out is given out here too.
                Err(StoreError::Stale(_)) if tries < MAX_RACES => tries += 1,
                turned => break turned??,
            }
        };
        let reader = core.store.read(Scope::System);
        let session = sessions::get(&reader, id).await?;
        let user = users::get(&reader, session.user).await?;
        if users::is_shut_out(&reader, &user).await? || duty::has_run_out(&user, self.now()) {
            return Err(signed_out());
        }
        self.signed_in(user, id, rotated).await
    }

    /// Ends a session. Live sockets and access tokens of it end with it.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub async fn sign_out(&self, session: SessionId) -> Result<(), Fault> {
        let core = self.core();
        let ended = core.store.write(Scope::System, move |tx| {
            Box::pin(async move {
                if !sessions::revoke(tx, session, "signed out").await? {
                    return Ok(());
                }
                let row = sessions::get(tx, session).await?;
                tx.audit(line::of_person(row.tenant, row.user, None, "session.end", 1));
                tx.publish(events::user_changed(row.tenant, row.user, "signed out"));
                Ok(())
            })
        });
        Ok(ended.await?)
    }

    /// Ends every session of the person behind an actor but the one asking; answers how many.
    ///
    /// # Errors
    /// There is no signed-in person behind it, or it cannot be recorded.
    pub async fn sign_out_elsewhere(&self, actor: &Actor, request: RequestId) -> Result<u64, Fault> {
        let (user, session) = (signed_in_person(actor)?, session_of(actor));
        let tenant = actor.tenant;
        let ended = self.core().store.write(actor.scope(), move |tx| {
            Box::pin(async move {
                let ended = sessions::revoke_all(tx, user, session, "signed out everywhere else").await?;
                tx.audit(line::of_person(tenant, user, Some(request), "session.end_others", ended));
                tx.publish(events::user_changed(tenant, user, "signed out"));
                Ok(ended)
            })
        });
        Ok(ended.await?)
    }

    /// Opens a session for somebody who has proven everything that is asked of them, by the password of this hash.
    pub(crate) async fn open_session(
        &self,
        user: users::User,
        hash: String,
        origin: Origin,
    ) -> Result<SignedIn, Fault> {
        let core = self.core().clone();
        let (inner, person) = (core.clone(), user.clone());
        let begun = core.store.write(Scope::System, move |tx| {
            Box::pin(async move {
                // What was proven a moment ago must still hold: the password may have been changed since.
                if !users::hold_password(tx, person.id, Some(&hash)).await? {
                    tx.audit(refused(&person, &origin));
                    return Ok(None);
                }
                begin(tx, &inner, &person, &origin, "password").await.map(Some)
            })
        });
        let (id, token) = begun.await?.ok_or_else(wrong)?;
        core.mail.posted();
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
        let reader = core.store.read(Scope::System);
        let rights = grants::rights_of(&reader, user.id).await?;
        let owes = duty::of(&reader, &core.options.identity, &user).await?;
        let permissions = if owes.is_some() { Vec::new() } else { rights.in_tenant().iter().collect() };
        let access_expires_at = self.now().plus(LIFETIME);
        Ok(SignedIn { user, permissions, access, access_expires_at, refresh, session, owes })
    }
}

/// The session an actor asks through.
const fn session_of(actor: &Actor) -> Option<SessionId> {
    match actor.kind {
        ActorKind::Person { session, .. } => Some(session),
        _ => None,
    }
}

/// Decides on a presented token and keeps what follows. A refusal is a value, so that a revocation is stored.
async fn turn(
    tx: &mut Tx,
    core: &Core,
    id: SessionId,
    presented: &Presented,
    origin: &Origin,
) -> sf_store::Result<Result<Secret<String>, Fault>> {
    let row = match sessions::get(tx, id).await {
        Ok(row) => Some(row),
        Err(StoreError::NotFound(_)) => None,
        Err(error) => return Err(error),
    };
    let family = row.as_ref().map(family_of);
    Ok(match core.people.refresh.rotate(family.as_ref(), presented, tx.now()) {
        Rotate::Rotated { token, family } => {
            let to = Rotation {
                from_generation: family.generation - 1,
                current_hash: family.current,
                previous_hash: family.previous.unwrap_or_default(),
                previous_valid_until: tx.now().plus(RACE),
                idle_expires_at: tx.now().plus(IDLE),
            };
            sessions::rotate(tx, id, &to).await?;
            Ok(token)
        }
        Rotate::Grace { token } => Ok(token),
        Rotate::Reuse => {
            sessions::revoke(tx, id, "a spent refresh token was used").await?;
            let user = row.map(|row| (row.tenant, row.user));
            tx.audit(signing(user, "", origin, "session.reuse", "revoked"));
            Err(signed_out())
        }
        Rotate::Refused(refusal) => Err(refusal.fault()),
    })
}

/// Begins a session in the transaction that took its proof and holds the password ([`users::hold_password`]), so that
/// who changes it ends this session too. The account and its network are free again.
pub(super) async fn begin(
    tx: &mut Tx,
    core: &Core,
    user: &users::User,
    origin: &Origin,
    by: &str,
) -> sf_store::Result<(SessionId, Secret<String>)> {
    // Who was suspended since the proof was looked at does not come in by it. Asked by a change of their row, so that
    // a suspension beside waits, and then ends this session too.
    users::signed_in(tx, user.id).await.map_err(|error| match error {
        StoreError::NotFound(_) => signed_out().into(),
        other => other,
    })?;
    if users::admitted(tx, user.id).await?.is_none() {
        return Err(signed_out().into());
    }
    if user.last_sign_in_at.is_some() && !lockout::is_known(tx, user.id, origin.address).await? {
        write_of_new_network(tx, core, user, origin);
    }
    let id: SessionId = tx.new_id();
    let (token, family) = core.people.refresh.start(id, tx.now(), &core.rng);
    sessions::create(tx, &session_row(user, &family, origin)).await?;
    lockout::succeeded(tx, &user.email, origin.address).await?;
    let line = signing(Some((user.tenant, user.id)), &user.email, origin, "session.open", "succeeded");
    tx.audit(Entry { fields: vec![("method", by.to_owned())], ..line });
    Ok((id, token))
}

/// Where nobody has signed in as them before, the owner hears of it. By the network alone: a thief names the browser
/// they like.
fn write_of_new_network(tx: &mut Tx, core: &Core, user: &users::User, origin: &Origin) {
    let program = origin.user_agent.as_deref().unwrap_or("another program");
    let what = format!("Somebody signed in as you with {program} from {}, where you never did before.", origin.address);
    let letter = letter::notice(&user.email, &user.name, "A sign-in from a new network", &what, tx.now());
    mail::post(tx, core, "notice", &letter);
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
