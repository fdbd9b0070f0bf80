//! From a text of XML to its elements and their places.

use std::ops::Range;

use crate::text::line_of;
use crate::{DEPTH_MAX, EditError};

pub struct Attribute {
    pub name: String,
    /// Its entities replaced.
    pub value: String,
    /// Between its quotes.
    pub inner: Range<usize>,
}

/// What is in an element.
pub enum Piece {
    Text(Range<usize>),
    /// CDATA, its brackets included.
    Data(Range<usize>),
    Element(usize),
}

pub struct Element {
    pub name: String,
    pub attributes: Vec<Attribute>,
    pub pieces: Vec<Piece>,
    /// The first tag.
    pub open: Range<usize>,
    /// Behind the name in it.
    pub name_end: usize,
    /// The last tag; none where the first closes itself.
    pub close: Option<Range<usize>>,
}

#[derive(Default)]
pub struct Document {
    pub elements: Vec<Element>,
    pub root: Option<usize>,
}

const DATA: &str = "<![CDATA[";

impl Element {
    pub fn end(&self) -> usize {
        self.close.as_ref().map_or(self.open.end, |close| close.end)
    }
}

impl Piece {
    /// What it says, where it is text.
    pub fn text(&self, text: &str) -> String {
        match self {
            Self::Text(range) => unescaped(&text[range.clone()]),
            Self::Data(range) => text[range.start + DATA.len()..range.end - 3].to_owned(),
            Self::Element(_) => String::new(),
        }
    }
}

/// A name of an element or attribute; section 2.3, with any letter beyond ASCII.
pub fn is_name(text: &str) -> bool {
    let first = |c: char| c.is_alphabetic() || matches!(c, '_' | ':');
    let inner = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '-' | '.' | '\u{b7}');
    text.chars().next().is_some_and(first) && text.chars().all(inner)
}

struct Scan<'t> {
    text: &'t str,
    at: usize,
    document: Document,
    open: Vec<usize>,
}

pub fn document(text: &str) -> Result<Document, EditError> {
    let mut scan = Scan { text, at: 0, document: Document::default(), open: Vec::new() };
    while scan.at < text.len() {
        scan.step()?;
    }
    match scan.open.last() {
        Some(at) => Err(scan.wrong(&format!("<{}> is not closed", scan.document.elements[*at].name))),
        None => Ok(scan.document),
    }
}

