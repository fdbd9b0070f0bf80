//! The bodies of the fuzz targets as properties: random bytes, and good messages bent at random.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use sf_protocol::frame::Frame;

use crate::{bodies, samples};

/// Texts and signed bodies of every sample, as seeds.
fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![];
    for (_, text) in samples::frames() {
        if let Some((_, signed)) = Frame::parse(&text).unwrap().signed() {
            seeds.push(signed.payload.clone());
        }
        seeds.push(text.into_bytes());
    }
    seeds.extend(samples::WORDS.iter().map(|word| word.as_bytes().to_vec()));
    seeds
}

#[derive(Clone, Debug)]
enum Bend {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Cut(Index, Index),
    Copy(Index, Index, Index),
}

fn bends() -> impl Strategy<Value = Bend> {
    let index = any::<Index>;
    let tokens = [&b"\"x\":1,"[..], b"null", b"{", b"}", b",", b"\"", b"-1", b"1e999", b"\xf0", b"[[[[", b"\\u0000"];
    prop_oneof![
        (index(), any::<u8>()).prop_map(|(at, byte)| Bend::Set(at, byte)),
        (index(), select(tokens.map(<[u8]>::to_vec).to_vec())).prop_map(|(at, token)| Bend::Insert(at, token)),
        (index(), index()).prop_map(|(a, b)| Bend::Cut(a, b)),
        (index(), index(), index()).prop_map(|(a, b, to)| Bend::Copy(a, b, to)),
    ]
}

fn bent(mut bytes: Vec<u8>, bends: Vec<Bend>) -> Vec<u8> {
    for bend in bends {
        let at = |index: Index| index.index(bytes.len() + 1);
        match bend {
            Bend::Set(index, byte) => {
                let at = at(index);
                if let Some(slot) = bytes.get_mut(at) {
                    *slot = byte;
                }
            }
            Bend::Insert(index, token) => {
                let at = at(index);
                bytes.splice(at..at, token);
            }
            Bend::Cut(a, b) => {
                let (a, b) = (at(a), at(b));
                bytes.drain(a.min(b)..a.max(b));
            }
            Bend::Copy(a, b, to) => {
                let (a, b, to) = (at(a), at(b), at(to));
                let part = bytes[a.min(b)..a.max(b)].to_vec();
                bytes.splice(to..to, part);
            }
        }
    }
    bytes
}

fn feed(bytes: &[u8]) {
    bodies::frame(bytes);
    bodies::bodies(bytes);
    bodies::words(bytes);
}

#[test]
fn the_seeds_themselves_read_back() {
    seeds().iter().for_each(|seed| feed(seed));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        feed(&bytes);
    }

    #[test]
    fn bent_messages(seed in select(seeds()), bends in prop::collection::vec(bends(), 1..4)) {
        feed(&bent(seed, bends));
    }
}
