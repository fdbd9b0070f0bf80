//! What somebody has to do before anything else. A session that owes something can do that, say who it is, and end;
//! nothing else asks for less than [`Control::authenticate`](crate::Control::authenticate), which refuses it.

use std::time::Duration;

use sf_store::users::User;
use sf_types::{ErrorKind, Fault, Timestamp};

/// How long a password is good that an administrator's command printed: 24 h. It is handed on by hand, and has to be
/// changed at the first sign-in.
pub const GIVEN_PASSWORD_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// What has to be done first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Duty {
    /// Somebody else knows the password: choose another one.
    Password,
}

impl Duty {
    /// What a request is answered that asks for anything else.
    pub fn fault(self) -> Fault {
        match self {
            Self::Password => {
                let message = "Somebody else knows your password: choose one of your own before anything else.";
                Fault::new(ErrorKind::Forbidden, "account.password_change_due", message)
                    .fix("Sign in to the dashboard, which asks for it, or send POST /api/v1/auth/password.")
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
    Fault::new(ErrorKind::Unauthenticated, "sign_in.run_out", message)
        .fix("Have another one made with `serverflow admin reset-password`, or ask for a link if there is a mail server.")
}

/// What a person owes.
pub(super) fn of(user: &User) -> Option<Duty> {
    user.password_due_at.map(|_| Duty::Password)
}
