//! Reading a zip archive by its central directory.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;

use flate2::bufread::DeflateDecoder;

use super::directory::{At, Directory};
use super::record::{Record, u16_at, u32_at};
use super::{DEFLATED, LOCAL, STORED};
use crate::FileFault;
use crate::archive::ArchiveFault;
use crate::archive::unpack::{Counted, Unpack, broken, refuse_set_id};

/// Reads on and sums up; what is behind the end is the sum that was said.
struct Checked<R> {
    from: R,
    sum: crc32fast::Hasher,
    said: u32,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        self.sum.update(&buffer[..read]);
        if read == 0 && !buffer.is_empty() && self.sum.clone().finalize() != self.said {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "an entry does not have its checksum"));
        }
        Ok(read)
    }
}

/// Unpacks all of it.
pub fn unpack(file: &File, archive: &[u8], unpack: &mut Unpack<'_>) -> Result<(), FileFault> {
    let mut directory = Directory::find(file, archive)?;
    if directory.entries > unpack.limits.entries {
        return Err(FileFault::archive(archive, ArchiveFault::Entries(unpack.limits.entries)));
    }
    while let Some(record) = directory.next()? {
        unpack.cancel.check()?;
        entry(file, &record, directory.before, unpack)?;
    }
    Ok(())
}

fn entry(file: &File, record: &Record, before: u64, unpack: &mut Unpack<'_>) -> Result<(), FileFault> {
    let name = record.path();
    let folder = told_kind(record, &name)?;
    refuse_set_id(&name, record.mode)?;
    let Some(path) = unpack.path(&name)? else { return Ok(()) };
    let start = data(file, record, before, &name)?;
    if folder {
        return if record.size == 0 {
            unpack.folder(&path).map(|_| ())
        } else {
            Err(FileFault::archive(&name, ArchiveFault::Size))
        };
    }
    let runs = record.mode & 0o100 != 0;
    let counted = Counted { inner: At { file, at: start }, count: std::rc::Rc::clone(&unpack.consumed) };
    let packed = BufReader::with_capacity(32 * 1024, counted.take(record.packed));
    let checked = |from| Checked { from, sum: crc32fast::Hasher::new(), said: record.crc };
    match record.method {
        STORED if record.packed != record.size => Err(FileFault::archive(&name, ArchiveFault::Size)),
        STORED => unpack.file(&path, runs, record.size, &mut checked(Box::new(packed) as Box<dyn Read>)),
        DEFLATED => {
            let mut decoder = DeflateDecoder::new(packed);
            unpack.file(&path, runs, record.size, &mut checked(Box::new(&mut decoder) as Box<dyn Read + '_>))?;
            // What is left over would be read by somebody else.
            let exact = decoder.total_in() == record.packed;
            if exact { Ok(()) } else { Err(FileFault::archive(&name, ArchiveFault::Size)) }
        }
        method => Err(FileFault::archive(&name, ArchiveFault::Method(method))),
    }
}

/// Whether it is a folder, where it is that or a file.
fn told_kind(record: &Record, name: &[u8]) -> Result<bool, FileFault> {
    /// Encrypted, strongly encrypted, and with its directory encrypted; 4.4.4.
    const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
    /// Of a mode, as in stat(2).
    const KIND: u32 = 0o170_000;
    let refuse = |fault| Err(FileFault::archive(name, fault));
    if record.flags & ENCRYPTED != 0 {
        return refuse(ArchiveFault::Encrypted);
    }
    let stroke = name.ends_with(b"/");
    match record.mode & KIND {
        0 => Ok(stroke),
        0o040_000 => Ok(true),
        0o100_000 if stroke => refuse(ArchiveFault::Name),
        0o100_000 => Ok(false),
        0o120_000 => refuse(ArchiveFault::Link),
        _ => refuse(ArchiveFault::Special),
    }
}

/// Where its content begins: behind a local header that says the same as the directory.
fn data(file: &File, record: &Record, before: u64, name: &[u8]) -> Result<u64, FileFault> {
    const FIXED: u64 = 30;
    let no = |why: &str| FileFault::archive(name, ArchiveFault::Broken(why.to_owned()));
    let at = before.checked_add(record.offset).ok_or_else(|| no("it lies outside of the archive"))?;
    let mut fixed = [0; FIXED as usize];
    file.read_exact_at(&mut fixed, at).map_err(|error| broken(name, &error))?;
    if u32_at(&fixed, 0) != LOCAL {
        return Err(no("its header is not where the directory says"));
    }
    let length = u16_at(&fixed, 26);
    let mut local = vec![0; usize::from(length)];
    file.read_exact_at(&mut local, at + FIXED).map_err(|error| broken(name, &error))?;
    if local != record.name || u16_at(&fixed, 8) != record.method {
        return Err(no("its header says something else than the directory"));
    }
    Ok(at + FIXED + u64::from(length) + u64::from(u16_at(&fixed, 28)))
}
