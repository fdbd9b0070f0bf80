//! Expressions of PCRE in a dialect whose time grows with the text alone. What that cannot do is refused, never guessed.

use regex::bytes::{Regex, RegexBuilder};

use super::split::delimited;
use crate::text::quoted;

/// Bytes that a compiled expression may take: 256 KiB.
pub const COMPILED_BYTES: usize = 256 * 1024;

/// A compiled expression.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    regex: Regex,
    source: String,
}

impl Pattern {
    /// Reads `/^a$/i`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let unusable = |why: &str| format!("The expression {} is not checked: {why}.", quoted(text));
        let Some(found) = delimited(text, 0).filter(|found| found.flags.end == text.len()) else {
            return Err(unusable("it does not stand between two delimiters, as in /^a$/"));
        };
        let body = ported(&text[found.body.clone()]);
        let flags = &text[found.flags];
        let build = |unicode: bool| {
            let mut builder = RegexBuilder::new(&body);
            // Without `u`, PCRE reads bytes, and `\w` is ASCII.
            builder.unicode(unicode).size_limit(COMPILED_BYTES);
            for flag in flags.chars() {
                match flag {
                    'i' => builder.case_insensitive(true),
                    'm' => builder.multi_line(true),
                    's' => builder.dot_matches_new_line(true),
                    'x' => builder.ignore_whitespace(true),
                    'u' | 'D' | 'S' | 'U' => &mut builder,
                    _ => return None,
                };
            }
            Some(builder.build())
        };
        let unicode = flags.contains('u');
        let Some(built) = build(unicode) else {
            return Err(unusable(&format!("it has flags ({flags}) that mean nothing here")));
        };
        // A class with letters beyond ASCII can only be read as characters.
        let built = if built.is_err() && !unicode { build(true).unwrap_or(built) } else { built };
        match built {
            Ok(regex) => Ok(Self { regex, source: text.to_owned() }),
            Err(error) => {
                let error = error.to_string();
                let last = error.lines().next_back().unwrap_or_default().trim_start_matches("error: ").to_owned();
                Err(unusable(&last))
            }
        }
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text.as_bytes())
    }

    pub(super) fn source(&self) -> &str {
        &self.source
    }
}

/// What both dialects write differently: inside a class `[`, `&&`, `--` and `~~` are plain characters to PCRE, and it has
/// `\h` and `\Z`.
fn ported(body: &str) -> String {
    let mut out = String::with_capacity(body.len());
    let mut chars = body.chars().peekable();
    let mut in_class = false;
    // `]` right after `[` or `[^` is a plain character.
    let mut opened = false;
    while let Some(c) = chars.next() {
        let first = std::mem::take(&mut opened);
        match c {
            '\\' => match chars.next() {
                Some('h') if in_class => out.push_str(" \\t"),
                Some('h') => out.push_str("[ \\t]"),
                Some('Z') if !in_class => out.push_str("\\n?\\z"),
                Some(escaped) => {
                    out.push('\\');
                    out.push(escaped);
                }
                None => out.push('\\'),
            },
            '[' if !in_class => {
                in_class = true;
                opened = true;
                out.push(c);
            }
            '^' if in_class && first => {
                opened = true;
                out.push(c);
            }
            ']' if in_class && first => out.push_str("\\]"),
            ']' if in_class => {
                in_class = false;
                out.push(c);
            }
            '[' if chars.peek() == Some(&':') => {
                // `[[:alpha:]]` is the same in both, up to its own end.
                out.push(c);
                for c in chars.by_ref() {
                    out.push(c);
                    if c == ']' {
                        break;
                    }
                }
            }
            '[' => out.push_str("\\["),
            '&' | '~' if in_class => {
                out.push('\\');
                out.push(c);
            }
            '-' if in_class && first => out.push_str("\\-"),
            // A range up to `-`, which alone would be a difference of classes.
            '-' if in_class && chars.peek() == Some(&'-') => {
                chars.next();
                out.push_str("-\\-");
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, good: &[&str], bad: &[&str]) {
        let read = Pattern::parse(pattern).unwrap_or_else(|why| panic!("{pattern}: {why}"));
        good.iter().for_each(|text| assert!(read.is_match(text), "{pattern} / {text:?}"));
        bad.iter().for_each(|text| assert!(!read.is_match(text), "{pattern} / {text:?}"));
    }

    #[test]
    fn expressions_of_eggs_mean_the_same_here() {
        check(r"/^([\w\d._-]+)(\.jar)$/", &["server.jar", "a-b_c.1.jar"], &["server.jar.old", "a/b.jar", "ä.jar", ""]);
        check(r"/^[\w.-]*$/", &["", "a.b-c"], &["a b", "a;b"]);
        check(r"/^(a|b)$/i", &["A", "b"], &["ab"]);
        check(r"#^https?://#", &["http://x"], &["ftp://x"]);
        check(r"/^[a-z&&[]+$/", &["a&[", "z"], &["1"]);
        check(r"/^[]a]+$/", &["]a"], &["b"]);
        check(r"/^[^]a]+$/", &["b"], &["]"]);
        check(r"/^[[:alpha:]_]+$/", &["ab_"], &["1"]);
        check(r"/^[+--]+$/", &["+,-"], &["a"]);
        check(r"/^\d{1,5}$/", &["12345"], &["٣", "123456"]);
        check(r"/^\w+$/u", &["ä"], &["-"]);
        check(r"/^[äö]+$/", &["äö"], &["a"]);
        check(r"/^a\hb\Z/", &["a b", "a\tb\n"], &["ab"]);
    }

    #[test]
    fn what_cannot_be_done_in_linear_time_is_said() {
        for pattern in [
            r"/^(?=a)a$/",
            r"/(a)\1/",
            "/a/e",
            "^a$",
            "abc",
            "",
            "/",
            "/a",
            "/(/",
            "/a{1000}{1000}{1000}/",
            r"/(?<!a)b/",
        ] {
            let why = Pattern::parse(pattern).expect_err(pattern);
            assert!(why.contains("is not checked"), "{why}");
        }
    }

    #[test]
    fn hostile_repetition_costs_no_time() {
        let pattern = Pattern::parse(r"/^(a+)+$/").unwrap();
        assert!(!pattern.is_match(&format!("{}b", "a".repeat(8000))));
    }
}
