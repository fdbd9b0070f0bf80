//! A WebSocket that speaks text frames of bounded size.

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use sf_control::STALL_LIMIT;
use sf_protocol::frame::MAX_FRAME_BYTES;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::limits::{READ_BUFFER_BYTES, WRITE_WITHIN};

/// A byte stream under a WebSocket: TLS, or plain for measuring.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for T {}

/// One accepted WebSocket.
#[derive(Debug)]
pub(crate) struct Socket<S>(WebSocketStream<S>);

/// What was heard.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A text.
    Text(String),
    /// A sign of life without content.
    Life,
}

/// The connection is over: closed, broken, too slow, or it sent what is no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone;

/// What was heard where bytes are moved.
#[derive(Debug)]
pub(crate) enum Moved {
    /// Bytes; none at the end of all.
    Bytes(Bytes),
    /// The last word.
    Text(String),
    /// A sign of life without content.
    Life,
}

/// The writing half.
#[derive(Debug)]
pub(crate) struct Writer<'a, S>(SplitSink<&'a mut WebSocketStream<S>, Message>);

/// The reading half.
#[derive(Debug)]
pub(crate) struct Reader<'a, S>(SplitStream<&'a mut WebSocketStream<S>>);

fn moved(heard: Option<Result<Message, Error>>) -> Result<Moved, Gone> {
    match heard {
        Some(Ok(Message::Binary(bytes))) => Ok(Moved::Bytes(bytes)),
        Some(Ok(Message::Text(text))) => Ok(Moved::Text(text.as_str().to_owned())),
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(Moved::Life),
        Some(Ok(Message::Close(_) | Message::Frame(_)) | Err(_)) | None => Err(Gone),
    }
}

impl<S: Stream> Writer<'_, S> {
    /// Writes bytes, as fast as they are taken.
    pub(crate) async fn put(&mut self, bytes: Bytes) -> Result<(), Gone> {
        match tokio::time::timeout(STALL_LIMIT, self.0.send(Message::Binary(bytes))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Gone),
        }
    }
}

impl<S: Stream> Reader<'_, S> {
    /// The next thing heard.
    pub(crate) async fn hear(&mut self) -> Result<Moved, Gone> {
        moved(self.0.next().await)
    }
}

impl<S: Stream> Socket<S> {
    /// Upgrades a stream.
    pub(crate) async fn accept(stream: S) -> Result<Self, Error> {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(4 * MAX_FRAME_BYTES)
            .max_message_size(Some(MAX_FRAME_BYTES))
            .max_frame_size(Some(MAX_FRAME_BYTES));
        tokio_tungstenite::accept_async_with_config(stream, Some(config)).await.map(Self)
    }

    /// The next thing heard. Safe to drop while waiting.
    pub(crate) async fn hear(&mut self) -> Result<Heard, Gone> {
        match self.0.next().await {
            Some(Ok(Message::Text(text))) => Ok(Heard::Text(text.as_str().to_owned())),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(Heard::Life),
            Some(Ok(Message::Binary(_) | Message::Close(_) | Message::Frame(_)) | Err(_)) | None => Err(Gone),
        }
    }

    /// The next thing heard where bytes are moved. Safe to drop while waiting.
    pub(crate) async fn hear_bytes(&mut self) -> Result<Moved, Gone> {
        moved(self.0.next().await)
    }

    /// Both directions by themselves.
    pub(crate) fn split(&mut self) -> (Writer<'_, S>, Reader<'_, S>) {
        let (sink, stream) = (&mut self.0).split();
        (Writer(sink), Reader(stream))
    }

    /// The next text, passing over signs of life.
    pub(crate) async fn text(&mut self) -> Result<String, Gone> {
        loop {
            if let Heard::Text(text) = self.hear().await? {
                return Ok(text);
            }
        }
    }

    /// Writes a text.
    pub(crate) async fn say(&mut self, text: String) -> Result<(), Gone> {
        self.write(Message::text(text)).await
    }

    /// Writes a sign of life.
    pub(crate) async fn ping(&mut self) -> Result<(), Gone> {
        self.write(Message::Ping(Vec::new().into())).await
    }

    /// Closes politely; what the other side does no longer matters.
    pub(crate) async fn close(&mut self) {
        drop(tokio::time::timeout(WRITE_WITHIN, self.0.close(None)).await);
    }

    async fn write(&mut self, message: Message) -> Result<(), Gone> {
        match tokio::time::timeout(WRITE_WITHIN, self.0.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Gone),
        }
    }
}
