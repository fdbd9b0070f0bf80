//! What `/proc` says about processes: who they are, who descends from whom, what they use.
//!
//! A pid alone names nobody, since pids are reused; a pid with its start time does, until the next boot.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// A process for good: its pid, when it was started, and in which boot.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Identity {
    /// Process id.
    pub pid: i32,
    /// Start time in clock ticks since boot: field 22 of `/proc/PID/stat` (proc(5)).
    pub start: u64,
    /// The kernel's id of this boot: `/proc/sys/kernel/random/boot_id`.
    pub boot: String,
}

/// The fields of `/proc/PID/stat` we use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stat {
    /// Process id.
    pub pid: i32,
    /// `R`, `S`, `Z`, ...
    pub state: char,
    /// Its parent.
    pub parent: i32,
    /// Its process group.
    pub group: i32,
    /// Its session.
    pub session: i32,
    /// User plus system time of the process itself, in clock ticks.
    pub ticks: u64,
    /// Clock ticks since boot at its start.
    pub start: u64,
    /// Resident pages.
    pub pages: u64,
}

impl Identity {
    /// The process that has this pid now; `None` when there is none.
    pub fn of(pid: i32) -> Option<Self> {
        Some(Self { pid, start: stat(pid)?.start, boot: boot() })
    }

    /// This process.
    pub fn own() -> Self {
        let pid = Pid::this().as_raw();
        Self { pid, start: stat(pid).map_or(0, |stat| stat.start), boot: boot() }
    }

    /// Whether it still runs; a zombie does not.
    pub fn is_alive(&self) -> bool {
        self.boot == boot() && stat(self.pid).is_some_and(|now| now.start == self.start && now.state != 'Z')
    }
}

/// The id of this boot; empty where the kernel does not tell.
pub fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned()).unwrap_or_default()
}

/// Reads one process; `None` when it is gone.
pub fn stat(pid: i32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The program's name may hold spaces and parentheses, so the fields are counted from the last `)`.
fn parse_stat(text: &str) -> Option<Stat> {
    let (head, tail) = text.rsplit_once(')')?;
    let pid = head.split_once(' ')?.0.parse().ok()?;
    let fields: Vec<&str> = tail.split_ascii_whitespace().collect();
    // `fields[0]` is field 3 of proc(5).
    let number = |field: usize| fields.get(field - 3).and_then(|text| text.parse::<u64>().ok());
    Some(Stat {
        pid,
        state: fields.first()?.chars().next()?,
        parent: fields.get(1)?.parse().ok()?,
        group: fields.get(2)?.parse().ok()?,
        session: fields.get(3)?.parse().ok()?,
        ticks: number(14)?.saturating_add(number(15)?),
        start: number(22)?,
        pages: number(24)?,
    })
}

/// Every process of the machine.
pub fn all() -> Vec<Stat> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter_map(stat).collect()
}

/// Everything that descends from `root`, without `root` itself and without zombies, parents first. Asks only those
/// concerned where the kernel lists children, since with a thousand shims nobody can afford to read every process.
pub fn descendants(root: i32) -> Vec<Stat> {
    let (mut found, mut open) = (Vec::new(), vec![root]);
    while let Some(parent) = open.pop() {
        let Some(children) = children(parent) else { return descendants_among(root, &all()) };
        for stat in children {
            open.push(stat.pid);
            if stat.state != 'Z' {
                found.push(stat);
            }
        }
    }
    found
}

/// The direct children of `pid`, of all its threads, by the kernel's own list; none when it is gone, `None` where the
/// kernel was built without such lists.
fn children(pid: i32) -> Option<Vec<Stat>> {
    let mut found = Vec::new();
    for thread in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
        match fs::read_to_string(thread.path().join("children")) {
            Ok(text) => {
                found.extend(text.split_ascii_whitespace().filter_map(|child| stat(child.parse().ok()?)));
            }
            // A thread that has just ended has no folder either.
            Err(_) if thread.path().exists() => return None,
            Err(_) => {}
        }
    }
    Some(found)
}

/// As [`descendants`], of processes already read: one look serves many roots.
pub fn descendants_among(root: i32, all: &[Stat]) -> Vec<Stat> {
    let mut children: HashMap<i32, Vec<&Stat>> = HashMap::new();
    for stat in all {
        children.entry(stat.parent).or_default().push(stat);
    }
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(parent) = open.pop() {
        for stat in children.remove(&parent).unwrap_or_default() {
            open.push(stat.pid);
            if stat.state != 'Z' {
                found.push(*stat);
            }
        }
    }
    found
}

/// As [`descendants_among`], with `root` itself.
pub fn with_descendants(root: i32, all: &[Stat]) -> Vec<Stat> {
    let own = all.iter().find(|stat| stat.pid == root).copied();
    own.into_iter().chain(descendants_among(root, all)).collect()
}

/// Whether `pid` has children that live.
pub fn has_children(pid: i32) -> bool {
    let children = children(pid).unwrap_or_else(|| all().into_iter().filter(|stat| stat.parent == pid).collect());
    children.iter().any(|child| child.state != 'Z')
}

/// What a process tree uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    /// CPU time of the living processes, milliseconds.
    pub cpu_ms: u64,
    /// Resident memory, bytes (shared pages are counted in each process).
    pub rss_bytes: u64,
    /// Processes.
    pub processes: u32,
}

