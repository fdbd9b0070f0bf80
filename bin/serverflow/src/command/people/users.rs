//! `users`: the people of the team.

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::Client;
use crate::context::Context;
use crate::failure::{Done, Exit, Failure};
use crate::screen::Table;
use crate::value;

/// Arguments of `users`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// All people (the default)
    List {
        /// Only those in this state: active, suspended.
        #[arg(long)]
        state: Option<String>,
    },
    /// Ask somebody to join; prints the link, which is good once
    Invite {
        /// Their address.
        email: String,
        /// The role they get: owner, admin, operator, developer, viewer, support, or the id of an own one.
        #[arg(long, default_value = "viewer")]
        role: String,
        /// Where they get it: project:ID, node:ID, app:ID; in the whole team otherwise.
        #[arg(long, value_name = "KIND:ID")]
        object: Option<String>,
    },
    /// End everything they have open and let them in no more
    Suspend {
        /// Address or id.
        user: String,
    },
    /// Let a suspended person in again
    Reinstate {
        /// Address or id.
        user: String,
    },
    /// Delete a person and what is kept about them
    Remove {
        /// Address or id.
        user: String,
    },
}

/// Runs `users`.
///
/// # Errors
/// The control plane's.
pub async fn run(context: &Context, args: Args) -> Done {
    let client = context.client()?;
    match args.command.unwrap_or(Command::List { state: None }) {
        Command::List { state } => {
            context.list(&client, "/users", &[("state", state)], table).await?;
        }
        Command::Invite { email, role, object } => {
            let body = json!({ "email": email, "role": role, "object": parse_object(object.as_deref())? });
            let made = client.write(Method::POST, "/invitations", Some(&body)).await?;
            context.screen.answer(&made, invited);
        }
        Command::Suspend { user } => {
            let path = format!("/users/{}/suspend", find(&client, &user).await?);
            let done = client.write(Method::POST, &path, Some(&json!({}))).await?;
            context.screen.answer(&done, |_| format!("{user} is signed out everywhere and cannot sign in."));
        }
        Command::Reinstate { user } => {
            let path = format!("/users/{}/reinstate", find(&client, &user).await?);
            let done = client.write(Method::POST, &path, Some(&json!({}))).await?;
            context.screen.answer(&done, |_| format!("{user} may sign in again."));
        }
        Command::Remove { user } => {
            let path = format!("/users/{}", find(&client, &user).await?);
            let done = client.write(Method::DELETE, &path, None).await?;
            context.screen.answer(&done, |_| format!("{user} is removed."));
        }
    }
    Ok(Exit::Succeeded)
}

/// `app:<id>` as the API takes it.
fn parse_object(text: Option<&str>) -> Result<Value, Failure> {
    match text {
        None | Some("tenant") => Ok(json!({ "kind": "tenant" })),
        Some(text) => match text.split_once(':') {
            Some((kind, id)) => Ok(json!({ "kind": kind, "id": id })),
            None => {
                Err(Failure::usage(format!("`{text}` is no object.")).fix("Write it as app:ID, node:ID or project:ID."))
            }
        },
    }
}

/// The id of whom a person means by an address or an id.
///
/// # Errors
/// Nobody has that address; the control plane's.
pub async fn find(client: &Client, wanted: &str) -> Result<String, Failure> {
    if Uuid::try_parse(wanted).is_ok() {
        return Ok(wanted.to_owned());
    }
    let found = client.list("/users", &[("q", wanted.to_owned())]).await?;
    let email = wanted.trim().to_lowercase();
    let found = found.iter().find(|user| value::maybe(user, "/email").as_deref() == Some(email.as_str()));
    found.map(|user| value::text(user, "/id")).ok_or_else(|| {
        Failure::new(Exit::Failed, "user.not_found", format!("There is nobody with the address `{wanted}`."))
            .fix("List them with `serverflow users`.")
    })
}

fn table(users: &Value) -> String {
    let mut table = Table::new(&["NAME", "EMAIL", "STATE", "LAST SIGN-IN", "ID"]);
    for user in value::items(users) {
        let at = |pointer| value::text(user, pointer);
        table.row([at("/name"), at("/email"), at("/state"), value::moment(user, "/lastSignInAt"), at("/id")]);
    }
    table.or("Nobody.")
}

fn invited(made: &Value) -> String {
    let at = |pointer| value::text(made, pointer);
    let sent = if made.pointer("/mailed") == Some(&Value::Bool(true)) {
        "It is on its way by mail, too."
    } else {
        "There is no mail server: give them the link yourself."
    };
    format!(
        "{} may join as {} until {}, once, by this link:\n\n  {}\n\nIt is shown once. {sent}",
        at("/invitation/email"),
        at("/invitation/role"),
        value::moment(made, "/invitation/expiresAt"),
        at("/link"),
    )
}
