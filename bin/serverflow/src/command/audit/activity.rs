//! `activity`: who did what.

use serde_json::Value;

use crate::context::Context;
use crate::failure::{Done, Exit};
use crate::screen::Table;
use crate::value;

/// Arguments of `activity`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only this action: app.deploy.
    #[arg(long)]
    action: Option<String>,
    /// Only what was done to this id.
    #[arg(long)]
    target: Option<String>,
    /// Not before this RFC 3339 time.
    #[arg(long)]
    from: Option<String>,
    /// Not after this RFC 3339 time.
    #[arg(long)]
    to: Option<String>,
    /// Lines at the most.
    #[arg(long, default_value_t = 50)]
    limit: u16,
}

/// Prints audit lines, newest first.
///
/// # Errors
/// The control plane's.
pub async fn run(context: &Context, args: Args) -> Done {
    let mut query = vec![("limit", args.limit.to_string())];
    let filters = [("action", args.action), ("target", args.target), ("from", args.from), ("to", args.to)];
    query.extend(filters.into_iter().filter_map(|(name, value)| Some((name, value?))));
    let found = context.client()?.get("/activity", &query).await?.data;
    context.screen.answer(&found, table);
    Ok(Exit::Succeeded)
}

fn table(lines: &Value) -> String {
    let mut table = Table::new(&["AT", "WHO", "ACTION", "TARGET", "OUTCOME"]);
    for line in value::items(lines) {
        let at = |pointer| value::text(line, pointer);
        let who = value::maybe(line, "/personal/name").or_else(|| value::maybe(line, "/personal/email"));
        let who = who.unwrap_or_else(|| format!("{} {}", at("/actorKind"), value::short(&at("/actorRef"))));
        let target = format!("{} {}", at("/targetKind"), at("/targetId"));
        table.row([value::moment(line, "/at"), who, at("/action"), target, at("/outcome")]);
    }
    table.or("Nothing was done yet.")
}
