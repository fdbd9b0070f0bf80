//! One Rust file, seen as code: comments and literals are blanked out, byte for byte, so that rules match what the
//! compiler would see and offsets still point into the real text. Not a parser; rustfmt's layout is taken for granted.

mod lex;

use std::ops::Range;

/// A file under the eyes of tidy.
pub struct Source {
    /// Relative to the repository, with `/`.
    pub path: String,
    text: String,
    code: String,
    lines: Vec<usize>,
    attributes: Vec<Attribute>,
    tests: Vec<Range<usize>>,
}

/// `#[...]` or `#![...]`, and what it stands on.
struct Attribute {
    inside: Range<usize>,
    covers: Range<usize>,
}

impl Source {
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let (path, text) = (path.into(), text.into());
        let code = lex::blank(&text);
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let attributes = attributes(&code);
        let tests = attributes
            .iter()
            .filter(|attribute| is_cfg_test(&code[attribute.inside.clone()]))
            .map(|attribute| attribute.covers.clone())
            .collect();
        Self { path, text, code, lines, attributes, tests }
    }

    /// The crate's folder (`crates/store`, `bin/serverflow`, `tests/e2e`, `xtask`).
    pub fn package(&self) -> &str {
        let depth = if self.path.starts_with("xtask/") { 1 } else { 2 };
        match self.path.match_indices('/').nth(depth - 1) {
            Some((end, _)) => &self.path[..end],
            None => "",
        }
    }

    /// Offsets of `needle` in the code, whole words only.
    pub fn find<'a>(&'a self, needle: &'a str) -> impl Iterator<Item = usize> + 'a {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let (first, last) = (needle.as_bytes()[0], needle.as_bytes()[needle.len() - 1]);
        self.code.match_indices(needle).map(|(at, _)| at).filter(move |&at| {
            let before = at.checked_sub(1).map(|i| self.code.as_bytes()[i]);
            let after = self.code.as_bytes().get(at + needle.len()).copied();
            !(word(first) && before.is_some_and(word) || word(last) && after.is_some_and(word))
        })
    }

    /// The code from an offset on.
    pub fn code_from(&self, at: usize) -> &str {
        &self.code[at..]
    }

    /// The text of the plain string literal that starts at or, after white space, right behind an offset.
    pub fn literal_at(&self, at: usize) -> Option<&str> {
        let blank = self.code[at..].len() - self.code[at..].trim_start().len();
        let open = at + blank;
        let rest = self.code[open..].strip_prefix('"')?;
        let close = open + 1 + rest.find('"')?;
        Some(&self.text[open + 1..close])
    }

    /// Every attribute's inside (`cfg(test)`) with its offset.
    pub fn attributes(&self) -> impl Iterator<Item = (usize, &str)> {
        self.attributes.iter().map(|attribute| (attribute.inside.start, &self.code[attribute.inside.clone()]))
    }

    /// Whether an `#[expect(...)]` stands over this offset.
    pub fn is_expected(&self, at: usize) -> bool {
        self.attributes.iter().any(|attribute| {
            attribute.covers.contains(&at) && self.code[attribute.inside.clone()].trim_start().starts_with("expect(")
        })
    }

    /// Whether this offset is test code: a file of tests, or under `#[cfg(test)]`.
    pub fn is_test(&self, at: usize) -> bool {
        self.path.starts_with("tests/")
            || self.path.contains("/tests/")
            || self.path.ends_with("/tests.rs")
            || self.tests.iter().any(|range| range.contains(&at))
    }

    /// Lines before the trailing `#[cfg(test)] mod ...`, or all of them.
    pub fn lines_without_tests(&self) -> usize {
        let end = self.code.trim_end().len();
        let trailing = self.tests.iter().find(|range| range.end >= end && self.code[(*range).clone()].contains("mod "));
        match trailing {
            Some(range) => self.line(range.start) - 1,
            None => self.text.lines().count(),
        }
    }

    /// The line of an offset, from 1.
    pub fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|&start| start <= at)
    }

    /// The text of a line, from 1; empty outside the file.
    pub fn line_text(&self, line: usize) -> &str {
        line.checked_sub(1).and_then(|index| self.text.lines().nth(index)).unwrap_or_default()
    }
}

fn is_cfg_test(inside: &str) -> bool {
    let inside: String = inside.split_whitespace().collect();
    inside == "cfg(test)" || inside.starts_with("cfg(all(test,")
}

fn attributes(code: &str) -> Vec<Attribute> {
    let mut found = Vec::new();
    for (hash, _) in code.match_indices('#') {
        let inner = code[hash + 1..].starts_with('!');
        let open = hash + 1 + usize::from(inner);
        if !code[open..].starts_with('[') {
            continue;
        }
        let close = lex::closing(code, open);
        let covers = if inner { hash..code.len() } else { hash..lex::item_end(code, (close + 1).min(code.len())) };
        found.push(Attribute { inside: open + 1..close, covers });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_known_by_path_and_by_attribute() {
        let text = "fn a() {}\n\n#[cfg(test)]\n#[expect(x)]\nmod tests {\n    fn b() {}\n}\n";
        let source = Source::new("crates/x/src/a.rs", text);
        assert!(!source.is_test(text.find("fn a").unwrap()));
        assert!(source.is_test(text.find("fn b").unwrap()));
        assert_eq!(source.lines_without_tests(), 2);
        assert!(Source::new("tests/e2e/src/lib.rs", text).is_test(0));
        assert!(Source::new("crates/x/src/a/tests.rs", text).is_test(0));
    }

    #[test]
    fn tests_in_the_middle_shorten_nothing() {
        let text = "#[cfg(test)]\nmod tests {}\nfn a() {}\n";
        assert_eq!(Source::new("crates/x/src/a.rs", text).lines_without_tests(), 3);
    }

    #[test]
    fn expectations_cover_their_item_only() {
        let text = "#[expect(a, reason = \"b; }\")]\nlet x = call(|| { one() });\ntwo();\n";
        let source = Source::new("a.rs", text);
        assert!(source.is_expected(text.find("one").unwrap()));
        assert!(!source.is_expected(text.find("two").unwrap()));
        assert!(Source::new("a.rs", "#![expect(a)]\nfn x() {}\n").is_expected(14));
    }

    #[test]
    fn words_are_whole_and_literals_are_read_behind_them() {
        let source = Source::new("a.rs", "my_spawn(1); spawn(\n    \"sh\"); // spawn(");
        let found: Vec<_> = source.find("spawn(").collect();
        assert_eq!(found, [13]);
        assert_eq!(source.literal_at(13 + "spawn(".len()), Some("sh"));
        assert_eq!(source.literal_at(0), None);
    }

    #[test]
    fn packages_are_folders() {
        for (path, package) in [
            ("crates/store/src/lib.rs", "crates/store"),
            ("bin/serverflow/src/main.rs", "bin/serverflow"),
            ("xtask/src/main.rs", "xtask"),
            ("build.rs", ""),
        ] {
            assert_eq!(Source::new(path, "").package(), package);
        }
    }
}
