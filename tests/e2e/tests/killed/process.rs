//! A process that is killed and started again. It is told what to do in lines on its standard input, and answers each
//! with a line: `sf: ok <text>` or `sf: no <why>`.

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, raise};
use sf_testkit::plane::WAIT;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// Begins each of its answers: the test harness prints to the same place.
const MARK: &str = "sf: ";

/// One life of it.
pub struct Process {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts one of this program's own tests that are ignored otherwise.
    pub fn start(test: &str, environment: &[(&str, &str)]) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--exact", test, "--ignored", "--nocapture"])
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let input = child.stdin.take().context("it was piped")?;
        let output = BufReader::new(child.stdout.take().context("it was piped")?).lines();
        Ok(Self { child, input, output })
    }

    pub async fn ask(&mut self, line: &str) -> Result<String> {
        self.input.write_all(format!("{line}\n").as_bytes()).await?;
        self.input.flush().await?;
        self.answer().await.with_context(|| format!("`{line}`"))
    }

    /// The next line it says, the one without a question at its beginning included.
    pub async fn answer(&mut self) -> Result<String> {
        let read = async {
            while let Some(line) = self.output.next_line().await? {
                // The harness's own words may stand before it.
                let Some((_, said)) = line.split_once(MARK) else { continue };
                return match said.split_once(' ') {
                    Some(("ok", text)) => Ok(text.to_owned()),
                    Some((_, why)) => bail!("{why}"),
                    None => Ok(String::new()),
                };
            }
            bail!("it died")
        };
        tokio::time::timeout(WAIT, read).await.context("no answer in time")?
    }

    /// Waits until it was killed; that it ended by itself is an error.
    pub async fn killed(&mut self) -> Result<()> {
        let status = self.child.wait().await?;
        ensure!(status.signal() == Some(Signal::SIGKILL as i32), "it was not killed but ended by itself: {status}");
        Ok(())
    }

    /// Kills it.
    pub async fn kill(&mut self) -> Result<()> {
        // It may have come before.
        drop(self.child.start_kill());
        self.killed().await
    }

    /// Ends it as its people would.
    pub async fn end(mut self) -> Result<()> {
        drop(self.input);
        self.child.wait().await?;
        Ok(())
    }
}

/// Answers, from within.
pub fn say(answer: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{MARK}{answer}")?;
    Ok(out.flush()?)
}

/// From here on, the process dies when it comes to `point` after `commits` commits more.
pub fn arm(point: &str, commits: u32) -> Result<()> {
    let left = AtomicU32::new(commits);
    fail::cfg_callback(point, move || {
        if left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err() {
            let _dead = raise(Signal::SIGKILL);
        }
    })
    .map_err(anyhow::Error::msg)
}
