//! Secrets of webhooks, and what is done with them. A secret does not leave this file.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sf_types::{Secret, Timestamp};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::refusal::{HeaderRefused, KeyRefused, Refusal};
use super::{ID, Scheme, delivery, malformed};

/// Longest secret as text: 1,024 bytes.
pub const MAX_SECRET_BYTES: usize = 1024;
/// Longest name of a header: 64 characters.
pub const MAX_HEADER_NAME: usize = 64;

const STANDARD_PREFIX: &str = "whsec_";

/// The name of a header, in lower case. Letters, digits and `-`, `_`, up to 64.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HeaderName(String);

impl HeaderName {
    /// Reads a name; its case does not matter (RFC 9110, 5.1).
    ///
    /// # Errors
    /// [`HeaderRefused`].
    pub fn parse(name: &str) -> Result<Self, HeaderRefused> {
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_good = !name.is_empty() && name.len() <= MAX_HEADER_NAME && name.bytes().all(is_known);
        is_good.then(|| Self(name.to_ascii_lowercase())).ok_or(HeaderRefused)
    }

    /// The name in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for HeaderName {
    type Error = HeaderRefused;

    fn try_from(name: String) -> Result<Self, HeaderRefused> {
        Self::parse(&name)
    }
}

impl From<HeaderName> for String {
    fn from(name: HeaderName) -> Self {
        name.0
    }
}

/// The signature that a sender with a key would have made.
pub(super) struct Tag([u8; 32]);

impl Tag {
    /// Whether it is this one. In constant time.
    pub(super) fn is(&self, signature: &[u8]) -> bool {
        self.0.ct_eq(signature).into()
    }

    #[cfg(test)]
    pub(super) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A secret that its scheme can use.
#[derive(Clone)]
pub struct Key(Secret<Vec<u8>>);

impl Key {
    /// Reads a secret as it is shown to people: for `standard` base64 with `whsec_` before it, else the text itself.
    ///
    /// # Errors
    /// [`KeyRefused`], which does not show it.
    pub fn parse(scheme: &Scheme, secret: &Secret<String>) -> Result<Self, KeyRefused> {
        let text = secret.expose();
        if text.trim().is_empty() {
            return Err(KeyRefused::Empty);
        }
        if text.len() > MAX_SECRET_BYTES {
            return Err(KeyRefused::TooLong);
        }
        if *scheme != Scheme::Standard {
            return Ok(Self(Secret::new(text.clone().into_bytes())));
        }
        let base64 = text.strip_prefix(STANDARD_PREFIX).ok_or(KeyRefused::NotStandard)?;
        let bytes = STANDARD.decode(base64).map_err(|_| KeyRefused::NotStandard)?;
        if bytes.is_empty() {
            return Err(KeyRefused::Empty);
        }
        Ok(Self(Secret::new(bytes)))
    }

    /// One that nobody has.
    pub(super) fn of_nobody(random: [u8; 32]) -> Self {
        Self(Secret::new(random.to_vec()))
    }

    /// `webhook-signature` of Standard Webhooks for a body; `webhook-timestamp` is `at` in whole seconds.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] for an id that no receiver would take.
    pub fn sign(&self, id: &str, at: Timestamp, body: &[u8]) -> Result<String, Refusal> {
        if delivery(ID, id)?.contains('.') {
            return Err(malformed(ID, "it has a dot in it"));
        }
        let seconds = at.as_secs().to_string();
        let mac = self.mac(&[id.as_bytes(), b".", seconds.as_bytes(), b".", body]);
        Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }

    /// What this key makes of the parts, one after the other.
    pub(super) fn tag(&self, parts: &[&[u8]]) -> Tag {
        Tag(self.mac(parts).finalize().into_bytes().into())
    }

    /// Whether `presented` is the secret. Hashes are compared, so that not even the length shows in the time taken.
    pub(super) fn is_token(&self, presented: &str) -> bool {
        Sha256::digest(self.0.expose()).ct_eq(&Sha256::digest(presented.as_bytes())).into()
    }

    fn mac(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose()).expect("HMAC takes keys of every length");
        for part in parts {
            mac.update(part);
        }
        mac
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key([secret])")
    }
}
