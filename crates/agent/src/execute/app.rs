//! What a node keeps of each app: `apps/<id>/app.json`, and `deploy.json` while a deploy is under way.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sf_protocol::Outcome;
use sf_protocol::app::{AppSpec, AppState, Traffic, TrafficMode};
use sf_protocol::build::BuildPlan;
use sf_types::{AppId, CommandId, ErrorKind, Fault, ReleaseId, RunId, Timestamp};

use super::patch::{PatchNote, Touched};
use crate::release::tree;

const APP: &str = "app.json";
const DEPLOY: &str = "deploy.json";
const TOUCHED: &str = "patch.json";
const TOUCHED_BEFORE: &str = "patch.before";

/// One app as its node knows it. The live release is kept beside it (see [`crate::release::Releases`]).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AppRecord {
    /// The app as it shall be.
    pub spec: AppSpec,
    /// [`AppState::Running`] or [`AppState::Stopped`]: what it shall do, with or without a control plane.
    pub wanted: AppState,
    /// Its stable port, once it has one.
    #[serde(default)]
    pub stable: Option<u16>,
    /// The live release's own port.
    #[serde(default)]
    pub own: Option<u16>,
    /// The newest end of a process that was told of.
    #[serde(default)]
    pub seen: Timestamp,
}

/// A deploy under way: what a restarted agent has to know to end it truthfully.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UnderWay {
    /// The command.
    pub command: CommandId,
    /// Its run.
    pub run: Option<RunId>,
    /// The app as it shall be.
    pub spec: AppSpec,
    /// The release that is to go live.
    pub release: ReleaseId,
    /// Whether it was on disk before, and stays there if the deploy fails.
    pub kept: bool,
    /// The release that was live.
    pub old: Option<ReleaseId>,
    /// What the app was to do before.
    pub was: AppState,
    /// The new release's own port.
    pub own: Option<u16>,
    /// How far it had come.
    pub phase: Phase,
    /// When work began.
    pub started_at: Timestamp,
    /// How it ended; from here on only the journal has to be written.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// The change of a file that makes the release, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<PatchNote>,
}

/// How far a deploy has come. Written before the deed it names.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "camelCase", deny_unknown_fields)]
pub enum Phase {
    /// The new release is being started.
    Starting,
    /// The stable port is being pointed at it.
    Switching,
    /// It is live and watched.
    Watching {
        /// Until then.
        until: Timestamp,
    },
    /// It stays; the old one is being stopped.
    Settling,
}

/// The records of all apps; kept in memory, written through.
#[derive(Debug)]
pub struct Apps {
    dir: PathBuf,
    known: Mutex<HashMap<AppId, AppRecord>>,
}

