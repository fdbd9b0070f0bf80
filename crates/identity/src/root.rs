//! What agents trust: the root key `K_root`, whose fingerprint they pin, and the online key `K_cp` it certifies.
//!
//! The root key's file may be taken offline: it is needed only to certify, so every 20 to 30 days, and to raise the
//! epoch after a restore from a backup.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sf_protocol::{Class, Delegation, KeyId, Kind, PublicKey, SecretKey, Signed};
use sf_runtime::Rng;
use sf_types::{InstanceId, Secret, Timestamp};
use ssh_key::private::{Ed25519Keypair, Ed25519PrivateKey, KeypairData};
use ssh_key::public::{Ed25519PublicKey, KeyData};
use ssh_key::{HashAlg, LineEnding, PrivateKey};

use crate::error::IdentityError;
use crate::keyfile;
use crate::master::{MasterKey, Sealed};

/// From this age on a certificate is renewed, and its absence warned about: 20 days of its 30.
pub const RENEW_AFTER: Duration = Duration::from_secs(20 * 86_400);

const WHAT: &str = "Ed25519 private key in OpenSSH format";
const SEAL_PURPOSE: &str = "online-key";

/// The root key while it is present.
#[derive(Debug, Clone)]
pub struct Root(SecretKey);

/// The online key of one control plane with the root's word on it.
#[derive(Debug, Clone)]
pub struct Online {
    /// `K_cp`.
    pub key: SecretKey,
    /// The root's signature, as agents get it.
    pub certificate: Signed,
    /// What it says.
    pub delegation: Delegation,
}

/// Whether a certificate has to be renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// Not yet.
    Fresh,
    /// Now; without the root key warn, with the time that is left.
    Due {
        /// Until agents refuse.
        left: Duration,
    },
    /// Agents refuse this control plane until the root key has certified again.
    Expired,
}

impl Root {
    /// Reads the root key; `None` when it was taken offline.
    ///
    /// # Errors
    /// [`IdentityError::FileExposed`], [`IdentityError::BadKey`], [`IdentityError::File`].
    pub fn load(path: &Path) -> Result<Option<Self>, IdentityError> {
        let Some(text) = keyfile::read(path)? else { return Ok(None) };
        read_openssh(text.expose(), &path.display().to_string()).map(|key| Some(Self(key)))
    }

    /// Reads the root key for a step that cannot be done without.
    ///
    /// # Errors
    /// [`IdentityError::RootAbsent`], or as [`Self::load`].
    pub fn require(path: &Path) -> Result<Self, IdentityError> {
        Self::load(path)?.ok_or_else(|| IdentityError::RootAbsent { path: PathBuf::from(path) })
    }

    /// Makes the root key at the first start; one that is there already is used.
    ///
    /// # Errors
    /// As [`Self::require`].
    pub fn create(path: &Path, rng: &Rng) -> Result<Self, IdentityError> {
        let key = SecretKey::from_seed(Secret::new(rng.bytes()).expose());
        keyfile::create(path, write_openssh(&key, "serverflow root").expose().as_bytes())?;
        Self::require(path)
    }

    /// Its public half: agents keep it as `cp-public-key.pem`.
    pub fn public(&self) -> PublicKey {
        self.0.public()
    }

    /// The fingerprint in the install line.
    pub fn fingerprint(&self) -> KeyId {
        self.0.public().id()
    }

    /// Certifies an online key for 30 days from `now`.
    pub fn certify(
        &self,
        key: SecretKey,
        instance: InstanceId,
        epoch: u64,
        classes: Vec<Class>,
        now: Timestamp,
    ) -> Online {
        let delegation = Delegation {
            key: key.public(),
            instance,
            classes,
            epoch,
            not_before: now,
            not_after: now.plus(Delegation::MAX),
        };
        let certificate = Signed::seal(Kind::Delegation, &delegation, &self.0);
        Online { key, certificate, delegation }
    }

    /// Certifies the same key again, with the same epoch and classes, from `now`.
    pub fn renew(&self, online: &Online, now: Timestamp) -> Online {
        let Delegation { instance, epoch, classes, .. } = online.delegation.clone();
        self.certify(online.key.clone(), instance, epoch, classes, now)
    }

    /// Certifies a control plane that was restored from a backup for the next epoch: the numbers of commands it no
    /// longer knows of cannot collide with new ones.
    pub fn raise_epoch(&self, online: &Online, now: Timestamp) -> Online {
        let Delegation { instance, epoch, classes, .. } = online.delegation.clone();
        self.certify(online.key.clone(), instance, epoch + 1, classes, now)
    }
}

