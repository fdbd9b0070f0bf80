//! The texts that stand for a secret: a prefix that says what it is, an id, random bytes and a checksum, so that a
//! typing error is told apart from a token that was revoked.

pub mod once;

use sf_runtime::Rng;
use sf_types::{ErrorKind, Fault, Secret, Timestamp};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::alphabet;

/// What a text may be used for. The prefix is under the checksum and the hash: one cannot be turned into another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BearerKind {
    /// CLI or API token.
    Token,
    /// Refresh token of a browser or CLI session.
    Refresh,
    /// Link of an invitation.
    Invitation,
    /// Link that lets somebody choose a new password.
    Reset,
    /// The time between a right password and the second factor's code.
    Ticket,
    /// A CLI that waits for a person to sign it in.
    Device,
    /// What an AI host redeems, once, after a person has let it in.
    HostCode,
    /// Refresh token of an AI host.
    HostRefresh,
}

/// Why a text was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BearerRefusal {
    /// Nothing of ours.
    #[error("this is no token of this system")]
    Foreign,
    /// Mistyped or cut off: its checksum does not hold.
    #[error("the token is incomplete or mistyped")]
    Mistyped,
    /// A token of ours for something else.
    #[error("this is a {found}, and a {expected} is needed here")]
    OtherKind {
        /// What was presented.
        found: &'static str,
        /// What is needed.
        expected: &'static str,
    },
    /// Well-formed, but never issued or long deleted.
    #[error("the token is not known")]
    Unknown,
    /// Taken back.
    #[error("the token was revoked at {at}")]
    Revoked {
        /// When.
        at: Timestamp,
    },
    /// Too old.
    #[error("the token expired at {at}")]
    Expired {
        /// When.
        at: Timestamp,
    },
}

/// A text that was presented and whose checksum holds. Whether it is good is for the stored row to say.
#[derive(Debug, Clone)]
pub struct Presented {
    /// The id of the row to look up.
    pub id: Uuid,
    pub(crate) secret: Secret<[u8; SECRET_BYTES]>,
    hash: [u8; 32],
}

/// Random bytes in a text: 256 bits.
pub const SECRET_BYTES: usize = 32;
const ID_BYTES: usize = 16;
const CHECKSUM_BYTES: usize = 4;
const BODY_BYTES: usize = ID_BYTES + SECRET_BYTES + CHECKSUM_BYTES;

impl BearerKind {
    const ALL: [Self; 8] = [
        Self::Token,
        Self::Refresh,
        Self::Invitation,
        Self::Reset,
        Self::Ticket,
        Self::Device,
        Self::HostCode,
        Self::HostRefresh,
    ];

    /// What it begins with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Token => "sf_",
            Self::Refresh => "sfr_",
            Self::Invitation => "sfi_",
            Self::Reset => "sfp_",
            Self::Ticket => "sft_",
            Self::Device => "sfd_",
            Self::HostCode => "sfc_",
            Self::HostRefresh => "sfh_",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Token => "CLI or API token",
            Self::Refresh => "refresh token",
            Self::Invitation => "invitation",
            Self::Reset => "link for a new password",
            Self::Ticket => "sign-in ticket",
            Self::Device => "device code",
            Self::HostCode => "code for an AI host",
            Self::HostRefresh => "refresh token of an AI host",
        }
    }
}

/// A new text of 256 random bits for the row `id`, and what is stored of it.
pub fn issue(kind: BearerKind, id: Uuid, rng: &Rng) -> (Secret<String>, [u8; 32]) {
    let secret = Secret::new(rng.bytes::<SECRET_BYTES>());
    (write(kind, id, secret.expose()), hash(kind, id, secret.expose()))
}

/// Writes the text.
pub(crate) fn write(kind: BearerKind, id: Uuid, secret: &[u8; SECRET_BYTES]) -> Secret<String> {
    let mut body = [0; BODY_BYTES];
    body[..ID_BYTES].copy_from_slice(id.as_bytes());
    body[ID_BYTES..ID_BYTES + SECRET_BYTES].copy_from_slice(secret);
    let sum = checksum(kind, &body);
    body[ID_BYTES + SECRET_BYTES..].copy_from_slice(&sum);
    Secret::new(format!("{}{}", kind.prefix(), alphabet::encode(&body)))
}

/// Reads a text and checks its checksum.
///
/// # Errors
/// [`BearerRefusal::Foreign`], [`BearerRefusal::OtherKind`], [`BearerRefusal::Mistyped`].
pub fn read(expected: BearerKind, text: &str) -> Result<Presented, BearerRefusal> {
    let text = text.trim();
    let kind = BearerKind::ALL.into_iter().find(|kind| text.starts_with(kind.prefix()));
    let kind = kind.ok_or(BearerRefusal::Foreign)?;
    if kind != expected {
        return Err(BearerRefusal::OtherKind { found: kind.name(), expected: expected.name() });
    }
    let body: [u8; BODY_BYTES] = alphabet::decode(&text[kind.prefix().len()..]).ok_or(BearerRefusal::Mistyped)?;
    if body[ID_BYTES + SECRET_BYTES..] != checksum(kind, &body) {
        return Err(BearerRefusal::Mistyped);
    }
    let (mut id, mut secret) = ([0; ID_BYTES], [0; SECRET_BYTES]);
    id.copy_from_slice(&body[..ID_BYTES]);
    secret.copy_from_slice(&body[ID_BYTES..ID_BYTES + SECRET_BYTES]);
    let id = Uuid::from_bytes(id);
    Ok(Presented { id, hash: hash(kind, id, &secret), secret: Secret::new(secret) })
}

/// What is stored instead of the text: SHA-256. 256 random bits need no slow hash.
pub(crate) fn hash(kind: BearerKind, id: Uuid, secret: &[u8; SECRET_BYTES]) -> [u8; 32] {
    let mut sha = Sha256::new();
    sha.update(kind.prefix());
    sha.update(id.as_bytes());
    sha.update(secret);
    sha.finalize().into()
}

impl Presented {
    /// Whether `stored` is the hash of this text; constant in time.
    pub fn matches(&self, stored: &[u8; 32]) -> bool {
        self.hash.ct_eq(stored).into()
    }
}

/// CRC-32 (ISO-HDLC) of prefix, id and secret: against typing errors, not against people.
fn checksum(kind: BearerKind, body: &[u8; BODY_BYTES]) -> [u8; CHECKSUM_BYTES] {
    let mut crc = crc32fast::Hasher::new();
    crc.update(kind.prefix().as_bytes());
    crc.update(&body[..ID_BYTES + SECRET_BYTES]);
    crc.finalize().to_be_bytes()
}

impl BearerRefusal {
    /// As an edge shows it. All are 401; the code tells a program what to do next.
    pub fn fault(self) -> Fault {
        let (code, fix) = match self {
            Self::Foreign => ("token.foreign", "Use a token made by this system: it begins with sf_."),
            Self::Mistyped => ("token.mistyped", "Copy the whole token again."),
            Self::OtherKind { .. } => ("token.other_kind", "Use a token made for this."),
            Self::Unknown => ("token.unknown", "Sign in again, or make a new token."),
            Self::Revoked { .. } => ("token.revoked", "Sign in again, or make a new token."),
            Self::Expired { .. } => ("token.expired", "Sign in again, or make a new token."),
        };
        Fault::new(ErrorKind::Unauthenticated, code, self.to_string()).fix(fix)
    }
}
