//! What is printed: one JSON document (or JSON lines) with `--json`, tables and sentences otherwise.

mod progress;
mod table;

use std::io::{IsTerminal, Write};

use serde_json::{Value, json};

use crate::failure::Failure;
pub use progress::Progress;
pub use table::Table;

/// Where and how answers are shown.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    json: bool,
    terminal: bool,
    colour: bool,
}

/// What a piece of text means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tone {
    /// It went well.
    Good,
    /// It went wrong.
    Bad,
    /// Worth a look.
    Warn,
    /// Beside the point.
    Dim,
    /// The point.
    Strong,
}

impl Screen {
    /// Looks at the terminal and at `NO_COLOR` (no-color.org).
    pub fn new(json: bool) -> Self {
        let terminal = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
        let colour = terminal && !json && sf_runtime::env::var("NO_COLOR").is_none();
        Self { json, terminal: terminal && !json, colour }
    }

    /// Whether one document is printed instead of words.
    pub const fn is_json(&self) -> bool {
        self.json
    }

    /// Whether a person is watching.
    pub const fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// The answer of a command: the document, or what `human` makes of it.
    pub fn answer(&self, value: &Value, human: impl FnOnce(&Value) -> String) {
        if self.json {
            self.line(&serde_json::to_string_pretty(value).unwrap_or_default());
        } else {
            self.line(human(value).trim_end());
        }
    }

    /// A text that is somebody's file: byte for byte where it goes on to a file or a program, harmless on a terminal.
    pub fn file(&self, text: &str) {
        if self.terminal {
            text.lines().for_each(|line| self.line(&plain(line)));
        } else {
            drop(std::io::stdout().lock().write_all(text.as_bytes()));
        }
    }

    /// One JSON line of a stream; nothing for people.
    pub fn event(&self, value: &Value) {
        if self.json {
            self.line(&value.to_string());
        }
    }

    /// A line for people on standard output; nothing with `--json`.
    pub fn say(&self, text: &str) {
        if !self.json {
            self.line(text);
        }
    }

    /// A remark beside the answer, on standard error.
    pub fn note(&self, text: &str) {
        drop(writeln!(std::io::stderr().lock(), "{text}"));
    }

    /// Shows a failure on standard error; as JSON on standard output with `--json`.
    pub fn failure(&self, failure: &Failure) {
        if self.json {
            let fix = (!failure.fix.is_empty()).then_some(&failure.fix);
            let error =
                json!({"code": failure.code, "message": failure.message, "fix": fix, "requestId": failure.request});
            self.line(&json!({ "error": error }).to_string());
            return;
        }
        self.note(&format!("{} {}", self.paint(Tone::Bad, "error:"), plain(&failure.message)));
        if !failure.fix.is_empty() {
            self.note(&format!("  {} {}", self.paint(Tone::Strong, "do:"), plain(&failure.fix)));
        }
        let request = failure.request.as_deref().map_or(String::new(), |id| format!(", request {id}"));
        self.note(&self.paint(Tone::Dim, &format!("  ({}{request})", failure.code)));
    }

    /// Text in the colour of its meaning, where colours are shown.
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        if !self.colour {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Warn => "33",
            Tone::Dim => "2",
            Tone::Strong => "1",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    /// A reader that has gone (`| head`) is no error worth a word.
    fn line(&self, text: &str) {
        drop(writeln!(std::io::stdout().lock(), "{text}"));
    }
}

/// Text of others without control characters, so that no log line or name can steer the terminal.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_of_others_do_not_reach_the_terminal() {
        assert_eq!(plain("a\x1b]0;evil\x07\tb"), "a\u{fffd}]0;evil\u{fffd}\tb");
    }
}
