//! What somebody has to do before anything else. A session that owes something can do that, say who it is, and end;
//! nothing else asks for less than [`Control::authenticate`](crate::Control::authenticate), which refuses it.

use std::time::Duration;

use sf_actions::{Permission, PermissionSet, Rights};
use sf_store::users::User;
use sf_store::{Look, factors, grants};
use sf_types::{ErrorKind, Fault, Timestamp};

use crate::options::{Identity, RequireSecondFactor};

/// How long a password is good that an administrator's command printed: 24 h. It is handed on by hand, and has to be
/// changed at the first sign-in.
pub const GIVEN_PASSWORD_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// What has to be done first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Duty {
    /// Somebody else knows the password: choose another one.
    Password,
    /// They are obliged to have a second factor, and have none: set one up.
    Factor,
}

/// Who has one of these, anywhere, is an administrator: they can give themselves or others more.
const ADMINISTERS: [Permission; 4] =
    [Permission::UserUpdate, Permission::AdminRoles, Permission::AdminSettings, Permission::TenantManage];

impl Duty {
    /// What a request is answered that asks for anything else.
    pub fn fault(self) -> Fault {
        match self {
            Self::Password => {
                let message = "Somebody else knows your password: choose one of your own before anything else.";
                Fault::new(ErrorKind::Forbidden, "account.password_change_due", message)
                    .fix("Sign in to the dashboard, which asks for it, or send POST /api/v1/auth/password.")
            }
            Self::Factor => {
                let message =
                    "Here you have to have a second factor, and you have none: set one up before anything else.";
                Fault::new(ErrorKind::Forbidden, "account.second_factor_due", message)
                    .fix("Sign in to the dashboard, which shows how. Keys and programs of yours are heard again then.")
            }
        }
    }
}

/// Whether the password is one that was given, and has run out.
pub(super) fn has_run_out(user: &User, now: Timestamp) -> bool {
    user.password_due_at.is_some_and(|until| now >= until)
}

/// The answer to a right password that has run out. Only who knows it is told.
pub(super) fn run_out() -> Fault {
    let message = "This password was given to you and has run out.";
    Fault::new(ErrorKind::Unauthenticated, "sign_in.run_out", message).fix(
        "Have another one made with `serverflow admin reset-password`, or ask for a link if there is a mail server.",
    )
}

/// What a person owes who comes with a session.
pub(super) async fn of(at: &impl Look, policy: &Identity, user: &User) -> sf_store::Result<Option<Duty>> {
    if user.password_due_at.is_some() {
        return Ok(Some(Duty::Password));
    }
    of_key(at, policy, user).await
}

/// What a person owes whose API key is shown. Who handed on a password has not seen those, and machines hang on them;
/// but a key is no way around a second factor.
pub(super) async fn of_key(at: &impl Look, policy: &Identity, user: &User) -> sf_store::Result<Option<Duty>> {
    let is_obliged = match policy.require_second_factor {
        RequireSecondFactor::Off => false,
        RequireSecondFactor::Admins => administers(&grants::rights_of(at, user.id).await?),
        RequireSecondFactor::Everyone => true,
    };
    Ok((is_obliged && !factors::is_needed(at, user.id).await?).then_some(Duty::Factor))
}

fn administers(rights: &Rights) -> bool {
    rights.given().iter().any(|(_, had)| !had.intersection(PermissionSet::of(&ADMINISTERS)).is_empty())
}
