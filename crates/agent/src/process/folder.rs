//! The run folder of a holder (a shim or a relay): its lock, its socket, its state file.
//!
//! A holder owns its folder while it holds the lock on `lock`. The lock is an open-file-description lock, so that it
//! can be looked at without taking it (a look can never make a starting holder fail) and the kernel gives it back
//! when the holder dies, however it dies.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The lock that proves a holder's life.
const LOCK: &str = "lock";
/// The control socket.
const SOCKET: &str = "sock";
/// What the holder should do; written by the daemon before it starts the holder.
pub const SPEC: &str = "spec.json";
/// What the holder is; written by the holder.
pub const STATE: &str = "state.json";

/// One run folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFolder(PathBuf);

/// Held by a living holder; given back by the kernel when it dies.
#[derive(Debug)]
pub struct Held(#[expect(dead_code, reason = "it is the open file that holds the lock")] File);

impl RunFolder {
    /// The folder at `path`, which need not exist yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Makes the folder, readable by its owner alone.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn create(&self) -> io::Result<()> {
        std::fs::create_dir_all(&self.0)?;
        std::fs::set_permissions(&self.0, Permissions::from_mode(0o700))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// What the processes held here carry in their environment, name and value, so that they can be found when their
    /// holder is gone. No other run folder has it, even where the same release runs twice.
    pub fn marker(&self) -> (&'static str, String) {
        let path = self.0.canonicalize().unwrap_or_else(|_| self.0.clone());
        ("SERVERFLOW_PROCESS", path.to_string_lossy().into_owned())
    }

    /// Where the specification is.
    pub fn spec(&self) -> PathBuf {
        self.0.join(SPEC)
    }

    /// Takes the lock; `None` when another holder lives.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn hold(&self) -> io::Result<Option<Held>> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(self.0.join(LOCK))?;
        match fcntl(&file, FcntlArg::F_OFD_SETLK(&whole_file(libc::F_WRLCK))) {
            Ok(_) => Ok(Some(Held(file))),
            Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::EACCES) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a holder lives, without disturbing it.
    ///
    /// # Errors
    /// What the operating system says, but for a lock file that is not there: nobody lives then.
    pub fn is_held(&self) -> io::Result<bool> {
        // A look needs no write access on a local file system; asking for a read lock would conflict with a holder.
        let file = match OpenOptions::new().read(true).write(true).open(self.0.join(LOCK)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        let mut look = whole_file(libc::F_WRLCK);
        fcntl(&file, FcntlArg::F_OFD_GETLK(&mut look))?;
        Ok(i32::from(look.l_type) != libc::F_UNLCK)
    }

    /// Listens on the control socket, which only the owner may connect to. Needs the lock: what is in the way is a
    /// dead holder's.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn listen(&self, _held: &Held) -> io::Result<UnixListener> {
        match std::fs::remove_file(self.0.join(SOCKET)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let (_dir, path) = self.socket()?;
        let old = nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o177));
        let listener = UnixListener::bind(path);
        nix::sys::stat::umask(old);
        let listener = listener?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    }

    /// A path of the control socket that fits the 108 bytes a socket address has, however deep the folder is. It is
    /// valid while the returned descriptor is open.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn socket(&self) -> io::Result<(OwnedFd, PathBuf)> {
        let dir = OpenOptions::new().read(true).custom_flags(libc::O_PATH | libc::O_DIRECTORY).open(&self.0)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", dir.as_raw_fd()));
        Ok((dir.into(), path))
    }

    /// Reads one JSON file of the folder; `None` when it is not there.
    ///
    /// # Errors
    /// What the operating system says, or `InvalidData` when it is damaged or of an unknown version.
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> io::Result<Option<T>> {
        match std::fs::read(self.0.join(name)) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| {
                io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", self.0.join(name).display()))
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replaces one JSON file of the folder at once: readers see the old one or the new one. With `durable` it is
    /// also on the disk before this returns.
    ///
    /// # Errors
    /// What the operating system says; the old file is then still there.
    pub fn write(&self, name: &str, value: &impl Serialize, durable: bool) -> io::Result<()> {
        let fresh = self.0.join(format!("{name}.new"));
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&fresh)?;
        let bytes = serde_json::to_vec(value).map_err(io::Error::other)?;
        file.write_all(&bytes)?;
        if durable {
            file.sync_all()?;
        }
        std::fs::rename(&fresh, self.0.join(name))?;
        if durable {
            File::open(&self.0)?.sync_all()?;
        }
        Ok(())
    }
}

/// A lock over the whole file. `l_pid` must be 0 for open-file-description locks (fcntl(2)).
fn whole_file(kind: i32) -> libc::flock {
    libc::flock {
        l_type: i16::try_from(kind).expect("lock types are 0, 1 and 2"),
        l_whence: 0, // SEEK_SET
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time_and_a_look_takes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let folder = RunFolder::at(dir.path().join("run"));
        folder.create().unwrap();
        assert!(!folder.is_held().unwrap());
        let held = folder.hold().unwrap().unwrap();
        assert!(folder.is_held().unwrap());
        assert!(folder.hold().unwrap().is_none());
        drop(held);
        assert!(!folder.is_held().unwrap());
        assert!(folder.hold().unwrap().is_some());
    }

    #[test]
    fn the_socket_fits_however_deep_the_folder_is() {
        let dir = tempfile::tempdir().unwrap();
        let folder = RunFolder::at(dir.path().join("d".repeat(200)).join("e".repeat(200)));
        folder.create().unwrap();
        let listener = folder.listen(&folder.hold().unwrap().unwrap()).unwrap();
        let (_dir, path) = folder.socket().unwrap();
        std::os::unix::net::UnixStream::connect(path).unwrap();
        let mode = std::fs::metadata(folder.path().join(SOCKET)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        drop(listener);
    }

    #[test]
    fn state_files_are_replaced_and_damage_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let folder = RunFolder::at(dir.path());
        assert_eq!(folder.read::<u32>(STATE).unwrap(), None);
        folder.write(STATE, &7_u32, true).unwrap();
        assert_eq!(folder.read::<u32>(STATE).unwrap(), Some(7));
        std::fs::write(dir.path().join(STATE), "{").unwrap();
        assert!(folder.read::<u32>(STATE).unwrap_err().to_string().contains(STATE));
    }
}
