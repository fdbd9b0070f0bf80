//! The agent's folder: its key, whom it belongs to, and where everything else lies.
//!
//! `~/.server-flow`, or `/var/lib/server-flow` as root. Others may at most walk through it (apps have users of their
//! own and must reach their releases); a folder that others may read or write is refused.

mod key;
pub mod witnesses;

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sf_protocol::handshake::BindingKind;
use sf_protocol::{KeyId, PublicKey, SecretKey, Signed};
use sf_types::{AppId, ErrorKind, Fault, Name, NodeId, RunId, Timestamp};

use crate::process::folder::{Held, RunFolder, STATE};
use crate::release::tree;

/// Version of [`Registration`] that this program writes and reads.
const VERSION: u16 = 1;

/// The agent's folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StateDir {
    path: PathBuf,
}

/// Whom this node belongs to: `registration.json`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Registration {
    /// Version of this file: 1.
    pub version: u16,
    /// The node.
    pub node: NodeId,
    /// What it is called, for people.
    pub node_name: Name,
    /// Whose it is, for people.
    pub tenant_name: Name,
    /// The control plane: `wss://host:7401`.
    pub url: String,
    /// Fingerprint of the root; the key itself is in `cp-public-key.pem`.
    pub root: KeyId,
    /// How connections are bound.
    pub binding: BindingKind,
    /// SHA-256 of the control plane's certificate, in hex, where no public authority vouches for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_pin: Option<String>,
    /// The join counter: written before the first frame of a connection, which confirms it.
    pub counter: u64,
    /// The epoch at enrolment; the journal knows the present one.
    pub epoch: u64,
    /// When it was enrolled.
    pub enrolled_at: Timestamp,
}

/// A certificate of an online key, kept so that old commands can be verified later.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeptDelegation {
    /// As the root signed it.
    pub signed: Signed,
}

/// Who holds the folder; in the daemon's run folder.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// The daemon's pid.
    pub pid: u32,
    /// When it started.
    pub since: Timestamp,
    /// Its version.
    pub version: String,
}

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// No home folder to put it in.
    #[error("there is no home folder to keep the agent's state in")]
    NoHome,
    /// Others may read or write it.
    #[error("others may read or write {}", path.display())]
    Open {
        /// The folder or file.
        path: PathBuf,
    },
    /// It belongs to somebody else.
    #[error("{} belongs to user {owner}, and the agent runs as user {us}", path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Who the agent is.
        us: u32,
    },
    /// Another agent works with it.
    #[error("another agent (pid {pid}) works with {}", path.display())]
    Held {
        /// The folder.
        path: PathBuf,
        /// Its pid; 0 where it has not said so yet.
        pid: u32,
    },
    /// Nobody has enrolled this node.
    #[error("this node is not enrolled: there is no {}", path.display())]
    NotEnrolled {
        /// The file that is missing.
        path: PathBuf,
    },
    /// It is enrolled already.
    #[error("this node is enrolled already, as {name} at {url}")]
    Enrolled {
        /// Its name.
        name: Name,
        /// Its control plane.
        url: String,
    },
    /// A file is damaged.
    #[error("{} is damaged: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The file system refused.
    #[error("{} cannot be used: {source}", path.display())]
    Disk {
        /// Where.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
}

impl From<StateError> for Fault {
    fn from(error: StateError) -> Self {
        error.fault()
    }
}

impl StateError {
    /// What people and programs see.
    pub fn fault(&self) -> Fault {
        let (kind, code, fix) = match self {
            Self::NoHome => (ErrorKind::Invalid, "state.no_home", "Set HOME, or name a folder with --state."),
            Self::Open { .. } => (ErrorKind::Forbidden, "state.open", "Take the others' rights with `chmod go-rw`."),
            Self::Foreign { .. } => {
                (ErrorKind::Forbidden, "state.foreign", "Run the agent as that user, or name another folder.")
            }
            Self::Held { .. } => (ErrorKind::Conflict, "state.held", "Stop that agent first."),
            Self::NotEnrolled { .. } => (
                ErrorKind::NotFound,
                "state.not_enrolled",
                "Run `serverflow-agent enrol` with the install line of the control plane.",
            ),
            Self::Enrolled { .. } => {
                (ErrorKind::Conflict, "state.enrolled", "Use --again to enrol it anew; its apps stay.")
            }
            Self::Damaged { .. } => (ErrorKind::Internal, "state.damaged", "Enrol the node again."),
            Self::Disk { .. } => (ErrorKind::Internal, "state.disk", "Check the disk and the folder's rights."),
        };
        Fault::new(kind, code, format!("{self}.")).fix(fix)
    }
}

type Result<T, E = StateError> = std::result::Result<T, E>;

