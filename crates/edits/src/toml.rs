//! TOML: values replaced where they stand, new keys as lines of their table.

use std::ops::Range;

use toml_edit::{Document, Item, Table, Value};

use crate::key::{Step, steps};
use crate::text::{Splice, after_line, line_end, line_of};
use crate::value::{New, Old};
use crate::{Change, EditError, Set, WarningKind};

pub fn set(text: &str, set: &Set<'_>) -> Result<Change, EditError> {
    let steps = steps(&set.key.key)?;
    let document = Document::parse(text).map_err(|error| EditError::Syntax {
        line: error.span().map_or(1, |span| line_of(text, span.start)),
        why: error.message().to_owned(),
    })?;
    let mut go = Go { text, set, change: Change::default() };
    let root = Above { table: Some(document.as_table()), head: None, path: Vec::new() };
    go.table(document.as_table(), &root, &steps);
    Ok(go.change)
}

/// The table with a head that something is in, and the way from it down.
#[derive(Clone)]
struct Above<'d> {
    /// `None` where it has no head of its own, being named only by those below it.
    table: Option<&'d Table>,
    /// Its head; none for the root.
    head: Option<Range<usize>>,
    /// Names from the root, of what has come last.
    path: Vec<String>,
}

struct Go<'t, 'k> {
    text: &'t str,
    set: &'t Set<'k>,
    change: Change,
}

impl Go<'_, '_> {
    fn warn(&mut self, kind: WarningKind) {
        self.change.warnings.push(kind);
    }

    fn item(&mut self, item: &Item, above: &Above<'_>, steps: &[Step]) {
        match item {
            Item::Table(table) => {
                let mut inner = above.clone();
                if !table.is_dotted() {
                    inner.table = (!table.is_implicit()).then_some(table);
                    inner.head = table.span();
                }
                self.table(table, &inner, steps);
            }
            Item::ArrayOfTables(tables) => match steps.split_first() {
                Some((Step::Element(number), rest)) => match tables.get(*number) {
                    Some(table) => self.element(table, above, rest),
                    None => self.warn(WarningKind::NoElement),
                },
                Some((Step::Any, rest)) => {
                    for table in tables {
                        self.element(table, above, rest);
                    }
                }
                Some(_) => self.warn(WarningKind::InTheWay),
                None => self.warn(WarningKind::Nested),
            },
            Item::Value(value) => self.value(value, steps),
            Item::None => self.warn(WarningKind::InTheWay),
        }
    }

    fn element(&mut self, table: &Table, above: &Above<'_>, steps: &[Step]) {
        let inner = Above { table: Some(table), head: table.span(), path: above.path.clone() };
        self.table(table, &inner, steps);
    }

    fn table(&mut self, table: &Table, above: &Above<'_>, steps: &[Step]) {
        match steps.split_first() {
            None => self.warn(WarningKind::Nested),
            Some((Step::Name(name), rest)) => match table.get(name) {
                Some(item) => {
                    let mut inner = above.clone();
                    inner.path.push(name.clone());
                    self.item(item, &inner, rest);
                }
                None => self.new_key(table, above, steps),
            },
            Some((Step::Any, rest)) => {
                for (name, item) in table {
                    let mut inner = above.clone();
                    inner.path.push(name.to_owned());
                    self.item(item, &inner, rest);
                }
            }
            Some((Step::Element(_), _)) => self.warn(WarningKind::InTheWay),
        }
    }

    fn value(&mut self, value: &Value, steps: &[Step]) {
        match (value, steps.split_first()) {
            (Value::Array(_), None) | (Value::InlineTable(_), None) => self.warn(WarningKind::Nested),
            (_, None) => self.replace(value),
            (Value::Array(array), Some((Step::Element(number), rest))) => match array.get(*number) {
                Some(item) => self.value(item, rest),
                None if *number == array.len() && rest.is_empty() && self.set.condition.makes() => {
                    let last = array.iter().last().and_then(Value::span).map(|span| span.end);
                    let new = written(&New::of(&self.set.key.value, None));
                    self.put_in(array.span(), last, &new);
                }
                None => self.warn(WarningKind::NoElement),
            },
            (Value::Array(array), Some((Step::Any, rest))) => {
                for item in array {
                    self.value(item, rest);
                }
            }
            (Value::InlineTable(table), Some((Step::Name(name), rest))) => match table.get(name) {
                Some(item) => self.value(item, rest),
                None => self.new_inline(table, steps),
            },
            (Value::InlineTable(table), Some((Step::Any, rest))) => {
                for (_, item) in table {
                    self.value(item, rest);
                }
            }
            _ => self.warn(WarningKind::InTheWay),
        }
    }

