//! `backup create`: one moment of the database, read beside its writers, and the key files.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde_json::json;
use sf_identity::master::MasterSource;
use sf_runtime::Clock;
use sf_store::StoreError;
use sf_store::dump::{Chains, Snapshot};

use super::archive::{self, Header, Manifest};
use super::{FILES, MASTER_KEY, ROOT_KEY, seal};
use crate::context::Context;
use crate::failure::{Done, Exit, Failure};

/// Bytes that are written to the file at a time.
const BUFFER_BYTES: usize = 256 * 1024;

/// Arguments of `backup create`.
#[derive(Debug, clap::Args)]
pub struct CreateArgs {
    /// The file to write; it must not exist.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The data folder; this clone's, where `up` made one, or the configured one otherwise.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(flatten)]
    sealed: seal::For,
}

/// A file on its way: removed unless it was finished.
struct Draft {
    path: PathBuf,
    done: bool,
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.done {
            // It is of no use, and there is nothing to be done about a disk that refuses.
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Writes a backup.
///
/// # Errors
/// No data folder, a file that exists, a database that cannot be read.
pub async fn run(context: &Context, args: &CreateArgs, clock: &Clock) -> Done {
    let config = super::config(context, args.data.as_deref())?;
    let data = config.data.folder.clone();
    if !data.is_dir() {
        return Err(Failure::usage(format!("There is no data folder {}.", data.display()))
            .fix("Name it with --data, or give --config."));
    }
    if args.out.exists() {
        return Err(Failure::usage(format!("{} exists.", args.out.display())).fix("Give the backup another name."));
    }
    let options = config.control()?;
    let (files, master) = key_files(&data, &options.master)?;
    let snapshot = Snapshot::take(&options.store).await.map_err(database)?;
    let made_at = clock.now();
    let header = Header::new(made_at.as_millis(), snapshot.instance(), snapshot.database(), snapshot.steps(), master);
    let mut draft = Draft { path: draft_path(&args.out), done: false };
    let failed = |error: std::io::Error| Failure::file(&args.out, &error);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft.path).map_err(failed)?;
    let sealed = args.sealed.seal(BufWriter::with_capacity(BUFFER_BYTES, file))?;
    let mut writer = archive::Writer::begin(sealed, &header).map_err(failed)?;
    for (name, mode, bytes) in &files {
        writer.file(name, *mode, bytes).map_err(failed)?;
    }
    let audit = tables(&snapshot, &mut writer, &args.out).await?;
    let (sealed, manifest) = writer.finish(audit).map_err(failed)?;
    let file = sealed.finish().and_then(|buffer| Ok(buffer.into_inner()?)).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    let bytes = file.metadata().map_err(failed)?.len();
    // A link, since a rename would take the place of a file that came meanwhile.
    fs::hard_link(&draft.path, &args.out).and_then(|()| fs::remove_file(&draft.path)).map_err(failed)?;
    draft.done = true;
    File::open(folder_of(&args.out)).and_then(|folder| folder.sync_all()).map_err(failed)?;
    snapshot.end().await.map_err(database)?;
    tell(context, &args.out, bytes, &header, &manifest);
    Ok(Exit::Succeeded)
}

async fn tables<W: Write>(
    snapshot: &Snapshot,
    writer: &mut archive::Writer<W>,
    out: &Path,
) -> Result<Vec<(String, u64, String)>, Failure> {
    let mut chains = Chains::default();
    let failed = |error: std::io::Error| Failure::file(out, &error);
    for table in snapshot.tables() {
        writer.table(&table.name, &table.columns).map_err(failed)?;
        let each = |row: Vec<_>| {
            let seen = chains.see(&table.name, &table.columns, &row);
            seen.map_err(|bad| Stopped::Failure(broken(&bad)))?;
            writer.row(&row).map_err(|error| Stopped::Failure(failed(error)))
        };
        snapshot.rows(table, each).await.map_err(|stopped| match stopped {
            Stopped::Failure(failure) => failure,
            Stopped::Store(error) => database(error),
        })?;
        writer.end_table().map_err(failed)?;
    }
    Ok(archive::audit(&chains.finish().map_err(|bad| broken(&bad))?))
}

/// Why the rows of a table ended early.
enum Stopped {
    Store(StoreError),
    Failure(Failure),
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Name, mode and contents of a file of keys.
type KeyFile = (String, u32, Vec<u8>);

/// Each of the known files that is there, and where the master key comes from.
fn key_files(data: &Path, master: &MasterSource) -> Result<(Vec<KeyFile>, &'static str), Failure> {
    let source = match master {
        MasterSource::File(_) => "file",
        MasterSource::Text(_) => "environment",
        MasterSource::Command(_) => "command",
    };
    let mut files = Vec::new();
    for name in FILES {
        let path = match master {
            MasterSource::File(path) if *name == MASTER_KEY => path.clone(),
            _ if *name == MASTER_KEY => continue,
            _ => data.join(name),
        };
        match (fs::read(&path), fs::metadata(&path)) {
            (Ok(bytes), Ok(found)) => files.push(((*name).to_owned(), found.mode() & 0o777, bytes)),
            (Err(error), _) | (_, Err(error)) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Failure::file(&path, &error).fix("Run this as the user who owns the data folder."));
            }
            _ if *name == MASTER_KEY => {
                return Err(Failure::usage(format!("There is no master key {}.", path.display()))
                    .fix("Give the configuration that the control plane runs with: --config FILE."));
            }
            _ => {}
        }
    }
    Ok((files, source))
}

fn tell(context: &Context, out: &Path, bytes: u64, header: &Header, manifest: &Manifest) {
    let rows: u64 = manifest.tables.iter().map(|table| table.rows).sum();
    let files: Vec<&str> = manifest.files.iter().map(|(name, _)| name.as_str()).collect();
    let document = json!({ "file": out, "bytes": bytes, "rows": rows, "tables": manifest.tables.len(), "keys": files,
                           "instance": header.instance, "madeAt": header.made_at, "masterKey": header.master });
    context.screen.answer(&document, |_| {
        format!(
            "{}: {rows} rows of {} tables, {bytes} bytes. Keys: {}.",
            out.display(),
            manifest.tables.len(),
            files.join(", ")
        )
    });
    if header.master != "file" {
        context.screen.note("The master key is not in it: it comes from outside, and a restore needs it.");
    }
    if !files.contains(&ROOT_KEY) {
        context.screen.note("root.key is not in it, since it is not in the data folder: a restore needs it.");
    }
}

fn broken(bad: &sf_store::audit::FirstBad) -> Failure {
    Failure::new(Exit::Failed, "backup.audit", format!("The database's audit chain does not hold: {bad}."))
        .fix("Keep this database and older backups as they are, and find out who changed it.")
}

fn database(error: StoreError) -> Failure {
    Failure::new(Exit::Failed, "backup.database", format!("The database cannot be read: {error}."))
        .fix("Give the configuration that the control plane runs with, as the user who owns the data folder.")
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn draft_path(out: &Path) -> PathBuf {
    let mut name = out.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.draft", std::process::id()));
    out.with_file_name(name)
}
