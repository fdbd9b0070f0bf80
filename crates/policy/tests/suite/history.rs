//! The committed history as a file: what was reported, when it became known how it went, and how it went.

use std::path::PathBuf;

use crate::process;

/// Decisions that come before the held-out ones.
pub const EARLIER: usize = 8_000;
/// Decisions that are judged.
pub const HELD_OUT: usize = 10_000;

/// Names and base risks, as in docs/reference/actions.md.
pub const ACTIONS: [(&str, u8); 12] = [
    ("app.deploy", 35),
    ("app.restart", 20),
    ("app.update", 25),
    ("app.start", 10),
    ("app.rollback", 25),
    ("secret.update", 40),
    ("workflow.run", 20),
    ("app.stop", 50),
    ("workflow.update", 20),
    ("role.grant", 60),
    ("user.suspend", 60),
    ("node.unlock", 70),
];
/// Never without a person in this team.
pub const NEVER_AUTO: [&str; 2] = ["role.grant", "node.unlock"];
/// Adapters; the first stands for none.
pub const TOOLS: [&str; 4] = ["", "git", "browser", "shell"];

/// One decision.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Line {
    /// Minutes after the one before it.
    pub gap: u32,
    /// Place in [`ACTIONS`].
    pub action: usize,
    /// Place in [`process::AGENTS`].
    pub agent: usize,
    /// Place in [`TOOLS`].
    pub tool: usize,
    /// Reported confidence.
    pub report: Option<u8>,
    /// Hours until it was known how it went.
    pub hours: u32,
    /// How it went.
    pub good: bool,
}

const HEAD: &str = "minutes after the last,action,agent,tool,report,hours until known,went well\n";

pub fn text(lines: &[Line]) -> String {
    let mut text = HEAD.to_owned();
    for line in lines {
        let Line { gap, action, agent, tool, hours, .. } = line;
        let report = line.report.map(|score| score.to_string()).unwrap_or_default();
        text.push_str(&format!("{gap},{action},{agent},{tool},{report},{hours},{}\n", u8::from(line.good)));
    }
    text
}

fn parsed(text: &str) -> Vec<Line> {
    let line = |line: &str| {
        let mut parts = line.split(',');
        let mut next = || parts.next().unwrap();
        Line {
            gap: next().parse().unwrap(),
            action: next().parse().unwrap(),
            agent: next().parse().unwrap(),
            tool: next().parse().unwrap(),
            report: Some(next()).filter(|report| !report.is_empty()).map(|report| report.parse().unwrap()),
            hours: next().parse().unwrap(),
            good: next() == "1",
        }
    };
    text.strip_prefix(HEAD).unwrap().lines().map(line).collect()
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/history.csv")
}

/// The committed history.
pub fn committed() -> Vec<Line> {
    parsed(&std::fs::read_to_string(path()).unwrap())
}

/// `SF_BLESS=1` writes it anew.
#[test]
fn the_committed_history_is_what_the_process_makes() {
    let made = text(&process::history(process::SEED, EARLIER + HELD_OUT));
    if std::env::var_os("SF_BLESS").is_some() {
        std::fs::write(path(), &made).unwrap();
    }
    assert!(std::fs::read_to_string(path()).unwrap() == made, "run the tests once with SF_BLESS=1 and commit the file");
    assert!(made.len() < 400_000, "{} bytes", made.len());
    let lines = committed();
    assert_eq!(lines.len(), EARLIER + HELD_OUT);
    assert_eq!(text(&lines), made);
}
