//! A message that only one browser can read: `aes128gcm` with a key pair of its own. Source: RFC 8291, RFC 8188.

use aes_gcm::aead::Aead;
use aes_gcm::{Aes128Gcm, KeyInit, Nonce};
use hkdf::Hkdf;
use sf_runtime::Rng;
use sha2::Sha256;

use super::curve::{PUBLIC_BYTES, Pair};
use crate::message::MAX_BODY_BYTES;

/// Bytes of salt.
const SALT_BYTES: usize = 16;
/// One record holds everything.
const RECORD_BYTES: u32 = 4096;
/// Ends the last record, before its padding.
const LAST: u8 = 2;
/// What is added to a message: salt, size, key and its length, delimiter, tag.
const OVERHEAD_BYTES: usize = SALT_BYTES + 4 + 1 + PUBLIC_BYTES + 1 + 16;
/// Longest message that fits.
pub const MAX_PLAIN_BYTES: usize = MAX_BODY_BYTES - OVERHEAD_BYTES;

/// Whom a message is for.
#[derive(Clone, Copy, Debug)]
pub struct Browser<'k> {
    /// Its public key.
    pub public: &'k [u8],
    /// Its authentication secret.
    pub auth: &'k [u8],
}

/// The body of a request to a push service; `None` where the browser's key is none.
pub fn encrypt(plain: &[u8], browser: Browser<'_>, rng: &Rng) -> Option<Vec<u8>> {
    sealed(plain, browser, &Pair::generate(rng), rng.bytes())
}

fn sealed(plain: &[u8], browser: Browser<'_>, own: &Pair, salt: [u8; SALT_BYTES]) -> Option<Vec<u8>> {
    let (key, nonce) = derived(own, browser.public, (browser.public, &own.public), browser.auth, &salt)?;
    let padded = [plain, &[LAST]].concat();
    let cipher = Aes128Gcm::new(&key.into());
    let ciphertext = cipher.encrypt(&Nonce::from(nonce), padded.as_slice()).ok()?;
    let length = u8::try_from(PUBLIC_BYTES).expect("65");
    Some([&salt[..], &RECORD_BYTES.to_be_bytes(), &[length], &own.public, &ciphertext].concat())
}

/// Content key and nonce. Source: RFC 8291 section 3.4.
fn derived(
    own: &Pair,
    theirs: &[u8],
    (browser, sender): (&[u8], &[u8]),
    auth: &[u8],
    salt: &[u8],
) -> Option<([u8; 16], [u8; 12])> {
    let shared = own.agree(theirs)?;
    let info = [b"WebPush: info\0", browser, sender].concat();
    let mut input = [0; 32];
    Hkdf::<Sha256>::new(Some(auth), shared.expose()).expand(&info, &mut input).ok()?;
    let both = Hkdf::<Sha256>::new(Some(salt), &input);
    let (mut key, mut nonce) = ([0; 16], [0; 12]);
    both.expand(b"Content-Encoding: aes128gcm\0", &mut key).ok()?;
    both.expand(b"Content-Encoding: nonce\0", &mut nonce).ok()?;
    Some((key, nonce))
}

/// What a browser does: for tests of whoever sends. `None` for what is not for it.
pub fn decrypt(body: &[u8], private: [u8; 32], auth: &[u8]) -> Option<Vec<u8>> {
    let own = Pair::of(private)?;
    let (salt, rest) = body.split_at_checked(SALT_BYTES)?;
    let (size, rest) = rest.split_first_chunk()?;
    let (length, rest) = rest.split_first()?;
    let (sender, ciphertext) = rest.split_at_checked(usize::from(*length))?;
    if u32::from_be_bytes(*size) != RECORD_BYTES || sender.len() != PUBLIC_BYTES {
        return None;
    }
    let (key, nonce) = derived(&own, sender, (&own.public, sender), auth, salt)?;
    let mut plain = Aes128Gcm::new(&key.into()).decrypt(&Nonce::from(nonce), ciphertext).ok()?;
    (plain.pop()? == LAST).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::decoded;

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        decoded(text).unwrap().try_into().unwrap()
    }

    /// RFC 8291, section 5 and appendix A.
    #[test]
    fn the_example_of_the_standard_comes_out() {
        let own = Pair::of(bytes("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")).unwrap();
        let public =
            bytes::<65>("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4");
        let auth = bytes::<16>("BTBZMqHH6r4Tts7J_aSIgg");
        let plain = b"When I grow up, I want to be a watermelon";
        let browser = Browser { public: &public, auth: &auth };
        let made = sealed(plain, browser, &own, bytes("DGv6ra1nlYgDCS1FRnbzlw")).unwrap();
        let expected = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEq\
                        KK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
        assert_eq!(made, decoded(expected).unwrap());
        let private = bytes("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94");
        assert_eq!(decrypt(&made, private, &auth).unwrap(), plain);
    }

    #[test]
    fn only_the_browser_it_is_for_can_read_it_and_no_two_are_the_same() {
        let rng = Rng::seeded(3);
        let (browser, other) = (Pair::generate(&rng), Pair::generate(&rng));
        let to = Browser { public: &browser.public, auth: &[7; 16] };
        let longest = vec![b'a'; MAX_PLAIN_BYTES];
        let (first, second) = (encrypt(&longest, to, &rng).unwrap(), encrypt(&longest, to, &rng).unwrap());
        assert_ne!(first, second);
        assert_eq!(first.len(), MAX_BODY_BYTES);
        assert_eq!(decrypt(&first, *browser.private.expose(), &[7; 16]).unwrap(), longest);
        assert_eq!(decrypt(&first, *other.private.expose(), &[7; 16]), None);
        assert_eq!(decrypt(&first, *browser.private.expose(), &[8; 16]), None);
        for at in [0, 20, 50, 100, first.len() - 1] {
            let mut bent = first.clone();
            bent[at] ^= 1;
            assert_eq!(decrypt(&bent, *browser.private.expose(), &[7; 16]), None, "{at}");
        }
        assert_eq!(encrypt(b"x", Browser { public: &[4; 65], auth: &[7; 16] }, &rng), None, "no point of the curve");
    }
}
