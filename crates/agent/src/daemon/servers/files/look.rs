//! Looks at a server's files. Each is bounded in time, and its answer in bytes.

use std::sync::Arc;
use std::time::Duration;

use sf_files::{
    Cancel, Count, Entry, FileFault, Found, Kind, Name, NameSearch, Page, Quota, Stopped, TextSearch, Tree,
};
use sf_protocol::server::{
    EntryKind, FileContent, FileEntry, FileLook, FileMatch, FileMatches, FilePiece, FilesSeen, FilesUsage, FolderPage,
    SearchStop, ServerFilesWanted, Upload,
};
use sf_protocol::wire;
use sf_types::{ErrorKind, Fault, Timestamp};

use super::{Place, upload, verb};
use crate::daemon::aside;
use crate::daemon::servers::record::ServerRecord;
use crate::execute::Node;

/// Time of one look; whoever asked does not wait longer than twice that.
const LOOK_LIMIT: Duration = Duration::from_secs(12);
/// Bytes of one answer, as JSON.
const ANSWER_BYTES: usize = 38 * 1024;
/// Entries counted between two looks at the time.
const COUNTED_AT_ONCE: u64 = 1000;

impl Node {
    /// What is asked of a server's files.
    pub(crate) async fn look_at_files(self: &Arc<Self>, wanted: &ServerFilesWanted) -> Result<FilesSeen, Fault> {
        let record = self.servers.known_one(wanted.server)?;
        let live = self.servers.live(wanted.server);
        let walks = matches!(wanted.look, FileLook::Names { .. } | FileLook::Text { .. } | FileLook::Usage);
        // One tenant's searches are not to keep the node's threads from others.
        let search = match live.searching().clone().try_lock_owned() {
            Ok(search) => Some(search),
            Err(_) if walks => {
                let message = "The server's files are being searched or counted already.";
                let fault = Fault::new(ErrorKind::RateLimited, "file.searching", message);
                return Err(fault.fix("Wait until that search has ended."));
            }
            Err(_) => None,
        };
        let search = search.filter(|_| walks);
        let place = Place::of(&self.servers, &record.spec, self.server_user(wanted.server)?, Quota::unlimited());
        let (look, cancel) = (wanted.look.clone(), Cancel::within(LOOK_LIMIT));
        aside::long(move || {
            let _search = search;
            see(&place.open()?, &look, &record, &cancel)
        })
        .await
    }
}

fn see(tree: &Tree, look: &FileLook, record: &ServerRecord, cancel: &Cancel) -> Result<FilesSeen, Fault> {
    let limit = record.spec.limits.disk.map(sf_types::ByteSize::bytes);
    Ok(match look {
        FileLook::List { path, after, rows } => {
            let after = after.as_deref().map(str::parse::<Name>).transpose().map_err(FileFault::from)?;
            let listing = tree.list(&verb::path(path)?, &Page { after, rows: Some(*rows) }, cancel)?;
            let next = listing.next.map(|name| name.to_string());
            let entries = listing.entries.into_iter().map(entry).collect();
            FilesSeen::Listing(fitting(FolderPage { entries, next, total: listing.total }))
        }
        FileLook::Stat { path } => FilesSeen::Entry(entry(tree.stat(&verb::path(path)?)?)),
        FileLook::Read { path, from } => FilesSeen::Piece(piece(tree, path, *from, cancel)?),
        FileLook::Names { path, pattern, most } => {
            let search = NameSearch { pattern: pattern.clone(), case: false, most: *most };
            FilesSeen::Matches(matches(tree.find_names(&verb::path(path)?, &search, cancel)?))
        }
        FileLook::Text { path, text, regex, names, most } => {
            let names = names.clone();
            let search = TextSearch { text: text.clone(), regex: *regex, case: false, names, most: *most };
            FilesSeen::Matches(matches(tree.find_text(&verb::path(path)?, &search, cancel)?))
        }
        FileLook::Usage => FilesSeen::Usage(usage(tree.count(&sf_files::TreePath::root())?, limit, cancel)?),
        FileLook::Uploads => FilesSeen::Uploads(some(upload::list(tree, record)?)),
    })
}

