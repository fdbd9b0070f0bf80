//! Every verb while another thread swaps folders and files for links that lead out, thousands of times. Nothing outside is
//! ever read or changed, whatever a verb answers.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;

use crate::bench::{Bench, End, INSIDE, SECRET, contains, while_swapped};
use sf_files::{
    ArchiveFormat, ArchiveLimits, Cancel, Existing, FileFault, Name, NameSearch, Options, Page, Promised, Replace,
    Resolve, TextSearch, Tree, TreePath,
};
use sf_types::FileState;

/// Times each verb is done in each way of walking.
const ROUNDS: usize = 3000;

fn path(text: &str) -> TreePath {
    text.parse().unwrap()
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// `d` is a folder and `l` a link out, and they change places; so do the file `d/f` and a link out, and a fifo.
fn race(mut verb: impl FnMut(&Bench, &Tree, usize) -> Result<(), FileFault>) {
    for resolve in [Resolve::Kernel, Resolve::Steps] {
        let bench = Bench::new(Options { resolve: Some(resolve), ..Options::default() });
        for file in ["d/f", "d/sub/g", "d/x"] {
            bench.put(file, INSIDE);
        }
        let root = bench.root();
        symlink(bench.outside(), root.join("l")).unwrap();
        symlink(bench.outside().join("f"), root.join("m")).unwrap();
        bench.put("file", INSIDE);
        let fifo = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, root.join("fifo"), fifo, rustix::fs::Mode::RWXU, 0).unwrap();
        let tree = bench.tree();
        let mut answers: BTreeMap<&'static str, usize> = BTreeMap::new();
        let pairs = [
            (root.join("d"), root.join("l")),
            (root.join("file"), root.join("m")),
            (root.join("m"), root.join("fifo")),
        ];
        while_swapped(&pairs, || {
            for round in 0..ROUNDS {
                let answer = verb(&bench, &tree, round);
                *answers.entry(answer.map_or_else(|fault| fault.code(), |()| "done")).or_default() += 1;
            }
        });
        bench.is_untouched();
        drop(tree);
        bench.is_clean();
        // Whatever the machine did, a defect or a full disk is no answer of a race.
        for code in ["file.disk", "file.disk_full", "file.permission"] {
            assert!(!answers.contains_key(code), "{resolve:?}: {answers:?}");
        }
        eprintln!("{resolve:?}: {answers:?}");
    }
}

#[test]
fn reading() {
    race(|_, tree, round| {
        let which = ["d/f", "d/sub/g", "l/f", "file", "m"][round % 5];
        let piece = tree.read(&path(which), 0, 100)?;
        assert!(!contains(&piece.bytes, SECRET), "{which} was read outside");
        Ok(())
    });
}

#[test]
fn looking() {
    race(|_, tree, round| {
        let cancel = Cancel::new();
        match round % 4 {
            0 => tree.stat(&path("d/sub/g")).map(|entry| assert_eq!(entry.bytes, INSIDE.len() as u64)),
            1 => tree.list(&path("d/sub"), &Page::default(), &cancel).map(|listing| {
                assert!(listing.entries.iter().all(|entry| entry.bytes == INSIDE.len() as u64));
            }),
            2 => tree
                .find_text(
                    &path(""),
                    &TextSearch { text: "SECRET".into(), regex: false, case: true, names: None, most: 9 },
                    &cancel,
                )
                .map(|found| assert!(found.matches.is_empty(), "{found:?}")),
            _ => {
                let found =
                    tree.find_names(&path(""), &NameSearch { pattern: "g".into(), case: true, most: 9 }, &cancel)?;
                assert!(found.matches.len() <= 2, "{found:?}");
                let mut count = tree.count(&path(""))?;
                while count.step(10, &cancel)? {}
                Ok(())
            }
        }
    });
}

#[test]
fn writing() {
    race(|_, tree, round| {
        let cancel = Cancel::new();
        let which = path(["d/f", "d/sub/g", "d/new", "file", "m"][round % 5]);
        let expected = match round % 3 {
            0 => None,
            1 => Some(FileState::Absent),
            _ => Some(FileState::Is(tree.hash(&which, &cancel)?)),
        };
        tree.write(&which, &mut INSIDE.as_bytes(), expected, &cancel).map(|_| ())
    });
}

#[test]
fn uploading() {
    race(|_, tree, round| {
        let (id, cancel) = (format!("up-{round}").parse().unwrap(), Cancel::new());
        let which = path(["d/f", "d/sub/u", "file"][round % 3]);
        let promised = Promised { bytes: 6, hash: None, before: None, mode: None };
        tree.upload_begin(&id, &which, 6, Replace::Files)?;
        let done = tree
            .upload_append(&id, 0, INSIDE.as_bytes())
            .and_then(|_| tree.upload_finish(&id, &which, promised, Replace::Files, &cancel));
        tree.upload_abort(&id)?;
        done.map(|_| ())
    });
}

