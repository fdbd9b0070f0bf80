//! Workers of an nginx: after a reload those of the earlier configuration still accept, until their master tells them to go.

use std::fs;

use nix::unistd::Pid;

use crate::process::tree::{self, Identity};

/// What a worker calls itself once it accepts no more, and only ends what it has begun.
const LEAVING: &[u8] = b"is shutting down";

/// Workers of one configuration.
#[derive(Debug, Default)]
pub struct Workers(Vec<Identity>);

impl Workers {
    /// Those that `master` has now.
    pub fn of(master: Pid) -> Self {
        let boot = tree::boot();
        let of = |stat: tree::Stat| Identity { pid: stat.pid, start: stat.start, boot: boot.clone() };
        Self(tree::descendants(master.as_raw()).into_iter().map(of).collect())
    }

    /// Whether one of them may still accept a request. Where the machine hides what others' processes call themselves, it is
    /// taken for one that does not.
    pub fn accept(&self) -> bool {
        self.0.iter().any(|worker| worker.is_alive() && !is_leaving(worker.pid))
    }
}

fn is_leaving(pid: i32) -> bool {
    let title = fs::read(format!("/proc/{pid}/cmdline"));
    title.map_or(true, |title| title.windows(LEAVING.len()).any(|part| part == LEAVING))
}
