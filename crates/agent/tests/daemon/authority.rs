//! A certificate authority of the test's own: Debian's `pebble` with its DNS server, on free ports.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::plane::LIMIT;

/// A port that nobody has now, and that the kernel gives to nobody who asks for any: what is stopped finds it free again.
pub fn free_port() -> u16 {
    let random = sf_runtime::Rng::system();
    let any = || 10_000 + u16::try_from(random.below(10_000)).unwrap();
    std::iter::repeat_with(any).find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()).unwrap()
}

/// 90 days.
const USUAL_LIFE_SECS: u64 = 90 * 86_400;

/// The authority. Ends with the test.
pub struct Authority {
    processes: Vec<Child>,
    /// Its directory.
    pub url: String,
    /// The certificate that vouches for its own address.
    pub ca: PathBuf,
    management: u16,
}

impl Authority {
    /// Looks at names through port `http`; `resolves`: whether its DNS server runs.
    pub async fn start(dir: &Path, http: u16, resolves: bool) -> Self {
        Self::of_life(dir, http, resolves, USUAL_LIFE_SECS).await
    }

    /// One whose certificates hold for so many seconds.
    pub async fn of_life(dir: &Path, http: u16, resolves: bool, life: u64) -> Self {
        let (listen, management, dns, control) = (free_port(), free_port(), free_port(), free_port());
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let (ca, key) = (dir.join("pebble-ca.pem"), dir.join("pebble-key.pem"));
        std::fs::write(&ca, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let config = serde_json::json!({"pebble": {
            "listenAddress": format!("127.0.0.1:{listen}"),
            "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": ca, "privateKey": key, "httpPort": http, "tlsPort": free_port(),
            "certificateValidityPeriod": life, "ocspResponderURL": "", "externalAccountBindingRequired": false,
        }});
        let file = dir.join("pebble.json");
        std::fs::write(&file, config.to_string()).unwrap();
        let log = std::fs::File::create(dir.join("pebble.log")).unwrap();
        let quiet = || (Stdio::from(log.try_clone().unwrap()), Stdio::from(log.try_clone().unwrap()));
        let mut processes = Vec::new();
        if resolves {
            let (out, err) = quiet();
            let child = Command::new("pebble-challtestsrv")
                .args([
                    "-defaultIPv4",
                    "127.0.0.1",
                    "-defaultIPv6",
                    "",
                    "-http01",
                    "",
                    "-https01",
                    "",
                    "-tlsalpn01",
                    "",
                ])
                .args(["-dns01", &format!("127.0.0.1:{dns}"), "-management", &format!("127.0.0.1:{control}")])
                .stdout(out)
                .stderr(err)
                .spawn();
            processes.push(child.expect("pebble-challtestsrv (Debian package `pebble`)"));
        }
        let (out, err) = quiet();
        let child = Command::new("pebble")
            .arg("-config")
            .arg(&file)
            .args(["-dnsserver", &format!("127.0.0.1:{dns}")])
            .envs([("PEBBLE_VA_NOSLEEP", "1"), ("PEBBLE_WFE_NONCEREJECT", "5")])
            .stdout(out)
            .stderr(err)
            .spawn();
        processes.push(child.expect("pebble (Debian package `pebble`)"));
        let url = format!("https://localhost:{listen}/dir");
        let authority = Self { processes, url, ca, management };
        let up = async {
            while TcpStream::connect((Ipv4Addr::LOCALHOST, listen)).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LIMIT, up).await.expect("pebble listens");
        authority
    }

    /// Its root, which browsers would know.
    pub async fn root(&self) -> CertificateDer<'static> {
        let own = CertificateDer::from_pem_file(&self.ca).unwrap();
        let answer = get_tls(self.management, "localhost", &own, "GET", "/roots/0").await.unwrap();
        CertificateDer::from_pem_slice(answer.split_once("\r\n\r\n").unwrap().1.as_bytes()).unwrap()
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        for child in &mut self.processes {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The whole answer to a request over TLS, whose certificate has to be for `host`.
pub async fn get_tls(
    port: u16,
    host: &str,
    root: &CertificateDer<'static>,
    method: &str,
    path: &str,
) -> std::io::Result<String> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let mut stream = connector.connect(ServerName::try_from(host.to_owned()).unwrap(), stream).await?;
    let request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes).await {
        Err(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => return Err(error),
        _ => {}
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The whole answer to a request without TLS.
pub async fn get_plain(port: u16, host: &str, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    Ok(text)
}
