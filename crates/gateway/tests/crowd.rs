//! Many connections of one address, and everybody else.

#![expect(clippy::unwrap_used, reason = "a test says by panicking")]

use std::net::{IpAddr, SocketAddr};

use sf_control::Control;
use sf_gateway::{Gateway, Options};
use sf_identity::password::Cost;
use sf_runtime::{Clock, Rng, Tasks};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// The connection and whether it was upgraded to a WebSocket: one that is refused is closed before.
async fn dial(address: SocketAddr, from: [u8; 4]) -> (TcpStream, bool) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((IpAddr::from(from), 0).into()).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let upgrade = "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                   sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    // It may be closed before it has read this.
    drop(stream.write_all(upgrade.as_bytes()).await);
    let mut first = [0; 12];
    let upgraded = stream.read_exact(&mut first).await.is_ok_and(|_| &first == b"HTTP/1.1 101");
    (stream, upgraded)
}

#[tokio::test]
async fn one_address_cannot_keep_the_others_out() {
    let folder = tempfile::tempdir().unwrap();
    let tasks = Tasks::new();
    let mut options = sf_control::Options::in_folder(folder.path().to_owned());
    options.password_cost = Cost::for_tests();
    let control = Control::start(options, Clock::system(), Rng::system(), &tasks).await.unwrap();
    let options = Options::new(([127, 0, 0, 1], 0).into(), vec!["localhost".to_owned()], None);
    let gateway = Gateway::bind(Options { unproven_per_address: 2, ..options }, control).await.unwrap();
    let address = gateway.address();
    gateway.start(&tasks);
    // They have not proven who they are, and say nothing more.
    let (first, one) = dial(address, [127, 0, 0, 1]).await;
    let (_second, two) = dial(address, [127, 0, 0, 1]).await;
    let (_third, three) = dial(address, [127, 0, 0, 1]).await;
    assert_eq!((one, two, three), (true, true, false));
    let (_other, other) = dial(address, [127, 0, 0, 2]).await;
    assert!(other, "another address has places of its own");
    drop(first);
    let mut again = false;
    for _ in 0..1_000 {
        again = dial(address, [127, 0, 0, 1]).await.1;
        if again {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(again, "a closed connection gives its place back");
    assert!(tasks.stop(std::time::Duration::from_secs(10)).await);
}
