//! What a container writes, as it writes it, and what is written to it.

use bytes::{Buf, Bytes, BytesMut};
use http_body_util::{BodyExt, Empty};
use hyper::header::{CONNECTION, UPGRADE};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};

use crate::engine::{broken, escaped, read};
use crate::{Engine, EngineError};

/// Bytes read at once.
const READ_BYTES: usize = 32 * 1024;
/// Head of a piece: which stream, three zeros, its length, big-endian.
const HEAD_BYTES: usize = 8;

/// Which of its streams.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// What of a container is open to whoever attaches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ends {
    /// Its standard input.
    pub input: bool,
    /// Whether it has a terminal: its output then comes as it is, and not in pieces by stream.
    pub terminal: bool,
}

type Upgraded = TokioIo<hyper::upgrade::Upgraded>;

/// An open connection to a container's output. While nobody reads, the container waits as it would at a full pipe.
#[derive(Debug)]
pub struct Attached {
    output: ReadHalf<Upgraded>,
    /// `None` of a terminal.
    pieces: Option<Pieces>,
    raw: BytesMut,
    input: Option<Input>,
}

/// An open connection to a container's standard input.
#[derive(Debug)]
pub struct Input(WriteHalf<Upgraded>);

impl Input {
    /// Writes as much as is taken now; answers how many bytes. Dropped before, nothing was written.
    ///
    /// # Errors
    /// What the operating system says.
    pub async fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.0.write(bytes).await?;
        self.0.flush().await?;
        Ok(written)
    }
}

/// Takes the engine's framing apart, whatever pieces it comes in.
#[derive(Debug, Default)]
struct Pieces {
    buffer: BytesMut,
    /// What is left of the piece under way.
    left: Option<(Stream, usize)>,
}

impl Pieces {
    /// The next bytes of one stream, as far as they are there.
    fn next(&mut self) -> Option<(Stream, Bytes)> {
        loop {
            if let Some((stream, left)) = self.left.filter(|(_, left)| *left > 0) {
                if self.buffer.is_empty() {
                    return None;
                }
                let now = self.buffer.len().min(left);
                self.left = Some((stream, left - now));
                return Some((stream, self.buffer.split_to(now).freeze()));
            }
            if self.buffer.len() < HEAD_BYTES {
                return None;
            }
            let stream = if self.buffer[0] == 2 { Stream::Err } else { Stream::Out };
            self.buffer.advance(4);
            let length = usize::try_from(self.buffer.get_u32()).unwrap_or(usize::MAX);
            self.left = Some((stream, length));
        }
    }
}

impl Attached {
    /// The next bytes; `None` when there are no more, because it ended or the engine did.
    pub async fn next(&mut self) -> Option<(Stream, Bytes)> {
        loop {
            if let Some(piece) = self.pieces.as_mut().and_then(Pieces::next) {
                return Some(piece);
            }
            let buffer = self.pieces.as_mut().map_or(&mut self.raw, |pieces| &mut pieces.buffer);
            buffer.reserve(READ_BYTES);
            match self.output.read_buf(buffer).await {
                Ok(0) | Err(_) => return None,
                Ok(_) if self.pieces.is_none() => return Some((Stream::Out, self.raw.split().freeze())),
                Ok(_) => {}
            }
        }
    }

    /// Its standard input, once, where it is open.
    pub const fn input(&mut self) -> Option<Input> {
        self.input.take()
    }
}

impl Engine {
    /// Opens the output of a container from now on, and its input. Before it is started, so that nothing is missed.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn attach(&self, id: &str, ends: Ends) -> Result<Attached, EngineError> {
        let what = "the output of the container";
        let stdin = u8::from(ends.input);
        let path = format!("/containers/{}/attach?stream=1&stdin={stdin}&stdout=1&stderr=1", escaped(id));
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header("host", "engine")
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "tcp")
            .body(Empty::new().map_err(|never| match never {}).boxed_unsync());
        let (mut wire, response) = self.send(request.map_err(|error| broken(what, &error))?, what).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            read(&mut wire, response, what).await?;
            return Err(broken(what, &"it did not open it"));
        }
        let upgraded = wire.drive(hyper::upgrade::on(response)).await.map_err(|error| broken(what, &error))?;
        let (output, input) = tokio::io::split(TokioIo::new(upgraded));
        Ok(Attached {
            output,
            pieces: (!ends.terminal).then(Pieces::default),
            raw: BytesMut::new(),
            input: ends.input.then_some(Input(input)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_taken_apart_however_they_come() {
        let mut whole = Vec::new();
        for (stream, text) in [(1_u8, "out"), (2, ""), (2, "error"), (1, "more")] {
            whole.extend_from_slice(&[stream, 0, 0, 0]);
            whole.extend_from_slice(&u32::try_from(text.len()).unwrap().to_be_bytes());
            whole.extend_from_slice(text.as_bytes());
        }
        for size in 1..=whole.len() {
            let (mut pieces, mut out, mut err) = (Pieces::default(), Vec::new(), Vec::new());
            for chunk in whole.chunks(size) {
                pieces.buffer.extend_from_slice(chunk);
                while let Some((stream, bytes)) = pieces.next() {
                    if stream == Stream::Out { out.extend(bytes) } else { err.extend(bytes) }
                }
            }
            assert_eq!((&*out, &*err), (&b"outmore"[..], &b"error"[..]), "{size}");
        }
    }
}
