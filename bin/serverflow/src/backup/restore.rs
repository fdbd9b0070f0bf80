//! `backup restore`: a backup becomes a control plane again. It is read whole before anything is touched; then what was
//! there moves aside, keys and rows are put in their place, the epoch is raised. A file in the data folder, then a mark
//! in the database, keep a control plane from serving what is only half there.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde_json::json;
use sf_control::keys::raise_epoch;
use sf_control::options::Options;
use sf_control::restore::GUARD_FILE;
use sf_identity::master::MasterSource;
use sf_runtime::{Clock, Rng, Tasks};
use sf_store::dump::Loading;
use sf_store::{Store, StoreError};
use sf_types::Timestamp;

use super::archive::{Header, Item, Reader};
use super::{DATABASE, FILES, MASTER_KEY, ROOT_KEY, seal, verify};
use crate::config::Config;
use crate::context::Context;
use crate::failure::{Done, Exit, Failure};
use crate::plane::STOP_WITHIN;
use crate::process::lock_holder;

/// Begins the names of what was moved aside.
const ASIDE: &str = "before-restore-";

/// Arguments of `backup restore`.
#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// The backup.
    file: PathBuf,
    /// The data folder; this clone's, where `up` made one, or the configured one otherwise.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Move aside what is there; nothing is deleted.
    #[arg(long)]
    force: bool,
    /// The root key's file, where it was kept offline and is not in the backup.
    #[arg(long, value_name = "FILE")]
    root_key: Option<PathBuf>,
    #[command(flatten)]
    with: seal::With,
}

/// What to work on.
struct Plan {
    data: PathBuf,
    options: Options,
    force: bool,
    now: Timestamp,
}

/// Puts a backup back.
///
/// # Errors
/// A damaged or newer backup, another key; something is there already; a control plane runs there.
pub async fn run(context: &Context, args: &RestoreArgs, clock: &Clock, rng: &Rng) -> Done {
    let key = args.with.key(&args.file)?;
    let (header, manifest, _) = verify::whole(&args.file, &key)?;
    let config = super::config(context, args.data.as_deref())?;
    let root = args.root_key.as_ref().map(|path| fs::read(path).map_err(|error| Failure::file(path, &error)));
    let root = root.transpose()?;
    let plan = Plan::new(&config, args.force, clock.now())?;
    plan.look()?;
    let opened = key.open(&args.file)?;
    let (mut reader, header_again) = Reader::begin(BufReader::new(opened.plain), opened.place)?;
    plan.begin()?;
    let aside = plan.schema_aside();
    let begun = Loading::begin(&plan.options.store, &header.schema(), aside.as_deref(), plan.now).await;
    let loading = match begun {
        Ok(loading) => loading,
        Err(error) => {
            plan.give_up()?;
            return Err(store(error));
        }
    };
    plan.fill(&mut reader, loading, &header_again).await?;
    if let Some(root) = root {
        write_new(&plan.data.join(ROOT_KEY), 0o600, &root)?;
    }
    let guard = plan.data.join(GUARD_FILE);
    fs::remove_file(&guard).map_err(|error| Failure::file(&guard, &error))?;
    let epoch = plan.resume(clock, rng).await;
    let rows: u64 = manifest.tables.iter().map(|table| table.rows).sum();
    tell(context, &plan, &header, rows, epoch)
}

