//! Passwords: changed by who knows the old one, chosen anew by who has the mailbox.

use std::time::Duration;

use sf_actions::{Actor, ActorKind};
use sf_identity::bearer::{BearerKind, Presented};
use sf_identity::once;
use sf_runtime::OnError;
use sf_store::resets::{self, Reset};
use sf_store::{Look, StoreError, Tx, factors, lockout, sessions, users};
use sf_types::{ErrorKind, Fault, ResetId, Scope, Secret, SessionId, UserId};

use crate::control::{Control, Core};
use crate::events;
use crate::mail::{self, letter};
use crate::sign_in::{GIVEN_PASSWORD_LIFETIME, Origin, signing};

/// How long a link for a new password is good: 30 min.
pub const RESET_LIFETIME: Duration = Duration::from_secs(30 * 60);
/// Links one person is sent within an hour.
pub const MAX_RESETS_AN_HOUR: u64 = 3;
/// An hour.
const HOUR: Duration = Duration::from_secs(3600);
/// Page of the dashboard on which a new password is chosen.
const PAGE: &str = "reset";
/// Characters of a mail address that are looked at. Source: RFC 5321, section 4.5.3.1.3.
const MAX_EMAIL_CHARS: usize = 254;

impl Control {
    /// Somebody lost their password: if the address has an account, a letter with a link goes there. Returns at once,
    /// before anything is looked at: neither answer nor time tell whether there is an account.
    pub fn forgot_password(&self, email: &str, origin: Origin) {
        let core = self.core();
        if !core.mail.is_configured() {
            tracing::debug!("somebody asked for a new password, and there is no mail server to send a link by");
            return;
        }
        let Ok(place) = core.mail.forgotten.clone().try_acquire_owned() else {
            tracing::warn!("too many people ask for a new password at once: one was not heard");
            return;
        };
        let email: String = users::normalise_email(email).chars().take(MAX_EMAIL_CHARS).collect();
        let control = self.clone();
        core.tasks.spawn("forgotten password", OnError::Log, async move {
            let sent = control.send_reset(email, origin).await;
            drop(place);
            sent
        });
    }

    async fn send_reset(&self, email: String, origin: Origin) -> Result<(), Fault> {
        let core = self.core().clone();
        let inner = core.clone();
        let write = core.store.write(Scope::System, move |tx| {
            Box::pin(async move {
                let Some(user) = users::by_email(tx, &email).await? else { return Ok(()) };
                let since = tx.now().minus(HOUR);
                if users::is_shut_out(tx, &user).await?
                    || resets::count_since(tx, user.id, since).await? >= MAX_RESETS_AN_HOUR
                {
                    return Ok(());
                }
                tx.set_scope(Scope::Tenant(user.tenant));
                let id: ResetId = tx.new_id();
                let issued = once::issue(BearerKind::Reset, id.uuid(), &inner.rng);
                let (now, until) = (tx.now(), tx.now().plus(RESET_LIFETIME));
                let (tenant, whose) = (user.tenant, user.id);
                let (hash, used_at) = (issued.hash, None);
                let reset = Reset { id, tenant, user: whose, hash, created_at: now, expires_at: until, used_at };
                resets::create(tx, &reset).await?;
                let link = inner.mail.page(PAGE, issued.text.expose());
                mail::post(tx, &inner, "reset", &letter::new_password(&user.email, &user.name, &link, now, until));
                tx.audit(signing(Some((tenant, whose)), &user.email, &origin, "password.forgot", "sent"));
                Ok(())
            })
        });
        write.await?;
        core.mail.posted();
        Ok(())
    }

    /// Sets the password a link lets somebody choose, and ends all their sessions.
    ///
    /// # Errors
    /// The link opens nothing (any more), or the password is refused.
    pub async fn choose_password(&self, text: &str, password: Secret<String>, origin: Origin) -> Result<(), Fault> {
        let presented = once::read(BearerKind::Reset, text).map_err(|refusal| {
            Fault::new(ErrorKind::Invalid, "reset.mistyped", format!("This is no such link: {refusal}."))
                .fix("Open the whole link again.")
        })?;
        let id = ResetId::from_uuid(presented.id);
        let core = self.core().clone();
        let reader = core.store.read(Scope::System);
        let row = opened(&reader, id, &presented).await?.ok_or_else(over)?;
        let user = users::get(&reader, row.user).await.map_err(|_| over())?;
        let hash = core.people.passwords.hash(&password, &[&user.email, &user.name]).await?;
        let (inner, from) = (core.clone(), origin.clone());
        let write = core.store.write(Scope::System, move |tx| {
            Box::pin(async move {
                let row = opened(tx, id, &presented).await?.ok_or_else(over)?;
                tx.set_scope(Scope::Tenant(row.tenant));
                let user = users::get(tx, row.user).await?;
                if users::is_shut_out(tx, &user).await? {
                    return Err(over().into());
                }
                resets::spend(tx, id).await.map_err(|_| StoreError::from(over()))?;
                set(tx, &inner, &user, &hash, None).await?;
                // Who has the mailbox is no guesser: what others tried on this account does not hold them up.
                lockout::forgive(tx, user.id).await?;
                tx.audit(signing(Some((user.tenant, user.id)), &user.email, &from, "password.reset", "succeeded"));
                Ok(())
            })
        });
        write.await?;
        core.mail.posted();
        Ok(())
    }

