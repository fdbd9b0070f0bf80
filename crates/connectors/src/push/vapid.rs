//! Who sends: a signed statement that push services know this control plane by. Source: RFC 8292.

use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sf_runtime::Rng;
use sf_types::{Secret, Timestamp};

use super::curve::{PRIVATE_BYTES, Pair};

/// How long a statement holds. The standard allows 24 h at the most.
pub const LIFETIME: Duration = Duration::from_secs(12 * 3600);

/// The key by which push services know this control plane. A browser's subscription is bound to it.
#[derive(Clone, Debug)]
pub struct VapidKey(Pair);

#[derive(Serialize)]
struct Header {
    typ: &'static str,
    alg: &'static str,
}

#[derive(Serialize)]
struct Claims<'s> {
    aud: &'s str,
    exp: i64,
    sub: &'s str,
}

impl VapidKey {
    /// A new one.
    pub fn generate(rng: &Rng) -> Self {
        Self(Pair::generate(rng))
    }

    /// From its bytes; `None` where they are no key.
    pub fn from_bytes(private: [u8; PRIVATE_BYTES]) -> Option<Self> {
        Pair::of(private).map(Self)
    }

    /// For sealing.
    pub const fn expose(&self) -> &Secret<[u8; PRIVATE_BYTES]> {
        &self.0.private
    }

    /// What a browser subscribes with: its public key, base64url.
    pub fn public(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.public)
    }

    /// `Authorization` for a push service at `origin`; `subject` says whom it may ask about the sender (`mailto:` or
    /// `https:`).
    pub fn authorization(&self, origin: &str, subject: &str, now: Timestamp) -> String {
        let claims = Claims { aud: origin, exp: now.plus(LIFETIME).as_secs(), sub: subject };
        let part = |value: Vec<u8>| URL_SAFE_NO_PAD.encode(value);
        let header = serde_json::to_vec(&Header { typ: "JWT", alg: "ES256" }).expect("two words");
        let signed = format!("{}.{}", part(header), part(serde_json::to_vec(&claims).expect("texts and a number")));
        let key = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            self.0.private.expose(),
            &self.0.public,
        );
        let key = key.expect("the pair was made from its private key");
        let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).expect("a valid key signs every text");
        format!("vapid t={signed}.{}, k={}", URL_SAFE_NO_PAD.encode(signature.as_ref()), self.public())
    }
}

/// Whether a push service that was given `key` before would take this statement: for tests of whoever sends.
pub fn verify(authorization: &str, key: &str, origin: &str, now: Timestamp) -> bool {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
    let read = || -> Option<bool> {
        let (token, stated) = authorization.strip_prefix("vapid t=")?.split_once(", k=")?;
        let (signed, signature) = token.rsplit_once('.')?;
        let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, decoded(stated)?);
        public.verify(signed.as_bytes(), &decoded(signature)?).ok()?;
        let claims: serde_json::Value = serde_json::from_slice(&decoded(signed.split_once('.')?.1)?).ok()?;
        let left = claims["exp"].as_i64()? - now.as_secs();
        Some(stated == key && claims["aud"] == origin && left > 0 && left <= 24 * 3600)
    };
    read().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::tests::NOW;

    #[test]
    fn a_push_service_knows_the_sender_again() {
        let rng = Rng::seeded(5);
        let (key, other) = (VapidKey::generate(&rng), VapidKey::generate(&rng));
        let said = key.authorization("https://push.example.org", "mailto:ops@example.org", NOW);
        let check = |said: &str, key: &VapidKey, origin: &str, now: Timestamp, expected: bool| {
            assert_eq!(verify(said, &key.public(), origin, now), expected, "{origin} {now}");
        };
        check(&said, &key, "https://push.example.org", NOW, true);
        check(&said, &other, "https://push.example.org", NOW, false);
        check(&said, &key, "https://elsewhere.example.org", NOW, false);
        check(&said, &key, "https://push.example.org", NOW.plus(LIFETIME), false);
        check(&said.replace("vapid t=e", "vapid t=f"), &key, "https://push.example.org", NOW, false);
        let again = VapidKey::from_bytes(*key.expose().expose()).unwrap();
        assert_eq!(again.public(), key.public());
        assert!(VapidKey::from_bytes([0; 32]).is_none());
    }
}
