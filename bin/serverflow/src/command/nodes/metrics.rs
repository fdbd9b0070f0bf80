//! `metrics`: the course of an app or a machine, as a line the size of a word and as numbers.

use serde_json::Value;
use sf_engine::workflow::Span;
use sf_runtime::Clock;
use sf_types::ByteSize;

use crate::command::approvals::span::span;
use crate::context::{Context, find_id};
use crate::failure::{Done, Exit};
use crate::screen::Table;
use crate::value;

/// Arguments of `metrics`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name or id of the app, or of the machine with `--node`.
    name: String,
    /// It is a machine.
    #[arg(long)]
    node: bool,
    /// How long back: 1h, 24h, 7d, 30d, 365d.
    #[arg(long, default_value = "1h", value_parser = span, value_name = "TIME")]
    range: Span,
    /// Points at the most.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=2000), value_name = "N")]
    points: u32,
}

/// What is shown: its name, the field, the field of what is hidden by the mean.
const OF_APP: [(&str, &str, Unit); 4] = [
    ("cpu", "cpuPermille", Unit::Permille),
    ("memory", "memory", Unit::Bytes),
    ("processes", "processes", Unit::Count),
    ("requests", "requests", Unit::Sum),
];
const OF_NODE: [(&str, &str, Unit); 6] = [
    ("cpu", "cpuPermille", Unit::Permille),
    ("load", "loadPermille", Unit::Thousandths),
    ("memory", "memoryUsed", Unit::Bytes),
    ("disk", "diskUsed", Unit::Bytes),
    ("received", "netReceived", Unit::SumBytes),
    ("sent", "netSent", Unit::SumBytes),
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Unit {
    Permille,
    Thousandths,
    Bytes,
    Count,
    /// Counted within each point.
    Sum,
    SumBytes,
}

impl Unit {
    fn words(self, number: u64) -> String {
        match self {
            Self::Permille => format!("{}.{} %", number / 10, number % 10),
            Self::Thousandths => format!("{}.{:02}", number / 1_000, number % 1_000 / 10),
            Self::Bytes | Self::SumBytes => ByteSize(number).to_string(),
            Self::Count | Self::Sum => number.to_string(),
        }
    }

    const fn is_sum(self) -> bool {
        matches!(self, Self::Sum | Self::SumBytes)
    }
}

/// Runs `metrics`.
///
/// # Errors
/// The control plane's.
pub async fn run(context: &Context, args: Args) -> Done {
    let client = context.client()?;
    let (collection, shown) = if args.node { ("/nodes", OF_NODE.as_slice()) } else { ("/apps", OF_APP.as_slice()) };
    let id = find_id(&client, collection, &args.name).await?;
    let from = Clock::system().now().minus(args.range.duration()).as_millis().to_string();
    let query = [("from", from), ("points", args.points.to_string())];
    let course = client.get(&format!("{collection}/{id}/metrics"), &query).await?.data;
    context.screen.answer(&course, |course| table(value::items(course), shown));
    Ok(Exit::Succeeded)
}

fn table(points: &[Value], shown: &[(&str, &str, Unit)]) -> String {
    let Some(last) = points.last() else { return "No samples in this time.".to_owned() };
    let mut table = Table::new(&["", "", "NOW", "MEAN", "LOWEST", "HIGHEST"]);
    for (name, field, unit) in shown {
        let values: Vec<u64> = points.iter().filter_map(|point| value::number(point, &format!("/{field}"))).collect();
        let within = |which: &str| {
            points
                .iter()
                .filter_map(|point| value::number(point, &format!("/within/{field}/{which}")))
                .collect::<Vec<_>>()
        };
        let (low, high) =
            if unit.is_sum() { (values.clone(), values.clone()) } else { (within("low"), within("high")) };
        let words = |number: Option<u64>| number.map_or_else(|| value::NOTHING.to_owned(), |number| unit.words(number));
        let mean = values.iter().sum::<u64>().checked_div(values.len() as u64);
        let [now, low, high] = [values.last().copied(), low.into_iter().min(), high.into_iter().max()].map(words);
        table.row([(*name).to_owned(), spark(&values), now, words(mean), low, high]);
    }
    let step = value::number(last, "/within/stepSecs").unwrap_or(0);
    format!("{}\n{} points of {step} s, the last {}", table.print(), points.len(), value::moment(last, "/at"))
}

/// What is shown of a server: each value with what its mean hides beside it.
const OF_SERVER: [(&str, &str, Unit); 6] = [
    ("cpu", "cpuPermille", Unit::Permille),
    ("memory", "memory", Unit::Bytes),
    ("disk", "disk", Unit::Bytes),
    ("processes", "processes", Unit::Count),
    ("received", "received", Unit::SumBytes),
    ("sent", "sent", Unit::SumBytes),
];

/// The course of a server of the panel, in the same words.
pub fn of_server(points: &[Value]) -> String {
    let Some(last) = points.last() else { return "No samples in this time.".to_owned() };
    let mut table = Table::new(&["", "", "NOW", "MEAN", "LOWEST", "HIGHEST"]);
    for (name, field, unit) in OF_SERVER {
        let all = |which: &str| -> Vec<u64> {
            points.iter().filter_map(|point| value::number(point, &format!("/{field}/{which}"))).collect()
        };
        let values = if unit.is_sum() { all("sum") } else { all("mean") };
        if values.is_empty() {
            continue;
        }
        let (low, high) = if unit.is_sum() { (values.clone(), values.clone()) } else { (all("low"), all("high")) };
        let words = |number: Option<u64>| number.map_or_else(|| value::NOTHING.to_owned(), |number| unit.words(number));
        let mean = values.iter().sum::<u64>().checked_div(values.len() as u64);
        let [now, low, high] = [values.last().copied(), low.into_iter().min(), high.into_iter().max()].map(words);
        table.row([name.to_owned(), spark(&values), now, words(mean), low, high]);
    }
    let step = value::number(last, "/stepSecs").unwrap_or(0);
    format!("{}\n{} points of {step} s, the last {}", table.print(), points.len(), value::moment(last, "/at"))
}

/// A line the size of a word, from nothing to the highest.
fn spark(values: &[u64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    /// Wider than this it is no word any more.
    const MOST: usize = 40;
    let each = values.len().div_ceil(MOST).max(1);
    let groups: Vec<u64> = values.chunks(each).map(|group| group.iter().copied().max().unwrap_or(0)).collect();
    let top = u128::from(groups.iter().copied().max().unwrap_or(0).max(1));
    let bar = |value: &u64| BARS[usize::try_from(u128::from(*value) * 7 / top).unwrap_or(7).min(7)];
    groups.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_goes_from_nothing_to_the_highest() {
        assert_eq!(spark(&[0, 1, 7, 3]), "▁▂█▄");
        assert_eq!(spark(&[0, 0]), "▁▁");
        assert_eq!(spark(&[u64::MAX]), "█");
        assert_eq!(spark(&[]), "");
        let long: Vec<u64> = (0..400).collect();
        assert_eq!(spark(&long).chars().count(), 40);
    }

    #[test]
    fn the_highest_within_a_point_is_told_not_that_of_the_means() {
        let point = |mean: u64, high: u64| {
            json!({ "at": "2026-11-27T10:00:00.000Z", "cpuPermille": mean, "memory": 1024, "processes": 1, "requests": 5,
                "within": { "stepSecs": 3600, "cpuPermille": { "low": 1, "high": high }, "memory": { "low": 0, "high": 2048 } } })
        };
        let text = table(&[point(10, 990), point(20, 30)], &OF_APP);
        for part in ["2.0 %", "1.5 %", "0.1 %", "99.0 %", "2 points of 3600 s, the last 2026-11-27 10:00:00"] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        assert_eq!(table(&[], &OF_APP), "No samples in this time.");
    }
}
