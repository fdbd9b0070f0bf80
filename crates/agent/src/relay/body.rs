//! The body of an answer: it keeps the request's ticket until its last byte is handed over.

use std::fs::File;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body as HttpBody, Bytes, Frame, Incoming, SizeHint};

use super::gate::Ticket;
use super::limits::FILE_CHUNK_BYTES;
use super::pool::Sender;

/// What a client gets.
#[derive(Debug)]
pub enum Body {
    /// A text of our own; `None` once handed over.
    Text(Option<Bytes>),
    /// What the app answers.
    App {
        /// Its body.
        body: Incoming,
        /// The connection it comes over, kept for the next request.
        sender: Option<Sender>,
        /// The request's place.
        ticket: Ticket,
    },
    /// A file.
    File {
        /// Open at where to go on.
        file: File,
        /// Bytes left.
        left: u64,
        /// The request's place.
        #[expect(dead_code, reason = "held until the last byte is handed over")]
        ticket: Ticket,
    },
}

impl Body {
    /// A short text.
    pub fn text(text: impl Into<Bytes>) -> Self {
        Self::Text(Some(text.into()))
    }

    /// Nothing.
    pub const fn empty() -> Self {
        Self::Text(None)
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut *self {
            Self::Text(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
            Self::App { body, .. } => {
                Pin::new(body).poll_frame(cx).map(|frame| frame.map(|frame| frame.map_err(io::Error::other)))
            }
            Self::File { left: 0, .. } => Poll::Ready(None),
            // Files of a release are small and mostly in the page cache, so they are read without a helper thread.
            Self::File { file, left, .. } => {
                let wanted = usize::try_from(*left).unwrap_or(FILE_CHUNK_BYTES).min(FILE_CHUNK_BYTES);
                let mut chunk = vec![0; wanted];
                Poll::Ready(Some(match file.read(&mut chunk) {
                    Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
                    Ok(read) => {
                        *left -= read as u64;
                        chunk.truncate(read);
                        Ok(Frame::data(chunk.into()))
                    }
                    Err(error) => Err(error),
                }))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Text(text) => text.is_none(),
            Self::App { body, .. } => body.is_end_stream(),
            Self::File { left, .. } => *left == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Text(text) => SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64)),
            Self::App { body, .. } => body.size_hint(),
            Self::File { left, .. } => SizeHint::with_exact(*left),
        }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if let Self::App { body, sender, ticket } = self
            && body.is_end_stream()
            && let Some(sender) = sender.take()
        {
            ticket.upstream().pool.give(sender);
        }
    }
}
