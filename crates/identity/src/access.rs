//! Access tokens: JWT (RFC 7519) signed with EdDSA, valid for 15 minutes, each for one audience.
//!
//! The algorithm is ours to say, never the token's (RFC 8725 section 3.1); keys are found by id among our own.

pub mod client;
pub mod console;
pub mod host;

use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sf_protocol::SecretKey;
use sf_runtime::Rng;
use sf_types::{ErrorKind, Fault, InstanceId, Secret, SessionId, TenantId, Timestamp, UserId};

use crate::error::IdentityError;
use crate::master::{MasterKey, Sealed};

/// Life of an access token: 15 minutes.
pub const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// Clock difference between control planes that is forgiven: 5 s.
pub const LEEWAY: Duration = Duration::from_secs(5);
/// A signing key is replaced after 30 days.
pub const ROTATE_AFTER: Duration = Duration::from_secs(30 * 86_400);
/// Signing keys that are still accepted besides the current one.
pub const MAX_PREVIOUS: usize = 2;
/// Longest text that is looked at, in bytes.
pub const MAX_TOKEN_BYTES: usize = 2048;

const SEAL_PURPOSE: &str = "access-key";
/// RFC 9068 section 2.1: no other JWT passes for an access token.
const TYPE: &str = "at+jwt";

/// What a token is good for. One made for one endpoint works on no other.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Audience {
    /// REST.
    Api,
    /// The event WebSocket.
    Ws,
    /// The MCP server.
    Mcp,
}

/// What a token says. Times in seconds since the epoch, as JWT wants them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// The control plane that made it.
    pub iss: InstanceId,
    /// What it is good for.
    pub aud: Audience,
    /// Who.
    pub sub: UserId,
    /// Through which session; a revoked session ends its access within [`LIFETIME`].
    pub sid: SessionId,
    /// The team it acts in.
    pub tid: TenantId,
    /// Made at.
    pub iat: i64,
    /// Valid until.
    pub exp: i64,
    /// Its own id, 128 random bits in hexadecimal digits.
    pub jti: String,
}

/// For whom and what a token is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Grant {
    /// What it shall be good for.
    pub audience: Audience,
    /// Who.
    pub user: UserId,
    /// Through which session.
    pub session: SessionId,
    /// The team it acts in.
    pub tenant: TenantId,
}

/// Why an access token was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccessRefusal {
    /// No JWT of ours: format, type, algorithm or claims.
    #[error("this is no access token of this system")]
    Malformed,
    /// Signed with a key that is not, or no longer, ours.
    #[error("the access token is signed with a key that is not in use here")]
    UnknownKey,
    /// The signature does not hold.
    #[error("the access token's signature does not hold")]
    Signature,
    /// Made by another control plane.
    #[error("the access token was made by another control plane")]
    Issuer,
    /// Made for another endpoint.
    #[error("the access token was made for another endpoint")]
    Audience,
    /// Too old.
    #[error("the access token has expired")]
    Expired,
    /// Made in the future: a clock is wrong.
    #[error("the access token was made in the future")]
    NotYet,
}

/// One signing key.
#[derive(Clone, Debug)]
pub struct AccessKey {
    id: String,
    secret: SecretKey,
    created_at: Timestamp,
}

/// The key that signs and those that are still accepted.
#[derive(Clone, Debug)]
pub struct AccessKeys {
    instance: InstanceId,
    /// Newest first; the first one signs.
    keys: Vec<AccessKey>,
}

impl AccessKey {
    /// A new key.
    pub fn generate(now: Timestamp, rng: &Rng) -> Self {
        Self::from_seed(Secret::new(rng.bytes()).expose(), now)
    }

    /// The key as it is stored, with its id and creation time beside it.
    pub fn seal(&self, master: &MasterKey, rng: &Rng) -> Sealed {
        master.seal(SEAL_PURPOSE, &self.id, self.secret.seed(), rng)
    }

    /// Opens a stored key.
    ///
    /// # Errors
    /// [`IdentityError::OtherMasterKey`], [`IdentityError::Unsealable`].
    pub fn open(id: &str, created_at: Timestamp, sealed: &Sealed, master: &MasterKey) -> Result<Self, IdentityError> {
        let seed = master.open(SEAL_PURPOSE, id, sealed)?;
        let damaged = || IdentityError::Unsealable { purpose: SEAL_PURPOSE, row: id.to_owned() };
        let seed = seed.expose().as_slice().try_into().map_err(|_| damaged())?;
        let key = Self::from_seed(seed, created_at);
        if key.id == id { Ok(key) } else { Err(damaged()) }
    }

    /// Its name (`kid`): the first 16 hexadecimal digits of the public key's SHA-256.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When it was made.
    pub const fn created_at(&self) -> Timestamp {
        self.created_at
    }

    fn from_seed(seed: &[u8; 32], created_at: Timestamp) -> Self {
        let secret = SecretKey::from_seed(seed);
        let digest = secret.public().id();
        let id = digest.bytes().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self { id, secret, created_at }
    }

    fn encoding(&self) -> EncodingKey {
        /// RFC 8410 section 7: PKCS#8 version 1 with an Ed25519 seed.
        const PKCS8_HEAD: [u8; 16] =
            [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
        let der = Secret::new([&PKCS8_HEAD[..], self.secret.seed()].concat());
        EncodingKey::from_ed_der(der.expose())
    }
}

impl AccessKeys {
    /// From the stored keys in any order; at the first start `first` is generated and stored.
    pub fn new(instance: InstanceId, first: AccessKey, others: impl IntoIterator<Item = AccessKey>) -> Self {
        let mut keys: Vec<_> = std::iter::once(first).chain(others).collect();
        keys.sort_by_key(|key| std::cmp::Reverse(key.created_at));
        keys.truncate(1 + MAX_PREVIOUS);
        Self { instance, keys }
    }

