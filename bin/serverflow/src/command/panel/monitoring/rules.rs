//! `monitoring rules`: what of servers is watched, and from where on somebody is told.

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};
use sf_engine::workflow::Span;

use super::amount::{threshold, words};
use crate::client::Client;
use crate::clone;
use crate::command::approvals::span::span;
use crate::command::deploy::plan;
use crate::context::{Context, find, find_id};
use crate::failure::{Done, Exit, Failure};
use crate::screen::Table;
use crate::value;

const RULES: &str = "/monitoring/rules";

/// Arguments of `monitoring rules`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// All rules, newest first
    List,
    /// Make a rule, or change one
    Set(Box<Set>),
    /// Delete a rule
    Delete {
        /// Name or id of the rule.
        name: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        /// Show what would happen.
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Debug, clap::Args)]
struct Set {
    /// The rule's name.
    name: String,
    /// What is compared.
    #[arg(long, value_parser = ["cpu", "memory", "disk", "network", "processes"])]
    metric: Option<String>,
    /// Wrong at this or above: 90% of the server's limit, 1.5cores, 2GiB, 10MiB/s, 200.
    #[arg(long, value_name = "LINE", conflicts_with = "below")]
    above: Option<String>,
    /// Wrong below this.
    #[arg(long, value_name = "LINE")]
    below: Option<String>,
    /// For how long it has to be so: 0s, 5m, 1h.
    #[arg(long = "for", value_parser = span_or_none, value_name = "TIME")]
    time: Option<u64>,
    /// How much better it has to be before the alert ends, percent of the line.
    #[arg(long, value_name = "PERCENT")]
    margin: Option<u8>,
    /// One that is back within this is the same alert: 15m.
    #[arg(long, value_parser = span_or_none, value_name = "TIME")]
    cooldown: Option<u64>,
    /// Whether it is judged.
    #[arg(long, value_name = "BOOL")]
    enabled: Option<bool>,
    /// About one server: its name or id. A rule keeps its scope.
    #[arg(long, value_name = "SERVER", group = "scope")]
    of: Option<String>,
    /// About all servers from a template: its name or id.
    #[arg(long, value_name = "ALT", group = "scope")]
    alt: Option<String>,
    /// About all servers on a machine: its name or id.
    #[arg(long, value_name = "NODE", group = "scope")]
    node: Option<String>,
    /// About all servers of a project: its name or id.
    #[arg(long, value_name = "PROJECT", group = "scope")]
    project: Option<String>,
    /// Show what would happen, and what it would have raised over the last day.
    #[arg(long)]
    dry_run: bool,
}

/// Seconds; none is a time, too.
fn span_or_none(text: &str) -> Result<u64, String> {
    let span: Span = if text == "0" || text == "0s" { return Ok(0) } else { span(text)? };
    Ok(span.duration().as_secs())
}

/// Runs `monitoring rules`.
///
/// # Errors
/// The control plane's.
pub async fn run(context: &Context, client: &Client, args: Args) -> Done {
    match args.command {
        Command::List => context.list(client, RULES, &[], list).await,
        Command::Set(set) => change(context, client, &set).await,
        Command::Delete { name, yes, dry_run } => {
            let id = find_id(client, RULES, &name).await?;
            let question = format!("Delete the rule `{name}`? What it has raised ends.");
            if !yes && !dry_run && !clone::agreed(&question)? {
                return Err(Failure::usage("nothing was deleted".to_owned()));
            }
            let done = format!("`{name}` is deleted.");
            write(context, client, (Method::DELETE, &format!("{RULES}/{id}")), None, dry_run, &done).await
        }
    }
}

async fn change(context: &Context, client: &Client, set: &Set) -> Done {
    let known = client.list(RULES, &[]).await?.into_iter().find(|rule| rule["name"] == set.name.as_str());
    let before = known.as_ref().map_or_else(|| json!({}), |rule| rule["settings"].clone());
    let settings = settings(&before, set)?;
    let done = format!("`{}`: {}", set.name, says(&settings));
    let body = json!({ "name": set.name, "settings": settings });
    match known {
        Some(rule) => {
            if set.of.is_some() || set.alt.is_some() || set.node.is_some() || set.project.is_some() {
                return Err(Failure::usage("a rule keeps its scope: delete it, or give another name".to_owned()));
            }
            let path = format!("{RULES}/{}", value::text(&rule, "/id"));
            write(context, client, (Method::PUT, &path), Some(&body), set.dry_run, &done).await
        }
        None => {
            let mut body = body;
            body["scope"] = scope(client, set).await?;
            write(context, client, (Method::POST, RULES), Some(&body), set.dry_run, &done).await
        }
    }
}

