//! What is not there yet: in a block by lines of its own, in brackets behind what is there.

use super::scalar::written;
use crate::key::Step;
use crate::text::{Splice, line_end};
use crate::tree::{Kind, Node, Tree};
use crate::value::New;

/// One level of indentation.
const UNIT: usize = 2;

/// A value with all that is above it, as lines without the last one's end.
pub fn block(steps: &[Step], new: &New, indent: usize, end: &str) -> String {
    let blanks = " ".repeat(indent);
    match steps {
        [] => format!("{blanks}{}", written(new)),
        [Step::Name(name), rest @ ..] => {
            let name = written(&New::Text(name.clone()));
            match rest {
                [] => format!("{blanks}{name}: {}", written(new)),
                // A list may stand as far left as its key.
                [Step::Element(_), ..] => format!("{blanks}{name}:{end}{}", block(rest, new, indent, end)),
                _ => format!("{blanks}{name}:{end}{}", block(rest, new, indent + UNIT, end)),
            }
        }
        [_, rest @ ..] => {
            let inner = block(rest, new, indent + UNIT, end);
            format!("{blanks}- {}", inner.trim_start_matches(' '))
        }
    }
}

/// The same in brackets.
fn flow(steps: &[Step], new: &New) -> String {
    match steps {
        [] => written(new),
        [Step::Name(name), rest @ ..] => format!("{{{}: {}}}", written(&New::Text(name.clone())), flow(rest, new)),
        [_, rest @ ..] => format!("[{}]", flow(rest, new)),
    }
}

/// Puts what steps say into `at`; `None` where it cannot be told how.
pub fn insert(text: &str, tree: &Tree, at: usize, (steps, root): (&[Step], bool), new: &New) -> Option<Vec<Splice>> {
    let node = &tree.nodes[at];
    if node.flow {
        return in_brackets(text, tree, node, steps, new).map(|splice| vec![splice]);
    }
    let end = line_end(text);
    match &node.kind {
        Kind::Map(_) => Some(vec![behind(text, node.span.end, &block(steps, new, node.indent, end))]),
        Kind::List(items) => {
            let dash = dash(text, tree.nodes[*items.first()?].span.start)?;
            Some(vec![behind(text, node.span.end, &block(steps, new, dash, end))])
        }
        Kind::Scalar { .. } => instead_of_nothing(text, node, steps, root, new),
        Kind::Alias => None,
    }
}

/// Where a key has nothing, or `null`: lines below it.
fn instead_of_nothing(text: &str, node: &Node, steps: &[Step], root: bool, new: &New) -> Option<Vec<Splice>> {
    let end = line_end(text);
    let mut splices = Vec::new();
    if !node.span.is_empty() {
        splices.push(Splice { range: node.span.clone(), with: String::new() });
    }
    let (at, indent) = match node.key_end {
        Some(key) => {
            let line = text[..key].rfind('\n').map_or(0, |found| found + 1);
            let above = text[line..key].chars().take_while(|c| matches!(c, ' ' | '-')).count();
            (key, if matches!(steps.first(), Some(Step::Element(_))) { above } else { above + UNIT })
        }
        None if root => (node.span.end, 0),
        // An element of a list.
        None => return None,
    };
    splices.push(behind(text, at, &block(steps, new, indent, end)));
    Some(splices)
}

/// Lines behind the line in which something ends.
fn behind(text: &str, at: usize, lines: &str) -> Splice {
    let end = line_end(text);
    // A block of text, and what ends with it, reaches over the end of its line.
    let inner = if at > 0 && text[..at].ends_with('\n') { at - 1 } else { at };
    match text[inner..].find('\n') {
        Some(found) => Splice { range: inner + found + 1..inner + found + 1, with: format!("{lines}{end}") },
        None => Splice { range: text.len()..text.len(), with: format!("{end}{lines}") },
    }
}

/// Column of the dash before an element.
fn dash(text: &str, item: usize) -> Option<usize> {
    let line = text[..item].rfind('\n').map_or(0, |found| found + 1);
    let before = &text[line..item];
    let dashes = before.trim_end();
    // Only where nothing but dashes stands before it is it clear whose dash it is.
    let clear = !dashes.is_empty() && dashes.chars().all(|c| matches!(c, '-' | ' '));
    clear.then(|| dashes.chars().count() - 1)
}

fn in_brackets(text: &str, tree: &Tree, node: &Node, steps: &[Step], new: &New) -> Option<Splice> {
    let value = flow(&steps[1..], new);
    let (made, last) = match (&node.kind, &steps[0]) {
        (Kind::Map(entries), Step::Name(name)) => (
            format!("{}: {value}", written(&New::Text(name.clone()))),
            entries.last().map(|(_, key, value)| end_of(text, &tree.nodes[*value], key.end)),
        ),
        (Kind::List(items), _) => (value, items.last().map(|item| tree.nodes[*item].span.end)),
        (Kind::Scalar { .. }, _) if !node.span.is_empty() => {
            return Some(Splice { range: node.span.clone(), with: flow(steps, new) });
        }
        _ => return None,
    };
    Some(match last {
        Some(last) => Splice { range: last..last, with: format!(", {made}") },
        None => Splice { range: node.span.start + 1..node.span.start + 1, with: made },
    })
}

/// Where the value of a key in brackets ends; without a value, behind the colon where there is one.
fn end_of(text: &str, value: &Node, key: usize) -> usize {
    if !value.span.is_empty() {
        return value.span.end;
    }
    let rest = &text[key..];
    let blanks = rest.len() - rest.trim_start().len();
    if rest[blanks..].starts_with(':') { key + blanks + 1 } else { key }
}
