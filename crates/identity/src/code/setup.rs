//! The one-time code that lets the first person in: printed by the server at its first start, typed into the browser.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sf_runtime::Rng;
use sf_types::{ErrorKind, Fault, Secret, Timestamp};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::alphabet;
use crate::master::MasterKey;

/// Wrong codes that are taken before a new one has to be made: 50 bits stand against 10 guesses.
pub const MAX_ATTEMPTS: u32 = 10;
/// Life of a code: 24 hours; the next start prints a new one.
pub const LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// Two groups of five characters, 50 bits.
const GROUPS: usize = 2;

/// What the store knows of the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredCode {
    /// HMAC of the code under a key of the control plane: 50 bits alone could be searched.
    pub hash: [u8; 32],
    /// Wrong codes taken so far.
    pub attempts: u32,
    /// End of its life.
    pub expires_at: Timestamp,
    /// When it let somebody in.
    pub used_at: Option<Timestamp>,
}

/// The answer to a typed code. Store what changed before answering the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeAnswer {
    /// Right: store [`StoredCode::used_at`] in the transaction that makes the first account.
    Right,
    /// Wrong: store one attempt more.
    Wrong {
        /// Attempts left after this one.
        left: u32,
    },
    /// Used, expired or tried too often.
    Over,
}

/// Makes and checks set-up codes; from the master key.
#[derive(Debug, Clone)]
pub struct SetupKey(Secret<[u8; 32]>);

impl SetupKey {
    /// The key of this control plane.
    pub fn new(master: &MasterKey) -> Self {
        Self(master.derive("setup-code"))
    }

    /// A new code, as printed (`abcde-fghjk`), and its row.
    pub fn issue(&self, now: Timestamp, rng: &Rng) -> (Secret<String>, StoredCode) {
        let code = alphabet::grouped(&rng.bytes::<7>(), GROUPS);
        let hash = self.hash(&code);
        (Secret::new(code), StoredCode { hash, attempts: 0, expires_at: now.plus(LIFETIME), used_at: None })
    }

    /// Decides on a typed code; case, blanks and hyphens do not matter.
    pub fn check(&self, stored: &StoredCode, typed: &str, now: Timestamp) -> CodeAnswer {
        if stored.used_at.is_some() || stored.attempts >= MAX_ATTEMPTS || now >= stored.expires_at {
            return CodeAnswer::Over;
        }
        if self.hash(typed).ct_eq(&stored.hash).into() {
            CodeAnswer::Right
        } else {
            CodeAnswer::Wrong { left: MAX_ATTEMPTS - stored.attempts - 1 }
        }
    }

    fn hash(&self, code: &str) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose()).expect("HMAC takes keys of every length");
        mac.update(alphabet::retyped(code).as_bytes());
        mac.finalize().into_bytes().into()
    }
}

impl CodeAnswer {
    /// What the person is told when it is not [`CodeAnswer::Right`].
    pub fn fault(self) -> Option<Fault> {
        let refused = |code: &str, message: String| Some(Fault::new(ErrorKind::Unauthenticated, code, message));
        match self {
            Self::Right => None,
            Self::Wrong { left } => {
                refused("setup.wrong", format!("The set-up code is wrong; {left} attempts are left."))
                    .map(|fault| fault.fix("It stands in the server's first lines of output."))
            }
            Self::Over => refused("setup.over", "The set-up code was used, has expired or was tried too often.".into())
                .map(|fault| fault.fix("Start the server again: it prints a new one while there is no account.")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000);

    fn key(byte: u8) -> SetupKey {
        SetupKey::new(&MasterKey::from_bytes([byte; 32]))
    }

    #[test]
    fn a_code_lets_in_once_within_its_time_and_attempts() {
        let (code, row) = key(1).issue(NOW, &Rng::seeded(1));
        let code = code.expose().as_str();
        assert_eq!(code.len(), 11);
        let check = |row: StoredCode, typed: &str, at, expected| {
            assert_eq!(key(1).check(&row, typed, at), expected, "{row:?} {typed}");
        };
        check(row, code, NOW, CodeAnswer::Right);
        check(row, &format!(" {} ", code.to_uppercase().replace('-', " ")), NOW, CodeAnswer::Right);
        check(row, "", NOW, CodeAnswer::Wrong { left: 9 });
        check(row, &code[1..], NOW, CodeAnswer::Wrong { left: 9 });
        check(StoredCode { attempts: 9, ..row }, "x", NOW, CodeAnswer::Wrong { left: 0 });
        check(StoredCode { attempts: 10, ..row }, code, NOW, CodeAnswer::Over);
        check(StoredCode { used_at: Some(NOW), ..row }, code, NOW, CodeAnswer::Over);
        check(row, code, NOW.plus(LIFETIME), CodeAnswer::Over);
        assert_eq!(key(2).check(&row, code, NOW), CodeAnswer::Wrong { left: 9 });
    }

    #[test]
    fn refusals_say_what_to_do() {
        assert_eq!(CodeAnswer::Right.fault(), None);
        for answer in [CodeAnswer::Wrong { left: 3 }, CodeAnswer::Over] {
            assert!(!answer.fault().unwrap().fix.is_empty());
        }
    }
}
