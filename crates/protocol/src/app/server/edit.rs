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
