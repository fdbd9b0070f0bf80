//! The sections.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sf_control::Security;
use sf_runtime::telemetry::LogFormat;
use sf_types::Network;

/// Port of REST and WebSocket unless told otherwise.
pub const API_PORT: u16 = 7400;
/// Port of the agents' endpoint unless told otherwise.
pub const AGENTS_PORT: u16 = 7401;

/// `[api]`: REST and WebSocket.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Api {
    /// Where to listen. Addresses other than loopback demand TLS.
    pub listen: SocketAddr,
    /// Host names under which it may be asked besides loopback.
    pub hosts: Vec<String>,
    /// Origins of other pages that may call with a token.
    pub cors_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Networks from which it may be asked besides loopback (`192.0.2.0/24`); everywhere where empty.
    pub allowed_networks: Vec<Network>,
    /// Whether a proxy in front speaks HTTPS to people.
    pub behind_https: bool,
    /// Certificate chain, PEM.
    pub tls_certificate: Option<PathBuf>,
    /// Its private key, PEM.
    pub tls_key: Option<PathBuf>,
    /// The address under which people open the dashboard (`https://panel.example.org`): links in letters and
    /// invitations begin with it. The listening address otherwise; needed where there is a mail server.
    pub public_url: Option<String>,
    /// Sockets one principal may have open.
    pub sockets_per_principal: usize,
    /// Whether client apps of Pterodactyl and Pelican may call, under `/api/client` and `/api/servers`.
    pub pterodactyl_clients: bool,
}

impl Default for Api {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, API_PORT)),
            hosts: Vec::new(),
            cors_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            allowed_networks: Vec::new(),
            behind_https: false,
            tls_certificate: None,
            tls_key: None,
            public_url: None,
            sockets_per_principal: sf_api::ApiOptions::SOCKETS_PER_PRINCIPAL,
            pterodactyl_clients: false,
        }
    }
}

/// `[agents]`: where agents dial.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Agents {
    /// Where to listen. Always TLS 1.3.
    pub listen: SocketAddr,
    /// Host and port as agents dial them; the listening address otherwise.
    pub address: Option<String>,
    /// Further names agents may dial it by.
    pub names: Vec<String>,
    /// Certificate chain, PEM; a self-signed one is made otherwise, which agents pin.
    pub tls_certificate: Option<PathBuf>,
    /// Its private key, PEM.
    pub tls_key: Option<PathBuf>,
}

impl Default for Agents {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, AGENTS_PORT)),
            address: None,
            names: Vec::new(),
            tls_certificate: None,
            tls_key: None,
        }
    }
}

impl Agents {
    /// What agents dial: `panel.example.org:7401`.
    pub fn dialled(&self) -> String {
        self.address.clone().unwrap_or_else(|| self.listen.to_string())
    }

    /// Every host name agents may dial it by, without ports.
    pub fn all_names(&self) -> Vec<String> {
        let dialled = self.dialled();
        let host = dialled.rsplit_once(':').map_or(dialled.as_str(), |(host, _)| host);
        let mut names = vec![host.trim_matches(['[', ']']).to_owned()];
        names.extend(self.names.iter().cloned());
        if self.listen.ip().is_loopback() {
            names.extend(["localhost".to_owned(), "127.0.0.1".to_owned()]);
        }
        names.sort();
        names.dedup();
        names
    }
}

/// `[data]`: where keys and the embedded database are.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Data {
    /// The folder, 0700.
    pub folder: PathBuf,
}

impl Default for Data {
    fn default() -> Self {
        Self { folder: PathBuf::from("data/control") }
    }
}

/// `[database]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// `sqlite://path` or `postgres://...` (`DATABASE_URL`); SQLite in the data folder otherwise. A PostgreSQL on
    /// another machine is spoken to by TLS: `sslmode=require` where the address names none; `verify-full` with
    /// `sslrootcert` looks at the certificate, too.
    pub url: Option<String>,
    /// A replica to read from, PostgreSQL only (`DATABASE_READ_URL`).
    pub read_url: Option<String>,
    /// Connections for reading.
    pub readers: u32,
    /// Whether `sslmode=disable`, `allow` and `prefer` are taken for a PostgreSQL on another machine: passwords and
    /// everything stored can be read and changed on the way.
    pub allow_plaintext: bool,
}

impl Default for Database {
    fn default() -> Self {
        Self { url: None, read_url: None, readers: sf_store::store::DEFAULT_READERS, allow_plaintext: false }
    }
}

/// `[master]`: the key under which secrets are sealed. `key` is taken first, then `command`, then `file`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Master {
    /// 32 bytes in base64 (`MASTER_KEY`).
    pub key: Option<String>,
    /// Program and arguments that print it.
    pub command: Vec<String>,
    /// A file of mode 0600; `master.key` in the data folder otherwise, made at first start.
    pub file: Option<PathBuf>,
}

/// `[mail]`: the server that sends letters (invitations, new passwords). Without a `host` nothing is sent, and whoever
/// invites is shown the link to give on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mail {
    /// Name of the server: `smtp.example.org`.
    pub host: Option<String>,
    /// Its port; 587 for `starttls`, 465 for `tls`, 25 for `none`.
    pub port: Option<u16>,
    /// `starttls`, `tls`, or `none` for a server on this machine only.
    pub security: Security,
    /// Who signs in there.
    pub user: Option<String>,
    /// With which password.
    pub password: Option<String>,
    /// A file that holds the password, instead.
    pub password_file: Option<PathBuf>,
    /// The sender: `ServerFlow <serverflow@example.org>`.
    pub from: Option<String>,
    /// A certificate authority of your own that vouches for the server, PEM.
    pub ca: Option<PathBuf>,
}

/// `[tenancy]`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tenancy {
    /// Whether several teams live here, each apart from the others (`MULTI_TENANT`); otherwise what
    /// `serverflow admin multi-tenant` wrote down, and one team at first.
    pub multi_tenant: Option<bool>,
}

/// `[metrics]`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// What `/metrics` asks for; `metrics.token` in the data folder otherwise, made at first start.
    pub token: Option<String>,
}

/// `[log]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// A filter: `info,sf_control=debug`.
    pub filter: String,
    /// `auto` (JSON unless a person watches), `json` or `text`.
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: LogFormat::Auto }
    }
}
