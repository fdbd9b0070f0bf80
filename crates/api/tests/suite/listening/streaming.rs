//! Long answers over real sockets: an export of many lines, read to its end, left lying, and left.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sf_api::Patience;
use sf_control::audit::EXPORTS_AT_ONCE;
use sf_store::Scope;
use sf_store::audit::Entry;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::slow::serve;
use crate::world::World;

/// Lines in the chain and characters of each: more than sockets hold. In the full suite as many as a year leaves.
fn size() -> (usize, usize) {
    if sf_runtime::env::var("SF_FULL").is_some() { (100_000, 300) } else { (6_000, 3_000) }
}

/// Lines written at a time.
const AT_A_TIME: usize = 500;
/// What the whole process may grow by while tens of megabytes pass through it.
const MAX_GROWTH: u64 = 16 * 1024 * 1024;
/// How long an answer may lie unread here.
const UNREAD: Duration = Duration::from_millis(700);
/// More than anything here takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Bytes of memory this process has now.
fn memory() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

async fn fill(world: &World) {
    let (tenant, (lines, text)) = (world.tenant().await, size());
    let entry = move |nth: usize| Entry {
        tenant: Some(tenant),
        project: None,
        actor_kind: "system".to_owned(),
        actor_ref: String::new(),
        action: "activity.export".to_owned(),
        target_kind: "activity".to_owned(),
        target_id: format!("{nth:0>text$}"),
        run: None,
        request: None,
        outcome: "succeeded".to_owned(),
        fields: vec![("format", "jsonl".to_owned())],
        personal: Vec::new(),
    };
    for batch in 0..lines / AT_A_TIME {
        world.clock.set(world.control.now().plus(Duration::from_secs(1)));
        let write = world.control.store().write(Scope::System, move |tx| {
            Box::pin(async move {
                (0..AT_A_TIME).for_each(|nth| tx.audit(entry(batch * AT_A_TIME + nth)));
                Ok(())
            })
        });
        write.await.unwrap();
    }
}

/// Asks for an export; answers when its head has come.
async fn begin(address: SocketAddr, world: &World, format: &str) -> (TcpStream, String) {
    let socket = TcpSocket::new_v4().unwrap();
    // What is not read waits at the server's end.
    socket.set_recv_buffer_size(64 * 1024).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let request = format!(
        "GET /api/v1/activity/export?format={format} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\r\n",
        world.token
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = tokio::time::timeout(PATIENCE, stream.read_u8()).await.expect("a head in time");
        head.push(byte.unwrap());
    }
    (stream, String::from_utf8(head).unwrap())
}

/// Reads a chunked answer as fast as it comes, keeping nothing. Answers bytes, lines, whether it came to its end, and
/// by how much this process grew at the most.
async fn drain(stream: &mut TcpStream) -> (usize, usize, bool, u64) {
    let (mut bytes, mut lines, mut whole, mut last) = (0, 0, false, Vec::new());
    let (before, mut most) = (memory(), 0);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut buffer)).await.expect("something in time");
        let Ok(read @ 1..) = read else { break };
        bytes += read;
        lines += buffer[..read].windows(2).filter(|pair| matches!(*pair, b"}\n" | b"\"\r")).count();
        last.extend_from_slice(&buffer[..read]);
        last.drain(..last.len().saturating_sub(7));
        most = most.max(memory().saturating_sub(before));
        whole = last.ends_with(b"\r\n0\r\n\r\n");
        if whole {
            break;
        }
    }
    (bytes, lines, whole, most)
}

/// Takes every place there is for an export; answers their connections.
async fn take_all(address: SocketAddr, world: &World) -> Vec<TcpStream> {
    let mut taken = Vec::new();
    loop {
        let (stream, head) = begin(address, world, ["jsonl", "csv"][taken.len() % 2]).await;
        if head.starts_with("HTTP/1.1 429") {
            return taken;
        }
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        taken.push(stream);
        assert!(taken.len() < 100, "exports have a limit");
    }
}

/// Waits until all places are free, and takes them; answers after what time, too.
async fn take_all_of(address: SocketAddr, world: &World) -> (Vec<TcpStream>, Duration) {
    let began = Instant::now();
    loop {
        let taken = take_all(address, world).await;
        if taken.len() == EXPORTS_AT_ONCE {
            return (taken, began.elapsed());
        }
        assert!(began.elapsed() < PATIENCE, "places come back");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_streams_in_bounded_memory_and_lets_go_of_who_does_not_read() {
    let world = World::new().await;
    fill(&world).await;
    let address = serve(&world, Patience { unread: UNREAD, ..Patience::DEFAULT }).await;

    for (format, kind) in [("jsonl", "application/x-ndjson"), ("csv", "text/csv")] {
        let (mut stream, head) = begin(address, &world, format).await;
        assert!(head.starts_with("HTTP/1.1 200") && head.contains("transfer-encoding: chunked"), "{head}");
        assert!(head.contains(kind) && head.contains("attachment; filename="), "{head}");
        let (bytes, lines, whole, growth) = drain(&mut stream).await;
        assert!(
            whole && lines >= size().0 && bytes > lines * size().1,
            "{format}: {lines} lines, {bytes} bytes, {whole}"
        );
        assert!(growth < MAX_GROWTH, "{format}: {bytes} bytes made it grow by {growth}");
    }

    // Who goes away gives the place back at once.
    let before = memory();
    drop(take_all_of(address, &world).await);
    let (taken, after) = take_all_of(address, &world).await;
    assert!(after < Patience::DEFAULT.unread / 2, "{after:?}");

    // Who stops reading holds a place and little memory, and is cut after a while: what came is no whole file.
    let (others, after) = take_all_of(address, &world).await;
    assert!(after > UNREAD / 2 && after < Patience::DEFAULT.unread / 2, "{after:?}");
    drop(others);
    assert!(memory().saturating_sub(before) < MAX_GROWTH, "{} bytes more", memory().saturating_sub(before));
    for mut stream in taken {
        let (bytes, _, whole, _) = drain(&mut stream).await;
        assert!(!whole && bytes > 0, "{bytes} bytes after the cut");
    }
    world.tasks.stop(Duration::from_secs(5)).await;
}
