//! `ports`: ports of machines that servers can be given.

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use crate::context::{Context, find_id};
use crate::failure::{Done, Exit, Failure};
use crate::screen::Table;
use crate::value;

/// Arguments of `ports`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Ports of a machine
    List {
        /// Name or id of the machine.
        node: String,
        /// Free ones only.
        #[arg(long)]
        free: bool,
    },
    /// Add ports to a machine
    Add {
        /// Name or id of the machine.
        node: String,
        /// Ports and ranges: 25565,25570-25580.
        ports: String,
        /// Address of the machine.
        #[arg(long, default_value = "0.0.0.0")]
        ip: String,
        /// What people connect to in place of the address.
        #[arg(long)]
        alias: Option<String>,
    },
    /// Remove a free port from a machine
    Remove {
        /// Name or id of the machine.
        node: String,
        /// The port.
        port: u16,
    },
    /// Give a server another port
    Give {
        /// Name or id of the server.
        #[arg(value_name = "SERVER")]
        which: String,
        /// Which port of its machine; the lowest free one otherwise.
        port: Option<u16>,
    },
    /// Take a port from a server
    Take {
        /// Name or id of the server.
        #[arg(value_name = "SERVER")]
        which: String,
        /// The port.
        port: u16,
    },
}

/// Runs `ports`.
///
/// # Errors
/// The control plane's.
pub async fn run(context: &Context, args: Args) -> Done {
    let client = context.client()?;
    match args.command {
        Command::List { node, free } => {
            let id = find_id(&client, "/nodes", &node).await?;
            let (path, taken) = (format!("/nodes/{id}/allocations"), free.then(|| "false".to_owned()));
            context.list(&client, &path, &[("taken", taken)], |ports| table(ports, &node)).await?;
        }
        Command::Add { node, ports, ip, alias } => {
            let id = find_id(&client, "/nodes", &node).await?;
            let body = json!({ "ip": ip, "ports": ports, "alias": alias });
            let added = client.write(Method::POST, &format!("/nodes/{id}/allocations"), Some(&body)).await?;
            context
                .screen
                .answer(&added, |_| format!("{node} has the ports {ports}. See `serverflow ports list {node}`."));
        }
        Command::Remove { node, port } => {
            let id = find_id(&client, "/nodes", &node).await?;
            let found = client.list(&format!("/nodes/{id}/allocations"), &[("q", port.to_string())]).await?;
            let allocation = numbered(&found, port)?;
            let path = format!("/nodes/{id}/allocations/{allocation}");
            let removed = client.write(Method::DELETE, &path, None).await?;
            context.screen.answer(&removed, |_| format!("{port} of {node} is given to no server any more."));
        }
        Command::Give { which, port } => {
            let id = find_id(&client, "/servers", &which).await?;
            let mut body = json!({});
            if let Some(port) = port {
                let node = value::text(&client.get(&format!("/servers/{id}"), &[]).await?.data, "/nodeId");
                let found = client.list(&format!("/nodes/{node}/allocations"), &[("q", port.to_string())]).await?;
                body["allocationId"] = numbered(&found, port)?.into();
            }
            let given = client.write(Method::POST, &format!("/servers/{id}/allocations"), Some(&body)).await?;
            context.screen.answer(&given, |_| format!("{which} has one more port, from its next start on."));
        }
        Command::Take { which, port } => {
            let id = find_id(&client, "/servers", &which).await?;
            let found = client.get(&format!("/servers/{id}"), &[]).await?.data;
            let own = found.get("allocations").map_or(&[][..], value::items);
            let path = format!("/servers/{id}/allocations/{}", numbered(own, port)?);
            let taken = client.write(Method::DELETE, &path, None).await?;
            context.screen.answer(&taken, |_| format!("{which} loses {port}, from its next start on."));
        }
    }
    Ok(Exit::Succeeded)
}

/// The id of the port of this number.
fn numbered(ports: &[Value], port: u16) -> Result<String, Failure> {
    let found = ports.iter().find(|one| value::number(one, "/port") == Some(u64::from(port)));
    found.map(|one| value::text(one, "/id")).ok_or_else(|| Failure::usage(format!("there is no port {port} there")))
}

fn table(ports: &Value, node: &str) -> String {
    let mut table = Table::new(&["PORT", "ADDRESS", "PEOPLE CONNECT TO", "SERVER", "ID"]);
    for port in value::items(ports) {
        let at = |pointer| value::text(port, pointer);
        table.row([at("/port"), at("/ip"), at("/place"), at("/serverId"), at("/id")]);
    }
    table.or(&format!("No ports. Add some: serverflow ports add {node} 25565-25600"))
}
