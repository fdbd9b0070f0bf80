//! A CLI shows a code, a person who is signed in approves it, and the CLI fetches its session once.

use std::time::Duration;

use sf_actions::Actor;
use sf_identity::bearer::{self, BearerKind, BearerRefusal, Presented};
use sf_identity::device::{DeviceKey, INTERVAL_SECS, LIFETIME, SLOW_DOWN_SECS};
use sf_identity::throttle::CODES;
use sf_store::cli_logins::{self, CliLogin, CliLoginState};
use sf_store::lockout::Subject;
use sf_store::{Look, StoreError, Tx, lockout as counters, sessions, users};
use sf_types::{CliLoginId, ErrorKind, Fault, Name, Scope, Secret, SessionId, Timestamp, UserId};

use super::bearer::{or_signed_out, signed_out};
use super::factor::signed_in_person;
use super::line::signing;
use super::{Origin, SignedIn, lockout, session};
use crate::control::{Control, Core};
use crate::people::passwords::own_session;

/// What a CLI is told when it begins.
#[derive(Debug)]
pub struct DeviceLogin {
    /// With this it asks.
    pub device_code: Secret<String>,
    /// This it shows.
    pub user_code: Secret<String>,
    /// Until when both are good.
    pub expires_at: Timestamp,
    /// Seconds between two questions.
    pub interval_secs: u32,
}

/// The answer to a CLI that asks.
#[derive(Debug)]
pub enum Polled {
    /// Somebody approved; this is its session, once.
    SignedIn(Box<SignedIn>),
    /// Not now, or not any more.
    Refused(Fault),
}

/// What became of a question, in its transaction.
enum Asked {
    Begun(users::User, SessionId, Secret<String>),
    Refused(Fault),
}

impl Control {
    /// Begins a sign-in by code.
    ///
    /// # Errors
    /// Too many programs wait.
    pub async fn begin_device_login(&self, client: &Name, origin: Origin) -> Result<DeviceLogin, Fault> {
        let core = self.core().clone();
        let id: CliLoginId = core.rng.id(&core.clock);
        let (device_code, device_hash) = bearer::issue(BearerKind::Device, id.uuid(), &core.rng);
        let user_code = DeviceKey::generate(&core.rng);
        let expires_at = self.now().plus(LIFETIME);
        let row = CliLogin {
            id,
            tenant: None,
            user: None,
            device_hash,
            user_hash: core.people.device.hash(user_code.expose()),
            client: client.to_string(),
            address: origin.address.to_string(),
            state: CliLoginState::Pending,
            interval_secs: INTERVAL_SECS,
            polled_at: None,
            created_at: self.now(),
            expires_at,
        };
        core.store.write(Scope::System, move |tx| Box::pin(async move { cli_logins::create(tx, &row).await })).await?;
        Ok(DeviceLogin { device_code, user_code, expires_at, interval_secs: INTERVAL_SECS })
    }

    /// Answers a CLI that asks whether somebody approved.
    ///
    /// # Errors
    /// The device code is none, or the store fails.
    pub async fn poll_device_login(&self, device_code: &str, origin: Origin) -> Result<Polled, Fault> {
        let core = self.core().clone();
        let presented = bearer::read(BearerKind::Device, device_code).map_err(BearerRefusal::fault)?;
        let inner = core.clone();
        let asked = core
            .store
            .write(Scope::System, move |tx| Box::pin(async move { ask(tx, &inner, &presented, &origin).await }));
        let asked = asked.await?;
        core.mail.posted();
        match asked {
            Asked::Begun(user, id, token) => Ok(Polled::SignedIn(Box::new(self.signed_in(user, id, token).await?))),
            Asked::Refused(fault) => Ok(Polled::Refused(fault)),
        }
    }

    /// The program that waits with a code, for the person who typed it.
    ///
    /// # Errors
    /// There is no signed-in person behind the actor; no such code, or too many wrong ones.
    pub async fn device_login(&self, actor: &Actor, user_code: &str) -> Result<CliLogin, Fault> {
        let (user, hash) = (signed_in_person(actor)?, self.core().people.device.hash(user_code));
        let found =
            self.core().store.write(Scope::System, move |tx| Box::pin(async move { find(tx, user, &hash).await }));
        found.await?
    }

