//! Whether a release is well: looked at often at first, so that a quick start is noticed at once.

mod error;
mod tries;

use std::time::Duration;

use regex_lite::Regex;
use sf_protocol::app::{HealthCheck, Probe};
use sf_types::{Millis, Port};
use tokio::time::Instant;

pub use error::{HealthError, Why};
use tries::Outcome;

use crate::process::Process;
use crate::shim::state::Status;

/// First pause between two tries; grows by half.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// Longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);
/// Longest pattern of a log line, in characters.
const PATTERN_MAX: usize = 512;

/// A release that is well.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Healthy {
    /// From the call to the good try.
    pub took: Millis,
    /// Tries needed, the good one included.
    pub tries: u32,
    /// What was seen: "GET /healthz answered 200".
    pub seen: String,
}

/// Looks at a release until it is well. `port` is the release's own port. Ends at once when the process ends: a
/// crash is an answer, even where the restart rule would start it again.
///
/// # Errors
/// [`HealthError::Unwell`] with the last reason, in words, and how the process ended where it did;
/// [`HealthError::Check`] when the check itself makes no sense.
pub async fn probe(check: &HealthCheck, port: Option<Port>, process: &Process) -> Result<Healthy, HealthError> {
    let begun = Instant::now();
    let within = Millis(check.within.0.min(HealthCheck::MAX_WITHIN.0));
    let first = process.status();
    let mut watch = process.watch();
    let look = async {
        match &check.probe {
            Probe::Http { path } => {
                let (port, path) = (needs_port(port)?, tries::Path::parse(path)?);
                Ok(repeat(begun, || tries::http(port, &path, check.each_try)).await)
            }
            Probe::Tcp => {
                let port = needs_port(port)?;
                // The engine's own proxy accepts before the app listens, and hangs up at once then.
                let stays = process.is_contained();
                Ok(repeat(begun, || tries::tcp(port, check.each_try, stays)).await)
            }
            Probe::LogLine { pattern } => log_line(begun, process, pattern, first.started_line + 1).await,
            Probe::Alive { time } => {
                tokio::time::sleep(time.duration()).await;
                Ok(Healthy { took: since(begun), tries: 1, seen: format!("alive for {} ms", time.0) })
            }
        }
    };
    // The last reason is kept outside, since the deadline drops the work in the middle of a try.
    let looking = tries::LAST.scope(Default::default(), async {
        tokio::select! {
            biased;
            ended = watch.wait_for(|status| has_ended(&first, status)) => {
                let reason = ended.map_or_else(|_| "it is no longer watched".to_owned(), |status| end_of(&status));
                Err(unwell(Why::Ended { reason }, begun, within))
            }
            found = look => found,
            () = tokio::time::sleep_until(begun + within.duration()) => {
                Err(unwell(Why::Late { reason: waiting_for(&check.probe) }, begun, within))
            }
        }
    });
    looking.await
}

fn needs_port(port: Option<Port>) -> Result<Port, HealthError> {
    port.ok_or_else(|| HealthError::Check { reason: "it asks for a port, but this app has none".to_owned() })
}

/// Whether the process that ran when the check began has ended since.
fn has_ended(first: &Status, now: &Status) -> bool {
    now.ended || now.exits.len() > first.exits.len() || now.restarts != first.restarts || now.shim != first.shim
}

fn end_of(status: &Status) -> String {
    status.last_exit().map_or_else(|| status.reason.clone(), |exit| format!("the process {exit}"))
}

fn waiting_for(probe: &Probe) -> String {
    match (tries::last_reason(), probe) {
        (Some(reason), _) => reason,
        (None, Probe::LogLine { pattern }) => format!("no log line matched `{pattern}`"),
        (None, _) => "nothing was seen".to_owned(),
    }
}

fn unwell(why: Why, begun: Instant, within: Millis) -> HealthError {
    HealthError::Unwell { why, tries: tries::count(), took: since(begun), within }
}

fn since(begun: Instant) -> Millis {
    Millis(u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX))
}

/// Tries until it is well; the caller sets the limit.
async fn repeat<F: Future<Output = Outcome>>(begun: Instant, mut attempt: impl FnMut() -> F) -> Healthy {
    let mut pause = FIRST_PAUSE;
    loop {
        match tries::counted(attempt()).await {
            Outcome::Well(seen) => return Healthy { took: since(begun), tries: tries::count(), seen },
            Outcome::Unwell => {
                tokio::time::sleep(pause).await;
                pause = (pause * 3 / 2).min(LONGEST_PAUSE);
            }
        }
    }
}

async fn log_line(begun: Instant, process: &Process, pattern: &str, from: u64) -> Result<Healthy, HealthError> {
    let refused = |reason: String| HealthError::Check { reason };
    if pattern.chars().count() > PATTERN_MAX {
        return Err(refused(format!("its pattern is longer than {PATTERN_MAX} characters")));
    }
    let regex = Regex::new(pattern).map_err(|error| refused(format!("its pattern cannot be used: {error}")))?;
    let mut follower = process.follow(from);
    loop {
        let batch = follower.next().await.map_err(|error| refused(format!("the log cannot be read: {error}")))?;
        // At the log's end the process has ended too, which is noticed beside this.
        let Some(batch) = batch else { return std::future::pending().await };
        let ours = |line: &&sf_protocol::report::LogLine| line.stream != sf_protocol::report::Stream::Note;
        if let Some(line) = batch.lines.iter().filter(ours).find(|line| regex.is_match(&line.text)) {
            let text: String = line.text.chars().take(200).collect();
            return Ok(Healthy { took: since(begun), tries: 1, seen: format!("log line: {text}") });
        }
    }
}
