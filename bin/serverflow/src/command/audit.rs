//! `audit`: takes the audit chain away, and verifies it without the control plane.

pub mod activity;

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};
use sf_protocol::{KeyId, Signed};
use sf_store::audit::verifier::{ChainReport, MAX_RECORD_BYTES, Report, Trust, Verifier};

use crate::client::Client;
use crate::context::Context;
use crate::failure::{Done, Exit, Failure};

/// Bytes of a witness file at the most.
const MAX_WITNESS_BYTES: u64 = 8 * 1024 * 1024;

/// Arguments of `audit`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Save the audit chain to a file
    Export(ExportArgs),
    /// Check such a file: hashes, order, signatures. Needs no control plane
    Verify(VerifyArgs),
}

#[derive(Debug, clap::Args)]
struct ExportArgs {
    /// The file [default: standard output].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// `jsonl` for verifying, `csv` for a spreadsheet.
    #[arg(long, default_value = "jsonl", value_parser = ["jsonl", "csv"])]
    format: String,
    /// From this RFC 3339 time on.
    #[arg(long)]
    from: Option<String>,
    /// Up to this RFC 3339 time.
    #[arg(long)]
    to: Option<String>,
    /// The whole chain with the lines of every team, for those who operate an installation of several.
    #[arg(long)]
    all: bool,
}

#[derive(Debug, clap::Args)]
struct VerifyArgs {
    /// The file that `audit export` made.
    file: PathBuf,
    /// The root's fingerprint, from the install line: sha256:...
    #[arg(long, value_name = "FINGERPRINT")]
    root: Option<KeyId>,
    /// What a node has seen: `witness.json` of its agent's folder. May be given several times.
    #[arg(long, value_name = "FILE")]
    witness: Vec<PathBuf>,
}

/// `witness.json` of an agent; other fields of later versions are no matter.
#[derive(Deserialize)]
struct WitnessFile {
    checkpoints: Vec<Signed>,
}

/// Runs `audit`.
///
/// # Errors
/// The control plane's, the file's; a chain that does not hold is exit code 1.
pub async fn run(context: &Context, args: Args) -> Done {
    match args.command {
        Command::Export(args) => export(context, args).await,
        Command::Verify(args) => verify(context, &args),
    }
}

async fn export(context: &Context, args: ExportArgs) -> Done {
    let mut query = vec![("format", args.format)];
    let filters = [("from", args.from), ("to", args.to)];
    query.extend(filters.into_iter().filter_map(|(name, value)| Some((name, value?))));
    if args.all {
        query.push(("all", "true".to_owned()));
    }
    let client = context.client()?;
    let Some(path) = args.out else {
        save(&client, &query, &mut std::io::stdout().lock(), Path::new("standard output")).await?;
        return Ok(Exit::Succeeded);
    };
    // Beside it, whatever it is called: a half file never has the name of a whole one.
    let mut part = path.clone().into_os_string();
    part.push(".part");
    let part = PathBuf::from(part);
    let saved = save_as(&client, &query, &part, &path).await;
    if saved.is_err() {
        drop(std::fs::remove_file(&part));
    }
    let bytes = saved?;
    let said = json!({ "file": path, "bytes": bytes });
    context.screen.answer(&said, |_| {
        format!("Saved {bytes} bytes to {0}. Check it: serverflow audit verify {0}", path.display())
    });
    Ok(Exit::Succeeded)
}

/// Saves it under a name of its own first.
async fn save_as(client: &Client, query: &[(&str, String)], part: &Path, path: &Path) -> Result<u64, Failure> {
    let mut file = private(part)?;
    let bytes = save(client, query, &mut file, part).await?;
    file.sync_all().map_err(|error| Failure::file(part, &error))?;
    std::fs::rename(part, path).map_err(|error| Failure::file(path, &error))?;
    Ok(bytes)
}

/// Only its owner may read it: it names persons.
fn private(path: &Path) -> Result<File, Failure> {
    use std::os::unix::fs::OpenOptionsExt;
    let opened = File::options().write(true).create(true).truncate(true).mode(0o600).open(path);
    opened.map_err(|error| Failure::file(path, &error))
}

async fn save(client: &Client, query: &[(&str, String)], to: &mut impl Write, path: &Path) -> Result<u64, Failure> {
    let mut download = client.download("/activity/export", query).await?;
    let mut bytes = 0;
    while let Some(chunk) = download.next().await? {
        to.write_all(&chunk).map_err(|error| Failure::file(path, &error))?;
        bytes += chunk.len() as u64;
    }
    to.flush().map_err(|error| Failure::file(path, &error))?;
    Ok(bytes)
}

