//! From a text of YAML to its values and their places, by the events of a parser. Of several documents the first counts.

use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};

use super::scalar;
use crate::tree::{Kind, Node, Tree};
use crate::value::Old;
use crate::{DEPTH_MAX, EditError};

/// A collection that is being read.
struct Open {
    map: bool,
    flow: bool,
    start: usize,
    /// Key that waits for its value, with its place.
    key: Option<(String, Range<usize>)>,
    entries: Vec<(String, Range<usize>, usize)>,
    items: Vec<usize>,
    key_end: Option<usize>,
    indent: usize,
}

pub fn tree(text: &str) -> Result<Tree, EditError> {
    let mut tree = Tree::default();
    let mut open: Vec<Open> = Vec::new();
    // Keys that are no scalars are no names: they and all in them are passed.
    for event in Parser::new_from_str(text) {
        let (event, span) =
            event.map_err(|error| EditError::Syntax { line: error.marker().line(), why: error.info().to_owned() })?;
        match event {
            Event::Scalar(value, style, _, tag) => {
                let range = range(&span);
                let is_key = open.last().is_some_and(|open| open.map && open.key.is_none());
                if is_key {
                    if let Some(open) = open.last_mut() {
                        if open.entries.is_empty() {
                            open.indent = span.start.col();
                        }
                        open.key = Some((value.into_owned(), range));
                    }
                    continue;
                }
                let plain = style == ScalarStyle::Plain;
                let range = match style {
                    ScalarStyle::Literal | ScalarStyle::Folded => with_head(text, &open, range),
                    _ => range,
                };
                let old = if plain && tag.is_none() { scalar::kind(&value) } else { Old::Text };
                let kind = Kind::Scalar { text: value.into_owned(), old };
                add(&mut tree, &mut open, kind, range);
            }
            Event::Alias(_) => {
                let range = range(&span);
                match open.last_mut() {
                    Some(open) if open.map && open.key.is_none() => open.key = Some((String::new(), range)),
                    _ => add(&mut tree, &mut open, Kind::Alias, range),
                }
            }
            Event::SequenceStart(style, ..) => begin(&mut open, false, style, &span)?,
            Event::MappingStart(style, ..) => begin(&mut open, true, style, &span)?,
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(done) = open.pop() else { continue };
                let end = if done.flow { range(&span).end } else { last_end(&tree, &done) };
                let kind = if done.map { Kind::Map(done.entries) } else { Kind::List(done.items) };
                match open.last_mut() {
                    // A collection as a key.
                    Some(above) if above.map && above.key.is_none() => {
                        above.key = Some((String::new(), done.start..end));
                        continue;
                    }
                    _ => {}
                }
                let flow = done.flow;
                let at =
                    tree.push(Node { kind, span: done.start..end, flow, key_end: done.key_end, indent: done.indent });
                put(&mut tree, &mut open, at);
            }
            _ => {}
        }
    }
    Ok(tree)
}

fn range(span: &Span) -> Range<usize> {
    span.byte_range().unwrap_or(0..0)
}

/// A block of text with its `|` or `>`: that is in the last line before it that is not blank, behind the key.
fn with_head(text: &str, open: &[Open], range: Range<usize>) -> Range<usize> {
    let before = text[..range.start].trim_end();
    let line = before.rfind('\n').map_or(0, |found| found + 1);
    let key = open.last().and_then(|open| open.key.as_ref()).map_or(0, |(_, key)| key.end);
    let from = line.max(key);
    let head = before[from.min(before.len())..].match_indices([' ', '\t', '-', ':']).find_map(|(at, _)| {
        let next = from + at + 1;
        before[next..].starts_with(['|', '>']).then_some(next)
    });
    // Without one it is an empty block, whose head is where it says it begins.
    head.map_or(range.clone(), |start| start..range.end)
}

fn begin(open: &mut Vec<Open>, map: bool, style: StructureStyle, span: &Span) -> Result<(), EditError> {
    if open.len() >= DEPTH_MAX {
        return Err(EditError::Depth);
    }
    let flow = style == StructureStyle::Flow || open.last().is_some_and(|open| open.flow);
    let key_end = open.last().and_then(|open| open.key.as_ref()).map(|(_, key)| key.end);
    let (start, indent) = (range(span).start, span.start.col());
    open.push(Open { map, flow, start, key: None, entries: Vec::new(), items: Vec::new(), key_end, indent });
    Ok(())
}

fn add(tree: &mut Tree, open: &mut [Open], kind: Kind, span: Range<usize>) {
    let key_end = open.last().and_then(|open| open.key.as_ref()).map(|(_, key)| key.end);
    let flow = open.last().is_some_and(|open| open.flow);
    let at = tree.push(Node { kind, span, flow, key_end, indent: 0 });
    put(tree, open, at);
}

fn put(tree: &mut Tree, open: &mut [Open], at: usize) {
    match open.last_mut() {
        Some(open) if open.map => {
            if let Some((key, span)) = open.key.take() {
                open.entries.push((key, span, at));
            }
        }
        Some(open) => open.items.push(at),
        None if tree.root.is_none() => tree.root = Some(at),
        None => {}
    }
}

/// Where a block ends: with the last thing in it that is there at all.
fn last_end(tree: &Tree, done: &Open) -> usize {
    let of = |at: usize, key_end: usize| {
        let node = &tree.nodes[at];
        if node.span.is_empty() { key_end } else { node.span.end.max(key_end) }
    };
    let entries = done.entries.last().map(|(_, key, value)| of(*value, key.end));
    entries.or_else(|| done.items.last().map(|item| of(*item, done.start))).unwrap_or(done.start)
}
