//! Archives of others: what is refused, by its code, and that nothing of it is ever seen.

use std::io::Write;
use std::process::Command;

use sf_files::{
    ArchiveFormat, ArchiveLimits, Cancel, Denied, Existing, FileFault, Name, Options, Quota, Tree, TreePath,
};

use crate::bench::{Bench, INSIDE};

fn path(text: &str) -> TreePath {
    text.parse().unwrap()
}

fn extract(tree: &Tree, archive: &str, to: &str, existing: Existing, limits: ArchiveLimits) -> Result<u64, FileFault> {
    tree.extract(&path(archive), &path(to), existing, limits, &Cancel::new()).map(|done| done.entries)
}

/// Unpacks bytes in a fresh tree; the code, or how many entries there are. Where it is refused, nothing is seen.
fn unpacked(bytes: &[u8], limits: ArchiveLimits) -> String {
    let bench = Bench::new(Options { denied: Denied::parse(&["*.lock"]), ..Options::default() });
    bench.put("archive", bytes);
    std::fs::create_dir(bench.root().join("to")).unwrap();
    let done = extract(&bench.tree(), "archive", "to", Existing::Refuse, limits);
    if done.is_err() {
        assert_eq!(std::fs::read_dir(bench.root().join("to")).unwrap().count(), 0);
    }
    bench.is_untouched();
    bench.is_clean();
    if let Ok(entries) = done {
        let mut there = 0;
        crate::bench::walk(&bench.root().join("to"), &mut |_| there += 1);
        assert_eq!(there, entries);
    }
    done.map_or_else(|fault| fault.code().to_owned(), |entries| format!("{entries} entries"))
}

