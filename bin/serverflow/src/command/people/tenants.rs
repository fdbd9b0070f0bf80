//! `tenants`: the teams of an installation that holds several, for those who operate it.

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::Client;
use crate::context::Context;
use crate::failure::{Done, Exit, Failure};
use crate::screen::Table;
use crate::value;

/// Arguments of `tenants`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// All teams (the default)
    List {
        /// Only those with this in their name.
        #[arg(long)]
        q: Option<String>,
    },
    /// Make a team and ask its owner to join; prints the link, which is good once
    Create {
        /// What it is called.
        name: String,
        /// Address of its owner.
        #[arg(long, value_name = "EMAIL")]
        owner: String,
    },
    /// Another link for a team that has no owner yet
    Invite {
        /// Name or id.
        team: String,
        /// Address of its owner.
        #[arg(long, value_name = "EMAIL")]
        owner: String,
    },
    /// Give a team another name
    Rename {
        /// Name or id.
        team: String,
        /// Its new name.
        name: String,
    },
    /// Shut its people and keys out; its machines and apps keep running
    Suspend {
        /// Name or id.
        team: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Let its people and keys in again
    Resume {
        /// Name or id.
        team: String,
    },
}

/// Runs `tenants`.
///
/// # Errors
/// The control plane's.
pub async fn run(context: &Context, args: Args) -> Done {
    let client = context.client()?;
    match args.command.unwrap_or(Command::List { q: None }) {
        Command::List { q } => {
            context.list(&client, "/tenants", &[("q", q)], table).await?;
        }
        Command::Create { name, owner } => {
            let body = json!({ "name": name, "owner": owner });
            let made = client.write(Method::POST, "/tenants", Some(&body)).await?;
            context.screen.answer(&made, |made| invited(made, &owner));
        }
        Command::Invite { team, owner } => {
            let path = format!("/tenants/{}/invite", find(&client, &team).await?);
            let made = client.write(Method::POST, &path, Some(&json!({ "owner": owner }))).await?;
            context.screen.answer(&made, |made| invited(made, &owner));
        }
        Command::Rename { team, name } => {
            let done = change(&client, &team, &json!({ "name": name })).await?;
            context.screen.answer(&done, |_| format!("{team} is called {name} now."));
        }
        Command::Suspend { team, reason } => {
            let done = change(&client, &team, &json!({ "suspended": true, "reason": reason })).await?;
            let said = format!("The people and keys of {team} are shut out; its machines and apps keep running.");
            context.screen.answer(&done, |_| said);
        }
        Command::Resume { team } => {
            let done = change(&client, &team, &json!({ "suspended": false })).await?;
            context.screen.answer(&done, |_| format!("The people and keys of {team} come in again."));
        }
    }
    Ok(Exit::Succeeded)
}

async fn change(client: &Client, team: &str, body: &Value) -> Result<Value, Failure> {
    client.write(Method::PATCH, &format!("/tenants/{}", find(client, team).await?), Some(body)).await
}

/// The id of the team that is meant by a name or an id.
async fn find(client: &Client, wanted: &str) -> Result<String, Failure> {
    if Uuid::try_parse(wanted).is_ok() {
        return Ok(wanted.to_owned());
    }
    let found = client.list("/tenants", &[("q", wanted.to_owned())]).await?;
    let named: Vec<_> = found.iter().filter(|team| value::text(team, "/name") == wanted).collect();
    match named.as_slice() {
        [team] => Ok(value::text(team, "/id")),
        [] => Err(Failure::new(Exit::Failed, "tenant.not_found", format!("There is no team `{wanted}`."))
            .fix("List them with `serverflow tenants`.")),
        _ => Err(Failure::new(Exit::Failed, "tenant.ambiguous", format!("Several teams are called `{wanted}`."))
            .fix("Give the id: `serverflow tenants`.")),
    }
}

fn table(teams: &Value) -> String {
    let mut table = Table::new(&["NAME", "STATE", "PEOPLE", "NODES", "MADE", "ID"]);
    for team in value::items(teams) {
        let at = |pointer| value::text(team, pointer);
        let state = match value::maybe(team, "/reason") {
            Some(reason) => format!("{}: {reason}", at("/state")),
            None if team.pointer("/owned") == Some(&Value::Bool(false)) => "no owner yet".to_owned(),
            None => at("/state"),
        };
        let made = value::moment(team, "/createdAt");
        table.row([at("/name"), state, at("/people"), at("/nodes"), made, at("/id")]);
    }
    table.or("No team is called so.")
}

fn invited(made: &Value, owner: &str) -> String {
    let name = value::text(made, "/tenant/name");
    let mailed =
        if made.pointer("/mailed") == Some(&Value::Bool(true)) { " It is on its way by mail, too." } else { "" };
    format!(
        "{owner} joins `{name}` as its owner by this link, good once within 7 days:\n{}\n{mailed}",
        value::text(made, "/link")
    )
    .trim_end()
    .to_owned()
}
