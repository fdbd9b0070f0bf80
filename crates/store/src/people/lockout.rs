//! How often somebody tried to sign in and failed, counted where every control plane sees it. The rows belong to no
//! tenant: who tries is nobody yet. Their subjects are hashes, so that a password typed into the wrong field, or the
//! address of a visitor, stands nowhere.

use std::net::IpAddr;

use sf_types::{Scope, Timestamp, UserId};
use sha2::{Digest, Sha256};

use crate::row::{Column, row};
use crate::sql::Sql;
use crate::tx::{Look, Tx};
use crate::{Result, StoreError, users};

/// Counters kept at the most once the house was kept; those with the fewest attempts go first.
pub const MAX_COUNTERS: u64 = 100_000;

/// What attempts are counted for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Subject {
    /// An account by its normalised address, tried from networks it was never signed in from.
    Strangers(String),
    /// The same from networks it was signed in from.
    Known(String),
    /// A network, whatever the account.
    Network(IpAddr),
    /// A person who types codes that others show.
    Codes(UserId),
}

row! {
    /// One counter.
    pub struct Counter in "sign_in_counters" {
        /// Hash of what is counted for.
        subject: [u8; 32],
        /// Attempts since the last success.
        attempts: u32,
        /// When the last one was counted.
        last_at: Timestamp,
        /// No attempt is taken before.
        locked_until: Timestamp,
    }
}

impl Subject {
    fn hash(&self) -> [u8; 32] {
        let (kind, text) = match self {
            Self::Strangers(account) => ("strangers", account.clone()),
            Self::Known(account) => ("known", account.clone()),
            Self::Network(address) => ("network", address.to_string()),
            Self::Codes(user) => ("codes", user.to_string()),
        };
        let mut sha = Sha256::new();
        sha.update(kind);
        sha.update([0]);
        sha.update(text);
        sha.finalize().into()
    }
}

/// The counter as it is, kept from everybody else until COMMIT. It writes whether or not something was counted before:
/// an account that exists costs what one costs that does not.
///
/// # Errors
/// [`StoreError::OutOfScope`] for anybody but the system; when the database fails.
pub async fn take(tx: &mut Tx, subject: &Subject) -> Result<Counter> {
    system_only(tx.scope())?;
    let hash = subject.hash();
    Sql::new("INSERT INTO sign_in_counters (subject, attempts, last_at, locked_until) VALUES (")
        .with("?", hash.value())
        .with(", 0, ?, 0) ON CONFLICT (subject) DO UPDATE SET attempts = sign_in_counters.attempts", tx.now.as_millis())
        .run(tx)
        .await?;
    Sql::select::<Counter>().and("subject = ?", &hash).get(tx, "counter").await
}

/// Keeps a counter that was taken.
///
/// # Errors
/// As [`take`].
pub async fn put(tx: &mut Tx, counter: &Counter) -> Result<()> {
    system_only(tx.scope())?;
    Sql::new("UPDATE sign_in_counters SET attempts = ")
        .with("?", counter.attempts.value())
        .with(", last_at = ?", counter.last_at.as_millis())
        .with(", locked_until = ? WHERE TRUE", counter.locked_until.as_millis())
        .and("subject = ?", &counter.subject)
        .run_one(tx, "counter")
        .await
}

/// Counts from nothing again.
///
/// # Errors
/// As [`take`].
pub async fn clear(tx: &mut Tx, subject: &Subject) -> Result<()> {
    system_only(tx.scope())?;
    Sql::new("DELETE FROM sign_in_counters WHERE TRUE").and("subject = ?", &subject.hash()).run(tx).await.map(drop)
}

/// Unlocks the account of a person inside the scope: their password was set anew.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn forgive(tx: &mut Tx, user: UserId) -> Result<()> {
    let user = users::get(tx, user).await?;
    for subject in [Subject::Strangers(user.email.clone()), Subject::Known(user.email)] {
        Sql::new("DELETE FROM sign_in_counters WHERE TRUE").and("subject = ?", &subject.hash()).run(tx).await?;
    }
    Ok(())
}

/// Deletes counters without an attempt since `before`, and what is above [`MAX_COUNTERS`]: names made up by the
/// thousand push out each other, not the account that is under attack. Answers how many.
///
/// # Errors
/// As [`take`].
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    prune_to(tx, before, MAX_COUNTERS).await
}

/// [`prune`] with another number to keep.
///
/// # Errors
/// As [`take`].
pub async fn prune_to(tx: &mut Tx, before: Timestamp, keep: u64) -> Result<u64> {
    system_only(tx.scope())?;
    let old = Sql::new("DELETE FROM sign_in_counters WHERE TRUE").and("last_at < ?", &before).run(tx).await?;
    let spare = Sql::new("DELETE FROM sign_in_counters WHERE subject IN (SELECT subject FROM sign_in_counters ")
        .with("ORDER BY attempts DESC, last_at DESC LIMIT 1000000 OFFSET ?)", keep.value());
    Ok(old + spare.run(tx).await?)
}

fn system_only(scope: Scope) -> Result<()> {
    if scope == Scope::System { Ok(()) } else { Err(StoreError::OutOfScope("sign-in counter")) }
}
