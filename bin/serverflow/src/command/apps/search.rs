//! `search`: lines in all logs of an app, newest first.

use serde_json::{Value, json};
use sf_engine::workflow::Span;
use sf_runtime::Clock;

use crate::command::approvals::span::span;
use crate::context::{Context, find_id};
use crate::failure::{Done, Exit};
use crate::screen::{Screen, Tone, plain};
use crate::value;

/// Hits asked for at a time.
const AT_A_TIME: u32 = 100;

/// Arguments of `search`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name or id of the app.
    app: String,
    /// A text, in whatever case; every line where absent.
    text: Option<String>,
    /// It is a regular expression, and minds case.
    #[arg(short = 'e', long, requires = "text")]
    regex: bool,
    /// Only lines that say they are that bad; `warning` means errors, too.
    #[arg(long, value_parser = ["error", "warning"])]
    level: Option<String>,
    /// Only lines of this stream.
    #[arg(long, value_parser = ["out", "err", "tty", "note"])]
    stream: Option<String>,
    /// Only so far back: 30m, 24h, 7d.
    #[arg(long, value_parser = span, value_name = "TIME")]
    since: Option<Span>,
    /// Only what is older than so long.
    #[arg(long, value_parser = span, value_name = "TIME")]
    until: Option<Span>,
    /// Only of this release.
    #[arg(long, value_name = "ID")]
    release: Option<String>,
    /// Lines around each one found.
    #[arg(short = 'C', long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=10), value_name = "N")]
    context: u8,
    /// Lines found at the most.
    #[arg(short = 'n', long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..), value_name = "N")]
    limit: u32,
}

/// Prints what is found.
///
/// # Errors
/// The control plane's.
pub async fn run(context: &Context, args: Args) -> Done {
    let client = context.client()?;
    let app = find_id(&client, "/apps", &args.app).await?;
    let path = format!("/apps/{app}/logs/search");
    let now = Clock::system().now();
    let moment = |back: Option<Span>| back.map(|span| now.minus(span.duration()).as_millis().to_string());
    let given = [
        ("q", args.text.clone()),
        ("regex", args.regex.then(|| "true".to_owned())),
        ("level", args.level.clone()),
        ("stream", args.stream.clone()),
        ("from", moment(args.since)),
        ("to", moment(args.until)),
        ("release", args.release.clone()),
        ("context", Some(args.context.to_string())),
    ];
    let asked: Vec<_> = given.into_iter().filter_map(|(name, text)| Some((name, text?))).collect();
    let (mut left, mut after, mut looked_at) = (args.limit, None, 0);
    let complete = loop {
        let mut query = asked.clone();
        query.push(("limit", left.min(AT_A_TIME).to_string()));
        query.extend(after.take().map(|place| ("after", place)));
        let found = client.get(&path, &query).await?.data;
        let hits = value::items(found.get("hits").unwrap_or(&Value::Null));
        for hit in hits {
            show(context.screen, hit, args.context > 0);
        }
        left = left.saturating_sub(u32::try_from(hits.len()).unwrap_or(u32::MAX));
        looked_at += value::number(&found, "/linesLookedAt").unwrap_or(0);
        after = value::maybe(&found, "/next");
        if after.is_none() || left == 0 {
            break after.is_none();
        }
    };
    let told = args.limit - left;
    context.screen.event(&json!({ "found": told, "linesLookedAt": looked_at, "complete": complete }));
    let rest = if complete { "" } else { "; there may be older ones: --limit shows more" };
    context.screen.note(&format!("— {told} found in {looked_at} lines{rest} —"));
    Ok(Exit::Succeeded)
}

fn show(screen: Screen, hit: &Value, is_surrounded: bool) {
    screen.event(hit);
    let of = match (value::number(hit, "/releaseNumber"), value::maybe(hit, "/runId")) {
        (Some(number), _) => format!("#{number}"),
        (None, Some(run)) => format!("build {}", value::short(&run)),
        (None, None) => value::NOTHING.to_owned(),
    };
    let line = |line: &Value, tone: Option<Tone>| {
        let text = plain(&value::text(line, "/text"));
        let text = tone.map_or_else(|| text.clone(), |tone| screen.paint(tone, &text));
        screen.say(&format!(
            "{} {} {text}",
            screen.paint(Tone::Dim, &value::moment(line, "/at")),
            screen.paint(Tone::Dim, &of)
        ));
    };
    let around = |side: &str| value::items(hit.get(side).unwrap_or(&Value::Null)).to_vec();
    around("before").iter().for_each(|before| line(before, Some(Tone::Dim)));
    line(hit.get("line").unwrap_or(&Value::Null), is_surrounded.then_some(Tone::Strong));
    around("after").iter().for_each(|after| line(after, Some(Tone::Dim)));
    if is_surrounded {
        screen.say(&screen.paint(Tone::Dim, "--"));
    }
}