impl StateDir {
    /// The usual place for this user.
    ///
    /// # Errors
    /// [`StateError::NoHome`].
    pub fn usual() -> Result<PathBuf> {
        if nix::unistd::geteuid().is_root() {
            return Ok(PathBuf::from("/var/lib/server-flow"));
        }
        sf_runtime::env::var("HOME").map(|home| Path::new(&home).join(".server-flow")).ok_or(StateError::NoHome)
    }

    /// Opens the folder at `path`, making it where it is not there.
    ///
    /// # Errors
    /// [`StateError::Open`], [`StateError::Foreign`], [`StateError::Disk`].
    pub fn open(path: &Path) -> Result<Self> {
        // As root the apps have users of their own, who must be able to walk to their releases.
        let mode = if nix::unistd::geteuid().is_root() { 0o711 } else { 0o700 };
        let disk = |source| StateError::Disk { path: path.to_owned(), source };
        fs::DirBuilder::new().recursive(true).mode(mode).create(path).map_err(disk)?;
        let metadata = fs::metadata(path).map_err(disk)?;
        let us = nix::unistd::geteuid().as_raw();
        if metadata.uid() != us {
            return Err(StateError::Foreign { path: path.to_owned(), owner: metadata.uid(), us });
        }
        if metadata.permissions().mode() & 0o066 != 0 {
            return Err(StateError::Open { path: path.to_owned() });
        }
        Ok(Self { path: path.canonicalize().map_err(disk)? })
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The run folder of the daemon: its lock and its local socket.
    pub fn daemon(&self) -> RunFolder {
        RunFolder::at(self.path.join("daemon"))
    }

    /// Makes this process the only one that works with the folder.
    ///
    /// # Errors
    /// [`StateError::Held`], naming the other's pid.
    pub fn hold(&self, since: Timestamp) -> Result<Held> {
        let folder = self.daemon();
        let disk = |source| StateError::Disk { path: folder.path().to_owned(), source };
        folder.create().map_err(disk)?;
        let Some(held) = folder.hold().map_err(disk)? else {
            let pid = folder.read::<Holder>(STATE).ok().flatten().map_or(0, |holder| holder.pid);
            return Err(StateError::Held { path: self.path.clone(), pid });
        };
        let version = env!("CARGO_PKG_VERSION").to_owned();
        folder.write(STATE, &Holder { pid: std::process::id(), since, version }, false).map_err(disk)?;
        Ok(held)
    }

    /// Folder of the apps.
    pub fn apps(&self) -> PathBuf {
        self.path.join("apps")
    }

    /// Folder of one app.
    pub fn app(&self, app: AppId) -> PathBuf {
        self.apps().join(app.to_string())
    }

    /// Folder of what fetching and building said in one run.
    pub fn run_log(&self, run: RunId) -> PathBuf {
        self.runs().join(run.to_string())
    }

    /// Folder of the runs' logs.
    pub fn runs(&self) -> PathBuf {
        self.path.join("runs")
    }

    /// A file or folder of its own.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Whom this node belongs to.
    ///
    /// # Errors
    /// [`StateError::NotEnrolled`], [`StateError::Damaged`].
    pub fn registration(&self) -> Result<Registration> {
        let path = self.join("registration.json");
        let this: Registration =
            self.read("registration.json")?.ok_or(StateError::NotEnrolled { path: path.clone() })?;
        if this.version != VERSION {
            return Err(StateError::Damaged { path, why: format!("its version is {}", this.version) });
        }
        Ok(this)
    }

    /// Writes whom this node belongs to; durable when it returns.
    ///
    /// # Errors
    /// [`StateError::Disk`].
    pub fn write_registration(&self, registration: &Registration) -> Result<()> {
        self.write("registration.json", registration)
    }

    /// The node's private key.
    ///
    /// # Errors
    /// [`StateError::NotEnrolled`] without one, [`StateError::Open`] where others may read it.
    pub fn node_key(&self) -> Result<SecretKey> {
        key::read_private(&self.join("agent-key"))
    }

    /// The node's key, made from `seed` (32 random bytes) where there is none yet.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn node_key_or(&self, seed: &[u8; 32]) -> Result<SecretKey> {
        match self.node_key() {
            Err(StateError::NotEnrolled { .. }) => {
                let path = self.join("agent-key");
                key::write_private(&path, seed)?;
                key::read_private(&path)
            }
            other => other,
        }
    }

    /// The pinned root key.
    ///
    /// # Errors
    /// [`StateError::NotEnrolled`], [`StateError::Damaged`].
    pub fn root_key(&self) -> Result<PublicKey> {
        key::read_public(&self.join("cp-public-key.pem"))
    }

    /// Pins the root key.
    ///
    /// # Errors
    /// [`StateError::Disk`].
    pub fn write_root_key(&self, root: &PublicKey) -> Result<()> {
        let path = self.join("cp-public-key.pem");
        let written = tree::write_atomically(&path, key::public_pem(root).as_bytes(), 0o644);
        written.map_err(|source| StateError::Disk { path, source })
    }

