//! `keys`: what programs and AI agents come in by.

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use crate::context::{Context, find_id};
use crate::failure::{Done, Exit};
use crate::screen::Table;
use crate::value;

/// Arguments of `keys`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Your keys, never their texts (the default)
    List {
        /// Only those with this in the name.
        #[arg(long, value_name = "TEXT")]
        q: Option<String>,
    },
    /// Make one; its text is shown once
    Create(Create),
    /// End one; whoever uses it is refused from the next request on
    Revoke {
        /// Name or id.
        key: String,
    },
}

#[derive(Debug, clap::Args)]
struct Create {
    /// What it is for; of an AI agent, what people know it by.
    name: String,
    /// For an AI agent that acts for you: what it asks for is weighed by its own record, and it decides nothing.
    #[arg(long)]
    ai: bool,
    /// Days it is valid, 1 to 365.
    #[arg(long, default_value_t = 30)]
    days: u16,
    /// A permission it is limited to (`app:view`); all of yours otherwise. May be given several times.
    #[arg(long = "scope", value_name = "PERMISSION")]
    scopes: Vec<String>,
    /// The project it is limited to, by name or id.
    #[arg(long)]
    project: Option<String>,
    /// Addresses it may be used from (`192.0.2.0/24`); all otherwise. May be given several times.
    #[arg(long = "from", value_name = "ADDRESS")]
    addresses: Vec<String>,
}

/// Runs `keys`.
///
/// # Errors
/// The control plane's.
pub async fn run(context: &Context, args: Args) -> Done {
    let client = context.client()?;
    match args.command.unwrap_or(Command::List { q: None }) {
        Command::List { q } => {
            let filter: Vec<_> = q.into_iter().map(|q| ("q", q)).collect();
            let keys = client.get("/tokens", &filter).await?.data;
            context.screen.answer(&keys, table);
        }
        Command::Create(create) => {
            let mut body = json!({ "name": create.name, "days": create.days });
            if create.ai {
                body["speaksFor"] = "ai".into();
            }
            if !create.scopes.is_empty() {
                body["scopes"] = create.scopes.into();
            }
            if !create.addresses.is_empty() {
                body["addresses"] = create.addresses.into();
            }
            if let Some(project) = &create.project {
                body["project"] = find_id(&client, "/projects", project).await?.into();
            }
            let made = client.write(Method::POST, "/tokens", Some(&body)).await?;
            context.screen.answer(&made, shown);
        }
        Command::Revoke { key } => {
            let path = format!("/tokens/{}", find_id(&client, "/tokens", &key).await?);
            let gone = client.write(Method::DELETE, &path, None).await?;
            context.screen.answer(&gone, |_| format!("{key} is refused from now on."));
        }
    }
    Ok(Exit::Succeeded)
}

fn is_ai(key: &Value) -> bool {
    value::maybe(key, "/speaksFor").as_deref() == Some("ai")
}

fn shown(made: &Value) -> String {
    let key = made.get("token").unwrap_or(&Value::Null);
    let (name, secret, until) =
        (value::text(key, "/name"), value::text(made, "/secret"), value::moment(key, "/expiresAt"));
    let whose = if is_ai(key) {
        "For an AI agent that acts for you. What it asks for waits for people until its own record is good enough, and it \
         decides nothing: give it this key and none of your own."
    } else {
        "Whoever has it can do what you can do, or what it is limited to."
    };
    format!(
        "{name}, until {until}:\n\n  {secret}\n\nIt is shown once. {whose}\nUse it: SERVERFLOW_TOKEN, or Authorization: Bearer."
    )
}

fn table(keys: &Value) -> String {
    let mut table = Table::new(&["NAME", "FOR", "MAY", "LAST USED", "UNTIL", "ID"]);
    for key in value::items(keys) {
        let at = |pointer| value::text(key, pointer);
        let whose = if is_ai(key) { "an AI agent" } else { "a program" };
        let may = value::maybe(key, "/scopes").unwrap_or_else(|| "all that you may".to_owned());
        let (used, until) = (value::moment(key, "/lastUsedAt"), value::moment(key, "/expiresAt"));
        table.row([at("/name"), whose.to_owned(), may, used, until, at("/id")]);
    }
    table.or("There is no key. Make one: serverflow keys create NAME [--ai]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(speaks_for: &str, scopes: Value) -> Value {
        json!({
            "id": "k1", "name": "bot", "speaksFor": speaks_for, "scopes": scopes, "createdAt": "2026-11-21T06:27:41.007Z",
            "expiresAt": "2026-12-21T06:27:41.007Z", "lastUsedAt": null, "lastUsedFrom": null, "addresses": null,
            "projectId": null,
        })
    }

    #[test]
    fn a_list_says_who_speaks_by_each() {
        let all = table(&json!([key("ai", json!(["app:view", "app:deploy"])), key("person", Value::Null)]));
        assert!(all.contains("an AI agent  app:view, app:deploy"), "{all}");
        assert!(all.contains("a program    all that you may"), "{all}");
        assert!(table(&json!([])).contains("keys create NAME [--ai]"));
    }

    #[test]
    fn a_new_one_is_shown_with_what_it_can_do() {
        for (who, told) in [("ai", "it decides nothing"), ("person", "Whoever has it")] {
            let shown = shown(&json!({ "token": key(who, Value::Null), "secret": "sf_x" }));
            assert!(shown.contains("\n\n  sf_x\n\n") && shown.replace('\n', " ").contains(told), "{shown}");
        }
    }
}
