//! What a workflow is run with, from the command line.

use std::io::Read;
use std::path::Path;

use serde_json::{Map, Value};

use crate::failure::{Exit, Failure};

/// Bytes read of a document or an input: more than one may have, so that a longer one is refused and not cut.
const MAX_READ_BYTES: u64 = (1 << 20) + 1;

/// Options that give an input.
#[derive(Debug, clap::Args)]
pub struct InputArgs {
    /// A value of its input; a text where the workflow wants one, else JSON.
    #[arg(long = "input", value_name = "KEY=VALUE")]
    pairs: Vec<String>,
    /// A JSON file with its whole input; `-` reads standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "pairs")]
    input_file: Option<std::path::PathBuf>,
}

impl InputArgs {
    /// Whether any was given.
    pub const fn are_given(&self) -> bool {
        !self.pairs.is_empty() || self.input_file.is_some()
    }

    /// Whether single values were given, whose meaning the workflow's schema tells.
    pub const fn are_pairs(&self) -> bool {
        !self.pairs.is_empty()
    }

    /// The input: the file's, or `base` with the values given.
    ///
    /// # Errors
    /// A file that is no JSON; a pair without `=`.
    pub fn read(&self, base: Value, schema: Option<&Value>) -> Result<Value, Failure> {
        let Some(file) = &self.input_file else { return laid_over(base, &self.pairs, schema) };
        let text = text_of(file)?;
        serde_json::from_str(&text).map_err(|error| {
            Failure::usage(format!("{} is no JSON: {error}.", file.display()))
                .fix("Write the whole input as one JSON object, or give values with --input KEY=VALUE.")
        })
    }
}

/// `base` with the values of `KEY=VALUE`.
fn laid_over(base: Value, pairs: &[String], schema: Option<&Value>) -> Result<Value, Failure> {
    if pairs.is_empty() {
        return Ok(base);
    }
    let mut input = match base {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    for pair in pairs {
        let Some((key, text)) = pair.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            return Err(Failure::usage(format!("`{pair}` is no value of an input."))
                .fix("Write --input KEY=VALUE, one option a value."));
        };
        let wants_text = schema.and_then(|schema| schema.get("properties")?.get(key)).is_some_and(is_text);
        let value = if wants_text { Value::String(text.to_owned()) } else { guessed(text) };
        input.insert(key.to_owned(), value);
    }
    Ok(Value::Object(input))
}

/// JSON where it is some, else the text itself.
pub fn guessed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// Whether a schema takes texts and nothing else.
fn is_text(schema: &Value) -> bool {
    match schema.get("type") {
        Some(Value::String(kind)) => kind == "string",
        Some(Value::Array(kinds)) => kinds.len() == 1 && kinds[0] == "string",
        _ => schema.get("enum").and_then(Value::as_array).is_some_and(|values| values.iter().all(Value::is_string)),
    }
}

/// The text of a file, or of standard input for `-`.
///
/// # Errors
/// It cannot be read, is too large, or is no text.
pub fn text_of(file: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if file.as_os_str() == "-" {
        std::io::stdin().lock().take(MAX_READ_BYTES).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|open| open.take(MAX_READ_BYTES).read_to_string(&mut text))
    };
    match read {
        Ok(bytes) if bytes as u64 == MAX_READ_BYTES => {
            Err(Failure::new(Exit::Failed, "cli.too_large", format!("{} is larger than 1 MiB.", file.display()))
                .fix("Make it smaller: a workflow can run others (`workflow:`), each with a document of its own."))
        }
        Ok(_) => Ok(text),
        Err(error) => {
            Err(Failure::new(Exit::Failed, "cli.file", format!("{} cannot be read: {error}.", file.display()))
                .fix("Check the path and its rights; `-` reads standard input."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(pairs: &[&str], expected: &Value) {
        let schema = json!({ "properties": {
            "version": { "type": "string" }, "stage": { "enum": ["a", "b"] }, "count": { "type": "integer" },
        } });
        let pairs: Vec<String> = pairs.iter().map(|pair| (*pair).to_owned()).collect();
        let base = json!({ "kept": true });
        assert_eq!(&laid_over(base, &pairs, Some(&schema)).unwrap(), expected, "{pairs:?}");
    }

    #[test]
    fn values_are_what_the_workflow_wants() {
        check(&["version=1.0"], &json!({ "kept": true, "version": "1.0" }));
        check(&["stage=b", "count=3"], &json!({ "kept": true, "stage": "b", "count": 3 }));
        check(&["other=x=y", "list=[1]"], &json!({ "kept": true, "other": "x=y", "list": [1] }));
        check(&["kept=false", "kept=null"], &json!({ "kept": null }));
        check(&[], &json!({ "kept": true }));
    }

    #[test]
    fn a_value_has_a_name() {
        for pair in ["x", "=x"] {
            assert_eq!(laid_over(Value::Null, &[pair.to_owned()], None).unwrap_err().exit, Exit::Usage, "{pair}");
        }
    }
}