    /// Whether the signing key is old enough to be replaced.
    pub fn is_rotation_due(&self, now: Timestamp) -> bool {
        self.signing().is_none_or(|key| now >= key.created_at.plus(ROTATE_AFTER))
    }

    /// The list with a new signing key; the ones before are still accepted, [`MAX_PREVIOUS`] of them.
    #[must_use]
    pub fn rotated(&self, new: AccessKey) -> Self {
        Self::new(self.instance, new, self.keys.iter().cloned())
    }

    /// The keys in use, newest first: what the store should hold.
    pub fn keys(&self) -> &[AccessKey] {
        &self.keys
    }

    /// Makes a token.
    ///
    /// # Errors
    /// [`IdentityError::BadKey`] when the signing library refuses the key.
    pub fn issue(&self, grant: Grant, now: Timestamp, rng: &Rng) -> Result<Secret<String>, IdentityError> {
        let claims = Claims {
            iss: self.instance,
            aud: grant.audience,
            sub: grant.user,
            sid: grant.session,
            tid: grant.tenant,
            iat: now.as_secs(),
            exp: now.plus(LIFETIME).as_secs(),
            jti: jti(rng),
        };
        self.sign(TYPE, &claims)
    }

    fn sign(&self, kind: &str, claims: &impl Serialize) -> Result<Secret<String>, IdentityError> {
        let refused = |reason: String| IdentityError::BadKey {
            origin: "the store".into(),
            what: "signing key for access tokens",
            reason,
        };
        let key = self.signing().ok_or_else(|| refused("there is none".into()))?;
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(kind.to_owned());
        header.kid = Some(key.id.clone());
        jsonwebtoken::encode(&header, claims, &key.encoding())
            .map(Secret::new)
            .map_err(|error| refused(error.to_string()))
    }

    /// Reads a token for one endpoint.
    ///
    /// # Errors
    /// [`AccessRefusal`]; nothing in the claims is looked at before the signature holds.
    pub fn verify(&self, audience: Audience, token: &str, now: Timestamp) -> Result<Claims, AccessRefusal> {
        self.judge(self.read(TYPE, token)?, audience, now)
    }

    /// What a token of this kind says, once its signature holds.
    fn read<T: DeserializeOwned>(&self, kind: &str, token: &str) -> Result<T, AccessRefusal> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(AccessRefusal::Malformed);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| AccessRefusal::Malformed)?;
        if header.alg != Algorithm::EdDSA || header.typ.as_deref() != Some(kind) || header.crit.is_some() {
            return Err(AccessRefusal::Malformed);
        }
        let key = self.keys.iter().find(|key| header.kid.as_ref() == Some(&key.id));
        let key = key.ok_or(AccessRefusal::UnknownKey)?;
        let public = DecodingKey::from_ed_der(key.secret.public().bytes());
        let claims = jsonwebtoken::decode::<T>(token, &public, &only_signature()).map_err(|error| {
            use jsonwebtoken::errors::ErrorKind::InvalidSignature;
            if matches!(error.kind(), InvalidSignature) { AccessRefusal::Signature } else { AccessRefusal::Malformed }
        })?;
        Ok(claims.claims)
    }

    fn judge(&self, claims: Claims, audience: Audience, now: Timestamp) -> Result<Claims, AccessRefusal> {
        if claims.iss != self.instance {
            Err(AccessRefusal::Issuer)
        } else if claims.aud != audience {
            Err(AccessRefusal::Audience)
        } else {
            in_time(claims.iat, claims.exp, now).map(|()| claims)
        }
    }

    fn signing(&self) -> Option<&AccessKey> {
        self.keys.first()
    }
}

/// Whether a token that was made and ends at these seconds is good now.
fn in_time(iat: i64, exp: i64, now: Timestamp) -> Result<(), AccessRefusal> {
    let leeway = i64::try_from(LEEWAY.as_secs()).unwrap_or(0);
    if now.as_secs() >= exp.saturating_add(leeway) {
        Err(AccessRefusal::Expired)
    } else if now.as_secs() < iat.saturating_sub(leeway) {
        Err(AccessRefusal::NotYet)
    } else {
        Ok(())
    }
}

/// 128 random bits in hexadecimal digits.
fn jti(rng: &Rng) -> String {
    rng.bytes::<16>().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The library checks the signature under the one algorithm; the claims are typed and judged here, with our clock.
fn only_signature() -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    validation
}

impl AccessRefusal {
    /// As an edge shows it. All are 401; `access.expired` tells a client to refresh and try again.
    pub fn fault(self) -> Fault {
        let (code, fix) = match self {
            Self::Expired => ("access.expired", "Refresh the session and try again."),
            Self::Audience => ("access.audience", "Ask for a token for this endpoint."),
            Self::NotYet => ("access.clock", "Set the clocks of the control planes right."),
            Self::Malformed | Self::UnknownKey | Self::Signature | Self::Issuer => ("access.refused", "Sign in again."),
        };
        Fault::new(ErrorKind::Unauthenticated, code, self.to_string()).fix(fix)
    }
}

#[cfg(test)]
mod tests;
