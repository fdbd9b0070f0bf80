//! How a holder leaves the daemon that starts it: forked away into a session of its own, so that neither the end of
//! the daemon nor a Ctrl-C in its terminal reaches it.

use std::ffi::CStr;
use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc;
use nix::sys::stat::Mode;
use nix::unistd::{ForkResult, dup2_stderr, dup2_stdin, dup2_stdout, fork, setsid};

/// The holder runs.
pub const EXIT_READY: u8 = 0;
/// It could not start; the reason is on standard error.
pub const EXIT_FAILED: u8 = 1;
/// The specification cannot be used.
pub const EXIT_SPEC: u8 = 2;
/// Another holder lives in this folder.
pub const EXIT_HELD: u8 = 3;
/// The program could not be started.
pub const EXIT_PROGRAM: u8 = 4;
/// The port is taken.
pub const EXIT_PORT: u8 = 5;

/// What a holder writes is its owner's alone.
const HOLDER_UMASK: Mode = Mode::from_bits_truncate(0o077);
/// What a held process creates: the usual, whatever the shell had that started the daemon.
pub const CHILD_UMASK: Mode = Mode::from_bits_truncate(0o022);
/// Where the kernel lets a process say how soon it is killed when memory runs out (proc(5)): -1000 never, 1000 first.
const OOM: &CStr = c"/proc/self/oom_score_adj";
/// A holder goes late: it uses next to nothing, and its end takes the app along.
const HOLDER_OOM: &[u8] = b"-900";
/// A held process is as any other.
const CHILD_OOM: &[u8] = b"0";

/// Where the operating system allows it (as root), the holder outlives what it holds when memory runs out.
fn protect() {
    // A daemon that does not run as root may not; then all are alike.
    let _ = write_oom(HOLDER_OOM);
}

/// Takes back what [`detach`] gave: for the child, between fork and exec (makes system calls only).
///
/// # Errors
/// What the operating system says.
pub fn unprotect() -> io::Result<()> {
    nix::sys::stat::umask(CHILD_UMASK);
    match write_oom(CHILD_OOM) {
        // A daemon that is to be killed early, not as root, may not make others go later: nothing was changed then.
        Err(Errno::EACCES | Errno::EPERM | Errno::ENOENT) => Ok(()),
        other => Ok(other?),
    }
}

fn write_oom(value: &[u8]) -> nix::Result<()> {
    let file = nix::fcntl::open(OOM, OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty())?;
    nix::unistd::write(&file, value).map(drop)
}

/// Longest reason carried back to the launcher, in bytes.
const REASON_BYTES: u64 = 4096;

/// Tells the launcher how the start went. Dropped without a word, the launcher reports a failed start.
#[derive(Debug)]
pub struct Launch(UnixStream);

impl Launch {
    /// The holder is up: the launcher ends with success.
    pub fn ready(mut self) {
        // A launcher that was killed meanwhile is no reason for the holder to end.
        let _ = self.0.write_all(&[EXIT_READY]);
    }

    /// The holder could not start: the launcher prints `reason` and ends with `code`.
    pub fn failed(mut self, code: u8, reason: &str) {
        let _ = self.0.write_all(&[code]).and_then(|()| self.0.write_all(reason.as_bytes()));
    }
}

/// Forks. The launcher (the process the daemon waits for) waits for the holder's word and gets `Err(exit code)`; the
/// holder gets `Ok`: it leads its own session, has no descriptors but 0-2, which are `/dev/null` and, for what a
/// panic has to say, the file `errors`.
///
/// Call it before any thread or runtime exists.
pub fn detach(errors: &Path) -> Result<Launch, ExitCode> {
    match split(errors) {
        Ok(Side::Holder(launch)) => Ok(launch),
        Ok(Side::Launcher(code)) => Err(ExitCode::from(code)),
        Err(error) => {
            eprintln!("it could not be started in the background: {error}");
            Err(ExitCode::from(EXIT_FAILED))
        }
    }
}

enum Side {
    Holder(Launch),
    Launcher(u8),
}

fn split(errors: &Path) -> io::Result<Side> {
    close_all_but_standard()?;
    let (mut ours, theirs) = UnixStream::pair()?;
    // SAFETY: the caller guarantees that no other thread exists, so the child may do anything after the fork.
    match unsafe { fork() }? {
        ForkResult::Parent { .. } => {
            drop(theirs);
            let mut word = Vec::new();
            Read::by_ref(&mut ours).take(REASON_BYTES).read_to_end(&mut word)?;
            let (code, reason) = word.split_first().map_or((EXIT_FAILED, &b"it ended at once"[..]), |(c, r)| (*c, r));
            if code != EXIT_READY {
                io::stderr().write_all(reason)?;
            }
            Ok(Side::Launcher(code))
        }
        ForkResult::Child => {
            drop(ours);
            setsid()?;
            let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
            dup2_stdin(&null)?;
            dup2_stdout(&null)?;
            let errors = OpenOptions::new().create(true).append(true).mode(0o600).open(errors);
            match &errors {
                Ok(file) => dup2_stderr(file)?,
                Err(_) => dup2_stderr(&null)?,
            }
            std::env::set_current_dir("/")?;
            nix::sys::stat::umask(HOLDER_UMASK);
            protect();
            debug_assert!(theirs.as_raw_fd() > 2);
            Ok(Side::Holder(Launch(theirs)))
        }
    }
}

/// What the daemon had open when it started us (sockets, databases, locks) is not ours to keep alive.
fn close_all_but_standard() -> io::Result<()> {
    // SAFETY: nothing in this process owns a descriptor above 2 yet.
    match unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, 0_u32) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