impl Apps {
    /// Reads every record in `dir`. Answers also which folders could not be understood, and why.
    pub fn open(dir: &Path) -> (Self, Vec<(AppId, String)>) {
        let (mut known, mut damaged) = (HashMap::new(), Vec::new());
        let folders = fs::read_dir(dir).into_iter().flatten().flatten();
        for app in folders.filter_map(|entry| entry.file_name().to_str()?.parse::<AppId>().ok()) {
            match read::<AppRecord>(&dir.join(app.to_string()).join(APP)) {
                Ok(Some(record)) => drop(known.insert(app, record)),
                Ok(None) => {}
                Err(error) => damaged.push((app, error.to_string())),
            }
        }
        (Self { dir: dir.to_owned(), known: Mutex::new(known) }, damaged)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<AppId, AppRecord>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn folder(&self, app: AppId) -> PathBuf {
        self.dir.join(app.to_string())
    }

    /// One app.
    pub fn get(&self, app: AppId) -> Option<AppRecord> {
        self.known().get(&app).cloned()
    }

    /// All apps.
    pub fn list(&self) -> Vec<AppRecord> {
        self.known().values().cloned().collect()
    }

    /// Ports that apps hold or will want again: stable ones and own ones.
    pub fn ports(&self) -> Vec<u16> {
        self.known().values().flat_map(|record| [record.stable, record.own]).flatten().collect()
    }

    /// Writes a record; durable when it returns. A lower generation never replaces a higher one.
    ///
    /// # Errors
    /// `app.disk`.
    pub fn put(&self, record: AppRecord) -> Result<(), Fault> {
        write(&self.folder(record.spec.app).join(APP), &record)?;
        self.known().insert(record.spec.app, record);
        Ok(())
    }

    /// Changes a record and writes it.
    ///
    /// # Errors
    /// `app.disk`; [`ErrorKind::NotFound`] without a record.
    pub fn change(&self, app: AppId, change: impl FnOnce(&mut AppRecord)) -> Result<AppRecord, Fault> {
        let mut record = self.get(app).ok_or_else(|| unknown(app))?;
        change(&mut record);
        self.put(record.clone())?;
        Ok(record)
    }

    /// Notes in memory and on disk, without waiting for the disk, up to where ends of processes were told of.
    pub fn saw(&self, app: AppId, at: Timestamp) {
        let mut known = self.known();
        if let Some(record) = known.get_mut(&app).filter(|record| record.seen < at) {
            record.seen = at;
            let bytes = serde_json::to_vec_pretty(record).unwrap_or_default();
            let path = self.folder(app).join(APP);
            let staged = path.with_extension("seen");
            // Lost, a crash is told twice.
            let written = write_private(&staged, &bytes).and_then(|()| fs::rename(&staged, &path));
            drop(written);
        }
    }

    /// Forgets an app; its folder is removed by the caller.
    pub fn forget(&self, app: AppId) {
        self.known().remove(&app);
    }

    /// The deploy under way, where one is.
    ///
    /// # Errors
    /// `app.disk` when it cannot be read.
    pub fn under_way(&self, app: AppId) -> Result<Option<UnderWay>, Fault> {
        let path = self.folder(app).join(DEPLOY);
        read(&path).map_err(|error| disk(&path, &error))
    }

    /// Writes how far a deploy has come; durable when it returns.
    ///
    /// # Errors
    /// `app.disk`.
    pub fn advance(&self, deploy: &UnderWay) -> Result<(), Fault> {
        write(&self.folder(deploy.spec.app).join(DEPLOY), deploy)
    }

    /// The file that is being changed where it is, where one is.
    ///
    /// # Errors
    /// `app.disk` when it cannot be read.
    pub fn touched(&self, app: AppId) -> Result<Option<Touched>, Fault> {
        let path = self.folder(app).join(TOUCHED);
        read(&path).map_err(|error| disk(&path, &error))
    }

    /// Writes how far a change of a file has come; durable when it returns.
    ///
    /// # Errors
    /// `app.disk`.
    pub fn touch(&self, touched: &Touched) -> Result<(), Fault> {
        write(&self.folder(touched.app).join(TOUCHED), touched)
    }

    /// Keeps what a file held before it is changed; durable when it returns.
    ///
    /// # Errors
    /// `app.disk`.
    pub fn back_up(&self, app: AppId, text: &str) -> Result<(), Fault> {
        let path = self.folder(app).join(TOUCHED_BEFORE);
        tree::write_atomically(&path, text.as_bytes(), 0o600).map_err(|error| disk(&path, &error))
    }

    /// What a file held before it was changed.
    ///
    /// # Errors
    /// `app.disk`.
    pub fn backed_up(&self, app: AppId) -> Result<String, Fault> {
        let path = self.folder(app).join(TOUCHED_BEFORE);
        fs::read_to_string(&path).map_err(|error| disk(&path, &error))
    }

    /// No deploy and no change of a file is under way any more.
    ///
    /// # Errors
    /// `app.disk`.
    pub fn settled(&self, app: AppId) -> Result<(), Fault> {
        // What a change would need to be taken back goes last.
        for name in [DEPLOY, TOUCHED, TOUCHED_BEFORE] {
            let path = self.folder(app).join(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(disk(&path, &error)),
                _ => {}
            }
        }
        Ok(())
    }
}

/// How traffic reaches the app: as its settings say, unless they hold the usual (HTTP) and the repository says
/// otherwise. A worker has no relay.
pub fn traffic(spec: &AppSpec, plan: &BuildPlan) -> Traffic {
    let mode = match (spec.traffic.mode, plan.traffic) {
        (TrafficMode::Http, Some(said)) if plan.start.is_some() => said,
        (_, _) if plan.start.is_none() => TrafficMode::Http,
        (mode, _) => mode,
    };
    Traffic { mode, ..spec.traffic }
}

/// No such app.
pub fn unknown(app: AppId) -> Fault {
    Fault::new(ErrorKind::NotFound, "app.unknown", format!("This node knows no app {app}.")).fix("Deploy it first.")
}

fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), Fault> {
    let written = serde_json::to_vec_pretty(value).map_err(io::Error::other);
    let written = written.and_then(|bytes| {
        if let Some(folder) = path.parent() {
            use std::os::unix::fs::DirBuilderExt;
            fs::DirBuilder::new().recursive(true).mode(0o711).create(folder)?;
        }
        tree::write_atomically(path, &bytes, 0o600)
    });
    written.map_err(|error| disk(path, &error))
}

/// A file of ours could not be used.
pub fn disk(path: &Path, error: &io::Error) -> Fault {
    let message = format!("{} cannot be used: {error}.", path.display());
    Fault::new(ErrorKind::Internal, "app.disk", message).fix("Check the node's disk and the agent's state folder.")
}

/// For its owner only: a spec holds the app's environment.
fn write_private(path: &std::path::Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?.write_all(bytes)
}
