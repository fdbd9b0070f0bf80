//! `hooks`: pushes to a git host that deploy an app.

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::clone;
use crate::command::deploy::plan;
use crate::context::{Context, find};
use crate::failure::{Done, Exit, Failure};
use crate::screen::Table;
use crate::value;

/// Deliveries shown unless asked for more.
const SHOWN: &str = "20";

/// Arguments of `hooks`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Where an app's pushes are sent to, which of them deploy it, and for whom
    Show {
        /// Name or id of the app.
        app: String,
    },
    /// Have pushes deploy an app; prints the secret, once
    Create {
        /// Name or id of the app.
        app: String,
        #[command(flatten)]
        settings: Changes,
        #[command(flatten)]
        how: How,
    },
    /// Change which pushes deploy an app; what is not named stays. It acts for you from then on
    Set {
        /// Name or id of the app.
        app: String,
        #[command(flatten)]
        settings: Changes,
        #[command(flatten)]
        how: How,
    },
    /// Make another secret and print it, once; the one before is taken for a day
    Rotate {
        /// Name or id of the app.
        app: String,
        #[command(flatten)]
        how: How,
    },
    /// Have no push deploy an app any more
    Delete {
        /// Name or id of the app.
        app: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        how: How,
    },
    /// What was sent last, and what was made of it
    Deliveries {
        /// Name or id of the app.
        app: String,
        /// How many, newest first.
        #[arg(long, default_value = SHOWN, value_name = "ROWS")]
        limit: u16,
    },
}

#[derive(Debug, clap::Args)]
struct How {
    /// Show what would happen.
    #[arg(long)]
    dry_run: bool,
}

/// What changes of a hook's settings.
#[derive(Debug, clap::Args)]
struct Changes {
    /// Pushes of this branch deploy the app. `own` for the app's own branch.
    #[arg(long, value_name = "BRANCH")]
    branch: Option<String>,
    /// Only pushes that change this folder or file; can be repeated. `all` takes all away.
    #[arg(long, value_name = "PATH")]
    path: Vec<String>,
    /// Whether any push deploys it.
    #[arg(long, value_name = "BOOL")]
    enabled: Option<bool>,
}

const OWN: &str = "own";
const ALL: &str = "all";

impl Changes {
    /// The settings with what is named put in.
    fn over(&self, mut settings: Value) -> Value {
        if let Some(branch) = &self.branch {
            settings["branch"] = if branch == OWN { Value::Null } else { branch.as_str().into() };
        }
        if !self.path.is_empty() {
            settings["paths"] = self.path.iter().filter(|path| *path != ALL).cloned().collect();
        }
        if let Some(enabled) = self.enabled {
            settings["enabled"] = enabled.into();
        }
        settings
    }
}

/// Runs `hooks`.
///
/// # Errors
/// The control plane's.
pub async fn run(context: &Context, args: Args) -> Done {
    let client = context.client()?;
    match args.command {
        Command::Show { app } => {
            let (_, hook) = hook_of(&client, &app).await?;
            context.screen.answer(&hook, |hook| facts(&client, hook));
        }
        Command::Create { app, settings, how } => {
            let app = find(&client, "/apps", &app).await?;
            let body = json!({ "settings": settings.over(json!({})) });
            return change(context, &client, (Method::POST, &address(&app, "")), Some(&body), &how).await;
        }
        Command::Set { app, settings, how } => {
            let (app, hook) = hook_of(&client, &app).await?;
            let body = json!({ "settings": settings.over(hook["settings"].clone()) });
            return change(context, &client, (Method::PUT, &address(&app, "")), Some(&body), &how).await;
        }
        Command::Rotate { app, how } => {
            let app = find(&client, "/apps", &app).await?;
            return change(context, &client, (Method::POST, &address(&app, "/rotate")), None, &how).await;
        }
        Command::Delete { app, yes, how } => {
            let app = find(&client, "/apps", &app).await?;
            let name = value::text(&app, "/name");
            if !yes && !how.dry_run && !clone::agreed(&format!("Delete the hook of {name}? No push deploys it then."))?
            {
                return Ok(Exit::Refused);
            }
            return change(context, &client, (Method::DELETE, &address(&app, "")), None, &how).await;
        }
        Command::Deliveries { app, limit } => {
            let app = find(&client, "/apps", &app).await?;
            let limit = [("limit", limit.to_string())];
            let sent = client.get(&address(&app, "/deliveries"), &limit).await?.data;
            context.screen.answer(&sent, deliveries);
        }
    }
    Ok(Exit::Succeeded)
}

