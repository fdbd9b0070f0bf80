//! Control groups, versions 1 and 2: memory, CPU and processes of a whole process tree.
//!
//! One group per app or build below `serverflow/`. A child joins by writing itself into `cgroup.procs` of each of
//! [`Group::dirs`] (see [`super::Confinement::cgroups`]). Layout after the kernel's `cgroup-v1/` and `cgroup-v2.rst`.

mod reading;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sf_protocol::app::Limits;
use sf_types::ByteSize;

pub use reading::{Reading, reading};

/// Where the kernel's control groups are mounted.
pub const MOUNT: &str = "/sys/fs/cgroup";

/// Folder that holds all our groups.
const PARENT: &str = "serverflow";

/// Length of a CPU accounting period, in microseconds.
const CPU_PERIOD_US: u64 = 100_000;

/// Rounds of killing after which what is left is the kernel's problem (a process stuck in a dead disk).
pub const KILL_ROUNDS: usize = 2000;

/// Pause between two rounds of killing.
pub const KILL_PAUSE: Duration = Duration::from_millis(1);

/// Share of a contended processor that a humble group gets, of 100 that each other group has. A process's own priority
/// counts only among those of its group.
pub const HUMBLE_WEIGHT: u64 = 10;
/// The same of a release that nobody is sent to yet: what serves goes first, and it still starts on a busy machine.
pub const TRIAL_WEIGHT: u64 = 25;
/// What each group has of its own accord.
pub const USUAL_WEIGHT: u64 = 100;

/// The control groups of a machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cgroups {
    layout: Layout,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Layout {
    /// One tree per controller; those that are mounted.
    V1(Vec<(Controller, PathBuf)>),
    /// One tree; the controllers its top offers.
    V2(PathBuf, Vec<Controller>),
    /// Nothing usable, and why.
    None(String),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Controller {
    Memory,
    Cpu,
    Pids,
}

impl Controller {
    const ALL: [Self; 3] = [Self::Memory, Self::Cpu, Self::Pids];

    const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Cpu => "cpu",
            Self::Pids => "pids",
        }
    }
}

/// One group, made.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Group {
    dirs: Vec<PathBuf>,
    enforced: Vec<String>,
}

impl Cgroups {
    /// What this machine has, where it is allowed to make groups (root).
    pub fn detect() -> Self {
        if !nix::unistd::geteuid().is_root() {
            return Self { layout: Layout::None("making control groups needs root".to_owned()) };
        }
        Self::at(Path::new(MOUNT))
    }

    /// What is mounted below `root`.
    pub fn at(root: &Path) -> Self {
        let mut v1 = Vec::new();
        for controller in Controller::ALL {
            let places = [controller.name().to_owned(), "cpu,cpuacct".to_owned()];
            let usable = usize::from(controller == Controller::Cpu) + 1;
            let found = places.iter().take(usable).map(|place| root.join(place)).find(|dir| dir.is_dir());
            v1.extend(found.map(|dir| (controller, dir)));
        }
        if !v1.is_empty() {
            return Self { layout: Layout::V1(v1) };
        }
        let Ok(offered) = fs::read_to_string(root.join("cgroup.controllers")) else {
            return Self { layout: Layout::None(format!("no control groups are mounted at {}", root.display())) };
        };
        let has = |controller: &Controller| offered.split_whitespace().any(|word| word == controller.name());
        let offered: Vec<_> = Controller::ALL.into_iter().filter(has).collect();
        if offered.is_empty() {
            return Self { layout: Layout::None("neither memory, cpu nor pids control is offered".to_owned()) };
        }
        Self { layout: Layout::V2(root.to_owned(), offered) }
    }

