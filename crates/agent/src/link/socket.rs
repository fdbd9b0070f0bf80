//! One WebSocket to the control plane: dialled step by step, so that a failure has its name.

use std::io;
use std::sync::PoisonError;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::ServerName;
use sf_protocol::frame::{Frame, MAX_FRAME_BYTES};
use sf_protocol::handshake::Channel;
use sf_types::Millis;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

use super::address::ControlUrl;
use super::error::LinkError;
use super::tls::{self, Seen, Trust};

/// Name resolution may take this long.
pub const DNS_LIMIT: Millis = Millis::secs(10);
/// One TCP connection attempt may take this long.
pub const TCP_LIMIT: Millis = Millis::secs(10);
/// TLS may take this long, and the WebSocket upgrade.
pub const TLS_LIMIT: Millis = Millis::secs(15);
/// The control plane has this long to answer each message of a handshake.
pub const ANSWER_LIMIT: Millis = Millis::secs(15);
/// A frame that cannot be written for this long means the connection is dead.
pub const WRITE_LIMIT: Millis = Millis::secs(20);
/// Bytes read at a time.
const READ_BUFFER_BYTES: usize = 4 * 1024;

type Ws = WebSocketStream<TlsStream<TcpStream>>;

/// An open WebSocket.
#[derive(Debug)]
pub struct Socket {
    ws: Ws,
    channel: Channel,
    seen: Seen,
}

/// What was heard.
#[derive(Debug)]
pub enum Heard {
    /// A text.
    Text(String),
    /// A sign of life without content.
    Life,
}

/// The writing half.
#[derive(Debug)]
pub struct Writer(SplitSink<Ws, Message>);

/// The reading half.
#[derive(Debug)]
pub struct Reader(SplitStream<Ws>);

impl Socket {
    /// Dials.
    ///
    /// # Errors
    /// [`LinkError`], naming the step that failed.
    pub async fn dial(url: &ControlUrl, trust: Trust) -> Result<Self, LinkError> {
        let address = url.authority();
        let tls_failed = |reason: String| LinkError::Tls { address: address.clone(), reason };
        let tcp = connect(url).await?;
        drop(tcp.set_nodelay(true));
        keep_queue_short(&tcp);
        let name = ServerName::try_from(url.host().to_owned()).map_err(|error| tls_failed(error.to_string()))?;
        let pinned = if let Trust::Pinned(pin) = &trust { Some(pin.clone()) } else { None };
        let (config, seen) = tls::config(trust).map_err(|error| tls_failed(error.to_string()))?;
        let stream = within("TLS", TLS_LIMIT, TlsConnector::from(config).connect(name, tcp)).await?;
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let stream = match (stream, pinned) {
            (Ok(stream), _) => stream,
            (Err(_), Some(pinned)) if !seen.fingerprint.is_empty() && seen.fingerprint != pinned => {
                return Err(LinkError::Pin { pinned, found: seen.fingerprint });
            }
            (Err(error), _) => return Err(tls_failed(tls_reason(&error))),
        };
        let exporter = stream.get_ref().1.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", None).ok();
        let channel = Channel::new(url.host(), exporter);
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(4 * MAX_FRAME_BYTES)
            .max_message_size(Some(MAX_FRAME_BYTES))
            .max_frame_size(Some(MAX_FRAME_BYTES));
        let upgrade = tokio_tungstenite::client_async_with_config(url.to_string(), stream, Some(config));
        match Box::pin(within("the WebSocket upgrade", TLS_LIMIT, upgrade)).await? {
            Ok((ws, _)) => Ok(Self { ws, channel, seen }),
            Err(error) => Err(upgrade_failed(address, &error)),
        }
    }

    /// What the connection is bound to.
    pub const fn channel(&self) -> &Channel {
        &self.channel
    }

    /// The certificate shown.
    pub const fn seen(&self) -> &Seen {
        &self.seen
    }

    /// Writes a text.
    ///
    /// # Errors
    /// [`LinkError::Lost`].
    pub async fn say(&mut self, text: String) -> Result<(), LinkError> {
        written(tokio::time::timeout(WRITE_LIMIT.duration(), self.ws.send(Message::text(text))).await)
    }

    /// The next text, passing over signs of life; CLOSING is an error.
    ///
    /// # Errors
    /// [`LinkError::Closed`], [`LinkError::Lost`], [`LinkError::Timeout`].
    pub async fn answer(&mut self, limit: Option<Millis>) -> Result<String, LinkError> {
        let hear = async {
            loop {
                if let Heard::Text(text) = heard(self.ws.next().await)? {
                    return Ok::<String, LinkError>(text);
                }
            }
        };
        let text = match limit {
            Some(limit) => within("the control plane's answer", limit, hear).await??,
            None => hear.await?,
        };
        if let Ok(Frame::Closing(closing)) = Frame::parse(&text) {
            return Err(LinkError::Closed { fault: closing.fault, retry_after: closing.retry_after });
        }
        Ok(text)
    }

    /// The next bytes, passing over signs of life; CLOSING is an error.
    ///
    /// # Errors
    /// [`LinkError::Closed`], [`LinkError::Lost`], [`LinkError::Timeout`].
    pub async fn hear_bytes(&mut self, limit: Millis) -> Result<Bytes, LinkError> {
        let hear = async {
            loop {
                match self.ws.next().await {
                    Some(Ok(Message::Binary(bytes))) => return Ok(bytes),
                    other => {
                        if let Heard::Text(text) = heard(other)? {
                            return Err(match Frame::parse(&text)? {
                                Frame::Closing(closing) => {
                                    LinkError::Closed { fault: closing.fault, retry_after: closing.retry_after }
                                }
                                _ => LinkError::Lost("it sent text where bytes were awaited".to_owned()),
                            });
                        }
                    }
                }
            }
        };
        within("the next bytes", limit, hear).await?
    }

