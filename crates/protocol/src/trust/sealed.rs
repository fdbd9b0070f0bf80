//! A value that one node alone can open.
//!
//! X25519 between a key used once and the node's own Ed25519 key in its Montgomery form (as libsodium and age do),
//! HKDF-SHA256 (RFC 5869), AES-256-GCM. Key and nonce come from the shared secret, which is another for each sealing.
//! The associated data binds the value to the node's key, the app, the variable, the secret and its version: in any
//! other place it does not open.

use std::fmt;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use curve25519_dalek::MontgomeryPoint;
use hkdf::Hkdf;
use serde::{Deserialize, Serialize};
use sf_types::{AppId, Secret, SecretId};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::key::{KeyId, PublicKey, SecretKey};
use crate::wire;

/// Bytes of a value at the most: 8 KiB.
pub const MAX_VALUE_BYTES: usize = 8 * 1024;
/// First byte of a sealed value: the format.
const FORMAT: u8 = 1;
const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const HEAD_BYTES: usize = 1 + KEY_BYTES;
const LABEL: &[u8] = b"serverflow sealed value v1";

/// A sealed value as it stands in orders and on the node's disk: base64 of format, one-time key, ciphertext.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sealed(Vec<u8>);

/// What a value is sealed for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place<'a> {
    /// The app that may use it.
    pub app: AppId,
    /// Under which name: an environment variable.
    pub name: &'a str,
    /// Which secret it is.
    pub secret: SecretId,
    /// Which version of it.
    pub version: u32,
}

/// The value was sealed for another node, app, name or version, or is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the value was not sealed for this place, or is damaged")]
pub struct Unopenable;

/// The text is no sealed value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no sealed value")]
pub struct NotSealed;

impl Sealed {
    /// Seals `plain` for `node`. `once` are 32 random bytes that are used for nothing else.
    pub fn seal(node: &PublicKey, place: &Place<'_>, plain: &[u8], once: &Secret<[u8; KEY_BYTES]>) -> Self {
        let sent = MontgomeryPoint::mul_base_clamped(*once.expose()).to_bytes();
        let shared = Secret::new(node.montgomery().mul_clamped(*once.expose()).to_bytes());
        let (cipher, nonce) = keys(&shared, &sent, &node.id());
        let payload = Payload { msg: plain, aad: &associated(&node.id(), place) };
        let ciphertext = cipher.encrypt(&nonce, payload).expect("AES-GCM refuses only texts of more than 64 GiB");
        Self([&[FORMAT][..], &sent, &ciphertext].concat())
    }

    /// Opens what was sealed for this node and place.
    ///
    /// # Errors
    /// [`Unopenable`] for everything else.
    pub fn open(&self, node: &SecretKey, place: &Place<'_>) -> Result<Secret<Vec<u8>>, Unopenable> {
        let (sent, ciphertext) = self.0[1..].split_first_chunk::<KEY_BYTES>().ok_or(Unopenable)?;
        let id = node.public().id();
        let shared = Secret::new(node.exchange(&MontgomeryPoint(*sent)));
        // A point of small order gives every key the same secret (RFC 7748 section 6.1).
        if bool::from(shared.expose().ct_eq(&[0; KEY_BYTES])) {
            return Err(Unopenable);
        }
        let (cipher, nonce) = keys(&shared, sent, &id);
        let payload = Payload { msg: ciphertext, aad: &associated(&id, place) };
        cipher.decrypt(&nonce, payload).map(Secret::new).map_err(|_| Unopenable)
    }
}

fn keys(
    shared: &Secret<[u8; KEY_BYTES]>,
    sent: &[u8; KEY_BYTES],
    node: &KeyId,
) -> (Aes256Gcm, Nonce<aes_gcm::aead::consts::U12>) {
    let salt = [&sent[..], node.bytes()].concat();
    let mut out = [0; KEY_BYTES + NONCE_BYTES];
    let derived = Hkdf::<Sha256>::new(Some(&salt), shared.expose()).expand(LABEL, &mut out);
    derived.expect("44 bytes are less than HKDF gives at the most");
    let (key, nonce) = out.split_first_chunk::<KEY_BYTES>().expect("it is longer than a key");
    let nonce = <[u8; NONCE_BYTES]>::try_from(nonce).expect("a nonce is left");
    let made = (Aes256Gcm::new(key.into()), Nonce::from(nonce));
    out.zeroize();
    made
}

/// Everything the value is bound to, each part behind its length.
fn associated(node: &KeyId, place: &Place<'_>) -> Vec<u8> {
    let mut out = vec![FORMAT];
    let (app, secret) = (place.app.uuid(), place.secret.uuid());
    let version = place.version.to_be_bytes();
    for part in [&node.bytes()[..], app.as_bytes(), place.name.as_bytes(), secret.as_bytes(), &version] {
        out.extend_from_slice(&(part.len() as u64).to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}

impl TryFrom<String> for Sealed {
    type Error = NotSealed;

    fn try_from(text: String) -> Result<Self, NotSealed> {
        let bytes = wire::decode_base64(&text).map_err(|_| NotSealed)?;
        let whole = (HEAD_BYTES + TAG_BYTES..=HEAD_BYTES + TAG_BYTES + MAX_VALUE_BYTES).contains(&bytes.len());
        if whole && bytes[0] == FORMAT { Ok(Self(bytes)) } else { Err(NotSealed) }
    }
}

impl From<Sealed> for String {
    fn from(sealed: Sealed) -> Self {
        wire::encode_base64(&sealed.0)
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}
