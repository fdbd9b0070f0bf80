//! People and their credentials: the first administrator, sign-in, second factors, sessions, tokens. The only place
//! that turns a credential into an [`Actor`](sf_actions::Actor).
//!
//! Start reading at [`Control::sign_in`], then `lockout` (who may try), `factor` (the second step), `session` (what
//! begins then), `device` (a CLI without a keyboard of its own).

mod bearer;
mod console;
mod device;
mod duty;
mod factor;
mod line;
mod lockout;
pub mod mcp;
mod reset;
mod session;
mod setup;
mod ticket;

use std::net::IpAddr;

use sf_actions::Permission;
use sf_identity::device::DeviceKey;
use sf_identity::password::Cost;
use sf_identity::recovery::RecoveryKey;
use sf_identity::refresh::RefreshKey;
use sf_identity::setup::SetupKey;
use sf_identity::{IdentityError, MasterKey, Passwords};
use sf_runtime::Rng;
use sf_store::sessions::SessionKind;
use sf_store::{factors, users};
use sf_types::{ErrorKind, Fault, RequestId, Scope, Secret, SessionId, Timestamp};

pub use self::console::Holding;
pub use self::device::{DeviceLogin, Polled};
pub use self::duty::{Duty, GIVEN_PASSWORD_LIFETIME};
pub use self::factor::{Factors, Method, NewTotp};
pub(crate) use self::line::signing;
pub use self::mcp::McpCaller;
pub use self::reset::{reset_factors, reset_password};
pub use self::ticket::{LIFETIME as TICKET_LIFETIME, Ticket};
use crate::control::Control;

/// Characters of a mail address that are looked at. Source: RFC 5321, section 4.5.3.1.3.
const MAX_EMAIL_CHARS: usize = 254;

/// What signing people in needs besides the store.
#[derive(Debug)]
pub(crate) struct People {
    pub(crate) passwords: Passwords,
    refresh: RefreshKey,
    setup: SetupKey,
    recovery: RecoveryKey,
    device: DeviceKey,
    hosts: RefreshKey,
    programs: mcp::Programs,
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
    /// What has to be done first; until then they may do nothing else.
    pub owes: Option<Duty>,
}

/// What a right password leads to.
#[derive(Debug)]
pub enum Entered {
    /// A session.
    SignedIn(Box<SignedIn>),
    /// The question for a second factor.
    Factor(Ticket),
}

impl People {
    pub(crate) fn new(
        cost: Cost,
        master: &MasterKey,
        rng: &Rng,
        programs: mcp::Programs,
    ) -> Result<Self, IdentityError> {
        Ok(Self {
            passwords: Passwords::new(cost, 0, rng)?,
            refresh: RefreshKey::new(master),
            setup: SetupKey::new(master),
            recovery: RecoveryKey::new(master),
            device: DeviceKey::new(master),
            hosts: RefreshKey::of_hosts(master),
            programs,
        })
    }
}

impl Control {
    /// Signs in. Answer and time are the same for an unknown address, a wrong password, a locked account and a
    /// suspended one, with and without a second factor: each reads the same rows, counts one attempt, computes one
    /// hash and writes one audit line.
    ///
    /// # Errors
    /// Wrong, locked, suspended; too many attempts from this network; too many passwords are being checked.
    pub async fn sign_in(&self, email: &str, password: Secret<String>, origin: Origin) -> Result<Entered, Fault> {
        let core = self.core();
        let place = core.people.passwords.place()?;
        let typed: String = email.chars().take(MAX_EMAIL_CHARS).collect();
        let account = users::normalise_email(&typed);
        let reader = core.store.read(Scope::System);
        let user = users::by_email(&reader, &account).await?;
        let active = match &user {
            Some(user) if !users::is_shut_out(&reader, user).await? => Some(user),
            _ => None,
        };
        let proven = self.check_password(place, &account, active, &password, origin.address).await?;
        let has_run_out = proven.is_some() && active.is_some_and(|user| duty::has_run_out(user, self.now()));
        if let (Some(hash), Some(user), false) = (proven, active, has_run_out) {
            if factors::is_needed(&reader, user.id).await? {
                return Ok(Entered::Factor(self.new_ticket(user, hash, &origin).await?));
            }
            let signed_in = self.open_session(user.clone(), hash, origin).await?;
            return Ok(Entered::SignedIn(Box::new(signed_in)));
        }
        let known = user.map(|user| (user.tenant, user.id));
        core.store
            .write(Scope::System, move |tx| {
                Box::pin(async move {
                    tx.audit(signing(known, &account, &origin, "session.open", "refused"));
                    Ok(())
                })
            })
            .await?;
        Err(if has_run_out { duty::run_out() } else { wrong() })
    }

    /// How many password hashes were computed since the start; a metric.
    pub fn password_hashes(&self) -> u64 {
        self.core().people.passwords.hashes()
    }
}

/// The answer to every password that lets nobody in.
pub(crate) fn wrong() -> Fault {
    Fault::new(ErrorKind::Unauthenticated, "sign_in.wrong", "Address or password is wrong.").fix(WRONG_FIX)
}

/// Says of a locked account what it says of every other one.
const WRONG_FIX: &str = "After many failures in a row an account takes no password for a while, not even the right \
    one: wait, sign in from where you did before, or reset the password (`serverflow admin reset-password`).";
