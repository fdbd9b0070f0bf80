//! One confined child run to its end: a worker above it, limits watched, everything it left behind killed.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sf_protocol::report::Stream;
use sf_types::ByteSize;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio_util::sync::CancellationToken;

use super::cgroup::{Group, KILL_PAUSE, KILL_ROUNDS};
use super::{ConfineError, Confinement, Identity, SHARED_MEMORY, worker};
use crate::daemon::aside;
use crate::release::tree;
use crate::user;

/// How often a watched folder is measured, at the least; a measurement never takes more than a fifth of the time.
pub const WATCH_EVERY: Duration = Duration::from_millis(200);

/// Longest line read, in bytes; a longer one is split. A byte that is no UTF-8 becomes three, so that the text stays
/// within the 16 KiB of a log line.
pub const LINE_BYTES: usize = 5 * 1024;

/// How long the last words of a job are waited for once it has ended: only a process that slipped away can still hold
/// the pipe open.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What to run.
#[derive(Clone, Debug)]
pub struct Job {
    /// Program (looked up in the job's own `PATH`) and arguments.
    pub argv: Vec<OsString>,
    /// Where.
    pub cwd: PathBuf,
    /// The whole environment.
    pub env: Vec<(OsString, OsString)>,
    /// What it may touch and use.
    pub confinement: Confinement,
    /// Its control group, where one could be made; emptied at the end.
    pub group: Option<Group>,
    /// Wall-clock limit.
    pub time_limit: Duration,
    /// Whether its user has other processes, which are left alone: the worker and the group see to what it started.
    pub spares_user: bool,
    /// What may not grow beyond a size.
    pub disk: Option<DiskLimit>,
}

/// Folders that together may not grow beyond a size.
#[derive(Clone, Debug)]
pub struct DiskLimit {
    /// The folders.
    pub dirs: Vec<PathBuf>,
    /// Whose files in [`SHARED_MEMORY`] count, too.
    pub shared_memory_of: Option<u32>,
    /// Bytes on disk.
    pub bytes: ByteSize,
    /// Files, links and folders.
    pub entries: u64,
}

/// Why a job was stopped from outside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Stop {
    /// Its time was over.
    Time,
    /// Its folders grew beyond the limit; says in words how.
    Disk(String),
    /// Somebody asked.
    Cancelled,
}

/// How a job ended.
#[derive(Debug)]
pub struct Done {
    /// What the kernel reports.
    pub status: ExitStatus,
    /// Why it was stopped, where it was.
    pub stop: Option<Stop>,
    /// Processes the kernel killed for memory.
    pub memory_kills: u64,
    /// How long it ran.
    pub took: Duration,
}

/// A job that runs. Dropping it kills everything it started.
#[derive(Debug)]
pub struct Running {
    /// The worker above the program: it ends as the program does, once nothing of it is left.
    child: Child,
    /// Its pid, until it was waited for.
    worker: Option<Pid>,
    job: Job,
    since: Instant,
}

