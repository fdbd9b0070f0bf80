//! XML 1.0: elements by path, their text or one attribute. No entity but the five of XML is known, and no document type
//! is read: nothing in a file can name another.

mod scan;

use scan::{Document, Element, Piece};

use crate::text::{Splice, indent_at, line_end};
use crate::value::plain;
use crate::{Change, EditError, Set, WarningKind};

/// One step down.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Tag {
    name: String,
    /// Only with this attribute.
    with: Option<(String, String)>,
    /// Only this one of its name, from 1.
    number: Option<usize>,
}

pub fn set(text: &str, set: &Set<'_>) -> Result<Change, EditError> {
    let tags = tags(&set.key.key)?;
    let document = scan::document(text)?;
    let mut change = Change::default();
    let Some(root) = document.root else {
        begin(text, &tags, set, &mut change)?;
        return Ok(change);
    };
    if !fits(&document.elements[root], &tags[0]) || tags[0].number.is_some_and(|number| number != 1) {
        change.warnings.push(WarningKind::InTheWay);
        return Ok(change);
    }
    let value = plain(&set.key.value);
    let many = tags.iter().any(|tag| tag.name == "*");
    let mut here = vec![root];
    for (depth, tag) in tags.iter().enumerate().skip(1) {
        let mut next = Vec::new();
        for at in &here {
            let found: Vec<usize> =
                children(&document, *at).filter(|child| fits(&document.elements[*child], tag)).collect();
            match tag.number {
                Some(number) => next.extend(found.get(number - 1)),
                None => next.extend(found),
            }
        }
        if next.is_empty() {
            // Made below the first that is there, as long as nothing says "all".
            if set.condition.makes() && !many && tag.number.is_none_or(|number| number == 1) {
                make(text, &document, here[0], &tags[depth..], set, &mut change)?;
            } else if set.condition.makes() {
                change.warnings.push(WarningKind::NoElement);
            }
            return Ok(change);
        }
        here = next;
    }
    if here.len() > 1 && !many {
        change.warnings.push(WarningKind::Several(here.len()));
    }
    for at in here {
        match attribute(&value) {
            Some((name, _)) => set_attribute(text, &document.elements[at], &name, set, &mut change)?,
            None => set_text(text, &document.elements[at], set, &mut change)?,
        }
    }
    Ok(change)
}

