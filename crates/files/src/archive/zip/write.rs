//! Writing a zip archive: entries as they come, their sizes put in afterwards, the directory in a file of its own until the
//! end, so that a million entries take no memory.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;

use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::{CENTRAL, DEFLATED, END, END64, EXTRA64, IN_EXTRA, LOCAL, LOCATOR64, STORED, UTF8};
use crate::archive::compress::Sink;

/// Above this a size is written as 64 bits: what is packed can become a little larger than what it was.
const LONG_FROM: u64 = 0xf000_0000;
/// Version needed with 64-bit sizes, made on Unix; 4.4.2, 4.4.3.
const VERSION: u16 = 45;
const UNIX: u16 = 3 << 8;

pub struct ZipWriter<'a> {
    to: Sink<'a>,
    directory: Sink<'a>,
    at: u64,
    entries: u64,
}

struct Written {
    crc: u32,
    packed: u64,
    size: u64,
}

impl<'a> ZipWriter<'a> {
    pub const fn new(to: Sink<'a>, directory: Sink<'a>) -> Self {
        Self { to, directory, at: 0, entries: 0 }
    }

    /// Why writing failed, where it was not the disk.
    pub fn fault(&mut self) -> Option<crate::FileFault> {
        self.to.fault.take().or_else(|| self.directory.fault.take())
    }

    pub fn folder(&mut self, name: &[u8], mode: u32, modified: i64) -> io::Result<()> {
        let name = [name, b"/"].concat();
        let offset = self.at;
        self.local(&name, STORED, modified, false)?;
        let none = Written { crc: 0, packed: 0, size: 0 };
        self.record(&name, (STORED, 0o040_000 | mode), modified, offset, &none)
    }

    /// At most `size` bytes, those that are there.
    pub fn file(&mut self, name: &[u8], mode: u32, modified: i64, size: u64, content: &mut dyn Read) -> io::Result<()> {
        let (offset, long) = (self.at, size >= LONG_FROM);
        let start = self.local(name, DEFLATED, modified, long)?;
        let mut encoder = DeflateEncoder::new(&mut self.to, Compression::default());
        let mut sum = crc32fast::Hasher::new();
        let mut buffer = vec![0; 64 * 1024];
        let (mut written, mut content) = (0, content.take(size));
        loop {
            let read = match content.read(&mut buffer) {
                Ok(0) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            sum.update(&buffer[..read]);
            encoder.write_all(&buffer[..read])?;
            written += read as u64;
        }
        encoder.try_finish()?;
        let packed = encoder.total_out();
        drop(encoder);
        self.at = start + packed;
        let done = Written { crc: sum.finalize(), packed, size: written };
        self.sizes(offset, name.len(), &done, long)?;
        self.record(name, (DEFLATED, 0o100_000 | mode), modified, offset, &done)
    }

    pub fn into_inner(self) -> Sink<'a> {
        self.to
    }

    /// The directory behind the entries.
    pub fn end(&mut self) -> io::Result<()> {
        let start = self.at;
        self.directory.new.file.seek(SeekFrom::Start(0))?;
        let bytes = io::copy(&mut self.directory.new.file, &mut self.to)?;
        let end = start + bytes;
        let mut tail = Vec::new();
        let long = self.entries >= u64::from(u16::MAX) || end >= u64::from(IN_EXTRA);
        if long {
            for part in [&END64.to_le_bytes()[..], &44_u64.to_le_bytes(), &(UNIX | VERSION).to_le_bytes()] {
                tail.extend_from_slice(part);
            }
            tail.extend_from_slice(&VERSION.to_le_bytes());
            tail.extend_from_slice(&[0; 8]);
            for number in [self.entries, self.entries, bytes, start] {
                tail.extend_from_slice(&number.to_le_bytes());
            }
            tail.extend_from_slice(&LOCATOR64.to_le_bytes());
            tail.extend_from_slice(&[0; 4]);
            tail.extend_from_slice(&end.to_le_bytes());
            tail.extend_from_slice(&1_u32.to_le_bytes());
        }
        let entries = if long { u16::MAX } else { u16::try_from(self.entries).unwrap_or(u16::MAX) };
        tail.extend_from_slice(&END.to_le_bytes());
        tail.extend_from_slice(&[0; 4]);
        tail.extend_from_slice(&entries.to_le_bytes());
        tail.extend_from_slice(&entries.to_le_bytes());
        tail.extend_from_slice(&(if long { IN_EXTRA } else { short(bytes) }).to_le_bytes());
        tail.extend_from_slice(&(if long { IN_EXTRA } else { short(start) }).to_le_bytes());
        tail.extend_from_slice(&[0; 2]);
        self.to.write_all(&tail)
    }

