//! Reading a tar archive front to back.

use std::io::{self, Read};

use super::{BLOCK, head};
use crate::FileFault;
use crate::archive::ArchiveFault;
use crate::archive::extract::read_block;
use crate::archive::unpack::{Unpack, broken, refuse_set_id};

/// Bytes of a long name or of pax records that are taken in.
const EXTENSION_MAX: u64 = 64 * 1024;
/// Bytes after the end of the archive that are read on, for the checksum of what it is packed in.
const TAIL_MAX: u64 = 4 * 1024 * 1024;

/// The content of one entry.
struct Content<'a, R> {
    from: &'a mut R,
    left: u64,
}

impl<R: Read> Read for Content<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let read = self.from.read(&mut buffer[..most])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read as u64;
        Ok(read)
    }
}

/// What extension headers say of the entry after them.
#[derive(Default)]
struct Said {
    name: Option<Vec<u8>>,
    size: Option<u64>,
}

/// Unpacks all of it.
pub fn unpack(mut from: impl Read, archive: &[u8], unpack: &mut Unpack<'_>) -> Result<(), FileFault> {
    let mut said = Said::default();
    let mut block = [0; BLOCK];
    loop {
        unpack.cancel.check()?;
        let is_there = read_block(&mut from, &mut block).map_err(|error| broken(archive, &error))?;
        if !is_there || block.iter().all(|byte| *byte == 0) {
            break;
        }
        let mut head = head::parse(&block).map_err(|fault| FileFault::archive(archive, fault))?;
        match head.kind {
            b'L' | b'x' => {
                let bytes = extension(&mut from, &head)?;
                if head.kind == b'L' {
                    said.name = Some(head::text(&bytes).to_vec());
                    // What follows the first NUL would be another name to another reader.
                    if bytes.iter().skip_while(|byte| **byte != 0).any(|byte| *byte != 0) {
                        return Err(FileFault::archive(&bytes, ArchiveFault::Name));
                    }
                } else {
                    records(&bytes, &mut said).map_err(|fault| FileFault::archive(&head.name, fault))?;
                }
                continue;
            }
            // A long target says that a link follows, which is refused by itself; of a global header nothing is wanted.
            b'K' | b'g' => {
                extension(&mut from, &head)?;
                continue;
            }
            _ => {}
        }
        let said = std::mem::take(&mut said);
        head.name = said.name.unwrap_or(head.name);
        if let Some(size) = said.size {
            // Only what the head has no digits for is said elsewhere; else two readers would see two archives.
            if size != head.size && head.size != 0 && size < 1 << 33 {
                return Err(FileFault::archive(&head.name, ArchiveFault::Size));
            }
            head.size = size;
        }
        entry(&mut from, &head, unpack)?;
    }
    drain(from, archive)
}

fn entry(from: &mut impl Read, head: &head::Head, unpack: &mut Unpack<'_>) -> Result<(), FileFault> {
    let refuse = |fault| Err(FileFault::archive(&head.name, fault));
    let folder = match head.kind {
        b'5' => true,
        // Before POSIX a folder was a file whose name ends with a stroke.
        b'0' | 0 | b'7' => head.name.ends_with(b"/"),
        b'1' | b'2' => return refuse(ArchiveFault::Link),
        b'S' => return refuse(ArchiveFault::Sparse),
        _ => return refuse(ArchiveFault::Special),
    };
    refuse_set_id(&head.name, head.mode)?;
    let Some(path) = unpack.path(&head.name)? else {
        return if head.size == 0 { Ok(()) } else { refuse(ArchiveFault::Name) };
    };
    if folder {
        if head.size != 0 {
            return refuse(ArchiveFault::Size);
        }
        return unpack.folder(&path).map(|_| ());
    }
    let mut content = Content { from: &mut *from, left: head.size };
    unpack.file(&path, head.mode & 0o100 != 0, head.size, &mut content)?;
    pad(from, head.size).map_err(|error| broken(&head.name, &error))
}

fn extension(from: &mut impl Read, head: &head::Head) -> Result<Vec<u8>, FileFault> {
    if head.size > EXTENSION_MAX {
        return Err(FileFault::archive(&head.name, ArchiveFault::Name));
    }
    let mut bytes = Vec::new();
    let read = Content { from: &mut *from, left: head.size }.read_to_end(&mut bytes);
    read.and_then(|_| pad(from, head.size)).map_err(|error| broken(&head.name, &error))?;
    Ok(bytes)
}

/// Up to the next block.
fn pad(from: &mut impl Read, size: u64) -> io::Result<()> {
    let over = usize::try_from(size % BLOCK as u64).unwrap_or(0);
    if over == 0 {
        return Ok(());
    }
    let mut rest = [0; BLOCK];
    if read_block(from, &mut rest[over..])? { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Records of a pax header: `<length> <key>=<value>\n`.
fn records(mut bytes: &[u8], said: &mut Said) -> Result<(), ArchiveFault> {
    let broken = || ArchiveFault::Broken("its pax records are none".to_owned());
    while !bytes.is_empty() {
        let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = |digits: &[u8]| std::str::from_utf8(digits).ok().and_then(|text| text.parse::<u64>().ok());
        let length = number(&bytes[..digits]).and_then(|length| usize::try_from(length).ok()).ok_or_else(broken)?;
        let record = bytes.get(digits..length).ok_or_else(broken)?;
        bytes = &bytes[length..];
        let record = record.strip_prefix(b" ").and_then(|record| record.strip_suffix(b"\n")).ok_or_else(broken)?;
        let at = record.iter().position(|byte| *byte == b'=').ok_or_else(broken)?;
        let (key, value) = (&record[..at], &record[at + 1..]);
        match key {
            b"path" if value.contains(&0) => return Err(ArchiveFault::Name),
            b"path" => said.name = Some(value.to_vec()),
            b"size" => said.size = Some(number(value).ok_or_else(broken)?),
            key if key.starts_with(b"GNU.sparse.") => return Err(ArchiveFault::Sparse),
            _ => {}
        }
    }
    Ok(())
}

fn drain(from: impl Read, archive: &[u8]) -> Result<(), FileFault> {
    let drained = io::copy(&mut from.take(TAIL_MAX), &mut io::sink());
    drained.map(|_| ()).map_err(|error| broken(archive, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_strictly() {
        let read = |bytes: &[u8]| {
            let mut said = Said::default();
            records(bytes, &mut said).map(|()| (said.name, said.size))
        };
        assert_eq!(read(b"10 path=a\n12 size=123\n").unwrap(), (Some(b"a".to_vec()), Some(123)));
        assert_eq!(read(b"20 comment=anything\n").unwrap(), (None, None));
        assert_eq!(read(b"22 GNU.sparse.major=1\n"), Err(ArchiveFault::Sparse));
        assert_eq!(read(b"11 path=a\0\n"), Err(ArchiveFault::Name));
        for bad in [b"x".as_slice(), b"99 path=a\n", b"3 =\n", b"0 a=b\n", b"8 path=a\n", b"8 patha\n", b"11 size=-1\n"]
        {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