/// Parted at the dots outside of brackets.
fn tags(key: &str) -> Result<Vec<Tag>, EditError> {
    let bad = |why: &str| EditError::Key { key: key.to_owned(), why: why.to_owned() };
    let mut parts = vec![String::new()];
    let (mut depth, mut quote) = (0_usize, None);
    for c in key.chars() {
        match (c, quote) {
            ('.', None) if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            ('[', None) => depth += 1,
            (']', None) => {
                depth = depth.checked_sub(1).ok_or_else(|| bad("a bracket is closed that was not opened"))?
            }
            ('\'' | '"', None) if depth > 0 => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    if parts.len() > crate::DEPTH_MAX || parts.iter().filter(|part| part.starts_with('*')).count() > 1 {
        return Err(bad("it has too many names, or more than one `*`"));
    }
    parts.iter().map(|part| tag(part).ok_or_else(|| bad("a part of it is no name of an element"))).collect()
}

fn tag(part: &str) -> Option<Tag> {
    let (name, brackets) = match part.split_once('[') {
        Some((name, rest)) => (name, Some(rest.strip_suffix(']')?)),
        None => (part, None),
    };
    if name != "*" && !scan::is_name(name) {
        return None;
    }
    let mut tag = Tag { name: name.to_owned(), with: None, number: None };
    match brackets {
        None => {}
        Some(number) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            tag.number = Some(number.parse().ok().filter(|number| *number > 0)?);
        }
        Some(with) => {
            let (name, value) = with.strip_prefix('@')?.split_once('=')?;
            let quote = value.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
            let value = value.strip_prefix(quote)?.strip_suffix(quote)?;
            tag.with = scan::is_name(name).then(|| (name.to_owned(), value.to_owned()));
            tag.with.as_ref()?;
        }
    }
    Some(tag)
}

/// A value of the form `[attr='x']`, which is an attribute.
fn attribute(value: &str) -> Option<(String, String)> {
    let (name, value) = value.strip_prefix('[')?.strip_suffix("']")?.split_once("='")?;
    scan::is_name(name).then(|| (name.to_owned(), value.to_owned()))
}

fn fits(element: &Element, tag: &Tag) -> bool {
    let named = tag.name == "*" || element.name == tag.name;
    let with = |(name, value): &(String, String)| {
        element.attributes.iter().any(|attribute| attribute.name == *name && attribute.value == *value)
    };
    named && tag.with.as_ref().is_none_or(with)
}

fn children(document: &Document, at: usize) -> impl Iterator<Item = usize> {
    document.elements[at].pieces.iter().filter_map(|piece| match piece {
        Piece::Element(child) => Some(*child),
        _ => None,
    })
}

fn set_attribute(
    text: &str,
    element: &Element,
    name: &str,
    set: &Set<'_>,
    change: &mut Change,
) -> Result<(), EditError> {
    let there = element.attributes.iter().find(|attribute| attribute.name == name);
    let Some(there) = there else {
        if set.condition.makes()
            && let Some((_, value)) = attribute(&plain(&set.key.value))
        {
            let at = element.name_end;
            change.splices.push(Splice { range: at..at, with: format!(" {name}=\"{}\"", escaped(&value, true, set)?) });
        }
        return Ok(());
    };
    // The condition is on the attribute's value, and what it makes of it is again of the form.
    let Some(new) = set.condition.instead_of(&there.value, &set.key.value) else { return Ok(()) };
    let new = plain(&new);
    let value = attribute(&new).map_or(new, |(_, value)| value);
    if value != there.value {
        // Its own quotes stay.
        let quote = &text[there.inner.start - 1..there.inner.start];
        let mut with = escaped(&value, true, set)?;
        if quote == "'" {
            with = with.replace('\'', "&apos;");
        }
        change.splices.push(Splice { range: there.inner.clone(), with });
    }
    Ok(())
}

fn set_text(text: &str, element: &Element, set: &Set<'_>, change: &mut Change) -> Result<(), EditError> {
    if element.pieces.iter().any(|piece| matches!(piece, Piece::Element(_))) {
        change.warnings.push(WarningKind::Nested);
        return Ok(());
    }
    let old: String = element.pieces.iter().map(|piece| piece.text(text)).collect();
    let Some(value) = set.condition.instead_of(&old, &set.key.value) else { return Ok(()) };
    let value = plain(&value);
    if value == old {
        return Ok(());
    }
    let with = escaped(&value, false, set)?;
    let Some(close) = element.close.clone() else {
        // `<a/>`: opened.
        let end = element.open.end;
        let slash = text[..end].rfind('/').unwrap_or(end - 1);
        let from = text[..slash].trim_end().len();
        change.splices.push(Splice { range: from..end, with: format!(">{with}</{}>", element.name) });
        return Ok(());
    };
    let texts: Vec<_> = element
        .pieces
        .iter()
        .filter_map(|piece| match piece {
            Piece::Text(range) | Piece::Data(range) => Some(range.clone()),
            _ => None,
        })
        .collect();
    // The first text becomes the value, further ones go; comments among them stay.
    match texts.split_first() {
        None => change.splices.push(Splice { range: close.start..close.start, with }),
        Some((first, others)) => {
            change.splices.push(Splice { range: first.clone(), with });
            change.splices.extend(others.iter().map(|range| Splice { range: range.clone(), with: String::new() }));
        }
    }
    Ok(())
}

/// Elements that are missing, as lines.
fn made(tags: &[Tag], set: &Set<'_>, indent: &str, end: &str) -> Result<String, EditError> {
    let Some((tag, rest)) = tags.split_first() else { return Ok(String::new()) };
    let mut head = tag.name.clone();
    if let Some((name, value)) = &tag.with {
        head.push_str(&format!(" {name}=\"{}\"", escaped(value, true, set)?));
    }
    if !rest.is_empty() {
        let inner = made(rest, set, &format!("{indent}  "), end)?;
        return Ok(format!("{indent}<{head}>{end}{inner}{end}{indent}</{}>", tag.name));
    }
    let value = plain(&set.key.value);
    match attribute(&value) {
        Some((name, value)) => Ok(format!("{indent}<{head} {name}=\"{}\"/>", escaped(&value, true, set)?)),
        None => Ok(format!("{indent}<{head}>{}</{}>", escaped(&value, false, set)?, tag.name)),
    }
}

/// Puts what is missing into an element, behind its last child.
fn make(
    text: &str,
    document: &Document,
    at: usize,
    tags: &[Tag],
    set: &Set<'_>,
    change: &mut Change,
) -> Result<(), EditError> {
    let (element, end) = (&document.elements[at], line_end(text));
    let has_text = element.pieces.iter().any(|piece| !piece.text(text).trim().is_empty());
    let last = children(document, at).last().map(|child| &document.elements[child]);
    if has_text {
        change.warnings.push(WarningKind::InTheWay);
        return Ok(());
    }
    if let Some(last) = last {
        let indent = indent_at(text, last.open.start);
        // Its neighbour has a line of its own, or stands behind others.
        let alone = text[..last.open.start].ends_with(&format!("\n{indent}"));
        let new = made(tags, set, if alone { indent } else { "" }, end)?;
        let place = last.end();
        let with = if alone { format!("{end}{new}") } else { new };
        change.splices.push(Splice { range: place..place, with });
        return Ok(());
    }
    let outer = indent_at(text, element.open.start).to_owned();
    let new = made(tags, set, &format!("{outer}  "), end)?;
    let inner = format!("{end}{new}{end}{outer}");
    match &element.close {
        Some(close) => {
            // Only blanks are between them, or a comment, behind which it goes.
            let kept = text[element.open.end..close.start].trim_end().len() + element.open.end;
            change.splices.push(Splice { range: kept..close.start, with: inner });
        }
        None => {
            let range = element.open.clone();
            let slash = text[range.clone()].rfind('/').map_or(range.end - 1, |found| range.start + found);
            let from = text[..slash].trim_end().len();
            change.splices.push(Splice { range: from..range.end, with: format!(">{inner}</{}>", element.name) });
        }
    }
    Ok(())
}

/// A file without any element.
fn begin(text: &str, tags: &[Tag], set: &Set<'_>, change: &mut Change) -> Result<(), EditError> {
    let makes = tags.iter().all(|tag| tag.name != "*" && tag.number.is_none_or(|number| number == 1));
    if !set.condition.makes() {
        return Ok(());
    }
    if !makes {
        change.warnings.push(WarningKind::NoElement);
        return Ok(());
    }
    let end = line_end(text);
    let head =
        if text.trim().is_empty() { format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>{end}") } else { String::new() };
    let gap = if text.is_empty() || text.ends_with('\n') { "" } else { end };
    let with = format!("{gap}{head}{}{end}", made(tags, set, "", end)?);
    change.splices.push(Splice { range: text.len()..text.len(), with });
    Ok(())
}

fn escaped(value: &str, attribute: bool, set: &Set<'_>) -> Result<String, EditError> {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' if attribute => out.push_str("&quot;"),
            '\n' | '\t' if attribute => out.push_str(&format!("&#{};", u32::from(c))),
            '\r' => out.push_str("&#13;"),
            '\n' | '\t' => out.push(c),
            // XML has no way to say these; section 2.2.
            c if c.is_ascii_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                let why = format!("XML cannot hold the character U+{:04X}", u32::from(c));
                return Err(EditError::Value { key: set.key.key.clone(), why });
            }
            c => out.push(c),
        }
    }
    Ok(out)
}
