//! The file format: `SFJ1\n`, then records of length (u32 LE), CRC-32 of the payload (u32 LE) and JSON payload.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::Record;

pub(super) const MAGIC: &[u8; 5] = b"SFJ1\n";
const HEAD_BYTES: usize = 8;
/// Bytes of one record at the most: a frame and its wrapping.
const MAX_RECORD_BYTES: usize = 128 * 1024;

/// Where a record is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) bytes: u32,
}

/// What a file holds.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) records: Vec<(Record, Place)>,
    /// Bytes from the start that are whole records.
    pub(super) good_bytes: u64,
    /// Bytes behind them that are one torn record.
    pub(super) cut_bytes: u64,
    /// Something behind the good bytes is more than one torn record: whole records follow the damage.
    pub(super) damaged: bool,
}

/// One record as it is written.
pub(super) fn encode(record: &Record) -> Vec<u8> {
    let payload = sf_protocol::wire::write(record);
    let mut out = Vec::with_capacity(HEAD_BYTES + payload.len());
    out.extend_from_slice(&u32::try_from(payload.len()).expect("records are below 128 KiB").to_le_bytes());
    out.extend_from_slice(&crc32fast::hash(&payload).to_le_bytes());
    out.extend_from_slice(&payload);
    out
}

/// Reads a file; a missing one is empty.
pub(super) fn read(path: &Path) -> io::Result<Contents> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(mut file) => file.read_to_end(&mut bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Contents::default()),
        Err(error) => return Err(error),
    };
    Ok(parse(&bytes))
}

fn parse(bytes: &[u8]) -> Contents {
    let mut contents = Contents::default();
    if !bytes.starts_with(MAGIC) {
        // A file that was cut while its first five bytes were written holds nothing; anything else is not ours.
        contents.damaged = !MAGIC.starts_with(bytes);
        contents.cut_bytes = bytes.len() as u64;
        return contents;
    }
    let mut at = MAGIC.len();
    while let Some((record, length)) = record_at(&bytes[at..]) {
        let place = Place { offset: at as u64, bytes: u32::try_from(length).expect("records are below 128 KiB") };
        contents.records.push((record, place));
        at += length;
    }
    contents.good_bytes = at as u64;
    contents.cut_bytes = (bytes.len() - at) as u64;
    // A power cut tears only the end. Whole records behind the hole mean that something else wrote here.
    contents.damaged = (at + 1..bytes.len()).any(|later| record_at(&bytes[later..]).is_some());
    contents
}

fn record_at(bytes: &[u8]) -> Option<(Record, usize)> {
    let head = bytes.get(..HEAD_BYTES)?;
    let length = u32::from_le_bytes(head[..4].try_into().ok()?) as usize;
    let crc = u32::from_le_bytes(head[4..].try_into().ok()?);
    if length == 0 || length > MAX_RECORD_BYTES {
        return None;
    }
    let payload = bytes.get(HEAD_BYTES..HEAD_BYTES + length)?;
    if crc32fast::hash(payload) != crc {
        return None;
    }
    Some((serde_json::from_slice(payload).ok()?, HEAD_BYTES + length))
}

/// Reads one record back.
pub(super) fn read_at(path: &Path, place: Place) -> io::Result<Record> {
    let mut bytes = vec![0; place.bytes as usize];
    File::open(path)?.read_exact_at(&mut bytes, place.offset)?;
    record_at(&bytes).map(|(record, _)| record).ok_or_else(|| io::Error::other("a journal record changed on disk"))
}

/// Renames a damaged file so that nothing is lost to a later look.
pub(super) fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let aside = (1..).map(|n| path.with_extension(format!("damaged-{n}"))).find(|to| !to.exists());
    let aside = aside.expect("there are more numbers than files");
    fs::rename(path, &aside)?;
    Ok(aside)
}

/// Opens for appending behind the good bytes, cutting a torn end; writes magic and `records` into a new file.
pub(super) fn open(path: &Path, good_bytes: u64, records: &[Record]) -> io::Result<(File, u64)> {
    if good_bytes == 0 {
        let fresh = path.with_extension("new");
        let mut bytes = MAGIC.to_vec();
        records.iter().for_each(|record| bytes.extend_from_slice(&encode(record)));
        write_private(&fresh, &bytes)?;
        fs::rename(&fresh, path)?;
        sync_folder(path)?;
    }
    let mut file = File::options().read(true).write(true).open(path)?;
    // Orders hold environments: nobody else on this machine may read them.
    file.set_permissions(Permissions::from_mode(0o600))?;
    if good_bytes != 0 && file.metadata()?.len() != good_bytes {
        file.set_len(good_bytes)?;
        file.sync_all()?;
    }
    let end = file.seek(SeekFrom::End(0))?;
    Ok((file, end))
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or_else(|| Path::new(".")))?.sync_all()
}
