//! What a child process may touch and use: built before `fork`, put in force between `fork` and `exec`.
//!
//! [`Confinement`] is plain data (it travels in a shim's spec). [`Confinement::prepare`] opens files, builds the
//! Landlock ruleset and compiles the seccomp programs; [`Prepared::apply`] only makes system calls, in this order:
//! join cgroups, priorities, rlimits, capabilities, user, no_new_privs, Landlock, seccomp. What this machine really
//! enforces is said by [`Confinement::enforces`].
//!
//! A process that changes its user loses `PR_SET_PDEATHSIG`: set that *after* [`apply`].

pub mod cgroup;
pub mod job;
pub mod landlock;
pub mod seccomp;
mod worker;

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::libc;
use nix::sys::resource::{Resource, rlim_t, setrlimit};
use serde::{Deserialize, Serialize};
use sf_types::{ErrorKind, Fault};

pub use landlock::TcpRule;

/// System folders and files that programs need to run at all, readable (and executable) for every confined child.
/// Configuration with secrets in it (`/etc/shadow`, `/etc/ssh`, ...) is left out on purpose.
pub const SYSTEM_READ: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/proc",
    "/sys/devices/system/cpu",
    "/sys/kernel/mm/transparent_hugepage",
    "/sys/fs/cgroup",
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/ca-certificates.conf",
    "/etc/debian_version",
    "/etc/gai.conf",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/inputrc",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ld-musl-x86_64.path",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/passwd",
    "/etc/pki",
    "/etc/protocols",
    "/etc/python3",
    "/etc/python3.11",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl",
    "/etc/terminfo",
    "/etc/timezone",
];

/// Devices every confined child may read and write.
pub const SYSTEM_WRITE: &[&str] =
    &["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", SHARED_MEMORY];

/// Where programs put shared memory: a folder in memory.
pub const SHARED_MEMORY: &str = "/dev/shm";

/// Open files a confined child gets unless told otherwise.
pub const DEFAULT_OPEN_FILES: u64 = 8192;

/// What a child may touch and use. Plain data; every field has the harmless default "no rule of our own".
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Confinement {
    /// Files and folders are only what is listed below (Landlock). Off: whatever the user may do.
    pub files: bool,
    /// Readable and executable, with everything beneath. Missing ones are skipped.
    pub read_only: Vec<PathBuf>,
    /// Fully usable, with everything beneath. Must exist.
    pub read_write: Vec<PathBuf>,
    /// Which local TCP ports may be bound (Landlock, needs ABI 4).
    pub tcp_bind: TcpRule,
    /// Which remote TCP ports may be dialled (Landlock, needs ABI 4).
    pub tcp_connect: TcpRule,
    /// Limits per process.
    pub rlimits: Rlimits,
    /// Run as this user and its group alone, without further groups. Needs root.
    pub user: Option<Identity>,
    /// Refuse system calls no app or build needs (mounting, tracing, kernel modules, namespaces, ...).
    pub seccomp: bool,
    /// Gain nothing from set-uid programs. Implied by `files` and `seccomp`.
    pub no_new_privs: bool,
    /// Empty the capability bounding set: even as root the child has no capability. Implied by `user`.
    pub drop_capabilities: bool,
    /// CPU priority from -20 to 19; higher is humbler.
    pub nice: Option<i8>,
    /// Nothing in `/dev/shm` (Landlock): what is put there is memory that no limit on a process counts, and it stays.
    pub no_shared_memory: bool,
    /// Disk only when nobody else wants it.
    pub idle_io: bool,
    /// Folders of cgroups to join (each holds a `cgroup.procs`); see [`cgroup::Group::dirs`].
    pub cgroups: Vec<PathBuf>,
}

/// A numeric user and group, without an entry in the system's user list.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Identity {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// Limits per process. `None` leaves what is inherited.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Rlimits {
    /// Open files.
    pub open_files: Option<u64>,
    /// Processes and threads of this *user*; only useful with a user of its own.
    pub processes: Option<u64>,
    /// Private writable memory in bytes (`RLIMIT_DATA`): unlike the address space it does not count what runtimes
    /// such as V8 reserve and never touch.
    pub data_bytes: Option<u64>,
    /// Whole address space in bytes.
    pub address_space_bytes: Option<u64>,
    /// CPU time in seconds; then SIGKILL.
    pub cpu_seconds: Option<u64>,
    /// Largest file it can write, in bytes; then SIGXFSZ.
    pub file_bytes: Option<u64>,
    /// Largest core dump in bytes.
    pub core_bytes: Option<u64>,
}