    fn replace(&mut self, value: &Value) {
        let Some(span) = value.span() else { return };
        let was = &self.text[span.clone()];
        let (old_text, old) = match value {
            Value::String(text) => (text.value().clone(), Old::Text),
            Value::Integer(_) | Value::Float(_) => (was.to_owned(), Old::Number),
            Value::Boolean(_) => (was.to_owned(), Old::Bool),
            _ => (was.to_owned(), Old::Text),
        };
        let Some(new) = self.set.condition.instead_of(&old_text, &self.set.key.value) else { return };
        let new = New::of(&new, Some(old));
        if new.retypes(old) {
            self.warn(WarningKind::Retyped);
        }
        let same = matches!((&new, value), (New::Text(text), Value::String(_)) if *text == old_text);
        let with = match &new {
            // Its own quotes stay where they can hold it.
            New::Text(text) if was.starts_with('\'') && !was.starts_with("'''") && is_literal(text) => {
                format!("'{text}'")
            }
            new => written(new),
        };
        if !same && with != was {
            self.change.splices.push(Splice { range: span, with });
        }
    }

    /// A key that a table does not have: a line behind its last one, or behind its head.
    fn new_key(&mut self, table: &Table, above: &Above<'_>, steps: &[Step]) {
        let Some(names) = self.names(steps) else { return };
        let new = written(&New::of(&self.set.key.value, None));
        let end = line_end(self.text);
        let root = above.head.is_none();
        let inner: Vec<&str> = names.iter().map(String::as_str).collect();
        let Some(holder) = above.table.filter(|_| !root || names.len() == 1 || table.is_dotted()) else {
            // A table of its own, at the end.
            let all: Vec<&str> = above.path.iter().map(String::as_str).chain(inner).collect();
            let (key, head) = all.split_last().map_or(("", &[][..]), |(key, head)| (*key, head));
            let gap = if self.text.trim().is_empty() { "" } else { end };
            let line = format!("{gap}[{}]{end}{} = {new}", dotted(head), quoted_key(key));
            self.change.splices.push(after_line(self.text, self.text.len(), &line));
            return;
        };
        // Names from the table with the head on.
        let mut from_head: Vec<&str> = Vec::new();
        if table.is_dotted() {
            from_head.extend(way(holder, table));
        }
        from_head.extend(inner);
        let line = format!("{} = {new}", dotted(&from_head));
        let last = last_value(if table.is_dotted() { table } else { holder })
            .or_else(|| above.head.clone().map(|head| head.end));
        self.change.splices.push(match last {
            Some(at) => after_line(self.text, at, &line),
            // The root has none yet: before the first table, comments at the top included.
            None => Splice { range: 0..0, with: format!("{line}{end}") },
        });
    }

    fn new_inline(&mut self, table: &toml_edit::InlineTable, steps: &[Step]) {
        let Some(names) = self.names(steps) else { return };
        let inner: Vec<&str> = names.iter().map(String::as_str).collect();
        let new = format!("{} = {}", dotted(&inner), written(&New::of(&self.set.key.value, None)));
        let last = table.iter().filter_map(|(_, value)| value.span()).map(|span| span.end).max();
        self.put_in(table.span(), last, &new);
    }

    /// Behind the last thing in brackets.
    fn put_in(&mut self, span: Option<Range<usize>>, last: Option<usize>, new: &str) {
        let Some(span) = span else { return };
        let splice = match last {
            Some(last) => Splice { range: last..last, with: format!(", {new}") },
            None if self.text[span.clone()].starts_with('{') => Splice { range: span, with: format!("{{ {new} }}") },
            None => Splice { range: span, with: format!("[{new}]") },
        };
        self.change.splices.push(splice);
    }

    /// The steps as names, where something may be made.
    fn names(&mut self, steps: &[Step]) -> Option<Vec<String>> {
        if !self.set.condition.makes() {
            return None;
        }
        let name = |step: &Step| match step {
            Step::Name(name) => Some(name.clone()),
            _ => None,
        };
        let names: Option<Vec<String>> = steps.iter().map(name).collect();
        if names.is_none() {
            self.warn(WarningKind::NoElement);
        }
        names
    }
}

/// Where the last value of a table ends, those of dotted keys included.
fn last_value(table: &Table) -> Option<usize> {
    table.get_values().into_iter().filter_map(|(_, value)| value.span()).map(|span| span.end).max()
}

/// Names from a table down to one that dotted keys in it make.
fn way<'d>(from: &'d Table, to: &Table) -> Vec<&'d str> {
    for (name, item) in from {
        let Item::Table(inner) = item else { continue };
        if std::ptr::eq(inner, to) {
            return vec![name];
        }
        if inner.is_dotted() {
            let rest = way(inner, to);
            if !rest.is_empty() {
                return [vec![name], rest].concat();
            }
        }
    }
    Vec::new()
}

fn written(new: &New) -> String {
    match new {
        New::Bool(bool) => bool.to_string(),
        New::Number(number) => number.clone(),
        New::Text(text) => quoted(text),
    }
}

/// Whether it can stand between single quotes.
fn is_literal(text: &str) -> bool {
    !text.contains('\'') && !text.chars().any(|c| c.is_control() && c != '\t')
}

fn quoted(text: &str) -> String {
    use std::fmt::Write;
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn quoted_key(name: &str) -> String {
    let bare = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if bare { name.to_owned() } else { quoted(name) }
}

fn dotted(names: &[&str]) -> String {
    names.iter().map(|name| quoted_key(name)).collect::<Vec<_>>().join(".")
}
