//! `servers schedules`: steps that a server's node does by the clock.

use std::str::FromStr;

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::clone;
use crate::command::apps::schedules::{Changes, How, among, history, list, order};
use crate::context::{Context, find_id};
use crate::failure::{Done, Exit, Failure};

/// Runs shown unless asked for more.
const SHOWN: &str = "20";

/// Arguments of `servers schedules`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The schedules of a server: when they run next, and how they went last
    List {
        /// Name or id.
        #[arg(value_name = "SERVER")]
        which: String,
    },
    /// Have steps done by the clock, or change when and how; what is not named stays
    Set(Set),
    /// Do its steps once now; refused where they are being done already
    Run {
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        how: How,
    },
    /// How its last runs went, with what each step did
    History {
        #[command(flatten)]
        of: Of,
        /// How many, newest first.
        #[arg(long, default_value = SHOWN, value_name = "ROWS")]
        limit: u16,
    },
    /// Have it done no more; its history is deleted
    Delete {
        #[command(flatten)]
        of: Of,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        how: How,
    },
}

/// One schedule.
#[derive(Debug, clap::Args)]
struct Of {
    /// Name or id of the server.
    #[arg(value_name = "SERVER")]
    which: String,
    /// The schedule's name: nightly-restart
    name: String,
}

#[derive(Debug, clap::Args)]
struct Set {
    #[command(flatten)]
    of: Of,
    #[command(flatten)]
    settings: Changes,
    /// A step, in their order: `start`, `stop`, `restart`, `kill`, or `> LINE` for its console. Before it may stand `+SECONDS`
    /// to wait first, and `?` to go on where it fails: `+60 ? > save-all`. Named ones replace all there are.
    #[arg(long = "step", value_name = "STEP")]
    steps: Vec<Step>,
    /// Whether times at which the server does not run are left out.
    #[arg(long, value_name = "BOOL")]
    only_when_online: Option<bool>,
    #[command(flatten)]
    how: How,
}

/// A step as it is sent.
#[derive(Clone, PartialEq, Debug)]
struct Step(Value);

impl FromStr for Step {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (mut step, mut rest) = (json!({}), text.trim_start());
        if let Some(delayed) = rest.strip_prefix('+') {
            let (seconds, after) = delayed.split_once(' ').unwrap_or((delayed, ""));
            let seconds: u64 = seconds.parse().map_err(|_| format!("`{seconds}` is no number of seconds"))?;
            step["delay"] = seconds.saturating_mul(1000).into();
            rest = after.trim_start();
        }
        if let Some(after) = rest.strip_prefix('?') {
            step["continueOnFailure"] = true.into();
            rest = after.trim_start();
        }
        match (rest.strip_prefix('>'), rest.trim_end()) {
            (Some(line), _) => step["command"] = line.trim_start().into(),
            (None, power @ ("start" | "stop" | "restart" | "kill")) => step["power"] = power.into(),
            (None, other) => {
                return Err(format!("`{other}` is no step: start, stop, restart, kill, or `> LINE` for its console"));
            }
        }
        Ok(Self(step))
    }
}

/// Runs `servers schedules`.
///
/// # Errors
/// The control plane's.
pub async fn run(context: &Context, client: &Client, args: Args) -> Done {
    match args.command {
        Command::List { which } => {
            let found = client.get(&folder(client, &which).await?, &[]).await?.data;
            context.screen.answer(&found, |found| list(found, "SERVER"));
        }
        Command::Set(set) => return change(context, client, set).await,
        Command::Run { of, how } => {
            let path = format!("{}/{}/run", folder(client, &of.which).await?, of.name);
            return order(context, client, (Method::POST, &path), None, &how).await;
        }
        Command::History { of, limit } => {
            let path = format!("{}/{}/runs", folder(client, &of.which).await?, of.name);
            let runs = client.get(&path, &[("limit", limit.to_string())]).await?.data;
            context.screen.answer(&runs, history);
        }
        Command::Delete { of, yes, how } => {
            let path = format!("{}/{}", folder(client, &of.which).await?, of.name);
            let question = format!("Delete the schedule {} of {} with its history?", of.name, of.which);
            if !yes && !how.dry_run && !clone::agreed(&question)? {
                return Ok(Exit::Refused);
            }
            return order(context, client, (Method::DELETE, &path), None, &how).await;
        }
    }
    Ok(Exit::Succeeded)
}

async fn change(context: &Context, client: &Client, set: Set) -> Done {
    let Set { of, settings, steps, only_when_online, how } = set;
    let folder = folder(client, &of.which).await?;
    let had = among(client, &folder, &of.name).await?.map(|had| had["settings"].clone());
    if had.is_none() && (settings.cron.is_none() || steps.is_empty()) {
        let failure = Failure::usage("A new schedule needs --cron and a --step.".to_owned());
        let example =
            format!("serverflow servers schedules set {} {} --cron '0 4 * * *' --step restart", of.which, of.name);
        return Err(failure.fix(format!("Write it like: {example}")));
    }
    let mut settings = settings.over(had.unwrap_or_else(|| json!({})));
    if !steps.is_empty() {
        settings["steps"] = steps.into_iter().map(|Step(step)| step).collect();
    }
    if let Some(only) = only_when_online {
        settings["onlyWhenOnline"] = only.into();
    }
    let path = format!("{folder}/{}", of.name);
    order(context, client, (Method::PUT, &path), Some(&json!({ "settings": settings })), &how).await
}

async fn folder(client: &Client, which: &str) -> Result<String, Failure> {
    Ok(format!("/servers/{}/schedules", find_id(client, "/servers", which).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_read_as_it_is_written() {
        let check = |text: &str, expected: Option<Value>| {
            assert_eq!(text.parse::<Step>().ok().map(|Step(step)| step), expected, "{text}");
        };
        check("restart", Some(json!({ "power": "restart" })));
        check("> say hello  there", Some(json!({ "command": "say hello  there" })));
        check("+60 ? >save-all", Some(json!({ "delay": 60_000, "continueOnFailure": true, "command": "save-all" })));
        check("+5 stop ", Some(json!({ "delay": 5000, "power": "stop" })));
        check("? kill", Some(json!({ "continueOnFailure": true, "power": "kill" })));
        for bad in ["", "reboot", "+x stop", "+5", "say hello", "-5 stop"] {
            check(bad, None);
        }
    }
}