    /// Changes the password of who knows it, and ends all their other sessions.
    ///
    /// # Errors
    /// No session, a wrong current password, too many tries, or a new password that is refused.
    pub async fn change_password(
        &self,
        actor: &Actor,
        current: Secret<String>,
        new: Secret<String>,
        origin: Origin,
    ) -> Result<(), Fault> {
        let (id, session) = own_session(actor)?;
        let core = self.core().clone();
        let reader = core.store.read(actor.scope());
        let user = users::get(&reader, id).await?;
        let place = core.people.passwords.place()?;
        let proven = self.check_password(place, &user.email, Some(&user), &current, origin.address).await?;
        let Some(proven) = proven else {
            let entry = signing(Some((user.tenant, id)), &user.email, &origin, "password.change", "refused");
            let refuse = core.store.write(actor.scope(), move |tx| {
                Box::pin(async move {
                    tx.audit(entry);
                    Ok(())
                })
            });
            refuse.await?;
            let fault = Fault::new(ErrorKind::Forbidden, "password.wrong", "The current password is wrong.");
            return Err(fault.fix("If it is lost, sign out and ask for a new one at sign-in."));
        };
        if current.expose() == new.expose() {
            let fault = Fault::new(ErrorKind::Invalid, "password.same", "This is the password you have.");
            return Err(fault.fix("Choose another one."));
        }
        let hash = core.people.passwords.hash(&new, &[&user.email, &user.name]).await?;
        let inner = core.clone();
        let write = core.store.write(actor.scope(), move |tx| {
            Box::pin(async move {
                // What was proved a moment ago must still hold: another change may have been faster.
                if !users::hold_password(tx, id, Some(&proven)).await? {
                    return Err(StoreError::Stale("password"));
                }
                set(tx, &inner, &user, &hash, Some(session)).await?;
                tx.audit(signing(Some((user.tenant, id)), &user.email, &origin, "password.change", "succeeded"));
                Ok(())
            })
        });
        write.await?;
        core.mail.posted();
        Ok(())
    }
}

/// Sets a password. What hung on the one before ends: sessions (but one), links, sign-ins that have begun. The password
/// is written first: a sign-in beside that still holds the old one is through by then, and its session ends here.
async fn replace(
    tx: &mut Tx,
    user: UserId,
    hash: &str,
    staying: Option<SessionId>,
    reason: &str,
) -> sf_store::Result<()> {
    users::set_password(tx, user, hash).await?;
    end_all(tx, user, staying, reason).await
}

/// The same with a password that is printed for somebody else to hand on.
pub(crate) async fn give(tx: &mut Tx, user: UserId, hash: &str, reason: &str) -> sf_store::Result<()> {
    let until = tx.now().plus(GIVEN_PASSWORD_LIFETIME);
    users::give_password(tx, user, hash, until).await?;
    end_all(tx, user, None, reason).await
}

async fn end_all(tx: &mut Tx, user: UserId, staying: Option<SessionId>, reason: &str) -> sf_store::Result<()> {
    resets::spend_all(tx, user).await?;
    factors::forget_begun(tx, user).await?;
    sessions::revoke_all(tx, user, staying, reason).await.map(drop)
}

/// What follows a new password, besides [`replace`]: its owner hears of it.
async fn set(
    tx: &mut Tx,
    core: &Core,
    user: &users::User,
    hash: &str,
    staying: Option<SessionId>,
) -> sf_store::Result<()> {
    replace(tx, user.id, hash, staying, "the password was changed").await?;
    let what = "Your password was changed, and your other sessions were ended.";
    let now = tx.now();
    mail::post(tx, core, "notice", &letter::notice(&user.email, &user.name, "Your password was changed", what, now));
    tx.publish(events::user_changed(user.tenant, user.id, "password"));
    Ok(())
}

/// Who asks, and through which session: a token does not do what belongs to its owner alone.
pub(crate) fn own_session(actor: &Actor) -> Result<(UserId, SessionId), Fault> {
    match actor.kind {
        ActorKind::Person { user, session } => Ok((user, session)),
        ActorKind::Token { .. }
        | ActorKind::Workflow { .. }
        | ActorKind::Trigger { .. }
        | ActorKind::Ai { .. }
        | ActorKind::System => {
            let message = "Only who is signed in may do this, not a token.";
            let fault = Fault::new(ErrorKind::Forbidden, "session.needed", message);
            Err(fault.fix("Sign in with your password."))
        }
    }
}

/// One answer for links that are unknown, used or too old.
fn over() -> Fault {
    let fault = Fault::new(ErrorKind::NotFound, "reset.over", "This link cannot be used (any more).");
    fault.fix("Ask for a new one at sign-in.")
}

/// The row that a link opens now.
async fn opened(at: &impl Look, id: ResetId, presented: &Presented) -> sf_store::Result<Option<Reset>> {
    let row = match resets::get(at, id).await {
        Ok(row) => Some(row),
        Err(StoreError::NotFound(_)) => None,
        Err(error) => return Err(error),
    };
    let stored = row.as_ref().map(|row| once::Stored {
        hash: row.hash,
        expires_at: row.expires_at,
        is_spent: row.used_at.is_some(),
    });
    let is_good = once::is_good(presented, stored.as_ref(), at.now());
    Ok(row.filter(|_| is_good))
}
