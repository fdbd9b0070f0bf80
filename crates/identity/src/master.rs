//! The master key, and values sealed under it.
//!
//! AES-256-GCM with a subkey for each purpose, so that a value sealed for one purpose opens for no other and no key
//! seals more than 2^32 values (NIST SP 800-38D section 8.3). The associated data binds each value to its row.

use std::path::{Path, PathBuf};
use std::time::Duration;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sf_runtime::Rng;
use sf_runtime::child::Child;
use sf_types::Secret;
use sha2::Sha256;

use crate::error::IdentityError;
use crate::keyfile;

/// Longest time a command may take to answer the key.
pub const COMMAND_LIMIT: Duration = Duration::from_secs(30);
const KEY_BYTES: usize = 32;
const ID_BYTES: usize = 8;
const NONCE_BYTES: usize = 12;
/// First byte of a stored sealed value: the format.
const FORMAT: u8 = 1;
const WHAT: &str = "master key (32 bytes in base64)";

/// Where the master key comes from.
#[derive(Debug, Clone)]
pub enum MasterSource {
    /// A file of mode 0600, made when it is not there.
    File(PathBuf),
    /// Base64, from `MASTER_KEY`.
    Text(Secret<String>),
    /// Program and arguments; prints the key in base64 (a cloud key service, a hardware token).
    Command(Vec<String>),
}

/// The key under which everything at rest is sealed. Never printed; wiped when dropped.
#[derive(Clone, Debug)]
pub struct MasterKey(Secret<[u8; KEY_BYTES]>);

/// A sealed value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sealed {
    /// Name of the master key.
    pub key_id: [u8; ID_BYTES],
    /// Random, new for each sealing.
    pub nonce: [u8; NONCE_BYTES],
    /// With its tag.
    pub ciphertext: Vec<u8>,
}

