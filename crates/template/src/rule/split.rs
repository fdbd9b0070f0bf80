//! Rules in one text, with `|` between them. An expression may have `|` in it: it ends where its delimiter does.

use std::ops::Range;

/// Rules of one text; empty ones are left out.
pub fn split(text: &str) -> Vec<String> {
    let mut rules = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let delimited = expression(rest).map(|found| found.flags.end);
        let end = delimited.or_else(|| rest.find('|')).unwrap_or(rest.len());
        let rule = rest[..end].trim_start();
        if !rule.trim_end().is_empty() {
            rules.push(rule.to_owned());
        }
        rest = &rest[end..];
        rest = rest.strip_prefix('|').unwrap_or(rest);
    }
    rules
}

/// Where an expression and its flags are.
pub(super) struct Delimited {
    pub body: Range<usize>,
    pub flags: Range<usize>,
}

/// The expression of a text that begins with `regex:/…/` and ends there, or goes on with `|`.
fn expression(text: &str) -> Option<Delimited> {
    let lead = text.len() - text.trim_start().len();
    let head = ["regex:", "not_regex:"].iter().find(|head| text[lead..].starts_with(**head))?;
    delimited(text, lead + head.len())
}

/// The expression that begins at `start` with its delimiter.
pub(super) fn delimited(text: &str, start: usize) -> Option<Delimited> {
    let open = text.get(start..)?.chars().next()?;
    let close = closing(open)?;
    let begin = start + open.len_utf8();
    let mut escaped = false;
    for (at, c) in text[begin..].char_indices() {
        if std::mem::take(&mut escaped) {
            continue;
        }
        if c == '\\' {
            escaped = true;
        } else if c == close {
            let end = begin + at;
            let after = end + c.len_utf8();
            let flags = text[after..].find(|c: char| !c.is_ascii_alphabetic()).map_or(text.len(), |more| after + more);
            // The delimiter may stand in a class without a backslash.
            if flags == text.len() || text[flags..].starts_with('|') {
                return Some(Delimited { body: begin..end, flags: after..flags });
            }
        }
    }
    None
}

/// The delimiter that ends what this one begins, as PCRE in PHP has them.
const fn closing(open: char) -> Option<char> {
    match open {
        '(' => Some(')'),
        '[' => Some(']'),
        '{' => Some('}'),
        '<' => Some('>'),
        '\\' => None,
        open if open.is_ascii_punctuation() => Some(open),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_hold_together() {
        for (text, expected) in [
            ("required|string|max:20", vec!["required", "string", "max:20"]),
            ("|required||string|", vec!["required", "string"]),
            ("required| string", vec!["required", "string"]),
            ("", vec![]),
            ("regex:/^(a|b)$/|max:5", vec!["regex:/^(a|b)$/", "max:5"]),
            ("required|regex:/^(a|b)$/i", vec!["required", "regex:/^(a|b)$/i"]),
            ("regex:#a|b#|in:a,b", vec!["regex:#a|b#", "in:a,b"]),
            (r"regex:/a\/|b/|x", vec![r"regex:/a\/|b/", "x"]),
            ("regex:/[/]|b/|x", vec!["regex:/[/]|b/", "x"]),
            ("not_regex:(a|b)|x", vec!["not_regex:(a|b)", "x"]),
            ("regex:/never|closed", vec!["regex:/never", "closed"]),
            ("regex:^a|b$", vec!["regex:^a", "b$"]),
            ("regex:|x", vec!["regex:", "x"]),
        ] {
            assert_eq!(split(text), expected, "{text}");
        }
    }
}