    /// A person approves (`true`) or refuses the program that waits with a code.
    ///
    /// # Errors
    /// As [`Control::device_login`]; somebody decided before.
    pub async fn decide_device_login(
        &self,
        actor: &Actor,
        user_code: &str,
        approved: bool,
        origin: Origin,
    ) -> Result<(), Fault> {
        let (user, session) = own_session(actor)?;
        let hash = self.core().people.device.hash(user_code);
        let decided = self.core().store.write(Scope::System, move |tx| {
            Box::pin(async move {
                // A session that was ended since the request came in approves nothing: see `hold_password`.
                users::hold_password(tx, user, None).await?;
                let asking = sessions::get(tx, session).await.map_err(or_signed_out)?;
                if asking.revoked_at.is_some() {
                    return Err(signed_out().into());
                }
                let login = match find(tx, user, &hash).await? {
                    Ok(login) => login,
                    Err(fault) => return Ok(Err(fault)),
                };
                cli_logins::decide(tx, login.id, user, approved).await?;
                let row = users::get(tx, user).await?;
                let outcome = if approved { "approved" } else { "denied" };
                tx.audit(signing(Some((row.tenant, row.id)), &row.email, &origin, "session.device", outcome));
                Ok(Ok(()))
            })
        });
        decided.await?
    }
}

/// Finds what waits with a code and counts a wrong one against the person. A refusal is a value, so that the count is
/// stored; a right code counts from nothing again.
async fn find(tx: &mut Tx, user: UserId, hash: &[u8; 32]) -> sf_store::Result<Result<CliLogin, Fault>> {
    let subject = Subject::Codes(user);
    if let Err(until) = lockout::count(tx, &subject, CODES).await? {
        let message = format!("Too many wrong codes; the next one is taken at {until}.");
        let fault = Fault::new(ErrorKind::RateLimited, "device.throttled", message);
        return Ok(Err(fault.fix("Wait until then, and copy the code from the other screen.")));
    }
    let Some(login) = cli_logins::by_code(tx, hash).await? else {
        let fault = Fault::new(ErrorKind::NotFound, "device.not_found", "No program waits with this code.");
        return Ok(Err(fault.fix("Type it as the program shows it; after ten minutes it needs a new one.")));
    };
    counters::clear(tx, &subject).await?;
    Ok(Ok(login))
}

async fn ask(tx: &mut Tx, core: &Core, presented: &Presented, origin: &Origin) -> sf_store::Result<Asked> {
    let id = CliLoginId::from_uuid(presented.id);
    let login = match cli_logins::get(tx, id).await {
        Ok(login) if presented.matches(&login.device_hash) => login,
        Ok(_) | Err(StoreError::NotFound(_)) => return Ok(Asked::Refused(expired())),
        Err(error) => return Err(error),
    };
    let now = tx.now();
    if now >= login.expires_at {
        return Ok(Asked::Refused(expired()));
    }
    let wait = Duration::from_secs(login.interval_secs.into());
    if login.polled_at.is_some_and(|before| now < before.plus(wait)) {
        let longer = login.interval_secs.saturating_add(SLOW_DOWN_SECS);
        cli_logins::polled(tx, id, longer).await?;
        let fault = waits("device.slow_down", format!("It was asked too early: ask every {longer} s from now on."));
        return Ok(Asked::Refused(fault));
    }
    if let Some(user) = login.user {
        // Who changes the password meanwhile takes the approval away, or ends the session that is begun here.
        users::hold_password(tx, user, None).await?;
    }
    cli_logins::polled(tx, id, login.interval_secs).await?;
    match (login.state, login.user) {
        (CliLoginState::Pending, _) => {
            Ok(Asked::Refused(waits("device.pending", "Nobody has approved this yet.".to_owned())))
        }
        (CliLoginState::Approved, Some(user)) => {
            let user = users::get(tx, user).await?;
            if users::is_shut_out(tx, &user).await? {
                return Ok(Asked::Refused(denied()));
            }
            if !cli_logins::spend(tx, id).await? {
                return Ok(Asked::Refused(expired()));
            }
            let (session, token) = session::begin(tx, core, &user, origin, "device").await?;
            Ok(Asked::Begun(user, session, token))
        }
        (CliLoginState::Denied, _) => Ok(Asked::Refused(denied())),
        (CliLoginState::Used | CliLoginState::Approved, _) => Ok(Asked::Refused(expired())),
    }
}

fn waits(code: &str, message: String) -> Fault {
    Fault::new(ErrorKind::Invalid, code, message).fix("Open the address, sign in, and type the code; then ask again.")
}

fn denied() -> Fault {
    Fault::new(ErrorKind::Invalid, "device.denied", "Somebody refused to sign this program in.")
        .fix("Begin again if that was a mistake.")
}

fn expired() -> Fault {
    Fault::new(ErrorKind::Invalid, "device.expired", "This code has run out, or its session was fetched before.")
        .fix("Begin again: it gives a new code.")
}
