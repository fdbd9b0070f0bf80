//! Clients that hold a connection by doing nothing, over real sockets: each is let go after its time.

use std::time::{Duration, Instant};

use sf_api::{Patience, Serving};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::world::World;

/// The time each of them gets here.
const SHORT: Duration = Duration::from_millis(300);
/// More than that takes on a slow machine, and less than the defaults.
const SOON: Duration = Duration::from_secs(8);

/// Serves with short times; answers where.
pub async fn serve(world: &World, patience: Patience) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = Serving { patience, ..Serving::with(None) };
    let served = sf_api::serve(listener, world.router.clone(), serving, world.tasks.shutdown());
    world.tasks.spawn("api", sf_runtime::OnError::Stop, served);
    address
}

/// Everything the server says until it ends the connection.
async fn until_the_end(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    let read = tokio::time::timeout(SOON, stream.read_to_end(&mut said)).await;
    // A connection that is cut while we write may say so as an error.
    drop(read.expect("the connection ends"));
    String::from_utf8_lossy(&said).into_owned()
}

/// Sends one byte after the other, each before the server would have lost patience with silence.
async fn drip(stream: &mut TcpStream, bytes: &[u8]) {
    for byte in bytes {
        if stream.write_all(&[*byte]).await.is_err() {
            return;
        }
        // tidy: sleep because slowness is what is tested
        tokio::time::sleep(SHORT / 10).await;
    }
}

#[tokio::test]
async fn a_head_that_comes_too_slowly_ends_its_connection() {
    let world = World::new().await;
    let address = serve(&world, Patience { head: SHORT, ..Patience::DEFAULT }).await;
    // Nothing at all; half a head; a head in drops; nothing after a whole request.
    for (begin, drops) in [
        ("", false),
        ("GET /api/v1/health HTTP/1.1\r\nhost: loc", false),
        ("GET /api/v1/health HTTP/1.1\r\nhost: localhost\r\nx-slow: ", true),
        ("GET /api/v1/health HTTP/1.1\r\nhost: localhost\r\n\r\n", false),
    ] {
        let began = Instant::now();
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(begin.as_bytes()).await.unwrap();
        if drops {
            drip(&mut stream, &[b'a'; 200]).await;
        }
        let said = until_the_end(&mut stream).await;
        assert!(began.elapsed() < SOON, "{begin:?}");
        let whole = begin.ends_with("\r\n\r\n");
        assert_eq!(said.starts_with("HTTP/1.1 200"), whole, "{begin:?}: {said}");
    }
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_answered_and_its_connection_ends() {
    let world = World::with(|options| options.request_within = SHORT).await;
    let address = serve(&world, Patience::DEFAULT).await;
    let token = &world.token;
    for (path, drops) in [("auth/login", false), ("auth/login", true), ("roles", true)] {
        let began = Instant::now();
        let mut stream = TcpStream::connect(address).await.unwrap();
        // A write with a key is read as a whole before anything else.
        let head = format!(
            "POST /api/v1/{path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
             idempotency-key: slow\r\ncontent-type: application/json\r\ncontent-length: 200\r\n\r\n{{"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        if drops {
            drip(&mut stream, &[b' '; 60]).await;
        }
        let said = until_the_end(&mut stream).await;
        assert!(began.elapsed() < SOON);
        assert!(said.starts_with("HTTP/1.1 504") && said.contains("request.timeout"), "{path}: {said}");
        assert_eq!(said.matches("HTTP/1.1").count(), 1, "{said}");
    }
    // The key was not used up by it.
    let again = world.raw(crate::world::request(
        http::Method::POST,
        "/api/v1/roles",
        Some(token),
        Some(serde_json::json!({ "name": "crew", "permissions": ["app:view"] })),
        &[("idempotency-key", "slow")],
    ));
    again.await.expect(201);
}

#[tokio::test]
async fn a_handshake_that_does_not_come_ends_its_connection() {
    let world = World::with(|options| options.https = true).await;
    let (tls, _) = super::certified();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = Serving { patience: Patience { tls: SHORT, ..Patience::DEFAULT }, ..Serving::with(Some(tls)) };
    let served = sf_api::serve(listener, world.router.clone(), serving, world.tasks.shutdown());
    world.tasks.spawn("api", sf_runtime::OnError::Stop, served);
    // Nothing, and the beginning of a record.
    for begin in [&b""[..], &[22, 3, 1, 2, 0]] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(begin).await.unwrap();
        assert_eq!(until_the_end(&mut stream).await, "");
    }
}
