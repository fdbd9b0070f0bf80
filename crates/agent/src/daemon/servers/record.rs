//! What a node keeps of each panel server: `servers/<id>/server.json`, kept in memory and written through.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sf_protocol::server::{InstallState, ServerReport, ServerRuntime, ServerSpec, ServerState};
use sf_types::{CommandId, ErrorKind, Fault, RunId, ServerId, Timestamp};

use super::live::Live;
use crate::execute::app::disk;
use crate::release::tree;

const RECORD: &str = "server.json";
const TOLD: &str = "told.json";
/// The run folder of its shim.
pub const RUN: &str = "run";

/// One server as its node knows it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerRecord {
    /// The server as it shall be.
    pub spec: ServerSpec,
    /// Whether its files are there.
    pub install: InstallState,
    /// Whether it shall run, with or without a control plane.
    pub runs: bool,
    /// How it came to its end, unless it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
    /// How it was stopped the last time it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_by: Option<String>,
    /// What was in force of its limits when it was last started, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub enforced: Vec<String>,
    /// The order that was carried out last: one that a restart cuts off is not done twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<CommandId>,
    /// The same of its files, whose orders have turns of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filed: Option<CommandId>,
    /// Uploads that are neither finished nor given up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uploads: Vec<BegunUpload>,
}

/// What an order said of an upload.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BegunUpload {
    /// The run of that order.
    pub upload: RunId,
    /// Where it shall be.
    pub path: String,
    /// Bytes in all.
    pub bytes: u64,
    /// Whether it may take the place of a file.
    pub replace: bool,
    /// Its rwx bits, where they were said.
    pub mode: Option<u32>,
    /// When it was begun.
    pub begun_at: Timestamp,
}

/// Why a server does not run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct End {
    /// [`ServerState::Stopped`] or [`ServerState::Error`].
    pub state: ServerState,
    /// Since when.
    pub at: Timestamp,
    /// For people.
    pub reason: String,
    /// Starts after a crash before that.
    pub restarts: u32,
}

impl ServerRecord {
    /// Of a server that was never installed.
    pub const fn new(spec: ServerSpec) -> Self {
        Self {
            spec,
            install: InstallState::Missing,
            runs: false,
            end: None,
            stopped_by: None,
            enforced: Vec::new(),
            done: None,
            filed: None,
            uploads: Vec::new(),
        }
    }
}

/// All servers of a node.
#[derive(Debug)]
pub struct Servers {
    dir: PathBuf,
    known: Mutex<HashMap<ServerId, ServerRecord>>,
    live: Mutex<HashMap<ServerId, Arc<Live>>>,
    /// What was told of each last.
    told: Mutex<HashMap<ServerId, ServerReport>>,
    /// As often as consoles are watched, and once more.
    pub(super) watching: Arc<()>,
}

