//! A control plane in this process: database, keys, REST, the agents' endpoint.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sf_api::ApiOptions;
use sf_control::Control;
use sf_gateway::{Gateway, TlsFiles};
use sf_mcp::wire::WireOptions;
use sf_runtime::{Clock, OnError, Rng, Tasks};
use sf_types::Secret;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::Config;
use crate::credentials::write_private;
use crate::failure::{Exit, Failure};
use crate::process::port_owner;

/// Time requests and writes get to finish at a stop.
pub const STOP_WITHIN: Duration = Duration::from_secs(10);
/// The token of `/metrics`, in the data folder.
const METRICS_TOKEN: &str = "metrics.token";

/// What AI hosts find behind their door.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hosts {
    /// Our tools.
    Tools,
    /// What the protocol's conformance runner asks for.
    Conformance,
}

impl Hosts {
    fn router(self, control: &Control, tasks: &Tasks, public_url: String) -> axum::Router {
        let options = WireOptions::new(tasks.clone(), public_url.clone());
        match self {
            Self::Tools => {
                let tools = sf_mcp::tools::Tools::new(control.clone(), sf_mcp::tools::Options { public_url });
                sf_mcp::wire::router(control.clone(), tools, options)
            }
            Self::Conformance => sf_mcp::conformance::router(control.clone(), options),
        }
    }
}

/// A running control plane.
#[derive(Debug)]
pub struct Plane {
    /// Its door.
    pub control: Control,
    /// Where REST and WebSocket are.
    pub api: SocketAddr,
    /// Where agents dial.
    pub agents: SocketAddr,
    tasks: Tasks,
}

impl Plane {
    /// Takes both ports, then opens the database and serves.
    ///
    /// # Errors
    /// A taken port (naming who holds it), a database or key that cannot be used.
    pub async fn open(config: &Config) -> Result<Self, Failure> {
        Self::open_for(config, Hosts::Tools).await
    }

    /// The same, with something else for AI hosts.
    ///
    /// # Errors
    /// As [`Plane::open`]; fixtures where other machines could reach them.
    pub async fn open_for(config: &Config, hosts: Hosts) -> Result<Self, Failure> {
        if hosts == Hosts::Conformance && !config.api.listen.ip().is_loopback() {
            let message =
                format!("{} is reachable from other machines, and fixtures are for tests.", config.api.listen);
            return Err(Failure::usage(message).fix("Listen on 127.0.0.1, or leave out --mcp-conformance."));
        }
        let (api, gateway) = (bind(config.api.listen).await?, config.agents.listen);
        // The gateway binds for itself, later; a taken port should be told before a database is made.
        drop(bind(gateway).await?);
        let data = config.data_folder()?;
        let tasks = Tasks::new();
        let mut options = config.control()?;
        options.public_url = config.public_url(api.local_addr().unwrap_or(config.api.listen))?;
        let public_url = options.public_url.clone();
        let started = Control::start(options, Clock::system(), Rng::system(), &tasks).await;
        let control = started.map_err(|error| {
            Failure::new(Exit::Failed, "server.start", format!("The control plane cannot start: {error}."))
                .fix("Check the database and the rights of the data folder with `serverflow doctor`.")
        })?;
        let agents = serve_agents(config, &control, &data, &tasks).await?;
        let address = api.local_addr().unwrap_or(config.api.listen);
        let options = api_options(config, &data, &tasks, agents)?;
        let tls = api_tls(config)?;
        let beside = hosts.router(&control, &tasks, public_url);
        let (router, shutdown) = (sf_api::router_beside(control.clone(), options, beside), tasks.shutdown());
        let trusted_proxies = config.api.trusted_proxies.clone();
        let serving = sf_api::Serving { trusted_proxies, ..sf_api::Serving::with(tls) };
        tasks.spawn("api", OnError::Stop, sf_api::serve(api, router, serving, shutdown));
        Ok(Self { control, api: address, agents, tasks })
    }

    /// The address people use.
    pub fn url(&self, config: &Config) -> String {
        let scheme = if config.api.tls_certificate.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.api)
    }

    /// Serves until a signal comes or a pillar breaks; then drains. Answers whether it ended as asked.
    pub async fn serve(self) -> Exit {
        let asked = tokio::select! {
            () = stop_signal() => true,
            () = async { self.tasks.shutdown().requested().await } => false,
        };
        self.stop().await;
        if asked { Exit::Succeeded } else { Exit::Failed }
    }

    /// Stops: no new work, drain, end.
    pub async fn stop(self) {
        let Self { control, tasks, .. } = self;
        drop(control);
        if !tasks.stop(STOP_WITHIN).await {
            tracing::warn!("some work was still going on after {} s and was ended", STOP_WITHIN.as_secs());
        }
    }
}

