//! `files upload`: files and whole folders, piece by piece. What was cut off is gone on with, by the same command again.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::{Value, json};
use sf_types::ByteSize;
use sha2::{Digest, Sha256};

use super::patience::Patience;
use crate::client::{Client, Doorbell};
use crate::context::{Context, find_id};
use crate::failure::{Done, Exit, Failure};
use crate::screen::{Progress, Tone};
use crate::{run, value};

/// Bytes sent at once: what a lost connection costs at the most.
const PIECE_BYTES: usize = 8 * 1024 * 1024;
/// Folders that are gone into.
const DEPTH_MAX: usize = 64;

/// What is uploaded.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name or id of the server.
    #[arg(value_name = "SERVER")]
    which: String,
    /// A local file or folder.
    local: PathBuf,
    /// Its path there. With `/` at its end, or left out: the folder that it is put in, under its own name.
    #[arg(default_value = "")]
    remote: String,
    /// Files take the place of files.
    #[arg(long)]
    overwrite: bool,
}

/// A file to be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Wanted {
    from: PathBuf,
    to: String,
}

/// Where it goes.
struct Target<'a> {
    client: &'a Client,
    /// `/servers/<id>`.
    server: String,
    overwrite: bool,
    progress: Progress,
}

/// Uploads.
///
/// # Errors
/// The control plane's, the machine's, or a local file that cannot be read.
pub async fn run(context: &Context, client: &Client, args: Args) -> Done {
    let server = format!("/servers/{}", find_id(client, "/servers", &args.which).await?);
    let to = destination(&args.local, &args.remote)?;
    let (mut folders, mut files, mut passed) = (Vec::new(), Vec::new(), Vec::new());
    gather(&args.local, &to, DEPTH_MAX, &mut (&mut folders, &mut files, &mut passed))?;
    let progress = Progress::new(context.screen);
    for path in &passed {
        progress.line(Tone::Warn, "-", &format!("{} is no file and no folder: left out", path.display()));
    }
    let target = Target { client, server, overwrite: args.overwrite, progress };
    for folder in &folders {
        target.folder(folder).await?;
    }
    let (mut bytes, of) = (0, files.len());
    for (nth, file) in files.iter().enumerate() {
        bytes += target.file(file, &format!("{} of {of}: {}", nth + 1, file.to)).await?;
    }
    drop(target);
    let answer = json!({ "files": of, "folders": folders.len(), "bytes": bytes, "path": to });
    context.screen.answer(&answer, |_| format!("{} to {to}", counted(of, bytes)));
    Ok(Exit::Succeeded)
}

fn counted(files: usize, bytes: u64) -> String {
    let files = if files == 1 { "1 file".to_owned() } else { format!("{files} files") };
    format!("{files} uploaded, {},", ByteSize(bytes))
}

/// As `cp`: into a folder, or under a name.
fn destination(local: &Path, remote: &str) -> Result<String, Failure> {
    let into = remote.trim_start_matches('/');
    if !into.is_empty() && !into.ends_with('/') {
        return Ok(into.to_owned());
    }
    let real = local.canonicalize().map_err(|error| Failure::file(local, &error))?;
    let name = real.file_name().ok_or_else(|| Failure::usage(format!("{} has no name", local.display())))?;
    Ok(format!("{into}{}", text(name)?))
}

/// A local name as it is said there. What a new file may not be called is refused by its machine.
fn text(name: &std::ffi::OsStr) -> Result<&str, Failure> {
    name.to_str().filter(|name| !name.contains('\\') && !name.chars().any(char::is_control)).ok_or_else(|| {
        Failure::usage(format!("{} is no name that a file there can have", name.to_string_lossy().escape_debug()))
    })
}

type Found<'a> = (&'a mut Vec<String>, &'a mut Vec<Wanted>, &'a mut Vec<PathBuf>);

