//! `alts`: templates of servers, and the eggs they come from.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};
use sf_template::egg;
use sf_types::text::is_deceptive;

use crate::client::Client;
use crate::command::deploy;
use crate::context::{Context, find_id};
use crate::failure::{Done, Exit, Failure};
use crate::screen::Table;
use crate::value;

/// Arguments of `alts`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// All templates
    List {
        /// Only those with this in the name.
        #[arg(short, long, value_name = "TEXT")]
        query: Option<String>,
    },
    /// What a template says, as JSON
    Show {
        /// Name or id.
        alt: String,
        /// This version of it; the newest otherwise.
        #[arg(long, value_name = "N")]
        revision: Option<u32>,
    },
    /// Read eggs of Pterodactyl and Pelican (PTDL_v1, PTDL_v2, PLCN_v1 to v3; JSON or YAML) as templates
    #[command(
        after_help = "One JSON line a file: file, format, ok, errors, warnings, needs (network, docker, attention), \
                            stop, and the hash of the template. Exit code 1 when one of them is not ok; then nothing is kept."
    )]
    Import {
        /// Only say what each file would become; needs no control plane.
        #[arg(long)]
        check: bool,
        /// Name or id of the category they go into.
        #[arg(long, required_unless_present = "check")]
        ctrl: Option<String>,
        /// The eggs; `-` reads standard input.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Make a template from its JSON
    Create {
        /// Name or id of the category it goes into.
        #[arg(long)]
        ctrl: String,
        /// The template; `-` reads standard input.
        file: PathBuf,
        /// Only say what would happen.
        #[arg(long)]
        dry_run: bool,
    },
    /// Write a template's next version
    Set {
        /// Name or id.
        alt: String,
        /// The template as it shall be, whole.
        file: PathBuf,
        /// Only say what would happen.
        #[arg(long)]
        dry_run: bool,
    },
    /// Write a template as an egg
    Export {
        /// Name or id.
        alt: String,
        /// PTDL_v1, PTDL_v2, PLCN_v1, PLCN_v2 or PLCN_v3.
        #[arg(long, default_value = "PLCN_v3", value_parser = format)]
        format: egg::Format,
        /// As YAML in place of JSON.
        #[arg(long)]
        yaml: bool,
    },
    /// Delete one that no server uses
    Delete {
        /// Name or id.
        alt: String,
    },
}

fn format(text: &str) -> Result<egg::Format, String> {
    text.parse().map_err(|error: egg::NoEgg| error.to_string())
}

/// Runs `alts`.
///
/// # Errors
/// The control plane's.
pub async fn run(context: &Context, args: Args) -> Done {
    match args.command {
        Command::List { query } => context.list(&context.client()?, "/alts", &[("q", query)], table).await,
        Command::Show { alt, revision } => {
            let found = document(context, &alt, revision).await?;
            context.screen.answer(&found, |found| format!("{:#}", found["document"]));
            Ok(Exit::Succeeded)
        }
        Command::Import { check, ctrl, files } => import(context, ctrl.filter(|_| !check), &files).await,
        Command::Create { ctrl, file, dry_run } => {
            let client = context.client()?;
            let body = json!({ "ctrlId": find_id(&client, "/ctrls", &ctrl).await?, "document": written(&file)? });
            keep(context, &client, Method::POST, "/alts", &body, dry_run).await
        }
        Command::Set { alt, file, dry_run } => {
            let client = context.client()?;
            let id = find_id(&client, "/alts", &alt).await?;
            let body = json!({ "document": written(&file)? });
            keep(context, &client, Method::PUT, &format!("/alts/{id}"), &body, dry_run).await
        }
        Command::Export { alt, format, yaml } => {
            let found = document(context, &alt, None).await?;
            let alt = sf_template::Alt::read(&found["document"].to_string()).map_err(|_| {
                Failure::new(Exit::Failed, "alt.unreadable", "This program is too old for that template.")
            })?;
            let encoding = if yaml { egg::Encoding::Yaml } else { egg::Encoding::Json };
            context.screen.file(&egg::export(&alt, &egg::Origin::default(), format, encoding));
            Ok(Exit::Succeeded)
        }
        Command::Delete { alt } => {
            let client = context.client()?;
            let id = find_id(&client, "/alts", &alt).await?;
            let deleted = client.write(Method::DELETE, &format!("/alts/{id}"), None).await?;
            context.screen.answer(&deleted, |_| format!("{alt} is deleted."));
            Ok(Exit::Succeeded)
        }
    }
}

