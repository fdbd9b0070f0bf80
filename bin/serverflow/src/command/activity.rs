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
        let first = |pointers: &[&str]| pointers.iter().find_map(|pointer| value::maybe(line, pointer));
        let or_dash = |found: Option<String>| found.unwrap_or_else(|| value::NOTHING.to_owned());
        table.row([
            value::moment(line, "/at"),
            or_dash(first(&["/actor/name", "/actor/userId", "/actor/kind", "/actor"])),
            value::text(line, "/action"),
            or_dash(first(&["/target/name", "/target/id", "/target", "/targetId"])),
            or_dash(first(&["/outcome", "/result", "/state"])),
        ]);
    }
    table.or("Nothing was done yet.")
}
