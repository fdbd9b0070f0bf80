//! Thirty-two characters that people can read aloud and retype: no `0`/`o`, no `1`/`l`. Five bits each.

/// The characters by value.
const CHARACTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Writes bytes, five bits a character, the last one filled up with zero bits.
pub fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(encoded_len(bytes.len()));
    let (mut held, mut bits) = (0_u32, 0);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(character(held >> bits));
        }
    }
    if bits > 0 {
        out.push(character(held << (5 - bits)));
    }
    out
}

/// Reads exactly `N` bytes; `None` for any other length, character or filling.
pub fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != encoded_len(N) {
        return None;
    }
    let mut out = [0; N];
    let (mut held, mut bits, mut at) = (0_u32, 0, 0);
    for byte in text.bytes() {
        let value = CHARACTERS.iter().position(|one| *one == byte)?;
        held = (held << 5 | u32::try_from(value).ok()?) & 0xfff;
        bits += 5;
        if bits >= 8 && at < N {
            bits -= 8;
            out[at] = u8::try_from(held >> bits & 0xff).ok()?;
            at += 1;
        }
    }
    (held & ((1 << bits) - 1) == 0).then_some(out)
}

/// Characters for this many bytes.
pub const fn encoded_len(bytes: usize) -> usize {
    (bytes * 8).div_ceil(5)
}

/// `groups` groups of five characters with hyphens, made from that many random bits.
pub fn grouped(bytes: &[u8], groups: usize) -> String {
    let text = encode(bytes);
    let groups: Vec<&str> = (0..groups).filter_map(|nth| text.get(nth * 5..nth * 5 + 5)).collect();
    groups.join("-")
}

/// What a person typed, as it was printed: without hyphens and blanks, in lower case.
pub fn retyped(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_lowercase()).collect()
}

fn character(value: u32) -> char {
    char::from(CHARACTERS[(value & 31) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_its_own_writing_and_nothing_else() {
        for bytes in [[0; 7], [255; 7], [1, 2, 3, 4, 5, 6, 7], [0x80, 0, 0, 0, 0, 0, 1]] {
            assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }
        assert_eq!(decode(&encode(&[9; 32])), Some([9; 32]));
        let text = encode(&[1; 7]);
        for bad in ["", &text[1..], &format!("{text}a"), &text.replacen('a', "l", 1), &text.to_uppercase()] {
            assert_eq!(decode::<7>(bad), None, "{bad}");
        }
        // 7 bytes leave 4 bits of filling in the last character: another filling is another text.
        assert_eq!(decode::<7>(&format!("{}{}", &text[..11], '9')), None);
    }

    #[test]
    fn grouped_text_survives_being_retyped() {
        let text = grouped(&[7; 13], 4);
        assert_eq!(text.len(), 23);
        assert_eq!(retyped(&format!(" {} ", text.to_uppercase().replace('-', " "))), text.replace('-', ""));
    }
}