/// The JSON of a template's file.
fn written(file: &Path) -> Result<Value, Failure> {
    let bytes = read(file).map_err(|error| Failure::file(file, &error))?;
    serde_json::from_slice(&bytes).map_err(|error| Failure::usage(format!("{} is no JSON: {error}", file.display())))
}

async fn keep(context: &Context, client: &Client, method: Method, path: &str, body: &Value, dry_run: bool) -> Done {
    if dry_run {
        let plan = client.write_with(method, path, &[("dryRun", "true".into())], Some(body)).await?;
        context.screen.answer(&plan, deploy::plan);
        return Ok(Exit::Succeeded);
    }
    let kept = client.write(method, path, Some(body)).await?;
    context.screen.answer(&kept, |kept| {
        format!("{} is kept, version {}.", value::text(kept, "/alt/name"), value::text(kept, "/alt/version"))
    });
    Ok(Exit::Succeeded)
}

async fn document(context: &Context, alt: &str, revision: Option<u32>) -> Result<Value, Failure> {
    let client = context.client()?;
    let id = find_id(&client, "/alts", alt).await?;
    let query: Vec<_> = revision.into_iter().map(|version| ("version", version.to_string())).collect();
    Ok(client.get(&format!("/alts/{id}"), &query).await?.data)
}

/// Reads all files before anything is kept, so that a bad one does not leave half of them behind.
async fn import(context: &Context, ctrl: Option<String>, files: &[PathBuf]) -> Done {
    let (mut exit, mut good) = (Exit::Succeeded, Vec::new());
    for file in files {
        let (report, alt) = report(file);
        if report["ok"] != true {
            exit = Exit::Failed;
        }
        // Whoever reads these lines is a program, with or without `--json`.
        context.screen.file(&format!("{}\n", escaped(&report.to_string())));
        good.extend(alt);
    }
    let Some(ctrl) = ctrl.filter(|_| exit == Exit::Succeeded) else { return Ok(exit) };
    let client = context.client()?;
    let ctrl = find_id(&client, "/ctrls", &ctrl).await?;
    for (format, alt) in good {
        let document = serde_json::to_value(&alt).map_err(|error| Failure::usage(error.to_string()))?;
        let body = json!({ "ctrlId": ctrl, "document": document, "source": format.word() });
        let made = client.write(Method::POST, "/alts", Some(&body)).await?;
        context.screen.note(&format!("{} is kept as {}", alt.name, value::text(&made, "/alt/id")));
    }
    Ok(exit)
}

fn table(alts: &Value) -> String {
    let mut table = Table::new(&["NAME", "VERSION", "FROM", "ID"]);
    for alt in value::items(alts) {
        let at = |pointer| value::text(alt, pointer);
        table.row([at("/name"), at("/version"), at("/source"), at("/id")]);
    }
    table.or("No templates. Import some: serverflow alts import --ctrl Games egg.json")
}

/// What becomes of one file, and the template where it can be kept.
fn report(file: &Path) -> (Value, Option<(egg::Format, sf_template::Alt)>) {
    let name = file.display().to_string();
    let read = read(file).map_err(|why| format!("It cannot be read: {why}."));
    let imported = read.and_then(|bytes| egg::import(&bytes).map_err(|why| format!("This is no egg: {why}.")));
    match imported {
        Err(message) => {
            let report = json!({
                "file": name, "format": null, "ok": false, "errors": [{ "place": "", "message": message, "fix": "" }],
                "warnings": [], "needs": [], "stop": null, "hash": null,
            });
            (report, None)
        }
        Ok(found) => {
            let report = json!({
                "file": name, "format": found.format, "ok": found.defects.is_empty(), "errors": found.defects,
                "warnings": found.warnings, "needs": found.needs.words(), "stop": found.stop(), "hash": found.alt.hash(),
            });
            (report, found.defects.is_empty().then_some((found.format, found.alt)))
        }
    }
}

/// The bytes of a file, no more than an egg may have and one.
fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = egg::MAX_BYTES as u64 + 1;
    if file.as_os_str() == "-" {
        std::io::stdin().lock().take(most).read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    // Nobody writes to a pipe that is named here, and a device never ends.
    if !std::fs::metadata(file)?.is_file() {
        return Err(std::io::Error::other("it is no regular file"));
    }
    std::fs::File::open(file)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// JSON in which nothing steers a terminal or hides from a reader; it means the same.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        // Those of them that are no control characters are below U+10000.
        if is_deceptive(c) { out.push_str(&format!("\\u{:04x}", u32::from(c))) } else { out.push(c) }
    }
    out
}