    /// Makes (or re-uses and re-limits) the group `name` (`app-<id>`, `build-<id>`: one path segment).
    ///
    /// # Errors
    /// When `name` is no plain name or the kernel refuses. Where nothing can be made, the group is empty and
    /// [`Group::enforced`] says so.
    pub fn create(&self, name: &str, limits: &Limits) -> io::Result<Group> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || !name.chars().all(plain) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a control group needs a plain name"));
        }
        let mut group = Group::default();
        match &self.layout {
            Layout::None(why) => group.enforced.push(format!("no control group: {why}")),
            Layout::V1(trees) => {
                for (controller, tree) in trees {
                    let dir = tree.join(PARENT).join(name);
                    fs::create_dir_all(&dir)?;
                    group.enforced.extend(limit_v1(*controller, &dir, limits)?);
                    group.dirs.push(dir);
                }
            }
            Layout::V2(root, offered) => {
                let dir = root.join(PARENT).join(name);
                fs::create_dir_all(&dir)?;
                let wanted: Vec<_> = offered.iter().map(|controller| format!("+{}", controller.name())).collect();
                for above in [root.clone(), root.join(PARENT)] {
                    fs::write(above.join("cgroup.subtree_control"), wanted.join(" "))?;
                }
                for controller in offered {
                    group.enforced.extend(limit_v2(*controller, &dir, limits)?);
                }
                group.dirs.push(dir);
            }
        }
        Ok(group)
    }

    /// Kills and removes the groups whose name begins with `prefix`: what an agent that died left running, such as
    /// `build-`. Answers their names.
    pub fn sweep(&self, prefix: &str) -> Vec<String> {
        let trees: Vec<PathBuf> = match &self.layout {
            Layout::None(_) => Vec::new(),
            Layout::V1(trees) => trees.iter().map(|(_, tree)| tree.join(PARENT)).collect(),
            Layout::V2(root, _) => vec![root.join(PARENT)],
        };
        let mut names = std::collections::BTreeSet::new();
        for tree in trees {
            for entry in fs::read_dir(&tree).into_iter().flatten().flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                if !name.starts_with(prefix) || !entry.path().is_dir() {
                    continue;
                }
                let group = Group { dirs: vec![entry.path()], enforced: Vec::new() };
                group.kill();
                if let Err(error) = group.remove() {
                    tracing::warn!(%error, group = name, "a left-over control group could not be removed");
                }
                names.insert(name);
            }
        }
        names.into_iter().collect()
    }

    /// What can be limited here, in words.
    pub fn enforces(&self) -> Vec<String> {
        let names = |list: Vec<&str>| list.join(", ");
        vec![match &self.layout {
            Layout::None(why) => format!("no limits on whole process trees: {why}"),
            Layout::V1(trees) => {
                format!("control groups v1: {}", names(trees.iter().map(|(controller, _)| controller.name()).collect()))
            }
            Layout::V2(_, offered) => {
                format!("control groups v2: {}", names(offered.iter().map(|controller| controller.name()).collect()))
            }
        }]
    }
}

fn limit_v1(controller: Controller, dir: &Path, limits: &Limits) -> io::Result<Option<String>> {
    match controller {
        Controller::Memory => {
            let Some(bytes) = limits.memory else {
                return Ok(None);
            };
            let (memory, with_swap) = (dir.join("memory.limit_in_bytes"), dir.join("memory.memsw.limit_in_bytes"));
            // The limit with swap may never be below the one without: which goes first depends on the direction.
            let swap_first = fs::write(&with_swap, bytes.bytes().to_string()).is_ok();
            fs::write(&memory, bytes.bytes().to_string())?;
            if !swap_first && with_swap.exists() {
                fs::write(&with_swap, bytes.bytes().to_string())?;
            }
            Ok(Some(format!("{bytes} of memory in all")))
        }
        Controller::Cpu => {
            let Some(percent) = limits.cpu_percent else { return Ok(None) };
            fs::write(dir.join("cpu.cfs_period_us"), CPU_PERIOD_US.to_string())?;
            fs::write(dir.join("cpu.cfs_quota_us"), quota_us(percent).to_string())?;
            Ok(Some(format!("{percent} % of one core")))
        }
        Controller::Pids => limit_pids(dir, limits),
    }
}

fn limit_v2(controller: Controller, dir: &Path, limits: &Limits) -> io::Result<Option<String>> {
    match controller {
        Controller::Memory => {
            let Some(bytes) = limits.memory else { return Ok(None) };
            fs::write(dir.join("memory.max"), bytes.bytes().to_string())?;
            if dir.join("memory.swap.max").exists() {
                fs::write(dir.join("memory.swap.max"), "0")?;
            }
            Ok(Some(format!("{bytes} of memory in all")))
        }
        Controller::Cpu => {
            let Some(percent) = limits.cpu_percent else { return Ok(None) };
            fs::write(dir.join("cpu.max"), format!("{} {CPU_PERIOD_US}", quota_us(percent)))?;
            Ok(Some(format!("{percent} % of one core")))
        }
        Controller::Pids => limit_pids(dir, limits),
    }
}

fn limit_pids(dir: &Path, limits: &Limits) -> io::Result<Option<String>> {
    let Some(pids) = limits.pids else { return Ok(None) };
    fs::write(dir.join("pids.max"), pids.to_string())?;
    Ok(Some(format!("{pids} processes and threads in all")))
}

/// CPU time per period for a percentage of one core; the kernel refuses less than 1 ms.
fn quota_us(percent: u32) -> u64 {
    (u64::from(percent) * CPU_PERIOD_US / 100).max(1000)
}

