//! `patch`: files of an app's live release, and a change of one.

mod change;
mod edit;

use std::path::PathBuf;

use reqwest::Method;
use serde_json::{Value, json};
use sf_types::ByteSize;

use crate::client::Client;
use crate::context::{Context, find};
use crate::failure::{Done, Exit, Failure};
use crate::run;
use crate::screen::{Table, Tone, plain};
use crate::value;

/// Files asked for at once are a page; so many pages are shown.
const PAGES: usize = 20;

/// Arguments of `patch`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Without a path the files of the live release are listed; with a path alone the file is printed."
)]
pub struct Args {
    /// Name or id of the app.
    app: String,
    /// Where the file is, below the files of the release: src/app.js
    path: Option<String>,
    /// Have it hold what this local file holds.
    #[arg(long, value_name = "FILE", group = "change", requires = "path")]
    from: Option<PathBuf>,
    /// Change it in `$EDITOR`.
    #[arg(long, group = "change", requires = "path")]
    edit: bool,
    /// Take it away.
    #[arg(long, group = "change", requires = "path")]
    delete: bool,
    /// Change it where it is and send this signal to the process, instead of a new release beside the live one.
    #[arg(long, value_name = "SIGNAL", value_parser = ["HUP", "USR1", "USR2"], requires = "change")]
    signal: Option<String>,
    /// Change it where it is and tell nobody.
    #[arg(long, conflicts_with = "signal", requires = "change")]
    no_restart: bool,
    /// Write it also where it is not well formed then: a riskier action.
    #[arg(long, requires = "change")]
    accept_broken: bool,
    /// Only paths with this in them, when files are listed.
    #[arg(long, value_name = "TEXT", conflicts_with = "path")]
    q: Option<String>,
    /// Show what would happen.
    #[arg(long, requires = "change")]
    dry_run: bool,
    /// Print the run's id and return.
    #[arg(long, requires = "change")]
    no_follow: bool,
}

/// Lists, prints or changes.
///
/// # Errors
/// The control plane's, and those of local files.
pub async fn run(context: &Context, args: Args) -> Done {
    let client = context.client()?;
    let app = find(&client, "/apps", &args.app).await?;
    let base = format!("/apps/{}", value::text(&app, "/id"));
    let Some(path) = &args.path else { return list(context, &client, &base, args.q.as_deref()).await };
    let before = read(&client, &base, path).await?;
    if args.from.is_none() && !args.edit && !args.delete {
        let Some(file) = before else { return Err(no_file(path)) };
        if context.screen.is_json() {
            context.screen.answer(&file, |_| String::new());
        } else {
            context.screen.file(&value::text(&file, "/text"));
        }
        return Ok(Exit::Succeeded);
    }
    let old = before.as_ref().map(|file| value::text(file, "/text"));
    let mut body = if args.delete {
        json!({ "delete": true })
    } else {
        let old = old.unwrap_or_default();
        let new = match &args.from {
            Some(local) => std::fs::read_to_string(local).map_err(|error| Failure::file(local, &error))?,
            None => edit::edit(path, &old).await?,
        };
        if new == old && before.is_some() {
            context.screen.say("Nothing changed.");
            return Ok(Exit::Succeeded);
        }
        change::between(&old, &new)
    };
    let hash = before.as_ref().map_or("absent".to_owned(), |file| value::text(file, "/hash"));
    (body["path"], body["before"]) = (path.as_str().into(), hash.into());
    let preview = client.write(Method::POST, &format!("{base}/patches/preview"), Some(&body)).await?;
    context.screen.say(&shown(context, &preview));
    if args.dry_run && context.screen.is_json() {
        context.screen.answer(&preview, |_| String::new());
        return Ok(Exit::Succeeded);
    }
    body["effect"] = match (&args.signal, args.no_restart) {
        (Some(signal), _) => signal.to_lowercase().into(),
        (None, true) => "nothing".into(),
        (None, false) => "restart".into(),
    };
    body["acceptBroken"] = args.accept_broken.into();
    if value::word(&preview, "/syntax/verdict") == "broken" && !args.accept_broken {
        let message = format!("{path} would not be well formed.");
        let failure = Failure::new(Exit::Failed, "patch.syntax", message);
        return Err(failure.fix("Correct it, or write it as it is with --accept-broken."));
    }
    let to = format!("{base}/patches");
    if args.dry_run {
        let answer = client.write_with(Method::POST, &to, &[("dryRun", "true".into())], Some(&body)).await?;
        context.screen.answer(&answer, crate::command::deploy::plan);
        return Ok(Exit::Succeeded);
    }
    let answer = client.write(Method::POST, &to, Some(&body)).await?;
    run::settle(context, &client, &answer, !args.no_follow).await
}

