//! What is looked for in a line: a text, or an expression of the `regex` crate, whose time grows with the line's length
//! alone whatever the expression is.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Regex, RegexBuilder};
use sf_types::{ErrorKind, Fault};

/// Characters of a text or expression.
pub const MAX_PATTERN_CHARS: usize = 500;
/// Bytes that a compiled expression may take.
pub const MAX_PATTERN_BYTES: usize = 1 << 20;
/// Texts marked in one line at the most.
pub const MAX_MARKS: usize = 20;

/// How bad a line says it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    /// An error, or worse.
    Error,
    /// At least a warning.
    Warning,
}

impl Level {
    /// Reads the word of the API.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "error" => Some(Self::Error),
            "warning" => Some(Self::Warning),
            _ => None,
        }
    }
}

const ERROR_WORDS: &str = r"error|err|fatal|panic(?:ked)?|critical|crit|emerg|alert|exception|traceback|unhandled";
static ERRORS: LazyLock<Regex> = LazyLock::new(|| level(ERROR_WORDS));
static WARNINGS: LazyLock<Regex> = LazyLock::new(|| level(&format!("{ERROR_WORDS}|warn|warning|deprecated")));
/// Escape sequences that colour and move: nobody looks for them, and they stand in the middle of words.
static ESCAPES: LazyLock<Regex> = LazyLock::new(|| {
    let sequences = r"\x1b(?:\[[0-9;:?<=>]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])";
    Regex::new(sequences).expect("a constant expression")
});

/// Also within names as languages write them: `ValueError`, `level=error`.
fn level(words: &str) -> Regex {
    Regex::new(&format!(r"(?:^|[^A-Za-z])(?i:{words})(?:[^A-Za-z]|$)|[a-z](?:Error|Exception)\b"))
        .expect("a constant expression")
}

/// A line as people read it.
pub fn plain(text: &str) -> Cow<'_, str> {
    let text = if text.contains('\x1b') { ESCAPES.replace_all(text, "") } else { Cow::Borrowed(text) };
    if text.chars().any(|c| c.is_control() && c != '\t') {
        return Cow::Owned(text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect());
    }
    text
}

/// What is looked for.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: Option<Regex>,
    level: Option<Level>,
}

impl Pattern {
    /// A text whatever its case, or an expression as it is written; none finds every line.
    ///
    /// # Errors
    /// It is too long, or no expression.
    pub fn new(text: Option<&str>, is_expression: bool, level: Option<Level>) -> Result<Self, Fault> {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(Self { text: None, level }) };
        if text.chars().count() > MAX_PATTERN_CHARS {
            let message = format!("What is looked for is longer than {MAX_PATTERN_CHARS} characters.");
            return Err(Fault::new(ErrorKind::Invalid, "logs.pattern", message).fix("Look for a part of it."));
        }
        let escaped = if is_expression { Cow::Borrowed(text) } else { Cow::Owned(regex::escape(text)) };
        let built = RegexBuilder::new(&escaped)
            .case_insensitive(!is_expression)
            .size_limit(MAX_PATTERN_BYTES)
            .dfa_size_limit(MAX_PATTERN_BYTES)
            .build();
        let text = built.map_err(|why| {
            let message = match why {
                regex::Error::CompiledTooBig(_) => "This expression is too big: its repetitions multiply.".to_owned(),
                other => format!("This is no regular expression: {}.", last_line(&other.to_string())),
            };
            let fix = "Write it as the Rust crate `regex` does: no look-around, no back-references; (?i) for any case.";
            Fault::new(ErrorKind::Invalid, "logs.pattern", message).fix(fix)
        })?;
        Ok(Self { text: Some(text), level })
    }

    /// The texts that were found, each once; `None` where the line is not meant.
    pub fn find(&self, line: &str) -> Option<Vec<String>> {
        let line = plain(line);
        let meant = match self.level {
            None => true,
            Some(Level::Error) => ERRORS.is_match(&line),
            Some(Level::Warning) => WARNINGS.is_match(&line),
        };
        if !meant {
            return None;
        }
        let Some(text) = &self.text else { return Some(Vec::new()) };
        let mut marks: Vec<String> = Vec::new();
        let mut found = false;
        for one in text.find_iter(&line).take(MAX_MARKS) {
            found = true;
            if !one.is_empty() && !marks.iter().any(|mark| mark == one.as_str()) {
                marks.push(one.as_str().to_owned());
            }
        }
        found.then_some(marks)
    }
}

/// The crate shows the expression with an arrow first, and says what is wrong last.
fn last_line(message: &str) -> &str {
    let line = message.lines().last().unwrap_or(message).trim();
    line.strip_prefix("error: ").unwrap_or(line).trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_whatever_its_case_and_colours() {
        for (text, line, marks) in [
            ("timeout", "GET / TimeOut after 3 s", Some(vec!["TimeOut"])),
            ("a.c", "abc", None),
            ("a.c", "xA.C a.c", Some(vec!["A.C", "a.c"])),
            ("ärger", "ÄRGER", Some(vec!["ÄRGER"])),
            ("timeout", "time\x1b[31mout\x1b[0m", Some(vec!["timeout"])),
            ("title", "\x1b]0;title\x07x", None),
            ("\u{fffd}", "bell\x07", Some(vec!["\u{fffd}"])),
            ("", "anything", Some(vec![])),
        ] {
            let found = Pattern::new(Some(text), false, None).unwrap().find(line);
            assert_eq!(found, marks.map(|marks| marks.into_iter().map(str::to_owned).collect()), "{text} in {line:?}");
        }
    }

    #[test]
    fn an_expression_is_taken_as_it_is_written() {
        let pattern = Pattern::new(Some(r"took \d{3,}ms"), true, None).unwrap();
        assert_eq!(pattern.find("took 1234ms"), Some(vec!["took 1234ms".to_owned()]));
        assert_eq!(pattern.find("Took 1234ms"), None);
        assert_eq!(
            Pattern::new(Some("x*"), true, None).unwrap().find("abc"),
            Some(vec![]),
            "an empty match marks nothing"
        );
    }

    #[test]
    fn what_is_no_expression_says_why() {
        for (text, says) in [("(a", "unclosed group"), ("a{1000}{1000}{1000}", "too big"), (r"(a)\1", "backreferences")]
        {
            let fault = Pattern::new(Some(text), true, None).unwrap_err();
            assert!(fault.message.contains(says), "{text}: {}", fault.message);
        }
        assert!(Pattern::new(Some(&"a".repeat(501)), false, None).is_err());
    }

    #[test]
    fn no_expression_is_slow() {
        let pattern = Pattern::new(Some(r"(x+x+)+y"), true, None).unwrap();
        let began = std::time::Instant::now();
        assert_eq!(pattern.find(&"x".repeat(100_000)), None);
        assert!(began.elapsed() < std::time::Duration::from_secs(5), "time grows with the length alone");
    }

    #[test]
    fn levels_are_read_from_words() {
        for (line, error, warning) in [
            ("level=error msg=x", true, true),
            ("[ERROR] x", true, true),
            ("ValueError: x", true, true),
            ("thread 'main' panicked at", true, true),
            ("WARN x", false, true),
            ("errorless terror mirrors", false, false),
            ("\x1b[31mERROR\x1b[0m x", true, true),
        ] {
            let of = |level| Pattern::new(None, false, Some(level)).unwrap().find(line).is_some();
            assert_eq!((of(Level::Error), of(Level::Warning)), (error, warning), "{line:?}");
        }
    }
}