#[test]
fn packing_for_somebody_who_reads() {
    race(|_, tree, round| {
        // Each is a walk over all of it and an archive.
        if round % 8 != 0 {
            return Ok(());
        }
        let mut bytes = Vec::new();
        tree.pack(&path(["d", "", "d/sub"][round / 8 % 3]), &mut bytes, &Cancel::new())?;
        let mut plain = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*bytes), &mut plain).unwrap();
        assert!(!contains(&plain, SECRET), "{round}");
        Ok(())
    });
}

#[test]
fn changing() {
    race(|_, tree, round| {
        let cancel = Cancel::new();
        match round % 4 {
            0 => tree.chmod(&path(["d/f", "d/sub/g", "file", "m"][round / 4 % 4]), 0o600),
            1 => tree.make_folder(&path(&format!("d/sub/n{round}/x")), true),
            2 => tree.rename(&path("d/x"), &path("d/sub/x"), Replace::Files, &cancel),
            _ => tree.rename(&path("d/sub/x"), &path("d/x"), Replace::Files, &cancel),
        }
    });
}

#[test]
fn copying() {
    race(|_, tree, round| {
        let cancel = Cancel::new();
        let to = path(&format!("copy{round}"));
        let from = path(["d", "d/f", "d/sub", "file"][round % 4]);
        tree.copy(&from, &to, &cancel)?;
        // What was copied is looked at before it goes: all the files of it are of the inside.
        let search = TextSearch { text: "SECRET".into(), regex: false, case: true, names: None, most: 1 };
        match tree.find_text(&to, &search, &cancel) {
            Ok(found) => assert!(found.matches.is_empty(), "{found:?}"),
            Err(_) => assert!(!contains(&tree.read(&to, 0, 100)?.bytes, SECRET)),
        }
        tree.delete(&to, &cancel).map(|_| ())
    });
}

#[test]
fn deleting() {
    race(|_, tree, round| {
        let cancel = Cancel::new();
        let made = path(&format!("d/sub/t{round}"));
        tree.make_folder(&made, true)?;
        tree.write(&made.join(name("f")).unwrap(), &mut INSIDE.as_bytes(), None, &cancel)?;
        tree.delete(&path(&format!("d/sub/t{}", round - round % 2)), &cancel)?;
        tree.delete(&path("d/sub/g"), &cancel)?;
        tree.write(&path("d/sub/g"), &mut INSIDE.as_bytes(), None, &cancel).map(|_| ())
    });
}

#[test]
fn packing_and_unpacking() {
    race(|_, tree, round| {
        let cancel = Cancel::new();
        // Every third round, since each is many verbs.
        if round % 3 != 0 {
            return Ok(());
        }
        let format = if round % 2 == 0 { ArchiveFormat::Zip } else { ArchiveFormat::TarGz };
        let archive = path("d/archive");
        let packed = tree.compress(&path("d"), &[name("f"), name("sub")], &archive, format, &cancel);
        let unpacked = packed
            .and_then(|_| tree.extract(&archive, &path("d/sub"), Existing::Replace, ArchiveLimits::default(), &cancel));
        let _ = tree.delete(&archive, &cancel);
        unpacked.map(|_| ())
    });
}

#[test]
fn a_folder_that_is_deleted_can_be_written_to() {
    let bench = Bench::new(Options::default());
    let tree = bench.tree();
    let done = std::sync::atomic::AtomicBool::new(false);
    let made = std::sync::atomic::AtomicU32::new(0);
    let has_made = || made.load(std::sync::atomic::Ordering::Relaxed) > 0;
    std::thread::scope(|scope| {
        // It holds a descriptor of the folder and goes on making files in it, wherever it is moved.
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                let Ok(dir) = std::fs::File::open(bench.root().join("d")) else { continue };
                for number in 0..50 {
                    let flags = rustix::fs::OFlags::CREATE | rustix::fs::OFlags::WRONLY;
                    let file = rustix::fs::openat(&dir, format!("f{number}"), flags, rustix::fs::Mode::RWXU);
                    made.fetch_add(u32::from(file.is_ok()), std::sync::atomic::Ordering::Relaxed);
                }
            }
        });
        let _end = End(&done);
        let began = std::time::Instant::now();
        // On a busy machine the other one may not have had its turn by then.
        let mut times = 0;
        while times < 200 || !has_made() && began.elapsed() < std::time::Duration::from_secs(20) {
            times += 1;
            let _ = std::fs::create_dir_all(bench.root().join("d/sub"));
            let removed = tree.delete(&path("d"), &Cancel::within(std::time::Duration::from_secs(5))).unwrap();
            assert!(!removed.goes_on);
        }
        assert!(has_made());
    });
    bench.is_untouched();
    bench.is_clean();
}