async fn list(context: &Context, client: &Client, base: &str, search: Option<&str>) -> Done {
    let (mut files, mut after) = (Vec::new(), None::<String>);
    for _ in 0..PAGES {
        let mut asked: Vec<(&str, String)> = search.map(|text| ("q", text.to_owned())).into_iter().collect();
        asked.extend(after.take().map(|path| ("after", path)));
        let page = client.get(&format!("{base}/files"), &asked).await?.data;
        files.extend(page.pointer("/files").map_or(&[][..], value::items).to_vec());
        after = value::maybe(&page, "/next");
        if after.is_none() {
            break;
        }
    }
    let more = after.is_some();
    context.screen.answer(&json!({ "files": files, "more": more }), |_| {
        let mut table = Table::new(&["FILE", "SIZE"]);
        for file in &files {
            let size = ByteSize(value::number(file, "/size").unwrap_or(0));
            table.row([value::text(file, "/path"), size.to_string()]);
        }
        let rest = if more { "\nThere are more: narrow them with --q." } else { "" };
        format!("{}{rest}", table.print())
    });
    Ok(Exit::Succeeded)
}

/// The file as it is; `None` where there is none.
async fn read(client: &Client, base: &str, path: &str) -> Result<Option<Value>, Failure> {
    match client.get(&format!("{base}/files/content"), &[("path", path.to_owned())]).await {
        Ok(answer) => Ok(Some(answer.data)),
        Err(failure) if failure.code == "patch.no_file" => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// The difference in colours, and what the grammar says.
fn shown(context: &Context, preview: &Value) -> String {
    let diff = value::text(preview, "/diff");
    let mut lines: Vec<_> = diff
        .lines()
        .map(|line| {
            let tone = match line.as_bytes() {
                [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => Some(Tone::Strong),
                [b'+', ..] => Some(Tone::Good),
                [b'-', ..] => Some(Tone::Bad),
                [b'@', ..] => Some(Tone::Dim),
                _ => None,
            };
            let line = plain(line);
            tone.map_or(line.clone(), |tone| context.screen.paint(tone, &line))
        })
        .collect();
    if value::text(preview, "/diffCut") == "true" {
        lines.push(context.screen.paint(Tone::Dim, "  … the rest is left out"));
    }
    let (added, removed) = (value::text(preview, "/added"), value::text(preview, "/removed"));
    lines.push(format!("\n  {added} lines added, {removed} taken away"));
    let language = value::maybe(preview, "/syntax/language").unwrap_or_else(|| "unknown language".to_owned());
    lines.push(match value::word(preview, "/syntax/verdict").as_str() {
        "sound" => format!("  {} {language}, well formed", context.screen.paint(Tone::Good, "✓")),
        "broken" => format!("  {} {language}, not well formed:", context.screen.paint(Tone::Bad, "✗")),
        _ => format!(
            "  {} syntax not checked: {}",
            context.screen.paint(Tone::Warn, "?"),
            value::text(preview, "/syntax/reason")
        ),
    });
    for finding in preview.pointer("/syntax/findings").map_or(&[][..], value::items) {
        let at = format!("{}:{}", value::text(finding, "/line"), value::text(finding, "/column"));
        lines.push(format!("    {at:<9} {}", plain(&value::text(finding, "/message"))));
    }
    lines.join("\n")
}

fn no_file(path: &str) -> Failure {
    let message = format!("The live release has no file {path}.");
    let failure = Failure::new(Exit::Failed, "patch.no_file", message);
    failure.fix("Look at its files without a path; a new one is made with --from.")
}