    /// Keeps the certificate of an online key.
    ///
    /// # Errors
    /// [`StateError::Disk`].
    pub fn keep_delegation(&self, key: KeyId, signed: &Signed) -> Result<()> {
        let name = delegation_file(key);
        let kept = KeptDelegation { signed: signed.clone() };
        if self.read::<KeptDelegation>(&name).ok().flatten().as_ref() == Some(&kept) {
            return Ok(());
        }
        let folder = self.join("delegations");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(|source| disk(&folder, source))?;
        self.write(&name, &kept)
    }

    /// The certificate of an online key.
    ///
    /// # Errors
    /// [`StateError::Damaged`], [`StateError::Disk`].
    pub fn delegation(&self, key: KeyId) -> Result<Option<Signed>> {
        Ok(self.read::<KeptDelegation>(&delegation_file(key))?.map(|kept| kept.signed))
    }

    /// Renames a file out of the way, so that a person can still look at it. One that is not there is fine.
    ///
    /// # Errors
    /// [`StateError::Disk`].
    pub fn set_aside(&self, name: &str) -> Result<()> {
        let from = self.join(name);
        let to = (1..).map(|n| self.join(&format!("{name}.old-{n}"))).find(|to| !to.exists());
        match fs::rename(&from, to.expect("there are more numbers than files")) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(disk(&from, source)),
            _ => Ok(()),
        }
    }

    /// Reads a JSON file; `None` where it is not there.
    ///
    /// # Errors
    /// [`StateError::Damaged`], [`StateError::Disk`].
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let path = self.join(name);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| StateError::Damaged { path, why: error.to_string() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(disk(&path, source)),
        }
    }

    /// Writes a JSON file, 0600: after a power cut it is the old one or the new one.
    ///
    /// # Errors
    /// [`StateError::Disk`]; the old one is then still there.
    pub fn write<T: Serialize>(&self, name: &str, value: &T) -> Result<()> {
        let path = self.join(name);
        let bytes = serde_json::to_vec_pretty(value).map_err(|error| disk(&path, io::Error::other(error)))?;
        tree::write_atomically(&path, &bytes, 0o600).map_err(|source| disk(&path, source))
    }
}

fn delegation_file(key: KeyId) -> String {
    let name = key.to_string();
    format!("delegations/{}.json", name.trim_start_matches("sha256:"))
}

fn disk(path: &Path, source: io::Error) -> StateError {
    StateError::Disk { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, StateDir) {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::open(&dir.path().join("state")).unwrap();
        (dir, state)
    }

    #[test]
    fn a_folder_others_may_read_is_refused() {
        let (_dir, state) = folder();
        for (mode, good) in
            [(0o700, true), (0o711, true), (0o750, false), (0o701, true), (0o704, false), (0o720, false)]
        {
            fs::set_permissions(state.path(), fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(StateDir::open(state.path()).is_ok(), good, "{mode:o}");
        }
    }

    #[test]
    fn one_agent_at_a_time_and_the_other_is_named() {
        let (_dir, state) = folder();
        let held = state.hold(Timestamp::EPOCH).unwrap();
        let error = state.hold(Timestamp::EPOCH).unwrap_err();
        assert!(error.to_string().contains(&format!("pid {}", std::process::id())), "{error}");
        drop(held);
        drop(state.hold(Timestamp::EPOCH).unwrap());
    }

    #[test]
    fn keys_read_back_and_a_key_others_may_read_is_refused() {
        let (_dir, state) = folder();
        assert!(matches!(state.node_key(), Err(StateError::NotEnrolled { .. })));
        let key = state.node_key_or(&[7; 32]).unwrap();
        assert_eq!(state.node_key_or(&[8; 32]).unwrap().seed(), key.seed());
        let text = fs::read_to_string(state.join("agent-key")).unwrap();
        assert!(text.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----"));
        state.write_root_key(&key.public()).unwrap();
        assert_eq!(state.root_key().unwrap(), key.public());
        let pem = fs::read_to_string(state.join("cp-public-key.pem")).unwrap();
        assert!(pem.starts_with("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA"), "{pem}");
        fs::set_permissions(state.join("agent-key"), fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(state.node_key(), Err(StateError::Open { .. })));
    }

    #[test]
    fn a_damaged_file_is_named() {
        let (_dir, state) = folder();
        assert!(matches!(state.registration(), Err(StateError::NotEnrolled { .. })));
        fs::write(state.join("registration.json"), "{").unwrap();
        assert!(state.registration().unwrap_err().to_string().contains("registration.json"));
        fs::write(state.join("cp-public-key.pem"), "-----BEGIN PUBLIC KEY-----\nAAAA\n").unwrap();
        assert!(matches!(state.root_key(), Err(StateError::Damaged { .. })));
    }
}
