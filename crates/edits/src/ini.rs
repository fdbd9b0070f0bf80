//! Sections of `key = value`.

use std::ops::Range;

use crate::text::{Splice, after_line, line_end, lines};
use crate::value::plain;
use crate::{Change, EditError, Set, WarningKind};

/// A line `key = value`.
struct Pair<'t> {
    key: &'t str,
    /// What is between key and value: ` = `.
    sign: &'t str,
    value: Range<usize>,
}

pub fn set(text: &str, set: &Set<'_>) -> Result<Change, EditError> {
    let (section, key) = parted(&set.key.key)?;
    let mut change = Change::default();
    let (mut here, mut found_section, mut sign) = (String::new(), section.is_empty(), None);
    // Where a new key goes: behind the last one of its section, else behind the section's head.
    let mut last = None;
    let mut first_head = None;
    let mut times = 0;
    for (at, line) in lines(text) {
        if let Some(name) = head(line) {
            here = name.to_owned();
            first_head.get_or_insert(at);
            if here == section {
                found_section = true;
                last = Some(at);
            }
            continue;
        }
        let Some(pair) = pair(at, line) else { continue };
        sign.get_or_insert(pair.sign);
        if here != section {
            continue;
        }
        last = Some(at);
        if pair.key != key {
            continue;
        }
        times += 1;
        let old = &text[pair.value.clone()];
        let (quoted, inner) = unquoted(old).map_or_else(|| (false, old.to_owned()), |inner| (true, inner));
        let Some(value) = set.condition.instead_of(&inner, &set.key.value) else { continue };
        let value = plain(&value);
        if value != inner {
            let with = written(&value, quoted, &set.key.key)?;
            // A comment behind no value stays one.
            let gap = if text[pair.value.end..].starts_with([';', '#']) { " " } else { "" };
            change.splices.push(Splice { range: pair.value, with: format!("{with}{gap}") });
        }
    }
    if times > 1 {
        change.warnings.push(WarningKind::Several(times));
    }
    if times > 0 || !set.condition.makes() {
        return Ok(change);
    }
    let line = format!("{key}{}{}", sign.unwrap_or("="), written(&plain(&set.key.value), false, &set.key.key)?);
    let end = line_end(text);
    change.splices.push(match (last, found_section) {
        (Some(at), _) => after_line(text, at, &line),
        // Before the first section, of a file that has nothing there yet.
        (None, true) if first_head.is_some() => {
            let at = first_head.unwrap_or(0);
            Splice { range: at..at, with: format!("{line}{end}") }
        }
        (None, true) => after_line(text, text.len(), &line),
        (None, false) => {
            let gap = if text.trim().is_empty() { "" } else { end };
            after_line(text, text.len(), &format!("{gap}[{section}]{end}{line}"))
        }
    });
    Ok(change)
}

/// Section and key: parted at the first dot outside of brackets. Brackets are dropped, so that `[a.b].c` is `c` in `a.b`.
fn parted(whole: &str) -> Result<(String, String), EditError> {
    let bad = |why: &str| EditError::Key { key: whole.to_owned(), why: why.to_owned() };
    let (mut section, mut key, mut depth) = (None, String::new(), 0_usize);
    for c in whole.chars() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.checked_sub(1).ok_or_else(|| bad("a bracket is closed that was not opened"))?,
            '.' if depth == 0 && section.is_none() => section = Some(std::mem::take(&mut key)),
            c => key.push(c),
        }
    }
    let (section, key) = (section.unwrap_or_default(), key.trim().to_owned());
    if key.is_empty()
        || key.contains(['=', '\n', '\r'])
        || key.starts_with([';', '#'])
        || section.contains(['\n', '\r'])
    {
        return Err(bad("it would be no key of an ini file"));
    }
    Ok((section, key))
}

fn head(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let inner = line.strip_prefix('[')?;
    inner.rfind(']').map(|end| inner[..end].trim())
}

fn pair(at: usize, line: &str) -> Option<Pair<'_>> {
    let trimmed = line.trim_start();
    if trimmed.is_empty() || trimmed.starts_with([';', '#']) {
        return None;
    }
    let sign = line.find('=').or_else(|| line.find(':'))?;
    let key = line[..sign].trim_end();
    let start = sign + 1 + (line[sign + 1..].len() - line[sign + 1..].trim_start().len());
    let end = start + value_length(&line[start..]);
    Some(Pair { key: key.trim_start(), sign: &line[key.len()..start], value: at + start..at + end })
}

/// Bytes of a value without a comment behind it: `;` after a blank, or `#` between blanks. A `#1` belongs to the value.
fn value_length(rest: &str) -> usize {
    if let Some(length) = quoted_length(rest) {
        return length;
    }
    let bytes = rest.as_bytes();
    let is_blank = |at: usize| bytes.get(at).is_none_or(|byte| matches!(byte, b' ' | b'\t'));
    let comment = (0..bytes.len()).find(|at| match bytes[*at] {
        b';' => *at == 0 || is_blank(at - 1),
        b'#' => (*at == 0 || is_blank(at - 1)) && (is_blank(at + 1) || bytes.get(at + 1) == Some(&b'#')),
        _ => false,
    });
    rest[..comment.unwrap_or(rest.len())].trim_end().len()
}

/// Bytes of a value in quotes, where it begins with one and ends.
fn quoted_length(rest: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in rest.strip_prefix('"')?.char_indices() {
        match c {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => return Some(at + 2),
            _ => escaped = false,
        }
    }
    None
}

fn written(value: &str, quoted: bool, key: &str) -> Result<String, EditError> {
    if value.chars().any(|c| c.is_control() && c != '\t') {
        let why = "it has a line break or control character, which would be lines of its own".to_owned();
        return Err(EditError::Value { key: key.to_owned(), why });
    }
    let fits = value == value.trim() && value_length(value) == value.len() && !value.starts_with('"');
    if !quoted && fits {
        return Ok(value.to_owned());
    }
    let with = format!("\"{}\"", value.replace('"', "\\\""));
    if quoted_length(&with) == Some(with.len()) && unquoted(&with).as_deref() == Some(value) {
        return Ok(with);
    }
    let why =
        "it needs quotes, and has backslashes beside quotes or at its end, which readers take differently".to_owned();
    Err(EditError::Value { key: key.to_owned(), why })
}

fn unquoted(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    Some(inner.replace("\\\"", "\""))
}
