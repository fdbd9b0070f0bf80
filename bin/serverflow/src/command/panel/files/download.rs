//! `files download`: a file, gone on with where it was cut off, or a folder as an archive.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;
use sf_types::ByteSize;

use super::patience::Patience;
use crate::client::{Client, Download};
use crate::context::{Context, find_id};
use crate::failure::{Done, Exit, Failure};
use crate::screen::Progress;
use crate::value;

/// What is downloaded.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name or id of the server.
    #[arg(value_name = "SERVER")]
    which: String,
    /// A file, or a folder, which comes as a .tar.gz.
    remote: String,
    /// Where it is written: a file, or a folder that is there; the current one unless given.
    local: Option<PathBuf>,
    /// It may take the place of a file.
    #[arg(long)]
    overwrite: bool,
}

/// A file on its way: what has come of it is beside its place, and of which content that is in a note beside that.
struct Part {
    path: PathBuf,
    note: PathBuf,
}

/// Downloads.
///
/// # Errors
/// The control plane's, the machine's, or a local file that cannot be written.
pub async fn run(context: &Context, client: &Client, args: Args) -> Done {
    let base = format!("/servers/{}/files", find_id(client, "/servers", &args.which).await?);
    let remote = args.remote.trim_matches('/').to_owned();
    let entry = client.get(&format!("{base}/stat"), &[("path", remote.clone())]).await?.data;
    let is_folder = value::text(&entry, "/kind") == "folder";
    let to = destination(&remote, args.local, is_folder)?;
    if !args.overwrite && to.exists() {
        let failure = Failure::usage(format!("{} is there already", to.display()));
        return Err(failure.fix("Give another name, or --overwrite."));
    }
    let part = Part::of(&to)?;
    let progress = Progress::new(context.screen);
    let bytes = fetch(client, &format!("{base}/download"), &remote, &part, is_folder, &progress).await?;
    std::fs::rename(&part.path, &to).map_err(|error| Failure::file(&to, &error))?;
    drop(std::fs::remove_file(&part.note));
    drop(progress);
    let answer = json!({ "path": to.display().to_string(), "bytes": bytes });
    context.screen.answer(&answer, |_| format!("{} downloaded to {}", ByteSize(bytes), to.display()));
    Ok(Exit::Succeeded)
}

/// Its local path. A name from there is never taken for more than a name.
fn destination(remote: &str, local: Option<PathBuf>, is_folder: bool) -> Result<PathBuf, Failure> {
    let local = local.unwrap_or_else(|| PathBuf::from("."));
    if !local.is_dir() {
        return Ok(local);
    }
    let name = remote.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("files");
    if matches!(name, "." | "..") {
        return Err(Failure::usage(format!("`{name}` is no name")));
    }
    let name: String = name.chars().map(|c| if c.is_control() || c == '\\' { '_' } else { c }).collect();
    Ok(local.join(if is_folder { format!("{name}.tar.gz") } else { name }))
}

impl Part {
    fn of(to: &Path) -> Result<Self, Failure> {
        let name = to.file_name().ok_or_else(|| Failure::usage(format!("{} names no file", to.display())))?;
        let beside = |end: &str| {
            let mut name = name.to_owned();
            name.push(end);
            to.with_file_name(name)
        };
        Ok(Self { path: beside(".part"), note: beside(".part.etag") })
    }

    /// Bytes that are there, and of which content.
    fn have(&self) -> (u64, Option<String>) {
        let note = std::fs::read_to_string(&self.note).ok();
        let bytes = note.as_ref().and_then(|_| self.path.metadata().ok()).map_or(0, |facts| facts.len());
        (bytes, note)
    }
}

async fn fetch(
    client: &Client,
    at: &str,
    remote: &str,
    part: &Part,
    whole: bool,
    progress: &Progress,
) -> Result<u64, Failure> {
    let query = [("path", remote.to_owned())];
    let mut patience = Patience::new();
    loop {
        let (have, tag) = if whole { (0, None) } else { part.have() };
        let from = tag.filter(|_| have > 0).map(|tag| (have, tag));
        let came = match client.download_from(at, &query, from.as_ref()).await {
            // All of it had come already.
            Err(failure) if failure.code == "file.range" && have > 0 => return Ok(have),
            Err(failure) => Err(failure),
            Ok(download) => take(download, part, have, progress).await,
        };
        match came {
            Ok(bytes) => return Ok(bytes),
            Err(failure) if failure.exit == Exit::Unreachable && !patience.is_over() && !whole => {
                if part.have().0 > have {
                    patience.moved();
                }
                progress.hint(&failure.message);
                Patience::pause().await;
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// Writes what comes behind what is there, or anew where it is something else; answers the bytes of all of it.
async fn take(mut download: Download, part: &Part, have: u64, progress: &Progress) -> Result<u64, Failure> {
    let failed = |error: std::io::Error| Failure::file(&part.path, &error);
    let goes_on = download.goes_on();
    let mut file = if goes_on { File::options().append(true).open(&part.path) } else { File::create(&part.path) }
        .map_err(failed)?;
    match download.tag() {
        Some(tag) if !goes_on => std::fs::write(&part.note, tag).map_err(failed)?,
        Some(_) => {}
        None => drop(std::fs::remove_file(&part.note)),
    }
    let mut bytes = if goes_on { have } else { 0 };
    while let Some(chunk) = download.next().await? {
        file.write_all(&chunk).map_err(failed)?;
        bytes += chunk.len() as u64;
        progress.hint(&format!("{} came", ByteSize(bytes)));
    }
    file.sync_all().map_err(failed)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_from_there_stays_in_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let at = |remote: &str, folder: bool| {
            let path = destination(remote, Some(dir.path().to_owned()), folder);
            path.map(|path| path.strip_prefix(dir.path()).unwrap().display().to_string()).map_err(drop)
        };
        assert_eq!(at("world/level.dat", false), Ok("level.dat".to_owned()));
        assert_eq!(at("world", true), Ok("world.tar.gz".to_owned()));
        assert_eq!(at("", true), Ok("files.tar.gz".to_owned()));
        assert_eq!(at("a\\x0ab\u{1b}", false), Ok("a_x0ab_".to_owned()));
        assert_eq!(at("a/..", false), Err(()));
        let file = dir.path().join("other");
        assert_eq!(destination("a", Some(file.clone()), false).unwrap(), file);
    }
}
