//! `schedules`: commands that an app's node runs by the clock.

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::clone;
use crate::command::deploy::plan;
use crate::context::{Context, find};
use crate::failure::{Done, Exit, Failure};
use crate::run;
use crate::screen::Table;
use crate::value;

/// Runs shown unless asked for more.
const SHOWN: &str = "20";

/// Arguments of `schedules`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The schedules of an app: when they run next, and how they went last
    List {
        /// Name or id of the app.
        app: String,
    },
    /// Have a command run by the clock, or change when and how; what is not named stays
    Set {
        /// Name or id of the app.
        app: String,
        /// The schedule's name: nightly-report
        name: String,
        #[command(flatten)]
        settings: Changes,
        #[command(flatten)]
        how: How,
        /// Program and arguments, after `--`; never a line for a shell.
        #[arg(last = true, value_name = "COMMAND")]
        command: Vec<String>,
    },
    /// Run it once now; refused where it is running already
    Run {
        /// Name or id of the app.
        app: String,
        /// The schedule's name.
        name: String,
        #[command(flatten)]
        how: How,
    },
    /// How its last runs went, with their last lines
    History {
        /// Name or id of the app.
        app: String,
        /// The schedule's name.
        name: String,
        /// How many, newest first.
        #[arg(long, default_value = SHOWN, value_name = "ROWS")]
        limit: u16,
    },
    /// Have it run no more; its history is deleted
    Delete {
        /// Name or id of the app.
        app: String,
        /// The schedule's name.
        name: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        how: How,
    },
}

/// How a change is followed.
#[derive(Debug, clap::Args)]
pub struct How {
    /// Show what would happen.
    #[arg(long)]
    pub dry_run: bool,
    /// Print the run's id and return.
    #[arg(long)]
    pub no_follow: bool,
}

/// What changes of a schedule's settings, whatever it does.
#[derive(Debug, clap::Args)]
pub struct Changes {
    /// Five fields of cron, or @daily and the like.
    #[arg(long, value_name = "LINE")]
    pub cron: Option<String>,
    /// The time zone of its clock: Europe/Berlin
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,
    /// Seconds that one run gets, delays of steps not counted; then it is ended.
    #[arg(long, value_name = "SECONDS")]
    time_limit: Option<u64>,
    /// A time at which the last run is still under way: left out, or one waits.
    #[arg(long, value_name = "HOW", value_parser = ["skip", "queue"])]
    overlap: Option<String>,
    /// Times that pass while the node is off: left out, or made up for by one run.
    #[arg(long, value_name = "HOW", value_parser = ["skip", "once"])]
    missed: Option<String>,
    /// Whether it runs by the clock.
    #[arg(long, value_name = "BOOL")]
    enabled: Option<bool>,
}

impl Changes {
    /// The settings with what is named put in.
    pub fn over(&self, mut settings: Value) -> Value {
        let texts =
            [("cron", &self.cron), ("timezone", &self.timezone), ("overlap", &self.overlap), ("missed", &self.missed)];
        for (name, text) in texts {
            if let Some(text) = text {
                settings[name] = text.as_str().into();
            }
        }
        if let Some(seconds) = self.time_limit {
            settings["timeLimit"] = seconds.saturating_mul(1000).into();
        }
        if let Some(enabled) = self.enabled {
            settings["enabled"] = enabled.into();
        }
        settings
    }
}

/// Runs `schedules`.
///
/// # Errors
/// The control plane's.
pub async fn run(context: &Context, args: Args) -> Done {
    let client = context.client()?;
    match args.command {
        Command::List { app } => {
            let app = find(&client, "/apps", &app).await?;
            let found = client.get(&address(&app, ""), &[]).await?.data;
            context.screen.answer(&found, |found| list(found, "APP"));
        }
        Command::Set { app, name, settings, how, command } => {
            let app = find(&client, "/apps", &app).await?;
            let had = known(&client, &app, &name).await?.map(|had| had["settings"].clone());
            if had.is_none() && (settings.cron.is_none() || command.is_empty()) {
                let failure = Failure::usage("A new schedule needs --cron and a command.".to_owned());
                let example = format!("serverflow schedules set {} {name} --cron @daily -- ./tidy", named(&app));
                return Err(failure.fix(format!("Write it like: {example}")));
            }
            let mut settings = settings.over(had.unwrap_or_else(|| json!({})));
            if !command.is_empty() {
                settings["command"] = json!(command);
            }
            let body = json!({ "settings": settings });
            return order(context, &client, (Method::PUT, &address(&app, &name)), Some(&body), &how).await;
        }
        Command::Run { app, name, how } => {
            let app = find(&client, "/apps", &app).await?;
            let path = format!("{}/run", address(&app, &name));
            return order(context, &client, (Method::POST, &path), None, &how).await;
        }
        Command::History { app, name, limit } => {
            let app = find(&client, "/apps", &app).await?;
            let path = format!("{}/runs", address(&app, &name));
            let runs = client.get(&path, &[("limit", limit.to_string())]).await?.data;
            context.screen.answer(&runs, history);
        }
        Command::Delete { app, name, yes, how } => {
            let app = find(&client, "/apps", &app).await?;
            let question = format!("Delete the schedule {name} of {} with its history?", named(&app));
            if !yes && !how.dry_run && !clone::agreed(&question)? {
                return Ok(Exit::Refused);
            }
            return order(context, &client, (Method::DELETE, &address(&app, &name)), None, &how).await;
        }
    }
    Ok(Exit::Succeeded)
}