impl Job {
    /// Starts it. It is killed when the agent dies, by the kernel's word on the thread that called this, so call it from
    /// one that lives as long as the agent: a task, never a blocking thread.
    ///
    /// # Errors
    /// When the confinement cannot be made or the program not be started.
    pub fn spawn(mut self, stdin: Stdio) -> Result<Running, ConfineError> {
        let program = self.argv.first().cloned().unwrap_or_default();
        if let Some(group) = &self.group {
            self.confinement.cgroups = group.dirs().to_vec();
        }
        let mut prepared = self.confinement.prepare()?;
        let mut command = Command::new(&program);
        command.args(self.argv.iter().skip(1)).current_dir(&self.cwd).env_clear().envs(self.env.iter().cloned());
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).process_group(0);
        let agent = Pid::this().as_raw();
        // SAFETY: `split`, `Prepared::apply` and prctl only make system calls between fork and exec.
        unsafe {
            command.pre_exec(move || {
                // The worker stays outside of the limits, or it could not see to them.
                worker::split(agent)?;
                prepared.apply()?;
                if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) == -1 {
                    return Err(io::Error::last_os_error());
                }
                Ok(())
            });
        }
        let child = command
            .spawn()
            .map_err(|source| ConfineError::Start { program: program.to_string_lossy().into_owned(), source })?;
        let worker = child.id().and_then(|pid| i32::try_from(pid).ok()).map(Pid::from_raw);
        Ok(Running { child, worker, job: self, since: Instant::now() })
    }

    /// Runs it and hands each line to `sink` as it comes. Bytes that are no UTF-8 are replaced.
    ///
    /// # Errors
    /// When it cannot be started; everything else is in [`Done`].
    pub async fn run(
        self,
        sink: &mut (dyn FnMut(Stream, String) + Send),
        cancel: &CancellationToken,
    ) -> Result<Done, ConfineError> {
        let mut running = self.spawn(Stdio::null())?;
        let (mut out, mut err) = (Lines::new(running.stdout()), Lines::new(running.stderr()));
        let mut watch = std::pin::pin!(running.watch(cancel));
        let done = loop {
            tokio::select! {
                lines = out.read(), if out.is_open() => lines.into_iter().for_each(|line| sink(Stream::Out, line)),
                lines = err.read(), if err.is_open() => lines.into_iter().for_each(|line| sink(Stream::Err, line)),
                done = &mut watch => break done,
            }
        };
        let rest = async {
            while out.is_open() {
                out.read().await.into_iter().for_each(|line| sink(Stream::Out, line));
            }
            while err.is_open() {
                err.read().await.into_iter().for_each(|line| sink(Stream::Err, line));
            }
        };
        let _ = tokio::time::timeout(LAST_WORDS, rest).await;
        done
    }
}

impl Running {
    /// Its standard input, once, where it was asked to be piped.
    pub const fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Its standard output, once.
    pub const fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Its standard error, once.
    pub const fn stderr(&mut self) -> Option<ChildStderr> {
        self.child.stderr.take()
    }

    /// Waits for its end or for the first limit, then kills what is left of it.
    ///
    /// # Errors
    /// When the kernel cannot say how it ended.
    pub async fn watch(&mut self, cancel: &CancellationToken) -> Result<Done, ConfineError> {
        let disk = watch_disk(self.job.disk.clone());
        let stop = tokio::select! {
            _ = self.child.wait() => None,
            () = tokio::time::sleep(self.job.time_limit) => Some(Stop::Time),
            words = disk => Some(Stop::Disk(words)),
            () = cancel.cancelled() => Some(Stop::Cancelled),
        };
        let memory_kills = self.job.group.as_ref().map_or(0, Group::memory_kills);
        for _ in 0..KILL_ROUNDS {
            self.look();
            let ended = self.worker.is_none();
            let rest = self.rest();
            if aside::short(move || rest.kill_once()).await == 0 && ended {
                break;
            }
            tokio::time::sleep(KILL_PAUSE).await;
        }
        let status = self.child.wait().await.map_err(|source| ConfineError::Start {
            program: self.job.argv.first().map(|program| program.to_string_lossy().into_owned()).unwrap_or_default(),
            source,
        })?;
        self.worker = None;
        Ok(Done { status, stop, memory_kills, took: self.since.elapsed() })
    }

    /// Notes when the worker has ended: its pid may be somebody else's from then on.
    fn look(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            self.worker = None;
        }
    }

    fn rest(&self) -> Rest {
        Rest {
            worker: self.worker,
            group: self.job.group.clone(),
            user: self.job.confinement.user.filter(|_| !self.job.spares_user),
        }
    }
}

/// What may be left of a job.
#[derive(Debug)]
struct Rest {
    worker: Option<Pid>,
    group: Option<Group>,
    user: Option<Identity>,
}

