//! Listing a folder by pages, whatever its size, in the memory of one page.

use std::collections::BinaryHeap;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use crate::path::Name;
use crate::resolve::facts_in;
use crate::walk::names;
use crate::{Cancel, Entry, FileFault, Tree, TreePath};

/// Which part of a folder is wanted.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Page {
    /// Names after this one: the `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Name>,
    /// Entries at the most; [`Page::ROWS`] where `None`, never more than [`Page::ROWS_MAX`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u16>,
}

impl Page {
    /// Entries of a page unless asked otherwise.
    pub const ROWS: u16 = 200;
    /// Entries of a page at the most.
    pub const ROWS_MAX: u16 = 1000;

    fn rows(&self) -> usize {
        usize::from(self.rows.unwrap_or(Self::ROWS).clamp(1, Self::ROWS_MAX))
    }
}

/// A page of a folder.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Listing {
    /// Sorted by the bytes of their names.
    pub entries: Vec<Entry>,
    /// Where the next page starts; `None` on the last one.
    pub next: Option<Name>,
    /// Entries of the whole folder.
    pub total: u64,
    /// Whether the folder has more than [`Tree::LISTED_MAX`] entries, so that only so many were looked at.
    pub more: bool,
}

impl Tree {
    /// Names of one folder that are looked at for a page; beyond them a folder is not sorted any more.
    pub const LISTED_MAX: u64 = 4_000_000;

    /// A page of a folder, sorted by name. Every page reads all names and keeps its own: time grows with the folder,
    /// memory does not. Links are shown as such, fifos and devices too; denied entries are shown and marked.
    ///
    /// # Errors
    /// [`FileFault`]
    pub fn list(&self, path: &TreePath, page: &Page, cancel: &Cancel) -> Result<Listing, FileFault> {
        let bytes = path.to_bytes();
        let dir = self.folder(path.names())?;
        let rows = page.rows();
        // The smallest names after the cursor, one more than asked for: it only says that there is a next page.
        let mut smallest: BinaryHeap<Box<[u8]>> = BinaryHeap::with_capacity(rows + 2);
        let (mut total, mut more) = (0_u64, false);
        names(&dir, &bytes, cancel, |name| {
            if total == Self::LISTED_MAX {
                more = true;
                return Ok(ControlFlow::Break(()));
            }
            total += 1;
            if page.after.as_ref().is_some_and(|after| name <= after.as_bytes()) {
                return Ok(ControlFlow::Continue(()));
            }
            if smallest.len() <= rows {
                smallest.push(name.into());
            } else if smallest.peek().is_some_and(|largest| name < &**largest) {
                smallest.pop();
                smallest.push(name.into());
            }
            Ok(ControlFlow::Continue(()))
        })?;
        let mut sorted = smallest.into_sorted_vec();
        let goes_on = sorted.len() > rows;
        sorted.truncate(rows);
        let next = sorted.last().filter(|_| goes_on).map(|name| Name::from_bytes(name)).transpose()?;
        let mut entries = Vec::with_capacity(sorted.len());
        for name in sorted {
            let whole = if bytes.is_empty() { name.to_vec() } else { [&bytes[..], b"/", &name].concat() };
            // What vanished meanwhile is no entry.
            if let Some(facts) = facts_in(&dir, &name, &whole)? {
                entries.push(facts.entry(Some(Name::from_bytes(&name)?), self.options.denied.denies(&whole)));
            }
        }
        Ok(Listing { entries, next, total, more })
    }

    /// What is at a path; a link is itself.
    ///
    /// # Errors
    /// [`FileFault`]
    pub fn stat(&self, path: &TreePath) -> Result<Entry, FileFault> {
        let name = path.names().last().cloned();
        Ok(self.facts(path)?.entry(name, self.options.denied.denies(&path.to_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;
    use crate::verbs::tests::Bench;

    #[test]
    fn pages_follow_one_another() {
        let bench = Bench::new();
        for number in 0..25 {
            bench.put(&format!("d/{number:02}"), "x");
        }
        let (mut page, mut seen, mut pages) = (Page { after: None, rows: Some(10) }, Vec::new(), 0);
        loop {
            let listing = bench.tree().list(&"d".parse().unwrap(), &page, &Cancel::new()).unwrap();
            assert_eq!((listing.total, listing.more), (25, false));
            seen.extend(listing.entries.into_iter().map(|entry| entry.name.unwrap().to_string()));
            pages += 1;
            let Some(next) = listing.next else { break };
            page.after = Some(next);
        }
        assert_eq!(pages, 3);
        assert_eq!(seen, (0..25).map(|number| format!("{number:02}")).collect::<Vec<_>>());
    }

    #[test]
    fn everything_is_shown_as_what_it_is() {
        let bench = Bench::new();
        bench.put("a", "12345");
        std::fs::create_dir(bench.path("b")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", bench.path("c")).unwrap();
        bench.fifo("d");
        let socket = std::os::unix::net::UnixListener::bind(bench.path("e")).unwrap();
        let listing = bench.tree().list(&TreePath::root(), &Page::default(), &Cancel::new()).unwrap();
        let kinds: Vec<Kind> = listing.entries.iter().map(|entry| entry.kind).collect();
        assert_eq!(kinds, [Kind::File, Kind::Folder, Kind::Link, Kind::Fifo, Kind::Socket]);
        assert_eq!(listing.entries[0].bytes, 5);
        drop(socket);
    }

    #[test]
    fn only_folders_are_listed() {
        let bench = Bench::new();
        bench.put("a", "1");
        std::os::unix::fs::symlink(".", bench.path("l")).unwrap();
        for (path, code) in
            [("a", "file.not_a_folder"), ("l", "file.link"), ("l/a", "file.link"), ("x", "file.not_found")]
        {
            let fault = bench.tree().list(&path.parse().unwrap(), &Page::default(), &Cancel::new()).unwrap_err();
            assert_eq!(fault.code(), code, "{path}");
        }
    }
}
