//! Zip, with its 64-bit extension: PKWARE's APPNOTE.TXT 6.3.10,
//! <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>. Numbers of sections below are of it.

mod directory;
mod read;
mod record;
mod write;

pub(super) use read::unpack;
pub(super) use write::ZipWriter;

/// 4.3.7
const LOCAL: u32 = 0x0403_4b50;
/// 4.3.12
const CENTRAL: u32 = 0x0201_4b50;
/// 4.3.16
const END: u32 = 0x0605_4b50;
/// 4.3.14
const END64: u32 = 0x0606_4b50;
/// 4.3.15
const LOCATOR64: u32 = 0x0706_4b50;
/// What a 32-bit field says where the true number is in the 64-bit extension; 4.4.8.
const IN_EXTRA: u32 = u32::MAX;
/// Its id among the extra fields; 4.5.3.
const EXTRA64: u16 = 1;
/// Names are UTF-8; 4.4.4, bit 11.
const UTF8: u16 = 1 << 11;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
