//! Whether a line says that a server is ready. Pure.

use std::borrow::Cow;

use regex_lite::Regex;
use sf_protocol::server::{Match, Ready};

/// Characters of a pattern at the most.
const PATTERN_CHARS: usize = 512;
const ESC: char = '\u{1b}';
const BEL: char = '\u{7}';

/// What is looked for.
#[derive(Debug)]
pub struct ReadyRule {
    strip: bool,
    texts: Vec<String>,
    patterns: Vec<Regex>,
}

impl ReadyRule {
    /// The rule of a server; `None` where it is ready as soon as it is started.
    ///
    /// # Errors
    /// In words, why it is none.
    pub fn of(ready: &Ready) -> Result<Option<Self>, String> {
        let mut rule = Self { strip: ready.strip_ansi, texts: Vec::new(), patterns: Vec::new() };
        for wanted in &ready.lines {
            match wanted {
                Match::Text { text } if text.is_empty() => {
                    return Err("an empty text is no sign that it is ready".to_owned());
                }
                Match::Text { text } => rule.texts.push(text.clone()),
                Match::Regex { pattern } => {
                    let short = (pattern.chars().count() <= PATTERN_CHARS).then_some(pattern);
                    let pattern = short.ok_or_else(|| format!("a pattern has at most {PATTERN_CHARS} characters"))?;
                    let read = Regex::new(pattern);
                    rule.patterns.push(read.map_err(|error| format!("`{pattern}` is no pattern: {error}"))?);
                }
            }
        }
        Ok((!ready.lines.is_empty()).then_some(rule))
    }

    /// Whether this line says so.
    pub fn is_met_by(&self, line: &str) -> bool {
        let line = if self.strip { without_escapes(line) } else { line.into() };
        self.texts.iter().any(|text| line.contains(text)) || self.patterns.iter().any(|pattern| pattern.is_match(&line))
    }
}

/// The line without escape sequences (ECMA-48: control sequences, strings, single functions).
pub fn without_escapes(line: &str) -> Cow<'_, str> {
    if !line.contains(ESC) {
        return line.into();
    }
    let (mut out, mut chars) = (String::with_capacity(line.len()), line.chars().peekable());
    while let Some(c) = chars.next() {
        if c != ESC {
            out.push(c);
            continue;
        }
        match chars.next() {
            // Parameters, then one final character.
            Some('[') => drop(chars.by_ref().find(|c| ('@'..='~').contains(c))),
            // A title, a link: up to its end.
            Some(']' | 'P' | 'X' | '^' | '_') => {
                while let Some(c) = chars.next() {
                    if c == BEL || c == ESC && chars.next_if_eq(&'\\').is_some() {
                        break;
                    }
                }
            }
            // Intermediates, then one final character.
            Some(' '..='/') => drop(chars.by_ref().find(|c| !(' '..='/').contains(c))),
            _ => {}
        }
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_types::Millis;

    fn rule(lines: Vec<Match>, strip_ansi: bool) -> Result<Option<ReadyRule>, String> {
        ReadyRule::of(&Ready { lines, strip_ansi, within: Millis(1) })
    }

    fn text(text: &str) -> Match {
        Match::Text { text: text.to_owned() }
    }

    #[test]
    fn a_text_or_a_pattern_in_a_line_is_enough() {
        let pattern = Match::Regex { pattern: r"^Done \([0-9.]+s\)".to_owned() };
        let rule = rule(vec![text("listening on"), pattern], false).unwrap().unwrap();
        for (line, expected) in [
            ("[info] listening on 25565", true),
            ("Done (3.2s)! For help", true),
            ("not Done (3.2s)", false),
            ("", false),
            ("\u{1b}[32mDone (3.2s)", false),
        ] {
            assert_eq!(rule.is_met_by(line), expected, "{line}");
        }
    }

    #[test]
    fn colours_are_looked_through_where_the_rule_says_so() {
        let rule = rule(vec![text("Server started")], true).unwrap().unwrap();
        for line in
            ["\u{1b}[1;32mServer\u{1b}[0m started", "\u{1b}]0;title\u{7}Server started", "Ser\u{1b}(Bver started"]
        {
            assert!(rule.is_met_by(line), "{line:?}");
        }
        for (line, expected) in [
            ("plain", "plain"),
            ("a\u{1b}[31mb\u{1b}[0mc", "abc"),
            ("\u{1b}]8;;http://x\u{1b}\\link", "link"),
            ("cut \u{1b}[3", "cut "),
            ("end\u{1b}", "end"),
            ("\u{1b}7saved", "saved"),
        ] {
            assert_eq!(without_escapes(line), expected, "{line:?}");
        }
    }

    #[test]
    fn without_lines_it_is_ready_at_once_and_a_bad_rule_says_why() {
        assert!(rule(vec![], false).unwrap().is_none());
        assert!(rule(vec![text("")], false).is_err());
        assert!(rule(vec![Match::Regex { pattern: "(".to_owned() }], false).unwrap_err().contains("no pattern"));
        assert!(rule(vec![Match::Regex { pattern: "x".repeat(513) }], false).unwrap_err().contains("512"));
    }
}
