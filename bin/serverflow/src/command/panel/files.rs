//! `files`: files of a server, looked at and changed where they are.

mod change;
mod download;
mod patience;
mod upload;

use clap::Subcommand;
use serde_json::{Value, json};
use sf_types::ByteSize;

use crate::client::Client;
use crate::context::{Context, find_id};
use crate::failure::{Done, Exit, Failure};
use crate::screen::{Table, plain};
use crate::value;

/// Arguments of `files`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Paths are below the server's folder. Names that are no plain text are written as `ls` shows them."
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List a folder
    Ls {
        /// Name or id of the server.
        #[arg(value_name = "SERVER")]
        which: String,
        /// The folder; the server's own unless given.
        #[arg(default_value = "")]
        path: String,
    },
    /// Print a file
    Cat {
        /// Name or id of the server.
        #[arg(value_name = "SERVER")]
        which: String,
        /// The file.
        path: String,
    },
    /// Look for files by name, or for a text in them
    Find {
        /// Name or id of the server.
        #[arg(value_name = "SERVER")]
        which: String,
        /// A part of a name, or a name with `*`, `?` and `[a-z]`.
        #[arg(long, value_name = "PATTERN", required_unless_present = "text")]
        name: Option<String>,
        /// A text within one line, in files of that name.
        #[arg(long)]
        text: Option<String>,
        /// The text is a regular expression.
        #[arg(long, requires = "text")]
        regex: bool,
        /// Below this folder.
        #[arg(long, value_name = "FOLDER", default_value = "")]
        below: String,
    },
    /// Count what all files take
    Du {
        /// Name or id of the server.
        #[arg(value_name = "SERVER")]
        which: String,
    },
    /// Upload a file or folder; what was cut off is gone on with by the same command
    Upload(upload::Args),
    /// Download a file, or a folder as a .tar.gz
    Download(download::Args),
    #[command(flatten)]
    Change(change::Command),
}

/// Runs `files`.
///
/// # Errors
/// The control plane's, the machine's, or a local file that cannot be read.
pub async fn run(context: &Context, args: Args) -> Done {
    let client = context.client()?;
    match args.command {
        Command::Ls { which, path } => list(context, &client, &base(&client, &which).await?, path).await,
        Command::Cat { which, path } => print(context, &client, &base(&client, &which).await?, path).await,
        Command::Find { which, name, text, regex, below } => {
            let mut query = vec![("path", below), ("limit", "1000".to_owned())];
            query.extend(name.map(|name| ("name", name)));
            query.extend(text.map(|text| ("text", text)));
            if regex {
                query.push(("regex", "true".to_owned()));
            }
            let path = format!("{}/search", base(&client, &which).await?);
            let found = client.get(&path, &query).await?.data;
            context.screen.answer(&found, matches);
            Ok(Exit::Succeeded)
        }
        Command::Du { which } => {
            let path = format!("{}/usage", base(&client, &which).await?);
            let usage = client.get(&path, &[]).await?.data;
            context.screen.answer(&usage, taken);
            Ok(Exit::Succeeded)
        }
        Command::Upload(args) => upload::run(context, &client, args).await,
        Command::Download(args) => download::run(context, &client, args).await,
        Command::Change(command) => change::run(context, &client, command).await,
    }
}

async fn base(client: &Client, server: &str) -> Result<String, Failure> {
    Ok(format!("/servers/{}/files", find_id(client, "/servers", server).await?))
}

async fn list(context: &Context, client: &Client, base: &str, path: String) -> Done {
    let (mut entries, mut total, mut after) = (Vec::new(), Value::Null, None);
    loop {
        let mut query = vec![("path", path.clone()), ("limit", "1000".to_owned())];
        query.extend(after.take().map(|name| ("after", name)));
        let page = client.get(base, &query).await?.data;
        entries.extend_from_slice(page.get("entries").map_or(&[][..], value::items));
        total = page.get("total").cloned().unwrap_or(total);
        after = value::maybe(&page, "/next");
        if after.is_none() {
            break;
        }
    }
    context.screen.answer(&json!({ "entries": entries, "total": total }), table);
    Ok(Exit::Succeeded)
}

