//! Java properties, by the format of `java.util.Properties.load`:
//! <https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/util/Properties.html#load(java.io.Reader)>.

use std::fmt::Write;
use std::ops::Range;

use crate::text::{Splice, after_line};
use crate::value::plain;
use crate::{Change, EditError, Set, WarningKind};

struct Pair {
    key: String,
    value: Range<usize>,
}

pub fn set(text: &str, set: &Set<'_>) -> Result<Change, EditError> {
    if set.key.key.is_empty() {
        return Err(EditError::Key { key: String::new(), why: "it is empty".to_owned() });
    }
    let mut change = Change::default();
    let (mut times, mut last) = (0, text.len());
    for pair in pairs(text) {
        last = pair.value.end;
        if pair.key != set.key.key {
            continue;
        }
        times += 1;
        let old = unescaped(&text[pair.value.clone()]);
        let Some(value) = set.condition.instead_of(&old, &set.key.value) else { continue };
        let value = plain(&value);
        if value != old {
            // A key alone has no sign behind it.
            let before = &text[..pair.value.start];
            let sign =
                if pair.value.is_empty() && !before.ends_with(['=', ':', ' ', '\t', '\u{c}']) { "=" } else { "" };
            change.splices.push(Splice { range: pair.value, with: format!("{sign}{}", escaped(&value, false)) });
        }
    }
    if times > 1 {
        change.warnings.push(WarningKind::Several(times));
    }
    if times == 0 && set.condition.makes() {
        let line = format!("{}={}", escaped(&set.key.key, true), escaped(&plain(&set.key.value), false));
        // A last line that goes on would take the new one in.
        let goes_on = last == text.len() && ends_open(text);
        let line = if goes_on { format!("\n{line}") } else { line };
        change.splices.push(after_line(text, text.len(), &line));
    }
    Ok(change)
}

fn ends_open(line: &str) -> bool {
    line.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

/// Every pair, its value with the line breaks and blanks of its continuation lines in it.
fn pairs(text: &str) -> Vec<Pair> {
    const BLANK: [char; 3] = [' ', '\t', '\u{c}'];
    let mut pairs = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let start = at + (text[at..].len() - text[at..].trim_start_matches(BLANK).len());
        let comment = text[start..].starts_with(['#', '!']);
        // To the end of the logical line: one that no odd number of backslashes stands before.
        let mut end = start;
        loop {
            end += text[end..].find(['\n', '\r']).unwrap_or(text.len() - end);
            let next = end + break_length(&text[end..]);
            if comment || next == end || !ends_open(&text[start..end]) || next >= text.len() {
                at = next.max(end);
                break;
            }
            end = next + (text[next..].len() - text[next..].trim_start_matches(BLANK).len());
        }
        if comment || start == end {
            if at == start && at < text.len() {
                at += break_length(&text[at..]).max(1);
            }
            continue;
        }
        pairs.push(pair(text, start..end));
    }
    pairs
}

fn break_length(text: &str) -> usize {
    if text.starts_with("\r\n") { 2 } else { usize::from(text.starts_with(['\n', '\r'])) }
}

fn pair(text: &str, line: Range<usize>) -> Pair {
    let is_blank = |c: char| matches!(c, ' ' | '\t' | '\u{c}');
    let mut escaped = false;
    let key_end = text[line.clone()].char_indices().find(|(_, c)| {
        let ends = !escaped && (is_blank(*c) || matches!(c, '=' | ':'));
        escaped = *c == '\\' && !escaped;
        ends
    });
    let key_end = key_end.map_or(line.end, |(at, _)| line.start + at);
    let rest = &text[key_end..line.end];
    let after = rest.trim_start_matches(is_blank);
    let after = after.strip_prefix(['=', ':']).unwrap_or(after).trim_start_matches(is_blank);
    Pair { key: unescaped(&text[line.start..key_end]), value: line.end - after.len()..line.end }
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut units = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '\\' {
            flush(&mut out, &mut units);
            out.push(c);
            continue;
        }
        match rest.next() {
            Some('u') => {
                let digits: String = std::iter::from_fn(|| rest.next_if(char::is_ascii_hexdigit)).take(4).collect();
                units.push(u16::from_str_radix(&digits, 16).unwrap_or(0xfffd));
                continue;
            }
            Some(c @ ('\n' | '\r')) => {
                flush(&mut out, &mut units);
                if c == '\r' {
                    rest.next_if_eq(&'\n');
                }
                while rest.next_if(|c| matches!(c, ' ' | '\t' | '\u{c}')).is_some() {}
            }
            Some(c) => {
                flush(&mut out, &mut units);
                out.push(match c {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'f' => '\u{c}',
                    c => c,
                });
            }
            None => {}
        }
    }
    flush(&mut out, &mut units);
    out
}

/// `\u` escapes are of UTF-16: two may be one character.
fn flush(out: &mut String, units: &mut Vec<u16>) {
    out.extend(char::decode_utf16(units.drain(..)).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
}

/// What is not ASCII is escaped: half of the servers read these files as ISO 8859-1, the other half as UTF-8, and all
/// read the escape.
fn escaped(text: &str, key: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.chars().enumerate() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{c}' => out.push_str("\\f"),
            ' ' if key || at == 0 => out.push_str("\\ "),
            '=' | ':' if key => {
                out.push('\\');
                out.push(c);
            }
            '#' | '!' if key && at == 0 => {
                out.push('\\');
                out.push(c);
            }
            ' '..='~' => out.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_javas() {
        for (text, key, out) in [
            ("a b", false, "a b"),
            (" a", false, r"\ a"),
            ("a=b:c", true, r"a\=b\:c"),
            ("#x", true, r"\#x"),
            ("§aHallo\n", false, r"\u00a7aHallo\n"),
            ("😀", false, r"\ud83d\ude00"),
            (r"C:\x", false, r"C:\\x"),
        ] {
            assert_eq!(escaped(text, key), out);
            assert_eq!(unescaped(out), text);
        }
        assert_eq!(unescaped("a\\\r\n   b"), "ab");
        assert_eq!(unescaped(r"\q\u00"), "q\0");
    }

    #[test]
    fn pairs_are_logical_lines() {
        let text = "# a\\\nb=1\n  c : x\\\n   y\n!d\n\ne\nf=\\\\\ng h\r\ni=";
        let found: Vec<_> =
            pairs(text).into_iter().map(|pair| (pair.key, unescaped(&text[pair.value.clone()]))).collect();
        let expected = [("b", "1"), ("c", "xy"), ("e", ""), ("f", "\\"), ("g", "h"), ("i", "")];
        assert_eq!(found, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }
}