/// Folders from the top down, then files by name. No link is followed, but for the one that was named.
fn gather(from: &Path, to: &str, deeper: usize, found: &mut Found<'_>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::file(from, &error);
    let top = deeper == DEPTH_MAX;
    let facts = if top { from.metadata() } else { from.symlink_metadata() }.map_err(failed)?;
    if facts.is_file() {
        found.1.push(Wanted { from: from.to_owned(), to: to.to_owned() });
        return Ok(());
    }
    if !facts.is_dir() {
        found.2.push(from.to_owned());
        return Ok(());
    }
    if deeper == 0 {
        return Err(Failure::usage(format!("{} is nested deeper than {DEPTH_MAX} folders", from.display())));
    }
    found.0.push(to.to_owned());
    let mut names: Vec<_> = std::fs::read_dir(from).map_err(failed)?.collect::<Result<_, _>>().map_err(failed)?;
    names.sort_by_key(std::fs::DirEntry::file_name);
    for entry in names {
        gather(&entry.path(), &format!("{to}/{}", text(&entry.file_name())?), deeper - 1, found)?;
    }
    Ok(())
}

impl Target<'_> {
    async fn folder(&self, path: &str) -> Result<(), Failure> {
        self.progress.hint(path);
        let (at, body) = (format!("{}/files/folder", self.server), json!({ "path": path, "parents": true }));
        let opened = self.client.write(Method::POST, &at, Some(&body)).await?;
        ended(self.client, &opened).await
    }

    /// One file, whole; answers its bytes.
    async fn file(&self, wanted: &Wanted, label: &str) -> Result<u64, Failure> {
        let failed = |error: std::io::Error| Failure::file(&wanted.from, &error);
        let mut file = File::open(&wanted.from).map_err(failed)?;
        let facts = file.metadata().map_err(failed)?;
        let bytes = facts.len();
        let mut upload = match self.earlier(wanted, bytes).await? {
            Some(earlier) => earlier,
            None => self.begin(wanted, bytes, facts.permissions().mode()).await?,
        };
        let at = format!("{}/uploads/{}", self.server, value::text(&upload, "/id"));
        // What was sent before is read all the same: all of it has to be what is announced in the end.
        let (mut hasher, mut hashed) = (Sha256::new(), 0);
        let (mut piece, mut patience) = (vec![0; PIECE_BYTES], Patience::new());
        loop {
            let offset = value::number(&upload, "/offset").unwrap_or(0);
            while hashed < offset.min(bytes) {
                let most = usize::try_from(offset - hashed).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
                let read = read_at(&mut file, hashed, &mut piece[..most]).map_err(failed)?;
                if read == 0 {
                    return Err(shorter(wanted));
                }
                hasher.update(&piece[..read]);
                hashed += read as u64;
            }
            self.progress.hint(&format!("{label}: {} of {}", ByteSize(offset), ByteSize(bytes)));
            if offset >= bytes {
                break;
            }
            let read = read_at(&mut file, offset, &mut piece).map_err(failed)?;
            if read == 0 {
                return Err(shorter(wanted));
            }
            let sent = self.client.send(&at, &[("offset", offset.to_string())], piece[..read].to_vec()).await;
            upload = match sent {
                Ok(upload) => {
                    patience.moved();
                    upload
                }
                Err(failure) if may_pass(&failure) && !patience.is_over() => {
                    self.progress.hint(&format!("{label}: {}", failure.message));
                    self.state(&at, upload).await?
                }
                Err(failure) => return Err(failure),
            };
        }
        let hash: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let opened = self.client.write(Method::POST, &format!("{at}/finish"), Some(&json!({ "sha256": hash }))).await?;
        match ended(self.client, &opened).await {
            // What was there of an earlier time is of something else: begun anew, it comes right.
            Err(failure) if failure.code == "file.digest" => {
                let gone = self.client.write(Method::DELETE, &at, None).await?;
                ended(self.client, &gone).await?;
                Err(failure.fix("Give the same command again: it begins anew."))
            }
            other => other.map(|()| bytes),
        }
    }

    /// How far it is, once somebody answers; as it was known where nobody does.
    async fn state(&self, at: &str, known: Value) -> Result<Value, Failure> {
        Patience::pause().await;
        match self.client.get(at, &[]).await {
            Ok(answer) => Ok(answer.data),
            Err(failure) if may_pass(&failure) => Ok(known),
            Err(failure) => Err(failure),
        }
    }

    /// One that was cut off. Whether what is there is of the same file, its hash says in the end.
    async fn earlier(&self, wanted: &Wanted, bytes: u64) -> Result<Option<Value>, Failure> {
        let all = self.client.get(&format!("{}/uploads", self.server), &[]).await?.data;
        let same = |one: &&Value| {
            value::text(one, "/path") == wanted.to
                && value::number(one, "/bytes") == Some(bytes)
                && one.get("overwrite") == Some(&Value::Bool(self.overwrite))
        };
        Ok(value::items(&all).iter().find(same).cloned())
    }

    async fn begin(&self, wanted: &Wanted, bytes: u64, mode: u32) -> Result<Value, Failure> {
        let mut body = json!({ "path": wanted.to, "bytes": bytes, "overwrite": self.overwrite });
        if mode & 0o111 != 0 {
            body["mode"] = format!("{:03o}", mode & 0o777).into();
        }
        let at = format!("{}/uploads", self.server);
        let begun = self.client.write(Method::POST, &at, Some(&body)).await?;
        if let Some(upload) = begun.get("upload").filter(|upload| !upload.is_null()) {
            return Ok(upload.clone());
        }
        let id = value::text(&begun, "/run/id");
        if value::word(&begun, "/run/state") == "waiting" {
            let message = format!("The upload waits for a person: serverflow runs approve {id} (or reject).");
            let failure = Failure::new(Exit::Ended, "cli.waits", message);
            return Err(failure.fix("Give the same command again once it was approved."));
        }
        ended(self.client, &begun).await?;
        Ok(self.client.get(&format!("{at}/{id}"), &[]).await?.data)
    }
}

