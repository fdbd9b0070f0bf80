//! `workflow`: steps that are written down once and carried out as often as asked.

mod document;
mod execution;
pub mod input;
mod meant;
mod shown;
mod watch;

use std::path::PathBuf;

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::clone;
use crate::context::Context;
use crate::failure::{Done, Exit};
use crate::run;
use crate::value;

/// Runs shown with a workflow.
const RUNS_SHOWN: u16 = 10;

/// Arguments of `workflow`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// All workflows (the default)
    List {
        /// Only those with this in the name.
        #[arg(long, value_name = "TEXT")]
        q: Option<String>,
    },
    /// One workflow with its triggers and its newest runs
    Show {
        /// Name or id.
        workflow: String,
    },
    /// Keep a document as a new workflow, or as the next version of the one with its name
    Apply {
        /// The document, YAML or JSON; `-` reads standard input.
        file: PathBuf,
        /// The project of a new workflow, by name or id; the team's first otherwise.
        #[arg(long)]
        project: Option<String>,
        /// Show what would happen.
        #[arg(long)]
        dry_run: bool,
    },
    /// Say everything that is wrong with documents; needs no control plane
    Lint {
        /// The documents, YAML or JSON; `-` reads standard input.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Run a workflow
    Run(execution::RunArgs),
    /// Follow a run step by step to its end
    Watch {
        /// Its id, or a workflow's name for its newest run.
        run: String,
    },
    /// Run it again from a step on, keeping what an old run did before
    Fork(execution::ForkArgs),
    /// Stop a run; what it has done stays done
    Cancel {
        /// Its id, or a workflow's name for its newest run.
        run: String,
    },
    /// Print a workflow's document as it was written
    Export {
        /// Name or id.
        workflow: String,
        /// An older version.
        #[arg(long, value_name = "N")]
        by_version: Option<u32>,
    },
    /// Let its triggers start it, with your rights
    Enable {
        /// Name or id.
        workflow: String,
    },
    /// Keep its triggers from starting it; what runs goes on
    Disable {
        /// Name or id.
        workflow: String,
    },
    /// Delete a workflow that does not run, with all its versions
    Delete {
        /// Name or id.
        workflow: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Send an event to a run: a step that waits for it goes on
    Send {
        /// The run's id, or a workflow's name for its newest run.
        run: String,
        /// The event's name.
        event: String,
        /// What it brings: JSON, or a text.
        #[arg(long, value_name = "VALUE")]
        data: Option<String>,
    },
}

/// Runs `workflow`.
///
/// # Errors
/// The control plane's.
pub async fn run(context: &Context, args: Args) -> Done {
    let command = args.command.unwrap_or(Command::List { q: None });
    if let Command::Lint { files } = &command {
        return document::lint(context, files);
    }
    let client = &context.client()?;
    match command {
        Command::List { q } => {
            context.list(client, "/workflows", &[("q", q)], shown::table).await?;
        }
        Command::Show { workflow } => {
            let mut workflow = meant::workflow(client, &workflow).await?;
            let id = value::text(&workflow, "/id");
            let query = [("workflowId", id), ("limit", RUNS_SHOWN.to_string())];
            workflow["runs"] = client.get("/workflow-executions", &query).await?.data;
            context.screen.answer(&workflow, shown::facts);
        }
        Command::Apply { file, project, dry_run } => {
            return document::apply(context, client, &file, project.as_deref(), dry_run).await;
        }
        Command::Lint { .. } => {}
        Command::Run(args) => return execution::run(context, client, args).await,
        Command::Watch { run } => {
            let run = meant::run(client, &run).await?;
            return watch::settle(context, client, &json!({ "id": run }), true).await;
        }
        Command::Fork(args) => return execution::fork(context, client, args).await,
        Command::Cancel { run } => {
            let run = meant::run(client, &run).await?;
            let cancelled = client.write(Method::POST, &format!("/runs/{run}/cancel"), Some(&json!({}))).await?;
            context.screen.answer(&cancelled, |answer| {
                let verdict = run::verdict(run::of(answer)).2;
                format!("{verdict}. See it end: serverflow workflow watch {run}")
            });
        }
        Command::Export { workflow, by_version } => {
            document::export(context, client, &workflow, by_version).await?;
        }
        Command::Enable { workflow } => return triggers(context, client, &workflow, true).await,
        Command::Disable { workflow } => return triggers(context, client, &workflow, false).await,
        Command::Delete { workflow, yes } => {
            if !yes && !clone::agreed(&format!("Delete the workflow {workflow} with all its versions?"))? {
                return Ok(Exit::Failed);
            }
            let id = meant::workflow_id(client, &workflow).await?;
            let gone = client.write(Method::DELETE, &format!("/workflows/{id}"), None).await?;
            context.screen.answer(&gone, |gone| shown::done(gone, format!("{workflow} is deleted.")));
        }
        Command::Send { run, event, data } => {
            let id = meant::run(client, &run).await?;
            let body = json!({ "event": event, "data": data.as_deref().map_or(Value::Null, input::guessed) });
            let sent = client.write(Method::POST, &format!("/workflow-executions/{id}/events"), Some(&body)).await?;
            context.screen.answer(&sent, |sent| shown::done(sent, format!("{event} is sent to run {id}.")));
        }
    }
    Ok(Exit::Succeeded)
}

async fn triggers(context: &Context, client: &Client, wanted: &str, enabled: bool) -> Done {
    let id = meant::workflow_id(client, wanted).await?;
    let path = format!("/workflows/{id}/triggers");
    let done = client.write(Method::POST, &path, Some(&json!({ "enabled": enabled }))).await?;
    context.screen.answer(&done, |done| {
        let text = match enabled {
            true => format!("The triggers of {wanted} start it, with your rights."),
            false => format!("The triggers of {wanted} start it no more; what runs goes on."),
        };
        shown::done(done, text)
    });
    Ok(Exit::Succeeded)
}
