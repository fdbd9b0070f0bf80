//! Files of a server on a real node: every verb, and what hostile files and archives come to.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use sf_protocol::server::{
    EntryKind, FileAction, FileContent, FileFacts, FileLook, FilePiece, FileVerb, FilesSeen, FolderPage, SearchStop,
    ServerFilesWanted,
};
use sf_types::{ByteSize, Fault, FileState};

use super::*;

fn write(path: &str, text: &str, before: Option<FileState>) -> FileVerb {
    FileVerb::Write { path: path.to_owned(), content: FileContent::Text(text.to_owned()), before }
}

fn delete(paths: &[&str]) -> FileVerb {
    FileVerb::Delete { paths: paths.iter().map(|path| (*path).to_owned()).collect() }
}

fn from_to(verb: fn(String, String) -> FileVerb, from: &str, to: &str) -> FileVerb {
    verb(from.to_owned(), to.to_owned())
}

fn rename(from: String, to: String) -> FileVerb {
    FileVerb::Rename { from, to }
}

fn copy(from: String, to: String) -> FileVerb {
    FileVerb::Copy { from, to }
}

fn pack(names: &[&str], into: &str) -> FileVerb {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    FileVerb::Compress { folder: String::new(), names, into: into.to_owned() }
}

fn unpack(path: &str, into: &str, replace: bool) -> FileVerb {
    FileVerb::Extract { path: path.to_owned(), into: into.to_owned(), replace }
}

impl Bench {
    /// A node with a server without a program.
    async fn empty() -> Self {
        let mut bench = Self::new().await;
        bench.succeeds(ServerVerb::Install { script: None, wipe: false }).await;
        bench
    }

    async fn change(&self, verb: FileVerb) -> Outcome {
        let (server, time_limit) = (self.spec.server, Millis::secs(60));
        self.world.plane.run(Order::FileAction(Box::new(FileAction { server, verb, time_limit }))).await
    }

    async fn changes(&self, verb: FileVerb) -> FileFacts {
        let outcome = self.change(verb.clone()).await;
        match outcome.facts {
            Facts::File(facts) if outcome.verdict == Verdict::Succeeded => *facts,
            facts => panic!("{verb:?}: {:?} {facts:?}\n{}", outcome.fault, self.world.log()),
        }
    }

    async fn refuses(&self, verb: FileVerb, code: &str) -> Fault {
        let outcome = self.change(verb.clone()).await;
        let fault = outcome.fault.unwrap_or_else(|| panic!("{verb:?} did not fail with {code}"));
        assert_eq!((outcome.verdict, &*fault.code), (Verdict::Failed, code), "{verb:?}: {fault:?}");
        self.is_clean();
        fault
    }

    /// Nothing is left of what was not done, and nobody but the agent could enter where it was made.
    fn is_clean(&self) {
        let staging = self.folder().join("staging");
        let left: Vec<_> = std::fs::read_dir(&staging).into_iter().flatten().flatten().collect();
        assert!(left.is_empty(), "{left:?}");
        if let Ok(facts) = std::fs::metadata(staging) {
            assert_eq!((facts.permissions().mode() & 0o777, facts.uid()), (0o700, nix::unistd::geteuid().as_raw()));
        }
    }

    async fn see(&self, look: FileLook) -> Result<FilesSeen, Fault> {
        let wanted = Box::new(ServerFilesWanted { server: self.spec.server, look });
        match self.world.plane.ask(Query::ServerFiles(wanted)).await {
            Reply::ServerFiles(seen) => Ok(*seen),
            Reply::Fault(fault) => Err(fault),
            other => panic!("{other:?}"),
        }
    }

    async fn list(&self, path: &str, after: Option<String>, rows: u16) -> FolderPage {
        match self.see(FileLook::List { path: path.to_owned(), after, rows }).await {
            Ok(FilesSeen::Listing(page)) => page,
            other => panic!("{other:?}"),
        }
    }