/// Why a child could not be confined. It is then not started.
#[derive(Debug, thiserror::Error)]
pub enum ConfineError {
    /// A folder that the child must be able to use is not there.
    #[error("{} cannot be opened for a confined process: {source}", path.display())]
    Path {
        /// The path.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The kernel or a library refused a rule.
    #[error("the {part} rules could not be made: {reason}")]
    Rules {
        /// `Landlock` or `seccomp`.
        part: &'static str,
        /// Why.
        reason: String,
    },
    /// Another user was asked for without being root.
    #[error("running as user {uid} needs root")]
    NotRoot {
        /// The user asked for.
        uid: u32,
    },
    /// The child could not be started.
    #[error("{program} could not be started: {source}")]
    Start {
        /// The program.
        program: String,
        /// The operating system's reason.
        source: io::Error,
    },
}

impl From<ConfineError> for Fault {
    fn from(error: ConfineError) -> Self {
        let fix = match &error {
            ConfineError::Path { .. } => "Check that it exists and that the agent may open it.",
            ConfineError::Rules { .. } => "Run `serverflow-agent status` to see what this machine can enforce.",
            ConfineError::NotRoot { .. } => "Start the agent as root, or let it run apps under its own user.",
            ConfineError::Start { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "Install it for all users of the node, or name another program."
            }
            ConfineError::Start { .. } => "Check that it is an executable file that every user may run.",
        };
        Self::new(ErrorKind::Invalid, "agent.confine", error.to_string()).fix(fix)
    }
}

impl Confinement {
    /// The usual base: system folders readable, no privileges, seccomp, no core dumps, [`DEFAULT_OPEN_FILES`].
    /// Add folders, a user, ports and limits.
    pub fn strict() -> Self {
        Self {
            files: true,
            read_only: SYSTEM_READ.iter().map(PathBuf::from).collect(),
            rlimits: Rlimits { core_bytes: Some(0), open_files: Some(DEFAULT_OPEN_FILES), ..Rlimits::default() },
            seccomp: true,
            no_new_privs: true,
            drop_capabilities: true,
            ..Self::default()
        }
    }

    /// Opens and builds everything that needs memory or files, for [`Prepared::apply`] after `fork`.
    ///
    /// # Errors
    /// [`ConfineError`] when a folder is missing, a rule is refused, or another user is wanted without root.
    pub fn prepare(&self) -> Result<Prepared, ConfineError> {
        if let Some(user) = self.user
            && !nix::unistd::geteuid().is_root()
        {
            return Err(ConfineError::NotRoot { uid: user.uid });
        }
        let mut cgroups = Vec::new();
        for dir in &self.cgroups {
            let path = dir.join("cgroup.procs");
            let file = File::options().write(true).open(&path);
            cgroups.push(file.map_err(|source| ConfineError::Path { path, source })?);
        }
        let landlock = landlock::ruleset(self)?;
        Ok(Prepared {
            cgroups,
            no_new_privs: self.no_new_privs || landlock.is_some() || self.seccomp,
            landlock,
            seccomp: if self.seccomp { seccomp::programs()? } else { Vec::new() },
            rlimits: self.rlimits.pairs(),
            user: self.user,
            drop_capabilities: (self.drop_capabilities || self.user.is_some()) && nix::unistd::geteuid().is_root(),
            nice: self.nice,
            idle_io: self.idle_io,
        })
    }

    /// What this machine enforces of it, in words for people; what is missing is named too.
    pub fn enforces(&self) -> Vec<String> {
        let mut words = Vec::new();
        match self.user {
            Some(user) => words.push(format!("own user {}", user.uid)),
            None => words.push("no user of its own (the agent does not run as root)".to_owned()),
        }
        words.extend(landlock::enforces(self));
        if self.seccomp {
            words.push("dangerous system calls refused".to_owned());
        }
        words.extend(self.rlimits.words());
        words.extend(self.cgroups.iter().map(|dir| format!("control group {}", dir.display())));
        if self.cgroups.is_empty() {
            words.push("no control group: memory is limited per process only".to_owned());
        }
        words
    }
}

impl Rlimits {
    fn pairs(&self) -> Vec<(Resource, rlim_t)> {
        [
            (Resource::RLIMIT_NOFILE, self.open_files),
            (Resource::RLIMIT_NPROC, self.processes),
            (Resource::RLIMIT_DATA, self.data_bytes),
            (Resource::RLIMIT_AS, self.address_space_bytes),
            (Resource::RLIMIT_CPU, self.cpu_seconds),
            (Resource::RLIMIT_FSIZE, self.file_bytes),
            (Resource::RLIMIT_CORE, self.core_bytes),
        ]
        .into_iter()
        .filter_map(|(resource, value)| value.map(|value| (resource, value)))
        .collect()
    }

