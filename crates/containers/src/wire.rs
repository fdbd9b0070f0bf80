//! One connection, one request: driven by whoever waits for it, so that no task outlives its question.

use std::path::Path;
use std::pin::Pin;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

use crate::EngineError;

/// What is sent.
pub type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// See above.
pub struct Wire {
    sender: SendRequest<Body>,
    life: Life,
}

/// The connection's own work.
struct Life {
    work: Pin<Box<dyn Future<Output = ()> + Send>>,
    is_over: bool,
}

impl Life {
    async fn drive<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = &mut self.work, if !self.is_over => self.is_over = true,
            }
        }
    }
}

impl Wire {
    /// Connects.
    ///
    /// # Errors
    /// [`EngineError::Away`].
    pub async fn open(socket: &Path) -> Result<Self, EngineError> {
        let away = |source| EngineError::Away { socket: socket.to_owned(), source };
        let stream = UnixStream::connect(socket).await.map_err(away)?;
        let shaken = http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = shaken.map_err(|error| away(std::io::Error::other(error)))?;
        // How it ends is told to whoever waits for an answer.
        let work = async move { drop(connection.with_upgrades().await) };
        Ok(Self { sender, life: Life { work: Box::pin(work), is_over: false } })
    }

    /// Sends the one request, and answers with the head of the response.
    ///
    /// # Errors
    /// What hyper says.
    pub async fn send(&mut self, request: Request<Body>) -> hyper::Result<Response<Incoming>> {
        self.life.drive(self.sender.send_request(request)).await
    }

    /// Does the connection's work while something is waited for that needs it.
    pub async fn drive<T>(&mut self, work: impl Future<Output = T>) -> T {
        self.life.drive(work).await
    }
}
