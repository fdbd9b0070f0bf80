//! `enrol`: adding a machine.

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::{Done, Exit};
use crate::screen::Table;
use crate::value;

/// Arguments of `enrol`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// What the machine will be called; its host name otherwise.
    #[arg(long)]
    name: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Machines that show a code and wait
    Pending,
    /// Approve the code that a machine shows
    Approve {
        /// The code.
        code: String,
        /// What the machine will be called.
        #[arg(long)]
        name: Option<String>,
    },
    /// Turn a waiting machine away
    Deny {
        /// The id from `enrol pending`.
        id: String,
    },
}

/// Prints the one line to paste on the machine, or decides about a waiting one.
///
/// # Errors
/// The control plane's.
pub async fn run(context: &Context, args: Args) -> Done {
    let client = context.client()?;
    match args.command {
        None => {
            let body = args.name.map_or_else(|| json!({}), |name| json!({ "name": name }));
            let made = client.write(Method::POST, "/enrol-tokens", Some(&body)).await?;
            context.screen.answer(&made, |made| {
                format!(
                    "On the machine, run within 15 minutes (once):\n\n  {}\n\nthen start it: serverflow-agent run",
                    value::text(made, "/command")
                )
            });
        }
        Some(Command::Pending) => {
            context.list(&client, "/device-codes", &[], pending).await?;
        }
        Some(Command::Approve { code, name }) => {
            let mut body = json!({ "code": code });
            if let Some(name) = name {
                body["name"] = name.into();
            }
            let node = client.write(Method::POST, "/device-codes/approve", Some(&body)).await?;
            context.screen.answer(&node, |node| {
                let at = |pointer| value::text(node, pointer);
                format!("{} ({}) is enrolled. Its key words: {}", at("/name"), at("/host"), at("/keyWords"))
            });
        }
        Some(Command::Deny { id }) => {
            let denied = client.write(Method::POST, "/device-codes/deny", Some(&json!({ "id": id }))).await?;
            context.screen.answer(&denied, |_| "It was turned away.".to_owned());
        }
    }
    Ok(Exit::Succeeded)
}

fn pending(waiting: &Value) -> String {
    let mut table = Table::new(&["HOST", "ADDRESS", "KEY WORDS", "SINCE", "UNTIL", "ID"]);
    for code in value::items(waiting) {
        let at = |pointer| value::text(code, pointer);
        let (since, until) = (value::clock(code, "/createdAt"), value::clock(code, "/expiresAt"));
        table.row([at("/host"), at("/address"), at("/keyWords"), since, until, at("/id")]);
    }
    let shown = table.or("");
    if shown.is_empty() {
        return "No machine waits. On the machine: serverflow-agent enrol --url wss://HOST:7401 --device".to_owned();
    }
    format!("{shown}\n\nCompare the key words with the machine's screen, then: serverflow enrol approve CODE")
}
