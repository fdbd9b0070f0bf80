//! The one-time token of an install line.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sf_types::{EnrolTokenId, Secret, Timestamp};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::error::EnrolError;
use crate::handshake::Digest;

/// A token: `sfe_` and 64 characters of URL-safe base64, which are 16 bytes of public id and 32 of secret.
#[derive(Clone)]
pub struct EnrolToken {
    id: EnrolTokenId,
    secret: Secret<[u8; 32]>,
}

/// What the control plane stores of a token: SHA-256 of its secret, which is the HMAC key of its proof.
///
/// The token cannot be computed from it, but proofs can: whoever reads it out of the database within the token's 15
/// minutes can enrol one node, and no more. Treat it as a secret; it is never printed.
#[derive(Clone, Zeroize)]
pub struct TokenVerifier([u8; 32]);

/// What the store says of a token.
#[derive(Clone, Debug)]
pub struct TokenRecord {
    /// The token.
    pub id: EnrolTokenId,
    /// Checks its proof.
    pub verifier: TokenVerifier,
    /// Not good after.
    pub expires_at: Timestamp,
    /// Whether a node has been made with it.
    pub used: bool,
}

/// The text is no token. The text itself is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an enrolment token is `sfe_` followed by 64 letters, digits, `-` or `_`: copy the whole install line")]
pub struct BadToken;

impl EnrolToken {
    /// Prefix by which people and secret scanners know it.
    pub const PREFIX: &'static str = "sfe_";
    /// How long one is good: 15 min.
    pub const LIFETIME: std::time::Duration = std::time::Duration::from_secs(15 * 60);

    /// From an id and 32 random bytes.
    pub const fn new(id: EnrolTokenId, secret: [u8; 32]) -> Self {
        Self { id, secret: Secret::new(secret) }
    }

    /// Its public half, sent in REGISTER.
    pub const fn id(&self) -> EnrolTokenId {
        self.id
    }

    /// The text for the install line. Shown once.
    pub fn reveal(&self) -> Secret<String> {
        let mut bytes = Zeroizing::new([0; 48]);
        bytes[..16].copy_from_slice(self.id.uuid().as_bytes());
        bytes[16..].copy_from_slice(self.secret.expose());
        Secret::new(format!("{}{}", Self::PREFIX, URL_SAFE_NO_PAD.encode(bytes.as_slice())))
    }

    /// What the control plane stores.
    pub fn verifier(&self) -> TokenVerifier {
        TokenVerifier(Sha256::digest(self.secret.expose()).into())
    }

    /// Proof of the token for this conversation and no other.
    pub(crate) fn proof(&self, transcript: &Digest) -> Digest {
        Digest::from_bytes(self.verifier().mac(transcript).finalize().into_bytes().into())
    }
}

impl FromStr for EnrolToken {
    type Err = BadToken;

    fn from_str(text: &str) -> Result<Self, BadToken> {
        let encoded = text.strip_prefix(Self::PREFIX).filter(|rest| rest.len() == 64).ok_or(BadToken)?;
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(encoded).map_err(|_| BadToken)?);
        let (id, secret) = bytes.split_first_chunk::<16>().ok_or(BadToken)?;
        let id = EnrolTokenId::from_uuid(uuid::Uuid::from_bytes(*id));
        Ok(Self { id, secret: Secret::new(secret.try_into().map_err(|_| BadToken)?) })
    }
}

impl fmt::Debug for EnrolToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EnrolToken({}, [secret])", self.id)
    }
}

impl TokenVerifier {
    /// From the store.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// For the store.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn mac(&self, transcript: &Digest) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(b"serverflow enrolment proof v1");
        mac.update(transcript.bytes());
        mac
    }
}

impl fmt::Debug for TokenVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenVerifier([secret])")
    }
}

impl TokenRecord {
    /// Whether `proof` shows that the agent holds this token, and the token is still good. Consuming it is the
    /// store's, in the transaction that makes the node.
    ///
    /// The proof is checked first and in constant time: who does not hold the secret learns nothing of the token.
    pub(crate) fn check(&self, proof: &Digest, transcript: &Digest, now: Timestamp) -> Result<(), EnrolError> {
        if self.verifier.mac(transcript).verify_slice(proof.bytes()).is_err() {
            return Err(EnrolError::Proof);
        }
        if self.used {
            return Err(EnrolError::Used);
        }
        if now > self.expires_at {
            return Err(EnrolError::Expired { at: self.expires_at, now });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_types::TypedId;

    fn token() -> EnrolToken {
        EnrolToken::new(EnrolTokenId::from_parts(Timestamp::from_millis(1_000), [3; 10]), [0xfb; 32])
    }

    #[test]
    fn a_token_reads_back_and_is_one_word_for_a_shell() {
        let text = token().reveal();
        let read: EnrolToken = text.expose().parse().unwrap();
        assert_eq!((read.id(), read.secret.expose()), (token().id(), token().secret.expose()));
        assert!(text.expose().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        assert!(!format!("{:?} {:?} {:?}", token(), token().verifier(), text).contains("251"));
    }

    #[test]
    fn anything_else_is_no_token() {
        let text = token().reveal();
        let text = text.expose();
        for bad in ["", "sfe_", &text[4..], &text[..67], &format!("{text}A"), &text.replace("sfe_", "SFE_")] {
            assert_eq!(bad.parse::<EnrolToken>().err(), Some(BadToken), "{bad}");
        }
        assert!(text.replace(text.chars().last().unwrap(), "/").parse::<EnrolToken>().is_err());
    }

    #[test]
    fn a_proof_holds_for_one_token_and_one_conversation() {
        let (token, now) = (token(), Timestamp::from_millis(5_000));
        let (here, there) = (Digest::from_bytes([1; 32]), Digest::from_bytes([2; 32]));
        let record = TokenRecord { id: token.id(), verifier: token.verifier(), expires_at: now, used: false };
        let other = EnrolToken::new(token.id(), [0; 32]);
        let later = Timestamp::from_millis(5_001);
        let check = |record: &TokenRecord, proof: Digest, now, expected| {
            assert_eq!(record.check(&proof, &here, now), expected);
        };
        check(&record, token.proof(&here), now, Ok(()));
        check(&record, token.proof(&there), now, Err(EnrolError::Proof));
        check(&record, other.proof(&here), now, Err(EnrolError::Proof));
        check(&record, token.proof(&here), later, Err(EnrolError::Expired { at: now, now: later }));
        let used = TokenRecord { used: true, ..record };
        check(&used, token.proof(&here), now, Err(EnrolError::Used));
        check(&used, other.proof(&here), later, Err(EnrolError::Proof));
    }
}