    async fn names(&self, path: &str) -> Vec<String> {
        self.list(path, None, 1000).await.entries.into_iter().map(|entry| entry.name).collect()
    }

    async fn read(&self, path: &str, from: u64) -> Result<FilePiece, Fault> {
        match self.see(FileLook::Read { path: path.to_owned(), from }).await? {
            FilesSeen::Piece(piece) => Ok(piece),
            other => panic!("{other:?}"),
        }
    }

    async fn unseen(&self, path: &str, code: &str) {
        assert_eq!(self.read(path, 0).await.unwrap_err().code, code, "{path}");
    }

    /// Puts a file where the server could have put it.
    fn put(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.files().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.files().join(path)).unwrap()
    }
}

#[tokio::test]
async fn every_verb_does_what_it_says_as_the_servers_user() {
    let mut bench = Bench::new().await;
    bench.succeeds(ServerVerb::Configure).await;
    bench.refuses(write("a", "a", None), "server.not_installed").await;
    bench.succeeds(ServerVerb::Install { script: None, wipe: false }).await;
    let made = bench.changes(FileVerb::Folder { path: "config/deep".to_owned(), parents: true }).await;
    assert_eq!((made.path.as_str(), made.entries), ("config/deep", 1));
    let written = bench.changes(write("config/deep/a.txt", "motd=hello\n", Some(FileState::Absent))).await;
    assert_eq!((written.bytes, bench.text("config/deep/a.txt").as_str()), (11, "motd=hello\n"));
    // It is the server's, as what it makes itself is.
    let (file, folder) = (bench.files().join("config/deep/a.txt"), std::fs::metadata(bench.files()).unwrap());
    assert_eq!(std::fs::metadata(&file).unwrap().uid(), folder.uid());

    // Only on top of what was read.
    let piece = bench.read("config/deep/a.txt", 0).await.unwrap();
    assert_eq!((piece.hash, piece.next), (written.hash, None));
    assert_eq!(piece.content, FileContent::Text("motd=hello\n".to_owned()));
    let before = FileState::Is(piece.hash.unwrap());
    bench.put("config/deep/a.txt", "motd=from the server itself\n");
    bench.refuses(write("config/deep/a.txt", "motd=lost\n", Some(before)), "file.changed").await;
    bench.refuses(write("config/deep/a.txt", "x", Some(FileState::Absent)), "file.changed").await;
    assert_eq!(bench.text("config/deep/a.txt"), "motd=from the server itself\n");
    bench.changes(write("config/deep/a.txt", "motd=whatever\n", None)).await;

    let copied = bench.changes(from_to(copy, "config", "again")).await;
    assert_eq!((copied.entries, bench.text("again/deep/a.txt").as_str()), (3, "motd=whatever\n"));
    bench.refuses(from_to(copy, "config", "again"), "file.exists").await;
    bench.changes(from_to(rename, "again/deep/a.txt", "again/b.txt")).await;
    bench.refuses(from_to(rename, "again/b.txt", "config/deep/a.txt"), "file.exists").await;
    assert_eq!(bench.names("again").await, ["b.txt", "deep"]);
    bench.changes(FileVerb::Mode { path: "again/b.txt".to_owned(), mode: 0o600 }).await;
    let FilesSeen::Entry(entry) = bench.see(FileLook::Stat { path: "again/b.txt".to_owned() }).await.unwrap() else {
        panic!("an entry");
    };
    assert_eq!((entry.kind, entry.mode, entry.bytes), (EntryKind::File, 0o600, 14));
    bench.refuses(FileVerb::Mode { path: "again/b.txt".to_owned(), mode: 0o4755 }, "file.pattern").await;

    for (archive, into) in [("all.zip", "from-zip"), ("all.tar.gz", "from-tar")] {
        let packed = bench.changes(pack(&["config", "again"], archive)).await;
        assert!(packed.entries == 6 && packed.bytes > 0, "{packed:?}");
        bench.changes(FileVerb::Folder { path: into.to_owned(), parents: false }).await;
        let unpacked = bench.changes(unpack(archive, into, false)).await;
        assert_eq!((unpacked.entries, unpacked.bytes), (6, 28), "{archive}");
        assert_eq!(bench.text(&format!("{into}/again/b.txt")), "motd=whatever\n");
        bench.refuses(unpack(archive, into, false), "file.exists").await;
        bench.changes(unpack(archive, into, true)).await;
    }
    bench.refuses(pack(&["config"], "all.rar"), "file.archive_name").await;

    // By name and by content, and what it all takes.
    let look = FileLook::Names { path: String::new(), pattern: "*.txt".to_owned(), most: 3 };
    let FilesSeen::Matches(found) = bench.see(look).await.unwrap() else { panic!("matches") };
    assert_eq!((found.matches.len(), found.stopped), (3, Some(SearchStop::Answers)));
    let text = "WHATEVER".to_owned();
    let look = FileLook::Text { path: "again".to_owned(), text, regex: false, names: None, most: 10 };
    let FilesSeen::Matches(found) = bench.see(look).await.unwrap() else { panic!("matches") };
    assert_eq!((found.matches.len(), found.matches[0].line, &*found.matches[0].path), (1, 1, "again/b.txt"));
    let FilesSeen::Usage(usage) = bench.see(FileLook::Usage).await.unwrap() else { panic!("usage") };
    assert!(usage.exact && usage.entries >= 17 && usage.limit.is_none(), "{usage:?}");

    let gone = bench.changes(delete(&["config", "again", "from-zip", "from-tar"])).await;
    assert_eq!(gone.entries, 20, "{gone:?}");
    assert_eq!(bench.names("").await, ["all.tar.gz", "all.zip"]);
    bench.refuses(delete(&["all.zip", "none"]), "file.not_found").await;
    assert_eq!(bench.names("").await.len(), 2, "all are looked at before one goes");
    bench.refuses(delete(&[""]), "file.root").await;
    bench.is_clean();
}

