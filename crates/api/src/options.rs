//! How the edge is set up.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use sf_runtime::Tasks;
use sf_types::{Network, Secret};

use crate::dashboard::Dashboard;
use crate::layer::rescue::REQUEST_TIMEOUT;
use crate::rate::Rates;

/// Everything the edge has to be told.
#[derive(Clone, Debug)]
pub struct ApiOptions {
    /// Owner of the edge's tasks: sockets, keyed writes, the health watch.
    pub tasks: Tasks,
    /// Host names under which it may be asked, without ports. Others are refused: a page that has pointed its own
    /// name at this address (DNS rebinding) cannot speak to it. Loopback names are always allowed.
    pub hosts: Vec<String>,
    /// Origins of other pages that may call with a token; none unless told. `https://panel.example.org`.
    pub cors_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Networks from which it may be asked at all, besides loopback; everywhere where empty.
    pub allowed_networks: Vec<Network>,
    /// What `/metrics` asks for; without it, it is closed.
    pub metrics_token: Option<Arc<Secret<String>>>,
    /// Whether people reach it by HTTPS: cookies are `Secure` then, and browsers are told to stay with it.
    pub https: bool,
    /// What one caller may do in a time.
    pub rates: Rates,
    /// Sockets one principal may have open.
    pub sockets_per_principal: usize,
    /// Whether clients of Pterodactyl may call ([`crate::route::panel::clients`]).
    pub pterodactyl_clients: bool,
    /// The host and port agents dial, for the line that enrols one: `panel.example.org:7401`.
    pub agents_address: String,
    /// What a browser is shown.
    pub dashboard: Dashboard,
    /// Time a request may take, sending its body included; those that ask a node or walk the audit chain have their own.
    pub request_within: Duration,
}

impl ApiOptions {
    /// Sockets of one principal unless told otherwise.
    pub const SOCKETS_PER_PRINCIPAL: usize = 20;
    /// Where agents dial unless told otherwise.
    pub const AGENTS_ADDRESS: &'static str = "127.0.0.1:7401";

    /// The defaults: for a browser and a CLI on the same machine.
    pub fn new(tasks: Tasks) -> Self {
        Self {
            tasks,
            hosts: Vec::new(),
            cors_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            allowed_networks: Vec::new(),
            metrics_token: None,
            https: false,
            rates: Rates::default(),
            sockets_per_principal: Self::SOCKETS_PER_PRINCIPAL,
            pterodactyl_clients: false,
            agents_address: Self::AGENTS_ADDRESS.to_owned(),
            dashboard: Dashboard::default(),
            request_within: REQUEST_TIMEOUT,
        }
    }
}
