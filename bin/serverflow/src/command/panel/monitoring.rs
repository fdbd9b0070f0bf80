//! `monitoring`: how servers are doing, and the rules by which people are told.

mod amount;
mod rules;

use clap::Subcommand;
use serde_json::Value;
use sf_engine::workflow::Span;
use sf_runtime::Clock;

use crate::command::approvals::span::span;
use crate::command::nodes::metrics;
use crate::context::{Context, find_id};
use crate::failure::{Done, Exit};
use crate::screen::Table;
use crate::value;
use amount::{of, words};

/// Arguments of `monitoring`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Rules tell people by the inbox and by notification channels: see `serverflow inbox`.")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// All servers now: totals, the busiest, those near a limit
    Overview,
    /// The course of one server: cpu, memory, disk, processes
    Server {
        /// Name or id of the server.
        #[arg(value_name = "SERVER")]
        which: String,
        /// How long back: 1h, 24h, 7d, 30d, 365d.
        #[arg(long, default_value = "1h", value_parser = span, value_name = "TIME")]
        range: Span,
        /// Points at the most.
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=2000), value_name = "N")]
        points: u32,
    },
    /// Alert rules
    Rules(rules::Args),
    /// What rules have raised, newest first
    Alerts {
        /// Those that are so now, and no others.
        #[arg(long)]
        open: bool,
        /// About this server: its name or id.
        #[arg(long, value_name = "SERVER")]
        of: Option<String>,
        /// How many.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=200), value_name = "ROWS")]
        limit: u16,
    },
}

/// Runs `monitoring`.
///
/// # Errors
/// The control plane's.
pub async fn run(context: &Context, args: Args) -> Done {
    let client = context.client()?;
    match args.command {
        Command::Overview => {
            let now = client.get("/monitoring/overview", &[]).await?.data;
            context.screen.answer(&now, overview);
        }
        Command::Server { which, range, points } => {
            let id = find_id(&client, "/servers", &which).await?;
            let from = Clock::system().now().minus(range.duration()).as_millis().to_string();
            let query = [("from", from), ("points", points.to_string())];
            let course = client.get(&format!("/servers/{id}/metrics"), &query).await?.data;
            context.screen.answer(&course, |course| metrics::of_server(value::items(course)));
        }
        Command::Rules(args) => return rules::run(context, &client, args).await,
        Command::Alerts { open, of, limit } => {
            let mut query = vec![("limit", limit.to_string())];
            if open {
                query.push(("state", "open".to_owned()));
            }
            if let Some(name) = of {
                query.push(("serverId", find_id(&client, "/servers", &name).await?));
            }
            let (found, _) = client.page("/monitoring/alerts", &query).await?;
            context.screen.answer(&found, alerts);
        }
    }
    Ok(Exit::Succeeded)
}

fn overview(now: &Value) -> String {
    let number = |field: &str| value::number(now, &format!("/{field}")).unwrap_or(0);
    let mut lines = vec![
        format!(
            "{} {}: {} running, {} stopped, {} turning, {} in error, {} unknown",
            number("servers"),
            if number("servers") == 1 { "server" } else { "servers" },
            number("running"),
            number("stopped"),
            number("turning"),
            number("error"),
            number("unknown")
        ),
        format!(
            "cpu {}, memory {}, disk {}, network {}",
            words("cpu", number("cpuPermille")),
            words("memory", number("memory")),
            words("disk", number("disk")),
            words("network", number("network"))
        ),
        match number("alerts") {
            0 => "no alerts".to_owned(),
            count => format!("{count} alerts: serverflow monitoring alerts --open"),
        },
    ];
    let mut busiest = Table::new(&["MOST", "SERVER", "NOW", "OF"]);
    for group in value::items(&now["busiest"]) {
        let metric = value::text(group, "/metric");
        for one in value::items(&group["servers"]).iter().take(3) {
            busiest.row([
                metric.clone(),
                value::text(one, "/name"),
                of(&metric, one, "/value"),
                of(&metric, one, "/limit"),
            ]);
        }
    }
    lines.push(busiest.or("Nothing uses anything."));
    let near = value::items(&now["near"]);
    if !near.is_empty() {
        let mut table = Table::new(&["NEAR ITS LIMIT", "SERVER", "NOW", "OF"]);
        for one in near {
            let (metric, server) = (value::text(one, "/metric"), &one["server"]);
            table.row([
                metric.clone(),
                value::text(server, "/name"),
                of(&metric, server, "/value"),
                of(&metric, server, "/limit"),
            ]);
        }
        lines.push(table.print());
    }
    let silent = value::items(&now["silent"]);
    if !silent.is_empty() {
        let mut table = Table::new(&["NOT KNOWN", "SINCE", "LAST HEARD"]);
        for one in silent {
            table.row([value::text(one, "/name"), value::moment(one, "/unknownSince"), value::text(one, "/state")]);
        }
        lines.push(table.print());
    }
    lines.join("\n")
}

fn alerts(found: &Value) -> String {
    let mut table = Table::new(&["RAISED", "ENDED", "SERVER", "RULE", "LINE", "WAS", "WORST"]);
    for one in value::items(found) {
        let metric = value::text(one, "/settings/metric");
        let ended = match value::maybe(one, "/clearedBy") {
            Some(by) => format!("{} ({by})", value::moment(one, "/clearedAt")),
            None => "-".to_owned(),
        };
        table.row([
            value::moment(one, "/raisedAt"),
            ended,
            value::text(one, "/serverName"),
            value::text(one, "/ruleName"),
            of(&metric, one, "/line"),
            of(&metric, one, "/value"),
            of(&metric, one, "/peak"),
        ]);
    }
    table.or("No alerts. See what is watched: serverflow monitoring rules list")
}
