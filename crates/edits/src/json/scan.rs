//! From a text of JSON to its values and their places.

use std::ops::Range;

use crate::text::line_of;
use crate::tree::{Kind, Node, Tree};
use crate::value::{Old, is_number};
use crate::{DEPTH_MAX, EditError};

struct Scan<'t> {
    text: &'t str,
    at: usize,
    tree: Tree,
}

pub fn tree(text: &str) -> Result<Tree, EditError> {
    let mut scan = Scan { text, at: 0, tree: Tree::default() };
    let root = scan.value(0)?;
    scan.blank()?;
    if scan.at < text.len() {
        return Err(scan.wrong("there is more behind the end"));
    }
    scan.tree.root = Some(root);
    Ok(scan.tree)
}

impl Scan<'_> {
    fn wrong(&self, why: &str) -> EditError {
        EditError::Syntax { line: line_of(self.text, self.at), why: why.to_owned() }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Over blanks and comments.
    fn blank(&mut self) -> Result<(), EditError> {
        loop {
            let rest = &self.text[self.at..];
            if rest.starts_with([' ', '\t', '\n', '\r']) {
                self.at += 1;
            } else if rest.starts_with("//") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                let end = rest.find("*/").ok_or_else(|| self.wrong("a comment does not end"))?;
                self.at += end + 2;
            } else {
                return Ok(());
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<usize, EditError> {
        if depth > DEPTH_MAX {
            return Err(EditError::Depth);
        }
        self.blank()?;
        let start = self.at;
        let kind = match self.peek() {
            Some(b'{') => self.map(depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b'"') => Kind::Scalar { text: self.string()?, old: Old::Text },
            _ => self.word()?,
        };
        Ok(self.tree.push(Node { kind, span: start..self.at, flow: true, key_end: None, indent: 0 }))
    }

    fn map(&mut self, depth: usize) -> Result<Kind, EditError> {
        self.at += 1;
        let mut entries = Vec::new();
        loop {
            self.blank()?;
            match self.peek() {
                Some(b'}') => break,
                Some(b'"') => {}
                _ => return Err(self.wrong("a key in quotes, or `}`, is missing")),
            }
            let start = self.at;
            let key = self.string()?;
            let span: Range<usize> = start..self.at;
            self.blank()?;
            if self.peek() != Some(b':') {
                return Err(self.wrong("a `:` is missing"));
            }
            self.at += 1;
            let value = self.value(depth + 1)?;
            entries.push((key, span, value));
            if !self.goes_on(b'}')? {
                break;
            }
        }
        self.at += 1;
        Ok(Kind::Map(entries))
    }

    fn list(&mut self, depth: usize) -> Result<Kind, EditError> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.blank()?;
            if self.peek() == Some(b']') {
                break;
            }
            items.push(self.value(depth + 1)?);
            if !self.goes_on(b']')? {
                break;
            }
        }
        self.at += 1;
        Ok(Kind::List(items))
    }

    /// Over a comma; whether there was one.
    fn goes_on(&mut self, close: u8) -> Result<bool, EditError> {
        self.blank()?;
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(byte) if byte == close => Ok(false),
            _ => Err(self.wrong("a `,` or a closing bracket is missing")),
        }
    }

    fn word(&mut self) -> Result<Kind, EditError> {
        let rest = &self.text[self.at..];
        let ends = |c: char| c.is_whitespace() || matches!(c, ',' | ']' | '}' | ':' | '/' | '"' | '[' | '{');
        let word = &rest[..rest.find(ends).unwrap_or(rest.len())];
        let old = match word {
            "true" | "false" => Old::Bool,
            "null" => Old::Null,
            word if is_number(word) => Old::Number,
            "" => return Err(self.wrong("a value is missing")),
            _ => return Err(self.wrong("this is no value: text stands in quotes")),
        };
        self.at += word.len();
        Ok(Kind::Scalar { text: word.to_owned(), old })
    }

    fn string(&mut self) -> Result<String, EditError> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let Some(c) = rest.chars().next() else { return Err(self.wrong("a text does not end")) };
            match c {
                '"' => {
                    self.at += 1;
                    return Ok(out);
                }
                '\\' => out.push(self.escape()?),
                '\n' | '\r' => return Err(self.wrong("a text does not end in its line")),
                c => {
                    out.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, EditError> {
        let c = self.text.as_bytes().get(self.at + 1).copied();
        self.at += 2;
        Ok(match c {
            Some(c @ (b'"' | b'\\' | b'/')) => char::from(c),
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'u') => {
                let first = self.unit()?;
                let mut units = vec![first];
                if (0xd800..0xdc00).contains(&first) && self.text[self.at..].starts_with("\\u") {
                    self.at += 2;
                    units.push(self.unit()?);
                }
                char::decode_utf16(units).next().and_then(Result::ok).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => {
                self.at -= 2;
                return Err(self.wrong("this is no escape"));
            }
        })
    }

    fn unit(&mut self) -> Result<u16, EditError> {
        let digits = self.text.get(self.at..self.at + 4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        let unit = unit.ok_or_else(|| self.wrong("this is no escape"))?;
        self.at += 4;
        Ok(unit)
    }
}
