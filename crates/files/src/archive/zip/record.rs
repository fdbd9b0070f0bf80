//! Little-endian fields, and one record of the central directory. Pure.

use super::{EXTRA64, IN_EXTRA, UTF8};
use crate::archive::ArchiveFault;

/// One entry, as the central directory has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    pub name: Vec<u8>,
    pub flags: u16,
    pub method: u16,
    pub crc: u32,
    pub packed: u64,
    pub size: u64,
    /// Where its local header is.
    pub offset: u64,
    /// The system it was made on; 4.4.2.
    pub host: u8,
    /// Its mode, where that system has such.
    pub mode: u32,
}

/// Bytes of the fixed part of a record.
pub const FIXED: usize = 46;

pub fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).map_or(0, |field| u16::from_le_bytes([field[0], field[1]]))
}

pub fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

pub fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

/// Lengths of the name, the extra fields and the comment after the fixed part.
pub fn tails(fixed: &[u8; FIXED]) -> (usize, usize, usize) {
    (usize::from(u16_at(fixed, 28)), usize::from(u16_at(fixed, 30)), usize::from(u16_at(fixed, 32)))
}

/// # Errors
/// Where the 64-bit extension is announced and missing.
pub fn parse(fixed: &[u8; FIXED], name: &[u8], extra: &[u8]) -> Result<Record, ArchiveFault> {
    /// Unix and Darwin: the upper half of the external attributes is a mode.
    const WITH_MODES: [u8; 2] = [3, 19];
    let host = fixed[5];
    let mut long = extra_field(extra, EXTRA64).unwrap_or_default();
    let mut field = |at: usize| -> Result<u64, ArchiveFault> {
        let short = u32_at(fixed, at);
        if short != IN_EXTRA {
            return Ok(u64::from(short));
        }
        // They follow one another there, those alone that did not fit.
        let (number, rest) =
            long.split_at_checked(8).ok_or_else(|| ArchiveFault::Broken("a 64-bit size is missing".to_owned()))?;
        long = rest;
        Ok(u64_at(number, 0))
    };
    let (size, packed, offset) = (field(24)?, field(20)?, field(42)?);
    Ok(Record {
        name: name.to_vec(),
        flags: u16_at(fixed, 8),
        method: u16_at(fixed, 10),
        crc: u32_at(fixed, 16),
        packed,
        size,
        offset,
        host,
        mode: if WITH_MODES.contains(&host) { u32_at(fixed, 38) >> 16 } else { 0 },
    })
}

fn extra_field(mut extra: &[u8], id: u16) -> Option<&[u8]> {
    while extra.len() >= 4 {
        let (found, length) = (u16_at(extra, 0), usize::from(u16_at(extra, 2)));
        let field = extra.get(4..4 + length)?;
        if found == id {
            return Some(field);
        }
        extra = &extra[4 + length..];
    }
    None
}

impl Record {
    /// Its name with `/` between names, as UTF-8 where that can be told.
    pub fn path(&self) -> Vec<u8> {
        let mut name = self.name.clone();
        if self.flags & UTF8 == 0 && std::str::from_utf8(&name).is_err() {
            name = from_cp437(&name).into_bytes();
        }
        // Archives made on DOS and Windows have either stroke, though only one is allowed (4.4.17.1).
        if self.host == 0 || self.host == 10 || self.host == 11 {
            for byte in &mut name {
                if *byte == b'\\' {
                    *byte = b'/';
                }
            }
        }
        name
    }
}

/// IBM code page 437, the encoding of names that are not said to be UTF-8 (appendix D).
fn from_cp437(bytes: &[u8]) -> String {
    const UPPER: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\
                         αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";
    let upper = |byte: u8| UPPER.chars().nth(usize::from(byte - 0x80)).unwrap_or(char::REPLACEMENT_CHARACTER);
    bytes.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { upper(*byte) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_old_archives_are_read() {
        assert_eq!(from_cp437(b"M\x81ll\x84r\xff\xe1"), "Müllär\u{a0}ß");
        let record = |host, flags, name: &[u8]| Record {
            name: name.to_vec(),
            flags,
            method: 0,
            crc: 0,
            packed: 0,
            size: 0,
            offset: 0,
            host,
            mode: 0,
        };
        assert_eq!(record(0, 0, br"a\b").path(), b"a/b");
        assert_eq!(record(3, 0, br"a\b").path(), br"a\b");
        assert_eq!(record(3, 0, "ü".as_bytes()).path(), "ü".as_bytes());
        assert_eq!(record(3, UTF8, b"\x81").path(), b"\x81");
    }

    #[test]
    fn long_sizes_are_in_the_extra_fields() {
        let mut fixed = [0; FIXED];
        fixed[20..28].fill(0xff);
        let extra = [&[9_u8, 9, 1, 0, 7][..], &[1, 0, 16, 0], &5_u64.to_le_bytes(), &6_u64.to_le_bytes()].concat();
        let record = parse(&fixed, b"a", &extra).unwrap();
        assert_eq!((record.size, record.packed, record.offset), (5, 6, 0));
        assert!(parse(&fixed, b"a", &extra[..17]).is_err());
        assert!(parse(&fixed, b"a", &[]).is_err());
    }
}
