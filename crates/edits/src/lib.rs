//! What a template sets in a server's files before each start: [`apply`], from a file's bytes to its new bytes.
//!
//! Floor 2 and pure. It must never know a file system, a server or a template; variables are already put in. A file is
//! never written anew from what was read of it: a value is replaced, or a line put in, where it stands, so that comments,
//! order, indentation, line ends and a byte order mark stay as they were.
//!
//! What each parser does with a key:
//!
//! | parser | key | absent |
//! |---|---|---|
//! | `file` | the start of a line, which is replaced whole | nothing, with a warning |
//! | `properties` | the whole key | a line at the end |
//! | `ini` | `section.key`, parted at the first dot outside of brackets; brackets are dropped | a line in its section, made where it is missing |
//! | `json`, `yaml`, `toml` | names parted by dots (`\.` is a dot of a name), `[n]` for an element, one `*` for all | made, with all that is above it; `[n]` where it is the next element |
//! | `xml` | elements from the root on, parted by dots, with `[@attr='x']` or `[n]` (from 1), one `*` | made, with all that is above it |
//!
//! In XML a value of the form `[attr='x']` sets an attribute of the element.
//!
//! [`SetKey::only_if`] is heeded by all: the value there has to be that text; with `regex:` it has to match, and what
//! matches is replaced, `$1` and `$name` standing for its groups. In `file`, "the value there" is the line, or what is in
//! it after the key and one `=` or `:`; where it matches, the whole line is replaced. Where nothing is there, nothing is set.
//!
//! Text stays text: `"123"` becomes a number only where a number is replaced, and `"true"` a truth value likewise.
//!
//! A file that cannot be read is an error with a line, and stays as it is. What cannot be set in it as it is
//! ([`Warning`]) is passed over and told.
//!
//! Start reading at [`apply`]; the parsers are a file each, and `tree.rs` is what JSON and YAML share.

mod condition;
mod fault;
mod file;
mod ini;
mod json;
mod key;
mod properties;
mod text;
mod toml;
mod tree;
mod value;
mod xml;
mod yaml;

pub use fault::{EditError, Warning, WarningKind};

use sf_protocol::server::{Parser, SetKey};

use condition::Condition;
use text::{Source, Splice};

/// Bytes of a file at the most, before and after.
pub const FILE_MAX: usize = 4 * 1024 * 1024;
/// Keys that one call sets at the most.
pub const KEYS_MAX: usize = 1000;
/// Bytes of a value at the most.
pub const VALUE_MAX: usize = 64 * 1024;
/// Nesting of a file, and names of a key, at the most.
pub const DEPTH_MAX: usize = 100;

/// A file after its edits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edited {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whether they differ from those before.
    pub changed: bool,
    /// What was not set, or was set in a way that may surprise.
    pub warnings: Vec<Warning>,
}

/// What one parser makes of one key.
#[derive(Default)]
struct Change {
    splices: Vec<Splice>,
    warnings: Vec<WarningKind>,
}

/// One key as the parsers get it.
struct Set<'k> {
    key: &'k SetKey,
    condition: Condition,
}

/// Sets `set` in order in a file; an empty one is made where its parser can make one.
///
/// # Errors
/// [`EditError`]; nothing of the file is changed then.
pub fn apply(parser: Parser, bytes: &[u8], set: &[SetKey]) -> Result<Edited, EditError> {
    if set.len() > KEYS_MAX {
        return Err(EditError::TooMany { keys: set.len() });
    }
    let mut source = Source::read(parser, bytes)?;
    let mut warnings = Vec::new();
    for key in set {
        check_value(key)?;
        let set = Set { key, condition: Condition::of(key)? };
        let Change { splices, warnings: kinds } = set_one(parser, source.text(), &set)?;
        for kind in kinds {
            let warning = Warning { key: key.key.clone(), kind };
            // Once a key, however many places it has.
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        if splices.is_empty() {
            continue;
        }
        let before = source.clone();
        source.splice(splices, &key.key)?;
        if !is_settled(parser, source.text(), &set) {
            source = before;
            warnings.push(Warning { key: key.key.clone(), kind: WarningKind::Unsure });
        }
    }
    let edited = source.into_bytes()?;
    Ok(Edited { changed: edited != bytes, bytes: edited, warnings })
}

fn set_one(parser: Parser, text: &str, set: &Set<'_>) -> Result<Change, EditError> {
    match parser {
        Parser::File => file::set(text, set),
        Parser::Properties => properties::set(text, set),
        Parser::Ini => ini::set(text, set),
        Parser::Json => json::set(text, set),
        Parser::Yaml => yaml::set(text, set),
        Parser::Xml => xml::set(text, set),
        Parser::Toml => toml::set(text, set),
    }
}

/// Whether the file can still be read, and says what was set: setting it once more would change nothing. Files have forms
/// that nobody thought of, and a server's own file is not the place to find out.
fn is_settled(parser: Parser, text: &str, set: &Set<'_>) -> bool {
    set_one(parser, text, set).is_ok_and(|again| !set.condition.makes() || again.splices.is_empty())
}

fn check_value(key: &SetKey) -> Result<(), EditError> {
    use sf_protocol::server::EditValue;
    match &key.value {
        EditValue::Text(text) if text.len() > VALUE_MAX => {
            Err(EditError::Value { key: key.key.clone(), why: format!("it has more than {VALUE_MAX} bytes") })
        }
        EditValue::Text(text) if text.contains('\0') => {
            Err(EditError::Value { key: key.key.clone(), why: "it has a NUL".to_owned() })
        }
        _ => Ok(()),
    }
}
