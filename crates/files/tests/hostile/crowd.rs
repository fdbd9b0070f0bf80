//! A folder of very many files is listed in the memory of a page.

use crate::bench::Bench;
use sf_files::{Cancel, Options, Page, TreePath};

/// Bytes resident.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

fn list(files: u64, pages: u64) {
    let bench = Bench::new(Options::default());
    let dir = std::fs::File::open(bench.root()).unwrap();
    for number in 0..files {
        let flags = rustix::fs::OFlags::CREATE | rustix::fs::OFlags::WRONLY;
        drop(rustix::fs::openat(&dir, format!("file-{number:09}"), flags, rustix::fs::Mode::RWXU).unwrap());
    }
    let (tree, cancel) = (bench.tree(), Cancel::new());
    let mut page = Page { after: None, rows: Some(Page::ROWS_MAX) };
    // The first one pages in what it needs.
    tree.list(&TreePath::root(), &page, &cancel).unwrap();
    let before = resident();
    let started = std::time::Instant::now();
    for number in 0..pages {
        let listing = tree.list(&TreePath::root(), &page, &cancel).unwrap();
        assert_eq!(listing.total, files);
        let first = listing.entries.first().unwrap().name.as_ref().unwrap().to_string();
        assert_eq!(first, format!("file-{:09}", number * u64::from(Page::ROWS_MAX)));
        page.after = listing.next;
    }
    let grown = resident().saturating_sub(before);
    eprintln!("{files} files: {:?} a page, {grown} bytes more", started.elapsed() / u32::try_from(pages).unwrap());
    assert!(grown < 1024 * 1024, "{grown} bytes for {files} files");
}

#[test]
fn twenty_thousand_files() {
    list(20_000, 5);
}

#[test]
#[ignore = "makes a million files"]
fn a_million_files() {
    list(1_000_000, 3);
}