    fn words(&self) -> Vec<String> {
        let size = |bytes| sf_types::ByteSize(bytes);
        let mut words = Vec::new();
        words.extend(self.data_bytes.map(|bytes| format!("{} of memory per process", size(bytes))));
        words.extend(self.processes.map(|count| format!("{count} processes")));
        words.extend(self.cpu_seconds.map(|seconds| format!("{seconds} s of CPU time per process")));
        words.extend(self.file_bytes.map(|bytes| format!("files up to {}", size(bytes))));
        words
    }
}

/// A confinement ready to be put in force in a forked child.
#[derive(Debug)]
pub struct Prepared {
    cgroups: Vec<File>,
    landlock: Option<::landlock::RulesetCreated>,
    seccomp: Vec<seccompiler::BpfProgram>,
    rlimits: Vec<(Resource, rlim_t)>,
    user: Option<Identity>,
    no_new_privs: bool,
    drop_capabilities: bool,
    nice: Option<i8>,
    idle_io: bool,
}

impl Prepared {
    /// Puts it in force for the calling process, for good. Meant for `pre_exec`: it makes system calls and
    /// allocates nothing. The Landlock part can be applied once only.
    ///
    /// # Errors
    /// The first system call that failed; the process must then not go on.
    pub fn apply(&mut self) -> io::Result<()> {
        for file in &mut self.cgroups {
            // "0" is whoever writes: the forked child itself.
            file.write_all(b"0")?;
        }
        if let Some(nice) = self.nice {
            // SAFETY: plain system call on integers.
            check(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, i32::from(nice)) })?;
        }
        if self.idle_io {
            /// `IOPRIO_CLASS_IDLE << IOPRIO_CLASS_SHIFT` of linux/ioprio.h.
            const IDLE: libc::c_int = 3 << 13;
            const WHO_PROCESS: libc::c_int = 1;
            // SAFETY: plain system call on integers. A disk scheduler without priorities is no reason to fail.
            unsafe { libc::syscall(libc::SYS_ioprio_set, WHO_PROCESS, 0, IDLE) };
        }
        for &(resource, value) in &self.rlimits {
            limit(resource, value)?;
        }
        if self.drop_capabilities {
            drop_bounding_set();
        }
        if let Some(user) = self.user {
            let gid = nix::unistd::Gid::from_raw(user.gid);
            let uid = nix::unistd::Uid::from_raw(user.uid);
            nix::unistd::setgroups(&[])?;
            nix::unistd::setresgid(gid, gid, gid)?;
            nix::unistd::setresuid(uid, uid, uid)?;
        }
        if self.no_new_privs {
            nix::sys::prctl::set_no_new_privs()?;
        }
        if let Some(ruleset) = self.landlock.take() {
            ruleset.restrict_self().map_err(|_| io::Error::from_raw_os_error(libc::EPERM))?;
        }
        for program in &self.seccomp {
            seccompiler::apply_filter(program).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
        }
        Ok(())
    }
}

/// Prepares and applies in one go, for a single-threaded process that confines itself or its freshly forked child.
///
/// # Errors
/// As [`Confinement::prepare`] and [`Prepared::apply`].
pub fn apply(confinement: &Confinement) -> io::Result<()> {
    confinement.prepare().map_err(io::Error::other)?.apply()
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Sets soft and hard limit; where the hard limit inherited is lower already, that one stays.
fn limit(resource: Resource, value: rlim_t) -> io::Result<()> {
    match setrlimit(resource, value, value) {
        Err(nix::errno::Errno::EPERM) => {
            let (_, hard) = nix::sys::resource::getrlimit(resource)?;
            let value = value.min(hard);
            Ok(setrlimit(resource, value, value)?)
        }
        other => Ok(other?),
    }
}

/// Capability numbers tried; the kernel has about 41 and answers EINVAL beyond its last.
const CAPABILITIES_MAX: libc::c_ulong = 63;

fn drop_bounding_set() {
    for capability in 0..=CAPABILITIES_MAX {
        // SAFETY: plain system call on integers. Without CAP_SETPCAP there is nothing to drop.
        if unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) } == -1 {
            break;
        }
    }
}

/// Whether a user other than root and ourselves could walk to `path` and read it: every folder above lets others
/// pass. Used to say why an app's user cannot run a program that only root can reach.
pub fn reachable_by_others(path: &Path) -> bool {
    let Ok(real) = path.canonicalize() else { return false };
    real.ancestors().skip(1).all(|dir| {
        let Ok(name) = CString::new(dir.as_os_str().as_bytes()) else { return false };
        nix::sys::stat::stat(name.as_c_str()).is_ok_and(|stat| stat.st_mode & libc::S_IXOTH != 0)
    })
}

#[cfg(test)]
mod tests;