impl Servers {
    /// Reads every record in `dir`. Answers also what could not be understood, and why.
    pub fn open(dir: &Path) -> (Self, Vec<(ServerId, String)>) {
        let (mut known, mut told, mut damaged) = (HashMap::new(), HashMap::new(), Vec::new());
        let folders = fs::read_dir(dir).into_iter().flatten().flatten();
        for server in folders.filter_map(|entry| entry.file_name().to_str()?.parse::<ServerId>().ok()) {
            let folder = dir.join(server.to_string());
            // What cannot be read is told again.
            told.extend(read(&folder.join(TOLD)).ok().flatten().map(|report| (server, report)));
            match read::<ServerRecord>(&folder.join(RECORD)) {
                Ok(Some(record)) => drop(known.insert(server, record)),
                Ok(None) => {}
                Err(error) => damaged.push((server, error.to_string())),
            }
        }
        let (live, watching) = Default::default();
        let (known, told) = (Mutex::new(known), Mutex::new(told));
        (Self { dir: dir.to_owned(), known, live, told, watching }, damaged)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<ServerId, ServerRecord>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The folder of a server.
    pub fn folder(&self, server: ServerId) -> PathBuf {
        self.dir.join(server.to_string())
    }

    /// The server's own files.
    pub fn files(&self, server: ServerId) -> PathBuf {
        self.folder(server).join("files")
    }

    /// What it keeps for a while.
    pub fn temp(&self, server: ServerId) -> PathBuf {
        self.folder(server).join("tmp")
    }

    /// What is made for its files before it is seen there: the agent's alone.
    pub fn staging(&self, server: ServerId) -> PathBuf {
        self.folder(server).join("staging")
    }

    /// Folder of its console.
    pub fn log(&self, server: ServerId) -> PathBuf {
        self.folder(server).join("log")
    }

    /// What is known of it in memory alone.
    pub fn live(&self, server: ServerId) -> Arc<Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).entry(server).or_default().clone()
    }

    /// One server.
    pub fn get(&self, server: ServerId) -> Option<ServerRecord> {
        self.known().get(&server).cloned()
    }

    /// One that has to be there.
    ///
    /// # Errors
    /// `server.unknown`.
    pub fn known_one(&self, server: ServerId) -> Result<ServerRecord, Fault> {
        self.get(server).ok_or_else(|| unknown(server))
    }

    /// All servers.
    pub fn list(&self) -> Vec<ServerRecord> {
        self.known().values().cloned().collect()
    }

    /// Whether any of them is to run in a container.
    pub fn has_contained(&self) -> bool {
        let docker = |record: &ServerRecord| matches!(record.spec.runtime, ServerRuntime::Docker { .. });
        self.known().values().any(docker)
    }

    /// Their ids.
    pub fn ids(&self) -> Vec<ServerId> {
        self.known().keys().copied().collect()
    }

    /// Writes a record; durable when it returns.
    ///
    /// # Errors
    /// `app.disk`.
    pub fn put(&self, record: ServerRecord) -> Result<(), Fault> {
        // Held while it is written: a kill may change it beside the order that it ends.
        let mut known = self.known();
        write(&self.folder(record.spec.server), &record)?;
        known.insert(record.spec.server, record);
        Ok(())
    }

    /// Changes a record and writes it, if that changes anything.
    ///
    /// # Errors
    /// `app.disk`, `server.unknown`.
    pub fn change(&self, server: ServerId, change: impl FnOnce(&mut ServerRecord)) -> Result<ServerRecord, Fault> {
        let mut known = self.known();
        let had = known.get(&server).ok_or_else(|| unknown(server))?;
        let mut record = had.clone();
        change(&mut record);
        if record != *had {
            write(&self.folder(server), &record)?;
            known.insert(server, record.clone());
        }
        Ok(record)
    }

    fn told(&self) -> MutexGuard<'_, HashMap<ServerId, ServerReport>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was told of a server last.
    pub fn last_told(&self, server: ServerId) -> Option<ServerReport> {
        self.told().get(&server).cloned()
    }

    /// Notes what was told, in memory and on disk, without waiting for the disk. Lost, it is told twice; so it is no part of
    /// the record, which must not be.
    pub fn tell(&self, report: &ServerReport) {
        self.told().insert(report.server, report.clone());
        let path = self.folder(report.server).join(TOLD);
        let staged = path.with_extension("new");
        let bytes = serde_json::to_vec(report).unwrap_or_default();
        drop(write_private(&staged, &bytes).and_then(|()| fs::rename(&staged, &path)));
    }

    /// Forgets a server; its folder is removed by the caller.
    pub fn forget(&self, server: ServerId) {
        self.known().remove(&server);
        self.told().remove(&server);
        self.live.lock().unwrap_or_else(PoisonError::into_inner).remove(&server);
    }
}

/// No such server.
pub fn unknown(server: ServerId) -> Fault {
    Fault::new(ErrorKind::NotFound, "server.unknown", format!("This node knows no server {server}."))
        .fix("Install it first.")
}

fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn write(folder: &Path, record: &ServerRecord) -> Result<(), Fault> {
    use std::os::unix::fs::DirBuilderExt;
    let path = folder.join(RECORD);
    // Others have to walk through it to the files.
    let made = fs::DirBuilder::new().recursive(true).mode(0o711).create(folder);
    let written = made.and_then(|()| serde_json::to_vec(record).map_err(io::Error::other));
    written.and_then(|bytes| tree::write_atomically(&path, &bytes, 0o600)).map_err(|error| disk(&path, &error))
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?.write_all(bytes)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use sf_protocol::server::{Ready, Startup, Stop};
    use sf_types::{Millis, TypedId};

    pub fn spec(nth: u8) -> ServerSpec {
        ServerSpec {
            server: ServerId::from_parts(Timestamp::from_millis(i64::from(nth)), [nth; 10]),
            slug: "craft".parse().unwrap(),
            generation: 3,
            runtime: ServerRuntime::Process,
            startup: Startup::Argv { argv: vec!["./server".to_owned()] },
            env: Vec::new(),
            secrets: Vec::new(),
            edits: Vec::new(),
            ready: Ready { lines: Vec::new(), strip_ansi: false, within: Millis::secs(30) },
            stop: Stop::Command { line: "stop".to_owned(), grace: Millis::secs(10) },
            restart: Default::default(),
            limits: Default::default(),
            allocations: Vec::new(),
            denied: Vec::new(),
            suspended: false,
        }
    }

    #[test]
    fn records_are_found_again_and_damage_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let (servers, damaged) = Servers::open(&dir.path().join("servers"));
        assert!(damaged.is_empty() && servers.list().is_empty());
        let (one, two) = (spec(1), spec(2));
        servers.put(ServerRecord::new(one.clone())).unwrap();
        servers.put(ServerRecord::new(two.clone())).unwrap();
        servers.change(one.server, |record| record.runs = true).unwrap();
        assert_eq!(servers.change(spec(3).server, |_| {}).unwrap_err().code, "server.unknown");
        fs::write(servers.folder(two.server).join(RECORD), "{").unwrap();
        let (again, damaged) = Servers::open(&dir.path().join("servers"));
        assert_eq!(again.get(one.server), servers.get(one.server));
        assert!(again.get(one.server).unwrap().runs);
        assert_eq!(damaged.iter().map(|(server, _)| *server).collect::<Vec<_>>(), [two.server]);
    }
}