impl Group {
    /// Allows swap beside a memory limit that is in force: so much, or as much as there is.
    pub fn allow_swap(&mut self, memory: ByteSize, swap: Option<ByteSize>) {
        let both =
            swap.map_or_else(|| "-1".to_owned(), |swap| (memory.bytes().saturating_add(swap.bytes())).to_string());
        let alone = swap.map_or_else(|| "max".to_owned(), |swap| swap.bytes().to_string());
        for (file, value) in [("memory.memsw.limit_in_bytes", both), ("memory.swap.max", alone)] {
            for place in self.dirs.iter().map(|dir| dir.join(file)).filter(|place| place.exists()) {
                match fs::write(&place, &value) {
                    Ok(()) => self.enforced.push(match swap {
                        Some(swap) => format!("{swap} of swap"),
                        None => "as much swap as there is".to_owned(),
                    }),
                    Err(error) => tracing::warn!(%error, place = %place.display(), "a control group keeps its swap"),
                }
            }
        }
    }

    /// Lets other groups have the processor first ([`HUMBLE_WEIGHT`]), where the kernel shares it out by groups.
    pub fn humble(&mut self) {
        if self.weigh(HUMBLE_WEIGHT) {
            self.enforced.push(format!("{HUMBLE_WEIGHT} % of another group's share of the processors"));
        }
    }

    /// Gives it this share of a contended processor, of [`USUAL_WEIGHT`] that each other group has. Whether the kernel shares it
    /// out by groups.
    pub fn weigh(&self, weight: u64) -> bool {
        /// What version 1 gives a group of its own accord, in its own unit; see `sched-design-CFS.rst`.
        const USUAL_SHARES: u64 = 1024;
        let mut shared = false;
        for (file, weight) in [("cpu.weight", weight), ("cpu.shares", USUAL_SHARES * weight / USUAL_WEIGHT)] {
            for place in self.dirs.iter().map(|dir| dir.join(file)).filter(|place| place.exists()) {
                match fs::write(&place, weight.to_string()) {
                    Ok(()) => shared = true,
                    Err(error) => tracing::warn!(%error, place = %place.display(), "a control group keeps its share"),
                }
            }
        }
        shared
    }

    /// Folders whose `cgroup.procs` a child has to join; empty where groups cannot be made.
    pub fn dirs(&self) -> &[PathBuf] {
        &self.dirs
    }

    /// The limits in force, in words; or why there are none.
    pub fn enforced(&self) -> &[String] {
        &self.enforced
    }

    /// Processes in it now, of any depth.
    pub fn pids(&self) -> Vec<i32> {
        let text = self.dirs.first().and_then(|dir| fs::read_to_string(dir.join("cgroup.procs")).ok());
        text.unwrap_or_default().lines().filter_map(|line| line.parse().ok()).collect()
    }

