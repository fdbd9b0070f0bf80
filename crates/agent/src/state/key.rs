//! Key files: the node's private key as OpenSSH writes it, the root's public key as PEM.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use sf_protocol::wire::{decode_base64, encode_base64};
use sf_protocol::{PublicKey, SecretKey};
use ssh_key::private::{Ed25519Keypair, Ed25519PrivateKey, KeypairData};
use ssh_key::public::Ed25519PublicKey;
use ssh_key::{LineEnding, PrivateKey};

use super::{StateError, disk};
use crate::release::tree;

/// What precedes the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410 section 4).
const SPKI_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const PEM_BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const PEM_END: &str = "-----END PUBLIC KEY-----";

pub(super) fn read_private(path: &Path) -> Result<SecretKey, StateError> {
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(StateError::NotEnrolled { path: path.to_owned() });
        }
        other => other.map_err(|source| disk(path, source))?,
    };
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(StateError::Open { path: path.to_owned() });
    }
    let damaged = |why: String| StateError::Damaged { path: path.to_owned(), why };
    let bytes = fs::read(path).map_err(|source| disk(path, source))?;
    let key = PrivateKey::from_openssh(&bytes).map_err(|error| damaged(error.to_string()))?;
    match key.key_data() {
        KeypairData::Ed25519(pair) => Ok(SecretKey::from_seed(pair.private.as_ref())),
        _ => Err(damaged("it holds no unencrypted Ed25519 key".to_owned())),
    }
}

pub(super) fn write_private(path: &Path, seed: &[u8; 32]) -> Result<(), StateError> {
    let public = SecretKey::from_seed(seed).public();
    let pair =
        Ed25519Keypair { public: Ed25519PublicKey(*public.bytes()), private: Ed25519PrivateKey::from_bytes(seed) };
    let text = PrivateKey::new(KeypairData::Ed25519(pair), "serverflow-node")
        .and_then(|key| key.to_openssh(LineEnding::LF))
        .map_err(|error| disk(path, io::Error::other(error)))?;
    tree::write_atomically(path, text.as_bytes(), 0o600).map_err(|source| disk(path, source))
}

pub(super) fn public_pem(key: &PublicKey) -> String {
    let der: Vec<u8> = SPKI_HEAD.iter().chain(key.bytes()).copied().collect();
    format!("{PEM_BEGIN}\n{}\n{PEM_END}\n", encode_base64(&der))
}

pub(super) fn read_public(path: &Path) -> Result<PublicKey, StateError> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(StateError::NotEnrolled { path: path.to_owned() });
        }
        other => other.map_err(|source| disk(path, source))?,
    };
    let body = text.trim().strip_prefix(PEM_BEGIN).and_then(|rest| rest.strip_suffix(PEM_END));
    let der = body.and_then(|body| decode_base64(&body.split_whitespace().collect::<String>()).ok());
    let key = der.as_deref().and_then(|der| der.strip_prefix(&SPKI_HEAD)).and_then(|key| key.try_into().ok());
    key.and_then(|key| PublicKey::from_bytes(key).ok())
        .ok_or_else(|| StateError::Damaged { path: path.to_owned(), why: "it holds no Ed25519 public key".to_owned() })
}
