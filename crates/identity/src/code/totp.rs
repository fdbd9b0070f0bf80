//! Codes of authenticator apps. Source: RFC 6238 (time steps of 30 s, HMAC-SHA-1, six digits: what the apps expect).
//!
//! A code is good for its own step and the one before and after it. That no code is good twice is for the store: it
//! keeps the last step that was taken, and takes only later ones.

use sf_runtime::Rng;
use sf_types::{Secret, Timestamp};
use totp_rs::{Algorithm, Builder, Totp};

use crate::error::IdentityError;
use crate::master::{MasterKey, Sealed};

/// Random bytes of a secret. Source: RFC 4226 section 4, R6.
pub const SECRET_BYTES: usize = 20;
/// Seconds of a time step.
pub const STEP_SECS: u64 = 30;
/// Digits of a code.
pub const DIGITS: u8 = 6;
/// Steps before and after the present one whose codes are taken: for clocks that differ and for slow fingers.
pub const DRIFT_STEPS: u16 = 1;
/// Who issues, as the app shows it.
const ISSUER: &str = "ServerFlow";
const PURPOSE: &str = "totp-secret";

/// The secret that an app and the control plane share. Never printed; wiped when dropped.
#[derive(Clone, Debug)]
pub struct TotpSecret(Secret<Vec<u8>>);

impl TotpSecret {
    /// A new one.
    pub fn generate(rng: &Rng) -> Self {
        Self(Secret::new(rng.bytes::<SECRET_BYTES>().to_vec()))
    }

    /// As it is stored, for the factor named `row`.
    pub fn seal(&self, row: &str, master: &MasterKey, rng: &Rng) -> Vec<u8> {
        master.seal(PURPOSE, row, self.0.expose(), rng).to_bytes()
    }

    /// Opens a stored one.
    ///
    /// # Errors
    /// [`IdentityError::OtherMasterKey`], [`IdentityError::Unsealable`].
    pub fn open(stored: &[u8], row: &str, master: &MasterKey) -> Result<Self, IdentityError> {
        let damaged = || IdentityError::Unsealable { purpose: PURPOSE, row: row.to_owned() };
        let sealed = Sealed::from_bytes(stored).ok_or_else(damaged)?;
        let plain = master.open(PURPOSE, row, &sealed)?;
        if plain.expose().len() == SECRET_BYTES { Ok(Self(plain)) } else { Err(damaged()) }
    }

    /// The step whose code this is, where it is one that is taken now. Blanks between the digits do not matter.
    pub fn step_of(&self, code: &str, now: Timestamp) -> Option<u64> {
        let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        self.totp("").check(&digits, u64::try_from(now.as_secs()).ok()?)
    }

    /// The code of a moment: what an app shows.
    pub fn code_at(&self, now: Timestamp) -> Secret<String> {
        Secret::new(self.totp("").generate(u64::try_from(now.as_secs()).unwrap_or(0)).to_string())
    }

    /// For typing into an app: base 32.
    pub fn text(&self) -> Secret<String> {
        Secret::new(self.totp("").secret().to_base32())
    }

    /// Reads [`Self::text`] back: for programs that play an app.
    pub fn from_text(text: &str) -> Option<Self> {
        let secret = totp_rs::Secret::try_from_base32(text).ok()?;
        Some(Self(Secret::new(secret.as_bytes().to_vec()))).filter(|secret| secret.0.expose().len() == SECRET_BYTES)
    }

    /// `otpauth://totp/…`: what an app reads as a picture. The account is a person's mail address.
    pub fn uri(&self, account: &str) -> Secret<String> {
        // A colon would end the issuer's name.
        let account = account.replace(':', "_");
        Secret::new(self.totp(&account).to_url().expect("an account without a colon"))
    }

    fn totp(&self, account: &str) -> Totp {
        Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(DIGITS)
            .with_skew(DRIFT_STEPS)
            .with_step_duration(STEP_SECS)
            .with_secret(self.0.expose().clone())
            .with_account_name(account)
            .with_issuer(Some(ISSUER))
            .build()
            .expect("six digits, 30 s and 20 bytes are within RFC 4226")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rfc() -> TotpSecret {
        TotpSecret(Secret::new(b"12345678901234567890".to_vec()))
    }

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_millis(secs * 1_000)
    }

    /// The vectors of RFC 6238, appendix B: the last six of their eight digits.
    #[test]
    fn the_codes_are_those_of_the_rfc() {
        for (secs, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(rfc().code_at(at(secs)).expose(), code, "{secs}");
            assert_eq!(rfc().step_of(code, at(secs)), Some(u64::try_from(secs).unwrap() / STEP_SECS), "{secs}");
        }
    }

    #[test]
    fn one_step_of_drift_is_forgiven_and_no_more() {
        let now = 1_111_111_111;
        let code = rfc().code_at(at(now)).expose().clone();
        let step = u64::try_from(now).unwrap() / STEP_SECS;
        let begin = i64::try_from(step * STEP_SECS).unwrap();
        for (secs, taken) in [
            (begin - 31, false),
            (begin - 30, true),
            (begin, true),
            (begin + 29, true),
            (begin + 59, true),
            (begin + 60, false),
        ] {
            assert_eq!(rfc().step_of(&code, at(secs)), taken.then_some(step), "{secs}");
        }
        let spaced = format!(" {} {} ", &code[..3], &code[3..]);
        assert_eq!(rfc().step_of(&spaced, at(now)), Some(step));
        for bad in ["", "0", "+50471", "0504711", "05047a", "５０４７１１", "abcdef"] {
            assert_eq!(rfc().step_of(bad, at(now)), None, "{bad}");
        }
    }

    #[test]
    fn a_secret_is_sealed_for_its_factor_and_never_printed() {
        let (master, rng) = (MasterKey::from_bytes([1; 32]), Rng::seeded(1));
        let secret = TotpSecret::generate(&rng);
        let stored = secret.seal("factor-1", &master, &rng);
        let opened = TotpSecret::open(&stored, "factor-1", &master).unwrap();
        assert_eq!(opened.text().expose(), secret.text().expose());
        assert!(TotpSecret::open(&stored, "factor-2", &master).is_err());
        assert!(TotpSecret::open(&stored, "factor-1", &MasterKey::from_bytes([2; 32])).is_err());
        assert!(TotpSecret::open(b"x", "factor-1", &master).is_err());
        assert!(format!("{secret:?}").contains("[secret]"));
    }

    #[test]
    fn an_app_can_read_the_picture() {
        let uri = rfc().uri("a:b@example.org").expose().clone();
        let text = rfc().text().expose().clone();
        assert_eq!(text, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(uri, format!("otpauth://totp/ServerFlow:a_b%40example.org?secret={text}&issuer=ServerFlow"));
        assert_eq!(TotpSecret::from_text(&text).unwrap().text().expose(), &text);
    }
}
