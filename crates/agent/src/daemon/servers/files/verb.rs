//! The verbs, each one call of `sf_files` with paths read and results put into the protocol's words. Blocks.

use sf_files::{ArchiveFormat, ArchiveLimits, Cancel, Existing, FileFault, Name, Replace, Tree, TreePath};
use sf_protocol::server::{FileContent, FileFacts, FileVerb};
use sf_types::{ErrorKind, Fault};

use super::upload::Uploads;
use crate::daemon::servers::record::BegunUpload;

/// What a verb came to.
pub(super) struct Done {
    pub facts: FileFacts,
    /// Whether what was deleted takes room still.
    pub goes_on: bool,
}

/// A path as it was sent.
pub(super) fn path(text: &str) -> Result<TreePath, FileFault> {
    Ok(text.parse::<TreePath>()?)
}

/// Carries out one verb.
pub(super) fn carry_out(tree: &Tree, verb: &FileVerb, uploads: &Uploads, cancel: &Cancel) -> Result<Done, Fault> {
    let mut goes_on = false;
    let facts = |at: &TreePath, bytes, entries| FileFacts { path: at.to_string(), bytes, entries, hash: None };
    let facts = match verb {
        FileVerb::Write { path: at, content, before } => {
            let (at, bytes) = (path(at)?, bytes(content)?);
            let written = tree.write(&at, &mut bytes.as_slice(), *before, cancel)?;
            FileFacts { hash: Some(written.hash), ..facts(&at, written.bytes, 1) }
        }
        FileVerb::Folder { path: at, parents } => {
            let at = path(at)?;
            tree.make_folder(&at, *parents)?;
            facts(&at, 0, 1)
        }
        FileVerb::Rename { from, to } => {
            let (from, to) = (path(from)?, path(to)?);
            tree.rename(&from, &to, Replace::Never, cancel)?;
            facts(&to, 0, 1)
        }
        FileVerb::Copy { from, to } => {
            let (from, to) = (path(from)?, path(to)?);
            let copied = tree.copy(&from, &to, cancel)?;
            facts(&to, copied.bytes, copied.entries)
        }
        FileVerb::Delete { paths } => {
            let (facts, left) = delete(tree, paths, cancel)?;
            goes_on = left;
            facts
        }
        FileVerb::Mode { path: at, mode } => {
            let at = path(at)?;
            tree.chmod(&at, *mode)?;
            facts(&at, 0, 1)
        }
        FileVerb::Compress { folder, names, into } => {
            let (folder, to) = (path(folder)?, path(into)?);
            let names = names.iter().map(|name| name.parse::<Name>()).collect::<Result<Vec<_>, _>>();
            let names = names.map_err(FileFault::from)?;
            let packed = tree.compress(&folder, &names, &to, format(into)?, cancel)?;
            facts(&to, packed.archive_bytes, packed.entries)
        }
        FileVerb::Extract { path: archive, into, replace } => {
            let (archive, to) = (path(archive)?, path(into)?);
            let existing = if *replace { Existing::Replace } else { Existing::Refuse };
            let done = tree.extract(&archive, &to, existing, ArchiveLimits::default(), cancel)?;
            facts(&to, done.bytes, done.entries)
        }
        FileVerb::Upload { path, bytes, replace, mode } => {
            let no_run = || Fault::new(ErrorKind::Invalid, "file.no_run", "The order of an upload names no run.");
            let upload = uploads.run.ok_or_else(no_run)?;
            let (path, begun_at) = (path.clone(), uploads.node.clock.now());
            let (bytes, replace, mode) = (*bytes, *replace, *mode);
            uploads.begin(tree, BegunUpload { upload, path, bytes, replace, mode, begun_at })?
        }
        FileVerb::Finish { upload, hash, before } => uploads.finish(tree, *upload, (*hash, *before), cancel)?,
        FileVerb::Abort { upload } => uploads.abort(tree, *upload)?,
    };
    Ok(Done { facts, goes_on })
}

fn bytes(content: &FileContent) -> Result<Vec<u8>, Fault> {
    let bytes = content.bytes()?;
    if bytes.len() > FileContent::BYTES_MAX {
        let limit = FileContent::BYTES_MAX as u64;
        return Err(FileFault::TooLarge { what: "what shall be written".to_owned(), limit }.into());
    }
    Ok(bytes)
}

/// Deletes one after another. All of them are looked at before the first one goes; what goes wrong then says how many went.
fn delete(tree: &Tree, paths: &[String], cancel: &Cancel) -> Result<(FileFacts, bool), Fault> {
    let parsed = paths.iter().map(|text| path(text)).collect::<Result<Vec<_>, _>>()?;
    for path in &parsed {
        if path.is_root() {
            return Err(FileFault::Root { verb: "deleted" }.into());
        }
        if tree.stat(path)?.denied {
            return Err(FileFault::Denied { path: path.to_string() }.into());
        }
    }
    let first = parsed.first().map(TreePath::to_string).unwrap_or_default();
    let mut all = FileFacts { path: first, bytes: 0, entries: 0, hash: None };
    let mut goes_on = false;
    for (gone, path) in parsed.iter().enumerate() {
        match tree.delete(path, cancel) {
            Ok(removed) => {
                all.bytes += removed.bytes;
                all.entries += removed.entries;
                goes_on |= removed.goes_on;
            }
            // One of them was in another one.
            Err(FileFault::NotFound { .. }) if parsed[..gone].iter().any(|above| path.is_within(above)) => {}
            Err(fault) if gone == 0 => return Err(fault.into()),
            Err(fault) => {
                let mut fault = Fault::from(fault);
                fault.message = format!("{} {gone} of {} were deleted before.", fault.message, parsed.len());
                return Err(fault);
            }
        }
    }
    Ok((all, goes_on))
}

/// By the archive's name.
fn format(into: &str) -> Result<ArchiveFormat, Fault> {
    let name = into.to_ascii_lowercase();
    if name.ends_with(".zip") {
        return Ok(ArchiveFormat::Zip);
    }
    if name.ends_with(".tar.gz") || name.ends_with(".tgz") {
        return Ok(ArchiveFormat::TarGz);
    }
    let message = "The name of an archive ends in .zip, .tar.gz or .tgz.";
    Err(Fault::new(ErrorKind::Invalid, "file.archive_name", message).fix("Choose another name."))
}