#[tokio::test]
async fn a_folder_is_listed_and_a_file_read_piece_by_piece() {
    let bench = Bench::empty().await;
    (0..25).for_each(|number| bench.put(&format!("many/{number:02}"), ""));
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = bench.list("many", after, 10).await;
        assert!(page.entries.len() <= 10 && page.total == 25);
        all.extend(page.entries.into_iter().map(|entry| entry.name));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(all, (0..25).map(|number| format!("{number:02}")).collect::<Vec<_>>());

    // Names that are as long as names can be: an answer has what fits, and the next one the rest.
    let long = |number: u32| [&[0xff; 240][..], format!("{number:03}").as_bytes()].concat();
    for number in 0..100 {
        use std::os::unix::ffi::OsStrExt;
        std::fs::create_dir_all(bench.files().join("long")).unwrap();
        let name = long(number);
        std::fs::write(bench.files().join("long").join(std::ffi::OsStr::from_bytes(&name)), "").unwrap();
    }
    let first = bench.list("long", None, 100).await;
    assert!(first.entries.len() < 100 && first.next.is_some(), "{}", first.entries.len());
    let rest = bench.list("long", first.next.clone(), 100).await;
    assert!(rest.entries[0].name > *first.next.as_ref().unwrap());

    let text: String = (0..20_000).map(|number| format!("zeile {number} ü\n")).collect();
    bench.put("large", &text);
    let (mut read, mut from) = (Vec::new(), Some(0));
    while let Some(first) = from {
        let piece = bench.read("large", first).await.unwrap();
        assert!(matches!(piece.content, FileContent::Text(_)) && piece.hash.is_some());
        read.extend(piece.content.bytes().unwrap());
        from = piece.next;
    }
    assert!(read == text.as_bytes());
    let random: Vec<u8> = (0..100_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    bench.put("binary", &random);
    let (mut read, mut from) = (Vec::new(), Some(0));
    while let Some(first) = from {
        let piece = bench.read("binary", first).await.unwrap();
        read.extend(piece.content.bytes().unwrap());
        from = piece.next;
    }
    assert!(read == random);
    let beyond = bench.read("binary", 1 << 60).await.unwrap();
    assert_eq!((beyond.next, beyond.content.bytes().unwrap().len()), (None, 0));
}

#[tokio::test]
async fn a_disk_limit_holds_for_every_verb_and_nothing_half_done_is_seen() {
    let mut bench = Bench::empty().await;
    bench.spec.limits.disk = Some(ByteSize::kib(220));
    bench.succeeds(ServerVerb::Configure).await;
    bench.changes(write("a", &"a".repeat(32 * 1024), None)).await;
    // Each of these would be too much in the middle of it.
    bench.changes(FileVerb::Folder { path: "tree".to_owned(), parents: false }).await;
    for name in ["tree/1", "tree/2", "tree/3"] {
        bench.changes(from_to(copy, "a", name)).await;
    }
    let full = bench.refuses(from_to(copy, "tree", "tree-again"), "file.quota").await;
    assert!(full.message.contains("220.0 KiB") && !full.fix.is_empty(), "{full:?}");
    assert_eq!(bench.names("").await, ["a", "tree"]);
    // A small archive of much.
    bench.changes(pack(&["tree"], "tree.zip")).await;
    bench.changes(FileVerb::Folder { path: "out".to_owned(), parents: false }).await;
    bench.refuses(unpack("tree.zip", "out", false), "file.quota").await;
    assert!(bench.names("out").await.is_empty());
    bench.changes(from_to(copy, "a", "b")).await;
    bench.changes(from_to(copy, "a", "d")).await;
    bench.refuses(write("c", &"c".repeat(32 * 1024), None), "file.quota").await;
    // What is deleted gives its room back.
    bench.changes(delete(&["tree", "b"])).await;
    bench.changes(write("c", &"c".repeat(32 * 1024), None)).await;
    bench.changes(unpack("tree.zip", "out", false)).await;
    assert_eq!(bench.names("out/tree").await, ["1", "2", "3"]);
}

#[tokio::test]
async fn no_link_pipe_or_denied_path_is_a_way_to_anything() {
    let mut bench = Bench::empty().await;
    bench.spec.denied = vec!["/secret.key".to_owned(), "*.denied".to_owned()];
    bench.succeeds(ServerVerb::Configure).await;
    let outside = bench.world.dir.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("file"), "keep").unwrap();
    bench.put("secret.key", "secret");
    bench.put("folder/x.denied", "secret");
    symlink(outside.join("file"), bench.files().join("link")).unwrap();
    symlink(&outside, bench.files().join("out")).unwrap();
    nix::unistd::mkfifo(&bench.files().join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();

    for (path, code) in [
        ("link", "file.link"),
        ("out/file", "file.link"),
        ("pipe", "file.special"),
        ("secret.key", "file.denied"),
        ("folder/x.denied", "file.denied"),
        ("folder", "file.is_a_folder"),
        ("../outside/file", "file.path"),
        ("none", "file.not_found"),
    ] {
        bench.unseen(path, code).await;
    }
    for (verb, code) in [
        (write("out/file", "x", None), "file.link"),
        (write("link", "x", None), "file.link"),
        (write("pipe", "x", None), "file.special"),
        (write("secret.key", "x", None), "file.denied"),
        (write("new.denied", "x", None), "file.denied"),
        (write("a\\x0ab", "x", None), "file.name"),
        (from_to(rename, "secret.key", "open"), "file.denied"),
        (from_to(rename, "folder", "moved"), "file.denied"),
        (from_to(copy, "secret.key", "open"), "file.denied"),
        (from_to(copy, "out/file", "mine"), "file.link"),
        (delete(&["folder"]), "file.denied"),
        (delete(&["out/file"]), "file.link"),
        (FileVerb::Folder { path: "out/new".to_owned(), parents: true }, "file.link"),
        (FileVerb::Mode { path: "link".to_owned(), mode: 0o777 }, "file.link"),
        (pack(&["out/file"], "a.zip"), "file.path"),
        (unpack("link", "", false), "file.link"),
    ] {
        bench.refuses(verb, code).await;
    }
    // A search looks neither through links nor into what is denied; a list shows what is there.
    let look = FileLook::Text { path: String::new(), text: "e".to_owned(), regex: false, names: None, most: 10 };
    let FilesSeen::Matches(found) = bench.see(look).await.unwrap() else { panic!("matches") };
    assert!(found.matches.is_empty(), "{found:?}");
    let listed = bench.list("", None, 100).await;
    let kinds: Vec<_> = listed.entries.iter().map(|entry| (&*entry.name, entry.kind, entry.denied)).collect();
    let expected = [
        ("folder", EntryKind::Folder, false),
        ("link", EntryKind::Link, false),
        ("out", EntryKind::Link, false),
        ("pipe", EntryKind::Fifo, false),
        ("secret.key", EntryKind::File, true),
    ];
    assert_eq!(kinds, expected);
    // The link itself can go, and what it leads to stays.
    bench.changes(delete(&["link", "out", "pipe"])).await;
    assert_eq!(std::fs::read_to_string(outside.join("file")).unwrap(), "keep");
    assert_eq!((bench.text("secret.key").as_str(), bench.text("folder/x.denied").as_str()), ("secret", "secret"));
}

#[tokio::test]
async fn names_that_deceive_can_be_seen_read_renamed_and_deleted() {
    let bench = Bench::empty().await;
    let strange = ["two\nlines", "esc\u{1b}[2J", "rtl\u{202e}gpj.exe", "back\\slash"];
    strange.iter().for_each(|name| bench.put(name, name));
    let names = bench.names("").await;
    assert_eq!(names.len(), 4);
    assert!(names.iter().all(|name| !name.contains(['\n', '\u{1b}', '\u{202e}'])), "{names:?}");
    for name in &names {
        let piece = bench.read(name, 0).await.unwrap();
        assert_eq!(piece.entry.name, *name);
    }
    bench.changes(from_to(rename, &names[0], "plain")).await;
    bench.changes(write(&names[1], "new", None)).await;
    let rest: Vec<&str> = names[1..].iter().map(String::as_str).collect();
    bench.changes(delete(&rest)).await;
    assert_eq!(bench.names("").await, ["plain"]);
}

/// A tar archive with one entry, by hand: no tool packs these.
fn tar(name: &str, kind: u8, link: &str) -> Vec<u8> {
    let mut head = [0_u8; 512];
    head[..name.len()].copy_from_slice(name.as_bytes());
    head[100..107].copy_from_slice(b"0000644");
    head[124..135].copy_from_slice(b"00000000000");
    head[136..147].copy_from_slice(b"00000000000");
    head[156] = kind;
    head[157..157 + link.len()].copy_from_slice(link.as_bytes());
    head[257..265].copy_from_slice(b"ustar\x0000");
    head[148..156].copy_from_slice(b"        ");
    let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
    head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    [&head[..], &[0; 1024][..]].concat()
}

#[tokio::test]
async fn an_archive_that_is_a_trick_is_refused_whole() {
    let bench = Bench::empty().await;
    bench.changes(FileVerb::Folder { path: "to".to_owned(), parents: false }).await;
    for (name, bytes, code) in [
        ("slip.tar", tar("../../slipped", b'0', ""), "archive.outside"),
        ("root.tar", tar("/etc/slipped", b'0', ""), "archive.absolute"),
        ("link.tar", tar("link", b'2', "/etc/passwd"), "archive.link"),
        ("hard.tar", tar("hard", b'1', "other"), "archive.link"),
        ("device.tar", tar("device", b'3', ""), "archive.special"),
        ("text.zip", b"no archive at all".to_vec(), "archive.format"),
    ] {
        bench.put(name, bytes);
        bench.refuses(unpack(name, "to", true), code).await;
        assert!(bench.names("to").await.is_empty(), "{name}");
    }
    assert!(!Path::new("/etc/slipped").exists() && !bench.world.dir.path().join("slipped").exists());
}

#[tokio::test]
async fn a_bomb_is_ended_by_what_it_would_write() {
    let mut bench = Bench::empty().await;
    let folder = bench.world.dir.path().join("bomb");
    std::fs::create_dir(&folder).unwrap();
    std::fs::File::create(folder.join("zeros")).unwrap().set_len(200 << 20).unwrap();
    let made = std::process::Command::new("tar").args(["czf", "bomb.tar.gz", "zeros"]).current_dir(&folder).status();
    assert!(made.unwrap().success());
    bench.put("bomb.tar.gz", std::fs::read(folder.join("bomb.tar.gz")).unwrap());
    bench.refuses(unpack("bomb.tar.gz", "", false), "archive.ratio").await;
    bench.spec.limits.disk = Some(ByteSize::mib(4));
    bench.succeeds(ServerVerb::Configure).await;
    bench.refuses(unpack("bomb.tar.gz", "", false), "file.quota").await;
    assert_eq!(bench.names("").await, ["bomb.tar.gz"]);
}

#[tokio::test]
async fn what_an_earlier_agent_left_is_swept_and_files_can_be_worked_on_while_a_start_waits() {
    let mut bench = Bench::in_mode("late").await;
    let unknown = FileAction {
        server: Rng::system().id(&Clock::system()),
        verb: write("a", "a", None),
        time_limit: Millis::secs(10),
    };
    let refused = bench.world.plane.run(Order::FileAction(Box::new(unknown))).await;
    assert_eq!(refused.fault.unwrap().code, "server.unknown");
    // It is not ready until its console says so.
    let start = bench.send(ServerVerb::Start);
    bench.until(is(ServerState::Starting)).await;
    bench.changes(write("eula.txt", "eula=true\n", None)).await;
    bench.says("ready").await;
    bench.until(is(ServerState::Running)).await;
    drop(bench.world.plane.outcome(start).await);
    bench.succeeds(ServerVerb::Stop).await;

    let left = bench.folder().join("staging/tree-left");
    bench.world.kill().await;
    std::fs::create_dir(&left).unwrap();
    std::fs::write(left.join("file"), "half").unwrap();
    bench.again().await;
    let end = std::time::Instant::now() + LIMIT;
    while left.exists() {
        assert!(std::time::Instant::now() < end, "it is not swept");
        // tidy: sleep because the node tells nobody that it has swept
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(bench.text("eula.txt"), "eula=true\n");
    // A deletion takes all of it along.
    assert_eq!(bench.run(ServerVerb::Delete).await.verdict, Verdict::Succeeded);
    assert!(!bench.folder().exists());
}

#[tokio::test]
async fn an_agent_that_dies_says_what_is_known_of_a_change() {
    let mut bench = Bench::empty().await;
    for (point, verdict, code) in [
        ("agent-after-accept", Verdict::Failed, Some("agent.restarted")),
        ("agent-before-outcome", Verdict::Succeeded, None),
    ] {
        bench.world.kill().await;
        let connections = bench.world.plane.state(|state| state.connections);
        bench.world.start(Some(point)).await;
        bench.world.plane.connected(connections).await;
        let action = FileAction {
            server: bench.spec.server,
            verb: write(point, point, Some(FileState::Absent)),
            time_limit: Millis::secs(60),
        };
        let command = bench.world.plane.order(Order::FileAction(Box::new(action)), Guard::default());
        bench.world.killed(point).await;
        bench.again().await;
        let outcome = bench.world.plane.outcome(command).await;
        assert_eq!((outcome.verdict, outcome.fault.as_ref().map(|fault| &*fault.code)), (verdict, code), "{point}");
        // It is there whole, or not at all.
        assert_eq!(bench.files().join(point).exists(), verdict == Verdict::Succeeded, "{point}");
    }
}
