//! The WebSocket, used as a doorbell: it says that something happened, REST says what. So nothing can be missed or
//! shown twice, however often the connection breaks.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{FutureExt, SinkExt, StreamExt};
use reqwest::{Method, StatusCode, Upgraded, header};
use serde_json::{Value, json};
use sf_runtime::Rng;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::Client;

/// Looked at anyway after this long, in case the bell is broken.
const AT_LEAST_EVERY: Duration = Duration::from_secs(2);
/// Looked at this often while there is no socket.
const WITHOUT_SOCKET: Duration = Duration::from_millis(500);
/// A storm of events rings once in this time.
const AT_MOST_EVERY: Duration = Duration::from_millis(150);
/// Time the socket gets to open.
const OPEN_WITHIN: Duration = Duration::from_secs(5);
/// Rings without a socket before another one is tried.
const RINGS_BETWEEN_TRIES: u32 = 4;

/// Rings when one of its topics has news.
#[derive(Debug)]
pub struct Doorbell {
    client: Client,
    topics: Vec<String>,
    socket: Option<WebSocketStream<Upgraded>>,
    silent: u32,
}

impl Doorbell {
    /// A bell for `topics` (`run:<id>`, `logs:app:<id>`).
    pub async fn new(client: &Client, topics: Vec<String>) -> Self {
        let mut bell = Self { client: client.clone(), topics, socket: None, silent: 0 };
        bell.open().await;
        bell
    }

    /// Waits for the next news; answers after a while without news, too.
    pub async fn ring(&mut self) {
        let Some(socket) = &mut self.socket else {
            tokio::time::sleep(WITHOUT_SOCKET).await;
            self.silent += 1;
            if self.silent >= RINGS_BETWEEN_TRIES {
                self.open().await;
            }
            return;
        };
        let news = async {
            loop {
                match socket.next().await {
                    Some(Ok(Message::Text(text))) if is_news(text.as_str()) => return true,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return false,
                    Some(Ok(_)) => {}
                }
            }
        };
        match tokio::time::timeout(AT_LEAST_EVERY, news).await {
            Ok(true) => {
                tokio::time::sleep(AT_MOST_EVERY).await;
                // What came meanwhile is seen by the look that follows. The end of the socket is met by the next ring.
                while let Some(Some(Ok(Message::Text(_) | Message::Ping(_) | Message::Pong(_)))) =
                    socket.next().now_or_never()
                {}
            }
            Ok(false) => self.socket = None,
            Err(_) => {}
        }
    }

    async fn open(&mut self) {
        self.silent = 0;
        let opened = tokio::time::timeout(OPEN_WITHIN, open(&self.client, &self.topics)).await;
        self.socket = opened.ok().flatten();
    }
}

fn is_news(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok_and(|message| message.get("event").is_some())
}

/// Opens a socket and subscribes; `None` when that does not work out, since REST goes on without it.
async fn open(client: &Client, topics: &[String]) -> Option<WebSocketStream<Upgraded>> {
    let key = STANDARD.encode(Rng::system().bytes::<16>());
    // The limit on requests would cut the socket off, so it starts from the bare client.
    let mut request = client.http.request(Method::GET, client.url("/ws", &[]));
    if let Some(token) = &client.token {
        request = request.bearer_auth(token);
    }
    let request = request
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_KEY, &key);
    let response = request.send().await.ok()?;
    let accepted = response.headers().get(header::SEC_WEBSOCKET_ACCEPT)?.to_str().ok()?.to_owned();
    if response.status() != StatusCode::SWITCHING_PROTOCOLS || accepted != derive_accept_key(key.as_bytes()) {
        return None;
    }
    let stream = response.upgrade().await.ok()?;
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
    let subscribe = json!({ "subscribe": { "topics": topics } }).to_string();
    socket.send(Message::text(subscribe)).await.ok()?;
    Some(socket)
}