/// Resolves at SIGINT or SIGTERM.
pub async fn stop_signal() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut stream) => drop(stream.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        if error.kind() != std::io::ErrorKind::AddrInUse {
            return Failure::new(Exit::Failed, "server.listen", format!("{address} cannot be listened on: {error}."))
                .fix("Choose another address or port in the configuration.");
        }
        port_taken(address.port())
    })
}

/// The failure that names who holds a port.
pub fn port_taken(port: u16) -> Failure {
    let holder = port_owner(port).map_or_else(
        || "a program that the kernel does not show to us".to_owned(),
        |owner| format!("process {} ({})", owner.pid, owner.program),
    );
    Failure::new(Exit::Failed, "server.port_taken", format!("Port {port} is taken by {holder}."))
        .fix(format!("Stop that process, or choose another port: `make run PORT={}`.", port.saturating_add(10)))
}

async fn serve_agents(config: &Config, control: &Control, data: &Path, tasks: &Tasks) -> Result<SocketAddr, Failure> {
    let refused = |error: String| {
        Failure::new(Exit::Failed, "server.agents", format!("Agents cannot be served: {error}."))
            .fix("Check the [agents] section with `serverflow config`.")
    };
    let names = config.agents.all_names();
    let files = match (&config.agents.tls_certificate, &config.agents.tls_key) {
        (Some(certificate), Some(key)) => TlsFiles { certificate: certificate.clone(), key: key.clone() },
        _ => {
            let files = TlsFiles::in_folder(data);
            files.make_if_missing(&names).map_err(|error| refused(error.to_string()))?;
            files
        }
    };
    let tls = files.server_config().map_err(|error| refused(error.to_string()))?;
    let options = sf_gateway::Options::new(config.agents.listen, names, Some(tls));
    let gateway = Gateway::bind(options, control.clone()).await.map_err(|error| refused(error.to_string()))?;
    let address = gateway.address();
    gateway.start(tasks);
    Ok(address)
}

fn api_options(config: &Config, data: &Path, tasks: &Tasks, agents: SocketAddr) -> Result<ApiOptions, Failure> {
    let mut options = ApiOptions::new(tasks.clone());
    options.hosts.clone_from(&config.api.hosts);
    options.cors_origins.clone_from(&config.api.cors_origins);
    options.trusted_proxies.clone_from(&config.api.trusted_proxies);
    options.allowed_networks.clone_from(&config.api.allowed_networks);
    options.https = config.api.behind_https || config.api.tls_certificate.is_some();
    options.sockets_per_principal = config.api.sockets_per_principal;
    options.pterodactyl_clients = config.api.pterodactyl_clients;
    options.agents_address = config.agents.address.clone().unwrap_or_else(|| agents.to_string());
    options.metrics_token = Some(Arc::new(metrics_token(config, data)?));
    Ok(options)
}

fn api_tls(config: &Config) -> Result<Option<Arc<rustls::ServerConfig>>, Failure> {
    match (&config.api.tls_certificate, &config.api.tls_key) {
        (Some(certificate), Some(key)) => {
            let files = TlsFiles { certificate: certificate.clone(), key: key.clone() };
            let tls = files.server_config();
            tls.map(Some)
                .map_err(|error| Failure::usage(format!("{error}.")).fix("Check [api] tls_certificate and tls_key."))
        }
        (None, None) if config.api.listen.ip().is_loopback() => Ok(None),
        (None, None) => {
            let message =
                format!("{} is reachable from other machines, and there is no certificate.", config.api.listen);
            Err(Failure::usage(message)
                .fix("Give [api] tls_certificate and tls_key, or listen on 127.0.0.1 behind a proxy."))
        }
        _ => Err(Failure::usage("A certificate needs its key, and a key its certificate.")
            .fix("Give both [api] tls_certificate and tls_key.")),
    }
}

/// The configured token, else the one in the data folder, made at first start.
fn metrics_token(config: &Config, data: &Path) -> Result<Secret<String>, Failure> {
    if let Some(token) = &config.metrics.token {
        return Ok(Secret::new(token.clone()));
    }
    let path = data.join(METRICS_TOKEN);
    if let Ok(token) = std::fs::read_to_string(&path)
        && !token.trim().is_empty()
    {
        return Ok(Secret::new(token.trim().to_owned()));
    }
    let token: String = Rng::system().bytes::<32>().iter().map(|byte| format!("{byte:02x}")).collect();
    write_private(&path, token.as_bytes())?;
    Ok(Secret::new(token))
}
