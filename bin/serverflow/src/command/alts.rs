//! `alts`: templates of servers, and the eggs they come from.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::{Value, json};
use sf_template::egg;
use sf_types::text::is_deceptive;

use crate::context::Context;
use crate::failure::{Done, Exit, Failure};

/// Arguments of `alts`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read eggs of Pterodactyl and Pelican (PTDL_v1, PTDL_v2, PLCN_v1 to v3; JSON or YAML) as templates
    #[command(
        after_help = "One JSON line a file: file, format, ok, errors, warnings, needs (network, docker, attention), \
                            stop, and the hash of the template. Exit code 1 when one of them is not ok."
    )]
    Import {
        /// Only say what each file would become; needs no control plane. Required for now.
        #[arg(long)]
        check: bool,
        /// The eggs; `-` reads standard input.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

/// Runs `alts`.
///
/// # Errors
/// `import` without `--check`.
pub fn run(context: &Context, args: &Args) -> Done {
    let Command::Import { check, files } = &args.command;
    if !check {
        return Err(Failure::usage("Eggs can be checked here, and not yet be kept.")
            .fix("Add --check: it says what each file would become."));
    }
    let mut exit = Exit::Succeeded;
    for file in files {
        let report = report(file);
        if report["ok"] != true {
            exit = Exit::Failed;
        }
        // Whoever reads these lines is a program, with or without `--json`.
        context.screen.file(&format!("{}\n", escaped(&report.to_string())));
    }
    Ok(exit)
}

/// What becomes of one file.
fn report(file: &Path) -> Value {
    let name = file.display().to_string();
    let read = read(file).map_err(|why| format!("It cannot be read: {why}."));
    let imported = read.and_then(|bytes| egg::import(&bytes).map_err(|why| format!("This is no egg: {why}.")));
    match imported {
        Err(message) => json!({
            "file": name, "format": null, "ok": false, "errors": [{ "place": "", "message": message, "fix": "" }],
            "warnings": [], "needs": [], "stop": null, "hash": null,
        }),
        Ok(found) => json!({
            "file": name, "format": found.format, "ok": found.defects.is_empty(), "errors": found.defects,
            "warnings": found.warnings, "needs": found.needs.words(), "stop": found.stop(), "hash": found.alt.hash(),
        }),
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
