//! Reading a text and finding where it breaks its grammar.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use tree_sitter::{Node, ParseOptions, ParseState, Parser, TreeCursor};

use crate::Language;

/// Findings told at the most; the first ones, since later ones often follow from them.
pub const FINDINGS_MAX: usize = 20;

/// One place where the grammar is broken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What is wrong, in words: `missing }`. Nothing of the text is quoted.
    pub message: String,
}

/// Why a text was not judged.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unparsed {
    /// It took too long.
    #[error("it could not be read within {} ms", .0.as_millis())]
    Slow(Duration),
    /// The grammar does not fit the library it is linked with.
    #[error("its grammar cannot be used: {0}")]
    Grammar(String),
}

/// Where `text` breaks the grammar of `language`, in the order of the text; nothing found means that it is well formed.
///
/// # Errors
/// [`Unparsed`] when it takes longer than `limit`. Whoever measures the time is the caller's process: this is the one
/// place of a pure crate that looks at a clock, to give up on hostile input.
pub fn check(language: Language, text: &str, limit: Duration) -> Result<Vec<Finding>, Unparsed> {
    let mut parser = Parser::new();
    parser.set_language(&language.grammar()).map_err(|error| Unparsed::Grammar(error.to_string()))?;
    let since = Instant::now();
    let mut progress = |_: &ParseState| {
        if since.elapsed() > limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut progress);
    let bytes = text.as_bytes();
    let mut read = |at: usize, _| bytes.get(at..).unwrap_or_default();
    let tree = parser.parse_with_options(&mut read, None, Some(options)).ok_or(Unparsed::Slow(limit))?;
    if !tree.root_node().has_error() {
        return Ok(Vec::new());
    }
    let mut findings = Vec::new();
    let mut cursor = tree.walk();
    while findings.len() < FINDINGS_MAX {
        let node = cursor.node();
        let broken = node.is_error() || node.is_missing();
        if broken {
            findings.push(finding(node, text));
        }
        // Inside of a broken part everything is broken.
        let inside = !broken && node.has_error() && cursor.goto_first_child();
        if !inside && !onward(&mut cursor) {
            break;
        }
    }
    Ok(findings)
}

/// To the next node that is not below this one; `false` at the end.
fn onward(cursor: &mut TreeCursor<'_>) -> bool {
    while !cursor.goto_next_sibling() {
        if !cursor.goto_parent() {
            return false;
        }
    }
    true
}

fn finding(node: Node<'_>, text: &str) -> Finding {
    let start = node.start_position();
    let line_start = text.get(..node.start_byte()).map_or(0, |before| before.rfind('\n').map_or(0, |at| at + 1));
    let column = text.get(line_start..node.start_byte()).map_or(start.column, |before| before.chars().count());
    // Nothing is quoted: what a file says is for those who may read it, and findings go further.
    let message = if node.is_missing() {
        format!("missing {}", named(node.kind()))
    } else {
        "not understood from here".to_owned()
    };
    let number = |index: usize| u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1);
    Finding { line: number(start.row), column: number(column), message }
}

/// Grammars call punctuation by itself and the rest by names with underscores.
fn named(kind: &str) -> String {
    kind.trim_start_matches('_').replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    /// For each language something well formed, and the same with an error in the line that is named.
    const SAMPLES: &[(Language, &str, &str, u32)] = &[
        (Language::JavaScript, "const a = () => <b>{1}</b>;\nexport default a;\n", "const a = 1;\nfunction f( {\n", 2),
        (Language::TypeScript, "type A = { b: string };\nconst a: A = { b: `x` };\n", "type A = {\n b: ;\n};\n", 2),
        (Language::Tsx, "const a = <A<string> b={1} />;\n", "const a = <A b={1} ;\n", 1),
        (Language::Python, "def f(a: int = 1) -> str:\n    return f'{a}'\n", "a = 1\ndef f(:\n    pass\n", 2),
        (Language::Json, "{\"a\": [1, 2.5e3, null]}\n", "{\"a\": [1, 2}\n", 1),
        (Language::Yaml, "a:\n  - b: 1\n  - c: |\n      text\n", "a: [1, 2\nb: 3\n", 1),
        (Language::Toml, "[a]\nb = { c = 1 }\n", "[a]\nb = \n", 2),
        (Language::Html, "<!doctype html><p>a<br>b</p>\n", "<p>a</p>\n<div><a href=\"x></a>\n", 2),
        (
            Language::Css,
            "a:hover { color: red; }\n@media print { b { top: 0 } }\n",
            "a { color: red; }\nb { top: 0; } }\n",
            2,
        ),
        (Language::Rust, "fn main() { let a = |x: u8| x + 1; }\n", "fn main() {\n    let a = ;\n}\n", 2),
        (Language::Go, "package a\nfunc F[T any](x T) T { return x }\n", "package a\nfunc F( { }\n", 2),
        (Language::Php, "<p><?php echo $a ?? 1; ?></p>\n", "<?php\n$a = ;\n", 2),
        (Language::Shell, "for a in 1 2; do\n  echo \"$a\"\ndone\n", "if true; then\n  echo 1\n", 3),
    ];

    #[test]
    fn every_language_is_read_and_its_errors_have_a_place() {
        for (language, right, wrong, line) in SAMPLES {
            assert_eq!(check(*language, right, LIMIT), Ok(Vec::new()), "{language:?}");
            let found = check(*language, wrong, LIMIT).unwrap();
            assert!(found.iter().any(|finding| finding.line == *line), "{language:?}: {found:?}");
            assert!(found.len() <= FINDINGS_MAX && found.iter().all(|finding| !finding.message.is_empty()));
        }
    }

    #[test]
    fn columns_are_characters() {
        let found = check(Language::Json, "{\"ä\": \"ö\", €}", LIMIT).unwrap();
        assert_eq!((found[0].line, found[0].column), (1, 10), "{found:?}");
    }

    #[test]
    fn hostile_texts_end() {
        let deep = "[".repeat(200_000);
        let errors = "}{".repeat(20_000);
        for (language, text) in [(Language::Json, deep.as_str()), (Language::JavaScript, errors.as_str())] {
            let since = Instant::now();
            match check(language, text, Duration::from_millis(500)) {
                Ok(found) => assert!(!found.is_empty() && found.len() <= FINDINGS_MAX),
                Err(unparsed) => assert_eq!(unparsed, Unparsed::Slow(Duration::from_millis(500))),
            }
            assert!(since.elapsed() < Duration::from_secs(20), "{language:?} took {:?}", since.elapsed());
        }
        assert_eq!(check(Language::Shell, "\0\u{1}\u{feff}", LIMIT).map(|found| found.is_empty()), Ok(false));
    }
}
