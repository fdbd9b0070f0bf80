//! System calls that no app and no build needs and that have opened most doors out of a confinement.
//!
//! A deny list, since apps are not ours: everything else stays allowed. Three programs are stacked: x32 calls (which
//! would slip past the numbers below), "not there" answers that make libraries fall back, and refusals.

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, sock_filter,
};

use super::ConfineError;

/// Answered with EPERM.
const DENIED: &[i64] = &[
    // file systems and roots
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_quotactl,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_acct,
    // other processes
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    // namespaces (clone is looked at by its flags below)
    libc::SYS_unshare,
    libc::SYS_setns,
    // kernel
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_reboot,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    // machine
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    // key rings, which are shared between processes
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
];

/// Answered with ENOSYS, so that callers take their older way: clone3 hides its flags in memory where no filter can
/// look, and io_uring performs calls that no filter sees.
const ABSENT: &[i64] =
    &[libc::SYS_clone3, libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register];

/// Flags of clone(2) that make namespaces.
const NAMESPACE_FLAGS: [libc::c_int; 7] = [
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
];

/// Terminal requests that type into somebody else's terminal: TIOCSTI and TIOCLINUX.
const TYPING_REQUESTS: [u64; 2] = [0x5412, 0x541c];

/// The programs, in the order in which they are installed.
pub(super) fn programs() -> Result<Vec<BpfProgram>, ConfineError> {
    let mut denied: BTreeMap<i64, Vec<SeccompRule>> = DENIED.iter().map(|call| (*call, Vec::new())).collect();
    let mut by_flag = Vec::new();
    for flag in NAMESPACE_FLAGS {
        let flag = u64::from(flag.unsigned_abs());
        by_flag.push(rule(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(flag), flag)?);
    }
    denied.insert(libc::SYS_clone, by_flag);
    let mut typing = Vec::new();
    for request in TYPING_REQUESTS {
        typing.push(rule(1, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, request)?);
    }
    denied.insert(libc::SYS_ioctl, typing);
    let absent = ABSENT.iter().map(|call| (*call, Vec::new())).collect();
    let mut programs = vec![compile(absent, libc::ENOSYS)?, compile(denied, libc::EPERM)?];
    if cfg!(target_arch = "x86_64") {
        programs.insert(0, refuse_x32());
    }
    Ok(programs)
}

fn rule(index: u8, length: SeccompCmpArgLen, op: SeccompCmpOp, value: u64) -> Result<SeccompRule, ConfineError> {
    SeccompCondition::new(index, length, op, value)
        .and_then(|condition| SeccompRule::new(vec![condition]))
        .map_err(refused)
}

fn compile(rules: BTreeMap<i64, Vec<SeccompRule>>, errno: libc::c_int) -> Result<BpfProgram, ConfineError> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(refused)?;
    let errno = SeccompAction::Errno(errno.unsigned_abs());
    SeccompFilter::new(rules, SeccompAction::Allow, errno, arch).and_then(TryInto::try_into).map_err(refused)
}

/// `nr >= 0x4000_0000 ? ENOSYS : allow`: x32 calls carry this bit and otherwise other numbers.
fn refuse_x32() -> BpfProgram {
    const LOAD_NR: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS, offset 0 of struct seccomp_data
    const JUMP_GE: u16 = 0x35; // BPF_JMP | BPF_JGE | BPF_K
    const RETURN: u16 = 0x06; // BPF_RET | BPF_K
    const ERRNO: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs();
    let op = |code, jt, k| sock_filter { code, jt, jf: 0, k };
    vec![op(LOAD_NR, 0, 0), op(JUMP_GE, 1, 0x4000_0000), op(RETURN, 0, libc::SECCOMP_RET_ALLOW), op(RETURN, 0, ERRNO)]
}

fn refused(error: impl std::fmt::Display) -> ConfineError {
    ConfineError::Rules { part: "seccomp", reason: error.to_string() }
}
