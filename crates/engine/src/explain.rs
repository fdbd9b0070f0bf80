//! Why something failed, from what was said while it did: rules that look for what people meet every day, quote the lines
//! that show it, and say what to do. Pure; no AI.
//!
//! Rules stand in [`rules`], the most telling first. A rule finds its cause in the node's own word on the failure, or in a line
//! of a log. What no rule knows is explained by the lines that look like an error.

mod rules;
#[cfg(test)]
mod tests;

use sf_protocol::report::{LogLine, Stream};
use sf_types::Fault;

/// Causes that are told at most, the likeliest first.
pub const MAX_CAUSES: usize = 3;
/// Lines that are quoted of each at most.
pub const MAX_QUOTED: usize = 5;
/// Last lines of a log that are looked at.
pub const LINES_READ: usize = 300;
/// Bytes of a log that are looked at, from its end: what a failure costs to explain is bounded, whatever it wrote.
const LOG_BYTES_READ: usize = 64 * 1024;
/// Characters of a quoted line that are told; a value in a sentence gets a quarter.
const QUOTED_CHARS: usize = 400;

/// What is known about a failure.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// The node's word.
    pub fault: &'a Fault,
    /// What fetching, installing and building said.
    pub build: &'a [LogLine],
    /// What the release said while it ran.
    pub app: &'a [LogLine],
}

/// Which log a line stands in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Log {
    /// The run's own.
    Build,
    /// The release's.
    App,
}

/// A line that shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quoted {
    /// Of which log.
    pub log: Log,
    /// Its number there.
    pub sequence: u64,
    /// The line.
    pub text: String,
}

/// One cause.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cause {
    /// Stable: `port.in_use`.
    pub code: &'static str,
    /// What happened, one sentence.
    pub what: String,
    /// What to do, one sentence each.
    pub fixes: Vec<String>,
    /// What shows it, in the order of the log.
    pub lines: Vec<Quoted>,
}

/// Why it failed, the likeliest cause first.
pub fn explain(evidence: &Evidence<'_>) -> Vec<Cause> {
    let logs = [(Log::App, tail(evidence.app)), (Log::Build, tail(evidence.build))];
    let mut causes: Vec<Cause> = Vec::new();
    for rule in rules::all() {
        let found = logs.iter().find_map(|(log, lines)| rule.in_lines(*log, lines));
        if let Some(cause) = found.or_else(|| rule.in_fault(evidence.fault))
            && causes.iter().all(|known| known.code != cause.code)
        {
            causes.push(cause);
        }
    }
    causes.truncate(MAX_CAUSES);
    let words = logs.iter().find_map(|(log, lines)| last_words(*log, lines));
    match (causes.first_mut(), words) {
        (None, words) => causes.extend(words),
        // The node's own word says what, and perhaps the log why.
        (Some(cause), Some(words)) if cause.lines.is_empty() => cause.lines = words.lines,
        (Some(_), _) => {}
    }
    causes
}

/// Output only: what ServerFlow itself noted is no evidence.
fn tail(lines: &[LogLine]) -> Vec<&LogLine> {
    let mut room = LOG_BYTES_READ;
    let fits = |line: &&LogLine| {
        let fits = room.checked_sub(rules::head(line).len());
        room = fits.unwrap_or(0);
        fits.is_some()
    };
    let said = lines.iter().rev().filter(|line| line.stream != Stream::Note);
    let mut said: Vec<_> = said.take(LINES_READ).take_while(fits).collect();
    said.reverse();
    said
}

/// Where no rule knows what happened: the lines that look like an error, or else what was said last.
fn last_words(log: Log, lines: &[&LogLine]) -> Option<Cause> {
    let bad = lines.iter().rposition(|line| rules::looks_bad(line));
    let first = bad.unwrap_or(lines.len().saturating_sub(MAX_QUOTED));
    // A trace names its error before or after its steps: both are shown.
    let quotes: Vec<_> = lines.get(first..)?.iter().take(MAX_QUOTED).map(|line| quoted(log, line)).collect();
    quotes.first()?;
    let what = match (log, bad) {
        (Log::Build, Some(_)) => "The build ended with an error of its own.",
        (Log::App, Some(_)) => "The app ended with an error of its own.",
        (_, None) => "It did not say why: these were its last words.",
    };
    let fixes = vec!["Correct what the quoted lines name, and deploy again.".to_owned()];
    Some(Cause { code: "app.error", what: what.to_owned(), fixes, lines: quotes })
}

fn quoted(log: Log, line: &LogLine) -> Quoted {
    Quoted { log, sequence: line.sequence, text: cut(line.text.trim_end(), QUOTED_CHARS) }
}

fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
