//! `apps previews`: branches that are looked at before they are merged, each with an address of its own.

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use super::delete;
use crate::client::Client;
use crate::command::deploy::plan;
use crate::context::{Context, find};
use crate::failure::{Done, Exit, Failure};
use crate::screen::Table;
use crate::value;

/// Arguments of `apps previews`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What an app has previews of, and those there are
    List {
        /// Name or id of the app.
        app: String,
    },
    /// Say for which branches there are previews, and below which domain
    Set {
        /// Name or id of the app.
        app: String,
        #[command(flatten)]
        settings: Changes,
        #[command(flatten)]
        how: How,
    },
    /// Make no more previews; those there are stay until they expire
    Off {
        /// Name or id of the app.
        app: String,
        #[command(flatten)]
        how: How,
    },
    /// Preview a branch, or bring its preview up to date
    Create {
        /// Name or id of the app.
        app: String,
        /// The branch.
        branch: String,
        /// Exact commit, in full; the tip of the branch unless given.
        #[arg(long)]
        commit: Option<String>,
        #[command(flatten)]
        how: How,
    },
    /// Keep a preview so many days from now
    Extend {
        /// Name or id of the preview.
        preview: String,
        /// How many: 1 to 90.
        #[arg(long, default_value = "7")]
        days: u8,
        #[command(flatten)]
        how: How,
    },
    /// Delete a preview with its domain
    Delete {
        /// Name or id of the preview.
        preview: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        /// Print the run's id and return.
        #[arg(long)]
        no_follow: bool,
    },
}

#[derive(Debug, clap::Args)]
struct How {
    /// Show what would happen.
    #[arg(long)]
    dry_run: bool,
}

/// What changes of an app's previews.
#[derive(Debug, clap::Args)]
struct Changes {
    /// The domain below which each gets a name of its own: preview.example.org.
    #[arg(long, value_name = "DOMAIN")]
    base: Option<String>,
    /// Branches that are previewed when they are pushed: 'feature/*', '**' for all.
    #[arg(long, value_name = "PATTERN")]
    branches: Option<String>,
    /// Whether pull requests of the same repository are, too. What a fork sends never runs.
    #[arg(long, value_name = "BOOL")]
    requests: Option<bool>,
    /// Days one stays after its last push: 1 to 90.
    #[arg(long)]
    days: Option<u8>,
    /// How many there may be at once: 1 to 20.
    #[arg(long, value_name = "COUNT")]
    at_once: Option<u8>,
    /// Where certificates come from: acme or none.
    #[arg(long, value_name = "FROM")]
    certificate: Option<String>,
}

impl Changes {
    /// The settings with what is named put in.
    fn over(&self, mut settings: Value) -> Value {
        let given = [
            ("base", self.base.as_deref().map(Value::from)),
            ("branches", self.branches.as_deref().map(Value::from)),
            ("requests", self.requests.map(Value::from)),
            ("days", self.days.map(Value::from)),
            ("atOnce", self.at_once.map(Value::from)),
            ("certificate", self.certificate.as_deref().map(Value::from)),
        ];
        for (name, value) in given {
            if let Some(value) = value {
                settings[name] = value;
            }
        }
        settings
    }
}

/// Runs `apps previews`.
///
/// # Errors
/// The control plane's.
pub async fn run(context: &Context, args: Args) -> Done {
    let client = context.client()?;
    let (method, path, body, how) = match args.command {
        Command::List { app } => {
            let app = find(&client, "/apps", &app).await?;
            let shown = client.get(&address(&app), &[]).await?.data;
            context.screen.answer(&shown, |shown| all(shown, &value::text(&app, "/name")));
            return Ok(Exit::Succeeded);
        }
        Command::Delete { preview, yes, no_follow } => {
            return delete(context, &client, &preview, yes, !no_follow).await;
        }
        Command::Set { app, settings, how } => {
            let app = find(&client, "/apps", &app).await?;
            let known = client.get(&address(&app), &[]).await?.data["settings"].clone();
            let settings = settings.over(if known.is_null() { json!({}) } else { known });
            if value::maybe(&settings, "/base").is_none() {
                let failure = Failure::usage("Previews need a domain below which they are reached.");
                return Err(failure.fix("Name one that leads to the app's node: --base preview.example.org"));
            }
            (Method::PUT, address(&app), json!({ "settings": settings }), how)
        }
        Command::Off { app, how } => {
            let app = find(&client, "/apps", &app).await?;
            (Method::PUT, address(&app), json!({ "settings": null }), how)
        }
        Command::Create { app, branch, commit, how } => {
            let app = find(&client, "/apps", &app).await?;
            (Method::POST, address(&app), json!({ "branch": branch, "commit": commit }), how)
        }
        Command::Extend { preview, days, how } => {
            let preview = find(&client, "/apps", &preview).await?;
            let path = format!("/apps/{}/preview/extend", value::text(&preview, "/id"));
            (Method::POST, path, json!({ "days": days }), how)
        }
    };
    change(context, &client, (method, &path), &body, &how).await
}

fn address(app: &Value) -> String {
    format!("/apps/{}/previews", value::text(app, "/id"))
}

async fn change(context: &Context, client: &Client, (method, path): (Method, &str), body: &Value, how: &How) -> Done {
    if how.dry_run {
        let answer = client.write_with(method, path, &[("dryRun", "true".into())], Some(body)).await?;
        context.screen.answer(&answer, plan);
        return Ok(Exit::Succeeded);
    }
    let answer = client.write(method, path, Some(body)).await?;
    context.screen.answer(&answer, done);
    Ok(Exit::Succeeded)
}

fn done(answer: &Value) -> String {
    let at = |pointer| value::text(answer, pointer);
    if answer.get("preview").is_some_and(Value::is_object) {
        return format!(
            "{} of {} will be at {}, until {}.",
            at("/preview/name"),
            at("/preview/branch"),
            at("/preview/url"),
            value::moment(answer, "/preview/expiresAt")
        );
    }
    match value::maybe(answer, "/settings/base") {
        Some(base) => format!("Pushes of {} are previewed below {base}.", at("/settings/branches")),
        None => "It is done.".to_owned(),
    }
}

fn all(shown: &Value, app: &str) -> String {
    let mut table = Table::new(&["NAME", "BRANCH", "STATE", "ADDRESS", "UNTIL"]);
    for preview in shown.get("previews").map_or(&[][..], value::items) {
        let at = |pointer| value::text(preview, pointer);
        let state = match value::maybe(preview, "/endsWhy").or_else(|| value::maybe(preview, "/problem")) {
            Some(why) => why,
            None => at("/state"),
        };
        table.row([at("/name"), at("/branch"), state, at("/url"), value::moment(preview, "/expiresAt")]);
    }
    let Some(base) = value::maybe(shown, "/settings/base") else {
        let off = format!("`{app}` makes no previews. Have it: serverflow apps previews set {app} --base DOMAIN");
        return table.or(&off);
    };
    let at = |pointer| value::text(shown, pointer);
    let mut facts = Table::facts();
    facts.fact("below", base);
    facts.fact("branches", at("/settings/branches"));
    let requests = if shown["settings"]["requests"] == true { "of the same repository" } else { "no" };
    facts.fact("pull requests", requests.to_owned());
    facts.fact("days", at("/settings/days"));
    facts.fact("at once", at("/settings/atOnce"));
    facts.fact("served for", at("/owner"));
    format!(
        "{}\n\n{}",
        facts.print(),
        table.or("There is no preview. Push a branch, or: serverflow apps previews create")
    )
}
