//! JSON (RFC 8259), with the comments and last commas that many servers allow in their files.

mod scan;

use crate::key::{Step, steps};
use crate::text::{Splice, indent_at, line_end};
use crate::tree::{Kind, Tree, at_places};
use crate::value::New;
use crate::{Change, EditError, Set, WarningKind};

pub fn set(text: &str, set: &Set<'_>) -> Result<Change, EditError> {
    let steps = steps(&set.key.key)?;
    let mut change = Change::default();
    if text.trim().is_empty() {
        return Ok(begin(text, &steps, set));
    }
    let tree = scan::tree(text)?;
    at_places(
        &tree,
        &steps,
        set,
        &mut change,
        &mut |at, change| {
            let Kind::Scalar { text: old_text, old } = &tree.nodes[at].kind else { return };
            let Some(value) = set.condition.instead_of(old_text, &set.key.value) else { return };
            let new = New::of(&value, Some(*old));
            if new.retypes(*old) {
                change.warnings.push(WarningKind::Retyped);
            }
            let same = matches!(&new, New::Text(text) if *old == crate::value::Old::Text && text == old_text);
            if !same && written(&new) != text[tree.nodes[at].span.clone()] {
                change.splices.push(Splice { range: tree.nodes[at].span.clone(), with: written(&new) });
            }
        },
        &mut |at, rest, change| change.splices.push(insert(text, &tree, at, rest, &New::of(&set.key.value, None))),
    );
    Ok(change)
}

fn written(new: &New) -> String {
    match new {
        New::Bool(bool) => bool.to_string(),
        New::Number(number) => number.clone(),
        New::Text(text) => quoted(text),
    }
}

fn quoted(text: &str) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Line separators end a line where JSON is read as JavaScript.
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A file that has nothing in it yet.
fn begin(text: &str, steps: &[Step], set: &Set<'_>) -> Change {
    let mut change = Change::default();
    if !set.condition.makes() {
        return change;
    }
    if steps.iter().any(|step| !matches!(step, Step::Name(_) | Step::Element(0))) {
        change.warnings.push(WarningKind::NoElement);
        return change;
    }
    let layout = Layout { end: line_end(text), unit: "    ".to_owned(), lines: true };
    let with = format!("{}{}", layout.made(steps, &New::of(&set.key.value, None), ""), layout.end);
    change.splices.push(Splice { range: 0..text.len(), with });
    change
}

/// How this file is laid out.
struct Layout {
    end: &'static str,
    /// One level of indentation.
    unit: String,
    /// Whether it has lines at all.
    lines: bool,
}

impl Layout {
    /// A value with all that is above it, as far as steps go; `indent` is that of the line it begins in.
    fn made(&self, steps: &[Step], new: &New, indent: &str) -> String {
        let Some((step, rest)) = steps.split_first() else { return written(new) };
        let inner = format!("{indent}{}", self.unit);
        let value = self.made(rest, new, &inner);
        let (open, close, value) = match step {
            Step::Name(name) => ("{", "}", format!("{}: {value}", quoted(name))),
            _ => ("[", "]", value),
        };
        if self.lines {
            format!("{open}{0}{inner}{value}{0}{indent}{close}", self.end)
        } else {
            format!("{open}{value}{close}")
        }
    }
}

/// Puts a value into a map or list that does not have it.
fn insert(text: &str, tree: &Tree, at: usize, steps: &[Step], new: &New) -> Splice {
    let node = &tree.nodes[at];
    let layout = Layout { end: line_end(text), unit: unit(text, tree), lines: text.trim().contains('\n') };
    let indent = indent_at(text, node.span.start).to_owned();
    let made = |indent: &str| {
        let value = layout.made(&steps[1..], new, indent);
        match &steps[0] {
            Step::Name(name) => format!("{}: {value}", quoted(name)),
            _ => value,
        }
    };
    // What is in it already: where it begins, key included, and where it ends.
    let (first, last) = match &node.kind {
        Kind::Map(entries) => {
            (entries.last().map(|(_, key, _)| key.start), entries.last().map(|(.., value)| tree.nodes[*value].span.end))
        }
        Kind::List(items) => {
            (items.last().map(|item| tree.nodes[*item].span.start), items.last().map(|item| tree.nodes[*item].span.end))
        }
        // Nothing is there, or null: all of it is new.
        _ => return Splice { range: node.span.clone(), with: layout.made(steps, new, &indent) },
    };
    let (Some(first), Some(last)) = (first, last) else {
        return Splice { range: node.span.clone(), with: layout.made(steps, new, &indent) };
    };
    // As its neighbour stands: in a line of its own, or behind it.
    let line = text[..first].rfind('\n').map_or(0, |found| found + 1);
    let own_line = line > 0 && text[line..first].trim().is_empty();
    let with = if own_line {
        let indent = &text[line..first];
        format!(",{}{indent}{}", layout.end, made(indent))
    } else {
        format!(", {}", made(&indent))
    };
    Splice { range: last..last, with }
}

/// One level of indentation, as the first thing in the root has it.
fn unit(text: &str, tree: &Tree) -> String {
    let root = tree.root.map(|root| &tree.nodes[root]);
    let first = root.and_then(|root| match &root.kind {
        Kind::Map(entries) => entries.first().map(|(_, key, _)| key.start),
        Kind::List(items) => items.first().map(|item| tree.nodes[*item].span.start),
        _ => None,
    });
    match first.map(|first| indent_at(text, first)) {
        Some(indent) if !indent.is_empty() => indent.to_owned(),
        _ => "    ".to_owned(),
    }
}