impl Rest {
    /// Tells the worker to end it all, and kills what there is of its control group and its own user; answers how many
    /// processes of the latter two were there.
    fn kill_once(&self) -> usize {
        if let Some(worker) = self.worker {
            let _ = kill(worker, Signal::SIGTERM);
        }
        let mut left = self.group.as_ref().map_or(0, Group::kill_once);
        if let Some(user) = self.user {
            for pid in user::processes(user.uid) {
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
                left += 1;
            }
        }
        left
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.worker.is_some() {
            for _ in 0..KILL_ROUNDS {
                self.look();
                if self.rest().kill_once() == 0 && self.worker.is_none() {
                    break;
                }
                std::thread::sleep(KILL_PAUSE);
            }
        }
    }
}

impl Done {
    /// In words, when it was not a success: `ended with code 1`, `was ended by SIGKILL`.
    pub fn ending(&self) -> String {
        match (self.status.code(), self.status.signal().and_then(|signal| Signal::try_from(signal).ok())) {
            (Some(code), _) => format!("ended with code {code}"),
            (None, Some(signal)) => format!("was ended by {signal}"),
            (None, None) => "ended by a signal without a name".to_owned(),
        }
    }
}

/// Resolves, in words, when the folders are over their limit; never without a limit.
async fn watch_disk(limit: Option<DiskLimit>) -> String {
    let Some(limit) = limit else { return std::future::pending().await };
    let mut pause = WATCH_EVERY;
    loop {
        tokio::time::sleep(pause).await;
        let (dirs, sharer) = (limit.dirs.clone(), limit.shared_memory_of);
        let since = Instant::now();
        let measured = aside::short(move || measure(&dirs, sharer)).await;
        pause = WATCH_EVERY.max(since.elapsed() * 4);
        match measured {
            Ok(usage) if usage.bytes > limit.bytes.bytes() => {
                return format!("{} on disk, {} allowed", ByteSize(usage.bytes), limit.bytes);
            }
            Ok(usage) if usage.entries > limit.entries => {
                return format!("{} files, {} allowed", usage.entries, limit.entries);
            }
            Err(error) if error.kind() == io::ErrorKind::Other => return error.to_string(),
            _ => {}
        }
    }
}

fn measure(dirs: &[PathBuf], sharer: Option<u32>) -> io::Result<tree::Usage> {
    let mut usage = tree::Usage::default();
    for dir in dirs {
        usage += tree::measure(dir)?;
    }
    if let Some(uid) = sharer {
        usage += tree::measure_of(Path::new(SHARED_MEMORY), uid)?;
    }
    Ok(usage)
}

/// Splits a pipe into lines, bounded whatever is written.
struct Lines<R> {
    pipe: Option<R>,
    rest: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    const fn new(pipe: Option<R>) -> Self {
        Self { pipe, rest: Vec::new() }
    }

    const fn is_open(&self) -> bool {
        self.pipe.is_some()
    }

    /// Reads once and answers the lines that became whole; at the end also the last one. Cancel-safe.
    async fn read(&mut self) -> Vec<String> {
        let mut chunk = [0; 8192];
        let Some(pipe) = &mut self.pipe else { return Vec::new() };
        let read = pipe.read(&mut chunk).await.unwrap_or(0);
        let mut lines = Vec::new();
        for &byte in &chunk[..read] {
            if byte == b'\n' {
                lines.push(self.take());
            } else {
                self.rest.push(byte);
                if self.rest.len() == LINE_BYTES {
                    lines.push(self.take());
                }
            }
        }
        if read == 0 {
            self.pipe = None;
            if !self.rest.is_empty() {
                lines.push(self.take());
            }
        }
        lines
    }

    fn take(&mut self) -> String {
        let line = String::from_utf8_lossy(&self.rest).trim_end_matches('\r').to_owned();
        self.rest.clear();
        line
    }
}
