//! What is no short answer: sockets and events, through nginx and relay, over changes of both.

use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::super::plane::LIMIT;
use super::{Domains, without_tls};

/// Echoes what comes over a socket; tells one event at once, and the next ones when it is asked to.
const APP: &str = "
const listening = new Set();
const server = require('node:http').createServer((q, r) => {
  if (q.url === '/events') {
    r.writeHead(200, { 'content-type': 'text/event-stream' });
    r.write('data: first\\n\\n');
    listening.add(r);
    return;
  }
  if (q.url === '/tell') for (const one of listening) one.write('data: next\\n\\n');
  r.end('told');
});
server.on('upgrade', (q, socket) => {
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: ' + q.headers.upgrade + '\\r\\n\\r\\n');
  socket.on('data', (data) => socket.write(data));
});
server.listen(process.env.PORT, process.env.HOST);
";

struct Stream(TcpStream);

impl Stream {
    async fn open(port: u16, path: &str, more: &str) -> Self {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: shop.example.test\r\n{more}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        Self(stream)
    }

    /// Reads until `text` has come.
    async fn hears(&mut self, text: &str) {
        let read = async {
            let mut heard = String::new();
            while !heard.contains(text) {
                let mut bytes = [0; 1024];
                let count = self.0.read(&mut bytes).await.unwrap();
                assert!(count > 0, "it ended after {heard:?}, before {text:?}");
                heard.push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        };
        tokio::time::timeout(LIMIT, read).await.unwrap_or_else(|_| panic!("{text:?} did not come"));
    }

    async fn says(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }
}

#[tokio::test]
async fn sockets_and_events_pass_at_once_and_outlive_changes_of_nginx() {
    let domains = Domains::running_app(false, APP).await;
    let site = without_tls(domains.site("shop.example.test"));
    domains.served(&domains.provision(&site).await);
    let mut events = Stream::open(domains.http, "/events", "").await;
    // It is there although the answer goes on: nothing waits for a full buffer.
    events.hears("data: first").await;
    let mut socket = Stream::open(domains.http, "/socket", "Connection: Upgrade\r\nUpgrade: websocket\r\n").await;
    socket.hears("101 Switching Protocols").await;
    socket.says("a small frame").await;
    socket.hears("a small frame").await;

    // nginx takes another configuration: what is open stays open, in the worker that had it.
    domains.served(&domains.provision(&without_tls(domains.site("other.example.test"))).await);
    assert!(domains.plain("shop.example.test", "/tell").await.ends_with("told"));
    events.hears("data: next").await;
    socket.says("another").await;
    socket.hears("another").await;
}

#[tokio::test]
async fn what_is_served_already_is_left_in_peace() {
    let mut domains = Domains::running(false).await;
    let mut site = without_tls(domains.site("shop.example.test"));
    domains.served(&domains.provision(&site).await);
    let live = |domains: &Domains| std::fs::read_link(domains.world.state().join("proxy/live")).unwrap();
    let first = live(&domains);
    site.generation = 2;
    assert_eq!(domains.served(&domains.provision(&site).await).generation, 2);
    assert_eq!(live(&domains), first);
    // Neither does a new agent have it taken again; it does when its files are not what they should be.
    domains.world.kill().await;
    domains.world.start(None).await;
    domains.world.plane.connected(1).await;
    site.generation = 3;
    domains.served(&domains.provision(&site).await);
    assert_eq!(live(&domains), first);
    std::fs::remove_file(domains.world.state().join("proxy").join(&first).join("00-shared.conf")).unwrap();
    site.generation = 4;
    domains.served(&domains.provision(&site).await);
    assert_ne!(live(&domains), first);
    assert!(domains.plain("shop.example.test", "/").await.ends_with("one"));
}
