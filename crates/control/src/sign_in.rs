//! People and their credentials: the first administrator, sign-in, sessions, tokens. The only place that turns a
//! credential into an [`Actor`].

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use sf_actions::{Actor, ActorKind, Permission};
use sf_identity::access::{Audience, Grant, LIFETIME};
use sf_identity::password::Cost;
use sf_identity::refresh::{ABSOLUTE, Family, IDLE, RACE, RefreshKey, Rotate};
use sf_identity::setup::{CodeAnswer, SetupKey, StoredCode};
use sf_identity::throttle::{ACCOUNT, ADDRESS, SignInThrottle};
use sf_identity::{IdentityError, MasterKey, Passwords, Verified, refresh, token};
use sf_protocol::wire::{decode_base64, encode_base64};
use sf_runtime::Rng;
use sf_store::audit::{Entry, Personal};
use sf_store::sessions::{self, Rotation, Session, SessionKind};
use sf_store::{Look, Store, StoreError, Tx, meta, permissions, tenants, tokens, users};
use sf_types::{ErrorKind, Fault, RequestId, Scope, Secret, SessionId, TenantId, Timestamp, UserId};

use crate::control::Control;

/// What signing people in needs besides the store.
#[derive(Debug)]
pub(crate) struct People {
    pub(crate) passwords: Passwords,
    refresh: RefreshKey,
    setup: SetupKey,
    throttle: Mutex<SignInThrottle>,
}

/// From where and with what somebody signs in.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Their address.
    pub address: IpAddr,
    /// Family of their browser or program, for the list of sessions.
    pub user_agent: Option<String>,
    /// The correlation id.
    pub request: RequestId,
    /// Browser or command line.
    pub kind: SessionKind,
}

/// An open session.
#[derive(Debug)]
pub struct SignedIn {
    /// The person.
    pub user: users::User,
    /// What they may do.
    pub permissions: Vec<Permission>,
    /// For `Authorization: Bearer`.
    pub access: Secret<String>,
    /// Until when.
    pub access_expires_at: Timestamp,
    /// For the cookie, or the command line's file.
    pub refresh: Secret<String>,
    /// The session.
    pub session: SessionId,
}

impl People {
    pub(crate) fn new(cost: Cost, master: &MasterKey, rng: &Rng) -> Result<Self, IdentityError> {
        Ok(Self {
            passwords: Passwords::new(cost, 0, rng)?,
            refresh: RefreshKey::new(master),
            setup: SetupKey::new(master),
            throttle: Mutex::new(SignInThrottle::new(ACCOUNT, ADDRESS)),
        })
    }

    pub(crate) fn attempt(&self, account: &str, address: IpAddr, now: Timestamp) -> Result<(), IdentityError> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner).attempt(account, address, now)
    }

    pub(crate) fn succeeded(&self, account: &str, address: IpAddr) {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner).succeeded(account, address);
    }
}

