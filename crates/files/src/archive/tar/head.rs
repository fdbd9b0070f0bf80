//! One header block. Pure.

use super::BLOCK;
use crate::archive::ArchiveFault;

/// What a header says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Head {
    pub name: Vec<u8>,
    pub kind: u8,
    pub size: u64,
    pub mode: u32,
}

/// Whether bytes begin with a header.
pub fn is_head(bytes: &[u8]) -> bool {
    bytes.len() == BLOCK && bytes.iter().any(|byte| *byte != 0) && has_its_sum(bytes)
}

/// # Errors
/// Where it is none.
pub fn parse(block: &[u8; BLOCK]) -> Result<Head, ArchiveFault> {
    let broken = |why: &str| ArchiveFault::Broken(why.to_owned());
    if !has_its_sum(block) {
        return Err(broken("a header does not have its checksum"));
    }
    let mut name = text(&block[..100]).to_vec();
    // Only POSIX has a prefix; GNU keeps other things there.
    if &block[257..263] == b"ustar\0" {
        let prefix = text(&block[345..500]);
        if !prefix.is_empty() {
            name = [prefix, b"/", &name].concat();
        }
    }
    let size = number(&block[124..136]).ok_or_else(|| broken("a size is no number"))?;
    let mode = number(&block[100..108]).ok_or_else(|| broken("a mode is no number"))?;
    let mode = u32::try_from(mode).map_err(|_| broken("a mode is too large"))?;
    Ok(Head { name, kind: block[156], size, mode })
}

fn has_its_sum(block: &[u8]) -> bool {
    let Some(said) = number(&block[148..156]) else { return false };
    // The sum is made with blanks in its own place; old tars added signed bytes.
    let bytes = || block.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { b' ' } else { *byte });
    let unsigned: u64 = bytes().map(u64::from).sum();
    let signed: i64 = bytes().map(|byte| i64::from(byte.cast_signed())).sum();
    said == unsigned || i64::try_from(said) == Ok(signed)
}

/// Up to the first NUL.
pub fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Octal digits, or GNU's binary numbers for what they cannot say.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        let bytes = field.iter().enumerate().map(|(at, byte)| if at == 0 { byte & 0x7f } else { *byte });
        return bytes.into_iter().try_fold(0_u64, |number, byte| {
            number.checked_mul(256).and_then(|number| number.checked_add(u64::from(byte)))
        });
    }
    let digits = field.iter().skip_while(|byte| **byte == b' ').take_while(|byte| !matches!(**byte, b' ' | 0));
    digits.copied().try_fold(0_u64, |number, byte| match byte {
        b'0'..=b'7' => number.checked_mul(8).and_then(|number| number.checked_add(u64::from(byte - b'0'))),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_binary() {
        for (field, is) in [
            (b"0000644\0".as_slice(), Some(0o644)),
            (b"   644 \0", Some(0o644)),
            (b"\0\0\0\0\0\0\0\0", Some(0)),
            (b"0000648\0", None),
            (b"-1\0\0\0\0\0\0", None),
            (b"\x80\0\0\0\0\0\0\x01\0\0\0\0", Some(1 << 32)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", None),
        ] {
            assert_eq!(number(field), is, "{field:?}");
        }
        assert!(!is_head(&[0; 512]) && !is_head(&[b'0'; 512]) && !is_head(b"x"));
    }
}