impl MasterKey {
    /// From 32 random bytes.
    pub const fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Secret::new(bytes))
    }

    /// Fetches the key from where the configuration says.
    ///
    /// # Errors
    /// [`IdentityError::BadKey`], [`IdentityError::FileExposed`], [`IdentityError::File`],
    /// [`IdentityError::KeyCommand`].
    pub async fn fetch(source: &MasterSource, rng: &Rng) -> Result<Self, IdentityError> {
        match source {
            MasterSource::File(path) => Self::load_or_create(path, rng),
            MasterSource::Text(text) => Self::parse(text.expose().as_bytes(), "MASTER_KEY"),
            MasterSource::Command(argv) => Self::ask(argv).await,
        }
    }

    /// Reads the key file, or makes one at the first start.
    ///
    /// # Errors
    /// As [`Self::fetch`].
    pub fn load_or_create(path: &Path, rng: &Rng) -> Result<Self, IdentityError> {
        let origin = path.display().to_string();
        if let Some(text) = keyfile::read(path)? {
            return Self::parse(text.expose(), &origin);
        }
        let text = Secret::new(format!("{}\n", STANDARD.encode(rng.bytes::<KEY_BYTES>())));
        keyfile::create(path, text.expose().as_bytes())?;
        // Read back: where two processes started at once, both use the one that was first.
        let text = keyfile::read(path)?.ok_or_else(|| bad(&origin, "it vanished after it was written"))?;
        Self::parse(text.expose(), &origin)
    }

    async fn ask(argv: &[String]) -> Result<Self, IdentityError> {
        let failed = |reason: String| IdentityError::KeyCommand(reason);
        let (program, arguments) = argv.split_first().ok_or_else(|| failed("it is empty".into()))?;
        let done = Child::new(program).args(arguments).finish(COMMAND_LIMIT).await;
        let done = done.map_err(|error| failed(error.to_string()))?;
        let output = Secret::new(done.stdout);
        if !done.status.success() {
            let said = String::from_utf8_lossy(&done.stderr);
            return Err(failed(format!("{program} ended with {}: {}", done.status, said.trim())));
        }
        Self::parse(output.expose(), program)
    }

    fn parse(text: &[u8], origin: &str) -> Result<Self, IdentityError> {
        let bytes = STANDARD.decode(text.trim_ascii()).map(Secret::new);
        let bytes = bytes.map_err(|_| bad(origin, "it is not base64"))?;
        let key = <[u8; KEY_BYTES]>::try_from(bytes.expose().as_slice());
        let key = key.map_err(|_| bad(origin, &format!("it has {} bytes", bytes.expose().len())))?;
        Ok(Self::from_bytes(key))
    }

    /// The key's name, in hexadecimal digits; says nothing about the key.
    pub fn id(&self) -> String {
        hex(&self.key_id())
    }

    /// A key for something other than sealing (refresh tokens, set-up codes): as many purposes, as many keys.
    pub fn derive(&self, purpose: &str) -> Secret<[u8; KEY_BYTES]> {
        Secret::new(self.mac("derive", purpose))
    }

    /// What tells equal texts from others, and tells nothing of them to anybody without the key: parts of few possible
    /// values cannot be guessed from it.
    pub fn fingerprint(&self, purpose: &str, parts: &[&[u8]]) -> [u8; KEY_BYTES] {
        let key = self.derive(purpose);
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key.expose()).expect("HMAC takes keys of every length");
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// Seals `plain` for a purpose and a row. A row's name is an id and never reused.
    pub fn seal(&self, purpose: &'static str, row: &str, plain: &[u8], rng: &Rng) -> Sealed {
        let (key_id, nonce) = (self.key_id(), rng.bytes());
        let payload = Payload { msg: plain, aad: &associated(&key_id, purpose, row) };
        let ciphertext = self.cipher(purpose).encrypt(&Nonce::from(nonce), payload);
        let ciphertext = ciphertext.expect("AES-GCM refuses only texts of more than 64 GiB");
        Sealed { key_id, nonce, ciphertext }
    }

    /// Opens what was sealed for this purpose and row.
    ///
    /// # Errors
    /// [`IdentityError::OtherMasterKey`], [`IdentityError::Unsealable`].
    pub fn open(&self, purpose: &'static str, row: &str, sealed: &Sealed) -> Result<Secret<Vec<u8>>, IdentityError> {
        if sealed.key_id != self.key_id() {
            return Err(IdentityError::OtherMasterKey { sealed_by: hex(&sealed.key_id), own: self.id() });
        }
        let payload = Payload { msg: &sealed.ciphertext, aad: &associated(&sealed.key_id, purpose, row) };
        let plain = self.cipher(purpose).decrypt(&Nonce::from(sealed.nonce), payload);
        plain.map(Secret::new).map_err(|_| IdentityError::Unsealable { purpose, row: row.to_owned() })
    }

    fn key_id(&self) -> [u8; ID_BYTES] {
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&self.mac("name", "")[..ID_BYTES]);
        id
    }

    fn cipher(&self, purpose: &str) -> Aes256Gcm {
        let key = Secret::new(self.mac("seal", purpose));
        Aes256Gcm::new(key.expose().into())
    }

    fn mac(&self, label: &str, purpose: &str) -> [u8; KEY_BYTES] {
        let mut mac =
            <Hmac<Sha256> as KeyInit>::new_from_slice(self.0.expose()).expect("HMAC takes keys of every length");
        mac.update(label.as_bytes());
        mac.update(&[0]);
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

impl Sealed {
    /// As stored: format, key id, nonce, ciphertext.
    pub fn to_bytes(&self) -> Vec<u8> {
        [&[FORMAT], &self.key_id[..], &self.nonce, &self.ciphertext].concat()
    }

    /// From storage; `None` when it is no sealed value.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (format, rest) = bytes.split_first()?;
        let (key_id, rest) = rest.split_first_chunk()?;
        let (nonce, ciphertext) = rest.split_first_chunk()?;
        (*format == FORMAT).then(|| Self { key_id: *key_id, nonce: *nonce, ciphertext: ciphertext.to_vec() })
    }
}

