//! Where the state of this clone is.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::credentials::{Stored, write_private};
use crate::failure::Failure;
use crate::process::Identity;

/// Where root keeps the state of all clones: app users must be able to walk into it, unlike a home folder.
const SYSTEM_FOLDER: &str = "/var/lib/serverflow";
/// Others may walk through, not look around.
const WALK_THROUGH: u32 = 0o711;

/// The folders of one clone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The clone.
    pub clone: PathBuf,
    /// Its state.
    pub state: PathBuf,
}

/// What `up` started and where. `up.json` in the state folder; also the proof that the folder is ours to delete.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Record {
    /// The clone it belongs to.
    pub clone: PathBuf,
    /// Port of the API; agents dial the next one.
    pub port: u16,
    /// The control plane's process.
    pub server: Option<Identity>,
    /// The agent's process.
    pub agent: Option<Identity>,
}

impl Place {
    /// The clone in the working folder; `state` overrides where its state is.
    ///
    /// # Errors
    /// The file system's.
    pub fn here(state: Option<&Path>) -> Result<Self, Failure> {
        let here = Path::new(".");
        let clone = fs::canonicalize(here).map_err(|error| Failure::file(here, &error))?;
        let state = match state {
            Some(state) => std::path::absolute(state).map_err(|error| Failure::file(state, &error))?,
            None if nix::unistd::geteuid().is_root() => Path::new(SYSTEM_FOLDER).join(name_of(&clone)),
            None => clone.join("data"),
        };
        Ok(Self { clone, state })
    }

    /// Makes the folders.
    ///
    /// # Errors
    /// The file system's.
    pub fn make(&self) -> Result<(), Failure> {
        let make = |folder: &Path, mode: u32| {
            let made = fs::DirBuilder::new().recursive(true).mode(mode).create(folder);
            made.and_then(|()| fs::set_permissions(folder, fs::Permissions::from_mode(mode)))
                .map_err(|error| Failure::file(folder, &error))
        };
        if let Some(parent) = self.state.parent().filter(|parent| *parent == Path::new(SYSTEM_FOLDER)) {
            make(parent, WALK_THROUGH)?;
        }
        make(&self.state, WALK_THROUGH)?;
        make(&self.control(), 0o700)?;
        make(&self.repositories(), 0o755)
    }

    /// The control plane's data folder.
    pub fn control(&self) -> PathBuf {
        self.state.join("control")
    }

    /// The agent's state folder.
    pub fn agent(&self) -> PathBuf {
        self.state.join("agent")
    }

    /// Where the agent's program is copied to, so that a new build does not pull it away from under running apps.
    pub fn agent_program(&self) -> PathBuf {
        self.state.join("bin").join("serverflow-agent")
    }

    /// What the agent has to say.
    pub fn agent_log(&self) -> PathBuf {
        self.state.join("agent.log")
    }

    /// The folder that the node's policy lists for `file://`.
    pub fn repositories(&self) -> PathBuf {
        self.state.join("repositories")
    }

    fn record_file(&self) -> PathBuf {
        self.state.join("up.json")
    }

    fn token_file(&self) -> PathBuf {
        self.state.join("token.json")
    }

    /// What `up` wrote down; the default where it never ran.
    ///
    /// # Errors
    /// A damaged file.
    pub fn record(&self) -> Result<Option<Record>, Failure> {
        read(&self.record_file())
    }

    /// Writes it down.
    ///
    /// # Errors
    /// The file system's.
    pub fn write_record(&self, record: &Record) -> Result<(), Failure> {
        write(&self.record_file(), record)
    }

    /// The token `up` works with.
    ///
    /// # Errors
    /// A damaged file.
    pub fn token(&self) -> Result<Option<Stored>, Failure> {
        read(&self.token_file())
    }

    /// Keeps the token.
    ///
    /// # Errors
    /// The file system's.
    pub fn write_token(&self, stored: &Stored) -> Result<(), Failure> {
        write(&self.token_file(), stored)
    }
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>, Failure> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::file(path, &error)),
    };
    serde_json::from_str(&text).map(Some).map_err(|error| {
        Failure::new(crate::failure::Exit::Failed, "clone.damaged", format!("{} is damaged: {error}.", path.display()))
            .fix("Remove that file and run `make run` again.")
    })
}

fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).expect("paths and numbers are always JSON");
    write_private(path, text.as_bytes())
}

/// A name for a clone: the beginning of its path's hash.
fn name_of(clone: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    Sha256::digest(clone.as_os_str().as_bytes())[..6].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_have_folders_of_their_own_that_others_only_walk_through() {
        assert_ne!(name_of(Path::new("/a/one")), name_of(Path::new("/a/two")));
        let folder = tempfile::tempdir().unwrap();
        let place = Place::here(Some(&folder.path().join("state"))).unwrap();
        place.make().unwrap();
        assert_eq!(fs::metadata(&place.state).unwrap().permissions().mode() & 0o777, 0o711);
        assert_eq!(fs::metadata(place.control()).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(place.record().unwrap(), None);
        let record = Record { port: 7400, server: Identity::own(), ..Record::default() };
        place.write_record(&record).unwrap();
        assert_eq!(place.record().unwrap(), Some(record));
    }
}