/// One entry of a tar archive, by hand.
fn tar(name: &[u8], kind: u8, mode: u32, said: u64, content: &[u8]) -> Vec<u8> {
    let mut head = [0_u8; 512];
    head[..name.len()].copy_from_slice(name);
    head[100..108].copy_from_slice(format!("{mode:07o}\0").as_bytes());
    head[124..136].copy_from_slice(format!("{said:011o}\0").as_bytes());
    head[148..156].fill(b' ');
    head[156] = kind;
    head[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
    head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut bytes = head.to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn tar_file(name: &str, content: &str) -> Vec<u8> {
    tar(name.as_bytes(), b'0', 0o644, content.len() as u64, content.as_bytes())
}

fn pax(record: &[u8]) -> Vec<u8> {
    tar(b"x", b'x', 0o644, record.len() as u64, record)
}

#[test]
fn tar_tricks_are_refused_by_name() {
    let end = vec![0; 1024];
    let long = |bytes: &[u8]| tar(b"././@LongLink", b'L', 0o644, bytes.len() as u64, bytes);
    for (what, entries, answer) in [
        ("two files", [tar_file("a", "1"), tar_file("d/b", "2")].concat(), "3 entries"),
        ("dots", [tar(b"./", b'5', 0o755, 0, b""), tar_file("./a//b/./c", "1")].concat(), "3 entries"),
        ("a folder twice", [tar(b"d/", b'5', 0o755, 0, b""), tar(b"d/", b'5', 0o755, 0, b"")].concat(), "1 entries"),
        ("an old folder", tar(b"d/", 0, 0o755, 0, b""), "1 entries"),
        ("slip", tar_file("../a", "1"), "archive.outside"),
        ("inner slip", tar_file("a/../../b", "1"), "archive.outside"),
        ("absolute", tar_file("/etc/cron.d/x", "1"), "archive.absolute"),
        ("drive", tar_file("C:/x", "1"), "archive.absolute"),
        ("backslash", tar_file(r"..\x", "1"), "archive.name"),
        ("newline", tar_file("a\nb", "1"), "archive.name"),
        ("escape", tar_file("a\x1b[2J", "1"), "archive.name"),
        ("turned round", tar_file("gnp.\u{202e}exe", "1"), "archive.name"),
        ("no UTF-8", tar(b"caf\xe9", b'0', 0o644, 0, b""), "archive.name"),
        ("a NUL in a long name", [long(b"a\0b\0"), tar_file("x", "1")].concat(), "archive.name"),
        ("a NUL in a pax name", [pax(b"12 path=a\0b\n"), tar_file("x", "1")].concat(), "archive.name"),
        ("pax slip", [pax(b"19 path=../../evil\n"), tar_file("x", "1")].concat(), "archive.outside"),
        ("long slip", [long(b"/evil\0"), tar_file("x", "1")].concat(), "archive.absolute"),
        ("symbolic link", tar(b"l", b'2', 0o777, 0, b""), "archive.link"),
        ("hard link", tar(b"l", b'1', 0o644, 0, b""), "archive.link"),
        ("character device", tar(b"c", b'3', 0o644, 0, b""), "archive.special"),
        ("block device", tar(b"b", b'4', 0o644, 0, b""), "archive.special"),
        ("fifo", tar(b"f", b'6', 0o644, 0, b""), "archive.special"),
        ("unknown kind", tar(b"z", b'Z', 0o644, 0, b""), "archive.special"),
        ("sparse", tar(b"s", b'S', 0o644, 0, b""), "archive.sparse"),
        ("sparse by pax", [pax(b"22 GNU.sparse.major=1\n"), tar_file("s", "1")].concat(), "archive.sparse"),
        ("setuid", tar(b"su", b'0', 0o4755, 0, b""), "archive.mode"),
        ("setgid", tar(b"sg", b'5', 0o2755, 0, b""), "archive.mode"),
        ("twice", [tar_file("a", "1"), tar_file("a", "2")].concat(), "archive.duplicate"),
        ("file, then folder", [tar_file("a", "1"), tar_file("a/b", "2")].concat(), "archive.duplicate"),
        ("folder, then file", [tar_file("a/b", "1"), tar_file("a", "2")].concat(), "archive.duplicate"),
        ("denied", tar_file("d/x.lock", "1"), "file.denied"),
        (
            "too deep",
            [pax(format!("148 path={}\n", "a/".repeat(69)).as_bytes()), tar(b"x", b'5', 0o755, 0, b"")].concat(),
            "archive.depth",
        ),
        ("a folder with content", tar(b"d/", b'5', 0o755, 4, b"1234"), "archive.size"),
        ("cut", tar(b"a", b'0', 0o644, 4096, b"1"), "archive.broken"),
        ("a huge claim", tar(b"a", b'0', 0o644, 0o77_777_777_777, b"1"), "archive.broken"),
        (
            "a wrong sum",
            {
                let mut bytes = tar_file("a", "1");
                bytes.extend(tar_file("b", "1"));
                bytes[1024] = b'x';
                bytes
            },
            "archive.broken",
        ),
        ("a huge pax header", tar(b"x", b'x', 0o644, 1 << 30, b""), "archive.name"),
        ("broken pax", [pax(b"99 path=a\n"), tar_file("x", "1")].concat(), "archive.broken"),
        ("pax with another size", [pax(b"10 size=9\n"), tar_file("x", "1")].concat(), "archive.size"),
    ] {
        let bytes = if answer == "archive.broken" { entries } else { [entries, end.clone()].concat() };
        assert_eq!(unpacked(&bytes, ArchiveLimits::default()), answer, "{what}");
        // The same in gzip.
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(&bytes).unwrap();
        assert_eq!(unpacked(&gz.finish().unwrap(), ArchiveLimits::default()), answer, "{what}, packed");
    }
}

/// What an entry of a zip archive says of itself.
struct Zip {
    host: u16,
    flags: u16,
    method: u16,
    mode: u32,
    size: Option<u32>,
    crc: Option<u32>,
}

const PLAIN: Zip = Zip { host: 3 << 8, flags: 0, method: 0, mode: 0o100_644, size: None, crc: None };

/// Name in the directory, name in the header, what it is, content.
type ZipEntry<'a> = (&'a [u8], &'a [u8], &'a Zip, &'a [u8]);

fn zip(entries: &[ZipEntry<'_>]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, local, zip, content) in entries {
        let offset = bytes.len() as u32;
        let crc = zip.crc.unwrap_or_else(|| crc32fast::hash(content));
        let (packed, size) = (content.len() as u32, zip.size.unwrap_or(content.len() as u32));
        let common = |name: &[u8]| {
            let mut part = Vec::new();
            for field in [20, zip.flags, zip.method, 0, 0] {
                part.extend_from_slice(&field.to_le_bytes());
            }
            for field in [crc, packed, size] {
                part.extend_from_slice(&field.to_le_bytes());
            }
            part.extend_from_slice(&(name.len() as u16).to_le_bytes());
            part.extend_from_slice(&0_u16.to_le_bytes());
            part
        };
        bytes.extend_from_slice(b"PK\x03\x04");
        bytes.extend(common(local));
        bytes.extend_from_slice(local);
        bytes.extend_from_slice(content);
        directory.extend_from_slice(b"PK\x01\x02");
        directory.extend_from_slice(&(zip.host | 20).to_le_bytes());
        directory.extend(common(name));
        directory.extend_from_slice(&[0; 6]);
        directory.extend_from_slice(&(zip.mode << 16).to_le_bytes());
        directory.extend_from_slice(&offset.to_le_bytes());
        directory.extend_from_slice(name);
    }
    let start = bytes.len() as u32;
    bytes.extend_from_slice(&directory);
    bytes.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    for count in [entries.len() as u16; 2] {
        bytes.extend_from_slice(&count.to_le_bytes());
    }
    bytes.extend_from_slice(&(directory.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&start.to_le_bytes());
    bytes.extend_from_slice(&[0; 2]);
    bytes
}

#[test]
fn zip_tricks_are_refused_by_name() {
    let one = |name: &str, what: &Zip| zip(&[(name.as_bytes(), name.as_bytes(), what, b"1")]);
    let dos = Zip { host: 0, mode: 0, ..PLAIN };
    for (what, bytes, answer) in [
        ("two files", zip(&[(b"a", b"a", &PLAIN, b"1"), (b"d/b", b"d/b", &PLAIN, b"2")]), "3 entries"),
        ("nothing", zip(&[]), "0 entries"),
        ("a folder", zip(&[(b"d/", b"d/", &dos, b"")]), "1 entries"),
        ("strokes of Windows", one(r"d\e\f", &dos), "3 entries"),
        ("something before it", [b"PK\x03\x04#!/bin/sh\n".as_slice(), &one("a", &PLAIN)].concat(), "1 entries"),
        ("slip", one("../a", &PLAIN), "archive.outside"),
        ("slip of Windows", one(r"d\..\..\a", &dos), "archive.outside"),
        ("absolute", one("/a", &PLAIN), "archive.absolute"),
        ("drive", one(r"C:\a", &dos), "archive.absolute"),
        ("backslash", one(r"a\b", &PLAIN), "archive.name"),
        ("NUL", one("a\0b", &PLAIN), "archive.name"),
        ("newline", one("a\nb", &PLAIN), "archive.name"),
        ("link", one("l", &Zip { mode: 0o120_777, ..PLAIN }), "archive.link"),
        ("device", one("c", &Zip { mode: 0o020_644, ..PLAIN }), "archive.special"),
        ("fifo", one("f", &Zip { mode: 0o010_644, ..PLAIN }), "archive.special"),
        ("setuid", one("s", &Zip { mode: 0o104_755, ..PLAIN }), "archive.mode"),
        ("encrypted", one("e", &Zip { flags: 1, ..PLAIN }), "archive.encrypted"),
        ("bzip2 inside", one("b", &Zip { method: 12, ..PLAIN }), "archive.method"),
        ("twice", zip(&[(b"a", b"a", &PLAIN, b"1"), (b"a", b"a", &PLAIN, b"2")]), "archive.duplicate"),
        ("file, then folder", zip(&[(b"a", b"a", &PLAIN, b"1"), (b"a/b", b"a/b", &PLAIN, b"2")]), "archive.duplicate"),
        ("another name inside", zip(&[(b"a", b"../a", &PLAIN, b"1")]), "archive.broken"),
        ("another size", one("a", &Zip { size: Some(2), ..PLAIN }), "archive.size"),
        ("another sum", one("a", &Zip { crc: Some(1), ..PLAIN }), "archive.broken"),
        ("a file that is a folder", one("a/", &PLAIN), "archive.name"),
        ("a folder with content", one("a/", &Zip { mode: 0, ..PLAIN }), "archive.size"),
        ("denied", one("x.lock", &PLAIN), "file.denied"),
        ("cut", one("a", &PLAIN)[..40].to_vec(), "archive.broken"),
        ("more behind it", [one("a", &PLAIN), vec![0; 100]].concat(), "archive.broken"),
        ("no deflate", one("a", &Zip { method: 8, ..PLAIN }), "archive.broken"),
    ] {
        assert_eq!(unpacked(&bytes, ArchiveLimits::default()), answer, "{what}");
    }
    // Two entries of one content (how bombs without recursion are made) disagree with its one header.
    let mut bytes = zip(&[(b"a", b"a", &PLAIN, b"1"), (b"b", b"b", &PLAIN, b"2")]);
    let second = bytes.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    bytes[second + 42..second + 46].fill(0);
    assert_eq!(unpacked(&bytes, ArchiveLimits::default()), "archive.broken");
    // More entries than there are bytes.
    let mut bytes = zip(&[(b"a", b"a", &PLAIN, b"1")]);
    let end = bytes.len() - 22;
    bytes[end + 8..end + 12].fill(0xfe);
    assert_eq!(unpacked(&bytes, ArchiveLimits::default()), "archive.broken");
}

#[test]
fn what_is_no_archive_is_told_from_its_bytes() {
    for (bytes, said) in [
        (b"".as_slice(), "no tar, tar.gz or zip"),
        (b"BZh91AY&SY", "bzip2"),
        (b"\xfd7zXZ\0", "xz"),
        (b"Rar!\x1a\x07", "rar"),
        (b"hello", "no tar, tar.gz or zip"),
    ] {
        let bench = Bench::new(Options::default());
        bench.put("x.zip", bytes);
        let fault = extract(&bench.tree(), "x.zip", "", Existing::Refuse, ArchiveLimits::default()).unwrap_err();
        assert_eq!(fault.code(), "archive.format");
        assert!(fault.to_string().contains(said), "{fault}");
    }
}

/// gzip of `members` times the same megabytes of zeros, which costs only one packing.
fn zeros(members: usize) -> Vec<u8> {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gz.write_all(&vec![0; 8 * 1024 * 1024]).unwrap();
    gz.finish().unwrap().repeat(members)
}

/// Bytes that do not pack.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    (0..bytes).map(|_| next()).collect()
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(bytes).unwrap();
    gz.finish().unwrap()
}

#[test]
fn bombs_are_stopped_by_what_they_became() {
    let ten_gib = 10 * 1024 * 1024 * 1024_u64;
    let mut head = tar(b"zeros", b'0', 0o644, 0, b"");
    // Binary: octal digits end at eight.
    head[124..136].copy_from_slice(&[&[0x80, 0, 0, 0][..], &ten_gib.to_be_bytes()].concat());
    head[148..156].fill(b' ');
    let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
    head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let bomb = [packed(&head), zeros(1280)].concat();
    let small = ArchiveLimits { bytes: 1024 * 1024, ..ArchiveLimits::default() };
    assert_eq!(unpacked(&bomb, ArchiveLimits::default()), "archive.ratio");
    assert_eq!(unpacked(&bomb, small), "archive.bytes");
    let many: Vec<u8> = (0..50).flat_map(|number| tar_file(&format!("f{number}"), "")).collect();
    assert_eq!(unpacked(&many, ArchiveLimits { entries: 49, ..ArchiveLimits::default() }), "archive.entries");
    // Folders that are only named on the way are counted, too.
    assert_eq!(unpacked(&tar_file("a/b/c/d", "1"), ArchiveLimits { entries: 3, ..small }), "archive.entries");
    // A zip in a zip is a file like any other.
    let inner = zip(&[(b"a", b"a", &PLAIN, &vec![0; 100_000])]);
    assert_eq!(unpacked(&zip(&[(b"in.zip", b"in.zip", &PLAIN, &inner)]), small), "1 entries");
    // Zeros behind the end of an archive are not read for ever.
    let tail = [packed(&[tar_file("a", "1"), vec![0; 1024]].concat()), zeros(1280)].concat();
    assert_eq!(unpacked(&tail, ArchiveLimits::default()), "2 entries".replace('2', "1"));
}

#[test]
fn a_quota_that_fills_shows_nothing() {
    let bench = Bench::new(Options { quota: Quota::new(Some(1024 * 1024), 0), ..Options::default() });
    bench.put("a.tar", [tar_file("first", "1"), tar_file("second", &"x".repeat(2 << 20))].concat());
    std::fs::create_dir(bench.root().join("to")).unwrap();
    let tree = bench.tree();
    let fault = extract(&tree, "a.tar", "to", Existing::Replace, ArchiveLimits::default()).unwrap_err();
    assert_eq!(fault.code(), "file.quota");
    assert_eq!((tree.quota().used(), std::fs::read_dir(bench.root().join("to")).unwrap().count()), (0, 0));
    bench.is_clean();
    // A packer that runs into it likewise: what does not pack is made.
    bench.put("noise", noise(2 << 20));
    for format in [ArchiveFormat::Zip, ArchiveFormat::TarGz] {
        let names = ["noise".parse::<Name>().unwrap()];
        let fault = tree.compress(&path(""), &names, &path("x"), format, &Cancel::new()).unwrap_err();
        assert_eq!(fault.code(), "file.quota");
        assert!(!bench.root().join("x").exists());
    }
    assert_eq!(tree.quota().used(), 0);
    bench.is_clean();
}

#[test]
fn what_is_there_stays_unless_it_may_be_replaced() {
    let bench = Bench::new(Options::default());
    let tree = bench.tree();
    bench.put("a.tar", [tar_file("d/new", "1"), tar_file("d/old", "2")].concat());
    bench.put("d/old", "mine");
    let unpack = |existing| extract(&tree, "a.tar", "", existing, ArchiveLimits::default());
    assert_eq!(unpack(Existing::Refuse).unwrap_err().code(), "file.exists");
    assert!(!bench.root().join("d/new").exists());
    assert_eq!(unpack(Existing::Replace).unwrap(), 3);
    assert_eq!(std::fs::read_to_string(bench.root().join("d/old")).unwrap(), "2");
    // A link, or a folder, in the place of a file, and the other way round.
    std::fs::remove_file(bench.root().join("d/old")).unwrap();
    std::os::unix::fs::symlink(bench.outside().join("f"), bench.root().join("d/old")).unwrap();
    assert_eq!(unpack(Existing::Replace).unwrap_err().code(), "file.link");
    std::fs::remove_dir_all(bench.root().join("d")).unwrap();
    std::os::unix::fs::symlink(bench.outside(), bench.root().join("d")).unwrap();
    assert_eq!(unpack(Existing::Replace).unwrap_err().code(), "file.link");
    bench.is_untouched();
    bench.is_clean();
}

#[test]
fn many_files_are_unpacked_among_many() {
    let bench = Bench::new(Options::default());
    let files: Vec<u8> = (0..2500).flat_map(|number| tar_file(&format!("d/{number}"), "new")).collect();
    bench.put("a.tar", files);
    for number in 2000..3000 {
        bench.put(&format!("d/{number}"), "old");
    }
    let tree = bench.tree();
    let used = || {
        let mut count = tree.count(&TreePath::root()).unwrap();
        while count.step(1000, &Cancel::new()).unwrap() {}
        count.usage().bytes
    };
    tree.quota().set_used(used());
    let unpack = |existing| extract(&tree, "a.tar", "", existing, ArchiveLimits::default());
    assert_eq!(unpack(Existing::Refuse).unwrap_err().code(), "file.exists");
    assert_eq!(std::fs::read_dir(bench.root().join("d")).unwrap().count(), 1000);
    assert_eq!(unpack(Existing::Replace).unwrap(), 2501);
    assert_eq!(std::fs::read_dir(bench.root().join("d")).unwrap().count(), 3000);
    for (number, text) in [(0, "new"), (2499, "new"), (2500, "old")] {
        assert_eq!(std::fs::read_to_string(bench.root().join(format!("d/{number}"))).unwrap(), text);
    }
    // But for the folder itself, which has grown on some file systems.
    assert!(tree.quota().used().abs_diff(used()) <= 256 * 1024, "{} {}", tree.quota().used(), used());
    bench.is_clean();
}

/// What is packed, by us and by others, is what is unpacked, by us and by others.
#[test]
fn archives_are_those_of_others() {
    let bench = Bench::new(Options::default());
    let tree = bench.tree();
    let long = format!("{}/{}", "d".repeat(90), "f".repeat(90));
    let noise = noise(300_000);
    for (name, bytes) in [("w/a", b"1".as_slice()), ("w/e/empty", b""), ("w/ä ö", b"2"), ("w/noise", &noise)] {
        bench.put(name, bytes);
    }
    bench.put(&format!("w/{long}"), INSIDE);
    std::fs::create_dir(bench.root().join("w/none")).unwrap();
    std::os::unix::fs::symlink("a", bench.root().join("w/link")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(bench.root().join("w/a"), mode).unwrap();
    let same = |dir: &str| {
        let text = |path: &str| std::fs::read(bench.root().join(dir).join(path)).unwrap();
        assert_eq!(
            (text("w/a"), text("w/e/empty"), text("w/ä ö")),
            (b"1".to_vec(), Vec::new(), b"2".to_vec()),
            "{dir}"
        );
        assert!(text("w/noise") == noise && text(&format!("w/{long}")) == INSIDE.as_bytes(), "{dir}");
        assert!(bench.root().join(dir).join("w/none").is_dir());
        let mode: u32 = std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(bench.root().join(dir).join("w/a")).unwrap().permissions(),
        );
        assert_eq!(mode & 0o777, 0o755, "{dir}");
    };
    let run = |program: &str, arguments: &[&str]| match Command::new(program)
        .args(arguments)
        .current_dir(bench.root())
        .output()
    {
        Ok(output) => assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => panic!("{program}: {error}"),
    };
    let has = |program: &str| {
        let has = Command::new(program).arg("-v").output().is_ok();
        if !has {
            eprintln!("NOT TESTED: there is no {program} here");
        }
        has
    };
    for (format, name) in [(ArchiveFormat::TarGz, "ours.tar.gz"), (ArchiveFormat::Zip, "ours.zip")] {
        let names = ["w".parse::<Name>().unwrap()];
        let done = tree.compress(&path(""), &names, &path(name), format, &Cancel::new()).unwrap();
        assert_eq!((done.entries, done.skipped), (9, 1), "{name}");
        assert_eq!(done.archive_bytes, std::fs::metadata(bench.root().join(name)).unwrap().len());
        let to = format!("{name}.d");
        tree.make_folder(&path(&to), false).unwrap();
        assert_eq!(extract(&tree, name, &to, Existing::Refuse, ArchiveLimits::default()).unwrap(), 9);
        same(&to);
    }
    std::fs::remove_file(bench.root().join("w/link")).unwrap();
    for to in ["by-tar", "by-unzip", "from-tar", "from-pax", "from-zip"] {
        std::fs::create_dir(bench.root().join(to)).unwrap();
    }
    run("tar", &["-xzf", "ours.tar.gz", "-C", "by-tar"]);
    same("by-tar");
    run("tar", &["-cf", "gnu.tar", "w"]);
    extract(&tree, "gnu.tar", "from-tar", Existing::Refuse, ArchiveLimits::default()).unwrap();
    same("from-tar");
    run("tar", &["--format=pax", "-czf", "pax.tar.gz", "w"]);
    extract(&tree, "pax.tar.gz", "from-pax", Existing::Refuse, ArchiveLimits::default()).unwrap();
    same("from-pax");
    if has("unzip") {
        run("unzip", &["-q", "ours.zip", "-d", "by-unzip"]);
        same("by-unzip");
    }
    if has("zip") {
        run("zip", &["-qr", "theirs.zip", "w"]);
        extract(&tree, "theirs.zip", "from-zip", Existing::Refuse, ArchiveLimits::default()).unwrap();
        same("from-zip");
    }
    bench.is_clean();
}

mod damaged {
    use super::*;
    use proptest::prelude::*;

    fn good() -> Vec<Vec<u8>> {
        let bench = Bench::new(Options::default());
        for (name, bytes) in [("w/a", "1".repeat(2000)), ("w/e/empty", String::new()), ("w/b", "text".to_owned())] {
            bench.put(name, bytes);
        }
        let mut archives = vec![[tar_file("a", "1"), tar_file("d/b", &"2".repeat(700)), vec![0; 1024]].concat()];
        for format in [ArchiveFormat::TarGz, ArchiveFormat::Zip] {
            let names = ["w".parse::<Name>().unwrap()];
            bench.tree().compress(&path(""), &names, &path("x"), format, &Cancel::new()).unwrap();
            archives.push(std::fs::read(bench.root().join("x")).unwrap());
            std::fs::remove_file(bench.root().join("x")).unwrap();
        }
        archives
    }

    proptest! {
        /// Bytes changed, cut or put in anywhere: an answer, never a panic, and nothing half unpacked.
        #[test]
        fn any_damage_has_an_answer(
            which in 0..3_usize,
            changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
            cut in proptest::option::weighted(0.2, any::<proptest::sample::Index>()),
        ) {
            let mut bytes = good().swap_remove(which);
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            unpacked(&bytes, ArchiveLimits { bytes: 1 << 20, ..ArchiveLimits::default() });
        }
    }
}