impl Control {
    /// Whether there is nobody yet.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn needs_setup(&self) -> Result<bool, Fault> {
        Ok(users::count(&self.core().store.read(Scope::System)).await? == 0)
    }

    /// Makes a set-up code, in place of an older one. To be printed once.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub async fn new_setup_code(&self) -> Result<Secret<String>, Fault> {
        let core = self.core();
        let (code, stored) = core.people.setup.issue(self.now(), &core.rng);
        let line = write_code(&stored);
        core.store.write(Scope::System, move |tx| Box::pin(async move { meta::set(tx, CODE, &line).await })).await?;
        Ok(code)
    }

    /// Makes the first administrator with the set-up code.
    ///
    /// # Errors
    /// A wrong or used code, a weak password, or somebody was faster.
    pub async fn set_up(
        &self,
        code: &str,
        email: &str,
        name: &str,
        password: Secret<String>,
        origin: Origin,
    ) -> Result<SignedIn, Fault> {
        let core = self.core().clone();
        core.people.attempt("setup", origin.address, self.now())?;
        let hash = core.people.passwords.hash(&password, &[email, name]).await?;
        let (code, email, name) = (code.to_owned(), email.to_owned(), name.to_owned());
        let inner = core.clone();
        let user = core
            .store
            .write(Scope::System, move |tx| {
                Box::pin(async move {
                    if let Err(fault) = spend_code(tx, &inner.people.setup, &code).await? {
                        return Ok(Err(fault));
                    }
                    first_administrator(tx, &email, &name, &hash).await.map(Ok)
                })
            })
            .await??;
        self.open_session(user, origin).await
    }

    /// Makes the first administrator without a code: for the local command that owns the data folder.
    ///
    /// # Errors
    /// A weak password, or there is somebody already.
    pub async fn first_admin(&self, email: &str, name: &str, password: Secret<String>) -> Result<UserId, Fault> {
        let core = self.core();
        let hash = core.people.passwords.hash(&password, &[email, name]).await?;
        let (email, name) = (email.to_owned(), name.to_owned());
        let make = core.store.write(Scope::System, move |tx| {
            Box::pin(async move { first_administrator(tx, &email, &name, &hash).await })
        });
        Ok(make.await?.id)
    }

    /// Signs in. Answers and time are the same for unknown accounts and wrong passwords.
    ///
    /// # Errors
    /// Wrong, disabled, or tried too often.
    pub async fn sign_in(&self, email: &str, password: Secret<String>, origin: Origin) -> Result<SignedIn, Fault> {
        let core = self.core();
        let account: String = users::normalise_email(email).chars().take(MAX_EMAIL_CHARS).collect();
        core.people.attempt(&account, origin.address, self.now())?;
        let reader = core.store.read(Scope::System);
        let user = users::by_email(&reader, &account).await?.filter(|user| user.disabled_at.is_none());
        let stored = match &user {
            Some(user) => users::password(&reader, user.id).await?,
            None => None,
        };
        let verified = core.people.passwords.verify(&password, stored.as_deref()).await?;
        match (verified, user) {
            (Verified::Right { .. }, Some(user)) => {
                core.people.succeeded(&account, origin.address);
                self.open_session(user, origin).await
            }
            (_, user) => {
                let known = user.map(|user| (user.tenant, user.id));
                core.store
                    .write(Scope::System, move |tx| {
                        Box::pin(async move {
                            tx.audit(signing(known, &account, &origin, "session.open", "refused"));
                            Ok(())
                        })
                    })
                    .await?;
                Err(Fault::new(ErrorKind::Unauthenticated, "sign_in.wrong", "Address or password is wrong.")
                    .fix("If the password is lost, run `serverflow admin reset-password` on the control plane."))
            }
        }
    }

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

    async fn signed_in(
        &self,
        user: users::User,
        session: SessionId,
        refresh: Secret<String>,
    ) -> Result<SignedIn, Fault> {
        let core = self.core();
        let grant = Grant { audience: Audience::Api, user: user.id, session, tenant: user.tenant };
        let access = core.access.issue(grant, self.now(), &core.rng)?;
        let permissions = permissions::of_user(&core.store.read(Scope::System), user.id).await?;
        let access_expires_at = self.now().plus(LIFETIME);
        Ok(SignedIn { user, permissions, access, access_expires_at, refresh, session })
    }
}

/// Gives somebody a new password and ends all their sessions: for the forgetful, on the data folder.
///
/// # Errors
/// No such person, or it cannot be recorded.
pub async fn reset_password(store: &Store, rng: &Rng, email: Option<&str>) -> Result<(String, Secret<String>), Fault> {
    let reader = store.read(Scope::System);
    let user = match email {
        Some(email) => users::by_email(&reader, email).await?,
        None => users::page(&reader, None, &sf_types::PageRequest::default()).await?.items.pop(),
    };
    let user = user.ok_or_else(|| crate::subject::missing("user", email.unwrap_or("")))?;
    let password = sf_identity::password::generate(rng);
    let hash = Passwords::new(Cost::default(), 1, rng)?.hash(&password, &[]).await?;
    let id = user.id;
    store
        .write(Scope::System, move |tx| {
            Box::pin(async move {
                users::set_password(tx, id, &hash).await?;
                sessions::revoke_all(tx, id, None, "the password was reset").await.map(drop)
            })
        })
        .await?;
    Ok((user.email, password))
}

