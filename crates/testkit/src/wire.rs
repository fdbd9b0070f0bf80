//! A simulated node's end of a connection.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use sf_protocol::Signed;
use sf_protocol::enrol::EnrolError;
use sf_protocol::frame::{Frame, FrameError, MAX_FRAME_BYTES};
use sf_protocol::handshake::{Channel, HandshakeError};
use sf_types::Fault;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// Bytes read from a socket at a time: small, so that thousands of nodes fit into one process.
const READ_BUFFER_BYTES: usize = 4 * 1024;

/// Why a connection did not open or ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The control plane said why.
    #[error("closed by the control plane: {0}")]
    Closed(Fault),
    /// The connection is gone.
    #[error("the connection is gone")]
    Gone,
    /// We refused the control plane.
    #[error("handshake: {0}")]
    Handshake(#[from] HandshakeError),
    /// We refused it while enrolling.
    #[error("enrolment: {0}")]
    Enrol(#[from] EnrolError),
    /// What came is no frame.
    #[error("frame: {0}")]
    Frame(#[from] FrameError),
}

impl WireError {
    /// The stable code of the refusal, ours or theirs; empty for a connection that is simply gone.
    pub fn code(&self) -> String {
        match self {
            Self::Closed(fault) => fault.code.clone(),
            Self::Gone => String::new(),
            Self::Handshake(error) => error.code().to_owned(),
            Self::Enrol(error) => error.code().to_owned(),
            Self::Frame(_) => "frame".to_owned(),
        }
    }
}

/// Where to dial, and whether through TLS.
#[derive(Clone, Debug)]
pub struct Dial {
    /// The agents' endpoint.
    pub address: SocketAddr,
    /// `None` dials without TLS.
    pub tls: Option<Arc<ClientConfig>>,
}

impl Dial {
    /// Through TLS. Any certificate is taken: the handshake is bound to the connection and proves the control plane.
    ///
    /// # Panics
    /// Never: the provider knows TLS 1.3.
    pub fn tls(address: SocketAddr) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("the provider has cipher suites of TLS 1.3")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate))
            .with_no_client_auth();
        config.resumption = rustls::client::Resumption::disabled();
        Self { address, tls: Some(Arc::new(config)) }
    }

    /// Without TLS, for measuring.
    pub const fn plain(address: SocketAddr) -> Self {
        Self { address, tls: None }
    }
}

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// An open WebSocket, before or after the handshake.
pub struct Wire {
    socket: WebSocketStream<Box<dyn Io>>,
    channel: Channel,
    witnessed: Vec<Signed>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Wire({:?})", self.channel)
    }
}

impl Wire {
    /// Dials.
    ///
    /// # Errors
    /// [`WireError::Gone`] when nobody answers there in that way.
    pub async fn dial(dial: &Dial) -> Result<Self, WireError> {
        let host = dial.address.ip().to_string();
        let stream = TcpStream::connect(dial.address).await.map_err(|_| WireError::Gone)?;
        stream.set_nodelay(true).map_err(|_| WireError::Gone)?;
        let (stream, exporter): (Box<dyn Io>, _) = match &dial.tls {
            None => (Box::new(stream), None),
            Some(config) => {
                let name = ServerName::IpAddress(dial.address.ip().into());
                let connector = TlsConnector::from(Arc::clone(config));
                let stream = Box::pin(connector.connect(name, stream)).await.map_err(|_| WireError::Gone)?;
                let material = stream.get_ref().1.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", None);
                (Box::new(stream), material.ok())
            }
        };
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(4 * MAX_FRAME_BYTES)
            .max_message_size(Some(MAX_FRAME_BYTES))
            .max_frame_size(Some(MAX_FRAME_BYTES));
        let request = format!("ws://{}/", dial.address);
        let upgrade = Box::pin(tokio_tungstenite::client_async_with_config(request, stream, Some(config)));
        let (socket, _) = upgrade.await.map_err(|_| WireError::Gone)?;
        Ok(Self { socket, channel: Channel::new(&host, exporter), witnessed: Vec::new() })
    }

    /// What the connection is bound to.
    pub const fn channel(&self) -> &Channel {
        &self.channel
    }

    /// Writes a text as it stands.
    ///
    /// # Errors
    /// [`WireError::Gone`].
    pub async fn say_text(&mut self, text: String) -> Result<(), WireError> {
        self.socket.send(Message::text(text)).await.map_err(|_| WireError::Gone)
    }

    /// Writes a frame.
    ///
    /// # Errors
    /// [`WireError::Gone`]; [`WireError::Frame`] when it is too large.
    pub async fn say(&mut self, frame: &Frame) -> Result<(), WireError> {
        self.say_text(frame.write()?).await
    }

    /// The next text, passing over signs of life. Safe to drop while waiting.
    ///
    /// # Errors
    /// [`WireError::Gone`].
    pub async fn hear_text(&mut self) -> Result<String, WireError> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                _ => return Err(WireError::Gone),
            }
        }
    }

    /// Writes bytes; none are the end of all.
    ///
    /// # Errors
    /// [`WireError::Gone`].
    pub async fn put(&mut self, bytes: Vec<u8>) -> Result<(), WireError> {
        self.socket.send(Message::binary(bytes)).await.map_err(|_| WireError::Gone)
    }

    /// The next bytes; CLOSING is an error that carries its fault.
    ///
    /// # Errors
    /// [`WireError::Gone`], [`WireError::Closed`].
    pub async fn hear_bytes(&mut self) -> Result<Vec<u8>, WireError> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Binary(bytes))) => return Ok(bytes.to_vec()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Text(text))) => match Frame::parse(text.as_str()) {
                    Ok(Frame::Closing(closing)) => return Err(WireError::Closed(closing.fault)),
                    _ => return Err(WireError::Gone),
                },
                _ => return Err(WireError::Gone),
            }
        }
    }

    /// The next text; CLOSING is an error that carries its fault.
    ///
    /// # Errors
    /// [`WireError::Gone`], [`WireError::Closed`].
    pub async fn answer(&mut self) -> Result<String, WireError> {
        let text = self.hear_text().await?;
        match Frame::parse(&text) {
            Ok(Frame::Closing(closing)) => Err(WireError::Closed(closing.fault)),
            _ => Ok(text),
        }
    }

    /// The next frame but WITNESS, which comes at any time and is kept for [`Wire::hear_witness`]; CLOSING is an error.
    ///
    /// # Errors
    /// [`WireError`].
    pub async fn hear(&mut self) -> Result<Frame, WireError> {
        loop {
            match self.hear_any().await? {
                Frame::Witness(signed) => self.witnessed.push(signed),
                frame => return Ok(frame),
            }
        }
    }

    /// The next WITNESS; what else comes is dropped. Safe to drop while waiting.
    ///
    /// # Errors
    /// [`WireError`].
    pub async fn hear_witness(&mut self) -> Result<Signed, WireError> {
        loop {
            if let Some(signed) = self.witnessed.pop() {
                return Ok(signed);
            }
            if let Frame::Witness(signed) = self.hear_any().await? {
                return Ok(signed);
            }
        }
    }

    /// The next frame, whatever it is; CLOSING is an error.
    ///
    /// # Errors
    /// [`WireError`].
    pub async fn hear_any(&mut self) -> Result<Frame, WireError> {
        Ok(Frame::parse(&self.answer().await?)?)
    }
}

/// Takes any certificate: what is proven is proven by the handshake over the exported keying material.
#[derive(Debug)]
struct AnyCertificate;

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("TLS 1.3 only".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
