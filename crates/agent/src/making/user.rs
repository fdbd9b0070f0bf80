//! Numeric users of their own for apps and builds, where the agent runs as root. Nothing is added to the system's
//! user list; the numbers are written down, so that files keep their owner over restarts.

use std::collections::BTreeMap;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::confine::Identity;
use crate::release::tree;

pub mod block;

/// Numbers we give out: above those of people and system services, below those of user namespaces' common ranges
/// (524288 and up). Each agent has a [`block`] of them.
pub const RANGE: RangeInclusive<u32> = 210_000..=509_999;

/// Who has which number. One per agent.
#[derive(Debug)]
pub struct Users {
    path: PathBuf,
    range: RangeInclusive<u32>,
    given: Option<Mutex<Given>>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Given {
    /// The number to try next: a returned one is used again only after all others.
    next: u32,
    by_name: BTreeMap<String, u32>,
}

impl Users {
    /// Reads the numbers given out so far from `path` (a JSON file that need not be there yet). Where the agent is
    /// not root, nobody gets a number.
    ///
    /// # Errors
    /// When the file cannot be read or is damaged: then no number may be given, since files could change hands.
    pub fn open(path: &Path) -> io::Result<Self> {
        if !nix::unistd::geteuid().is_root() {
            return Ok(Self { path: path.to_owned(), range: RANGE, given: None });
        }
        let given = read(path)?;
        // Its entry in the register stands for as long as this file is there.
        if given.is_none() {
            write(path, &Given::default())?;
        }
        let path = std::fs::canonicalize(path)?;
        let used: Vec<u32> = given.iter().flat_map(|given| given.by_name.values().copied()).collect();
        let range = block::claim(Path::new(block::REGISTER), &RANGE, &path, used)?;
        Ok(Self { path, range, given: Some(Mutex::new(given.unwrap_or_default())) })
    }

    /// The user of `name` (`app-<id>`, `build-<id>`, `relay-<id>`), always the same one. `None` where the agent is not root.
    ///
    /// # Errors
    /// When all numbers are taken or the file cannot be written; then nothing is given out.
    pub fn of(&self, name: &str) -> io::Result<Option<Identity>> {
        let Some(given) = &self.given else { return Ok(None) };
        let mut given = given.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(id) = given.by_name.get(name) {
            return Ok(Some(Identity { uid: *id, gid: *id }));
        }
        let (first, last) = (*self.range.start(), *self.range.end());
        let start = given.next.clamp(first, last);
        let free = (start..=last).chain(first..start).find(|id| !given.by_name.values().any(|taken| taken == id));
        let id = free.ok_or_else(|| io::Error::other(format!("all user numbers from {first} to {last} are taken")))?;
        let mut changed = given.clone();
        changed.by_name.insert(name.to_owned(), id);
        changed.next = if id == last { first } else { id + 1 };
        write(&self.path, &changed)?;
        *given = changed;
        Ok(Some(Identity { uid: id, gid: id }))
    }

    /// Takes the number of `name` back. Call it only when no file of that user is left.
    ///
    /// # Errors
    /// When the file cannot be written; the number then stays taken.
    pub fn give_back(&self, name: &str) -> io::Result<()> {
        let Some(given) = &self.given else { return Ok(()) };
        let mut given = given.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut changed = given.clone();
        if changed.by_name.remove(name).is_some() {
            write(&self.path, &changed)?;
            *given = changed;
        }
        Ok(())
    }
}

fn read(path: &Path) -> io::Result<Option<Given>> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            io::Error::new(io::ErrorKind::InvalidData, format!("{} is damaged: {error}", path.display()))
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn write(path: &Path, given: &Given) -> io::Result<()> {
    let bytes = serde_json::to_vec_pretty(given).map_err(io::Error::other)?;
    tree::write_atomically(path, &bytes, 0o600)
}

/// Processes of a user, by real user id.
pub fn processes(uid: u32) -> Vec<i32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let of_user = |pid: i32| -> Option<i32> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let real = status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace().next()?;
        (real.parse() == Ok(uid) && !status.contains("\nState:\tZ")).then_some(pid)
    };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter_map(of_user).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_stable_and_not_reused_before_all_others() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("users.json");
        let open = || {
            let given = read(&path).unwrap().unwrap_or_default();
            Users { path: path.clone(), range: 210_000..=210_002, given: Some(Mutex::new(given)) }
        };
        let users = open();
        let of = |users: &Users, name: &str| users.of(name).unwrap().unwrap().uid;
        assert_eq!((of(&users, "app-a"), of(&users, "app-b"), of(&users, "app-a")), (210_000, 210_001, 210_000));
        users.give_back("app-a").unwrap();
        let again = open();
        assert_eq!((of(&again, "app-b"), of(&again, "app-c"), of(&again, "app-d")), (210_001, 210_002, 210_000));
        assert!(again.of("app-e").unwrap_err().to_string().contains("taken"));
    }

    #[test]
    fn a_damaged_list_gives_nothing_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("users.json");
        std::fs::write(&path, b"{").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("damaged"));
    }
}