const CODE: &str = "setup_code";
/// Characters of a mail address that are looked at. Source: RFC 5321, section 4.5.3.1.3.
const MAX_EMAIL_CHARS: usize = 254;

fn write_code(code: &StoredCode) -> String {
    let used = code.used_at.map_or(0, Timestamp::as_millis);
    format!("{} {} {} {used}", encode_base64(&code.hash), code.attempts, code.expires_at.as_millis())
}

fn read_code(line: &str) -> Option<StoredCode> {
    let mut parts = line.split(' ');
    let hash = decode_base64(parts.next()?).ok()?.try_into().ok()?;
    let attempts = parts.next()?.parse().ok()?;
    let expires_at = Timestamp::from_millis(parts.next()?.parse().ok()?);
    let used: i64 = parts.next()?.parse().ok()?;
    Some(StoredCode { hash, attempts, expires_at, used_at: (used != 0).then(|| Timestamp::from_millis(used)) })
}

/// Uses the code up, or counts a wrong one. A refusal is a value, so that the count is stored.
async fn spend_code(tx: &mut Tx, key: &SetupKey, typed: &str) -> sf_store::Result<Result<(), Fault>> {
    let stored = meta::get(tx, CODE).await?.as_deref().and_then(read_code);
    let mut stored =
        stored.unwrap_or(StoredCode { hash: [0; 32], attempts: u32::MAX, expires_at: Timestamp::EPOCH, used_at: None });
    let answer = key.check(&stored, typed, tx.now());
    if answer == CodeAnswer::Right {
        stored.used_at = Some(tx.now());
    } else {
        stored.attempts = stored.attempts.saturating_add(1);
    }
    meta::set(tx, CODE, &write_code(&stored)).await?;
    Ok(answer.fault().map_or(Ok(()), Err))
}

async fn first_administrator(tx: &mut Tx, email: &str, name: &str, hash: &str) -> sf_store::Result<users::User> {
    if users::count(tx).await? > 0 {
        let fault = Fault::new(ErrorKind::Conflict, "setup.done", "There is an administrator already.");
        return Err(fault.fix("Sign in, or run `serverflow admin reset-password`.").into());
    }
    let (tenant, _) = tenants::ensure_default(tx, "default").await?;
    let user = users::create(tx, tenant.id, email, name).await?;
    users::set_password(tx, user.id, hash).await?;
    permissions::grant(tx, user.id, Permission::ALL).await?;
    Ok(user)
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

/// An audit line about signing in; the address and the network address are committed to, and can be erased.
pub(crate) fn signing(
    user: Option<(TenantId, UserId)>,
    email: &str,
    origin: &Origin,
    action: &str,
    outcome: &str,
) -> Entry {
    let subject = user.map_or_else(|| "unknown".to_owned(), |(_, user)| user.to_string());
    let personal = |field, value: String| Personal { field, subject: subject.clone(), value };
    Entry {
        tenant: user.map(|(tenant, _)| tenant),
        project: None,
        actor_kind: "person".to_owned(),
        actor_ref: subject.clone(),
        action: action.to_owned(),
        target_kind: "user".to_owned(),
        target_id: subject.clone(),
        run: None,
        request: Some(origin.request),
        outcome: outcome.to_owned(),
        fields: Vec::new(),
        personal: vec![personal("email", email.to_owned()), personal("ip", origin.address.to_string())],
    }
}

/// Only what is not there signs somebody out; a database that cannot answer does not.
fn or_signed_out(error: StoreError) -> Fault {
    match error {
        StoreError::NotFound(_) => signed_out(),
        other => other.into(),
    }
}

fn signed_out() -> Fault {
    Fault::new(ErrorKind::Unauthenticated, "session.over", "This session is over.").fix("Sign in again.")
}
