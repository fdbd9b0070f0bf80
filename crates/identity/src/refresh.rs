//! Refresh tokens: each use gives the next one, and using a spent one betrays a thief.
//!
//! The next secret is derived from the one presented and a key only the server has. So two honest requests that race
//! (two tabs, a lost answer) get the **same** next token, the second within [`RACE`]; nothing but hashes is stored.
//! A thief who used a stolen token is noticed when the owner presents it again, or the other way round: whoever comes
//! second comes with a spent token, and the whole family (the session) has to be revoked.
//! Source: RFC 9700 (OAuth 2.0 Security Best Current Practice) section 4.14.2.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sf_runtime::Rng;
use sf_types::{Secret, SessionId, Timestamp};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::bearer::{self, BearerKind, BearerRefusal, Presented, SECRET_BYTES};
use crate::master::MasterKey;

/// Longest life of a session: 30 days.
pub const ABSOLUTE: Duration = Duration::from_secs(30 * 86_400);
/// A session that nobody used this long ends: 14 days.
pub const IDLE: Duration = Duration::from_secs(14 * 86_400);
/// The previous token still gets the answer it got before: 10 s.
pub const RACE: Duration = Duration::from_secs(10);

/// Half of a token's secret names the family and is the same in all its tokens; the other half is new each time.
const FAMILY_BYTES: usize = SECRET_BYTES / 2;

/// Derives families and successors; from the master key. Under another key every session has to sign in again.
#[derive(Debug, Clone)]
pub struct RefreshKey {
    key: Secret<[u8; 32]>,
    kind: BearerKind,
}

/// What the store knows of a session's tokens. Written back only if `generation` is still what was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    /// The session; its id is in the token.
    pub session: SessionId,
    /// How often it was rotated, from 0.
    pub generation: u64,
    /// SHA-256 of the token that is good now.
    pub current: [u8; 32],
    /// SHA-256 of the one before.
    pub previous: Option<[u8; 32]>,
    /// When the session began.
    pub created_at: Timestamp,
    /// When `current` was made.
    pub rotated_at: Timestamp,
    /// When the session was ended, by its owner or after reuse.
    pub revoked_at: Option<Timestamp>,
}

/// The decision on a presented refresh token.
#[derive(Debug)]
pub enum Rotate {
    /// Good. Store `family` where the generation is still the one read; if it is not, read again and decide again.
    Rotated {
        /// The next token, for the cookie.
        token: Secret<String>,
        /// The row as it must be stored.
        family: Family,
    },
    /// An honest race or a repeated request: the token that was given out already. Nothing to store.
    Grace {
        /// The same token as the first time.
        token: Secret<String>,
    },
    /// A spent token. Revoke the session, tell its owner, audit it.
    Reuse,
    /// Not good, and no sign of theft.
    Refused(BearerRefusal),
}

impl RefreshKey {
    /// The key of this control plane.
    pub fn new(master: &MasterKey) -> Self {
        Self { key: master.derive("refresh"), kind: BearerKind::Refresh }
    }

    /// The one for AI hosts: by the same rules, of another kind, so that neither is taken where the other is.
    pub fn of_hosts(master: &MasterKey) -> Self {
        Self { key: master.derive("host-refresh"), kind: BearerKind::HostRefresh }
    }

    /// A new session's first token and row.
    pub fn start(&self, session: SessionId, now: Timestamp, rng: &Rng) -> (Secret<String>, Family) {
        let secret = self.secret(session, &rng.bytes());
        let family = Family {
            session,
            generation: 0,
            current: bearer::hash(self.kind, session.uuid(), secret.expose()),
            previous: None,
            created_at: now,
            rotated_at: now,
            revoked_at: None,
        };
        (bearer::write(self.kind, session.uuid(), secret.expose()), family)
    }

    /// Decides on a presented token against the row of its session.
    pub fn rotate(&self, stored: Option<&Family>, presented: &Presented, now: Timestamp) -> Rotate {
        let session = SessionId::from_uuid(presented.id);
        // Who does not know the family's half was never given a token of it, and learns and destroys nothing.
        let ours: bool = self.family(session).ct_eq(&presented.secret.expose()[..FAMILY_BYTES]).into();
        let Some(stored) = stored.filter(|stored| ours && stored.session == session) else {
            return Rotate::Refused(BearerRefusal::Unknown);
        };
        if let Some(at) = stored.revoked_at {
            return Rotate::Refused(BearerRefusal::Revoked { at });
        }
        let end = stored.created_at.plus(ABSOLUTE).min(stored.rotated_at.plus(IDLE));
        if now >= end {
            return Rotate::Refused(BearerRefusal::Expired { at: end });
        }
        let next = self.successor(session, presented.secret.expose());
        let hash = bearer::hash(self.kind, session.uuid(), next.expose());
        let token = bearer::write(self.kind, session.uuid(), next.expose());
        if presented.matches(&stored.current) {
            let family = Family {
                generation: stored.generation + 1,
                current: hash,
                previous: Some(stored.current),
                rotated_at: now,
                ..*stored
            };
            return Rotate::Rotated { token, family };
        }
        let is_previous = stored.previous.as_ref().is_some_and(|previous| presented.matches(previous));
        let is_race = is_previous && now.since(stored.rotated_at) <= RACE && hash == stored.current;
        if is_race { Rotate::Grace { token } } else { Rotate::Reuse }
    }

    fn successor(&self, session: SessionId, secret: &[u8; SECRET_BYTES]) -> Secret<[u8; SECRET_BYTES]> {
        self.secret(session, &self.mac("next", session, secret))
    }

    fn secret(&self, session: SessionId, fresh: &[u8; 32]) -> Secret<[u8; SECRET_BYTES]> {
        let mut secret = [0; SECRET_BYTES];
        secret[..FAMILY_BYTES].copy_from_slice(&self.family(session));
        secret[FAMILY_BYTES..].copy_from_slice(&fresh[..SECRET_BYTES - FAMILY_BYTES]);
        Secret::new(secret)
    }

    fn family(&self, session: SessionId) -> [u8; FAMILY_BYTES] {
        let mut half = [0; FAMILY_BYTES];
        half.copy_from_slice(&self.mac("family", session, &[])[..FAMILY_BYTES]);
        half
    }

    fn mac(&self, label: &str, session: SessionId, bytes: &[u8]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.expose()).expect("HMAC takes keys of every length");
        mac.update(label.as_bytes());
        mac.update(session.uuid().as_bytes());
        mac.update(bytes);
        mac.finalize().into_bytes().into()
    }
}

/// Reads a presented text; the answer names the session to look up.
///
/// # Errors
/// [`BearerRefusal`] when it is no refresh token, or mistyped.
pub fn read(text: &str) -> Result<(SessionId, Presented), BearerRefusal> {
    let presented = bearer::read(BearerKind::Refresh, text)?;
    Ok((SessionId::from_uuid(presented.id), presented))
}

/// The same of an AI host's.
///
/// # Errors
/// [`BearerRefusal`] when it is no refresh token of a host, or mistyped.
pub fn read_host(text: &str) -> Result<(SessionId, Presented), BearerRefusal> {
    let presented = bearer::read(BearerKind::HostRefresh, text)?;
    Ok((SessionId::from_uuid(presented.id), presented))
}

#[cfg(test)]
mod tests;
