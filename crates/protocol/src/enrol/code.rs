//! The code of the device flow: short enough to type, hard to misread.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Eight letters out of twenty consonants (RFC 8628 section 6.1), printed `WDJB-MJHT`; 34.6 bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserCode([u8; 8]);

/// The text is no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a code has eight letters, such as WDJB-MJHT; vowels and digits do not occur in it")]
pub struct BadCode;

const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

impl UserCode {
    /// How long one is good: 10 min.
    pub const LIFETIME: std::time::Duration = std::time::Duration::from_secs(10 * 60);
    /// Wrong codes a person may type before having to wait.
    pub const TRIES: u32 = 5;

    /// From 16 random bytes. Out of 128 bits the remainder's bias is below 2^-90.
    pub fn from_random(random: [u8; 16]) -> Self {
        let mut rest = u128::from_be_bytes(random);
        Self(std::array::from_fn(|_| {
            let letter = LETTERS[usize::try_from(rest % 20).expect("below 20")];
            rest /= 20;
            letter
        }))
    }

    /// Reads what a person typed: any case, with or without dashes and spaces, and with the digits and vowels that
    /// are taken for our letters.
    ///
    /// # Errors
    /// [`BadCode`].
    pub fn typed(text: &str) -> Result<Self, BadCode> {
        let mut letters = text.chars().filter(|c| !c.is_whitespace() && !is_dash(*c)).map(likely);
        let mut code = [0; 8];
        for slot in &mut code {
            *slot = letters.next().flatten().ok_or(BadCode)?;
        }
        if letters.next().is_some() { Err(BadCode) } else { Ok(Self(code)) }
    }
}

const fn is_dash(c: char) -> bool {
    matches!(c, '-' | '_' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// The letter of ours that was meant.
fn likely(c: char) -> Option<u8> {
    let letter = match c.to_ascii_uppercase() {
        '0' | 'O' => b'Q',
        '1' | 'I' => b'L',
        '2' => b'Z',
        '5' => b'S',
        '6' => b'G',
        '8' => b'B',
        'U' => b'V',
        other => u8::try_from(other).ok()?,
    };
    LETTERS.contains(&letter).then_some(letter)
}

impl FromStr for UserCode {
    type Err = BadCode;

    /// The printed form exactly; for what people type use [`UserCode::typed`].
    fn from_str(text: &str) -> Result<Self, BadCode> {
        let code = Self::typed(text)?;
        if code.to_string() == text { Ok(code) } else { Err(BadCode) }
    }
}

impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, letter) in self.0.iter().enumerate() {
            if at == 4 {
                f.write_str("-")?;
            }
            write!(f, "{}", char::from(*letter))?;
        }
        Ok(())
    }
}

impl fmt::Debug for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for UserCode {
    type Error = BadCode;

    fn try_from(text: String) -> Result<Self, BadCode> {
        text.parse()
    }
}

impl From<UserCode> for String {
    fn from(code: UserCode) -> Self {
        code.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_is_understood() {
        let code: UserCode = "QLZS-GBVT".parse().unwrap();
        for typed in ["QLZS-GBVT", "qlzsgbvt", " qlzs gbvt ", "0125-68UT", "O1z5–6BuT", "q-l-z-s-g-b-v-t"] {
            assert_eq!(UserCode::typed(typed), Ok(code), "{typed}");
        }
        for bad in ["", "QLZS-GBV", "QLZS-GBVTT", "QLZS-GBVA", "QLZS-GBVé", "QLZS/GBVT"] {
            assert_eq!(UserCode::typed(bad), Err(BadCode), "{bad}");
        }
    }

    #[test]
    fn on_the_wire_there_is_one_form() {
        for bad in ["qlzs-gbvt", "QLZSGBVT", "QLZS–GBVT", "QLZS-GB8T", " QLZS-GBVT"] {
            assert_eq!(bad.parse::<UserCode>(), Err(BadCode), "{bad}");
        }
    }

    #[test]
    fn all_letters_occur_and_different_bytes_give_different_codes() {
        assert_eq!(UserCode::from_random([0; 16]).to_string(), "BBBB-BBBB");
        let mut seen = std::collections::HashSet::new();
        for n in 0..=255_u8 {
            seen.extend(UserCode::from_random([n; 16]).0);
        }
        assert_eq!(seen.len(), LETTERS.len());
        assert_ne!(UserCode::from_random([1; 16]), UserCode::from_random([2; 16]));
    }
}
