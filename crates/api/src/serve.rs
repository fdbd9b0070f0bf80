//! Listening: HTTP/1.1 with or without TLS, bounded in time, drained at the end.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sf_runtime::{OnError, Shutdown, Tasks};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

/// Time a client has to send a request's head.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// Time a TLS handshake may take.
pub const TLS_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections at a time.
pub const MAX_CONNECTIONS: usize = 10_000;
/// Bytes of a request's head at the most: 64 KiB.
pub const MAX_HEAD_BYTES: usize = 64 * 1024;
/// Time running requests get at the end.
pub const DRAIN: Duration = Duration::from_secs(10);

/// Why it cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken or not this machine's.
    #[error("{address} cannot be listened on")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Others could read along.
    #[error(
        "{address} can be reached by other machines, so it needs TLS: set `api.tls.certificate` and `api.tls.key`, or \
         listen on 127.0.0.1 behind a proxy that speaks TLS"
    )]
    PlainPublic {
        /// Where.
        address: SocketAddr,
    },
    /// The certificate or key cannot be used.
    #[error("the certificate {certificate} with the key {key} cannot be used: {why}")]
    Certificate {
        /// PEM file of the chain.
        certificate: PathBuf,
        /// PEM file of the key.
        key: PathBuf,
        /// Why.
        why: String,
    },
}

/// A bound address, plain or with TLS.
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
    tls: Option<Arc<ServerConfig>>,
}

impl Listener {
    /// Binds. Addresses other than loopback need TLS.
    ///
    /// # Errors
    /// [`ServeError::PlainPublic`], [`ServeError::Bind`].
    pub async fn bind(address: SocketAddr, tls: Option<Arc<ServerConfig>>) -> Result<Self, ServeError> {
        if tls.is_none() && !address.ip().to_canonical().is_loopback() {
            return Err(ServeError::PlainPublic { address });
        }
        let tcp = TcpListener::bind(address).await.map_err(|source| ServeError::Bind { address, source })?;
        Ok(Self { tcp, tls })
    }

    /// Where it listens: the port chosen, where 0 was asked for.
    ///
    /// # Errors
    /// When the socket is broken.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

/// TLS from PEM files, TLS 1.2 and 1.3.
///
/// # Errors
/// [`ServeError::Certificate`].
pub fn tls(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, ServeError> {
    let refused = |why: String| ServeError::Certificate { certificate: certificate.into(), key: key.into(), why };
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect);
    let chain: Vec<_> = chain.map_err(|error: rustls::pki_types::pem::Error| refused(error.to_string()))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| refused(error.to_string()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| refused(error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|error| refused(error.to_string()))?;
    Ok(Arc::new(config))
}

/// Serves until `tasks` is asked to stop, then lets running requests finish for [`DRAIN`].
///
/// # Errors
/// None while it serves: a connection that cannot be accepted is logged.
pub async fn serve(listener: Listener, router: Router, tasks: &Tasks) -> Result<(), ServeError> {
    let connections = tasks.child();
    let shutdown = tasks.shutdown();
    let acceptor = listener.tls.clone().map(TlsAcceptor::from);
    loop {
        let accepted = tokio::select! {
            () = shutdown.requested() => break,
            accepted = listener.tcp.accept() => accepted,
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
        let (router, acceptor, shutdown) = (router.clone(), acceptor.clone(), connections.shutdown());
        connections.spawn("api connection", OnError::Log, async move {
            connection(stream, peer, router, acceptor, shutdown).await;
            Ok::<(), ServeError>(())
        });
    }
    connections.stop(DRAIN).await;
    Ok(())
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    acceptor: Option<TlsAcceptor>,
    shutdown: Shutdown,
) {
    drop(stream.set_nodelay(true));
    let Some(acceptor) = acceptor else { return exchange(stream, peer, router, shutdown).await };
    match tokio::time::timeout(TLS_TIMEOUT, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => exchange(stream, peer, router, shutdown).await,
        Ok(Err(error)) => tracing::debug!(%peer, %error, "a TLS handshake failed"),
        Err(_) => tracing::debug!(%peer, "a TLS handshake took too long"),
    }
}

async fn exchange<S>(stream: S, peer: SocketAddr, router: Router, shutdown: Shutdown)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(MAX_HEAD_BYTES);
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
