//! `start`, `stop`, `restart`.

use serde_json::json;

use crate::command::deploy::change;
use crate::context::{Context, find};
use crate::failure::Done;

/// Arguments of `start`, `stop` and `restart`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name or id of the app.
    app: String,
    /// Show what would happen.
    #[arg(long)]
    dry_run: bool,
    /// Print the run's id and return.
    #[arg(long)]
    no_follow: bool,
}

/// Proposes the change and follows it.
///
/// # Errors
/// The control plane's.
pub async fn run(context: &Context, verb: &str, args: Args) -> Done {
    let client = context.client()?;
    let app = find(&client, "/apps", &args.app).await?;
    change(context, &client, &app, verb, &json!({}), args.dry_run, !args.no_follow).await
}
