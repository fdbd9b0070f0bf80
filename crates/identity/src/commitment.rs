//! Personal fields in the audit chain: the chain holds a commitment, value and salt stand in a row of their own. When
//! that row is deleted the chain still verifies, and without the 256-bit salt nobody can find the value by trying.

use hmac::{Hmac, KeyInit, Mac};
use sf_runtime::Rng;
use sf_types::Secret;
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// Bytes of a salt.
pub const SALT_BYTES: usize = 32;

/// A new salt; one for each field of each line.
pub fn salt(rng: &Rng) -> Secret<[u8; SALT_BYTES]> {
    Secret::new(rng.bytes())
}

/// HMAC-SHA256 with the salt as key over the field's name (behind its length, 8 bytes big-endian) and value.
pub fn commit(salt: &[u8; SALT_BYTES], field: &str, value: &str) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(salt).expect("HMAC takes keys of every length");
    mac.update(&(field.len() as u64).to_be_bytes());
    mac.update(field.as_bytes());
    mac.update(value.as_bytes());
    mac.finalize().into_bytes().into()
}

/// Whether a commitment is of this value.
pub fn verify(commitment: &[u8; 32], salt: &[u8; SALT_BYTES], field: &str, value: &str) -> bool {
    commit(salt, field, value).ct_eq(commitment).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commitment_is_of_one_value_of_one_field_under_one_salt() {
        let made = commit(&[1; 32], "email", "a@b.c");
        for (salt, field, value, expected) in [
            (1, "email", "a@b.c", true),
            (2, "email", "a@b.c", false),
            (1, "name", "a@b.c", false),
            (1, "emai", "la@b.c", false),
            (1, "email", "a@b.d", false),
        ] {
            assert_eq!(verify(&made, &[salt; 32], field, value), expected, "{salt} {field} {value}");
        }
        let rng = Rng::seeded(1);
        assert_ne!(salt(&rng).expose(), salt(&rng).expose());
    }
}
