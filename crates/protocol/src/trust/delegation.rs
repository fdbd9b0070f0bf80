//! The root key certifies an online key for a while.

use serde::{Deserialize, Serialize};
use sf_types::{InstanceId, Timestamp};

use crate::command::Class;
use crate::dsse::{Signed, VerifyError};
use crate::key::PublicKey;
use crate::kind::Kind;
use crate::wire;

/// `K_root`'s word on one `K_cp`. At most 30 days; the epoch rises when a control plane was restored from a backup,
/// so that numbers it has forgotten cannot collide.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Delegation {
    /// The online key.
    pub key: PublicKey,
    /// Which control plane uses it.
    pub instance: InstanceId,
    /// Classes of command it may sign.
    pub classes: Vec<Class>,
    /// Numbers count within this.
    #[serde(with = "wire::u64_string")]
    pub epoch: u64,
    /// Valid from.
    pub not_before: Timestamp,
    /// Valid until.
    pub not_after: Timestamp,
}

/// Why a delegation does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DelegationError {
    /// Not signed by the pinned root.
    #[error("the control plane's key is not certified by the pinned root: {0}")]
    Root(#[from] VerifyError),
    /// The clock is outside its time.
    #[error("the control plane's key is certified from {from} to {until}, and the clock here says {now}")]
    Time {
        /// Valid from.
        from: Timestamp,
        /// Valid until.
        until: Timestamp,
        /// The clock.
        now: Timestamp,
    },
    /// Longer than a root may certify.
    #[error("the control plane's key is certified for more than 30 days")]
    TooLong,
}

impl Delegation {
    /// Longest time one may be valid: 30 days.
    pub const MAX: std::time::Duration = std::time::Duration::from_secs(30 * 86_400);
    /// Clock difference that is forgiven: 60 s.
    pub const SKEW: std::time::Duration = std::time::Duration::from_secs(60);

    /// Checks that `root` certified this and that it is valid at `now`.
    ///
    /// # Errors
    /// [`DelegationError`].
    pub fn open(signed: &Signed, root: &PublicKey, now: Timestamp) -> Result<Self, DelegationError> {
        let this: Self = signed.open(Kind::Delegation, root)?;
        if this.not_after.since(this.not_before) > Self::MAX {
            return Err(DelegationError::TooLong);
        }
        if !this.valid_at(now) {
            return Err(DelegationError::Time { from: this.not_before, until: this.not_after, now });
        }
        Ok(this)
    }

    /// Whether `now` is within its time, give or take [`Delegation::SKEW`]. A connection outlives the moment its
    /// delegation was checked, so each command asks again.
    pub fn valid_at(&self, now: Timestamp) -> bool {
        now >= self.not_before.minus(Self::SKEW) && now <= self.not_after.plus(Self::SKEW)
    }
}