fn named(app: &Value) -> String {
    value::text(app, "/name")
}

fn address(app: &Value, name: &str) -> String {
    let slash = if name.is_empty() { "" } else { "/" };
    format!("/apps/{}/schedules{slash}{name}", value::text(app, "/id"))
}

async fn known(client: &Client, app: &Value, name: &str) -> Result<Option<Value>, Failure> {
    among(client, &address(app, ""), name).await
}

/// The schedule of this name among those at `path`.
///
/// # Errors
/// The control plane's.
pub async fn among(client: &Client, path: &str, name: &str) -> Result<Option<Value>, Failure> {
    let found = client.get(path, &[]).await?.data;
    Ok(value::items(&found).iter().find(|schedule| schedule["name"] == name).cloned())
}

/// Orders a change, or says what it would do.
///
/// # Errors
/// The control plane's.
pub async fn order(
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
    run::settle(context, client, &answer, !how.no_follow).await
}

/// Schedules as a table; `whose` says what a new one is made for.
pub fn list(found: &Value, whose: &str) -> String {
    let mut table = Table::new(&["NAME", "WHEN", "DOES", "STATE", "NEXT", "LAST", "WENT"]);
    for schedule in value::items(found) {
        let at = |pointer| value::text(schedule, pointer);
        let when = format!("{} {}", at("/settings/cron"), at("/settings/timezone"));
        let words = schedule.pointer("/settings/command").map_or(&[][..], value::items);
        let words = words.iter().map(|word| value::text(word, ""));
        let steps = schedule.pointer("/settings/steps").map_or(&[][..], value::items).iter().map(step);
        let does = words.collect::<Vec<_>>().join(" ") + &steps.collect::<Vec<_>>().join("; ");
        let state = match (schedule["settings"]["enabled"] == false, schedule["inStep"] == false) {
            (true, _) => "off".to_owned(),
            (_, true) => at("/state"),
            _ => "on".to_owned(),
        };
        let (next, last) = (value::moment(schedule, "/next/0"), value::moment(schedule, "/last/dueAt"));
        table.row([at("/name"), when, does, state, next, last, at("/last/state")]);
    }
    table.or(match whose {
        "APP" => "It has no schedules. Make one: serverflow schedules set APP NAME --cron @daily -- COMMAND",
        _ => "It has no schedules. Make one: serverflow servers schedules set SERVER NAME --cron @daily --step restart",
    })
}

/// A step as it is written on the command line.
fn step(step: &Value) -> String {
    let delay = value::number(step, "/delay").filter(|delay| *delay > 0).map(|delay| format!("+{} ", delay / 1000));
    let goes_on = if step["continueOnFailure"] == true { "? " } else { "" };
    let does = match step["command"].as_str() {
        Some(line) => format!("> {line}"),
        None => value::text(step, "/power"),
    };
    format!("{}{goes_on}{does}", delay.unwrap_or_default())
}

/// Runs as a table, with the last lines of the newest.
pub fn history(runs: &Value) -> String {
    let mut table = Table::new(&["DUE", "BY", "STATE", "TOOK", "CODE", "WHY"]);
    for run in value::items(runs) {
        let at = |pointer| value::text(run, pointer);
        let took = value::number(run, "/tookMs").map(|took| run::seconds(i64::try_from(took).unwrap_or(i64::MAX)));
        let code = run["exitCode"].as_i64().map_or_else(String::new, |code| code.to_string());
        let due = value::moment(run, "/dueAt");
        table.row([due, at("/why"), at("/state"), took.unwrap_or_default(), code, at("/note")]);
    }
    let mut text = table.or("It has not run yet.");
    let last = value::items(runs).first().and_then(|run| run.get("lastLines")).map_or(&[][..], value::items);
    if !last.is_empty() {
        text.push_str("\n\nThe newest said last:");
        last.iter().for_each(|line| text.push_str(&format!("\n  {}", value::text(line, ""))));
    }
    text
}
