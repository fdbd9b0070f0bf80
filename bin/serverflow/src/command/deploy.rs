//! `deploy` and `rollback`: a release goes live, or an earlier one again.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::context::{Context, find};
use crate::failure::{Done, Exit, Failure};
use crate::run;
use crate::screen::Table;
use crate::value;

/// Arguments of `deploy`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name or id of the app.
    app: String,
    /// Branch or tag; the app's own otherwise.
    #[arg(long = "ref", value_name = "REF")]
    reference: Option<String>,
    /// A commit, in full.
    #[arg(long)]
    commit: Option<String>,
    /// Install and build also what is proven to come out as before.
    #[arg(long)]
    full: bool,
    /// How sure an AI agent is that this goes well, 0 to 100; people need not say.
    #[arg(long, value_name = "SCORE", value_parser = score)]
    confidence: Option<f64>,
    /// Show what would happen.
    #[arg(long)]
    dry_run: bool,
    /// Print the run's id and return.
    #[arg(long)]
    no_follow: bool,
}

/// Arguments of `rollback`.
#[derive(Debug, clap::Args)]
pub struct RollbackArgs {
    /// Name or id of the app.
    app: String,
    /// Number of the release, from `apps show`; the one before the live one otherwise.
    #[arg(long, value_name = "N")]
    to: Option<u64>,
    /// How sure an AI agent is that this goes well, 0 to 100; people need not say.
    #[arg(long, value_name = "SCORE", value_parser = score)]
    confidence: Option<f64>,
    /// Show what would happen.
    #[arg(long)]
    dry_run: bool,
    /// Print the run's id and return.
    #[arg(long)]
    no_follow: bool,
}

/// Deploys and follows.
///
/// # Errors
/// The control plane's.
pub async fn run(context: &Context, args: Args) -> Done {
    let client = context.client()?;
    let app = find(&client, "/apps", &args.app).await?;
    let mut body = json!({});
    if let Some(reference) = &args.reference {
        body["reference"] = reference.as_str().into();
    }
    if let Some(commit) = &args.commit {
        body["commit"] = commit.as_str().into();
    }
    if args.full {
        body["full"] = true.into();
    }
    sure(&mut body, args.confidence);
    let exit = change(context, &client, &app, "deploy", &body, args.dry_run, !args.no_follow).await?;
    if !args.dry_run && !args.no_follow {
        address(context, &client, &app).await;
    }
    Ok(exit)
}

/// Goes back and follows.
///
/// # Errors
/// The control plane's; a number that no kept release has.
pub async fn rollback(context: &Context, args: RollbackArgs) -> Done {
    let client = context.client()?;
    let app = find(&client, "/apps", &args.app).await?;
    let mut body = json!({});
    if let Some(number) = args.to {
        let releases = client.list(&format!("/apps/{}/releases", value::text(&app, "/id")), &[]).await?;
        let found = releases.iter().find(|release| value::number(release, "/number") == Some(number));
        let id = found.map(|release| value::text(release, "/id")).ok_or_else(|| {
            Failure::new(Exit::Failed, "release.not_found", format!("{} has no release {number}.", args.app))
                .fix(format!("See its releases: serverflow apps show {}", args.app))
        })?;
        body["releaseId"] = id.into();
    }
    sure(&mut body, args.confidence);
    change(context, &client, &app, "rollback", &body, args.dry_run, !args.no_follow).await
}

/// What is no number is refused here: JSON has no word for it, and it would be taken for silence.
fn score(text: &str) -> Result<f64, String> {
    text.parse::<f64>()
        .ok()
        .filter(|score| score.is_finite())
        .ok_or_else(|| "a number from 0 to 100 is wanted".to_owned())
}

fn sure(body: &mut Value, confidence: Option<f64>) {
    if let Some(score) = confidence {
        body["confidence"] = score.into();
    }
}

/// Proposes a change of an app; shows its plan, or follows its run.
///
/// # Errors
/// The control plane's.
pub async fn change(
    context: &Context,
    client: &Client,
    app: &Value,
    verb: &str,
    body: &Value,
    dry_run: bool,
    follow: bool,
) -> Done {
    let path = format!("/apps/{}/{verb}", value::text(app, "/id"));
    if dry_run {
        let answer = client.write_with(Method::POST, &path, &[("dryRun", "true".into())], Some(body)).await?;
        context.screen.answer(&answer, plan);
        return Ok(Exit::Succeeded);
    }
    let answer = client.write(Method::POST, &path, Some(body)).await?;
    run::settle(context, client, &answer, follow).await
}

/// What would happen, as facts.
pub fn plan(answer: &Value) -> String {
    let plan = answer.get("plan").unwrap_or(answer);
    let at = |pointer| value::text(plan, pointer);
    let mut table = Table::facts();
    table.fact("action", at("/action/action"));
    table.fact("policy", format!("{} ({})", at("/decision/admission"), at("/decision/because")));
    table.fact("waits for", at("/waitsFor"));
    for (name, pointer) in [("step", "/steps"), ("lost", "/losses")] {
        for line in plan.pointer(pointer).map_or(&[][..], value::items) {
            table.fact(name, value::text(line, ""));
        }
    }
    format!("Nothing was done. This would happen:\n{}", table.print())
}

/// Where the app is reached now.
async fn address(context: &Context, client: &Client, app: &Value) {
    let read = client.get(&format!("/apps/{}", value::text(app, "/id")), &[]).await;
    if let Ok(answer) = read
        && let Some(url) = value::maybe(&answer.data, "/url")
    {
        context.screen.say(&format!("\n  {} serves at {url}", value::text(&answer.data, "/name")));
    }
}
