//! Bytes of files over second connections of a real node: whole, cut off, gone on with, refused, stalled, in constant memory.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use bytes::Bytes;
use sf_protocol::handshake::Nonce;
use sf_protocol::server::{
    FileAction, FileFacts, FileLook, FileVerb, FilesSeen, PIECE_BYTES, ServerFilesWanted, Transfer, TransferBegun,
    TransferWanted, Upload,
};
use sf_types::{ByteSize, ContentHash, Fault, RunId, ServerId};
use sha2::{Digest, Sha256};

use super::second::Second;
use super::*;

/// Bytes that look like no others.
fn pattern(from: u64, bytes: usize) -> Bytes {
    (from..from + bytes as u64).map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

fn hash(bytes: &[u8]) -> ContentHash {
    ContentHash::from_bytes(Sha256::digest(bytes).into())
}

impl Bench {
    async fn ready() -> Self {
        let mut bench = Self::new().await;
        bench.succeeds(ServerVerb::Install { script: None, wipe: false }).await;
        bench
    }

    async fn file(&self, verb: FileVerb) -> (CommandId, Result<FileFacts, Fault>) {
        let (server, time_limit) = (self.spec.server, Millis::secs(60));
        let order = Order::FileAction(Box::new(FileAction { server, verb, time_limit }));
        let id = self.world.plane.order(order, Guard::default());
        let outcome = self.world.plane.outcome(id).await;
        let done = match (outcome.facts, outcome.fault) {
            (Facts::File(facts), None) => Ok(*facts),
            (_, fault) => Err(fault.unwrap_or_else(|| panic!("{:?}\n{}", outcome.verdict, self.world.log()))),
        };
        (id, done)
    }

    async fn begin(&self, path: &str, bytes: u64, replace: bool) -> Result<RunId, Fault> {
        let (id, done) = self.file(FileVerb::Upload { path: path.to_owned(), bytes, replace, mode: None }).await;
        done.map(|_| self.world.plane.run_of(id))
    }

    async fn finish(&self, upload: RunId, hash: Option<ContentHash>) -> Result<FileFacts, Fault> {
        self.file(FileVerb::Finish { upload, hash, before: None }).await.1
    }

    async fn begun(&self) -> Vec<Upload> {
        let wanted = Box::new(ServerFilesWanted { server: self.spec.server, look: FileLook::Uploads });
        match self.world.plane.ask(Query::ServerFiles(wanted)).await {
            Reply::ServerFiles(seen) => match *seen {
                FilesSeen::Uploads(uploads) => uploads,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    async fn have(&self, upload: RunId) -> u64 {
        self.begun().await.into_iter().find(|one| one.upload == upload).expect("it is there").have
    }

    async fn moves(&self, server: ServerId, transfer: Transfer) -> (Nonce, Result<TransferBegun, Fault>) {
        let ticket = Nonce::from_bytes(Rng::system().bytes());
        let wanted = TransferWanted { server, ticket, transfer };
        match self.world.plane.ask(Query::Transfer(Box::new(wanted))).await {
            Reply::Transfer(begun) => (ticket, Ok(begun)),
            Reply::Fault(fault) => (ticket, Err(fault)),
            other => panic!("{other:?}"),
        }
    }

    /// The connection on which more of an upload is taken.
    async fn more(&self, upload: RunId, from: u64, bytes: u64) -> Second {
        let (ticket, begun) = self.moves(self.spec.server, Transfer::Upload { upload, from, bytes }).await;
        assert_eq!(begun, Ok(TransferBegun::Upload { have: from }), "{}", self.world.log());
        self.world.plane.second(ticket).await
    }

    /// Sends bytes from there on; answers what is there then, or why not all were taken.
    async fn sends(&self, upload: RunId, from: u64, bytes: Bytes) -> Result<u64, Fault> {
        let mut second = self.more(upload, from, bytes.len() as u64).await;
        for piece in bytes.chunks(PIECE_BYTES) {
            if second.put(piece.to_vec()).await.is_err() {
                break;
            }
        }
        let _ = second.put(Bytes::new()).await;
        let end = second.end().await;
        end.fault.map_or(Ok(end.have), Err)
    }

    async fn open(&self, path: &str, from: u64, bytes: u64) -> (u64, Second) {
        let transfer = Transfer::File { path: path.to_owned(), from, bytes };
        let (ticket, begun) = self.moves(self.spec.server, transfer).await;
        match begun {
            Ok(TransferBegun::File { bytes, .. }) => (bytes, self.world.plane.second(ticket).await),
            other => panic!("{other:?}"),
        }
    }

    async fn unopened(&self, transfer: Transfer, code: &str) {
        let (_, begun) = self.moves(self.spec.server, transfer.clone()).await;
        assert_eq!(begun.unwrap_err().code, code, "{transfer:?}");
    }

    fn rss(&self) -> u64 {
        let pid = self.world.daemon.as_ref().unwrap().id().unwrap();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    fn clean(&self) {
        let left: Vec<_> = std::fs::read_dir(self.folder().join("staging")).into_iter().flatten().flatten().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// All that comes, and whether its end was said.
async fn all(second: &mut Second) -> (Vec<u8>, bool) {
    let mut all = Vec::new();
    while let Some(bytes) = second.bytes().await {
        if bytes.is_empty() {
            return (all, true);
        }
        all.extend_from_slice(&bytes);
    }
    (all, false)
}

#[tokio::test]
async fn an_upload_comes_piece_by_piece_and_is_seen_when_it_is_finished() {
    let bench = Bench::ready().await;
    let whole = pattern(0, 700_000);
    let upload = bench.begin("a.bin", 700_000, false).await.unwrap();
    assert_eq!(bench.sends(upload, 0, whole.slice(..300_000)).await.unwrap(), 300_000);
    // The answer was lost, and the piece comes again: nothing is dialled.
    let again = Transfer::Upload { upload, from: 0, bytes: 300_000 };
    assert_eq!(bench.moves(bench.spec.server, again).await.1, Ok(TransferBegun::Upload { have: 300_000 }));
    assert_eq!(bench.finish(upload, None).await.unwrap_err().code, "file.digest");
    assert_eq!(bench.sends(upload, 300_000, whole.slice(300_000..)).await.unwrap(), 700_000);
    assert!(!bench.files().join("a.bin").exists());
    assert_eq!(bench.finish(upload, Some(hash(b"other"))).await.unwrap_err().code, "file.digest");
    let facts = bench.finish(upload, Some(hash(&whole))).await.unwrap();
    assert_eq!((facts.path.as_str(), facts.bytes, facts.hash), ("a.bin", 700_000, Some(hash(&whole))));
    assert_eq!(std::fs::read(bench.files().join("a.bin")).unwrap(), whole);
    let (seen, folder) =
        (std::fs::metadata(bench.files().join("a.bin")).unwrap(), std::fs::metadata(bench.files()).unwrap());
    assert_eq!((seen.uid(), seen.permissions().mode() & 0o777), (folder.uid(), 0o644));
    assert_eq!(bench.finish(upload, None).await.unwrap_err().code, "file.no_upload");
    assert!(bench.begun().await.is_empty());
    // Not over what is there, unless that was said; an empty file needs no connection.
    assert_eq!(bench.begin("a.bin", 1, false).await.unwrap_err().code, "file.exists");
    let empty = bench.begin("a.bin", 0, true).await.unwrap();
    bench.finish(empty, Some(hash(b""))).await.unwrap();
    assert_eq!(std::fs::read(bench.files().join("a.bin")).unwrap(), b"");
    // Given up, it leaves nothing.
    let given_up = bench.begin("b", 10, false).await.unwrap();
    bench.sends(given_up, 0, pattern(0, 5)).await.unwrap();
    bench.file(FileVerb::Abort { upload: given_up }).await.1.unwrap();
    bench.file(FileVerb::Abort { upload: given_up }).await.1.unwrap();
    bench.clean();
}

#[tokio::test]
async fn what_was_cut_off_is_kept_and_gone_on_with_after_a_kill() {
    let mut bench = Bench::ready().await;
    let whole = pattern(0, 1_000_000);
    let upload = bench.begin("a", 1_000_000, false).await.unwrap();
    // The other side is cut off in the middle.
    let mut second = bench.more(upload, 0, 1_000_000).await;
    for piece in whole.slice(..320_000).chunks(PIECE_BYTES) {
        second.put(piece.to_vec()).await.unwrap();
    }
    drop(second);
    let mut have = 0;
    while have < 320_000 {
        have = bench.have(upload).await;
    }
    assert_eq!(have, 320_000);
    // The node is killed in the middle.
    let mut second = bench.more(upload, have, 680_000).await;
    second.put(whole.slice(320_000..380_000)).await.unwrap();
    bench.world.kill().await;
    bench.again().await;
    let have = bench.have(upload).await;
    assert!((320_000..=380_000).contains(&have), "{have}");
    // Its first connection is cut: the second one goes on.
    let mut second = bench.more(upload, have, 1_000_000 - have).await;
    let connections = bench.world.plane.state(|state| state.connections);
    bench.world.plane.cut();
    let rest = whole.slice(usize::try_from(have).unwrap()..);
    for piece in rest.chunks(PIECE_BYTES) {
        second.put(piece.to_vec()).await.unwrap();
    }
    second.put(Bytes::new()).await.unwrap();
    assert_eq!(second.end().await, sf_protocol::server::TransferEnd { have: 1_000_000, fault: None });
    bench.world.plane.connected(connections).await;
    bench.finish(upload, Some(hash(&whole))).await.unwrap();
    assert_eq!(std::fs::read(bench.files().join("a")).unwrap(), whole);
}

#[tokio::test]
async fn what_is_not_what_was_announced_is_refused() {
    let mut bench = Bench::ready().await;
    bench.spec.denied = vec!["*.key".to_owned()];
    bench.succeeds(ServerVerb::Configure).await;
    bench.refuses_upload("secret.key", "file.denied").await;
    bench.refuses_upload("a\\x0ab", "file.name").await;
    bench.refuses_upload("rtl\u{202e}gpj.exe", "file.name").await;
    bench.refuses_upload("none/a", "file.not_found").await;
    bench.refuses_upload("../a", "file.path").await;
    let upload = bench.begin("a", 100, false).await.unwrap();
    // Beyond its end, of another server, of none.
    bench.unopened(Transfer::Upload { upload, from: 0, bytes: 101 }, "file.too_much").await;
    let unknown = Rng::system().id(&Clock::system());
    bench.unopened(Transfer::Upload { upload: unknown, from: 0, bytes: 1 }, "file.no_upload").await;
    let other = spec();
    let order = ServerAction { spec: other.clone(), verb: ServerVerb::Configure, time_limit: Millis::secs(60) };
    bench.world.plane.run(Order::ServerAction(Box::new(order))).await;
    let (_, stolen) = bench.moves(other.server, Transfer::Upload { upload, from: 0, bytes: 1 }).await;
    assert_eq!(stolen.unwrap_err().code, "file.no_upload");
    // More than was said to come.
    let mut second = bench.more(upload, 0, 10).await;
    second.put(pattern(0, 10)).await.unwrap();
    second.put(pattern(10, 1)).await.unwrap();
    assert_eq!(second.end().await.fault.unwrap().code, "file.too_much");
    // Two at once: the newer one goes on, the older one is told.
    let have = bench.have(upload).await;
    let mut older = bench.more(upload, have, 20).await;
    let mut newer = bench.more(upload, have, 20).await;
    assert_eq!(older.end().await.fault.unwrap().code, "file.offset");
    newer.put(pattern(have, 20)).await.unwrap();
    newer.put(Bytes::new()).await.unwrap();
    assert_eq!(newer.end().await.have, have + 20);
    // Only so many at a time.
    for number in 1..FileVerb::UPLOADS_MAX {
        bench.begin(&format!("f{number}"), 1, false).await.unwrap();
    }
    assert_eq!(bench.begin("one-more", 1, false).await.unwrap_err().code, "file.uploads");
    assert_eq!(bench.begun().await.len(), FileVerb::UPLOADS_MAX);
}

impl Bench {
    async fn refuses_upload(&self, path: &str, code: &str) {
        assert_eq!(self.begin(path, 1, true).await.unwrap_err().code, code, "{path}");
        self.clean();
    }
}

#[tokio::test]
async fn a_full_server_takes_no_more_and_keeps_what_came() {
    let mut bench = Bench::ready().await;
    bench.spec.limits.disk = Some(ByteSize::mib(2));
    bench.succeeds(ServerVerb::Configure).await;
    assert_eq!(bench.begin("a", 3 << 20, false).await.unwrap_err().code, "file.quota");
    bench.clean();
    let upload = bench.begin("a", (2 << 20) - 64 * 1024, false).await.unwrap();
    bench.sends(upload, 0, pattern(0, 1 << 20)).await.unwrap();
    // Something else takes the room meanwhile, over the same meter.
    let text = sf_protocol::server::FileContent::Text("x".repeat(32 * 1024));
    for number in 0..20 {
        let path = format!("w{number}");
        bench.file(FileVerb::Write { path, content: text.clone(), before: None }).await.1.unwrap();
    }
    let rest = (1 << 20) - 64 * 1024;
    let full = bench.sends(upload, 1 << 20, pattern(1 << 20, rest)).await.unwrap_err();
    assert_eq!(full.code, "file.quota");
    let have = bench.have(upload).await;
    assert!((1 << 20..2 << 20).contains(&have) && have % 4096 == 0, "{have}");
    let paths = (0..20).map(|number| format!("w{number}")).collect();
    bench.file(FileVerb::Delete { paths }).await.1.unwrap();
    let whole = pattern(0, (2 << 20) - 64 * 1024);
    bench.sends(upload, have, whole.slice(usize::try_from(have).unwrap()..)).await.unwrap();
    bench.finish(upload, Some(hash(&whole))).await.unwrap();
}

#[tokio::test]
async fn a_folder_that_became_a_link_leads_no_upload_out() {
    let bench = Bench::ready().await;
    let outside = bench.world.dir.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("a"), "keep").unwrap();
    let folder = bench.files().join("folder");
    std::fs::create_dir(&folder).unwrap();
    let upload = bench.begin("folder/a", 4, true).await.unwrap();
    bench.sends(upload, 0, Bytes::from_static(b"evil")).await.unwrap();
    std::fs::rename(&folder, bench.files().join("moved")).unwrap();
    symlink(&outside, &folder).unwrap();
    assert_eq!(bench.finish(upload, None).await.unwrap_err().code, "file.link");
    assert_eq!(std::fs::read_to_string(outside.join("a")).unwrap(), "keep");
    // Its place became a link, a fifo, a folder.
    std::fs::remove_file(&folder).unwrap();
    std::fs::create_dir(&folder).unwrap();
    symlink(outside.join("a"), folder.join("a")).unwrap();
    assert_eq!(bench.finish(upload, None).await.unwrap_err().code, "file.link");
    std::fs::remove_file(folder.join("a")).unwrap();
    nix::unistd::mkfifo(&folder.join("a"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert_eq!(bench.finish(upload, None).await.unwrap_err().code, "file.special");
    std::fs::remove_file(folder.join("a")).unwrap();
    bench.finish(upload, None).await.unwrap();
    assert_eq!(std::fs::read_to_string(folder.join("a")).unwrap(), "evil");
    assert_eq!(std::fs::read_to_string(outside.join("a")).unwrap(), "keep");
}

#[tokio::test]
async fn a_download_is_exactly_what_was_asked_for_and_nothing_that_leads_out() {
    let mut bench = Bench::ready().await;
    let whole = pattern(0, 500_000);
    std::fs::write(bench.files().join("a"), &whole).unwrap();
    std::fs::write(bench.files().join("two\nlines"), "strange").unwrap();
    for (from, bytes, expected) in
        [(0, u64::MAX, 500_000), (100_000, 50, 50), (499_999, 10, 1), (500_000, 10, 0), (u64::MAX, 1, 0)]
    {
        let (said, mut second) = bench.open("a", from, bytes).await;
        let (came, ended) = all(&mut second).await;
        let at = usize::try_from(from.min(500_000)).unwrap();
        assert!(ended && said == expected && came == whole[at..at + usize::try_from(expected).unwrap()], "{from}");
    }
    assert_eq!(all(&mut bench.open("two\\x0alines", 0, 99).await.1).await.0, b"strange");
    symlink("/etc/passwd", bench.files().join("link")).unwrap();
    nix::unistd::mkfifo(&bench.files().join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    bench.spec.denied = vec!["*.key".to_owned()];
    bench.succeeds(ServerVerb::Configure).await;
    std::fs::write(bench.files().join("secret.key"), "secret").unwrap();
    let file = |path: &str| Transfer::File { path: path.to_owned(), from: 0, bytes: 1 };
    for (path, code) in [
        ("none", "file.not_found"),
        ("link", "file.link"),
        ("pipe", "file.special"),
        ("secret.key", "file.denied"),
        ("", "file.is_a_folder"),
        ("../a", "file.path"),
    ] {
        bench.unopened(file(path), code).await;
    }
    bench.unopened(Transfer::Folder { path: "a".to_owned() }, "file.not_a_folder").await;
    bench.unopened(Transfer::Folder { path: "link".to_owned() }, "file.not_a_folder").await;

    // A folder as an archive, without what is denied, in one piece.
    let (ticket, begun) = bench.moves(bench.spec.server, Transfer::Folder { path: String::new() }).await;
    assert_eq!(begun, Ok(TransferBegun::Folder));
    let (archive, ended) = all(&mut bench.world.plane.second(ticket).await).await;
    assert!(ended);
    let (to, packed) = (bench.world.dir.path().join("unpacked"), bench.world.dir.path().join("all.tar.gz"));
    std::fs::create_dir(&to).unwrap();
    std::fs::write(&packed, archive).unwrap();
    let done = std::process::Command::new("tar").arg("xzf").arg(&packed).arg("-C").arg(&to).status().unwrap();
    assert!(done.success());
    let mut names: Vec<_> = std::fs::read_dir(&to).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["a", "two\nlines"]);
    assert_eq!(std::fs::read(to.join("a")).unwrap(), whole);

    // One that becomes shorter meanwhile is not said to be whole; one that is deleted is read to its end.
    let long = bench.files().join("long");
    std::fs::write(&long, vec![7; 30 << 20]).unwrap();
    let (_, mut second) = bench.open("long", 0, u64::MAX).await;
    assert!(second.bytes().await.is_some());
    std::fs::File::options().write(true).open(&long).unwrap().set_len(1).unwrap();
    assert!(!all(&mut second).await.1);
}

#[tokio::test]
async fn whoever_reads_slowly_holds_nobody_up_and_a_deletion_ends_it() {
    let mut bench = Bench::ready().await;
    std::fs::File::create(bench.files().join("long")).unwrap().set_len(64 << 20).unwrap();
    // As many as there may be, none of which is read.
    let mut slow = Vec::new();
    for _ in 0..sf_agent::daemon::servers::TRANSFERS_OF_A_SERVER {
        slow.push(bench.open("long", 0, u64::MAX).await.1);
    }
    let file = Transfer::File { path: "long".to_owned(), from: 0, bytes: 1 };
    bench.unopened(file, "file.transfers").await;
    let write = |path: &str| {
        let content = sf_protocol::server::FileContent::Text("x".to_owned());
        FileVerb::Write { path: path.to_owned(), content, before: None }
    };
    let began = std::time::Instant::now();
    bench.file(write("a")).await.1.unwrap();
    assert!(began.elapsed() < std::time::Duration::from_secs(10), "{:?}", began.elapsed());
    // One that leaves makes room.
    let mut left = slow.pop().unwrap();
    assert!(left.bytes().await.is_some());
    drop(left);
    let file = Transfer::File { path: "a".to_owned(), from: 0, bytes: 1 };
    let room = async { while bench.moves(bench.spec.server, file.clone()).await.1.is_err() {} };
    tokio::time::timeout(LIMIT, room).await.unwrap();
    assert_eq!(bench.run(ServerVerb::Delete).await.verdict, Verdict::Succeeded);
    assert!(!bench.folder().exists());
    for second in &mut slow {
        assert!(!all(second).await.1, "it was deleted");
    }
}

#[tokio::test]
async fn three_hundred_megabytes_go_through_in_constant_memory() {
    const BYTES: usize = 300 << 20;
    /// What a node may grow by, whatever is moved.
    const GROWTH: u64 = 24 << 20;
    let bench = Bench::ready().await;
    let upload = bench.begin("large", BYTES as u64, false).await.unwrap();
    // Once through before it is measured: what is made once is made.
    let piece = pattern(0, 16 << 20);
    let mut have = bench.sends(upload, 0, piece.clone()).await.unwrap();
    let before = bench.rss();
    let mut most = before;
    while have < BYTES as u64 {
        let left = usize::try_from(BYTES as u64 - have).unwrap().min(piece.len());
        have = bench.sends(upload, have, piece.slice(..left)).await.unwrap();
        most = most.max(bench.rss());
    }
    bench.finish(upload, None).await.unwrap();
    most = most.max(bench.rss());
    let (said, mut second) = bench.open("large", 0, u64::MAX).await;
    let (mut came, mut nth) = (0_u64, 0);
    loop {
        let bytes = second.bytes().await.expect("it goes on");
        if bytes.is_empty() {
            break;
        }
        came += bytes.len() as u64;
        nth += 1;
        if nth % 256 == 0 {
            most = most.max(bench.rss());
        }
    }
    assert_eq!((said, came), (BYTES as u64, BYTES as u64));
    assert!(most - before < GROWTH, "grew by {}", ByteSize(most - before));
}

#[tokio::test]
async fn an_upload_that_nobody_goes_on_with_is_given_up() {
    let mut bench = Bench::ready().await;
    let old = bench.begin("old", 10, false).await.unwrap();
    let new = bench.begin("new", 10, false).await.unwrap();
    let stray = bench.folder().join("staging/upload-0198-stray");
    bench.world.kill().await;
    std::fs::write(&stray, "x").unwrap();
    let part = bench.folder().join(format!("staging/upload-{old}"));
    std::fs::File::options().write(true).open(&part).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    bench.again().await;
    let gone = async { while stray.exists() || bench.begun().await.len() > 1 {} };
    tokio::time::timeout(LIMIT, gone).await.unwrap();
    assert_eq!(bench.begun().await[0].upload, new);
    assert_eq!(bench.finish(old, None).await.unwrap_err().code, "file.no_upload");
}
