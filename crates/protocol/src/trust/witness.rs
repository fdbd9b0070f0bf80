//! WITNESS: how long an audit chain was at a moment and how it ended, signed by the online key, with everything that is
//! needed to believe it from the root's fingerprint alone. Nodes keep what they saw, so that whoever owns the database
//! and the online key still cannot take back what was shown once.

use serde::{Deserialize, Serialize};
use sf_types::{InstanceId, Timestamp};

use crate::delegation::{Delegation, DelegationError};
use crate::dsse::{Signed, VerifyError};
use crate::handshake::Digest;
use crate::key::{KeyId, PublicKey, SecretKey};
use crate::kind::Kind;
use crate::wire;

/// The body under the signature.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Witness {
    /// Whose chain.
    pub instance: InstanceId,
    /// Lines in it.
    #[serde(with = "wire::u64_string")]
    pub size: u64,
    /// Hash of the last of them.
    pub hash: Digest,
    /// When it was so.
    pub at: Timestamp,
    /// `K_root`'s word on the key that signed this.
    pub delegation: Signed,
    /// `K_root`; who reads this knows its fingerprint.
    pub root: PublicKey,
}

/// A statement that was verified.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    /// Whose chain.
    pub instance: InstanceId,
    /// Lines in it.
    pub size: u64,
    /// Hash of the last of them.
    pub hash: [u8; 32],
    /// When it was so.
    pub at: Timestamp,
    /// The epoch that the root certified the key for: a restored control plane speaks in a higher one.
    pub epoch: u64,
    /// The key that signed it.
    pub key: KeyId,
}

/// Why a statement is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WitnessError {
    /// Another root than the pinned one.
    #[error("it comes from root {found}, not from {pinned}")]
    WrongRoot {
        /// The root that is trusted.
        pinned: KeyId,
        /// The root in the statement.
        found: KeyId,
    },
    /// The signing key was not certified at that time.
    #[error(transparent)]
    Delegation(#[from] DelegationError),
    /// The signature.
    #[error(transparent)]
    Verify(#[from] VerifyError),
}

/// What a good statement is to somebody who has seen others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seen {
    /// The chain has grown, or was never seen before.
    Grown,
    /// This very head was seen.
    Known,
    /// The root has certified a higher epoch: the control plane was restored, and its chain may go on from an earlier
    /// line.
    Restored,
}

/// How a good statement contradicts what was seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Dispute {
    /// The chain is shorter than it was.
    #[error("the chain had {seen} lines and now has {found}")]
    Shorter {
        /// Lines seen.
        seen: u64,
        /// Lines stated.
        found: u64,
    },
    /// As many lines, another end: history was written anew.
    #[error("the chain of {size} lines ends with another hash than before")]
    Forked {
        /// How many lines.
        size: u64,
    },
    /// Signed in an epoch that is over.
    #[error("it is of epoch {found}, and epoch {seen} has begun")]
    EarlierEpoch {
        /// The epoch seen.
        seen: u64,
        /// The epoch stated.
        found: u64,
    },
}

impl Witness {
    /// Signs the head of a chain.
    pub fn seal(
        (instance, size, hash): (InstanceId, u64, [u8; 32]),
        at: Timestamp,
        key: &SecretKey,
        delegation: &Signed,
        root: &PublicKey,
    ) -> Signed {
        let hash = Digest::from_bytes(hash);
        let this = Self { instance, size, hash, at, delegation: delegation.clone(), root: *root };
        Signed::seal(Kind::Witness, &this, key)
    }

    /// Verifies a statement from the root's fingerprint: the key was certified when it signed. The certificate names the
    /// installation; the chain is that of one of its control planes.
    ///
    /// # Errors
    /// [`WitnessError`].
    pub fn open(signed: &Signed, root: KeyId) -> Result<Head, WitnessError> {
        // As with CHALLENGE, the key is certified inside: root and delegation are read before the signature is
        // checked, and nothing else of the unverified reading is used but the time the delegation has to cover.
        let unverified: Self = wire::parse(&signed.payload).map_err(VerifyError::from)?;
        let found = unverified.root.id();
        if found != root {
            return Err(WitnessError::WrongRoot { pinned: root, found });
        }
        let delegation = Delegation::open(&unverified.delegation, &unverified.root, unverified.at)?;
        let this: Self = signed.open(Kind::Witness, &delegation.key)?;
        Ok(Head {
            instance: this.instance,
            size: this.size,
            hash: *this.hash.bytes(),
            at: this.at,
            epoch: delegation.epoch,
            key: signed.key_id,
        })
    }

    /// The root that a statement names; not verified.
    ///
    /// # Errors
    /// When it is no statement.
    pub fn named_root(signed: &Signed) -> Result<PublicKey, VerifyError> {
        Ok(wire::parse::<Self>(&signed.payload)?.root)
    }
}

