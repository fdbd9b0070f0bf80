//! `secrets`: named values that apps can be given and nobody can read.

use std::io::{IsTerminal, Read};

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};
use sf_types::Secret;

use crate::client::Client;
use crate::clone;
use crate::context::{Context, find_id};
use crate::failure::{Done, Exit, Failure};
use crate::screen::Table;
use crate::value;

/// Bytes read from standard input: more than a value may have, so that a longer one is refused and not cut.
const MAX_READ_BYTES: u64 = 64 * 1024;

/// Arguments of `secrets`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// All secrets, never their values (the default)
    List {
        /// Only those with this in the name.
        #[arg(long, value_name = "TEXT")]
        q: Option<String>,
    },
    /// Make one, or give it a new value: read from standard input, or asked for
    Set {
        /// Its name.
        name: String,
        /// What it is for.
        #[arg(long)]
        description: Option<String>,
        /// Whose processes may be given it: production (unless told otherwise), preview or all.
        #[arg(long, value_name = "ENVIRONMENT")]
        environment: Option<String>,
    },
    /// Delete one with all its versions; refused while an app uses it
    Delete {
        /// Name or id.
        secret: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

/// Runs `secrets`.
///
/// # Errors
/// The control plane's.
pub async fn run(context: &Context, args: Args) -> Done {
    let client = context.client()?;
    match args.command.unwrap_or(Command::List { q: None }) {
        Command::List { q } => {
            context.list(&client, "/secrets", &[("q", q)], table).await?;
        }
        Command::Set { name, description, environment } => {
            set(context, &client, &name, (description, environment)).await?;
        }
        Command::Delete { secret, yes } => {
            if !yes && !clone::agreed(&format!("Delete the secret {secret} with all its versions?"))? {
                return Ok(Exit::Failed);
            }
            let id = find_id(&client, "/secrets", &secret).await?;
            let gone = client.write(Method::DELETE, &format!("/secrets/{id}"), None).await?;
            context.screen.answer(&gone, |_| format!("{secret} is deleted."));
        }
    }
    Ok(Exit::Succeeded)
}

async fn set(
    context: &Context,
    client: &Client,
    name: &str,
    (description, environment): (Option<String>, Option<String>),
) -> Result<(), Failure> {
    let read = read_value()?;
    let known = client.list("/secrets", &[("q", name.to_owned())]).await?;
    let known = known.iter().find(|secret| value::maybe(secret, "/name").as_deref() == Some(name));
    let mut body = json!({ "value": read.expose() });
    if let Some(description) = description {
        body["description"] = description.into();
    }
    if let Some(environment) = environment {
        body["environment"] = environment.into();
    }
    let (method, path) = match known {
        Some(secret) => (Method::PATCH, format!("/secrets/{}", value::text(secret, "/id"))),
        None => {
            body["name"] = name.into();
            (Method::POST, "/secrets".to_owned())
        }
    };
    let kept = client.write(method, &path, Some(&body)).await?;
    context.screen.answer(&kept, |kept| {
        let version = value::text(kept, "/version");
        let users = users(kept);
        let next = if users.is_empty() { String::new() } else { format!(" Deploy or restart {users} to use it.") };
        format!("{name} is kept, version {version}.{next}")
    });
    Ok(())
}

/// The value never stands in the arguments, which every user of the machine can see.
fn read_value() -> Result<Secret<String>, Failure> {
    if std::io::stdin().is_terminal() {
        let typed = rpassword::prompt_password("Value: ");
        return typed.map(Secret::new).map_err(|error| Failure::usage(format!("No value could be read: {error}.")));
    }
    let mut text = Secret::new(String::new());
    let read = std::io::stdin().lock().take(MAX_READ_BYTES).read_to_string(text.expose_mut());
    read.map_err(|error| Failure::usage(format!("Standard input cannot be read: {error}.")))?;
    // The end of the last line is the shell's, not the value's.
    let length = text
        .expose()
        .strip_suffix('\n')
        .map_or(text.expose().len(), |line| line.strip_suffix('\r').unwrap_or(line).len());
    text.expose_mut().truncate(length);
    Ok(text)
}

fn users(secret: &Value) -> String {
    let names =
        value::items(secret.get("usedBy").unwrap_or(&Value::Null)).iter().map(|user| value::text(user, "/name"));
    names.collect::<Vec<_>>().join(", ")
}

fn table(secrets: &Value) -> String {
    let mut table = Table::new(&["NAME", "VERSION", "USED BY", "CHANGED", "BY", "DESCRIPTION"]);
    for secret in value::items(secrets) {
        let at = |pointer| value::text(secret, pointer);
        let changed = value::moment(secret, "/updatedAt");
        table.row([at("/name"), at("/version"), users(secret), changed, at("/updatedBy"), at("/description")]);
    }
    table.or("There is no secret. Make one: serverflow secrets set NAME")
}
