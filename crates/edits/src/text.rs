//! A file as text, with what is put back at the end: its byte order mark and its encoding.

use std::ops::Range;

use sf_protocol::server::Parser;

use crate::{EditError, FILE_MAX};

/// Other text in the place of a part.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Splice {
    /// Bytes that are replaced; none where something is put in.
    pub range: Range<usize>,
    /// What is there then.
    pub with: String,
}

#[derive(Clone)]
pub struct Source {
    text: String,
    marked: bool,
    /// It was no UTF-8: every byte is the character of its number (ISO 8859-1), which is what Java's properties are by
    /// their standard, and keeps whatever else is in files of lines.
    latin1: bool,
}

const MARK: char = '\u{feff}';

impl Source {
    pub fn read(parser: Parser, bytes: &[u8]) -> Result<Self, EditError> {
        if bytes.len() > FILE_MAX {
            return Err(EditError::TooLarge { bytes: bytes.len() });
        }
        let by_lines = matches!(parser, Parser::File | Parser::Properties | Parser::Ini);
        let utf16 = matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]);
        let (text, latin1) = match std::str::from_utf8(bytes) {
            Ok(text) => (text.to_owned(), false),
            Err(_) if by_lines && !utf16 => (bytes.iter().map(|byte| char::from(*byte)).collect(), true),
            Err(_) => return Err(EditError::NotText),
        };
        let unmarked = text.strip_prefix(MARK).map(str::to_owned);
        Ok(Self { marked: unmarked.is_some(), text: unmarked.unwrap_or(text), latin1 })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Puts the splices in. They do not overlap; at one place they stand in their order.
    pub fn splice(&mut self, mut splices: Vec<Splice>, key: &str) -> Result<(), EditError> {
        splices.sort_by_key(|splice| (splice.range.start, splice.range.end));
        let mut out = String::with_capacity(self.text.len() + 64);
        let mut at = 0;
        for splice in splices {
            if self.latin1 && splice.with.chars().any(|c| u32::from(c) > 0xff) {
                let why = "the file is not UTF-8, and this is a character that it cannot hold".to_owned();
                return Err(EditError::Value { key: key.to_owned(), why });
            }
            out.push_str(&self.text[at..splice.range.start]);
            out.push_str(&splice.with);
            at = splice.range.end;
        }
        out.push_str(&self.text[at..]);
        self.text = out;
        if self.text.len() > FILE_MAX { Err(EditError::TooLarge { bytes: self.text.len() }) } else { Ok(()) }
    }

    pub fn into_bytes(self) -> Result<Vec<u8>, EditError> {
        if self.latin1 {
            return self.text.chars().map(|c| u8::try_from(u32::from(c)).map_err(|_| EditError::NotText)).collect();
        }
        let mark = if self.marked { MARK.to_string() } else { String::new() };
        Ok([mark, self.text].concat().into_bytes())
    }
}

/// How lines end here: as the first one does.
pub fn line_end(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// Every line with the place of its first byte, without its end.
pub fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        let start = at;
        at += line.len();
        let line = line.strip_suffix('\n').unwrap_or(line);
        (start, line.strip_suffix('\r').unwrap_or(line))
    })
}

/// Number of the line that a place is in, from 1.
pub fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// A line put in behind the line that `at` is in.
pub fn after_line(text: &str, at: usize, line: &str) -> Splice {
    let end = line_end(text);
    match text[at..].find('\n') {
        Some(found) => Splice { range: at + found + 1..at + found + 1, with: format!("{line}{end}") },
        None if text.is_empty() => Splice { range: 0..0, with: format!("{line}{end}") },
        None if text.ends_with('\n') => Splice { range: text.len()..text.len(), with: format!("{line}{end}") },
        // The last line has no end: it gets one, and the new one has none either.
        None => Splice { range: text.len()..text.len(), with: format!("{end}{line}") },
    }
}

/// Blanks before the first thing in the line of a place.
pub fn indent_at(text: &str, at: usize) -> &str {
    let start = text[..at].rfind('\n').map_or(0, |found| found + 1);
    let line = &text[start..at];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_places_and_ends() {
        let found: Vec<_> = lines("a\r\n\nb").collect();
        assert_eq!(found, [(0, "a"), (3, ""), (4, "b")]);
        assert_eq!((line_end("a\r\nb\n"), line_end("a"), line_of("a\nb\nc", 4)), ("\r\n", "\n", 3));
    }

    #[test]
    fn a_line_is_put_in_behind_another() {
        for (text, at, then) in
            [("", 0, "x\n"), ("a\nb\n", 0, "a\nx\nb\n"), ("a\r\nb", 3, "a\r\nb\r\nx"), ("a\n", 2, "a\nx\n")]
        {
            let mut source = Source::read(Parser::Ini, text.as_bytes()).unwrap();
            source.splice(vec![after_line(text, at, "x")], "k").unwrap();
            assert_eq!(source.text(), then, "{text:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_stay() {
        let mut source = Source::read(Parser::File, b"caf\xe9\n").unwrap();
        let text = source.text().to_owned();
        source.splice(vec![after_line(&text, 0, "\u{fc}")], "k").unwrap();
        assert!(source.splice(vec![after_line("", 0, "€")], "k").is_err());
        assert_eq!(source.into_bytes().unwrap(), b"caf\xe9\n\xfc\n");
        assert!(Source::read(Parser::Json, b"\xe9").is_err() && Source::read(Parser::File, b"\xff\xfea\0").is_err());
    }
}
