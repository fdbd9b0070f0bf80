//! Single values: what a plain one is, and how one is written in the place of another.

use crate::text::Splice;
use crate::tree::{Kind, Node};
use crate::value::{New, Old, is_number};

/// What a plain scalar is to parsers of 1.1 or of 1.2; where they differ it is not text, so that nothing is taken for text
/// that somebody reads as a number.
pub fn kind(text: &str) -> Old {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Old::Null,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => Old::Bool,
        text if is_number(text.strip_prefix('+').unwrap_or(text)) => Old::Number,
        _ => Old::Text,
    }
}

/// Text that some parser would read as something else, were it plain.
fn is_typed(text: &str) -> bool {
    const WORDS: [&str; 14] =
        ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", ".nan", ".inf", "-.inf", "+.inf"];
    if WORDS.iter().any(|word| word.eq_ignore_ascii_case(text)) || matches!(text, "<<" | "=") {
        return true;
    }
    let Some(first) = text.strip_prefix(['-', '+']).unwrap_or(text).chars().next() else { return true };
    if !first.is_ascii_digit() && first != '.' {
        return false;
    }
    // Numbers of any base, by sixties, with underscores; dates and times. An address has two points, and is none of them.
    let alike = |c: char| {
        c.is_ascii_hexdigit() || matches!(c, '.' | '_' | ':' | '-' | '+' | 'x' | 'o' | 'T' | 't' | 'Z' | 'z' | ' ')
    };
    text.chars().all(alike) && text.matches('.').count() < 2
}

/// Whether text reads back as itself without quotes, in a block and in brackets. What is not surely so is quoted.
fn is_plain(text: &str) -> bool {
    let inner = |c: char| {
        c.is_alphanumeric()
            || matches!(
                c,
                ' ' | '.' | '_' | '-' | '/' | '+' | '@' | ':' | '(' | ')' | '=' | '$' | '^' | ';' | '\'' | '~'
            )
    };
    let Some(first) = text.chars().next() else { return false };
    (first.is_alphanumeric() || matches!(first, '/' | '.' | '_' | '(' | '$' | '^'))
        && text.chars().all(inner)
        && !text.contains(": ")
        && !text.ends_with([':', ' '])
        && !is_typed(text)
        && !text.starts_with("...")
}

/// How a value is written where nothing was.
pub fn written(new: &New) -> String {
    match new {
        New::Bool(bool) => bool.to_string(),
        New::Number(number) => number.clone(),
        New::Text(text) if is_plain(text) => text.clone(),
        New::Text(text) => quoted(text),
    }
}

fn quoted(text: &str) -> String {
    if needs_escapes(text) { double(text) } else { format!("'{}'", text.replace('\'', "''")) }
}

fn needs_escapes(text: &str) -> bool {
    text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'))
}

fn double(text: &str) -> String {
    use std::fmt::Write;
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if needs_escapes(c.encode_utf8(&mut [0; 4])) => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A value in the place of another, quoted as that one was where it is text.
pub fn instead(text: &str, node: &Node, new: &New) -> Option<Splice> {
    let Kind::Scalar { text: old_text, old } = &node.kind else { return None };
    let was = &text[node.span.clone()];
    let with = match new {
        New::Text(text) if *old == Old::Text && text == old_text => return None,
        New::Text(text) if was.starts_with('"') => double(text),
        New::Text(text) if was.starts_with('\'') => quoted(text),
        new => written(new),
    };
    if with == was {
        return None;
    }
    if node.span.is_empty() {
        // Behind the colon of its key; it is not in a place of its own.
        let colon = node.key_end.and_then(|end| text[end..].find(':').map(|found| end + found + 1));
        let at = colon.unwrap_or(node.span.start);
        let after = if text[at..].starts_with([' ', '\t', '\n', '\r']) || at == text.len() { "" } else { " " };
        return Some(Splice { range: at..at, with: format!(" {with}{after}") });
    }
    // A block of text ends with its line.
    let ends = if was.ends_with('\n') { crate::text::line_end(text) } else { "" };
    Some(Splice { range: node.span.clone(), with: format!("{with}{ends}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_quoted_where_it_would_be_something_else() {
        for (text, yaml) in [
            ("Hallo Welt", "Hallo Welt"),
            ("0.0.0.0:25565", "0.0.0.0:25565"),
            ("127.0.0.1", "127.0.0.1"),
            ("/srv/container", "/srv/container"),
            ("25565", "'25565'"),
            ("1.5", "'1.5'"),
            ("0x1F", "'0x1F'"),
            ("12:30:45", "'12:30:45'"),
            ("2001-12-14", "'2001-12-14'"),
            ("1_000", "'1_000'"),
            ("no", "'no'"),
            ("On", "'On'"),
            ("", "''"),
            ("~", "'~'"),
            (" a", "' a'"),
            ("a: b", "'a: b'"),
            ("a #b", "'a #b'"),
            ("- a", "'- a'"),
            ("&1Server", "'&1Server'"),
            ("it's", "it's"),
            ("'x'", "'''x'''"),
            ("a, b", "'a, b'"),
            ("a\nb", "\"a\\nb\""),
            ("\u{1b}\"", "\"\\u001b\\\"\""),
        ] {
            assert_eq!(written(&New::Text(text.to_owned())), yaml);
        }
    }
}