/// Judges a verified statement by what was `seen` of chains before, in any order.
///
/// # Errors
/// [`Dispute`]: the statement contradicts an earlier one. It is to be reported and not kept.
pub fn judge<'a>(seen: impl IntoIterator<Item = &'a Head> + Clone, next: &Head) -> Result<Seen, Dispute> {
    let of_chain = || seen.clone().into_iter().filter(|head| head.instance == next.instance);
    let Some(newest) = of_chain().max_by_key(|head| (head.epoch, head.size)) else { return Ok(Seen::Grown) };
    if next.epoch > newest.epoch {
        return Ok(Seen::Restored);
    }
    if next.epoch < newest.epoch {
        return Err(Dispute::EarlierEpoch { seen: newest.epoch, found: next.epoch });
    }
    let forks = |head: &&Head| head.epoch == next.epoch && head.size == next.size && head.hash != next.hash;
    if of_chain().find(forks).is_some() {
        return Err(Dispute::Forked { size: next.size });
    }
    if next.size < newest.size {
        return Err(Dispute::Shorter { seen: newest.size, found: next.size });
    }
    Ok(if next.size == newest.size { Seen::Known } else { Seen::Grown })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Class;
    use sf_types::TypedId;

    const DAY_MS: i64 = 86_400_000;

    fn key(n: u8) -> SecretKey {
        SecretKey::from_seed(&[n; 32])
    }

    fn instance(n: u8) -> InstanceId {
        InstanceId::from_parts(Timestamp::from_millis(1), [n; 10])
    }

    fn delegation(root: &SecretKey, of: InstanceId) -> Signed {
        let delegation = Delegation {
            key: key(2).public(),
            instance: of,
            classes: vec![Class::Read],
            epoch: 3,
            not_before: Timestamp::from_millis(0),
            not_after: Timestamp::from_millis(10 * DAY_MS),
        };
        Signed::seal(Kind::Delegation, &delegation, root)
    }

    fn statement(root: &SecretKey, of: InstanceId, at_ms: i64) -> Signed {
        let certificate = delegation(root, of);
        let head = (instance(1), 7, [9; 32]);
        Witness::seal(head, Timestamp::from_millis(at_ms), &key(2), &certificate, &root.public())
    }

    #[test]
    fn a_statement_is_believed_from_the_fingerprint_alone() {
        let root = key(1);
        let good = statement(&root, instance(1), DAY_MS);
        let head = Witness::open(&good, root.public().id()).unwrap();
        assert_eq!((head.instance, head.size, head.hash, head.epoch), (instance(1), 7, [9; 32], 3));
        // The certificate has to hold when it was signed, however long ago that is.
        let late = statement(&root, instance(1), 11 * DAY_MS);
        assert!(matches!(
            Witness::open(&late, root.public().id()),
            Err(WitnessError::Delegation(DelegationError::Time { .. }))
        ));
        // Each control plane of an installation has a chain of its own; the key is the installation's.
        let other = statement(&root, instance(4), DAY_MS);
        assert_eq!(Witness::open(&other, root.public().id()).unwrap().instance, instance(1));
        let stranger = statement(&key(8), instance(1), DAY_MS);
        assert!(matches!(Witness::open(&stranger, root.public().id()), Err(WitnessError::WrongRoot { .. })));
        // A stranger may name our root, but not sign for it.
        let mut body: Witness = wire::parse(&stranger.payload).unwrap();
        body.root = root.public();
        let forged = Signed::seal(Kind::Witness, &body, &key(2));
        assert!(matches!(
            Witness::open(&forged, root.public().id()),
            Err(WitnessError::Delegation(DelegationError::Root(_)))
        ));
        for at in (0..good.payload.len()).step_by(7) {
            let mut bent = good.clone();
            bent.payload[at] ^= 1;
            assert!(Witness::open(&bent, root.public().id()).is_err(), "byte {at}");
        }
        let relabelled = Signed::seal_bytes(Kind::Deploy, good.payload.clone(), &key(2));
        assert!(Witness::open(&relabelled, root.public().id()).is_err());
    }

    #[test]
    fn what_was_seen_once_cannot_be_taken_back() {
        let head = |n, epoch, size, hash: u8| Head {
            instance: instance(n),
            size,
            hash: [hash; 32],
            at: Timestamp::EPOCH,
            epoch,
            key: key(2).public().id(),
        };
        let seen = [head(1, 1, 10, 1), head(1, 2, 20, 2), head(1, 2, 30, 3), head(2, 9, 99, 9)];
        for (next, expected) in [
            (head(1, 2, 31, 4), Ok(Seen::Grown)),
            (head(1, 2, 30, 3), Ok(Seen::Known)),
            (head(1, 2, 30, 4), Err(Dispute::Forked { size: 30 })),
            (head(1, 2, 20, 4), Err(Dispute::Forked { size: 20 })),
            (head(1, 2, 20, 2), Err(Dispute::Shorter { seen: 30, found: 20 })),
            (head(1, 2, 25, 7), Err(Dispute::Shorter { seen: 30, found: 25 })),
            (head(1, 1, 40, 4), Err(Dispute::EarlierEpoch { seen: 2, found: 1 })),
            (head(1, 3, 12, 4), Ok(Seen::Restored)),
            (head(3, 1, 1, 1), Ok(Seen::Grown)),
        ] {
            assert_eq!(judge(&seen, &next), expected, "{next:?}");
        }
    }
}
