//! TLS of the agents' endpoint: version 1.3 only, with a certificate of one's own choice or a self-signed one made
//! at first start. Agents trust the root key, not this certificate; they pin it all the same.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Where the certificate is.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// Certificate chain, PEM.
    pub certificate: PathBuf,
    /// Private key, PEM, 0600.
    pub key: PathBuf,
}

/// Why TLS cannot be offered.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("the TLS file {path} cannot be used: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file holds no usable PEM.
    #[error("the TLS file {path} holds no usable PEM: {reason}")]
    Pem {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Certificate and key do not fit, or the key type is not supported.
    #[error("the TLS certificate and key do not work together: {0}")]
    Config(#[from] rustls::Error),
    /// The self-signed certificate could not be made.
    #[error("the self-signed certificate could not be made: {0}")]
    Make(#[from] rcgen::Error),
}

impl TlsFiles {
    /// The files of a data folder.
    pub fn in_folder(folder: &Path) -> Self {
        Self { certificate: folder.join("agents-tls.crt"), key: folder.join("agents-tls.key") }
    }

    /// Makes a self-signed certificate for `hosts` unless there is one. The key is written first and both are
    /// synced, so that a crash leaves no certificate without its key.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn make_if_missing(&self, hosts: &[String]) -> Result<(), TlsError> {
        if self.certificate.exists() {
            return Ok(());
        }
        let made = rcgen::generate_simple_self_signed(hosts.to_vec())?;
        write_private(&self.key, made.signing_key.serialize_pem().as_bytes())?;
        write_private(&self.certificate, made.cert.pem().as_bytes())
    }

    /// The server side of TLS 1.3 with these files.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn server_config(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let pem = |path: &Path| {
            let path = path.to_owned();
            move |error: rustls::pki_types::pem::Error| TlsError::Pem { path, reason: error.to_string() }
        };
        let chain: Vec<_> = CertificateDer::pem_file_iter(&self.certificate)
            .map_err(pem(&self.certificate))?
            .collect::<Result<_, _>>()
            .map_err(pem(&self.certificate))?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(pem(&self.key))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        // Agents reconnect rarely and always authenticate anew; tickets would only cost memory.
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        Ok(Arc::new(config))
    }
}

fn write_private(path: &Path, bytes: &[u8]) -> Result<(), TlsError> {
    let write = || {
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|source| TlsError::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_made_once_and_its_key_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let files = TlsFiles::in_folder(folder.path());
        files.make_if_missing(&["localhost".into(), "127.0.0.1".into()]).unwrap();
        let first = fs::read(&files.certificate).unwrap();
        files.make_if_missing(&["localhost".into()]).unwrap();
        assert_eq!(fs::read(&files.certificate).unwrap(), first);
        assert_eq!(fs::metadata(&files.key).unwrap().permissions().mode() & 0o777, 0o600);
        files.server_config().unwrap();
    }

    #[test]
    fn a_damaged_key_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let files = TlsFiles::in_folder(folder.path());
        files.make_if_missing(&["localhost".into()]).unwrap();
        fs::write(&files.key, "nothing").unwrap();
        let error = files.server_config().unwrap_err().to_string();
        assert!(error.contains("agents-tls.key"), "{error}");
    }
}