    /// Writes bytes, at most [`MAX_FRAME_BYTES`].
    ///
    /// # Errors
    /// [`LinkError::Lost`], [`LinkError::Timeout`].
    pub async fn put(&mut self, bytes: Bytes, limit: Millis) -> Result<(), LinkError> {
        let put = within("taking bytes", limit, self.ws.send(Message::Binary(bytes))).await?;
        put.map_err(|error| LinkError::Lost(error.to_string()))
    }

    /// Both directions by themselves.
    pub fn split(self) -> (Writer, Reader) {
        let (sink, stream) = self.ws.split();
        (Writer(sink), Reader(stream))
    }
}

impl Writer {
    /// Writes a frame. One that is too large is left out: that is a defect of ours, and the connection is still good.
    ///
    /// # Errors
    /// [`LinkError::Lost`].
    pub async fn say(&mut self, frame: &Frame) -> Result<(), LinkError> {
        match frame.write() {
            Ok(text) => self.write(Message::text(text)).await,
            Err(error) => {
                tracing::error!(kind = %frame.kind(), %error, "a frame could not be written");
                Ok(())
            }
        }
    }

    /// Writes a sign of life.
    ///
    /// # Errors
    /// [`LinkError::Lost`].
    pub async fn ping(&mut self) -> Result<(), LinkError> {
        self.write(Message::Ping(Vec::new().into())).await
    }

    /// Closes politely; what the other side does no longer matters.
    pub async fn close(mut self) {
        drop(tokio::time::timeout(Duration::from_secs(2), self.0.close()).await);
    }

    async fn write(&mut self, message: Message) -> Result<(), LinkError> {
        written(tokio::time::timeout(WRITE_LIMIT.duration(), self.0.send(message)).await)
    }
}

impl Reader {
    /// The next thing heard.
    ///
    /// # Errors
    /// [`LinkError::Lost`].
    pub async fn hear(&mut self) -> Result<Heard, LinkError> {
        heard(self.0.next().await)
    }
}

async fn connect(url: &ControlUrl) -> Result<TcpStream, LinkError> {
    let dns = |source| LinkError::Dns { host: url.host().to_owned(), source };
    let looked_up = tokio::net::lookup_host((url.host(), url.port()));
    let addresses: Vec<_> = within("resolving the name", DNS_LIMIT, looked_up).await?.map_err(dns)?.collect();
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    if addresses.is_empty() {
        return Err(dns(last));
    }
    for address in addresses {
        match tokio::time::timeout(TCP_LIMIT.duration(), TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::Error::new(io::ErrorKind::TimedOut, "no answer within 10 s"),
        }
    }
    Err(LinkError::Tcp { address: url.authority(), source: last })
}

/// Bytes that lie in the kernel before they are sent, at the most. What waits longer than that waits with us, where an outcome
/// goes before a console.
const UNSENT_BYTES: nix::libc::c_int = 128 * 1024;

fn keep_queue_short(tcp: &TcpStream) {
    use std::os::fd::AsRawFd;
    let (bytes, size) = (UNSENT_BYTES, size_of_val(&UNSENT_BYTES));
    let size = nix::libc::socklen_t::try_from(size).expect("the size of an integer");
    // SAFETY: the socket is open, and the kernel reads an integer of ours.
    let set = unsafe {
        let (level, name) = (nix::libc::IPPROTO_TCP, nix::libc::TCP_NOTSENT_LOWAT);
        nix::libc::setsockopt(tcp.as_raw_fd(), level, name, (&raw const bytes).cast(), size)
    };
    if set != 0 {
        tracing::debug!(error = %io::Error::last_os_error(), "the queue of the connection cannot be kept short");
    }
}

async fn within<T>(step: &'static str, limit: Millis, work: impl Future<Output = T>) -> Result<T, LinkError> {
    tokio::time::timeout(limit.duration(), work).await.map_err(|_| LinkError::Timeout { step, limit })
}

fn heard(message: Option<Result<Message, WsError>>) -> Result<Heard, LinkError> {
    match message {
        Some(Ok(Message::Text(text))) => Ok(Heard::Text(text.as_str().to_owned())),
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(Heard::Life),
        Some(Ok(Message::Binary(_) | Message::Frame(_))) => Err(LinkError::Lost("it sent bytes, not text".to_owned())),
        Some(Ok(Message::Close(_))) | None => Err(LinkError::Lost("the control plane closed it".to_owned())),
        Some(Err(error)) => Err(LinkError::Lost(error.to_string())),
    }
}

fn written(result: Result<Result<(), WsError>, tokio::time::error::Elapsed>) -> Result<(), LinkError> {
    match result {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(LinkError::Lost(error.to_string())),
        Err(_) => Err(LinkError::Timeout { step: "writing a frame", limit: WRITE_LIMIT }),
    }
}

/// rustls' words, and what usually is behind the commonest ones.
fn tls_reason(error: &io::Error) -> String {
    let text = error.to_string();
    if text.contains("UnknownIssuer") || text.contains("unknown issuer") {
        return format!("{text}; its certificate is not from a public authority, and none is pinned");
    }
    if text.contains("corrupt message") || text.contains("InvalidContentType") {
        return format!("{text}; what answers does not speak TLS");
    }
    text
}

fn upgrade_failed(address: String, error: &WsError) -> LinkError {
    if let WsError::Http(response) = error {
        let seconds = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let status = response.status().as_u16();
        return LinkError::Http { address, status, retry_after: seconds.map(Millis::secs) };
    }
    LinkError::WebSocket { address, reason: error.to_string() }
}
