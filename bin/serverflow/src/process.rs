//! Processes by pid and start time, so that a reused pid is never taken for the old process; and who holds a port.
//! Source: proc(5).

mod lock;
mod socket;

use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

pub use lock::lock_holder;
pub use socket::port_owner;

/// Between two looks at whether a process is gone.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// One process, and no other that may get its pid later.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Identity {
    /// Its pid.
    pub pid: i32,
    /// When it started, in clock ticks since the machine did.
    pub started: u64,
}

impl Identity {
    /// The process that has this pid now.
    pub fn of(pid: i32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (state, started) = parse_stat(&stat)?;
        (state != 'Z').then_some(Self { pid, started })
    }

    /// This process.
    pub fn own() -> Option<Self> {
        Self::of(i32::try_from(std::process::id()).ok()?)
    }

    /// Whether it runs.
    pub fn is_alive(&self) -> bool {
        Self::of(self.pid).is_some_and(|now| now == *self)
    }

    /// Its arguments, the program first.
    pub fn arguments(&self) -> Vec<String> {
        let bytes = std::fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        let parts = bytes.split(|byte| *byte == 0).filter(|part| !part.is_empty());
        parts.map(|part| String::from_utf8_lossy(part).into_owned()).collect()
    }

    /// Sends a signal, unless it is gone.
    pub fn signal(&self, signal: Signal) {
        if self.is_alive() {
            // It may have ended since the look; that is what was wanted.
            let _ = kill(Pid::from_raw(self.pid), signal);
        }
    }

    /// Waits until it is gone; answers whether it is.
    pub async fn gone_within(&self, limit: Duration) -> bool {
        let wait = async {
            while self.is_alive() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::time::timeout(limit, wait).await.is_ok()
    }
}

/// Every process with an argument below `folder`: what was started for it.
pub fn working_below(folder: &Path) -> Vec<Identity> {
    let mut found: Vec<_> = all().filter(|process| names(process, folder)).collect();
    found.retain(|process| Some(process.pid) != Identity::own().map(|own| own.pid));
    found
}

fn names(process: &Identity, folder: &Path) -> bool {
    process.arguments().iter().skip(1).any(|argument| Path::new(argument).starts_with(folder))
}

fn all() -> impl Iterator<Item = Identity> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| Identity::of(entry.file_name().to_str()?.parse().ok()?))
}

/// State and start time. The name in parentheses may hold anything, so it is skipped from its end.
fn parse_stat(stat: &str) -> Option<(char, u64)> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?.chars().next()?;
    Some((state, fields.nth(18)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_move_the_fields() {
        let stat = "42 (a) R (b) S 1 42 42 0 -1 4194304 1 0 0 0 1 2 0 0 20 0 1 0 987654 1000 1";
        assert_eq!(parse_stat(stat), Some(('S', 987_654)));
    }

    #[tokio::test]
    async fn a_process_is_known_by_pid_and_start_time() {
        let own = Identity::own().unwrap();
        assert!(own.is_alive());
        assert!(!Identity { started: own.started + 1, ..own }.is_alive());
        let mut child = std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let identity = Identity::of(i32::try_from(child.id()).unwrap()).unwrap();
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(identity.gone_within(Duration::ZERO).await || !identity.is_alive());
    }

    #[test]
    fn what_works_for_a_folder_is_found_by_its_arguments() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let mut child = std::process::Command::new("tail").arg("-f").arg(&file).spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let found = working_below(folder.path());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(found.iter().any(|process| process.pid == pid), "{found:?}");
    }
}
