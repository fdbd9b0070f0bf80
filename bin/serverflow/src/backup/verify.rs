//! `backup verify`: everything is decrypted, counted and hashed, and the audit chains in it are checked.

use std::io::BufReader;
use std::path::{Path, PathBuf};

use serde_json::json;
use sf_types::Timestamp;

use super::archive::{Header, Manifest, Reader};
use super::seal;
use crate::context::Context;
use crate::failure::{Done, Exit, Failure};
use crate::screen::Table;

/// Arguments of `backup verify`.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// The backup.
    file: PathBuf,
    #[command(flatten)]
    with: seal::With,
}

/// Looks through a backup.
///
/// # Errors
/// Another key; damage, named.
pub fn run(context: &Context, args: &VerifyArgs) -> Done {
    let (header, manifest, bytes) = whole(&args.file, &args.with.key(&args.file)?)?;
    let document = json!({ "file": args.file, "bytes": bytes, "header": header, "manifest": manifest });
    context.screen.answer(&document, |_| {
        let mut table = Table::new(&["table", "rows", "bytes"]);
        for sum in &manifest.tables {
            table.row([sum.name.clone(), sum.rows.to_string(), sum.bytes.to_string()]);
        }
        let files: Vec<_> = manifest.files.iter().map(|(name, _)| name.as_str()).collect();
        let chains = manifest.audit.iter().map(|(_, lines, hash)| format!("{lines} lines, ends {}", &hash[..16]));
        format!(
            "{} is whole: {bytes} bytes.\n\nmade      {}\nby        ServerFlow {}, schema {}, {}\ninstance  {}\n\
             keys      {}\nmaster    from {}\naudit     {}\n\n{}",
            args.file.display(),
            Timestamp::from_millis(header.made_at),
            header.version,
            header.steps.last().map_or(0, |step| step.0),
            header.database,
            header.instance,
            files.join(", "),
            header.master,
            chains.collect::<Vec<_>>().join("; "),
            table.print(),
        )
    });
    Ok(Exit::Succeeded)
}

/// Reads all of it; answers what it is, what is in it, and its size.
///
/// # Errors
/// Another key; damage, named.
pub fn whole(file: &Path, key: &seal::Key) -> Result<(Header, Manifest, u64), Failure> {
    let opened = key.open(file)?;
    let bytes = opened.place.bytes;
    let (mut reader, header) = Reader::begin(BufReader::new(opened.plain), opened.place)?;
    while reader.next()?.is_some() {}
    Ok((header, reader.manifest().clone(), bytes))
}
