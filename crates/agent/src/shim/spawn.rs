//! Starting the app's process: its own session, only its own descriptors, confined, and never outliving its shim.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::Pid;
use sf_protocol::report::Stream;

use super::attend;
use super::input::Input;
use super::spec::ShimSpec;
use super::values::Values;
use crate::process::detach;

/// One of the streams a process writes to.
#[derive(Debug)]
pub struct Output {
    /// Which.
    pub stream: Stream,
    /// Our end, non-blocking.
    pub file: File,
}

/// A process that was started, and our ends of its streams. Whoever started it reaps it.
#[derive(Debug)]
pub struct Spawned {
    /// Its pid.
    pub pid: i32,
    /// What it writes.
    pub outputs: Vec<Output>,
    /// What it reads, where that stays open.
    pub input: Option<Input>,
}

/// Starts the process with the variable `marker`.
///
/// # Errors
/// Why it could not be started, in words: no such program, no such folder, a rule that could not be put in force.
pub fn spawn(spec: &ShimSpec, values: &Values, marker: (&str, String)) -> Result<Spawned, String> {
    let program = spec.argv.first().ok_or("it has no start command")?;
    let mut confinement = spec.confinement.prepare().map_err(|error| error.to_string())?;
    let streams = if spec.terminal { terminal(spec.input) } else { pipes(spec.input) };
    let Streams { theirs: [stdin, stdout, stderr], outputs, input } =
        streams.map_err(|error| format!("no pipe or terminal: {error}"))?;
    let mut command = Command::new(program);
    // Meant for the container alone: an attendant has more rights than what it attends to, and must not be steered.
    let prefix = if spec.container.is_some() { attend::VARIABLE } else { "" };
    let named = |name: &String| format!("{prefix}{name}");
    command.args(&spec.argv[1..]).env_clear().envs(spec.env.iter().map(|(name, value)| (named(name), value)));
    command.envs(values.iter().map(|(name, value)| (named(name), value.expose())));
    command.env(marker.0, marker.1).current_dir(&spec.cwd).stdin(stdin).stdout(stdout).stderr(stderr);
    let (shim, terminal) = (Pid::this(), spec.terminal);
    // SAFETY: between fork and exec this makes system calls only and allocates nothing; the shim has one thread.
    unsafe {
        command.pre_exec(move || {
            nix::unistd::setsid()?;
            if terminal && libc::ioctl(0, libc::TIOCSCTTY, 0) == -1 {
                return Err(io::Error::last_os_error());
            }
            SigSet::empty().thread_set_mask()?;
            // Before the confinement, which may hide `/proc`.
            detach::unprotect()?;
            confinement.apply()?;
            // After the change of user, which would clear it.
            nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
            if nix::unistd::getppid() != shim {
                return Err(io::Error::from_raw_os_error(libc::ESRCH));
            }
            // Whatever is open besides the three streams closes at exec.
            if libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) == -1 {
                return Err(io::Error::last_os_error());
            }
            Ok(())
        });
    }
    let child = command.spawn().map_err(|error| explain(spec, program, &error))?;
    let pid = i32::try_from(child.id()).map_err(|_| "its pid is out of range")?;
    Ok(Spawned { pid, outputs, input })
}

fn explain(spec: &ShimSpec, program: &str, error: &io::Error) -> String {
    if !spec.cwd.is_dir() {
        return format!("its folder {} is not there", spec.cwd.display());
    }
    match error.kind() {
        io::ErrorKind::NotFound => {
            format!("the program `{program}` was not found: install it, or correct the start command")
        }
        io::ErrorKind::PermissionDenied => {
            format!("the program `{program}` may not be run by the app's user: make it executable and reachable")
        }
        _ => format!("`{program}` could not be started: {error}"),
    }
}

struct Streams {
    /// Standard input, output and error of the process.
    theirs: [Stdio; 3],
    outputs: Vec<Output>,
    input: Option<Input>,
}

fn pipes(with_input: bool) -> io::Result<Streams> {
    let (out, out_theirs) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
    let (err, err_theirs) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
    let outputs = vec![output(Stream::Out, out)?, output(Stream::Err, err)?];
    let (stdin, input) = if with_input {
        let (in_theirs, end) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
        (in_theirs.into(), Some(Input::to(end)?))
    } else {
        (Stdio::null(), None)
    };
    Ok(Streams { theirs: [stdin, out_theirs.into(), err_theirs.into()], outputs, input })
}

fn terminal(with_input: bool) -> io::Result<Streams> {
    /// What a program sees until somebody attaches a console.
    const SIZE: libc::winsize = libc::winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    let pair = nix::pty::openpty(Some(&SIZE), None)?;
    for side in [&pair.master, &pair.slave] {
        fcntl(side.as_fd(), FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC))?;
    }
    let input = if with_input { Some(Input::to(pair.master.try_clone()?)?) } else { None };
    let outputs = vec![output(Stream::Tty, pair.master)?];
    let (stdout, stderr) = (pair.slave.try_clone()?, pair.slave.try_clone()?);
    Ok(Streams { theirs: [pair.slave.into(), stdout.into(), stderr.into()], outputs, input })
}

fn output(stream: Stream, end: OwnedFd) -> io::Result<Output> {
    debug_assert!(end.as_raw_fd() > 2);
    fcntl(end.as_fd(), FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(Output { stream, file: File::from(end) })
}
