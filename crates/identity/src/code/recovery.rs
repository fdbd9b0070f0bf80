//! Recovery codes: ten long codes on paper for the day the phone is gone. Each is good once.

use hmac::{Hmac, KeyInit, Mac};
use sf_runtime::Rng;
use sf_types::{Secret, UserId};
use sha2::Sha256;

use crate::alphabet;
use crate::master::MasterKey;

/// Codes that are made at once; they replace all earlier ones.
pub const CODES: usize = 10;
/// Groups of five characters: 100 random bits, so that no slow hash is needed.
const GROUPS: usize = 4;

/// Makes and hashes recovery codes; from the master key.
#[derive(Debug, Clone)]
pub struct RecoveryKey(Secret<[u8; 32]>);

impl RecoveryKey {
    /// The key of this control plane.
    pub fn new(master: &MasterKey) -> Self {
        Self(master.derive("recovery-code"))
    }

    /// A set of new codes, as they are shown (`abcde-fghjk-mnpqr-stuvw`).
    pub fn generate(rng: &Rng) -> Vec<Secret<String>> {
        (0..CODES).map(|_| Secret::new(alphabet::grouped(&rng.bytes::<13>(), GROUPS))).collect()
    }

    /// What is stored of a person's code, and what a typed one is compared by. Case, blanks and hyphens do not matter.
    pub fn hash(&self, user: UserId, typed: &str) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose()).expect("HMAC takes keys of every length");
        mac.update(user.uuid().as_bytes());
        mac.update(alphabet::retyped(typed).as_bytes());
        mac.finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_types::{Timestamp, TypedId};
    use std::collections::HashSet;

    #[test]
    fn codes_are_long_apart_and_bound_to_their_person() {
        let key = RecoveryKey::new(&MasterKey::from_bytes([1; 32]));
        let codes = RecoveryKey::generate(&Rng::seeded(1));
        let texts: HashSet<_> = codes.iter().map(|code| code.expose().clone()).collect();
        assert_eq!(texts.len(), CODES);
        let code = codes[0].expose();
        assert_eq!(alphabet::retyped(code).len() * 5, 100, "bits");
        let (ada, bo) = (UserId::from_parts(Timestamp::EPOCH, [1; 10]), UserId::from_parts(Timestamp::EPOCH, [2; 10]));
        assert_eq!(key.hash(ada, code), key.hash(ada, &format!(" {} ", code.to_uppercase().replace('-', ""))));
        assert_ne!(key.hash(ada, code), key.hash(bo, code));
        assert_ne!(key.hash(ada, code), RecoveryKey::new(&MasterKey::from_bytes([2; 32])).hash(ada, code));
    }
}
