//! Runs of workflows: begun, and begun again from a step.

use reqwest::Method;
use serde_json::{Value, json};

use super::input::InputArgs;
use super::{document, meant, watch};
use crate::client::Client;
use crate::context::Context;
use crate::failure::{Done, Exit};
use crate::value;

/// Arguments of `workflow run`.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// Name or id.
    workflow: String,
    #[command(flatten)]
    input: InputArgs,
    /// By an older version.
    #[arg(long, value_name = "N")]
    by_version: Option<u32>,
    /// Show what would happen.
    #[arg(long)]
    dry_run: bool,
    /// Follow it to its end; the exit code says how it ended.
    #[arg(long)]
    watch: bool,
}

/// Arguments of `workflow fork`.
#[derive(Debug, clap::Args)]
pub struct ForkArgs {
    /// The old run's id, or a workflow's name for its newest run.
    run: String,
    /// The step that is done again, with all that follow from it; from the beginning otherwise.
    #[arg(long)]
    step: Option<String>,
    #[command(flatten)]
    input: InputArgs,
    /// By another version; the old run's otherwise.
    #[arg(long, value_name = "N")]
    by_version: Option<u32>,
    /// Show what would happen.
    #[arg(long)]
    dry_run: bool,
    /// Follow it to its end; the exit code says how it ended.
    #[arg(long)]
    watch: bool,
}

/// Runs a workflow.
///
/// # Errors
/// The control plane's; an input that is none.
pub async fn run(context: &Context, client: &Client, args: RunArgs) -> Done {
    let id = meant::workflow_id(client, &args.workflow).await?;
    let schema = schema(client, &id, args.by_version, &args.input).await?;
    let input = args.input.read(Value::Null, schema.as_ref())?;
    let body = json!({ "input": input, "version": args.by_version });
    begin(context, client, &format!("/workflows/{id}/execute"), &body, args.dry_run, args.watch).await
}

/// Runs it again from a step on. Single values are laid over the old run's input.
///
/// # Errors
/// As [`run`].
pub async fn fork(context: &Context, client: &Client, args: ForkArgs) -> Done {
    let run = meant::run(client, &args.run).await?;
    let mut body = json!({ "step": args.step, "version": args.by_version });
    if args.input.are_given() {
        let old = client.get(&format!("/workflow-executions/{run}"), &[]).await?.data;
        let version = args.by_version.or_else(|| value::number(&old, "/version").and_then(|n| u32::try_from(n).ok()));
        let schema = schema(client, &value::text(&old, "/workflowId"), version, &args.input).await?;
        body["input"] = args.input.read(old["input"].clone(), schema.as_ref())?;
    }
    begin(context, client, &format!("/workflow-executions/{run}/fork"), &body, args.dry_run, args.watch).await
}

/// What tells a text from a number among single values.
async fn schema(
    client: &Client,
    workflow: &str,
    version: Option<u32>,
    input: &InputArgs,
) -> Result<Option<Value>, crate::failure::Failure> {
    if !input.are_pairs() {
        return Ok(None);
    }
    Ok(document::inputs_of(&document::of(client, workflow, version).await?))
}

async fn begin(context: &Context, client: &Client, path: &str, body: &Value, dry_run: bool, follow: bool) -> Done {
    if dry_run {
        let plan = client.write_with(Method::POST, path, &[("dryRun", "true".into())], Some(body)).await?;
        context.screen.answer(&plan, crate::command::deploy::plan);
        return Ok(Exit::Succeeded);
    }
    let answer = client.write(Method::POST, path, Some(body)).await?;
    watch::settle(context, client, crate::run::of(&answer), follow).await
}
