//! Signatures over the exact bytes with a label: the DSSE pre-authentication encoding.
//! Source: secure-systems-lab/dsse, `protocol.md`, version 1.0.
//!
//! Verify first, parse after; never re-serialise to verify.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::key::{KeyId, PublicKey, SecretKey};
use crate::kind::Kind;
use crate::wire::{self, ParseError};

/// A body, the key that signed it and the signature. What it claims to be is not in here: the reader says what it
/// expects, and the signature holds only under that label.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Signed {
    /// Name of the signing key: a hint for finding it, no proof.
    pub key_id: KeyId,
    /// The exact bytes under the signature.
    #[serde(with = "wire::base64_bytes")]
    pub payload: Vec<u8>,
    /// Ed25519, 64 bytes.
    #[serde(with = "wire::base64_bytes")]
    pub signature: [u8; 64],
}

/// Why a signed message was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Made by another key than the one required.
    #[error("it is signed by key {found}, not by {expected}")]
    OtherKey {
        /// The key named in the message.
        found: KeyId,
        /// The key required.
        expected: KeyId,
    },
    /// The signature does not hold for these bytes under this label.
    #[error("its signature does not hold for a {0} message")]
    Signature(Kind),
    /// Signed, but not understood.
    #[error(transparent)]
    Parse(#[from] ParseError),
}

impl Signed {
    /// Writes `body` once and signs exactly those bytes as a `kind` message.
    pub fn seal<T: Serialize>(kind: Kind, body: &T, key: &SecretKey) -> Self {
        Self::seal_bytes(kind, wire::write(body), key)
    }

    /// Signs bytes that were written earlier.
    pub fn seal_bytes(kind: Kind, payload: Vec<u8>, key: &SecretKey) -> Self {
        let signature = key.sign(&pae(kind.label(), &payload));
        Self { key_id: key.public().id(), payload, signature }
    }

    /// Checks that `key` signed exactly these bytes as a `kind` message, then reads them.
    ///
    /// # Errors
    /// [`VerifyError`]; nothing of the payload has been read when the signature is the reason.
    pub fn open<T: DeserializeOwned>(&self, kind: Kind, key: &PublicKey) -> Result<T, VerifyError> {
        let expected = key.id();
        if self.key_id != expected {
            return Err(VerifyError::OtherKey { found: self.key_id, expected });
        }
        if self.payload.len() > wire::MAX_BODY_BYTES {
            let got = self.payload.len();
            return Err(ParseError::TooLarge { got, max: wire::MAX_BODY_BYTES }.into());
        }
        if !key.verifies(&pae(kind.label(), &self.payload), &self.signature) {
            return Err(VerifyError::Signature(kind));
        }
        Ok(wire::parse(&self.payload)?)
    }
}

/// `"DSSEv1" SP len(label) SP label SP len(body) SP body`, lengths in decimal ASCII.
pub fn pae(label: &str, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(label.len() + body.len() + 32);
    out.extend_from_slice(b"DSSEv1 ");
    out.extend_from_slice(label.len().to_string().as_bytes());
    out.push(b' ');
    out.extend_from_slice(label.as_bytes());
    out.push(b' ');
    out.extend_from_slice(body.len().to_string().as_bytes());
    out.push(b' ');
    out.extend_from_slice(body);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_that_of_the_standard() {
        assert_eq!(
            pae("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
    }

    #[test]
    fn a_signature_holds_for_one_label_one_key_and_one_body() {
        let (key, other) = (SecretKey::from_seed(&[1; 32]), SecretKey::from_seed(&[2; 32]));
        let signed = Signed::seal(Kind::Deploy, &"body", &key);
        assert_eq!(signed.open::<String>(Kind::Deploy, &key.public()).as_deref(), Ok("body"));
        assert_eq!(signed.open::<String>(Kind::Query, &key.public()), Err(VerifyError::Signature(Kind::Query)));
        assert!(matches!(signed.open::<String>(Kind::Deploy, &other.public()), Err(VerifyError::OtherKey { .. })));
        let renamed = Signed { key_id: other.public().id(), ..signed.clone() };
        assert_eq!(renamed.open::<String>(Kind::Deploy, &other.public()), Err(VerifyError::Signature(Kind::Deploy)));
    }
}
