//! `server`: a control plane.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::json;
use sf_runtime::telemetry;

use crate::config::Config;
use crate::context::Context;
use crate::failure::Done;
use crate::plane::{Hosts, Plane};

/// Arguments of `server`: they win over the configuration.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where REST and WebSocket listen.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Where agents dial.
    #[arg(long, value_name = "ADDRESS")]
    agents_listen: Option<SocketAddr>,
    /// The data folder.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Shows AI hosts what the protocol's conformance runner asks for, instead of our tools. For tests, on loopback.
    #[arg(long, hide = true)]
    mcp_conformance: bool,
}

/// Serves until SIGINT or SIGTERM.
///
/// # Errors
/// A refused configuration, a taken port, an unusable database.
pub async fn run(context: &Context, args: Args) -> Done {
    let mut config = Config::load(context.config_file().as_deref())?;
    config.api.listen = args.listen.unwrap_or(config.api.listen);
    config.agents.listen = args.agents_listen.unwrap_or(config.agents.listen);
    config.data.folder = args.data.unwrap_or(config.data.folder);
    telemetry::install(&telemetry::quieter(&config.log.filter, sf_mcp::wire::LIBRARY), config.log.format);
    let hosts = if args.mcp_conformance { Hosts::Conformance } else { Hosts::Tools };
    let plane = Plane::open_for(&config, hosts).await?;
    let url = plane.url(&config);
    let code = if plane.control.needs_setup().await? { Some(plane.control.new_setup_code().await?) } else { None };
    let code = code.as_ref().map(|code| code.expose().as_str());
    let document = json!({ "url": url, "agents": plane.agents, "setupCode": code });
    context.screen.event(&document);
    context.screen.say(&format!(
        "ServerFlow {} serves at {url}, agents at {}.",
        env!("CARGO_PKG_VERSION"),
        plane.agents
    ));
    if let Some(code) = code {
        context.screen.say(&format!(
            "There is nobody yet. Open {url}/welcome and make the first administrator with this one-time code:\n\n  \
             {code}\n\n\
             Without a browser: POST {url}/api/v1/setup {{\"code\", \"email\", \"name\", \"password\"}}"
        ));
    }
    Ok(plane.serve().await)
}