async fn scope(client: &Client, set: &Set) -> Result<Value, Failure> {
    let wanted = [("server", &set.of), ("alt", &set.alt), ("node", &set.node), ("project", &set.project)];
    for (kind, name) in wanted {
        if let Some(name) = name {
            let found = find(client, &format!("/{kind}s"), name).await?;
            // A template comes with its document.
            let id = value::maybe(&found, "/alt/id").unwrap_or_else(|| value::text(&found, "/id"));
            return Ok(json!({ "kind": kind, "id": id }));
        }
    }
    Ok(json!({ "kind": "team" }))
}

/// What it says with these changes; refuses what says nothing.
fn settings(before: &Value, set: &Set) -> Result<Value, Failure> {
    let mut settings = before.clone();
    if let Some(metric) = &set.metric {
        settings["metric"] = metric.as_str().into();
    }
    let Some(metric) = value::maybe(&settings, "/metric") else {
        return Err(Failure::usage("say what is compared: --metric memory".to_owned()));
    };
    let line = match (&set.above, &set.below) {
        (Some(line), _) => Some(("above", line)),
        (None, Some(line)) => Some(("below", line)),
        (None, None) => None,
    };
    if let Some((side, line)) = line {
        settings["comparison"] = side.into();
        settings["threshold"] = threshold(&metric, line).map_err(Failure::usage)?;
    }
    if settings.get("threshold").is_none() {
        return Err(Failure::usage("say where the line is: --above 90%".to_owned()));
    }
    let numbers = [("forSecs", set.time), ("marginPercent", set.margin.map(u64::from)), ("cooldownSecs", set.cooldown)];
    for (field, number) in numbers {
        if let Some(number) = number {
            settings[field] = number.into();
        }
    }
    if let Some(enabled) = set.enabled {
        settings["enabled"] = enabled.into();
    }
    Ok(settings)
}

async fn write(
    context: &Context,
    client: &Client,
    (method, path): (Method, &str),
    body: Option<&Value>,
    dry_run: bool,
    done: &str,
) -> Done {
    let query: &[(&str, String)] = if dry_run { &[("dryRun", "true".to_owned())] } else { &[] };
    let answer = client.write_with(method, path, query, body).await?;
    if dry_run {
        context.screen.answer(&answer, plan);
    } else if answer.get("run").is_some() {
        context.screen.answer(&answer, |_| "It waits for a person: see serverflow inbox.".to_owned());
    } else {
        context.screen.answer(&answer, |_| done.to_owned());
    }
    Ok(Exit::Succeeded)
}

/// What a rule says, in one line.
fn says(settings: &Value) -> String {
    let metric = value::text(settings, "/metric");
    let line = match value::number(settings, "/threshold/percent") {
        Some(percent) => format!("{percent} % of the limit"),
        None => words(&metric, value::number(settings, "/threshold/value").unwrap_or(0)),
    };
    let time = match value::number(settings, "/forSecs") {
        None => String::new(),
        Some(0) => " at once".to_owned(),
        Some(secs) => format!(" for {secs} s"),
    };
    format!("{metric} {} {line}{time}", value::text(settings, "/comparison"))
}

fn list(rules: &Value) -> String {
    let mut table = Table::new(&["NAME", "ABOUT", "SAYS", "STATE", "ALERTS NOW"]);
    for rule in value::items(rules) {
        let about = match value::maybe(rule, "/scope/id") {
            Some(id) => format!("{} {}", value::text(rule, "/scope/kind"), value::short(&id)),
            None => "all servers".to_owned(),
        };
        let state = if rule["settings"]["enabled"] == false { "off" } else { "on" };
        let says = says(&rule["settings"]);
        table.row([value::text(rule, "/name"), about, says, state.to_owned(), value::text(rule, "/open")]);
    }
    table.or("No rules. Make one: serverflow monitoring rules set memory-full --metric memory --above 90% --for 5m")
}
