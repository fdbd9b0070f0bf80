//! Long-lived tokens of the CLI and of programs. The text is shown once; its hash is stored.

use sf_runtime::Rng;
use sf_types::{Secret, Timestamp, TokenId};

use crate::bearer::{self, BearerKind, BearerRefusal, Presented};

/// A new token: the text for its owner, the hash for the store.
#[derive(Debug)]
pub struct Issued {
    /// `sf_...`, 87 characters.
    pub text: Secret<String>,
    /// SHA-256, to be stored.
    pub hash: [u8; 32],
}

/// What the store knows of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// SHA-256.
    pub hash: [u8; 32],
    /// End of its life, if it has one.
    pub expires_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

/// Makes a token with the id of its future row.
pub fn issue(id: TokenId, rng: &Rng) -> Issued {
    let secret = Secret::new(rng.bytes());
    Issued {
        text: bearer::write(BearerKind::Token, id.uuid(), secret.expose()),
        hash: bearer::hash(BearerKind::Token, id.uuid(), secret.expose()),
    }
}

/// Reads a presented text; the answer names the row to look up.
///
/// # Errors
/// [`BearerRefusal`] when it is no token, one for something else, or mistyped.
pub fn read(text: &str) -> Result<(TokenId, Presented), BearerRefusal> {
    let presented = bearer::read(BearerKind::Token, text)?;
    Ok((TokenId::from_uuid(presented.id), presented))
}

/// Decides on a presented token. The reason of a refusal is told only to who knows the secret.
///
/// # Errors
/// [`BearerRefusal::Unknown`], [`BearerRefusal::Revoked`], [`BearerRefusal::Expired`].
pub fn check(presented: &Presented, stored: Option<&Stored>, now: Timestamp) -> Result<(), BearerRefusal> {
    const NOBODY: [u8; 32] = [0; 32];
    let matches = presented.matches(stored.map_or(&NOBODY, |stored| &stored.hash));
    let stored = stored.filter(|_| matches).ok_or(BearerRefusal::Unknown)?;
    if let Some(at) = stored.revoked_at {
        return Err(BearerRefusal::Revoked { at });
    }
    match stored.expires_at {
        Some(at) if now >= at => Err(BearerRefusal::Expired { at }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_types::TypedId;

    const NOW: Timestamp = Timestamp::from_millis(1_000);

    fn issued() -> (TokenId, Issued) {
        let id = TokenId::from_parts(NOW, [5; 10]);
        (id, issue(id, &Rng::seeded(1)))
    }

    fn check_row(stored: Option<Stored>, expected: Result<(), BearerRefusal>) {
        let (id, token) = issued();
        let (found, presented) = read(token.text.expose()).unwrap();
        assert_eq!(found, id);
        assert_eq!(check(&presented, stored.as_ref(), NOW), expected, "{stored:?}");
    }

    #[test]
    fn a_token_is_good_only_while_its_row_says_so() {
        let good = Stored { hash: issued().1.hash, expires_at: None, revoked_at: None };
        let later = Timestamp::from_millis(1_001);
        check_row(Some(good), Ok(()));
        check_row(Some(Stored { expires_at: Some(later), ..good }), Ok(()));
        check_row(Some(Stored { expires_at: Some(NOW), ..good }), Err(BearerRefusal::Expired { at: NOW }));
        check_row(Some(Stored { revoked_at: Some(NOW), ..good }), Err(BearerRefusal::Revoked { at: NOW }));
        check_row(None, Err(BearerRefusal::Unknown));
        let mut other = Stored { revoked_at: Some(NOW), ..good };
        other.hash[31] ^= 1;
        check_row(Some(other), Err(BearerRefusal::Unknown));
    }

    #[test]
    fn every_single_typing_error_is_noticed_as_one() {
        let text = issued().1.text.expose().clone();
        assert_eq!(text.len(), 3 + 84);
        for at in 3..text.len() {
            let mut typo: Vec<u8> = text.clone().into_bytes();
            typo[at] = if typo[at] == b'x' { b'y' } else { b'x' };
            let typo = String::from_utf8(typo).unwrap();
            assert_eq!(read(&typo).unwrap_err(), BearerRefusal::Mistyped, "{at}");
        }
        assert_eq!(read(&text[..80]).unwrap_err(), BearerRefusal::Mistyped);
        assert!(read(&format!(" {text}\n")).is_ok());
    }

    #[test]
    fn kinds_cannot_be_confused() {
        let text = issued().1.text.expose().clone();
        let renamed = text.replacen("sf_", "sfr_", 1);
        assert!(matches!(read(&renamed), Err(BearerRefusal::OtherKind { .. })));
        // Even where the other kind is asked for, the prefix is under the checksum.
        assert_eq!(bearer::read(BearerKind::Refresh, &renamed).unwrap_err(), BearerRefusal::Mistyped);
        for foreign in ["", "ghp_abc", "Bearer x", "eyJhbGciOiJub25lIn0..", "sfx_"] {
            assert_eq!(read(foreign).unwrap_err(), BearerRefusal::Foreign, "{foreign}");
        }
    }
}
