//! What changes files of a server: each a run, followed to its end.

use std::io::Read;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use super::base;
use crate::client::Client;
use crate::command::deploy;
use crate::context::Context;
use crate::failure::{Done, Exit, Failure};
use crate::run;

/// Bytes of a local file that is sent: what is longer is refused by the control plane with its own words.
const SENT_MAX: u64 = 64 * 1024;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Write a file: at most 32 KiB of text, 27 KiB of anything else
    Put {
        #[command(flatten)]
        how: How,
        /// A local file; `-` for what comes in.
        from: PathBuf,
        /// The file that is written.
        path: String,
        /// Only where no file is yet.
        #[arg(long, conflicts_with = "before")]
        new: bool,
        /// Only where the file still has this hash.
        #[arg(long, value_name = "HASH")]
        before: Option<String>,
    },
    /// Make a folder
    Mkdir {
        #[command(flatten)]
        how: How,
        /// The folder.
        path: String,
        /// Those above it, too.
        #[arg(short, long)]
        parents: bool,
    },
    /// Give a file or folder another name or place
    Mv {
        #[command(flatten)]
        how: How,
        /// What is there.
        from: String,
        /// Where it shall be.
        to: String,
    },
    /// Copy a file or folder
    Cp {
        #[command(flatten)]
        how: How,
        /// What is there.
        from: String,
        /// Where the copy shall be.
        to: String,
    },
    /// Delete files and folders with all that is in them
    Rm {
        #[command(flatten)]
        how: How,
        /// Files and folders.
        #[arg(required = true)]
        paths: Vec<String>,
    },
    /// Set who may read, write and run a file or enter a folder
    Chmod {
        #[command(flatten)]
        how: How,
        /// In octal digits: 644.
        mode: String,
        /// The file or folder.
        path: String,
    },
    /// Pack files and folders of one folder into an archive
    Zip {
        #[command(flatten)]
        how: How,
        /// The archive: its name ends in .zip, .tar.gz or .tgz.
        into: String,
        /// What is packed.
        #[arg(required = true)]
        paths: Vec<String>,
    },
    /// Unpack an archive: all of it or nothing
    Unzip {
        #[command(flatten)]
        how: How,
        /// The archive.
        path: String,
        /// The folder that it is unpacked in; the server's own unless given.
        #[arg(default_value = "")]
        into: String,
        /// Files take the place of files.
        #[arg(long)]
        replace: bool,
    },
}

/// Of which server, and how the change is followed.
#[derive(Debug, clap::Args)]
pub struct How {
    /// Name or id of the server.
    #[arg(value_name = "SERVER")]
    which: String,
    /// Only say what would happen.
    #[arg(long)]
    dry_run: bool,
    /// Do not wait for its end.
    #[arg(long)]
    no_follow: bool,
}

/// Carries one out.
///
/// # Errors
/// The control plane's, or a local file that cannot be read.
pub async fn run(context: &Context, client: &Client, command: Command) -> Done {
    let (how, what, body) = match command {
        Command::Put { how, from, path, new, before } => {
            let before = if new { Some("absent".to_owned()) } else { before };
            let mut body = content(&from)?;
            body["path"] = path.into();
            if let Some(before) = before {
                body["before"] = before.into();
            }
            (how, "write", body)
        }
        Command::Mkdir { how, path, parents } => (how, "folder", json!({ "path": path, "parents": parents })),
        Command::Mv { how, from, to } => (how, "rename", json!({ "from": from, "to": to })),
        Command::Cp { how, from, to } => (how, "copy", json!({ "from": from, "to": to })),
        Command::Rm { how, paths } => (how, "delete", json!({ "paths": paths })),
        Command::Chmod { how, mode, path } => (how, "mode", json!({ "path": path, "mode": mode })),
        Command::Zip { how, into, paths } => {
            let (folder, names) = of_one_folder(&paths)?;
            (how, "compress", json!({ "folder": folder, "names": names, "into": into }))
        }
        Command::Unzip { how, path, into, replace } => {
            (how, "extract", json!({ "path": path, "into": into, "replace": replace }))
        }
    };
    let path = format!("{}/{what}", base(client, &how.which).await?);
    if how.dry_run {
        let plan = client.write_with(Method::POST, &path, &[("dryRun", "true".into())], Some(&body)).await?;
        context.screen.answer(&plan, deploy::plan);
        return Ok(Exit::Succeeded);
    }
    let answer = client.write(Method::POST, &path, Some(&body)).await?;
    run::settle(context, client, &answer, !how.no_follow).await
}

/// What a local file holds, as it is sent.
fn content(from: &PathBuf) -> Result<Value, Failure> {
    let mut bytes = Vec::new();
    let read = if from.as_os_str() == "-" {
        std::io::stdin().lock().take(SENT_MAX).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(from).and_then(|file| file.take(SENT_MAX).read_to_end(&mut bytes))
    };
    read.map_err(|error| Failure::file(from, &error))?;
    Ok(match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => json!({ "text": text }),
        Ok(text) => json!({ "base64": STANDARD.encode(text) }),
        Err(error) => json!({ "base64": STANDARD.encode(error.into_bytes()) }),
    })
}

/// Bytes that came as base64.
pub(super) fn decoded(text: &str) -> Result<Vec<u8>, Failure> {
    let broken = |error| Failure::new(Exit::Failed, "cli.answer", format!("It answered no bytes of a file: {error}"));
    STANDARD.decode(text).map_err(broken)
}

/// The folder that paths are in, and their names there.
fn of_one_folder(paths: &[String]) -> Result<(String, Vec<String>), Failure> {
    let split = |path: &String| {
        let path = path.trim_matches('/');
        path.rsplit_once('/')
            .map_or((String::new(), path.to_owned()), |(above, name)| (above.to_owned(), name.to_owned()))
    };
    let (folders, names): (Vec<_>, Vec<_>) = paths.iter().map(split).unzip();
    let folder = folders.first().cloned().unwrap_or_default();
    if folders.iter().any(|other| *other != folder) {
        return Err(Failure::usage("what is packed together has to be in one folder"));
    }
    Ok((folder, names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_together_is_in_one_folder() {
        let of = |paths: &[&str]| of_one_folder(&paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>());
        let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(of(&["world", "/logs/"]).unwrap(), (String::new(), names(&["world", "logs"])));
        assert_eq!(of(&["a/b/c", "a/b/d"]).unwrap(), ("a/b".to_owned(), names(&["c", "d"])));
        assert!(of(&["a/b", "c"]).is_err());
    }

    #[test]
    fn a_file_is_sent_as_text_where_it_is_one() {
        let dir = tempfile::tempdir().unwrap();
        let check = |bytes: &[u8], expected: Value| {
            let path = dir.path().join("file");
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(content(&path).unwrap(), expected);
        };
        check("motd=grüezi\n".as_bytes(), json!({ "text": "motd=grüezi\n" }));
        check(b"a\0", json!({ "base64": "YQA=" }));
        check(&[0xff], json!({ "base64": "/w==" }));
        assert_eq!(decoded("/w==").unwrap(), [0xff]);
        assert!(content(&dir.path().join("none")).is_err() && decoded("/").is_err());
    }
}