fn address(app: &Value, below: &str) -> String {
    format!("/apps/{}/hook{below}", value::text(app, "/id"))
}

/// An app and its hook, which has to be there.
async fn hook_of(client: &Client, wanted: &str) -> Result<(Value, Value), Failure> {
    let app = find(client, "/apps", wanted).await?;
    let hook = client.get(&address(&app, ""), &[]).await?.data["hook"].clone();
    if hook.is_null() {
        let name = value::text(&app, "/name");
        let failure = Failure::new(Exit::Failed, "hook.none", format!("`{name}` is not deployed by push."));
        return Err(failure.fix(format!("Make its hook: serverflow hooks create {name}")));
    }
    Ok((app, hook))
}

async fn change(
    context: &Context,
    client: &Client,
    (method, path): (Method, &str),
    body: Option<&Value>,
    how: &How,
) -> Done {
    if how.dry_run {
        let answer = client.write_with(method, path, &[("dryRun", "true".into())], body).await?;
        context.screen.answer(&answer, plan);
        return Ok(Exit::Succeeded);
    }
    let answer = client.write(method, path, body).await?;
    context.screen.answer(&answer, |answer| done(client, answer));
    Ok(Exit::Succeeded)
}

fn done(client: &Client, answer: &Value) -> String {
    let hook = answer.get("hook").unwrap_or(&Value::Null);
    if hook.is_null() {
        return "No push deploys it any more.".to_owned();
    }
    let Some(secret) = value::maybe(answer, "/secret") else { return facts(client, hook) };
    let mut table = Table::facts();
    table.fact("address", whole(client, hook));
    table.fact("secret", secret);
    format!(
        "{}\nGive both to your git host, with the content type application/json and pushes alone.\n\
         The secret is shown this once. What came: serverflow hooks deliveries APP",
        table.print()
    )
}

fn whole(client: &Client, hook: &Value) -> String {
    format!("{}{}", client.server().trim_end_matches('/'), value::text(hook, "/path"))
}

fn facts(client: &Client, hook: &Value) -> String {
    let at = |pointer| value::text(hook, pointer);
    let mut table = Table::facts();
    table.fact("address", whole(client, hook));
    table.fact("switched", if hook["settings"]["enabled"] == false { "off".to_owned() } else { "on".to_owned() });
    let branch = value::maybe(hook, "/branch").unwrap_or_else(|| "the repository's default".to_owned());
    table.fact("branch", branch);
    for path in hook.pointer("/settings/paths").map_or(&[][..], value::items) {
        table.fact("only below", value::text(path, ""));
    }
    let owner = at("/owner");
    let gone = hook["ownerActive"] == false;
    table.fact("acts for", if gone { format!("{owner} (suspended or gone: it deploys nothing)") } else { owner });
    table.fact("new secret", value::moment(hook, "/rotatedAt"));
    table.fact("last refused", value::moment(hook, "/refusedAt"));
    table.fact("because", at("/refusedWhy"));
    table.fact("id", at("/id"));
    table.print()
}

fn deliveries(sent: &Value) -> String {
    let mut table = Table::new(&["WHEN", "FROM", "EVENT", "BRANCH", "COMMIT", "OUTCOME", "RUN", "WHY"]);
    for delivery in value::items(sent) {
        let at = |pointer| value::text(delivery, pointer);
        let short: String = at("/commit").chars().take(8).collect();
        let run = value::maybe(delivery, "/runState").unwrap_or_default();
        let when = value::moment(delivery, "/at");
        table.row([when, at("/sender"), at("/event"), at("/branch"), short, at("/outcome"), run, at("/reason")]);
    }
    table.or("Nothing has come yet. Where it is sent to: serverflow hooks show APP")
}
