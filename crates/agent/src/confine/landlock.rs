//! Files and TCP ports, by Landlock, as far as the running kernel knows it.

use std::io;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, NetPort, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, RulesetError, Scope,
};
use serde::{Deserialize, Serialize};

use super::{ConfineError, Confinement, SHARED_MEMORY, SYSTEM_WRITE};

/// The newest ABI whose rights we ask for; an older kernel enforces what it knows.
const NEWEST: ABI = ABI::V6;

/// Which TCP ports.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TcpRule {
    /// No rule.
    #[default]
    Any,
    /// These alone; none when empty. To listen on, 0 is any port that the kernel chooses.
    Ports(Vec<u16>),
}

/// The ruleset for `confinement`; `None` where it has no such rule.
pub(super) fn ruleset(confinement: &Confinement) -> Result<Option<RulesetCreated>, ConfineError> {
    let nets = [(&confinement.tcp_bind, AccessNet::BindTcp), (&confinement.tcp_connect, AccessNet::ConnectTcp)];
    if !confinement.files && nets.iter().all(|(rule, _)| **rule == TcpRule::Any) {
        return Ok(None);
    }
    let mut ruleset = Ruleset::default();
    if confinement.files {
        ruleset = ruleset.handle_access(AccessFs::from_all(NEWEST)).map_err(refused)?;
        ruleset = ruleset.scope(Scope::from_all(NEWEST)).map_err(refused)?;
    }
    for (rule, access) in nets {
        if *rule != TcpRule::Any {
            ruleset = ruleset.handle_access(access).map_err(refused)?;
        }
    }
    let mut created = ruleset.create().map_err(refused)?.no_new_privs(false);
    for (rule, access) in nets {
        if let TcpRule::Ports(ports) = rule {
            for port in ports {
                created = created.add_rule(NetPort::new(*port, access)).map_err(refused)?;
            }
        }
    }
    if confinement.files {
        let (read, all) = (AccessFs::from_read(NEWEST), AccessFs::from_all(NEWEST));
        for path in &confinement.read_only {
            created = allow(created, path, read, true)?;
        }
        let written = SYSTEM_WRITE.iter().filter(|path| !(confinement.no_shared_memory && **path == SHARED_MEMORY));
        for path in written {
            created = allow(created, Path::new(path), all & !AccessFs::Execute, true)?;
        }
        for path in &confinement.read_write {
            created = allow(created, path, all, false)?;
        }
    }
    Ok(Some(created))
}

fn allow(
    created: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
    may_be_missing: bool,
) -> Result<RulesetCreated, ConfineError> {
    let open = |path: &Path| -> io::Result<(PathFd, bool)> {
        let is_dir = path.metadata()?.is_dir();
        Ok((PathFd::new(path).map_err(io::Error::other)?, is_dir))
    };
    let (fd, is_dir) = match open(path) {
        Ok(opened) => opened,
        Err(_) if may_be_missing => return Ok(created),
        Err(source) => return Err(ConfineError::Path { path: path.to_owned(), source }),
    };
    let access = if is_dir { access } else { access & AccessFs::from_file(NEWEST) };
    created.add_rule(PathBeneath::new(fd, access)).map_err(refused)
}

fn refused(error: RulesetError) -> ConfineError {
    ConfineError::Rules { part: "Landlock", reason: error.to_string() }
}

/// The ABI of the running kernel; 0 without Landlock.
pub fn kernel_abi() -> i32 {
    const VERSION_FLAG: u32 = 1;
    // SAFETY: asking for the version passes no memory; see landlock_create_ruleset(2).
    let abi = unsafe {
        nix::libc::syscall(nix::libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0_usize, VERSION_FLAG)
    };
    i32::try_from(abi).unwrap_or(0).max(0)
}

/// What the running kernel enforces of the file and port rules, in words.
pub(super) fn enforces(confinement: &Confinement) -> Vec<String> {
    /// First ABI with TCP rules; see landlock(7).
    const ABI_TCP: i32 = 4;
    let abi = kernel_abi();
    let mut words = Vec::new();
    if confinement.files {
        words.push(match abi {
            0 => "files not restricted: this kernel has no Landlock".to_owned(),
            abi => format!("only its own files (Landlock ABI {abi})"),
        });
        if confinement.no_shared_memory && abi > 0 {
            words.push("no shared memory".to_owned());
        }
    }
    for (rule, verb) in [(&confinement.tcp_bind, "listen on"), (&confinement.tcp_connect, "connect to")] {
        if let TcpRule::Ports(ports) = rule {
            words.push(match (abi >= ABI_TCP, ports.as_slice()) {
                (false, _) => format!("TCP ports to {verb} not restricted: needs Landlock ABI {ABI_TCP}"),
                (true, []) => format!("no TCP port to {verb}"),
                (true, ports) => {
                    let named: Vec<_> = ports.iter().filter(|port| **port != 0).collect();
                    let any = if named.len() < ports.len() { " and any that the kernel chooses" } else { "" };
                    format!("TCP ports to {verb}: {named:?}{any}")
                }
            });
        }
    }
    words
}
