//! One line of JSON there, one line of JSON back, over a holder's control socket.

use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sf_types::Millis;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::folder::RunFolder;

/// Longest message of a holder, in bytes.
const MESSAGE_BYTES: u64 = 256 * 1024;
/// Read buffer of a connection, in bytes: there is one per process for as long as it runs.
const BUFFER_BYTES: usize = 1024;

/// A connection to a holder.
#[derive(Debug)]
pub struct Connection(BufReader<UnixStream>);

impl Connection {
    /// Connects to the holder of `folder`.
    pub async fn open(folder: &RunFolder) -> io::Result<Self> {
        let (_dir, path) = folder.socket()?;
        let stream = UnixStream::connect(path).await?;
        Ok(Self(BufReader::with_capacity(BUFFER_BYTES, stream)))
    }

    /// Pid of the process at the other end.
    pub fn peer(&self) -> Option<i32> {
        self.0.get_ref().peer_cred().ok()?.pid()
    }

    /// Sends one message.
    pub async fn send(&mut self, message: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(message).map_err(io::Error::other)?;
        line.push(b'\n');
        self.0.get_mut().write_all(&line).await
    }

    /// Waits for one message; `None` when the holder is gone.
    pub async fn receive<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let mut line = Vec::new();
        (&mut self.0).take(MESSAGE_BYTES).read_until(b'\n', &mut line).await?;
        match line.last() {
            Some(b'\n') => serde_json::from_slice(&line).map(Some).map_err(io::Error::other),
            // Half a message: it died while speaking.
            _ => Ok(None),
        }
    }
}

/// Asks one question; `None` when the holder ended without an answer.
pub async fn request<Q: Serialize, A: DeserializeOwned>(
    folder: &RunFolder,
    question: &Q,
    limit: Millis,
) -> io::Result<Option<A>> {
    let ask = async {
        let mut connection = Connection::open(folder).await?;
        connection.send(question).await?;
        connection.receive().await
    };
    tokio::time::timeout(limit.duration(), ask)
        .await
        .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} ms", limit.0))))
}

/// Whether this error only says that nobody is there.
pub fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionRefused, ConnectionReset, NotFound};
    matches!(error.kind(), NotFound | ConnectionRefused | ConnectionReset | BrokenPipe)
}
