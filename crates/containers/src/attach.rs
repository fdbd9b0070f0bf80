//! What a container writes, as it writes it.

use bytes::{Buf, Bytes, BytesMut};
use http_body_util::{BodyExt, Empty};
use hyper::header::{CONNECTION, UPGRADE};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncReadExt;

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

/// An open connection to a container's output. While nobody reads, the container waits as it would at a full pipe.
#[derive(Debug)]
pub struct Attached {
    io: TokioIo<hyper::upgrade::Upgraded>,
    pieces: Pieces,
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
            if let Some(piece) = self.pieces.next() {
                return Some(piece);
            }
            self.pieces.buffer.reserve(READ_BYTES);
            match self.io.read_buf(&mut self.pieces.buffer).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }
}

impl Engine {
    /// Opens the output of a container from now on. Before it is started, so that nothing is missed.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn attach(&self, id: &str) -> Result<Attached, EngineError> {
        let what = "the output of the container";
        let path = format!("/containers/{}/attach?stream=1&stdout=1&stderr=1", escaped(id));
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
        Ok(Attached { io: TokioIo::new(upgraded), pieces: Pieces::default() })
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