impl Scan<'_> {
    fn wrong(&self, why: &str) -> EditError {
        EditError::Syntax { line: line_of(self.text, self.at), why: why.to_owned() }
    }

    fn step(&mut self) -> Result<(), EditError> {
        let rest = &self.text[self.at..];
        if rest.starts_with("<!--") {
            self.over("-->", "a comment does not end")
        } else if rest.starts_with("<?") {
            self.over("?>", "an instruction does not end")
        } else if rest.starts_with(DATA) {
            let start = self.at;
            self.over("]]>", "CDATA does not end")?;
            self.piece(Piece::Data(start..self.at))
        } else if rest.starts_with("<!") {
            self.document_type()
        } else if rest.starts_with("</") {
            self.close()
        } else if rest.starts_with('<') {
            self.element()
        } else {
            let start = self.at;
            self.at += rest.find('<').unwrap_or(rest.len());
            let blank = self.text[start..self.at].trim().is_empty();
            if self.open.is_empty() {
                return if blank { Ok(()) } else { Err(self.wrong("there is text outside of the elements")) };
            }
            self.piece(Piece::Text(start..self.at))
        }
    }

    fn piece(&mut self, piece: Piece) -> Result<(), EditError> {
        match self.open.last() {
            Some(at) => {
                self.document.elements[*at].pieces.push(piece);
                Ok(())
            }
            None => Err(self.wrong("there is text outside of the elements")),
        }
    }

    fn over(&mut self, end: &str, why: &str) -> Result<(), EditError> {
        let found = self.text[self.at..].find(end).ok_or_else(|| self.wrong(why))?;
        self.at += found + end.len();
        Ok(())
    }

    /// Passed over: what it declares is not looked at. It may have brackets and quotes.
    fn document_type(&mut self) -> Result<(), EditError> {
        let (mut depth, mut quote) = (0_usize, None);
        for (at, c) in self.text[self.at..].char_indices() {
            match (c, quote) {
                ('\'' | '"', None) => quote = Some(c),
                (c, Some(open)) if c == open => quote = None,
                ('<' | '[', None) => depth += 1,
                ('>' | ']', None) => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        self.at += at + 1;
                        return Ok(());
                    }
                }
                _ => {}
            }
        }
        Err(self.wrong("the document type does not end"))
    }

    fn name(&mut self) -> Result<String, EditError> {
        let rest = &self.text[self.at..];
        let ends = |c: char| c.is_whitespace() || matches!(c, '/' | '>' | '=' | '<' | '"' | '\'');
        let name = &rest[..rest.find(ends).unwrap_or(rest.len())];
        if !is_name(name) {
            return Err(self.wrong("a name is missing"));
        }
        self.at += name.len();
        Ok(name.to_owned())
    }

    fn blank(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn close(&mut self) -> Result<(), EditError> {
        let start = self.at;
        self.at += 2;
        let name = self.name()?;
        self.blank();
        if !self.text[self.at..].starts_with('>') {
            return Err(self.wrong("a `>` is missing"));
        }
        self.at += 1;
        match self.open.pop() {
            Some(at) if self.document.elements[at].name == name => {
                self.document.elements[at].close = Some(start..self.at);
                Ok(())
            }
            _ => Err(self.wrong(&format!("</{name}> closes what is not open"))),
        }
    }

    fn element(&mut self) -> Result<(), EditError> {
        let start = self.at;
        if self.open.len() >= DEPTH_MAX {
            return Err(EditError::Depth);
        }
        self.at += 1;
        let name = self.name()?;
        let name_end = self.at;
        let mut attributes = Vec::new();
        let closes = loop {
            self.blank();
            let rest = &self.text[self.at..];
            if rest.starts_with("/>") {
                self.at += 2;
                break true;
            }
            if rest.starts_with('>') {
                self.at += 1;
                break false;
            }
            attributes.push(self.attribute()?);
        };
        let at = self.document.elements.len();
        let (open, pieces) = (start..self.at, Vec::new());
        self.document.elements.push(Element { name, attributes, pieces, open, name_end, close: None });
        match self.open.last() {
            Some(above) => self.document.elements[*above].pieces.push(Piece::Element(at)),
            None if self.document.root.is_none() => self.document.root = Some(at),
            None => return Err(self.wrong("there is a second root")),
        }
        if !closes {
            self.open.push(at);
        }
        Ok(())
    }

    fn attribute(&mut self) -> Result<Attribute, EditError> {
        let name = self.name()?;
        self.blank();
        if !self.text[self.at..].starts_with('=') {
            return Err(self.wrong("an attribute has no value"));
        }
        self.at += 1;
        self.blank();
        let rest = &self.text[self.at..];
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
        let quote = quote.ok_or_else(|| self.wrong("an attribute's value is not in quotes"))?;
        let length = rest[1..].find(quote).ok_or_else(|| self.wrong("an attribute's value does not end"))?;
        let inner = self.at + 1..self.at + 1 + length;
        self.at = inner.end + 1;
        Ok(Attribute { name, value: unescaped(&self.text[inner.clone()]), inner })
    }
}

/// The five entities of XML and numbers; anything else stays as it is written.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        // No further than the longest one: a text of ampersands is no reason to search it over and over.
        let entity = rest.bytes().take(12).position(|byte| byte == b';').map(|end| &rest[1..end]);
        let number = |digits: &str| match digits.strip_prefix('x') {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => digits.parse().ok(),
        };
        let c = match entity {
            Some("amp") => Some('&'),
            Some("lt") => Some('<'),
            Some("gt") => Some('>'),
            Some("quot") => Some('"'),
            Some("apos") => Some('\''),
            Some(other) => other.strip_prefix('#').and_then(number).and_then(char::from_u32),
            None => None,
        };
        match (c, entity) {
            (Some(c), Some(entity)) => {
                out.push(c);
                rest = &rest[entity.len() + 2..];
            }
            _ => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}
