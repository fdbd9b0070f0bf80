//! The body of an answer: it keeps the request's ticket until its last byte is handed over.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body as HttpBody, Bytes, Frame, Incoming, SizeHint};

use super::gate::Ticket;
use super::pool::Sender;
use super::reading::Reading;

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
        /// What is left of it.
        file: Reading,
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
            Self::File { file, .. } => file.poll(cx).map(|piece| piece.map(|piece| piece.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Text(text) => text.is_none(),
            Self::App { body, .. } => body.is_end_stream(),
            Self::File { file, .. } => file.left() == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Text(text) => SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64)),
            Self::App { body, .. } => body.size_hint(),
            Self::File { file, .. } => SizeHint::with_exact(file.left()),
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