    /// How often the kernel killed a process of it for memory.
    pub fn memory_kills(&self) -> u64 {
        let count = |dir: &PathBuf| {
            let text = fs::read_to_string(dir.join("memory.events"))
                .or_else(|_| fs::read_to_string(dir.join("memory.oom_control")))
                .ok()?;
            text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse::<u64>().ok())
        };
        self.dirs.iter().filter_map(count).max().unwrap_or(0)
    }

    /// Sends SIGKILL to everything in it once; answers how many processes were there.
    pub fn kill_once(&self) -> usize {
        for dir in self.dirs.iter().filter(|dir| dir.join("cgroup.kill").exists()) {
            // Kernel 5.14 and later, version 2 only; the signals below cover the rest.
            let _ = fs::write(dir.join("cgroup.kill"), "1");
        }
        let pids = self.pids();
        for pid in &pids {
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(*pid), nix::sys::signal::Signal::SIGKILL);
        }
        pids.len()
    }

    /// Kills everything in it, again and again until it is empty (a fork bomb may win the first rounds). Blocks for
    /// the few milliseconds that processes need to go, at most [`KILL_ROUNDS`] times [`KILL_PAUSE`].
    pub fn kill(&self) {
        for _ in 0..KILL_ROUNDS {
            if self.kill_once() == 0 {
                break;
            }
            std::thread::sleep(KILL_PAUSE);
        }
    }

    /// Removes the empty group. A group with processes stays.
    ///
    /// # Errors
    /// `EBUSY` while a process is in it.
    pub fn remove(&self) -> io::Result<()> {
        for dir in &self.dirs {
            match fs::remove_dir(dir) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { memory: Some(ByteSize::mib(64)), cpu_percent: Some(50), pids: Some(10) };

    #[test]
    fn version_1_writes_one_folder_per_controller() {
        let root = tempfile::tempdir().unwrap();
        for tree in ["memory", "cpu,cpuacct", "pids"] {
            fs::create_dir(root.path().join(tree)).unwrap();
        }
        let group = Cgroups::at(root.path()).create("app-1", &LIMITS).unwrap();
        let read = |file: &str| fs::read_to_string(root.path().join(file)).unwrap();
        assert_eq!(read("memory/serverflow/app-1/memory.limit_in_bytes"), "67108864");
        assert_eq!(read("cpu,cpuacct/serverflow/app-1/cpu.cfs_quota_us"), "50000");
        assert_eq!(read("pids/serverflow/app-1/pids.max"), "10");
        assert_eq!(group.dirs().len(), 3);
        assert_eq!(
            group.enforced().join("; "),
            "64.0 MiB of memory in all; 50 % of one core; 10 processes and threads in all"
        );
    }

    #[test]
    fn version_2_turns_controllers_on_down_the_tree() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("cgroup.controllers"), "cpuset cpu io memory hugetlb pids\n").unwrap();
        let group = Cgroups::at(root.path()).create("build-1", &LIMITS).unwrap();
        let read = |file: &str| fs::read_to_string(root.path().join(file)).unwrap();
        assert_eq!(read("cgroup.subtree_control"), "+memory +cpu +pids");
        assert_eq!(read("serverflow/cgroup.subtree_control"), "+memory +cpu +pids");
        assert_eq!(read("serverflow/build-1/memory.max"), "67108864");
        assert_eq!(read("serverflow/build-1/cpu.max"), "50000 100000");
        assert_eq!(group.dirs(), [root.path().join("serverflow/build-1")]);
    }

    #[test]
    fn swap_is_given_beside_a_limit() {
        for (controllers, file, expected) in [
            (Some("memory"), "serverflow/server-1/memory.swap.max", "1048576"),
            (None, "memory/serverflow/server-1/memory.memsw.limit_in_bytes", "68157440"),
        ] {
            let root = tempfile::tempdir().unwrap();
            match controllers {
                Some(list) => fs::write(root.path().join("cgroup.controllers"), list).unwrap(),
                None => fs::create_dir(root.path().join("memory")).unwrap(),
            }
            fs::create_dir_all(root.path().join(file).parent().unwrap()).unwrap();
            fs::write(root.path().join(file), "").unwrap();
            let limits = Limits { memory: Some(ByteSize::mib(64)), cpu_percent: None, pids: None };
            let mut group = Cgroups::at(root.path()).create("server-1", &limits).unwrap();
            group.allow_swap(ByteSize::mib(64), Some(ByteSize::mib(1)));
            assert_eq!(fs::read_to_string(root.path().join(file)).unwrap(), expected);
            assert!(group.enforced().join(";").contains("of swap"));
        }
    }

    #[test]
    fn a_humble_group_lets_others_go_first() {
        for (controllers, dir, file, expected) in [
            (Some("cpu memory"), "serverflow/build-1", "cpu.weight", "10"),
            (None, "cpu/serverflow/build-1", "cpu.shares", "102"),
        ] {
            let root = tempfile::tempdir().unwrap();
            match controllers {
                Some(list) => fs::write(root.path().join("cgroup.controllers"), list).unwrap(),
                None => fs::create_dir(root.path().join("cpu")).unwrap(),
            }
            fs::create_dir_all(root.path().join(dir)).unwrap();
            fs::write(root.path().join(dir).join(file), "100").unwrap();
            let mut group = Cgroups::at(root.path()).create("build-1", &LIMITS).unwrap();
            group.humble();
            assert_eq!(fs::read_to_string(root.path().join(dir).join(file)).unwrap(), expected);
            assert!(group.enforced().join(";").contains("10 % of another group's share"));
            assert!(group.weigh(USUAL_WEIGHT));
            let usual = if controllers.is_some() { "100" } else { "1024" };
            assert_eq!(fs::read_to_string(root.path().join(dir).join(file)).unwrap(), usual);
        }
    }

    #[test]
    fn a_machine_without_controllers_says_so_and_goes_on() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("cgroup.controllers"), "hugetlb\n").unwrap();
        for at in [root.path(), Path::new("/nonexistent")] {
            let group = Cgroups::at(at).create("app-1", &LIMITS).unwrap();
            assert!(group.dirs().is_empty() && group.enforced()[0].starts_with("no control group"));
        }
    }

    #[test]
    fn sweeping_takes_the_named_groups_alone() {
        let root = tempfile::tempdir().unwrap();
        for dir in ["memory/serverflow/build-1", "pids/serverflow/build-1", "pids/serverflow/app-1"] {
            fs::create_dir_all(root.path().join(dir)).unwrap();
        }
        assert_eq!(Cgroups::at(root.path()).sweep("build-"), ["build-1"]);
        assert!(!root.path().join("pids/serverflow/build-1").exists());
        assert!(root.path().join("pids/serverflow/app-1").exists());
    }

    #[test]
    fn a_name_is_one_plain_segment() {
        let root = tempfile::tempdir().unwrap();
        for name in ["", "..", "a/b", "a b", "../../x"] {
            assert!(Cgroups::at(root.path()).create(name, &LIMITS).is_err(), "{name}");
        }
    }
}