fn piece(tree: &Tree, path: &str, from: u64, cancel: &Cancel) -> Result<FilePiece, Fault> {
    let path = verb::path(path)?;
    let read = tree.read(&path, from, FileContent::BYTES_MAX)?;
    let size = read.entry.bytes;
    let (content, held) = FileContent::of(&read.bytes);
    let end = from.saturating_add(held as u64);
    let hash = if size <= FilePiece::HASHED_MAX { Some(tree.hash(&path, cancel)?) } else { None };
    // A file that was cut short meanwhile has no further piece.
    let next = (end < size && held > 0).then_some(end);
    Ok(FilePiece { content, next, entry: entry(read.entry), hash })
}

fn usage(mut count: Count, limit: Option<u64>, cancel: &Cancel) -> Result<FilesUsage, Fault> {
    while count.step(COUNTED_AT_ONCE, cancel)? {}
    let usage = count.usage();
    Ok(FilesUsage { bytes: usage.bytes, entries: usage.entries, exact: usage.exact, limit })
}

/// As many uploads as fit one answer.
fn some(mut uploads: Vec<Upload>) -> Vec<Upload> {
    let mut bytes = 0;
    let fit = uploads.iter().position(|one| {
        bytes += wire::write(one).len() + 1;
        bytes > ANSWER_BYTES
    });
    uploads.truncate(fit.unwrap_or(uploads.len()));
    uploads
}

pub(super) fn entry(found: Entry) -> FileEntry {
    FileEntry {
        name: found.name.map(|name| name.to_string()).unwrap_or_default(),
        kind: kind(found.kind),
        bytes: found.bytes,
        mode: found.mode,
        modified: Timestamp::from_millis(found.modified_ms),
        links: found.links,
        denied: found.denied,
    }
}

const fn kind(kind: Kind) -> EntryKind {
    match kind {
        Kind::File => EntryKind::File,
        Kind::Folder => EntryKind::Folder,
        Kind::Link => EntryKind::Link,
        Kind::Fifo => EntryKind::Fifo,
        Kind::Socket => EntryKind::Socket,
        Kind::Device => EntryKind::Device,
    }
}

/// As many entries as fit one answer; the others are on the next page.
fn fitting(mut page: FolderPage) -> FolderPage {
    let mut bytes = 0;
    let fit = page.entries.iter().position(|entry| {
        bytes += wire::write(entry).len() + 1;
        bytes > ANSWER_BYTES
    });
    if let Some(fit) = fit {
        page.entries.truncate(fit);
        page.next = page.entries.last().map(|entry| entry.name.clone());
    }
    page
}

fn matches(found: Found) -> FileMatches {
    let mut bytes = 0;
    let mut stopped = found.stopped.map(|stopped| match stopped {
        Stopped::Answers => SearchStop::Answers,
        Stopped::Time => SearchStop::Time,
        Stopped::Entries => SearchStop::Entries,
    });
    let mut matches = Vec::new();
    for one in found.matches {
        let (path, kind) = (one.path.to_string(), kind(one.kind));
        let next = FileMatch { path, kind, line: one.line, excerpt: one.excerpt };
        bytes += wire::write(&next).len() + 1;
        if bytes > ANSWER_BYTES {
            stopped = Some(SearchStop::Answers);
            break;
        }
        matches.push(next);
    }
    FileMatches { matches, stopped, skipped: found.skipped }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_what_fits_and_goes_on_after_it() {
        let entry = |number: usize| FileEntry {
            name: format!("{number:03}{}", "\\x0a".repeat(200)),
            kind: EntryKind::File,
            bytes: 1,
            mode: 0o644,
            modified: Timestamp::from_millis(0),
            links: 1,
            denied: false,
        };
        let whole = FolderPage { entries: (0..200).map(entry).collect(), next: None, total: 200 };
        let page = fitting(whole.clone());
        assert!(wire::write(&page).len() < ANSWER_BYTES + 1024 && page.entries.len() > 10);
        assert_eq!(page.next, page.entries.last().map(|entry| entry.name.clone()));
        let few = FolderPage { entries: whole.entries[..3].to_vec(), ..whole };
        assert_eq!(fitting(few.clone()), few);
    }
}
