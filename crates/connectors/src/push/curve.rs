//! Keys on the curve P-256, by the library that the control plane's TLS uses.

use aws_lc_rs::agreement::{self, ECDH_P256, PrivateKey, UnparsedPublicKey};
use sf_runtime::Rng;
use sf_types::Secret;

/// Bytes of a private key.
pub const PRIVATE_BYTES: usize = 32;
/// Bytes of an uncompressed public key.
pub const PUBLIC_BYTES: usize = 65;
/// Bytes of a browser's authentication secret.
pub const AUTH_BYTES: usize = 16;

/// A private key with its public one.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub(super) private: Secret<[u8; PRIVATE_BYTES]>,
    pub(super) public: [u8; PUBLIC_BYTES],
}

impl Pair {
    /// A new one. Random bytes that are no key (one of 2^32) are thrown away.
    pub(super) fn generate(rng: &Rng) -> Self {
        loop {
            if let Some(pair) = Self::of(rng.bytes()) {
                return pair;
            }
        }
    }

    /// The pair of a private key; `None` where it is none.
    pub(super) fn of(private: [u8; PRIVATE_BYTES]) -> Option<Self> {
        let key = PrivateKey::from_private_key(&ECDH_P256, &private).ok()?;
        let public = key.compute_public_key().ok()?.as_ref().try_into().ok()?;
        Some(Self { private: Secret::new(private), public })
    }

    /// What both sides know when this key meets `theirs`; `None` where that is no point of the curve.
    pub(super) fn agree(&self, theirs: &[u8]) -> Option<Secret<Vec<u8>>> {
        let key = PrivateKey::from_private_key(&ECDH_P256, self.private.expose()).ok()?;
        let theirs = UnparsedPublicKey::new(&ECDH_P256, theirs);
        agreement::agree(&key, theirs, (), |shared| Ok(Secret::new(shared.to_vec()))).ok()
    }
}
