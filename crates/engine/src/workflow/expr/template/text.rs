//! Where the expressions of a string begin and end.

use crate::workflow::expr::error::{ExprError, Refusal};

/// A part of a string.
#[derive(PartialEq, Debug)]
pub(super) enum Part<'a> {
    /// As it is, escapes undone.
    Text(String),
    Expression {
        source: &'a str,
        /// Characters of the string before the expression.
        before: usize,
    },
}

const OPEN: &str = "${{";

/// Cuts a string into texts and expressions. Neighbouring texts are one.
pub(super) fn parts(whole: &str) -> Result<Vec<Part<'_>>, ExprError> {
    let (mut parts, mut text, mut at) = (Vec::new(), String::new(), 0);
    while let Some(found) = whole[at..].find(OPEN) {
        let open = at + found;
        if let Some(escaped) = whole[at..open].strip_suffix('$') {
            text.push_str(escaped);
            text.push_str(OPEN);
            at = open + OPEN.len();
            continue;
        }
        text.push_str(&whole[at..open]);
        if !text.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut text)));
        }
        let start = open + OPEN.len();
        let Some(length) = end(&whole[start..]) else {
            let mut error = ExprError::new(
                Refusal::Syntax,
                "An expression begins and does not end.",
                "Close it with `}}`, or write `$${{` for the three characters themselves.",
            );
            error.column = Some(whole[..open].chars().count() + 1);
            return Err(error);
        };
        let source = &whole[start..start + length];
        let trimmed = source.trim_start();
        let begin = start + source.len() - trimmed.len();
        parts.push(Part::Expression { source: trimmed.trim_end(), before: whole[..begin].chars().count() });
        at = start + length + "}}".len();
    }
    text.push_str(&whole[at..]);
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    Ok(parts)
}

/// Bytes up to the `}}` that closes the expression: not one in a text, nor the end of objects in each other.
fn end(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let (mut at, mut open) = (0, 0_usize);
    while at < bytes.len() {
        match bytes[at] {
            b'}' if open == 0 && bytes.get(at + 1) == Some(&b'}') => return Some(at),
            b'}' => open = open.saturating_sub(1),
            b'{' => open += 1,
            b'"' | b'\'' => at = after_text(bytes, at)? - 1,
            _ => {}
        }
        at += 1;
    }
    None
}

/// Past the text in quotes that begins here.
fn after_text(bytes: &[u8], at: usize) -> Option<usize> {
    let quote = bytes[at];
    let raw = at > 0
        && matches!(bytes[at - 1], b'r' | b'R')
        && !bytes.get(at.wrapping_sub(2)).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let triple = bytes[at..].starts_with(&[quote; 3]);
    let closing: &[u8] = if triple { &[quote; 3] } else { &[quote] };
    let mut at = at + closing.len();
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if !raw => at += 1,
            _ if bytes[at..].starts_with(closing) => return Some(at + closing.len()),
            _ => {}
        }
        at += 1;
    }
    None
}
