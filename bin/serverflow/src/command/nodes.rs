//! `nodes`: the machines.

pub mod enrol;
pub mod metrics;

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};
use sf_types::ByteSize;

use super::deploy;
use crate::context::{Context, find, find_id};
use crate::failure::{Done, Exit};
use crate::run;
use crate::screen::Table;
use crate::value;

/// Parts of the names of fields that hold bytes.
const BYTES: [&str; 5] = ["memory", "disk", "Rss", "netReceived", "netSent"];

/// Arguments of `nodes`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// All machines (the default)
    List {
        /// Only those in this state: online, offline, locked.
        #[arg(long)]
        status: Option<String>,
    },
    /// One machine with what it has
    Show {
        /// Name or id.
        node: String,
    },
    /// Give it another name
    Rename {
        /// Name or id.
        node: String,
        /// Its new name.
        name: String,
    },
    /// Forget a machine; its agent is refused from now on
    Remove {
        /// Name or id.
        node: String,
    },
    /// Trust a machine again whose key was seen twice
    Unlock {
        /// Name or id.
        node: String,
    },
    /// Services of a machine that can be steered from here
    Services {
        /// Name or id.
        node: String,
    },
    /// Start, stop, restart or reload a service of a machine
    Service(Service),
}

/// Arguments of `nodes service`.
#[derive(Debug, clap::Args)]
struct Service {
    /// What to do.
    #[arg(value_parser = ["start", "stop", "restart", "reload"])]
    verb: String,
    /// Name or id of the machine.
    node: String,
    /// Name of the service, as `nodes services` lists it.
    service: String,
    /// Only say what would happen.
    #[arg(long)]
    dry_run: bool,
    /// Do not wait for its end.
    #[arg(long)]
    no_follow: bool,
}

/// Runs `nodes`.
///
/// # Errors
/// The control plane's.
pub async fn run(context: &Context, args: Args) -> Done {
    let client = context.client()?;
    match args.command.unwrap_or(Command::List { status: None }) {
        Command::List { status } => {
            context.list(&client, "/nodes", &[("status", status)], table).await?;
        }
        Command::Show { node } => {
            let id = find_id(&client, "/nodes", &node).await?;
            let found = client.get(&format!("/nodes/{id}"), &[]).await?.data;
            context.screen.answer(&found, facts);
        }
        Command::Rename { node, name } => {
            let id = find_id(&client, "/nodes", &node).await?;
            let body = json!({ "name": name });
            let renamed = client.write(Method::PATCH, &format!("/nodes/{id}"), Some(&body)).await?;
            context.screen.answer(&renamed, |_| format!("{node} is called {name} now."));
        }
        Command::Remove { node } => {
            let id = find_id(&client, "/nodes", &node).await?;
            let removed = client.write(Method::DELETE, &format!("/nodes/{id}"), None).await?;
            context
                .screen
                .answer(&removed, |_| format!("{node} is forgotten. Its apps run on until someone stops them there."));
        }
        Command::Unlock { node } => {
            let id = value::text(&find(&client, "/nodes", &node).await?, "/id");
            let unlocked = client.write(Method::POST, &format!("/nodes/{id}/unlock"), Some(&json!({}))).await?;
            context.screen.answer(&unlocked, |_| format!("{node} may connect again."));
        }
        Command::Services { node } => {
            let id = find_id(&client, "/nodes", &node).await?;
            let found = client.get(&format!("/nodes/{id}/services"), &[]).await?.data;
            context.screen.answer(&found, services);
        }
        Command::Service(Service { verb, node, service, dry_run, no_follow }) => {
            let path = format!("/nodes/{}/services", find_id(&client, "/nodes", &node).await?);
            let body = json!({ "service": service, "verb": verb });
            if dry_run {
                let answer = client.write_with(Method::POST, &path, &[("dryRun", "true".into())], Some(&body)).await?;
                context.screen.answer(&answer, deploy::plan);
                return Ok(Exit::Succeeded);
            }
            let answer = client.write(Method::POST, &path, Some(&body)).await?;
            return run::settle(context, &client, &answer, !no_follow).await;
        }
    }
    Ok(Exit::Succeeded)
}

fn table(nodes: &Value) -> String {
    let mut table = Table::new(&["NAME", "STATUS", "HOST", "OS", "AGENT", "LAST SEEN", "ID"]);
    for node in value::items(nodes) {
        let at = |pointer| value::text(node, pointer);
        let seen = value::moment(node, "/lastSeenAt");
        table.row([at("/name"), at("/status"), at("/host"), at("/os"), at("/agentVersion"), seen, at("/id")]);
    }
    table.or("No machine is enrolled. Add one with `serverflow enrol`.")
}

fn services(services: &Value) -> String {
    let mut table = Table::new(&["SERVICE", "STATE", "STEERED BY", "POSSIBLE"]);
    for service in value::items(services) {
        let at = |pointer| value::text(service, pointer);
        let verbs: Vec<_> =
            service.get("verbs").map_or(&[][..], value::items).iter().map(|verb| value::text(verb, "")).collect();
        table.row([at("/name"), at("/state"), at("/by"), verbs.join(", ")]);
    }
    table.or(
        "Nothing of this machine can be steered from here: its owner has to set `danger = true` in policy.toml there.",
    )
}

fn facts(node: &Value) -> String {
    let mut table = Table::facts();
    for (name, pointer) in [
        ("name", "/name"),
        ("id", "/id"),
        ("status", "/status"),
        ("locked because", "/lockedReason"),
        ("host", "/host"),
        ("os", "/os"),
        ("arch", "/arch"),
        ("agent", "/agentVersion"),
        ("key", "/keyId"),
        ("key words", "/keyWords"),
    ] {
        table.fact(name, value::text(node, pointer));
    }
    table.fact("connected since", value::moment(node, "/connectedAt"));
    table.fact("last seen", value::moment(node, "/lastSeenAt"));
    for (name, part) in [("facts", "/facts"), ("latest", "/latest")] {
        let fields = node.pointer(part).and_then(Value::as_object);
        for (key, found) in fields.into_iter().flatten() {
            let shown = match value::number(found, "") {
                Some(bytes) if BYTES.iter().any(|part| key.contains(part)) => ByteSize(bytes).to_string(),
                _ => value::text(found, ""),
            };
            table.fact(&format!("{name}.{key}"), shown);
        }
    }
    table.print()
}