impl Online {
    /// A new online key, to be certified.
    pub fn generate_key(rng: &Rng) -> SecretKey {
        SecretKey::from_seed(Secret::new(rng.bytes()).expose())
    }

    /// The key as it is stored; the certificate is public and stored as it is.
    pub fn seal_key(&self, master: &MasterKey, rng: &Rng) -> Sealed {
        master.seal(SEAL_PURPOSE, &self.delegation.instance.to_string(), self.key.seed(), rng)
    }

    /// Puts a stored key and certificate together again. The certificate's time is not judged here:
    /// [`Self::renewal`] does that.
    ///
    /// # Errors
    /// [`IdentityError::OtherMasterKey`], [`IdentityError::Unsealable`]; [`IdentityError::BadKey`] when the
    /// certificate is not by `root` or is for another key.
    pub fn restore(
        instance: InstanceId,
        sealed: &Sealed,
        certificate: Signed,
        root: &PublicKey,
        master: &MasterKey,
    ) -> Result<Self, IdentityError> {
        let refused = |reason: String| IdentityError::BadKey {
            origin: format!("the stored identity of instance {instance}"),
            what: "certificate of the online key",
            reason,
        };
        let seed = master.open(SEAL_PURPOSE, &instance.to_string(), sealed)?;
        let seed = seed.expose().as_slice().try_into().map_err(|_| refused("the key has not 32 bytes".into()))?;
        let key = SecretKey::from_seed(seed);
        let delegation: Delegation =
            certificate.open(Kind::Delegation, root).map_err(|error| refused(error.to_string()))?;
        if delegation.key != key.public() || delegation.instance != instance {
            return Err(refused("it is for another key or instance".into()));
        }
        Ok(Self { key, certificate, delegation })
    }

    /// Whether the certificate has to be renewed.
    pub fn renewal(&self, now: Timestamp) -> Renewal {
        let Delegation { not_before, not_after, .. } = self.delegation;
        if now >= not_after {
            Renewal::Expired
        } else if now >= not_before.plus(RENEW_AFTER) {
            Renewal::Due { left: not_after.since(now) }
        } else {
            Renewal::Fresh
        }
    }
}

/// A private key as OpenSSH writes it (`-----BEGIN OPENSSH PRIVATE KEY-----`), without a passphrase.
pub fn write_openssh(key: &SecretKey, comment: &str) -> Secret<String> {
    let pair = Ed25519Keypair {
        public: Ed25519PublicKey(*key.public().bytes()),
        private: Ed25519PrivateKey::from_bytes(key.seed()),
    };
    let text = PrivateKey::new(KeypairData::Ed25519(pair), comment).and_then(|key| key.to_openssh(LineEnding::LF));
    let text = text.expect("a key pair of fixed size with a short comment can always be written");
    Secret::new(text.to_string())
}

/// A public key as OpenSSH writes it, one line, and its fingerprint (`SHA256:…`).
pub fn public_openssh(key: &PublicKey, comment: &str) -> (String, String) {
    let key = ssh_key::PublicKey::new(KeyData::Ed25519(Ed25519PublicKey(*key.bytes())), comment);
    let line = key.to_openssh().expect("a key of fixed size with a short comment can always be written");
    (line, key.fingerprint(HashAlg::Sha256).to_string())
}

/// Reads an OpenSSH private key. `origin` names where it came from in errors.
///
/// # Errors
/// [`IdentityError::BadKey`]: no such file format, another kind of key, a passphrase, or halves that do not match.
pub fn read_openssh(text: &[u8], origin: &str) -> Result<SecretKey, IdentityError> {
    let bad = |reason: String| IdentityError::BadKey { origin: origin.to_owned(), what: WHAT, reason };
    let read = PrivateKey::from_openssh(text).map_err(|error| bad(error.to_string()))?;
    if read.is_encrypted() {
        return Err(bad("it has a passphrase; remove it with ssh-keygen -p".into()));
    }
    let KeypairData::Ed25519(pair) = read.key_data() else {
        return Err(bad(format!("it is a key of kind {}", read.algorithm())));
    };
    let key = SecretKey::from_seed(Secret::new(pair.private.to_bytes()).expose());
    if key.public().bytes() == &pair.public.0 { Ok(key) } else { Err(bad("its two halves do not match".into())) }
}

#[cfg(test)]
mod tests;
