//! TLS 1.3 to the control plane: by a public authority, or by the pinned certificate.
//!
//! A self-signed certificate that nobody knows yet is let in at enrolment only, and only to be tied to the proof: the
//! root's fingerprint is in the install line, and the CHALLENGE is signed over this very connection (RFC 9266). After
//! that the certificate is pinned.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use sha2::{Digest, Sha256};

/// Which certificates are good.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trust {
    /// Those of public authorities, for the dialled host.
    Public,
    /// The one with this SHA-256, in hex.
    Pinned(String),
    /// Any, since the handshake proves the control plane: at enrolment only.
    Any,
}

/// What the certificate shown is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Seen {
    /// SHA-256 of it, in hex; empty before one was shown.
    pub fingerprint: String,
    /// Whether a public authority vouches for it and the dialled host.
    pub public: bool,
}

/// A client configuration and what it saw.
pub fn config(trust: Trust) -> Result<(Arc<ClientConfig>, Arc<Mutex<Seen>>), Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let seen = Arc::new(Mutex::new(Seen::default()));
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let public = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|error| Error::General(error.to_string()))?;
    let verifier = Verifier { trust, public, provider: provider.clone(), seen: seen.clone() };
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok((Arc::new(config), seen))
}

/// SHA-256 of a certificate, in hex.
pub fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    Sha256::digest(certificate.as_ref()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[derive(Debug)]
struct Verifier {
    trust: Trust,
    public: Arc<WebPkiServerVerifier>,
    provider: Arc<CryptoProvider>,
    seen: Arc<Mutex<Seen>>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let fingerprint = fingerprint(end_entity);
        let public = match &self.trust {
            Trust::Pinned(_) => Err(Error::General("it is not the pinned one".to_owned())),
            _ => self.public.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now).map(drop),
        };
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) =
            Seen { fingerprint: fingerprint.clone(), public: public.is_ok() };
        match &self.trust {
            Trust::Public => public?,
            Trust::Pinned(pin) if *pin == fingerprint => {}
            Trust::Pinned(_) => public?,
            Trust::Any => {}
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2 is not spoken".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
