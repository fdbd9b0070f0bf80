//! What is set in a server's files before it starts. What each parser does is in `sf_edits`.

use serde::{Deserialize, Serialize};
use sf_types::FilePath;

/// The changes of one file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileEdit {
    /// Which, below the server's files. One that is not there is made where its parser can make one.
    pub path: FilePath,
    /// How it is read.
    pub parser: Parser,
    /// What is set, in order.
    pub set: Vec<SetKey>,
}

/// How a file is read and written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Parser {
    /// Lines; one that starts with the key is replaced whole.
    File,
    /// Java properties.
    Properties,
    /// Sections of `key = value`.
    Ini,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// XML.
    Xml,
    /// TOML.
    Toml,
}

/// One key that is set.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetKey {
    /// Where: dotted, `[n]` for an element, one `*` for all of them; the start of a line for [`Parser::File`].
    pub key: String,
    /// Set only where the value there is this one, or matches it where it starts with `regex:`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_if: Option<String>,
    /// To what, variables already put in.
    pub value: EditValue,
}

/// A value that is set.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum EditValue {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Text. Stays text, also where it looks like a number, unless what it replaces is a number or a truth value.
    Text(String),
}

/// How a text of an edit names a variable that is a secret, whose value the node alone has: the name between two
/// characters that no value can hold, so that nothing a person sets for a server becomes one.
#[derive(Clone, Copy, Debug)]
pub struct SecretMark;

impl SecretMark {
    /// START OF HEADING.
    const EDGE: char = '\u{1}';

    /// What stands for the variable `name`.
    pub fn of(name: &str) -> String {
        format!("{edge}{name}{edge}", edge = Self::EDGE)
    }

    /// Whether a text has one.
    pub fn is_in(text: &str) -> bool {
        text.contains(Self::EDGE)
    }

    /// Puts something in place of each; `None` where `put` has nothing for one of them. What was put in is not read again.
    pub fn replace(text: &str, mut put: impl FnMut(&str) -> Option<String>) -> Option<String> {
        let mut out = String::with_capacity(text.len());
        for (at, part) in text.split(Self::EDGE).enumerate() {
            match at % 2 {
                0 => out.push_str(part),
                _ => out.push_str(&put(part)?),
            }
        }
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_put_in_once_and_none_is_left_out() {
        let put = |name: &str| (name == "A").then(|| SecretMark::of("B"));
        let (a, b) = (SecretMark::of("A"), SecretMark::of("B"));
        for (text, expected) in [
            ("plain {{A}}".to_owned(), Some("plain {{A}}".to_owned())),
            (format!("x={a};"), Some(format!("x={b};"))),
            (format!("{a}{a}"), Some(format!("{b}{b}"))),
            (format!("{a}{b}"), None),
            ("half \u{1}A".to_owned(), Some(format!("half {b}"))),
        ] {
            assert_eq!(SecretMark::replace(&text, put), expected, "{text:?}");
        }
    }
}
