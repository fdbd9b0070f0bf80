//! TLS towards the control plane. The provider is named, never the process-wide one.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::failure::{Exit, Failure};

/// Public authorities, and those of `ca`.
///
/// # Errors
/// [`Failure`] for a file without a certificate.
pub fn config(ca: Option<&Path>) -> Result<ClientConfig, Failure> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = ca {
        let refused = |reason: String| {
            Failure::usage(format!("{} holds no certificate that can be trusted: {reason}.", path.display()))
                .fix("Give a PEM file with the certificate of the authority, or of the server itself.")
        };
        for found in CertificateDer::pem_file_iter(path).map_err(|error| refused(error.to_string()))? {
            let certificate = found.map_err(|error| refused(error.to_string()))?;
            roots.add(certificate).map_err(|error| refused(error.to_string()))?;
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::new(Exit::Failed, "cli.tls", format!("{error}.")))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
