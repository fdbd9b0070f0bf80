//! How long what is kept, and what goes when a person goes.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sf_actions::app::LogsKept;
use sf_store::audit::fields::Retention as Kind;
use sf_store::metrics::tier::KeptFor;
use sf_store::{Look, StoreError, Tx, audit, users};
use sf_types::{Fault, Scope, Timestamp, UserId};

use crate::control::Control;

/// Details about persons and lines removed in one bite.
const BITE: u32 = 1_000;
const DAY: Duration = Duration::from_secs(86_400);
const HOUR: Duration = Duration::from_secs(3_600);
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Checkpoints are all kept for this long, then one an hour.
pub const CHECKPOINTS_ALL: Duration = Duration::from_secs(86_400);
/// One checkpoint an hour is kept for this long, then one a day.
pub const CHECKPOINTS_HOURLY: Duration = Duration::from_secs(30 * 86_400);

/// How long what is kept.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Days that mail addresses and names stay readable beside audit lines; the lines stay.
    pub sign_in_days: u32,
    /// Days that network addresses stay readable beside audit lines; the lines stay.
    pub address_days: u32,
    /// Days that log lines of apps and runs are kept.
    pub logs_days: u32,
    /// MiB of log lines that are kept of each app.
    pub logs_mib: u32,
    /// Hours that samples of machines and apps are kept as they came, each 30 s.
    pub samples_hours: u32,
    /// Days that their mean, lowest and highest of each 5 minutes are kept.
    pub metrics_days: u32,
    /// Days that their mean, lowest and highest of each hour are kept.
    pub metrics_hourly_days: u32,
    /// Days that audit lines are kept, cut at a signed checkpoint; 0 keeps them for ever.
    pub audit_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            sign_in_days: 365,
            address_days: 90,
            logs_days: 30,
            logs_mib: 64,
            samples_hours: 24,
            metrics_days: 30,
            metrics_hourly_days: 400,
            audit_days: 0,
        }
    }
}

impl Retention {
    /// How long lines are kept, and how many bytes, of an app that may have its own mind.
    pub(crate) fn logs(&self, own: LogsKept) -> (Duration, u64) {
        let mebibytes = u64::from(own.mebibytes.unwrap_or(self.logs_mib).max(1));
        (DAY.saturating_mul(own.days.unwrap_or(self.logs_days)), mebibytes << 20)
    }

    /// What is coarser is kept at least as long.
    pub(crate) fn metrics(&self) -> KeptFor {
        let samples = HOUR.saturating_mul(self.samples_hours.max(1));
        let fine = DAY.saturating_mul(self.metrics_days).max(samples);
        KeptFor { samples, fine, coarse: DAY.saturating_mul(self.metrics_hourly_days).max(fine) }
    }
}

/// Erases what audit lines still say of a person: mail address, name, network addresses, and attempts to sign in with
/// their mail address that belong to nobody. The chain goes on verifying: it holds pseudonyms and salted commitments
/// only. Call it in the transaction that removes the person, before their row is gone. Answers how many values are gone.
///
/// # Errors
/// When the database fails.
pub async fn erase_person(tx: &mut Tx, user: UserId) -> sf_store::Result<u64> {
    let email = match users::get(tx, user).await {
        Ok(user) => Some(user.email),
        Err(StoreError::NotFound(_)) => None,
        Err(error) => return Err(error),
    };
    // Their lines may lie in several tenants, and failed attempts in none.
    let scope = tx.scope();
    tx.set_scope(Scope::System);
    let mut erased = audit::erase_person(tx, &user.to_string()).await;
    if let (Ok(erased), Some(email)) = (&mut erased, email) {
        match audit::erase_attempts(tx, &email).await {
            Ok(more) => *erased += more,
            Err(error) => {
                tx.set_scope(scope);
                return Err(error);
            }
        }
    }
    tx.set_scope(scope);
    erased
}

impl Control {
    /// Removes what has been kept long enough, in small bites.
    pub(crate) async fn keep_audit_short(&self, now: Timestamp) -> Result<(), Fault> {
        let core = self.core();
        let retention = core.options.retention.clone();
        let reader = core.store.read(Scope::System);
        for (instance, _) in audit::heads(&reader).await? {
            for (kind, days) in [(Kind::SignIn, retention.sign_in_days), (Kind::Address, retention.address_days)] {
                let before = now.minus(DAY.saturating_mul(days));
                self.in_bites(move |tx| {
                    Box::pin(async move { audit::erase_old(tx, instance, kind, before, BITE).await })
                })
                .await?;
            }
            if retention.audit_days > 0 {
                let before = now.minus(DAY.saturating_mul(retention.audit_days));
                if let Some(cut) = audit::checkpoint_at(&reader, instance, before, true).await? {
                    let size = cut.size;
                    self.in_bites(move |tx| Box::pin(async move { audit::prune(tx, instance, size, BITE).await }))
                        .await?;
                }
            }
        }
        let (all, hourly) = (now.minus(CHECKPOINTS_ALL), now.minus(CHECKPOINTS_HOURLY));
        let thin = core.store.write(Scope::System, move |tx| {
            Box::pin(async move {
                audit::thin_checkpoints(tx, all, HOUR_MS).await?;
                audit::thin_checkpoints(tx, hourly, DAY_MS).await
            })
        });
        thin.await?;
        Ok(())
    }

    async fn in_bites<F>(&self, bite: F) -> Result<(), Fault>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> sf_store::Work<'t, u64> + Clone + Send + 'static,
    {
        while self.core().store.write(Scope::System, bite.clone()).await? > 0 {}
        Ok(())
    }
}
