//! The code a CLI shows and a person types to sign it in. In the spirit of RFC 8628.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sf_runtime::Rng;
use sf_types::Secret;
use sha2::Sha256;

use crate::alphabet;
use crate::master::MasterKey;

/// Life of a code: 10 minutes.
pub const LIFETIME: Duration = Duration::from_secs(10 * 60);
/// Seconds a CLI waits between two questions.
pub const INTERVAL_SECS: u32 = 5;
/// Seconds it waits longer each time it asked too early. Source: RFC 8628 section 3.5.
pub const SLOW_DOWN_SECS: u32 = 5;
/// Two groups of five characters: 50 random bits.
const GROUPS: usize = 2;

/// Makes and hashes the codes people type; from the master key.
#[derive(Debug, Clone)]
pub struct DeviceKey(Secret<[u8; 32]>);

impl DeviceKey {
    /// The key of this control plane.
    pub fn new(master: &MasterKey) -> Self {
        Self(master.derive("cli-login-code"))
    }

    /// A new code, as it is shown (`abcde-fghjk`).
    pub fn generate(rng: &Rng) -> Secret<String> {
        Secret::new(alphabet::grouped(&rng.bytes::<7>(), GROUPS))
    }

    /// What is stored of a code. Keyed: 50 bits alone could be searched.
    pub fn hash(&self, typed: &str) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose()).expect("HMAC takes keys of every length");
        mac.update(alphabet::retyped(typed).as_bytes());
        mac.finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_can_be_read_aloud_and_retyped() {
        let key = DeviceKey::new(&MasterKey::from_bytes([1; 32]));
        let code = DeviceKey::generate(&Rng::seeded(1)).expose().clone();
        assert!(alphabet::retyped(&code).len() * 5 >= 40, "bits of {code}");
        assert!(!code.contains(['0', '1', 'l', 'o']), "{code}");
        assert_eq!(key.hash(&code), key.hash(&code.to_uppercase().replace('-', " ")));
        assert_ne!(key.hash(&code), DeviceKey::new(&MasterKey::from_bytes([2; 32])).hash(&code));
    }
}
