//! Who may try: attempts are counted in the store, before anything is looked at, so that parallel tries, a restart and
//! a second control plane change nothing.

use std::net::IpAddr;

use sf_identity::password::Place;
use sf_identity::throttle::{self, KNOWN, Limits, NETWORK, STRANGERS};
use sf_identity::{IdentityError, Verified};
use sf_runtime::places::network;
use sf_store::lockout::{self, Counter, Subject};
use sf_store::{Look, Tx, sessions, users};
use sf_types::{Fault, Scope, Secret, Timestamp, UserId};

use crate::control::Control;

/// What became of an attempt to be counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Attempt {
    /// It is counted: look at the password.
    Taken,
    /// The account takes none now. Nobody may notice.
    AccountLocked,
    /// The network takes none before. It may be told: it knows itself.
    NetworkLocked(Timestamp),
}

impl Control {
    /// Checks a password of `user` in a place that was taken before anything else, and counts the attempt on
    /// `account`. Answers the stored hash that it fits: what follows has to see that it is still the stored one. The
    /// same work whether there is such a user, a password or a lock.
    ///
    /// # Errors
    /// Too many attempts from this network; too many passwords are being checked; the store fails.
    pub(crate) async fn check_password(
        &self,
        place: Place,
        account: &str,
        user: Option<&users::User>,
        password: &Secret<String>,
        address: IpAddr,
    ) -> Result<Option<String>, Fault> {
        let core = self.core();
        let reader = core.store.read(Scope::System);
        let id = user.map_or(UserId::from_uuid(uuid::Uuid::nil()), |user| user.id);
        let stored = users::password(&reader, id).await?;
        let known = is_known(&reader, id, address).await?;
        let subject = of_account(account.to_owned(), known);
        let counted =
            core.store.write(Scope::System, move |tx| Box::pin(async move { attempt(tx, &subject, address).await }));
        let attempt = counted.await?;
        if let Attempt::NetworkLocked(until) = attempt {
            return Err(IdentityError::Throttled { until }.into());
        }
        let verified = core.people.passwords.verify_in(place, password, stored.as_deref()).await?;
        let is_right = attempt == Attempt::Taken && matches!(verified, Verified::Right { .. });
        Ok(stored.filter(|_| is_right))
    }

    /// Counts an attempt of a network alone.
    ///
    /// # Errors
    /// Too many attempts from this network; the store fails.
    pub(super) async fn count_network(&self, address: IpAddr) -> Result<(), Fault> {
        let counted = self.core().store.write(Scope::System, move |tx| {
            Box::pin(async move { count(tx, &Subject::Network(network(address)), NETWORK).await })
        });
        counted.await?.map_err(|until| IdentityError::Throttled { until }.into())
    }
}

/// Counts an attempt on an account and of its network.
pub(super) async fn attempt(tx: &mut Tx, account: &Subject, address: IpAddr) -> sf_store::Result<Attempt> {
    let before = lockout::take(tx, account).await?;
    let attempt = match count(tx, &Subject::Network(network(address)), NETWORK).await? {
        Err(until) => (of(&before), Attempt::NetworkLocked(until)),
        Ok(()) => match limits(account).count(of(&before), tx.now()) {
            (after, Ok(())) => (after, Attempt::Taken),
            (after, Err(_)) => (after, Attempt::AccountLocked),
        },
    };
    // Written in any case: a lock must not be noticed by what it saves.
    keep(tx, before, attempt.0).await?;
    Ok(attempt.1)
}

/// Counts an attempt of one subject, where it is not locked.
pub(super) async fn count(tx: &mut Tx, subject: &Subject, limits: Limits) -> sf_store::Result<Result<(), Timestamp>> {
    let before = lockout::take(tx, subject).await?;
    let (after, answer) = limits.count(of(&before), tx.now());
    keep(tx, before, after).await?;
    Ok(answer)
}

/// Counts a code of somebody whose password was right; `false` when the account takes nothing any more.
pub(super) async fn count_code(tx: &mut Tx, account: &Subject) -> sf_store::Result<bool> {
    let before = lockout::take(tx, account).await?;
    let (limits, now) = (limits(account), tx.now());
    let may = !limits.is_used_up(of(&before), now);
    let after = if may { limits.add(of(&before), now) } else { of(&before) };
    keep(tx, before, after).await?;
    Ok(may)
}

/// Somebody proved who they are: their account counts from nothing, their network gets this attempt back.
pub(super) async fn succeeded(tx: &mut Tx, email: &str, address: IpAddr) -> sf_store::Result<()> {
    let account = users::normalise_email(email);
    lockout::clear(tx, &Subject::Strangers(account.clone())).await?;
    lockout::clear(tx, &Subject::Known(account)).await?;
    let before = lockout::take(tx, &Subject::Network(network(address))).await?;
    let after = NETWORK.take_back(of(&before), tx.now());
    keep(tx, before, after).await
}

/// Whether somebody has signed in from this network before.
pub(super) async fn is_known(at: &impl Look, user: UserId, address: IpAddr) -> sf_store::Result<bool> {
    let from = network(address);
    Ok(sessions::addresses(at, user).await?.into_iter().any(|known| network(known) == from))
}

/// The counter of an account, as seen from a network.
pub(super) const fn of_account(account: String, known: bool) -> Subject {
    if known { Subject::Known(account) } else { Subject::Strangers(account) }
}

const fn limits(account: &Subject) -> Limits {
    if matches!(account, Subject::Known(_)) { KNOWN } else { STRANGERS }
}

const fn of(row: &Counter) -> throttle::Counter {
    throttle::Counter { attempts: row.attempts, last: row.last_at, locked_until: row.locked_until }
}

async fn keep(tx: &mut Tx, row: Counter, after: throttle::Counter) -> sf_store::Result<()> {
    let (attempts, last_at, locked_until) = (after.attempts, after.last, after.locked_until);
    lockout::put(tx, &Counter { attempts, last_at, locked_until, ..row }).await
}
