//! Accepting connections.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use sf_control::Control;
use sf_protocol::handshake::{Endpoint, VERSIONS};
use sf_runtime::places::network;
use sf_runtime::{OnError, Place, Places, Tasks};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;

use crate::connection::{self, Context, Upgraded};
use crate::limits::{MAX_CONNECTIONS, OPENING_AT_ONCE, OPENING_WITHIN, UNPROVEN_PER_ADDRESS};
use crate::socket::{Socket, Stream};

/// How the endpoint is reached.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Every host name or address agents may dial it by.
    pub names: Vec<String>,
    /// Certificate and key; `None` speaks plain WebSocket, which only benchmarks on loopback do.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Connections of one address that have not proven who they are.
    pub unproven_per_address: usize,
}

impl Options {
    /// The defaults.
    pub const fn new(listen: SocketAddr, names: Vec<String>, tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        Self { listen, names, tls, unproven_per_address: UNPROVEN_PER_ADDRESS }
    }
}

/// Why the endpoint cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The address cannot be listened on.
    #[error("agents cannot be served on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

/// The endpoint: listening, not accepting yet.
#[derive(Debug)]
pub struct Gateway {
    listener: TcpListener,
    options: Options,
    control: Control,
}

impl Gateway {
    /// Opens the socket.
    ///
    /// # Errors
    /// [`GatewayError::Listen`].
    pub async fn bind(options: Options, control: Control) -> Result<Self, GatewayError> {
        let listener = TcpListener::bind(options.listen)
            .await
            .map_err(|source| GatewayError::Listen { address: options.listen, source })?;
        Ok(Self { listener, options, control })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap_or(self.options.listen)
    }

    /// Accepts until the owner stops. Each connection is a task of `tasks`.
    pub fn start(self, tasks: &Tasks) {
        let owner = tasks.child();
        tasks.spawn("gateway", OnError::Stop, async move {
            self.accept(&owner).await;
            owner.stop(Duration::from_secs(5)).await;
            Ok::<(), GatewayError>(())
        });
    }

    async fn accept(&self, tasks: &Tasks) {
        let opening = Arc::new(Semaphore::new(OPENING_AT_ONCE));
        let unproven = Places::new(self.options.unproven_per_address);
        let acceptor = self.options.tls.clone().map(TlsAcceptor::from);
        loop {
            let shutdown = tasks.shutdown();
            let permit = tokio::select! {
                () = shutdown.requested() => return,
                permit = Arc::clone(&opening).acquire_owned() => permit.expect("the semaphore is never closed"),
            };
            let accepted = tokio::select! {
                () = shutdown.requested() => return,
                accepted = self.listener.accept() => accepted,
            };
            let (stream, from) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of files or a connection that died in the queue: wait until something was freed.
                    tracing::warn!(%error, "an agent's connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let Some(place) = unproven.take(network(from.ip())) else {
                tracing::debug!(%from, "too many connections of one address are opening: one was closed");
                continue;
            };
            let full = tasks.alive() >= MAX_CONNECTIONS;
            let context = Context {
                control: self.control.clone(),
                endpoint: Endpoint { names: self.options.names.clone(), exporter: None, versions: VERSIONS },
                from,
                shutdown,
            };
            let opening = Opening { permit, place };
            let acceptor = acceptor.clone();
            let upgraded = Box::pin(secure(stream, acceptor, context, opening));
            tasks.spawn("agent connection", OnError::Log, async move {
                if let Some(upgraded) = upgraded.await {
                    connection::serve(upgraded, full).await;
                }
                Ok::<(), GatewayError>(())
            });
        }
    }
}

/// What a connection holds while it opens.
pub(crate) struct Opening {
    /// Of the bound on all that shake hands, until there is a WebSocket.
    permit: OwnedSemaphorePermit,
    /// Of its address, until it has proven who it is.
    pub(crate) place: Place<IpAddr>,
}

/// Ends TLS, takes what it exports for the channel binding (RFC 9266), and upgrades to a WebSocket.
async fn secure(
    stream: TcpStream,
    acceptor: Option<TlsAcceptor>,
    mut context: Context,
    opening: Opening,
) -> Option<Box<Upgraded<Box<dyn Stream>>>> {
    drop(stream.set_nodelay(true));
    let Some(acceptor) = acceptor else { return upgrade(Box::new(stream), context, opening).await };
    let from = context.from;
    match tokio::time::timeout(OPENING_WITHIN, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            let exported = stream.get_ref().1.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", None);
            context.endpoint.exporter = exported.ok();
            return upgrade(Box::new(stream), context, opening).await;
        }
        Ok(Err(error)) => tracing::debug!(%from, %error, "TLS did not come about"),
        Err(_) => tracing::debug!(%from, "TLS took too long"),
    }
    None
}

async fn upgrade(
    stream: Box<dyn Stream>,
    context: Context,
    opening: Opening,
) -> Option<Box<Upgraded<Box<dyn Stream>>>> {
    match tokio::time::timeout(OPENING_WITHIN, Socket::accept(stream)).await {
        Ok(Ok(socket)) => {
            let Opening { permit, place } = opening;
            // The bound is on opening, not on being open.
            drop(permit);
            return Some(Box::new(Upgraded { socket, context, place: Some(place) }));
        }
        Ok(Err(error)) => tracing::debug!(from = %context.from, %error, "no WebSocket"),
        Err(_) => tracing::debug!(from = %context.from, "the WebSocket upgrade took too long"),
    }
    None
}
