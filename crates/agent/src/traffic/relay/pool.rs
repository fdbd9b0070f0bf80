//! Connections to the app: new ones with patience, idle ones for requests that may safely be sent twice.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http_body_util::{Either, Empty, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use sf_runtime::{OnError, Tasks};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::gate::Ticket;
use super::limits::{CONNECT_WINDOW, IDLE_MAX, IDLE_TIME};
use super::spec::Target;

/// A request's body on its way to the app.
pub type Outgoing = Either<Limited<Incoming>, Empty<Bytes>>;
/// A connection to the app.
pub type Sender = SendRequest<Outgoing>;

/// First pause after a refused connection; doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
/// Longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// Idle connections.
#[derive(Debug, Default)]
pub struct Pool(Mutex<Idle>);

#[derive(Debug, Default)]
struct Idle {
    closed: bool,
    connections: Vec<(Sender, Instant)>,
}

impl Pool {
    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a connection whose answer was read to its end.
    pub fn give(&self, connection: Sender) {
        let mut idle = self.idle();
        if !idle.closed && idle.connections.len() < IDLE_MAX && !connection.is_closed() {
            idle.connections.push((connection, Instant::now()));
        }
    }

    /// The most recently used connection that still stands.
    pub async fn take(&self) -> Option<Sender> {
        loop {
            let (mut connection, since) = self.idle().connections.pop()?;
            if since.elapsed() < IDLE_TIME && !connection.is_closed() && connection.ready().await.is_ok() {
                return Some(connection);
            }
        }
    }

    /// The app is no longer current: its connections close once they are idle.
    pub fn close(&self) {
        let mut idle = self.idle();
        idle.closed = true;
        idle.connections.clear();
    }
}

/// Connects to where `ticket` leads. A refused connection is tried again for a while, wherever requests go then: the app may
/// be restarting, or be taken back for an earlier release.
pub async fn connect(ticket: &mut Ticket) -> io::Result<TcpStream> {
    let until = Instant::now() + CONNECT_WINDOW;
    let mut pause = FIRST_PAUSE;
    loop {
        let Target::Port { port } = ticket.upstream().pointer.target else {
            return Err(io::ErrorKind::ConnectionRefused.into());
        };
        match TcpStream::connect(("127.0.0.1", port)).await {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused && Instant::now() + pause < until => {
                ticket.follow_within(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Opens an HTTP connection to the app.
pub async fn open(ticket: &mut Ticket, tasks: &Tasks) -> io::Result<Sender> {
    let stream = connect(ticket).await?;
    let (sender, connection) = http1::Builder::new()
        .preserve_header_case(true)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    tasks.spawn("relay.upstream", OnError::Log, connection.with_upgrades());
    Ok(sender)
}
