//! Proof that who redeems a code is who asked for it. Source: RFC 7636, with `S256` as the only method (OAuth 2.1).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Characters of a challenge: a SHA-256 in base 64 without padding.
pub const CHALLENGE_CHARS: usize = 43;
/// Characters of a verifier. Source: RFC 7636 section 4.1.
pub const VERIFIER_CHARS: std::ops::RangeInclusive<usize> = 43..=128;

/// Whether a text can be a challenge.
pub fn is_challenge(text: &str) -> bool {
    text.len() == CHALLENGE_CHARS && URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32)
}

/// Whether a verifier answers a challenge; constant in time.
pub fn answers(verifier: &str, challenge: &str) -> bool {
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if !VERIFIER_CHARS.contains(&verifier.len()) || !verifier.bytes().all(is_unreserved) {
        return false;
    }
    let expected = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    expected.as_bytes().ct_eq(challenge.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn only_the_hash_of_the_verifier_is_answered_by_it() {
        assert!(answers(VERIFIER, CHALLENGE));
        for (verifier, challenge) in [
            // The method `plain`, by which a challenge that somebody saw would be enough.
            (CHALLENGE, CHALLENGE),
            (VERIFIER, VERIFIER),
            ("", CHALLENGE),
            ("", ""),
            (&VERIFIER[1..], CHALLENGE),
            (&format!("{VERIFIER}="), CHALLENGE),
            (&format!("{VERIFIER}\n"), CHALLENGE),
            (&"a".repeat(129), CHALLENGE),
        ] {
            assert!(!answers(verifier, challenge), "{verifier} {challenge}");
        }
    }

    #[test]
    fn a_challenge_is_a_hash() {
        assert!(is_challenge(CHALLENGE));
        for bad in ["", "short", &"=".repeat(43), &format!("{CHALLENGE}="), &CHALLENGE.replace('-', "+")] {
            assert!(!is_challenge(bad), "{bad}");
        }
    }
}
