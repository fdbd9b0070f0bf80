//! `mcp-clients`: which AI hosts people have let in.

use clap::Subcommand;
use reqwest::Method;
use serde_json::Value;

use crate::context::{Context, find_id};
use crate::failure::{Done, Exit};
use crate::screen::Table;
use crate::value;

/// Arguments of `mcp-clients`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Those you have let in (the default)
    List {
        /// Those of everybody in the team, for who may change its people.
        #[arg(long)]
        all: bool,
    },
    /// End what one was granted; it is refused from its next request on
    Revoke {
        /// Name or id; of those of others, the id.
        host: String,
    },
}

/// Runs `mcp-clients`.
///
/// # Errors
/// The control plane's.
pub async fn run(context: &Context, args: Args) -> Done {
    let client = context.client()?;
    match args.command.unwrap_or(Command::List { all: false }) {
        Command::List { all } => {
            let all = all.then(|| "true".to_owned());
            context.list(&client, "/mcp/grants", &[("all", all)], table).await?;
        }
        Command::Revoke { host } => {
            let path = format!("/mcp/grants/{}", find_id(&client, "/mcp/grants", &host).await?);
            let gone = client.write(Method::DELETE, &path, None).await?;
            context.screen.answer(&gone, |_| format!("{host} is refused from now on."));
        }
    }
    Ok(Exit::Succeeded)
}

fn table(hosts: &Value) -> String {
    let mut table = Table::new(&["NAME", "MAY", "BY", "LAST USED", "UNTIL", "ID"]);
    for host in value::items(hosts) {
        let at = |pointer| value::text(host, pointer);
        let (used, until) = (value::moment(host, "/lastUsedAt"), value::moment(host, "/expiresAt"));
        table.row([at("/name"), at("/scopes"), at("/userName"), used, until, at("/id")]);
    }
    table.or("No AI host is let in. How to set one up: the Connect page of the dashboard.")
}