/// Whether it may be otherwise in a moment.
fn may_pass(failure: &Failure) -> bool {
    failure.exit == Exit::Unreachable
        || ["file.offset", "file.transfers", "transfer.busy", "query.busy", "rate.limited"].contains(&&*failure.code)
}

fn shorter(wanted: &Wanted) -> Failure {
    let message = format!("{} became shorter while it was sent.", wanted.from.display());
    Failure::new(Exit::Failed, "cli.changed", message).fix("Send it again when nobody writes to it.")
}

fn read_at(file: &mut File, from: u64, piece: &mut [u8]) -> std::io::Result<usize> {
    file.seek(SeekFrom::Start(from))?;
    let mut filled = 0;
    while filled < piece.len() {
        match file.read(&mut piece[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

/// Waits until a run has succeeded, without a word.
async fn ended(client: &Client, opened: &Value) -> Result<(), Failure> {
    let id = value::text(run::of(opened), "/id");
    let mut bell = None;
    loop {
        let found = client.get(&format!("/runs/{id}"), &[]).await?.data;
        match run::exit_of(&found) {
            _ if run::outcome(&found).is_empty() => {}
            Exit::Succeeded => return Ok(()),
            exit => {
                let text = |field: &str| value::maybe(&found, &format!("/fault/{field}"));
                let message = text("message").unwrap_or_else(|| format!("It was {}.", run::outcome(&found)));
                let failure = Failure::new(exit, text("code").unwrap_or_else(|| "run.ended".to_owned()), message);
                return Err(failure.fix(text("fix").unwrap_or_default()));
            }
        }
        match &mut bell {
            None => bell = Some(Doorbell::new(client, vec![format!("run:{id}")]).await),
            Some(bell) => bell.ring().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_gathered_as_it_is_and_goes_where_it_was_told_to() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("world");
        std::fs::create_dir_all(root.join("region/empty")).unwrap();
        std::fs::write(root.join("region/b"), "b").unwrap();
        std::fs::write(root.join("a"), "a").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", root.join("link")).unwrap();
        let check = |remote: &str, to: &str| assert_eq!(destination(&root, remote).unwrap(), to);
        check("", "world");
        check("/", "world");
        check("old/", "old/world");
        check("/old/new", "old/new");
        let (mut folders, mut files, mut passed) = (Vec::new(), Vec::new(), Vec::new());
        gather(&root, "w", DEPTH_MAX, &mut (&mut folders, &mut files, &mut passed)).unwrap();
        assert_eq!(folders, ["w", "w/region", "w/region/empty"]);
        assert_eq!(files.iter().map(|file| file.to.as_str()).collect::<Vec<_>>(), ["w/a", "w/region/b"]);
        assert_eq!(passed, [root.join("link")]);
        for bad in ["a\\b", "a\nb"] {
            assert!(text(std::ffi::OsStr::new(bad)).is_err(), "{bad:?}");
        }
    }
}