/// Key, purpose and row, each behind its length.
fn associated(key_id: &[u8; ID_BYTES], purpose: &str, row: &str) -> Vec<u8> {
    let mut out = vec![FORMAT];
    for part in [&key_id[..], purpose.as_bytes(), row.as_bytes()] {
        out.extend_from_slice(&(part.len() as u64).to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}

fn bad(origin: &str, reason: &str) -> IdentityError {
    IdentityError::BadKey { origin: origin.to_owned(), what: WHAT, reason: reason.to_owned() }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> MasterKey {
        MasterKey::from_bytes([byte; KEY_BYTES])
    }

    fn code(result: Result<Secret<Vec<u8>>, IdentityError>) -> String {
        result.map_or_else(|error| sf_types::Fault::from(error).code, |_| "open".into())
    }

    #[test]
    fn a_value_opens_only_for_its_key_purpose_and_row() {
        let sealed = key(1).seal("secret", "row-1", b"value", &Rng::seeded(1));
        assert_eq!(key(1).open("secret", "row-1", &sealed).unwrap().expose(), b"value");
        for (key, purpose, row, expected) in [
            (key(1), "secret", "row-1", "open"),
            (key(2), "secret", "row-1", "seal.other_key"),
            (key(1), "access-key", "row-1", "seal.damaged"),
            (key(1), "secret", "row-2", "seal.damaged"),
            (key(1), "secre", "trow-1", "seal.damaged"),
        ] {
            assert_eq!(code(key.open(purpose, row, &sealed)), expected, "{purpose} {row}");
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let stored = key(1).seal("secret", "row", b"value", &Rng::seeded(1)).to_bytes();
        assert_eq!(code(key(1).open("secret", "row", &Sealed::from_bytes(&stored).unwrap())), "open");
        for bit in 0..stored.len() * 8 {
            let mut flipped = stored.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let opened = Sealed::from_bytes(&flipped).map(|sealed| code(key(1).open("secret", "row", &sealed)));
            assert_ne!(opened.as_deref(), Some("open"), "bit {bit}");
        }
        for length in 0..stored.len() {
            let opened =
                Sealed::from_bytes(&stored[..length]).map(|sealed| code(key(1).open("secret", "row", &sealed)));
            assert_ne!(opened.as_deref(), Some("open"), "{length} bytes");
        }
    }

    #[test]
    fn equal_values_look_different_and_derived_keys_are_apart() {
        let rng = Rng::seeded(1);
        assert_ne!(key(1).seal("p", "r", b"v", &rng), key(1).seal("p", "r", b"v", &rng));
        assert_ne!(key(1).derive("a").expose(), key(1).derive("b").expose());
        assert_ne!(key(1).derive("a").expose(), key(2).derive("a").expose());
        assert!(format!("{:?}", key(1)).contains("[secret]"));
    }

    #[test]
    fn a_fingerprint_needs_the_key_and_nothing_moves_between_its_parts() {
        let of = |byte, parts: &[&[u8]]| key(byte).fingerprint("p", parts);
        assert_eq!(of(1, &[b"ab", b"c"]), of(1, &[b"ab", b"c"]));
        assert_ne!(of(1, &[b"ab", b"c"]), of(1, &[b"a", b"bc"]));
        assert_ne!(of(1, &[b"ab", b"c"]), of(2, &[b"ab", b"c"]));
    }

    #[tokio::test]
    async fn the_key_file_is_made_once_and_used_again() {
        let folder = tempfile::tempdir().unwrap();
        let source = MasterSource::File(folder.path().join("master.key"));
        let first = MasterKey::fetch(&source, &Rng::seeded(1)).await.unwrap();
        let second = MasterKey::fetch(&source, &Rng::seeded(2)).await.unwrap();
        assert_eq!(first.id(), second.id());
    }

    #[tokio::test]
    async fn what_is_no_key_is_refused_and_named() {
        let good = STANDARD.encode([7; 32]);
        let text = |text: &str| MasterSource::Text(Secret::new(text.to_owned()));
        let run = |argv: &[&str]| MasterSource::Command(argv.iter().map(|one| (*one).to_owned()).collect());
        for (source, expected) in [
            (text(&good), None),
            (run(&["printf", "%s\n", &good]), None),
            (text("***"), Some("MASTER_KEY holds no usable master key (32 bytes in base64): it is not base64")),
            (text("AAAA"), Some("it has 3 bytes")),
            (run(&["false"]), Some("false ended with exit status: 1")),
            (run(&["/absent/program"]), Some("/absent/program could not be started")),
            (run(&[]), Some("it is empty")),
        ] {
            let got = MasterKey::fetch(&source, &Rng::seeded(1)).await;
            match expected {
                None => assert_eq!(got.unwrap().id(), key(7).id()),
                Some(part) => assert!(got.unwrap_err().to_string().contains(part), "{part}"),
            }
        }
    }
}
