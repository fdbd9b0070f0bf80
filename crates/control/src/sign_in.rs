//! People and their credentials: the first administrator, sign-in, sessions, tokens. The only place that turns a
//! credential into an [`Actor`](sf_actions::Actor).

mod bearer;
mod line;
mod session;
mod setup;

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use sf_actions::Permission;
use sf_identity::password::Cost;
use sf_identity::refresh::RefreshKey;
use sf_identity::setup::SetupKey;
use sf_identity::throttle::{ACCOUNT, ADDRESS, SignInThrottle};
use sf_identity::{IdentityError, MasterKey, Passwords, Verified};
use sf_runtime::Rng;
use sf_store::sessions::SessionKind;
use sf_store::users;
use sf_types::{ErrorKind, Fault, RequestId, Scope, Secret, SessionId, Timestamp};

pub(crate) use self::line::signing;
pub use self::setup::reset_password;
use crate::control::Control;

/// Characters of a mail address that are looked at. Source: RFC 5321, section 4.5.3.1.3.
const MAX_EMAIL_CHARS: usize = 254;

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
}
