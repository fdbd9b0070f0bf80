//! Links that are good once and for a while: invitations, new passwords. The text is in a mail or shown once; its hash
//! is stored.

use sf_runtime::Rng;
use sf_types::{Secret, Timestamp};
use uuid::Uuid;

use super::{BearerKind, BearerRefusal, Presented};
use crate::bearer;

/// A new link's text, and the hash for the store.
#[derive(Debug)]
pub struct Issued {
    /// `sfi_…` or `sfp_…`.
    pub text: Secret<String>,
    /// SHA-256, to be stored.
    pub hash: [u8; 32],
}

/// What the store knows of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// SHA-256.
    pub hash: [u8; 32],
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// Whether it was used or taken back.
    pub is_spent: bool,
}

/// Makes one with the id of its future row.
pub fn issue(kind: BearerKind, id: Uuid, rng: &Rng) -> Issued {
    let secret = Secret::new(rng.bytes());
    Issued { text: bearer::write(kind, id, secret.expose()), hash: bearer::hash(kind, id, secret.expose()) }
}

/// Reads a presented text; the answer names the row to look up.
///
/// # Errors
/// [`BearerRefusal`] when it is none, one for something else, or mistyped.
pub fn read(kind: BearerKind, text: &str) -> Result<Presented, BearerRefusal> {
    bearer::read(kind, text)
}

/// Whether it opens anything now. Why not is nobody's business: unknown, used, taken back and too old are one answer.
pub fn is_good(presented: &Presented, stored: Option<&Stored>, now: Timestamp) -> bool {
    const NOBODY: [u8; 32] = [0; 32];
    let matches = presented.matches(stored.map_or(&NOBODY, |stored| &stored.hash));
    matches && stored.is_some_and(|stored| !stored.is_spent && now < stored.expires_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000);

    #[test]
    fn a_link_is_good_once_in_time_and_for_its_purpose() {
        let id = Uuid::from_u128(7);
        let made = issue(BearerKind::Invitation, id, &Rng::seeded(1));
        let presented = read(BearerKind::Invitation, made.text.expose()).unwrap();
        assert_eq!(presented.id, id);
        let good = Stored { hash: made.hash, expires_at: Timestamp::from_millis(1_001), is_spent: false };
        let mut other = good;
        other.hash[0] ^= 1;
        for (stored, expected) in [
            (Some(good), true),
            (Some(Stored { is_spent: true, ..good }), false),
            (Some(Stored { expires_at: NOW, ..good }), false),
            (Some(other), false),
            (Some(Stored { hash: [0; 32], ..good }), false),
            (None, false),
        ] {
            assert_eq!(is_good(&presented, stored.as_ref(), NOW), expected, "{stored:?}");
        }
        for kind in [BearerKind::Reset, BearerKind::Token, BearerKind::Refresh] {
            assert!(matches!(read(kind, made.text.expose()), Err(BearerRefusal::OtherKind { .. })), "{kind:?}");
            let renamed = made.text.expose().replacen("sfi_", kind.prefix(), 1);
            assert_eq!(read(kind, &renamed).unwrap_err(), BearerRefusal::Mistyped, "{kind:?}");
        }
        assert_ne!(issue(BearerKind::Reset, id, &Rng::seeded(1)).hash, made.hash);
    }
}