    /// A local header without sizes; where the content begins. 4.3.7
    fn local(&mut self, name: &[u8], method: u16, modified: i64, long: bool) -> io::Result<u64> {
        let mut head = Vec::with_capacity(64 + name.len());
        head.extend_from_slice(&LOCAL.to_le_bytes());
        for field in [VERSION, utf8(name), method] {
            head.extend_from_slice(&field.to_le_bytes());
        }
        head.extend_from_slice(&dos_time(modified).to_le_bytes());
        head.extend_from_slice(&[0; 12]);
        head.extend_from_slice(&name_length(name)?.to_le_bytes());
        head.extend_from_slice(&(if long { 20_u16 } else { 0 }).to_le_bytes());
        head.extend_from_slice(name);
        if long {
            head.extend_from_slice(&EXTRA64.to_le_bytes());
            head.extend_from_slice(&16_u16.to_le_bytes());
            head.extend_from_slice(&[0; 16]);
        }
        self.to.write_all(&head)?;
        self.at += head.len() as u64;
        Ok(self.at)
    }

    /// Puts the sizes into a local header.
    fn sizes(&mut self, offset: u64, name: usize, done: &Written, long: bool) -> io::Result<()> {
        let file = &self.to.new.file;
        let in_head = |number: u64| if long { IN_EXTRA } else { short(number) };
        let fields = [done.crc.to_le_bytes(), in_head(done.packed).to_le_bytes(), in_head(done.size).to_le_bytes()];
        file.write_all_at(&fields.concat(), offset + 14)?;
        if long {
            let numbers = [done.size.to_le_bytes(), done.packed.to_le_bytes()].concat();
            file.write_all_at(&numbers, offset + 30 + name as u64 + 4)?;
        }
        Ok(())
    }

    /// One record of the directory. 4.3.12
    fn record(
        &mut self,
        name: &[u8],
        (method, mode): (u16, u32),
        modified: i64,
        offset: u64,
        done: &Written,
    ) -> io::Result<()> {
        // In this order, those alone that do not fit.
        let long: Vec<u64> =
            [done.size, done.packed, offset].into_iter().filter(|number| *number >= u64::from(IN_EXTRA)).collect();
        let mut record = Vec::with_capacity(80 + name.len());
        record.extend_from_slice(&CENTRAL.to_le_bytes());
        for field in [UNIX | VERSION, VERSION, utf8(name), method] {
            record.extend_from_slice(&field.to_le_bytes());
        }
        record.extend_from_slice(&dos_time(modified).to_le_bytes());
        for field in [done.crc, short(done.packed), short(done.size)] {
            record.extend_from_slice(&field.to_le_bytes());
        }
        record.extend_from_slice(&name_length(name)?.to_le_bytes());
        let extra = if long.is_empty() { 0 } else { 4 + 8 * long.len() };
        record.extend_from_slice(&u16::try_from(extra).unwrap_or_default().to_le_bytes());
        record.extend_from_slice(&[0; 6]);
        // The lowest bit of the second half is DOS's for folders.
        let folder = u32::from(mode & 0o170_000 == 0o040_000) << 4;
        record.extend_from_slice(&(mode << 16 | folder).to_le_bytes());
        record.extend_from_slice(&short(offset).to_le_bytes());
        record.extend_from_slice(name);
        if !long.is_empty() {
            record.extend_from_slice(&EXTRA64.to_le_bytes());
            record.extend_from_slice(&u16::try_from(8 * long.len()).unwrap_or_default().to_le_bytes());
            for number in long {
                record.extend_from_slice(&number.to_le_bytes());
            }
        }
        self.entries += 1;
        self.directory.write_all(&record)
    }
}

fn short(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(IN_EXTRA)
}

fn utf8(name: &[u8]) -> u16 {
    if std::str::from_utf8(name).is_ok() { UTF8 } else { 0 }
}

fn name_length(name: &[u8]) -> io::Result<u16> {
    u16::try_from(name.len())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a name is too long for a zip archive"))
}

/// Seconds since 1970 as DOS has them, in UTC: 1980 to 2107, in steps of two seconds. 4.4.6
fn dos_time(seconds: i64) -> u32 {
    const FROM: i64 = 315_532_800;
    const TO: i64 = 4_354_819_199;
    let seconds = seconds.clamp(FROM, TO);
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days to a date: years begin in March, so that leap days are last (H. Hinnant, "chrono-compatible low-level date
    // algorithms").
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let date = ((year - 1980) << 9) | (month << 5) | day;
    let time = ((of_day / 3600) << 11) | ((of_day / 60 % 60) << 5) | (of_day % 60 / 2);
    u32::try_from((date << 16) | time).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_dos() {
        for (seconds, (year, month, day, hour, minute, second)) in [
            (0, (1980, 1, 1, 0, 0, 0)),
            (951_827_696, (2000, 2, 29, 12, 34, 56)),
            (1_798_761_599, (2026, 12, 31, 23, 59, 58)),
            (i64::MAX, (2107, 12, 31, 23, 59, 58)),
        ] {
            let time = dos_time(seconds);
            let fields = (
                (time >> 25) + 1980,
                time >> 21 & 15,
                time >> 16 & 31,
                time >> 11 & 31,
                time >> 5 & 63,
                (time & 31) * 2,
            );
            assert_eq!(fields, (year, month, day, hour, minute, second), "{seconds}");
        }
    }
}
