//! The worker: a process of its own between the agent and a confined child. Whatever the child leaves behind becomes the
//! worker's own child (it is a "child subreaper", see prctl(2)), also what went into a session of its own, and is killed
//! before the worker ends. That needs neither root nor control groups, and holds when the agent itself is killed.
//!
//! The worker is forked off the forked child and executes no program, so everything here runs between `fork` and
//! `exec` of a process with many threads: system calls on memory of its own, nothing that allocates or locks.

use std::io;
use std::ptr;

use nix::libc::{self, c_int, pid_t};

use super::cgroup::{KILL_PAUSE, KILL_ROUNDS};

/// The worker's own children, as the kernel lists them.
const CHILDREN: &std::ffi::CStr = c"/proc/thread-self/children";
/// Bytes of that list read at once.
const LIST_BYTES: usize = 1024;

/// Splits a forked child of `agent` in two. Returns in the one that goes on to `exec`; the other one is its worker,
/// which never returns: it ends as its child ends once nothing of it is left, or when told by SIGTERM, which is also
/// what the kernel sends it when the agent dies.
pub(super) fn split(agent: pid_t) -> io::Result<()> {
    // SAFETY: system calls on integers and on sets of signals of our own.
    unsafe {
        mask(libc::SIG_SETMASK, &every_signal())?;
        check(libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1))?;
        check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM))?;
        if libc::getppid() != agent {
            return Err(io::Error::from_raw_os_error(libc::ESRCH));
        }
        match libc::fork() {
            -1 => Err(io::Error::last_os_error()),
            0 => {
                // What it sends to its group must not reach its worker.
                check(libc::setpgid(0, 0))?;
                mask(libc::SIG_UNBLOCK, &every_signal())
            }
            program => attend(program),
        }
    }
}

/// Waits for the program's end, then for the end of all it started.
fn attend(program: pid_t) -> ! {
    const NO_CORE: libc::rlimit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: nothing of this process uses a descriptor any more; ending as the program did must not leave a core.
    unsafe {
        libc::syscall(libc::SYS_close_range, 0_u32, u32::MAX, 0_u32);
        libc::chdir(c"/".as_ptr());
        libc::setrlimit(libc::RLIMIT_CORE, &NO_CORE);
    }
    let (mut ended, mut told, mut rounds) = (None, false, 0);
    loop {
        if !reap(program, &mut ended) || rounds == KILL_ROUNDS {
            leave(ended);
        }
        let killing = told || ended.is_some();
        if killing {
            rounds += 1;
            if !kill_children() {
                // SAFETY: a system call on integers. The kernel keeps no lists: at least the program's own group.
                unsafe { libc::kill(-program, libc::SIGKILL) };
            }
        }
        told |= hear(killing) == libc::SIGTERM;
    }
}

/// Takes in the ends of children; `false` when none is left.
fn reap(program: pid_t, ended: &mut Option<c_int>) -> bool {
    loop {
        let mut status = 0;
        // SAFETY: waitpid writes to an integer of ours.
        match unsafe { libc::waitpid(-1, &mut status, libc::WNOHANG) } {
            0 => return true,
            -1 => return false,
            pid if pid == program => *ended = Some(status),
            _ => {}
        }
    }
}

/// Waits for the end of a child or for SIGTERM; while killing only a moment, since killed children leave theirs to us.
fn hear(killing: bool) -> c_int {
    // tv_nsec holds at most a second.
    let pause = libc::timespec { tv_sec: 0, tv_nsec: KILL_PAUSE.subsec_nanos().into() };
    let limit = if killing { ptr::from_ref(&pause) } else { ptr::null() };
    // SAFETY: all of it is memory of ours; the signals are blocked since before the fork, so none is missed.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGCHLD);
        libc::sigaddset(&mut set, libc::SIGTERM);
        libc::sigtimedwait(&set, ptr::null_mut(), limit)
    }
}

/// Kills every child of this process; `false` where the kernel does not list them.
fn kill_children() -> bool {
    // SAFETY: reads into memory of ours, from a descriptor of ours. Children that are not waited for keep their pid.
    unsafe {
        let list = libc::open(CHILDREN.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
        if list == -1 {
            return false;
        }
        let mut text = [0_u8; LIST_BYTES];
        let mut pid: pid_t = 0;
        loop {
            let read = libc::read(list, text.as_mut_ptr().cast(), LIST_BYTES);
            let Ok(read @ 1..) = usize::try_from(read) else { break };
            for byte in text.iter().take(read) {
                if byte.is_ascii_digit() {
                    pid = pid.wrapping_mul(10).wrapping_add(pid_t::from(byte - b'0'));
                } else if pid > 1 {
                    libc::kill(pid, libc::SIGKILL);
                    pid = 0;
                }
            }
        }
        libc::close(list);
    }
    true
}

/// Ends as the program did, so that whoever waits for the worker learns it.
fn leave(ended: Option<c_int>) -> ! {
    let signal = match ended {
        // SAFETY: a system call that does not return.
        Some(status) if libc::WIFEXITED(status) => unsafe { libc::_exit(libc::WEXITSTATUS(status)) },
        Some(status) => libc::WTERMSIG(status),
        None => libc::SIGKILL,
    };
    // SAFETY: system calls on integers; the worker ends here by the signal, or by the last call.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        let _ = mask(libc::SIG_UNBLOCK, &every_signal());
        libc::kill(libc::getpid(), signal);
        libc::_exit(128 + signal)
    }
}

fn every_signal() -> libc::sigset_t {
    // SAFETY: sigfillset writes every bit of the set.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigfillset(&mut set);
        set
    }
}

fn mask(how: c_int, set: &libc::sigset_t) -> io::Result<()> {
    // SAFETY: reads a set of ours. The process has one thread.
    check(unsafe { libc::sigprocmask(how, set, ptr::null_mut()) })
}

fn check(result: c_int) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
