//! `ctrls`: categories of templates.

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use crate::context::{Context, find_id};
use crate::failure::{Done, Exit};
use crate::screen::Table;
use crate::value;

/// Arguments of `ctrls`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// All categories (the default)
    List,
    /// Make one
    Create {
        /// Its name.
        name: String,
        /// For people.
        #[arg(long, default_value = "")]
        description: String,
    },
    /// Delete one without templates
    Delete {
        /// Name or id.
        ctrl: String,
    },
}

/// Runs `ctrls`.
///
/// # Errors
/// The control plane's.
pub async fn run(context: &Context, args: Args) -> Done {
    let client = context.client()?;
    match args.command.unwrap_or(Command::List) {
        Command::List => {
            context.list(&client, "/ctrls", &[], table).await?;
        }
        Command::Create { name, description } => {
            let body = json!({ "name": name, "description": description });
            let made = client.write(Method::POST, "/ctrls", Some(&body)).await?;
            context
                .screen
                .answer(&made, |_| format!("{name} is made. Fill it: serverflow alts import --ctrl {name:?} FILE"));
        }
        Command::Delete { ctrl } => {
            let id = find_id(&client, "/ctrls", &ctrl).await?;
            let deleted = client.write(Method::DELETE, &format!("/ctrls/{id}"), None).await?;
            context.screen.answer(&deleted, |_| format!("{ctrl} is deleted."));
        }
    }
    Ok(Exit::Succeeded)
}

fn table(ctrls: &Value) -> String {
    let mut table = Table::new(&["NAME", "DESCRIPTION", "ID"]);
    for ctrl in value::items(ctrls) {
        let at = |pointer| value::text(ctrl, pointer);
        table.row([at("/name"), at("/description"), at("/id")]);
    }
    table.or("No categories. Make one: serverflow ctrls create Games")
}
