//! `runs`: what was done, how it went, and proof of who ordered it.

mod proof;

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::context::Context;
use crate::failure::{Done, Exit, Failure};
use crate::run;
use crate::screen::Table;
use crate::value;

/// Arguments of `runs`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The newest runs (the default)
    List {
        /// Only this state.
        #[arg(long)]
        state: Option<String>,
        /// Only this action: app.deploy.
        #[arg(long)]
        action: Option<String>,
        /// Only of this app.
        #[arg(long)]
        app: Option<String>,
        /// Runs at the most.
        #[arg(long, default_value_t = 20)]
        limit: u16,
    },
    /// One run: its timeline, its signatures (verified here), its end
    Show {
        /// Its id.
        id: String,
        /// Print its build log, too.
        #[arg(long)]
        log: bool,
    },
    /// Follow a run to its end
    Follow {
        /// Its id.
        id: String,
    },
    /// Stop a run
    Cancel {
        /// Its id.
        id: String,
    },
    /// Let a waiting run go on
    Approve {
        /// Its id.
        id: String,
        /// Why.
        #[arg(long)]
        comment: Option<String>,
    },
    /// Refuse a waiting run
    Reject {
        /// Its id.
        id: String,
        /// Why.
        #[arg(long)]
        comment: Option<String>,
    },
}

/// Runs `runs`.
///
/// # Errors
/// The control plane's.
pub async fn run(context: &Context, args: Args) -> Done {
    let client = context.client()?;
    match args.command.unwrap_or(Command::List { state: None, action: None, app: None, limit: 20 }) {
        Command::List { state, action, app, limit } => {
            let mut query = vec![("limit", limit.to_string())];
            query.extend(state.map(|state| ("state", state)));
            query.extend(action.map(|action| ("action", action)));
            if let Some(app) = app {
                query.push(("appId", crate::context::find_id(&client, "/apps", &app).await?));
            }
            let runs = client.get("/runs", &query).await?.data;
            context.screen.answer(&runs, table);
        }
        Command::Show { id, log } => return show(context, &client, &id, log).await,
        Command::Follow { id } => {
            let found = client.get(&format!("/runs/{id}"), &[]).await?.data;
            return run::settle(context, &client, &found, true).await;
        }
        Command::Cancel { id } => {
            let cancelled = client.write(Method::POST, &format!("/runs/{id}/cancel"), Some(&json!({}))).await?;
            context.screen.answer(&cancelled, |answer| run::verdict(run::of(answer)).2);
        }
        Command::Approve { id, comment } => decide(context, &client, &id, "approve", comment).await?,
        Command::Reject { id, comment } => decide(context, &client, &id, "reject", comment).await?,
    }
    Ok(Exit::Succeeded)
}

/// A verdict is bound to the hash of what was shown; the one of the open approval is what is shown here.
async fn decide(
    context: &Context,
    client: &Client,
    id: &str,
    verb: &str,
    comment: Option<String>,
) -> Result<(), Failure> {
    let open = client.list("/approvals", &[("state", "open".into())]).await?;
    let approval = open.iter().find(|approval| value::text(approval, "/runId") == id).ok_or_else(|| {
        Failure::new(Exit::Failed, "approval.none", format!("Run {id} does not wait for a person."))
            .fix("See what waits: serverflow runs list --state waiting")
    })?;
    let mut body = json!({ "hash": value::text(approval, "/hash") });
    if let Some(comment) = comment {
        body["comment"] = comment.into();
    }
    let decided = client.write(Method::POST, &format!("/runs/{id}/{verb}"), Some(&body)).await?;
    context.screen.answer(&decided, |answer| run::verdict(run::of(answer)).2);
    Ok(())
}

async fn show(context: &Context, client: &Client, id: &str, log: bool) -> Done {
    let found = client.get(&format!("/runs/{id}"), &[]).await?.data;
    let timeline = client.get(&format!("/runs/{id}/timeline"), &[]).await?.data;
    // Runs that were carried out here, or never sent, have no command.
    let command = match client.get(&format!("/runs/{id}/command"), &[]).await {
        Ok(answer) => answer.data,
        Err(failure) if matches!(failure.exit, Exit::Failed) => Value::Null,
        Err(failure) => return Err(failure),
    };
    let proof = proof::of(&command);
    let lines = if log { client.get(&format!("/runs/{id}/log"), &[]).await?.data } else { Value::Null };
    let causes = run::causes(client, &found).await;
    let document = json!({
        "run": found, "timeline": timeline, "command": command, "verification": proof.as_json(), "log": lines,
        "causes": causes,
    });
    context.screen.answer(&document, |document| {
        let mut text =
            vec![facts(&document["run"]), timeline_of(&document["timeline"]), proof.as_text(&context.screen)];
        text.extend(value::items(&document["causes"]).iter().map(run::explained));
        let lines = document["log"].get("lines").unwrap_or(&document["log"]);
        text.extend(
            value::items(lines).iter().map(|line| format!("  | {}", crate::screen::plain(&value::text(line, "/text")))),
        );
        text.join("\n")
    });
    Ok(if proof.holds() { Exit::Succeeded } else { Exit::Failed })
}

fn table(runs: &Value) -> String {
    let mut table = Table::new(&["OPENED", "WHAT", "STATE", "WHO", "ID"]);
    for one in value::items(runs) {
        let what = value::maybe(one, "/title").unwrap_or_else(|| value::text(one, "/action"));
        let outcome = run::outcome(one);
        let state = if outcome.is_empty() { value::text(one, "/state") } else { outcome };
        let who = value::maybe(one, "/actor/name").unwrap_or_else(|| value::text(one, "/actor/kind"));
        table.row([value::moment(one, "/openedAt"), what, state, who, value::text(one, "/id")]);
    }
    table.or("Nothing was done yet.")
}

fn facts(found: &Value) -> String {
    let at = |pointer| value::text(found, pointer);
    let mut table = Table::facts();
    table.fact("run", at("/id"));
    table.fact("what", format!("{} ({})", at("/title"), at("/action")));
    table.fact("who", value::maybe(found, "/actor/name").unwrap_or_else(|| at("/actor/kind")));
    table.fact("state", run::verdict(found).2);
    table.fact("policy", at("/policy/because"));
    table.fact("opened", value::moment(found, "/openedAt"));
    table.fact("closed", value::moment(found, "/closedAt"));
    table.fact("request", at("/requestId"));
    table.fact("fault", at("/fault/message"));
    table.fact("do", at("/fault/fix"));
    table.print()
}

fn timeline_of(timeline: &Value) -> String {
    let entries = value::items(timeline);
    let start = entries.first().map(|entry| value::text(entry, "/at"));
    let mut table = Table::new(&["AT", "SINCE START", "WHAT", "NOTE"]);
    for entry in entries {
        let since = start.as_deref().and_then(|start| run::millis_between(start, &value::text(entry, "/at")));
        let kind = value::text(entry, "/kind");
        let what = match value::maybe(entry, "/step") {
            Some(step) => format!("{kind}: {}", run::words(&step)),
            None => kind,
        };
        let since = since.map_or_else(|| value::NOTHING.to_owned(), run::seconds);
        table.row([value::clock(entry, "/at"), since, what, value::text(entry, "/note")]);
    }
    format!("\n{}\n", table.or("Nothing has happened yet."))
}
