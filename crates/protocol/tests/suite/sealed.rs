//! A sealed value opens for its node, app, variable, secret and version, and nowhere else.

use proptest::prelude::*;
use sf_protocol::app::SecretVar;
use sf_protocol::sealed::{MAX_VALUE_BYTES, Place, Sealed};
use sf_protocol::{SecretKey, wire};
use sf_types::{Secret, SecretId};

use crate::world::{id, node_key, stranger};

fn place() -> Place<'static> {
    Place { app: id(10), name: "DATABASE_URL", secret: id::<SecretId>(30), version: 3 }
}

fn sealed(plain: &[u8]) -> Sealed {
    Sealed::seal(&node_key().public(), &place(), plain, &Secret::new([9; 32]))
}

fn bytes(sealed: Sealed) -> Vec<u8> {
    wire::decode_base64(&String::from(sealed)).unwrap()
}

fn opens(bytes: &[u8]) -> bool {
    let Ok(sealed) = Sealed::try_from(wire::encode_base64(bytes)) else { return false };
    sealed.open(&node_key(), &place()).is_ok()
}

#[test]
fn it_opens_for_its_node_and_place_alone() {
    let value = sealed(b"postgres://u:p@h/db");
    assert_eq!(value.open(&node_key(), &place()).unwrap().expose(), b"postgres://u:p@h/db");
    assert!(value.open(&stranger(), &place()).is_err(), "another node");
    for (other, what) in [
        (Place { app: id(11), ..place() }, "another app"),
        (Place { name: "DATABASE_UR", ..place() }, "another name"),
        (Place { name: "", ..place() }, "no name"),
        (Place { secret: id(31), ..place() }, "another secret"),
        (Place { version: 4, ..place() }, "another version"),
    ] {
        assert!(value.open(&node_key(), &other).is_err(), "{what}");
    }
}

#[test]
fn every_flipped_bit_and_every_cut_is_noticed() {
    let good = bytes(sealed(b"value"));
    assert!(opens(&good));
    for bit in 0..good.len() * 8 {
        // X25519 ignores the highest bit of a point; the key derivation does not.
        let mut flipped = good.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(!opens(&flipped), "bit {bit}");
    }
    for length in 0..good.len() {
        assert!(!opens(&good[..length]), "{length} bytes");
    }
    assert!(!opens(&[good.as_slice(), &[0]].concat()), "a byte more");
}

#[test]
fn a_point_of_small_order_opens_nothing() {
    let good = bytes(sealed(b"value"));
    for point in [[0; 32], {
        let mut one = [0; 32];
        one[0] = 1;
        one
    }] {
        let mut bent = good.clone();
        bent[1..33].copy_from_slice(&point);
        assert!(!opens(&bent));
    }
}

#[test]
fn texts_that_are_no_sealed_values_are_refused() {
    let longest = bytes(sealed(&vec![b'x'; MAX_VALUE_BYTES]));
    assert!(Sealed::try_from(wire::encode_base64(&longest)).is_ok());
    let longer = [longest.as_slice(), &[0]].concat();
    let other_format = [&[2], &longest[1..]].concat();
    for bad in [vec![], vec![1; 48], longer, other_format] {
        assert!(Sealed::try_from(wire::encode_base64(&bad)).is_err(), "{} bytes", bad.len());
    }
    assert!(Sealed::try_from("***".to_owned()).is_err());
}

#[test]
fn a_variable_reads_back_and_never_shows_its_value() {
    let value = sealed("pässword".as_bytes());
    let var = SecretVar { name: "DATABASE_URL".into(), secret: id(30), version: 3, sealed: value };
    assert_eq!(wire::parse::<SecretVar>(&wire::write(&var)), Ok(var.clone()));
    assert_eq!(var.open(id(10), &node_key()).unwrap().expose(), "pässword");
    assert!(var.open(id(11), &node_key()).is_err());
    assert!(!format!("{var:?}").contains("AQ"), "{var:?}");
}

#[test]
fn no_orders_of_version_1_change_their_bytes() {
    for order in crate::world::orders() {
        assert!(!String::from_utf8(wire::write(&order)).unwrap().contains("secrets"), "{order:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_value_comes_back(
        plain in prop::collection::vec(any::<u8>(), 0..2048), seed in any::<[u8; 32]>(), once in any::<[u8; 32]>(),
        name in "[A-Z_]{1,40}", version in 1_u32.., flip in any::<prop::sample::Index>(),
    ) {
        let key = SecretKey::from_seed(&seed);
        let place = Place { name: &name, version, ..place() };
        let sealed = Sealed::seal(&key.public(), &place, &plain, &Secret::new(once));
        let opened = sealed.open(&key, &place).unwrap();
        prop_assert_eq!(opened.expose(), &plain);
        prop_assert!(sealed.open(&node_key(), &place).is_err());
        let mut bent = bytes(sealed);
        let at = flip.index(bent.len());
        bent[at] ^= 0x40;
        let bent = Sealed::try_from(wire::encode_base64(&bent));
        prop_assert!(bent.is_err() || bent.unwrap().open(&key, &place).is_err());
    }
}
