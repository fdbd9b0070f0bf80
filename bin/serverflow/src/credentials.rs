//! Stored CLI tokens: `~/.config/serverflow/credentials.json`, for its owner only.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::{Exit, Failure};

/// Every control plane signed in to.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Credentials {
    /// The one signed in to last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<String>,
    /// By address.
    #[serde(default)]
    servers: BTreeMap<String, Stored>,
}

/// One token.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Stored {
    /// Its id, for taking it back.
    pub id: String,
    /// `sf_...`.
    pub token: String,
    /// Whose.
    pub email: String,
}

impl Credentials {
    /// Reads the file; no file is no credentials.
    ///
    /// # Errors
    /// A file that others may read, or a damaged one.
    pub fn load() -> Result<Self, Failure> {
        Self::load_from(&file()?)
    }

    fn load_from(path: &Path) -> Result<Self, Failure> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(Failure::file(path, &error)),
        };
        let mode = fs::metadata(path).map_err(|error| Failure::file(path, &error))?.permissions().mode();
        if mode & 0o077 != 0 {
            let message = format!("{} may be read by others (mode {:o}).", path.display(), mode & 0o777);
            return Err(Failure::new(Exit::Failed, "cli.credentials_open", message)
                .fix(format!("Take their rights: chmod 600 {}", path.display())));
        }
        serde_json::from_str(&text).map_err(|error| {
            Failure::new(Exit::Failed, "cli.credentials", format!("{} is damaged: {error}.", path.display()))
                .fix("Remove it and sign in again with `serverflow login`.")
        })
    }

    /// Writes the file whole: beside, then renamed.
    ///
    /// # Errors
    /// The file system's.
    pub fn save(&self) -> Result<(), Failure> {
        self.save_to(&file()?)
    }

    fn save_to(&self, path: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self).expect("a map of strings is always JSON");
        write_private(path, text.as_bytes())
    }

    /// The control plane signed in to last.
    pub fn last(&self) -> Option<String> {
        self.last.clone()
    }

    /// The token of a control plane.
    pub fn token(&self, server: &str) -> Option<String> {
        self.servers.get(server).map(|stored| stored.token.clone())
    }

    /// Keeps a token.
    pub fn put(&mut self, server: &str, stored: Stored) {
        self.last = Some(server.to_owned());
        self.servers.insert(server.to_owned(), stored);
    }

    /// Forgets a token wherever it is stored: a moved port leaves it under the old address, too.
    pub fn forget(&mut self, token: &str) {
        self.servers.retain(|_, stored| stored.token != token);
        self.last = self.last.take().filter(|server| self.servers.contains_key(server));
    }

    /// Forgets a token and hands it out.
    pub fn take(&mut self, server: &str) -> Option<Stored> {
        if self.last.as_deref() == Some(server) {
            self.last = None;
        }
        self.servers.remove(server)
    }
}

/// Writes a file that only its owner may read; folders on the way likewise.
///
/// # Errors
/// The file system's.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let write = || {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let beside = path.with_extension("new");
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().map_err(|error| Failure::file(path, &error))
}

fn file() -> Result<PathBuf, Failure> {
    let config = sf_runtime::env::var("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = config.or_else(|| sf_runtime::env::var("HOME").map(|home| PathBuf::from(home).join(".config")));
    let folder = folder.ok_or_else(|| {
        Failure::new(Exit::Failed, "cli.no_home", "There is no home folder to keep credentials in.")
            .fix("Set HOME, or give SERVERFLOW_TOKEN with each call.")
    })?;
    Ok(folder.join("serverflow").join("credentials.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(token: &str) -> Stored {
        Stored { id: "1".into(), token: token.into(), email: "a@b.example".into() }
    }

    #[test]
    fn tokens_are_kept_by_server_for_their_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("serverflow/credentials.json");
        let mut credentials = Credentials::load_from(&path).unwrap();
        credentials.put("http://127.0.0.1:7400", stored("sf_a"));
        credentials.put("https://panel.example", stored("sf_b"));
        credentials.save_to(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let mut read = Credentials::load_from(&path).unwrap();
        assert_eq!(read.token("http://127.0.0.1:7400").as_deref(), Some("sf_a"));
        assert_eq!(read.last().as_deref(), Some("https://panel.example"));
        assert!(read.take("https://panel.example").is_some());
        assert_eq!((read.last(), read.token("https://panel.example")), (None, None));
        read.forget("sf_a");
        assert_eq!(read, Credentials::default());
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.json");
        Credentials::default().save_to(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(Credentials::load_from(&path).unwrap_err().code, "cli.credentials_open");
    }
}