/// Sums up what `tree` uses.
pub fn usage(tree: &[Stat]) -> Usage {
    let ticks_per_second = system_value(nix::unistd::SysconfVar::CLK_TCK, 100);
    let page = system_value(nix::unistd::SysconfVar::PAGE_SIZE, 4096);
    Usage {
        cpu_ms: tree.iter().map(|stat| stat.ticks).sum::<u64>().saturating_mul(1000) / ticks_per_second,
        rss_bytes: tree.iter().map(|stat| stat.pages).sum::<u64>().saturating_mul(page),
        processes: u32::try_from(tree.len()).unwrap_or(u32::MAX),
    }
}

fn system_value(name: nix::unistd::SysconfVar, otherwise: u64) -> u64 {
    nix::unistd::sysconf(name).ok().flatten().and_then(|value| u64::try_from(value).ok()).unwrap_or(otherwise).max(1)
}

/// Longest wait for killed processes to be gone, sockets and all.
const GONE_WITHIN: Duration = Duration::from_secs(2);

/// Kills what a holder left behind when it was killed itself: the session that `leader` led, and whatever carries
/// `marker` (`NAME=value`) in its environment. Blocks until they are gone (at most 2 s), so that their ports are free,
/// and looks again until it finds none: one of them may have forked in the moment of the look. Answers how many there
/// were.
pub fn kill_leftovers(leader: &Identity, marker: &str) -> usize {
    if leader.boot != boot() {
        return 0;
    }
    // While members of a session live its number is not reused; another process under the leader's pid means that
    // the session is long gone and the number somebody else's.
    let session_is_ours = stat(leader.pid).is_none_or(|now| now.start == leader.start);
    let is_left = |stat: &Stat| {
        let of_session = session_is_ours && stat.session == leader.pid && stat.start >= leader.start;
        stat.state != 'Z' && (of_session || has_marker(stat.pid, marker))
    };
    let lives = |old: &Stat| stat(old.pid).is_some_and(|now| now.start == old.start && now.state != 'Z');
    let until = Instant::now() + GONE_WITHIN;
    let mut killed = HashSet::new();
    loop {
        let left: Vec<Stat> = all().into_iter().filter(is_left).collect();
        for stat in &left {
            kill_exactly(stat, Signal::SIGKILL);
            killed.insert((stat.pid, stat.start));
        }
        while left.iter().any(lives) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(2));
        }
        if left.is_empty() || Instant::now() >= until {
            return killed.len();
        }
    }
}

fn has_marker(pid: i32, marker: &str) -> bool {
    fs::read(format!("/proc/{pid}/environ"))
        .is_ok_and(|environ| environ.split(|byte| *byte == 0).any(|pair| pair == marker.as_bytes()))
}

/// Signals the process `stat` describes, unless its pid has gone to another meanwhile.
pub fn kill_exactly(stat: &Stat, signal: Signal) -> bool {
    self::stat(stat.pid).is_some_and(|now| now.start == stat.start) && kill(Pid::from_raw(stat.pid), signal).is_ok()
}

/// The program's name, at most 15 bytes: `/proc/PID/comm`.
pub fn program(pid: i32) -> Option<String> {
    fs::read_to_string(format!("/proc/{pid}/comm")).ok().map(|name| name.trim_end().to_owned())
}

/// Resident memory of one process, bytes.
///
/// # Errors
/// What the operating system says; the process may be gone.
pub fn rss(pid: i32) -> io::Result<u64> {
    let stat = stat(pid).ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such process"))?;
    Ok(usage(&[stat]).rss_bytes)
}

/// Whether the kernel shows processes at all.
pub fn is_visible() -> bool {
    Path::new("/proc/self/stat").exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_is_read() {
        let text = "42 (a ) (b) S 7 40 39 0 -1 4194304 1 0 0 0 5 6 0 0 20 0 1 0 123456 1000 250 18446744073709551615";
        let expected =
            Stat { pid: 42, state: 'S', parent: 7, group: 40, session: 39, ticks: 11, start: 123_456, pages: 250 };
        assert_eq!(parse_stat(text), Some(expected));
        for bad in ["", "42 (a", "x (a) S 1", "42 (a) S 1 2"] {
            assert_eq!(parse_stat(bad), None, "{bad}");
        }
    }

    #[test]
    fn descendants_are_found_through_any_depth_and_zombies_left_out() {
        let one = |pid, parent, state| Stat { pid, state, parent, group: 1, session: 1, ticks: 0, start: 0, pages: 0 };
        let all = [one(4, 3, 'S'), one(2, 1, 'S'), one(3, 2, 'Z'), one(9, 8, 'S')];
        let mut found: Vec<i32> = descendants_among(1, &all).iter().map(|stat| stat.pid).collect();
        found.sort_unstable();
        assert_eq!(found, [2, 4]);
    }

    #[test]
    fn another_process_under_the_same_pid_is_another() {
        let own = Identity::own();
        assert!(own.is_alive());
        assert!(!Identity { start: own.start + 1, ..own.clone() }.is_alive());
        assert!(!Identity { boot: "another".into(), ..own }.is_alive());
    }
}
