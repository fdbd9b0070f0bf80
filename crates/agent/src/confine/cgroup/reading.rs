//! What the control groups of a process say it uses, with all that is in them. Values that the machine does not keep apart
//! for the process are missing: those of everything would be wrong.

use std::fs;
use std::path::{Path, PathBuf};

use super::MOUNT;

/// What a group uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Reading {
    /// CPU time since it was made, milliseconds.
    pub cpu_ms: Option<u64>,
    /// Memory, bytes, without the file cache that the kernel takes back when it wants.
    pub memory: Option<u64>,
    /// Processes and threads.
    pub tasks: Option<u64>,
}

/// The reading of the groups that `pid` is in.
pub fn reading(pid: i32) -> Reading {
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    read(&text, Path::new(MOUNT))
}

/// `text` is as of cgroups(7): `4:memory:/a/b` a line, or `0::/a/b`.
fn read(text: &str, mount: &Path) -> Reading {
    let lines: Vec<(&str, &str)> = text.lines().filter_map(|line| line.split_once(':')?.1.split_once(':')).collect();
    let place = |controller: &str| {
        let (names, path) = lines.iter().find(|(names, _)| names.split(',').any(|name| name == controller))?;
        // A group of its own: the top holds the whole machine.
        let inside = path.trim_start_matches('/');
        let dirs = [*names, controller].map(|name| mount.join(name).join(inside));
        dirs.into_iter().find(|dir| !inside.is_empty() && dir.is_dir())
    };
    if let Some(memory) = place("memory") {
        // It is told apart by the same path, or the process shares it with others.
        let same = |dir: &PathBuf| dir.file_name() == memory.file_name();
        return Reading {
            cpu_ms: place("cpuacct")
                .filter(same)
                .and_then(|dir| number(&dir.join("cpuacct.usage")))
                .map(|ns| ns / 1_000_000),
            memory: used(&memory, "memory.usage_in_bytes", "total_inactive_file"),
            tasks: place("pids").filter(same).and_then(|dir| number(&dir.join("pids.current"))),
        };
    }
    let unified = lines.iter().find(|(names, path)| names.is_empty() && path.len() > 1);
    let Some(dir) = unified.map(|(_, path)| mount.join(path.trim_start_matches('/'))) else {
        return Reading::default();
    };
    Reading {
        cpu_ms: field(&dir.join("cpu.stat"), "usage_usec").map(|us| us / 1000),
        memory: used(&dir, "memory.current", "inactive_file"),
        tasks: number(&dir.join("pids.current")),
    }
}

fn used(dir: &Path, all: &str, cache: &str) -> Option<u64> {
    let cache = field(&dir.join("memory.stat"), cache).unwrap_or(0);
    number(&dir.join(all)).map(|all| all.saturating_sub(cache))
}

fn number(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn field(path: &Path, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn both_versions_are_read() {
        let one = mount(&[
            ("memory/serverflow/s/memory.usage_in_bytes", "1000\n"),
            ("memory/serverflow/s/memory.stat", "cache 5\ntotal_inactive_file 300\n"),
            ("pids/serverflow/s/pids.current", "4\n"),
            ("cpu,cpuacct/serverflow/s/cpuacct.usage", "7000000\n"),
        ]);
        let text = "9:pids:/serverflow/s\n4:memory:/serverflow/s\n3:cpu,cpuacct:/serverflow/s\n0::/\n";
        let expected = Reading { cpu_ms: Some(7), memory: Some(700), tasks: Some(4) };
        assert_eq!(read(text, one.path()), expected);
        let two = mount(&[
            ("serverflow/s/memory.current", "1000\n"),
            ("serverflow/s/memory.stat", "inactive_file 300\n"),
            ("serverflow/s/pids.current", "4\n"),
            ("serverflow/s/cpu.stat", "usage_usec 7000\nuser_usec 1\n"),
        ]);
        assert_eq!(read("0::/serverflow/s\n", two.path()), expected);
    }

    #[test]
    fn what_is_shared_with_others_is_missing() {
        let root = mount(&[
            ("memory/serverflow/s/memory.usage_in_bytes", "1000\n"),
            ("cpuacct/cpuacct.usage", "7000000\n"),
            ("memory.current", "5"),
        ]);
        let text = "4:memory:/serverflow/s\n2:cpuacct:/\n0::/\n";
        assert_eq!(read(text, root.path()), Reading { cpu_ms: None, memory: Some(1000), tasks: None });
        assert_eq!(read("4:memory:/\n0::/\n", root.path()), Reading::default());
        assert_eq!(read("", root.path()), Reading::default());
    }
}