impl Plan {
    fn new(config: &Config, force: bool, now: Timestamp) -> Result<Self, Failure> {
        let data = config.data.folder.clone();
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&data);
        made.map_err(|error| Failure::file(&data, &error))?;
        Ok(Self { options: config.control()?, data, force, now })
    }

    fn aside(&self) -> PathBuf {
        self.data.join(format!("{ASIDE}{}", self.now.as_millis()))
    }

    /// Where PostgreSQL keeps what was there.
    fn schema_aside(&self) -> Option<String> {
        self.force.then(|| format!("before_restore_{}", self.now.as_millis()))
    }

    /// What is in the data folder, but for what earlier restores moved aside.
    fn entries(&self) -> Result<Vec<PathBuf>, Failure> {
        let failed = |error: std::io::Error| Failure::file(&self.data, &error);
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.data).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            if !name.to_string_lossy().starts_with(ASIDE) && name != GUARD_FILE {
                found.push(entry.path());
            }
        }
        Ok(found)
    }

    /// Refuses before anything is touched.
    fn look(&self) -> Result<(), Failure> {
        let outside = self.database_outside();
        let database = outside.clone().unwrap_or_else(|| self.data.join(DATABASE));
        if let Some(holder) = lock_holder(&database) {
            let message = format!("A control plane runs on {} (process {}).", database.display(), holder.pid);
            return Err(Failure::new(Exit::Failed, "restore.in_use", message).fix("Stop it, then restore."));
        }
        let half = self.data.join(GUARD_FILE).exists();
        let full = !self.entries()?.is_empty() || outside.is_some_and(|path| path.exists());
        if full && !self.force && !half {
            let message = format!("There is something in {} already.", self.data.display());
            return Err(Failure::new(Exit::Failed, "restore.not_empty", message)
                .fix("Restore into an empty folder, or move what is there aside with --force."));
        }
        Ok(())
    }

    /// A SQLite file that is not in the data folder.
    fn database_outside(&self) -> Option<PathBuf> {
        let path = Path::new(self.options.store.sqlite_path()?);
        (!path.starts_with(&self.data)).then(|| path.to_owned())
    }

    /// Guards the folder and moves aside what is there.
    fn begin(&self) -> Result<(), Failure> {
        let guard = self.data.join(GUARD_FILE);
        if !guard.exists() {
            write_new(&guard, 0o600, b"A backup is being put here: see `serverflow backup restore --help`.\n")?;
        }
        let entries = self.entries()?;
        let failed = |error: std::io::Error| Failure::file(&self.data, &error);
        if !entries.is_empty() {
            fs::DirBuilder::new().mode(0o700).create(self.aside()).map_err(failed)?;
        }
        for entry in entries {
            if let Some(name) = entry.file_name() {
                fs::rename(&entry, self.aside().join(name)).map_err(failed)?;
            }
        }
        if let Some(database) = self.database_outside().filter(|path| path.exists()) {
            for ending in ["-wal", "-shm", ""] {
                let with = |text: String| PathBuf::from(format!("{}{text}", database.display()));
                let (from, to) = (with(ending.to_owned()), with(format!(".{ASIDE}{}{ending}", self.now.as_millis())));
                if from.exists() {
                    fs::rename(&from, &to).map_err(|error| Failure::file(&from, &error))?;
                }
            }
        }
        sync(&self.data)
    }

    /// Nothing was put in yet: puts back what was moved aside.
    fn give_up(&self) -> Result<(), Failure> {
        let failed = |error: std::io::Error| Failure::file(&self.data, &error);
        let aside = self.aside();
        if aside.is_dir() {
            for entry in fs::read_dir(&aside).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                fs::rename(entry.path(), self.data.join(entry.file_name())).map_err(failed)?;
            }
            fs::remove_dir(&aside).map_err(failed)?;
        }
        let guard = self.data.join(GUARD_FILE);
        fs::remove_file(&guard).map_err(|error| Failure::file(&guard, &error))
    }

    async fn fill<R: std::io::BufRead>(
        &self,
        reader: &mut Reader<R>,
        mut loading: Loading,
        header: &Header,
    ) -> Result<(), Failure> {
        while let Some(item) = reader.next()? {
            match item {
                Item::File(name, mode, bytes) => self.put(&name, mode, &bytes)?,
                Item::Table(name, columns) => loading.table(&name, &columns).await.map_err(store)?,
                Item::Row(cells) => loading.row(cells).await.map_err(store)?,
            }
        }
        sync(&self.data)?;
        loading.finish(Timestamp::from_millis(header.made_at), self.now).await.map_err(store)
    }

    fn put(&self, name: &str, mode: u32, bytes: &[u8]) -> Result<(), Failure> {
        if !FILES.contains(&name) {
            return Err(seal::damaged(format!("It holds a file `{name}` that does not belong into a data folder.")));
        }
        let path = match &self.options.master {
            MasterSource::File(path) if name == MASTER_KEY => path.clone(),
            _ => self.data.join(name),
        };
        if path.exists() && !path.starts_with(&self.data) {
            // The configured master key is there already; whether it is the right one shows when keys are unsealed.
            return Ok(());
        }
        write_new(&path, mode & 0o700, bytes)
    }

    /// Raises the epoch, which takes the database's mark away.
    async fn resume(&self, clock: &Clock, rng: &Rng) -> Result<u64, String> {
        let tasks = Tasks::new();
        let opened = Store::open(&self.options.store, clock.clone(), rng.clone(), &tasks).await;
        let database = opened.map_err(|error| error.to_string())?;
        let raised = raise_epoch(&self.options, &database, clock, rng).await.map_err(|error| error.to_string());
        drop(database);
        tasks.stop(STOP_WITHIN).await;
        raised
    }
}

fn tell(context: &Context, plan: &Plan, header: &Header, rows: u64, epoch: Result<u64, String>) -> Done {
    let data = plan.data.display();
    let aside = Some(plan.aside()).filter(|folder| folder.is_dir());
    let epoch = epoch.map_err(|error| {
        let message = format!("Everything is restored into {data}, but the epoch could not be raised: {error}.");
        Failure::new(Exit::Failed, "restore.epoch", message).fix(format!(
            "Put root.key into {data} (and give the master key), then run: serverflow admin --data {data} raise-epoch. \
             The control plane does not start before that."
        ))
    })?;
    let document = json!({ "data": plan.data, "rows": rows, "epoch": epoch, "instance": header.instance,
                           "madeAt": header.made_at, "aside": aside });
    context.screen.answer(&document, |_| {
        let moved = aside.map_or_else(String::new, |aside| format!("What was there is in {}.\n", aside.display()));
        format!(
            "{rows} rows of {} are restored into {data}; the epoch is {epoch}.\n{moved}\nNow:\n  \
             1. Start the control plane; its nodes come back by themselves. Everybody signs in anew.\n  \
             2. Enrol the machines again that joined after the backup, and remove those that were removed.\n  \
             3. Look through API keys and people: what was revoked after the backup works again.\n  \
             4. Runs that waited for a node which knows more than the backup ended: propose again what is wanted.",
            Timestamp::from_millis(header.made_at),
        )
    });
    Ok(Exit::Succeeded)
}

fn write_new(path: &Path, mode: u32, bytes: &[u8]) -> Result<(), Failure> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|error| Failure::file(path, &error))
}

fn sync(folder: &Path) -> Result<(), Failure> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| Failure::file(folder, &error))
}

fn store(error: StoreError) -> Failure {
    match error {
        StoreError::Refused(fault) => Failure::from(*fault),
        StoreError::Schema(why) => {
            let message = format!("This program cannot take over the backup's schema: {why}.");
            Failure::new(Exit::Failed, "restore.schema", message)
                .fix("Use the version of ServerFlow that made the backup, or a later one.")
        }
        error => Failure::new(Exit::Failed, "restore.database", format!("The rows cannot be put in: {error}."))
            .fix("Run the restore again when that is mended; nothing of it serves until then."),
    }
}
