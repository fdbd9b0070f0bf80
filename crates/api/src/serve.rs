//! Listening: HTTP/1.1 with or without TLS, bounded in time, drained at the end.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use sf_runtime::places::network;
use sf_runtime::{OnError, Places, Shutdown, Tasks};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_io_timeout::TimeoutWriter;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

/// Time a client has to send a request's head.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// Time a client may let an answer lie without reading any of it; then its connection ends.
pub const UNREAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Time a TLS handshake may take.
pub const TLS_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections at a time.
pub const MAX_CONNECTIONS: usize = 10_000;
/// Connections of one address at a time, so that one caller cannot keep all others out.
pub const CONNECTIONS_PER_ADDRESS: usize = 1_000;
/// Bytes of a request's head at the most: 64 KiB.
pub const MAX_HEAD_BYTES: usize = 64 * 1024;
/// Time running requests get at the end.
pub const DRAIN: Duration = Duration::from_secs(10);

/// Why it cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Others could read along.
    #[error(
        "{address} can be reached by other machines, so it needs TLS: give a certificate and its key, or listen on \
         127.0.0.1 behind a proxy that speaks TLS"
    )]
    PlainPublic {
        /// Where.
        address: SocketAddr,
    },
    /// The socket is broken.
    #[error("the listening socket has no address")]
    Address(#[source] std::io::Error),
}

/// How it is reached.
#[derive(Clone, Debug)]
pub struct Serving {
    /// Certificate and key; `None` on loopback alone.
    pub tls: Option<Arc<ServerConfig>>,
    /// Connections of one address at a time.
    pub connections_per_address: usize,
    /// Proxies: the connections of all callers come from them.
    pub trusted_proxies: Vec<IpAddr>,
    /// How long a client is waited for.
    pub patience: Patience,
}

/// How long a client is waited for, at each place where it can hold a connection by doing nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patience {
    /// For the TLS handshake.
    pub tls: Duration,
    /// For a request's head: all of it, from the end of the request before.
    pub head: Duration,
    /// For it to read some of an answer.
    pub unread: Duration,
}

impl Patience {
    /// The defaults.
    pub const DEFAULT: Self = Self { tls: TLS_TIMEOUT, head: HEAD_TIMEOUT, unread: UNREAD_TIMEOUT };
}

impl Serving {
    /// The defaults.
    pub const fn with(tls: Option<Arc<ServerConfig>>) -> Self {
        Self {
            tls,
            connections_per_address: CONNECTIONS_PER_ADDRESS,
            trusted_proxies: Vec::new(),
            patience: Patience::DEFAULT,
        }
    }
}

/// Serves until `shutdown` is requested, then lets running requests finish for [`DRAIN`]. Addresses other than
/// loopback need TLS.
///
/// # Errors
/// [`ServeError::PlainPublic`]. A connection that cannot be accepted is logged.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    serving: Serving,
    shutdown: Shutdown,
) -> Result<(), ServeError> {
    let Serving { tls, connections_per_address, trusted_proxies, patience } = serving;
    let address = listener.local_addr().map_err(ServeError::Address)?;
    if tls.is_none() && !address.ip().to_canonical().is_loopback() {
        return Err(ServeError::PlainPublic { address });
    }
    let connections = Tasks::new();
    let (acceptor, places) = (tls.map(TlsAcceptor::from), Places::new(connections_per_address));
    loop {
        let accepted = tokio::select! {
            () = shutdown.requested() => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: wait for one to come back instead of spinning.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        if connections.alive() >= MAX_CONNECTIONS {
            tracing::warn!(max = MAX_CONNECTIONS, "too many connections: one was closed");
            continue;
        }
        let is_proxy = trusted_proxies.contains(&peer.ip().to_canonical());
        let place = places.take(network(peer.ip()));
        if place.is_none() && !is_proxy {
            tracing::debug!(%peer, max = connections_per_address, "too many connections of one address: one was closed");
            continue;
        }
        let (router, acceptor, stop) = (router.clone(), acceptor.clone(), connections.shutdown());
        connections.spawn("api connection", OnError::Log, async move {
            connection((stream, peer, patience), router, acceptor, stop).await;
            drop(place);
            Ok::<(), ServeError>(())
        });
    }
    drop(listener);
    connections.stop(DRAIN).await;
    Ok(())
}

async fn connection(
    (stream, peer, patience): (TcpStream, SocketAddr, Patience),
    router: Router,
    acceptor: Option<TlsAcceptor>,
    shutdown: Shutdown,
) {
    drop(stream.set_nodelay(true));
    let mut stream = Box::pin(TimeoutWriter::new(stream));
    stream.as_mut().set_timeout_pinned(Some(patience.unread));
    let Some(acceptor) = acceptor else { return exchange(stream, (peer, patience), router, shutdown).await };
    match tokio::time::timeout(patience.tls, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => exchange(stream, (peer, patience), router, shutdown).await,
        Ok(Err(error)) => tracing::debug!(%peer, %error, "a TLS handshake failed"),
        Err(_) => tracing::debug!(%peer, "a TLS handshake took too long"),
    }
}

async fn exchange<S>(stream: S, (peer, patience): (SocketAddr, Patience), router: Router, shutdown: Shutdown)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(patience.head).max_buf_size(MAX_HEAD_BYTES);
    let mut exchange = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service).with_upgrades());
    let ended = tokio::select! {
        ended = exchange.as_mut() => ended,
        () = shutdown.requested() => {
            exchange.as_mut().graceful_shutdown();
            exchange.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "a connection ended");
    }
}
