//! The central directory: where it is, and record by record what it says, in the memory of one record.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;

use super::record::{FIXED, Record, parse, tails, u16_at, u32_at, u64_at};
use super::{CENTRAL, END, END64, IN_EXTRA, LOCATOR64};
use crate::FileFault;
use crate::archive::ArchiveFault;
use crate::archive::extract::read_block;
use crate::archive::unpack::broken;

/// A file read from a place on, whatever others read of it.
pub struct At<'f> {
    pub file: &'f File,
    pub at: u64,
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

pub struct Directory<'f> {
    from: BufReader<At<'f>>,
    pub entries: u64,
    left: u64,
    /// Bytes before the archive begins: programs can have one at their end.
    pub before: u64,
    archive: &'f [u8],
}

struct End {
    entries: u64,
    bytes: u64,
    offset: u64,
    /// Where the directory ends.
    at: u64,
}

impl<'f> Directory<'f> {
    /// Finds it from the file's end.
    pub fn find(file: &'f File, archive: &'f [u8]) -> Result<Self, FileFault> {
        let end = end(file, archive)?;
        let no = || FileFault::archive(archive, ArchiveFault::Broken("its directory is not where it says".to_owned()));
        let start = end.at.checked_sub(end.bytes).ok_or_else(no)?;
        let before = start.checked_sub(end.offset).ok_or_else(no)?;
        if end.entries.checked_mul(FIXED as u64).is_none_or(|least| least > end.bytes) {
            return Err(no());
        }
        let from = BufReader::with_capacity(32 * 1024, At { file, at: start });
        Ok(Self { from, entries: end.entries, left: end.entries, before, archive })
    }

    /// The next entry; `None` after the last one.
    pub fn next(&mut self) -> Result<Option<Record>, FileFault> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let mut fixed = [0; FIXED];
        self.fill(&mut fixed)?;
        if u32_at(&fixed, 0) != CENTRAL {
            return Err(FileFault::archive(self.archive, ArchiveFault::Broken("its directory has a gap".to_owned())));
        }
        let (name, extra, comment) = tails(&fixed);
        let mut rest = vec![0; name + extra + comment];
        self.fill(&mut rest)?;
        let record = parse(&fixed, &rest[..name], &rest[name..name + extra]);
        record.map(Some).map_err(|fault| FileFault::archive(&rest[..name], fault))
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), FileFault> {
        let is_there = read_block(&mut self.from, bytes).map_err(|error| broken(self.archive, &error))?;
        let is_there = is_there || bytes.is_empty();
        if is_there { Ok(()) } else { Err(broken(self.archive, &io::ErrorKind::UnexpectedEof.into())) }
    }
}

fn end(file: &File, archive: &[u8]) -> Result<End, FileFault> {
    /// Bytes of the record without its comment, of the comment at the most, and of the locator before it.
    const FIXED_END: usize = 22;
    const COMMENT_MAX: u64 = 65_535;
    const LOCATOR: u64 = 20;
    let fault = |error| FileFault::io(archive, error);
    let no = |why: &str| FileFault::archive(archive, ArchiveFault::Broken(why.to_owned()));
    let length = file.metadata().map_err(fault)?.len();
    let start = length.saturating_sub(COMMENT_MAX + FIXED_END as u64);
    let mut tail = Vec::new();
    At { file, at: start }.take(length - start).read_to_end(&mut tail).map_err(fault)?;
    // Its comment reaches exactly to the end of the file; anything else is a signature in somebody's comment.
    let ends =
        |at: &usize| u32_at(&tail, *at) == END && at + FIXED_END + usize::from(u16_at(&tail, at + 20)) == tail.len();
    let last = tail.len().checked_sub(FIXED_END).ok_or_else(|| no("it ends too early"))?;
    let at = (0..=last).rev().find(ends).ok_or_else(|| no("it has no end record: it is cut, or goes on behind it"))?;
    let record = &tail[at..];
    let (entries, bytes, offset) = (u16_at(record, 10), u32_at(record, 12), u32_at(record, 16));
    let place = start + at as u64;
    if entries != u16::MAX && bytes != IN_EXTRA && offset != IN_EXTRA {
        if u16_at(record, 4) != 0 || u16_at(record, 8) != entries {
            return Err(no("it is a part of several"));
        }
        return Ok(End { entries: entries.into(), bytes: bytes.into(), offset: offset.into(), at: place });
    }
    let locator = place.checked_sub(LOCATOR).ok_or_else(|| no("its 64-bit end record is missing"))?;
    let mut found = [0; LOCATOR as usize];
    file.read_exact_at(&mut found, locator).map_err(fault)?;
    if u32_at(&found, 0) != LOCATOR64 {
        // Exactly so many, by chance.
        return Ok(End { entries: entries.into(), bytes: bytes.into(), offset: offset.into(), at: place });
    }
    let mut long = [0; 56];
    // Where it says, or right before the locator where something stands before the archive.
    let places = [u64_at(&found, 8), locator.saturating_sub(56)];
    for at in places {
        let read = file.read_exact_at(&mut long, at);
        if read.is_ok() && u32_at(&long, 0) == END64 {
            return Ok(End { entries: u64_at(&long, 32), bytes: u64_at(&long, 40), offset: u64_at(&long, 48), at });
        }
    }
    Err(no("its 64-bit end record is not where it says"))
}
