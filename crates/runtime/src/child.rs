//! Child processes that are run to their end: argv only, a clean environment, bounded output, a time limit.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use sf_types::Secret;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::process::Command;

/// Output kept of each stream, in bytes; what is beyond is read and dropped.
pub const OUTPUT_KEPT_BYTES: usize = 256 * 1024;

/// What a finished child left.
#[derive(Debug, Clone)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output, at most [`OUTPUT_KEPT_BYTES`].
    pub stdout: Vec<u8>,
    /// Standard error, at most [`OUTPUT_KEPT_BYTES`].
    pub stderr: Vec<u8>,
}

/// Why a child gave no result.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// It could not be started.
    #[error("{program} could not be started: {source}")]
    Start {
        /// The program.
        program: String,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// It ran longer than its limit and was killed.
    #[error("{program} was still running after {} s and was stopped", limit.as_secs())]
    TimedOut {
        /// The program.
        program: String,
        /// The limit.
        limit: Duration,
    },
}

/// A command line under construction. The environment starts empty but for `PATH`, `LANG` and `HOME`.
#[derive(Debug)]
pub struct Child {
    program: OsString,
    command: Command,
    input: Option<Secret<Vec<u8>>>,
}

impl Child {
    /// A child running `program` (looked up in `PATH`), without arguments yet.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let program = program.as_ref().to_owned();
        let mut command = Command::new(&program);
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        for name in ["PATH", "LANG", "HOME"] {
            if let Some(value) = crate::env::var(name) {
                command.env(name, value);
            }
        }
        Self { program, command, input: None }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets one environment variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Gives it this on its standard input, which is empty otherwise: for what may stand in no argument and no
    /// environment.
    #[must_use]
    pub fn input(mut self, input: Secret<Vec<u8>>) -> Self {
        self.command.stdin(Stdio::piped());
        self.input = Some(input);
        self
    }

    /// Runs it in `dir`.
    #[must_use]
    pub fn current_dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// The command itself, for what this builder does not offer (uid, pre-exec confinement).
    pub const fn command_mut(&mut self) -> &mut Command {
        &mut self.command
    }

    /// Runs it to its end, at most `limit`; then it is killed.
    ///
    /// # Errors
    /// [`ChildError`] when it could not start or ran out of time. A non-zero exit is no error here.
    pub async fn finish(mut self, limit: Duration) -> Result<Finished, ChildError> {
        let program = self.program.to_string_lossy().into_owned();
        let start = |source| ChildError::Start { program: program.clone(), source };
        let mut child = self.command.spawn().map_err(start)?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let given = give(child.stdin.take(), self.input.take());
        let run = async { tokio::join!(keep(stdout), keep(stderr), child.wait(), given) };
        match tokio::time::timeout(limit, run).await {
            Ok((stdout, stderr, status, ())) => Ok(Finished { status: status.map_err(start)?, stdout, stderr }),
            Err(_) => Err(ChildError::TimedOut { program, limit }),
        }
    }
}

/// Writes all and closes. A child that wants none of it says so by its end.
async fn give(stream: Option<impl AsyncWrite + Unpin>, input: Option<Secret<Vec<u8>>>) {
    if let (Some(mut stream), Some(input)) = (stream, input) {
        drop(stream.write_all(input.expose()).await);
        drop(stream.shutdown().await);
    }
}

/// Reads to the end and keeps the first [`OUTPUT_KEPT_BYTES`], so that a flood neither blocks the child nor grows us.
async fn keep(stream: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut kept = Vec::new();
    let Some(mut stream) = stream else { return kept };
    let mut chunk = [0; 8192];
    while let Ok(read @ 1..) = stream.read(&mut chunk).await {
        let room = OUTPUT_KEPT_BYTES.saturating_sub(kept.len());
        kept.extend_from_slice(&chunk[..read.min(room)]);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn arguments_are_never_interpreted() {
        let done = Child::new("printf").arg("%s").arg("$(id);`id`").finish(Duration::from_secs(5)).await.unwrap();
        assert_eq!(done.stdout, b"$(id);`id`");
    }

    #[tokio::test]
    async fn what_it_is_given_is_read_to_its_end() {
        let input = vec![b'x'; 300_000];
        let limit = Duration::from_secs(20);
        let done = Child::new("wc").arg("--bytes").input(Secret::new(input.clone())).finish(limit).await.unwrap();
        assert_eq!(String::from_utf8(done.stdout).unwrap().trim(), "300000");
        // One that reads nothing is no error.
        assert!(Child::new("true").input(Secret::new(input)).finish(limit).await.unwrap().status.success());
    }

    #[tokio::test]
    async fn a_flood_is_read_but_not_kept() {
        let done = Child::new("head").args(["-c", "5000000", "/dev/zero"]).finish(Duration::from_secs(20)).await;
        assert_eq!(done.unwrap().stdout.len(), OUTPUT_KEPT_BYTES);
    }

    #[tokio::test]
    async fn a_child_over_its_time_is_killed_and_named() {
        let error = Child::new("cat").arg("/dev/zero").finish(Duration::from_millis(50)).await.unwrap_err();
        assert!(error.to_string().starts_with("cat was still running"), "{error}");
    }

    #[tokio::test]
    async fn the_environment_is_clean() {
        let done = Child::new("env").env("ONLY", "this").finish(Duration::from_secs(5)).await.unwrap();
        let text = String::from_utf8(done.stdout).unwrap();
        assert!(text.contains("ONLY=this"));
        assert!(!text.contains("CARGO"), "{text}");
    }
}
