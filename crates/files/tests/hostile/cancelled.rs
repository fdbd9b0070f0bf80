//! A verb that is told to end, or whose time is up, ends and leaves nothing.

use std::time::Duration;

use sf_files::{
    ArchiveFormat, ArchiveLimits, Cancel, Existing, FileFault, NameSearch, Options, Quota, TextSearch, TreePath,
};

use crate::bench::Bench;

fn path(text: &str) -> TreePath {
    text.parse().unwrap()
}

#[test]
fn every_verb_ends() {
    let bench = Bench::new(Options { quota: Quota::new(Some(1 << 30), 0), ..Options::default() });
    for number in 0..30 {
        bench.put(&format!("d/{number}"), "text");
    }
    let tree = bench.tree();
    let names = ["d".parse().unwrap()];
    tree.compress(&path(""), &names, &path("a.zip"), ArchiveFormat::Zip, &Cancel::new()).unwrap();
    let used = tree.quota().used();
    let stopped = Cancel::new();
    // A clone is the same.
    stopped.clone().cancel();
    for (cancel, code) in [(&stopped, "file.cancelled"), (&Cancel::within(Duration::ZERO), "file.time_up")] {
        let text = TextSearch { text: "x".into(), regex: false, case: true, names: None, most: 1 };
        let answers: Vec<Result<(), FileFault>> = vec![
            tree.write(&path("w"), &mut "x".as_bytes(), None, cancel).map(|_| ()),
            tree.hash(&path("a.zip"), cancel).map(|_| ()),
            tree.copy(&path("d"), &path("e"), cancel).map(|_| ()),
            tree.copy(&path("d/1"), &path("e"), cancel).map(|_| ()),
            tree.delete(&path("d"), cancel).map(|_| ()),
            tree.compress(&path(""), &names, &path("b.zip"), ArchiveFormat::TarGz, cancel).map(|_| ()),
            tree.extract(&path("a.zip"), &path(""), Existing::Replace, ArchiveLimits::default(), cancel).map(|_| ()),
            tree.count(&path("")).and_then(|mut count| count.step(1, cancel)).map(|_| ()),
        ];
        for (number, answer) in answers.into_iter().enumerate() {
            assert_eq!(answer.map_err(|fault| fault.code()), Err(code), "{number}");
        }
        // A search answers with what it has, where its time is up.
        let found = tree.find_text(&path(""), &text, cancel);
        let names = tree.find_names(&path(""), &NameSearch { pattern: "x".into(), case: true, most: 1 }, cancel);
        for found in [found, names] {
            match found {
                Ok(found) => assert_eq!((found.stopped, code), (Some(sf_files::Stopped::Time), "file.time_up")),
                Err(fault) => assert_eq!(fault.code(), "file.cancelled"),
            }
        }
    }
    assert_eq!(tree.quota().used(), used);
    assert_eq!(std::fs::read_dir(bench.root()).unwrap().count(), 2);
    assert_eq!(std::fs::read_dir(bench.root().join("d")).unwrap().count(), 30);
    bench.is_clean();
}