fn verify(context: &Context, args: &VerifyArgs) -> Done {
    let mut trust = Trust { root: args.root, witnesses: Vec::new() };
    for path in &args.witness {
        trust.witnesses.extend(witnessed(path)?);
    }
    let report = read(&args.file, trust)?;
    let bad = report.bad().is_some();
    context.screen.answer(&shown(&report), |_| told(&report, args));
    Ok(if bad { Exit::Failed } else { Exit::Succeeded })
}

fn witnessed(path: &Path) -> Result<Vec<Signed>, Failure> {
    let file = File::open(path).map_err(|error| Failure::file(path, &error))?;
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    let no = |why: String| Failure::usage(format!("{} is no witness file: {why}.", path.display()));
    if size > MAX_WITNESS_BYTES {
        return Err(no(format!("it has {size} bytes")));
    }
    let kept: WitnessFile = serde_json::from_reader(BufReader::new(file))
        .map_err(|error| no(error.to_string()).fix("It is `witness.json` in the folder of the node's agent."))?;
    Ok(kept.checkpoints)
}

/// Reads the file once, line by line, in bounded memory.
fn read(path: &Path, trust: Trust) -> Result<Report, Failure> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Failed, "audit.unreadable", format!("{} cannot be verified: {error}.", path.display()))
            .fix("Export it again with `serverflow audit export`.")
    };
    let file = File::open(path).map_err(|error| Failure::file(path, &error))?;
    let mut reader = BufReader::with_capacity(1024 * 1024, file);
    let (mut verifier, mut record) = (Verifier::new(trust), Vec::new());
    loop {
        record.clear();
        let limit = MAX_RECORD_BYTES as u64;
        let read = std::io::Read::take(&mut reader, limit).read_until(b'\n', &mut record);
        if read.map_err(|error| Failure::file(path, &error))? == 0 {
            break;
        }
        if record.last() == Some(&b'\n') {
            record.pop();
        } else if record.len() >= MAX_RECORD_BYTES {
            return Err(unreadable(&"a record is too long"));
        }
        let text = std::str::from_utf8(&record).map_err(|error| unreadable(&error))?;
        verifier.record(text).map_err(|error| unreadable(&error))?;
    }
    verifier.finish().map_err(|error| unreadable(&error))
}

fn shown(report: &Report) -> Value {
    let chains: Vec<_> = report.chains.iter().map(chain).collect();
    json!({
        "good": report.bad().is_none(), "whole": report.whole, "root": report.root, "lines": report.lines,
        "chains": chains,
    })
}

fn chain(chain: &ChainReport) -> Value {
    let walked = &chain.walked;
    let bad = walked.bad.as_ref().map(|bad| json!({ "damage": bad.damage.word(), "seq": bad.seq, "why": bad.why }));
    json!({
        "instance": chain.instance, "from": chain.start, "goodUpTo": walked.head.seq, "lines": walked.lines,
        "signedUpTo": walked.signed, "checkpoints": chain.checkpoints, "witnessedUpTo": walked.witnessed,
        "personal": chain.personal, "notes": walked.notes, "firstBad": bad,
    })
}

fn told(report: &Report, args: &VerifyArgs) -> String {
    let mut out = String::new();
    let mut say = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    for chain in &report.chains {
        let walked = &chain.walked;
        match &walked.bad {
            Some(bad) => {
                say(format!("BAD   line {} of chain {}: {} ({})", bad.seq, chain.instance, bad.damage.word(), bad.why))
            }
            None => say(format!("good  {} lines of chain {}", walked.lines, chain.instance)),
        }
        if chain.start > 0 {
            say(format!("      it begins behind the signed line {}", chain.start));
        }
        if report.whole {
            say(format!("      signed up to line {} by {} checkpoints", walked.signed, chain.checkpoints));
        }
        match walked.witnessed {
            Some(line) => say(format!("      and up to line {line} as nodes have seen it")),
            None if !args.witness.is_empty() => say("      no line of it is in the witness files".to_owned()),
            None => {}
        }
        walked.notes.iter().for_each(|note| say(format!("      note: {note}")));
    }
    if !report.whole {
        say("These lines are picked from chains that belong to several teams: each holds by itself, and whether some of \
             yours are missing cannot be seen here."
            .to_owned());
    }
    match (report.root, args.root) {
        (Some(root), None) => {
            say(format!("Signed under root {root}. Compare that with your install line, or give it as --root."))
        }
        (Some(root), Some(_)) => say(format!("Signed under root {root}, as you said.")),
        (None, _) => say("Nothing in this file is signed.".to_owned()),
    }
    if args.witness.is_empty() && report.whole {
        say("Whether lines at its end are missing shows only what a node has seen: --witness witness.json".to_owned());
    }
    out.truncate(out.trim_end().len());
    out
}
