//! Ed25519 keys and their names.

use std::fmt;
use std::str::FromStr;

use curve25519_dalek::MontgomeryPoint;
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

use crate::wire;

/// SHA-256 of a public key: its name in commands, delegations and install lines. Prints as `sha256:` and 64 hex
/// digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId([u8; 32]);

/// A public key, checked to be a point of the curve.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey(VerifyingKey);

/// A private key; wiped when dropped, never printed.
#[derive(Clone)]
pub struct SecretKey(SigningKey);

/// The text or bytes are no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// Not `sha256:` and 64 lower-case hex digits.
    #[error("a key fingerprint is `sha256:` followed by 64 hexadecimal digits")]
    Fingerprint,
    /// Not 32 bytes in base64, or not a point of the curve, or a weak one.
    #[error("this is no usable Ed25519 public key")]
    Public,
}

impl KeyId {
    /// The name of a key.
    pub fn of(key: &PublicKey) -> Self {
        Self(Sha256::digest(key.0.as_bytes()).into())
    }

    /// The bare digest.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// From a bare digest, as stored.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Six words a person can compare on two screens: 36 bits of the digest.
    pub fn words(&self) -> String {
        const WORDS: [&str; 64] = [
            "acorn", "amber", "anvil", "apple", "arrow", "autumn", "badge", "baker", "basil", "beach", "birch",
            "bison", "bloom", "brick", "cabin", "camel", "candle", "canyon", "cedar", "chalk", "cherry", "cliff",
            "clover", "cobalt", "comet", "coral", "cotton", "crane", "daisy", "delta", "dolphin", "eagle", "ember",
            "falcon", "fern", "forest", "galaxy", "garlic", "ginger", "glacier", "grape", "harbor", "hazel", "honey",
            "island", "ivory", "jasper", "juniper", "kettle", "lagoon", "lemon", "lilac", "linen", "magnet", "maple",
            "marble", "meadow", "mint", "nectar", "ocean", "olive", "orchid", "pebble", "quartz",
        ];
        let words: Vec<_> = self.0.iter().take(6).map(|byte| WORDS[usize::from(byte & 63)]).collect();
        words.join("-")
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for KeyId {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let hex = text.strip_prefix("sha256:").ok_or(BadKey::Fingerprint)?.as_bytes();
        let mut out = [0; 32];
        if hex.len() != 64 {
            return Err(BadKey::Fingerprint);
        }
        for (byte, pair) in out.iter_mut().zip(hex.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Ok(Self(out))
    }
}

const fn nibble(digit: u8) -> Result<u8, BadKey> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(BadKey::Fingerprint),
    }
}

impl PublicKey {
    /// From 32 bytes.
    ///
    /// # Errors
    /// [`BadKey::Public`] when they are no point, or one of small order, which would verify anything.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, BadKey> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| BadKey::Public)?;
        if key.is_weak() { Err(BadKey::Public) } else { Ok(Self(key)) }
    }

    /// The 32 bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Its name.
    pub fn id(&self) -> KeyId {
        KeyId::of(self)
    }

    /// The same point on the curve of X25519. Only [`crate::sealed`] calls this.
    pub(crate) fn montgomery(&self) -> MontgomeryPoint {
        self.0.to_montgomery()
    }

    /// Whether `signature` is this key's over `message`. Strict: neither malleable signatures nor weak keys pass
    /// (RFC 8032 section 5.1.7 with the checks of `verify_strict`).
    pub fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature)).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id())
    }
}

impl SecretKey {
    /// From 32 random bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The seed, for writing the key to its file.
    pub fn seed(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// X25519 with a point that was sent. Only [`crate::sealed`] calls this.
    pub(crate) fn exchange(&self, point: &MontgomeryPoint) -> [u8; 32] {
        let mut scalar = self.0.to_scalar_bytes();
        let shared = point.mul_clamped(scalar).to_bytes();
        scalar.zeroize();
        shared
    }

    /// Signs bytes. Only [`crate::dsse`] calls this with something labelled; nothing else should.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {})", self.public().id())
    }
}

impl TryFrom<String> for KeyId {
    type Error = BadKey;

    fn try_from(text: String) -> Result<Self, BadKey> {
        text.parse()
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for PublicKey {
    type Error = BadKey;

    fn try_from(text: String) -> Result<Self, BadKey> {
        let bytes = wire::decode_base64(&text).map_err(|_| BadKey::Public)?;
        Self::from_bytes(&bytes.try_into().map_err(|_| BadKey::Public)?)
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        wire::encode_base64(key.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_read_back_and_nothing_else_does() {
        let id = SecretKey::from_seed(&[7; 32]).public().id();
        assert_eq!(id.to_string().parse(), Ok(id));
        let upper = id.to_string().to_uppercase();
        for bad in ["", "sha256:", &upper, &id.to_string()[..70], "sha256:zz"] {
            assert_eq!(bad.parse::<KeyId>(), Err(BadKey::Fingerprint), "{bad}");
        }
    }

    #[test]
    fn weak_points_are_no_keys() {
        let mut identity = [0; 32];
        identity[0] = 1;
        assert_eq!(PublicKey::from_bytes(&identity), Err(BadKey::Public));
        assert_eq!(PublicKey::from_bytes(&[0; 32]), Err(BadKey::Public));
    }

    #[test]
    fn a_secret_key_prints_only_its_public_name() {
        let key = SecretKey::from_seed(&[9; 32]);
        assert_eq!(format!("{key:?}"), format!("SecretKey(of {})", key.public().id()));
    }
}