/// A file piece by piece. One that changes meanwhile is printed as it was read.
async fn print(context: &Context, client: &Client, base: &str, path: String) -> Done {
    use std::io::Write;
    let (url, mut from) = (format!("{base}/content"), Some(0));
    // A line goes on in the next piece.
    let mut rest = String::new();
    while let Some(first) = from {
        let query = [("path", path.clone()), ("from", first.to_string())];
        let piece = client.get(&url, &query).await?.data;
        from = value::number(&piece, "/next");
        if context.screen.is_json() {
            context.screen.event(&piece);
        } else if let Some(text) = piece.get("text").and_then(Value::as_str) {
            rest.push_str(text);
            let after = rest.split_off(rest.rfind('\n').map_or(0, |end| end + 1));
            context.screen.file(&rest);
            rest = after;
        } else if context.screen.is_terminal() {
            let fix = "Send it on to a file: `serverflow files cat SERVER PATH > FILE`.";
            return Err(Failure::new(Exit::Failed, "cli.binary", format!("{path} is no text.")).fix(fix));
        } else {
            let bytes = change::decoded(&value::text(&piece, "/base64"))?;
            context.screen.file(&std::mem::take(&mut rest));
            drop(std::io::stdout().lock().write_all(&bytes));
        }
    }
    context.screen.file(&rest);
    Ok(Exit::Succeeded)
}

fn table(page: &Value) -> String {
    let mut table = Table::new(&["MODE", "SIZE", "CHANGED", "NAME"]);
    for entry in page.get("entries").map_or(&[][..], value::items) {
        let kind = value::text(entry, "/kind");
        let mark = match kind.as_str() {
            "folder" => "/".to_owned(),
            "file" => String::new(),
            other => format!(" ({other})"),
        };
        let denied = if value::text(entry, "/denied") == "true" { " (not to be touched)" } else { "" };
        let size = if kind == "file" {
            ByteSize(value::number(entry, "/bytes").unwrap_or(0)).to_string()
        } else {
            String::new()
        };
        let name = format!("{}{mark}{denied}", plain(&value::text(entry, "/name")));
        table.row([value::text(entry, "/mode"), size, value::moment(entry, "/modifiedAt"), name]);
    }
    table.or("Nothing is in it.")
}

fn matches(found: &Value) -> String {
    let lines = found.get("matches").map_or(&[][..], value::items).iter().map(|one| {
        let path = plain(&value::text(one, "/path"));
        match value::number(one, "/line") {
            Some(line) if line > 0 => format!("{path}:{line}: {}", plain(&value::text(one, "/excerpt"))),
            _ => path,
        }
    });
    let mut lines: Vec<String> = lines.collect();
    if lines.is_empty() {
        lines.push("Nothing was found.".to_owned());
    }
    if let Some(why) = value::maybe(found, "/stopped") {
        lines.push(match why.as_str() {
            "answers" => "There is more: look below a folder, or for something longer.".to_owned(),
            _ => "Not everything was looked at: look below a folder.".to_owned(),
        });
    }
    lines.join("\n")
}

fn taken(usage: &Value) -> String {
    let size = |pointer| value::number(usage, pointer).map(|bytes| ByteSize(bytes).to_string());
    let of = size("/limit").map_or_else(String::new, |limit| format!(" of {limit}"));
    let entries = value::text(usage, "/entries");
    format!("{}{of} in {entries} files and folders", size("/bytes").unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_is_harmless_and_says_where() {
        let found = json!({ "matches": [
            { "path": "a\u{1b}[2J.txt", "line": 0, "excerpt": "" },
            { "path": "b.txt", "line": 3, "excerpt": "motd=hello" },
        ], "stopped": "answers", "skipped": 0 });
        let shown = matches(&found);
        assert!(shown.contains("b.txt:3: motd=hello") && !shown.contains('\u{1b}') && shown.contains("There is more"));
        assert_eq!(matches(&json!({ "matches": [], "stopped": null })), "Nothing was found.");
        let usage = json!({ "bytes": 4096, "entries": 2, "exact": true, "limit": null });
        assert_eq!(taken(&usage), "4.0 KiB in 2 files and folders");
    }
}
